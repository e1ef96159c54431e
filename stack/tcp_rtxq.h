/* SPDX-License-Identifier: BSD-2-Clause */
/* tcp_rtxq.h - the retransmission queue (RFC 9293 section 3.8.1): one record for each piece that was sent and is not yet
 * acknowledged, in sequence order, SYN and FIN included. A super-segment is one record that counts as many packets.
 * The payload stays in the send byteq; records only say what was sent when, and what is believed of it.
 * Promises: records touch each other without gap or overlap; packets_out, lost_out and retrans_out are the sums over the records.
 * Costs:    everything here is O(1) or O(records acknowledged); marking all lost is O(records).
 * Never:    decides what is lost (tcp_recovery.c) or sends. */
#ifndef TAPIR_STACK_TCP_RTXQ_H
#define TAPIR_STACK_TCP_RTXQ_H

#include <stdbool.h>
#include <stdint.h>

#include "pool.h"
#include "tcp_seq.h"

enum {
	TCP_SENT_LOST = 1,	  /* believed lost, to be sent again */
	TCP_SENT_RETRANS_OUT = 2, /* sent again since it was last marked lost */
	TCP_SENT_EVER_RETRANS = 4, /* sent more than once: gives no RTT sample (Karn) */
	TCP_SENT_SYN = 8,
	TCP_SENT_FIN = 16,
};

struct tcp_sent {
	struct tcp_sent *next;
	tcp_seq seq;
	uint32_t len;	   /* of sequence space: payload, SYN and FIN */
	uint32_t packets;
	uint8_t flags;
	uint64_t sent_us;  /* last time */
};

struct tcp_rtxq {
	struct tcp_sent *head, *last;
	struct tcp_sent *hint; /* no record before this one waits to be sent again; NULL: look from the head */
	uint32_t packets_out;
	uint32_t lost_out;
	uint32_t retrans_out;
};

/* Record @len of sequence space sent at the end of the queue as segments of @mss payload bytes. Returns 0, or -ENOBUFS. */
int tcp_rtxq_append(struct tcp_rtxq *q, struct pool *pool, tcp_seq seq, uint32_t len, uint32_t mss, uint8_t flags,
		    uint64_t now_us);

struct tcp_rtxq_acked {
	uint32_t packets;	    /* acknowledged */
	uint32_t retrans_packets;   /* of them, sent more than once */
	uint64_t first_sent_us;	    /* of the newest and of the oldest record acknowledged whole and never sent again; 0: none */
	uint64_t last_sent_us;
	uint64_t last_retrans_us;   /* the latest time at which any of it was sent again; 0: none was */
	bool has_syn, has_fin;
};

/* Everything before @una is acknowledged: forget it. A record that is acknowledged in part keeps its rest. */
struct tcp_rtxq_acked tcp_rtxq_ack(struct tcp_rtxq *q, struct pool *pool, tcp_seq una, uint32_t mss);

/* Cut @r so that it holds @len of sequence space (a multiple of @mss) and a new record behind it holds the rest. Returns 0 or -ENOBUFS. */
int tcp_rtxq_split(struct tcp_rtxq *q, struct pool *pool, struct tcp_sent *r, uint32_t len, uint32_t mss);

void tcp_rtxq_mark_lost(struct tcp_rtxq *q, struct tcp_sent *r); /* also when it had been sent again: that is lost too */
void tcp_rtxq_mark_all_lost(struct tcp_rtxq *q);
void tcp_rtxq_unmark_all(struct tcp_rtxq *q);	 /* nothing is believed lost any more */
void tcp_rtxq_on_retransmit(struct tcp_rtxq *q, struct tcp_sent *r, uint64_t now_us);

/* The first record that is marked lost and was not sent again since. NULL: none. */
struct tcp_sent *tcp_rtxq_next_lost(struct tcp_rtxq *q);

void tcp_rtxq_clear(struct tcp_rtxq *q, struct pool *pool);

static inline uint32_t tcp_packets_of(uint32_t len, uint32_t mss)
{
	return len <= mss ? 1 : (len + mss - 1) / mss;
}

#endif
