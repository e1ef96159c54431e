/* SPDX-License-Identifier: BSD-2-Clause */
/* latch.h - what is read of a stream's pair, but for a little that stays unread, so that a reset reaches the client as one.
 *
 * Linux tells who holds the other end of an AF_UNIX stream ECONNRESET and EPOLLERR when it is closed with something unread in it, and only
 * then. That is what a reset must be to a program that reads for itself, and to every epoll set. So our end leaves the last of what
 * the client wrote where it is (the latch), though the engine has it; before the client's first byte it is one of ours, sent through the
 * client's own end while a request shows it. What ends well drops it first.
 *
 * Little is looked at (MSG_PEEK) and read later, many in one go, which costs no more calls than reading it. Much is read, but for its last byte.
 * What is left counts against the client's send buffer: where that may be small, only the last byte of something short is. */
#ifndef TAPIR_DAEMON_LATCH_H
#define TAPIR_DAEMON_LATCH_H

#include <stddef.h>
#include <sys/socket.h>

#include "channel.h"

/* Put a byte there, before the client writes. */
void latch_put(struct channel *ch, int theirs);
void latch_drop(struct channel *ch);

/* How many bytes are in the pair that the engine does not have. */
size_t latch_waiting(const struct channel *ch);

/** latch_read - recvmsg() into @m, whose first vector is left for us; the vectors are changed. Returns how many bytes the client wrote: 0: it
 * has shut down; -1 and errno. *has_more: there may be more. */
ssize_t latch_read(const struct daemon *d, struct channel *ch, struct msghdr *m, bool *has_more);

#endif
