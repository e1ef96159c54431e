/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/summary.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "tools/json.h"
#include "tools/text.h"

enum {
	ETHERTYPE_IP4 = 0x0800,
	ETHERTYPE_ARP_FRAME = 0x0806,
	ETHERTYPE_IP6 = 0x86dd,
	ETHERTYPE_8021Q = 0x8100,
	IP6_EXTENSIONS_MAX = 16, /* more is nonsense */
};

/* Consumes; fails once and stays failed (and then reads zeros). */
struct cursor {
	const uint8_t *p, *end;
	bool bad;
};

static const uint8_t *take(struct cursor *c, size_t n)
{
	const uint8_t *at = c->p;

	if (c->bad || n > (size_t)(c->end - c->p)) {
		c->bad = true;
		c->p = c->end;
		return NULL;
	}
	c->p += n;
	return at;
}

static uint8_t take_u8(struct cursor *c)
{
	const uint8_t *b = take(c, 1);

	return b ? b[0] : 0;
}

static uint16_t take_u16(struct cursor *c)
{
	const uint8_t *b = take(c, 2);

	return b ? (uint16_t)(b[0] << 8 | b[1]) : 0;
}

static uint32_t take_u32(struct cursor *c)
{
	uint32_t high = take_u16(c);

	return high << 16 | take_u16(c);
}

static void take_bytes(struct cursor *c, void *to, size_t n)
{
	const uint8_t *b = take(c, n);

	if (b)
		memcpy(to, b, n);
}

/* ---- Transport ---- */

static uint32_t less(uint32_t a, uint32_t b)
{
	return a > b ? a - b : 0;
}

static void parse_tcp(struct summary *p, struct cursor *c)
{
	uint8_t offset;

	p->tcp_seq = take_u32(c);
	p->tcp_ack = take_u32(c);
	offset = take_u8(c);
	p->tcp_flags = take_u8(c);
	p->tcp_window = take_u16(c);
	p->has_tcp = !c->bad;
	p->payload_bytes = less(p->l4_bytes, (offset >> 4) * 4u);
}

static void parse_transport(struct summary *p, struct cursor *c)
{
	if (p->fragment_offset)
		return;
	switch (p->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		p->sport = take_u16(c);
		p->dport = take_u16(c);
		p->has_ports = !c->bad;
		if (p->proto == IPPROTO_TCP)
			parse_tcp(p, c);
		else
			p->payload_bytes = less(p->l4_bytes, 8);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		p->icmp_type = take_u8(c);
		p->icmp_code = take_u8(c);
		p->has_icmp = !c->bad;
		p->payload_bytes = less(p->l4_bytes, 8);
		break;
	default:
		p->payload_bytes = p->l4_bytes;
	}
}

/* ---- Network ---- */

static void parse_ip4(struct summary *p, struct cursor *c)
{
	uint8_t ihl = take_u8(c) & 0x0f;
	uint16_t total, fragment;

	take(c, 1); /* TOS */
	total = take_u16(c);
	take(c, 2); /* identification */
	fragment = take_u16(c);
	take(c, 1); /* TTL */
	p->proto = take_u8(c);
	take(c, 2); /* checksum */
	take_bytes(c, p->src, 4);
	take_bytes(c, p->dst, 4);
	if (ihl > 5)
		take(c, (ihl - 5) * 4u);
	p->fragment_offset = (fragment & 0x1fff) * 8u;
	p->more_fragments = fragment & 0x2000;
	p->is_fragment = p->fragment_offset || p->more_fragments;
	p->l4_bytes = less(total, ihl * 4u);
	parse_transport(p, c);
}

static void parse_ip6_fragment(struct summary *p, struct cursor *c, uint8_t *next)
{
	uint16_t offset;

	*next = take_u8(c);
	take(c, 1);
	offset = take_u16(c);
	take(c, 4);
	p->is_fragment = true;
	p->fragment_offset = offset & 0xfff8;
	p->more_fragments = offset & 1;
	p->l4_bytes = less(p->l4_bytes, 8);
}

static void parse_ip6(struct summary *p, struct cursor *c)
{
	uint8_t next;

	take(c, 4); /* version, class, flow label */
	p->l4_bytes = take_u16(c);
	next = take_u8(c);
	take(c, 1); /* hop limit */
	take_bytes(c, p->src, 16);
	take_bytes(c, p->dst, 16);
	for (int i = 0; i < IP6_EXTENSIONS_MAX && !c->bad && !p->fragment_offset; i++) {
		uint8_t len;

		if (next == IPPROTO_FRAGMENT) {
			parse_ip6_fragment(p, c, &next);
			continue;
		}
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS)
			break;
		next = take_u8(c);
		len = take_u8(c);
		take(c, len * 8u + 6);
		p->l4_bytes = less(p->l4_bytes, len * 8u + 8);
	}
	p->proto = next;
	parse_transport(p, c);
}

