/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection's timers: retransmission (RFC 6298 section 5), zero-window probe (RFC 9293 section 3.8.6.1), delayed ACK,
 * keepalive (section 3.8.4), the end of an orphan's FIN-WAIT-2, and when to give up (section 3.8.3, TCP_USER_TIMEOUT).
 * Deadlines live in the connection; its one struct timer stands at the earliest or before. A deadline that moves away or is stopped
 * leaves the timer where it is: when it fires too early it is only set again. */
#include "tcp_conn.h"

#include <errno.h>

static uint64_t earliest(const struct tcp_conn *c)
{
	uint64_t at_us = UINT64_MAX;

	for (unsigned k = 0; k < TCP_TIMERS; k++)
		if (c->deadline_us[k] && c->deadline_us[k] < at_us)
			at_us = c->deadline_us[k];
	return at_us;
}

void tcp_timer_arm(struct tcp_conn *c, enum tcp_timer_kind kind, uint64_t at_us)
{
	c->deadline_us[kind] = at_us ? at_us : 1;
	if (!timer_is_pending(&c->timer) || c->timer.deadline_us > at_us)
		timer_set(&c->sk.st->wheel, &c->timer, at_us);
}

void tcp_timer_stop(struct tcp_conn *c, enum tcp_timer_kind kind)
{
	c->deadline_us[kind] = 0;
}

void tcp_timer_stop_all(struct tcp_conn *c)
{
	for (unsigned k = 0; k < TCP_TIMERS; k++)
		c->deadline_us[k] = 0;
	timer_cancel(&c->timer);
}

void tcp_timer_arm_rto(struct tcp_conn *c)
{
	if (!c->tx->rtxq.head)
		tcp_timer_stop(c, TCP_TIMER_RETRANS);
	else
		tcp_timer_arm(c, TCP_TIMER_RETRANS, c->sk.st->now_us + c->rtt.rto_us);
}

/* ---- Giving up ---------------------------------------------------------------------------------------------------- */

/* How long @retries timeouts take, each twice the last, from a first one of @base_us. */
static uint64_t retries_us(uint32_t retries, uint64_t base_us)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i <= retries; i++) {
		total += base_us;
		base_us = base_us * 2 > TCP_RTO_MAX_US ? TCP_RTO_MAX_US : base_us * 2;
	}
	return total;
}

/* Whether progress has been missing since retrans_start_us for as long as @retries timeouts take, or TCP_USER_TIMEOUT (RFC 5482).
 * Counting time and not timeouts makes it independent of how large this path's first timeout is (Linux). */
static bool has_timed_out(const struct tcp_conn *c, uint32_t retries)
{
	uint64_t limit_us = c->user_timeout_ms ? c->user_timeout_ms * 1000ull : retries_us(retries, c->rtt.rto_min_us);

	if (c->retransmits == 0 || c->retrans_start_us == 0)
		return false;
	return c->sk.st->now_us - c->retrans_start_us >= limit_us;
}

static uint32_t orphan_retries(const struct tcp_conn *c)
{
	uint32_t retries = c->sk.st->tunables.tcp_orphan_retries;

	if (c->soft_error) /* the network says that it cannot be reached */
		return 0;
	return retries ? retries : 8; /* RFC 1122 section 4.2.3.5: R2 at least 100 s */
}

/* An orphan goes at once when there are too many of them. */
static bool orphan_must_go(struct tcp_conn *c)
{
	if (!c->sk.is_orphan || c->sk.st->tcp.orphan_count <= c->sk.st->tunables.tcp_max_orphans)
		return false;
	stat_count(c->sk.st, STAT_TCP_ABORT_ON_MEMORY);
	tcp_conn_send_rst(c);
	tcp_conn_fail(c, 0, "orphans");
	return true;
}

