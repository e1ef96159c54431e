/* SPDX-License-Identifier: BSD-2-Clause */
#include "eth.h"

#include "arp.h"
#include "core.h"
#include "icmp6.h"
#include "ip4.h"
#include "ip6.h"
#include "offload.h"
#include "wire.h"

const uint8_t eth_broadcast[6] = { 255, 255, 255, 255, 255, 255 };

static bool is_group_mac(const uint8_t mac[6])
{
	return mac[0] & 1;
}

bool eth_is_host_mac(const uint8_t mac[6])
{
	static const uint8_t zero[6];

	return !is_group_mac(mac) && memcmp(mac, zero, 6) != 0;
}

/* Another host may have our link address: it gives itself away when it checks or defends an IPv6 address of ours. Our own frames, come back
 * through a loop, look the same; nonces tell them apart (RFC 7527), so without those nothing from our own address is heard. */
static bool may_be_namesake(struct stack *st, const struct frame *f, uint16_t type)
{
	enum { NEXT_AT = 6, TYPE_AT = 40 };
	const uint8_t *p = f->data + ETH_HDR_LEN;

	return type == ETH_TYPE_IP6 && st->tunables.enhanced_dad && f->len > ETH_HDR_LEN + TYPE_AT && p[NEXT_AT] == IPPROTO_NR_ICMP6 &&
	       (p[TYPE_AT] == ICMP6_NEIGHBOR_SOLICITATION || p[TYPE_AT] == ICMP6_NEIGHBOR_ADVERTISEMENT);
}

void eth_input(struct stack *st, struct frame *f, struct link *l)
{
	struct wire_rd r = wire_rd_over(f->data, f->len);
	const uint8_t *dst = wire_rd_bytes(&r, 6), *src = wire_rd_bytes(&r, 6);
	uint16_t type = wire_rd_u16(&r);
	enum eth_to to = ETH_TO_US;

	if (!wire_rd_ok(&r)) {
		stat_drop(st, STAT_ETH_DROP_SHORT);
		return;
	}
	if (is_group_mac(dst)) {
		to = memcmp(dst, eth_broadcast, 6) == 0 ? ETH_TO_BROADCAST : ETH_TO_GROUP;
	} else if (memcmp(dst, l->config.mac, 6) != 0) {
		stat_drop(st, STAT_ETH_DROP_OTHER_HOST);
		return;
	}
	if (!eth_is_host_mac(src) || (memcmp(src, l->config.mac, 6) == 0 && !may_be_namesake(st, f, type))) {
		stat_drop(st, STAT_ETH_DROP_SOURCE);
		return;
	}
	offload_pull(f, ETH_HDR_LEN);
	switch (type) {
	case ETH_TYPE_IP4:
		ip4_input(st, f, l, to);
		return;
	case ETH_TYPE_IP6:
		ip6_input(st, f, l, to);
		return;
	case ETH_TYPE_ARP:
		arp_input(st, f, l, to);
		return;
	}
	stat_drop(st, STAT_ETH_DROP_TYPE);
}

void eth_write_hdr(uint8_t *h, const uint8_t dst[6], const struct link *l, uint16_t type)
{
	memcpy(h, dst, 6);
	memcpy(h + 6, l->config.mac, 6);
	put_be16(h + 12, type);
}

/* The frame address of a group (RFC 1112 section 6.4, RFC 2464 section 7). */
static void group_mac(uint8_t mac[6], const struct ip_addr *group)
{
	if (ip_addr_is4(group)) { /* the low 23 bits */
		static const uint8_t base[3] = { 0x01, 0x00, 0x5e };

		memcpy(mac, base, 3);
		memcpy(mac + 3, group->b + 13, 3);
		mac[3] &= 0x7f;
	} else {
		mac[0] = mac[1] = 0x33;
		memcpy(mac + 2, group->b + 12, 4);
	}
}

int eth_output_ip(struct stack *st, struct link *l, struct frame *f, const struct ip_dst *d)
{
	uint16_t type = ip_addr_is4(&d->next_hop) ? ETH_TYPE_IP4 : ETH_TYPE_IP6;
	uint8_t mac[6];

	if (!d->is_broadcast && !d->is_multicast)
		return neigh_output(st, l, f, d);
	if (d->is_broadcast)
		memcpy(mac, eth_broadcast, 6);
	else
		group_mac(mac, &d->next_hop);
	eth_write_hdr(offload_push(f, ETH_HDR_LEN), mac, l, type);
	return link_enqueue(st, l, f);
}
