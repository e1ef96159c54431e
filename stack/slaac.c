/* SPDX-License-Identifier: BSD-2-Clause */
#include "slaac.h"

#include "core.h"
#include "nd_opt.h"
#include "nd_router.h"
#include "wire.h"

enum { IID_BITS = 64, TWO_HOURS_S = 7200, IDGEN_RETRIES = 3 };

/* ---- Interface identifiers ---- */

/* RFC 5453, 7217 section 5: those of the subnet-router anycast address, and of reserved anycast addresses (RFC 2526), and those of
 * RFC 5214 and 4291 that the IANA lists. */
static bool is_reserved(const uint8_t iid[8])
{
	static const uint8_t zero[8], anycast[7] = { 0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, isatap[4] = { 0x02, 0x00, 0x5e, 0xfe };

	return memcmp(iid, zero, 8) == 0 || (memcmp(iid, anycast, 7) == 0 && iid[7] >= 0x80) || memcmp(iid, isatap, 4) == 0;
}

static void put_u64(uint8_t to[8], uint64_t v)
{
	put_be32(to, (uint32_t)(v >> 32));
	put_be32(to + 4, (uint32_t)v);
}

/* RFC 7217 section 5: F(Prefix, Net_Iface, Network_ID, DAD_Counter, secret_key); there is no Network_ID on Ethernet. */
static void stable_iid(struct stack *st, const struct link *l, const struct ip_addr *prefix, uint8_t attempt, uint8_t iid[8])
{
	uint8_t text[8 + LINK_NAME_MAX + 2] = { 0 };

	memcpy(text, prefix->b, 8);
	memcpy(text + 8, l->config.name, strlen(l->config.name));
	text[8 + LINK_NAME_MAX] = attempt;
	do {
		put_u64(iid, hash_bytes(&st->stable_key, text, sizeof(text)));
		text[8 + LINK_NAME_MAX + 1]++; /* one in 2^57 is reserved */
	} while (is_reserved(iid));
}

static void mac_iid(const struct link *l, uint8_t iid[8])
{
	const uint8_t *m = l->config.mac;
	const uint8_t from_mac[8] = { m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5] };

	memcpy(iid, from_mac, 8);
}

static void random_iid(struct stack *st, uint8_t iid[8])
{
	do
		put_u64(iid, rng_u64(&st->rng));
	while (is_reserved(iid));
}

/* ---- The addresses of a prefix ---- */

static bool is_of(const struct if_addr *a, const struct link *l, const struct ip_addr *prefix, enum net_origin origin)
{
	return a->ifindex == l->ifindex && a->origin == origin && memcmp(a->prefix.addr.b, prefix->b, IID_BITS / 8) == 0;
}

struct census {
	unsigned of_link;	   /* autoconfigured ones of the link, of any prefix */
	unsigned alive, duplicate; /* of the prefix and origin */
	struct if_addr *newest;	   /* of the alive */
};

static struct if_addr *of_node(struct list *n)
{
	return container_of(n, struct if_addr, link);
}

static struct census count(struct stack *st, const struct link *l, const struct ip_addr *prefix, enum net_origin origin)
{
	struct census c = { 0 };

	for (struct list *n = st->addrs.all.next; n != &st->addrs.all; n = n->next) {
		struct if_addr *a = of_node(n);

		if (a->ifindex == l->ifindex && (a->origin == NET_SLAAC || a->origin == NET_TEMPORARY))
			c.of_link++;
		if (!is_of(a, l, prefix, origin))
			continue;
		if (a->state == IF_ADDR_DUPLICATE) {
			c.duplicate++;
			continue;
		}
		c.alive++;
		c.newest = a; /* the table is in order of arrival */
	}
	return c;
}

static uint32_t left_s(struct stack *st, uint64_t end_us)
{
	if (end_us == UINT64_MAX)
		return LIFETIME_FOREVER;
	return end_us > st->now_us ? (uint32_t)((end_us - st->now_us) / 1000000) : 0;
}

static bool make(struct stack *st, struct link *l, const struct ip_addr *prefix, const uint8_t iid[8], enum net_origin origin,
		 uint32_t valid_s, uint32_t preferred_s)
{
	struct addr_config c = {
		.ifindex = l->ifindex,
		.prefix = { *prefix, IID_BITS },
		.origin = origin,
		.valid_s = valid_s,
		.preferred_s = preferred_s,
		.no_prefix_route = true, /* whether its network is on-link is another flag of the prefix */
	};
	char text[IP_ADDR_TEXT_MAX];

	memcpy(c.prefix.addr.b + 8, iid, 8);
	if (addr_add(st, &c) < 0)
		return false;
	stat_count(st, STAT_SLAAC_ADDRESSES);
	stack_log(st, STACK_LOG_NOTICE, "addr.added addr=%s ifindex=%u origin=%s", ip_addr_print(&c.prefix.addr, text), l->ifindex,
		  net_origin_text(origin));
	return true;
}

