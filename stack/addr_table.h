/* SPDX-License-Identifier: BSD-2-Clause */
/* addr_table.h - the addresses of the links: which packets are ours, which source to use, which groups and broadcasts we hear.
 * Addresses work from the moment they are added, while they are still being checked for duplicates: for IPv6 that is
 * optimistic DAD (RFC 4429), for IPv4 it deviates from RFC 5227 section 2.1, which would have a host wait some seconds. Found
 * to be a duplicate then, an address stops working (RFC 4862 section 5.4.5, RFC 5227 section 2.1.1) until it is added again.
 * Promises: looking up an address is O(1) (one hash bucket; only configuration fills the table). */
#ifndef TAPIR_STACK_ADDR_TABLE_H
#define TAPIR_STACK_ADDR_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "list.h"
#include "pool.h"
#include "timer.h"

struct stack;
struct link;

/* Tentative: in use, and being checked. Preferred: in use. Duplicate: another host has it; not used. */
enum if_addr_state { IF_ADDR_TENTATIVE, IF_ADDR_PREFERRED, IF_ADDR_DUPLICATE };
enum if_addr_origin { IF_ADDR_STATIC, IF_ADDR_LOOPBACK, IF_ADDR_LINKLOCAL };

struct if_addr {
	struct list link, bucket_link;
	struct stack *st;
	struct ip_prefix prefix;
	uint32_t ifindex;
	uint8_t state;  /* enum if_addr_state */
	uint8_t origin; /* enum if_addr_origin */
	/* Duplicate detection: arp_acd.c for IPv4, nd.c for IPv6. */
	uint8_t probes_sent, announcements_sent;
	uint64_t defended_us; /* last defence; 0: never */
	struct timer timer;
};

enum { ADDR_BUCKETS = 64, ADDR_COUNT_MAX = 4096 };

struct addr_table {
	struct list all; /* in the order they were added */
	struct list buckets[ADDR_BUCKETS];
	struct pool pool;
};

int addr_table_init(struct stack *st); /* 0 or -ENOBUFS */
void addr_table_fini(struct stack *st);

/* stack_add_addr() with an origin. Returns 0 or its errors. */
int addr_add(struct stack *st, uint32_t ifindex, const struct ip_prefix *prefix, enum if_addr_origin origin);

/* The entry of @a on link @ifindex (0: any link), in use or not; NULL: not ours. */
struct if_addr *addr_find(struct stack *st, const struct ip_addr *a, uint32_t ifindex);

/* Whether packets to @a that arrive on @ifindex are for us: any address in use on any link (the weak host model of RFC 1122
 * section 3.3.4.2, as Linux), but a link-local IPv6 one only on its own. 127.0.0.0/8 is ours whole. */
bool addr_is_ours(struct stack *st, const struct ip_addr *a, uint32_t ifindex);

/* The directed broadcast of a network that link @ifindex (0: any link) is on; @ifindex_out, if not NULL, gets the link.
 * @any_form: the obsolete all-zero host part counts too (RFC 1122 section 3.3.6: to be accepted, never sent). */
bool addr_is_directed_broadcast(struct stack *st, const struct ip_addr *a, uint32_t ifindex, bool any_form,
				uint32_t *ifindex_out);

/* Whether link @l hears the group @a: all-nodes and the solicited-node groups of its addresses (RFC 4291 section 2.8),
 * all-systems for IPv4 (RFC 1112 section 4). */
bool addr_hears_group(struct stack *st, const struct ip_addr *a, const struct link *l);

/** addr_select_source - the source address for packets to @dst out of link @ifindex.
 * IPv6: RFC 6724 section 5, rules 1, 2, 5 and 8; IPv4: the same rules, which give the address of @next_hop's network.
 * Returns the entry, or NULL when no address will do. */
const struct if_addr *addr_select_source(struct stack *st, const struct ip_addr *dst, const struct ip_addr *next_hop,
					 uint32_t ifindex);

/* The address turned out to be another host's: stop using it. */
void addr_set_duplicate(struct if_addr *a);

#endif
