/* SPDX-License-Identifier: BSD-2-Clause */
#include "control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon.h"

enum {
	TURN_ACCEPTS = 64,
	FDS_MAX = 4,	    /* of one message that are received, and closed again if they are too many */
};

/* Nobody waits any more. */
static void forget_wait(struct client *c)
{
	if (!c->waits_for)
		return;
	c->waits_for->flags &= ~(uint32_t)CH_HAS_WAITER;
	c->waits_for->waiter = NULL;
	c->waits_for = NULL;
}

static void client_close(struct daemon *d, struct client *c)
{
	forget_wait(c);
	dump_end(c->dump);
	loop_remove(d, &c->source); /* closing does not, while somebody has a copy of an adopted one */
	close(c->source.fd);
	list_remove(&c->link);
	d->control.client_count--;
	c->user->clients--;
	user_put(&d->users, c->user);
	free(c);
	control_resume(d);
	channels_retry_stalled(d);
}

/* ---- Replies ------------------------------------------------------------------------------------------------------ */

/* Returns 0 or -errno; -EAGAIN: the client does not read. */
static int send_message(int fd, const struct iovec *iov, int iovcnt, int attached)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct iovec copy[2];
	struct msghdr m = { .msg_iov = copy, .msg_iovlen = (size_t)iovcnt };
	ssize_t n;

	memcpy(copy, iov, (size_t)iovcnt * sizeof(*iov));
	if (attached >= 0) {
		m.msg_control = control.room;
		m.msg_controllen = sizeof(control.room);
		control.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &attached, sizeof(int));
	}
	do
		n = sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static int send_reply(struct client *c, const struct request *r, struct reply *reply)
{
	struct tapir_header h = { .magic = TAPIR_PROTOCOL_MAGIC, .version = TAPIR_PROTOCOL_VERSION, .op = r->op, .seq = r->seq,
				  .error = reply->error };
	struct iovec iov[2] = { { &h, sizeof(h) }, { reply->body, reply->body_bytes } };
	int err = send_message(c->source.fd, iov, 2, reply->fd);

	if (reply->fd >= 0)
		close(reply->fd);
	return err;
}

void control_wait(struct client *c, struct channel *ch, uint32_t seq)
{
	c->waits_for = ch;
	c->wait_seq = seq;
	ch->waiter = c;
	ch->flags |= CH_HAS_WAITER;
}

/* One that does not take the answer is closed when it shows: not here, where its own request may be under way. */
void control_answer_waiter(struct daemon *d, struct client *c, int error)
{
	const struct request r = { .op = TAPIR_OP_CONNECT_WAIT, .seq = c->wait_seq };
	struct reply reply = { .fd = -1, .error = error };

	forget_wait(c);
	if (send_reply(c, &r, &reply) < 0) {
		d->counters[COUNTER_CONTROL_DROP_SLOW]++;
		shutdown(c->source.fd, SHUT_RDWR);
	}
}

/* Send the rest of a dump as far as it goes. 0 or -errno: the client is lost. */
static int continue_dump(struct daemon *d, struct client *c)
{
	uint8_t message[TAPIR_MESSAGE_MAX];
	uint32_t n;

	while ((n = dump_next(c->dump, message, c->dump_seq))) {
		struct iovec iov = { message, n };
		int err = send_message(c->source.fd, &iov, 1, -1);

		if (err == -EAGAIN || err == -ENOBUFS) {
			dump_back(c->dump);
			loop_watch(d, &c->source, EPOLLOUT);
			return 0;
		}
		if (err < 0)
			return err;
	}
	dump_end(c->dump);
	c->dump = NULL;
	loop_watch(d, &c->source, EPOLLIN);
	return 0;
}

/* ---- Requests ----------------------------------------------------------------------------------------------------- */

/* Read one message and the fd that came with it. More than one fd: *fd is -1 and *too_many is set. */
static ssize_t receive(int sock, uint8_t *message, size_t room, int *fd, bool *too_many)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = { message, room };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof(control.room) };
	ssize_t n = recvmsg(sock, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_TRUNC);
	int fds[FDS_MAX], count = 0;

	*fd = -1;
	*too_many = false;
	if (n < 0)
		return -errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds, CMSG_DATA(c), (size_t)count * sizeof(int));
	}
	*too_many = count > 1;
	if (count == 1)
		*fd = fds[0];
	for (int i = 0; count > 1 && i < count; i++)
		close(fds[i]);
	return n;
}

/* Whose errors come with a body that says what was expected. */
static bool explains_errors(uint16_t op)
{
	return op == TAPIR_OP_SET || op == TAPIR_OP_CHANGE || op == TAPIR_OP_RELOAD;
}

