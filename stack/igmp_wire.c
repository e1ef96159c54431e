/* SPDX-License-Identifier: BSD-2-Clause */
#include "igmp_wire.h"

#include "checksum.h"
#include "wire.h"

enum { CHECKSUM_AT = 2, QUERY_V3_BYTES_MIN = 12, QRV_MASK = 7 };
enum { TENTH_US = 100000, V1_MAX_RESPONSE_TENTHS = 100 }; /* RFC 2236 section 4: a version 1 query means 10 s */

uint32_t igmp_code_value(uint8_t code)
{
	return code < 128 ? code : ((code & 0xfu) | 0x10u) << ((code >> 4 & 7) + 3);
}

bool igmp_parse_query(const uint8_t *p, size_t len, struct mcast_query *q)
{
	struct wire_rd r = wire_rd_over(p, len);
	uint8_t type = wire_rd_u8(&r), code = wire_rd_u8(&r);
	const uint8_t *group;

	wire_rd_skip(&r, 2);
	group = wire_rd_bytes(&r, 4);
	if (!wire_rd_ok(&r) || type != IGMP_QUERY)
		return false;
	*q = (struct mcast_query){ .group = ip_addr_from4(group) };
	if (len == IGMP_MESSAGE_BYTES && code == 0) {
		q->version = 1;
		q->group = ip_addr_from4((const uint8_t[4]){ 0 }); /* RFC 1112 appendix I: "ignored when received" */
		q->max_response_us = V1_MAX_RESPONSE_TENTHS * TENTH_US;
		return true;
	}
	if (!ip_addr_is_any(&q->group) && !ip_addr_is_multicast(&q->group))
		return false;
	if (len == IGMP_MESSAGE_BYTES) {
		q->version = 2;
		q->max_response_us = (uint32_t)code * TENTH_US; /* RFC 3376 section 7.2.1: not floating point */
		return true;
	}
	if (len < QUERY_V3_BYTES_MIN)
		return false;
	q->version = 3;
	q->max_response_us = igmp_code_value(code) * TENTH_US;
	q->robustness = wire_rd_u8(&r) & QRV_MASK;
	q->interval_s = igmp_code_value(wire_rd_u8(&r));
	q->source_count = wire_rd_u16(&r);
	q->sources = wire_rd_sub(&r, q->source_count * 4u);
	return wire_rd_ok(&r) && (q->source_count == 0 || !ip_addr_is_any(&q->group));
}

bool igmp_parse_group(const uint8_t *p, size_t len, struct ip_addr *group)
{
	if (len < IGMP_MESSAGE_BYTES)
		return false;
	*group = ip_addr_from4(p + 4);
	return ip_addr_is_multicast(group);
}

void igmp_write_checksum(uint8_t *p, size_t len)
{
	put_be16(p + CHECKSUM_AT, 0);
	put_be16(p + CHECKSUM_AT, checksum_finish(checksum_add(0, p, len)));
}

void igmp_write(uint8_t *p, uint8_t type, const struct ip_addr *group)
{
	p[0] = type;
	p[1] = 0;
	memcpy(p + 4, ip_addr_v4(group), 4);
	igmp_write_checksum(p, IGMP_MESSAGE_BYTES);
}
