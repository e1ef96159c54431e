/* SPDX-License-Identifier: BSD-2-Clause */
/* IPv4 by exact packets: what is refused, what options do, what goes out (RFC 791, RFC 1122 section 3.2.1, RFC 6864). */
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

static struct bed b;
static struct bed_packet out;
static struct packet p;
static uint8_t buf[70000];

static int setup(void **state)
{
	(void)state;
	bed_open(&b, 5, LINK_IP);
	return 0;
}

static int setup_ethernet(void **state)
{
	(void)state;
	bed_open(&b, 5, LINK_ETHERNET);
	lan_introduce_peer(&b);
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

/* An echo request from the peer in buf; its length. */
static size_t echo(void)
{
	return packet_echo(buf, BED_PEER4, BED_ADDR4, false, 1, 1, "12345678", 8);
}

static void fix_header(void)
{
	buf[10] = buf[11] = 0;
	uint16_t sum = packet_checksum(0, buf, (buf[0] & 0xf) * 4u);

	buf[10] = (uint8_t)(sum >> 8);
	buf[11] = (uint8_t)sum;
}

struct bad_header {
	const char *counter;
	size_t at;
	uint8_t value;
	bool fix; /* a right checksum over the wrong field */
};

/* RFC 1122 sections 3.2.1.1, 3.2.1.2, RFC 791 section 3.1 */
static void test_impossible_header_is_dropped_under_its_counter(void **state)
{
	static const struct bad_header cases[] = {
		{ "ip4.drop.version", 0, 0x55, true },
		{ "ip4.drop.header_len", 0, 0x44, true },
		{ "ip4.drop.header_len", 0, 0x4f, false }, /* 60 bytes of header in a packet of 36 */
		{ "ip4.drop.length", 3, 19, true },	   /* below its header */
		{ "ip4.drop.length", 3, 37, true },	   /* past the frame */
		{ "ip4.drop.length", 2, 0xff, true },
		{ "ip4.drop.checksum", 1, 4, false },
		{ "ip4.drop.checksum", 10, 0, false },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t before = bed_stat(&b, cases[i].counter);
		size_t len = echo();

		buf[cases[i].at] = cases[i].value == buf[cases[i].at] ? 0xff : cases[i].value;
		if (cases[i].fix)
			fix_header();
		bed_inject(&b, buf, len);
		expect_silence();
		assert_int_equal(bed_stat(&b, cases[i].counter), before + 1);
	}
	for (size_t len = 0; len < 20; len++) {
		echo();
		bed_inject(&b, buf, len);
	}
	assert_int_equal(bed_stat(&b, "ip4.drop.short"), 20);
	expect_silence();
}

struct martian {
	const char *src, *dst, *counter;
};

/* RFC 1122 section 3.2.1.3, RFC 6890, and the land attack */
static void test_impossible_address_is_dropped_under_its_counter(void **state)
{
	static const struct martian cases[] = {
		{ "224.0.0.5", BED_ADDR4, "ip4.drop.source" },
		{ "255.255.255.255", BED_ADDR4, "ip4.drop.source" },
		{ "240.0.0.1", BED_ADDR4, "ip4.drop.source" },
		{ "0.0.0.0", BED_ADDR4, "ip4.drop.source" },
		{ "0.1.2.3", BED_ADDR4, "ip4.drop.source" },
		{ "10.0.0.255", BED_ADDR4, "ip4.drop.source" }, /* a directed broadcast */
		{ "127.0.0.1", BED_ADDR4, "ip4.drop.loopback" },
		{ BED_PEER4, "127.0.0.1", "ip4.drop.loopback" },
		{ BED_PEER4, "127.9.9.9", "ip4.drop.loopback" },
		{ BED_ADDR4, BED_ADDR4, "ip4.drop.land" },
		{ BED_PEER4, "10.0.0.3", "ip4.drop.not_ours" },
		{ BED_PEER4, "192.0.2.1", "ip4.drop.not_ours" }, /* forwarded never */
		{ BED_PEER4, "224.0.0.9", "ip4.drop.not_ours" }, /* a group we are not in */
		{ BED_PEER4, "250.0.0.1", "ip4.drop.not_ours" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t before = bed_stat(&b, cases[i].counter);

		bed_inject(&b, buf, packet_echo(buf, cases[i].src, cases[i].dst, false, 1, 1, NULL, 0));
		expect_silence();
		if (bed_stat(&b, cases[i].counter) != before + 1)
			fail_msg("%s -> %s was not counted as %s", cases[i].src, cases[i].dst, cases[i].counter);
	}
}

static void test_padding_after_the_packet_is_not_part_of_it(void **state)
{
	size_t len = echo();

	(void)state;
	memset(buf + len, 0xee, 100);
	bed_inject(&b, buf, len + 100);
	expect_packet();
	assert_int_equal(out.len, len);
}

/* RFC 1122 section 3.2.1.7: the host does not look at the TTL of what is for itself. */
static void test_ttl_of_one_or_zero_is_no_reason_to_drop(void **state)
{
	(void)state;
	for (uint8_t ttl = 0; ttl < 2; ttl++) {
		size_t len = echo();

		buf[8] = ttl;
		fix_header();
		bed_inject(&b, buf, len);
		expect_packet();
		assert_int_equal(p.ttl, 64);
	}
}

static struct sock *udp_bound(const char *addr, uint16_t port)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);
	struct ip_endpoint local = bed_endpoint(addr, port);

	assert_int_equal(sock_bind(s, &local), 0);
	return s;
}

