/* SPDX-License-Identifier: BSD-2-Clause */
#include "client-lib/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <pthread.h>
#include <sys/ioctl.h>

#include "client-lib/host_epoll.h"
#include "client-lib/real.h"

bool sock_never_waits;

ssize_t sock_result(ssize_t r)
{
	if (r >= 0)
		return r;
	errno = (int)-r;
	return -1;
}

ssize_t sock_request(enum tapir_op op, int fd, const void *request, size_t request_bytes, void *reply, size_t reply_room)
{
	ssize_t n = control_request(op, request, request_bytes, fd, reply, reply_room, NULL);

	return n == -ENOTSOCK ? -ENETDOWN : n;
}

static void copy_timeout(int from, int to, int name)
{
	struct timeval tv;
	socklen_t len = sizeof(tv);

	if (tapir_real.getsockopt(from, SOL_SOCKET, name, &tv, &len) == 0 && (tv.tv_sec || tv.tv_usec))
		tapir_real.setsockopt(to, SOL_SOCKET, name, &tv, sizeof(tv));
}

/* @end becomes @fd. */
static int replace(int fd, int end)
{
	struct host_epoll watched;
	int error = 0;

	tapir_real.fcntl(end, F_SETFL, tapir_real.fcntl(fd, F_GETFL) & (O_NONBLOCK | O_ASYNC));
	copy_timeout(fd, end, SO_RCVTIMEO);
	copy_timeout(fd, end, SO_SNDTIMEO);
	host_epoll_find(fd, &watched);
	tapir_real.shutdown(fd, SHUT_RD); /* wakes who waits in accept(2) */
	if (tapir_real.dup3(end, fd, tapir_real.fcntl(fd, F_GETFD) & FD_CLOEXEC ? O_CLOEXEC : 0) < 0)
		error = -errno;
	tapir_real.close(end);
	if (error)
		return error;
	hint_set(fd, HINT_FRESH, 0);
	host_epoll_restore(fd, &watched);
	return 0;
}

int sock_request_anew(enum tapir_op op, int fd, const void *request, size_t request_bytes)
{
	int saved_errno = errno, end, error;
	ssize_t n = control_request(op, request, request_bytes, fd, NULL, 0, &end);

	error = end >= 0 ? replace(fd, end) : 0;
	errno = saved_errno;
	return error ? error : n == -ENOTSOCK ? -ENETDOWN : (int)n;
}

int sock_request_int(enum tapir_op op, int fd, int64_t value)
{
	struct tapir_int v = { .value = value };
	ssize_t n = sock_request(op, fd, &v, sizeof(v), NULL, 0);

	return n < 0 ? (int)n : 0;
}

int sock_ask_int(enum tapir_op op, int fd, int64_t *value)
{
	struct tapir_int v;
	ssize_t n = sock_request(op, fd, NULL, 0, &v, sizeof(v));

	if (n < 0)
		return (int)n;
	if (n != sizeof(v))
		return -EPROTO;
	*value = v.value;
	return 0;
}

int sock_ask_error(int fd, int gone)
{
	int64_t error = 0;
	int r = sock_ask_int(TAPIR_OP_TAKE_ERROR, fd, &error);

	if (r < 0)
		return r == -ENETDOWN ? -gone : r;
	return (int)-error;
}

static _Atomic bool has_marks;

void sock_note_mark(void)
{
	has_marks = true;
}

bool sock_takes_below_mark(int fd)
{
	int mark = 0, bytes = 0;
	socklen_t len = sizeof(mark);
	struct hint_sock sock;

	if (errno != EAGAIN || !has_marks || hint_is_sandboxed())
		return false;
	if (tapir_real.getsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &mark, &len) == 0 && mark > 1 && hint_look(fd, &sock) &&
	    sock.type == SOCK_STREAM && !sock.is_fresh && sock_request(TAPIR_OP_BELOW_MARK, fd, NULL, 0, NULL, 0) >= 0)
		tapir_real.ioctl(fd, FIONREAD, &bytes);
	errno = EAGAIN;
	return bytes > 0;
}

ssize_t sock_check_recv(int fd, ssize_t result)
{
	int saved_errno = errno, error;
	struct pollfd p = { .fd = fd };
	struct hint_sock sock;

	if (result < 0 && saved_errno != ECONNRESET && saved_errno != EINVAL)
		return result;
	if (hint_is_sandboxed())
		return result;
	/* An end of file with the way out still open is the peer's FIN and needs no question. */
	if (result == 0 && (tapir_real.poll(&p, 1, 0) <= 0 || !(p.revents & POLLHUP)))
		goto as_it_was;
	if (!hint_look(fd, &sock) || sock.type != SOCK_STREAM || (saved_errno == EINVAL && result < 0 && !sock.is_fresh))
		goto as_it_was;
	error = sock.is_fresh ? -ENOTCONN : sock_ask_error(fd, ECONNRESET);
	/* Reset after the peer's FIN: that is news to who writes. Who reads is at the end, as before. */
	if (error == -EPIPE && result == 0)
		error = 0;
	if (error)
		return sock_result(error);
as_it_was:
	errno = saved_errno;
	return result;
}

ssize_t sock_check_send(int fd, bool is_silent)
{
	int saved_errno = errno, error = 0;
	struct hint_sock sock;

	if (!hint_is_sandboxed() && hint_look(fd, &sock) && sock.type == SOCK_STREAM && !sock.is_fresh)
		error = sock_ask_error(fd, ECONNRESET);
	if (error)
		return sock_result(error);
	if (saved_errno == EPIPE && is_silent)
		pthread_kill(pthread_self(), SIGPIPE);
	errno = saved_errno;
	return -1;
}

int sock_check_fresh(int fd)
{
	struct hint_sock sock;
	struct tapir_addr peer;
	ssize_t n;

	if (!hint_look(fd, &sock)) {
		hint_move(fd, HINT_NONE);
		return 0;
	}
	if (sock.is_fresh)
		return -ENOTCONN;
	n = sock_request(TAPIR_OP_GETPEERNAME, fd, NULL, 0, &peer, sizeof(peer));
	if (n >= 0)
		hint_move(fd, HINT_STREAM);
	return n < 0 ? (int)n : 0;
}
