/* SPDX-License-Identifier: BSD-2-Clause */
/* rfc3542_conformance.c - what Linux programs see of RFC 3542 and of flow labels: the same binary runs on the kernel, where all of it
 * holds, and under `tapir run`. It talks to itself. Needs the right to send options (root).
 *
 *	rfc3542_conformance OWN4 OWN6     addresses of this host
 *
 * Each test is a process of its own. Prints one line a test and `N passed, N failed`. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of <linux/in6.h>, which does not go together with <netinet/in.h>. */
enum { FLOWINFO = 11, FLOWLABEL_MGR = 32, FLOWINFO_SEND = 33, OLD_PKTINFO = 2, OLD_HOPOPTS = 3, OLD_DSTOPTS = 4, OLD_HOPLIMIT = 8 };
enum { GET, PUT, RENEW, CREATE = 1, EXCL = 2, REFLECT = 4, SHARE_EXCL = 1, SHARE_USER = 3, SHARE_ANY = 255 };
struct flow_request {
	struct in6_addr dst;
	uint32_t label;
	uint8_t action, share;
	uint16_t flags, expires, linger;
	uint32_t pad;
};

enum { TEST_SECONDS_MAX = 20 };

static struct sockaddr_in own4 = { .sin_family = AF_INET };
static struct sockaddr_in6 own6 = { .sin6_family = AF_INET6 };

static const uint8_t hop[8] = { 0, 0, 1, 4 }, hop2[16] = { 0, 1, 0x1e, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2 };
static const uint8_t dst[16] = { 0, 1, 0x1f, 10, 'd', 'e', 's', 't', 'i', 'n', 'a', 't', 'i', 'o', 1, 0 };

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

static int set(int fd, int level, int name, const void *value, socklen_t len)
{
	return setsockopt(fd, level, name, value, len);
}

static void on(int fd, int level, int name)
{
	CHECK(set(fd, level, name, &(int){ 1 }, sizeof(int)) == 0);
}

static int udp6(void)
{
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	struct timeval limit = { .tv_sec = 10 };

	CHECK(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0);
	return fd;
}

static int bound6(struct sockaddr_in6 *a)
{
	socklen_t len = sizeof(*a);
	int fd = udp6();

	*a = own6;
	CHECK(bind(fd, (struct sockaddr *)a, len) == 0 && getsockname(fd, (struct sockaddr *)a, &len) == 0);
	return fd;
}

/* A message with ancillary data. */
struct message {
	struct msghdr m;
	struct iovec iov;
	struct sockaddr_in6 addr;
	uint8_t data[2048];
	union {
		struct cmsghdr align;
		uint8_t control[4096];
	};
};

static void begin(struct message *x, const char *text, const struct sockaddr_in6 *to)
{
	memset(x, 0, sizeof(*x));
	strcpy((char *)x->data, text);
	x->iov = (struct iovec){ x->data, strlen(text) };
	x->m.msg_iov = &x->iov;
	x->m.msg_iovlen = 1;
	x->m.msg_control = x->control;
	if (to) {
		x->addr = *to;
		x->m.msg_name = &x->addr;
		x->m.msg_namelen = sizeof(x->addr);
	}
}

static void add(struct message *x, int level, int type, const void *data, size_t bytes)
{
	struct cmsghdr *c = (struct cmsghdr *)(x->control + x->m.msg_controllen);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(bytes);
	memcpy(CMSG_DATA(c), data, bytes);
	x->m.msg_controllen += CMSG_SPACE(bytes);
}

static ssize_t receive(int fd, struct message *x, size_t room)
{
	memset(x, 0, sizeof(*x));
	x->iov = (struct iovec){ x->data, room };
	x->m = (struct msghdr){ .msg_name = &x->addr, .msg_namelen = sizeof(x->addr), .msg_iov = &x->iov, .msg_iovlen = 1,
				.msg_control = x->control, .msg_controllen = sizeof(x->control) };
	return recvmsg(fd, &x->m, 0);
}

/* The @n'th control message of this type, or NULL. */
static const struct cmsghdr *find(struct message *x, int level, int type, int n)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&x->m); c; c = CMSG_NXTHDR(&x->m, c))
		if (c->cmsg_level == level && c->cmsg_type == type && n-- == 0)
			return c;
	return NULL;
}

/* As on the wire, but for the first byte, which chains it to the next header. */
static bool is_header(const struct cmsghdr *c, const uint8_t *header, size_t bytes)
{
	return c && c->cmsg_len == CMSG_LEN(bytes) && memcmp(CMSG_DATA(c) + 1, header + 1, bytes - 1) == 0;
}

static int index_of(struct message *x, const struct cmsghdr *which)
{
	int i = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&x->m); c && c != which; c = CMSG_NXTHDR(&x->m, c))
		i++;
	return i;
}

