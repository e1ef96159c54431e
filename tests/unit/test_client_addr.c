/* SPDX-License-Identifier: BSD-2-Clause */
/* test_client_addr.c - addresses and ancillary data between applications and the protocol. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include <cmocka.h>

#include "client-lib/cmsg.h"
#include "client-lib/sockaddr.h"

union control {
	struct cmsghdr align;
	char bytes[512];
};

/* ---- Socket addresses ---- */

static void test_ipv4_becomes_mapped_and_comes_back(void **state)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET, .sin_port = htons(8080) }, back;
	static const uint8_t want[16] = { [10] = 0xff, 0xff, 192, 0, 2, 1 };
	socklen_t len = sizeof(back);
	struct tapir_addr a;

	(void)state;
	inet_pton(AF_INET, "192.0.2.1", &in4.sin_addr);
	assert_int_equal(sockaddr_parse((struct sockaddr *)&in4, sizeof(in4), &a), 0);
	assert_int_equal(a.family, AF_INET);
	assert_int_equal(a.port, 8080);
	assert_memory_equal(a.addr, want, sizeof(want));
	sockaddr_format(&a, (struct sockaddr *)&back, &len);
	assert_int_equal(len, sizeof(back));
	assert_memory_equal(&back, &in4, sizeof(back));
}

static void test_ipv6_keeps_its_scope(void **state)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(53), .sin6_scope_id = 7 }, back;
	socklen_t len = sizeof(back);
	struct tapir_addr a;

	(void)state;
	inet_pton(AF_INET6, "fe80::1", &in6.sin6_addr);
	assert_int_equal(sockaddr_parse((struct sockaddr *)&in6, sizeof(in6), &a), 0);
	assert_int_equal(a.scope_id, 7);
	sockaddr_format(&a, (struct sockaddr *)&back, &len);
	assert_memory_equal(&back, &in6, sizeof(back));
}

static void test_mapped_address_of_a_v6_socket_stays_in_v6_form(void **state)
{
	struct tapir_addr a = { .family = AF_INET6, .addr = { [10] = 0xff, 0xff, 10, 0, 0, 1 } };
	struct sockaddr_in6 in6;
	socklen_t len = sizeof(in6);

	(void)state;
	sockaddr_format(&a, (struct sockaddr *)&in6, &len);
	assert_int_equal(in6.sin6_family, AF_INET6);
	assert_true(IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr));
}

static void test_short_and_strange_addresses_are_refused(void **state)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	struct sockaddr other = { .sa_family = AF_UNIX }, none = { .sa_family = AF_UNSPEC };
	struct tapir_addr a;

	(void)state;
	assert_int_equal(sockaddr_parse((struct sockaddr *)&in4, sizeof(in4) - 1, &a), -EINVAL);
	assert_int_equal(sockaddr_parse((struct sockaddr *)&in6, 23, &a), -EINVAL);
	assert_int_equal(sockaddr_parse((struct sockaddr *)&in6, 24, &a), 0); /* RFC 2133's form, without the scope id */
	assert_int_equal(sockaddr_parse(&other, sizeof(other), &a), -EAFNOSUPPORT);
	assert_int_equal(sockaddr_parse(&other, 1, &a), -EINVAL);
	assert_int_equal(sockaddr_parse(NULL, 16, &a), -EFAULT);
	assert_int_equal(sockaddr_parse(&none, sizeof(none), &a), 0);
	assert_int_equal(a.family, 0);
}

static void test_no_more_than_the_room_is_written(void **state)
{
	struct tapir_addr a = { .family = AF_INET, .port = 1 };
	uint8_t room[8];
	socklen_t len = 4;

	(void)state;
	memset(room, 0xaa, sizeof(room));
	sockaddr_format(&a, (struct sockaddr *)(void *)room, &len);
	assert_int_equal(len, sizeof(struct sockaddr_in));
	assert_int_equal(room[4], 0xaa);
	a.family = 0;
	sockaddr_format(&a, (struct sockaddr *)(void *)room, &len);
	assert_int_equal(len, 0);
}

/* ---- Received control messages ---- */

static const struct tapir_dgram received = {
	.addr = { .family = AF_INET },
	.local = { .family = AF_INET, .addr = { [10] = 0xff, 0xff, 10, 1, 2, 3 } },
	.ifindex = 2,
	.ttl = 61,
	.tos = 0x2e,
	.segment_size = 1400,
	.time_ns = 1700000000123456789,
};

static void format(struct tapir_dgram d, uint32_t flags, union control *c, size_t room, struct msghdr *m)
{
	memset(c, 0, sizeof(*c));
	*m = (struct msghdr){ .msg_control = c, .msg_controllen = room };
	d.flags = flags;
	cmsg_format(&d, NULL, 0, m);
}

static void test_only_what_was_asked_for_is_told(void **state)
{
	union control c;
	struct msghdr m;
	struct cmsghdr *h;
	int ttl;

	(void)state;
	format(received, 0, &c, sizeof(c), &m);
	assert_int_equal(m.msg_controllen, 0);
	format(received, TAPIR_DGRAM_TTL, &c, sizeof(c), &m);
	assert_int_equal(m.msg_controllen, CMSG_SPACE(sizeof(int)));
	h = CMSG_FIRSTHDR(&m);
	assert_int_equal(h->cmsg_level, IPPROTO_IP);
	assert_int_equal(h->cmsg_type, IP_TTL);
	assert_int_equal(h->cmsg_len, CMSG_LEN(sizeof(int)));
	memcpy(&ttl, CMSG_DATA(h), sizeof(ttl));
	assert_int_equal(ttl, 61);
	assert_null(CMSG_NXTHDR(&m, h));
}

static void test_pktinfo_tells_address_and_interface_of_both_families(void **state)
{
	struct tapir_dgram six = received;
	struct in_pktinfo info4;
	struct in6_pktinfo info6;
	union control c;
	struct msghdr m;

	(void)state;
	format(received, TAPIR_DGRAM_PKTINFO, &c, sizeof(c), &m);
	memcpy(&info4, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(info4));
	assert_int_equal(info4.ipi_ifindex, 2);
	assert_int_equal(info4.ipi_addr.s_addr, htonl(0x0a010203));
	six.addr.family = six.local.family = AF_INET6;
	format(six, TAPIR_DGRAM_PKTINFO, &c, sizeof(c), &m);
	assert_int_equal(CMSG_FIRSTHDR(&m)->cmsg_type, IPV6_PKTINFO);
	memcpy(&info6, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(info6));
	assert_int_equal(info6.ipi6_ifindex, 2);
	assert_memory_equal(&info6.ipi6_addr, six.local.addr, 16);
}

static void test_time_is_told_in_the_unit_asked_for(void **state)
{
	union control c;
	struct timeval tv;
	struct timespec ts;
	struct msghdr m;

	(void)state;
	format(received, TAPIR_DGRAM_TIMESTAMP, &c, sizeof(c), &m);
	assert_int_equal(CMSG_FIRSTHDR(&m)->cmsg_type, SCM_TIMESTAMP);
	memcpy(&tv, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(tv));
	assert_int_equal(tv.tv_sec, 1700000000);
	assert_int_equal(tv.tv_usec, 123456);
	format(received, TAPIR_DGRAM_TIMESTAMPNS, &c, sizeof(c), &m);
	memcpy(&ts, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(ts));
	assert_int_equal(ts.tv_nsec, 123456789);
}

static void test_what_does_not_fit_sets_ctrunc(void **state)
{
	union control c;
	struct msghdr m;

	(void)state;
	format(received, TAPIR_DGRAM_TTL | TAPIR_DGRAM_TOS, &c, CMSG_SPACE(sizeof(int)), &m);
	assert_int_equal(m.msg_flags, MSG_CTRUNC);
	assert_int_equal(m.msg_controllen, CMSG_SPACE(sizeof(int)));
	format(received, TAPIR_DGRAM_PKTINFO, &c, CMSG_LEN(4), &m); /* cut in its middle, as Linux does */
	assert_int_equal(m.msg_flags, MSG_CTRUNC);
	assert_int_equal(CMSG_FIRSTHDR(&m)->cmsg_len, CMSG_LEN(4));
	m = (struct msghdr){ .msg_control = NULL };
	cmsg_format(&(struct tapir_dgram){ .flags = TAPIR_DGRAM_TTL }, NULL, 0, &m);
	assert_int_equal(m.msg_flags, MSG_CTRUNC);
}

/* ---- Control messages to send ---- */

static int parse(int level, int type, const void *data, size_t bytes, struct tapir_dgram *d)
{
	union control c = { .bytes = { 0 } };
	struct msghdr m = { .msg_control = &c, .msg_controllen = CMSG_SPACE(bytes) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	*h = (struct cmsghdr){ .cmsg_level = level, .cmsg_type = type, .cmsg_len = CMSG_LEN(bytes) };
	memcpy(CMSG_DATA(h), data, bytes);
	*d = (struct tapir_dgram){ .header_bytes = sizeof(*d), .ttl = -1, .tos = -1 };
	return cmsg_parse(&m, d, NULL);
}

static void test_ttl_tos_segment_and_source_are_taken(void **state)
{
	struct in_pktinfo info = { .ipi_ifindex = 3, .ipi_spec_dst = { htonl(0x0a000001) } };
	struct tapir_dgram d;

	(void)state;
	assert_int_equal(parse(IPPROTO_IP, IP_TTL, &(int){ 9 }, sizeof(int), &d), 0);
	assert_int_equal(d.ttl, 9);
	assert_int_equal(parse(IPPROTO_IP, IP_TOS, &(uint8_t){ 0xb8 }, 1, &d), 0);
	assert_int_equal(d.tos, 0xb8);
	assert_int_equal(parse(IPPROTO_IPV6, IPV6_TCLASS, &(int){ 3 }, sizeof(int), &d), 0);
	assert_int_equal(d.tos, 3);
	assert_int_equal(parse(IPPROTO_IPV6, IPV6_HOPLIMIT, &(int){ -1 }, sizeof(int), &d), 0);
	assert_int_equal(d.ttl, -1);
	assert_int_equal(parse(IPPROTO_UDP, UDP_SEGMENT, &(uint16_t){ 1200 }, 2, &d), 0);
	assert_int_equal(d.segment_size, 1200);
	assert_int_equal(parse(IPPROTO_IP, IP_PKTINFO, &info, sizeof(info), &d), 0);
	assert_int_equal(d.ifindex, 3);
	assert_int_equal(d.local.family, AF_INET);
	assert_int_equal(d.local.addr[15], 1);
}

static void test_bad_control_messages_are_refused(void **state)
{
	struct tapir_dgram d;

	(void)state;
	assert_int_equal(parse(IPPROTO_IP, IP_TTL, &(int){ 256 }, sizeof(int), &d), -EINVAL);
	assert_int_equal(parse(IPPROTO_IP, IP_TTL, &(int){ 0 }, sizeof(int), &d), -EINVAL);
	assert_int_equal(parse(IPPROTO_IP, IP_TTL, &(uint16_t){ 9 }, 2, &d), -EINVAL);
	assert_int_equal(parse(IPPROTO_UDP, UDP_SEGMENT, &(int){ 9 }, 4, &d), -EINVAL);
	assert_int_equal(parse(IPPROTO_IP, 9999, &(int){ 9 }, 4, &d), -EINVAL);
	assert_int_equal(parse(SOL_SOCKET, 9999, &(int){ 9 }, 4, &d), -EINVAL);
	assert_int_equal(parse(SOL_SOCKET, SCM_RIGHTS, &(int){ 9 }, 4, &d), 0);
}

static void test_control_message_longer_than_its_buffer_is_refused(void **state)
{
	union control c = { .bytes = { 0 } };
	struct msghdr m = { .msg_control = &c, .msg_controllen = CMSG_LEN(4) };
	struct tapir_dgram d = { .ttl = -1 };

	(void)state;
	c.align = (struct cmsghdr){ .cmsg_level = IPPROTO_IP, .cmsg_type = IP_TTL, .cmsg_len = 4096 };
	assert_int_equal(cmsg_parse(&m, &d, NULL), -EINVAL);
	c.align.cmsg_len = 3;
	assert_int_equal(cmsg_parse(&m, &d, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4_becomes_mapped_and_comes_back),
		cmocka_unit_test(test_ipv6_keeps_its_scope),
		cmocka_unit_test(test_mapped_address_of_a_v6_socket_stays_in_v6_form),
		cmocka_unit_test(test_short_and_strange_addresses_are_refused),
		cmocka_unit_test(test_no_more_than_the_room_is_written),
		cmocka_unit_test(test_only_what_was_asked_for_is_told),
		cmocka_unit_test(test_pktinfo_tells_address_and_interface_of_both_families),
		cmocka_unit_test(test_time_is_told_in_the_unit_asked_for),
		cmocka_unit_test(test_what_does_not_fit_sets_ctrunc),
		cmocka_unit_test(test_ttl_tos_segment_and_source_are_taken),
		cmocka_unit_test(test_bad_control_messages_are_refused),
		cmocka_unit_test(test_control_message_longer_than_its_buffer_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
