/* SPDX-License-Identifier: BSD-2-Clause */
/* lan.h - Ethernet for tests: ARP and neighbour discovery messages built and recognised, written apart from the stack's code. */
#ifndef TAPIR_TESTS_LAN_H
#define TAPIR_TESTS_LAN_H

#include "bed.h"

extern const uint8_t lan_broadcast[6];

enum { LAN_ARP_REQUEST = 1, LAN_ARP_REPLY = 2, LAN_NS = 135, LAN_NA = 136 };
enum { LAN_SOLICITED = 0x40, LAN_OVERRIDE = 0x20 };

/* Each returns the bytes written to @buf. An ARP packet from @mac to @eth_dst; literals are addresses. */
size_t lan_arp(uint8_t *buf, const uint8_t eth_dst[6], const uint8_t mac[6], uint16_t op, const char *sender,
	       const char *target);

/* A neighbour solicitation or advertisement from @mac, sent to where its IPv6 destination says (unicast: the bed). @link_addr: in
 * the option that belongs to @type; NULL: none. */
size_t lan_nd(uint8_t *buf, const uint8_t mac[6], const char *src, const char *dst, uint8_t type, uint8_t flags,
	      const char *target, const uint8_t *link_addr);

/* Whether @p is that ARP packet, from the bed's MAC, sent to @eth_dst. */
bool lan_is_arp(const struct bed_packet *p, const uint8_t eth_dst[6], uint16_t op, const char *sender, const char *target);

/* Whether @p is that neighbour message, sent to @eth_dst, with the bed's MAC in its option if @has_option and none otherwise, all
 * fields and the checksum right. */
bool lan_is_nd(const struct bed_packet *p, const uint8_t eth_dst[6], const char *src, const char *dst, uint8_t type,
	       uint8_t flags, const char *target, bool has_option);

/* Whether @p carries IP (of either family) to @eth_dst. */
bool lan_is_ip(const struct bed_packet *p, const uint8_t eth_dst[6]);

/* The peer of the bed (bed_peer_mac, BED_PEER4 and BED_PEER6) says where it is, unasked but to us, and what comes back is
 * thrown away: afterwards the stack sends to it without asking, until the entry grows old. */
void lan_introduce_peer(struct bed *b);

/* The neighbour's state as stack_each_neigh() tells it; "" when there is no entry. */
const char *lan_neigh_state(struct bed *b, const char *addr);

/* A tunable; aborts when it is refused. */
void bed_set(struct bed *b, const char *name, const char *value);

#endif
