/* SPDX-License-Identifier: BSD-2-Clause */
/* What goes out, and when: RFC 9293 section 3.8 with RFC 5681's window. Output is pulled. Whatever may make a connection want to send
 * puts it on a list (tcp_want_output); tcp_output takes them off in turn and asks each for its next segment, which is, in this order:
 *   1. our SYN or SYN-ACK;
 *   2. what is marked lost, as cwnd allows;
 *   3. new data and the FIN, as cwnd, the peer's window, silly-window avoidance and Nagle allow: one super-segment where the link
 *      cuts it up, else one MSS;
 *   4. a probe;
 *   5. an ACK, if none of these carried it.
 * A connection that sent goes to the end of the list, one that has nothing leaves it. Segments are a header and slices of the send
 * queue: nothing is copied. */
#include "tcp_conn.h"

#include <netinet/in.h>

#include <errno.h>

enum send_result { SEND_NOTHING, SEND_AWAY, SEND_READY };

void tcp_want_output(struct tcp_conn *c)
{
	if (!list_is_linked(&c->send_link))
		list_append(&c->sk.st->tcp.want_send, &c->send_link);
}

uint32_t tcp_ts_now(const struct tcp_conn *c)
{
	return tcp_now_ms(c->sk.st) + c->ts_offset;
}

uint32_t tcp_unsent(const struct tcp_conn *c)
{
	if (tcp_state_in(c, TCP_STATE_BIT(TCP_SYN_SENT) | TCP_STATE_BIT(TCP_SYN_RECEIVED) | TCP_STATE_BIT(TCP_CLOSED)))
		return c->tx->sndq.bytes;
	if (c->fin_sent)
		return 0;
	return c->tx->sndq.bytes - seq_diff(c->snd_nxt, c->snd_una);
}

static bool may_set_df(const struct tcp_conn *c)
{
	uint8_t way = sock_pmtudisc(&c->sk, &c->sk.remote.addr);

	return !c->sk.dst.is_mtu_locked && way >= IP_PMTUDISC_WANT && way <= IP_PMTUDISC_PROBE;
}

static struct ip_tx ip_tx_of(struct tcp_conn *c)
{
	return (struct ip_tx){
		.src = c->sk.local.addr,
		.dst = c->sk.remote.addr,
		.proto = IPPROTO_NR_TCP,
		.ttl = sock_ttl(&c->sk, &c->sk.remote.addr),
		.tos = sock_tos(&c->sk, &c->sk.remote.addr),
		.dont_fragment = may_set_df(c), /* path MTU discovery: RFC 9293 SHLD-6, RFC 1191 */
		.sock_id = c->sk.id,
		.csum_offset = TCP_CSUM_OFFSET,
		.flow_label = c->sk.flow_label,
		.auto_label = sock_auto_label(&c->sk),
	};
}

/* ---- One segment -------------------------------------------------------------------------------------------------- */

static unsigned sack_blocks(const struct tcp_conn *c)
{
	if (!c->sack_ok || !c->oo)
		return 0;
	return tcp_min(c->oo->sack.count + c->oo->sack.has_dsack, c->ts_ok ? 3 : 4);
}

/* Payload of a full segment now: SACK blocks take their room from it. */
static uint32_t current_mss(const struct tcp_conn *c)
{
	unsigned blocks = sack_blocks(c);

	return blocks ? c->mss - (4 + 8 * blocks) : c->mss;
}

static void syn_options(const struct tcp_conn *c, struct tcp_options *o)
{
	const struct tunables *t = &c->sk.st->tunables;
	bool is_answer = c->state == TCP_SYN_RECEIVED; /* then only what the peer offered too */

	o->has_mss = true;
	o->mss = c->advmss;
	o->has_ts = is_answer ? c->ts_ok : t->tcp_timestamps;
	o->sack_permitted = is_answer ? c->sack_ok : t->tcp_sack;
	o->has_wscale = is_answer ? c->wscale_ok : t->tcp_window_scaling;
	o->wscale = c->rcv_wscale;
}

