/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's part of IGMP by exact packets, in virtual time (RFC 1112, RFC 2236, RFC 3376). */
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

#include "tests/lib/groups.h"
#include "tests/lib/lan.h"
#include "tests/lib/packet.h"

static struct bed b;
static struct groups_report r;
static uint8_t buf[4096];
static struct sock *s;

static const struct groups_wrap plain;

#define G1 "239.1.1.1"
#define G2 "239.2.2.2"
#define A "192.0.2.1"
#define B "192.0.2.2"
#define C "192.0.2.3"
#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

enum { IS_IN = 1, IS_EX, TO_IN, TO_EX, ALLOW, BLOCK, SECOND = 1000000 };
enum { V1_REPORT = 0x12, V2_REPORT = 0x16, LEAVE = 0x17, V3_REPORT = 0x22 };

static int setup(void **state)
{
	(void)state;
	bed_open(&b, 9, LINK_IP);
	b.hears_reports = true;
	s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_close(&b);
	return 0;
}

static int membership(struct sock *of, int name, const char *group)
{
	struct ip_addr g = addr_of(group);
	struct ip_mreqn m = { .imr_ifindex = 0 };
	int err;

	memcpy(&m.imr_multiaddr, ip_addr_v4(&g), 4);
	err = sock_setopt(of, IPPROTO_IP, name, &m, sizeof(m), b.now_us);
	bed_turn(&b);
	return err;
}

static int source_membership(struct sock *of, int name, const char *group, const char *source)
{
	struct ip_addr g = addr_of(group), a = addr_of(source);
	struct ip_mreq_source m = { .imr_interface = { 0 } };
	int err;

	memcpy(&m.imr_multiaddr, ip_addr_v4(&g), 4);
	memcpy(&m.imr_sourceaddr, ip_addr_v4(&a), 4);
	err = sock_setopt(of, IPPROTO_IP, name, &m, sizeof(m), b.now_us);
	bed_turn(&b);
	return err;
}

static void join(const char *group)
{
	assert_int_equal(membership(s, IP_ADD_MEMBERSHIP, group), 0);
}

static void leave(const char *group)
{
	assert_int_equal(membership(s, IP_DROP_MEMBERSHIP, group), 0);
}

static void join_source(const char *group, const char *source)
{
	assert_int_equal(source_membership(s, IP_ADD_SOURCE_MEMBERSHIP, group, source), 0);
}

static void expect_report(void)
{
	assert_true(groups_next(&b, &r));
}

static void expect_silence(void)
{
	assert_false(groups_next(&b, &r));
}