/* ---- Extension headers ---- */

static void rfc3542_8_options_of_a_datagram_are_received(void)
{
	struct sockaddr_in6 a;
	int to = bound6(&a), from = udp6();
	struct message x;

	on(to, IPPROTO_IPV6, IPV6_RECVHOPOPTS);
	on(to, IPPROTO_IPV6, IPV6_RECVDSTOPTS);
	begin(&x, "both", &a);
	add(&x, IPPROTO_IPV6, IPV6_DSTOPTS, dst, sizeof(dst));
	add(&x, IPPROTO_IPV6, IPV6_HOPOPTS, hop, sizeof(hop));
	CHECK(sendmsg(from, &x.m, 0) == 4);
	CHECK(receive(to, &x, 100) == 4 && memcmp(x.data, "both", 4) == 0);
	CHECK(is_header(find(&x, IPPROTO_IPV6, IPV6_HOPOPTS, 0), hop, sizeof(hop)));
	CHECK(is_header(find(&x, IPPROTO_IPV6, IPV6_DSTOPTS, 0), dst, sizeof(dst)));
	CHECK(index_of(&x, find(&x, IPPROTO_IPV6, IPV6_HOPOPTS, 0)) < index_of(&x, find(&x, IPPROTO_IPV6, IPV6_DSTOPTS, 0)));
	CHECK(CMSG_DATA(find(&x, IPPROTO_IPV6, IPV6_HOPOPTS, 0))[0] == IPPROTO_DSTOPTS);
	CHECK(CMSG_DATA(find(&x, IPPROTO_IPV6, IPV6_DSTOPTS, 0))[0] == IPPROTO_UDP);
	begin(&x, "none", &a);
	CHECK(sendmsg(from, &x.m, 0) == 4);
	CHECK(receive(to, &x, 100) == 4 && x.m.msg_controllen == 0);
}

static void rfc3542_8_a_short_buffer_costs_neither_datagram_nor_options(void)
{
	struct sockaddr_in6 a;
	int to = bound6(&a), from = udp6();
	struct message x;

	on(to, IPPROTO_IPV6, IPV6_RECVDSTOPTS);
	begin(&x, "0123456789", &a);
	add(&x, IPPROTO_IPV6, IPV6_DSTOPTS, dst, sizeof(dst));
	CHECK(sendmsg(from, &x.m, 0) == 10 && sendmsg(from, &x.m, 0) == 10);
	CHECK(receive(to, &x, 4) == 4 && memcmp(x.data, "0123", 5) == 0 && x.m.msg_flags == MSG_TRUNC);
	CHECK(is_header(find(&x, IPPROTO_IPV6, IPV6_DSTOPTS, 0), dst, sizeof(dst)));
	memset(&x, 0, sizeof(x));
	x.iov = (struct iovec){ x.data, 10 };
	x.m = (struct msghdr){ .msg_iov = &x.iov, .msg_iovlen = 1, .msg_control = x.control, .msg_controllen = CMSG_LEN(4) };
	CHECK(recvmsg(to, &x.m, 0) == 10 && memcmp(x.data, "0123456789", 11) == 0 && x.m.msg_flags == MSG_CTRUNC);
	CHECK(find(&x, IPPROTO_IPV6, IPV6_DSTOPTS, 0)->cmsg_len == CMSG_LEN(4));
}

static void rfc3542_8_many_at_once(void)
{
	enum { MANY = 8 };
	struct sockaddr_in6 a;
	int to = bound6(&a), from = udp6();
	struct mmsghdr msgs[MANY];
	static struct message x[MANY];

	on(to, IPPROTO_IPV6, IPV6_RECVHOPOPTS);
	for (int i = 0; i < MANY; i++) {
		begin(&x[i], "0123456789" + i, &a);
		if (i % 2)
			add(&x[i], IPPROTO_IPV6, IPV6_HOPOPTS, hop2, sizeof(hop2));
		msgs[i] = (struct mmsghdr){ .msg_hdr = x[i].m };
	}
	CHECK(sendmmsg(from, msgs, MANY, 0) == MANY && msgs[1].msg_len == 9);
	for (int i = 0; i < MANY; i++) {
		memset(&x[i], 0, sizeof(x[i]));
		x[i].iov = (struct iovec){ x[i].data, 4 };
		x[i].m = (struct msghdr){ .msg_iov = &x[i].iov, .msg_iovlen = 1, .msg_control = x[i].control, .msg_controllen = 512 };
		msgs[i] = (struct mmsghdr){ .msg_hdr = x[i].m };
	}
	CHECK(recvmmsg(to, msgs, MANY, 0, NULL) == MANY);
	for (int i = 0; i < MANY; i++) {
		const struct cmsghdr *c = CMSG_FIRSTHDR(&msgs[i].msg_hdr);

		CHECK(memcmp(x[i].data, "0123456789" + i, msgs[i].msg_len) == 0 && (int)msgs[i].msg_len == (10 - i < 4 ? 10 - i : 4));
		CHECK(i % 2 ? is_header(c, hop2, sizeof(hop2)) : !c);
	}
}

