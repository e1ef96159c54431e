/* SPDX-License-Identifier: BSD-2-Clause */
#include "addr_table.h"

#include <errno.h>
#include <sys/socket.h>

#include "addr_select.h"
#include "arp_acd.h"
#include "core.h"
#include "nd.h"
#include "nd_told.h"
#include "slaac.h"

static struct if_addr *if_addr_of(struct list *node)
{
	return container_of(node, struct if_addr, link);
}

int addr_table_init(struct stack *st)
{
	struct addr_table *t = &st->addrs;

	list_init(&t->all);
	for (unsigned i = 0; i < ADDR_BUCKETS; i++)
		list_init(&t->buckets[i]);
	pool_init(&t->pool, &st->mem, sizeof(struct if_addr), ADDR_COUNT_MAX);
	return 0;
}

void addr_table_fini(struct stack *st)
{
	struct addr_table *t = &st->addrs;
	struct list *n;

	if (!t->all.next)
		return;
	while ((n = list_pop(&t->all))) {
		timer_cancel(&if_addr_of(n)->timer);
		timer_cancel(&if_addr_of(n)->life);
		pool_put(&t->pool, if_addr_of(n));
	}
	pool_fini(&t->pool);
}

/* No key: who may fill the table could do worse. */
static struct list *bucket_of(struct stack *st, const struct ip_addr *a)
{
	uint32_t h = 0;

	for (unsigned i = 8; i < 16; i++)
		h = h * 31 + a->b[i];
	return &st->addrs.buckets[(h ^ h >> 8) % ADDR_BUCKETS];
}

struct if_addr *addr_find(struct stack *st, const struct ip_addr *a, uint32_t ifindex)
{
	struct list *bucket = bucket_of(st, a);

	for (struct list *n = bucket->next; n != bucket; n = n->next) {
		struct if_addr *e = container_of(n, struct if_addr, bucket_link);

		if (ip_addr_eq(&e->prefix.addr, a) && (ifindex == 0 || e->ifindex == ifindex))
			return e;
	}
	return NULL;
}

static bool is_ip6_linklocal(const struct ip_addr *a)
{
	return !ip_addr_is4(a) && ip_addr_is_linklocal(a);
}

struct if_addr *addr_linklocal(struct stack *st, uint32_t ifindex)
{
	for (struct list *n = st->addrs.all.next; n != &st->addrs.all; n = n->next)
		if (if_addr_of(n)->ifindex == ifindex && if_addr_of(n)->origin == NET_LINKLOCAL && is_ip6_linklocal(&if_addr_of(n)->prefix.addr))
			return if_addr_of(n);
	return NULL;
}

const struct if_addr *addr_checked6(struct stack *st, uint32_t ifindex)
{
	const struct if_addr *found = NULL;

	for (struct list *n = st->addrs.all.next; n != &st->addrs.all; n = n->next) {
		const struct if_addr *e = if_addr_of(n);

		if (e->ifindex != ifindex || e->state != IF_ADDR_ASSIGNED || ip_addr_is4(&e->prefix.addr))
			continue;
		if (is_ip6_linklocal(&e->prefix.addr))
			return e;
		found = e;
	}
	return found;
}

bool addr_has_static4(struct stack *st, uint32_t ifindex)
{
	for (struct list *n = st->addrs.all.next; n != &st->addrs.all; n = n->next) {
		const struct if_addr *e = if_addr_of(n);

		if (e->ifindex == ifindex && e->origin == NET_STATIC && ip_addr_is4(&e->prefix.addr))
			return true;
	}
	return false;
}

bool addr_is_ours(struct stack *st, const struct ip_addr *a, uint32_t ifindex)
{
	const struct if_addr *e = addr_find(st, a, 0);

	if (e && is_ip6_linklocal(a) && ifindex != LINK_LOOPBACK_IFINDEX)
		e = addr_find(st, a, ifindex);
	if (e)
		return if_addr_is_usable(e);
	return ip_addr_is4(a) && ip_addr_is_loopback(a);
}

/* An IPv4 network wide enough to have a broadcast address: not a /31 (RFC 3021) or /32. */
static bool has_broadcast(const struct ip_prefix *p)
{
	return ip_addr_is4(&p->addr) && p->len <= 96 + 30;
}

