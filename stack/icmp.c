/* SPDX-License-Identifier: BSD-2-Clause */
#include "icmp.h"

#include <errno.h>

#include "core.h"
#include "icmp4.h"
#include "icmp6.h"
#include "ip6.h"
#include "ip6_ext.h"
#include "offload.h"
#include "route.h"
#include "wire.h"

int icmp_init(struct stack *st)
{
	st->icmp.key = hash_key_derive(st->config.seed, "icmp");
	st->icmp.next_us = INT64_MIN / 2; /* full, also when time begins at zero */
	for (unsigned i = 0; i < ICMP_LIMIT_BUCKETS; i++)
		st->icmp.next_by_dst_us[i] = INT64_MIN / 2;
	ip4_ids_init(st);
	return 0;
}

void icmp_fini(struct stack *st)
{
	(void)st;
}

/* ---- Errors sent ---- */

/* When the next token of a bucket that yields one in @interval_us and holds @burst would be spent; the bucket is empty when
 * that lies in the future. */
static int64_t token_us(int64_t next_us, int64_t now_us, int64_t interval_us, uint32_t burst)
{
	int64_t full_us = now_us - interval_us * ((int64_t)burst - 1);

	return next_us > full_us ? next_us : full_us;
}

enum { BURST_BY_DST = 6 }; /* as Linux's net.ipv4.icmp_ratelimit */

/* Linux gives wider prefixes more bandwidth, since many hosts share their fate: four errors a second to a neighbour. */
static int64_t interval_to_us(struct stack *st, const struct ip_addr *dst)
{
	const struct route *r;

	if (ip_addr_is4(dst))
		return st->tunables.icmp_ratelimit * 1000LL;
	r = route_lookup(st, dst, NULL, 0);
	return st->tunables.icmp6_ratelimit * 1000LL >> (r ? (128 - r->config.prefix.len) / 32 : 0);
}

bool icmp_may_send_error(struct stack *st, const struct ip_addr *dst)
{
	const struct tunables *t = &st->tunables;
	int64_t now_us = (int64_t)st->now_us, all_us, dst_us;
	int64_t all_interval_us = t->icmp_msgs_per_sec ? 1000000 / (int64_t)t->icmp_msgs_per_sec : INT32_MAX;
	int64_t dst_interval_us;
	int64_t *by_dst = &st->icmp.next_by_dst_us[hash_bytes(&st->icmp.key, dst->b, 16) % ICMP_LIMIT_BUCKETS];

	if (ip_is_local(st, dst))
		return true;
	all_us = token_us(st->icmp.next_us, now_us, all_interval_us, t->icmp_msgs_burst);
	if (all_us > now_us) { /* before the route is looked for: a flood is cheap */
		stat_count(st, STAT_ICMP_RATE_LIMITED);
		return false;
	}
	dst_interval_us = interval_to_us(st, dst);
	dst_us = token_us(*by_dst, now_us, dst_interval_us, BURST_BY_DST);
	if (dst_us > now_us) {
		stat_count(st, STAT_ICMP_RATE_LIMITED);
		return false;
	}
	st->icmp.next_us = all_us + all_interval_us;
	*by_dst = dst_us + dst_interval_us;
	return true;
}

struct icmp_quote icmp_quote_of(const struct frame *f, const struct ip_rx *rx)
{
	return (struct icmp_quote){ rx->ip_hdr, (uint32_t)(f->data + f->len - rx->ip_hdr) };
}

enum { ICMP_ERROR_HDR_LEN = 8 };

struct frame *icmp_build_error(struct stack *st, uint8_t type, uint8_t code, uint32_t param, const struct icmp_quote *q,
			       uint32_t len_max, const struct frame *f)
{
	uint32_t quoted = q->len < len_max - ICMP_ERROR_HDR_LEN ? q->len : len_max - ICMP_ERROR_HDR_LEN, at;
	struct frame *e = frame_alloc(&st->frames, ICMP_ERROR_HDR_LEN + quoted);
	uint16_t sum;
	uint8_t *p;

	if (!e)
		return NULL;
	p = frame_put(e, ICMP_ERROR_HDR_LEN + quoted);
	p[0] = type;
	p[1] = code;
	put_be16(p + 2, 0);
	put_be32(p + 4, param);
	memcpy(p + ICMP_ERROR_HDR_LEN, q->p, quoted);
	if (f && offload_csum_value(f, &sum, &at)) {
		size_t from_quote = (size_t)(f->data + at - q->p);

		if (from_quote + 2 <= quoted)
			put_be16(p + ICMP_ERROR_HDR_LEN + from_quote, sum);
	}
	return e;
}

