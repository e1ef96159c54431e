/* SPDX-License-Identifier: BSD-2-Clause */
/* sock.h - what the files of the library share: requests about a socket, and what an unusual result on its fd means. */
#ifndef TAPIR_CLIENT_SOCK_H
#define TAPIR_CLIENT_SOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "client-lib/control_pool.h"
#include "client-lib/hint.h"

/** sock_never_waits - set by a process that serves others and must not sleep in their place (the supervisor of tapir run's notify mode):
 * accept(2) and connect(2) then behave as on non-blocking sockets. Sends and receives have MSG_DONTWAIT for that. */
extern bool sock_never_waits;

/** sock_conclude_connect - a connect of @fd that was under way is decided, as poll(2) said with @revents. Returns 0 or why it failed. */
int sock_conclude_connect(int fd, short revents);

/* The library's own functions return -errno inside; this is the public form: -1 and errno. */
ssize_t sock_result(ssize_t r);

/** sock_request - a request about @fd. As control_request(), except that a daemon that does not know the socket (it was started again)
 * is one that is gone: -ENETDOWN. */
ssize_t sock_request(enum tapir_op op, int fd, const void *request, size_t request_bytes, void *reply, size_t reply_room);

/** sock_request_anew - the same for a request after which the daemon may give the socket a new end: that takes @fd's place then, with its
 * flags, its time-outs, and its registrations in the epoll sets of this process. Returns 0 or a negative errno, in both cases. */
int sock_request_anew(enum tapir_op op, int fd, const void *request, size_t request_bytes);

/* Requests that carry or bring one number. */
int sock_request_int(enum tapir_op op, int fd, int64_t value);
int sock_ask_int(enum tapir_op op, int fd, int64_t *value);

/** sock_ask_error - the pending error of a stream (SO_ERROR): 0, or a negative errno. @gone: what to say when the daemon is gone. */
int sock_ask_error(int fd, int gone);

/* Read from @fd, any descriptor: a plain call's result, which was 0 or negative. If it is a stream of ours whose connection broke, that
 * becomes its error. Sets errno. */
ssize_t sock_check_recv(int fd, ssize_t result);

/* SO_RCVLOWAT: what is less than the mark stays in the stack, so that the pair does not poll readable. sock_note_mark(): it was set.
 * sock_takes_below_mark(): read from @fd, any descriptor, a plain call that failed (errno). Whether to make it again, with MSG_DONTWAIT: it is a
 * stream of ours with a mark, whose bytes are in the pair now. */
void sock_note_mark(void);
bool sock_takes_below_mark(int fd);

/* Written to @fd, any descriptor: a plain call failed with EPIPE, ECONNRESET or EISCONN (errno). If it is a stream of ours, sets errno to
 * what TCP would say. @is_silent: the call was made with MSG_NOSIGNAL for the application, which did not ask for it: SIGPIPE is due
 * if the errno stays EPIPE. Returns -1. */
ssize_t sock_check_send(int fd, bool is_silent);

/** sock_check_fresh - a stream that was not seen to be connected is used for data: 0 when it may be, or -ENOTCONN. */
int sock_check_fresh(int fd);

#endif
