/* SPDX-License-Identifier: BSD-2-Clause */
/* Router discovery by exact frames: RFC 4861 sections 6 and 8, 4191, 7559, 8106, 6980. Each test's name begins with its RFC and section. */
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
static const uint8_t router2_mac[6] = { 0x02, 0, 0, 0, 0, 0xfd };
#define OWN_LINKLOCAL "fe80::ff:fe00:1"

static int setup(void **state)
{
	(void)state;
	bed_open_quiet(&b, 4);
	return 0;
}

static int setup_asking(void **state)
{
	(void)state;
	bed_prepare(&b, 4, LINK_ETHERNET);
	b.asks_routers = true;
	assert_true(bed_start(&b));
	bed_set(&b, "net.ipv4.conf.default.acd_probes", "0");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_close(&b);
	return 0;
}

/* Where a packet to @dst goes: the next hop, or "none". */
static const char *next_hop(const char *dst)
{
	static char text[IP_ADDR_TEXT_MAX];
	struct ip_addr a = addr_of(dst);
	struct ip_dst d;

	if (ip_route(b.st, &a, NULL, 0, &d) < 0)
		return "none";
	return ip_addr_print(&d.next_hop, text);
}

static bool has_group(const struct bed_packet *p, uint8_t type, const char *dst)
{
	struct ip_addr d = addr_of(dst);

	return p->len > 55 && p->data[12] == 0x86 && p->data[13] == 0xdd && p->data[20] == 58 && p->data[54] == type &&
	       memcmp(p->data + 38, d.b, 16) == 0;
}

static bool next_rs(struct bed_packet *p)
{
	while (bed_next(&b, p))
		if (has_group(p, 133, "ff02::2"))
			return true;
	return false;
}

/* ---- RFC 4861 section 6.3.7, RFC 7559 ---- */

/* While the link-local address is checked it says nothing of the link address (RFC 4429 section 3.2), and is no reason to wait. */
static void test_4429_3_2_routers_are_solicited_from_an_optimistic_address_without_link_address(void **state)
{
	struct packet p;

	(void)state;
	bed_run(&b, 1001000);
	assert_true(next_rs(&out));
	assert_null(packet_parse(out.data + 14, out.len - 14, &out.off, &p));
	assert_memory_equal(p.src.b, addr_of(OWN_LINKLOCAL).b, 16);
	assert_int_equal(p.l4_len, 8);
	bed_run(&b, 4500000); /* and with it, when it is checked */
	assert_true(next_rs(&out));
	assert_int_equal(out.len, 14 + 40 + 16);
}

static void test_4861_6_3_7_routers_are_solicited_from_the_checked_link_local_address(void **state)
{
	struct packet p;
	const char *wrong;

	(void)state;
	bed_close(&b);
	bed_prepare(&b, 4, LINK_ETHERNET);
	b.asks_routers = b.checks_first = true;
	assert_true(bed_start(&b));
	bed_run(&b, 2100000); /* the check, and no second delay */
	assert_true(next_rs(&out));
	wrong = packet_parse(out.data + 14, out.len - 14, &out.off, &p);
	assert_null(wrong);
	assert_memory_equal(p.src.b, addr_of(OWN_LINKLOCAL).b, 16);
	assert_int_equal(p.ttl, 255);
	assert_int_equal(p.l4_len, 16);
	assert_int_equal(p.l4[8], 1); /* source link address */
	assert_memory_equal(p.l4 + 10, bed_mac, 6);
}

static void test_7559_2_solicitations_come_ever_more_slowly_for_ever(void **state)
{
	uint64_t last_us = 0, gap_us, expected_us = 4000000;

	(void)state;
	for (unsigned i = 0; i < 14; i++) {
		while (!next_rs(&out))
			bed_run(&b, 1000000);
		gap_us = out.at_us - last_us;
		if (last_us) {
			assert_in_range(gap_us, expected_us * 9 / 10, expected_us * 11 / 10 + 2000);
			expected_us = expected_us * 2 < 3600000000 ? expected_us * 2 : 3600000000;
		}
		last_us = out.at_us;
	}
}

static void test_7559_2_1_an_advertisement_with_a_lifetime_ends_the_search(void **state)
{
	(void)state;
	bed_run(&b, 3100000);
	assert_true(next_rs(&out));
	ra_simple(&b, ROUTER, 0, NULL, 0, 0); /* no router: the search goes on */
	bed_run(&b, 6000000);
	assert_true(next_rs(&out));
	ra_simple(&b, ROUTER, 1800, NULL, 0, 0);
	bed_run(&b, 60000000);
	assert_false(next_rs(&out));
}

static void test_6_3_7_routers_are_asked_again_when_the_link_comes_up(void **state)
{
	(void)state;
	bed_run(&b, 3100000);
	ra_simple(&b, ROUTER, 1800, NULL, 0, 0);
	bed_drop_all(&b);
	stack_set_link_up(b.st, b.ifindex, false, b.now_us);
	bed_run(&b, 10000000);
	assert_false(next_rs(&out));
	stack_set_link_up(b.st, b.ifindex, true, b.now_us);
	bed_run(&b, 3100000);
	assert_true(next_rs(&out));
}

static void test_number_of_solicitations_is_bounded_when_asked_for(void **state)
{
	unsigned seen = 0;

	(void)state;
	bed_set(&b, "net.ipv6.conf.all.router_solicitations", "3");
	bed_run(&b, 200000000);
	while (next_rs(&out))
		seen++;
	assert_int_equal(seen, 3);
}

/* ---- RFC 4861 section 6.1.2: validation ---- */

