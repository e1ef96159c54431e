/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

int tcp_table_init(struct stack *st)
{
	(void)st;
	return 0;
}

void tcp_table_fini(struct stack *st)
{
	(void)st;
}

bool tcp_output(struct stack *st, struct frame_out *out)
{
	(void)st, (void)out;
	return false;
}

void tcp_input(struct stack *st, struct frame *f, const struct ip_rx *rx)
{
	(void)st, (void)f, (void)rx;
}

void tcp_icmp_error(struct stack *st, const struct icmp_error *e)
{
	(void)st, (void)e;
}

const struct sock_ops tcp_sock_ops = { .name = "tcp", .sock_bytes = sizeof(struct sock) };
