/* SPDX-License-Identifier: BSD-2-Clause */
#include "nd.h"

#include "addr_select.h"
#include "core.h"
#include "eth.h"
#include "icmp6.h"
#include "mld.h"
#include "nd_opt.h"
#include "nd_router.h"
#include "wire.h"

enum { ND_HOP_LIMIT = 255, ND_FIXED_LEN = 24, RS_FIXED_LEN = 8, OPTION_LEN = 8 };
enum { FLAG_ROUTER = 0x80, FLAG_SOLICITED = 0x40, FLAG_OVERRIDE = 0x20 };
enum { CONFLICT_LOG_US = 10000000 }; /* between two lines about one address */
enum { DAD_DELAY_MAX_US = 1000000 }; /* MAX_RTR_SOLICITATION_DELAY, RFC 4862 section 5.4.2 */
enum { MAX_MULTICAST_SOLICIT = 3, LOOPED_ROUNDS_MAX = 3 }; /* RFC 4861 section 10; ours */

struct nd_msg {
	uint8_t type, flags;
	struct ip_addr target;
	const uint8_t *link_addr; /* of the option that belongs to the type; NULL: none */
	const uint8_t *nonce;	  /* NULL: none */
};

/* The solicited-node group of @a (RFC 4291 section 2.7.1). */
static struct ip_addr solicited_node(const struct ip_addr *a)
{
	struct ip_addr g = { { 0xff, 0x02, [11] = 0x01, [12] = 0xff } };

	memcpy(g.b + 13, a->b + 13, 3);
	return g;
}

/* ---- Out ---- */

static void put_option(struct wire_wr *w, enum nd_opt_type type, const uint8_t body[6])
{
	wire_wr_u8(w, (uint8_t)type);
	wire_wr_u8(w, 1);
	wire_wr_bytes(w, body, 6);
}

static void send(struct stack *st, struct link *l, const struct ip_addr *src, const struct ip_addr *dst,
		 const struct nd_msg *m, enum nd_opt_type option)
{
	struct ip_tx tx = { .src = *src, .dst = *dst, .proto = IPPROTO_NR_ICMP6, .ttl = ND_HOP_LIMIT, .csum_offset = 2 };
	struct ip_dst d = { .src = *src, .next_hop = *dst, .ifindex = l->ifindex, .mtu = l->config.mtu };
	bool has_target = m->type != ICMP6_ROUTER_SOLICITATION;
	uint32_t len = (has_target ? ND_FIXED_LEN : RS_FIXED_LEN) + (m->link_addr ? OPTION_LEN : 0) + (m->nonce ? OPTION_LEN : 0);
	struct frame *f = link_has_ip6(l) ? frame_alloc(&st->frames, len) : NULL;
	struct wire_wr w;

	if (!f)
		return;
	w = wire_wr_over(frame_put(f, len), len);
	wire_wr_u8(&w, m->type);
	wire_wr_u8(&w, 0);
	wire_wr_u16(&w, 0);
	wire_wr_u32(&w, (uint32_t)m->flags << 24);
	if (has_target)
		wire_wr_bytes(&w, m->target.b, 16);
	if (m->link_addr)
		put_option(&w, option, m->link_addr);
	if (m->nonce)
		put_option(&w, ND_OPTION_NONCE, m->nonce);
	stat_count(st, STAT_ND_OUT);
	d.is_multicast = ip_addr_is_multicast(dst);
	if (!d.is_multicast)
		neigh_attach(st, &d);
	ip_output(st, f, &tx, &d);
}

void nd_send_solicitation(struct stack *st, struct link *l, const struct ip_addr *src, const struct ip_addr *target,
			  const uint8_t *mac)
{
	struct nd_msg m = { .type = ICMP6_NEIGHBOR_SOLICITATION, .target = *target, .link_addr = l->config.mac };
	struct ip_addr group = solicited_node(target);

	send(st, l, src, mac ? target : &group, &m, ND_OPTION_SOURCE_LINK_ADDR);
}

