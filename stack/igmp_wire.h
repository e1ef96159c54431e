/* SPDX-License-Identifier: BSD-2-Clause */
/* igmp_wire.h - IGMP messages (RFC 1112 appendix I, RFC 2236 section 2, RFC 3376 section 4) but the records of version 3, which are
 * mcast_records.h's. Never: allocates or keeps state. */
#ifndef TAPIR_STACK_IGMP_WIRE_H
#define TAPIR_STACK_IGMP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mcast_report.h"

enum { IGMP_QUERY = 0x11, IGMP_REPORT_V1 = 0x12, IGMP_REPORT_V2 = 0x16, IGMP_LEAVE = 0x17, IGMP_REPORT_V3 = 0x22 };
enum { IGMP_MESSAGE_BYTES = 8 };

/* The value of a version 3 Max Resp Code or QQIC (RFC 3376 sections 4.1.1, 4.1.7). */
uint32_t igmp_code_value(uint8_t code);

/* A query, of the version that its length and its code tell (section 7.1). False: it is none. */
bool igmp_parse_query(const uint8_t *p, size_t len, struct mcast_query *q);

/* A report of version 1 or 2, or a leave: the group. False: too short, or no group. */
bool igmp_parse_group(const uint8_t *p, size_t len, struct ip_addr *group);

/* Write a message of version 1 or 2 to @p, of IGMP_MESSAGE_BYTES, checksum included. */
void igmp_write(uint8_t *p, uint8_t type, const struct ip_addr *group);

/* Write the checksum of a whole message. */
void igmp_write_checksum(uint8_t *p, size_t len);

#endif
