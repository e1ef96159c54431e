/* SPDX-License-Identifier: BSD-2-Clause */
#include "dgram.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "core.h"
#include "ip6.h"

_Static_assert(sizeof(struct sock_error) <= FRAME_HEADROOM, "a struct sock_error is kept in its frame's headroom");

int dgram_init(struct sock *s)
{
	frame_queue_init(&dgram_sock(s)->rx);
	frame_queue_init(&dgram_sock(s)->errors);
	return 0;
}

/* ---- Receiving ---------------------------------------------------------------------------------------------------- */

/* Whether @buf_bytes more fit. An empty queue takes any datagram, or a small SO_RCVBUF would never receive a large one. */
static bool has_room(struct dgram_sock *d, size_t buf_bytes, enum stack_stat drop)
{
	if (d->rx.count == 0 || d->rx.bytes + d->errors.bytes + buf_bytes <= d->s.opt.rcvbuf)
		return true;
	d->drops++;
	stat_drop(d->s.st, drop);
	return false;
}

static void enqueue(struct dgram_sock *d, struct frame *f, const struct dgram_info *info)
{
	f->info = *info;
	f->info.drops = d->drops;
	frame_queue_push(&d->rx, f);
	sock_raise(&d->s, SOCK_READABLE);
}

bool dgram_deliver_copy(struct dgram_sock *d, const struct iovec *iov, int iovcnt, const struct dgram_info *info,
			enum stack_stat drop)
{
	struct dgram_info kept = *info;
	struct frame *copy;
	size_t len;

	if (!dgram_wants_ip_hdr(&d->s))
		kept.ip_hdr_len = 0;
	len = kept.ip_hdr_len;
	for (int i = 0; i < iovcnt; i++)
		len += iov[i].iov_len;
	if (len > FRAME_LARGE_BYTES - FRAME_HEADROOM || !has_room(d, frame_buf_bytes(len), drop))
		return false;
	copy = frame_alloc(&d->s.st->frames, len);
	if (!copy)
		return false;
	if (kept.ip_hdr_len > 0) { /* before the window */
		kept.ip_hdr = memcpy(frame_put(copy, kept.ip_hdr_len), info->ip_hdr, kept.ip_hdr_len);
		frame_pull(copy, kept.ip_hdr_len);
	}
	for (int i = 0; i < iovcnt; i++)
		memcpy(frame_put(copy, iov[i].iov_len), iov[i].iov_base, iov[i].iov_len);
	enqueue(d, copy, &kept);
	return true;
}

bool dgram_deliver(struct dgram_sock *d, struct frame *f, const uint8_t *data, size_t len, const struct dgram_info *info,
		   bool may_keep, enum stack_stat drop)
{
	struct iovec all = { f->data + (data - f->data), len };

	if (!may_keep || f->refs > 1 || frame_buf_bytes(len) < f->buf_bytes)
		return dgram_deliver_copy(d, &all, 1, info, drop);
	if (!has_room(d, f->buf_bytes, drop))
		return false;
	frame_ref(f);
	f->data = all.iov_base;
	f->len = (uint32_t)len;
	enqueue(d, f, info);
	return true;
}

struct frame *dgram_recv_frame(struct sock *s)
{
	struct dgram_sock *d = dgram_sock(s);
	struct frame *f = d->mtu_news;

	if (!f)
		return frame_queue_pop(&d->rx);
	d->mtu_news = NULL;
	return f;
}

/* An empty datagram with IPV6_PATHMTU. As on Linux the last one counts, and it comes before what is queued. */
void dgram_tell_path_mtu(struct dgram_sock *d, const struct ip_addr *dst, uint32_t ifindex, uint32_t mtu)
{
	struct frame *f = d->s.opt.recv_pathmtu ? frame_alloc(&d->s.st->frames, 0) : NULL;

	if (!f)
		return;
	f->info = (struct dgram_info){ .src.addr = *dst, .dst.addr = *dst, .ifindex = ifindex, .ttl = -1, .tos = -1, .path_mtu = mtu };
	frame_unref(d->mtu_news);
	d->mtu_news = f;
	sock_raise(&d->s, SOCK_READABLE);
}

