/* SPDX-License-Identifier: BSD-2-Clause */
#include "ext.h"

#include <string.h>

enum { IP6_HDR = 40, LENGTH_AT = 4, NEXT_AT = 6 };

static size_t len_of(const struct ext *e)
{
	return e->len ? e->len : 8;
}

size_t ext_insert(uint8_t *buf, size_t len, const struct ext *exts, size_t count)
{
	uint8_t last = buf[NEXT_AT], *at = buf + IP6_HDR;
	size_t all = 0;

	for (size_t i = 0; i < count; i++)
		all += len_of(&exts[i]);
	memmove(buf + IP6_HDR + all, buf + IP6_HDR, len - IP6_HDR);
	for (size_t i = 0; i < count; i++) {
		*at = i + 1 < count ? exts[i + 1].type : last;
		memcpy(at + 1, exts[i].body, len_of(&exts[i]) - 1);
		at += len_of(&exts[i]);
	}
	buf[NEXT_AT] = exts[0].type;
	len += all;
	buf[LENGTH_AT] = (uint8_t)((len - IP6_HDR) >> 8);
	buf[LENGTH_AT + 1] = (uint8_t)(len - IP6_HDR);
	return len;
}
