/* SPDX-License-Identifier: BSD-2-Clause */
#include "nd_router.h"

#include "core.h"
#include "dhcp6.h"
#include "ip6.h"
#include "icmp6.h"
#include "nd.h"
#include "nd_opt.h"
#include "redirect.h"
#include "slaac.h"

enum { RA_MANAGED = 0x80, RA_OTHER = 0x40 };
enum { METRIC_PREFIX = 256, METRIC_ROUTER = 1024 }; /* Linux's */
enum { REACHABLE_MS_MAX = 3600000, RETRANS_MS_MIN = 10, RETRANS_MS_MAX = 60000 }; /* of the tunables, RFC 4861 section 4.2 */

static const struct ip_addr all_routers = { { 0xff, 0x02, [15] = 2 } };

/* ---- Solicitations (RFC 4861 section 6.3.7, RFC 7559) ---- */

/* RFC 7559 section 2, RFC 8415 section 15: between nine and eleven tenths of it. */
static uint64_t jittered(struct stack *st, uint64_t us)
{
	return us - us / 10 + rng_below(&st->rng, (uint32_t)(us / 5 + 1));
}

static void on_solicit(struct timer *t, uint64_t now_us)
{
	struct nd_link *nd = container_of(t, struct nd_link, solicit);
	const struct tunables *tun = &nd->st->tunables;
	uint64_t most_us = tun->rs_max_interval_s * 1000000ULL;

	if (nd->solicitations >= tun->rs_count || !tun->accept_ra)
		return;
	nd_send_router_solicitation(nd->st, nd->l, &all_routers);
	nd->solicitations++;
	nd->interval_us = nd->interval_us ? nd->interval_us * 2 : tun->rs_interval_s * 1000000ULL;
	if (nd->interval_us > most_us)
		nd->interval_us = most_us;
	timer_set(&nd->st->wheel, t, now_us + jittered(nd->st, nd->interval_us));
}

void nd_router_init(struct stack *st, struct link *l)
{
	l->nd.st = st;
	l->nd.l = l;
	timer_init(&l->nd.solicit, on_solicit);
	slaac_init(l);
}

void nd_router_solicit(struct link *l, bool has_waited)
{
	struct stack *st = l->nd.st;

	l->nd.solicitations = 0;
	l->nd.interval_us = 0;
	if (!st->tunables.accept_ra || st->tunables.rs_count == 0)
		return;
	timer_set(&st->wheel, &l->nd.solicit,
		  st->now_us + (has_waited ? 0 : rng_below(&st->rng, st->tunables.rs_delay_s * 1000000 + 1)));
}

void nd_router_stop(struct link *l)
{
	timer_cancel(&l->nd.solicit);
}

void nd_router_restart(struct link *l)
{
	struct nd_link *nd = &l->nd;

	nd->hop_limit = 0;
	nd->reachable_ms = nd->retrans_ms = nd->mtu = 0;
	nd->has_advertisement = nd->is_managed = nd->is_other = false;
	memset(nd->servers, 0, sizeof(nd->servers));
	memset(nd->domains, 0, sizeof(nd->domains));
	nd->told_used = 0;
	slaac_on_link_up(nd->st, l);
}

/* ---- Parameters ---- */

uint8_t nd_hop_limit(struct stack *st, uint32_t ifindex)
{
	const struct link *l = link_by_ifindex(st, ifindex);

	return l && l->nd.hop_limit ? l->nd.hop_limit : (uint8_t)st->tunables.ip6_hop_limit;
}

uint32_t nd_mtu(const struct link *l)
{
	uint32_t mtu = l->config.mtu < IP6_MTU_MIN ? IP6_MTU_MIN : l->config.mtu; /* DHCPv4 may limit it to less than IPv6 can do with */

	return l->nd.mtu && l->nd.mtu < mtu ? l->nd.mtu : mtu;
}

uint32_t nd_retrans_ms(struct stack *st, const struct link *l)
{
	return l->nd.retrans_ms ? l->nd.retrans_ms : st->tunables.neigh_retrans_ms;
}

