/* SPDX-License-Identifier: BSD-2-Clause */
#include "client-lib/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client-lib/host_epoll.h"
#include "client-lib/host_options.h"
#include "client-lib/include/tapir/socket.h"
#include "client-lib/policy.h"
#include "client-lib/real.h"
#include "client-lib/sock.h"
#include "client-lib/sockaddr.h"

/* Process-wide by nature: the environment is. Written once, before there are threads. */
static struct policy policy;
static _Atomic enum host_policy state;

/* Sockets from which this process has sent datagrams to the stack, by their ids. One that a later one pushes out may be moved although
 * it was decided. */
enum { SENDERS_MAX = 4096 };
static _Atomic uint64_t senders[SENDERS_MAX];

static bool read_variable(const char *name, struct policy_list *list)
{
	char bad[POLICY_RULE_TEXT_MAX], line[POLICY_RULE_TEXT_MAX + 160];
	const char *text = getenv(name), *wrong = text ? policy_parse_list(text, list, bad) : NULL;
	int n;

	if (!wrong)
		return true;
	n = snprintf(line, sizeof(line), "tapir: %s: '%s' is no PREFIX[:PORT[-PORT]]: %s\n", name, bad, wrong);
	if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
		return false; /* nobody to tell */
	return false;
}

enum host_policy host_read_policy(void)
{
	enum host_policy s = atomic_load_explicit(&state, memory_order_acquire);

	if (__builtin_expect(s != HOST_POLICY_UNREAD, 1))
		return s;
	policy = (struct policy){ 0 };
	if (!read_variable(POLICY_KEEP_VARIABLE, &policy.keep) || !read_variable(POLICY_ONLY_VARIABLE, &policy.only))
		s = HOST_POLICY_BAD;
	else
		s = policy_is_empty(&policy) ? HOST_POLICY_NONE : HOST_POLICY_RULES;
	atomic_store_explicit(&state, s, memory_order_release);
	return s;
}

void host_forget_policy(void)
{
	atomic_store(&state, HOST_POLICY_UNREAD);
}

void host_read_policy_again(void)
{
	atomic_store(&state, HOST_POLICY_UNREAD);
	host_read_policy();
}

__attribute__((constructor)) static void read_early(void)
{
	host_read_policy();
}

static bool is_wildcard(const struct tapir_addr *a)
{
	static const uint8_t any6[16], any4[16] = { [10] = 0xff, [11] = 0xff };

	return memcmp(a->addr, any6, 16) == 0 || memcmp(a->addr, any4, 16) == 0;
}

/* The address that decides. To send to the wildcard is to send to loopback (ip(7)). */
static bool wants_host(enum host_call call, struct tapir_addr a)
{
	if (call != HOST_BIND && is_wildcard(&a)) {
		bool is4 = a.family == AF_INET || a.addr[10] == 0xff;

		a.addr[12] = is4 ? 127 : 0;
		a.addr[15] = 1;
	}
	return policy_is_host(&policy, &a);
}

static bool is_internet(int fd)
{
	int domain = 0;
	socklen_t len = sizeof(domain);

	return tapir_real.getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && (domain == AF_INET || domain == AF_INET6);
}

/* A socket of the stack that is to go. 0: it may; 1: the stack itself has the answer; or -errno. *local: what it is bound to. */
static int check_movable(int fd, uint64_t id, enum host_call call, struct tapir_addr *local)
{
	struct tapir_addr peer;
	int value = 0;
	socklen_t len = sizeof(value);
	ssize_t n = sock_request(TAPIR_OP_GETSOCKNAME, fd, NULL, 0, local, sizeof(*local));

	if (n < 0)
		return (int)n;
	if (tapir_getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &len) == 0 && value)
		return 1;
	if (sock_request(TAPIR_OP_GETPEERNAME, fd, NULL, 0, &peer, sizeof(peer)) >= 0) {
		len = sizeof(value);
		if (tapir_getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &len) == 0 && value == SOCK_STREAM)
			return 1;
		return -ENETUNREACH;
	}
	if (call == HOST_BIND && local->port)
		return 1;
	if (!is_wildcard(local))
		return -ENETUNREACH;
	return atomic_load(&senders[id % SENDERS_MAX]) == id ? -ENETUNREACH : 0;
}

/* The same wildcard on the kernel. The port that the stack chose may be in use here, and then any other is as good. */
static int bind_again(int fd, const struct tapir_addr *local)
{
	struct sockaddr_storage name;
	struct tapir_addr any = *local;
	socklen_t len = sizeof(name);

	if (!local->port)
		return 0;
	sockaddr_format(local, (struct sockaddr *)&name, &len);
	if (tapir_real.bind(fd, (struct sockaddr *)&name, len) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -errno;
	any.port = 0;
	sockaddr_format(&any, (struct sockaddr *)&name, &len);
	return tapir_real.bind(fd, (struct sockaddr *)&name, len) < 0 ? -errno : 0;
}

static int copy_file_flags(int from, int to)
{
	int flags = tapir_real.fcntl(from, F_GETFL);

	return flags < 0 || tapir_real.fcntl(to, F_SETFL, flags & (O_NONBLOCK | O_ASYNC)) < 0 ? -errno : 0;
}

static int make_replacement(int fd, enum host_call call, const struct tapir_addr *local)
{
	struct host_kind kind;
	int error = host_kind_of(fd, &kind), new_fd;

	if (error)
		return error;
	new_fd = tapir_real.socket(kind.family, kind.type | SOCK_CLOEXEC, kind.protocol);
	if (new_fd < 0)
		return -errno;
	error = host_copy_options(fd, new_fd, &kind);
	if (!error)
		error = copy_file_flags(fd, new_fd);
	if (!error && call != HOST_BIND)
		error = bind_again(new_fd, local);
	if (!error)
		return new_fd;
	tapir_real.close(new_fd);
	return error;
}

int host_replacement(int fd, enum host_call call, const struct sockaddr *addr, socklen_t len, int *replacement)
{
	struct tapir_addr a, local;
	struct hint_sock sock;
	int r;

	if (host_read_policy() != HOST_POLICY_RULES || sockaddr_parse(addr, len, &a) != 0 || !a.family)
		return 0;
	if (!hint_look(fd, &sock))
		return call != HOST_BIND && is_internet(fd) && !wants_host(call, a) ? -ENETUNREACH : 0;
	if (!wants_host(call, a)) {
		if (call == HOST_SEND)
			atomic_store(&senders[sock.id % SENDERS_MAX], sock.id);
		return 0;
	}
	r = check_movable(fd, sock.id, call, &local);
	if (r)
		return r == 1 ? 0 : r;
	r = make_replacement(fd, call, &local);
	if (r < 0)
		return r;
	*replacement = r;
	return 1;
}

int host_take_over(int fd, enum host_call call, const struct sockaddr *addr, socklen_t len)
{
	struct host_epoll watched;
	int saved_errno = errno, replacement, r = host_replacement(fd, call, addr, len, &replacement);

	if (r == 1) {
		host_epoll_find(fd, &watched);
		r = tapir_real.dup3(replacement, fd, tapir_real.fcntl(fd, F_GETFD) & FD_CLOEXEC ? O_CLOEXEC : 0) < 0 ? -errno : 0;
		tapir_real.close(replacement);
		if (!r) {
			hint_set(fd, HINT_NONE, 0);
			host_epoll_restore(fd, &watched);
		}
	}
	errno = saved_errno;
	return r;
}
