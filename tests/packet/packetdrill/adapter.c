/* SPDX-License-Identifier: BSD-2-Clause */
/* adapter.c - lets Google's packetdrill drive the engine in process (`packetdrill --so_filename=...`, README.md here).
 * The script's packets go into a bare IP link of one stack, its system calls become sock_*() calls, and its clock is the
 * stack's own virtual time: it moves when the script sleeps, by a microsecond each time it is asked for, and to the next
 * deadline when the script waits for a packet. So a script that spans hours runs in milliseconds and never jitters.
 *
 * Blocking calls arrive on packetdrill's second thread. One mutex guards everything; a blocked call waits on a condition
 * that every step of the stack signals.
 *
 * Flags (--so_flags="a=b c=d"): tunables by name, plus mtu=N. The stack has the addresses packetdrill defaults to. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include <packetdrill.h>

#include "stack/stack.h"

enum { FD_MAX = 1024, OUT_MAX = 4096 };

static const uint64_t START_US = 1000000, GIVE_UP_US = 100000ull * 1000000;

struct out_packet {
	uint8_t *bytes;
	size_t len;
	uint64_t at_us;
};

struct adapter {
	pthread_mutex_t lock;
	pthread_cond_t stepped;
	struct stack *st;
	uint32_t ifindex;
	uint64_t now_us;
	struct sock *socks[FD_MAX];
	bool nonblocking[FD_MAX];
	struct out_packet out[OUT_MAX]; /* ring: [out_first, out_end) */
	size_t out_first, out_end;
};

static void collect(struct adapter *a, const struct frame_out *out)
{
	struct out_packet *p = &a->out[a->out_end % OUT_MAX];

	if (a->out_end - a->out_first == OUT_MAX) {
		fprintf(stderr, "adapter: the script doesn't look at what is sent: more than %d packets\n", OUT_MAX);
		exit(1);
	}
	*p = (struct out_packet){ .bytes = malloc(out->len), .at_us = a->now_us };
	for (int i = 0; i < out->iovcnt; i++) {
		memcpy(p->bytes + p->len, out->iov[i].iov_base, out->iov[i].iov_len);
		p->len += out->iov[i].iov_len;
	}
	a->out_end++;
}

/* Everything that is due at the present virtual time. */
static void step(struct adapter *a)
{
	struct frame_out out = { 0 };
	uint32_t events;

	stack_tick(a->st, a->now_us);
	do {
		while (stack_next_event(a->st, &events))
			continue;
		while (stack_output(a->st, &out, a->now_us))
			collect(a, &out);
	} while (stack_has_events(a->st));
	pthread_cond_broadcast(&a->stepped);
}

/* Move the clock to @until_us, stopping at each deadline on the way. */
static void advance(struct adapter *a, uint64_t until_us)
{
	for (;;) {
		uint64_t next_us = stack_next_deadline_us(a->st);

		if (next_us > until_us)
			break;
		if (next_us > a->now_us)
			a->now_us = next_us;
		step(a);
	}
	if (until_us > a->now_us)
		a->now_us = until_us;
	step(a);
}

/* ---- Descriptors and addresses ---- */

static struct sock *sock_of(struct adapter *a, int fd)
{
	if (fd < 0 || fd >= FD_MAX || !a->socks[fd]) {
		errno = EBADF;
		return NULL;
	}
	return a->socks[fd];
}

/* A number that no file of this process has: at its end packetdrill close(2)s what the script left open. */
static int fd_new(struct adapter *a, struct sock *s, bool nonblocking)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd >= FD_MAX) {
		close(fd);
		errno = EMFILE;
		fd = -1;
	}
	if (fd >= 0) {
		a->socks[fd] = s;
		a->nonblocking[fd] = nonblocking;
	}
	return fd;
}

static int fail(int error)
{
	errno = error < 0 ? -error : error;
	return -1;
}

static bool endpoint_from(const struct sockaddr *sa, socklen_t len, struct ip_endpoint *e)
{
	if (sa->sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
		const struct sockaddr_in *in = (const void *)sa;

		*e = (struct ip_endpoint){ ip_addr_from4((const uint8_t *)&in->sin_addr), 0, ntohs(in->sin_port) };
		return true;
	}
	if (sa->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
		const struct sockaddr_in6 *in6 = (const void *)sa;

		*e = (struct ip_endpoint){ ip_addr_from6(in6->sin6_addr.s6_addr), in6->sin6_scope_id,
					   ntohs(in6->sin6_port) };
		return true;
	}
	return false;
}

