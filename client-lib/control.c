/* SPDX-License-Identifier: BSD-2-Clause */
#include "client-lib/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "client-lib/cmsg.h"
#include "client-lib/real.h"

/* $TAPIR_SOCKET when we were loaded: programs may clear their environment before a child of theirs needs it (nginx's workers). Written
 * once, before main(). */
static char path_at_start[sizeof(((struct sockaddr_un *)0)->sun_path)];

static void __attribute__((constructor)) remember_path(void)
{
	const char *env = getenv("TAPIR_SOCKET");

	if (env && strlen(env) < sizeof(path_at_start))
		strcpy(path_at_start, env);
}

const char *control_path(const char *path)
{
	const char *env;

	if (path)
		return path;
	env = getenv("TAPIR_SOCKET");
	if (env && *env)
		return env;
	return *path_at_start ? path_at_start : TAPIR_DEFAULT_SOCKET;
}

/* What a failed system call on the control socket means to the caller. */
static int control_errno(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
	case ECONNREFUSED:
	case ECONNRESET:
	case EPIPE:
	case ENOTCONN:
	case EPROTOTYPE:
		return -ENETDOWN;
	case EPERM:
		return -EACCES;
	}
	return -error;
}

int control_connect(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int fd, error;

	if (len >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	memcpy(sun.sun_path, path, len);
	fd = tapir_real.socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	while (tapir_real.connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0) {
		error = errno;
		if (error == EINTR)
			continue;
		tapir_real.close(fd);
		return control_errno(error);
	}
	return fd;
}

int control_send(int fd, enum tapir_op op, uint32_t seq, const void *body, size_t body_bytes, int pass_fd)
{
	struct tapir_header h = {
		.magic = TAPIR_PROTOCOL_MAGIC, .version = TAPIR_PROTOCOL_VERSION, .op = (uint16_t)op, .seq = seq
	};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	struct iovec iov[2] = { { &h, sizeof(h) } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 1 };
	ssize_t n;

	if (body_bytes) {
		memcpy(&iov[1].iov_base, &body, sizeof(body)); /* only read from */
		iov[1].iov_len = body_bytes;
		m.msg_iovlen = 2;
	}
	if (pass_fd >= 0) {
		struct cmsghdr *c;

		m.msg_control = control.bytes;
		m.msg_controllen = sizeof(control.bytes);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &pass_fd, sizeof(int));
	}
	do
		n = tapir_real.sendmsg(fd, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? control_errno(errno) : 0;
}

static void keep_first(void *ctx, int fd)
{
	int *got = ctx;

	if (*got < 0)
		*got = fd;
	else
		tapir_real.close(fd);
}

/* The descriptor in a received message; -1: none. Further ones are closed. */
static int control_take_fd(struct msghdr *m)
{
	int got = -1;

	cmsg_each_fd(m, keep_first, &got);
	return got;
}

ssize_t control_recv(int fd, enum tapir_op op, uint32_t seq, void *body, size_t room, int *got_fd,
		     struct control_failure *failure)
{
	struct tapir_header h;
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov[2] = { { &h, sizeof(h) }, { body, room } };
	struct msghdr m = { .msg_iov = iov,
			    .msg_iovlen = room ? 2 : 1,
			    .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };
	ssize_t n;
	int passed;

	if (got_fd)
		*got_fd = -1;
	if (failure)
		*failure = (struct control_failure){ 0 };
	do
		n = tapir_real.recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return control_errno(errno);
	if (n == 0)
		return -ENETDOWN;
	passed = control_take_fd(&m);
	if (passed >= 0 && got_fd)
		*got_fd = passed;
	else if (passed >= 0)
		tapir_real.close(passed);
	if ((size_t)n < sizeof(h) || h.magic != TAPIR_PROTOCOL_MAGIC || m.msg_flags & MSG_TRUNC)
		return -EPROTO;
	if (h.version != TAPIR_PROTOCOL_VERSION)
		return -EPROTONOSUPPORT;
	if (h.op != (uint16_t)op || h.seq != seq || h.error < 0)
		return -EPROTO;
	if (failure) {
		failure->is_answer = 1;
		failure->body_bytes = (size_t)n - sizeof(h);
	}
	if (h.error)
		return -h.error;
	if (got_fd && passed < 0 && m.msg_flags & MSG_CTRUNC)
		return -EMFILE; /* it was there, and there was no room for it in our table */
	return n - (ssize_t)sizeof(h);
}

ssize_t control_call(int fd, enum tapir_op op, const void *request, size_t request_bytes, int pass_fd, void *reply,
		     size_t reply_room, int *got_fd)
{
	uint32_t seq = (uint32_t)op;
	int error = control_send(fd, op, seq, request, request_bytes, pass_fd);

	if (error)
		return error;
	return control_recv(fd, op, seq, reply, reply_room, got_fd, NULL);
}

int control_hello(int fd, struct tapir_hello *hello)
{
	ssize_t n = control_call(fd, TAPIR_OP_HELLO, NULL, 0, -1, hello, sizeof(*hello), NULL);

	if (n < 0)
		return (int)n;
	if (n != (ssize_t)sizeof(*hello))
		return -EPROTO;
	hello->daemon[sizeof(hello->daemon) - 1] = 0;
	hello->version[sizeof(hello->version) - 1] = 0;
	return 0;
}

char *control_explain(int error, const char *path, char *text, size_t room)
{
	switch (-error) {
	case ENETDOWN:
		snprintf(text, room, "no tapird answers at %s; start one, or name its socket with --socket or TAPIR_SOCKET", path);
		break;
	case EACCES:
		snprintf(text, room, "no permission for %s; its directory must be open to you", path);
		break;
	case ENAMETOOLONG:
		snprintf(text, room, "%s is too long a name for a socket (at most %zu characters)", path,
			 sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
		break;
	case EPROTONOSUPPORT:
		snprintf(text, room, "the tapird at %s speaks another version of the protocol than %d; restart it with the installed one",
			 path, TAPIR_PROTOCOL_VERSION);
		break;
	case EPROTO:
		snprintf(text, room, "what answers at %s is no tapird", path);
		break;
	default:
		snprintf(text, room, "cannot talk to tapird at %s: %s", path, strerror(-error));
	}
	return text;
}
