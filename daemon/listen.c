/* SPDX-License-Identifier: BSD-2-Clause */
/* listen.c - a listening socket: each established connection goes to the client as a message with the new fd attached.
 *
 * accept() is recvmsg() on the client's end, so forked workers that share it just work. The kernel keeps the messages; how many of
 * them wait there counts against the backlog (listener_handed(), by what they take of the pair's send buffer).
 * Whoever closes a listener resets the connections in it (RFC 9293 section 3.10.4). The kernel closes their descriptors for us, which
 * looks like a program that accepted and closed at once: so the connections that no program surely took are kept on a list, and
 * when a listener is closed with some of them unread, the ones that hang up without having moved a byte are reset instead of closed. */
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel.h"
#include "daemon.h"
#include "latch.h"

enum {
	TURN_ACCEPTS = 64,
	PARKED_US = 10000, /* a program that could not receive a connection says so at once, */
	PARKED_LONG_US = 500000, /* or when it gets a descriptor to say so: this long where some program lacked one */
	LACK_US = 10000000, /* in the last while */
	PARKED_MAX = 256,
};

struct listener {
	struct list handed; /* of struct channel, oldest first */
	uint32_t handed_count;
	struct sock *held; /* accepted from the engine, but there was no descriptor for it */
	struct list returned; /* taken back: before those that the engine has */
};

struct returned {
	struct list link;
	struct sock *sock;
};

static uint32_t outq_bytes(int fd)
{
	int n = 0;

	return ioctl(fd, SIOCOUTQ, &n) < 0 || n < 0 ? 0 : (uint32_t)n;
}

static int send_accept(int fd, const struct tapir_accept *message, int attached)
{
	struct iovec iov = { .iov_len = sizeof(*message) };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof(control.room) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	struct tapir_accept copy = *message;

	iov.iov_base = &copy;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &attached, sizeof(int));
	return sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int listener_measure(struct channels *c)
{
	struct tapir_accept message = { .magic = TAPIR_PROTOCOL_MAGIC };
	int fds[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	r = send_accept(fds[0], &message, STDERR_FILENO);
	c->accept_cost = outq_bytes(fds[0]);
	close(fds[0]);
	close(fds[1]);
	return r < 0 ? r : c->accept_cost ? 0 : -EPROTO;
}

int listener_begin(struct daemon *d, struct channel *ch)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOBUFS;
	list_init(&l->handed);
	list_init(&l->returned);
	ch->listener = l;
	ch->kind = CHANNEL_LISTENER;
	channel_enlarge_ours(d, ch);
	return 0;
}

static void unlist(struct channel *ch)
{
	ch->handed_by->handed_count--;
	ch->handed_by = NULL;
	list_remove(&ch->handed_link);
}

static void unpark(struct daemon *d, struct channel *ch)
{
	if (!(ch->flags & CH_PARKED))
		return;
	list_remove(&ch->handed_link);
	d->channels.parked_count--;
	ch->flags &= ~(uint32_t)CH_PARKED;
}

void listener_on_claim(struct daemon *d, struct channel *ch)
{
	if (!(ch->flags & CH_OFFERED))
		return;
	ch->flags &= ~(uint32_t)CH_OFFERED;
	unpark(d, ch);
	if (list_is_linked(&ch->handed_link))
		unlist(ch);
	if (ch->kept_bytes && !(ch->flags & CH_RESET)) /* else they are what makes closing it a reset */
		sock_recv_done(ch->sock, ch->kept_bytes, d->now_us);
	ch->kept_bytes = 0;
}

static void end_parked(struct daemon *d, struct channel *ch)
{
	unpark(d, ch);
	listener_on_claim(d, ch);
	stream_end(d, ch);
}

/* Either the program closed a connection that it had just accepted, without reading or writing; or it had no descriptor left to receive it,
 * so that the kernel closed it. What was read to its end was surely received. */
bool listener_park(struct daemon *d, struct channel *ch)
{
	if ((ch->flags & (CH_OFFERED | CH_UNCLAIMED | CH_FAILED)) != CH_OFFERED || (ch->kept_bytes && !(ch->flags & CH_RESET)))
		return false;
	if (list_is_linked(&ch->handed_link))
		unlist(ch);
	ch->flags |= CH_PARKED;
	ch->parked_until_us = d->now_us + (d->now_us < d->channels.lack_until_us ? PARKED_LONG_US : PARKED_US);
	list_append(&d->channels.parked, &ch->handed_link);
	if (++d->channels.parked_count > PARKED_MAX)
		end_parked(d, container_of(list_first(&d->channels.parked), struct channel, handed_link));
	return true;
}

uint64_t listener_parked_until_us(const struct daemon *d)
{
	const struct list *n = list_first(&d->channels.parked);

	return n ? container_of(n, struct channel, handed_link)->parked_until_us : UINT64_MAX;
}

void listener_end_parked(struct daemon *d, uint64_t until_us)
{
	while (!list_is_empty(&d->channels.parked) && listener_parked_until_us(d) <= until_us)
		end_parked(d, container_of(list_first(&d->channels.parked), struct channel, handed_link));
}

/* The hang-up may still be on its way to us. */
static bool is_hung_up(const struct channel *ch)
{
	struct pollfd p = { .fd = ch->source.fd };

	return (ch->flags & CH_PARKED) || (poll(&p, 1, 0) == 1 && (p.revents & POLLHUP));
}