uint32_t dgram_drops(const struct sock *s)
{
	return container_of(s, const struct dgram_sock, s)->drops;
}

size_t dgram_inq_bytes(const struct sock *s)
{
	const struct frame *f = container_of(s, const struct dgram_sock, s)->rx.head;

	return f ? f->len : 0;
}

ssize_t dgram_recv(struct sock *s, void *data, size_t n, int flags, uint64_t now_us)
{
	struct dgram_sock *d = dgram_sock(s);
	struct frame *f = d->rx.head;
	size_t take, whole;

	(void)now_us;
	if (s->error)
		return -sock_take_error(s);
	if (!f)
		return s->rd_shut ? 0 : -EAGAIN;
	whole = f->len;
	take = whole < n ? whole : n;
	if (take > 0)
		memcpy(data, f->data, take);
	if (!(flags & MSG_PEEK))
		frame_unref(frame_queue_pop(&d->rx));
	return (ssize_t)(flags & MSG_TRUNC ? whole : take);
}

/* ---- Errors ------------------------------------------------------------------------------------------------------- */

/* Keep the error and what is quoted of the datagram for MSG_ERRQUEUE. Without memory there is still SO_ERROR. */
static void queue_error(struct dgram_sock *d, const struct sock_error *e, const uint8_t *payload, size_t payload_len)
{
	size_t buf_bytes = frame_buf_bytes(payload_len);
	struct frame *f;

	if (d->errors.count > 0 && d->rx.bytes + d->errors.bytes + buf_bytes > d->s.opt.rcvbuf)
		return;
	f = frame_alloc(&d->s.st->frames, payload_len);
	if (!f)
		return;
	memcpy(f->buf, e, sizeof(*e));
	if (payload_len > 0)
		memcpy(frame_put(f, payload_len), payload, payload_len);
	frame_queue_push(&d->errors, f);
	sock_raise(&d->s, SOCK_ERROR);
}

/* IP_RECVERR and IPV6_RECVERR, by the family of the datagram. */
static bool wants_errors(const struct sock *s, const struct ip_addr *remote)
{
	return ip_addr_is4(remote) ? s->opt.recv_err : s->opt.recv_err6;
}

/* An error that this host found itself: a datagram too large for its path. As on Linux (ip_local_error()), over IPv4 the port is that
 * of the peer the socket is connected to, if it is. */
static void queue_local_error(struct dgram_sock *d, const struct dgram_way *way, int error)
{
	struct sock_error e = {
		.error = error,
		.origin = SO_EE_ORIGIN_LOCAL,
		.info = way->via->mtu,
		.dst = way->dst,
		.offender = ip_addr_any(ip_addr_family(&way->dst.addr)),
	};

	if (ip_addr_is4(&way->dst.addr))
		e.dst.port = d->s.is_connected ? d->s.remote.port : 0;
	if (wants_errors(&d->s, &way->dst.addr))
		queue_error(d, &e, NULL, 0);
}

void dgram_on_icmp(struct dgram_sock *d, const struct icmp_error *e, uint16_t remote_port, const uint8_t *payload,
		   size_t payload_len)
{
	struct sock *s = &d->s;
	struct sock_error queued = {
		.error = e->error,
		.origin = ip_addr_is4(&e->remote) ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6,
		.type = e->icmp_type,
		.code = e->icmp_code,
		.info = e->mtu,
		.dst = { .addr = e->remote, .port = remote_port },
		.offender = e->reporter,
	};
	bool is_hard = e->is_hard;

	if (e->error == EMSGSIZE) { /* told to those who do not fragment at will */
		if (sock_pmtudisc(s, &e->remote) < IP_PMTUDISC_INTERFACE) {
			queued.info = ip_pmtu_learn(s->st, e);
			if (!ip_addr_is4(&e->remote)) /* RFC 3542 section 11.3 */
				dgram_tell_path_mtu(d, &e->remote, e->ifindex, queued.info);
		}
		if (sock_pmtudisc(s, &e->remote) == IP_PMTUDISC_DONT)
			return;
		is_hard = true;
	}
	if (wants_errors(s, &e->remote))
		queue_error(d, &queued, payload, payload_len);
	else if (!is_hard || !s->is_connected)
		return;
	sock_set_error(s, e->error);
}

