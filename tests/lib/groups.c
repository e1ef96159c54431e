/* SPDX-License-Identifier: BSD-2-Clause */
#include "groups.h"

#include <string.h>

#include "packet.h"
#include "stack/wire.h"

enum { IGMP = 2, ICMP6 = 58, ETH_BYTES = 14 };

/* ---- Building ---- */

/* The header, with Router Alert in front of @len bytes of payload. */
static size_t wrap4(uint8_t *buf, const struct groups_wrap *w, const char *dst, const uint8_t *payload, size_t len)
{
	struct ip_addr src = addr_of(w->src ? w->src : BED_PEER4), to = addr_of(w->dst ? w->dst : dst);
	size_t hdr = w->no_alert ? 20 : 24;

	memset(buf, 0, hdr);
	buf[0] = (uint8_t)(0x40 | hdr / 4);
	buf[1] = 0xc0;
	put_be16(buf + 2, (uint16_t)(hdr + len));
	buf[8] = w->ttl ? w->ttl : 1;
	buf[9] = IGMP;
	memcpy(buf + 12, ip_addr_v4(&src), 4);
	memcpy(buf + 16, ip_addr_v4(&to), 4);
	if (!w->no_alert)
		put_be32(buf + 20, 0x94040000);
	put_be16(buf + 10, packet_checksum(0, buf, hdr));
	memcpy(buf + hdr, payload, len);
	put_be16(buf + hdr + 2, 0);
	put_be16(buf + hdr + 2, (uint16_t)(packet_checksum(0, buf + hdr, len) + w->bad_checksum));
	return hdr + len;
}

static size_t wrap6(uint8_t *buf, const struct groups_wrap *w, const char *dst, const uint8_t *payload, size_t len)
{
	static const uint8_t hop_by_hop[8] = { ICMP6, 0, 5, 2, 0, 0, 1, 0 };
	struct ip_addr src = addr_of(w->src ? w->src : "fe80::2"), to = addr_of(w->dst ? w->dst : dst);
	size_t hdr = w->no_alert ? 40 : 48;

	memset(buf, 0, 40);
	buf[0] = 0x60;
	put_be16(buf + 4, (uint16_t)(hdr - 40 + len));
	buf[6] = w->no_alert ? ICMP6 : 0;
	buf[7] = w->ttl ? w->ttl : 1;
	memcpy(buf + 8, src.b, 16);
	memcpy(buf + 24, to.b, 16);
	memcpy(buf + 40, hop_by_hop, hdr - 40);
	memcpy(buf + hdr, payload, len);
	put_be16(buf + hdr + 2, 0);
	put_be16(buf + hdr + 2, (uint16_t)(packet_checksum(packet_pseudo_sum(&src, &to, ICMP6, len), buf + hdr, len) + w->bad_checksum));
	return hdr + len;
}

size_t groups_wrap_bytes(uint8_t *buf, const char *dst, const uint8_t *payload, size_t len)
{
	const struct groups_wrap w = { .src = NULL };
	struct ip_addr a = addr_of(dst);
	uint8_t padded[2048] = { 0 };

	if (len > sizeof(padded))
		len = sizeof(padded);
	if (len > 0)
		memcpy(padded, payload, len);
	if (len < 4)
		len = 4;
	return ip_addr_is4(&a) ? wrap4(buf, &w, dst, padded, len) : wrap6(buf, &w, dst, padded, len);
}

static size_t put_sources(uint8_t *p, size_t addr_bytes, const char *const *sources)
{
	size_t n = 0;

	for (; sources && sources[n]; n++) {
		struct ip_addr a = addr_of(sources[n]);

		memcpy(p + n * addr_bytes, a.b + 16 - addr_bytes, addr_bytes);
	}
	return n;
}

size_t groups_igmp_query(uint8_t *buf, const struct groups_wrap *w, unsigned version, const char *group, uint8_t code, uint8_t qrv,
			 uint8_t qqic, const char *const *sources)
{
	uint8_t p[2048] = { 0x11, code };
	size_t len = 8;

	if (group) {
		struct ip_addr a = addr_of(group);

		memcpy(p + 4, ip_addr_v4(&a), 4);
	}
	if (version == 3) {
		size_t n = put_sources(p + 12, 4, sources);

		p[8] = qrv;
		p[9] = qqic;
		put_be16(p + 10, (uint16_t)n);
		len = 12 + n * 4;
	}
	return wrap4(buf, w, group ? group : "224.0.0.1", p, len);
}

size_t groups_mld_query(uint8_t *buf, const struct groups_wrap *w, unsigned version, const char *group, uint16_t code, uint8_t qrv,
			uint8_t qqic, const char *const *sources)
{
	uint8_t p[4096] = { 130 };
	size_t len = 24;

	put_be16(p + 4, code);
	if (group) {
		struct ip_addr a = addr_of(group);

		memcpy(p + 8, a.b, 16);
	}
	if (version == 2) {
		size_t n = put_sources(p + 28, 16, sources);

		p[24] = qrv;
		p[25] = qqic;
		put_be16(p + 26, (uint16_t)n);
		len = 28 + n * 16;
	}
	return wrap6(buf, w, group ? group : "ff02::1", p, len);
}

