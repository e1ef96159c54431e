/* SPDX-License-Identifier: BSD-2-Clause */
#include "pmtu.h"

#include "core.h"

struct pmtu {
	struct list bucket_link, age_link, use_link;
	struct ip_addr dst;
	uint32_t mtu;
	bool is_locked;
	uint64_t expires_us;
};

static struct pmtu *by_age(struct list *node)
{
	return container_of(node, struct pmtu, age_link);
}

static struct pmtu *by_use(struct list *node)
{
	return container_of(node, struct pmtu, use_link);
}

static void forget(struct pmtu_cache *c, struct pmtu *p)
{
	list_remove(&p->bucket_link);
	list_remove(&p->age_link);
	list_remove(&p->use_link);
	pool_put(&c->pool, p);
}

static void arm(struct pmtu_cache *c)
{
	struct list *n = list_first(&c->by_age);

	if (n)
		timer_set(&c->st->wheel, &c->timer, by_age(n)->expires_us);
	else
		timer_cancel(&c->timer);
}

static void expire(struct timer *t, uint64_t now_us)
{
	struct pmtu_cache *c = container_of(t, struct pmtu_cache, timer);
	struct list *n;

	while ((n = list_first(&c->by_age)) && by_age(n)->expires_us <= now_us)
		forget(c, by_age(n));
	c->st->route_generation++; /* cached routes take up the larger MTU */
	arm(c);
}

int pmtu_cache_init(struct stack *st)
{
	struct pmtu_cache *c = &st->pmtus;

	c->st = st;
	c->key = hash_key_derive(st->config.seed, "pmtu");
	for (unsigned i = 0; i < PMTU_BUCKETS; i++)
		list_init(&c->buckets[i]);
	list_init(&c->by_age);
	list_init(&c->unused);
	list_init(&c->used);
	timer_init(&c->timer, expire);
	pool_init(&c->pool, &st->mem, sizeof(struct pmtu), PMTU_COUNT_MAX);
	return 0;
}

void pmtu_cache_fini(struct stack *st)
{
	struct pmtu_cache *c = &st->pmtus;
	struct list *n;

	if (!c->st)
		return;
	while ((n = list_first(&c->by_age)))
		forget(c, by_age(n));
	timer_cancel(&c->timer);
	pool_fini(&c->pool);
}

static struct list *bucket_of(struct pmtu_cache *c, const struct ip_addr *dst)
{
	return &c->buckets[hash_bytes(&c->key, dst->b, sizeof(dst->b)) % PMTU_BUCKETS];
}

static struct pmtu *find(struct pmtu_cache *c, const struct ip_addr *dst)
{
	struct list *bucket = bucket_of(c, dst);

	for (struct list *n = bucket->next; n != bucket; n = n->next) {
		struct pmtu *p = container_of(n, struct pmtu, bucket_link);

		if (ip_addr_eq(&p->dst, dst))
			return p;
	}
	return NULL;
}

void pmtu_apply(struct stack *st, const struct ip_addr *dst, struct ip_dst *d)
{
	struct pmtu *p = list_is_empty(&st->pmtus.by_age) ? NULL : find(&st->pmtus, dst);

	if (!p)
		return;
	list_remove(&p->use_link);
	list_append(&st->pmtus.used, &p->use_link);
	if (p->mtu >= d->mtu)
		return;
	d->mtu = p->mtu;
	d->is_mtu_locked = p->is_locked;
}

static struct pmtu *make(struct pmtu_cache *c, const struct ip_addr *dst)
{
	struct list *victim = list_first(&c->unused) ? list_first(&c->unused) : list_first(&c->used);
	struct pmtu *p = pool_get(&c->pool);

	if (!p && victim) {
		stat_count(c->st, STAT_PMTU_EVICTED);
		forget(c, by_use(victim));
		p = pool_get(&c->pool);
	}
	if (!p)
		return NULL;
	p->dst = *dst;
	p->mtu = UINT32_MAX;
	list_append(bucket_of(c, dst), &p->bucket_link);
	list_init(&p->age_link);
	list_append(&c->unused, &p->use_link);
	return p;
}

/* Live as long again: a larger MTU must not be tried within five minutes of a report (RFC 8201 section 4). */
static void renew(struct pmtu_cache *c, struct pmtu *p)
{
	const struct tunables *t = &c->st->tunables;
	uint32_t life_s = ip_addr_is4(&p->dst) ? t->route_mtu_expires : t->route6_mtu_expires;
	struct list *after = &c->by_age;

	p->expires_us = c->st->now_us + life_s * 1000000ULL;
	list_remove(&p->age_link);
	/* At the end, but where the families' tunables differ. */
	while (after->prev != &c->by_age && by_age(after->prev)->expires_us > p->expires_us)
		after = after->prev;
	list_append(after, &p->age_link);
	arm(c);
}

uint32_t ip_pmtu_learn(struct stack *st, const struct icmp_error *e)
{
	struct pmtu_cache *c = &st->pmtus;
	struct pmtu *p = find(c, &e->remote);
	uint32_t mtu = e->mtu;
	bool is_locked = false;

	if (ip_addr_is4(&e->remote) && mtu < st->tunables.route_min_pmtu) {
		mtu = st->tunables.route_min_pmtu;
		is_locked = true;
	}
	if (!p)
		p = make(c, &e->remote);
	if (!p)
		return mtu;
	renew(c, p);
	if (mtu > p->mtu || (mtu == p->mtu && is_locked == p->is_locked)) /* an error never raises it (RFC 8201 section 4) */
		return p->mtu;
	p->mtu = mtu;
	p->is_locked = is_locked;
	st->route_generation++;
	stat_count(st, STAT_PMTU_LEARNT);
	return mtu;
}

uint32_t pmtu_plateau_below(uint32_t len)
{
	static const uint16_t plateaus[] = { 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68 };

	for (unsigned i = 0; i < sizeof(plateaus) / sizeof(plateaus[0]); i++)
		if (plateaus[i] < len)
			return plateaus[i];
	return 68;
}