static void rfc3542_6_sticky_options_are_sent_with_each_and_ancillary_data_replaces_them(void)
{
	struct sockaddr_in6 a;
	int to = bound6(&a), from = udp6();
	uint8_t got[64];
	socklen_t len = sizeof(got);
	struct message x;

	on(to, IPPROTO_IPV6, IPV6_RECVHOPOPTS);
	on(to, IPPROTO_IPV6, IPV6_RECVDSTOPTS);
	CHECK(set(from, IPPROTO_IPV6, IPV6_HOPOPTS, hop, sizeof(hop)) == 0 && set(from, IPPROTO_IPV6, IPV6_DSTOPTS, dst, sizeof(dst)) == 0);
	CHECK(getsockopt(from, IPPROTO_IPV6, IPV6_DSTOPTS, got, &len) == 0 && len == sizeof(dst) && memcmp(got, dst, len) == 0);
	CHECK(connect(from, (struct sockaddr *)&a, sizeof(a)) == 0 && send(from, "1", 1, 0) == 1);
	CHECK(receive(to, &x, 100) == 1 && is_header(find(&x, IPPROTO_IPV6, IPV6_HOPOPTS, 0), hop, sizeof(hop)));
	CHECK(is_header(find(&x, IPPROTO_IPV6, IPV6_DSTOPTS, 0), dst, sizeof(dst)));
	begin(&x, "2", NULL);
	add(&x, IPPROTO_IPV6, IPV6_HOPOPTS, hop2, sizeof(hop2));
	CHECK(sendmsg(from, &x.m, 0) == 1);
	CHECK(receive(to, &x, 100) == 1 && is_header(find(&x, IPPROTO_IPV6, IPV6_HOPOPTS, 0), hop2, sizeof(hop2)));
	CHECK(!find(&x, IPPROTO_IPV6, IPV6_DSTOPTS, 0));
	CHECK(set(from, IPPROTO_IPV6, IPV6_HOPOPTS, NULL, 0) == 0 && send(from, "3", 1, 0) == 1);
	CHECK(receive(to, &x, 100) == 1 && !find(&x, IPPROTO_IPV6, IPV6_HOPOPTS, 0) && find(&x, IPPROTO_IPV6, IPV6_DSTOPTS, 0));
	len = sizeof(got);
	CHECK(getsockopt(from, IPPROTO_IPV6, IPV6_HOPOPTS, got, &len) == 0 && len == 0);
}

static void rfc3542_7_what_is_no_header_is_refused(void)
{
	static const uint8_t type0[24] = { 0, 2, 0, 1 };
	struct sockaddr_in6 a;
	int fd = bound6(&a);
	struct message x;

	FAILS(set(fd, IPPROTO_IPV6, IPV6_HOPOPTS, hop2, 8), EINVAL);
	FAILS(set(fd, IPPROTO_IPV6, IPV6_HOPOPTS, hop2, 12), EINVAL);
	FAILS(set(fd, IPPROTO_IPV6, IPV6_HOPOPTS, hop2, 1), EINVAL);
	FAILS(set(fd, IPPROTO_IPV6, IPV6_RTHDR, type0, sizeof(type0)), EINVAL);
	begin(&x, "x", &a);
	add(&x, IPPROTO_IPV6, IPV6_HOPOPTS, hop2, 8);
	FAILS(sendmsg(fd, &x.m, 0), EINVAL);
	begin(&x, "x", &a);
	add(&x, IPPROTO_IPV6, IPV6_RTHDR, type0, sizeof(type0));
	FAILS(sendmsg(fd, &x.m, 0), EINVAL);
	begin(&x, "x", &a);
	add(&x, IPPROTO_IPV6, IPV6_HOPOPTS, hop, sizeof(hop));
	add(&x, IPPROTO_IPV6, IPV6_HOPOPTS, hop, sizeof(hop));
	FAILS(sendmsg(fd, &x.m, 0), EINVAL);
	begin(&x, "x", &a);
	add(&x, IPPROTO_IPV6, IPV6_NEXTHOP, &a, sizeof(a));
	FAILS(sendmsg(fd, &x.m, 0), EINVAL);
	begin(&x, "x", &a);
	add(&x, IPPROTO_IPV6, IPV6_DONTFRAG, &(int){ 2 }, sizeof(int));
	FAILS(sendmsg(fd, &x.m, 0), EINVAL);
}

