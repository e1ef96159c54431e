/* SPDX-License-Identifier: BSD-2-Clause */
/* Clause by clause through RFC 4443 as a host is asked about it from outside: what section 5 of the IPv6 Ready core suite looks at, and
 * what it leaves out. */
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
#include "tests/lib/ext.h"
#include "tests/lib/lan.h"
#include "tests/lib/packet.h"

#define LINKLOCAL6 "fe80::1"
#define LINKLOCAL_PEER6 "fe80::2"
#define GROUP6 "ff02::1"

static struct bed b;
static struct bed_packet out;
static struct packet p;
static uint8_t buf[2000], inner[2000], data[2000];

enum { UDP = 17, FRAGMENT = 44, ICMP6 = 58, DEST = 60 };
enum { UNREACHABLE = 1, TIME_EXCEEDED = 3, PARAMETER_PROBLEM = 4, ECHO = 128, ECHO_REPLY = 129, REDIRECT = 137 };
enum { CLOSED_PORT = 4999 };

static int setup(void **state)
{
	struct ip_prefix linklocal;

	(void)state;
	bed_open(&b, 41, LINK_IP);
	assert_int_equal(ip_prefix_parse(LINKLOCAL6 "/64", &linklocal), 0);
	assert_int_equal(stack_add_addr(b.st, b.ifindex, &linklocal, b.now_us), 0);
	bed_turn(&b);
	bed_drop_all(&b);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 19 + i / 239);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_close(&b);
	return 0;
}

static void without_limits(void)
{
	bed_set(&b, "net.ipv6.icmp.ratelimit", "0");
	bed_set(&b, "net.ipv4.icmp_msgs_burst", "100000");
}

static void expect_silence(void)
{
	assert_false(bed_next(&b, &out));
}

/* A message of this type and code from @src to @dst, both literals, and nothing else. */
static void expect_message(uint8_t type, uint8_t code, const char *src, const char *dst)
{
	struct ip_addr s = addr_of(src), d = addr_of(dst);

	expect_next(&b, &out, &p);
	assert_int_equal(p.proto, ICMP6);
	assert_int_equal(p.l4[0], type);
	assert_int_equal(p.l4[1], code);
	assert_true(ip_addr_eq(&p.src, &s));
	assert_true(ip_addr_eq(&p.dst, &d));
	expect_silence();
}

static size_t echo(const char *src, const char *dst)
{
	return packet_echo(buf, src, dst, false, 0x1234, 0x5678, data, 40);
}

static size_t stray(const char *src, const char *dst, size_t bytes)
{
	return packet_udp(buf, src, 9, dst, CLOSED_PORT, data, bytes);
}

/* ---- Section 4: echo ---- */

/* "the Source Address of an Echo Reply sent in response to a unicast Echo Request message MUST be the same as the Destination Address" */
static void test_4443_4_2_reply_comes_from_the_address_that_was_asked(void **state)
{
	static const char *const ends[][2] = {
		{ BED_PEER6, BED_ADDR6 }, { LINKLOCAL_PEER6, LINKLOCAL6 }, { BED_PEER6, LINKLOCAL6 },
	};

	(void)state;
	for (int i = 0; i < 3; i++) {
		bed_inject(&b, buf, echo(ends[i][0], ends[i][1]));
		expect_message(ECHO_REPLY, 0, ends[i][1], ends[i][0]);
		assert_memory_equal(p.l4 + 4, "\x12\x34\x56\x78", 4);
		assert_memory_equal(p.l4 + 8, data, 40);
	}
}

/* "SHOULD be sent in response to an Echo Request message sent to an IPv6 multicast ... address": from a unicast address of that link */
static void test_4443_4_2_group_is_answered_from_a_unicast_address(void **state)
{
	(void)state;
	bed_inject(&b, buf, echo(BED_PEER6, GROUP6));
	expect_message(ECHO_REPLY, 0, BED_ADDR6, BED_PEER6);
	bed_inject(&b, buf, echo(LINKLOCAL_PEER6, GROUP6));
	expect_message(ECHO_REPLY, 0, LINKLOCAL6, LINKLOCAL_PEER6);
	bed_inject(&b, buf, echo(BED_PEER6, "ff02::2")); /* routers are asked */
	bed_inject(&b, buf, echo(BED_PEER6, "ff02::77"));
	expect_silence();
}

