/* SPDX-License-Identifier: BSD-2-Clause */
/* The listener's part of MLD by exact packets, in virtual time (RFC 2710, RFC 3590, RFC 3810, RFC 4862 section 5.4.2). What IGMP and MLD
 * share is tried in test_igmp.c; here is what is MLD's own, and a walk through both versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/lib/groups.h"
#include "tests/lib/lan.h"

static struct bed b;
static struct groups_report r;
static struct bed_packet out;
static uint8_t buf[8192];
static struct sock *s;

static const struct groups_wrap plain;

#define G1 "ff15::1111"
#define G2 "ff15::2222"
#define A "2001:db8::1"
#define B "2001:db8::2"
#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

enum { IS_IN = 1, IS_EX, TO_IN, TO_EX, ALLOW, BLOCK, SECOND = 1000000 };
enum { V1_REPORT = 131, DONE = 132, V2_REPORT = 143 };

static int setup(void **state)
{
	(void)state;
	bed_open(&b, 9, LINK_IP);
	b.hears_reports = true;
	s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	return 0;
}

/* Ethernet, from the very beginning. */
static int setup_ethernet(void **state)
{
	(void)state;
	bed_prepare(&b, 9, LINK_ETHERNET);
	b.hears_reports = true;
	if (!bed_start(&b))
		return -1;
	bed_set(&b, "net.ipv4.conf.default.acd_probes", "0");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_close(&b);
	return 0;
}

static int membership(int name, const char *group)
{
	struct ip_addr g = addr_of(group);
	struct ipv6_mreq m = { .ipv6mr_interface = b.ifindex };
	int err;

	memcpy(&m.ipv6mr_multiaddr, g.b, 16);
	err = sock_setopt(s, IPPROTO_IPV6, name, &m, sizeof(m), b.now_us);
	bed_turn(&b);
	return err;
}

static int source_membership(int name, const char *group, const char *source)
{
	struct ip_addr g = addr_of(group), a = addr_of(source);
	struct sockaddr_in6 group6 = { .sin6_family = AF_INET6 }, source6 = { .sin6_family = AF_INET6 };
	struct group_source_req m = { .gsr_interface = b.ifindex };
	int err;

	memcpy(&group6.sin6_addr, g.b, 16);
	memcpy(&source6.sin6_addr, a.b, 16);
	memcpy(&m.gsr_group, &group6, sizeof(group6));
	memcpy(&m.gsr_source, &source6, sizeof(source6));
	err = sock_setopt(s, IPPROTO_IPV6, name, &m, sizeof(m), b.now_us);
	bed_turn(&b);
	return err;
}

static void join(const char *group)
{
	assert_int_equal(membership(IPV6_JOIN_GROUP, group), 0);
}

static void leave(const char *group)
{
	assert_int_equal(membership(IPV6_LEAVE_GROUP, group), 0);
}

static void expect_report(void)
{
	assert_true(groups_next(&b, &r));
}

static void expect_silence(void)
{
	assert_false(groups_next(&b, &r));
}

static void expect_record(uint8_t type, const char *group, const char *const *sources)
{
	struct ip_addr all_v2_routers = addr_of("ff02::16");

	expect_report();
	assert_int_equal(r.type, V2_REPORT);
	assert_true(ip_addr_eq(&r.dst, &all_v2_routers));
	assert_int_equal(r.record_count, 1);
	if (!groups_has_record(&r, 0, type, group, sources))
		fail_msg("record of type %u with %u sources", r.records[0].type, r.records[0].source_count);
}

static void expect_message(uint8_t type, const char *group, const char *dst)
{
	struct ip_addr g = addr_of(group), to = addr_of(dst);

	expect_report();
	assert_int_equal(r.type, type);
	assert_true(ip_addr_eq(&r.group, &g) && ip_addr_eq(&r.dst, &to));
}

static void query(unsigned version, const char *group, uint16_t code, const char *const *sources)
{
	bed_inject(&b, buf, groups_mld_query(buf, &plain, version, group, code, 2, 125, sources));
}

static void settle(void)
{
	bed_run(&b, 30ULL * SECOND);
	bed_drop_all(&b);
}

/* ---- Version 2 ---- */

