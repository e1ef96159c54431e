/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection's life: its states and what it does on entering them, opening, closing, and the end.
 * A connection whose application has gone (is_orphan) frees itself when it is over; the others stay as CLOSED until sock_close(). Every
 * function here that can end a connection says so: after it the pointer may be dead. */
#include "tcp_conn.h"

#include <errno.h>
#include <sys/socket.h>

#include "tcp_isn.h"

static const struct {
	const char *rfc, *ss;
} state_names[] = {
	[TCP_ESTABLISHED] = { "ESTABLISHED", "ESTAB" },
	[TCP_SYN_SENT] = { "SYN-SENT", "SYN-SENT" },
	[TCP_SYN_RECEIVED] = { "SYN-RECEIVED", "SYN-RECV" },
	[TCP_FIN_WAIT_1] = { "FIN-WAIT-1", "FIN-WAIT-1" },
	[TCP_FIN_WAIT_2] = { "FIN-WAIT-2", "FIN-WAIT-2" },
	[TCP_TIME_WAIT] = { "TIME-WAIT", "TIME-WAIT" },
	[TCP_CLOSED] = { "CLOSED", "UNCONN" },
	[TCP_CLOSE_WAIT] = { "CLOSE-WAIT", "CLOSE-WAIT" },
	[TCP_LAST_ACK] = { "LAST-ACK", "LAST-ACK" },
	[TCP_LISTEN] = { "LISTEN", "LISTEN" },
	[TCP_CLOSING] = { "CLOSING", "CLOSING" },
};

const char *tcp_state_ss_name(enum tcp_state state)
{
	return state_names[state].ss;
}

void tcp_set_state(struct tcp_conn *c, enum tcp_state state, const char *why)
{
	struct stack *st = c->sk.st;

	if (st->config.log)
		stack_log(st, STACK_LOG_DEBUG, "tcp.state conn=%016llx from=%s to=%s why=%s", (unsigned long long)c->sk.id,
			  state_names[c->state].rfc, state_names[state].rfc, why);
	c->state = (uint8_t)state;
}

void tcp_conn_init(struct tcp_conn *c)
{
	c->node.kind = TCP_NODE_CONN;
	list_init(&c->send_link);
	tcp_timer_init(c);
	tcp_tx_init(c);
	c->state = TCP_CLOSED;
	c->mss_clamp = c->mss = TCP_MSS_DEFAULT_4;
	tcp_rtt_init(&c->rtt, c->sk.st->tunables.tcp_rto_min_us);
	tcp_cc_init(&c->cc, &tcp_cc_newreno);
}

void tcp_conn_raise(struct tcp_conn *c, uint32_t events)
{
	if (!c->in_accept_queue && events)
		sock_raise(&c->sk, events);
}

/* ---- The end ------------------------------------------------------------------------------------------------------ */

/* Off every list but the socket table; what was received can still be read. */
static void stop(struct tcp_conn *c, const char *why)
{
	tcp_timer_stop_all(c);
	list_remove(&c->send_link);
	tcp_table_remove(c->sk.st, &c->node);
	tcp_tx_clear(c);
	tcp_oo_free(c);
	c->acks_owed = 0;
	if (c->state != TCP_CLOSED)
		tcp_set_state(c, TCP_CLOSED, why);
}

void tcp_conn_destroy(struct tcp_conn *c)
{
	struct stack *st = c->sk.st;

	if (c->state == TCP_LISTEN)
		tcp_listener_close(c);
	stop(c, "destroy");
	byteq_clear(&c->rcvq, &st->byteq_mem);
	if (c->sk.is_orphan)
		st->tcp.orphan_count--;
	sock_free(&c->sk);
}

void tcp_conn_done(struct tcp_conn *c, const char *why)
{
	stop(c, why);
	if (c->sk.is_orphan)
		tcp_conn_destroy(c);
	else
		tcp_conn_raise(c, SOCK_CLOSED);
}

void tcp_conn_fail(struct tcp_conn *c, int error, const char *why)
{
	stop(c, why);
	if (c->sk.is_orphan) {
		tcp_conn_destroy(c);
		return;
	}
	c->sk.error = error;
	tcp_conn_raise(c, SOCK_ERROR);
}

