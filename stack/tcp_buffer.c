/* SPDX-License-Identifier: BSD-2-Clause */
/* How large the two buffers are. Both start small and follow the connection, within net.ipv4.tcp_rmem and tcp_wmem, unless the
 * application set SO_RCVBUF or SO_SNDBUF.
 *   Receiving ("dynamic right-sizing", Fisk and Feng 2001): in one round trip the application should be able to take twice what it
 *   took in the last one, so that the window never holds a growing sender back. The round trip is measured by timestamps, or by the
 *   time a window's worth takes to arrive.
 *   Sending: twice the congestion window, so that a new window can be filled while one is in flight. */
#include "tcp_conn.h"

void tcp_buffer_init(struct tcp_conn *c)
{
	const struct tunables *t = &c->sk.st->tunables;

	if (!c->sk.opt.rcvbuf_locked)
		c->sk.opt.rcvbuf = tcp_max(t->tcp_rmem_default, t->tcp_rmem_min);
	if (!c->sk.opt.sndbuf_locked)
		c->sk.opt.sndbuf = tcp_max(t->tcp_wmem_default, t->tcp_wmem_min);
}

void tcp_buffer_established(struct tcp_conn *c)
{
	uint32_t most = tcp_win_from_space(c->sk.opt.rcvbuf);

	c->rcvq_space = tcp_min(c->rcv_wnd, TCP_INIT_CWND * c->advmss);
	c->rcvq_seq = c->rcv_nxt;
	c->rcvq_time_us = (uint32_t)c->sk.st->now_us;
	c->rcv_rtt_seq = seq_add(c->rcv_nxt, c->rcv_wnd);
	c->rcv_rtt_time_us = (uint32_t)c->sk.st->now_us;
	c->window_clamp = tcp_min(c->window_clamp, most);
	c->rcv_ssthresh = tcp_min(c->rcv_wnd, c->window_clamp);
	tcp_buffer_expand_send(c);
}

/* With timestamps each sample is a true round trip, or longer when the peer was slow: take the least, easing up. */
static void rtt_sample(struct tcp_conn *c, uint32_t sample_us, bool is_window)
{
	uint32_t old = c->rcv_rtt_us;

	if (sample_us == 0)
		sample_us = 1;
	if (old == 0 || (is_window && sample_us < old))
		c->rcv_rtt_us = sample_us;
	else if (!is_window)
		c->rcv_rtt_us = (uint32_t)(((uint64_t)old * 7 + sample_us) / 8);
}

void tcp_buffer_on_data(struct tcp_conn *c, const struct tcp_in *in)
{
	uint32_t now_us = (uint32_t)c->sk.st->now_us;

	if (c->ts_ok && in->h->opt.has_ts) {
		/* One sample for each timestamp of ours that comes back, as in RFC 7323 section 4. */
		if (in->h->opt.tsecr != 0 && in->h->opt.tsecr != c->rcv_tsecr_last && in->mss >= c->rcv_mss) {
			uint32_t delta_ms = tcp_ts_now(c) - in->h->opt.tsecr;

			c->rcv_tsecr_last = in->h->opt.tsecr;
			if (delta_ms < 120000)
				rtt_sample(c, delta_ms ? delta_ms * 1000 : 1000, false);
		}
		return;
	}
	if (seq_lt(c->rcv_nxt, c->rcv_rtt_seq))
		return;
	rtt_sample(c, now_us - c->rcv_rtt_time_us, true);
	c->rcv_rtt_seq = seq_add(c->rcv_nxt, c->rcv_wnd);
	c->rcv_rtt_time_us = now_us;
}

void tcp_buffer_on_read(struct tcp_conn *c)
{
	const struct tunables *t = &c->sk.st->tunables;
	uint32_t now_us = (uint32_t)c->sk.st->now_us;
	tcp_seq read_seq = seq_sub(c->rcv_nxt, c->rcvq.bytes);
	uint32_t copied;

	if (c->rcv_rtt_us == 0 || now_us - c->rcvq_time_us < c->rcv_rtt_us)
		return;
	copied = seq_diff(read_seq, c->rcvq_seq);
	if (copied > c->rcvq_space) {
		/* Room for twice as much in the next round trip, plus what the sender may have put on top by slow start. */
		uint64_t window = 2ull * copied + 16ull * c->advmss;
		uint64_t grow = window * (copied - c->rcvq_space) / tcp_max(c->rcvq_space, 1);
		uint64_t rcvbuf = 2 * (window + 2 * grow);

		if (rcvbuf > t->tcp_rmem_max)
			rcvbuf = t->tcp_rmem_max;
		if (t->tcp_moderate_rcvbuf && !c->sk.opt.rcvbuf_locked && rcvbuf > c->sk.opt.rcvbuf) {
			c->sk.opt.rcvbuf = (uint32_t)rcvbuf;
			c->window_clamp = tcp_min(tcp_win_from_space(c->sk.opt.rcvbuf),
						  (uint32_t)TCP_WINDOW_MAX_UNSCALED << c->rcv_wscale);
		}
		c->rcvq_space = copied;
	}
	c->rcvq_seq = read_seq;
	c->rcvq_time_us = now_us;
}

/* What a segment of @mss takes in Linux's count, so that a socket's buffer has the size that its user knows from there. */
static uint32_t segment_bytes(uint32_t mss)
{
	enum { HEADERS = 640, RECORD = 232 };

	return (1u << (32 - __builtin_clz(mss + HEADERS - 1))) + RECORD;
}

void tcp_buffer_expand_send(struct tcp_conn *c)
{
	uint64_t want = 2ull * tcp_max(c->cc.cwnd, TCP_INIT_CWND) * segment_bytes(c->mss);

	if (c->sk.opt.sndbuf_locked)
		return;
	if (want > c->sk.st->tunables.tcp_wmem_max)
		want = c->sk.st->tunables.tcp_wmem_max;
	if (want > c->sk.opt.sndbuf)
		c->sk.opt.sndbuf = (uint32_t)want;
}

uint32_t tcp_send_room(const struct tcp_conn *c)
{
	uint32_t sndbuf = c->sk.opt.sndbuf;
	uint32_t room = sndbuf > c->tx->sndq.bytes ? sndbuf - c->tx->sndq.bytes : 0;
	uint32_t lowat = c->notsent_lowat ? c->notsent_lowat : c->sk.st->tunables.tcp_notsent_lowat;
	uint32_t unsent = tcp_unsent(c);

	if (unsent >= lowat) /* TCP_NOTSENT_LOWAT */
		return 0;
	return room;
}

/* Tell it only when a third of the buffer is free, not for each ACK (Linux). */
void tcp_send_space_check(struct tcp_conn *c)
{
	if (!c->full || c->tx->sndq.bytes > c->sk.opt.sndbuf - c->sk.opt.sndbuf / 3 || tcp_send_room(c) == 0)
		return;
	c->full = false;
	tcp_conn_raise(c, SOCK_WRITABLE);
}
