/* SPDX-License-Identifier: BSD-2-Clause */
/* view.h - what the library needs to know of the stack's interfaces: which families it can reach the world with, and their numbers.
 * Needs:   the control socket's path within reach. Without it the answers are the permissive ones. */
#ifndef TAPIR_CLIENT_VIEW_H
#define TAPIR_CLIENT_VIEW_H

#include <stdbool.h>
#include <stdint.h>

/* Families of which the stack has an address that is not loopback's (nor, for IPv6, link-local). */
struct view_families {
	bool ipv4, ipv6;
};
struct view_families view_families(void);

/** view_ifindex - the number of the stack's interface @name; 0: there is none. */
uint32_t view_ifindex(const char *name);

#endif
