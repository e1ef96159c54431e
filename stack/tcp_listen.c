/* SPDX-License-Identifier: BSD-2-Clause */
/* Listening: RFC 9293 section 3.10.7.2 and the passive half of the handshake.
 * A SYN makes a struct tcp_req in the SYN queue; the third segment makes it a connection in the accept queue. What does not fit is
 * dropped, never reset, so that the peer tries again (RFC 9293 leaves it open; Linux): a SYN when either queue is full, a third
 * segment when the accept queue is (the SYN-ACK is then repeated, and the peer's answer to it gets another chance). The backlog
 * limits the accept queue only: a burst of SYNs to a short backlog is no flood, and Linux answers it too (with cookies).
 * A request costs little, lives for tcp_synack_retries time-outs, and holds no port: the listener does. */
#include "tcp_conn.h"

#include <errno.h>

#include "tcp_isn.h"

/* ---- The listener ------------------------------------------------------------------------------------------------- */

int tcp_listener_open(struct tcp_conn *c, int backlog)
{
	struct stack *st = c->sk.st;
	struct tcp_listener *l = c->state == TCP_LISTEN ? c->listener : NULL;
	uint32_t most = st->tunables.somaxconn;
	int err;

	if (!l) {
		err = c->sk.is_bound ? 0 : port_bind(&c->sk, &c->sk.local);
		if (err < 0)
			return err;
		l = pool_get(&st->tcp.listener_pool);
		if (!l)
			return -ENOBUFS;
		err = port_listen(&c->sk);
		if (err < 0) {
			pool_put(&st->tcp.listener_pool, l);
			return err;
		}
		l->conn = c;
		l->last = &l->first;
		list_init(&l->reqs);
		list_init(&l->link);
		list_append(&st->tcp.listeners[c->sk.local.port % TCP_LISTEN_BUCKETS], &l->link);
		c->listener = l;
		tcp_set_state(c, TCP_LISTEN, "listen");
	}
	l->backlog = backlog < 0 || (uint32_t)backlog > most ? most : (uint32_t)backlog;
	return 0;
}

static struct tcp_conn *queue_pop(struct tcp_listener *l)
{
	struct tcp_conn *child = l->first;

	if (!child)
		return NULL;
	l->first = child->accept_next;
	if (!l->first)
		l->last = &l->first;
	l->count--;
	child->accept_next = NULL;
	child->in_accept_queue = false;
	return child;
}

/* What nobody will accept any more is reset. */
void tcp_listener_close(struct tcp_conn *c)
{
	struct stack *st = c->sk.st;
	struct tcp_listener *l = c->listener;
	struct tcp_conn *child;
	struct list *n;

	while ((n = list_first(&l->reqs)))
		tcp_req_drop(st, container_of(n, struct tcp_req, link));
	while ((child = queue_pop(l))) {
		child->sk.is_orphan = true;
		st->tcp.orphan_count++;
		tcp_conn_close(child, true);
	}
	list_remove(&l->link);
	pool_put(&st->tcp.listener_pool, l);
	c->listener = NULL;
	port_unlisten(&c->sk);
	tcp_set_state(c, TCP_CLOSED, "close");
}

/* A backlog of n holds n + 1 (Linux). What the program has taken but its application has not counts too; it is asked only when our
 * own upper bound says full. */
static bool accept_queue_is_full(struct tcp_listener *l)
{
	const struct stack_config *config = &l->conn->sk.st->config;

	if (l->count + l->handed <= l->backlog)
		return false;
	l->handed = config->accept_handed ? config->accept_handed(config->ctx, &l->conn->sk) : 0;
	return l->count + l->handed > l->backlog;
}

struct sock *tcp_accept(struct tcp_conn *c, int *err)
{
	struct tcp_conn *child;

