/* SPDX-License-Identifier: BSD-2-Clause */
/* rr.c - request and response of 64 bytes on one TCP connection, the time of every round trip kept. */
#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	SAMPLES_MAX = 8 * 1024 * 1024,
	WARM_UP_TRIPS = 200, /* not counted: neighbour resolution, congestion window, caches */
};

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void trip(int fd)
{
	char message[MESSAGE_BYTES];

	memset(message, MESSAGE_KEEP, sizeof(message));
	if (!send_all(fd, message, sizeof(message)))
		die("send");
	if (!recv_all(fd, message, sizeof(message)))
		die("recv");
}

static double us(const uint32_t *sorted_ns, size_t n, double quantile)
{
	return sorted_ns[(size_t)((double)(n - 1) * quantile)] * 1e-3;
}

/* ADDR PORT */
int rr_server(char **argv)
{
	struct endpoint at = endpoint_parse(argv[0], argv[1]);
	char message[MESSAGE_BYTES];
	int listener = listen_on(&at), fd;

	bound_run_time(3600);
	say_ready();
	fd = accept_one(listener);
	set_nodelay(fd);
	while (recv_all(fd, message, sizeof(message)))
		if (!send_all(fd, message, sizeof(message)))
			die("send");
	if (errno != 0)
		die("recv");
	return 0;
}

/* ADDR PORT MILLISECONDS */
int rr_client(char **argv)
{
	struct endpoint to = endpoint_parse(argv[0], argv[1]);
	long ms = number_parse(argv[2], 1, 3600000);
	uint32_t *samples_ns = malloc(SAMPLES_MAX * sizeof(*samples_ns));
	uint64_t start, now, before;
	size_t n = 0;
	int fd;

	if (!samples_ns)
		die("malloc");
	bound_run_time(ms / 1000);
	fd = connect_to(&to);
	set_nodelay(fd);
	for (int i = 0; i < WARM_UP_TRIPS; i++)
		trip(fd);
	start = before = now_ns();
	do {
		trip(fd);
		now = now_ns();
		samples_ns[n++] = (uint32_t)(now - before);
		before = now;
	} while (now - start < (uint64_t)ms * 1000000 && n < SAMPLES_MAX);
	qsort(samples_ns, n, sizeof(*samples_ns), compare_u32);
	printf("{\"trips\": %zu, \"per_second\": %.1f, \"p50_us\": %.2f, \"p90_us\": %.2f, \"p99_us\": %.2f, \"max_us\": %.2f}\n", n,
	       (double)n * 1e9 / (double)(now - start), us(samples_ns, n, 0.5), us(samples_ns, n, 0.9), us(samples_ns, n, 0.99),
	       us(samples_ns, n, 1));
	free(samples_ns);
	close(fd);
	return 0;
}
