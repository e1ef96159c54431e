/* SPDX-License-Identifier: BSD-2-Clause */
#include "ra.h"

#include <string.h>

#include "packet.h"

const uint8_t ra_router_mac[6] = { 0x02, 0, 0, 0, 0, 0xfe };

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static void begin(struct ra *r, const char *src, const char *dst, uint8_t type, size_t len)
{
	memset(r, 0, sizeof(*r));
	r->src = src;
	r->dst = dst;
	r->mac = ra_router_mac;
	r->hop_limit = 255;
	r->icmp[0] = type;
	r->len = len;
}

void ra_begin(struct ra *r, const char *src, uint16_t lifetime_s)
{
	begin(r, src, "ff02::1", 134, 16);
	r->icmp[6] = (uint8_t)(lifetime_s >> 8);
	r->icmp[7] = (uint8_t)lifetime_s;
}

void ra_begin_redirect(struct ra *r, const char *src, const char *target, const char *dst)
{
	struct ip_addr t = addr_of(target), d = addr_of(dst);

	begin(r, src, BED_ADDR6, 137, 40);
	memcpy(r->icmp + 8, t.b, 16);
	memcpy(r->icmp + 24, d.b, 16);
}

void ra_add(struct ra *r, uint8_t type, const void *body, size_t len)
{
	size_t whole = (len + 2 + 7) / 8 * 8;

	if (r->len + whole > sizeof(r->icmp))
		bed_fatal("advertisement too long");
	memset(r->icmp + r->len, 0, whole);
	r->icmp[r->len] = type;
	r->icmp[r->len + 1] = (uint8_t)(whole / 8);
	memcpy(r->icmp + r->len + 2, body, len);
	r->len += whole;
}

void ra_add_mac(struct ra *r, uint8_t type, const uint8_t mac[6])
{
	ra_add(r, type, mac, 6);
}

void ra_add_prefix(struct ra *r, const char *prefix, uint8_t flags, uint32_t valid_s, uint32_t preferred_s)
{
	struct ip_prefix p;
	uint8_t body[30] = { 0 };

	if (ip_prefix_parse(prefix, &p) < 0)
		bed_fatal("not a prefix: %s", prefix);
	body[0] = p.len;
	body[1] = flags;
	put32(body + 2, valid_s);
	put32(body + 6, preferred_s);
	memcpy(body + 14, p.addr.b, 16);
	ra_add(r, 3, body, sizeof(body));
}

void ra_add_route(struct ra *r, const char *prefix, uint8_t flags, uint32_t lifetime_s)
{
	struct ip_prefix p;
	uint8_t body[22] = { 0 };

	if (ip_prefix_parse(prefix, &p) < 0)
		bed_fatal("not a prefix: %s", prefix);
	body[0] = p.len;
	body[1] = flags;
	put32(body + 2, lifetime_s);
	memcpy(body + 6, p.addr.b, 16);
	ra_add(r, 24, body, p.len == 0 ? 6 : p.len <= 64 ? 14 : 22);
}

void ra_add_mtu(struct ra *r, uint32_t mtu)
{
	uint8_t body[6] = { 0 };

	put32(body + 2, mtu);
	ra_add(r, 5, body, sizeof(body));
}

void ra_add_server(struct ra *r, const char *addr, uint32_t lifetime_s)
{
	struct ip_addr a = addr_of(addr);
	uint8_t body[22] = { 0 };

	put32(body + 2, lifetime_s);
	memcpy(body + 6, a.b, 16);
	ra_add(r, 25, body, sizeof(body));
}

void ra_add_domain(struct ra *r, const char *domain, uint32_t lifetime_s)
{
	uint8_t body[300] = { 0 };
	size_t at = 6;

	put32(body + 2, lifetime_s);
	while (*domain) {
		size_t n = strcspn(domain, ".");

		body[at] = (uint8_t)n;
		memcpy(body + at + 1, domain, n);
		at += n + 1;
		domain += n + (domain[n] == '.');
	}
	ra_add(r, 31, body, at + 1);
}

void ra_send(struct bed *b, const struct ra *r)
{
	struct ip_fields ip = { .src = r->src, .dst = r->dst, .proto = 58, .ttl = r->hop_limit };
	uint8_t buf[2200], eth_dst[6];
	struct ip_addr dst = addr_of(r->dst);
	size_t len = packet_ip(buf, &ip, r->icmp, r->len);

	packet_fix_checksums(buf, len);
	memcpy(eth_dst, bed_mac, 6);
	if (ip_addr_is_multicast(&dst)) {
		eth_dst[0] = eth_dst[1] = 0x33;
		memcpy(eth_dst + 2, dst.b + 12, 4);
	}
	bed_inject(b, buf, packet_ethernet(buf, len, eth_dst, r->mac));
}

void ra_simple(struct bed *b, const char *src, uint16_t lifetime_s, const char *prefix, uint32_t valid_s, uint32_t preferred_s)
{
	struct ra r;

	ra_begin(&r, src, lifetime_s);
	ra_add_mac(&r, 1, ra_router_mac);
	if (prefix)
		ra_add_prefix(&r, prefix, RA_ON_LINK | RA_AUTO, valid_s, preferred_s);
	ra_send(b, &r);
}
