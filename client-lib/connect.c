/* SPDX-License-Identifier: BSD-2-Clause */
/* connect(2). The daemon answers at once; for a stream the answer is EINPROGRESS, and the fd polls writable when it is done, one way or
 * the other. A blocking connect waits for that here. */
#include "client-lib/include/tapir/socket.h"

#include <errno.h>
#include <signal.h>

#include "client-lib/real.h"
#include "client-lib/sock.h"
#include "client-lib/sockaddr.h"

static int64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* SO_SNDTIMEO, which is the fd's own, bounds connect too (socket(7)); -1: no limit. */
static int64_t send_timeout_ms(int fd)
{
	struct timeval tv;
	socklen_t len = sizeof(tv);

	if (tapir_real.getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, &len) < 0 || (!tv.tv_sec && !tv.tv_usec))
		return -1;
	return (int64_t)tv.tv_sec * 1000 + (tv.tv_usec + 999) / 1000;
}

/* connect(2) is restarted after a handler that was installed with SA_RESTART, and poll(2) never is. Which handler it was cannot be known;
 * when all of them have the flag, it was one with it. */
static bool may_restart(void)
{
	for (int sig = 1; sig < NSIG; sig++) {
		struct sigaction sa;

		if (sigaction(sig, NULL, &sa) == 0 && sa.sa_handler != SIG_DFL && sa.sa_handler != SIG_IGN &&
		    !(sa.sa_flags & SA_RESTART))
			return false;
	}
	return true;
}

static int wait_until_done(int fd)
{
	int64_t timeout = send_timeout_ms(fd), until = timeout < 0 ? -1 : clock_ms() + timeout;
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	for (;;) {
		int64_t left = until < 0 ? -1 : until - clock_ms();
		int n = tapir_real.poll(&p, 1, until < 0 ? -1 : left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left);

		if (n > 0)
			break;
		if (n == 0)
			return -EINPROGRESS;
		if (errno != EINTR || !may_restart())
			return -errno;
	}
	if (p.revents & (POLLERR | POLLHUP))
		return sock_ask_error(fd, ENETDOWN);
	return 0;
}

/* The daemon gives a fresh socket a small send buffer (daemon/channel.c, fill_with_junk()). */
static void enlarge_send_buffer(int fd)
{
	int bytes = 512 << 10; /* the kernel doubles it, and caps it at net.core.wmem_max */

	tapir_real.setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

/* Most connections are there, or refused, after much less than this; the request that waits occupies a control connection, and the thread
 * cannot be cancelled meanwhile. */
enum { BRIEF_WAIT_MS = 20 };

/* Whether connect() will sleep: the socket is blocking, and the stack has not decided yet, which lets it poll writable. */
static bool will_wait(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return !(tapir_real.fcntl(fd, F_GETFL) & O_NONBLOCK) && tapir_real.poll(&p, 1, 0) == 0;
}

/* A blocking connect begins with one sleep instead of two (TAPIR_OP_CONNECT_WAIT). When that stays undecided, asking again is harmless:
 * the stack then says EALREADY, or what the first request would have said. */
static int ask_to_connect(int fd, const struct tapir_addr *a)
{
	int64_t timeout = send_timeout_ms(fd);
	int wait_ms = timeout >= 0 && timeout < BRIEF_WAIT_MS ? (int)timeout : BRIEF_WAIT_MS, r;

	if (a->family && will_wait(fd)) {
		r = control_request_until(TAPIR_OP_CONNECT_WAIT, a, sizeof(*a), fd, wait_ms);
		if (r == 1)
			return -EINPROGRESS;
		if (r == -EINTR && !may_restart())
			return r;
		if (r != -ETIMEDOUT && r != -EINTR && r != -ENOSYS)
			return r == -ENOTSOCK ? -ENETDOWN : r;
	}
	return (int)sock_request(TAPIR_OP_CONNECT, fd, a, sizeof(*a), NULL, 0);
}

static int connect_stream(int fd, const struct tapir_addr *a)
{
	/* The stack answers the first connect after success with 0. Where this one has told that already, it was told. */
	bool was_told = hint_of(fd) == HINT_CONNECTED;
	int error = ask_to_connect(fd, a);

	if (error == -EINPROGRESS || error == -EALREADY) {
		hint_move(fd, HINT_STREAM);
		if (!(tapir_real.fcntl(fd, F_GETFL) & O_NONBLOCK))
			error = wait_until_done(fd);
		if (!error) {
			hint_move(fd, HINT_CONNECTED);
			enlarge_send_buffer(fd);
		}
	} else if (error == 0 && a->family) {
		hint_move(fd, HINT_CONNECTED);
		error = was_told ? -EISCONN : 0;
	} else if (error == -ENOTCONN) { /* it had a connection, or tried to, and has failed */
		error = -ECONNABORTED;
	}
	return error;
}

static int connect_ours(int fd, const struct hint_sock *sock, const struct sockaddr *addr, socklen_t len)
{
	struct tapir_addr a;
	int error = sockaddr_parse(addr, len, &a);

	if (error)
		return error;
	if (sock->type == SOCK_STREAM)
		return connect_stream(fd, &a);
	error = (int)sock_request(TAPIR_OP_CONNECT, fd, &a, sizeof(a), NULL, 0);
	if (!error)
		hint_set_connected(fd, a.family != 0);
	return error;
}

int tapir_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct hint_sock sock;

	if (!hint_look(fd, &sock))
		return tapir_real.connect(fd, addr, len);
	return (int)sock_result(connect_ours(fd, &sock, addr, len));
}
