/* SPDX-License-Identifier: BSD-2-Clause */
/* dhcp6_send.c - what each DHCPv6 message says in each state (RFC 8415 sections 18.2.1 to 18.2.8), and how it goes out: to all servers and
 * relays of the link, from its link-local address, and not too often. */
#include "core.h"
#include "dhcp.h"
#include "dhcp6.h"

enum {
	LIMIT_US = 1000000, /* section 14.1: a message a second, and a burst of twenty */
	LIMIT_BURST_US = 20 * LIMIT_US,
};

/* All_DHCP_Relay_Agents_and_Servers, section 7.1 */
static const struct ip_addr all_servers = { { 0xff, 0x02, [13] = 0x01, [15] = 0x02 } };

const struct dhcp6_duid *dhcp6_addressee(const struct dhcp6 *c, enum dhcp6_type type)
{
	switch (type) {
	case DHCP6_REQUEST:
	case DHCP6_RENEW:
	case DHCP6_RELEASE:
	case DHCP6_DECLINE:
		return &c->server;
	default:
		return NULL;
	}
}

static const struct dhcp6_ia *ia_to_send(const struct dhcp6 *c, enum dhcp6_type type)
{
	static const struct dhcp6_ia none;

	switch (type) {
	case DHCP6_INFORMATION_REQUEST:
		return NULL;
	case DHCP6_DECLINE:
	case DHCP6_RELEASE:
		return &c->given_back;
	case DHCP6_SOLICIT: /* what was offered meanwhile is no wish of ours */
		return &none;
	default:
		return &c->ia;
	}
}

/* Section 14.1: whatever is wrong with a server or with us, the network does not suffer. */
static bool may_send(struct dhcp6 *c)
{
	uint64_t now = c->st->now_us;

	if (c->sent_until_us < now)
		c->sent_until_us = now;
	if (c->sent_until_us - now > LIMIT_BURST_US - LIMIT_US) {
		stat_count(c->st, STAT_DHCP6_OUT_LIMITED);
		return false;
	}
	c->sent_until_us += LIMIT_US;
	return true;
}

void dhcp6_send(struct dhcp6 *c, enum dhcp6_type type)
{
	struct stack *st = c->st;
	uint64_t elapsed_cs = c->tries == 0 ? 0 : (st->now_us - c->began_us) / 10000; /* section 21.9 */
	struct dhcp6_request m = {
		.type = (uint8_t)type,
		.xid = c->xid,
		.elapsed_cs = (uint16_t)(elapsed_cs > UINT16_MAX ? UINT16_MAX : elapsed_cs),
		.mac = link_by_ifindex(st, c->ifindex)->config.mac,
		.client = &c->client,
		.hostname = c->hostname,
		.server = dhcp6_addressee(c, type),
		.ia = ia_to_send(c, type),
	};
	struct ip_tx tx = { .dst = all_servers, .proto = IPPROTO_NR_UDP, .ttl = 64, .csum_offset = -1 };
	struct frame *f;
	struct ip_dst d;

	if (ip_route(st, &all_servers, NULL, c->ifindex, &d) < 0) /* no usable link-local address yet: the next try may have one */
		return;
	f = may_send(c) ? frame_alloc(&st->frames, DHCP6_MESSAGE_MAX) : NULL;
	if (!f)
		return;
	frame_put(f, dhcp6_build(&m, f->data, DHCP6_MESSAGE_MAX));
	tx.src = d.src;
	dhcp_push_udp(f, &tx.src, DHCP6_CLIENT_PORT, &tx.dst, DHCP6_SERVER_PORT);
	stat_count(st, STAT_DHCP6_OUT);
	ip_output(st, f, &tx, &d);
}
