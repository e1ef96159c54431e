/* SPDX-License-Identifier: BSD-2-Clause */
/* icmp.h - what ICMP for IPv4 and IPv6 share: how many errors we send, and who is told of those we get.
 * Promises: errors sent are limited by two token buckets, one for all and one for each destination (RFC 1812 section 4.3.2.8,
 *           RFC 4443 section 2.4 (f)); replies to echo requests are not. */
#ifndef TAPIR_STACK_ICMP_H
#define TAPIR_STACK_ICMP_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "hash.h"
#include "ip.h"

enum { ICMP_LIMIT_BUCKETS = 512 };

struct icmp_bucket {
	uint64_t filled_us; /* when the bucket would have been empty: the further back, the more tokens (see icmp.c) */
};

struct icmp_state {
	struct hash_key key;
	struct icmp_bucket all, by_dst[ICMP_LIMIT_BUCKETS];
};

int icmp_init(struct stack *st); /* 0 or -ENOBUFS */
void icmp_fini(struct stack *st);

/* Whether an error may be sent to @dst now; takes the tokens. Counts icmp.rate_limited. */
bool icmp_may_send_error(struct stack *st, const struct ip_addr *dst);

/* Tell the sockets that @e is about. */
void icmp_report(struct stack *st, const struct icmp_error *e);

/* A packet of ours (the window begins with its IP header) could not be delivered to its next hop: tell its sender as a
 * router's "host unreachable" would (RFC 1122 section 2.3.2.2 hints at it, RFC 4861 section 7.2.2 demands it). */
void icmp_report_unreachable_next_hop(struct stack *st, const struct frame *f);

/* The copy of a packet that an ICMP message carries. */
struct icmp_quote {
	const uint8_t *p;
	uint32_t len;
};

#endif
