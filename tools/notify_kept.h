/* SPDX-License-Identifier: BSD-2-Clause */
/* notify_kept.h - what was taken from the stack for a thread that did not take it: it is kept and given to whom it is due.
 *  - A connection that accept(2) could not hand over (no room for a descriptor, or the thread was killed) goes to the next accept on the
 *    same listener.
 *  - A result that a thread did not wait for, because a signal interrupted it, goes to the same thread when it makes the same call of the
 *    same socket again, as the kernel does of itself (SA_RESTART) and programs do after EINTR. Nothing happens twice and nothing is lost.
 * Bounded: the oldest gives way. */
#ifndef TAPIR_TOOLS_NOTIFY_KEPT_H
#define TAPIR_TOOLS_NOTIFY_KEPT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "tools/notify_call.h"

/* Takes @fd over. */
void kept_put_connection(uint64_t listener, int fd, const struct sockaddr_storage *peer, socklen_t peer_len);

/* Returns the oldest connection of @listener, or -1. */
int kept_take_connection(uint64_t listener, struct sockaddr_storage *peer, socklen_t *peer_len);

void kept_put_result(const struct notify_call *c);
bool kept_take_result(const struct notify_call *c, int64_t *result);

#endif
