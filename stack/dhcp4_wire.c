/* SPDX-License-Identifier: BSD-2-Clause */
#include "dhcp4_wire.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "wire.h"

enum {
	BOOTREQUEST = 1,
	BOOTREPLY = 2,
	HTYPE_ETHERNET = 1,
	CHADDR_BYTES = 16,
	SNAME_BYTES = 64,
	FILE_BYTES = 128,
	OPTION_BYTES_MAX = 1024, /* of one option whose pieces are joined */
};
static const uint32_t MAGIC_COOKIE = 0x63825363;

/* RFC 2132 section 9.8; 121 before 3, as RFC 3442 asks. */
static const uint8_t parameters[] = {
	DHCP4_OPT_MASK, DHCP4_OPT_CLASSLESS_ROUTES, DHCP4_OPT_ROUTER, DHCP4_OPT_DNS, DHCP4_OPT_DOMAIN, DHCP4_OPT_SEARCH,
	DHCP4_OPT_MTU, DHCP4_OPT_BROADCAST, DHCP4_OPT_NTP, DHCP4_OPT_LEASE_TIME, DHCP4_OPT_T1, DHCP4_OPT_T2, DHCP4_OPT_IPV6_ONLY,
};

/* ---- Building ---- */

static void put_option(struct wire_wr *w, uint8_t code, const void *value, size_t len)
{
	wire_wr_u8(w, code);
	wire_wr_u8(w, (uint8_t)len);
	wire_wr_bytes(w, value, len);
}

static void put_addr_option(struct wire_wr *w, uint8_t code, const struct ip_addr *a)
{
	if (!ip_addr_is_any(a))
		put_option(w, code, ip_addr_v4(a), 4);
}

static void put_text_option(struct wire_wr *w, uint8_t code, const char *text)
{
	if (text && *text)
		put_option(w, code, text, strnlen(text, UINT8_MAX));
}

static void put_header(struct wire_wr *w, const struct dhcp4_request *m)
{
	uint8_t nothing[CHADDR_BYTES + SNAME_BYTES + FILE_BYTES] = { 0 };

	wire_wr_u8(w, BOOTREQUEST);
	wire_wr_u8(w, HTYPE_ETHERNET);
	wire_wr_u8(w, sizeof(m->mac));
	wire_wr_u8(w, 0);
	wire_wr_u32(w, m->xid);
	wire_wr_u16(w, m->secs);
	wire_wr_u16(w, 0); /* no BROADCAST flag: we hear unicast before we have an address */
	wire_wr_bytes(w, ip_addr_v4(&m->ciaddr), 4);
	wire_wr_bytes(w, nothing, 3 * 4); /* yiaddr, siaddr, giaddr */
	wire_wr_bytes(w, m->mac, sizeof(m->mac));
	wire_wr_bytes(w, nothing, CHADDR_BYTES - sizeof(m->mac) + SNAME_BYTES + FILE_BYTES);
	wire_wr_u32(w, MAGIC_COOKIE);
}

/* RFC 2131 table 5: only who asks for parameters may list them, say how long a message may be, and name itself. */
static void put_questions(struct wire_wr *w, const struct dhcp4_request *m)
{
	uint8_t size[2], auto_configure = 1;

	put_option(w, DHCP4_OPT_PARAMETERS, parameters, sizeof(parameters) - !m->prefers_ipv6_only); /* it is the last */
	if (m->max_size) {
		put_be16(size, m->max_size);
		put_option(w, DHCP4_OPT_MAX_SIZE, size, sizeof(size));
	}
	put_text_option(w, DHCP4_OPT_HOSTNAME, m->hostname);
	if (m->type == DHCP4_DISCOVER)
		put_option(w, DHCP4_OPT_AUTO_CONFIGURE, &auto_configure, 1);
}

size_t dhcp4_build(const struct dhcp4_request *m, uint8_t *buf, size_t room)
{
	struct wire_wr w = wire_wr_over(buf, room);

	put_header(&w, m);
	put_option(&w, DHCP4_OPT_TYPE, &m->type, 1);
	put_option(&w, DHCP4_OPT_CLIENT_ID, m->client_id, m->client_id_len);
	put_addr_option(&w, DHCP4_OPT_REQUESTED, &m->requested);
	put_addr_option(&w, DHCP4_OPT_SERVER_ID, &m->server);
	if (m->type == DHCP4_DISCOVER || m->type == DHCP4_REQUEST)
		put_questions(&w, m);
	put_text_option(&w, DHCP4_OPT_MESSAGE, m->message);
	wire_wr_u8(&w, DHCP4_OPT_END);
	while (wire_wr_ok(&w) && wire_wr_len(&w) < DHCP4_MESSAGE_MIN)
		wire_wr_u8(&w, DHCP4_OPT_PAD);
	return wire_wr_ok(&w) ? wire_wr_len(&w) : 0;
}

