/* SPDX-License-Identifier: BSD-2-Clause */
/* tunable.h - everything that can be set, in one list, under Linux's name where Linux has one.
 * Code reads st->tunables.NAME. To add one, add a line here. Values are unsigned integers within [min, max]; the ones
 * that Linux writes as three numbers (net.ipv4.tcp_rmem) are three lines here and are set and shown together, with
 * spaces between. The names under net.ipv4.tcp_ hold for TCP over IPv6 too, as in Linux. */
#ifndef TAPIR_STACK_TUNABLE_H
#define TAPIR_STACK_TUNABLE_H

#include <stdbool.h>
#include <stdint.h>

/* X(field, name, default, min, max, what it does and its unit) */
#define TUNABLES_LIST(X)                                                                                               \
	X(somaxconn, "net.core.somaxconn", 4096, 1, 65535, "cap on listen()'s backlog, connections")                   \
	X(rmem_default, "net.core.rmem_default", 212992, 2048, 1073741824, "receive buffer of a datagram socket, bytes") \
	X(rmem_max, "net.core.rmem_max", 4194304, 2048, 1073741824, "cap on SO_RCVBUF, bytes")                           \
	X(wmem_default, "net.core.wmem_default", 212992, 4608, 1073741824, "send buffer of a datagram socket, bytes")    \
	X(wmem_max, "net.core.wmem_max", 4194304, 4608, 1073741824, "cap on SO_SNDBUF, bytes")                           \
	X(ip_default_ttl, "net.ipv4.ip_default_ttl", 64, 1, 255, "time to live of packets sent")                       \
	X(ip6_hop_limit, "net.ipv6.conf.all.hop_limit", 64, 1, 255, "hop limit of packets sent over IPv6")             \
	X(ip_local_port_min, "net.ipv4.ip_local_port_range[0]", 32768, 1, 65535, "lowest ephemeral port")              \
	X(ip_local_port_max, "net.ipv4.ip_local_port_range[1]", 60999, 1, 65535, "highest ephemeral port")

struct tunables {
#define TUNABLE_FIELD(field, name, init, min, max, text) uint32_t field;
	TUNABLES_LIST(TUNABLE_FIELD)
#undef TUNABLE_FIELD
};

void tunables_init(struct tunables *t);

/* As stack_set() and stack_get() (stack.h); *why is never NULL here, and is set on failure. A name whose lines end in [0], [1], ... takes that many numbers at once. */
int tunable_set(struct tunables *t, const char *name, const char *value, const char **why);
int tunable_get(const struct tunables *t, const char *name, char *value, unsigned room);

enum { TUNABLE_NAME_MAX = 64 };

/* The index'th tunable by the name people use (without [0]), and what it does. False past the end. */
bool tunable_at(unsigned index, char name[TUNABLE_NAME_MAX], const char **text);

#endif