	*err = -EINVAL;
	if (c->state != TCP_LISTEN)
		return NULL;
	*err = -EAGAIN;
	child = queue_pop(c->listener);
	if (!child)
		return NULL;
	if (c->sk.st->config.accept_handed)
		c->listener->handed++;
	*err = 0;
	/* What happened while it waited. */
	tcp_conn_raise(child, SOCK_WRITABLE | (child->rcvq.bytes ? SOCK_READABLE : 0) | (child->rcv_fin ? SOCK_PEER_CLOSED : 0) |
				      (child->sk.error ? SOCK_ERROR : 0) |
				      (child->state == TCP_CLOSED && !child->sk.error ? SOCK_CLOSED : 0));
	return &child->sk;
}

/* ---- Requests ----------------------------------------------------------------------------------------------------- */

static uint32_t ts_now(const struct tcp_req *r)
{
	return tcp_now_ms(r->listener->sk.st) + r->ts_offset;
}

/* A reply with what every segment of a request has. */
static struct tcp_reply reply_of(const struct tcp_req *r, uint8_t flags)
{
	const struct sock *listener = &r->listener->sk;
	struct tcp_reply reply = {
		.local = r->local,
		.remote = r->remote,
		.dst = &r->dst,
		.tos = sock_tos(listener, &r->remote.addr),
		.ttl = sock_ttl(listener, &r->remote.addr),
		.sock_id = listener->id,
		.like = ip_addr_is4(&r->remote.addr) ? NULL : listener, /* Linux's connections inherit extension headers, not IP_OPTIONS */
		.hdr = { .seq = r->iss, .ack = seq_add(r->irs, 1), .flags = flags },
	};

	if (r->ts_ok) {
		reply.hdr.opt.has_ts = true;
		reply.hdr.opt.tsval = ts_now(r);
		reply.hdr.opt.tsecr = r->ts_recent;
	}
	return reply;
}

static void send_syn_ack(struct tcp_req *r)
{
	struct stack *st = r->listener->sk.st;
	struct tcp_reply reply = reply_of(r, TCP_SYN | TCP_ACK);

	reply.hdr.wnd = (uint16_t)tcp_min(r->rcv_wnd, TCP_WINDOW_MAX_UNSCALED);
	reply.hdr.opt.has_mss = true;
	reply.hdr.opt.mss = r->advmss;
	reply.hdr.opt.sack_permitted = r->sack_ok;
	reply.hdr.opt.has_wscale = r->wscale_ok;
	reply.hdr.opt.wscale = r->rcv_wscale;
	if (ip_dst_is_stale(st, &r->dst))
		ip_route(st, &r->remote.addr, &r->local.addr, r->dst.ifindex, &r->dst);
	tcp_reply_send(st, &reply);
}

static void send_ack(struct tcp_req *r)
{
	struct tcp_reply reply = reply_of(r, TCP_ACK);

	reply.hdr.seq = seq_add(r->iss, 1);
	reply.hdr.wnd = (uint16_t)(r->rcv_wnd >> r->rcv_wscale);
	tcp_reply_send(r->listener->sk.st, &reply);
}

void tcp_req_drop(struct stack *st, struct tcp_req *r)
{
	timer_cancel(&r->timer);
	tcp_table_remove(st, &r->node);
	list_remove(&r->link);
	r->listener->listener->req_count--;
	pool_put(&st->tcp.reqs, r);
}

static uint64_t retry_wait_us(const struct tcp_req *r)
{
	uint64_t wait_us = (uint64_t)TCP_RTO_INITIAL_US << r->retrans;

	return wait_us < TCP_RTO_MAX_US ? wait_us : TCP_RTO_MAX_US;
}

static void on_timer(struct timer *t, uint64_t now_us)
{
	struct tcp_req *r = container_of(t, struct tcp_req, timer);
	struct stack *st = r->listener->sk.st;
	uint8_t most = r->listener->syn_retries ? r->listener->syn_retries : (uint8_t)st->tunables.tcp_synack_retries;

	if (r->retrans >= most) {
		stat_count(st, STAT_TCP_SYN_RECEIVED_TIMEOUTS);
		tcp_req_drop(st, r);
		return;
	}
	r->retrans++;
	stat_count(st, STAT_TCP_SYNACK_RETRANSMITS);
	send_syn_ack(r);
	timer_set(&st->wheel, &r->timer, now_us + retry_wait_us(r));
}

