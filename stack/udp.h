/* SPDX-License-Identifier: BSD-2-Clause */
/* udp.h - UDP (RFC 768, RFC 8200 section 8.1, RFC 1122 section 4.1) and its sockets.
 * A datagram finds its socket in O(1): connected ones are hashed by both ends, the others by what they are bound to.
 * Several sockets bound alike share by SO_REUSEPORT (the sender's address decides, by a keyed hash) or, with SO_REUSEADDR alone,
 * the last one bound gets what comes; broadcasts and multicasts go to each. */
#ifndef TAPIR_STACK_UDP_H
#define TAPIR_STACK_UDP_H

#include <stdbool.h>
#include <stdint.h>

#include "hash.h"
#include "list.h"

struct stack;

struct udp_hash {
	struct list *buckets;
	uint32_t bucket_count, count; /* bucket_count is a power of two */
};

struct udp_table {
	struct hash_key key, share_key;
	struct udp_hash bound;	   /* by local address and port; the address may be a wildcard */
	struct udp_hash connected; /* by both ends */
};

int udp_table_init(struct stack *st); /* 0 or -ENOBUFS */
void udp_table_fini(struct stack *st);

#endif
