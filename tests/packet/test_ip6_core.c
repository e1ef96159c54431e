/* SPDX-License-Identifier: BSD-2-Clause */
/* Clause by clause through RFC 8200 as a host is asked about it from outside: what section 1 of the IPv6 Ready core suite looks at, and what
 * it leaves out. Every question is an echo request with something about it; the answer is a reply, a parameter problem, or none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/lib/bed.h"
#include "tests/lib/expect.h"
#include "tests/lib/ext.h"
#include "tests/lib/lan.h"
#include "tests/lib/packet.h"

#define OTHER6 "fd00::3"
#define LINKLOCAL6 "fe80::1"
#define LINKLOCAL_PEER6 "fe80::2"
#define GROUP6 "ff02::1"

static struct bed b;
static struct bed_packet out;
static struct packet p;
static uint8_t buf[70000], l4[70000], data[65000];

enum { HBH = 0, TCP = 6, UDP = 17, ROUTING = 43, FRAGMENT = 44, ICMP6 = 58, NO_NEXT = 59, DEST = 60 };
enum { PAD = 0, SKIP = 0x1e, DISCARD = 0x5e, ERROR = 0x9e, ERROR_UNICAST = 0xde };
enum { FIELD = 0, NEXT_HEADER = 1, OPTION = 2, FIRST_FRAGMENT = 3 }; /* codes of a parameter problem */

static int setup(void **state)
{
	struct ip_prefix linklocal;

	(void)state;
	bed_open(&b, 31, LINK_IP);
	bed_set(&b, "net.ipv6.icmp.ratelimit", "0");
	bed_set(&b, "net.ipv4.icmp_msgs_burst", "100000");
	assert_int_equal(ip_prefix_parse(LINKLOCAL6 "/64", &linklocal), 0);
	assert_int_equal(stack_add_addr(b.st, b.ifindex, &linklocal, b.now_us), 0);
	bed_turn(&b);
	bed_drop_all(&b);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 17 + i / 241);
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

static void expect_reply(void)
{
	expect_next(&b, &out, &p);
	assert_int_equal(p.proto, ICMP6);
	assert_int_equal(p.l4[0], 129);
	assert_int_not_equal(p.ttl, 0);
}

/* A parameter problem about the packet in buf, from our address to the asker's. */
static void expect_problem(uint8_t code, uint32_t pointer)
{
	expect_next(&b, &out, &p);
	assert_int_equal(p.proto, ICMP6);
	assert_int_equal(p.l4[0], 4);
	assert_int_equal(p.l4[1], code);
	assert_int_equal((uint32_t)p.l4[4] << 24 | p.l4[5] << 16 | p.l4[6] << 8 | p.l4[7], pointer);
	assert_memory_equal(p.l4 + 8, buf, p.l4_len - 8);
	assert_memory_equal(out.data + 24, buf + 8, 16);
	if (buf[24] != 0xff)
		assert_memory_equal(out.data + 8, buf + 24, 16);
	expect_silence();
}

static size_t echo_to(const char *dst)
{
	return packet_echo(buf, BED_PEER6, dst, false, 1, 1, "12345678", 8);
}

/* An echo request behind these headers. */
static void asks_behind(const struct ext *exts, size_t count, const char *dst)
{
	bed_inject(&b, buf, ext_insert(buf, echo_to(dst), exts, count));
}

/* ---- Section 3: the header ---- */

static void test_8200_3_versions_but_6_are_dropped(void **state)
{
	size_t len = echo_to(BED_ADDR6);

	(void)state;
	for (unsigned version = 0; version < 16; version++) {
		if (version == 6)
			continue;
		buf[0] = (uint8_t)(version << 4);
		bed_inject(&b, buf, len);
		expect_silence();
	}
}

static void test_8200_3_traffic_class_and_flow_label_of_any_value_are_taken(void **state)
{
	size_t len = echo_to(BED_ADDR6);

	(void)state;
	memcpy(buf, "\x62\x03\x45\x67", 4);
	bed_inject(&b, buf, len);
	expect_reply();
	assert_int_equal(p.tos, 0x20); /* the class of the request, as Linux */
	memcpy(buf, "\x6f\xff\xff\xff", 4);
	bed_inject(&b, buf, len);
	expect_reply();
}

