/* SPDX-License-Identifier: BSD-2-Clause */
#include "ip6_ext.h"

#include "icmp6.h"
#include "ip6.h"
#include "wire.h"

/* Option types; the two high bits say what to do with an unknown one (RFC 8200 section 4.2). */
enum { OPT_PAD1 = 0, OPT_PADN = 1, OPT_ROUTER_ALERT = 5, OPT_JUMBO = 0xc2 };
enum { OPT_SKIP = 0, OPT_DISCARD = 1, OPT_ERROR = 2, OPT_ERROR_UNICAST = 3 };

/* Nothing needs more to be aligned (RFC 8504 section 5.3, RFC 4942 section 2.1.9.5). */
enum { PADDING_MAX = 7 };

struct ip6_chain ip6_chain_over(const uint8_t *packet, uint32_t len)
{
	return (struct ip6_chain){ .p = packet, .len = len, .next = packet[6], .at = IP6_HDR_LEN, .next_at = 6 };
}

static enum ip6_step unknown_option(uint8_t type, uint32_t at, struct ip6_problem *problem)
{
	switch (type >> 6) {
	case OPT_SKIP:
		return IP6_STEP_NEXT;
	case OPT_DISCARD:
		return IP6_STEP_DISCARD;
	}
	*problem = (struct ip6_problem){ ICMP6_BAD_OPTION, at, (type >> 6) == OPT_ERROR, false };
	return IP6_STEP_ERROR;
}

/* A jumbo payload (RFC 2675 section 3) is never right here: no link of ours carries one, and a packet that has a length of its own
 * contradicts it. */
static enum ip6_step jumbo_option(const struct ip6_chain *c, uint8_t opt_len, uint32_t at, struct ip6_problem *problem)
{
	enum { VALUE_AT = 2, JUMBO_MIN = 65536 };

	if (opt_len != 4 || (at & 3) != 2)
		return IP6_STEP_DISCARD;
	if (c->lacks_length && get_be32(c->p + at + VALUE_AT) >= JUMBO_MIN)
		return IP6_STEP_TRUNCATED;
	*problem = (struct ip6_problem){ ICMP6_BAD_FIELD, c->lacks_length ? at + VALUE_AT : at, false, false };
	return IP6_STEP_ERROR;
}

/* Those that belong into a hop-by-hop header only: elsewhere they are unknown like any other. */
static enum ip6_step known_hop_option(const struct ip6_chain *c, uint8_t type, uint8_t opt_len, uint32_t at,
				      struct ip6_problem *problem)
{
	if (type == OPT_ROUTER_ALERT)
		return opt_len == 2 ? IP6_STEP_NEXT : IP6_STEP_DISCARD;
	return jumbo_option(c, opt_len, at, problem);
}

static bool is_zero(const uint8_t *p, uint32_t len)
{
	while (len > 0)
		if (p[--len])
			return false;
	return true;
}

/* The options of one header: @len bytes at offset @at of the packet, @options_max of them but padding. */
static enum ip6_step walk_options(const struct ip6_chain *c, uint32_t at, uint32_t len, uint32_t options_max,
				  struct ip6_problem *problem)
{
	struct wire_rd r = wire_rd_over(c->p + at, len);
	bool is_hop_by_hop = c->next == IP6_HOP_BY_HOP;
	uint32_t options = 0, padding = 0;

	while (wire_rd_left(&r) > 0) {
		uint32_t opt_at = (uint32_t)(r.p - c->p);
		uint8_t type = wire_rd_u8(&r), opt_len = type == OPT_PAD1 ? 0 : wire_rd_u8(&r);
		const uint8_t *body = wire_rd_bytes(&r, opt_len);
		enum ip6_step step;

		if (!wire_rd_ok(&r))
			return IP6_STEP_TRUNCATED;
		if (type == OPT_PAD1 || type == OPT_PADN) {
			padding += type == OPT_PAD1 ? 1 : 2u + opt_len;
			if (padding > PADDING_MAX || !is_zero(body, opt_len))
				return IP6_STEP_TOO_MANY;
			continue;
		}
		padding = 0;
		if (++options > options_max)
			return IP6_STEP_TOO_MANY;
		if (is_hop_by_hop && (type == OPT_ROUTER_ALERT || type == OPT_JUMBO))
			step = known_hop_option(c, type, opt_len, opt_at, problem);
		else
			step = unknown_option(type, opt_at, problem);
		if (step != IP6_STEP_NEXT)
			return step;
	}
	return IP6_STEP_NEXT;
}

static enum ip6_step check_options(const struct ip6_chain *c, uint32_t len, const struct ip6_limits *limits,
				   struct ip6_problem *problem)
{
	bool is_hop_by_hop = c->next == IP6_HOP_BY_HOP;

