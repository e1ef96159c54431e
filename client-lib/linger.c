/* SPDX-License-Identifier: BSD-2-Clause */
#include "client-lib/linger.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "client-lib/hint.h"
#include "client-lib/sock.h"

enum { RESETS = 1, SECONDS_MAX = 32767, PAUSE_FIRST_NS = 250000, PAUSE_LAST_NS = 16000000 };

/* Process-wide, as descriptors are. RESETS, or that and the seconds. */
static _Atomic uint16_t notes[HINT_FDS_MAX];

void linger_note(int fd, int level, int name, const void *value, socklen_t len)
{
	struct linger linger;
	uint16_t note = 0;

	if (level != SOL_SOCKET || name != SO_LINGER || len < sizeof(linger) || (unsigned)fd >= HINT_FDS_MAX)
		return;
	memcpy(&linger, value, sizeof(linger));
	if (linger.l_onoff)
		note = (uint16_t)(RESETS + (linger.l_linger < 0 || linger.l_linger > SECONDS_MAX ? SECONDS_MAX : linger.l_linger));
	atomic_store_explicit(&notes[fd], note, memory_order_relaxed);
}

static int64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool linger_begin(int fd, struct linger_close *l)
{
	int saved_errno = errno;
	uint16_t note;
	bool is_ours;

	if ((unsigned)fd >= HINT_FDS_MAX || !atomic_load_explicit(&notes[fd], memory_order_relaxed))
		return false;
	note = atomic_exchange_explicit(&notes[fd], 0, memory_order_relaxed);
	*l = (struct linger_close){ 0 };
	if (note == RESETS)
		return true;
	l->end_ms = clock_ms() + (int64_t)(note - RESETS) * 1000;
	is_ours = hint_is_ours(fd) && sock_ask_int(TAPIR_OP_LINGER, fd, &l->id) == 0;
	errno = saved_errno;
	return is_ours;
}

/* The hang-up was there before this request, so the daemon takes note of it in the same turn at the latest, and serves whatever anybody
 * asks after the answer in a later one. */
static void wait_for_look(void)
{
	struct tapir_hello hello;

	control_request(TAPIR_OP_HELLO, NULL, 0, -1, &hello, sizeof(hello), NULL);
}

static bool lingers(int64_t id)
{
	struct tapir_int v = { .value = id }, answer = { 0 };
	ssize_t n = control_request(TAPIR_OP_LINGERS, &v, sizeof(v), -1, &answer, sizeof(answer), NULL);

	return n == (ssize_t)sizeof(answer) && answer.value;
}

void linger_end(const struct linger_close *l)
{
	struct timespec pause = { .tv_nsec = PAUSE_FIRST_NS };
	int saved_errno = errno;

	if (!l->id)
		wait_for_look();
	while (l->id && lingers(l->id) && clock_ms() < l->end_ms && nanosleep(&pause, NULL) == 0)
		if (pause.tv_nsec < PAUSE_LAST_NS)
			pause.tv_nsec *= 2;
	errno = saved_errno;
}