static void endpoint_to(struct sock *s, const struct ip_endpoint *e, struct sockaddr *sa, socklen_t *len)
{
	struct sock_info info;
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(e->port) };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(e->port) };

	if (!sa || !len)
		return;
	sock_describe(s, &info, 0);
	memcpy(&in6.sin6_addr, e->addr.b, 16);
	memcpy(&in.sin_addr, ip_addr_v4(&e->addr), 4);
	if (info.family == AF_INET) {
		memcpy(sa, &in, *len < sizeof(in) ? *len : sizeof(in));
		*len = sizeof(in);
	} else {
		memcpy(sa, &in6, *len < sizeof(in6) ? *len : sizeof(in6));
		*len = sizeof(in6);
	}
}

/* Whether a call that would block must wait: then it has waited, and the caller tries again. */
static bool wait_step(struct adapter *a, int fd, int flags)
{
	if (a->nonblocking[fd] || (flags & MSG_DONTWAIT))
		return false;
	pthread_cond_wait(&a->stepped, &a->lock);
	return true;
}

/* ---- The calls ---- */

static int pd_socket(void *u, int domain, int type, int protocol)
{
	struct adapter *a = u;
	int error = 0, fd;
	struct sock *s;

	pthread_mutex_lock(&a->lock);
	s = sock_open(a->st, domain, type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC), protocol, &error);
	fd = s ? fd_new(a, s, type & SOCK_NONBLOCK) : fail(error);
	pthread_mutex_unlock(&a->lock);
	return fd;
}

static int pd_bind(void *u, int fd, const struct sockaddr *addr, socklen_t len)
{
	struct adapter *a = u;
	struct ip_endpoint e;
	struct sock *s;
	int r = -1;

	pthread_mutex_lock(&a->lock);
	s = sock_of(a, fd);
	if (s)
		r = endpoint_from(addr, len, &e) ? sock_bind(s, &e) : -EINVAL;
	pthread_mutex_unlock(&a->lock);
	return r < 0 && s ? fail(r) : r;
}

static int pd_listen(void *u, int fd, int backlog)
{
	struct adapter *a = u;
	struct sock *s;
	int r = -1;

	pthread_mutex_lock(&a->lock);
	s = sock_of(a, fd);
	if (s)
		r = sock_listen(s, backlog, a->now_us);
	step(a);
	pthread_mutex_unlock(&a->lock);
	return r < 0 && s ? fail(r) : r;
}

static int pd_accept(void *u, int fd, struct sockaddr *addr, socklen_t *len)
{
	struct adapter *a = u;
	struct sock *s, *conn = NULL;
	int error = 0, r = -1;

	pthread_mutex_lock(&a->lock);
	s = sock_of(a, fd);
	while (s && !(conn = sock_accept(s, &error)) && error == -EAGAIN && wait_step(a, fd, 0))
		continue;
	if (conn) {
		struct ip_endpoint peer;

		if (sock_getpeer(conn, &peer) == 0)
			endpoint_to(conn, &peer, addr, len);
		r = fd_new(a, conn, false);
	} else if (s) {
		r = fail(error);
	}
	pthread_mutex_unlock(&a->lock);
	return r;
}

static int pd_connect(void *u, int fd, const struct sockaddr *addr, socklen_t len)
{
	struct adapter *a = u;
	struct ip_endpoint e;
	struct sock *s;
	int r = -EBADF;

	pthread_mutex_lock(&a->lock);
	s = sock_of(a, fd);
	if (s) {
		r = -EINVAL;
		if (addr->sa_family == AF_UNSPEC)
			r = sock_connect(s, NULL, a->now_us);
		else if (endpoint_from(addr, len, &e))
			r = sock_connect(s, &e, a->now_us);
		step(a);
		while (r == -EINPROGRESS && wait_step(a, fd, 0)) {
			r = sock_connect(s, &e, a->now_us);
			if (r == -EALREADY)
				r = -EINPROGRESS;
		}
	}
	pthread_mutex_unlock(&a->lock);
	return r < 0 ? fail(r) : r;
}

static ssize_t pd_recvfrom(void *u, int fd, void *buf, size_t n, int flags, struct sockaddr *addr, socklen_t *len)
{
	struct adapter *a = u;
	ssize_t r = -EBADF;
	struct sock *s;

	(void)addr, (void)len;
	pthread_mutex_lock(&a->lock);
	s = sock_of(a, fd);
	while (s && (r = sock_recv(s, buf, n, flags & ~MSG_DONTWAIT, a->now_us)) == -EAGAIN && wait_step(a, fd, flags))
		continue;
	if (s)
		step(a);
	pthread_mutex_unlock(&a->lock);
	return r < 0 ? fail((int)r) : r;
}

