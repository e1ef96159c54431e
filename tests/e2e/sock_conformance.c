/* SPDX-License-Identifier: BSD-2-Clause */
/* sock_conformance.c - what programs expect of sockets, tried through <tapir/socket.h> alone.
 *
 *	sock_conformance ADDRESS [PEER PORT]         ADDRESS: of the stack, its family is the one that is tried; PEER PORT: a TCP echo
 *	sock_conformance --kill PID ADDRESS          the same, and in the end the daemon PID is killed under blocked calls
 *
 * Servers and clients run on the stack's loopback and on ADDRESS; with a peer, its own tests come too. Each test is a process of its own,
 * with a limit after which it counts as hung. Prints one line a test and `N passed, N failed`.
 * Built with -DON_KERNEL the same expectations are tried on the kernel's sockets (all of them hold there, on Linux 6.x). */
#ifdef ON_KERNEL
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#else
#define TAPIR_POSIX_NAMES
#include <tapir/socket.h>
#endif

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/udp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "conformance.h"

enum { BULK_BYTES = 8 << 20 };

static union address own, peer; /* the arguments */
static socklen_t own_len;
static bool has_peer;
static int family;
static pid_t daemon_pid;

/* ---- Building blocks ---- */

static union address loopback(int port)
{
	union address a = { .in6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT } };

	if (family == AF_INET)
		a = (union address){ .in4 = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } } };
	a.in4.sin_port = htons((uint16_t)port); /* the same place in both */
	return a;
}

/* A socket bound to a port that the stack chose, and where it is. */
static int bound(int type, union address *a)
{
	socklen_t len = sizeof(*a);
	int fd = socket(family, type, 0);

	CHECK(fd >= 0);
	*a = loopback(0);
	CHECK(bind(fd, &a->any, own_len) == 0);
	CHECK(getsockname(fd, &a->any, &len) == 0 && len == own_len);
	CHECK(a->in4.sin_port != 0);
	return fd;
}

static int listening(union address *a)
{
	int fd = bound(SOCK_STREAM, a);

	CHECK(listen(fd, 16) == 0);
	return fd;
}

static int connected(const union address *a)
{
	int fd = socket(a->any.sa_family, SOCK_STREAM, 0);

	CHECK(fd >= 0);
	CHECK(connect(fd, &a->any, own_len) == 0);
	return fd;
}

/* Both ends of a connection: [0] connected, [1] accepted it. */
static void make_pair(int fds[2])
{
	union address a;
	int l = listening(&a);

	fds[0] = connected(&a);
	fds[1] = accept(l, NULL, NULL);
	CHECK(fds[1] >= 0);
	CHECK(close(l) == 0);
}

static void expect_bytes(int fd, const char *text)
{
	char buf[64];
	size_t n = strlen(text);

	CHECK(recv(fd, buf, n, MSG_WAITALL) == (ssize_t)n);
	CHECK(memcmp(buf, text, n) == 0);
}

static short poll_now(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	CHECK(poll(&p, 1, 0) >= 0);
	return p.revents;
}

static short poll_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	CHECK(poll(&p, 1, -1) == 1);
	return p.revents;
}

static int so_error(int fd)
{
	int error = -1;
	socklen_t len = sizeof(error);

	CHECK(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && len == sizeof(error));
	return error;
}

static int int_option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	CHECK(getsockopt(fd, level, name, &value, &len) == 0);
	return value;
}

static void set_int(int fd, int level, int name, int value)
{
	CHECK(setsockopt(fd, level, name, &value, sizeof(value)) == 0);
}

static void set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	CHECK(flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0);
}

static void set_timeout(int fd, int name)
{
	struct timeval tv = { .tv_usec = 50000 };

	CHECK(setsockopt(fd, SOL_SOCKET, name, &tv, sizeof(tv)) == 0);
}

static void expect_child(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A port that nobody listens on. */
static union address closed_port(int type)
{
	union address a;
	int fd = bound(type, &a);

	CHECK(close(fd) == 0);
	return a;
}

/* ---- Connections ---- */

static void test_connect_and_echo(void)
{
	int fds[2];

	make_pair(fds);
	CHECK(write(fds[0], "hello", 5) == 5);
	expect_bytes(fds[1], "hello");
	CHECK(write(fds[1], "world", 5) == 5);
	expect_bytes(fds[0], "world");
	CHECK(close(fds[0]) == 0);
	CHECK(recv(fds[1], (char[1]){ 0 }, 1, 0) == 0);
}

static void test_names_of_both_ends_agree(void)
{
	union address a, seen, name;
	socklen_t len = sizeof(seen);
	int l = listening(&a), c = connected(&a), s = accept(l, &seen.any, &len);

	CHECK(s >= 0 && len == own_len);
	len = sizeof(name);
	CHECK(getsockname(c, &name.any, &len) == 0 && is_same(&name, &seen));
	len = sizeof(name);
	CHECK(getpeername(s, &name.any, &len) == 0 && is_same(&name, &seen));
	len = sizeof(name);
	CHECK(getpeername(c, &name.any, &len) == 0 && is_same(&name, &a));
	len = sizeof(name);
	CHECK(getsockname(s, &name.any, &len) == 0 && is_same(&name, &a));
	len = 2; /* what does not fit is cut, the length is the whole one */
	CHECK(getsockname(s, &name.any, &len) == 0 && len == own_len);
}

static void test_nonblocking_connect_polls_writable(void)
{
	union address a;
	int l = listening(&a), c = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	CHECK(c >= 0 && fcntl(c, F_GETFL) & O_NONBLOCK);
	CHECK(connect(c, &a.any, own_len) == 0 || errno == EINPROGRESS);
	CHECK(poll_for(c, POLLOUT) == POLLOUT);
	CHECK(so_error(c) == 0);
	CHECK(write(c, "x", 1) == 1);
	expect_bytes(accept(l, NULL, NULL), "x");
}

static void test_refused_connect_fails_at_once(void)
{
	union address a = closed_port(SOCK_STREAM);
	int c = socket(family, SOCK_STREAM, 0);

	FAILS(connect(c, &a.any, own_len), ECONNREFUSED);
}

static void test_refused_nonblocking_connect_tells_its_error_once(void)
{
	union address a = closed_port(SOCK_STREAM);
	int c = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (connect(c, &a.any, own_len) == -1 && errno == EINPROGRESS) {
		CHECK(poll_for(c, POLLOUT) & (POLLERR | POLLHUP));
		CHECK(so_error(c) == ECONNREFUSED);
		CHECK(so_error(c) == 0);
	} else {
		CHECK(errno == ECONNREFUSED);
	}
}

static void test_refused_nonblocking_connect_fails_read(void)
{
	union address a = closed_port(SOCK_STREAM);
	int c = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (connect(c, &a.any, own_len) == -1 && errno == EINPROGRESS) {
		poll_for(c, POLLIN);
		FAILS(read(c, (char[1]){ 0 }, 1), ECONNREFUSED);
	}
}

/* What fails later than connect() returns is told by the next one, and the one after it may succeed; options stay. */
static void test_failed_connect_may_be_tried_again(void)
{
	struct epoll_event want = { .events = EPOLLIN | EPOLLOUT, .data = { .u32 = 7 } }, got;
	union address refused = closed_port(SOCK_STREAM), a;
	int l = listening(&a), c = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), e = epoll_create1(0);

	set_int(c, IPPROTO_TCP, TCP_NODELAY, 1);
	CHECK(epoll_ctl(e, EPOLL_CTL_ADD, c, &want) == 0);
	for (int i = 0; i < 3; i++) {
		if (connect(c, &refused.any, own_len) == -1 && errno == EINPROGRESS) {
			while ((poll_for(c, POLLIN | POLLOUT | POLLRDHUP) | POLLERR) != (POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP))
				; /* the kernel closes a unix socket in several steps */
			CHECK(so_error(c) == ECONNREFUSED);
			CHECK(poll_now(c, POLLIN | POLLOUT | POLLRDHUP) == (POLLIN | POLLOUT | POLLRDHUP | POLLHUP));
			FAILS(connect(c, &a.any, own_len), ECONNABORTED);
			CHECK((poll_now(c, POLLIN | POLLOUT | POLLRDHUP) | POLLHUP) == (POLLOUT | POLLHUP));
		}
		FAILS(send(c, "x", 1, MSG_NOSIGNAL), EPIPE);
	}
	CHECK(connect(c, &a.any, own_len) == 0 || errno == EINPROGRESS);
	CHECK(poll_for(c, POLLIN | POLLOUT) == POLLOUT);
	CHECK(connect(c, &a.any, own_len) == 0);
	FAILS(connect(c, &a.any, own_len), EISCONN);
	CHECK(epoll_wait(e, &got, 1, -1) == 1 && got.events == EPOLLOUT && got.data.u32 == 7);
	CHECK(int_option(c, IPPROTO_TCP, TCP_NODELAY) == 1 && fcntl(c, F_GETFL) & O_NONBLOCK && fcntl(c, F_GETFD) & FD_CLOEXEC);
	CHECK(write(c, "x", 1) == 1);
	expect_bytes(accept(l, NULL, NULL), "x");
}

/* A listener whose queue is full answers no more: fills[0..2] take its places, and what connects now stays in SYN_SENT. */
static int full_listener(union address *a, int fills[3])
{
	int l = bound(SOCK_STREAM, a);

	CHECK(listen(l, 0) == 0);
	for (int i = 0; i < 3; i++) {
		fills[i] = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		CHECK(connect(fills[i], &a->any, own_len) == 0 || errno == EINPROGRESS);
		poll_now(fills[i], POLLOUT);
		usleep(20000);
	}
	return l;
}

static void *shut_down_soon(void *fd)
{
	usleep(150000);
	CHECK(shutdown(*(int *)fd, SHUT_RDWR) == 0);
	return NULL;
}

