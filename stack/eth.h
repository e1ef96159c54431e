/* SPDX-License-Identifier: BSD-2-Clause */
/* eth.h - Ethernet II framing: which frames are for us, what they carry, and the header in front of what we send
 * (IEEE 802.3 clause 3; RFC 894, 1112 section 6.4, 2464). No VLAN tags, no LLC. */
#ifndef TAPIR_STACK_ETH_H
#define TAPIR_STACK_ETH_H

#include <stdbool.h>
#include <stdint.h>

#include "ip.h"

struct link;

enum { ETH_HDR_LEN = 14, ETH_TYPE_IP4 = 0x0800, ETH_TYPE_ARP = 0x0806, ETH_TYPE_IP6 = 0x86dd };

/* How a frame was addressed; ETH_LOOPED: it never was on a link, but is our own packet to a group, a broadcast address or our own link-local
 * address. No ICMP error answers a packet that came to a group or as a broadcast (RFC 1122 section 3.2.2). */
enum eth_to { ETH_TO_US, ETH_TO_GROUP, ETH_TO_BROADCAST, ETH_LOOPED };

extern const uint8_t eth_broadcast[6];

/* Whether @mac can be the address of one host: not a group's, not zero. */
bool eth_is_host_mac(const uint8_t mac[6]);

/* Process a received frame; borrows it. */
void eth_input(struct stack *st, struct frame *f, struct link *l);

/* Write a header; @h has ETH_HDR_LEN bytes. */
void eth_write_hdr(uint8_t *h, const uint8_t dst[6], const struct link *l, uint16_t type);

/* Send an IP packet (the window begins with its header) to the next hop of @d, resolving it if need be. Takes over the
 * reference. 0 or -ENOBUFS. */
int eth_output_ip(struct stack *st, struct link *l, struct frame *f, const struct ip_dst *d);

#endif
