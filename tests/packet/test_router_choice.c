/* SPDX-License-Identifier: BSD-2-Clause */
/* Which of several routers, and which source with it, by exact frames: RFC 4861 section 6.3.6, 4191, 4311, 6724 (rule 5.5), 8028; and the
 * search for routers when the last one is gone. Each test's name begins with its RFC and section. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "stack/core.h"
#include "tests/lib/bed.h"
#include "tests/lib/lan.h"
#include "tests/lib/packet.h"
#include "tests/lib/ra.h"

static struct bed b;
static struct bed_packet out;
static struct ra ra;
static uint8_t buf[4096];

#define ROUTER "fe80::fe"
#define ROUTER2 "fe80::fd"
#define FAR "2001:db8:f::1"
#define PREFIX "2001:db8:1::/64"
#define PREFIX2 "2001:db8:2::/64"
#define S 1000000ULL
static const uint8_t router2_mac[6] = { 0x02, 0, 0, 0, 0, 0xfd };

static int setup(void **state)
{
	(void)state;
	bed_open(&b, 4, LINK_ETHERNET);
	bed_run(&b, 20 * S);
	bed_drop_all(&b);
	return 0;
}

static int setup_asking(void **state)
{
	(void)state;
	bed_prepare(&b, 4, LINK_ETHERNET);
	b.asks_routers = true;
	assert_true(bed_start(&b));
	bed_run(&b, 10 * S);
	bed_drop_all(&b);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_close(&b);
	return 0;
}

static bool route(const char *dst, const char *src, struct ip_dst *d)
{
	struct ip_addr a = addr_of(dst), s = src ? addr_of(src) : ip6_addr_any;

	return ip_route(b.st, &a, src ? &s : NULL, 0, d) == 0;
}

static const char *next_hop_from(const char *dst, const char *src)
{
	static char text[IP_ADDR_TEXT_MAX];
	struct ip_dst d;

	return route(dst, src, &d) ? ip_addr_print(&d.next_hop, text) : "none";
}

static const char *next_hop(const char *dst)
{
	return next_hop_from(dst, NULL);
}

static const char *source(const char *dst)
{
	static char text[IP_ADDR_TEXT_MAX];
	struct ip_dst d;

	return route(dst, NULL, &d) ? ip_addr_print(&d.src, text) : "none";
}

/* A router, with a prefix to make addresses from (NULL: none), its link address told if @mac is not NULL. */
static void router(const char *src, const uint8_t *mac, uint8_t flags, const char *prefix)
{
	ra_begin(&ra, src, 1800);
	ra.icmp[5] = flags;
	if (mac) {
		ra.mac = mac;
		ra_add_mac(&ra, 1, mac);
	}
	if (prefix)
		ra_add_prefix(&ra, prefix, RA_AUTO, 86400, 86400);
	ra_send(&b, &ra);
}

/* Our address that was made of the prefix of these eight bytes. */
struct search {
	struct ip_addr prefix;
	char text[IP_ADDR_TEXT_MAX];
};

static bool match(void *ctx, const struct addr_info *i)
{
	struct search *s = ctx;

	if (strcmp(i->origin, "slaac") == 0 && memcmp(i->prefix.addr.b, s->prefix.b, 8) == 0)
		ip_addr_print(&i->prefix.addr, s->text);
	return true;
}

static const char *own(const char *prefix)
{
	static struct search found[2];
	static unsigned turn;
	struct search *s = &found[turn++ % 2];

	*s = (struct search){ .prefix = addr_of(prefix) };
	stack_each_addr(b.st, match, s);
	return s->text;
}

static unsigned solicitations(void)
{
	unsigned n = 0;

	while (bed_next(&b, &out))
		n += out.len > 55 && out.data[54] == 133;
	return n;
}

/* ---- The search ---- */

static void test_4861_6_3_7_routers_are_looked_for_when_the_last_ones_time_is_over(void **state)
{
	(void)state;
	ra_simple(&b, ROUTER, 100, NULL, 0, 0);
	ra_simple(&b, ROUTER2, 50, NULL, 0, 0);
	bed_drop_all(&b);
	bed_run(&b, 99 * S); /* one is left */
	assert_int_equal(solicitations(), 0);
	bed_run(&b, 2100000);
	assert_int_equal(solicitations(), 1);
	bed_run(&b, 5 * S);
	assert_int_equal(solicitations(), 1);
	ra_simple(&b, ROUTER, 1800, NULL, 0, 0);
	bed_run(&b, 60 * S);
	assert_int_equal(solicitations(), 0);
}

