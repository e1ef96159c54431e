/* SPDX-License-Identifier: BSD-2-Clause */
/* Duplicate address detection by exact frames: RFC 4862 section 5.4 clause by clause, for tentative addresses and, where it differs,
 * optimistic ones (RFC 4429); 7527. */
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
#include "tests/lib/lan.h"
#include "tests/lib/packet.h"
#include "tests/lib/ra.h"

static struct bed b;
static struct bed_packet out;
static uint8_t buf[4096];

#define NEW "fd00::1:5"
#define NEW_GROUP "ff02::1:ff01:5"
#define S 1000000ULL
static const uint8_t other_mac[6] = { 0x02, 0, 0, 0, 0, 0x77 };
static const uint8_t new_group_mac[6] = { 0x33, 0x33, 0xff, 0x01, 0, 5 };

static void start(bool is_optimistic)
{
	bed_open(&b, 4, LINK_ETHERNET);
	bed_set(&b, "net.ipv6.conf.all.optimistic_dad", "0");
	bed_set(&b, "net.ipv6.conf.all.optimistic_static", is_optimistic ? "1" : "0");
	bed_set(&b, "net.ipv6.conf.all.ndisc_notify", "0");
	bed_set(&b, "net.ipv6.conf.all.enhanced_dad", "0");
	bed_run(&b, 20 * S);
	bed_drop_all(&b);
}

