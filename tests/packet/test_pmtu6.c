/* SPDX-License-Identifier: BSD-2-Clause */
/* Path MTU discovery over IPv6 as a host that only answers shows it (RFC 8201; what section 4 of the IPv6 Ready core suite asks for):
 * echo requests come, of which a router could not carry on the replies. */
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
#include "tests/lib/expect.h"
#include "tests/lib/lan.h"
#include "tests/lib/packet.h"

#define OTHER6 "fd00::3"
#define FAR6 "2001:db8:1::2"
#define ROUTER6 "fd00::254"

static struct bed b;
static struct bed_packet out;
static struct packet p;
static uint8_t data[4000], buf[5000], got[5000];

enum { ICMP6 = 58, ECHO_REPLY = 129, PACKET_TOO_BIG = 2, MINUTE_US = 60000000 };

static int setup(void **state)
{
	struct route_config route = { 0 };

	(void)state;
	bed_open(&b, 21, LINK_IP);
	assert_int_equal(ip_prefix_parse("::/0", &route.prefix), 0);
	route.prefix.len = 0;
	route.gateway = addr_of(ROUTER6);
	assert_int_equal(stack_add_route(b.st, &route), 0);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 11 + i / 253);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_close(&b);
	return 0;
}

static void expect_silence(void)
{
	assert_false(bed_next(&b, &out));
}

/* An echo request whose reply is a packet of @len bytes; it comes in fragments when it has to. */
static void ask(const char *src, const char *dst, uint16_t seq, size_t len)
{
	struct ip_fields ip = { .src = src, .dst = dst, .proto = ICMP6 };
	static uint8_t whole[5000];
	size_t l4_len = packet_echo(whole, src, dst, false, 7, seq, data, len - 48) - 40, piece = 1448;

	if (len <= 1500) {
		bed_inject(&b, whole, len);
		return;
	}
	for (size_t at = 0; at < l4_len; at += piece) {
		size_t n = at + piece < l4_len ? piece : l4_len - at;

		ip.frag_offset = (uint16_t)at;
		ip.more_fragments = at + n < l4_len;
		bed_inject(&b, buf, packet_fragment6(buf, &ip, seq, whole + 40 + at, n));
	}
}

/* The reply to it, in packets of @mtu bytes at most, of which the first is left in out. Returns how many they are; @first: which of them. */
static unsigned take_reply(size_t len, size_t mtu)
{
	static struct bed_packet first;
	unsigned packets = 0;
	size_t have = 0;

	do {
		expect_next(&b, &out, &p);
		assert_int_equal(p.proto, ICMP6);
		assert_in_range(out.len, 1, mtu);
		assert_int_equal(p.frag_offset, have);
		memcpy(got + have, p.l4, p.l4_len);
		have += p.l4_len;
		if (packets++ == 0)
			first = out;
	} while (p.more_fragments);
	assert_int_equal(have, len - 40);
	assert_int_equal(got[0], ECHO_REPLY);
	assert_memory_equal(got + 8, data, len - 48);
	assert_int_equal(first.data[6] == 44, packets > 1); /* a fragment header only where it is needed */
	out = first;
	expect_silence();
	return packets;
}

/* The packet in out is too big, says @reporter. */
static void too_big_says(const char *reporter, uint8_t code, uint32_t mtu)
{
	bed_inject(&b, buf, packet_icmp_error(buf, reporter, BED_ADDR6, PACKET_TOO_BIG, code, mtu, out.data, out.len));
	expect_silence(); /* never answered */
}

static void too_big(uint32_t mtu)
{
	too_big_says(ROUTER6, 0, mtu);
}

/* Ask for a reply of the link's MTU, and be told that the path takes @mtu. */
static void lower(const char *src, uint32_t mtu)
{
	ask(src, BED_ADDR6, 1, 1500);
	assert_int_equal(take_reply(1500, 1500), 1);
	too_big(mtu);
}

static void test_8201_4_replies_of_the_links_mtu_are_whole(void **state)
{
	(void)state;
	for (size_t len = 1280; len <= 1500; len += 220) {
		ask(BED_PEER6, BED_ADDR6, 1, len);
		assert_int_equal(take_reply(len, 1500), 1);
	}
	ask(BED_PEER6, BED_ADDR6, 2, 3000);
	assert_int_equal(take_reply(3000, 1500), 3);
}

