/* SPDX-License-Identifier: BSD-2-Clause */
/* Sending and receiving on any descriptor.
 *
 * Datagram sockets of ours go to dgram_*.c. Everything else is the plain call, made first; when it ends in a way that on a stream of ours
 * may mean something else than on the pair that carries it (end of file, ECONNRESET, EPIPE, EISCONN), sock.c finds out. A hint that
 * the descriptor is a stream of ours lets a write be made with MSG_NOSIGNAL, so that SIGPIPE comes as TCP raises it: not for the
 * error that ended the connection, but for writing again. */
#include "client-lib/include/tapir/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/un.h>

#include "client-lib/cmsg.h"
#include "client-lib/dgram.h"
#include "client-lib/host.h"
#include "client-lib/netlink.h"
#include "client-lib/real.h"
#include "client-lib/report.h"
#include "client-lib/sock.h"

static ssize_t io_msg_send(const struct dgram_sock *s, const struct iovec *iov, size_t iovcnt, int flags,
			   const struct sockaddr *addr, socklen_t len)
{
	struct msghdr m = { .msg_iovlen = iovcnt, .msg_namelen = len };

	memcpy(&m.msg_iov, &iov, sizeof(iov)); /* only read from */
	memcpy(&m.msg_name, &addr, sizeof(addr));
	return sock_result(dgram_sendmsg(s, &m, flags));
}

static ssize_t io_msg_recv(const struct dgram_sock *s, const struct iovec *iov, size_t iovcnt, int flags,
			   struct sockaddr *addr, socklen_t *len)
{
	struct msghdr m = { .msg_iovlen = iovcnt, .msg_name = addr, .msg_namelen = len ? *len : 0 };
	ssize_t n;

	memcpy(&m.msg_iov, &iov, sizeof(iov));
	n = dgram_recvmsg(s, &m, flags);
	if (n >= 0 && addr && len)
		*len = m.msg_namelen;
	return sock_result(n);
}

/* A pointer to bytes that are only read, as iovec wants it. */
static struct iovec const_iov(const void *data, size_t bytes)
{
	struct iovec iov = { .iov_len = bytes };

	memcpy(&iov.iov_base, &data, sizeof(data));
	return iov;
}

/* What a stream that has no connection says: a fresh one, or a listener, whose fd must not be read. */
static bool is_unready(enum hint hint)
{
	return __builtin_expect(hint == HINT_FRESH || hint == HINT_LISTENER, 0);
}

/* Flags that mean something else, or nothing, on the pair: 0 or -errno. Urgent data goes through it as it is. */
static int check_send_flags(int fd, int flags)
{
	ssize_t r;

	if (__builtin_expect(!(flags & (MSG_OOB | MSG_FASTOPEN)), 1) || !hint_is_ours(fd))
		return 0;
	if (flags & MSG_FASTOPEN) {
		report_flags(REPORT_SEND, MSG_FASTOPEN, EOPNOTSUPP);
		return -EOPNOTSUPP;
	}
	/* What is wrong with the socket, the send itself tells. */
	r = sock_request(TAPIR_OP_URGENT, fd, NULL, 0, NULL, 0);
	return r == -ENOTCONN || r == -ENETDOWN ? 0 : (int)r;
}

static int check_recv_flags(int fd, int flags)
{
	return __builtin_expect(!(flags & MSG_ERRQUEUE), 1) || !hint_is_ours(fd) ? 0 : -EAGAIN;
}

/* May data be sent, or received, on @fd? 0 or -errno. */
static int check_send(int fd, enum hint hint, int flags)
{
	if (is_unready(hint) && sock_check_fresh(fd) == -ENOTCONN) {
		errno = EPIPE;
		sock_check_send(fd, !(flags & MSG_NOSIGNAL));
		return -errno;
	}
	return check_send_flags(fd, flags);
}

static int check_recv(int fd, enum hint hint, int flags)
{
	int error = check_recv_flags(fd, flags);

	if (error || !is_unready(hint))
		return error;
	error = sock_check_fresh(fd);
	return error == -ENOTCONN && (flags & MSG_OOB) && hint == HINT_FRESH ? -EINVAL : error; /* no connection, no urgent data */
}

/* ---- Sending ---- */

static bool is_send_error(ssize_t r)
{
	return __builtin_expect(r < 0, 0) && (errno == EPIPE || errno == ECONNRESET);
}

