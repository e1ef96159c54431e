/* SPDX-License-Identifier: BSD-2-Clause */
#include "lan.h"

#include <string.h>

#include "packet.h"

const uint8_t lan_broadcast[6] = { 255, 255, 255, 255, 255, 255 };

enum { ETH_HDR = 14, ARP_LEN = 28, IP6_HDR = 40, ND_LEN = 24, OPTION_LEN = 8, PROTO_ICMP6 = 58 };

size_t lan_arp(uint8_t *buf, const uint8_t eth_dst[6], const uint8_t mac[6], uint16_t op, const char *sender,
	       const char *target)
{
	static const uint8_t fixed[8] = { 0x08, 0x06, 0, 1, 0x08, 0, 6, 4 };
	struct ip_addr s = addr_of(sender), t = addr_of(target);
	uint8_t *arp = buf + ETH_HDR;

	memset(buf, 0, ETH_HDR + ARP_LEN);
	memcpy(buf, eth_dst, 6);
	memcpy(buf + 6, mac, 6);
	memcpy(buf + 12, fixed, 8);
	arp[7] = (uint8_t)op;
	memcpy(arp + 8, mac, 6);
	memcpy(arp + 14, s.b + 12, 4);
	if (op == LAN_ARP_REPLY)
		memcpy(arp + 18, eth_dst, 6);
	memcpy(arp + 24, t.b + 12, 4);
	return ETH_HDR + ARP_LEN;
}

static void mac_of_dst(uint8_t mac[6], const struct ip_addr *dst)
{
	memcpy(mac, bed_mac, 6);
	if (ip_addr_is_multicast(dst)) {
		mac[0] = mac[1] = 0x33;
		memcpy(mac + 2, dst->b + 12, 4);
	}
}

size_t lan_nd(uint8_t *buf, const uint8_t mac[6], const char *src, const char *dst, uint8_t type, uint8_t flags,
	      const char *target, const uint8_t *link_addr)
{
	struct ip_fields ip = { .src = src, .dst = dst, .proto = PROTO_ICMP6, .ttl = 255 };
	struct ip_addr t = addr_of(target), d = addr_of(dst);
	uint8_t nd[ND_LEN + OPTION_LEN] = { type, 0, 0, 0, flags }, eth_dst[6];
	size_t len = ND_LEN;

	memcpy(nd + 8, t.b, 16);
	if (link_addr) {
		nd[ND_LEN] = type == LAN_NS ? 1 : 2;
		nd[ND_LEN + 1] = 1;
		memcpy(nd + ND_LEN + 2, link_addr, 6);
		len += OPTION_LEN;
	}
	len = packet_ip(buf, &ip, nd, len);
	packet_fix_checksums(buf, len);
	mac_of_dst(eth_dst, &d);
	return packet_ethernet(buf, len, eth_dst, mac);
}

bool lan_is_arp(const struct bed_packet *p, const uint8_t eth_dst[6], uint16_t op, const char *sender, const char *target)
{
	uint8_t expected[ETH_HDR + ARP_LEN];
	size_t len = lan_arp(expected, eth_dst, bed_mac, op, sender, target);

	return p->len == len && memcmp(p->data, expected, len) == 0;
}

bool lan_is_nd(const struct bed_packet *p, const uint8_t eth_dst[6], const char *src, const char *dst, uint8_t type,
	       uint8_t flags, const char *target, bool has_option)
{
	uint8_t expected[ETH_HDR + IP6_HDR + ND_LEN + OPTION_LEN];
	size_t len = lan_nd(expected, bed_mac, src, dst, type, flags, target, has_option ? bed_mac : NULL);

	memcpy(expected, eth_dst, 6);
	return p->len == len && memcmp(p->data, expected, len) == 0;
}

bool lan_is_ip(const struct bed_packet *p, const uint8_t eth_dst[6])
{
	unsigned type = p->len >= ETH_HDR ? p->data[12] * 256u + p->data[13] : 0;

	return (type == 0x0800 || type == 0x86dd) && memcmp(p->data, eth_dst, 6) == 0 && memcmp(p->data + 6, bed_mac, 6) == 0;
}

void lan_introduce_peer(struct bed *b)
{
	uint8_t buf[128];

	bed_inject(b, buf, lan_arp(buf, bed_mac, bed_peer_mac, LAN_ARP_REQUEST, BED_PEER4, BED_ADDR4));
	bed_inject(b, buf, lan_nd(buf, bed_peer_mac, BED_PEER6, BED_ADDR6, LAN_NS, 0, BED_ADDR6, bed_peer_mac));
	bed_drop_all(b);
}

struct neigh_query {
	struct ip_addr addr;
	const char *state;
};

static bool find_neigh(void *ctx, const struct neigh_info *info)
{
	struct neigh_query *q = ctx;

	if (ip_addr_eq(&info->addr, &q->addr))
		q->state = info->state;
	return true;
}

const char *lan_neigh_state(struct bed *b, const char *addr)
{
	struct neigh_query q = { addr_of(addr), "" };

	stack_each_neigh(b->st, find_neigh, &q);
	return q.state;
}

void bed_set(struct bed *b, const char *name, const char *value)
{
	const char *why;

	if (stack_set(b->st, name, value, &why) < 0)
		bed_fatal("%s=%s: %s", name, value, why);
}
