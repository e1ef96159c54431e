/* SPDX-License-Identifier: BSD-2-Clause */
/* tcp_reasm.h - the out-of-order queue: what arrived beyond rcv_nxt.
 * The bytes are kept as islands: contiguous ranges, each with a byteq of its own, in sequence order and never touching. A segment
 * joins an island or founds one; when rcv_nxt reaches an island, it moves whole to the receive queue.
 * Promises: bytes that are here already win over ones that come again (a forger cannot replace them).
 * Limits:   TCP_ISLANDS_MAX islands: past it a segment that would found one is refused. Bytes are bounded by the receive
 *           window, memory by byteq's copying of small pieces.
 * Costs:    the walk begins at the last island, where nearly everything arrives. */
#ifndef TAPIR_STACK_TCP_REASM_H
#define TAPIR_STACK_TCP_REASM_H

#include "byteq.h"
#include "tcp_seq.h"

enum { TCP_ISLANDS_MAX = 512 };

struct tcp_island {
	struct tcp_island *prev, *next;
	tcp_seq left, right;
	struct byteq bytes;
};

struct tcp_reasm {
	struct tcp_island *first, *last;
	uint32_t count;
	uint32_t bytes;
};

struct tcp_reasm_mem {
	const struct byteq_mem *byteq;
	struct pool *islands;
};

struct tcp_reasm_result {
	tcp_seq left, right;	      /* the island that holds the segment's bytes now */
	uint32_t stored;	      /* new bytes taken */
	bool has_dup;		      /* some were here before: */
	tcp_seq dup_left, dup_right;  /* the first such range */
};

/** tcp_reasm_add - keep the @len bytes at @data (inside @f's buffer), which begin at @seq, beyond rcv_nxt and inside the window.
 * Returns 0; or -ENOBUFS when there is no memory or no island left, and then *res tells what was stored nevertheless. */
int tcp_reasm_add(struct tcp_reasm *q, const struct tcp_reasm_mem *m, struct frame *f, const uint8_t *data, uint32_t len,
		  tcp_seq seq, struct tcp_reasm_result *res);

/* Move what continues at @rcv_nxt to the end of @to. Returns the new rcv_nxt. */
tcp_seq tcp_reasm_take(struct tcp_reasm *q, const struct tcp_reasm_mem *m, tcp_seq rcv_nxt, struct byteq *to);

void tcp_reasm_clear(struct tcp_reasm *q, const struct tcp_reasm_mem *m);

#endif
