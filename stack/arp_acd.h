/* SPDX-License-Identifier: BSD-2-Clause */
/* arp_acd.h - IPv4 address conflict detection (RFC 5227). */
#ifndef TAPIR_STACK_ARP_ACD_H
#define TAPIR_STACK_ARP_ACD_H

struct if_addr;

/* A new address on an Ethernet link: probe and announce it, in the background. */
void arp_acd_start(struct if_addr *a);

#endif
