/* SPDX-License-Identifier: BSD-2-Clause */
/* dhcp4.h - the DHCPv4 client of a link (RFC 2131 section 4.4, figure 5).
 *
 * Theory of operation. One state machine and one timer a link. The states are the RFC's:
 *
 *	INIT        waiting to begin: at first for a moment, longer after a refusal or a conflict
 *	SELECTING   DISCOVER is out, repeated after 4, 8, 16, 32, 64, 64... s, each -1..+1 s; the first usable offer is taken
 *	REQUESTING  REQUEST for that offer is out, repeated like DISCOVER; four without an answer: back to INIT
 *	REBOOTING   REQUEST for an address held before (INIT-REBOOT: a saved lease, or the link came back) is out; two without an
 *	            answer: SELECTING, asking for the same address, and using it as long as the lease that there may be lasts
 *	PROBING     there is a new lease, and its address is probed before it is used (sections 2.2, 3.1 (5); arp_acd.h)
 *	BOUND       there is a lease; nothing is sent until T1
 *	RENEWING    REQUEST goes to the server that gave the lease, from T1 on, each time half of what is left until T2
 *	REBINDING   REQUEST goes to all, from T2 on; at the lease's end the address is taken away
 *
 * Found to be another host's, then or later, the address is declined. Times of a lease count from when the REQUEST was first sent
 * (section 4.4.1), and wherever the machine is when the lease ends, its address goes.
 * While no server answers there is an address of 169.254/16 (ipv4ll.h), unless one forbids it (RFC 2563), or the server prefers us to do
 * without IPv4 and we agree (RFC 8925; net.ipv4.conf.default.dhcp_ipv6_only): then INIT waits for as long as it said.
 *
 * Refuses:  what has another xid, hardware address or client identifier (RFC 6842), comes from another port than 67, or comes from
 *           another server than the one chosen. All counted under dhcp4.drop.*.
 * Deviates: the first DISCOVER waits up to half a second, not one to ten (section 4.4.1): that desynchronizes a street after
 *           a power cut, and costs everybody else the time. */
#ifndef TAPIR_STACK_DHCP4_H
#define TAPIR_STACK_DHCP4_H

#include <stdbool.h>
#include <stdint.h>

#include "dhcp4_wire.h"
#include "ip.h"
#include "list.h"
#include "stack.h"
#include "timer.h"

enum dhcp4_state {
	DHCP4_INIT,
	DHCP4_SELECTING,
	DHCP4_REQUESTING,
	DHCP4_REBOOTING,
	DHCP4_PROBING,
	DHCP4_BOUND,
	DHCP4_RENEWING,
	DHCP4_REBINDING,
};

/* What the server gave. Valid from PROBING to REBINDING, and in the other states after the link came back. */
struct dhcp4_lease {
	struct ip_prefix addr; /* len 0: no lease */
	struct ip_addr server;
	uint64_t t1_us, t2_us, expires_us; /* UINT64_MAX: never */
	uint32_t lease_s;		   /* as the server said */
	uint16_t mtu;			   /* 0: not given */
	struct dhcp4_servers dns, ntp;
	struct dhcp_domains domains;
	struct ip_addr broadcast;
	uint8_t route_count;
	struct route_config routes[DHCP4_ROUTES_MAX + DHCP4_SERVERS_MAX + 1]; /* + the routers, and 169.254/16 */
};

struct dhcp4 {
	struct list link; /* on st->dhcp4s */
	struct stack *st;
	uint32_t ifindex;
	uint8_t state; /* enum dhcp4_state */
	uint8_t tries; /* messages sent in this state */
	uint8_t setbacks; /* refusals and conflicts since a lease was good enough to be renewed */
	bool linklocal;		/* an address of 169.254/16 is wanted while there is no other */
	bool may_autoconfigure; /* and no server forbade it */
	uint16_t secs;		/* of the last DISCOVER: its REQUESTs say the same */
	uint32_t xid;
	uint64_t began_us;	/* when this attempt began: "secs" */
	uint64_t asked_us;	/* when the REQUEST of this state was first sent */
	struct ip_addr wanted;	/* the address to ask for, or 0.0.0.0 */
	struct ip_addr server;	/* REQUESTING: whose offer was taken */
	struct dhcp4_lease lease;
	struct timer timer;
	uint8_t client_id[DHCP4_CLIENT_ID_MAX];
	uint8_t client_id_len;
	char hostname[DHCP4_NAME_MAX];
};

/* Messages for port 68 of a link with a client are the client's. True: it was one, and is dealt with. */
bool dhcp4_input(struct stack *st, const struct ip_rx *rx, uint16_t sport, uint16_t dport, const uint8_t *data, size_t len);

/* Whether a packet to an address that is not ours may be an answer to the link's client, which has none yet (RFC 2131 section 4.1).
 * @l4: its transport header. */
bool dhcp4_may_want(struct stack *st, uint32_t ifindex, const uint8_t *l4, size_t len);

/* The address is another host's (RFC 5227): decline it, and begin anew. */
void dhcp4_on_conflict(struct stack *st, uint32_t ifindex, const struct ip_addr *addr);

/* Nobody else has the address: it may be used. */
void dhcp4_on_addr_checked(struct stack *st, uint32_t ifindex, const struct ip_addr *addr);

/* The link came up again: maybe on another network. */
void dhcp4_on_link_up(struct stack *st, uint32_t ifindex);

void dhcp4_fini(struct stack *st); /* frees all clients, without a packet */

/* dhcp4_send.c: one message, now. */
void dhcp4_send(struct dhcp4 *c, enum dhcp4_type type);

/* dhcp4_lease.c */
bool dhcp4_lease_read(const struct dhcp4 *c, const struct dhcp4_reply *m, struct dhcp4_lease *lease); /* false: not usable */
void dhcp4_lease_apply(struct dhcp4 *c, const struct dhcp4_lease *lease); /* address, routes, MTU; the old ones go */
void dhcp4_lease_withdraw(struct dhcp4 *c);

static inline bool dhcp4_has_lease(const struct dhcp4 *c)
{
	return c->lease.addr.len != 0;
}

#endif
