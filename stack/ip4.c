/* SPDX-License-Identifier: BSD-2-Clause */
#include "ip4.h"

#include "checksum.h"
#include "core.h"
#include "icmp4.h"
#include "ip4_options.h"
#include "offload.h"
#include "wire.h"

/* ---- Up ---- */

struct ip4_hdr {
	uint8_t hdr_len, tos, ttl, proto;
	uint16_t total_len, id, frag; /* frag: flags and offset as in the packet */
	struct ip_addr src, dst;
};

static uint16_t frag_offset(const struct ip4_hdr *h)
{
	return (uint16_t)((h->frag & IP4_OFFSET_MASK) * 8);
}

/* RFC 1122 section 3.2.1: each field in turn. Returns STAT_NONE, or why the packet is dropped. */
static enum stack_stat parse(const struct frame *f, struct ip4_hdr *h)
{
	struct wire_rd r = wire_rd_over(f->data, f->len);
	uint8_t version_ihl = wire_rd_u8(&r);

	h->tos = wire_rd_u8(&r);
	h->total_len = wire_rd_u16(&r);
	h->id = wire_rd_u16(&r);
	h->frag = wire_rd_u16(&r);
	h->ttl = wire_rd_u8(&r);
	h->proto = wire_rd_u8(&r);
	wire_rd_skip(&r, 2);
	wire_rd_skip(&r, 8);
	if (!wire_rd_ok(&r))
		return STAT_IP4_DROP_SHORT;
	h->src = ip_addr_from4(f->data + 12);
	h->dst = ip_addr_from4(f->data + 16);
	h->hdr_len = (uint8_t)((version_ihl & 0xf) * 4);
	if (version_ihl >> 4 != 4)
		return STAT_IP4_DROP_VERSION;
	if (h->hdr_len < IP4_HDR_LEN || h->hdr_len > f->len)
		return STAT_IP4_DROP_HEADER_LEN;
	if (h->total_len < h->hdr_len || h->total_len > f->len)
		return STAT_IP4_DROP_LENGTH;
	if (checksum_add(0, f->data, h->hdr_len) != 0xffff)
		return STAT_IP4_DROP_CHECKSUM;
	return STAT_NONE;
}

/* The first answers of a DHCP server go to the address that it offers, which is not ours yet. */
static bool may_be_for_dhcp(struct stack *st, const struct frame *f, const struct ip4_hdr *h, const struct link *l)
{
	return h->proto == IPPROTO_NR_UDP && !(h->frag & (IP4_MF | IP4_OFFSET_MASK)) && f->off.gso == FRAME_GSO_NONE &&
	       dhcp4_may_want(st, l->ifindex, f->data + h->hdr_len, (size_t)h->total_len - h->hdr_len);
}

/* RFC 1122 section 3.2.1.3, 3.2.1.8 and 3.3.6, and the land attack: what may not come from outside. */
static enum stack_stat check_addrs(struct stack *st, const struct frame *f, const struct ip4_hdr *h, const struct link *l,
				   enum eth_to to, struct ip_rx *rx)
{
	bool from_inside = l->config.kind == LINK_LOOPBACK || to == ETH_LOOPED;
	uint8_t net = ip_addr_v4(&h->src)[0];

	rx->is_broadcast = ip_addr_is_broadcast(&h->dst) || ip_addr_is_any(&h->dst) ||
			   addr_is_directed_broadcast(st, &h->dst, l->ifindex, true, NULL);
	rx->is_looped = to == ETH_LOOPED;
	rx->is_multicast = rx->is_broadcast || to != ETH_TO_US || ip_addr_is_multicast(&h->dst);

	if (net >= 224) /* groups, the reserved class E, and the limited broadcast */
		return STAT_IP4_DROP_SOURCE;
	/* "This host", only before it has an address: a switch may ask for group members without one (RFC 3376 section 4.2.13). */
	if (net == 0 && !((rx->is_broadcast || h->proto == IPPROTO_NR_IGMP) && ip_addr_is_any(&h->src)))
		return STAT_IP4_DROP_SOURCE;
	if (addr_is_directed_broadcast(st, &h->src, l->ifindex, false, NULL))
		return STAT_IP4_DROP_SOURCE;
	if (!from_inside && (ip_addr_is_loopback(&h->src) || ip_addr_is_loopback(&h->dst)))
		return STAT_IP4_DROP_LOOPBACK;
	if (!from_inside && ip_is_local(st, &h->src))
		return STAT_IP4_DROP_LAND;