void icmp_send(struct stack *st, struct frame *f, struct ip_tx *tx, uint32_t ifindex)
{
	bool is_linklocal = !ip_addr_is4(&tx->dst) && ip_addr_is_linklocal(&tx->dst);
	struct ip_dst d;

	if (ip_route(st, &tx->dst, &tx->src, is_linklocal ? ifindex : 0, &d) < 0) {
		stat_count(st, STAT_IP_DROP_NO_ROUTE);
		frame_unref(f);
		return;
	}
	tx->src = d.src;
	ip_output(st, f, tx, &d);
}

void icmp_send_port_unreachable(struct stack *st, const struct frame *f, const struct ip_rx *rx)
{
	if (ip_addr_is4(&rx->dst))
		icmp4_send_unreachable(st, f, rx, ICMP4_PORT_UNREACHABLE);
	else
		icmp6_send_error(st, f, rx, ICMP6_UNREACHABLE, ICMP6_PORT_UNREACHABLE, 0);
}

/* ---- Path MTU of our echo replies ---- */

enum { SMALL_REPLY_BYTES = 500, ECHO_HDR_LEN = 8 }; /* what every path takes needs no remembering */

static uint64_t hash_of_reply(struct stack *st, const struct ip_addr *dst, const uint8_t *icmp)
{
	uint8_t key[16 + 1 + 4];

	memcpy(key, dst->b, 16);
	key[16] = icmp[0];
	memcpy(key + 17, icmp + 4, 4);
	return hash_bytes(&st->icmp.key, key, sizeof(key)) | 1;
}

void icmp_remember_reply(struct stack *st, const struct frame *f, const struct ip_addr *dst)
{
	uint64_t hash;

	if (f->len < SMALL_REPLY_BYTES)
		return;
	hash = hash_of_reply(st, dst, f->data);
	st->icmp.replies[hash / 2 % ICMP_REPLIES_KEPT] = hash;
}

static void learn_from_reply(struct stack *st, const struct icmp_error *e)
{
	uint64_t hash;

	if (e->error != EMSGSIZE || e->l4_len < ECHO_HDR_LEN)
		return;
	hash = hash_of_reply(st, &e->remote, e->l4);
	if (st->icmp.replies[hash / 2 % ICMP_REPLIES_KEPT] == hash)
		ip_pmtu_learn(st, e);
}

/* ---- Errors received ---- */

void icmp_report(struct stack *st, const struct icmp_error *e)
{
	switch (e->proto) {
	case IPPROTO_NR_TCP:
		tcp_icmp_error(st, e);
		break;
	case IPPROTO_NR_UDP:
		udp_icmp_error(st, e);
		break;
	case IPPROTO_NR_ICMP:
	case IPPROTO_NR_ICMP6:
		learn_from_reply(st, e);
		ping_icmp_error(st, e);
		break;
	}
	raw_icmp_error(st, e);
}

/* Find the transport header of a packet of our own making. Its first fragment may keep it in the tail. */
static bool find_l4(const struct frame *f, struct icmp_error *e)
{
	uint32_t l4_at;

	if (f->len >= IP4_HDR_LEN && f->data[0] >> 4 == 4) {
		e->local = ip_addr_from4(f->data + 12);
		e->remote = ip_addr_from4(f->data + 16);
		e->proto = f->data[9];
		l4_at = (f->data[0] & 0xf) * 4u;
		if (get_be16(f->data + 6) & IP4_OFFSET_MASK)
			return false;
	} else if (f->len >= IP6_HDR_LEN && f->data[0] >> 4 == 6) {
		struct ip6_chain c = ip6_chain_over(f->data, f->len);

		e->local = ip_addr_from6(f->data + 8);
		e->remote = ip_addr_from6(f->data + 24);
		if (!ip6_chain_to_upper(&c) && c.at != f->len)
			return false;
		e->proto = c.next;
		l4_at = c.at;
	} else {
		return false;
	}
	if (l4_at < f->len) {
		e->l4 = f->data + l4_at;
		e->l4_len = f->len - l4_at;
	} else if (f->tail) {
		e->l4 = f->tail->buf + f->tail_off;
		e->l4_len = f->tail_len;
	}
	return e->l4_len >= 8;
}

void icmp_report_unreachable_next_hop(struct stack *st, const struct frame *f)
{
	struct icmp_error e = { .ifindex = f->ifindex, .error = EHOSTUNREACH };

	if (!find_l4(f, &e))
		return;
	e.reporter = e.local;
	if (ip_addr_is4(&e.remote)) {
		e.icmp_type = ICMP4_UNREACHABLE;
		e.icmp_code = ICMP4_HOST_UNREACHABLE;
	} else {
		e.icmp_type = ICMP6_UNREACHABLE;
		e.icmp_code = ICMP6_ADDRESS_UNREACHABLE;
	}
	icmp_report(st, &e);
}
