/* SPDX-License-Identifier: BSD-2-Clause */
#include "netlink.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon.h"

enum {
	REQUEST_MAX = 32768,	       /* bytes of a datagram of requests; longer ones are cut, and the kernel's readers send a page at most */
	TURN_STEPS = 32,	       /* datagrams each way in a turn */
	PORT_ID_FIRST = 0xfffff000,    /* downwards, as the kernel does it */
	GROUPS_END = 64,
	TABLE_BYTES_MAX = 4 << 20,
};

struct netlink {
	struct source source; /* our end */
	struct netlink *next;
	struct user *user;
	uint64_t cookie; /* SO_COOKIE of the client's end */
	uint64_t groups; /* bit g - 1: RTNLGRP g */
	uint32_t port_id;
	int32_t pid;
	int type;
	bool is_full; /* @out waits for room */
	struct netlink_dump dump;
	struct netlink_datagram out;
	uint32_t in_bytes, in_at; /* requests that came with the one under way */
	uint8_t *in;
};

/* ---- Life --------------------------------------------------------------------------------------------------------- */

static void netlink_close(struct daemon *d, struct netlink *n)
{
	struct netlink **at = &d->netlinks.head;

	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	d->netlinks.count--;
	d->netlinks.listeners -= n->groups != 0;
	close(n->source.fd);
	n->user->netlinks--;
	user_put(&d->users, n->user);
	free(n->in);
	free(n);
	control_resume(d);
	channels_retry_stalled(d);
}

void netlink_close_all(struct daemon *d)
{
	while (d->netlinks.head)
		netlink_close(d, d->netlinks.head);
	for (int t = 0; t < NETLINK_TABLES; t++)
		free(d->netlinks.told.messages[t]);
}

static struct netlink *by_port_id(struct daemon *d, uint32_t port_id)
{
	for (struct netlink *n = d->netlinks.head; n; n = n->next)
		if (n->port_id == port_id)
			return n;
	return NULL;
}

/* The process's first socket has its id, as from the kernel. */
static void choose_port_id(struct daemon *d, struct netlink *n)
{
	if (n->port_id)
		return;
	if (n->pid > 0 && !by_port_id(d, (uint32_t)n->pid)) {
		n->port_id = (uint32_t)n->pid;
		return;
	}
	if (d->netlinks.next_port_id < PORT_ID_FIRST / 2)
		d->netlinks.next_port_id = PORT_ID_FIRST;
	while (by_port_id(d, d->netlinks.next_port_id))
		d->netlinks.next_port_id--;
	n->port_id = d->netlinks.next_port_id--;
}

static struct netlink *by_fd(struct daemon *d, int fd)
{
	uint64_t cookie;
	socklen_t len = sizeof(cookie);

	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) < 0)
		return NULL;
	for (struct netlink *n = d->netlinks.head; n; n = n->next)
		if (n->cookie == cookie)
			return n;
	return NULL;
}

/* ---- Requests ----------------------------------------------------------------------------------------------------- */