ssize_t tapir_send(int fd, const void *data, size_t bytes, int flags)
{
	enum hint hint = hint_of(fd);
	struct dgram_sock s;
	bool is_silent;
	ssize_t r;

	if (dgram_is(fd, &s)) {
		struct iovec iov = const_iov(data, bytes);

		return io_msg_send(&s, &iov, 1, flags, NULL, 0);
	}
	r = check_send(fd, hint, flags);
	if (r)
		return sock_result(r);
	if (!bytes && hint_is_stream(hint))
		flags &= ~MSG_OOB; /* of nothing, nothing is urgent: on a unix socket that is an error */
	is_silent = hint_is_stream(hint) && !(flags & MSG_NOSIGNAL);
	r = tapir_real.send(fd, data, bytes, is_silent ? flags | MSG_NOSIGNAL : flags);
	return is_send_error(r) ? sock_check_send(fd, is_silent) : r;
}

ssize_t tapir_sendto(int fd, const void *data, size_t bytes, int flags, const struct sockaddr *addr, socklen_t len)
{
	struct dgram_sock s;
	struct hint_sock sock;
	ssize_t r;

	if (!addr)
		return tapir_send(fd, data, bytes, flags);
	r = host_check(fd, HOST_SEND, addr, len);
	if (r)
		return sock_result(r);
	if (dgram_is(fd, &s)) {
		struct iovec iov = const_iov(data, bytes);

		return io_msg_send(&s, &iov, 1, flags, addr, len);
	}
	r = check_send(fd, hint_of(fd), flags);
	if (r)
		return sock_result(r);
	r = tapir_real.sendto(fd, data, bytes, flags, addr, len);
	if (r < 0 && (errno == EISCONN || errno == EOPNOTSUPP) && hint_look(fd, &sock) && sock.type == SOCK_STREAM)
		return tapir_send(fd, data, bytes, flags); /* TCP takes no notice of the address */
	return is_send_error(r) ? sock_check_send(fd, false) : r;
}

static ssize_t sendmsg_stream(int fd, const struct msghdr *m, int flags)
{
	struct msghdr plain = *m;

	/* The address and what control messages may mean to the pair are nothing to TCP. */
	plain.msg_name = NULL;
	plain.msg_namelen = 0;
	plain.msg_control = NULL;
	plain.msg_controllen = 0;
	return tapir_real.sendmsg(fd, &plain, flags | MSG_NOSIGNAL);
}

ssize_t tapir_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	enum hint hint = hint_of(fd);
	struct dgram_sock s;
	struct hint_sock sock;
	bool is_ours;
	ssize_t r;

	r = host_check(fd, HOST_SEND, msg->msg_name, msg->msg_namelen);
	if (r)
		return sock_result(r);
	if (dgram_is(fd, &s))
		return sock_result(dgram_sendmsg(&s, msg, flags));
	r = check_send(fd, hint, flags);
	if (r)
		return sock_result(r);
	/* A hint is not enough to drop what another program's unix socket may be meant to carry. */
	is_ours = msg->msg_name || msg->msg_controllen ? hint_look(fd, &sock) && sock.type == SOCK_STREAM : hint_is_stream(hint);
	r = is_ours && msg->msg_controllen ? cmsg_check_stream(msg) : 0;
	if (r)
		return sock_result(r);
	r = is_ours ? sendmsg_stream(fd, msg, flags) : tapir_real.sendmsg(fd, msg, flags);
	return is_send_error(r) ? sock_check_send(fd, is_ours && !(flags & MSG_NOSIGNAL)) : r;
}

int tapir_sendmmsg(int fd, struct mmsghdr *msgs, unsigned count, int flags)
{
	struct dgram_sock s;
	unsigned done;
	bool has_policy = host_read_policy() == HOST_POLICY_RULES; /* then each message's address is looked at */

	if (!has_policy && dgram_is(fd, &s))
		return (int)sock_result(dgram_sendmmsg(&s, msgs, count, flags));
	if (!has_policy && hint_of(fd) == HINT_NONE)
		return tapir_real.sendmmsg(fd, msgs, count, flags);
	for (done = 0; done < count; done++) {
		ssize_t r = tapir_sendmsg(fd, &msgs[done].msg_hdr, flags);

		if (r < 0)
			return done ? (int)done : -1;
		msgs[done].msg_len = (unsigned)r;
	}
	return (int)done;
}

