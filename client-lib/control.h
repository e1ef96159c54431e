/* SPDX-License-Identifier: BSD-2-Clause */
/* control.h - talking to tapird over its control socket: requests out, replies in. The library and the tools use it.
 * Promises: no message is taken for another's reply; a reply that is not what the protocol says is an error, never a guess.
 * Needs:    protocol.h's structs as request bodies.
 * Never:    allocates, prints, keeps state. Every call is async-signal-safe and restarts after signals.
 *
 * Errors are negative errnos. -ENETDOWN: no daemon is there, or it went away. -EPROTO: it said something that is not the
 * protocol. -EPROTONOSUPPORT: it speaks another version. Everything else is the daemon's own answer. */
#ifndef TAPIR_CLIENT_CONTROL_H
#define TAPIR_CLIENT_CONTROL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "protocol.h"

/** control_path - where the daemon is looked for: @path if not NULL, else $TAPIR_SOCKET, else TAPIR_DEFAULT_SOCKET. */
const char *control_path(const char *path);

/** control_connect - a new control connection, blocking, close-on-exec.
 * @path: as control_path() returns it. Returns the descriptor, or -ENETDOWN (nothing answers there), -EACCES (no permission),
 * -ENAMETOOLONG, -EMFILE, -ENFILE, -EAGAIN (the daemon's queue of new connections is full). */
int control_connect(const char *path);

/** control_send - send one request.
 * @body: what follows the header, @body_bytes long (may be 0). @pass_fd: a descriptor to attach, or -1.
 * Returns 0 or a negative errno. */
int control_send(int fd, enum tapir_op op, uint32_t seq, const void *body, size_t body_bytes, int pass_fd);

/* What control_recv() knows about a failure. */
struct control_failure {
	int is_answer;	   /* the daemon itself answered so, and the connection goes on; else the connection is of no further use */
	size_t body_bytes; /* an answer with an error may have a body (struct tapir_tunable tells what was expected) */
};

/** control_recv - receive one reply to request @op, @seq (a dump has several: call again).
 * @body: receives what follows the header, up to @room bytes; more is -EPROTO. @got_fd: receives an attached descriptor
 * (close-on-exec), -1 when there is none; NULL: none is expected, and one that comes is closed. @failure: filled in, may be NULL.
 * Returns the length of the body, or a negative errno. */
ssize_t control_recv(int fd, enum tapir_op op, uint32_t seq, void *body, size_t room, int *got_fd,
		     struct control_failure *failure);

/** control_call - a request and its one reply, on a connection of the caller's. Parameters and result as of the two above. */
ssize_t control_call(int fd, enum tapir_op op, const void *request, size_t request_bytes, int pass_fd, void *reply,
		     size_t reply_room, int *got_fd);

/** control_hello - ask who is there. Returns 0 or a negative errno. Texts are terminated. */
int control_hello(int fd, struct tapir_hello *hello);

/** control_explain - what to tell a person when control_connect() or control_hello() failed with @error for @path, as one
 * line without a newline: what is wrong and what to do. Returns @text. */
char *control_explain(int error, const char *path, char *text, size_t room);

#endif
