/* SPDX-License-Identifier: BSD-2-Clause */
/* addr_table.h - the addresses of the links: which packets are ours, which source to use, which broadcasts we hear.
 * Addresses that somebody set work from the moment they are added, while they are still being checked for duplicates, and so do all on a
 * link that comes up again; for IPv6 that is optimistic DAD (RFC 4429), for IPv4 it deviates from RFC 5227 section 2.1. Others wait until
 * the check is over, unless net.ipv6.conf.all.optimistic_dad or net.ipv4.conf.default.optimistic_acd says otherwise. Found to be a
 * duplicate, an address stops working (RFC 4862 section 5.4.5, RFC 5227 section 2.1.1) until it is added again, or its link comes up again.
 * Lifetimes end by themselves: the preferred one makes an address deprecated, the valid one removes it.
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
struct addr_config;

/* What duplicate detection says of an address; whether it is deprecated is a matter of its lifetimes. */
enum if_addr_state {
	IF_ADDR_TENTATIVE,  /* being checked, and not used before that is over (RFC 4862 section 5.4, RFC 5227 section 2.1) */
	IF_ADDR_OPTIMISTIC, /* being checked, and used already (RFC 4429; IPv4) */
	IF_ADDR_ASSIGNED,   /* ours */
	IF_ADDR_DUPLICATE,  /* another host has it; not used */
};

enum { DAD_NONCES = 4 };

struct if_addr {
	struct list link, bucket_link;
	struct stack *st;
	struct ip_prefix prefix;
	uint32_t ifindex;
	uint8_t state;	/* enum if_addr_state */
	uint8_t origin; /* enum net_origin */
	bool has_prefix_route;
	struct ip_addr broadcast; /* beside the last address of its network; or the wildcard */
	bool no_dad; /* not to be checked */
	bool in_group; /* IPv6: the link listens to its solicited-node group */
	/* Duplicate detection: arp_acd.c for IPv4, nd.c for IPv6. */
	uint8_t probes_sent, announcements_sent;
	uint64_t defended_us; /* last defence; 0: never */
	struct timer timer;
	uint64_t valid_until_us, preferred_until_us; /* UINT64_MAX: for ever */
	struct timer life;
	uint64_t expires_at_most_us, deprecated_at_most_us; /* a temporary one's own end, whatever its router says */
	/* IPv6: solicitations still to be sent, whether one came back to us, and the nonces of the last ones (RFC 7527). */
	uint8_t probes_left;
	bool is_looped;
	uint8_t nonces[DAD_NONCES][6];
};

/* Packets to it are ours, and it may be a source. */
static inline bool if_addr_is_usable(const struct if_addr *a)
{
	return a->state == IF_ADDR_OPTIMISTIC || a->state == IF_ADDR_ASSIGNED;
}

static inline bool if_addr_is_checked_now(const struct if_addr *a)
{
	return a->state == IF_ADDR_TENTATIVE || a->state == IF_ADDR_OPTIMISTIC;
}

enum { ADDR_BUCKETS = 64, ADDR_COUNT_MAX = 4096 };

struct addr_table {
	struct list all; /* in the order they were added */
	struct list buckets[ADDR_BUCKETS];
	struct pool pool;
	unsigned own_broadcasts; /* entries with one beside the last address */
};

int addr_table_init(struct stack *st); /* 0 or -ENOBUFS */
void addr_table_fini(struct stack *st);

/* stack_set_addr() for an address that we don't have (-EEXIST, unless as a duplicate). Returns 0 or its errors. */
int addr_add(struct stack *st, const struct addr_config *config);

/* The link's own address (origin NET_LINKLOCAL); NULL: none. */
struct if_addr *addr_linklocal(struct stack *st, uint32_t ifindex);

/* An IPv6 address of the link that was found to be ours, its own before others; NULL: none. */
const struct if_addr *addr_checked6(struct stack *st, uint32_t ifindex);

/* Whether the link has an IPv4 address that was configured by hand. */
bool addr_has_static4(struct stack *st, uint32_t ifindex);

/* Take an entry out of the table. */
void addr_remove(struct if_addr *a);

/* Give an entry other lifetimes, in seconds from now. */
void addr_set_lifetimes(struct if_addr *a, uint32_t valid_s, uint32_t preferred_s);

void addr_set_preferred(struct if_addr *a, uint32_t preferred_s);

/* The preferred lifetime is over: a source of last resort (RFC 4862 section 5.5.4). */
bool if_addr_is_deprecated(const struct if_addr *a);

/* The link went down: what was being checked or announced is not, until it comes up. */
void addr_pause_link(struct stack *st, const struct link *l);

/* The link came up: check its addresses again. */
void addr_recheck_link(struct stack *st, const struct link *l);

/* The entry of @a on link @ifindex (0: any link), in use or not; NULL: not ours. */
struct if_addr *addr_find(struct stack *st, const struct ip_addr *a, uint32_t ifindex);

/* Whether packets to @a that arrive on @ifindex are for us: any address in use on any link (the weak host model of RFC 1122
 * section 3.3.4.2, as Linux), but a link-local IPv6 one only on its own. 127.0.0.0/8 is ours whole. */
bool addr_is_ours(struct stack *st, const struct ip_addr *a, uint32_t ifindex);

/* The directed broadcast of a network that link @ifindex (0: any link) is on; @ifindex_out, if not NULL, gets the link.
 * @any_form: the obsolete all-zero host part counts too (RFC 1122 section 3.3.6: to be accepted, never sent). */
bool addr_is_directed_broadcast(struct stack *st, const struct ip_addr *a, uint32_t ifindex, bool any_form,
				uint32_t *ifindex_out);

/** addr_select_source - the source address for packets to @dst out of link @ifindex.
 * By RFC 6724 (addr_select.h).
 * Returns the entry, or NULL when no address will do. */
const struct if_addr *addr_select_source(struct stack *st, const struct ip_addr *dst, const struct ip_addr *next_hop,
					 uint32_t ifindex);

/* The same for who prefers temporary addresses over public ones, or the other way round (RFC 5014), whatever use_tempaddr says. */
const struct if_addr *addr_prefer_source(struct stack *st, const struct ip_addr *dst, const struct ip_addr *next_hop,
					 uint32_t ifindex, bool prefers_temporary);

/* The address turned out to be another host's: stop using it, and tell who configured it. The entry may be gone afterwards. */
void addr_set_duplicate(struct if_addr *a);

#endif
