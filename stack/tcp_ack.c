/* SPDX-License-Identifier: BSD-2-Clause */
/* Section 3.10.7.4 step 5, what an acknowledgment does: the send window, what is acknowledged, the round trip, the congestion window,
 * and recovery. The moves between states that an acknowledged FIN makes are in tcp_arrive.c. */
#include "tcp_conn.h"

/* RFC 9293 section 3.10.7.4: only from segments that are not older than the last one that set it. */
static bool may_update_window(const struct tcp_conn *c, const struct tcp_in *in, bool is_new)
{
	return is_new || seq_gt(in->seq, c->snd_wl1) || (seq_eq(in->seq, c->snd_wl1) && (in->wnd > c->snd_wnd || in->wnd == 0));
}

void tcp_update_snd_wnd(struct tcp_conn *c, const struct tcp_in *in, uint32_t wnd)
{
	c->snd_wl1 = in->seq;
	if (c->snd_wnd == wnd)
		return;
	c->snd_wnd = wnd;
	if (wnd > c->max_snd_wnd) {
		c->max_snd_wnd = wnd;
		if (c->state != TCP_SYN_SENT)
			tcp_sync_mss(c);
	}
}

/* Bytes that this segment's SACK blocks report above snd_una; *is_dsack: its first block repeats what was acknowledged (RFC 2883). */
static uint32_t sacked_bytes(struct tcp_conn *c, const struct tcp_in *in)
{
	const struct tcp_options *o = &in->h->opt;
	uint32_t sum = 0;

	if (!c->sack_ok)
		return 0;
	for (unsigned i = 0; i < o->sack_count; i++) {
		tcp_seq left = o->sacks[i].left, right = o->sacks[i].right;

		if (!seq_lt(left, right) || seq_gt(right, c->snd_nxt))
			continue;
		if (seq_le(right, in->ack)) {
			if (i == 0)
				c->dsack_dups++;
			continue;
		}
		if (seq_lt(left, in->ack)) /* a DSACK below its island */
			continue;
		sum += seq_diff(right, left);
	}
	return sum;
}

/* What was sent once gives a sample (Karn). For what was sent again, an echoed timestamp can tell which transmission arrived (RFC 7323
 * section 4). An echo from before the last retransmission is no measure: mostly the first ACK was lost, and this answers the
 * repetition; taken as a round trip it would drive the timeout up with each loss. Without a sample the back-off stays (RFC 6298
 * section 5, Karn's second half), so that a path which has become slower is measured by the next segment. */
static void take_rtt(struct tcp_conn *c, const struct tcp_in *in, const struct tcp_rtxq_acked *acked)
{
	const struct tcp_options *o = &in->h->opt;
	uint64_t now_us = c->sk.st->now_us;
	uint32_t again_ts, delta_ms;

	if (acked->retrans_packets == 0) {
		if (acked->first_sent_us)
			tcp_rtt_on_sample(&c->rtt, (uint32_t)(now_us - acked->first_sent_us), c->snd_una, c->snd_nxt);
		return;
	}
	if (!c->ts_ok || !o->has_ts || o->tsecr == 0)
		return;
	again_ts = (uint32_t)(acked->last_retrans_us / 1000) + c->ts_offset;
	delta_ms = tcp_ts_now(c) - o->tsecr;
	if ((int32_t)(o->tsecr - again_ts) >= 0 && delta_ms < TCP_RTO_MAX_US / 1000)
		tcp_rtt_on_sample(&c->rtt, delta_ms ? delta_ms * 1000 : 1000, c->snd_una, c->snd_nxt);
}

/* Take the acknowledged bytes off the send queue. */
static void release_bytes(struct tcp_conn *c, tcp_seq old_una, const struct tcp_rtxq_acked *acked)
{
	uint32_t n = seq_diff(c->snd_una, old_una) - acked->has_syn - acked->has_fin;

	c->bytes_acked += n;
	byteq_consume(&c->tx->sndq, &c->sk.st->byteq_mem, n);
	byteq_cursor_consumed(&c->tx->cursor, n);
	tcp_tx_put_if_idle(c);
}