static void test_rfc3810_6_1_joins_sources_and_leaves_are_told_twice(void **state)
{
	(void)state;
	join(G1);
	expect_record(TO_EX, G1, NULL);
	bed_run(&b, SECOND);
	expect_record(TO_EX, G1, NULL);
	assert_int_equal(source_membership(MCAST_BLOCK_SOURCE, G1, A), 0);
	expect_record(BLOCK, G1, LIST(A));
	bed_run(&b, SECOND);
	expect_record(BLOCK, G1, LIST(A));
	leave(G1);
	expect_record(TO_IN, G1, NULL);
	bed_run(&b, SECOND);
	expect_record(TO_IN, G1, NULL);
	settle();
	expect_silence();
}

static void test_rfc3810_6_1_source_groups_are_allowed_and_blocked(void **state)
{
	(void)state;
	assert_int_equal(source_membership(MCAST_JOIN_SOURCE_GROUP, G1, A), 0);
	expect_record(ALLOW, G1, LIST(A));
	settle();
	assert_int_equal(source_membership(MCAST_JOIN_SOURCE_GROUP, G1, B), 0);
	expect_record(ALLOW, G1, LIST(B));
	settle();
	assert_int_equal(source_membership(MCAST_LEAVE_SOURCE_GROUP, G1, A), 0);
	expect_record(BLOCK, G1, LIST(A));
}

static void test_rfc3810_6_2_queries_are_answered_within_their_time(void **state)
{
	uint64_t asked_us;

	(void)state;
	join(G1);
	assert_int_equal(source_membership(MCAST_JOIN_SOURCE_GROUP, G2, A), 0);
	settle();
	asked_us = b.now_us;
	query(2, NULL, 3000, NULL);
	expect_silence();
	bed_run(&b, 3ULL * SECOND + 2000);
	expect_report();
	assert_in_range(r.at_us, asked_us, asked_us + 3 * SECOND + 2000);
	assert_int_equal(r.record_count, 2);
	assert_true(groups_has_record(&r, 0, IS_EX, G1, NULL));
	assert_true(groups_has_record(&r, 1, IS_IN, G2, LIST(A)));
	query(2, G1, 1000, NULL);
	bed_run(&b, 2ULL * SECOND);
	expect_record(IS_EX, G1, NULL);
	query(2, G2, 1000, LIST(A, B));
	bed_run(&b, 2ULL * SECOND);
	expect_record(IS_IN, G2, LIST(A));
	query(2, G2, 1000, LIST(B));
	bed_run(&b, 2ULL * SECOND);
	expect_silence();
}

static void test_rfc3810_5_1_3_large_response_codes_are_floating_point(void **state)
{
	bool late = false;

	(void)state;
	join(G1);
	settle();
	for (int i = 0; i < 8; i++) {
		uint64_t asked_us = b.now_us;

		query(2, NULL, 0x8800, NULL); /* (0x800 + 0x1000) << 3 ms: 49.152 s */
		bed_run(&b, 50ULL * SECOND);
		expect_record(IS_EX, G1, NULL);
		late |= r.at_us - asked_us > 33ULL * SECOND;
	}
	assert_true(late);
}

static void test_rfc3810_6_all_nodes_and_small_scopes_are_never_reported(void **state)
{
	(void)state;
	join("ff02::1");
	join("ff01::5");
	query(2, NULL, 10, NULL);
	settle();
	assert_int_equal(bed_stat(&b, "mld.out_reports"), 0);
	join("ff02::fb"); /* mDNS: of the link, and reported */
	expect_record(TO_EX, "ff02::fb", NULL);
}

static void expect_ignored(const char *counter, size_t len)
{
	uint64_t before = bed_stat(&b, counter);

	bed_inject(&b, buf, len);
	bed_run(&b, 30ULL * SECOND);
	expect_silence();
	assert_int_equal(bed_stat(&b, counter), before + 1);
}

