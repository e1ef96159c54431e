/* SPDX-License-Identifier: BSD-2-Clause */
/* ip.c - the way down, for both families: finding the route, completing the transport's checksum, choosing between sending,
 * fragmenting and looping back. */
#include "ip.h"

#include <errno.h>

#include "checksum.h"
#include "core.h"
#include "eth.h"
#include "ip4.h"
#include "ip6.h"
#include "ip6_txopt.h"
#include "ip_frag.h"
#include "nd_router.h"
#include "offload.h"
#include "wire.h"

enum { IP_TOTAL_LEN_MAX = 65535, LINK_HDR_ROOM = 32, UPPER_HDR_LEN = 20 };

/* ---- Routes ---- */

bool ip_is_local(struct stack *st, const struct ip_addr *a)
{
	const struct if_addr *e = addr_find(st, a, 0);

	return e ? if_addr_is_usable(e) : ip_addr_is4(a) && ip_addr_is_loopback(a);
}

int ip_check_bind(struct stack *st, const struct ip_addr *a, uint32_t scope_id)
{
	const struct if_addr *e;

	if (ip_addr_is_any(a) || ip_addr_is_multicast(a) || ip_addr_is_broadcast(a) ||
	    addr_is_directed_broadcast(st, a, 0, false, NULL))
		return 0;
	e = addr_find(st, a, scope_id);
	if (e ? if_addr_is_usable(e) : ip_addr_is4(a) && ip_addr_is_loopback(a))
		return 0;
	return -EADDRNOTAVAIL;
}

static bool is_ip6_linklocal(const struct ip_addr *a)
{
	return !ip_addr_is4(a) && ip_addr_is_linklocal(a);
}

/* The link on which a link-local address is looked for; 0: any. */
static uint32_t linklocal_zone(uint32_t ifindex)
{
	return ifindex == LINK_LOOPBACK_IFINDEX ? 0 : ifindex;
}

/* Another link's link-local address is another host's (RFC 4007 section 6). */
static bool is_local_on(struct stack *st, const struct ip_addr *dst, uint32_t ifindex)
{
	const struct if_addr *e;

	if (!is_ip6_linklocal(dst))
		return ip_is_local(st, dst);
	e = addr_find(st, dst, linklocal_zone(ifindex));
	return e && if_addr_is_usable(e);
}

static void route_local(struct stack *st, const struct ip_addr *dst, struct ip_dst *out)
{
	static const uint8_t loopback4[4] = { 127, 0, 0, 1 };
	struct link *lo = st->links.links[LINK_LOOPBACK_IFINDEX - 1];

	out->ifindex = out->loop_ifindex = LINK_LOOPBACK_IFINDEX;
	out->next_hop = *dst;
	out->mtu = lo->config.mtu;
	out->offloads = lo->config.offloads;
	out->is_local = true;
	/* An own address talks to itself; 127.x to 127.0.0.1. */
	if (ip_addr_is_any(&out->src))
		out->src = ip_addr_is4(dst) && ip_addr_is_loopback(dst) ? ip_addr_from4(loopback4) : *dst;
}

uint32_t ip_link_for_group(struct stack *st, const struct ip_addr *dst, const struct ip_addr *src, uint32_t ifindex)
{
	const struct if_addr *e = ip_addr_is_any(src) ? NULL : addr_find(st, src, 0);
	const struct route *r;

	if (ifindex != 0)
		return ifindex;
	if (e)
		return e->ifindex;
	r = route_lookup(st, dst, src, 0);
	if (r && route_refusal(r) == 0)
		return r->config.ifindex;
	return st->links.count > 1 ? 2 : 0;
}

