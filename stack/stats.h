/* SPDX-License-Identifier: BSD-2-Clause */
/* stats.h - every counter of the stack, in one list: what it counts and why a packet was dropped.
 * A name is PROTOCOL.EVENT or PROTOCOL.drop.REASON. Names are an interface: `tapir stats` and tests show them. To add
 * one, add a line here and call stat_count() or stat_drop(). */
#ifndef TAPIR_STACK_STATS_H
#define TAPIR_STACK_STATS_H

#include <stdint.h>

/* X(enumerator, name, what it counts) */
#define STATS_LIST(X)                                                                                                  \
	X(NONE, "none", "never counted: stands for no reason")                                                         \
	/* memory */                                                                                                   \
	X(MEM_FRAMES_EXHAUSTED, "mem.frames_exhausted", "packet buffers refused: limit reached or no memory")          \
	X(MEM_OBJECTS_EXHAUSTED, "mem.objects_exhausted", "table entries or sockets refused: limit or no memory")      \
	/* links */                                                                                                    \
	X(LINK_IN, "link.in", "frames received")                                                                       \
	X(LINK_OUT, "link.out", "frames sent")                                                                         \
	X(LINK_IN_BYTES, "link.in_bytes", "bytes received")                                                            \
	X(LINK_OUT_BYTES, "link.out_bytes", "bytes sent")                                                              \
	X(LINK_IN_GSO, "link.in_gso", "super-segments received")                                                       \
	X(LINK_OUT_GSO, "link.out_gso", "super-segments sent")                                                         \
	X(LINK_DROP_OFFLOAD, "link.drop.offload", "offload description does not fit the frame")                        \
	X(LINK_DROP_QUEUE_FULL, "link.drop.queue_full", "output queue full")                                           \
	/* Ethernet */                                                                                                 \
	X(ETH_DROP_SHORT, "eth.drop.short", "frame shorter than its Ethernet header")                                  \
	X(ETH_DROP_OTHER_HOST, "eth.drop.other_host", "unicast destination is not ours")                               \
	X(ETH_DROP_SOURCE, "eth.drop.source", "source address is a group address or our own")                          \
	X(ETH_DROP_TYPE, "eth.drop.type", "EtherType not spoken here")

enum stack_stat {
#define STAT_ENUM(id, name, text) STAT_##id,
	STATS_LIST(STAT_ENUM)
#undef STAT_ENUM
	STAT_COUNT
};

const char *stat_name(enum stack_stat id);
const char *stat_text(enum stack_stat id); /* what it counts, for people */

#endif