static struct sock_error error_in(const struct frame *f)
{
	struct sock_error e;

	memcpy(&e, f->buf, sizeof(e));
	return e;
}

/* SO_ERROR afterwards is as Linux's sock_dequeue_err_skb() leaves it. */
struct frame *dgram_recv_error(struct sock *s, struct sock_error *e, uint32_t *left)
{
	struct frame_queue *q = &dgram_sock(s)->errors;
	struct frame *f = frame_queue_pop(q);

	*left = q->count;
	if (!f)
		return NULL;
	*e = error_in(f);
	if (q->head && error_in(q->head).origin != SO_EE_ORIGIN_LOCAL)
		s->error = error_in(q->head).error;
	else if (e->origin != SO_EE_ORIGIN_LOCAL)
		s->error = 0;
	return f;
}

/* ---- Sending ------------------------------------------------------------------------------------------------------ */

static int choose_destination(const struct sock *s, const struct dgram_info *info, struct ip_endpoint *dst)
{
	if (ip_addr_is_any(&info->dst.addr) && info->dst.port == 0) {
		if (!s->is_connected)
			return -EDESTADDRREQ;
		*dst = s->remote;
		return 0;
	}
	*dst = info->dst;
	if (!sock_may_use(s, &dst->addr))
		return s->family == AF_INET ? -EAFNOSUPPORT : -ENETUNREACH;
	sock_wildcard_to_loopback(&dst->addr);
	return 0;
}

/* sock_pmtudisc() tells them apart. With WANT only as long as it fits: what is larger is fragmented here. */
bool dgram_dont_fragment(const struct sock *s, const struct dgram_way *way, size_t l4_len)
{
	uint8_t discover = sock_pmtudisc(s, &way->dst.addr);

	if (discover == IP_PMTUDISC_DO || discover == IP_PMTUDISC_PROBE || way->dont_frag6)
		return true;
	return discover == IP_PMTUDISC_WANT && l4_len + way->ip_hdr_bytes <= way->via->mtu;
}

/* A server sends to one peer after another, and mostly to the last one again: s->dst is kept while the question stays the same. */
static int find_way(struct sock *s, const struct ip_endpoint *remote, const struct ip_addr *src, uint32_t ifindex)
{
	struct dgram_sock *d = dgram_sock(s);
	int err;

	if (ifindex != 0 && !ip_addr_is4(&remote->addr)) { /* IPV6_PKTINFO goes with what else was said of the link */
		uint32_t asked = sock_asked_link(s, remote, 0);

		if (asked != 0 && asked != ifindex && (remote->scope_id == asked || s->opt.bound_ifindex == asked))
			return -EINVAL;
	}
	if (ifindex != 0 && !link_by_ifindex(s->st, ifindex))
		return -ENODEV;
	ifindex = sock_asked_link(s, remote, ifindex);
	if (s->dst.ifindex && !ip_dst_is_stale(s->st, &s->dst) && ip_addr_eq(&d->asked_dst, &remote->addr) &&
	    ip_addr_eq(&d->asked_src, src) && d->asked_link == ifindex)
		return 0;
	err = sock_find_route(s, remote, src, ifindex, &s->dst);
	if (err < 0) {
		s->dst.ifindex = 0;
		return err;
	}
	d->asked_dst = remote->addr;
	d->asked_src = *src;
	d->asked_link = ifindex;
	return 0;
}

/* Bound to no address, or to a group, from which nothing is sent. */
static bool has_no_source(const struct ip_addr *local)
{
	return ip_addr_is_any(local) || ip_addr_is_multicast(local);
}

/* The source that is asked for, or the wildcard. 0 or -errno. */
static int choose_source(const struct sock *s, const struct dgram_info *info, const struct ip_addr *dst, struct ip_addr *src)
{
	bool is4 = ip_addr_is4(dst);

	*src = s->local.addr;
	if (!ip_addr_is_any(&info->src.addr) && !ip_addr_is_multicast(src)) {
		*src = info->src.addr;
		if (!s->opt.freebind && !s->opt.transparent && !ip_is_local(s->st, src))
			return ip_addr_is4(src) ? -ENETUNREACH : -EINVAL; /* as Linux's two families */
	} else if (!is4 && ip_addr_is_any(src) && !ip_addr_is4(&s->opt.sticky_src6) && ip_is_local(s->st, &s->opt.sticky_src6)) {
		*src = s->opt.sticky_src6;
	}
	if (is4 && ip_addr_is_multicast(dst) && has_no_source(src))
		*src = ip_addr_from4(s->opt.mcast_src);
	return 0;
}

