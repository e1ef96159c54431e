/* SPDX-License-Identifier: BSD-2-Clause */
/* ICMP and ICMPv6 by exact packets: echo, errors sent and never sent, errors received (RFC 792, RFC 1122 section 3.2.2,
 * RFC 1812 section 4.3.2, RFC 4443). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/lib/bed.h"
#include "tests/lib/expect.h"
#include "tests/lib/lan.h"
#include "tests/lib/packet.h"

static struct bed b;
static struct bed_packet out;
static struct packet p;
static uint8_t buf[70000], inner[70000], data[66000];

static int setup(void **state)
{
	(void)state;
	bed_open(&b, 9, LINK_IP);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 13 + i / 251);
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

static void expect_packet(void)
{
	expect_next(&b, &out, &p);
}

static bool is_addr(const struct ip_addr *a, const char *text)
{
	struct ip_addr expected = addr_of(text);

	return ip_addr_eq(a, &expected);
}

static const char *peer(bool is4)
{
	return is4 ? BED_PEER4 : BED_PEER6;
}

static const char *own(bool is4)
{
	return is4 ? BED_ADDR4 : BED_ADDR6;
}

/* RFC 1122 section 3.2.2.6, RFC 4443 section 4.2: identifier, sequence number and data come back. */
static void test_echo_of_any_size_is_answered(void **state)
{
	static const size_t sizes[] = { 0, 1, 7, 56, 1399, 1400 };

	(void)state;
	for (int is4 = 0; is4 < 2; is4++)
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			bed_inject(&b, buf, packet_echo(buf, peer(is4), own(is4), false, 0x1234, 0x5678, data, sizes[i]));
			expect_packet();
			assert_int_equal(p.l4[0], is4 ? 0 : 129);
			assert_int_equal(p.l4[1], 0);
			assert_memory_equal(p.l4 + 4, "\x12\x34\x56\x78", 4);
			assert_int_equal(p.l4_len, 8 + sizes[i]);
			assert_memory_equal(p.l4 + 8, data, sizes[i]);
			assert_true(is_addr(&p.src, own(is4)));
			assert_true(is_addr(&p.dst, peer(is4)));
			expect_silence();
		}
	assert_int_equal(bed_stat(&b, "icmp.out_replies"), 12);
}

/* What arrived in fragments leaves in fragments, byte for byte. */
static void test_largest_echo_is_answered_in_fragments(void **state)
{
	struct frame_offload off = { .csum = FRAME_CSUM_NONE };
	static uint8_t got[66000];

	(void)state;
	for (int is4 = 0; is4 < 2; is4++) {
		size_t len = packet_echo(buf, peer(is4), own(is4), false, 1, 1, data, 65000), hdr = is4 ? 20 : 40, have = 0;
		struct ip_fields ip = { .src = peer(is4), .dst = own(is4), .proto = is4 ? 1 : 58, .id = 77 };

		memcpy(inner, buf + hdr, len - hdr);
		len -= hdr;
		for (size_t at = 0; at < len; at += 1400) {
			size_t n = at + 1400 < len ? 1400 : len - at;

			ip.frag_offset = (uint16_t)at;
			ip.more_fragments = at + n < len;
			bed_inject_off(&b, buf, is4 ? packet_ip(buf, &ip, inner + at, n) : packet_fragment6(buf, &ip, 77, inner + at, n),
				       &off);
		}
		while (bed_next(&b, &out)) {
			const char *wrong = packet_parse(out.data, out.len, &out.off, &p);

			if (wrong)
				fail_msg("%s", wrong);
			assert_in_range(out.len, 1, 1500);
			assert_int_equal(p.frag_offset, have);
			memcpy(got + have, p.l4, p.l4_len);
			have += p.l4_len;
		}
		assert_int_equal(have, len);
		assert_int_equal(got[0], is4 ? 0 : 129);
		assert_memory_equal(got + 8, data, 65000);
	}
}

static void test_echo_keeps_the_type_of_service(void **state)
{
	(void)state;
	size_t len = packet_echo(buf, BED_PEER4, BED_ADDR4, false, 1, 1, NULL, 0);

	buf[1] = 0x28;
	buf[10] = buf[11] = 0;
	uint16_t sum = packet_checksum(0, buf, 20);

	buf[10] = (uint8_t)(sum >> 8);
	buf[11] = (uint8_t)sum;
	bed_inject(&b, buf, len);
	expect_packet();
	assert_int_equal(p.tos, 0x28);
	len = packet_echo(buf, BED_PEER6, BED_ADDR6, false, 1, 1, NULL, 0);
	buf[0] = 0x62;
	buf[1] = 0x80;
	bed_inject(&b, buf, len);
	expect_packet();
	assert_int_equal(p.tos, 0x28);
}

