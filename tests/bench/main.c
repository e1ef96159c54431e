/* SPDX-License-Identifier: BSD-2-Clause */
/* main.c - the measuring program's subcommands; bench.py starts them in pairs. */
#include "bench.h"

#include <stdio.h>
#include <string.h>

struct command {
	const char *name;
	int argc;
	const char *args;
	int (*run)(char **argv);
};

static const struct command commands[] = {
	{ "bulk-server", 4, "ADDR PORT send|recv MILLISECONDS", bulk_server },
	{ "bulk-client", 4, "ADDR PORT send|recv MILLISECONDS", bulk_client },
	{ "rr-server", 2, "ADDR PORT", rr_server },
	{ "rr-client", 3, "ADDR PORT MILLISECONDS", rr_client },
	{ "udp-server", 2, "ADDR PORT", udp_server },
	{ "udp-client", 4, "ADDR PORT MILLISECONDS IN-FLIGHT", udp_client },
	{ "quic-server", 2, "ADDR PORT", quic_server },
	{ "quic-client", 3, "ADDR PORT MILLISECONDS", quic_client },
	{ "conn-server", 3, "ADDR PORT THREADS", conn_server },
	{ "connect-client", 3, "ADDR PORT COUNT", connect_client },
	{ "conn-client", 4, "ADDR PORT MILLISECONDS THREADS", conn_client },
	{ "hold-server", 2, "ADDR PORT", hold_server },
	{ "seq-client", 4, "ADDR PORT CONNECTIONS BATCH", seq_client },
	{ "idle-client", 3, "ADDR PORT CONNECTIONS", idle_client },
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

int main(int argc, char **argv)
{
	for (int i = 0; i < COMMANDS; i++)
		if (argc > 1 && strcmp(argv[1], commands[i].name) == 0 && argc - 2 == commands[i].argc)
			return commands[i].run(argv + 2);
	fputs("usage:\n", stderr);
	for (int i = 0; i < COMMANDS; i++)
		fprintf(stderr, "  bench %s %s\n", commands[i].name, commands[i].args);
	return 64;
}
