/* SPDX-License-Identifier: BSD-2-Clause */
/* accept(2): one message on the listening socket's fd for each connection, the connection's fd attached. So it blocks, times out
 * (SO_RCVTIMEO), is interrupted and is shared between processes as recvmsg(2) is. */
#include "client-lib/include/tapir/socket.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "client-lib/real.h"
#include "client-lib/sock.h"
#include "client-lib/sockaddr.h"

enum { GIVE_BACK_TRIES = 80 };

/* Whether a descriptor is left. A message that is received when none is comes without its connection, which is asked for again; the
 * daemon can give it again in most cases, so first this. */
static int check_room(int fd)
{
	int spare = tapir_real.fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (spare < 0)
		return -errno;
	tapir_real.close(spare);
	return 0;
}

/* A stream that is no listener has bytes to read, not connections. The hint knows, or the daemon. */
static int check_listening(int fd)
{
	struct {
		struct tapir_option option;
		int value;
	} request = { .option = { .level = SOL_SOCKET, .name = SO_ACCEPTCONN, .len = sizeof(int) } }, reply = { .value = 0 };
	ssize_t n;

	if (hint_of(fd) == HINT_LISTENER)
		return 0;
	n = sock_request(TAPIR_OP_GETSOCKOPT, fd, &request, sizeof(request.option), &reply, sizeof(reply));
	if (n < 0)
		return (int)n;
	if (n != (ssize_t)sizeof(reply))
		return -EPROTO;
	if (!reply.value)
		return -EINVAL;
	hint_move(fd, HINT_LISTENER);
	return 0;
}

/* The listener's stream ended: it was shut down (EINVAL, as for any socket that does not listen), or the daemon is gone. */
static int explain_end(int fd)
{
	int error = sock_ask_error(fd, ENETDOWN);

	return error ? error : -EINVAL;
}

static int take_fd(struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	int fd;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(int)))
		return m->msg_flags & MSG_CTRUNC ? -EMFILE : -EPROTO;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* The connection came without its descriptor: another thread took the last one meanwhile. The daemon keeps it for 10 ms, and for half a second once it knows. There may be
 * no descriptor for a control connection either, but those that are open are in use for moments only. */
static void give_back(int listener, const struct tapir_accept *a)
{
	const struct timespec pause = { .tv_nsec = 500000 };

	for (int i = 0; i < GIVE_BACK_TRIES; i++) {
		int r = sock_request_int(TAPIR_OP_ACCEPT_AGAIN, listener, (int64_t)a->id);

		if (r != -EMFILE && r != -ENFILE)
			return;
		nanosleep(&pause, NULL);
	}
}

static int accept_ours(int listener, struct tapir_accept *a, int flags)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { a, sizeof(*a) };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)
	};
	ssize_t n;
	int fd;

	n = tapir_real.recvmsg(listener, &m, (flags & SOCK_CLOEXEC ? MSG_CMSG_CLOEXEC : 0) | (sock_never_waits ? MSG_DONTWAIT : 0));
	if (n < 0)
		return errno == ECONNRESET ? explain_end(listener) : -errno;
	if (n == 0)
		return explain_end(listener);
	fd = take_fd(&m);
	if (fd == -EMFILE && n == (ssize_t)sizeof(*a))
		give_back(listener, a);
	if (fd < 0)
		return fd;
	if (n != (ssize_t)sizeof(*a) || a->magic != TAPIR_PROTOCOL_MAGIC) {
		tapir_real.close(fd);
		return -EPROTO;
	}
	if (flags & SOCK_NONBLOCK)
		tapir_real.fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
	return fd;
}

int tapir_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	struct tapir_accept a;
	struct hint_sock sock;
	int r;

	if (!hint_look(fd, &sock)) {
		r = tapir_real.accept4(fd, addr, len, flags);
		if (r >= 0)
			hint_set(r, HINT_NONE, 0);
		return r;
	}
	if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
		return (int)sock_result(-EINVAL);
	if (sock.type != SOCK_STREAM)
		return (int)sock_result(-EOPNOTSUPP);
	if (addr && !len)
		return (int)sock_result(-EFAULT);
	r = sock.is_fresh ? -EINVAL : check_listening(fd);
	if (!r)
		r = check_room(fd);
	if (!r)
		r = accept_ours(fd, &a, flags);
	if (r < 0)
		return (int)sock_result(r);
	hint_set(r, HINT_STREAM, a.id);
	sockaddr_format(&a.remote, addr, len);
	return r;
}

int tapir_accept(int fd, struct sockaddr *addr, socklen_t *len)
{
	return tapir_accept4(fd, addr, len, 0);
}
