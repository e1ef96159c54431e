/* SPDX-License-Identifier: BSD-2-Clause */
#include "mcast.h"

#include <errno.h>
#include <netinet/in.h>

#include "core.h"

/* What Linux charges to net.core.optmem_max on a 64-bit machine: struct ip_mc_socklist or ipv6_mc_socklist for a membership, and
 * struct ip_sf_socklist or ip6_sf_socklist for a list of sources. */
enum { OPTMEM_PER_MEMBER4 = 48, OPTMEM_PER_MEMBER6 = 64, OPTMEM_PER_LIST = 24, OPTMEM_PER_SOURCE4 = 4, OPTMEM_PER_SOURCE6 = 16 };

static const struct mcast_filter filter_none, filter_all = { .mode = FILTER_EXCLUDE };

int mcast_table_init(struct stack *st)
{
	struct mcast_table *t = &st->mcast;

	for (unsigned i = 0; i < MCAST_BUCKETS; i++)
		list_init(&t->buckets[i]);
	t->key = hash_key_derive(st->config.seed, "mcast table");
	t->rng.key = hash_key_derive(st->config.seed, "mcast delays");
	pool_init(&t->groups, &st->mem, sizeof(struct mcast_group), MCAST_GROUPS_MAX);
	pool_init(&t->members, &st->mem, sizeof(struct mcast_member), MCAST_MEMBERS_MAX);
	return 0;
}

static void free_groups(struct mcast_if *ifc)
{
	struct list *n;

	timer_cancel(&ifc->answer_timer);
	timer_cancel(&ifc->change_timer);
	while ((n = list_first(&ifc->groups)))
		mcast_group_free(container_of(n, struct mcast_group, link));
}

void mcast_table_fini(struct stack *st)
{
	for (uint32_t i = 0; i < st->links.count; i++) {
		free_groups(&st->links.links[i]->igmp);
		free_groups(&st->links.links[i]->mld);
	}
	pool_fini(&st->mcast.groups);
	pool_fini(&st->mcast.members);
}

/* ---- Groups ------------------------------------------------------------------------------------------------------- */

static struct list *bucket_of(struct stack *st, const struct ip_addr *group, uint32_t ifindex)
{
	uint8_t key[20];

	memcpy(key, group->b, 16);
	memcpy(key + 16, &ifindex, 4);
	return &st->mcast.buckets[hash_bytes(&st->mcast.key, key, sizeof(key)) % MCAST_BUCKETS];
}

struct mcast_group *mcast_find(struct stack *st, const struct ip_addr *group, uint32_t ifindex)
{
	struct list *bucket = bucket_of(st, group, ifindex);

	for (struct list *n = bucket->next; n != bucket; n = n->next) {
		struct mcast_group *g = container_of(n, struct mcast_group, bucket_link);

		if (g->ifc->l->ifindex == ifindex && ip_addr_eq(&g->addr, group))
			return g;
	}
	return NULL;
}

/* Find or make the group, and count one user more. NULL: there are @max already, or there is no memory. */
static struct mcast_group *group_get(struct stack *st, struct link *l, const struct ip_addr *addr, uint32_t max)
{
	struct mcast_group *g = mcast_find(st, addr, l->ifindex);

	if (!g) {
		g = st->mcast.groups.used < max ? pool_get(&st->mcast.groups) : NULL;
		if (!g) {
			stat_count(st, STAT_MEM_OBJECTS_EXHAUSTED);
			return NULL;
		}
		g->ifc = ip_addr_is4(addr) ? &l->igmp : &l->mld;
		g->addr = *addr;
		g->is_configured = false;
		list_append(&g->ifc->groups, &g->link);
		list_append(bucket_of(st, addr, l->ifindex), &g->bucket_link);
		mcast_reporting_init(g);
		g->ifc->count++;
		g->ifc->leaving++;
	}
	if (g->users++ == 0)
		g->ifc->leaving--;
	return g;
}

/* The counterpart; the caller tells of the change, after which the group may be gone. */
static void group_put(struct mcast_group *g)
{
	if (--g->users == 0)
		g->ifc->leaving++;
}