static void test_4443_4_1_requests_from_no_single_host_are_not_answered(void **state)
{
	static const char *const sources[] = { "::", "::1", "ff02::1", "ff0e::7", BED_ADDR6 };

	(void)state;
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		bed_inject(&b, buf, echo(sources[i], BED_ADDR6));
		bed_inject(&b, buf, echo(sources[i], GROUP6));
		expect_silence();
	}
	bed_inject(&b, buf, echo(BED_PEER6, "::1"));
	bed_inject(&b, buf, echo(BED_PEER6, "::"));
	expect_silence();
}

/* ---- Section 3.1: nobody listens on the port ---- */

static void test_4443_3_1_closed_port_is_told(void **state)
{
	static const char *const ends[][2] = { { BED_PEER6, BED_ADDR6 }, { LINKLOCAL_PEER6, LINKLOCAL6 } };

	(void)state;
	for (int i = 0; i < 2; i++) {
		size_t len = stray(ends[i][0], ends[i][1], 100);

		bed_inject(&b, buf, len);
		expect_message(UNREACHABLE, 4, ends[i][1], ends[i][0]);
		assert_memory_equal(p.l4 + 4, "\0\0\0\0", 4); /* unused: zero */
		assert_int_equal(p.l4_len, 8 + len);
		assert_memory_equal(p.l4 + 8, buf, len);
	}
}

/* ---- Section 2.4 ---- */

/* (c): as much as fits without the error being longer than 1280 bytes */
static void test_4443_2_4_c_error_quotes_all_that_fits(void **state)
{
	static const size_t sizes[] = { 0, 1, 1183, 1184, 1185, 1400 };

	(void)state;
	without_limits();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t len = stray(BED_PEER6, BED_ADDR6, sizes[i]), quoted = len < 1232 ? len : 1232;

		bed_inject(&b, buf, len);
		expect_message(UNREACHABLE, 4, BED_ADDR6, BED_PEER6);
		assert_int_equal(out.len, 48 + quoted);
		assert_memory_equal(p.l4 + 8, buf, quoted);
	}
}

/* (b): "informational message of unknown type ... MUST be silently discarded"; and RFC 4443 section 2.1: what else is none of ours */
static void test_4443_2_4_b_unknown_informational_messages_are_discarded(void **state)
{
	struct ip_fields ip = { .src = BED_PEER6, .dst = BED_ADDR6, .proto = ICMP6 };

	(void)state;
	for (unsigned type = 138; type < 256; type++) {
		uint8_t message[16] = { (uint8_t)type };
		size_t len = packet_ip(buf, &ip, message, sizeof(message));

		packet_fix_checksums(buf, len);
		bed_inject(&b, buf, len);
		expect_silence();
	}
}

static int take_error(struct sock *s)
{
	int error = -1;
	size_t len = sizeof(error);

	assert_int_equal(sock_getopt(s, SOL_SOCKET, SO_ERROR, &error, &len, b.now_us), 0);
	return error;
}

/* (a): "error message of unknown type ... MUST be passed to the upper-layer process that originated the packet"; (d): which one, the
 * quoted packet says, extension headers and all */
