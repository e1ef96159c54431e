/* SPDX-License-Identifier: BSD-2-Clause */
/* control.h - the control server: connections of clients, their requests read and answered in order.
 * Promises: a client that sends garbage, or does not read its replies, is closed, and no other notices; who it is comes from the
 * kernel (SO_PEERCRED). requests.c does what is asked, dump.c makes the long answers. */
#ifndef TAPIR_DAEMON_CONTROL_H
#define TAPIR_DAEMON_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"
#include "request.h"
#include "stack/list.h"
#include "user.h"

struct channel;
struct dump;

struct client {
	struct source source;
	struct list link;
	struct user *user;
	int32_t pid;
	struct dump *dump; /* an answer of many messages, under way; requests wait */
	uint32_t dump_seq;
	struct channel *waits_for; /* CONNECT_WAIT: the stream whose connect is to be decided, and the request */
	uint32_t wait_seq;
};

struct control {
	struct source source; /* the listening socket */
	struct list clients;
	uint32_t client_count;
	bool is_paused; /* no descriptors for new clients */
};

/* What a request is answered with. */
struct reply {
	int error; /* positive errno */
	uint32_t body_bytes;
	int fd; /* to attach, closed once sent; -1: none */
	bool is_silent; /* no reply: a dump follows, or the protocol has none */
	union {
		uint8_t body[sizeof(struct tapir_option) + TAPIR_OPTION_MAX];
		struct tapir_hello hello;
		struct tapir_socket_rep socket;
		struct tapir_addr addr;
		struct tapir_int number;
		struct tapir_netlink netlink;
		struct {
			struct tapir_dgram head;
			uint8_t controls[TAPIR_CONTROLS_MAX];
		} dgram;
		struct {
			struct tapir_dgram_error head;
			uint8_t payload[TAPIR_OPTION_MAX - sizeof(struct tapir_dgram_error)];
		} dgram_error;
		struct {
			struct tapir_option head;
			uint8_t value[TAPIR_OPTION_MAX];
		} option;
		struct tapir_tunable tunable;
		struct tapir_change change;
		struct tapir_route_rec route;
	};
};

/** control_open - serve on the listening socket @fd, which it owns from now on. 0 or -errno. */
int control_open(struct daemon *d, int fd);
void control_pause(struct daemon *d); /* accept no more: for the clean stop */
void control_resume(struct daemon *d); /* after a lack of descriptors */
void control_close(struct daemon *d);

/* CONNECT_WAIT: the answer comes later, when the channel is decided. @error: a positive errno or 0. */
void control_wait(struct client *c, struct channel *ch, uint32_t seq);
void control_answer_waiter(struct daemon *d, struct client *c, int error);

/** control_add - one more client on the connected socket @fd, which it owns from now on. 0 or -errno. */
int control_add(struct daemon *d, int fd);

/* requests.c. @fd: the attached one, or -1; the caller closes it unless *fd is set to -1. */
void request_handle(struct daemon *d, struct client *c, const struct request *r, int *fd, struct reply *reply);

/* dump.c */
int dump_start(struct daemon *d, struct user *user, uint32_t what, struct dump **dump); /* 0 or a positive errno */
/* The next message of it into @to, of TAPIR_MESSAGE_MAX bytes with the header; its length. 0: it was the last before. */
uint32_t dump_next(struct dump *dump, uint8_t *to, uint32_t seq);
void dump_back(struct dump *dump); /* the last message was not sent: it comes again */
void dump_end(struct dump *dump); /* NULL is fine */

#endif
