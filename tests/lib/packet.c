/* SPDX-License-Identifier: BSD-2-Clause */
#include "packet.h"

#include <string.h>

#include "bed.h"

enum { PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_FRAGMENT = 44, PROTO_ICMP6 = 58 };
enum { IP4_HDR = 20, IP6_HDR = 40, FRAGMENT_HDR = 8, UDP_HDR = 8, ICMP_HDR = 8, ETH_HDR = 14 };

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] * 256 + p[1]);
}

/* Byte by byte, as RFC 1071 section 1 tells it. */
uint16_t packet_checksum(uint32_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t acc = sum;

	for (size_t i = 0; i < len; i++)
		acc += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (acc >> 16)
		acc = (acc & 0xffff) + (acc >> 16);
	return (uint16_t)~acc;
}

uint32_t packet_pseudo_sum(const struct ip_addr *src, const struct ip_addr *dst, uint8_t proto, size_t l4_len)
{
	uint32_t sum = proto + (uint32_t)(l4_len >> 16) + (uint32_t)(l4_len & 0xffff);

	for (int i = ip_addr_is4(dst) ? 12 : 0; i < 16; i += 2)
		sum += (uint32_t)get16(src->b + i) + get16(dst->b + i);
	return sum;
}

/* Where the checksum lies in a header of @proto; -1: it has none. */
static int checksum_at(uint8_t proto)
{
	switch (proto) {
	case PROTO_TCP:
		return 16;
	case PROTO_UDP:
		return 6;
	case PROTO_ICMP:
	case PROTO_ICMP6:
		return 2;
	default:
		return -1;
	}
}

static uint32_t base_sum(const struct ip_addr *src, const struct ip_addr *dst, uint8_t proto, size_t l4_len)
{
	return proto == PROTO_ICMP ? 0 : packet_pseudo_sum(src, dst, proto, l4_len);
}

static void fill_checksum(uint8_t *l4, size_t l4_len, const struct ip_addr *src, const struct ip_addr *dst, uint8_t proto)
{
	int at = checksum_at(proto);
	uint16_t sum;

	if (at < 0 || l4_len < (size_t)at + 2)
		return;
	put16(l4 + at, 0);
	sum = packet_checksum(base_sum(src, dst, proto, l4_len), l4, l4_len);
	put16(l4 + at, proto == PROTO_UDP && sum == 0 ? 0xffff : sum);
}

static size_t put_ip4(uint8_t *buf, const struct ip_fields *ip, size_t l4_len)
{
	struct ip_addr src = addr_of(ip->src), dst = addr_of(ip->dst);

	memset(buf, 0, IP4_HDR);
	buf[0] = 0x45;
	buf[1] = ip->tos;
	put16(buf + 2, (unsigned)(IP4_HDR + l4_len));
	put16(buf + 4, ip->id);
	put16(buf + 6, (ip->dont_fragment ? 0x4000u : 0) | (ip->more_fragments ? 0x2000u : 0) | ip->frag_offset / 8u);
	buf[8] = ip->ttl ? ip->ttl : 64;
	buf[9] = ip->proto;
	memcpy(buf + 12, src.b + 12, 4);
	memcpy(buf + 16, dst.b + 12, 4);
	put16(buf + 10, packet_checksum(0, buf, IP4_HDR));
	return IP4_HDR;
}

static size_t put_ip6(uint8_t *buf, const struct ip_fields *ip, uint8_t next_header, size_t payload_len)
{
	struct ip_addr src = addr_of(ip->src), dst = addr_of(ip->dst);

	put32(buf, 6u << 28 | (uint32_t)ip->tos << 20);
	put16(buf + 4, (unsigned)payload_len);
	buf[6] = next_header;
	buf[7] = ip->ttl ? ip->ttl : 64;
	memcpy(buf + 8, src.b, 16);
	memcpy(buf + 24, dst.b, 16);
	return IP6_HDR;
}

size_t packet_ip(uint8_t *buf, const struct ip_fields *ip, const void *l4, size_t l4_len)
{
	struct ip_addr dst = addr_of(ip->dst);
	size_t hdr = ip_addr_is4(&dst) ? put_ip4(buf, ip, l4_len) : put_ip6(buf, ip, ip->proto, l4_len);

	if (l4_len > 0)
		memcpy(buf + hdr, l4, l4_len);
	return hdr + l4_len;
}