static void test_shutdown_gives_up_a_connect(void)
{
	union address a, name;
	socklen_t len = sizeof(name);
	int fills[3], l = full_listener(&a, fills), c = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pthread_t thread;

	FAILS(getpeername(fills[2], &name.any, &len), ENOTCONN); /* not yet */
	for (int how = SHUT_RD; how <= SHUT_RDWR; how++) {
		int s = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

		FAILS(connect(s, &a.any, own_len), EINPROGRESS);
		CHECK(poll_now(s, POLLOUT) == 0);
		CHECK(shutdown(s, how) == 0);
		while ((poll_for(s, POLLOUT) & (POLLOUT | POLLHUP)) != (POLLOUT | POLLHUP))
			;
		CHECK(so_error(s) == ECONNRESET);
	}
	CHECK(pthread_create(&thread, NULL, shut_down_soon, &c) == 0);
	FAILS(connect(c, &a.any, own_len), ECONNRESET);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(l >= 0);
}

static void *close_soon(void *fd)
{
	usleep(150000);
	close(*(int *)fd);
	return NULL;
}

static void test_connect_of_a_closed_descriptor_is_no_success(void)
{
	struct timeval tv = { .tv_usec = 400000 };
	int fills[3], l, c = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	union address a;
	pthread_t thread;

	l = full_listener(&a, fills);
	CHECK(setsockopt(c, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) == 0);
	CHECK(pthread_create(&thread, NULL, close_soon, &c) == 0);
	CHECK(connect(c, &a.any, own_len) == -1);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(l >= 0);
}

static void test_addresses_of_another_form_are_refused(void)
{
	union address a, any = loopback(0);
	struct sockaddr_in in4 = { .sin_family = AF_UNSPEC, .sin_addr = { htonl(INADDR_LOOPBACK) }, .sin_port = htons(9) };
	int l = listening(&a), s = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	FAILS(connect(s, &a.any, sizeof(struct sockaddr_storage) + 1), EINVAL);
	FAILS(connect(s, &a.any, (socklen_t)-1), EINVAL);
	FAILS(bind(s, &any.any, sizeof(struct sockaddr_storage) + 1), EINVAL);
	if (family == AF_INET) {
		FAILS(bind(s, (struct sockaddr *)&in4, sizeof(in4)), EAFNOSUPPORT);
	} else {
		in4.sin_family = AF_INET;
		FAILS(bind(s, (struct sockaddr *)&in4, sizeof(in4)), EINVAL);
		FAILS(connect(s, (struct sockaddr *)&in4, sizeof(in4)), EINVAL);
	}
	CHECK(l >= 0);
}

static void test_bytes_may_be_dropped_without_a_buffer(void)
{
	char byte;
	int fds[2];

	make_pair(fds);
	CHECK(write(fds[0], "hello world", 11) == 11);
	CHECK(recv(fds[1], &byte, 1, MSG_PEEK) == 1);
	CHECK(recv(fds[1], NULL, 4, MSG_TRUNC | MSG_WAITALL) == 4);
	expect_bytes(fds[1], "o wor");
	CHECK(recv(fds[1], NULL, INT32_MAX, MSG_TRUNC | MSG_DONTWAIT) == 2);
	FAILS(recv(fds[1], NULL, INT32_MAX, MSG_TRUNC | MSG_DONTWAIT), EAGAIN);
}

static void test_dissolved_connection_may_be_followed_by_another(void)
{
	union address a, name, none = { .any = { .sa_family = AF_UNSPEC } };
	socklen_t len = sizeof(name);
	int l = listening(&a), c = connected(&a), s = accept(l, NULL, NULL);

	CHECK(connect(c, &none.any, own_len) == 0);
	FAILS(read(s, (char[1]){ 0 }, 1), ECONNRESET);
	FAILS(getpeername(c, &name.any, &len), ENOTCONN);
	CHECK(connect(c, &a.any, own_len) == 0);
	s = accept(l, NULL, NULL);
	CHECK(write(c, "again", 5) == 5);
	expect_bytes(s, "again");
	CHECK(connect(socket(family, SOCK_STREAM, 0), &none.any, own_len) == 0); /* a fresh one stays one */
}

static void test_listener_that_was_shut_down_may_listen_again(void)
{
	union address a;
	socklen_t len = sizeof(a);
	int l = listening(&a);

	CHECK(shutdown(l, SHUT_RDWR) == 0);
	FAILS(accept(l, NULL, NULL), EINVAL);
	CHECK(int_option(l, SOL_SOCKET, SO_ACCEPTCONN) == 0);
	CHECK(listen(l, 4) == 0);
	CHECK(getsockname(l, &a.any, &len) == 0 && a.in4.sin_port != 0);
	CHECK(write(connected(&a), "x", 1) == 1);
	expect_bytes(accept(l, NULL, NULL), "x");
}

static void test_queue_sizes_by_ioctl(void)
{
	union address a;
	int fds[2], n = -1, l = listening(&a), c = socket(family, SOCK_STREAM, 0);

	FAILS(ioctl(l, SIOCOUTQ, &n), EINVAL);
	FAILS(ioctl(l, SIOCOUTQNSD, &n), EINVAL);
	FAILS(ioctl(l, FIONREAD, &n), EINVAL);
	CHECK(ioctl(c, SIOCOUTQNSD, &n) == 0 && n == 0);
	CHECK(ioctl(c, SIOCOUTQ, &n) == 0 && n == 0);
	make_pair(fds);
	n = -1;
	CHECK(ioctl(fds[0], SIOCOUTQNSD, &n) == 0 && n == 0);
}

static void test_reset_after_the_end_is_the_end_to_who_reads(void)
{
	int fds[2];

	make_pair(fds);
	CHECK(write(fds[0], "y", 1) == 1);
	expect_bytes(fds[1], "y");
	CHECK(close(fds[1]) == 0);
	poll_for(fds[0], POLLRDHUP);
	CHECK(send(fds[0], "x", 1, MSG_NOSIGNAL) == 1);
	poll_for(fds[0], 0); /* until POLLHUP: it is reset */
	CHECK(read(fds[0], (char[1]){ 0 }, 1) == 0);
	FAILS(send(fds[0], "x", 1, MSG_NOSIGNAL), EPIPE);
}

static void test_fresh_stream(void)
{
	union address a;
	socklen_t len = sizeof(a);
	int c = socket(family, SOCK_STREAM, 0);
	char byte;

	CHECK(poll_now(c, POLLIN | POLLOUT | POLLPRI | POLLRDHUP) == (POLLOUT | POLLHUP));
	FAILS(recv(c, &byte, 1, 0), ENOTCONN);
	FAILS(read(c, &byte, 1), ENOTCONN);
	FAILS(send(c, "x", 1, MSG_NOSIGNAL), EPIPE);
	FAILS(write(c, "x", 1), EPIPE);
	FAILS(shutdown(socket(family, SOCK_STREAM, 0), SHUT_RDWR), ENOTCONN);
	FAILS(accept(c, NULL, NULL), EINVAL);
	FAILS(getpeername(c, &a.any, &len), ENOTCONN);
	CHECK(getsockname(c, &a.any, &len) == 0 && len == own_len && a.any.sa_family == family && a.in4.sin_port == 0);
	CHECK(int_option(c, SOL_SOCKET, SO_TYPE) == SOCK_STREAM && int_option(c, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_TCP);
	CHECK(int_option(c, SOL_SOCKET, SO_DOMAIN) == family && so_error(c) == 0);
	CHECK(poll_now(c, POLLIN | POLLOUT | POLLPRI | POLLRDHUP) == (POLLOUT | POLLHUP)); /* none of that changed it */
	CHECK(listen(c, 1) == 0); /* without bind(2): at a port of the stack's choice */
	CHECK(getsockname(c, &a.any, &len) == 0 && a.in4.sin_port != 0);
	CHECK(poll_now(c, POLLIN | POLLOUT | POLLPRI | POLLRDHUP) == 0);
	FAILS(socket(family, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
}

static void test_connect_twice_is_eisconn(void)
{
	union address a;
	int l = listening(&a), c = connected(&a);

	FAILS(connect(c, &a.any, own_len), EISCONN);
	CHECK(close(l) == 0);
}

static void test_epoll_edge_of_connect_and_data(void)
{
	union address a;
	struct epoll_event want = { .events = EPOLLIN | EPOLLOUT | EPOLLET }, got;
	int l = listening(&a), c = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0), e = epoll_create1(0), s;
	char buf[4];

	CHECK(connect(c, &a.any, own_len) == 0 || errno == EINPROGRESS);
	CHECK(epoll_ctl(e, EPOLL_CTL_ADD, c, &want) == 0);
	CHECK(epoll_wait(e, &got, 1, -1) == 1 && got.events == EPOLLOUT);
	s = accept(l, NULL, NULL);
	CHECK(write(s, "ab", 2) == 2);
	do
		CHECK(epoll_wait(e, &got, 1, -1) == 1);
	while (!(got.events & EPOLLIN));
	CHECK(epoll_wait(e, &got, 1, 50) == 0); /* unread, but no new edge */
	CHECK(write(s, "cd", 2) == 2);
	CHECK(epoll_wait(e, &got, 1, -1) == 1 && got.events & EPOLLIN);
	CHECK(recv(c, buf, 4, MSG_WAITALL) == 4);
	FAILS(read(c, buf, 1), EAGAIN);
}

static void test_epoll_level_repeats_until_read(void)
{
	struct epoll_event want = { .events = EPOLLIN }, got;
	int fds[2], e = epoll_create1(0), outer = epoll_create1(0);

	make_pair(fds);
	CHECK(epoll_ctl(e, EPOLL_CTL_ADD, fds[1], &want) == 0 && epoll_ctl(outer, EPOLL_CTL_ADD, e, &want) == 0);
	CHECK(epoll_wait(e, &got, 1, 0) == 0);
	CHECK(write(fds[0], "x", 1) == 1);
	for (int i = 0; i < 3; i++)
		CHECK(epoll_wait(outer, &got, 1, -1) == 1 && epoll_wait(e, &got, 1, 0) == 1);
	expect_bytes(fds[1], "x");
	CHECK(epoll_wait(e, &got, 1, 0) == 0);
}

static void test_half_close(void)
{
	int fds[2];

	make_pair(fds);
	CHECK(write(fds[0], "bye", 3) == 3);
	CHECK(shutdown(fds[0], SHUT_WR) == 0);
	expect_bytes(fds[1], "bye");
	CHECK(read(fds[1], (char[1]){ 0 }, 1) == 0);
	CHECK(poll_now(fds[1], POLLIN | POLLRDHUP | POLLOUT) == (POLLIN | POLLRDHUP | POLLOUT));
	CHECK(write(fds[1], "still", 5) == 5);
	expect_bytes(fds[0], "still");
	CHECK(close(fds[1]) == 0);
	CHECK(read(fds[0], (char[1]){ 0 }, 1) == 0);
	FAILS(send(fds[0], "x", 1, MSG_NOSIGNAL), EPIPE);
}

static void test_shutdown_for_reading_ends_reads(void)
{
	int fds[2];

	make_pair(fds);
	CHECK(shutdown(fds[0], SHUT_RD) == 0);
	CHECK(read(fds[0], (char[1]){ 0 }, 1) == 0);
	CHECK(write(fds[0], "x", 1) == 1);
	expect_bytes(fds[1], "x");
}

static void reset(int fd)
{
	struct linger hard = { .l_onoff = 1 };

	CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)) == 0);
	CHECK(close(fd) == 0);
}

