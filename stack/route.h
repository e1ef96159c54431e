/* SPDX-License-Identifier: BSD-2-Clause */
/* route.h - the routing table: longest prefix first, then the lowest metric, then the highest preference (RFC 4191) of a router that
 * is not known to be silent. Each entry tells its origin (enum net_origin), and goes when its lifetime is over.
 * Costs:    a lookup walks the sorted list. Tables of hosts are short, and sockets cache what they find (struct ip_dst), so
 *           no packet pays for it.
 * Promises: every change raises the stack's route_generation. */
#ifndef TAPIR_STACK_ROUTE_H
#define TAPIR_STACK_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "list.h"
#include "pool.h"
#include "stack.h"
#include "timer.h"

struct route {
	struct list link;
	struct route_config config; /* prefix with its host bits cleared */
	struct stack *st;
	uint64_t until_us; /* UINT64_MAX: for ever */
	struct timer timer;
};

enum { ROUTE_COUNT_MAX = 4096 };

struct route_table {
	struct list all; /* sorted: longer prefixes first, lower metrics first among equals */
	struct pool pool;
};

int route_table_init(struct stack *st); /* 0 or -ENOBUFS */
void route_table_fini(struct stack *st);

int route_add_onlink(struct stack *st, const struct ip_prefix *prefix, uint32_t ifindex); /* 0, -EEXIST, -ENOBUFS */
void route_del_onlink(struct stack *st, const struct ip_prefix *prefix, uint32_t ifindex);

const char *net_origin_text(enum net_origin origin);

/* The route to @dst, out of link @ifindex (0: any). NULL: none. */
const struct route *route_lookup(struct stack *st, const struct ip_addr *dst, uint32_t ifindex);

/* Whether @a is on the network of link @ifindex. */
bool route_is_onlink(struct stack *st, const struct ip_addr *a, uint32_t ifindex);

#endif
