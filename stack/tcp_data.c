/* SPDX-License-Identifier: BSD-2-Clause */
/* Section 3.10.7.4 steps 7 and 8: the payload and the FIN. In order, the payload goes to the receive queue by reference; out of order,
 * to islands (tcp_reasm). */
#include "tcp_conn.h"

struct tcp_oo *tcp_conn_oo(struct tcp_conn *c)
{
	if (!c->oo)
		c->oo = pool_get(&c->sk.st->tcp.oos);
	return c->oo;
}

static struct tcp_reasm_mem reasm_mem(struct tcp_conn *c)
{
	return (struct tcp_reasm_mem){ &c->sk.st->byteq_mem, &c->sk.st->tcp.islands };
}

void tcp_oo_free(struct tcp_conn *c)
{
	struct tcp_reasm_mem m = reasm_mem(c);

	if (!c->oo)
		return;
	tcp_reasm_clear(&c->oo->reasm, &m);
	pool_put(&c->sk.st->tcp.oos, c->oo);
	c->oo = NULL;
}

void tcp_oo_free_if_idle(struct tcp_conn *c)
{
	if (c->oo && !c->oo->reasm.first && !c->oo->has_fin && tcp_sack_is_empty(&c->oo->sack))
		tcp_oo_free(c);
}

/* RFC 2883 section 4: report the duplicate in the next ACK. */
static void report_duplicate(struct tcp_conn *c, tcp_seq left, tcp_seq right)
{
	struct tcp_oo *oo;

	if (!c->sack_ok || !c->sk.st->tunables.tcp_dsack || !seq_lt(left, right))
		return;
	oo = tcp_conn_oo(c);
	if (oo)
		tcp_sack_duplicate(&oo->sack, left, right);
}

/* The segment's bytes, cut to the window; drops what is here already. */
static void trim(struct tcp_conn *c, struct tcp_in *in, tcp_seq *seq, const uint8_t **data, uint32_t *len)
{
	tcp_seq edge = seq_add(c->rcv_nxt, tcp_receive_window(c));
	tcp_seq begin = in->flags & TCP_SYN ? seq_add(in->seq, 1) : in->seq;

	*data = in->data;
	*len = in->len;
	if (seq_lt(begin, c->rcv_nxt)) {
		uint32_t old = tcp_min(seq_diff(c->rcv_nxt, begin), *len);

		*data += old;
		*len -= old;
		begin = seq_add(begin, old);
	}
	if (*len > 0 && seq_gt(seq_add(begin, *len), edge))
		*len = seq_lt(begin, edge) ? seq_diff(edge, begin) : 0;
	*seq = begin;
}

static void take_in_order(struct tcp_conn *c, const struct tcp_in *in, tcp_seq seq, const uint8_t *data, uint32_t len)
{
	const struct byteq_mem *m = &c->sk.st->byteq_mem;
	uint32_t taken = (uint32_t)byteq_append_received(&c->rcvq, m, in->f, data, len, false);

	if (c->rcvq.held_bytes > 4 * c->rcvq.bytes + 4 * FRAME_LARGE_BYTES)
		byteq_compact(&c->rcvq, m); /* nobody reads: do not let small pieces pin large buffers */
	c->rcv_nxt = seq_add(seq, taken);
	c->bytes_received += taken;
	if (taken < len)
		stat_drop(c->sk.st, STAT_TCP_DROP_NO_MEMORY);
	if (c->oo) {
		struct tcp_reasm_mem rm = reasm_mem(c);
		tcp_seq next = tcp_reasm_take(&c->oo->reasm, &rm, c->rcv_nxt, &c->rcvq);

		if (!seq_eq(next, c->rcv_nxt)) {
			c->bytes_received += seq_diff(next, c->rcv_nxt);
			c->rcv_nxt = next;
		}
		tcp_sack_advance(&c->oo->sack, c->rcv_nxt);
		tcp_ack_now(c); /* RFC 5681 section 4.2: a hole was filled, all or in part */
		tcp_oo_free_if_idle(c);
	}
}

static void keep_out_of_order(struct tcp_conn *c, const struct tcp_in *in, tcp_seq seq, const uint8_t *data, uint32_t len)
{
	struct tcp_oo *oo = tcp_conn_oo(c);
	struct tcp_reasm_mem rm = reasm_mem(c);
	struct tcp_reasm_result res;

	c->rcv_ooopack += in->segs;
	stat_count(c->sk.st, STAT_TCP_OUT_OF_ORDER);
	if (!oo || tcp_reasm_add(&oo->reasm, &rm, in->f, data, len, seq, &res) < 0) {
		stat_drop(c->sk.st, STAT_TCP_DROP_OUT_OF_ORDER_FULL);
		tcp_oo_free_if_idle(c);
		return;
	}
	if (c->sack_ok && seq_lt(res.left, res.right))
		tcp_sack_add(&oo->sack, res.left, res.right);
	if (res.has_dup)
		report_duplicate(c, res.dup_left, res.dup_right);
}

void tcp_on_data(struct tcp_conn *c, struct tcp_in *in)
{
	const uint8_t *data;
	uint32_t len;
	tcp_seq seq, begin = in->flags & TCP_SYN ? seq_add(in->seq, 1) : in->seq;

	if (in->len == 0)
		return;
	c->data_segs_in += in->segs;
	trim(c, in, &seq, &data, &len);
	if (len == 0) {
		if (seq_lt(begin, c->rcv_nxt)) { /* all of it again: our ACK was lost (RFC 9293: acknowledge and drop) */
			report_duplicate(c, begin, seq_min(in->end, c->rcv_nxt));
			stat_count(c->sk.st, STAT_TCP_DUPLICATE_DATA);
			tcp_quickack_enter(c, TCP_QUICKACKS_MAX);
		} else { /* beyond a closed window: a probe */
			stat_drop(c->sk.st, STAT_TCP_DROP_WINDOW);
		}
		tcp_ack_each(c);
		return;
	}
	if (seq_eq(seq, c->rcv_nxt)) {
		if (seq_lt(begin, seq))
			report_duplicate(c, begin, seq);
		tcp_delack_on_data(c, in);
		tcp_buffer_on_data(c, in);
		take_in_order(c, in, seq, data, len);
		tcp_conn_raise(c, SOCK_READABLE);
	} else {
		tcp_delack_on_data(c, in);
		keep_out_of_order(c, in, seq, data, len);
		tcp_ack_each(c); /* RFC 5681 section 4.2: at once, so that the sender learns of the hole */
	}
}

bool tcp_on_fin(struct tcp_conn *c, const struct tcp_in *in)
{
	if (in->flags & TCP_FIN && !c->rcv_fin) {
		tcp_seq fin_seq = seq_sub(in->end, 1);
		struct tcp_oo *oo;

		if (seq_gt(fin_seq, c->rcv_nxt) && seq_le(fin_seq, seq_add(c->rcv_nxt, tcp_receive_window(c)))) {
			oo = tcp_conn_oo(c);
			if (oo) {
				oo->has_fin = true;
				oo->fin_seq = fin_seq;
			}
			tcp_ack_now(c);
			return false;
		}
		if (!seq_eq(fin_seq, c->rcv_nxt))
			return false;
	} else if (!(c->oo && c->oo->has_fin && seq_le(c->oo->fin_seq, c->rcv_nxt) && !c->rcv_fin)) {
		return false;
	}
	c->rcv_fin = true;
	c->rcv_nxt = seq_add(c->rcv_nxt, 1);
	tcp_oo_free(c);
	c->ack_scheduled = true;
	tcp_ack_now(c);
	return true;
}
