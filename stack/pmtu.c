/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

int pmtu_cache_init(struct stack *st)
{
	(void)st;
	return 0;
}

void pmtu_cache_fini(struct stack *st)
{
	(void)st;
}
