/* SPDX-License-Identifier: BSD-2-Clause */
/* offload.h - what a frame says about its own checksum and segmentation (struct frame_offload): checked where it comes in,
 * moved along as headers come off and on, made good in software where the description no longer helps.
 * Promises: after offload_is_sane() no offset points outside the frame; after offload_settle() a super-segment is of the
 *           protocol it claims and PARTIAL means "the transport checksum is as good as verified". */
#ifndef TAPIR_STACK_OFFLOAD_H
#define TAPIR_STACK_OFFLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

/* Whether the description fits the frame as it came off the link. */
bool offload_is_sane(const struct frame *f);

/* The window loses its first @n bytes: pull them, and count the description's offsets from the new start. */
void offload_pull(struct frame *f, uint32_t n);

/* Push @n bytes of header in front; offsets count from the new start. Returns their address. */
uint8_t *offload_push(struct frame *f, uint32_t n);

/* The window begins with the transport header of @proto over IPv4 or IPv6. Checks that a super-segment is one of that protocol,
 * and settles a PARTIAL checksum: where its place is the protocol's own it stands for a good one, else it is completed here
 * and will be verified like any other. False: the description is a lie. */
bool offload_settle(struct frame *f, uint8_t proto, bool is4);

/* The value a PARTIAL checksum would have, and where in the window it belongs. False: there is none, or no room for it. */
bool offload_csum_value(const struct frame *f, uint16_t *sum, uint32_t *at);

/* Sum up and write a PARTIAL checksum; the frame is FRAME_CSUM_NONE afterwards. */
void offload_complete_csum(struct frame *f);

#endif