static bool is_addr(const struct ip_addr *a, const char *text)
{
	struct ip_addr expected = addr_of(text);

	return ip_addr_eq(a, &expected);
}

static bool takes_datagram(struct sock *s)
{
	struct frame *f = sock_recv_frame(s);

	frame_unref(f);
	return f != NULL;
}

/* RFC 1122 section 3.3.6: limited and directed broadcasts, and the obsolete forms with zeros */
static void test_broadcasts_of_every_form_are_received(void **state)
{
	static const char *const forms[] = { "255.255.255.255", "10.0.0.255", "10.0.0.0", "0.0.0.0" };
	struct sock *s = udp_bound("0.0.0.0", 5000);

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		bed_inject(&b, buf, packet_udp(buf, BED_PEER4, 1, forms[i], 5000, "x", 1));
		if (!takes_datagram(s))
			fail_msg("not received: %s", forms[i]);
	}
	/* and no error answers one that nobody waits for (RFC 1122 section 3.2.2) */
	bed_inject(&b, buf, packet_udp(buf, BED_PEER4, 1, "10.0.0.255", 5001, "x", 1));
	expect_silence();
	sock_close(s, b.now_us);
}

static void test_broadcasts_are_sent_to_the_broadcast_link_address(void **state)
{
	static const char *const forms[] = { "255.255.255.255", "10.0.0.255" };
	struct sock *s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);
	int on = 1;

	(void)state;
	assert_int_equal(sock_setopt(s, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on), b.now_us), 0);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(bed_send(&b, s, forms[i], 9, "x", 1), 0);
		assert_true(bed_next(&b, &out));
		assert_true(lan_is_ip(&out, lan_broadcast));
		assert_null(packet_parse(out.data + 14, out.len - 14, NULL, &p));
		assert_true(is_addr(&p.dst, forms[i]));
		assert_true(is_addr(&p.src, BED_ADDR4));
	}
	sock_close(s, b.now_us);
}

/* RFC 1112 section 6.4 */
static void test_group_is_sent_to_its_mapped_link_address(void **state)
{
	static const uint8_t mac[6] = { 0x01, 0, 0x5e, 0x01, 0x02, 0x03 };
	struct sock *s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);

	(void)state;
	assert_int_equal(bed_send(&b, s, "239.129.2.3", 9, "x", 1), 0);
	assert_true(bed_next(&b, &out));
	assert_true(lan_is_ip(&out, mac));
	sock_close(s, b.now_us);
}

/* RFC 1122 section 3.3.6: "SHOULD silently discard a datagram that is received via a link-layer broadcast but does not specify
 * an IP multicast or broadcast destination address" */
