/* SPDX-License-Identifier: BSD-2-Clause */
/* route.h - the routing table: longest prefix first, then the lowest metric.
 * Two kinds of entries: "onlink", made by the addresses of a link, and "static", made by stack_add_route().
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

struct route {
	struct list link;
	struct route_config config; /* prefix with its host bits cleared */
	bool is_onlink;		    /* made by an address */
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

/* The route to @dst, out of link @ifindex (0: any). NULL: none. */
const struct route *route_lookup(struct stack *st, const struct ip_addr *dst, uint32_t ifindex);

/* Whether @a is on the network of link @ifindex. */
bool route_is_onlink(struct stack *st, const struct ip_addr *a, uint32_t ifindex);

#endif