static void rfc2292_forms(void)
{
	struct sockaddr_in6 a;
	int to = bound6(&a), from = udp6();
	struct message x;

	on(to, IPPROTO_IPV6, OLD_PKTINFO);
	on(to, IPPROTO_IPV6, OLD_HOPLIMIT);
	on(to, IPPROTO_IPV6, OLD_HOPOPTS);
	on(to, IPPROTO_IPV6, OLD_DSTOPTS);
	begin(&x, "old", &a);
	add(&x, IPPROTO_IPV6, OLD_HOPOPTS, hop, sizeof(hop));
	add(&x, IPPROTO_IPV6, OLD_DSTOPTS, dst, sizeof(dst));
	add(&x, IPPROTO_IPV6, OLD_HOPLIMIT, &(int){ 7 }, sizeof(int));
	CHECK(sendmsg(from, &x.m, 0) == 3 && receive(to, &x, 100) == 3);
	CHECK(memcmp(CMSG_DATA(find(&x, IPPROTO_IPV6, OLD_PKTINFO, 0)), &own6.sin6_addr, 16) == 0);
	CHECK(*(const int *)CMSG_DATA(find(&x, IPPROTO_IPV6, OLD_HOPLIMIT, 0)) == 7);
	CHECK(is_header(find(&x, IPPROTO_IPV6, OLD_HOPOPTS, 0), hop, sizeof(hop)));
	CHECK(is_header(find(&x, IPPROTO_IPV6, OLD_DSTOPTS, 0), dst, sizeof(dst)));
}

static void rfc8200_4_5_fragments_and_their_size_are_told(void)
{
	struct sockaddr_in6 a;
	int to = bound6(&a), from = udp6();
	static struct message x;
	char text[2000];

	on(to, IPPROTO_IPV6, IPV6_RECVHOPOPTS);
	on(to, IPPROTO_IPV6, IPV6_RECVDSTOPTS);
	on(to, IPPROTO_IPV6, IPV6_RECVFRAGSIZE);
	CHECK(set(from, IPPROTO_IPV6, IPV6_MTU, &(int){ 1280 }, sizeof(int)) == 0);
	memset(text, 'f', sizeof(text));
	text[1999] = 0;
	begin(&x, text, &a);
	add(&x, IPPROTO_IPV6, IPV6_HOPOPTS, hop, sizeof(hop));
	add(&x, IPPROTO_IPV6, IPV6_DSTOPTS, dst, sizeof(dst));
	CHECK(sendmsg(from, &x.m, 0) == 1999 && receive(to, &x, 2000) == 1999 && memcmp(x.data, text, 1999) == 0);
	CHECK(is_header(find(&x, IPPROTO_IPV6, IPV6_HOPOPTS, 0), hop, sizeof(hop)));
	CHECK(is_header(find(&x, IPPROTO_IPV6, IPV6_DSTOPTS, 0), dst, sizeof(dst)));
	/* The kernel sends it whole to itself: IPV6_MTU cuts what is too long for the link alone. */
	CHECK(!find(&x, IPPROTO_IPV6, IPV6_RECVFRAGSIZE, 0) || *(const int *)CMSG_DATA(find(&x, IPPROTO_IPV6, IPV6_RECVFRAGSIZE, 0)) == 1280);
}

static void rfc3542_11_dont_fragment_and_path_mtu(void)
{
	struct sockaddr_in6 a;
	int fd = bound6(&a);
	struct ip6_mtuinfo info;
	static struct message x;
	char text[1400];

	on(fd, IPPROTO_IPV6, IPV6_RECVPATHMTU);
	CHECK(set(fd, IPPROTO_IPV6, IPV6_MTU, &(int){ 1280 }, sizeof(int)) == 0);
	memset(text, 'f', sizeof(text));
	text[1399] = 0;
	begin(&x, text, &a);
	add(&x, IPPROTO_IPV6, IPV6_DONTFRAG, &(int){ 1 }, sizeof(int));
	FAILS(sendmsg(fd, &x.m, 0), EMSGSIZE);
	CHECK(receive(fd, &x, 100) == 0 && find(&x, IPPROTO_IPV6, IPV6_PATHMTU, 0));
	memcpy(&info, CMSG_DATA(find(&x, IPPROTO_IPV6, IPV6_PATHMTU, 0)), sizeof(info));
	CHECK(info.ip6m_mtu == 1280 && memcmp(&info.ip6m_addr.sin6_addr, &own6.sin6_addr, 16) == 0);
	begin(&x, text, &a);
	CHECK(sendmsg(fd, &x.m, 0) == 1399 && receive(fd, &x, 1400) == 1399); /* fragmented */
}

