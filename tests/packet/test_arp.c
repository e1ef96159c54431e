/* SPDX-License-Identifier: BSD-2-Clause */
/* ARP and the neighbour table by exact frames (RFC 826, RFC 1122 section 2.3.2, RFC 5227, RFC 4861 section 7.3, RFC 6583). */
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

static struct bed b;
static struct bed_packet out;
static uint8_t buf[4096];

static const uint8_t other_mac[6] = { 0x02, 0, 0, 0, 0, 0x77 };

static int setup(void **state)
{
	(void)state;
	bed_open_quiet(&b, 3);
	return 0;
}

static int setup_unprobed(void **state)
{
	(void)state;
	bed_prepare(&b, 3, LINK_ETHERNET);
	bed_start(&b);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_close(&b);
	return 0;
}

static void arp_arrives(const uint8_t eth_dst[6], const uint8_t mac[6], uint16_t op, const char *sender, const char *target)
{
	bed_inject(&b, buf, lan_arp(buf, eth_dst, mac, op, sender, target));
}

static void expect_arp(const uint8_t eth_dst[6], uint16_t op, const char *sender, const char *target)
{
	assert_true(bed_next(&b, &out));
	assert_true(lan_is_arp(&out, eth_dst, op, sender, target));
}

static void expect_ip(const uint8_t eth_dst[6])
{
	assert_true(bed_next(&b, &out));
	assert_true(lan_is_ip(&out, eth_dst));
}

static void expect_silence(void)
{
	assert_false(bed_next(&b, &out));
}

static struct sock *udp(void)
{
	return bed_sock(&b, AF_INET, SOCK_DGRAM, 0);
}

/* Section 2.1.1: we gave it up, and its owner is a neighbour like any other */
static void test_owner_of_an_address_we_gave_up_is_answered(void **state)
{
	struct ip_prefix other = { addr_of("10.0.0.5"), 96 + 24 };

	(void)state;
	assert_int_equal(stack_add_addr(b.st, b.ifindex, &other, b.now_us), 0);
	arp_arrives(lan_broadcast, other_mac, LAN_ARP_REPLY, "10.0.0.5", "10.0.0.5");
	bed_drop_all(&b);
	arp_arrives(lan_broadcast, other_mac, LAN_ARP_REQUEST, "10.0.0.5", BED_ADDR4);
	expect_arp(other_mac, LAN_ARP_REPLY, BED_ADDR4, "10.0.0.5");
}

/* RFC 826: what comes to the target is answered to the sender */
static void test_request_for_our_address_is_answered_to_the_asker(void **state)
{
	(void)state;
	arp_arrives(lan_broadcast, bed_peer_mac, LAN_ARP_REQUEST, BED_PEER4, BED_ADDR4);
	expect_arp(bed_peer_mac, LAN_ARP_REPLY, BED_ADDR4, BED_PEER4);
	expect_silence();
	assert_string_equal(lan_neigh_state(&b, BED_PEER4), "stale");
}

/* RFC 3927 section 2.5: "All ARP packets (*replies* as well as requests) that contain a Link-Local 'sender IP address' MUST be sent
 * using link-layer broadcast" */
static void test_3927_2_5_what_a_link_local_address_says_goes_to_all(void **state)
{
	struct ip_prefix other = { addr_of("169.254.7.7"), 96 + 16 };

	(void)state;
	assert_int_equal(stack_add_addr(b.st, b.ifindex, &other, b.now_us), 0);
	bed_run(&b, 20000000);
	bed_drop_all(&b);
	arp_arrives(bed_mac, bed_peer_mac, LAN_ARP_REQUEST, "169.254.9.9", "169.254.7.7");
	assert_true(bed_next(&b, &out));
	assert_memory_equal(out.data, lan_broadcast, 6);
	memcpy(out.data, bed_peer_mac, 6);
	assert_true(lan_is_arp(&out, bed_peer_mac, LAN_ARP_REPLY, "169.254.7.7", "169.254.9.9"));
}