static void test_8200_3_payload_length_odd_and_even(void **state)
{
	(void)state;
	for (size_t n = 0; n < 64; n++) {
		bed_inject(&b, buf, packet_echo(buf, BED_PEER6, BED_ADDR6, false, 1, 1, data, n));
		expect_reply();
		assert_int_equal(p.l4_len, 8 + n);
	}
}

static void test_8200_3_hop_limit_of_zero_is_for_routers_to_mind(void **state)
{
	size_t len = echo_to(BED_ADDR6);

	(void)state;
	buf[7] = 0;
	bed_inject(&b, buf, len);
	expect_reply();
}

static void test_8200_3_every_next_header_that_is_not_spoken_is_a_problem(void **state)
{
	static const struct ext pad = { DEST, { 0, 1, 4 }, 0 };

	(void)state;
	for (unsigned next = 1; next < 256; next++) {
		size_t len;

		if (next == TCP || next == UDP || next == ROUTING || next == FRAGMENT || (next >= ICMP6 && next <= DEST))
			continue;
		len = echo_to(BED_ADDR6);
		buf[6] = (uint8_t)next;
		bed_inject(&b, buf, len);
		expect_problem(NEXT_HEADER, 6);
		len = echo_to(BED_ADDR6);
		buf[6] = (uint8_t)next;
		bed_inject(&b, buf, ext_insert(buf, len, &pad, 1));
		expect_problem(NEXT_HEADER, 40);
	}
}

/* ---- Section 4.1: order ---- */

static void test_8200_4_1_headers_come_in_any_order(void **state)
{
	static const struct ext kinds[] = {
		{ DEST, { 0, 1, 4 }, 0 }, { ROUTING, { 0, 33, 0 }, 0 }, { FRAGMENT, { 0, 0, 0, 0, 0, 0, 1 }, 0 },
	};
	static const uint8_t orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	struct ext chain[4] = { { HBH, { 0, 1, 4 }, 0 } };

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		for (size_t n = 0; n < 3; n++)
			chain[1 + n] = kinds[orders[i][n]];
		asks_behind(chain, 4, BED_ADDR6);
		expect_reply();
		asks_behind(chain + 1, 3, BED_ADDR6);
		expect_reply();
	}
}

/* "the contents and semantics of each extension header determine whether or not to proceed": strictly in order */
static void test_8200_4_1_first_wrong_header_is_told(void **state)
{
	struct ext options_first[] = {
		{ HBH, { 0, 1, 4 }, 0 }, { DEST, { 0, ERROR, 4 }, 0 }, { FRAGMENT, { 0, 0, 1, 0, 0, 0, 1 }, 0 },
	};
	struct ext fragment_first[] = {
		{ HBH, { 0, 1, 4 }, 0 }, { FRAGMENT, { 0, 0, 1, 0, 0, 0, 1 }, 0 }, { DEST, { 0, ERROR, 4 }, 0 },
	};
	size_t len;

	(void)state;
	/* the fragment's length is no multiple of eight in all of them */
	len = ext_insert(buf, packet_echo(buf, BED_PEER6, BED_ADDR6, false, 1, 1, data, 9), options_first, 3);
	bed_inject(&b, buf, len);
	expect_problem(OPTION, 50);
	len = ext_insert(buf, packet_echo(buf, BED_PEER6, BED_ADDR6, false, 1, 1, data, 9), fragment_first, 3);
	bed_inject(&b, buf, len);
	expect_problem(FIELD, 4);
	fragment_first[1].body[2] = 0; /* atomic: its length may be any */
	len = ext_insert(buf, packet_echo(buf, BED_PEER6, BED_ADDR6, false, 1, 1, data, 9), fragment_first, 3);
	bed_inject(&b, buf, len);
	expect_problem(OPTION, 58);
}

static void test_8200_4_1_hop_by_hop_is_first_or_a_problem(void **state)
{
	static const struct ext twice[] = { { HBH, { 0, 1, 4 }, 0 }, { HBH, { 0, 1, 4 }, 0 } };
	static const struct ext after_routing[] = { { ROUTING, { 0, 33, 0 }, 0 }, { HBH, { 0, 1, 4 }, 0 } };
	static const struct ext after_fragment[] = { { FRAGMENT, { 0, 0, 0, 0, 0, 0, 1 }, 0 }, { HBH, { 0, 1, 4 }, 0 } };

	(void)state;
	asks_behind(twice, 2, BED_ADDR6);
	expect_problem(NEXT_HEADER, 40);
	asks_behind(after_routing, 2, BED_ADDR6);
	expect_problem(NEXT_HEADER, 40);
	asks_behind(after_fragment, 2, BED_ADDR6);
	expect_problem(NEXT_HEADER, 40);
	asks_behind(twice, 2, GROUP6); /* code 1 never answers a group (RFC 4443 section 2.4 (e.3)) */
	expect_silence();
}