/* One report of one record. */
static void expect_record(uint8_t type, const char *group, const char *const *sources)
{
	expect_report();
	assert_int_equal(r.type, V3_REPORT);
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

static void query(unsigned version, const char *group, uint8_t code, const char *const *sources)
{
	bed_inject(&b, buf, groups_igmp_query(buf, &plain, version, group, code, 2, 125, sources));
}

static void settle(void)
{
	bed_run(&b, 30ULL * SECOND);
	bed_drop_all(&b);
}

/* ---- Version 3: changes ---- */

static void test_rfc3376_4_2_14_reports_go_to_all_v3_routers_from_our_address(void **state)
{
	struct ip_addr dst = addr_of("224.0.0.22"), src = addr_of(BED_ADDR4);

	(void)state;
	join(G1);
	expect_record(TO_EX, G1, NULL);
	assert_true(ip_addr_eq(&r.dst, &dst) && ip_addr_eq(&r.src, &src));
}

static void test_rfc3376_4_2_13_without_an_address_reports_come_from_the_wildcard(void **state)
{
	struct ip_addr own = addr_of(BED_ADDR4), any = addr_of("0.0.0.0");

	(void)state;
	assert_int_equal(stack_del_addr(b.st, b.ifindex, &own, b.now_us), 0);
	join(G1);
	expect_record(TO_EX, G1, NULL);
	assert_true(ip_addr_eq(&r.src, &any));
}

static void test_rfc3376_5_1_a_join_is_told_at_once_and_once_more_within_a_second(void **state)
{
	uint64_t first_us;

	(void)state;
	join(G1);
	expect_record(TO_EX, G1, NULL);
	first_us = r.at_us;
	assert_int_equal(first_us, b.now_us);
	bed_run(&b, SECOND);
	expect_record(TO_EX, G1, NULL);
	assert_in_range(r.at_us, first_us, first_us + SECOND);
	settle();
	expect_silence();
	assert_int_equal(bed_stat(&b, "igmp.out_reports"), 2);
}

static void test_rfc3376_5_1_a_change_is_told_as_often_as_the_robustness_variable_says(void **state)
{
	(void)state;
	bed_set(&b, "net.ipv4.igmp_qrv", "4");
	join(G1);
	bed_run(&b, 10ULL * SECOND);
	for (int i = 0; i < 4; i++)
		expect_record(TO_EX, G1, NULL);
	expect_silence();
}

static void test_rfc3376_5_1_the_queriers_robustness_variable_counts(void **state)
{
	(void)state;
	bed_inject(&b, buf, groups_igmp_query(buf, &plain, 3, NULL, 1, 5, 125, NULL));
	settle();
	join(G1);
	bed_run(&b, 10ULL * SECOND);
	for (int i = 0; i < 5; i++)
		expect_record(TO_EX, G1, NULL);
	expect_silence();
	bed_inject(&b, buf, groups_igmp_query(buf, &plain, 3, NULL, 1, 0, 125, NULL)); /* section 4.1.6: 0: the default */
	settle();
	leave(G1);
	bed_run(&b, 10ULL * SECOND);
	for (int i = 0; i < 2; i++)
		expect_record(TO_IN, G1, NULL);
	expect_silence();
}

static void test_rfc3376_5_1_a_leave_is_a_change_to_include_nothing(void **state)
{
	(void)state;
	join(G1);
	settle();
	leave(G1);
	expect_record(TO_IN, G1, NULL);
	bed_run(&b, SECOND);
	expect_record(TO_IN, G1, NULL);
	settle();
	expect_silence();
}

static void test_rfc3376_5_1_include_to_include_allows_and_blocks(void **state)
{
	(void)state;
	join_source(G1, A);
	expect_record(ALLOW, G1, LIST(A));
	settle();
	join_source(G1, B);
	expect_record(ALLOW, G1, LIST(B));
	settle();
	assert_int_equal(source_membership(s, IP_DROP_SOURCE_MEMBERSHIP, G1, A), 0);
	expect_record(BLOCK, G1, LIST(A));
	settle();
	assert_int_equal(source_membership(s, IP_DROP_SOURCE_MEMBERSHIP, G1, B), 0); /* the last one: out of the group */
	expect_record(BLOCK, G1, LIST(B));
}

static void test_rfc3376_5_1_exclude_to_exclude_allows_and_blocks(void **state)
{
	(void)state;
	join(G1);
	settle();
	assert_int_equal(source_membership(s, IP_BLOCK_SOURCE, G1, A), 0);
	expect_record(BLOCK, G1, LIST(A));
	settle();
	assert_int_equal(source_membership(s, IP_UNBLOCK_SOURCE, G1, A), 0);
	expect_record(ALLOW, G1, LIST(A));
}

static int set_filter(uint32_t fmode, const char *const *sources)
{
	struct ip_addr g = addr_of(G1);
	uint32_t words[4 + 10] = { 0 }, n = 0;
	int err;

	memcpy(&words[0], ip_addr_v4(&g), 4);
	for (; sources && sources[n]; n++) {
		struct ip_addr a = addr_of(sources[n]);

		memcpy(&words[4 + n], ip_addr_v4(&a), 4);
	}
	words[2] = fmode;
	words[3] = n;
	err = sock_setopt(s, IPPROTO_IP, IP_MSFILTER, words, 16 + n * 4, b.now_us);
	bed_turn(&b);
	return err;
}

static void test_rfc3376_5_1_changes_of_mode_tell_the_whole_list(void **state)
{
	(void)state;
	join(G1);
	settle();
	assert_int_equal(set_filter(MCAST_INCLUDE, LIST(A, B)), 0);
	expect_record(TO_IN, G1, LIST(A, B));
	settle();
	assert_int_equal(set_filter(MCAST_EXCLUDE, LIST(C)), 0);
	expect_record(TO_EX, G1, LIST(C));
}

/* Both kinds of record in one report. */
static void test_rfc3376_5_1_a_filter_replaced_allows_and_blocks_in_one_report(void **state)
{
	(void)state;
	join(G1);
	assert_int_equal(set_filter(MCAST_INCLUDE, LIST(A, B)), 0);
	settle();
	assert_int_equal(set_filter(MCAST_INCLUDE, LIST(B, C)), 0);
	expect_report();
	assert_int_equal(r.record_count, 2);
	assert_true(groups_has_record(&r, 0, ALLOW, G1, LIST(C)));
	assert_true(groups_has_record(&r, 1, BLOCK, G1, LIST(A)));
}

/* The report of a later change merges with what is still to be told: A's second telling and B's first. */
static void test_rfc3376_5_1_a_change_merges_with_the_one_still_being_told(void **state)
{
	(void)state;
	join_source(G1, A);
	expect_record(ALLOW, G1, LIST(A));
	join_source(G1, B);
	expect_record(ALLOW, G1, LIST(A, B));
	bed_run(&b, 5ULL * SECOND);
	expect_record(ALLOW, G1, LIST(B));
	expect_silence();
}

/* A source allowed while a change of mode is being told is told with it, and then by itself until it was told often enough. */
static void test_rfc3376_5_1_a_source_change_during_a_mode_change_is_told_with_it(void **state)
{
	(void)state;
	join(G1);
	expect_record(TO_EX, G1, NULL);
	assert_int_equal(source_membership(s, IP_BLOCK_SOURCE, G1, A), 0);
	expect_record(TO_EX, G1, LIST(A));
	bed_run(&b, 5ULL * SECOND);
	expect_record(BLOCK, G1, LIST(A));
	expect_silence();
}

static void test_rfc3376_5_1_a_mode_change_ends_the_telling_of_sources(void **state)
{
	(void)state;
	join_source(G1, A);
	expect_record(ALLOW, G1, LIST(A));
	leave(G1);
	expect_record(BLOCK, G1, LIST(A));
	join(G1);
	expect_record(TO_EX, G1, NULL);
	bed_run(&b, 5ULL * SECOND);
	expect_record(TO_EX, G1, NULL);
	expect_silence();
}

/* Joined and left before anything was sent; a socket that goes takes its memberships along. */
static void test_rfc3376_5_1_a_second_listener_changes_nothing_until_the_last_one_goes(void **state)
{
	struct sock *other = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);

	(void)state;
	join(G1);
	settle();
	assert_int_equal(membership(other, IP_ADD_MEMBERSHIP, G1), 0);
	leave(G1);
	settle();
	expect_silence();
	sock_close(other, b.now_us);
	bed_turn(&b);
	expect_record(TO_IN, G1, NULL);
}

