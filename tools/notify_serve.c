/* SPDX-License-Identifier: BSD-2-Clause */
/* notify_serve.c - the supervisor: takes trapped calls from the listener, parks what has to wait, answers.
 *
 * A call that was received is not interrupted by signals (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV), so that socket(2) or bind(2) never say
 * EINTR, and Go's preemption signals are no concern. For a call that is parked we look every few milliseconds whether a signal waits for
 * its thread, and if so let it go with -ERESTARTSYS: the kernel then runs the handler and returns EINTR or starts the call again, as
 * SA_RESTART says, stops the process, and so on. Kernels before 5.19 interrupt the call themselves, and results that nobody
 * received wait for the call to be made again (notify_kept.h). Either way a dead thread's parked calls are dropped at once. */
#include "tools/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "client-lib/host.h"
#include "client-lib/netlink.h"
#include "client-lib/sock.h"
#include "tools/notify_call.h"
#include "tools/notify_kept.h"
#include "tools/notify_target.h"

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1UL
#endif

enum {
	RESTART_SYSCALL = 512, /* ERESTARTSYS of the kernel's include/linux/errno.h */
	CHECK_INTERVAL_MS = 20,
	DOUBTS_MAX = 2,
	EVENTS_MAX = 64,
	PIDFDS_MAX = 32,
	MEMORY_SLOTS = 1024,
};

/* What epoll tells: an event of a parked call's descriptor, or the end of its thread; NULL: the listener. */
struct watch {
	struct notify_call *call;
	bool is_end;
};

struct parked {
	struct notify_call call; /* first */
	struct watch ready, end;
	bool is_gone; /* answered or dropped; freed when the events in hand are done with */
};

/* Threads call again and again: their descriptors, kept by number. One that has ended says so (ESRCH). */
struct pidfd_slot {
	pid_t tid;
	int fd;
};

/* A guess of libtapir's about a socket (hint.h), which would have to ask the daemon again at every call. By the socket's id. */
struct memory_slot {
	uint64_t id;
	enum hint hint;
	bool is_connected;
};

static struct supervisor {
	int listener, epoll;
	bool is_interruptible, is_verbose, has_complained;
	struct seccomp_notif_sizes sizes;
	struct seccomp_notif *notif;
	struct seccomp_notif_resp *resp;
	struct notify_call *parked;
	struct pidfd_slot pidfds[PIDFDS_MAX];
	struct memory_slot memory[MEMORY_SLOTS];
} sv;

static int64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- For the functions of each call ---- */

enum notify_verdict notify_answer(struct notify_call *c, int64_t result)
{
	c->result = result;
	return NOTIFY_ANSWER;
}

enum notify_verdict notify_answer_errno(struct notify_call *c, ssize_t result)
{
	return notify_answer(c, result < 0 ? -errno : result);
}

enum notify_verdict notify_wait(struct notify_call *c, short events, int flags, int64_t late_result)
{
	if (flags & MSG_DONTWAIT || fcntl(c->fd, F_GETFL) & O_NONBLOCK)
		return notify_answer(c, late_result);
	c->wait_events = events;
	c->late_result = late_result;
	return NOTIFY_WAIT;
}

bool notify_is_valid(const struct notify_call *c)
{
	return ioctl(sv.listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &c->id) == 0;
}

/* A thread whose memory or descriptors are closed to us: another user's, or Yama keeps them from all but its ancestors. */
static void complain_once(const struct notify_call *c, int error)
{
	if (error != -EPERM || sv.has_complained)
		return;
	sv.has_complained = true;
	dprintf(STDERR_FILENO, "tapir run: may not look into process %d (it changed its user, or kernel.yama.ptrace_scope); "
			       "its sockets fail with EPERM\n",
		(int)c->tid);
}

int notify_read(const struct notify_call *c, void *to, uint64_t from, size_t bytes)
{
	int error = target_read(c->tid, to, from, bytes);

	complain_once(c, error);
	return !error && !notify_is_valid(c) ? -EINTR : error;
}

int notify_write(const struct notify_call *c, uint64_t to, const void *from, size_t bytes)
{
	return notify_is_valid(c) ? target_write(c->tid, to, from, bytes) : -EINTR;
}

