/* SPDX-License-Identifier: BSD-2-Clause */
/* ping.c - ping sockets (icmp(7)): SOCK_DGRAM with IPPROTO_ICMP or IPPROTO_ICMPV6. They send echo requests and receive the
 * replies, nothing else, and so need no privilege. The identifier is the socket's port: written over what the application put
 * there, and what finds the socket for a reply. */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "checksum.h"
#include "core.h"
#include "dgram.h"
#include "wire.h"

enum { ICMP_ECHO_HDR_BYTES = 8, ICMP_CSUM_AT = 2, ICMP_ID_AT = 4 };
enum { ICMP4_ECHO_REQUEST = 8, ICMP6_ECHO_REQUEST = 128 };

/* The socket with identifier @id for packets between @local and @remote. */
static struct sock *find(struct stack *st, uint16_t id, const struct ip_addr *local, const struct ip_addr *remote,
			 uint32_t ifindex)
{
	struct port_bucket *b = port_lookup(st, PORT_PING, id);

	if (!b)
		return NULL;
	for (struct list *n = b->bound.next; n != &b->bound; n = n->next) {
		struct sock *s = container_of(container_of(n, struct port_hold, link), struct sock, port);

		if (s->family == ip_addr_family(local) &&
		    (ip_addr_is_any(&s->local.addr) || ip_addr_eq(&s->local.addr, local)) &&
		    (!s->is_connected || ip_addr_eq(&s->remote.addr, remote)) &&
		    (s->opt.bound_ifindex == 0 || s->opt.bound_ifindex == ifindex))
			return s;
	}
	return NULL;
}

bool ping_input(struct stack *st, struct frame *f, const struct ip_rx *rx)
{
	struct dgram_info info = {
		.src = { .addr = rx->src }, .dst = { .addr = rx->dst }, .ifindex = rx->ifindex,
		.ttl = rx->ttl, .tos = rx->tos, .time_us = st->now_us,
		.ip_hdr = rx->ip_hdr, .ip_hdr_len = rx->ip_hdr_len, .frag_bytes = rx->frag_bytes,
	};
	struct sock *s;

	if (f->len < ICMP_ECHO_HDR_BYTES)
		return false;
	s = find(st, get_be16(f->data + ICMP_ID_AT), &rx->dst, &rx->src, rx->ifindex);
	if (!s)
		return false;
	if (!ip_addr_is4(&rx->src) && ip_addr_is_linklocal(&rx->src))
		info.src.scope_id = rx->ifindex;
	st->verdict.sock_id = s->id;
	if (dgram_deliver(dgram_sock(s), f, f->data, f->len, &info, true, STAT_PING_DROP_QUEUE_FULL))
		stat_count(st, STAT_PING_IN);
	return true;
}

void ping_icmp_error(struct stack *st, const struct icmp_error *e)
{
	struct sock *s;

	if (e->l4_len < ICMP_ECHO_HDR_BYTES)
		return;
	s = find(st, get_be16(e->l4 + ICMP_ID_AT), &e->local, &e->remote, e->ifindex);
	if (s)
		dgram_on_icmp(dgram_sock(s), e, 0, e->l4, e->l4_len);
}

static int autobind(struct sock *s)
{
	struct ip_endpoint any = { .addr = s->local.addr };

	return s->is_bound ? 0 : port_bind(s, &any);
}

/* An echo request of the socket's family, and nothing else. */
static bool is_echo_request(const struct sock *s, const struct frame *f)
{
	uint8_t type = s->family == AF_INET ? ICMP4_ECHO_REQUEST : ICMP6_ECHO_REQUEST;

	return f->len >= ICMP_ECHO_HDR_BYTES && f->data[0] == type && f->data[1] == 0;
}

static int ping_send_frame(struct sock *s, struct frame *f, const struct dgram_info *info, uint64_t now_us)
{
	struct dgram_way way;
	int err;

	(void)now_us;
	err = is_echo_request(s, f) ? dgram_prepare(s, info, f->len, &way) : -EINVAL;
	if (err == 0)
		err = autobind(s);
	if (err < 0) {
		frame_unref(f);
		return err;
	}
	put_be16(f->data + ICMP_ID_AT, s->local.port);
	put_be16(f->data + ICMP_CSUM_AT, 0);
	way.tx.proto = s->protocol;
	if (s->family == AF_INET6) /* with a pseudo-header: the network layer's business */
		way.tx.csum_offset = ICMP_CSUM_AT;
	else
		put_be16(f->data + ICMP_CSUM_AT, checksum_finish(checksum_add(0, f->data, f->len)));
	f->sock_id = s->id;
	return ip_output(s->st, f, &way.tx, way.via);
}

static int ping_check_send(struct sock *s, const struct dgram_info *info, size_t bytes, size_t *bytes_max)
{
	struct dgram_way way;

	return dgram_check(s, info, &way, 0, bytes, bytes_max);
}

static int ping_bind(struct sock *s, const struct ip_endpoint *local)
{
	int err = port_bind(s, local);

	if (err < 0)
		return err;
	dgram_sock(s)->addr_locked = !ip_addr_is_any(&local->addr);
	dgram_sock(s)->port_locked = local->port != 0;
	return 0;
}

static int ping_connect(struct sock *s, const struct ip_endpoint *remote, uint64_t now_us)
{
	int err = remote ? autobind(s) : 0;

	(void)now_us;
	return err < 0 ? err : dgram_connect(s, remote);
}

/* An IPv6 ping socket is for IPv6 alone: an IPv4-mapped peer would need the other ICMP. */
static int ping_init(struct sock *s)
{
	s->opt.v6only = s->family == AF_INET6;
	return dgram_init(s);
}

const struct sock_ops ping_sock_ops = {
	.name = "icmp",
	.sock_bytes = sizeof(struct dgram_sock),
	.init = ping_init,
	.destroy = dgram_destroy,
	.bind = ping_bind,
	.connect = ping_connect,
	.shutdown = dgram_shutdown,
	.close = dgram_close,
	.poll = dgram_poll,
	.describe = dgram_describe,
	.send_frame = ping_send_frame,
	.recv_frame = dgram_recv_frame,
	.recv_error = dgram_recv_error,
	.check_send = ping_check_send,
	.send = dgram_send,
	.recv = dgram_recv,
	.inq_bytes = dgram_inq_bytes,
	.drops = dgram_drops,
};
