/* SPDX-License-Identifier: BSD-2-Clause */
/* port.h - who holds which local port, for TCP, UDP and the identifiers of ping sockets.
 * A port that anybody holds has a struct port_bucket; every holder hangs a struct port_hold into it. Sockets have one in
 * struct sock; TCP moves a connection's into its TIME-WAIT record (port_move()).
 * Promises: binding follows Linux's rules of conflict (see port_conflicts() in port.c); a lookup is O(1) whatever the number of
 *           holders; ephemeral ports are chosen by RFC 6056 algorithm 4, so that they are hard to guess and a port that was
 *           used last is chosen last.
 * Never:    judges who may bind what (the daemon does), nor whether an address is ours (ip_check_bind()). */
#ifndef TAPIR_STACK_PORT_H
#define TAPIR_STACK_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "hash.h"
#include "list.h"
#include "pool.h"

struct stack;
struct sock;

enum port_space { PORT_TCP, PORT_UDP, PORT_PING, PORT_SPACES };

enum port_kind {
	PORT_BOUND,  /* by bind(2), or an ephemeral one that nobody may share */
	PORT_LISTEN, /* a TCP listener */
	PORT_CONN,   /* a connection: from accept(2), or from connect(2) without bind(2); shares the port with other remotes */
};

struct port_bucket {
	struct list bound;	/* holds of kind PORT_BOUND and PORT_LISTEN */
	struct list conns;	/* holds of kind PORT_CONN */
	uint32_t conns_strict;	/* of those, without SO_REUSEADDR */
	uint16_t port;
	uint8_t space;
};

/* A claim on a port. Zeroed and port_hold_init() before first use. */
struct port_hold {
	struct list link;
	struct port_bucket *bucket; /* NULL: holds nothing */
	struct ip_addr addr;	    /* local address, or a wildcard */
	uint32_t ifindex;	    /* SO_BINDTODEVICE; 0: any */
	uint32_t owner;		    /* sock_set_owner(): SO_REUSEPORT is shared within one owner only */
	uint8_t kind;		    /* enum port_kind */
	bool reuse_addr, reuse_port, v6only;
};

enum { PORT_PAGE_PORTS = 256, PORT_PAGES = 65536 / PORT_PAGE_PORTS, PORT_COUNTERS = 1024 };

struct port_table {
	struct port_bucket **pages[PORT_SPACES][PORT_PAGES]; /* page of a port, then the port within it; made when needed */
	struct pool buckets;
	struct hash_key offset_key, index_key; /* RFC 6056 section 3.3.4: F() and G() */
	uint16_t counters[PORT_COUNTERS];      /* and its table */
};

int port_table_init(struct stack *st); /* 0 or -ENOBUFS */
void port_table_fini(struct stack *st);

/** port_bind - claim local->port (0: an ephemeral one) at local->addr for @s, and set s->local, s->is_bound.
 * The address was judged before. Returns 0, -EADDRINUSE, -ENOBUFS. */
int port_bind(struct sock *s, const struct ip_endpoint *local);

/** port_connect - claim an ephemeral port for a connection from s->local.addr (set, specific) to @remote, which other connections
 * may share as long as their remote differs. Sets s->local.port and s->is_bound.
 * @is_free: whether the protocol knows no connection from s->local.addr:@port to @remote.
 * Returns 0, -EADDRNOTAVAIL (all ports to this remote are taken), -ENOBUFS. */
int port_connect(struct sock *s, const struct ip_endpoint *remote,
		 bool (*is_free)(struct sock *s, const struct ip_endpoint *remote, uint16_t port));

/* A bound socket starts or stops to listen: -EADDRINUSE when another one listens there already (both with SO_REUSEADDR). */
int port_listen(struct sock *s);
void port_unlisten(struct sock *s);

/* An accepted connection's claim beside its listener's. Cannot fail. */
void port_share(struct port_hold *child, const struct port_hold *listener, const struct ip_addr *local_addr);

/* @to takes over @from's claim (TIME-WAIT). @from holds nothing afterwards. */
void port_move(struct port_hold *to, struct port_hold *from);

/* A claim at a wildcard becomes one at @addr (connect(2) after bind(2)), or the other way round. */
void port_set_addr(struct port_hold *hold, const struct ip_addr *addr);

void port_hold_init(struct port_hold *hold);
void port_release(struct stack *st, struct port_hold *hold); /* harmless when nothing is held */

/* Who holds @port: NULL when nobody does. For deliveries to every holder (multicast). */
struct port_bucket *port_lookup(const struct stack *st, enum port_space space, uint16_t port);

#endif
