/* SPDX-License-Identifier: BSD-2-Clause */
/* Making sockets and naming them: what has no data in it. */
#include "client-lib/include/tapir/socket.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/un.h>
#include <unistd.h>

#include "client-lib/backend.h"
#include "client-lib/dgram.h"
#include "client-lib/host.h"
#include "client-lib/netlink.h"
#include "client-lib/real.h"
#include "client-lib/sock.h"
#include "client-lib/sockaddr.h"

enum { SOCK_TYPES_END = SOCK_PACKET + 1 };

int tapir_available(unsigned flags)
{
	struct tapir_hello hello;
	ssize_t n = !backend_has_daemon() ? -ENETDOWN : control_request(TAPIR_OP_HELLO, NULL, 0, -1, &hello, sizeof(hello), NULL);

	if (n >= 0 && n != (ssize_t)sizeof(hello))
		n = -EPROTO;
	if (n >= 0 && (hello.offers & flags) != flags)
		n = -EOPNOTSUPP;
	if (n < 0) {
		errno = (int)-n;
		return 0;
	}
	return 1;
}

/* Give a received descriptor the flags that the application asked for. Received ones are close-on-exec. */
static void set_flags(int fd, int type)
{
	if (!(type & SOCK_CLOEXEC))
		tapir_real.fcntl(fd, F_SETFD, 0);
	if (type & SOCK_NONBLOCK)
		tapir_real.fcntl(fd, F_SETFL, tapir_real.fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* Which interfaces there are is a question to the stack; everything else that netlink does stays the kernel's. */
static int open_netlink(int type, int flags)
{
	int fd = netlink_socket(type);

	if (fd < 0)
		return (int)sock_result(fd);
	set_flags(fd, flags);
	hint_set(fd, HINT_NONE, 0);
	return fd;
}

/* A fresh stream needs no request: the kernel's own says what Linux's fresh TCP socket says, and its name tells what it is to become. */
static int fresh_stream(int family, int flags)
{
	static _Atomic uint64_t next;
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int error = control_check(), fd, n;
	uint64_t unique;

	if (error)
		return error;
	fd = tapir_real.socket(AF_UNIX, SOCK_STREAM | flags, 0);
	if (fd < 0)
		return -errno;
	do {
		/* Processes of several pid namespaces may meet here, and children of one that has called it. */
		unique = atomic_fetch_add(&next, 1) ^ (uint64_t)getpid() << 40;
		n = snprintf(sun.sun_path + 1, sizeof(sun.sun_path) - 1, TAPIR_FRESH_FORMAT "%016" PRIx64, family, IPPROTO_TCP, unique);
		if (tapir_real.bind(fd, (struct sockaddr *)&sun, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) == 0)
			return fd;
		error = -errno;
		if (error == -EADDRINUSE && getrandom(&unique, sizeof(unique), GRND_NONBLOCK) == sizeof(unique))
			atomic_store(&next, unique >> 24);
	} while (error == -EADDRINUSE);
	tapir_real.close(fd);
	return error;
}

int tapir_socket(int family, int type, int protocol)
{
	int flags = type & (SOCK_NONBLOCK | SOCK_CLOEXEC), fd;
	struct tapir_socket_req request = { .family = family, .type = type & ~flags, .protocol = protocol };
	struct tapir_socket_rep reply;
	ssize_t n;

	if (backend_is_kernel())
		return tapir_real.socket(family, type, protocol);
	if (request.type < 0 || request.type >= SOCK_TYPES_END) { /* no type, or an unknown flag */
		errno = EINVAL;
		return -1;
	}
	if (family == AF_NETLINK && protocol == NETLINK_ROUTE && (request.type == SOCK_RAW || request.type == SOCK_DGRAM))
		return open_netlink(request.type, flags);
	if (family != AF_INET && family != AF_INET6) {
		fd = tapir_real.socket(family, type, protocol);
		if (fd >= 0)
			hint_set(fd, HINT_NONE, 0);
		return fd;
	}
	if (host_read_policy() == HOST_POLICY_BAD || backend_is_bad())
		return (int)sock_result(-EINVAL);
	if (request.type == SOCK_STREAM && (protocol == 0 || protocol == IPPROTO_TCP)) {
		fd = fresh_stream(family, flags);
		if (fd >= 0)
			hint_set(fd, HINT_FRESH, 0);
		return (int)sock_result(fd);
	}
	n = control_request(TAPIR_OP_SOCKET, &request, sizeof(request), -1, &reply, sizeof(reply), &fd);
	if (n < 0)
		return (int)sock_result(n);
	if (n != (ssize_t)sizeof(reply) || fd < 0) {
		if (fd >= 0)
			tapir_real.close(fd);
		return (int)sock_result(-EPROTO);
	}
	set_flags(fd, flags);
	hint_set(fd, request.type == SOCK_STREAM ? HINT_FRESH : HINT_DGRAM, reply.id);
	return fd;
}

/* bind(2) takes the wildcard of AF_UNSPEC for AF_INET's, as Linux does: no other address. */
static int parse_unspec(const struct sockaddr *addr, socklen_t len, struct tapir_addr *a)
{
	struct sockaddr_in in4;
	struct sockaddr_storage room = { 0 };
	int error;

	if (len < sizeof(in4))
		return -EINVAL;
	memcpy(&room, addr, sizeof(in4));
	room.ss_family = AF_INET;
	memcpy(&in4, &room, sizeof(in4));
	error = sockaddr_parse((struct sockaddr *)&room, sizeof(in4), a);
	return error ? error : in4.sin_addr.s_addr == INADDR_ANY ? 0 : -EAFNOSUPPORT;
}

static int bind_ours(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct tapir_addr a;
	int error = sockaddr_parse(addr, len, &a);
	ssize_t r;

	if (error == 0 && !a.family)
		error = parse_unspec(addr, len, &a);
	if (error)
		return error;
	dgram_forget_ways();
	r = sock_request(TAPIR_OP_BIND, fd, &a, sizeof(a), NULL, 0);
	/* close() does not wait for the daemon to take note of it: the port may be free the next time that it looks. */
	if (r == -EADDRINUSE)
		r = sock_request(TAPIR_OP_BIND, fd, &a, sizeof(a), NULL, 0);
	return (int)r;
}

int tapir_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	int error = host_check(fd, HOST_BIND, addr, len);

	if (error)
		return (int)sock_result(error);
	if (!hint_is_ours(fd))
		return addr && len >= sizeof(sa_family_t) && addr->sa_family == AF_NETLINK && netlink_is(fd) ?
			       (int)sock_result(netlink_bind(fd, addr, len)) :
			       tapir_real.bind(fd, addr, len);
	return (int)sock_result(bind_ours(fd, addr, len));
}

int tapir_listen(int fd, int backlog)
{
	int error;

	if (!hint_is_ours(fd))
		return tapir_real.listen(fd, backlog);
	error = sock_request_int(TAPIR_OP_LISTEN, fd, backlog);
	if (!error)
		hint_move(fd, HINT_LISTENER);
	return (int)sock_result(error);
}

/* getsockname() and getpeername(). */
static int ask_name(enum tapir_op op, int fd, struct sockaddr *addr, socklen_t *len)
{
	struct hint_sock sock;
	struct tapir_addr a;
	ssize_t n;

	if (!addr || !len)
		return -EFAULT;
	if (*len > INT32_MAX)
		return -EINVAL;
	if (hint_is_fresh(fd, &sock)) {
		if (op == TAPIR_OP_GETPEERNAME)
			return -ENOTCONN;
		a = (struct tapir_addr){ .family = (uint16_t)sock.family };
	} else {
		n = sock_request(op, fd, NULL, 0, &a, sizeof(a));
		if (n < 0)
			return (int)n;
		if (n != (ssize_t)sizeof(a))
			return -EPROTO;
	}
	sockaddr_format(&a, addr, len);
	return 0;
}

/* A plain getsockname() or getpeername() said this: may it be about one of our netlink sockets? */
static bool may_be_netlink(int result, const struct sockaddr *addr, const socklen_t *len, socklen_t room)
{
	return result == 0 && addr && len && room >= sizeof(sa_family_t) && addr->sa_family == AF_UNIX;
}

int tapir_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	socklen_t room = len ? *len : 0;
	int r;

	if (!hint_is_ours(fd)) {
		r = tapir_real.getsockname(fd, addr, len);
		if (!may_be_netlink(r, addr, len, room) || !netlink_is(fd))
			return r;
		*len = room;
		return (int)sock_result(netlink_getsockname(fd, addr, len));
	}
	return (int)sock_result(ask_name(TAPIR_OP_GETSOCKNAME, fd, addr, len));
}

