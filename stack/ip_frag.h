/* SPDX-License-Identifier: BSD-2-Clause */
/* ip_frag.h - sending packets larger than the path takes, in fragments (RFC 791 section 3.2, RFC 8200 section 4.5). */
#ifndef TAPIR_STACK_IP_FRAG_H
#define TAPIR_STACK_IP_FRAG_H

#include "ip.h"

/** ip_output_fragments - send the transport header and payload in @f as fragments that fit d->mtu.
 * The transport checksum is complete. Takes over the reference. The fragments share its buffer: nothing is copied.
 * Returns 0, or -ENOBUFS when not every fragment could be queued (then the rest is not sent either). */
int ip_output_fragments(struct stack *st, struct frame *f, const struct ip_tx *tx, const struct ip_dst *d);

#endif
