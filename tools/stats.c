/* SPDX-License-Identifier: BSD-2-Clause */
/* stats.c - tapir stats: what the stack counted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "tools/json.h"
#include "tools/print.h"
#include "tools/query.h"
#include "tools/tool.h"

static const char help[] =
	"Usage: tapir stats [OPTION...] [PATTERN...]\n"
	"\n"
	"Show the stack's counters since tapird started: name, value, what it counts. Those at zero are left out.\n"
	"A name is PROTOCOL.EVENT, or PROTOCOL.drop.REASON: every packet that is dropped counts under its reason.\n"
	"A PATTERN selects names: * stands for anything, ? for one character; quote it for the shell.\n"
	"\n"
	"Options:\n"
	"  -a, --all            also counters at zero\n"
	"  -w, --watch SECONDS  every so often, what was added since the last time (0.5 is fine); Ctrl-C ends it\n"
	"  -c, --count N        with --watch: end after N times\n"
	"  --json               an object of name and value, zeros included; with --watch one line each time, changes only\n"
	"  --socket PATH        the daemon's control socket\n"
	"  --help               this text\n"
	"\n"
	"Examples:\n"
	"  tapir stats                    everything that happened\n"
	"  tapir stats '*drop*'           what was dropped, and why\n"
	"  tapir stats --watch 1 'tcp.*'  TCP, second by second\n"
	"  tapir stats --json | jq '.\"link.in\"'\n";

static const struct option longs[] = {
	TOOL_COMMON_OPTIONS,
	{ "all", no_argument, NULL, 'a' },
	{ "watch", required_argument, NULL, 'w' },
	{ "count", required_argument, NULL, 'c' },
	{ 0 },
};

struct stats_run {
	struct stats_view view;
	double watch_s; /* 0: once */
	long count;	/* 0: for ever */
};

static double parse_seconds(const struct tool *t, const char *text)
{
	char *end;
	double s = strtod(text, &end);

	if (end == text || *end || !(s >= 0.01 && s <= 86400))
		tool_fail(t, EX_USAGE, "'%s' is no interval; expected seconds from 0.01 to 86400", text);
	return s;
}

static struct stats_run parse(struct tool *t, int argc, char **argv)
{
	struct stats_run run = { 0 };
	int c;

	while ((c = tool_option(t, argc, argv)) != -1) {
		switch (c) {
		case 'a':
			run.view.all = true;
			break;
		case 'w':
			run.watch_s = parse_seconds(t, optarg);
			break;
		case 'c':
			run.count = tool_number(t, optarg, "a count", 1, 1000000000);
			break;
		}
	}
	if (run.count && run.watch_s == 0)
		tool_fail(t, EX_USAGE, "--count goes with --watch SECONDS");
	run.view.patterns = argv + optind;
	return run;
}

static void check_patterns(const struct tool *t, const struct tapir_stat_rec *stats, size_t n, char *const *patterns)
{
	for (; *patterns; patterns++) {
		char *one[] = { *patterns, NULL };
		size_t i = 0;

		while (i < n && !stats_name_matches(stats[i].name, one))
			i++;
		if (i == n)
			tool_fail(t, EX_USAGE, "no counter is named '%s'; 'tapir stats --all' lists them", *patterns);
	}
}

static struct tapir_stat_rec *fetch(struct query *q, size_t *n)
{
	struct tapir_stat_rec *stats = query_dump(q, TAPIR_DUMP_STATS, sizeof(*stats), n);

	for (size_t i = 0; i < *n; i++)
		stats[i].name[sizeof(stats[i].name) - 1] = 0;
	return stats;
}

static void sleep_seconds(double s)
{
	struct timespec left = { (time_t)s, (long)((s - (double)(time_t)s) * 1e9) };

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

static void print_change(const struct tool *t, const struct stats_run *run, const struct tapir_stat_rec *now,
			 const struct tapir_stat_rec *before, size_t n)
{
	char clock[16];
	time_t at = time(NULL);
	struct tm tm;

	if (t->json) {
		json_print_line(stdout, stats_json(now, before, n, &run->view));
		return;
	}
	strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&at, &tm));
	printf("%s\n", clock);
	if (!stats_print(stdout, now, before, n, &run->view))
		puts("(nothing)");
}

static void watch(const struct tool *t, const struct stats_run *run, struct query *q, struct tapir_stat_rec **before,
		  size_t n)
{
	for (long i = 0; !run->count || i < run->count; i++) {
		struct tapir_stat_rec *now;
		size_t now_count;

		sleep_seconds(run->watch_s);
		now = fetch(q, &now_count);
		print_change(t, run, now, *before, now_count < n ? now_count : n);
		free(*before);
		*before = now;
		n = now_count;
		if (fflush(stdout))
			return; /* nobody reads any more: tool_finish() says so */
	}
}

int cmd_stats(int argc, char **argv)
{
	struct tool t = { .name = "stats", .help = help, .shorts = "aw:c:", .longs = longs };
	struct stats_run run = parse(&t, argc, argv);
	struct query q = query_open(&t);
	size_t n;
	struct tapir_stat_rec *stats = fetch(&q, &n);

	check_patterns(&t, stats, n, run.view.patterns);
	if (run.watch_s > 0)
		watch(&t, &run, &q, &stats, n);
	else if (t.json)
		json_print(stdout, stats_json(stats, NULL, n, &run.view));
	else
		stats_print(stdout, stats, NULL, n, &run.view);
	query_close(&q);
	free(stats);
	return tool_finish(&t);
}
