/* SPDX-License-Identifier: BSD-2-Clause */
/* timer.h - a hierarchical timing wheel: set, move and cancel in O(1), whatever the number of timers.
 * Promises: a timer runs once, in the first timer_wheel_run() whose time is at or past its deadline, never before;
 *           timer_wheel_next_us() is never later than the earliest deadline (it may be earlier, when timers must
 *           move down a level, and then the run there does only that).
 * Needs:    times in microseconds that never go back.
 * Timers that fall due together run in no particular order within about a millisecond.
 *
 * Level 0 has one slot per tick of 1024 us; each level above has slots as long as the whole level below. A timer is
 * filed at the lowest level whose horizon holds it, and moves down when time reaches its slot. */
#ifndef TAPIR_STACK_TIMER_H
#define TAPIR_STACK_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "list.h"

struct timer {
	struct list link;
	uint64_t deadline_us;
	void (*fn)(struct timer *t, uint64_t now_us);
};

enum { TIMER_LEVELS = 5, TIMER_SLOTS = 64 };

struct timer_wheel {
	uint64_t tick; /* slots of earlier ticks are empty at every level */
	uint64_t occupied[TIMER_LEVELS];
	struct list slots[TIMER_LEVELS][TIMER_SLOTS];
};

void timer_wheel_init(struct timer_wheel *w, uint64_t now_us);
void timer_wheel_run(struct timer_wheel *w, uint64_t now_us);
uint64_t timer_wheel_next_us(struct timer_wheel *w); /* UINT64_MAX: none */

void timer_init(struct timer *t, void (*fn)(struct timer *t, uint64_t now_us));
void timer_set(struct timer_wheel *w, struct timer *t, uint64_t deadline_us); /* moves a pending timer */
void timer_cancel(struct timer *t);						  /* harmless when not pending */

static inline bool timer_is_pending(const struct timer *t)
{
	return list_is_linked(&t->link);
}

#endif
