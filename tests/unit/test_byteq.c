/* SPDX-License-Identifier: BSD-2-Clause */
/* Stream queues against a plain buffer, with memory that runs out now and then; and the pools and frames they draw from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "stack/byteq.h"
#include "stack/hash.h"
#include "tests/lib/bed.h"

enum { MODEL_BYTES = 1 << 20, STEPS = 4000 };

struct model {
	struct bed_mem bed_mem;
	struct mem mem;
	struct frame_pool frames;
	struct pool slices;
	struct byteq_mem bm;
	struct byteq q;
	uint64_t exhausted;
	struct rng rng;
	uint8_t *bytes;
	size_t len;
	uint32_t next; /* the next byte's value */
};

static uint8_t model_bytes[MODEL_BYTES];
static struct model m;

static void start(uint64_t seed, size_t bytes_max)
{
	memset(&m, 0, sizeof(m));
	m.mem = (struct mem){ .ctx = &m.bed_mem, .alloc = bed_mem_alloc, .free = bed_mem_free };
	frame_pool_init(&m.frames, &m.mem, bytes_max, &m.exhausted);
	pool_init(&m.slices, &m.mem, byteq_slice_bytes(), UINT32_MAX);
	m.bm = (struct byteq_mem){ &m.frames, &m.slices };
	m.rng.key.k[0] = seed;
	m.bytes = model_bytes;
}

static void finish(void)
{
	byteq_clear(&m.q, &m.bm);
	assert_int_equal(m.q.bytes, 0);
	assert_int_equal(m.q.held_bytes, 0);
	assert_int_equal(m.slices.used, 0);
	assert_int_equal(m.frames.in_use_bytes, 0);
	frame_pool_fini(&m.frames);
	pool_fini(&m.slices);
	assert_int_equal(m.mem.used_bytes, 0);
	assert_int_equal(m.bed_mem.used_bytes, 0);
}

static void put_next(uint8_t *to, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = m.bytes[m.len + i] = (uint8_t)((m.next + i) * 2654435761u >> 13);
}

static void added(size_t n)
{
	m.len += n;
	m.next += (uint32_t)n;
}

static size_t random_size(void)
{
	static const uint32_t most[] = { 10, 2000, 70000 };

	return 1 + rng_below(&m.rng, most[rng_below(&m.rng, 3)]);
}

static void do_reserve(void)
{
	struct iovec iov[5];
	size_t want = random_size(), room = 0, use;
	int n = byteq_reserve(&m.q, &m.bm, want, iov, 1 + (int)rng_below(&m.rng, 5));

	for (int i = 0; i < n; i++)
		room += iov[i].iov_len;
	assert_true(room <= want);
	use = room > 0 ? rng_below(&m.rng, (uint32_t)room + 1) : 0;
	for (int i = 0; i < n && use > 0; i++) {
		size_t take = iov[i].iov_len < use ? iov[i].iov_len : use;

		put_next(iov[i].iov_base, take);
		added(take);
		use -= take;
	}
	use = 0;
	use = m.len - m.q.bytes;
	byteq_commit(&m.q, &m.bm, use);
}

static void do_append_copy(void)
{
	static uint8_t data[70000];
	size_t n = random_size(), got;

	put_next(data, n);
	got = byteq_append_copy(&m.q, &m.bm, data, n);
	assert_true(got <= n);
	added(got);
}

static void do_append_frame(void)
{
	size_t n = random_size(), at;
	struct frame *f = frame_alloc(&m.frames, n > 60000 ? 60000 : n);

	if (!f)
		return;
	n = n > 60000 ? 60000 : n;
	frame_put(f, n);
	at = rng_below(&m.rng, (uint32_t)n);
	put_next(f->data + at, n - at);
	if (byteq_append_frame(&m.q, &m.bm, f, f->data + at, n - at) == 0)
		added(n - at);
	frame_unref(f);
}

static void do_consume(void)
{
	size_t n = rng_below(&m.rng, m.q.bytes + 1);

	byteq_consume(&m.q, &m.bm, n);
	memmove(m.bytes, m.bytes + n, m.len - n);
	m.len -= n;
}

