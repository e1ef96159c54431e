/* SPDX-License-Identifier: BSD-2-Clause */
/* tcp_sack.h - which SACK blocks a receiver reports (RFC 2018 section 4, RFC 2883).
 * Promises: the first block holds the segment that arrived last (or is its duplicate, a DSACK); the others are the most recently
 *           reported ones; no block lies below rcv_nxt, save a DSACK.
 * Never:    looks at the out-of-order queue: tcp_reasm.c tells it the island that a segment became part of. */
#ifndef TAPIR_STACK_TCP_SACK_H
#define TAPIR_STACK_TCP_SACK_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp_wire.h"

struct tcp_sack_gen {
	struct tcp_sack_block blocks[TCP_SACK_BLOCKS_MAX]; /* most recent first */
	struct tcp_sack_block dsack;
	uint8_t count;
	bool has_dsack; /* to be reported once */
};

/* Out-of-order bytes arrived and now belong to the contiguous range [left, right). */
void tcp_sack_add(struct tcp_sack_gen *g, tcp_seq left, tcp_seq right);

/* Bytes arrived that were here already (RFC 2883 section 4). */
void tcp_sack_duplicate(struct tcp_sack_gen *g, tcp_seq left, tcp_seq right);

/* rcv_nxt moved. */
void tcp_sack_advance(struct tcp_sack_gen *g, tcp_seq rcv_nxt);

/* Fill the option for the ACK that is about to go, in at most @max blocks; a DSACK counts as reported. */
void tcp_sack_report(struct tcp_sack_gen *g, struct tcp_options *o, unsigned max);

static inline bool tcp_sack_is_empty(const struct tcp_sack_gen *g)
{
	return g->count == 0 && !g->has_dsack;
}

#endif