/* RFC 3376 section 3.2: one wants all, one A only: all. One without A, one without A and B: without A. */
static void test_rfc3376_3_2_the_link_listens_to_what_any_socket_wants(void **state)
{
	struct sock *other = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);

	(void)state;
	join_source(G1, A);
	settle();
	assert_int_equal(membership(other, IP_ADD_MEMBERSHIP, G1), 0);
	expect_record(TO_EX, G1, NULL);
	settle();
	assert_int_equal(source_membership(other, IP_BLOCK_SOURCE, G1, A), 0); /* but s wants it */
	settle();
	expect_silence();
	assert_int_equal(source_membership(other, IP_BLOCK_SOURCE, G1, B), 0);
	expect_record(BLOCK, G1, LIST(B));
	settle();
	leave(G1);
	expect_record(BLOCK, G1, LIST(A));
}

static void test_rfc3376_5_all_systems_is_heard_and_never_reported(void **state)
{
	(void)state;
	join("224.0.0.1");
	query(3, NULL, 10, NULL);
	settle();
	assert_int_equal(bed_stat(&b, "igmp.out_reports"), 0);
	bed_inject(&b, buf, groups_igmp_query(buf, &plain, 3, NULL, 10, 2, 125, NULL));
	assert_int_equal(bed_stat(&b, "igmp.in_queries"), 2);
}

static void test_other_groups_of_the_link_are_reported_unless_told_otherwise(void **state)
{
	(void)state;
	join("224.0.0.251");
	expect_record(TO_EX, "224.0.0.251", NULL);
	settle();
	bed_set(&b, "net.ipv4.igmp_link_local_mcast_reports", "0");
	join("224.0.0.252");
	settle();
	expect_silence();
}

/* ---- Version 3: queries ---- */

static void test_rfc3376_5_2_a_general_query_is_answered_once_with_all_groups_within_its_time(void **state)
{
	uint64_t asked_us;

	(void)state;
	join(G1);
	join_source(G2, A);
	settle();
	asked_us = b.now_us;
	query(3, NULL, 50, NULL);
	expect_silence();
	bed_run(&b, 5ULL * SECOND);
	expect_report();
	assert_in_range(r.at_us, asked_us, asked_us + 5 * SECOND + 2000);
	assert_int_equal(r.record_count, 2);
	assert_true(groups_has_record(&r, 0, IS_EX, G1, NULL));
	assert_true(groups_has_record(&r, 1, IS_IN, G2, LIST(A)));
	expect_silence();
}