/* In a sandbox a write stays the system call that it is. */
static bool is_plain_write(int fd)
{
	enum hint hint = hint_of(fd);

	return __builtin_expect(hint == HINT_NONE, 1) || (hint != HINT_DGRAM && hint_is_sandboxed());
}

ssize_t tapir_write(int fd, const void *data, size_t bytes)
{
	ssize_t r;

	if (!is_plain_write(fd)) {
		r = tapir_send(fd, data, bytes, 0);
		if (r >= 0 || errno != ENOTSOCK)
			return r;
		hint_move(fd, HINT_NONE);
	}
	r = tapir_real.write(fd, data, bytes);
	return is_send_error(r) ? sock_check_send(fd, false) : r;
}

ssize_t tapir_writev(int fd, const struct iovec *iov, int count)
{
	ssize_t r;

	if (!is_plain_write(fd) && count >= 0) {
		struct msghdr m = { .msg_iovlen = (size_t)count };

		memcpy(&m.msg_iov, &iov, sizeof(iov));
		r = tapir_sendmsg(fd, &m, 0);
		if (r >= 0 || errno != ENOTSOCK)
			return r;
		hint_move(fd, HINT_NONE);
	}
	r = tapir_real.writev(fd, iov, count);
	return is_send_error(r) ? sock_check_send(fd, false) : r;
}

/* ---- Receiving ---- */

/* TCP tells no address with its bytes; the pair tells the name of the daemon's end. */
static bool is_pair_name(const struct sockaddr *addr, socklen_t len)
{
	static const char name[] = "\0" TAPIR_NAME_PREFIX;

	return len >= offsetof(struct sockaddr_un, sun_path) + sizeof(name) - 1 && addr->sa_family == AF_UNIX &&
	       (memcmp(addr->sa_data, name, sizeof(name) - 1) == 0 || memcmp(addr->sa_data, TAPIR_STREAM_NAME, sizeof(name) - 1) == 0);
}

/* MSG_TRUNC on a TCP stream drops bytes instead of copying them (tcp(7)), so there need be no buffer; the pair wants one. */
static ssize_t drop_bytes(int fd, size_t bytes, int flags)
{
	char dropped[4096];
	size_t done = 0;
	ssize_t n;

	do {
		size_t want = bytes - done < sizeof(dropped) ? bytes - done : sizeof(dropped);

		n = tapir_real.recv(fd, dropped, want, done && !(flags & MSG_WAITALL) ? flags | MSG_DONTWAIT : flags);
		done += n > 0 ? (size_t)n : 0;
	} while (n > 0 && done < bytes && !(flags & MSG_PEEK));
	return done ? (ssize_t)done : n;
}

static bool drops_bytes(int fd, const void *data, ssize_t result, int flags)
{
	return __builtin_expect(result < 0, 0) && !data && flags & MSG_TRUNC && errno == EFAULT && hint_is_ours(fd);
}

ssize_t tapir_recv(int fd, void *data, size_t bytes, int flags)
{
	struct dgram_sock s;
	ssize_t r;

	if (dgram_is(fd, &s)) {
		struct iovec iov = { data, bytes };

		return io_msg_recv(&s, &iov, 1, flags, NULL, NULL);
	}
	r = check_recv(fd, hint_of(fd), flags);
	if (r)
		return sock_result(r);
	r = tapir_real.recv(fd, data, bytes, flags);
	if (__builtin_expect(r < 0, 0) && sock_takes_below_mark(fd))
		r = tapir_real.recv(fd, data, bytes, flags | MSG_DONTWAIT);
	if (drops_bytes(fd, data, r, flags))
		r = drop_bytes(fd, bytes, flags);
	return __builtin_expect(r <= 0, 0) && bytes ? sock_check_recv(fd, r) : r;
}