/* Another one for each (RFC 7527 section 4.1); an older one may still come back. */
static const uint8_t *new_nonce(struct if_addr *a)
{
	uint64_t v = rng_u64(&a->st->rng);
	uint8_t *nonce = a->nonces[a->probes_sent % DAD_NONCES];

	memcpy(nonce, &v, sizeof(a->nonces[0]));
	return nonce;
}

static void send_dad_solicitation(struct if_addr *a, struct link *l)
{
	struct nd_msg m = { .type = ICMP6_NEIGHBOR_SOLICITATION, .target = a->prefix.addr };
	struct ip_addr group = solicited_node(&a->prefix.addr);

	if (a->st->tunables.enhanced_dad)
		m.nonce = new_nonce(a);
	send(a->st, l, &ip6_addr_any, &group, &m, ND_OPTION_SOURCE_LINK_ADDR);
}

void nd_send_router_solicitation(struct stack *st, struct link *l, const struct ip_addr *all_routers)
{
	struct nd_msg m = { .type = ICMP6_ROUTER_SOLICITATION };
	const struct if_addr *a = addr_linklocal(st, l->ifindex);
	struct ip_addr src = a && if_addr_is_usable(a) ? a->prefix.addr : ip6_addr_any;

	if (a && a->state == IF_ADDR_ASSIGNED) /* not before: RFC 4429 section 3.2 */
		m.link_addr = l->config.mac;
	send(st, l, &src, all_routers, &m, ND_OPTION_SOURCE_LINK_ADDR);
}

static const struct ip_addr all_nodes = { { 0xff, 0x02, [15] = 1 } }, all_routers = { { 0xff, 0x02, [15] = 2 } };

static void send_advertisement(struct stack *st, struct link *l, const struct if_addr *own, const struct ip_addr *to,
			       bool solicited, bool override)
{
	struct nd_msg m = {
		.type = ICMP6_NEIGHBOR_ADVERTISEMENT,
		.target = own->prefix.addr,
		.link_addr = l->config.mac,
	};

	/* While it may still be another's, our claim must not replace theirs (RFC 4429 section 3.3). */
	m.flags = override && own->state == IF_ADDR_ASSIGNED ? FLAG_OVERRIDE : 0;
	if (solicited)
		m.flags |= FLAG_SOLICITED;
	send(st, l, &own->prefix.addr, to, &m, ND_OPTION_TARGET_LINK_ADDR);
}

/* RFC 9131 section 5.1: routers get to know a new address before they have packets for it. Once when it is taken into use, once when it
 * is known to be ours. */
static void announce(const struct if_addr *a, struct link *l)
{
	if (a->st->tunables.ndisc_notify && if_addr_is_usable(a) && addr_scope(&a->prefix.addr) == ADDR_SCOPE_GLOBAL)
		send_advertisement(a->st, l, a, &all_routers, false, false);
}

/* ---- In ---- */

static bool parse(const struct frame *f, struct nd_msg *m)
{
	struct wire_rd r = wire_rd_over(f->data, f->len);
	uint8_t code;

	m->type = wire_rd_u8(&r);
	code = wire_rd_u8(&r);
	wire_rd_skip(&r, 2);
	m->flags = wire_rd_u8(&r);
	wire_rd_skip(&r, 3);
	wire_rd_copy(&r, m->target.b, 16);
	if (!wire_rd_ok(&r) || code != 0 || ip_addr_is_multicast(&m->target) || ip_addr_is4(&m->target))
		return false;
	m->nonce = nd_find_nonce(r);
	return nd_find_link_addr(r, m->type == ICMP6_NEIGHBOR_SOLICITATION ? ND_OPTION_SOURCE_LINK_ADDR : ND_OPTION_TARGET_LINK_ADDR,
				 &m->link_addr);
}

