/* SPDX-License-Identifier: BSD-2-Clause */
/* dgram_conformance.c - what Linux programs see of datagram sockets, through plain calls alone: the same binary runs on the kernel, where
 * all of it holds, and under `tapir run`.
 *
 *	dgram_conformance [--skip TEST,...] OWN PEER ABSENT    addresses of one family: the stack's; a host's on its link; one on the link that nobody has
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

#include "conformance.h"

enum { CLOSED_PORT = 9 };

static union address own, peer, absent;
static socklen_t own_len;
static int family;

/* ---- Building blocks ---- */

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

/* The peer's link takes 1500 bytes. */
static void segments_that_the_link_does_not_take_are_refused(void)
{
	static char out[65536];
	int room = 1500 - 8 - (family == AF_INET ? 20 : 40);
	const struct {
		int segment, bytes, error;
	} cases[] = {
		{ 10, 1280, 0 }, { 10, 1281, EINVAL }, { 10, 1280, 0 }, { 3000, 2000, EMSGSIZE }, { 3000, 6000, EMSGSIZE },
		{ room, 10 * room, 0 }, { room + 1, room, 0 }, { room + 1, room + 1, EMSGSIZE }, { room, 10 * room, 0 }, { 0, 100, 0 },
	};
	union address to = at_port(peer, CLOSED_PORT);
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(uint16_t))];
	} control = { .h = { .cmsg_len = CMSG_LEN(sizeof(uint16_t)), .cmsg_level = IPPROTO_UDP, .cmsg_type = UDP_SEGMENT } };
	int fd = udp();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct iovec iov = { out, (size_t)cases[i].bytes };
		struct msghdr m = { .msg_name = &to, .msg_namelen = own_len, .msg_iov = &iov, .msg_iovlen = 1,
				    .msg_control = &control, .msg_controllen = sizeof(control) };
		uint16_t segment = (uint16_t)cases[i].segment;

		memcpy(CMSG_DATA(&control.h), &segment, sizeof(segment));
		if (cases[i].error)
			FAILS(sendmsg(fd, &m, 0), cases[i].error);
		else
			CHECK(sendmsg(fd, &m, 0) == cases[i].bytes);
	}
	set(fd, IPPROTO_UDP, UDP_SEGMENT, 10);
	CHECK(sendto(fd, out, 1280, 0, &to.any, own_len) == 1280);
	FAILS(sendto(fd, out, 1281, 0, &to.any, own_len), EINVAL);
}

/* A source of its own for each message: one that is ours, one that is nobody's here. */
static void source_in_a_control_message_is_looked_at_each_time(void)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control = { .h = { .cmsg_len = CMSG_LEN(sizeof(struct in6_pktinfo)), .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO } };
	char text[] = "x";
	struct iovec iov = { text, 1 };
	union address to = at_port(peer, CLOSED_PORT);
	struct msghdr m = { .msg_name = &to, .msg_namelen = own_len, .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	int fd = udp();

	for (int i = 0; i < 4; i++) {
		union address *from = i % 2 ? &absent : &own;
		struct in6_pktinfo info6 = { .ipi6_addr = from->in6.sin6_addr };
		struct in_pktinfo info4 = { .ipi_spec_dst = from->in4.sin_addr };

		if (family == AF_INET6) {
			memcpy(CMSG_DATA(&control.h), &info6, sizeof(info6));
		} else {
			control.h = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(info4)), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO };
			memcpy(CMSG_DATA(&control.h), &info4, sizeof(info4));
			m.msg_controllen = CMSG_SPACE(sizeof(info4));
		}
		if (from == &own)
			CHECK(sendmsg(fd, &m, 0) == 1);
		else
			FAILS(sendmsg(fd, &m, 0), family == AF_INET ? ENETUNREACH : EINVAL);
	}
}

/* ---- Buffers ---- */

/* What is not read takes SO_RCVBUF at most; later ones are lost, and what came before is not. */
static void receive_buffer_bounds_what_waits(void)
{
	enum { COUNT = 2000, BYTES = 1000 };
	static char out[BYTES], in[BYTES];
	union address a;
	int to, fd = connected(&to, &a), got = 0;
	struct pollfd p = { .fd = to, .events = POLLIN };

	set(to, SOL_SOCKET, SO_RCVBUF, 16384);
	for (int i = 0; i < COUNT; i++)
		CHECK(send(fd, out, BYTES, 0) == BYTES);
	while (poll(&p, 1, 500) == 1 && recv(to, in, BYTES, 0) == BYTES)
		got++;
	CHECK(got >= 8 && got < COUNT / 4);
	CHECK(send(fd, "x", 1, 0) == 1 && recv(to, in, BYTES, 0) == 1);
}

