/* SPDX-License-Identifier: BSD-2-Clause */
#include "ip4_options.h"

#include <string.h>

#include "wire.h"

/* One option: type, length octet included in @len, and its bytes. */
struct option {
	const uint8_t *p;
	uint8_t type;
	uint8_t len;
};

/* The next option but no-operations; false at the end. A bad length ends with *bad set and @o->p at the octet. */
static bool next_option(struct wire_rd *r, struct option *o, bool *bad)
{
	*bad = false;
	while (wire_rd_left(r) > 0) {
		o->p = r->p;
		o->type = r->p[0];
		o->len = 1;
		if (o->type == IP4_OPT_END)
			return false;
		if (o->type == IP4_OPT_NOP) {
			wire_rd_skip(r, 1);
			continue;
		}
		o->len = wire_rd_left(r) >= 2 ? r->p[1] : 0;
		if (o->len < 2 || !wire_rd_bytes(r, o->len)) {
			*bad = true;
			return false;
		}
		return true;
	}
	return false;
}

enum { TS_ONLY = 0, TS_AND_ADDR = 1, TS_PRESPECIFIED = 3 };
enum { OVERFLOW_MAX = 15 }; /* of hosts that had no room for their timestamp */

/* Some room at the pointer, but less than an entry of @len bytes needs: such an option is in error (RFC 791 section 3.1). */
static bool has_partial_room(const struct option *o, uint32_t len)
{
	return o->p[2] <= o->len && o->p[2] - 1 + len > o->len;
}

static uint32_t timestamp_entry_len(const uint8_t *p)
{
	switch (p[3] & 0xf) {
	case TS_AND_ADDR:
	case TS_PRESPECIFIED:
		return 8;
	}
	return 4;
}

/* The octet of @o that cannot be, as an offset in it; -1: none. */
static int bad_octet(const struct option *o)
{
	switch (o->type) {
	case IP4_OPT_RECORD_ROUTE:
		if (o->len < 3)
			return 1;
		return o->p[2] < 4 || has_partial_room(o, 4) ? 2 : -1;
	case IP4_OPT_TIMESTAMP:
		if (o->len < 4)
			return 1;
		if (o->p[2] < 5 || has_partial_room(o, timestamp_entry_len(o->p)))
			return 2;
		return o->p[2] > o->len && o->p[3] >> 4 == OVERFLOW_MAX ? 3 : -1;
	case IP4_OPT_ROUTER_ALERT:
		return o->len == 4 ? -1 : 1;
	}
	return -1;
}

enum ip4_options_verdict ip4_options_check(const uint8_t *options, uint32_t len, uint32_t *bad_at)
{
	struct wire_rd r = wire_rd_over(options, len);
	struct option o;
	bool bad;

	while (next_option(&r, &o, &bad)) {
		int octet = bad_octet(&o);

		if (octet >= 0) {
			*bad_at = (uint32_t)(o.p - options) + (uint32_t)octet;
			return IP4_OPTIONS_MALFORMED;
		}
		if (o.type == IP4_OPT_LSRR || o.type == IP4_OPT_SSRR)
			return IP4_OPTIONS_SOURCE_ROUTE;
	}
	if (!bad)
		return IP4_OPTIONS_OK;
	*bad_at = (uint32_t)(o.p - options); /* a bad length: Linux points at the option */
	return IP4_OPTIONS_MALFORMED;
}

static uint32_t pad(uint8_t *out, uint32_t n)
{
	while (n % 4)
		out[n++] = IP4_OPT_END;
	return n;
}

/* Record route: our address at the pointer, if there is room (RFC 791 section 3.1). @p: a copy of the option. */
static void append_route(uint8_t *p, const struct ip_addr *own)
{
	if (p[2] + 3 > p[1])
		return;
	memcpy(p + p[2] - 1, ip_addr_v4(own), 4);
	p[2] = (uint8_t)(p[2] + 4);
}

static void append_timestamp(uint8_t *p, const struct ip_addr *own, uint32_t ms)
{
	unsigned flag = p[3] & 0xf;
	uint32_t entry = timestamp_entry_len(p);
	uint8_t *at = p + p[2] - 1;

	if (flag != TS_ONLY && flag != TS_AND_ADDR && flag != TS_PRESPECIFIED)
		return; /* unknown: left as it is, like Linux */
	if (p[2] - 1 + entry > p[1]) {
		if (flag != TS_PRESPECIFIED && p[3] >> 4 < OVERFLOW_MAX)
			p[3] = (uint8_t)(p[3] + 0x10); /* overflow: one more host had no room */
		return;
	}
	if (flag == TS_PRESPECIFIED && memcmp(at, ip_addr_v4(own), 4) != 0)
		return;
	if (flag != TS_ONLY) {
		memcpy(at, ip_addr_v4(own), 4);
		at += 4;
	}
	put_be32(at, ms);
	p[2] = (uint8_t)(p[2] + entry);
}

uint32_t ip4_options_reply(const uint8_t *options, uint32_t len, const struct ip_addr *own, uint32_t ms_since_midnight,
			   uint8_t *out)
{
	struct wire_rd r = wire_rd_over(options, len);
	struct option o;
	uint32_t n = 0;
	bool bad;

	while (next_option(&r, &o, &bad)) {
		if (o.type != IP4_OPT_RECORD_ROUTE && o.type != IP4_OPT_TIMESTAMP)
			continue;
		memcpy(out + n, o.p, o.len);
		if (o.type == IP4_OPT_RECORD_ROUTE)
			append_route(out + n, own);
		else
			append_timestamp(out + n, own, ms_since_midnight);
		n += o.len;
	}
	return pad(out, n);
}

void ip4_options_arrived(const uint8_t *options, uint32_t len, const struct ip_addr *own, uint32_t ms_since_midnight, uint8_t *out)
{
	struct wire_rd r = wire_rd_over(out, len);
	struct option o;
	bool bad;

	memcpy(out, options, len);
	while (next_option(&r, &o, &bad)) {
		uint8_t *p = out + (o.p - out);

		if (o.type == IP4_OPT_RECORD_ROUTE)
			append_route(p, own);
		else if (o.type == IP4_OPT_TIMESTAMP)
			append_timestamp(p, own, ms_since_midnight);
	}
}

bool ip4_options_has(const uint8_t *options, uint32_t len, uint8_t type)
{
	struct wire_rd r = wire_rd_over(options, len);
	struct option o;
	bool bad;

	while (next_option(&r, &o, &bad))
		if (o.type == type)
			return true;
	return false;
}

uint32_t ip4_options_copied(const uint8_t *options, uint32_t len, uint8_t *out)
{
	struct wire_rd r = wire_rd_over(options, len);
	struct option o;
	uint32_t n = 0;
	bool bad;

	while (next_option(&r, &o, &bad)) {
		if (!(o.type & IP4_OPT_COPIED))
			continue;
		memcpy(out + n, o.p, o.len);
		n += o.len;
	}
	return pad(out, n);
}
