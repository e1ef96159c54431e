/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/notify_kept.h"

#include <string.h>
#include <unistd.h>

enum { KEPT_CONNECTIONS_MAX = 64, KEPT_RESULTS_MAX = 64 };

struct kept_connection {
	uint64_t listener; /* 0: free */
	uint64_t age;
	int fd;
	struct sockaddr_storage peer;
	socklen_t peer_len;
};

struct kept_result {
	pid_t tid; /* 0: free */
	int nr;
	uint64_t args[6], sock_id;
	int64_t result;
};

/* The supervisor is one process for one tree of programs. */
static struct kept_connection connections[KEPT_CONNECTIONS_MAX];
static struct kept_result results[KEPT_RESULTS_MAX];
static uint64_t next_age = 1;
static unsigned next_result;

static struct kept_connection *oldest(uint64_t listener)
{
	struct kept_connection *best = NULL;

	for (int i = 0; i < KEPT_CONNECTIONS_MAX; i++)
		if (connections[i].listener == listener && (!best || connections[i].age < best->age))
			best = &connections[i];
	return best;
}

void kept_put_connection(uint64_t listener, int fd, const struct sockaddr_storage *peer, socklen_t peer_len)
{
	struct kept_connection *k = oldest(0);

	if (!k) {
		k = &connections[0];
		for (int i = 1; i < KEPT_CONNECTIONS_MAX; i++)
			if (connections[i].age < k->age)
				k = &connections[i];
		close(k->fd);
	}
	*k = (struct kept_connection){ .listener = listener, .age = next_age++, .fd = fd, .peer = *peer, .peer_len = peer_len };
}

int kept_take_connection(uint64_t listener, struct sockaddr_storage *peer, socklen_t *peer_len)
{
	struct kept_connection *k = oldest(listener);
	int fd;

	if (!k)
		return -1;
	fd = k->fd;
	*peer = k->peer;
	*peer_len = k->peer_len;
	*k = (struct kept_connection){ .age = 0 };
	return fd;
}

void kept_put_result(const struct notify_call *c)
{
	struct kept_result *k = &results[next_result++ % KEPT_RESULTS_MAX];

	*k = (struct kept_result){ .tid = c->tid, .nr = c->nr, .sock_id = c->sock.id, .result = c->result };
	memcpy(k->args, c->args, sizeof(k->args));
}

bool kept_take_result(const struct notify_call *c, int64_t *result)
{
	for (int i = 0; i < KEPT_RESULTS_MAX; i++) {
		struct kept_result *k = &results[i];

		if (k->tid != c->tid || k->nr != c->nr || k->sock_id != c->sock.id ||
		    memcmp(k->args, c->args, sizeof(k->args)) != 0)
			continue;
		k->tid = 0;
		*result = k->result;
		return true;
	}
	return false;
}
