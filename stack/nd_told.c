/* SPDX-License-Identifier: BSD-2-Clause */
#include "nd_told.h"

#include "core.h"

static bool is_over(const struct nd_told *t, uint64_t now_us)
{
	return t->until_us <= now_us;
}

static bool is_pair(const struct nd_told *t, const struct ip_addr *router, const struct ip_prefix *prefix)
{
	return ip_addr_eq(&t->router, router) && t->prefix.len == prefix->len && ip_addr_eq(&t->prefix.addr, &prefix->addr);
}

/* Where the pair is, or else a free place; NULL: neither. */
static struct nd_told *place_of(struct nd_link *nd, const struct ip_addr *router, const struct ip_prefix *prefix)
{
	struct nd_told *place = NULL;

	for (unsigned i = 0; i < nd->told_used; i++) {
		struct nd_told *t = &nd->told[i];

		if (is_over(t, nd->st->now_us))
			place = place ? place : t;
		else if (is_pair(t, router, prefix))
			return t;
	}
	if (!place && nd->told_used < ND_TOLD_MAX) {
		place = &nd->told[nd->told_used++];
		*place = (struct nd_told){ 0 };
	}
	return place;
}

void nd_told_learn(struct nd_link *nd, const struct ip_addr *router, const struct ip_prefix *prefix, uint32_t valid_s)
{
	struct nd_told *t = place_of(nd, router, prefix);
	struct stack *st = nd->st;
	bool was_told = t && !is_over(t, st->now_us);

	if (!t && valid_s > 0)
		stat_count(st, STAT_ND_DROP_TOLD_FULL);
	if (!t)
		return;
	*t = (struct nd_told){ .router = *router, .prefix = *prefix };
	if (valid_s > 0)
		t->until_us = valid_s == LIFETIME_FOREVER ? UINT64_MAX : st->now_us + valid_s * 1000000ULL;
	if (was_told != (valid_s > 0))
		st->route_generation++;
}

enum nd_told_by nd_told_by(struct stack *st, uint32_t ifindex, const struct ip_addr *router, const struct ip_addr *addr)
{
	const struct link *l = link_by_ifindex(st, ifindex);
	enum nd_told_by by = ND_TOLD_BY_NOBODY;

	for (unsigned i = 0; l && i < l->nd.told_used; i++) {
		const struct nd_told *t = &l->nd.told[i];

		if (is_over(t, st->now_us) || !ip_prefix_has(&t->prefix, addr))
			continue;
		if (ip_addr_eq(&t->router, router))
			return ND_TOLD_BY_ROUTER;
		by = ND_TOLD_BY_ANOTHER;
	}
	return by;
}
