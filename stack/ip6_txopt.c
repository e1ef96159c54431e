/* SPDX-License-Identifier: BSD-2-Clause */
#include "ip6_txopt.h"

#include <errno.h>
#include <netinet/in.h>

#include "core.h"
#include "ip6.h"
#include "sockopt.h"

enum { STICKY_BYTES_MAX = 8 * 255 }; /* as Linux */

/* A routing header's fields (RFC 8200 section 4.4, RFC 6275 section 6.4, RFC 8754 section 2). */
enum { RT_TYPE_AT = 2, RT_LEFT_AT = 3, RT_LAST_ENTRY_AT = 4, RT_ADDRS_AT = 8, RT_TYPE_2 = 2, RT_TYPE_SEGMENTS = 4 };

/* ---- Lengths and bytes -------------------------------------------------------------------------------------------- */

uint32_t ip6_txopts_unfragmentable_bytes(const struct ip6_txopts *o)
{
	uint32_t n = 0;

	for (int i = 0; o && i < IP6_TXOPT_DST; i++)
		n += ip6_txopt_bytes(o->hdr[i]);
	return n;
}

uint32_t ip6_txopts_bytes(const struct ip6_txopts *o)
{
	return o ? ip6_txopts_unfragmentable_bytes(o) + ip6_txopt_bytes(o->hdr[IP6_TXOPT_DST]) : 0;
}

/* Where in a routing header the first hop stands. Segments are listed from the last to the first (RFC 8754 section 2). */
static uint32_t first_hop_at(const uint8_t *rt)
{
	return RT_ADDRS_AT + (rt[RT_TYPE_AT] == RT_TYPE_SEGMENTS ? rt[RT_LEFT_AT] * 16u : 0);
}

struct ip_addr ip6_txopts_first_hop(const struct ip6_txopts *o, const struct ip_addr *dst)
{
	const uint8_t *rt = o ? o->hdr[IP6_TXOPT_ROUTING] : NULL;

	return rt ? ip_addr_from6(rt + first_hop_at(rt)) : *dst;
}

/* As it travels: the destination stands where it is to be found at the end of the route; the first hop is in the IPv6 header. */
static void write_routing(uint8_t *p, const uint8_t *rt, const struct ip_addr *dst)
{
	memcpy(p, rt, ip6_txopt_bytes(rt));
	memcpy(p + RT_ADDRS_AT, dst->b, 16); /* the only address of type 2, the last segment of type 4 */
}

static uint8_t type_of(int which)
{
	return which == IP6_TXOPT_HOP ? IP6_HOP_BY_HOP : which == IP6_TXOPT_ROUTING ? IP6_ROUTING : IP6_DEST_OPTIONS;
}

uint8_t ip6_txopts_write(const struct ip6_txopts *o, int first, int last, uint8_t *p, const struct ip_addr *dst, uint8_t next)
{
	uint8_t at_front = next, *next_at = &at_front;

	for (int i = first; i <= last; i++) {
		if (!o->hdr[i])
			continue;
		if (i == IP6_TXOPT_ROUTING)
			write_routing(p, o->hdr[i], dst);
		else
			memcpy(p, o->hdr[i], ip6_txopt_bytes(o->hdr[i]));
		*next_at = type_of(i);
		next_at = p;
		p += ip6_txopt_bytes(o->hdr[i]);
	}
	if (next_at != &at_front)
		*next_at = next;
	return at_front;
}

/* ---- Checking ----------------------------------------------------------------------------------------------------- */

/* RFC 6275 section 6.4.1: one address, the home address. */
static bool is_type_2(const uint8_t *rt)
{
	return rt[RT_TYPE_AT] == RT_TYPE_2 && rt[1] == 2 && rt[RT_LEFT_AT] == 1;
}

/* RFC 8754 section 2, as Linux's seg6_validate_srh() reads it; @len: of the value that was given. */
static bool is_segments(const uint8_t *rt, size_t len)
{
	uint8_t last = rt[RT_LAST_ENTRY_AT];
	size_t at = RT_ADDRS_AT + (last + 1u) * 16;

	if (rt[RT_TYPE_AT] != RT_TYPE_SEGMENTS || ip6_txopt_bytes(rt) != len || rt[RT_LEFT_AT] > last || at > len)
		return false;
	while (at < len) { /* type, length, value */
		if (len - at < 2 || (size_t)rt[at + 1] + 2 > len - at)
			return false;
		at += rt[at + 1] + 2u;
	}
	return true;
}