static void tcp_carries_options_with_each_segment(void)
{
	int l = socket(AF_INET6, SOCK_STREAM, 0), c = socket(AF_INET6, SOCK_STREAM, 0), s;
	struct sockaddr_in6 a = own6;
	static char bytes[200000];
	socklen_t len = sizeof(a);
	size_t got = 0;
	ssize_t n;

	CHECK(bind(l, (struct sockaddr *)&a, len) == 0 && listen(l, 1) == 0 && getsockname(l, (struct sockaddr *)&a, &len) == 0);
	CHECK(set(c, IPPROTO_IPV6, IPV6_HOPOPTS, hop2, sizeof(hop2)) == 0 && set(l, IPPROTO_IPV6, IPV6_DSTOPTS, dst, sizeof(dst)) == 0);
	CHECK(connect(c, (struct sockaddr *)&a, len) == 0);
	s = accept(l, NULL, NULL);
	CHECK(s >= 0 && set(c, IPPROTO_IPV6, IPV6_DSTOPTS, dst, sizeof(dst)) == 0);
	len = sizeof(bytes);
	CHECK(getsockopt(s, IPPROTO_IPV6, IPV6_DSTOPTS, bytes, &len) == 0 && len == sizeof(dst)); /* inherited */
	CHECK(write(c, bytes, 100000) == 100000 && shutdown(c, SHUT_WR) == 0);
	while ((n = read(s, bytes, sizeof(bytes))) > 0)
		got += (size_t)n;
	CHECK(got == 100000);
	CHECK(write(s, "back", 4) == 4 && read(c, bytes, 10) == 4);
}

static void rfc3542_4_raw_and_ping_sockets(void)
{
	int to = socket(AF_INET6, SOCK_RAW, 253), from = socket(AF_INET6, SOCK_RAW, 253);
	struct message x;

	on(to, IPPROTO_IPV6, IPV6_RECVDSTOPTS);
	on(to, IPPROTO_IPV6, IPV6_RECVHOPLIMIT);
	CHECK(set(from, IPPROTO_IPV6, IPV6_DSTOPTS, dst, sizeof(dst)) == 0);
	begin(&x, "raw", &own6);
	add(&x, IPPROTO_IPV6, IPV6_HOPLIMIT, &(int){ 9 }, sizeof(int));
	CHECK(sendmsg(from, &x.m, 0) == 3 && receive(to, &x, 100) == 3);
	/* ancillary data without headers leaves the sticky ones */
	CHECK(is_header(find(&x, IPPROTO_IPV6, IPV6_DSTOPTS, 0), dst, sizeof(dst)));
	CHECK(*(const int *)CMSG_DATA(find(&x, IPPROTO_IPV6, IPV6_HOPLIMIT, 0)) == 9);
}

static void ipv6_hdrincl_sends_what_it_is_given(void)
{
	int to = socket(AF_INET6, SOCK_RAW, 253), from = socket(AF_INET6, SOCK_RAW, IPPROTO_RAW);
	uint8_t packet[44] = { 0x60, 0, 0, 0, 0, 4, 253, 33 };
	struct message x;

	memcpy(packet + 8, &own6.sin6_addr, 16);
	memcpy(packet + 24, &own6.sin6_addr, 16);
	memcpy(packet + 40, "made", 4);
	on(to, IPPROTO_IPV6, IPV6_RECVHOPLIMIT);
	CHECK(sendto(from, packet, sizeof(packet), 0, (struct sockaddr *)&own6, sizeof(own6)) == sizeof(packet));
	CHECK(receive(to, &x, 100) == 4 && memcmp(x.data, "made", 4) == 0);
	CHECK(*(const int *)CMSG_DATA(find(&x, IPPROTO_IPV6, IPV6_HOPLIMIT, 0)) == 33);
	FAILS(sendto(from, packet, 39, 0, (struct sockaddr *)&own6, sizeof(own6)), EINVAL);
}

/* ---- Flow labels ---- */

static uint32_t label_of(struct message *x)
{
	uint32_t info = 0;

	if (find(x, IPPROTO_IPV6, FLOWINFO, 0))
		memcpy(&info, CMSG_DATA(find(x, IPPROTO_IPV6, FLOWINFO, 0)), sizeof(info));
	return ntohl(info) & 0xfffff;
}

static int manage(int fd, struct flow_request *q)
{
	q->dst = own6.sin6_addr;
	return setsockopt(fd, IPPROTO_IPV6, FLOWLABEL_MGR, q, sizeof(*q));
}

static void lease(int fd, uint32_t label)
{
	struct flow_request q = { .action = GET, .share = SHARE_ANY, .flags = CREATE, .label = htonl(label) };

	CHECK(manage(fd, &q) == 0);
}