/* How large the packet may be where it must not be fragmented: the path's MTU. */
static bool is_too_long(const struct sock *s, const struct dgram_info *info, const struct dgram_way *way, size_t l4_len)
{
	bool is_whole = way->tx.dont_fragment || sock_pmtudisc(s, &way->dst.addr) == IP_PMTUDISC_INTERFACE;

	return is_whole && l4_len + way->ip_hdr_bytes > way->via->mtu && info->segment_size == 0 && s->opt.gso_size == 0;
}

int dgram_prepare(struct sock *s, const struct dgram_info *info, size_t l4_len, struct dgram_way *way)
{
	struct ip_endpoint hop;
	struct ip_addr src;
	int err;

	if (s->error)
		return -sock_take_error(s);
	if (s->wr_shut)
		return -EPIPE;
	err = choose_destination(s, info, &way->dst);
	if (err == 0 && l4_len > 65535)
		err = -EMSGSIZE;
	if (err == 0)
		err = choose_source(s, info, &way->dst.addr, &src);
	if (err == 0)
		err = dgram_take_controls(s, info, way);
	if (err < 0)
		return err;
	hop = way->dst;
	hop.addr = dgram_first_hop(way);
	err = find_way(s, &hop, &src, info->ifindex);
	if (err < 0)
		return err;
	if (s->dst.is_broadcast && !s->opt.broadcast)
		return -EACCES;
	if (s->dst.is_gatewayed && way->room.ip4.is_strict)
		return -ENETUNREACH;
	way->via = &s->dst;
	if (info->confirms)
		ip_dst_confirm(s->st, way->via);
	way->tx.src = has_no_source(&src) || s->dst.is_broadcast ? s->dst.src : src;
	way->tx.ttl = info->ttl >= 0 ? (uint8_t)info->ttl : sock_ttl(s, &way->dst.addr);
	way->tx.tos = info->tos >= 0 ? (uint8_t)info->tos : sock_tos(s, &way->dst.addr);
	way->tx.sock_id = s->id;
	way->tx.csum_offset = -1;
	way->tx.loop = s->dst.is_broadcast || (s->dst.is_multicast && (s->family == AF_INET ? s->opt.mcast_loop : s->opt.mcast_loop6));
	dgram_finish_options(s, way);
	if (l4_len + way->ip_hdr_bytes - (ip_addr_is4(&way->dst.addr) ? 0 : IP6_HDR_LEN) > 65535)
		return -EMSGSIZE;
	way->tx.dont_fragment = dgram_dont_fragment(s, way, l4_len);
	if (is_too_long(s, info, way, l4_len)) {
		if (way->dont_frag6)
			dgram_tell_path_mtu(dgram_sock(s), &way->dst.addr, s->dst.ifindex,
					    s->dst.mtu - (way->ip_hdr_bytes - (uint32_t)IP6_HDR_LEN));
		queue_local_error(dgram_sock(s), way, EMSGSIZE);
		return -EMSGSIZE;
	}
	return 0;
}

/* What dgram_prepare() would let pass to where it has just found the way. */
static size_t most_bytes(const struct sock *s, const struct dgram_info *info, const struct dgram_way *way, size_t hdr_bytes)
{
	size_t most = 65535 - way->ip_hdr_bytes + (ip_addr_is4(&way->dst.addr) ? 0 : IP6_HDR_LEN);
	uint8_t discover = sock_pmtudisc(s, &way->dst.addr);
	bool is_whole = discover == IP_PMTUDISC_DO || discover == IP_PMTUDISC_PROBE || discover == IP_PMTUDISC_INTERFACE || way->dont_frag6;

	if (is_whole && info->segment_size == 0 && s->opt.gso_size == 0)
		most = way->via->mtu > way->ip_hdr_bytes ? way->via->mtu - way->ip_hdr_bytes : 0;
	return most > hdr_bytes ? most - hdr_bytes : 0;
}

