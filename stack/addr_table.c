/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

int addr_table_init(struct stack *st)
{
	(void)st;
	return 0;
}

void addr_table_fini(struct stack *st)
{
	(void)st;
}