static void test_wrong_checksum_and_short_messages_are_dropped(void **state)
{
	(void)state;
	for (int is4 = 0; is4 < 2; is4++) {
		size_t len = packet_echo(buf, peer(is4), own(is4), false, 1, 1, "abcd", 4), hdr = is4 ? 20 : 40;

		buf[len - 1] ^= 1;
		bed_inject(&b, buf, len);
		for (size_t n = 0; n < 8; n++) {
			struct ip_fields ip = { .src = peer(is4), .dst = own(is4), .proto = is4 ? 1 : 58 };

			memcpy(inner, buf + hdr, 8);
			bed_inject(&b, buf, packet_ip(buf, &ip, inner, n));
		}
	}
	assert_int_equal(bed_stat(&b, "icmp.drop.checksum"), 2);
	assert_int_equal(bed_stat(&b, "icmp.drop.short"), 16);
	expect_silence();
}

/* RFC 1122 section 3.2.2.6 allows it; RFC 4443 section 4.2 wants groups answered. */
static void test_echo_to_a_broadcast_address_is_answered_only_when_asked_for(void **state)
{
	(void)state;
	bed_inject(&b, buf, packet_echo(buf, BED_PEER4, "10.0.0.255", false, 1, 1, NULL, 0));
	bed_inject(&b, buf, packet_echo(buf, BED_PEER4, "224.0.0.1", false, 1, 1, NULL, 0));
	expect_silence();
	assert_int_equal(bed_stat(&b, "icmp.drop.broadcast"), 2);
	bed_set(&b, "net.ipv4.icmp_echo_ignore_broadcasts", "0");
	bed_inject(&b, buf, packet_echo(buf, BED_PEER4, "10.0.0.255", false, 1, 1, NULL, 0));
	expect_packet();
	assert_true(is_addr(&p.src, BED_ADDR4));
	bed_set(&b, "net.ipv6.icmp.echo_ignore_multicast", "1");
	bed_inject(&b, buf, packet_echo(buf, BED_PEER6, "ff02::1", false, 1, 1, NULL, 0));
	expect_silence();
	bed_set(&b, "net.ipv4.icmp_echo_ignore_all", "1");
	bed_inject(&b, buf, packet_echo(buf, BED_PEER4, BED_ADDR4, false, 1, 1, NULL, 0));
	expect_silence();
	bed_inject(&b, buf, packet_echo(buf, BED_PEER6, BED_ADDR6, false, 1, 1, NULL, 0));
	expect_packet();
	bed_set(&b, "net.ipv6.icmp.echo_ignore_all", "1");
	bed_inject(&b, buf, packet_echo(buf, BED_PEER6, BED_ADDR6, false, 1, 1, NULL, 0));
	expect_silence();
}

/* A datagram to a port that nobody listens on, in inner. */
static size_t stray(const char *src, const char *dst, size_t payload)
{
	return packet_udp(inner, src, 7, dst, 4444, data, payload);
}

/* RFC 1812 section 4.3.2.3: as much as makes 576 bytes; RFC 4443 section 2.4 (c): 1280 */
static void test_error_quotes_as_much_of_the_packet_as_fits(void **state)
{
	static const size_t payloads[] = { 0, 100, 1400 };

	(void)state;
	for (int is4 = 0; is4 < 2; is4++)
		for (size_t i = 0; i < 3; i++) {
			size_t len = stray(peer(is4), own(is4), payloads[i]), max = is4 ? 576 : 1280, hdr = is4 ? 28 : 48;
			size_t expected = len + hdr < max ? len + hdr : max;

			bed_inject(&b, inner, len);
			expect_packet();
			assert_int_equal(p.l4[0], is4 ? 3 : 1);
			assert_int_equal(p.l4[1], is4 ? 3 : 4);
			assert_memory_equal(p.l4 + 4, "\0\0\0\0", 4);
			assert_int_equal(out.len, expected);
			assert_memory_equal(p.l4 + 8, inner, expected - hdr);
			assert_true(is_addr(&p.src, own(is4)));
		}
}