static ssize_t pd_recv(void *u, int fd, void *buf, size_t n, int flags)
{
	return pd_recvfrom(u, fd, buf, n, flags, NULL, NULL);
}

static ssize_t pd_read(void *u, int fd, void *buf, size_t n)
{
	return pd_recvfrom(u, fd, buf, n, 0, NULL, NULL);
}

static ssize_t pd_readv(void *u, int fd, const struct iovec *iov, int iovcnt)
{
	ssize_t done = 0;

	for (int i = 0; i < iovcnt; i++) {
		ssize_t r = pd_recvfrom(u, fd, iov[i].iov_base, iov[i].iov_len, done ? MSG_DONTWAIT : 0, NULL, NULL);

		if (r < 0)
			return done ? done : r;
		done += r;
		if ((size_t)r < iov[i].iov_len)
			break;
	}
	return done;
}

static ssize_t pd_recvmsg(void *u, int fd, struct msghdr *msg, int flags)
{
	msg->msg_flags = 0;
	msg->msg_controllen = 0;
	if (msg->msg_iovlen == 0)
		return pd_recvfrom(u, fd, NULL, 0, flags, NULL, NULL);
	return pd_recvfrom(u, fd, msg->msg_iov[0].iov_base, msg->msg_iov[0].iov_len, flags, NULL, NULL);
}

/* Blocking: all of it, as send(2) promises. */
static ssize_t pd_send(void *u, int fd, const void *buf, size_t n, int flags)
{
	struct adapter *a = u;
	struct sock *s;
	size_t done = 0;
	ssize_t r = -EBADF;

	pthread_mutex_lock(&a->lock);
	s = sock_of(a, fd);
	while (s) {
		r = sock_send(s, (const uint8_t *)buf + done, n - done, flags & ~(MSG_DONTWAIT | MSG_NOSIGNAL), a->now_us);
		step(a);
		if (r > 0)
			done += (size_t)r;
		if ((r < 0 && r != -EAGAIN) || done == n)
			break;
		if (!wait_step(a, fd, flags))
			break;
	}
	pthread_mutex_unlock(&a->lock);
	if (done > 0)
		return (ssize_t)done;
	return r < 0 ? fail((int)r) : r;
}

static ssize_t pd_sendto(void *u, int fd, const void *buf, size_t n, int flags, const struct sockaddr *addr, socklen_t len)
{
	(void)addr, (void)len;
	return pd_send(u, fd, buf, n, flags);
}

static ssize_t pd_write(void *u, int fd, const void *buf, size_t n)
{
	return pd_send(u, fd, buf, n, 0);
}

static ssize_t send_iov(void *u, int fd, const struct iovec *iov, size_t iovcnt, int flags)
{
	size_t whole = 0, at = 0;
	uint8_t *copy;
	ssize_t r;

	for (size_t i = 0; i < iovcnt; i++)
		whole += iov[i].iov_len;
	copy = malloc(whole + 1);
	for (size_t i = 0; i < iovcnt; at += iov[i].iov_len, i++)
		memcpy(copy + at, iov[i].iov_base, iov[i].iov_len);
	r = pd_send(u, fd, copy, whole, flags);
	free(copy);
	return r;
}

static ssize_t pd_writev(void *u, int fd, const struct iovec *iov, int iovcnt)
{
	return send_iov(u, fd, iov, (size_t)iovcnt, 0);
}

static ssize_t pd_sendmsg(void *u, int fd, const struct msghdr *msg, int flags)
{
	return send_iov(u, fd, msg->msg_iov, msg->msg_iovlen, flags);
}

static int pd_fcntl(void *u, int fd, int cmd, ...)
{
	struct adapter *a = u;
	va_list args;
	long arg;
	int r = 0;

	va_start(args, cmd);
	arg = va_arg(args, long);
	va_end(args);
	pthread_mutex_lock(&a->lock);
	if (!sock_of(a, fd))
		r = -1;
	else if (cmd == F_GETFL)
		r = O_RDWR | (a->nonblocking[fd] ? O_NONBLOCK : 0);
	else if (cmd == F_SETFL)
		a->nonblocking[fd] = arg & O_NONBLOCK;
	else
		r = fail(EINVAL);
	pthread_mutex_unlock(&a->lock);
	return r;
}