static void test_request_for_somebody_else_is_not_answered(void **state)
{
	(void)state;
	arp_arrives(lan_broadcast, bed_peer_mac, LAN_ARP_REQUEST, BED_PEER4, "10.0.0.3");
	expect_silence();
	assert_int_equal(bed_stat(&b, "arp.drop.target"), 1);
	assert_string_equal(lan_neigh_state(&b, BED_PEER4), "");
}

static void test_asker_outside_our_networks_is_answered_but_not_remembered(void **state)
{
	(void)state;
	arp_arrives(lan_broadcast, bed_peer_mac, LAN_ARP_REQUEST, "192.0.2.9", BED_ADDR4);
	expect_arp(bed_peer_mac, LAN_ARP_REPLY, BED_ADDR4, "192.0.2.9");
	assert_string_equal(lan_neigh_state(&b, "192.0.2.9"), "");
}

/* RFC 5227 section 1.1: a probe's sender address is zero; it is answered like any request. */
static void test_probe_for_our_address_is_answered(void **state)
{
	(void)state;
	arp_arrives(lan_broadcast, bed_peer_mac, LAN_ARP_REQUEST, "0.0.0.0", BED_ADDR4);
	expect_arp(bed_peer_mac, LAN_ARP_REPLY, BED_ADDR4, "0.0.0.0");
	assert_int_equal(bed_stat(&b, "arp.conflicts"), 0);
}

struct malformed {
	const char *counter;
	size_t at;
	uint8_t value;
};

/* Each field in turn; offsets count from the Ethernet header. */
static void test_every_impossible_field_is_dropped_under_its_counter(void **state)
{
	static const struct malformed cases[] = {
		{ "arp.drop.format", 15, 6 },	   /* hardware type */
		{ "arp.drop.format", 16, 0x86 },   /* protocol type */
		{ "arp.drop.format", 18, 8 },	   /* hardware address length */
		{ "arp.drop.format", 19, 16 },	   /* protocol address length */
		{ "arp.drop.format", 21, 0 },	   /* operation 0 */
		{ "arp.drop.format", 21, 3 },	   /* RARP */
		{ "arp.drop.source", 22, 0x03 },   /* sender MAC is a group's */
		{ "arp.drop.source", 28, 224 },	   /* sender is a group */
		{ "arp.drop.source", 28, 255 },
		{ "arp.drop.source", 28, 127 },
		{ "arp.drop.source", 28, 0 },	   /* 0.0.0.2 */
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t before = bed_stat(&b, cases[i].counter);
		size_t len = lan_arp(buf, bed_mac, bed_peer_mac, LAN_ARP_REQUEST, BED_PEER4, BED_ADDR4);

		buf[cases[i].at] = cases[i].value;
		bed_inject(&b, buf, len);
		expect_silence();
		assert_int_equal(bed_stat(&b, cases[i].counter), before + 1);
	}
	for (size_t len = 14; len < 14 + 28; len++) {
		lan_arp(buf, bed_mac, bed_peer_mac, LAN_ARP_REQUEST, BED_PEER4, BED_ADDR4);
		bed_inject(&b, buf, len);
		expect_silence();
	}
	assert_int_equal(bed_stat(&b, "arp.drop.short"), 28);
	/* Our own MAC as the sender: a loop somewhere. The Ethernet source alone is not enough to tell. */
	lan_arp(buf, bed_mac, bed_mac, LAN_ARP_REQUEST, BED_PEER4, BED_ADDR4);
	memcpy(buf + 6, bed_peer_mac, 6);
	bed_inject(&b, buf, 42);
	expect_silence();
	assert_string_equal(lan_neigh_state(&b, BED_PEER4), "");
}

