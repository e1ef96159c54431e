/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle.h - datagrams of one size to one place that a client wrote in a row, on their way into the engine as one.
 * A write to the TAP costs more than a microsecond, whatever its length: where the TAP segments super-datagrams (USO), a bundle leaves
 * as one and the kernel cuts it up again. What hinders that (a small path MTU, no checksums) makes the engine send each by itself.
 * Promises: datagrams leave in the order in which they were given; the wire shows the same packets with and without. */
#ifndef TAPIR_DAEMON_BUNDLE_H
#define TAPIR_DAEMON_BUNDLE_H

#include "channel.h"

struct bundle {
	struct frame *frame; /* the first, with those after it appended; NULL: empty */
	struct dgram_info info;
	uint32_t segment; /* bytes of the first, and of all but the last */
	uint32_t count;
};

/** bundle_join - append @f's payload when it goes the same way and is no longer than the first.
 * Returns whether it did; then it has taken over the reference. */
bool bundle_join(struct daemon *d, struct bundle *b, struct frame *f, const struct dgram_info *info);

/** bundle_send - give what is in it to the engine; it is empty then. @is_connected: the socket has a peer, so that a failure is news. */
void bundle_send(struct daemon *d, struct channel *ch, struct bundle *b, bool is_connected);

#endif