static void parse_arp(struct summary *p, struct cursor *c)
{
	take(c, 6); /* hardware and protocol, their lengths: Ethernet and IPv4 whenever it is worth printing */
	p->arp_op = take_u16(c);
	take_bytes(c, p->arp_sender_mac, 6);
	take_bytes(c, p->src, 4);
	take(c, 6);
	take_bytes(c, p->dst, 4);
}

static void parse_net(struct summary *p, struct cursor *c)
{
	switch (p->ethertype) {
	case ETHERTYPE_IP4:
		p->net = SUMMARY_NET_IP4;
		parse_ip4(p, c);
		break;
	case ETHERTYPE_IP6:
		p->net = SUMMARY_NET_IP6;
		parse_ip6(p, c);
		break;
	case ETHERTYPE_ARP_FRAME:
		p->net = SUMMARY_NET_ARP;
		parse_arp(p, c);
		break;
	}
}

struct summary summary_parse(const uint8_t *data, size_t len, bool is_ethernet)
{
	struct summary p = { .is_ethernet = is_ethernet };
	struct cursor c = { data, data + len, false };

	if (is_ethernet) {
		take_bytes(&c, p.mac_dst, 6);
		take_bytes(&c, p.mac_src, 6);
		p.ethertype = take_u16(&c);
		if (p.ethertype == ETHERTYPE_8021Q) {
			p.vlan = take_u16(&c) & 0xfff;
			p.ethertype = take_u16(&c);
		}
	} else if (len) {
		p.ethertype = data[0] >> 4 == 4 ? ETHERTYPE_IP4 : data[0] >> 4 == 6 ? ETHERTYPE_IP6 : 0;
	}
	parse_net(&p, &c);
	p.is_cut = c.bad;
	return p;
}

/* ---- Text ---- */

static const char *host(const struct summary *p, const uint8_t *addr, char buf[INET6_ADDRSTRLEN])
{
	return inet_ntop(p->net == SUMMARY_NET_IP6 ? AF_INET6 : AF_INET, addr, buf, INET6_ADDRSTRLEN);
}

static void print_end(FILE *f, const struct summary *p, const uint8_t *addr, uint16_t port)
{
	char buf[INET6_ADDRSTRLEN];

	if (!p->has_ports)
		fputs(host(p, addr, buf), f);
	else if (p->net == SUMMARY_NET_IP6)
		fprintf(f, "[%s]:%u", host(p, addr, buf), port);
	else
		fprintf(f, "%s:%u", host(p, addr, buf), port);
}

static const char *flags_text(uint8_t flags, char buf[40])
{
	static const char *const names[8] = { "FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR" };

	buf[0] = 0;
	for (int i = 0; i < 8; i++)
		if (flags & 1 << i) {
			if (buf[0])
				strcat(buf, ",");
			strcat(buf, names[i]);
		}
	return buf[0] ? buf : "none";
}

static const char *icmp_text(const struct summary *p)
{
	static const struct {
		uint8_t type6, type;
		const char *name;
	} names[] = {
		{ 0, 0, "echo reply" }, { 0, 3, "unreachable" }, { 0, 8, "echo request" }, { 0, 11, "time exceeded" },
		{ 0, 12, "parameter problem" }, { 1, 1, "unreachable" }, { 1, 2, "packet too big" },
		{ 1, 3, "time exceeded" }, { 1, 4, "parameter problem" }, { 1, 128, "echo request" },
		{ 1, 129, "echo reply" }, { 1, 133, "router solicitation" }, { 1, 134, "router advertisement" },
		{ 1, 135, "neighbor solicitation" }, { 1, 136, "neighbor advertisement" }, { 1, 143, "MLDv2 report" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].type == p->icmp_type && names[i].type6 == (p->proto == IPPROTO_ICMPV6))
			return names[i].name;
	return "message";
}

static const char *proto_name(uint8_t proto, char buf[16])
{
	switch (proto) {
	case IPPROTO_TCP:
		return "TCP";
	case IPPROTO_UDP:
		return "UDP";
	case IPPROTO_ICMP:
		return "ICMP";
	case IPPROTO_ICMPV6:
		return "ICMPv6";
	default:
		snprintf(buf, 16, "protocol %u", proto);
		return buf;
	}
}