static void take_options(struct tcp_req *r, const struct tcp_in *in, const struct tcp_conn *c)
{
	const struct tcp_options *o = &in->h->opt;
	const struct stack *st = c->sk.st;
	struct tcp_initial_window w;

	r->mss = o->has_mss ? o->mss : tcp_default_mss(&r->remote.addr);
	r->ts_ok = st->tunables.tcp_timestamps && o->has_ts;
	r->sack_ok = st->tunables.tcp_sack && o->sack_permitted;
	r->wscale_ok = st->tunables.tcp_window_scaling && o->has_wscale;
	r->snd_wscale = r->wscale_ok ? o->wscale : 0;
	r->snd_wnd = in->h->wnd;
	r->ts_recent = o->tsval;
	r->ts_offset = tcp_ts_offset(&st->tcp.ts_key, &r->local.addr, &r->remote.addr);
	r->advmss = tcp_advmss(st, &r->dst, &r->remote.addr, c->user_mss);
	w = tcp_initial_window(c->sk.st, c->sk.opt.rcvbuf, c->window_clamp, r->advmss - (r->ts_ok ? TCP_OPT_TS_BYTES : 0));
	r->rcv_wnd = w.rcv_wnd;
	r->rcv_wscale = r->wscale_ok ? w.wscale : 0;
	r->window_clamp = r->wscale_ok ? w.window_clamp : tcp_min(w.window_clamp, TCP_WINDOW_MAX_UNSCALED);
}

static void add_request(struct tcp_conn *c, const struct tcp_in *in, const tcp_seq *isn)
{
	struct stack *st = c->sk.st;
	struct tcp_req *r = pool_get(&st->tcp.reqs);
	uint32_t ifindex = c->sk.opt.bound_ifindex;

	if (!r) {
		stat_drop(st, STAT_TCP_DROP_NO_MEMORY);
		return;
	}
	r->node.kind = TCP_NODE_REQ;
	r->listener = c;
	r->local = (struct ip_endpoint){ .addr = in->rx->dst, .port = in->h->dst_port };
	r->remote = (struct ip_endpoint){ .addr = in->rx->src, .port = in->h->src_port };
	if (!ip_addr_is4(&in->rx->src) && ip_addr_is_linklocal(&in->rx->src))
		ifindex = r->remote.scope_id = r->local.scope_id = in->rx->ifindex;
	if (ip_route(st, &r->remote.addr, &r->local.addr, ifindex, &r->dst) < 0 || r->dst.is_broadcast || r->dst.is_multicast) {
		stat_drop(st, STAT_TCP_NO_ROUTE);
		pool_put(&st->tcp.reqs, r);
		return;
	}
	r->irs = in->seq;
	r->iss = isn ? *isn : tcp_isn(&st->tcp.isn_key, &r->local, &r->remote, st->now_us);
	take_options(r, in, c);
	r->synack_us = st->now_us;
	timer_init(&r->timer, on_timer);
	list_init(&r->link);
	list_append(&c->listener->reqs, &r->link);
	c->listener->req_count++;
	tcp_table_add(st, &r->node);
	timer_set(&st->wheel, &r->timer, st->now_us + retry_wait_us(r));
	send_syn_ack(r);
}

/* Section 3.10.7.2, a step a line. */
void tcp_listen_input(struct tcp_conn *c, struct tcp_in *in, const tcp_seq *isn)
{
	struct stack *st = c->sk.st;
	struct tcp_listener *l = c->listener;

	if (in->flags & TCP_RST) {
		stat_drop(st, STAT_TCP_DROP_RST);
	} else if (in->flags & TCP_ACK) {
		stat_drop(st, STAT_TCP_DROP_NO_SOCKET);
		tcp_reply_rst(st, in);
	} else if (!(in->flags & TCP_SYN) || in->flags & TCP_FIN) {
		stat_drop(st, STAT_TCP_DROP_NO_SYN);
	} else if (accept_queue_is_full(l)) {
		stat_drop(st, STAT_TCP_DROP_ACCEPT_QUEUE);
	} else if (l->req_count >= st->tunables.tcp_max_syn_backlog) {
		stat_drop(st, STAT_TCP_DROP_SYN_QUEUE);
	} else {
		add_request(c, in, isn);
	}
}