void tcp_conn_fail_timeout(struct tcp_conn *c, const char *why)
{
	tcp_conn_fail(c, c->soft_error ? c->soft_error : ETIMEDOUT, why);
}

/* ---- Opening ------------------------------------------------------------------------------------------------------ */

/* Whether the two ends are free for a connection of ours; a TIME-WAIT may give way. */
static bool is_free(struct sock *s, const struct ip_endpoint *remote, uint16_t port)
{
	struct tcp_key key = { .local = s->local, .remote = *remote };
	struct tcp_node *n;

	key.local.port = port;
	n = tcp_table_find(s->st, &key);
	return !n || (n->kind == TCP_NODE_TIMEWAIT && tcp_timewait_may_reuse(container_of(n, struct tcp_timewait, node)));
}

static int claim_port(struct tcp_conn *c, const struct ip_endpoint *remote)
{
	struct sock *s = &c->sk;

	if (!s->is_bound)
		return port_connect(s, remote, is_free);
	if (!is_free(s, remote, s->local.port))
		return -EADDRNOTAVAIL;
	port_set_addr(&s->port, &s->local.addr);
	return 0;
}

/* The sequence number to begin with: above a TIME-WAIT's that gives way, else RFC 6528's. */
static tcp_seq choose_isn(struct tcp_conn *c)
{
	struct stack *st = c->sk.st;
	struct tcp_key key = { c->sk.local, c->sk.remote };
	struct tcp_node *n = tcp_table_find(st, &key);

	if (n && n->kind == TCP_NODE_TIMEWAIT)
		return tcp_timewait_take_over(container_of(n, struct tcp_timewait, node), c);
	return tcp_isn(&st->tcp.isn_key, &c->sk.local, &c->sk.remote, st->now_us);
}

/* Section 3.10.1, active. */
static int open_active(struct tcp_conn *c)
{
	struct stack *st = c->sk.st;
	struct tcp_initial_window w;

	c->ts_offset = tcp_ts_offset(&st->tcp.ts_key, &c->sk.local.addr, &c->sk.remote.addr);
	c->iss = choose_isn(c);
	if (!tcp_tx_get(c) || tcp_rtxq_append(&c->tx->rtxq, &st->tcp.sent, c->iss, 1, 1, TCP_SENT_SYN, st->now_us) < 0) {
		tcp_tx_put_if_idle(c);
		return -ENOBUFS;
	}
	c->snd_una = c->snd_sml = c->iss;
	c->snd_nxt = c->cwnd_usage_seq = seq_add(c->iss, 1);
	c->mss_clamp = UINT16_MAX;
	c->mss = 0;
	tcp_sync_mss(c);
	c->advmss = tcp_advmss(st, &c->sk.dst, &c->sk.remote.addr, c->user_mss);
	w = tcp_initial_window(st, c->sk.opt.rcvbuf, c->window_clamp,
			       c->advmss - (st->tunables.tcp_timestamps ? TCP_OPT_TS_BYTES : 0));
	c->rcv_wnd = w.rcv_wnd;
	c->rcv_ssthresh = w.rcv_wnd;
	c->window_clamp = w.window_clamp;
	c->rcv_wscale = w.wscale;
	c->syn_wanted = true;
	tcp_set_state(c, TCP_SYN_SENT, "connect");
	tcp_table_add(st, &c->node);
	tcp_timer_arm_rto(c);
	tcp_want_output(c);
	stat_count(st, STAT_TCP_ACTIVE_OPENS);
	return 0;
}

/* What bind(2) did not ask for is chosen anew for the next connection. */
static void forget_chosen_address(struct sock *s)
{
	if (s->is_bound && !s->port_is_bound) {
		port_release(s->st, &s->port);
		s->local.port = 0;
		s->is_bound = false;
	}
	if (!s->addr_is_bound) {
		s->local.addr = ip_addr_any(s->family);
		if (s->is_bound)
			port_set_addr(&s->port, &s->local.addr);
	}
}

