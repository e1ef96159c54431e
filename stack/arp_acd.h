/* SPDX-License-Identifier: BSD-2-Clause */
/* arp_acd.h - IPv4 address conflict detection (RFC 5227).
 * A new address is probed, then announced, then defended for as long as we have it.
 * Deviations: - the address is in use while it is being probed (section 2.1 would have us wait about six seconds): addresses
 *               here are configured by hand, and the programs that wait for them are local;
 *             - in a conflict afterwards we always keep an address that was configured by hand, which is choice (c) of section 2.4: a
 *               server's connections must not end because of one confused host. One announcement in DEFEND_INTERVAL defends it.
 *               One that DHCP or RFC 3927 gave is defended once in that time and then given up, choice (b). */
#ifndef TAPIR_STACK_ARP_ACD_H
#define TAPIR_STACK_ARP_ACD_H

#include <stdbool.h>

#include "arp.h"

struct if_addr;

/* A new address on an Ethernet link: probe and announce it, in the background. */
void arp_acd_start(struct if_addr *a);

/* Look for a conflict in a received packet. True: it was one, was dealt with, and nothing may be learnt from it. */
bool arp_acd_input(struct stack *st, struct link *l, const struct arp_packet *p);

#endif