/* RFC 1122 section 2.3.2.2: "SHOULD save ... at least one (the latest) packet" */
static void test_packets_wait_for_the_answer_and_go_out_in_order(void **state)
{
	struct sock *s = udp();
	struct packet p;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(bed_send(&b, s, BED_PEER4, 1000, "abc" + i, 1), 0);
	expect_arp(lan_broadcast, LAN_ARP_REQUEST, BED_ADDR4, BED_PEER4);
	expect_silence(); /* RFC 1122 section 2.3.2.1: one request, however many packets wait */
	arp_arrives(bed_mac, bed_peer_mac, LAN_ARP_REPLY, BED_PEER4, BED_ADDR4);
	for (int i = 0; i < 3; i++) {
		expect_ip(bed_peer_mac);
		assert_null(packet_parse(out.data + 14, out.len - 14, NULL, &p));
		assert_int_equal(p.payload[0], "abc"[i]);
	}
	expect_silence();
	assert_string_equal(lan_neigh_state(&b, BED_PEER4), "reachable");
	sock_close(s, b.now_us);
}

static void test_of_too_many_waiting_packets_the_latest_are_kept(void **state)
{
	struct sock *s = udp();
	struct packet p;

	(void)state;
	bed_set(&b, "net.ipv4.neigh.default.unres_qlen_bytes", "4096"); /* two small frames */
	for (int i = 0; i < 5; i++)
		bed_send(&b, s, BED_PEER4, 1000, "abcde" + i, 1);
	bed_drop_all(&b);
	arp_arrives(bed_mac, bed_peer_mac, LAN_ARP_REPLY, BED_PEER4, BED_ADDR4);
	for (int i = 3; i < 5; i++) {
		expect_ip(bed_peer_mac);
		assert_null(packet_parse(out.data + 14, out.len - 14, NULL, &p));
		assert_int_equal(p.payload[0], "abcde"[i]);
	}
	expect_silence();
	assert_int_equal(bed_stat(&b, "neigh.drop.queue_full"), 3);
	sock_close(s, b.now_us);
}

/* RFC 1122 section 2.3.2.1: at most one request a second; the senders are told after the third (Linux: about 3 s). */
static void test_silence_makes_the_host_unreachable_after_three_requests(void **state)
{
	struct sock *s = udp();
	uint64_t start_us = b.now_us;
	int on = 1, error = 0;
	size_t len = sizeof(error);

	(void)state;
	assert_int_equal(sock_setopt(s, IPPROTO_IP, IP_RECVERR, &on, sizeof(on), b.now_us), 0);
	bed_send(&b, s, BED_PEER4, 1000, "x", 1);
	bed_run(&b, 2999000);
	for (int i = 0; i < 3; i++) {
		expect_arp(lan_broadcast, LAN_ARP_REQUEST, BED_ADDR4, BED_PEER4);
		assert_in_range(out.at_us - start_us, i * 1000000u, i * 1000000u + 2000);
	}
	expect_silence();
	assert_int_equal(sock_getopt(s, SOL_SOCKET, SO_ERROR, &error, &len, b.now_us), 0);
	assert_int_equal(error, 0);
	bed_run(&b, 10000);
	assert_int_equal(sock_getopt(s, SOL_SOCKET, SO_ERROR, &error, &len, b.now_us), 0);
	assert_int_equal(error, EHOSTUNREACH);
	assert_string_equal(lan_neigh_state(&b, BED_PEER4), "failed");
	assert_int_equal(bed_stat(&b, "neigh.drop.failed"), 1);
	bed_send(&b, s, BED_PEER4, 1000, "x", 1); /* a new packet asks again */
	expect_arp(lan_broadcast, LAN_ARP_REQUEST, BED_ADDR4, BED_PEER4);
	sock_close(s, b.now_us);
}

static void test_failed_entry_is_forgotten(void **state)
{
	struct sock *s = udp();

	(void)state;
	bed_send(&b, s, BED_PEER4, 1000, "x", 1);
	bed_run(&b, 5000000);
	assert_string_equal(lan_neigh_state(&b, BED_PEER4), "failed");
	bed_run(&b, 61000000);
	assert_string_equal(lan_neigh_state(&b, BED_PEER4), "");
	assert_int_equal(stack_next_deadline_us(b.st), UINT64_MAX); /* and nothing wakes us any more */
	sock_close(s, b.now_us);
}

