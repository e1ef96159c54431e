/* SPDX-License-Identifier: BSD-2-Clause */
/* controls.h - writing and reading the control messages behind a struct tapir_dgram (protocol.h). For the library and for the daemon.
 * Promises: a reader never leaves the bytes it was given; what is malformed ends it and is told. Data begins at a multiple of 8 of those. */
#ifndef TAPIR_CLIENT_CONTROLS_H
#define TAPIR_CLIENT_CONTROLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "client-lib/protocol.h"

static inline size_t controls_padded(size_t bytes)
{
	return (bytes + 7) & ~(size_t)7;
}

/* Write one at @at of the @room bytes at @to. Returns the offset behind it, or 0 when there is no room. */
static inline size_t controls_put(void *to, size_t room, size_t at, int level, int type, const void *data, size_t bytes)
{
	struct tapir_control c = { .level = (uint16_t)level, .type = (uint16_t)type, .bytes = (uint32_t)bytes };
	uint8_t *p = (uint8_t *)to + at;

	if (bytes > room || at + sizeof(c) + controls_padded(bytes) > room)
		return 0;
	memcpy(p, &c, sizeof(c));
	if (bytes)
		memcpy(p + sizeof(c), data, bytes);
	memset(p + sizeof(c) + bytes, 0, controls_padded(bytes) - bytes);
	return at + sizeof(c) + controls_padded(bytes);
}

/* Read the one at *at of the @bytes at @from, and go on behind it. False: there is none more, or (*at != @bytes then) a malformed one. */
static inline bool controls_next(const void *from, size_t bytes, size_t *at, struct tapir_control *c, const void **data)
{
	size_t left = bytes - *at;

	if (left < sizeof(*c))
		return false;
	memcpy(c, (const uint8_t *)from + *at, sizeof(*c));
	if (c->bytes > left - sizeof(*c) || controls_padded(c->bytes) > left - sizeof(*c))
		return false;
	*data = (const uint8_t *)from + *at + sizeof(*c);
	*at += sizeof(*c) + controls_padded(c->bytes);
	return true;
}

#endif
