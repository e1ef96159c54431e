/* SPDX-License-Identifier: BSD-2-Clause */
/* tcp_cc.h - the seam between TCP and a congestion control algorithm.
 * cwnd and ssthresh count packets of one MSS, as Linux and its TCP_INFO do. What is in flight, what is lost and when recovery
 * begins and ends is TCP's business (tcp_recovery.c); the algorithm says how far to fall and how fast to rise.
 * Never: an algorithm sees a connection, allocates, or reads a clock. */
#ifndef TAPIR_STACK_TCP_CC_H
#define TAPIR_STACK_TCP_CC_H

#include <stdbool.h>
#include <stdint.h>

enum {
	TCP_INIT_CWND = 10, /* RFC 6928 */
	TCP_SSTHRESH_INFINITE = 0x7fffffff,
	TCP_CC_NAME_MAX = 16,
};

struct tcp_cc_ops;

struct tcp_cc {
	const struct tcp_cc_ops *ops;
	uint32_t cwnd;
	uint32_t ssthresh;
	uint32_t cwnd_count;  /* packets acknowledged towards the next increase in congestion avoidance */
};

/* An acknowledgment of new data. */
struct tcp_cc_ack {
	uint32_t acked;	      /* packets */
	uint32_t in_flight;   /* packets, before it */
	bool is_cwnd_limited; /* the window was in use: only then may it grow (RFC 7661, RFC 2861) */
	uint32_t rtt_us;      /* 0: no sample */
	uint64_t now_us;
};

struct tcp_cc_ops {
	char name[TCP_CC_NAME_MAX];
	void (*init)(struct tcp_cc *cc);
	uint32_t (*ssthresh)(struct tcp_cc *cc); /* after a loss, for RFC 5681 equation (4) */
	void (*on_ack)(struct tcp_cc *cc, const struct tcp_cc_ack *ack); /* outside of recovery */
};

extern const struct tcp_cc_ops tcp_cc_newreno;

/* By name; NULL: unknown. */
const struct tcp_cc_ops *tcp_cc_find(const char *name);

void tcp_cc_init(struct tcp_cc *cc, const struct tcp_cc_ops *ops);
void tcp_cc_change(struct tcp_cc *cc, const struct tcp_cc_ops *ops); /* keeps cwnd and ssthresh */

static inline bool tcp_cc_in_slow_start(const struct tcp_cc *cc)
{
	return cc->cwnd < cc->ssthresh;
}

/* What every algorithm builds on. slow_start returns the acknowledged packets that it did not use. */
uint32_t tcp_cc_slow_start(struct tcp_cc *cc, uint32_t acked);
void tcp_cc_increase(struct tcp_cc *cc, uint32_t per_packets, uint32_t acked); /* one packet for each @per_packets */

/* Nothing was sent for @idle_us: restart from the initial window, halving once a timeout (RFC 5681 section 4.1, RFC 2861). */
void tcp_cc_after_idle(struct tcp_cc *cc, uint64_t idle_us, uint32_t rto_us);

#endif
