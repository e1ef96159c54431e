/* SPDX-License-Identifier: BSD-2-Clause */
/* arp_acd.h - IPv4 address conflict detection (RFC 5227).
 * A new address is probed, then announced, then defended for as long as we have it.
 * An address that DHCP or RFC 3927 chose is used when the probes found nobody (section 2.1), which takes four to seven seconds;
 * net.ipv4.conf.default.optimistic_acd=1 uses it meanwhile, and acd_probes sends fewer.
 * Deviations: - one that was configured by hand is in use while it is being probed (section 2.1 would have us wait): who chose it
 *               knows his network, and the programs that wait for it are local;
 *             - and so is one that was in use before its link was away for a while, or before a restart, and that its DHCP server says
 *               is ours still (INIT-REBOOT): connections go on, and a restart is quick;
 *             - in a conflict afterwards we always keep an address that was configured by hand, which is choice (c) of section 2.4: a
 *               server's connections must not end because of one confused host. One announcement in DEFEND_INTERVAL defends it.
 *               One that DHCP or RFC 3927 gave is defended once in that time and then given up, choice (b). */
#ifndef TAPIR_STACK_ARP_ACD_H
#define TAPIR_STACK_ARP_ACD_H

#include <stdbool.h>

#include "arp.h"

struct if_addr;

/* An address on an Ethernet link: probe and announce it, in the background. @was_used: and go on using it. */
void arp_acd_start(struct if_addr *a, bool was_used);

/* Look for a conflict in a received packet. True: it was one, was dealt with, and nothing may be learnt from it. */
bool arp_acd_input(struct stack *st, struct link *l, const struct arp_packet *p);

#endif