ssize_t tapir_recvfrom(int fd, void *data, size_t bytes, int flags, struct sockaddr *addr, socklen_t *len)
{
	struct dgram_sock s;
	socklen_t room;
	ssize_t r;

	if (!addr || !len)
		return tapir_recv(fd, data, bytes, flags);
	if (dgram_is(fd, &s)) {
		struct iovec iov = { data, bytes };

		return io_msg_recv(&s, &iov, 1, flags, addr, len);
	}
	r = check_recv(fd, hint_of(fd), flags);
	if (r)
		return sock_result(r);
	room = *len;
	r = tapir_real.recvfrom(fd, data, bytes, flags, addr, len);
	if (__builtin_expect(r < 0, 0) && sock_takes_below_mark(fd))
		r = tapir_real.recvfrom(fd, data, bytes, flags | MSG_DONTWAIT, addr, len);
	if (r >= 0 && is_pair_name(addr, *len < room ? *len : room)) {
		*len = 0;
	} else if (r >= 0 && !*len) {
		struct msghdr m = { .msg_name = addr };

		netlink_on_received(fd, &m, room);
		*len = m.msg_namelen;
	}
	return __builtin_expect(r <= 0, 0) && bytes ? sock_check_recv(fd, r) : r;
}

/* Descriptors that came along may be datagram sockets of ours. */
static void note_arrival(void *ctx, int fd)
{
	(void)ctx;
	hint_on_arrival(fd);
}

static void note_arrivals(struct msghdr *m)
{
	cmsg_each_fd(m, note_arrival, NULL);
}

ssize_t tapir_recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct dgram_sock s;
	socklen_t room;
	ssize_t r;

	if (dgram_is(fd, &s))
		return sock_result(dgram_recvmsg(&s, msg, flags));
	r = check_recv(fd, hint_of(fd), flags);
	if (r)
		return sock_result(r);
	room = msg->msg_namelen;
	r = tapir_real.recvmsg(fd, msg, flags);
	if (__builtin_expect(r < 0, 0) && sock_takes_below_mark(fd))
		r = tapir_real.recvmsg(fd, msg, flags | MSG_DONTWAIT);
	if (r >= 0) {
		if (msg->msg_controllen)
			note_arrivals(msg);
		netlink_on_received(fd, msg, room);
	}
	if (r >= 0 && msg->msg_name && is_pair_name(msg->msg_name, msg->msg_namelen < room ? msg->msg_namelen : room))
		msg->msg_namelen = 0;
	return __builtin_expect(r <= 0, 0) && msg->msg_iovlen ? sock_check_recv(fd, r) : r;
}

int tapir_recvmmsg(int fd, struct mmsghdr *msgs, unsigned count, int flags, struct timespec *timeout)
{
	struct dgram_sock s;
	int n;

	if (dgram_is(fd, &s))
		return (int)sock_result(dgram_recvmmsg(&s, msgs, count, flags, timeout));
	n = check_recv(fd, hint_of(fd), flags);
	if (n)
		return (int)sock_result(n);
	n = tapir_real.recvmmsg(fd, msgs, count, flags, timeout);
	for (int i = 0; i < n; i++)
		if (msgs[i].msg_hdr.msg_controllen)
			note_arrivals(&msgs[i].msg_hdr);
	return n;
}

ssize_t tapir_read(int fd, void *data, size_t bytes)
{
	ssize_t r;

	if (__builtin_expect(hint_of(fd) > HINT_CONNECTED, 0)) {
		r = tapir_recv(fd, data, bytes, 0);
		if (r >= 0 || errno != ENOTSOCK)
			return r;
	}
	r = tapir_real.read(fd, data, bytes);
	if (__builtin_expect(r < 0, 0) && sock_takes_below_mark(fd))
		r = tapir_real.recv(fd, data, bytes, MSG_DONTWAIT);
	return __builtin_expect(r <= 0, 0) && bytes ? sock_check_recv(fd, r) : r;
}

ssize_t tapir_readv(int fd, const struct iovec *iov, int count)
{
	ssize_t r;

	if (__builtin_expect(hint_of(fd) > HINT_CONNECTED, 0) && count >= 0) {
		struct msghdr m = { .msg_iovlen = (size_t)count };

		memcpy(&m.msg_iov, &iov, sizeof(iov));
		r = tapir_recvmsg(fd, &m, 0);
		if (r >= 0 || errno != ENOTSOCK)
			return r;
	}
	r = tapir_real.readv(fd, iov, count);
	if (__builtin_expect(r < 0, 0) && sock_takes_below_mark(fd)) {
		struct msghdr m = { .msg_iovlen = (size_t)count };

		memcpy(&m.msg_iov, &iov, sizeof(iov));
		r = tapir_real.recvmsg(fd, &m, MSG_DONTWAIT);
	}
	return __builtin_expect(r <= 0, 0) && count ? sock_check_recv(fd, r) : r;
}
