/* SPDX-License-Identifier: BSD-2-Clause */
/* change.c - see change.h. What is refused is refused as ip(8) has it from the kernel: the same errno for the same mistake. */
#include "change.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon.h"

enum { LOOPBACK_IFINDEX = 1 };

static int refuse(char *text, int err, const char *why)
{
	snprintf(text, TAPIR_CHANGE_TEXT_MAX, "%s", why);
	return err;
}

static uint32_t ifindex_by_name(const struct daemon *d, const char *name)
{
	for (int i = 0; i < d->tap_count; i++)
		if (strcmp(d->taps[i].name, name) == 0)
			return d->taps[i].ifindex;
	return strcmp(name, "lo") == 0 ? LOOPBACK_IFINDEX : 0;
}

/* The link that is meant: the one named, or the only one. 0 or -errno. */
static int find_link(struct daemon *d, const struct tapir_change *c, uint32_t *ifindex, char *text)
{
	*ifindex = c->ifname[0] ? ifindex_by_name(d, c->ifname) : d->taps[0].ifindex;
	if (*ifindex == 0)
		return refuse(text, -ENODEV, "no link of that name; 'tapir link' lists them");
	if (!c->ifname[0] && d->tap_count > 1)
		return refuse(text, -EINVAL, "there are several links: say which with 'dev NAME'");
	return 0;
}

static int read_addr(const struct tapir_addr *from, struct ip_addr *to)
{
	struct ip_endpoint e;
	int err = channel_addr_from_wire(&e, from, AF_INET6);

	if (err == 0)
		*to = e.addr;
	return err;
}

static int read_prefix(const struct tapir_change *c, struct ip_prefix *to, char *text)
{
	uint32_t base, bits;

	if (read_addr(&c->addr, &to->addr) < 0)
		return refuse(text, -EINVAL, "an IPv4 or IPv6 address is expected");
	base = ip_addr_is4(&to->addr) ? 96 : 0;
	bits = 128 - base;
	if (c->prefix_len > bits)
		return refuse(text, -EINVAL, "the prefix is longer than the address");
	to->len = (uint8_t)(base + c->prefix_len);
	return 0;
}

/* ---- Addresses ---- */

struct addr_search {
	struct ip_prefix prefix;
	bool has_len;
	uint32_t ifindex; /* 0: any */
	/* What was found: */
	uint32_t at_ifindex; /* 0: nothing */
	bool is_loopback, is_duplicate;
};

static bool match_addr(void *ctx, const struct addr_info *a)
{
	struct addr_search *s = ctx;

	if (!ip_addr_eq(&a->prefix.addr, &s->prefix.addr) || (s->ifindex && s->ifindex != a->ifindex) ||
	    (s->has_len && s->prefix.len != a->prefix.len))
		return true;
	s->at_ifindex = a->ifindex;
	s->is_loopback = strcmp(a->origin, "loopback") == 0;
	s->is_duplicate = strcmp(a->state, "duplicate") == 0;
	return false;
}

static int del_addr(struct daemon *d, const struct tapir_change *c, const struct ip_prefix *prefix, char *text)
{
	struct addr_search s = { .prefix = *prefix, .has_len = c->flags & TAPIR_CHANGE_HAS_LEN };
	int err = c->ifname[0] ? find_link(d, c, &s.ifindex, text) : 0;

	if (err < 0)
		return err;
	stack_each_addr(d->st, match_addr, &s);
	if (s.at_ifindex == 0)
		return refuse(text, -EADDRNOTAVAIL, "no link has that address; 'tapir addr' lists them");
	if (s.is_loopback)
		return refuse(text, -EBUSY, "the loopback's addresses stay");
	return stack_del_addr(d->st, s.at_ifindex, &prefix->addr, d->now_us);
}

