/* SPDX-License-Identifier: BSD-2-Clause */
/* What socket options do to packets. That each of them is set, refused and shown as on Linux is tested against the kernel
 * (tests/e2e/test_options.py); here is what follows from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "stack/sockopt.h"
#include "tests/lib/bed.h"
#include "tests/lib/expect.h"
#include "tests/lib/packet.h"

#define UDP_NO_CHECK6_TX_ 101
#define UDP_NO_CHECK6_RX_ 102

enum { PORT_LOW = 40000, PORT_HIGH = 40002 };
#define PORTS ((int)((uint32_t)PORT_HIGH << 16 | PORT_LOW)) /* as IP_LOCAL_PORT_RANGE takes them */

static const char far4[] = "203.0.113.5";
static struct bed b;
static struct bed_packet out;
static struct packet p;
static uint8_t buf[70000];

static int setup(void **state)
{
	struct route_config by_peer = { .gateway = { { 0 } }, .metric = 1 };

	(void)state;
	bed_open(&b, 11, LINK_IP);
	by_peer.prefix.addr = ip_addr_any(AF_INET);
	by_peer.prefix.len = 96; /* the IPv4 default route */
	by_peer.gateway = bed_endpoint(BED_PEER4, 0).addr;
	stack_add_route(b.st, &by_peer);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_close(&b);
	return 0;
}

static void set(struct sock *s, int level, int name, int value)
{
	assert_int_equal(sock_setopt(s, level, name, &value, sizeof(value), b.now_us), 0);
}

static struct sock *udp(int family)
{
	return bed_sock(&b, family, SOCK_DGRAM, 0);
}

static void test_dontroute_reaches_neighbours_only(void **state)
{
	struct sock *s = udp(AF_INET);

	(void)state;
	assert_int_equal(bed_send(&b, s, far4, 9, "x", 1), 0);
	expect_next(&b, &out, &p);
	set(s, SOL_SOCKET, SO_DONTROUTE, 1);
	assert_int_equal(bed_send(&b, s, far4, 9, "x", 1), -ENETUNREACH);
	assert_int_equal(bed_send(&b, s, BED_PEER4, 9, "x", 1), 0);
	expect_next(&b, &out, &p);
	set(s, SOL_SOCKET, SO_DONTROUTE, 0);
	assert_int_equal(bed_send(&b, s, far4, 9, "x", 1), 0);
}

static void test_ways_of_path_mtu_discovery(void **state)
{
	static const struct {
		int way;
		bool df_small, large_is_refused;
	} ways[] = {
		{ IP_PMTUDISC_DONT, false, false }, { IP_PMTUDISC_WANT, true, false },	   { IP_PMTUDISC_DO, true, true },
		{ IP_PMTUDISC_PROBE, true, true },  { IP_PMTUDISC_INTERFACE, false, true }, { IP_PMTUDISC_OMIT, false, false },
	};
	static const uint8_t large[3000];

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct sock *s = udp(AF_INET);

		set(s, IPPROTO_IP, IP_MTU_DISCOVER, ways[i].way);
		assert_int_equal(bed_send(&b, s, BED_PEER4, 9, "x", 1), 0);
		expect_next(&b, &out, &p);
		assert_int_equal(p.dont_fragment, ways[i].df_small);
		assert_int_equal(bed_send(&b, s, BED_PEER4, 9, large, sizeof(large)), ways[i].large_is_refused ? -EMSGSIZE : 0);
		bed_drop_all(&b);
	}
}