/* What any part of the queue describes is the model's bytes. */
static void check(void)
{
	struct iovec iov[16];
	size_t offset = m.len > 0 ? rng_below(&m.rng, (uint32_t)m.len) : 0, n = random_size(), got, sum = 0;
	int iovcnt, max = 1 + (int)rng_below(&m.rng, 16);

	assert_int_equal(m.q.bytes, m.len);
	got = byteq_iov(&m.q, offset, n, iov, max, &iovcnt);
	assert_true(iovcnt <= max);
	assert_true(got <= n && got <= m.len - offset);
	for (int i = 0; i < iovcnt; i++) {
		assert_memory_equal(iov[i].iov_base, m.bytes + offset + sum, iov[i].iov_len);
		sum += iov[i].iov_len;
	}
	assert_int_equal(sum, got);
	if (iovcnt < max)
		assert_int_equal(got, n < m.len - offset ? n : m.len - offset);
}

static void run(uint64_t seed, size_t bytes_max, bool failing)
{
	start(seed, bytes_max);
	for (int step = 0; step < STEPS; step++) {
		if (failing && rng_below(&m.rng, 10) == 0) {
			m.bed_mem.fail_at = m.bed_mem.allocs + 1;
			m.bed_mem.fail_once = rng_below(&m.rng, 2);
		} else if (failing) {
			m.bed_mem.fail_at = 0;
		}
		switch (rng_below(&m.rng, m.len > MODEL_BYTES - 150000 ? 2 : 6)) {
		case 0:
			do_consume();
			break;
		case 1:
			byteq_compact(&m.q, &m.bm);
			if (!failing && bytes_max > MODEL_BYTES * 8)
				assert_true(m.q.held_bytes <= 2 * m.q.bytes + 2 * FRAME_LARGE_BYTES);
			break;
		case 2:
			do_reserve();
			break;
		case 3:
			do_append_copy();
			break;
		default:
			do_append_frame();
			break;
		}
		check();
	}
	finish();
}

static void test_random_operations_agree_with_a_plain_buffer(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++)
		run(seed, (size_t)1 << 30, false);
}

static void test_nothing_is_lost_when_allocations_fail(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++)
		run(seed, (size_t)1 << 30, true);
}

static void test_nothing_is_lost_when_the_frame_pool_is_exhausted(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++) {
		run(seed, 300000, false);
		assert_true(m.exhausted > 0);
	}
}

static void test_empty_queue_holds_no_buffer(void **state)
{
	(void)state;
	start(1, 1 << 20);
	assert_int_equal(byteq_append_copy(&m.q, &m.bm, "hello", 5), 5);
	assert_int_equal(m.q.held_bytes, FRAME_SMALL_BYTES);
	byteq_consume(&m.q, &m.bm, 5);
	assert_int_equal(m.frames.in_use_bytes, 0);
	finish();
}

static void test_hundred_bytes_do_not_pin_a_large_frame(void **state)
{
	struct frame *f;

	(void)state;
	start(1, 1 << 20);
	f = frame_alloc(&m.frames, 60000);
	frame_put(f, 60000);
	assert_int_equal(byteq_append_frame(&m.q, &m.bm, f, f->data + 100, 100), 0);
	frame_unref(f);
	assert_int_equal(m.q.held_bytes, FRAME_LARGE_BYTES);
	byteq_compact(&m.q, &m.bm);
	assert_int_equal(m.q.bytes, 100);
	assert_int_equal(m.q.held_bytes, FRAME_SMALL_BYTES);
	finish();
}

/* ---- Pools and frames ---------------------------------------------------------------------------------------------- */

static void test_pool_keeps_its_maximum_and_returns_zeroed_objects(void **state)
{
	struct bed_mem bm = { 0 };
	struct mem mem = { .ctx = &bm, .alloc = bed_mem_alloc, .free = bed_mem_free };
	struct pool p;
	uint8_t *obj[100], zero[40] = { 0 };

	(void)state;
	pool_init(&p, &mem, sizeof(zero), 100);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 100; i++) {
			obj[i] = pool_get(&p);
			assert_non_null(obj[i]);
			assert_memory_equal(obj[i], zero, sizeof(zero));
			memset(obj[i], i + 1, sizeof(zero));
		}
		assert_null(pool_get(&p));
		assert_int_equal(p.used, 100);
		for (int i = 0; i < 100; i++) {
			assert_int_equal(obj[i][39], i + 1); /* nobody else's */
			pool_put(&p, obj[i]);
		}
	}
	obj[0] = pool_get(&p);
	assert_ptr_equal(obj[0], obj[99]); /* last in, first out */
	pool_put(&p, obj[0]);
	pool_fini(&p);
	assert_int_equal(bm.used_bytes, 0);
}