/* ---- Stable addresses ---- */

static void make_stable(struct stack *st, struct link *l, const struct ip_addr *prefix, unsigned attempt, uint32_t valid_s,
			uint32_t preferred_s)
{
	uint8_t iid[8];

	if (st->tunables.addr_gen_mode == 0)
		mac_iid(l, iid);
	else
		stable_iid(st, l, prefix, (uint8_t)attempt, iid);
	make(st, l, prefix, iid, NET_SLAAC, valid_s, preferred_s);
}

/* RFC 4862 section 5.5.3 (e): nobody may cut a life of more than two hours shorter than that. */
static uint32_t valid_by_two_hour_rule(uint32_t offered_s, uint32_t remaining_s)
{
	if (offered_s > TWO_HOURS_S || offered_s > remaining_s)
		return offered_s;
	return remaining_s <= TWO_HOURS_S ? remaining_s : TWO_HOURS_S;
}

static void renew_stable(struct stack *st, const struct link *l, const struct nd_prefix *p)
{
	for (struct list *n = st->addrs.all.next, *next; n != &st->addrs.all; n = next) {
		struct if_addr *a = of_node(n);
		uint32_t remaining_s = left_s(st, a->valid_until_us), valid_s = valid_by_two_hour_rule(p->valid_s, remaining_s);

		next = n->next;
		if (!is_of(a, l, &p->prefix.addr, NET_SLAAC))
			continue;
		if (valid_s == remaining_s && valid_s != LIFETIME_FOREVER) /* keep the fraction of a second */
			addr_set_preferred(a, p->preferred_s);
		else
			addr_set_lifetimes(a, valid_s, p->preferred_s);
	}
}

/* ---- Temporary addresses (RFC 8981) ---- */

/* Section 3.8: how long before the end of one the next is made; time for all attempts at an identifier, and more. */
static uint32_t regen_advance_s(struct stack *st, const struct link *l)
{
	return 2 + IDGEN_RETRIES * st->tunables.dad_transmits * nd_retrans_ms(st, l) / 1000;
}

