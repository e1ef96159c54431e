/* SPDX-License-Identifier: BSD-2-Clause */
/* What can be seen of TCP from outside: TCP_INFO in Linux's layout, what ss(8) shows, and where time is spent. */
#include "tcp_conn.h"

#include <linux/tcp.h>

/* ---- Busy, limited by the peer's window, limited by our send buffer ------------------------------------------------ */

static void chrono_stop(struct tcp_conn *c)
{
	uint32_t now_ms = tcp_now_ms(c->sk.st);

	if (c->chrono)
		c->chrono_ms[c->chrono - 1] += now_ms - c->chrono_start_ms;
	c->chrono_start_ms = now_ms;
}

/* A connection is busy while something is unsent or unacknowledged; limited by the peer while its window does not take what waits;
 * and by our send buffer while all of it is in flight and the application wants to write more. */
void tcp_chrono_set(struct tcp_conn *c)
{
	uint32_t unsent = tcp_unsent(c), window = seq_diff(seq_add(c->snd_una, c->snd_wnd), c->snd_nxt);
	uint8_t now = 0;

	if (unsent > 0 && ((int32_t)window <= 0 || window < tcp_min(unsent, c->mss)))
		now = TCP_CHRONO_RWND + 1;
	else if (unsent == 0 && c->tx->rtxq.head && c->full)
		now = TCP_CHRONO_SNDBUF + 1;
	else if (unsent > 0 || c->tx->rtxq.head)
		now = TCP_CHRONO_BUSY + 1;
	if (now == c->chrono)
		return;
	chrono_stop(c);
	c->chrono = now;
}

/* ---- TCP_INFO ----------------------------------------------------------------------------------------------------- */

static uint32_t since_ms(const struct tcp_conn *c, uint32_t then_ms)
{
	return then_ms ? tcp_now_ms(c->sk.st) - then_ms : 0;
}

static void fill_state(const struct tcp_conn *c, struct tcp_info *i)
{
	i->tcpi_state = c->state;
	i->tcpi_ca_state = c->ca_state;
	i->tcpi_retransmits = c->retransmits;
	i->tcpi_probes = c->probes;
	i->tcpi_backoff = c->rtt.backoff;
	if (c->ts_ok)
		i->tcpi_options |= TCPI_OPT_TIMESTAMPS;
	if (c->sack_ok)
		i->tcpi_options |= TCPI_OPT_SACK;
	if (c->wscale_ok) {
		i->tcpi_options |= TCPI_OPT_WSCALE;
		i->tcpi_snd_wscale = c->snd_wscale & 15;
		i->tcpi_rcv_wscale = c->rcv_wscale & 15;
	}
}

static void fill_sending(const struct tcp_conn *c, struct tcp_info *i)
{
	i->tcpi_rto = c->rtt.rto_us;
	i->tcpi_snd_mss = c->mss;
	i->tcpi_unacked = c->tx->rtxq.packets_out;
	i->tcpi_sacked = c->sacked_out;
	i->tcpi_lost = c->tx->rtxq.lost_out;
	i->tcpi_retrans = c->tx->rtxq.retrans_out;
	i->tcpi_total_retrans = c->total_retrans;
	i->tcpi_pmtu = c->sk.dst.mtu;
	i->tcpi_rtt = c->rtt.srtt8_us >> 3;
	i->tcpi_rttvar = c->rtt.mdev4_us >> 2;
	i->tcpi_min_rtt = c->rtt.min_us;
	i->tcpi_snd_ssthresh = c->cc.ssthresh;
	i->tcpi_snd_cwnd = c->cc.cwnd;
	i->tcpi_reordering = c->sk.st->tunables.tcp_reordering;
	i->tcpi_snd_wnd = c->snd_wnd;
	i->tcpi_notsent_bytes = tcp_unsent(c);
	/* As a sender without pacing: what leaves if cwnd goes out once a round trip. */
	i->tcpi_pacing_rate = ~0ull;
	i->tcpi_max_pacing_rate = ~0ull;
}

static void fill_receiving(const struct tcp_conn *c, struct tcp_info *i)
{
	i->tcpi_ato = c->ato_us;
	i->tcpi_rcv_mss = c->rcv_mss;
	i->tcpi_advmss = c->advmss;
	i->tcpi_rcv_ssthresh = c->rcv_ssthresh;
	i->tcpi_rcv_rtt = c->rcv_rtt_us;
	i->tcpi_rcv_space = c->rcvq_space;
	i->tcpi_rcv_ooopack = c->rcv_ooopack;
}

