/* SPDX-License-Identifier: BSD-2-Clause */
/* IPv6 neighbour discovery by exact frames (RFC 4861, RFC 4862 section 5.4, RFC 4429). */
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
#include "tests/lib/lan.h"
#include "tests/lib/packet.h"

static struct bed b;
static struct bed_packet out;
static uint8_t buf[4096];

static const uint8_t other_mac[6] = { 0x02, 0, 0, 0, 0, 0x77 };

#define OWN_GROUP "ff02::1:ff00:1" /* solicited-node of BED_ADDR6; RFC 4291 section 2.7.1 */
#define PEER_GROUP "ff02::1:ff00:2"
static const uint8_t peer_group_mac[6] = { 0x33, 0x33, 0xff, 0, 0, 2 };
static const uint8_t all_nodes_mac[6] = { 0x33, 0x33, 0, 0, 0, 1 };

static int setup(void **state)
{
	(void)state;
	bed_open_quiet(&b, 4);
	return 0;
}

/* Addresses still being checked; IPv4 keeps quiet. */
static int setup_tentative(void **state)
{
	(void)state;
	bed_open(&b, 4, LINK_ETHERNET);
	bed_set(&b, "net.ipv4.conf.default.acd_probes", "0");
	bed_set(&b, "net.ipv6.conf.all.enhanced_dad", "0");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_close(&b);
	return 0;
}

static void nd_arrives(const uint8_t mac[6], const char *src, const char *dst, uint8_t type, uint8_t flags,
		       const char *target, const uint8_t *link_addr)
{
	bed_inject(&b, buf, lan_nd(buf, mac, src, dst, type, flags, target, link_addr));
}

static void expect_silence(void)
{
	assert_false(bed_next(&b, &out));
}

static struct sock *udp(void)
{
	return bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
}

static const char *addr_state(const char *addr);

/* RFC 4861 sections 7.2.3, 7.2.4 */
static void test_solicitation_is_answered_with_our_link_address(void **state)
{
	(void)state;
	nd_arrives(bed_peer_mac, BED_PEER6, OWN_GROUP, LAN_NS, 0, BED_ADDR6, bed_peer_mac);
	assert_true(bed_next(&b, &out));
	assert_true(lan_is_nd(&out, bed_peer_mac, BED_ADDR6, BED_PEER6, LAN_NA, LAN_SOLICITED | LAN_OVERRIDE, BED_ADDR6, true));
	expect_silence();
	/* learnt as stale, and since the answer went there, on its way to be probed */
	assert_string_equal(lan_neigh_state(&b, BED_PEER6), "delay");
}

static void test_solicitation_for_somebody_else_is_ignored(void **state)
{
	(void)state;
	nd_arrives(bed_peer_mac, BED_PEER6, OWN_GROUP, LAN_NS, 0, "fd00::abcd:1", bed_peer_mac);
	expect_silence();
	assert_int_equal(bed_stat(&b, "nd.drop.target"), 1);
	assert_string_equal(lan_neigh_state(&b, BED_PEER6), "");
}

/* RFC 4861 section 7.2.4: to all-nodes, not solicited; that is how an address is defended (RFC 4862 section 5.4.3). */
static void test_duplicate_detection_of_another_for_our_address_is_answered_to_all_nodes(void **state)
{
	(void)state;
	nd_arrives(other_mac, "::", OWN_GROUP, LAN_NS, 0, BED_ADDR6, NULL);
	assert_true(bed_next(&b, &out));
	assert_true(lan_is_nd(&out, all_nodes_mac, BED_ADDR6, "ff02::1", LAN_NA, LAN_OVERRIDE, BED_ADDR6, true));
	expect_silence();
	assert_string_equal(addr_state(BED_ADDR6), "preferred");
}