static void test_rfc3376_5_2_delays_differ(void **state)
{
	uint64_t first_us = 0, differ = 0;

	(void)state;
	join(G1);
	settle();
	for (int i = 0; i < 8; i++) {
		uint64_t asked_us = b.now_us;

		query(3, NULL, 100, NULL);
		bed_run(&b, 11ULL * SECOND);
		expect_report();
		differ += i > 0 && r.at_us - asked_us != first_us;
		first_us = i == 0 ? r.at_us - asked_us : first_us;
	}
	assert_true(differ > 5);
}

static void test_rfc3376_5_2_rule_1_a_sooner_general_answer_answers_all(void **state)
{
	(void)state;
	join(G1);
	settle();
	query(3, NULL, 1, NULL); /* within 0.1 s */
	for (int i = 0; i < 5; i++)
		query(3, G1, 0xff, NULL); /* within 53 minutes */
	bed_run(&b, 10000ULL * SECOND);
	expect_record(IS_EX, G1, NULL);
	expect_silence();
}

static void test_rfc3376_5_2_a_group_query_is_answered_with_the_groups_state(void **state)
{
	(void)state;
	join_source(G1, A);
	join(G2);
	settle();
	query(3, G1, 10, NULL);
	bed_run(&b, 2ULL * SECOND);
	expect_record(IS_IN, G1, LIST(A));
	expect_silence();
	query(3, "239.9.9.9", 10, NULL); /* nobody's */
	bed_run(&b, 2ULL * SECOND);
	expect_silence();
}

static void test_rfc3376_5_2_a_source_query_is_answered_with_the_sources_wanted(void **state)
{
	(void)state;
	join_source(G1, A);
	join_source(G1, B);
	join(G2);
	assert_int_equal(source_membership(s, IP_BLOCK_SOURCE, G2, A), 0);
	settle();
	query(3, G1, 10, LIST(B, C)); /* INCLUDE (A, B): A*B */
	bed_run(&b, 2ULL * SECOND);
	expect_record(IS_IN, G1, LIST(B));
	query(3, G2, 10, LIST(A, B, C)); /* EXCLUDE (A): B-A */
	bed_run(&b, 2ULL * SECOND);
	expect_record(IS_IN, G2, LIST(B, C));
	query(3, G1, 10, LIST(C)); /* none: no answer */
	bed_run(&b, 2ULL * SECOND);
	expect_silence();
}

static void test_rfc3376_5_2_rule_5_source_queries_add_up_to_one_answer(void **state)
{
	(void)state;
	join(G1);
	settle();
	query(3, G1, 100, LIST(A));
	query(3, G1, 100, LIST(B));
	bed_run(&b, 11ULL * SECOND);
	expect_record(IS_IN, G1, LIST(A, B));
	expect_silence();
}

static void test_rfc3376_5_2_rule_4_a_group_query_widens_the_answer_to_sources(void **state)
{
	(void)state;
	join(G1);
	settle();
	query(3, G1, 100, LIST(A));
	query(3, G1, 100, NULL);
	query(3, G1, 100, LIST(B));
	bed_run(&b, 11ULL * SECOND);
	expect_record(IS_EX, G1, NULL);
	expect_silence();
}

/* Each costs a place in a sorted list; a flood of such queries must not become slow. */
static void test_sources_that_do_not_fit_one_query_are_answered_with_the_whole_group(void **state)
{
	char text[401][IP_ADDR_TEXT_MAX];
	const char *sources[202] = { NULL };
	unsigned n;

	(void)state;
	join(G1);
	settle();
	for (unsigned i = 0; i < 401; i++)
		snprintf(text[i], sizeof(text[i]), "10.1.%u.%u", i >> 8, i & 255);
	for (unsigned part = 0; part < 2; part++) {
		for (unsigned i = 0; i < 200; i++)
			sources[i] = text[part * 200 + i];
		query(3, G1, 100, sources);
	}
	bed_run(&b, 11ULL * SECOND);
	for (n = 0; groups_next(&b, &r);)
		n += r.records[0].source_count;
	assert_int_equal(n, 400);
	query(3, G1, 100, sources);
	for (unsigned i = 0; i < 201; i++)
		sources[i] = text[i];
	query(3, G1, 100, sources);
	bed_run(&b, 11ULL * SECOND);
	expect_record(IS_EX, G1, NULL);
	expect_silence();
}

static void test_rfc3376_4_1_1_large_response_codes_are_floating_point(void **state)
{
	uint64_t asked_us;
	bool late = false;

	(void)state;
	join(G1);
	settle();
	for (int i = 0; i < 6; i++) {
		asked_us = b.now_us;
		query(3, NULL, 0x8a, NULL); /* (10 + 16) << 3 tenths: 20.8 s */
		bed_run(&b, 21ULL * SECOND);
		expect_record(IS_EX, G1, NULL);
		late |= r.at_us - asked_us > 10ULL * SECOND;
	}
	assert_true(late);
}