static void test_answer_that_nobody_asked_for_creates_no_entry(void **state)
{
	(void)state;
	arp_arrives(bed_mac, bed_peer_mac, LAN_ARP_REPLY, BED_PEER4, BED_ADDR4);
	assert_int_equal(bed_stat(&b, "arp.drop.unsolicited"), 1);
	assert_string_equal(lan_neigh_state(&b, BED_PEER4), "");
	arp_arrives(lan_broadcast, bed_peer_mac, LAN_ARP_REQUEST, BED_PEER4, BED_PEER4); /* gratuitous */
	assert_string_equal(lan_neigh_state(&b, BED_PEER4), "");
}

/* RFC 826: the merge flag; RFC 5227 section 4: announcements update caches */
static void test_announcement_moves_a_known_neighbour(void **state)
{
	struct sock *s = udp();

	(void)state;
	lan_introduce_peer(&b);
	bed_run(&b, 2000000);
	arp_arrives(lan_broadcast, other_mac, LAN_ARP_REQUEST, BED_PEER4, BED_PEER4);
	bed_send(&b, s, BED_PEER4, 1000, "x", 1);
	expect_ip(other_mac);
	sock_close(s, b.now_us);
}

static void test_second_quick_answer_does_not_replace_the_first(void **state)
{
	struct sock *s = udp();

	(void)state;
	bed_send(&b, s, BED_PEER4, 1000, "x", 1);
	bed_drop_all(&b);
	arp_arrives(bed_mac, bed_peer_mac, LAN_ARP_REPLY, BED_PEER4, BED_ADDR4);
	expect_ip(bed_peer_mac);
	arp_arrives(bed_mac, other_mac, LAN_ARP_REPLY, BED_PEER4, BED_ADDR4);
	bed_send(&b, s, BED_PEER4, 1000, "x", 1);
	expect_ip(bed_peer_mac);
	sock_close(s, b.now_us);
}

/* RFC 4861 section 7.3.3, for ARP: stale, delay 5 s, three probes by unicast, then a broadcast for the next packet. */
static void test_silent_neighbour_goes_from_stale_over_unicast_probes_to_failed(void **state)
{
	struct sock *s = udp();
	uint64_t sent_us;

	(void)state;
	arp_arrives(bed_mac, bed_peer_mac, LAN_ARP_REQUEST, BED_PEER4, BED_ADDR4);
	bed_drop_all(&b);
	assert_string_equal(lan_neigh_state(&b, BED_PEER4), "stale");
	bed_run(&b, 100000000);
	assert_string_equal(lan_neigh_state(&b, BED_PEER4), "stale"); /* nothing is sent: nothing is asked */
	expect_silence();
	sent_us = b.now_us;
	bed_send(&b, s, BED_PEER4, 1000, "x", 1);
	expect_ip(bed_peer_mac); /* at once */
	assert_string_equal(lan_neigh_state(&b, BED_PEER4), "delay");
	bed_run(&b, 7900000);
	for (unsigned i = 0; i < 3; i++) {
		expect_arp(bed_peer_mac, LAN_ARP_REQUEST, BED_ADDR4, BED_PEER4);
		assert_in_range(out.at_us - sent_us, 5000000 + i * 1000000, 5002000 + i * 1000000);
	}
	assert_string_equal(lan_neigh_state(&b, BED_PEER4), "probe");
	bed_run(&b, 200000);
	expect_silence();
	assert_string_equal(lan_neigh_state(&b, BED_PEER4), "failed");
	bed_send(&b, s, BED_PEER4, 1000, "x", 1);
	expect_arp(lan_broadcast, LAN_ARP_REQUEST, BED_ADDR4, BED_PEER4);
	expect_silence();
	sock_close(s, b.now_us);
}

static void test_answer_to_a_probe_confirms_the_neighbour(void **state)
{
	struct sock *s = udp();

	(void)state;
	lan_introduce_peer(&b);
	bed_send(&b, s, BED_PEER4, 1000, "x", 1);
	bed_run(&b, 5100000);
	assert_string_equal(lan_neigh_state(&b, BED_PEER4), "probe");
	arp_arrives(bed_mac, bed_peer_mac, LAN_ARP_REPLY, BED_PEER4, BED_ADDR4);
	assert_string_equal(lan_neigh_state(&b, BED_PEER4), "reachable");
	bed_run(&b, 46000000); /* one and a half of 30 s at most (RFC 4861 section 6.3.2) */
	assert_string_equal(lan_neigh_state(&b, BED_PEER4), "stale");
	sock_close(s, b.now_us);
}

