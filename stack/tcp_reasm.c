/* SPDX-License-Identifier: BSD-2-Clause */
#include "tcp_reasm.h"

#include <errno.h>

static void unlink_island(struct tcp_reasm *q, struct tcp_island *i)
{
	if (i->prev)
		i->prev->next = i->next;
	else
		q->first = i->next;
	if (i->next)
		i->next->prev = i->prev;
	else
		q->last = i->prev;
	q->count--;
}

/* An empty island at @left, after @prev (NULL: first). */
static struct tcp_island *found_island(struct tcp_reasm *q, const struct tcp_reasm_mem *m, struct tcp_island *prev, tcp_seq left)
{
	struct tcp_island *i = q->count < TCP_ISLANDS_MAX ? pool_get(m->islands) : NULL;

	if (!i)
		return NULL;
	i->left = i->right = left;
	i->prev = prev;
	i->next = prev ? prev->next : q->first;
	if (i->prev)
		i->prev->next = i;
	else
		q->first = i;
	if (i->next)
		i->next->prev = i;
	else
		q->last = i;
	q->count++;
	return i;
}

static void merge_next(struct tcp_reasm *q, const struct tcp_reasm_mem *m, struct tcp_island *i)
{
	struct tcp_island *next = i->next;

	byteq_splice(&i->bytes, &next->bytes);
	i->right = next->right;
	unlink_island(q, next);
	pool_put(m->islands, next);
}

/* The last island that begins at or before @seq. NULL: none does. */
static struct tcp_island *island_before(const struct tcp_reasm *q, tcp_seq seq)
{
	struct tcp_island *i = q->last;

	while (i && seq_gt(i->left, seq))
		i = i->prev;
	return i;
}

static void note_dup(struct tcp_reasm_result *res, tcp_seq left, tcp_seq right)
{
	if (res->has_dup)
		return;
	res->has_dup = true;
	res->dup_left = left;
	res->dup_right = right;
}

int tcp_reasm_add(struct tcp_reasm *q, const struct tcp_reasm_mem *m, struct frame *f, const uint8_t *data, uint32_t len,
		  tcp_seq seq, struct tcp_reasm_result *res)
{
	tcp_seq end = seq_add(seq, len);
	struct tcp_island *i = island_before(q, seq);

	*res = (struct tcp_reasm_result){ .left = seq, .right = seq };
	if (!i || seq_lt(i->right, seq)) {
		struct tcp_island *founded = found_island(q, m, i, seq);

		if (!founded)
			return -ENOBUFS;
		i = founded;
	}
	/* From here on @i ends at or after @seq: fill the gaps between it and its successors until @end. */
	while (seq_lt(seq, end)) {
		tcp_seq gap_end = i->next ? seq_min(i->next->left, end) : end;

		if (seq_lt(seq, i->right)) {
			note_dup(res, seq, seq_min(i->right, end));
			seq = i->right;
			continue;
		}
		if (seq_lt(seq, gap_end)) {
			uint32_t n = seq_diff(gap_end, seq);
			size_t taken = byteq_append_received(&i->bytes, m->byteq, f, data + (len - seq_diff(end, seq)), n, true);

			i->right = seq = seq_add(seq, (uint32_t)taken);
			q->bytes += (uint32_t)taken;
			res->stored += (uint32_t)taken;
			if (taken < n)
				break;
		}
		if (i->next && seq_eq(i->right, i->next->left))
			merge_next(q, m, i);
	}
	if (i->next && seq_eq(i->right, i->next->left))
		merge_next(q, m, i);
	res->left = i->left;
	res->right = i->right;
	if (seq_eq(i->left, i->right)) {
		unlink_island(q, i);
		pool_put(m->islands, i);
	}
	return seq_lt(seq, end) ? -ENOBUFS : 0;
}

tcp_seq tcp_reasm_take(struct tcp_reasm *q, const struct tcp_reasm_mem *m, tcp_seq rcv_nxt, struct byteq *to)
{
	struct tcp_island *i;

	while ((i = q->first) && seq_le(i->left, rcv_nxt)) {
		q->bytes -= i->bytes.bytes;
		if (seq_gt(i->right, rcv_nxt)) {
			byteq_consume(&i->bytes, m->byteq, seq_diff(rcv_nxt, i->left));
			byteq_splice(to, &i->bytes);
			rcv_nxt = i->right;
		}
		byteq_clear(&i->bytes, m->byteq);
		unlink_island(q, i);
		pool_put(m->islands, i);
	}
	return rcv_nxt;
}

void tcp_reasm_clear(struct tcp_reasm *q, const struct tcp_reasm_mem *m)
{
	while (q->first) {
		struct tcp_island *i = q->first;

		byteq_clear(&i->bytes, m->byteq);
		unlink_island(q, i);
		pool_put(m->islands, i);
	}
	q->bytes = 0;
}
