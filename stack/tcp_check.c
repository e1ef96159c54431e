/* SPDX-License-Identifier: BSD-2-Clause */
/* What must hold of every connection between two calls into the stack. For tests. */
#include "tcp_conn.h"

#define REQUIRE(what)                                                                                                              \
	do {                                                                                                                       \
		if (!(what))                                                                                                       \
			return #what;                                                                                              \
	} while (0)

static const char *check_rtxq(const struct tcp_conn *c)
{
	uint32_t packets = 0, lost = 0, retrans = 0;
	tcp_seq next = c->snd_una;

	for (const struct tcp_sent *r = c->tx->rtxq.head; r; r = r->next) {
		REQUIRE(seq_eq(r->seq, next));
		REQUIRE(r->len > 0);
		REQUIRE(r->packets > 0);
		REQUIRE(r->next || r == c->tx->rtxq.last);
		next = seq_add(r->seq, r->len);
		packets += r->packets;
		lost += r->flags & TCP_SENT_LOST ? r->packets : 0;
		retrans += r->flags & TCP_SENT_RETRANS_OUT ? r->packets : 0;
	}
	REQUIRE(seq_eq(next, c->snd_nxt));
	REQUIRE(packets == c->tx->rtxq.packets_out);
	REQUIRE(lost == c->tx->rtxq.lost_out);
	REQUIRE(retrans == c->tx->rtxq.retrans_out);
	return NULL;
}

static const char *check_islands(const struct tcp_conn *c)
{
	const struct tcp_reasm *q = &c->oo->reasm;
	tcp_seq prev = c->rcv_nxt;
	uint32_t bytes = 0, count = 0;

	for (const struct tcp_island *i = q->first; i; i = i->next) {
		REQUIRE(seq_gt(i->left, prev));
		REQUIRE(seq_diff(i->right, i->left) == i->bytes.bytes);
		REQUIRE(i->bytes.bytes > 0);
		prev = i->right;
		bytes += i->bytes.bytes;
		count++;
	}
	REQUIRE(bytes == q->bytes);
	REQUIRE(count == q->count);
	REQUIRE(count <= TCP_ISLANDS_MAX);
	return NULL;
}

const char *tcp_check_invariants(const struct sock *s)
{
	const struct tcp_conn *c = tcp_conn_of_const(s);
	const char *bad;

	if (c->state == TCP_LISTEN) {
		REQUIRE(c->listener->conn == c);
		return NULL;
	}
	if (c->state == TCP_CLOSED) {
		REQUIRE(!c->node.is_linked);
		REQUIRE(!c->tx->rtxq.head);
		REQUIRE(c->tx->sndq.bytes == 0);
		REQUIRE(!list_is_linked(&c->send_link));
		return NULL;
	}
	REQUIRE(c->node.is_linked);
	REQUIRE(seq_le(c->snd_una, c->snd_nxt));
	bad = check_rtxq(c);
	if (bad)
		return bad;
	if (!tcp_state_in(c, TCP_STATE_BIT(TCP_SYN_SENT) | TCP_STATE_BIT(TCP_SYN_RECEIVED))) {
		REQUIRE(seq_diff(c->snd_nxt, c->snd_una) <= c->tx->sndq.bytes + 1);
		REQUIRE(c->mss >= 28 && c->mss <= tcp_max(c->mss_clamp, TCP_MIN_MSS));
		REQUIRE(seq_le(c->rcv_wup, c->rcv_nxt));
	}
	REQUIRE(!c->fin_sent || c->fin_queued);
	REQUIRE(c->cc.cwnd >= 1);
	REQUIRE(c->cc.ssthresh >= 2);
	REQUIRE(c->sacked_out <= tcp_max(c->tx->rtxq.packets_out, 1));
	/* Something in flight has a timer, or it would never be missed. */
	REQUIRE(!c->tx->rtxq.head || c->deadline_us[TCP_TIMER_RETRANS] || list_is_linked(&c->send_link));
	for (unsigned k = 0; k < TCP_TIMERS; k++)
		REQUIRE(!c->deadline_us[k] || (timer_is_pending(&c->timer) && c->timer.deadline_us <= c->deadline_us[k]));
	return c->oo ? check_islands(c) : NULL;
}
