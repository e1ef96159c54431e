/* SPDX-License-Identifier: BSD-2-Clause */
/* loop.h - the event loop: sleeps until a descriptor or a deadline of the stack needs it, then takes one turn.
 * One turn: one clock reading; what is ready is noted; a batch of frames goes in; timers; then bytes move between sockets and
 * clients, and packets go out, until there is nothing left to do at this moment.
 * Promises: no wake-up without a cause; no source of work starves another (everything has a budget a turn).
 * Descriptors are watched edge-triggered unless they say otherwise, so that the steady state needs no epoll_ctl(2). */
#ifndef TAPIR_DAEMON_LOOP_H
#define TAPIR_DAEMON_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct daemon;

/* Something with a descriptor: embedded in what it stands for. */
struct source {
	int fd;
	uint32_t events; /* watched: EPOLL* */
	bool is_after;	 /* of what is ready at once, it comes after what has this not: a request after the close() before it */
	void (*on_ready)(struct daemon *d, struct source *s, uint32_t events);
};

/* 0 or -errno. */
int loop_open(struct daemon *d);
int loop_add(struct daemon *d, struct source *s, uint32_t events);
void loop_watch(struct daemon *d, struct source *s, uint32_t events); /* change what is watched; no call when it is that already */
void loop_remove(struct daemon *d, struct source *s);

/* Until d->stop is set. */
void loop_run(struct daemon *d);

/* One turn that sleeps at most until @until_us. */
void loop_turn(struct daemon *d, uint64_t until_us);

uint64_t loop_clock_us(void);

#endif
