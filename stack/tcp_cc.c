/* SPDX-License-Identifier: BSD-2-Clause */
#include "tcp_cc.h"

#include <stddef.h>
#include <string.h>

static const struct tcp_cc_ops *const all[] = { &tcp_cc_newreno };

const struct tcp_cc_ops *tcp_cc_find(const char *name)
{
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	return NULL;
}

void tcp_cc_init(struct tcp_cc *cc, const struct tcp_cc_ops *ops)
{
	*cc = (struct tcp_cc){ .cwnd = TCP_INIT_CWND, .ssthresh = TCP_SSTHRESH_INFINITE };
	tcp_cc_change(cc, ops);
}

void tcp_cc_change(struct tcp_cc *cc, const struct tcp_cc_ops *ops)
{
	cc->ops = ops;
	cc->cwnd_count = 0;
	if (ops->init)
		ops->init(cc);
}

/* RFC 5681 section 3.1 equation (2), by packets acknowledged and not by ACKs (RFC 3465), so that stretched ACKs do not slow it. */
uint32_t tcp_cc_slow_start(struct tcp_cc *cc, uint32_t acked)
{
	uint32_t room = cc->ssthresh - cc->cwnd;
	uint32_t use = acked < room ? acked : room;

	cc->cwnd += use;
	return acked - use;
}

void tcp_cc_increase(struct tcp_cc *cc, uint32_t per_packets, uint32_t acked)
{
	cc->cwnd_count += acked;
	if (cc->cwnd_count >= per_packets) {
		uint32_t steps = cc->cwnd_count / per_packets;

		cc->cwnd_count -= steps * per_packets;
		cc->cwnd += steps;
	}
}

void tcp_cc_after_idle(struct tcp_cc *cc, uint64_t idle_us, uint32_t rto_us)
{
	uint32_t restart = cc->cwnd < TCP_INIT_CWND ? cc->cwnd : TCP_INIT_CWND;

	if (idle_us <= rto_us)
		return;
	if (cc->ssthresh < cc->cwnd - (cc->cwnd >> 2)) /* remember three quarters of where we were */
		cc->ssthresh = cc->cwnd - (cc->cwnd >> 2);
	for (; idle_us > rto_us && cc->cwnd > restart; idle_us -= rto_us)
		cc->cwnd >>= 1;
	if (cc->cwnd < restart)
		cc->cwnd = restart;
	cc->cwnd_count = 0;
}
