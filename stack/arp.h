/* SPDX-License-Identifier: BSD-2-Clause */
/* arp.h - the Address Resolution Protocol (RFC 826, RFC 1122 section 2.3.2, RFC 5227): requests, replies, and what is learnt
 * from them. States and queues are neigh.h's; conflicts over our own addresses are arp_acd.h's. */
#ifndef TAPIR_STACK_ARP_H
#define TAPIR_STACK_ARP_H

#include <stdbool.h>
#include <stdint.h>

#include "eth.h"

enum { ARP_LEN = 28, ARP_REQUEST = 1, ARP_REPLY = 2 };

struct arp_packet {
	uint16_t op;
	uint8_t sender_mac[6], target_mac[6];
	struct ip_addr sender, target;
};

/* Process a packet; the window begins after the Ethernet header. Borrows the frame. */
void arp_input(struct stack *st, struct frame *f, struct link *l, enum eth_to to);

/* Ask for @target. @mac: where to; NULL: everybody. A wildcard @sender makes it a probe, @sender equal to @target an
 * announcement (RFC 5227 section 1.1). */
void arp_send_request(struct stack *st, struct link *l, const struct ip_addr *sender, const struct ip_addr *target,
		      const uint8_t *mac);

#endif