static void test_pool_without_memory_gives_null_and_recovers(void **state)
{
	struct bed_mem bm = { .fail_at = 1 };
	struct mem mem = { .ctx = &bm, .alloc = bed_mem_alloc, .free = bed_mem_free };
	struct pool p;
	void *obj;

	(void)state;
	pool_init(&p, &mem, 20000, UINT32_MAX); /* larger than a slab */
	assert_null(pool_get(&p));
	bm.fail_at = 0;
	obj = pool_get(&p);
	assert_non_null(obj);
	memset(obj, 1, 20000);
	pool_put(&p, obj);
	pool_fini(&p);
	assert_int_equal(bm.used_bytes, 0);
}

static void test_frame_sizes_fit_what_is_asked_for(void **state)
{
	(void)state;
	start(1, 1 << 20);
	for (size_t n = 0; n <= FRAME_LARGE_BYTES - FRAME_HEADROOM; n += n < 12000 ? 1 : 997) {
		struct frame *f = frame_alloc(&m.frames, n);

		assert_non_null(f);
		assert_int_equal(f->len, 0);
		assert_int_equal(frame_headroom(f), FRAME_HEADROOM);
		assert_true(frame_tailroom(f) >= n);
		assert_int_equal(f->buf_bytes, frame_buf_bytes(n));
		memset(frame_put(f, n), 1, n);
		memset(frame_push(f, FRAME_HEADROOM), 2, FRAME_HEADROOM);
		assert_int_equal(f->len, n + FRAME_HEADROOM);
		frame_unref(f);
	}
	finish();
}

static void test_frame_limit_is_kept_and_counted(void **state)
{
	struct frame *f[3];

	(void)state;
	start(1, 2 * FRAME_SMALL_BYTES);
	f[0] = frame_alloc(&m.frames, 1);
	f[1] = frame_alloc(&m.frames, 1);
	assert_null(frame_alloc(&m.frames, 1));
	assert_int_equal(m.exhausted, 1);
	frame_unref(f[0]);
	f[2] = frame_alloc(&m.frames, 1);
	assert_non_null(f[2]);
	frame_unref(f[1]);
	frame_unref(f[2]);
	finish();
}

static void test_frame_lives_until_its_last_reference_and_takes_its_tail_along(void **state)
{
	struct frame *f, *tail;

	(void)state;
	start(1, 1 << 20);
	f = frame_alloc(&m.frames, 10);
	tail = frame_alloc(&m.frames, 10);
	frame_ref(tail);
	f->tail = tail;
	f->tail_len = 5;
	assert_int_equal(frame_packet_len(f), 5);
	frame_ref(f);
	frame_unref(f);
	assert_int_equal(m.frames.in_use_bytes, 2 * FRAME_SMALL_BYTES);
	frame_unref(f);
	assert_int_equal(m.frames.in_use_bytes, FRAME_SMALL_BYTES);
	frame_unref(tail);
	finish();
}

static void test_frame_queue_is_first_in_first_out_and_counts_buffers(void **state)
{
	struct frame_queue q;
	struct frame *f;

	(void)state;
	start(1, 1 << 20);
	frame_queue_init(&q);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 5; i++) {
			f = frame_alloc(&m.frames, i == 2 ? 20000 : 1);
			*frame_put(f, 1) = (uint8_t)i;
			frame_queue_push(&q, f);
		}
		assert_int_equal(q.count, 5);
		assert_int_equal(q.bytes, 4 * FRAME_SMALL_BYTES + FRAME_LARGE_BYTES);
		for (int i = 0; i < 5; i++) {
			f = frame_queue_pop(&q);
			assert_int_equal(f->data[0], i);
			frame_unref(f);
		}
		assert_null(frame_queue_pop(&q));
		assert_int_equal(q.bytes, 0);
	}
	frame_queue_push(&q, frame_alloc(&m.frames, 1));
	frame_queue_clear(&q);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_operations_agree_with_a_plain_buffer),
		cmocka_unit_test(test_nothing_is_lost_when_allocations_fail),
		cmocka_unit_test(test_nothing_is_lost_when_the_frame_pool_is_exhausted),
		cmocka_unit_test(test_empty_queue_holds_no_buffer),
		cmocka_unit_test(test_hundred_bytes_do_not_pin_a_large_frame),
		cmocka_unit_test(test_pool_keeps_its_maximum_and_returns_zeroed_objects),
		cmocka_unit_test(test_pool_without_memory_gives_null_and_recovers),
		cmocka_unit_test(test_frame_sizes_fit_what_is_asked_for),
		cmocka_unit_test(test_frame_limit_is_kept_and_counted),
		cmocka_unit_test(test_frame_lives_until_its_last_reference_and_takes_its_tail_along),
		cmocka_unit_test(test_frame_queue_is_first_in_first_out_and_counts_buffers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