static void test_4443_2_4_a_errors_of_unknown_type_reach_the_sender(void **state)
{
	static const struct {
		uint8_t type, code;
		int error;
	} cases[] = {
		{ 5, 0, EPROTO }, { 100, 0, EPROTO }, { 127, 1, EPROTO }, { UNREACHABLE, 7, EPROTO }, { UNREACHABLE, 200, EPROTO },
		{ PARAMETER_PROBLEM, 5, EPROTO }, { PARAMETER_PROBLEM, 10, EPROTO }, /* RFC 8883 */
		{ UNREACHABLE, 5, EACCES }, { UNREACHABLE, 6, EACCES },
	};
	static const struct ext before[] = { { DEST, { 0, 1, 4 }, 0 }, { FRAGMENT, { 0, 0, 1, 0, 0, 0, 9 }, 0 } };
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	struct ip_endpoint remote = bed_endpoint(BED_PEER6, 4000);
	int on = 1;

	(void)state;
	assert_int_equal(sock_connect(s, &remote, b.now_us), 0);
	for (int recverr = 0; recverr < 2; recverr++) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
			for (int behind = 0; behind < 2; behind++) {
				size_t len;

				bed_send(&b, s, NULL, 0, "hello", 5);
				assert_true(bed_next(&b, &out));
				len = behind ? ext_insert(out.data, out.len, before, 2) : out.len;
				bed_inject(&b, buf, packet_icmp_error(buf, "fd00::9", BED_ADDR6, cases[i].type, cases[i].code, 0,
								      out.data, len));
				/* told without being asked for: those that Linux calls hard */
				if (cases[i].type == UNREACHABLE || cases[i].type == PARAMETER_PROBLEM || recverr)
					assert_int_equal(take_error(s), cases[i].error);
				expect_silence();
			}
		sock_setopt(s, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on), b.now_us);
	}
	sock_close(s, b.now_us);
}

static const struct ext bad_options = { DEST, { 0, 0x9e, 4 }, 0 };

/* A packet that a bad option would have answered, carrying what must not be answered. */
static void expect_no_answer_behind_bad_options(size_t len)
{
	bed_inject(&b, buf, ext_insert(buf, len, &bad_options, 1));
	expect_silence();
}

/* (e.1) and (e.2): not about an error, nor about a redirect */
static void test_4443_2_4_e1_e2_errors_and_redirects_are_not_answered(void **state)
{
	size_t quoted;

	(void)state;
	without_limits();
	quoted = packet_udp(inner, BED_ADDR6, 9, BED_PEER6, 9, data, 20);
	for (unsigned type = 0; type < 256; type++) {
		size_t len = packet_icmp_error(buf, BED_PEER6, BED_ADDR6, (uint8_t)type, 0, 0, inner, quoted);

		if (type < 128 || type == REDIRECT) {
			expect_no_answer_behind_bad_options(len);
			continue;
		}
		bed_inject(&b, buf, ext_insert(buf, len, &bad_options, 1));
		expect_message(PARAMETER_PROBLEM, 2, BED_ADDR6, BED_PEER6);
	}
}

/* (e.3): to a group only what option type 10 demands (and Packet Too Big, which is a router's) */
static void test_4443_2_4_e3_groups_are_not_answered(void **state)
{
	size_t len;

	(void)state;
	bed_inject(&b, buf, stray(BED_PEER6, GROUP6, 20));
	len = echo(BED_PEER6, GROUP6);
	buf[6] = 143;
	bed_inject(&b, buf, len);
	expect_silence();
	assert_int_equal(bed_stat(&b, "icmp.out_errors"), 0);
}

/* (e.4), (e.5): nor what came as a link-layer broadcast or group, though it is for our unicast address */
static void test_4443_2_4_e4_e5_link_layer_groups_are_not_answered(void **state)
{
	static const uint8_t group_mac[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	static const uint8_t *const macs[] = { lan_broadcast, group_mac };
	static const struct ext bad[] = { { DEST, { 0, 0x9e, 4 }, 0 }, { DEST, { 0, 0xde, 4 }, 0 } };

	(void)state;
	bed_close(&b);
	bed_open_quiet(&b, 42);
	lan_introduce_peer(&b);
	bed_inject(&b, buf, packet_ethernet(buf, stray(BED_PEER6, BED_ADDR6, 20), bed_mac, bed_peer_mac));
	assert_true(bed_next(&b, &out));
	for (int i = 0; i < 2; i++) {
		bed_inject(&b, buf, packet_ethernet(buf, stray(BED_PEER6, BED_ADDR6, 20), macs[i], bed_peer_mac));
		bed_inject(&b, buf, packet_ethernet(buf, ext_insert(buf, echo(BED_PEER6, BED_ADDR6), bad + 1, 1), macs[i], bed_peer_mac));
		expect_silence();
		/* option type 10 is the exception here too */
		bed_inject(&b, buf, packet_ethernet(buf, ext_insert(buf, echo(BED_PEER6, BED_ADDR6), bad, 1), macs[i], bed_peer_mac));
		assert_true(bed_next(&b, &out));
		assert_int_equal(out.data[54], PARAMETER_PROBLEM);
		expect_silence();
	}
}

/* (e.6): a source that is not one host */
static void test_4443_2_4_e6_no_single_host_is_not_answered(void **state)
{
	static const char *const sources[] = { "::", "ff02::1", "ff0e::9", "::1" };

	(void)state;
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		size_t len;

		bed_inject(&b, buf, stray(sources[i], BED_ADDR6, 20));
		expect_no_answer_behind_bad_options(echo(sources[i], BED_ADDR6));
		len = echo(sources[i], BED_ADDR6);
		buf[6] = 143;
		bed_inject(&b, buf, len);
		expect_silence();
	}
	assert_int_equal(bed_stat(&b, "icmp.out_errors"), 0);
}

