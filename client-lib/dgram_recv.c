/* SPDX-License-Identifier: BSD-2-Clause */
#include "client-lib/dgram.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>

#include "client-lib/cmsg.h"
#include "client-lib/include/tapir/socket.h"
#include "client-lib/real.h"
#include "client-lib/sock.h"
#include "client-lib/sockaddr.h"

enum {
	HEADER_BYTES = sizeof(struct tapir_dgram),
	BATCH_MSGS_MAX = 32, /* messages of one recvmmsg(2) of ours */
	BATCH_IOVS_MAX = 128, /* and their pieces, headers included */
	BATCH_SPILL_BYTES = 256,
	BELL = -ERESTART, /* what land() says of one: no errno that a socket has */
};

/* Where one message goes. */
struct landing {
	struct tapir_dgram header; /* when one is expected */
	struct sockaddr_un from;   /* the daemon's end; without it, what came is the end, not an empty datagram */
	uint8_t *spill;
	size_t spill_bytes;
	struct iovec *iov;	   /* as laid out, @iovcnt pieces */
	int iovcnt;
	bool expects_bare;
	size_t at, to;		   /* where in @iov the message begins, and where the application's buffers do */
};

bool dgram_is(int fd, struct dgram_sock *s)
{
	enum hint hint = hint_of(fd);

	if (__builtin_expect(hint != HINT_DGRAM && hint != HINT_DOUBTFUL, 1))
		return false;
	if (hint == HINT_DOUBTFUL && hint_is_sandboxed())
		return false;
	s->fd = fd;
	return hint_dgram(fd, &s->id, &s->is_connected);
}

bool dgram_is_udp(const struct dgram_sock *s)
{
	int protocol = 0;
	socklen_t len = sizeof(protocol);

	return tapir_getsockopt(s->fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) == 0 && protocol == IPPROTO_UDP;
}

/* ---- Moving bytes into place ---- */

/* The piece that holds offset *at, which becomes the offset within it. */
static int iov_find(const struct iovec *iov, int iovcnt, size_t *at)
{
	int i = 0;

	while (i < iovcnt && *at >= iov[i].iov_len)
		*at -= iov[i++].iov_len;
	return i;
}

/* The bytes from offset @at on, or up to it when @is_backwards, that lie in one piece; *p: the first of them. */
static size_t iov_run(const struct iovec *iov, int iovcnt, size_t at, size_t want, bool is_backwards, uint8_t **p)
{
	size_t in = is_backwards ? at - 1 : at, run;
	int i = iov_find(iov, iovcnt, &in);

	if (i == iovcnt)
		return 0;
	run = is_backwards ? in + 1 : iov[i].iov_len - in;
	if (run > want)
		run = want;
	*p = (uint8_t *)iov[i].iov_base + (is_backwards ? in + 1 - run : in);
	return run;
}

void iov_move(const struct iovec *iov, int iovcnt, size_t to, size_t from, size_t bytes)
{
	bool is_backwards = to > from;

	while (bytes && to != from) {
		uint8_t *src = NULL, *dst = NULL;
		size_t n = iov_run(iov, iovcnt, is_backwards ? from + bytes : from, bytes, is_backwards, &src);

		n = iov_run(iov, iovcnt, is_backwards ? to + bytes : to, n, is_backwards, &dst);
		if (!n)
			return;
		if (is_backwards) /* dst's run may be the shorter: move the last n of both */
			iov_run(iov, iovcnt, from + bytes, n, true, &src);
		memmove(dst, src, n);
		bytes -= n;
		if (!is_backwards) {
			from += n;
			to += n;
		}
	}
}

static void iov_read(const struct iovec *iov, int iovcnt, size_t at, void *to, size_t bytes)
{
	uint8_t *out = to, *src = NULL;

	while (bytes) {
		size_t n = iov_run(iov, iovcnt, at, bytes, false, &src);

		if (!n)
			return;
		memcpy(out, src, n);
		out += n;
		at += n;
		bytes -= n;
	}
}

static size_t iov_bytes(const struct msghdr *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->msg_iovlen; i++)
		n += m->msg_iov[i].iov_len;
	return n;
}

/* ---- One message ---- */

/* Lay @m out into @raw, with l->iov, which has room for two pieces more than m has, and the flags that tell the whole length. What is in
 * the message beside the datagram must not push the end of that out: the spill takes as much, a header where none is expected, and
 * control messages. */
