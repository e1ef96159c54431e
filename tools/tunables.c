/* SPDX-License-Identifier: BSD-2-Clause */
/* tunables.c - tapir get, tapir set: what can be tuned, by Linux's name where Linux has it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tools/json.h"
#include "tools/print.h"
#include "tools/query.h"
#include "tools/tool.h"

static const char get_help[] =
	"Usage: tapir get [OPTION...] [NAME...]\n"
	"\n"
	"Show tunables: NAME = VALUE, and what it does. Without a NAME all of them. A NAME may be a pattern: * stands for\n"
	"anything, ? for one character. Names are those of Linux's sysctl where Linux has the same thing.\n"
	"\n"
	"Options:\n"
	"  -n, --values   only the values, one a line\n"
	"  --json         as JSON; a value that is a number is a number\n"
	"  --socket PATH  the daemon's control socket\n"
	"  --help         this text\n"
	"\n"
	"Examples:\n"
	"  tapir get\n"
	"  tapir get 'net.ipv4.tcp_*'\n"
	"  tapir get -n net.core.somaxconn\n";

static const char set_help[] =
	"Usage: tapir set [OPTION...] NAME=VALUE...\n"
	"       tapir set [OPTION...] NAME VALUE\n"
	"\n"
	"Change tunables of the running daemon, and print what holds then. 'tapir get' lists them. Only the superuser and the\n"
	"user who started tapird may. To set one at every start: tapird --set NAME=VALUE.\n"
	"\n"
	"Options:\n"
	"  --json         print the result as JSON\n"
	"  --socket PATH  the daemon's control socket\n"
	"  --help         this text\n"
	"\n"
	"Examples:\n"
	"  tapir set net.ipv4.tcp_sack=0\n"
	"  tapir set net.core.somaxconn 1024\n";

static const struct option get_longs[] = {
	TOOL_COMMON_OPTIONS,
	{ "values", no_argument, NULL, 'n' },
	{ 0 },
};

static const struct option set_longs[] = { TOOL_COMMON_OPTIONS, { 0 } };

static void end_strings(struct tapir_tunable *t)
{
	t->name[sizeof(t->name) - 1] = 0;
	t->value[sizeof(t->value) - 1] = 0;
	t->text[sizeof(t->text) - 1] = 0;
}

static void check_names(const struct tool *t, const struct tapir_tunable *all, size_t n, char *const *names)
{
	for (; *names; names++) {
		char *one[] = { *names, NULL };
		size_t i = 0;

		while (i < n && !stats_name_matches(all[i].name, one))
			i++;
		if (i == n)
			tool_fail(t, EX_USAGE, "no tunable is named '%s'; 'tapir get' lists them", *names);
	}
}

int cmd_get(int argc, char **argv)
{
	struct tool t = { .name = "get", .help = get_help, .shorts = "n", .longs = get_longs };
	struct tapir_tunable *tunables;
	bool values_only = false;
	struct query q;
	size_t n, kept = 0;

	while (tool_option(&t, argc, argv) != -1)
		values_only = true;
	q = query_open(&t);
	tunables = query_dump(&q, TAPIR_DUMP_TUNABLES, sizeof(*tunables), &n);
	query_close(&q);
	for (size_t i = 0; i < n; i++)
		end_strings(&tunables[i]);
	check_names(&t, tunables, n, argv + optind);
	for (size_t i = 0; i < n; i++)
		if (stats_name_matches(tunables[i].name, argv + optind))
			tunables[kept++] = tunables[i];
	if (t.json)
		json_print(stdout, tunables_json(tunables, kept));
	else if (!values_only)
		tunables_print(stdout, tunables, kept);
	else
		for (size_t i = 0; i < kept; i++)
			puts(tunables[i].value);
	free(tunables);
	return tool_finish(&t);
}

static struct tapir_tunable make_tunable(const struct tool *t, const char *name, size_t name_len, const char *value)
{
	struct tapir_tunable tunable = { 0 };

	if (!name_len || name_len >= sizeof(tunable.name))
		tool_fail(t, EX_USAGE, "'%.*s' is no name of a tunable; 'tapir get' lists them", (int)name_len, name);
	if (strlen(value) >= sizeof(tunable.value))
		tool_fail(t, EX_USAGE, "'%s' is too long for a value; expected at most %zu characters", value,
			  sizeof(tunable.value) - 1);
	memcpy(tunable.name, name, name_len);
	strcpy(tunable.value, value);
	return tunable;
}

static void set_one(const struct tool *t, struct query *q, struct tapir_tunable *tunable)
{
	struct tapir_tunable asked = *tunable;

	switch (query_tunable(q, TAPIR_OP_SET, tunable)) {
	case 0:
		end_strings(tunable);
		return;
	case ENOENT:
		tool_fail(t, EX_USAGE, "no tunable is named '%s'; 'tapir get' lists them", asked.name);
	default:
		end_strings(tunable);
		tool_fail(t, EX_DATAERR, "%s: '%s' is not accepted%s%s", asked.name, asked.value,
			  tunable->text[0] ? ": " : "", tunable->text);
	}
}

int cmd_set(int argc, char **argv)
{
	struct tool t = { .name = "set", .help = set_help, .shorts = "", .longs = set_longs };
	struct tapir_tunable *tunables;
	size_t n = 0;
	struct query q;

	while (tool_option(&t, argc, argv) != -1)
		;
	argc -= optind;
	argv += optind;
	if (!argc)
		tool_fail(&t, EX_USAGE, "nothing to set; expected NAME=VALUE");
	tunables = calloc((size_t)argc, sizeof(*tunables));
	if (!tunables)
		tool_fail(&t, EX_OSERR, "out of memory");
	if (argc == 2 && !strchr(argv[0], '='))
		tunables[n++] = make_tunable(&t, argv[0], strlen(argv[0]), argv[1]);
	else
		for (; n < (size_t)argc; n++) {
			const char *equals = strchr(argv[n], '=');

			if (!equals)
				tool_fail(&t, EX_USAGE, "'%s' has no value; expected NAME=VALUE", argv[n]);
			tunables[n] = make_tunable(&t, argv[n], (size_t)(equals - argv[n]), equals + 1);
		}
	q = query_open(&t);
	for (size_t i = 0; i < n; i++)
		set_one(&t, &q, &tunables[i]);
	query_close(&q);
	if (t.json)
		json_print(stdout, tunables_json(tunables, n));
	else
		tunables_print(stdout, tunables, n);
	free(tunables);
	return tool_finish(&t);
}