/* MAX_DESYNC_FACTOR: at most 0.4 of the preferred lifetime. */
static uint32_t desync_s(struct stack *st)
{
	return rng_below(&st->rng, st->tunables.temp_prefered_lft * 2 / 5 + 1);
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void arm_temporary(struct stack *st, struct link *l, const struct if_addr *a)
{
	uint64_t advance_us = regen_advance_s(st, l) * 1000000ULL, at_us;

	if (a->preferred_until_us == UINT64_MAX)
		return;
	at_us = a->preferred_until_us > advance_us ? a->preferred_until_us - advance_us : 0;
	if (!timer_is_pending(&l->nd.temporary) || at_us < l->nd.temporary.deadline_us)
		timer_set(&st->wheel, &l->nd.temporary, at_us > st->now_us ? at_us : st->now_us + 1000000);
}

/* A new one, which outlives neither its prefix nor its own time (section 3.4 (4), (5)). */
static void make_temporary(struct stack *st, struct link *l, const struct ip_addr *prefix, uint32_t valid_s, uint32_t preferred_s)
{
	const struct tunables *t = &st->tunables;
	uint32_t own_preferred_s = t->temp_prefered_lft - desync_s(st);
	struct if_addr *a;
	uint8_t iid[8];
	struct ip_addr addr = *prefix;

	valid_s = min_u32(valid_s, t->temp_valid_lft);
	preferred_s = min_u32(min_u32(preferred_s, own_preferred_s), valid_s);
	if (preferred_s <= regen_advance_s(st, l))
		return;
	if (count(st, l, prefix, NET_TEMPORARY).of_link >= t->max_addresses) {
		stat_count(st, STAT_ND_DROP_ADDRESSES_FULL);
		return;
	}
	random_iid(st, iid);
	memcpy(addr.b + 8, iid, 8);
	if (!make(st, l, prefix, iid, NET_TEMPORARY, valid_s, preferred_s))
		return;
	a = addr_find(st, &addr, l->ifindex);
	a->expires_at_most_us = st->now_us + t->temp_valid_lft * 1000000ULL;
	a->deprecated_at_most_us = st->now_us + own_preferred_s * 1000000ULL;
	arm_temporary(st, l, a);
}

/* Section 3.4 (2): an advertisement renews them, but never beyond their own end. */
static void renew_temporary(struct stack *st, struct link *l, const struct nd_prefix *p)
{
	for (struct list *n = st->addrs.all.next, *next; n != &st->addrs.all; n = next) {
		struct if_addr *a = of_node(n);
		uint32_t valid_s, preferred_s;

		next = n->next;
		if (!is_of(a, l, &p->prefix.addr, NET_TEMPORARY))
			continue;
		valid_s = valid_by_two_hour_rule(p->valid_s, left_s(st, a->valid_until_us));
		valid_s = min_u32(valid_s, left_s(st, a->expires_at_most_us));
		preferred_s = min_u32(min_u32(p->preferred_s, left_s(st, a->deprecated_at_most_us)), valid_s);
		addr_set_lifetimes(a, valid_s, preferred_s);
		arm_temporary(st, l, a);
	}
}

/* Whether the newest temporary address of @of's prefix nears its end, or there is none. */
static bool wants_successor(struct stack *st, const struct link *l, const struct if_addr *of)
{
	struct census c = count(st, l, &of->prefix.addr, NET_TEMPORARY);

	if (c.duplicate > IDGEN_RETRIES) /* section 3.3.2: something is wrong on this link */
		return false;
	return !c.newest || left_s(st, c.newest->preferred_until_us) <= regen_advance_s(st, l);
}

/* The prefix is advertised, or the timer of the link fired: each of its stable addresses in use has a temporary one that lasts. */
static void succeed(struct stack *st, struct link *l, const struct if_addr *a)
{
	struct ip_prefix p = { a->prefix.addr, IID_BITS };

	if (!if_addr_is_usable(a) || if_addr_is_deprecated(a) || !wants_successor(st, l, a))
		return;
	p.addr = ip_prefix_first(&p);
	make_temporary(st, l, &p.addr, left_s(st, a->valid_until_us), left_s(st, a->preferred_until_us));
}

static void on_temporary(struct timer *t, uint64_t now_us)
{
	struct nd_link *nd = container_of(t, struct nd_link, temporary);
	struct stack *st = nd->st;

	(void)now_us;
	if (!st->tunables.use_tempaddr)
		return;
	for (struct list *n = st->addrs.all.next; n != &st->addrs.all; n = n->next) {
		struct if_addr *a = of_node(n);

		if (a->ifindex == nd->l->ifindex && a->origin == NET_SLAAC)
			succeed(st, nd->l, a);
	}
}

/* ---- What happens ---- */

void slaac_init(struct link *l)
{
	timer_init(&l->nd.temporary, on_temporary);
}

/* RFC 4862 section 5.5.3 */
void slaac_on_prefix(struct stack *st, struct link *l, const struct nd_prefix *p)
{
	struct census c = count(st, l, &p->prefix.addr, NET_SLAAC);
	bool is_new = c.alive + c.duplicate == 0;

	if (!st->tunables.autoconf)
		return;
	if (p->prefix.len != 128 - IID_BITS) { /* (d): prefix and identifier must make an address together */
		stat_count(st, STAT_ND_DROP_PREFIX_LENGTH);
		return;
	}
	if (!is_new) {
		renew_stable(st, l, p);
		renew_temporary(st, l, p);
		if (st->tunables.use_tempaddr && c.newest) /* perhaps there was none: the prefix had no preferred life, or nobody wanted one */
			succeed(st, l, c.newest);
		return;
	}
	if (p->valid_s == 0)
		return;
	if (c.of_link >= st->tunables.max_addresses) {
		stat_count(st, STAT_ND_DROP_ADDRESSES_FULL);
		return;
	}
	make_stable(st, l, &p->prefix.addr, 0, p->valid_s, p->preferred_s);
	if (st->tunables.use_tempaddr && p->preferred_s > 0)
		make_temporary(st, l, &p->prefix.addr, p->valid_s, p->preferred_s);
}

void slaac_on_link_up(struct stack *st, const struct link *l)
{
	for (struct list *n = st->addrs.all.next; n != &st->addrs.all; n = n->next) {
		struct if_addr *a = of_node(n);

		if (a->ifindex == l->ifindex && (a->origin == NET_SLAAC || a->origin == NET_TEMPORARY))
			addr_set_preferred(a, 0);
	}
}

void slaac_on_duplicate(struct if_addr *a)
{
	struct stack *st = a->st;
	struct link *l = link_by_ifindex(st, a->ifindex);
	struct ip_prefix p = { a->prefix.addr, IID_BITS };
	uint32_t valid_s = left_s(st, a->valid_until_us), preferred_s = left_s(st, a->preferred_until_us);
	struct census c;

	if ((a->origin != NET_SLAAC && a->origin != NET_TEMPORARY) || !l || valid_s == 0)
		return;
	p.addr = ip_prefix_first(&p);
	c = count(st, l, &p.addr, (enum net_origin)a->origin);
	if (c.duplicate > IDGEN_RETRIES || c.of_link >= st->tunables.max_addresses + IDGEN_RETRIES)
		return;
	if (a->origin == NET_TEMPORARY)
		make_temporary(st, l, &p.addr, valid_s, preferred_s);
	else if (st->tunables.addr_gen_mode != 0)
		make_stable(st, l, &p.addr, c.duplicate, valid_s, preferred_s);
}
