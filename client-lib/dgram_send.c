/* SPDX-License-Identifier: BSD-2-Clause */
#include "client-lib/dgram.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "client-lib/cmsg.h"
#include "client-lib/option_names.h"
#include "client-lib/real.h"
#include "client-lib/report.h"
#include "client-lib/sock.h"
#include "client-lib/sockaddr.h"

enum {
	BATCH_MSGS_MAX = 32,	 /* messages of one sendmmsg(2) of ours */
	BATCH_IOVS_MAX = 128,	 /* and their pieces, headers included */
	UDP4_BYTES_MAX = 65507,	 /* 65535 less the headers of IP and UDP */
	UDP6_BYTES_MAX = 65527,	 /* RFC 8200: the payload length does not count the IPv6 header */
};

/* A message made ready: its header, and the pieces to send. */
struct framed {
	struct tapir_dgram header;
	uint8_t *controls; /* behind it, as many bytes as it says; room for TAPIR_CONTROLS_MAX, or NULL */
	bool is_bare;
};

static size_t iov_bytes(const struct iovec *iov, size_t iovcnt)
{
	size_t n = 0;

	for (size_t i = 0; i < iovcnt; i++)
		n += iov[i].iov_len;
	return n;
}

static bool is_ipv4(const struct tapir_addr *a)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return a->family == AF_INET || (a->family == AF_INET6 && memcmp(a->addr, prefix, sizeof(prefix)) == 0);
}

/* send() without an address on a socket that connect() was not seen to succeed on: another process may have done it. */
static int check_connected(const struct dgram_sock *s)
{
	struct tapir_addr peer;
	ssize_t n = sock_request(TAPIR_OP_GETPEERNAME, s->fd, NULL, 0, &peer, sizeof(peer));

	if (n == -ENOTCONN)
		return -EDESTADDRREQ;
	if (n < 0)
		return (int)n;
	hint_set_connected(s->fd, true);
	return 0;
}

/* Linux's UDP takes MSG_OOB over IPv6 for nothing, and refuses it over IPv4; raw and ping sockets refuse it. */
static int check_urgent(const struct dgram_sock *s, struct tapir_addr to)
{
	if (!dgram_is_udp(s))
		return -EOPNOTSUPP;
	if (!to.family && sock_request(TAPIR_OP_GETPEERNAME, s->fd, NULL, 0, &to, sizeof(to)) < 0)
		return 0;
	return is_ipv4(&to) ? -EOPNOTSUPP : 0;
}

/* sin6_flowinfo, of which the socket knows whether it counts (IPV6_FLOWINFO_SEND). */
static int take_flowinfo(const struct msghdr *m, struct framed *f)
{
	struct sockaddr_in6 to;

	if (m->msg_namelen < offsetof(struct sockaddr_in6, sin6_addr))
		return 0;
	memcpy(&to, m->msg_name, offsetof(struct sockaddr_in6, sin6_addr));
	if (to.sin6_family != AF_INET6 || !to.sin6_flowinfo)
		return 0;
	return cmsg_add(&f->header, f->controls, IPPROTO_IPV6, IPV6_FLOWINFO_SEND, &to.sin6_flowinfo, sizeof(to.sin6_flowinfo));
}

/* The header for @m. @is_connected: known so far; found out when it matters. */
static int frame(const struct dgram_sock *s, const struct msghdr *m, int flags, bool *is_connected, struct framed *f)
{
	size_t bytes = iov_bytes(m->msg_iov, m->msg_iovlen);
	struct tapir_dgram *h = &f->header;
	int error;

	if (flags & MSG_MORE) /* it would have to join datagrams */
		report_flags(REPORT_SEND, MSG_MORE, EOPNOTSUPP);
	if (flags & MSG_MORE)
		return -EOPNOTSUPP;
	*h = (struct tapir_dgram){ .magic_id = s->id, .header_bytes = sizeof(*h), .ttl = -1, .tos = -1 };
	if (m->msg_name) {
		error = sockaddr_parse(m->msg_name, m->msg_namelen, &h->addr);
		if (!error)
			error = take_flowinfo(m, f);
		if (error)
			return error;
	}
	if (m->msg_controllen) {
		error = cmsg_parse(m, h, f->controls);
		if (error)
			return error;
	}
	if (!h->addr.family && !*is_connected) {
		error = check_connected(s);
		if (error)
			return error;
		*is_connected = true;
	}
	if (flags & MSG_CONFIRM)
		h->flags |= TAPIR_DGRAM_CONFIRM;
	if (flags & MSG_OOB) {
		error = check_urgent(s, h->addr);
		if (error)
			return error;
	}
	if (bytes > (is_ipv4(&h->addr) ? UDP4_BYTES_MAX : UDP6_BYTES_MAX))
		return -EMSGSIZE;
	f->is_bare = !h->addr.family && !m->msg_controllen && !h->flags && h->header_bytes == sizeof(*h) && bytes;
	return dgram_check_way(s, h, f->controls, bytes);
}

/* Point *out at the message; @iov has room for two pieces more than it has. Returns the pieces used. */
static size_t lay_out(const struct msghdr *m, struct framed *f, struct iovec *iov, struct msghdr *out)
{
	struct iovec *at = iov;

	if (!f->is_bare)
		*at++ = (struct iovec){ &f->header, sizeof(f->header) };
	if (f->header.header_bytes > sizeof(f->header))
		*at++ = (struct iovec){ f->controls, f->header.header_bytes - sizeof(f->header) };
	if (m->msg_iovlen)
		memcpy(at, m->msg_iov, m->msg_iovlen * sizeof(*at));
	at += m->msg_iovlen;
	*out = (struct msghdr){ .msg_iov = iov, .msg_iovlen = (size_t)(at - iov) };
	return out->msg_iovlen;
}

