/* SPDX-License-Identifier: BSD-2-Clause */
#include "icmp4.h"

#include <errno.h>

#include "checksum.h"
#include "core.h"
#include "ip4.h"
#include "ip4_options.h"
#include "redirect.h"
#include "route.h"
#include "wire.h"

enum { ICMP4_HDR_LEN = 8 };

/* ---- Errors sent ---- */

enum {
	ERROR_LEN_MAX = 576 - IP4_HDR_LEN, /* RFC 1812 section 4.3.2.3 */
	TOS_KEPT = 0x1e,		   /* RFC 1812 section 4.3.2.5: the service asked for, */
	TOS_INTERNETWORK_CONTROL = 0xc0,   /* at this precedence */
};

static bool is_error_type(uint8_t type)
{
	return type != ICMP4_ECHO && type != ICMP4_ECHO_REPLY && (type < 13 || type > 18);
}

/* RFC 1122 section 3.2.2: what no error may answer. Types of ICMP that we do not know count as errors. */
static bool may_be_answered(const struct icmp_quote *q)
{
	uint32_t hdr_len = (q->p[0] & 0xf) * 4u;
	uint8_t net = q->p[12];

	if (get_be16(q->p + 6) & IP4_OFFSET_MASK)
		return false;
	if (net == 0 || net >= 224)
		return false;
	return q->p[9] != IPPROTO_NR_ICMP || (q->len > hdr_len && !is_error_type(q->p[hdr_len]));
}

static void send_error(struct stack *st, uint8_t type, uint8_t code, uint32_t param, const struct icmp_quote *q,
		       const struct frame *quoted, uint32_t ifindex)
{
	struct ip_tx tx = {
		.src = ip_addr_from4(q->p + 16),
		.dst = ip_addr_from4(q->p + 12),
		.proto = IPPROTO_NR_ICMP,
		.ttl = (uint8_t)st->tunables.ip_default_ttl,
		.tos = (q->p[1] & TOS_KEPT) | TOS_INTERNETWORK_CONTROL,
		.csum_offset = -1,
	};
	struct frame *f;

	if (!may_be_answered(q) || addr_is_directed_broadcast(st, &tx.dst, 0, true, NULL) ||
	    !icmp_may_send_error(st, &tx.dst))
		return;
	f = icmp_build_error(st, type, code, param, q, ERROR_LEN_MAX, quoted);
	if (!f)
		return;
	put_be16(f->data + 2, checksum_finish(checksum_add(0, f->data, f->len)));
	stat_count(st, STAT_ICMP_OUT_ERRORS);
	icmp_send(st, f, &tx, ifindex);
}

static void answer_with_error(struct stack *st, const struct frame *f, const struct ip_rx *rx, uint8_t type, uint8_t code,
			      uint32_t param)
{
	struct icmp_quote q = icmp_quote_of(f, rx);

	if (!rx->is_multicast)
		send_error(st, type, code, param, &q, f, rx->ifindex);
}

void icmp4_send_unreachable(struct stack *st, const struct frame *f, const struct ip_rx *rx, uint8_t code)
{
	answer_with_error(st, f, rx, ICMP4_UNREACHABLE, code, 0);
}

void icmp4_send_parameter_problem(struct stack *st, const struct frame *f, const struct ip_rx *rx, uint8_t pointer)
{
	answer_with_error(st, f, rx, ICMP4_PARAMETER_PROBLEM, 0, (uint32_t)pointer << 24);
}

void icmp4_send_reassembly_timeout(struct stack *st, const struct icmp_quote *quote)
{
	send_error(st, ICMP4_TIME_EXCEEDED, ICMP4_REASSEMBLY_TIME_EXCEEDED, 0, quote, NULL, 0);
}

/* ---- Errors received ---- */

