/* SPDX-License-Identifier: BSD-2-Clause */
/* neigh.h - the neighbour table: link addresses of hosts on our networks, for ARP and NDP alike.
 *
 * Theory of operation. Every neighbour, IPv4 or IPv6, goes through the states of RFC 4861 section 7.3.2:
 *
 *	         send                 answer                      time passes
 *	  NONE ---------> INCOMPLETE -----------> REACHABLE <---------------------> STALE <--- a request of theirs to us
 *	                      |                    ^  ^  ^      confirmation          | send
 *	                      | no answer          |  |  '------------------------- DELAY
 *	                      v                    |  answer       confirmation       | no confirmation from above
 *	                   FAILED <-------------- PROBE <-----------------------------'
 *	                            no answer           unicast probes
 *
 * In INCOMPLETE packets wait in the entry's own queue, bounded in bytes, the oldest pushed out first; when the neighbour does
 * not answer, their senders are told at once ("host unreachable"). From STALE on packets flow without waiting.
 *
 * The table is bounded (net.ipv4.neigh.default.gc_thresh3). When it is full a newcomer may push out, oldest first:
 *	UNRESOLVED  what did not answer (yet): the whole effect of scanning our network, or of spoofing sources on it (RFC 6583)
 *	LEARNT      hosts that asked for us and never confirmed that they hear us; these may only push out each other
 *	STALE       used once, silent for half a minute at least
 * and never LIVE: REACHABLE, and DELAY and PROBE after that, which packets were sent to or confirmed just now. So a flood costs the flood.
 *
 * A struct ip_dst holds a pointer to its neighbour and the entry's serial. Entries are recycled but their memory stays, and
 * a recycled entry has a new serial: a stale pointer is recognised, never followed to a wrong link address.
 * Never: created for an address that is not on the link's network, nor by packets that were not addressed to us. */
#ifndef TAPIR_STACK_NEIGH_H
#define TAPIR_STACK_NEIGH_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "frame.h"
#include "hash.h"
#include "list.h"
#include "pool.h"
#include "timer.h"

struct stack;
struct link;
struct ip_dst;

enum neigh_state {
	NEIGH_NONE,	  /* looked up, nothing sent yet */
	NEIGH_INCOMPLETE, /* being asked for; packets wait */
	NEIGH_FAILED,	  /* did not answer; the next packet asks again */
	NEIGH_STALE,	  /* link address known, not whether it still holds */
	NEIGH_REACHABLE,  /* confirmed within its reachable time */
	NEIGH_DELAY,	  /* was stale when a packet went out: a confirmation from above may come */
	NEIGH_PROBE,	  /* none came: being asked, by unicast */
	NEIGH_PERMANENT,  /* somebody said so; nothing from the network changes it */
};

enum neigh_class { NEIGH_UNRESOLVED, NEIGH_LEARNT, NEIGH_UNUSED, NEIGH_LIVE, NEIGH_CLASSES };

struct neigh {
	struct list bucket_link, class_link;
	struct stack *st;
	struct ip_addr addr;
	uint32_t ifindex;
	uint32_t serial;     /* changes when the entry is given to another neighbour */
	uint8_t state;	     /* enum neigh_state */
	uint8_t probes;	     /* solicitations sent in INCOMPLETE or PROBE */
	uint8_t waits;	     /* and those put off, for want of an address to send them from */
	bool was_used;	     /* we have sent to it */
	bool is_router;	     /* it says so (RFC 4861 section 7.3.3) */
	bool is_gateway;     /* we have sent to others through it */
	uint64_t asked_us;   /* by neigh_ask(), last */
	uint8_t eth_hdr[14]; /* ready to copy in front of a packet, from STALE on */
	uint64_t confirmed_us, updated_us;
	uint64_t reachable_us; /* how long a confirmation holds this time */
	struct timer timer;
	struct frame_queue queue;
};

enum { NEIGH_BUCKETS = 2048 };

struct neigh_table {
	struct hash_key key;
	struct list *buckets;
	struct list by_class[NEIGH_CLASSES]; /* each in order of arrival there */
	struct list unused;		     /* recycled entries */
	uint32_t count;
	struct pool pool;
};

int neigh_table_init(struct stack *st); /* 0 or -ENOBUFS */
void neigh_table_fini(struct stack *st);

/* Point @d at the neighbour entry of its next hop, making one if need be; NULL when there is no room. */
void neigh_attach(struct stack *st, struct ip_dst *d);

/* The link went down: forget its neighbours, and the packets that wait for them. */
void neigh_flush_link(struct stack *st, uint32_t ifindex);

/* The entry of @addr on @ifindex; NULL: none. */
struct neigh *neigh_find(struct stack *st, const struct ip_addr *addr, uint32_t ifindex);

/* A packet is about to be sent to it. Whether its link address is known; may change the state to DELAY. */
bool neigh_use(struct stack *st, struct neigh *n);

static inline bool neigh_may_send(struct stack *st, struct neigh *n)
{
	return n->state >= NEIGH_REACHABLE || neigh_use(st, n);
}

/* Send an IP packet (the window begins with its header) to the next hop of @d, now or when it is resolved. Takes over the
 * reference. 0 or -ENOBUFS. */
int neigh_output(struct stack *st, struct link *l, struct frame *f, const struct ip_dst *d);

/* A layer above hears from it (RFC 4861 section 7.3.1). */
void neigh_confirm(struct stack *st, struct neigh *n);

/** neigh_learn - @addr on @l asked for us from @mac (RFC 826; RFC 4861 section 7.2.3). Creates an entry, or corrects it: of IPv4 not
 * within the locktime, and only for who is on our network; of IPv6 always, since its answer goes to who asked. */
void neigh_learn(struct stack *st, struct link *l, const struct ip_addr *addr, const uint8_t mac[6]);

/** neigh_update - an advertisement of @n's link address (RFC 4861 section 7.2.5).
 * @mac: NULL when it holds none. @solicited: it answers a question of ours. @override: it may replace a known address.
 * Returns whether it was believed. */
bool neigh_update(struct stack *st, struct neigh *n, const uint8_t mac[6], bool solicited, bool override);

/* What it is said to be: a router, or none. Of one that was a router the routing table forgets all that leads through it. */
void neigh_set_router(struct stack *st, const struct ip_addr *addr, uint32_t ifindex, bool is_router);

/* Whether an advertisement by it is of interest: not of one that we gave up and don't ask (RFC 4861 section 7.2.5: as if it had no entry). */
bool neigh_awaits_advertisement(const struct neigh *n);

/* The link has an address now that solicitations may be sent from. */
void neigh_on_source(struct stack *st, uint32_t ifindex);

/* Whether it did not answer when it was last asked. */
bool neigh_is_silent(struct stack *st, const struct ip_addr *addr, uint32_t ifindex);

/* Whether its link address is known: it is, or was, reachable (RFC 4861 section 6.3.6 (1)). */
bool neigh_is_known(struct stack *st, const struct ip_addr *addr, uint32_t ifindex);

/* Ask a silent one whether it is back, once a minute at most (RFC 4191 section 3.2). */
void neigh_ask(struct stack *st, const struct ip_addr *addr, uint32_t ifindex);

/* Whether a question to it is open: for ARP, whose answers don't say that they are answers. */
static inline bool neigh_is_asked(const struct neigh *n)
{
	return n->state == NEIGH_INCOMPLETE || n->state == NEIGH_PROBE;
}

#endif
