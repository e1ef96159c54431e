/* SPDX-License-Identifier: BSD-2-Clause */
/* stream_conformance.c - the ends of streams and what stands at their edges: resets, closing, connecting, marks and time-outs.
 *
 *	stream_conformance [--skip TEST,...] ADDRESS        ADDRESS: of the stack; its family is the one that is tried, on the stack's loopback
 *
 * The same binary runs on the kernel, where all of it holds (Linux 6.x), and under `tapir run`. Each test is a process of its own, with a
 * limit after which it counts as hung. Prints one line a test and `N passed, N failed`. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "conformance.h"

static int family;
static socklen_t addr_len;

/* ---- Building blocks ---- */

static int stream(int flags)
{
	int fd = socket(family, SOCK_STREAM | flags, 0);

	CHECK(fd >= 0);
	return fd;
}

static int bound(union address *a)
{
	socklen_t len = sizeof(*a);
	int fd = stream(0);

	*a = conformance_loopback(family);
	CHECK(bind(fd, &a->any, addr_len) == 0 && getsockname(fd, &a->any, &len) == 0);
	return fd;
}

static int listening(union address *a, int backlog)
{
	int fd = bound(a);

	CHECK(listen(fd, backlog) == 0);
	return fd;
}

static int reach(const union address *a)
{
	int fd = stream(0);

	CHECK(connect(fd, &a->any, addr_len) == 0);
	return fd;
}

/* Both ends of a connection: [0] connected, [1] accepted it. */
static void make_pair(int fds[2])
{
	union address a;
	int l = listening(&a, 4);

	fds[0] = reach(&a);
	fds[1] = accept(l, NULL, NULL);
	CHECK(fds[1] >= 0 && close(l) == 0);
}

static void wait_for(int fd, short bits)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP };

	while (poll(&p, 1, 0) >= 0 && (p.revents & bits) != bits)
		usleep(1000);
}

static void reset(int fd)
{
	struct linger linger = { .l_onoff = 1 };

	CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0 && close(fd) == 0);
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

static int tcp_state(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	CHECK(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0);
	return info.tcpi_state;
}

static void expect_bytes(int fd, const char *text)
{
	char buf[64];
	size_t n = strlen(text);

	CHECK(recv(fd, buf, n, MSG_WAITALL) == (ssize_t)n && memcmp(buf, text, n) == 0);
}

/* A listener that answers no more: its places are taken, and what connects now stays in SYN_SENT. */
static int full_listener(union address *a)
{
	int l = listening(a, 0);

	for (int i = 0; i < 3; i++) {
		int fill = stream(SOCK_NONBLOCK);

		CHECK(connect(fill, &a->any, addr_len) == 0 || errno == EINPROGRESS);
		usleep(20000);
	}
	return l;
}

/* ---- Resets ---- */

static int ask_epoll(int fd)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP };
	int set = epoll_create1(0), n;

	CHECK(set >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, fd, &e) == 0);
	n = epoll_wait(set, &e, 1, 0);
	CHECK(n >= 0 && close(set) == 0);
	return n ? (int)e.events : 0;
}

static void reset_fails_read_once(void)
{
	char c;
	int fds[2];

	make_pair(fds);
	reset(fds[1]);
	FAILS(read(fds[0], &c, 1), ECONNRESET);
	CHECK(read(fds[0], &c, 1) == 0);
}

static void reset_is_an_error_to_epoll_until_it_is_told(void)
{
	int fds[2], end = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP;

	make_pair(fds);
	reset(fds[1]);
	wait_for(fds[0], POLLHUP);
	CHECK(ask_epoll(fds[0]) == (end | EPOLLERR));
	CHECK(int_option(fds[0], SOL_SOCKET, SO_ERROR) == ECONNRESET);
	CHECK(ask_epoll(fds[0]) == end);
	CHECK(read(fds[0], &(char){ 0 }, 1) == 0);
}

/* Whoever was written to, and whoever wrote: it makes no difference what passed before. */
static void reset_is_told_after_traffic(void)
{
	int fds[2];
	char c;

	make_pair(fds);
	for (int i = 0; i < 3; i++) {
		CHECK(write(fds[0], "question", 8) == 8);
		expect_bytes(fds[1], "question");
		CHECK(write(fds[1], "answer", 6) == 6);
		expect_bytes(fds[0], "answer");
	}
	reset(fds[1]);
	wait_for(fds[0], POLLHUP);
	CHECK(ask_epoll(fds[0]) & EPOLLERR);
	FAILS(read(fds[0], &c, 1), ECONNRESET);
	CHECK(read(fds[0], &c, 1) == 0);
}

