/* SPDX-License-Identifier: BSD-2-Clause */
#include "route.h"

#include <errno.h>

#include "core.h"

static struct route *route_of(struct list *node)
{
	return container_of(node, struct route, link);
}

int route_table_init(struct stack *st)
{
	list_init(&st->routes.all);
	pool_init(&st->routes.pool, &st->mem, sizeof(struct route), ROUTE_COUNT_MAX);
	return 0;
}

void route_table_fini(struct stack *st)
{
	struct list *n;

	if (!st->routes.all.next)
		return;
	while ((n = list_pop(&st->routes.all)))
		pool_put(&st->routes.pool, route_of(n));
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
	return a->metric < b->metric;
}

static struct route *find_exact(struct stack *st, const struct route_config *c)
{
	for (struct list *n = st->routes.all.next; n != &st->routes.all; n = n->next) {
		struct route *r = route_of(n);

		if (r->config.prefix.len == c->prefix.len && r->config.metric == c->metric &&
		    r->config.ifindex == c->ifindex && ip_addr_eq(&r->config.prefix.addr, &c->prefix.addr) &&
		    ip_addr_eq(&r->config.gateway, &c->gateway))
			return r;
	}
	return NULL;
}

static int insert(struct stack *st, const struct route_config *c, bool is_onlink)
{
	struct route *r;
	struct list *n = st->routes.all.next;

	if (find_exact(st, c))
		return -EEXIST;
	r = pool_get(&st->routes.pool);
	if (!r)
		return -ENOBUFS;
	r->config = *c;
	r->is_onlink = is_onlink;
	list_init(&r->link);
	while (n != &st->routes.all && !goes_before(c, &route_of(n)->config))
		n = n->next;
	list_append(n, &r->link); /* in front of @n */
	st->route_generation++;
	return 0;
}

static void remove_route(struct stack *st, struct route *r)
{
	list_remove(&r->link);
	pool_put(&st->routes.pool, r);
	st->route_generation++;
}

static struct route_config onlink_config(const struct ip_prefix *prefix, uint32_t ifindex)
{
	return (struct route_config){
		.prefix = { ip_prefix_first(prefix), prefix->len },
		.gateway = ip_addr_any(ip_addr_family(&prefix->addr)),
		.ifindex = ifindex,
	};
}

int route_add_onlink(struct stack *st, const struct ip_prefix *prefix, uint32_t ifindex)
{
	struct route_config c = onlink_config(prefix, ifindex);

	return insert(st, &c, true);
}

void route_del_onlink(struct stack *st, const struct ip_prefix *prefix, uint32_t ifindex)
{
	struct route_config c = onlink_config(prefix, ifindex);
	struct route *r = find_exact(st, &c);

	if (r && r->is_onlink)
		remove_route(st, r);
}

/* IPv4 addresses lie inside ::/0 as they are held here, but no IPv6 route leads to them. */
static bool covers(const struct route *r, const struct ip_addr *dst)
{
	return ip_prefix_has(&r->config.prefix, dst) && ip_addr_is4(&r->config.prefix.addr) == ip_addr_is4(dst);
}

const struct route *route_lookup(struct stack *st, const struct ip_addr *dst, uint32_t ifindex)
{
	for (struct list *n = st->routes.all.next; n != &st->routes.all; n = n->next) {
		const struct route *r = route_of(n);

		if ((ifindex == 0 || r->config.ifindex == ifindex) && covers(r, dst))
			return r;
	}
	return NULL;
}

bool route_is_onlink(struct stack *st, const struct ip_addr *a, uint32_t ifindex)
{
	const struct route *r = route_lookup(st, a, ifindex);

	return r && !has_gateway(&r->config);
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
	if (c->ifindex != 0 && !link_by_ifindex(st, c->ifindex))
		return -ENODEV;
	if (!has_gateway(c))
		return c->ifindex == 0 ? -ENODEV : 0;
	if (ip_addr_is_multicast(&c->gateway) || addr_is_ours(st, &c->gateway, c->ifindex))
		return -EINVAL;
	for (struct list *n = st->routes.all.next; n != &st->routes.all; n = n->next) {
		const struct route *r = route_of(n);

		if (r->is_onlink && (c->ifindex == 0 || r->config.ifindex == c->ifindex) &&
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

	return err < 0 ? err : insert(st, &c, false);
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

void stack_each_route(struct stack *st, bool (*fn)(void *ctx, const struct route_info *), void *ctx)
{
	for (struct list *n = st->routes.all.next; n != &st->routes.all; n = n->next) {
		const struct route *r = route_of(n);
		struct route_info info = { r->config, r->is_onlink ? "onlink" : "static" };

		if (!fn(ctx, &info))
			return;
	}
}
