/* SPDX-License-Identifier: BSD-2-Clause */
/* The trapped calls that carry no data: each copies its arguments in, does libtapir's function, and copies results out. */
#include "tools/notify_call.h"

#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "client-lib/ifreq.h"
#include "client-lib/include/tapir/socket.h"
#include "client-lib/report.h"
#include "client-lib/sock.h"
#include "tools/notify_bare.h"
#include "tools/notify_kept.h"
#include "tools/notify_target.h"

#ifndef IPV6_FLOWLABEL_MGR
#define IPV6_FLOWLABEL_MGR 32
#endif

enum {
	OPTION_MAX = 64 << 10, /* more than any option has */
	IFCONF_MAX = 64 << 10,
};

/* ---- Making and naming ---- */

enum notify_verdict notify_socket(struct notify_call *c)
{
	int family = (int)c->args[0], type = (int)c->args[1];
	int fd = tapir_socket(family, type | SOCK_CLOEXEC, (int)c->args[2]);

	if (fd < 0)
		return notify_answer_errno(c, fd);
	if (family != AF_NETLINK && (type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != SOCK_STREAM)
		bare_begin(fd);
	c->give_fd = fd;
	c->give_cloexec = type & SOCK_CLOEXEC;
	return NOTIFY_ANSWER;
}

enum notify_verdict notify_bind(struct notify_call *c)
{
	struct sockaddr_storage ss;
	enum notify_verdict verdict;
	int error = notify_read_name(c, c->args[1], c->args[2], &ss);

	if (error)
		return notify_answer(c, error);
	if (notify_to_host(c, HOST_BIND, &ss, (socklen_t)c->args[2], &verdict))
		return verdict;
	return notify_answer_errno(c, tapir_bind(c->fd, (struct sockaddr *)&ss, (socklen_t)c->args[2]));
}

enum notify_verdict notify_listen(struct notify_call *c)
{
	return notify_answer_errno(c, tapir_listen(c->fd, (int)c->args[1]));
}

enum notify_verdict notify_shutdown(struct notify_call *c)
{
	int r = tapir_shutdown(c->fd, (int)c->args[1]);

	notify_follow(c);
	return notify_answer_errno(c, r);
}

static enum notify_verdict answer_name(struct notify_call *c, int (*ask)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int r;

	if (!c->args[1] || !c->args[2])
		return notify_answer(c, -EFAULT);
	r = ask(c->fd, (struct sockaddr *)&ss, &len);
	if (r < 0)
		return notify_answer_errno(c, r);
	return notify_answer(c, notify_write_name(c, c->args[1], c->args[2], &ss, len));
}

enum notify_verdict notify_getsockname(struct notify_call *c)
{
	return answer_name(c, tapir_getsockname);
}

enum notify_verdict notify_getpeername(struct notify_call *c)
{
	return answer_name(c, tapir_getpeername);
}

/* ---- Connecting ---- */

enum notify_verdict notify_connect(struct notify_call *c)
{
	struct sockaddr_storage ss;
	enum notify_verdict verdict;
	int error;

	if (c->revents)
		return notify_answer(c, sock_conclude_connect(c->fd, c->revents));
	error = notify_read_name(c, c->args[1], c->args[2], &ss);
	if (error)
		return notify_answer(c, error);
	if (notify_to_host(c, HOST_CONNECT, &ss, (socklen_t)c->args[2], &verdict))
		return verdict;
	error = tapir_connect(c->fd, (struct sockaddr *)&ss, (socklen_t)c->args[2]);
	notify_follow(c);
	if (error == 0)
		return notify_answer(c, 0);
	if (errno == EINPROGRESS || errno == EALREADY) /* a blocking socket's connect may go on waiting for an earlier one */
		return notify_wait(c, POLLOUT, 0, -errno);
	return notify_answer(c, -errno);
}

/* What programs ask about interfaces on an ordinary unix socket (netdevice(7)) is about the stack's. */
static bool is_about_interfaces(const struct notify_call *c)
{
	int domain = 0;
	socklen_t len = sizeof(domain);

	return c->nr == SYS_ioctl && ifreq_is((unsigned)c->args[1]) && getsockopt(c->fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
	       domain == AF_UNIX;
}

enum notify_verdict notify_to_other(struct notify_call *c)
{
	bool is_connect = c->nr == SYS_connect, is_sendto = c->nr == SYS_sendto;
	uint64_t at = is_connect ? c->args[1] : c->args[4], len = is_connect ? c->args[2] : c->args[5];
	struct sockaddr_storage ss;
	enum notify_verdict verdict;

	if (is_about_interfaces(c))
		return notify_ioctl(c);
	if (host_read_policy() != HOST_POLICY_RULES || (!is_connect && !is_sendto) || notify_read_name(c, at, len, &ss) < 0 ||
	    !notify_to_host(c, is_connect ? HOST_CONNECT : HOST_SEND, &ss, (socklen_t)len, &verdict))
		return NOTIFY_CONTINUE;
	return verdict;
}

/* A connection goes to the thread only together with its descriptor there, so until then it can be kept for the next call. */
enum notify_verdict notify_accept(struct notify_call *c)
{
	int flags = c->nr == SYS_accept4 ? (int)c->args[3] : 0, fd;
	socklen_t room;
	int error = c->args[1] ? notify_read(c, &room, c->args[2], sizeof(room)) : 0;

	if (error)
		return notify_answer(c, error);
	if (c->args[1] && room > INT32_MAX)
		return notify_answer(c, -EINVAL);
	c->peer_len = sizeof(c->peer);
	fd = flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC) ? -1 : kept_take_connection(c->sock.id, &c->peer, &c->peer_len);
	if (fd >= 0 && flags & SOCK_NONBLOCK)
		fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
	if (fd < 0 && !target_has_room(c->tid))
		return notify_answer(c, -EMFILE);
	if (fd < 0)
		fd = tapir_accept4(c->fd, (struct sockaddr *)&c->peer, &c->peer_len, flags | SOCK_CLOEXEC);
	if (fd < 0 && errno == EAGAIN)
		return notify_wait(c, POLLIN, 0, -EAGAIN);
	if (fd < 0)
		return notify_answer(c, -errno);
	c->give_fd = fd;
	c->give_cloexec = flags & SOCK_CLOEXEC;
	c->listener = c->sock.id;
	notify_write_name(c, c->args[1], c->args[2], &c->peer, c->peer_len);
	return NOTIFY_ANSWER;
}

/* ---- Options ---- */

enum notify_verdict notify_setsockopt(struct notify_call *c)
{
	int len = (int)c->args[4], error;
	enum notify_verdict verdict;
	void *value;

