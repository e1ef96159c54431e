/* SPDX-License-Identifier: BSD-2-Clause */
/* dns.c - tapir dns: the DNS servers and search domains that the stack's links were told of. */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tools/json.h"
#include "tools/print.h"
#include "tools/query.h"
#include "tools/tool.h"

static const char dns_help[] =
	"Usage: tapir dns [show] [OPTION...]\n"
	"\n"
	"Show the DNS servers and search domains that the networks of the stack's links offer, in resolv.conf's words:\n"
	"  nameserver 2001:db8::53 dev tap0 proto slaac expires 600s\n"
	"  search example.org dev tap0 proto dhcp\n"
	"  proto    who said so: slaac, a router's advertisement (RDNSS, DNSSL); dhcp, a DHCP server, of either family\n"
	"  expires  how long a router's word still holds; what came by DHCP holds as long as the lease\n"
	"They are kept for whoever asks: the stack itself resolves no names.\n"
	"\n"
	"Options:\n"
	"  --json         as JSON\n"
	"  --socket PATH  the daemon's control socket\n"
	"  --help         this text\n"
	"\n"
	"Examples:\n"
	"  tapir dns\n"
	"  tapir dns --json | jq -r '.[] | select(.server) | .server'\n";

static const struct option longs[] = { TOOL_COMMON_OPTIONS, { 0 } };

int cmd_dns(int argc, char **argv)
{
	struct tool t = { .name = "dns", .help = dns_help, .shorts = "", .longs = longs };
	struct tapir_dns_rec *records;
	struct query q;
	size_t n;

	while (tool_option(&t, argc, argv) != -1)
		;
	if (optind < argc && strcmp(argv[optind], "show") && strcmp(argv[optind], "list"))
		tool_fail(&t, EX_USAGE, "unexpected argument '%s'; expected 'show' or nothing", argv[optind]);
	if (optind + 1 < argc)
		tool_fail(&t, EX_USAGE, "unexpected argument '%s'; expected nothing after '%s'", argv[optind + 1], argv[optind]);
	q = query_open(&t);
	records = query_dump(&q, TAPIR_DUMP_DNS, sizeof(*records), &n);
	query_close(&q);
	if (t.json)
		json_print(stdout, dns_json(records, n));
	else
		dns_print(stdout, records, n);
	free(records);
	return tool_finish(&t);
}