static void test_rfc3376_5_reports_of_others_suppress_nothing_in_version_3(void **state)
{
	(void)state;
	join(G1);
	settle();
	query(3, NULL, 100, NULL);
	bed_inject(&b, buf, groups_igmp_message(buf, &plain, V2_REPORT, G1));
	bed_run(&b, 11ULL * SECOND);
	expect_record(IS_EX, G1, NULL);
}

static void test_rfc3376_4_2_16_many_groups_take_many_reports_that_fit_the_link(void **state)
{
	unsigned records = 0, reports = 0;
	char group[32];

	(void)state;
	bed_set(&b, "net.ipv4.igmp_max_memberships", "300");
	assert_int_equal(stack_set_link_mtu(b.st, b.ifindex, 400), 0);
	for (int i = 0; i < 200; i++) {
		snprintf(group, sizeof(group), "239.3.%d.%d", i / 100, i % 100);
		join(group);
	}
	settle();
	query(3, NULL, 1, NULL);
	bed_run(&b, SECOND);
	while (groups_next(&b, &r)) {
		assert_in_range(r.packet_len, 24, 400);
		records += r.record_count;
		reports++;
	}
	assert_int_equal(records, 200);
	assert_int_equal(reports, (200 * 8 + 367) / 368);
}

static void test_rfc3376_4_2_16_a_long_include_is_split_a_long_exclude_cut_off(void **state)
{
	char text[16][32];
	const char *list[17] = { NULL };
	unsigned sources = 0;

	(void)state;
	bed_set(&b, "net.ipv4.igmp_max_msf", "100");
	assert_int_equal(stack_set_link_mtu(b.st, b.ifindex, 68), 0); /* 9 addresses behind the headers */
	join(G1);
	settle();
	for (int i = 0; i < 10; i++) {
		snprintf(text[i], sizeof(text[i]), "192.0.2.%d", 10 + i);
		list[i] = text[i];
	}
	assert_int_equal(set_filter(MCAST_INCLUDE, list), 0);
	while (groups_next(&b, &r)) {
		assert_in_range(r.packet_len, 24, 68);
		assert_int_equal(r.records[0].type, TO_IN);
		sources += r.records[0].source_count;
	}
	assert_int_equal(sources, 10);
	settle();
	assert_int_equal(set_filter(MCAST_EXCLUDE, list), 0);
	expect_report();
	assert_int_equal(r.records[0].type, TO_EX);
	assert_int_equal(r.records[0].source_count, 7);
	expect_silence();
}

/* ---- What is not believed ---- */

static void expect_ignored(const char *counter, size_t len)
{
	uint64_t before = bed_stat(&b, counter);

	bed_inject(&b, buf, len);
	bed_run(&b, 30ULL * SECOND);
	expect_silence();
	assert_int_equal(bed_stat(&b, counter), before + 1);
}

static void test_rfc3376_4_and_9_1_malformed_or_strange_queries_are_ignored(void **state)
{
	const struct groups_wrap far = { .ttl = 2 }, no_alert = { .no_alert = true }, wrong = { .bad_checksum = true },
				 elsewhere = { .dst = G1 };
	uint16_t sum;
	size_t len;

	(void)state;
	join(G1);
	settle();
	expect_ignored("igmp.drop.ttl", groups_igmp_query(buf, &far, 3, NULL, 10, 2, 125, NULL));
	expect_ignored("igmp.drop.router_alert", groups_igmp_query(buf, &no_alert, 3, NULL, 10, 2, 125, NULL));
	expect_ignored("igmp.drop.router_alert", groups_igmp_query(buf, &no_alert, 2, NULL, 10, 0, 0, NULL));
	expect_ignored("igmp.drop.checksum", groups_igmp_query(buf, &wrong, 3, NULL, 10, 2, 125, NULL));
	expect_ignored("igmp.drop.destination", groups_igmp_query(buf, &elsewhere, 3, NULL, 10, 2, 125, NULL));
	expect_ignored("igmp.drop.format", groups_igmp_query(buf, &elsewhere, 3, "10.0.0.5", 10, 2, 125, NULL));
	expect_ignored("igmp.drop.type", groups_igmp_message(buf, &plain, 0x42, G1));

	len = groups_igmp_query(buf, &plain, 3, G1, 10, 2, 125, LIST(A)); /* more sources than there are */
	buf[24 + 11] = 2;
	buf[24 + 2] = buf[24 + 3] = 0;
	sum = packet_checksum(0, buf + 24, len - 24);
	buf[24 + 2] = (uint8_t)(sum >> 8);
	buf[24 + 3] = (uint8_t)sum;
	expect_ignored("igmp.drop.format", len);
}

