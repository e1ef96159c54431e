/* SPDX-License-Identifier: BSD-2-Clause */
#include "channel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon.h"
#include "fresh.h"
#include "latch.h"

enum {
	BUCKETS_FIRST = 256,
	EVENTS_ALWAYS = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET,
	SMALL_BUFFER = 64 << 10, /* less was asked for on purpose */
	SMALLEST_DGRAM_BUFFER = 34 << 10, /* of which the kernel makes twice as much */
	UNIX_CHUNK_OVERHEAD = 64, /* a stream's write is cut into messages of half its send buffer, less this (unix_stream_sendmsg()) */
	FDS_RESERVED = 24, /* for ourselves, and to receive the fd that comes with a request even when sockets took the rest */
};

/* ---- The table by cookie ------------------------------------------------------------------------------------------ */

/* Cookies are the kernel's counter, nothing that a client chooses. */
static uint32_t bucket_of(const struct channels *c, uint64_t cookie)
{
	return (uint32_t)(cookie * 0x9e3779b97f4a7c15u >> 32) & (c->bucket_count - 1);
}

static void grow(struct channels *c)
{
	struct channel **old = c->buckets;
	uint32_t old_count = c->bucket_count;
	struct channel **buckets = calloc(old_count * 2, sizeof(struct channel *));

	if (!buckets)
		return; /* the chains just become longer */
	c->buckets = buckets;
	c->bucket_count = old_count * 2;
	for (uint32_t i = 0; i < old_count; i++) {
		struct channel *next;

		for (struct channel *ch = old[i]; ch; ch = next) {
			uint32_t b = bucket_of(c, ch->cookie);

			next = ch->hash_next;
			ch->hash_next = c->buckets[b];
			c->buckets[b] = ch;
		}
	}
	free(old);
}

static void table_add(struct channels *c, struct channel *ch)
{
	uint32_t b;

	if (c->count >= c->bucket_count)
		grow(c);
	b = bucket_of(c, ch->cookie);
	ch->hash_next = c->buckets[b];
	c->buckets[b] = ch;
	c->count++;
}

static void table_remove(struct channels *c, struct channel *ch)
{
	struct channel **at = &c->buckets[bucket_of(c, ch->cookie)];

	while (*at != ch)
		at = &(*at)->hash_next;
	*at = ch->hash_next;
	c->count--;
}

struct channel *channel_by_fd(struct daemon *d, int fd, uint64_t *cookie)
{
	socklen_t len = sizeof(*cookie);

	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, cookie, &len) < 0) {
		*cookie = 0;
		return NULL;
	}
	for (struct channel *ch = d->channels.buckets[bucket_of(&d->channels, *cookie)]; ch; ch = ch->hash_next)
		if (ch->cookie == *cookie)
			return ch;
	return NULL;
}

/* ---- Pairs -------------------------------------------------------------------------------------------------------- */

static void set_sndbuf(int fd, int bytes)
{
	/* The kernel caps it at net.core.wmem_max; smaller is only slower. */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

static uint32_t get_sndbuf(int fd)
{
	int bytes = 0;
	socklen_t len = sizeof(bytes);

	getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, &len);
	return (uint32_t)bytes;
}

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* Linux 6.16 */
#endif

/* A client that sends a socket its own descriptor and closes it would leave it behind in us for ever wherever we do not read (the kernel
 * frees what only such descriptors hold, but we hold the other end). Older kernels cannot refuse; there it counts against the
 * user's limit. */
void channel_refuse_descriptors(int fd)
{
	int no = 0;

	setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &no, sizeof(no));
}

/* Any program that holds the other end sees by getpeername(2) that it is ours, and which. */
static int bind_name(const struct daemon *d, int fd, uint64_t id)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int n = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, TAPIR_NAME_PREFIX "%s/%016llx", d->config.name,
			 (unsigned long long)id);

	return bind(fd, (struct sockaddr *)&name, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) < 0 ? -errno : 0;
}

struct pair {
	int ours, theirs;
	uint64_t cookie;
};

static bool lacks_fds(const struct daemon *d)
{
	return d->channels.count + d->control.client_count + d->captures.count + d->netlinks.count + FDS_RESERVED > d->fds_max;
}

