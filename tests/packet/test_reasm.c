/* SPDX-License-Identifier: BSD-2-Clause */
/* Reassembly by exact packets, both families (RFC 791 section 3.2, RFC 815, RFC 1122 section 3.3.2, RFC 8200 section 4.5,
 * RFC 5722, RFC 7112, RFC 3168 section 5.3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/lib/bed.h"
#include "tests/lib/lan.h"
#include "tests/lib/packet.h"

static struct bed b;
static struct bed_packet out;
static struct packet p;
static uint8_t buf[70000], whole[70000];
static size_t whole_len; /* of the datagram in whole: UDP header and payload */
static struct sock *receiver4, *receiver6;

static int setup(void **state)
{
	struct ip_endpoint local4 = bed_endpoint("0.0.0.0", 5000), local6 = bed_endpoint("::", 5000);
	int on = 1;

	(void)state;
	bed_open(&b, 8, LINK_IP);
	receiver4 = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);
	receiver6 = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	assert_int_equal(sock_bind(receiver4, &local4), 0);
	assert_int_equal(sock_setopt(receiver6, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on), b.now_us), 0);
	assert_int_equal(sock_bind(receiver6, &local6), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sock_close(receiver4, b.now_us);
	sock_close(receiver6, b.now_us);
	bed_close(&b);
	return 0;
}

/* A UDP datagram of @payload_len bytes from the peer to port 5000, as a transport payload in whole. */
static void make_whole(bool is4, size_t payload_len)
{
	static uint8_t payload[66000];
	size_t hdr = is4 ? 20 : 40;

	for (size_t i = 0; i < payload_len; i++)
		payload[i] = (uint8_t)(i * 7 + i / 256);
	whole_len = packet_udp(whole, is4 ? BED_PEER4 : BED_PEER6, 9, is4 ? BED_ADDR4 : BED_ADDR6, 5000, payload, payload_len) - hdr;
	memmove(whole, whole + hdr, whole_len);
}

struct fragment {
	bool is4;
	uint32_t id;
	size_t offset, len;
	bool more;
	uint8_t tos;
	const char *src; /* NULL: the peer */
};

/* The fragment in buf, of the datagram in whole. */
static size_t fragment(const struct fragment *f)
{
	struct ip_fields ip = {
		.src = f->src ? f->src : f->is4 ? BED_PEER4 : BED_PEER6,
		.dst = f->is4 ? BED_ADDR4 : BED_ADDR6,
		.proto = IPPROTO_UDP,
		.tos = f->tos,
		.id = (uint16_t)f->id,
		.more_fragments = f->more,
		.frag_offset = (uint16_t)f->offset,
	};

	return f->is4 ? packet_ip(buf, &ip, whole + f->offset, f->len)
		      : packet_fragment6(buf, &ip, f->id, whole + f->offset, f->len);
}

static void arrives(struct fragment f)
{
	bed_inject(&b, buf, fragment(&f));
}

/* Whether the receiver has the datagram in whole. */
static bool is_received(bool is4)
{
	struct frame *f = sock_recv_frame(is4 ? receiver4 : receiver6);
	bool ok = f && f->len == whole_len - 8 && memcmp(f->data, whole + 8, f->len) == 0;

	frame_unref(f);
	return ok;
}

static void expect_silence(void)
{
	assert_false(bed_next(&b, &out));
}

static void test_fragments_in_any_order_give_the_datagram(void **state)
{
	static const size_t orders[][4] = { { 0, 1, 2, 3 }, { 3, 2, 1, 0 }, { 2, 0, 3, 1 }, { 1, 3, 0, 2 } };

	(void)state;
	for (int is4 = 0; is4 < 2; is4++)
		for (uint32_t o = 0; o < 4; o++) {
			make_whole(is4, 1000);
			for (int i = 0; i < 4; i++) {
				size_t at = orders[o][i] * 256, len = at + 256 < whole_len ? 256 : whole_len - at;

				assert_null(sock_recv_frame(is4 ? receiver4 : receiver6));
				arrives((struct fragment){ is4, 100 + o, at, len, at + len < whole_len, 0, NULL });
			}
			assert_true(is_received(is4));
		}
	assert_int_equal(bed_stat(&b, "reasm.ok"), 8);
	expect_silence();
}

