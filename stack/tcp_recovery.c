/* SPDX-License-Identifier: BSD-2-Clause */
/* What is lost and what to do about it: fast retransmit and NewReno's fast recovery (RFC 5681 section 3.2, RFC 6582), limited
 * transmit (RFC 3042), and recovery after a timeout (RFC 5681 section 3.1).
 *
 * The window is not inflated and deflated as RFC 5681 words it. Instead cwnd is what it should be all the time, and duplicate ACKs
 * count packets that have left the network (sacked_out): pipe = packets_out - sacked_out - lost_out + retrans_out, as RFC 6675 and
 * Linux do. Sending while pipe < cwnd comes to the same (a duplicate ACK lets one packet go), gives limited transmit for nothing, and
 * a SACK scoreboard only has to compute sacked_out and lost_out better.
 *
 *	OPEN --dup ACK--> DISORDER --third--> RECOVERY --all of high_seq acknowledged--> OPEN
 *	any  --timeout--> LOSS --all of high_seq acknowledged--> OPEN
 *
 * A peer that reports SACK and receives super-segments sends one duplicate ACK for many packets: then the bytes that its blocks
 * report count, when they are more (RFC 6675's (DupThresh - 1) * SMSS rule). */
#include "tcp_conn.h"

uint32_t tcp_pipe(const struct tcp_conn *c)
{
	uint32_t left = c->sacked_out + c->tx->rtxq.lost_out;

	if (left > c->tx->rtxq.packets_out)
		left = c->tx->rtxq.packets_out;
	return c->tx->rtxq.packets_out - left + c->tx->rtxq.retrans_out;
}

static void set_ca_state(struct tcp_conn *c, enum tcp_ca state)
{
	c->ca_state = (uint8_t)state;
}

/* The first segment is lost: cut it off its super-segment, it goes again at once. */
static void mark_head_lost(struct tcp_conn *c)
{
	struct tcp_sent *head = c->tx->rtxq.head;

	if (!head)
		return;
	if (head->len > c->mss && head->packets > 1 &&
	    tcp_rtxq_split(&c->tx->rtxq, &c->sk.st->tcp.sent, head, c->mss, c->mss) < 0)
		return; /* no memory: the timeout will try again */
	tcp_rtxq_mark_lost(&c->tx->rtxq, head);
	c->force_rtx = true;
}

/* All but the first may have left the network. Duplicated packets and late ones make more duplicate ACKs than that. */
static void set_sacked_out(struct tcp_conn *c, uint32_t packets)
{
	uint32_t most = c->tx->rtxq.packets_out > 0 ? c->tx->rtxq.packets_out - 1 : 0;

	c->sacked_out = tcp_min(packets, most > 0 ? most : 1);
}

static void count_dup(struct tcp_conn *c, const struct tcp_ack_news *news)
{
	uint32_t by_bytes = news->sacked_bytes / tcp_max(c->mss, 1);

	set_sacked_out(c, tcp_max(c->sacked_out + 1, by_bytes));
}

/* RFC 6582 section 3.2 step 1: no second reduction for losses of the same window. Duplicate ACKs that carry SACK blocks are about
 * something new for certain (section 4 offers such a test). */
static bool may_enter_recovery(const struct tcp_conn *c, const struct tcp_ack_news *news)
{
	return !c->recover_valid || seq_gt(c->snd_una, c->high_seq) || news->sacked_bytes > 0;
}

static void enter_recovery(struct tcp_conn *c)
{
	stat_count(c->sk.st, STAT_TCP_FAST_RETRANSMITS);
	c->high_seq = c->snd_nxt;
	c->recover_valid = true;
	c->cc.ssthresh = c->cc.ops->ssthresh(&c->cc);
	c->cc.cwnd = c->cc.ssthresh;
	c->cc.cwnd_count = 0;
	set_ca_state(c, TCP_CA_RECOVERY);
	mark_head_lost(c);
	tcp_timer_arm_rto(c);
}

static void end_recovery(struct tcp_conn *c)
{
	/* RFC 6582 section 3.2 step 3: cwnd = ssthresh, with no more than that in flight there is no burst to fear. */
	if (c->ca_state == TCP_CA_RECOVERY)
		c->cc.cwnd = tcp_max(c->cc.ssthresh, 1);
	c->sacked_out = 0;
	if (c->tx->rtxq.head)
		tcp_rtxq_unmark_all(&c->tx->rtxq);
	set_ca_state(c, TCP_CA_OPEN);
}

