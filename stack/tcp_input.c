/* SPDX-License-Identifier: BSD-2-Clause */
/* A segment's first steps: is it one, is it whole, and what is it for. */
#include "tcp_conn.h"
#include "wire.h"

/* Fill *in from a segment whose header is @h. A super-segment stands for many. */
static void describe(struct tcp_in *in, struct frame *f, const struct ip_rx *rx, const struct tcp_hdr *h)
{
	*in = (struct tcp_in){
		.rx = rx,
		.f = f,
		.h = h,
		.seq = h->seq,
		.ack = h->ack,
		.data = f->data + h->hdr_len,
		.len = f->len - h->hdr_len,
		.wnd = h->wnd,
		.flags = h->flags,
		.segs = 1,
	};
	in->end = seq_add(in->seq, in->len + !!(h->flags & TCP_SYN) + !!(h->flags & TCP_FIN));
	in->mss = (uint16_t)in->len;
	if (f->off.gso != FRAME_GSO_NONE && f->off.gso_size > 0 && in->len > f->off.gso_size) {
		in->mss = f->off.gso_size;
		in->segs = (uint16_t)tcp_packets_of(in->len, in->mss);
	}
}

/* A link-local address names its host only together with its link. */
static uint32_t scope_of(const struct ip_rx *rx)
{
	return !ip_addr_is4(&rx->src) && ip_addr_is_linklocal(&rx->src) ? rx->ifindex : 0;
}

/* IP_MINTTL, IPV6_MINHOPCOUNT: RFC 5082's guard against who is further away than he says. */
static bool is_too_far(const struct sock *s, const struct ip_rx *rx)
{
	if (rx->ttl >= (ip_addr_is4(&rx->src) ? s->opt.min_ttl : s->opt.min_hops))
		return false;
	stat_drop(s->st, STAT_TCP_DROP_MIN_TTL);
	return true;
}

static void no_connection(struct stack *st, struct tcp_in *in, const struct tcp_key *key, const tcp_seq *isn)
{
	struct tcp_conn *listener = tcp_table_find_listener(st, key, in->rx->ifindex);

	if (listener) {
		st->verdict.sock_id = listener->sk.id;
		if (!is_too_far(&listener->sk, in->rx))
			tcp_listen_input(listener, in, isn);
		return;
	}
	stat_drop(st, STAT_TCP_DROP_NO_SOCKET);
	tcp_reply_rst(st, in);
}

static void for_timewait(struct stack *st, struct tcp_timewait *tw, struct tcp_in *in, const struct tcp_key *key)
{
	tcp_seq isn;

	if (tcp_timewait_input(tw, in, tcp_table_find_listener(st, key, in->rx->ifindex) != NULL, &isn))
		no_connection(st, in, key, &isn);
}

/* What IPV6_FLOWLABEL_MGR tells of the peer. */
static void note_flow_label(struct sock *s, const struct ip_rx *rx)
{
	if (!ip_addr_is4(&rx->src))
		s->rcv_flow_label = get_be32(rx->ip_hdr) & FLOW_LABEL_BITS;
}

static void for_conn(struct tcp_conn *c, struct tcp_in *in)
{
	c->sk.st->verdict.sock_id = c->sk.id;
	if (is_too_far(&c->sk, in->rx))
		return;
	note_flow_label(&c->sk, in->rx);
	if (!(in->flags & TCP_SYN))
		in->wnd <<= c->snd_wscale;
	if (c->state == TCP_SYN_SENT)
		tcp_synsent_input(c, in);
	else
		tcp_conn_input(c, in);
}

static void for_request(struct tcp_req *r, struct tcp_in *in)
{
	if (!is_too_far(&r->listener->sk, in->rx))
		tcp_req_input(r, in);
}

void tcp_input(struct stack *st, struct frame *f, const struct ip_rx *rx)
{
	struct tcp_hdr h;
	struct tcp_in in;
	struct tcp_key key;
	struct tcp_node *n;

	if (rx->is_multicast || rx->is_broadcast || ip_addr_is_multicast(&rx->src)) { /* RFC 9293 MUST-57 */
		stat_drop(st, STAT_TCP_DROP_MULTICAST);
		return;
	}
	if (tcp_hdr_parse(&h, f->data, f->len) < 0) {
		stat_drop(st, STAT_TCP_DROP_HEADER);
		return;
	}
	if (!ip_csum_is_ok(f, rx)) {
		stat_drop(st, STAT_TCP_DROP_CHECKSUM);
		return;
	}
	describe(&in, f, rx, &h);
	stat_add(st, STAT_TCP_IN_SEGMENTS, in.segs);
	key.local = (struct ip_endpoint){ .addr = rx->dst, .port = h.dst_port };
	key.remote = (struct ip_endpoint){ .addr = rx->src, .port = h.src_port, .scope_id = scope_of(rx) };
	n = tcp_table_find(st, &key);
	if (!n)
		no_connection(st, &in, &key, NULL);
	else if (n->kind == TCP_NODE_CONN)
		for_conn(tcp_conn_of_node(n), &in);
	else if (n->kind == TCP_NODE_REQ)
		for_request(container_of(n, struct tcp_req, node), &in);
	else
		for_timewait(st, container_of(n, struct tcp_timewait, node), &in, &key);
}
