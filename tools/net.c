/* SPDX-License-Identifier: BSD-2-Clause */
/* net.c - tapir addr, route, neigh, link: what the stack's network layer is made of. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>

#include "tools/change.h"
#include "tools/filter.h"
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
	"Usage: tapir addr [show] [dev LINK] [proto ORIGIN] [PREFIX]\n"
	"       tapir addr add|replace|change ADDRESS[/LENGTH] [dev LINK] [valid_lft SECONDS] [preferred_lft SECONDS] [nodad]\n"
	"       tapir addr del ADDRESS[/LENGTH] [dev LINK]\n"
	"       tapir addr flush dev LINK|proto ORIGIN|PREFIX\n"
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
	"  tapir addr add 10.77.0.3/24\n"
	"  tapir addr replace fd77::3/64 dev tap0 valid_lft 3600 preferred_lft 600\n"
	"\n"
	"Changes are for the superuser and the user who started tapird, and end with it. For every start: tapird --addr 10.77.0.2/24,\n"
	"or the configuration file. Sockets that are bound to an address that goes stay, and cannot send until it comes back.\n";

static const char route_help[] =
	"Usage: tapir route [show] [dev LINK] [proto ORIGIN] [PREFIX|default]\n"
	"       tapir route get ADDRESS [from ADDRESS] [dev LINK]\n"
	"       tapir route add|replace|change|append [unreachable|prohibit|blackhole] PREFIX|default\n"
	"                       [via ROUTER] [dev LINK] [metric N] [src ADDRESS] [mtu BYTES]\n"
	"       tapir route del PREFIX|default [via ROUTER] [dev LINK] [metric N]\n"
	"       tapir route flush dev LINK|proto ORIGIN|PREFIX\n"
	"\n"
	"Show the stack's routes, as ip(8) does. The longest prefix that holds a destination wins, then the lowest metric.\n"
	"  default via 10.77.0.1 dev tap0 proto static    to everywhere else: the gateway (--gateway of tapird)\n"
	"  10.77.0.0/24 dev tap0 proto onlink             the network of one of our addresses: neighbours, no gateway\n"
	"  proto also: dhcp, slaac (router advertisements), redirect\n"
	"get tells the way to one address: router, link, source, largest packet; or the error that a program would get.\n"
	"\n" HELP_OPTIONS
	"Examples:\n"
	"  tapir route\n"
	"  tapir route get 192.0.2.7\n"
	"  tapir route add 192.0.2.0/24 via 10.77.0.1\n"
	"  tapir route add default via fe80::1%tap0\n"
	"  tapir route append default via 10.77.0.9       used while 10.77.0.1 does not answer\n"
	"  tapir route add unreachable 203.0.113.0/24     EHOSTUNREACH; prohibit: EACCES, blackhole: EINVAL\n"
	"\n"
	"Changes are for the superuser and the user who started tapird. del takes the first route that fits what is said.\n";

static const char neigh_help[] =
	"Usage: tapir neigh [show] [dev LINK] [nud STATE] [PREFIX]\n"
	"       tapir neigh add|replace|change ADDRESS lladdr XX:XX:XX:XX:XX:XX [dev LINK] [nud permanent]\n"
	"       tapir neigh del ADDRESS [dev LINK]\n"
	"       tapir neigh flush dev LINK|nud STATE|PREFIX\n"
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
	"  tapir neigh flush nud stale\n"
	"\n"
	"Changes are for the superuser and the user who started tapird. del forgets one however it was learnt: the next packet asks\n"
	"again. flush leaves permanent ones, unless 'nud permanent' asks for them.\n";

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

static void expect_show(const struct tool *t, int argc, char **argv)
{
	if (optind < argc && strcmp(argv[optind], "show") && strcmp(argv[optind], "list"))
		tool_fail(t, EX_USAGE, "unexpected argument '%s'; expected 'show' or nothing", argv[optind]);
	if (optind + 1 < argc)
		tool_fail(t, EX_USAGE, "unexpected argument '%s'; expected nothing after '%s'", argv[optind + 1], argv[optind]);
}

/* One table: fetched, and left for the caller to print and free. */
static void *fetch(const struct tool *t, enum tapir_dump what, size_t record_bytes, size_t *n)
{
	struct query q = query_open(t);
	void *recs = query_dump(&q, what, record_bytes, n);

	query_close(&q);
	return recs;
}