	if (rx->is_broadcast)
		return STAT_NONE;
	if (ip_addr_is_multicast(&h->dst))
		return mcast_hears(st, &h->dst, l) ? STAT_NONE : STAT_IP4_DROP_NOT_OURS;
	if (!addr_is_ours(st, &h->dst, l->ifindex) && !may_be_for_dhcp(st, f, h, l))
		return STAT_IP4_DROP_NOT_OURS;
	return to == ETH_TO_US ? STAT_NONE : STAT_IP4_DROP_L2_BROADCAST;
}

static bool check_options(struct stack *st, struct frame *f, const struct ip4_hdr *h, const struct ip_rx *rx)
{
	uint32_t bad_at;

	switch (ip4_options_check(f->data + IP4_HDR_LEN, h->hdr_len - IP4_HDR_LEN, &bad_at)) {
	case IP4_OPTIONS_OK:
		return true;
	case IP4_OPTIONS_MALFORMED:
		icmp4_send_parameter_problem(st, f, rx, (uint8_t)(IP4_HDR_LEN + bad_at));
		stat_drop(st, STAT_IP4_DROP_OPTION);
		return false;
	case IP4_OPTIONS_SOURCE_ROUTE:
		stat_drop(st, STAT_IP4_DROP_SOURCE_ROUTE);
		return false;
	}
	return false;
}

/* A whole packet; the window begins with its header. */
static void deliver(struct stack *st, struct frame *f, struct ip_rx *rx)
{
	offload_pull(f, rx->ip_hdr_len);
	if (ip_deliver(st, f, rx, true))
		return;
	icmp4_send_unreachable(st, f, rx, ICMP4_PROTOCOL_UNREACHABLE);
	stat_drop(st, STAT_IP4_DROP_PROTOCOL);
}

/* The header of a packet that was put together: as its first fragment's, but whole (RFC 791 section 3.2), and with the
 * congestion mark of any fragment (RFC 3168 section 5.3). */
static void mend_hdr(struct frame *f, const struct reasm_result *res, struct ip_rx *rx)
{
	uint8_t *p = f->data;

	p[1] = (uint8_t)((p[1] & ~3) | res->ecn);
	put_be16(p + 2, (uint16_t)f->len);
	put_be16(p + 6, 0);
	put_be16(p + 10, 0);
	put_be16(p + 10, checksum_finish(checksum_add(0, p, res->hdr_len)));
	rx->tos = p[1];
	rx->ttl = p[8];
	rx->ip_hdr = p;
	rx->frag_bytes = res->packet_bytes;
	rx->ip_hdr_len = (uint16_t)res->hdr_len;
}

static void input_fragment(struct stack *st, struct frame *f, const struct ip4_hdr *h, struct ip_rx *rx)
{
	struct reasm_fragment frag = {
		.src = h->src,
		.dst = h->dst,
		.id = h->id,
		.proto = h->proto,
		.ecn = h->tos & 3,
		.ifindex = rx->ifindex,
		.is_multicast = rx->is_multicast,
		.offset = frag_offset(h),
		.more = h->frag & IP4_MF,
		.hdr = f->data,
		.hdr_len = h->hdr_len,
		.packet_bytes = h->total_len,
	};
	struct reasm_result res;
	struct frame *whole;

	if (f->off.gso != FRAME_GSO_NONE) {
		stat_drop(st, STAT_LINK_DROP_OFFLOAD);
		return;
	}
	offload_complete_csum(f);
	frame_pull(f, h->hdr_len);
	/* All but the last hold a multiple of 8 bytes (RFC 791 section 3.2). */
	if (f->len == 0 || (frag.more && f->len % 8 != 0)) {
		stat_drop(st, STAT_IP4_DROP_FRAGMENT);
		return;
	}
	whole = reasm_input(st, f, &frag, &res);
	if (!whole)
		return;
	mend_hdr(whole, &res, rx);
	deliver(st, whole, rx);
	frame_unref(whole);
}

