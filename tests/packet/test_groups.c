/* SPDX-License-Identifier: BSD-2-Clause */
/* Datagrams to groups and broadcast addresses: which sockets hear them, and which way ours go (RFC 1112, RFC 3376 section 3, RFC 3678,
 * ip(7)). */
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

#include "tests/lib/expect.h"
#include "tests/lib/lan.h"

static struct bed b;
static struct bed_packet out;
static uint8_t buf[4096];

#define G1 "239.1.1.1"
#define G2 "239.2.2.2"
#define G6 "ff15::1111"

enum { PORT = 7000, SECOND = 1000000 };

static int setup(void **state)
{
	(void)state;
	bed_open(&b, 5, LINK_IP);
	return 0;
}

static int setup_ethernet(void **state)
{
	(void)state;
	bed_open_quiet(&b, 5);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_close(&b);
	return 0;
}

static int set(struct sock *s, int level, int name, int value)
{
	return sock_setopt(s, level, name, &value, sizeof(value), b.now_us);
}

static struct sock *bound(int family, const char *addr)
{
	struct sock *s = bed_sock(&b, family, SOCK_DGRAM, 0);
	struct ip_endpoint local = bed_endpoint(addr, PORT);

	assert_int_equal(set(s, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	assert_int_equal(sock_bind(s, &local), 0);
	return s;
}

/* MCAST_* options, which serve both families. */
static int group_option(struct sock *s, int name, const char *group, const char *source, uint32_t ifindex)
{
	struct ip_addr g = addr_of(group), a = addr_of(source ? source : group);
	bool is4 = ip_addr_is4(&g);
	struct group_source_req m = { .gsr_interface = ifindex };
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	int err;

	memcpy(&in4.sin_addr, ip_addr_v4(&g), 4);
	memcpy(&in6.sin6_addr, g.b, 16);
	memcpy(&m.gsr_group, is4 ? (void *)&in4 : (void *)&in6, is4 ? sizeof(in4) : sizeof(in6));
	memcpy(&in4.sin_addr, ip_addr_v4(&a), 4);
	memcpy(&in6.sin6_addr, a.b, 16);
	memcpy(&m.gsr_source, is4 ? (void *)&in4 : (void *)&in6, is4 ? sizeof(in4) : sizeof(in6));
	err = sock_setopt(s, is4 ? IPPROTO_IP : IPPROTO_IPV6, name, &m, source ? sizeof(m) : sizeof(struct group_req), b.now_us);
	bed_turn(&b);
	return err;
}

static void join(struct sock *s, const char *group)
{
	assert_int_equal(group_option(s, MCAST_JOIN_GROUP, group, NULL, b.ifindex), 0);
}

static void arrives(const char *src, const char *dst)
{
	bed_inject(&b, buf, packet_udp(buf, src, 9, dst, PORT, "hi", 2));
}

static bool got(struct sock *s)
{
	struct frame *f = sock_recv_frame(s);
	bool is_there = f != NULL;

	frame_unref(f);
	return is_there;
}

/* ---- In ---- */

static void test_rfc1112_7_2_only_groups_that_were_joined_are_heard(void **state)
{
	struct sock *s = bound(AF_INET, "0.0.0.0");

	(void)state;
	arrives(BED_PEER4, G1);
	assert_false(got(s));
	assert_int_equal(bed_stat(&b, "ip4.drop.not_ours"), 1);
	join(s, G1);
	arrives(BED_PEER4, G1);
	assert_true(got(s));
	arrives(BED_PEER4, G2);
	assert_false(got(s));
	assert_int_equal(group_option(s, MCAST_LEAVE_GROUP, G1, NULL, b.ifindex), 0);
	arrives(BED_PEER4, G1);
	assert_false(got(s));
	assert_int_equal(bed_stat(&b, "ip4.drop.not_ours"), 3);
}

static void test_rfc4291_2_7_ipv6_groups_too(void **state)
{
	struct sock *s = bound(AF_INET6, "::");

	(void)state;
	arrives(BED_PEER6, G6);
	assert_false(got(s));
	join(s, G6);
	arrives(BED_PEER6, G6);
	assert_true(got(s));
	sock_close(s, b.now_us);
	arrives(BED_PEER6, G6);
	assert_int_equal(bed_stat(&b, "ip6.drop.not_ours"), 2);
}

static void test_every_socket_of_the_port_gets_a_copy(void **state)
{
	struct sock *member = bound(AF_INET, "0.0.0.0"), *to_group = bound(AF_INET, G1), *to_other = bound(AF_INET, G2),
		    *to_own = bound(AF_INET, BED_ADDR4), *both = bound(AF_INET6, "::");

	(void)state;
	join(member, G1);
	arrives(BED_PEER4, G1);
	assert_true(got(member));
	assert_true(got(to_group));
	assert_false(got(to_other) || got(to_own));
	assert_false(got(both)); /* Linux: an IPv6 socket has no IP_MULTICAST_ALL unless it asks for it */
	join(both, G1);
	arrives(BED_PEER4, G1);
	assert_true(got(both));
}

/* ip(7): without a membership of its own a socket hears what others joined, unless IP_MULTICAST_ALL is off. */
static void test_ip_multicast_all_off_means_own_memberships_only(void **state)
{
	struct sock *member = bound(AF_INET, "0.0.0.0"), *all = bound(AF_INET, "0.0.0.0"), *own = bound(AF_INET, "0.0.0.0");

	(void)state;
	join(member, G1);
	assert_int_equal(set(own, IPPROTO_IP, IP_MULTICAST_ALL, 0), 0);
	arrives(BED_PEER4, G1);
	assert_true(got(member) && got(all));
	assert_false(got(own));
	assert_int_equal(bed_stat(&b, "udp.drop.not_member"), 1);
	join(own, G1);
	arrives(BED_PEER4, G1);
	assert_true(got(own));
}

static void test_rfc3376_3_2_each_socket_hears_the_sources_it_wants(void **state)
{
	struct sock *only = bound(AF_INET, "0.0.0.0"), *but = bound(AF_INET, "0.0.0.0");

	(void)state;
	assert_int_equal(group_option(only, MCAST_JOIN_SOURCE_GROUP, G1, BED_PEER4, b.ifindex), 0);
	join(but, G1);
	assert_int_equal(group_option(but, MCAST_BLOCK_SOURCE, G1, BED_PEER4, b.ifindex), 0);
	arrives(BED_PEER4, G1);
	assert_true(got(only));
	assert_false(got(but));
	arrives("10.0.0.7", G1);
	assert_false(got(only));
	assert_true(got(but));
}

static void test_raw_sockets_hear_by_the_same_rules(void **state)
{
	struct sock *udp = bound(AF_INET, "0.0.0.0"), *raw = bed_sock(&b, AF_INET, SOCK_RAW, IPPROTO_UDP);

	(void)state;
	join(udp, G1);
	arrives(BED_PEER4, G1);
	assert_true(got(raw));
	assert_int_equal(set(raw, IPPROTO_IP, IP_MULTICAST_ALL, 0), 0);
	arrives(BED_PEER4, G1);
	assert_false(got(raw));
	join(raw, G1);
	arrives(BED_PEER4, G1);
	assert_true(got(raw));
}

static void test_a_connected_socket_hears_its_peer_only(void **state)
{
	struct sock *s = bound(AF_INET, G1);
	struct ip_endpoint peer = bed_endpoint(BED_PEER4, 9);

	(void)state;
	join(s, G1);
	assert_int_equal(sock_connect(s, &peer, b.now_us), 0);
	arrives("10.0.0.7", G1);
	assert_false(got(s));
	arrives(BED_PEER4, G1);
	assert_true(got(s));
}

static void test_memberships_are_of_one_link(void **state)
{
	struct link_config other = { .name = "test1", .kind = LINK_IP, .mtu = 1500 };
	struct sock *s = bound(AF_INET, "0.0.0.0");
	int ifindex = stack_add_link(b.st, &other);

	(void)state;
	assert_int_equal(set(s, IPPROTO_IP, IP_MULTICAST_ALL, 0), 0);
	assert_int_equal(group_option(s, MCAST_JOIN_GROUP, G1, NULL, (uint32_t)ifindex), 0);
	arrives(BED_PEER4, G1); /* on the first link */
	assert_false(got(s));
	assert_int_equal(bed_stat(&b, "ip4.drop.not_ours"), 1);
}

static void test_rfc1122_3_2_2_nothing_answers_a_datagram_to_a_group(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);

	(void)state;
	join(s, G1);
	arrives(BED_PEER4, G1); /* nobody has the port */
	assert_false(bed_next(&b, &out));
	assert_int_equal(bed_stat(&b, "udp.drop.no_socket"), 1);
}

/* ---- Out ---- */

static int say(struct sock *s, const char *addr)
{
	return bed_send(&b, s, addr, PORT, "hello", 5);
}

static void test_rfc1112_6_1_datagrams_go_out_with_ttl_1_or_as_told(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);
	struct ip_addr own = addr_of(BED_ADDR4);
	struct packet p;

