/* SPDX-License-Identifier: BSD-2-Clause */
/* sim_segment.h - what a network card does for a sender with offloads: cut super-segments into packets of the wire, and complete
 * checksums. Works on whole frames, from the specification of virtio-net, apart from the stack's own code. */
#ifndef TAPIR_TESTS_SIM_SEGMENT_H
#define TAPIR_TESTS_SIM_SEGMENT_H

#include "stack/frame.h"

/** sim_segment - cut the frame at @data as @off says, and give each packet, complete with its checksums, to @emit.
 * @l3: bytes of link header in front (14 or 0). A frame that is no super-segment comes out as one packet. */
void sim_segment(const uint8_t *data, size_t len, const struct frame_offload *off, size_t l3,
		 void (*emit)(void *ctx, const uint8_t *data, size_t len), void *ctx);

#endif