static bool is_cwnd_limited(const struct tcp_conn *c)
{
	if (c->is_cwnd_limited)
		return true;
	return tcp_cc_in_slow_start(&c->cc) && c->cc.cwnd < 2 * c->max_packets_out;
}

static void on_new_ack(struct tcp_conn *c, const struct tcp_in *in, struct tcp_ack_news *news)
{
	tcp_seq old_una = c->snd_una;
	uint32_t in_flight = tcp_pipe(c);

	c->snd_una = in->ack;
	news->acked = tcp_rtxq_ack(&c->tx->rtxq, &c->sk.st->tcp.sent, c->snd_una, c->mss);
	tcp_urgent_on_ack(c);
	release_bytes(c, old_una, &news->acked);
	c->delivered += news->acked.packets;
	c->retransmits = 0;
	c->retrans_start_us = 0;
	c->soft_error = 0;
	take_rtt(c, in, &news->acked);
	tcp_timer_arm_rto(c);
	ip_dst_confirm(c->sk.st, &c->sk.dst);
	if (news->acked.packets > 0 && c->ca_state != TCP_CA_RECOVERY) {
		struct tcp_cc_ack ack = {
			.acked = news->acked.packets,
			.in_flight = in_flight,
			.is_cwnd_limited = is_cwnd_limited(c) || c->ca_state == TCP_CA_LOSS,
			.now_us = c->sk.st->now_us,
		};

		c->cc.ops->on_ack(&c->cc, &ack);
		tcp_buffer_expand_send(c);
	}
}

/* RFC 5681 section 2: five conditions. */
static bool is_duplicate(const struct tcp_conn *c, const struct tcp_in *in, bool is_update)
{
	return c->tx->rtxq.head && in->len == 0 && !(in->flags & (TCP_SYN | TCP_FIN)) && seq_eq(in->ack, c->snd_una) && !is_update;
}

bool tcp_on_ack(struct tcp_conn *c, const struct tcp_in *in)
{
	struct tcp_ack_news news = { 0 };
	bool is_new = seq_gt(in->ack, c->snd_una), is_update = false, was_in_flight = c->tx->rtxq.head != NULL;

	if (seq_lt(in->ack, c->snd_una)) {
		/* RFC 5961 section 5.2: too old to be anything but a guess. */
		if (seq_lt(in->ack, seq_sub(c->snd_una, c->max_snd_wnd))) {
			stat_drop(c->sk.st, STAT_TCP_DROP_OLD_ACK);
			tcp_challenge_ack(c);
			return false;
		}
		return true;
	}
	if (seq_gt(in->ack, c->snd_nxt)) { /* something not yet sent: acknowledge and drop */
		stat_drop(c->sk.st, STAT_TCP_DROP_ACK_UNSENT);
		tcp_challenge_ack(c);
		return false;
	}
	tcp_store_ts_recent(c, in);
	c->last_ack_recv_ms = tcp_now_ms(c->sk.st);
	if (may_update_window(c, in, is_new)) {
		is_update = in->wnd != c->snd_wnd;
		tcp_update_snd_wnd(c, in, in->wnd);
	}
	news.sacked_bytes = sacked_bytes(c, in);
	news.is_dup = is_duplicate(c, in, is_update && news.sacked_bytes == 0);
	c->probes = 0;
	if (is_new)
		on_new_ack(c, in, &news);
	tcp_recovery_on_ack(c, &news);
	if (!c->tx->rtxq.head) {
		c->retrans_start_us = 0;
		if (was_in_flight) /* else the timer is for probes, and goes on: what the peer sends must not put them off */
			tcp_timer_stop(c, TCP_TIMER_RETRANS);
	}
	if (is_new)
		tcp_send_space_check(c);
	tcp_chrono_set(c);
	return true;
}