static uint32_t clamp(uint32_t v, uint32_t least, uint32_t most)
{
	return v < least ? least : v > most ? most : v;
}

/* ---- Routes that routers tell ---- */

void nd_router_lost(struct stack *st, uint32_t ifindex)
{
	struct link *l = link_by_ifindex(st, ifindex);

	if (!l->is_down && link_has_ip6(l) && !timer_is_pending(&l->nd.solicit) &&
	    l->nd.routes[ROUTE_TOLD_DEFAULT] == 0)
		nd_router_solicit(l, false);
}

/* Set, renew or (lifetime 0) remove a route. */
static void learn_route(struct stack *st, struct link *l, const struct route_config *c)
{
	static const struct {
		uint32_t max; /* so many of its kind the link may have */
		enum stack_stat when_full;
	} limits[] = {
		[ROUTE_TOLD_DEFAULT] = { ND_ROUTERS_MAX, STAT_ND_DROP_ROUTERS_FULL },
		[ROUTE_TOLD_PREFIX] = { ND_PREFIXES_MAX, STAT_ND_DROP_PREFIXES_FULL },
		[ROUTE_TOLD_SPECIFIC] = { ND_ROUTES_MAX, STAT_ND_DROP_ROUTES_FULL },
	};
	enum route_told kind = route_told_kind(c);
	struct route *r = route_find(st, c);

	if (r && r->config.origin != NET_SLAAC)
		return; /* somebody set the same one; that holds */
	if (c->lifetime_s == 0) {
		if (r)
			route_remove(st, r);
		return;
	}
	if (!r && l->nd.routes[kind] >= limits[kind].max) {
		stat_count(st, limits[kind].when_full);
		return;
	}
	stack_set_route(st, c, st->now_us);
}

static void learn_router(struct stack *st, struct link *l, const struct ip_addr *router, uint16_t lifetime_s, uint8_t flags)
{
	struct route_config c = {
		.prefix = { ip6_addr_any, 0 },
		.gateway = *router,
		.ifindex = l->ifindex,
		.metric = METRIC_ROUTER,
		.origin = NET_SLAAC,
		.lifetime_s = lifetime_s,
	};

	if (lifetime_s > 0) /* RFC 7559 section 2.1: found, so the search is over */
		timer_cancel(&l->nd.solicit);
	if (!st->tunables.accept_ra_defrtr)
		return;
	nd_preference(flags, &c.preference); /* the reserved value counts as medium (RFC 4191 section 2.2) */
	/* Routers that are none may have filled the list: those that we tried in vain make room. */
	if (lifetime_s > 0 && l->nd.routes[ROUTE_TOLD_DEFAULT] >= ND_ROUTERS_MAX && !route_find(st, &c) &&
	    route_remove_silent_router(st, l->ifindex))
		stat_count(st, STAT_ND_ROUTERS_REPLACED);
	learn_route(st, l, &c);
}

static void learn_route_option(struct stack *st, struct link *l, const struct ip_addr *router, struct nd_opt *o)
{
	struct route_config c = { .gateway = *router, .ifindex = l->ifindex, .metric = METRIC_ROUTER, .origin = NET_SLAAC };
	struct nd_route route;

	if (!nd_parse_route(o, &route)) {
		stat_count(st, STAT_ND_DROP_OPTION);
		return;
	}
	if (route.prefix.len > st->tunables.accept_ra_rt_info_max_plen || !st->tunables.accept_ra_rt_info)
		return;
	if (route.prefix.len == 0 && !st->tunables.accept_ra_defrtr)
		return;
	c.prefix = route.prefix;
	c.preference = route.preference;
	c.lifetime_s = route.lifetime_s;
	learn_route(st, l, &c);
}

