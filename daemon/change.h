/* SPDX-License-Identifier: BSD-2-Clause */
/* change.h - changing the network layer of a running stack: one address, route or neighbour on a privileged client's request, or what a
 * configuration that was read again says differently. Connections that have nothing to do with it notice nothing. */
#ifndef TAPIR_DAEMON_CHANGE_H
#define TAPIR_DAEMON_CHANGE_H

#include <stddef.h>

#include "client-lib/protocol.h"

struct daemon;

/** change_apply - do what the user @uid asks for. Returns 0 or -errno, with *text saying in a line what was expected. */
int change_apply(struct daemon *d, const struct tapir_change *c, uint32_t uid, char text[TAPIR_CHANGE_TEXT_MAX]);

/** change_find_route - the way to an address: TAPIR_OP_ROUTE. Returns 0, or -errno as a packet would get it; -ENODEV, -EINVAL. */
int change_find_route(struct daemon *d, const struct tapir_route_req *q, struct tapir_route_rec *rec);

/** reload - read the configuration again (the flags of the start over the file) and do what it says differently: addresses, routers, DHCP,
 * tunables, the log's level, the users' limit. What only a start can do is said in the log and left. With a mistake in it nothing is
 * done: -EINVAL, and *text (of @room bytes) says what and where, as at the start. */
int reload(struct daemon *d, char *text, size_t room);

#endif
