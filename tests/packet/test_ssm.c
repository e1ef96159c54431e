/* SPDX-License-Identifier: BSD-2-Clause */
/* Groups for single sources, 232/8 and ff3x::/32, by exact packets (RFC 4604, RFC 4607): only sources that were asked for by name are
 * reported, and only in the versions that can say so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/lib/groups.h"
#include "tests/lib/lan.h"
#include "tests/lib/packet.h"

static struct bed b;
static struct groups_report r;
static uint8_t buf[4096];

static const struct groups_wrap plain;

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

enum { IS_IN = 1, TO_EX = 4, ALLOW = 5, BLOCK = 6, SECOND = 1000000, V3_REPORT = 0x22, V2_REPORT = 0x16, MLD2_REPORT = 143, PORT = 7000 };

/* The same in both families. */
static struct family {
	int family;
	const char *ssm, *asm_group, *a, *b, *force, *out_reports, *ssm_set;
	uint8_t report;
} families[] = {
	{ AF_INET, "232.1.1.1", "239.1.1.1", BED_PEER4, "10.0.0.7", "net.ipv4.conf.all.force_igmp_version", "igmp.out_reports",
	  "net.ipv4.igmp_ssm", V3_REPORT },
	{ AF_INET6, "ff35::1111", "ff15::1111", BED_PEER6, "fd00::7", "net.ipv6.conf.all.force_mld_version", "mld.out_reports",
	  "net.ipv6.mld_ssm", MLD2_REPORT },
};

static struct family *f;
static struct sock *s;

