/* SPDX-License-Identifier: BSD-2-Clause */
/* dgram_conformance.c - what Linux programs see of datagram sockets, through plain calls alone: the same binary runs on the kernel, where
 * all of it holds, and under `tapir run`.
 *
 *	dgram_conformance OWN PEER ABSENT    addresses of one family: the stack's; a host's on its link; one on the link that nobody has
 *
 * Each test is a process of its own, with a limit after which it counts as hung. Prints one line a test and `N passed, N failed`. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/errqueue.h>

enum { TEST_SECONDS_MAX = 30, CLOSED_PORT = 9 };

union address {
	struct sockaddr any;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

static union address own, peer, absent;
static socklen_t own_len;
static int family;

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			fail(#condition, __LINE__);                                                                    \
	} while (0)

static void __attribute__((noreturn)) fail(const char *what, int line)
{
	printf("  line %d: %s (errno %s)\n", line, what, strerrorname_np(errno) ? strerrorname_np(errno) : "0");
	fflush(stdout);
	_exit(1);
}

#define FAILS(call, error)                                                                                             \
	do {                                                                                                           \
		long result_ = (long)(call);                                                                           \
		if (result_ != -1 || errno != (error))                                                                 \
			fail(#call " fails with " #error, __LINE__);                                                   \
	} while (0)

/* ---- Building blocks ---- */

static bool is_same(const union address *a, const union address *b)
{
	if (a->any.sa_family != b->any.sa_family || a->in4.sin_port != b->in4.sin_port)
		return false;
	return a->any.sa_family == AF_INET ? a->in4.sin_addr.s_addr == b->in4.sin_addr.s_addr :
					     memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, 16) == 0;
}

static int udp(void)
{
	int fd = socket(family, SOCK_DGRAM, 0);
	struct timeval limit = { .tv_sec = 10 };

	CHECK(fd >= 0);
	CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0);
	return fd;
}

static int bound(union address *a)
{
	socklen_t len = sizeof(*a);
	int fd = udp();

	*a = own;
	CHECK(bind(fd, &a->any, own_len) == 0 && getsockname(fd, &a->any, &len) == 0);
	return fd;
}

static union address at_port(union address a, int port)
{
	a.in4.sin_port = htons((uint16_t)port); /* the same place in both */
	return a;
}

static void set(int fd, int level, int name, int value)
{
	CHECK(setsockopt(fd, level, name, &value, sizeof(value)) == 0);
}

static void recv_errors(int fd)
{
	set(fd, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6, family == AF_INET ? IP_RECVERR : IPV6_RECVERR, 1);
}

static int pending_error(int fd)
{
	int error = -1;
	socklen_t len = sizeof(error);

	CHECK(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0);
	return error;
}

static short polled(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };

	CHECK(poll(&p, 1, 0) >= 0);
	return p.revents;
}

static void wait_for_error(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	CHECK(poll(&p, 1, 20000) == 1 && p.revents & POLLERR);
}

/* A pair of sockets, the first connected to the second. */
static int connected(int *to, union address *a)
{
	union address b;
	int fd = bound(a);

	*to = bound(&b);
	CHECK(connect(fd, &b.any, own_len) == 0);
	return fd;
}

/* ---- Errors ---- */

static void refused_is_told_once_by_recv(void)
{
	union address to = at_port(peer, CLOSED_PORT);
	char byte;
	int fd = udp();

	CHECK(connect(fd, &to.any, own_len) == 0 && send(fd, "x", 1, 0) == 1);
	wait_for_error(fd);
	FAILS(recv(fd, &byte, 1, 0), ECONNREFUSED);
	FAILS(recv(fd, &byte, 1, MSG_DONTWAIT), EAGAIN);
	CHECK(pending_error(fd) == 0);
}

static void refused_is_told_once_by_send(void)
{
	union address to = at_port(peer, CLOSED_PORT);
	char byte;
	int fd = udp();

	CHECK(connect(fd, &to.any, own_len) == 0 && send(fd, "x", 1, 0) == 1);
	wait_for_error(fd);
	FAILS(send(fd, "x", 1, 0), ECONNREFUSED);
	FAILS(recv(fd, &byte, 1, MSG_DONTWAIT), EAGAIN);
}

static void refused_is_told_once_by_so_error(void)
{
	union address to = at_port(peer, CLOSED_PORT);
	char byte;
	int fd = udp();

	CHECK(connect(fd, &to.any, own_len) == 0 && send(fd, "x", 1, 0) == 1);
	wait_for_error(fd);
	CHECK(pending_error(fd) == ECONNREFUSED && pending_error(fd) == 0);
	FAILS(recv(fd, &byte, 1, MSG_DONTWAIT), EAGAIN);
}

