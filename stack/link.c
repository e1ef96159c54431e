/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

int link_table_init(struct stack *st)
{
	(void)st;
	return 0;
}

void link_table_fini(struct stack *st)
{
	(void)st;
}

int link_add_loopback(struct stack *st)
{
	(void)st;
	return 0;
}

void link_input(struct stack *st, struct frame *f)
{
	(void)st;
	frame_unref(f);
}

bool link_next_out(struct stack *st, struct frame_out *out)
{
	(void)st, (void)out;
	return false;
}

bool link_run_loopback(struct stack *st)
{
	(void)st;
	return false;
}