static void test_unicast_packet_in_a_broadcast_frame_is_dropped(void **state)
{
	size_t len = packet_ethernet(buf, echo(), lan_broadcast, bed_peer_mac);

	(void)state;
	bed_inject(&b, buf, len);
	expect_silence();
	assert_int_equal(bed_stat(&b, "ip4.drop.l2_broadcast"), 1);
}

/* An echo request with options in buf, padded to a multiple of four. */
static size_t echo_with(const uint8_t *options, size_t options_len)
{
	size_t len = echo(), padded = (options_len + 3) & ~(size_t)3;

	memmove(buf + 20 + padded, buf + 20, len - 20);
	memset(buf + 20, 0, padded);
	memcpy(buf + 20, options, options_len);
	buf[0] = (uint8_t)(0x45 + padded / 4);
	buf[3] = (uint8_t)(len + padded);
	fix_header();
	return len + padded;
}

/* RFC 791 section 3.1: the pointer moves past the address that is put in; RFC 1122 section 3.2.2.6: the reply carries it. */
static void test_record_route_comes_back_with_our_address(void **state)
{
	static const uint8_t request[11] = { 7, 11, 8, 10, 0, 0, 9 };
	static const uint8_t expected[12] = { 7, 11, 12, 10, 0, 0, 9, 10, 0, 0, 1, 0 };

	(void)state;
	bed_inject(&b, buf, echo_with(request, sizeof(request)));
	assert_true(bed_next(&b, &out));
	assert_int_equal(out.data[0], 0x48);
	assert_memory_equal(out.data + 20, expected, sizeof(expected));
	assert_int_equal(packet_checksum(0, out.data, 32), 0);
	assert_int_equal(out.data[32], 0);
	assert_int_equal(packet_checksum(0, out.data + 32, out.len - 32), 0);
}

/* RFC 791 section 3.1: full: the overflow count; time not of day: the high bit */
static void test_timestamp_comes_back_with_our_time_or_an_overflow(void **state)
{
	static const uint8_t with_room[12] = { 68, 12, 5, 1 }, full[8] = { 68, 8, 9, 0x20, 1, 2, 3, 4 };

	(void)state;
	bed_inject(&b, buf, echo_with(with_room, sizeof(with_room)));
	assert_true(bed_next(&b, &out));
	assert_int_equal(out.data[22], 13);
	assert_memory_equal(out.data + 24, "\x0a\0\0\x01", 4);
	assert_int_equal(out.data[28] & 0x80, 0x80);
	assert_int_equal((out.data[30] << 8 | out.data[31]), 1000); /* milliseconds at BED_START_US */

	bed_inject(&b, buf, echo_with(full, sizeof(full)));
	assert_true(bed_next(&b, &out));
	assert_int_equal(out.data[23], 0x30);
	assert_memory_equal(out.data + 24, "\1\2\3\4", 4);
}

/* RFC 7126 sections 4.3, 4.4 */
static void test_source_routes_are_refused(void **state)
{
	static const uint8_t lsrr[7] = { 131, 7, 4, 10, 0, 0, 9 }, ssrr[7] = { 137, 7, 8, 10, 0, 0, 9 };

	(void)state;
	bed_inject(&b, buf, echo_with(lsrr, sizeof(lsrr)));
	bed_inject(&b, buf, echo_with(ssrr, sizeof(ssrr)));
	expect_silence();
	assert_int_equal(bed_stat(&b, "ip4.drop.source_route"), 2);
}

/* RFC 1122 section 3.2.1.8: "MUST silently ignore IP options not understood" */
static void test_unknown_options_are_passed_over(void **state)
{
	static const uint8_t options[] = { 1, 130, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 77, 3, 9, 148, 4, 0, 0, 0 };

	(void)state;
	bed_inject(&b, buf, echo_with(options, sizeof(options)));
	expect_packet();
	assert_int_equal(p.l4[0], 0);
}