	(void)state;
	assert_int_equal(say(s, G1), 0);
	expect_next(&b, &out, &p);
	assert_int_equal(p.ttl, 1);
	assert_true(ip_addr_eq(&p.src, &own));
	assert_int_equal(set(s, IPPROTO_IP, IP_MULTICAST_TTL, 9), 0);
	assert_int_equal(say(s, G1), 0);
	expect_next(&b, &out, &p);
	assert_int_equal(p.ttl, 9);
}

static void test_our_own_come_back_to_members_unless_loop_is_off(void **state)
{
	struct sock *member = bound(AF_INET, "0.0.0.0"), *s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);

	(void)state;
	assert_int_equal(say(s, G1), 0);
	assert_false(got(member)); /* nobody has joined */
	join(member, G1);
	assert_int_equal(say(s, G1), 0);
	assert_true(got(member));
	assert_false(got(member));
	assert_int_equal(set(s, IPPROTO_IP, IP_MULTICAST_LOOP, 0), 0);
	assert_int_equal(say(s, G1), 0);
	assert_false(got(member));
	assert_true(bed_next(&b, &out) && bed_next(&b, &out) && bed_next(&b, &out));
}

static void test_what_comes_back_came_in_on_the_link_it_went_out_of(void **state)
{
	struct sock *member = bound(AF_INET6, "::"), *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	struct ip_addr own = addr_of(BED_ADDR6);
	struct frame *f;

	(void)state;
	join(member, G6);
	assert_int_equal(say(s, G6), 0);
	f = sock_recv_frame(member);
	assert_non_null(f);
	assert_int_equal(f->info.ifindex, b.ifindex);
	assert_true(ip_addr_eq(&f->info.src.addr, &own));
	frame_unref(f);
}