void mcast_group_free(struct mcast_group *g)
{
	struct mcast_if *ifc = g->ifc;
	struct stack *st = ifc->st;

	if (g->users == 0)
		ifc->leaving--;
	ifc->count--;
	mcast_reporting_fini(g);
	mcast_merge_clear(&st->mem, &g->merge);
	mcast_sources_clear(&st->mem, &g->filter.sources);
	list_remove(&g->link);
	list_remove(&g->bucket_link);
	pool_put(&st->mcast.groups, g);
}

static int merged(const struct mcast_group *g, struct mcast_filter *out)
{
	struct mem *mem = &g->ifc->st->mem;

	return mcast_is_source_specific(g->ifc, &g->addr) ? mcast_merge_included(mem, &g->merge, out) : mcast_merge_result(mem, &g->merge, out);
}

/** change - one listener's filter becomes another: the group's reception state follows, and the link is told.
 * @from, @to: NULL: the listener comes, goes. Returns 0, or -ENOBUFS with nothing changed. A listener that goes is never refused:
 * without memory the state stays wider than need be until the next change. */
static int change(struct mcast_group *g, const struct mcast_filter *from, const struct mcast_filter *to, uint64_t report_at_us)
{
	struct mem *mem = &g->ifc->st->mem;
	struct mcast_filter now = { 0 }, old;

	if (to && mcast_merge_add(mem, &g->merge, to) < 0)
		return -ENOBUFS;
	if (from)
		mcast_merge_remove(&g->merge, from);
	if (merged(g, &now) < 0) {
		if (!to)
			return 0;
		if (from)
			mcast_merge_add(mem, &g->merge, from); /* there is room: it was in */
		mcast_merge_remove(&g->merge, to);
		return -ENOBUFS;
	}
	old = g->filter;
	g->filter = now;
	mcast_report_change(g, &old, report_at_us);
	mcast_sources_clear(mem, &old.sources);
	return 0;
}

bool mcast_is_all_nodes(const struct ip_addr *group)
{
	static const uint8_t zero[13];

	return group->b[0] == 0xff && (group->b[1] == 1 || group->b[1] == 2) && memcmp(group->b + 2, zero, 13) == 0 &&
	       group->b[15] == 1;
}

bool mcast_hears(struct stack *st, const struct ip_addr *group, const struct link *l)
{
	static const struct ip_addr all_systems = { { [10] = 0xff, [11] = 0xff, 224, 0, 0, 1 } };
	const struct mcast_group *g;

	if (ip_addr_is4(group) ? ip_addr_eq(group, &all_systems) : mcast_is_all_nodes(group))
		return true;
	g = mcast_find(st, group, l->ifindex);
	return g && (g->merge.excluders > 0 || !mcast_filter_is_none(&g->filter));
}

/* ---- The stack's own ---------------------------------------------------------------------------------------------- */

int mcast_join_own(struct stack *st, struct link *l, const struct ip_addr *group, uint64_t report_at_us)
{
	struct mcast_group *g = group_get(st, l, group, MCAST_GROUPS_MAX);

	if (!g)
		return -ENOBUFS;
	if (change(g, NULL, &filter_all, report_at_us) == 0)
		return 0;
	group_put(g);
	mcast_report_change(g, &g->filter, st->now_us);
	return -ENOBUFS;
}

void mcast_leave_own(struct stack *st, struct link *l, const struct ip_addr *group)
{
	struct mcast_group *g = mcast_find(st, group, l->ifindex);

	if (!g || g->users == 0)
		return;
	group_put(g);
	change(g, &filter_all, NULL, st->now_us);
}

int stack_join_group(struct stack *st, uint32_t ifindex, const struct ip_addr *group, uint64_t now_us)
{
	struct link *l = link_by_ifindex(st, ifindex);
	const struct mcast_group *known;
	int err;

	st->now_us = now_us;
	if (!l)
		return -ENODEV;
	if (!ip_addr_is_multicast(group) || (!ip_addr_is4(group) && !link_has_ip6(l)))
		return -EINVAL;
	known = mcast_find(st, group, ifindex);
	if (known && known->is_configured)
		return -EEXIST;
	err = mcast_join_own(st, l, group, now_us);
	if (err == 0)
		mcast_find(st, group, ifindex)->is_configured = true;
	return err;
}

