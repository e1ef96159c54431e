/* SPDX-License-Identifier: BSD-2-Clause */
/* IPv6 by exact packets: what is refused, the chain of extension headers, what goes out (RFC 8200, 4291, 5095, 6946). */
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

static struct bed b;
static struct bed_packet out;
static struct packet p;
static uint8_t buf[70000];

enum { HBH = 0, ROUTING = 43, FRAGMENT = 44, NO_NEXT = 59, DEST = 60, ICMP6 = 58 };

static int setup(void **state)
{
	(void)state;
	bed_open(&b, 6, LINK_IP);
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

static void expect_echo_reply(void)
{
	expect_packet();
	assert_int_equal(p.proto, ICMP6);
	assert_int_equal(p.l4[0], 129);
}

/* A parameter problem with @code whose pointer is @pointer, about the packet in buf. */
static void expect_problem(uint8_t code, uint32_t pointer)
{
	expect_packet();
	assert_int_equal(p.l4[0], 4);
	assert_int_equal(p.l4[1], code);
	assert_int_equal(p.l4[4] << 24 | p.l4[5] << 16 | p.l4[6] << 8 | p.l4[7], pointer);
	assert_memory_equal(p.l4 + 8, buf, p.l4_len - 8);
	expect_silence();
	bed_run(&b, 10000000); /* the rate limit's bucket fills */
}

static size_t echo_to(const char *dst)
{
	return packet_echo(buf, BED_PEER6, dst, false, 1, 1, "12345678", 8);
}

static size_t insert(size_t len, const struct ext *exts, size_t count)
{
	return ext_insert(buf, len, exts, count);
}

static void test_impossible_header_is_dropped_under_its_counter(void **state)
{
	size_t len = echo_to(BED_ADDR6);

	(void)state;
	buf[0] = 0x50; /* version 5: taken for IPv4, and not that either */
	bed_inject(&b, buf, len);
	assert_int_equal(bed_stat(&b, "ip4.drop.version"), 1);
	echo_to(BED_ADDR6);
	buf[5]++;
	bed_inject(&b, buf, len);
	assert_int_equal(bed_stat(&b, "ip6.drop.length"), 1);
	for (len = 1; len < 40; len++) {
		echo_to(BED_ADDR6);
		bed_inject(&b, buf, len);
	}
	assert_int_equal(bed_stat(&b, "ip6.drop.short"), 39);
	expect_silence();
}

struct martian {
	const char *src, *dst, *counter;
};

/* RFC 4291 sections 2.5.2, 2.5.3, 2.7; mapped addresses: RFC 4942 section 2.2 */
static void test_impossible_address_is_dropped_under_its_counter(void **state)
{
	static const struct martian cases[] = {
		{ "ff02::1", BED_ADDR6, "ip6.drop.source" },
		{ "::", BED_ADDR6, "ip6.drop.source" },
		{ "::1", BED_ADDR6, "ip6.drop.loopback" },
		{ BED_PEER6, "::1", "ip6.drop.loopback" },
		{ BED_ADDR6, BED_ADDR6, "ip6.drop.land" },
		{ BED_PEER6, "fd00::3", "ip6.drop.not_ours" },
		{ BED_PEER6, "2001:db8::1", "ip6.drop.not_ours" },
		{ BED_PEER6, "ff02::2", "ip6.drop.not_ours" }, /* all routers */
		{ BED_PEER6, "ff00::1", "ip6.drop.not_ours" }, /* reserved scope */
		{ BED_PEER6, "ff01::1", "ip6.drop.not_ours" }, /* interface-local, from outside */
		{ BED_PEER6, "ff02::1:ff00:9", "ip6.drop.not_ours" },
		{ BED_PEER6, "::", "ip6.drop.not_ours" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t before = bed_stat(&b, cases[i].counter);

		bed_inject(&b, buf, packet_echo(buf, cases[i].src, cases[i].dst, false, 1, 1, NULL, 0));
		expect_silence();
		if (bed_stat(&b, cases[i].counter) != before + 1)
			fail_msg("%s -> %s was not counted as %s", cases[i].src, cases[i].dst, cases[i].counter);
	}
	/* Hop limit 255 gets past the land check for neighbour discovery's sake, but nothing else may use that. */
	size_t len = packet_echo(buf, BED_ADDR6, BED_ADDR6, false, 1, 1, NULL, 0);

	buf[7] = 255;
	bed_inject(&b, buf, len);
	assert_int_equal(bed_stat(&b, "ip6.drop.land"), 2);
	expect_silence();
}

static void test_ipv4_mapped_addresses_are_refused_on_the_wire(void **state)
{
	struct ip_addr mapped = addr_of(BED_ADDR4);
	size_t len = echo_to(BED_ADDR6);

	(void)state;
	memcpy(buf + 24, mapped.b, 16);
	bed_inject(&b, buf, len);
	echo_to(BED_ADDR6);
	mapped = addr_of(BED_PEER4);
	memcpy(buf + 8, mapped.b, 16);
	bed_inject(&b, buf, len);
	assert_int_equal(bed_stat(&b, "ip6.drop.mapped"), 2);
	expect_silence();
}

static void test_bytes_after_the_payload_are_not_part_of_it(void **state)
{
	size_t len = echo_to(BED_ADDR6);

	(void)state;
	bed_inject(&b, buf, len + 50);
	expect_echo_reply();
	assert_int_equal(out.len, len);
}

/* RFC 8200 section 4.1: any order of known headers is accepted, hop-by-hop options first. */
static void test_known_headers_are_passed_over(void **state)
{
	static const struct ext chain[] = {
		{ HBH, { 0, 5, 2, 0, 0, 1, 0 }, 0 },		     /* router alert, PadN */
		{ DEST, { 0, 1, 4, 0, 0, 0, 0 }, 0 },		     /* PadN */
		{ ROUTING, { 2, 2, 0 }, 24 },			     /* no segments left: any type is passed over */
		{ DEST, { 0, 0, 0, 0, 0, 0, 0 }, 0 },		     /* Pad1 six times */
	};
	(void)state;

	bed_inject(&b, buf, insert(echo_to(BED_ADDR6), chain, 4));
	expect_echo_reply();
}

static void test_hop_by_hop_options_in_a_later_place_are_a_parameter_problem(void **state)
{
	static const struct ext chain[] = { { DEST, { 0, 1, 4 }, 0 }, { HBH, { 0, 1, 4 }, 0 } };

	(void)state;
	bed_inject(&b, buf, insert(echo_to(BED_ADDR6), chain, 2));
	expect_problem(1, 40);
}

/* RFC 8200 section 4.2: the two high bits of an unknown option's type */
static void test_unknown_option_is_treated_as_its_high_bits_say(void **state)
{
	struct ext chain = { DEST, { 0, 1, 0, 0x1e, 2, 0, 0 }, 0 };
	size_t len;

	(void)state;
	bed_inject(&b, buf, insert(echo_to(BED_ADDR6), &chain, 1));
	expect_echo_reply();
	chain.body[3] = 0x5e;
	bed_inject(&b, buf, insert(echo_to(BED_ADDR6), &chain, 1));
	expect_silence();
	for (int high = 2; high < 4; high++) {
		chain.body[3] = (uint8_t)(high << 6 | 0x1e);
		bed_inject(&b, buf, insert(echo_to(BED_ADDR6), &chain, 1));
		expect_problem(2, 44);
	}
	assert_int_equal(bed_stat(&b, "ip6.drop.option"), 3);
	/* To a group: 10 is answered all the same, 11 is not (RFC 4443 section 2.4 (e.3)). */
	chain.body[3] = 0xde;
	len = insert(echo_to("ff02::1"), &chain, 1);
	bed_inject(&b, buf, len);
	expect_silence();
	chain.body[3] = 0x9e;
	bed_inject(&b, buf, insert(echo_to("ff02::1"), &chain, 1));
	expect_problem(2, 44);
}

/* RFC 5095 section 3, RFC 8200 section 4.4: the pointer is the routing type */
static void test_routing_header_with_segments_left_is_refused(void **state)
{
	struct ext chain = { ROUTING, { 2, 0, 1 }, 24 };

	(void)state;
	for (uint8_t type = 0; type < 5; type++) {
		chain.body[1] = type;
		bed_inject(&b, buf, insert(echo_to(BED_ADDR6), &chain, 1));
		expect_problem(0, 42);
	}
	assert_int_equal(bed_stat(&b, "ip6.drop.routing"), 5);
}

static void test_header_that_runs_past_the_packet_is_dropped(void **state)
{
	struct ext chain = { DEST, { 200, 1, 4 }, 0 };
	static const struct ext bad_option = { DEST, { 0, 1, 5, 0, 0, 0, 0 }, 0 };
	size_t len;

	(void)state;
	bed_inject(&b, buf, insert(echo_to(BED_ADDR6), &chain, 1));
	bed_inject(&b, buf, insert(echo_to(BED_ADDR6), &bad_option, 1)); /* an option that runs past its header */
	chain.body[0] = 0;
	len = insert(echo_to(BED_ADDR6), &chain, 1);
	for (size_t cut = 40; cut < 48; cut++) { /* the header itself is cut off */
		buf[4] = 0;
		buf[5] = (uint8_t)(cut - 40);
		bed_inject(&b, buf, cut);
	}
	assert_true(len > 48);
	assert_int_equal(bed_stat(&b, "ip6.drop.headers"), 10);
	expect_silence();
}

/* RFC 8200 section 4.1: "any order and occurring any number of times" */
static void test_8200_4_1_any_number_of_headers_is_processed(void **state)
{
	static struct ext chain[150];

	(void)state;
	for (size_t i = 0; i < 150; i++)
		chain[i] = (struct ext){ i % 2 ? ROUTING : DEST, { 0, 1, 4 }, 0 };
	for (size_t i = 1; i < 150; i += 2)
		chain[i] = (struct ext){ ROUTING, { 0, 33, 0 }, 0 };
	bed_inject(&b, buf, insert(echo_to(BED_ADDR6), chain, 150));
	expect_echo_reply();
}

/* The options that a header may hold, padding not counted: eight unless configured, and more are dropped silently */
static void test_8504_5_3_options_of_a_header_are_limited(void **state)
{
	static const uint8_t types[] = { DEST, HBH };
	static const char *const names[] = { "net.ipv6.max_dst_opts_number", "net.ipv6.max_hbh_opts_number" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct ext options = { types[i], { 2 }, 24 };

		for (int n = 0; n < 8; n++)
			options.body[1 + 2 * n] = 0x1e;
		memcpy(options.body + 1 + 2 * 8, "\x01\x04", 2); /* padding is not counted */
		bed_inject(&b, buf, insert(echo_to(BED_ADDR6), &options, 1));
		expect_echo_reply();
		memcpy(options.body + 1 + 2 * 8, "\x1e\x00\x01\x02", 4); /* the ninth */
		bed_inject(&b, buf, insert(echo_to(BED_ADDR6), &options, 1));
		expect_silence();
		bed_set(&b, names[i], "9");
		bed_inject(&b, buf, insert(echo_to(BED_ADDR6), &options, 1));
		expect_echo_reply();
	}
	assert_int_equal(bed_stat(&b, "ip6.drop.headers"), 2);
}

/* Headers of any length by default, and of a configured one */
static void test_8504_5_3_length_of_a_header_may_be_limited(void **state)
{
	static struct ext longest = { DEST, { 255 }, 2048 };
	static uint8_t body[2048 - 2];

	(void)state;
	/* one unknown option of 255 bytes after another */
	for (size_t at = 0; at < 7 * 257; at += 257) {
		body[at] = 0x1e;
		body[at + 1] = 255;
	}
	body[7 * 257] = 0x1e;
	body[7 * 257 + 1] = (uint8_t)(sizeof(body) - 7 * 257 - 2);
	memcpy(longest.body + 1, body, sizeof(body));
	bed_inject(&b, buf, insert(echo_to(BED_ADDR6), &longest, 1));
	expect_echo_reply();
	bed_set(&b, "net.ipv6.max_dst_opts_length", "2040");
	bed_inject(&b, buf, insert(echo_to(BED_ADDR6), &longest, 1));
	expect_silence();
	longest.type = HBH;
	bed_inject(&b, buf, insert(echo_to(BED_ADDR6), &longest, 1));
	expect_echo_reply();
	bed_set(&b, "net.ipv6.max_hbh_length", "2040");
	bed_inject(&b, buf, insert(echo_to(BED_ADDR6), &longest, 1));
	expect_silence();
	assert_int_equal(bed_stat(&b, "ip6.drop.headers"), 2);
}

/* RFC 8504 section 5.3, RFC 4942 section 2.1.9.5: seven bytes align anything, and they are zero */
static void test_8504_5_3_padding_is_padding(void **state)
{
	static const struct {
		struct ext header;
		bool is_good;
	} cases[] = {
		{ { DEST, { 1, 1, 4, 0, 0, 0, 0, 0x1e, 0, 1, 4 }, 16 }, true },
		{ { DEST, { 1, 0, 0, 0, 0, 0, 0, 0, 0x1e, 3 }, 16 }, true },	/* seven */
		{ { DEST, { 1, 0, 0, 0, 0, 0, 0, 0, 0, 0x1e, 3 }, 16 }, false }, /* eight */
		{ { DEST, { 1, 1, 4, 0, 0, 0, 0, 1, 0, 0x1e, 4 }, 16 }, false },
		{ { DEST, { 1, 1, 12 }, 16 }, false },
		{ { DEST, { 0, 1, 4, 0, 0, 7, 0 }, 0 }, false },
		{ { HBH, { 0, 1, 4, 0, 0, 7, 0 }, 0 }, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bed_inject(&b, buf, insert(echo_to(BED_ADDR6), &cases[i].header, 1));
		if (cases[i].is_good)
			expect_echo_reply();
		expect_silence();
	}
	assert_int_equal(bed_stat(&b, "ip6.drop.headers"), 5);
}

/* Router alert (RFC 2711) and jumbo payload (RFC 2675) belong into a hop-by-hop header; elsewhere they are unknown. */
static void test_options_count_in_their_own_header_only(void **state)
{
	struct ext alert = { HBH, { 0, 5, 2, 0, 0, 1, 0 }, 0 }, jumbo = { HBH, { 0, 0xc2, 4, 0, 1, 0, 0 }, 0 };

	(void)state;
	alert.body[2] = 1; /* of a length that it cannot have */
	alert.body[4] = 1;
	alert.body[5] = 1;
	bed_inject(&b, buf, insert(echo_to(BED_ADDR6), &alert, 1));
	expect_silence();
	alert.type = DEST;
	bed_inject(&b, buf, insert(echo_to(BED_ADDR6), &alert, 1));
	expect_echo_reply();
	/* RFC 2675 section 3: the packet has a length of its own */
	bed_inject(&b, buf, insert(echo_to(BED_ADDR6), &jumbo, 1));
	expect_problem(0, 42);
	jumbo.type = DEST;
	bed_inject(&b, buf, insert(echo_to(BED_ADDR6), &jumbo, 1));
	expect_problem(2, 42);
	assert_int_equal(bed_stat(&b, "ip6.drop.option"), 2);
	assert_int_equal(bed_stat(&b, "ip6.drop.headers"), 1);
}

static void test_no_next_header_is_the_end(void **state)
{
	size_t len = echo_to(BED_ADDR6);

	(void)state;
	buf[6] = NO_NEXT;
	bed_inject(&b, buf, len);
	expect_silence();
	assert_int_equal(bed_stat(&b, "ip6.drop.no_next"), 1);
}

/* RFC 8200 section 4: the pointer is the field that named it */
static void test_unknown_next_header_is_a_parameter_problem(void **state)
{
	static const struct ext chain = { DEST, { 0, 1, 4 }, 0 };
	size_t len = echo_to(BED_ADDR6);

	(void)state;
	buf[6] = 99;
	bed_inject(&b, buf, len);
	expect_problem(1, 6);
	echo_to(BED_ADDR6);
	buf[6] = 99;
	bed_inject(&b, buf, insert(len, &chain, 1));
	expect_problem(1, 40);
	assert_int_equal(bed_stat(&b, "ip6.drop.protocol"), 2);
	len = echo_to("ff02::1"); /* no answer to a group */
	buf[6] = 99;
	bed_inject(&b, buf, len);
	expect_silence();
}

/* RFC 6946: alone, and whatever else has its identification */
static void test_atomic_fragment_is_a_packet_by_itself(void **state)
{
	static const struct ext atomic = { FRAGMENT, { 0, 0, 0, 1, 2, 3, 4 }, 0 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		bed_inject(&b, buf, insert(echo_to(BED_ADDR6), &atomic, 1));
		expect_echo_reply();
	}
	assert_int_equal(bed_stat(&b, "reasm.ok"), 0);
}

/* As Linux: the pointer is the second header */
static void test_fragment_of_a_fragment_is_refused(void **state)
{
	static const struct ext chain[] = {
		{ FRAGMENT, { 0, 0, 0, 1, 2, 3, 4 }, 0 },
		{ FRAGMENT, { 0, 0, 0, 1, 2, 3, 4 }, 0 },
	};
	(void)state;

	bed_inject(&b, buf, insert(echo_to(BED_ADDR6), chain, 2));
	expect_problem(0, 48);
	assert_int_equal(bed_stat(&b, "ip6.drop.headers"), 1);
}

static void test_all_nodes_group_is_heard_and_answered_from_a_unicast_address(void **state)
{
	struct ip_addr own = addr_of(BED_ADDR6);

	(void)state;
	bed_inject(&b, buf, echo_to("ff02::1"));
	expect_echo_reply();
	assert_true(ip_addr_eq(&p.src, &own));
	bed_inject(&b, buf, echo_to("ff02::1:ff00:1")); /* solicited-node groups are for links with neighbours */
	assert_false(bed_next(&b, &out));
}

/* RFC 8200 section 5 */
static void test_link_with_a_small_mtu_carries_no_ipv6(void **state)
{
	(void)state;
	assert_int_equal(stack_set_link_mtu(b.st, b.ifindex, 1279), 0);
	bed_inject(&b, buf, echo_to(BED_ADDR6));
	assert_int_equal(bed_stat(&b, "ip6.drop.disabled"), 1);
	bed_inject(&b, buf, packet_echo(buf, BED_PEER4, BED_ADDR4, false, 1, 1, NULL, 0));
	expect_packet();
	assert_int_equal(stack_set_link_mtu(b.st, b.ifindex, 1280), 0);
	bed_inject(&b, buf, echo_to(BED_ADDR6));
	expect_echo_reply();
}

static void test_traffic_class_and_hop_limit_of_the_socket_are_in_the_header(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	int tclass = 0xb8, hops = 7;

	(void)state;
	assert_int_equal(sock_setopt(s, IPPROTO_IPV6, IPV6_TCLASS, &tclass, sizeof(tclass), b.now_us), 0);
	assert_int_equal(sock_setopt(s, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof(hops), b.now_us), 0);
	bed_send(&b, s, BED_PEER6, 9, "x", 1);
	expect_packet();
	assert_int_equal(p.tos, 0xb8);
	assert_int_equal(p.ttl, 7);
	sock_close(s, b.now_us);
}

static void test_answers_of_the_stack_itself_have_the_default_hop_limit(void **state)
{
	const char *why;

	(void)state;
	assert_int_equal(stack_set(b.st, "net.ipv6.conf.all.hop_limit", "33", &why), 0);
	bed_inject(&b, buf, echo_to(BED_ADDR6));
	expect_echo_reply();
	assert_int_equal(p.ttl, 33);
}

static uint32_t label_sent(struct sock *s, const char *to, uint16_t port)
{
	assert_int_equal(bed_send(&b, s, to, port, "x", 1), 0);
	expect_packet();
	return (out.data[1] & 0xfu) << 16 | (uint32_t)out.data[2] << 8 | out.data[3];
}

/* RFC 6437 sections 2, 3: one label a flow, whoever asks; no guess from one to another */
static void test_6437_3_flow_label_is_the_flows_own(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	struct ip_endpoint e = bed_endpoint("::", 5000);
	uint32_t label, other, third;

	(void)state;
	assert_int_equal(sock_bind(s, &e), 0);
	label = label_sent(s, BED_PEER6, 1000);
	assert_int_not_equal(label, 0);
	assert_int_equal(label_sent(s, BED_PEER6, 1000), label);
	other = label_sent(s, BED_PEER6, 1001);
	third = label_sent(s, "fd00::3", 1000);
	assert_true(label != other && label != third && other != third);
	assert_int_equal(stack_set(b.st, "net.ipv6.auto_flowlabels", "0", NULL), 0);
	assert_int_equal(label_sent(s, BED_PEER6, 1000), 0);
	sock_close(s, b.now_us);
}

static void test_6437_3_all_segments_of_a_connection_have_its_label(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_STREAM, 0);
	struct ip_endpoint e = bed_endpoint(BED_PEER6, 80);
	uint8_t first[4];

	(void)state;
	assert_int_equal(sock_connect(s, &e, b.now_us), -115);
	bed_turn(&b);
	expect_packet();
	memcpy(first, out.data, 4);
	assert_true((first[1] & 0xf) | first[2] | first[3]);
	bed_run(&b, 1100000);
	expect_packet(); /* the SYN again */
	assert_memory_equal(out.data, first, 4);
	sock_close(s, b.now_us);
}

/* RFC 4007 section 6, RFC 3493 section 3.3: what Linux says without a scope, and with a wrong one */
static void test_4007_6_link_local_addresses_need_their_link(void **state)
{
	struct link_config second = { .name = "test1", .kind = LINK_IP, .mtu = 1500 };
	struct ip_prefix ll1, ll2;
	struct ip_endpoint peer = bed_endpoint("fe80::9", 1000), own = bed_endpoint("fe80::1", 5000), name;
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	int if2 = stack_add_link(b.st, &second);

	(void)state;
	assert_true(if2 > 0);
	assert_int_equal(ip_prefix_parse("fe80::1/64", &ll1), 0);
	assert_int_equal(ip_prefix_parse("fe80::2/64", &ll2), 0);
	assert_int_equal(stack_add_addr(b.st, b.ifindex, &ll1, b.now_us), 0);
	assert_int_equal(stack_add_addr(b.st, (uint32_t)if2, &ll2, b.now_us), 0);
	assert_int_equal(sock_bind(s, &own), -EINVAL);
	assert_int_equal(sock_connect(s, &peer, b.now_us), -EINVAL);
	own.scope_id = 99;
	assert_int_equal(sock_bind(s, &own), -ENODEV);
	own.scope_id = (uint32_t)if2; /* not that link's address */
	assert_int_equal(sock_bind(s, &own), -EADDRNOTAVAIL);
	own.scope_id = b.ifindex;
	assert_int_equal(sock_bind(s, &own), 0);
	assert_int_equal(sock_getname(s, &name), 0);
	assert_int_equal(name.scope_id, b.ifindex);
	peer.scope_id = (uint32_t)if2; /* another link than the address's */
	assert_int_equal(sock_connect(s, &peer, b.now_us), -EINVAL);
	peer.scope_id = 0; /* bound to a link already */
	assert_int_equal(sock_connect(s, &peer, b.now_us), 0);
	assert_int_equal(sock_getpeer(s, &name), 0);
	assert_int_equal(name.scope_id, b.ifindex);
	assert_int_equal(bed_send(&b, s, NULL, 0, "x", 1), 0);
	assert_true(bed_next(&b, &out));
	assert_int_equal(out.ifindex, b.ifindex);
	sock_close(s, b.now_us);
	s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0); /* the other link, and its own source */
	peer.scope_id = (uint32_t)if2;
	assert_int_equal(sock_connect(s, &peer, b.now_us), 0);
	assert_int_equal(sock_getname(s, &name), 0);
	assert_int_equal(name.scope_id, if2);
	assert_int_equal(bed_send(&b, s, NULL, 0, "x", 1), 0);
	assert_true(bed_next(&b, &out));
	assert_int_equal(out.ifindex, if2);
	assert_memory_equal(out.data + 8, ll2.addr.b, 16);
	sock_close(s, b.now_us);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_impossible_header_is_dropped_under_its_counter),
		TEST(test_impossible_address_is_dropped_under_its_counter),
		TEST(test_ipv4_mapped_addresses_are_refused_on_the_wire),
		TEST(test_bytes_after_the_payload_are_not_part_of_it),
		TEST(test_known_headers_are_passed_over),
		TEST(test_hop_by_hop_options_in_a_later_place_are_a_parameter_problem),
		TEST(test_unknown_option_is_treated_as_its_high_bits_say),
		TEST(test_routing_header_with_segments_left_is_refused),
		TEST(test_header_that_runs_past_the_packet_is_dropped),
		TEST(test_8200_4_1_any_number_of_headers_is_processed),
		TEST(test_8504_5_3_options_of_a_header_are_limited),
		TEST(test_8504_5_3_length_of_a_header_may_be_limited),
		TEST(test_8504_5_3_padding_is_padding),
		TEST(test_options_count_in_their_own_header_only),
		TEST(test_no_next_header_is_the_end),
		TEST(test_unknown_next_header_is_a_parameter_problem),
		TEST(test_atomic_fragment_is_a_packet_by_itself),
		TEST(test_fragment_of_a_fragment_is_refused),
		TEST(test_all_nodes_group_is_heard_and_answered_from_a_unicast_address),
		TEST(test_link_with_a_small_mtu_carries_no_ipv6),
		TEST(test_traffic_class_and_hop_limit_of_the_socket_are_in_the_header),
		TEST(test_answers_of_the_stack_itself_have_the_default_hop_limit),
		TEST(test_6437_3_flow_label_is_the_flows_own),
		TEST(test_6437_3_all_segments_of_a_connection_have_its_label),
		TEST(test_4007_6_link_local_addresses_need_their_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
