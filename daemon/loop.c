/* SPDX-License-Identifier: BSD-2-Clause */
#include "loop.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "daemon.h"
#include "netconf.h"

enum {
	EVENTS_MAX = 128,	/* descriptors a wake-up */
	TAP_BATCH = 32,		/* frames a turn */
	ROUNDS_MAX = 8,		/* of bytes to and fro inside one turn; then the descriptors are asked again */
	REALTIME_REFRESH_US = 1000000,
	RETRY_US = 100000,	/* how soon to try again what lacked a descriptor */
};

uint64_t loop_clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

int loop_open(struct daemon *d)
{
	static const struct timespec at_once;
	struct epoll_event unused;

	d->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (d->epoll_fd < 0 || epoll_pwait2(d->epoll_fd, &unused, 1, &at_once, NULL) < 0)
		return -errno; /* ENOSYS: a kernel before 5.11 */
	return 0;
}

int loop_add(struct daemon *d, struct source *s, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = s };

	s->events = events;
	return epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, s->fd, &e) < 0 ? -errno : 0;
}

void loop_watch(struct daemon *d, struct source *s, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = s };

	if (s->events == events)
		return;
	s->events = events;
	epoll_ctl(d->epoll_fd, EPOLL_CTL_MOD, s->fd, &e); /* cannot fail for a descriptor that was added */
}

void loop_remove(struct daemon *d, struct source *s)
{
	epoll_ctl(d->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
}

/* What the epoch's clock is ahead of ours, in nanoseconds: for time stamps that people see. */
static void refresh_realtime(struct daemon *d)
{
	struct timespec t;

	if (d->realtime_offset_ns && d->now_us - d->realtime_refreshed_us < REALTIME_REFRESH_US)
		return;
	clock_gettime(CLOCK_REALTIME, &t);
	d->realtime_offset_ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec - d->now_us * 1000;
	d->realtime_refreshed_us = d->now_us;
}

static void read_tap(struct daemon *d, struct tap *tap)
{
	int err = 0;

	for (int i = 0; i < TAP_BATCH && tap->is_readable; i++) {
		struct frame *f = tap_read(tap, d->st, &err);

		if (!f) {
			if (err == -ENOBUFS) {
				d->counters[COUNTER_TAP_NO_BUFFER]++;
				tap->is_starved = true;
			}
			if (err != -EINTR)
				tap->is_readable = false;
			continue;
		}
		if (d->captures.count) {
			capture_in_begin(d, f);
			stack_input(d->st, f, d->now_us);
			capture_in_end(d);
		} else {
			stack_input(d->st, f, d->now_us);
		}
	}
}

static void read_frames(struct daemon *d)
{
	for (int i = 0; i < d->tap_count; i++)
		read_tap(d, &d->taps[i]);
}

static void write_frames(struct daemon *d)
{
	while (stack_output(d->st, &d->out, d->now_us)) {
		struct tap *tap = daemon_tap(d, d->out.ifindex);
		int r = tap_write(tap, &d->out);

		if (r < 0) {
			d->counters[COUNTER_TAP_DROP_WRITE]++;
			/* EIO: the device is down, which is the operator's business. The rest would be our own mistake. */
			if (r != -EIO && r != -EAGAIN && r != -ENOBUFS && r != -ENOMEM)
				log_limited(&d->log, LOG_LEVEL_WARNING, "%s: a packet of %u bytes was refused: %s", tap->name, d->out.len,
					    strerror(-r));
		}
		if (d->captures.count)
			capture_out(d, &d->out);
	}
}

static void tell_events(struct daemon *d)
{
	uint32_t events;
	struct sock *s;

	while ((s = stack_next_event(d->st, &events)))
		channel_on_sock_event(d, s, events);
}

static void work(struct daemon *d)
{
	read_frames(d);
	listener_end_parked(d, d->now_us);
	stack_tick(d->st, d->now_us);
	for (int i = 0; i < ROUNDS_MAX; i++) {
		tell_events(d);
		channels_work(d);
		write_frames(d);
		if (!stack_has_events(d->st))
			break;
	}
	captures_flush(d);
	netconf_save_leases(d);
	netlink_notify(d);
	channels_reap(d);
}

static bool has_frames(const struct daemon *d)
{
	for (int i = 0; i < d->tap_count; i++)
		if (d->taps[i].is_readable)
			return true;
	return false;
}

static bool is_busy(const struct daemon *d)
{
	return has_frames(d) || channels_have_work(d) || stack_has_events(d->st);
}

static bool is_starved(const struct daemon *d)
{
	for (int i = 0; i < d->tap_count; i++)
		if (d->taps[i].is_starved)
			return true;
	return false;
}

static bool is_reattaching(const struct daemon *d)
{
	for (int i = 0; i < d->tap_count; i++)
		if (d->taps[i].reattach_by_us)
			return true;
	return false;
}

/* Something waits for descriptors, buffers or devices, which may come back without our knowing. */
static bool is_short(const struct daemon *d)
{
	return d->control.is_paused || is_starved(d) || channels_are_stalled(d) || is_reattaching(d);
}

static void retry_short(struct daemon *d)
{
	for (int i = 0; i < d->tap_count; i++) {
		d->taps[i].is_readable |= d->taps[i].is_starved;
		d->taps[i].is_starved = false;
	}
	netconf_retry_devices(d);
	control_resume(d);
	channels_retry_stalled(d);
}

static int wait_events(struct daemon *d, struct epoll_event *events, uint64_t until_us)
{
	uint64_t deadline_us = stack_next_deadline_us(d->st), now_us;
	struct timespec timeout = { 0 };

	if (is_busy(d))
		return epoll_pwait2(d->epoll_fd, events, EVENTS_MAX, &timeout, NULL);
	if (deadline_us > until_us)
		deadline_us = until_us;
	if (deadline_us > listener_parked_until_us(d))
		deadline_us = listener_parked_until_us(d);
	if (is_short(d) && deadline_us > d->now_us + RETRY_US)
		deadline_us = d->now_us + RETRY_US;
	if (deadline_us == UINT64_MAX)
		return epoll_pwait2(d->epoll_fd, events, EVENTS_MAX, NULL, NULL);
	now_us = d->now_us;
	if (deadline_us > now_us) {
		timeout.tv_sec = (time_t)((deadline_us - now_us) / 1000000);
		timeout.tv_nsec = (long)((deadline_us - now_us) % 1000000) * 1000;
	}
	return epoll_pwait2(d->epoll_fd, events, EVENTS_MAX, &timeout, NULL);
}

/* epoll tells what is ready in no order that means anything. Who is called may free what it stands for, so everybody is looked at first. */
static void dispatch(struct daemon *d, const struct epoll_event *events, int n)
{
	bool is_after[EVENTS_MAX];

	for (int i = 0; i < n; i++)
		is_after[i] = ((const struct source *)events[i].data.ptr)->is_after;
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < n; i++) {
			struct source *s = events[i].data.ptr;

			if (is_after[i] == (pass == 1))
				s->on_ready(d, s, events[i].events);
		}
	}
}

void loop_turn(struct daemon *d, uint64_t until_us)
{
	struct epoll_event events[EVENTS_MAX];
	int n = wait_events(d, events, until_us);

	d->now_us = loop_clock_us();
	d->log.now_us = d->now_us;
	d->counters[COUNTER_LOOP_WAKEUPS]++;
	refresh_realtime(d);
	if (n == 0 && is_short(d))
		retry_short(d);
	dispatch(d, events, n);
	work(d);
}

void loop_run(struct daemon *d)
{
	while (!d->stop)
		loop_turn(d, UINT64_MAX);
}
