/* SPDX-License-Identifier: BSD-2-Clause */
/* The two ways down, ip_output() and ip_output_slices(), must put the same bytes on the link; and the queues they end in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stack/core.h"
#include "stack/wire.h"
#include "tests/lib/bed.h"
#include "tests/lib/lan.h"
#include "tests/lib/packet.h"

static struct bed b;
static struct bed_packet whole;
static struct frame_out out;
static struct packet p;
static uint8_t payload[70000], sliced[70000];

enum { TCP_HDR = 32, TCP_CSUM = 16 };

static void open_bed(enum link_kind kind, uint32_t offloads)
{
	bed_prepare(&b, 21, kind);
	b.link.offloads = offloads;
	assert_true(bed_start(&b));
	bed_run(&b, 20000000);
	if (kind == LINK_ETHERNET)
		lan_introduce_peer(&b);
	bed_drop_all(&b);
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 11 + i / 247);
	memset(&out, 0, sizeof(out));
}

static void close_bed(void)
{
	frame_unref(out.held);
	bed_close(&b);
}

/* A header with everything that may be, but the checksum. */
static void fill_tcp(uint8_t *h)
{
	for (int i = 0; i < TCP_HDR; i++)
		h[i] = (uint8_t)(i + 1);
	h[12] = TCP_HDR / 4 << 4;
	h[TCP_CSUM] = h[TCP_CSUM + 1] = 0;
}

static struct ip_tx tx_to(const struct ip_addr *dst, const struct ip_dst *d)
{
	return (struct ip_tx){ .src = d->src, .dst = *dst, .proto = IPPROTO_NR_TCP, .ttl = 61, .tos = 0x2a, .dont_fragment = true,
			       .sock_id = 5, .csum_offset = TCP_CSUM, .l4_hdr_len = TCP_HDR, .flow_label = 0x54321 };
}

/* The payload in pieces of odd and even lengths. */
static void slice(size_t len, size_t pieces)
{
	size_t at = 0;

	out.iovcnt = 1;
	for (size_t i = 0; i < pieces && at < len; i++) {
		size_t n = i + 1 == pieces ? len - at : (len / pieces) | 1;

		if (n > len - at)
			n = len - at;
		out.iov[out.iovcnt++] = (struct iovec){ payload + at, n };
		at += n;
	}
}

static size_t gather(void)
{
	size_t len = 0;

	for (int i = 0; i < out.iovcnt; i++) {
		memcpy(sliced + len, out.iov[i].iov_base, out.iov[i].iov_len);
		len += out.iov[i].iov_len;
	}
	return len;
}

static void check_same(const char *peer, size_t len, size_t pieces, uint16_t gso_size)
{
	struct ip_addr dst = addr_of(peer);
	bool is4 = ip_addr_is4(&dst);
	struct frame *f = stack_frame_alloc(b.st, TCP_HDR + len);
	struct ip_dst d;
	struct ip_tx tx;
	const char *wrong;
	size_t l2 = b.link.kind == LINK_ETHERNET ? 14 : 0;

	assert_int_equal(ip_route(b.st, &dst, NULL, 0, &d), 0);
	tx = tx_to(&dst, &d);
	tx.gso_size = gso_size;
	tx.gso = gso_size == 0 ? FRAME_GSO_NONE : is4 ? FRAME_GSO_TCP4 : FRAME_GSO_TCP6;

	fill_tcp(frame_put(f, TCP_HDR));
	memcpy(frame_put(f, len), payload, len);
	assert_int_equal(ip_output(b.st, f, &tx, &d), 0);
	bed_turn(&b);
	assert_true(bed_next(&b, &whole));

	fill_tcp(ip_slices_hdr(&out));
	slice(len, pieces);
	assert_true(ip_output_slices(b.st, &out, &tx, &d));
	assert_int_equal(gather(), whole.len);
	assert_int_equal(out.len, whole.len);
	assert_memory_equal(sliced, whole.data, whole.len);
	assert_memory_equal(&out.off, &whole.off, sizeof(out.off));
	assert_int_equal(out.ifindex, whole.ifindex);
	assert_int_equal(out.sock_id, 5);
	assert_int_equal(out.off.gso_size, gso_size != 0 && len > gso_size ? gso_size : 0);

	if (l2 && out.off.csum == FRAME_CSUM_PARTIAL)
		out.off.csum_start = (uint16_t)(out.off.csum_start - l2);
	wrong = packet_parse(sliced + l2, whole.len - l2, &out.off, &p);
	if (wrong)
		fail_msg("%s, %zu bytes in %zu pieces: %s", peer, len, pieces, wrong);
	assert_int_equal(p.ttl, 61);
	assert_int_equal(p.tos, 0x2a);
	assert_int_equal(p.payload_len, len);
}