/* The path is known to take 1000 bytes; who does not ask it goes by the link's 1500. */
static void test_probes_ignore_what_is_known_of_the_path(void **state)
{
	static const uint8_t data[1200];
	struct sock *discovers = udp(AF_INET), *probes = udp(AF_INET);
	size_t n;

	(void)state;
	set(discovers, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
	set(probes, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
	assert_int_equal(bed_send(&b, discovers, far4, 9, data, sizeof(data)), 0);
	expect_next(&b, &out, &p);
	n = packet_icmp_error(buf, BED_PEER4, BED_ADDR4, 3, 4, 1000, out.data, out.len);
	bed_inject(&b, buf, n);
	(void)bed_send(&b, discovers, far4, 9, "x", 1); /* takes the error */
	bed_drop_all(&b);
	assert_int_equal(bed_send(&b, discovers, far4, 9, data, sizeof(data)), -EMSGSIZE);
	assert_int_equal(bed_send(&b, probes, far4, 9, data, sizeof(data)), 0);
	expect_next(&b, &out, &p);
	assert_true(p.dont_fragment);
}

static void test_ipv6_mtu_cuts_into_fragments_of_its_size(void **state)
{
	static const uint8_t data[1400];
	struct sock *s = udp(AF_INET6);

	(void)state;
	set(s, IPPROTO_IPV6, IPV6_MTU, 1280);
	assert_int_equal(bed_send(&b, s, BED_PEER6, 9, data, sizeof(data)), 0);
	assert_true(bed_next(&b, &out));
	assert_in_range(out.len, 1200, 1280);
	assert_true(bed_next(&b, &out));
	set(s, IPPROTO_IPV6, IPV6_MTU, 0);
	assert_int_equal(bed_send(&b, s, BED_PEER6, 9, data, sizeof(data)), 0);
	assert_true(bed_next(&b, &out));
	assert_int_equal(out.len, 40 + 8 + sizeof(data));
}

static void test_local_port_range_is_kept_to(void **state)
{
	struct ip_endpoint any = bed_endpoint("0.0.0.0", 0), got;

	(void)state;
	for (int i = 0; i < 3; i++) { /* three ports, three sockets */
		struct sock *s = udp(AF_INET);

		set(s, IPPROTO_IP, IP_LOCAL_PORT_RANGE, PORTS);
		assert_int_equal(sock_bind(s, &any), 0);
		assert_int_equal(sock_getname(s, &got), 0);
		assert_in_range(got.port, PORT_LOW, PORT_HIGH);
	}
	for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
		struct sock *s = bed_sock(&b, AF_INET, type, 0);

		set(s, IPPROTO_IP, IP_LOCAL_PORT_RANGE, PORTS);
		assert_int_equal(sock_bind(s, &any), type == SOCK_DGRAM ? -EADDRINUSE : 0);
	}
}

static void test_bind_without_a_port_leaves_it_to_connect(void **state)
{
	struct ip_endpoint local = bed_endpoint(BED_ADDR4, 0), peer = bed_endpoint(BED_PEER4, 9), got;

	(void)state;
	for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
		struct sock *s = bed_sock(&b, AF_INET, type, 0);

		set(s, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
		assert_int_equal(sock_bind(s, &local), 0);
		sock_getname(s, &got);
		assert_int_equal(got.port, 0);
		assert_true(ip_addr_eq(&got.addr, &local.addr));
		assert_int_equal(sock_connect(s, &peer, b.now_us), type == SOCK_STREAM ? -EINPROGRESS : 0);
		sock_getname(s, &got);
		assert_int_not_equal(got.port, 0);
		assert_true(ip_addr_eq(&got.addr, &local.addr));
	}
}

/* A SYN with @ttl hops left; returns whether it is answered. */
static bool is_syn_answered(const char *from, const char *to, uint8_t ttl)
{
	const struct ip_fields ip = { .src = from, .dst = to, .proto = IPPROTO_TCP, .ttl = ttl };
	uint8_t syn[20] = { 0x30, ttl, 0, 80, 0, 0, 0, 1, [12] = 5 << 4, [13] = 2, [14] = 0xff };
	size_t n = packet_ip(buf, &ip, syn, sizeof(syn));
	bool answered;

	packet_fix_checksums(buf, n);
	bed_inject(&b, buf, n);
	bed_turn(&b);
	answered = bed_next(&b, &out);
	bed_drop_all(&b);
	return answered;
}

static void test_segments_from_too_far_away_are_dropped(void **state)
{
	struct sock *l4 = bed_sock(&b, AF_INET, SOCK_STREAM, 0), *l6 = bed_sock(&b, AF_INET6, SOCK_STREAM, 0);
	struct ip_endpoint at4 = bed_endpoint(BED_ADDR4, 80), at6 = bed_endpoint(BED_ADDR6, 80);

	(void)state;
	set(l4, IPPROTO_IP, IP_MINTTL, 255);
	set(l6, IPPROTO_IPV6, IPV6_MINHOPCOUNT, 100);
	assert_int_equal(sock_bind(l4, &at4), 0);
	assert_int_equal(sock_listen(l4, 5, b.now_us), 0);
	assert_int_equal(sock_bind(l6, &at6), 0);
	assert_int_equal(sock_listen(l6, 5, b.now_us), 0);
	assert_false(is_syn_answered(BED_PEER4, BED_ADDR4, 254));
	assert_true(is_syn_answered(BED_PEER4, BED_ADDR4, 255));
	assert_false(is_syn_answered(BED_PEER6, BED_ADDR6, 99));
	assert_true(is_syn_answered(BED_PEER6, BED_ADDR6, 100));
	assert_int_equal(bed_stat(&b, "tcp.drop.min_ttl"), 2);
}

/* RFC 6935: IPv6 without a UDP checksum, for who asks for it. */
static void test_no_check6_leaves_out_the_checksum_and_takes_none(void **state)
{
	struct sock *s = udp(AF_INET6);
	struct ip_endpoint local = bed_endpoint(BED_ADDR6, 700);
	struct frame *f;
	size_t n;

	(void)state;
	assert_int_equal(sock_bind(s, &local), 0);
	n = packet_udp(buf, BED_PEER6, 9, BED_ADDR6, 700, "x", 1);
	buf[46] = buf[47] = 0;
	bed_inject(&b, buf, n);
	assert_null(sock_recv_frame(s));
	set(s, IPPROTO_UDP, UDP_NO_CHECK6_RX_, 1);
	bed_inject(&b, buf, n);
	f = sock_recv_frame(s);
	assert_non_null(f);
	frame_unref(f);
	set(s, IPPROTO_UDP, UDP_NO_CHECK6_TX_, 1);
	assert_int_equal(bed_send(&b, s, BED_PEER6, 9, "x", 1), 0);
	assert_true(bed_next(&b, &out));
	assert_int_equal(out.data[46] << 8 | out.data[47], 0);
}

static void test_unicast_if_chooses_the_link(void **state)
{
	struct sock *s = udp(AF_INET);

	(void)state;
	set(s, IPPROTO_IP, IP_UNICAST_IF, (int)htonl(1)); /* the loopback, over which there is no way there */
	assert_int_not_equal(bed_send(&b, s, BED_PEER4, 9, "x", 1), 0);
	set(s, IPPROTO_IP, IP_UNICAST_IF, (int)htonl(b.ifindex));
	assert_int_equal(bed_send(&b, s, BED_PEER4, 9, "x", 1), 0);
}

/* Flows to a port that several listen on: each to one listener, always the same, and all of them get their share. */
static void test_listeners_with_reuseport_share_connections(void **state)
{
	enum { WORKERS = 4, FLOWS = 400 };
	struct sock *w[WORKERS];
	struct ip_endpoint any = bed_endpoint("0.0.0.0", 80);
	unsigned got[WORKERS] = { 0 };

	(void)state;
	for (int i = 0; i < WORKERS; i++) {
		w[i] = bed_sock(&b, AF_INET, SOCK_STREAM, 0);
		set(w[i], SOL_SOCKET, SO_REUSEPORT, 1);
		assert_int_equal(sock_bind(w[i], &any), 0);
		assert_int_equal(sock_listen(w[i], FLOWS, b.now_us), 0);
	}
	for (unsigned flow = 0; flow < FLOWS; flow++) {
		uint8_t syn[20] = { (uint8_t)(0x20 + flow / 256), (uint8_t)flow, 0, 80, 0, 0, 0, 1, [12] = 5 << 4, [13] = 2, [14] = 0xff };
		const struct ip_fields ip = { .src = BED_PEER4, .dst = BED_ADDR4, .proto = IPPROTO_TCP };
		size_t n = packet_ip(buf, &ip, syn, sizeof(syn));
		uint64_t to = 0;

		packet_fix_checksums(buf, n);
		for (int again = 0; again < 2; again++) {
			bed_inject(&b, buf, n);
			assert_true(to == 0 || to == stack_verdict(b.st).sock_id);
			to = stack_verdict(b.st).sock_id;
		}
		for (int i = 0; i < WORKERS; i++)
			got[i] += to == sock_id(w[i]);
		bed_drop_all(&b);
	}
	for (int i = 0; i < WORKERS; i++)
		assert_in_range(got[i], FLOWS / WORKERS / 2, FLOWS / WORKERS * 3 / 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_dontroute_reaches_neighbours_only),
		T(test_ways_of_path_mtu_discovery),
		T(test_probes_ignore_what_is_known_of_the_path),
		T(test_ipv6_mtu_cuts_into_fragments_of_its_size),
		T(test_local_port_range_is_kept_to),
		T(test_bind_without_a_port_leaves_it_to_connect),
		T(test_segments_from_too_far_away_are_dropped),
		T(test_no_check6_leaves_out_the_checksum_and_takes_none),
		T(test_unicast_if_chooses_the_link),
		T(test_listeners_with_reuseport_share_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