/* Returns true when the connection is gone. */
static bool gave_up(struct tcp_conn *c)
{
	const struct tunables *t = &c->sk.st->tunables;
	bool over;

	if (c->state == TCP_SYN_SENT) {
		over = c->user_timeout_ms ? has_timed_out(c, 0)
					  : c->retransmits >= (c->syn_retries ? c->syn_retries : t->tcp_syn_retries);
	} else if (c->state == TCP_SYN_RECEIVED) {
		over = c->retransmits >= (c->syn_retries ? c->syn_retries : t->tcp_synack_retries);
	} else if (c->sk.is_orphan) {
		if (orphan_must_go(c))
			return true;
		over = has_timed_out(c, orphan_retries(c));
	} else {
		over = has_timed_out(c, t->tcp_retries2);
	}
	if (over) {
		stat_count(c->sk.st, STAT_TCP_ABORT_ON_TIMEOUT);
		tcp_conn_fail_timeout(c, "retries");
	}
	return over;
}

/* ---- What each timer does ----------------------------------------------------------------------------------------- */

static void on_retransmit(struct tcp_conn *c)
{
	uint64_t now_us = c->sk.st->now_us;

	if (gave_up(c))
		return;
	/* RFC 1122 section 4.2.3.5: after R1 tell IP that the path may be dead. */
	if (c->retransmits == c->sk.st->tunables.tcp_retries1)
		c->sk.dst.generation--;
	if (c->retransmits == 0)
		c->retrans_start_us = c->tx->rtxq.head->sent_us;
	stat_count(c->sk.st, STAT_TCP_RTO);
	if (c->retransmits < UINT8_MAX)
		c->retransmits++;
	tcp_recovery_on_rto(c);
	tcp_rtt_back_off(&c->rtt);
	tcp_timer_arm(c, TCP_TIMER_RETRANS, now_us + c->rtt.rto_us);
	tcp_want_output(c);
}

void tcp_timer_arm_probe(struct tcp_conn *c)
{
	uint64_t base_us = tcp_max(c->rtt.rto_us, c->rtt.rto_min_us);
	uint64_t wait_us = base_us << tcp_min(c->probe_backoff, 20);

	if (wait_us > TCP_RTO_MAX_US)
		wait_us = TCP_RTO_MAX_US;
	tcp_timer_arm(c, TCP_TIMER_RETRANS, c->sk.st->now_us + wait_us);
}

/* RFC 9293 section 3.8.6.1: probe a zero window at growing intervals (an answer that leaves it closed does not shorten them), for as
 * long as it is answered (MUST-37). The same timer
 * overrides Nagle and silly-window avoidance (section 3.8.6.2.1). */
static void on_probe(struct tcp_conn *c)
{
	const struct tunables *t = &c->sk.st->tunables;
	uint32_t most = c->sk.is_orphan ? orphan_retries(c) : t->tcp_retries2;

	tcp_send_space_check(c); /* the application may wait for memory */
	if (tcp_unsent(c) == 0 && (!c->fin_queued || c->fin_sent))
		return;
	if (c->probes == 0)
		c->retrans_start_us = c->sk.st->now_us;
	if (orphan_must_go(c))
		return;
	if (c->probes >= most ||
	    (c->user_timeout_ms && c->probes > 0 && c->sk.st->now_us - c->retrans_start_us >= c->user_timeout_ms * 1000ull)) {
		stat_count(c->sk.st, STAT_TCP_ABORT_ON_TIMEOUT);
		tcp_conn_fail_timeout(c, "probes");
		return;
	}
	if (seq_lt(c->snd_nxt, seq_add(c->snd_una, c->snd_wnd))) {
		c->force_data = true;
	} else {
		c->probe_wanted = true;
		stat_count(c->sk.st, STAT_TCP_WINDOW_PROBES);
	}
	c->probes++;
	if (c->probe_backoff < UINT8_MAX)
		c->probe_backoff++;
	tcp_timer_arm_probe(c);
	tcp_want_output(c);
}

static uint64_t keepidle_us(const struct tcp_conn *c)
{
	return 1000000ull * (c->keepidle_s ? c->keepidle_s : c->sk.st->tunables.tcp_keepalive_time);
}

static uint64_t keepintvl_us(const struct tcp_conn *c)
{
	return 1000000ull * (c->keepintvl_s ? c->keepintvl_s : c->sk.st->tunables.tcp_keepalive_intvl);
}

