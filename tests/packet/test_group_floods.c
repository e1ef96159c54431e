/* SPDX-License-Identifier: BSD-2-Clause */
/* Many groups, sources and queries: answers are spread and few, memory is bounded, and the stack's own groups find room (RFC 3376
 * sections 4.2.16 and 5.2). */
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

#include "stack/core.h"
#include "stack/mcast.h"
#include "tests/lib/groups.h"
#include "tests/lib/lan.h"

static struct bed b;
static struct groups_report r;
static uint8_t buf[65536];
static struct sock *s;

static const struct groups_wrap plain;

enum { IS_IN = 1, IS_EX = 2, SECOND = 1000000 };

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

static int join4(struct sock *of, uint32_t group)
{
	struct ip_mreqn m = { .imr_ifindex = (int)b.ifindex };

	m.imr_multiaddr.s_addr = htonl(group);
	return sock_setopt(of, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m), b.now_us);
}

static int join6(struct sock *of, uint32_t group)
{
	struct ipv6_mreq m = { .ipv6mr_interface = b.ifindex };
	uint32_t low = htonl(group);

	m.ipv6mr_multiaddr.s6_addr[0] = 0xff;
	m.ipv6mr_multiaddr.s6_addr[1] = 0x15;
	memcpy(m.ipv6mr_multiaddr.s6_addr + 12, &low, 4);
	return sock_setopt(of, IPPROTO_IPV6, IPV6_JOIN_GROUP, &m, sizeof(m), b.now_us);
}

static void join_many(unsigned count)
{
	bed_set(&b, "net.ipv4.igmp_max_memberships", "65536");
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(join4(s, 0xef030000 + i), 0);
}

static void settle(void)
{
	bed_run(&b, 30ULL * SECOND);
	bed_drop_all(&b);
}

static void general_query(uint8_t code)
{
	bed_inject(&b, buf, groups_igmp_query(buf, &plain, 3, NULL, code, 2, 125, NULL));
}

/* "implementations are recommended to spread transmission of such Report messages over the interval" */
static void test_rfc3376_5_2_the_reports_of_an_answer_are_spread_over_its_time(void **state)
{
	unsigned records = 0, reports = 0;
	uint64_t first_us = 0, asked_us;

	(void)state;
	assert_int_equal(stack_set_link_mtu(b.st, b.ifindex, 400), 0); /* 46 groups a report */
	join_many(460);
	settle();
	asked_us = b.now_us;
	general_query(100);
	bed_run(&b, 10ULL * SECOND + 2000);
	while (groups_next(&b, &r)) {
		assert_in_range(r.at_us, asked_us + 1, asked_us + 10ULL * SECOND + 2000);
		first_us = reports == 0 ? r.at_us : first_us;
		records += r.record_count;
		reports++;
	}
	assert_int_equal(records, 460);
	assert_int_equal(reports, 10);
	assert_true(r.at_us > first_us);
}

static void test_rfc3376_5_2_nothing_is_answered_in_the_moment_of_the_query(void **state)
{
	(void)state;
	assert_int_equal(join4(s, 0xef030000), 0);
	settle();
	general_query(0);
	assert_false(groups_next(&b, &r));
	bed_run(&b, SECOND);
	assert_true(groups_next(&b, &r));
}

/* Queries that ask for an answer at once do not get one each; none of the groups waits for ever. */
static void test_a_flood_of_general_queries_is_answered_a_little_and_for_all(void **state)
{
	static bool told[460];
	unsigned reports = 0;

	(void)state;
	assert_int_equal(stack_set_link_mtu(b.st, b.ifindex, 400), 0);
	join_many(460);
	settle();
	for (unsigned i = 0; i < 5000; i++) {
		general_query(0);
		bed_run(&b, 100);
		while (groups_next(&b, &r)) {
			reports++;
			for (unsigned k = 0; k < r.record_count; k++)
				told[(uint32_t)r.records[k].group.b[14] << 8 | r.records[k].group.b[15]] = true;
		}
	}
	assert_in_range(reports, 10, 60); /* of half a second of 10,000 queries a second */
	for (unsigned i = 0; i < 460; i++)
		assert_true(told[i]);
}

/* While the reports of an answer are being sent, a group that goes is left out, and one that comes is no harm. */
static void test_groups_may_go_while_they_are_told_of(void **state)
{
	struct sock *other = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);
	unsigned current = 0;

	(void)state;
	assert_int_equal(stack_set_link_mtu(b.st, b.ifindex, 400), 0);
	join_many(100);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(join4(other, 0xef040000 + i), 0);
	settle();
	general_query(100);
	while (current == 0) {
		bed_run(&b, 10000);
		while (groups_next(&b, &r))
			current += r.record_count;
	}
	sock_close(s, b.now_us);
	bed_run(&b, 12ULL * SECOND);
	while (groups_next(&b, &r))
		for (unsigned i = 0; i < r.record_count; i++)
			current += r.records[i].type == IS_EX;
	assert_in_range(current, 100, 200);
}

/* Queries about ever other sources of one group, to be answered within the hour: of too many the whole group is told. */
static void test_sources_asked_about_are_remembered_up_to_a_limit(void **state)
{
	char text[64][16];
	const char *list[65] = { NULL };
	size_t before;

	(void)state;
	assert_int_equal(join4(s, 0xef030001), 0);
	settle();
	before = b.mem.used_bytes;
	for (unsigned q = 0; q < 1000; q++) {
		for (unsigned i = 0; i < 64; i++) {
			snprintf(text[i], sizeof(text[i]), "198.%u.%u.%u", q >> 8, q & 255, i);
			list[i] = text[i];
		}
		bed_inject(&b, buf, groups_igmp_query(buf, &plain, 3, "239.3.0.1", 0xff, 2, 125, list));
	}
	assert_true(b.mem.used_bytes < before + 2 * MCAST_ASKED_MAX * sizeof(struct ip_addr) + 65536);
	bed_run(&b, 3600ULL * SECOND);
	assert_true(groups_next(&b, &r));
	assert_int_equal(r.record_count, 1);
	assert_int_equal(r.records[0].type, IS_EX);
	assert_false(groups_next(&b, &r));
}

