/* SPDX-License-Identifier: BSD-2-Clause */
#include "tcp_rtt.h"

static uint32_t max_u32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static void set_rto(struct tcp_rtt *r)
{
	uint64_t rto = r->srtt8_us ? (uint64_t)(r->srtt8_us >> 3) + r->var4_us : r->rto_us;

	r->rto_us = rto > TCP_RTO_MAX_US ? TCP_RTO_MAX_US : (uint32_t)rto;
	r->backoff = 0;
}

void tcp_rtt_init(struct tcp_rtt *r, uint32_t rto_min_us)
{
	*r = (struct tcp_rtt){
		.mdev4_us = TCP_RTO_INITIAL_US,
		.rto_us = max_u32(TCP_RTO_INITIAL_US, rto_min_us),
		.rto_min_us = rto_min_us,
		.min_us = UINT32_MAX,
	};
}

/* RFC 6298 section 2.2: SRTT = R, RTTVAR = R/2. */
static void first_sample(struct tcp_rtt *r, uint32_t rtt_us, tcp_seq snd_nxt)
{
	r->srtt8_us = rtt_us << 3;
	r->mdev4_us = rtt_us << 1;
	r->var4_us = max_u32(r->mdev4_us, r->rto_min_us);
	r->mdev4_max_us = r->var4_us;
	r->round_end = snd_nxt;
}

/* Section 2.3 with alpha 1/8 and beta 1/4. When the RTT falls, the deviation that this makes is the path getting better and counts
 * an eighth, lest the timeout jump up (Linux, after Floyd's observation). */
static void next_sample(struct tcp_rtt *r, uint32_t rtt_us)
{
	int64_t error = (int64_t)rtt_us - (r->srtt8_us >> 3);
	int64_t change;

	r->srtt8_us = (uint32_t)(r->srtt8_us + error);
	if (error < 0) {
		change = -error - (r->mdev4_us >> 2);
		if (change > 0)
			change >>= 3;
	} else {
		change = error - (r->mdev4_us >> 2);
	}
	r->mdev4_us = (uint32_t)(r->mdev4_us + change);
	if (r->mdev4_us > r->mdev4_max_us) {
		r->mdev4_max_us = r->mdev4_us;
		r->var4_us = max_u32(r->var4_us, r->mdev4_max_us);
	}
}

void tcp_rtt_on_sample(struct tcp_rtt *r, uint32_t rtt_us, tcp_seq snd_una, tcp_seq snd_nxt)
{
	if (rtt_us == 0)
		rtt_us = 1;
	if (rtt_us > TCP_RTO_MAX_US)
		rtt_us = TCP_RTO_MAX_US;
	if (rtt_us < r->min_us)
		r->min_us = rtt_us;
	if (r->srtt8_us == 0) {
		first_sample(r, rtt_us, snd_nxt);
	} else {
		next_sample(r, rtt_us);
		if (seq_gt(snd_una, r->round_end)) {
			if (r->mdev4_max_us < r->var4_us)
				r->var4_us -= (r->var4_us - r->mdev4_max_us) >> 2;
			r->round_end = snd_nxt;
			r->mdev4_max_us = r->rto_min_us;
		}
	}
	if (r->srtt8_us == 0)
		r->srtt8_us = 1;
	set_rto(r);
}

void tcp_rtt_back_off(struct tcp_rtt *r)
{
	r->rto_us = r->rto_us > TCP_RTO_MAX_US / 2 ? TCP_RTO_MAX_US : r->rto_us * 2;
	if (r->backoff < UINT8_MAX)
		r->backoff++;
}

void tcp_rtt_use_fallback(struct tcp_rtt *r)
{
	r->var4_us = r->mdev4_us = r->mdev4_max_us = TCP_RTO_FALLBACK_US;
	r->rto_us = TCP_RTO_FALLBACK_US;
	r->backoff = 0;
}
