/* SPDX-License-Identifier: BSD-2-Clause */
/* tcp_conn.h - a TCP connection, and what TCP's files offer each other. Included by stack/tcp*.c only.
 * Names are those of RFC 9293 section 3.3.1. Sequence space on the two sides:
 *
 *	     snd_una          snd_nxt          snd_una + snd_wnd                 rcv_nxt         rcv_wup + rcv_wnd
 *	--------|----------------|----------------|--------      --------|----------|----------------|--------
 *	 acked  | in flight      | may be sent    |              in rcvq | (reasm)  | may arrive     |
 *
 * The send byteq begins at snd_una (at iss + 1 while our SYN is not acknowledged). */
#ifndef TAPIR_STACK_TCP_CONN_H
#define TAPIR_STACK_TCP_CONN_H

#include "core.h"
#include "tcp_cc.h"
#include "tcp_reasm.h"
#include "tcp_rtt.h"
#include "tcp_rtxq.h"
#include "tcp_sack.h"
#include "tcp_seq.h"
#include "tcp_wire.h"

/* RFC 9293 section 3.3.2, with Linux's numbers (tcpi_state).
 *   CLOSED       no connection: fresh, or over. May bind, connect, listen (fresh only).
 *   LISTEN       has a struct tcp_listener; leaves by close or shutdown.
 *   SYN_SENT     our SYN is out; to ESTABLISHED by SYN-ACK, SYN_RECEIVED by SYN, CLOSED by RST or time.
 *   SYN_RECEIVED only after simultaneous open: other handshakes are a struct tcp_req until their third segment.
 *   ESTABLISHED .. CLOSING  as the RFC draws them.
 *   TIME_WAIT    never a struct tcp_conn: a struct tcp_timewait takes its place, and the connection is CLOSED. */
enum tcp_state {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT,
	TCP_SYN_RECEIVED,
	TCP_FIN_WAIT_1,
	TCP_FIN_WAIT_2,
	TCP_TIME_WAIT,
	TCP_CLOSED,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_LISTEN,
	TCP_CLOSING,
};

#define TCP_STATE_BIT(s) (1u << (s))

enum {
	TCP_DELACK_MIN_US = 40000,   /* Linux; RFC 9293 MUST-40: below 500 ms */
	TCP_DELACK_MAX_US = 200000,
	TCP_QUICKACKS_MAX = 16,
	TCP_TIMEWAIT_US = 60000000,  /* 2 MSL with Linux's MSL of 30 s */
	TCP_GSO_BYTES_MAX = 61440,   /* of a super-segment's payload: well below 64 KiB */
	TCP_MIN_MSS = 88,	     /* never believe less of the peer's MSS option or a path MTU */
	TCP_WINDOW_MAX_UNSCALED = 65535,
	TCP_DUP_THRESH = 3,	     /* RFC 5681 */
	TCP_PAWS_VALID_S = 60 * 60 * 24 * 24, /* RFC 7323 section 5.5 */
};

/* ---- The table by two ends (tcp_table.c) ---- */

enum tcp_node_kind { TCP_NODE_CONN, TCP_NODE_REQ, TCP_NODE_TIMEWAIT };

struct tcp_node {
	struct tcp_node *next;
	uint32_t hash;
	uint8_t kind;	/* enum tcp_node_kind */
	bool is_linked;
};

struct tcp_key {
	struct ip_endpoint local, remote; /* scope_id: only with link-local IPv6 */
};

struct tcp_key tcp_key_of(const struct tcp_node *n);
struct tcp_node *tcp_table_find(struct stack *st, const struct tcp_key *key);
void tcp_table_add(struct stack *st, struct tcp_node *n);
void tcp_table_remove(struct stack *st, struct tcp_node *n);
struct tcp_conn *tcp_table_find_listener(struct stack *st, const struct tcp_key *key, uint32_t ifindex);

/* ---- Timers (tcp_timer.c): one struct timer a connection, moved only when an earlier deadline appears ---- */

enum tcp_timer_kind {
	TCP_TIMER_RETRANS, /* retransmission, or zero-window probe when nothing is in flight */
	TCP_TIMER_DELACK,
	TCP_TIMER_KEEP,	   /* keepalive; FIN-WAIT-2 of an orphan */
	TCP_TIMERS
};

