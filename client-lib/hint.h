/* SPDX-License-Identifier: BSD-2-Clause */
/* hint.h - what the library guesses about a descriptor without a system call, and how it finds out for sure.
 *
 * hint_look() is the truth: getpeername(2) names the daemon's end of one of our sockets, and a fresh stream's own name says that it is one,
 * whatever fork, exec, dup or SCM_RIGHTS did to the descriptor. The hints only spare that call where every byte passes:
 *  - none: nothing known. The plain call is made, and only an unusual result (end of file, an error) makes the library look.
 *  - stream, fresh, listener: one of our streams, connected or about to be; not yet connected; listening. When it is wrong, the call
 *    fails in a way that makes the library look.
 *  - datagram: the fd of one of our datagram sockets, whose messages have a header. This one must never be missing, or the header would
 *    reach the application. So whoever sees such a descriptor come into being (socket, dup, fcntl, recvmsg, or at start) sets it, and
 *    it is not cleared by close(2), which a child of vfork may call on memory that is its parent's, but becomes:
 *  - doubtful: maybe a datagram socket of ours; look first.
 * A hint of a datagram socket is believed only where all of these calls are seen (the preload shim); else it counts as doubtful. */
#ifndef TAPIR_CLIENT_HINT_H
#define TAPIR_CLIENT_HINT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum hint {
	HINT_NONE,
	HINT_STREAM,
	HINT_CONNECTED, /* a stream whose connect() has returned 0 here */
	HINT_FRESH,
	HINT_LISTENER,
	HINT_DGRAM,
	HINT_DOUBTFUL,
};

enum { HINT_FDS_MAX = 1 << 16 }; /* descriptors above are always doubtful */

extern _Atomic uint8_t hint_table[HINT_FDS_MAX];

static inline enum hint hint_of(int fd)
{
	return (unsigned)fd < HINT_FDS_MAX ? (enum hint)atomic_load_explicit(&hint_table[fd], memory_order_acquire) :
					     HINT_DOUBTFUL;
}

/* A stream with a connection, or one that is being made. */
static inline bool hint_is_stream(enum hint hint)
{
	return hint == HINT_STREAM || hint == HINT_CONNECTED;
}

/* What @fd is: one of our sockets, its id and type (SOCK_STREAM, or SOCK_SEQPACKET for all kinds of datagrams); false: it is none of
 * ours. hint_is_ours() asks only that; hint_is_fresh(), whether it is a fresh stream. They leave errno alone. */
struct hint_sock {
	uint64_t id; /* of a stream that a client made, its SO_COOKIE; others have one of the daemon's */
	int type;
	bool is_fresh; /* a stream that the daemon has not heard of yet; of which family and protocol */
	int family, protocol;
};
bool hint_look(int fd, struct hint_sock *sock);
bool hint_is_fresh(int fd, struct hint_sock *sock);
bool hint_is_ours(int fd);

/** hint_dgram - whether @fd is a datagram socket of ours, to be asked when hint_of() is HINT_DGRAM or HINT_DOUBTFUL.
 * *id: its id. *is_connected: whether connect() was seen to succeed, so that datagrams are expected bare. */
bool hint_dgram(int fd, uint64_t *id, bool *is_connected);

/* @fd is a new socket of ours with this id, or a new descriptor of something else (HINT_NONE). */
void hint_set(int fd, enum hint hint, uint64_t id);

/* A stream of ours got further (HINT_STREAM, HINT_LISTENER); a datagram socket was connected or not. */
void hint_move(int fd, enum hint hint);
void hint_set_connected(int fd, bool is_connected);

/* @fd means something else from now on, of which nothing is known: for a process that takes descriptors in by the thousand. */
void hint_forget(int fd);

void hint_on_close(int fd);
void hint_on_close_range(unsigned first, unsigned last);
void hint_on_dup(int old_fd, int new_fd);

/* A descriptor arrived from elsewhere: find out. */
void hint_on_arrival(int fd);

/* All calls that make or end descriptors are seen from now on. */
void hint_trust(void);

/* The process has put itself into a sandbox that may kill it for a system call it does not expect: make none of our own. */
void hint_enter_sandbox(void);
bool hint_is_sandboxed(void);

#endif
