/* SPDX-License-Identifier: BSD-2-Clause */
/* When to acknowledge (RFC 9293 section 3.8.6.3, RFC 5681 section 4.2), by Linux's rules:
 *   - at once: more than one full segment is unacknowledged and the window would not shrink by waiting (a super-segment alone is more
 *     than that); data out of order or filling a hole; the first segments of a connection and after silence, while the peer is in slow
 *     start ("quick ACKs"), unless the connection is interactive, when the answer carries the ACK ("pingpong");
 *   - else after at least 40 ms and at most 200 ms, adapted to the gaps between segments.
 * Input only decides; tcp_output sends, one ACK for whatever came together. */
#include "tcp_conn.h"

void tcp_ack_now(struct tcp_conn *c)
{
	if (c->acks_owed == 0)
		c->acks_owed = 1;
	tcp_want_output(c);
}

/* Duplicate ACKs count for the sender (RFC 5681 section 3.2). With SACK three of a kind tell all there is to tell. */
void tcp_ack_each(struct tcp_conn *c)
{
	uint8_t most = c->sack_ok ? TCP_DUP_THRESH : UINT8_MAX;

	if (c->acks_owed < most)
		c->acks_owed++;
	tcp_want_output(c);
}

/* As many as the peer's window holds at two segments an ACK; never fewer than two. */
static void grant_quickacks(struct tcp_conn *c, unsigned count)
{
	unsigned acks = c->rcv_mss ? c->rcv_wnd / (2u * c->rcv_mss) : 2;

	if (acks == 0)
		acks = 2;
	if (acks > count)
		acks = count;
	if (acks > c->quickacks)
		c->quickacks = (uint8_t)acks;
}

void tcp_quickack_enter(struct tcp_conn *c, unsigned count)
{
	grant_quickacks(c, count);
	c->pingpong = false;
	c->ato_us = TCP_DELACK_MIN_US;
}

/* The size of the peer's full segments, from what it sends. A small one counts only when it cannot be the end of a larger write. */
static void measure_rcv_mss(struct tcp_conn *c, const struct tcp_in *in)
{
	if (in->mss >= c->rcv_mss) {
		c->rcv_mss = (uint16_t)tcp_min(in->mss, c->advmss);
		return;
	}
	if (in->flags & TCP_PSH) {
		if (c->ack_pushed)
			c->ack_pushed2 = true;
		c->ack_pushed = true;
	}
}

/* The expected gap to the next segment: a new gap weighs one half; silence makes the peer slow-start again, which needs quick ACKs. */
static void adapt_ato(struct tcp_conn *c)
{
	uint32_t gap_us = (tcp_now_ms(c->sk.st) - c->last_data_recv_ms) * 1000;

	if (c->ato_us == 0) {
		grant_quickacks(c, TCP_QUICKACKS_MAX);
		c->ato_us = TCP_DELACK_MIN_US;
		return;
	}
	if (gap_us <= TCP_DELACK_MIN_US / 2) {
		c->ato_us = c->ato_us / 2 + TCP_DELACK_MIN_US / 2;
	} else if (gap_us < c->ato_us) {
		c->ato_us = c->ato_us / 2 + gap_us;
		if (c->ato_us > c->rtt.rto_us)
			c->ato_us = c->rtt.rto_us;
	} else if (gap_us > c->rtt.rto_us) {
		grant_quickacks(c, TCP_QUICKACKS_MAX);
	}
}

void tcp_delack_on_data(struct tcp_conn *c, const struct tcp_in *in)
{
	c->ack_scheduled = true;
	measure_rcv_mss(c, in);
	adapt_ato(c);
	c->last_data_recv_ms = tcp_now_ms(c->sk.st);
	if (in->len >= 128)
		tcp_grow_window(c, in);
}

static void schedule_delayed(struct tcp_conn *c)
{
	uint64_t now_us = c->sk.st->now_us, at_us, pending_us = c->deadline_us[TCP_TIMER_DELACK];
	uint32_t ato = c->ato_us;

	if (ato > TCP_DELACK_MIN_US) {
		uint32_t most = c->pingpong || c->ack_pushed ? TCP_DELACK_MAX_US : 500000;
		uint32_t srtt = tcp_rtt_srtt_us(&c->rtt);

		if (srtt)
			most = tcp_min(most, tcp_max(srtt, TCP_DELACK_MIN_US));
		ato = tcp_min(ato, most);
	}
	ato = tcp_min(tcp_max(ato, TCP_DELACK_MIN_US), TCP_DELACK_MAX_US);
	at_us = now_us + ato;
	if (pending_us) {
		if (pending_us <= now_us + ato / 4) { /* nearly due anyway */
			tcp_ack_now(c);
			return;
		}
		if (pending_us < at_us)
			at_us = pending_us;
	}
	tcp_timer_arm(c, TCP_TIMER_DELACK, at_us);
}

