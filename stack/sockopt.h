/* SPDX-License-Identifier: BSD-2-Clause */
/* sockopt.h - a socket option as a row of a table, for the files that hold the tables: sockopt.c (SOL_SOCKET), sockopt_ip.c and
 * sockopt_mcast.c (IPPROTO_IP, IPPROTO_IPV6).
 * To add an option, add a row, and a field to struct sock_opts or functions. */
#ifndef TAPIR_STACK_SOCKOPT_H
#define TAPIR_STACK_SOCKOPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sock;

enum sockopt_kind {
	SOCKOPT_BOOL,	 /* bool field; any int but 0 is true */
	SOCKOPT_INT,	 /* int32_t or uint32_t field */
	SOCKOPT_SPECIAL, /* an int through the row's functions */
	SOCKOPT_STRUCT,	 /* the functions see the bytes; getting, they see those that the caller's buffer held */
};

struct sockopt {
	int level, name;
	enum sockopt_kind kind;
	size_t field;	  /* offset in struct sock_opts */
	int min, max;	  /* SOCKOPT_INT: else EINVAL */
	bool raw_only;
	int (*set)(struct sock *s, int value); /* NULL for SOCKOPT_SPECIAL: cannot be set */
	int (*get)(struct sock *s, int *value);
	/* NULL: cannot be set, cannot be got. */
	int (*set_struct)(struct sock *s, const void *value, size_t len);
	int (*get_struct)(struct sock *s, void *value, size_t *len);
};

/* How rows are written: set_WHAT() and get_WHAT(), or get_WHAT() alone. */
#define SOCKOPT_FIELD(name) .field = offsetof(struct sock_opts, name)
#define SOCKOPT_FUNCTIONS(what) .kind = SOCKOPT_SPECIAL, .set = set_##what, .get = get_##what
#define SOCKOPT_SHOWN(what) .kind = SOCKOPT_SPECIAL, .get = get_##what

/* sockopt_ip.c: the option of a level IPPROTO_IP or IPPROTO_IPV6. NULL: there is none. */
const struct sockopt *sockopt_ip_find(int level, int name);

/* sockopt_mcast.c: those of them that are about groups; the former looks here too. */
const struct sockopt *sockopt_mcast_find(int level, int name);

/* Whether there is a link of this index. */
bool sockopt_link_exists(struct sock *s, uint32_t ifindex);

#endif
