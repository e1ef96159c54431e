/* SPDX-License-Identifier: BSD-2-Clause */
#include "route.h"

#include <errno.h>

#include "core.h"
#include "ip6.h"
#include "nd_router.h"
#include "nd_told.h"

static struct route *route_of(struct list *node)
{
	return container_of(node, struct route, link);
}

int route_table_init(struct stack *st)
{
	st->routes.key = hash_key_derive(st->config.seed, "route");
	for (unsigned i = 0; i < ROUTE_BUCKETS; i++)
		list_init(&st->routes.buckets[i]);
	list_init(&st->routes.all);
	pool_init(&st->routes.pool, &st->mem, sizeof(struct route), ROUTE_COUNT_MAX);
	return 0;
}

void route_table_fini(struct stack *st)
{
	struct list *n;

	if (!st->routes.all.next)
		return;
	while ((n = list_pop(&st->routes.all))) {
		timer_cancel(&route_of(n)->timer);
		pool_put(&st->routes.pool, route_of(n));
	}
	pool_fini(&st->routes.pool);
}

static bool has_gateway(const struct route_config *c)
{
	return !ip_addr_is_any(&c->gateway);
}

static bool goes_before(const struct route_config *a, const struct route_config *b)
{
	if (a->prefix.len != b->prefix.len)
		return a->prefix.len > b->prefix.len;
	if (a->metric != b->metric)
		return a->metric < b->metric;
	return a->preference > b->preference;
}

static struct list *bucket_of(struct stack *st, const struct route_config *c)
{
	uint8_t key[41];

	memcpy(key, c->prefix.addr.b, 16);
	memcpy(key + 16, c->gateway.b, 16);
	memcpy(key + 32, &c->ifindex, 4);
	memcpy(key + 36, &c->metric, 4);
	key[40] = c->prefix.len;
	return &st->routes.buckets[hash_bytes(&st->routes.key, key, sizeof(key)) % ROUTE_BUCKETS];
}

static struct route *find_exact(struct stack *st, const struct route_config *c)
{
	struct list *bucket = bucket_of(st, c);

	for (struct list *n = bucket->next; n != bucket; n = n->next) {
		struct route *r = container_of(n, struct route, bucket_link);

		if (r->config.prefix.len == c->prefix.len && r->config.metric == c->metric &&
		    r->config.ifindex == c->ifindex && ip_addr_eq(&r->config.prefix.addr, &c->prefix.addr) &&
		    ip_addr_eq(&r->config.gateway, &c->gateway))
			return r;
	}
	return NULL;
}

enum route_told route_told_kind(const struct route_config *c)
{
	if (c->prefix.len == 0)
		return ROUTE_TOLD_DEFAULT;
	return has_gateway(c) ? ROUTE_TOLD_SPECIFIC : ROUTE_TOLD_PREFIX;
}

/* Where it is counted; NULL: nowhere. */
static uint32_t *count_of(struct stack *st, const struct route_config *c)
{
	if (c->origin == NET_SLAAC)
		return &link_by_ifindex(st, c->ifindex)->nd.routes[route_told_kind(c)];
	return c->origin == NET_REDIRECT ? &st->routes.redirects : NULL;
}

static void count(struct stack *st, const struct route_config *c, int by)
{
	uint32_t *n = count_of(st, c);

	if (n)
		*n += (uint32_t)by;
}

static void remove_route(struct stack *st, struct route *r)
{
	bool was_router = r->config.origin == NET_SLAAC && r->config.prefix.len == 0;
	uint32_t ifindex = r->config.ifindex;

	count(st, &r->config, -1);
	timer_cancel(&r->timer);
	list_remove(&r->link);
	list_remove(&r->bucket_link);
	pool_put(&st->routes.pool, r);
	st->route_generation++;
	if (was_router)
		nd_router_lost(st, ifindex);
}

static void on_expiry(struct timer *t, uint64_t now_us)
{
	struct route *r = container_of(t, struct route, timer);

	(void)now_us;
	remove_route(r->st, r);
}

static void set_lifetime(struct route *r, uint32_t lifetime_s)
{
	r->until_us = lifetime_s == 0 || lifetime_s == LIFETIME_FOREVER ? UINT64_MAX : r->st->now_us + lifetime_s * 1000000ULL;
	if (r->until_us == UINT64_MAX)
		timer_cancel(&r->timer);
	else
		timer_set(&r->st->wheel, &r->timer, r->until_us);
}