static bool is_own_mac(const struct link *l, const uint8_t *mac)
{
	return mac && memcmp(mac, l->config.mac, 6) == 0;
}

/* Another host is checking, or has, an address that we are checking (RFC 4862 sections 5.4.3, 5.4.4). One that we have is
 * defended by the answer it gets. */
static void on_conflict(struct stack *st, struct if_addr *own, const uint8_t *mac)
{
	static const uint8_t unknown[6];
	const uint8_t *m = mac ? mac : unknown;
	char text[IP_ADDR_TEXT_MAX];

	stat_drop(st, STAT_ND_CONFLICTS);
	if (if_addr_is_checked_now(own)) {
		addr_set_duplicate(own);
		return;
	}
	if (own->state != IF_ADDR_ASSIGNED || (own->defended_us != 0 && st->now_us - own->defended_us < CONFLICT_LOG_US))
		return;
	own->defended_us = st->now_us;
	stack_log(st, STACK_LOG_WARNING, "nd.conflict addr=%s ifindex=%u mac=%02x:%02x:%02x:%02x:%02x:%02x action=kept",
		  ip_addr_print(&own->prefix.addr, text), own->ifindex, m[0], m[1], m[2], m[3], m[4], m[5]);
}

/* RFC 7527 section 4.2: one of our own solicitations, come back. */
static bool is_own_nonce(const struct if_addr *a, const uint8_t *nonce)
{
	unsigned known = a->probes_sent < DAD_NONCES ? a->probes_sent : DAD_NONCES;

	for (unsigned i = 0; nonce && i < known; i++)
		if (memcmp(nonce, a->nonces[i], sizeof(a->nonces[i])) == 0)
			return true;
	return false;
}

static void on_loop(struct stack *st, struct if_addr *a)
{
	char text[IP_ADDR_TEXT_MAX];

	stat_drop(st, STAT_ND_DAD_LOOPED);
	if (if_addr_is_checked_now(a) && !a->is_looped && a->probes_sent <= a->st->tunables.dad_transmits)
		stack_log(st, STACK_LOG_NOTICE, "nd.dad_looped addr=%s ifindex=%u", ip_addr_print(&a->prefix.addr, text), a->ifindex);
	a->is_looped = true;
}

/* RFC 4861 sections 7.1.1, 7.2.3, 7.2.4 */
static void input_solicitation(struct stack *st, struct link *l, const struct ip_rx *rx, const struct nd_msg *m)
{
	struct if_addr *own = addr_find(st, &m->target, l->ifindex);
	bool is_dad = ip_addr_is_any(&rx->src);
	struct ip_addr group = solicited_node(&m->target);

	if (is_dad && (m->link_addr || !ip_addr_eq(&rx->dst, &group))) {
		stat_drop(st, STAT_ND_DROP_SOURCE);
		return;
	}
	/* Nobody asks us from our own address, or link address. */
	if (!is_dad && (ip_is_local(st, &rx->src) || is_own_mac(l, m->link_addr))) {
		stat_drop(st, STAT_ND_DROP_SOURCE);
		return;
	}
	if (!own || own->state == IF_ADDR_DUPLICATE) {
		stat_drop(st, STAT_ND_DROP_TARGET);
		return;
	}
	if (is_dad && is_own_nonce(own, m->nonce)) {
		on_loop(st, own);
		return;
	}
	if (is_dad && if_addr_is_checked_now(own)) {
		on_conflict(st, own, NULL);
		return;
	}
	if (own->state == IF_ADDR_TENTATIVE) { /* RFC 4862 section 5.4.3 */
		stat_drop(st, STAT_ND_DROP_TARGET);
		return;
	}
	if (!is_dad && m->link_addr)
		neigh_learn(st, l, &rx->src, m->link_addr);
	send_advertisement(st, l, own, is_dad ? &all_nodes : &rx->src, !is_dad, true);
}

