/* SPDX-License-Identifier: BSD-2-Clause */
/* conn.c - connections opened, echoed once and closed, by several threads at once.
 * The server closes first, after its echo, and the client then reads the end of file: so a connection counts only when it
 * ended in order, TIME-WAIT lies with the server, and the client's ports are not used up. */
#include "bench.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { THREADS_MAX = 64 };

struct worker {
	pthread_t thread;
	int listener;
	struct endpoint to;
	double end;
	uint64_t done, failed;
	int error; /* of the last failure */
};

static void *serve(void *arg)
{
	struct worker *w = arg;
	char message[MESSAGE_BYTES];

	for (;;) {
		int fd = accept_one(w->listener);

		if (recv_all(fd, message, sizeof(message)))
			send_all(fd, message, sizeof(message));
		close(fd);
	}
	return NULL;
}

static bool open_echo_close(const struct endpoint *to)
{
	char message[MESSAGE_BYTES], eof;
	int fd = socket(to->addr.ss_family, SOCK_STREAM, 0), error;
	bool ok;

	if (fd < 0)
		return false;
	memset(message, MESSAGE_CLOSE, sizeof(message));
	ok = connect(fd, (const struct sockaddr *)&to->addr, to->len) == 0 && send_all(fd, message, sizeof(message)) &&
	     recv_all(fd, message, sizeof(message)) && !recv_all(fd, &eof, 1) && errno == 0;
	error = errno;
	close(fd);
	errno = error;
	return ok;
}

static void *drive(void *arg)
{
	struct worker *w = arg;

	while (now_seconds() < w->end) {
		if (open_echo_close(&w->to)) {
			w->done++;
		} else {
			w->failed++;
			w->error = errno;
		}
	}
	return NULL;
}

static void start(struct worker *w, void *(*fn)(void *))
{
	errno = pthread_create(&w->thread, NULL, fn, w);
	if (errno != 0)
		die("pthread_create");
}

/* ADDR PORT THREADS: until it is killed */
int conn_server(char **argv)
{
	struct endpoint at = endpoint_parse(argv[0], argv[1]);
	long threads = number_parse(argv[2], 1, THREADS_MAX);
	struct worker w[THREADS_MAX] = { 0 };
	int listener = listen_on(&at);

	bound_run_time(3600);
	for (long i = 0; i < threads; i++) {
		w[i].listener = listener;
		start(&w[i], serve);
	}
	say_ready();
	pause();
	return 0;
}

/* ADDR PORT MILLISECONDS THREADS */
int conn_client(char **argv)
{
	struct endpoint to = endpoint_parse(argv[0], argv[1]);
	long ms = number_parse(argv[2], 1, 3600000);
	long threads = number_parse(argv[3], 1, THREADS_MAX);
	struct worker w[THREADS_MAX] = { 0 };
	double begin = now_seconds(), seconds;
	uint64_t done = 0, failed = 0;
	int error = 0;

	bound_run_time(ms / 1000);
	for (long i = 0; i < threads; i++) {
		w[i].to = to;
		w[i].end = begin + (double)ms * 1e-3;
		start(&w[i], drive);
	}
	for (long i = 0; i < threads; i++) {
		pthread_join(w[i].thread, NULL);
		done += w[i].done;
		failed += w[i].failed;
		if (w[i].failed > 0)
			error = w[i].error;
	}
	seconds = now_seconds() - begin;
	printf("{\"done\": %llu, \"failed\": %llu, \"error\": \"%s\", \"per_second\": %.1f, \"cpu_seconds\": %.6f}\n",
	       (unsigned long long)done, (unsigned long long)failed, failed ? strerror(error) : "", (double)done / seconds,
	       cpu_seconds());
	return 0;
}

/* ADDR PORT COUNT: what socket() and connect() take together, one connection after the other */
int connect_client(char **argv)
{
	struct endpoint to = endpoint_parse(argv[0], argv[1]);
	long count = number_parse(argv[2], 1, 50000);
	uint64_t ns = 0;

	bound_run_time(60);
	for (long i = 0; i < count; i++) {
		uint64_t begin = now_ns();
		int fd = connect_to(&to);

		ns += now_ns() - begin;
		close(fd);
	}
	printf("{\"us\": %.3f, \"cpu_seconds\": %.6f}\n", (double)ns * 1e-3 / (double)count, cpu_seconds());
	return 0;
}
