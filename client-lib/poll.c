/* SPDX-License-Identifier: BSD-2-Clause */
/* poll(2) and ppoll(2), which say of our sockets what Linux says. The kernel's answer about the pair is nearly that; what it cannot know:
 *  - POLLERR of a stream that has ended means that its error is pending (SO_ERROR), and goes when that is taken;
 *  - a stream that was bound, or had an option set, has an end at the daemon but no connection: POLLOUT and POLLHUP, as a fresh one;
 *  - an error of a datagram socket (dgram_error.c).
 * Only the first two need a question, and only of streams that have hung up, or that this process knows to have no connection. */
#include "client-lib/include/tapir/socket.h"

#include <errno.h>

#include "client-lib/dgram.h"
#include "client-lib/real.h"
#include "client-lib/sock.h"

static bool is_idle(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	struct hint_sock sock;

	return hint_of(fd) == HINT_FRESH && tapir_real.poll(&p, 1, 0) == 1 && p.revents == POLLOUT && !hint_is_fresh(fd, &sock) &&
	       sock_check_fresh(fd) == -ENOTCONN;
}

/* Whether one of them has no connection, so that there is nothing to wait for. */
static bool has_idle_one(const struct pollfd *fds, nfds_t count)
{
	int saved_errno = errno;
	bool has = false;

	for (nfds_t i = 0; i < count && !has; i++)
		has = __builtin_expect(hint_of(fds[i].fd) == HINT_FRESH, 0) && !hint_is_sandboxed() && is_idle(fds[i].fd);
	errno = saved_errno;
	return has;
}

static void correct_hang_up(struct pollfd *p)
{
	enum hint hint = hint_of(p->fd);
	struct hint_sock sock;
	int64_t error;

	if (hint == HINT_DGRAM || !hint_look(p->fd, &sock) || sock.type != SOCK_STREAM || sock.is_fresh)
		return;
	if (sock_ask_int(TAPIR_OP_PEEK_ERROR, p->fd, &error) < 0)
		return;
	p->revents &= (short)~POLLERR;
	if (error)
		p->revents |= POLLERR;
}

static int correct(struct pollfd *fds, nfds_t count, int n, bool has_idle)
{
	int saved_errno = errno;

	if (n < 0)
		return n;
	for (nfds_t i = 0; i < count; i++) {
		if (has_idle && fds[i].revents == (fds[i].events & (POLLOUT | POLLWRNORM)) && hint_of(fds[i].fd) == HINT_FRESH &&
		    is_idle(fds[i].fd)) {
			n += fds[i].revents == 0;
			fds[i].revents |= POLLHUP;
		} else if (__builtin_expect(fds[i].revents & POLLHUP, 0) && !hint_is_sandboxed()) {
			correct_hang_up(&fds[i]);
		}
	}
	if (n > 0)
		dgram_correct_poll(fds, count);
	errno = saved_errno;
	return n;
}

int tapir_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	bool has_idle = has_idle_one(fds, count);

	return correct(fds, count, tapir_real.poll(fds, count, has_idle ? 0 : timeout), has_idle);
}

int tapir_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	static const struct timespec now;
	bool has_idle = has_idle_one(fds, count);

	return correct(fds, count, tapir_real.ppoll(fds, count, has_idle ? &now : timeout, mask), has_idle);
}
