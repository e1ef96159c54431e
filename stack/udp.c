/* SPDX-License-Identifier: BSD-2-Clause */
#include "udp.h"

#include <errno.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "checksum.h"
#include "core.h"
#include "dgram.h"
#include "wire.h"

enum { UDP_HDR_BYTES = 8, UDP_CSUM_OFFSET = 6, BUCKETS_FIRST = 64 };
enum { UDP_SEGMENTS_MAX = 128 }; /* of one UDP_SEGMENT send, as Linux */

struct udp_sock {
	struct dgram_sock d;
	struct list hash_link; /* in bound or connected, as is_connected says */
};

static struct udp_sock *udp_sock(struct sock *s)
{
	return container_of(dgram_sock(s), struct udp_sock, d);
}

/* ---- The tables --------------------------------------------------------------------------------------------------- */

static int hash_init(struct stack *st, struct udp_hash *h, uint32_t count)
{
	struct list *buckets = mem_alloc(&st->mem, count * sizeof(*buckets));

	if (!buckets)
		return -ENOBUFS;
	for (uint32_t i = 0; i < count; i++)
		list_init(&buckets[i]);
	*h = (struct udp_hash){ .buckets = buckets, .bucket_count = count };
	return 0;
}

int udp_table_init(struct stack *st)
{
	struct udp_table *t = &st->udp;

	t->key = hash_key_derive(st->config.seed, "udp table");
	t->share_key = hash_key_derive(st->config.seed, "udp reuseport");
	if (hash_init(st, &t->bound, BUCKETS_FIRST) < 0)
		return -ENOBUFS;
	return hash_init(st, &t->connected, BUCKETS_FIRST);
}

void udp_table_fini(struct stack *st)
{
	sock_destroy_all(st, &udp_sock_ops);
	mem_free(&st->mem, st->udp.bound.buckets);
	mem_free(&st->mem, st->udp.connected.buckets);
}

/* Sixteen-byte addresses and ports, packed for the hash. */
static uint64_t hash_ends(const struct hash_key *key, const struct ip_addr *local, uint16_t lport,
			  const struct ip_addr *remote, uint16_t rport)
{
	uint8_t ends[36];

	memcpy(ends, local->b, 16);
	memcpy(ends + 16, remote->b, 16);
	memcpy(ends + 32, &lport, 2);
	memcpy(ends + 34, &rport, 2);
	return hash_bytes(key, ends, sizeof(ends));
}

static uint64_t hash_local(const struct hash_key *key, const struct ip_addr *local, uint16_t lport)
{
	uint8_t end[18];

	memcpy(end, local->b, 16);
	memcpy(end + 16, &lport, 2);
	return hash_bytes(key, end, sizeof(end));
}

static struct list *bucket_at(const struct udp_hash *h, uint64_t hash)
{
	return &h->buckets[hash & (h->bucket_count - 1)];
}

static struct list *bucket_of(const struct udp_hash *h, const struct sock *s)
{
	const struct hash_key *key = &s->st->udp.key;

	if (s->is_connected)
		return bucket_at(h, hash_ends(key, &s->local.addr, s->local.port, &s->remote.addr, s->remote.port));
	return bucket_at(h, hash_local(key, &s->local.addr, s->local.port));
}

static struct udp_sock *of_link(struct list *n)
{
	return container_of(n, struct udp_sock, hash_link);
}

/* One socket a bucket on average. Without memory the chains just become longer. */
static void hash_grow(struct stack *st, struct udp_hash *h)
{
	struct udp_hash old = *h;

	if (hash_init(st, h, old.bucket_count * 2) < 0)
		return;
	h->count = old.count;
	for (uint32_t i = 0; i < old.bucket_count; i++) {
		struct list *n;

		/* From the back, each to the front: the order within a chain stays. */
		while (!list_is_empty(&old.buckets[i])) {
			n = old.buckets[i].prev;
			list_remove(n);
			list_prepend(bucket_of(h, &of_link(n)->d.s), n);
		}
	}
	mem_free(&st->mem, old.buckets);
}