static void test_4861_6_1_2_advertisement_that_breaks_a_rule_is_dropped_under_its_counter(void **state)
{
	(void)state;
	ra_begin(&ra, ROUTER, 1800);
	ra.hop_limit = 254;
	ra_send(&b, &ra);
	assert_int_equal(bed_stat(&b, "nd.drop.hop_limit"), 1);

	ra_begin(&ra, "fd00::fe", 1800); /* not link-local */
	ra_send(&b, &ra);
	ra_begin(&ra, OWN_LINKLOCAL, 1800); /* our own */
	ra_send(&b, &ra);
	assert_int_equal(bed_stat(&b, "nd.drop.source"), 2);

	ra_begin(&ra, ROUTER, 1800);
	ra.icmp[1] = 1; /* code */
	ra_send(&b, &ra);
	ra_begin(&ra, ROUTER, 1800);
	ra.len = 12;
	ra_send(&b, &ra);
	ra_begin(&ra, ROUTER, 1800);
	ra_add_mtu(&ra, 1400);
	ra.icmp[17] = 0; /* option of length zero */
	ra_send(&b, &ra);
	ra_begin(&ra, ROUTER, 1800);
	ra_add_mtu(&ra, 1400);
	ra.icmp[17] = 2; /* past the message */
	ra_send(&b, &ra);
	assert_int_equal(bed_stat(&b, "nd.drop.format"), 4);
	assert_string_equal(next_hop(FAR), "none");
	assert_int_equal(bed_stat(&b, "nd.router_advertisements"), 0);
}

