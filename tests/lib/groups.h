/* SPDX-License-Identifier: BSD-2-Clause */
/* groups.h - IGMP and MLD for tests, on a bare IP bed: messages built and taken apart, written apart from the stack's own code. */
#ifndef TAPIR_TESTS_GROUPS_H
#define TAPIR_TESTS_GROUPS_H

#include "bed.h"

enum { GROUPS_RECORDS_MAX = 64, GROUPS_SOURCES_MAX = 512 };

/* How a message is wrapped; zeroed: as it must be. */
struct groups_wrap {
	const char *src, *dst; /* NULL: a querier's address; where such a message goes */
	uint8_t ttl;	       /* 0: 1 */
	bool no_alert;
	bool bad_checksum;
};

/* A query. @group NULL: general. @version 1 to 3 of IGMP, 1 and 2 of MLD. @code: Max Resp Code as it is. @sources: literals, NULL ends.
 * Each returns the bytes written to @buf. */
size_t groups_igmp_query(uint8_t *buf, const struct groups_wrap *w, unsigned version, const char *group, uint8_t code, uint8_t qrv,
			 uint8_t qqic, const char *const *sources);
size_t groups_mld_query(uint8_t *buf, const struct groups_wrap *w, unsigned version, const char *group, uint16_t code, uint8_t qrv,
			uint8_t qqic, const char *const *sources);

/* Another host's report of an older version, or any message of one group. */
size_t groups_igmp_message(uint8_t *buf, const struct groups_wrap *w, uint8_t type, const char *group);
size_t groups_mld_message(uint8_t *buf, const struct groups_wrap *w, uint8_t type, const char *group);

/* Any bytes as the payload of such a message to @dst, whose family decides; the checksum is put in when there is room for it. */
size_t groups_wrap_bytes(uint8_t *buf, const char *dst, const uint8_t *payload, size_t len);

struct groups_record {
	uint8_t type;
	unsigned source_count;
	struct ip_addr group, sources[GROUPS_SOURCES_MAX];
};

struct groups_report {
	uint64_t at_us;
	struct ip_addr src, dst;
	bool is_mld;
	uint8_t type;
	struct ip_addr group; /* of one group's message */
	unsigned record_count;
	struct groups_record records[GROUPS_RECORDS_MAX];
	size_t packet_len;
};

/** groups_next - the next packet the stack sent, an IGMP or MLD message, in due form: TTL 1, Router Alert, checksums, no byte too many.
 * False: it sent none. Anything else than such a message aborts, with what is wrong. */
bool groups_next(struct bed *b, struct groups_report *r);

/* Whether the @i'th record of @r is that; @sources: literals in any order, NULL ends. */
bool groups_has_record(const struct groups_report *r, unsigned i, uint8_t type, const char *group, const char *const *sources);

#endif