bool addr_is_directed_broadcast(struct stack *st, const struct ip_addr *a, uint32_t ifindex, bool any_form,
				uint32_t *ifindex_out)
{
	unsigned low = a->b[15] & 3; /* a broadcast ends in two ones at least: most addresses are done here */

	if (!ip_addr_is4(a) || (low != 3 && !(any_form && low == 0) && st->addrs.own_broadcasts == 0))
		return false;
	for (struct list *n = st->addrs.all.next; n != &st->addrs.all; n = n->next) {
		const struct if_addr *e = if_addr_of(n);
		struct ip_addr last, first;

		if (!has_broadcast(&e->prefix) || (ifindex != 0 && e->ifindex != ifindex) || !ip_prefix_has(&e->prefix, a))
			continue;
		last = ip_prefix_last(&e->prefix);
		first = ip_prefix_first(&e->prefix);
		if (!ip_addr_eq(a, &last) && !ip_addr_eq(a, &e->broadcast) && !(any_form && ip_addr_eq(a, &first)))
			continue;
		if (ifindex_out)
			*ifindex_out = e->ifindex;
		return true;
	}
	return false;
}

/* Only if there is no other: its preferred life is over, or it may yet be another's (RFC 4429 section 3.1). */
static bool is_second_choice(const struct if_addr *e)
{
	return if_addr_is_deprecated(e) || (e->state == IF_ADDR_OPTIMISTIC && !ip_addr_is4(&e->prefix.addr));
}

static struct addr_source source_of(const struct if_addr *e, const struct ip_addr *next_hop, uint32_t ifindex)
{
	bool is4 = ip_addr_is4(next_hop);
	enum nd_told_by by = is4 ? ND_TOLD_BY_NOBODY : nd_told_by(e->st, ifindex, next_hop, &e->prefix.addr);

	return (struct addr_source){
		.addr = e->prefix.addr,
		.prefix_len = e->prefix.len,
		.is_deprecated = is_second_choice(e),
		.is_temporary = e->origin == NET_TEMPORARY,
		.is_on_link = e->ifindex == ifindex,
		.is_of_next_hop = by == ND_TOLD_BY_ROUTER,
		.is_of_another = by == ND_TOLD_BY_ANOTHER,
	};
}

/* RFC 6724 section 4 */
static bool is_candidate(const struct if_addr *e, const struct ip_addr *dst, uint32_t ifindex)
{
	if (ip_addr_is4(&e->prefix.addr) != ip_addr_is4(dst) || !if_addr_is_usable(e))
		return false;
	if (e->ifindex == LINK_LOOPBACK_IFINDEX && ip_addr_is_loopback(&e->prefix.addr))
		return false; /* never leaves the host (RFC 1122 section 3.2.1.3 (g), RFC 4291 section 2.5.3) */
	if (e->ifindex == ifindex)
		return true;
	/* Another link's link-local address means nothing here; and link-local destinations and groups want the link's own. */
	return !is_ip6_linklocal(&e->prefix.addr) && (ip_addr_is4(dst) || addr_scope(dst) >= ADDR_SCOPE_GLOBAL);
}

const struct if_addr *addr_select_source(struct stack *st, const struct ip_addr *dst, const struct ip_addr *next_hop,
					 uint32_t ifindex)
{
	return addr_prefer_source(st, dst, next_hop, ifindex, st->tunables.use_tempaddr >= 2);
}

const struct if_addr *addr_prefer_source(struct stack *st, const struct ip_addr *dst, const struct ip_addr *next_hop,
					 uint32_t ifindex, bool prefers_temporary)
{
	struct addr_source_query q = { &st->addr_policy, *dst, *next_hop, prefers_temporary };
	const struct if_addr *best = NULL;
	struct addr_source best_source;

	for (struct list *n = st->addrs.all.next; n != &st->addrs.all; n = n->next) {
		const struct if_addr *e = if_addr_of(n);
		struct addr_source source;

		if (!is_candidate(e, dst, ifindex))
			continue;
		source = source_of(e, next_hop, ifindex);
		if (best && !addr_source_is_better(&source, &best_source, &q))
			continue;
		best = e;
		best_source = source;
	}
	return best;
}

static struct addr_destination destination(struct stack *st, const struct ip_endpoint *to)
{
	struct addr_destination d = { .dst = to->addr };
	struct ip_dst route;
	const struct if_addr *e;

