/* SPDX-License-Identifier: BSD-2-Clause */
/* mcast.h - multicast groups: which the links listen to, on whose behalf, and which sockets get what comes (RFC 1112, RFC 3376
 * section 3, RFC 4604, RFC 3678).
 *
 * A socket's memberships each have a source filter. All filters for a group on a link make the link's reception state
 * (mcast_filter.h); whenever that changes, mcast_report.h tells the routers and switches of the link. The stack itself listens to the
 * solicited-node groups of its addresses; 224.0.0.1 and ff02::1 every link hears, without membership or report.
 *
 * Limits: MCAST_GROUPS_MAX groups, MCAST_MEMBERS_MAX memberships, MCAST_SOURCES_MAX sources; of a socket
 *         net.ipv4.igmp_max_memberships for IPv4, and memberships of IPv6 and all sources by what fits net.core.optmem_max, as in Linux;
 *         of an owner MCAST_OWNER_MEMBERS_MAX and MCAST_OWNER_SOURCES_MAX.
 * Never:  on the way of a packet to one host. */
#ifndef TAPIR_STACK_MCAST_H
#define TAPIR_STACK_MCAST_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "hash.h"
#include "list.h"
#include "mcast_filter.h"
#include "mcast_report.h"
#include "pool.h"

struct link;
struct sock;
struct stack;

enum {
	MCAST_BUCKETS = 1024,
	MCAST_GROUPS_MAX = 65536,
	MCAST_GROUPS_OWN = 4096, /* of these, kept for the stack's own */
	MCAST_MEMBERS_MAX = 262144,
	MCAST_SOURCES_MAX = 524288, /* in the filters of all sockets */
	/* One owner of sockets (a user) leaves an eighth to the others. */
	MCAST_OWNER_MEMBERS_MAX = (MCAST_GROUPS_MAX - MCAST_GROUPS_OWN) / 8 * 7,
	MCAST_OWNER_SOURCES_MAX = MCAST_SOURCES_MAX / 8 * 7,
};

/* One group on one link. Without users it is only kept until its leaving has been told. */
struct mcast_group {
	struct list link;	 /* of its interface */
	struct list bucket_link;
	struct mcast_if *ifc;
	struct ip_addr addr;
	uint32_t users;		 /* memberships of sockets, and the stack's own */
	bool is_configured;	 /* one of the stack's own: stack_join_group() */
	struct mcast_merge merge;
	struct mcast_filter filter; /* what they come to: the reception state, as it is reported */
	struct mcast_reporting report;
};

/* What the sockets of one owner have; gone with their last membership. */
struct mcast_owner {
	struct mcast_owner *next;
	uint32_t owner; /* sock_set_owner() */
	uint32_t members, sources;
};

/* A socket's membership. */
struct mcast_member {
	struct mcast_member *next;
	struct mcast_owner *owner;
	struct mcast_group *group;
	struct mcast_filter filter;
	bool has_list; /* a source was named once: Linux lets the mode only change before */
};

struct mcast_table {
	struct list buckets[MCAST_BUCKETS];
	struct hash_key key;
	struct rng rng; /* delays of reports */
	struct pool groups, members;
	struct mcast_owner *owners;
	uint32_t sources; /* of all memberships */
	uint32_t asked;	  /* that queries named and that are still to be answered, of all groups */
};

int mcast_table_init(struct stack *st); /* 0 or -ENOBUFS */
void mcast_table_fini(struct stack *st);

/* All nodes, of the interface or of the link (RFC 4291 section 2.7.1). */
bool mcast_is_all_nodes(const struct ip_addr *group);

/* Whether packets to @group that arrive on @l are for us. */
bool mcast_hears(struct stack *st, const struct ip_addr *group, const struct link *l);

/* The group on link @ifindex; NULL: nobody listens, and nothing is left to be told. */
struct mcast_group *mcast_find(struct stack *st, const struct ip_addr *group, uint32_t ifindex);

/* ---- The stack's own groups ---- */

/** mcast_join_own - listen to @group on @l. @report_at_us: when the routers are told, at the latest: mcast_report_flush() may come
 * before. 0 or -ENOBUFS. */
int mcast_join_own(struct stack *st, struct link *l, const struct ip_addr *group, uint64_t report_at_us);
void mcast_leave_own(struct stack *st, struct link *l, const struct ip_addr *group);

/* ---- Sockets ---- */

/* The membership of @s; @ifindex 0: on any link. NULL: none. */
struct mcast_member *mcast_member_find(const struct sock *s, const struct ip_addr *group, uint32_t ifindex);

/** mcast_member_add - a new membership, all sources or (FILTER_INCLUDE) none. The caller has looked that there is none.
 * Returns 0, -ENOBUFS (limits of IPv4, or of the stack), -ENOMEM (limit of IPv6). */
int mcast_member_add(struct sock *s, struct link *l, const struct ip_addr *group, enum filter_mode mode);

/** mcast_member_set - give @member another filter. Takes *filter over on success. Returns 0 or -ENOBUFS. */
int mcast_member_set(struct sock *s, struct mcast_member *member, struct mcast_filter *filter);

void mcast_member_drop(struct sock *s, struct mcast_member *member);

/* The application is gone: so are its memberships. */
void mcast_leave_all(struct sock *s);

/* Whether @s wants packets to @group from @source that came in on @ifindex: by its membership's filter, or, without one, when it has
 * IP_MULTICAST_ALL or IPV6_MULTICAST_ALL (ip(7)). */
bool mcast_sock_wants(const struct sock *s, const struct ip_addr *group, const struct ip_addr *source, uint32_t ifindex);

/* mcast_report.c: nothing is left to be told of @g. */
void mcast_group_free(struct mcast_group *g);

#endif