static void test_4861_6_3_7_routers_are_looked_for_when_the_last_one_says_it_is_none(void **state)
{
	(void)state;
	ra_simple(&b, ROUTER, 1800, NULL, 0, 0);
	bed_drop_all(&b);
	ra_simple(&b, ROUTER, 0, NULL, 0, 0);
	bed_run(&b, 1100000);
	assert_int_equal(solicitations(), 1);
	ra_simple(&b, ROUTER, 1800, NULL, 0, 0);
	bed_drop_all(&b);
	bed_inject(&b, buf, lan_nd(buf, ra_router_mac, ROUTER, "ff02::1", LAN_NA, LAN_OVERRIDE, ROUTER, ra_router_mac));
	bed_run(&b, 1100000);
	assert_int_equal(solicitations(), 1);
}

static void test_7559_2_1_search_ends_though_no_default_router_is_to_be_learnt(void **state)
{
	(void)state;
	bed_set(&b, "net.ipv6.conf.all.accept_ra_defrtr", "0");
	ra_simple(&b, ROUTER, 1800, NULL, 0, 0);
	bed_run(&b, 100 * S);
	assert_int_equal(solicitations(), 0);
}

/* ---- Which router ---- */

static void test_4861_6_3_6_router_whose_link_address_is_known_comes_first(void **state)
{
	char dst[64];

	(void)state;
	router(ROUTER, NULL, 0, NULL);
	router(ROUTER2, router2_mac, 0, NULL);
	for (unsigned i = 1; i <= 20; i++) {
		snprintf(dst, sizeof(dst), "2001:db8:f::%x", i);
		assert_string_equal(next_hop(dst), ROUTER2);
	}
	/* not before preference (RFC 4191 section 3.2: what is not known is taken to be reachable) */
	router(ROUTER, NULL, RA_HIGH, NULL);
	assert_string_equal(next_hop(FAR), ROUTER);
}

static void test_4311_3_destinations_are_shared_out_between_equal_routers(void **state)
{
	unsigned first = 0;
	bool was_first[100];
	char dst[64];

	(void)state;
	router(ROUTER, ra_router_mac, 0, NULL);
	router(ROUTER2, router2_mac, 0, NULL);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(dst, sizeof(dst), "2001:db8:f::%x", i + 1);
		was_first[i] = strcmp(next_hop(dst), ROUTER) == 0;
		first += was_first[i];
		assert_string_equal(next_hop(dst), was_first[i] ? ROUTER : ROUTER2); /* and keep theirs */
	}
	assert_in_range(first, 25, 75);
	/* a third one takes some from both, and nothing else moves */
	router("fe80::fc", (const uint8_t[]){ 0x02, 0, 0, 0, 0, 0xfc }, 0, NULL);
	first = 0;
	for (unsigned i = 0; i < 100; i++) {
		const char *now;

		snprintf(dst, sizeof(dst), "2001:db8:f::%x", i + 1);
		now = next_hop(dst);
		if (strcmp(now, "fe80::fc") == 0)
			first++;
		else
			assert_string_equal(now, was_first[i] ? ROUTER : ROUTER2);
	}
	assert_in_range(first, 15, 55);
	router(ROUTER2, router2_mac, RA_HIGH, NULL); /* no longer equal */
	for (unsigned i = 0; i < 20; i++) {
		snprintf(dst, sizeof(dst), "2001:db8:f::%x", i + 1);
		assert_string_equal(next_hop(dst), ROUTER2);
	}
}

/* Another link's routers are no equals: who knows where they lead. */
static void test_4311_3_routers_of_another_link_take_no_share(void **state)
{
	struct route_config c = { .prefix = { ip6_addr_any, 0 }, .gateway = addr_of("fe80::aa"), .metric = 1024, .origin = NET_SLAAC };
	struct link_config other = b.link;
	char dst[64];

	(void)state;
	strcpy(other.name, "test1");
	other.mac[5] = 0x99;
	c.ifindex = (uint32_t)stack_add_link(b.st, &other);
	router(ROUTER, ra_router_mac, 0, NULL);
	assert_int_equal(stack_add_route(b.st, &c), 0);
	for (unsigned i = 1; i <= 30; i++) {
		snprintf(dst, sizeof(dst), "2001:db8:f::%x", i);
		assert_string_equal(next_hop(dst), ROUTER);
	}
}

/* ---- Which source, which router for it ---- */

static void test_6724_5_rule_5_5_source_is_of_the_prefix_that_the_next_hop_told(void **state)
{
	(void)state;
	router(ROUTER, ra_router_mac, RA_LOW, "2001:db8:f:1::/64"); /* shares more bits with the destination: rule 8 */
	router(ROUTER2, router2_mac, RA_HIGH, PREFIX2);
	bed_run(&b, 3 * S);
	assert_string_equal(next_hop(FAR), ROUTER2);
	assert_string_equal(source(FAR), own("2001:db8:2::"));
	router(ROUTER, ra_router_mac, RA_HIGH, NULL);
	router(ROUTER2, router2_mac, RA_LOW, NULL);
	assert_string_equal(source(FAR), own("2001:db8:f:1::"));
	/* both tell of both: rule 8 again */
	router(ROUTER2, router2_mac, RA_HIGH, "2001:db8:f:1::/64");
	assert_string_equal(next_hop(FAR), ROUTER2);
	assert_string_equal(source(FAR), own("2001:db8:f:1::"));
}