static void test_rfc3376_4_1_12_queries_to_our_own_address_and_from_nowhere_count(void **state)
{
	const struct groups_wrap to_us = { .dst = BED_ADDR4 }, from_switch = { .src = "0.0.0.0" };

	(void)state;
	join(G1);
	settle();
	bed_inject(&b, buf, groups_igmp_query(buf, &to_us, 3, NULL, 1, 2, 125, NULL));
	bed_run(&b, SECOND);
	expect_record(IS_EX, G1, NULL);
	bed_inject(&b, buf, groups_igmp_query(buf, &from_switch, 3, NULL, 1, 2, 125, NULL));
	bed_run(&b, SECOND);
	expect_record(IS_EX, G1, NULL);
}

/* ---- Older versions ---- */

static void test_rfc2236_3_a_join_is_reported_at_once_and_again(void **state)
{
	(void)state;
	bed_set(&b, "net.ipv4.conf.all.force_igmp_version", "2");
	join(G1);
	expect_message(V2_REPORT, G1, G1);
	bed_run(&b, 10ULL * SECOND);
	expect_message(V2_REPORT, G1, G1);
	settle();
	expect_silence();
}

static void test_rfc2236_3_queries_are_answered_group_by_group_to_the_group(void **state)
{
	(void)state;
	bed_set(&b, "net.ipv4.conf.all.force_igmp_version", "2");
	join(G1);
	join(G2);
	settle();
	query(2, NULL, 20, NULL);
	expect_silence();
	bed_run(&b, 2ULL * SECOND + 2000);
	expect_report();
	assert_int_equal(r.type, V2_REPORT);
	expect_report();
	assert_int_equal(r.type, V2_REPORT);
	expect_silence();
	query(2, G2, 20, NULL);
	bed_run(&b, 2ULL * SECOND + 2000);
	expect_message(V2_REPORT, G2, G2);
	expect_silence();
}

static void test_rfc2236_3_anothers_report_suppresses_ours_and_our_leave(void **state)
{
	(void)state;
	bed_set(&b, "net.ipv4.conf.all.force_igmp_version", "2");
	join(G1);
	settle();
	query(2, NULL, 100, NULL);
	bed_inject(&b, buf, groups_igmp_message(buf, &plain, V2_REPORT, G1));
	bed_run(&b, 11ULL * SECOND);
	expect_silence();
	leave(G1);
	settle();
	expect_silence();
	assert_int_equal(bed_stat(&b, "igmp.out_leaves"), 0);
}

static void test_rfc2236_3_who_reported_last_leaves_to_all_routers(void **state)
{
	(void)state;
	bed_set(&b, "net.ipv4.conf.all.force_igmp_version", "2");
	join(G1);
	settle();
	leave(G1);
	expect_message(LEAVE, G1, "224.0.0.2");
	settle();
	expect_silence();
}

static void test_rfc2236_3_a_running_timer_is_only_shortened(void **state)
{
	uint64_t asked_us;

	(void)state;
	bed_set(&b, "net.ipv4.conf.all.force_igmp_version", "2");
	join(G1);
	settle();
	query(2, NULL, 255, NULL);
	asked_us = b.now_us;
	query(2, G1, 10, NULL);
	query(2, NULL, 255, NULL);
	bed_run(&b, 26ULL * SECOND);
	expect_message(V2_REPORT, G1, G1);
	assert_in_range(r.at_us, asked_us, asked_us + SECOND + 2000);
	expect_silence();
}

static void test_rfc2236_3_sources_are_not_told_to_older_queriers(void **state)
{
	(void)state;
	bed_set(&b, "net.ipv4.conf.all.force_igmp_version", "2");
	join_source(G1, A);
	expect_message(V2_REPORT, G1, G1);
	settle();
	join_source(G1, B);
	settle();
	expect_silence();
}

static void test_rfc1112_version_1_reports_and_never_leaves(void **state)
{
	(void)state;
	bed_set(&b, "net.ipv4.conf.all.force_igmp_version", "1");
	join(G1);
	expect_message(V1_REPORT, G1, G1);
	settle();
	leave(G1);
	settle();
	expect_silence();
}

/* Within 10 s, which a version 1 query means without saying (RFC 2236 section 4). */
static void test_rfc2236_4_a_version_1_query_is_answered_within_ten_seconds(void **state)
{
	(void)state;
	join(G1);
	settle();
	query(1, NULL, 0, NULL);
	bed_run(&b, 10ULL * SECOND + 2000);
	expect_message(V1_REPORT, G1, G1);
	expect_silence();
}