static void rfc3493_3_3_flowinfo_of_an_address_is_sent_when_asked_for(void)
{
	struct sockaddr_in6 a;
	int to = bound6(&a), from = udp6();
	struct message x;

	on(to, IPPROTO_IPV6, FLOWINFO);
	a.sin6_flowinfo = htonl(0x12345);
	lease(from, 0x12345); /* there may still be exclusive labels */
	lease(from, 0x54321);
	begin(&x, "1", &a);
	CHECK(set(from, IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, &(int){ 0 }, sizeof(int)) == 0);
	CHECK(sendmsg(from, &x.m, 0) == 1 && receive(to, &x, 9) == 1 && label_of(&x) == 0);
	on(from, IPPROTO_IPV6, FLOWINFO_SEND);
	begin(&x, "2", &a);
	CHECK(sendmsg(from, &x.m, 0) == 1 && receive(to, &x, 9) == 1 && label_of(&x) == 0x12345);
	CHECK(x.addr.sin6_flowinfo == 0);
	CHECK(connect(from, (struct sockaddr *)&a, sizeof(a)) == 0 && send(from, "3", 1, 0) == 1);
	CHECK(receive(to, &x, 9) == 1 && label_of(&x) == 0x12345);
	begin(&x, "4", NULL);
	add(&x, IPPROTO_IPV6, FLOWINFO, &(uint32_t){ htonl(0x54321) }, 4);
	CHECK(sendmsg(from, &x.m, 0) == 1 && receive(to, &x, 9) == 1 && label_of(&x) == 0x54321);
}

static void rfc6437_3_automatic_labels_tell_flows_apart(void)
{
	struct sockaddr_in6 a;
	int to = bound6(&a), one = udp6(), two = udp6();
	uint32_t labels[2];
	struct message x;

	on(to, IPPROTO_IPV6, FLOWINFO);
	for (int i = 0; i < 4; i++) {
		int from = i % 2 ? two : one;

		on(from, IPPROTO_IPV6, IPV6_AUTOFLOWLABEL);
		begin(&x, "x", &a);
		CHECK(sendmsg(from, &x.m, 0) == 1 && receive(to, &x, 9) == 1 && label_of(&x));
		CHECK(i < 2 || labels[i % 2] == label_of(&x));
		labels[i % 2] = label_of(&x);
	}
	CHECK(labels[0] != labels[1]);
}

static void flow_labels_are_leased_shared_and_given_back(void)
{
	int a = udp6(), b = udp6();
	struct flow_request q = { .action = GET, .share = SHARE_EXCL, .flags = CREATE }, shown = { .action = GET };
	struct sockaddr_in6 to = own6;
	socklen_t len = sizeof(shown);
	uint32_t leased;

	CHECK(manage(a, &q) == 0 && q.label && !(q.label & ~htonl(0xfffff)));
	leased = q.label;
	FAILS(manage(b, &q), EPERM); /* exclusive */
	q.flags = CREATE | EXCL;
	FAILS(manage(b, &q), EEXIST);
	q = (struct flow_request){ .action = GET, .share = SHARE_ANY, .label = htonl(0x80000 | ((unsigned)getpid() & 0x7ffff)) };
	FAILS(manage(b, &q), ENOENT);
	q.flags = CREATE;
	CHECK(manage(b, &q) == 0);
	q.flags = 0;
	CHECK(manage(a, &q) == 0); /* anybody's; it stays for a few seconds after this test */
	q.share = SHARE_USER;
	FAILS(manage(a, &q), EPERM);
	q = (struct flow_request){ .action = RENEW, .label = leased, .linger = 10, .expires = 20 };
	CHECK(manage(a, &q) == 0);
	q.action = PUT;
	FAILS(manage(b, &q), ESRCH);
	/* While there is one that is not anybody's, only leased ones may be sent. */
	on(b, IPPROTO_IPV6, FLOWINFO_SEND);
	on(a, IPPROTO_IPV6, FLOWINFO_SEND);
	to.sin6_port = htons(9);
	to.sin6_flowinfo = leased;
	FAILS(sendto(b, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), EINVAL);
	FAILS(connect(b, (struct sockaddr *)&to, sizeof(to)), EINVAL);
	CHECK(connect(a, (struct sockaddr *)&to, sizeof(to)) == 0);
	CHECK(getsockopt(a, IPPROTO_IPV6, FLOWLABEL_MGR, &shown, &len) == 0 && len == sizeof(shown));
	CHECK(shown.label == leased && shown.share == SHARE_EXCL && shown.linger == 10);
	CHECK(manage(a, &q) == 0); /* put back */
	FAILS(manage(a, &q), ESRCH);
	FAILS(getsockopt(a, IPPROTO_IPV6, FLOWLABEL_MGR, &shown, &len), ENOENT);
	q = (struct flow_request){ .action = GET, .flags = REFLECT };
	FAILS(manage(a, &q), EPERM); /* with net.ipv6.flowlabel_consistency, the default */
	q = (struct flow_request){ .action = 9 };
	FAILS(manage(a, &q), EINVAL);
	q = (struct flow_request){ .action = GET, .share = 77, .flags = CREATE };
	FAILS(manage(a, &q), EINVAL);
}

