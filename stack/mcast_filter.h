/* SPDX-License-Identifier: BSD-2-Clause */
/* mcast_filter.h - source filters of multicast groups: sets of sources, how the filters of many listeners become one, and what
 * differs between two (RFC 3376 sections 3 and 5.1, RFC 3810 sections 4.2 and 6.1, RFC 4604). IGMP and MLD share them.
 * Promises: a call that fails for want of memory changes nothing. What mcast_merge_remove() gave up can be added again without
 *           memory.
 * Needs:    sets of tens or hundreds of sources: they are sorted arrays.
 * Never:    knows a link, a socket, or a packet. */
#ifndef TAPIR_STACK_MCAST_FILTER_H
#define TAPIR_STACK_MCAST_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "pool.h"

/* Which sources are wanted: those of the list, or all but those of the list. Nothing is wanted of INCLUDE with an empty list. */
enum filter_mode { FILTER_INCLUDE, FILTER_EXCLUDE };

/* A set of addresses, all of one family, in ascending order. Zeroed: empty. */
struct mcast_sources {
	struct ip_addr *list;
	uint32_t count, room;
};

bool mcast_sources_has(const struct mcast_sources *s, const struct ip_addr *a);
int mcast_sources_add(struct mem *m, struct mcast_sources *s, const struct ip_addr *a); /* 0, also when it is there; -ENOBUFS */
void mcast_sources_remove(struct mcast_sources *s, const struct ip_addr *a);
int mcast_sources_copy(struct mem *m, struct mcast_sources *to, const struct mcast_sources *from); /* @to: empty. 0, -ENOBUFS */
void mcast_sources_clear(struct mem *m, struct mcast_sources *s);

/* Zeroed: nothing is wanted. */
struct mcast_filter {
	uint8_t mode; /* enum filter_mode */
	struct mcast_sources sources;
};

bool mcast_filter_passes(const struct mcast_filter *f, const struct ip_addr *source);
bool mcast_filter_is_none(const struct mcast_filter *f);

/* The filters of all listeners of a group on a link. Zeroed: no listener. */
struct mcast_tally {
	struct ip_addr addr;
	uint32_t includes, excludes; /* filters that name it */
};

struct mcast_merge {
	uint32_t includers, excluders; /* listeners of each mode */
	struct mcast_tally *tallies;   /* in ascending order of addresses */
	uint32_t count, room;
};

int mcast_merge_add(struct mem *m, struct mcast_merge *merge, const struct mcast_filter *f); /* 0 or -ENOBUFS */
void mcast_merge_remove(struct mcast_merge *merge, const struct mcast_filter *f);
void mcast_merge_clear(struct mem *m, struct mcast_merge *merge);

/** mcast_merge_result - the filter that wants what any of the listeners wants (RFC 3376 section 3.2): with any EXCLUDE among them,
 * EXCLUDE the intersection of their lists without what an INCLUDE names; else INCLUDE the union.
 * @out: empty. Returns 0 or -ENOBUFS. */
int mcast_merge_result(struct mem *m, const struct mcast_merge *merge, struct mcast_filter *out);

/* The same for groups that are only for single sources (RFC 4604): INCLUDE what any of the listeners names. */
int mcast_merge_included(struct mem *m, const struct mcast_merge *merge, struct mcast_filter *out);

/** mcast_filter_each_difference - the sources that only one of two filters of the same mode names (RFC 3376 section 5.1: those to
 * be allowed or blocked).
 * @fn: returns false to stop. Returns whether it never did. */
bool mcast_filter_each_difference(const struct mcast_filter *a, const struct mcast_filter *b,
				  bool (*fn)(void *ctx, const struct ip_addr *source), void *ctx);

#endif