/* Send a header and the @len bytes that out->iov[1] .. describe. */
static enum send_result send_segment(struct tcp_conn *c, struct frame_out *out, tcp_seq seq, uint32_t len, uint8_t flags,
				     uint32_t mss)
{
	struct stack *st = c->sk.st;
	struct sock_tx_room room;
	struct ip_tx tx;
	struct tcp_hdr h = {
		.src_port = c->sk.local.port,
		.dst_port = c->sk.remote.port,
		.seq = seq,
		.flags = flags,
	};
	uint32_t packets = tcp_packets_of(len, mss);

	tcp_urgent_fill_hdr(c, &h);
	if (flags & TCP_SYN)
		syn_options(c, &h.opt);
	else
		h.opt.has_ts = c->ts_ok;
	if (h.opt.has_ts) {
		h.opt.tsval = tcp_ts_now(c);
		h.opt.tsecr = flags & TCP_ACK ? c->ts_recent : 0;
	}
	if (flags & TCP_ACK) {
		if (sack_blocks(c) > 0) {
			tcp_sack_report(&c->oo->sack, &h.opt, sack_blocks(c));
			tcp_oo_free_if_idle(c);
		}
		h.ack = c->rcv_nxt;
		h.wnd = tcp_offer_window(c, flags & TCP_SYN);
		tcp_delack_on_ack_sent(c);
		if (c->acks_owed > 0)
			c->acks_owed--;
	} else {
		h.wnd = tcp_offer_window(c, true);
	}
	c->segs_out += packets;
	stat_add(st, STAT_TCP_OUT_SEGMENTS, packets);
	if (!tcp_route_renew(c)) { /* nowhere to send it: lost on the way, as far as TCP is concerned */
		c->soft_error = EHOSTUNREACH;
		stat_count(st, STAT_TCP_NO_ROUTE);
		return SEND_AWAY;
	}
	tx = ip_tx_of(c);
	sock_put_tx_options(&c->sk, &tx, &room);
	tx.l4_hdr_len = (uint16_t)tcp_hdr_build(ip_slices_hdr(out), &h);
	if (len > mss) {
		tx.gso = ip_addr_is4(&tx.dst) ? FRAME_GSO_TCP4 : FRAME_GSO_TCP6;
		tx.gso_size = (uint16_t)mss;
	}
	return ip_output_slices(st, out, &tx, &c->sk.dst) ? SEND_READY : SEND_AWAY;
}

static enum send_result send_empty(struct tcp_conn *c, struct frame_out *out, tcp_seq seq, uint8_t flags)
{
	out->iovcnt = 1;
	return send_segment(c, out, seq, 0, flags, c->mss);
}

/* Describe payload from @seq on. Returns its bytes: @len, or fewer (whole segments) when it lies in too many pieces. */
static uint32_t describe_payload(struct tcp_conn *c, struct frame_out *out, tcp_seq seq, uint32_t len, uint32_t mss)
{
	uint32_t offset = seq_diff(seq, c->snd_una);
	int pieces;
	size_t got = byteq_iov_from(&c->tx->sndq, &c->tx->cursor, offset, len, out->iov + 1, FRAME_OUT_IOV_MAX - 1, &pieces);

	if (got < len && got > mss) {
		len = (uint32_t)(got - got % mss);
		got = byteq_iov_from(&c->tx->sndq, &c->tx->cursor, offset, len, out->iov + 1, FRAME_OUT_IOV_MAX - 1, &pieces);
	}
	out->iovcnt = 1 + pieces;
	return (uint32_t)got;
}

static bool link_cuts_segments(const struct tcp_conn *c)
{
	uint32_t need = ip_addr_is4(&c->sk.remote.addr) ? LINK_OFFLOAD_TSO4 : LINK_OFFLOAD_TSO6;

	if (c->sk.ip4_txopt || ip6_txopts_has_sticky(&c->sk)) /* each packet with options of its own */
		return false;
	return c->sk.dst.offloads & need;
}

/* The largest payload of one send. The pieces of a super-segment would all have its urgent pointer, each counted from its own start. */
static uint32_t burst_bytes(const struct tcp_conn *c, uint32_t mss)
{
	if (c->tx->has_snd_up)
		return mss;
	return link_cuts_segments(c) && mss < TCP_GSO_BYTES_MAX ? TCP_GSO_BYTES_MAX - TCP_GSO_BYTES_MAX % mss : mss;
}

