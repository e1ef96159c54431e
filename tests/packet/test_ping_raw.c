/* SPDX-License-Identifier: BSD-2-Clause */
/* Ping and raw sockets by exact packets, used as iputils' ping uses them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/lib/bed.h"
#include "tests/lib/expect.h"
#include "tests/lib/packet.h"

static struct bed b;
static struct bed_packet out;
static struct packet p;
static uint8_t buf[70000];

static int setup(void **state)
{
	(void)state;
	bed_open(&b, 7, LINK_IP);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_close(&b);
	return 0;
}

static void expect_packet(void)
{
	expect_next(&b, &out, &p);
}

static struct frame *expect_frame(struct sock *s)
{
	struct frame *f = sock_recv_frame(s);

	assert_non_null(f);
	return f;
}

static const uint8_t echo4[12] = { 8, 0, 0xde, 0xad, 0x12, 0x34, 0, 1, 'd', 'a', 't', 'a' };
static const uint8_t echo6[12] = { 128, 0, 0xde, 0xad, 0x12, 0x34, 0, 1, 'd', 'a', 't', 'a' };

/* ---- Ping sockets ------------------------------------------------------------------------------------------------- */

static void test_ping_socket_writes_its_identifier_and_the_checksum(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	struct ip_endpoint local;

	(void)state;
	assert_int_equal(bed_send(&b, s, BED_PEER4, 0, echo4, sizeof(echo4)), 0);
	expect_packet(); /* its checksum is verified by packet_parse() */
	sock_getname(s, &local);
	assert_int_not_equal(local.port, 0);
	assert_int_equal(p.l4[4] << 8 | p.l4[5], local.port);
	assert_int_equal(p.l4[7], 1);
	assert_memory_equal(p.l4 + 8, "data", 4);
}

static void test_ping_socket_over_ipv6(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6);
	struct ip_endpoint local;
	struct frame *f;

	(void)state;
	assert_int_equal(bed_send(&b, s, BED_PEER6, 0, echo6, sizeof(echo6)), 0);
	expect_packet();
	sock_getname(s, &local);
	assert_int_equal(p.l4[0], 128);
	assert_int_equal(p.l4[4] << 8 | p.l4[5], local.port);
	bed_inject(&b, buf, packet_echo(buf, BED_PEER6, BED_ADDR6, true, local.port, 1, "data", 4));
	f = expect_frame(s);
	assert_int_equal(f->len, 12);
	assert_int_equal(f->data[0], 129);
	frame_unref(f);
}

static void test_ping_socket_gets_the_reply_with_its_identifier_only(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_DGRAM, IPPROTO_ICMP), *other = bed_sock(&b, AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	struct ip_endpoint local;
	struct frame *f;

	(void)state;
	assert_int_equal(bed_send(&b, s, BED_PEER4, 0, echo4, sizeof(echo4)), 0);
	assert_int_equal(bed_send(&b, other, BED_PEER4, 0, echo4, sizeof(echo4)), 0);
	sock_getname(s, &local);
	bed_inject(&b, buf, packet_echo(buf, BED_PEER4, BED_ADDR4, true, local.port, 1, "data", 4));
	f = expect_frame(s);
	assert_int_equal(f->len, 12);
	assert_int_equal(f->data[0], 0);
	assert_int_equal(f->info.ttl, 64);
	assert_memory_equal(f->data + 8, "data", 4);
	frame_unref(f);
	assert_null(sock_recv_frame(other));
	assert_null(sock_recv_frame(s));
}

static void test_ping_socket_sends_nothing_but_echo_requests(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	uint8_t bad[8] = { 3, 3 };

	(void)state;
	assert_int_equal(bed_send(&b, s, BED_PEER4, 0, bad, sizeof(bad)), -EINVAL);
	assert_int_equal(bed_send(&b, s, BED_PEER4, 0, echo4, 7), -EINVAL);
	assert_int_equal(bed_send(&b, s, BED_PEER4, 0, echo6, sizeof(echo6)), -EINVAL);
}

/* Linux has SO_REUSEADDR on by default for them. */
static void test_two_ping_sockets_share_an_identifier_unless_told_not_to(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_DGRAM, IPPROTO_ICMP), *other = bed_sock(&b, AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	struct sock *third = bed_sock(&b, AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	struct ip_endpoint id = bed_endpoint("0.0.0.0", 77);
	const int off = 0;

	(void)state;
	assert_int_equal(sock_bind(s, &id), 0);
	assert_int_equal(sock_setopt(other, SOL_SOCKET, SO_REUSEADDR, &off, sizeof(off), b.now_us), 0);
	assert_int_equal(sock_bind(other, &id), -EADDRINUSE);
	assert_int_equal(sock_bind(third, &id), 0);
}

/* iputils' ping opens IP_RECVERR and reads the error queue. */
static void test_ping_socket_hears_of_unreachable_hosts(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	int on = 1;
	struct sock_error e;
	uint32_t left;
	struct frame *f;

	(void)state;
	assert_int_equal(sock_setopt(s, IPPROTO_IP, IP_RECVERR, &on, sizeof(on), b.now_us), 0);
	assert_int_equal(bed_send(&b, s, BED_PEER4, 0, echo4, sizeof(echo4)), 0);
	expect_packet();
	bed_inject(&b, buf, packet_icmp_error(buf, "10.0.0.254", BED_ADDR4, 3, 1, 0, out.data, out.len));
	assert_true(bed_events(&b, s) & SOCK_ERROR);
	f = sock_recv_error(s, &e, &left);
	assert_non_null(f);
	assert_int_equal(e.error, EHOSTUNREACH);
	assert_int_equal(f->data[0], 8);
	frame_unref(f);
}

/* ---- Raw sockets -------------------------------------------------------------------------------------------------- */

static void test_raw_icmp_receives_with_the_ip_header(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_RAW, IPPROTO_ICMP);
	size_t n = packet_echo(buf, BED_PEER4, BED_ADDR4, true, 1, 2, "data", 4);
	struct frame *f;

	(void)state;
	bed_inject(&b, buf, n);
	f = expect_frame(s);
	assert_int_equal(f->len, n);
	assert_memory_equal(f->data, buf, n);
	frame_unref(f);
}

static void test_raw_icmp_does_not_take_requests_from_the_stack(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_RAW, IPPROTO_ICMP);

	(void)state;
	bed_inject(&b, buf, packet_echo(buf, BED_PEER4, BED_ADDR4, false, 1, 2, "data", 4));
	expect_packet();
	assert_int_equal(p.l4[0], 0);
	frame_unref(expect_frame(s));
}

static void test_icmp_filter_keeps_types_away(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_RAW, IPPROTO_ICMP), *udp = bed_sock(&b, AF_INET, SOCK_RAW, IPPROTO_UDP);
	uint32_t all_but_reply = ~1u, got = 0;
	size_t len = sizeof(got);

	(void)state;
	assert_int_equal(sock_setopt(s, SOL_RAW, ICMP_FILTER, &all_but_reply, sizeof(all_but_reply), b.now_us), 0);
	assert_int_equal(sock_setopt(udp, SOL_RAW, ICMP_FILTER, &all_but_reply, sizeof(all_but_reply), b.now_us), -EOPNOTSUPP);
	assert_int_equal(sock_getopt(s, SOL_RAW, ICMP_FILTER, &got, &len, b.now_us), 0);
	assert_int_equal(got, all_but_reply);
	bed_inject(&b, buf, packet_echo(buf, BED_PEER4, BED_ADDR4, false, 1, 2, "data", 4));
	assert_null(sock_recv_frame(s));
	bed_inject(&b, buf, packet_echo(buf, BED_PEER4, BED_ADDR4, true, 1, 2, "data", 4));
	frame_unref(expect_frame(s));
}

static void test_raw_icmp6_receives_without_header_and_verifies(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	struct icmp6_filter filter;
	struct frame *f;
	size_t n;

	(void)state;
	n = packet_echo(buf, BED_PEER6, BED_ADDR6, true, 1, 2, "data", 4);
	bed_inject(&b, buf, n);
	f = expect_frame(s);
	assert_int_equal(f->len, 12);
	assert_int_equal(f->data[0], 129);
	frame_unref(f);
	buf[n - 1] ^= 1;
	bed_inject(&b, buf, n);
	assert_null(sock_recv_frame(s));
	assert_int_equal(bed_stat(&b, "raw.drop.checksum"), 1);
	ICMP6_FILTER_SETBLOCKALL(&filter);
	assert_int_equal(sock_setopt(s, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter), b.now_us), 0);
	bed_inject(&b, buf, packet_echo(buf, BED_PEER6, BED_ADDR6, true, 1, 2, "data", 4));
	assert_null(sock_recv_frame(s));
	ICMP6_FILTER_SETPASS(129, &filter);
	assert_int_equal(sock_setopt(s, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter), b.now_us), 0);
	bed_inject(&b, buf, packet_echo(buf, BED_PEER6, BED_ADDR6, true, 1, 2, "data", 4));
	frame_unref(expect_frame(s));
}

static void test_raw_icmp_sends_what_it_is_given(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_RAW, IPPROTO_ICMP);
	uint8_t request[12];
	uint16_t sum;

	(void)state;
	memcpy(request, echo4, sizeof(request));
	request[2] = request[3] = 0;
	sum = packet_checksum(0, request, sizeof(request));
	request[2] = (uint8_t)(sum >> 8);
	request[3] = (uint8_t)sum;
	assert_int_equal(bed_send(&b, s, BED_PEER4, 0, request, sizeof(request)), 0);
	expect_packet();
	assert_int_equal(p.proto, 1);
	assert_int_equal(p.l4_len, sizeof(request));
	assert_memory_equal(p.l4, request, sizeof(request));
}

static void test_raw_icmp6_gets_its_checksum_computed(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);

	(void)state;
	assert_int_equal(bed_send(&b, s, BED_PEER6, 0, echo6, sizeof(echo6)), 0);
	expect_packet();
	assert_int_equal(p.l4[4], 0x12); /* the identifier stays the application's */
}

static void test_hdrincl_completes_length_checksum_source_and_identification(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_RAW, IPPROTO_RAW);
	uint8_t whole[28] = { 0x45, 0x10, 0, 0, 0, 0, 0x40, 0, 7, 253, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2, 'p', 'a', 'y', 'l', 'o', 'a', 'd' };
	struct ip_addr ours = addr_of(BED_ADDR4);

	(void)state;
	assert_int_equal(bed_send(&b, s, BED_PEER4, 0, whole, sizeof(whole)), 0);
	expect_packet();
	assert_int_equal(p.ttl, 7);
	assert_int_equal(p.tos, 0x10);
	assert_int_equal(p.proto, 253);
	assert_true(p.dont_fragment);
	assert_memory_equal(&p.src, &ours, 16);
	assert_memory_equal(p.l4, "payload", 7);
	whole[4] = 0xab;
	whole[5] = 0xcd;
	assert_int_equal(bed_send(&b, s, BED_PEER4, 0, whole, sizeof(whole)), 0);
	expect_packet();
	assert_int_equal(p.id, 0xabcd);
	assert_int_equal(bed_send(&b, s, BED_PEER4, 0, whole, 19), -EINVAL);
	whole[0] = 0x4f;
	assert_int_equal(bed_send(&b, s, BED_PEER4, 0, whole, sizeof(whole)), -EINVAL);
}

static void test_raw_socket_of_an_unknown_protocol_spares_the_unreachable(void **state)
{
	struct ip_fields ip = { .src = BED_PEER4, .dst = BED_ADDR4, .proto = 253 };
	struct sock *s;
	struct frame *f;

	(void)state;
	bed_inject(&b, buf, packet_ip(buf, &ip, "hello", 5));
	expect_packet();
	assert_int_equal(p.l4[0], 3);
	assert_int_equal(p.l4[1], 2);
	s = bed_sock(&b, AF_INET, SOCK_RAW, 253);
	bed_inject(&b, buf, packet_ip(buf, &ip, "hello", 5));
	assert_false(bed_next(&b, &out));
	f = expect_frame(s);
	assert_memory_equal(f->data + 20, "hello", 5);
	frame_unref(f);
}

static void test_raw_socket_hears_only_its_peer_and_its_address(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_RAW, IPPROTO_ICMP);
	struct ip_endpoint peer = bed_endpoint(BED_PEER4, 0);

	(void)state;
	assert_int_equal(sock_connect(s, &peer, b.now_us), 0);
	bed_inject(&b, buf, packet_echo(buf, "10.0.0.3", BED_ADDR4, true, 1, 1, "x", 1));
	assert_null(sock_recv_frame(s));
	bed_inject(&b, buf, packet_echo(buf, BED_PEER4, BED_ADDR4, true, 1, 1, "x", 1));
	frame_unref(expect_frame(s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_ping_socket_writes_its_identifier_and_the_checksum),
		T(test_ping_socket_over_ipv6),
		T(test_ping_socket_gets_the_reply_with_its_identifier_only),
		T(test_ping_socket_sends_nothing_but_echo_requests),
		T(test_two_ping_sockets_share_an_identifier_unless_told_not_to),
		T(test_ping_socket_hears_of_unreachable_hosts),
		T(test_raw_icmp_receives_with_the_ip_header),
		T(test_raw_icmp_does_not_take_requests_from_the_stack),
		T(test_icmp_filter_keeps_types_away),
		T(test_raw_icmp6_receives_without_header_and_verifies),
		T(test_raw_icmp_sends_what_it_is_given),
		T(test_raw_icmp6_gets_its_checksum_computed),
		T(test_hdrincl_completes_length_checksum_source_and_identification),
		T(test_raw_socket_of_an_unknown_protocol_spares_the_unreachable),
		T(test_raw_socket_hears_only_its_peer_and_its_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
