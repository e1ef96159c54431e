/* SPDX-License-Identifier: BSD-2-Clause */
/* mcast_records.h - the group records of IGMPv3 and MLDv2 reports (RFC 3376 section 4.2, RFC 3810 section 5.2), whose only
 * difference is the length of addresses. The writer makes as many reports as it takes: sources that do not fit are told in another
 * one, except of an EXCLUDE, which is one record, cut off (RFC 3376 section 4.2.16).
 *
 *	mcast_records_open(&r, type, &group, sources);
 *	mcast_records_source(&r, &source);                 as often
 *	mcast_records_close(&r);
 *	...
 *	mcast_records_finish(&r);                          sends what is left
 *
 * Without memory for a report its records are lost, as if the report was lost on the link. */
#ifndef TAPIR_STACK_MCAST_RECORDS_H
#define TAPIR_STACK_MCAST_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "frame.h"

enum { MCAST_REPORT_HDR_BYTES = 8, MCAST_RECORD_HDR_BYTES = 4 };

struct mcast_records {
	struct frame_pool *frames;
	uint8_t type;	    /* of the report */
	uint8_t addr_bytes; /* 4, 16 */
	uint32_t room;	    /* bytes of a report */
	void (*send)(void *ctx, struct frame *f); /* takes over the report, its checksum 0 */
	void *ctx;
	/* The writer's own: */
	struct frame *f;
	uint16_t record_count;
	uint8_t *record; /* the open one; NULL: none */
	uint16_t source_count;
	uint8_t record_type;
	struct ip_addr group;
};

/* Whether a record of @sources sources fits the present report, or nothing has been written yet. */
bool mcast_records_fits(const struct mcast_records *r, uint32_t sources);
void mcast_records_open(struct mcast_records *r, uint8_t type, const struct ip_addr *group, uint32_t sources);
void mcast_records_source(struct mcast_records *r, const struct ip_addr *source);
void mcast_records_close(struct mcast_records *r);
void mcast_records_finish(struct mcast_records *r);

#endif
