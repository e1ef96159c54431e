/* SPDX-License-Identifier: BSD-2-Clause */
/* Segment arrival in SYN-SENT: RFC 9293 section 3.10.7.3. */
#include "tcp_conn.h"

#include <errno.h>

/* RFC 7323 section 3.2: an echo of a timestamp that we have not sent since the first SYN is somebody else's. */
static bool has_foreign_echo(const struct tcp_conn *c, const struct tcp_in *in)
{
	const struct tcp_options *o = &in->h->opt;
	uint64_t first_us = c->retrans_start_us ? c->retrans_start_us : c->tx->rtxq.head->sent_us;
	uint32_t age_ms = (uint32_t)((c->sk.st->now_us - first_us) / 1000) + 1;

	if (!c->sk.st->tunables.tcp_timestamps || !o->has_ts || o->tsecr == 0)
		return false;
	return tcp_ts_now(c) - o->tsecr > age_ms;
}

/* First: an ACK of anything but our SYN is a reset (unless it is one). */
static bool step_ack(struct tcp_conn *c, const struct tcp_in *in)
{
	if (!(in->flags & TCP_ACK))
		return true;
	if (seq_gt(in->ack, c->iss) && seq_le(in->ack, c->snd_nxt) && (in->flags & TCP_RST || !has_foreign_echo(c, in)))
		return true;
	stat_drop(c->sk.st, STAT_TCP_DROP_ACK_UNSENT);
	if (!(in->flags & TCP_RST))
		tcp_reply_rst(c->sk.st, in);
	return false;
}

/* Second: a reset is believed only when it acknowledges our SYN (RFC 5961 section 3.2). */
static bool step_rst(struct tcp_conn *c, const struct tcp_in *in)
{
	if (!(in->flags & TCP_RST))
		return true;
	if (!(in->flags & TCP_ACK)) {
		stat_drop(c->sk.st, STAT_TCP_DROP_RST);
		return false;
	}
	stat_count(c->sk.st, STAT_TCP_RESETS_RECEIVED);
	tcp_conn_fail(c, ECONNREFUSED, "rst");
	return false;
}

/* What both ends offered holds from here on. */
static void take_options(struct tcp_conn *c, const struct tcp_in *in)
{
	const struct tcp_options *o = &in->h->opt;
	const struct tunables *t = &c->sk.st->tunables;

	c->mss_clamp = o->has_mss ? o->mss : tcp_default_mss(&c->sk.remote.addr); /* MUST-15 */
	c->ts_ok = t->tcp_timestamps && o->has_ts;
	c->sack_ok = t->tcp_sack && o->sack_permitted;
	c->wscale_ok = t->tcp_window_scaling && o->has_wscale;
	c->snd_wscale = c->wscale_ok ? o->wscale : 0;
	if (!c->wscale_ok) {
		c->rcv_wscale = 0;
		c->window_clamp = tcp_min(c->window_clamp, TCP_WINDOW_MAX_UNSCALED);
	}
	if (c->ts_ok) {
		c->ts_recent = o->tsval;
		c->ts_recent_s = (uint32_t)(c->sk.st->now_us / 1000000);
		if (c->ts_recent_s == 0)
			c->ts_recent_s = 1;
	}
}

/* Fourth: SYN. */
static void step_syn(struct tcp_conn *c, struct tcp_in *in)
{
	c->irs = in->seq;
	c->rcv_nxt = c->rcv_wup = seq_add(in->seq, 1);
	take_options(c, in);
	tcp_sync_mss(c);
	tcp_update_snd_wnd(c, in, in->h->wnd); /* RFC 7323 section 2.2: not scaled in a SYN */
	if (!(in->flags & TCP_ACK)) {
		tcp_set_state(c, TCP_SYN_RECEIVED, "simultaneous_open");
		c->syn_wanted = true;
		tcp_want_output(c);
		return;
	}
	tcp_set_state(c, TCP_ESTABLISHED, "syn_ack");
	tcp_on_ack(c, in);
	tcp_update_snd_wnd(c, in, in->h->wnd);
	tcp_conn_established(c);
	tcp_conn_raise(c, SOCK_CONNECTED | SOCK_WRITABLE);
	c->ack_scheduled = true;
	tcp_ack_now(c);
	tcp_on_data(c, in);
	if (tcp_on_fin(c, in))
		tcp_conn_peer_closed(c);
}

void tcp_synsent_input(struct tcp_conn *c, struct tcp_in *in)
{
	c->segs_in += in->segs;
	if (!step_ack(c, in) || !step_rst(c, in))
		return;
	if (!(in->flags & TCP_SYN)) {
		stat_drop(c->sk.st, STAT_TCP_DROP_NO_SYN);
		return;
	}
	step_syn(c, in);
}