int stack_leave_group(struct stack *st, uint32_t ifindex, const struct ip_addr *group, uint64_t now_us)
{
	struct mcast_group *g = mcast_find(st, group, ifindex);

	st->now_us = now_us;
	if (!link_by_ifindex(st, ifindex))
		return -ENODEV;
	if (!g || !g->is_configured)
		return -EADDRNOTAVAIL;
	g->is_configured = false;
	mcast_leave_own(st, link_by_ifindex(st, ifindex), group);
	return 0;
}

/* ---- Sockets ------------------------------------------------------------------------------------------------------ */

struct mcast_member *mcast_member_find(const struct sock *s, const struct ip_addr *group, uint32_t ifindex)
{
	struct mcast_member *m = s->memberships;

	while (m && !(ip_addr_eq(&m->group->addr, group) && (ifindex == 0 || m->group->ifc->l->ifindex == ifindex)))
		m = m->next;
	return m;
}

/* Found or made; NULL: no memory. */
static struct mcast_owner *owner_get(struct stack *st, uint32_t owner)
{
	struct mcast_owner *o = st->mcast.owners;

	while (o && o->owner != owner)
		o = o->next;
	if (o)
		return o;
	o = mem_alloc(&st->mem, sizeof(*o));
	if (!o)
		return NULL;
	o->owner = owner;
	o->next = st->mcast.owners;
	st->mcast.owners = o;
	return o;
}

static void owner_free_if_unused(struct stack *st, struct mcast_owner *o)
{
	struct mcast_owner **at = &st->mcast.owners;

	if (o->members > 0)
		return;
	while (*at != o)
		at = &(*at)->next;
	*at = o->next;
	mem_free(&st->mem, o);
}

static uint64_t optmem_of_list(bool is4, uint32_t sources)
{
	return sources > 0 ? OPTMEM_PER_LIST + sources * (is4 ? OPTMEM_PER_SOURCE4 : OPTMEM_PER_SOURCE6) : 0;
}

static uint64_t optmem_of_members(const struct sock *s)
{
	uint64_t bytes = 0;

	for (const struct mcast_member *m = s->memberships; m; m = m->next) {
		bool is4 = ip_addr_is4(&m->group->addr);

		bytes += (is4 ? OPTMEM_PER_MEMBER4 : OPTMEM_PER_MEMBER6) + optmem_of_list(is4, m->filter.sources.count);
	}
	return bytes;
}

/* Linux's limits. */
static int check_limit(const struct sock *s, bool is4)
{
	const struct tunables *t = &s->st->tunables;
	uint32_t count = 0;

	if (!is4)
		return optmem_of_members(s) + OPTMEM_PER_MEMBER6 <= t->optmem_max ? 0 : -ENOMEM;
	for (const struct mcast_member *m = s->memberships; m; m = m->next)
		count += ip_addr_is4(&m->group->addr);
	return count < t->igmp_max_memberships ? 0 : -ENOBUFS;
}

/* Whether @m may have a list of @sources. */
static int check_sources(const struct sock *s, const struct mcast_member *m, uint32_t sources)
{
	bool is4 = ip_addr_is4(&m->group->addr);
	uint64_t others = optmem_of_members(s) - optmem_of_list(is4, m->filter.sources.count);

	if (sources <= m->filter.sources.count)
		return 0;
	if (others + optmem_of_list(is4, sources) > s->st->tunables.optmem_max)
		return -ENOBUFS;
	if (s->st->mcast.sources - m->filter.sources.count + sources > MCAST_SOURCES_MAX ||
	    m->owner->sources - m->filter.sources.count + sources > MCAST_OWNER_SOURCES_MAX) {
		stat_count(s->st, STAT_MEM_OBJECTS_EXHAUSTED);
		return -ENOBUFS;
	}
	return 0;
}