static struct udp_hash *hash_of(const struct sock *s)
{
	return s->is_connected ? &s->st->udp.connected : &s->st->udp.bound;
}

static void enter(struct sock *s)
{
	struct udp_hash *h = hash_of(s);

	if (h->count >= h->bucket_count)
		hash_grow(s->st, h);
	list_prepend(bucket_of(h, s), &udp_sock(s)->hash_link);
	h->count++;
}

static void leave(struct sock *s)
{
	struct udp_sock *u = udp_sock(s);

	if (!list_is_linked(&u->hash_link))
		return;
	list_remove(&u->hash_link);
	hash_of(s)->count--;
}

/* ---- Lookup ------------------------------------------------------------------------------------------------------- */

/* The ends of a received datagram, ours first. */
struct ends {
	struct ip_addr local, remote;
	uint16_t lport, rport;
	uint32_t ifindex;
};

static bool device_fits(const struct sock *s, uint32_t ifindex)
{
	return s->opt.bound_ifindex == 0 || s->opt.bound_ifindex == ifindex;
}

static struct sock *find_connected(struct stack *st, const struct ends *e)
{
	struct list *bucket;

	if (st->udp.connected.count == 0)
		return NULL;
	bucket = bucket_at(&st->udp.connected, hash_ends(&st->udp.key, &e->local, e->lport, &e->remote, e->rport));
	for (struct list *n = bucket->next; n != bucket; n = n->next) {
		struct sock *s = &of_link(n)->d.s;

		if (s->local.port == e->lport && s->remote.port == e->rport && ip_addr_eq(&s->local.addr, &e->local) &&
		    ip_addr_eq(&s->remote.addr, &e->remote) && device_fits(s, e->ifindex))
			return s;
	}
	return NULL;
}

/* Whether @s, in the chain of @bound_to, takes the datagram: 2 when it is bound to the very device, 1, or 0 when it does not. */
static int fitness(const struct sock *s, const struct ip_addr *bound_to, const struct ends *e)
{
	if (s->local.port != e->lport || !ip_addr_eq(&s->local.addr, bound_to) || !sock_may_use(s, &e->local) ||
	    !device_fits(s, e->ifindex))
		return 0;
	return s->opt.bound_ifindex ? 2 : 1;
}

/* The @skip'th of the sockets with SO_REUSEPORT that fit equally well. */
static struct sock *pick_shared(struct list *bucket, const struct ip_addr *bound_to, const struct ends *e, int best,
				uint32_t skip)
{
	struct list *n = bucket->next;

	for (;; n = n->next) {
		struct sock *s = &of_link(n)->d.s;

		if (fitness(s, bound_to, e) == best && s->port.reuse_port && skip-- == 0)
			return s;
	}
}

/* The socket bound to exactly @bound_to that fits best. */
static struct sock *find_bound_to(struct stack *st, const struct ip_addr *bound_to, const struct ends *e)
{
	struct list *bucket = bucket_at(&st->udp.bound, hash_local(&st->udp.key, bound_to, e->lport));
	struct sock *found = NULL;
	uint32_t shared = 0;
	int best = 0;

	for (struct list *n = bucket->next; n != bucket; n = n->next) {
		struct sock *s = &of_link(n)->d.s;
		int fit = fitness(s, bound_to, e);

		if (fit > best) {
			best = fit;
			found = s;
			shared = 0;
		}
		shared += fit > 0 && fit == best && s->port.reuse_port;
	}
	if (shared > 1 && found->port.reuse_port) {
		uint32_t hash = (uint32_t)hash_ends(&st->udp.share_key, &e->local, e->lport, &e->remote, e->rport);

		return pick_shared(bucket, bound_to, e, best, (uint32_t)((uint64_t)hash * shared >> 32));
	}
	return found;
}

static struct sock *find(struct stack *st, const struct ends *e)
{
	struct ip_addr any4 = ip_addr_any(AF_INET);
	struct sock *s = find_connected(st, e);

	if (s || st->udp.bound.count == 0)
		return s;
	s = find_bound_to(st, &e->local, e);
	if (!s && ip_addr_is4(&e->local))
		s = find_bound_to(st, &any4, e);
	return s ? s : find_bound_to(st, &ip6_addr_any, e);
}

