/* SPDX-License-Identifier: BSD-2-Clause */
/* mld.h - the listener's end of MLD, versions 1 and 2 (RFC 2710, 3810): what arrives is checked, what mcast_report.h makes is sent.
 * Checks: link-local source, hop limit 1, Router Alert in a hop-by-hop header (RFC 2710 section 3, RFC 3810 section 6.2).
 * Sent with hop limit 1 and Router Alert, from a link-local address that is known to be unique, or from :: (RFC 3590). */
#ifndef TAPIR_STACK_MLD_H
#define TAPIR_STACK_MLD_H

#include "ip.h"

struct link;

/* A message of type 130 to 132 or 143, checksum verified; the window begins with the ICMPv6 header. Borrows the frame. */
void mld_input(struct stack *st, struct frame *f, const struct ip_rx *rx);

/* @l got a link-local address that is known to be unique. */
void mld_on_linklocal(struct link *l);

#endif
