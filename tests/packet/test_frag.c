/* SPDX-License-Identifier: BSD-2-Clause */
/* Fragments sent, by exact packets (RFC 791 section 3.2, RFC 8200 section 4.5, RFC 6864). */
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
static struct packet p;
static uint8_t data[66000], got[66000];

static void open_bed(enum link_kind kind, uint32_t offloads)
{
	bed_prepare(&b, 10, kind);
	b.link.offloads = offloads;
	bed_start(&b);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 31 + i / 253);
}

static int setup(void **state)
{
	(void)state;
	open_bed(LINK_IP, 0);
	return 0;
}

static int setup_offload(void **state)
{
	(void)state;
	open_bed(LINK_IP, LINK_OFFLOAD_CSUM | LINK_OFFLOAD_USO);
	return 0;
}

static int setup_ethernet(void **state)
{
	(void)state;
	open_bed(LINK_ETHERNET, LINK_OFFLOAD_CSUM);
	bed_settle(&b);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_close(&b);
	return 0;
}

/* A UDP socket that lets its datagrams be fragmented. */
static struct sock *udp(bool is4)
{
	struct sock *s = bed_sock(&b, is4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);
	int dont = IP_PMTUDISC_DONT;

	assert_int_equal(sock_setopt(s, is4 ? IPPROTO_IP : IPPROTO_IPV6, is4 ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, &dont,
				     sizeof(dont), b.now_us), 0);
	return s;
}

/* Put the fragments sent together in got, each checked; returns the bytes. @l2: bytes of link header before each. */
static size_t collect(size_t l2, uint32_t mtu)
{
	size_t have = 0;
	bool more = true;
	uint16_t id = 0;

	while (more) {
		const char *wrong;

		assert_true(bed_next(&b, &out));
		wrong = packet_parse(out.data + l2, out.len - l2, NULL, &p);
		if (wrong)
			fail_msg("%s", wrong);
		assert_in_range(out.len - l2, 1, mtu);
		assert_int_equal(out.off.csum, FRAME_CSUM_NONE);
		assert_int_equal(p.frag_offset, have);
		if (have > 0)
			assert_int_equal(p.id, id);
		id = p.id;
		more = p.more_fragments;
		if (more)
			assert_int_equal(p.l4_len % 8, 0);
		memcpy(got + have, p.l4, p.l4_len);
		have += p.l4_len;
	}
	return have;
}

/* The transport checksum is over the whole: put it into one packet and let the parser see. */
static void check_whole(bool is4, size_t l4_len)
{
	static uint8_t whole[70000];
	struct ip_fields ip = { .src = is4 ? BED_ADDR4 : BED_ADDR6, .dst = is4 ? BED_PEER4 : BED_PEER6, .proto = IPPROTO_UDP };
	const char *wrong = packet_parse(whole, packet_ip(whole, &ip, got, l4_len), NULL, &p);

	if (wrong)
		fail_msg("%s", wrong);
}

static void test_datagrams_of_any_size_leave_in_fragments_that_fit(void **state)
{
	static const size_t sizes[] = { 1473, 1480, 2952, 2953, 9000, 65507 };
	static const uint32_t mtus[] = { 1500, 1280, 9000 };

	(void)state;
	for (int is4 = 0; is4 < 2; is4++) {
		struct sock *s = udp(is4);

		for (size_t m = 0; m < 3; m++) {
			stack_set_link_mtu(b.st, b.ifindex, mtus[m]);
			for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
				assert_int_equal(bed_send(&b, s, is4 ? BED_PEER4 : BED_PEER6, 9, data, sizes[i]), 0);
				if (sizes[i] + 8 + (is4 ? 20 : 40) <= mtus[m]) {
					assert_true(bed_next(&b, &out));
					continue;
				}
				assert_int_equal(collect(0, mtus[m]), sizes[i] + 8);
				assert_memory_equal(got + 8, data, sizes[i]);
				check_whole(is4, sizes[i] + 8);
			}
		}
		sock_close(s, b.now_us);
	}
}

/* A link that completes checksums cannot do so for a fragment. */
static void test_checksum_of_a_fragmented_datagram_is_complete_whatever_the_link_can(void **state)
{
	(void)state;
	for (int is4 = 0; is4 < 2; is4++) {
		struct sock *s = udp(is4);

		bed_send(&b, s, is4 ? BED_PEER4 : BED_PEER6, 9, data, 4000);
		assert_int_equal(collect(0, 1500), 4008);
		check_whole(is4, 4008);
		bed_send(&b, s, is4 ? BED_PEER4 : BED_PEER6, 9, data, 400);
		assert_true(bed_next(&b, &out));
		assert_int_equal(out.off.csum, FRAME_CSUM_PARTIAL);
		assert_null(packet_parse(out.data, out.len, &out.off, &p));
		sock_close(s, b.now_us);
	}
}

