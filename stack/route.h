/* SPDX-License-Identifier: BSD-2-Clause */
/* route.h - the routing table: longest prefix first, then the lowest metric, then the highest preference (RFC 4191) of a router that
 * is not known to be silent; between routers that advertise themselves see route_lookup(). Each entry tells its origin (enum net_origin), and goes when its lifetime is over.
 * Costs:    a lookup walks the sorted list. Tables of hosts are short, and sockets cache what they find (struct ip_dst), so
 *           no packet pays for it. What routers tell is found by a hash and counted as it comes and goes: an advertisement holds
 *           dozens of routes, and anybody on the link can send many.
 * Promises: every change raises the stack's route_generation. */
#ifndef TAPIR_STACK_ROUTE_H
#define TAPIR_STACK_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "hash.h"
#include "list.h"
#include "pool.h"
#include "stack.h"
#include "timer.h"

struct route {
	struct list link, bucket_link;
	struct route_config config; /* prefix with its host bits cleared */
	struct stack *st;
	uint64_t until_us; /* UINT64_MAX: for ever */
	struct timer timer;
	uint64_t tried; /* the turn at which it was last chosen */
};

enum { ROUTE_COUNT_MAX = 4096, ROUTE_BUCKETS = 512 };

struct route_table {
	struct list all; /* sorted: longer prefixes first, lower metrics first among equals */
	struct hash_key key;
	struct list buckets[ROUTE_BUCKETS];
	uint32_t redirects; /* how many of NET_REDIRECT */
	struct pool pool;
	uint64_t turn;
};

int route_table_init(struct stack *st); /* 0 or -ENOBUFS */
void route_table_fini(struct stack *st);

int route_add_onlink(struct stack *st, const struct ip_prefix *prefix, uint32_t ifindex); /* 0, -EEXIST, -ENOBUFS */
void route_del_onlink(struct stack *st, const struct ip_prefix *prefix, uint32_t ifindex);

const char *net_origin_text(enum net_origin origin);

int route_refusal(const struct route *r); /* 0, or the error that the route answers with */

/* The route to @dst for packets from @src (NULL, the wildcard: not known yet), out of link @ifindex (0: any). NULL: none.
 * Of routers that advertise themselves, one that told of the source's prefix comes first (RFC 8028), else the highest preference; of
 * equals one whose link address is known (RFC 4861 section 6.3.6), and each destination has its own of them (RFC 4311). */
const struct route *route_lookup(struct stack *st, const struct ip_addr *dst, const struct ip_addr *src, uint32_t ifindex);

/* The same for a packet that is to be sent: routers that don't answer take turns, and better ones that did not are asked again. */
const struct route *route_choose(struct stack *st, const struct ip_addr *dst, const struct ip_addr *src, uint32_t ifindex);

/* For who learns routes from packets (nd_router.c). */
struct route *route_find(struct stack *st, const struct route_config *c); /* equal prefix, metric, link, gateway; NULL: none */
void route_remove(struct stack *st, struct route *r);
enum route_told route_told_kind(const struct route_config *c);
bool route_remove_silent_router(struct stack *st, uint32_t ifindex); /* a default router that told of itself and does not answer */
bool route_leads_through(struct stack *st, uint32_t ifindex, const struct ip_addr *gateway);
bool route_is_learnt_through(struct stack *st, uint32_t ifindex, const struct ip_addr *gateway);
void route_remove_through(struct stack *st, uint32_t ifindex, const struct ip_addr *gateway); /* what was learnt only */
void route_remove_redirect(struct stack *st, uint32_t ifindex, const struct ip_addr *dst);
void route_remove_oldest_redirect(struct stack *st);

struct neigh;

/* The neighbour does not answer: forget redirects to it, and have all who send through it choose again. */
void route_on_silence(struct stack *st, const struct neigh *n);

/* Whether @a is on the network of link @ifindex. */
bool route_is_onlink(struct stack *st, const struct ip_addr *a, uint32_t ifindex);

#endif