/* How Linux tells programs of the codes of "destination unreachable". */
static void unreachable_error(uint8_t code, struct icmp_error *e)
{
	static const struct {
		int error;
		bool is_hard;
	} errors[] = {
		[0] = { ENETUNREACH, false },  [1] = { EHOSTUNREACH, false }, [2] = { ENOPROTOOPT, true },
		[3] = { ECONNREFUSED, true },  [4] = { EMSGSIZE, false },     [5] = { EOPNOTSUPP, false },
		[6] = { ENETUNREACH, true },   [7] = { EHOSTDOWN, true },     [8] = { ENONET, true },
		[9] = { ENETUNREACH, true },   [10] = { EHOSTUNREACH, true }, [11] = { ENETUNREACH, false },
		[12] = { EHOSTUNREACH, false }, [13] = { EHOSTUNREACH, true }, [14] = { EHOSTUNREACH, true },
		[15] = { EHOSTUNREACH, true },
	};

	if (code >= sizeof(errors) / sizeof(errors[0]))
		code = ICMP4_HOST_UNREACHABLE; /* RFC 1122 section 3.2.2.1 lists no more */
	e->error = errors[code].error;
	e->is_hard = errors[code].is_hard;
}

/* The MTU that a router names, or one guessed for those that do not (RFC 1191 sections 4, 5). 0: nonsense. */
static uint32_t next_hop_mtu(uint16_t told, uint16_t quoted_total_len)
{
	enum { IP4_MTU_MIN = 68 };

	if (told == 0)
		return pmtu_plateau_below(quoted_total_len);
	return told < IP4_MTU_MIN ? 0 : told;
}

/* Fill @e from the packet quoted after the message's header. False: we cannot have sent it. */
static bool parse_quote(struct stack *st, const struct frame *f, struct icmp_error *e, uint16_t *total_len)
{
	struct wire_rd r = wire_rd_over(f->data, f->len);
	const uint8_t *hdr;
	uint32_t hdr_len;

	wire_rd_skip(&r, ICMP4_HDR_LEN);
	hdr = wire_rd_bytes(&r, IP4_HDR_LEN);
	if (!hdr || hdr[0] >> 4 != 4)
		return false;
	hdr_len = (hdr[0] & 0xf) * 4u;
	if (hdr_len < IP4_HDR_LEN)
		return false;
	wire_rd_skip(&r, hdr_len - IP4_HDR_LEN);
	if (!wire_rd_ok(&r) || wire_rd_left(&r) < 8 || (get_be16(hdr + 6) & IP4_OFFSET_MASK))
		return false;
	*total_len = get_be16(hdr + 2);
	e->proto = hdr[9];
	e->local = ip_addr_from4(hdr + 12);
	e->remote = ip_addr_from4(hdr + 16);
	e->l4 = r.p;
	e->l4_len = (uint32_t)wire_rd_left(&r);
	return ip_is_local(st, &e->local);
}

static void input_error(struct stack *st, struct frame *f, const struct ip_rx *rx)
{
	struct icmp_error e = {
		.reporter = rx->src,
		.ifindex = rx->ifindex,
		.icmp_type = f->data[0],
		.icmp_code = f->data[1],
	};
	uint16_t total_len;

	if (rx->is_multicast || !parse_quote(st, f, &e, &total_len)) {
		stat_drop(st, STAT_ICMP_DROP_QUOTE);
		return;
	}
	switch (e.icmp_type) {
	case ICMP4_UNREACHABLE:
		unreachable_error(e.icmp_code, &e);
		break;
	case ICMP4_TIME_EXCEEDED:
		e.error = EHOSTUNREACH;
		break;
	case ICMP4_PARAMETER_PROBLEM:
		e.error = EPROTO;
		e.is_hard = true;
		break;
	}
	if (e.error == EMSGSIZE) {
		e.mtu = next_hop_mtu(get_be16(f->data + 6), total_len);
		if (e.mtu == 0) {
			stat_drop(st, STAT_PMTU_DROP_SMALL);
			return;
		}
	}
	stat_count(st, STAT_ICMP_ERRORS_IN);
	icmp_report(st, &e);
}

/* RFC 1122 section 3.2.2.2: network redirects count for the host too. The new way must be on the link that the redirect came by, so that
 * who is far away can lead us to our neighbours at most. */
