/* SPDX-License-Identifier: BSD-2-Clause */
/* daemon.h - everything that one tapird is. Each file owns its part. */
#ifndef TAPIR_DAEMON_DAEMON_H
#define TAPIR_DAEMON_DAEMON_H

#include "capture.h"
#include "channel.h"
#include "config.h"
#include "control.h"
#include "counters.h"
#include "lease.h"
#include "log.h"
#include "loop.h"
#include "netlink.h"
#include "stack/stack.h"
#include "tap.h"
#include "tombstone.h"
#include "user.h"

struct daemon {
	int argc; /* as it was started: reload() reads them again */
	char **argv;
	int start_dir; /* O_PATH: what relative paths in them mean */
	struct config config;
	struct log log;
	int epoll_fd;
	bool stop;
	int stop_status;     /* what to exit with */
	uint64_t now_us;     /* of this turn */
	uint64_t realtime_offset_ns, realtime_refreshed_us;
	uint64_t counters[COUNTER_COUNT];

	struct stack *st;
	struct frame_out out;
	struct tap taps[CONFIG_LINKS_MAX];
	int tap_count;
	struct source link_source, signal_source;
	bool is_ready; /* and has said so */
	uint64_t ready_by_us; /* when that is said even without an address */
	struct lease_file leases;
	uint64_t dhcp_in_seen; /* messages that were looked at for new leases */

	uint32_t owner_uid; /* who started it: privileged, like uid 0 */
	uint32_t uid;	    /* what it runs as */
	uint32_t fds_max;
	struct users users;
	struct channels channels;
	struct tombstones tombstones;
	struct control control;
	struct captures captures;
	struct netlinks netlinks;
};

/* The TAP of the stack's link @ifindex; links are added in the order of the TAPs, behind the loopback. */
static inline struct tap *daemon_tap(struct daemon *d, uint32_t ifindex)
{
	return &d->taps[ifindex - 2];
}

/* The present time for people, in nanoseconds since the epoch. */
static inline uint64_t daemon_epoch_ns(const struct daemon *d, uint64_t monotonic_us)
{
	return d->realtime_offset_ns + monotonic_us * 1000;
}

#endif
