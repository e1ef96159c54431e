/* SPDX-License-Identifier: BSD-2-Clause */
/* addr_select.h - which source address, and which of several destinations first (RFC 6724), for both families.
 * Pure: what is compared comes in, an order comes out. addr_table.c asks it for sources, stack_order_destinations() for destinations.
 * The policy table is addr_policy.h's. */
#ifndef TAPIR_STACK_ADDR_SELECT_H
#define TAPIR_STACK_ADDR_SELECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "addr_policy.h"

enum { ADDR_SCOPE_INTERFACE = 1, ADDR_SCOPE_LINK = 2, ADDR_SCOPE_SITE = 5, ADDR_SCOPE_GLOBAL = 14 };

unsigned addr_scope(const struct ip_addr *a); /* section 3.1, 3.2 */

/* How many leading bits @a and @b share (section 2.2, before it is bounded by the prefix length). */
unsigned addr_common_bits(const struct ip_addr *a, const struct ip_addr *b);

struct addr_source {
	struct ip_addr addr;
	uint8_t prefix_len;
	bool is_deprecated, is_temporary;
	bool is_on_link; /* an address of the link that the packet leaves by */
	bool is_of_next_hop, is_of_another; /* who told of its prefix: the next hop; only other routers */
};

struct addr_source_query {
	const struct addr_policy_table *policy;
	struct ip_addr dst, next_hop;
	bool prefers_temporary;
};

/** addr_source_is_better - whether @a is a better source than @b (section 5, rules 1, 2, 3, 5, 5.5, 6, 7, 8; there are no home addresses).
 * For IPv4 an address of the next hop's network comes before rule 8: routers expect their own hosts' sources. */
bool addr_source_is_better(const struct addr_source *a, const struct addr_source *b, const struct addr_source_query *q);

struct addr_destination {
	struct ip_addr dst;
	bool is_usable;	   /* there is a way to it, and a source */
	struct ip_addr src;
	uint8_t src_prefix_len;
	bool src_is_deprecated;
};

/* Sort the best one to the front (section 6, rules 1, 2, 3, 5, 6, 8, 9); equals keep their order (rule 10). */
void addr_order_destinations(const struct addr_policy_table *t, struct addr_destination *d, size_t n);

#endif