/* RFC 1812 section 4.3.2.5 */
static void test_error_has_the_precedence_of_internetwork_control(void **state)
{
	(void)state;
	bed_inject(&b, inner, stray(BED_PEER4, BED_ADDR4, 0));
	expect_packet();
	assert_int_equal(p.tos, 0xc0);
	assert_false(p.dont_fragment);
}

/* The sender's checksum was left to its device: in the quotation it is complete. */
static void test_quoted_packet_has_its_checksum_completed(void **state)
{
	struct ip_addr src = addr_of(BED_PEER4), dst = addr_of(BED_ADDR4);
	struct frame_offload off = { .csum = FRAME_CSUM_PARTIAL, .csum_start = 20, .csum_offset = 6 };
	size_t len = stray(BED_PEER4, BED_ADDR4, 100);
	uint32_t sum = packet_pseudo_sum(&src, &dst, 17, len - 20);

	(void)state;
	memcpy(buf, inner, len);
	sum = (sum & 0xffff) + (sum >> 16);
	buf[26] = (uint8_t)(sum >> 8);
	buf[27] = (uint8_t)sum;
	bed_inject_off(&b, buf, len, &off);
	expect_packet();
	assert_memory_equal(p.l4 + 8, inner, len);
}

/* RFC 1122 section 3.2.2, RFC 4443 section 2.4 (e) */
static void test_forbidden_cases_are_never_answered(void **state)
{
	size_t len;

	(void)state;
	/* packets to a group or broadcast address */
	bed_inject(&b, inner, stray(BED_PEER4, "10.0.0.255", 0));
	bed_inject(&b, inner, stray(BED_PEER4, "255.255.255.255", 0));
	bed_inject(&b, inner, stray(BED_PEER4, "224.0.0.1", 0));
	bed_inject(&b, inner, stray(BED_PEER6, "ff02::1", 0));
	/* errors: an unknown protocol inside is no reason, nor is a malformed option on top */
	len = packet_icmp_error(buf, BED_PEER4, BED_ADDR4, 3, 3, 0, inner, 60);
	memmove(buf + 24, buf + 20, len - 20);
	memcpy(buf + 20, "\x07\x01\0\0", 4);
	buf[0] = 0x46;
	buf[3] = (uint8_t)(len + 4);
	buf[10] = buf[11] = 0;
	uint16_t sum = packet_checksum(0, buf, 24);

	buf[10] = (uint8_t)(sum >> 8);
	buf[11] = (uint8_t)sum;
	bed_inject(&b, buf, len + 4);
	assert_int_equal(bed_stat(&b, "ip4.drop.option"), 1);
	len = packet_icmp_error(buf, BED_PEER6, BED_ADDR6, 1, 4, 0, inner, 60);
	memmove(buf + 48, buf + 40, len - 40);
	memcpy(buf + 40, "\x3a\0\x9e\0\0\0\0\0", 8); /* destination options with one that demands an answer */
	buf[6] = 60;
	buf[5] = (uint8_t)(len - 40 + 8);
	bed_inject(&b, buf, len + 8);
	assert_int_equal(bed_stat(&b, "ip6.drop.option"), 1);
	expect_silence();
	assert_int_equal(bed_stat(&b, "icmp.out_errors"), 0);
}

/* Linux's net.ipv4.icmp_ratelimit: one a second to each destination, six at once; and icmp_msgs_burst for all. */
static void test_errors_are_limited_for_each_destination_and_for_all(void **state)
{
	char src[32];

	(void)state;
	for (int i = 0; i < 20; i++)
		bed_inject(&b, inner, stray(BED_PEER4, BED_ADDR4, 0));
	assert_int_equal(b.packets, 6);
	bed_drop_all(&b);
	bed_run(&b, 2000000);
	for (int i = 0; i < 20; i++)
		bed_inject(&b, inner, stray(BED_PEER4, BED_ADDR4, 0));
	assert_int_equal(b.packets, 2);
	bed_drop_all(&b);
	for (int i = 0; i < 200; i++) {
		snprintf(src, sizeof(src), "10.0.0.%d", 20 + i);
		bed_inject(&b, inner, stray(src, BED_ADDR4, 0));
	}
	assert_int_equal(b.packets, 48); /* 50 in the bucket, two of them gone just now */
	bed_drop_all(&b);
	bed_run(&b, 10000); /* a thousand a second: ten more */
	for (int i = 0; i < 20; i++) {
		snprintf(src, sizeof(src), "10.0.1.%d", 1 + i);
		bed_inject(&b, inner, stray(src, BED_ADDR4, 0));
	}
	assert_int_equal(bed_stat(&b, "icmp.rate_limited"), 20 - 6 + 20 - 2 + 200 - 48 + 20 - 10);
}

