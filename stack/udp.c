/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

int udp_table_init(struct stack *st)
{
	(void)st;
	return 0;
}

void udp_table_fini(struct stack *st)
{
	(void)st;
}

void udp_input(struct stack *st, struct frame *f, const struct ip_rx *rx)
{
	(void)st, (void)f, (void)rx;
}

void udp_icmp_error(struct stack *st, const struct icmp_error *e)
{
	(void)st, (void)e;
}

const struct sock_ops udp_sock_ops = { .name = "udp", .sock_bytes = sizeof(struct sock) };