void ip4_input(struct stack *st, struct frame *f, struct link *l, enum eth_to to)
{
	struct ip4_hdr h;
	enum stack_stat why = parse(f, &h);
	struct ip_rx rx;

	stat_count(st, STAT_IP4_IN);
	if (why != STAT_NONE) {
		stat_drop(st, why);
		return;
	}
	f->len = h.total_len; /* what follows is Ethernet's padding */
	rx = (struct ip_rx){
		.src = h.src,
		.dst = h.dst,
		.ifindex = l->ifindex,
		.proto = h.proto,
		.ttl = h.ttl,
		.tos = h.tos,
		.ip_hdr = f->data,
		.ip_hdr_len = h.hdr_len,
	};
	why = check_addrs(st, f, &h, l, to, &rx);
	if (why != STAT_NONE) {
		stat_drop(st, why);
		return;
	}
	if (h.hdr_len > IP4_HDR_LEN && !check_options(st, f, &h, &rx))
		return;
	if (h.frag & (IP4_MF | IP4_OFFSET_MASK))
		input_fragment(st, f, &h, &rx);
	else
		deliver(st, f, &rx);
}

/* ---- Down ---- */

void ip4_ids_init(struct stack *st)
{
	st->ip4_ids.key = hash_key_derive(st->config.seed, "ip4.id");
	for (unsigned i = 0; i < IP4_ID_BUCKETS; i++)
		st->ip4_ids.next[i] = (uint16_t)rng_u64(&st->rng);
}

uint16_t ip4_next_id(struct stack *st, const struct ip_tx *tx)
{
	uint8_t key[9];

	memcpy(key, ip_addr_v4(&tx->src), 4);
	memcpy(key + 4, ip_addr_v4(&tx->dst), 4);
	key[8] = tx->proto;
	return st->ip4_ids.next[hash_bytes(&st->ip4_ids.key, key, sizeof(key)) % IP4_ID_BUCKETS]++;
}

enum { ROUTER_ALERT_LEN = 4 };

uint32_t ip4_hdr_len(const struct ip_tx *tx)
{
	return IP4_HDR_LEN + tx->options_len + (tx->router_alert ? ROUTER_ALERT_LEN : 0);
}

uint16_t ip4_addr_sum(const struct ip_tx *tx)
{
	const uint8_t *s = ip_addr_v4(&tx->src), *d = ip_addr_v4(&tx->dst);
	uint32_t sum = (uint32_t)get_be16(s) + get_be16(s + 2) + get_be16(d) + get_be16(d + 2);

	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum + (sum >> 16));
}

void ip4_write_hdr(uint8_t *h, const struct ip_tx *tx, uint32_t total_len, uint16_t id, uint16_t frag, uint16_t addr_sum)
{
	uint32_t hdr_len = ip4_hdr_len(tx);
	uint16_t version_tos = (uint16_t)((0x40 | hdr_len / 4) << 8 | tx->tos);
	uint16_t ttl_proto = (uint16_t)(tx->ttl << 8 | tx->proto);
	uint32_t sum = (uint32_t)addr_sum + version_tos + total_len + id + frag + ttl_proto;

	put_be16(h, version_tos);
	put_be16(h + 2, (uint16_t)total_len);
	put_be16(h + 4, id);
	put_be16(h + 6, frag);
	put_be16(h + 8, ttl_proto);
	memcpy(h + 12, ip_addr_v4(&tx->src), 4);
	memcpy(h + 16, ip_addr_v4(&tx->dst), 4);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	if (tx->route4) {
		memcpy(h + 16, ip_addr_v4(tx->route4), 4);
		put_be16(h + 10, 0);
		sum = checksum_add(0, h, IP4_HDR_LEN);
	}
	if (hdr_len > IP4_HDR_LEN) {
		uint8_t *o = h + IP4_HDR_LEN;

		if (tx->router_alert) { /* RFC 2113 */
			put_be32(o, (uint32_t)IP4_OPT_ROUTER_ALERT << 24 | ROUTER_ALERT_LEN << 16);
			o += ROUTER_ALERT_LEN;
		}
		if (tx->options_len > 0)
			memcpy(o, tx->options, tx->options_len);
		sum = checksum_add((uint16_t)sum, h + IP4_HDR_LEN, hdr_len - IP4_HDR_LEN);
	}
	put_be16(h + 10, checksum_finish((uint16_t)sum));
}