/* ---- Receiving ---------------------------------------------------------------------------------------------------- */

/* RFC 768; RFC 8200 section 8.1: over IPv6 there must be a checksum. */
static bool checksum_is_good(struct stack *st, const struct frame *f, const struct ip_rx *rx, size_t len)
{
	uint16_t sum;

	if (f->off.csum == FRAME_CSUM_PARTIAL)
		return true;
	if (get_be16(f->data + UDP_CSUM_OFFSET) == 0) /* none; over IPv6 the socket decides */
		return true;
	if (f->off.csum == FRAME_CSUM_VALID)
		return true;
	sum = checksum_add(checksum_pseudo(&rx->src, &rx->dst, IPPROTO_NR_UDP, (uint32_t)len), f->data, len);
	if (checksum_finish(sum) == 0)
		return true;
	stat_drop(st, STAT_UDP_DROP_CHECKSUM);
	return false;
}

/* A super-datagram for a socket without UDP_GRO: each segment by itself. */
static void deliver_split(struct sock *s, struct frame *f, const uint8_t *data, size_t len, struct dgram_info *info)
{
	size_t segment = info->segment_size;

	info->segment_size = 0;
	for (size_t at = 0; at < len; at += segment) {
		size_t n = len - at < segment ? len - at : segment;

		if (dgram_deliver(dgram_sock(s), f, data + at, n, info, false, STAT_UDP_DROP_QUEUE_FULL))
			stat_count(s->st, STAT_UDP_IN);
	}
}

/* RFC 6935: over IPv6 a datagram without a checksum is for sockets that take it (UDP_NO_CHECK6_RX). @s: NULL: there is none. */
static bool lacks_checksum(const struct sock *s, const struct frame *f, const struct dgram_info *info)
{
	return f->off.csum != FRAME_CSUM_PARTIAL && !ip_addr_is4(&info->dst.addr) && !(s && s->opt.no_check6_rx) &&
	       get_be16(f->data + UDP_CSUM_OFFSET) == 0;
}

static void deliver(struct sock *s, struct frame *f, size_t len, const struct dgram_info *info, bool may_keep)
{
	const uint8_t *data = f->data + UDP_HDR_BYTES;
	struct dgram_info each = *info;

	s->st->verdict.sock_id = s->id;
	if (lacks_checksum(s, f, info)) {
		stat_drop(s->st, STAT_UDP_DROP_NO_CHECKSUM);
		return;
	}
	if (info->segment_size > 0 && !s->opt.gro)
		deliver_split(s, f, data, len - UDP_HDR_BYTES, &each);
	else if (dgram_deliver(dgram_sock(s), f, data, len - UDP_HDR_BYTES, info, may_keep, STAT_UDP_DROP_QUEUE_FULL))
		stat_count(s->st, STAT_UDP_IN);
}

/* Whether @s, found by its port, gets a datagram to a group or broadcast address. */
static bool takes_group(const struct sock *s, const struct ends *e)
{
	if (!sock_may_use(s, &e->local) || !device_fits(s, e->ifindex))
		return false;
	if (s->is_connected && (s->remote.port != e->rport || !ip_addr_eq(&s->remote.addr, &e->remote)))
		return false;
	return ip_addr_is_any(&s->local.addr) || ip_addr_eq(&s->local.addr, &e->local);
}

/* RFC 1122 section 4.1.3.1... every matching socket gets a copy. Those who hold a port are in the port table's list. */
static bool deliver_to_all(struct stack *st, struct frame *f, size_t len, const struct ends *e, const struct dgram_info *info)
{
	struct port_bucket *b = port_lookup(st, PORT_UDP, e->lport);
	bool found = false;

	if (!b)
		return false;
	for (struct list *n = b->bound.next; n != &b->bound; n = n->next) {
		struct sock *s = container_of(container_of(n, struct port_hold, link), struct sock, port);

		if (!takes_group(s, e))
			continue;
		if (ip_addr_is_multicast(&e->local) && !mcast_sock_wants(s, &e->local, &e->remote, e->ifindex)) {
			stat_count(st, STAT_UDP_DROP_NOT_MEMBER);
			continue;
		}
		found = true;
		deliver(s, f, len, info, false);
	}
	return found;
}