/* RFC 5227 sections 1.1, 2.1.1, 2.3 */
static void test_new_address_is_probed_three_times_and_announced_twice(void **state)
{
	uint64_t last_us = b.now_us;

	(void)state;
	bed_set(&b, "net.ipv6.conf.all.dad_transmits", "0");
	bed_run(&b, 20000000);
	for (int i = 0; i < 3; i++) {
		while (bed_next(&b, &out) && out.data[12] == 0x86)
			;
		assert_true(lan_is_arp(&out, lan_broadcast, LAN_ARP_REQUEST, "0.0.0.0", BED_ADDR4));
		assert_in_range(out.at_us - last_us, i == 0 ? 0 : 1000000, i == 0 ? 1001100 : 2001100);
		last_us = out.at_us;
	}
	for (int i = 0; i < 2; i++) {
		while (bed_next(&b, &out) && out.data[12] == 0x86)
			;
		assert_true(lan_is_arp(&out, lan_broadcast, LAN_ARP_REQUEST, BED_ADDR4, BED_ADDR4));
		assert_in_range(out.at_us - last_us, 2000000, 2001100);
		last_us = out.at_us;
	}
	expect_silence();
}

static void test_address_works_while_it_is_probed(void **state)
{
	(void)state;
	arp_arrives(lan_broadcast, bed_peer_mac, LAN_ARP_REQUEST, BED_PEER4, BED_ADDR4);
	expect_arp(bed_peer_mac, LAN_ARP_REPLY, BED_ADDR4, BED_PEER4);
}

static bool is_duplicate(void *ctx, const struct addr_info *info)
{
	if (strcmp(info->state, "duplicate") == 0)
		++*(int *)ctx;
	return true;
}

static int duplicates(void)
{
	int n = 0;

	stack_each_addr(b.st, is_duplicate, &n);
	return n;
}

/* RFC 5227 section 2.1.1: any packet with the sender address, or another host's probe for it */
static void test_conflict_while_probing_takes_the_address_out_of_use(void **state)
{
	struct ip_prefix p;

	(void)state;
	arp_arrives(lan_broadcast, other_mac, LAN_ARP_REQUEST, "0.0.0.0", BED_ADDR4);
	assert_int_equal(bed_stat(&b, "arp.conflicts"), 1);
	assert_int_equal(duplicates(), 1);
	bed_drop_all(&b);
	arp_arrives(lan_broadcast, bed_peer_mac, LAN_ARP_REQUEST, BED_PEER4, BED_ADDR4);
	expect_silence();
	ip_prefix_parse(BED_ADDR4 "/24", &p);
	assert_int_equal(stack_add_addr(b.st, b.ifindex, &p, b.now_us), 0); /* a new attempt */
	assert_int_equal(duplicates(), 0);
	arp_arrives(bed_mac, other_mac, LAN_ARP_REPLY, BED_ADDR4, BED_ADDR4);
	assert_int_equal(duplicates(), 1);
}

/* RFC 5227 section 2.4 (c): one announcement in ten seconds, and the address is kept. */
static void test_conflict_later_is_answered_by_one_announcement_in_ten_seconds(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		arp_arrives(lan_broadcast, other_mac, LAN_ARP_REQUEST, BED_ADDR4, BED_PEER4);
		bed_run(&b, 1000000);
	}
	expect_arp(lan_broadcast, LAN_ARP_REQUEST, BED_ADDR4, BED_ADDR4);
	expect_silence();
	bed_run(&b, 6000000);
	arp_arrives(lan_broadcast, other_mac, LAN_ARP_REQUEST, BED_ADDR4, BED_PEER4);
	expect_arp(lan_broadcast, LAN_ARP_REQUEST, BED_ADDR4, BED_ADDR4);
	assert_int_equal(duplicates(), 0);
	assert_int_equal(bed_stat(&b, "arp.conflicts"), 6);
}