/* One that was found to be a duplicate makes place for another try. */
static int add_addr(struct daemon *d, const struct tapir_change *c, const struct ip_prefix *prefix, char *text)
{
	struct addr_config config = {
		.prefix = *prefix, .origin = NET_STATIC, .valid_s = c->valid_s, .preferred_s = c->preferred_s,
		.no_dad = c->flags & TAPIR_CHANGE_NO_DAD,
	};
	struct addr_search s = { .prefix = *prefix };
	int err = find_link(d, c, &config.ifindex, text);

	if (err < 0)
		return err;
	s.ifindex = config.ifindex;
	stack_each_addr(d->st, match_addr, &s);
	if (s.is_loopback)
		return refuse(text, -EEXIST, "the loopback's addresses stay as they are");
	if (c->how == TAPIR_CHANGE_NEW && s.at_ifindex && !s.is_duplicate)
		return refuse(text, -EEXIST, "the link has that address; 'replace' changes it");
	if (c->how == TAPIR_CHANGE_OLD && !s.at_ifindex)
		return refuse(text, -ENOENT, "the link does not have that address; 'tapir addr' lists them");
	err = stack_set_addr(d->st, &config, d->now_us);
	return err == -EINVAL ? refuse(text, err, "a host's address is expected, with lifetimes, preferred no longer than valid") : err;
}

static int change_addr(struct daemon *d, const struct tapir_change *c, char *text)
{
	struct ip_prefix prefix;
	int err = read_prefix(c, &prefix, text);

	if (err < 0)
		return err;
	return c->is_del ? del_addr(d, c, &prefix, text) : add_addr(d, c, &prefix, text);
}

/* ---- Routes ---- */

/* The first route that the words fit. */
struct route_search {
	const struct tapir_change *c;
	const struct route_config *wanted; /* ifindex 0, gateway a wildcard: any */
	bool has_gateway, found;
	struct route_config at;
};

static bool match_route(void *ctx, const struct route_info *r)
{
	struct route_search *s = ctx;
	const struct route_config *w = s->wanted;

	if (r->config.prefix.len != w->prefix.len || !ip_addr_eq(&r->config.prefix.addr, &w->prefix.addr))
		return true;
	if ((s->has_gateway && !ip_addr_eq(&r->config.gateway, &w->gateway)) || (w->ifindex && r->config.ifindex != w->ifindex))
		return true;
	if ((!s->c->is_del || s->c->flags & TAPIR_CHANGE_HAS_METRIC) && r->config.metric != w->metric)
		return true;
	if (s->c->is_del && w->kind != ROUTE_UNICAST && r->config.kind != w->kind)
		return true;
	s->found = true;
	s->at = r->config;
	return false;
}

static int del_route(struct daemon *d, const struct tapir_change *c, const struct route_config *route, char *text)
{
	struct route_search s = { .c = c, .wanted = route, .has_gateway = c->gateway.family != 0 };

	stack_each_route(d->st, match_route, &s);
	if (!s.found)
		return refuse(text, -ESRCH, "there is no such route; 'tapir route' lists them");
	return stack_del_route(d->st, &s.at);
}

static bool is_same_way(const struct route_config *a, const struct route_config *b)
{
	return a->ifindex == b->ifindex && ip_addr_eq(&a->gateway, &b->gateway) && a->kind == b->kind;
}

static int refuse_route(int err, char *text)
{
	switch (err) {
	case -ENETUNREACH:
		return refuse(text, err, "the router is on the network of no link");
	case -EEXIST:
		return refuse(text, err, "there is such a route already; 'replace' changes it, 'append' puts another behind it");
	case -EINVAL:
		return refuse(text, err, "a router that is another host, a source that is an address of ours, an mtu of at least 1280 (IPv4: 68)");
	}
	return err;
}

/* The new one comes before the old one goes, so that a mistake takes nothing away. */
static int add_route(struct daemon *d, const struct tapir_change *c, struct route_config *route, char *text)
{
	struct route_config any_way = *route;
	struct route_search s = { .c = c, .wanted = &any_way };
	int err;

	any_way.ifindex = 0;
	stack_each_route(d->st, match_route, &s);
	if (s.found && c->how == TAPIR_CHANGE_NEW)
		return refuse_route(-EEXIST, text);
	if (!s.found && c->how == TAPIR_CHANGE_OLD)
		return refuse(text, -ENOENT, "there is no such route; 'tapir route' lists them");
	if (c->how == TAPIR_CHANGE_NEW || c->how == TAPIR_CHANGE_APPEND)
		return refuse_route(stack_add_route(d->st, route), text);
	err = refuse_route(stack_set_route(d->st, route, d->now_us), text);
	if (err == 0 && s.found && !is_same_way(&s.at, route))
		stack_del_route(d->st, &s.at);
	return err;
}