/* ---- Parsing ---- */

/* The places of a message that hold options, in the order in which pieces are joined (RFC 3396 section 5). */
struct areas {
	struct wire_rd area[3];
	int count;
};

struct value {
	uint8_t b[OPTION_BYTES_MAX];
	size_t len;
};

/* Append the pieces of option @code in one area. */
static void gather_from(struct wire_rd r, uint8_t code, struct value *v)
{
	while (wire_rd_left(&r) > 0) {
		uint8_t c = wire_rd_u8(&r);
		struct wire_rd piece;
		size_t n;

		if (c == DHCP4_OPT_PAD)
			continue;
		if (c == DHCP4_OPT_END)
			return;
		piece = wire_rd_sub(&r, wire_rd_u8(&r));
		n = wire_rd_left(&piece);
		if (!wire_rd_ok(&piece))
			return;
		if (c == code && n <= sizeof(v->b) - v->len) {
			wire_rd_copy(&piece, v->b + v->len, n);
			v->len += n;
		}
	}
}

static const struct value *gather(const struct areas *a, uint8_t code, struct value *v)
{
	v->len = 0;
	for (int i = 0; i < a->count; i++)
		gather_from(a->area[i], code, v);
	return v;
}

static void read_addr(const struct areas *a, uint8_t code, struct ip_addr *to)
{
	struct value v;

	*to = ip_addr_any(AF_INET);
	if (gather(a, code, &v)->len == 4)
		*to = ip_addr_from4(v.b);
}

static bool read_u32(const struct areas *a, uint8_t code, uint32_t *to)
{
	struct value v;

	*to = 0;
	if (gather(a, code, &v)->len != 4)
		return false;
	*to = get_be32(v.b);
	return true;
}

static void read_servers(const struct areas *a, uint8_t code, struct dhcp4_servers *to)
{
	struct value v;

	gather(a, code, &v);
	to->count = 0;
	for (size_t at = 0; at + 4 <= v.len && to->count < DHCP4_SERVERS_MAX; at += 4) {
		struct ip_addr addr = ip_addr_from4(v.b + at);

		if (!ip_addr_is_any(&addr) && !ip_addr_is_broadcast(&addr) && !ip_addr_is_multicast(&addr))
			to->addr[to->count++] = addr;
	}
}

/* The host's own domain, a text: what is no letter, digit, dot or hyphen ends in nothing. */
static void read_own_domain(const struct areas *a, struct dhcp_domains *to)
{
	struct value v;
	size_t n = gather(a, DHCP4_OPT_DOMAIN, &v)->len;

	while (n > 0 && v.b[n - 1] == 0) /* some servers end it like a C string */
		n--;
	if (n == 0 || n >= sizeof(to->name[0]))
		return;
	for (size_t i = 0; i < n; i++)
		if (v.b[i] != '.' && !dhcp_is_name_byte(v.b[i]))
			return;
	memcpy(to->name[0], v.b, n);
	to->name[0][n] = 0;
	to->count = 1;
}

static void read_domains(const struct areas *a, struct dhcp_domains *to)
{
	struct value v;

	gather(a, DHCP4_OPT_SEARCH, &v);
	dhcp_read_domains(v.b, v.len, true, to);
	if (to->count == 0)
		read_own_domain(a, to);
}

/* RFC 3442: the width of the mask, as many bytes of the network as it has, the router. One that is wrong ends them all: its length says
 * where the next begins. */