void tcp_delack_decide(struct tcp_conn *c)
{
	uint32_t unacked;

	if (!c->ack_scheduled || c->acks_owed > 0)
		return;
	unacked = seq_diff(c->rcv_nxt, c->rcv_wup);
	if ((unacked > c->rcv_mss &&
	     (c->rcvq.bytes < (uint32_t)c->sk.opt.rcvlowat || tcp_select_window(c) >= c->rcv_wnd)) ||
	    (c->quickacks > 0 && !c->pingpong) || (c->oo && c->oo->reasm.first))
		tcp_ack_now(c);
	else
		schedule_delayed(c);
}

/* Any segment sent carries an ACK. */
void tcp_delack_on_ack_sent(struct tcp_conn *c)
{
	if (c->quickacks > 0 && c->ack_scheduled) {
		c->quickacks--;
		if (c->quickacks == 0)
			c->ato_us = TCP_DELACK_MIN_US; /* the peer has left slow start: delay from now on */
	}
	c->ack_scheduled = false;
	c->ack_pushed = c->ack_pushed2 = false;
	c->last_ack_sent_ms = tcp_now_ms(c->sk.st);
	tcp_timer_stop(c, TCP_TIMER_DELACK);
}

/* An answer within the ACK's time-out: this is a conversation. */
void tcp_delack_on_data_sent(struct tcp_conn *c)
{
	if (c->last_data_recv_ms && (tcp_now_ms(c->sk.st) - c->last_data_recv_ms) * 1000 < c->ato_us)
		c->pingpong = true;
	c->last_data_sent_ms = tcp_now_ms(c->sk.st);
}

void tcp_delack_on_read(struct tcp_conn *c, size_t taken)
{
	uint32_t left, window;

	if (tcp_state_in(c, TCP_STATE_BIT(TCP_CLOSED) | TCP_STATE_BIT(TCP_LISTEN) | TCP_STATE_BIT(TCP_SYN_SENT)))
		return;
	if (c->ack_scheduled && c->acks_owed == 0 &&
	    (seq_diff(c->rcv_nxt, c->rcv_wup) > c->rcv_mss ||
	     (taken > 0 && c->rcvq.bytes == 0 && (c->ack_pushed2 || (c->ack_pushed && !c->pingpong)))))
		tcp_ack_now(c);
	if (taken == 0 || c->acks_owed > 0 || c->rcv_fin)
		return;
	/* A window update only when it at least doubles what the peer knows of (RFC 9293 section 3.8.6.2.2). */
	left = tcp_receive_window(c);
	if (2ull * left > c->window_clamp)
		return;
	window = tcp_select_window(c);
	if (window > 0 && window >= 2ull * left)
		tcp_ack_now(c);
}

void tcp_delack_on_timer(struct tcp_conn *c)
{
	if (!c->ack_scheduled)
		return;
	if (c->pingpong) { /* the answer did not come in time: not that interactive */
		c->pingpong = false;
		c->ato_us = TCP_DELACK_MIN_US;
	} else {
		c->ato_us = tcp_min(c->ato_us * 2, c->rtt.rto_us);
	}
	stat_count(c->sk.st, STAT_TCP_DELAYED_ACKS);
	tcp_ack_now(c);
}

/* At most tcp_invalid_ratelimit apart for segments without data (a loop of two confused ends carries none). */
bool tcp_oow_is_limited(struct stack *st, uint32_t *last_ms, const struct tcp_in *in)
{
	uint32_t now_ms = tcp_now_ms(st);

	if (in && in->len > 0 && !(in->flags & TCP_SYN))
		return false;
	if (*last_ms && now_ms - *last_ms < st->tunables.tcp_invalid_ratelimit) {
		stat_count(st, STAT_TCP_ACK_RATE_LIMITED);
		return true;
	}
	*last_ms = now_ms ? now_ms : 1;
	return false;
}

/* RFC 5961 section 7, with a limit that a blind attacker cannot count down to (CVE-2016-5696): it varies from second to second. */
bool tcp_challenge_allowed(struct stack *st)
{
	struct tcp_table *t = &st->tcp;
	uint32_t limit = st->tunables.tcp_challenge_ack_limit;
	uint64_t second = st->now_us / 1000000;

	if (limit == INT32_MAX)
		return true;
	if (t->challenge_second != second || t->challenge_second == 0) {
		t->challenge_second = second;
		t->challenge_left = limit / 2 + rng_below(&st->rng, limit + 1);
	}
	if (t->challenge_left == 0) {
		stat_count(st, STAT_TCP_ACK_RATE_LIMITED);
		return false;
	}
	t->challenge_left--;
	return true;
}

void tcp_challenge_ack(struct tcp_conn *c)
{
	if (tcp_oow_is_limited(c->sk.st, &c->last_challenge_ms, NULL) || !tcp_challenge_allowed(c->sk.st))
		return;
	stat_count(c->sk.st, STAT_TCP_CHALLENGE_ACKS);
	tcp_ack_now(c);
}