static void learn_prefix_option(struct stack *st, struct link *l, const struct ip_addr *router, struct nd_opt *o)
{
	struct nd_prefix p;

	if (!nd_parse_prefix(o, &p)) {
		stat_count(st, STAT_ND_DROP_OPTION);
		return;
	}
	if (!st->tunables.accept_ra_pinfo)
		return;
	nd_told_learn(&l->nd, router, &p.prefix, p.valid_s);
	if (p.is_on_link) { /* RFC 4861 section 6.3.4; without the flag it says nothing, and takes nothing back */
		struct route_config c = {
			.prefix = p.prefix,
			.gateway = ip6_addr_any,
			.ifindex = l->ifindex,
			.metric = METRIC_PREFIX,
			.origin = NET_SLAAC,
			.lifetime_s = p.valid_s,
		};

		learn_route(st, l, &c);
	}
	if (p.is_autonomous)
		slaac_on_prefix(st, l, &p);
}

/* RFC 4861 section 6.3.4, RFC 8200 section 5: between the least an IPv6 link has and what this one takes. */
static void learn_mtu(struct stack *st, struct link *l, struct nd_opt *o)
{
	uint32_t mtu;

	if (!nd_parse_mtu(o, &mtu) || mtu < IP6_MTU_MIN || mtu > l->device_mtu) {
		stat_count(st, STAT_ND_DROP_OPTION);
		return;
	}
	if (!st->tunables.accept_ra_mtu || l->nd.mtu == mtu)
		return;
	l->nd.mtu = mtu;
	st->route_generation++;
}

/* ---- DNS (RFC 8106) ---- */

static uint64_t until_us(struct stack *st, uint32_t lifetime_s)
{
	if (lifetime_s == 0)
		return 0;
	return lifetime_s == LIFETIME_FOREVER ? UINT64_MAX : st->now_us + lifetime_s * 1000000ULL;
}

/* Places of what is over are free. */
static bool is_free(struct stack *st, uint64_t end_us)
{
	return end_us <= st->now_us;
}

static void learn_server(struct stack *st, struct nd_link *nd, const struct ip_addr *addr, uint32_t lifetime_s)
{
	struct nd_server *place = NULL;

	for (unsigned i = 0; i < ND_SERVERS_MAX; i++) {
		struct nd_server *s = &nd->servers[i];

		if (!is_free(st, s->until_us) && ip_addr_eq(&s->addr, addr)) {
			s->until_us = until_us(st, lifetime_s);
			return;
		}
		if (!place && is_free(st, s->until_us))
			place = s;
	}
	if (lifetime_s == 0)
		return;
	if (place)
		*place = (struct nd_server){ *addr, until_us(st, lifetime_s) };
	else
		stat_count(st, STAT_ND_DROP_DNS_FULL);
}

static void learn_domain(struct stack *st, struct nd_link *nd, const char *name, uint32_t lifetime_s)
{
	struct nd_domain *place = NULL;

	for (unsigned i = 0; i < ND_DOMAINS_MAX; i++) {
		struct nd_domain *d = &nd->domains[i];

		if (!is_free(st, d->until_us) && strcmp(d->name, name) == 0) {
			d->until_us = until_us(st, lifetime_s);
			return;
		}
		if (!place && is_free(st, d->until_us))
			place = d;
	}
	if (lifetime_s == 0)
		return;
	if (!place) {
		stat_count(st, STAT_ND_DROP_DNS_FULL);
		return;
	}
	memcpy(place->name, name, strlen(name) + 1);
	place->until_us = until_us(st, lifetime_s);
}

static void learn_dns_option(struct stack *st, struct link *l, struct nd_opt *o)
{
	char domain[ND_DOMAIN_MAX];
	struct ip_addr server;
	uint32_t lifetime_s;

	if (!nd_parse_dns_lifetime(o, &lifetime_s)) {
		stat_count(st, STAT_ND_DROP_OPTION);
		return;
	}
	if (o->type == ND_OPTION_RDNSS)
		while (nd_next_server(o, &server))
			learn_server(st, &l->nd, &server, lifetime_s);
	else
		while (nd_next_domain(o, domain))
			learn_domain(st, &l->nd, domain, lifetime_s);
	if (!wire_rd_ok(&o->body))
		stat_count(st, STAT_ND_DROP_OPTION);
}