void tcp_timer_reset_keepalive(struct tcp_conn *c)
{
	const uint32_t synchronized = TCP_STATE_BIT(TCP_ESTABLISHED) | TCP_STATE_BIT(TCP_CLOSE_WAIT) | TCP_STATE_BIT(TCP_FIN_WAIT_1) |
				      TCP_STATE_BIT(TCP_FIN_WAIT_2) | TCP_STATE_BIT(TCP_CLOSING) | TCP_STATE_BIT(TCP_LAST_ACK);

	if (c->sk.is_orphan)
		return;
	if (c->sk.opt.keepalive && tcp_state_in(c, synchronized))
		tcp_timer_arm(c, TCP_TIMER_KEEP, c->sk.st->now_us + keepidle_us(c));
	else
		tcp_timer_stop(c, TCP_TIMER_KEEP);
}

/* RFC 9293 section 3.8.4: only when asked for, only when nothing else is under way, and one lost probe proves nothing. */
static void on_keepalive(struct tcp_conn *c)
{
	uint64_t now_us = c->sk.st->now_us, idle_us;
	uint32_t count = c->keepcnt ? c->keepcnt : c->sk.st->tunables.tcp_keepalive_probes;

	if (c->sk.is_orphan) { /* RFC 1122 section 4.2.2.13: FIN-WAIT-2 does not last for ever */
		if (c->state == TCP_FIN_WAIT_2)
			tcp_conn_done(c, "fin_timeout");
		return;
	}
	if (!c->sk.opt.keepalive)
		return;
	idle_us = (tcp_now_ms(c->sk.st) - c->last_ack_recv_ms) * 1000ull;
	if (c->tx->rtxq.head || tcp_unsent(c) > 0 || idle_us < keepidle_us(c)) {
		uint64_t wait_us = c->tx->rtxq.head || tcp_unsent(c) > 0 || idle_us >= keepidle_us(c) ? keepidle_us(c)
												 : keepidle_us(c) - idle_us;

		tcp_timer_arm(c, TCP_TIMER_KEEP, now_us + wait_us);
		return;
	}
	if ((c->user_timeout_ms && c->probes > 0 && idle_us >= c->user_timeout_ms * 1000ull) ||
	    (!c->user_timeout_ms && c->probes >= count)) {
		stat_count(c->sk.st, STAT_TCP_ABORT_ON_TIMEOUT);
		tcp_conn_send_rst(c);
		tcp_conn_fail_timeout(c, "keepalive");
		return;
	}
	c->probes++;
	c->probe_wanted = true;
	stat_count(c->sk.st, STAT_TCP_KEEPALIVES);
	tcp_timer_arm(c, TCP_TIMER_KEEP, now_us + keepintvl_us(c));
	tcp_want_output(c);
}

/* Each may free the connection: the others are looked at in the next call, which the re-armed timer brings. */
static void on_timer(struct timer *t, uint64_t now_us)
{
	struct tcp_conn *c = container_of(t, struct tcp_conn, timer);
	uint64_t due[TCP_TIMERS];
	uint64_t next_us;

	memcpy(due, c->deadline_us, sizeof(due));
	for (unsigned k = 0; k < TCP_TIMERS; k++)
		if (due[k] && due[k] <= now_us)
			c->deadline_us[k] = 0;
	next_us = earliest(c);
	if (next_us != UINT64_MAX)
		timer_set(&c->sk.st->wheel, &c->timer, next_us);
	if (due[TCP_TIMER_DELACK] && due[TCP_TIMER_DELACK] <= now_us)
		tcp_delack_on_timer(c);
	if (due[TCP_TIMER_RETRANS] && due[TCP_TIMER_RETRANS] <= now_us) {
		if (due[TCP_TIMER_KEEP] && due[TCP_TIMER_KEEP] <= now_us)
			tcp_timer_arm(c, TCP_TIMER_KEEP, now_us);
		if (c->tx->rtxq.head)
			on_retransmit(c);
		else
			on_probe(c);
		return;
	}
	if (due[TCP_TIMER_KEEP] && due[TCP_TIMER_KEEP] <= now_us)
		on_keepalive(c);
}

void tcp_timer_init(struct tcp_conn *c)
{
	timer_init(&c->timer, on_timer);
}
