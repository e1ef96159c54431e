/* SPDX-License-Identifier: BSD-2-Clause */
/* igmp.h - the host's end of IGMP, versions 1 to 3 (RFC 1112, 2236, 3376): what arrives is checked, what mcast_report.h makes is sent.
 * Checks: checksum, TTL 1, Router Alert with a query of version 2 or 3 (RFC 3376 section 9.1), general queries to 224.0.0.1 only when
 *         to a group (the same). Sent with TTL 1, Router Alert and TOS 0xc0 (section 4), from the link's first address or 0.0.0.0. */
#ifndef TAPIR_STACK_IGMP_H
#define TAPIR_STACK_IGMP_H

#include "ip.h"

/* A message; the window begins with IGMP's header. Borrows the frame. */
void igmp_input(struct stack *st, struct frame *f, const struct ip_rx *rx);

#endif
