/* SPDX-License-Identifier: BSD-2-Clause */
#include "byteq.h"

#include <assert.h>
#include <errno.h>

struct byteq_slice {
	struct byteq_slice *next;
	struct frame *frame;
	uint8_t *data;
	uint32_t len;
	bool is_chunk; /* the frame is ours alone: the buffer after the slice may be written */
};

size_t byteq_slice_bytes(void)
{
	return sizeof(struct byteq_slice);
}

static size_t chunk_room(const struct byteq_slice *s)
{
	return s->is_chunk ? (size_t)(s->frame->buf + s->frame->buf_bytes - (s->data + s->len)) : 0;
}

static void link_last(struct byteq *q, struct byteq_slice *s)
{
	s->next = NULL;
	if (q->last)
		q->last->next = s;
	else
		q->head = s;
	q->last = s;
	q->bytes += s->len;
	q->held_bytes += s->frame->buf_bytes;
}

static void free_slice(const struct byteq_mem *m, struct byteq_slice *s)
{
	frame_unref(s->frame);
	pool_put(m->slices, s);
}

static void free_slices(const struct byteq_mem *m, struct byteq_slice **list)
{
	while (*list) {
		struct byteq_slice *s = *list;

		*list = s->next;
		free_slice(m, s);
	}
}

/* Bytes to be sent may take three quarters of the frames: the rest is for packets, without which no acknowledgment could come in
 * that frees what the queues hold. */
static bool may_queue(const struct frame_pool *frames)
{
	return frames->in_use_bytes < frames->bytes_max - frames->bytes_max / 4;
}

/* An empty chunk: a buffer that is ours alone, written from its very start (it needs no headroom). */
static struct byteq_slice *new_chunk(const struct byteq_mem *m, bool large)
{
	struct byteq_slice *s = may_queue(m->frames) ? pool_get(m->slices) : NULL;

	if (!s)
		return NULL;
	s->frame = frame_alloc(m->frames, large ? FRAME_LARGE_BYTES - FRAME_HEADROOM : 0);
	if (!s->frame) {
		pool_put(m->slices, s);
		return NULL;
	}
	s->data = s->frame->buf;
	s->is_chunk = true;
	return s;
}

int byteq_reserve(struct byteq *q, const struct byteq_mem *m, size_t want, struct iovec *iov, int iov_max)
{
	struct byteq_slice **end = &q->reserved;
	int n = 0;

	free_slices(m, &q->reserved);
	if (q->last && chunk_room(q->last) > 0) {
		size_t room = chunk_room(q->last);

		iov[n++] = (struct iovec){ q->last->data + q->last->len, room < want ? room : want };
		want -= iov[0].iov_len;
	}
	while (want > 0 && n < iov_max) {
		bool large = want > FRAME_LARGE_BYTES / 4 && (q->bytes > 0 || q->reserved);
		struct byteq_slice *s = new_chunk(m, large);
		size_t room;

		if (!s)
			break;
		room = chunk_room(s);
		iov[n++] = (struct iovec){ s->data, room < want ? room : want };
		want -= room < want ? room : want;
		*end = s;
		end = &s->next;
	}
	return n;
}

void byteq_commit(struct byteq *q, const struct byteq_mem *m, size_t n)
{
	if (n > 0 && q->last && chunk_room(q->last) > 0) {
		size_t take = chunk_room(q->last) < n ? chunk_room(q->last) : n;

		q->last->len += (uint32_t)take;
		q->bytes += (uint32_t)take;
		n -= take;
	}
	while (n > 0) {
		struct byteq_slice *s = q->reserved;
		size_t take = chunk_room(s) < n ? chunk_room(s) : n;

		q->reserved = s->next;
		s->len = (uint32_t)take;
		link_last(q, s);
		n -= take;
	}
	free_slices(m, &q->reserved);
}

size_t byteq_append_copy(struct byteq *q, const struct byteq_mem *m, const void *data, size_t n)
{
	const uint8_t *from = data;
	size_t done = 0;

	while (done < n) {
		struct iovec iov;

		if (byteq_reserve(q, m, n - done, &iov, 1) == 0)
			break;
		memcpy(iov.iov_base, from + done, iov.iov_len);
		byteq_commit(q, m, iov.iov_len);
		done += iov.iov_len;
	}
	return done;
}