/* The link, the next hop, and what the route says of source and MTU. 0, -ENETUNREACH, or what a route that refuses says. */
static int route_out(struct stack *st, const struct ip_addr *dst, uint32_t ifindex, struct ip_dst *out)
{
	uint32_t broadcast_ifindex;

	out->next_hop = *dst;
	out->is_multicast = ip_addr_is_multicast(dst);
	out->is_broadcast = ip_addr_is_broadcast(dst);
	if (out->is_multicast || out->is_broadcast) {
		out->ifindex = ip_link_for_group(st, dst, &out->src, ifindex);
	} else if (addr_is_directed_broadcast(st, dst, ifindex, false, &broadcast_ifindex)) {
		out->is_broadcast = true;
		out->ifindex = broadcast_ifindex;
	} else {
		const struct route *r = route_choose(st, dst, &out->src, ifindex);

		if (!r)
			return -ENETUNREACH;
		if (route_refusal(r) < 0)
			return route_refusal(r);
		if (ip_addr_is_any(&out->src) && !ip_addr_is_any(&r->config.src) && ip_is_local(st, &r->config.src))
			out->src = r->config.src;
		out->route_mtu = r->config.mtu;
		out->ifindex = r->config.ifindex;
		if (!ip_addr_is_any(&r->config.gateway))
			out->next_hop = r->config.gateway;
		out->is_gatewayed = !ip_addr_is_any(&r->config.gateway);
	}
	return out->ifindex == 0 ? -ENETUNREACH : 0;
}

/* A socket may be bound to a group or broadcast address, from which nothing is sent. */
static bool may_be_source(struct stack *st, const struct ip_addr *a)
{
	return !ip_addr_is_multicast(a) && !ip_addr_is_broadcast(a) && !addr_is_directed_broadcast(st, a, 0, false, NULL);
}

/* A group on the loopback: whoever joined it there hears it, nobody else. */
static void route_group_local(struct stack *st, const struct ip_addr *dst, struct ip_dst *out)
{
	static const uint8_t loopback6[16] = { [15] = 1 };
	bool had_source = !ip_addr_is_any(&out->src);

	route_local(st, dst, out);
	out->is_multicast = true;
	if (!had_source)
		out->src = ip_addr_is4(dst) ? ip_addr_from4((const uint8_t[4]){ 127, 0, 0, 1 }) : ip_addr_from6(loopback6);
}

int ip_route(struct stack *st, const struct ip_addr *dst, const struct ip_addr *src, uint32_t ifindex, struct ip_dst *out)
{
	struct ip_dst d = { .src = src && may_be_source(st, src) ? *src : ip_addr_any(ip_addr_family(dst)) };
	const struct if_addr *source;
	struct link *l;
	int err;

	if (ip_addr_is_any(dst))
		return -ENETUNREACH;
	if (!ip_addr_is_any(&d.src) && !ip_is_local(st, &d.src))
		return -EADDRNOTAVAIL;
	d.generation = st->route_generation;
	if (is_local_on(st, dst, ifindex)) {
		route_local(st, dst, &d);
		if (is_ip6_linklocal(dst)) /* it keeps its link inside, too: sockets are bound to it, and peers are told of it */
			d.loop_ifindex = addr_find(st, dst, linklocal_zone(ifindex))->ifindex;
		*out = d;
		return 0;
	}
	if (ip_addr_is_multicast(dst) && ip_link_for_group(st, dst, &d.src, ifindex) == LINK_LOOPBACK_IFINDEX) {
		route_group_local(st, dst, &d);
		*out = d;
		return 0;
	}
	if (ip_addr_is_loopback(&d.src)) /* must not appear outside the host (RFC 1122 section 3.2.1.3 (g)) */
		return -ENETUNREACH;
	err = route_out(st, dst, ifindex, &d);
	if (err < 0)
		return err;
	l = link_by_ifindex(st, d.ifindex);
	if (!l || l->is_down || l->config.kind == LINK_LOOPBACK || (!ip_addr_is4(dst) && !link_has_ip6(l)))
		return -ENETUNREACH;
	if (ip_addr_is_any(&d.src)) {
		source = addr_select_source(st, dst, &d.next_hop, d.ifindex);
		if (!source)
			return -EADDRNOTAVAIL;
		d.src = source->prefix.addr;
	}
	d.mtu = ip_addr_is4(dst) ? l->config.mtu : nd_mtu(l);
	if (d.route_mtu != 0 && d.route_mtu < d.mtu)
		d.mtu = d.route_mtu;
	d.offloads = l->config.offloads;
	pmtu_apply(st, dst, &d);
	if (l->config.kind == LINK_ETHERNET && !d.is_multicast && !d.is_broadcast)
		neigh_attach(st, &d);
	*out = d;
	return 0;
}

int stack_find_route(struct stack *st, const struct ip_addr *dst, const struct ip_addr *src, uint32_t ifindex,
		     struct route_found *found, uint64_t now_us)
{
	struct ip_dst d;
	int err;