static void test_rfc3810_6_2_malformed_or_strange_queries_are_ignored(void **state)
{
	const struct groups_wrap global = { .src = BED_PEER6 }, nobody = { .src = "::" }, far = { .ttl = 255 },
				 no_alert = { .no_alert = true }, wrong = { .bad_checksum = true }, elsewhere = { .dst = G1 };

	(void)state;
	join(G1);
	settle();
	expect_ignored("mld.drop.source", groups_mld_query(buf, &global, 2, NULL, 10, 2, 125, NULL));
	expect_ignored("mld.drop.source", groups_mld_query(buf, &nobody, 2, NULL, 10, 2, 125, NULL));
	expect_ignored("mld.drop.hop_limit", groups_mld_query(buf, &far, 2, NULL, 10, 2, 125, NULL));
	expect_ignored("mld.drop.router_alert", groups_mld_query(buf, &no_alert, 2, NULL, 10, 2, 125, NULL));
	expect_ignored("mld.drop.router_alert", groups_mld_query(buf, &no_alert, 1, NULL, 10, 0, 0, NULL));
	expect_ignored("icmp.drop.checksum", groups_mld_query(buf, &wrong, 2, NULL, 10, 2, 125, NULL));
	expect_ignored("mld.drop.destination", groups_mld_query(buf, &elsewhere, 2, NULL, 10, 2, 125, NULL));
	expect_ignored("mld.drop.format", groups_mld_query(buf, &elsewhere, 2, "fd00::5", 10, 2, 125, NULL));
}

static void test_rfc3810_5_1_15_a_query_to_our_own_address_counts(void **state)
{
	const struct groups_wrap to_us = { .dst = BED_ADDR6 };

	(void)state;
	join(G1);
	settle();
	bed_inject(&b, buf, groups_mld_query(buf, &to_us, 2, NULL, 10, 2, 125, NULL));
	bed_run(&b, SECOND);
	expect_record(IS_EX, G1, NULL);
}

/* ---- Version 1 ---- */

static void test_rfc2710_4_reports_go_to_the_group_and_dones_to_all_routers(void **state)
{
	(void)state;
	bed_set(&b, "net.ipv6.conf.all.force_mld_version", "1");
	join(G1);
	expect_message(V1_REPORT, G1, G1);
	bed_run(&b, 10ULL * SECOND);
	expect_message(V1_REPORT, G1, G1);
	settle();
	expect_silence();
	leave(G1);
	expect_message(DONE, G1, "ff02::2");
}

static void test_rfc2710_4_anothers_report_suppresses_ours_and_our_done(void **state)
{
	const struct groups_wrap from_afar = { .src = BED_PEER6 };

	(void)state;
	bed_set(&b, "net.ipv6.conf.all.force_mld_version", "1");
	join(G1);
	settle();
	query(1, NULL, 10000, NULL);
	bed_inject(&b, buf, groups_mld_message(buf, &from_afar, V1_REPORT, G1)); /* from no link-local address: ignored */
	bed_run(&b, 11ULL * SECOND);
	expect_message(V1_REPORT, G1, G1);
	query(1, NULL, 10000, NULL);
	bed_inject(&b, buf, groups_mld_message(buf, &plain, V1_REPORT, G1));
	bed_run(&b, 11ULL * SECOND);
	expect_silence();
	leave(G1);
	settle();
	expect_silence();
}

static void test_rfc3810_8_2_1_an_older_querier_makes_us_older_for_its_time(void **state)
{
	(void)state;
	join(G1);
	settle();
	query(1, NULL, 1000, NULL); /* 2 * 125 s + 1 s */
	bed_run(&b, 2ULL * SECOND);
	expect_message(V1_REPORT, G1, G1);
	bed_run(&b, 250ULL * SECOND);
	leave(G1);
	expect_record(TO_IN, G1, NULL);
}

static void test_rfc9777_8_3_1_an_older_query_about_one_group_makes_us_no_older(void **state)
{
	(void)state;
	join(G1);
	settle();
	query(1, G1, 1000, NULL);
	bed_run(&b, 2ULL * SECOND);
	expect_record(IS_EX, G1, NULL);
}

static void test_rfc3810_5_2_14_reports_of_others_to_our_own_address_count(void **state)
{
	const struct groups_wrap to_us = { .dst = BED_ADDR6 };

	(void)state;
	bed_set(&b, "net.ipv6.conf.all.force_mld_version", "1");
	join(G1);
	settle();
	query(1, NULL, 10000, NULL);
	bed_inject(&b, buf, groups_mld_message(buf, &to_us, V1_REPORT, G1));
	bed_run(&b, 11ULL * SECOND);
	expect_silence();
}

/* ---- Solicited-node groups and duplicate address detection ---- */

static bool is_solicitation(const struct bed_packet *p)
{
	return p->len > 54 && p->data[12] == 0x86 && p->data[14 + 6] == 58 && p->data[14 + 40] == 135;
}

