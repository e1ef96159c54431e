/* SPDX-License-Identifier: BSD-2-Clause */
/* Segment arrival for a connection past SYN-SENT: RFC 9293 section 3.10.7.4, one function a step, with RFC 7323 section 5.3 (PAWS)
 * before the first and RFC 5961 within. Each step returns whether to go on. */
#include "tcp_conn.h"

#include <errno.h>

#include "icmp.h"

static bool paws_rejects(const struct tcp_conn *c, const struct tcp_in *in)
{
	const struct tcp_options *o = &in->h->opt;
	uint32_t now_s = (uint32_t)(c->sk.st->now_us / 1000000);

	if (!c->ts_ok || !o->has_ts || (int32_t)(o->tsval - c->ts_recent) >= 0)
		return false;
	if (c->ts_recent_s == 0 || now_s - c->ts_recent_s > TCP_PAWS_VALID_S) /* RFC 7323 section 5.5 */
		return false;
	/* A pure ACK that only came late does no harm (Linux): nothing in it is new. */
	return !(in->len == 0 && !(in->flags & (TCP_SYN | TCP_FIN)) && seq_eq(in->seq, c->rcv_nxt) && seq_eq(in->ack, c->snd_una) &&
		 in->wnd == c->snd_wnd && (c->ts_recent - o->tsval) * 1000ull < c->rtt.rto_us);
}

/* RFC 7323 section 4.3 (2). */
void tcp_store_ts_recent(struct tcp_conn *c, const struct tcp_in *in)
{
	const struct tcp_options *o = &in->h->opt;
	uint32_t now_s = (uint32_t)(c->sk.st->now_us / 1000000);

	if (!c->ts_ok || !o->has_ts || seq_gt(in->seq, c->rcv_wup))
		return;
	if ((int32_t)(o->tsval - c->ts_recent) < 0 && c->ts_recent_s && now_s - c->ts_recent_s <= TCP_PAWS_VALID_S)
		return;
	c->ts_recent = o->tsval;
	c->ts_recent_s = now_s ? now_s : 1;
}

/* Answer a segment that is out of place with an ACK of where we are. */
static void send_dup_ack(struct tcp_conn *c, const struct tcp_in *in)
{
	struct tcp_oo *oo;

	if (tcp_oow_is_limited(c->sk.st, &c->last_challenge_ms, in))
		return;
	if (seq_lt(in->seq, in->end) && seq_lt(in->seq, c->rcv_nxt)) {
		tcp_quickack_enter(c, TCP_QUICKACKS_MAX);
		if (c->sack_ok && c->sk.st->tunables.tcp_dsack && in->len > 0) {
			oo = tcp_conn_oo(c);
			if (oo)
				tcp_sack_duplicate(&oo->sack, in->seq, seq_min(in->end, c->rcv_nxt));
		}
		stat_count(c->sk.st, STAT_TCP_DUPLICATE_DATA);
	}
	tcp_ack_each(c);
}

static bool step_paws(struct tcp_conn *c, const struct tcp_in *in)
{
	if (!paws_rejects(c, in) || in->flags & TCP_RST)
		return true;
	stat_drop(c->sk.st, STAT_TCP_DROP_PAWS);
	send_dup_ack(c, in);
	return false;
}

/* First, the sequence number. The window's left edge is what we last acknowledged, so that a retransmission that crossed our ACK
 * gets through to the later steps (its ACK field may be news). */
static bool step_sequence(struct tcp_conn *c, const struct tcp_in *in)
{
	if (!seq_lt(in->end, c->rcv_wup) && !seq_gt(in->seq, seq_add(c->rcv_nxt, tcp_receive_window(c))))
		return true;
	stat_drop(c->sk.st, STAT_TCP_DROP_SEQUENCE);
	if (!(in->flags & TCP_RST))
		send_dup_ack(c, in);
	return false;
}

/* Second, RST: only one that names rcv_nxt exactly is believed (RFC 5961 section 3.2), or the byte of the FIN before it, as some
 * stacks count. */
static bool step_rst(struct tcp_conn *c, const struct tcp_in *in)
{
	bool is_exact = seq_eq(in->seq, c->rcv_nxt) || (c->rcv_fin && seq_eq(in->seq, seq_sub(c->rcv_nxt, 1)));

	if (!(in->flags & TCP_RST))
		return true;
	if (!is_exact) {
		stat_drop(c->sk.st, STAT_TCP_DROP_RST);
		tcp_challenge_ack(c);
		return false;
	}
	stat_count(c->sk.st, STAT_TCP_RESETS_RECEIVED);
	if (c->state == TCP_SYN_RECEIVED)
		tcp_conn_fail(c, ECONNREFUSED, "rst");
	else if (c->state == TCP_CLOSE_WAIT)
		tcp_conn_fail(c, EPIPE, "rst");
	else
		tcp_conn_fail(c, ECONNRESET, "rst");
	return false;
}

/* Fourth, SYN: a challenge ACK whatever its number (RFC 5961 section 4.2). In a simultaneous open the peer's SYN comes again as
 * SYN-ACK: its ACK is what completes ours. */
