/* SPDX-License-Identifier: BSD-2-Clause */
/* pool.h - memory from the host program, and pools of equal objects cut from slabs of it.
 * Promises: pool_get() and pool_put() are O(1); an object comes back zeroed; a pool never exceeds its maximum.
 *           Freed objects are reused last-in first-out, so that the hot ones stay in the cache.
 * Never:    gives slabs back before pool_fini(). Under AddressSanitizer freed objects are poisoned. */
#ifndef TAPIR_STACK_POOL_H
#define TAPIR_STACK_POOL_H

#include <stddef.h>
#include <stdint.h>

/* Where memory comes from. alloc may return NULL; what it returns need not be zeroed. */
struct mem {
	void *ctx;
	void *(*alloc)(void *ctx, size_t bytes);
	void (*free)(void *ctx, void *p);
	size_t used_bytes; /* handed out and not yet freed */
};

void *mem_alloc(struct mem *m, size_t bytes);  /* zeroed; NULL when refused */
void mem_free(struct mem *m, void *p);	       /* NULL is fine */

struct pool {
	struct mem *mem;
	size_t obj_bytes;
	uint32_t used, max; /* objects */
	void *free_objs;
	void *slabs;
};

/* @obj_bytes: size of one object; @max: the most that may be in use at once. */
void pool_init(struct pool *p, struct mem *mem, size_t obj_bytes, uint32_t max);
void *pool_get(struct pool *p); /* NULL when full or out of memory */
void pool_put(struct pool *p, void *obj);
void pool_fini(struct pool *p); /* every object must be back, or is lost with its slab; a zeroed pool is fine */

#endif
