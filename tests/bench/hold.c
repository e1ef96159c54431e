/* SPDX-License-Identifier: BSD-2-Clause */
/* hold.c - many connections at once: an epoll server that holds and echoes, and two clients.
 * seq_client opens, echoes and closes in batches and counts what was lost or reset on the way. idle_client opens many and
 * keeps them idle until its standard input tells it to prove that they live ("echo") or to end (end of file). */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	EVENTS_MAX = 256,
	BATCH_MAX = 4096,
	HELD_MAX = 1000000,
	REPLY_TIMEOUT_MS = 10000, /* an echo that takes longer is lost */
};

/* ---- Server ---- */

static void watch(int epoll_fd, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0)
		die("epoll_ctl");
}

static void accept_all(int epoll_fd, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
		watch(epoll_fd, fd);
	if (errno != EAGAIN && errno != ECONNABORTED)
		die("accept4");
}

static void echo_some(int fd)
{
	char message[MESSAGE_BYTES];
	ssize_t n = recv(fd, message, sizeof(message), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || !send_all(fd, message, (size_t)n) || message[0] == MESSAGE_CLOSE)
		close(fd);
}

/* ADDR PORT: until it is killed */
int hold_server(char **argv)
{
	struct endpoint at = endpoint_parse(argv[0], argv[1]);
	struct epoll_event events[EVENTS_MAX];
	int listener, epoll_fd = epoll_create1(0);

	raise_fd_limit();
	bound_run_time(3600);
	listener = listen_on(&at);
	if (epoll_fd < 0 || fcntl(listener, F_SETFL, O_NONBLOCK) < 0)
		die("epoll");
	watch(epoll_fd, listener);
	say_ready();
	for (;;) {
		int n = epoll_wait(epoll_fd, events, EVENTS_MAX, -1);

		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == listener)
				accept_all(epoll_fd, listener);
			else
				echo_some(events[i].data.fd);
		}
	}
}

/* ---- Clients ---- */

struct tally {
	uint64_t done, refused, reset, lost;
};

static void count_failure(struct tally *t)
{
	if (errno == ECONNRESET || errno == EPIPE)
		t->reset++;
	else
		t->lost++;
}

/* The descriptor, or -1 when it was refused or not answered. */
static int try_connect(const struct endpoint *to)
{
	int fd = socket(to->addr.ss_family, SOCK_STREAM, 0);

	if (fd < 0)
		die("socket");
	if (connect(fd, (const struct sockaddr *)&to->addr, to->len) < 0) {
		close(fd);
		return -1;
	}
	set_receive_timeout_ms(fd, REPLY_TIMEOUT_MS);
	return fd;
}

static void run_batch(const struct endpoint *to, long batch, struct tally *t)
{
	char message[MESSAGE_BYTES], eof;
	int fds[BATCH_MAX];

	memset(message, MESSAGE_CLOSE, sizeof(message));
	for (long i = 0; i < batch; i++) {
		fds[i] = try_connect(to);
		if (fds[i] < 0)
			t->refused++;
	}
	for (long i = 0; i < batch; i++)
		if (fds[i] >= 0)
			send_all(fds[i], message, sizeof(message)); /* what is wrong shows in the answer */
	for (long i = 0; i < batch; i++) {
		if (fds[i] < 0)
			continue;
		if (recv_all(fds[i], message, sizeof(message)) && !recv_all(fds[i], &eof, 1) && errno == 0)
			t->done++;
		else
			count_failure(t);
		close(fds[i]);
	}
}

/* ADDR PORT CONNECTIONS BATCH */
int seq_client(char **argv)
{
	struct endpoint to = endpoint_parse(argv[0], argv[1]);
	long total = number_parse(argv[2], 1, 100000000);
	long batch = number_parse(argv[3], 1, BATCH_MAX);
	struct tally t = { 0 };
	double begin = now_seconds(), seconds;

	raise_fd_limit();
	bound_run_time(600);
	for (long i = 0; i < total; i += batch)
		run_batch(&to, batch < total - i ? batch : total - i, &t);
	seconds = now_seconds() - begin;
	printf("{\"done\": %llu, \"refused\": %llu, \"reset\": %llu, \"lost\": %llu, \"seconds\": %.6f, \"per_second\": %.1f}\n",
	       (unsigned long long)t.done, (unsigned long long)t.refused, (unsigned long long)t.reset, (unsigned long long)t.lost,
	       seconds, (double)t.done / seconds);
	return 0;
}

static long echo_each(const int *fds, long count)
{
	char message[MESSAGE_BYTES];
	long alive = 0;

	for (long i = 0; i < count; i++) {
		memset(message, MESSAGE_KEEP, sizeof(message));
		if (fds[i] >= 0 && send_all(fds[i], message, sizeof(message)) && recv_all(fds[i], message, sizeof(message)))
			alive++;
	}
	return alive;
}

/* ADDR PORT CONNECTIONS */
int idle_client(char **argv)
{
	struct endpoint to = endpoint_parse(argv[0], argv[1]);
	long count = number_parse(argv[2], 1, HELD_MAX), opened = 0;
	int *fds = calloc((size_t)count, sizeof(*fds));
	char line[16];

	if (!fds)
		die("calloc");
	raise_fd_limit();
	bound_run_time(600);
	for (long i = 0; i < count; i++) {
		fds[i] = try_connect(&to);
		opened += fds[i] >= 0;
	}
	printf("{\"opened\": %ld}\n", opened);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		printf("{\"alive\": %ld}\n", echo_each(fds, count));
		fflush(stdout);
	}
	free(fds);
	return 0;
}