/* ---- Section 4.2: options ---- */

static void test_8200_4_2_unknown_options_of_each_kind_in_each_header(void **state)
{
	static const uint8_t headers[] = { HBH, DEST };

	(void)state;
	for (int h = 0; h < 2; h++)
		for (unsigned type = 0; type < 256; type++) {
			struct ext e = { headers[h], { 0, (uint8_t)type, 4 }, 0 };

			if (type <= 1 || type == 5 || type == 0xc2) /* padding, router alert, jumbo payload */
				continue;
			asks_behind(&e, 1, BED_ADDR6);
			switch (type >> 6) {
			case 0:
				expect_reply();
				break;
			case 2:
			case 3:
				expect_problem(OPTION, 42);
				break;
			}
			expect_silence();
			asks_behind(&e, 1, GROUP6);
			switch (type >> 6) {
			case 0:
				expect_reply();
				break;
			case 2:
				expect_problem(OPTION, 42);
				break;
			}
			expect_silence();
		}
}

/* "processed strictly in the order they appear" */
static void test_8200_4_2_first_option_that_forbids_decides(void **state)
{
	static const uint8_t headers[] = { HBH, DEST };

	(void)state;
	for (int h = 0; h < 2; h++) {
		struct ext e = { headers[h], { 1, 7, 0, DISCARD, 0, ERROR, 0, ERROR_UNICAST, 0, 1, 4 }, 16 };

		asks_behind(&e, 1, BED_ADDR6);
		expect_silence();
		memcpy(e.body + 3, "\x9e\0\x5e\0\xde", 5);
		asks_behind(&e, 1, BED_ADDR6);
		expect_problem(OPTION, 44);
		memcpy(e.body + 3, "\xde\0\x5e\0\x9e", 5);
		asks_behind(&e, 1, BED_ADDR6);
		expect_problem(OPTION, 44);
	}
}

static void test_8200_4_2_padding_of_each_length_is_passed_over(void **state)
{
	static const uint8_t headers[] = { HBH, DEST };

	(void)state;
	for (int h = 0; h < 2; h++)
		for (uint8_t n = 0; n <= 6; n++) { /* n bytes of Pad1, then PadN for the rest */
			struct ext e = { headers[h], { 0 }, 0 };

			if (n < 5) {
				e.body[1 + n] = 1;
				e.body[2 + n] = (uint8_t)(4 - n);
			} else if (n == 5) {
				continue; /* one byte is left: that is six of Pad1 */
			}
			asks_behind(&e, 1, BED_ADDR6);
			expect_reply();
		}
}

/* RFC 2675 section 3: the errors that a node which knows the option tells; and what our links cannot carry */
static void test_2675_3_jumbo_payloads_that_cannot_be_are_problems(void **state)
{
	struct ext jumbo = { HBH, { 0, 0xc2, 4, 0, 0, 0xff, 0xff }, 0 };
	static const struct ext pad = { HBH, { 0, 1, 4 }, 0 }, late = { DEST, { 0, 0xc2, 4, 0, 1, 0, 0 }, 0 };
	size_t len;

	(void)state;
	asks_behind(&jumbo, 1, BED_ADDR6); /* the packet has a length of its own */
	expect_problem(FIELD, 42);
	len = ext_insert(buf, echo_to(BED_ADDR6), &jumbo, 1);
	buf[4] = buf[5] = 0;
	bed_inject(&b, buf, len); /* less than 65536 */
	expect_problem(FIELD, 44);
	memcpy(buf + 44, "\0\1\0\0", 4);
	bed_inject(&b, buf, len); /* more than came */
	expect_silence();
	len = ext_insert(buf, echo_to(BED_ADDR6), &pad, 1);
	buf[4] = buf[5] = 0;
	bed_inject(&b, buf, len); /* no length at all */
	expect_problem(FIELD, 4);
	len = ext_insert(buf, echo_to(BED_ADDR6), &late, 1);
	buf[4] = buf[5] = 0;
	bed_inject(&b, buf, len);
	expect_silence();
}

