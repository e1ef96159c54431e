/* SPDX-License-Identifier: BSD-2-Clause */
/* link.h - links, their output queues, and the loopback.
 * A link is a name, an MTU and a queue of frames that are ready to go out. Interface 1 is always the loopback "lo", whose
 * packets never leave: they wait in a queue of their own until link_run_loopback() hands them to the input path.
 * Promises: queues are bounded in frames and bytes; what does not fit is dropped and counted. Links are never removed, so a
 *           struct link stays where it is until the stack closes.
 * Never:    looks into a packet beyond its offload description and, on bare IP links, the version. */
#ifndef TAPIR_STACK_LINK_H
#define TAPIR_STACK_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "mcast_report.h"
#include "ipv4ll.h"
#include "nd_link.h"
#include "stack.h"

struct link {
	struct link_config config;
	uint32_t ifindex;
	uint64_t in_frames, out_frames, in_bytes, out_bytes, drops;
	bool is_down; /* switched off, or without carrier */
	bool is_ip6_off; /* another host has our link-local address (RFC 4862 section 5.4.5) */
	struct nd_link nd;
	struct frame_queue out;
	struct mcast_if igmp, mld; /* what it listens to */
	struct ipv4ll ipv4ll;
	uint32_t device_mtu, mtu_limit; /* config.mtu is the smaller one; 0: no limit */
};

enum { LINK_LOOPBACK_IFINDEX = 1, LINK_COUNT_MAX = 32 };

struct link_table {
	struct link *links[LINK_COUNT_MAX]; /* of interface i at [i - 1] */
	uint32_t count;
	uint32_t turn; /* the link to look at first when output is asked for */
	struct frame_queue loop;
};

int link_table_init(struct stack *st); /* 0 or -ENOBUFS */
void link_table_fini(struct stack *st);
int link_add_loopback(struct stack *st);

struct link *link_by_ifindex(struct stack *st, uint32_t ifindex); /* NULL: none */

/* Somebody on the network wants smaller packets than the device takes (DHCP); 0: nobody does. */
void link_limit_mtu(struct stack *st, struct link *l, uint32_t limit);

/* Whether packets of IPv6 may use the link: its device's MTU is at least 1280 (RFC 8200 section 5), and its own address is its own. */
bool link_has_ip6(const struct link *l);

void link_input(struct stack *st, struct frame *f);	     /* takes over the reference */
bool link_next_out(struct stack *st, struct frame_out *out); /* the oldest queued packet of a link, the links in turn */
bool link_run_loopback(struct stack *st);		     /* input what was looped back; false: there was nothing */

/* Queue a whole frame, link header included. Takes over the reference. 0 or -ENOBUFS. */
int link_enqueue(struct stack *st, struct link *l, struct frame *f);

/* Hand a packet (the window begins with its IP header) to this stack's own input, as if it had come in on @ifindex: the loopback, or the
 * link that our own packet to a group or broadcast address goes out of. Takes over the reference. 0 or -ENOBUFS. */
int link_loop(struct stack *st, struct frame *f, uint32_t ifindex);

/* Count a packet that goes out past the queue. */
void link_count_out(struct stack *st, struct link *l, uint32_t bytes, bool is_gso);

#endif