static void print_ip(FILE *f, const struct summary *p)
{
	char buf[40], name[16];

	fputs(p->net == SUMMARY_NET_IP6 ? "IPv6 " : "IPv4 ", f);
	print_end(f, p, p->src, p->sport);
	fputs(" > ", f);
	print_end(f, p, p->dst, p->dport);
	fprintf(f, " %s", proto_name(p->proto, name));
	if (p->has_tcp) {
		fprintf(f, " %s seq %u", flags_text(p->tcp_flags, buf), p->tcp_seq);
		if (p->tcp_flags & 0x10)
			fprintf(f, " ack %u", p->tcp_ack);
		fprintf(f, " win %u", p->tcp_window);
	}
	if (p->has_icmp)
		fprintf(f, " %s (type %u code %u)", icmp_text(p), p->icmp_type, p->icmp_code);
	if (p->is_fragment)
		fprintf(f, " fragment %u+%u, %s", p->fragment_offset, p->l4_bytes, p->more_fragments ? "more follow" : "last");
	else
		fprintf(f, " len %u", p->payload_bytes);
}

static void print_arp(FILE *f, const struct summary *p)
{
	static const uint8_t any[4];
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN], mac[TEXT_SHORT_MAX];

	host(p, p->src, src);
	host(p, p->dst, dst);
	if (p->arp_op == 1 && !memcmp(p->src, any, 4)) /* RFC 5227 section 1.1 */
		fprintf(f, "ARP probe: does anybody have %s", dst);
	else if (p->arp_op == 1 && !memcmp(p->src, p->dst, 4))
		fprintf(f, "ARP announcement %s is at %s", src, text_mac(p->arp_sender_mac, mac));
	else if (p->arp_op == 1)
		fprintf(f, "ARP request who has %s, tell %s", dst, src);
	else if (p->arp_op == 2)
		fprintf(f, "ARP reply %s is at %s", src, text_mac(p->arp_sender_mac, mac));
	else
		fprintf(f, "ARP operation %u", p->arp_op);
}

void summary_print(FILE *f, const struct summary *p)
{
	char src[TEXT_SHORT_MAX], dst[TEXT_SHORT_MAX];

	if (p->vlan)
		fprintf(f, "vlan %u ", p->vlan);
	switch (p->net) {
	case SUMMARY_NET_ARP:
		print_arp(f, p);
		break;
	case SUMMARY_NET_IP4:
	case SUMMARY_NET_IP6:
		print_ip(f, p);
		break;
	default:
		if (p->is_ethernet)
			fprintf(f, "%s > %s ", text_mac(p->mac_src, src), text_mac(p->mac_dst, dst));
		fprintf(f, "ethertype 0x%04x", p->ethertype);
	}
	if (p->is_cut)
		fputs(" (cut)", f);
}

/* ---- JSON ---- */

void summary_to_json(json_t *o, const struct summary *p)
{
	bool has_hosts = p->net != SUMMARY_NET_OTHER, is_ip = has_hosts && p->net != SUMMARY_NET_ARP;
	char buf[INET6_ADDRSTRLEN], flags[40], mac[TEXT_SHORT_MAX];

	if (p->is_ethernet) {
		json_set_text(o, "mac_src", text_mac(p->mac_src, mac));
		json_set_text(o, "mac_dst", text_mac(p->mac_dst, mac));
	}
	json_set_int(o, "ethertype", p->ethertype);
	json_set_int_or_null(o, "vlan", p->vlan, p->vlan);
	json_set_text(o, "src", has_hosts ? host(p, p->src, buf) : NULL);
	json_set_text(o, "dst", has_hosts ? host(p, p->dst, buf) : NULL);
	json_set_int_or_null(o, "arp_op", p->net == SUMMARY_NET_ARP, p->arp_op);
	json_set_int_or_null(o, "proto", is_ip, p->proto);
	json_set_int_or_null(o, "fragment_offset", p->is_fragment, p->fragment_offset);
	json_set_int_or_null(o, "sport", p->has_ports, p->sport);
	json_set_int_or_null(o, "dport", p->has_ports, p->dport);
	json_set_text(o, "tcp_flags", p->has_tcp ? flags_text(p->tcp_flags, flags) : NULL);
	json_set_int_or_null(o, "tcp_seq", p->has_tcp, p->tcp_seq);
	json_set_int_or_null(o, "tcp_ack", p->has_tcp, p->tcp_ack);
	json_set_int_or_null(o, "tcp_window", p->has_tcp, p->tcp_window);
	json_set_int_or_null(o, "icmp_type", p->has_icmp, p->icmp_type);
	json_set_int_or_null(o, "icmp_code", p->has_icmp, p->icmp_code);
	json_set_int_or_null(o, "payload_bytes", is_ip, p->payload_bytes);
	json_object_set_new(o, "is_cut", json_boolean(p->is_cut));
}
