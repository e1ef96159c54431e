/* SPDX-License-Identifier: BSD-2-Clause */
#include "change.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon.h"

enum { TEXT_MAX = 128 };

static int refuse(char *text, int err, const char *why)
{
	snprintf(text, TEXT_MAX, "%s", why);
	return err;
}

static struct tap *tap_by_name(struct daemon *d, const char *name)
{
	for (int i = 0; i < d->tap_count; i++)
		if (strcmp(d->taps[i].name, name) == 0)
			return &d->taps[i];
	return NULL;
}

/* The link that is meant: the one named, or the only one. 0 or -errno. */
static int find_link(struct daemon *d, const struct tapir_change *c, uint32_t *ifindex, char *text)
{
	const struct tap *tap = c->ifname[0] ? tap_by_name(d, c->ifname) : &d->taps[0];

	if (!tap)
		return refuse(text, -ENODEV, "no link of that name; 'tapir link' lists them");
	if (!c->ifname[0] && d->tap_count > 1)
		return refuse(text, -EINVAL, "there are several links: say which with 'dev NAME'");
	*ifindex = tap->ifindex;
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
	struct ip_addr addr;
	uint32_t ifindex; /* 0: any, and then the one it was found on */
	bool found;
};

static bool match_addr(void *ctx, const struct addr_info *a)
{
	struct addr_search *s = ctx;

	if (!ip_addr_eq(&a->prefix.addr, &s->addr) || (s->ifindex && s->ifindex != a->ifindex))
		return true;
	s->ifindex = a->ifindex;
	s->found = true;
	return false;
}

static int del_addr(struct daemon *d, const struct tapir_change *c, const struct ip_addr *addr, char *text)
{
	struct addr_search s = { .addr = *addr };
	int err = c->ifname[0] ? find_link(d, c, &s.ifindex, text) : 0;

	if (err < 0)
		return err;
	stack_each_addr(d->st, match_addr, &s);
	if (!s.found)
		return refuse(text, -EADDRNOTAVAIL, "no link has that address");
	if (s.ifindex == 1)
		return refuse(text, -EBUSY, "the loopback's addresses stay");
	return stack_del_addr(d->st, s.ifindex, addr, d->now_us);
}

static int change_addr(struct daemon *d, const struct tapir_change *c, char *text)
{
	struct addr_config config = { .origin = NET_STATIC, .valid_s = c->valid_s, .preferred_s = c->preferred_s };
	int err = read_prefix(c, &config.prefix, text);

	if (err < 0)
		return err;
	if (c->is_del)
		return del_addr(d, c, &config.prefix.addr, text);
	err = find_link(d, c, &config.ifindex, text);
	if (err < 0)
		return err;
	err = stack_set_addr(d->st, &config, d->now_us);
	return err == -EINVAL ? refuse(text, err, "a host's address with its network's length is expected, preferred no longer than valid") : err;
}

/* ---- Routes ---- */

static int change_route(struct daemon *d, const struct tapir_change *c, char *text)
{
	struct route_config route = { .metric = c->metric, .origin = NET_STATIC };
	int err = read_prefix(c, &route.prefix, text);

	if (err == 0 && c->ifname[0])
		err = find_link(d, c, &route.ifindex, text);
	if (err < 0)
		return err;
	route.prefix.addr = ip_prefix_first(&route.prefix);
	route.gateway = ip_addr_any(ip_addr_family(&route.prefix.addr));
	if (c->gateway.family && (read_addr(&c->gateway, &route.gateway) < 0 ||
				  ip_addr_is4(&route.gateway) != ip_addr_is4(&route.prefix.addr)))
		return refuse(text, -EINVAL, "a router of the same family is expected after 'via'");
	if (!route.ifindex && (!c->gateway.family || ip_addr_is_linklocal(&route.gateway)))
		err = find_link(d, c, &route.ifindex, text);
	if (err < 0)
		return err;
	err = c->is_del ? stack_del_route(d->st, &route) : stack_add_route(d->st, &route);
	switch (err) {
	case -ENETUNREACH:
		return refuse(text, err, "the router is on the network of no link");
	case -EEXIST:
		return refuse(text, err, "there is such a route already");
	case -ESRCH:
		return refuse(text, err, "there is no such route; 'tapir route' lists them");
	}
	return err;
}

/* ---- Neighbours ---- */

static int change_neigh(struct daemon *d, const struct tapir_change *c, char *text)
{
	struct ip_addr addr;
	uint32_t ifindex;
	int err = find_link(d, c, &ifindex, text);

	if (err < 0)
		return err;
	if (read_addr(&c->addr, &addr) < 0)
		return refuse(text, -EINVAL, "an IPv4 or IPv6 address is expected");
	if (!c->is_del) {
		err = stack_set_neigh(d->st, ifindex, &addr, c->mac, d->now_us);
		return err == -EINVAL ? refuse(text, err, "a host's address, and a link address that is no group's, are expected") : err;
	}
	err = stack_del_neigh(d->st, ifindex, &addr, d->now_us);
	return err == -ESRCH ? refuse(text, err, "no such neighbour; 'tapir neigh' lists them") : err;
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

int change_apply(struct daemon *d, const struct tapir_change *c, char text[TEXT_MAX])
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
