/* SPDX-License-Identifier: BSD-2-Clause */
#include "tcp_sack.h"

#include <string.h>

static void remove_at(struct tcp_sack_gen *g, unsigned i)
{
	memmove(&g->blocks[i], &g->blocks[i + 1], (g->count - i - 1u) * sizeof(g->blocks[0]));
	g->count--;
}

void tcp_sack_add(struct tcp_sack_gen *g, tcp_seq left, tcp_seq right)
{
	unsigned i = 0;

	while (i < g->count) { /* what the new range covers or touches is part of it */
		if (seq_le(left, g->blocks[i].right) && seq_le(g->blocks[i].left, right))
			remove_at(g, i);
		else
			i++;
	}
	if (g->count == TCP_SACK_BLOCKS_MAX)
		g->count--;
	memmove(&g->blocks[1], &g->blocks[0], g->count * sizeof(g->blocks[0]));
	g->blocks[0] = (struct tcp_sack_block){ left, right };
	g->count++;
}

void tcp_sack_duplicate(struct tcp_sack_gen *g, tcp_seq left, tcp_seq right)
{
	if (g->has_dsack && seq_le(left, g->dsack.right) && seq_le(g->dsack.left, right)) {
		g->dsack.left = seq_min(g->dsack.left, left);
		g->dsack.right = seq_max(g->dsack.right, right);
		return;
	}
	g->dsack = (struct tcp_sack_block){ left, right };
	g->has_dsack = true;
}

void tcp_sack_advance(struct tcp_sack_gen *g, tcp_seq rcv_nxt)
{
	unsigned i = 0;

	while (i < g->count) {
		if (seq_le(g->blocks[i].right, rcv_nxt)) {
			remove_at(g, i);
			continue;
		}
		g->blocks[i].left = seq_max(g->blocks[i].left, rcv_nxt);
		i++;
	}
}

void tcp_sack_report(struct tcp_sack_gen *g, struct tcp_options *o, unsigned max)
{
	o->sack_count = 0;
	if (g->has_dsack && max > 0)
		o->sacks[o->sack_count++] = g->dsack;
	g->has_dsack = false;
	for (unsigned i = 0; i < g->count && o->sack_count < max; i++)
		o->sacks[o->sack_count++] = g->blocks[i];
}