static void lay_out(const struct dgram_sock *s, const struct msghdr *m, struct landing *l, struct msghdr *raw)
{
	struct iovec *at = l->iov;

	l->expects_bare = s->is_connected;
	if (!l->expects_bare)
		*at++ = (struct iovec){ &l->header, HEADER_BYTES };
	if (m->msg_iovlen)
		memcpy(at, m->msg_iov, m->msg_iovlen * sizeof(*at));
	at += m->msg_iovlen;
	*at++ = (struct iovec){ l->spill, l->spill_bytes };
	l->iovcnt = (int)(at - l->iov);
	l->at = 0;
	l->to = l->expects_bare ? 0 : HEADER_BYTES;
	*raw = (struct msghdr){ .msg_name = &l->from,
				.msg_namelen = sizeof(l->from),
				.msg_iov = l->iov,
				.msg_iovlen = (size_t)l->iovcnt };
}

/* Whether the @bytes long message that landed has a header, which is then put into *h. */
static bool find_header(const struct dgram_sock *s, const struct landing *l, size_t bytes, struct tapir_dgram *h)
{
	if (bytes < HEADER_BYTES)
		return false;
	if (!l->expects_bare)
		*h = l->header;
	else
		iov_read(l->iov, l->iovcnt, l->at, h, HEADER_BYTES);
	return h->magic_id == s->id && h->header_bytes >= HEADER_BYTES && h->header_bytes <= bytes;
}

/* Whether sockets of this process may get long control messages. A few bytes of them fit where many datagrams are received at once; who
 * has asked for headers of packets receives one by one. */
static _Atomic bool has_long_controls;

void dgram_expect_long_controls(void)
{
	atomic_store(&has_long_controls, true);
}

/* The control messages behind the header of what landed, for the application. They are taken out before the datagram is moved over them. */
static void format_controls(const struct landing *l, const struct tapir_dgram *h, struct msghdr *m)
{
	uint8_t controls[TAPIR_CONTROLS_MAX];
	size_t bytes = h->header_bytes - HEADER_BYTES;

	if (bytes > sizeof(controls))
		bytes = sizeof(controls);
	if (bytes > BATCH_SPILL_BYTES)
		dgram_expect_long_controls();
	iov_read(l->iov, l->iovcnt, l->at + HEADER_BYTES, controls, bytes);
	cmsg_format(h, controls, bytes, m);
}

/* A connected socket's datagrams come without the peer's address; the first to ask for it gets it from the daemon. */
static void name_peer(const struct dgram_sock *s, struct msghdr *m)
{
	struct tapir_addr a = { 0 };

	if (dgram_recall_peer(s, &a)) {
		sockaddr_format(&a, m->msg_name, &m->msg_namelen);
		return;
	}
	if (sock_request(TAPIR_OP_GETPEERNAME, s->fd, NULL, 0, &a, sizeof(a)) == (ssize_t)sizeof(a))
		dgram_remember_peer(s, &a);
	else
		a.family = 0;
	sockaddr_format(&a, m->msg_name, &m->msg_namelen);
}

/* The pair ended: shut down for reading, or the daemon is gone. */
static ssize_t explain_end(const struct dgram_sock *s)
{
	return sock_ask_error(s->fd, ENETDOWN);
}

/* Turn what landed into what the application sees. @n: the whole length of the message. Returns the datagram's whole length, or
 * -errno. *copied: how much of it there was room for. */
static ssize_t land(const struct dgram_sock *s, struct landing *l, const struct msghdr *raw, size_t n, struct msghdr *m,
		    size_t *copied)
{
	struct tapir_dgram h;
	size_t room = iov_bytes(m), bytes, skip = 0;
	bool is_framed;

	*copied = 0;
	if (n == 0 && raw->msg_namelen == 0) {
		m->msg_namelen = 0;
		m->msg_controllen = 0;
		return explain_end(s);
	}
	is_framed = find_header(s, l, n, &h);
	if (is_framed)
		skip = h.header_bytes;
	bytes = n - skip;
	*copied = bytes < room ? bytes : room;
	m->msg_flags = raw->msg_flags & ~(MSG_TRUNC | MSG_EOR | MSG_CTRUNC);
	if (bytes > room)
		m->msg_flags |= MSG_TRUNC;
	if (is_framed && h.flags & TAPIR_DGRAM_BELL)
		return BELL;
	if (is_framed && h.flags & TAPIR_DGRAM_ERROR)
		return -(ssize_t)h.error;
	if (is_framed && h.header_bytes > HEADER_BYTES)
		format_controls(l, &h, m);
	else if (is_framed)
		cmsg_format(&h, NULL, 0, m);
	iov_move(l->iov, l->iovcnt, l->to, l->at + skip, *copied);
	if (is_framed) {
		dgram_learn_way(s, &h.addr);
		if (m->msg_name)
			sockaddr_format(&h.addr, m->msg_name, &m->msg_namelen);
	} else {
		m->msg_controllen = 0;
		if (m->msg_name)
			name_peer(s, m);
	}
	return (ssize_t)bytes;
}

