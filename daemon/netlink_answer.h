/* SPDX-License-Identifier: BSD-2-Clause */
/* netlink_answer.h - rtnetlink(7) messages about the stack's links, addresses, routes and neighbours: requests read, answers composed.
 * Answered are RTM_GETLINK, GETADDR, GETROUTE, GETNEIGH as dumps, GETLINK and GETROUTE also for one. What would change something is
 * EPERM, every other question EOPNOTSUPP, and what the kernel passes over in silence is passed over.
 *
 * Promises: one answer is one datagram of at most NETLINK_DATAGRAM_MAX bytes, so a page is room enough for a reader. A dump is composed
 *           piece by piece from a position in the table, so nothing grows with the table; one that changes meanwhile may show an
 *           entry twice or leave one out, as the kernel's may. A request is any bytes: lengths are checked, nothing is kept of it.
 * Never:    does I/O, allocates. */
#ifndef TAPIR_DAEMON_NETLINK_ANSWER_H
#define TAPIR_DAEMON_NETLINK_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/stack.h"

enum { NETLINK_DATAGRAM_MAX = 3776 }; /* what the kernel makes of a page (NLMSG_GOODSIZE) */

struct netlink_datagram {
	uint32_t bytes;
	bool is_full; /* the last message did not fit */
	uint8_t data[NETLINK_DATAGRAM_MAX] __attribute__((aligned(4)));
};

/* Where a dump stands. */
struct netlink_dump {
	bool is_active;
	uint16_t type;	 /* RTM_GET* */
	uint8_t family;	 /* AF_UNSPEC: all */
	uint32_t seq, port_id;
	uint32_t at; /* entries told */
};

/** netlink_next_message - the length of the message at the beginning of the @len bytes at @data, padding included; 0: there is none, or
 * none whose length makes sense, and the rest of the datagram means nothing. */
size_t netlink_next_message(const uint8_t *data, size_t len);

/** netlink_answer - answer one message, of @len bytes as netlink_next_message() says, from the socket with @port_id.
 * Fills @out (bytes 0: there is no answer), or begins a dump in @dump, whose datagrams netlink_continue_dump() composes. */
void netlink_answer(struct stack *st, const uint8_t *message, size_t len, uint32_t port_id, uint64_t now_us,
		    struct netlink_datagram *out, struct netlink_dump *dump);

/* The next datagram of an active dump; is_active is false after the last. */
void netlink_continue_dump(struct stack *st, struct netlink_dump *dump, uint64_t now_us, struct netlink_datagram *out);

/* Tables as notifications tell of them, one entry a call: a message of type RTM_NEW*, port id and sequence number 0, without what changes
 * all the time (counters, lifetimes). @at: from 0; returns false after the last entry. */
enum netlink_table { NETLINK_LINKS, NETLINK_ADDRS, NETLINK_ROUTES, NETLINK_TABLES };
bool netlink_describe(struct stack *st, enum netlink_table table, uint32_t at, struct netlink_datagram *out);

/* Whether two messages of netlink_describe() are about the same address, or route: then the one is news of the other. */
bool netlink_is_same(const uint8_t *a, const uint8_t *b);

/* The multicast group (RTNLGRP_*) that hears of such a message; 0: none. */
unsigned netlink_group_of(const uint8_t *message);

#endif