/* Send what is ready. 0; 1: the program must read first; -1: it is gone. */
static int flush(struct netlink *n)
{
	ssize_t r;

	if (!n->out.bytes)
		return 0;
	do
		r = send(n->source.fd, n->out.data, n->out.bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM ? 1 : -1;
	n->out.bytes = 0;
	return 0;
}

/* The next message of the datagram that came. False: there is none. */
static bool answer_next(struct daemon *d, struct netlink *n)
{
	const uint8_t *message = n->in + n->in_at;
	size_t len = netlink_next_message(message, n->in_bytes - n->in_at);

	if (!len) {
		free(n->in);
		n->in = NULL;
		n->in_bytes = n->in_at = 0;
		return false;
	}
	n->in_at += (uint32_t)len;
	d->counters[COUNTER_NETLINK_REQUESTS]++;
	netlink_answer(d->st, message, len, n->port_id, d->now_us, &n->out, &n->dump);
	return true;
}

/* Read a datagram. 0; 1: there is none; -1: the program is gone, or memory is. */
static int receive(struct daemon *d, struct netlink *n)
{
	uint8_t data[REQUEST_MAX];
	ssize_t r = recv(n->source.fd, data, sizeof(data), MSG_DONTWAIT);

	if (r < 0)
		return errno == EAGAIN || errno == EINTR ? 1 : -1;
	if (r == 0) /* its end; an empty datagram, which would look the same, asks nothing either way */
		return -1;
	n->in = malloc((size_t)r);
	if (!n->in)
		return -1;
	memcpy(n->in, data, (size_t)r);
	n->in_bytes = (uint32_t)r;
	choose_port_id(d, n);
	return 0;
}

static void on_ready(struct daemon *d, struct source *s, uint32_t events)
{
	struct netlink *n = container_of(s, struct netlink, source);
	int r = 0;

	for (int i = 0; !r && i < TURN_STEPS; i++) {
		r = flush(n);
		if (r)
			break;
		if (n->dump.is_active)
			netlink_continue_dump(d->st, &n->dump, d->now_us, &n->out);
		else if (!n->in)
			r = receive(d, n) < 0 ? -1 : n->in ? 0 : 2;
		else
			answer_next(d, n);
	}
	if (r < 0 || (r && events & (EPOLLHUP | EPOLLERR))) {
		netlink_close(d, n);
		return;
	}
	/* Level-triggered: with work left over, room to write wakes us at once. */
	loop_watch(d, s, r == 2 ? EPOLLIN : EPOLLOUT);
}

/* ---- Opening and naming ------------------------------------------------------------------------------------------- */

/* The program's end says what it is (netlink.h). */
static int bind_name(const struct daemon *d, int fd, uint64_t cookie)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int n = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, TAPIR_NETLINK_PREFIX "%s/%016llx", d->config.name,
			 (unsigned long long)cookie);

	return bind(fd, (struct sockaddr *)&name, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) < 0 ? -errno : 0;
}

int netlink_open(struct daemon *d, struct user *user, int32_t pid, int type, int *theirs)
{
	struct netlink *n;
	socklen_t len = sizeof(n->cookie);
	int fds[2], err;

	if (type != SOCK_RAW && type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	if (user->netlinks >= NETLINK_USER_MAX)
		return -EMFILE;
	n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOBUFS;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0) {
		free(n);
		return -ENFILE;
	}
	channel_refuse_descriptors(fds[0]);
	n->source = (struct source){ .fd = fds[0], .on_ready = on_ready };
	n->pid = pid;
	n->type = type;
	err = getsockopt(fds[1], SOL_SOCKET, SO_COOKIE, &n->cookie, &len) < 0 ? -errno : bind_name(d, fds[1], n->cookie);
	if (!err)
		err = loop_add(d, &n->source, EPOLLIN);
	if (err) {
		close(fds[0]);
		close(fds[1]);
		free(n);
		return -ENOBUFS;
	}
	n->user = user_get(&d->users, user->uid); /* cannot fail: it exists */
	user->netlinks++;
	n->next = d->netlinks.head;
	d->netlinks.head = n;
	d->netlinks.count++;
	*theirs = fds[1];
	return 0;
}

static void describe(const struct netlink *n, struct tapir_netlink *what)
{
	*what = (struct tapir_netlink){ .port_id = n->port_id, .type = (uint32_t)n->type, .groups = n->groups };
}

int netlink_describe_socket(struct daemon *d, int fd, struct tapir_netlink *what)
{
	const struct netlink *n = by_fd(d, fd);

	if (!n)
		return -ENOTSOCK;
	describe(n, what);
	return 0;
}

static void remember_tables(struct daemon *d);

int netlink_bind(struct daemon *d, int fd, struct tapir_netlink *what)
{
	struct netlink *n = by_fd(d, fd);
	bool had_groups;

	if (!n)
		return -ENOTSOCK;
	if (what->port_id && n->port_id && what->port_id != n->port_id)
		return -EINVAL;
	if (what->port_id && !n->port_id) {
		if (by_port_id(d, what->port_id))
			return -EADDRINUSE;
		n->port_id = what->port_id;
	}
	choose_port_id(d, n);
	had_groups = n->groups != 0;
	n->groups = what->groups;
	if (!d->netlinks.listeners && n->groups)
		remember_tables(d);
	d->netlinks.listeners += (uint32_t)(n->groups != 0) - (uint32_t)had_groups;
	describe(n, what);
	return 0;
}