static void test_largest_datagrams_come_through_at_any_mtu(void **state)
{
	static const size_t sizes[] = { 1480, 8976, 552 };

	(void)state;
	for (int is4 = 0; is4 < 2; is4++)
		for (size_t s = 0; s < 3; s++) {
			size_t piece = sizes[s] & ~7u;

			make_whole(is4, is4 ? 65507 : 65527);
			for (size_t at = 0; at < whole_len; at += piece) {
				size_t len = at + piece < whole_len ? piece : whole_len - at;

				arrives((struct fragment){ is4, 7, at, len, at + len < whole_len, 0, NULL });
			}
			assert_true(is_received(is4));
		}
}

/* Random cuts, shuffled, some of them twice */
static void test_shuffled_and_duplicated_fragments_give_the_datagram(void **state)
{
	unsigned seed = 1;

	(void)state;
	for (uint32_t round = 0; round < 200; round++) {
		bool is4 = round % 2;
		struct fragment f[128];
		size_t n = 0, payload = (size_t)rand_r(&seed) % 20000;

		make_whole(is4, payload);
		for (size_t at = 0; at < whole_len;) {
			size_t len = 8 + (size_t)rand_r(&seed) % 250 * 8;

			if (at + len > whole_len)
				len = whole_len - at;
			f[n++] = (struct fragment){ is4, round, at, len, at + len < whole_len, 0, NULL };
			at += len;
		}
		if (n < 2)
			continue;
		for (size_t i = n - 1; i > 0; i--) {
			size_t j = (size_t)rand_r(&seed) % (i + 1);
			struct fragment t = f[i];

			f[i] = f[j];
			f[j] = t;
		}
		for (size_t i = 0; i < n; i++) {
			arrives(f[i]);
			if (i + 1 < n && rand_r(&seed) % 4 == 0)
				arrives(f[i]); /* an exact duplicate changes nothing (RFC 8200 section 4.5) */
		}
		assert_true(is_received(is4));
		assert_null(sock_recv_frame(is4 ? receiver4 : receiver6));
	}
	assert_true(bed_stat(&b, "reasm.duplicate") > 100);
}

/* RFC 5722 section 4: all of it is dropped, with what comes after; the same for IPv4. */
static void test_overlap_of_any_kind_refuses_the_whole_packet(void **state)
{
	static const struct {
		size_t offset, len;
	} overlaps[] = { { 248, 16 }, { 0, 264 }, { 256, 128 }, { 320, 64 }, { 320, 256 }, { 128, 256 }, { 256, 264 } };
	uint32_t id = 0;

	(void)state;
	for (int is4 = 0; is4 < 2; is4++)
		for (size_t i = 0; i < sizeof(overlaps) / sizeof(overlaps[0]); i++) {
			uint64_t before = bed_stat(&b, "reasm.drop.overlap");

			id++;
			make_whole(is4, 1000);
			arrives((struct fragment){ is4, id, 256, 256, true, 0, NULL });
			arrives((struct fragment){ is4, id, overlaps[i].offset, overlaps[i].len, true, 0, NULL });
			assert_int_equal(bed_stat(&b, "reasm.drop.overlap"), before + 1);
			for (size_t at = 0; at < whole_len; at += 256) /* too late for a good set */
				arrives((struct fragment){ is4, id, at, at + 256 < whole_len ? 256 : whole_len - at,
							   at + 256 < whole_len, 0, NULL });
			assert_null(sock_recv_frame(is4 ? receiver4 : receiver6));
		}
	bed_run(&b, 70000000); /* nobody is told */
	expect_silence();
	arrives((struct fragment){ true, 1, 0, 512, true, 0, NULL }); /* the identification is free again */
	assert_int_equal(bed_stat(&b, "reasm.drop.timeout"), 0);
}