/* Put it where its kind begins, in front of those that come after it. */
static void file(struct stack *st, struct route *r)
{
	struct list *n = st->routes.all.next;

	while (n != &st->routes.all && !goes_before(&r->config, &route_of(n)->config))
		n = n->next;
	list_append(n, &r->link); /* in front of @n */
	st->route_generation++;
}

static int insert(struct stack *st, const struct route_config *c)
{
	struct route *r;

	if (find_exact(st, c))
		return -EEXIST;
	r = pool_get(&st->routes.pool);
	if (!r)
		return -ENOBUFS;
	r->config = *c;
	r->st = st;
	list_init(&r->link);
	list_append(bucket_of(st, c), &r->bucket_link);
	count(st, c, 1);
	timer_init(&r->timer, on_expiry);
	set_lifetime(r, c->lifetime_s);
	file(st, r);
	return 0;
}

static void change(struct stack *st, struct route *r, const struct route_config *c)
{
	if (r->config.mtu != c->mtu || !ip_addr_eq(&r->config.src, &c->src))
		st->route_generation++;
	count(st, &r->config, -1);
	r->config.origin = c->origin;
	count(st, &r->config, 1);
	r->config.mtu = c->mtu;
	r->config.src = c->src;
	set_lifetime(r, c->lifetime_s);
	if (r->config.preference == c->preference)
		return;
	r->config.preference = c->preference;
	list_remove(&r->link);
	file(st, r);
}

static struct route_config onlink_config(const struct ip_prefix *prefix, uint32_t ifindex)
{
	return (struct route_config){
		.prefix = { ip_prefix_first(prefix), prefix->len },
		.gateway = ip_addr_any(ip_addr_family(&prefix->addr)),
		.ifindex = ifindex,
		.origin = NET_ONLINK,
	};
}

int route_add_onlink(struct stack *st, const struct ip_prefix *prefix, uint32_t ifindex)
{
	struct route_config c = onlink_config(prefix, ifindex);

	return insert(st, &c);
}

void route_del_onlink(struct stack *st, const struct ip_prefix *prefix, uint32_t ifindex)
{
	struct route_config c = onlink_config(prefix, ifindex);
	struct route *r = find_exact(st, &c);

	if (r && r->config.origin == NET_ONLINK)
		remove_route(st, r);
}

/* IPv4 addresses lie inside ::/0 as they are held here, but no IPv6 route leads to them. */
static bool covers(const struct route *r, const struct ip_addr *dst)
{
	return ip_prefix_has(&r->config.prefix, dst) && ip_addr_is4(&r->config.prefix.addr) == ip_addr_is4(dst);
}

/* Whether the destinations are neighbours. */
static bool is_network(const struct route *r)
{
	return !has_gateway(&r->config) && r->config.kind == ROUTE_UNICAST;
}

static bool is_down(struct stack *st, const struct route *r)
{
	return link_by_ifindex(st, r->config.ifindex)->is_down;
}

static bool is_same_rank(const struct route *a, const struct route *b)
{
	return a->config.prefix.len == b->config.prefix.len && a->config.metric == b->config.metric;
}

static bool is_silent(struct stack *st, const struct route *r)
{
	return has_gateway(&r->config) && neigh_is_silent(st, &r->config.gateway, r->config.ifindex);
}

/* Whether @r may serve where the router of @best, which comes before it, is silent: its equals may, and where a router told of
 * @best, all that follow (RFC 4191 section 3.2: reachable routers first, then longer prefixes). */
static bool may_replace(const struct route *r, const struct route *best)
{
	return is_same_rank(r, best) || best->config.origin == NET_SLAAC;
}

/* ---- Between routers that advertise themselves ---- */

static bool is_advertised(const struct route *r)
{
	return r->config.origin == NET_SLAAC && has_gateway(&r->config);
}

/* Where a packet goes. */
struct flow {
	const struct ip_addr *dst, *src; /* src: NULL or the wildcard: not chosen yet */
	uint32_t ifindex;
};

static bool told_of_source(struct stack *st, const struct route *r, const struct flow *flow)
{
	return flow->src && !ip_addr_is_any(flow->src) &&
	       nd_told_by(st, r->config.ifindex, &r->config.gateway, flow->src) == ND_TOLD_BY_ROUTER;
}