/* ---- Section 4.4: routing ---- */

static void test_8200_4_4_routing_header_of_any_type_without_segments_is_passed_over(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		struct ext e = { ROUTING, { 2, (uint8_t)type, 0 }, 24 };

		asks_behind(&e, 1, BED_ADDR6);
		expect_reply();
	}
}

static void test_8200_4_4_routing_header_of_any_type_with_segments_is_a_problem(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		struct ext e = { ROUTING, { 2, (uint8_t)type, (uint8_t)(1 + type % 255) }, 24 };

		asks_behind(&e, 1, BED_ADDR6);
		expect_problem(FIELD, 42);
		asks_behind(&e, 1, GROUP6);
		expect_silence();
	}
}

/* ---- Section 4.7: no next header ---- */

static void test_8200_4_7_what_follows_no_next_header_is_ignored(void **state)
{
	static const struct ext pad = { DEST, { 0, 1, 4 }, 0 };
	size_t len = echo_to(BED_ADDR6);

	(void)state;
	buf[6] = NO_NEXT;
	bed_inject(&b, buf, len);
	buf[4] = buf[5] = 0; /* nothing follows */
	bed_inject(&b, buf, 40);
	len = echo_to(BED_ADDR6);
	buf[6] = NO_NEXT;
	bed_inject(&b, buf, ext_insert(buf, len, &pad, 1));
	expect_silence();
	assert_int_equal(bed_stat(&b, "ip6.drop.no_next"), 3);
}

/* ---- Section 4.5: fragments ---- */

struct piece {
	const char *src, *dst; /* NULL: the usual */
	uint32_t id;
	size_t at, len;
	bool more;
	uint8_t next; /* 0: ICMPv6 */
};

static size_t l4_len; /* of the echo request in l4 */

static void make_echo(const char *src, const char *dst, size_t bytes)
{
	l4_len = packet_echo(buf, src, dst, false, 1, 1, data, bytes) - 40;
	memcpy(l4, buf + 40, l4_len);
}

static size_t piece(const struct piece *f)
{
	struct ip_fields ip = {
		.src = f->src ? f->src : BED_PEER6,
		.dst = f->dst ? f->dst : BED_ADDR6,
		.proto = f->next ? f->next : ICMP6,
		.more_fragments = f->more,
		.frag_offset = (uint16_t)f->at,
	};

	return packet_fragment6(buf, &ip, f->id, l4 + f->at, f->len);
}

static void arrives(struct piece f)
{
	bed_inject(&b, buf, piece(&f));
}

static void expect_whole_reply(void)
{
	size_t have = 0;

	do {
		expect_next(&b, &out, &p);
		assert_int_equal(p.proto, ICMP6);
		assert_int_equal(p.frag_offset, have);
		if (have == 0)
			assert_int_equal(p.l4[0], 129);
		have += p.l4_len;
	} while (p.more_fragments);
	assert_int_equal(have, l4_len);
	expect_silence();
}

static void test_8200_4_5_fragments_of_one_packet_have_its_identification_and_ends(void **state)
{
	(void)state;
	make_echo(BED_PEER6, BED_ADDR6, 88);
	arrives((struct piece){ .id = 1, .at = 0, .len = 48, .more = true });
	arrives((struct piece){ .id = 2, .at = 48, .len = 48 });
	arrives((struct piece){ .src = OTHER6, .id = 1, .at = 48, .len = 48 });
	arrives((struct piece){ .dst = LINKLOCAL6, .id = 1, .at = 48, .len = 48 });
	expect_silence();
	arrives((struct piece){ .id = 1, .at = 48, .len = 48 });
	expect_whole_reply();
}

/* RFC 4007 section 9: what comes by another link is another packet's, for addresses that mean one link each. */
static void test_4007_9_fragments_of_link_local_packets_are_of_one_link(void **state)
{
	struct link_config second = { .name = "test1", .kind = LINK_IP, .mtu = 1500 };
	struct ip_prefix linklocal;
	int if2 = stack_add_link(b.st, &second);
	uint32_t if1 = b.ifindex;

	(void)state;
	assert_true(if2 > 0);
	assert_int_equal(ip_prefix_parse(LINKLOCAL6 "/64", &linklocal), 0);
	assert_int_equal(stack_add_addr(b.st, (uint32_t)if2, &linklocal, b.now_us), 0);
	bed_turn(&b);
	bed_drop_all(&b);
	make_echo(LINKLOCAL_PEER6, LINKLOCAL6, 88);
	arrives((struct piece){ LINKLOCAL_PEER6, LINKLOCAL6, 1, 0, 48, true, 0 });
	b.ifindex = (uint32_t)if2;
	arrives((struct piece){ LINKLOCAL_PEER6, LINKLOCAL6, 1, 48, 48, false, 0 });
	expect_silence();
	b.ifindex = if1;
	arrives((struct piece){ LINKLOCAL_PEER6, LINKLOCAL6, 1, 48, 48, false, 0 });
	expect_whole_reply();
	assert_int_equal(out.ifindex, if1);
}

