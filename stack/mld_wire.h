/* SPDX-License-Identifier: BSD-2-Clause */
/* mld_wire.h - MLD messages (RFC 2710 section 3, RFC 3810 section 5.1) but the records of version 2, which are mcast_records.h's.
 * Never: allocates or keeps state. */
#ifndef TAPIR_STACK_MLD_WIRE_H
#define TAPIR_STACK_MLD_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mcast_report.h"

enum { MLD_MESSAGE_BYTES = 24 };

/* The values of a version 2 Maximum Response Code, ms, and of a QQIC, s (RFC 3810 sections 5.1.3, 5.1.9). */
uint32_t mld_response_value(uint16_t code);
uint32_t mld_interval_value(uint8_t code);

/* A query, of the version that its length tells (section 8.1). False: it is none. */
bool mld_parse_query(const uint8_t *p, size_t len, struct mcast_query *q);

/* A report of version 1 or a done: the group. False: too short, or no group. */
bool mld_parse_group(const uint8_t *p, size_t len, struct ip_addr *group);

/* Write a message of version 1 to @p, of MLD_MESSAGE_BYTES, checksum 0. */
void mld_write(uint8_t *p, uint8_t type, const struct ip_addr *group);

#endif
