/* SPDX-License-Identifier: BSD-2-Clause */
/* addr_sort.h - the order in which a program should try addresses: RFC 6724 section 6, with the policy of gai.conf(5), and glibc's way with IPv4 in rule 9: only within the source's own network does a longer common prefix mean anything.
 * Rules 4 and 7 (mobility, tunnels) have nothing to go by here.
 * Promises: a stable sort; what is equal stays in the order it came in.
 * Never:    allocates or asks anybody. */
#ifndef TAPIR_CLIENT_ADDR_SORT_H
#define TAPIR_CLIENT_ADDR_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client-lib/gai_conf.h"

/* Addresses are 16 bytes, IPv4 as ::ffff:a.b.c.d. */
struct sort_addr {
	uint8_t dst[16], source[16];
	bool has_source;	/* else there is no way to it */
	bool is_deprecated;	/* the source */
	uint8_t source_bits;	/* of the prefix of the source's network, in 16 bytes; 128: not known */
	size_t index;		/* the caller's, carried along */
};

void addr_sort(struct sort_addr *addrs, size_t count, const struct gai_conf *conf);

#endif