/* ---- The third segment -------------------------------------------------------------------------------------------- */

/* A connection in SYN-RECEIVED, as if it had sent the SYN-ACK itself; the third segment is its first input. */
static struct tcp_conn *make_child(struct tcp_req *r)
{
	struct tcp_conn *parent = r->listener, *c;
	struct stack *st = parent->sk.st;
	struct sock *s = sock_alloc(st, &tcp_sock_ops, parent->sk.family, parent->sk.type, parent->sk.protocol, &parent->sk);

	if (!s)
		return NULL;
	c = tcp_conn_of(s);
	tcp_conn_init(c);
	if (!tcp_tx_get(c) || ip6_txopts_inherit(s, &parent->sk) < 0 ||
	    tcp_rtxq_append(&c->tx->rtxq, &st->tcp.sent, r->iss, 1, 1,
			    TCP_SENT_SYN | (r->retrans || !r->synack_us ? TCP_SENT_EVER_RETRANS : 0), r->synack_us) < 0) {
		tcp_tx_put_if_idle(c);
		sock_free(s);
		return NULL;
	}
	s->local = r->local;
	s->remote = r->remote;
	s->dst = r->dst;
	s->is_bound = s->is_connected = true;
	port_share(&s->port, &parent->sk.port, &r->local.addr);
	s->opt.rcvbuf = parent->sk.opt.rcvbuf;
	s->opt.sndbuf = parent->sk.opt.sndbuf;
	s->opt.priority = 0; /* as Linux: the one option of all that is not inherited */
	c->state = TCP_SYN_RECEIVED;
	c->iss = c->snd_una = c->snd_sml = r->iss;
	c->snd_nxt = c->cwnd_usage_seq = seq_add(r->iss, 1);
	c->irs = r->irs;
	c->rcv_nxt = c->rcv_wup = c->snd_wl1 = seq_add(r->irs, 1);
	c->snd_wnd = c->max_snd_wnd = r->snd_wnd;
	c->rcv_wnd = r->rcv_wnd;
	c->window_clamp = r->window_clamp;
	c->mss_clamp = r->mss;
	c->advmss = r->advmss;
	c->ts_ok = r->ts_ok;
	c->sack_ok = r->sack_ok;
	c->wscale_ok = r->wscale_ok;
	c->snd_wscale = r->snd_wscale;
	c->rcv_wscale = r->rcv_wscale;
	c->ts_recent = r->ts_recent;
	c->ts_recent_s = (uint32_t)(st->now_us / 1000000) + 1;
	c->ts_offset = r->ts_offset;
	c->total_retrans = r->retrans;
	c->syn_retransmitted = r->retrans > 0;
	c->nodelay = parent->nodelay;
	c->cork = parent->cork;
	c->user_mss = parent->user_mss;
	c->keepidle_s = parent->keepidle_s;
	c->keepintvl_s = parent->keepintvl_s;
	c->keepcnt = parent->keepcnt;
	c->user_timeout_ms = parent->user_timeout_ms;
	c->syn_retries = parent->syn_retries;
	c->notsent_lowat = parent->notsent_lowat;
	c->linger2_s = parent->linger2_s;
	c->cc.ops = parent->cc.ops;
	tcp_sync_mss(c);
	return c;
}

static void queue_child(struct tcp_conn *parent, struct tcp_conn *c)
{
	struct tcp_listener *l = parent->listener;

	c->in_accept_queue = true;
	*l->last = c;
	l->last = &c->accept_next;
	l->count++;
}

/* What Linux takes for multicast from the segment that completes the handshake, for what it is worth to a stream. */
static void inherit_from_segment(struct sock *s, const struct ip_rx *rx)
{
	if (ip_addr_is4(&rx->src)) {
		s->opt.mcast_ttl = rx->ttl;
	} else {
		s->opt.mcast_hops = rx->ttl;
		s->opt.mcast_ifindex6 = rx->ifindex;
	}
}