/* RFC 4861 sections 7.1.1 and 7.1.2, every rule */
static void test_message_that_breaks_a_rule_is_dropped_under_its_counter(void **state)
{
	size_t len;

	(void)state;
	lan_nd(buf, bed_peer_mac, BED_PEER6, OWN_GROUP, LAN_NS, 0, BED_ADDR6, bed_peer_mac);
	buf[14 + 7] = 254;
	bed_inject(&b, buf, 14 + 40 + 32);
	assert_int_equal(bed_stat(&b, "nd.drop.hop_limit"), 1);

	len = lan_nd(buf, bed_peer_mac, BED_PEER6, OWN_GROUP, LAN_NS, 0, BED_ADDR6, bed_peer_mac);
	buf[14 + 40 + 2] ^= 1;
	bed_inject(&b, buf, len);
	assert_int_equal(bed_stat(&b, "icmp.drop.checksum"), 1);

	len = lan_nd(buf, bed_peer_mac, BED_PEER6, OWN_GROUP, LAN_NS, 0, BED_ADDR6, bed_peer_mac);
	buf[14 + 40 + 1] = 1; /* code */
	packet_fix_checksums(buf + 14, len - 14);
	bed_inject(&b, buf, len);
	nd_arrives(bed_peer_mac, BED_PEER6, OWN_GROUP, LAN_NS, 0, "ff02::1", bed_peer_mac);
	len = lan_nd(buf, bed_peer_mac, BED_PEER6, OWN_GROUP, LAN_NS, 0, BED_ADDR6, bed_peer_mac);
	buf[14 + 40 + 25] = 0; /* an option of length zero */
	packet_fix_checksums(buf + 14, len - 14);
	bed_inject(&b, buf, len);
	len = lan_nd(buf, bed_peer_mac, BED_PEER6, OWN_GROUP, LAN_NS, 0, BED_ADDR6, bed_peer_mac);
	buf[14 + 40 + 25] = 2; /* one longer than the message */
	packet_fix_checksums(buf + 14, len - 14);
	bed_inject(&b, buf, len);
	nd_arrives(bed_peer_mac, BED_PEER6, OWN_GROUP, LAN_NS, 0, BED_ADDR6, lan_broadcast); /* a group's link address */
	assert_int_equal(bed_stat(&b, "nd.drop.format"), 5);

	/* The unspecified source: no link address, and only to the solicited-node group. */
	nd_arrives(other_mac, "::", OWN_GROUP, LAN_NS, 0, BED_ADDR6, other_mac);
	nd_arrives(other_mac, "::", BED_ADDR6, LAN_NS, 0, BED_ADDR6, NULL);
	/* A solicited advertisement to a group. */
	nd_arrives(bed_peer_mac, BED_PEER6, "ff02::1", LAN_NA, LAN_SOLICITED, BED_PEER6, bed_peer_mac);
	assert_int_equal(bed_stat(&b, "nd.drop.source"), 3);

	/* Solicitations are for routers. */
	nd_arrives(bed_peer_mac, "fe80::2", BED_ADDR6, 133, 0, BED_ADDR6, NULL);
	assert_int_equal(bed_stat(&b, "nd.drop.type"), 1);
	expect_silence();
	assert_string_equal(lan_neigh_state(&b, BED_PEER6), "");
}

/* RFC 4861 section 7.2.2 */
static void test_packet_waits_for_the_answer_to_a_solicitation_to_the_group(void **state)
{
	struct sock *s = udp();

	(void)state;
	bed_send(&b, s, BED_PEER6, 1000, "x", 1);
	assert_true(bed_next(&b, &out));
	assert_true(lan_is_nd(&out, peer_group_mac, BED_ADDR6, PEER_GROUP, LAN_NS, 0, BED_PEER6, true));
	expect_silence();
	nd_arrives(bed_peer_mac, BED_PEER6, BED_ADDR6, LAN_NA, LAN_SOLICITED | LAN_OVERRIDE, BED_PEER6, bed_peer_mac);
	assert_true(bed_next(&b, &out));
	assert_true(lan_is_ip(&out, bed_peer_mac));
	assert_string_equal(lan_neigh_state(&b, BED_PEER6), "reachable");
	sock_close(s, b.now_us);
}