	if (len > (is_hop_by_hop ? limits->hbh_bytes : limits->dst_bytes))
		return IP6_STEP_TOO_MANY;
	return walk_options(c, c->at + 2, len - 2, is_hop_by_hop ? limits->hbh_options : limits->dst_options, problem);
}

/* With no segments left a routing header of any type is passed over; else it would have us forward (RFC 8200 section 4.4), and
 * type 0 is abolished (RFC 5095 section 3): both are answered in the same way. */
static enum ip6_step check_routing(const struct ip6_chain *c, struct ip6_problem *problem)
{
	if (c->p[c->at + 3] == 0)
		return IP6_STEP_NEXT;
	*problem = (struct ip6_problem){ ICMP6_BAD_FIELD, c->at + 2, false, true };
	return IP6_STEP_ERROR;
}

static bool is_passed(uint8_t next)
{
	return next == IP6_HOP_BY_HOP || next == IP6_DEST_OPTIONS || next == IP6_ROUTING;
}

enum ip6_step ip6_chain_step(struct ip6_chain *c, const struct ip6_limits *limits, struct ip6_problem *problem)
{
	enum ip6_step step;
	uint32_t len;

	if (!is_passed(c->next))
		return IP6_STEP_END;
	if (c->next == IP6_HOP_BY_HOP && (c->at != IP6_HDR_LEN || c->was_fragmented)) { /* allowed in the first place only (section 4.1) */
		*problem = (struct ip6_problem){ ICMP6_BAD_NEXT_HEADER, c->next_at, false, false };
		return IP6_STEP_ERROR;
	}
	if (c->len - c->at < 8)
		return IP6_STEP_TRUNCATED;
	len = (c->p[c->at + 1] + 1u) * 8;
	if (len > c->len - c->at)
		return IP6_STEP_TRUNCATED;
	step = c->next == IP6_ROUTING ? check_routing(c, problem) : check_options(c, len, limits, problem);
	if (step != IP6_STEP_NEXT)
		return step;
	if (c->lacks_length) { /* and no option of its first header gave it one */
		*problem = (struct ip6_problem){ ICMP6_BAD_FIELD, IP6_LENGTH_AT, false, false };
		return IP6_STEP_ERROR;
	}
	c->next_at = c->at;
	c->next = c->p[c->at];
	c->at += len;
	return IP6_STEP_NEXT;
}

bool ip6_has_router_alert(const uint8_t *packet, uint32_t len, uint16_t value)
{
	struct wire_rd r;

	if (packet[6] != IP6_HOP_BY_HOP || len < IP6_HDR_LEN + 8)
		return false;
	r = wire_rd_over(packet + IP6_HDR_LEN, len - IP6_HDR_LEN);
	wire_rd_skip(&r, 1);
	r = wire_rd_sub(&r, wire_rd_u8(&r) * 8u + 6);
	while (wire_rd_left(&r) > 0) {
		uint8_t type = wire_rd_u8(&r), opt_len = type == OPT_PAD1 ? 0 : wire_rd_u8(&r);

		if (type == OPT_ROUTER_ALERT && opt_len == 2)
			return wire_rd_u16(&r) == value && wire_rd_ok(&r);
		wire_rd_skip(&r, opt_len);
	}
	return false;
}

bool ip6_chain_to_upper(struct ip6_chain *c)
{
	while (is_passed(c->next) || c->next == IP6_FRAGMENT) {
		const uint8_t *h = c->p + c->at;
		bool is_fragment = c->next == IP6_FRAGMENT;
		uint32_t len;

		if (c->len - c->at < 8)
			return false;
		len = is_fragment ? IP6_FRAG_HDR_LEN : (h[1] + 1u) * 8;
		if (len > c->len - c->at)
			return false;
		c->next = h[0];
		c->is_fragment |= is_fragment && (get_be16(h + 2) & 0xfff9);
		if (is_fragment && (get_be16(h + 2) & 0xfff8))
			return false;
		c->next_at = c->at;
		c->at += len;
	}
	return c->at < c->len;
}

static uint32_t upper_len_min(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_NR_TCP:
		return 20;
	case IPPROTO_NR_UDP:
	case IPPROTO_NR_ICMP6:
		return 8;
	}
	return 0;
}

bool ip6_chain_is_whole(uint8_t next, const uint8_t *p, uint32_t len)
{
	struct wire_rd r = wire_rd_over(p, len);

	while (is_passed(next) && wire_rd_ok(&r)) {
		next = wire_rd_u8(&r);
		wire_rd_skip(&r, wire_rd_u8(&r) * 8u + 6);
	}
	return wire_rd_ok(&r) && !is_passed(next) && wire_rd_left(&r) >= upper_len_min(next);
}
