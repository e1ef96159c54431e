/* SPDX-License-Identifier: BSD-2-Clause */
/* slaac.h - addresses made from advertised prefixes (RFC 4862 section 5.5): stable ones whose interface identifier tells nothing about
 * the hardware (RFC 7217), or, if asked for, the MAC's (RFC 4291 appendix A), and temporary ones (RFC 8981).
 *
 *	net.ipv6.conf.all.addr_gen_mode   2: identifiers are a keyed hash of prefix, link and number of attempts; 0: from the MAC
 *	net.ipv6.conf.all.use_tempaddr    0: no temporary addresses; 1: also; 2: also, and preferred as sources
 *
 * Promises: at most net.ipv6.conf.all.max_addresses on a link; more prefixes are counted and ignored. The two-hour rule (section 5.5.3
 *           (e)) keeps anybody on the link from ending an address at once. */
#ifndef TAPIR_STACK_SLAAC_H
#define TAPIR_STACK_SLAAC_H

#include <stdbool.h>
#include <stdint.h>

struct stack;
struct link;
struct if_addr;
struct nd_prefix;

void slaac_init(struct link *l);

/* A prefix with the autonomous flag was advertised on the link. */
void slaac_on_prefix(struct stack *st, struct link *l, const struct nd_prefix *p);

/* The link came up again, perhaps on another network: its addresses are for old connections until their prefix is told again. */
void slaac_on_link_up(struct stack *st, const struct link *l);

/* An address was found to be another's: try the next identifier (RFC 7217 section 6, RFC 8981 section 3.3), if it is one of ours. */
void slaac_on_duplicate(struct if_addr *a);

#endif