/* ---- IPv4 ---- */

static int udp4(struct sockaddr_in *a)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct timeval limit = { .tv_sec = 10 };
	socklen_t len = sizeof(*a);

	*a = own4;
	CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0);
	CHECK(bind(fd, (struct sockaddr *)a, len) == 0 && getsockname(fd, (struct sockaddr *)a, &len) == 0);
	return fd;
}

static void rfc791_3_1_options_are_sent_and_received(void)
{
	static const uint8_t record[12] = { 7, 11, 4 }, alert[4] = { 148, 4, 0, 0 }, bad[4] = { 7, 2, 4, 0 };
	struct sockaddr_in a, b;
	int to = udp4(&a), from = udp4(&b);
	const uint8_t *o;
	uint8_t got[40];
	socklen_t len = sizeof(got);
	struct message x;

	on(to, IPPROTO_IP, IP_RECVOPTS);
	on(to, IPPROTO_IP, IP_RETOPTS);
	FAILS(set(from, IPPROTO_IP, IP_OPTIONS, bad, sizeof(bad)), EINVAL);
	FAILS(set(from, IPPROTO_IP, IP_OPTIONS, got, 41), EINVAL);
	CHECK(set(from, IPPROTO_IP, IP_OPTIONS, record, 11) == 0);
	CHECK(getsockopt(from, IPPROTO_IP, IP_OPTIONS, got, &len) == 0 && len == 12 && memcmp(got, record, 12) == 0);
	CHECK(sendto(from, "rr", 2, 0, (struct sockaddr *)&a, sizeof(a)) == 2);
	CHECK(receive(to, &x, 9) == 2 && find(&x, IPPROTO_IP, IP_RECVOPTS, 0) && find(&x, IPPROTO_IP, IP_RETOPTS, 0));
	o = CMSG_DATA(find(&x, IPPROTO_IP, IP_RECVOPTS, 0));
	CHECK(o[0] == 7 && o[1] == 11 && o[2] == 12 && memcmp(o + 3, &own4.sin_addr, 4) == 0 && memcmp(o + 7, &own4.sin_addr, 4) == 0);
	CHECK(set(from, IPPROTO_IP, IP_OPTIONS, NULL, 0) == 0);
	begin(&x, "ra", NULL);
	x.m.msg_name = &a;
	x.m.msg_namelen = sizeof(a);
	add(&x, IPPROTO_IP, IP_RETOPTS, alert, sizeof(alert));
	CHECK(sendmsg(from, &x.m, 0) == 2 && receive(to, &x, 9) == 2);
	CHECK(memcmp(CMSG_DATA(find(&x, IPPROTO_IP, IP_RECVOPTS, 0)), alert, 4) == 0);
	CHECK(sendto(from, "none", 4, 0, (struct sockaddr *)&a, sizeof(a)) == 4);
	CHECK(receive(to, &x, 9) == 4 && x.m.msg_controllen == 0);
}

/* RFC 3493 section 3.7: each family's options are about its own packets, also on one socket. */
static void ipv4_on_an_ipv6_socket_has_ipv4s_ancillary_data(void)
{
	static const int names4[] = { IP_PKTINFO, IP_RECVTTL, IP_RECVTOS, IP_RECVORIGDSTADDR };
	static const int names6[] = { IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS, IPV6_RECVORIGDSTADDR, IPV6_RECVHOPOPTS, FLOWINFO };
	struct sockaddr_in a;
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
	int to = udp6(), from = udp4(&a), from6 = udp6();
	socklen_t len = sizeof(any);
	const struct cmsghdr *c;
	struct in_pktinfo info;
	struct message x;

	CHECK(set(to, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ 0 }, sizeof(int)) == 0 && bind(to, (struct sockaddr *)&any, len) == 0);
	CHECK(getsockname(to, (struct sockaddr *)&any, &len) == 0);
	for (size_t i = 0; i < sizeof(names4) / sizeof(names4[0]); i++)
		on(to, IPPROTO_IP, names4[i]);
	for (size_t i = 0; i < sizeof(names6) / sizeof(names6[0]); i++)
		on(to, IPPROTO_IPV6, names6[i]);
	a.sin_port = any.sin6_port;
	CHECK(set(from, IPPROTO_IP, IP_TOS, &(int){ 2 }, sizeof(int)) == 0);
	CHECK(sendto(from, "four", 4, 0, (struct sockaddr *)&a, sizeof(a)) == 4 && receive(to, &x, 9) == 4);
	c = find(&x, IPPROTO_IP, IP_TTL, 0);
	CHECK(c && *(const int *)CMSG_DATA(c) == 64 && !find(&x, IPPROTO_IPV6, IPV6_HOPLIMIT, 0));
	c = find(&x, IPPROTO_IP, IP_TOS, 0);
	CHECK(c && c->cmsg_len == CMSG_LEN(1) && *CMSG_DATA(c) == 2 && !find(&x, IPPROTO_IPV6, IPV6_TCLASS, 0));
	c = find(&x, IPPROTO_IP, IP_PKTINFO, 0);
	CHECK(c);
	memcpy(&info, CMSG_DATA(c), sizeof(info));
	CHECK(info.ipi_addr.s_addr == own4.sin_addr.s_addr && info.ipi_ifindex);
	c = find(&x, IPPROTO_IPV6, IPV6_PKTINFO, 0);
	CHECK(c && IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)CMSG_DATA(c)));
	c = find(&x, IPPROTO_IP, IP_ORIGDSTADDR, 0);
	CHECK(c && c->cmsg_len == CMSG_LEN(sizeof(a)) && !find(&x, IPPROTO_IPV6, IPV6_ORIGDSTADDR, 0));
	any.sin6_addr = own6.sin6_addr;
	CHECK(sendto(from6, "six", 3, 0, (struct sockaddr *)&any, sizeof(any)) == 3 && receive(to, &x, 9) == 3);
	CHECK(!find(&x, IPPROTO_IP, IP_TTL, 0) && !find(&x, IPPROTO_IP, IP_PKTINFO, 0) && !find(&x, IPPROTO_IP, IP_TOS, 0));
	CHECK(find(&x, IPPROTO_IPV6, IPV6_HOPLIMIT, 0) && find(&x, IPPROTO_IPV6, IPV6_TCLASS, 0) && find(&x, IPPROTO_IPV6, IPV6_PKTINFO, 0));
}