static unsigned answers_to(unsigned strays, const char *src)
{
	unsigned before = b.packets, answers;

	for (unsigned i = 0; i < strays; i++)
		bed_inject(&b, buf, stray(src, BED_ADDR6, 20));
	answers = b.packets - before;
	bed_drop_all(&b);
	return answers;
}

/* (f): a token bucket; as Linux, a neighbour gets four a second, and six at once */
static void test_4443_2_4_f_errors_are_limited_by_a_token_bucket(void **state)
{
	struct route_config route = { 0 };

	(void)state;
	assert_int_equal(answers_to(20, BED_PEER6), 6);
	bed_run(&b, 1000000);
	assert_int_equal(answers_to(20, BED_PEER6), 4);
	assert_int_equal(answers_to(20, "fd00::3"), 6); /* another has a bucket of its own */
	assert_int_equal(ip_prefix_parse("::/0", &route.prefix), 0);
	route.gateway = addr_of("fd00::254");
	assert_int_equal(stack_add_route(b.st, &route), 0);
	assert_int_equal(answers_to(20, "2001:db8::9"), 6);
	bed_run(&b, 250000);
	assert_int_equal(answers_to(20, "2001:db8::9"), 4); /* behind the default route: sixteen a second */
	bed_set(&b, "net.ipv6.icmp.ratelimit", "0");
	assert_int_equal(answers_to(20, BED_PEER6), 20); /* the bucket of all holds more */
	bed_run(&b, 1000000);
	for (int i = 0; i < 100; i++) { /* echo replies are not limited */
		bed_inject(&b, buf, echo(BED_PEER6, BED_ADDR6));
		expect_message(ECHO_REPLY, 0, BED_ADDR6, BED_PEER6);
	}
}

/* Section 2.3, RFC 8200 section 8.1: the checksum covers the pseudo-header */
static void test_4443_2_3_wrong_checksum_is_discarded(void **state)
{
	size_t len = echo(BED_PEER6, BED_ADDR6);

	(void)state;
	buf[42] ^= 1;
	bed_inject(&b, buf, len);
	echo(BED_PEER6, BED_ADDR6);
	buf[8 + 15] ^= 8; /* another source than the one it was summed over */
	bed_inject(&b, buf, len);
	expect_silence();
	assert_int_equal(bed_stat(&b, "icmp.drop.checksum"), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_4443_4_2_reply_comes_from_the_address_that_was_asked),
		TEST(test_4443_4_2_group_is_answered_from_a_unicast_address),
		TEST(test_4443_4_1_requests_from_no_single_host_are_not_answered),
		TEST(test_4443_3_1_closed_port_is_told),
		TEST(test_4443_2_4_c_error_quotes_all_that_fits),
		TEST(test_4443_2_4_b_unknown_informational_messages_are_discarded),
		TEST(test_4443_2_4_a_errors_of_unknown_type_reach_the_sender),
		TEST(test_4443_2_4_e1_e2_errors_and_redirects_are_not_answered),
		TEST(test_4443_2_4_e3_groups_are_not_answered),
		TEST(test_4443_2_4_e4_e5_link_layer_groups_are_not_answered),
		TEST(test_4443_2_4_e6_no_single_host_is_not_answered),
		TEST(test_4443_2_4_f_errors_are_limited_by_a_token_bucket),
		TEST(test_4443_2_3_wrong_checksum_is_discarded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