static void test_8200_4_5_next_header_of_the_first_fragment_counts(void **state)
{
	(void)state;
	make_echo(BED_PEER6, BED_ADDR6, 88);
	arrives((struct piece){ .id = 1, .at = 48, .len = 48, .next = 143 });
	arrives((struct piece){ .id = 1, .at = 0, .len = 48, .more = true });
	expect_whole_reply();
	arrives((struct piece){ .id = 2, .at = 0, .len = 48, .more = true, .next = 143 });
	arrives((struct piece){ .id = 2, .at = 48, .len = 48 });
	expect_next(&b, &out, &p);
	assert_memory_equal(p.l4, "\x04\x01", 2);
	assert_memory_equal(p.l4 + 4, "\0\0\0\x06", 4); /* where it is in the packet put together */
}

/* "The number and content of the headers preceding the Fragment header of different fragments ... may differ" */
static void test_8200_4_5_headers_before_the_first_fragment_count(void **state)
{
	static const struct ext skipped = { DEST, { 0, SKIP, 4 }, 0 }, refused = { DEST, { 0, ERROR, 4 }, 0 };
	struct piece first = { .id = 1, .at = 0, .len = 48, .more = true }, last = { .id = 1, .at = 48, .len = 48 };

	(void)state;
	make_echo(BED_PEER6, BED_ADDR6, 88);
	bed_inject(&b, buf, ext_insert(buf, piece(&last), &skipped, 1));
	arrives(first);
	expect_whole_reply();
	first.id = last.id = 2;
	bed_inject(&b, buf, ext_insert(buf, piece(&first), &skipped, 1));
	arrives(last);
	expect_whole_reply();
	/* each is processed as its fragment comes */
	first.id = last.id = 3;
	arrives(first);
	bed_inject(&b, buf, ext_insert(buf, piece(&last), &refused, 1));
	expect_problem(OPTION, 42);
	arrives(last);
	expect_whole_reply();
}

/* Hop-by-hop options are before the fragment header, in every fragment: in what was cut up they are out of place. */
static void test_8200_4_5_hop_by_hop_options_are_not_in_the_fragmented_part(void **state)
{
	size_t len;

	(void)state;
	make_echo(BED_PEER6, BED_ADDR6, 88);
	memmove(l4 + 8, l4, l4_len);
	memcpy(l4, "\x3a\0\1\4\0\0\0\0", 8);
	len = piece(&(struct piece){ .id = 1, .at = 0, .len = 48, .more = true });
	buf[40] = HBH;
	bed_inject(&b, buf, len);
	arrives((struct piece){ .id = 1, .at = 48, .len = 56 });
	expect_next(&b, &out, &p);
	assert_memory_equal(p.l4, "\x04\x01", 2);
	assert_memory_equal(p.l4 + 4, "\0\0\0\x06", 4);
	expect_silence();
}

static void test_8200_4_5_largest_packet_is_put_together(void **state)
{
	(void)state;
	make_echo(BED_PEER6, BED_ADDR6, 64992);
	for (size_t at = 0; at < l4_len; at += 1448)
		arrives((struct piece){ .id = 1, .at = at, .len = at + 1448 < l4_len ? 1448 : l4_len - at, .more = at + 1448 < l4_len });
	expect_whole_reply();
}

static void test_8200_4_5_lengths_that_cannot_be_are_problems(void **state)
{
	static const struct ext before = { DEST, { 0, 1, 4 }, 0 };
	struct piece f = { .id = 3, .at = 65528, .len = 8 };

	(void)state;
	make_echo(BED_PEER6, BED_ADDR6, 64992);
	arrives((struct piece){ .id = 1, .at = 0, .len = 1001, .more = true });
	expect_problem(FIELD, 4);
	arrives((struct piece){ .id = 1, .at = 1000, .len = 1001, .more = true });
	expect_problem(FIELD, 4);
	arrives((struct piece){ .id = 2, .at = 64000, .len = 1536 });
	expect_problem(FIELD, 42);
	bed_inject(&b, buf, ext_insert(buf, piece(&f), &before, 1)); /* the headers before it count */
	expect_problem(FIELD, 50);
	f.dst = GROUP6;
	bed_inject(&b, buf, piece(&f));
	expect_silence();
}

