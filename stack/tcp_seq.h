/* SPDX-License-Identifier: BSD-2-Clause */
/* tcp_seq.h - sequence numbers, a type of their own so that a plain < does not compile (RFC 9293 section 3.4).
 * Promises: arithmetic modulo 2^32; comparisons are right for numbers less than 2^31 apart. */
#ifndef TAPIR_STACK_TCP_SEQ_H
#define TAPIR_STACK_TCP_SEQ_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
	uint32_t v;
} tcp_seq;

static inline tcp_seq seq_add(tcp_seq a, uint32_t n)
{
	return (tcp_seq){ a.v + n };
}

static inline tcp_seq seq_sub(tcp_seq a, uint32_t n)
{
	return (tcp_seq){ a.v - n };
}

/* From @from up to @to: needs @from <= @to, else it is huge. */
static inline uint32_t seq_diff(tcp_seq to, tcp_seq from)
{
	return to.v - from.v;
}

static inline bool seq_eq(tcp_seq a, tcp_seq b)
{
	return a.v == b.v;
}

static inline bool seq_lt(tcp_seq a, tcp_seq b)
{
	return (int32_t)(a.v - b.v) < 0;
}

static inline bool seq_le(tcp_seq a, tcp_seq b)
{
	return (int32_t)(a.v - b.v) <= 0;
}

static inline bool seq_gt(tcp_seq a, tcp_seq b)
{
	return seq_lt(b, a);
}

static inline bool seq_ge(tcp_seq a, tcp_seq b)
{
	return seq_le(b, a);
}

/* In [lo, lo + len). */
static inline bool seq_in(tcp_seq x, tcp_seq lo, uint32_t len)
{
	return x.v - lo.v < len;
}

static inline tcp_seq seq_max(tcp_seq a, tcp_seq b)
{
	return seq_lt(a, b) ? b : a;
}

static inline tcp_seq seq_min(tcp_seq a, tcp_seq b)
{
	return seq_lt(a, b) ? a : b;
}

#endif
