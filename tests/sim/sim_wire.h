/* SPDX-License-Identifier: BSD-2-Clause */
/* sim_wire.h - any number of stacks joined by an impaired wire, in virtual time, all from one seed.
 * The wire is a switch: a frame goes to the host that owns the destination address, or to all of them. Each host's way into it has
 * its own impairments, in this order: rate and queue, loss, bursts of loss, corruption, duplication, delay with jitter, reordering. Where sender and
 * receiver differ in offloads, the wire does what a network card would. One bit is set in a packet to corrupt it, which every
 * checksum finds; packets without one (ARP) are spared, as Ethernet's own check would drop them.
 * The order of events is a function of the seed alone: the same seed replays the same run, with a capture if wanted. */
#ifndef TAPIR_TESTS_SIM_WIRE_H
#define TAPIR_TESTS_SIM_WIRE_H

#include <stdio.h>

#include "stack/hash.h"
#include "stack/stack.h"
#include "tests/lib/bed.h"

enum { SIM_HOSTS_MAX = 8, PPM = 1000000 };

/* Impairments of one host's way into the wire. Zero: none. */
struct sim_path {
	uint32_t loss_ppm;
	uint32_t burst_ppm, burst_us;	/* so many packets begin a time in which everything is lost, up to that long */
	uint32_t corrupt_ppm, duplicate_ppm;
	uint32_t reorder_ppm, reorder_us; /* so many packets are held back that long, others pass them */
	uint32_t delay_us, jitter_us;	  /* jitter alone keeps the order */
	uint64_t rate_bps;		  /* 0: no limit */
	uint32_t queue_bytes;		  /* before the rate limit; 0: 64 KiB */
};

struct sim_config {
	uint64_t seed;
	unsigned hosts;
	enum link_kind kind;
	uint32_t mtu;
	uint32_t offloads[SIM_HOSTS_MAX];
	struct sim_path path[SIM_HOSTS_MAX];
	size_t frame_bytes_max; /* of each stack; 0: the default */
	const char *tunables; /* "name=value;name=value", for every stack */
	bool log;	      /* print the stacks' log */
	FILE *capture;	      /* pcapng of all that enters the wire; NULL: none */
};

struct sim;
struct sim_watch;
struct pcapng;

struct sim_host {
	struct sim *sim;
	unsigned index;
	struct stack *st;
	struct bed_mem mem;
	uint32_t ifindex, offloads;
	struct frame_out out;
	uint64_t wake_us; /* of its applications; UINT64_MAX: none */
	uint64_t burst_end_us, link_free_us, last_arrival_us;
	char addr4[32], addr6[64];
	uint8_t mac[6];
};

struct sim_flight; /* a packet under way */

struct sim {
	struct sim_config config;
	uint64_t now_us;
	struct rng rng;
	struct sim_host host[SIM_HOSTS_MAX];
	struct sim_flight **heap;
	size_t flights, heap_room;
	uint64_t flight_seq;
	struct sim_watch *watch; /* looks at every TCP segment (sim_watch.h) */
	struct pcapng *pcapng;
	const char *wrong; /* the first thing found wrong; NULL: nothing */
	char wrong_text[256];
	/* What happened on the wire. */
	uint64_t packets, bytes, lost, queue_drops;
	/* The applications (sim_app.h). on_turn moves bytes; it is called whenever a host may have news. */
	void (*on_turn)(struct sim *s, struct sim_host *h);
	void *app;
};

enum { SIM_START_US = 1000000 };

void sim_open(struct sim *s, const struct sim_config *config);

/* Close every stack and check that each gave all its memory back. */
void sim_close(struct sim *s);

/* Run until @at_us, or until something is wrong, or until *stop (may be NULL) becomes true. */
void sim_run_until(struct sim *s, uint64_t at_us, const bool *stop);

/* A host must have a turn at @at_us (or earlier). */
void sim_wake(struct sim_host *h, uint64_t at_us);

/* Remember what is wrong; the first one counts. */
void sim_wrong(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

uint64_t sim_stat(const struct sim_host *h, const char *name);
struct ip_endpoint sim_endpoint(const struct sim_host *h, int family, uint16_t port);

/** sim_repeat - run @run for each seed of a scenario. A seed fails when @run returns a text; then it is run once more with a capture
 * to sim-NAME-SEED.pcapng, and how to see it again is printed.
 * SIM_SEEDS multiplies @seeds; SIM_SEED runs that one only.
 * Returns the number of failures. */
unsigned sim_repeat(const char *name, unsigned seeds, const char *(*run)(void *ctx, uint64_t seed, FILE *capture), void *ctx);

#endif