/* The handshake is complete: the request becomes a connection, to which the segment goes. */
static void complete(struct tcp_req *r, struct tcp_in *in)
{
	struct tcp_conn *parent = r->listener, *c;
	struct stack *st = parent->sk.st;

	if (accept_queue_is_full(parent->listener)) {
		stat_drop(st, STAT_TCP_DROP_ACCEPT_QUEUE);
		r->is_acked = true;
		if (st->tunables.tcp_abort_on_overflow) {
			tcp_reply_rst(st, in);
			tcp_req_drop(st, r);
		}
		return;
	}
	c = make_child(r);
	if (!c) {
		stat_drop(st, STAT_TCP_DROP_NO_MEMORY);
		return;
	}
	tcp_req_drop(st, r);
	tcp_table_add(st, &c->node);
	queue_child(parent, c);
	st->verdict.sock_id = c->sk.id;
	stat_count(st, STAT_TCP_PASSIVE_OPENS);
	inherit_from_segment(&c->sk, in->rx);
	in->wnd <<= c->snd_wscale;
	tcp_conn_input(c, in);
	sock_raise(&parent->sk, SOCK_READABLE);
}

static bool paws_rejects(const struct tcp_req *r, const struct tcp_in *in)
{
	return r->ts_ok && in->h->opt.has_ts && (int32_t)(in->h->opt.tsval - r->ts_recent) < 0;
}

/* The SYN again: our SYN-ACK was lost. */
static bool is_repeated_syn(const struct tcp_req *r, const struct tcp_in *in)
{
	return (in->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN && seq_eq(in->seq, r->irs) && !paws_rejects(r, in);
}

/* Section 3.10.7.4 for SYN-RECEIVED after a passive open. */
void tcp_req_input(struct tcp_req *r, struct tcp_in *in)
{
	struct stack *st = r->listener->sk.st;
	tcp_seq rcv_nxt = seq_add(r->irs, 1);
	bool is_paws_reject = paws_rejects(r, in);

	st->verdict.sock_id = r->listener->sk.id;
	if (is_repeated_syn(r, in)) {
		if (!tcp_oow_is_limited(st, &r->last_oow_ms, in)) {
			r->synack_us = 0;
			send_syn_ack(r);
		}
		return;
	}
	if (is_paws_reject || seq_lt(in->end, rcv_nxt) || seq_gt(in->seq, seq_add(rcv_nxt, r->rcv_wnd))) {
		stat_drop(st, is_paws_reject ? STAT_TCP_DROP_PAWS : STAT_TCP_DROP_SEQUENCE);
		if (!(in->flags & TCP_RST) && !tcp_oow_is_limited(st, &r->last_oow_ms, in))
			send_ack(r);
		return;
	}
	if (in->flags & TCP_RST) { /* RFC 5961 section 3.2 */
		stat_drop(st, STAT_TCP_DROP_RST);
		if (seq_eq(in->seq, rcv_nxt))
			tcp_req_drop(st, r);
		else if (!tcp_oow_is_limited(st, &r->last_oow_ms, in) && tcp_challenge_allowed(st))
			send_ack(r);
		return;
	}
	if (in->flags & TCP_SYN) { /* another SYN inside the window: back to LISTEN, where it may come again */
		stat_drop(st, STAT_TCP_DROP_SYN);
		tcp_req_drop(st, r);
		return;
	}
	if (!(in->flags & TCP_ACK)) {
		stat_drop(st, STAT_TCP_DROP_NO_ACK);
		return;
	}
	if (!seq_eq(in->ack, seq_add(r->iss, 1))) {
		stat_drop(st, STAT_TCP_DROP_ACK_UNSENT);
		tcp_reply_rst(st, in);
		return;
	}
	if (r->ts_ok && in->h->opt.has_ts && seq_le(in->seq, rcv_nxt))
		r->ts_recent = in->h->opt.tsval;
	if (r->retrans < r->listener->defer_accept_retrans && in->len == 0 && !(in->flags & TCP_FIN)) {
		r->is_acked = true; /* TCP_DEFER_ACCEPT: nothing to do for the application yet */
		stat_count(st, STAT_TCP_DEFERRED_ACCEPTS);
		return;
	}
	complete(r, in);
}