/* What arrived out of order: made when the first such segment comes, gone when all is in order. */
struct tcp_oo {
	struct tcp_reasm reasm;
	struct tcp_sack_gen sack;
	tcp_seq fin_seq; /* a FIN arrived beyond rcv_nxt: its sequence number */
	bool has_fin;
};

/* What waits to be sent, or acknowledged: an idle connection, of which there are many, does without. */
struct tcp_tx {
	struct byteq sndq;
	struct byteq_cursor cursor; /* in sndq, where the last segment ended */
	struct tcp_rtxq rtxq;
	tcp_seq snd_up;	  /* RFC 9293 section 3.8.5: behind the last urgent byte, as Linux and nearly all send it (RFC 6093 section 3) */
	bool has_snd_up;  /* that byte is not acknowledged yet: "urgent mode" */
	bool is_snd_up_told; /* to a peer whose window is closed, in this round of probes */
};

enum tcp_ca { TCP_CA_OPEN, TCP_CA_DISORDER, TCP_CA_CWR_UNUSED, TCP_CA_RECOVERY, TCP_CA_LOSS }; /* Linux's numbers */

struct tcp_conn {
	struct sock sk; /* first */
	struct tcp_node node;
	struct list send_link; /* on st->tcp.want_send */
	struct timer timer;
	uint64_t deadline_us[TCP_TIMERS]; /* 0: not set */

	union {
		struct tcp_listener *listener; /* LISTEN */
		struct tcp_conn *accept_next;  /* waiting to be accepted */
	};
	struct tcp_tx *tx; /* never NULL: while there is nothing to send, one that is empty and shared */
	struct tcp_oo *oo; /* NULL: nothing is out of order */

	uint8_t state;	  /* enum tcp_state */
	uint8_t ca_state; /* enum tcp_ca */
	uint8_t snd_wscale, rcv_wscale;
	uint8_t retransmits; /* timeouts in a row without progress */
	uint8_t probes;	     /* zero-window or keepalive probes without answer */
	uint8_t probe_backoff; /* how often the zero-window probe's interval has been doubled */
	uint8_t quickacks;   /* ACKs still to be sent at once */
	uint8_t acks_owed;   /* pure ACKs to be sent now, one for each segment that asks for one of its own */

	bool ts_ok : 1, sack_ok : 1, wscale_ok : 1;
	bool syn_wanted : 1;	  /* our SYN or SYN-ACK is to be sent */
	bool fin_queued : 1;	  /* the application is done sending */
	bool fin_sent : 1;	  /* and the FIN is part of snd_nxt */
	bool rcv_fin : 1;	  /* the peer's FIN was taken: rcv_nxt is past it */
	bool probe_wanted : 1;	  /* a zero-window or keepalive probe is to be sent */
	bool force_data : 1;	  /* the next segment ignores Nagle and silly-window avoidance: the override timer ran */
	bool force_rtx : 1;	  /* the next retransmission ignores cwnd: the first of a recovery */
	bool ack_scheduled : 1;	  /* something arrived that an ACK has not yet told */
	bool ack_pushed : 1, ack_pushed2 : 1; /* small segments with PSH arrived since the last ACK */
	bool pingpong : 1;	  /* interactive: answers carry our ACKs */
	bool nodelay : 1, cork : 1, more : 1;
	bool full : 1;		  /* the application found the send queue full */
	bool is_cwnd_limited : 1;
	bool connecting : 1;	  /* connect() has yet to tell its result */
	bool recover_valid : 1;	  /* high_seq means something */
	bool in_accept_queue : 1;
	bool syn_retransmitted : 1;
	bool has_rcv_up : 1;	  /* the byte at rcv_up, not yet taken from rcvq, is urgent */

