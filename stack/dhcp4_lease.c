/* SPDX-License-Identifier: BSD-2-Clause */
/* dhcp4_lease.c - what a lease means for the link: address, routes, MTU; and taking it back. */
#include <sys/socket.h>

#include "core.h"
#include "dhcp4.h"

enum {
	MTU_MIN = 576,
	ROUTE_METRIC = 100, /* behind routes that were configured by hand (metric 0) */
	LINKLOCAL_METRIC = 1000,
};

/* ---- Reading ---- */

/* A mask must be ones, then zeros. Without one, the address's class decides, as it did when servers might leave it out (RFC 950). */
static uint8_t prefix_len(const struct ip_addr *addr, const struct ip_addr *mask)
{
	const uint8_t *b = ip_addr_v4(mask);
	uint32_t bits = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
	uint8_t first = ip_addr_v4(addr)[0];

	if (bits != 0 && (~bits & (~bits + 1)) == 0)
		return (uint8_t)(96 + __builtin_popcount(bits));
	return (uint8_t)(96 + (first < 128 ? 8 : first < 192 ? 16 : 24));
}

static uint64_t time_after(uint64_t from_us, uint32_t seconds)
{
	return seconds == DHCP4_LEASE_FOREVER ? UINT64_MAX : from_us + (uint64_t)seconds * 1000000;
}

/* T1 and T2 as given when they make sense, else half and seven eighths of the lease (section 4.4.5), T1 a little early at random. */
static void read_times(const struct dhcp4 *c, const struct dhcp4_reply *m, struct dhcp4_lease *lease)
{
	uint32_t t1 = m->t1_s, t2 = m->t2_s;
	uint64_t fuzz;

	lease->expires_us = time_after(c->asked_us, m->lease_s);
	if (lease->expires_us == UINT64_MAX) {
		lease->t1_us = lease->t2_us = UINT64_MAX;
		return;
	}
	if (t2 == 0 || t2 >= m->lease_s)
		t2 = (uint32_t)((uint64_t)m->lease_s * 7 / 8);
	if (t1 == 0 || t1 >= t2)
		t1 = m->lease_s / 2 < t2 ? m->lease_s / 2 : t2;
	fuzz = rng_below(&c->st->rng, (t1 / 50 > 60 ? 60 : t1 / 50) * 1000000 + 1);
	lease->t1_us = time_after(c->asked_us, t1) - fuzz;
	lease->t2_us = time_after(c->asked_us, t2);
}

static void add_route(const struct dhcp4 *c, struct dhcp4_lease *lease, const struct ip_prefix *dst, const struct ip_addr *gateway)
{
	lease->routes[lease->route_count++] = (struct route_config){
		.prefix = *dst, .gateway = *gateway, .ifindex = c->ifindex, .metric = ROUTE_METRIC, .origin = NET_DHCP,
	};
}

/* Hosts of 169.254/16 are on the link, and no router's business (RFC 3927 section 2.6.2), unless the server knows better. */
static void read_routes(const struct dhcp4 *c, const struct dhcp4_reply *m, struct dhcp4_lease *lease)
{
	struct ip_prefix everything = { ip_addr_any(AF_INET), 96 };
	struct ip_prefix linklocal = { ip_addr_from4((const uint8_t[4]){ 169, 254, 0, 0 }), 96 + 16 };

	for (uint8_t i = 0; i < m->route_count; i++)
		add_route(c, lease, &m->routes[i].dst, &m->routes[i].gateway);
	for (uint8_t i = 0; !m->has_classless && i < m->routers.count; i++) /* in order of preference: the first that is not silent is used */
		add_route(c, lease, &everything, &m->routers.addr[i]);
	if (c->linklocal) {
		add_route(c, lease, &linklocal, &everything.addr);
		lease->routes[lease->route_count - 1].metric = LINKLOCAL_METRIC;
	}
}

bool dhcp4_lease_read(const struct dhcp4 *c, const struct dhcp4_reply *m, struct dhcp4_lease *lease)
{
	*lease = (struct dhcp4_lease){ .dns = m->dns, .ntp = m->ntp, .domains = m->domains };
	if (!m->has_lease || m->lease_s == 0)
		return false;
	lease->server = !ip_addr_is_any(&m->server)	? m->server
			: c->state == DHCP4_REQUESTING ? c->server
						       : c->lease.server;
	if (ip_addr_is_any(&lease->server))
		return false;
	lease->addr = (struct ip_prefix){ m->yiaddr, prefix_len(&m->yiaddr, &m->mask) };
	lease->broadcast = m->broadcast;
	lease->mtu = m->mtu >= MTU_MIN ? m->mtu : 0; /* RFC 2132 section 5.1 allows 68, which is a mistake or worse (RFC 1122 section 3.3.2) */
	lease->lease_s = m->lease_s;
	read_times(c, m, lease);
	read_routes(c, m, lease);
	return true;
}

/* ---- Acting on it ---- */

/* In the server's order: where the address has no network (a /32), the first leads to the router itself (RFC 3442). One whose router
 * cannot be reached is left out. */
static void add_routes(struct dhcp4 *c)
{
	for (uint8_t i = 0; i < c->lease.route_count; i++)
		if (stack_set_route(c->st, &c->lease.routes[i], c->st->now_us) < 0)
			stat_count(c->st, STAT_DHCP4_ROUTES_REFUSED);
}

static void del_routes(struct dhcp4 *c)
{
	for (uint8_t i = 0; i < c->lease.route_count; i++)
		stack_del_route(c->st, &c->lease.routes[i]);
	c->lease.route_count = 0;
}

static bool is_same_addr(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->len == b->len && ip_addr_eq(&a->addr, &b->addr);
}

static void set_addr(struct dhcp4 *c)
{
	uint64_t left_us = c->lease.expires_us - c->st->now_us;
	struct addr_config config = { .ifindex = c->ifindex, .prefix = c->lease.addr, .origin = NET_DHCP, .broadcast = c->lease.broadcast };

	config.was_ours = c->state == DHCP4_REBOOTING && ip_addr_eq(&c->lease.addr.addr, &c->wanted);
	config.valid_s = c->lease.expires_us == UINT64_MAX ? LIFETIME_FOREVER : (uint32_t)((left_us + 999999) / 1000000);
	config.preferred_s = config.valid_s;
	stack_set_addr(c->st, &config, c->st->now_us);
}

void dhcp4_lease_apply(struct dhcp4 *c, const struct dhcp4_lease *lease)
{
	if (dhcp4_has_lease(c) && !is_same_addr(&c->lease.addr, &lease->addr))
		dhcp4_lease_withdraw(c);
	del_routes(c);
	c->lease = *lease;
	set_addr(c);
	add_routes(c);
	link_limit_mtu(c->st, link_by_ifindex(c->st, c->ifindex), lease->mtu);
}

void dhcp4_lease_withdraw(struct dhcp4 *c)
{
	struct ip_addr addr = c->lease.addr.addr;

	del_routes(c);
	link_limit_mtu(c->st, link_by_ifindex(c->st, c->ifindex), 0);
	c->lease.addr.len = 0;
	stack_del_addr(c->st, c->ifindex, &addr, c->st->now_us);
}