/* RFC 8200 section 4.5: only an exact duplicate is none; the same place with other bytes, or another flag, is an overlap. */
static void test_8200_4_5_duplicate_with_other_bytes_is_an_overlap(void **state)
{
	(void)state;
	for (int is4 = 0; is4 < 2; is4++) {
		make_whole(is4, 1000);
		arrives((struct fragment){ is4, 1, 0, 512, true, 0, NULL });
		whole[300] ^= 1;
		arrives((struct fragment){ is4, 1, 0, 512, true, 0, NULL });
		whole[300] ^= 1;
		arrives((struct fragment){ is4, 1, 512, whole_len - 512, false, 0, NULL });
		assert_null(sock_recv_frame(is4 ? receiver4 : receiver6));
		make_whole(is4, 1016);
		arrives((struct fragment){ is4, 2, 512, 512, false, 0, NULL });
		arrives((struct fragment){ is4, 2, 512, 512, true, 0, NULL });
		arrives((struct fragment){ is4, 2, 0, 512, true, 0, NULL });
		assert_null(sock_recv_frame(is4 ? receiver4 : receiver6));
	}
	assert_int_equal(bed_stat(&b, "reasm.drop.overlap"), 8); /* with what came after */
	assert_int_equal(bed_stat(&b, "reasm.duplicate"), 0);
}

/* Ends that disagree; the ping of death */
static void test_ends_that_disagree_refuse_the_packet(void **state)
{
	(void)state;
	for (int is4 = 0; is4 < 2; is4++) {
		make_whole(is4, 3000);
		arrives((struct fragment){ is4, 1, 512, 256, false, 0, NULL });
		arrives((struct fragment){ is4, 1, 768, 256, true, 0, NULL }); /* past the end */
		arrives((struct fragment){ is4, 2, 512, 256, false, 0, NULL });
		arrives((struct fragment){ is4, 2, 256, 128, false, 0, NULL }); /* another end */
		arrives((struct fragment){ is4, 3, 512, 256, true, 0, NULL });
		arrives((struct fragment){ is4, 3, 128, 256, false, 0, NULL }); /* an end before what is there */
		arrives((struct fragment){ is4, 4, 512, 256, false, 0, NULL });
		arrives((struct fragment){ is4, 4, 256, 512, true, 0, NULL });
	}
	assert_int_equal(bed_stat(&b, "reasm.drop.length"), 6);
	assert_int_equal(bed_stat(&b, "reasm.drop.overlap"), 2);
	arrives((struct fragment){ true, 5, 65528, 16, false, 0, NULL });
	assert_int_equal(bed_stat(&b, "reasm.drop.length"), 7);
	assert_null(sock_recv_frame(receiver4));
	assert_null(sock_recv_frame(receiver6));
}

static void test_fragments_of_impossible_length_are_dropped(void **state)
{
	(void)state;
	make_whole(true, 3000);
	arrives((struct fragment){ true, 1, 0, 255, true, 0, NULL });
	arrives((struct fragment){ true, 1, 256, 0, false, 0, NULL });
	assert_int_equal(bed_stat(&b, "ip4.drop.fragment"), 2);
	expect_silence();
	/* RFC 8200 section 4.5: a parameter problem that points at the payload length, or at the offset */
	make_whole(false, 3000);
	arrives((struct fragment){ false, 1, 0, 255, true, 0, NULL });
	assert_true(bed_next(&b, &out));
	assert_null(packet_parse(out.data, out.len, NULL, &p));
	assert_memory_equal(p.l4, "\x04\x00", 2);
	assert_memory_equal(p.l4 + 4, "\0\0\0\x04", 4);
	arrives((struct fragment){ false, 1, 65528, 8, false, 0, NULL });
	assert_true(bed_next(&b, &out));
	assert_null(packet_parse(out.data, out.len, NULL, &p));
	assert_memory_equal(p.l4 + 4, "\0\0\0\x2a", 4);
	assert_int_equal(bed_stat(&b, "ip6.drop.fragment"), 2);
}