static int recv_error(const struct dgram_sock *s, int error)
{
	int pending;

	if (error != ECONNRESET && error != ENOTCONN)
		return -error;
	pending = sock_ask_error(s->fd, ENETDOWN);
	return pending ? pending : -error;
}

static int recv_flags(int flags)
{
	return (flags & (MSG_DONTWAIT | MSG_PEEK | MSG_CMSG_CLOEXEC)) | MSG_TRUNC;
}

static ssize_t recv_laid_out(const struct dgram_sock *s, struct msghdr *m, int flags, struct landing *l)
{
	struct msghdr raw;
	size_t copied;
	ssize_t n;

	lay_out(s, m, l, &raw);
	n = tapir_real.recvmsg(s->fd, &raw, recv_flags(flags));
	if (n < 0)
		return recv_error(s, errno);
	n = land(s, l, &raw, (size_t)n, m, &copied);
	if (n < 0 && flags & MSG_PEEK) /* an error is told once */
		dgram_drop_next(s);
	if (n == BELL) {
		n = sock_ask_error(s->fd, ENETDOWN);
		return n ? n : BELL;
	}
	if (n < 0)
		return n;
	return flags & MSG_TRUNC ? n : (ssize_t)copied;
}

/* An IOV_MAX of pieces takes more stack than a signal handler should be asked for, so that is for who needs it. */
static __attribute__((noinline)) ssize_t recv_many_pieces(const struct dgram_sock *s, struct msghdr *m, int flags, struct landing *l)
{
	struct iovec iov[IOV_MAX];

	l->iov = iov;
	return recv_laid_out(s, m, flags, l);
}

static ssize_t recv_once(const struct dgram_sock *s, struct msghdr *m, int flags)
{
	uint8_t spill[HEADER_BYTES + TAPIR_CONTROLS_MAX];
	struct iovec iov[8];
	struct landing l;

	l.iov = iov;
	l.spill = spill;
	l.spill_bytes = sizeof(spill);
	if (m->msg_iovlen > sizeof(iov) / sizeof(iov[0]) - 2)
		return recv_many_pieces(s, m, flags, &l);
	return recv_laid_out(s, m, flags, &l);
}

ssize_t dgram_recvmsg(const struct dgram_sock *s, struct msghdr *m, int flags)
{
	ssize_t n;

	if (flags & MSG_OOB && !dgram_is_udp(s)) /* which takes no notice of it */
		return -EOPNOTSUPP;
	if (flags & MSG_ERRQUEUE)
		return dgram_recv_errqueue(s, m);
	if (m->msg_iovlen > IOV_MAX - 2)
		return -EMSGSIZE;
	do /* a bell that came too late is none */
		n = recv_once(s, m, flags);
	while (n == BELL);
	return n;
}

/* ---- Many ---- */

/* A message that landed in its own buffers goes to the application as @m: an earlier one of the batch was an error. */
static __attribute__((noinline)) ssize_t land_elsewhere(const struct dgram_sock *s, struct landing *l, const struct msghdr *raw,
							size_t n, struct msghdr *m, size_t *copied)
{
	struct iovec iov[2 * BATCH_IOVS_MAX];

	memcpy(iov, m->msg_iov, m->msg_iovlen * sizeof(*iov));
	memcpy(iov + m->msg_iovlen, l->iov, (size_t)l->iovcnt * sizeof(*iov));
	l->iov = iov;
	l->iovcnt += (int)m->msg_iovlen;
	l->at = iov_bytes(m);
	l->to = 0;
	return land(s, l, raw, n, m, copied);
}