static void test_slices_and_frames_give_the_same_bytes(void **state)
{
	static const size_t lens[] = { 0, 1, 2, 3, 100, 1000, 1401 };
	static const enum link_kind kinds[] = { LINK_IP, LINK_ETHERNET };

	(void)state;
	for (int k = 0; k < 2; k++)
		for (uint32_t offloads = 0; offloads < 2; offloads++) {
			open_bed(kinds[k], offloads ? LINK_OFFLOAD_CSUM | LINK_OFFLOAD_TSO4 | LINK_OFFLOAD_TSO6 : 0);
			for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
				for (size_t pieces = 1; pieces < 6; pieces++) {
					check_same(BED_PEER4, lens[i], pieces, 0);
					check_same(BED_PEER6, lens[i], pieces, 0);
				}
			close_bed();
		}
}

static void test_super_segments_are_described_for_the_link(void **state)
{
	(void)state;
	open_bed(LINK_ETHERNET, LINK_OFFLOAD_CSUM | LINK_OFFLOAD_TSO4 | LINK_OFFLOAD_TSO6);
	check_same(BED_PEER4, 60000, 7, 1448);
	assert_int_equal(out.off.hdr_len, 14 + 20 + TCP_HDR);
	assert_int_equal(out.off.gso, FRAME_GSO_TCP4);
	check_same(BED_PEER6, 60000, 7, 1428);
	assert_int_equal(out.off.hdr_len, 14 + 40 + TCP_HDR);
	assert_int_equal(out.off.gso, FRAME_GSO_TCP6);
	check_same(BED_PEER4, 1448, 2, 1448); /* one segment only: nothing to be cut */
	assert_int_equal(out.off.gso, FRAME_GSO_NONE);
	close_bed();
}

/* Send @len bytes as slices to @dst; whether they are ready to go out. */
static bool send_slices(const char *to, size_t len)
{
	struct ip_addr dst = addr_of(to);
	struct ip_dst d;
	struct ip_tx tx;

	assert_int_equal(ip_route(b.st, &dst, NULL, 0, &d), 0);
	tx = tx_to(&dst, &d);
	fill_tcp(ip_slices_hdr(&out));
	slice(len, 3);
	return ip_output_slices(b.st, &out, &tx, &d);
}

static void test_slices_for_an_unresolved_neighbour_wait_as_a_copy(void **state)
{
	uint8_t buf[64];

	(void)state;
	open_bed(LINK_ETHERNET, LINK_OFFLOAD_CSUM);
	assert_false(send_slices("10.0.0.9", 1000));
	memset(payload, 0, 1000); /* the queue may reuse its memory */
	bed_turn(&b);
	assert_true(bed_next(&b, &whole));
	bed_inject(&b, buf, lan_arp(buf, bed_mac, bed_peer_mac, LAN_ARP_REPLY, "10.0.0.9", BED_ADDR4));
	assert_true(bed_next(&b, &whole));
	assert_true(lan_is_ip(&whole, bed_peer_mac));
	assert_int_equal(whole.off.csum_start, 34);
	whole.off.csum_start -= 14;
	assert_null(packet_parse(whole.data + 14, whole.len - 14, &whole.off, &p));
	assert_int_equal(p.payload_len, 1000);
	assert_int_equal(p.payload[500], (uint8_t)(500 * 11 + 500 / 247));
	close_bed();
}

