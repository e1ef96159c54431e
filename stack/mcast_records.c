/* SPDX-License-Identifier: BSD-2-Clause */
#include "mcast_records.h"

#include "mcast_report.h"
#include "wire.h"

enum { RECORD_COUNT_AT = 6, SOURCE_COUNT_AT = 2 };

static uint32_t left(const struct mcast_records *r)
{
	return r->f ? r->room - r->f->len : 0;
}

static uint32_t header_bytes(const struct mcast_records *r)
{
	return MCAST_RECORD_HDR_BYTES + r->addr_bytes;
}

static void put_addr(const struct mcast_records *r, uint8_t *to, const struct ip_addr *a)
{
	memcpy(to, a->b + 16 - r->addr_bytes, r->addr_bytes);
}

static void send(struct mcast_records *r)
{
	struct frame *f = r->f;

	r->f = NULL;
	if (!f)
		return;
	put_be16(f->data + RECORD_COUNT_AT, r->record_count);
	r->record_count = 0;
	r->send(r->ctx, f);
}

/* Begin the record, in a new report when it does not fit the present one. */
static void begin(struct mcast_records *r, uint32_t bytes)
{
	uint8_t *h;

	if (left(r) < bytes) {
		send(r);
		if (r->room >= MCAST_REPORT_HDR_BYTES + header_bytes(r) + r->addr_bytes)
			r->f = frame_alloc(r->frames, r->room);
		if (!r->f)
			return;
		h = frame_put(r->f, MCAST_REPORT_HDR_BYTES);
		memset(h, 0, MCAST_REPORT_HDR_BYTES);
		h[0] = r->type;
	}
	r->source_count = 0;
	r->record = frame_put(r->f, header_bytes(r));
	r->record[0] = r->record_type;
	r->record[1] = 0; /* auxiliary data: none is defined */
	put_addr(r, r->record + MCAST_RECORD_HDR_BYTES, &r->group);
}

bool mcast_records_fits(const struct mcast_records *r, uint32_t sources)
{
	return r->record_count == 0 || header_bytes(r) + (uint64_t)sources * r->addr_bytes <= left(r);
}

void mcast_records_open(struct mcast_records *r, uint8_t type, const struct ip_addr *group, uint32_t sources)
{
	uint64_t whole = header_bytes(r) + (uint64_t)sources * r->addr_bytes;
	uint32_t least = header_bytes(r) + (sources > 0 ? r->addr_bytes : 0u);

	r->record_type = type;
	r->group = *group;
	/* What would fit an empty report is not split. */
	begin(r, whole <= r->room - MCAST_REPORT_HDR_BYTES ? (uint32_t)whole : r->record_count > 0 ? r->room : least);
}

void mcast_records_source(struct mcast_records *r, const struct ip_addr *source)
{
	bool may_split = r->record_type != MCAST_IS_EXCLUDE && r->record_type != MCAST_TO_EXCLUDE;

	if (r->record && left(r) < r->addr_bytes && may_split) {
		mcast_records_close(r);
		begin(r, header_bytes(r) + r->addr_bytes);
	}
	if (!r->record || left(r) < r->addr_bytes || r->source_count == UINT16_MAX)
		return;
	put_addr(r, frame_put(r->f, r->addr_bytes), source);
	r->source_count++;
}

void mcast_records_close(struct mcast_records *r)
{
	if (!r->record)
		return;
	put_be16(r->record + SOURCE_COUNT_AT, r->source_count);
	r->record = NULL;
	r->record_count++;
}

void mcast_records_finish(struct mcast_records *r)
{
	send(r);
}
