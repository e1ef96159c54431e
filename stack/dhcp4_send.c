/* SPDX-License-Identifier: BSD-2-Clause */
/* dhcp4_send.c - what each DHCP message says in each state (RFC 2131 tables 4 and 5), and how it goes out: by broadcast from 0.0.0.0
 * before there is an address, and to the server alone once there is one. */
#include "dhcp4.h"

#include <sys/socket.h>

#include "core.h"
#include "dhcp.h"

static bool speaks_from_its_address(const struct dhcp4 *c)
{
	return c->state == DHCP4_RENEWING || c->state == DHCP4_REBINDING;
}

/* Table 5, and section 4.4.1: a REQUEST has what its DISCOVER had, so that relays take it to the same servers. */
static uint16_t secs_of(struct dhcp4 *c, enum dhcp4_type type)
{
	uint64_t secs = (c->st->now_us - c->began_us) / 1000000;

	if (type != DHCP4_DISCOVER && type != DHCP4_REQUEST)
		return 0;
	if (c->state != DHCP4_REQUESTING)
		c->secs = (uint16_t)(secs > UINT16_MAX ? UINT16_MAX : secs);
	return c->secs;
}

static void fill(struct dhcp4 *c, enum dhcp4_type type, struct dhcp4_request *m)
{
	const struct link *l = link_by_ifindex(c->st, c->ifindex);

	*m = (struct dhcp4_request){
		.type = (uint8_t)type,
		.xid = c->xid,
		.secs = secs_of(c, type),
		.client_id = c->client_id,
		.client_id_len = c->client_id_len,
		.hostname = c->hostname,
		.prefers_ipv6_only = c->st->tunables.dhcp_ipv6_only,
		.max_size = (uint16_t)(l->config.mtu > 1500 ? 1500 : l->config.mtu < DHCP4_MESSAGE_MAX ? DHCP4_MESSAGE_MAX : l->config.mtu),
	};
	memcpy(m->mac, l->config.mac, sizeof(m->mac));
	m->ciaddr = m->requested = m->server = ip_addr_any(AF_INET);
	switch (type) {
	case DHCP4_REQUEST:
		if (speaks_from_its_address(c)) {
			m->ciaddr = c->lease.addr.addr;
			break;
		}
		m->requested = c->wanted;
		if (c->state == DHCP4_REQUESTING)
			m->server = c->server;
		break;
	case DHCP4_DECLINE:
		m->requested = c->lease.addr.addr;
		m->server = c->lease.server;
		m->message = "address in use by another host";
		break;
	case DHCP4_RELEASE:
		m->ciaddr = c->lease.addr.addr;
		m->server = c->lease.server;
		break;
	default: /* DISCOVER: the last address is a wish */
		m->requested = c->wanted;
		break;
	}
}

/* To everyone on the link, from @src. */
static void way_to_all(const struct dhcp4 *c, const struct ip_addr *src, struct ip_dst *d)
{
	const struct link *l = link_by_ifindex(c->st, c->ifindex);
	static const uint8_t all[4] = { 255, 255, 255, 255 };

	*d = (struct ip_dst){
		.src = *src,
		.next_hop = ip_addr_from4(all),
		.ifindex = c->ifindex,
		.generation = c->st->route_generation,
		.mtu = l->config.mtu,
		.is_broadcast = true,
	};
}

/* 0, or why there is no way. */
static int find_way(const struct dhcp4 *c, enum dhcp4_type type, struct ip_dst *d)
{
	struct ip_addr nobody = ip_addr_any(AF_INET);

	if (type == DHCP4_RELEASE || (type == DHCP4_REQUEST && c->state == DHCP4_RENEWING))
		return ip_route(c->st, &c->lease.server, &c->lease.addr.addr, c->ifindex, d);
	way_to_all(c, type == DHCP4_REQUEST && c->state == DHCP4_REBINDING ? &c->lease.addr.addr : &nobody, d);
	return 0;
}

void dhcp4_send(struct dhcp4 *c, enum dhcp4_type type)
{
	struct stack *st = c->st;
	struct frame *f = frame_alloc(&st->frames, DHCP4_MESSAGE_MAX);
	struct dhcp4_request m;
	struct ip_dst d;
	struct ip_tx tx;
	size_t len;

	if (!f)
		return;
	fill(c, type, &m);
	if (find_way(c, type, &d) < 0) {
		frame_unref(f);
		return;
	}
	len = dhcp4_build(&m, f->data, DHCP4_MESSAGE_MAX);
	frame_put(f, len);
	tx = (struct ip_tx){
		.src = d.src,
		.dst = d.is_broadcast ? d.next_hop : c->lease.server,
		.proto = IPPROTO_NR_UDP,
		.ttl = 64,
		.csum_offset = -1,
	};
	dhcp_push_udp(f, &tx.src, DHCP4_CLIENT_PORT, &tx.dst, DHCP4_SERVER_PORT);
	stat_count(st, STAT_DHCP4_OUT);
	ip_output(st, f, &tx, &d);
}
