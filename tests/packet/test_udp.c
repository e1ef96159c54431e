/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP by exact packets: what goes in and out on a bare IP link (RFC 768, RFC 1122 section 4.1, RFC 8200 section 8.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <time.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/lib/bed.h"
#include "tests/lib/expect.h"
#include "tests/lib/packet.h"

static struct bed b;
static struct bed_packet out;
static struct packet p;
static uint8_t buf[70000];

/* What a test is about that runs over both families. */
static struct {
	int family;
	const char *any, *ours, *peer, *other;
} net;

static int over_ip4(void **state)
{
	(void)state;
	net.family = AF_INET;
	net.any = "0.0.0.0";
	net.ours = BED_ADDR4;
	net.peer = BED_PEER4;
	net.other = "10.0.0.9";
	return 0;
}

static int over_ip6(void **state)
{
	(void)state;
	net.family = AF_INET6;
	net.any = "::";
	net.ours = BED_ADDR6;
	net.peer = BED_PEER6;
	net.other = "fd00::9";
	return 0;
}

static int setup(void **state)
{
	(void)state;
	bed_open(&b, 7, LINK_IP);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_close(&b);
	return 0;
}

/* The next packet sent, taken apart into p. */
static void expect_packet(void)
{
	expect_next(&b, &out, &p);
}

static void expect_silence(void)
{
	assert_false(bed_next(&b, &out));
}

static struct sock *bound(int family, const char *addr, uint16_t port)
{
	struct sock *s = bed_sock(&b, family, SOCK_DGRAM, 0);
	struct ip_endpoint local = bed_endpoint(addr, port);

	assert_int_equal(sock_bind(s, &local), 0);
	return s;
}

static struct sock *connected(int family, const char *addr, uint16_t port)
{
	struct sock *s = bed_sock(&b, family, SOCK_DGRAM, 0);
	struct ip_endpoint remote = bed_endpoint(addr, port);

	assert_int_equal(sock_connect(s, &remote, b.now_us), 0);
	return s;
}

static void arrive(const char *src, uint16_t sport, const char *dst, uint16_t dport, const char *text)
{
	bed_inject(&b, buf, packet_udp(buf, src, sport, dst, dport, text, strlen(text)));
}

static void expect_datagram(struct sock *s, const char *text, const char *src, uint16_t sport)
{
	struct frame *f = sock_recv_frame(s);
	struct ip_addr from = addr_of(src);

	assert_non_null(f);
	assert_int_equal(f->len, strlen(text));
	assert_memory_equal(f->data, text, f->len);
	assert_memory_equal(&f->info.src.addr, &from, sizeof(from));
	assert_int_equal(f->info.src.port, sport);
	frame_unref(f);
}

static void set_int(struct sock *s, int level, int name, int v)
{
	assert_int_equal(sock_setopt(s, level, name, &v, sizeof(v), b.now_us), 0);
}

static int get_error(struct sock *s)
{
	int v;
	size_t len = sizeof(v);

	assert_int_equal(sock_getopt(s, SOL_SOCKET, SO_ERROR, &v, &len, b.now_us), 0);
	return v;
}

/* ---- Receiving ---------------------------------------------------------------------------------------------------- */

static void test_datagram_reaches_the_socket_bound_to_its_port(void **state)
{
	struct sock *s = bound(net.family, net.any, 53);

	(void)state;
	assert_int_equal(bed_events(&b, s), 0);
	arrive(net.peer, 1000, net.ours, 53, "hello");
	assert_int_equal(bed_events(&b, s), SOCK_READABLE);
	assert_int_equal(sock_poll(s) & POLLIN, POLLIN);
	assert_int_equal(sock_inq_bytes(s), 5);
	expect_datagram(s, "hello", net.peer, 1000);
	assert_null(sock_recv_frame(s));
	assert_int_equal(sock_poll(s) & POLLIN, 0);
	expect_silence();
}

static void test_received_datagram_tells_ttl_tos_destination_and_arrival(void **state)
{
	struct sock *s = bound(AF_INET6, "::", 53);
	struct ip_addr dst = addr_of(BED_ADDR6);
	struct frame *f;
	size_t n = packet_udp(buf, BED_PEER6, 1000, BED_ADDR6, 53, "x", 1);

	(void)state;
	buf[0] = 0x60 | 0xa;
	buf[1] = 0x30;
	buf[7] = 17;
	bed_inject(&b, buf, n);
	f = sock_recv_frame(s);
	assert_non_null(f);
	assert_int_equal(f->info.ttl, 17);
	assert_int_equal(f->info.tos, 0xa3);
	assert_memory_equal(&f->info.dst.addr, &dst, 16);
	assert_int_equal(f->info.dst.port, 53);
	assert_int_equal(f->info.ifindex, b.ifindex);
	assert_int_equal(f->info.time_us, b.now_us);
	frame_unref(f);
}

static void test_empty_datagram_is_delivered(void **state)
{
	struct sock *s = bound(net.family, net.ours, 53);

	(void)state;
	arrive(net.peer, 1000, net.ours, 53, "");
	assert_int_equal(sock_poll(s) & POLLIN, POLLIN);
	expect_datagram(s, "", net.peer, 1000);
}

static void test_wrong_checksum_is_dropped_and_counted(void **state)
{
	struct sock *s = bound(net.family, net.any, 53);
	size_t n = packet_udp(buf, net.peer, 1000, net.ours, 53, "hello", 5);

	(void)state;
	buf[n - 1] ^= 1;
	bed_inject(&b, buf, n);
	assert_null(sock_recv_frame(s));
	assert_int_equal(bed_stat(&b, "udp.drop.checksum"), 1);
	expect_silence();
}

static void test_ipv4_datagram_without_checksum_is_accepted(void **state)
{
	struct sock *s = bound(AF_INET, "0.0.0.0", 53);
	size_t n = packet_udp(buf, BED_PEER4, 1000, BED_ADDR4, 53, "hello", 5);

	(void)state;
	buf[26] = buf[27] = 0;
	bed_inject(&b, buf, n);
	expect_datagram(s, "hello", BED_PEER4, 1000);
}

/* RFC 8200 section 8.1 */
static void test_ipv6_datagram_without_checksum_is_refused(void **state)
{
	struct sock *s = bound(AF_INET6, "::", 53);
	size_t n = packet_udp(buf, BED_PEER6, 1000, BED_ADDR6, 53, "hello", 5);

	(void)state;
	buf[46] = buf[47] = 0;
	bed_inject(&b, buf, n);
	assert_null(sock_recv_frame(s));
	assert_int_equal(bed_stat(&b, "udp.drop.no_checksum"), 1);
	buf[43] = 54; /* and for nobody: not answered either (RFC 8200 section 8.1) */
	bed_inject(&b, buf, n);
	assert_int_equal(bed_stat(&b, "udp.drop.no_checksum"), 2);
	assert_false(bed_next(&b, &out));
}

static void test_length_field_cuts_trailing_bytes_and_must_fit(void **state)
{
	struct sock *s = bound(AF_INET, "0.0.0.0", 53);
	size_t n = packet_udp(buf, BED_PEER4, 1000, BED_ADDR4, 53, "hello", 5);

	(void)state;
	for (unsigned len = 0; len < 8; len++) {
		buf[25] = (uint8_t)len;
		bed_inject(&b, buf, n);
	}
	buf[25] = 14;
	bed_inject(&b, buf, n);
	assert_int_equal(bed_stat(&b, "udp.drop.length"), 9);
	buf[25] = 11; /* "hel", no checksum */
	buf[26] = buf[27] = 0;
	bed_inject(&b, buf, n);
	expect_datagram(s, "hel", BED_PEER4, 1000);
}

static void test_connected_socket_hears_only_its_peer(void **state)
{
	struct sock *any = bound(net.family, net.any, 700), *s;
	struct ip_endpoint local = bed_endpoint(net.any, 700), remote = bed_endpoint(net.peer, 1000);

	(void)state;
	set_int(any, SOL_SOCKET, SO_REUSEADDR, 1);
	sock_close(any, b.now_us);
	any = bed_sock(&b, net.family, SOCK_DGRAM, 0);
	s = bed_sock(&b, net.family, SOCK_DGRAM, 0);
	set_int(any, SOL_SOCKET, SO_REUSEADDR, 1);
	set_int(s, SOL_SOCKET, SO_REUSEADDR, 1);
	assert_int_equal(sock_bind(any, &local), 0);
	assert_int_equal(sock_bind(s, &local), 0);
	assert_int_equal(sock_connect(s, &remote, b.now_us), 0);
	arrive(net.peer, 1000, net.ours, 700, "mine");
	arrive(net.peer, 1001, net.ours, 700, "other port");
	arrive(net.other, 1000, net.ours, 700, "other host");
	expect_datagram(s, "mine", net.peer, 1000);
	assert_null(sock_recv_frame(s));
	expect_datagram(any, "other port", net.peer, 1001);
	expect_datagram(any, "other host", net.other, 1000);
}

static void test_specific_address_wins_over_wildcard(void **state)
{
	struct sock *any = bed_sock(&b, net.family, SOCK_DGRAM, 0), *one = bed_sock(&b, net.family, SOCK_DGRAM, 0);
	struct ip_endpoint wild = bed_endpoint(net.any, 700), specific = bed_endpoint(net.ours, 700);

	(void)state;
	set_int(any, SOL_SOCKET, SO_REUSEADDR, 1);
	set_int(one, SOL_SOCKET, SO_REUSEADDR, 1);
	assert_int_equal(sock_bind(one, &specific), 0);
	assert_int_equal(sock_bind(any, &wild), 0);
	arrive(net.peer, 1000, net.ours, 700, "x");
	expect_datagram(one, "x", net.peer, 1000);
	assert_null(sock_recv_frame(any));
}

static void test_dual_stack_socket_hears_ipv4_as_mapped_unless_v6only(void **state)
{
	struct sock *dual = bound(AF_INET6, "::", 700), *only = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	struct ip_endpoint any = bed_endpoint("::", 701);

	(void)state;
	set_int(only, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	assert_int_equal(sock_bind(only, &any), 0);
	arrive(BED_PEER4, 1000, BED_ADDR4, 700, "four");
	arrive(BED_PEER6, 1000, BED_ADDR6, 700, "six");
	expect_datagram(dual, "four", "::ffff:" BED_PEER4, 1000);
	expect_datagram(dual, "six", BED_PEER6, 1000);
	arrive(BED_PEER4, 1000, BED_ADDR4, 701, "four");
	assert_null(sock_recv_frame(only));
	arrive(BED_PEER6, 1000, BED_ADDR6, 701, "six");
	expect_datagram(only, "six", BED_PEER6, 1000);
}

static void test_reuseport_group_shares_by_flow(void **state)
{
	enum { WORKERS = 4, FLOWS = 400 };
	struct sock *w[WORKERS];
	unsigned got[WORKERS] = { 0 };
	struct ip_endpoint any = bed_endpoint(net.any, 700);
	struct frame *f;

	(void)state;
	for (int i = 0; i < WORKERS; i++) {
		w[i] = bed_sock(&b, net.family, SOCK_DGRAM, 0);
		set_int(w[i], SOL_SOCKET, SO_REUSEPORT, 1);
		assert_int_equal(sock_bind(w[i], &any), 0);
	}
	for (unsigned flow = 0; flow < FLOWS; flow++) {
		int to = -1;

		for (int again = 0; again < 3; again++) {
			arrive(net.peer, (uint16_t)(2000 + flow), net.ours, 700, "x");
			for (int i = 0; i < WORKERS; i++) {
				f = sock_recv_frame(w[i]);
				if (!f)
					continue;
				frame_unref(f);
				assert_true(to == -1 || to == i); /* one flow, one worker */
				to = i;
				got[i]++;
			}
		}
		assert_int_not_equal(to, -1);
	}
	for (int i = 0; i < WORKERS; i++)
		assert_in_range(got[i], 3 * FLOWS / WORKERS / 2, 3 * FLOWS / WORKERS * 3 / 2);
}

static void test_last_bound_of_sockets_with_reuseaddr_alone_hears(void **state)
{
	struct sock *first = bed_sock(&b, net.family, SOCK_DGRAM, 0), *last = bed_sock(&b, net.family, SOCK_DGRAM, 0);
	struct ip_endpoint any = bed_endpoint(net.any, 700);

	(void)state;
	set_int(first, SOL_SOCKET, SO_REUSEADDR, 1);
	set_int(last, SOL_SOCKET, SO_REUSEADDR, 1);
	assert_int_equal(sock_bind(first, &any), 0);
	assert_int_equal(sock_bind(last, &any), 0);
	arrive(net.peer, 1000, net.ours, 700, "x");
	expect_datagram(last, "x", net.peer, 1000);
	assert_null(sock_recv_frame(first));
}

static void test_broadcast_reaches_every_socket_of_the_port(void **state)
{
	struct sock *s[3];
	struct ip_endpoint any = bed_endpoint("0.0.0.0", 700);

	(void)state;
	for (int i = 0; i < 3; i++) {
		s[i] = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);
		set_int(s[i], SOL_SOCKET, SO_REUSEADDR, 1);
		assert_int_equal(sock_bind(s[i], &any), 0);
	}
	arrive(BED_PEER4, 1000, "10.0.0.255", 700, "all");
	arrive(BED_PEER4, 1000, "255.255.255.255", 700, "all");
	for (int i = 0; i < 3; i++) {
		expect_datagram(s[i], "all", BED_PEER4, 1000);
		expect_datagram(s[i], "all", BED_PEER4, 1000);
	}
	arrive(BED_PEER4, 1000, "10.0.0.255", 701, "nobody");
	expect_silence(); /* and no ICMP error answers a broadcast */
}

static void test_full_receive_buffer_drops_and_counts_and_recovers(void **state)
{
	struct sock *s = bound(net.family, net.any, 700);
	unsigned held = 0;
	struct frame *f;

	(void)state;
	set_int(s, SOL_SOCKET, SO_RCVBUF, 10240);
	for (int i = 0; i < 50; i++)
		arrive(net.peer, 1000, net.ours, 700, "x");
	while ((f = sock_recv_frame(s))) {
		frame_unref(f);
		held++;
	}
	assert_int_equal(held, 20480 / FRAME_SMALL_BYTES);
	assert_int_equal(bed_stat(&b, "udp.drop.queue_full"), 50 - held);
	arrive(net.peer, 1000, net.ours, 700, "again");
	expect_datagram(s, "again", net.peer, 1000);
}

static void test_small_datagram_does_not_hold_a_large_frame(void **state)
{
	struct sock *s = bound(net.family, net.any, 700);
	struct frame *f = stack_frame_alloc(b.st, 60000);
	size_t n = packet_udp(buf, net.peer, 1000, net.ours, 700, "small", 5);

	(void)state;
	memcpy(frame_put(f, n), buf, n);
	f->ifindex = b.ifindex;
	stack_input(b.st, f, b.now_us);
	f = sock_recv_frame(s);
	assert_non_null(f);
	assert_int_equal(f->buf_bytes, FRAME_SMALL_BYTES);
	assert_memory_equal(f->data, "small", 5);
	frame_unref(f);
}

static void inject_super_datagram(size_t payload, uint16_t segment)
{
	struct frame_offload off = {
		.csum = FRAME_CSUM_PARTIAL, .gso = FRAME_GSO_UDP, .csum_start = 20, .csum_offset = 6,
		.gso_size = segment, .hdr_len = 28,
	};
	static uint8_t data[65536];
	size_t n;

	for (size_t i = 0; i < payload; i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
	n = packet_udp(buf, BED_PEER4, 1000, BED_ADDR4, 700, data, payload);
	bed_inject_off(&b, buf, n, &off);
}

static void test_super_datagram_is_split_for_a_socket_without_gro(void **state)
{
	struct sock *s = bound(net.family, net.any, 700);
	size_t at = 0;
	struct frame *f;

	(void)state;
	inject_super_datagram(3500, 1000);
	for (int i = 0; i < 4; i++) {
		f = sock_recv_frame(s);
		assert_non_null(f);
		assert_int_equal(f->len, i < 3 ? 1000 : 500);
		assert_int_equal(f->info.segment_size, 0);
		for (size_t j = 0; j < f->len; j++, at++)
			assert_int_equal(f->data[j], (uint8_t)(at * 7 + at / 256));
		frame_unref(f);
	}
	assert_null(sock_recv_frame(s));
}

static void test_super_datagram_is_handed_whole_with_gro(void **state)
{
	struct sock *s = bound(net.family, net.any, 700);
	struct frame *f;

	(void)state;
	set_int(s, IPPROTO_UDP, UDP_GRO, 1);
	inject_super_datagram(3500, 1000);
	f = sock_recv_frame(s);
	assert_non_null(f);
	assert_int_equal(f->len, 3500);
	assert_int_equal(f->info.segment_size, 1000);
	frame_unref(f);
}

/* ---- Sending ------------------------------------------------------------------------------------------------------ */

static void test_sent_datagram_has_right_header_and_checksum(void **state)
{
	struct sock *s = bound(net.family, net.any, 53);
	struct ip_addr src = addr_of(net.ours), dst = addr_of(net.peer);

	(void)state;
	assert_int_equal(bed_send(&b, s, net.peer, 1000, "hello", 5), 0);
	expect_packet();
	assert_int_equal(p.proto, 17);
	assert_memory_equal(&p.src, &src, 16);
	assert_memory_equal(&p.dst, &dst, 16);
	assert_int_equal(p.sport, 53);
	assert_int_equal(p.dport, 1000);
	assert_int_equal(p.ttl, 64);
	assert_int_equal(p.dont_fragment, net.family == AF_INET);
	assert_int_equal(p.payload_len, 5);
	assert_memory_equal(p.payload, "hello", 5);
	assert_int_equal(out.sock_id, sock_id(s));
	expect_silence();
}

static void test_unbound_socket_gets_an_ephemeral_port_on_first_send(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	struct ip_endpoint local;

	(void)state;
	assert_int_equal(bed_send(&b, s, BED_PEER6, 53, "q", 1), 0);
	expect_packet();
	assert_in_range(p.sport, 32768, 60999);
	sock_getname(s, &local);
	assert_int_equal(local.port, p.sport);
	assert_true(ip_addr_is_any(&local.addr));
	arrive(BED_PEER6, 53, BED_ADDR6, p.sport, "a");
	expect_datagram(s, "a", BED_PEER6, 53);
}

/* RFC 768: a sum of zero is sent as all ones. */
static void test_checksum_that_sums_to_zero_is_sent_as_ones(void **state)
{
	struct sock *s = bound(net.family, net.any, 53);
	uint8_t payload[2];
	bool seen = false;

	(void)state;
	for (unsigned v = 0; v < 65536; v++) {
		payload[0] = (uint8_t)(v >> 8);
		payload[1] = (uint8_t)v;
		assert_int_equal(bed_send(&b, s, net.peer, 1000, payload, 2), 0);
		expect_packet();
		assert_false(p.l4[6] == 0 && p.l4[7] == 0);
		seen |= p.l4[6] == 0xff && p.l4[7] == 0xff;
	}
	assert_true(seen);
}

static void test_datagram_larger_than_mtu_goes_in_fragments(void **state)
{
	struct sock *s = bound(net.family, net.any, 53);
	static uint8_t data[65507];
	size_t sent = 0;

	(void)state;
	assert_int_equal(bed_send(&b, s, net.peer, 1000, data, sizeof(data)), 0);
	while (bed_next(&b, &out)) {
		assert_null(packet_parse(out.data, out.len, &out.off, &p));
		assert_true(out.len <= 1500);
		assert_false(p.dont_fragment);
		assert_int_equal(p.frag_offset, sent);
		sent += p.l4_len;
		assert_int_equal(p.more_fragments, sent < sizeof(data) + 8);
	}
	assert_int_equal(sent, sizeof(data) + 8);
}

static void test_datagram_of_more_than_65507_bytes_is_refused(void **state)
{
	struct sock *s = bound(AF_INET, "0.0.0.0", 53), *s6 = bound(AF_INET6, "::", 54);
	static uint8_t data[65528];

	(void)state;
	assert_int_equal(bed_send(&b, s, BED_PEER4, 1000, data, 65508), -EMSGSIZE);
	assert_int_equal(bed_send(&b, s6, BED_PEER6, 1000, data, 65528), -EMSGSIZE);
	expect_silence();
	assert_int_equal(bed_send(&b, s6, BED_PEER6, 1000, data, 65527), 0);
	bed_drop_all(&b);
}

static void test_pmtudisc_do_refuses_what_does_not_fit_and_tells_the_mtu(void **state)
{
	struct sock *s = connected(AF_INET, BED_PEER4, 1000);
	static uint8_t data[2000];
	struct sock_error e;
	uint32_t left;
	struct frame *f;
	int mtu;
	size_t len = sizeof(mtu);

	(void)state;
	set_int(s, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
	assert_int_equal(bed_send(&b, s, NULL, 0, data, 1473), -EMSGSIZE);
	assert_null(sock_recv_error(s, &e, &left));
	set_int(s, IPPROTO_IP, IP_RECVERR, 1);
	assert_int_equal(bed_send(&b, s, NULL, 0, data, 1473), -EMSGSIZE);
	f = sock_recv_error(s, &e, &left);
	assert_non_null(f);
	frame_unref(f);
	assert_int_equal(e.error, EMSGSIZE);
	assert_int_equal(e.origin, SO_EE_ORIGIN_LOCAL);
	assert_int_equal(e.info, 1500);
	assert_int_equal(sock_getopt(s, IPPROTO_IP, IP_MTU, &mtu, &len, b.now_us), 0);
	assert_int_equal(mtu, 1500);
	assert_int_equal(bed_send(&b, s, NULL, 0, data, 1472), 0);
	expect_packet();
	assert_true(p.dont_fragment);
}

static void test_pmtudisc_dont_leaves_df_clear(void **state)
{
	struct sock *s = connected(AF_INET, BED_PEER4, 1000);

	(void)state;
	set_int(s, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
	assert_int_equal(bed_send(&b, s, NULL, 0, "x", 1), 0);
	expect_packet();
	assert_false(p.dont_fragment);
}

static void test_ttl_and_tos_come_from_options_and_from_the_message(void **state)
{
	struct sock *s = connected(AF_INET, BED_PEER4, 1000);
	struct dgram_info info = { .ttl = 3, .tos = 2 };

	(void)state;
	set_int(s, IPPROTO_IP, IP_TTL, 9);
	set_int(s, IPPROTO_IP, IP_TOS, 0x2a);
	assert_int_equal(bed_send(&b, s, NULL, 0, "x", 1), 0);
	expect_packet();
	assert_int_equal(p.ttl, 9);
	assert_int_equal(p.tos, 0x2a);
	assert_int_equal(sock_send_frame(s, bed_frame(&b, "x", 1), &info, b.now_us), 0);
	bed_turn(&b);
	expect_packet();
	assert_int_equal(p.ttl, 3);
	assert_int_equal(p.tos, 2);
}

static void test_broadcast_needs_permission(void **state)
{
	struct sock *s = bound(AF_INET, "0.0.0.0", 53);

	(void)state;
	assert_int_equal(bed_send(&b, s, "10.0.0.255", 1000, "x", 1), -EACCES);
	assert_int_equal(bed_send(&b, s, "255.255.255.255", 1000, "x", 1), -EACCES);
	set_int(s, SOL_SOCKET, SO_BROADCAST, 1);
	assert_int_equal(bed_send(&b, s, "10.0.0.255", 1000, "x", 1), 0);
	expect_packet();
}

static void test_destination_errors_are_linuxs(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0), *s6 = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);

	(void)state;
	assert_int_equal(bed_send(&b, s, NULL, 0, "x", 1), -EDESTADDRREQ);
	assert_int_equal(bed_send(&b, s, BED_PEER4, 0, "x", 1), -EINVAL);
	assert_int_equal(bed_send(&b, s, "192.0.2.1", 9, "x", 1), -ENETUNREACH);
	assert_int_equal(bed_send(&b, s, BED_PEER6, 9, "x", 1), -EAFNOSUPPORT);
	set_int(s6, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	assert_int_equal(bed_send(&b, s6, "::ffff:" BED_PEER4, 9, "x", 1), -ENETUNREACH);
}

static void test_source_address_of_the_message_is_used_if_ours(void **state)
{
	struct sock *s = bound(net.family, net.any, 53);
	struct dgram_info info = { .ttl = -1, .tos = -1, .dst = bed_endpoint(net.peer, 9) };
	struct ip_prefix second = { addr_of("10.0.0.77"), 96 + 24 };
	uint8_t expected[4] = { 10, 0, 0, 77 };

	(void)state;
	assert_int_equal(stack_add_addr(b.st, b.ifindex, &second, b.now_us), 0);
	info.src.addr = addr_of("10.0.0.77");
	assert_int_equal(sock_send_frame(s, bed_frame(&b, "x", 1), &info, b.now_us), 0);
	bed_turn(&b);
	expect_packet();
	assert_memory_equal(ip_addr_v4(&p.src), expected, 4);
	info.src.addr = addr_of("10.0.0.78");
	assert_int_equal(sock_send_frame(s, bed_frame(&b, "x", 1), &info, b.now_us), -ENETUNREACH);
}

static void test_udp_segment_is_cut_in_software_without_uso(void **state)
{
	struct sock *s = connected(AF_INET6, BED_PEER6, 1000);
	uint8_t data[2500];

	(void)state;
	memset(data, 'd', sizeof(data));
	set_int(s, IPPROTO_UDP, UDP_SEGMENT, 1000);
	assert_int_equal(bed_send(&b, s, NULL, 0, data, sizeof(data)), 0);
	for (int i = 0; i < 3; i++) {
		expect_packet();
		assert_int_equal(p.payload_len, i < 2 ? 1000 : 500);
	}
	expect_silence();
	set_int(s, IPPROTO_UDP, UDP_SEGMENT, 1453); /* with both headers more than the MTU */
	assert_int_equal(bed_send(&b, s, NULL, 0, data, sizeof(data)), -EMSGSIZE);
	assert_int_equal(bed_send(&b, s, NULL, 0, data, 1453), -EMSGSIZE);
	assert_int_equal(bed_send(&b, s, NULL, 0, data, 1452), 0);
	expect_packet();
	set_int(s, IPPROTO_UDP, UDP_SEGMENT, 1);
	assert_int_equal(bed_send(&b, s, NULL, 0, data, 129), -EINVAL); /* more than 128 segments */
}

static void test_udp_segment_is_left_to_a_link_with_uso(void **state)
{
	struct bed uso;
	struct sock *s;
	struct dgram_info info = { .ttl = -1, .tos = -1, .segment_size = 1000, .dst = bed_endpoint(BED_PEER4, 9) };
	uint8_t data[2500] = { 0 };

	(void)state;
	bed_prepare(&uso, 1, LINK_IP);
	uso.link.offloads = LINK_OFFLOAD_CSUM | LINK_OFFLOAD_USO;
	assert_true(bed_start(&uso));
	s = bed_sock(&uso, AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(sock_send_frame(s, bed_frame(&uso, data, sizeof(data)), &info, uso.now_us), 0);
	bed_turn(&uso);
	assert_true(bed_next(&uso, &out));
	assert_int_equal(out.off.gso, FRAME_GSO_UDP);
	assert_int_equal(out.off.gso_size, 1000);
	assert_int_equal(out.off.hdr_len, 28);
	assert_int_equal(out.off.csum, FRAME_CSUM_PARTIAL);
	assert_null(packet_parse(out.data, out.len, &out.off, &p));
	assert_int_equal(p.payload_len, 2500);
	assert_false(bed_next(&uso, &out));
	bed_close(&uso);
}

/* Datagrams that merely came together are never refused together: what a super-datagram cannot carry leaves one by one. */
static void test_a_bundle_with_segments_above_the_mtu_leaves_as_fragments_of_each(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);
	struct dgram_info info = {
		.ttl = -1, .tos = -1, .segment_size = 2000, .is_bundle = true, .dst = bed_endpoint(BED_PEER4, 9),
	};
	uint8_t data[3000];

	(void)state;
	memset(data, 'd', sizeof(data));
	set_int(s, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
	assert_int_equal(sock_send_frame(s, bed_frame(&b, data, sizeof(data)), &info, b.now_us), 0);
	bed_turn(&b);
	assert_true(bed_next(&b, &out)); /* 2008 bytes in two fragments, then 1008 in one packet */
	assert_int_equal(out.len, 1500);
	assert_true(bed_next(&b, &out));
	assert_int_equal(out.len, 20 + 2008 - 1480);
	expect_packet();
	assert_int_equal(p.payload_len, 1000);
	expect_silence();
}

static void test_a_bundle_without_checksums_leaves_one_by_one(void **state)
{
	struct sock *s = connected(net.family, net.peer, 1000);
	struct dgram_info info = { .ttl = -1, .tos = -1, .segment_size = 64, .is_bundle = true };
	uint8_t data[128] = { 1 };

	(void)state;
	set_int(s, SOL_SOCKET, SO_NO_CHECK, 1);
	assert_int_equal(sock_send_frame(s, bed_frame(&b, data, sizeof(data)), &info, b.now_us), 0);
	bed_turn(&b);
	for (int i = 0; i < 2; i++) {
		expect_packet();
		assert_int_equal(p.payload_len, 64);
	}
	expect_silence();
}

/* ---- Errors that come back ---------------------------------------------------------------------------------------- */

/* The peer answers the packet in `out` with an ICMP error. */
static void answer_with(uint8_t type, uint8_t code, uint32_t info, const char *from, const char *to)
{
	bed_inject(&b, buf, packet_icmp_error(buf, from, to, type, code, info, out.data, out.len));
}

static void test_connected_socket_learns_that_the_port_is_closed(void **state)
{
	struct sock *s = connected(AF_INET, BED_PEER4, 1000), *s6 = connected(AF_INET6, BED_PEER6, 1000);

	(void)state;
	assert_int_equal(bed_send(&b, s, NULL, 0, "x", 1), 0);
	expect_packet();
	answer_with(3, 3, 0, BED_PEER4, BED_ADDR4);
	assert_int_equal(bed_events(&b, s), SOCK_ERROR);
	assert_int_equal(sock_poll(s) & POLLERR, POLLERR);
	assert_int_equal(bed_send(&b, s, NULL, 0, "x", 1), -ECONNREFUSED);
	assert_int_equal(get_error(s), 0);
	assert_int_equal(bed_send(&b, s6, NULL, 0, "x", 1), 0);
	expect_packet();
	answer_with(1, 4, 0, BED_PEER6, BED_ADDR6);
	assert_int_equal(get_error(s6), ECONNREFUSED);
}

static void test_unconnected_socket_hears_of_errors_only_with_recverr(void **state)
{
	struct sock *s = bound(AF_INET, "0.0.0.0", 53);
	struct ip_addr peer = addr_of(BED_PEER4);
	struct sock_error e;
	uint32_t left;
	struct frame *f;

	(void)state;
	assert_int_equal(bed_send(&b, s, BED_PEER4, 1000, "quoted", 6), 0);
	expect_packet();
	answer_with(3, 3, 0, BED_PEER4, BED_ADDR4);
	assert_int_equal(get_error(s), 0);
	set_int(s, IPPROTO_IP, IP_RECVERR, 1);
	answer_with(3, 3, 0, BED_PEER4, BED_ADDR4);
	assert_int_equal(get_error(s), ECONNREFUSED);
	assert_int_equal(sock_poll(s) & POLLERR, POLLERR); /* the queue still holds it */
	f = sock_recv_error(s, &e, &left);
	assert_non_null(f);
	assert_int_equal(e.error, ECONNREFUSED);
	assert_int_equal(e.origin, SO_EE_ORIGIN_ICMP);
	assert_int_equal(e.type, 3);
	assert_int_equal(e.code, 3);
	assert_int_equal(e.dst.port, 1000);
	assert_memory_equal(&e.dst.addr, &peer, 16);
	assert_memory_equal(&e.offender, &peer, 16);
	assert_int_equal(f->len, 6);
	assert_memory_equal(f->data, "quoted", 6);
	frame_unref(f);
	assert_int_equal(sock_poll(s) & POLLERR, 0);
}

static void test_error_about_another_flow_is_nobodys(void **state)
{
	struct sock *s = connected(net.family, net.peer, 1000);

	(void)state;
	assert_int_equal(bed_send(&b, s, NULL, 0, "x", 1), 0);
	expect_packet();
	out.data[23] = 99; /* the quoted destination port */
	answer_with(3, 3, 0, net.peer, net.ours);
	assert_int_equal(get_error(s), 0);
}

static void test_closed_port_is_answered_with_port_unreachable(void **state)
{
	(void)state;
	arrive(BED_PEER4, 1000, BED_ADDR4, 700, "x");
	expect_packet();
	assert_int_equal(p.proto, 1);
	assert_int_equal(p.l4[0], 3);
	assert_int_equal(p.l4[1], 3);
	assert_int_equal(p.l4_len, 8 + 20 + 8 + 1);
	arrive(BED_PEER6, 1000, BED_ADDR6, 700, "x");
	expect_packet();
	assert_int_equal(p.proto, 58);
	assert_int_equal(p.l4[0], 1);
	assert_int_equal(p.l4[1], 4);
	assert_int_equal(bed_stat(&b, "udp.drop.no_socket"), 2);
}

static void test_reported_path_mtu_makes_later_datagrams_smaller(void **state)
{
	struct sock *s = connected(AF_INET, BED_PEER4, 1000);
	static uint8_t data[1472];
	int mtu;
	size_t len = sizeof(mtu);

	(void)state;
	assert_int_equal(bed_send(&b, s, NULL, 0, data, sizeof(data)), 0);
	expect_packet();
	answer_with(3, 4, 1000, "10.0.0.9", BED_ADDR4);
	assert_int_equal(get_error(s), EMSGSIZE);
	assert_int_equal(sock_getopt(s, IPPROTO_IP, IP_MTU, &mtu, &len, b.now_us), 0);
	assert_int_equal(mtu, 1000);
	assert_int_equal(bed_send(&b, s, NULL, 0, data, sizeof(data)), 0);
	expect_packet();
	assert_true(p.more_fragments && out.len <= 1000);
	expect_packet();
	assert_false(p.more_fragments);
}

/* ---- Association -------------------------------------------------------------------------------------------------- */

static void test_dissolving_gives_back_what_connect_chose(void **state)
{
	struct sock *s = connected(net.family, net.peer, 1000);
	struct ip_endpoint local, remote;
	struct ip_addr ours = addr_of(net.ours);

	(void)state;
	sock_getname(s, &local);
	assert_memory_equal(&local.addr, &ours, 16);
	assert_int_equal(sock_getpeer(s, &remote), 0);
	assert_int_equal(sock_connect(s, NULL, b.now_us), 0);
	assert_int_equal(sock_getpeer(s, &remote), -ENOTCONN);
	sock_getname(s, &local);
	assert_true(ip_addr_is_any(&local.addr));
	assert_int_equal(local.port, 0);
	assert_int_equal(bed_send(&b, s, NULL, 0, "x", 1), -EDESTADDRREQ);
}

static void test_loopback_delivers_inside_the_stack(void **state)
{
	struct sock *server = bound(net.family, "127.0.0.1", 53), *client = connected(net.family, "127.0.0.1", 53);
	struct ip_endpoint local;

	(void)state;
	assert_int_equal(bed_send(&b, client, NULL, 0, "ping", 4), 0);
	sock_getname(client, &local);
	expect_datagram(server, "ping", "127.0.0.1", local.port);
	assert_int_equal(bed_send(&b, server, "127.0.0.1", local.port, "pong", 4), 0);
	expect_datagram(client, "pong", "127.0.0.1", 53);
	expect_silence();
}

static void test_shutdown_for_reading_wakes_and_for_writing_refuses(void **state)
{
	struct sock *s = connected(net.family, net.peer, 1000), *loose = bed_sock(&b, net.family, SOCK_DGRAM, 0);

	(void)state;
	assert_int_equal(sock_shutdown(loose, SHUT_RDWR, b.now_us), -ENOTCONN);
	assert_int_equal(sock_shutdown(s, SHUT_RD, b.now_us), 0);
	assert_int_equal(bed_events(&b, s), SOCK_READABLE);
	assert_int_equal(sock_poll(s) & (POLLIN | POLLRDHUP), POLLIN | POLLRDHUP);
	assert_int_equal(sock_shutdown(s, SHUT_WR, b.now_us), 0);
	assert_int_equal(bed_send(&b, s, NULL, 0, "x", 1), -EPIPE);
}

static void test_every_failing_allocation_is_survived(void **state)
{
	(void)state;
	for (size_t fail_at = 1; fail_at < 400; fail_at++) {
		struct bed f;
		struct sock *s;
		int err;

		bed_prepare(&f, 3, LINK_IP);
		f.mem.fail_at = fail_at;
		if (bed_start(&f)) {
			struct ip_endpoint local = bed_endpoint(net.any, 53);
			struct dgram_info info = { .ttl = -1, .tos = -1, .dst = bed_endpoint(net.peer, 9) };
			struct frame *frame;

			s = sock_open(f.st, net.family, SOCK_DGRAM, 0, &err);
			if (s && sock_bind(s, &local) == 0) {
				bed_inject(&f, buf, packet_udp(buf, net.peer, 9, net.ours, 53, "x", 1));
				frame = stack_frame_alloc(f.st, 5000);
				if (frame) {
					frame_put(frame, 5000);
					sock_send_frame(s, frame, &info, f.now_us);
					bed_turn(&f);
				}
			}
			if (s)
				sock_close(s, f.now_us);
		}
		bed_close(&f);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_received_datagram_tells_ttl_tos_destination_and_arrival),
		T(test_ipv4_datagram_without_checksum_is_accepted),
		T(test_ipv6_datagram_without_checksum_is_refused),
		T(test_length_field_cuts_trailing_bytes_and_must_fit),
		T(test_dual_stack_socket_hears_ipv4_as_mapped_unless_v6only),
		T(test_broadcast_reaches_every_socket_of_the_port),
		T(test_unbound_socket_gets_an_ephemeral_port_on_first_send),
		T(test_datagram_of_more_than_65507_bytes_is_refused),
		T(test_pmtudisc_do_refuses_what_does_not_fit_and_tells_the_mtu),
		T(test_pmtudisc_dont_leaves_df_clear),
		T(test_ttl_and_tos_come_from_options_and_from_the_message),
		T(test_broadcast_needs_permission),
		T(test_destination_errors_are_linuxs),
		T(test_udp_segment_is_cut_in_software_without_uso),
		T(test_udp_segment_is_left_to_a_link_with_uso),
		T(test_a_bundle_with_segments_above_the_mtu_leaves_as_fragments_of_each),
		T(test_connected_socket_learns_that_the_port_is_closed),
		T(test_unconnected_socket_hears_of_errors_only_with_recverr),
		T(test_closed_port_is_answered_with_port_unreachable),
		T(test_reported_path_mtu_makes_later_datagrams_smaller),
	};
	const struct CMUnitTest both[] = {
		T(test_datagram_reaches_the_socket_bound_to_its_port),
		T(test_empty_datagram_is_delivered),
		T(test_wrong_checksum_is_dropped_and_counted),
		T(test_connected_socket_hears_only_its_peer),
		T(test_specific_address_wins_over_wildcard),
		T(test_reuseport_group_shares_by_flow),
		T(test_last_bound_of_sockets_with_reuseaddr_alone_hears),
		T(test_full_receive_buffer_drops_and_counts_and_recovers),
		T(test_small_datagram_does_not_hold_a_large_frame),
		T(test_super_datagram_is_split_for_a_socket_without_gro),
		T(test_super_datagram_is_handed_whole_with_gro),
		T(test_sent_datagram_has_right_header_and_checksum),
		T(test_checksum_that_sums_to_zero_is_sent_as_ones),
		T(test_datagram_larger_than_mtu_goes_in_fragments),
		T(test_source_address_of_the_message_is_used_if_ours),
		T(test_a_bundle_without_checksums_leaves_one_by_one),
		T(test_error_about_another_flow_is_nobodys),
		T(test_dissolving_gives_back_what_connect_chose),
		T(test_loopback_delivers_inside_the_stack),
		T(test_shutdown_for_reading_wakes_and_for_writing_refuses),
		T(test_every_failing_allocation_is_survived),
	};

	return cmocka_run_group_tests_name("UDP", tests, NULL, NULL) + cmocka_run_group_tests_name("UDP over IPv4", both, over_ip4, NULL) +
	       cmocka_run_group_tests_name("UDP over IPv6", both, over_ip6, NULL);
}