	st->now_us = now_us;
	err = ip_route(st, dst, src, ifindex, &d);
	if (err == 0)
		*found = (struct route_found){ d.src, d.next_hop, d.ifindex, d.mtu, d.is_local, d.is_broadcast };
	return err;
}

uint32_t stack_generation(const struct stack *st)
{
	return st->route_generation;
}

bool ip_dst_is_stale(const struct stack *st, const struct ip_dst *d)
{
	return d->generation != st->route_generation || d->ifindex == 0 ||
	       (d->neigh && d->neigh->serial != d->neigh_serial);
}

void ip_dst_confirm(struct stack *st, const struct ip_dst *d)
{
	if (d->neigh && d->neigh->serial == d->neigh_serial)
		neigh_confirm(st, d->neigh);
}

/* ---- Checksums ---- */

bool ip_csum_is_ok(const struct frame *f, const struct ip_rx *rx)
{
	uint16_t sum;

	if (f->off.csum != FRAME_CSUM_NONE)
		return true;
	sum = checksum_pseudo(&rx->src, &rx->dst, rx->proto, f->len);
	return checksum_add(sum, f->data, f->len) == 0xffff;
}

void ip_csum_complete(struct frame *f)
{
	offload_complete_csum(f);
}

/* The pseudo-header's partial sum, from that of its addresses. */
static uint16_t pseudo_sum(uint16_t addr_sum, uint8_t proto, uint32_t l4_len)
{
	uint16_t sum = checksum_combine(addr_sum, proto);

	sum = checksum_combine(sum, (uint16_t)(l4_len >> 16));
	return checksum_combine(sum, (uint16_t)l4_len);
}

static uint16_t addr_sum_of(const struct ip_tx *tx, bool is4)
{
	if (is4)
		return ip4_addr_sum(tx);
	return checksum_add(checksum_add(0, tx->src.b, 16), tx->dst.b, 16);
}

/* ---- Whole frames ---- */

int ip_send_packet(struct stack *st, struct frame *f, const struct ip_dst *d)
{
	struct link *l = link_by_ifindex(st, d->ifindex);

	if (d->is_local)
		return link_loop(st, f, d->loop_ifindex);
	f->ifindex = l->ifindex;
	if (l->config.kind == LINK_ETHERNET)
		return eth_output_ip(st, l, f, d);
	return link_enqueue(st, l, f);
}

/* What ip_output() finds out before it touches the frame. */
struct plan {
	struct ip_tx tx;
	bool is4;
	uint32_t hdr_len, l4_len;
	bool is_gso;	   /* leaves as a super-segment */
	bool is_fragmented;
	uint16_t addr_sum;
};

/* All headers must be in the first fragment (RFC 7112 section 5). */
static bool fits_first_fragment(const struct plan *p, uint32_t mtu)
{
	return !p->tx.ext || p->hdr_len + IP6_FRAG_HDR_LEN + UPPER_HDR_LEN <= mtu;
}

static int plan_output(struct plan *p, const struct frame *f, const struct ip_tx *tx, const struct ip_dst *d)
{
	uint32_t total_len;

	p->tx = *tx;
	if (ip_addr_is_any(&tx->src))
		p->tx.src = d->src;
	if (d->is_mtu_locked)
		p->tx.dont_fragment = false;
	p->is4 = ip_addr_is4(&tx->dst);
	p->hdr_len = p->is4 ? ip4_hdr_len(tx) : ip6_hdr_len(tx);
	p->l4_len = (uint32_t)frame_packet_len(f);
	p->is_gso = tx->gso != FRAME_GSO_NONE && p->l4_len > (uint32_t)tx->l4_hdr_len + tx->gso_size;
	total_len = p->hdr_len + p->l4_len;
	p->is_fragmented = !p->is_gso && total_len > d->mtu;
	p->addr_sum = addr_sum_of(&p->tx, p->is4);
	if ((p->is4 ? total_len : total_len - IP6_HDR_LEN) > IP_TOTAL_LEN_MAX
	    || (p->is_fragmented && (p->tx.dont_fragment || !fits_first_fragment(p, d->mtu))))
		return -EMSGSIZE;
	return 0;
}