static void test_errors_to_ourselves_and_echo_replies_are_not_limited(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);
	struct ip_endpoint nobody = bed_endpoint("127.0.0.1", 4444);

	(void)state;
	assert_int_equal(sock_connect(s, &nobody, b.now_us), 0);
	for (int i = 0; i < 100; i++) {
		int error = 0;
		size_t len = sizeof(error);

		assert_int_equal(bed_send(&b, s, NULL, 0, "x", 1), 0);
		assert_int_equal(sock_getopt(s, SOL_SOCKET, SO_ERROR, &error, &len, b.now_us), 0);
		assert_int_equal(error, ECONNREFUSED);
	}
	for (int i = 0; i < 1000; i++)
		bed_inject(&b, buf, packet_echo(buf, BED_PEER4, BED_ADDR4, false, 1, (uint16_t)i, NULL, 0));
	assert_int_equal(b.packets, 1000);
	sock_close(s, b.now_us);
}

struct told {
	uint8_t type, code;
	int error;   /* to a socket with IP_RECVERR */
	bool is_hard; /* told to a connected socket without it, too */
};

/* How Linux maps them (icmp(7), ip(7)); RFC 1122 section 4.1.3.3 */
static void check_errors(bool is4, const struct told *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (int recverr = 0; recverr < 2; recverr++) {
			struct sock *s = bed_sock(&b, is4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);
			struct ip_endpoint remote = bed_endpoint(peer(is4), 4000);
			int error = -1;
			size_t len = sizeof(error);

			sock_setopt(s, is4 ? IPPROTO_IP : IPPROTO_IPV6, is4 ? IP_RECVERR : IPV6_RECVERR, &recverr, sizeof(recverr),
				    b.now_us);
			assert_int_equal(sock_connect(s, &remote, b.now_us), 0);
			bed_send(&b, s, NULL, 0, "hello", 5);
			assert_true(bed_next(&b, &out));
			bed_inject(&b, buf, packet_icmp_error(buf, is4 ? "10.0.0.9" : "fd00::9", own(is4), cases[i].type,
							      cases[i].code, 0, out.data, out.len));
			assert_int_equal(sock_getopt(s, SOL_SOCKET, SO_ERROR, &error, &len, b.now_us), 0);
			if (error != (recverr || cases[i].is_hard ? cases[i].error : 0))
				fail_msg("type %u code %u gave %d", cases[i].type, cases[i].code, error);
			sock_close(s, b.now_us);
		}
}

static void test_errors_reach_the_socket_that_sent_the_datagram(void **state)
{
	static const struct told cases4[] = {
		{ 3, 0, ENETUNREACH, false }, { 3, 1, EHOSTUNREACH, false }, { 3, 2, ENOPROTOOPT, true },
		{ 3, 3, ECONNREFUSED, true }, { 3, 5, EOPNOTSUPP, false },   { 3, 6, ENETUNREACH, true },
		{ 3, 7, EHOSTDOWN, true },    { 3, 9, ENETUNREACH, true },   { 3, 10, EHOSTUNREACH, true },
		{ 3, 13, EHOSTUNREACH, true }, { 11, 0, EHOSTUNREACH, false }, { 12, 0, EPROTO, true },
	};
	static const struct told cases6[] = {
		{ 1, 0, ENETUNREACH, false }, { 1, 1, EACCES, true },	     { 1, 3, EHOSTUNREACH, false },
		{ 1, 4, ECONNREFUSED, true }, { 3, 0, EHOSTUNREACH, false }, { 4, 1, EPROTO, true },
	};
	(void)state;

	check_errors(true, cases4, sizeof(cases4) / sizeof(cases4[0]));
	check_errors(false, cases6, sizeof(cases6) / sizeof(cases6[0]));
}