static void fill_counts(const struct tcp_conn *c, struct tcp_info *i)
{
	i->tcpi_last_data_sent = since_ms(c, c->last_data_sent_ms);
	i->tcpi_last_ack_sent = since_ms(c, c->last_ack_sent_ms);
	i->tcpi_last_data_recv = since_ms(c, c->last_data_recv_ms);
	i->tcpi_last_ack_recv = since_ms(c, c->last_ack_recv_ms);
	i->tcpi_bytes_acked = c->bytes_acked;
	i->tcpi_bytes_received = c->bytes_received;
	i->tcpi_bytes_sent = c->bytes_acked + c->tx->sndq.bytes - tcp_unsent(c) + c->bytes_retrans;
	i->tcpi_bytes_retrans = c->bytes_retrans;
	i->tcpi_segs_in = c->segs_in;
	i->tcpi_segs_out = c->segs_out;
	i->tcpi_data_segs_in = c->data_segs_in;
	i->tcpi_data_segs_out = c->data_segs_out;
	i->tcpi_delivered = c->delivered;
	i->tcpi_dsack_dups = c->dsack_dups;
	i->tcpi_rwnd_limited = c->chrono_ms[TCP_CHRONO_RWND] * 1000ull;
	i->tcpi_sndbuf_limited = c->chrono_ms[TCP_CHRONO_SNDBUF] * 1000ull;
	i->tcpi_busy_time = c->chrono_ms[TCP_CHRONO_BUSY] * 1000ull + i->tcpi_rwnd_limited + i->tcpi_sndbuf_limited;
}

size_t tcp_info_fill(struct tcp_conn *c, void *value, size_t len)
{
	struct tcp_info i = { 0 };

	if (c->state == TCP_LISTEN) { /* Linux: the accept queue */
		i.tcpi_state = c->state;
		i.tcpi_unacked = c->listener->count;
		i.tcpi_sacked = c->listener->backlog;
	} else {
		chrono_stop(c);
		fill_state(c, &i);
		fill_sending(c, &i);
		fill_receiving(c, &i);
		fill_counts(c, &i);
	}
	if (len > sizeof(i))
		len = sizeof(i);
	memcpy(value, &i, len);
	return len;
}

/* ---- ss ----------------------------------------------------------------------------------------------------------- */

static void describe_timer(const struct tcp_conn *c, struct sock_info *info)
{
	static const uint32_t kinds[TCP_TIMERS] = { [TCP_TIMER_RETRANS] = 1, [TCP_TIMER_KEEP] = 2, [TCP_TIMER_DELACK] = 1 };
	enum tcp_timer_kind kind = c->deadline_us[TCP_TIMER_RETRANS] ? TCP_TIMER_RETRANS : TCP_TIMER_KEEP;
	uint64_t at_us = c->deadline_us[kind], now_us = c->sk.st->now_us;

	if (!at_us)
		return;
	info->timer_kind = kind == TCP_TIMER_RETRANS && !c->tx->rtxq.head ? 4 : kinds[kind];
	info->timer_ms = at_us > now_us ? (uint32_t)((at_us - now_us) / 1000) : 0;
}

void tcp_describe(struct sock *s, struct sock_info *info, uint64_t now_us)
{
	struct tcp_conn *c = tcp_conn_of(s);

	s->st->now_us = now_us;
	info->state = tcp_state_ss_name(c->state);
	if (c->state == TCP_LISTEN) {
		info->recv_q = c->listener->count;
		info->send_q = c->listener->backlog;
		return;
	}
	info->recv_q = c->rcvq.bytes;
	info->send_q = c->tx->sndq.bytes;
	info->retransmits = c->retransmits;
	describe_timer(c, info);
	memcpy(info->cong, c->cc.ops->name, sizeof(info->cong));
}

static void describe_mini(const struct tcp_node *n, struct sock_info *info, uint64_t now_us)
{
	struct tcp_key key = tcp_key_of(n);
	const struct timer *timer;

	*info = (struct sock_info){ .type = 1 /* SOCK_STREAM */, .protocol = IPPROTO_NR_TCP };
	info->local = key.local;
	info->remote = key.remote;
	info->family = ip_addr_family(&key.remote.addr);
	if (n->kind == TCP_NODE_REQ) {
		const struct tcp_req *r = (const struct tcp_req *)(const void *)n;

		info->state = tcp_state_ss_name(TCP_SYN_RECEIVED);
		info->timer_kind = 1;
		info->retransmits = r->retrans;
		timer = &r->timer;
	} else {
		info->state = tcp_state_ss_name(TCP_TIME_WAIT);
		info->timer_kind = 3;
		timer = &((const struct tcp_timewait *)(const void *)n)->timer;
	}
	info->timer_ms = timer->deadline_us > now_us ? (uint32_t)((timer->deadline_us - now_us) / 1000) : 0;
}

bool tcp_each_other(struct stack *st, bool (*fn)(void *ctx, const struct sock_info *), void *ctx, uint64_t now_us)
{
	struct sock_info info;

	for (uint32_t i = 0; i < st->tcp.bucket_count; i++) {
		for (struct tcp_node *n = st->tcp.buckets[i]; n; n = n->next) {
			if (n->kind == TCP_NODE_CONN)
				continue;
			describe_mini(n, &info, now_us);
			if (!fn(ctx, &info))
				return false;
		}
	}
	return true;
}