/* Fill the transport's checksum field, or begin it and say where the link must go on. */
static void put_l4_csum(struct frame *f, const struct plan *p, const struct ip_dst *d)
{
	uint16_t sum = pseudo_sum(p->addr_sum, p->tx.proto, p->l4_len);

	f->off = (struct frame_offload){ 0 };
	if (p->is_gso) {
		f->off.gso = p->tx.gso;
		f->off.gso_size = p->tx.gso_size;
		f->off.hdr_len = p->tx.l4_hdr_len;
	}
	if (p->tx.csum_offset < 0)
		return;
	put_be16(f->data + p->tx.csum_offset, sum);
	f->off.csum = FRAME_CSUM_PARTIAL;
	f->off.csum_start = 0;
	f->off.csum_offset = (uint16_t)p->tx.csum_offset;
	if (p->is_fragmented || (!d->is_local && !(d->offloads & LINK_OFFLOAD_CSUM)))
		offload_complete_csum(f);
}

static void push_ip_hdr(struct stack *st, struct frame *f, const struct plan *p)
{
	uint32_t total_len = p->hdr_len + p->l4_len;
	uint8_t *h = offload_push(f, p->hdr_len);

	if (p->is4)
		ip4_write_hdr(h, &p->tx, total_len, p->tx.dont_fragment ? 0 : ip4_next_id(st, &p->tx),
			      p->tx.dont_fragment ? IP4_DF : 0, p->addr_sum);
	else
		ip6_write_hdr(h, &p->tx, total_len, false);
}

/* Extension headers may be longer than the room that a frame has before a transport header: then the frame becomes another one. Takes
 * over the reference. */
static struct frame *with_headroom(struct stack *st, struct frame *f, uint32_t bytes)
{
	struct frame *roomy;

	if (frame_headroom(f) >= bytes)
		return f;
	roomy = bytes + f->len <= FRAME_LARGE_BYTES - FRAME_HEADROOM ? frame_alloc(&st->frames, bytes + f->len) : NULL;
	if (roomy) {
		frame_put(roomy, bytes);
		frame_pull(roomy, bytes);
		memcpy(frame_put(roomy, f->len), f->data, f->len);
		roomy->off = f->off;
		roomy->sock_id = f->sock_id;
	} else {
		stat_count(st, STAT_IP_DROP_NO_MEMORY);
	}
	frame_unref(f);
	return roomy;
}

/* ---- Our own packets to groups and broadcast addresses ---- */

static bool is_heard_here(struct stack *st, const struct ip_dst *d, const struct ip_addr *dst)
{
	if (d->is_local)
		return false;
	return d->is_broadcast || (d->is_multicast && mcast_hears(st, dst, link_by_ifindex(st, d->ifindex)));
}

static struct frame *copy_of(struct stack *st, const struct frame *f)
{
	struct frame *copy = frame_alloc(&st->frames, f->len);

	if (!copy) {
		stat_count(st, STAT_IP_DROP_NO_MEMORY);
		return NULL;
	}
	memcpy(frame_put(copy, f->len), f->data, f->len);
	copy->off = f->off;
	copy->sock_id = f->sock_id;
	return copy;
}

void ip_loop_packet(struct stack *st, const struct frame *f, const struct ip_dst *d, const struct ip_addr *dst)
{
	struct frame *copy = is_heard_here(st, d, dst) ? copy_of(st, f) : NULL;

	if (copy)
		link_loop(st, copy, d->ifindex);
}

/* The window is the transport header and payload; the packet is looped whole, however it goes out. */
static void loop_whole(struct stack *st, const struct frame *f, const struct plan *p, const struct ip_dst *d)
{
	struct frame *copy = is_heard_here(st, d, &p->tx.dst) ? copy_of(st, f) : NULL;

	if (copy)
		copy = with_headroom(st, copy, p->hdr_len);
	if (!copy)
		return;
	push_ip_hdr(st, copy, p);
	link_loop(st, copy, d->ifindex);
}

/* Groups of interface-local scope (RFC 4291 section 2.7), and any with a TTL of zero (RFC 1112 section 6.1). */
static bool stays_here(const struct ip_tx *tx, const struct ip_dst *d)
{
	if (!d->is_multicast || d->is_local)
		return false;
	return tx->ttl == 0 || (!ip_addr_is4(&tx->dst) && (tx->dst.b[1] & 0xf) <= 1);
}

