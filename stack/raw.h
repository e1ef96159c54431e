/* SPDX-License-Identifier: BSD-2-Clause */
/* raw.h - raw sockets (raw(7), RFC 3542 section 3).
 * A raw socket gets a copy of every packet of its protocol, before the protocol itself sees it: over IPv4 with the IP header, over
 * IPv6 without. What it sends gets an IP header from its options, or brings its own (IP_HDRINCL, IPv4 only). */
#ifndef TAPIR_STACK_RAW_H
#define TAPIR_STACK_RAW_H

#include "list.h"

struct stack;

struct raw_table {
	struct list *by_protocol; /* 256 lists */
};

int raw_table_init(struct stack *st); /* 0 or -ENOBUFS */
void raw_table_fini(struct stack *st);

#endif