/* The same, about ever other groups. */
static void test_sources_asked_about_of_all_groups_are_limited_too(void **state)
{
	char text[300][16], group[16];
	const char *list[301] = { NULL };
	size_t before;

	(void)state;
	join_many(400);
	settle();
	for (unsigned i = 0; i < 300; i++) {
		snprintf(text[i], sizeof(text[i]), "198.51.%u.%u", i >> 8, i & 255);
		list[i] = text[i];
	}
	before = b.mem.used_bytes;
	for (unsigned i = 0; i < 400; i++) {
		snprintf(group, sizeof(group), "239.3.%u.%u", i >> 8, i & 255);
		bed_inject(&b, buf, groups_igmp_query(buf, &plain, 3, group, 0xff, 2, 125, list));
	}
	assert_true(b.mem.used_bytes < before + 2 * MCAST_ASKED_ALL * sizeof(struct ip_addr) + 65536);
	bed_run(&b, 3600ULL * SECOND);
	bed_drop_all(&b);
	assert_int_equal(b.st->mcast.asked, 0);
}

static void test_sockets_leave_room_for_the_stacks_own_groups(void **state)
{
	struct ip_prefix p = { .len = 64 };
	unsigned joined = 0;
	struct ip_addr group = addr_of("ff02::1:ff99:9999");
	int err = 0;

	(void)state;
	for (struct sock *of = NULL; err == 0; joined++) {
		if (joined % 1000 == 0) {
			of = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
			sock_set_owner(of, joined / 1000 % 2, 1);
			bed_run(&b, 3ULL * SECOND);
			bed_drop_all(&b);
		}
		err = join6(of, joined);
	}
	assert_int_equal(err, -ENOBUFS);
	assert_in_range(joined, MCAST_GROUPS_MAX - MCAST_GROUPS_OWN - 16, MCAST_GROUPS_MAX - MCAST_GROUPS_OWN + 1);
	p.addr = addr_of("fd00::9999:9999");
	assert_int_equal(stack_add_addr(b.st, b.ifindex, &p, b.now_us), 0);
	assert_int_equal(stack_join_group(b.st, b.ifindex, &group, b.now_us), 0);
	bed_run(&b, SECOND);
	bed_drop_all(&b);
}

static void test_one_owner_of_sockets_leaves_room_for_others(void **state)
{
	struct sock *of = NULL, *others = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	unsigned joined = 0;
	int err = 0;

	(void)state;
	sock_set_owner(others, 1001, 1);
	for (; err == 0; joined++) {
		if (joined % 1000 == 0) {
			of = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
			sock_set_owner(of, 1000, 1);
			bed_run(&b, 3ULL * SECOND);
			bed_drop_all(&b);
		}
		err = join6(of, joined);
	}
	assert_int_equal(err, -ENOBUFS);
	assert_int_equal(joined - 1, MCAST_OWNER_MEMBERS_MAX);
	assert_int_equal(join6(others, 0x10000), 0);
	sock_close(of, b.now_us);
	of = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	sock_set_owner(of, 1000, 1);
	assert_int_equal(join6(of, 0x20000), 0);
	bed_run(&b, 3ULL * SECOND);
	bed_drop_all(&b);
}

/* Linux charges source lists to net.core.optmem_max too. */
static void test_sources_of_a_socket_are_limited_by_optmem_max(void **state)
{
	struct group_source_req m = { .gsr_interface = b.ifindex };
	struct sockaddr_in6 group = { .sin6_family = AF_INET6 }, source = { .sin6_family = AF_INET6 };
	struct sock *of = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	unsigned added = 0;
	int err = 0;

	(void)state;
	bed_set(&b, "net.core.optmem_max", "2048");
	bed_set(&b, "net.ipv6.mld_max_msf", "1024");
	assert_int_equal(join6(of, 1), 0);
	group.sin6_addr.s6_addr[0] = 0xff;
	group.sin6_addr.s6_addr[1] = 0x15;
	group.sin6_addr.s6_addr[15] = 1;
	memcpy(&m.gsr_group, &group, sizeof(group));
	for (; err == 0; added++) {
		source.sin6_addr.s6_addr[15] = (uint8_t)added;
		memcpy(&m.gsr_source, &source, sizeof(source));
		err = sock_setopt(of, IPPROTO_IPV6, MCAST_BLOCK_SOURCE, &m, sizeof(m), b.now_us);
	}
	assert_int_equal(err, -ENOBUFS);
	assert_int_equal(added - 1, (2048 - 64 - 24) / 16);
	assert_int_equal(join6(of, 2), -ENOMEM);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_rfc3376_5_2_the_reports_of_an_answer_are_spread_over_its_time),
		TEST(test_rfc3376_5_2_nothing_is_answered_in_the_moment_of_the_query),
		TEST(test_a_flood_of_general_queries_is_answered_a_little_and_for_all),
		TEST(test_groups_may_go_while_they_are_told_of),
		TEST(test_sources_asked_about_are_remembered_up_to_a_limit),
		TEST(test_sources_asked_about_of_all_groups_are_limited_too),
		TEST(test_sockets_leave_room_for_the_stacks_own_groups),
		TEST(test_one_owner_of_sockets_leaves_room_for_others),
		TEST(test_sources_of_a_socket_are_limited_by_optmem_max),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
