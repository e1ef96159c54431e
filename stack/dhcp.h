/* SPDX-License-Identifier: BSD-2-Clause */
/* dhcp.h - what the DHCP clients of both families share: how a link names itself to servers, and the UDP header of messages that are
 * sent without a socket. */
#ifndef TAPIR_STACK_DHCP_H
#define TAPIR_STACK_DHCP_H

#include "frame.h"
#include "wire.h"

struct stack;

enum { DHCP_IAID_BYTES = 4, DHCP_DUID_BYTES = 10 };

/* RFC 4361 section 6.1: an IAID for the link, from its address, and one DUID for the host on all its links (RFC 8415 section 11.4:
 * DUID-LL), from the address of the first. They stay as long as those do, without anything kept on disk. */
void dhcp_write_iaid(struct wire_wr *w, const uint8_t mac[6]);
void dhcp_write_duid(struct wire_wr *w, const uint8_t host_mac[6]);

/* The address that the DUID is made of. There is an Ethernet link. */
const uint8_t *dhcp_host_mac(const struct stack *st);

/* Push a UDP header before the message in @f. The checksum is made here even where the link could: servers that read from packet
 * sockets may see it unfinished. */
void dhcp_push_udp(struct frame *f, const struct ip_addr *src, uint16_t sport, const struct ip_addr *dst, uint16_t dport);

enum { DHCP_UDP_HDR_BYTES = 8 };

#endif
