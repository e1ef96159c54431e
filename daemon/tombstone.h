/* SPDX-License-Identifier: BSD-2-Clause */
/* tombstone.h - what is remembered of a socket whose channel the daemon has closed while the client still holds its end:
 * why, and between which addresses it was. The newest TOMBSTONES_MAX are kept; an older one answers like a stranger's socket. */
#ifndef TAPIR_DAEMON_TOMBSTONE_H
#define TAPIR_DAEMON_TOMBSTONE_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/addr.h"

struct sock;

enum { TOMBSTONES_MAX = 4096, TOMBSTONE_BUCKETS = 4096 };

struct tombstone {
	uint64_t cookie; /* 0: unused */
	int error;	 /* positive errno, told once; 0: none */
	uint8_t family;
	struct ip_endpoint local, remote;
	struct sock *sock;	  /* has the options, and takes the next connect(); NULL: it was not kept */
	bool was_connected;	  /* connect() is EISCONN, unless it dissolves */
	struct ip_endpoint bound; /* what bind(2) gave it, if was_bound; nobody is kept from it meanwhile */
	bool was_bound;
	uint32_t next; /* in its bucket, index + 1 */
};

struct tombstones {
	struct tombstone *ring;
	uint32_t buckets[TOMBSTONE_BUCKETS]; /* index + 1; 0: empty */
	uint32_t at;
};

int tombstones_init(struct tombstones *t); /* 0 or -ENOMEM */
void tombstones_fini(struct tombstones *t);
/* Returns the socket of one that had to go, for the caller to close, or NULL. */
struct sock *tombstone_set(struct tombstones *t, const struct tombstone *what);
struct tombstone *tombstone_find(struct tombstones *t, uint64_t cookie);

#endif