/* RFC 1122 section 3.3.2, RFC 8200 section 4.5: after 30 and 60 s, when the first fragment is there, code 1 */
static void test_incomplete_packet_times_out_and_its_sender_is_told(void **state)
{
	size_t len4, len6;
	static uint8_t first4[2000], first6[2000];

	(void)state;
	make_whole(true, 3000);
	len4 = fragment(&(struct fragment){ true, 1, 0, 1480, true, 0, NULL });
	memcpy(first4, buf, len4);
	bed_inject(&b, buf, len4);
	arrives((struct fragment){ true, 2, 1480, 1480, true, 0, NULL }); /* of this the first is missing */
	make_whole(false, 3000);
	len6 = fragment(&(struct fragment){ false, 1, 0, 1400, true, 0, NULL });
	memcpy(first6, buf, len6);
	bed_inject(&b, buf, len6);

	bed_run(&b, 29900000);
	expect_silence();
	bed_run(&b, 200000);
	assert_true(bed_next(&b, &out));
	assert_null(packet_parse(out.data, out.len, NULL, &p));
	assert_memory_equal(p.l4, "\x0b\x01", 2);
	assert_int_equal(out.len, 576);
	assert_memory_equal(p.l4 + 8, first4, p.l4_len - 8);
	expect_silence();
	bed_run(&b, 29800000);
	expect_silence();
	bed_run(&b, 200000);
	assert_true(bed_next(&b, &out));
	assert_null(packet_parse(out.data, out.len, NULL, &p));
	assert_memory_equal(p.l4, "\x03\x01", 2);
	assert_int_equal(out.len, 1280);
	assert_memory_equal(p.l4 + 8, first6, p.l4_len - 8); /* the fragment, its header included */
	expect_silence();
	assert_int_equal(bed_stat(&b, "reasm.drop.timeout"), 3);
	/* Nothing is left behind: the rest comes too late. */
	make_whole(true, 3000);
	arrives((struct fragment){ true, 1, 1480, whole_len - 1480, false, 0, NULL });
	assert_null(sock_recv_frame(receiver4));
}

/* RFC 7112 section 5 */
static void test_first_fragment_without_the_whole_header_chain_is_refused(void **state)
{
	(void)state;
	make_whole(false, 100);
	/* A first fragment that ends in the UDP header cannot be cut at 8: let TCP's header be cut. */
	struct ip_fields ip = { .src = BED_PEER6, .dst = BED_ADDR6, .proto = IPPROTO_TCP, .more_fragments = true };

	bed_inject(&b, buf, packet_fragment6(buf, &ip, 1, whole, 16));
	assert_true(bed_next(&b, &out));
	assert_null(packet_parse(out.data, out.len, NULL, &p));
	assert_memory_equal(p.l4, "\x04\x03", 2);
	assert_int_equal(bed_stat(&b, "ip6.drop.first_fragment"), 1);
	/* A destination options header that says there is more */
	ip.proto = 60;
	whole[0] = 17;
	whole[1] = 1;
	bed_inject(&b, buf, packet_fragment6(buf, &ip, 2, whole, 8));
	assert_int_equal(bed_stat(&b, "ip6.drop.first_fragment"), 2);
}

/* RFC 3168 section 5.3 */
static void test_congestion_mark_of_any_fragment_marks_the_packet(void **state)
{
	int on = 1;
	struct frame *f;

	(void)state;
	sock_setopt(receiver4, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on), b.now_us);
	sock_setopt(receiver6, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof(on), b.now_us);
	for (int is4 = 0; is4 < 2; is4++) {
		make_whole(is4, 1000);
		arrives((struct fragment){ is4, 1, 0, 504, true, 0xb8 | 2, NULL });
		arrives((struct fragment){ is4, 1, 504, whole_len - 504, false, 0xb8 | 3, NULL });
		f = sock_recv_frame(is4 ? receiver4 : receiver6);
		assert_non_null(f);
		assert_int_equal(f->info.tos, 0xb8 | 3);
		frame_unref(f);
		/* not ECN-capable and marked: dropped */
		arrives((struct fragment){ is4, 2, 0, 504, true, 0, NULL });
		arrives((struct fragment){ is4, 2, 504, whole_len - 504, false, 3, NULL });
		assert_null(sock_recv_frame(is4 ? receiver4 : receiver6));
	}
	assert_int_equal(bed_stat(&b, "reasm.drop.ecn"), 2);
}

