/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "stack/hash.h"
#include "stack/timer.h"

enum { TIMERS = 64 };

struct model {
	struct timer_wheel w;
	struct timer t[TIMERS];
	uint64_t due_us[TIMERS]; /* UINT64_MAX: not set */
	unsigned ran;
	uint64_t now_us;
	struct rng rng;
	bool sets_again;
};

static struct model m;

static uint64_t random_delay(struct rng *r)
{
	static const uint64_t most[] = { 1, 1000, 5000, 70000, 5000000, 300000000, 20000000000ull, 2000000000000ull };

	return rng_u64(r) % most[rng_below(r, 8)];
}

static void fire(struct timer *t, uint64_t now_us)
{
	unsigned i = (unsigned)(t - m.t);

	assert_true(m.due_us[i] <= now_us); /* never before its time, never after it was cancelled */
	assert_int_equal(m.now_us, now_us);
	m.due_us[i] = UINT64_MAX;
	m.ran++;
	if (m.sets_again && rng_below(&m.rng, 3) == 0) { /* a timer may set and cancel any, itself included */
		unsigned other = rng_below(&m.rng, TIMERS);

		if (rng_below(&m.rng, 2)) {
			m.due_us[other] = now_us + 1 + random_delay(&m.rng);
			timer_set(&m.w, &m.t[other], m.due_us[other]);
		} else {
			m.due_us[other] = UINT64_MAX;
			timer_cancel(&m.t[other]);
		}
	}
}

static uint64_t earliest(void)
{
	uint64_t at = UINT64_MAX;

	for (unsigned i = 0; i < TIMERS; i++)
		if (m.due_us[i] < at)
			at = m.due_us[i];
	return at;
}

static void start(uint64_t seed, uint64_t now_us)
{
	memset(&m, 0, sizeof(m));
	m.rng.key.k[0] = seed;
	m.now_us = now_us;
	timer_wheel_init(&m.w, now_us);
	for (unsigned i = 0; i < TIMERS; i++) {
		timer_init(&m.t[i], fire);
		m.due_us[i] = UINT64_MAX;
	}
}

static void test_random_operations_agree_with_a_list_of_deadlines(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		start(seed, seed % 3 ? rng_u64(&(struct rng){ .key.k[0] = seed }) >> 12 : 0);
		m.sets_again = seed % 2;
		for (int step = 0; step < 1500; step++) {
			unsigned i = rng_below(&m.rng, TIMERS);

			switch (rng_below(&m.rng, 4)) {
			case 0:
			case 1:
				m.due_us[i] = m.now_us + random_delay(&m.rng);
				timer_set(&m.w, &m.t[i], m.due_us[i]);
				break;
			case 2:
				m.due_us[i] = UINT64_MAX;
				timer_cancel(&m.t[i]);
				break;
			case 3:
				m.now_us += random_delay(&m.rng);
				timer_wheel_run(&m.w, m.now_us);
				assert_true(earliest() > m.now_us || m.sets_again);
				break;
			}
			assert_int_equal(timer_is_pending(&m.t[i]), m.due_us[i] != UINT64_MAX);
			assert_true(timer_wheel_next_us(&m.w) <= earliest());
		}
	}
}

/* As the daemon drives it: sleeping until timer_wheel_next_us(), again and again, each timer runs exactly at its deadline. */
static void test_sleeping_until_next_runs_each_timer_at_its_deadline(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		unsigned wakes = 0;

		start(seed, 12345678);
		for (unsigned i = 0; i < TIMERS; i++) {
			m.due_us[i] = m.now_us + random_delay(&m.rng);
			timer_set(&m.w, &m.t[i], m.due_us[i]);
		}
		while (timer_wheel_next_us(&m.w) != UINT64_MAX) {
			uint64_t at = earliest();

			assert_true(timer_wheel_next_us(&m.w) <= at);
			if (timer_wheel_next_us(&m.w) > m.now_us)
				m.now_us = timer_wheel_next_us(&m.w);
			timer_wheel_run(&m.w, m.now_us);
			assert_true(earliest() > m.now_us);
			assert_in_range(++wakes, 1, TIMERS * (TIMER_LEVELS + 12)); /* moving down costs few wake-ups */
		}
		assert_int_equal(m.ran, TIMERS);
	}
}

static void set_again(struct timer *t, uint64_t now_us)
{
	m.ran++;
	assert_true(m.ran < 100);
	timer_set(&m.w, t, now_us); /* due at once */
}

static void test_timer_that_sets_itself_to_now_does_not_run_for_ever(void **state)
{
	(void)state;
	start(1, 5000);
	timer_init(&m.t[0], set_again);
	timer_set(&m.w, &m.t[0], 5000);
	timer_wheel_run(&m.w, 5000);
	assert_int_equal(m.ran, 1);
	timer_wheel_run(&m.w, 5000);
	assert_int_equal(m.ran, 2);
	timer_wheel_run(&m.w, 50000000);
	assert_in_range(m.ran, 3, 4); /* at the tick where time stood, and where it stands now */
	assert_true(timer_wheel_next_us(&m.w) <= 50000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_operations_agree_with_a_list_of_deadlines),
		cmocka_unit_test(test_sleeping_until_next_runs_each_timer_at_its_deadline),
		cmocka_unit_test(test_timer_that_sets_itself_to_now_does_not_run_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