/* RFC 8200 section 4.5, RFC 7112 section 5 */
static void test_7112_5_first_fragment_has_all_headers(void **state)
{
	static const struct {
		uint8_t next;
		uint8_t bytes[24];
		size_t len;
		bool is_whole;
	} cases[] = {
		{ DEST, { ICMP6, 0, 1, 4 }, 8, false },		  /* the upper layer's is not there */
		{ DEST, { ICMP6, 1, 1, 4 }, 8, false },		  /* nor is all of this one */
		{ DEST, { DEST, 0, 1, 4, [8] = UDP, 0, 1, 4 }, 16, false },
		{ ROUTING, { ICMP6, 0, 33, 0 }, 8, false },
		{ TCP, { 0 }, 16, false },			  /* cut in two */
		{ TCP, { 0 }, 24, true },
		{ UDP, { 0 }, 8, true },
		{ ICMP6, { 128 }, 8, true },
		{ DEST, { ICMP6, 0, 1, 4, [8] = 128 }, 16, true },
		{ DEST, { NO_NEXT, 0, 1, 4 }, 8, true },
		{ 143, { 0 }, 8, true },			  /* nobody knows how long it is */
	};
	uint32_t id = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(l4, 0, 32);
		memcpy(l4, cases[i].bytes, cases[i].len);
		arrives((struct piece){ .id = ++id, .at = 0, .len = cases[i].len, .more = true, .next = cases[i].next });
		if (!cases[i].is_whole)
			expect_problem(FIRST_FRAGMENT, 0);
		expect_silence();
	}
}

static void test_8200_4_5_last_fragment_may_come_in_the_last_second(void **state)
{
	(void)state;
	make_echo(BED_PEER6, BED_ADDR6, 88);
	arrives((struct piece){ .id = 1, .at = 0, .len = 48, .more = true });
	bed_run(&b, 59000000);
	arrives((struct piece){ .id = 1, .at = 48, .len = 48 });
	expect_whole_reply();
	bed_run(&b, 10000000);
	expect_silence();
}

/* "within 60 seconds of the reception of the first-arriving fragment" */
static void test_8200_4_5_sender_of_the_first_fragment_is_told_after_60_seconds(void **state)
{
	static const char *const ends[][2] = { { BED_PEER6, BED_ADDR6 }, { LINKLOCAL_PEER6, LINKLOCAL6 } };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct piece first = { ends[i][0], ends[i][1], 1, 0, 48, true, 0 };
		size_t len;

		make_echo(ends[i][0], ends[i][1], 88);
		len = piece(&first);
		bed_inject(&b, buf, len);
		bed_run(&b, 59900000);
		expect_silence();
		bed_run(&b, 200000);
		expect_next(&b, &out, &p);
		assert_memory_equal(p.l4, "\x03\x01", 2);
		assert_memory_equal(p.l4 + 4, "\0\0\0\0", 4);
		assert_int_equal(p.l4_len, 8 + len);
		assert_memory_equal(p.l4 + 8, buf, len);
		assert_memory_equal(out.data + 8, buf + 24, 16);
		assert_memory_equal(out.data + 24, buf + 8, 16);
		arrives((struct piece){ ends[i][0], ends[i][1], 1, 48, 48, false, 0 }); /* too late */
		bed_run(&b, 61000000);
		expect_silence(); /* of that one the first is missing */
	}
}

static void test_8200_4_5_nobody_is_told_of_a_group_or_without_the_first_fragment(void **state)
{
	(void)state;
	make_echo(BED_PEER6, GROUP6, 88);
	arrives((struct piece){ .dst = GROUP6, .id = 1, .at = 0, .len = 48, .more = true });
	make_echo(BED_PEER6, BED_ADDR6, 88);
	arrives((struct piece){ .id = 1, .at = 48, .len = 48 });
	bed_run(&b, 61000000);
	expect_silence();
	assert_int_equal(bed_stat(&b, "reasm.drop.timeout"), 2);
}