int byteq_append_frame(struct byteq *q, const struct byteq_mem *m, struct frame *f, const uint8_t *data, size_t n)
{
	struct byteq_slice *s;

	if (n == 0)
		return 0;
	s = pool_get(m->slices);
	if (!s)
		return -ENOBUFS;
	s->frame = frame_ref(f);
	s->data = f->buf + (data - f->buf);
	s->len = (uint32_t)n;
	link_last(q, s);
	return 0;
}

size_t byteq_append_received(struct byteq *q, const struct byteq_mem *m, struct frame *f, const uint8_t *data, size_t n, bool stays)
{
	size_t waste = f->buf_bytes - n;
	bool fits = q->last && chunk_room(q->last) >= n;
	bool copy;

	if (stays)
		copy = waste > 3 * n;
	else
		copy = n < FRAME_SMALL_BYTES / 4 && (fits || f->buf_bytes > FRAME_SMALL_BYTES);
	if (copy)
		return byteq_append_copy(q, m, data, n);
	return byteq_append_frame(q, m, f, data, n) == 0 ? n : 0;
}

void byteq_splice(struct byteq *q, struct byteq *from)
{
	if (!from->head)
		return;
	if (q->last)
		q->last->next = from->head;
	else
		q->head = from->head;
	q->last = from->last;
	q->bytes += from->bytes;
	q->held_bytes += from->held_bytes;
	*from = (struct byteq){ 0 };
}

size_t byteq_iov_from(const struct byteq *q, struct byteq_cursor *c, size_t offset, size_t n, struct iovec *iov, int iov_max,
		      int *iovcnt)
{
	struct byteq_slice *s = q->head;
	size_t at = 0, done = 0;
	int count = 0;

	if (c->slice && c->offset <= offset) {
		s = c->slice;
		at = c->offset;
	}
	for (; s && at + s->len <= offset; s = s->next)
		at += s->len;
	for (; s && done < n && count < iov_max; s = s->next) {
		size_t skip = offset + done - at;
		size_t take = s->len - skip < n - done ? s->len - skip : n - done;

		iov[count++] = (struct iovec){ s->data + skip, take };
		done += take;
		c->slice = s;
		c->offset = (uint32_t)at;
		at += s->len;
	}
	*iovcnt = count;
	return done;
}

size_t byteq_iov(const struct byteq *q, size_t offset, size_t n, struct iovec *iov, int iov_max, int *iovcnt)
{
	struct byteq_cursor c = { 0 };

	return byteq_iov_from(q, &c, offset, n, iov, iov_max, iovcnt);
}

void byteq_consume(struct byteq *q, const struct byteq_mem *m, size_t n)
{
	assert(n <= q->bytes);
	q->bytes -= (uint32_t)n;
	while (q->head && n >= q->head->len) {
		struct byteq_slice *s = q->head;

		n -= s->len;
		q->head = s->next;
		if (!q->head)
			q->last = NULL;
		q->held_bytes -= s->frame->buf_bytes;
		free_slice(m, s);
	}
	if (n > 0) {
		q->head->data += n;
		q->head->len -= (uint32_t)n;
	}
}

void byteq_compact(struct byteq *q, const struct byteq_mem *m)
{
	struct byteq copy = { 0 };

	if (q->held_bytes < 2 * q->bytes || q->held_bytes <= FRAME_SMALL_BYTES)
		return;
	for (const struct byteq_slice *s = q->head; s; s = s->next) {
		if (byteq_append_copy(&copy, m, s->data, s->len) < s->len || copy.held_bytes >= q->held_bytes) {
			byteq_clear(&copy, m);
			return;
		}
	}
	byteq_clear(q, m);
	*q = copy;
}

void byteq_clear(struct byteq *q, const struct byteq_mem *m)
{
	free_slices(m, &q->head);
	free_slices(m, &q->reserved);
	*q = (struct byteq){ 0 };
}