static uint32_t dns_left_s(struct stack *st, uint64_t end_us)
{
	return end_us == UINT64_MAX ? LIFETIME_FOREVER : (uint32_t)((end_us - st->now_us) / 1000000);
}

static bool each_of_link(struct stack *st, const struct link *l, bool (*fn)(void *ctx, const struct dns_info *), void *ctx)
{
	for (unsigned i = 0; i < ND_SERVERS_MAX; i++) {
		const struct nd_server *s = &l->nd.servers[i];
		struct dns_info info = { .ifindex = l->ifindex, .server = s->addr, .lifetime_s = dns_left_s(st, s->until_us) };

		if (!is_free(st, s->until_us) && !fn(ctx, &info))
			return false;
	}
	for (unsigned i = 0; i < ND_DOMAINS_MAX; i++) {
		const struct nd_domain *d = &l->nd.domains[i];
		struct dns_info info = { .ifindex = l->ifindex, .domain = d->name, .lifetime_s = dns_left_s(st, d->until_us) };

		if (!is_free(st, d->until_us) && !fn(ctx, &info))
			return false;
	}
	return true;
}

void stack_each_dns(struct stack *st, bool (*fn)(void *ctx, const struct dns_info *), void *ctx)
{
	for (uint32_t i = 0; i < st->links.count; i++)
		if (!each_of_link(st, st->links.links[i], fn, ctx))
			return;
}

/* ---- Advertisements (RFC 4861 sections 6.1.2, 6.3.4) ---- */

static void learn_option(struct stack *st, struct link *l, const struct ip_addr *router, struct nd_opt *o)
{
	switch (o->type) {
	case ND_OPTION_PREFIX:
		learn_prefix_option(st, l, router, o);
		break;
	case ND_OPTION_MTU:
		learn_mtu(st, l, o);
		break;
	case ND_OPTION_ROUTE:
		learn_route_option(st, l, router, o);
		break;
	case ND_OPTION_RDNSS:
	case ND_OPTION_DNSSL:
		learn_dns_option(st, l, o);
		break;
	}
}

static void learn_parameters(struct stack *st, struct link *l, uint8_t hop_limit, uint8_t flags, uint32_t reachable_ms,
			     uint32_t retrans_ms)
{
	struct nd_link *nd = &l->nd;

	nd->has_advertisement = true;
	nd->is_managed = flags & RA_MANAGED;
	nd->is_other = flags & RA_OTHER;
	if (hop_limit != 0 && hop_limit >= st->tunables.accept_ra_min_hop_limit)
		nd->hop_limit = hop_limit;
	if (reachable_ms != 0)
		nd->reachable_ms = clamp(reachable_ms, 1000, REACHABLE_MS_MAX);
	if (retrans_ms != 0)
		nd->retrans_ms = clamp(retrans_ms, RETRANS_MS_MIN, RETRANS_MS_MAX);
}

void nd_router_advertisement(struct stack *st, struct link *l, const struct frame *f, const struct ip_rx *rx)
{
	struct wire_rd r = wire_rd_over(f->data, f->len);
	uint8_t code, hop_limit, flags;
	uint32_t reachable_ms, retrans_ms;
	uint16_t lifetime_s;
	const uint8_t *mac;
	struct nd_opt o;

	wire_rd_skip(&r, 1);
	code = wire_rd_u8(&r);
	wire_rd_skip(&r, 2);
	hop_limit = wire_rd_u8(&r);
	flags = wire_rd_u8(&r);
	lifetime_s = wire_rd_u16(&r);
	reachable_ms = wire_rd_u32(&r);
	retrans_ms = wire_rd_u32(&r);
	if (!wire_rd_ok(&r) || code != 0 || !nd_opts_are_whole(r)) {
		stat_drop(st, STAT_ND_DROP_FORMAT);
		return;
	}
	if (!ip_addr_is_linklocal(&rx->src) || ip_is_local(st, &rx->src)) {
		stat_drop(st, STAT_ND_DROP_SOURCE);
		return;
	}
	if (!st->tunables.accept_ra) {
		stat_drop(st, STAT_ND_DROP_TYPE);
		return;
	}
	stat_count(st, STAT_ND_ADVERTISEMENTS);
	if (!nd_find_link_addr(r, ND_OPTION_SOURCE_LINK_ADDR, &mac))
		stat_count(st, STAT_ND_DROP_OPTION);
	if (mac)
		neigh_learn(st, l, &rx->src, mac);
	neigh_set_router(st, &rx->src, l->ifindex, true);
	learn_parameters(st, l, hop_limit, flags, reachable_ms, retrans_ms);
	learn_router(st, l, &rx->src, lifetime_s, flags);
	while (nd_opt_next(&r, &o))
		learn_option(st, l, &rx->src, &o);
	dhcp6_on_advertisement(st, l->ifindex, l->nd.is_managed, l->nd.is_other);
}

