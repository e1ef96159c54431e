/* SPDX-License-Identifier: BSD-2-Clause */
/* addr_policy.h - the policy table of RFC 6724 section 2.1: what precedence and label an address has. Like gai.conf(5) and ip-addrlabel(8).
 *
 *	net.ipv6.policy.PREFIX    "PRECEDENCE LABEL" of the addresses in it; "none": no row for it
 *
 * IPv4 addresses are in ::ffff:0:0/96, and networks of theirs may have rows of their own ("10.0.0.0/8").
 * Promises: holds what section 2.1 says at first, a row for ::/0 always, and at most ADDR_POLICY_MAX rows. */
#ifndef TAPIR_STACK_ADDR_POLICY_H
#define TAPIR_STACK_ADDR_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"

enum { ADDR_POLICY_MAX = 64, ADDR_POLICY_NAME_MAX = 64 };

struct addr_policy {
	uint8_t precedence, label;
};

struct addr_policy_table {
	unsigned count;
	struct addr_policy_row {
		struct ip_prefix prefix;
		struct addr_policy policy;
	} rows[ADDR_POLICY_MAX]; /* longer prefixes first */
};

void addr_policy_init(struct addr_policy_table *t);

/* That of the longest prefix which @a is in. */
struct addr_policy addr_policy_of(const struct addr_policy_table *t, const struct ip_addr *a);

/* As tunable_set() and tunable_get() (tunable.h), for the names above; -ENOENT: not such a name. */
int addr_policy_set(struct addr_policy_table *t, const char *name, const char *value, const char **why);
int addr_policy_get(const struct addr_policy_table *t, const char *name, char *value, unsigned room);

/* The index'th row, by its name. False past the end. */
bool addr_policy_at(const struct addr_policy_table *t, unsigned index, char name[ADDR_POLICY_NAME_MAX]);

#endif