static void test_slices_larger_than_the_path_takes_are_dropped(void **state)
{
	(void)state;
	open_bed(LINK_IP, 0);
	assert_false(send_slices(BED_PEER4, 1449));
	assert_int_equal(bed_stat(&b, "ip.drop.too_big"), 1);
	assert_true(send_slices(BED_PEER4, 1448));
	close_bed();
}

/* To ourselves: what was sent arrives, whatever its checksum says, and is taken for good. */
static void test_slices_to_ourselves_come_in_again(void **state)
{
	(void)state;
	open_bed(LINK_IP, 0);
	assert_false(send_slices(BED_ADDR4, 1000));
	assert_false(send_slices("::1", 1000));
	assert_int_equal(bed_stat(&b, "ip4.in"), 0);
	bed_turn(&b);
	assert_int_equal(bed_stat(&b, "ip4.delivered"), 1);
	assert_int_equal(bed_stat(&b, "ip6.delivered"), 1);
	close_bed();
}

static void test_full_output_queue_drops_and_counts(void **state)
{
	struct ip_addr dst = addr_of(BED_PEER4);
	struct ip_dst d;
	unsigned taken = 0;

	(void)state;
	open_bed(LINK_IP, 0);
	assert_int_equal(ip_route(b.st, &dst, NULL, 0, &d), 0);
	for (int i = 0; i < 5000; i++) {
		struct ip_tx tx = tx_to(&dst, &d);
		struct frame *f = stack_frame_alloc(b.st, TCP_HDR);
		int err;

		fill_tcp(frame_put(f, TCP_HDR));
		err = ip_output(b.st, f, &tx, &d);
		assert_true(err == 0 || err == -ENOBUFS);
		taken += err == 0;
	}
	assert_in_range(taken, 1000, 4999);
	assert_int_equal(bed_stat(&b, "link.drop.queue_full"), 5000 - taken);
	bed_turn(&b);
	assert_int_equal(b.packets, taken);
	close_bed();
}

/* RFC 2113, RFC 2711 */
static void test_router_alert_and_options_are_in_the_header(void **state)
{
	static const uint8_t record_route[8] = { 7, 7, 4, 0, 0, 0, 0, 0 };
	struct ip_addr dst4 = addr_of(BED_PEER4), dst6 = addr_of(BED_PEER6);
	struct ip_dst d;
	struct ip_tx tx;
	struct frame *f;

	(void)state;
	open_bed(LINK_IP, 0);
	ip_route(b.st, &dst4, NULL, 0, &d);
	tx = tx_to(&dst4, &d);
	tx.router_alert = true;
	tx.options = record_route;
	tx.options_len = sizeof(record_route);
	f = stack_frame_alloc(b.st, TCP_HDR);
	fill_tcp(frame_put(f, TCP_HDR));
	assert_int_equal(ip_output(b.st, f, &tx, &d), 0);
	bed_turn(&b);
	assert_true(bed_next(&b, &whole));
	assert_int_equal(whole.data[0], 0x48);
	assert_memory_equal(whole.data + 20, "\x94\x04\0\0\x07\x07\x04\0", 8);
	assert_int_equal(packet_checksum(0, whole.data, 32), 0);
	assert_int_equal(whole.len, 32 + TCP_HDR);

	ip_route(b.st, &dst6, NULL, 0, &d);
	tx = tx_to(&dst6, &d);
	tx.router_alert = true;
	f = stack_frame_alloc(b.st, TCP_HDR);
	fill_tcp(frame_put(f, TCP_HDR));
	assert_int_equal(ip_output(b.st, f, &tx, &d), 0);
	bed_turn(&b);
	assert_true(bed_next(&b, &whole));
	assert_memory_equal(whole.data, "\x62\xa5\x43\x21", 4); /* version, traffic class 0x2a, flow label */
	assert_int_equal(whole.data[6], 0);
	assert_memory_equal(whole.data + 40, "\x06\0\x05\x02\0\0\x01\0", 8);
	close_bed();
}