static void test_6980_5_advertisement_in_fragments_is_ignored(void **state)
{
	struct ip_fields ip = { .src = ROUTER, .dst = "ff02::1", .proto = 58, .ttl = 255 };
	static const uint8_t all_nodes[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	uint8_t whole[256], part[256];
	size_t len;

	(void)state;
	ra_begin(&ra, ROUTER, 1800);
	ra_add_prefix(&ra, "2001:db8:1::/64", RA_ON_LINK | RA_AUTO, 100, 100);
	len = packet_ip(whole, &ip, ra.icmp, ra.len);
	packet_fix_checksums(whole, len);
	ip.more_fragments = true;
	len = packet_fragment6(part, &ip, 7, whole + 40, 24);
	bed_inject(&b, part, packet_ethernet(part, len, all_nodes, ra_router_mac));
	ip.more_fragments = false;
	ip.frag_offset = 24;
	len = packet_fragment6(part, &ip, 7, whole + 40 + 24, ra.len - 24);
	bed_inject(&b, part, packet_ethernet(part, len, all_nodes, ra_router_mac));
	ip.frag_offset = 0; /* an atomic fragment */
	len = packet_fragment6(part, &ip, 8, whole + 40, ra.len);
	bed_inject(&b, part, packet_ethernet(part, len, all_nodes, ra_router_mac));
	assert_int_equal(bed_stat(&b, "nd.drop.fragment"), 2);
	assert_string_equal(next_hop(FAR), "none");
}

/* Section 4.6: unknown options are passed over; options of known type that are malformed are ignored, each for itself. */
static void test_4861_6_1_2_bad_options_are_ignored_one_by_one(void **state)
{
	static const uint8_t zero[30];

	(void)state;
	ra_begin(&ra, ROUTER, 1800);
	ra_add(&ra, 77, zero, 6);			   /* unknown */
	ra_add(&ra, 3, zero, 14);			   /* prefix too short */
	ra_add_prefix(&ra, "fe80::/64", RA_ON_LINK, 9, 9); /* link-local */
	ra_add_prefix(&ra, "ff02::/64", RA_ON_LINK, 9, 9);
	ra_add_mtu(&ra, 1279);
	ra_add_mtu(&ra, 1501);
	ra_add(&ra, 25, zero, 6);			   /* RDNSS without an address */
	ra_add_route(&ra, "2001:db8:2::/48", 0x10, 100);   /* reserved preference */
	ra_add_mac(&ra, 1, lan_broadcast);
	ra_add_prefix(&ra, "2001:db8:1::/64", RA_ON_LINK, 100, 100);
	ra_send(&b, &ra);
	assert_int_equal(bed_stat(&b, "nd.drop.option"), 8);
	assert_string_equal(next_hop("2001:db8:1::7"), "2001:db8:1::7");
	assert_string_equal(next_hop(FAR), ROUTER);
}

/* ---- RFC 4861 section 6.3.4: what is learnt ---- */

static void test_4861_6_3_4_default_router_lives_as_long_as_it_says(void **state)
{
	(void)state;
	ra_simple(&b, ROUTER, 30, NULL, 0, 0);
	assert_string_equal(next_hop(FAR), ROUTER);
	assert_string_equal(lan_neigh_state(&b, ROUTER), "stale"); /* its link address came with it */
	bed_run(&b, 29000000);
	assert_string_equal(next_hop(FAR), ROUTER);
	ra_simple(&b, ROUTER, 30, NULL, 0, 0);
	bed_run(&b, 29000000);
	assert_string_equal(next_hop(FAR), ROUTER);
	bed_run(&b, 1010000);
	assert_string_equal(next_hop(FAR), "none");
}

static void test_4861_6_3_4_lifetime_zero_ends_a_router_at_once(void **state)
{
	(void)state;
	ra_simple(&b, ROUTER, 1800, NULL, 0, 0);
	ra_simple(&b, ROUTER2, 1800, NULL, 0, 0);
	ra_simple(&b, ROUTER, 0, NULL, 0, 0);
	assert_string_equal(next_hop(FAR), ROUTER2);
	ra_simple(&b, ROUTER2, 0, NULL, 0, 0);
	assert_string_equal(next_hop(FAR), "none");
}

static void test_4861_6_3_4_on_link_prefix_lives_as_long_as_it_says(void **state)
{
	(void)state;
	ra_begin(&ra, ROUTER, 1800);
	ra_add_prefix(&ra, "2001:db8:1::/64", RA_ON_LINK, 100, 100);
	ra_send(&b, &ra);
	assert_string_equal(next_hop("2001:db8:1::7"), "2001:db8:1::7");
	/* without the flag it says nothing about being on-link */
	ra_begin(&ra, ROUTER, 1800);
	ra_add_prefix(&ra, "2001:db8:1::/64", 0, 0, 0);
	ra_add_prefix(&ra, "2001:db8:2::/64", 0, 100, 100);
	ra_send(&b, &ra);
	assert_string_equal(next_hop("2001:db8:1::7"), "2001:db8:1::7");
	assert_string_equal(next_hop("2001:db8:2::7"), ROUTER);
	bed_run(&b, 100010000);
	assert_string_equal(next_hop("2001:db8:1::7"), ROUTER);
	/* valid lifetime zero takes it back */
	ra_begin(&ra, ROUTER, 1800);
	ra_add_prefix(&ra, "2001:db8:1::/64", RA_ON_LINK, UINT32_MAX, UINT32_MAX);
	ra_send(&b, &ra);
	bed_run(&b, 1000000000);
	assert_string_equal(next_hop("2001:db8:1::7"), "2001:db8:1::7");
	ra_begin(&ra, ROUTER, 1800);
	ra_add_prefix(&ra, "2001:db8:1::/64", RA_ON_LINK, 0, 0);
	ra_send(&b, &ra);
	assert_string_equal(next_hop("2001:db8:1::7"), ROUTER);
}

static bool get_link(void *ctx, const struct link_info *l)
{
	if (l->ifindex == b.ifindex)
		*(struct link_info *)ctx = *l;
	return true;
}

static void test_4861_6_3_4_parameters_of_the_link_are_the_routers(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	struct ip_addr far = addr_of(FAR);
	struct link_info l;
	struct ip_dst d;

	(void)state;
	ra_begin(&ra, ROUTER, 1800);
	ra.icmp[4] = 33;			/* hop limit */
	ra.icmp[5] = RA_MANAGED | RA_OTHER;
	ra.icmp[10] = 0x07, ra.icmp[11] = 0xd0; /* reachable time 2000 ms */
	ra.icmp[14] = 0x01, ra.icmp[15] = 0xf4; /* retransmission timer 500 ms */
	ra_add_mac(&ra, 1, ra_router_mac);
	ra_add_mtu(&ra, 1400);
	ra_send(&b, &ra);
	stack_each_link(b.st, get_link, &l);
	assert_true(l.has_router_advertisement && l.is_managed && l.is_other);
	assert_int_equal(l.ip6_mtu, 1400);
	assert_int_equal(ip_route(b.st, &far, NULL, 0, &d), 0);
	assert_int_equal(d.mtu, 1400);
	bed_send(&b, s, FAR, 1000, "x", 1);
	assert_true(bed_next(&b, &out));
	assert_int_equal(out.data[14 + 7], 33);
	/* solicitations of a silent neighbour come every 500 ms */
	bed_drop_all(&b);
	bed_send(&b, s, BED_PEER6, 1000, "x", 1);
	bed_run(&b, 1400000);
	for (unsigned i = 0; i < 3; i++)
		assert_true(bed_next(&b, &out) && out.data[54] == LAN_NS);
	assert_false(bed_next(&b, &out));
	/* zero leaves them as they are */
	ra_simple(&b, ROUTER, 1800, NULL, 0, 0);
	stack_each_link(b.st, get_link, &l);
	assert_int_equal(l.ip6_hop_limit, 33);
	assert_int_equal(l.ip6_mtu, 1400);
	assert_false(l.is_managed || l.is_other);
	sock_close(s, b.now_us);
}

static void test_ipv4_keeps_the_mtu_of_the_link_when_routers_lower_that_of_ipv6(void **state)
{
	struct ip_addr peer = addr_of(BED_PEER4);
	struct ip_dst d;

	(void)state;
	ra_begin(&ra, ROUTER, 1800);
	ra_add_mtu(&ra, 1300);
	ra_send(&b, &ra);
	assert_int_equal(ip_route(b.st, &peer, NULL, 0, &d), 0);
	assert_int_equal(d.mtu, 1500);
}

/* ---- RFC 4191 ---- */

static void ra_with_flags(const char *src, uint8_t flags, const uint8_t *mac)
{
	ra_begin(&ra, src, 1800);
	ra.icmp[5] = flags;
	ra.mac = mac;
	ra_add_mac(&ra, 1, mac);
	ra_send(&b, &ra);
}

static void test_4191_3_1_router_of_higher_preference_is_used(void **state)
{
	(void)state;
	ra_with_flags(ROUTER, RA_LOW, ra_router_mac);
	assert_string_equal(next_hop(FAR), ROUTER);
	ra_with_flags(ROUTER2, 0, router2_mac);
	assert_string_equal(next_hop(FAR), ROUTER2);
	ra_with_flags(ROUTER, RA_HIGH, ra_router_mac);
	assert_string_equal(next_hop(FAR), ROUTER);
	ra_with_flags(ROUTER, 0x10, ra_router_mac); /* reserved: as medium (section 2.2) */
	ra_with_flags(ROUTER2, RA_HIGH, router2_mac);
	assert_string_equal(next_hop(FAR), ROUTER2);
}

static void test_4191_2_3_route_information_makes_a_more_specific_route(void **state)
{
	(void)state;
	ra_with_flags(ROUTER, RA_HIGH, ra_router_mac);
	ra_begin(&ra, ROUTER2, 0); /* no default router, but a way to one network */
	ra.mac = router2_mac;
	ra_add_mac(&ra, 1, router2_mac);
	ra_add_route(&ra, "2001:db8:f::/48", RA_LOW, 60);
	ra_add_route(&ra, "2001:db8:a:b:c::/80", 0, 60);
	ra_send(&b, &ra);
	assert_string_equal(next_hop(FAR), ROUTER2);
	assert_string_equal(next_hop("2001:db8:a:b:c::1"), ROUTER2);
	assert_string_equal(next_hop("2001:db8:e::1"), ROUTER);
	bed_run(&b, 60010000);
	assert_string_equal(next_hop(FAR), ROUTER);
	ra_begin(&ra, ROUTER2, 0);
	ra_add_route(&ra, "2001:db8:f::/48", 0, UINT32_MAX);
	ra_send(&b, &ra);
	assert_string_equal(next_hop(FAR), ROUTER2);
	ra_begin(&ra, ROUTER2, 0);
	ra_add_route(&ra, "2001:db8:f::/48", 0, 0);
	ra_send(&b, &ra);
	assert_string_equal(next_hop(FAR), ROUTER);
}

/* As many bytes of the prefix as its length needs, or more, and 24 bytes at most; bits past the length don't matter. */
static void test_4191_2_3_lengths_of_the_route_information_option(void **state)
{
	static const struct {
		uint8_t units, prefix_len;
		bool is_taken;
	} cases[] = {
		{ 1, 0, true },	  { 1, 1, false },  { 1, 64, false },  { 2, 0, true },	 { 2, 1, true },   { 2, 64, true },  { 2, 65, false },
		{ 2, 128, false }, { 3, 0, true },  { 3, 64, true },   { 3, 65, true },  { 3, 128, true }, { 3, 129, false }, { 3, 255, false },
		{ 4, 64, false },  { 5, 128, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t body[38] = { cases[i].prefix_len, 0, 0, 0, 0, 100 };
		struct ip_addr to = addr_of("2001:db8:f::1");

		memcpy(body + 6, to.b, 16);
		ra_begin(&ra, ROUTER, 0);
		ra_add(&ra, 24, body, cases[i].units * 8u - 2);
		ra_send(&b, &ra);
		if ((strcmp(next_hop(FAR), ROUTER) == 0) != cases[i].is_taken)
			fail_msg("length %u, prefix length %u", cases[i].units, cases[i].prefix_len);
		body[5] = 0; /* take it back */
		ra_begin(&ra, ROUTER, 0);
		ra_add(&ra, 24, body, cases[i].units * 8u - 2);
		ra_send(&b, &ra);
		assert_string_equal(next_hop(FAR), "none");
	}
	(void)state;
}

/* Section 3.1: a ::/0 route changes what the header said of the default route; each advertisement says both anew. */
static void test_4191_3_1_route_to_everywhere_overrides_the_header(void **state)
{
	(void)state;
	ra_with_flags(ROUTER2, 0, router2_mac);
	ra_begin(&ra, ROUTER, 1800);
	ra_add_mac(&ra, 1, ra_router_mac);
	ra_add_route(&ra, "::/0", RA_HIGH, 1000);
	ra_send(&b, &ra);
	assert_string_equal(next_hop(FAR), ROUTER);
	ra_begin(&ra, ROUTER, 1800);
	ra.icmp[5] = RA_HIGH;
	ra_add_route(&ra, "::/0", 0, 0); /* not by me */
	ra_send(&b, &ra);
	assert_string_equal(next_hop(FAR), ROUTER2);
	ra_begin(&ra, ROUTER, 1800);
	ra_add_route(&ra, "::/0", 0x10, 1000); /* reserved: the option does not count, the header does */
	ra.icmp[5] = RA_HIGH;
	ra_send(&b, &ra);
	assert_string_equal(next_hop(FAR), ROUTER);
}

static void test_4191_2_3_route_longer_than_the_tunable_allows_is_ignored(void **state)
{
	(void)state;
	bed_set(&b, "net.ipv6.conf.all.accept_ra_rt_info_max_plen", "48");
	ra_begin(&ra, ROUTER, 0);
	ra_add_route(&ra, "2001:db8:f::/48", 0, 60);
	ra_add_route(&ra, "2001:db8:a:b::/64", 0, 60);
	ra_send(&b, &ra);
	assert_string_equal(next_hop(FAR), ROUTER);
	assert_string_equal(next_hop("2001:db8:a:b::1"), "none");
}

/* RFC 4861 section 6.3.6, RFC 4191 section 3.2: reachability comes before preference, and a better router is looked for again. */
static void test_4191_3_2_silent_router_is_left_for_another_and_taken_again_when_it_answers(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);

	(void)state;
	ra_with_flags(ROUTER, RA_HIGH, ra_router_mac);
	ra_with_flags(ROUTER2, 0, router2_mac);
	bed_send(&b, s, FAR, 1000, "x", 1);
	assert_true(bed_next(&b, &out) && lan_is_ip(&out, ra_router_mac));
	bed_run(&b, 9000000); /* delay, three probes, silence */
	assert_string_equal(lan_neigh_state(&b, ROUTER), "failed");
	bed_drop_all(&b);
	bed_send(&b, s, FAR, 1000, "x", 1);
	/* one question to the better router, with the useful traffic, and not more than one a minute */
	assert_true(bed_next(&b, &out) && has_group(&out, LAN_NS, "ff02::1:ff00:fe"));
	assert_true(bed_next(&b, &out) && lan_is_ip(&out, router2_mac));
	bed_run(&b, 1000000);
	bed_drop_all(&b);
	bed_send(&b, s, FAR, 1000, "x", 1);
	assert_true(bed_next(&b, &out) && lan_is_ip(&out, router2_mac));
	assert_false(bed_next(&b, &out));
	/* a minute later again, and now it answers */
	bed_run(&b, 61000000);
	bed_drop_all(&b);
	bed_send(&b, s, FAR, 1000, "x", 1);
	assert_true(bed_next(&b, &out) && has_group(&out, LAN_NS, "ff02::1:ff00:fe"));
	bed_inject(&b, buf, lan_nd(buf, ra_router_mac, ROUTER, BED_ADDR6, LAN_NA, 0x80 | LAN_SOLICITED | LAN_OVERRIDE, ROUTER, ra_router_mac));
	bed_drop_all(&b);
	bed_send(&b, s, FAR, 1000, "x", 1);
	assert_true(bed_next(&b, &out) && lan_is_ip(&out, ra_router_mac));
	sock_close(s, b.now_us);
}

static void test_4861_6_3_6_routers_take_turns_when_none_answers(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	unsigned turns[2] = { 0 };

	(void)state;
	ra_begin(&ra, ROUTER, 9000);
	ra_send(&b, &ra);
	ra_begin(&ra, ROUTER2, 9000);
	ra_send(&b, &ra);
	for (unsigned i = 0; i < 6; i++) {
		bed_drop_all(&b);
		bed_send(&b, s, FAR, 1000, "x", 1);
		while (bed_next(&b, &out)) {
			turns[0] += has_group(&out, LAN_NS, "ff02::1:ff00:fe");
			turns[1] += has_group(&out, LAN_NS, "ff02::1:ff00:fd");
		}
		bed_run(&b, 4000000);
	}
	assert_true(turns[0] >= 2 && turns[1] >= 2);
	sock_close(s, b.now_us);
}

/* RFC 4861 section 7.2.5: the Router flag cleared */
static void test_4861_7_2_5_neighbour_that_ceases_to_be_a_router_is_none(void **state)
{
	(void)state;
	ra_begin(&ra, ROUTER, 1800);
	ra_add_mac(&ra, 1, ra_router_mac);
	ra_add_route(&ra, "2001:db8:a::/48", 0, 600);
	ra_send(&b, &ra);
	bed_inject(&b, buf, lan_nd(buf, ra_router_mac, ROUTER, "ff02::1", LAN_NA, 0x80 | LAN_OVERRIDE, ROUTER, ra_router_mac));
	assert_string_equal(next_hop(FAR), ROUTER);
	bed_inject(&b, buf, lan_nd(buf, ra_router_mac, ROUTER, "ff02::1", LAN_NA, LAN_OVERRIDE, ROUTER, ra_router_mac));
	assert_string_equal(next_hop(FAR), "none");
	assert_string_equal(next_hop("2001:db8:a::1"), "none");
	assert_int_equal(bed_stat(&b, "nd.routers_gone"), 1);
}

/* ---- RFC 8106 ---- */

struct dns {
	char text[2000];
};

static bool add_dns(void *ctx, const struct dns_info *i)
{
	struct dns *d = ctx;
	char addr[IP_ADDR_TEXT_MAX];
	size_t n = strlen(d->text);

	snprintf(d->text + n, sizeof(d->text) - n, "%s/%d ", i->domain ? i->domain : ip_addr_print(&i->server, addr), (int)i->lifetime_s);
	return true;
}

static const char *dns(void)
{
	static struct dns d;

	memset(&d, 0, sizeof(d));
	stack_each_dns(b.st, add_dns, &d);
	return d.text;
}

static void test_8106_5_servers_and_domains_are_kept_with_their_lifetimes(void **state)
{
	(void)state;
	ra_begin(&ra, ROUTER, 0);
	ra_add_server(&ra, "2001:db8::53", 100);
	ra_add_server(&ra, "fe80::53", UINT32_MAX);
	ra_add_domain(&ra, "example.org", 50);
	ra_send(&b, &ra);
	assert_string_equal(dns(), "2001:db8::53/100 fe80::53/-1 example.org/50 ");
	bed_run(&b, 10000000);
	ra_begin(&ra, ROUTER, 0);
	ra_add_domain(&ra, "example.org", 50);
	ra_add_server(&ra, "fe80::53", 0);
	ra_send(&b, &ra);
	assert_string_equal(dns(), "2001:db8::53/90 example.org/50 ");
	bed_run(&b, 51000000);
	assert_string_equal(dns(), "2001:db8::53/39 ");
	bed_run(&b, 40000000);
	assert_string_equal(dns(), "");
}

/* Sections 5.1, 5.2: RDNSS has an odd length of three at least, DNSSL one of two at least. */
static void test_8106_5_lengths_of_the_options(void **state)
{
	static const struct {
		uint8_t type, units;
		bool is_taken;
	} cases[] = {
		{ 25, 1, false }, { 25, 2, false }, { 25, 3, true }, { 25, 4, false }, { 25, 5, true }, { 25, 6, false },
		{ 31, 1, false }, { 31, 2, true },  { 31, 3, true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t body[48] = { 0, 0, 0, 0, 0, 100 };
		struct ip_addr server = addr_of("2001:db8::53");

		if (cases[i].type == 25) {
			memcpy(body + 6, server.b, 16);
			memcpy(body + 22, server.b, 16);
		} else {
			memcpy(body + 6, "\x05local", 7);
		}
		ra_begin(&ra, ROUTER, 0);
		ra_add(&ra, cases[i].type, body, cases[i].units * 8u - 2);
		ra_send(&b, &ra);
		if ((strlen(dns()) > 0) != cases[i].is_taken)
			fail_msg("type %u, length %u: %s", cases[i].type, cases[i].units, dns());
		bed_run(&b, 101000000);
		assert_string_equal(dns(), "");
	}
	(void)state;
}

static void test_8106_names_that_are_none_are_not_taken(void **state)
{
	static const uint8_t loops[6 + 8] = { [6] = 0xc0, 0x00 }, binary[6 + 8] = { [6] = 3, 'a', '\n', 'b', 0 };

	(void)state;
	ra_begin(&ra, ROUTER, 0);
	ra_add(&ra, 31, loops, sizeof(loops));
	ra_add(&ra, 31, binary, sizeof(binary));
	ra_add_server(&ra, "ff02::53", 100);
	ra_send(&b, &ra);
	assert_string_equal(dns(), "");
}

static void test_silent_routers_make_room_in_a_full_list(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	char rogue[32];

	(void)state;
	for (int i = 0; i < 16; i++) {
		snprintf(rogue, sizeof(rogue), "fe80::bad:%x", i);
		ra_begin(&ra, rogue, 1800);
		ra.icmp[5] = RA_HIGH;
		ra_send(&b, &ra);
	}
	ra_begin(&ra, ROUTER, 1800);
	ra_send(&b, &ra);
	assert_int_equal(bed_stat(&b, "nd.drop.routers_full"), 1);
	bed_send(&b, s, FAR, 1000, "x", 1);
	bed_run(&b, 5000000); /* one of them is asked for, and does not answer */
	ra_send(&b, &ra);
	assert_int_equal(bed_stat(&b, "nd.routers_replaced"), 1);
	ra_begin(&ra, ROUTER2, 1800); /* the others may be routers */
	ra_send(&b, &ra);
	assert_int_equal(bed_stat(&b, "nd.routers_replaced"), 1);
	assert_int_equal(bed_stat(&b, "nd.drop.routers_full"), 2);
	sock_close(s, b.now_us);
}

/* ---- RFC 4861 section 8: redirects ---- */

static void use_router(void)
{
	ra_with_flags(ROUTER, 0, ra_router_mac);
}

static void test_4861_8_3_redirect_to_a_better_router_is_followed_for_that_destination(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);

	(void)state;
	use_router();
	bed_send(&b, s, FAR, 1000, "x", 1);
	assert_true(bed_next(&b, &out) && lan_is_ip(&out, ra_router_mac));
	ra_begin_redirect(&ra, ROUTER, ROUTER2, FAR);
	ra_add_mac(&ra, 2, router2_mac);
	ra_send(&b, &ra);
	assert_int_equal(bed_stat(&b, "ip.redirects"), 1);
	bed_send(&b, s, FAR, 1000, "x", 1);
	assert_true(bed_next(&b, &out) && lan_is_ip(&out, router2_mac));
	assert_string_equal(next_hop("2001:db8:f::2"), ROUTER);
	bed_run(&b, 601000000);
	assert_string_equal(next_hop(FAR), ROUTER);
	sock_close(s, b.now_us);
}

static void test_4861_8_3_redirect_to_the_destination_itself_makes_it_on_link(void **state)
{
	(void)state;
	use_router();
	ra_begin_redirect(&ra, ROUTER, FAR, FAR);
	ra_add_mac(&ra, 2, bed_peer_mac);
	ra_send(&b, &ra);
	assert_string_equal(next_hop(FAR), FAR);
	assert_string_equal(lan_neigh_state(&b, FAR), "stale");
}

static void test_4861_8_1_redirect_that_breaks_a_rule_is_dropped_under_its_counter(void **state)
{
	(void)state;
	use_router();
	ra_begin_redirect(&ra, ROUTER2, "fe80::66", FAR); /* not from our first hop */
	ra_send(&b, &ra);
	ra_begin_redirect(&ra, "fd00::fe", "fe80::66", FAR); /* not link-local */
	ra_send(&b, &ra);
	ra_begin_redirect(&ra, ROUTER, OWN_LINKLOCAL, FAR); /* to ourselves */
	ra_send(&b, &ra);
	ra_begin_redirect(&ra, ROUTER, "fe80::66", BED_PEER6); /* a neighbour of ours, not behind it */
	ra_send(&b, &ra);
	assert_int_equal(bed_stat(&b, "nd.drop.source"), 4);
	ra_begin_redirect(&ra, ROUTER, "fe80::66", FAR);
	ra.hop_limit = 64;
	ra_send(&b, &ra);
	assert_int_equal(bed_stat(&b, "nd.drop.hop_limit"), 1);
	ra_begin_redirect(&ra, ROUTER, "fe80::66", FAR);
	ra.icmp[1] = 1;
	ra_send(&b, &ra);
	ra_begin_redirect(&ra, ROUTER, "fe80::66", "ff0e::1");
	ra_send(&b, &ra);
	ra_begin_redirect(&ra, ROUTER, "2001:db8:9::1", FAR); /* neither a router nor the destination */
	ra_send(&b, &ra);
	ra_begin_redirect(&ra, ROUTER, "fe80::66", FAR);
	ra.len = 32;
	ra_send(&b, &ra);
	assert_int_equal(bed_stat(&b, "nd.drop.format"), 4);
	bed_set(&b, "net.ipv6.conf.all.accept_redirects", "0");
	ra_begin_redirect(&ra, ROUTER, "fe80::66", FAR);
	ra_send(&b, &ra);
	assert_int_equal(bed_stat(&b, "nd.drop.type"), 1);
	assert_string_equal(next_hop(FAR), ROUTER);
	assert_int_equal(bed_stat(&b, "ip.redirects"), 0);
}

static void test_4861_7_3_3_redirect_to_a_silent_router_is_forgotten(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);

	(void)state;
	use_router();
	ra_begin_redirect(&ra, ROUTER, ROUTER2, FAR);
	ra_send(&b, &ra);
	bed_send(&b, s, FAR, 1000, "x", 1);
	bed_run(&b, 4000000);
	assert_string_equal(next_hop(FAR), ROUTER);
	sock_close(s, b.now_us);
}