/* A flood of first fragments from one host pushes out its own, not another's. */
static void test_flood_from_one_source_does_not_push_out_another(void **state)
{
	(void)state;
	make_whole(true, 1000);
	arrives((struct fragment){ true, 1, 0, 504, true, 0, NULL });
	for (uint32_t i = 0; i < 5000; i++)
		arrives((struct fragment){ true, 10 + i, 0, 8, true, 0, "10.0.0.66" });
	assert_true(bed_stat(&b, "reasm.drop.quota") > 4500);
	assert_int_equal(bed_stat(&b, "reasm.drop.memory"), 0);
	arrives((struct fragment){ true, 1, 504, whole_len - 504, false, 0, NULL });
	assert_true(is_received(true));
}

static void test_memory_for_fragments_is_bounded_over_all_sources(void **state)
{
	size_t before = b.mem.used_bytes;
	char src[32];

	(void)state;
	bed_set(&b, "net.ipv4.ipfrag_high_thresh", "1048576");
	make_whole(true, 1400);
	for (uint32_t i = 0; i < 3000; i++) {
		snprintf(src, sizeof(src), "10.0.%u.%u", 1 + i / 200, 1 + i % 200);
		arrives((struct fragment){ true, i, 0, 1400, true, 0, src });
	}
	assert_true(bed_stat(&b, "reasm.drop.memory") > 2000);
	assert_in_range(b.mem.used_bytes - before, 500000, 2500000);
}

static void test_packet_in_too_many_pieces_is_refused(void **state)
{
	(void)state;
	bed_set(&b, "net.ipv4.ipfrag_high_thresh", "67108864");
	make_whole(true, 8000);
	for (size_t at = 0; at < 8000; at += 8)
		arrives((struct fragment){ true, 1, at, 8, true, 0, NULL });
	assert_int_equal(bed_stat(&b, "reasm.drop.too_many"), 1);
}

static void test_fragments_that_find_no_memory_are_dropped(void **state)
{
	(void)state;
	make_whole(true, 3000);
	for (unsigned n = 1; n < 20; n++) {
		b.mem.allocs = 0;
		b.mem.fail_at = n;
		for (size_t at = 0; at < whole_len; at += 1480)
			arrives((struct fragment){ true, n, at, at + 1480 < whole_len ? 1480 : whole_len - at,
						   at + 1480 < whole_len, 0, NULL });
		b.mem.fail_at = 0;
		frame_unref(sock_recv_frame(receiver4));
	}
	make_whole(true, 3000);
	for (size_t at = 0; at < whole_len; at += 1480)
		arrives((struct fragment){ true, 99, at, at + 1480 < whole_len ? 1480 : whole_len - at, at + 1480 < whole_len, 0,
					   NULL });
	assert_true(is_received(true));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_fragments_in_any_order_give_the_datagram),
		TEST(test_largest_datagrams_come_through_at_any_mtu),
		TEST(test_shuffled_and_duplicated_fragments_give_the_datagram),
		TEST(test_overlap_of_any_kind_refuses_the_whole_packet),
		TEST(test_8200_4_5_duplicate_with_other_bytes_is_an_overlap),
		TEST(test_ends_that_disagree_refuse_the_packet),
		TEST(test_fragments_of_impossible_length_are_dropped),
		TEST(test_incomplete_packet_times_out_and_its_sender_is_told),
		TEST(test_first_fragment_without_the_whole_header_chain_is_refused),
		TEST(test_congestion_mark_of_any_fragment_marks_the_packet),
		TEST(test_flood_from_one_source_does_not_push_out_another),
		TEST(test_memory_for_fragments_is_bounded_over_all_sources),
		TEST(test_packet_in_too_many_pieces_is_refused),
		TEST(test_fragments_that_find_no_memory_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
