/* SPDX-License-Identifier: BSD-2-Clause */
#include "arp.h"

#include "arp_acd.h"
#include "core.h"
#include "wire.h"

enum { HARDWARE_ETHERNET = 1 };

/* What no sender can be: a group, loopback, class E or broadcast address (RFC 1122 section 3.2.1.3). Zero is a probe's. */
static bool is_host_addr(const struct ip_addr *a)
{
	uint8_t net = ip_addr_v4(a)[0];

	return net < 224 && net != 127 && (net != 0 || ip_addr_is_any(a));
}

/* Read a packet. Returns STAT_NONE, or why it is dropped: any field that is impossible. */
static enum stack_stat parse(const uint8_t *data, uint32_t len, struct arp_packet *p)
{
	struct wire_rd r = wire_rd_over(data, len);
	uint16_t hardware = wire_rd_u16(&r), protocol = wire_rd_u16(&r);
	uint8_t hardware_len = wire_rd_u8(&r), protocol_len = wire_rd_u8(&r), sender[4], target[4];

	p->op = wire_rd_u16(&r);
	wire_rd_copy(&r, p->sender_mac, 6);
	wire_rd_copy(&r, sender, 4);
	wire_rd_copy(&r, p->target_mac, 6);
	wire_rd_copy(&r, target, 4);
	if (!wire_rd_ok(&r))
		return STAT_ARP_DROP_SHORT;
	if (hardware != HARDWARE_ETHERNET || protocol != ETH_TYPE_IP4 || hardware_len != 6 || protocol_len != 4)
		return STAT_ARP_DROP_FORMAT;
	if (p->op != ARP_REQUEST && p->op != ARP_REPLY)
		return STAT_ARP_DROP_FORMAT;
	p->sender = ip_addr_from4(sender);
	p->target = ip_addr_from4(target);
	if (!eth_is_host_mac(p->sender_mac) || !is_host_addr(&p->sender))
		return STAT_ARP_DROP_SOURCE;
	if (p->op == ARP_REPLY && ip_addr_is_any(&p->sender))
		return STAT_ARP_DROP_SOURCE;
	return STAT_NONE;
}

static void send(struct stack *st, struct link *l, const struct arp_packet *p, const uint8_t to_mac[6])
{
	struct frame *f = frame_alloc(&st->frames, ARP_LEN);
	uint8_t packet[ARP_LEN];
	struct wire_wr w = wire_wr_over(packet, ARP_LEN);

	if (!f)
		return;
	wire_wr_u16(&w, HARDWARE_ETHERNET);
	wire_wr_u16(&w, ETH_TYPE_IP4);
	wire_wr_u8(&w, 6);
	wire_wr_u8(&w, 4);
	wire_wr_u16(&w, p->op);
	wire_wr_bytes(&w, p->sender_mac, 6);
	wire_wr_bytes(&w, ip_addr_v4(&p->sender), 4);
	wire_wr_bytes(&w, p->target_mac, 6);
	wire_wr_bytes(&w, ip_addr_v4(&p->target), 4);
	memcpy(frame_put(f, ARP_LEN), packet, ARP_LEN);
	eth_write_hdr(frame_push(f, ETH_HDR_LEN), to_mac, l, ETH_TYPE_ARP);
	stat_count(st, STAT_ARP_OUT);
	link_enqueue(st, l, f);
}

void arp_send_request(struct stack *st, struct link *l, const struct ip_addr *sender, const struct ip_addr *target,
		      const uint8_t *mac)
{
	struct arp_packet p = { .op = ARP_REQUEST, .sender = *sender, .target = *target };

	memcpy(p.sender_mac, l->config.mac, 6);
	send(st, l, &p, mac && !ip_addr_is_linklocal(sender) ? mac : eth_broadcast); /* RFC 3927 section 2.5 */
}

/* To the asker's link address, whatever the table says (RFC 826: "swap hardware and protocol fields"). One from an address of
 * 169.254/16 goes to all, so that another host that has it too hears of it (RFC 3927 section 2.5). */
static void send_reply(struct stack *st, struct link *l, const struct arp_packet *request)
{
	struct arp_packet p = { .op = ARP_REPLY, .sender = request->target, .target = request->sender };

	memcpy(p.sender_mac, l->config.mac, 6);
	memcpy(p.target_mac, request->sender_mac, 6);
	send(st, l, &p, ip_addr_is_linklocal(&p.sender) ? eth_broadcast : request->sender_mac);
}

/* A known neighbour speaks: correct its entry (RFC 826: "if the pair is already in my translation table, update"). ARP has no
 * flags for it: an answer by unicast while we ask counts as solicited, and what nobody asked for replaces an address only
 * when the last change is some time ago, so that of two quick answers the first one holds. */
static bool merge(struct stack *st, struct link *l, const struct arp_packet *p, enum eth_to to)
{
	struct neigh *n = neigh_find(st, &p->sender, l->ifindex);
	bool answers, may_replace;

	if (!n)
		return false;
	answers = p->op == ARP_REPLY && to == ETH_TO_US && neigh_is_asked(n);
	may_replace = answers || st->now_us - n->updated_us >= st->tunables.neigh_locktime_ms * 1000ULL;
	neigh_update(st, n, p->sender_mac, answers, may_replace);
	return true;
}

void arp_input(struct stack *st, struct frame *f, struct link *l, enum eth_to to)
{
	struct arp_packet p;
	enum stack_stat why = parse(f->data, f->len, &p);
	const struct if_addr *own;

	stat_count(st, STAT_ARP_IN);
	if (why == STAT_NONE && memcmp(p.sender_mac, l->config.mac, 6) == 0)
		why = STAT_ARP_DROP_SOURCE;
	if (why != STAT_NONE) {
		stat_drop(st, why);
		return;
	}
	if (arp_acd_input(st, l, &p))
		return;
	own = addr_find(st, &p.target, l->ifindex);
	if (own && !if_addr_is_usable(own))
		own = NULL;
	if (!own) { /* others' business, of which announcements and requests of neighbours we know are news all the same */
		if (!merge(st, l, &p, to))
			stat_drop(st, STAT_ARP_DROP_TARGET);
		return;
	}
	if (p.op == ARP_REPLY) {
		if (!merge(st, l, &p, to))
			stat_drop(st, STAT_ARP_DROP_UNSOLICITED);
		return;
	}
	if (!ip_addr_is_any(&p.sender))
		neigh_learn(st, l, &p.sender, p.sender_mac);
	send_reply(st, l, &p);
}
