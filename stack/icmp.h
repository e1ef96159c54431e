/* SPDX-License-Identifier: BSD-2-Clause */
/* icmp.h - what ICMP for IPv4 and IPv6 share: how many errors we send, and who is told of those we get.
 * Promises: errors sent are limited by two token buckets, one for all and one for each destination (RFC 1812 section 4.3.2.8,
 *           RFC 4443 section 2.4 (f)), those to ourselves not; replies to echo requests are not limited.
 *           A path MTU told about an echo reply is believed of the last ICMP_REPLIES_KEPT large ones only: no socket sent them, so a
 *           forger who never saw one would otherwise have the MTU of any path in his hand (RFC 8201 section 6). */
#ifndef TAPIR_STACK_ICMP_H
#define TAPIR_STACK_ICMP_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "hash.h"
#include "ip.h"

enum { ICMP_LIMIT_BUCKETS = 512, ICMP_REPLIES_KEPT = 256 };

struct icmp_state {
	struct hash_key key;
	/* Token buckets, each as the time at which its next token would be spent if they were spent steadily: the further in
	 * the past, the more tokens there are. Destinations share one by their hash. */
	int64_t next_us, next_by_dst_us[ICMP_LIMIT_BUCKETS];
	uint64_t replies[ICMP_REPLIES_KEPT]; /* large echo replies sent, as hashes of destination, identifier and sequence number; 0: none */
};

int icmp_init(struct stack *st); /* 0 or -ENOBUFS */
void icmp_fini(struct stack *st);

/* Whether an error may be sent to @dst now; takes the tokens. Counts icmp.rate_limited. */
bool icmp_may_send_error(struct stack *st, const struct ip_addr *dst);

/* Send an ICMP message (the window is the ICMP header and what follows it) from @tx->src (wildcard: the best source) as an
 * answer to a packet that came in on @ifindex. Takes over the reference. */
void icmp_send(struct stack *st, struct frame *f, struct ip_tx *tx, uint32_t ifindex);

/* An echo reply (the window is its ICMP message) goes to @dst: who says that it is too big for the path will be believed. */
void icmp_remember_reply(struct stack *st, const struct frame *f, const struct ip_addr *dst);

/* Tell the sockets that @e is about. */
void icmp_report(struct stack *st, const struct icmp_error *e);

/* A packet of ours (the window begins with its IP header) could not be delivered to its next hop: tell its sender as a
 * router's "host unreachable" would (RFC 4861 section 7.2.2). */
void icmp_report_unreachable_next_hop(struct stack *st, const struct frame *f);

/* The packet that an error is about, from its IP header on. */
struct icmp_quote {
	const uint8_t *p;
	uint32_t len;
};

/* The packet of @rx, of whose headers the window may have lost some. */
struct icmp_quote icmp_quote_of(const struct frame *f, const struct ip_rx *rx);

/** icmp_build_error - a frame with the eight bytes of an error's header, checksum zero, and as much of @q as makes @len_max
 * bytes. @f: the frame quoted, whose open checksum is closed in the copy; NULL: there is none. NULL when out of buffers. */
struct frame *icmp_build_error(struct stack *st, uint8_t type, uint8_t code, uint32_t param, const struct icmp_quote *q,
			       uint32_t len_max, const struct frame *f);

#endif