static void test_fragments_wait_for_the_neighbour_like_any_packet(void **state)
{
	uint8_t buf[64];
	struct sock *s = udp(true);

	(void)state;
	bed_send(&b, s, BED_PEER4, 9, data, 60000);
	assert_true(bed_next(&b, &out));
	assert_true(lan_is_arp(&out, lan_broadcast, LAN_ARP_REQUEST, BED_ADDR4, BED_PEER4));
	assert_false(bed_next(&b, &out));
	bed_inject(&b, buf, lan_arp(buf, bed_mac, bed_peer_mac, LAN_ARP_REPLY, BED_PEER4, BED_ADDR4));
	assert_int_equal(collect(14, 1500), 60008);
	check_whole(true, 60008);
	sock_close(s, b.now_us);
}

static void test_unreachable_neighbour_of_fragments_is_told_once_a_datagram(void **state)
{
	struct sock *s = udp(true);
	int on = 1, error = 0;
	size_t len = sizeof(error);

	(void)state;
	assert_int_equal(sock_setopt(s, IPPROTO_IP, IP_RECVERR, &on, sizeof(on), b.now_us), 0);
	bed_send(&b, s, BED_PEER4, 9, data, 6000);
	bed_run(&b, 4000000);
	assert_int_equal(sock_getopt(s, SOL_SOCKET, SO_ERROR, &error, &len, b.now_us), 0);
	assert_int_equal(error, EHOSTUNREACH);
	sock_close(s, b.now_us);
}

static void test_too_large_a_datagram_that_may_not_be_fragmented_is_refused(void **state)
{
	(void)state;
	for (int is4 = 0; is4 < 2; is4++) {
		struct sock *s = bed_sock(&b, is4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);
		int always = IP_PMTUDISC_DO;

		sock_setopt(s, is4 ? IPPROTO_IP : IPPROTO_IPV6, is4 ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, &always, sizeof(always),
			    b.now_us);
		assert_int_equal(bed_send(&b, s, is4 ? BED_PEER4 : BED_PEER6, 9, data, is4 ? 1473 : 1453), -EMSGSIZE);
		assert_false(bed_next(&b, &out));
		assert_int_equal(bed_send(&b, s, is4 ? BED_PEER4 : BED_PEER6, 9, data, is4 ? 1472 : 1452), 0);
		assert_true(bed_next(&b, &out));
		assert_int_equal(out.len, 1500);
		sock_close(s, b.now_us);
	}
}

/* RFC 7739 section 5: an observer must not guess the next identification of IPv6 */
static void test_ipv6_identifications_do_not_count_up(void **state)
{
	struct sock *s = udp(false);
	uint32_t id[8];
	unsigned steps = 0;

	(void)state;
	for (int i = 0; i < 8; i++) {
		bed_send(&b, s, BED_PEER6, 9, data, 2000);
		assert_true(bed_next(&b, &out));
		memcpy(&id[i], out.data + 44, 4);
		assert_true(bed_next(&b, &out));
		assert_memory_equal(&id[i], out.data + 44, 4);
		if (i > 0)
			steps += __builtin_bswap32(id[i]) - __builtin_bswap32(id[i - 1]) < 65536;
	}
	assert_int_equal(steps, 0);
	sock_close(s, b.now_us);
}

/* The loopback's MTU is 65535: one byte more in IPv6 than it takes */
static void test_largest_ipv6_datagram_to_ourselves_arrives(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0), *r = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	struct ip_endpoint local = bed_endpoint("::1", 5000);
	struct frame *f;

	(void)state;
	assert_int_equal(sock_bind(r, &local), 0);
	assert_int_equal(bed_send(&b, s, "::1", 5000, data, 65527), 0);
	assert_false(bed_next(&b, &out));
	f = sock_recv_frame(r);
	assert_non_null(f);
	assert_int_equal(f->len, 65527);
	assert_memory_equal(f->data, data, 65527);
	frame_unref(f);
	sock_close(s, b.now_us);
	sock_close(r, b.now_us);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_datagrams_of_any_size_leave_in_fragments_that_fit),
		cmocka_unit_test_setup_teardown(test_checksum_of_a_fragmented_datagram_is_complete_whatever_the_link_can,
						setup_offload, teardown),
		cmocka_unit_test_setup_teardown(test_fragments_wait_for_the_neighbour_like_any_packet, setup_ethernet, teardown),
		cmocka_unit_test_setup_teardown(test_unreachable_neighbour_of_fragments_is_told_once_a_datagram, setup_ethernet,
						teardown),
		TEST(test_too_large_a_datagram_that_may_not_be_fragmented_is_refused),
		TEST(test_ipv6_identifications_do_not_count_up),
		TEST(test_largest_ipv6_datagram_to_ourselves_arrives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