static int open_pair(struct daemon *d, enum channel_kind kind, uint64_t id, struct pair *p)
{
	int fds[2], err = 0;
	socklen_t len = sizeof(p->cookie);

	if (lacks_fds(d))
		return -ENFILE;
	if (socketpair(AF_UNIX, (kind == CHANNEL_DGRAM ? SOCK_SEQPACKET : SOCK_STREAM) | SOCK_CLOEXEC, 0, fds) < 0)
		return errno == EMFILE || errno == ENFILE ? -ENFILE : -ENOBUFS;
	p->ours = fds[0];
	p->theirs = fds[1];
	channel_refuse_descriptors(p->ours);
	if (kind == CHANNEL_DGRAM)
		set_sndbuf(p->ours, TAPIR_SNDBUF_WANTED);
	set_sndbuf(p->theirs, TAPIR_SNDBUF_WANTED);
	if (getsockopt(p->theirs, SOL_SOCKET, SO_COOKIE, &p->cookie, &len) < 0)
		err = -errno;
	if (!err)
		err = bind_name(d, p->ours, id);
	if (err) {
		close(p->ours);
		close(p->theirs);
		return -ENOBUFS;
	}
	return 0;
}

static int adopt_end(struct daemon *d, int theirs, struct pair *p)
{
	socklen_t len = sizeof(p->cookie);
	int ours;

	if (lacks_fds(d))
		return -ENFILE;
	if (getsockopt(theirs, SOL_SOCKET, SO_COOKIE, &p->cookie, &len) < 0)
		return -ENOTSOCK;
	ours = fresh_connect(d->channels.door, theirs);
	if (ours < 0)
		return ours;
	p->ours = ours;
	p->theirs = theirs;
	channel_refuse_descriptors(p->ours);
	return 0;
}

/* What a pair's buffers are here, and how much junk it takes: as much as the kernel makes one message of, and another of one byte. The two
 * fill the smallest send buffer, and the second is the latch. */
static int measure_pair(struct channels *c)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	set_sndbuf(fds[0], CHANNEL_SNDBUF_CONNECTING);
	c->junk_bytes = get_sndbuf(fds[0]) / 2 - UNIX_CHUNK_OVERHEAD + 1;
	set_sndbuf(fds[1], TAPIR_SNDBUF_WANTED);
	c->sndbuf = get_sndbuf(fds[1]);
	close(fds[0]);
	close(fds[1]);
	c->junk = calloc(1, c->junk_bytes);
	return c->junk ? 0 : -ENOMEM;
}

int channels_init(struct daemon *d)
{
	struct channels *c = &d->channels;
	int r;

	list_init(&c->work);
	list_init(&c->dead);
	list_init(&c->parked);
	list_init(&c->stalled);
	c->bucket_count = BUCKETS_FIRST;
	c->buckets = calloc(c->bucket_count, sizeof(struct channel *));
	if (!c->buckets)
		return -ENOMEM;
	r = dgram_batch_init(c);
	if (!r)
		r = measure_pair(c);
	return r ? r : listener_measure(c);
}

void channels_abort(struct daemon *d)
{
	struct channels *c = &d->channels;

	for (uint32_t i = 0; i < c->bucket_count; i++)
		while (c->buckets[i])
			channel_close(d, c->buckets[i], CHANNEL_ABORT, 0);
}

void channels_fini(struct channels *c)
{
	dgram_batch_fini(c);
	free(c->buckets);
	free(c->junk);
}

void channels_farewell(struct daemon *d)
{
	struct channels *c = &d->channels;
	struct channel *next;

	for (uint32_t i = 0; i < c->bucket_count; i++) {
		for (struct channel *ch = c->buckets[i]; ch; ch = next) {
			next = ch->hash_next;
			if (ch->kind == CHANNEL_STREAM && (ch->flags & CH_CONNECTED))
				stream_farewell(d, ch);
			else
				channel_close(d, ch, CHANNEL_CLOSE, 0);
		}
	}
}

/* ---- Life --------------------------------------------------------------------------------------------------------- */

static void on_fd_ready(struct daemon *d, struct source *source, uint32_t events)
{
	struct channel *ch = container_of(source, struct channel, source);

	if (ch->flags & CH_IS_DEAD)
		return;
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		ch->flags |= CH_FD_READABLE;
	if (events & EPOLLPRI)
		urgent_expect(ch);
	if (events & EPOLLRDHUP)
		ch->flags |= CH_HALF_CLOSED;
	if (events & EPOLLHUP)
		ch->flags |= CH_HUNG_UP;
	if (events & EPOLLERR)
		ch->flags |= CH_RESET;
	if (events & EPOLLOUT) {
		ch->flags &= ~(uint32_t)CH_FD_FULL;
		loop_watch(d, source, EVENTS_ALWAYS);
	}
	channel_queue(d, ch);
}