/* Receive as many of those that are there as fit one batch. Returns their number or -errno. An error behind datagrams, these or the call's
 * earlier ones (*is_end when it begins), gives way to them: the bell is for the next call, and this one ends (*is_end then). */
static int recv_batch(const struct dgram_sock *s, struct mmsghdr *msgs, unsigned count, int flags, struct timespec *timeout,
		      bool *is_end)
{
	struct landing l[BATCH_MSGS_MAX];
	uint8_t spills[BATCH_MSGS_MAX][HEADER_BYTES + BATCH_SPILL_BYTES];
	struct mmsghdr raw[BATCH_MSGS_MAX];
	struct iovec iov[BATCH_IOVS_MAX];
	size_t pieces = 0, copied;
	unsigned n = 0;
	int got, kept = 0, error = 0;

	while (n < count && n < BATCH_MSGS_MAX && msgs[n].msg_hdr.msg_iovlen + 2 <= BATCH_IOVS_MAX - pieces) {
		l[n].iov = iov + pieces;
		l[n].spill = spills[n];
		l[n].spill_bytes = sizeof(spills[n]);
		lay_out(s, &msgs[n].msg_hdr, &l[n], &raw[n].msg_hdr);
		pieces += raw[n].msg_hdr.msg_iovlen;
		n++;
	}
	got = tapir_real.recvmmsg(s->fd, raw, n, recv_flags(flags) | MSG_WAITFORONE, timeout);
	if (got < 0)
		return recv_error(s, errno);
	for (int i = 0; i < got; i++) {
		struct msghdr *m = &msgs[kept].msg_hdr;
		ssize_t r = kept == i ? land(s, &l[i], &raw[i].msg_hdr, raw[i].msg_len, m, &copied) :
					land_elsewhere(s, &l[i], &raw[i].msg_hdr, raw[i].msg_len, m, &copied);

		if (r < 0 && error >= 0)
			error = (int)r;
		else if (r >= 0)
			msgs[kept++].msg_len = (unsigned)(flags & MSG_TRUNC ? (size_t)r : copied);
	}
	if (error == BELL && (kept || *is_end) && !(flags & MSG_PEEK))
		sock_request(TAPIR_OP_RING_AGAIN, s->fd, NULL, 0, NULL, 0);
	if (kept || *is_end || error != BELL) {
		*is_end = error < 0;
		return kept ? kept : error == BELL ? 0 : error;
	}
	if (flags & MSG_PEEK)
		dgram_drop_next(s);
	error = sock_ask_error(s->fd, ENETDOWN);
	return error ? error : BELL;
}

int dgram_recvmmsg(const struct dgram_sock *s, struct mmsghdr *msgs, unsigned count, int flags, struct timespec *timeout)
{
	unsigned done = 0;
	bool is_end = false;

	if (flags & MSG_OOB && !dgram_is_udp(s)) /* which takes no notice of it */
		return -EOPNOTSUPP;
	while (done < count && !is_end) {
		int n;

		if (flags & MSG_ERRQUEUE || msgs[done].msg_hdr.msg_iovlen > BATCH_IOVS_MAX - 2 || atomic_load(&has_long_controls)) {
			ssize_t r = dgram_recvmsg(s, &msgs[done].msg_hdr, flags);

			if (r >= 0)
				msgs[done].msg_len = (unsigned)r;
			n = r < 0 ? (int)r : 1;
		} else {
			is_end = done > 0;
			n = recv_batch(s, msgs + done, count - done, flags, timeout, &is_end);
		}
		if (n == BELL)
			continue;
		if (n < 0)
			return done ? (int)done : n;
		done += (unsigned)n;
		if (!n || flags & MSG_PEEK || (timeout && !timeout->tv_sec && !timeout->tv_nsec))
			break;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
	}
	return (int)done;
}

int dgram_inq(const struct dgram_sock *s, int *bytes)
{
	struct tapir_dgram h;
	struct iovec iov = { &h, sizeof(h) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n = tapir_real.recvmsg(s->fd, &m, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN)
		return -errno;
	if (n >= HEADER_BYTES && h.magic_id == s->id && h.header_bytes >= HEADER_BYTES && h.header_bytes <= (size_t)n)
		n -= h.header_bytes;
	*bytes = n < 0 ? 0 : (int)n;
	return 0;
}
