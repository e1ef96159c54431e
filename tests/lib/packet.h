/* SPDX-License-Identifier: BSD-2-Clause */
/* packet.h - packets for tests: built with right checksums, taken apart with every checksum verified.
 * Written apart from the stack's own code, with a checksum of its own, so that a mistake there is not repeated here. */
#ifndef TAPIR_TESTS_PACKET_H
#define TAPIR_TESTS_PACKET_H

#include "stack/addr.h"
#include "stack/frame.h"

/* Fields of the IP header of a packet to build; zero: the usual (TTL 64). */
struct ip_fields {
	const char *src, *dst; /* literals; their family makes the packet's */
	uint8_t proto;
	uint8_t ttl, tos;
	uint16_t id;
	bool dont_fragment, more_fragments;
	uint16_t frag_offset; /* bytes; IPv4 only: see packet_fragment6() */
};

/* Each returns the bytes written to @buf, which has room for 65,575. The transport checksums are right. */
size_t packet_ip(uint8_t *buf, const struct ip_fields *ip, const void *l4, size_t l4_len);
size_t packet_fragment6(uint8_t *buf, const struct ip_fields *ip, uint32_t id, const void *l4, size_t l4_len);
size_t packet_udp(uint8_t *buf, const char *src, uint16_t sport, const char *dst, uint16_t dport, const void *data,
		  size_t len);
size_t packet_echo(uint8_t *buf, const char *src, const char *dst, bool reply, uint16_t id, uint16_t seq, const void *data,
		   size_t len);

/* An ICMP error of the family of @src about @inner (an IP packet; as much of it as fits 576 or 1280 bytes is quoted). @info goes
 * into the second word (IPv4 fragmentation needed: the MTU in its low half). */
size_t packet_icmp_error(uint8_t *buf, const char *src, const char *dst, uint8_t type, uint8_t code, uint32_t info,
			 const void *inner, size_t inner_len);

/* An Ethernet header before the packet at @buf, which is moved up by 14 bytes. Returns the new length. */
size_t packet_ethernet(uint8_t *buf, size_t len, const uint8_t dst[6], const uint8_t src[6]);

struct packet {
	struct ip_addr src, dst;
	uint8_t proto, ttl, tos;
	uint16_t id;
	bool dont_fragment, more_fragments;
	uint16_t frag_offset;
	const uint8_t *l4;
	size_t l4_len;
	/* TCP, UDP: */
	uint16_t sport, dport;
	const uint8_t *payload;
	size_t payload_len;
};

/** packet_parse - take the IP packet at @data apart (without extension headers but a fragment header).
 * @off: what stack_output() said of it: a partial checksum is verified as one. NULL: complete.
 * Returns NULL, or what is wrong with it. */
const char *packet_parse(const uint8_t *data, size_t len, const struct frame_offload *off, struct packet *p);

/* The Internet checksum over @data, ready for the packet, with @sum (not inverted) added. */
uint16_t packet_checksum(uint32_t sum, const void *data, size_t len);
uint32_t packet_pseudo_sum(const struct ip_addr *src, const struct ip_addr *dst, uint8_t proto, size_t l4_len);

/* Write the right checksum into the transport header of a whole IP packet (TCP, UDP, ICMP). */
void packet_fix_checksums(uint8_t *data, size_t len);

#endif