/* RFC 1122 section 3.2.2.5: the pointer is where it is wrong: of a bad length, the option, as Linux */
static void test_malformed_option_is_answered_with_its_place(void **state)
{
	static const struct {
		uint8_t options[8];
		size_t len;
		uint8_t pointer;
	} cases[] = {
		{ { 1, 7, 1, 4 }, 4, 21 },	       /* length 1 */
		{ { 7, 40, 4, 0 }, 4, 20 },	       /* longer than the header */
		{ { 1, 1, 1, 7 }, 4, 23 },	       /* no length at all */
		{ { 7, 7, 3, 0, 0, 0, 0 }, 7, 22 },    /* pointer into the option's head */
		{ { 68, 8, 4, 0, 0, 0, 0, 0 }, 8, 22 },
		{ { 7, 6, 4, 0, 0, 0 }, 6, 22 },       /* some room, but not enough (RFC 791 section 3.1) */
		{ { 68, 6, 5, 0, 0, 0 }, 6, 22 },
		{ { 68, 8, 5, 1, 0, 0, 0, 0 }, 8, 22 },
		{ { 68, 4, 5, 0xf0 }, 4, 23 },	       /* nor for the count of those who had no room */
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bed_inject(&b, buf, echo_with(cases[i].options, cases[i].len));
		expect_packet();
		assert_int_equal(p.l4[0], 12);
		assert_int_equal(p.l4[1], 0);
		assert_int_equal(p.l4[4], cases[i].pointer);
		assert_memory_equal(p.l4 + 8, buf, 28);
		bed_run(&b, 10000000); /* the rate limit's bucket fills */
	}
	assert_int_equal(bed_stat(&b, "ip4.drop.option"), 9);
}

/* RFC 791 section 3.1 lists no such flag, and does not say what to do with it: Linux leaves the option as it is. */
static void test_timestamp_with_an_unknown_flag_comes_back_as_it_was(void **state)
{
	static const uint8_t option[8] = { 68, 8, 5, 2, 0, 0, 0, 0 };

	(void)state;
	bed_inject(&b, buf, echo_with(option, sizeof(option)));
	assert_true(bed_next(&b, &out));
	assert_int_equal(out.data[0], 0x47);
	assert_memory_equal(out.data + 20, option, sizeof(option));
}

/* RFC 1122 section 3.2.2.1: protocol unreachable */
static void test_protocol_that_nobody_speaks_is_unreachable(void **state)
{
	struct ip_fields ip = { .src = BED_PEER4, .dst = BED_ADDR4, .proto = 99 };
	size_t len = packet_ip(buf, &ip, "12345678", 8);

	(void)state;
	bed_inject(&b, buf, len);
	expect_packet();
	assert_int_equal(p.l4[0], 3);
	assert_int_equal(p.l4[1], 2);
	assert_memory_equal(p.l4 + 8, buf, len);
	assert_int_equal(bed_stat(&b, "ip4.drop.protocol"), 1);
}

/* RFC 6864 sections 4.2, 4.3: identifications matter, and must differ, where fragmentation is possible. */
static void test_identifications_of_what_may_be_fragmented_differ(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);
	int pmtudisc = IP_PMTUDISC_DONT;
	uint16_t ids[100];

	(void)state;
	assert_int_equal(sock_setopt(s, IPPROTO_IP, IP_MTU_DISCOVER, &pmtudisc, sizeof(pmtudisc), b.now_us), 0);
	for (int i = 0; i < 100; i++) {
		bed_send(&b, s, BED_PEER4, 9, "x", 1);
		expect_packet();
		assert_false(p.dont_fragment);
		ids[i] = p.id;
		for (int j = 0; j < i; j++)
			assert_int_not_equal(ids[i], ids[j]);
	}
	pmtudisc = IP_PMTUDISC_DO;
	assert_int_equal(sock_setopt(s, IPPROTO_IP, IP_MTU_DISCOVER, &pmtudisc, sizeof(pmtudisc), b.now_us), 0);
	bed_send(&b, s, BED_PEER4, 9, "x", 1);
	expect_packet();
	assert_true(p.dont_fragment);
	assert_int_equal(p.id, 0);
	sock_close(s, b.now_us);
}

static void test_tos_and_ttl_of_the_socket_are_in_the_header(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);
	int tos = 0xb8, ttl = 7;

	(void)state;
	assert_int_equal(sock_setopt(s, IPPROTO_IP, IP_TOS, &tos, sizeof(tos), b.now_us), 0);
	assert_int_equal(sock_setopt(s, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl), b.now_us), 0);
	bed_send(&b, s, BED_PEER4, 9, "x", 1);
	expect_packet();
	assert_int_equal(p.tos, 0xb8);
	assert_int_equal(p.ttl, 7);
	sock_close(s, b.now_us);
}