/* ---- What a command is asked for ---- */

struct request {
	struct tool *tool;
	enum tapir_change_kind kind;
	struct net_view view;
	enum change_verb verb;
	struct filter filter;
	char *const *words; /* of the verb and what follows it */
};

static struct request read_request(struct tool *t, enum tapir_change_kind kind, int argc, char **argv)
{
	struct request r = { .tool = t, .kind = kind, .view = parse_options(t, argc, argv) };

	r.words = argv + optind;
	r.verb = change_verb(t, kind, r.words[0]);
	if (r.verb == CHANGE_SHOW || r.verb == CHANGE_FLUSH)
		r.filter = filter_parse(t, kind, r.words[0] ? r.words + 1 : r.words);
	if (r.verb == CHANGE_FLUSH && !r.words[1])
		tool_fail(t, EX_USAGE, "all of them? expected at least 'dev LINK' after 'flush'");
	return r;
}

static int make_change(const struct request *r)
{
	struct tapir_change c = change_parse(r->tool, r->kind, r->words, r->view.ip6);

	return change_make(r->tool, &c);
}

static bool is_of_family(const struct request *r, uint16_t family)
{
	return (!r->view.ip4 && !r->view.ip6) || (family == AF_INET6 ? r->view.ip6 : r->view.ip4);
}

/* One that went meanwhile by itself is as good as removed. */
static void remove_one(struct query *q, struct tapir_change c)
{
	struct tapir_change answer = c;
	int err = query_change(q, TAPIR_OP_CHANGE, &answer);

	if (err && err != ESRCH && err != ENOENT && err != EADDRNOTAVAIL)
		tool_fail(q->tool, EX_DATAERR, "%s%s%s", strerror(err), answer.text[0] ? ": " : "", answer.text);
}

static struct tapir_change removal(const struct request *r, const struct tapir_addr *addr, const char ifname[16])
{
	struct tapir_change c = { .kind = r->kind, .is_del = true, .addr = *addr };

	memcpy(c.ifname, ifname, sizeof(c.ifname));
	return c;
}

/* ---- The commands ---- */

static int flush_addrs(const struct request *r, const struct tapir_addr_rec *addrs, size_t n)
{
	struct query q = query_open(r->tool);

	for (size_t i = 0; i < n; i++)
		if (is_of_family(r, addrs[i].addr.family) && strcmp(addrs[i].origin, "loopback"))
			remove_one(&q, removal(r, &addrs[i].addr, addrs[i].ifname));
	query_close(&q);
	return tool_finish(r->tool);
}

int cmd_addr(int argc, char **argv)
{
	struct tool t = { .name = "addr", .help = addr_help, .shorts = "46", .longs = family_longs };
	struct request r = read_request(&t, TAPIR_CHANGE_ADDR, argc, argv);
	struct tapir_addr_rec *addrs;
	struct tapir_link_rec *links;
	size_t n, link_count;
	int status = EX_OK;

	if (r.verb == CHANGE_MAKE)
		return make_change(&r);
	addrs = fetch(&t, TAPIR_DUMP_ADDRS, sizeof(*addrs), &n);
	links = fetch(&t, TAPIR_DUMP_LINKS, sizeof(*links), &link_count);
	n = filter_addrs(&r.filter, addrs, n);
	link_count = filter_links(&r.filter, links, link_count);
	if (r.verb == CHANGE_FLUSH)
		status = flush_addrs(&r, addrs, n);
	else if (t.json)
		json_print(stdout, addr_json(addrs, n, &r.view));
	else
		addr_print(stdout, addrs, n, links, link_count, &r.view);
	free(addrs);
	free(links);
	return status ? status : tool_finish(&t);
}