/* RFC 4861 sections 7.1.2, 7.2.5 */
static void input_advertisement(struct stack *st, struct link *l, const struct ip_rx *rx, const struct nd_msg *m)
{
	struct if_addr *own = addr_find(st, &m->target, l->ifindex);
	struct neigh *n;

	if (own && own->state == IF_ADDR_DUPLICATE) /* a neighbour's, which we may talk to like any other */
		own = NULL;
	if (ip_addr_is_multicast(&rx->dst) && (m->flags & FLAG_SOLICITED)) {
		stat_drop(st, STAT_ND_DROP_SOURCE);
		return;
	}
	if (is_own_mac(l, m->link_addr) && !(own && if_addr_is_checked_now(own))) { /* our own, come back */
		stat_drop(st, STAT_ND_DROP_SOURCE);
		return;
	}
	if (own) {
		on_conflict(st, own, m->link_addr);
		return;
	}
	n = neigh_find(st, &m->target, l->ifindex);
	if (!n || !neigh_awaits_advertisement(n)) {
		stat_drop(st, STAT_ND_DROP_UNSOLICITED);
		return;
	}
	if (neigh_update(st, n, m->link_addr, m->flags & FLAG_SOLICITED, m->flags & FLAG_OVERRIDE))
		neigh_set_router(st, &m->target, l->ifindex, m->flags & FLAG_ROUTER);
}

static void input_neighbor_message(struct stack *st, struct link *l, struct frame *f, const struct ip_rx *rx)
{
	struct nd_msg m;

	if (!parse(f, &m))
		stat_drop(st, STAT_ND_DROP_FORMAT);
	else if (m.type == ICMP6_NEIGHBOR_SOLICITATION)
		input_solicitation(st, l, rx, &m);
	else
		input_advertisement(st, l, rx, &m);
}

void nd_input(struct stack *st, struct frame *f, const struct ip_rx *rx)
{
	struct link *l = link_by_ifindex(st, rx->ifindex);

	stat_count(st, STAT_ND_IN);
	if (rx->ttl != ND_HOP_LIMIT) {
		stat_drop(st, STAT_ND_DROP_HOP_LIMIT);
		return;
	}
	if (rx->was_fragmented) { /* RFC 6980 section 5 */
		stat_drop(st, STAT_ND_DROP_FRAGMENT);
		return;
	}
	if (l->config.kind != LINK_ETHERNET) {
		stat_drop(st, STAT_ND_DROP_FORMAT);
		return;
	}
	switch (f->data[0]) {
	case ICMP6_ROUTER_SOLICITATION: /* for routers */
		stat_drop(st, STAT_ND_DROP_TYPE);
		return;
	case ICMP6_ROUTER_ADVERTISEMENT:
		nd_router_advertisement(st, l, f, rx);
		return;
	case ICMP6_REDIRECT:
		nd_redirect(st, l, f, rx);
		return;
	}
	input_neighbor_message(st, l, f, rx);
}

/* ---- Our own addresses ---- */

/* Nobody objected. */
static void on_dad_done(struct if_addr *a, struct link *l)
{
	bool was_in_use = a->state == IF_ADDR_OPTIMISTIC;

	a->state = IF_ADDR_ASSIGNED;
	a->st->route_generation++;
	announce(a, l);
	neigh_on_source(a->st, l->ifindex);
	if (ip_addr_is_linklocal(&a->prefix.addr))
		mld_on_linklocal(l);
	if (a->origin == NET_LINKLOCAL && !was_in_use)
		nd_router_solicit(l, a->probes_sent > 0);
}

