/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

int sock_table_init(struct stack *st)
{
	(void)st;
	return 0;
}

void sock_table_fini(struct stack *st)
{
	(void)st;
}