/* Offload descriptions are input like any other (virtio 1.2 section 5.1.6.4). */
static void test_offload_description_that_does_not_fit_is_dropped(void **state)
{
	static const struct frame_offload lies[] = {
		{ .csum = FRAME_CSUM_PARTIAL, .csum_start = 60000, .csum_offset = 6 },
		{ .csum = FRAME_CSUM_PARTIAL, .csum_start = 20, .csum_offset = 60000 },
		{ .csum = FRAME_CSUM_PARTIAL, .csum_start = 20, .csum_offset = 15 }, /* one byte past the end */
		{ .csum = 9 },
		{ .gso = 9 },
		{ .csum = FRAME_CSUM_VALID, .gso = FRAME_GSO_UDP },		      /* no segment size */
		{ .csum = FRAME_CSUM_NONE, .gso = FRAME_GSO_UDP, .gso_size = 4 },    /* no checksum to be made */
		{ .csum = FRAME_CSUM_VALID, .gso = FRAME_GSO_UDP, .gso_size = 4, .hdr_len = 5000 },
		{ .csum = FRAME_CSUM_VALID, .gso = FRAME_GSO_TCP4, .gso_size = 4 },  /* it is ICMP */
		{ .csum = FRAME_CSUM_VALID, .gso = FRAME_GSO_TCP6, .gso_size = 4 },
		{ .csum = FRAME_CSUM_PARTIAL, .csum_start = 20, .csum_offset = 2, .gso = FRAME_GSO_UDP, .gso_size = 4 },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		size_t len = echo();

		bed_inject_off(&b, buf, len, &lies[i]);
		if (bed_stat(&b, "link.drop.offload") != i + 1)
			fail_msg("lie %zu was believed", i);
	}
	expect_silence();
}

static void test_partial_checksum_of_another_protocol_is_completed_and_verified(void **state)
{
	struct frame_offload off = { .csum = FRAME_CSUM_PARTIAL, .csum_start = 20, .csum_offset = 2 };
	size_t len = echo();

	(void)state;
	buf[22] = buf[23] = 0; /* ICMP has no pseudo-header */
	bed_inject_off(&b, buf, len, &off);
	expect_packet();
	assert_int_equal(p.l4[0], 0);
	len = echo();
	buf[22] = 1; /* not what completing gives */
	buf[23] = 0;
	bed_inject_off(&b, buf, len, &off);
	expect_silence();
	assert_int_equal(bed_stat(&b, "icmp.drop.checksum"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_ETHERNET(name) cmocka_unit_test_setup_teardown(name, setup_ethernet, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_impossible_header_is_dropped_under_its_counter),
		TEST(test_impossible_address_is_dropped_under_its_counter),
		TEST(test_padding_after_the_packet_is_not_part_of_it),
		TEST(test_ttl_of_one_or_zero_is_no_reason_to_drop),
		TEST(test_broadcasts_of_every_form_are_received),
		TEST_ETHERNET(test_broadcasts_are_sent_to_the_broadcast_link_address),
		TEST_ETHERNET(test_group_is_sent_to_its_mapped_link_address),
		TEST_ETHERNET(test_unicast_packet_in_a_broadcast_frame_is_dropped),
		TEST(test_record_route_comes_back_with_our_address),
		TEST(test_timestamp_comes_back_with_our_time_or_an_overflow),
		TEST(test_source_routes_are_refused),
		TEST(test_unknown_options_are_passed_over),
		TEST(test_malformed_option_is_answered_with_its_place),
		TEST(test_timestamp_with_an_unknown_flag_comes_back_as_it_was),
		TEST(test_protocol_that_nobody_speaks_is_unreachable),
		TEST(test_identifications_of_what_may_be_fragmented_differ),
		TEST(test_tos_and_ttl_of_the_socket_are_in_the_header),
		TEST(test_offload_description_that_does_not_fit_is_dropped),
		TEST(test_partial_checksum_of_another_protocol_is_completed_and_verified),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