void udp_input(struct stack *st, struct frame *f, const struct ip_rx *rx)
{
	struct ends e = { .local = rx->dst, .remote = rx->src, .ifindex = rx->ifindex };
	struct dgram_info info = {
		.src = { .addr = rx->src }, .dst = { .addr = rx->dst }, .ifindex = rx->ifindex,
		.ttl = rx->ttl, .tos = rx->tos, .time_us = st->now_us,
		.ip_hdr = rx->ip_hdr, .ip_hdr_len = rx->ip_hdr_len, .frag_bytes = rx->frag_bytes,
	};
	struct wire_rd r = wire_rd_over(f->data, f->len);
	struct sock *s;
	size_t len;

	e.rport = info.src.port = wire_rd_u16(&r);
	e.lport = info.dst.port = wire_rd_u16(&r);
	len = wire_rd_u16(&r);
	wire_rd_skip(&r, 2);
	if (!wire_rd_ok(&r) || len < UDP_HDR_BYTES || len > f->len) {
		stat_drop(st, STAT_UDP_DROP_LENGTH);
		return;
	}
	if (!checksum_is_good(st, f, rx, len))
		return;
	if (dhcp4_input(st, rx, e.rport, e.lport, f->data + UDP_HDR_BYTES, len - UDP_HDR_BYTES) ||
	    dhcp6_input(st, rx, e.lport, f->data + UDP_HDR_BYTES, len - UDP_HDR_BYTES))
		return;
	if (!ip_addr_is4(&rx->src) && ip_addr_is_linklocal(&rx->src))
		info.src.scope_id = rx->ifindex;
	if (f->off.gso == FRAME_GSO_UDP && len - UDP_HDR_BYTES > f->off.gso_size)
		info.segment_size = f->off.gso_size;
	if (rx->is_broadcast || ip_addr_is_multicast(&rx->dst)) {
		if (!deliver_to_all(st, f, len, &e, &info))
			stat_drop(st, STAT_UDP_DROP_NO_SOCKET);
		return;
	}
	s = find(st, &e);
	if (s) {
		deliver(s, f, len, &info, true);
		return;
	}
	if (lacks_checksum(NULL, f, &info)) { /* RFC 8200 section 8.1: discarded, not answered */
		stat_drop(st, STAT_UDP_DROP_NO_CHECKSUM);
		return;
	}
	stat_drop(st, STAT_UDP_DROP_NO_SOCKET);
	icmp_send_port_unreachable(st, f, rx);
}

/* RFC 1122 section 4.1.3.3: errors are the application's business. */
void udp_icmp_error(struct stack *st, const struct icmp_error *err)
{
	struct ends e = { .local = err->local, .remote = err->remote, .ifindex = err->ifindex };
	struct wire_rd r = wire_rd_over(err->l4, err->l4_len);
	struct sock *s;

	e.lport = wire_rd_u16(&r);
	e.rport = wire_rd_u16(&r);
	wire_rd_skip(&r, 4);
	if (!wire_rd_ok(&r))
		return;
	s = find(st, &e);
	if (s)
		dgram_on_icmp(dgram_sock(s), err, e.rport, r.p, wire_rd_left(&r));
}

/* ---- Sending ------------------------------------------------------------------------------------------------------ */

static int autobind(struct sock *s)
{
	struct ip_endpoint any = { .addr = s->local.addr };
	int err;

	if (s->is_bound)
		return 0;
	err = port_bind(s, &any);
	if (err == -EADDRINUSE)
		err = -EAGAIN; /* as Linux when no ephemeral port is left */
	if (err < 0)
		return err;
	enter(s);
	return 0;
}

static void push_header(struct frame *f, uint16_t sport, uint16_t dport)
{
	uint8_t *udp = frame_push(f, UDP_HDR_BYTES);

	put_be16(udp, sport);
	put_be16(udp + 2, dport);
	put_be16(udp + 4, (uint16_t)f->len);
	put_be16(udp + UDP_CSUM_OFFSET, 0);
}