/* The destination options that come last are fragmented with the rest (RFC 8200 section 4.5). */
static int output_fragmented(struct stack *st, struct frame *f, struct plan *p, const struct ip_dst *d)
{
	uint32_t dst_bytes = p->tx.ext ? ip6_txopt_bytes(p->tx.ext->hdr[IP6_TXOPT_DST]) : 0;
	struct ip6_txopts rest;

	if (dst_bytes > 0) {
		p->tx.proto = ip6_txopts_write(p->tx.ext, IP6_TXOPT_DST, IP6_TXOPT_DST, frame_push(f, dst_bytes), &p->tx.dst,
					       p->tx.proto);
		rest = *p->tx.ext;
		rest.hdr[IP6_TXOPT_DST] = NULL;
		p->tx.ext = &rest;
	}
	return ip_output_fragments(st, f, &p->tx, d);
}

int ip_output(struct stack *st, struct frame *f, const struct ip_tx *tx, const struct ip_dst *d)
{
	struct plan p;
	int err = plan_output(&p, f, tx, d);
	if (err < 0) {
		stat_count(st, STAT_IP_DROP_TOO_BIG);
		frame_unref(f);
		return err;
	}
	stat_count(st, p.is4 ? STAT_IP4_OUT : STAT_IP6_OUT);
	if (!p.is4 && f->len >= 4)
		p.tx.flow_label = ip6_flow_label(st, &p.tx, f->data);
	f->sock_id = tx->sock_id;
	f = with_headroom(st, f, p.hdr_len + LINK_HDR_ROOM);
	if (!f)
		return -ENOBUFS;
	put_l4_csum(f, &p, d);
	if (tx->loop)
		loop_whole(st, f, &p, d);
	if (stays_here(&p.tx, d)) {
		frame_unref(f);
		return 0;
	}
	if (p.is_fragmented)
		return output_fragmented(st, f, &p, d);
	push_ip_hdr(st, f, &p);
	return ip_send_packet(st, f, d);
}

/* ---- TCP's way: header and slices ---- */

/* Copy the packet together and send it like any other: it must wait, or stays inside. It has no link header yet. */
static void send_copy(struct stack *st, struct frame_out *out, uint32_t total_len, const struct ip_dst *d)
{
	struct frame *f = frame_alloc(&st->frames, total_len);

	if (!f) {
		stat_count(st, STAT_IP_DROP_NO_MEMORY);
		return;
	}
	for (int i = 0; i < out->iovcnt; i++)
		memcpy(frame_put(f, out->iov[i].iov_len), out->iov[i].iov_base, out->iov[i].iov_len);
	f->off = out->off;
	f->sock_id = out->sock_id;
	ip_send_packet(st, f, d);
}

/* One packet on its way through ip_output_slices(). */
struct slices {
	const struct ip_tx *tx;
	const struct ip_dst *d;
	bool is4, is_gso;
	uint32_t hdr_len, l4_len, total_len;
	uint32_t l2_len; /* bytes of link header, once it is written */
	uint16_t addr_sum;
	uint8_t *l4;
};

static bool slices_plan(struct slices *p, struct frame_out *out, const struct ip_tx *tx, const struct ip_dst *d)
{
	*p = (struct slices){ .tx = tx, .d = d, .is4 = ip_addr_is4(&tx->dst), .l4_len = tx->l4_hdr_len };
	p->hdr_len = p->is4 ? ip4_hdr_len(tx) : ip6_hdr_len(tx);
	p->addr_sum = addr_sum_of(tx, p->is4);
	p->l4 = ip_slices_hdr(out);
	for (int i = 1; i < out->iovcnt; i++)
		p->l4_len += (uint32_t)out->iov[i].iov_len;
	p->total_len = p->hdr_len + p->l4_len;
	p->is_gso = tx->gso != FRAME_GSO_NONE && p->l4_len > (uint32_t)tx->l4_hdr_len + tx->gso_size;
	return (p->total_len <= d->mtu || p->is_gso) && (p->is4 ? p->total_len : p->l4_len) <= IP_TOTAL_LEN_MAX;
}

