/* SPDX-License-Identifier: BSD-2-Clause */
/* ext.h - IPv6 extension headers for test packets, put in front of what a packet holds. Right or wrong as the test wants them. */
#ifndef TAPIR_TESTS_EXT_H
#define TAPIR_TESTS_EXT_H

#include <stddef.h>
#include <stdint.h>

/* An extension header, complete but for its next header field. */
struct ext {
	uint8_t type;
	uint8_t body[2047]; /* from the length octet on */
	size_t len;	    /* of the header; 0: eight */
};

/** ext_insert - put @exts in this order behind the IPv6 header of the packet of @len bytes in @buf, which has room for them.
 * Returns its new length. */
size_t ext_insert(uint8_t *buf, size_t len, const struct ext *exts, size_t count);

#endif
