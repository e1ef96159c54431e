/* SPDX-License-Identifier: BSD-2-Clause */
/* bed.h - a test bed: one stack on one link, in virtual time, from a seed.
 * Packets go in as bytes at the bed's time and come out as bytes, each with the time at which the stack sent it. Memory is counted,
 * and may be made to fail. Anything that is wrong with the bed itself aborts the program with a message.
 *
 *	struct bed b;
 *
 *	bed_open(&b, 1, LINK_IP);                           10.0.0.1/24 and fd00::1/64, MTU 1500, peer 10.0.0.2 and fd00::2
 *	bed_inject(&b, packet, len);                        a packet arrives now
 *	bed_run(&b, 200000);                                200 ms pass, timers run
 *	assert_true(bed_next(&b, &p));                      what the stack sent, oldest first
 *	bed_close(&b);                                      checks that every byte of memory came back */
#ifndef TAPIR_TESTS_BED_H
#define TAPIR_TESTS_BED_H

#include "stack/stack.h"

#define BED_ADDR4 "10.0.0.1"
#define BED_PEER4 "10.0.0.2"
#define BED_ADDR6 "fd00::1"
#define BED_PEER6 "fd00::2"

/* Link-layer addresses on an Ethernet bed. */
extern const uint8_t bed_mac[6], bed_peer_mac[6];

struct bed_packet {
	struct bed_packet *next;
	uint64_t at_us; /* when it was sent */
	uint32_t ifindex;
	uint64_t sock_id;
	struct frame_offload off;
	size_t len;
	uint8_t data[66000];
};

/* Memory given to a stack: counted, and refused from the @fail_at'th allocation on (0: never), or that one only. */
struct bed_mem {
	size_t used_bytes, allocs;
	size_t fail_at;
	bool fail_once;
};

struct bed {
	struct stack *st;
	struct bed_mem mem;
	struct link_config link;
	struct stack_config config;
	bool checks_first; /* true before bed_start(): IPv6 addresses are not used before they are checked, as outside of tests */
	bool asks_routers; /* true before bed_start(): the stack solicits routers, which else would end every silence */
	uint32_t ifindex;
	uint64_t now_us;
	struct frame_out out;
	struct bed_packet *first, **last; /* sent, not yet taken by bed_next() */
	unsigned packets;
	bool hears_reports; /* collect IGMP and MLD messages too, of which tests of other protocols need not know */
};

enum { BED_START_US = 1000000, BED_SETTLE_US = 20000000 };

/** bed_open - a stack with a link of @kind and the addresses above, at time BED_START_US. The bed's packets of setting up
 * (announcements) are thrown away, so that the test begins in silence. */
void bed_open(struct bed *b, uint64_t seed, enum link_kind kind);

/* The same on Ethernet, and bed_settle(): BED_SETTLE_US later, when the probes and announcements of the new addresses are over. */
void bed_open_quiet(struct bed *b, uint64_t seed);
void bed_settle(struct bed *b);

/* bed_open() in steps: fill the defaults into b->config and b->link, change them, then bed_start(). False: no memory (then only
 * bed_close() may follow). */
void bed_prepare(struct bed *b, uint64_t seed, enum link_kind kind);
bool bed_start(struct bed *b);

/* stack_close(), then check that nothing is still allocated. */
void bed_close(struct bed *b);

/* A frame arrives from the link now, and the stack has its turn. */
void bed_inject(struct bed *b, const void *data, size_t len);
void bed_inject_off(struct bed *b, const void *data, size_t len, const struct frame_offload *off);

/* The stack has a turn: due timers, output. Events are left to the test. */
void bed_turn(struct bed *b);

/* Let time pass; timers run at their deadlines, each followed by a turn. */
void bed_run(struct bed *b, uint64_t us);
void bed_run_until(struct bed *b, uint64_t at_us);

/* The oldest packet sent and not yet taken. Copies it to *p. False: none. */
bool bed_next(struct bed *b, struct bed_packet *p);
void bed_drop_all(struct bed *b);

/* Events of the socket @s since the last call, those of other sockets are lost; 0: none. */
uint32_t bed_events(struct bed *b, const struct sock *s);

uint64_t bed_stat(struct bed *b, const char *name);

/* Sockets. They abort when the stack refuses. */
struct sock *bed_sock(struct bed *b, int family, int type, int protocol);
struct ip_endpoint bed_endpoint(const char *addr, uint16_t port);
struct frame *bed_frame(struct bed *b, const void *data, size_t len);

/* Send one datagram, with nothing but a destination given (NULL: the connected peer), and a turn. The stack's answer. */
int bed_send(struct bed *b, struct sock *s, const char *addr, uint16_t port, const void *data, size_t len);

struct ip_addr addr_of(const char *text);

/* Allocation callbacks on a struct bed_mem, for tests that open stacks themselves. */
void *bed_mem_alloc(void *ctx, size_t bytes);
void bed_mem_free(void *ctx, void *p);

/* Print and abort: the test's own machinery failed. */
void bed_fatal(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif
