/* SPDX-License-Identifier: BSD-2-Clause */
/* Path MTU discovery by exact packets (RFC 1191, RFC 8201), as datagram sockets see it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/lib/bed.h"
#include "tests/lib/lan.h"
#include "tests/lib/packet.h"

static struct bed b;
static struct bed_packet out;
static struct packet p;
static uint8_t data[3000], buf[3000];

static int setup(void **state)
{
	(void)state;
	bed_open(&b, 11, LINK_IP);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_close(&b);
	return 0;
}

static const char *peer(bool is4)
{
	return is4 ? BED_PEER4 : BED_PEER6;
}

/* A socket that discovers its path (IP_PMTUDISC_DO). */
static struct sock *discoverer(bool is4)
{
	struct sock *s = bed_sock(&b, is4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);
	struct ip_endpoint remote = bed_endpoint(peer(is4), 9);
	int always = IP_PMTUDISC_DO;

	sock_setopt(s, is4 ? IPPROTO_IP : IPPROTO_IPV6, is4 ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, &always, sizeof(always),
		    b.now_us);
	assert_int_equal(sock_connect(s, &remote, b.now_us), 0);
	return s;
}

static int path_mtu(struct sock *s, bool is4)
{
	int mtu = 0;
	size_t len = sizeof(mtu);

	assert_int_equal(sock_getopt(s, is4 ? IPPROTO_IP : IPPROTO_IPV6, is4 ? IP_MTU : IPV6_MTU, &mtu, &len, b.now_us), 0);
	return mtu;
}

static int take_error(struct sock *s)
{
	int error = -1;
	size_t len = sizeof(error);

	assert_int_equal(sock_getopt(s, SOL_SOCKET, SO_ERROR, &error, &len, b.now_us), 0);
	return error;
}

/* A router says that the packet in out is too big. */
static void too_big(bool is4, uint32_t mtu)
{
	bed_inject(&b, buf, packet_icmp_error(buf, is4 ? "10.0.0.254" : "fd00::254", is4 ? BED_ADDR4 : BED_ADDR6, is4 ? 3 : 2,
					      is4 ? 4 : 0, mtu, out.data, out.len));
}

static void send_full_size(struct sock *s, bool is4)
{
	assert_int_equal(bed_send(&b, s, NULL, 0, data, is4 ? 1472 : 1452), 0);
	assert_true(bed_next(&b, &out));
	assert_int_equal(out.len, 1500);
}

static void test_packet_too_big_lowers_the_path_mtu_and_is_told(void **state)
{
	(void)state;
	for (int is4 = 0; is4 < 2; is4++) {
		struct sock *s = discoverer(is4);

		assert_int_equal(path_mtu(s, is4), 1500);
		send_full_size(s, is4);
		too_big(is4, 1400);
		assert_int_equal(take_error(s), EMSGSIZE);
		assert_int_equal(path_mtu(s, is4), 1400);
		assert_int_equal(bed_send(&b, s, NULL, 0, data, is4 ? 1373 : 1353), -EMSGSIZE);
		assert_int_equal(bed_send(&b, s, NULL, 0, data, is4 ? 1372 : 1352), 0);
		assert_true(bed_next(&b, &out));
		assert_int_equal(out.len, 1400);
		sock_close(s, b.now_us);
	}
	assert_int_equal(bed_stat(&b, "pmtu.learnt"), 2);
}

/* Without discovery: fragments of the new size (RFC 8201 section 4, RFC 1191 section 3) */
static void test_who_may_fragment_sends_fragments_of_the_new_size(void **state)
{
	(void)state;
	for (int is4 = 0; is4 < 2; is4++) {
		struct sock *s = discoverer(is4);
		int dont = IP_PMTUDISC_DONT;

		send_full_size(s, is4);
		too_big(is4, 1300);
		take_error(s);
		sock_setopt(s, is4 ? IPPROTO_IP : IPPROTO_IPV6, is4 ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, &dont, sizeof(dont),
			    b.now_us);
		assert_int_equal(bed_send(&b, s, NULL, 0, data, 1400), 0);
		for (int i = 0; i < 2; i++) {
			assert_true(bed_next(&b, &out));
			assert_in_range(out.len, 1, 1300);
			assert_null(packet_parse(out.data, out.len, NULL, &p));
			assert_int_equal(p.more_fragments, i == 0);
		}
		sock_close(s, b.now_us);
	}
}

/* RFC 1191 section 6.3, RFC 8201 section 4: ten minutes */
static void test_path_mtu_is_forgotten_after_ten_minutes(void **state)
{
	struct sock *s = discoverer(true);

	(void)state;
	send_full_size(s, true);
	too_big(true, 1400);
	bed_run(&b, 599000000);
	assert_int_equal(path_mtu(s, true), 1400);
	bed_run(&b, 2000000);
	assert_int_equal(path_mtu(s, true), 1500);
	take_error(s);
	send_full_size(s, true);
	assert_int_equal(stack_next_deadline_us(b.st), UINT64_MAX);
	sock_close(s, b.now_us);
}

/* RFC 8201 section 4: no attempt within five minutes of a report for the path, even one that tells nothing new */
static void test_8201_4_report_that_tells_nothing_new_keeps_the_mtu(void **state)
{
	(void)state;
	for (int is4 = 0; is4 < 2; is4++) {
		struct sock *s = discoverer(is4);

		send_full_size(s, is4);
		too_big(is4, 1400);
		bed_run(&b, 590000000);
		too_big(is4, is4 ? 1400 : 1450);
		bed_run(&b, 500000000);
		assert_int_equal(path_mtu(s, is4), 1400);
		bed_run(&b, 101000000);
		assert_int_equal(path_mtu(s, is4), 1500);
		sock_close(s, b.now_us);
	}
}

/* The families have a life each; the sooner one ends first, whichever was learnt first. */
static void test_path_mtus_of_both_families_expire_in_their_own_time(void **state)
{
	struct sock *s4, *s6;

	(void)state;
	bed_set(&b, "net.ipv6.route.mtu_expires", "300");
	s4 = discoverer(true);
	send_full_size(s4, true);
	too_big(true, 1400);
	s6 = discoverer(false);
	send_full_size(s6, false);
	too_big(false, 1400);
	bed_run(&b, 301000000);
	assert_int_equal(path_mtu(s6, false), 1500);
	assert_int_equal(path_mtu(s4, true), 1400);
	bed_run(&b, 300000000);
	assert_int_equal(path_mtu(s4, true), 1500);
	assert_int_equal(stack_next_deadline_us(b.st), UINT64_MAX);
	sock_close(s4, b.now_us);
	sock_close(s6, b.now_us);
}

/* RFC 8201 section 4: "must not ... increase"; RFC 1191 section 3 */
static void test_larger_or_impossible_mtus_are_not_believed(void **state)
{
	(void)state;
	for (int is4 = 0; is4 < 2; is4++) {
		struct sock *s = discoverer(is4);

		send_full_size(s, is4);
		too_big(is4, 9000);
		assert_int_equal(path_mtu(s, is4), 1500);
		too_big(is4, is4 ? 67 : 1279);
		assert_int_equal(path_mtu(s, is4), 1500);
		too_big(is4, 1400);
		too_big(is4, 1450); /* later, but larger */
		assert_int_equal(path_mtu(s, is4), 1400);
		sock_close(s, b.now_us);
	}
	assert_int_equal(bed_stat(&b, "pmtu.drop.small"), 2);
}

/* Nobody sent it: a forger who knows no connection changes nothing (RFC 5927 section 7, for datagrams by their ports). */
static void test_report_about_a_packet_that_no_socket_sent_is_not_believed(void **state)
{
	(void)state;
	for (int is4 = 0; is4 < 2; is4++) {
		struct sock *s = discoverer(is4);

		out.len = packet_udp(out.data, is4 ? BED_ADDR4 : BED_ADDR6, 12345, peer(is4), 9, data, 1400);
		too_big(is4, 1300);
		assert_int_equal(path_mtu(s, is4), 1500);
		sock_close(s, b.now_us);
	}
	assert_int_equal(bed_stat(&b, "pmtu.learnt"), 0);
}

/* RFC 1191 sections 5 and 7: routers that tell no MTU; the next plateau below the packet's length */
static void test_router_that_tells_no_mtu_gives_the_next_plateau(void **state)
{
	struct sock *s = discoverer(true);

	(void)state;
	send_full_size(s, true);
	too_big(true, 0);
	assert_int_equal(path_mtu(s, true), 1492);
	take_error(s);
	assert_int_equal(bed_send(&b, s, NULL, 0, data, 1464), 0);
	assert_true(bed_next(&b, &out));
	too_big(true, 0);
	assert_int_equal(path_mtu(s, true), 1006);
	sock_close(s, b.now_us);
}

/* net.ipv4.route.min_pmtu, as Linux: below it packets keep that size and may be fragmented by routers. */
static void test_very_small_path_mtu_is_clamped_and_fragments_allowed(void **state)
{
	struct sock *s = discoverer(true);

	(void)state;
	send_full_size(s, true);
	too_big(true, 100);
	assert_int_equal(path_mtu(s, true), 552);
	take_error(s);
	assert_int_equal(bed_send(&b, s, NULL, 0, data, 524), 0);
	assert_true(bed_next(&b, &out));
	assert_null(packet_parse(out.data, out.len, NULL, &p));
	assert_int_equal(out.len, 552);
	assert_false(p.dont_fragment);
	sock_close(s, b.now_us);
}

static void test_many_paths_do_not_grow_the_cache_without_bound(void **state)
{
	size_t before = 0;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
		struct ip_endpoint remote = bed_endpoint("fd00::", 9);

		if (i == 6000)
			before = b.mem.used_bytes;
		remote.addr.b[8] = 1;
		remote.addr.b[14] = (uint8_t)(i >> 8);
		remote.addr.b[15] = (uint8_t)i;
		assert_int_equal(sock_connect(s, &remote, b.now_us), 0);
		bed_send(&b, s, NULL, 0, data, 1452);
		assert_true(bed_next(&b, &out));
		too_big(false, 1400);
		sock_close(s, b.now_us);
	}
	assert_int_equal(bed_stat(&b, "pmtu.learnt"), 20000);
	assert_in_range(b.mem.used_bytes, 1, before + 200000);
}

/* Somebody makes up reports about a socket that may send to anybody. */
static void test_made_up_reports_do_not_push_out_a_path_in_use(void **state)
{
	struct sock *s = discoverer(false), *any = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	struct ip_endpoint all = bed_endpoint("::", 4000);
	uint8_t *dst = data + 1000;

	(void)state;
	assert_int_equal(sock_bind(any, &all), 0);
	send_full_size(s, false);
	too_big(false, 1400);
	take_error(s);
	assert_int_equal(path_mtu(s, false), 1400);
	for (unsigned i = 0; i < 20000; i++) {
		size_t len = packet_udp(dst, BED_ADDR6, 4000, "fd00:0:0:1::", 9, data, 600);

		dst[38] = (uint8_t)(i >> 8);
		dst[39] = (uint8_t)i;
		bed_inject(&b, buf, packet_icmp_error(buf, "fd00::254", BED_ADDR6, 2, 0, 1280, dst, len));
	}
	assert_in_range(bed_stat(&b, "pmtu.evicted"), 10000, 20000);
	assert_int_equal(path_mtu(s, false), 1400);
	sock_close(s, b.now_us);
	sock_close(any, b.now_us);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_packet_too_big_lowers_the_path_mtu_and_is_told),
		TEST(test_who_may_fragment_sends_fragments_of_the_new_size),
		TEST(test_path_mtu_is_forgotten_after_ten_minutes),
		TEST(test_8201_4_report_that_tells_nothing_new_keeps_the_mtu),
		TEST(test_path_mtus_of_both_families_expire_in_their_own_time),
		TEST(test_larger_or_impossible_mtus_are_not_believed),
		TEST(test_report_about_a_packet_that_no_socket_sent_is_not_believed),
		TEST(test_router_that_tells_no_mtu_gives_the_next_plateau),
		TEST(test_very_small_path_mtu_is_clamped_and_fragments_allowed),
		TEST(test_many_paths_do_not_grow_the_cache_without_bound),
		TEST(test_made_up_reports_do_not_push_out_a_path_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