int mcast_member_add(struct sock *s, struct link *l, const struct ip_addr *group, enum filter_mode mode)
{
	const struct mcast_filter *filter = mode == FILTER_EXCLUDE ? &filter_all : &filter_none;
	int err = check_limit(s, ip_addr_is4(group));
	struct mcast_owner *owner;
	struct mcast_member *m;

	if (err < 0)
		return err;
	owner = owner_get(s->st, s->owner);
	if (!owner)
		return -ENOBUFS;
	m = owner->members < MCAST_OWNER_MEMBERS_MAX ? pool_get(&s->st->mcast.members) : NULL;
	if (!m) {
		owner_free_if_unused(s->st, owner);
		stat_count(s->st, STAT_MEM_OBJECTS_EXHAUSTED);
		return -ENOBUFS;
	}
	m->owner = owner;
	m->filter.mode = (uint8_t)mode;
	m->group = group_get(s->st, l, group, MCAST_GROUPS_MAX - MCAST_GROUPS_OWN);
	if (m->group && change(m->group, NULL, filter, s->st->now_us) == 0) {
		m->next = s->memberships;
		s->memberships = m;
		owner->members++;
		return 0;
	}
	if (m->group) {
		group_put(m->group);
		mcast_report_change(m->group, &m->group->filter, s->st->now_us);
	}
	pool_put(&s->st->mcast.members, m);
	owner_free_if_unused(s->st, owner);
	return -ENOBUFS;
}

int mcast_member_set(struct sock *s, struct mcast_member *m, struct mcast_filter *filter)
{
	int err = check_sources(s, m, filter->sources.count);

	if (err == 0)
		err = change(m->group, &m->filter, filter, s->st->now_us);
	if (err < 0)
		return err;
	s->st->mcast.sources += filter->sources.count - m->filter.sources.count;
	m->owner->sources += filter->sources.count - m->filter.sources.count;
	mcast_sources_clear(&s->st->mem, &m->filter.sources);
	m->filter = *filter;
	*filter = filter_none;
	return 0;
}

void mcast_member_drop(struct sock *s, struct mcast_member *m)
{
	struct mcast_member **at = &s->memberships;

	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	group_put(m->group);
	change(m->group, &m->filter, NULL, s->st->now_us);
	s->st->mcast.sources -= m->filter.sources.count;
	m->owner->sources -= m->filter.sources.count;
	m->owner->members--;
	owner_free_if_unused(s->st, m->owner);
	mcast_sources_clear(&s->st->mem, &m->filter.sources);
	pool_put(&s->st->mcast.members, m);
}

void mcast_leave_all(struct sock *s)
{
	while (s->memberships)
		mcast_member_drop(s, s->memberships);
}

bool mcast_sock_wants(const struct sock *s, const struct ip_addr *group, const struct ip_addr *source, uint32_t ifindex)
{
	const struct mcast_member *m = s->memberships ? mcast_member_find(s, group, ifindex) : NULL;

	if (m)
		return mcast_filter_passes(&m->filter, source);
	return ip_addr_is4(group) ? s->opt.mcast_all : s->opt.mcast_all6;
}

/* ---- Looking at it ------------------------------------------------------------------------------------------------ */

static bool each_group(const struct mcast_if *ifc, bool (*fn)(void *ctx, const struct group_info *), void *ctx)
{
	for (const struct list *n = ifc->groups.next; n != &ifc->groups; n = n->next) {
		const struct mcast_group *g = container_of(n, struct mcast_group, link);
		struct group_info info = {
			.addr = g->addr,
			.ifindex = ifc->l->ifindex,
			.users = g->users,
			.is_exclude = g->filter.mode == FILTER_EXCLUDE,
			.sources = g->filter.sources.list,
			.source_count = g->filter.sources.count,
			.version = mcast_version(ifc),
			.report_due_us = mcast_report_due_us(g),
		};

		if (!fn(ctx, &info))
			return false;
	}
	return true;
}

void stack_each_group(struct stack *st, bool (*fn)(void *ctx, const struct group_info *), void *ctx)
{
	for (uint32_t i = 0; i < st->links.count; i++) {
		const struct link *l = st->links.links[i];

		if (!each_group(&l->igmp, fn, ctx) || !each_group(&l->mld, fn, ctx))
			return;
	}
}
