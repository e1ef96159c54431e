/* SPDX-License-Identifier: BSD-2-Clause */
#include "raw.h"

#include <errno.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "checksum.h"
#include "core.h"
#include "dgram.h"
#include "ip4_options.h"
#include "ip6.h"
#include "sockopt.h"
#include "wire.h"

enum { PROTOCOLS = 256, ICMP_TYPES = 256, IP4_HDR_BYTES_MAX = 60 };
enum { IP4_LEN_AT = 2, IP4_ID_AT = 4, IP4_PROTO_AT = 9, IP4_CSUM_AT = 10, IP4_SRC_AT = 12 };
enum { ICMP6_CSUM_AT = 2, CSUM_NONE = -1, CSUM_AT_INT8_MAX = 126 };

struct raw_sock {
	struct dgram_sock d;
	struct list link;		     /* of its protocol */
	int csum_at;			     /* IPV6_CHECKSUM: where the checksum lies; CSUM_NONE */
	uint32_t blocked[ICMP_TYPES / 32];   /* ICMP_FILTER, ICMP6_FILTER: a bit for each type not wanted */
};

static struct raw_sock *raw_sock(struct sock *s)
{
	return container_of(dgram_sock(s), struct raw_sock, d);
}

int raw_table_init(struct stack *st)
{
	st->raw.by_protocol = mem_alloc(&st->mem, PROTOCOLS * sizeof(struct list));
	if (!st->raw.by_protocol)
		return -ENOBUFS;
	for (unsigned i = 0; i < PROTOCOLS; i++)
		list_init(&st->raw.by_protocol[i]);
	return 0;
}

void raw_table_fini(struct stack *st)
{
	sock_destroy_all(st, &raw_sock_ops);
	sock_destroy_all(st, &ping_sock_ops);
	mem_free(&st->mem, st->raw.by_protocol);
}

/* ---- Receiving ---------------------------------------------------------------------------------------------------- */

static bool is_icmp(const struct sock *s)
{
	return s->protocol == (s->family == AF_INET ? IPPROTO_NR_ICMP : IPPROTO_NR_ICMP6);
}

static bool wants_type(const struct raw_sock *raw, uint8_t type)
{
	return !(raw->blocked[type / 32] & 1U << type % 32);
}

/* Linux: a group's packets go to the members; of IPv6, where IPV6_MULTICAST_ALL stands for membership, to every socket that is bound to no
 * address or to the group itself. */
static bool wants_destination(const struct sock *s, const struct ip_rx *rx)
{
	bool is_bound_to = ip_addr_is_any(&s->local.addr) || ip_addr_eq(&s->local.addr, &rx->dst);

	if (!ip_addr_is_multicast(&rx->dst))
		return is_bound_to;
	if (ip_addr_is4(&rx->dst))
		return is_bound_to && mcast_sock_wants(s, &rx->dst, &rx->src, rx->ifindex);
	return is_bound_to || mcast_sock_wants(s, &rx->dst, &rx->src, rx->ifindex);
}

static bool wants(const struct raw_sock *raw, const struct frame *f, const struct ip_rx *rx)
{
	const struct sock *s = &raw->d.s;

	if (s->family != ip_addr_family(&rx->dst))
		return false;
	if (s->opt.bound_ifindex && s->opt.bound_ifindex != rx->ifindex)
		return false;
	if (!wants_destination(s, rx))
		return false;
	if (s->is_connected && !ip_addr_eq(&s->remote.addr, &rx->src))
		return false;
	return !is_icmp(s) || f->len == 0 || wants_type(raw, f->data[0]);
}

/* RFC 3542 section 3.1: with IPV6_CHECKSUM, and for ICMPv6 always, the checksum is verified for the application. */
static bool checksum_is_good(const struct raw_sock *raw, const struct frame *f, const struct ip_rx *rx)
{
	uint16_t sum;

	if (raw->csum_at == CSUM_NONE || f->off.csum != FRAME_CSUM_NONE)
		return true;
	if (f->len < (uint32_t)raw->csum_at + 2)
		return false;
	sum = checksum_add(checksum_pseudo(&rx->src, &rx->dst, rx->proto, f->len), f->data, f->len);
	return checksum_finish(sum) == 0;
}

