/* SPDX-License-Identifier: BSD-2-Clause */
/* udp.c - 64-byte datagrams echoed as fast as they go.
 * The server is an unconnected socket with one recvfrom() and one sendto() a datagram. The client is connected and keeps a
 * number of datagrams in flight; with none given it floods, one thread sending without a break while the other counts
 * what comes back: then the figure tells what survives overload. */
#include "bench.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LOSS_TIMEOUT_MS = 20 }; /* nothing came back for so long: what is in flight is lost */

struct flood {
	int fd;
	double seconds;
	uint64_t sent, echoed;
};

static int open_udp(const struct endpoint *e)
{
	int fd = socket(e->addr.ss_family, SOCK_DGRAM, 0);

	if (fd < 0)
		die("socket");
	return fd;
}

/* ADDR PORT: until it is killed */
int udp_server(char **argv)
{
	struct endpoint at = endpoint_parse(argv[0], argv[1]);
	int fd = open_udp(&at);

	if (bind(fd, (const struct sockaddr *)&at.addr, at.len) < 0)
		die("bind");
	bound_run_time(3600);
	say_ready();
	for (;;) {
		char message[2048];
		struct sockaddr_storage peer;
		socklen_t peer_len = sizeof(peer);
		ssize_t n = recvfrom(fd, message, sizeof(message), 0, (struct sockaddr *)&peer, &peer_len);

		if (n < 0)
			die("recvfrom");
		if (sendto(fd, message, (size_t)n, 0, (struct sockaddr *)&peer, peer_len) < 0 && errno != ENOBUFS)
			die("sendto");
	}
}

static void *flood_send(void *arg)
{
	struct flood *f = arg;
	char message[MESSAGE_BYTES] = { 0 };
	double end = now_seconds() + f->seconds;

	while (now_seconds() < end)
		if (send(f->fd, message, sizeof(message), 0) == (ssize_t)sizeof(message))
			f->sent++;
	return NULL;
}

static void *flood_count(void *arg)
{
	struct flood *f = arg;
	char message[2048];
	double end = now_seconds() + f->seconds;

	while (now_seconds() < end)
		if (recv(f->fd, message, sizeof(message), 0) > 0)
			f->echoed++;
	return NULL;
}

static void flood(struct flood *f)
{
	pthread_t threads[2];

	if (pthread_create(&threads[0], NULL, flood_send, f) || pthread_create(&threads[1], NULL, flood_count, f))
		die("pthread_create");
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

static void echo_windowed(struct flood *f, long window)
{
	char message[2048] = { 0 };
	double end = now_seconds() + f->seconds;
	long in_flight = 0;

	while (now_seconds() < end) {
		int wait = 0; /* for the first; then take what is there */

		for (; in_flight < window; in_flight++)
			if (send(f->fd, message, MESSAGE_BYTES, 0) == MESSAGE_BYTES)
				f->sent++;
		while (recv(f->fd, message, sizeof(message), wait) > 0) {
			f->echoed++;
			if (in_flight > 0)
				in_flight--;
			wait = MSG_DONTWAIT;
		}
		if (wait == 0)
			in_flight = 0;
	}
}

/* ADDR PORT MILLISECONDS IN-FLIGHT (0: flood) */
int udp_client(char **argv)
{
	struct endpoint to = endpoint_parse(argv[0], argv[1]);
	long ms = number_parse(argv[2], 1, 3600000);
	long window = number_parse(argv[3], 0, 4096);
	struct flood f = { .fd = open_udp(&to), .seconds = (double)ms * 1e-3 };

	bound_run_time(ms / 1000);
	if (connect(f.fd, (const struct sockaddr *)&to.addr, to.len) < 0)
		die("connect");
	set_receive_timeout_ms(f.fd, LOSS_TIMEOUT_MS);
	if (window == 0)
		flood(&f);
	else
		echo_windowed(&f, window);
	printf("{\"sent\": %llu, \"echoed\": %llu, \"per_second\": %.1f, \"cpu_seconds\": %.6f}\n", (unsigned long long)f.sent,
	       (unsigned long long)f.echoed, (double)f.echoed / f.seconds, cpu_seconds());
	close(f.fd);
	return 0;
}
