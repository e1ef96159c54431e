/* SPDX-License-Identifier: BSD-2-Clause */
#include "tombstone.h"

#include <errno.h>
#include <stdlib.h>

static uint32_t bucket_of(uint64_t cookie)
{
	/* Cookies are the kernel's counter, nothing that a client chooses. */
	return (uint32_t)(cookie * 0x9e3779b97f4a7c15u >> 32) % TOMBSTONE_BUCKETS;
}

int tombstones_init(struct tombstones *t)
{
	*t = (struct tombstones){ .ring = calloc(TOMBSTONES_MAX, sizeof(struct tombstone)) };
	return t->ring ? 0 : -ENOMEM;
}

void tombstones_fini(struct tombstones *t)
{
	free(t->ring);
	t->ring = NULL;
}

static void unlink_slot(struct tombstones *t, uint32_t slot)
{
	uint32_t *at = &t->buckets[bucket_of(t->ring[slot].cookie)];

	while (*at != slot + 1)
		at = &t->ring[*at - 1].next;
	*at = t->ring[slot].next;
}

struct sock *tombstone_set(struct tombstones *t, const struct tombstone *what)
{
	uint32_t slot = t->at, *bucket = &t->buckets[bucket_of(what->cookie)];
	struct sock *gone = t->ring[slot].cookie ? t->ring[slot].sock : NULL;

	t->at = (t->at + 1) % TOMBSTONES_MAX;
	if (t->ring[slot].cookie)
		unlink_slot(t, slot);
	t->ring[slot] = *what;
	t->ring[slot].next = *bucket;
	*bucket = slot + 1;
	return gone;
}

struct tombstone *tombstone_find(struct tombstones *t, uint64_t cookie)
{
	for (uint32_t i = t->buckets[bucket_of(cookie)]; i; i = t->ring[i - 1].next)
		if (t->ring[i - 1].cookie == cookie)
			return &t->ring[i - 1];
	return NULL;
}