	if (ip_route(st, &to->addr, NULL, to->scope_id, &route) < 0)
		return d;
	d.is_usable = true;
	d.src = route.src;
	e = addr_find(st, &route.src, 0);
	d.src_prefix_len = e ? e->prefix.len : 128;
	d.src_is_deprecated = e && is_second_choice(e);
	return d;
}

void stack_order_destinations(struct stack *st, struct ip_endpoint *to, size_t n, uint64_t now_us)
{
	struct addr_destination d[STACK_DESTINATIONS_MAX];
	struct ip_endpoint ordered[STACK_DESTINATIONS_MAX];
	bool is_taken[STACK_DESTINATIONS_MAX] = { false };

	st->now_us = now_us;
	if (n > STACK_DESTINATIONS_MAX)
		n = STACK_DESTINATIONS_MAX;
	for (size_t i = 0; i < n; i++)
		d[i] = destination(st, &to[i]);
	addr_order_destinations(&st->addr_policy, d, n);
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (is_taken[k] || !ip_addr_eq(&to[k].addr, &d[i].dst))
			k++;
		is_taken[k] = true;
		ordered[i] = to[k];
	}
	memcpy(to, ordered, n * sizeof(*to));
}

static bool has_other_addr_in(struct stack *st, const struct if_addr *except)
{
	struct ip_addr first = ip_prefix_first(&except->prefix);

	for (struct list *n = st->addrs.all.next; n != &st->addrs.all; n = n->next) {
		const struct if_addr *e = if_addr_of(n);
		struct ip_addr other = ip_prefix_first(&e->prefix);

		if (e != except && e->has_prefix_route && e->ifindex == except->ifindex && e->prefix.len == except->prefix.len &&
		    ip_addr_eq(&other, &first))
			return true;
	}
	return false;
}

static bool may_be_assigned(const struct ip_prefix *p)
{
	struct ip_addr last = ip_prefix_last(p), first = ip_prefix_first(p);

	if (p->len > 128 || (ip_addr_is4(&p->addr) && p->len < 96))
		return false;
	if (ip_addr_is_any(&p->addr) || ip_addr_is_multicast(&p->addr) || ip_addr_is_broadcast(&p->addr))
		return false;
	return !has_broadcast(p) || (!ip_addr_eq(&p->addr, &last) && !ip_addr_eq(&p->addr, &first));
}

/* ---- Lifetimes ---- */

static uint64_t until_us(struct stack *st, uint32_t lifetime_s)
{
	return lifetime_s == LIFETIME_FOREVER ? UINT64_MAX : st->now_us + lifetime_s * 1000000ULL;
}

static uint32_t left_s(struct stack *st, uint64_t end_us)
{
	if (end_us == UINT64_MAX)
		return LIFETIME_FOREVER;
	return end_us > st->now_us ? (uint32_t)((end_us - st->now_us) / 1000000) : 0;
}

bool if_addr_is_deprecated(const struct if_addr *a)
{
	return a->preferred_until_us <= a->st->now_us;
}

static void arm_life(struct if_addr *a)
{
	uint64_t next_us = if_addr_is_deprecated(a) ? a->valid_until_us : a->preferred_until_us;

	if (next_us == UINT64_MAX)
		timer_cancel(&a->life);
	else
		timer_set(&a->st->wheel, &a->life, next_us);
}

static void on_life(struct timer *t, uint64_t now_us)
{
	struct if_addr *a = container_of(t, struct if_addr, life);
	char text[IP_ADDR_TEXT_MAX];

	if (a->valid_until_us > now_us) {
		a->st->route_generation++; /* another source may be the better one now */
		arm_life(a);
		return;
	}
	stack_log(a->st, STACK_LOG_NOTICE, "addr.expired addr=%s ifindex=%u", ip_addr_print(&a->prefix.addr, text), a->ifindex);
	addr_remove(a);
}

void addr_set_lifetimes(struct if_addr *a, uint32_t valid_s, uint32_t preferred_s)
{
	a->valid_until_us = until_us(a->st, valid_s);
	addr_set_preferred(a, preferred_s);
}

void addr_set_preferred(struct if_addr *a, uint32_t preferred_s)
{
	bool was_deprecated = if_addr_is_deprecated(a);

	a->preferred_until_us = until_us(a->st, preferred_s);
	if (if_addr_is_deprecated(a) != was_deprecated)
		a->st->route_generation++;
	arm_life(a);
}

