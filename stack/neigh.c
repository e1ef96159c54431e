/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

int neigh_table_init(struct stack *st)
{
	(void)st;
	return 0;
}

void neigh_table_fini(struct stack *st)
{
	(void)st;
}

void neigh_attach(struct stack *st, struct ip_dst *d)
{
	(void)st, (void)d;
}

void neigh_confirm(struct stack *st, struct neigh *n)
{
	(void)st, (void)n;
}

bool neigh_may_send(struct stack *st, struct neigh *n)
{
	(void)st, (void)n;
	return false;
}