/* Only the options that ask for it are in later fragments (RFC 791 section 3.1). */
static void test_options_are_copied_into_later_fragments_as_their_type_says(void **state)
{
	static const uint8_t options[12] = { 7, 7, 4, 0, 0, 0, 0, 148, 4, 0, 0, 0 };
	struct ip_addr dst = addr_of(BED_PEER4);
	struct ip_dst d;
	struct ip_tx tx;
	struct frame *f;

	(void)state;
	open_bed(LINK_IP, 0);
	ip_route(b.st, &dst, NULL, 0, &d);
	tx = tx_to(&dst, &d);
	tx.dont_fragment = false;
	tx.csum_offset = -1;
	tx.options = options;
	tx.options_len = sizeof(options);
	f = stack_frame_alloc(b.st, 3000);
	memcpy(frame_put(f, 3000), payload, 3000);
	assert_int_equal(ip_output(b.st, f, &tx, &d), 0);
	bed_turn(&b);
	assert_true(bed_next(&b, &whole));
	assert_int_equal(whole.data[0], 0x48);
	assert_int_equal(whole.len, 32 + 1464);
	assert_true(bed_next(&b, &whole));
	assert_int_equal(whole.data[0], 0x46);
	assert_memory_equal(whole.data + 20, "\x94\x04\0\0", 4);
	assert_int_equal(whole.len, 24 + 1472);
	assert_true(bed_next(&b, &whole));
	assert_int_equal(whole.len, 24 + 3000 - 1464 - 1472);
	assert_memory_equal(whole.data + 24, payload + 1464 + 1472, whole.len - 24);
	close_bed();
}

/* A zero sum is sent as its other form by UDP only (RFC 768). */
static void test_zero_checksum_is_sent_as_all_ones_by_udp(void **state)
{
	struct ip_addr dst = addr_of(BED_PEER4);
	struct ip_dst d;

	(void)state;
	open_bed(LINK_IP, 0);
	ip_route(b.st, &dst, NULL, 0, &d);
	for (uint32_t v = 0; v < 65536; v++) { /* exactly one of these sums up to zero */
		struct ip_tx tx = { .src = d.src, .dst = dst, .proto = IPPROTO_NR_UDP, .ttl = 64, .csum_offset = 6 };
		struct frame *f = stack_frame_alloc(b.st, 10);
		uint8_t *h = frame_put(f, 10);

		memset(h, 0, 10);
		put_be16(h + 4, 10);
		put_be16(h + 8, (uint16_t)v);
		assert_int_equal(ip_output(b.st, f, &tx, &d), 0);
		bed_turn(&b);
		assert_true(bed_next(&b, &whole));
		assert_int_not_equal(get_be16(whole.data + 26), 0);
		if (v % 4096 == 0)
			assert_null(packet_parse(whole.data, whole.len, NULL, &p));
	}
	close_bed();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slices_and_frames_give_the_same_bytes),
		cmocka_unit_test(test_super_segments_are_described_for_the_link),
		cmocka_unit_test(test_slices_for_an_unresolved_neighbour_wait_as_a_copy),
		cmocka_unit_test(test_slices_larger_than_the_path_takes_are_dropped),
		cmocka_unit_test(test_slices_to_ourselves_come_in_again),
		cmocka_unit_test(test_full_output_queue_drops_and_counts),
		cmocka_unit_test(test_router_alert_and_options_are_in_the_header),
		cmocka_unit_test(test_options_are_copied_into_later_fragments_as_their_type_says),
		cmocka_unit_test(test_zero_checksum_is_sent_as_all_ones_by_udp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
