/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/tool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

void tool_fail(const struct tool *t, int status, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "tapir %s: ", t->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(status);
}

/* All options, as a person would type them: "-a --all ... --json". */
static const char *tool_list_options(const struct tool *t, char *buf, size_t room)
{
	size_t used = 0;

	buf[0] = 0;
	for (const char *c = t->shorts; *c && used < room; c++)
		if (*c != ':' && *c != '+')
			used += (size_t)snprintf(buf + used, room - used, "-%c ", *c);
	for (const struct option *o = t->longs; o->name && used < room; o++)
		used += (size_t)snprintf(buf + used, room - used, "--%s%s", o->name, o[1].name ? " " : "");
	return buf;
}

static void tool_bad_option(const struct tool *t, char **argv)
{
	char all[512];
	const char *word = argv[optind - 1];

	if (optopt > 0 && optopt < TOOL_OPT_HELP) /* a letter; optind may not have moved past its word yet */
		tool_fail(t, EX_USAGE, "unknown option -%c; expected one of: %s", optopt,
			  tool_list_options(t, all, sizeof(all)));
	if (optopt)
		tool_fail(t, EX_USAGE, "option %s takes no value", word);
	tool_fail(t, EX_USAGE, "unknown option %s; expected one of: %s", word, tool_list_options(t, all, sizeof(all)));
}

int tool_option(struct tool *t, int argc, char **argv)
{
	char letters[64];

	/* A leading '+' (stop at the first word that is no option) must stay in front. */
	snprintf(letters, sizeof(letters), "%s:%s", *t->shorts == '+' ? "+" : "", t->shorts + (*t->shorts == '+'));
	opterr = 0;
	for (;;) {
		int c = getopt_long(argc, argv, letters, t->longs, NULL);

		switch (c) {
		case TOOL_OPT_HELP:
			fputs(t->help, stdout);
			exit(tool_finish(t));
		case TOOL_OPT_JSON:
			t->json = true;
			break;
		case TOOL_OPT_SOCKET:
			t->socket = optarg;
			break;
		case ':':
			tool_fail(t, EX_USAGE, "option %s needs a value; 'tapir %s --help' tells which", argv[optind - 1],
				  t->name);
		case '?':
			tool_bad_option(t, argv);
			break;
		default:
			return c;
		}
	}
}

long tool_number(const struct tool *t, const char *text, const char *what, long min, long max)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(text, &end, 10);
	if (errno || end == text || *end || v < min || v > max)
		tool_fail(t, EX_USAGE, "'%s' is not %s; expected a number from %ld to %ld", text, what, min, max);
	return v;
}

int tool_finish(const struct tool *t)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EX_OK;
	fprintf(stderr, "tapir %s: cannot write the output: %s\n", t->name, strerror(errno));
	return EX_IOERR;
}