static int pd_ioctl(void *u, int fd, unsigned long request, ...)
{
	struct adapter *a = u;
	struct sock *s;
	va_list args;
	int *arg, r = 0;

	va_start(args, request);
	arg = va_arg(args, int *);
	va_end(args);
	pthread_mutex_lock(&a->lock);
	s = sock_of(a, fd);
	if (!s)
		r = -1;
	else if (request == SIOCINQ)
		*arg = (int)sock_inq_bytes(s);
	else if (request == SIOCOUTQ)
		*arg = (int)sock_outq_bytes(s);
	else
		r = fail(ENOTTY);
	pthread_mutex_unlock(&a->lock);
	return r;
}

static int pd_close(void *u, int fd)
{
	struct adapter *a = u;
	struct sock *s;

	pthread_mutex_lock(&a->lock);
	s = sock_of(a, fd);
	if (s) {
		a->socks[fd] = NULL;
		close(fd);
		sock_close(s, a->now_us);
		step(a);
	}
	pthread_mutex_unlock(&a->lock);
	return s ? 0 : -1;
}

static int pd_shutdown(void *u, int fd, int how)
{
	struct adapter *a = u;
	struct sock *s;
	int r = -EBADF;

	pthread_mutex_lock(&a->lock);
	s = sock_of(a, fd);
	if (s) {
		r = sock_shutdown(s, how, a->now_us);
		step(a);
	}
	pthread_mutex_unlock(&a->lock);
	return r < 0 ? fail(r) : r;
}

static int pd_getsockopt(void *u, int fd, int level, int name, void *value, socklen_t *len)
{
	struct adapter *a = u;
	size_t n = *len;
	struct sock *s;
	int r = -EBADF;

	pthread_mutex_lock(&a->lock);
	s = sock_of(a, fd);
	if (s)
		r = sock_getopt(s, level, name, value, &n, a->now_us);
	pthread_mutex_unlock(&a->lock);
	*len = (socklen_t)n;
	return r < 0 ? fail(r) : r;
}

static int pd_setsockopt(void *u, int fd, int level, int name, const void *value, socklen_t len)
{
	struct adapter *a = u;
	struct sock *s;
	int r = -EBADF;

	pthread_mutex_lock(&a->lock);
	s = sock_of(a, fd);
	if (s) {
		r = sock_setopt(s, level, name, value, len, a->now_us);
		step(a);
	}
	pthread_mutex_unlock(&a->lock);
	return r < 0 ? fail(r) : r;
}

static int pd_poll(void *u, struct pollfd *fds, nfds_t count, int timeout_ms)
{
	struct adapter *a = u;
	uint64_t end_us;
	int ready;

	pthread_mutex_lock(&a->lock);
	end_us = timeout_ms < 0 ? UINT64_MAX : a->now_us + (uint64_t)timeout_ms * 1000;
	for (;;) {
		ready = 0;
		for (nfds_t i = 0; i < count; i++) {
			struct sock *s = sock_of(a, fds[i].fd);
			int bits = s ? sock_poll(s) : POLLNVAL;

			fds[i].revents = (short)(bits & (fds[i].events | POLLERR | POLLHUP | POLLNVAL));
			ready += fds[i].revents != 0;
		}
		if (ready || a->now_us >= end_us)
			break;
		pthread_cond_wait(&a->stepped, &a->lock);
	}
	pthread_mutex_unlock(&a->lock);
	return ready;
}

/* ---- The wire and the clock ---- */

static int pd_netdev_send(void *u, const void *bytes, size_t n)
{
	struct adapter *a = u;
	struct frame *f;

	pthread_mutex_lock(&a->lock);
	f = stack_frame_alloc(a->st, n);
	if (f) {
		memcpy(frame_put(f, n), bytes, n);
		f->ifindex = a->ifindex;
		stack_input(a->st, f, a->now_us);
		step(a);
	}
	pthread_mutex_unlock(&a->lock);
	return f ? 0 : -1;
}

static int pd_netdev_receive(void *u, void *bytes, size_t *n, long long *time_us)
{
	struct adapter *a = u;
	uint64_t give_up_us;

	pthread_mutex_lock(&a->lock);
	give_up_us = a->now_us + GIVE_UP_US;
	while (a->out_first == a->out_end) {
		uint64_t next_us = stack_next_deadline_us(a->st);

		if (next_us >= give_up_us) {
			fprintf(stderr, "adapter: the stack sends nothing more, and the script waits for a packet\n");
			exit(1);
		}
		advance(a, next_us);
	}
	{
		struct out_packet *p = &a->out[a->out_first++ % OUT_MAX];

		if (p->len < *n)
			*n = p->len;
		memcpy(bytes, p->bytes, *n);
		*time_us = (long long)p->at_us;
		free(p->bytes);
	}
	pthread_mutex_unlock(&a->lock);
	return 0;
}