static int get_route(const struct request *r)
{
	struct tapir_route_req req = change_parse_get(r->tool, r->words);
	struct query q = query_open(r->tool);
	struct tapir_route_rec rec = { 0 };
	int err = query_route(&q, &req, &rec);

	query_close(&q);
	if (err)
		tool_fail(r->tool, EX_DATAERR, "%s", strerror(err));
	if (r->tool->json)
		json_print(stdout, route_json(&rec, 1, &r->view));
	else
		route_print(stdout, &rec, 1, &r->view);
	return tool_finish(r->tool);
}

static int flush_routes(const struct request *r, const struct tapir_route_rec *routes, size_t n)
{
	struct query q = query_open(r->tool);

	for (size_t i = 0; i < n; i++) {
		struct tapir_change c = removal(r, &routes[i].dst, routes[i].ifname);

		if (!is_of_family(r, routes[i].dst.family) || (!strcmp(routes[i].ifname, "lo") && !strcmp(routes[i].origin, "onlink")))
			continue;
		c.prefix_len = routes[i].prefix_len;
		c.gateway = routes[i].gateway;
		c.metric = routes[i].metric;
		c.flags = TAPIR_CHANGE_HAS_METRIC;
		remove_one(&q, c);
	}
	query_close(&q);
	return tool_finish(r->tool);
}

int cmd_route(int argc, char **argv)
{
	struct tool t = { .name = "route", .help = route_help, .shorts = "46", .longs = family_longs };
	struct request r = read_request(&t, TAPIR_CHANGE_ROUTE, argc, argv);
	struct tapir_route_rec *routes;
	int status = EX_OK;
	size_t n;

	if (r.verb == CHANGE_MAKE)
		return make_change(&r);
	if (r.verb == CHANGE_GET)
		return get_route(&r);
	routes = fetch(&t, TAPIR_DUMP_ROUTES, sizeof(*routes), &n);
	n = filter_routes(&r.filter, routes, n);
	if (r.verb == CHANGE_FLUSH)
		status = flush_routes(&r, routes, n);
	else if (t.json)
		json_print(stdout, route_json(routes, n, &r.view));
	else
		route_print(stdout, routes, n, &r.view);
	free(routes);
	return status ? status : tool_finish(&t);
}

static int flush_neighs(const struct request *r, const struct tapir_neigh_rec *neighs, size_t n)
{
	struct query q = query_open(r->tool);

	for (size_t i = 0; i < n; i++)
		if (is_of_family(r, neighs[i].addr.family) && (r->filter.state[0] || strcmp(neighs[i].state, "permanent")))
			remove_one(&q, removal(r, &neighs[i].addr, neighs[i].ifname));
	query_close(&q);
	return tool_finish(r->tool);
}

int cmd_neigh(int argc, char **argv)
{
	struct tool t = { .name = "neigh", .help = neigh_help, .shorts = "46", .longs = family_longs };
	struct request r = read_request(&t, TAPIR_CHANGE_NEIGH, argc, argv);
	struct tapir_neigh_rec *neighs;
	int status = EX_OK;
	size_t n;

	if (r.verb == CHANGE_MAKE)
		return make_change(&r);
	neighs = fetch(&t, TAPIR_DUMP_NEIGHS, sizeof(*neighs), &n);
	n = filter_neighs(&r.filter, neighs, n);
	if (r.verb == CHANGE_FLUSH)
		status = flush_neighs(&r, neighs, n);
	else if (t.json)
		json_print(stdout, neigh_json(neighs, n, &r.view));
	else
		neigh_print(stdout, neighs, n, &r.view);
	free(neighs);
	return status ? status : tool_finish(&t);
}

int cmd_link(int argc, char **argv)
{
	struct tool t = { .name = "link", .help = link_help, .shorts = "", .longs = link_longs };
	size_t n;
	struct tapir_link_rec *links;

	parse_options(&t, argc, argv);
	expect_show(&t, argc, argv);
	links = fetch(&t, TAPIR_DUMP_LINKS, sizeof(*links), &n);
	if (t.json)
		json_print(stdout, link_json(links, n));
	else
		link_print(stdout, links, n);
	free(links);
	return tool_finish(&t);
}