/* A buffer of the engine's socket that its program made small on purpose, in bytes; else what a pair may hold. */
static int small_or_wanted(struct daemon *d, const struct channel *ch, int option)
{
	int bytes = 0;
	size_t len = sizeof(bytes);

	if (sock_getopt(ch->sock, SOL_SOCKET, option, &bytes, &len, d->now_us) < 0 || bytes >= SMALL_BUFFER)
		return TAPIR_SNDBUF_WANTED;
	return bytes / 2; /* the kernel doubles it */
}

/* A pair must take the longest datagram all the same. */
static int dgram_bound(struct daemon *d, const struct channel *ch, int option)
{
	int bytes = small_or_wanted(d, ch, option);

	return bytes < SMALLEST_DGRAM_BUFFER ? SMALLEST_DGRAM_BUFFER : bytes;
}

void channel_bound_dgram(struct daemon *d, struct channel *ch, int theirs)
{
	set_sndbuf(ch->source.fd, dgram_bound(d, ch, SO_RCVBUF));
	set_sndbuf(theirs, dgram_bound(d, ch, SO_SNDBUF));
}

void channel_bound_theirs(struct daemon *d, struct channel *ch, int theirs)
{
	int bytes = small_or_wanted(d, ch, SO_SNDBUF);

	if (bytes == TAPIR_SNDBUF_WANTED)
		return;
	ch->flags |= CH_THEIRS_IS_SMALL;
	if (!(ch->flags & CH_CONNECTED))
		return;
	set_sndbuf(theirs, bytes);
	ch->flags |= CH_THEIRS_IS_LARGE;
}

void channel_enlarge_ours(struct daemon *d, struct channel *ch)
{
	set_sndbuf(ch->source.fd, ch->kind == CHANNEL_STREAM ? small_or_wanted(d, ch, SO_RCVBUF) : TAPIR_SNDBUF_WANTED);
	ch->flags |= CH_OURS_IS_LARGE;
}

void channel_enlarge_theirs(struct daemon *d, struct channel *ch, int theirs)
{
	int bytes;

	if (ch->flags & CH_THEIRS_IS_LARGE)
		return;
	bytes = ch->flags & CH_THEIRS_IS_SMALL ? small_or_wanted(d, ch, SO_SNDBUF) : TAPIR_SNDBUF_WANTED;
	set_sndbuf(theirs, bytes);
	ch->flags |= CH_THEIRS_IS_LARGE;
}

void channel_wait_for_room(struct daemon *d, struct channel *ch)
{
	if (!(ch->flags & CH_OURS_IS_LARGE)) {
		channel_enlarge_ours(d, ch);
		return;
	}
	ch->flags |= CH_FD_FULL;
	loop_watch(d, &ch->source, EVENTS_ALWAYS | EPOLLOUT);
}

static struct channel *new_channel(struct daemon *d, struct sock *sock, int family, enum channel_kind kind, const struct pair *pair)
{
	struct channel *ch = calloc(1, sizeof(*ch));

	if (!ch)
		return NULL;
	ch->source = (struct source){ .fd = pair->ours, .on_ready = on_fd_ready };
	ch->cookie = pair->cookie;
	ch->sock = sock;
	ch->kind = (uint8_t)kind;
	ch->family = (uint8_t)family;
	list_init(&ch->work_link);
	list_init(&ch->handed_link);
	if ((kind == CHANNEL_DGRAM && dgram_begin(d, ch) < 0) || loop_add(d, &ch->source, EVENTS_ALWAYS) < 0) {
		if (kind == CHANNEL_DGRAM)
			dgram_free(ch);
		free(ch);
		return NULL;
	}
	return ch;
}