static int setup(void **state)
{
	f = *state;
	bed_open(&b, 9, LINK_IP);
	b.hears_reports = true;
	s = bed_sock(&b, f->family, SOCK_DGRAM, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_close(&b);
	return 0;
}

static void put_addr(struct sockaddr_storage *to, const char *text)
{
	struct ip_addr a = addr_of(text);
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	memcpy(&in4.sin_addr, ip_addr_v4(&a), 4);
	memcpy(&in6.sin6_addr, a.b, 16);
	if (ip_addr_is4(&a))
		memcpy(to, &in4, sizeof(in4));
	else
		memcpy(to, &in6, sizeof(in6));
}

static int option(struct sock *of, int name, const char *group, const char *source)
{
	struct group_source_req m = { .gsr_interface = b.ifindex };
	int err;

	put_addr(&m.gsr_group, group);
	put_addr(&m.gsr_source, source ? source : group);
	err = sock_setopt(of, f->family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6, name, &m,
			  source ? sizeof(m) : sizeof(struct group_req), b.now_us);
	bed_turn(&b);
	return err;
}

static void query(bool is_general)
{
	if (f->family == AF_INET)
		bed_inject(&b, buf, groups_igmp_query(buf, &plain, 3, is_general ? NULL : f->ssm, 10, 2, 125, NULL));
	else
		bed_inject(&b, buf, groups_mld_query(buf, &plain, 2, is_general ? NULL : f->ssm, 1000, 2, 125, NULL));
	bed_run(&b, 2ULL * SECOND);
}

static void settle(void)
{
	bed_run(&b, 30ULL * SECOND);
	bed_drop_all(&b);
}

static void expect_record(uint8_t type, const char *group, const char *const *sources)
{
	assert_true(groups_next(&b, &r));
	assert_int_equal(r.type, f->report);
	assert_int_equal(r.record_count, 1);
	assert_true(groups_has_record(&r, 0, type, group, sources));
}

static void test_rfc4604_2_2_1_sources_of_such_a_group_are_reported_as_ever(void **state)
{
	(void)state;
	assert_int_equal(option(s, MCAST_JOIN_SOURCE_GROUP, f->ssm, f->a), 0);
	expect_record(ALLOW, f->ssm, LIST(f->a));
	settle();
	query(true);
	expect_record(IS_IN, f->ssm, LIST(f->a));
	query(false);
	expect_record(IS_IN, f->ssm, LIST(f->a));
	assert_int_equal(option(s, MCAST_LEAVE_SOURCE_GROUP, f->ssm, f->a), 0);
	expect_record(BLOCK, f->ssm, LIST(f->a));
}

/* "SHOULD NOT send MODE_IS_EXCLUDE ... CHANGE_TO_EXCLUDE_MODE" */
static void test_rfc4604_2_2_1_every_source_of_such_a_group_is_never_reported(void **state)
{
	(void)state;
	assert_int_equal(option(s, MCAST_JOIN_GROUP, f->ssm, NULL), 0);
	query(true);
	query(false);
	settle();
	assert_int_equal(option(s, MCAST_LEAVE_GROUP, f->ssm, NULL), 0);
	settle();
	assert_int_equal(bed_stat(&b, f->out_reports), 0);
}

static void test_rfc4604_2_2_1_who_names_no_source_changes_nothing_for_who_does(void **state)
{
	struct sock *other = bed_sock(&b, f->family, SOCK_DGRAM, 0);

	(void)state;
	assert_int_equal(option(s, MCAST_JOIN_SOURCE_GROUP, f->ssm, f->a), 0);
	settle();
	assert_int_equal(option(other, MCAST_JOIN_GROUP, f->ssm, NULL), 0);
	assert_int_equal(option(other, MCAST_BLOCK_SOURCE, f->ssm, f->b), 0);
	settle();
	assert_false(groups_next(&b, &r));
	query(true);
	expect_record(IS_IN, f->ssm, LIST(f->a));
	sock_close(other, b.now_us);
	settle();
	assert_false(groups_next(&b, &r));
}

/* What comes although nobody asked for it is still heard: a program that joins without a source works where switches flood. */
static void test_a_membership_without_sources_hears_what_arrives(void **state)
{
	struct ip_endpoint local = bed_endpoint(f->family == AF_INET ? "0.0.0.0" : "::", PORT);
	struct frame *got;

	(void)state;
	assert_int_equal(sock_bind(s, &local), 0);
	assert_int_equal(option(s, MCAST_JOIN_GROUP, f->ssm, NULL), 0);
	bed_inject(&b, buf, packet_udp(buf, f->a, 9, f->ssm, PORT, "hi", 2));
	got = sock_recv_frame(s);
	assert_non_null(got);
	frame_unref(got);
}

/* A report of the older versions would mean every source. */
static void test_rfc4604_2_2_2_older_versions_do_not_report_such_groups(void **state)
{
	(void)state;
	bed_set(&b, f->force, "1");
	assert_int_equal(option(s, MCAST_JOIN_SOURCE_GROUP, f->ssm, f->a), 0);
	query(true);
	settle();
	assert_int_equal(option(s, MCAST_LEAVE_SOURCE_GROUP, f->ssm, f->a), 0);
	settle();
	assert_int_equal(bed_stat(&b, f->out_reports), 0);
	assert_int_equal(option(s, MCAST_JOIN_SOURCE_GROUP, f->asm_group, f->a), 0);
	settle();
	assert_int_equal(bed_stat(&b, f->out_reports), 2);
}

static void test_told_so_such_groups_are_as_any(void **state)
{
	(void)state;
	bed_set(&b, f->ssm_set, "0");
	assert_int_equal(option(s, MCAST_JOIN_GROUP, f->ssm, NULL), 0);
	expect_record(TO_EX, f->ssm, NULL);
	settle();
	bed_set(&b, f->force, "1");
	query(true);
	settle();
	assert_int_equal(bed_stat(&b, f->out_reports), 3);
}

int main(void)
{
#define TEST(name)                                                                                                     \
	{ #name " (IPv4)", name, setup, teardown, &families[0] },                                              \
	{                                                                                                              \
		#name " (IPv6)", name, setup, teardown, &families[1]                                           \
	}
	const struct CMUnitTest tests[] = {
		TEST(test_rfc4604_2_2_1_sources_of_such_a_group_are_reported_as_ever),
		TEST(test_rfc4604_2_2_1_every_source_of_such_a_group_is_never_reported),
		TEST(test_rfc4604_2_2_1_who_names_no_source_changes_nothing_for_who_does),
		TEST(test_a_membership_without_sources_hears_what_arrives),
		TEST(test_rfc4604_2_2_2_older_versions_do_not_report_such_groups),
		TEST(test_told_so_such_groups_are_as_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