/* What recvmsg(MSG_ERRQUEUE) says. */
struct queued {
	struct sock_extended_err ee;
	union address offender, dst;
	char payload[64];
	ssize_t bytes;
	int flags;
};

static bool next_error(int fd, struct queued *q)
{
	char control[256];
	struct iovec iov = { q->payload, sizeof(q->payload) };
	struct msghdr m = { .msg_name = &q->dst, .msg_namelen = sizeof(q->dst), .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c;

	memset(&q->offender, 0, sizeof(q->offender));
	q->bytes = recvmsg(fd, &m, MSG_ERRQUEUE);
	if (q->bytes < 0)
		return false;
	q->flags = m.msg_flags;
	c = CMSG_FIRSTHDR(&m);
	CHECK(c && c->cmsg_level == (family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6));
	CHECK(c->cmsg_type == (family == AF_INET ? IP_RECVERR : IPV6_RECVERR));
	CHECK(c->cmsg_len == CMSG_LEN(sizeof(q->ee) + own_len));
	memcpy(&q->ee, CMSG_DATA(c), sizeof(q->ee));
	memcpy(&q->offender, CMSG_DATA(c) + sizeof(q->ee), own_len);
	return true;
}

static void refused_is_queued_with_what_was_sent(void)
{
	union address to = at_port(peer, CLOSED_PORT), offender = at_port(peer, 0);
	struct queued q;
	char byte;
	int fd = udp();

	recv_errors(fd);
	FAILS(next_error(fd, &q) ? 0 : -1, EAGAIN);
	CHECK(sendto(fd, "hello", 5, 0, &to.any, own_len) == 5);
	wait_for_error(fd);
	CHECK(next_error(fd, &q));
	CHECK(q.bytes == 5 && memcmp(q.payload, "hello", 5) == 0 && q.flags == MSG_ERRQUEUE);
	CHECK(q.ee.ee_errno == ECONNREFUSED && q.ee.ee_origin == (family == AF_INET ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6));
	CHECK(q.ee.ee_type == (family == AF_INET ? 3 : 1) && q.ee.ee_code == (family == AF_INET ? 3 : 4) && q.ee.ee_info == 0);
	CHECK(is_same(&q.dst, &to) && is_same(&q.offender, &offender));
	CHECK(!(polled(fd) & POLLERR) && pending_error(fd) == 0);
	FAILS(next_error(fd, &q) ? 0 : -1, EAGAIN);
	FAILS(recv(fd, &byte, 1, MSG_DONTWAIT), EAGAIN);
}

static void error_told_by_recv_stays_in_the_queue(void)
{
	union address to = at_port(peer, CLOSED_PORT);
	struct queued q;
	char byte;
	int fd = udp();

	recv_errors(fd);
	CHECK(sendto(fd, "hello", 5, 0, &to.any, own_len) == 5);
	wait_for_error(fd);
	FAILS(recv(fd, &byte, 1, MSG_DONTWAIT), ECONNREFUSED);
	CHECK(next_error(fd, &q) && q.ee.ee_errno == ECONNREFUSED);
	FAILS(next_error(fd, &q) ? 0 : -1, EAGAIN);
}

static void absent_neighbour_is_queued(void)
{
	union address to = at_port(absent, 7);
	struct queued q;
	int fd = udp();

	recv_errors(fd);
	CHECK(sendto(fd, "hello", 5, 0, &to.any, own_len) == 5);
	wait_for_error(fd);
	CHECK(next_error(fd, &q) && q.ee.ee_errno == EHOSTUNREACH && is_same(&q.dst, &to));
}

static void too_long_for_the_path_fails_at_once_and_is_queued(void)
{
	static char big[4000];
	union address to = at_port(peer, CLOSED_PORT);
	struct queued q;
	int fd = udp();

	set(fd, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6, family == AF_INET ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER,
	    IP_PMTUDISC_DO);
	recv_errors(fd);
	FAILS(sendto(fd, big, sizeof(big), 0, &to.any, own_len), EMSGSIZE);
	CHECK(next_error(fd, &q));
	CHECK(q.ee.ee_errno == EMSGSIZE && q.ee.ee_origin == SO_EE_ORIGIN_LOCAL && q.ee.ee_info == 1500 && q.bytes == 0);
	/* Linux takes the port from the socket there, which has none. */
	if (family == AF_INET)
		to.in4.sin_port = 0;
	CHECK(is_same(&q.dst, &to) && q.offender.any.sa_family == 0);
}

static void what_cannot_be_sent_fails_at_once(void)
{
	union address broadcast = at_port(own, CLOSED_PORT), to = at_port(peer, 0);
	static char big[65536];
	int fd = udp();

	FAILS(sendto(fd, "x", 1, 0, &to.any, own_len), EINVAL);
	FAILS(send(fd, "x", 1, 0), EDESTADDRREQ);
	to = at_port(peer, CLOSED_PORT);
	FAILS(sendto(fd, big, sizeof(big), 0, &to.any, own_len), EMSGSIZE);
	FAILS(sendto(fd, "x", 1, 0, &to.any, 3), EINVAL);
	if (family == AF_INET) {
		FAILS(sendto(fd, "x", 1, MSG_OOB, &to.any, own_len), EOPNOTSUPP);
		broadcast.in4.sin_addr.s_addr |= htonl(255); /* of its /24 */
		FAILS(sendto(fd, "x", 1, 0, &broadcast.any, own_len), EACCES);
		FAILS(connect(fd, &broadcast.any, own_len), EACCES);
	}
	CHECK(pending_error(fd) == 0);
}

/* ---- Datagrams ---- */

static void empty_datagrams_pass_and_are_no_end(void)
{
	union address a, from;
	socklen_t len = sizeof(from);
	char byte;
	int to, fd = connected(&to, &a);
	struct pollfd in = { .fd = fd, .events = POLLIN };

	CHECK(send(fd, NULL, 0, 0) == 0 && send(fd, "x", 1, 0) == 1);
	CHECK(recvfrom(to, &byte, 1, 0, &from.any, &len) == 0 && is_same(&from, &a));
	CHECK(recv(to, &byte, 1, 0) == 1);
	CHECK(sendto(to, NULL, 0, 0, &a.any, own_len) == 0 && sendto(to, "yz", 2, 0, &a.any, own_len) == 2);
	CHECK(poll(&in, 1, 10000) == 1 && in.revents == POLLIN);
	CHECK(read(fd, &byte, 1) == 0);
	CHECK(recv(fd, &byte, 1, MSG_TRUNC) == 2);
	FAILS(recv(fd, &byte, 1, MSG_DONTWAIT), EAGAIN);
}

static void the_largest_datagram_passes(void)
{
	static char out[65507], in[65508];
	union address a;
	int to, fd = connected(&to, &a);

	memset(out, 'q', sizeof(out));
	CHECK(send(fd, out, sizeof(out), 0) == sizeof(out));
	CHECK(recv(to, in, sizeof(in), 0) == sizeof(out) && memcmp(in, out, sizeof(out)) == 0);
}

static void connected_socket_hears_its_peer_alone_and_names_it(void)
{
	union address a, b, from;
	socklen_t len = sizeof(from);
	char byte;
	int other = bound(&b), to, fd = connected(&to, &a);

	CHECK(sendto(other, "o", 1, 0, &a.any, own_len) == 1 && sendto(to, "t", 1, 0, &a.any, own_len) == 1);
	CHECK(recvfrom(fd, &byte, 1, 0, &from.any, &len) == 1 && byte == 't' && len == own_len);
	len = sizeof(b);
	CHECK(getpeername(fd, &b.any, &len) == 0 && is_same(&from, &b));
	FAILS(recv(fd, &byte, 1, MSG_DONTWAIT), EAGAIN);
	len = sizeof(b);
	CHECK(getsockname(other, &b.any, &len) == 0 && connect(fd, &b.any, own_len) == 0);
	CHECK(sendto(other, "o", 1, 0, &a.any, own_len) == 1);
	len = sizeof(from);
	CHECK(recvfrom(fd, &byte, 1, 0, &from.any, &len) == 1 && byte == 'o' && is_same(&from, &b));
}

static void connect_again_and_dissolve(void)
{
	union address a, b, unspec = { .any = { .sa_family = AF_UNSPEC } }, from;
	socklen_t len = sizeof(b);
	char byte;
	int other = bound(&b), to, fd = connected(&to, &a);

	CHECK(connect(fd, &b.any, own_len) == 0 && send(fd, "2", 1, 0) == 1 && recv(other, &byte, 1, 0) == 1);
	CHECK(connect(fd, &unspec.any, sizeof(unspec.any)) == 0);
	FAILS(getpeername(fd, &from.any, &len), ENOTCONN);
	FAILS(send(fd, "x", 1, 0), EDESTADDRREQ);
	CHECK(sendto(fd, "3", 1, 0, &b.any, own_len) == 1);
	len = sizeof(from);
	CHECK(recvfrom(other, &byte, 1, 0, &from.any, &len) == 1 && byte == '3');
}

static void peek_and_fionread_tell_of_the_next(void)
{
	union address a;
	char in[8];
	int n = -1, to, fd = connected(&to, &a);

	CHECK(ioctl(to, FIONREAD, &n) == 0 && n == 0);
	CHECK(send(fd, "abc", 3, 0) == 3 && send(fd, "defgh", 5, 0) == 5);
	CHECK(recv(to, in, sizeof(in), MSG_PEEK) == 3);
	CHECK(ioctl(to, FIONREAD, &n) == 0 && n == 3);
	CHECK(recv(to, in, 1, MSG_PEEK | MSG_TRUNC) == 3 && recv(to, in, sizeof(in), 0) == 3);
	CHECK(recv(to, in, sizeof(in), MSG_WAITALL) == 5);
}

static void poll_of_a_fresh_one_is_out(void)
{
	CHECK(polled(udp()) == POLLOUT);
}

static void shutdown_of_what_is_not_connected_fails(void)
{
	FAILS(shutdown(udp(), SHUT_RDWR), ENOTCONN);
}

static void shutdown_for_reading_is_the_end(void)
{
	union address a;
	char byte;
	int to, fd = connected(&to, &a);

	CHECK(shutdown(fd, SHUT_RD) == 0);
	CHECK(polled(fd) & POLLIN);
	CHECK(recv(fd, &byte, 1, 0) == 0);
	CHECK(send(fd, "x", 1, 0) == 1 && recv(to, &byte, 1, 0) == 1);
}

static void shutdown_for_writing_is_epipe(void)
{
	union address a;
	char byte;
	int to, fd = connected(&to, &a);

	CHECK(shutdown(fd, SHUT_WR) == 0);
	FAILS(send(fd, "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK(sendto(to, "y", 1, 0, &a.any, own_len) == 1 && recv(fd, &byte, 1, 0) == 1);
}

static void many_at_once(void)
{
	enum { COUNT = 100 };
	struct mmsghdr out[COUNT] = { 0 }, in[COUNT] = { 0 };
	struct iovec iov[COUNT], room[COUNT];
	static uint8_t from[COUNT], into[COUNT];
	struct timespec limit = { .tv_sec = 10 };
	union address a;
	int to, fd = connected(&to, &a);

	for (int i = 0; i < COUNT; i++) {
		from[i] = (uint8_t)i;
		iov[i] = (struct iovec){ &from[i], 1 };
		room[i] = (struct iovec){ &into[i], 1 };
		out[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
		in[i].msg_hdr = (struct msghdr){ .msg_iov = &room[i], .msg_iovlen = 1 };
	}
	CHECK(sendmmsg(fd, out, COUNT, 0) == COUNT);
	CHECK(recvmmsg(to, in, COUNT, 0, &limit) == COUNT);
	for (int i = 0; i < COUNT; i++)
		CHECK(in[i].msg_len == 1 && into[i] == i);
	FAILS(recvmmsg(to, in, COUNT, MSG_DONTWAIT, NULL), EAGAIN);
	CHECK(send(fd, "x", 1, 0) == 1 && recvmmsg(to, in, COUNT, MSG_WAITFORONE, NULL) == 1);
}

/* ---- Ancillary data ---- */

static void ancillary_data_comes_in_linux_order(void)
{
	static const int v4[] = { IP_PKTINFO, IP_TTL, IP_TOS }, v6[] = { IPV6_PKTINFO, IPV6_HOPLIMIT, IPV6_TCLASS };
	const int *types = family == AF_INET ? v4 : v6;
	char in[8], control[512];
	struct iovec iov = { in, sizeof(in) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	union address a;
	int to, fd = connected(&to, &a), level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;

	set(to, level, family == AF_INET ? IP_RECVTOS : IPV6_RECVTCLASS, 1);
	set(to, level, family == AF_INET ? IP_RECVTTL : IPV6_RECVHOPLIMIT, 1);
	set(to, level, family == AF_INET ? IP_PKTINFO : IPV6_RECVPKTINFO, 1);
	set(to, SOL_SOCKET, SO_TIMESTAMP, 1);
	CHECK(send(fd, "abc", 3, 0) == 3 && recvmsg(to, &m, 0) == 3 && m.msg_flags == 0);
	c = CMSG_FIRSTHDR(&m);
	CHECK(c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMP);
	for (int i = 0; i < 3; i++) {
		c = CMSG_NXTHDR(&m, c);
		CHECK(c && c->cmsg_level == level && c->cmsg_type == types[i]);
	}
	CHECK(!CMSG_NXTHDR(&m, c));
	m.msg_controllen = CMSG_SPACE(sizeof(struct timeval)) + 4;
	CHECK(send(fd, "abc", 3, 0) == 3 && recvmsg(to, &m, 0) == 3 && m.msg_flags == MSG_CTRUNC);
	m.msg_controllen = 0;
	m.msg_flags = 0;
	CHECK(send(fd, "abc", 3, 0) == 3 && recvmsg(to, &m, 0) == 3 && m.msg_flags == MSG_CTRUNC && m.msg_controllen == 0);
}

static void bad_control_messages_are_einval(void)
{
	struct {
		struct cmsghdr h;
		int value;
		int pad;
	} c = { .h = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_TTL } };
	char text[] = "x";
	struct iovec iov = { text, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c) };
	union address a;
	int to, fd = connected(&to, &a);

	if (family == AF_INET6) {
		c.h.cmsg_level = IPPROTO_IPV6;
		c.h.cmsg_type = IPV6_HOPLIMIT;
	}
	c.value = 256;
	FAILS(sendmsg(fd, &m, 0), EINVAL);
	c.value = 9;
	CHECK(sendmsg(fd, &m, 0) == 1);
	c.h.cmsg_len = 3;
	FAILS(sendmsg(fd, &m, 0), EINVAL);
	c.h.cmsg_len = CMSG_LEN(sizeof(int));
	c.h.cmsg_type = 99;
	FAILS(sendmsg(fd, &m, 0), EINVAL);
	c.h.cmsg_level = SOL_SOCKET;
	c.h.cmsg_type = SO_TXTIME;
	FAILS(sendmsg(fd, &m, 0), EINVAL);
}

static void segments_go_out_and_come_in_together_or_apart(void)
{
	char out[1000], in[2000];
	union address a;
	int to, fd = connected(&to, &a);

	memset(out, 's', sizeof(out));
	set(fd, IPPROTO_UDP, UDP_SEGMENT, 400);
	CHECK(send(fd, out, sizeof(out), 0) == sizeof(out));
	CHECK(recv(to, in, sizeof(in), 0) == 400 && recv(to, in, sizeof(in), 0) == 400 && recv(to, in, sizeof(in), 0) == 200);
}

/* ---- All of it ---- */

#define TEST(name) { name, #name }
static const struct {
	void (*run)(void);
	const char *name;
} tests[] = {
	TEST(refused_is_told_once_by_recv), TEST(refused_is_told_once_by_send), TEST(refused_is_told_once_by_so_error),
	TEST(refused_is_queued_with_what_was_sent), TEST(error_told_by_recv_stays_in_the_queue), TEST(absent_neighbour_is_queued),
	TEST(too_long_for_the_path_fails_at_once_and_is_queued), TEST(what_cannot_be_sent_fails_at_once),
	TEST(empty_datagrams_pass_and_are_no_end), TEST(the_largest_datagram_passes),
	TEST(connected_socket_hears_its_peer_alone_and_names_it), TEST(connect_again_and_dissolve),
	TEST(peek_and_fionread_tell_of_the_next), TEST(poll_of_a_fresh_one_is_out), TEST(shutdown_of_what_is_not_connected_fails),
	TEST(shutdown_for_reading_is_the_end), TEST(shutdown_for_writing_is_epipe), TEST(many_at_once),
	TEST(ancillary_data_comes_in_linux_order), TEST(bad_control_messages_are_einval),
	TEST(segments_go_out_and_come_in_together_or_apart),
};

static bool passes(void (*test)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		alarm(TEST_SECONDS_MAX);
		test();
		_exit(0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool parse(const char *text, union address *a)
{
	if (inet_pton(AF_INET, text, &a->in4.sin_addr) == 1)
		a->any.sa_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &a->in6.sin6_addr) == 1)
		a->any.sa_family = AF_INET6;
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	int passed = 0, failed = 0;

	if (argc != 4 || !parse(argv[1], &own) || !parse(argv[2], &peer) || !parse(argv[3], &absent)) {
		fputs("Usage: dgram_conformance OWN PEER ABSENT\n", stderr);
		return 2;
	}
	family = own.any.sa_family;
	own_len = family == AF_INET ? sizeof(own.in4) : sizeof(own.in6);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		bool ok = passes(tests[i].run);

		printf("%s %s\n", ok ? "ok" : "FAIL", tests[i].name);
		fflush(stdout);
		passed += ok;
		failed += !ok;
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed ? 1 : 0;
}