/* Section 5.2: of each destination its own */
static void test_8201_5_2_path_mtu_is_stored_for_each_destination(void **state)
{
	(void)state;
	lower(BED_PEER6, 1400);
	lower(FAR6, 1300);
	ask(BED_PEER6, BED_ADDR6, 2, 1500);
	assert_int_equal(take_reply(1500, 1400), 2);
	ask(BED_PEER6, BED_ADDR6, 3, 1400);
	assert_int_equal(take_reply(1400, 1400), 1);
	ask(FAR6, BED_ADDR6, 4, 1400);
	assert_int_equal(take_reply(1400, 1300), 2);
	ask(OTHER6, BED_ADDR6, 5, 1500);
	assert_int_equal(take_reply(1500, 1500), 1);
}

/* RFC 4443 section 3.2: "Set to 0 (zero) by the originator and ignored by the receiver" */
static void test_4443_3_2_code_of_packet_too_big_is_ignored(void **state)
{
	(void)state;
	ask(BED_PEER6, BED_ADDR6, 1, 1500);
	take_reply(1500, 1500);
	too_big_says(ROUTER6, 255, 1400);
	ask(BED_PEER6, BED_ADDR6, 2, 1500);
	assert_int_equal(take_reply(1500, 1400), 2);
}

/* A neighbour, too, may have a link of its own behind it, and say so itself. */
static void test_8201_4_destination_itself_may_report(void **state)
{
	(void)state;
	ask(BED_PEER6, BED_ADDR6, 1, 1500);
	take_reply(1500, 1500);
	too_big_says(BED_PEER6, 0, 1280);
	ask(BED_PEER6, BED_ADDR6, 2, 1500);
	assert_int_equal(take_reply(1500, 1280), 2);
	ask(BED_PEER6, BED_ADDR6, 3, 1280);
	assert_int_equal(take_reply(1280, 1280), 1);
}

/* "A node receiving a Packet Too Big message reporting a next-hop MTU that is less than the IPv6 minimum link MTU must discard it": neither
 * smaller packets, nor fragment headers on small ones (RFC 8200 section 5, RFC 8021). */
static void test_8201_4_less_than_1280_is_discarded(void **state)
{
	static const uint32_t mtus[] = { 0, 1, 56, 68, 576, 1279 };

	(void)state;
	for (size_t i = 0; i < sizeof(mtus) / sizeof(mtus[0]); i++) {
		lower(BED_PEER6, mtus[i]);
		ask(BED_PEER6, BED_ADDR6, 2, 1280);
		assert_int_equal(take_reply(1280, 1280), 1);
		too_big(mtus[i]); /* about a packet that every link takes */
	}
	assert_int_equal(bed_stat(&b, "pmtu.drop.small"), 12);
	lower(BED_PEER6, 1400);
	ask(BED_PEER6, BED_ADDR6, 3, 1400);
	take_reply(1400, 1400);
	too_big(1000);
	ask(BED_PEER6, BED_ADDR6, 4, 1500); /* what was known before holds */
	assert_int_equal(take_reply(1500, 1400), 2);
}

/* "must not increase its estimate of the Path MTU in response to the contents of a Packet Too Big message" */
static void test_8201_4_report_never_raises_the_mtu(void **state)
{
	(void)state;
	lower(BED_PEER6, 1304);
	ask(BED_PEER6, BED_ADDR6, 2, 1300);
	take_reply(1300, 1304);
	too_big(1500);
	ask(BED_PEER6, BED_ADDR6, 3, 1500);
	assert_int_equal(take_reply(1500, 1304), 2);
	lower(OTHER6, 9000); /* more than the link takes: nothing is learnt */
	ask(OTHER6, BED_ADDR6, 4, 1504);
	assert_int_equal(take_reply(1504, 1500), 2);
}

/* "must not be done less than 5 minutes after a Packet Too Big message has been received"; "10 minutes" is recommended */
static void test_8201_4_increase_is_tried_after_ten_minutes(void **state)
{
	(void)state;
	lower(BED_PEER6, 1304);
	for (int minutes = 0; minutes < 9; minutes++) {
		bed_run(&b, MINUTE_US);
		ask(BED_PEER6, BED_ADDR6, 2, 1500);
		assert_int_equal(take_reply(1500, 1304), 2);
	}
	bed_run(&b, MINUTE_US + 1000000);
	ask(BED_PEER6, BED_ADDR6, 3, 1500);
	assert_int_equal(take_reply(1500, 1500), 1);
	too_big(1280);
	ask(BED_PEER6, BED_ADDR6, 4, 1500);
	assert_int_equal(take_reply(1500, 1280), 2);
}

