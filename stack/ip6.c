/* SPDX-License-Identifier: BSD-2-Clause */
#include "ip6.h"

#include "core.h"
#include "icmp6.h"
#include "ip6_ext.h"
#include "ip6_txopt.h"
#include "offload.h"
#include "wire.h"

/* ---- Up ---- */

struct ip6_hdr {
	uint8_t tos, next, hop_limit;
	uint16_t payload_len;
	struct ip_addr src, dst;
};

static enum stack_stat parse(const struct frame *f, struct ip6_hdr *h)
{
	struct wire_rd r = wire_rd_over(f->data, f->len);
	uint32_t word = wire_rd_u32(&r);

	h->payload_len = wire_rd_u16(&r);
	h->next = wire_rd_u8(&r);
	h->hop_limit = wire_rd_u8(&r);
	wire_rd_copy(&r, h->src.b, 16);
	wire_rd_copy(&r, h->dst.b, 16);
	h->tos = (uint8_t)(word >> 20);
	if (!wire_rd_ok(&r))
		return STAT_IP6_DROP_SHORT;
	if (word >> 28 != 6)
		return STAT_IP6_DROP_VERSION;
	if (h->payload_len > f->len - IP6_HDR_LEN)
		return STAT_IP6_DROP_LENGTH;
	return STAT_NONE;
}

enum { SCOPE_RESERVED = 0, SCOPE_INTERFACE = 1 };

/* RFC 4291 sections 2.5.2, 2.5.3 and 2.7, the land attack, and IPv4 addresses in disguise, which inside this stack would be
 * taken for real ones (RFC 4942 section 2.2). */
static enum stack_stat check_addrs(struct stack *st, const struct ip6_hdr *h, const struct link *l, struct ip_rx *rx)
{
	bool from_inside = l->config.kind == LINK_LOOPBACK || rx->is_looped;
	bool to_group = ip_addr_is_multicast(&h->dst) && !ip_addr_is4(&h->dst);

	if (ip_addr_is4(&h->src) || ip_addr_is4(&h->dst))
		return STAT_IP6_DROP_MAPPED;
	if (ip_addr_is_multicast(&h->src))
		return STAT_IP6_DROP_SOURCE;
	if (!from_inside && (ip_addr_is_loopback(&h->src) || ip_addr_is_loopback(&h->dst)))
		return STAT_IP6_DROP_LOOPBACK;
	/* A host that defends an address against ours says so from that very address (RFC 4862 section 5.4): nd.c must see it. */
	if (!from_inside && ip_is_local(st, &h->src) && !(h->next == IPPROTO_NR_ICMP6 && h->hop_limit == 255))
		return STAT_IP6_DROP_LAND;
	rx->is_multicast |= to_group;
	if (!to_group)
		return addr_is_ours(st, &h->dst, l->ifindex) ? STAT_NONE : STAT_IP6_DROP_NOT_OURS;
	if ((h->dst.b[1] & 0xf) == SCOPE_RESERVED || (!from_inside && (h->dst.b[1] & 0xf) == SCOPE_INTERFACE))
		return STAT_IP6_DROP_NOT_OURS;
	return mcast_hears(st, &h->dst, l) ? STAT_NONE : STAT_IP6_DROP_NOT_OURS;
}

/* The upper layer begins at @c->at. */
static void deliver(struct stack *st, struct frame *f, struct ip_rx *rx, const struct ip6_chain *c)
{
	/* Nobody can be answered at the unspecified address; only neighbour discovery uses it (RFC 4291 section 2.5.2). */
	if (ip_addr_is_any(&rx->src) && c->next != IPPROTO_NR_ICMP6) {
		stat_drop(st, STAT_IP6_DROP_SOURCE);
		return;
	}
	rx->proto = c->next;
	rx->ip_hdr_len = (uint16_t)c->at;
	offload_pull(f, c->at);
	if (ip_deliver(st, f, rx, false))
		return;
	/* RFC 8200 section 4 */
	icmp6_send_error(st, f, rx, ICMP6_PARAMETER_PROBLEM, ICMP6_BAD_NEXT_HEADER, c->next_at);
	stat_drop(st, STAT_IP6_DROP_PROTOCOL);
}

