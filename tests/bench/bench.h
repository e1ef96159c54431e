/* SPDX-License-Identifier: BSD-2-Clause */
/* bench.h - what the measuring programs share.
 * They are plain POSIX socket programs: the same binary runs on the kernel and, under `tapir run`, on a stack. Each takes
 * literal addresses of either family, prints one JSON object on standard output when it is done, and is bounded in time by
 * an alarm that kills it. A server prints "ready" first, when it can be connected to. */
#ifndef TAPIR_BENCH_H
#define TAPIR_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* A subcommand: its arguments without the command's name; returns the exit status. */
int bulk_server(char **argv); /* send|recv, seconds */
int bulk_client(char **argv);
int rr_server(char **argv);
int rr_client(char **argv);
int udp_server(char **argv);
int udp_client(char **argv);
int quic_server(char **argv);
int quic_client(char **argv);
int conn_server(char **argv);
int conn_client(char **argv);
int hold_server(char **argv);
int seq_client(char **argv);
int connect_client(char **argv);
int idle_client(char **argv);

enum {
	BULK_CALL_BYTES = 128 * 1024, /* of one read() or write() */
	MESSAGE_BYTES = 64,	      /* of a request and of its echo */
	GRACE_SECONDS = 20,	      /* what a program may need beyond its measuring time */
};

/* The first byte of an echoed message: what the server does with the connection afterwards. */
enum { MESSAGE_KEEP = 'k', MESSAGE_CLOSE = 'c' };

struct endpoint {
	struct sockaddr_storage addr;
	socklen_t len;
};

/* All of these end the program with a message when they fail, except where a return value says otherwise. */
void die(const char *what) __attribute__((noreturn)); /* with errno's text */
struct endpoint endpoint_parse(const char *addr, const char *port);
long number_parse(const char *text, long min, long max);
int listen_on(const struct endpoint *at);
int accept_one(int listener);
int connect_to(const struct endpoint *to);
void set_nodelay(int fd);
void set_receive_timeout_ms(int fd, long ms);
void bound_run_time(long seconds); /* SIGALRM kills the program then */
void raise_fd_limit(void);
void say_ready(void);

double now_seconds(void);   /* monotonic */
uint64_t now_ns(void);
double cpu_seconds(void);   /* of this process so far, user and system */

/* Whole messages: true, or false with errno (0 at end of file). */
bool send_all(int fd, const void *data, size_t n);
bool recv_all(int fd, void *data, size_t n);

#endif