/* ---- 1. SYN ------------------------------------------------------------------------------------------------------- */

static bool is_opening(const struct tcp_conn *c)
{
	return tcp_state_in(c, TCP_STATE_BIT(TCP_SYN_SENT) | TCP_STATE_BIT(TCP_SYN_RECEIVED));
}

static enum send_result send_syn(struct tcp_conn *c, struct frame_out *out)
{
	return send_empty(c, out, c->iss, c->state == TCP_SYN_SENT ? TCP_SYN : TCP_SYN | TCP_ACK);
}

/* ---- 2. Retransmission -------------------------------------------------------------------------------------------- */

static uint8_t push_if_last(const struct tcp_conn *c, tcp_seq end)
{
	return seq_diff(end, c->snd_una) >= c->tx->sndq.bytes ? TCP_PSH : 0;
}

static void count_retransmit(struct tcp_conn *c, const struct tcp_sent *r, uint32_t len)
{
	c->total_retrans += r->packets;
	c->bytes_retrans += len;
	if (len > 0)
		c->data_segs_out += r->packets;
	stat_add(c->sk.st, STAT_TCP_RETRANSMITS, r->packets);
}

static enum send_result send_lost(struct tcp_conn *c, struct frame_out *out)
{
	struct tcp_sent *r = tcp_rtxq_next_lost(&c->tx->rtxq);
	uint32_t mss = current_mss(c), pipe = tcp_pipe(c), most, len;
	enum send_result res;
	uint8_t flags;

	if (!r || (pipe >= c->cc.cwnd && !c->force_rtx))
		return SEND_NOTHING;
	if (r->flags & TCP_SENT_SYN && is_opening(c)) {
		c->force_rtx = false;
		tcp_rtxq_on_retransmit(&c->tx->rtxq, r, c->sk.st->now_us);
		count_retransmit(c, r, 0);
		return send_syn(c, out);
	}
	most = burst_bytes(c, mss);
	if (pipe + 1 >= c->cc.cwnd)
		most = mss;
	else
		most = tcp_min(most, (c->cc.cwnd - pipe) * mss);
	len = r->len - !!(r->flags & TCP_SENT_FIN);
	if (len > most) {
		if (tcp_rtxq_split(&c->tx->rtxq, &c->sk.st->tcp.sent, r, most, mss) < 0)
			return SEND_NOTHING; /* no memory; the timer is running */
		len = most;
	}
	if (len > 0) {
		uint32_t got = describe_payload(c, out, r->seq, len, mss);

		if (got < len && tcp_rtxq_split(&c->tx->rtxq, &c->sk.st->tcp.sent, r, got, mss) < 0)
			return SEND_NOTHING;
		len = got;
	} else {
		out->iovcnt = 1;
	}
	c->force_rtx = false;
	flags = TCP_ACK | (r->flags & TCP_SENT_FIN ? TCP_FIN : 0) | (len > 0 ? push_if_last(c, seq_add(r->seq, len)) : 0);
	if (r == c->tx->rtxq.head)
		tcp_timer_arm_rto(c);
	if (!c->retrans_start_us)
		c->retrans_start_us = c->sk.st->now_us;
	tcp_rtxq_on_retransmit(&c->tx->rtxq, r, c->sk.st->now_us);
	count_retransmit(c, r, len);
	res = send_segment(c, out, r->seq, len, flags, mss);
	return res;
}

/* ---- 3. New data -------------------------------------------------------------------------------------------------- */

/* RFC 9293 section 3.7.4: a small segment waits while another one is unacknowledged (Minshall), or until uncorked. */
static bool nagle_holds(const struct tcp_conn *c)
{
	if (c->force_data || c->tx->has_snd_up) /* urgent data does not wait (Linux) */
		return false;
	if (c->cork || c->more)
		return true;
	return !c->nodelay && c->tx->rtxq.head && seq_gt(c->snd_sml, c->snd_una) && seq_le(c->snd_sml, c->snd_nxt);
}

