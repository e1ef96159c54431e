/* SPDX-License-Identifier: BSD-2-Clause */
/* redirect.h - a router says that another way is shorter (RFC 4861 section 8.3, RFC 1122 section 3.2.2.2): a host route for ten minutes.
 * Promises: only the router that is used for the destination is heard, and never sends us to ourselves; at most REDIRECTS_MAX are
 *           kept, the oldest goes. What does not answer is forgotten again (route_on_silence()). */
#ifndef TAPIR_STACK_REDIRECT_H
#define TAPIR_STACK_REDIRECT_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"

struct stack;

enum { REDIRECTS_MAX = 256 };

/* @src: of the packet that is redirected, if known. @gateway: @dst itself when it is a neighbour. False: it is not @from's to say. */
bool redirect_follow(struct stack *st, uint32_t ifindex, const struct ip_addr *from, const struct ip_addr *src, const struct ip_addr *dst,
		     const struct ip_addr *gateway);

#endif
