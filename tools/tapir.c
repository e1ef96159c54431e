/* SPDX-License-Identifier: BSD-2-Clause */
/* tapir.c - tapir(1): find the subcommand and hand over. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tools/tool.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
	bool is_of_ip; /* and may be shortened as there: tapir a */
} commands[] = {
	{ "run", cmd_run, "run a program with its sockets on the stack", false },
	{ "ss", cmd_ss, "show sockets and connections", false },
	{ "addr", cmd_addr, "show and change the stack's addresses", true },
	{ "route", cmd_route, "show and change its routes", true },
	{ "neigh", cmd_neigh, "show and change its neighbours: ARP and Neighbor Discovery", true },
	{ "maddr", cmd_maddr, "show and change the groups its links listen to: IGMP and MLD", true },
	{ "dhcp", cmd_dhcp, "show its DHCP clients: state, lease, what the server told", false },
	{ "dns", cmd_dns, "show the DNS servers and search domains its links were told of", false },
	{ "link", cmd_link, "show its links: MTU, offloads, traffic", true },
	{ "stats", cmd_stats, "show what was counted, each reason for a drop included", false },
	{ "get", cmd_get, "show tunables", false },
	{ "set", cmd_set, "change a tunable", false },
	{ "reload", cmd_reload, "have it read its configuration again", false },
	{ "capture", cmd_capture, "watch packets, or write them to a pcapng file", false },
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static void print_help(void)
{
	puts("Usage: tapir [--socket PATH] COMMAND [ARGUMENT...]\n"
	     "\n"
	     "Run programs on the tapir TCP/IP stack, and look at what the stack does.\n"
	     "\n"
	     "Commands:");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		printf("  %-8s  %s\n", commands[i].name, commands[i].summary);
	puts("\n"
	     "'tapir COMMAND --help' explains a command, with examples; tapir(1) explains them all.\n"
	     "\n"
	     "Options:\n"
	     "  --socket PATH  the daemon's control socket; without it $TAPIR_SOCKET, else /run/tapir/default.sock\n"
	     "  --help         this text\n"
	     "  --version      the version of tapir\n"
	     "\n"
	     "Examples:\n"
	     "  tapir run curl http://10.77.0.1/   curl, its connection made by tapir instead of the kernel\n"
	     "  tapir ss -ti                       TCP connections with round-trip times, windows, losses\n"
	     "  tapir stats '*drop*'               what was dropped, and why");
}

static int fail_usage(const char *what, const char *word)
{
	fprintf(stderr, "tapir: %s%s%s%s; expected", what, word ? " '" : "", word ? word : "", word ? "'" : "");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(stderr, "%s%s", i ? ", " : " ", commands[i].name);
	fputs(", --help or --version\n", stderr);
	return EX_USAGE;
}

static const struct command *find_command(const char *word)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (!strcmp(word, commands[i].name))
			return &commands[i];
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (commands[i].is_of_ip && *word && !strncmp(word, commands[i].name, strlen(word)))
			return &commands[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const struct command *command;
	int at = 1;

	if (at < argc && !strncmp(argv[at], "--socket=", 9)) {
		setenv("TAPIR_SOCKET", argv[at] + 9, 1);
		at += 1;
	} else if (at + 1 < argc && !strcmp(argv[at], "--socket")) {
		setenv("TAPIR_SOCKET", argv[at + 1], 1);
		at += 2;
	} else if (at < argc && !strcmp(argv[at], "--socket")) {
		fputs("tapir: --socket needs a value, the path of the daemon's control socket\n", stderr);
		return EX_USAGE;
	}
	if (at == argc)
		return fail_usage("no command given", NULL);
	if (!strcmp(argv[at], "--help") || !strcmp(argv[at], "-h") || !strcmp(argv[at], "help")) {
		print_help();
		return fflush(stdout) ? EX_IOERR : EX_OK;
	}
	if (!strcmp(argv[at], "--version") || !strcmp(argv[at], "-V")) {
		puts("tapir " TAPIR_VERSION);
		return fflush(stdout) ? EX_IOERR : EX_OK;
	}
	command = find_command(argv[at]);
	if (command)
		return command->run(argc - at, argv + at);
	return fail_usage(argv[at][0] == '-' ? "unknown option" : "unknown command", argv[at]);
}
