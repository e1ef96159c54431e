/* SPDX-License-Identifier: BSD-2-Clause */
#include "ip4_txopt.h"

#include <errno.h>

#include "core.h"
#include "sockopt.h"

enum { TS_ONLY = 0, TS_AND_ADDR = 1, TS_PRESPECIFIED = 3, TS_OVERFLOW_MAX = 15 };

/* Which of those that may occur only once were met. */
struct seen {
	bool route, record, timestamp;
};

static bool once(bool *seen)
{
	bool is_first = !*seen;

	*seen = true;
	return is_first;
}

/* @p: type, length, pointer, addresses (RFC 791 section 3.1). */
static bool is_route(const uint8_t *p, struct seen *seen)
{
	return p[1] >= 7 && (p[1] - 3) % 4 == 0 && p[2] == 4 && once(&seen->route);
}

static bool is_record(const uint8_t *p, struct seen *seen)
{
	return once(&seen->record) && p[1] >= 3 && p[2] >= 4 && (p[2] > p[1] || p[2] + 3 <= p[1]);
}

static bool is_timestamp(const uint8_t *p, struct seen *seen)
{
	if (!once(&seen->timestamp) || p[1] < 4 || p[2] < 5)
		return false;
	if (p[2] > p[1])
		return p[3] >> 4 < TS_OVERFLOW_MAX;
	switch (p[3] & 0xf) {
	case TS_AND_ADDR:
	case TS_PRESPECIFIED:
		return p[2] + 7 <= p[1];
	default:
		return p[2] + 3 <= p[1];
	}
}

/* One option, whose length lies within the options. */
static bool is_valid(const uint8_t *p, struct seen *seen)
{
	switch (p[0]) {
	case IP4_OPT_LSRR:
	case IP4_OPT_SSRR:
		return is_route(p, seen);
	case IP4_OPT_RECORD_ROUTE:
		return is_record(p, seen);
	case IP4_OPT_TIMESTAMP:
		return is_timestamp(p, seen);
	case IP4_OPT_ROUTER_ALERT:
		return p[1] >= 4;
	}
	return true;
}

/* The length of the option at @p, of which @left bytes are there: 1 for a no-operation, 0 at the end, or when there is no such option. */
static uint32_t option_len(const uint8_t *p, uint32_t left)
{
	if (left == 0 || p[0] == IP4_OPT_END)
		return 0;
	if (p[0] == IP4_OPT_NOP)
		return 1;
	return left >= 2 && p[1] >= 2 && p[1] <= left ? p[1] : 0;
}

int ip4_txopt_take(struct ip4_txopt *o, const void *value, size_t len)
{
	struct ip4_txopt t = { .len = 0 };
	struct seen seen = { false, false, false };
	uint32_t at = 0, n;

	if (len > IP4_OPTIONS_LEN_MAX)
		return -EINVAL;
	if (len > 0)
		memcpy(t.bytes, value, len);
	t.len = (uint8_t)((len + 3) & ~(size_t)3);
	while ((n = option_len(t.bytes + at, t.len - at)) > 0) {
		if (n > 1 && !is_valid(t.bytes + at, &seen))
			return -EINVAL;
		at += n;
	}
	if (at < t.len && t.bytes[at] != IP4_OPT_END)
		return -EINVAL;
	memset(t.bytes + at, IP4_OPT_END, sizeof(t.bytes) - at);
	*o = t;
	return 0;
}

/* One that anybody may send. */
static bool is_public(const uint8_t *p)
{
	switch (p[0]) {
	case IP4_OPT_TIMESTAMP:
		return p[1] < 4 || p[2] > p[1] || (p[3] & 0xf) == TS_ONLY || (p[3] & 0xf) == TS_AND_ADDR || (p[3] & 0xf) == TS_PRESPECIFIED;
	case IP4_OPT_NOP:
	case IP4_OPT_LSRR:
	case IP4_OPT_SSRR:
	case IP4_OPT_RECORD_ROUTE:
	case IP4_OPT_ROUTER_ALERT:
		return true;
	}
	return false;
}

bool stack_options_need_privilege(const void *value, size_t len)
{
	uint32_t at = 0, n;
	struct ip4_txopt o;

	if (ip4_txopt_take(&o, value, len) < 0)
		return false;
	while ((n = option_len(o.bytes + at, o.len - at)) > 0) {
		if (!is_public(o.bytes + at))
			return true;
		at += n;
	}
	return false;
}

/* The source route among them, or NULL. */
static const uint8_t *find_route(const struct ip4_txopt *o)
{
	uint32_t at = 0, n;

	while ((n = option_len(o->bytes + at, o->len - at)) > 0) {
		if (o->bytes[at] == IP4_OPT_LSRR || o->bytes[at] == IP4_OPT_SSRR)
			return o->bytes + at;
		at += n;
	}
	return NULL;
}

struct ip_addr ip4_txopt_first_hop(const struct ip4_txopt *o, const struct ip_addr *dst)
{
	const uint8_t *route = o ? find_route(o) : NULL;

	return route ? ip_addr_from4(route + 3) : *dst;
}

bool ip4_txopt_is_strict(const struct ip4_txopt *o)
{
	const uint8_t *route = o ? find_route(o) : NULL;

	return route && route[0] == IP4_OPT_SSRR;
}

void ip4_txopt_build(const struct ip4_txopt *o, const struct ip_addr *src, const struct ip_addr *dst, uint64_t now_us,
		     struct ip4_txopt_built *built)
{
	const uint8_t *route = find_route(o);

	*built = (struct ip4_txopt_built){ .options = { .len = o->len }, .has_route = route };
	ip4_options_arrived(o->bytes, o->len, src, ip4_options_clock(now_us), built->options.bytes);
	if (route) { /* the first address goes into the header, the others move up, and the destination is the last */
		uint8_t *p = built->options.bytes + (route - o->bytes);

		built->first_hop = ip_addr_from4(route + 3);
		built->is_strict = route[0] == IP4_OPT_SSRR;
		memmove(p + 3, p + 7, p[1] - 7u);
		memcpy(p + p[1] - 4, ip_addr_v4(dst), 4);
	}
}

/* ---- IP_OPTIONS --------------------------------------------------------------------------------------------------- */

int ip4_txopt_set_sticky(struct sock *s, const void *value, size_t len)
{
	struct ip4_txopt taken, *copy = NULL;
	int err = ip4_txopt_take(&taken, value, len);

	if (err < 0)
		return err;
	if (len > 0) {
		copy = mem_alloc(&s->st->mem, sizeof(*copy));
		if (!copy)
			return -ENOBUFS;
		*copy = taken;
	}
	mem_free(&s->st->mem, s->ip4_txopt);
	s->ip4_txopt = copy;
	s->dst.ifindex = 0;
	return 0;
}

int ip4_txopt_get_sticky(struct sock *s, void *value, size_t *len)
{
	return sockopt_put(value, len, s->ip4_txopt ? s->ip4_txopt->bytes : NULL, s->ip4_txopt ? s->ip4_txopt->len : 0);
}
