/* SPDX-License-Identifier: BSD-2-Clause */
/* fresh.h - a client's fresh stream socket becomes one end of a pair, in place.
 *
 * A library makes a stream by itself, without asking: an unconnected AF_UNIX stream, bound to an abstract name that says what it stands for
 * (protocol.h). The kernel then says of it what it says of a fresh TCP socket: poll(2) tells OUT and HUP. The first request that shows it
 * makes us connect it: to a listening socket of our own, with a path, as the client may be in another network namespace. Its directory
 * is open to our uid alone, and is our working directory, so that the path is reachable whatever is above it.
 * Promises: never sleeps, whatever descriptor a client shows, and whatever it does to it meanwhile. (Only our own uid could fill the
 * queue of the listening socket, and that may stop us anyhow.) */
#ifndef TAPIR_DAEMON_FRESH_H
#define TAPIR_DAEMON_FRESH_H

#include <stdbool.h>

enum { FRESH_ERROR_MAX = 256 };

/** fresh_open - the listening socket, in the directory that is the working directory. Returns it or -errno. */
int fresh_open(void);

/* Whether @fd is a fresh stream, and of which family and protocol. Nothing of it is checked but the name. */
bool fresh_is(int fd, int *family, int *protocol);

/** fresh_connect - connect @theirs and return our end, close-on-exec. @door: of fresh_open().
 * -ENOTSOCK: it is no unconnected stream; -ENFILE: no descriptor is left; -ENOBUFS. */
int fresh_connect(int door, int theirs);

#endif