static int output(struct sock *s, struct frame *f, const struct dgram_way *way)
{
	push_header(f, s->local.port, way->dst.port);
	f->sock_id = s->id;
	return ip_output(s->st, f, &way->tx, way->via);
}

/* UDP_SEGMENT over a link that cannot: each segment in a frame of its own. */
static int output_split(struct sock *s, struct frame *f, const struct dgram_way *way, uint32_t segment)
{
	int err = 0;

	for (uint32_t at = 0; at < f->len && err == 0; at += segment) {
		uint32_t n = f->len - at < segment ? f->len - at : segment;
		struct frame *one = frame_alloc(&s->st->frames, n);

		if (!one) {
			err = -ENOBUFS;
			break;
		}
		memcpy(frame_put(one, n), f->data + at, n);
		err = output(s, one, way);
		stat_count(s->st, STAT_UDP_OUT);
	}
	frame_unref(f);
	return err;
}

/* What udp_send_skb() says to @bytes in segments: none may need fragments. *most: the most bytes that may be sent. */
static int check_segments(const struct sock *s, const struct dgram_way *way, uint32_t segment, size_t bytes, size_t *most)
{
	size_t hdrs = UDP_HDR_BYTES + way->ip_hdr_bytes, room = way->via->mtu > hdrs ? way->via->mtu - hdrs : 0;

	*most = segment > room ? room : (size_t)segment * UDP_SEGMENTS_MAX;
	if (bytes > *most && segment > room)
		return -EMSGSIZE;
	return bytes > *most || s->opt.no_check ? -EINVAL : 0; /* the device that cuts them writes checksums */
}

/* A bundle of the daemon's may be what no program could ask for; then it is cut here. */
static int output_segments(struct sock *s, struct frame *f, struct dgram_way *way, uint32_t segment)
{
	size_t most;
	bool fits = check_segments(s, way, segment, f->len, &most) == 0;

	way->tx.dont_fragment = dgram_dont_fragment(s, way, segment + UDP_HDR_BYTES);
	if (!fits || !(way->via->offloads & LINK_OFFLOAD_USO) || way->tx.ext || way->tx.options_len > 0)
		return output_split(s, f, way, segment);
	way->tx.gso = FRAME_GSO_UDP;
	way->tx.gso_size = (uint16_t)segment;
	way->tx.l4_hdr_len = UDP_HDR_BYTES;
	stat_count(s->st, STAT_UDP_OUT);
	return output(s, f, way);
}

static int udp_send_frame(struct sock *s, struct frame *f, const struct dgram_info *info, uint64_t now_us)
{
	uint32_t segment = info->segment_size ? info->segment_size : s->opt.gso_size;
	struct dgram_way way;
	size_t most;
	int err;

	(void)now_us;
	if (info->dst.port == 0 && !ip_addr_is_any(&info->dst.addr))
		err = -EINVAL;
	else
		err = dgram_prepare(s, info, f->len + UDP_HDR_BYTES, &way);
	if (err == 0 && segment > 0 && !info->is_bundle)
		err = check_segments(s, &way, segment, f->len, &most);
	if (err == 0)
		err = autobind(s);
	if (err < 0) {
		frame_unref(f);
		return err;
	}
	way.tx.proto = IPPROTO_NR_UDP;
	way.tx.csum_offset = (ip_addr_is4(&way.dst.addr) ? s->opt.no_check : s->opt.no_check6_tx) ? -1 : UDP_CSUM_OFFSET;
	if (segment > 0 && f->len > segment)
		return output_segments(s, f, &way, segment);
	stat_count(s->st, STAT_UDP_OUT);
	return output(s, f, &way);
}

