/* SPDX-License-Identifier: BSD-2-Clause */
/* control_pool.h - control connections that the threads of a process share, kept between requests.
 *
 * A thread takes an idle connection with one atomic exchange, uses it alone, and puts it back; when none is idle it makes one.
 * So there are as many as ever were in use at once, not one a thread; a signal handler that interrupts a request simply takes
 * another; and there is no lock that a fork could copy in its locked state.
 * What can happen to a kept connection:
 *  - fork: the child must not use its parent's. One page, which the kernel wipes in a child (MADV_WIPEONFORK; not after vfork,
 *    where the memory and the connections are the parent's), says whose the connections are. The first request in the child closes
 *    what it inherited and starts anew.
 *  - the program closed all descriptors, or put another on the same number: the socket's cookie (SO_COOKIE) is compared before each
 *    use. What is not ours is left alone and forgotten. They live at high numbers, out of the way. The preload shim also keeps
 *    close(2), closefrom(3) and close_range(2) off them.
 *  - the daemon was restarted: a request that could not be sent is sent again on a new connection, once.
 *  - chroot: control_pool_open_door(), called before, keeps one connection as a door through which TAPIR_OP_ADOPT makes more.
 * Everything here is async-signal-safe, and saves errno. */
#ifndef TAPIR_CLIENT_CONTROL_POOL_H
#define TAPIR_CLIENT_CONTROL_POOL_H

#include <stdbool.h>

#include "client-lib/control.h"

enum { CONTROL_POOL_MAX = 32 }; /* kept connections; what is needed beyond that is closed after use */

/** control_request - one request to the daemon and its reply; parameters and result as of control_call(). */
ssize_t control_request(enum tapir_op op, const void *request, size_t request_bytes, int pass_fd, void *reply, size_t reply_room,
			int *got_fd);

/** control_request_until - the same for a request whose answer may take its time (TAPIR_OP_CONNECT_WAIT), about @fd.
 * Returns 0 or the daemon's negative errno, -EINTR, or -ETIMEDOUT after @timeout_ms: the daemon may act on the request all the same. */
int control_request_until(enum tapir_op op, const void *request, size_t request_bytes, int fd, int timeout_ms);

/** control_pool_connect - a connection for the caller alone, also where the path is out of reach but a door was kept. The descriptor, which
 * the caller closes, or a negative errno. */
int control_pool_connect(void);

/** control_check - whether the daemon is there, without asking it anything if a connection to it is kept. 0, or as control_connect(). */
int control_check(void);

/** control_pool_open_door - keep a way to the daemon for when its path will no longer be reachable. */
void control_pool_open_door(void);

/** control_pool_owns - whether @fd is the number of one of our connections (it may have been taken over since). */
bool control_pool_owns(int fd);

/** control_pool_next - the lowest number >= @from of one of our connections; -1: none. */
int control_pool_next(int from);

#endif