static bool deliver(struct raw_sock *raw, const struct frame *f, const struct ip_rx *rx)
{
	struct dgram_info info = {
		.src = { .addr = rx->src }, .dst = { .addr = rx->dst }, .ifindex = rx->ifindex,
		.ttl = rx->ttl, .tos = rx->tos, .time_us = raw->d.s.st->now_us,
		.ip_hdr = rx->ip_hdr, .ip_hdr_len = rx->ip_hdr_len, .frag_bytes = rx->frag_bytes,
	};
	uint8_t header[IP4_HDR_BYTES_MAX];
	struct iovec iov[2] = { { header, 0 }, { f->data, f->len } };

	if (ip_addr_is4(&rx->dst)) { /* it tells of the whole packet, also when that came in fragments */
		iov[0].iov_len = rx->ip_hdr_len;
		memcpy(header, rx->ip_hdr, rx->ip_hdr_len);
		if (rx->ip_hdr_len > IP4_HDR_LEN)
			ip4_options_arrived(rx->ip_hdr + IP4_HDR_LEN, rx->ip_hdr_len - (uint32_t)IP4_HDR_LEN, &rx->dst,
					    ip4_options_clock(info.time_us), header + IP4_HDR_LEN);
	} else if (ip_addr_is_linklocal(&rx->src)) {
		info.src.scope_id = rx->ifindex;
	}
	if (!dgram_deliver_copy(&raw->d, iov, 2, &info, STAT_RAW_DROP_QUEUE_FULL))
		return false;
	stat_count(raw->d.s.st, STAT_RAW_IN);
	return true;
}

bool raw_input(struct stack *st, struct frame *f, const struct ip_rx *rx)
{
	struct list *list = &st->raw.by_protocol[rx->proto];
	bool taken = false;

	for (struct list *n = list->next; n != list; n = n->next) {
		struct raw_sock *raw = container_of(n, struct raw_sock, link);

		if (!wants(raw, f, rx))
			continue;
		ip_csum_complete(f); /* the application gets to see it */
		if (checksum_is_good(raw, f, rx))
			taken |= deliver(raw, f, rx);
		else
			stat_count(st, STAT_RAW_DROP_CHECKSUM);
	}
	return taken;
}

void raw_icmp_error(struct stack *st, const struct icmp_error *e)
{
	struct list *list = &st->raw.by_protocol[e->proto];

	for (struct list *n = list->next; n != list; n = n->next) {
		struct raw_sock *raw = container_of(n, struct raw_sock, link);
		struct sock *s = &raw->d.s;

		if (s->family != ip_addr_family(&e->remote) ||
		    (!ip_addr_is_any(&s->local.addr) && !ip_addr_eq(&s->local.addr, &e->local)) ||
		    (s->is_connected && !ip_addr_eq(&s->remote.addr, &e->remote)))
			continue;
		dgram_on_icmp(&raw->d, e, 0, e->l4, e->l4_len);
	}
}

/* ---- Sending ------------------------------------------------------------------------------------------------------ */

/* What IP_HDRINCL leaves to the stack (raw(7)): the checksum and the length always, the source and the identification when zero. */
static void complete_header(struct sock *s, struct frame *f, const struct dgram_way *way, size_t hdr_bytes)
{
	static const uint8_t zero[4];
	uint8_t *h = f->data;

	put_be16(h + IP4_LEN_AT, (uint16_t)f->len);
	if (memcmp(h + IP4_SRC_AT, zero, 4) == 0)
		memcpy(h + IP4_SRC_AT, ip_addr_v4(&way->tx.src), 4);
	if (get_be16(h + IP4_ID_AT) == 0)
		put_be16(h + IP4_ID_AT, ip4_next_id(s->st, &way->tx));
	put_be16(h + IP4_CSUM_AT, 0);
	put_be16(h + IP4_CSUM_AT, checksum_finish(checksum_add(0, h, hdr_bytes)));
}

static int send_with_header(struct sock *s, struct frame *f, const struct dgram_info *info)
{
	size_t hdr_bytes = f->len > 0 ? (f->data[0] & 0xfu) * 4u : 0;
	struct dgram_way way;
	int err = -EINVAL;

	if (hdr_bytes >= IP4_HDR_LEN && hdr_bytes <= f->len)
		err = dgram_prepare(s, info, f->len - hdr_bytes, &way);
	if (err == 0 && way.tx.options_len > 0) /* it brings its own */
		err = -EINVAL;
	if (err == 0 && f->len > way.via->mtu)
		err = -EMSGSIZE;
	if (err < 0) {
		frame_unref(f);
		return err;
	}
	way.tx.proto = f->data[IP4_PROTO_AT];
	complete_header(s, f, &way, hdr_bytes);
	f->sock_id = s->id;
	if (way.tx.loop)
		ip_loop_packet(s->st, f, way.via, &way.tx.dst);
	return ip_send_packet(s->st, f, way.via);
}