	/* Sending. */
	tcp_seq iss, snd_una, snd_nxt, snd_wl1;
	tcp_seq snd_sml;     /* end of the last small segment sent (Minshall's variant of Nagle) */
	tcp_seq high_seq;    /* RFC 6582 recover, plus 1 */
	tcp_seq cwnd_usage_seq;
	uint32_t snd_wnd, max_snd_wnd;
	uint32_t max_packets_out;
	uint32_t sacked_out; /* packets that the peer's duplicate ACKs or SACK blocks say have left the network */
	uint16_t mss_clamp;  /* the peer's MSS option */
	uint16_t mss;	     /* payload of a full segment now, options deducted */
	uint16_t advmss;     /* our MSS option */
	uint16_t user_mss;   /* TCP_MAXSEG; 0: none */
	struct tcp_rtt rtt;
	uint32_t rcv_tsecr_last; /* the last timestamp echoed that a receive round trip was taken from */
	struct tcp_cc cc;
	uint64_t retrans_start_us; /* of the first retransmission (or probe) without progress; 0: none */

	/* Receiving. */
	tcp_seq irs, rcv_nxt;
	tcp_seq rcv_wup; /* rcv_nxt at the last ACK sent */
	tcp_seq rcv_up;	 /* the urgent byte itself */
	uint32_t rcv_wnd; /* offered at rcv_wup */
	uint32_t rcv_ssthresh, window_clamp;
	struct byteq rcvq;
	uint16_t rcv_mss;
	uint16_t soft_error; /* from ICMP: told if the connection dies of it */
	uint32_t ts_recent, ts_recent_s, ts_offset;
	uint32_t ato_us;
	uint32_t last_data_recv_ms, last_ack_recv_ms, last_data_sent_ms, last_ack_sent_ms, last_challenge_ms;

	/* Receive buffer tuning (tcp_buffer.c). */
	uint32_t rcvq_time_us, rcv_rtt_time_us; /* modulo 2^32: for differences only */
	tcp_seq rcvq_seq, rcv_rtt_seq;
	uint32_t rcvq_space, rcv_rtt_us;

	/* Options. */
	uint32_t user_timeout_ms, notsent_lowat;
	uint16_t keepidle_s, keepintvl_s;
	int16_t linger2_s; /* 0: the tunable; < 0: none */
	uint8_t keepcnt, syn_retries, defer_accept_retrans;

	uint8_t chrono; /* which of chrono_ms runs, plus 1; 0: none */

	/* For TCP_INFO. */
	uint64_t bytes_acked, bytes_received, bytes_retrans;
	uint32_t segs_in, segs_out, data_segs_in, data_segs_out;
	uint32_t delivered, total_retrans, dsack_dups, rcv_ooopack;
	uint32_t chrono_ms[3]; /* time spent busy, limited by the peer's window, by our send buffer */
	uint32_t chrono_start_ms;
};

static inline struct tcp_conn *tcp_conn_of(struct sock *s)
{
	return container_of(s, struct tcp_conn, sk);
}

static inline const struct tcp_conn *tcp_conn_of_const(const struct sock *s)
{
	return (const struct tcp_conn *)(const void *)s;
}

static inline struct tcp_conn *tcp_conn_of_node(struct tcp_node *n)
{
	return container_of(n, struct tcp_conn, node);
}

static inline bool tcp_state_in(const struct tcp_conn *c, uint32_t bits)
{
	return TCP_STATE_BIT(c->state) & bits;
}

/* Milliseconds, modulo 2^32: for differences only. */
static inline uint32_t tcp_now_ms(const struct stack *st)
{
	return (uint32_t)(st->now_us / 1000);
}