static void walk(struct stack *st, struct frame *f, struct ip_rx *rx, struct ip6_chain *c, bool may_be_fragment);

static void drop_with_problem(struct stack *st, const struct frame *f, const struct ip_rx *rx, enum stack_stat why,
			      uint8_t code, uint32_t pointer)
{
	icmp6_send_error(st, f, rx, ICMP6_PARAMETER_PROBLEM, code, pointer);
	stat_drop(st, why);
}

/* Make the put-together packet look as if it had come whole (RFC 8200 section 4.5), and go on where the fragment header was. */
static void input_whole(struct stack *st, struct frame *f, struct ip_rx *rx, const struct reasm_result *res)
{
	uint8_t *p = f->data;
	struct ip6_chain c;

	put_be16(p + 4, (uint16_t)(f->len - IP6_HDR_LEN));
	p[res->next_at] = res->next_hdr;
	p[1] = (uint8_t)((p[1] & ~0x30) | res->ecn << 4);
	rx->tos = (uint8_t)((p[0] & 0xf) << 4 | p[1] >> 4);
	rx->ttl = p[7];
	rx->ip_hdr = p;
	rx->frag_bytes = res->packet_bytes;
	c = ip6_chain_over(p, f->len);
	c.next = res->next_hdr;
	c.next_at = res->next_at;
	c.at = res->hdr_len;
	c.was_fragmented = true;
	walk(st, f, rx, &c, false);
}

/* The fragment header begins at @c->at (RFC 8200 section 4.5). */
static void input_fragment(struct stack *st, struct frame *f, struct ip_rx *rx, struct ip6_chain *c)
{
	struct wire_rd r = wire_rd_over(c->p + c->at, c->len - c->at);
	struct reasm_fragment frag = {
		.src = rx->src,
		.dst = rx->dst,
		.ecn = rx->tos & 3,
		.ifindex = rx->ifindex,
		.is_multicast = rx->is_multicast,
		.hdr = c->p,
		.hdr_len = c->at,
		.next_at = (uint16_t)c->next_at,
		.packet_bytes = (uint16_t)c->len,
	};
	struct reasm_result res;
	struct frame *whole;
	uint16_t offset_flags;

	rx->was_fragmented = true;
	frag.next_hdr = wire_rd_u8(&r);
	wire_rd_skip(&r, 1);
	offset_flags = wire_rd_u16(&r);
	frag.id = wire_rd_u32(&r);
	frag.offset = offset_flags & 0xfff8u;
	frag.more = offset_flags & 1;
	if (!wire_rd_ok(&r)) {
		drop_with_problem(st, f, rx, STAT_IP6_DROP_FRAGMENT, ICMP6_BAD_FIELD, c->at);
		return;
	}
	if (frag.offset == 0 && !frag.more) { /* atomic: never mixed with others (RFC 6946 section 4) */
		c->next_at = c->at;
		c->next = frag.next_hdr;
		c->at += IP6_FRAG_HDR_LEN;
		walk(st, f, rx, c, false);
		return;
	}
	if (f->off.gso != FRAME_GSO_NONE) {
		stat_drop(st, STAT_LINK_DROP_OFFLOAD);
		return;
	}
	if (frag.more && wire_rd_left(&r) % 8 != 0) {
		drop_with_problem(st, f, rx, STAT_IP6_DROP_FRAGMENT, ICMP6_BAD_FIELD, IP6_LENGTH_AT);
		return;
	}
	/* The packet without its fragment header must fit its length field. */
	if (frag.offset + wire_rd_left(&r) + frag.hdr_len - IP6_HDR_LEN > 65535) {
		drop_with_problem(st, f, rx, STAT_IP6_DROP_FRAGMENT, ICMP6_BAD_FIELD, c->at + 2);
		return;
	}
	if (wire_rd_left(&r) == 0) {
		stat_drop(st, STAT_IP6_DROP_FRAGMENT);
		return;
	}
	if (frag.offset == 0 && !ip6_chain_is_whole(frag.next_hdr, r.p, (uint32_t)wire_rd_left(&r))) {
		drop_with_problem(st, f, rx, STAT_IP6_DROP_FIRST_FRAGMENT, ICMP6_BAD_FIRST_FRAGMENT, 0);
		return;
	}
	offload_complete_csum(f);
	frame_pull(f, c->at + IP6_FRAG_HDR_LEN);
	whole = reasm_input(st, f, &frag, &res);
	if (!whole)
		return;
	input_whole(st, whole, rx, &res);
	frame_unref(whole);
}

