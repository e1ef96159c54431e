/* SPDX-License-Identifier: BSD-2-Clause */
/* mcast_report.h - telling routers and switches what a link listens to: the host's part of IGMP (RFC 1112, 2236, 3376) and of MLD
 * (RFC 2710, 3810), which are one state machine in two notations. igmp.c and mld.c check what arrives and send what is made here.
 *
 * Theory of operation. A struct mcast_if is one family on one link. It speaks the latest version unless an older querier was heard
 * not long ago (RFC 3376 section 7.2.1), or net.ipv4.conf.all.force_igmp_version or net.ipv6.conf.all.force_mld_version says
 * otherwise. When the version changes, everything that was still to be sent is forgotten.
 *
 * Latest version. A change of a group's reception state is told at once, and again robustness - 1 times after random delays: the
 * change of mode with the whole list, or the sources that were allowed and blocked. What still has to be told is kept by group
 * (mode_left) and by source (pending), so that later changes merge with it (section 5.1). Queries are answered after a random delay:
 * a general one by one timer of the interface, others by one timer a group, with the union of the sources asked about (section 5.2).
 * An answer to a general query that takes several reports goes round the groups one report at a time, spread over the time that there
 * is; a query that comes meanwhile makes the round begin anew where it is, so that no flood of them starves a group.
 *
 * Older versions. A group has one timer: for its unsolicited reports and for its answer. Hearing another host's report cancels it,
 * and then that host will be the one to be asked again: only who reported last sends a leave (RFC 2236 section 3).
 *
 * Groups for single sources (RFC 4604: 232/8, ff3x::/32) are reported with the sources that were asked for by name only: never as
 * EXCLUDE, and in the older versions not at all, since both would mean every source.
 *
 * Never: reports a group that is_silent(): 224.0.0.1, ff02::1, interface-local scope; nor anything on the loopback, nor IPv6 on a link too small for it. */
#ifndef TAPIR_STACK_MCAST_REPORT_H
#define TAPIR_STACK_MCAST_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "list.h"
#include "mcast_filter.h"
#include "timer.h"
#include "wire.h"

struct frame;
struct link;
struct mcast_group;
struct stack;

enum {
	MCAST_LEAVING_MAX = 1024, /* groups of an interface without listeners, kept to tell it again */
	MCAST_ASKED_MAX = 400,	  /* sources that queries name, of one group (366 fit in one, of Ethernet): of more the whole group is told */
	MCAST_ASKED_ALL = 65536,  /* of all groups: likewise */
	MCAST_PENDING_MAX = 1024, /* sources still to be told, of one group: of more the whole list is told */
};

/* A source whose change is still to be told. */
struct mcast_pending {
	struct ip_addr addr;
	uint8_t left; /* times */
};

/* What is to be told of one group. */
struct mcast_reporting {
	struct list changed_link;   /* of the interface's changed groups */
	struct timer timer;	    /* an answer; in older versions also an unsolicited report */
	struct mcast_sources asked; /* what the answer is about; none: the whole group */
	struct mcast_pending *pending;
	uint32_t pending_count, pending_room;
	uint8_t mode_left;	    /* times the present mode is still to be told */
	uint8_t joins_left;	    /* older versions: unsolicited reports still to be sent */
	bool is_last_reporter;
};

enum mcast_record_type {
	MCAST_IS_INCLUDE = 1,
	MCAST_IS_EXCLUDE = 2,
	MCAST_TO_INCLUDE = 3,
	MCAST_TO_EXCLUDE = 4,
	MCAST_ALLOW = 5,
	MCAST_BLOCK = 6,
};

/* What differs between IGMP and MLD. */
struct mcast_protocol {
	uint8_t latest;	      /* version that has records and sources: 3, 2 */
	uint8_t first_leave;  /* version that has leaves: 2, 1 */
	uint8_t addr_bytes;   /* of an address in a message */
	uint8_t report_type;  /* of the latest version */
	uint16_t header_bytes; /* of IP, with router alert */
	bool (*is_silent)(const struct stack *st, const struct ip_addr *group); /* never reported */
	uint32_t (*forced_version)(const struct stack *st); /* 0: none */
	bool (*is_source_specific)(const struct stack *st, const struct ip_addr *group); /* RFC 4604 */
	uint32_t (*robustness)(const struct stack *st);	    /* until a querier says otherwise */
	uint32_t (*unsolicited_ms)(const struct stack *st, unsigned version); /* most time between unsolicited reports */
	void (*send_report)(struct stack *st, struct link *l, unsigned version, const struct ip_addr *group); /* older versions */
	void (*send_leave)(struct stack *st, struct link *l, const struct ip_addr *group);
	void (*send_records)(struct stack *st, struct link *l, struct frame *f); /* takes over a whole report, checksum 0 */
};

extern const struct mcast_protocol igmp_protocol, mld_protocol;

struct mcast_if {
	const struct mcast_protocol *protocol;
	struct stack *st;
	struct link *l;
	struct list groups;
	uint32_t count;		    /* of these */
	uint32_t leaving;	    /* of these, without users */
	struct list changed;	    /* groups with changes still to be told */
	uint8_t version;	    /* spoken at the last look */
	uint8_t robustness;	    /* of the last querier; 0: it named none */
	uint32_t query_interval_s;  /* likewise */
	uint64_t older_until_us[2]; /* a querier of version 1, 2 counts as present until then */
	struct timer answer_timer;  /* a general query is to be answered */
	struct list *answer_next;   /* the group that is next in the round; the list's head: the first */
	uint32_t answer_left;	    /* groups of the round */
	uint64_t answer_until_us;
	struct timer change_timer;  /* changes are to be told */
};

/* A query whose form has been checked. */
struct mcast_query {
	struct ip_addr group;	/* the wildcard: general */
	uint8_t version;
	uint8_t robustness;	/* QRV; 0: not given */
	uint32_t interval_s;	/* QQI; 0: not given */
	uint32_t max_response_us;
	uint32_t source_count;
	struct wire_rd sources; /* that many, each of the protocol's addr_bytes */
};

void mcast_if_init(struct stack *st, struct link *l, struct mcast_if *ifc, const struct mcast_protocol *protocol);

void mcast_report_on_query(struct mcast_if *ifc, const struct mcast_query *q);

/* Another host reported @group (older versions). */
void mcast_report_on_report(struct mcast_if *ifc, const struct ip_addr *group);

/** mcast_report_change - @g's reception state was @old and is now g->filter. Tell it at @at_us.
 * When @g has no users, it may be gone afterwards. */
void mcast_report_change(struct mcast_group *g, const struct mcast_filter *old, uint64_t at_us);

/* Tell now what waits to be told. */
void mcast_report_flush(struct mcast_if *ifc);

/* The interface got the source address that its reports lacked: tell everything anew (RFC 3810 section 5.2.13, RFC 3590). */
void mcast_report_all(struct mcast_if *ifc);

/* Whether only the sources asked for by name are reported of @group. */
bool mcast_is_source_specific(const struct mcast_if *ifc, const struct ip_addr *group);

void mcast_reporting_init(struct mcast_group *g);

/* Release what @g holds for reports. */
void mcast_reporting_fini(struct mcast_group *g);

/* The version spoken now; when the next report of the group is due, UINT64_MAX: none. */
unsigned mcast_version(const struct mcast_if *ifc);
uint64_t mcast_report_due_us(const struct mcast_group *g);

#endif