/* ---- Coming and going ---- */

static void start_check(struct if_addr *a, const struct link *l, bool was_used)
{
	a->state = IF_ADDR_ASSIGNED;
	a->probes_sent = a->announcements_sent = 0;
	if (l->config.kind != LINK_ETHERNET || (l->is_down && ip_addr_is4(&a->prefix.addr)))
		return;
	if (!ip_addr_is4(&a->prefix.addr))
		nd_dad_start(a, was_used);
	else if (!a->no_dad)
		arp_acd_start(a, was_used);
}

/* A duplicate makes place for a new attempt. */
static int make_place(struct stack *st, const struct addr_config *c)
{
	struct if_addr *e = addr_find(st, &c->prefix.addr, c->ifindex);

	if (e && e->state != IF_ADDR_DUPLICATE)
		return -EEXIST;
	if (e)
		addr_remove(e);
	return 0;
}

/* One outside its network is a mistake, and so is the address itself. */
static void set_broadcast(struct if_addr *e, const struct ip_addr *broadcast)
{
	struct ip_addr last = ip_prefix_last(&e->prefix);
	bool differs = ip_addr_is4(broadcast) && !ip_addr_is_any(broadcast) && has_broadcast(&e->prefix) && ip_prefix_has(&e->prefix, broadcast) &&
		       !ip_addr_eq(broadcast, &last) && !ip_addr_eq(broadcast, &e->prefix.addr);

	e->st->addrs.own_broadcasts -= !ip_addr_is_any(&e->broadcast);
	e->broadcast = differs ? *broadcast : ip6_addr_any;
	e->st->addrs.own_broadcasts += differs;
}

static struct if_addr *make(struct stack *st, const struct addr_config *c)
{
	struct if_addr *e = pool_get(&st->addrs.pool);

	if (!e)
		return NULL;
	e->st = st;
	e->prefix = c->prefix;
	e->ifindex = c->ifindex;
	e->origin = (uint8_t)c->origin;
	e->no_dad = c->no_dad;
	set_broadcast(e, &c->broadcast);
	e->has_prefix_route = !c->no_prefix_route && c->prefix.len < 128;
	timer_init(&e->timer, NULL);
	timer_init(&e->life, on_life);
	return e;
}

int addr_add(struct stack *st, const struct addr_config *c)
{
	struct link *l = link_by_ifindex(st, c->ifindex);
	struct if_addr *e;
	int err;

	if (!l)
		return -ENODEV;
	if (!may_be_assigned(&c->prefix) || c->valid_s == 0 || c->preferred_s > c->valid_s)
		return -EINVAL;
	err = make_place(st, c);
	if (err < 0)
		return err;
	e = make(st, c);
	if (!e)
		return -ENOBUFS;
	err = e->has_prefix_route ? route_add_onlink(st, &c->prefix, c->ifindex) : 0;
	if (err < 0 && err != -EEXIST) {
		set_broadcast(e, &ip6_addr_any);
		pool_put(&st->addrs.pool, e);
		return err;
	}
	list_append(&st->addrs.all, &e->link);
	list_append(bucket_of(st, &c->prefix.addr), &e->bucket_link);
	addr_set_lifetimes(e, c->valid_s, c->preferred_s);
	st->route_generation++;
	start_check(e, l, c->was_ours);
	return 0;
}

int stack_set_addr(struct stack *st, const struct addr_config *config, uint64_t now_us)
{
	struct if_addr *e;
	int err;

	st->now_us = now_us;
	err = addr_add(st, config);
	if (err != -EEXIST)
		return err;
	e = addr_find(st, &config->prefix.addr, config->ifindex);
	e->origin = (uint8_t)config->origin;
	set_broadcast(e, &config->broadcast);
	addr_set_lifetimes(e, config->valid_s, config->preferred_s);
	return 0;
}

int stack_add_addr(struct stack *st, uint32_t ifindex, const struct ip_prefix *prefix, uint64_t now_us)
{
	struct addr_config c = {
		.ifindex = ifindex,
		.prefix = *prefix,
		.origin = ifindex == LINK_LOOPBACK_IFINDEX ? NET_LOOPBACK : NET_STATIC,
		.valid_s = LIFETIME_FOREVER,
		.preferred_s = LIFETIME_FOREVER,
	};

	st->now_us = now_us;
	return addr_add(st, &c);
}