/* A channel for @pair, whose our end is closed on failure. */
static int enter(struct daemon *d, struct sock *sock, int family, enum channel_kind kind, struct user *user, int32_t pid,
		 const struct pair *pair, struct channel **out)
{
	struct channel *ch = new_channel(d, sock, family, kind, pair);

	if (!ch) {
		close(pair->ours);
		return -ENOBUFS;
	}
	ch->pid = pid;
	ch->user = user_get(&d->users, user->uid); /* cannot fail: it exists */
	user->sockets++;
	sock_set_user(sock, ch);
	sock_set_owner(sock, user->uid, pid);
	table_add(&d->channels, ch);
	d->counters[COUNTER_CHANNEL_OPENED]++;
	*out = ch;
	return 0;
}

/* Without a word from the administrator no user can take all descriptors: the last eighth is for the others. */
static uint32_t user_sockets_max(const struct daemon *d)
{
	return d->config.user_sockets_max ? d->config.user_sockets_max : d->fds_max - d->fds_max / 8;
}

static bool has_enough(struct daemon *d, const struct user *user)
{
	if (user->sockets < user_sockets_max(d))
		return false;
	d->counters[COUNTER_CHANNEL_REFUSED_LIMIT]++;
	return true;
}

int channel_open(struct daemon *d, struct sock *sock, int family, int type, struct user *user, int32_t pid, struct channel **out,
		 int *theirs)
{
	enum channel_kind kind = type == SOCK_STREAM ? CHANNEL_STREAM : CHANNEL_DGRAM;
	struct pair pair;
	int err;

	if (has_enough(d, user))
		return -EMFILE;
	err = open_pair(d, kind, sock_id(sock), &pair);
	if (err < 0) {
		d->counters[COUNTER_CHANNEL_REFUSED_FD]++;
		return err;
	}
	err = enter(d, sock, family, kind, user, pid, &pair, out);
	if (err < 0) {
		close(pair.theirs);
		return err;
	}
	(*out)->flags |= CH_THEIRS_IS_LARGE | (kind == CHANNEL_DGRAM ? CH_OURS_IS_LARGE : 0);
	*theirs = pair.theirs;
	return 0;
}

int channel_adopt(struct daemon *d, struct sock *sock, int family, struct user *user, int32_t pid, int theirs, struct channel **out)
{
	struct pair pair;
	int err;

	if (has_enough(d, user))
		return -EMFILE;
	err = adopt_end(d, theirs, &pair);
	if (err < 0) {
		d->counters[COUNTER_CHANNEL_REFUSED_FD] += err != -ENOTSOCK;
		return err;
	}
	return enter(d, sock, family, CHANNEL_STREAM, user, pid, &pair, out);
}

static void leave_tombstone(struct daemon *d, const struct channel *ch, enum channel_end how, int error)
{
	struct tombstone t = { .cookie = ch->cookie, .error = error, .family = ch->family, .was_connected = ch->flags & CH_CONNECTED };
	struct ip_endpoint any = { .addr = ip_addr_any(ch->family) };
	struct sock *gone;

	sock_getname(ch->sock, &t.local);
	if (sock_getpeer(ch->sock, &t.remote) < 0)
		t.remote.port = 0;
	if (how == CHANNEL_BURY_SOCK) {
		/* The first tells the failure; either makes it as good as new. */
		sock_connect(ch->sock, t.was_connected ? NULL : &any, d->now_us);
		t.sock = ch->sock;
		t.was_bound = sock_unbind(ch->sock, &t.bound);
	}
	gone = tombstone_set(&d->tombstones, &t);
	if (gone)
		sock_close(gone, d->now_us);
}

void channel_close(struct daemon *d, struct channel *ch, enum channel_end how, int error)
{
	if (how == CHANNEL_CLOSE && (ch->flags & (CH_FAILED | CH_HUNG_UP)) == CH_FAILED)
		how = CHANNEL_BURY_SOCK;
	/* A client that is gone asks nothing; but after our own shutdown(2) a hang-up does not prove that. */
	if (ch->flags & (CH_FAILED | CH_FIN_TOLD))
		leave_tombstone(d, ch, how, error);
	if ((ch->flags & (CH_FAILED | CH_PEER_CLOSED)) != CH_FAILED || !error)
		latch_drop(ch); /* it ended well: who reads is at the end */
	listener_on_claim(d, ch);
	sock_set_user(ch->sock, NULL);
	if (how == CHANNEL_ABORT)
		sock_abort(ch->sock, d->now_us);
	else if (how == CHANNEL_CLOSE)
		sock_close(ch->sock, d->now_us);
	if (ch->flags & CH_HAS_WAITER)
		control_answer_waiter(d, ch->waiter, error ? error : ECONNABORTED);
	ch->sock = NULL;
	if (ch->kind == CHANNEL_LISTENER)
		listener_free(d, ch);
	else if (ch->kind == CHANNEL_DGRAM)
		dgram_free(ch);
	close(ch->source.fd); /* which takes it off the epoll set: no one else has a copy of our end */
	table_remove(&d->channels, ch);
	list_remove(&ch->work_link);
	list_append(&d->channels.dead, &ch->work_link);
	ch->flags |= CH_IS_DEAD;
	ch->user->sockets--;
	user_put(&d->users, ch->user);
	d->counters[COUNTER_CHANNEL_CLOSED]++;
}