/* IPV6_HDRINCL: nothing is completed; as on Linux, not even looked at. */
static int send_with_header6(struct sock *s, struct frame *f, const struct dgram_info *info)
{
	struct dgram_way way;
	int err = dgram_prepare(s, info, 0, &way);

	if (err == 0 && f->len > way.via->mtu)
		err = -EMSGSIZE;
	if (err == 0 && f->len < IP6_HDR_LEN)
		err = -EINVAL;
	if (err < 0) {
		frame_unref(f);
		return err;
	}
	f->sock_id = s->id;
	if (way.tx.loop)
		ip_loop_packet(s->st, f, way.via, &way.tx.dst);
	return ip_send_packet(s->st, f, way.via);
}

/* For a place so far back that the network layer does not fill it in. */
static uint16_t whole_checksum(const struct frame *f, const struct dgram_way *way)
{
	return checksum_finish(checksum_add(checksum_pseudo(&way->tx.src, &way->tx.dst, way->tx.proto, f->len), f->data, f->len));
}

static int raw_send_frame(struct sock *s, struct frame *f, const struct dgram_info *info, uint64_t now_us)
{
	struct raw_sock *raw = raw_sock(s);
	struct dgram_way way;
	int err;

	(void)now_us;
	if (s->opt.hdrincl)
		return s->family == AF_INET ? send_with_header(s, f, info) : send_with_header6(s, f, info);
	err = dgram_prepare(s, info, f->len, &way);
	if (err == 0 && raw->csum_at != CSUM_NONE && f->len < (uint32_t)raw->csum_at + 2)
		err = -EINVAL;
	if (err < 0) {
		frame_unref(f);
		return err;
	}
	way.tx.proto = s->protocol;
	if (raw->csum_at != CSUM_NONE) {
		put_be16(f->data + raw->csum_at, 0);
		if (raw->csum_at <= CSUM_AT_INT8_MAX)
			way.tx.csum_offset = (int8_t)raw->csum_at;
		else
			put_be16(f->data + raw->csum_at, whole_checksum(f, &way));
	}
	f->sock_id = s->id;
	return ip_output(s->st, f, &way.tx, way.via);
}

/* A program that writes the IP header itself gets no fragments (raw(7)). */
static int raw_check_send(struct sock *s, const struct dgram_info *info, size_t bytes, size_t *bytes_max)
{
	struct dgram_way way;
	int err;

	if (!s->opt.hdrincl)
		return dgram_check(s, info, &way, 0, bytes, bytes_max);
	if (s->family == AF_INET && bytes < IP4_HDR_LEN)
		return -EINVAL;
	err = dgram_check(s, info, &way, 0, 0, bytes_max);
	if (err == 0 && way.tx.options_len > 0)
		err = -EINVAL;
	if (err == 0)
		*bytes_max = s->dst.mtu;
	if (err == 0 && bytes > *bytes_max)
		err = -EMSGSIZE;
	if (err == 0 && s->family == AF_INET6 && bytes < IP6_HDR_LEN)
		err = -EINVAL;
	*bytes_max = 0; /* as there is a least length too, each is to be asked about */
	return err;
}

/* ---- Socket operations -------------------------------------------------------------------------------------------- */

static int raw_init(struct sock *s)
{
	struct raw_sock *raw = raw_sock(s);

	raw->csum_at = s->protocol == IPPROTO_NR_ICMP6 && s->family == AF_INET6 ? ICMP6_CSUM_AT : CSUM_NONE;
	s->opt.hdrincl = s->protocol == IPPROTO_RAW;
	list_append(&s->st->raw.by_protocol[s->protocol], &raw->link);
	return dgram_init(s);
}

static void raw_destroy(struct sock *s)
{
	list_remove(&raw_sock(s)->link);
	dgram_destroy(s);
}

/* Only an address: a raw socket has no port. */
static int raw_bind(struct sock *s, const struct ip_endpoint *local)
{
	s->local = (struct ip_endpoint){ .addr = local->addr, .scope_id = local->scope_id };
	dgram_sock(s)->addr_locked = !ip_addr_is_any(&local->addr);
	return 0;
}