static void test_rfc3376_7_2_1_an_older_querier_makes_us_older_for_its_time(void **state)
{
	(void)state;
	join(G1);
	settle();
	query(2, NULL, 10, NULL); /* Older Version Querier Present Timeout: 2 * 125 s + 1 s */
	bed_run(&b, 2ULL * SECOND);
	expect_message(V2_REPORT, G1, G1);
	leave(G1);
	expect_message(LEAVE, G1, "224.0.0.2");
	bed_run(&b, 247ULL * SECOND);
	join(G1);
	expect_message(V2_REPORT, G1, G1);
	bed_run(&b, 60ULL * SECOND);
	bed_drop_all(&b);
	leave(G1);
	expect_record(TO_IN, G1, NULL);
}

static void test_rfc3376_7_2_1_a_change_of_version_forgets_what_was_to_be_told(void **state)
{
	(void)state;
	join(G1);
	expect_record(TO_EX, G1, NULL);
	query(2, NULL, 10, NULL);
	bed_run(&b, 5ULL * SECOND);
	expect_message(V2_REPORT, G1, G1);
	expect_silence();
}

static void test_rfc3376_7_2_1_a_version_3_query_in_between_is_answered_in_the_older_version(void **state)
{
	(void)state;
	join(G1);
	settle();
	query(2, NULL, 10, NULL);
	bed_run(&b, 2ULL * SECOND);
	expect_message(V2_REPORT, G1, G1);
	query(3, NULL, 10, NULL);
	bed_run(&b, 2ULL * SECOND);
	expect_message(V2_REPORT, G1, G1);
	expect_silence();
}

/* "An older-version Group-Specific Query MUST NOT change the Host Compatibility Mode"; it is answered as one of version 3. */
static void test_rfc9776_7_3_1_an_older_query_about_one_group_makes_us_no_older(void **state)
{
	(void)state;
	join(G1);
	settle();
	query(2, G1, 10, NULL);
	bed_run(&b, 2ULL * SECOND);
	expect_record(IS_EX, G1, NULL);
	leave(G1);
	expect_record(TO_IN, G1, NULL);
}

/* RFC 1112 appendix I: the group of a version 1 query is "ignored when received". */
static void test_rfc1112_a_version_1_query_asks_for_every_group(void **state)
{
	const struct groups_wrap to_all = { .dst = "224.0.0.1" };

	(void)state;
	join(G1);
	settle();
	bed_inject(&b, buf, groups_igmp_query(buf, &to_all, 1, G2, 0, 0, 0, NULL));
	bed_run(&b, 11ULL * SECOND);
	expect_message(V1_REPORT, G1, G1);
}

static void test_rfc3376_4_2_14_reports_of_others_to_our_own_address_count(void **state)
{
	const struct groups_wrap to_us = { .dst = BED_ADDR4 };

	(void)state;
	bed_set(&b, "net.ipv4.conf.all.force_igmp_version", "2");
	join(G1);
	settle();
	query(2, NULL, 100, NULL);
	bed_inject(&b, buf, groups_igmp_message(buf, &to_us, V2_REPORT, G1));
	bed_run(&b, 11ULL * SECOND);
	expect_silence();
}

static void test_rfc3376_8_12_the_time_follows_the_queriers_interval(void **state)
{
	(void)state;
	bed_inject(&b, buf, groups_igmp_query(buf, &plain, 3, NULL, 1, 3, 20, NULL));
	query(2, NULL, 10, NULL); /* 3 * 20 s + 1 s */
	bed_run(&b, 62ULL * SECOND);
	join(G1);
	expect_record(TO_EX, G1, NULL);
}

/* ---- Links ---- */

static void test_a_link_that_comes_up_again_tells_its_groups(void **state)
{
	(void)state;
	join(G1);
	settle();
	assert_int_equal(stack_set_link_up(b.st, b.ifindex, false, b.now_us), 0);
	bed_run(&b, 5ULL * SECOND);
	assert_int_equal(stack_set_link_up(b.st, b.ifindex, true, b.now_us), 0);
	bed_turn(&b);
	expect_record(TO_EX, G1, NULL);
}