/* ---- Many, and time ---- */

/* The time-out is looked at after each datagram only (recvmmsg(2), BUGS), and what is left of it comes back. */
static void time_out_of_recvmmsg_is_looked_at_after_each_datagram(void)
{
	struct mmsghdr m[3] = { 0 };
	struct timespec none = { 0 }, wrong = { .tv_nsec = -1 }, limit = { .tv_sec = 100 };
	char in[3];
	struct iovec iov[3];
	union address a;
	int to, fd = connected(&to, &a);

	for (int i = 0; i < 3; i++) {
		iov[i] = (struct iovec){ &in[i], 1 };
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	FAILS(recvmmsg(to, m, 3, 0, &wrong), EINVAL);
	CHECK(send(fd, "a", 1, 0) == 1 && send(fd, "b", 1, 0) == 1);
	CHECK(recvmmsg(to, m, 3, 0, &none) == 1 && in[0] == 'a');
	CHECK(recvmmsg(to, m, 1, 0, &limit) == 1 && in[0] == 'b' && limit.tv_sec <= 100 && limit.tv_sec >= 50);
	CHECK(recvmmsg(to, m, 0, 0, NULL) == 0);
	FAILS(recvmmsg(to, m, 3, MSG_DONTWAIT, &limit), EAGAIN);
}

/* The error and what was received before it: both are told, one call each. */
static void error_among_many_costs_none_of_them(void)
{
	struct mmsghdr m[4] = { 0 };
	char in[4];
	struct iovec iov[4];
	union address a, b;
	int to, fd = bound(&a), got = 0, errors = 0;

	to = bound(&b);
	CHECK(connect(fd, &b.any, own_len) == 0);
	for (int i = 0; i < 4; i++) {
		iov[i] = (struct iovec){ &in[i], 1 };
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	CHECK(sendto(to, "a", 1, 0, &a.any, own_len) == 1 && sendto(to, "b", 1, 0, &a.any, own_len) == 1);
	CHECK(close(to) == 0 && send(fd, "x", 1, 0) == 1);
	while (got < 2 || !errors) {
		int n = recvmmsg(fd, m, 4, 0, NULL);

		CHECK(n > 0 || errno == ECONNREFUSED);
		got += n > 0 ? n : 0;
		errors += n < 0;
	}
	CHECK(got == 2 && errors == 1);
	FAILS(recvmmsg(fd, m, 4, MSG_DONTWAIT, NULL), EAGAIN);
}

static void urgent_data_is_nothing_to_datagrams(void)
{
	union address a;
	char byte;
	int to, fd = connected(&to, &a);

	(void)to;
	if (family == AF_INET)
		FAILS(send(fd, "x", 1, MSG_OOB), EOPNOTSUPP);
	else
		CHECK(send(fd, "x", 1, MSG_OOB) == 1 && recv(to, &byte, 1, 0) == 1);
	CHECK(send(fd, "x", 1, 0) == 1 && recv(to, &byte, 1, MSG_OOB) == 1);
}

/* ---- Shared ---- */

static void child_and_parent_share_a_socket(void)
{
	union address a, b, from;
	socklen_t len = sizeof(from);
	int status, fd = bound(&a), to = bound(&b);
	char byte;
	pid_t pid = fork();

	if (pid == 0) {
		CHECK(recvfrom(fd, &byte, 1, 0, &from.any, &len) == 1 && byte == 'q' && is_same(&from, &b));
		CHECK(sendto(fd, "r", 1, 0, &from.any, len) == 1);
		CHECK(connect(fd, &from.any, len) == 0); /* the parent's socket, too */
		_exit(0);
	}
	CHECK(sendto(to, "q", 1, 0, &a.any, own_len) == 1 && recvfrom(to, &byte, 1, 0, &from.any, &len) == 1 && byte == 'r');
	CHECK(is_same(&from, &a) && waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(send(fd, "s", 1, 0) == 1 && recv(to, &byte, 1, 0) == 1 && byte == 's');
	CHECK(sendto(to, "t", 1, 0, &a.any, own_len) == 1);
	len = sizeof(from);
	CHECK(recvfrom(fd, &byte, 1, 0, &from.any, &len) == 1 && byte == 't' && is_same(&from, &b));
}

static void pass(int through, int fd)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .h = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.h), &fd, sizeof(fd));
	CHECK(sendmsg(through, &m, 0) == 1);
}

static int receive_passed(int through)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	int fd;

	CHECK(recvmsg(through, &m, 0) == 1 && m.msg_controllen);
	memcpy(&fd, CMSG_DATA(&control.h), sizeof(fd));
	return fd;
}

