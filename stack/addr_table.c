/* SPDX-License-Identifier: BSD-2-Clause */
#include "addr_table.h"

#include <errno.h>

#include "arp_acd.h"
#include "core.h"
#include "nd.h"

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

bool addr_is_ours(struct stack *st, const struct ip_addr *a, uint32_t ifindex)
{
	const struct if_addr *e = addr_find(st, a, 0);

	if (e && is_ip6_linklocal(a) && ifindex != LINK_LOOPBACK_IFINDEX)
		e = addr_find(st, a, ifindex);
	if (e)
		return e->state != IF_ADDR_DUPLICATE;
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

	if (!ip_addr_is4(a) || (low != 3 && !(any_form && low == 0)))
		return false;
	for (struct list *n = st->addrs.all.next; n != &st->addrs.all; n = n->next) {
		const struct if_addr *e = if_addr_of(n);
		struct ip_addr last, first;

		if (!has_broadcast(&e->prefix) || (ifindex != 0 && e->ifindex != ifindex) || !ip_prefix_has(&e->prefix, a))
			continue;
		last = ip_prefix_last(&e->prefix);
		first = ip_prefix_first(&e->prefix);
		if (!ip_addr_eq(a, &last) && !(any_form && ip_addr_eq(a, &first)))
			continue;
		if (ifindex_out)
			*ifindex_out = e->ifindex;
		return true;
	}
	return false;
}

bool addr_hears_group(struct stack *st, const struct ip_addr *a, const struct link *l)
{
	static const uint8_t solicited_node[13] = { 0xff, 0x02, [11] = 0x01, [12] = 0xff };
	static const struct ip_addr all_systems = { { [10] = 0xff, [11] = 0xff, 224, 0, 0, 1 } };

	if (ip_addr_is4(a))
		return ip_addr_eq(a, &all_systems);
	/* All-nodes, interface-local and link-local. */
	if (a->b[0] == 0xff && (a->b[1] == 1 || a->b[1] == 2) && memcmp(a->b + 2, ip6_addr_any.b, 13) == 0 && a->b[15] == 1)
		return true;
	if (memcmp(a->b, solicited_node, sizeof(solicited_node)) != 0)
		return false;
	for (struct list *n = st->addrs.all.next; n != &st->addrs.all; n = n->next) {
		const struct if_addr *e = if_addr_of(n);

		if (e->ifindex == l->ifindex && !ip_addr_is4(&e->prefix.addr) &&
		    memcmp(e->prefix.addr.b + 13, a->b + 13, 3) == 0)
			return true;
	}
	return false;
}

/* RFC 6724 section 3.1, as far as unicast and the groups' own scope fields go. */
static unsigned scope_of(const struct ip_addr *a)
{
	enum { SCOPE_LINK = 2, SCOPE_GLOBAL = 14 };

	if (ip_addr_is_multicast(a) && !ip_addr_is4(a))
		return a->b[1] & 0xf;
	if (ip_addr_is_loopback(a) || ip_addr_is_linklocal(a))
		return SCOPE_LINK;
	return SCOPE_GLOBAL;
}

static unsigned common_prefix_len(const struct ip_addr *a, const struct ip_addr *b)
{
	unsigned i = 0;

	while (i < 16 && a->b[i] == b->b[i])
		i++;
	if (i == 16)
		return 128;
	return i * 8 + (unsigned)__builtin_clz((unsigned)(a->b[i] ^ b->b[i])) - 24;
}

struct source_query {
	const struct ip_addr *dst, *next_hop;
	uint32_t ifindex;
	unsigned scope;
};

/* Whether source @a is better than @b for @q. */
static bool is_better_source(const struct if_addr *a, const struct if_addr *b, const struct source_query *q)
{
	unsigned scope_a = scope_of(&a->prefix.addr), scope_b = scope_of(&b->prefix.addr);
	unsigned len_a, len_b;

	if (ip_addr_eq(&b->prefix.addr, q->dst)) /* rule 1: the destination itself */
		return false;
	if (ip_addr_eq(&a->prefix.addr, q->dst))
		return true;
	if (scope_a != scope_b) /* rule 2: the smallest scope that reaches the destination */
		return scope_a < scope_b ? scope_a >= q->scope : scope_b < q->scope;
	if ((a->ifindex == q->ifindex) != (b->ifindex == q->ifindex)) /* rule 5 */
		return a->ifindex == q->ifindex;
	/* Rule 8, where the network of the next hop comes before that of a far destination. */
	len_a = common_prefix_len(&a->prefix.addr, q->next_hop);
	len_b = common_prefix_len(&b->prefix.addr, q->next_hop);
	len_a = len_a < a->prefix.len ? len_a : a->prefix.len;
	len_b = len_b < b->prefix.len ? len_b : b->prefix.len;
	if (len_a != len_b)
		return len_a > len_b;
	return common_prefix_len(&a->prefix.addr, q->dst) > common_prefix_len(&b->prefix.addr, q->dst);
}