int notify_read_name(const struct notify_call *c, uint64_t from, uint64_t len, struct sockaddr_storage *ss)
{
	if ((int)len < 0 || (uint32_t)len > sizeof(*ss))
		return -EINVAL;
	memset(ss, 0, sizeof(*ss));
	return notify_read(c, ss, from, (uint32_t)len);
}

int notify_write_name(const struct notify_call *c, uint64_t to, uint64_t len_at, const struct sockaddr_storage *ss, socklen_t len)
{
	socklen_t room;
	int error;

	if (!to)
		return 0;
	error = notify_read(c, &room, len_at, sizeof(room));
	if (error)
		return error;
	if (room > INT32_MAX)
		return -EINVAL;
	error = notify_write(c, to, ss, len < room ? len : room);
	return error ? error : notify_write(c, len_at, &len, sizeof(len));
}

bool notify_to_host(struct notify_call *c, enum host_call call, const struct sockaddr_storage *ss, socklen_t len,
		    enum notify_verdict *verdict)
{
	struct seccomp_notif_addfd add = { .id = c->id, .flags = SECCOMP_ADDFD_FLAG_SETFD, .newfd = (uint32_t)c->args[0] };
	int fd, r;

	if (host_read_policy() != HOST_POLICY_RULES)
		return false;
	r = host_replacement(c->fd, call, (const struct sockaddr *)ss, len, &fd);
	if (r == 0)
		return false;
	*verdict = NOTIFY_CONTINUE;
	if (r == 1) {
		add.srcfd = (uint32_t)fd;
		add.newfd_flags = target_fd_is_cloexec(c->tid, (int)c->args[0]) ? O_CLOEXEC : 0;
		r = ioctl(sv.listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0 ? -errno : 0;
		close(fd);
	}
	if (r < 0)
		*verdict = notify_answer(c, r);
	return true;
}

void notify_follow(struct notify_call *c)
{
	struct seccomp_notif_addfd add = { .id = c->id, .flags = SECCOMP_ADDFD_FLAG_SETFD, .newfd = (uint32_t)c->args[0],
					   .srcfd = (uint32_t)c->fd };
	struct hint_sock now;
	int saved_errno = errno;

	if (hint_look(c->fd, &now) && now.id != c->sock.id) {
		add.newfd_flags = target_fd_is_cloexec(c->tid, (int)c->args[0]) ? O_CLOEXEC : 0;
		if (ioctl(sv.listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) >= 0)
			c->sock = now;
	}
	errno = saved_errno;
}

/* ---- Threads and sockets ---- */

static struct pidfd_slot *pidfd_slot(pid_t tid)
{
	return &sv.pidfds[(unsigned)tid % PIDFDS_MAX];
}

static void forget_pidfd(pid_t tid)
{
	struct pidfd_slot *s = pidfd_slot(tid);

	if (s->tid)
		close(s->fd);
	s->tid = 0;
}

static int pidfd_of(const struct notify_call *c)
{
	struct pidfd_slot *s = pidfd_slot(c->tid);
	int fd;

	if (s->tid == c->tid)
		return s->fd;
	fd = target_pidfd(c->tid);
	if (fd < 0 || !notify_is_valid(c)) { /* it might be another thread's, with the number of ours, which is dead */
		if (fd >= 0)
			close(fd);
		return fd < 0 ? fd : -ESRCH;
	}
	forget_pidfd(c->tid);
	forget_pidfd(s->tid);
	*s = (struct pidfd_slot){ .tid = c->tid, .fd = fd };
	return fd;
}

static struct memory_slot *memory_of(uint64_t id)
{
	return &sv.memory[id % MEMORY_SLOTS];
}

/* What is known of the socket, to libtapir, under the number that it has here for now. */
static void recall(const struct notify_call *c)
{
	const struct memory_slot *m = memory_of(c->sock.id);
	bool is_known = m->id == c->sock.id;

	hint_forget(c->fd);
	if (c->sock.type == SOCK_STREAM) {
		hint_set(c->fd, is_known ? m->hint : c->sock.is_fresh ? HINT_FRESH : HINT_STREAM, c->sock.id);
	} else {
		hint_set(c->fd, HINT_DGRAM, c->sock.id);
		hint_set_connected(c->fd, is_known && m->is_connected);
	}
}

static void memorize(const struct notify_call *c)
{
	struct memory_slot m = { .id = c->sock.id, .hint = hint_of(c->fd) };
	uint64_t id;

	if (c->sock.type != SOCK_STREAM)
		hint_dgram(c->fd, &id, &m.is_connected);
	*memory_of(c->sock.id) = m;
}

/* What libtapir says of a call is remembered for the socket's next. */
static void conclude(const struct notify_call *c)
{
	if (c->fd >= 0 && !c->is_netlink)
		memorize(c);
}

/* Find the socket that the call is about. Returns 1: one of ours; 0: nothing of ours; or -errno. */
static int open_socket(struct notify_call *c)
{
	for (int i = 0; i < 2; i++) {
		c->pidfd = pidfd_of(c);
		if (c->pidfd < 0)
			return c->pidfd;
		c->fd = target_fd(c->pidfd, (int)c->args[0]);
		if (c->fd != -ESRCH)
			break;
		forget_pidfd(c->tid); /* kept from an earlier thread of this number */
	}
	complain_once(c, c->fd);
	if (c->fd == -EBADF)
		return 0;
	if (c->fd < 0)
		return c->fd;
	if (hint_look(c->fd, &c->sock)) {
		recall(c);
		return 1;
	}
	hint_forget(c->fd);
	c->sock = (struct hint_sock){ 0 };
	c->is_netlink = netlink_is(c->fd);
	return c->is_netlink;
}

static void close_socket(struct notify_call *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

/* ---- Answering ---- */

/* The thread did not take the answer: it was interrupted, or has died. */
static void keep(struct notify_call *c)
{
	if (c->listener && c->give_fd >= 0) {
		kept_put_connection(c->listener, c->give_fd, &c->peer, c->peer_len);
		return;
	}
	if (c->give_fd >= 0)
		close(c->give_fd);
	else if (sv.is_interruptible)
		kept_put_result(c);
}

static void send_response(struct notify_call *c, int64_t result, uint32_t flags)
{
	memset(sv.resp, 0, sv.sizes.seccomp_notif_resp);
	sv.resp->id = c->id;
	sv.resp->flags = flags;
	if (result < 0)
		sv.resp->error = (int32_t)result;
	else
		sv.resp->val = result;
	if (ioctl(sv.listener, SECCOMP_IOCTL_NOTIF_SEND, sv.resp) < 0 && errno == ENOENT && !flags && result != -RESTART_SYSCALL)
		keep(c);
}

/* Put the descriptor into the thread's process as the call's result. */
static void give(struct notify_call *c)
{
	struct seccomp_notif_addfd add = { .id = c->id,
					   .flags = SECCOMP_ADDFD_FLAG_SEND,
					   .srcfd = (uint32_t)c->give_fd,
					   .newfd_flags = c->give_cloexec ? O_CLOEXEC : 0 };
	int error;

	if (ioctl(sv.listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) >= 0) {
		close(c->give_fd);
		return;
	}
	error = errno;
	keep(c);
	c->give_fd = -1;
	if (error != ENOENT && error != EINPROGRESS)
		send_response(c, -error, 0);
}

/* With signals held back until the answer, SIGPIPE goes first, and is there when the call returns. */
static void answer(struct notify_call *c)
{
	close_socket(c);
	if (c->raises_sigpipe && !sv.is_interruptible)
		target_raise_sigpipe(c->tid);
	if (c->give_fd >= 0)
		give(c);
	else
		send_response(c, c->result, 0);
	if (c->raises_sigpipe && sv.is_interruptible)
		target_raise_sigpipe(c->tid);
}

static void let_continue(struct notify_call *c)
{
	close_socket(c);
	send_response(c, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

/* ---- Parking ---- */

static int64_t end_of_wait(const struct notify_call *c)
{
	struct timeval tv = { 0 };
	socklen_t len = sizeof(tv);

	if (getsockopt(c->fd, SOL_SOCKET, c->wait_events & POLLIN ? SO_RCVTIMEO : SO_SNDTIMEO, &tv, &len) < 0 ||
	    (!tv.tv_sec && !tv.tv_usec))
		return -1;
	return clock_ms() + (int64_t)tv.tv_sec * 1000 + (tv.tv_usec + 999) / 1000;
}

static int watch(int fd, uint32_t events, struct watch *w)
{
	struct epoll_event e = { .events = events, .data.ptr = w };

	return epoll_ctl(sv.epoll, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

static struct parked *parked_of(struct notify_call *c)
{
	return (struct parked *)(void *)c;
}

/* @c is a call just received; it becomes a parked one. */
static int park_new(const struct notify_call *c)
{
	struct parked *p = calloc(1, sizeof(*p));
	int error;

	if (!p)
		return -ENOMEM;
	p->call = *c;
	p->call.pidfd = fcntl(c->pidfd, F_DUPFD_CLOEXEC, 0);
	p->call.end_ms = end_of_wait(c);
	p->ready = (struct watch){ &p->call, false };
	p->end = (struct watch){ &p->call, true };
	error = p->call.pidfd < 0 ? -errno : watch(p->call.pidfd, EPOLLIN | EPOLLONESHOT, &p->end);
	if (!error)
		error = watch(p->call.fd, (uint32_t)c->wait_events | EPOLLONESHOT, &p->ready);
	if (error) {
		if (p->call.pidfd >= 0)
			close(p->call.pidfd);
		free(p);
		return error;
	}
	p->call.next = sv.parked;
	sv.parked = &p->call;
	return 0;
}

static void park_again(struct notify_call *c)
{
	struct epoll_event e = { .events = (uint32_t)c->wait_events | EPOLLONESHOT, .data.ptr = &parked_of(c)->ready };

	c->revents = 0;
	epoll_ctl(sv.epoll, EPOLL_CTL_MOD, c->fd, &e);
}

/* The wait is over: take both descriptors out of epoll before their numbers are used again. */
static void unpark(struct notify_call *c)
{
	epoll_ctl(sv.epoll, EPOLL_CTL_DEL, c->fd, NULL);
	epoll_ctl(sv.epoll, EPOLL_CTL_DEL, c->pidfd, NULL);
	close(c->pidfd);
	parked_of(c)->is_gone = true;
}

static void drop(struct notify_call *c)
{
	unpark(c);
	close_socket(c);
}

static void free_gone(void)
{
	struct notify_call **at = &sv.parked, *c;

	while ((c = *at)) {
		if (!parked_of(c)->is_gone) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		free(parked_of(c));
	}
}

static void resume(struct notify_call *c, short revents)
{
	enum notify_verdict verdict;

	if (!notify_is_valid(c)) {
		drop(c);
		return;
	}
	c->revents = revents;
	if (!c->is_netlink)
		recall(c);
	verdict = notify_function_for(c->nr)(c);
	conclude(c);
	if (verdict == NOTIFY_WAIT) {
		park_again(c);
		return;
	}
	unpark(c);
	if (verdict == NOTIFY_CONTINUE)
		let_continue(c);
	else
		answer(c);
}

/* Its time is up, a signal waits for its thread, or the thread is no more. */
static void check_parked(struct notify_call *c, int64_t now)
{
	enum target_signal signal;

	if (!notify_is_valid(c)) {
		drop(c);
		return;
	}
	if (c->end_ms >= 0 && now >= c->end_ms) {
		unpark(c);
		c->result = c->late_result;
		answer(c);
		return;
	}
	signal = sv.is_interruptible ? TARGET_QUIET : target_signal(c->tid);
	c->doubts = signal == TARGET_PERHAPS ? c->doubts + 1 : 0;
	if (signal == TARGET_SIGNAL || c->doubts > DOUBTS_MAX) {
		unpark(c);
		/* A raw ERESTARTSYS would reach a thread that has no signal after all. What was done already is the result. */
		c->result = c->done ? (int64_t)c->done : signal == TARGET_SIGNAL ? -RESTART_SYSCALL : -EINTR;
		answer(c);
	}
}

static void check_all_parked(void)
{
	int64_t now = clock_ms();

	for (struct notify_call *c = sv.parked; c; c = c->next)
		if (!parked_of(c)->is_gone)
			check_parked(c, now);
	free_gone();
}

/* ---- Taking calls ---- */

static const struct {
	int nr;
	notify_function *function;
} functions[] = {
	{ SYS_socket, notify_socket },		 { SYS_connect, notify_connect },	  { SYS_bind, notify_bind },
	{ SYS_listen, notify_listen },		 { SYS_accept, notify_accept },		  { SYS_accept4, notify_accept },
	{ SYS_getsockname, notify_getsockname }, { SYS_getpeername, notify_getpeername }, { SYS_getsockopt, notify_getsockopt },
	{ SYS_setsockopt, notify_setsockopt },	 { SYS_shutdown, notify_shutdown },	  { SYS_sendto, notify_sendto },
	{ SYS_recvfrom, notify_recvfrom },	 { SYS_sendmsg, notify_sendmsg },	  { SYS_recvmsg, notify_recvmsg },
	{ SYS_sendmmsg, notify_sendmmsg },	 { SYS_recvmmsg, notify_recvmmsg },	  { SYS_ioctl, notify_ioctl },
};

notify_function *notify_function_for(int nr)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (functions[i].nr == nr)
			return functions[i].function;
	return NULL;
}

static void serve(struct notify_call *c)
{
	notify_function *function = notify_function_for(c->nr);
	enum notify_verdict verdict;
	int r = function && c->nr != SYS_socket ? open_socket(c) : 1;

	if (!function || r == 0) {
		if (c->fd >= 0 && notify_to_other(c) == NOTIFY_ANSWER)
			answer(c);
		else
			let_continue(c);
		return;
	}
	if (r < 0) {
		c->result = r;
		answer(c);
		return;
	}
	if (sv.is_interruptible && kept_take_result(c, &c->result)) {
		answer(c);
		return;
	}
	verdict = function(c);
	conclude(c);
	if (verdict == NOTIFY_WAIT) {
		r = park_new(c);
		if (!r)
			return;
		verdict = notify_answer(c, r);
	}
	if (verdict == NOTIFY_CONTINUE)
		let_continue(c);
	else
		answer(c);
}

static void receive(void)
{
	struct notify_call c = { .fd = -1, .pidfd = -1, .give_fd = -1 };

	memset(sv.notif, 0, sv.sizes.seccomp_notif);
	if (ioctl(sv.listener, SECCOMP_IOCTL_NOTIF_RECV, sv.notif) < 0)
		return; /* interrupted meanwhile, or its thread has died */
	c.id = sv.notif->id;
	c.tid = (pid_t)sv.notif->pid;
	c.nr = sv.notif->data.nr;
	for (int i = 0; i < 6; i++)
		c.args[i] = sv.notif->data.args[i];
	serve(&c);
}

static void on_event(const struct epoll_event *e)
{
	const struct watch *w = e->data.ptr;

	if (parked_of(w->call)->is_gone)
		return;
	if (w->is_end)
		drop(w->call);
	else
		resume(w->call, (short)e->events);
}

/* Returns false when nobody is under the filter any more. */
static bool turn(void)
{
	struct epoll_event events[EVENTS_MAX];
	static int64_t next_check;
	int n = epoll_wait(sv.epoll, events, EVENTS_MAX, sv.parked ? CHECK_INTERVAL_MS : -1);
	bool goes_on = true;

	for (int i = 0; i < n; i++) {
		if (events[i].data.ptr)
			on_event(&events[i]);
		else if (events[i].events & EPOLLIN)
			receive();
		else if (events[i].events & (EPOLLHUP | EPOLLERR))
			goes_on = false;
	}
	free_gone();
	if (sv.parked && clock_ms() >= next_check) {
		check_all_parked();
		next_check = clock_ms() + CHECK_INTERVAL_MS;
	}
	return goes_on;
}

/* What is meant for the program and all around it (systemd's stop, a terminal that closes) is not for us: who is to end in good order needs
 * us for it. We end with the last of them. */
static void ignore_signals(void)
{
	static const int signals[] = { SIGPIPE, SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_IGN);
}

void notify_serve(int listener, bool is_interruptible, bool is_verbose)
{
	sv = (struct supervisor){ .listener = listener, .is_interruptible = is_interruptible, .is_verbose = is_verbose };
	sock_never_waits = true;
	host_forget_policy(); /* options of tapir run may have set it */
	ignore_signals();
	/* The supervisor runs at once where the caller was, which sleeps (Linux 6.6). Elsewhere it wakes up somewhere. */
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	sv.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sv.sizes) < 0)
		_exit(1);
	sv.notif = calloc(1, sv.sizes.seccomp_notif + sizeof(*sv.notif));
	sv.resp = calloc(1, sv.sizes.seccomp_notif_resp + sizeof(*sv.resp));
	if (sv.epoll < 0 || !sv.notif || !sv.resp || watch(listener, EPOLLIN, NULL) < 0)
		_exit(1);
	while (turn())
		;
	_exit(0);
}
