/* SPDX-License-Identifier: BSD-2-Clause */
/* view.h - what the library needs to know of the stack's interfaces and addresses: tables of the daemon, asked for anew each time.
 * Needs:   a way to the daemon. Functions return 0 or a negative errno, -ENETDOWN without one. */
#ifndef TAPIR_CLIENT_VIEW_H
#define TAPIR_CLIENT_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "client-lib/protocol.h"

enum { VIEW_LINKS_MAX = 32 };

struct view_links {
	struct tapir_link_rec links[VIEW_LINKS_MAX];
	unsigned count;
};
int view_links(struct view_links *v);

/* NULL: there is none of the name, or of the index. */
const struct tapir_link_rec *view_link_by_name(const struct view_links *v, const char *name);
const struct tapir_link_rec *view_link_by_index(const struct view_links *v, uint32_t ifindex);

uint32_t view_link_flags(const struct tapir_link_rec *l); /* IFF_* */
uint16_t view_link_hardware(const struct tapir_link_rec *l); /* ARPHRD_* */

/** view_addrs - call @fn with every address that the stack uses, IPv4 ones first, as the kernel has them. @fn returns false to stop. */
int view_addrs(bool (*fn)(void *ctx, const struct tapir_addr_rec *), void *ctx);

/* Families of which the stack has an address that is not 127.0.0.1 or ::1, which is how glibc reads AI_ADDRCONFIG; both when nobody
 * tells. */
struct view_families {
	bool ipv4, ipv6;
};
struct view_families view_families(void);

/** view_source - the source address that the stack uses towards @dst. False: it has no way there, or does not tell. */
bool view_source(const struct tapir_addr *dst, struct tapir_addr *source);

#endif