static void test_reset_is_econnreset(void)
{
	int fds[2];

	make_pair(fds);
	reset(fds[1]);
	CHECK(poll_for(fds[0], POLLIN) & POLLIN);
	FAILS(read(fds[0], (char[1]){ 0 }, 1), ECONNRESET);
	CHECK(read(fds[0], (char[1]){ 0 }, 1) == 0); /* told once */
}

static void test_reset_comes_after_the_data_before_it(void)
{
	int fds[2];

	make_pair(fds);
	CHECK(write(fds[1], "last", 4) == 4);
	expect_bytes(fds[0], "l"); /* it is all there now */
	reset(fds[1]);
	poll_for(fds[0], POLLRDHUP);
	expect_bytes(fds[0], "ast");
	FAILS(recv(fds[0], (char[1]){ 0 }, 1, 0), ECONNRESET);
}

static volatile sig_atomic_t pipe_signals;

/* ---- Urgent data ---- */

static void wait_urgent(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLPRI };

	CHECK(poll(&p, 1, -1) == 1 && p.revents == POLLPRI);
}

static bool at_mark(int fd)
{
	int is = -1;

	CHECK(ioctl(fd, SIOCATMARK, &is) == 0);
	return is;
}

/* What arrives within one call, at most @n bytes. */
static void expect_read(int fd, size_t n, const char *text)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char got[64];

	CHECK(poll(&p, 1, -1) == 1);
	CHECK(recv(fd, got, n, 0) == (ssize_t)strlen(text) && memcmp(got, text, strlen(text)) == 0);
}

static void test_urgent_byte_is_read_apart(void)
{
	int fds[2];
	char c;

	make_pair(fds);
	for (int from = 0; from < 2; from++) {
		int there = fds[from], here = fds[1 - from];

		FAILS(recv(here, &c, 1, MSG_OOB), EINVAL);
		CHECK(send(there, "abc", 3, 0) == 3);
		CHECK(send(there, "de!", 3, MSG_OOB) == 3);
		CHECK(send(there, "fgh", 3, 0) == 3);
		wait_urgent(here);
		CHECK(!at_mark(here));
		CHECK(recv(here, &c, 1, MSG_OOB | MSG_PEEK) == 1 && c == '!');
		expect_bytes(here, "abcde");
		CHECK(at_mark(here));
		CHECK(recv(here, &c, 1, MSG_OOB) == 1 && c == '!');
		FAILS(recv(here, &c, 1, MSG_OOB), EINVAL);
		expect_bytes(here, "fgh");
		CHECK(!at_mark(here));
	}
}

/* Reads stop before the mark, and then go on behind it. */
static void test_urgent_byte_that_nobody_asks_for_is_skipped(void)
{
	int fds[2];
	char c;

	make_pair(fds);
	CHECK(send(fds[0], "ab!", 3, MSG_OOB) == 3);
	CHECK(send(fds[0], "cd", 2, 0) == 2);
	wait_urgent(fds[1]);
	expect_read(fds[1], 64, "ab");
	expect_bytes(fds[1], "cd");
	FAILS(recv(fds[1], &c, 1, MSG_OOB), EINVAL);
}

static void test_later_urgent_byte_takes_the_earlier_ones_place(void)
{
	int fds[2];
	char c;

	make_pair(fds);
	CHECK(send(fds[0], "a!", 2, MSG_OOB) == 2);
	wait_urgent(fds[1]);
	CHECK(recv(fds[1], &c, 1, MSG_PEEK) == 1 && c == 'a');
	CHECK(send(fds[0], "b?", 2, MSG_OOB) == 2);
	do
		CHECK(recv(fds[1], &c, 1, MSG_OOB | MSG_PEEK) == 1);
	while (c != '?');
	expect_read(fds[1], 64, "a!b");
	CHECK(recv(fds[1], &c, 1, MSG_OOB) == 1 && c == '?');
}

static void test_urgent_byte_in_line(void)
{
	union address a;
	int fds[2], listener = listening(&a), value = 0;
	socklen_t len = sizeof(value);
	char c;

	set_int(listener, SOL_SOCKET, SO_OOBINLINE, 1); /* which the accepted one inherits */
	fds[0] = connected(&a);
	fds[1] = accept(listener, NULL, NULL);
	CHECK(fds[1] >= 0);
	CHECK(getsockopt(fds[1], SOL_SOCKET, SO_OOBINLINE, &value, &len) == 0 && value == 1);
	CHECK(send(fds[0], "a!", 2, MSG_OOB) == 2);
	wait_urgent(fds[1]);
	FAILS(recv(fds[1], &c, 1, MSG_OOB), EINVAL);
	expect_read(fds[1], 64, "a");
	CHECK(at_mark(fds[1]));
	expect_read(fds[1], 64, "!");
	set_int(fds[1], SOL_SOCKET, SO_OOBINLINE, 0);
	CHECK(send(fds[0], "b!", 2, MSG_OOB) == 2);
	wait_urgent(fds[1]);
	CHECK(recv(fds[1], &c, 1, MSG_OOB) == 1 && c == '!');
	set_int(fds[0], SOL_SOCKET, SO_OOBINLINE, 1);
	CHECK(send(fds[1], "?", 1, MSG_OOB) == 1);
	wait_urgent(fds[0]);
	expect_read(fds[0], 64, "?");
}

static volatile sig_atomic_t urgent_signals;

static void on_sigurg(int sig)
{
	(void)sig;
	urgent_signals++;
}

static void test_urgent_byte_raises_sigurg_and_exceptfds(void)
{
	struct sigaction action = { .sa_handler = on_sigurg };
	fd_set except;
	int fds[2];

	make_pair(fds);
	sigaction(SIGURG, &action, NULL);
	CHECK(fcntl(fds[1], F_SETOWN, getpid()) == 0);
	CHECK(send(fds[0], "!", 1, MSG_OOB) == 1);
	do {
		FD_ZERO(&except);
		FD_SET(fds[1], &except);
	} while (select(fds[1] + 1, NULL, NULL, &except, NULL) < 0 && errno == EINTR);
	CHECK(FD_ISSET(fds[1], &except));
	CHECK(urgent_signals == 1);
}