/* Whether the route is a router's word about a way through @router. */
void nd_router_gone(struct stack *st, struct link *l, const struct ip_addr *router)
{
	route_remove_through(st, l->ifindex, router);
	stat_count(st, STAT_ND_ROUTERS_GONE);
}

/* ---- Redirects (RFC 4861 sections 8.1, 8.3) ---- */

struct redirect {
	struct ip_addr target, dst;
	struct ip_addr src; /* of the packet that it is about, if it quotes one; else the wildcard */
};

/* The source of the redirected packet (RFC 4861 section 4.6.3): the first hop may depend on it (RFC 8028). */
static struct ip_addr redirected_source(struct wire_rd r)
{
	struct ip_addr src = ip6_addr_any;
	struct nd_opt o;

	while (nd_opt_next(&r, &o))
		if (o.type == ND_OPTION_REDIRECTED && o.units >= 6) {
			wire_rd_skip(&o.body, 6 + 8); /* reserved; the header up to its source */
			wire_rd_copy(&o.body, src.b, 16);
		}
	return src;
}

static bool parse_redirect(struct wire_rd *r, struct redirect *red)
{
	uint8_t code;

	wire_rd_skip(r, 1);
	code = wire_rd_u8(r);
	wire_rd_skip(r, 6);
	wire_rd_copy(r, red->target.b, 16);
	wire_rd_copy(r, red->dst.b, 16);
	red->src = redirected_source(*r);
	return wire_rd_ok(r) && code == 0 && nd_opts_are_whole(*r) && !ip_addr_is_multicast(&red->dst) &&
	       !ip_addr_is_any(&red->dst) && !ip_addr_is4(&red->dst) && !ip_addr_is_loopback(&red->dst) &&
	       (ip_addr_is_linklocal(&red->target) || ip_addr_eq(&red->target, &red->dst));
}

static void follow(struct stack *st, struct link *l, const struct ip_rx *rx, const struct redirect *red, const uint8_t *mac)
{
	if (!ip_addr_is_linklocal(&rx->src) || !redirect_follow(st, l->ifindex, &rx->src, &red->src, &red->dst, &red->target)) {
		stat_drop(st, STAT_ND_DROP_SOURCE);
		return;
	}
	if (mac)
		neigh_learn(st, l, &red->target, mac);
	if (!ip_addr_eq(&red->target, &red->dst))
		neigh_set_router(st, &red->target, l->ifindex, true);
}

void nd_redirect(struct stack *st, struct link *l, const struct frame *f, const struct ip_rx *rx)
{
	struct wire_rd r = wire_rd_over(f->data, f->len);
	struct redirect red;
	const uint8_t *mac;

	if (!parse_redirect(&r, &red) || !nd_find_link_addr(r, ND_OPTION_TARGET_LINK_ADDR, &mac))
		stat_drop(st, STAT_ND_DROP_FORMAT);
	else if (!st->tunables.accept_redirects || rx->is_multicast)
		stat_drop(st, STAT_ND_DROP_TYPE);
	else
		follow(st, l, rx, &red, mac);
}
