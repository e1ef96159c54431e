/* SPDX-License-Identifier: BSD-2-Clause */
/* counters.h - what the daemon itself counts, beside the engine's counters (stack/stats.h). `tapir stats` shows both. */
#ifndef TAPIR_DAEMON_COUNTERS_H
#define TAPIR_DAEMON_COUNTERS_H

/* X(enumerator, name, what it counts) */
#define COUNTERS_LIST(X)                                                                                               \
	X(LOOP_WAKEUPS, "daemon.wakeups", "times that the event loop woke up")                                         \
	X(TAP_DROP_WRITE, "tap.drop.write", "packets that the TAP refused")                                            \
	X(TAP_NO_BUFFER, "tap.no_buffer", "times that frames stayed in the TAP for want of a buffer")             \
	X(CONTROL_CLIENTS, "control.clients", "control connections accepted")                                          \
	X(CONTROL_REQUESTS, "control.requests", "requests read")                                                       \
	X(CONTROL_DROP_GARBAGE, "control.drop.garbage", "control connections closed because of what they sent")        \
	X(CONTROL_DROP_SLOW, "control.drop.slow", "control connections closed because they did not read replies")      \
	X(CONTROL_DROP_LIMIT, "control.drop.limit", "control connections refused: too many")                           \
	X(CHANNEL_OPENED, "channel.opened", "sockets handed to clients")                                               \
	X(CHANNEL_CLOSED, "channel.closed", "sockets that clients gave up, or that failed")                            \
	X(CHANNEL_REFUSED_LIMIT, "channel.refused.limit", "sockets refused: the user holds too many")                  \
	X(CHANNEL_REFUSED_FD, "channel.refused.fd", "sockets refused or accepts delayed: no file descriptor or memory") \
	X(LISTEN_RETURNED, "listen.returned", "connections handed out again: who accepted had no descriptor left")      \
	X(LISTEN_RESET, "listen.reset", "connections reset because their listener closed before they were accepted")   \
	X(DGRAM_DROP_UNFRAMED, "dgram.drop.unframed", "datagrams from a client without address on an unconnected socket") \
	X(DGRAM_DROP_MALFORMED, "dgram.drop.malformed", "datagrams from a client behind a wrong header")               \
	X(DGRAM_DROP_TRUNCATED, "dgram.drop.truncated", "datagrams from a client too long to be sent")                 \
	X(DGRAM_DROP_SEND, "dgram.drop.send", "datagrams from a client that the stack refused to send")                \
	X(DGRAM_DROP_SIZE, "dgram.drop.size", "received datagrams larger than the client's buffer")                    \
	X(NETLINK_REQUESTS, "netlink.requests", "rtnetlink messages of programs read")                                 \
	X(NETLINK_DROP_SLOW, "netlink.drop.slow", "rtnetlink notifications that a program did not take")               \
	X(CAPTURE_MISSED, "capture.missed", "packets not captured because a reader was slow")

enum counter {
#define COUNTER_ENUM(id, name, text) COUNTER_##id,
	COUNTERS_LIST(COUNTER_ENUM)
#undef COUNTER_ENUM
	COUNTER_COUNT
};

#endif
