/* SPDX-License-Identifier: BSD-2-Clause */
#include "mcast_filter.h"

#include <errno.h>

enum { ROOM_FIRST = 4 };

/* Make room for @wanted objects of @bytes in the array at *list. 0 or -ENOBUFS. */
static int make_room(struct mem *m, void **list, uint32_t count, uint32_t *room, uint32_t wanted, size_t bytes)
{
	uint32_t more = *room ? *room : ROOM_FIRST;
	void *larger;

	if (wanted <= *room)
		return 0;
	while (more < wanted)
		more *= 2;
	larger = mem_alloc(m, more * bytes);
	if (!larger)
		return -ENOBUFS;
	if (count > 0)
		memcpy(larger, *list, count * bytes);
	mem_free(m, *list);
	*list = larger;
	*room = more;
	return 0;
}

/* ---- Sets --------------------------------------------------------------------------------------------------------- */

/* The index of the first address that is not before @a. Addresses stand at the beginning of elements of @bytes. */
static uint32_t lower_bound(const void *list, uint32_t count, size_t bytes, const struct ip_addr *a)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (memcmp((const char *)list + middle * bytes, a->b, 16) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static uint32_t place_of(const struct mcast_sources *s, const struct ip_addr *a)
{
	return lower_bound(s->list, s->count, sizeof(*s->list), a);
}

static bool is_at(const struct mcast_sources *s, uint32_t at, const struct ip_addr *a)
{
	return at < s->count && ip_addr_eq(&s->list[at], a);
}

bool mcast_sources_has(const struct mcast_sources *s, const struct ip_addr *a)
{
	return is_at(s, place_of(s, a), a);
}

int mcast_sources_add(struct mem *m, struct mcast_sources *s, const struct ip_addr *a)
{
	uint32_t at = place_of(s, a);
	void *list = s->list;

	if (is_at(s, at, a))
		return 0;
	if (make_room(m, &list, s->count, &s->room, s->count + 1, sizeof(*s->list)) < 0)
		return -ENOBUFS;
	s->list = list;
	memmove(s->list + at + 1, s->list + at, (s->count - at) * sizeof(*s->list));
	s->list[at] = *a;
	s->count++;
	return 0;
}

void mcast_sources_remove(struct mcast_sources *s, const struct ip_addr *a)
{
	uint32_t at = place_of(s, a);

	if (!is_at(s, at, a))
		return;
	s->count--;
	memmove(s->list + at, s->list + at + 1, (s->count - at) * sizeof(*s->list));
}

int mcast_sources_copy(struct mem *m, struct mcast_sources *to, const struct mcast_sources *from)
{
	void *list = to->list;

	if (make_room(m, &list, to->count, &to->room, from->count, sizeof(*to->list)) < 0)
		return -ENOBUFS;
	to->list = list;
	if (from->count > 0)
		memcpy(to->list, from->list, from->count * sizeof(*to->list));
	to->count = from->count;
	return 0;
}

void mcast_sources_clear(struct mem *m, struct mcast_sources *s)
{
	mem_free(m, s->list);
	*s = (struct mcast_sources){ 0 };
}

bool mcast_filter_passes(const struct mcast_filter *f, const struct ip_addr *source)
{
	return mcast_sources_has(&f->sources, source) == (f->mode == FILTER_INCLUDE);
}

bool mcast_filter_is_none(const struct mcast_filter *f)
{
	return f->mode == FILTER_INCLUDE && f->sources.count == 0;
}

/* ---- Many into one ------------------------------------------------------------------------------------------------ */

static uint32_t tally_place(const struct mcast_merge *merge, const struct ip_addr *a)
{
	return lower_bound(merge->tallies, merge->count, sizeof(*merge->tallies), a);
}

static bool tally_is_at(const struct mcast_merge *merge, uint32_t at, const struct ip_addr *a)
{
	return at < merge->count && ip_addr_eq(&merge->tallies[at].addr, a);
}

/* There is room. */
static struct mcast_tally *tally_of(struct mcast_merge *merge, const struct ip_addr *a)
{
	uint32_t at = tally_place(merge, a);

	if (!tally_is_at(merge, at, a)) {
		memmove(merge->tallies + at + 1, merge->tallies + at, (merge->count - at) * sizeof(*merge->tallies));
		merge->tallies[at] = (struct mcast_tally){ .addr = *a };
		merge->count++;
	}
	return &merge->tallies[at];
}

int mcast_merge_add(struct mem *m, struct mcast_merge *merge, const struct mcast_filter *f)
{
	uint32_t wanted = merge->count;
	void *tallies = merge->tallies;

	for (uint32_t i = 0; i < f->sources.count; i++)
		wanted += !tally_is_at(merge, tally_place(merge, &f->sources.list[i]), &f->sources.list[i]);
	if (make_room(m, &tallies, merge->count, &merge->room, wanted, sizeof(*merge->tallies)) < 0)
		return -ENOBUFS;
	merge->tallies = tallies;
	for (uint32_t i = 0; i < f->sources.count; i++) {
		struct mcast_tally *t = tally_of(merge, &f->sources.list[i]);

		if (f->mode == FILTER_INCLUDE)
			t->includes++;
		else
			t->excludes++;
	}
	if (f->mode == FILTER_INCLUDE)
		merge->includers++;
	else
		merge->excluders++;
	return 0;
}

void mcast_merge_remove(struct mcast_merge *merge, const struct mcast_filter *f)
{
	for (uint32_t i = 0; i < f->sources.count; i++) {
		uint32_t at = tally_place(merge, &f->sources.list[i]);
		struct mcast_tally *t = &merge->tallies[at];

		if (f->mode == FILTER_INCLUDE)
			t->includes--;
		else
			t->excludes--;
		if (t->includes > 0 || t->excludes > 0)
			continue;
		merge->count--;
		memmove(t, t + 1, (merge->count - at) * sizeof(*t));
	}
	if (f->mode == FILTER_INCLUDE)
		merge->includers--;
	else
		merge->excluders--;
}

void mcast_merge_clear(struct mem *m, struct mcast_merge *merge)
{
	mem_free(m, merge->tallies);
	*merge = (struct mcast_merge){ 0 };
}

static int merge_as(struct mem *m, const struct mcast_merge *merge, enum filter_mode mode, struct mcast_filter *out)
{
	out->mode = (uint8_t)mode;
	for (uint32_t i = 0; i < merge->count; i++) {
		const struct mcast_tally *t = &merge->tallies[i];
		bool is_listed = mode == FILTER_EXCLUDE ? t->excludes == merge->excluders && t->includes == 0 :
							       t->includes > 0;

		if (is_listed && mcast_sources_add(m, &out->sources, &t->addr) < 0) {
			mcast_sources_clear(m, &out->sources);
			return -ENOBUFS;
		}
	}
	return 0;
}

int mcast_merge_result(struct mem *m, const struct mcast_merge *merge, struct mcast_filter *out)
{
	return merge_as(m, merge, merge->excluders > 0 ? FILTER_EXCLUDE : FILTER_INCLUDE, out);
}

int mcast_merge_included(struct mem *m, const struct mcast_merge *merge, struct mcast_filter *out)
{
	return merge_as(m, merge, FILTER_INCLUDE, out);
}

static bool each_only_in(const struct mcast_sources *in, const struct mcast_sources *not_in,
			 bool (*fn)(void *ctx, const struct ip_addr *source), void *ctx)
{
	for (uint32_t i = 0; i < in->count; i++)
		if (!mcast_sources_has(not_in, &in->list[i]) && !fn(ctx, &in->list[i]))
			return false;
	return true;
}

bool mcast_filter_each_difference(const struct mcast_filter *a, const struct mcast_filter *b,
				  bool (*fn)(void *ctx, const struct ip_addr *source), void *ctx)
{
	return each_only_in(&a->sources, &b->sources, fn, ctx) && each_only_in(&b->sources, &a->sources, fn, ctx);
}
