/* SPDX-License-Identifier: BSD-2-Clause */
/* query.h - asking the daemon on behalf of a subcommand.
 * Promises: an answer. What goes wrong is said in one line, with what to do about it, and ends the program: EX_UNAVAILABLE
 *           (no daemon), EX_NOPERM (not allowed), EX_PROTOCOL (it answers something else). */
#ifndef TAPIR_TOOLS_QUERY_H
#define TAPIR_TOOLS_QUERY_H

#include <stddef.h>

#include "client-lib/protocol.h"
#include "tools/tool.h"

struct query {
	const struct tool *tool;
	const char *path; /* of the control socket */
	int fd;
};

/* Connect to the daemon that --socket, $TAPIR_SOCKET or the default names. */
struct query query_open(const struct tool *t);
void query_close(struct query *q);

/** query_dump - all records of a kind, in memory that the caller frees (never NULL). *count: how many.
 * @record_bytes: the size of this program's struct; a newer daemon's longer records are cut, an older one's zero-filled. */
void *query_dump(struct query *q, enum tapir_dump what, size_t record_bytes, size_t *count);

/* TAPIR_OP_GET or TAPIR_OP_SET; *tunable becomes the answer. ENOENT and EINVAL are returned (positive), *tunable then holds
 * the daemon's explanation in its text. */
int query_tunable(struct query *q, enum tapir_op op, struct tapir_tunable *tunable);

/* TAPIR_OP_CHANGE with *change, or TAPIR_OP_RELOAD. Returns 0, or the daemon's errno (positive) with its explanation in change->text. */
int query_change(struct query *q, enum tapir_op op, struct tapir_change *change);

/* TAPIR_OP_ROUTE: 0 with *rec filled, or the positive errno that a packet would get. */
int query_route(struct query *q, const struct tapir_route_req *req, struct tapir_route_rec *rec);

/* Start a capture: the descriptor to read struct tapir_capture_rec and packets from. */
int query_capture(struct query *q, uint32_t snap_bytes);

#endif
