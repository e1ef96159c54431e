/* SPDX-License-Identifier: BSD-2-Clause */
#include "ledger.h"

#include <stdlib.h>
#include <string.h>

enum { LEDGER_FIRST_ROOM = 16 };

void ledger_init(struct ledger *l)
{
	*l = (struct ledger){ 0 };
}

void ledger_fini(struct ledger *l)
{
	for (uint32_t i = 0; i < l->count; i++)
		free(l->ring[(l->first + i) & (l->room - 1)].controls);
	free(l->ring);
	ledger_init(l);
}

static struct ledger_entry *entry(const struct ledger *l, uint32_t i)
{
	return &l->ring[(l->first + i) & (l->room - 1)];
}

static void pop(struct ledger *l)
{
	l->bytes -= entry(l, 0)->bytes;
	free(entry(l, 0)->controls);
	l->first = (l->first + 1) & (l->room - 1);
	l->count--;
}

static void grow(struct ledger *l)
{
	uint32_t room = l->room ? l->room * 2 : LEDGER_FIRST_ROOM;
	struct ledger_entry *ring = room > LEDGER_MAX ? NULL : calloc(room, sizeof(*ring));

	if (!ring)
		return;
	for (uint32_t i = 0; i < l->count; i++)
		ring[i] = *entry(l, i);
	free(l->ring);
	l->ring = ring;
	l->room = room;
	l->first = 0;
}

static size_t controls_bytes(const struct tapir_dgram *header)
{
	return header->header_bytes > sizeof(*header) ? header->header_bytes - sizeof(*header) : 0;
}

/* The entry for @header, whose control messages are behind it. Without memory for them they are left out. */
static struct ledger_entry make_entry(const struct tapir_dgram *header, uint32_t bytes)
{
	struct ledger_entry e = { .header = *header, .bytes = bytes };
	size_t more = controls_bytes(header);

	if (more)
		e.controls = malloc(more);
	if (e.controls) {
		memcpy(e.controls, header + 1, more);
	} else if (more) {
		e.header.header_bytes = sizeof(*header);
		e.header.flags |= TAPIR_DGRAM_CTRUNC;
	}
	return e;
}

void ledger_note(struct ledger *l, const struct tapir_dgram *header, uint32_t bytes)
{
	if (l->count == l->room)
		grow(l);
	if (!l->room)
		return;
	if (l->count == l->room)
		pop(l);
	*entry(l, l->count) = make_entry(header, bytes);
	l->count++;
	l->bytes += bytes;
}

bool ledger_find(struct ledger *l, uint64_t queued, uint32_t next, struct tapir_dgram *header, uint8_t *controls)
{
	while (l->count && l->bytes > queued)
		pop(l);
	if (l->bytes != queued)
		return false; /* the next one is older than all that is noted */
	while (l->count && next && entry(l, 0)->bytes == 0) /* it was read already */
		pop(l);
	if (!l->count || entry(l, 0)->bytes != next)
		return false;
	*header = entry(l, 0)->header;
	if (entry(l, 0)->controls)
		memcpy(controls, entry(l, 0)->controls, controls_bytes(header));
	return true;
}