size_t groups_igmp_message(uint8_t *buf, const struct groups_wrap *w, uint8_t type, const char *group)
{
	struct ip_addr a = addr_of(group);
	uint8_t p[8] = { type };

	memcpy(p + 4, ip_addr_v4(&a), 4);
	return wrap4(buf, w, group, p, sizeof(p));
}

size_t groups_mld_message(uint8_t *buf, const struct groups_wrap *w, uint8_t type, const char *group)
{
	struct ip_addr a = addr_of(group);
	uint8_t p[24] = { type };

	memcpy(p + 8, a.b, 16);
	return wrap6(buf, w, group, p, sizeof(p));
}

/* ---- Taking apart ---- */

static struct ip_addr read_addr(const uint8_t *p, bool is6)
{
	return is6 ? ip_addr_from6(p) : ip_addr_from4(p);
}

static void read_records(struct groups_report *r, const uint8_t *p, size_t len)
{
	size_t addr_bytes = r->is_mld ? 16 : 4, at = 8;

	r->record_count = get_be16(p + 6);
	if (r->record_count > GROUPS_RECORDS_MAX)
		bed_fatal("a report of %u records", r->record_count);
	for (unsigned i = 0; i < r->record_count; i++) {
		struct groups_record *rec = &r->records[i];

		if (at + 4 + addr_bytes > len)
			bed_fatal("record %u is cut off", i);
		rec->type = p[at];
		rec->source_count = get_be16(p + at + 2);
		rec->group = read_addr(p + at + 4, r->is_mld);
		if (p[at + 1] != 0)
			bed_fatal("record %u has auxiliary data", i);
		at += 4 + addr_bytes;
		if (rec->source_count > GROUPS_SOURCES_MAX || at + rec->source_count * addr_bytes > len)
			bed_fatal("record %u has %u sources and no room for them", i, rec->source_count);
		for (unsigned k = 0; k < rec->source_count; k++, at += addr_bytes)
			rec->sources[k] = read_addr(p + at, r->is_mld);
	}
	if (at != len)
		bed_fatal("%zu bytes behind the records", len - at);
}

static const uint8_t *unwrap4(struct groups_report *r, const uint8_t *p, size_t len)
{
	if (len < 32 || p[0] != 0x46 || p[1] != 0xc0 || p[8] != 1 || p[9] != IGMP || get_be32(p + 20) != 0x94040000 ||
	    get_be16(p + 2) != len || packet_checksum(0, p, 24) != 0 || packet_checksum(0, p + 24, len - 24) != 0)
		bed_fatal("no IGMP message in due form");
	r->src = ip_addr_from4(p + 12);
	r->dst = ip_addr_from4(p + 16);
	return p + 24;
}

static const uint8_t *unwrap6(struct groups_report *r, const uint8_t *p, size_t len, const struct frame_offload *off)
{
	static const uint8_t hop_by_hop[8] = { ICMP6, 0, 5, 2, 0, 0, 1, 0 };

	if (len < 56 || p[0] != 0x60 || p[6] != 0 || p[7] != 1 || memcmp(p + 40, hop_by_hop, 8) != 0 || get_be16(p + 4) != len - 40)
		bed_fatal("no MLD message in due form");
	r->src = ip_addr_from6(p + 8);
	r->dst = ip_addr_from6(p + 24);
	if (off->csum == FRAME_CSUM_NONE && packet_checksum(packet_pseudo_sum(&r->src, &r->dst, ICMP6, len - 48), p + 48, len - 48) != 0)
		bed_fatal("an MLD message with a wrong checksum");
	return p + 48;
}

bool groups_next(struct bed *b, struct groups_report *r)
{
	static struct bed_packet out;
	const uint8_t *p, *end;
	size_t l2 = b->link.kind == LINK_ETHERNET ? ETH_BYTES : 0;

	if (!bed_next(b, &out))
		return false;
	memset(r, 0, sizeof(*r));
	r->at_us = out.at_us;
	r->packet_len = out.len - l2;
	r->is_mld = out.data[l2] >> 4 == 6;
	p = r->is_mld ? unwrap6(r, out.data + l2, r->packet_len, &out.off) : unwrap4(r, out.data + l2, r->packet_len);
	end = out.data + out.len;
	r->type = p[0];
	if (r->type == 0x22 || r->type == 143)
		read_records(r, p, (size_t)(end - p));
	else
		r->group = r->is_mld ? ip_addr_from6(p + 8) : ip_addr_from4(p + 4);
	return true;
}

static bool names(const struct groups_record *rec, const struct ip_addr *a)
{
	for (unsigned i = 0; i < rec->source_count; i++)
		if (ip_addr_eq(&rec->sources[i], a))
			return true;
	return false;
}

bool groups_has_record(const struct groups_report *r, unsigned i, uint8_t type, const char *group, const char *const *sources)
{
	const struct groups_record *rec = &r->records[i];
	struct ip_addr g = addr_of(group);
	unsigned n = 0;

	if (i >= r->record_count || rec->type != type || !ip_addr_eq(&rec->group, &g))
		return false;
	for (; sources && sources[n]; n++) {
		struct ip_addr a = addr_of(sources[n]);

		if (!names(rec, &a))
			return false;
	}
	return n == rec->source_count;
}