static int setup(void **state)
{
	(void)state;
	start(false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_close(&b);
	return 0;
}

static int add(const char *prefix)
{
	struct ip_prefix p;

	assert_int_equal(ip_prefix_parse(prefix, &p), 0);
	return stack_add_addr(b.st, b.ifindex, &p, b.now_us);
}

struct query {
	struct ip_addr addr;
	const char *state;
};

static bool find(void *ctx, const struct addr_info *i)
{
	struct query *q = ctx;

	if (ip_addr_eq(&i->prefix.addr, &q->addr))
		q->state = i->state;
	return true;
}

static const char *addr_state(const char *addr)
{
	struct query q = { addr_of(addr), "" };

	stack_each_addr(b.st, find, &q);
	return q.state;
}

static void nd(const char *src, const char *dst, uint8_t type, uint8_t flags, const char *target, const uint8_t *link_addr)
{
	bed_inject(&b, buf, lan_nd(buf, other_mac, src, dst, type, flags, target, link_addr));
}

static bool is_question(const struct bed_packet *p)
{
	return lan_is_nd(p, new_group_mac, "::", NEW_GROUP, LAN_NS, 0, NEW, false);
}

/* ---- Section 5.1, 5.4.2: what is sent ---- */

/* DupAddrDetectTransmits of them, RetransTimer apart, the first within a second; the address is ours a RetransTimer after the last. */
static void test_4862_5_4_2_as_many_questions_as_asked_for(void **state)
{
	static const char *const counts[] = { "1", "2", "5" };

	for (unsigned i = 0; i < 3; i++) {
		unsigned n = 0, count = (unsigned)(counts[i][0] - '0');
		uint64_t begin_us, last_us = 0;

		start(false);
		bed_set(&b, "net.ipv6.conf.all.dad_transmits", counts[i]);
		begin_us = b.now_us;
		assert_int_equal(add(NEW "/64"), 0);
		while (strcmp(addr_state(NEW), "tentative") == 0)
			bed_run(&b, S / 100);
		while (bed_next(&b, &out)) {
			if (!is_question(&out))
				continue;
			assert_in_range(out.at_us - (n ? last_us + S : begin_us), 0, n ? 2000 : S);
			last_us = out.at_us;
			n++;
		}
		assert_int_equal(n, count);
		assert_in_range(b.now_us - last_us, S, S + S / 50);
		assert_string_equal(addr_state(NEW), "preferred");
		bed_close(&b);
	}
	(void)state;
	start(false); /* closed by the teardown */
}

static void test_4862_5_4_address_is_ours_at_once_without_the_check(void **state)
{
	(void)state;
	bed_set(&b, "net.ipv6.conf.all.dad_transmits", "0");
	assert_int_equal(add(NEW "/64"), 0);
	assert_string_equal(addr_state(NEW), "preferred");
	bed_run(&b, 5 * S);
	while (bed_next(&b, &out))
		assert_false(is_question(&out));
}

/* The router's RetransTimer counts here too (RFC 4862 section 5.1). */
static void test_4862_5_1_questions_are_the_routers_retransmission_time_apart(void **state)
{
	uint64_t at_us[2];
	struct ra ra;

	(void)state;
	ra_begin(&ra, "fe80::fe", 0);
	ra.icmp[14] = 0x0b, ra.icmp[15] = 0xb8; /* 3,000 ms */
	ra_send(&b, &ra);
	bed_set(&b, "net.ipv6.conf.all.dad_transmits", "2");
	assert_int_equal(add(NEW "/64"), 0);
	bed_run(&b, 4500000);
	for (unsigned i = 0; i < 2; i++) {
		while (bed_next(&b, &out) && !is_question(&out))
			;
		assert_true(is_question(&out));
		at_us[i] = out.at_us;
	}
	assert_in_range(at_us[1] - at_us[0], 3 * S, 3 * S + 2000);
	assert_string_equal(addr_state(NEW), "tentative");
	bed_run(&b, 3 * S);
	assert_string_equal(addr_state(NEW), "preferred");
}

/* ---- What is used before the check is over ---- */

static unsigned from_linklocal(void)
{
	unsigned n = 0;

	while (bed_next(&b, &out))
		n += out.data[12] == 0x86 && out.data[22] == 0xfe && out.data[23] == 0x80;
	return n;
}

static void test_4862_5_4_addresses_that_nobody_set_wait_for_the_check(void **state)
{
	static const char *const own = "fe80::ff:fe00:1";

	(void)state;
	bed_close(&b);
	bed_prepare(&b, 4, LINK_ETHERNET);
	b.checks_first = b.asks_routers = b.hears_reports = true;
	assert_true(bed_start(&b));
	assert_string_equal(addr_state(BED_ADDR6), "optimistic"); /* somebody set it */
	assert_string_equal(addr_state(own), "tentative");
	nd("fe80::77", "ff02::1:ff00:1", LAN_NS, 0, own, other_mac);
	bed_inject(&b, buf, packet_ethernet(buf, packet_echo(buf, "fe80::77", own, false, 1, 1, NULL, 0), bed_mac, other_mac));
	bed_run(&b, 500000);
	assert_int_equal(from_linklocal(), 0); /* neither answers, nor solicitations of routers, nor reports */
	bed_run(&b, 2600000);
	assert_string_equal(addr_state(own), "preferred");
	assert_true(from_linklocal() > 0);
	ra_simple(&b, "fe80::fe", 1800, "2001:db8:1::/64", 86400, 86400);
	assert_string_equal(addr_state("2001:db8:1::ff:fe00:1"), ""); /* not of the MAC */
	bed_set(&b, "net.ipv6.conf.all.addr_gen_mode", "0");
	ra_simple(&b, "fe80::fe", 1800, "2001:db8:2::/64", 86400, 86400);
	assert_string_equal(addr_state("2001:db8:2::ff:fe00:1"), "tentative");
	bed_run(&b, 2100000);
	assert_string_equal(addr_state("2001:db8:2::ff:fe00:1"), "preferred");
	/* those that were in use go on while they are checked again */
	stack_set_link_up(b.st, b.ifindex, false, b.now_us);
	stack_set_link_up(b.st, b.ifindex, true, b.now_us);
	assert_string_equal(addr_state(own), "optimistic");
}

/* A link without carrier answers nothing: that proves nothing. */
static void test_4862_5_4_check_waits_for_the_link(void **state)
{
	(void)state;
	assert_int_equal(add(NEW "/64"), 0);
	stack_set_link_up(b.st, b.ifindex, false, b.now_us);
	assert_int_equal(add("fd00::1:6/64"), 0); /* while it is down */
	bed_run(&b, 10 * S);
	assert_string_equal(addr_state(NEW), "tentative");
	assert_string_equal(addr_state("fd00::1:6"), "tentative");
	stack_set_link_up(b.st, b.ifindex, true, b.now_us);
	bed_drop_all(&b);
	bed_run(&b, 900000);
	assert_string_equal(addr_state(NEW), "tentative");
	nd(NEW, "ff02::1", LAN_NA, LAN_OVERRIDE, NEW, other_mac);
	assert_string_equal(addr_state(NEW), "duplicate");
	bed_run(&b, 3 * S);
	assert_string_equal(addr_state("fd00::1:6"), "preferred");
}

/* ---- Sections 5.4.3, 5.4.4: what is received ---- */

struct message {
	const char *name;
	const char *src, *dst;
	uint8_t type, flags;
	const uint8_t *link_addr;
	bool is_duplicate;
};

static const struct message messages[] = {
	{ "another host checks it", "::", NEW_GROUP, LAN_NS, 0, NULL, true },
	{ "another host looks for it", "fe80::77", NEW_GROUP, LAN_NS, 0, other_mac, false },
	{ "another host looks for it by unicast", "fe80::77", NEW, LAN_NS, 0, other_mac, false },
	{ "a check that tells a link address", "::", NEW_GROUP, LAN_NS, 0, other_mac, false },
	{ "a check that goes to all nodes", "::", "ff02::1", LAN_NS, 0, NULL, false },
	{ "a check that goes to another group", "::", "ff02::1:ff00:1", LAN_NS, 0, NULL, false },
	{ "its owner says so to all", NEW, "ff02::1", LAN_NA, LAN_OVERRIDE, other_mac, true },
	{ "its owner says so without Override", NEW, "ff02::1", LAN_NA, 0, other_mac, true },
	{ "its owner says so without a link address", NEW, "ff02::1", LAN_NA, LAN_OVERRIDE, NULL, true },
	{ "a router has it", NEW, "ff02::1", LAN_NA, 0x80 | LAN_OVERRIDE, other_mac, true },
	{ "its owner says so from another address", "fe80::77", "ff02::1", LAN_NA, LAN_OVERRIDE, other_mac, true },
	{ "an answer to all that claims to be asked for", NEW, "ff02::1", LAN_NA, LAN_SOLICITED, other_mac, false },
};

static void check_messages(bool is_optimistic)
{
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		const struct message *m = &messages[i];
		const char *expected;

		start(is_optimistic);
		assert_int_equal(add(NEW "/64"), 0);
		bed_run(&b, 1010000); /* the question is out, in most seeds; the check goes on */
		nd(m->src, m->dst, m->type, m->flags, NEW, m->link_addr);
		expected = m->is_duplicate ? "duplicate" : is_optimistic ? "optimistic" : "tentative";
		if (strcmp(addr_state(NEW), expected) != 0)
			fail_msg("%s: %s, not %s", m->name, addr_state(NEW), expected);
		if (!is_optimistic)
			assert_string_equal(lan_neigh_state(&b, "fe80::77"), ""); /* 5.4.3: ignored, and nothing is learnt */
		bed_run(&b, 3 * S);
		assert_string_equal(addr_state(NEW), m->is_duplicate ? "duplicate" : "preferred");
		assert_string_equal(addr_state(BED_ADDR6), "preferred");
		bed_close(&b);
	}
}

