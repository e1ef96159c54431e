/* SPDX-License-Identifier: BSD-2-Clause */
/* dhcp6_lease.c - what a REPLY means for the link: addresses with their lifetimes, and when to renew them (RFC 8415 section 18.2.10.1). */
#include "core.h"
#include "dhcp6.h"

static uint64_t time_after(uint64_t from_us, uint64_t seconds)
{
	return seconds >= UINT32_MAX ? UINT64_MAX : from_us + seconds * 1000000;
}

static struct dhcp6_addr *find_addr(struct dhcp6_ia *ia, const struct ip_addr *addr)
{
	for (uint8_t i = 0; i < ia->count; i++)
		if (ip_addr_eq(&ia->addrs[i].addr, addr))
			return &ia->addrs[i];
	return NULL;
}

void dhcp6_lease_forget_addr(struct dhcp6_ia *ia, const struct ip_addr *addr)
{
	struct dhcp6_addr *a = find_addr(ia, addr);

	if (a)
		*a = ia->addrs[--ia->count];
}

static void set_addr(struct dhcp6 *c, const struct dhcp6_addr *a)
{
	struct addr_config config = {
		.ifindex = c->ifindex,
		.prefix = { a->addr, 128 },
		.origin = NET_DHCP,
		.valid_s = a->valid_s,
		.preferred_s = a->preferred_s,
		.no_prefix_route = true,
	};

	stack_set_addr(c->st, &config, c->st->now_us);
}

/* Lifetimes are new for what the REPLY names; valid for 0 seconds ends it. What it does not name goes on as it was. */
static void merge_addr(struct dhcp6 *c, const struct dhcp6_addr *a)
{
	struct dhcp6_addr *held = find_addr(&c->ia, &a->addr);

	if (a->valid_s == 0) {
		if (held)
			stack_del_addr(c->st, c->ifindex, &a->addr, c->st->now_us);
		dhcp6_lease_forget_addr(&c->ia, &a->addr);
		return;
	}
	if (!held && c->ia.count == DHCP6_ADDRS_MAX)
		return;
	if (!held)
		held = &c->ia.addrs[c->ia.count++];
	*held = *a;
	set_addr(c, a);
}

/* Addresses that ended by themselves are no longer ours to renew. */
static void forget_expired(struct dhcp6 *c)
{
	for (uint8_t i = c->ia.count; i-- > 0;)
		if (!addr_find(c->st, &c->ia.addrs[i].addr, c->ifindex))
			c->ia.addrs[i] = c->ia.addrs[--c->ia.count];
}

/* The shortest preferred lifetime; of addresses that are deprecated already, the valid one: there is nothing else to renew by. */
static uint32_t shortest_lifetime(const struct dhcp6_ia *ia)
{
	uint32_t shortest = UINT32_MAX;

	for (uint8_t i = 0; i < ia->count; i++) {
		uint32_t lifetime = ia->addrs[i].preferred_s ? ia->addrs[i].preferred_s : ia->addrs[i].valid_s;

		shortest = lifetime < shortest ? lifetime : shortest;
	}
	return shortest;
}

static uint64_t latest_end(const struct dhcp6 *c)
{
	uint64_t end = 0;

	for (uint8_t i = 0; i < c->ia.count; i++) {
		const struct if_addr *a = addr_find(c->st, &c->ia.addrs[i].addr, c->ifindex);

		if (a && a->valid_until_us > end)
			end = a->valid_until_us;
	}
	return end;
}

/* Sections 14.2, 21.4: half and eight tenths of the shortest preferred lifetime where the server leaves it to us, but not at once. */
static void set_times(struct dhcp6 *c, const struct dhcp6_ia *said)
{
	uint32_t lifetime = shortest_lifetime(&c->ia);
	uint64_t t1 = said->t1_s, t2 = said->t2_s, now = c->st->now_us;

	if (t2 == 0)
		t2 = lifetime == UINT32_MAX ? UINT32_MAX : lifetime > 1 ? (uint64_t)lifetime * 8 / 10 : 1;
	if (t1 == 0)
		t1 = lifetime == UINT32_MAX ? UINT32_MAX : lifetime > 1 ? lifetime / 2 : 1;
	if (t1 > t2)
		t1 = t2;
	c->t1_us = time_after(now, t1);
	c->t2_us = time_after(now, t2);
	c->expires_us = latest_end(c);
}

void dhcp6_lease_apply(struct dhcp6 *c, const struct dhcp6_reply *m)
{
	if (!c->is_bound) {
		c->ia.count = 0;
		c->is_bound = true;
	}
	c->ia.is_there = true;
	c->server = m->server;
	for (uint8_t i = 0; i < m->ia.count; i++)
		merge_addr(c, &m->ia.addrs[i]);
	forget_expired(c);
	set_times(c, &m->ia);
}

void dhcp6_lease_withdraw(struct dhcp6 *c)
{
	for (uint8_t i = 0; c->is_bound && i < c->ia.count; i++)
		stack_del_addr(c->st, c->ifindex, &c->ia.addrs[i].addr, c->st->now_us);
	if (c->is_bound)
		dhcp6_forget_parameters(c);
	c->ia = (struct dhcp6_ia){ 0 };
	c->is_bound = false;
}

void dhcp6_forget_parameters(struct dhcp6 *c)
{
	c->dns.count = c->ntp.count = c->domains.count = 0;
}
