/* SPDX-License-Identifier: BSD-2-Clause */
#include "frame.h"

#include <assert.h>

/* Free frames kept for reuse; the rest goes back to the host. A burst's worth: 64 large ones are 4 MiB. */
static const uint32_t free_max[FRAME_CLASSES] = { 1024, 256, 64 };

static unsigned class_of(uint32_t buf_bytes)
{
	return buf_bytes == FRAME_SMALL_BYTES ? 0 : buf_bytes == FRAME_MEDIUM_BYTES ? 1 : 2;
}

void frame_pool_init(struct frame_pool *p, struct mem *mem, size_t bytes_max, uint64_t *exhausted_stat)
{
	*p = (struct frame_pool){ .mem = mem, .bytes_max = bytes_max, .exhausted_stat = exhausted_stat };
}

static void free_list(struct mem *mem, struct frame *f)
{
	while (f) {
		struct frame *next = f->next;

		mem_free(mem, f);
		f = next;
	}
}

void frame_pool_fini(struct frame_pool *p)
{
	for (unsigned i = 0; i < FRAME_CLASSES; i++) {
		free_list(p->mem, p->free[i].first);
		p->free[i].first = NULL;
	}
}

static struct frame *take_free(struct frame_pool *p, unsigned class)
{
	struct frame *f = p->free[class].first;

	if (f) {
		p->free[class].first = f->next;
		p->free[class].count--;
	}
	return f;
}

struct frame *frame_alloc(struct frame_pool *p, size_t bytes)
{
	uint32_t buf_bytes = frame_buf_bytes(bytes);
	struct frame *f = NULL;

	assert(bytes <= FRAME_LARGE_BYTES - FRAME_HEADROOM);
	if (p->in_use_bytes + buf_bytes <= p->bytes_max) {
		f = take_free(p, class_of(buf_bytes));
		if (!f)
			f = mem_alloc(p->mem, sizeof(*f) + buf_bytes);
	}
	if (!f) {
		++*p->exhausted_stat;
		return NULL;
	}
	*f = (struct frame){ .pool = p, .refs = 1, .buf_bytes = buf_bytes, .data = f->buf + FRAME_HEADROOM };
	p->in_use_bytes += buf_bytes;
	return f;
}

struct frame *frame_ref(struct frame *f)
{
	f->refs++;
	return f;
}

static void frame_release(struct frame *f)
{
	struct frame_pool *p = f->pool;
	unsigned class = class_of(f->buf_bytes);

	p->in_use_bytes -= f->buf_bytes;
	if (p->free[class].count >= free_max[class]) {
		mem_free(p->mem, f);
		return;
	}
	f->next = p->free[class].first;
	p->free[class].first = f;
	p->free[class].count++;
}

void frame_unref(struct frame *f)
{
	while (f) {
		struct frame *tail = f->tail;

		assert(f->refs > 0);
		if (--f->refs > 0)
			return;
		frame_release(f);
		f = tail;
	}
}

uint8_t *frame_push(struct frame *f, size_t n)
{
	assert(n <= frame_headroom(f));
	f->data -= n;
	f->len += (uint32_t)n;
	return f->data;
}

uint8_t *frame_put(struct frame *f, size_t n)
{
	uint8_t *end = f->data + f->len;

	assert(n <= frame_tailroom(f));
	f->len += (uint32_t)n;
	return end;
}

void frame_queue_init(struct frame_queue *q)
{
	*q = (struct frame_queue){ .last = &q->head };
}

void frame_queue_push(struct frame_queue *q, struct frame *f)
{
	f->next = NULL;
	*q->last = f;
	q->last = &f->next;
	q->count++;
	q->bytes += f->buf_bytes;
}

struct frame *frame_queue_pop(struct frame_queue *q)
{
	struct frame *f = q->head;

	if (!f)
		return NULL;
	q->head = f->next;
	if (!q->head)
		q->last = &q->head;
	f->next = NULL;
	q->count--;
	q->bytes -= f->buf_bytes;
	return f;
}

void frame_queue_clear(struct frame_queue *q)
{
	struct frame *f;

	while ((f = frame_queue_pop(q)))
		frame_unref(f);
}