static void test_8028_3_2_router_is_one_that_told_of_the_sources_prefix(void **state)
{
	struct ip_endpoint e = { .port = 0 };
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	const char *first, *second;

	(void)state;
	router(ROUTER, ra_router_mac, RA_HIGH, PREFIX);
	router(ROUTER2, router2_mac, RA_LOW, PREFIX2);
	bed_run(&b, 3 * S);
	first = own("2001:db8:1::");
	second = own("2001:db8:2::");
	assert_string_equal(next_hop_from(FAR, first), ROUTER);
	assert_string_equal(next_hop_from(FAR, second), ROUTER2); /* whatever the preferences say: the other would not forward it */
	assert_string_equal(next_hop_from(FAR, BED_ADDR6), ROUTER);
	assert_string_equal(source(FAR), first);
	/* what a program bound goes there */
	e.addr = addr_of(second);
	assert_int_equal(sock_bind(s, &e), 0);
	bed_drop_all(&b);
	bed_send(&b, s, FAR, 1000, "x", 1);
	assert_true(bed_next(&b, &out) && lan_is_ip(&out, router2_mac));
	/* but not when that router is silent */
	bed_run(&b, 9 * S);
	assert_string_equal(lan_neigh_state(&b, ROUTER2), "failed");
	bed_drop_all(&b);
	bed_send(&b, s, FAR, 1000, "x", 1);
	while (bed_next(&b, &out))
		if (lan_is_ip(&out, ra_router_mac))
			break;
	assert_true(lan_is_ip(&out, ra_router_mac));
	sock_close(s, b.now_us);
}

/* RFC 4861 section 8.1: the current first hop of the packet that it quotes */
static void test_8028_redirect_counts_from_the_router_of_the_packets_source(void **state)
{
	const char *second;
	uint8_t quoted[64], option[64] = { 0 };

	(void)state;
	router(ROUTER, ra_router_mac, RA_HIGH, PREFIX);
	router(ROUTER2, router2_mac, RA_LOW, PREFIX2);
	bed_run(&b, 3 * S);
	second = own("2001:db8:2::");
	ra_begin_redirect(&ra, ROUTER2, "fe80::66", FAR); /* says not of which packet */
	ra_send(&b, &ra);
	assert_int_equal(bed_stat(&b, "nd.drop.source"), 1);
	packet_udp(quoted, second, 1000, FAR, 1000, "12345678", 8);
	memcpy(option + 6, quoted, 48);
	ra_begin_redirect(&ra, ROUTER2, "fe80::66", FAR);
	ra_add(&ra, 4, option, 6 + 48);
	ra_send(&b, &ra);
	assert_int_equal(bed_stat(&b, "ip.redirects"), 1);
	assert_string_equal(next_hop_from(FAR, second), "fe80::66");
}

static void test_pairs_of_router_and_prefix_are_bounded_and_end(void **state)
{
	char text[64], src[64];

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		snprintf(src, sizeof(src), "fe80::1:%x", i);
		snprintf(text, sizeof(text), "2001:db9:%x::/64", i);
		ra_begin(&ra, src, 1800);
		ra_add_prefix(&ra, text, 0, 100, 100);
		ra_send(&b, &ra);
	}
	assert_int_equal(bed_stat(&b, "nd.drop.told_full"), 100 - 64);
	bed_run(&b, 101 * S);
	ra_send(&b, &ra);
	assert_int_equal(bed_stat(&b, "nd.drop.told_full"), 100 - 64);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_ASKING(name) cmocka_unit_test_setup_teardown(name, setup_asking, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_ASKING(test_4861_6_3_7_routers_are_looked_for_when_the_last_ones_time_is_over),
		TEST_ASKING(test_4861_6_3_7_routers_are_looked_for_when_the_last_one_says_it_is_none),
		TEST_ASKING(test_7559_2_1_search_ends_though_no_default_router_is_to_be_learnt),
		TEST(test_4861_6_3_6_router_whose_link_address_is_known_comes_first),
		TEST(test_4311_3_destinations_are_shared_out_between_equal_routers),
		TEST(test_4311_3_routers_of_another_link_take_no_share),
		TEST(test_6724_5_rule_5_5_source_is_of_the_prefix_that_the_next_hop_told),
		TEST(test_8028_3_2_router_is_one_that_told_of_the_sources_prefix),
		TEST(test_8028_redirect_counts_from_the_router_of_the_packets_source),
		TEST(test_pairs_of_router_and_prefix_are_bounded_and_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