/* The same for IPv4: RFC 1122 section 3.2.2.2. */
static void redirect4(const char *from, const char *gateway, const char *dst, uint8_t code)
{
	struct ip_addr g = addr_of(gateway);
	uint8_t inner[64];
	size_t len = packet_udp(inner, BED_ADDR4, 1000, dst, 1000, "12345678", 8);
	uint32_t info = (uint32_t)g.b[12] << 24 | (uint32_t)g.b[13] << 16 | (uint32_t)g.b[14] << 8 | g.b[15];

	len = packet_icmp_error(buf, from, BED_ADDR4, 5, code, info, inner, len);
	bed_inject(&b, buf, packet_ethernet(buf, len, bed_mac, ra_router_mac));
}

static void test_1122_3_2_2_2_redirect_of_our_ipv4_gateway_is_followed(void **state)
{
	struct route_config r = { .prefix = { addr_of("0.0.0.0"), 96 }, .gateway = addr_of("10.0.0.254") };

	(void)state;
	assert_int_equal(stack_add_route(b.st, &r), 0);
	redirect4("10.0.0.253", "10.0.0.77", "192.0.2.1", 1);	/* not our gateway */
	redirect4("10.0.0.254", "172.16.0.1", "192.0.2.1", 1);	/* to somewhere that is not on the link */
	redirect4("10.0.0.254", BED_ADDR4, "192.0.2.1", 1);	/* to ourselves */
	redirect4("10.0.0.254", "10.0.0.255", "192.0.2.1", 1);	/* to a broadcast address */
	redirect4("10.0.0.254", "10.0.0.77", BED_PEER4, 1);	/* about a neighbour */
	assert_int_equal(bed_stat(&b, "icmp.drop.redirect"), 5);
	redirect4("10.0.0.254", "10.0.0.77", "192.0.2.1", 4);
	assert_int_equal(bed_stat(&b, "icmp.drop.type"), 1);
	assert_string_equal(next_hop("192.0.2.1"), "10.0.0.254");
	redirect4("10.0.0.254", "10.0.0.77", "192.0.2.1", 1);
	assert_string_equal(next_hop("192.0.2.1"), "10.0.0.77");
	redirect4("10.0.0.254", "10.0.0.78", "192.0.2.2", 0); /* of a network: the host all the same */
	assert_string_equal(next_hop("192.0.2.2"), "10.0.0.78");
	assert_string_equal(next_hop("192.0.2.3"), "10.0.0.254");
	bed_set(&b, "net.ipv4.conf.all.accept_redirects", "0");
	redirect4("10.0.0.254", "10.0.0.79", "192.0.2.3", 1);
	assert_string_equal(next_hop("192.0.2.3"), "10.0.0.254");
}

