/* SPDX-License-Identifier: BSD-2-Clause */
/* bulk.c - one TCP stream, 128 KiB a call.
 * The sender writes for the given time, shuts down and waits for the receiver's end of file, so that its own seconds cover
 * every byte's delivery. The receiver's figure counts: bytes over the time from the first byte to the end of file. */
#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void report(const char *role, uint64_t bytes, double seconds)
{
	printf("{\"role\": \"%s\", \"bytes\": %llu, \"seconds\": %.6f, \"cpu_seconds\": %.6f}\n", role, (unsigned long long)bytes,
	       seconds, cpu_seconds());
}

static void send_for(int fd, double seconds, char *buf)
{
	double start = now_seconds();
	uint64_t bytes = 0;
	char eof;

	memset(buf, 0x5a, BULK_CALL_BYTES);
	while (now_seconds() - start < seconds) {
		if (!send_all(fd, buf, BULK_CALL_BYTES))
			die("send");
		bytes += BULK_CALL_BYTES;
	}
	if (shutdown(fd, SHUT_WR) < 0)
		die("shutdown");
	if (recv_all(fd, &eof, 1) || errno != 0)
		die("the receiver's end of file");
	report("send", bytes, now_seconds() - start);
}

static void receive(int fd, char *buf)
{
	double start = 0;
	uint64_t bytes = 0;
	ssize_t n;

	while ((n = read(fd, buf, BULK_CALL_BYTES)) > 0) {
		if (bytes == 0)
			start = now_seconds();
		bytes += (uint64_t)n;
	}
	if (n < 0)
		die("read");
	report("recv", bytes, now_seconds() - start);
}

static int run(int fd, const char *role, long ms)
{
	char *buf = malloc(BULK_CALL_BYTES);

	if (!buf)
		die("malloc");
	if (strcmp(role, "send") == 0)
		send_for(fd, (double)ms * 1e-3, buf);
	else
		receive(fd, buf);
	free(buf);
	close(fd);
	return 0;
}

/* ADDR PORT send|recv MILLISECONDS */
int bulk_server(char **argv)
{
	struct endpoint at = endpoint_parse(argv[0], argv[1]);
	long ms = number_parse(argv[3], 1, 3600000);
	int listener = listen_on(&at);

	bound_run_time(ms / 1000);
	say_ready();
	return run(accept_one(listener), argv[2], ms);
}

int bulk_client(char **argv)
{
	struct endpoint to = endpoint_parse(argv[0], argv[1]);
	long ms = number_parse(argv[3], 1, 3600000);

	bound_run_time(ms / 1000);
	return run(connect_to(&to), argv[2], ms);
}