static void on_dad_timer(struct timer *t, uint64_t now_us)
{
	struct if_addr *a = container_of(t, struct if_addr, timer);
	struct link *l = link_by_ifindex(a->st, a->ifindex);

	if (a->probes_left == 0 && (!a->is_looped || a->probes_sent >= a->st->tunables.dad_transmits + LOOPED_ROUNDS_MAX * MAX_MULTICAST_SOLICIT)) {
		on_dad_done(a, l);
		return;
	}
	/* RFC 7527 section 4.1: a network that sends our own question back, as some do while they come up, may have kept it from others. One that
	 * still does ten seconds later always will; the RFC would have us go on until somebody intervenes. */
	if (a->probes_left == 0) {
		a->probes_left = MAX_MULTICAST_SOLICIT;
		a->is_looped = false;
	}
	/* RFC 4862 section 5.4.2: a switch that snoops must know of the group before anything is asked there. */
	if (a->probes_sent == 0)
		mcast_report_flush(&l->mld);
	send_dad_solicitation(a, l);
	a->probes_sent++;
	a->probes_left--;
	timer_set(&a->st->wheel, t, now_us + nd_retrans_ms(a->st, l) * 1000ULL);
}

/* @report_at_us: at the latest; the first solicitation brings it forward. */
static void join_group(struct if_addr *a, uint64_t report_at_us)
{
	struct ip_addr group = solicited_node(&a->prefix.addr);

	if (!a->in_group)
		a->in_group = mcast_join_own(a->st, link_by_ifindex(a->st, a->ifindex), &group, report_at_us) == 0;
}

void nd_leave_group(struct if_addr *a)
{
	struct ip_addr group = solicited_node(&a->prefix.addr);

	if (a->in_group)
		mcast_leave_own(a->st, link_by_ifindex(a->st, a->ifindex), &group);
	a->in_group = false;
}

/* Before the check is over: what is used already, what somebody set, who will have seen to it that it is nobody else's, and all if that was
 * asked for. Others wait (RFC 4862 section 5.4). */
static bool is_used_meanwhile(const struct if_addr *a, bool was_used)
{
	const struct tunables *t = &a->st->tunables;

	return was_used || t->optimistic_dad || (a->origin == NET_STATIC && t->optimistic_static);
}

void nd_dad_start(struct if_addr *a, bool was_used)
{
	struct link *l = link_by_ifindex(a->st, a->ifindex);
	bool is_checked = a->st->tunables.dad_transmits > 0 && !a->no_dad;
	uint64_t at_us = a->st->now_us + (is_checked ? rng_below(&a->st->rng, DAD_DELAY_MAX_US) : 0);

	join_group(a, at_us);
	if (!is_checked) {
		on_dad_done(a, l);
		return;
	}
	a->probes_left = (uint8_t)a->st->tunables.dad_transmits;
	a->is_looped = false;
	a->state = is_used_meanwhile(a, was_used) ? IF_ADDR_OPTIMISTIC : IF_ADDR_TENTATIVE;
	timer_cancel(&a->timer);
	timer_init(&a->timer, on_dad_timer);
	if (l->is_down) /* there is nobody to ask; that comes with the link (addr_recheck_link()) */
		return;
	timer_set(&a->st->wheel, &a->timer, at_us);
	announce(a, l);
	if (a->origin == NET_LINKLOCAL && a->state == IF_ADDR_OPTIMISTIC)
		nd_router_solicit(l, false);
}

/* RFC 4862 section 5.4.5: the address comes from the MAC, so the MAC is another's too, most likely. */
void nd_disable(struct stack *st, struct link *l)
{
	l->is_ip6_off = true;
	st->route_generation++;
	nd_router_stop(l);
	stack_log(st, STACK_LOG_WARNING, "link.ip6_off name=%s ifindex=%u why=duplicate_linklocal", l->config.name, l->ifindex);
}

void nd_add_linklocal(struct stack *st, struct link *l)
{
	const uint8_t *m = l->config.mac;
	struct addr_config c = {
		.ifindex = l->ifindex,
		.prefix = { { { 0xfe, 0x80, [8] = m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5] } }, 64 },
		.origin = NET_LINKLOCAL,
		.valid_s = LIFETIME_FOREVER,
		.preferred_s = LIFETIME_FOREVER,
	};

	addr_add(st, &c);
}