/* A link that cuts super-segments is used best with large ones: while more than two thirds of the window is in flight, the next ACK
 * will allow a larger one (Linux's tcp_tso_win_divisor). Never when this is all there is to send. */
static bool should_wait_for_more(const struct tcp_conn *c, uint32_t can_send, uint32_t unsent, uint32_t mss)
{
	uint32_t third;

	if (!link_cuts_segments(c) || can_send >= unsent || c->ca_state != TCP_CA_OPEN || c->force_data)
		return false;
	third = tcp_min(c->snd_wnd, c->cc.cwnd * mss) / 3;
	return can_send < third && can_send < burst_bytes(c, mss);
}

/* How much of the unsent bytes may go now, in one segment or super-segment; *with_fin: the FIN goes too. False: nothing may. */
static bool plan_new(struct tcp_conn *c, uint32_t mss, uint32_t *len, bool *with_fin)
{
	uint32_t unsent = tcp_unsent(c), pipe = tcp_pipe(c), quota, window, can, n;
	bool fin = c->fin_queued && !c->fin_sent;
	tcp_seq edge = seq_add(c->snd_una, c->snd_wnd);

	if (unsent == 0 && !fin)
		return false;
	quota = c->cc.cwnd > pipe ? c->cc.cwnd - pipe : 0;
	if (quota == 0 && !(fin && unsent <= mss)) { /* the final FIN need not wait for cwnd (Linux) */
		c->is_cwnd_limited = true;
		return false;
	}
	quota = tcp_max(quota, 1);
	window = seq_gt(edge, c->snd_nxt) ? seq_diff(edge, c->snd_nxt) : 0;
	can = (uint32_t)(quota < window / mss + 1 ? (uint64_t)quota * mss : window);
	can = tcp_min(can, window);
	n = tcp_min(unsent, tcp_min(can, burst_bytes(c, mss)));
	if (n < tcp_min(unsent, mss)) {
		/* Silly-window avoidance (section 3.8.6.2.1): a full segment, or all that there is; the override timer sends what fits. */
		if (!c->force_data || n == 0)
			return false;
	} else if (n > mss && n < unsent) {
		n -= n % mss;
	}
	*with_fin = fin && n == unsent && n < window;
	if (n == unsent && n % mss != 0 && !*with_fin && nagle_holds(c))
		n -= n % mss;
	if (n == 0 && !*with_fin)
		return false;
	if (n > 0 && should_wait_for_more(c, can, unsent, mss)) {
		c->is_cwnd_limited = true;
		return false;
	}
	*len = n;
	return true;
}

/* Whether the window was all used in this round: only then may cwnd grow (RFC 7661, as Linux measures it). */
static void validate_cwnd(struct tcp_conn *c)
{
	bool limited = tcp_pipe(c) >= c->cc.cwnd;

	if (seq_ge(c->snd_una, c->cwnd_usage_seq) || limited || (!c->is_cwnd_limited && c->tx->rtxq.packets_out > c->max_packets_out)) {
		c->is_cwnd_limited = limited;
		c->max_packets_out = c->tx->rtxq.packets_out;
		c->cwnd_usage_seq = c->snd_nxt;
	}
}

static void restart_after_idle(struct tcp_conn *c)
{
	const struct stack *st = c->sk.st;

	if (c->tx->rtxq.head || !st->tunables.tcp_slow_start_after_idle || !c->last_data_sent_ms)
		return;
	tcp_cc_after_idle(&c->cc, (tcp_now_ms(st) - c->last_data_sent_ms) * 1000ull, c->rtt.rto_us);
}

static bool may_send_data(const struct tcp_conn *c)
{
	return tcp_state_in(c, TCP_STATE_BIT(TCP_ESTABLISHED) | TCP_STATE_BIT(TCP_CLOSE_WAIT) | TCP_STATE_BIT(TCP_FIN_WAIT_1) |
				       TCP_STATE_BIT(TCP_CLOSING) | TCP_STATE_BIT(TCP_LAST_ACK));
}

static enum send_result send_new(struct tcp_conn *c, struct frame_out *out)
{
	uint32_t mss = current_mss(c), len;
	tcp_seq seq = c->snd_nxt;
	uint8_t flags = TCP_ACK;
	bool with_fin, was_idle = !c->tx->rtxq.head;

