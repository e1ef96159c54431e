/* SPDX-License-Identifier: BSD-2-Clause */
/* The out-of-order queue against a plain map of bytes, for random pieces; and reading a long queue by a cursor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "stack/hash.h"
#include "stack/tcp_reasm.h"
#include "tests/lib/bed.h"

enum { STREAM_BYTES = 20000, BASE = 0xfffff000u /* so that the numbers wrap */ };

struct fixture {
	struct bed_mem bed_mem;
	struct mem mem;
	struct frame_pool frames;
	struct pool slices, islands;
	struct byteq_mem bm;
	struct tcp_reasm_mem rm;
	struct tcp_reasm q;
	struct byteq out;
	uint64_t exhausted;
};

static void fixture_open(struct fixture *x)
{
	memset(x, 0, sizeof(*x));
	x->mem = (struct mem){ .ctx = &x->bed_mem, .alloc = bed_mem_alloc, .free = bed_mem_free };
	frame_pool_init(&x->frames, &x->mem, 64 << 20, &x->exhausted);
	pool_init(&x->slices, &x->mem, byteq_slice_bytes(), UINT32_MAX);
	pool_init(&x->islands, &x->mem, sizeof(struct tcp_island), UINT32_MAX);
	x->bm = (struct byteq_mem){ &x->frames, &x->slices };
	x->rm = (struct tcp_reasm_mem){ &x->bm, &x->islands };
}

static void fixture_close(struct fixture *x)
{
	tcp_reasm_clear(&x->q, &x->rm);
	byteq_clear(&x->out, &x->bm);
	assert_int_equal(x->islands.used, 0);
	assert_int_equal(x->slices.used, 0);
	assert_int_equal(x->frames.in_use_bytes, 0);
	frame_pool_fini(&x->frames);
	pool_fini(&x->slices);
	pool_fini(&x->islands);
	assert_int_equal(x->bed_mem.used_bytes, 0);
}

static uint8_t byte_at(uint32_t offset)
{
	return (uint8_t)(offset * 31 + (offset >> 8));
}

static int add(struct fixture *x, uint32_t from, uint32_t len, struct tcp_reasm_result *res)
{
	struct frame *f = frame_alloc(&x->frames, len);
	uint8_t *data = frame_put(f, len);
	int err;

	for (uint32_t i = 0; i < len; i++)
		data[i] = byte_at(from + i);
	err = tcp_reasm_add(&x->q, &x->rm, f, data, len, (tcp_seq){ BASE + from }, res);
	frame_unref(f);
	return err;
}

static uint32_t take(struct fixture *x, uint32_t rcv_nxt)
{
	return tcp_reasm_take(&x->q, &x->rm, (tcp_seq){ BASE + rcv_nxt }, &x->out).v - BASE;
}

static void check_islands(struct fixture *x, const uint8_t *map)
{
	struct tcp_island *i = x->q.first;
	uint32_t o = 0;

	while (o < STREAM_BYTES) {
		uint32_t end;

		if (!map[o]) {
			o++;
			continue;
		}
		for (end = o; end < STREAM_BYTES && map[end]; end++)
			;
		assert_non_null(i);
		assert_int_equal(i->left.v - BASE, o);
		assert_int_equal(i->right.v - BASE, end);
		assert_int_equal(i->bytes.bytes, end - o);
		i = i->next;
		o = end;
	}
	assert_null(i);
}

static void test_random_pieces_agree_with_a_map_of_bytes(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		static uint8_t map[STREAM_BYTES];
		struct rng rng = { .key = { { seed, 9 } } };
		struct fixture x;
		struct iovec iov;
		uint32_t end, offset = 1;
		int n;

		fixture_open(&x);
		memset(map, 0, sizeof(map));
		for (int step = 0; step < 150; step++) {
			uint32_t len = 1 + rng_below(&rng, rng_below(&rng, 2) ? 1400 : 20);
			uint32_t from = 1 + rng_below(&rng, STREAM_BYTES - len - 1);
			uint32_t fresh = 0;
			struct tcp_reasm_result res;

			assert_int_equal(add(&x, from, len, &res), 0);
			for (uint32_t i = from; i < from + len; i++) {
				fresh += !map[i];
				map[i] = 1;
			}
			assert_int_equal(res.stored, fresh);
			assert_int_equal(res.has_dup, fresh < len);
			assert_true(seq_le(res.left, (tcp_seq){ BASE + from }));
			assert_true(seq_ge(res.right, (tcp_seq){ BASE + from + len }));
			check_islands(&x, map);
		}
		/* Fill the start: what continues there comes out, in order. */
		for (end = 1; end < STREAM_BYTES && map[end]; end++)
			;
		assert_int_equal(take(&x, 1), end);
		assert_int_equal(x.out.bytes, end - 1);
		while (byteq_iov(&x.out, 0, SIZE_MAX, &iov, 1, &n) > 0) {
			for (size_t i = 0; i < iov.iov_len; i++)
				assert_int_equal(((uint8_t *)iov.iov_base)[i], byte_at(offset + (uint32_t)i));
			offset += (uint32_t)iov.iov_len;
			byteq_consume(&x.out, &x.bm, iov.iov_len);
		}
		fixture_close(&x);
	}
}

