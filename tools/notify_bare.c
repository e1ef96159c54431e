/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/notify_bare.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>

#include "client-lib/cmsg.h"
#include "client-lib/include/tapir/socket.h"
#include "client-lib/sock.h"
#include "client-lib/sockaddr.h"

void bare_begin(int fd)
{
	sock_request(TAPIR_OP_BARE, fd, NULL, 0, NULL, 0);
}

struct header {
	struct tapir_dgram head;
	uint8_t controls[TAPIR_CONTROLS_MAX];
};

/* The datagram itself, of which @h tells the rest; @bytes: of the header. */
static ssize_t take(int fd, struct msghdr *m, int flags, const struct header *h, size_t bytes)
{
	struct msghdr raw = { .msg_iov = m->msg_iov, .msg_iovlen = m->msg_iovlen };
	ssize_t n = recvmsg(fd, &raw, (flags & MSG_PEEK) | MSG_DONTWAIT | MSG_TRUNC);
	size_t room = m->msg_iovlen ? m->msg_iov[0].iov_len : 0;

	if (n < 0)
		return -1;
	m->msg_flags = raw.msg_flags & MSG_TRUNC;
	cmsg_format(&h->head, h->controls, bytes - sizeof(h->head), m);
	if (m->msg_name)
		sockaddr_format(&h->head.addr, m->msg_name, &m->msg_namelen);
	return flags & MSG_TRUNC || (size_t)n < room ? n : (ssize_t)room;
}

/* Whether the pair is at its end: the daemon closed it, or it was shut down for reading. */
static bool has_ended(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };

	return poll(&p, 1, 0) != 0;
}

ssize_t bare_recvmsg(int fd, struct msghdr *m, int flags)
{
	struct header h;
	ssize_t n;

	if (flags & (MSG_OOB | MSG_ERRQUEUE))
		return tapir_recvmsg(fd, m, flags | MSG_DONTWAIT);
	n = sock_request(TAPIR_OP_NEXT_HEADER, fd, NULL, 0, &h, sizeof(h));
	if (n == -EAGAIN && !has_ended(fd)) { /* one that comes now would be read without its header */
		errno = EAGAIN;
		return -1;
	}
	/* Framed, or ended: libtapir knows what to say. */
	if (n < (ssize_t)sizeof(h.head))
		return tapir_recvmsg(fd, m, flags | MSG_DONTWAIT);
	if (h.head.flags & TAPIR_DGRAM_ERROR) {
		errno = (int)h.head.error;
		return -1;
	}
	return take(fd, m, flags, &h, (size_t)n);
}