static void dropped_datagrams_are_counted(void)
{
	struct sockaddr_in a, b;
	int to = udp4(&a), from = udp4(&b), sent = 400;
	char big[1000] = { 0 };
	struct message x;
	uint32_t drops;

	on(to, SOL_SOCKET, SO_RXQ_OVFL);
	CHECK(set(to, SOL_SOCKET, SO_RCVBUF, &(int){ 4096 }, sizeof(int)) == 0);
	for (int i = 0; i < sent; i++)
		CHECK(sendto(from, big, sizeof(big), 0, (struct sockaddr *)&a, sizeof(a)) == sizeof(big));
	usleep(200000);
	while (set(to, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ .tv_usec = 300000 }, sizeof(struct timeval)) == 0 &&
	       receive(to, &x, sizeof(big)) > 0)
		;
	CHECK(sendto(from, "last", 4, 0, (struct sockaddr *)&a, sizeof(a)) == 4 && receive(to, &x, 9) == 4);
	CHECK(find(&x, SOL_SOCKET, SO_RXQ_OVFL, 0));
	memcpy(&drops, CMSG_DATA(find(&x, SOL_SOCKET, SO_RXQ_OVFL, 0)), sizeof(drops));
	CHECK(drops > 0 && drops < (uint32_t)sent);
}

/* ---- The list ---- */

#define TEST(name) { #name, name }

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	TEST(rfc3542_8_options_of_a_datagram_are_received),
	TEST(rfc3542_8_a_short_buffer_costs_neither_datagram_nor_options),
	TEST(rfc3542_8_many_at_once),
	TEST(rfc3542_6_sticky_options_are_sent_with_each_and_ancillary_data_replaces_them),
	TEST(rfc3542_7_what_is_no_header_is_refused),
	TEST(rfc2292_forms),
	TEST(rfc8200_4_5_fragments_and_their_size_are_told),
	TEST(rfc3542_11_dont_fragment_and_path_mtu),
	TEST(tcp_carries_options_with_each_segment),
	TEST(rfc3542_4_raw_and_ping_sockets),
	TEST(ipv6_hdrincl_sends_what_it_is_given),
	TEST(rfc3493_3_3_flowinfo_of_an_address_is_sent_when_asked_for),
	TEST(rfc6437_3_automatic_labels_tell_flows_apart),
	TEST(flow_labels_are_leased_shared_and_given_back),
	TEST(rfc791_3_1_options_are_sent_and_received),
	TEST(ipv4_on_an_ipv6_socket_has_ipv4s_ancillary_data),
	TEST(dropped_datagrams_are_counted),
};

static bool passes(void (*run)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		alarm(TEST_SECONDS_MAX);
		run();
		_exit(0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(int argc, char **argv)
{
	int passed = 0, failed = 0;

	if (argc != 3 || inet_pton(AF_INET, argv[1], &own4.sin_addr) != 1 || inet_pton(AF_INET6, argv[2], &own6.sin6_addr) != 1) {
		fputs("Usage: rfc3542_conformance OWN4 OWN6\n", stderr);
		return 2;
	}
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