/* Each destination puts the routers into an order of its own, which the others' coming and going does not change (RFC 4311 section 3). */
static uint64_t share(struct stack *st, const struct route *r, const struct flow *flow)
{
	uint8_t key[32];

	memcpy(key, flow->dst->b, 16);
	memcpy(key + 16, r->config.gateway.b, 16);
	return hash_bytes(&st->neighs.key, key, sizeof(key));
}

/* @r comes after @best in the table, so its preference is no higher. */
static bool is_better_router(struct stack *st, const struct route *r, const struct route *best, const struct flow *flow)
{
	bool told = told_of_source(st, r, flow), known;

	if (told != told_of_source(st, best, flow))
		return told;
	if (r->config.preference != best->config.preference)
		return false;
	known = neigh_is_known(st, &r->config.gateway, r->config.ifindex);
	if (known != neigh_is_known(st, &best->config.gateway, best->config.ifindex))
		return known;
	if (r->config.ifindex != best->config.ifindex) /* other links may lead elsewhere */
		return false;
	return share(st, r, flow) > share(st, best, flow);
}

static bool may_serve(struct stack *st, const struct route *r, const struct flow *flow)
{
	bool is_asked_link = flow->ifindex == 0 || r->config.ifindex == flow->ifindex || r->config.kind != ROUTE_UNICAST;

	return is_asked_link && covers(r, flow->dst) && !is_down(st, r);
}

/* The best of the routers that are not silent and have as good a route as @first. *silent: the first that is, unless one was found. */
static struct route *find_router(struct stack *st, struct route *first, const struct flow *flow, struct route **silent)
{
	struct route *best = first;

	for (struct list *n = first->link.next; n != &st->routes.all && is_same_rank(route_of(n), first); n = n->next) {
		struct route *r = route_of(n);

		if (!may_serve(st, r, flow) || !is_advertised(r))
			continue;
		if (!is_silent(st, r))
			best = is_better_router(st, r, best, flow) ? r : best;
		else if (!*silent)
			*silent = r;
	}
	return best;
}

/* The best route whose router is not known to be silent; else, of the best that are, the one tried longest ago (RFC 4861
 * section 6.3.6). *silent: the best of those passed over. */
static struct route *find(struct stack *st, const struct flow *flow, struct route **silent)
{
	struct route *best = NULL;

	*silent = NULL;
	for (struct list *n = st->routes.all.next; n != &st->routes.all; n = n->next) {
		struct route *r = route_of(n);

		if (!may_serve(st, r, flow))
			continue;
		if (best && !may_replace(r, best))
			break;
		if (!is_silent(st, r))
			return is_advertised(r) ? find_router(st, r, flow, silent) : r;
		if (!best)
			*silent = r;
		if (!best || (is_same_rank(r, best) && r->tried < best->tried))
			best = r;
	}
	return best;
}

const struct route *route_lookup(struct stack *st, const struct ip_addr *dst, const struct ip_addr *src, uint32_t ifindex)
{
	struct flow flow = { dst, src, ifindex };
	struct route *silent;

	return find(st, &flow, &silent);
}

const struct route *route_choose(struct stack *st, const struct ip_addr *dst, const struct ip_addr *src, uint32_t ifindex)
{
	struct flow flow = { dst, src, ifindex };
	struct route *silent, *r = find(st, &flow, &silent);

	if (silent && silent != r)
		neigh_ask(st, &silent->config.gateway, silent->config.ifindex);
	if (r)
		r->tried = ++st->routes.turn;
	return r;
}

bool route_is_onlink(struct stack *st, const struct ip_addr *a, uint32_t ifindex)
{
	const struct route *r = route_lookup(st, a, NULL, ifindex);

	return r && is_network(r);
}