static void test_rfc1112_6_1_ttl_0_never_leaves_the_host(void **state)
{
	struct sock *member = bound(AF_INET, "0.0.0.0"), *s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);

	(void)state;
	join(member, G1);
	assert_int_equal(set(s, IPPROTO_IP, IP_MULTICAST_TTL, 0), 0);
	assert_int_equal(say(s, G1), 0);
	assert_true(got(member));
	assert_false(bed_next(&b, &out));
}

static void test_rfc4291_2_7_interface_local_groups_never_leave_it(void **state)
{
	struct sock *member = bound(AF_INET6, "::"), *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);

	(void)state;
	join(member, "ff01::7");
	assert_int_equal(say(s, "ff01::7"), 0);
	assert_true(got(member));
	assert_false(bed_next(&b, &out));
}

static void test_large_datagrams_come_back_whole_and_go_out_in_fragments(void **state)
{
	struct sock *member = bound(AF_INET, "0.0.0.0"), *s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);
	static const uint8_t data[3000] = { 1, 2, 3 };
	struct frame *f;

	(void)state;
	join(member, G1);
	assert_int_equal(bed_send(&b, s, G1, PORT, data, sizeof(data)), 0);
	f = sock_recv_frame(member);
	assert_non_null(f);
	assert_int_equal(f->len, sizeof(data));
	assert_memory_equal(f->data, data, sizeof(data));
	frame_unref(f);
	assert_true(bed_next(&b, &out) && bed_next(&b, &out) && bed_next(&b, &out));
	assert_false(bed_next(&b, &out));
}

