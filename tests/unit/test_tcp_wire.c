/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP headers and options as bytes (RFC 9293 section 3.1, 3.2; RFC 7323 section 2, 3; RFC 2018), and sequence arithmetic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "stack/hash.h"
#include "stack/tcp_wire.h"

static void test_sequence_numbers_compare_across_the_wrap(void **state)
{
	tcp_seq high = { 0xfffffff0 }, low = { 0x10 };

	(void)state;
	assert_true(seq_lt(high, low));
	assert_true(seq_gt(low, high));
	assert_false(seq_lt(low, low));
	assert_true(seq_le(low, low) && seq_ge(low, low));
	assert_int_equal(seq_diff(low, high), 0x20);
	assert_int_equal(seq_add(high, 0x20).v, 0x10);
	assert_true(seq_in((tcp_seq){ 5 }, high, 0x20));
	assert_false(seq_in(low, high, 0x20)); /* the end is not inside */
	assert_int_equal(seq_max(high, low).v, low.v);
	assert_int_equal(seq_min(high, low).v, high.v);
}

/* A SYN as Linux sends it. */
static const uint8_t linux_syn[40] = {
	0x8d, 0x3a, 0x00, 0x50, 0x11, 0x22, 0x33, 0x44, 0x00, 0x00, 0x00, 0x00, 0xa0, 0x02, 0xfa, 0xf0, 0x00, 0x00, 0x00, 0x00,
	0x02, 0x04, 0x05, 0xb4, 0x04, 0x02, 0x08, 0x0a, 0x01, 0x02, 0x03, 0x04, 0x00, 0x00, 0x00, 0x00, 0x01, 0x03, 0x03, 0x07,
};

static void test_syn_of_linux_is_read_and_written_alike(void **state)
{
	struct tcp_hdr h;
	uint8_t again[TCP_HDR_MAX];

	(void)state;
	assert_int_equal(tcp_hdr_parse(&h, linux_syn, sizeof(linux_syn)), 0);
	assert_int_equal(h.src_port, 0x8d3a);
	assert_int_equal(h.dst_port, 80);
	assert_int_equal(h.seq.v, 0x11223344);
	assert_int_equal(h.flags, TCP_SYN);
	assert_int_equal(h.wnd, 64240);
	assert_int_equal(h.hdr_len, 40);
	assert_true(h.opt.has_mss && h.opt.mss == 1460);
	assert_true(h.opt.sack_permitted);
	assert_true(h.opt.has_ts && h.opt.tsval == 0x01020304 && h.opt.tsecr == 0);
	assert_true(h.opt.has_wscale && h.opt.wscale == 7);
	assert_int_equal(tcp_hdr_build(again, &h), 40);
	assert_memory_equal(again, linux_syn, 40);
}

static struct tcp_hdr parse_options(const uint8_t *options, size_t len, uint8_t flags)
{
	uint8_t bytes[TCP_HDR_MAX] = { [12] = (uint8_t)((20 + len) / 4 << 4), [13] = flags };
	struct tcp_hdr h;

	memcpy(bytes + 20, options, len);
	assert_int_equal(tcp_hdr_parse(&h, bytes, 20 + len), 0);
	return h;
}

static void test_header_lengths_are_checked(void **state)
{
	uint8_t bytes[60] = { [12] = 0x50 };
	struct tcp_hdr h;

	(void)state;
	for (size_t n = 0; n < 20; n++)
		assert_int_equal(tcp_hdr_parse(&h, bytes, n), -EBADMSG);
	assert_int_equal(tcp_hdr_parse(&h, bytes, 20), 0);
	bytes[12] = 0x40;
	assert_int_equal(tcp_hdr_parse(&h, bytes, 60), -EBADMSG);
	bytes[12] = 0xf0;
	assert_int_equal(tcp_hdr_parse(&h, bytes, 59), -EBADMSG);
	assert_int_equal(tcp_hdr_parse(&h, bytes, 60), 0);
}

/* MUST-6: skipped by their length. */
static void test_unknown_options_are_skipped(void **state)
{
	static const uint8_t options[] = { 254, 6, 1, 2, 3, 4, 2, 4, 0x05, 0xb4, 0, 0 };
	struct tcp_hdr h = parse_options(options, sizeof(options), TCP_SYN);

	(void)state;
	assert_true(h.opt.has_mss);
	assert_int_equal(h.opt.mss, 1460);
}