int dgram_check(struct sock *s, const struct dgram_info *info, struct dgram_way *way, size_t hdr_bytes, size_t bytes,
		size_t *bytes_max)
{
	int err = dgram_prepare(s, info, bytes + hdr_bytes, way);

	if (err == 0)
		*bytes_max = most_bytes(s, info, way, hdr_bytes);
	return err;
}

ssize_t dgram_send(struct sock *s, const void *data, size_t n, int flags, uint64_t now_us)
{
	struct dgram_info info = { .ttl = -1, .tos = -1 };
	struct frame *f;
	int err;

	(void)flags;
	if (n > FRAME_LARGE_BYTES - FRAME_HEADROOM)
		return -EMSGSIZE;
	f = frame_alloc(&s->st->frames, n);
	if (!f)
		return -ENOBUFS;
	if (n > 0)
		memcpy(frame_put(f, n), data, n);
	err = s->ops->send_frame(s, f, &info, now_us);
	return err < 0 ? err : (ssize_t)n;
}

/* ---- Association -------------------------------------------------------------------------------------------------- */

static void set_local_addr(struct sock *s, const struct ip_addr *addr)
{
	s->local.addr = *addr;
	s->local.scope_id = sock_scope_of(addr, ip_dst_zone(&s->dst));
	port_set_addr(&s->port, addr);
}

static void dissolve(struct sock *s)
{
	struct dgram_sock *d = dgram_sock(s);
	struct ip_addr any = ip_addr_any(s->family);

	s->is_connected = false;
	s->remote = (struct ip_endpoint){ .addr = any };
	s->dst.ifindex = 0;
	if (!d->addr_locked)
		set_local_addr(s, &any);
	if (!d->port_locked && s->port.bucket) {
		port_release(s->st, &s->port);
		s->local.port = 0;
		s->is_bound = false;
	}
}

int dgram_connect(struct sock *s, const struct ip_endpoint *remote)
{
	struct dgram_sock *d = dgram_sock(s);
	struct ip_addr src;
	int err;

	if (!remote) {
		dissolve(s);
		return 0;
	}
	src = d->addr_locked ? s->local.addr : ip_addr_any(ip_addr_family(&remote->addr));
	err = find_way(s, remote, &src, 0);
	if (err < 0)
		return err;
	if (s->dst.is_broadcast && !s->opt.broadcast)
		return -EACCES;
	if (!d->addr_locked || ip_addr_is_any(&s->local.addr))
		set_local_addr(s, &s->dst.src);
	s->remote = *remote;
	s->is_connected = true;
	return 0;
}

int dgram_shutdown(struct sock *s, int how, uint64_t now_us)
{
	(void)now_us;
	s->rd_shut |= how != SHUT_WR;
	s->wr_shut |= how != SHUT_RD;
	sock_raise(s, SOCK_READABLE); /* whoever waits for a datagram */
	return s->is_connected ? 0 : -ENOTCONN; /* as Linux: it takes effect all the same */
}

void dgram_close(struct sock *s, bool abort, uint64_t now_us)
{
	(void)abort, (void)now_us;
	s->ops->destroy(s);
}

void dgram_destroy(struct sock *s)
{
	frame_queue_clear(&dgram_sock(s)->rx);
	frame_unref(dgram_sock(s)->mtu_news);
	frame_queue_clear(&dgram_sock(s)->errors);
	sock_free(s);
}

int dgram_poll(const struct sock *s)
{
	const struct dgram_sock *d = container_of(s, const struct dgram_sock, s);
	int poll = POLLOUT;

	if (d->rx.count > 0 || d->mtu_news || s->rd_shut)
		poll |= POLLIN;
	if (d->errors.count > 0)
		poll |= POLLERR;
	if (s->rd_shut)
		poll |= POLLRDHUP;
	if (s->rd_shut && s->wr_shut)
		poll |= POLLHUP;
	return poll;
}

void dgram_describe(struct sock *s, struct sock_info *info, uint64_t now_us)
{
	(void)now_us;
	info->recv_q = (uint32_t)dgram_sock(s)->rx.bytes;
}
