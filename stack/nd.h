/* SPDX-License-Identifier: BSD-2-Clause */
/* nd.h - IPv6 neighbour discovery (RFC 4861): solicitations and advertisements, duplicate address detection (RFC 4862
 * section 5.4; optimistic, RFC 4429; with nonces, RFC 7527), and the link-local address made of the MAC (RFC 4291 appendix A).
 * States and queues are neigh.h's, routers and redirects nd_router.h's. */
#ifndef TAPIR_STACK_ND_H
#define TAPIR_STACK_ND_H

#include <stdbool.h>
#include <stdint.h>

#include "ip.h"

struct if_addr;
struct link;

/* A message of type 133 to 137, checksum verified; the window begins with the ICMPv6 header. Borrows the frame. */
void nd_input(struct stack *st, struct frame *f, const struct ip_rx *rx);

/* Ask for @target. @mac: by unicast to it, for NUD; NULL: its solicited-node group. A wildcard @src: duplicate detection. */
void nd_send_solicitation(struct stack *st, struct link *l, const struct ip_addr *src, const struct ip_addr *target,
			  const uint8_t *mac);

/* Ask for routers, from the link's own address if that may be used. */
void nd_send_router_solicitation(struct stack *st, struct link *l, const struct ip_addr *all_routers);

/* Another host has the link's own address: no IPv6 there, until the link comes up anew. */
void nd_disable(struct stack *st, struct link *l);

/* A new address on an Ethernet link: join its solicited-node group, check it for duplicates, in the background.
 * @was_used: it is an old one, checked anew, and goes on being used. */
void nd_dad_start(struct if_addr *a, bool was_used);

/* The address is ours no longer: neither is its solicited-node group. Harmless for one that has none. */
void nd_leave_group(struct if_addr *a);

/* Give an Ethernet link its fe80::/64 address. */
void nd_add_linklocal(struct stack *st, struct link *l);

#endif
