/* SPDX-License-Identifier: BSD-2-Clause */
/* net.c - tapir addr, route, neigh, link: what the stack's network layer is made of. */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tools/change.h"
#include "tools/json.h"
#include "tools/print.h"
#include "tools/query.h"
#include "tools/tool.h"

#define HELP_OPTIONS                                                                                                   \
	"Options:\n"                                                                                                   \
	"  -4, --ipv4     only IPv4\n"                                                                                 \
	"  -6, --ipv6     only IPv6\n"                                                                                 \
	"  --json         as JSON\n"                                                                                   \
	"  --socket PATH  the daemon's control socket\n"                                                               \
	"  --help         this text\n"                                                                                 \
	"\n"

static const char addr_help[] =
	"Usage: tapir addr [show] [OPTION...]\n"
	"       tapir addr add ADDRESS/LENGTH [dev LINK] [valid SECONDS] [preferred SECONDS]\n"
	"       tapir addr del ADDRESS [dev LINK]\n"
	"\n"
	"Show the stack's links and their addresses, as ip(8) does:\n"
	"  2: tap0: mtu 1500                         interface index, name, largest packet; down: switched off, or without carrier\n"
	"      link/ether 02:..:..                   kind of link, and its own hardware address\n"
	"      inet 10.77.0.2/24 scope global proto static preferred\n"
	"  scope  how far the address reaches: host (this stack), link, global\n"
	"  proto  where it comes from: static (--addr of tapird), loopback, linklocal, slaac, temporary, dhcp\n"
	"  then its state: preferred (in use), optimistic (in use, and being checked for a duplicate), tentative (being checked),\n"
	"  deprecated (for old connections only), duplicate (another host has it); and how long it is valid and preferred\n"
	"\n" HELP_OPTIONS
	"Examples:\n"
	"  tapir addr\n"
	"  tapir addr --json | jq -r '.[] | select(.scope == \"global\") | .address'\n"
	"\n"
	"  tapir addr add 10.77.0.3/24\n"
	"\n"
	"add and del change the running daemon, for the superuser and the user who started it; add to an address that is there\n"
	"changes its lifetimes. For every start: tapird --addr 10.77.0.2/24, or the configuration file.\n";

static const char route_help[] =
	"Usage: tapir route [show] [OPTION...]\n"
	"       tapir route add PREFIX|default [via ROUTER] [dev LINK] [metric N]\n"
	"       tapir route del PREFIX|default [via ROUTER] [dev LINK] [metric N]\n"
	"\n"
	"Show the stack's routes, as ip(8) does. The longest prefix that holds a destination wins, then the lowest metric.\n"
	"  default via 10.77.0.1 dev tap0 proto static    to everywhere else: the gateway (--gateway of tapird)\n"
	"  10.77.0.0/24 dev tap0 proto onlink             the network of one of our addresses: neighbours, no gateway\n"
	"\n" HELP_OPTIONS
	"Examples:\n"
	"  tapir route\n"
	"  tapir route -6 --json\n"
	"  tapir route add 192.0.2.0/24 via 10.77.0.1\n"
	"\n"
	"add and del change the running daemon, for the superuser and the user who started it. del takes the route that has\n"
	"exactly these.\n";

static const char neigh_help[] =
	"Usage: tapir neigh [show] [OPTION...]\n"
	"       tapir neigh add ADDRESS lladdr XX:XX:XX:XX:XX:XX [dev LINK]\n"
	"       tapir neigh del ADDRESS [dev LINK]\n"
	"\n"
	"Show the stack's neighbours, as ip(8) does: hardware addresses learnt through ARP and Neighbor Discovery.\n"
	"  10.77.0.1 dev tap0 lladdr 3a:..:.. age 1.2s REACHABLE\n"
	"  age     since it was last known to answer\n"
	"  queued  packets that wait for its address\n"
	"States (RFC 4861 section 7.3.2, for both families):\n"
	"  INCOMPLETE  asked, no answer yet           REACHABLE  known to answer\n"
	"  STALE       was; not asked again until used DELAY      used again, waiting for a sign of life\n"
	"  PROBE       being asked again              FAILED     does not answer\n"
	"  PERMANENT   added by hand: nothing from the network changes it\n"
	"\n" HELP_OPTIONS
	"Examples:\n"
	"  tapir neigh\n"
	"  tapir neigh --json | jq '.[] | select(.state == \"failed\")'\n"
	"  tapir neigh add 10.77.0.9 lladdr 02:00:5e:10:00:01\n"
	"\n"
	"add and del change the running daemon, for the superuser and the user who started it. del forgets one however it was\n"
	"learnt: the next packet asks again.\n";

static const char link_help[] =
	"Usage: tapir link [show] [OPTION...]\n"
	"\n"
	"Show the stack's links: largest packet (MTU), hardware address, what the kernel's side of the TAP takes on, traffic.\n"
	"  offloads  checksum: may be left to the other side; tso4, tso6: TCP segments up to 64 KiB over IPv4, IPv6;\n"
	"            uso: the same for UDP. A super-segment counts as one frame.\n"
	"  RX, TX    frames and bytes received and sent; dropped: 'tapir stats' says why\n"
	"\n"
	"Options:\n"
	"  --json         as JSON\n"
	"  --socket PATH  the daemon's control socket\n"
	"  --help         this text\n"
	"\n"
	"Examples:\n"
	"  tapir link\n"
	"  tapir link --json | jq '.[] | {name, in_bytes, out_bytes}'\n";