static void test_silence_makes_the_host_unreachable_after_three_solicitations(void **state)
{
	struct sock *s = udp();
	int on = 1, error = 0;
	size_t len = sizeof(error);

	(void)state;
	assert_int_equal(sock_setopt(s, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on), b.now_us), 0);
	bed_send(&b, s, BED_PEER6, 1000, "x", 1);
	bed_run(&b, 3010000);
	for (int i = 0; i < 3; i++) {
		assert_true(bed_next(&b, &out));
		assert_true(lan_is_nd(&out, peer_group_mac, BED_ADDR6, PEER_GROUP, LAN_NS, 0, BED_PEER6, true));
	}
	expect_silence();
	assert_int_equal(sock_getopt(s, SOL_SOCKET, SO_ERROR, &error, &len, b.now_us), 0);
	assert_int_equal(error, EHOSTUNREACH);
	sock_close(s, b.now_us);
}

static void make_reachable(struct sock *s)
{
	bed_send(&b, s, BED_PEER6, 1000, "x", 1);
	nd_arrives(bed_peer_mac, BED_PEER6, BED_ADDR6, LAN_NA, LAN_SOLICITED | LAN_OVERRIDE, BED_PEER6, bed_peer_mac);
	bed_drop_all(&b);
	assert_string_equal(lan_neigh_state(&b, BED_PEER6), "reachable");
}

/* RFC 4861 section 7.2.5 and appendix C, row by row */
static void test_advertisements_change_a_known_neighbour_as_their_flags_say(void **state)
{
	struct sock *s = udp();

	(void)state;
	make_reachable(s);
	/* no override, another address: doubted, not replaced */
	nd_arrives(other_mac, BED_PEER6, BED_ADDR6, LAN_NA, 0, BED_PEER6, other_mac);
	assert_string_equal(lan_neigh_state(&b, BED_PEER6), "stale");
	bed_send(&b, s, BED_PEER6, 1000, "x", 1);
	assert_true(bed_next(&b, &out) && lan_is_ip(&out, bed_peer_mac));

	make_reachable(s);
	/* override, another address, not solicited: replaced, stale */
	nd_arrives(other_mac, BED_PEER6, BED_ADDR6, LAN_NA, LAN_OVERRIDE, BED_PEER6, other_mac);
	assert_string_equal(lan_neigh_state(&b, BED_PEER6), "stale");
	bed_send(&b, s, BED_PEER6, 1000, "x", 1);
	assert_true(bed_next(&b, &out) && lan_is_ip(&out, other_mac));
	assert_string_equal(lan_neigh_state(&b, BED_PEER6), "delay");

	/* solicited and override, another address: replaced, reachable */
	nd_arrives(bed_peer_mac, BED_PEER6, BED_ADDR6, LAN_NA, LAN_SOLICITED | LAN_OVERRIDE, BED_PEER6, bed_peer_mac);
	assert_string_equal(lan_neigh_state(&b, BED_PEER6), "reachable");
	/* the same address, not solicited: no news */
	nd_arrives(bed_peer_mac, BED_PEER6, "ff02::1", LAN_NA, LAN_OVERRIDE, BED_PEER6, bed_peer_mac);
	assert_string_equal(lan_neigh_state(&b, BED_PEER6), "reachable");
	bed_send(&b, s, BED_PEER6, 1000, "x", 1);
	assert_true(bed_next(&b, &out) && lan_is_ip(&out, bed_peer_mac));
	sock_close(s, b.now_us);
}