	if (!may_send_data(c) || c->tx->rtxq.lost_out > c->tx->rtxq.retrans_out)
		return SEND_NOTHING;
	restart_after_idle(c);
	if (!plan_new(c, mss, &len, &with_fin))
		return SEND_NOTHING;
	out->iovcnt = 1;
	if (len > 0) {
		uint32_t got = describe_payload(c, out, seq, len, mss);

		with_fin &= got == len;
		len = got;
		flags |= push_if_last(c, seq_add(seq, len));
	}
	if (!tcp_tx_get(c) || tcp_rtxq_append(&c->tx->rtxq, &c->sk.st->tcp.sent, seq, len + with_fin, mss,
					      with_fin ? TCP_SENT_FIN : 0, c->sk.st->now_us) < 0)
		return SEND_NOTHING; /* no memory: the probe timer tries again */
	if (with_fin) {
		flags |= TCP_FIN;
		c->fin_sent = true;
	}
	c->snd_nxt = seq_add(seq, len + with_fin);
	if (len % mss != 0)
		c->snd_sml = seq_add(seq, len);
	c->force_data = false;
	if (len > 0) {
		c->data_segs_out += tcp_packets_of(len, mss);
		tcp_delack_on_data_sent(c);
		tcp_send_space_check(c); /* fewer unsent bytes: TCP_NOTSENT_LOWAT */
	}
	validate_cwnd(c);
	if (was_idle) {
		c->probes = 0;
		c->probe_backoff = 0;
		tcp_timer_arm_rto(c);
	}
	tcp_chrono_set(c);
	return send_segment(c, out, seq, len, flags, mss);
}

/* ---- 4, 5. Probe, ACK --------------------------------------------------------------------------------------------- */

/* Below the peer's window, so that it must answer with an ACK (RFC 9293 section 3.8.4; Linux does not spend a byte on it). Urgent data that
 * a closed window holds back is announced first, by a segment that the peer does not throw away as old (section 3.8.5, Linux). */
static enum send_result send_probe(struct tcp_conn *c, struct frame_out *out)
{
	c->probe_wanted = false;
	if (c->tx->has_snd_up && !c->tx->is_snd_up_told) {
		c->tx->is_snd_up_told = true;
		c->probe_wanted = true; /* which comes next */
		return send_empty(c, out, c->snd_una, TCP_ACK);
	}
	if (c->tx->has_snd_up)
		c->tx->is_snd_up_told = false;
	return send_empty(c, out, seq_sub(c->snd_una, 1), TCP_ACK);
}

static enum send_result send_next(struct tcp_conn *c, struct frame_out *out)
{
	enum send_result res;

	if (c->syn_wanted) {
		c->syn_wanted = false;
		return send_syn(c, out);
	}
	res = send_lost(c, out);
	if (res == SEND_NOTHING)
		res = send_new(c, out);
	if (res != SEND_NOTHING)
		return res;
	if (c->probe_wanted)
		return send_probe(c, out);
	if (c->acks_owed > 0 && !is_opening(c))
		return send_empty(c, out, c->snd_nxt, TCP_ACK);
	c->acks_owed = 0;
	/* Something waits and nothing is in flight whose ACK would bring us back: the window is closed, or Nagle or a cork holds it. */
	if (!c->tx->rtxq.head && may_send_data(c) && !c->deadline_us[TCP_TIMER_RETRANS] &&
	    (tcp_unsent(c) > 0 || (c->fin_queued && !c->fin_sent)))
		tcp_timer_arm_probe(c);
	return SEND_NOTHING;
}

bool tcp_output(struct stack *st, struct frame_out *out)
{
	struct list *n;

	while ((n = list_pop(&st->tcp.want_send))) {
		struct tcp_conn *c = container_of(n, struct tcp_conn, send_link);
		enum send_result res;

		if (c->state == TCP_CLOSED || c->state == TCP_LISTEN)
			continue;
		res = send_next(c, out);
		if (res != SEND_NOTHING)
			tcp_want_output(c);
		if (res == SEND_READY)
			return true;
	}
	return false;
}