void addr_remove(struct if_addr *e)
{
	struct stack *st = e->st;

	if (e->has_prefix_route && !has_other_addr_in(st, e))
		route_del_onlink(st, &e->prefix, e->ifindex);
	nd_leave_group(e);
	set_broadcast(e, &ip6_addr_any);
	timer_cancel(&e->timer);
	timer_cancel(&e->life);
	list_remove(&e->link);
	list_remove(&e->bucket_link);
	pool_put(&st->addrs.pool, e);
	st->route_generation++;
}

int stack_del_addr(struct stack *st, uint32_t ifindex, const struct ip_addr *addr, uint64_t now_us)
{
	struct if_addr *e = addr_find(st, addr, ifindex);

	st->now_us = now_us;
	if (!link_by_ifindex(st, ifindex))
		return -ENODEV;
	if (!e)
		return -EADDRNOTAVAIL;
	addr_remove(e);
	return 0;
}

/* Who configured the address may have another one. The entry may be gone afterwards. */
static void tell_configurer(struct if_addr *a)
{
	struct ip_addr addr = a->prefix.addr;

	if (a->origin == NET_DHCP && ip_addr_is4(&addr))
		dhcp4_on_conflict(a->st, a->ifindex, &addr);
	else if (a->origin == NET_DHCP)
		dhcp6_on_conflict(a->st, a->ifindex, &addr);
	else if (a->origin == NET_LINKLOCAL && ip_addr_is4(&addr))
		ipv4ll_on_conflict(a->st, a->ifindex, &addr);
	else if (a->origin == NET_LINKLOCAL)
		nd_disable(a->st, link_by_ifindex(a->st, a->ifindex));
	else
		slaac_on_duplicate(a);
}

void addr_set_duplicate(struct if_addr *a)
{
	char text[IP_ADDR_TEXT_MAX];

	timer_cancel(&a->timer);
	if (a->state == IF_ADDR_DUPLICATE)
		return;
	a->state = IF_ADDR_DUPLICATE;
	nd_leave_group(a);
	a->st->route_generation++;
	stack_log(a->st, STACK_LOG_WARNING, "addr.duplicate addr=%s ifindex=%u action=disabled",
		  ip_addr_print(&a->prefix.addr, text), a->ifindex);
	tell_configurer(a);
}

void addr_pause_link(struct stack *st, const struct link *l)
{
	for (struct list *n = st->addrs.all.next; n != &st->addrs.all; n = n->next)
		if (if_addr_of(n)->ifindex == l->ifindex)
			timer_cancel(&if_addr_of(n)->timer);
}

void addr_recheck_link(struct stack *st, const struct link *l)
{
	for (struct list *n = st->addrs.all.next; n != &st->addrs.all; n = n->next)
		if (if_addr_of(n)->ifindex == l->ifindex)
			start_check(if_addr_of(n), l, if_addr_is_usable(if_addr_of(n)));
}

static const char *state_text(const struct if_addr *e)
{
	static const char *const states[] = { "tentative", "optimistic", "preferred", "duplicate" };

	if (e->state == IF_ADDR_ASSIGNED && if_addr_is_deprecated(e))
		return "deprecated";
	return states[e->state];
}

static struct ip_addr broadcast_of(const struct if_addr *e)
{
	return ip_addr_is_any(&e->broadcast) ? ip_prefix_last(&e->prefix) : e->broadcast;
}

void stack_each_addr(struct stack *st, bool (*fn)(void *ctx, const struct addr_info *), void *ctx)
{
	for (struct list *n = st->addrs.all.next; n != &st->addrs.all; n = n->next) {
		const struct if_addr *e = if_addr_of(n);
		struct addr_info info = {
			.prefix = e->prefix,
			.ifindex = e->ifindex,
			.state = state_text(e),
			.origin = net_origin_text((enum net_origin)e->origin),
			.valid_s = left_s(st, e->valid_until_us),
			.preferred_s = left_s(st, e->preferred_until_us),
			.broadcast = has_broadcast(&e->prefix) ? broadcast_of(e) : ip_addr_any(AF_INET),
		};

		if (!fn(ctx, &info))
			return;
	}
}