static void test_error_about_what_we_cannot_have_sent_is_dropped(void **state)
{
	size_t len;
	uint64_t n = 0;

	(void)state;
	for (int is4 = 0; is4 < 2; is4++) {
		uint8_t type = is4 ? 3 : 1;

		/* the quoted packet is the peer's, not ours */
		len = packet_udp(inner, peer(is4), 1, own(is4), 2, "12345678", 8);
		bed_inject(&b, buf, packet_icmp_error(buf, peer(is4), own(is4), type, 3, 0, inner, len));
		assert_int_equal(bed_stat(&b, "icmp.drop.quote"), ++n);
		/* cut short at every place before eight bytes of its transport header */
		len = packet_udp(inner, own(is4), 1, peer(is4), 2, "12345678", 8);
		for (size_t cut = 0; cut < (is4 ? 28u : 48u); cut++) {
			bed_inject(&b, buf, packet_icmp_error(buf, peer(is4), own(is4), type, 3, 0, inner, cut));
			assert_int_equal(bed_stat(&b, "icmp.drop.quote"), ++n);
		}
		/* of the wrong version, or a later fragment */
		inner[0] ^= 0xf0;
		bed_inject(&b, buf, packet_icmp_error(buf, peer(is4), own(is4), type, 3, 0, inner, len));
		assert_int_equal(bed_stat(&b, "icmp.drop.quote"), ++n);
	}
	struct ip_fields ip = { .src = BED_ADDR4, .dst = BED_PEER4, .proto = 17, .frag_offset = 8 };

	len = packet_ip(inner, &ip, "0123456789abcdef", 16);
	bed_inject(&b, buf, packet_icmp_error(buf, BED_PEER4, BED_ADDR4, 3, 3, 0, inner, len));
	assert_int_equal(bed_stat(&b, "icmp.drop.quote"), ++n);
	/* told by a group address (RFC 1122 section 3.2.2: not to be believed when broadcast) */
	len = packet_udp(inner, BED_ADDR4, 1, BED_PEER4, 2, "12345678", 8);
	bed_inject(&b, buf, packet_icmp_error(buf, BED_PEER4, "10.0.0.255", 3, 3, 0, inner, len));
	assert_int_equal(bed_stat(&b, "icmp.drop.quote"), ++n);
	expect_silence();
}

/* RFC 6633: source quench; RFC 1122 section 3.2.2.7 and others: information messages */
static void test_types_that_are_not_spoken_are_dropped_without_an_answer(void **state)
{
	static const uint8_t types4[] = { 4, 1, 2, 9, 10, 13, 15, 17, 30, 255 }, types6[] = { 139, 140, 150, 200, 255 };

	(void)state;
	for (size_t i = 0; i < sizeof(types4); i++)
		bed_inject(&b, buf, packet_icmp_error(buf, BED_PEER4, BED_ADDR4, types4[i], 0, 0, NULL, 0));
	for (size_t i = 0; i < sizeof(types6); i++)
		bed_inject(&b, buf, packet_icmp_error(buf, BED_PEER6, BED_ADDR6, types6[i], 0, 0, NULL, 0));
	assert_int_equal(bed_stat(&b, "icmp.drop.type"), sizeof(types4) + sizeof(types6));
	bed_inject(&b, buf, packet_echo(buf, BED_PEER4, BED_ADDR4, true, 1, 1, NULL, 0));
	assert_int_equal(bed_stat(&b, "icmp.drop.unmatched"), 1);
	expect_silence();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_echo_of_any_size_is_answered),
		TEST(test_largest_echo_is_answered_in_fragments),
		TEST(test_echo_keeps_the_type_of_service),
		TEST(test_wrong_checksum_and_short_messages_are_dropped),
		TEST(test_echo_to_a_broadcast_address_is_answered_only_when_asked_for),
		TEST(test_error_quotes_as_much_of_the_packet_as_fits),
		TEST(test_error_has_the_precedence_of_internetwork_control),
		TEST(test_quoted_packet_has_its_checksum_completed),
		TEST(test_forbidden_cases_are_never_answered),
		TEST(test_errors_are_limited_for_each_destination_and_for_all),
		TEST(test_errors_to_ourselves_and_echo_replies_are_not_limited),
		TEST(test_errors_reach_the_socket_that_sent_the_datagram),
		TEST(test_error_about_what_we_cannot_have_sent_is_dropped),
		TEST(test_types_that_are_not_spoken_are_dropped_without_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