int tapir_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
	socklen_t room = len ? *len : 0;
	int r;

	if (!hint_is_ours(fd)) {
		r = tapir_real.getpeername(fd, addr, len);
		if (may_be_netlink(r, addr, len, room) && netlink_is(fd)) {
			*len = room;
			netlink_kernel_name(addr, len);
		}
		return r;
	}
	return (int)sock_result(ask_name(TAPIR_OP_GETPEERNAME, fd, addr, len));
}

/* protocol.h says which of shutdown(2)'s directions go to the daemon. */
static int shutdown_stream(int fd, int how)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	bool is_listener = hint_of(fd) == HINT_LISTENER;
	int error = 0, ready;

	if (is_listener) {
		struct tapir_int v = { .value = how };

		return sock_request_anew(TAPIR_OP_SHUTDOWN, fd, &v, sizeof(v));
	}
	ready = how == SHUT_WR ? tapir_real.poll(&p, 1, 0) : 0;
	if (how != SHUT_WR || ready == 0) /* not writable: it may be connecting, which the daemon then gives up */
		error = sock_request_int(TAPIR_OP_SHUTDOWN, fd, how == SHUT_WR ? SHUT_WR : SHUT_RD);
	else if (!hint_is_stream(hint_of(fd)) || (ready > 0 && p.revents & POLLHUP))
		error = sock_check_fresh(fd); /* ENOTCONN: not connected, or not any more */
	if (error)
		return error;
	return how == SHUT_RD ? 0 : tapir_real.shutdown(fd, SHUT_WR);
}

int tapir_shutdown(int fd, int how)
{
	struct hint_sock sock;

	if (hint_is_sandboxed() || !hint_look(fd, &sock))
		return tapir_real.shutdown(fd, how);
	if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
		return (int)sock_result(-EINVAL);
	if (sock.is_fresh)
		return (int)sock_result(-ENOTCONN);
	if (sock.type == SOCK_STREAM)
		return (int)sock_result(shutdown_stream(fd, how));
	return (int)sock_result(sock_request_int(TAPIR_OP_SHUTDOWN, fd, how));
}