static void test_4862_5_4_3_and_4_what_tells_that_a_tentative_address_is_anothers(void **state)
{
	(void)state;
	check_messages(false);
}

static void test_4429_3_3_what_tells_that_an_optimistic_address_is_anothers(void **state)
{
	(void)state;
	check_messages(true);
}

/* Sections 7.1.1, 7.1.2 of RFC 4861 for the check: what is invalid proves nothing. */
static void test_4862_5_4_3_invalid_messages_prove_nothing(void **state)
{
	(void)state;
	for (unsigned type = LAN_NS; type <= LAN_NA; type++)
		for (unsigned way = 0; way < 6; way++) {
			size_t len;
			uint8_t *icmp = buf + 54;

			start(false);
			assert_int_equal(add(NEW "/64"), 0);
			len = type == LAN_NS ? lan_nd(buf, other_mac, "::", NEW_GROUP, LAN_NS, 0, NEW, NULL)
					     : lan_nd(buf, other_mac, NEW, "ff02::1", LAN_NA, 0, NEW, NULL);
			memset(buf + len, 0, 8); /* room for an option */
			if (way == 0)
				buf[14 + 7] = 254;
			else if (way == 1)
				icmp[1] = 1;
			else if (way == 2)
				buf[14 + 5]--, len--;
			else if (way == 3)
				buf[14 + 5] = (uint8_t)(buf[14 + 5] + 8), len += 8; /* type 0, length 0 */
			else if (way == 4)
				memset(icmp + 8, 0xff, 1); /* a group for a target */
			if (way < 5)
				packet_fix_checksums(buf + 14, len - 14);
			else
				icmp[2] ^= 1;
			bed_inject(&b, buf, len);
			assert_string_equal(addr_state(NEW), "tentative");
			bed_close(&b);
		}
	start(false);
}

/* Section 5.4.5: nothing of it is used any more; a new attempt is somebody's decision. */
static void test_4862_5_4_5_duplicate_is_neither_answered_for_nor_used(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	struct ip_endpoint e = bed_endpoint(NEW, 0);

	(void)state;
	assert_int_equal(add(NEW "/64"), 0);
	bed_run(&b, 1010000);
	nd(NEW, "ff02::1", LAN_NA, LAN_OVERRIDE, NEW, other_mac);
	bed_drop_all(&b);
	nd("fe80::77", NEW_GROUP, LAN_NS, 0, NEW, other_mac);
	nd("::", NEW_GROUP, LAN_NS, 0, NEW, NULL);
	bed_inject(&b, buf, packet_ethernet(buf, packet_echo(buf, "fe80::77", NEW, false, 1, 1, NULL, 0), bed_mac, other_mac));
	assert_false(bed_next(&b, &out));
	assert_int_equal(sock_bind(s, &e), -EADDRNOTAVAIL);
	sock_close(s, b.now_us);
	bed_run(&b, 3600 * S);
	assert_string_equal(addr_state(NEW), "duplicate");
	assert_int_equal(add(NEW "/64"), 0); /* a second attempt */
	assert_string_equal(addr_state(NEW), "tentative");
	bed_run(&b, 3 * S);
	assert_string_equal(addr_state(NEW), "preferred");
}

