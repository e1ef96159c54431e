/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses, routes and links that come, change and go under open sockets (RFC 4862 sections 5.5.4 and 5.4.2, RFC 4861 section 6.3.7). */
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

static int setup(void **state)
{
	(void)state;
	bed_open_quiet(&b, 4);
	bed_set(&b, "net.ipv4.conf.default.optimistic_acd", "1"); /* addresses are used from the start */
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_close(&b);
	return 0;
}

static struct addr_config config(const char *prefix, uint32_t valid_s, uint32_t preferred_s)
{
	struct addr_config c = { .ifindex = b.ifindex, .origin = NET_DHCP, .valid_s = valid_s, .preferred_s = preferred_s };

	assert_int_equal(ip_prefix_parse(prefix, &c.prefix), 0);
	return c;
}

static int set_addr(const char *prefix, uint32_t valid_s, uint32_t preferred_s)
{
	struct addr_config c = config(prefix, valid_s, preferred_s);

	return stack_set_addr(b.st, &c, b.now_us);
}

struct query {
	struct ip_addr addr;
	struct addr_info info;
	bool found;
};

static bool match(void *ctx, const struct addr_info *info)
{
	struct query *q = ctx;

	if (ip_addr_eq(&info->prefix.addr, &q->addr)) {
		q->info = *info;
		q->found = true;
	}
	return true;
}

static struct query ask(const char *addr)
{
	struct query q = { .addr = addr_of(addr), .info.state = "", .info.origin = "" };

	stack_each_addr(b.st, match, &q);
	return q;
}

/* RFC 4862 section 5.5.4: preferred, deprecated, invalid */
static void test_4862_5_5_4_address_is_deprecated_and_then_goes(void **state)
{
	struct query q;

	(void)state;
	assert_int_equal(set_addr("fd01::5/64", 100, 40), 0);
	bed_run(&b, 10000000);
	q = ask("fd01::5");
	assert_string_equal(q.info.state, "preferred");
	assert_string_equal(q.info.origin, "dhcp");
	assert_int_equal(q.info.valid_s, 90);
	assert_int_equal(q.info.preferred_s, 30);
	bed_run(&b, 30010000);
	q = ask("fd01::5");
	assert_string_equal(q.info.state, "deprecated");
	assert_int_equal(q.info.preferred_s, 0);
	bed_run(&b, 60000000);
	assert_false(ask("fd01::5").found);
}

static void test_lifetimes_are_renewed_and_cut_short(void **state)
{
	(void)state;
	assert_int_equal(set_addr("10.9.0.5/24", 100, 50), 0);
	bed_run(&b, 60000000);
	assert_string_equal(ask("10.9.0.5").info.state, "deprecated");
	assert_int_equal(set_addr("10.9.0.5/24", 200, 100), 0);
	assert_string_equal(ask("10.9.0.5").info.state, "preferred");
	bed_run(&b, 99000000);
	assert_true(ask("10.9.0.5").found);
	assert_int_equal(set_addr("10.9.0.5/24", LIFETIME_FOREVER, LIFETIME_FOREVER), 0);
	bed_run(&b, 1000000000);
	assert_int_equal(ask("10.9.0.5").info.valid_s, LIFETIME_FOREVER);
	assert_int_equal(set_addr("10.9.0.5/24", 1, 0), 0);
	assert_string_equal(ask("10.9.0.5").info.state, "deprecated");
	bed_run(&b, 1010000);
	assert_false(ask("10.9.0.5").found);
	assert_int_equal(set_addr("10.9.0.5/24", 1, 2), -EINVAL);
	assert_int_equal(set_addr("10.9.0.5/24", 0, 0), -EINVAL);
}

static unsigned routes_to(const char *prefix)
{
	struct ip_prefix p;
	struct route_config c = { .ifindex = b.ifindex };
	int err;

	assert_int_equal(ip_prefix_parse(prefix, &p), 0);
	c.prefix = p;
	err = stack_add_route(b.st, &c);
	if (err == 0)
		stack_del_route(b.st, &c);
	return err == -EEXIST;
}