/* A socket that failed, or was connected to nothing (AF_UNSPEC), as good as new; options and the bound port stay. */
static void make_fresh(struct tcp_conn *c)
{
	struct tcp_conn old = *c;

	forget_chosen_address(&c->sk);
	byteq_clear(&c->rcvq, &c->sk.st->byteq_mem);
	memset((char *)c + sizeof(c->sk), 0, sizeof(*c) - sizeof(c->sk));
	tcp_conn_init(c);
	c->nodelay = old.nodelay;
	c->cork = old.cork;
	c->user_mss = old.user_mss;
	c->keepidle_s = old.keepidle_s;
	c->keepintvl_s = old.keepintvl_s;
	c->keepcnt = old.keepcnt;
	c->user_timeout_ms = old.user_timeout_ms;
	c->notsent_lowat = old.notsent_lowat;
	c->linger2_s = old.linger2_s;
	c->syn_retries = old.syn_retries;
	c->defer_accept_retrans = old.defer_accept_retrans;
	tcp_cc_init(&c->cc, old.cc.ops);
	c->sk.is_connected = c->sk.rd_shut = c->sk.wr_shut = false;
	c->sk.remote = (struct ip_endpoint){ .addr = ip_addr_any(c->sk.family) };
}

static void disconnect(struct tcp_conn *c)
{
	if (c->state == TCP_LISTEN)
		tcp_listener_close(c);
	else if (!tcp_state_in(c, TCP_STATE_BIT(TCP_CLOSED) | TCP_STATE_BIT(TCP_SYN_SENT)))
		tcp_conn_send_rst(c);
	stop(c, "disconnect");
	make_fresh(c);
}

int tcp_conn_connect(struct tcp_conn *c, const struct ip_endpoint *remote)
{
	struct sock *s = &c->sk;
	struct ip_endpoint local = s->local;
	int err;

	if (!remote) {
		disconnect(c);
		return 0;
	}
	if (tcp_state_in(c, TCP_STATE_BIT(TCP_SYN_SENT) | TCP_STATE_BIT(TCP_SYN_RECEIVED)))
		return -EALREADY;
	if (c->connecting) {
		c->connecting = false;
		if (c->state != TCP_CLOSED)
			return 0;
		err = sock_take_error(s);
		make_fresh(c);
		return err ? -err : -ECONNABORTED;
	}
	if (c->state != TCP_CLOSED || s->is_connected)
		return -EISCONN;
	err = sock_route(s, remote);
	if (err < 0)
		return err;
	if (s->dst.is_broadcast || s->dst.is_multicast)
		return -ENETUNREACH;
	if (ip_addr_is_any(&s->local.addr)) {
		s->local.addr = s->dst.src;
		s->local.scope_id = sock_scope_of(&s->dst.src, ip_dst_zone(&s->dst));
	}
	s->remote = *remote;
	s->remote.scope_id = sock_scope_of(&remote->addr, ip_dst_zone(&s->dst));
	err = claim_port(c, &s->remote);
	if (err == 0)
		err = open_active(c);
	if (err < 0) {
		s->local = local;
		s->remote = (struct ip_endpoint){ .addr = ip_addr_any(s->family) };
		return err;
	}
	s->is_connected = true;
	c->connecting = true;
	return -EINPROGRESS;
}

/* The peer's full segments are not known yet: assume little, so that delayed ACKs are not held back (Linux). */
static uint16_t initial_rcv_mss(const struct tcp_conn *c)
{
	uint32_t hint = tcp_min(tcp_min(c->advmss, c->mss), tcp_min(c->rcv_wnd / 2, TCP_MSS_DEFAULT_4));

	return (uint16_t)tcp_max(hint, TCP_MIN_MSS);
}

void tcp_conn_established(struct tcp_conn *c)
{
	tcp_sync_mss(c);
	c->rcv_mss = initial_rcv_mss(c);
	if (c->syn_retransmitted && c->rtt.srtt8_us == 0)
		tcp_rtt_use_fallback(&c->rtt);
	c->cc.cwnd = c->total_retrans > 1 ? 1 : TCP_INIT_CWND; /* RFC 6928 section 2; Linux forgives one lost SYN */
	c->ca_state = TCP_CA_OPEN;
	c->retransmits = 0;
	c->recover_valid = false;
	tcp_buffer_established(c);
	c->last_ack_recv_ms = tcp_now_ms(c->sk.st);
	tcp_timer_reset_keepalive(c);
	stat_count(c->sk.st, STAT_TCP_ESTABLISHED);
}