/* ---- Floods ---- */

static void test_flood_of_routers_prefixes_and_routes_is_bounded_and_harms_nothing(void **state)
{
	char text[64], src[64];
	size_t used;

	(void)state;
	ra_simple(&b, ROUTER, 1800, "2001:db8:1::/64", 86400, 3600);
	used = b.mem.used_bytes;
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(src, sizeof(src), "fe80::1:%x", i);
		ra_begin(&ra, src, 1800);
		ra_add_mac(&ra, 1, router2_mac);
		snprintf(text, sizeof(text), "2001:db9:%x::/64", i);
		ra_add_prefix(&ra, text, RA_ON_LINK | RA_AUTO, 86400, 3600);
		snprintf(text, sizeof(text), "2001:dba:%x::/48", i);
		ra_add_route(&ra, text, 0, 3600);
		snprintf(text, sizeof(text), "2001:db8::%x", i + 1);
		ra_add_server(&ra, text, 3600);
		snprintf(text, sizeof(text), "x%u.example", i);
		ra_add_domain(&ra, text, 3600);
		ra_send(&b, &ra);
		bed_drop_all(&b);
	}
	assert_memory_equal(next_hop(FAR), "fe80::", 6); /* one of those that were let in: they share (RFC 4311) */
	assert_string_equal(next_hop("2001:db8:1::7"), "2001:db8:1::7");
	assert_int_equal(bed_stat(&b, "nd.drop.routers_full"), 5000 - 15);
	assert_int_equal(bed_stat(&b, "nd.drop.prefixes_full"), 5000 - 31);
	assert_int_equal(bed_stat(&b, "nd.drop.routes_full"), 5000 - 64);
	assert_int_equal(bed_stat(&b, "nd.drop.addresses_full"), 5000 - 15);
	assert_int_equal(bed_stat(&b, "nd.drop.dns_full"), 2 * (5000 - 8));
	assert_in_range(b.mem.used_bytes, 0, used + 1024 * 1024);
}

