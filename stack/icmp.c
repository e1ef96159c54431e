/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

int icmp_init(struct stack *st)
{
	(void)st;
	return 0;
}

void icmp_fini(struct stack *st)
{
	(void)st;
}