/* rcv_nxt may pass into an island: what it covers is not delivered twice. */
static void test_taking_from_inside_an_island_skips_what_is_delivered(void **state)
{
	struct fixture x;
	struct tcp_reasm_result res;

	(void)state;
	fixture_open(&x);
	add(&x, 100, 100, &res);
	add(&x, 300, 100, &res);
	assert_int_equal(take(&x, 150), 200);
	assert_int_equal(x.out.bytes, 50);
	assert_int_equal(take(&x, 500), 500);
	assert_int_equal(x.out.bytes, 50);
	assert_int_equal(x.q.bytes, 0);
	fixture_close(&x);
}

static void test_number_of_islands_has_a_limit(void **state)
{
	struct fixture x;
	struct tcp_reasm_result res;

	(void)state;
	fixture_open(&x);
	for (uint32_t i = 0; i < TCP_ISLANDS_MAX; i++)
		assert_int_equal(add(&x, 10 + 2 * i, 1, &res), 0);
	assert_int_equal(add(&x, 10 + 2 * TCP_ISLANDS_MAX, 1, &res), -ENOBUFS);
	assert_int_equal(add(&x, 11, 1, &res), 0); /* joins two */
	assert_int_equal(x.q.count, TCP_ISLANDS_MAX - 1);
	fixture_close(&x);
}

static void test_small_pieces_do_not_pin_large_frames(void **state)
{
	struct fixture x;
	struct tcp_reasm_result res;

	(void)state;
	fixture_open(&x);
	for (uint32_t i = 0; i < 20; i++) {
		struct frame *f = frame_alloc(&x.frames, 60000);

		memset(frame_put(f, 100), 0, 100);
		assert_int_equal(tcp_reasm_add(&x.q, &x.rm, f, f->data, 100, (tcp_seq){ 1000 + 200 * i }, &res), 0);
		frame_unref(f);
	}
	assert_int_equal(x.frames.in_use_bytes, 20 * FRAME_SMALL_BYTES);
	fixture_close(&x);
}

/* A queue read in pieces through a cursor gives what reading from the front gives, also after bytes were consumed. */
static void test_cursor_reads_what_a_walk_reads(void **state)
{
	struct rng rng = { .key = { { 5, 6 } } };
	struct fixture x;
	struct byteq_cursor c = { 0 };
	struct byteq q = { 0 };
	size_t read = 0;

	(void)state;
	fixture_open(&x);
	for (uint32_t i = 0; i < 100000; i++) {
		uint8_t b = byte_at(i);

		byteq_append_copy(&q, &x.bm, &b, 1);
	}
	while (q.bytes > 0) {
		struct iovec a[4], b[4];
		int na, nb;
		size_t want = 1 + rng_below(&rng, 5000);
		size_t got = byteq_iov_from(&q, &c, read, want, a, 4, &na);

		assert_int_equal(byteq_iov(&q, read, want, b, 4, &nb), got);
		assert_int_equal(na, nb);
		assert_memory_equal(a, b, (size_t)na * sizeof(a[0]));
		read += got;
		if (rng_below(&rng, 2) || got == 0) {
			size_t n = got == 0 ? q.bytes : rng_below(&rng, (uint32_t)read + 1);

			byteq_consume(&q, &x.bm, n);
			byteq_cursor_consumed(&c, n);
			read -= read < n ? read : n;
		}
		if (rng_below(&rng, 10) == 0)
			read = 0; /* a retransmission */
	}
	fixture_close(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_pieces_agree_with_a_map_of_bytes),
		cmocka_unit_test(test_taking_from_inside_an_island_skips_what_is_delivered),
		cmocka_unit_test(test_number_of_islands_has_a_limit),
		cmocka_unit_test(test_small_pieces_do_not_pin_large_frames),
		cmocka_unit_test(test_cursor_reads_what_a_walk_reads),
	};

	return cmocka_run_group_tests_name("tcp reassembly", tests, NULL, NULL);
}