size_t packet_fragment6(uint8_t *buf, const struct ip_fields *ip, uint32_t id, const void *l4, size_t l4_len)
{
	size_t hdr = put_ip6(buf, ip, PROTO_FRAGMENT, FRAGMENT_HDR + l4_len);
	uint8_t *frag = buf + hdr;

	frag[0] = ip->proto;
	frag[1] = 0;
	put16(frag + 2, (ip->frag_offset & 0xfff8u) | ip->more_fragments);
	put32(frag + 4, id);
	memcpy(frag + FRAGMENT_HDR, l4, l4_len);
	return hdr + FRAGMENT_HDR + l4_len;
}

size_t packet_udp(uint8_t *buf, const char *src, uint16_t sport, const char *dst, uint16_t dport, const void *data,
		  size_t len)
{
	struct ip_fields ip = { .src = src, .dst = dst, .proto = PROTO_UDP };
	struct ip_addr s = addr_of(src), d = addr_of(dst);
	size_t hdr = packet_ip(buf, &ip, NULL, 0);
	uint8_t *udp = buf + hdr;

	put16(udp, sport);
	put16(udp + 2, dport);
	put16(udp + 4, (unsigned)(UDP_HDR + len));
	if (len > 0)
		memcpy(udp + UDP_HDR, data, len);
	fill_checksum(udp, UDP_HDR + len, &s, &d, PROTO_UDP);
	if (ip_addr_is4(&d))
		put_ip4(buf, &ip, UDP_HDR + len);
	else
		put_ip6(buf, &ip, PROTO_UDP, UDP_HDR + len);
	return hdr + UDP_HDR + len;
}

static size_t put_icmp(uint8_t *buf, const char *src, const char *dst, uint8_t type, uint8_t code, uint32_t info,
		       const void *data, size_t len)
{
	struct ip_addr s = addr_of(src), d = addr_of(dst);
	bool is4 = ip_addr_is4(&d);
	struct ip_fields ip = { .src = src, .dst = dst, .proto = is4 ? PROTO_ICMP : PROTO_ICMP6 };
	size_t hdr = is4 ? put_ip4(buf, &ip, ICMP_HDR + len) : put_ip6(buf, &ip, PROTO_ICMP6, ICMP_HDR + len);
	uint8_t *icmp = buf + hdr;

	icmp[0] = type;
	icmp[1] = code;
	put32(icmp + 4, info);
	if (len > 0)
		memcpy(icmp + ICMP_HDR, data, len);
	fill_checksum(icmp, ICMP_HDR + len, &s, &d, ip.proto);
	return hdr + ICMP_HDR + len;
}

size_t packet_echo(uint8_t *buf, const char *src, const char *dst, bool reply, uint16_t id, uint16_t seq, const void *data,
		   size_t len)
{
	struct ip_addr d = addr_of(dst);
	uint8_t type = ip_addr_is4(&d) ? (reply ? 0 : 8) : (reply ? 129 : 128);

	return put_icmp(buf, src, dst, type, 0, (uint32_t)id << 16 | seq, data, len);
}

size_t packet_icmp_error(uint8_t *buf, const char *src, const char *dst, uint8_t type, uint8_t code, uint32_t info,
			 const void *inner, size_t inner_len)
{
	struct ip_addr d = addr_of(dst);
	size_t max = ip_addr_is4(&d) ? 576 - IP4_HDR - ICMP_HDR : 1280 - IP6_HDR - ICMP_HDR;

	return put_icmp(buf, src, dst, type, code, info, inner, inner_len < max ? inner_len : max);
}

size_t packet_ethernet(uint8_t *buf, size_t len, const uint8_t dst[6], const uint8_t src[6])
{
	memmove(buf + ETH_HDR, buf, len);
	memcpy(buf, dst, 6);
	memcpy(buf + 6, src, 6);
	put16(buf + 12, buf[ETH_HDR] >> 4 == 4 ? 0x0800 : 0x86dd);
	return ETH_HDR + len;
}

/* ---- Taking apart ------------------------------------------------------------------------------------------------- */

static const char *parse_ip4(const uint8_t *data, size_t len, struct packet *p)
{
	size_t hdr = (data[0] & 15u) * 4u;

	if (len < IP4_HDR || hdr < IP4_HDR || hdr > len)
		return "IPv4 header cut off";
	if (get16(data + 2) != len)
		return "IPv4 total length is not the packet's length";
	if (packet_checksum(0, data, hdr) != 0)
		return "IPv4 header checksum";
	p->src = ip_addr_from4(data + 12);
	p->dst = ip_addr_from4(data + 16);
	p->tos = data[1];
	p->id = get16(data + 4);
	p->dont_fragment = data[6] & 0x40;
	p->more_fragments = data[6] & 0x20;
	p->frag_offset = (uint16_t)((get16(data + 6) & 0x1fff) * 8);
	p->ttl = data[8];
	p->proto = data[9];
	p->l4 = data + hdr;
	p->l4_len = len - hdr;
	return NULL;
}