static enum stack_stat counter_of(const struct ip6_problem *problem)
{
	if (problem->is_routing)
		return STAT_IP6_DROP_ROUTING;
	return problem->code == ICMP6_BAD_OPTION ? STAT_IP6_DROP_OPTION : STAT_IP6_DROP_HEADERS;
}

/* Go through the extension headers from @c on; @may_be_fragment: no fragment header was met yet. */
static void walk(struct stack *st, struct frame *f, struct ip_rx *rx, struct ip6_chain *c, bool may_be_fragment)
{
	const struct tunables *t = &st->tunables;
	const struct ip6_limits limits = {
		.hbh_options = t->ip6_max_hbh_options,
		.hbh_bytes = t->ip6_max_hbh_bytes,
		.dst_options = t->ip6_max_dst_options,
		.dst_bytes = t->ip6_max_dst_bytes,
	};
	struct ip6_problem problem = { 0 };
	enum ip6_step step;
	struct ip_rx answer;

	while ((step = ip6_chain_step(c, &limits, &problem)) == IP6_STEP_NEXT)
		;
	switch (step) {
	case IP6_STEP_NEXT:
	case IP6_STEP_END:
		break;
	case IP6_STEP_TRUNCATED:
	case IP6_STEP_TOO_MANY:
		stat_drop(st, STAT_IP6_DROP_HEADERS);
		return;
	case IP6_STEP_DISCARD:
		stat_drop(st, STAT_IP6_DROP_OPTION);
		return;
	case IP6_STEP_ERROR:
		answer = *rx;
		if (problem.even_to_group)
			answer.is_multicast = false;
		drop_with_problem(st, f, &answer, counter_of(&problem), problem.code, problem.pointer);
		return;
	}
	if (c->next == IP6_NO_NEXT)
		stat_drop(st, STAT_IP6_DROP_NO_NEXT);
	else if (c->next == IP6_FRAGMENT && may_be_fragment)
		input_fragment(st, f, rx, c);
	else if (c->next == IP6_FRAGMENT) /* fragments of fragments, refused as Linux does */
		drop_with_problem(st, f, rx, STAT_IP6_DROP_HEADERS, ICMP6_BAD_FIELD, c->at);
	else
		deliver(st, f, rx, c);
}

