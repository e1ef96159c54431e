/* SPDX-License-Identifier: BSD-2-Clause */
/* tcp_script.h - exact segments in, exact segments out, for one TCP endpoint on a test bed, written much as packetdrill writes them.
 *
 *	struct tcp_script t;
 *
 *	script_open(&t, AF_INET);
 *	script_listen(&t, 8);
 *	in(&t, "S 0:0(0) win 65535 <mss 1460,sackOK,nop,wscale 7>");
 *	out(&t, "S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK,nop,wscale 7>");
 *	in(&t, ". 1:1(0) ack 1 win 512");
 *	script_accept(&t);
 *	script_write(&t, 1000);
 *	out(&t, "P. 1:1001(1000) ack 1");
 *	none(&t);
 *	script_close(&t);
 *
 * Flags are letters of SFRPU and a dot for ACK; "-" is none. Sequence numbers count from each side's SYN; timestamps of ours from the
 * first one. What an expectation leaves out (win, ack, urg, the options in <>) is not looked at; "*" stands for any number. In an
 * out-going line "<>" says: no options at all. After every step the socket's invariants are checked (tcp_check_invariants()).
 * Payload is a pattern that depends on its sequence number: script_read() checks it, and so does out(). */
#ifndef TAPIR_TESTS_TCP_SCRIPT_H
#define TAPIR_TESTS_TCP_SCRIPT_H

#include "bed.h"

enum { SCRIPT_PORT = 8080, SCRIPT_PEER_PORT = 40000, SCRIPT_ISN = 4000000000u };

struct tcp_script {
	struct bed b;
	int family;
	const char *local, *remote;
	uint16_t local_port, remote_port;
	struct sock *listener;
	struct sock *s;		/* the connection */
	bool has_iss, has_ts_base;
	uint32_t iss;		/* ours, learnt from what it sends */
	uint32_t ts_base;
	uint32_t written, read; /* bytes, for the pattern */
	uint64_t start_us;
	unsigned mss;		/* of an arriving super-segment (script_in_gso) */
};

/* A test program runs its group once with script_over_ip4() as the group's setup, and once with script_over_ip6(): what is opened for AF_UNSPEC
 * is of that family. Over IPv6 its link then takes 20 bytes more, the difference of the headers, so that the numbers of a script hold. */
extern int script_family;
int script_over_ip4(void **state);
int script_over_ip6(void **state);

void script_open(struct tcp_script *t, int family);
/* The same in two steps, to change t->b.config and t->b.link between them. */
void script_prepare(struct tcp_script *t, int family);
void script_start(struct tcp_script *t);
void script_close(struct tcp_script *t); /* closes what is open, and checks that no memory is lost */

void script_set(struct tcp_script *t, const char *tunable, const char *value);
void script_setopt(struct tcp_script *t, int level, int name, int value); /* on the listener before accept, then the connection */
int script_getopt(struct tcp_script *t, int level, int name);

void script_listen(struct tcp_script *t, int backlog);
void script_connect(struct tcp_script *t); /* expects -EINPROGRESS */
void script_accept(struct tcp_script *t);  /* a connection must wait */

/* Shortcuts: a connection with the options given (in brackets or ""), the peer's window 65535 << wscale or less as given. */
void script_established(struct tcp_script *t, const char *options, unsigned win);
void script_connected(struct tcp_script *t, const char *options, unsigned win);

#define in(t, line) script_in(t, line, __FILE__, __LINE__)
#define in_gso(t, mss, line) script_in_gso(t, mss, line, __FILE__, __LINE__)
#define out(t, line) script_out(t, -1, line, __FILE__, __LINE__)
#define out_at(t, ms, line) script_out(t, ms, line, __FILE__, __LINE__)
#define none(t) script_none(t, __FILE__, __LINE__)
void script_in(struct tcp_script *t, const char *line, const char *file, int at);
void script_in_gso(struct tcp_script *t, unsigned mss, const char *line, const char *file, int at);
/* @ms: when it was sent, since script_start() or the last script_clock(); -1: whenever. */
void script_out(struct tcp_script *t, long ms, const char *line, const char *file, int at);
void script_none(struct tcp_script *t, const char *file, int at);
void script_clock(struct tcp_script *t); /* times count from now */

void script_run(struct tcp_script *t, unsigned ms);
void script_turn(struct tcp_script *t); /* let the stack send, and check */

/* Bytes of the pattern. write and send want all of them taken; read wants exactly that many there. */
void script_write(struct tcp_script *t, size_t n);
void script_write_more(struct tcp_script *t, size_t n); /* MSG_MORE */
void script_write_urgent(struct tcp_script *t, size_t n); /* MSG_OOB: the last of them is urgent */
void script_read(struct tcp_script *t, size_t n);
int script_recv(struct tcp_script *t); /* one byte: 1, 0 at the end, -errno */
uint32_t script_events(struct tcp_script *t);
void script_end(struct tcp_script *t);	/* sock_close() on the connection */
void script_abort(struct tcp_script *t);
const char *script_state(struct tcp_script *t); /* as ss names it; of the TIME-WAIT when the socket is gone; "none" */

/* An ICMP error of the peer's about the last packet that out() saw. One of IPv4's destination unreachable is sent as what IPv6 has for it, with
 * an MTU that leaves as much room. */
void script_icmp(struct tcp_script *t, uint8_t type, uint8_t code, uint32_t info);

#endif