static void test_thousands_of_leaves_are_not_all_remembered(void **state)
{
	char group[32];

	(void)state;
	bed_set(&b, "net.ipv4.igmp_max_memberships", "5000");
	for (int i = 0; i < 3000; i++) {
		snprintf(group, sizeof(group), "239.4.%d.%d", i / 250, i % 250);
		assert_int_equal(membership(s, IP_ADD_MEMBERSHIP, group), 0);
	}
	settle();
	sock_close(s, b.now_us);
	bed_turn(&b);
	assert_int_equal(bed_stat(&b, "mcast.leaves_untold"), 3000 - 1024);
	bed_run(&b, 5ULL * SECOND);
	bed_drop_all(&b);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_rfc3376_4_2_14_reports_go_to_all_v3_routers_from_our_address),
		TEST(test_rfc3376_4_2_13_without_an_address_reports_come_from_the_wildcard),
		TEST(test_rfc3376_5_1_a_join_is_told_at_once_and_once_more_within_a_second),
		TEST(test_rfc3376_5_1_a_change_is_told_as_often_as_the_robustness_variable_says),
		TEST(test_rfc3376_5_1_the_queriers_robustness_variable_counts),
		TEST(test_rfc3376_5_1_a_leave_is_a_change_to_include_nothing),
		TEST(test_rfc3376_5_1_include_to_include_allows_and_blocks),
		TEST(test_rfc3376_5_1_exclude_to_exclude_allows_and_blocks),
		TEST(test_rfc3376_5_1_changes_of_mode_tell_the_whole_list),
		TEST(test_rfc3376_5_1_a_filter_replaced_allows_and_blocks_in_one_report),
		TEST(test_rfc3376_5_1_a_change_merges_with_the_one_still_being_told),
		TEST(test_rfc3376_5_1_a_source_change_during_a_mode_change_is_told_with_it),
		TEST(test_rfc3376_5_1_a_mode_change_ends_the_telling_of_sources),
		TEST(test_rfc3376_5_1_a_second_listener_changes_nothing_until_the_last_one_goes),
		TEST(test_rfc3376_3_2_the_link_listens_to_what_any_socket_wants),
		TEST(test_rfc3376_5_all_systems_is_heard_and_never_reported),
		TEST(test_other_groups_of_the_link_are_reported_unless_told_otherwise),
		TEST(test_rfc3376_5_2_a_general_query_is_answered_once_with_all_groups_within_its_time),
		TEST(test_rfc3376_5_2_delays_differ),
		TEST(test_rfc3376_5_2_rule_1_a_sooner_general_answer_answers_all),
		TEST(test_rfc3376_5_2_a_group_query_is_answered_with_the_groups_state),
		TEST(test_rfc3376_5_2_a_source_query_is_answered_with_the_sources_wanted),
		TEST(test_rfc3376_5_2_rule_5_source_queries_add_up_to_one_answer),
		TEST(test_rfc3376_5_2_rule_4_a_group_query_widens_the_answer_to_sources),
		TEST(test_sources_that_do_not_fit_one_query_are_answered_with_the_whole_group),
		TEST(test_rfc3376_4_1_1_large_response_codes_are_floating_point),
		TEST(test_rfc3376_5_reports_of_others_suppress_nothing_in_version_3),
		TEST(test_rfc3376_4_2_16_many_groups_take_many_reports_that_fit_the_link),
		TEST(test_rfc3376_4_2_16_a_long_include_is_split_a_long_exclude_cut_off),
		TEST(test_rfc3376_4_and_9_1_malformed_or_strange_queries_are_ignored),
		TEST(test_rfc3376_4_1_12_queries_to_our_own_address_and_from_nowhere_count),
		TEST(test_rfc2236_3_a_join_is_reported_at_once_and_again),
		TEST(test_rfc2236_3_queries_are_answered_group_by_group_to_the_group),
		TEST(test_rfc2236_3_anothers_report_suppresses_ours_and_our_leave),
		TEST(test_rfc2236_3_who_reported_last_leaves_to_all_routers),
		TEST(test_rfc2236_3_a_running_timer_is_only_shortened),
		TEST(test_rfc2236_3_sources_are_not_told_to_older_queriers),
		TEST(test_rfc1112_version_1_reports_and_never_leaves),
		TEST(test_rfc2236_4_a_version_1_query_is_answered_within_ten_seconds),
		TEST(test_rfc3376_7_2_1_an_older_querier_makes_us_older_for_its_time),
		TEST(test_rfc3376_7_2_1_a_change_of_version_forgets_what_was_to_be_told),
		TEST(test_rfc3376_7_2_1_a_version_3_query_in_between_is_answered_in_the_older_version),
		TEST(test_rfc9776_7_3_1_an_older_query_about_one_group_makes_us_no_older),
		TEST(test_rfc1112_a_version_1_query_asks_for_every_group),
		TEST(test_rfc3376_4_2_14_reports_of_others_to_our_own_address_count),
		TEST(test_rfc3376_8_12_the_time_follows_the_queriers_interval),
		TEST(test_a_link_that_comes_up_again_tells_its_groups),
		TEST(test_thousands_of_leaves_are_not_all_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
