/* SPDX-License-Identifier: BSD-2-Clause */
/* summary.h - the headers of one captured packet, for a line of text.
 * Promises: reads no byte beyond @len, whatever the packet claims; what is missing or cut off is left zero and told by
 *           is_cut.
 * Never:    judges a packet: checksums and options are Wireshark's business. */
#ifndef TAPIR_TOOLS_SUMMARY_H
#define TAPIR_TOOLS_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

enum summary_net { SUMMARY_NET_OTHER, SUMMARY_NET_ARP, SUMMARY_NET_IP4, SUMMARY_NET_IP6 };

struct summary {
	bool is_cut; /* the headers go on beyond the captured bytes */
	bool is_ethernet;
	uint8_t mac_src[6], mac_dst[6];
	uint16_t ethertype;
	uint16_t vlan; /* 0: no tag */
	enum summary_net net;

	/* ARP */
	uint16_t arp_op;
	uint8_t arp_sender_mac[6];

	/* IP; ARP's sender and target are src and dst */
	uint8_t src[16], dst[16]; /* 4 bytes of each in IPv4 */
	uint8_t proto;		  /* after IPv6's extension headers */
	bool is_fragment;
	uint32_t fragment_offset; /* bytes */
	bool more_fragments;
	uint32_t l4_bytes; /* of transport header and payload in this packet, by the IP header */

	/* Transport; not in later fragments */
	bool has_ports;
	uint16_t sport, dport;
	bool has_tcp;
	uint8_t tcp_flags;
	uint32_t tcp_seq, tcp_ack;
	uint16_t tcp_window;
	bool has_icmp;
	uint8_t icmp_type, icmp_code;
	uint32_t payload_bytes; /* behind the transport header */
};

/* @is_ethernet: the bytes begin with an Ethernet header, else with IP. */
struct summary summary_parse(const uint8_t *data, size_t len, bool is_ethernet);

/* "IPv4 10.77.0.1:4000 > 10.77.0.2:80 TCP SYN seq 7 win 64240 len 0", no newline. */
void summary_print(FILE *f, const struct summary *p);

/* The same as members of @o. */
void summary_to_json(json_t *o, const struct summary *p);

#endif