/* Among much data each stays at its place. */
static void test_urgent_bytes_among_bulk_keep_their_places(void)
{
	enum { ROUNDS = 50, CHUNK = 9000 };
	static char chunk[CHUNK];
	int fds[2], status;
	pid_t pid;

	make_pair(fds);
	memset(chunk, '.', sizeof(chunk));
	pid = fork();
	if (!pid) {
		for (int i = 0; i < ROUNDS; i++) {
			char c = (char)('a' + i % 26);

			for (size_t sent = 0; sent < CHUNK;)
				sent += (size_t)send(fds[0], chunk + sent, CHUNK - sent, 0);
			if (send(fds[0], &c, 1, MSG_OOB) != 1 || recv(fds[0], &c, 1, 0) != 1)
				_exit(1);
		}
		_exit(0);
	}
	for (int i = 0; i < ROUNDS; i++) {
		size_t got = 0;
		char c;

		while (got < CHUNK) {
			ssize_t n = recv(fds[1], chunk, CHUNK - got, 0);

			CHECK(n > 0);
			got += (size_t)n;
		}
		wait_urgent(fds[1]);
		CHECK(at_mark(fds[1]));
		CHECK(recv(fds[1], &c, 1, MSG_OOB) == 1 && c == (char)('a' + i % 26));
		CHECK(send(fds[1], "k", 1, 0) == 1);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void test_urgent_data_without_a_connection(void)
{
	int fd = socket(family, SOCK_STREAM, 0);
	char c;

	FAILS(recv(fd, &c, 1, MSG_OOB), EINVAL);
	FAILS(send(fd, "x", 1, MSG_OOB | MSG_NOSIGNAL), EPIPE);
	CHECK(listen(fd, 1) == 0);
	FAILS(recv(fd, &c, 1, MSG_OOB), ENOTCONN);
	FAILS(send(fd, "x", 1, MSG_OOB | MSG_NOSIGNAL), EPIPE);
}

static void test_urgent_byte_then_close(void)
{
	int fds[2];
	char c;

	make_pair(fds);
	CHECK(send(fds[0], "a!", 2, MSG_OOB) == 2);
	CHECK(send(fds[0], "", 0, MSG_OOB) == 0);
	CHECK(shutdown(fds[0], SHUT_WR) == 0);
	FAILS(send(fds[0], "x", 1, MSG_OOB | MSG_NOSIGNAL), EPIPE);
	expect_bytes(fds[1], "a");
	CHECK(recv(fds[1], &c, 1, MSG_OOB) == 1 && c == '!');
	CHECK(recv(fds[1], &c, 1, 0) == 0);
}

static void on_sigpipe(int sig)
{
	(void)sig;
	pipe_signals++;
}

static void test_write_after_reset_tells_the_reset_then_raises_sigpipe(void)
{
	struct sigaction sa = { .sa_handler = on_sigpipe };
	int fds[2];

	sigaction(SIGPIPE, &sa, NULL);
	make_pair(fds);
	reset(fds[1]);
	poll_for(fds[0], POLLRDHUP);
	FAILS(write(fds[0], "x", 1), ECONNRESET);
	CHECK(pipe_signals == 0);
	FAILS(write(fds[0], "x", 1), EPIPE);
	CHECK(pipe_signals == 1);
	FAILS(send(fds[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK(pipe_signals == 1);
}

static void test_close_with_unread_bytes_resets(void)
{
	int fds[2];

	make_pair(fds);
	CHECK(write(fds[0], "unread", 6) == 6);
	poll_for(fds[1], POLLIN);
	CHECK(close(fds[1]) == 0);
	poll_for(fds[0], POLLIN);
	FAILS(read(fds[0], (char[1]){ 0 }, 1), ECONNRESET);
}

static void test_peek_waitall_and_fionread(void)
{
	int fds[2], n = -1;
	char buf[8];

	make_pair(fds);
	CHECK(write(fds[0], "abc", 3) == 3);
	poll_for(fds[1], POLLIN);
	CHECK(recv(fds[1], buf, sizeof(buf), MSG_PEEK) == 3 && memcmp(buf, "abc", 3) == 0);
	CHECK(ioctl(fds[1], FIONREAD, &n) == 0 && n == 3);
	CHECK(write(fds[0], "def", 3) == 3);
	CHECK(recv(fds[1], buf, 6, MSG_WAITALL) == 6 && memcmp(buf, "abcdef", 6) == 0);
	CHECK(ioctl(fds[1], FIONREAD, &n) == 0 && n == 0);
	FAILS(recv(fds[1], buf, 1, MSG_DONTWAIT), EAGAIN);
}

static void test_outq_counts_bytes_and_becomes_zero(void)
{
	int fds[2], n = -1;

	make_pair(fds);
	CHECK(write(fds[0], "abc", 3) == 3);
	expect_bytes(fds[1], "abc");
	do /* until acknowledged */
		CHECK(ioctl(fds[0], SIOCOUTQ, &n) == 0 && n <= 3);
	while (n > 0);
}

static void test_recvfrom_tells_no_address_on_a_stream(void)
{
	union address a;
	socklen_t len = sizeof(a);
	int fds[2];
	char buf[2];

	make_pair(fds);
	CHECK(sendto(fds[0], "x", 1, 0, &own.any, own_len) == 1); /* the address means nothing here */
	CHECK(recvfrom(fds[1], buf, sizeof(buf), 0, &a.any, &len) == 1 && len == 0);
}

static void test_scattered_bytes(void)
{
	struct iovec out[2] = { { (char[]){ "ab" }, 2 }, { (char[]){ "cde" }, 3 } };
	char first[1], second[8];
	struct iovec in[2] = { { first, 1 }, { second, 8 } };
	struct msghdr m = { .msg_iov = in, .msg_iovlen = 2 };
	int fds[2];

	make_pair(fds);
	CHECK(writev(fds[0], out, 2) == 5);
	poll_for(fds[1], POLLIN);
	CHECK(recvmsg(fds[1], &m, MSG_PEEK) == 5 && first[0] == 'a' && memcmp(second, "bcde", 4) == 0);
	CHECK(readv(fds[1], in, 2) == 5 && second[3] == 'e');
}

static void fill(uint8_t *p, size_t n, uint32_t at)
{
	for (size_t i = 0; i < n; i++, at++)
		p[i] = (uint8_t)(at * 2654435761u >> 24);
}

static void send_bulk(int fd)
{
	static uint8_t buf[60000];
	size_t n;

	for (uint32_t at = 0; at < BULK_BYTES; at += (uint32_t)n) {
		n = BULK_BYTES - at < sizeof(buf) ? BULK_BYTES - at : sizeof(buf);
		fill(buf, n, at);
		for (size_t sent = 0; sent < n;) {
			ssize_t r = write(fd, buf + sent, n - sent);

			CHECK(r > 0);
			sent += (size_t)r;
		}
	}
	CHECK(shutdown(fd, SHUT_WR) == 0);
}

static void receive_bulk(int fd)
{
	static uint8_t got[70000], want[70000];
	uint32_t at = 0;
	ssize_t n;

	while ((n = read(fd, got, sizeof(got))) > 0) {
		fill(want, (size_t)n, at);
		CHECK(memcmp(got, want, (size_t)n) == 0);
		at += (uint32_t)n;
	}
	CHECK(n == 0 && at == BULK_BYTES);
}

static void exchange_bulk(int fd)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		send_bulk(fd);
		_exit(0);
	}
	receive_bulk(fd);
	expect_child(pid);
}

static void test_bulk_both_ways_at_once(void)
{
	int fds[2];
	pid_t pid;

	make_pair(fds);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		exchange_bulk(fds[1]);
		_exit(0);
	}
	exchange_bulk(fds[0]);
	expect_child(pid);
}

/* ---- Listeners ---- */

static void test_accept_flags_and_eagain(void)
{
	union address a;
	int l = listening(&a), c, s;

	set_nonblocking(l);
	FAILS(accept(l, NULL, NULL), EAGAIN);
	c = connected(&a);
	poll_for(l, POLLIN);
	s = accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	CHECK(s >= 0 && fcntl(s, F_GETFL) & O_NONBLOCK && fcntl(s, F_GETFD) & FD_CLOEXEC);
	FAILS(read(s, (char[1]){ 0 }, 1), EAGAIN);
	CHECK(close(connected(&a)) == 0);
	poll_for(l, POLLIN);
	s = accept(l, NULL, NULL);
	CHECK(s >= 0 && !(fcntl(s, F_GETFL) & O_NONBLOCK) && !(fcntl(s, F_GETFD) & FD_CLOEXEC));
	FAILS(accept4(l, NULL, NULL, 1), EINVAL);
	CHECK(close(c) == 0);
}

static void test_accept_without_descriptors_loses_nothing(void)
{
	struct rlimit old, small;
	union address a;
	int l = listening(&a), c = connected(&a), s;

	poll_for(l, POLLIN);
	CHECK(getrlimit(RLIMIT_NOFILE, &old) == 0);
	small = old;
	small.rlim_cur = (rlim_t)c + 1;
	CHECK(setrlimit(RLIMIT_NOFILE, &small) == 0);
	FAILS(accept(l, NULL, NULL), EMFILE);
	FAILS(accept(l, NULL, NULL), EMFILE);
	CHECK(setrlimit(RLIMIT_NOFILE, &old) == 0);
	s = accept(l, NULL, NULL);
	CHECK(s >= 0 && write(c, "here", 4) == 4);
	expect_bytes(s, "here");
}

enum { RACERS = 6, RACED_CONNECTIONS = 40 };

static const struct timespec moment = { .tv_nsec = 100000 };

static void *accept_and_echo(void *ctx)
{
	const int *listener = ctx;
	char c;

	for (;;) {
		int fd = accept(*listener, NULL, NULL);

		if (fd < 0 && errno == EMFILE) {
			nanosleep(&moment, NULL);
			continue;
		}
		if (fd < 0)
			fail("accept in a race", __LINE__);
		if (recv(fd, &c, 1, 0) == 1)
			send(fd, &c, 1, MSG_NOSIGNAL);
		close(fd);
	}
	return NULL;
}

static void *take_and_give_descriptors(void *ctx)
{
	const int *fd = ctx;

	for (;;) {
		int spare = dup(*fd);

		nanosleep(&moment, NULL);
		if (spare >= 0)
			close(spare);
	}
	return NULL;
}

/* Threads that sleep in accept(2) for the last descriptors: each connection is served by one of them. */
static void test_racing_threads_without_descriptors_lose_nothing(void)
{
	struct rlimit limit;
	union address a;
	int listener = listening(&a), status, highest;
	pthread_t thread;
	pid_t pid = fork();

	if (!pid) {
		for (int i = 0; i < RACED_CONNECTIONS; i += 4) {
			int fds[4];

			for (int k = 0; k < 4; k++) {
				fds[k] = connected(&a);
				if (k % 2)
					CHECK(send(fds[k], "k", 1, 0) == 1);
			}
			for (int k = 0; k < 4; k++) {
				if (k % 2 == 0)
					CHECK(send(fds[k], "k", 1, 0) == 1);
				expect_bytes(fds[k], "k");
				close(fds[k]);
			}
		}
		_exit(0);
	}
	CHECK(accept(-1, NULL, NULL) < 0);
	highest = dup(listener);
	CHECK(highest >= 0 && close(highest) == 0);
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = (rlim_t)highest + 3; /* one of them is for the library's talk with the daemon */
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	for (int i = 0; i < RACERS; i++)
		CHECK(pthread_create(&thread, NULL, i < 2 ? take_and_give_descriptors : accept_and_echo, &listener) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void test_forked_workers_share_a_listener(void)
{
	enum { WORKERS = 3, EACH = 5 };
	union address a;
	int l = listening(&a);
	pid_t pids[WORKERS];

	for (int i = 0; i < WORKERS; i++) {
		pids[i] = fork();
		CHECK(pids[i] >= 0);
		if (!pids[i]) {
			for (int k = 0; k < EACH; k++) {
				int s = accept(l, NULL, NULL);

				CHECK(s >= 0);
				expect_bytes(s, "ping");
				CHECK(write(s, "pong", 4) == 4 && close(s) == 0);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < WORKERS * EACH; i++) {
		int c = connected(&a);

		CHECK(write(c, "ping", 4) == 4);
		expect_bytes(c, "pong");
		CHECK(close(c) == 0);
	}
	for (int i = 0; i < WORKERS; i++)
		expect_child(pids[i]);
}

static void test_shutdown_wakes_who_accepts(void)
{
	union address a;
	int l = listening(&a);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		poll_for(l, POLLIN);
		FAILS(accept(l, NULL, NULL), EINVAL);
		_exit(0);
	}
	usleep(20000);
	CHECK(shutdown(l, SHUT_RDWR) == 0);
	expect_child(pid);
}

static void test_dual_stack_listener_sees_mapped_addresses(void)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 }, from;
	socklen_t len = sizeof(any);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int l = socket(AF_INET6, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), s;

	CHECK(bind(l, (struct sockaddr *)&any, sizeof(any)) == 0 && listen(l, 4) == 0);
	CHECK(getsockname(l, (struct sockaddr *)&any, &len) == 0);
	to.sin_port = any.sin6_port;
	CHECK(connect(c, (struct sockaddr *)&to, sizeof(to)) == 0);
	len = sizeof(from);
	s = accept(l, (struct sockaddr *)&from, &len);
	CHECK(s >= 0 && len == sizeof(from) && from.sin6_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&from.sin6_addr));
}

static void test_many_connections_at_once(void)
{
	enum { COUNT = 200 };
	static int fds[COUNT];
	union address a;
	int l = listening(&a);

	CHECK(listen(l, COUNT) == 0);
	for (int i = 0; i < COUNT; i++)
		fds[i] = connected(&a);
	for (int i = 0; i < COUNT; i++) {
		int s = accept(l, NULL, NULL);

		CHECK(s >= 0 && write(s, "x", 1) == 1 && close(s) == 0);
	}
	for (int i = 0; i < COUNT; i++)
		expect_bytes(fds[i], "x");
}

/* ---- Processes and threads ---- */

static void test_exec_inherits_a_socket_as_stdio(void)
{
	int fds[2];
	pid_t pid;

	make_pair(fds);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		CHECK(dup2(fds[1], 0) == 0 && dup2(fds[1], 1) == 1);
		close(fds[0]);
		close(fds[1]);
		execl("/bin/cat", "cat", (char *)NULL);
		_exit(127);
	}
	CHECK(close(fds[1]) == 0);
	CHECK(write(fds[0], "through cat", 11) == 11 && shutdown(fds[0], SHUT_WR) == 0);
	expect_bytes(fds[0], "through cat");
	CHECK(read(fds[0], (char[1]){ 0 }, 1) == 0);
	expect_child(pid);
}

/* What the program does when exec gave it a listener: no state came along. */
static int serve_one(int l)
{
	char buf[4];
	int s = accept(l, NULL, NULL);

	return s >= 0 && recv(s, buf, 4, MSG_WAITALL) == 4 && write(s, buf, 4) == 4 ? 0 : 1;
}

static void test_exec_inherits_a_listener(void)
{
	char number[16];
	union address a;
	int l = listening(&a), c;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		snprintf(number, sizeof(number), "%d", l);
		execl("/proc/self/exe", "sock_conformance", "--serve", number, (char *)NULL);
		_exit(127);
	}
	c = connected(&a);
	CHECK(write(c, "exec", 4) == 4);
	expect_bytes(c, "exec");
	expect_child(pid);
}