const struct if_addr *addr_select_source(struct stack *st, const struct ip_addr *dst, const struct ip_addr *next_hop,
					 uint32_t ifindex)
{
	struct source_query q = { dst, next_hop, ifindex, scope_of(dst) };
	const struct if_addr *best = NULL;

	for (struct list *n = st->addrs.all.next; n != &st->addrs.all; n = n->next) {
		const struct if_addr *e = if_addr_of(n);

		if (ip_addr_is4(&e->prefix.addr) != ip_addr_is4(dst) || e->state == IF_ADDR_DUPLICATE)
			continue;
		if (e->ifindex == LINK_LOOPBACK_IFINDEX && ip_addr_is_loopback(&e->prefix.addr))
			continue; /* never leaves the host (RFC 1122 section 3.2.1.3 (g), RFC 4291 section 2.5.3) */
		if (e->ifindex != ifindex && is_ip6_linklocal(&e->prefix.addr))
			continue;
		if (e->ifindex != ifindex && q.scope < 14 && !ip_addr_is4(dst))
			continue; /* RFC 6724 section 4: candidates for link-local destinations and groups are the link's own */
		if (!best || is_better_source(e, best, &q))
			best = e;
	}
	return best;
}

static bool has_other_addr_in(struct stack *st, const struct if_addr *except)
{
	struct ip_addr first = ip_prefix_first(&except->prefix);

	for (struct list *n = st->addrs.all.next; n != &st->addrs.all; n = n->next) {
		const struct if_addr *e = if_addr_of(n);
		struct ip_addr other = ip_prefix_first(&e->prefix);

		if (e != except && e->ifindex == except->ifindex && e->prefix.len == except->prefix.len &&
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

int addr_add(struct stack *st, uint32_t ifindex, const struct ip_prefix *prefix, enum if_addr_origin origin)
{
	struct link *l = link_by_ifindex(st, ifindex);
	struct if_addr *e;
	int err;

	if (!l)
		return -ENODEV;
	if (!may_be_assigned(prefix))
		return -EINVAL;
	e = addr_find(st, &prefix->addr, ifindex);
	if (e && e->state == IF_ADDR_DUPLICATE)
		stack_del_addr(st, ifindex, &prefix->addr, st->now_us);
	else if (e)
		return -EEXIST;
	e = pool_get(&st->addrs.pool);
	if (!e)
		return -ENOBUFS;
	e->st = st;
	e->prefix = *prefix;
	e->ifindex = ifindex;
	e->origin = (uint8_t)origin;
	e->state = IF_ADDR_PREFERRED;
	timer_init(&e->timer, NULL);
	err = prefix->len == 128 ? 0 : route_add_onlink(st, prefix, ifindex);
	if (err < 0 && err != -EEXIST) {
		pool_put(&st->addrs.pool, e);
		return err;
	}
	list_append(&st->addrs.all, &e->link);
	list_append(bucket_of(st, &prefix->addr), &e->bucket_link);
	st->route_generation++;
	if (l->config.kind != LINK_ETHERNET)
		return 0;
	if (ip_addr_is4(&prefix->addr))
		arp_acd_start(e);
	else
		nd_dad_start(e);
	return 0;
}

int stack_add_addr(struct stack *st, uint32_t ifindex, const struct ip_prefix *prefix, uint64_t now_us)
{
	st->now_us = now_us;
	return addr_add(st, ifindex, prefix, ifindex == LINK_LOOPBACK_IFINDEX ? IF_ADDR_LOOPBACK : IF_ADDR_STATIC);
}

int stack_del_addr(struct stack *st, uint32_t ifindex, const struct ip_addr *addr, uint64_t now_us)
{
	struct if_addr *e = addr_find(st, addr, ifindex);

	st->now_us = now_us;
	if (!link_by_ifindex(st, ifindex))
		return -ENODEV;
	if (!e)
		return -EADDRNOTAVAIL;
	if (!has_other_addr_in(st, e))
		route_del_onlink(st, &e->prefix, ifindex);
	timer_cancel(&e->timer);
	list_remove(&e->link);
	list_remove(&e->bucket_link);
	pool_put(&st->addrs.pool, e);
	st->route_generation++;
	return 0;
}

void addr_set_duplicate(struct if_addr *a)
{
	char text[IP_ADDR_TEXT_MAX];

	timer_cancel(&a->timer);
	if (a->state == IF_ADDR_DUPLICATE)
		return;
	a->state = IF_ADDR_DUPLICATE;
	a->st->route_generation++;
	stack_log(a->st, STACK_LOG_WARNING, "addr.duplicate addr=%s ifindex=%u action=disabled",
		  ip_addr_print(&a->prefix.addr, text), a->ifindex);
}

void stack_each_addr(struct stack *st, bool (*fn)(void *ctx, const struct addr_info *), void *ctx)
{
	static const char *const states[] = { "tentative", "preferred", "duplicate" };
	static const char *const origins[] = { "static", "loopback", "linklocal" };

	for (struct list *n = st->addrs.all.next; n != &st->addrs.all; n = n->next) {
		const struct if_addr *e = if_addr_of(n);
		struct addr_info info = { e->prefix, e->ifindex, states[e->state], origins[e->origin] };

		if (!fn(ctx, &info))
			return;
	}
}
