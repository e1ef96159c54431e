/* SPDX-License-Identifier: BSD-2-Clause */
/* nd_router.h - router discovery (RFC 4861 section 6.3, RFC 4191, RFC 7559, RFC 8106) and redirects (RFC 4861 section 8).
 *
 * What routers tell goes where it is used, with its lifetime: default routers, more specific routes, on-link prefixes and
 * redirects into the routing table (origins NET_SLAAC and NET_REDIRECT), addresses into the address table (slaac.h), the rest into the
 * link's struct nd_link. The routing table chooses between routers (route.h).
 * Promises: what an advertisement can fill is bounded for each link, a newcomer never displaces what is there, and both are
 *           counted. Redirects: see redirect.h. */
#ifndef TAPIR_STACK_ND_ROUTER_H
#define TAPIR_STACK_ND_ROUTER_H

#include <stdbool.h>
#include <stdint.h>

#include "ip.h"

struct link;
struct neigh;

enum { ND_ROUTERS_MAX = 16, ND_PREFIXES_MAX = 32, ND_ROUTES_MAX = 64 };

void nd_router_init(struct stack *st, struct link *l);

/* The link has a link-local address that may be used: look for routers, from the beginning.
 * @has_waited: a time chosen at random has passed since it came up, so the first question need not wait for another (section 6.3.7). */
void nd_router_solicit(struct link *l, bool has_waited);
void nd_router_stop(struct link *l); /* the link is down */

/* A default route that a router told is gone: look for routers when it was the last of the link. */
void nd_router_lost(struct stack *st, uint32_t ifindex);

/* The link is up again, perhaps on another network: parameters are forgotten, and the addresses of old prefixes deprecated, until a
 * router tells them again. Routes stay: a router that is not there any more is silent, and left for another. */
void nd_router_restart(struct link *l);

/* A message of its type with hop limit 255, on an Ethernet link. The window begins with the ICMPv6 header. */
void nd_router_advertisement(struct stack *st, struct link *l, const struct frame *f, const struct ip_rx *rx);
void nd_redirect(struct stack *st, struct link *l, const struct frame *f, const struct ip_rx *rx);

/* A router that says it is none any more (RFC 4861 section 7.2.5). */
void nd_router_gone(struct stack *st, struct link *l, const struct ip_addr *router);

/* Parameters of the link, a router's or our own. */
uint8_t nd_hop_limit(struct stack *st, uint32_t ifindex); /* 0: no link in particular */
uint32_t nd_mtu(const struct link *l);
uint32_t nd_retrans_ms(struct stack *st, const struct link *l);

#endif