static void send_fd(int over, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	struct iovec iov = { (char[]){ "f" }, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	CHECK(sendmsg(over, &m, 0) == 1);
}

static int receive_fd(int over)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	int fd;

	CHECK(recvmsg(over, &m, 0) == 1 && CMSG_FIRSTHDR(&m));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

static void test_passed_descriptors_keep_working(void)
{
	union address a;
	int fds[2], over[2], u = bound(SOCK_DGRAM, &a);
	pid_t pid;

	make_pair(fds);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, over) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		union address from;
		socklen_t len = sizeof(from);
		int stream, dgram;

		for (int fd = 3; fd < 64; fd++)
			if (fd != over[1])
				close(fd);
		stream = receive_fd(over[1]);
		dgram = receive_fd(over[1]);
		expect_bytes(stream, "to the child");
		CHECK(getpeername(stream, &from.any, &len) == 0);
		len = sizeof(from);
		CHECK(recvfrom(dgram, (char[8]){ 0 }, 8, 0, &from.any, &len) == 2);
		CHECK(sendto(dgram, "back", 4, 0, &from.any, len) == 4);
		_exit(0);
	}
	send_fd(over[0], fds[1]);
	send_fd(over[0], u);
	CHECK(close(fds[1]) == 0 && close(u) == 0);
	CHECK(write(fds[0], "to the child", 12) == 12);
	u = socket(family, SOCK_DGRAM, 0);
	CHECK(sendto(u, "hi", 2, 0, &a.any, own_len) == 2);
	expect_bytes(u, "back");
	expect_child(pid);
}

static void test_fork_then_both_use_the_library(void)
{
	union address a;
	int l = listening(&a);
	pid_t pid = fork();

	CHECK(pid >= 0);
	for (int i = 0; i < 50; i++) {
		int c = connected(&a);

		CHECK(int_option(c, SOL_SOCKET, SO_TYPE) == SOCK_STREAM);
		CHECK(close(accept(l, NULL, NULL)) == 0 && close(c) == 0);
	}
	if (!pid)
		_exit(0);
	expect_child(pid);
}

static void test_vfork_child_leaves_the_parents_sockets_alone(void)
{
	union address a;
	int u = bound(SOCK_DGRAM, &a);
	pid_t pid;

	CHECK(sendto(u, "x", 1, 0, &a.any, own_len) == 1);
	pid = vfork();
	if (!pid) {
		close(u);
		_exit(0);
	}
	expect_child(pid);
	expect_bytes(u, "x");
}

static void test_closing_every_descriptor_does_no_harm(void)
{
	union address a;
	int l = listening(&a), c;

	for (int fd = 3; fd < 1024; fd++)
		if (fd != l)
			close(fd);
	for (int fd = 900; fd < 1024; fd++) /* and others take the numbers */
		CHECK(dup2(0, fd) == fd);
	c = connected(&a);
	CHECK(close(accept(l, NULL, NULL)) == 0 && close(c) == 0);
	for (int fd = 900; fd < 1024; fd++)
		CHECK(fcntl(fd, F_GETFD) >= 0);
}

static union address thread_address;

static void *connect_and_echo(void *ctx)
{
	(void)ctx;
	for (int i = 0; i < 40; i++) {
		int c = connected(&thread_address);

		CHECK(write(c, "ping", 4) == 4);
		expect_bytes(c, "ping");
		CHECK(close(c) == 0);
	}
	return NULL;
}

static void *echo_until_shut(void *ctx)
{
	int l = *(int *)ctx, s;
	char buf[4];

	while ((s = accept(l, NULL, NULL)) >= 0) {
		CHECK(recv(s, buf, 4, MSG_WAITALL) == 4 && write(s, buf, 4) == 4);
		CHECK(close(s) == 0);
	}
	return NULL;
}

static void test_threads(void)
{
	enum { CLIENTS = 8, SERVERS = 2 };
	pthread_t clients[CLIENTS], servers[SERVERS];
	int l = listening(&thread_address);

	CHECK(listen(l, 64) == 0);
	for (int i = 0; i < SERVERS; i++)
		CHECK(pthread_create(&servers[i], NULL, echo_until_shut, &l) == 0);
	for (int i = 0; i < CLIENTS; i++)
		CHECK(pthread_create(&clients[i], NULL, connect_and_echo, NULL) == 0);
	for (int i = 0; i < CLIENTS; i++)
		pthread_join(clients[i], NULL);
	CHECK(shutdown(l, SHUT_RD) == 0);
	for (int i = 0; i < SERVERS; i++)
		pthread_join(servers[i], NULL);
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void test_signals_interrupt_or_not_as_asked(void)
{
	struct itimerval soon = { .it_value = { .tv_usec = 50000 } };
	struct sigaction sa = { .sa_handler = on_alarm };
	union address a;
	int l = listening(&a);
	pid_t pid;

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	FAILS(accept(l, NULL, NULL), EINTR);
	sa.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		usleep(150000);
		connected(&a);
		_exit(0);
	}
	CHECK(accept(l, NULL, NULL) >= 0);
	expect_child(pid);
}

static volatile int handler_fd = -1;

static void on_signal_use_sockets(int sig)
{
	int saved_errno = errno;

	(void)sig;
	if (int_option(handler_fd, SOL_SOCKET, SO_TYPE) != SOCK_STREAM)
		_exit(2);
	errno = saved_errno;
}

static void test_signal_handlers_may_use_sockets(void)
{
	struct sigaction sa = { .sa_handler = on_signal_use_sockets, .sa_flags = SA_RESTART };
	struct itimerval often = { .it_value = { .tv_usec = 500 }, .it_interval = { .tv_usec = 500 } }, never = { 0 };
	union address a;
	int l = listening(&a);

	handler_fd = l;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 200; i++) {
		int c = connected(&a);

		CHECK(close(accept(l, NULL, NULL)) == 0 && close(c) == 0);
	}
	setitimer(ITIMER_REAL, &never, NULL);
}

static void test_receive_timeout(void)
{
	union address a;
	int fds[2], l = listening(&a), u = bound(SOCK_DGRAM, &a);

	make_pair(fds);
	set_timeout(fds[0], SO_RCVTIMEO);
	FAILS(recv(fds[0], (char[1]){ 0 }, 1, 0), EAGAIN);
	set_timeout(l, SO_RCVTIMEO);
	FAILS(accept(l, NULL, NULL), EAGAIN);
	set_timeout(u, SO_RCVTIMEO);
	FAILS(recv(u, (char[1]){ 0 }, 1, 0), EAGAIN);
}