static int answer(struct daemon *d, struct client *c, const struct request *r, int parse_error, int *fd, bool too_many)
{
	struct reply reply = { .fd = -1, .error = parse_error };
	int err;

	if (c->waits_for)
		control_answer_waiter(d, c, EINPROGRESS);

	if (!reply.error && (too_many || request_wants_fd(r) != (*fd >= 0)))
		reply.error = EBADF;
	if (!reply.error)
		request_handle(d, c, r, fd, &reply);
	if (reply.is_silent || r->op == TAPIR_OP_ADOPT)
		return c->dump ? continue_dump(d, c) : 0;
	if (reply.error && !explains_errors(r->op))
		reply.body_bytes = 0;
	err = send_reply(c, r, &reply);
	if (err == -EAGAIN)
		d->counters[COUNTER_CONTROL_DROP_SLOW]++;
	return err;
}

/* One request. 0: done; 1: none there; -1: the client is to be closed. */
static int serve_one(struct daemon *d, struct client *c)
{
	uint8_t message[TAPIR_MESSAGE_MAX];
	struct request r;
	bool too_many;
	int fd, err;
	ssize_t n = receive(c->source.fd, message, sizeof(message), &fd, &too_many);

	if (n == -EAGAIN || n == -EINTR)
		return 1;
	if (n <= 0) {
		if (fd >= 0) /* an empty message may bring one */
			close(fd);
		return -1;
	}
	d->counters[COUNTER_CONTROL_REQUESTS]++;
	err = n > TAPIR_MESSAGE_MAX ? REQUEST_IS_GARBAGE : request_parse(message, (size_t)n, &r);
	if (err == REQUEST_IS_GARBAGE) {
		d->counters[COUNTER_CONTROL_DROP_GARBAGE]++;
		log_limited(&d->log, LOG_LEVEL_DEBUG, "control: pid %d, uid %u sent something else than a request; closed", c->pid,
			    c->user->uid);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	err = answer(d, c, &r, err, &fd, too_many);
	if (fd >= 0)
		close(fd);
	return err < 0 ? -1 : 0;
}

static void on_client_ready(struct daemon *d, struct source *s, uint32_t events)
{
	struct client *c = container_of(s, struct client, source);
	int r;

	if (events & EPOLLERR) {
		client_close(d, c);
		return;
	}
	if (c->dump) {
		if ((events & EPOLLHUP) || continue_dump(d, c) < 0)
			client_close(d, c);
		return;
	}
	/* One a turn: a client waits for the reply before it asks again, and looking for more would be a system call in vain.
	 * The descriptor is level-triggered. */
	r = serve_one(d, c);
	if (r < 0 || ((events & EPOLLHUP) && c->dump))
		client_close(d, c);
}

/* ---- Clients ------------------------------------------------------------------------------------------------------ */

int control_add(struct daemon *d, int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	struct client *c = NULL;
	struct user *user = NULL;
	int err;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0)
		user = user_get(&d->users, cred.uid);
	if (user && user->clients < USER_CLIENTS_MAX)
		c = calloc(1, sizeof(*c));
	else if (user)
		d->counters[COUNTER_CONTROL_DROP_LIMIT]++;
	err = c ? 0 : -ENOBUFS;
	if (c) {
		c->source = (struct source){ .fd = fd, .on_ready = on_client_ready, .is_after = true };
		c->user = user;
		c->pid = cred.pid;
		list_init(&c->link);
		err = loop_add(d, &c->source, EPOLLIN);
	}
	if (err < 0) {
		if (user)
			user_put(&d->users, user);
		free(c);
		close(fd);
		return err;
	}
	user->clients++;
	list_append(&d->control.clients, &c->link);
	d->control.client_count++;
	d->counters[COUNTER_CONTROL_CLIENTS]++;
	return 0;
}

static void on_listener_ready(struct daemon *d, struct source *s, uint32_t events)
{
	(void)events;
	for (int i = 0; i < TURN_ACCEPTS; i++) {
		int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			control_add(d, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			log_limited(&d->log, LOG_LEVEL_WARNING, "control: %s: new clients wait", strerror(errno));
			control_pause(d);
		}
		if (errno != ECONNABORTED && errno != EINTR)
			return;
	}
}

int control_open(struct daemon *d, int fd)
{
	list_init(&d->control.clients);
	d->control.source = (struct source){ .fd = fd, .on_ready = on_listener_ready };
	return loop_add(d, &d->control.source, EPOLLIN);
}

void control_pause(struct daemon *d)
{
	d->control.is_paused = true;
	loop_watch(d, &d->control.source, 0);
}

void control_resume(struct daemon *d)
{
	if (!d->control.is_paused || d->stop)
		return;
	d->control.is_paused = false;
	loop_watch(d, &d->control.source, EPOLLIN);
}

void control_close(struct daemon *d)
{
	struct list *n;

	d->stop = true;
	while ((n = list_first(&d->control.clients)))
		client_close(d, container_of(n, struct client, link));
	close(d->control.source.fd);
}