/* RFC 6946 section 4: with the same identification as fragments that wait, between them, and with reserved bits set */
static void test_6946_4_atomic_fragment_is_apart_from_others(void **state)
{
	struct ext atomic = { FRAGMENT, { 0, 0, 0, 0, 0, 0, 1 }, 0 };

	(void)state;
	make_echo(BED_PEER6, BED_ADDR6, 88);
	arrives((struct piece){ .id = 1, .at = 0, .len = 48, .more = true });
	asks_behind(&atomic, 1, BED_ADDR6);
	expect_reply();
	assert_int_equal(out.data[6], ICMP6); /* the reply has no fragment header */
	arrives((struct piece){ .id = 1, .at = 48, .len = 48 });
	expect_whole_reply();
	atomic.body[0] = 0xff;
	atomic.body[2] = 6;
	asks_behind(&atomic, 1, BED_ADDR6);
	expect_reply();
}

/* RFC 8200 section 4.5, RFC 5722: in each order; and afterwards nothing of it is taken */
static void test_5722_4_packets_whose_fragments_overlap_are_dropped(void **state)
{
	static const struct {
		size_t at, len;
	} sets[][3] = {
		{ { 0, 48 }, { 40, 56 }, { 48, 48 } }, { { 0, 56 }, { 48, 48 }, { 0, 48 } }, { { 48, 48 }, { 0, 56 }, { 0, 48 } },
		{ { 0, 48 }, { 8, 16 }, { 48, 48 } },  { { 8, 16 }, { 0, 48 }, { 48, 48 } },  { { 0, 96 - 8 }, { 48, 48 }, { 88, 8 } },
	};

	(void)state;
	make_echo(BED_PEER6, BED_ADDR6, 88);
	for (uint32_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		for (int n = 0; n < 3; n++)
			arrives((struct piece){ .id = i, .at = sets[i][n].at, .len = sets[i][n].len,
						.more = sets[i][n].at + sets[i][n].len < l4_len });
		expect_silence();
	}
	bed_run(&b, 61000000);
	expect_silence(); /* dropped silently */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_8200_3_versions_but_6_are_dropped),
		TEST(test_8200_3_traffic_class_and_flow_label_of_any_value_are_taken),
		TEST(test_8200_3_payload_length_odd_and_even),
		TEST(test_8200_3_hop_limit_of_zero_is_for_routers_to_mind),
		TEST(test_8200_3_every_next_header_that_is_not_spoken_is_a_problem),
		TEST(test_8200_4_1_headers_come_in_any_order),
		TEST(test_8200_4_1_first_wrong_header_is_told),
		TEST(test_8200_4_1_hop_by_hop_is_first_or_a_problem),
		TEST(test_8200_4_2_unknown_options_of_each_kind_in_each_header),
		TEST(test_8200_4_2_first_option_that_forbids_decides),
		TEST(test_8200_4_2_padding_of_each_length_is_passed_over),
		TEST(test_2675_3_jumbo_payloads_that_cannot_be_are_problems),
		TEST(test_8200_4_4_routing_header_of_any_type_without_segments_is_passed_over),
		TEST(test_8200_4_4_routing_header_of_any_type_with_segments_is_a_problem),
		TEST(test_8200_4_7_what_follows_no_next_header_is_ignored),
		TEST(test_8200_4_5_fragments_of_one_packet_have_its_identification_and_ends),
		TEST(test_4007_9_fragments_of_link_local_packets_are_of_one_link),
		TEST(test_8200_4_5_next_header_of_the_first_fragment_counts),
		TEST(test_8200_4_5_headers_before_the_first_fragment_count),
		TEST(test_8200_4_5_hop_by_hop_options_are_not_in_the_fragmented_part),
		TEST(test_8200_4_5_largest_packet_is_put_together),
		TEST(test_8200_4_5_lengths_that_cannot_be_are_problems),
		TEST(test_7112_5_first_fragment_has_all_headers),
		TEST(test_8200_4_5_last_fragment_may_come_in_the_last_second),
		TEST(test_8200_4_5_sender_of_the_first_fragment_is_told_after_60_seconds),
		TEST(test_8200_4_5_nobody_is_told_of_a_group_or_without_the_first_fragment),
		TEST(test_6946_4_atomic_fragment_is_apart_from_others),
		TEST(test_5722_4_packets_whose_fragments_overlap_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
