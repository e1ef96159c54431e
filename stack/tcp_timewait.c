/* SPDX-License-Identifier: BSD-2-Clause */
/* TIME-WAIT (RFC 9293 section 3.6.1, 3.10.7.4): what is left of a connection for 2 MSL, so that its last ACK can be repeated and its
 * stray segments meet nobody else. A small record instead of a connection, since a busy client has tens of thousands.
 * It ends early only where timestamps or sequence numbers prove that nothing can be confused: for a peer's SYN (RFC 6191), and for
 * our own connect() (net.ipv4.tcp_tw_reuse). Resets do not end it (RFC 1337), unless net.ipv4.tcp_rfc1337 is 0. */
#include "tcp_conn.h"

static uint32_t now_s(const struct stack *st)
{
	uint32_t s = (uint32_t)(st->now_us / 1000000);

	return s ? s : 1;
}

static void on_timer(struct timer *t, uint64_t now_us)
{
	(void)now_us;
	tcp_timewait_free(container_of(t, struct tcp_timewait, timer));
}

void tcp_timewait_free(struct tcp_timewait *tw)
{
	struct stack *st = tw->st;

	timer_cancel(&tw->timer);
	tcp_table_remove(st, &tw->node);
	port_release(st, &tw->port);
	pool_put(&st->tcp.timewaits, tw);
}

static void send_ack(const struct tcp_timewait *tw)
{
	struct stack *st = tw->st;
	struct tcp_reply r = {
		.local = tw->local,
		.remote = tw->remote,
		.ifindex = tw->remote.scope_id,
		.hdr = {
			.seq = tw->snd_nxt,
			.ack = tw->rcv_nxt,
			.wnd = (uint16_t)(tw->rcv_wnd >> tw->rcv_wscale),
			.flags = TCP_ACK,
		},
	};

	if (tw->ts_ok)
		r.hdr.opt = (struct tcp_options){
			.has_ts = true,
			.tsval = tcp_now_ms(st) + tw->ts_offset,
			.tsecr = tw->ts_recent,
		};
	tcp_reply_send(st, &r);
}

void tcp_timewait_enter(struct tcp_conn *c)
{
	struct stack *st = c->sk.st;
	struct tcp_timewait record = {
		.node = { .kind = TCP_NODE_TIMEWAIT },
		.st = st,
		.local = c->sk.local,
		.remote = c->sk.remote,
		.snd_nxt = c->snd_nxt,
		.rcv_nxt = c->rcv_nxt,
		.rcv_wnd = tcp_receive_window(c),
		.ts_recent = c->ts_recent,
		.ts_recent_s = c->ts_recent_s,
		.ts_offset = c->ts_offset,
		.rcv_wscale = c->rcv_wscale,
		.ts_ok = c->ts_ok,
	};
	struct tcp_timewait *tw = NULL;

	if (c->acks_owed > 0 || c->ack_scheduled)
		send_ack(&record);
	if (st->tcp.timewaits.used < st->tunables.tcp_max_tw_buckets)
		tw = pool_get(&st->tcp.timewaits);
	if (!tw) {
		stat_count(st, STAT_TCP_TIMEWAIT_OVERFLOWS);
		tcp_conn_done(c, "time_wait_full");
		return;
	}
	*tw = record;
	timer_init(&tw->timer, on_timer);
	timer_set(&st->wheel, &tw->timer, st->now_us + TCP_TIMEWAIT_US);
	tcp_table_remove(st, &c->node);
	tcp_table_add(st, &tw->node);
	port_hold_init(&tw->port);
	port_move(&tw->port, &c->sk.port);
	stat_count(st, STAT_TCP_TIMEWAITS);
	tcp_conn_done(c, "time_wait");
}

static bool paws_rejects(const struct tcp_timewait *tw, const struct tcp_options *o)
{
	return tw->ts_ok && o->has_ts && (int32_t)(o->tsval - tw->ts_recent) < 0 &&
	       now_s(tw->st) - tw->ts_recent_s <= TCP_PAWS_VALID_S;
}

/* A SYN that cannot be an old one: its sequence number is above all that we received, or its timestamp is (RFC 6191 section 2). */
static bool is_new_connection(const struct tcp_timewait *tw, const struct tcp_in *in)
{
	const struct tcp_options *o = &in->h->opt;

	if ((in->flags & (TCP_SYN | TCP_RST | TCP_ACK)) != TCP_SYN)
		return false;
	return seq_gt(in->seq, tw->rcv_nxt) || (tw->ts_ok && o->has_ts && (int32_t)(o->tsval - tw->ts_recent) > 0);
}

/* Above all that the old connection sent, and what may still be on the way. */
static tcp_seq next_isn(const struct tcp_timewait *tw)
{
	return seq_add(tw->snd_nxt, TCP_WINDOW_MAX_UNSCALED + 2);
}

static void restart(struct tcp_timewait *tw, const struct tcp_in *in, bool is_paws_reject)
{
	if (tw->ts_ok && in->h->opt.has_ts && !is_paws_reject) {
		tw->ts_recent = in->h->opt.tsval;
		tw->ts_recent_s = now_s(tw->st);
	}
	timer_set(&tw->st->wheel, &tw->timer, tw->st->now_us + TCP_TIMEWAIT_US);
}

bool tcp_timewait_input(struct tcp_timewait *tw, struct tcp_in *in, bool has_listener, tcp_seq *isn)
{
	struct stack *st = tw->st;
	bool is_paws_reject = paws_rejects(tw, &in->h->opt);

	if (in->flags & TCP_RST) {
		if (seq_eq(in->seq, tw->rcv_nxt) && !is_paws_reject && !st->tunables.tcp_rfc1337)
			tcp_timewait_free(tw);
		else
			stat_drop(st, STAT_TCP_DROP_RST);
		return false;
	}
	if (!is_paws_reject && seq_eq(in->seq, tw->rcv_nxt) && seq_eq(in->seq, in->end)) { /* a late pure ACK */
		restart(tw, in, false);
		return false;
	}
	if (has_listener && !is_paws_reject && is_new_connection(tw, in)) {
		*isn = next_isn(tw);
		stat_count(st, STAT_TCP_TIMEWAIT_REUSED);
		tcp_timewait_free(tw);
		return true;
	}
	stat_drop(st, is_paws_reject ? STAT_TCP_DROP_PAWS : STAT_TCP_DROP_CLOSED);
	/* Its FIN again, or out of place: acknowledge (RFC 9293), and wait anew when it may have been the peer's. */
	if (in->flags & TCP_ACK)
		restart(tw, in, is_paws_reject);
	if (!tcp_oow_is_limited(st, &tw->last_oow_ms, NULL))
		send_ack(tw);
	return false;
}

/* As Linux's tcp_tw_reuse: with timestamps, one second after the last of the old ones, the peer's PAWS refuses what is left of the
 * old connection, and our numbers go on above it. */
bool tcp_timewait_may_reuse(const struct tcp_timewait *tw)
{
	const struct stack *st = tw->st;

	return st->tunables.tcp_tw_reuse && st->tunables.tcp_timestamps && tw->ts_ok && now_s(st) > tw->ts_recent_s;
}

tcp_seq tcp_timewait_take_over(struct tcp_timewait *tw, struct tcp_conn *c)
{
	tcp_seq isn = next_isn(tw);

	c->ts_recent = tw->ts_recent;
	c->ts_recent_s = tw->ts_recent_s;
	stat_count(tw->st, STAT_TCP_TIMEWAIT_REUSED);
	tcp_timewait_free(tw);
	return isn;
}