static void test_network_stays_on_link_while_an_address_needs_it(void **state)
{
	struct addr_config c = config("10.9.0.7/24", LIFETIME_FOREVER, LIFETIME_FOREVER);
	struct ip_addr a5 = addr_of("10.9.0.5"), a7 = addr_of("10.9.0.7");

	(void)state;
	assert_int_equal(set_addr("10.9.0.5/24", 1000, 1000), 0);
	assert_int_equal(set_addr("10.9.0.6/24", 10, 10), 0);
	assert_int_equal(routes_to("10.9.0.0/24"), 1);
	bed_run(&b, 11000000);
	assert_int_equal(routes_to("10.9.0.0/24"), 1);
	assert_int_equal(stack_del_addr(b.st, b.ifindex, &a5, b.now_us), 0);
	assert_int_equal(routes_to("10.9.0.0/24"), 0);
	c.no_prefix_route = true;
	assert_int_equal(stack_set_addr(b.st, &c, b.now_us), 0);
	assert_int_equal(routes_to("10.9.0.0/24"), 0);
	assert_int_equal(stack_del_addr(b.st, b.ifindex, &a7, b.now_us), 0);
}

static void test_route_goes_when_its_lifetime_is_over(void **state)
{
	struct route_config r = { .origin = NET_DHCP, .gateway = addr_of(BED_PEER4), .lifetime_s = 30 };

	(void)state;
	assert_int_equal(ip_prefix_parse("172.16.0.0/12", &r.prefix), 0);
	assert_int_equal(stack_set_route(b.st, &r, b.now_us), 0);
	bed_run(&b, 20000000);
	assert_int_equal(stack_set_route(b.st, &r, b.now_us), 0); /* renewed */
	assert_int_equal(stack_add_route(b.st, &r), -EEXIST);
	bed_run(&b, 29000000);
	assert_int_equal(stack_add_route(b.st, &r), -EEXIST);
	bed_run(&b, 1010000);
	assert_int_equal(stack_del_route(b.st, &r), -ESRCH);
}

/* As Linux: the socket stays; what it sends has no source, what comes is for nobody; the address back, it goes on. */
static void test_socket_bound_to_a_removed_address_is_mute_until_it_comes_back(void **state)
{
	struct ip_addr a = addr_of("10.0.0.9");
	struct ip_endpoint e = bed_endpoint("10.0.0.9", 7000);
	struct sock *s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);

	(void)state;
	lan_introduce_peer(&b);
	assert_int_equal(set_addr("10.0.0.9/24", LIFETIME_FOREVER, LIFETIME_FOREVER), 0);
	assert_int_equal(sock_bind(s, &e), 0);
	assert_int_equal(bed_send(&b, s, BED_PEER4, 1000, "x", 1), 0);
	bed_drop_all(&b);
	assert_int_equal(stack_del_addr(b.st, b.ifindex, &a, b.now_us), 0);
	assert_true(bed_send(&b, s, BED_PEER4, 1000, "x", 1) < 0);
	assert_false(bed_next(&b, &out));
	bed_inject(&b, buf, packet_ethernet(buf, packet_udp(buf, BED_PEER4, 1000, "10.0.0.9", 7000, "y", 1), bed_mac, bed_peer_mac));
	assert_null(sock_recv_frame(s));
	assert_int_equal(set_addr("10.0.0.9/24", LIFETIME_FOREVER, LIFETIME_FOREVER), 0);
	assert_int_equal(bed_send(&b, s, BED_PEER4, 1000, "x", 1), 0);
	assert_true(bed_next(&b, &out) && lan_is_ip(&out, bed_peer_mac));
	sock_close(s, b.now_us);
}

static void test_connection_from_a_removed_address_times_out_and_harms_nobody(void **state)
{
	struct ip_addr a = addr_of("10.0.0.9");
	struct ip_endpoint local = bed_endpoint("10.0.0.9", 0), peer = bed_endpoint(BED_PEER4, 80);
	struct sock *s = bed_sock(&b, AF_INET, SOCK_STREAM, 0);
	int error = 0;
	size_t len = sizeof(error);

	(void)state;
	lan_introduce_peer(&b);
	assert_int_equal(set_addr("10.0.0.9/24", LIFETIME_FOREVER, LIFETIME_FOREVER), 0);
	assert_int_equal(sock_bind(s, &local), 0);
	assert_int_equal(sock_connect(s, &peer, b.now_us), -EINPROGRESS);
	bed_turn(&b);
	assert_int_equal(stack_del_addr(b.st, b.ifindex, &a, b.now_us), 0);
	bed_run(&b, 300000000);
	assert_int_equal(sock_getopt(s, SOL_SOCKET, SO_ERROR, &error, &len, b.now_us), 0);
	assert_true(error == ETIMEDOUT || error == EHOSTUNREACH || error == ENETUNREACH);
	sock_close(s, b.now_us);
}