/* ---- Errors and options ---- */

static void test_calls_out_of_place(void)
{
	union address a, b;
	socklen_t len = sizeof(a);
	int fresh = socket(family, SOCK_STREAM, 0), l = listening(&a), fds[2];
	struct sockaddr_in6 other = { .sin6_family = (sa_family_t)(family == AF_INET ? AF_INET6 : AF_UNIX) };

	FAILS(getpeername(fresh, &b.any, &len), ENOTCONN);
	FAILS(recv(fresh, (char[1]){ 0 }, 1, 0), ENOTCONN);
	FAILS(read(fresh, (char[1]){ 0 }, 1), ENOTCONN);
	FAILS(send(fresh, "x", 1, MSG_NOSIGNAL), EPIPE);
	FAILS(shutdown(fresh, SHUT_WR), ENOTCONN);
	FAILS(shutdown(fresh, 7), EINVAL);
	FAILS(accept(fresh, NULL, NULL), EINVAL);
	FAILS(recv(l, (char[1]){ 0 }, 1, 0), ENOTCONN);
	FAILS(bind(l, &a.any, own_len), EINVAL);
	FAILS(bind(fresh, &a.any, own_len), EADDRINUSE);
	FAILS(bind(fresh, &a.any, 4), EINVAL);
	FAILS(connect(fresh, (struct sockaddr *)&other, sizeof(other)), EAFNOSUPPORT);
	make_pair(fds);
	FAILS(accept(fds[0], NULL, NULL), EINVAL);
	FAILS(listen(fds[0], 1), EINVAL);
	FAILS(listen(socket(family, SOCK_DGRAM, 0), 1), EOPNOTSUPP);
	FAILS(socket(family, 77, 0), EINVAL);
	FAILS(socket(family, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
	FAILS(close(-1), EBADF);
	FAILS(connect(-1, &a.any, own_len), EBADF);
	FAILS(listen(0, 1), ENOTSOCK);
}

static void test_options(void)
{
	union address a;
	struct tcp_info info;
	socklen_t len = sizeof(info);
	int l = listening(&a), u = socket(family, SOCK_DGRAM, 0), fds[2];

	make_pair(fds);
	CHECK(int_option(l, SOL_SOCKET, SO_TYPE) == SOCK_STREAM && int_option(u, SOL_SOCKET, SO_TYPE) == SOCK_DGRAM);
	CHECK(int_option(l, SOL_SOCKET, SO_DOMAIN) == family && int_option(u, SOL_SOCKET, SO_DOMAIN) == family);
	CHECK(int_option(l, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_TCP && int_option(u, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_UDP);
	CHECK(int_option(l, SOL_SOCKET, SO_ACCEPTCONN) == 1 && int_option(fds[0], SOL_SOCKET, SO_ACCEPTCONN) == 0);
	set_int(fds[0], IPPROTO_TCP, TCP_NODELAY, 1);
	CHECK(int_option(fds[0], IPPROTO_TCP, TCP_NODELAY) == 1 && int_option(fds[1], IPPROTO_TCP, TCP_NODELAY) == 0);
	set_int(fds[0], SOL_SOCKET, SO_KEEPALIVE, 1);
	CHECK(int_option(fds[0], SOL_SOCKET, SO_KEEPALIVE) == 1);
	CHECK(getsockopt(fds[0], IPPROTO_TCP, TCP_INFO, &info, &len) == 0 && len >= 100);
	CHECK(info.tcpi_state == TCP_ESTABLISHED);
	FAILS(setsockopt(fds[0], IPPROTO_TCP, 9999, &(int){ 1 }, sizeof(int)), ENOPROTOOPT);
	len = sizeof(info);
	FAILS(getsockopt(fds[0], IPPROTO_TCP, 9999, &info, &len), ENOPROTOOPT);
	CHECK(int_option(fds[0], SOL_SOCKET, SO_ERROR) == 0);
}

static void test_other_descriptors_go_to_the_kernel(void)
{
	int pair[2], ends[2], n;
	char buf[4];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && pipe(ends) == 0);
	CHECK(write(ends[1], "ab", 2) == 2 && read(ends[0], buf, 4) == 2);
	CHECK(close(ends[1]) == 0 && read(ends[0], buf, 4) == 0);
	CHECK(send(pair[0], "ab", 2, 0) == 2 && recv(pair[1], buf, 4, 0) == 2);
	CHECK(int_option(pair[0], SOL_SOCKET, SO_DOMAIN) == AF_UNIX);
	CHECK(ioctl(pair[1], FIONREAD, &n) == 0 && n == 0);
	CHECK(close(pair[0]) == 0 && recv(pair[1], buf, 4, 0) == 0);
	FAILS(send(pair[1], "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK(socket(AF_UNIX, SOCK_DGRAM, 0) >= 0);
	FAILS(recv(0, buf, 1, 0), ENOTSOCK);
}

static void test_literal_addresses_resolve(void)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST }, *r;
	char host[64], service[16];

	CHECK(getaddrinfo(family == AF_INET ? "192.0.2.7" : "2001:db8::7", "80", &hints, &r) == 0);
	CHECK(r->ai_family == family && r->ai_addrlen == own_len && !r->ai_next && r->ai_protocol == IPPROTO_TCP);
	CHECK(getnameinfo(r->ai_addr, r->ai_addrlen, host, sizeof(host), service, sizeof(service),
			  NI_NUMERICHOST | NI_NUMERICSERV) == 0);
	CHECK(strcmp(host, family == AF_INET ? "192.0.2.7" : "2001:db8::7") == 0 && strcmp(service, "80") == 0);
	freeaddrinfo(r);
}

/* ---- Datagrams ---- */

static void test_datagrams_know_their_sender(void)
{
	union address a, b, from;
	socklen_t len = sizeof(from);
	int ua = bound(SOCK_DGRAM, &a), ub = bound(SOCK_DGRAM, &b);
	char buf[16];

	CHECK(sendto(ua, "hello", 5, 0, &b.any, own_len) == 5);
	CHECK(poll_for(ub, POLLIN) == POLLIN);
	CHECK(recvfrom(ub, buf, sizeof(buf), 0, &from.any, &len) == 5 && memcmp(buf, "hello", 5) == 0);
	CHECK(len == own_len && is_same(&from, &a));
	CHECK(sendto(ub, "back", 4, 0, &from.any, len) == 4);
	CHECK(read(ua, buf, sizeof(buf)) == 4 && memcmp(buf, "back", 4) == 0);
	FAILS(recv(ua, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
	FAILS(send(ua, "x", 1, 0), EDESTADDRREQ);
	FAILS(getpeername(ua, &from.any, &len), ENOTCONN);
}

static void test_connected_datagrams_work_unhooked(void)
{
	union address a, b, c, from;
	socklen_t len = sizeof(from);
	int ua = bound(SOCK_DGRAM, &a), ub = bound(SOCK_DGRAM, &b), uc = bound(SOCK_DGRAM, &c);
	char buf[16];

	CHECK(connect(ua, &b.any, own_len) == 0 && connect(ub, &a.any, own_len) == 0);
	CHECK(getpeername(ua, &from.any, &len) == 0 && is_same(&from, &b));
	CHECK(syscall(SYS_write, ua, "raw", 3) == 3 && syscall(SYS_read, ub, buf, sizeof(buf)) == 3 && !memcmp(buf, "raw", 3));
	CHECK(write(ua, "lib", 3) == 3);
	len = sizeof(from);
	CHECK(recvfrom(ub, buf, sizeof(buf), 0, &from.any, &len) == 3 && !memcmp(buf, "lib", 3) && is_same(&from, &a));
	CHECK(sendto(uc, "stranger", 8, 0, &a.any, own_len) == 8); /* not from the peer: not delivered */
	CHECK(write(ub, "friend", 6) == 6);
	CHECK(read(ua, buf, sizeof(buf)) == 6 && !memcmp(buf, "friend", 6));
	CHECK(sendto(ua, "elsewhere", 9, 0, &c.any, own_len) == 9);
	CHECK(read(uc, buf, sizeof(buf)) == 9);
	/* Dissolved, it hears everybody again. */
	from = (union address){ .any.sa_family = AF_UNSPEC };
	CHECK(connect(ua, &from.any, sizeof(from.any)) == 0);
	FAILS(send(ua, "x", 1, 0), EDESTADDRREQ);
}

static void test_datagrams_are_truncated_as_asked(void)
{
	union address a;
	struct iovec iov = { .iov_len = 4 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int u = bound(SOCK_DGRAM, &a), n = -1;
	char buf[16] = "";

	iov.iov_base = buf;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 4; i++)
			CHECK(sendto(u, "0123456789", 10, 0, &a.any, own_len) == 10);
		poll_for(u, POLLIN);
		CHECK(ioctl(u, FIONREAD, &n) == 0 && n == 10);
		CHECK(recv(u, buf, 4, MSG_PEEK) == 4 && recv(u, buf, 4, MSG_PEEK | MSG_TRUNC) == 10);
		memset(buf, '-', sizeof(buf));
		CHECK(recv(u, buf, 4, 0) == 4 && memcmp(buf, "0123-", 5) == 0);
		CHECK(recv(u, buf, 4, MSG_TRUNC) == 10);
		CHECK(recvmsg(u, &m, 0) == 4 && m.msg_flags == MSG_TRUNC);
		iov.iov_len = sizeof(buf);
		CHECK(recvmsg(u, &m, 0) == 10 && m.msg_flags == 0);
		iov.iov_len = 4;
		CHECK(connect(u, &a.any, own_len) == 0); /* and the same with bare ones, to itself */
	}
}

static void test_empty_datagrams(void)
{
	union address a, b, from;
	socklen_t len = sizeof(from);
	int ua = bound(SOCK_DGRAM, &a), ub = bound(SOCK_DGRAM, &b);
	char buf[4];

	CHECK(sendto(ua, NULL, 0, 0, &b.any, own_len) == 0);
	CHECK(recvfrom(ub, buf, sizeof(buf), 0, &from.any, &len) == 0 && is_same(&from, &a));
	CHECK(connect(ua, &b.any, own_len) == 0 && connect(ub, &a.any, own_len) == 0);
	CHECK(send(ua, NULL, 0, 0) == 0 && send(ua, "x", 1, 0) == 1);
	CHECK(recv(ub, buf, sizeof(buf), 0) == 0 && recv(ub, buf, sizeof(buf), 0) == 1);
}

static void test_largest_datagrams(void)
{
	static uint8_t out[65600], in[65600];
	size_t max = family == AF_INET ? 65507 : 65527;
	union address a, b;
	int ua = bound(SOCK_DGRAM, &a), ub = bound(SOCK_DGRAM, &b);

	fill(out, sizeof(out), 7);
	for (int round = 0; round < 2; round++) {
		CHECK(sendto(ua, out, max, 0, &b.any, own_len) == (ssize_t)max);
		CHECK(recv(ub, in, sizeof(in), 0) == (ssize_t)max && memcmp(in, out, max) == 0);
		FAILS(sendto(ua, out, max + 1, 0, &b.any, own_len), EMSGSIZE);
		CHECK(connect(ub, &a.any, own_len) == 0);
	}
}

static void test_refused_datagram_is_told_once(void)
{
	union address a = closed_port(SOCK_DGRAM);
	int u = socket(family, SOCK_DGRAM, 0);

	CHECK(connect(u, &a.any, own_len) == 0 && send(u, "x", 1, 0) == 1);
	poll_for(u, POLLIN);
	FAILS(recv(u, (char[1]){ 0 }, 1, 0), ECONNREFUSED);
	FAILS(recv(u, (char[1]){ 0 }, 1, MSG_DONTWAIT), EAGAIN);
}

static void test_batches(void)
{
	enum { COUNT = 50 };
	static char out[COUNT][8], in[COUNT][8];
	static struct mmsghdr m[COUNT];
	static struct iovec iov[COUNT];
	static union address from[COUNT];
	union address a, b;
	int ua = bound(SOCK_DGRAM, &a), ub = bound(SOCK_DGRAM, &b), got = 0, n;

	for (int i = 0; i < COUNT; i++) {
		snprintf(out[i], sizeof(out[i]), "%d", i);
		iov[i] = (struct iovec){ out[i], strlen(out[i]) };
		m[i].msg_hdr = (struct msghdr){
			.msg_iov = &iov[i], .msg_iovlen = 1, .msg_name = &b, .msg_namelen = own_len
		};
	}
	for (int sent = 0; sent < COUNT; sent += n) {
		n = sendmmsg(ua, m + sent, (unsigned)(COUNT - sent), 0);
		CHECK(n > 0 && m[sent].msg_len == strlen(out[sent]));
	}
	while (got < COUNT) {
		for (int i = got; i < COUNT; i++) {
			iov[i] = (struct iovec){ in[i], sizeof(in[i]) };
			m[i].msg_hdr = (struct msghdr){
				.msg_iov = &iov[i], .msg_iovlen = 1, .msg_name = &from[i], .msg_namelen = sizeof(from[i])
			};
		}
		n = recvmmsg(ub, m + got, (unsigned)(COUNT - got), MSG_WAITFORONE, NULL);
		CHECK(n > 0);
		got += n;
	}
	for (int i = 0; i < COUNT; i++)
		CHECK(strcmp(in[i], out[i]) == 0 && m[i].msg_len == strlen(out[i]) && is_same(&from[i], &a));
	FAILS(recvmmsg(ub, m, 1, MSG_DONTWAIT, NULL), EAGAIN);
}

static const struct cmsghdr *find_cmsg(struct msghdr *m, int level, int type)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == level && c->cmsg_type == type)
			return c;
	return NULL;
}

static void test_ancillary_data(void)
{
	bool v4 = family == AF_INET;
	int level = v4 ? IPPROTO_IP : IPPROTO_IPV6, ttl = 77, tos;
	union {
		struct cmsghdr align;
		char bytes[512];
	} control = { .bytes = { 0 } };
	char buf[8];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control };
	struct cmsghdr *c;
	const struct cmsghdr *found;
	union address a;
	int u = bound(SOCK_DGRAM, &a);

	set_int(u, level, v4 ? IP_PKTINFO : IPV6_RECVPKTINFO, 1);
	set_int(u, level, v4 ? IP_RECVTTL : IPV6_RECVHOPLIMIT, 1);
	set_int(u, level, v4 ? IP_RECVTOS : IPV6_RECVTCLASS, 1);
	set_int(u, SOL_SOCKET, SO_TIMESTAMP, 1);
	/* Out with a TTL of its own ... */
	iov.iov_len = 1;
	m.msg_name = &a;
	m.msg_namelen = own_len;
	m.msg_controllen = CMSG_SPACE(sizeof(int));
	c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = level;
	c->cmsg_type = v4 ? IP_TTL : IPV6_HOPLIMIT;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &ttl, sizeof(ttl));
	set_int(u, level, v4 ? IP_TOS : IPV6_TCLASS, 0x28);
	CHECK(sendmsg(u, &m, 0) == 1);
	/* ... and in with everything. */
	iov.iov_len = sizeof(buf);
	m.msg_controllen = sizeof(control);
	CHECK(recvmsg(u, &m, 0) == 1 && m.msg_flags == 0);
	found = find_cmsg(&m, level, v4 ? IP_TTL : IPV6_HOPLIMIT);
	CHECK(found && memcmp(CMSG_DATA(found), &ttl, sizeof(ttl)) == 0);
	found = find_cmsg(&m, level, v4 ? IP_TOS : IPV6_TCLASS);
	tos = 0;
	if (found)
		memcpy(&tos, CMSG_DATA(found), v4 ? 1 : sizeof(tos));
	CHECK(tos == 0x28);
	found = find_cmsg(&m, level, v4 ? IP_PKTINFO : IPV6_PKTINFO);
	CHECK(found && memcmp((const char *)CMSG_DATA(found) + (v4 ? 8 : 0), v4 ? (void *)&a.in4.sin_addr : (void *)&a.in6.sin6_addr,
			      v4 ? 4 : 16) == 0);
	CHECK(find_cmsg(&m, SOL_SOCKET, SO_TIMESTAMP));
	/* No room: said so. */
	CHECK(sendto(u, "x", 1, 0, &a.any, own_len) == 1);
	m.msg_controllen = 0;
	CHECK(recvmsg(u, &m, 0) == 1 && m.msg_flags == MSG_CTRUNC);
}

