/* SPDX-License-Identifier: BSD-2-Clause */
/* maddr.c - tapir maddr: the groups that the stack's links listen to. */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tools/change.h"
#include "tools/filter.h"
#include "tools/json.h"
#include "tools/print.h"
#include "tools/query.h"
#include "tools/tool.h"

static const char maddr_help[] =
	"Usage: tapir maddr [show] [dev LINK] [GROUP]\n"
	"       tapir maddr add|del GROUP [dev LINK]\n"
	"\n"
	"Show the multicast groups that the stack's links listen to, as 'ip maddr' does:\n"
	"  2: tap0\n"
	"      inet 239.1.1.1 users 2 igmpv3 exclude nothing         packets from every source\n"
	"      inet 232.1.1.1 users 1 igmpv3 include 10.77.0.1       only from these sources; 'exclude': from all others\n"
	"  users   memberships of sockets, and the stack's own; 0: left, and that is still being told\n"
	"  igmpv3  the version of IGMP or MLD spoken on the link: an older querier makes it older\n"
	"  report in ...  a report to routers and switches is due\n"
	"224.0.0.1 and ff02::1, which every link hears and nobody reports, are not listed.\n"
	"\n"
	"Options:\n"
	"  -4, --ipv4     only IPv4\n"
	"  -6, --ipv6     only IPv6\n"
	"  --json         as JSON\n"
	"  --socket PATH  the daemon's control socket\n"
	"  --help         this text\n"
	"\n"
	"Examples:\n"
	"  tapir maddr\n"
	"  tapir maddr --json | jq -r '.[] | select(.mode == \"include\") | .address'\n"
	"  tapir maddr add 239.1.1.1\n"
	"\n"
	"add has a link of the running daemon listen to a group as if a program did; del ends that. For the superuser and the user\n"
	"who started it.\n";

static const struct option longs[] = {
	TOOL_COMMON_OPTIONS,
	{ "ipv4", no_argument, NULL, '4' },
	{ "ipv6", no_argument, NULL, '6' },
	{ 0 },
};

int cmd_maddr(int argc, char **argv)
{
	struct tool t = { .name = "maddr", .help = maddr_help, .shorts = "46", .longs = longs };
	struct net_view view = { 0 };
	struct filter filter;
	struct tapir_group_rec *groups;
	struct query q;
	size_t n;
	int c;

	while ((c = tool_option(&t, argc, argv)) != -1) {
		view.ip4 |= c == '4';
		view.ip6 |= c == '6';
	}
	if (change_verb(&t, TAPIR_CHANGE_GROUP, argv[optind]) == CHANGE_MAKE) {
		struct tapir_change change = change_parse(&t, TAPIR_CHANGE_GROUP, argv + optind, view.ip6);

		return change_make(&t, &change);
	}
	filter = filter_parse(&t, TAPIR_CHANGE_GROUP, argv[optind] ? argv + optind + 1 : argv + optind);
	q = query_open(&t);
	groups = query_dump(&q, TAPIR_DUMP_GROUPS, sizeof(*groups), &n);
	query_close(&q);
	n = filter_groups(&filter, groups, n);
	if (t.json)
		json_print(stdout, maddr_json(groups, n, &view));
	else
		maddr_print(stdout, groups, n, &view);
	free(groups);
	return tool_finish(&t);
}
