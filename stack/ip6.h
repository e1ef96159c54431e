/* SPDX-License-Identifier: BSD-2-Clause */
/* ip6.h - IPv6 (RFC 8200, 4291): headers in and out. Hosts only: nothing is ever forwarded. */
#ifndef TAPIR_STACK_IP6_H
#define TAPIR_STACK_IP6_H

#include <stdbool.h>
#include <stdint.h>

#include "eth.h"
#include "ip.h"

struct link;

enum {
	IP6_HDR_LEN = 40,
	IP6_LENGTH_AT = 4, /* the payload length field */
	IP6_MTU_MIN = 1280,
	IP6_FRAG_HDR_LEN = 8,
};

/* Next header values (RFC 8200 section 4). */
enum { IP6_HOP_BY_HOP = 0, IP6_ROUTING = 43, IP6_FRAGMENT = 44, IP6_NO_NEXT = 59, IP6_DEST_OPTIONS = 60 };

/* Process a packet; the window begins with its header. Borrows the frame. */
void ip6_input(struct stack *st, struct frame *f, struct link *l, enum eth_to to);

/* The flow label of a packet that was given none: the same for all of a connection or flow, and no guess for others (RFC 6437 section 3).
 * @l4: its transport header, which begins with the ports. */
uint32_t ip6_flow_label(struct stack *st, const struct ip_tx *tx, const uint8_t *l4);

/* Header bytes that @tx asks for, extension headers included. */
uint32_t ip6_hdr_len(const struct ip_tx *tx);

/* Write the header of a packet of @total_len bytes. @fragment_hdr: IP6_FRAG_HDR_LEN bytes are left for a fragment header at
 * the end, and the chain leads to it. */
void ip6_write_hdr(uint8_t *h, const struct ip_tx *tx, uint32_t total_len, bool fragment_hdr);

#endif