static void input_redirect(struct stack *st, struct frame *f, const struct ip_rx *rx)
{
	enum { CODE_MAX = 3 };
	struct icmp_error e = { .ifindex = rx->ifindex };
	struct ip_addr gateway = ip_addr_from4(f->data + 4);
	uint16_t total_len;

	if (!st->tunables.accept_redirects4 || f->data[1] > CODE_MAX) {
		stat_drop(st, STAT_ICMP_DROP_TYPE);
		return;
	}
	if (rx->is_multicast || !parse_quote(st, f, &e, &total_len)) {
		stat_drop(st, STAT_ICMP_DROP_QUOTE);
		return;
	}
	if (!route_is_onlink(st, &gateway, rx->ifindex) || addr_is_directed_broadcast(st, &gateway, rx->ifindex, true, NULL) ||
	    ip_addr_is_multicast(&e.remote) || !redirect_follow(st, rx->ifindex, &rx->src, NULL, &e.remote, &gateway))
		stat_drop(st, STAT_ICMP_DROP_REDIRECT);
}

/* ---- Echo ---- */

/* RFC 1122 section 3.2.2.6: the same data, from the address that was asked, with the options that want an answer. */
static void input_echo(struct stack *st, struct frame *f, const struct ip_rx *rx)
{
	struct ip_tx tx = {
		.src = rx->is_broadcast || ip_addr_is_multicast(&rx->dst) ? ip_addr_any(ip_addr_family(&rx->dst)) : rx->dst,
		.dst = rx->src,
		.proto = IPPROTO_NR_ICMP,
		.ttl = (uint8_t)st->tunables.ip_default_ttl,
		.tos = rx->tos,
		.csum_offset = -1,
	};
	uint8_t options[IP4_OPTIONS_LEN_MAX];
	struct frame *reply;

	if (st->tunables.icmp_echo_ignore_all || (rx->is_multicast && st->tunables.icmp_echo_ignore_broadcasts)) {
		stat_drop(st, STAT_ICMP_DROP_BROADCAST);
		return;
	}
	if (rx->ip_hdr_len > IP4_HDR_LEN) {
		tx.options_len = (uint8_t)ip4_options_reply(rx->ip_hdr + IP4_HDR_LEN, rx->ip_hdr_len - IP4_HDR_LEN, &rx->dst,
							    ip4_options_clock(st->now_us), options);
		tx.options = options;
	}
	reply = frame_alloc(&st->frames, f->len);
	if (!reply) {
		stat_drop(st, STAT_IP_DROP_NO_MEMORY);
		return;
	}
	memcpy(frame_put(reply, f->len), f->data, f->len);
	reply->data[0] = ICMP4_ECHO_REPLY;
	/* The sum of the request, which was right, changes by the type (RFC 1624 section 3: HC' = ~(~HC + ~m + m')). */
	put_be16(reply->data + 2, checksum_finish(checksum_combine((uint16_t)~get_be16(f->data + 2),
								   (uint16_t)~(ICMP4_ECHO << 8))));
	if (f->off.csum != FRAME_CSUM_NONE) { /* nobody has looked at the one in the packet */
		put_be16(reply->data + 2, 0);
		put_be16(reply->data + 2, checksum_finish(checksum_add(0, reply->data, reply->len)));
	}
	stat_count(st, STAT_ICMP_OUT_REPLIES);
	icmp_remember_reply(st, reply, &tx.dst);
	icmp_send(st, reply, &tx, rx->ifindex);
}

void icmp4_input(struct stack *st, struct frame *f, const struct ip_rx *rx)
{
	stat_count(st, STAT_ICMP_IN);
	if (f->len < ICMP4_HDR_LEN) {
		stat_drop(st, STAT_ICMP_DROP_SHORT);
		return;
	}
	if (f->off.csum == FRAME_CSUM_NONE && checksum_add(0, f->data, f->len) != 0xffff) {
		stat_drop(st, STAT_ICMP_DROP_CHECKSUM);
		return;
	}
	switch (f->data[0]) {
	case ICMP4_ECHO:
		input_echo(st, f, rx);
		return;
	case ICMP4_ECHO_REPLY:
		if (!ping_input(st, f, rx))
			stat_drop(st, STAT_ICMP_DROP_UNMATCHED);
		return;
	case ICMP4_UNREACHABLE:
	case ICMP4_TIME_EXCEEDED:
	case ICMP4_PARAMETER_PROBLEM:
		input_error(st, f, rx);
		return;
	case ICMP4_REDIRECT:
		input_redirect(st, f, rx);
		return;
	}
	/* Source quench is abolished (RFC 6633); the rest may be ignored (RFC 1122 3.2.2, RFC 6918). */
	stat_drop(st, STAT_ICMP_DROP_TYPE);
}
