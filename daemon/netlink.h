/* SPDX-License-Identifier: BSD-2-Clause */
/* netlink.h - NETLINK_ROUTE sockets of programs: a view of the stack's links and addresses for whoever asks the kernel for its own.
 *
 * A program gets one end of a SEQPACKET pair, as of any other socket. It carries rtnetlink(7) messages as they are, so send() and recv() need
 * no library; netlink_answer.h composes the answers. Here it is the program's end that has the name (TAPIR_NETLINK_PREFIX), not ours:
 * a reader who never heard of us (the inside of a C library) then gets no address with a datagram, instead of a unix one that is no
 * sockaddr_nl.
 *
 * Promises: one request is answered at a time, one datagram of the answer is kept, and the next is read when the program has taken that: so
 *           who does not read holds up itself only. Notifications to who does not read are dropped and counted. */
#ifndef TAPIR_DAEMON_NETLINK_H
#define TAPIR_DAEMON_NETLINK_H

#include <stdbool.h>
#include <stdint.h>

#include "client-lib/protocol.h"
#include "netlink_answer.h"

struct daemon;
struct user;
struct netlink;

enum { NETLINK_USER_MAX = 1024 }; /* sockets of one user */

/* What the tables were when notifications were last sent; messages one behind the other. */
struct netlink_tables {
	uint8_t *messages[NETLINK_TABLES];
	size_t bytes[NETLINK_TABLES], room[NETLINK_TABLES];
};

struct netlinks {
	struct netlink *head;
	struct netlink_tables told;
	uint32_t count, listeners;    /* sockets; those of them that are in groups */
	uint32_t generation;	      /* of the stack, when the tables were told */
	uint32_t next_port_id;	      /* for who cannot have the process id */
	struct netlink_datagram scratch;
};

/** netlink_open - a new socket for a program. @theirs: its end, which the caller sends away and closes. 0 or -errno. */
int netlink_open(struct daemon *d, struct user *user, int32_t pid, int type, int *theirs);

/* bind(2) and setsockopt(2) to groups: *what comes with what is wanted and is filled with what is. 0, -EADDRINUSE, -EINVAL (it has
 * another port id). -ENOTSOCK: @fd is no end of one. */
int netlink_bind(struct daemon *d, int fd, struct tapir_netlink *what);
int netlink_describe_socket(struct daemon *d, int fd, struct tapir_netlink *what);

void netlink_notify(struct daemon *d); /* once a turn: if the tables changed, tell the groups */
void netlink_close_all(struct daemon *d);

#endif