/* What is left open: the link on whose network the router is; where there is only one link, that. */
static int find_route_link(struct daemon *d, const struct tapir_change *c, struct route_config *route, char *text)
{
	bool is_given = c->ifname[0];
	bool is_needed = !c->is_del && route->kind == ROUTE_UNICAST && (!c->gateway.family || ip_addr_is_linklocal(&route->gateway));

	return is_given || is_needed ? find_link(d, c, &route->ifindex, text) : 0;
}

static int change_route(struct daemon *d, const struct tapir_change *c, char *text)
{
	struct route_config route = { .metric = c->metric, .origin = NET_STATIC, .mtu = c->mtu };
	bool is4;
	int err = read_prefix(c, &route.prefix, text);

	if (err < 0)
		return err;
	if (c->route_kind > TAPIR_ROUTE_PROHIBIT)
		return refuse(text, -EINVAL, "no such kind of route");
	route.kind = (uint8_t)c->route_kind; /* the same numbers */
	is4 = ip_addr_is4(&route.prefix.addr);
	route.prefix.addr = ip_prefix_first(&route.prefix);
	route.gateway = ip_addr_any(ip_addr_family(&route.prefix.addr));
	if (c->gateway.family && (read_addr(&c->gateway, &route.gateway) < 0 || ip_addr_is4(&route.gateway) != is4))
		return refuse(text, -EINVAL, "a router of the same family is expected after 'via'");
	if (c->src.family && (read_addr(&c->src, &route.src) < 0 || ip_addr_is4(&route.src) != is4))
		return refuse(text, -EINVAL, "an address of the same family is expected after 'src'");
	err = find_route_link(d, c, &route, text);
	if (err < 0)
		return err;
	return c->is_del ? del_route(d, c, &route, text) : add_route(d, c, &route, text);
}

/* ---- Neighbours ---- */

static bool match_neigh(void *ctx, const struct neigh_info *n)
{
	struct addr_search *s = ctx;

	if (ip_addr_eq(&n->addr, &s->prefix.addr) && n->ifindex == s->ifindex)
		s->at_ifindex = n->ifindex;
	return s->at_ifindex == 0;
}

static int change_neigh(struct daemon *d, const struct tapir_change *c, char *text)
{
	struct addr_search s = { 0 };
	struct ip_addr addr;
	int err = find_link(d, c, &s.ifindex, text);

	if (err < 0)
		return err;
	if (read_addr(&c->addr, &addr) < 0)
		return refuse(text, -EINVAL, "an IPv4 or IPv6 address is expected");
	s.prefix.addr = addr;
	if (c->is_del) {
		err = stack_del_neigh(d->st, s.ifindex, &addr, d->now_us);
		return err == -ESRCH ? refuse(text, -ENOENT, "no such neighbour; 'tapir neigh' lists them") : err;
	}
	stack_each_neigh(d->st, match_neigh, &s);
	if (c->how == TAPIR_CHANGE_NEW && s.at_ifindex)
		return refuse(text, -EEXIST, "the neighbour is known already; 'replace' changes it");
	if (c->how == TAPIR_CHANGE_OLD && !s.at_ifindex)
		return refuse(text, -ENOENT, "no such neighbour; 'tapir neigh' lists them");
	err = stack_set_neigh(d->st, s.ifindex, &addr, c->mac, d->now_us);
	return err == -EINVAL ? refuse(text, err, "a host's address, and a link address that is no group's, are expected") : err;
}

/* ---- Groups ---- */

static int change_group(struct daemon *d, const struct tapir_change *c, char *text)
{
	struct ip_addr group;
	uint32_t ifindex;
	int err = find_link(d, c, &ifindex, text);

	if (err < 0)
		return err;
	if (read_addr(&c->addr, &group) < 0)
		return refuse(text, -EINVAL, "the address of a multicast group is expected");
	err = c->is_del ? stack_leave_group(d->st, ifindex, &group, d->now_us) : stack_join_group(d->st, ifindex, &group, d->now_us);
	switch (err) {
	case -EINVAL:
		return refuse(text, err, "the address of a multicast group is expected");
	case -EEXIST:
		return refuse(text, err, "the group was added already");
	case -EADDRNOTAVAIL:
		return refuse(text, err, "no such group was added; those of programs and of the stack itself stay");
	}
	return err;
}