static int udp_check_send(struct sock *s, const struct dgram_info *info, size_t bytes, size_t *bytes_max)
{
	uint32_t segment = info->segment_size ? info->segment_size : s->opt.gso_size;
	struct dgram_way way;
	size_t most;
	int err;

	if (info->dst.port == 0 && !ip_addr_is_any(&info->dst.addr))
		return -EINVAL;
	err = dgram_check(s, info, &way, UDP_HDR_BYTES, bytes, bytes_max);
	if (err < 0 || segment == 0)
		return err;
	err = check_segments(s, &way, segment, bytes, &most);
	if (*bytes_max > most)
		*bytes_max = most;
	return err;
}

/* ---- Socket operations -------------------------------------------------------------------------------------------- */

static int udp_init(struct sock *s)
{
	list_init(&udp_sock(s)->hash_link);
	return dgram_init(s);
}

static void udp_destroy(struct sock *s)
{
	leave(s);
	dgram_destroy(s);
}

static int udp_bind(struct sock *s, const struct ip_endpoint *local)
{
	int err;

	dgram_sock(s)->addr_locked = !ip_addr_is_any(&local->addr);
	if (s->opt.bind_no_port && local->port == 0) {
		s->local.addr = local->addr;
		s->local.scope_id = local->scope_id;
		return 0;
	}
	err = port_bind(s, local);
	if (err < 0) {
		dgram_sock(s)->addr_locked = false;
		return err;
	}
	dgram_sock(s)->port_locked = local->port != 0;
	enter(s);
	return 0;
}

static int udp_connect(struct sock *s, const struct ip_endpoint *remote, uint64_t now_us)
{
	int err = remote ? autobind(s) : 0;

	(void)now_us;
	if (err < 0)
		return err;
	leave(s);
	err = dgram_connect(s, remote);
	if (s->is_bound)
		enter(s);
	return err;
}

/* A segment size takes 16 bits; 0 switches it off. */
static int udp_setopt(struct sock *s, int level, int name, const void *value, size_t len, uint64_t now_us)
{
	int v;

	(void)now_us;
	if (level != IPPROTO_UDP)
		return -ENOPROTOOPT;
	if (len < sizeof(v))
		return -EINVAL;
	memcpy(&v, value, sizeof(v));
	switch (name) {
	case UDP_SEGMENT:
		if (v < 0 || v > UINT16_MAX)
			return -EINVAL;
		s->opt.gso_size = (uint16_t)v;
		return 0;
	case UDP_GRO:
		s->opt.gro = v != 0;
		return 0;
	case UDP_NO_CHECK6_TX:
		s->opt.no_check6_tx = v != 0;
		return 0;
	case UDP_NO_CHECK6_RX:
		s->opt.no_check6_rx = v != 0;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

/* UDP_CORK and UDP_ENCAP cannot be switched on. */
static int udp_getopt(struct sock *s, int level, int name, void *value, size_t *len, uint64_t now_us)
{
	int v = 0;

	(void)now_us;
	if (level != IPPROTO_UDP)
		return -ENOPROTOOPT;
	switch (name) {
	case UDP_SEGMENT:
		v = s->opt.gso_size;
		break;
	case UDP_GRO:
		v = s->opt.gro;
		break;
	case UDP_NO_CHECK6_TX:
		v = s->opt.no_check6_tx;
		break;
	case UDP_NO_CHECK6_RX:
		v = s->opt.no_check6_rx;
		break;
	case UDP_CORK:
	case UDP_ENCAP:
		break;
	default:
		return -ENOPROTOOPT;
	}
	return sockopt_put(value, len, &v, sizeof(v));
}

const struct sock_ops udp_sock_ops = {
	.name = "udp",
	.sock_bytes = sizeof(struct udp_sock),
	.init = udp_init,
	.destroy = udp_destroy,
	.bind = udp_bind,
	.connect = udp_connect,
	.shutdown = dgram_shutdown,
	.close = dgram_close,
	.poll = dgram_poll,
	.setopt = udp_setopt,
	.getopt = udp_getopt,
	.describe = dgram_describe,
	.send_frame = udp_send_frame,
	.recv_frame = dgram_recv_frame,
	.recv_error = dgram_recv_error,
	.check_send = udp_check_send,
	.send = dgram_send,
	.recv = dgram_recv,
	.inq_bytes = dgram_inq_bytes,
	.drops = dgram_drops,
};