static const struct option family_longs[] = {
	TOOL_COMMON_OPTIONS,
	{ "ipv4", no_argument, NULL, '4' },
	{ "ipv6", no_argument, NULL, '6' },
	{ 0 },
};

static const struct option link_longs[] = { TOOL_COMMON_OPTIONS, { 0 } };

/* The options; what else there is may be a change. */
static struct net_view parse_options(struct tool *t, int argc, char **argv)
{
	struct net_view v = { 0 };
	int c;

	while ((c = tool_option(t, argc, argv)) != -1) {
		if (c == '4')
			v.ip4 = true;
		else if (c == '6')
			v.ip6 = true;
	}
	return v;
}

static void expect_show(const struct tool *t, int argc, char **argv, const char *expected)
{
	if (optind < argc && strcmp(argv[optind], "show") && strcmp(argv[optind], "list"))
		tool_fail(t, EX_USAGE, "unexpected argument '%s'; expected %s", argv[optind], expected);
	if (optind + 1 < argc)
		tool_fail(t, EX_USAGE, "unexpected argument '%s'; expected nothing after '%s'", argv[optind + 1], argv[optind]);
}

static struct net_view parse(struct tool *t, int argc, char **argv)
{
	struct net_view v = parse_options(t, argc, argv);

	expect_show(t, argc, argv, "'show' or nothing");
	return v;
}

/* For what can be changed: true when it was, with the exit status in *status; else *view is what to show. */
static bool change_or_view(struct tool *t, enum tapir_change_kind kind, int argc, char **argv, struct net_view *view, int *status)
{
	struct tapir_change c;

	*view = parse_options(t, argc, argv);
	if (!change_is_asked(argv[optind])) {
		expect_show(t, argc, argv, "'add', 'del', 'show' or nothing");
		return false;
	}
	c = change_parse(t, kind, argv + optind);
	*status = change_make(t, &c);
	return true;
}

/* One table: fetched, and left for the caller to print and free. */
static void *fetch(const struct tool *t, enum tapir_dump what, size_t record_bytes, size_t *n)
{
	struct query q = query_open(t);
	void *recs = query_dump(&q, what, record_bytes, n);

	query_close(&q);
	return recs;
}

int cmd_addr(int argc, char **argv)
{
	struct tool t = { .name = "addr", .help = addr_help, .shorts = "46", .longs = family_longs };
	struct net_view view;
	int status;
	struct tapir_addr_rec *addrs;
	struct tapir_link_rec *links;
	size_t n, link_count;
	struct query q;

	if (change_or_view(&t, TAPIR_CHANGE_ADDR, argc, argv, &view, &status))
		return status;
	q = query_open(&t);
	addrs = query_dump(&q, TAPIR_DUMP_ADDRS, sizeof(*addrs), &n);
	links = query_dump(&q, TAPIR_DUMP_LINKS, sizeof(*links), &link_count);
	query_close(&q);
	if (t.json)
		json_print(stdout, addr_json(addrs, n, &view));
	else
		addr_print(stdout, addrs, n, links, link_count, &view);
	free(addrs);
	free(links);
	return tool_finish(&t);
}

int cmd_route(int argc, char **argv)
{
	struct tool t = { .name = "route", .help = route_help, .shorts = "46", .longs = family_longs };
	struct net_view view;
	int status;
	size_t n;
	struct tapir_route_rec *routes;

	if (change_or_view(&t, TAPIR_CHANGE_ROUTE, argc, argv, &view, &status))
		return status;
	routes = fetch(&t, TAPIR_DUMP_ROUTES, sizeof(*routes), &n);
	if (t.json)
		json_print(stdout, route_json(routes, n, &view));
	else
		route_print(stdout, routes, n, &view);
	free(routes);
	return tool_finish(&t);
}

int cmd_neigh(int argc, char **argv)
{
	struct tool t = { .name = "neigh", .help = neigh_help, .shorts = "46", .longs = family_longs };
	struct net_view view;
	int status;
	size_t n;
	struct tapir_neigh_rec *neighs;

	if (change_or_view(&t, TAPIR_CHANGE_NEIGH, argc, argv, &view, &status))
		return status;
	neighs = fetch(&t, TAPIR_DUMP_NEIGHS, sizeof(*neighs), &n);
	if (t.json)
		json_print(stdout, neigh_json(neighs, n, &view));
	else
		neigh_print(stdout, neighs, n, &view);
	free(neighs);
	return tool_finish(&t);
}

int cmd_link(int argc, char **argv)
{
	struct tool t = { .name = "link", .help = link_help, .shorts = "", .longs = link_longs };
	size_t n;
	struct tapir_link_rec *links;

	parse(&t, argc, argv);
	links = fetch(&t, TAPIR_DUMP_LINKS, sizeof(*links), &n);
	if (t.json)
		json_print(stdout, link_json(links, n));
	else
		link_print(stdout, links, n);
	free(links);
	return tool_finish(&t);
}