static void slices_write_ip_hdr(struct stack *st, const struct slices *p)
{
	const struct ip_tx *tx = p->tx;
	uint8_t *h = p->l4 - p->hdr_len;

	if (p->is4) {
		bool df = tx->dont_fragment && !p->d->is_mtu_locked;

		ip4_write_hdr(h, tx, p->total_len, df ? 0 : ip4_next_id(st, tx), df ? IP4_DF : 0, p->addr_sum);
		stat_count(st, STAT_IP4_OUT);
	} else {
		struct ip_tx labelled = *tx;

		labelled.flow_label = ip6_flow_label(st, tx, p->l4);
		ip6_write_hdr(h, &labelled, p->total_len, false);
		stat_count(st, STAT_IP6_OUT);
	}
}

/* The link header, if it needs one and it is known. False: the packet must wait, or stays inside. */
static bool slices_write_link_hdr(struct stack *st, struct slices *p, const struct link *l)
{
	struct neigh *n = p->d->neigh;

	if (p->d->is_local)
		return false;
	if (l->config.kind != LINK_ETHERNET)
		return true;
	if (!n || n->serial != p->d->neigh_serial || !neigh_may_send(st, n))
		return false;
	p->l2_len = ETH_HDR_LEN;
	memcpy(p->l4 - p->hdr_len - ETH_HDR_LEN, n->eth_hdr, ETH_HDR_LEN);
	return true;
}

/* The transport's checksum: begun for a link that completes it, else whole. */
static void slices_write_csum(const struct slices *p, struct frame_out *out)
{
	uint16_t sum = pseudo_sum(p->addr_sum, p->tx->proto, p->l4_len);

	out->off = (struct frame_offload){ 0 };
	if (p->d->offloads & LINK_OFFLOAD_CSUM) {
		out->off.csum = FRAME_CSUM_PARTIAL;
		out->off.csum_start = (uint16_t)(p->l2_len + p->hdr_len);
		out->off.csum_offset = (uint16_t)p->tx->csum_offset;
	} else {
		out->iov[0] = (struct iovec){ p->l4, p->tx->l4_hdr_len };
		sum = checksum_finish(checksum_add_iov(sum, out->iov, out->iovcnt));
	}
	put_be16(p->l4 + p->tx->csum_offset, sum);
	if (p->is_gso) {
		out->off.gso = p->tx->gso;
		out->off.gso_size = p->tx->gso_size;
		out->off.hdr_len = (uint16_t)(p->l2_len + p->hdr_len + p->tx->l4_hdr_len);
	}
}

/* Long extension headers do not fit before the transport's in @out. */
static void output_slices_as_frame(struct stack *st, const struct slices *p, struct frame_out *out)
{
	struct frame *f = frame_alloc(&st->frames, p->l4_len);

	if (!f) {
		stat_count(st, STAT_IP_DROP_NO_MEMORY);
		return;
	}
	memcpy(frame_put(f, p->tx->l4_hdr_len), p->l4, p->tx->l4_hdr_len);
	for (int i = 1; i < out->iovcnt; i++)
		memcpy(frame_put(f, out->iov[i].iov_len), out->iov[i].iov_base, out->iov[i].iov_len);
	ip_output(st, f, p->tx, p->d);
}

bool ip_output_slices(struct stack *st, struct frame_out *out, const struct ip_tx *tx, const struct ip_dst *d)
{
	struct link *l = link_by_ifindex(st, d->ifindex);
	struct slices p;
	bool is_ready;

	if (!slices_plan(&p, out, tx, d)) {
		stat_count(st, STAT_IP_DROP_TOO_BIG);
		return false;
	}
	if (p.hdr_len + LINK_HDR_ROOM > FRAME_HEADROOM) {
		output_slices_as_frame(st, &p, out);
		return false;
	}
	slices_write_ip_hdr(st, &p);
	is_ready = slices_write_link_hdr(st, &p, l);
	slices_write_csum(&p, out);
	out->iov[0] = (struct iovec){ p.l4 - p.hdr_len - p.l2_len, p.l2_len + p.hdr_len + tx->l4_hdr_len };
	out->len = p.l2_len + p.total_len;
	out->ifindex = d->ifindex;
	out->sock_id = tx->sock_id;
	if (!is_ready) {
		send_copy(st, out, p.total_len, d);
		return false;
	}
	link_count_out(st, l, out->len, p.is_gso);
	return true;
}