/* Whose it is instead is a neighbour like any other. */
static void test_4862_5_4_5_owner_of_a_duplicate_can_be_talked_to(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);

	(void)state;
	assert_int_equal(add(NEW "/64"), 0);
	bed_run(&b, 1010000);
	nd(NEW, "ff02::1", LAN_NA, LAN_OVERRIDE, NEW, other_mac);
	bed_drop_all(&b);
	assert_int_equal(bed_send(&b, s, NEW, 1000, "x", 1), 0);
	assert_true(bed_next(&b, &out) && lan_is_nd(&out, new_group_mac, BED_ADDR6, NEW_GROUP, LAN_NS, 0, NEW, true));
	nd(NEW, BED_ADDR6, LAN_NA, LAN_SOLICITED | LAN_OVERRIDE, NEW, other_mac);
	assert_true(bed_next(&b, &out) && lan_is_ip(&out, other_mac));
	nd(NEW, "ff02::1:ff00:1", LAN_NS, 0, BED_ADDR6, other_mac);
	assert_true(bed_next(&b, &out) && lan_is_nd(&out, other_mac, BED_ADDR6, NEW, LAN_NA, LAN_SOLICITED | LAN_OVERRIDE, BED_ADDR6, true));
	sock_close(s, b.now_us);
}

/* Section 5.4.3, and 7.2.4 of RFC 4861: what is ours is defended, each time, and kept. */
static void test_4862_5_4_3_address_of_ours_is_defended_to_all(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		nd("::", "ff02::1:ff00:1", LAN_NS, 0, BED_ADDR6, NULL);
		assert_true(bed_next(&b, &out));
		assert_true(lan_is_nd(&out, (const uint8_t[]){ 0x33, 0x33, 0, 0, 0, 1 }, BED_ADDR6, "ff02::1", LAN_NA, LAN_OVERRIDE, BED_ADDR6, true));
		assert_false(bed_next(&b, &out));
	}
	assert_string_equal(addr_state(BED_ADDR6), "preferred");
}

/* RFC 7527 section 4.2: an all-zero nonce is not one of ours, which were not sent. */
static void test_7527_4_2_nonce_of_nothing_is_anothers(void **state)
{
	uint8_t icmp[32] = { LAN_NS, [24] = 14, [25] = 1 };
	struct ip_fields ip = { .src = "::", .dst = NEW_GROUP, .proto = 58, .ttl = 255 };
	struct ip_addr target = addr_of(NEW);
	size_t len;

	(void)state;
	bed_set(&b, "net.ipv6.conf.all.enhanced_dad", "1");
	assert_int_equal(add(NEW "/64"), 0);
	memcpy(icmp + 8, target.b, 16);
	len = packet_ip(buf, &ip, icmp, sizeof(icmp));
	packet_fix_checksums(buf, len);
	bed_inject(&b, buf, packet_ethernet(buf, len, new_group_mac, other_mac));
	assert_string_equal(addr_state(NEW), "duplicate");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_4862_5_4_2_as_many_questions_as_asked_for, teardown),
		TEST(test_4862_5_4_address_is_ours_at_once_without_the_check),
		TEST(test_4862_5_1_questions_are_the_routers_retransmission_time_apart),
		TEST(test_4862_5_4_addresses_that_nobody_set_wait_for_the_check),
		TEST(test_4862_5_4_check_waits_for_the_link),
		cmocka_unit_test(test_4862_5_4_3_and_4_what_tells_that_a_tentative_address_is_anothers),
		cmocka_unit_test(test_4429_3_3_what_tells_that_an_optimistic_address_is_anothers),
		cmocka_unit_test_teardown(test_4862_5_4_3_invalid_messages_prove_nothing, teardown),
		TEST(test_4862_5_4_5_duplicate_is_neither_answered_for_nor_used),
		TEST(test_4862_5_4_5_owner_of_a_duplicate_can_be_talked_to),
		TEST(test_4862_5_4_3_address_of_ours_is_defended_to_all),
		TEST(test_7527_4_2_nonce_of_nothing_is_anothers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