/* What a failed send(2) on the pair means to a datagram socket; it never raises SIGPIPE. */
static int send_error(const struct dgram_sock *s, int error)
{
	int pending;

	if (error != EPIPE && error != ECONNRESET && error != ECONNREFUSED && error != ENOTCONN)
		return -error;
	pending = sock_ask_error(s->fd, ENETDOWN);
	return pending ? pending : -EPIPE;
}

static int send_flags(int flags)
{
	return (flags & MSG_DONTWAIT) | MSG_NOSIGNAL;
}

/* An IOV_MAX of pieces takes more stack than a signal handler should be asked for, so that is for who needs it. */
static __attribute__((noinline)) ssize_t send_many_pieces(const struct dgram_sock *s, const struct msghdr *m, struct framed *f,
							  int flags)
{
	struct iovec iov[IOV_MAX];
	struct msghdr out;

	lay_out(m, f, iov, &out);
	return tapir_real.sendmsg(s->fd, &out, flags);
}

/* Whether the daemon must be asked because an error came: the next call tells it, also one that sends (but not on raw sockets). Looking
 * for it costs a third of a send, so who sends without pause looks only so often in a tick of the clock (a few milliseconds). */
static bool hears_bell(const struct dgram_sock *s)
{
	enum { LOOKS_PER_TICK = 64 };
	static _Atomic uint64_t last_tick;
	static _Atomic uint32_t looks;
	struct timespec now;
	uint64_t tick;

	if (!s->is_connected || hint_is_sandboxed())
		return false;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	tick = (uint64_t)now.tv_sec << 32 | (uint64_t)now.tv_nsec;
	if (atomic_load_explicit(&last_tick, memory_order_relaxed) != tick) {
		atomic_store_explicit(&last_tick, tick, memory_order_relaxed);
		atomic_store_explicit(&looks, 0, memory_order_relaxed);
	}
	if (atomic_fetch_add_explicit(&looks, 1, memory_order_relaxed) >= LOOKS_PER_TICK)
		return false;
	return dgram_bell_is_next(s);
}

ssize_t dgram_sendmsg(const struct dgram_sock *s, const struct msghdr *m, int flags)
{
	uint8_t controls[TAPIR_CONTROLS_MAX];
	struct iovec iov[8];
	struct framed f = { .controls = controls };
	struct msghdr out;
	bool is_connected = s->is_connected;
	ssize_t n;
	int error;

	if (m->msg_iovlen > IOV_MAX - 2)
		return -EMSGSIZE;
	if (hears_bell(s))
		dgram_forget_ways();
	error = frame(s, m, flags, &is_connected, &f);
	if (error)
		return error;
	if (m->msg_iovlen <= sizeof(iov) / sizeof(iov[0]) - 2) {
		lay_out(m, &f, iov, &out);
		n = tapir_real.sendmsg(s->fd, &out, send_flags(flags));
	} else {
		n = send_many_pieces(s, m, &f, send_flags(flags));
	}
	if (n < 0)
		return send_error(s, errno);
	return f.is_bare ? n : n - (ssize_t)f.header.header_bytes;
}

/* As many of the messages as fit one batch. *error: why it is none, or why it ended early; CMSG_NEEDS_ROOM: the next one must go alone. */
static int send_batch(const struct dgram_sock *s, struct mmsghdr *msgs, unsigned count, int flags, bool *is_connected, int *error)
{
	struct framed f[BATCH_MSGS_MAX];
	struct mmsghdr out[BATCH_MSGS_MAX];
	struct iovec iov[BATCH_IOVS_MAX];
	size_t pieces = 0;
	unsigned n = 0;
	int sent;

	*error = 0;
	while (n < count && n < BATCH_MSGS_MAX && msgs[n].msg_hdr.msg_iovlen + 2 <= BATCH_IOVS_MAX - pieces) {
		f[n].controls = NULL;
		*error = frame(s, &msgs[n].msg_hdr, flags, is_connected, &f[n]);
		if (*error)
			break;
		pieces += lay_out(&msgs[n].msg_hdr, &f[n], iov + pieces, &out[n].msg_hdr);
		n++;
	}
	if (!n)
		return 0;
	sent = tapir_real.sendmmsg(s->fd, out, n, send_flags(flags));
	if (sent < 0) {
		*error = send_error(s, errno);
		return 0;
	}
	for (int i = 0; i < sent; i++)
		msgs[i].msg_len = out[i].msg_len - (f[i].is_bare ? 0 : (unsigned)sizeof(f[i].header));
	return sent;
}

int dgram_sendmmsg(const struct dgram_sock *s, struct mmsghdr *msgs, unsigned count, int flags)
{
	bool is_connected = s->is_connected, goes_alone = false;
	unsigned done = 0;
	int error = 0;

	if (hears_bell(s))
		dgram_forget_ways();
	if (count > IOV_MAX)
		count = IOV_MAX;
	while (done < count && !error) {
		int sent;

		if (msgs[done].msg_hdr.msg_iovlen > BATCH_IOVS_MAX - 2 || goes_alone) {
			ssize_t n = dgram_sendmsg(s, &msgs[done].msg_hdr, flags);

			error = n < 0 ? (int)n : 0;
			msgs[done].msg_len = n < 0 ? 0 : (unsigned)n;
			sent = n < 0 ? 0 : 1;
			goes_alone = false;
		} else {
			sent = send_batch(s, msgs + done, count - done, flags, &is_connected, &error);
			goes_alone = error == CMSG_NEEDS_ROOM;
			if (goes_alone)
				error = 0;
			else if (!sent && !error)
				break;
		}
		done += (unsigned)sent;
	}
	return done ? (int)done : error;
}
