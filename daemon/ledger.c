/* SPDX-License-Identifier: BSD-2-Clause */
#include "ledger.h"

#include <stdlib.h>

enum { LEDGER_FIRST_ROOM = 16 };

void ledger_init(struct ledger *l)
{
	*l = (struct ledger){ 0 };
}

void ledger_fini(struct ledger *l)
{
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

void ledger_note(struct ledger *l, const struct tapir_dgram *header, uint32_t bytes)
{
	if (l->count == l->room)
		grow(l);
	if (!l->room)
		return;
	if (l->count == l->room)
		pop(l);
	*entry(l, l->count) = (struct ledger_entry){ *header, bytes };
	l->count++;
	l->bytes += bytes;
}

bool ledger_find(struct ledger *l, uint64_t queued, uint32_t next, struct tapir_dgram *header)
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
	return true;
}
