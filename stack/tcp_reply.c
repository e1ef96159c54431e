/* SPDX-License-Identifier: BSD-2-Clause */
/* Segments without payload that are sent at once as whole frames: for handshakes, TIME-WAIT, and segments that belong to nothing. */
#include "nd_router.h"
#include "tcp_conn.h"

static uint8_t default_ttl(struct stack *st, const struct ip_addr *dst, uint32_t ifindex)
{
	return ip_addr_is4(dst) ? (uint8_t)st->tunables.ip_default_ttl : nd_hop_limit(st, ifindex);
}

void tcp_reply_send(struct stack *st, const struct tcp_reply *r)
{
	struct tcp_hdr hdr = r->hdr;
	struct sock_tx_room room;
	struct ip_dst dst;
	struct frame *f;
	struct ip_tx tx = {
		.src = r->local.addr,
		.dst = r->remote.addr,
		.proto = IPPROTO_NR_TCP,
		.ttl = r->ttl ? r->ttl : default_ttl(st, &r->remote.addr, r->dst ? r->dst->ifindex : r->ifindex),
		.tos = r->tos,
		.dont_fragment = true,
		.sock_id = r->sock_id,
		.csum_offset = TCP_CSUM_OFFSET,
	};

	if (r->dst)
		dst = *r->dst;
	else if (ip_route(st, &r->remote.addr, &r->local.addr, r->ifindex, &dst) < 0)
		return;
	f = frame_alloc(&st->frames, TCP_HDR_MAX);
	if (!f)
		return;
	hdr.src_port = r->local.port;
	hdr.dst_port = r->remote.port;
	frame_put(f, tcp_hdr_build(f->data, &hdr));
	tx.l4_hdr_len = (uint16_t)f->len;
	if (r->like) {
		sock_put_tx_options(r->like, &tx, &room);
		tx.auto_label = sock_auto_label(r->like);
	}
	stat_count(st, STAT_TCP_OUT_SEGMENTS);
	if (hdr.flags & TCP_RST)
		stat_count(st, STAT_TCP_RESETS_SENT);
	ip_output(st, f, &tx, &dst);
}

/* RFC 9293 section 3.10.7.1: a reset that the other end will believe, whatever it thinks it has. */
void tcp_reply_rst(struct stack *st, const struct tcp_in *in)
{
	struct tcp_reply r = {
		.local = { .addr = in->rx->dst, .port = in->h->dst_port },
		.remote = { .addr = in->rx->src, .port = in->h->src_port },
		.ifindex = ip_addr_is_linklocal(&in->rx->src) ? in->rx->ifindex : 0,
		.tos = in->rx->tos & 0xfc,
	};

	if (in->flags & TCP_RST)
		return;
	if (in->flags & TCP_ACK)
		r.hdr = (struct tcp_hdr){ .seq = in->ack, .flags = TCP_RST };
	else
		r.hdr = (struct tcp_hdr){ .ack = in->end, .flags = TCP_RST | TCP_ACK };
	tcp_reply_send(st, &r);
}

void tcp_conn_send_rst(struct tcp_conn *c)
{
	struct tcp_reply r = {
		.local = c->sk.local,
		.remote = c->sk.remote,
		.tos = sock_tos(&c->sk, &c->sk.remote.addr),
		.ttl = sock_ttl(&c->sk, &c->sk.remote.addr),
		.sock_id = c->sk.id,
		.hdr = { .seq = c->snd_nxt, .ack = c->rcv_nxt, .flags = TCP_RST | TCP_ACK },
	};

	if (!tcp_route_renew(c))
		return;
	r.dst = &c->sk.dst;
	if (c->ts_ok)
		r.hdr.opt = (struct tcp_options){ .has_ts = true, .tsval = tcp_ts_now(c), .tsecr = c->ts_recent };
	c->segs_out++;
	tcp_reply_send(c->sk.st, &r);
}