void ip6_input(struct stack *st, struct frame *f, struct link *l, enum eth_to to)
{
	struct ip6_hdr h;
	enum stack_stat why = parse(f, &h);
	struct ip6_chain c;
	struct ip_rx rx;
	bool lacks_length;

	stat_count(st, STAT_IP6_IN);
	if (why == STAT_NONE && !link_has_ip6(l))
		why = STAT_IP6_DROP_DISABLED;
	if (why != STAT_NONE) {
		stat_drop(st, why);
		return;
	}
	/* Zero with a hop-by-hop header would be a jumbogram (RFC 2675): the chain ends there, one way or the other. */
	lacks_length = h.payload_len == 0 && h.next == IP6_HOP_BY_HOP;
	if (!lacks_length)
		f->len = IP6_HDR_LEN + h.payload_len; /* what follows is Ethernet's padding */
	rx = (struct ip_rx){
		.src = h.src,
		.dst = h.dst,
		.ifindex = l->ifindex,
		.proto = h.next,
		.ttl = h.hop_limit,
		.tos = h.tos,
		.is_multicast = to == ETH_TO_GROUP || to == ETH_TO_BROADCAST,
		.is_looped = to == ETH_LOOPED,
		.ip_hdr = f->data,
		.ip_hdr_len = IP6_HDR_LEN,
	};
	why = check_addrs(st, &h, l, &rx);
	if (why != STAT_NONE) {
		stat_drop(st, why);
		return;
	}
	c = ip6_chain_over(f->data, f->len);
	c.lacks_length = lacks_length;
	walk(st, f, &rx, &c, true);
}

/* ---- Down ---- */

enum { HOP_BY_HOP_LEN = 8, FLOW_LABEL_MASK = 0xfffff };

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_NR_TCP || proto == IPPROTO_NR_UDP;
}

uint32_t ip6_flow_label(struct stack *st, const struct ip_tx *tx, const uint8_t *l4)
{
	static const uint8_t no_ports[4];
	uint8_t flow[16 + 16 + 4 + 1];
	uint32_t label;

	if (tx->flow_label || tx->auto_label == IP_AUTO_LABEL_OFF)
		return tx->flow_label;
	if (tx->auto_label == IP_AUTO_LABEL_BY_PROTOCOL && (!st->tunables.ip6_auto_flowlabels || !has_ports(tx->proto)))
		return 0;
	memcpy(flow, tx->src.b, 16);
	memcpy(flow + 16, tx->dst.b, 16);
	memcpy(flow + 32, has_ports(tx->proto) ? l4 : no_ports, 4);
	flow[36] = tx->proto;
	label = (uint32_t)hash_bytes(&st->flow_key, flow, sizeof(flow)) & FLOW_LABEL_MASK;
	return label ? label : 1; /* 0 would say that there is none */
}

uint32_t ip6_hdr_len(const struct ip_tx *tx)
{
	return IP6_HDR_LEN + (tx->router_alert ? HOP_BY_HOP_LEN : 0) + ip6_txopts_bytes(tx->ext);
}

/* The hop-by-hop header of our own messages to routers: RFC 2711 section 2.1, value 0 as MLD wants it, and two bytes of padding. */
static void write_router_alert(uint8_t *h, uint8_t next)
{
	static const uint8_t alert[6] = { 5, 2, 0, 0, 1, 0 };

	h[0] = next;
	h[1] = 0;
	memcpy(h + 2, alert, sizeof(alert));
}

void ip6_write_hdr(uint8_t *h, const struct ip_tx *tx, uint32_t total_len, bool fragment_hdr)
{
	uint8_t next = fragment_hdr ? IP6_FRAGMENT : tx->proto;
	struct ip_addr to = ip6_txopts_first_hop(tx->ext, &tx->dst);

	if (tx->ext)
		next = ip6_txopts_write(tx->ext, IP6_TXOPT_HOP, IP6_TXOPT_DST, h + IP6_HDR_LEN, &tx->dst, next);
	if (tx->router_alert)
		write_router_alert(h + IP6_HDR_LEN, next);
	put_be32(h, 6u << 28 | (uint32_t)tx->tos << 20 | (tx->flow_label & FLOW_LABEL_MASK));
	put_be16(h + 4, (uint16_t)(total_len - IP6_HDR_LEN));
	h[6] = tx->router_alert ? IP6_HOP_BY_HOP : next;
	h[7] = tx->ttl;
	memcpy(h + 8, tx->src.b, 16);
	memcpy(h + 24, to.b, 16);
}
