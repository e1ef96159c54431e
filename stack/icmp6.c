/* SPDX-License-Identifier: BSD-2-Clause */
#include "icmp6.h"

#include <errno.h>

#include "checksum.h"
#include "core.h"
#include "ip6.h"
#include "ip6_ext.h"
#include "mld.h"
#include "nd.h"
#include "nd_router.h"
#include "wire.h"

enum { ICMP6_HDR_LEN = 8, ICMP6_ERROR_HDR_LEN = 8, ICMP6_CSUM_OFFSET = 2 };

/* ---- Errors sent ---- */

/* RFC 4443 section 2.4 (e.1), (e.2) and (e.6): neither errors nor redirects are answered, nor what has no single sender. */
static bool may_be_answered(const struct icmp_quote *q)
{
	struct ip6_chain c = ip6_chain_over(q->p, q->len);
	struct ip_addr src = ip_addr_from6(q->p + 8);

	if (ip_addr_is_any(&src) || ip_addr_is_multicast(&src) || ip_addr_is4(&src))
		return false;
	/* Of a fragment the type may be out of sight: RFC 8200 section 4.5 wants an answer to one that is too long, or lacks headers.
	 * Otherwise what does not show its type may be an error. */
	if (!ip6_chain_to_upper(&c))
		return c.is_fragment || c.next != IPPROTO_NR_ICMP6;
	return c.next != IPPROTO_NR_ICMP6 || (c.p[c.at] >= ICMP6_INFORMATIONAL && c.p[c.at] != ICMP6_REDIRECT);
}

static void send_error(struct stack *st, uint8_t type, uint8_t code, uint32_t param, const struct icmp_quote *q,
		       const struct frame *quoted, uint32_t ifindex)
{
	struct ip_tx tx = {
		.src = ip_addr_from6(q->p + 24),
		.dst = ip_addr_from6(q->p + 8),
		.proto = IPPROTO_NR_ICMP6,
		.ttl = nd_hop_limit(st, ifindex),
		.csum_offset = ICMP6_CSUM_OFFSET,
	};
	struct frame *f;

	if (!may_be_answered(q) || !icmp_may_send_error(st, &tx.dst))
		return;
	if (ip_addr_is_multicast(&tx.src)) /* section 2.2 (b) */
		tx.src = ip6_addr_any;
	f = icmp_build_error(st, type, code, param, q, IP6_MTU_MIN - IP6_HDR_LEN, quoted);
	if (!f)
		return;
	stat_count(st, STAT_ICMP_OUT_ERRORS);
	icmp_send(st, f, &tx, ifindex);
}

void icmp6_send_error(struct stack *st, const struct frame *f, const struct ip_rx *rx, uint8_t type, uint8_t code,
		      uint32_t param)
{
	struct icmp_quote q = icmp_quote_of(f, rx);

	if (!rx->is_multicast)
		send_error(st, type, code, param, &q, f, rx->ifindex);
}

void icmp6_send_reassembly_timeout(struct stack *st, const struct icmp_quote *quote, uint32_t ifindex)
{
	send_error(st, ICMP6_TIME_EXCEEDED, ICMP6_REASSEMBLY_TIME_EXCEEDED, 0, quote, NULL, ifindex);
}

/* ---- Errors received ---- */

/* How Linux tells programs. */
static void describe_error(const struct frame *f, struct icmp_error *e)
{
	static const struct {
		int error;
		bool is_hard;
	} unreachable[] = {
		[0] = { ENETUNREACH, false },  [1] = { EACCES, true },	     [2] = { EHOSTUNREACH, false },
		[3] = { EHOSTUNREACH, false }, [4] = { ECONNREFUSED, true }, [5] = { EACCES, true },
		[6] = { EACCES, true },
	};

	/* Errors of unknown type go to the upper layer too (RFC 4443 section 2.4 (a)). */
	e->error = EPROTO;
	switch (e->icmp_type) {
	case ICMP6_UNREACHABLE:
		e->is_hard = true;
		if (e->icmp_code < sizeof(unreachable) / sizeof(unreachable[0])) {
			e->error = unreachable[e->icmp_code].error;
			e->is_hard = unreachable[e->icmp_code].is_hard;
		}
		break;
	case ICMP6_PACKET_TOO_BIG:
		e->error = EMSGSIZE;
		e->mtu = get_be32(f->data + 4);
		break;
	case ICMP6_TIME_EXCEEDED:
		e->error = EHOSTUNREACH;
		break;
	case ICMP6_PARAMETER_PROBLEM:
		e->is_hard = true;
		break;
	}
}

