/* SPDX-License-Identifier: BSD-2-Clause */
#include "nd_opt.h"

#include "eth.h"

enum { NONCE_LEN = 6, PREFIX_UNITS = 4, FLAG_ON_LINK = 0x80, FLAG_AUTONOMOUS = 0x40 };

bool nd_opt_next(struct wire_rd *r, struct nd_opt *o)
{
	if (wire_rd_left(r) == 0)
		return false;
	o->type = wire_rd_u8(r);
	o->units = wire_rd_u8(r);
	if (o->units == 0)
		r->bad = true;
	else
		o->body = wire_rd_sub(r, o->units * 8u - 2);
	return wire_rd_ok(r);
}

bool nd_opts_are_whole(struct wire_rd r)
{
	struct nd_opt o;

	while (nd_opt_next(&r, &o))
		;
	return wire_rd_ok(&r);
}

bool nd_find_link_addr(struct wire_rd r, uint8_t type, const uint8_t **mac)
{
	struct nd_opt o;

	*mac = NULL;
	while (nd_opt_next(&r, &o)) {
		const uint8_t *m;

		if (o.type != type)
			continue;
		m = wire_rd_bytes(&o.body, 6);
		if (o.units != 1 || !m || !eth_is_host_mac(m))
			return false;
		*mac = m;
	}
	return wire_rd_ok(&r);
}

const uint8_t *nd_find_nonce(struct wire_rd r)
{
	struct nd_opt o;

	while (nd_opt_next(&r, &o))
		if (o.type == ND_OPTION_NONCE && o.units == 1)
			return wire_rd_bytes(&o.body, NONCE_LEN);
	return NULL;
}

/* RFC 4861 section 4.6.2; RFC 4862 section 5.5.3 (c): no address from one whose preferred lifetime outlasts the valid one. */
bool nd_parse_prefix(struct nd_opt *o, struct nd_prefix *p)
{
	struct wire_rd *r = &o->body;
	uint8_t flags;

	p->prefix.len = wire_rd_u8(r);
	flags = wire_rd_u8(r);
	p->is_on_link = flags & FLAG_ON_LINK;
	p->valid_s = wire_rd_u32(r);
	p->preferred_s = wire_rd_u32(r);
	p->is_autonomous = (flags & FLAG_AUTONOMOUS) && p->preferred_s <= p->valid_s;
	wire_rd_skip(r, 4);
	wire_rd_copy(r, p->prefix.addr.b, 16);
	if (!wire_rd_ok(r) || o->units != PREFIX_UNITS || p->prefix.len > 128)
		return false;
	p->prefix.addr = ip_prefix_first(&p->prefix);
	/* Neither the network of link-local addresses, which has no end, nor what is no network of hosts. */
	return !ip_addr_is_linklocal(&p->prefix.addr) && !ip_addr_is_multicast(&p->prefix.addr) && !ip_addr_is4(&p->prefix.addr) &&
	       !ip_addr_is_loopback(&p->prefix.addr) && !(ip_addr_is_any(&p->prefix.addr));
}

bool nd_preference(uint8_t flags, int8_t *preference)
{
	static const int8_t of_bits[4] = { 0, 1, 0, -1 };
	unsigned bits = flags >> 3 & 3;

	*preference = of_bits[bits];
	return bits != 2;
}

/* RFC 4191 section 2.3: as many bytes of the prefix as its length needs, or more; the reserved preference voids the option. */
bool nd_parse_route(struct nd_opt *o, struct nd_route *route)
{
	struct wire_rd *r = &o->body;
	uint8_t flags;

	*route = (struct nd_route){ .prefix.len = wire_rd_u8(r) };
	flags = wire_rd_u8(r);
	route->lifetime_s = wire_rd_u32(r);
	if (!wire_rd_ok(r) || o->units > 3 || route->prefix.len > 128 || route->prefix.len > wire_rd_left(r) * 8)
		return false;
	wire_rd_copy(r, route->prefix.addr.b, wire_rd_left(r));
	route->prefix.addr = ip_prefix_first(&route->prefix);
	return nd_preference(flags, &route->preference) && !ip_addr_is_linklocal(&route->prefix.addr) &&
	       !ip_addr_is_multicast(&route->prefix.addr) && !ip_addr_is4(&route->prefix.addr);
}

bool nd_parse_mtu(struct nd_opt *o, uint32_t *mtu)
{
	wire_rd_skip(&o->body, 2);
	*mtu = wire_rd_u32(&o->body);
	return wire_rd_ok(&o->body) && o->units == 1;
}

/* RFC 8106 sections 5.1, 5.2: an RDNSS has an odd length, of three at least; a DNSSL one of two at least. */
bool nd_parse_dns_lifetime(struct nd_opt *o, uint32_t *lifetime_s)
{
	bool is_long_enough = o->type == ND_OPTION_RDNSS ? o->units >= 3 && o->units % 2 == 1 : o->units >= 2;

	wire_rd_skip(&o->body, 2);
	*lifetime_s = wire_rd_u32(&o->body);
	return wire_rd_ok(&o->body) && is_long_enough;
}

bool nd_next_server(struct nd_opt *o, struct ip_addr *server)
{
	while (wire_rd_left(&o->body) >= 16) {
		wire_rd_copy(&o->body, server->b, 16);
		if (!ip_addr_is_any(server) && !ip_addr_is_multicast(server) && !ip_addr_is_loopback(server) && !ip_addr_is4(server))
			return true;
	}
	return false;
}

static bool is_name_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* One label, with its dot. False: it is the root label that ends a name, or malformed (then @r is bad). */
static bool next_label(struct wire_rd *r, char *domain, size_t *len)
{
	uint8_t n = wire_rd_u8(r);
	const uint8_t *label = n > 0 && n < 64 ? wire_rd_bytes(r, n) : NULL;

	if (n == 0)
		return false;
	if (!label || *len + n + 1 >= ND_DOMAIN_MAX) {
		r->bad = true;
		return false;
	}
	for (unsigned i = 0; i < n; i++) {
		if (!is_name_byte(label[i]))
			r->bad = true;
		domain[(*len)++] = (char)label[i];
	}
	domain[(*len)++] = '.';
	return wire_rd_ok(r);
}

bool nd_next_domain(struct nd_opt *o, char domain[ND_DOMAIN_MAX])
{
	size_t len = 0;

	while (next_label(&o->body, domain, &len))
		;
	if (!wire_rd_ok(&o->body) || len == 0) /* an empty name is the padding */
		return false;
	domain[len - 1] = 0;
	return true;
}