static int pd_usleep(void *u, useconds_t us)
{
	struct adapter *a = u;

	pthread_mutex_lock(&a->lock);
	advance(a, a->now_us + us);
	pthread_mutex_unlock(&a->lock);
	sched_yield();
	return 0;
}

static int pd_gettimeofday(void *u, struct timeval *tv, struct timezone *tz)
{
	struct adapter *a = u;

	(void)tz;
	pthread_mutex_lock(&a->lock);
	advance(a, a->now_us + 1);
	*tv = (struct timeval){ (time_t)(a->now_us / 1000000), (suseconds_t)(a->now_us % 1000000) };
	pthread_mutex_unlock(&a->lock);
	return 0;
}

static void pd_free(void *u)
{
	struct adapter *a = u;

	stack_close(a->st);
	while (a->out_first != a->out_end)
		free(a->out[a->out_first++ % OUT_MAX].bytes);
	free(a);
}

/* ---- Start ---- */

static void die(const char *what, const char *detail)
{
	fprintf(stderr, "adapter: %s: %s\n", what, detail);
	exit(1);
}

static void apply_flags(struct adapter *a, struct link_config *link, const char *flags)
{
	char *copy = strdup(flags ? flags : ""), *rest = copy, *flag;

	while ((flag = strsep(&rest, " ")) != NULL) {
		char *value = strchr(flag, '=');
		const char *why;

		if (!*flag)
			continue;
		if (!value)
			die("expected NAME=VALUE", flag);
		*value++ = 0;
		for (char *c = value; *c; c++)
			*c = *c == ',' ? ' ' : *c; /* several numbers: 4096,16384,65536 */
		if (strcmp(flag, "mtu") == 0)
			link->mtu = (uint32_t)atoi(value);
		else if (stack_set(a->st, flag, value, &why) < 0)
			die(flag, why);
	}
	free(copy);
}

static void add_network(struct adapter *a, const char *addr, const char *everything)
{
	struct route_config route = { .ifindex = a->ifindex };
	struct ip_prefix prefix;

	if (ip_prefix_parse(addr, &prefix) < 0 || stack_add_addr(a->st, a->ifindex, &prefix, a->now_us) < 0)
		die("address refused", addr);
	ip_prefix_parse(everything, &route.prefix);
	route.gateway = ip_addr_any(ip_addr_family(&route.prefix.addr));
	if (stack_add_route(a->st, &route) < 0)
		die("route refused", everything);
}

/* What packetdrill looks up by this name. */
__attribute__((visibility("default"))) void packetdrill_interface_init(const char *flags, struct packetdrill_interface *ifc);

void packetdrill_interface_init(const char *flags, struct packetdrill_interface *ifc)
{
	struct stack_config config = { .seed = "a fixed seed makes repeatable" };
	struct link_config link = { .name = "tun0", .kind = LINK_IP, .mtu = 1500 };
	struct adapter *a = calloc(1, sizeof(*a));
	int ifindex;

	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->stepped, NULL);
	a->now_us = START_US;
	a->st = stack_open(&config, a->now_us);
	if (!a->st)
		die("no memory", "stack_open");
	apply_flags(a, &link, flags);
	ifindex = stack_add_link(a->st, &link);
	if (ifindex < 0)
		die("link refused", strerror(-ifindex));
	a->ifindex = (uint32_t)ifindex;
	add_network(a, "192.168.0.2/16", "0.0.0.0/0");
	add_network(a, "fd3d:fa7b:d17d::2/48", "::/0");
	*ifc = (struct packetdrill_interface){
		.userdata = a,
		.free = pd_free,
		.socket = pd_socket,
		.bind = pd_bind,
		.listen = pd_listen,
		.accept = pd_accept,
		.connect = pd_connect,
		.read = pd_read,
		.readv = pd_readv,
		.recv = pd_recv,
		.recvfrom = pd_recvfrom,
		.recvmsg = pd_recvmsg,
		.write = pd_write,
		.writev = pd_writev,
		.send = pd_send,
		.sendto = pd_sendto,
		.sendmsg = pd_sendmsg,
		.fcntl = pd_fcntl,
		.ioctl = pd_ioctl,
		.close = pd_close,
		.shutdown = pd_shutdown,
		.getsockopt = pd_getsockopt,
		.setsockopt = pd_setsockopt,
		.poll = pd_poll,
		.netdev_send = pd_netdev_send,
		.netdev_receive = pd_netdev_receive,
		.usleep = pd_usleep,
		.gettimeofday = pd_gettimeofday,
	};
}