static void test_link_that_is_down_carries_nothing_and_forgets_its_neighbours(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);

	(void)state;
	lan_introduce_peer(&b);
	assert_string_not_equal(lan_neigh_state(&b, BED_PEER6), "");
	assert_int_equal(bed_send(&b, s, BED_PEER6, 1000, "x", 1), 0);
	bed_drop_all(&b);
	assert_int_equal(stack_set_link_up(b.st, b.ifindex, false, b.now_us), 0);
	assert_string_equal(lan_neigh_state(&b, BED_PEER6), "");
	assert_int_equal(bed_send(&b, s, BED_PEER6, 1000, "x", 1), -ENETUNREACH);
	bed_inject(&b, buf, packet_ethernet(buf, packet_echo(buf, BED_PEER4, BED_ADDR4, false, 1, 1, NULL, 0), bed_mac, bed_peer_mac));
	bed_run(&b, 10000000);
	assert_false(bed_next(&b, &out));
	assert_int_equal(bed_stat(&b, "link.drop.down"), 1);
	assert_string_equal(ask(BED_ADDR6).info.state, "preferred");
	assert_int_equal(stack_set_link_up(b.st, 1, false, b.now_us), -ENODEV);
	assert_int_equal(stack_set_link_up(b.st, 99, false, b.now_us), -ENODEV);
	sock_close(s, b.now_us);
}

/* RFC 4862 section 5.4: an interface that is enabled again checks its addresses; RFC 5227 section 2.1 the same. */
static void test_4862_5_4_addresses_are_checked_again_when_the_link_comes_up(void **state)
{
	unsigned solicitations = 0, probes = 0;

	(void)state;
	stack_set_link_up(b.st, b.ifindex, false, b.now_us);
	bed_run(&b, 5000000);
	stack_set_link_up(b.st, b.ifindex, true, b.now_us);
	assert_string_equal(ask(BED_ADDR6).info.state, "optimistic");
	bed_run(&b, 10000000);
	while (bed_next(&b, &out)) {
		solicitations += out.len >= 55 && out.data[12] == 0x86 && out.data[54] == LAN_NS;
		probes += lan_is_arp(&out, lan_broadcast, LAN_ARP_REQUEST, "0.0.0.0", BED_ADDR4);
	}
	assert_int_equal(solicitations, 2); /* the link-local address too */
	assert_int_equal(probes, 3);
	assert_string_equal(ask(BED_ADDR6).info.state, "preferred");
}

static void test_address_that_was_a_duplicate_gets_another_chance_on_another_network(void **state)
{
	static const uint8_t other_mac[6] = { 0x02, 0, 0, 0, 0, 0x77 };

	(void)state;
	stack_set_link_up(b.st, b.ifindex, false, b.now_us);
	stack_set_link_up(b.st, b.ifindex, true, b.now_us);
	bed_inject(&b, buf, lan_nd(buf, other_mac, BED_ADDR6, "ff02::1", LAN_NA, LAN_OVERRIDE, BED_ADDR6, other_mac));
	assert_string_equal(ask(BED_ADDR6).info.state, "duplicate");
	stack_set_link_up(b.st, b.ifindex, false, b.now_us);
	stack_set_link_up(b.st, b.ifindex, true, b.now_us);
	bed_run(&b, 10000000);
	assert_string_equal(ask(BED_ADDR6).info.state, "preferred");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_4862_5_5_4_address_is_deprecated_and_then_goes),
		TEST(test_lifetimes_are_renewed_and_cut_short),
		TEST(test_network_stays_on_link_while_an_address_needs_it),
		TEST(test_route_goes_when_its_lifetime_is_over),
		TEST(test_socket_bound_to_a_removed_address_is_mute_until_it_comes_back),
		TEST(test_connection_from_a_removed_address_times_out_and_harms_nobody),
		TEST(test_link_that_is_down_carries_nothing_and_forgets_its_neighbours),
		TEST(test_4862_5_4_addresses_are_checked_again_when_the_link_comes_up),
		TEST(test_address_that_was_a_duplicate_gets_another_chance_on_another_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