int ip6_txopts_add(struct ip6_txopts *o, const struct dgram_control *c)
{
	const uint8_t *h = c->data;
	int which;

	if (c->level != IPPROTO_IPV6)
		return -ENOENT;
	switch (c->type) {
	case IPV6_HOPOPTS:
	case IPV6_2292HOPOPTS:
		which = IP6_TXOPT_HOP;
		break;
	case IPV6_DSTOPTS:
	case IPV6_2292DSTOPTS:
		which = IP6_TXOPT_DST;
		break;
	case IPV6_RTHDRDSTOPTS:
		which = IP6_TXOPT_DST_BEFORE_ROUTING;
		break;
	case IPV6_RTHDR:
	case IPV6_2292RTHDR:
		which = IP6_TXOPT_ROUTING;
		break;
	default:
		return -ENOENT;
	}
	if (c->bytes < 2 || c->bytes < ip6_txopt_bytes(h) || (which == IP6_TXOPT_ROUTING && !is_type_2(h)))
		return -EINVAL;
	if (o->hdr[which] && (which == IP6_TXOPT_HOP || c->type == IPV6_2292DSTOPTS))
		return -EINVAL;
	o->hdr[which] = h;
	if (c->type == IPV6_2292RTHDR && o->hdr[IP6_TXOPT_DST]) { /* RFC 2292 section 4.2: those given before it come before it */
		o->hdr[IP6_TXOPT_DST_BEFORE_ROUTING] = o->hdr[IP6_TXOPT_DST];
		o->hdr[IP6_TXOPT_DST] = NULL;
	}
	return 0;
}

/* ---- Sticky ones -------------------------------------------------------------------------------------------------- */

static int which_of(int name)
{
	switch (name) {
	case IPV6_HOPOPTS:
		return IP6_TXOPT_HOP;
	case IPV6_RTHDRDSTOPTS:
		return IP6_TXOPT_DST_BEFORE_ROUTING;
	case IPV6_RTHDR:
		return IP6_TXOPT_ROUTING;
	default:
		return IP6_TXOPT_DST;
	}
}

static int check_sticky(int name, const uint8_t *h, size_t len)
{
	if (len < 2 || len % 8 || len > STICKY_BYTES_MAX || ip6_txopt_bytes(h) > len)
		return -EINVAL;
	return name == IPV6_RTHDR && !is_type_2(h) && !is_segments(h, len) ? -EINVAL : 0;
}

int ip6_txopts_set_sticky(struct sock *s, int name, const void *value, size_t len)
{
	uint8_t **slot = &s->ip6_txopts[which_of(name)], *copy = NULL;
	int err = len > 0 ? check_sticky(name, value, len) : 0;

	if (err < 0)
		return err;
	if (len > 0) {
		len = ip6_txopt_bytes(value);
		copy = mem_alloc(&s->st->mem, len);
		if (!copy)
			return -ENOBUFS;
		memcpy(copy, value, len);
	}
	mem_free(&s->st->mem, *slot);
	*slot = copy;
	s->dst.ifindex = 0; /* a routing header leads elsewhere */
	return 0;
}

int ip6_txopts_get_sticky(struct sock *s, int name, void *value, size_t *len)
{
	const uint8_t *h = s->ip6_txopts[which_of(name)];

	return sockopt_put(value, len, h, ip6_txopt_bytes(h));
}

/* RFC 3542 section 7: the options before a routing header are sent with one only. */
struct ip6_txopts ip6_txopts_sticky(const struct sock *s)
{
	struct ip6_txopts o;

	for (int i = 0; i < IP6_TXOPTS; i++)
		o.hdr[i] = s->ip6_txopts[i];
	if (!o.hdr[IP6_TXOPT_ROUTING])
		o.hdr[IP6_TXOPT_DST_BEFORE_ROUTING] = NULL;
	return o;
}

bool ip6_txopts_has_sticky(const struct sock *s)
{
	return s->ip6_txopts[IP6_TXOPT_HOP] || s->ip6_txopts[IP6_TXOPT_ROUTING] || s->ip6_txopts[IP6_TXOPT_DST];
}

int ip6_txopts_inherit(struct sock *s, const struct sock *from)
{
	for (int i = 0; i < IP6_TXOPTS; i++) {
		uint32_t bytes = ip6_txopt_bytes(from->ip6_txopts[i]);

		if (bytes == 0)
			continue;
		s->ip6_txopts[i] = mem_alloc(&s->st->mem, bytes);
		if (!s->ip6_txopts[i])
			return -ENOBUFS;
		memcpy(s->ip6_txopts[i], from->ip6_txopts[i], bytes);
	}
	return 0;
}

void ip6_txopts_free(struct sock *s)
{
	for (int i = 0; i < IP6_TXOPTS; i++)
		mem_free(&s->st->mem, s->ip6_txopts[i]);
}
