/* SPDX-License-Identifier: BSD-2-Clause */
/* tool.h - what the subcommands of tapir(1) have in common: the table of them, options, and how they fail.
 * A subcommand is cmd_NAME(argc, argv) with argv[0] its name; it returns the exit status (sysexits(3)). It may also leave
 * through tool_fail(): these are short programs that hold nothing but memory and descriptors. */
#ifndef TAPIR_TOOLS_TOOL_H
#define TAPIR_TOOLS_TOOL_H

#include <getopt.h>
#include <stdbool.h>

int cmd_addr(int argc, char **argv);
int cmd_capture(int argc, char **argv);
int cmd_dhcp(int argc, char **argv);
int cmd_dns(int argc, char **argv);
int cmd_get(int argc, char **argv);
int cmd_link(int argc, char **argv);
int cmd_neigh(int argc, char **argv);
int cmd_maddr(int argc, char **argv);
int cmd_reload(int argc, char **argv);
int cmd_route(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_set(int argc, char **argv);
int cmd_ss(int argc, char **argv);
int cmd_stats(int argc, char **argv);

/* Every subcommand has these; each long option table begins with them. */
#define TOOL_COMMON_OPTIONS                                                                                            \
	{ "help", no_argument, NULL, TOOL_OPT_HELP }, { "json", no_argument, NULL, TOOL_OPT_JSON },                    \
	{ "socket", required_argument, NULL, TOOL_OPT_SOCKET }

/* Values for options without a letter: above the common three. */
enum { TOOL_OPT_HELP = 256, TOOL_OPT_JSON, TOOL_OPT_SOCKET, TOOL_OPT_OWN };

struct tool {
	const char *name;	       /* "ss" */
	const char *help;	       /* what --help prints */
	const char *shorts;	       /* getopt(3)'s letters; + in front: options end at the first argument */
	const struct option *longs;    /* ends with an all-zero entry */
	bool json;		       /* --json was given */
	const char *socket;	       /* --socket, or NULL: where the library looks */
};

/** tool_option - getopt_long(3) that takes care of the common options and of mistakes: prints the help or names the
 * mistake and what was expected, and exits. Returns the next option that is the subcommand's own, -1 after the last. */
int tool_option(struct tool *t, int argc, char **argv);

/* The number in @text, between @min and @max; else says that @what was expected and exits with EX_USAGE. */
long tool_number(const struct tool *t, const char *text, const char *what, long min, long max);

/* "tapir NAME: MESSAGE" on standard error, then exit with @status. */
void tool_fail(const struct tool *t, int status, const char *format, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

/* Flush standard output; EX_IOERR with a message when what was printed did not arrive, else 0. */
int tool_finish(const struct tool *t);

#endif
