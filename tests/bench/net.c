/* SPDX-License-Identifier: BSD-2-Clause */
/* net.c - addresses, connections and clocks for the measuring programs. */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { BACKLOG = 4096 };

void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

long number_parse(const char *text, long min, long max)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n < min || n > max) {
		fprintf(stderr, "bench: %s: expected a number from %ld to %ld\n", text, min, max);
		exit(64);
	}
	return n;
}

struct endpoint endpoint_parse(const char *addr, const char *port)
{
	struct endpoint e = { 0 };
	struct sockaddr_in *in4 = (struct sockaddr_in *)&e.addr;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&e.addr;
	uint16_t port_be = htons((uint16_t)number_parse(port, 1, 65535));

	if (inet_pton(AF_INET, addr, &in4->sin_addr) == 1) {
		in4->sin_family = AF_INET;
		in4->sin_port = port_be;
		e.len = sizeof(*in4);
	} else if (inet_pton(AF_INET6, addr, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = port_be;
		e.len = sizeof(*in6);
	} else {
		fprintf(stderr, "bench: %s: not an IPv4 or IPv6 address\n", addr);
		exit(64);
	}
	return e;
}

int listen_on(const struct endpoint *at)
{
	int fd = socket(at->addr.ss_family, SOCK_STREAM, 0);
	int on = 1;

	if (fd < 0)
		die("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		die("SO_REUSEADDR");
	if (bind(fd, (const struct sockaddr *)&at->addr, at->len) < 0)
		die("bind");
	if (listen(fd, BACKLOG) < 0)
		die("listen");
	return fd;
}

int accept_one(int listener)
{
	int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		die("accept");
	return fd;
}

int connect_to(const struct endpoint *to)
{
	int fd = socket(to->addr.ss_family, SOCK_STREAM, 0);

	if (fd < 0)
		die("socket");
	if (connect(fd, (const struct sockaddr *)&to->addr, to->len) < 0)
		die("connect");
	return fd;
}

void set_nodelay(int fd)
{
	int on = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
		die("TCP_NODELAY");
}

void set_receive_timeout_ms(int fd, long ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) < 0)
		die("SO_RCVTIMEO");
}

void bound_run_time(long seconds)
{
	alarm((unsigned)(seconds + GRACE_SECONDS));
}

void raise_fd_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("getrlimit");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("setrlimit");
}

void say_ready(void)
{
	puts("ready");
	fflush(stdout);
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

double now_seconds(void)
{
	return (double)now_ns() * 1e-9;
}

double cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

bool send_all(int fd, const void *data, size_t n)
{
	const char *p = data;

	while (n > 0) {
		ssize_t r = send(fd, p, n, MSG_NOSIGNAL);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return false;
		p += r;
		n -= (size_t)r;
	}
	return true;
}

bool recv_all(int fd, void *data, size_t n)
{
	char *p = data;

	while (n > 0) {
		ssize_t r = recv(fd, p, n, 0);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0) {
			if (r == 0)
				errno = 0;
			return false;
		}
		p += r;
		n -= (size_t)r;
	}
	return true;
}