static void test_a_group_on_the_loopback_stays_there(void **state)
{
	struct sock *member = bound(AF_INET, "0.0.0.0"), *s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);
	const uint8_t loopback[4] = { 127, 0, 0, 1 };

	(void)state;
	assert_int_equal(group_option(member, MCAST_JOIN_GROUP, G1, NULL, 1), 0);
	assert_int_equal(sock_setopt(s, IPPROTO_IP, IP_MULTICAST_IF, loopback, 4, b.now_us), 0);
	assert_int_equal(say(s, G1), 0);
	assert_true(got(member));
	assert_false(bed_next(&b, &out));
}

static void test_ip_multicast_if_by_address_chooses_the_source(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);
	struct ip_prefix second = { addr_of("10.0.1.1"), 96 + 24 };
	struct packet p;

	(void)state;
	assert_int_equal(stack_add_addr(b.st, b.ifindex, &second, b.now_us), 0);
	assert_int_equal(sock_setopt(s, IPPROTO_IP, IP_MULTICAST_IF, ip_addr_v4(&second.addr), 4, b.now_us), 0);
	assert_int_equal(say(s, G1), 0);
	expect_next(&b, &out, &p);
	assert_true(ip_addr_eq(&p.src, &second.addr));
}

static void test_a_socket_bound_to_a_group_sends_from_the_links_address(void **state)
{
	struct sock *s = bound(AF_INET, G1);
	struct ip_addr own = addr_of(BED_ADDR4);
	struct packet p;

	(void)state;
	assert_int_equal(say(s, BED_PEER4), 0);
	expect_next(&b, &out, &p);
	assert_true(ip_addr_eq(&p.src, &own));
	assert_int_equal(say(s, G1), 0);
	expect_next(&b, &out, &p);
	assert_true(ip_addr_eq(&p.src, &own));
}

static void test_own_broadcasts_reach_own_sockets(void **state)
{
	struct sock *a = bound(AF_INET, "0.0.0.0"), *to_all = bound(AF_INET, "10.0.0.255"), *s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);

	(void)state;
	assert_int_equal(say(s, "10.0.0.255"), -EACCES);
	assert_int_equal(set(s, SOL_SOCKET, SO_BROADCAST, 1), 0);
	assert_int_equal(say(s, "10.0.0.255"), 0);
	assert_true(got(a) && got(to_all));
	assert_true(bed_next(&b, &out));
	assert_int_equal(say(s, "255.255.255.255"), 0);
	assert_true(got(a));
	assert_false(got(to_all));
}

static void test_rfc1112_6_4_and_rfc2464_7_groups_have_frame_addresses(void **state)
{
	static const uint8_t mac4[6] = { 0x01, 0x00, 0x5e, 0x01, 0x01, 0x01 }, mac6[6] = { 0x33, 0x33, 0, 0, 0x11, 0x11 };
	struct sock *s4 = bed_sock(&b, AF_INET, SOCK_DGRAM, 0), *s6 = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);

	(void)state;
	assert_int_equal(say(s4, "239.129.1.1"), 0); /* the low 23 bits */
	assert_true(bed_next(&b, &out) && lan_is_ip(&out, mac4));
	assert_int_equal(say(s6, G6), 0);
	assert_true(bed_next(&b, &out) && lan_is_ip(&out, mac6));
}

