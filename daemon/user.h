/* SPDX-License-Identifier: BSD-2-Clause */
/* user.h - what each user (uid) holds of the daemon, so that one cannot take it all. */
#ifndef TAPIR_DAEMON_USER_H
#define TAPIR_DAEMON_USER_H

#include <stdbool.h>
#include <stdint.h>

struct daemon;

enum {
	USER_CLIENTS_MAX = 4096, /* control connections: one a thread of each program */
	USER_DUMPS_MAX = 8,	 /* long answers under way: each is a copy of a table */
};

struct user {
	struct user *next;
	uint32_t uid;
	uint32_t refs; /* sockets, clients, and what is on its way to be either */
	uint32_t sockets, clients, dumps, netlinks;
};

struct users {
	struct user *head;
};

struct user *user_get(struct users *users, uint32_t uid); /* with a reference; NULL: no memory */
void user_put(struct users *users, struct user *u);

/* uid 0 and who started the daemon may bind below 1024, open raw sockets, capture and set. */
bool user_is_privileged(const struct daemon *d, const struct user *u);

#endif