static inline uint32_t tcp_min(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static inline uint32_t tcp_max(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* An arrived segment. */
struct tcp_in {
	const struct ip_rx *rx;
	struct frame *f;
	const struct tcp_hdr *h;
	tcp_seq seq, ack, end; /* end: past payload, SYN and FIN */
	const uint8_t *data;
	uint32_t len;	       /* of the payload */
	uint32_t wnd;	       /* scaled */
	uint16_t mss;	       /* payload of each segment of a super-segment; len for a single one */
	uint16_t segs;	       /* how many segments arrived in this one */
	uint8_t flags;
};

/* ---- tcp_life.c ---- */
void tcp_set_state(struct tcp_conn *c, enum tcp_state state, const char *why);
const char *tcp_state_ss_name(enum tcp_state state); /* as ss(8) writes it */
void tcp_conn_init(struct tcp_conn *c);		     /* the TCP part of a fresh socket */
void tcp_conn_destroy(struct tcp_conn *c);	     /* frees it */
void tcp_conn_raise(struct tcp_conn *c, uint32_t events); /* sock_raise(), but for one that waits to be accepted */
void tcp_conn_established(struct tcp_conn *c);	     /* the handshake is done: buffers, congestion window, keepalive */
void tcp_conn_done(struct tcp_conn *c, const char *why); /* over, without error; frees an orphan: @c may be gone */
void tcp_conn_fail(struct tcp_conn *c, int error, const char *why); /* over with an error (0: none); frees an orphan */
void tcp_conn_fail_timeout(struct tcp_conn *c, const char *why); /* ETIMEDOUT, or the soft error that explains it */
void tcp_conn_close(struct tcp_conn *c, bool abort);
int tcp_conn_connect(struct tcp_conn *c, const struct ip_endpoint *remote);
int tcp_conn_shutdown(struct tcp_conn *c, int how);
void tcp_conn_peer_closed(struct tcp_conn *c);	     /* the peer's FIN was taken: move, and tell */

/* ---- tcp_timer.c ---- */
void tcp_timer_init(struct tcp_conn *c);
void tcp_timer_arm(struct tcp_conn *c, enum tcp_timer_kind kind, uint64_t at_us);
void tcp_timer_stop(struct tcp_conn *c, enum tcp_timer_kind kind);
void tcp_timer_stop_all(struct tcp_conn *c);
void tcp_timer_arm_rto(struct tcp_conn *c);	/* (re)start it: RFC 6298 sections 5.1, 5.3 */
void tcp_timer_arm_probe(struct tcp_conn *c);
void tcp_timer_reset_keepalive(struct tcp_conn *c);

/* ---- tcp_tx.c ---- */
void tcp_tx_init(struct tcp_conn *c);
bool tcp_tx_get(struct tcp_conn *c);	/* to be called before anything is put into c->tx; false: no memory */
void tcp_tx_put_if_idle(struct tcp_conn *c);
void tcp_tx_clear(struct tcp_conn *c);	/* throw away what is there */

/* ---- Input ---- */
void tcp_synsent_input(struct tcp_conn *c, struct tcp_in *in);	/* tcp_synsent.c */
void tcp_conn_input(struct tcp_conn *c, struct tcp_in *in);	/* tcp_arrive.c; @c may be gone afterwards */
void tcp_store_ts_recent(struct tcp_conn *c, const struct tcp_in *in);
bool tcp_on_ack(struct tcp_conn *c, const struct tcp_in *in);	/* tcp_ack.c: step 5; false: drop the segment */
void tcp_update_snd_wnd(struct tcp_conn *c, const struct tcp_in *in, uint32_t wnd);
void tcp_on_data(struct tcp_conn *c, struct tcp_in *in);	/* tcp_data.c: step 7 */
bool tcp_on_fin(struct tcp_conn *c, const struct tcp_in *in);	/* step 8: whether the FIN was taken now */
struct tcp_oo *tcp_conn_oo(struct tcp_conn *c);			/* made when there is none; NULL: no memory */
void tcp_oo_free(struct tcp_conn *c);
void tcp_oo_free_if_idle(struct tcp_conn *c); /* when everything is in order and reported */

/* ---- tcp_urgent.c: RFC 9293 section 3.8.5 ---- */
void tcp_urgent_mark_sent(struct tcp_conn *c);	/* the last byte of the send queue is urgent */
void tcp_urgent_on_ack(struct tcp_conn *c);
void tcp_urgent_fill_hdr(const struct tcp_conn *c, struct tcp_hdr *h); /* of a segment that is being sent: URG and the pointer */
void tcp_urgent_on_segment(struct tcp_conn *c, const struct tcp_in *in); /* section 3.10.7.4 step 6 */
size_t tcp_urgent_offset(const struct tcp_conn *c); /* bytes of rcvq before the urgent one; SIZE_MAX: there is none */
void tcp_urgent_on_read(struct tcp_conn *c);	/* bytes were taken from rcvq */

/* ---- tcp_recovery.c ---- */
struct tcp_ack_news {
	struct tcp_rtxq_acked acked;
	bool is_dup;	       /* RFC 5681 section 2's duplicate ACK */
	uint32_t sacked_bytes; /* above snd_una, in this ACK's SACK blocks */
};
void tcp_recovery_on_ack(struct tcp_conn *c, const struct tcp_ack_news *news);
void tcp_recovery_on_rto(struct tcp_conn *c);
void tcp_recovery_on_smaller_mss(struct tcp_conn *c, uint16_t old_mss);
uint32_t tcp_pipe(const struct tcp_conn *c); /* packets believed in flight (RFC 6675) */

/* ---- tcp_delack.c ---- */
void tcp_delack_on_data(struct tcp_conn *c, const struct tcp_in *in); /* measures; an ACK becomes due */
void tcp_delack_decide(struct tcp_conn *c);	/* after the segment was processed: now, or later */
void tcp_delack_on_ack_sent(struct tcp_conn *c);
void tcp_delack_on_data_sent(struct tcp_conn *c);
void tcp_delack_on_read(struct tcp_conn *c, size_t taken); /* the application took bytes: window update? */
void tcp_delack_on_timer(struct tcp_conn *c);
void tcp_ack_now(struct tcp_conn *c);
void tcp_ack_each(struct tcp_conn *c);		/* an ACK for this very segment, even if others are due too (dupacks) */
void tcp_quickack_enter(struct tcp_conn *c, unsigned count);
void tcp_challenge_ack(struct tcp_conn *c);	/* RFC 5961, rate-limited */
bool tcp_oow_is_limited(struct stack *st, uint32_t *last_ms, const struct tcp_in *in); /* an ACK for it now would be too many */
bool tcp_challenge_allowed(struct stack *st);

/* ---- tcp_window.c, tcp_buffer.c, tcp_mss.c ---- */
struct tcp_initial_window {
	uint32_t rcv_wnd, window_clamp;
	uint8_t wscale;
};
struct tcp_initial_window tcp_initial_window(struct stack *st, uint32_t rcvbuf, uint32_t window_clamp, uint16_t mss);
uint32_t tcp_receive_window(const struct tcp_conn *c);	/* what of the offered window is left */
uint32_t tcp_select_window(struct tcp_conn *c);		/* what to offer now; O(1), changes nothing */
uint16_t tcp_offer_window(struct tcp_conn *c, bool is_syn); /* for the header of a segment that is being sent: commits to it */
void tcp_grow_window(struct tcp_conn *c, const struct tcp_in *in);
uint32_t tcp_win_from_space(uint32_t space);
void tcp_buffer_init(struct tcp_conn *c);	   /* sizes at the socket's birth */
void tcp_buffer_established(struct tcp_conn *c);
void tcp_buffer_on_data(struct tcp_conn *c, const struct tcp_in *in); /* receiver-side RTT */
void tcp_buffer_on_read(struct tcp_conn *c);	   /* receive auto-tuning */
void tcp_buffer_expand_send(struct tcp_conn *c);   /* send buffer follows cwnd */
uint32_t tcp_send_room(const struct tcp_conn *c);
void tcp_send_space_check(struct tcp_conn *c);	   /* SOCK_WRITABLE when there is room again */
uint16_t tcp_advmss(const struct stack *st, const struct ip_dst *d, const struct ip_addr *remote, uint16_t user_mss);
uint16_t tcp_default_mss(const struct ip_addr *remote);
bool tcp_route_renew(struct tcp_conn *c);	   /* keep sk.dst fresh, and mss with it; false: no way there now */
void tcp_sync_mss(struct tcp_conn *c);

/* ---- tcp_output.c ---- */
void tcp_want_output(struct tcp_conn *c);
uint32_t tcp_unsent(const struct tcp_conn *c); /* bytes queued and never sent, the FIN not counted */
uint32_t tcp_ts_now(const struct tcp_conn *c);

/* ---- tcp_reply.c: segments built as whole frames ---- */
struct tcp_reply {
	struct ip_endpoint local, remote;
	const struct ip_dst *dst; /* NULL: look it up */
	uint32_t ifindex;
	struct tcp_hdr hdr; /* ports are filled here */
	uint8_t tos, ttl;   /* ttl 0: the default */
	uint64_t sock_id;
	const struct sock *like; /* whose options and extension headers it gets; NULL: none */
};
void tcp_reply_send(struct stack *st, const struct tcp_reply *r);
void tcp_reply_rst(struct stack *st, const struct tcp_in *in); /* RFC 9293 section 3.10.7.1 */
void tcp_conn_send_rst(struct tcp_conn *c);

/* ---- tcp_listen.c ---- */
struct tcp_listener {
	struct list link;	 /* in the table's bucket of its port */
	struct tcp_conn *conn;
	struct tcp_conn *first, **last; /* established, to be accepted */
	uint32_t count;
	uint32_t handed;	 /* accepted by the program, not yet by its application: an upper bound */
	uint32_t backlog;
	uint32_t req_count;
	struct list reqs;
};

struct tcp_req {
	struct tcp_node node;
	struct list link; /* in the listener's */
	struct timer timer;
	struct tcp_conn *listener;
	struct ip_endpoint local, remote;
	struct ip_dst dst;
	tcp_seq irs, iss;
	uint32_t ts_recent, ts_offset, rcv_wnd, window_clamp, snd_wnd;
	uint32_t last_oow_ms;
	uint64_t synack_us;
	uint16_t mss; /* the peer's MSS option, or the default */
	uint16_t advmss;
	uint8_t snd_wscale, rcv_wscale, retrans, tos;
	bool ts_ok, sack_ok, wscale_ok;
	bool is_acked;	/* its third segment came when the accept queue was full, or TCP_DEFER_ACCEPT waits for data */
};

int tcp_listener_open(struct tcp_conn *c, int backlog);
void tcp_listener_close(struct tcp_conn *c);
void tcp_listen_input(struct tcp_conn *listener, struct tcp_in *in, const tcp_seq *isn); /* @isn: to be used; NULL: choose one */
void tcp_req_input(struct tcp_req *r, struct tcp_in *in);
struct sock *tcp_accept(struct tcp_conn *listener, int *err);
void tcp_req_drop(struct stack *st, struct tcp_req *r);

/* ---- tcp_timewait.c ---- */
struct tcp_timewait {
	struct tcp_node node;
	struct timer timer;
	struct stack *st;
	struct port_hold port;
	struct ip_endpoint local, remote;
	tcp_seq snd_nxt, rcv_nxt;
	uint32_t rcv_wnd;
	uint32_t ts_recent, ts_recent_s, ts_offset, last_oow_ms;
	uint8_t rcv_wscale;
	bool ts_ok;
};

void tcp_timewait_enter(struct tcp_conn *c); /* c becomes CLOSED; an orphan is freed */
/* A segment for a TIME-WAIT. Returns true when it is a SYN that may open a new connection: the record is gone, and *isn is where
 * our sequence numbers must begin. */
bool tcp_timewait_input(struct tcp_timewait *tw, struct tcp_in *in, bool has_listener, tcp_seq *isn);
/* Whether a connection of ours may take its place (RFC 6191 from the other side, tcp_tw_reuse). */
bool tcp_timewait_may_reuse(const struct tcp_timewait *tw);
tcp_seq tcp_timewait_take_over(struct tcp_timewait *tw, struct tcp_conn *c); /* frees it; returns the ISN to use */
void tcp_timewait_free(struct tcp_timewait *tw);

/* ---- tcp_opt.c, tcp_info.c ---- */
int tcp_setopt(struct sock *s, int level, int name, const void *value, size_t len, uint64_t now_us);
int tcp_getopt(struct sock *s, int level, int name, void *value, size_t *len, uint64_t now_us);
void tcp_opt_changed(struct sock *s, int level, int name, uint64_t now_us);
size_t tcp_info_fill(struct tcp_conn *c, void *value, size_t len); /* struct tcp_info of <linux/tcp.h>; bytes written */
void tcp_describe(struct sock *s, struct sock_info *info, uint64_t now_us);
bool tcp_each_other(struct stack *st, bool (*fn)(void *ctx, const struct sock_info *), void *ctx, uint64_t now_us);
enum tcp_chrono { TCP_CHRONO_BUSY, TCP_CHRONO_RWND, TCP_CHRONO_SNDBUF };
void tcp_chrono_set(struct tcp_conn *c);

#endif
