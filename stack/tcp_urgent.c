/* SPDX-License-Identifier: BSD-2-Clause */
/* Urgent data: RFC 9293 section 3.8.5. The pointer counts as Linux's with tcp_stdurg = 0, and as every implementation that RFC 6093 section
 * 3 looked at: on the wire it names the byte behind the urgent one. There is one urgent byte at a time in each direction, the latest; one
 * before it becomes an ordinary byte of the stream. The bytes themselves stay in the queues, at their place. */
#include "tcp_conn.h"

void tcp_urgent_mark_sent(struct tcp_conn *c)
{
	if (c->tx->sndq.bytes == 0)
		return;
	c->tx->snd_up = seq_add(c->snd_una, c->tx->sndq.bytes);
	c->tx->has_snd_up = true;
}

void tcp_urgent_on_ack(struct tcp_conn *c)
{
	if (c->tx->has_snd_up && seq_ge(c->snd_una, c->tx->snd_up))
		c->tx->has_snd_up = false;
}

/* The pointer has 16 bits. What is further ahead is told as far as it reaches, as soon as that much more is to be sent (Linux). */
void tcp_urgent_fill_hdr(const struct tcp_conn *c, struct tcp_hdr *h)
{
	uint32_t ahead;

	if (!c->tx->has_snd_up || !seq_lt(h->seq, c->tx->snd_up) || h->flags & TCP_SYN)
		return;
	ahead = seq_diff(c->tx->snd_up, h->seq);
	h->urg = ahead < UINT16_MAX ? (uint16_t)ahead : UINT16_MAX;
	h->flags |= TCP_URG;
}

static tcp_seq read_seq(const struct tcp_conn *c)
{
	return seq_sub(c->rcv_nxt, c->rcvq.bytes + c->rcv_fin);
}

/* Only news counts: a byte that has not been received yet, beyond the one that is known. */
void tcp_urgent_on_segment(struct tcp_conn *c, const struct tcp_in *in)
{
	tcp_seq up;

	if (!(in->flags & TCP_URG) ||
	    !tcp_state_in(c, TCP_STATE_BIT(TCP_ESTABLISHED) | TCP_STATE_BIT(TCP_FIN_WAIT_1) | TCP_STATE_BIT(TCP_FIN_WAIT_2)))
		return;
	stat_count(c->sk.st, STAT_TCP_URGENT);
	up = seq_add(in->seq, in->h->urg ? in->h->urg - 1u : 0);
	if (seq_lt(up, c->rcv_nxt) || (c->has_rcv_up && seq_le(up, c->rcv_up)))
		return;
	c->rcv_up = up;
	c->has_rcv_up = true;
}

size_t tcp_urgent_offset(const struct tcp_conn *c)
{
	uint32_t offset;

	if (!c->has_rcv_up)
		return SIZE_MAX;
	offset = seq_diff(c->rcv_up, read_seq(c));
	return offset < c->rcvq.bytes ? offset : SIZE_MAX;
}

void tcp_urgent_on_read(struct tcp_conn *c)
{
	if (c->has_rcv_up && seq_lt(c->rcv_up, read_seq(c)))
		c->has_rcv_up = false;
}