/* ---- Want of memory ---- */

static void test_each_allocation_that_fails_is_an_error_and_no_leak(void **state)
{
	(void)state;
	bed_close(&b);
	for (size_t fail = 1; fail < 40; fail++) {
		struct sock *s;

		bed_open(&b, 5, LINK_IP);
		s = bound(AF_INET, "0.0.0.0");
		b.mem.fail_at = b.mem.allocs + fail;
		b.mem.fail_once = true;
		for (int i = 0; i < 8; i++) {
			char source[32];

			snprintf(source, sizeof(source), "192.0.2.%d", i + 1);
			group_option(s, MCAST_JOIN_SOURCE_GROUP, G1, source, b.ifindex);
		}
		group_option(s, MCAST_JOIN_GROUP, G2, NULL, b.ifindex);
		bed_run(&b, 5ULL * SECOND);
		b.mem.fail_at = 0;
		sock_close(s, b.now_us);
		bed_run(&b, 5ULL * SECOND);
		bed_drop_all(&b);
		bed_close(&b);
	}
	bed_open(&b, 5, LINK_IP);
}

static void test_a_listener_that_leaves_without_memory_takes_nothing_from_the_others(void **state)
{
	struct sock *stays = bound(AF_INET, "0.0.0.0"), *goes = bound(AF_INET, "0.0.0.0");

	(void)state;
	assert_int_equal(group_option(stays, MCAST_JOIN_SOURCE_GROUP, G1, BED_PEER4, b.ifindex), 0);
	assert_int_equal(group_option(goes, MCAST_JOIN_SOURCE_GROUP, G1, "10.0.0.7", b.ifindex), 0);
	bed_run(&b, 5ULL * SECOND);
	b.mem.fail_at = b.mem.allocs + 1;
	sock_close(goes, b.now_us);
	b.mem.fail_at = 0;
	arrives(BED_PEER4, G1);
	assert_true(got(stays));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define ETHERNET_TEST(name) cmocka_unit_test_setup_teardown(name, setup_ethernet, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_rfc1112_7_2_only_groups_that_were_joined_are_heard),
		TEST(test_rfc4291_2_7_ipv6_groups_too),
		TEST(test_every_socket_of_the_port_gets_a_copy),
		TEST(test_ip_multicast_all_off_means_own_memberships_only),
		TEST(test_rfc3376_3_2_each_socket_hears_the_sources_it_wants),
		TEST(test_raw_sockets_hear_by_the_same_rules),
		TEST(test_a_connected_socket_hears_its_peer_only),
		TEST(test_memberships_are_of_one_link),
		TEST(test_rfc1122_3_2_2_nothing_answers_a_datagram_to_a_group),
		TEST(test_rfc1112_6_1_datagrams_go_out_with_ttl_1_or_as_told),
		TEST(test_our_own_come_back_to_members_unless_loop_is_off),
		TEST(test_what_comes_back_came_in_on_the_link_it_went_out_of),
		TEST(test_rfc1112_6_1_ttl_0_never_leaves_the_host),
		TEST(test_rfc4291_2_7_interface_local_groups_never_leave_it),
		TEST(test_large_datagrams_come_back_whole_and_go_out_in_fragments),
		TEST(test_a_group_on_the_loopback_stays_there),
		TEST(test_ip_multicast_if_by_address_chooses_the_source),
		TEST(test_a_socket_bound_to_a_group_sends_from_the_links_address),
		TEST(test_own_broadcasts_reach_own_sockets),
		ETHERNET_TEST(test_rfc1112_6_4_and_rfc2464_7_groups_have_frame_addresses),
		TEST(test_each_allocation_that_fails_is_an_error_and_no_leak),
		TEST(test_a_listener_that_leaves_without_memory_takes_nothing_from_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
