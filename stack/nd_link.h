/* SPDX-License-Identifier: BSD-2-Clause */
/* nd_link.h - what routers said about a link (RFC 4861 section 6.3.2, RFC 8106), beside the routes and addresses that came of it. */
#ifndef TAPIR_STACK_ND_LINK_H
#define TAPIR_STACK_ND_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "nd_opt.h"
#include "nd_told.h"
#include "timer.h"

struct stack;
struct link;

enum { ND_SERVERS_MAX = 8, ND_DOMAINS_MAX = 8 };

struct nd_server {
	struct ip_addr addr;
	uint64_t until_us; /* 0: the place is free; UINT64_MAX: for ever */
};

struct nd_domain {
	char name[ND_DOMAIN_MAX];
	uint64_t until_us;
};

/* What routers tell routes for; a link may have so many of each (nd_router.h). */
enum route_told { ROUTE_TOLD_DEFAULT, ROUTE_TOLD_PREFIX, ROUTE_TOLD_SPECIFIC, ROUTE_TOLD_KINDS };

struct nd_link {
	struct stack *st;
	struct link *l;
	/* Values of the last advertisements; 0: not told, the stack's own hold. */
	uint8_t hop_limit;
	uint32_t reachable_ms, retrans_ms, mtu;
	/* DHCPv6 has addresses; it has other things to tell (RFC 4861 section 4.2). */
	bool has_advertisement, is_managed, is_other;
	/* Router solicitations (nd_router.c): sent so far, and the wait before the next. */
	struct timer solicit;
	uint32_t solicitations;
	uint64_t interval_us;
	struct timer temporary; /* when the next temporary address is to be made (slaac.c) */
	struct nd_server servers[ND_SERVERS_MAX];
	struct nd_domain domains[ND_DOMAINS_MAX];
	struct nd_told told[ND_TOLD_MAX];
	unsigned told_used; /* no place from there on is taken */
	uint32_t routes[ROUTE_TOLD_KINDS]; /* how many there are, of NET_SLAAC (route.c) */
};

#endif