static int raw_connect(struct sock *s, const struct ip_endpoint *remote, uint64_t now_us)
{
	(void)now_us;
	return dgram_connect(s, remote);
}

static int set_csum_at(struct raw_sock *raw, const void *value, size_t len)
{
	int v;

	if (len < sizeof(v))
		return -EINVAL;
	memcpy(&v, value, sizeof(v));
	if (is_icmp(&raw->d.s) || (v > 0 && v % 2)) /* RFC 3542 section 3.1: ICMPv6's is fixed */
		return -EINVAL;
	raw->csum_at = v < 0 ? CSUM_NONE : v;
	return 0;
}

static int set_hdrincl(struct sock *s, const void *value, size_t len)
{
	int v;

	if (len < sizeof(v))
		return -EINVAL;
	memcpy(&v, value, sizeof(v));
	s->opt.hdrincl = v != 0;
	return 0;
}

static int raw_setopt(struct sock *s, int level, int name, const void *value, size_t len, uint64_t now_us)
{
	struct raw_sock *raw = raw_sock(s);

	(void)now_us;
	if (s->family == AF_INET && level == SOL_RAW && name == ICMP_FILTER) {
		if (!is_icmp(s))
			return -EOPNOTSUPP;
		memcpy(raw->blocked, value, len < sizeof(raw->blocked[0]) ? len : sizeof(raw->blocked[0]));
		return 0;
	}
	if (s->family == AF_INET6 && level == IPPROTO_ICMPV6) {
		if (!is_icmp(s) || name != ICMP6_FILTER)
			return is_icmp(s) ? -ENOPROTOOPT : -EOPNOTSUPP;
		memcpy(raw->blocked, value, len < sizeof(raw->blocked) ? len : sizeof(raw->blocked));
		return 0;
	}
	if (s->family == AF_INET6 && level == SOL_RAW && len < sizeof(int))
		return -EINVAL;
	if (s->family == AF_INET6 && (level == IPPROTO_IPV6 || level == SOL_RAW) && name == IPV6_CHECKSUM)
		return set_csum_at(raw, value, len);
	if (s->family == AF_INET6 && (level == IPPROTO_IPV6 || level == SOL_RAW) && name == IPV6_HDRINCL)
		return set_hdrincl(s, value, len);
	return -ENOPROTOOPT;
}

static int raw_getopt(struct sock *s, int level, int name, void *value, size_t *len, uint64_t now_us)
{
	const struct raw_sock *raw = raw_sock(s);
	const int hdrincl = s->opt.hdrincl;

	(void)now_us;
	if (s->family == AF_INET && level == SOL_RAW && name == ICMP_FILTER)
		return is_icmp(s) ? sockopt_put(value, len, raw->blocked, sizeof(raw->blocked[0])) : -EOPNOTSUPP;
	if (s->family == AF_INET6 && level == IPPROTO_ICMPV6 && !is_icmp(s))
		return -EOPNOTSUPP;
	if (s->family == AF_INET6 && level == IPPROTO_ICMPV6 && name == ICMP6_FILTER)
		return sockopt_put(value, len, raw->blocked, sizeof(raw->blocked));
	if (s->family == AF_INET6 && (level == IPPROTO_IPV6 || level == SOL_RAW) && name == IPV6_HDRINCL)
		return sockopt_put(value, len, &hdrincl, sizeof(hdrincl));
	if (s->family == AF_INET6 && (level == IPPROTO_IPV6 || level == SOL_RAW) && name == IPV6_CHECKSUM)
		return sockopt_put(value, len, &raw->csum_at, sizeof(raw->csum_at));
	return -ENOPROTOOPT;
}

const struct sock_ops raw_sock_ops = {
	.name = "raw",
	.sock_bytes = sizeof(struct raw_sock),
	.init = raw_init,
	.destroy = raw_destroy,
	.bind = raw_bind,
	.connect = raw_connect,
	.shutdown = dgram_shutdown,
	.close = dgram_close,
	.poll = dgram_poll,
	.setopt = raw_setopt,
	.getopt = raw_getopt,
	.describe = dgram_describe,
	.send_frame = raw_send_frame,
	.recv_frame = dgram_recv_frame,
	.recv_error = dgram_recv_error,
	.check_send = raw_check_send,
	.send = dgram_send,
	.recv = dgram_recv,
	.inq_bytes = dgram_inq_bytes,
	.drops = dgram_drops,
};
