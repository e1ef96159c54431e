/* SPDX-License-Identifier: BSD-2-Clause */
#include "pool.h"

#include <string.h>

#ifdef __SANITIZE_ADDRESS__
#define TAPIR_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TAPIR_ASAN 1
#endif
#endif

#ifdef TAPIR_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

/* Large enough that what is left over at a slab's end is little: connections of 900 bytes lose a hundredth. */
enum { SLAB_BYTES = 65536 - 64, ALIGN_BYTES = 16, OBJ_ALIGN_BYTES = 8 }; /* objects hold nothing wider than a pointer */

/* Each allocation is preceded by its size, so that used_bytes needs no help from the caller. */
void *mem_alloc(struct mem *m, size_t bytes)
{
	size_t whole = bytes + ALIGN_BYTES;
	char *p = m->alloc(m->ctx, whole);

	if (!p)
		return NULL;
	memcpy(p, &whole, sizeof(whole));
	m->used_bytes += whole;
	return memset(p + ALIGN_BYTES, 0, bytes);
}

void mem_free(struct mem *m, void *p)
{
	size_t whole;

	if (!p)
		return;
	p = (char *)p - ALIGN_BYTES;
	memcpy(&whole, p, sizeof(whole));
	m->used_bytes -= whole;
	m->free(m->ctx, p);
}

/* The first word of a free object, and of a slab, points at the next one. */
static void push(void **head, void *obj)
{
	memcpy(obj, head, sizeof(*head));
	*head = obj;
}

static void *pop(void **head)
{
	void *obj = *head;

	memcpy(head, obj, sizeof(*head));
	return obj;
}

void pool_init(struct pool *p, struct mem *mem, size_t obj_bytes, uint32_t max)
{
	size_t rounded = (obj_bytes + OBJ_ALIGN_BYTES - 1) & ~(size_t)(OBJ_ALIGN_BYTES - 1);

	*p = (struct pool){ .mem = mem, .obj_bytes = rounded, .max = max };
}

static void pool_grow(struct pool *p)
{
	size_t count = (SLAB_BYTES - ALIGN_BYTES) / p->obj_bytes;
	char *slab;

	if (count == 0)
		count = 1;
	slab = mem_alloc(p->mem, ALIGN_BYTES + count * p->obj_bytes);
	if (!slab)
		return;
	push(&p->slabs, slab);
	while (count-- > 0) {
		char *obj = slab + ALIGN_BYTES + count * p->obj_bytes;

		push(&p->free_objs, obj);
		POISON(obj, p->obj_bytes);
	}
}

void *pool_get(struct pool *p)
{
	void *obj;

	if (p->used >= p->max)
		return NULL;
	if (!p->free_objs)
		pool_grow(p);
	if (!p->free_objs)
		return NULL;
	UNPOISON(p->free_objs, p->obj_bytes);
	obj = pop(&p->free_objs);
	p->used++;
	return memset(obj, 0, p->obj_bytes);
}

void pool_put(struct pool *p, void *obj)
{
	p->used--;
	push(&p->free_objs, obj);
	POISON(obj, p->obj_bytes);
}

void pool_fini(struct pool *p)
{
	size_t count;

	if (!p->mem)
		return;
	count = (SLAB_BYTES - ALIGN_BYTES) / p->obj_bytes;
	while (p->slabs) {
		char *slab = pop(&p->slabs);

		UNPOISON(slab, ALIGN_BYTES + (count ? count : 1) * p->obj_bytes);
		mem_free(p->mem, slab);
	}
	p->free_objs = NULL;
	p->used = 0;
}
