/* SPDX-License-Identifier: BSD-2-Clause */
/* sockopt.h - a socket option as a row of a table, for the files that hold the tables: sockopt.c (SOL_SOCKET), sockopt_ip.c and
 * sockopt_mcast.c (IPPROTO_IP, IPPROTO_IPV6).
 * client-lib/option_table.c says the same of each option to people, and the tests compare the two.
 * To add an option, add a row, and a field to struct sock_opts or functions. */
#ifndef TAPIR_STACK_SOCKOPT_H
#define TAPIR_STACK_SOCKOPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <netinet/in.h>
#include <sys/socket.h>

/* Names that the C library's headers may lack, or that clash there with the kernel's. */
#ifndef SO_RESERVE_MEM
#define SO_RESERVE_MEM 73
#endif
#ifndef SO_RCVMARK
#define SO_RCVMARK 75
#endif
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#define SO_PEERPIDFD 77
#endif
#ifndef SO_RCVPRIORITY
#define SO_RCVPRIORITY 82
#endif
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif
#ifndef IP_NODEFRAG
#define IP_NODEFRAG 22
#endif
#ifndef IP_RECVERR_RFC4884
#define IP_RECVERR_RFC4884 26
#endif
#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif
#ifndef IP_PROTOCOL
#define IP_PROTOCOL 52
#endif
#ifndef IPV6_FLOWINFO
#define IPV6_FLOWINFO 11
#endif
#ifndef IPV6_ROUTER_ALERT_ISOLATE
#define IPV6_ROUTER_ALERT_ISOLATE 30
#endif
#ifndef IPV6_RECVERR_RFC4884
#define IPV6_RECVERR_RFC4884 31
#endif
#ifndef IPV6_FLOWINFO_SEND
#define IPV6_FLOWINFO_SEND 33
#endif
#ifndef IPV6_HDRINCL
#define IPV6_HDRINCL 36
#endif
#ifndef IPV6_RECVORIGDSTADDR
#define IPV6_RECVORIGDSTADDR 74
#endif

#ifndef IPV6_FLOWLABEL_MGR
#define IPV6_FLOWLABEL_MGR 32
#endif

struct sock;

/* Names of the client library's own, at the level IPPROTO_IPV6 (client-lib/protocol.h). */
enum { SOCKOPT_NEXT_FLOW_INFO = 0x7401, SOCKOPT_LEASED_FLOW_LABEL = 0x7402 };

enum sockopt_kind {
	SOCKOPT_BOOL,	 /* bool field; any int but 0 is true */
	SOCKOPT_INT,	 /* int32_t or uint32_t field */
	SOCKOPT_SPECIAL, /* an int through the row's functions */
	SOCKOPT_STRUCT,	 /* the functions see the bytes; getting, they see those that the caller's buffer held */
	SOCKOPT_REFUSED, /* what we do not do: setting fails with refused_set, getting with refused_get or shows a constant */
};

struct sockopt {
	int level, name;
	enum sockopt_kind kind;
	size_t field;	  /* offset in struct sock_opts */
	int min, max;	  /* SOCKOPT_INT: else EINVAL */
	bool raw_only;	  /* raw IPv4 sockets alone can set it; ENOPROTOOPT */
	bool no_stream;	  /* TCP sockets cannot set it; ENOPROTOOPT */
	bool needs_byte;  /* IPPROTO_IP: an empty value is EINVAL, not 0 */
	bool may_be_empty; /* IPPROTO_IPV6: a value shorter than an int is 0, not EINVAL */
	bool is_exact;	  /* only an int's length will do */
	int refused_set, refused_get; /* SOCKOPT_REFUSED: -errno; refused_get 0: what follows is shown */
	int shown;	  /* Linux's default: an int, or, of another length, each byte */
	uint8_t shown_bytes;
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
#define SOCKOPT_NEVER(error) .kind = SOCKOPT_REFUSED, .refused_set = -(error), .refused_get = -(error)
#define SOCKOPT_STAYS(error, value) .kind = SOCKOPT_REFUSED, .refused_set = -(error), .shown = value, .shown_bytes = sizeof(int)
#define SOCKOPT_STAYS_BYTES(error, byte, bytes) .kind = SOCKOPT_REFUSED, .refused_set = -(error), .shown = byte, .shown_bytes = bytes

/* sockopt_ip.c: the option of a level IPPROTO_IP or IPPROTO_IPV6. NULL: there is none. */
const struct sockopt *sockopt_ip_find(int level, int name);

/* sockopt_mcast.c: those of them that are about groups; the former looks here too. */
const struct sockopt *sockopt_mcast_find(int level, int name);

/* What getsockopt(2) tells of an option that is SOCKOPT_REFUSED: 0 or -errno. */
int sockopt_put_shown(const struct sockopt *o, void *value, size_t *len);

/* Whether there is a link of this index. */
bool sockopt_link_exists(struct sock *s, uint32_t ifindex);

#endif