static void test_flood_of_redirects_is_bounded(void **state)
{
	char text[64];

	(void)state;
	use_router();
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(text, sizeof(text), "2001:db8:f::%x", i + 1);
		ra_begin_redirect(&ra, ROUTER, "fe80::66", text);
		ra_send(&b, &ra);
		bed_run(&b, 2000);
	}
	assert_int_equal(bed_stat(&b, "ip.redirects_evicted"), 2000 - 256);
	assert_string_equal(next_hop("2001:db8:f::7d0"), "fe80::66");
	assert_string_equal(next_hop(FAR), ROUTER);
}

/* RFC 6583: the neighbours we talk to stay, whatever a flood makes up. */
static void test_6583_flood_of_neighbours_leaves_the_live_ones(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	uint8_t mac[6] = { 0x02, 0, 0, 9, 0, 0 };
	char text[64];

	(void)state;
	use_router();
	bed_send(&b, s, FAR, 1000, "x", 1);
	bed_run(&b, 5010000);
	bed_inject(&b, buf, lan_nd(buf, ra_router_mac, ROUTER, OWN_LINKLOCAL, LAN_NA, 0x80 | LAN_SOLICITED, ROUTER, NULL));
	assert_string_equal(lan_neigh_state(&b, ROUTER), "reachable");
	for (unsigned i = 0; i < 3000; i++) {
		snprintf(text, sizeof(text), "fe80::9:%x", i);
		mac[4] = (uint8_t)(i >> 8), mac[5] = (uint8_t)i;
		bed_inject(&b, buf, lan_nd(buf, mac, text, "ff02::1:ff00:1", LAN_NS, 0, BED_ADDR6, mac));
		bed_drop_all(&b);
	}
	bed_send(&b, s, FAR, 1000, "x", 1);
	assert_true(bed_next(&b, &out) && lan_is_ip(&out, ra_router_mac));
	assert_true(bed_stat(&b, "neigh.evicted") >= 1000);
	sock_close(s, b.now_us);
}

