/* SPDX-License-Identifier: BSD-2-Clause */
/* tcp.h - TCP as the rest of the stack sees it: RFC 9293 with 1122, 2018, 2883, 3042, 5681, 5927, 5961, 6191, 6298, 6528, 6582,
 * 6928, 7323. tcp_conn.h is the connection, for TCP's own files; ip.h declares the door for packets (tcp_input, tcp_icmp_error).
 *
 * One idea a file. Pure pieces: tcp_seq.h, tcp_wire, tcp_rtt, tcp_rtxq, tcp_cc*, tcp_reasm, tcp_sack, tcp_isn.
 * A segment's way in: tcp_input (demultiplex), then tcp_listen (SYNs and the handshake of incoming connections), tcp_timewait,
 * tcp_synsent, or tcp_arrive (section 3.10.7.4, a function a step) with tcp_ack, tcp_recovery and tcp_data.
 * The way out: input, timers and the application only mark what a connection wants; tcp_output asks each in turn for its next
 * segment and builds it. tcp_reply answers segments that belong to no connection.
 * Around it: tcp_timer (deadlines), tcp_delack (when to acknowledge), tcp_window and tcp_buffer (what to offer), tcp_mss (path MTU),
 * tcp_life (states, opening, closing), tcp_sock, tcp_opt, tcp_info (the socket's side), tcp_table (look-up), tcp_check. */
#ifndef TAPIR_STACK_TCP_H
#define TAPIR_STACK_TCP_H

#include <stdbool.h>
#include <stdint.h>

#include "hash.h"
#include "list.h"
#include "pool.h"

struct stack;
struct sock;
struct frame_out;
struct tcp_node;

enum { TCP_LISTEN_BUCKETS = 256 };

struct tcp_table {
	struct tcp_node **buckets;   /* connections, handshakes, TIME-WAIT, by their two ends */
	struct tcp_node *last_found; /* NULL: none; always in the table */
	uint32_t bucket_count, count;
	struct list listeners[TCP_LISTEN_BUCKETS]; /* by port */
	struct hash_key lookup_key, isn_key, ts_key;
	struct pool reqs, timewaits, txs, sent, oos, islands, listener_pool;
	struct list want_send;	     /* connections that may have something to send */
	uint32_t orphan_count;
	uint64_t challenge_second;   /* RFC 5961 section 7: challenge ACKs left in this second */
	uint32_t challenge_left;
};

int tcp_table_init(struct stack *st); /* 0 or -ENOBUFS */
void tcp_table_fini(struct stack *st);

/* Build the next segment that is due. False: none. */
bool tcp_output(struct stack *st, struct frame_out *out);

/* For tests, after every step: NULL, or what does not hold of @s, a TCP socket. */
const char *tcp_check_invariants(const struct sock *s);

#endif