/* ---- Notifications ------------------------------------------------------------------------------------------------ */

/* A copy of a table, as messages. Whole or not at all. */
static bool copy_table(struct daemon *d, enum netlink_table table, struct netlink_tables *to)
{
	struct netlink_datagram *one = &d->netlinks.scratch;

	to->bytes[table] = 0;
	for (uint32_t at = 0; netlink_describe(d->st, table, at, one); at++) {
		if (one->bytes == 0) /* an entry that is not shown */
			continue;
		if (to->bytes[table] + one->bytes > to->room[table]) {
			size_t room = to->room[table] * 2 + sizeof(one->data);
			uint8_t *messages = room > TABLE_BYTES_MAX ? NULL : realloc(to->messages[table], room);

			if (!messages)
				return false;
			to->messages[table] = messages;
			to->room[table] = room;
		}
		memcpy(to->messages[table] + to->bytes[table], one->data, one->bytes);
		to->bytes[table] += one->bytes;
	}
	return true;
}

static void remember_tables(struct daemon *d)
{
	for (int t = 0; t < NETLINK_TABLES; t++)
		if (!copy_table(d, (enum netlink_table)t, &d->netlinks.told))
			d->netlinks.told.bytes[t] = 0;
	d->netlinks.generation = stack_generation(d->st);
}

static void tell(struct daemon *d, const uint8_t *message, size_t len)
{
	unsigned group = netlink_group_of(message);

	for (struct netlink *n = d->netlinks.head; n && group; n = n->next) {
		if (!(n->groups & 1ull << (group - 1)))
			continue;
		if (send(n->source.fd, message, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			d->counters[COUNTER_NETLINK_DROP_SLOW]++;
	}
}

/* @is_gone: one that is about the same thing counts, too. */
static bool has_message(const uint8_t *messages, size_t bytes, const uint8_t *message, size_t len, bool is_gone)
{
	size_t n;

	for (size_t at = 0; at < bytes; at += n) {
		n = netlink_next_message(messages + at, bytes - at);
		if (!n)
			return false;
		if (n == len && memcmp(messages + at, message, len) == 0)
			return true;
		if (is_gone && netlink_is_same(messages + at, message))
			return true;
	}
	return false;
}

/* The messages of @from that are not in @in. What is gone is told as RTM_DEL*, one up from RTM_NEW*. */
static void tell_difference(struct daemon *d, const struct netlink_tables *from, const struct netlink_tables *in,
			    enum netlink_table t, bool is_gone)
{
	size_t n;

	for (size_t at = 0; at < from->bytes[t]; at += n) {
		uint8_t *message = from->messages[t] + at;
		struct nlmsghdr h;

		n = netlink_next_message(message, from->bytes[t] - at);
		if (!n)
			return;
		if (has_message(in->messages[t], in->bytes[t], message, n, is_gone))
			continue;
		memcpy(&h, message, sizeof(h));
		h.nlmsg_type = (uint16_t)(h.nlmsg_type + is_gone);
		memcpy(message, &h, sizeof(h));
		tell(d, message, n);
		h.nlmsg_type = (uint16_t)(h.nlmsg_type - is_gone);
		memcpy(message, &h, sizeof(h));
	}
}

void netlink_notify(struct daemon *d)
{
	struct netlink_tables *told = &d->netlinks.told, now = { 0 };

	if (!d->netlinks.listeners || d->netlinks.generation == stack_generation(d->st))
		return;
	d->netlinks.generation = stack_generation(d->st);
	for (int t = 0; t < NETLINK_TABLES; t++) {
		if (!copy_table(d, (enum netlink_table)t, &now)) {
			free(now.messages[t]);
			continue;
		}
		/* A link is never removed: one that changed is told as it is now. */
		if (t != NETLINK_LINKS)
			tell_difference(d, told, &now, (enum netlink_table)t, true);
		tell_difference(d, &now, told, (enum netlink_table)t, false);
		free(told->messages[t]);
		told->messages[t] = now.messages[t];
		told->bytes[t] = now.bytes[t];
		told->room[t] = now.room[t];
	}
}
