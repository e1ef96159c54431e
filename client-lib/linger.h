/* SPDX-License-Identifier: BSD-2-Clause */
/* linger.h - close() of a socket that has SO_LINGER. With no time: when it returns, the stack has reset the connection. With some: it returns
 * when the peer has acknowledged all, or the time is over, or a signal came.
 *
 * The daemon sees a close() when it next looks, which is soon, but after close() has returned; a program that resets a connection in order
 * that somebody else finds it reset would be surprised. So this close() waits until the daemon has looked. What is kept of a descriptor
 * is only that some program of this process set the option; when it is stale, one question too many is asked. */
#ifndef TAPIR_CLIENT_LINGER_H
#define TAPIR_CLIENT_LINGER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct linger_close {
	int64_t id, end_ms; /* id 0: only until the daemon has looked */
};

void linger_note(int fd, int level, int name, const void *value, socklen_t len); /* after setsockopt() of a socket of ours */
bool linger_begin(int fd, struct linger_close *l); /* before close(): does it linger? Forgets the note */
void linger_end(const struct linger_close *l); /* after it */

#endif
