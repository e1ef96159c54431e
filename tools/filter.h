/* SPDX-License-Identifier: BSD-2-Clause */
/* filter.h - which records of a table are meant: what stands behind "show" and "flush" in tapir addr, route, neigh and maddr. */
#ifndef TAPIR_TOOLS_FILTER_H
#define TAPIR_TOOLS_FILTER_H

#include <stddef.h>

#include "client-lib/protocol.h"
#include "tools/tool.h"

struct filter {
	char dev[16];		/* empty: every link */
	char origin[16];	/* "proto X"; empty: any */
	char state[16];		/* "nud X", or of an address; empty: any */
	bool has_addr;
	bool is_default;	/* the destination is "default", of either family */
	struct tapir_addr addr; /* prefix_len of a route, or of the networks that addresses and neighbours are in */
	uint32_t prefix_len;
};

/** filter_parse - read the words after the verb, ending in NULL: "dev LINK", "proto ORIGIN", "nud STATE", and ADDRESS, PREFIX, "default" or,
 * for addresses and groups, a link's name. A mistake is named, and ends the program (EX_USAGE). */
struct filter filter_parse(const struct tool *t, enum tapir_change_kind kind, char *const *words);

/* Keep the records that are meant, in their order. Each returns how many. */
size_t filter_links(const struct filter *f, struct tapir_link_rec *recs, size_t n);
size_t filter_addrs(const struct filter *f, struct tapir_addr_rec *recs, size_t n);
size_t filter_routes(const struct filter *f, struct tapir_route_rec *recs, size_t n);
size_t filter_neighs(const struct filter *f, struct tapir_neigh_rec *recs, size_t n);
size_t filter_groups(const struct filter *f, struct tapir_group_rec *recs, size_t n);

#endif