/* RFC 4861 section 7.2.5: without a link address it tells nothing to who waits for one, and confirms one that is known. */
static void test_advertisement_without_link_address_confirms_but_does_not_resolve(void **state)
{
	struct sock *s = udp();

	(void)state;
	bed_send(&b, s, BED_PEER6, 1000, "x", 1);
	nd_arrives(bed_peer_mac, BED_PEER6, BED_ADDR6, LAN_NA, LAN_SOLICITED, BED_PEER6, NULL);
	assert_string_equal(lan_neigh_state(&b, BED_PEER6), "incomplete");
	make_reachable(s);
	bed_run(&b, 50000000);
	assert_string_equal(lan_neigh_state(&b, BED_PEER6), "stale");
	nd_arrives(bed_peer_mac, BED_PEER6, BED_ADDR6, LAN_NA, LAN_SOLICITED, BED_PEER6, NULL);
	assert_string_equal(lan_neigh_state(&b, BED_PEER6), "reachable");
	sock_close(s, b.now_us);
}

static void test_advertisement_of_a_stranger_creates_no_entry(void **state)
{
	(void)state;
	nd_arrives(bed_peer_mac, BED_PEER6, BED_ADDR6, LAN_NA, LAN_SOLICITED | LAN_OVERRIDE, BED_PEER6, bed_peer_mac);
	assert_int_equal(bed_stat(&b, "nd.drop.unsolicited"), 1);
	assert_string_equal(lan_neigh_state(&b, BED_PEER6), "");
}

/* RFC 4861 section 7.3.3: unicast probes, from DELAY_FIRST_PROBE_TIME on */
static void test_silent_neighbour_is_probed_by_unicast(void **state)
{
	struct sock *s = udp();
	uint64_t sent_us;

	(void)state;
	make_reachable(s);
	bed_run(&b, 50000000);
	sent_us = b.now_us;
	bed_send(&b, s, BED_PEER6, 1000, "x", 1);
	assert_true(bed_next(&b, &out) && lan_is_ip(&out, bed_peer_mac));
	bed_run(&b, 7900000);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(bed_next(&b, &out));
		assert_true(lan_is_nd(&out, bed_peer_mac, BED_ADDR6, BED_PEER6, LAN_NS, 0, BED_PEER6, true));
		assert_in_range(out.at_us - sent_us, 5000000 + i * 1000000, 5002000 + i * 1000000);
	}
	bed_run(&b, 200000);
	assert_string_equal(lan_neigh_state(&b, BED_PEER6), "failed");
	sock_close(s, b.now_us);
}

struct addr_query {
	struct ip_addr addr;
	const char *state, *origin;
};

static bool find_addr(void *ctx, const struct addr_info *info)
{
	struct addr_query *q = ctx;

	if (ip_addr_eq(&info->prefix.addr, &q->addr)) {
		q->state = info->state;
		q->origin = info->origin;
	}
	return true;
}

static const char *addr_state(const char *addr)
{
	struct addr_query q = { addr_of(addr), "", "" };

	stack_each_addr(b.st, find_addr, &q);
	return q.state;
}

/* RFC 4291 appendix A: MAC 02:00:00:00:00:01 with its universal bit turned, ff:fe in the middle */
static void test_ethernet_link_has_the_link_local_address_of_its_mac(void **state)
{
	struct addr_query q = { addr_of("fe80::ff:fe00:1"), "", "" };

	(void)state;
	stack_each_addr(b.st, find_addr, &q);
	assert_string_equal(q.state, "preferred");
	assert_string_equal(q.origin, "linklocal");
	nd_arrives(bed_peer_mac, "fe80::2", "ff02::1:ff00:1", LAN_NS, 0, "fe80::ff:fe00:1", bed_peer_mac);
	assert_true(bed_next(&b, &out));
	assert_true(lan_is_nd(&out, bed_peer_mac, "fe80::ff:fe00:1", "fe80::2", LAN_NA, LAN_SOLICITED | LAN_OVERRIDE,
			      "fe80::ff:fe00:1", true));
}