/* The events of this wake-up may still name them, so they are freed only now. */
void channels_reap(struct daemon *d)
{
	struct list *n;
	bool any = false;

	while ((n = list_pop(&d->channels.dead))) {
		free(container_of(n, struct channel, work_link));
		any = true;
	}
	if (any)
		channels_retry_stalled(d);
}

/* ---- Work --------------------------------------------------------------------------------------------------------- */

void channel_queue(struct daemon *d, struct channel *ch)
{
	if (!(ch->flags & CH_IS_DEAD) && !list_is_linked(&ch->work_link))
		list_append(&d->channels.work, &ch->work_link);
}

void channel_stall(struct daemon *d, struct channel *ch)
{
	list_remove(&ch->work_link);
	list_append(&d->channels.stalled, &ch->work_link);
}

bool channels_are_stalled(const struct daemon *d)
{
	return !list_is_empty(&d->channels.stalled);
}

void channels_retry_stalled(struct daemon *d)
{
	struct list *n;

	while ((n = list_pop(&d->channels.stalled)))
		list_append(&d->channels.work, n);
}

bool channels_have_work(const struct daemon *d)
{
	return !list_is_empty(&d->channels.work);
}

/* Once for each that is on the list now; who needs more goes to its end. */
void channels_work(struct daemon *d)
{
	struct list now, *n;

	if (list_is_empty(&d->channels.work))
		return;
	now = d->channels.work;
	now.next->prev = now.prev->next = &now;
	list_init(&d->channels.work);
	while ((n = list_pop(&now))) {
		struct channel *ch = container_of(n, struct channel, work_link);

		switch ((enum channel_kind)ch->kind) {
		case CHANNEL_STREAM:
			stream_work(d, ch);
			break;
		case CHANNEL_LISTENER:
			listener_work(d, ch);
			break;
		case CHANNEL_DGRAM:
			dgram_work(d, ch);
			break;
		}
	}
}

void channel_on_sock_event(struct daemon *d, struct sock *s, uint32_t events)
{
	struct channel *ch = sock_user(s);

	if (!ch)
		return; /* a connection that is not accepted yet; what it has then is looked at then */
	if (events & SOCK_READABLE)
		ch->flags |= CH_SOCK_READABLE;
	if (events & SOCK_WRITABLE)
		ch->flags &= ~(uint32_t)CH_SOCK_FULL;
	if (ch->kind == CHANNEL_STREAM)
		stream_on_sock_event(d, ch, events);
	else if (ch->kind == CHANNEL_DGRAM)
		dgram_on_sock_event(d, ch, events);
	channel_queue(d, ch);
}

/* ---- Addresses ---------------------------------------------------------------------------------------------------- */

void channel_addr_to_wire(struct tapir_addr *to, const struct ip_endpoint *from, int family)
{
	*to = (struct tapir_addr){ .family = (uint16_t)family, .port = from->port, .scope_id = from->scope_id };
	memcpy(to->addr, from->addr.b, 16);
}

int channel_addr_from_wire(struct ip_endpoint *to, const struct tapir_addr *from, int family)
{
	*to = (struct ip_endpoint){ .port = from->port, .scope_id = from->scope_id };
	memcpy(to->addr.b, from->addr, 16);
	if (from->family != AF_INET && from->family != AF_INET6)
		return -EAFNOSUPPORT;
	if (from->family == AF_INET && !ip_addr_is4(&to->addr))
		return -EINVAL;
	if (from->family == AF_INET6 && family == AF_INET)
		return -EAFNOSUPPORT;
	return 0;
}