/* A partial ACK: the segment after it is lost too (RFC 6582 section 3.2 step 3). What it covers beyond the retransmitted segment
 * had been counted by duplicate ACKs. */
static void on_partial_ack(struct tcp_conn *c, const struct tcp_ack_news *news)
{
	uint32_t uncounted = news->acked.packets > 0 ? news->acked.packets - 1 : 0;

	set_sacked_out(c, c->sacked_out > uncounted ? c->sacked_out - uncounted : 0);
	mark_head_lost(c);
}

void tcp_recovery_on_ack(struct tcp_conn *c, const struct tcp_ack_news *news)
{
	bool advanced = news->acked.packets > 0;

	if (!c->tx->rtxq.head) {
		if (c->ca_state != TCP_CA_OPEN)
			end_recovery(c);
		c->sacked_out = 0;
		return;
	}
	switch ((enum tcp_ca)c->ca_state) {
	case TCP_CA_RECOVERY:
		if (seq_ge(c->snd_una, c->high_seq))
			end_recovery(c);
		else if (advanced)
			on_partial_ack(c, news);
		else if (news->is_dup)
			count_dup(c, news);
		return;
	case TCP_CA_LOSS:
		if (seq_ge(c->snd_una, c->high_seq))
			end_recovery(c);
		return;
	case TCP_CA_OPEN:
	case TCP_CA_DISORDER:
	case TCP_CA_CWR_UNUSED:
		break;
	}
	if (advanced) {
		c->sacked_out = 0;
		set_ca_state(c, TCP_CA_OPEN);
	} else if (news->is_dup) {
		count_dup(c, news);
		set_ca_state(c, TCP_CA_DISORDER);
		if (c->sacked_out >= c->sk.st->tunables.tcp_reordering && may_enter_recovery(c, news))
			enter_recovery(c);
	}
}

/* RFC 5681 section 3.1: ssthresh falls with the first timeout of a segment, cwnd to one segment with each; all that is in flight is
 * taken for lost, and goes again as slow start allows. RFC 6582 section 4: no fast retransmit for what it makes the peer repeat. */
void tcp_recovery_on_rto(struct tcp_conn *c)
{
	if (tcp_state_in(c, TCP_STATE_BIT(TCP_SYN_SENT) | TCP_STATE_BIT(TCP_SYN_RECEIVED)))
		c->syn_retransmitted = true; /* RFC 6298 section 5.7 */
	else if (c->ca_state <= TCP_CA_DISORDER || seq_ge(c->snd_una, c->high_seq) ||
		 (c->ca_state == TCP_CA_LOSS && c->retransmits <= 1))
		c->cc.ssthresh = c->cc.ops->ssthresh(&c->cc);
	if (!c->syn_retransmitted || c->state >= TCP_FIN_WAIT_1 || c->state == TCP_ESTABLISHED)
		c->cc.cwnd = 1;
	c->cc.cwnd_count = 0;
	c->sacked_out = 0;
	c->high_seq = c->snd_nxt;
	c->recover_valid = true;
	set_ca_state(c, TCP_CA_LOSS);
	tcp_rtxq_mark_all_lost(&c->tx->rtxq);
	c->force_rtx = true;
}

/* The path takes only smaller packets (RFC 1191 section 6.5, Linux's "simple retransmit"): what was larger did not arrive. It is not
 * a sign of congestion, so cwnd stays. */
void tcp_recovery_on_smaller_mss(struct tcp_conn *c, uint16_t old_mss)
{
	bool any = false;

	for (struct tcp_sent *r = c->tx->rtxq.head; r; r = r->next) {
		if (tcp_min(r->len, old_mss) <= c->mss)
			continue;
		tcp_rtxq_mark_lost(&c->tx->rtxq, r);
		any = true;
	}
	if (!any)
		return;
	if (c->ca_state <= TCP_CA_DISORDER) {
		c->high_seq = c->snd_nxt;
		c->recover_valid = true;
		set_ca_state(c, TCP_CA_LOSS);
	}
	tcp_want_output(c);
}
