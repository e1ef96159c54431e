/* SPDX-License-Identifier: BSD-2-Clause */
/* reasm.h - putting fragments together, for both families (RFC 791 section 3.2, RFC 815, RFC 8200 section 4.5).
 * Fragments are copied into small frames as they come, so that memory is held in proportion to what was received, and are
 * copied once more into one large frame when all are there.
 * Promises: no overlap is ever resolved in anybody's favour: the whole packet is refused (RFC 5722 section 4, the same for
 *           IPv4); only exact duplicates are ignored (RFC 8200 section 4.5). The result holds at most 65535 bytes.
 * Limits:   net.ipv4.ipfrag_high_thresh and net.ipv6.ip6frag_high_thresh bytes of buffers, of which one source may hold an
 *           eighth: past that its own oldest packet goes, past the whole the oldest of all (what completes at all completes
 *           soon, so the oldest is the likeliest to be bait). */
#ifndef TAPIR_STACK_REASM_H
#define TAPIR_STACK_REASM_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "frame.h"
#include "hash.h"
#include "list.h"
#include "pool.h"

struct stack;

/* One fragment; the frame's window is its payload. */
struct reasm_fragment {
	struct ip_addr src, dst;
	uint32_t id;
	uint8_t proto;	   /* IPv4: part of the key. IPv6: 0 */
	uint8_t next_hdr;  /* IPv6: the fragment header's; the first fragment's counts */
	uint16_t next_at;  /* IPv6: where in @hdr the next header field that led to the fragment header lies */
	uint8_t ecn;	   /* two bits */
	bool is_multicast; /* no ICMP error for it */
	bool more;
	uint32_t ifindex;
	uint32_t offset;   /* bytes */
	const uint8_t *hdr; /* the part in front of the fragmented one */
	uint32_t hdr_len;
	uint16_t packet_bytes; /* of the whole packet that brought it */
};

enum { REASM_BUCKETS = 1024, REASM_SOURCES = 256 };

/* Of each family; limits and times are the family's own. */
struct reasm_family {
	struct list by_age; /* incomplete packets, oldest first */
	size_t bytes;
	struct {
		struct list by_age;
		size_t bytes;
	} sources[REASM_SOURCES]; /* by hash; sources that collide share a quota */
};

struct reasm_table {
	struct hash_key key;
	struct list *buckets;
	struct reasm_family *families; /* IPv4, IPv6 */
	struct pool packets, pieces;
};

int reasm_table_init(struct stack *st); /* 0 or -ENOBUFS */
void reasm_table_fini(struct stack *st);

/* What completing a packet tells beside its bytes. */
struct reasm_result {
	uint8_t ecn;	   /* combined congestion bits (RFC 3168 section 5.3) */
	uint8_t next_hdr;  /* of the first fragment, as above */
	uint16_t next_at;
	uint32_t hdr_len;
	uint16_t packet_bytes; /* of the largest that brought a piece */
};

/** reasm_input - add a fragment. Borrows @f, and may hold its bytes only in copy.
 * Returns NULL, or the packet it completes as a frame of its own (the caller's reference): the first fragment's header as
 * it was, then the whole payload. */
struct frame *reasm_input(struct stack *st, struct frame *f, const struct reasm_fragment *frag, struct reasm_result *res);

#endif