/* MUST-7: an illegal length ends the options and harms nothing. */
static void test_illegal_lengths_end_the_options(void **state)
{
	static const uint8_t zero[] = { 254, 0, 2, 4, 0x05, 0xb4, 0, 0 };
	static const uint8_t past[] = { 3, 3, 5, 1, 2, 40, 1, 1 };
	static const uint8_t cut[] = { 1, 1, 1, 8 };

	(void)state;
	assert_false(parse_options(zero, sizeof(zero), TCP_SYN).opt.has_mss);
	assert_true(parse_options(past, sizeof(past), TCP_SYN).opt.has_wscale);
	assert_false(parse_options(past, sizeof(past), TCP_SYN).opt.has_mss);
	assert_false(parse_options(cut, sizeof(cut), TCP_SYN).opt.has_ts);
}

/* RFC 7323 section 2.3, section 1.3: a shift above 14 counts as 14; options of a SYN mean nothing elsewhere. */
static void test_syn_options_are_only_believed_in_a_syn(void **state)
{
	static const uint8_t options[] = { 3, 3, 200, 1, 2, 4, 0x02, 0x00, 4, 2, 1, 1 };
	struct tcp_hdr syn = parse_options(options, sizeof(options), TCP_SYN);
	struct tcp_hdr ack = parse_options(options, sizeof(options), TCP_ACK);

	(void)state;
	assert_int_equal(syn.opt.wscale, 14);
	assert_int_equal(syn.opt.mss, 512);
	assert_false(ack.opt.has_wscale || ack.opt.has_mss || ack.opt.sack_permitted);
}

static void test_zero_mss_is_no_mss(void **state)
{
	static const uint8_t options[] = { 2, 4, 0, 0 };

	(void)state;
	assert_false(parse_options(options, sizeof(options), TCP_SYN).opt.has_mss);
}

/* RFC 2018 section 3: four blocks alone, three beside timestamps. */
static void test_sack_blocks_are_written_as_many_as_fit(void **state)
{
	struct tcp_hdr h = { .flags = TCP_ACK, .opt = { .sack_count = 4 } }, back;
	uint8_t bytes[TCP_HDR_MAX];
	size_t len;

	(void)state;
	for (uint32_t i = 0; i < 4; i++)
		h.opt.sacks[i] = (struct tcp_sack_block){ { i * 10 }, { i * 10 + 5 } };
	len = tcp_hdr_build(bytes, &h);
	assert_int_equal(len, 20 + 36);
	assert_int_equal(tcp_hdr_parse(&back, bytes, len), 0);
	assert_int_equal(back.opt.sack_count, 4);
	assert_int_equal(back.opt.sacks[3].right.v, 35);
	h.opt.has_ts = true;
	len = tcp_hdr_build(bytes, &h);
	assert_int_equal(len, 60);
	assert_int_equal(tcp_hdr_parse(&back, bytes, len), 0);
	assert_int_equal(back.opt.sack_count, 3);
	assert_true(back.opt.has_ts);
}

static void test_any_bytes_can_be_parsed(void **state)
{
	struct rng rng = { .key = { { 1, 2 } } };
	struct tcp_hdr h;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		uint8_t bytes[64];
		size_t n = rng_below(&rng, sizeof(bytes) + 1);

		for (size_t i = 0; i < n; i++)
			bytes[i] = (uint8_t)rng_u64(&rng);
		if (tcp_hdr_parse(&h, bytes, n) == 0) {
			assert_in_range(h.hdr_len, 20, n);
			assert_in_range(h.opt.sack_count, 0, TCP_SACK_BLOCKS_MAX);
			assert_in_range(h.opt.wscale, 0, 14);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sequence_numbers_compare_across_the_wrap),
		cmocka_unit_test(test_syn_of_linux_is_read_and_written_alike),
		cmocka_unit_test(test_header_lengths_are_checked),
		cmocka_unit_test(test_unknown_options_are_skipped),
		cmocka_unit_test(test_illegal_lengths_end_the_options),
		cmocka_unit_test(test_syn_options_are_only_believed_in_a_syn),
		cmocka_unit_test(test_zero_mss_is_no_mss),
		cmocka_unit_test(test_sack_blocks_are_written_as_many_as_fit),
		cmocka_unit_test(test_any_bytes_can_be_parsed),
	};

	return cmocka_run_group_tests_name("tcp wire", tests, NULL, NULL);
}
