/* SPDX-License-Identifier: BSD-2-Clause */
#include "icmp.h"

#include "core.h"

int icmp_init(struct stack *st)
{
	st->icmp.key = hash_key_derive(st->config.seed, "icmp");
	ip4_ids_init(st);
	return 0;
}

void icmp_fini(struct stack *st)
{
	(void)st;
}
