/* SPDX-License-Identifier: BSD-2-Clause */
/* dhcp.c - tapir dhcp: how the DHCP clients of the stack's links are doing, and what servers told them. */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tools/json.h"
#include "tools/print.h"
#include "tools/query.h"
#include "tools/tool.h"

static const char dhcp_help[] =
	"Usage: tapir dhcp [show] [OPTION...]\n"
	"\n"
	"Show the DHCP clients of the links that tapird --dhcp is about, one for each family:\n"
	"  tap0 inet bound 10.77.0.50/24 server 10.77.0.1 renew 295s rebind 520s expire 595s\n"
	"      dns 10.77.0.1 domain example.org ntp 10.77.0.4\n"
	"  tap0 inet6 informed\n"
	"  IPv4: init, selecting, requesting, rebooting (asking for the last address), bound, renewing, rebinding. While there is\n"
	"  no lease, an address of 169.254.0.0/16 serves ('tapir addr').\n"
	"  IPv6: idle (no router said that there is a server), soliciting, requesting, bound, renewing, rebinding, confirming,\n"
	"  declining; informing, informed: the server has no addresses, but other things to tell.\n"
	"\n"
	"Options:\n"
	"  -4, --ipv4     only IPv4\n"
	"  -6, --ipv6     only IPv6\n"
	"  --json         as JSON\n"
	"  --socket PATH  the daemon's control socket\n"
	"  --help         this text\n"
	"\n"
	"Examples:\n"
	"  tapir dhcp\n"
	"  tapir dhcp --json | jq -r '.[].ntp[]'\n";

static const struct option longs[] = {
	TOOL_COMMON_OPTIONS,
	{ "ipv4", no_argument, NULL, '4' },
	{ "ipv6", no_argument, NULL, '6' },
	{ 0 },
};

int cmd_dhcp(int argc, char **argv)
{
	struct tool t = { .name = "dhcp", .help = dhcp_help, .shorts = "46", .longs = longs };
	struct net_view view = { 0 };
	struct tapir_dhcp_rec *records;
	struct query q;
	size_t n;
	int c;

	while ((c = tool_option(&t, argc, argv)) != -1) {
		view.ip4 |= c == '4';
		view.ip6 |= c == '6';
	}
	if (optind < argc && strcmp(argv[optind], "show") && strcmp(argv[optind], "list"))
		tool_fail(&t, EX_USAGE, "unexpected argument '%s'; expected 'show' or nothing", argv[optind]);
	if (optind + 1 < argc)
		tool_fail(&t, EX_USAGE, "unexpected argument '%s'; expected nothing after '%s'", argv[optind + 1], argv[optind]);
	q = query_open(&t);
	records = query_dump(&q, TAPIR_DUMP_DHCP, sizeof(*records), &n);
	query_close(&q);
	if (t.json)
		json_print(stdout, dhcp_json(records, n, &view));
	else
		dhcp_print(stdout, records, n, &view);
	free(records);
	return tool_finish(&t);
}
