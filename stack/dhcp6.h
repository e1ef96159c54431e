/* SPDX-License-Identifier: BSD-2-Clause */
/* dhcp6.h - the DHCPv6 client of a link (RFC 8415): addresses (stateful), or only parameters (stateless), as router advertisements say.
 *
 * Theory of operation. One state machine and one timer a link. A state in which something was asked is an exchange: a message, repeated
 * with a growing and randomized delay until there is an answer, the count or the time is used up (section 15; the table in dhcp6.c).
 *
 *	IDLE        no router has said that there is DHCPv6
 *	STARTING    waiting up to a second before the first message (sections 18.2.1, 18.2.3, 18.2.6)
 *	SOLICITING  SOLICIT; the best ADVERTISE of the first second is taken, one with preference 255 at once; a server may
 *	            answer with REPLY straight away (rapid commit)
 *	REQUESTING  REQUEST to the chosen server
 *	BOUND       addresses are in use; nothing is sent until T1
 *	RENEWING    RENEW to the server they came from, from T1 on
 *	REBINDING   REBIND to any, from T2 on, until the last address is over
 *	CONFIRMING  CONFIRM, after the link came up again: are the addresses still right here? No answer: they are kept
 *	DECLINING   DECLINE of addresses that other hosts have
 *	RELEASING   the client was stopped: RELEASE of its addresses, which are gone; then it is freed
 *	INFORMING   INFORMATION-REQUEST (stateless)
 *	INFORMED    until it is time to refresh
 *
 * Addresses come and go through the address table, which ends them by themselves when their lifetimes are over. They are of length 128:
 * what is on the link, routers tell (RFC 5942).
 * Whatever servers say, not more than 20 messages go out in 20 seconds (section 14.1).
 * Refuses:  what section 16 forbids: another transaction id or client identifier, no server identifier, messages that are not for
 *           clients, and what comes from another server than the one asked; each counted under dhcp6.drop.*. Server Unicast and
 *           Reconfigure are not supported. */
#ifndef TAPIR_STACK_DHCP6_H
#define TAPIR_STACK_DHCP6_H

#include <stdbool.h>
#include <stdint.h>

#include "dhcp6_wire.h"
#include "ip.h"
#include "list.h"
#include "stack.h"
#include "timer.h"

enum dhcp6_state {
	DHCP6_IDLE,
	DHCP6_STARTING,
	DHCP6_SOLICITING,
	DHCP6_REQUESTING,
	DHCP6_BOUND,
	DHCP6_RENEWING,
	DHCP6_REBINDING,
	DHCP6_CONFIRMING,
	DHCP6_DECLINING,
	DHCP6_RELEASING,
	DHCP6_INFORMING,
	DHCP6_INFORMED,
	DHCP6_STATES,
};

struct dhcp6 {
	struct list link; /* on st->dhcp6s */
	struct stack *st;
	uint32_t ifindex;
	uint8_t state; /* enum dhcp6_state */
	uint8_t next;  /* STARTING: the exchange to begin with */
	uint8_t tries; /* messages sent in this exchange */
	uint8_t declines; /* that left no address, since a lease was good enough to be renewed */
	uint32_t xid;
	uint64_t began_us, rt_us; /* the exchange's beginning, and its present timeout */
	uint64_t end_us;	  /* when it is given up; UINT64_MAX: never */
	uint64_t sent_until_us;	  /* the limit on messages: each moves it by a second, up to 20 s ahead */
	struct timer timer;
	struct dhcp6_duid client; /* our own */
	char hostname[DHCP6_NAME_MAX];
	struct dhcp6_duid server;  /* that was chosen, or gave the addresses */
	struct dhcp6_ia ia;	   /* offered, asked for, or held: as the state says */
	struct dhcp6_ia given_back; /* DECLINING, RELEASING: the addresses */
	uint8_t best_preference;   /* SOLICITING: of the advertisement that ia and server are from, if ia.is_there */
	bool is_bound;		   /* ia and server are a binding: its addresses are in use */
	uint64_t t1_us, t2_us, expires_us; /* UINT64_MAX: never */
	uint32_t sol_max_rt_s, inf_max_rt_s;
	struct dhcp6_servers dns, ntp;
	struct dhcp_domains domains;
};

/* Messages for port 546 of a link with a client are the client's. True: it was one, and is dealt with. */
bool dhcp6_input(struct stack *st, const struct ip_rx *rx, uint16_t dport, const uint8_t *data, size_t len);

/* A router advertisement said that there are addresses (M) or parameters (O) to be had by DHCPv6 (RFC 4861 section 4.2). */
void dhcp6_on_advertisement(struct stack *st, uint32_t ifindex, bool is_managed, bool has_other);

/* The address is another host's (RFC 4862 section 5.4.5): decline it. */
void dhcp6_on_conflict(struct stack *st, uint32_t ifindex, const struct ip_addr *addr);

/* The link came up again: maybe on another network. */
void dhcp6_on_link_up(struct stack *st, uint32_t ifindex);

void dhcp6_fini(struct stack *st); /* frees all clients, without a packet */

/* dhcp6_send.c: one message, now; and the server that messages of this type name (NULL: they go to all). */
void dhcp6_send(struct dhcp6 *c, enum dhcp6_type type);
const struct dhcp6_duid *dhcp6_addressee(const struct dhcp6 *c, enum dhcp6_type type);

/* dhcp6_lease.c: what a REPLY says of the identity association. */
void dhcp6_lease_apply(struct dhcp6 *c, const struct dhcp6_reply *m);
void dhcp6_lease_withdraw(struct dhcp6 *c);
void dhcp6_forget_parameters(struct dhcp6 *c);
void dhcp6_lease_forget_addr(struct dhcp6_ia *ia, const struct ip_addr *addr);

#endif