/* Fill in what the caller left open: cleared host bits, the gateway's link. */
static int normalize(struct stack *st, struct route_config *c)
{
	bool is4 = ip_addr_is4(&c->gateway);

	/* A zeroed gateway is "::": for an IPv4 prefix it means on-link all the same. */
	if (ip_addr_is_any(&c->gateway)) {
		c->gateway = ip_addr_any(ip_addr_family(&c->prefix.addr));
		is4 = ip_addr_is4(&c->prefix.addr);
	}
	if (c->prefix.len > 128 || is4 != ip_addr_is4(&c->prefix.addr) || (is4 && c->prefix.len < 96))
		return -EINVAL;
	c->prefix.addr = ip_prefix_first(&c->prefix);
	if (!ip_addr_is_any(&c->src) && (ip_addr_is4(&c->src) != is4 || !addr_is_ours(st, &c->src, 0)))
		return -EINVAL;
	if (c->mtu != 0 && c->mtu < (uint32_t)(is4 ? LINK_MTU_MIN : IP6_MTU_MIN))
		return -EINVAL;
	if (c->kind != ROUTE_UNICAST) {
		c->ifindex = LINK_LOOPBACK_IFINDEX;
		return has_gateway(c) ? -EINVAL : 0;
	}
	if (c->ifindex != 0 && !link_by_ifindex(st, c->ifindex))
		return -ENODEV;
	if (!has_gateway(c))
		return c->ifindex == 0 ? -ENODEV : 0;
	if (ip_addr_is_multicast(&c->gateway) || addr_is_ours(st, &c->gateway, c->ifindex))
		return -EINVAL;
	for (struct list *n = st->routes.all.next; n != &st->routes.all; n = n->next) {
		const struct route *r = route_of(n);

		if (is_network(r) && (c->ifindex == 0 || r->config.ifindex == c->ifindex) &&
		    covers(r, &c->gateway)) {
			c->ifindex = r->config.ifindex;
			return 0;
		}
	}
	return -ENETUNREACH;
}

int stack_add_route(struct stack *st, const struct route_config *route)
{
	struct route_config c = *route;
	int err = normalize(st, &c);

	return err < 0 ? err : insert(st, &c);
}

int stack_set_route(struct stack *st, const struct route_config *route, uint64_t now_us)
{
	struct route_config c = *route;
	struct route *r;
	int err;

	st->now_us = now_us;
	err = normalize(st, &c);
	if (err < 0)
		return err;
	r = find_exact(st, &c);
	if (!r)
		return insert(st, &c);
	change(st, r, &c);
	return 0;
}

int stack_del_route(struct stack *st, const struct route_config *route)
{
	struct route_config c = *route;
	struct route *r;

	if (c.prefix.len > 128)
		return -ESRCH;
	c.prefix.addr = ip_prefix_first(&c.prefix);
	if (ip_addr_is_any(&c.gateway))
		c.gateway = ip_addr_any(ip_addr_family(&c.prefix.addr));
	for (struct list *n = st->routes.all.next; n != &st->routes.all; n = n->next) {
		r = route_of(n);
		if (r->config.prefix.len == c.prefix.len && ip_addr_eq(&r->config.prefix.addr, &c.prefix.addr) &&
		    ip_addr_eq(&r->config.gateway, &c.gateway) && (c.ifindex == 0 || r->config.ifindex == c.ifindex) &&
		    r->config.metric == c.metric) {
			remove_route(st, r);
			return 0;
		}
	}
	return -ESRCH;
}

/* ---- What routers told ---- */

struct route *route_find(struct stack *st, const struct route_config *c)
{
	return find_exact(st, c);
}

void route_remove(struct stack *st, struct route *r)
{
	remove_route(st, r);
}

bool route_remove_silent_router(struct stack *st, uint32_t ifindex)
{
	/* Default routes are the last of all. */
	for (struct list *n = st->routes.all.prev; n != &st->routes.all && route_of(n)->config.prefix.len == 0; n = n->prev) {
		struct route *r = route_of(n);

		if (r->config.origin == NET_SLAAC && r->config.ifindex == ifindex && is_silent(st, r)) {
			remove_route(st, r);
			return true;
		}
	}
	return false;
}

static bool leads_through(const struct route *r, uint32_t ifindex, const struct ip_addr *gateway)
{
	return r->config.ifindex == ifindex && ip_addr_eq(&r->config.gateway, gateway);
}

bool route_leads_through(struct stack *st, uint32_t ifindex, const struct ip_addr *gateway)
{
	for (struct list *n = st->routes.all.next; n != &st->routes.all; n = n->next)
		if (leads_through(route_of(n), ifindex, gateway))
			return true;
	return false;
}

static void remove_if(struct stack *st, bool (*is_doomed)(const struct route *r, uint32_t ifindex, const struct ip_addr *a),
		      uint32_t ifindex, const struct ip_addr *a)
{
	for (struct list *n = st->routes.all.next, *next; n != &st->routes.all; n = next) {
		next = n->next;
		if (is_doomed(route_of(n), ifindex, a))
			remove_route(st, route_of(n));
	}
}

static bool is_learnt_through(const struct route *r, uint32_t ifindex, const struct ip_addr *gateway)
{
	return (r->config.origin == NET_SLAAC || r->config.origin == NET_REDIRECT) && leads_through(r, ifindex, gateway);
}

bool route_is_learnt_through(struct stack *st, uint32_t ifindex, const struct ip_addr *gateway)
{
	for (struct list *n = st->routes.all.next; n != &st->routes.all; n = n->next)
		if (is_learnt_through(route_of(n), ifindex, gateway))
			return true;
	return false;
}

void route_remove_through(struct stack *st, uint32_t ifindex, const struct ip_addr *gateway)
{
	remove_if(st, is_learnt_through, ifindex, gateway);
}

static bool is_redirect_of(const struct route *r, uint32_t ifindex, const struct ip_addr *dst)
{
	return r->config.origin == NET_REDIRECT && r->config.ifindex == ifindex && ip_addr_eq(&r->config.prefix.addr, dst);
}

void route_remove_redirect(struct stack *st, uint32_t ifindex, const struct ip_addr *dst)
{
	remove_if(st, is_redirect_of, ifindex, dst);
}

void route_remove_oldest_redirect(struct stack *st)
{
	struct route *oldest = NULL;

	for (struct list *n = st->routes.all.next; n != &st->routes.all; n = n->next) {
		struct route *r = route_of(n);

		if (r->config.origin == NET_REDIRECT && (!oldest || r->until_us < oldest->until_us))
			oldest = r;
	}
	if (oldest)
		remove_route(st, oldest);
}

/* A redirect to it, or to itself as a neighbour. */
static bool is_redirect_to(const struct route *r, uint32_t ifindex, const struct ip_addr *silent)
{
	return r->config.origin == NET_REDIRECT &&
	       (leads_through(r, ifindex, silent) || (!has_gateway(&r->config) && is_redirect_of(r, ifindex, silent)));
}

void route_on_silence(struct stack *st, const struct neigh *n)
{
	if (n->is_gateway)
		st->route_generation++;
	remove_if(st, is_redirect_to, n->ifindex, &n->addr);
}

int route_refusal(const struct route *r)
{
	switch ((enum route_kind)r->config.kind) {
	case ROUTE_UNICAST:
		break;
	case ROUTE_BLACKHOLE:
		return -EINVAL;
	case ROUTE_UNREACHABLE:
		return -EHOSTUNREACH;
	case ROUTE_PROHIBIT:
		return -EACCES;
	}
	return 0;
}

const char *route_kind_text(enum route_kind kind)
{
	static const char *const names[] = { "unicast", "blackhole", "unreachable", "prohibit" };

	return names[kind];
}

const char *net_origin_text(enum net_origin origin)
{
	static const char *const names[NET_ORIGINS] = {
		[NET_STATIC] = "static",   [NET_LOOPBACK] = "loopback",	  [NET_LINKLOCAL] = "linklocal", [NET_ONLINK] = "onlink",
		[NET_SLAAC] = "slaac",	   [NET_TEMPORARY] = "temporary", [NET_REDIRECT] = "redirect",	 [NET_DHCP] = "dhcp",
	};

	return names[origin];
}

/* 0: for ever, as in struct route_config; so a life that is nearly over counts as a second. */
static uint32_t seconds_left(const struct route *r)
{
	uint64_t now_us = r->st->now_us;

	if (r->until_us == UINT64_MAX)
		return 0;
	return r->until_us > now_us + 1000000 ? (uint32_t)((r->until_us - now_us) / 1000000) : 1;
}

void stack_each_route(struct stack *st, bool (*fn)(void *ctx, const struct route_info *), void *ctx)
{
	for (struct list *n = st->routes.all.next; n != &st->routes.all; n = n->next) {
		const struct route *r = route_of(n);
		struct route_info info = { r->config, net_origin_text(r->config.origin) };

		info.config.lifetime_s = seconds_left(r);

		if (!fn(ctx, &info))
			return;
	}
}
