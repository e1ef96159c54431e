/* SPDX-License-Identifier: BSD-2-Clause */
/* pmtu.h - the path MTUs that routers told of (RFC 1191, RFC 8201), by destination.
 * An entry lives net.ipv4.route.mtu_expires or net.ipv6.route.mtu_expires seconds from the last report that was believed, also one that
 * told nothing new; then the link's MTU is tried again (RFC 1191 section 6.3, RFC 8201 section 4). Entries come from ip_pmtu_learn() alone: from errors that a transport recognised.
 * Limits: PMTU_COUNT_MAX entries; past it the oldest that no route was ever made with goes, else the one whose last such use is longest
 *         ago: reports can be made up for any destination, and must not push out the paths that packets take. */
#ifndef TAPIR_STACK_PMTU_H
#define TAPIR_STACK_PMTU_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "hash.h"
#include "list.h"
#include "pool.h"
#include "timer.h"

struct stack;
struct ip_dst;

enum { PMTU_BUCKETS = 256, PMTU_COUNT_MAX = 4096 };

struct pmtu_cache {
	struct hash_key key;
	struct list buckets[PMTU_BUCKETS];
	struct list by_age; /* the next to expire first */
	struct list unused, used; /* oldest first: since they were learnt; since a route was last made with them */
	struct pool pool;
	struct timer timer; /* when it does */
	struct stack *st;
};

int pmtu_cache_init(struct stack *st); /* 0 or -ENOBUFS */
void pmtu_cache_fini(struct stack *st);

/* Lower d->mtu to what is known of the path to @dst. */
void pmtu_apply(struct stack *st, const struct ip_addr *dst, struct ip_dst *d);

/* RFC 1191 section 7: the next plateau below @len, for routers that do not tell their MTU. */
uint32_t pmtu_plateau_below(uint32_t len);

#endif
