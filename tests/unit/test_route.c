/* SPDX-License-Identifier: BSD-2-Clause */
/* Routes and the choice of source addresses (RFC 1122 section 3.3.1, RFC 6724 section 5), without a packet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "stack/core.h"
#include "tests/lib/bed.h"

static struct bed b;
static uint32_t if2; /* a second link */

static int add_addr(uint32_t ifindex, const char *text)
{
	struct ip_prefix p;

	assert_int_equal(ip_prefix_parse(text, &p), 0);
	return stack_add_addr(b.st, ifindex, &p, b.now_us);
}

static int del_addr(uint32_t ifindex, const char *text)
{
	struct ip_addr a = addr_of(text);

	return stack_del_addr(b.st, ifindex, &a, b.now_us);
}

static int setup(void **state)
{
	struct link_config c = { .name = "test1", .kind = LINK_ETHERNET, .mac = { 2, 0, 0, 0, 1, 1 }, .mtu = 1400 };

	(void)state;
	bed_open(&b, 1, LINK_ETHERNET);
	if2 = (uint32_t)stack_add_link(b.st, &c);
	assert_int_equal(if2, 3);
	assert_int_equal(add_addr(if2, "192.168.7.1/16"), 0);
	assert_int_equal(add_addr(if2, "2001:db8:7::1/64"), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_close(&b);
	return 0;
}

static struct route_config route(const char *prefix, const char *gateway, uint32_t ifindex, uint32_t metric)
{
	struct route_config r = { .ifindex = ifindex, .metric = metric };

	assert_int_equal(ip_prefix_parse(prefix, &r.prefix), 0);
	if (gateway)
		r.gateway = addr_of(gateway);
	return r;
}

static int add_route(const char *prefix, const char *gateway, uint32_t ifindex, uint32_t metric)
{
	struct route_config r = route(prefix, gateway, ifindex, metric);

	return stack_add_route(b.st, &r);
}

static int del_route(const char *prefix, const char *gateway, uint32_t ifindex, uint32_t metric)
{
	struct route_config r = route(prefix, gateway, ifindex, metric);

	return stack_del_route(b.st, &r);
}

static struct ip_dst d;

static int find(const char *dst)
{
	struct ip_addr a = addr_of(dst);

	return ip_route(b.st, &a, NULL, 0, &d);
}

static void expect_route(const char *dst, uint32_t ifindex, const char *next_hop, const char *src)
{
	char got_hop[IP_ADDR_TEXT_MAX], got_src[IP_ADDR_TEXT_MAX];
	int err = find(dst);

	if (err < 0)
		fail_msg("%s: %d", dst, err);
	ip_addr_print(&d.next_hop, got_hop);
	ip_addr_print(&d.src, got_src);
	if (d.ifindex != ifindex || strcmp(got_hop, next_hop) != 0 || strcmp(got_src, src) != 0)
		fail_msg("%s goes out of %u via %s from %s", dst, d.ifindex, got_hop, got_src);
}

static void test_networks_of_addresses_are_on_link(void **state)
{
	(void)state;
	expect_route("10.0.0.77", b.ifindex, "10.0.0.77", BED_ADDR4);
	expect_route("192.168.200.1", if2, "192.168.200.1", "192.168.7.1");
	expect_route("fd00::77", b.ifindex, "fd00::77", BED_ADDR6);
	expect_route("2001:db8:7::99", if2, "2001:db8:7::99", "2001:db8:7::1");
	assert_int_equal(d.mtu, 1400);
	assert_int_equal(find("8.8.8.8"), -ENETUNREACH);
	assert_int_equal(find("2001:db8:8::1"), -ENETUNREACH);
	assert_int_equal(find("0.0.0.0"), -ENETUNREACH);
}

static void test_longest_prefix_wins_then_the_lowest_metric(void **state)
{
	(void)state;
	assert_int_equal(add_route("0.0.0.0/0", "10.0.0.254", 0, 0), 0);
	assert_int_equal(add_route("172.16.0.0/12", "192.168.0.1", 0, 10), 0);
	assert_int_equal(add_route("172.16.0.0/12", "10.0.0.253", 0, 5), 0);
	assert_int_equal(add_route("172.16.5.0/24", "192.168.0.2", 0, 100), 0);
	assert_int_equal(add_route("172.16.5.6/32", "10.0.0.252", 0, 7), 0);
	expect_route("8.8.8.8", b.ifindex, "10.0.0.254", BED_ADDR4);
	expect_route("172.17.0.1", b.ifindex, "10.0.0.253", BED_ADDR4);
	expect_route("172.16.5.5", if2, "192.168.0.2", "192.168.7.1");
	expect_route("172.16.5.6", b.ifindex, "10.0.0.252", BED_ADDR4);
	assert_int_equal(del_route("172.16.0.0/12", "10.0.0.253", 0, 5), 0);
	expect_route("172.17.0.1", if2, "192.168.0.1", "192.168.7.1");
	assert_int_equal(del_route("172.16.0.0/12", "10.0.0.253", 0, 5), -ESRCH);
}

static int add_kind(const char *prefix, enum route_kind kind)
{
	struct route_config r = route(prefix, NULL, 0, 0);

	r.kind = (uint8_t)kind;
	return stack_add_route(b.st, &r);
}

/* The errors are the kernel's. */
static void test_routes_that_refuse_say_why(void **state)
{
	(void)state;
	assert_int_equal(add_route("0.0.0.0/0", "10.0.0.254", 0, 0), 0);
	assert_int_equal(add_route("::/0", "fd00::fe", 0, 0), 0);
	assert_int_equal(add_kind("172.16.0.0/16", ROUTE_BLACKHOLE), 0);
	assert_int_equal(add_kind("172.17.0.0/16", ROUTE_UNREACHABLE), 0);
	assert_int_equal(add_kind("172.18.0.0/16", ROUTE_PROHIBIT), 0);
	assert_int_equal(add_kind("2001:db8:f::/48", ROUTE_BLACKHOLE), 0);
	assert_int_equal(add_kind("2001:db8:e::/48", ROUTE_UNREACHABLE), 0);
	assert_int_equal(add_kind("2001:db8:d::/48", ROUTE_PROHIBIT), 0);
	assert_int_equal(find("172.16.0.1"), -EINVAL);
	assert_int_equal(find("172.17.0.1"), -EHOSTUNREACH);
	assert_int_equal(find("172.18.0.1"), -EACCES);
	assert_int_equal(find("2001:db8:f::1"), -EINVAL);
	assert_int_equal(find("2001:db8:e::1"), -EHOSTUNREACH);
	assert_int_equal(find("2001:db8:d::1"), -EACCES);
	assert_int_equal(add_route("172.17.5.0/24", "10.0.0.253", 0, 0), 0);
	expect_route("172.17.5.1", b.ifindex, "10.0.0.253", BED_ADDR4);
	/* nothing behind it is a neighbour */
	assert_int_equal(add_route("192.0.2.0/24", "172.16.0.1", 0, 0), -ENETUNREACH);
}

static void test_route_names_the_source_and_the_largest_packet(void **state)
{
	struct route_config r = route("172.16.0.0/12", "10.0.0.253", 0, 0);

	(void)state;
	r.src = addr_of("192.168.7.1");
	r.mtu = 900;
	assert_int_equal(stack_add_route(b.st, &r), 0);
	expect_route("172.16.0.1", b.ifindex, "10.0.0.253", "192.168.7.1");
	assert_int_equal(d.mtu, 900);
	r.mtu = 67;
	assert_int_equal(stack_set_route(b.st, &r, 0), -EINVAL);
	r.mtu = 0;
	r.src = addr_of("10.0.0.99");
	assert_int_equal(stack_set_route(b.st, &r, 0), -EINVAL);
	r.src = ip6_addr_any;
	assert_int_equal(stack_set_route(b.st, &r, 0), 0);
	expect_route("172.16.0.1", b.ifindex, "10.0.0.253", BED_ADDR4);
	assert_int_equal(d.mtu, 1500);
}

/* IPv4 addresses are held inside ::/96's neighbourhood: the IPv6 default route must not catch them. */
static void test_default_route_of_one_family_does_not_serve_the_other(void **state)
{
	(void)state;
	assert_int_equal(add_route("::/0", "fd00::fe", 0, 0), 0);
	assert_int_equal(find("8.8.8.8"), -ENETUNREACH);
	expect_route("2001:db8:8::1", b.ifindex, "fd00::fe", BED_ADDR6);
	assert_int_equal(del_route("::/0", "fd00::fe", 0, 0), 0);
	assert_int_equal(add_route("0.0.0.0/0", "10.0.0.254", 0, 0), 0);
	assert_int_equal(find("2001:db8:8::1"), -ENETUNREACH);
}

static void test_impossible_routes_are_refused(void **state)
{
	(void)state;
	assert_int_equal(add_route("0.0.0.0/0", "172.16.0.1", 0, 0), -ENETUNREACH);
	assert_int_equal(add_route("0.0.0.0/0", "10.0.0.254", if2, 0), -ENETUNREACH);
	assert_int_equal(add_route("0.0.0.0/0", "10.0.0.254", 99, 0), -ENODEV);
	assert_int_equal(add_route("0.0.0.0/0", NULL, 0, 0), -ENODEV);
	assert_int_equal(add_route("0.0.0.0/0", "fd00::fe", 0, 0), -EINVAL);
	assert_int_equal(add_route("0.0.0.0/0", BED_ADDR4, 0, 0), -EINVAL);
	assert_int_equal(add_route("0.0.0.0/0", "10.0.0.254", 0, 0), 0);
	assert_int_equal(add_route("0.0.0.0/0", "10.0.0.254", 0, 0), -EEXIST);
	assert_int_equal(add_route("10.0.0.0/24", NULL, b.ifindex, 0), -EEXIST);
	assert_int_equal(add_route("198.51.100.0/24", NULL, b.ifindex, 0), 0); /* on-link by order */
	expect_route("198.51.100.9", b.ifindex, "198.51.100.9", BED_ADDR4);
}

static void test_impossible_addresses_are_refused(void **state)
{
	static const char *const bad[] = { "224.0.0.1/24", "0.0.0.0/8", "10.1.0.0/24", "10.1.0.255/24", "255.255.255.255/32", "::/64",
					   "ff02::1/64" };
	(void)state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (add_addr(b.ifindex, bad[i]) != -EINVAL)
			fail_msg("%s was taken", bad[i]);
	assert_int_equal(add_addr(b.ifindex, BED_ADDR4 "/24"), -EEXIST);
	assert_int_equal(add_addr(99, "10.1.0.1/24"), -ENODEV);
	assert_int_equal(del_addr(b.ifindex, "10.1.0.1"), -EADDRNOTAVAIL);
	assert_int_equal(add_addr(b.ifindex, "10.1.0.0/31"), 0); /* RFC 3021 */
	assert_int_equal(add_addr(b.ifindex, "10.1.0.9/32"), 0);
}

static void test_network_goes_with_its_last_address(void **state)
{
	(void)state;
	assert_int_equal(add_addr(b.ifindex, "10.0.0.9/24"), 0);
	assert_int_equal(del_addr(b.ifindex, BED_ADDR4), 0);
	expect_route("10.0.0.77", b.ifindex, "10.0.0.77", "10.0.0.9");
	assert_int_equal(del_addr(b.ifindex, "10.0.0.9"), 0);
	assert_int_equal(find("10.0.0.77"), -ENETUNREACH);
}

static void test_own_addresses_and_loopback_stay_inside(void **state)
{
	static const struct {
		const char *dst, *src;
	} cases[] = {
		{ BED_ADDR4, BED_ADDR4 },     { "192.168.7.1", "192.168.7.1" }, { "127.0.0.1", "127.0.0.1" },
		{ "127.5.6.7", "127.0.0.1" }, { BED_ADDR6, BED_ADDR6 },		{ "::1", "::1" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		expect_route(cases[i].dst, 1, cases[i].dst, cases[i].src);
		assert_true(d.is_local);
		assert_int_equal(d.mtu, 65535);
	}
}

/* RFC 1122 section 3.2.1.3 (g) */
static void test_loopback_source_does_not_leave_the_host(void **state)
{
	struct ip_addr src = addr_of("127.0.0.1"), dst = addr_of("10.0.0.2"), stranger = addr_of("10.0.0.99");

	(void)state;
	assert_int_equal(ip_route(b.st, &dst, &src, 0, &d), -ENETUNREACH);
	assert_int_equal(ip_route(b.st, &dst, &stranger, 0, &d), -EADDRNOTAVAIL);
	src = addr_of("192.168.7.1"); /* another link's address is kept when asked for */
	assert_int_equal(ip_route(b.st, &dst, &src, 0, &d), 0);
	assert_true(ip_addr_eq(&d.src, &src));
}

static void test_asked_for_interface_is_used_or_nothing(void **state)
{
	struct ip_addr dst = addr_of("10.0.0.2"), group = addr_of("224.1.2.3");

	(void)state;
	assert_int_equal(ip_route(b.st, &dst, NULL, if2, &d), -ENETUNREACH);
	assert_int_equal(ip_route(b.st, &dst, NULL, b.ifindex, &d), 0);
	assert_int_equal(ip_route(b.st, &group, NULL, if2, &d), 0);
	assert_int_equal(d.ifindex, if2);
	assert_true(d.is_multicast);
	assert_null(d.neigh);
}

/* RFC 6724 section 5: rule 2 (scope), rule 5 (interface), rule 8 (longest match) */
static void test_source_for_ipv6_follows_rfc_6724(void **state)
{
	struct ip_addr dst = addr_of("fe80::99");

	(void)state;
	assert_int_equal(ip_route(b.st, &dst, NULL, b.ifindex, &d), 0);
	assert_true(ip_addr_is_linklocal(&d.src)); /* the smallest scope that reaches */
	assert_int_equal(ip_route(b.st, &dst, NULL, if2, &d), 0);
	assert_true(d.src.b[14] == 1 && ip_addr_is_linklocal(&d.src)); /* of that very link */
	dst = addr_of("ff02::1");
	assert_int_equal(ip_route(b.st, &dst, NULL, if2, &d), 0);
	assert_true(ip_addr_is_linklocal(&d.src));

	assert_int_equal(add_route("::/0", "2001:db8:7::fe", 0, 0), 0);
	assert_int_equal(add_addr(if2, "2001:db8:9::1/64"), 0);
	expect_route("2001:db8:9:5::1", if2, "2001:db8:7::fe", "2001:db8:9::1"); /* rule 8 asks for the destination, not the router */
	expect_route("2001:db8:9::5", if2, "2001:db8:9::5", "2001:db8:9::1");
}

static void test_source_is_of_the_network_of_the_next_hop(void **state)
{
	(void)state;
	assert_int_equal(add_addr(b.ifindex, "10.9.0.1/16"), 0);
	expect_route("10.9.3.4", b.ifindex, "10.9.3.4", "10.9.0.1");
	expect_route("10.0.0.4", b.ifindex, "10.0.0.4", BED_ADDR4);
	assert_int_equal(add_route("0.0.0.0/0", "10.9.0.254", 0, 0), 0);
	expect_route("8.8.8.8", b.ifindex, "10.9.0.254", "10.9.0.1");
}

static void test_broadcasts_are_recognised(void **state)
{
	(void)state;
	expect_route("255.255.255.255", b.ifindex, "255.255.255.255", BED_ADDR4);
	assert_true(d.is_broadcast);
	expect_route("192.168.255.255", if2, "192.168.255.255", "192.168.7.1");
	assert_true(d.is_broadcast);
	assert_null(d.neigh);
	assert_int_equal(find("10.0.255.255"), -ENETUNREACH); /* of no network here */
}

static void test_cached_route_is_stale_after_every_change(void **state)
{
	struct ip_dst unused = { 0 };

	(void)state;
	assert_true(ip_dst_is_stale(b.st, &unused));
	assert_int_equal(find("10.0.0.2"), 0);
	assert_false(ip_dst_is_stale(b.st, &d));
	assert_int_equal(add_route("0.0.0.0/0", "10.0.0.254", 0, 0), 0);
	assert_true(ip_dst_is_stale(b.st, &d));
	find("10.0.0.2");
	del_route("0.0.0.0/0", "10.0.0.254", 0, 0);
	assert_true(ip_dst_is_stale(b.st, &d));
	find("10.0.0.2");
	stack_set_link_mtu(b.st, b.ifindex, 1300);
	assert_true(ip_dst_is_stale(b.st, &d));
	find("10.0.0.2");
	assert_int_equal(d.mtu, 1300);
	add_addr(if2, "10.33.0.1/16");
	assert_true(ip_dst_is_stale(b.st, &d));
	find("10.0.0.2");
	del_addr(if2, "10.33.0.1");
	assert_true(ip_dst_is_stale(b.st, &d));
}

static void test_binding_is_to_own_wildcard_group_and_broadcast_addresses(void **state)
{
	static const char *const good[] = { "0.0.0.0", "::", BED_ADDR4, BED_ADDR6, "127.0.0.5", "::1", "224.0.0.5", "ff02::5",
					    "255.255.255.255", "10.0.0.255" };
	static const char *const bad[] = { "10.0.0.2", "8.8.8.8", "fd00::2", "::2" };
	struct ip_addr a;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		a = addr_of(good[i]);
		assert_int_equal(ip_check_bind(b.st, &a, 0), 0);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		a = addr_of(bad[i]);
		assert_int_equal(ip_check_bind(b.st, &a, 0), -EADDRNOTAVAIL);
	}
	a = addr_of(BED_ADDR6);
	assert_int_equal(ip_check_bind(b.st, &a, if2), -EADDRNOTAVAIL); /* not on that link */
}

static void test_opening_fails_cleanly_wherever_memory_is_refused(void **state)
{
	unsigned n = 1;
	bool is_open = false;

	(void)state;
	for (; !is_open; n++) {
		struct bed t;

		bed_prepare(&t, 1, LINK_ETHERNET);
		t.mem.fail_at = n;
		is_open = bed_start(&t);
		bed_close(&t);
		assert_in_range(n, 1, 500);
	}
	assert_true(n > 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_networks_of_addresses_are_on_link),
		TEST(test_longest_prefix_wins_then_the_lowest_metric),
		TEST(test_routes_that_refuse_say_why),
		TEST(test_route_names_the_source_and_the_largest_packet),
		TEST(test_default_route_of_one_family_does_not_serve_the_other),
		TEST(test_impossible_routes_are_refused),
		TEST(test_impossible_addresses_are_refused),
		TEST(test_network_goes_with_its_last_address),
		TEST(test_own_addresses_and_loopback_stay_inside),
		TEST(test_loopback_source_does_not_leave_the_host),
		TEST(test_asked_for_interface_is_used_or_nothing),
		TEST(test_source_for_ipv6_follows_rfc_6724),
		TEST(test_source_is_of_the_network_of_the_next_hop),
		TEST(test_broadcasts_are_recognised),
		TEST(test_cached_route_is_stale_after_every_change),
		TEST(test_binding_is_to_own_wildcard_group_and_broadcast_addresses),
		cmocka_unit_test(test_opening_fails_cleanly_wherever_memory_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