static bool step_syn(struct tcp_conn *c, const struct tcp_in *in)
{
	if (!(in->flags & TCP_SYN))
		return true;
	if (c->state == TCP_SYN_RECEIVED && in->flags & TCP_ACK && seq_eq(in->seq, c->irs) && seq_eq(in->ack, c->snd_nxt))
		return true;
	stat_drop(c->sk.st, STAT_TCP_DROP_SYN);
	tcp_challenge_ack(c);
	return false;
}

static bool ack_in_syn_received(struct tcp_conn *c, const struct tcp_in *in)
{
	if (!seq_gt(in->ack, c->snd_una) || seq_gt(in->ack, c->snd_nxt)) {
		stat_drop(c->sk.st, STAT_TCP_DROP_ACK_UNSENT);
		tcp_reply_rst(c->sk.st, in);
		return false;
	}
	tcp_set_state(c, c->fin_queued ? TCP_FIN_WAIT_1 : TCP_ESTABLISHED, "ack");
	tcp_update_snd_wnd(c, in, in->wnd);
	return true;
}

/* Our FIN is acknowledged. Returns false when the connection is over and perhaps freed. */
static bool on_fin_acked(struct tcp_conn *c)
{
	switch (c->state) {
	case TCP_FIN_WAIT_1:
		tcp_set_state(c, TCP_FIN_WAIT_2, "fin_acked");
		if (c->sk.is_orphan) {
			int32_t wait_s = c->linger2_s ? c->linger2_s : (int32_t)c->sk.st->tunables.tcp_fin_timeout;

			if (c->linger2_s < 0) {
				tcp_conn_done(c, "linger2");
				return false;
			}
			tcp_timer_arm(c, TCP_TIMER_KEEP, c->sk.st->now_us + 1000000ull * (uint32_t)wait_s);
		}
		return true;
	case TCP_CLOSING:
		tcp_timewait_enter(c);
		return false;
	case TCP_LAST_ACK:
		tcp_conn_done(c, "last_ack");
		return false;
	default:
		return true;
	}
}

/* Fifth, the ACK field. */
static bool step_ack(struct tcp_conn *c, const struct tcp_in *in)
{
	bool was_syn_received = c->state == TCP_SYN_RECEIVED;

	if (!(in->flags & TCP_ACK)) {
		stat_drop(c->sk.st, STAT_TCP_DROP_NO_ACK);
		return false;
	}
	if (was_syn_received && !ack_in_syn_received(c, in))
		return false;
	if (!tcp_on_ack(c, in))
		return false;
	if (was_syn_received) {
		tcp_conn_established(c);
		tcp_conn_raise(c, SOCK_CONNECTED | SOCK_WRITABLE);
	}
	if (c->fin_sent && seq_eq(c->snd_una, c->snd_nxt))
		return on_fin_acked(c);
	return true;
}

/* Seventh, the payload: after our application has gone, there is nobody to take it, and the peer must know (RFC 9293 section 3.6.1,
 * RFC 2525 section 2.17). */
static bool step_data(struct tcp_conn *c, struct tcp_in *in)
{
	if (c->sk.is_orphan && in->len > 0 && seq_gt(in->end, c->rcv_nxt) && !c->rcv_fin) {
		stat_drop(c->sk.st, STAT_TCP_DROP_CLOSED);
		stat_count(c->sk.st, STAT_TCP_ABORT_ON_DATA);
		tcp_conn_send_rst(c);
		tcp_conn_fail(c, 0, "data_after_close");
		return false;
	}
	if (!tcp_state_in(c, TCP_STATE_BIT(TCP_ESTABLISHED) | TCP_STATE_BIT(TCP_FIN_WAIT_1) | TCP_STATE_BIT(TCP_FIN_WAIT_2))) {
		/* After the peer's FIN there cannot be more: only retransmissions come, and they want an ACK. */
		if (in->len > 0)
			tcp_ack_each(c);
		return true;
	}
	tcp_on_data(c, in);
	return true;
}

/* Eighth, FIN. */
static bool step_fin(struct tcp_conn *c, const struct tcp_in *in)
{
	if (!tcp_state_in(c, TCP_STATE_BIT(TCP_ESTABLISHED) | TCP_STATE_BIT(TCP_FIN_WAIT_1) | TCP_STATE_BIT(TCP_FIN_WAIT_2))) {
		if (in->flags & TCP_FIN) /* again: our ACK was lost */
			tcp_ack_now(c);
		return true;
	}
	if (!tcp_on_fin(c, in))
		return true;
	if (c->state == TCP_FIN_WAIT_2) {
		tcp_conn_peer_closed(c);
		tcp_timewait_enter(c);
		return false;
	}
	tcp_conn_peer_closed(c);
	return true;
}

void tcp_conn_input(struct tcp_conn *c, struct tcp_in *in)
{
	c->segs_in += in->segs;
	if (!step_paws(c, in) || !step_sequence(c, in) || !step_rst(c, in) || !step_syn(c, in) || !step_ack(c, in))
		return;
	tcp_urgent_on_segment(c, in);
	if (!step_data(c, in) || !step_fin(c, in))
		return;
	tcp_delack_decide(c);
	tcp_want_output(c);
}