/* Section 6: a forger who saw nothing of it must guess identifier and sequence number. */
static void test_8201_6_report_about_a_reply_that_was_not_sent_is_not_believed(void **state)
{
	(void)state;
	ask(BED_PEER6, BED_ADDR6, 1, 1500);
	take_reply(1500, 1500);
	out.data[47] ^= 1; /* another sequence number */
	too_big(1280);
	out.data[47] ^= 1;
	out.data[24 + 15] = 3; /* another destination */
	too_big(1280);
	ask(BED_PEER6, BED_ADDR6, 2, 1500);
	assert_int_equal(take_reply(1500, 1500), 1);
	assert_int_equal(bed_stat(&b, "pmtu.learnt"), 0);
}

/* The first fragment shows what it is of; of a later one nobody can say that it is ours. */
static void test_8201_4_report_about_a_first_fragment_counts(void **state)
{
	struct ip_fields ip = { .src = BED_ADDR6, .dst = BED_PEER6, .proto = ICMP6, .frag_offset = 1448 };

	(void)state;
	ask(BED_PEER6, BED_ADDR6, 1, 3000);
	take_reply(3000, 1500);
	too_big(1400);
	ask(BED_PEER6, BED_ADDR6, 2, 3000);
	take_reply(3000, 1400);
	out.len = packet_fragment6(out.data, &ip, 1, data, 1000);
	too_big(1280);
	ask(BED_PEER6, BED_ADDR6, 3, 1400);
	assert_int_equal(take_reply(1400, 1400), 1);
	assert_int_equal(bed_stat(&b, "icmp.drop.quote"), 1);
}

/* Section 4: a group is a destination like any other, though many may report. */
static void test_8201_4_reports_about_a_group_are_stored_for_the_group(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);

	(void)state;
	assert_int_equal(bed_send(&b, s, "ff1e::1:2", 9, data, 1452), 0);
	expect_next(&b, &out, &p);
	assert_int_equal(out.len, 1500);
	too_big(1450);
	too_big_says(FAR6, 0, 1350);
	assert_int_equal(bed_send(&b, s, "ff1e::1:2", 9, data, 1452), 0);
	expect_next(&b, &out, &p);
	assert_in_range(out.len, 1200, 1350);
	assert_true(p.more_fragments);
	expect_next(&b, &out, &p);
	assert_int_equal(bed_send(&b, s, "ff1e::1:3", 9, data, 1452), 0);
	expect_next(&b, &out, &p);
	assert_int_equal(out.len, 1500);
	sock_close(s, b.now_us);
}

/* Requests of our own, of ping and of raw sockets */
static void test_8201_4_reports_about_our_own_requests_count(void **state)
{
	static uint8_t request[1460] = { 128 };

	(void)state;
	for (int type = SOCK_DGRAM; type <= SOCK_RAW; type++) {
		const char *to = type == SOCK_RAW ? BED_PEER6 : OTHER6;
		struct sock *s = bed_sock(&b, AF_INET6, type, IPPROTO_ICMPV6);

		assert_int_equal(bed_send(&b, s, to, 0, request, sizeof(request)), 0);
		expect_next(&b, &out, &p);
		assert_int_equal(out.len, 1500);
		too_big(1400);
		assert_int_equal(bed_send(&b, s, to, 0, request, sizeof(request)), 0);
		expect_next(&b, &out, &p);
		assert_in_range(out.len, 1300, 1400);
		expect_next(&b, &out, &p);
		expect_silence();
		sock_close(s, b.now_us);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_8201_4_replies_of_the_links_mtu_are_whole),
		TEST(test_8201_5_2_path_mtu_is_stored_for_each_destination),
		TEST(test_4443_3_2_code_of_packet_too_big_is_ignored),
		TEST(test_8201_4_destination_itself_may_report),
		TEST(test_8201_4_less_than_1280_is_discarded),
		TEST(test_8201_4_report_never_raises_the_mtu),
		TEST(test_8201_4_increase_is_tried_after_ten_minutes),
		TEST(test_8201_6_report_about_a_reply_that_was_not_sent_is_not_believed),
		TEST(test_8201_4_report_about_a_first_fragment_counts),
		TEST(test_8201_4_reports_about_a_group_are_stored_for_the_group),
		TEST(test_8201_4_reports_about_our_own_requests_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
