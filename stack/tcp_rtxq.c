/* SPDX-License-Identifier: BSD-2-Clause */
#include "tcp_rtxq.h"

#include <errno.h>

int tcp_rtxq_append(struct tcp_rtxq *q, struct pool *pool, tcp_seq seq, uint32_t len, uint32_t mss, uint8_t flags,
		    uint64_t now_us)
{
	struct tcp_sent *r = pool_get(pool);

	if (!r)
		return -ENOBUFS;
	*r = (struct tcp_sent){ .seq = seq, .len = len, .packets = tcp_packets_of(len, mss), .flags = flags, .sent_us = now_us };
	if (q->last)
		q->last->next = r;
	else
		q->head = r;
	q->last = r;
	q->packets_out += r->packets;
	return 0;
}

/* Take @n packets of @r out of the sums. */
static void uncount(struct tcp_rtxq *q, const struct tcp_sent *r, uint32_t n)
{
	q->packets_out -= n;
	if (r->flags & TCP_SENT_LOST)
		q->lost_out -= n;
	if (r->flags & TCP_SENT_RETRANS_OUT)
		q->retrans_out -= n;
}

static void pop_head(struct tcp_rtxq *q, struct pool *pool)
{
	struct tcp_sent *r = q->head;

	q->head = r->next;
	if (!q->head)
		q->last = NULL;
	if (q->hint == r)
		q->hint = q->head;
	pool_put(pool, r);
}

static void note_retransmitted(struct tcp_rtxq_acked *acked, const struct tcp_sent *r, uint32_t packets)
{
	acked->retrans_packets += packets;
	if (r->sent_us > acked->last_retrans_us)
		acked->last_retrans_us = r->sent_us;
}

static void trim_head(struct tcp_rtxq *q, struct tcp_sent *r, tcp_seq una, uint32_t mss, struct tcp_rtxq_acked *acked)
{
	uint32_t cut = seq_diff(una, r->seq);
	uint32_t left = tcp_packets_of(r->len - cut, mss);
	uint32_t gone = left < r->packets ? r->packets - left : 0;

	uncount(q, r, gone);
	r->packets -= gone;
	r->seq = una;
	r->len -= cut;
	acked->packets += gone;
	if (r->flags & TCP_SENT_EVER_RETRANS)
		note_retransmitted(acked, r, gone);
	if (r->flags & TCP_SENT_SYN) { /* the SYN is the first thing in its record */
		acked->has_syn = true;
		r->flags &= (uint8_t)~TCP_SENT_SYN;
	}
}

struct tcp_rtxq_acked tcp_rtxq_ack(struct tcp_rtxq *q, struct pool *pool, tcp_seq una, uint32_t mss)
{
	struct tcp_rtxq_acked acked = { 0 };
	struct tcp_sent *r;

	while ((r = q->head) && seq_lt(r->seq, una)) {
		if (seq_gt(seq_add(r->seq, r->len), una)) {
			trim_head(q, r, una, mss, &acked);
			break;
		}
		acked.packets += r->packets;
		if (r->flags & TCP_SENT_EVER_RETRANS) {
			note_retransmitted(&acked, r, r->packets);
		} else {
			if (acked.first_sent_us == 0)
				acked.first_sent_us = r->sent_us;
			acked.last_sent_us = r->sent_us;
		}
		acked.has_syn |= (r->flags & TCP_SENT_SYN) != 0;
		acked.has_fin |= (r->flags & TCP_SENT_FIN) != 0;
		uncount(q, r, r->packets);
		pop_head(q, pool);
	}
	return acked;
}

int tcp_rtxq_split(struct tcp_rtxq *q, struct pool *pool, struct tcp_sent *r, uint32_t len, uint32_t mss)
{
	struct tcp_sent *rest = pool_get(pool);

	if (!rest)
		return -ENOBUFS;
	uncount(q, r, r->packets);
	*rest = *r;
	rest->seq = seq_add(r->seq, len);
	rest->len = r->len - len;
	rest->packets = tcp_packets_of(rest->len, mss);
	rest->flags &= (uint8_t)~TCP_SENT_SYN;
	r->len = len;
	r->packets = tcp_packets_of(len, mss);
	r->flags &= (uint8_t)~TCP_SENT_FIN;
	r->next = rest;
	if (q->last == r)
		q->last = rest;
	q->packets_out += r->packets + rest->packets;
	if (r->flags & TCP_SENT_LOST)
		q->lost_out += r->packets + rest->packets;
	if (r->flags & TCP_SENT_RETRANS_OUT)
		q->retrans_out += r->packets + rest->packets;
	return 0;
}

void tcp_rtxq_mark_lost(struct tcp_rtxq *q, struct tcp_sent *r)
{
	if (!(r->flags & TCP_SENT_LOST)) {
		r->flags |= TCP_SENT_LOST;
		q->lost_out += r->packets;
	}
	if (r->flags & TCP_SENT_RETRANS_OUT) {
		r->flags &= (uint8_t)~TCP_SENT_RETRANS_OUT;
		q->retrans_out -= r->packets;
	}
	if (!q->hint || seq_lt(r->seq, q->hint->seq))
		q->hint = r;
}

void tcp_rtxq_mark_all_lost(struct tcp_rtxq *q)
{
	for (struct tcp_sent *r = q->head; r; r = r->next)
		tcp_rtxq_mark_lost(q, r);
	q->hint = q->head;
}

void tcp_rtxq_unmark_all(struct tcp_rtxq *q)
{
	if (q->lost_out == 0 && q->retrans_out == 0)
		return;
	for (struct tcp_sent *r = q->head; r; r = r->next)
		r->flags &= (uint8_t)~(TCP_SENT_LOST | TCP_SENT_RETRANS_OUT);
	q->lost_out = q->retrans_out = 0;
	q->hint = NULL;
}

void tcp_rtxq_on_retransmit(struct tcp_rtxq *q, struct tcp_sent *r, uint64_t now_us)
{
	if (!(r->flags & TCP_SENT_RETRANS_OUT))
		q->retrans_out += r->packets;
	r->flags |= TCP_SENT_RETRANS_OUT | TCP_SENT_EVER_RETRANS;
	r->sent_us = now_us;
}

struct tcp_sent *tcp_rtxq_next_lost(struct tcp_rtxq *q)
{
	if (q->lost_out == 0)
		return NULL;
	if (!q->hint)
		q->hint = q->head;
	while (q->hint && (q->hint->flags & (TCP_SENT_LOST | TCP_SENT_RETRANS_OUT)) != TCP_SENT_LOST)
		q->hint = q->hint->next;
	if (q->hint)
		return q->hint;
	q->hint = q->last; /* nothing waits: what is marked lost next sets it back */
	return NULL;
}

void tcp_rtxq_clear(struct tcp_rtxq *q, struct pool *pool)
{
	while (q->head)
		pop_head(q, pool);
	*q = (struct tcp_rtxq){ 0 };
}
