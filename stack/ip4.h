/* SPDX-License-Identifier: BSD-2-Clause */
/* ip4.h - IPv4 (RFC 791, 1122 section 3.2.1, 6864): headers in and out. Hosts only: nothing is ever forwarded. */
#ifndef TAPIR_STACK_IP4_H
#define TAPIR_STACK_IP4_H

#include <stdbool.h>
#include <stdint.h>

#include "eth.h"
#include "hash.h"
#include "ip.h"

struct link;

enum { IP4_HDR_LEN = 20, IP4_HDR_LEN_MAX = 60, IP4_DF = 0x4000, IP4_MF = 0x2000, IP4_OFFSET_MASK = 0x1fff };

/* Process a packet; the window begins with its header. Borrows the frame. */
void ip4_input(struct stack *st, struct frame *f, struct link *l, enum eth_to to);

/* Header bytes that @tx asks for, options included. */
uint32_t ip4_hdr_len(const struct ip_tx *tx);

/* The partial sum of both addresses, which the header's and the pseudo-header's checksum share. */
uint16_t ip4_addr_sum(const struct ip_tx *tx);

/* Write the header of a packet of @total_len bytes. @frag: the flags and fragment offset field. */
void ip4_write_hdr(uint8_t *h, const struct ip_tx *tx, uint32_t total_len, uint16_t id, uint16_t frag, uint16_t addr_sum);

/* Identifications, so that no two datagrams that may be fragmented share one while both can be under way between the same
 * two hosts (RFC 6864 section 4.3): counters in buckets by destination, source and protocol, under a key, so that one peer
 * cannot read our traffic to others from its own (RFC 7739 tells why). */
enum { IP4_ID_BUCKETS = 2048 };

struct ip4_ids {
	struct hash_key key;
	uint16_t next[IP4_ID_BUCKETS];
};

void ip4_ids_init(struct stack *st);
uint16_t ip4_next_id(struct stack *st, const struct ip_tx *tx);

#endif
