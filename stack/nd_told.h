/* SPDX-License-Identifier: BSD-2-Clause */
/* nd_told.h - which router told of which prefix, on a link: sources are chosen for the next hop (RFC 6724 section 5, rule 5.5), and next hops
 * for the source (RFC 8028 section 3.2), since another router's network would throw the packet away.
 * Promises: at most ND_TOLD_MAX pairs, the first come stay until they end; more are counted. */
#ifndef TAPIR_STACK_ND_TOLD_H
#define TAPIR_STACK_ND_TOLD_H

#include <stdint.h>

#include "addr.h"

struct nd_link;
struct stack;

enum { ND_TOLD_MAX = 64 };

struct nd_told {
	struct ip_addr router;
	struct ip_prefix prefix;
	uint64_t until_us; /* 0: the place is free; UINT64_MAX: for ever */
};

/* @router advertised @prefix, for so many seconds; 0: no longer. */
void nd_told_learn(struct nd_link *nd, const struct ip_addr *router, const struct ip_prefix *prefix, uint32_t valid_s);

enum nd_told_by { ND_TOLD_BY_NOBODY, ND_TOLD_BY_ANOTHER, ND_TOLD_BY_ROUTER };

/* Who told of a prefix that @addr is in: @router, or only others. */
enum nd_told_by nd_told_by(struct stack *st, uint32_t ifindex, const struct ip_addr *router, const struct ip_addr *addr);

#endif