static void unread_bytes_at_close_reset_the_peer(void)
{
	int fds[2];
	char c;

	make_pair(fds);
	CHECK(write(fds[0], "unread", 6) == 6);
	wait_for(fds[1], POLLIN);
	CHECK(close(fds[1]) == 0);
	wait_for(fds[0], POLLHUP);
	FAILS(read(fds[0], &c, 1), ECONNRESET);
}

static void end_of_both_directions_is_no_reset(void)
{
	int fds[2], end = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP;
	char c;

	make_pair(fds);
	CHECK(write(fds[0], "last", 4) == 4 && shutdown(fds[0], SHUT_WR) == 0);
	expect_bytes(fds[1], "last");
	CHECK(read(fds[1], &c, 1) == 0 && close(fds[1]) == 0);
	wait_for(fds[0], POLLHUP);
	usleep(20000);
	CHECK(ask_epoll(fds[0]) == end && read(fds[0], &c, 1) == 0 && int_option(fds[0], SOL_SOCKET, SO_ERROR) == 0);
}

static void reset_connection_still_has_its_options(void)
{
	union address a, name;
	socklen_t len = sizeof(name);
	int fds[2];

	make_pair(fds);
	set_int(fds[0], IPPROTO_TCP, TCP_NODELAY, 1);
	set_int(fds[0], IPPROTO_TCP, TCP_KEEPIDLE, 77);
	CHECK(getsockname(fds[0], &a.any, &len) == 0);
	reset(fds[1]);
	wait_for(fds[0], POLLHUP);
	CHECK(tcp_state(fds[0]) == TCP_CLOSE);
	CHECK(int_option(fds[0], IPPROTO_TCP, TCP_NODELAY) == 1 && int_option(fds[0], IPPROTO_TCP, TCP_KEEPIDLE) == 77);
	set_int(fds[0], IPPROTO_TCP, TCP_KEEPIDLE, 78);
	set_int(fds[0], SOL_SOCKET, SO_KEEPALIVE, 1);
	CHECK(int_option(fds[0], IPPROTO_TCP, TCP_KEEPIDLE) == 78 && int_option(fds[0], SOL_SOCKET, SO_KEEPALIVE) == 1);
	FAILS(setsockopt(fds[0], IPPROTO_TCP, TCP_KEEPIDLE, &(int){ -1 }, sizeof(int)), EINVAL);
	CHECK(getsockname(fds[0], &name.any, &len) == 0 && name.in4.sin_port == a.in4.sin_port);
	FAILS(getpeername(fds[0], &name.any, &len), ENOTCONN);
	CHECK(int_option(fds[0], SOL_SOCKET, SO_ERROR) == ECONNRESET);
}

/* ---- Closing ---- */

/* The listener goes first, and nothing passes. Linux's peer reads an end, not a reset. */
static void accepted_and_closed_at_once_is_an_end(void)
{
	char c;

	for (int i = 0; i < 20; i++) {
		union address a;
		int l = listening(&a, 4), c0 = reach(&a), s = accept(l, NULL, NULL);

		CHECK(s >= 0 && close(l) == 0);
		usleep(i % 4 * 2000);
		CHECK(close(s) == 0 && read(c0, &c, 1) == 0);
		close(c0);
	}
}

static void connection_that_nobody_accepted_is_reset(void)
{
	union address a;
	int l = listening(&a, 4), c0 = reach(&a);
	char c;

	wait_for(l, POLLIN);
	CHECK(close(l) == 0);
	FAILS(read(c0, &c, 1), ECONNRESET);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The peer does not read, so that the last bytes cannot be acknowledged. */
static void close_waits_as_long_as_it_lingers(void)
{
	static char bytes[1 << 16];
	struct linger linger = { .l_onoff = 1, .l_linger = 1 };
	int fds[2];
	int64_t begin;

	make_pair(fds);
	CHECK(fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0);
	for (int quiet = 0; quiet < 20;) {
		if (send(fds[0], bytes, sizeof(bytes), 0) > 0) {
			quiet = 0;
		} else {
			quiet++;
			usleep(5000);
		}
	}
	CHECK(setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0);
	begin = now_ms();
	CHECK(close(fds[0]) == 0 && now_ms() - begin >= 990);
}

static void *read_all_later(void *arg)
{
	static char bytes[1 << 16];

	usleep(200000);
	while (read(*(int *)arg, bytes, sizeof(bytes)) > 0)
		;
	return NULL;
}

/* ... and no longer, when he does read. */
static void close_that_lingers_ends_with_the_acknowledgement(void)
{
	static char bytes[1 << 16];
	struct linger linger = { .l_onoff = 1, .l_linger = 600 };
	int fds[2], left = -1;
	pthread_t thread;

	make_pair(fds);
	CHECK(fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0);
	for (int quiet = 0; quiet < 20;) {
		if (send(fds[0], bytes, sizeof(bytes), 0) > 0) {
			quiet = 0;
		} else {
			quiet++;
			usleep(5000);
		}
	}
	CHECK(setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0);
	CHECK(pthread_create(&thread, NULL, read_all_later, &fds[1]) == 0);
	CHECK(close(fds[0]) == 0); /* or the test hangs */
	CHECK(pthread_join(thread, NULL) == 0 && ioctl(fds[1], SIOCINQ, &left) == 0 && left == 0);
}

/* Another descriptor of the same socket: then closing this one closes nothing. */
static void close_of_a_duplicate_does_not_linger(void)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 600 };
	int fds[2], copy;

	make_pair(fds);
	copy = dup(fds[0]);
	CHECK(setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0);
	CHECK(write(fds[0], "x", 1) == 1 && close(fds[0]) == 0 && write(copy, "y", 1) == 1);
	expect_bytes(fds[1], "xy");
}

