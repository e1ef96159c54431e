/* SPDX-License-Identifier: BSD-2-Clause */
/* connect(2). The daemon answers at once; for a stream the answer is EINPROGRESS, and the fd polls writable when it is done, one way or
 * the other. A blocking connect waits for that here. */
#include "client-lib/include/tapir/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>

#include "client-lib/dgram.h"
#include "client-lib/host.h"
#include "client-lib/netlink.h"
#include "client-lib/real.h"
#include "client-lib/sock.h"
#include "client-lib/sockaddr.h"

static int64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* When connect() must end: SO_SNDTIMEO, which is the fd's own, bounds it too (socket(7)). -1: never. */
static int64_t wait_end_ms(int fd)
{
	struct timeval tv;
	socklen_t len = sizeof(tv);

	if (tapir_real.getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, &len) < 0 || (!tv.tv_sec && !tv.tv_usec))
		return -1;
	return clock_ms() + (int64_t)tv.tv_sec * 1000 + (tv.tv_usec + 999) / 1000;
}

/* For poll(2): what is left until @end, at most @most; -1 for neither. */
static int left_ms(int64_t end, int most)
{
	int64_t left;

	if (end < 0)
		return most;
	left = end - clock_ms();
	if (left < 0)
		return 0;
	return most >= 0 && left > most ? most : left > INT32_MAX ? INT32_MAX : (int)left;
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

int sock_conclude_connect(int fd, short revents)
{
	int error;

	if (revents & POLLNVAL) /* another thread has closed it */
		return -EBADF;
	error = sock_ask_error(fd, ENETDOWN); /* if there is none, this shows the daemon whose send buffer may be large now */
	if (!error)
		hint_move(fd, HINT_CONNECTED);
	return error;
}

static int wait_until_done(int fd, int64_t end)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	for (;;) {
		int n = tapir_real.poll(&p, 1, left_ms(end, -1));

		if (n > 0)
			break;
		if (n == 0)
			return -EINPROGRESS;
		if (errno != EINTR || end >= 0 || !may_restart()) /* with a time-out it is never restarted (signal(7)) */
			return -errno;
	}
	return sock_conclude_connect(fd, p.revents);
}

/* Most connections are there, or refused, after much less than this; the request that waits occupies a control connection, and the thread
 * cannot be cancelled meanwhile. */
enum { BRIEF_WAIT_MS = 20 };

/* A blocking connect begins with one sleep instead of two (TAPIR_OP_CONNECT_WAIT). When that stays undecided, asking again is harmless:
 * the stack then says EALREADY, or what the first request would have said; and from then on the fd tells the end. */
static int ask_to_connect(int fd, const struct tapir_addr *a, bool is_blocking, int64_t end)
{
	int r = 0, again;

	if (is_blocking && a->family) {
		r = control_request_until(TAPIR_OP_CONNECT_WAIT, a, sizeof(*a), fd, left_ms(end, BRIEF_WAIT_MS));
		if (r != -ETIMEDOUT && r != -EINTR && r != -EALREADY && r != -EINPROGRESS)
			return r == -ENOTSOCK ? -ENETDOWN : r;
	}
	again = sock_request_anew(TAPIR_OP_CONNECT, fd, a, sizeof(*a));
	if (r && again == -EISCONN) /* the first answer was on its way */
		return 0;
	if (r == -ETIMEDOUT && again == -EALREADY) /* by the first request */
		return -EINPROGRESS;
	return r == -EINTR && (again == -EALREADY || again == -EINPROGRESS) && (end >= 0 || !may_restart()) ? r : again;
}

static int connect_stream(int fd, const struct tapir_addr *a)
{
	/* The stack answers the first connect after success with 0. Where this one has told that already, it was told. */
	bool was_told = hint_of(fd) == HINT_CONNECTED, is_blocking = !sock_never_waits && !(tapir_real.fcntl(fd, F_GETFL) & O_NONBLOCK);
	int64_t end = is_blocking ? wait_end_ms(fd) : -1;
	int error = ask_to_connect(fd, a, is_blocking, end);

	if (error == -EINTR) {
		hint_move(fd, HINT_STREAM);
	} else if (error == -EINPROGRESS || error == -EALREADY) {
		int first = error;

		hint_move(fd, HINT_STREAM);
		if (is_blocking)
			error = wait_until_done(fd, end);
		if (error == -EINPROGRESS)
			error = first;
	} else if (error == 0 && a->family) {
		hint_move(fd, HINT_CONNECTED);
		error = was_told ? -EISCONN : 0;
	}
	return error;
}

/* sin6_flowinfo is told apart, by an option of ours: most have none. */
static int tell_flowinfo(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct {
		struct tapir_option option;
		uint32_t info;
	} m = { { .level = IPPROTO_IPV6, .name = TAPIR_IPV6_NEXT_FLOW_INFO, .len = sizeof(m.info) }, 0 };
	struct sockaddr_in6 to;
	ssize_t n;

	if (!addr || len < sizeof(to))
		return 0;
	memcpy(&to, addr, sizeof(to));
	if (to.sin6_family != AF_INET6 || !to.sin6_flowinfo)
		return 0;
	m.info = ntohl(to.sin6_flowinfo);
	n = sock_request(TAPIR_OP_SETSOCKOPT, fd, &m, sizeof(m), NULL, 0);
	return n == -ENOPROTOOPT ? 0 : n < 0 ? (int)n : 0; /* a socket of IPv4 has no such option */
}

static int connect_ours(int fd, const struct hint_sock *sock, const struct sockaddr *addr, socklen_t len)
{
	struct tapir_addr a;
	int error = sockaddr_parse(addr, len, &a);

	if (!error)
		error = tell_flowinfo(fd, addr, len);
	if (error)
		return error;
	if (sock->type == SOCK_STREAM)
		return connect_stream(fd, &a);
	error = (int)sock_request(TAPIR_OP_CONNECT, fd, &a, sizeof(a), NULL, 0);
	dgram_forget_ways();
	if (!error)
		hint_set_connected(fd, a.family != 0);
	return error;
}

int tapir_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct hint_sock sock;
	int error = host_check(fd, HOST_CONNECT, addr, len);

	if (error)
		return (int)sock_result(error);
	if (!hint_look(fd, &sock))
		return addr && len >= sizeof(sa_family_t) && addr->sa_family == AF_NETLINK && netlink_is(fd) ?
			       (int)sock_result(netlink_connect(addr, len)) :
			       tapir_real.connect(fd, addr, len);
	return (int)sock_result(connect_ours(fd, &sock, addr, len));
}
