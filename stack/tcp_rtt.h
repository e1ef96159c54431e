/* SPDX-License-Identifier: BSD-2-Clause */
/* tcp_rtt.h - round-trip estimate and retransmission timeout (RFC 6298), with Linux's variance.
 * Promises: after any call, rto_us is within [rto_min, TCP_RTO_MAX_US], back-off included.
 * Needs:    samples that obey Karn's algorithm (section 3) or come from timestamps (RFC 7323 section 4).
 * Deviates: as Linux, the minimum bounds the variance term and not the sum (RTO = SRTT + max(4 * RTTVAR, rto_min)), so that a
 *           steady path still leaves room for a delayed ACK; and the variance term rises at once but falls only once a round trip.
 *           The RFC's 1 s minimum (section 2.4, a SHOULD) is 200 ms here.
 * Never:    allocates, reads a clock, or knows about connections. */
#ifndef TAPIR_STACK_TCP_RTT_H
#define TAPIR_STACK_TCP_RTT_H

#include <stdint.h>

#include "tcp_seq.h"

enum {
	TCP_RTO_INITIAL_US = 1000000,  /* RFC 6298 section 2.1 */
	TCP_RTO_FALLBACK_US = 3000000, /* section 5.7: the handshake gave no sample */
	TCP_RTO_MIN_US = 200000,
	TCP_RTO_MAX_US = 120000000,
};

struct tcp_rtt {
	uint32_t srtt8_us;   /* smoothed RTT, times 8; 0 until the first sample */
	uint32_t mdev4_us;   /* mean deviation (RFC 6298's RTTVAR), times 4 */
	uint32_t mdev4_max_us; /* its maximum in the current round trip */
	uint32_t var4_us;    /* the variance term of the timeout: its maximum over round trips, decaying */
	tcp_seq round_end;   /* the round trip ends when this is acknowledged */
	uint32_t rto_us;     /* current timeout, back-off included */
	uint32_t rto_min_us;
	uint32_t min_us;     /* smallest sample; UINT32_MAX until the first */
	uint8_t backoff;     /* doublings in rto_us */
};

void tcp_rtt_init(struct tcp_rtt *r, uint32_t rto_min_us);

/** tcp_rtt_on_sample - fold one RTT measurement into the estimate (RFC 6298 sections 2.2, 2.3); only that ends the back-off.
 * @rtt_us: measured round trip in microseconds; 0 counts as 1.
 * @snd_una, @snd_nxt: to tell when a round trip is over. */
void tcp_rtt_on_sample(struct tcp_rtt *r, uint32_t rtt_us, tcp_seq snd_una, tcp_seq snd_nxt);

void tcp_rtt_back_off(struct tcp_rtt *r);	/* section 5.5: double the timeout, up to TCP_RTO_MAX_US */

/* The handshake was retransmitted and gave no sample (section 5.7). */
void tcp_rtt_use_fallback(struct tcp_rtt *r);

static inline uint32_t tcp_rtt_srtt_us(const struct tcp_rtt *r)
{
	return r->srtt8_us >> 3;
}

#endif