/* ---- Closing ------------------------------------------------------------------------------------------------------ */

void tcp_conn_peer_closed(struct tcp_conn *c)
{
	if (c->state == TCP_ESTABLISHED)
		tcp_set_state(c, TCP_CLOSE_WAIT, "fin");
	else if (c->state == TCP_FIN_WAIT_1)
		tcp_set_state(c, TCP_CLOSING, "fin");
	tcp_conn_raise(c, SOCK_PEER_CLOSED | SOCK_READABLE);
}

/* Section 3.10.4: the FIN follows what is queued. */
static void queue_fin(struct tcp_conn *c, const char *why)
{
	if (c->fin_queued)
		return;
	c->fin_queued = true;
	c->more = false;
	if (c->state == TCP_ESTABLISHED)
		tcp_set_state(c, TCP_FIN_WAIT_1, why);
	else if (c->state == TCP_CLOSE_WAIT)
		tcp_set_state(c, TCP_LAST_ACK, why);
	tcp_want_output(c);
}

int tcp_conn_shutdown(struct tcp_conn *c, int how)
{
	switch (c->state) {
	case TCP_CLOSED:
		return -ENOTCONN;
	case TCP_LISTEN:
		if (how != SHUT_WR)
			disconnect(c);
		return 0;
	case TCP_SYN_SENT: /* Linux gives the attempt up, whichever direction it is */
		tcp_conn_fail(c, ECONNRESET, "shutdown");
		return 0;
	default:
		break;
	}
	if (how != SHUT_WR)
		c->sk.rd_shut = true;
	if (how != SHUT_RD) {
		c->sk.wr_shut = true;
		queue_fin(c, "shutdown");
	}
	return 0;
}

/* Too many connections that nobody holds: do not add to them. */
static bool has_too_many_orphans(const struct stack *st)
{
	return st->tcp.orphan_count > st->tunables.tcp_max_orphans;
}

static void wait_in_fin_wait_2(struct tcp_conn *c)
{
	int32_t wait_s = c->linger2_s ? c->linger2_s : (int32_t)c->sk.st->tunables.tcp_fin_timeout;

	if (c->linger2_s < 0) {
		tcp_conn_send_rst(c);
		tcp_conn_destroy(c);
		return;
	}
	tcp_timer_arm(c, TCP_TIMER_KEEP, c->sk.st->now_us + 1000000ull * (uint32_t)wait_s);
}

void tcp_conn_close(struct tcp_conn *c, bool abort)
{
	struct stack *st = c->sk.st;
	bool has_unread = c->rcvq.bytes > 0;
	bool zero_linger = c->sk.opt.linger_on && c->sk.opt.linger_s == 0;

	if (tcp_state_in(c, TCP_STATE_BIT(TCP_CLOSED) | TCP_STATE_BIT(TCP_LISTEN) | TCP_STATE_BIT(TCP_SYN_SENT))) {
		tcp_conn_destroy(c);
		return;
	}
	/* RFC 2525 section 2.17: the peer must not believe that what it sent was taken. */
	if (abort || has_unread || zero_linger || has_too_many_orphans(st)) {
		stat_count(st, has_unread ? STAT_TCP_ABORT_ON_CLOSE : STAT_TCP_ABORTS);
		if (!tcp_state_in(c, TCP_STATE_BIT(TCP_CLOSING) | TCP_STATE_BIT(TCP_LAST_ACK)))
			tcp_conn_send_rst(c);
		tcp_conn_destroy(c);
		return;
	}
	c->sk.wr_shut = c->sk.rd_shut = true;
	tcp_timer_stop(c, TCP_TIMER_KEEP);
	queue_fin(c, "close");
	if (c->state == TCP_FIN_WAIT_2)
		wait_in_fin_wait_2(c);
}