static int apply(struct daemon *d, const struct tapir_change *c, char *text)
{
	switch (c->kind) {
	case TAPIR_CHANGE_ADDR:
		return change_addr(d, c, text);
	case TAPIR_CHANGE_ROUTE:
		return change_route(d, c, text);
	case TAPIR_CHANGE_NEIGH:
		return change_neigh(d, c, text);
	case TAPIR_CHANGE_GROUP:
		return change_group(d, c, text);
	}
	return refuse(text, -EINVAL, "no such kind of change");
}

static void log_change(struct daemon *d, const struct tapir_change *c, uint32_t uid)
{
	static const char *const kinds[] = { "?", "address", "route", "neighbour", "group" };
	static const char *const verbs[] = { "added", "set", "changed", "appended" };
	char addr[IP_ADDR_TEXT_MAX], via[IP_ADDR_TEXT_MAX + 8] = "", len[8] = "";
	struct ip_addr a, router;

	if (read_addr(&c->addr, &a) < 0)
		return;
	if (c->kind == TAPIR_CHANGE_ADDR || c->kind == TAPIR_CHANGE_ROUTE)
		snprintf(len, sizeof(len), "/%u", c->prefix_len);
	if (c->kind == TAPIR_CHANGE_ROUTE && c->gateway.family && read_addr(&c->gateway, &router) == 0) {
		char text[IP_ADDR_TEXT_MAX];

		snprintf(via, sizeof(via), " via %s", ip_addr_print(&router, text));
	}
	log_line(&d->log, LOG_LEVEL_INFO, "%s %s%s%s%s%s %s by uid %u", kinds[c->kind], ip_addr_print(&a, addr), len, via,
		 c->ifname[0] ? " dev " : "", c->ifname, c->is_del ? "removed" : verbs[c->how], uid);
}

int change_apply(struct daemon *d, const struct tapir_change *c, uint32_t uid, char text[TAPIR_CHANGE_TEXT_MAX])
{
	int err = c->how > TAPIR_CHANGE_APPEND ? refuse(text, -EINVAL, "no such way to change") : apply(d, c, text);

	if (err == 0)
		log_change(d, c, uid);
	return err;
}

/* ---- Asking for the way ---- */

static void record_addr(struct tapir_addr *to, const struct ip_addr *a)
{
	struct ip_endpoint e = { .addr = *a };

	channel_addr_to_wire(to, &e, ip_addr_family(a));
}

int change_find_route(struct daemon *d, const struct tapir_route_req *q, struct tapir_route_rec *rec)
{
	struct ip_addr dst, src = ip6_addr_any;
	struct route_found found;
	uint32_t ifindex = q->ifname[0] ? ifindex_by_name(d, q->ifname) : 0;
	int err = read_addr(&q->dst, &dst);

	if (q->ifname[0] && ifindex == 0)
		return -ENODEV;
	if (err == 0 && q->src.family)
		err = read_addr(&q->src, &src);
	if (err == 0)
		err = stack_find_route(d->st, &dst, ip_addr_is_any(&src) ? NULL : &src, ifindex, &found, d->now_us);
	if (err < 0)
		return err;
	*rec = (struct tapir_route_rec){ .prefix_len = ip_addr_is4(&dst) ? 32 : 128, .ifindex = found.ifindex, .mtu = found.mtu };
	record_addr(&rec->dst, &dst);
	record_addr(&rec->src, &found.src);
	if (!ip_addr_eq(&found.next_hop, &dst))
		record_addr(&rec->gateway, &found.next_hop);
	snprintf(rec->ifname, sizeof(rec->ifname), "%s", found.is_local ? "lo" : daemon_tap(d, found.ifindex)->name);
	snprintf(rec->origin, sizeof(rec->origin), "%s", found.is_local ? "local" : found.is_broadcast ? "broadcast" : "");
	return 0;
}