static const char *parse_ip6(const uint8_t *data, size_t len, struct packet *p)
{
	if (len < IP6_HDR)
		return "IPv6 header cut off";
	if (get16(data + 4) + (size_t)IP6_HDR != len)
		return "IPv6 payload length is not the packet's length";
	p->src = ip_addr_from6(data + 8);
	p->dst = ip_addr_from6(data + 24);
	p->tos = (uint8_t)(get16(data) >> 4);
	p->ttl = data[7];
	p->proto = data[6];
	p->l4 = data + IP6_HDR;
	p->l4_len = len - IP6_HDR;
	if (p->proto == PROTO_FRAGMENT && p->l4_len >= FRAGMENT_HDR) {
		p->proto = p->l4[0];
		p->frag_offset = get16(p->l4 + 2) & 0xfff8;
		p->more_fragments = p->l4[3] & 1;
		p->l4 += FRAGMENT_HDR;
		p->l4_len -= FRAGMENT_HDR;
	}
	return NULL;
}

static const char *check_l4_sum(const struct packet *p, const struct frame_offload *off)
{
	int at = checksum_at(p->proto);
	uint32_t sum = base_sum(&p->src, &p->dst, p->proto, p->l4_len);
	uint16_t begun = (uint16_t)~packet_checksum(sum, NULL, 0);

	if (at < 0 || p->l4_len < (size_t)at + 2)
		return NULL;
	if (off && off->csum == FRAME_CSUM_PARTIAL) /* the field holds the pseudo-header's sum, not inverted */
		return begun == get16(p->l4 + at) ? NULL : "partial checksum";
	if (p->proto == PROTO_UDP && get16(p->l4 + at) == 0)
		return ip_addr_is4(&p->dst) ? NULL : "UDP over IPv6 without a checksum";
	return packet_checksum(sum, p->l4, p->l4_len) == 0 ? NULL : "transport checksum";
}

static const char *parse_l4(struct packet *p)
{
	size_t hdr = UDP_HDR;

	if (p->proto != PROTO_TCP && p->proto != PROTO_UDP)
		return NULL;
	if (p->l4_len < (p->proto == PROTO_TCP ? 20u : 8u))
		return "transport header cut off";
	p->sport = get16(p->l4);
	p->dport = get16(p->l4 + 2);
	if (p->proto == PROTO_TCP)
		hdr = (p->l4[12] >> 4) * 4u;
	else if (get16(p->l4 + 4) != p->l4_len)
		return "UDP length is not the packet's";
	if (hdr > p->l4_len)
		return "TCP options cut off";
	p->payload = p->l4 + hdr;
	p->payload_len = p->l4_len - hdr;
	return NULL;
}

const char *packet_parse(const uint8_t *data, size_t len, const struct frame_offload *off, struct packet *p)
{
	const char *wrong;

	memset(p, 0, sizeof(*p));
	if (len == 0)
		return "empty";
	wrong = data[0] >> 4 == 4 ? parse_ip4(data, len, p) : parse_ip6(data, len, p);
	if (wrong || p->more_fragments || p->frag_offset > 0)
		return wrong;
	wrong = check_l4_sum(p, off);
	return wrong ? wrong : parse_l4(p);
}

void packet_fix_checksums(uint8_t *data, size_t len)
{
	struct packet p;

	if (len >= IP4_HDR && data[0] >> 4 == 4 && (data[0] & 15u) * 4u <= len && (data[0] & 15u) >= 5) {
		size_t hdr = (data[0] & 15u) * 4u;

		put16(data + 10, 0);
		put16(data + 10, packet_checksum(0, data, hdr));
		p.src = ip_addr_from4(data + 12);
		p.dst = ip_addr_from4(data + 16);
		fill_checksum(data + hdr, len - hdr, &p.src, &p.dst, data[9]);
	} else if (len >= IP6_HDR && data[0] >> 4 == 6) {
		p.src = ip_addr_from6(data + 8);
		p.dst = ip_addr_from6(data + 24);
		fill_checksum(data + IP6_HDR, len - IP6_HDR, &p.src, &p.dst, data[6]);
	}
}