/* RFC 4862 section 5.4.2: one solicitation from "::" within a second; preferred a second later */
static void test_new_address_is_checked_once_and_then_preferred(void **state)
{
	unsigned seen = 0;

	(void)state;
	bed_run(&b, 1002000);
	while (bed_next(&b, &out))
		seen += lan_is_nd(&out, (const uint8_t[]){ 0x33, 0x33, 0xff, 0, 0, 1 }, "::", OWN_GROUP, LAN_NS, 0, BED_ADDR6, false);
	assert_int_equal(seen, 1);
	assert_string_equal(addr_state(BED_ADDR6), "optimistic");
	bed_run(&b, 1002000);
	assert_string_equal(addr_state(BED_ADDR6), "preferred");
	while (bed_next(&b, &out))
		assert_false(lan_is_nd(&out, (const uint8_t[]){ 0x33, 0x33, 0xff, 0, 0, 1 }, "::", OWN_GROUP, LAN_NS, 0, BED_ADDR6,
				       false));
}

/* RFC 4429 section 3.3: an optimistic address is used, but its advertisements do not override. */
static void test_address_is_used_while_it_is_checked_without_overriding_others(void **state)
{
	(void)state;
	nd_arrives(bed_peer_mac, BED_PEER6, OWN_GROUP, LAN_NS, 0, BED_ADDR6, bed_peer_mac);
	assert_true(bed_next(&b, &out));
	assert_true(lan_is_nd(&out, bed_peer_mac, BED_ADDR6, BED_PEER6, LAN_NA, LAN_SOLICITED, BED_ADDR6, true));
}

/* RFC 4862 sections 5.4.3, 5.4.4, 5.4.5 */
static void test_address_that_another_host_has_is_taken_out_of_use(void **state)
{
	struct ip_prefix p;

	(void)state;
	nd_arrives(other_mac, BED_ADDR6, "ff02::1", LAN_NA, LAN_OVERRIDE, BED_ADDR6, other_mac);
	assert_int_equal(bed_stat(&b, "nd.conflicts"), 1);
	assert_string_equal(addr_state(BED_ADDR6), "duplicate");
	nd_arrives(bed_peer_mac, BED_PEER6, OWN_GROUP, LAN_NS, 0, BED_ADDR6, bed_peer_mac);
	bed_inject(&b, buf, packet_ethernet(buf, packet_echo(buf, BED_PEER6, BED_ADDR6, false, 1, 1, NULL, 0), bed_mac, bed_peer_mac));
	assert_int_equal(bed_stat(&b, "ip6.drop.not_ours"), 1);

	ip_prefix_parse(BED_ADDR6 "/64", &p);
	assert_int_equal(stack_add_addr(b.st, b.ifindex, &p, b.now_us), 0);
	nd_arrives(other_mac, "::", OWN_GROUP, LAN_NS, 0, BED_ADDR6, NULL); /* two hosts check it at once */
	assert_string_equal(addr_state(BED_ADDR6), "duplicate");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_TENTATIVE(name) cmocka_unit_test_setup_teardown(name, setup_tentative, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_solicitation_is_answered_with_our_link_address),
		TEST(test_solicitation_for_somebody_else_is_ignored),
		TEST(test_duplicate_detection_of_another_for_our_address_is_answered_to_all_nodes),
		TEST(test_message_that_breaks_a_rule_is_dropped_under_its_counter),
		TEST(test_packet_waits_for_the_answer_to_a_solicitation_to_the_group),
		TEST(test_silence_makes_the_host_unreachable_after_three_solicitations),
		TEST(test_advertisements_change_a_known_neighbour_as_their_flags_say),
		TEST(test_advertisement_without_link_address_confirms_but_does_not_resolve),
		TEST(test_advertisement_of_a_stranger_creates_no_entry),
		TEST(test_silent_neighbour_is_probed_by_unicast),
		TEST(test_ethernet_link_has_the_link_local_address_of_its_mac),
		TEST_TENTATIVE(test_new_address_is_checked_once_and_then_preferred),
		TEST_TENTATIVE(test_address_is_used_while_it_is_checked_without_overriding_others),
		TEST_TENTATIVE(test_address_that_another_host_has_is_taken_out_of_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
