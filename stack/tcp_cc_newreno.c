/* SPDX-License-Identifier: BSD-2-Clause */
/* Standard congestion control: slow start and congestion avoidance (RFC 5681 section 3.1), known as "reno". Fast recovery is in
 * tcp_recovery.c. */
#include "tcp_cc.h"

/* Equation (4) has FlightSize / 2; the window is only grown while it is in use, so half of cwnd is that (Linux). */
static uint32_t newreno_ssthresh(struct tcp_cc *cc)
{
	uint32_t half = cc->cwnd >> 1;

	return half > 2 ? half : 2;
}

static void newreno_on_ack(struct tcp_cc *cc, const struct tcp_cc_ack *ack)
{
	uint32_t acked = ack->acked;

	if (!ack->is_cwnd_limited)
		return;
	if (tcp_cc_in_slow_start(cc))
		acked = tcp_cc_slow_start(cc, acked);
	if (acked > 0)
		tcp_cc_increase(cc, cc->cwnd, acked);
}

const struct tcp_cc_ops tcp_cc_newreno = {
	.name = "reno",
	.ssthresh = newreno_ssthresh,
	.on_ack = newreno_on_ack,
};