static void test_segments_are_cut_as_asked(void)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(uint16_t))];
	} control = { .bytes = { 0 } };
	char buf[16];
	struct iovec iov = { (char[]){ "0123456789" }, 10 };
	union address a, b;
	int ua = bound(SOCK_DGRAM, &a), ub = bound(SOCK_DGRAM, &b);
	struct msghdr m = { .msg_name = &b, .msg_namelen = own_len, .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	uint16_t size = 4;

	c->cmsg_level = IPPROTO_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(size));
	memcpy(CMSG_DATA(c), &size, sizeof(size));
	CHECK(sendmsg(ua, &m, 0) == 10);
	CHECK(recv(ub, buf, sizeof(buf), 0) == 4 && !memcmp(buf, "0123", 4));
	CHECK(recv(ub, buf, sizeof(buf), 0) == 4 && recv(ub, buf, sizeof(buf), 0) == 2);
}

static void test_segments_are_cut_from_each_of_many(void)
{
	union address a, b;
	int ua = bound(SOCK_DGRAM, &a), ub = bound(SOCK_DGRAM, &b), size = 4;
	char buf[16];

	CHECK(setsockopt(ua, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)) == 0);
	for (int i = 0; i < 8; i++)
		CHECK(sendto(ua, "0123456789", 10, 0, &b.any, own_len) == 10);
	for (int i = 0; i < 8; i++)
		CHECK(recv(ub, buf, sizeof(buf), 0) == 4 && recv(ub, buf, sizeof(buf), 0) == 4 && recv(ub, buf, sizeof(buf), 0) == 2);
}

static void test_many_in_a_row_keep_their_bounds(void)
{
	static const int lens[] = { 3, 3, 3, 2, 3, 1, 1, 5, 5, 4, 4, 4 };
	union address a, b;
	int ua = bound(SOCK_DGRAM, &a), ub = bound(SOCK_DGRAM, &b);
	char buf[16];

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
		CHECK(sendto(ua, "abcdefghijkl" + i % 7, (size_t)lens[i], 0, &b.any, own_len) == lens[i]);
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
		CHECK(recv(ub, buf, sizeof(buf), 0) == lens[i] && !memcmp(buf, "abcdefghijkl" + i % 7, (size_t)lens[i]));
}

static void test_duplicates_of_a_datagram_socket(void)
{
	union address a;
	int u = bound(SOCK_DGRAM, &a), d = dup(u), f = fcntl(u, F_DUPFD, 20);
	char buf[4];

	CHECK(close(u) == 0);
	CHECK(sendto(d, "one", 3, 0, &a.any, own_len) == 3 && read(f, buf, sizeof(buf)) == 3);
	CHECK(dup2(f, 50) == 50 && close(f) == 0 && close(d) == 0);
	CHECK(sendto(50, "two", 3, 0, &a.any, own_len) == 3 && read(50, buf, sizeof(buf)) == 3 && buf[0] == 't');
	CHECK(dup2(0, 50) == 50); /* and something else takes the number */
	FAILS(recv(50, buf, sizeof(buf), 0), ENOTSOCK);
}

