/* SPDX-License-Identifier: BSD-2-Clause */
/* print.h - the records of protocol.h as text and as JSON. Pure: records in, text out, so that a test needs no daemon.
 * Each *_json() returns a new array (stats: an object) that the caller owns. */
#ifndef TAPIR_TOOLS_PRINT_H
#define TAPIR_TOOLS_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

#include "client-lib/protocol.h"

/* ---- Sockets (print_ss.c) ---- */

struct ss_view {
	bool tcp, udp, raw;	  /* kinds to show; none set: all */
	bool ip4, ip6;		  /* families; none set: both */
	bool listening, all;	  /* instead of connected ones; everything */
	bool numeric;		  /* no service names; rates in full */
	bool info;		  /* -i: the second line */
	bool timers, processes, extended;
	bool no_header, oneline;
	const struct tapir_link_rec *links; /* to name the scope of link-local addresses */
	size_t link_count;
	/* Fill @buf with a process's name; false: not known. NULL: never known. */
	bool (*process_name)(int32_t pid, char *buf, size_t room);
};

/* Keep the records that @view wants, in the order to show them. Returns how many. */
size_t ss_select(struct tapir_sock_rec *recs, size_t n, const struct ss_view *view);
void ss_print(FILE *f, const struct tapir_sock_rec *recs, size_t n, const struct ss_view *view);
json_t *ss_json(const struct tapir_sock_rec *recs, size_t n, const struct ss_view *view);

/* ---- Links, addresses, routes, neighbours (print_net.c), as ip(8) prints them ---- */

struct net_view {
	bool ip4, ip6; /* families; none set: both */
};

void link_print(FILE *f, const struct tapir_link_rec *links, size_t n);
json_t *link_json(const struct tapir_link_rec *links, size_t n);

/* Addresses under their links; a link without an address of the family is left out when one family is asked for. */
void addr_print(FILE *f, const struct tapir_addr_rec *addrs, size_t n, const struct tapir_link_rec *links,
		size_t link_count, const struct net_view *view);
json_t *addr_json(const struct tapir_addr_rec *addrs, size_t n, const struct net_view *view);

void route_print(FILE *f, const struct tapir_route_rec *routes, size_t n, const struct net_view *view);
json_t *route_json(const struct tapir_route_rec *routes, size_t n, const struct net_view *view);

void neigh_print(FILE *f, const struct tapir_neigh_rec *neighs, size_t n, const struct net_view *view);
json_t *neigh_json(const struct tapir_neigh_rec *neighs, size_t n, const struct net_view *view);

/* ---- Groups (print_maddr.c) ---- */

/* Groups under their links. Records of one group follow each other. */
void maddr_print(FILE *f, const struct tapir_group_rec *groups, size_t n, const struct net_view *view);
json_t *maddr_json(const struct tapir_group_rec *groups, size_t n, const struct net_view *view);

/* ---- DNS servers and search domains (print_dns.c) ---- */

void dns_print(FILE *f, const struct tapir_dns_rec *records, size_t n);
json_t *dns_json(const struct tapir_dns_rec *records, size_t n);

/* ---- DHCP clients (print_dhcp.c) ---- */

void dhcp_print(FILE *f, const struct tapir_dhcp_rec *records, size_t n, const struct net_view *view);
json_t *dhcp_json(const struct tapir_dhcp_rec *records, size_t n, const struct net_view *view);

/* ---- Counters and tunables (print_stats.c) ---- */

struct stats_view {
	bool all;	     /* also those that are 0 */
	char *const *patterns; /* glob(7) patterns, of which a name must match one; NULL-terminated; none: all names */
};

/* @before: the same counters earlier; then only what changed is shown, by how much. NULL: the values. @n of both. Returns
 * how many lines it printed. */
size_t stats_print(FILE *f, const struct tapir_stat_rec *stats, const struct tapir_stat_rec *before, size_t n,
		   const struct stats_view *view);
json_t *stats_json(const struct tapir_stat_rec *stats, const struct tapir_stat_rec *before, size_t n,
		   const struct stats_view *view);

/* Whether @name matches one of @patterns (NULL-terminated list), or there are none. */
bool stats_name_matches(const char *name, char *const *patterns);

void tunables_print(FILE *f, const struct tapir_tunable *tunables, size_t n);
json_t *tunables_json(const struct tapir_tunable *tunables, size_t n);

#endif