/* ---- Connecting ---- */

static void nothing_is_sent_while_it_connects(void)
{
	union address a;
	int c;

	full_listener(&a);
	c = stream(SOCK_NONBLOCK);
	FAILS(connect(c, &a.any, addr_len), EINPROGRESS);
	FAILS(send(c, "early", 5, MSG_NOSIGNAL), EAGAIN);
	FAILS(write(c, "early", 5), EAGAIN);
	FAILS(read(c, &(char){ 0 }, 1), EAGAIN);
	FAILS(connect(c, &a.any, addr_len), EALREADY);
}

static void *connect_and_send(void *arg)
{
	return write(*(int *)arg, "patient", 7) == 7 ? arg : NULL;
}

/* A blocking send on a socket whose connect() did not wait: it goes out when the connection is there. */
static void blocking_send_waits_for_the_connection(void)
{
	union address a;
	int l = full_listener(&a), c = stream(SOCK_NONBLOCK), s;
	pthread_t thread;
	void *done;

	FAILS(connect(c, &a.any, addr_len), EINPROGRESS);
	CHECK(fcntl(c, F_SETFL, 0) == 0 && pthread_create(&thread, NULL, connect_and_send, &c) == 0);
	usleep(50000);
	do {
		struct sockaddr_storage peer;
		socklen_t len = sizeof(peer);
		char text[8] = "";

		s = accept(l, &(struct sockaddr){ 0 }, &(socklen_t){ sizeof(struct sockaddr) });
		CHECK(s >= 0);
		if (getpeername(c, (struct sockaddr *)&peer, &len) == 0 && recv(s, text, 7, MSG_DONTWAIT | MSG_PEEK) == 7)
			break;
		if (poll(&(struct pollfd){ .fd = s, .events = POLLIN }, 1, 100) == 1)
			break;
	} while (true);
	expect_bytes(s, "patient");
	CHECK(pthread_join(thread, &done) == 0 && done);
}

static void connect_that_timed_out_says_so_once(void)
{
	struct timeval tv = { .tv_usec = 50000 };
	union address a;
	int c;

	full_listener(&a);
	c = stream(0);
	CHECK(setsockopt(c, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) == 0);
	FAILS(connect(c, &a.any, addr_len), EINPROGRESS);
	FAILS(connect(c, &a.any, addr_len), EALREADY);
	FAILS(connect(c, &a.any, addr_len), EALREADY);
}

static void reset_connection_is_not_connected_again(void)
{
	union address a;
	int fds[2];

	listening(&a, 4);
	make_pair(fds);
	reset(fds[1]);
	wait_for(fds[0], POLLHUP);
	FAILS(connect(fds[0], &a.any, addr_len), EISCONN);
	CHECK(int_option(fds[0], SOL_SOCKET, SO_ERROR) == ECONNRESET);
}

/* ---- Sending and receiving ---- */

static ssize_t send_with_control(int fd, int level, int type, size_t len, size_t len_said)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(64)];
	} control = { .room = { 0 } };
	struct iovec iov = { .iov_base = &(char){ 'x' }, .iov_len = 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(len) };

	control.head = (struct cmsghdr){ .cmsg_len = len_said, .cmsg_level = level, .cmsg_type = type };
	return sendmsg(fd, &m, 0);
}

