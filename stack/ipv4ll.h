/* SPDX-License-Identifier: BSD-2-Clause */
/* ipv4ll.h - IPv4 link-local addresses (RFC 3927): an address of 169.254.1.0 - 169.254.254.255 for a link that has no other.
 *
 * A candidate is drawn from the link address and a count of conflicts, so that a host gets the same one every time (section 2.1). It
 * is probed, announced and defended like every IPv4 address (arp_acd.h); a conflict gives it up and takes the next one, and after
 * MAX_CONFLICTS not more often than once in RATE_LIMIT_INTERVAL (section 2.2.1).
 * Used by the DHCP client while no server answers; there is at most one address of this kind on a link. */
#ifndef TAPIR_STACK_IPV4LL_H
#define TAPIR_STACK_IPV4LL_H

#include <stdint.h>

#include "addr.h"
#include "timer.h"

struct stack;

struct ipv4ll {
	struct stack *st;
	uint32_t ifindex;
	uint32_t conflicts;
	struct ip_prefix addr; /* len 0: none at the moment */
	bool is_on;
	struct timer timer;
};

void ipv4ll_start(struct stack *st, uint32_t ifindex); /* harmless when it is on already */
void ipv4ll_stop(struct stack *st, uint32_t ifindex);

/* The address is another host's: take another one. */
void ipv4ll_on_conflict(struct stack *st, uint32_t ifindex, const struct ip_addr *addr);

#endif
