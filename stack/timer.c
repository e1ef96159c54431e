/* SPDX-License-Identifier: BSD-2-Clause */
#include "timer.h"

enum { TICK_SHIFT = 10, SLOT_SHIFT = 6 };

static unsigned level_shift(unsigned level)
{
	return level * SLOT_SHIFT;
}

void timer_wheel_init(struct timer_wheel *w, uint64_t now_us)
{
	w->tick = now_us >> TICK_SHIFT;
	for (unsigned level = 0; level < TIMER_LEVELS; level++) {
		w->occupied[level] = 0;
		for (unsigned slot = 0; slot < TIMER_SLOTS; slot++)
			list_init(&w->slots[level][slot]);
	}
}

void timer_init(struct timer *t, void (*fn)(struct timer *t, uint64_t now_us))
{
	list_init(&t->link);
	t->fn = fn;
	t->deadline_us = 0;
}

/* The lowest level at which @tick is less than one turn ahead. Past the top level's horizon (12 days) a timer waits
 * in the top level's furthest slot and is filed again from there. */
static void wheel_file(struct timer_wheel *w, struct timer *t)
{
	uint64_t tick = t->deadline_us >> TICK_SHIFT;
	unsigned level = 0, slot;

	if (tick < w->tick)
		tick = w->tick;
	while (level < TIMER_LEVELS - 1 &&
	       (tick >> level_shift(level)) - (w->tick >> level_shift(level)) >= TIMER_SLOTS)
		level++;
	if ((tick >> level_shift(level)) - (w->tick >> level_shift(level)) >= TIMER_SLOTS)
		tick = w->tick + ((uint64_t)(TIMER_SLOTS - 1) << level_shift(level));
	slot = (tick >> level_shift(level)) % TIMER_SLOTS;
	w->occupied[level] |= 1ULL << slot;
	list_append(&w->slots[level][slot], &t->link);
}

void timer_set(struct timer_wheel *w, struct timer *t, uint64_t deadline_us)
{
	list_remove(&t->link);
	t->deadline_us = deadline_us;
	wheel_file(w, t);
}

void timer_cancel(struct timer *t)
{
	list_remove(&t->link);
}

static struct timer *timer_of(struct list *node)
{
	return container_of(node, struct timer, link);
}

/* How many slots past the current one the first occupied slot of @level is; -1 when the level is empty. Slots that
 * were emptied by timer_cancel() are forgotten here. */
static int first_occupied(struct timer_wheel *w, unsigned level)
{
	unsigned current = (w->tick >> level_shift(level)) % TIMER_SLOTS;

	while (w->occupied[level]) {
		uint64_t bits = w->occupied[level];
		uint64_t turned = current ? bits >> current | bits << (TIMER_SLOTS - current) : bits;
		int ahead = __builtin_ctzll(turned);
		unsigned slot = (current + (unsigned)ahead) % TIMER_SLOTS;

		if (!list_is_empty(&w->slots[level][slot]))
			return ahead;
		w->occupied[level] &= ~(1ULL << slot);
	}
	return -1;
}

uint64_t timer_wheel_next_us(struct timer_wheel *w)
{
	uint64_t next_us = UINT64_MAX;

	for (unsigned level = 0; level < TIMER_LEVELS; level++) {
		int ahead = first_occupied(w, level);
		uint64_t tick, at_us;

		if (ahead < 0)
			continue;
		tick = (w->tick >> level_shift(level)) + (uint64_t)ahead;
		at_us = (tick << level_shift(level)) << TICK_SHIFT;
		if (level == 0) { /* exact: look at the timers themselves */
			struct list *slot = &w->slots[0][tick % TIMER_SLOTS];

			at_us = UINT64_MAX;
			for (struct list *n = slot->next; n != slot; n = n->next)
				if (timer_of(n)->deadline_us < at_us)
					at_us = timer_of(n)->deadline_us;
		}
		if (at_us < next_us)
			next_us = at_us;
	}
	return next_us;
}

/* Move what is in the current slot of each upper level down, as far as it goes. */
static void wheel_cascade(struct timer_wheel *w)
{
	for (unsigned level = TIMER_LEVELS - 1; level > 0; level--) {
		unsigned slot = (w->tick >> level_shift(level)) % TIMER_SLOTS;
		struct list *from = &w->slots[level][slot], moving, *n;

		if (list_is_empty(from))
			continue;
		list_init(&moving);
		while ((n = list_pop(from)))
			list_append(&moving, n);
		w->occupied[level] &= ~(1ULL << slot);
		while ((n = list_pop(&moving)))
			wheel_file(w, timer_of(n));
	}
}

/* Run the due timers of the current tick's slot. A timer function may set or cancel any timer, its own included: due
 * ones are moved to a list of their own first, and one set again to a time in the past runs in the next turn of the wheel
 * (the last tick of this call, or the next call). */
static void wheel_run_slot(struct timer_wheel *w, uint64_t now_us)
{
	struct list *slot = &w->slots[0][w->tick % TIMER_SLOTS], due, *n, *next;

	list_init(&due);
	for (n = slot->next; n != slot; n = next) {
		next = n->next;
		if (timer_of(n)->deadline_us <= now_us) {
			list_remove(n);
			list_append(&due, n);
		}
	}
	while ((n = list_pop(&due)))
		timer_of(n)->fn(timer_of(n), now_us);
}

void timer_wheel_run(struct timer_wheel *w, uint64_t now_us)
{
	uint64_t target = now_us >> TICK_SHIFT;

	for (;;) {
		uint64_t next_tick;

		wheel_cascade(w);
		wheel_run_slot(w, now_us);
		if (w->tick >= target)
			return;
		/* Jump over the empty ticks. What the slot just run holds now was set by its timers: it is due in the past. */
		next_tick = timer_wheel_next_us(w) >> TICK_SHIFT;
		if (next_tick <= w->tick)
			next_tick = w->tick + 1;
		if (next_tick > target)
			next_tick = target;
		while (!list_is_empty(&w->slots[0][w->tick % TIMER_SLOTS])) {
			struct timer *t = timer_of(list_pop(&w->slots[0][w->tick % TIMER_SLOTS]));

			list_prepend(&w->slots[0][next_tick % TIMER_SLOTS], &t->link);
			w->occupied[0] |= 1ULL << next_tick % TIMER_SLOTS;
		}
		w->tick = next_tick;
	}
}
