/* SPDX-License-Identifier: BSD-2-Clause */
#include "mld_wire.h"

#include "icmp6.h"
#include "wire.h"

enum { QUERY_V2_BYTES_MIN = 28, QRV_MASK = 7, MS_US = 1000 };

uint32_t mld_response_value(uint16_t code)
{
	return code < 32768 ? code : ((code & 0xfffu) | 0x1000u) << ((code >> 12 & 7) + 3);
}

uint32_t mld_interval_value(uint8_t code)
{
	return code < 128 ? code : ((code & 0xfu) | 0x10u) << ((code >> 4 & 7) + 3);
}

bool mld_parse_query(const uint8_t *p, size_t len, struct mcast_query *q)
{
	struct wire_rd r = wire_rd_over(p, len);
	uint8_t type = wire_rd_u8(&r);
	uint16_t code;

	*q = (struct mcast_query){ 0 };
	wire_rd_skip(&r, 3);
	code = wire_rd_u16(&r);
	wire_rd_skip(&r, 2);
	wire_rd_copy(&r, q->group.b, 16);
	if (!wire_rd_ok(&r) || type != ICMP6_MLD_QUERY)
		return false;
	if (!ip_addr_is_any(&q->group) && (ip_addr_is4(&q->group) || !ip_addr_is_multicast(&q->group)))
		return false;
	if (len == MLD_MESSAGE_BYTES) {
		q->version = 1;
		q->max_response_us = code * (uint32_t)MS_US;
		return true;
	}
	if (len < QUERY_V2_BYTES_MIN)
		return false;
	q->version = 2;
	q->max_response_us = mld_response_value(code) * MS_US;
	q->robustness = wire_rd_u8(&r) & QRV_MASK;
	q->interval_s = mld_interval_value(wire_rd_u8(&r));
	q->source_count = wire_rd_u16(&r);
	q->sources = wire_rd_sub(&r, q->source_count * 16u);
	return wire_rd_ok(&r) && (q->source_count == 0 || !ip_addr_is_any(&q->group));
}

bool mld_parse_group(const uint8_t *p, size_t len, struct ip_addr *group)
{
	if (len < MLD_MESSAGE_BYTES)
		return false;
	*group = ip_addr_from6(p + 8);
	return ip_addr_is_multicast(group) && !ip_addr_is4(group);
}

void mld_write(uint8_t *p, uint8_t type, const struct ip_addr *group)
{
	memset(p, 0, MLD_MESSAGE_BYTES);
	p[0] = type;
	memcpy(p + 8, group->b, 16);
}
