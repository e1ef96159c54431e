/* SPDX-License-Identifier: BSD-2-Clause */
/* core.h - struct stack: everything that one stack is. Included by the engine's own files only.
 * Each module owns its part and keeps the rest of the stack away from it. */
#ifndef TAPIR_STACK_CORE_H
#define TAPIR_STACK_CORE_H

#include "addr_policy.h"
#include "addr_table.h"
#include "byteq.h"
#include "dhcp4.h"
#include "dhcp6.h"
#include "flowlabel.h"
#include "frame.h"
#include "hash.h"
#include "icmp.h"
#include "ip.h"
#include "ip4.h"
#include "link.h"
#include "list.h"
#include "mcast.h"
#include "neigh.h"
#include "pmtu.h"
#include "port.h"
#include "raw.h"
#include "reasm.h"
#include "route.h"
#include "sock.h"
#include "stack.h"
#include "tcp.h"
#include "timer.h"
#include "tunable.h"
#include "udp.h"

struct stack {
	struct stack_config config;
	struct mem mem;
	uint64_t now_us; /* the time of the call that is under way: set at each entry point that takes now_us */
	struct tunables tunables;
	uint64_t stats[STAT_COUNT];
	struct stack_verdict verdict;
	struct rng rng;
	struct hash_key flow_key;   /* of IPv6 flow labels */
	struct hash_key stable_key; /* of interface identifiers (slaac.c) */
	struct timer_wheel wheel;
	struct frame_pool frames;
	struct pool slices;	    /* byteq slice records */
	struct byteq_mem byteq_mem; /* both of the above */

	struct link_table links;
	struct addr_table addrs;
	struct addr_policy_table addr_policy;
	struct route_table routes;
	uint32_t route_generation;  /* goes up when a cached struct ip_dst may have become wrong */
	struct neigh_table neighs;
	struct pmtu_cache pmtus;
	struct reasm_table reasm;
	struct icmp_state icmp;
	struct ip4_ids ip4_ids;
	struct list dhcp4s, dhcp6s; /* clients, one a link at most */
	struct mcast_table mcast;

	struct flow_label_table flow_labels;
	struct sock_table socks;    /* by id */
	struct list event_socks;    /* sockets with events to tell */
	struct port_table ports;
	struct tcp_table tcp;
	struct udp_table udp;
	struct raw_table raw;
};

static inline void stat_count(struct stack *st, enum stack_stat id)
{
	st->stats[id]++;
}

static inline void stat_add(struct stack *st, enum stack_stat id, uint64_t n)
{
	st->stats[id] += n;
}

/* Count a drop and remember it as what became of the current packet. */
static inline void stat_drop(struct stack *st, enum stack_stat id)
{
	st->stats[id]++;
	st->verdict.drop = id;
}

/* Log one event; the format gives "name key=value ...". Costs nothing when there is no sink. */
void stack_log(struct stack *st, enum stack_log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