static void flood_of_requests(unsigned count)
{
	char sender[32];

	for (unsigned i = 0; i < count; i++) {
		snprintf(sender, sizeof(sender), "10.0.%u.%u", 1 + i / 250, 1 + i % 250);
		arp_arrives(bed_mac, other_mac, LAN_ARP_REQUEST, sender, BED_ADDR4);
	}
	bed_drop_all(&b);
}

static void widen_network(void)
{
	struct ip_prefix p;

	ip_prefix_parse("10.0.100.1/16", &p);
	assert_int_equal(stack_add_addr(b.st, b.ifindex, &p, b.now_us), 0);
	bed_run(&b, 20000000);
	bed_drop_all(&b);
}

static void test_flood_of_requests_cannot_push_out_a_neighbour_in_use(void **state)
{
	struct sock *s = udp();

	(void)state;
	widen_network();
	bed_set(&b, "net.ipv4.neigh.default.gc_thresh3", "64");
	bed_send(&b, s, BED_PEER4, 1000, "x", 1);
	arp_arrives(bed_mac, bed_peer_mac, LAN_ARP_REPLY, BED_PEER4, BED_ADDR4);
	bed_run(&b, 60000000); /* grown stale since */
	assert_string_equal(lan_neigh_state(&b, BED_PEER4), "stale");
	flood_of_requests(1000);
	assert_string_equal(lan_neigh_state(&b, BED_PEER4), "stale");
	assert_int_equal(bed_stat(&b, "neigh.evicted"), 1000 - 63);
	sock_close(s, b.now_us);
}

/* RFC 6583 section 6: what a scan of our network leaves behind */
static void test_flood_of_unanswered_packets_pushes_out_only_its_own(void **state)
{
	struct sock *s = udp();
	char dst[32];

	(void)state;
	widen_network();
	bed_set(&b, "net.ipv4.neigh.default.gc_thresh3", "64");
	bed_send(&b, s, BED_PEER4, 1000, "x", 1);
	arp_arrives(bed_mac, bed_peer_mac, LAN_ARP_REPLY, BED_PEER4, BED_ADDR4);
	flood_of_requests(10); /* learnt, never used */
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(dst, sizeof(dst), "10.0.%u.%u", 20 + i / 250, 1 + i % 250);
		bed_send(&b, s, dst, 1000, "x", 1);
		bed_drop_all(&b);
	}
	assert_string_equal(lan_neigh_state(&b, BED_PEER4), "reachable");
	assert_string_equal(lan_neigh_state(&b, "10.0.1.5"), "stale");
	assert_string_equal(lan_neigh_state(&b, "10.0.23.250"), "incomplete");
	bed_send(&b, s, BED_PEER4, 1000, "x", 1);
	expect_ip(bed_peer_mac);
	sock_close(s, b.now_us);
}

static void test_table_full_of_live_neighbours_refuses_a_newcomer(void **state)
{
	struct sock *s = udp();
	char dst[32];

	(void)state;
	bed_set(&b, "net.ipv4.neigh.default.gc_thresh3", "16");
	for (unsigned i = 0; i < 16; i++) {
		snprintf(dst, sizeof(dst), "10.0.0.%u", 10 + i);
		bed_send(&b, s, dst, 1000, "x", 1);
		arp_arrives(bed_mac, bed_peer_mac, LAN_ARP_REPLY, dst, BED_ADDR4);
	}
	bed_drop_all(&b);
	bed_send(&b, s, "10.0.0.200", 1000, "x", 1);
	expect_silence();
	assert_true(bed_stat(&b, "neigh.drop.table_full") > 0);
	assert_string_equal(lan_neigh_state(&b, "10.0.0.10"), "reachable");
	sock_close(s, b.now_us);
}

static void test_socket_whose_neighbour_was_evicted_resolves_it_anew(void **state)
{
	struct sock *s = udp();
	struct ip_endpoint remote = bed_endpoint(BED_PEER4, 9);

	(void)state;
	bed_set(&b, "net.ipv4.neigh.default.gc_thresh3", "16");
	assert_int_equal(sock_connect(s, &remote, b.now_us), 0); /* holds the entry, unused */
	flood_of_requests(1);
	for (unsigned i = 0; i < 40; i++) {
		char dst[32];
		struct sock *t = udp();

		snprintf(dst, sizeof(dst), "10.0.0.%u", 10 + i);
		bed_send(&b, t, dst, 1000, "x", 1);
		sock_close(t, b.now_us);
	}
	bed_drop_all(&b);
	assert_int_equal(bed_send(&b, s, NULL, 0, "y", 1), 0);
	expect_arp(lan_broadcast, LAN_ARP_REQUEST, BED_ADDR4, BED_PEER4);
	arp_arrives(bed_mac, bed_peer_mac, LAN_ARP_REPLY, BED_PEER4, BED_ADDR4);
	expect_ip(bed_peer_mac);
	sock_close(s, b.now_us);
}

static void test_frames_that_are_not_for_us_are_dropped_under_their_counters(void **state)
{
	(void)state;
	arp_arrives(other_mac, bed_peer_mac, LAN_ARP_REQUEST, BED_PEER4, BED_ADDR4);
	assert_int_equal(bed_stat(&b, "eth.drop.other_host"), 1);
	arp_arrives(bed_mac, bed_mac, LAN_ARP_REQUEST, BED_PEER4, BED_ADDR4);
	arp_arrives(bed_mac, lan_broadcast, LAN_ARP_REQUEST, BED_PEER4, BED_ADDR4);
	assert_int_equal(bed_stat(&b, "eth.drop.source"), 2);
	lan_arp(buf, bed_mac, bed_peer_mac, LAN_ARP_REQUEST, BED_PEER4, BED_ADDR4);
	buf[12] = 0x88;
	bed_inject(&b, buf, 42);
	assert_int_equal(bed_stat(&b, "eth.drop.type"), 1);
	for (size_t len = 0; len < 14; len++)
		bed_inject(&b, buf, len);
	assert_int_equal(bed_stat(&b, "eth.drop.short"), 14);
	expect_silence();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_FROM_START(name) cmocka_unit_test_setup_teardown(name, setup_unprobed, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_owner_of_an_address_we_gave_up_is_answered),
		TEST(test_request_for_our_address_is_answered_to_the_asker),
		TEST(test_3927_2_5_what_a_link_local_address_says_goes_to_all),
		TEST(test_request_for_somebody_else_is_not_answered),
		TEST(test_asker_outside_our_networks_is_answered_but_not_remembered),
		TEST(test_probe_for_our_address_is_answered),
		TEST(test_every_impossible_field_is_dropped_under_its_counter),
		TEST(test_packets_wait_for_the_answer_and_go_out_in_order),
		TEST(test_of_too_many_waiting_packets_the_latest_are_kept),
		TEST(test_silence_makes_the_host_unreachable_after_three_requests),
		TEST(test_failed_entry_is_forgotten),
		TEST(test_answer_that_nobody_asked_for_creates_no_entry),
		TEST(test_announcement_moves_a_known_neighbour),
		TEST(test_second_quick_answer_does_not_replace_the_first),
		TEST(test_silent_neighbour_goes_from_stale_over_unicast_probes_to_failed),
		TEST(test_answer_to_a_probe_confirms_the_neighbour),
		TEST_FROM_START(test_new_address_is_probed_three_times_and_announced_twice),
		TEST_FROM_START(test_address_works_while_it_is_probed),
		TEST_FROM_START(test_conflict_while_probing_takes_the_address_out_of_use),
		TEST(test_conflict_later_is_answered_by_one_announcement_in_ten_seconds),
		TEST(test_flood_of_requests_cannot_push_out_a_neighbour_in_use),
		TEST(test_flood_of_unanswered_packets_pushes_out_only_its_own),
		TEST(test_table_full_of_live_neighbours_refuses_a_newcomer),
		TEST(test_socket_whose_neighbour_was_evicted_resolves_it_anew),
		TEST(test_frames_that_are_not_for_us_are_dropped_under_their_counters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