	if (len < 0)
		return notify_answer(c, -EINVAL);
	value = calloc(1, OPTION_MAX);
	if (!value)
		return notify_answer(c, -ENOMEM);
	report_on_behalf_of(c->tid);
	error = notify_read(c, value, c->args[3], len < OPTION_MAX ? (size_t)len : OPTION_MAX);
	if (!error && tapir_setsockopt(c->fd, (int)c->args[1], (int)c->args[2], value, (socklen_t)len) < 0)
		error = -errno;
	if (!error && c->args[1] == IPPROTO_IPV6 && c->args[2] == IPV6_FLOWLABEL_MGR) /* it answers in the same place */
		error = notify_write(c, c->args[3], value, (size_t)len);
	verdict = notify_answer(c, error);
	free(value);
	return verdict;
}

enum notify_verdict notify_getsockopt(struct notify_call *c)
{
	socklen_t len;
	void *value;
	int error = notify_read(c, &len, c->args[4], sizeof(len));

	if (error)
		return notify_answer(c, error);
	if (len > INT32_MAX)
		return notify_answer(c, -EINVAL);
	if (len > OPTION_MAX)
		len = OPTION_MAX;
	value = calloc(1, OPTION_MAX);
	if (!value)
		return notify_answer(c, -ENOMEM);
	report_on_behalf_of(c->tid);
	error = notify_read(c, value, c->args[3], len); /* a few options take what is there for a question */
	if (!error && tapir_getsockopt(c->fd, (int)c->args[1], (int)c->args[2], value, &len) < 0)
		error = -errno;
	if (!error)
		error = notify_write(c, c->args[3], value, len);
	if (!error)
		error = notify_write(c, c->args[4], &len, sizeof(len));
	free(value);
	return notify_answer(c, error);
}

/* SIOCGIFCONF: a list of what fits a buffer that the argument points to. */
static enum notify_verdict answer_ifconf(struct notify_call *c)
{
	struct ifconf there, here;
	int error = notify_read(c, &there, c->args[2], sizeof(there));

	if (error)
		return notify_answer(c, error);
	if (there.ifc_len < 0)
		return notify_answer(c, -EINVAL);
	here = (struct ifconf){ .ifc_len = there.ifc_len < IFCONF_MAX ? there.ifc_len : IFCONF_MAX };
	if (there.ifc_buf)
		here.ifc_buf = calloc(1, IFCONF_MAX);
	if (tapir_ioctl(c->fd, SIOCGIFCONF, &here) < 0)
		error = -errno;
	if (!error && there.ifc_buf)
		error = notify_write(c, (uintptr_t)there.ifc_buf, here.ifc_buf, (size_t)here.ifc_len);
	free(here.ifc_buf);
	there.ifc_len = here.ifc_len;
	if (!error)
		error = notify_write(c, c->args[2], &there, sizeof(there));
	return notify_answer(c, error);
}

/* The bytes of what an ioctl's argument points to. */
static size_t ioctl_bytes(unsigned request)
{
	return request == SIOCINQ || request == SIOCOUTQ || request == SIOCATMARK ? sizeof(int) : sizeof(struct ifreq);
}

enum notify_verdict notify_ioctl(struct notify_call *c)
{
	unsigned request = (unsigned)c->args[1];
	size_t bytes = ioctl_bytes(request);
	struct ifreq value;
	int error;

	/* On the bytes of a stream the kernel's own count is right. */
	if (request == SIOCINQ && c->sock.type == SOCK_STREAM)
		return NOTIFY_CONTINUE;
	if (request == SIOCGIFCONF)
		return answer_ifconf(c);
	error = notify_read(c, &value, c->args[2], bytes);
	if (!error && tapir_ioctl(c->fd, request, &value) < 0)
		error = -errno;
	if (!error)
		error = notify_write(c, c->args[2], &value, bytes);
	return notify_answer(c, error);
}