int listener_take_back(struct daemon *d, struct channel *ch, uint64_t id)
{
	struct sock *s = sock_by_id(d->st, id);
	struct channel *lost = s ? sock_user(s) : NULL;
	struct returned *r;

	d->channels.lack_until_us = d->now_us + LACK_US;
	if (!lost || lost->kind != CHANNEL_STREAM || !(lost->flags & CH_OFFERED) || (lost->flags & CH_FAILED) || lost->user != ch->user ||
	    !is_hung_up(lost))
		return -ENOENT;
	r = malloc(sizeof(*r));
	if (!r)
		return -ENOBUFS;
	r->sock = s;
	unpark(d, lost);
	if (list_is_linked(&lost->handed_link))
		unlist(lost);
	lost->flags &= ~(uint32_t)CH_OFFERED; /* what it was given stays in the engine */
	channel_close(d, lost, CHANNEL_KEEP_SOCK, 0);
	list_append(&ch->listener->returned, &r->link);
	d->counters[COUNTER_LISTEN_RETURNED]++;
	ch->flags |= CH_SOCK_READABLE;
	channel_queue(d, ch);
	return 0;
}

/* The next connection to hand out. NULL: there is none. */
static struct sock *next_sock(struct channel *ch)
{
	struct list *n = list_pop(&ch->listener->returned);
	struct sock *s;
	int err;

	if (!n)
		return sock_accept(ch->sock, &err);
	s = container_of(n, struct returned, link)->sock;
	free(container_of(n, struct returned, link));
	return s;
}

/* The connections that no program surely took are in doubt from now on. But when nothing was left in the pair, it took all (the kernel says
 * ECONNRESET of what was closed with something unread). */
void listener_free(struct daemon *d, struct channel *ch)
{
	struct listener *l = ch->listener;
	bool has_unread = ch->flags & CH_RESET;
	struct list *n;

	while ((n = list_first(&l->handed))) {
		struct channel *accepted = container_of(n, struct channel, handed_link);

		if (!has_unread) {
			listener_on_claim(d, accepted);
			continue;
		}
		accepted->flags |= CH_UNCLAIMED;
		unlist(accepted);
	}
	if (l->held)
		sock_abort(l->held, d->now_us);
	while ((n = list_pop(&l->returned))) {
		struct returned *r = container_of(n, struct returned, link);

		sock_abort(r->sock, d->now_us);
		free(r);
	}
	free(l);
	ch->listener = NULL;
}

uint32_t listener_handed(const struct daemon *d, const struct channel *ch)
{
	return outq_bytes(ch->source.fd) / d->channels.accept_cost + (ch->listener->held ? 1 : 0);
}

/* Messages are read in their order: what is older than those that wait was taken. */
static void trim_handed(struct listener *l, uint32_t waiting)
{
	while (l->handed_count > waiting)
		unlist(container_of(list_first(&l->handed), struct channel, handed_link));
}

/* Give @s to the client. 0, or -errno with @s untouched. */
static int hand_over(struct daemon *d, struct channel *ch, struct sock *s)
{
	struct tapir_accept message = { .magic = TAPIR_PROTOCOL_MAGIC, .id = sock_id(s) };
	struct ip_endpoint local, remote = { 0 };
	struct channel *accepted;
	int theirs, r;

	r = channel_open(d, s, ch->family, SOCK_STREAM, ch->user, ch->pid, &accepted, &theirs);
	if (r < 0)
		return r;
	sock_getname(s, &local);
	sock_getpeer(s, &remote);
	channel_addr_to_wire(&message.local, &local, ch->family);
	channel_addr_to_wire(&message.remote, &remote, ch->family);
	urgent_inherit_inline(d, accepted, theirs);
	latch_put(accepted, theirs);
	r = send_accept(ch->source.fd, &message, theirs);
	close(theirs);
	if (r < 0) {
		channel_close(d, accepted, CHANNEL_KEEP_SOCK, 0);
		return r;
	}
	list_append(&ch->listener->handed, &accepted->handed_link);
	accepted->handed_by = ch->listener;
	accepted->flags |= CH_OFFERED;
	ch->listener->handed_count++;
	stream_begin(d, accepted);
	return 0;
}

static void hand_over_all(struct daemon *d, struct channel *ch)
{
	struct listener *l = ch->listener;
	uint32_t waiting_bytes = outq_bytes(ch->source.fd);
	int r;

	trim_handed(l, waiting_bytes / d->channels.accept_cost);
	for (int i = 0; i < TURN_ACCEPTS; i++) {
		if (waiting_bytes + d->channels.accept_cost > d->channels.sndbuf) {
			channel_wait_for_room(d, ch);
			return;
		}
		if (!l->held)
			l->held = next_sock(ch);
		if (!l->held) {
			ch->flags &= ~(uint32_t)CH_SOCK_READABLE;
			return;
		}
		r = hand_over(d, ch, l->held);
		if (r == -EPIPE || r == -ECONNRESET)
			return; /* the client is gone: its hang-up ends the listener, and what is held */
		if (r < 0) {
			log_limited(&d->log, LOG_LEVEL_WARNING, "accept for uid %u: %s: connections wait for sockets to be closed",
				    ch->user->uid, r == -EMFILE ? "this user has too many sockets" : strerror(-r));
			channel_stall(d, ch);
			return;
		}
		l->held = NULL;
		waiting_bytes += d->channels.accept_cost;
	}
	channel_queue(d, ch);
}

void listener_work(struct daemon *d, struct channel *ch)
{
	if (ch->flags & (CH_HUNG_UP | CH_RESET)) {
		channel_close(d, ch, CHANNEL_CLOSE, 0);
		return;
	}
	ch->flags &= ~(uint32_t)CH_FD_READABLE; /* nothing that is written to a listener means anything */
	if ((ch->flags & (CH_SOCK_READABLE | CH_FD_FULL)) == CH_SOCK_READABLE)
		hand_over_all(d, ch);
}