static void read_classless_routes(const struct areas *a, struct dhcp4_reply *m)
{
	struct value v;
	struct wire_rd r;

	gather(a, DHCP4_OPT_CLASSLESS_ROUTES, &v);
	m->has_classless = v.len >= 5;
	r = wire_rd_over(v.b, v.len);
	while (wire_rd_left(&r) > 0 && m->route_count < DHCP4_ROUTES_MAX) {
		struct dhcp4_route *route = &m->routes[m->route_count];
		uint8_t width = wire_rd_u8(&r), dst[4] = { 0 }, gateway[4];

		if (width > 32)
			return;
		wire_rd_copy(&r, dst, (width + 7u) / 8);
		wire_rd_copy(&r, gateway, sizeof(gateway));
		if (!wire_rd_ok(&r))
			return;
		route->dst = (struct ip_prefix){ ip_addr_from4(dst), (uint8_t)(96 + width) };
		route->dst.addr = ip_prefix_first(&route->dst);
		route->gateway = ip_addr_from4(gateway);
		m->route_count++;
	}
}

static void read_client_id(const struct areas *a, struct dhcp4_reply *m)
{
	struct value v;

	gather(a, DHCP4_OPT_CLIENT_ID, &v);
	m->has_client_id = v.len > 0;
	if (v.len > sizeof(m->client_id)) /* none of ours is as long: it stays one that differs */
		v.len = 0;
	memcpy(m->client_id, v.b, v.len);
	m->client_id_len = (uint8_t)v.len;
}

static void read_small(const struct areas *a, struct dhcp4_reply *m)
{
	struct value v;

	m->type = gather(a, DHCP4_OPT_TYPE, &v)->len == 1 ? v.b[0] : 0;
	m->mtu = gather(a, DHCP4_OPT_MTU, &v)->len == 2 ? get_be16(v.b) : 0;
	m->auto_configure = -1;
	if (gather(a, DHCP4_OPT_AUTO_CONFIGURE, &v)->len == 1)
		m->auto_configure = v.b[0] != 0;
}

static void read_options(const struct areas *a, struct dhcp4_reply *m)
{
	read_small(a, m);
	read_addr(a, DHCP4_OPT_MASK, &m->mask);
	read_addr(a, DHCP4_OPT_BROADCAST, &m->broadcast);
	read_addr(a, DHCP4_OPT_SERVER_ID, &m->server);
	m->has_lease = read_u32(a, DHCP4_OPT_LEASE_TIME, &m->lease_s);
	read_u32(a, DHCP4_OPT_T1, &m->t1_s);
	read_u32(a, DHCP4_OPT_T2, &m->t2_s);
	read_client_id(a, m);
	read_servers(a, DHCP4_OPT_ROUTER, &m->routers);
	read_servers(a, DHCP4_OPT_DNS, &m->dns);
	read_servers(a, DHCP4_OPT_NTP, &m->ntp);
	m->has_ipv6_only = read_u32(a, DHCP4_OPT_IPV6_ONLY, &m->ipv6_only_s);
	read_domains(a, &m->domains);
	read_classless_routes(a, m);
}

int dhcp4_parse(const uint8_t *data, size_t len, struct dhcp4_reply *m)
{
	struct wire_rd r = wire_rd_over(data, len), sname, file;
	uint8_t op = wire_rd_u8(&r), htype = wire_rd_u8(&r), hlen = wire_rd_u8(&r), yiaddr[4];
	struct areas areas = { .count = 1 };
	struct value overload;

	*m = (struct dhcp4_reply){ 0 };
	wire_rd_skip(&r, 1);
	m->xid = wire_rd_u32(&r);
	wire_rd_skip(&r, 2 + 2 + 4); /* secs, flags, ciaddr */
	wire_rd_copy(&r, yiaddr, sizeof(yiaddr));
	wire_rd_skip(&r, 4 + 4); /* siaddr, giaddr */
	wire_rd_copy(&r, m->mac, sizeof(m->mac));
	wire_rd_skip(&r, CHADDR_BYTES - sizeof(m->mac));
	sname = wire_rd_sub(&r, SNAME_BYTES);
	file = wire_rd_sub(&r, FILE_BYTES);
	if (op != BOOTREPLY || htype != HTYPE_ETHERNET || hlen != sizeof(m->mac) || wire_rd_u32(&r) != MAGIC_COOKIE)
		return -EBADMSG;
	m->yiaddr = ip_addr_from4(yiaddr);
	areas.area[0] = r;
	if (gather(&areas, DHCP4_OPT_OVERLOAD, &overload)->len == 1) {
		if (overload.b[0] & 1)
			areas.area[areas.count++] = file;
		if (overload.b[0] & 2)
			areas.area[areas.count++] = sname;
	}
	read_options(&areas, m);
	return 0;
}