static void test_thousands_of_small_datagrams_do_not_stall(void)
{
	union address a;
	int u = bound(SOCK_DGRAM, &a), got = 0;
	char buf[8];

	for (int i = 0; i < 5000; i++) {
		CHECK(sendto(u, "x", 1, 0, &a.any, own_len) == 1);
		while (recv(u, buf, sizeof(buf), MSG_DONTWAIT) == 1)
			got++;
	}
	CHECK(sendto(u, "end", 3, 0, &a.any, own_len) == 3);
	while (recv(u, buf, sizeof(buf), 0) != 3)
		got++;
	CHECK(got > 2500); /* the rest was dropped where a queue was full, as the kernel would */
}

/* ---- With a peer ---- */

static void test_peer_echoes(void)
{
	int c = connected(&peer);

	CHECK(write(c, "over the wire", 13) == 13);
	expect_bytes(c, "over the wire");
	exchange_bulk(c);
}

static void test_peer_refuses(void)
{
	union address a = peer;
	int c = socket(family, SOCK_STREAM, 0);

	a.in4.sin_port = htons((uint16_t)(ntohs(a.in4.sin_port) + 1));
	FAILS(connect(c, &a.any, own_len), ECONNREFUSED);
}

/* ---- The daemon dies ---- */

static void blocked_read(void)
{
	int fds[2];

	make_pair(fds);
	CHECK(recv(fds[0], (char[1]){ 0 }, 1, 0) == -1);
}

static void blocked_write(void)
{
	static char buf[65536];
	int fds[2];

	make_pair(fds);
	while (send(fds[0], buf, sizeof(buf), MSG_NOSIGNAL) > 0)
		;
}

static void blocked_accept(void)
{
	union address a;

	CHECK(accept(listening(&a), NULL, NULL) == -1);
}

static void blocked_datagram(void)
{
	union address a;

	CHECK(recv(bound(SOCK_DGRAM, &a), (char[1]){ 0 }, 1, 0) == -1);
}

static void blocked_poll(void)
{
	union address a;

	poll_for(bound(SOCK_DGRAM, &a), POLLIN);
	errno = ENETDOWN;
}

static void test_killed_daemon_fails_every_call(void)
{
	static void (*const blocked[])(void) = { blocked_read, blocked_write, blocked_accept, blocked_datagram, blocked_poll };
	enum { COUNT = sizeof(blocked) / sizeof(blocked[0]) };
	union address a;
	socklen_t len = sizeof(a);
	int fds[2], l = listening(&a), u = bound(SOCK_DGRAM, &a);
	pid_t pids[COUNT];

	make_pair(fds);
	for (int i = 0; i < COUNT; i++) {
		pids[i] = fork();
		CHECK(pids[i] >= 0);
		if (!pids[i]) {
			blocked[i]();
			_exit(errno == ECONNRESET || errno == ENETDOWN || errno == EPIPE ? 0 : 1);
		}
	}
	usleep(300000);
	CHECK(kill(daemon_pid, SIGKILL) == 0);
	for (int i = 0; i < COUNT; i++)
		expect_child(pids[i]);
	FAILS(recv(fds[0], (char[1]){ 0 }, 1, 0), ECONNRESET);
	FAILS(accept(l, NULL, NULL), ENETDOWN);
	FAILS(recv(u, (char[1]){ 0 }, 1, 0), ENETDOWN);
	FAILS(sendto(u, "x", 1, 0, &a.any, own_len), ENETDOWN);
	FAILS(getsockname(l, &a.any, &len), ENETDOWN);
	FAILS(socket(family, SOCK_STREAM, 0), ENETDOWN);
}

/* ---- Running them ---- */

#define TEST(name) { #name, test_##name }

static const struct test tests[] = {
	TEST(connect_and_echo),
	TEST(names_of_both_ends_agree),
	TEST(nonblocking_connect_polls_writable),
	TEST(refused_connect_fails_at_once),
	TEST(refused_nonblocking_connect_tells_its_error_once),
	TEST(refused_nonblocking_connect_fails_read),
	TEST(failed_connect_may_be_tried_again),
	TEST(shutdown_gives_up_a_connect),
	TEST(connect_of_a_closed_descriptor_is_no_success),
	TEST(addresses_of_another_form_are_refused),
	TEST(bytes_may_be_dropped_without_a_buffer),
	TEST(dissolved_connection_may_be_followed_by_another),
	TEST(listener_that_was_shut_down_may_listen_again),
	TEST(fresh_stream),
	TEST(queue_sizes_by_ioctl),
	TEST(reset_after_the_end_is_the_end_to_who_reads),
	TEST(connect_twice_is_eisconn),
	TEST(epoll_edge_of_connect_and_data),
	TEST(epoll_level_repeats_until_read),
	TEST(half_close),
	TEST(shutdown_for_reading_ends_reads),
	TEST(reset_is_econnreset),
	TEST(reset_comes_after_the_data_before_it),
	TEST(write_after_reset_tells_the_reset_then_raises_sigpipe),
	TEST(close_with_unread_bytes_resets),
	TEST(peek_waitall_and_fionread),
	TEST(outq_counts_bytes_and_becomes_zero),
	TEST(recvfrom_tells_no_address_on_a_stream),
	TEST(scattered_bytes),
	TEST(bulk_both_ways_at_once),
	TEST(accept_flags_and_eagain),
	TEST(accept_without_descriptors_loses_nothing),
	TEST(racing_threads_without_descriptors_lose_nothing),
	TEST(forked_workers_share_a_listener),
	TEST(shutdown_wakes_who_accepts),
	TEST(dual_stack_listener_sees_mapped_addresses),
	TEST(many_connections_at_once),
	TEST(urgent_byte_is_read_apart),
	TEST(urgent_byte_that_nobody_asks_for_is_skipped),
	TEST(later_urgent_byte_takes_the_earlier_ones_place),
	TEST(urgent_byte_in_line),
	TEST(urgent_byte_raises_sigurg_and_exceptfds),
	TEST(urgent_bytes_among_bulk_keep_their_places),
	TEST(urgent_data_without_a_connection),
	TEST(urgent_byte_then_close),
	TEST(exec_inherits_a_socket_as_stdio),
	TEST(exec_inherits_a_listener),
	TEST(passed_descriptors_keep_working),
	TEST(fork_then_both_use_the_library),
	TEST(vfork_child_leaves_the_parents_sockets_alone),
	TEST(closing_every_descriptor_does_no_harm),
	TEST(threads),
	TEST(signals_interrupt_or_not_as_asked),
	TEST(signal_handlers_may_use_sockets),
	TEST(receive_timeout),
	TEST(calls_out_of_place),
	TEST(options),
	TEST(other_descriptors_go_to_the_kernel),
	TEST(literal_addresses_resolve),
	TEST(datagrams_know_their_sender),
	TEST(connected_datagrams_work_unhooked),
	TEST(datagrams_are_truncated_as_asked),
	TEST(empty_datagrams),
	TEST(largest_datagrams),
	TEST(refused_datagram_is_told_once),
	TEST(batches),
	TEST(ancillary_data),
	TEST(segments_are_cut_as_asked),
	TEST(segments_are_cut_from_each_of_many),
	TEST(many_in_a_row_keep_their_bounds),
	TEST(duplicates_of_a_datagram_socket),
	TEST(thousands_of_small_datagrams_do_not_stall),
};
static const struct test peer_tests[] = { TEST(peer_echoes), TEST(peer_refuses) };
static const struct test last_test = TEST(killed_daemon_fails_every_call);

static int passed, failed;
static const char *only, *skipped; /* a word in the name; names with commas between them */

static void run(const struct test *t)
{
	struct timespec tick = { .tv_nsec = 10000000 };
	int status = 0, ticks = 0;
	pid_t pid, done;

	if ((only && !strstr(t->name, only)) || (skipped && strstr(skipped, t->name)))
		return;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		signal(SIGPIPE, SIG_IGN);
		setpgid(0, 0);
		t->run();
		fflush(stdout);
		_exit(0);
	}
	while ((done = waitpid(pid, &status, WNOHANG)) == 0 && ticks++ < TEST_SECONDS_MAX * 100)
		nanosleep(&tick, NULL);
	kill(-pid, SIGKILL); /* it and its children: a group of its own */
	if (done == 0)
		waitpid(pid, &status, 0);
	if (done == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		passed++;
		printf("ok   %s\n", t->name);
		return;
	}
	failed++;
	if (done == 0)
		printf("FAIL %s: hangs\n", t->name);
	else if (WIFSIGNALED(status))
		printf("FAIL %s: %s\n", t->name, strsignal(WTERMSIG(status)));
	else
		printf("FAIL %s\n", t->name);
}

static bool parse_address(const char *text, const char *port, union address *a)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM }, *r;

	if (getaddrinfo(text, port, &hints, &r) != 0)
		return false;
	memcpy(a, r->ai_addr, r->ai_addrlen);
	own_len = r->ai_addrlen;
	freeaddrinfo(r);
	return true;
}

static int usage(void)
{
	fputs("Usage: sock_conformance [--only WORD] [--skip NAMES] [--kill PID] ADDRESS [PEER PORT]\n", stderr);
	return 64;
}

int main(int argc, char **argv)
{
	int at = 1;

	for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2) {
		if (strcmp(argv[at], "--serve") == 0)
			return serve_one(atoi(argv[at + 1]));
		if (strcmp(argv[at], "--kill") == 0)
			daemon_pid = atoi(argv[at + 1]);
		else if (strcmp(argv[at], "--only") == 0)
			only = argv[at + 1];
		else if (strcmp(argv[at], "--skip") == 0)
			skipped = argv[at + 1];
		else
			return usage();
	}
	if ((argc - at != 1 && argc - at != 3) || !parse_address(argv[at], "0", &own))
		return usage();
	family = own.any.sa_family;
	has_peer = argc - at == 3;
	if (has_peer && (!parse_address(argv[at + 1], argv[at + 2], &peer) || peer.any.sa_family != family))
		return usage();
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		run(&tests[i]);
	for (size_t i = 0; has_peer && i < sizeof(peer_tests) / sizeof(peer_tests[0]); i++)
		run(&peer_tests[i]);
	if (daemon_pid)
		run(&last_test);
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}