/* Fill @e from the packet quoted after the message's header. False: we cannot have sent it. */
static bool parse_quote(struct stack *st, const struct frame *f, struct icmp_error *e)
{
	const uint8_t *p = f->data + ICMP6_ERROR_HDR_LEN;
	uint32_t len = f->len - ICMP6_ERROR_HDR_LEN;
	struct ip6_chain c;

	if (len < IP6_HDR_LEN || p[0] >> 4 != 6)
		return false;
	c = ip6_chain_over(p, len);
	if (!ip6_chain_to_upper(&c) || c.len - c.at < 8)
		return false;
	e->proto = c.next;
	e->local = ip_addr_from6(p + 8);
	e->remote = ip_addr_from6(p + 24);
	e->l4 = p + c.at;
	e->l4_len = c.len - c.at;
	return !ip_addr_is4(&e->local) && !ip_addr_is4(&e->remote) && ip_is_local(st, &e->local);
}

static void input_error(struct stack *st, struct frame *f, const struct ip_rx *rx)
{
	struct icmp_error e = {
		.reporter = rx->src,
		.ifindex = rx->ifindex,
		.icmp_type = f->data[0],
		.icmp_code = f->data[1],
	};

	if (rx->is_multicast || !parse_quote(st, f, &e)) {
		stat_drop(st, STAT_ICMP_DROP_QUOTE);
		return;
	}
	describe_error(f, &e);
	if (e.error == EMSGSIZE && e.mtu < IP6_MTU_MIN) { /* RFC 8201 section 4 */
		stat_drop(st, STAT_PMTU_DROP_SMALL);
		return;
	}
	stat_count(st, STAT_ICMP_ERRORS_IN);
	icmp_report(st, &e);
}

/* ---- Echo ---- */

/* RFC 4443 section 4.2: the same data; from a unicast address of the link when a group was asked. */
static void input_echo(struct stack *st, struct frame *f, const struct ip_rx *rx)
{
	bool to_group = ip_addr_is_multicast(&rx->dst);
	struct ip_tx tx = {
		.src = to_group ? ip6_addr_any : rx->dst,
		.dst = rx->src,
		.proto = IPPROTO_NR_ICMP6,
		.ttl = nd_hop_limit(st, rx->ifindex),
		.tos = rx->tos,
		.csum_offset = ICMP6_CSUM_OFFSET,
	};
	struct frame *reply;

	if (st->tunables.icmp6_echo_ignore_all || (to_group && st->tunables.icmp6_echo_ignore_multicast)) {
		stat_drop(st, STAT_ICMP_DROP_BROADCAST);
		return;
	}
	reply = frame_alloc(&st->frames, f->len);
	if (!reply) {
		stat_drop(st, STAT_IP_DROP_NO_MEMORY);
		return;
	}
	memcpy(frame_put(reply, f->len), f->data, f->len);
	reply->data[0] = ICMP6_ECHO_REPLY;
	put_be16(reply->data + ICMP6_CSUM_OFFSET, 0);
	stat_count(st, STAT_ICMP_OUT_REPLIES);
	icmp_remember_reply(st, reply, &tx.dst);
	icmp_send(st, reply, &tx, rx->ifindex);
}

/* Only neighbour discovery may come from an address of our own, of which it tells (see ip6.c). */
static bool is_from_ourselves_outside(struct stack *st, const struct ip_rx *rx, uint8_t type)
{
	bool is_nd = type >= ICMP6_ROUTER_SOLICITATION && type <= ICMP6_REDIRECT;

	return rx->ifindex != LINK_LOOPBACK_IFINDEX && !rx->is_looped && !is_nd && ip_is_local(st, &rx->src);
}

void icmp6_input(struct stack *st, struct frame *f, const struct ip_rx *rx)
{
	uint8_t type = f->len > 0 ? f->data[0] : 0;

	stat_count(st, STAT_ICMP_IN);
	if (f->len < ICMP6_HDR_LEN) {
		stat_drop(st, STAT_ICMP_DROP_SHORT);
		return;
	}
	if (!ip_csum_is_ok(f, rx)) {
		stat_drop(st, STAT_ICMP_DROP_CHECKSUM);
		return;
	}
	if (is_from_ourselves_outside(st, rx, type)) {
		stat_drop(st, STAT_IP6_DROP_LAND);
		return;
	}
	if (type < ICMP6_INFORMATIONAL) {
		input_error(st, f, rx);
		return;
	}
	if (type >= ICMP6_ROUTER_SOLICITATION && type <= ICMP6_REDIRECT) {
		nd_input(st, f, rx);
		return;
	}
	if ((type >= ICMP6_MLD_QUERY && type <= ICMP6_MLD_DONE) || type == ICMP6_MLD2_REPORT) {
		mld_input(st, f, rx);
		return;
	}
	if (ip_addr_is_any(&rx->src)) {
		stat_drop(st, STAT_IP6_DROP_SOURCE);
		return;
	}
	switch (type) {
	case ICMP6_ECHO:
		input_echo(st, f, rx);
		return;
	case ICMP6_ECHO_REPLY:
		if (!ping_input(st, f, rx))
			stat_drop(st, STAT_ICMP_DROP_UNMATCHED);
		return;
	}
	stat_drop(st, STAT_ICMP_DROP_TYPE); /* RFC 4443 section 2.4 (b) */
}
