/* SPDX-License-Identifier: BSD-2-Clause */
/* capture.h - copies of packets for readers that asked: a stream of struct tapir_capture_rec, each with the packet's bytes and a
 * comment behind it (the drop reason, or the connection).
 * Promises: never blocks and never slows the stack for a reader; what does not fit into its buffer is counted (rec.missed).
 * A reader sees the packets of the TAP, not those of the stack's loopback, which never leave the engine. */
#ifndef TAPIR_DAEMON_CAPTURE_H
#define TAPIR_DAEMON_CAPTURE_H

#include <stdint.h>

#include "stack/stack.h"

struct daemon;
struct capture;

enum { CAPTURES_MAX = 16 };

struct captures {
	struct capture *head;
	uint32_t count;
};

/** capture_open - a new stream; *reader is its other end, the caller's. Returns 0, -EMFILE (CAPTURES_MAX), -ENOBUFS. */
int capture_open(struct daemon *d, uint32_t snap_bytes, int *reader);
void captures_fini(struct daemon *d);

/* Around stack_input(): the bytes before it takes the frame, the comment afterwards. */
void capture_in_begin(struct daemon *d, const struct frame *f);
void capture_in_end(struct daemon *d);
void capture_out(struct daemon *d, const struct frame_out *out);

void captures_flush(struct daemon *d); /* once a turn: send what was gathered */

#endif
