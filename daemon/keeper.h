/* SPDX-License-Identifier: BSD-2-Clause */
/* keeper.h - the path of the control socket, ours alone while we live, and gone afterwards.
 *
 * A lock file beside it says that a daemon serves there. What a killed daemon left is replaced. As the stack process gives up the
 * right to remove files, a small process of its own (the keeper) stays behind with that right and nothing else: it holds the lock
 * and one end of a pipe, reads nothing, and when the pipe closes, however the daemon ended, removes the files. The third is a directory
 * for the daemon's own use (fresh.h). */
#ifndef TAPIR_DAEMON_KEEPER_H
#define TAPIR_DAEMON_KEEPER_H

#include <sys/types.h>

enum { KEEPER_ERROR_MAX = 512 };

struct keeper {
	pid_t pid;
	int pipe; /* closing it tells the keeper */
};

/** keeper_start - lock @path and start the keeper. Nothing else may be open yet that the daemon wants to close.
 * Returns 0, or a status of <sysexits.h> with @error set. */
int keeper_start(struct keeper *k, const char *path, char error[KEEPER_ERROR_MAX]);

/** keeper_bind - a SEQPACKET socket bound to @path, which every user may connect to; not listening yet.
 * Returns 0 with *fd set, or a status of <sysexits.h> with @error set. */
int keeper_bind(const char *path, int *fd, char error[KEEPER_ERROR_MAX]);

/** keeper_enter_room - make the directory beside @path that only @uid may enter, and the working directory of this process; what is
 * made there under the name TAPIR_STREAM_NAME the keeper removes. Relative paths mean something else from then on.
 * keeper_give_room() hands it and what is in it to the uid that the daemon will have. 0, or a status of <sysexits.h> with @error set. */
int keeper_enter_room(const char *path, char error[KEEPER_ERROR_MAX]);
int keeper_give_room(uid_t uid, char error[KEEPER_ERROR_MAX]);

void keeper_stop(struct keeper *k); /* wait until the files are gone */

#endif