static void unconnected_socket_is_passed_to_another_process(void)
{
	union address a, b, from;
	socklen_t len = sizeof(from);
	int status, pair[2], to = bound(&b), fd;
	char byte;
	pid_t pid;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	pid = fork();
	if (pid == 0) {
		fd = receive_passed(pair[1]);
		CHECK(recvfrom(fd, &byte, 1, 0, &from.any, &len) == 1 && byte == 'q' && is_same(&from, &b));
		CHECK(sendto(fd, "r", 1, 0, &from.any, len) == 1);
		_exit(0);
	}
	fd = bound(&a);
	pass(pair[0], fd);
	CHECK(close(fd) == 0);
	CHECK(sendto(to, "q", 1, 0, &a.any, own_len) == 1 && recvfrom(to, &byte, 1, 0, &from.any, &len) == 1 && byte == 'r');
	CHECK(is_same(&from, &a) && waitpid(pid, &status, 0) == pid && status == 0);
}

/* Each sender's datagrams go to one of the group, and both get some of many senders'. */
static void group_of_sockets_on_one_port_shares_the_senders(void)
{
	enum { SENDERS = 64 };
	socklen_t len = sizeof(union address);
	union address a = own;
	int group[2], got[2] = { 0 };
	char byte;

	for (int i = 0; i < 2; i++) {
		group[i] = udp();
		set(group[i], SOL_SOCKET, SO_REUSEPORT, 1);
		CHECK(bind(group[i], &a.any, own_len) == 0 && getsockname(group[i], &a.any, &len) == 0);
	}
	for (int i = 0; i < SENDERS; i++) {
		int fd = udp(), at;
		struct pollfd p[2] = { { .fd = group[0], .events = POLLIN }, { .fd = group[1], .events = POLLIN } };

		CHECK(connect(fd, &a.any, own_len) == 0 && send(fd, "x", 1, 0) == 1 && poll(p, 2, 10000) == 1);
		at = p[1].revents ? 1 : 0;
		CHECK(recv(group[at], &byte, 1, 0) == 1);
		got[at]++;
		CHECK(send(fd, "y", 1, 0) == 1 && recv(group[at], &byte, 1, 0) == 1 && byte == 'y');
		close(fd);
	}
	CHECK(got[0] > 8 && got[1] > 8);
}

/* ---- All of it ---- */

static const struct test tests[] = {
	NAMED(refused_is_told_once_by_recv), NAMED(refused_is_told_once_by_send), NAMED(refused_is_told_once_by_so_error),
	NAMED(refused_is_queued_with_what_was_sent), NAMED(error_told_by_recv_stays_in_the_queue), NAMED(absent_neighbour_is_queued),
	NAMED(too_long_for_the_path_fails_at_once_and_is_queued), NAMED(what_cannot_be_sent_fails_at_once),
	NAMED(empty_datagrams_pass_and_are_no_end), NAMED(the_largest_datagram_passes),
	NAMED(connected_socket_hears_its_peer_alone_and_names_it), NAMED(connect_again_and_dissolve),
	NAMED(peek_and_fionread_tell_of_the_next), NAMED(poll_of_a_fresh_one_is_out), NAMED(shutdown_of_what_is_not_connected_fails),
	NAMED(shutdown_for_reading_is_the_end), NAMED(shutdown_for_writing_is_epipe), NAMED(many_at_once),
	NAMED(ancillary_data_comes_in_linux_order), NAMED(bad_control_messages_are_einval),
	NAMED(segments_go_out_and_come_in_together_or_apart), NAMED(segments_that_the_link_does_not_take_are_refused),
	NAMED(source_in_a_control_message_is_looked_at_each_time), NAMED(receive_buffer_bounds_what_waits),
	NAMED(time_out_of_recvmmsg_is_looked_at_after_each_datagram), NAMED(error_among_many_costs_none_of_them),
	NAMED(urgent_data_is_nothing_to_datagrams), NAMED(child_and_parent_share_a_socket),
	NAMED(unconnected_socket_is_passed_to_another_process), NAMED(group_of_sockets_on_one_port_shares_the_senders),
};

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
	const char *skip = "";

	if (argc > 2 && strcmp(argv[1], "--skip") == 0) {
		skip = argv[2];
		argc -= 2;
		argv += 2;
	}
	if (argc != 4 || !parse(argv[1], &own) || !parse(argv[2], &peer) || !parse(argv[3], &absent)) {
		fputs("Usage: dgram_conformance [--skip TEST,...] OWN PEER ABSENT\n", stderr);
		return 2;
	}
	family = own.any.sa_family;
	own_len = family == AF_INET ? sizeof(own.in4) : sizeof(own.in6);
	return conformance_run(tests, sizeof(tests) / sizeof(tests[0]), skip);
}
