/* SPDX-License-Identifier: BSD-2-Clause */
/* byteq.h - a queue of stream bytes, held as slices of frames.
 * The send side reserves room, lets the caller read a socket straight into it, and commits; segments go out as slices of
 * the queue. The receive side appends references to received frames; what is kept longer is copied together by
 * byteq_compact(), so that 100 bytes never pin a 64 KiB buffer.
 * Promises: an empty queue holds no buffer. Bytes stay where they are until consumed.
 * Costs:    byteq_iov() walks the slices from the front; a queue of n bytes sent in bulk has about n / 64 KiB of them. */
#ifndef TAPIR_STACK_BYTEQ_H
#define TAPIR_STACK_BYTEQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "frame.h"

struct byteq_slice;

struct byteq {
	struct byteq_slice *head, *last; /* singly linked, NULL when empty */
	struct byteq_slice *reserved;	 /* empty chunks of the open reservation, in order */
	uint32_t bytes;			 /* in the queue */
	uint32_t held_bytes;		 /* buffer bytes that the queue's slices hold, each slice counted alone */
};

/* What queues draw from: frames for bytes, and a pool of slice records (byteq_slice_bytes() each). */
struct byteq_mem {
	struct frame_pool *frames;
	struct pool *slices;
};

size_t byteq_slice_bytes(void);

/** byteq_reserve - room for up to @want more bytes at the end, as up to @iov_max pieces.
 * Nothing is in the queue until byteq_commit(), and nothing else may be appended before it. A second call replaces the
 * first. On an empty queue the first piece is small, so that a short message holds a short buffer.
 * Returns the number of pieces; 0 when there is no memory. */
int byteq_reserve(struct byteq *q, const struct byteq_mem *m, size_t want, struct iovec *iov, int iov_max);

/* The first @n of the reserved bytes have been written; the unused rest of the reservation is given back. */
void byteq_commit(struct byteq *q, const struct byteq_mem *m, size_t n);

/* Append a copy. Returns bytes taken, fewer than @n only when memory ran out. */
size_t byteq_append_copy(struct byteq *q, const struct byteq_mem *m, const void *data, size_t n);

/** byteq_append_frame - append @n bytes at @data, which lie inside @f's buffer; takes a reference of its own on @f.
 * Returns 0 or -ENOBUFS. */
int byteq_append_frame(struct byteq *q, const struct byteq_mem *m, struct frame *f, const uint8_t *data, size_t n);

/** byteq_append_received - append @n received bytes at @data inside @f's buffer: by reference, or copied when they would pin a much
 * larger buffer. @stays: they will be kept for a while (out of order), so the copy is worth while sooner.
 * Returns bytes taken, fewer than @n only when memory ran out. */
size_t byteq_append_received(struct byteq *q, const struct byteq_mem *m, struct frame *f, const uint8_t *data, size_t n, bool stays);

/* Move all of @from to the end of @q. Neither has a reservation open. */
void byteq_splice(struct byteq *q, struct byteq *from);

/* A place in a queue to go on from, so that a long queue read in pieces is not walked from its front each time. Zero: none. */
struct byteq_cursor {
	struct byteq_slice *slice;
	uint32_t offset; /* of the slice's first byte in the queue */
};

/* As byteq_iov(), beginning at *@c when that helps, and leaving it where the description ended. */
size_t byteq_iov_from(const struct byteq *q, struct byteq_cursor *c, size_t offset, size_t n, struct iovec *iov, int iov_max,
		      int *iovcnt);

/* To be called when @n bytes were consumed from the queue's front. */
static inline void byteq_cursor_consumed(struct byteq_cursor *c, size_t n)
{
	if (c->offset < n) /* its slice may be gone */
		c->slice = NULL;
	else
		c->offset -= (uint32_t)n;
}

/* Describe up to @n bytes from @offset on in up to @iov_max pieces; *iovcnt gets their number. Returns bytes described. */
size_t byteq_iov(const struct byteq *q, size_t offset, size_t n, struct iovec *iov, int iov_max, int *iovcnt);

void byteq_consume(struct byteq *q, const struct byteq_mem *m, size_t n); /* needs n <= bytes */

/* Copy the content together when more than half of the memory held is waste. Silent when memory is short. */
void byteq_compact(struct byteq *q, const struct byteq_mem *m);

void byteq_clear(struct byteq *q, const struct byteq_mem *m);

#endif
