/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

int raw_table_init(struct stack *st)
{
	(void)st;
	return 0;
}

void raw_table_fini(struct stack *st)
{
	(void)st;
}

bool raw_input(struct stack *st, struct frame *f, const struct ip_rx *rx)
{
	(void)st, (void)f, (void)rx;
	return false;
}

bool ping_input(struct stack *st, struct frame *f, const struct ip_rx *rx)
{
	(void)st, (void)f, (void)rx;
	return false;
}

void raw_icmp_error(struct stack *st, const struct icmp_error *e)
{
	(void)st, (void)e;
}

void ping_icmp_error(struct stack *st, const struct icmp_error *e)
{
	(void)st, (void)e;
}

const struct sock_ops raw_sock_ops = { .name = "raw", .sock_bytes = sizeof(struct sock) };

const struct sock_ops ping_sock_ops = { .name = "icmp", .sock_bytes = sizeof(struct sock) };