static void control_messages_are_looked_at(void)
{
	int fds[2];

	make_pair(fds);
	CHECK(send_with_control(fds[0], IPPROTO_IP, IP_TTL, 4, CMSG_LEN(4)) == 1); /* of other levels none */
	CHECK(send_with_control(fds[0], 4711, 1, 4, CMSG_LEN(4)) == 1);
	FAILS(send_with_control(fds[0], SOL_SOCKET, 4711, 4, CMSG_LEN(4)), EINVAL);
	FAILS(send_with_control(fds[0], SOL_SOCKET, SO_MARK, 2, CMSG_LEN(2)), EINVAL);
	FAILS(send_with_control(fds[0], IPPROTO_IP, IP_TTL, 4, 3), EINVAL);
	FAILS(send_with_control(fds[0], IPPROTO_IP, IP_TTL, 4, CMSG_LEN(60)), EINVAL);
	FAILS(send_with_control(fds[0], SOL_SOCKET, SCM_TXTIME, 8, CMSG_LEN(8)), EINVAL);
	CHECK(send_with_control(fds[0], SOL_SOCKET, SCM_RIGHTS, 4, CMSG_LEN(4)) == 1); /* means nothing to TCP */
	CHECK(send_with_control(fds[0], SOL_SOCKET, SCM_CREDENTIALS, 12, CMSG_LEN(12)) == 1);
	expect_bytes(fds[1], "xxxx");
}

static void mark_keeps_poll_quiet_and_read_takes_what_is_there(void)
{
	int fds[2];
	char buf[16];

	make_pair(fds);
	set_int(fds[1], SOL_SOCKET, SO_RCVLOWAT, 8);
	CHECK(write(fds[0], "abc", 3) == 3);
	usleep(50000);
	CHECK(poll(&(struct pollfd){ .fd = fds[1], .events = POLLIN }, 1, 0) == 0);
	CHECK(recv(fds[1], buf, sizeof(buf), MSG_DONTWAIT) == 3);
	CHECK(write(fds[0], "def", 3) == 3);
	usleep(50000);
	CHECK(fcntl(fds[1], F_SETFL, O_NONBLOCK) == 0 && read(fds[1], buf, sizeof(buf)) == 3);
	FAILS(read(fds[1], buf, sizeof(buf)), EAGAIN);
	CHECK(write(fds[0], "12345", 5) == 5);
	usleep(50000);
	CHECK(poll(&(struct pollfd){ .fd = fds[1], .events = POLLIN }, 1, 0) == 0);
	CHECK(write(fds[0], "678", 3) == 3);
	wait_for(fds[1], POLLIN);
	CHECK(read(fds[1], buf, sizeof(buf)) == 8);
}

static void bytes_after_shutdown_for_reading_are_read(void)
{
	int fds[2];
	char c;

	make_pair(fds);
	CHECK(shutdown(fds[1], SHUT_RD) == 0 && read(fds[1], &c, 1) == 0);
	CHECK(write(fds[0], "late", 4) == 4);
	usleep(50000);
	expect_bytes(fds[1], "late");
	CHECK(read(fds[1], &c, 1) == 0);
}

/* ---- All of it ---- */

static const struct test tests[] = {
	NAMED(reset_fails_read_once), NAMED(reset_is_an_error_to_epoll_until_it_is_told), NAMED(reset_is_told_after_traffic),
	NAMED(unread_bytes_at_close_reset_the_peer), NAMED(end_of_both_directions_is_no_reset), NAMED(reset_connection_still_has_its_options),
	NAMED(accepted_and_closed_at_once_is_an_end), NAMED(connection_that_nobody_accepted_is_reset),
	NAMED(close_waits_as_long_as_it_lingers), NAMED(close_that_lingers_ends_with_the_acknowledgement),
	NAMED(close_of_a_duplicate_does_not_linger), NAMED(nothing_is_sent_while_it_connects),
	NAMED(blocking_send_waits_for_the_connection), NAMED(connect_that_timed_out_says_so_once),
	NAMED(reset_connection_is_not_connected_again), NAMED(control_messages_are_looked_at),
	NAMED(mark_keeps_poll_quiet_and_read_takes_what_is_there),
	NAMED(bytes_after_shutdown_for_reading_are_read),
};

int main(int argc, char **argv)
{
	const char *skip = "";

	if (argc > 2 && strcmp(argv[1], "--skip") == 0) {
		skip = argv[2];
		argc -= 2;
		argv += 2;
	}
	if (argc != 2) {
		fputs("Usage: stream_conformance [--skip TEST,...] ADDRESS\n", stderr);
		return 64;
	}
	family = strchr(argv[1], ':') ? AF_INET6 : AF_INET;
	addr_len = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	signal(SIGPIPE, SIG_IGN);
	return conformance_run(tests, sizeof(tests) / sizeof(tests[0]), skip);
}