static void test_tunables_turn_off_what_they_name(void **state)
{
	(void)state;
	bed_set(&b, "net.ipv6.conf.all.accept_ra_defrtr", "0");
	ra_simple(&b, ROUTER, 1800, "2001:db8:1::/64", 100, 100);
	assert_string_equal(next_hop(FAR), "none");
	assert_string_equal(next_hop("2001:db8:1::7"), "2001:db8:1::7");
	bed_set(&b, "net.ipv6.conf.all.accept_ra_pinfo", "0");
	ra_simple(&b, ROUTER, 1800, "2001:db8:2::/64", 100, 100);
	assert_string_equal(next_hop("2001:db8:2::7"), "none");
	bed_set(&b, "net.ipv6.conf.all.accept_ra", "0");
	bed_set(&b, "net.ipv6.conf.all.accept_ra_defrtr", "1");
	ra_simple(&b, ROUTER, 1800, NULL, 0, 0);
	assert_string_equal(next_hop(FAR), "none");
	assert_int_equal(bed_stat(&b, "nd.drop.type"), 1);
}

static void test_static_default_route_is_preferred_and_not_touched(void **state)
{
	struct route_config r = { .prefix = { addr_of("::"), 0 }, .gateway = addr_of("fd00::1:1") };

	(void)state;
	assert_int_equal(stack_add_route(b.st, &r), 0);
	use_router();
	assert_string_equal(next_hop(FAR), "fd00::1:1");
	ra_simple(&b, ROUTER, 0, NULL, 0, 0);
	assert_string_equal(next_hop(FAR), "fd00::1:1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_ASKING(name) cmocka_unit_test_setup_teardown(name, setup_asking, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_ASKING(test_4429_3_2_routers_are_solicited_from_an_optimistic_address_without_link_address),
		TEST_ASKING(test_4861_6_3_7_routers_are_solicited_from_the_checked_link_local_address),
		TEST_ASKING(test_7559_2_solicitations_come_ever_more_slowly_for_ever),
		TEST_ASKING(test_7559_2_1_an_advertisement_with_a_lifetime_ends_the_search),
		TEST_ASKING(test_6_3_7_routers_are_asked_again_when_the_link_comes_up),
		TEST_ASKING(test_number_of_solicitations_is_bounded_when_asked_for),
		TEST(test_4861_6_1_2_advertisement_that_breaks_a_rule_is_dropped_under_its_counter),
		TEST(test_6980_5_advertisement_in_fragments_is_ignored),
		TEST(test_4861_6_1_2_bad_options_are_ignored_one_by_one),
		TEST(test_4861_6_3_4_default_router_lives_as_long_as_it_says),
		TEST(test_4861_6_3_4_lifetime_zero_ends_a_router_at_once),
		TEST(test_4861_6_3_4_on_link_prefix_lives_as_long_as_it_says),
		TEST(test_4861_6_3_4_parameters_of_the_link_are_the_routers),
		TEST(test_ipv4_keeps_the_mtu_of_the_link_when_routers_lower_that_of_ipv6),
		TEST(test_4191_3_1_router_of_higher_preference_is_used),
		TEST(test_4191_2_3_route_information_makes_a_more_specific_route),
		TEST(test_4191_2_3_lengths_of_the_route_information_option),
		TEST(test_4191_3_1_route_to_everywhere_overrides_the_header),
		TEST(test_4191_2_3_route_longer_than_the_tunable_allows_is_ignored),
		TEST(test_silent_routers_make_room_in_a_full_list),
		TEST(test_4191_3_2_silent_router_is_left_for_another_and_taken_again_when_it_answers),
		TEST(test_4861_6_3_6_routers_take_turns_when_none_answers),
		TEST(test_4861_7_2_5_neighbour_that_ceases_to_be_a_router_is_none),
		TEST(test_8106_5_servers_and_domains_are_kept_with_their_lifetimes),
		TEST(test_8106_5_lengths_of_the_options),
		TEST(test_8106_names_that_are_none_are_not_taken),
		TEST(test_4861_8_3_redirect_to_a_better_router_is_followed_for_that_destination),
		TEST(test_4861_8_3_redirect_to_the_destination_itself_makes_it_on_link),
		TEST(test_4861_8_1_redirect_that_breaks_a_rule_is_dropped_under_its_counter),
		TEST(test_4861_7_3_3_redirect_to_a_silent_router_is_forgotten),
		TEST(test_1122_3_2_2_2_redirect_of_our_ipv4_gateway_is_followed),
		TEST(test_flood_of_routers_prefixes_and_routes_is_bounded_and_harms_nothing),
		TEST(test_flood_of_redirects_is_bounded),
		TEST(test_6583_flood_of_neighbours_leaves_the_live_ones),
		TEST(test_tunables_turn_off_what_they_name),
		TEST(test_static_default_route_is_preferred_and_not_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