static bool is_report(const struct bed_packet *p)
{
	return p->len > 62 && p->data[12] == 0x86 && p->data[14 + 6] == 0 && p->data[14 + 48] == 143;
}

static void test_rfc4862_5_4_2_the_group_is_reported_before_the_first_solicitation(void **state)
{
	static const uint8_t zero[16];
	bool reported = false, solicited = false;

	(void)state;
	bed_run(&b, 990000);
	while (bed_next(&b, &out)) {
		if (is_report(&out)) {
			reported = true;
			if (!solicited) /* RFC 3590: no address is ours for sure yet */
				assert_memory_equal(out.data + 14 + 8, zero, 16);
		}
		if (is_solicitation(&out)) {
			assert_true(reported);
			solicited = true;
		}
	}
	assert_true(reported && solicited);
}

static void test_rfc3590_groups_are_reported_again_from_the_link_local_address(void **state)
{
	unsigned from_linklocal = 0;

	(void)state;
	bed_run(&b, 10ULL * SECOND);
	while (bed_next(&b, &out))
		from_linklocal += is_report(&out) && out.data[14 + 8] == 0xfe;
	assert_true(from_linklocal >= 2);
}

static void test_rfc4291_2_8_groups_come_and_go_with_their_addresses(void **state)
{
	struct ip_prefix p = { .len = 64 };

	(void)state;
	settle();
	bed_drop_all(&b);
	p.addr = addr_of("fd00::abcd:1234");
	assert_int_equal(stack_add_addr(b.st, b.ifindex, &p, b.now_us), 0);
	p.addr = addr_of("fd00::1:abcd:1234"); /* the same group */
	assert_int_equal(stack_add_addr(b.st, b.ifindex, &p, b.now_us), 0);
	settle();
	assert_int_equal(stack_del_addr(b.st, b.ifindex, &p.addr, b.now_us), 0);
	bed_run(&b, 2ULL * SECOND);
	assert_false(bed_next(&b, &out));
	p.addr = addr_of("fd00::abcd:1234");
	assert_int_equal(stack_del_addr(b.st, b.ifindex, &p.addr, b.now_us), 0);
	bed_turn(&b);
	expect_record(TO_IN, "ff02::1:ffcd:1234", NULL);
}

static void test_rfc2464_7_reports_go_to_the_groups_frame_address(void **state)
{
	static const uint8_t all_v2_routers[6] = { 0x33, 0x33, 0, 0, 0, 0x16 };

	(void)state;
	settle();
	s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	join(G1);
	assert_true(bed_next(&b, &out));
	assert_memory_equal(out.data, all_v2_routers, 6);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define ETHERNET_TEST(name) cmocka_unit_test_setup_teardown(name, setup_ethernet, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_rfc3810_6_1_joins_sources_and_leaves_are_told_twice),
		TEST(test_rfc3810_6_1_source_groups_are_allowed_and_blocked),
		TEST(test_rfc3810_6_2_queries_are_answered_within_their_time),
		TEST(test_rfc3810_5_1_3_large_response_codes_are_floating_point),
		TEST(test_rfc3810_6_all_nodes_and_small_scopes_are_never_reported),
		TEST(test_rfc3810_6_2_malformed_or_strange_queries_are_ignored),
		TEST(test_rfc3810_5_1_15_a_query_to_our_own_address_counts),
		TEST(test_rfc2710_4_reports_go_to_the_group_and_dones_to_all_routers),
		TEST(test_rfc2710_4_anothers_report_suppresses_ours_and_our_done),
		TEST(test_rfc3810_8_2_1_an_older_querier_makes_us_older_for_its_time),
		TEST(test_rfc9777_8_3_1_an_older_query_about_one_group_makes_us_no_older),
		TEST(test_rfc3810_5_2_14_reports_of_others_to_our_own_address_count),
		ETHERNET_TEST(test_rfc4862_5_4_2_the_group_is_reported_before_the_first_solicitation),
		ETHERNET_TEST(test_rfc3590_groups_are_reported_again_from_the_link_local_address),
		ETHERNET_TEST(test_rfc4291_2_8_groups_come_and_go_with_their_addresses),
		ETHERNET_TEST(test_rfc2464_7_reports_go_to_the_groups_frame_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
