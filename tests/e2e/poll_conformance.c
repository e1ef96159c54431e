/* SPDX-License-Identifier: BSD-2-Clause */
/* poll_conformance.c - what poll(2) and epoll(7) say of a stream in each of its states.
 *
 *	poll_conformance ADDRESS        ADDRESS: of the stack, its family is the one that is tried, on the stack's loopback
 *
 * A table of states, each with the bits that Linux gives, and with those that epoll gives where they differ, because epoll asks the pair
 * that carries the socket and nobody else. A state is waited for, since what the other end did takes a moment; a limit ends that. Prints one
 * line a state and `N passed, N failed`. Built with -DON_KERNEL the same table is tried on the kernel's sockets, by poll and epoll. */
#ifdef ON_KERNEL
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#else
#define TAPIR_POSIX_NAMES
#include <tapir/socket.h>
#endif

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "conformance.h"

enum {
	IN = POLLIN, OUT = POLLOUT, ERR = POLLERR, HUP = POLLHUP, RDHUP = POLLRDHUP, ALL = IN | OUT | POLLPRI | RDHUP,
	AS_POLL = -1, SECONDS_MAX = 20,
};

static int family;

static socklen_t loopback(struct sockaddr_in6 *a)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };

	*a = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	if (family == AF_INET6)
		return sizeof(*a);
	memcpy(a, &in4, sizeof(in4));
	return sizeof(in4);
}

static int bound(struct sockaddr_in6 *a)
{
	socklen_t len = loopback(a);
	int fd = socket(family, SOCK_STREAM, 0);

	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)a, len) == 0 && getsockname(fd, (struct sockaddr *)a, &len) == 0);
	return fd;
}

static int listening(struct sockaddr_in6 *a)
{
	int fd = bound(a);

	CHECK(listen(fd, 4) == 0);
	return fd;
}

static int reach(const struct sockaddr_in6 *a)
{
	struct sockaddr_in6 any;
	int fd = socket(family, SOCK_STREAM, 0);

	CHECK(fd >= 0 && connect(fd, (const struct sockaddr *)a, loopback(&any)) == 0);
	return fd;
}

/* The socket that is looked at, and the other end. */
static int here, there;

static void make_pair(void)
{
	struct sockaddr_in6 a;
	int l = listening(&a);

	here = reach(&a);
	there = accept(l, NULL, NULL);
	CHECK(there >= 0); /* the listener stays: connections that it had when it closes may be reset */
}

static short look(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	CHECK(poll(&p, 1, 0) >= 0);
	return p.revents;
}

static void wait_for(int fd, short bits)
{
	while ((look(fd, ALL) & bits) != bits)
		poll(NULL, 0, 1);
}

static void fill(void)
{
	static char bytes[65536];

	while (send(here, bytes, sizeof(bytes), MSG_DONTWAIT) > 0 || (poll(NULL, 0, 50), look(here, OUT)))
		;
}

static void reset_there(void)
{
	struct linger linger = { .l_onoff = 1 };

	CHECK(setsockopt(there, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0 && close(there) == 0);
}

static void refuse(void)
{
	struct sockaddr_in6 a;
	int unused = bound(&a);

	here = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (connect(here, (struct sockaddr *)&a, loopback(&(struct sockaddr_in6){ 0 })) < 0)
		CHECK(errno == EINPROGRESS);
	wait_for(here, HUP);
	close(unused);
}

static void take_error(int want)
{
	int error = 0;
	socklen_t len = sizeof(error);

	CHECK(getsockopt(here, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == want);
}

/* ---- States ---- */

static void fresh(void) { here = socket(family, SOCK_STREAM, 0); }
static void is_bound(void) { here = bound(&(struct sockaddr_in6){ 0 }); }
static void option_set(void)
{
	fresh();
	CHECK(setsockopt(here, SOL_SOCKET, SO_KEEPALIVE, &(int){ 1 }, sizeof(int)) == 0);
}
static void listens(void) { here = listening(&(struct sockaddr_in6){ 0 }); }
static void has_connection(void)
{
	struct sockaddr_in6 a;

	here = listening(&a);
	reach(&a);
}
static void listener_shut_down(void) { listens(); CHECK(shutdown(here, SHUT_RDWR) == 0); }
static void refused(void) { refuse(); }
static void refused_and_told(void) { refuse(); take_error(ECONNREFUSED); }
static void established(void) { make_pair(); }
static void has_data(void) { make_pair(); CHECK(send(there, "x", 1, 0) == 1); }
static void peer_shut_writing(void) { make_pair(); CHECK(shutdown(there, SHUT_WR) == 0); }
static void peer_shut_writing_after_data(void) { has_data(); CHECK(shutdown(there, SHUT_WR) == 0); }
static void peer_closed(void) { make_pair(); CHECK(close(there) == 0); }
static void shut_writing(void) { make_pair(); CHECK(shutdown(here, SHUT_WR) == 0); }
static void shut_reading(void) { make_pair(); CHECK(shutdown(here, SHUT_RD) == 0); }
static void shut_both(void) { make_pair(); CHECK(shutdown(here, SHUT_RDWR) == 0); }
static void shut_twice(void) { shut_writing(); CHECK(shutdown(here, SHUT_WR) == 0); }
static void both_closed(void) { peer_closed(); wait_for(here, RDHUP); CHECK(shutdown(here, SHUT_WR) == 0); }
static void was_reset(void) { make_pair(); reset_there(); }
static void was_reset_after_data(void) { has_data(); wait_for(here, IN); reset_there(); }
static void was_reset_and_read(void)
{
	char c;

	was_reset();
	wait_for(here, HUP);
	CHECK(recv(here, &c, 1, 0) == -1 && errno == ECONNRESET);
}
static void was_reset_and_told(void) { was_reset(); wait_for(here, HUP); take_error(ECONNRESET); }
static void buffer_full(void) { make_pair(); fill(); }
static void urgent(void)
{
	make_pair();
	CHECK(send(there, "ab!", 3, MSG_OOB) == 3);
}

static const struct state {
	const char *name;
	void (*make)(void);
	int bits;  /* on Linux */
	int epoll; /* on the stack; AS_POLL: the same */
} states[] = {
#define STATE(name, bits, epoll) { #name, name, bits, epoll }
	STATE(fresh, OUT | HUP, AS_POLL),
	STATE(is_bound, OUT | HUP, OUT),
	STATE(option_set, OUT | HUP, OUT),
	STATE(listens, 0, AS_POLL),
	STATE(has_connection, IN, AS_POLL),
	STATE(listener_shut_down, OUT | HUP, OUT),
	STATE(refused, IN | OUT | ERR | HUP | RDHUP, AS_POLL),
	STATE(refused_and_told, IN | OUT | HUP | RDHUP, AS_POLL),
	STATE(established, OUT, AS_POLL),
	STATE(has_data, IN | OUT, AS_POLL),
	STATE(peer_shut_writing, IN | OUT | RDHUP, AS_POLL),
	STATE(peer_shut_writing_after_data, IN | OUT | RDHUP, AS_POLL),
	STATE(peer_closed, IN | OUT | RDHUP, AS_POLL),
	STATE(shut_writing, OUT, AS_POLL),
	STATE(shut_reading, IN | OUT | RDHUP, AS_POLL),
	STATE(shut_both, IN | OUT | HUP | RDHUP, AS_POLL),
	STATE(shut_twice, OUT, AS_POLL),
	STATE(both_closed, IN | OUT | HUP | RDHUP, AS_POLL),
	STATE(was_reset, IN | OUT | ERR | HUP | RDHUP, AS_POLL),
	STATE(was_reset_after_data, IN | OUT | ERR | HUP | RDHUP, AS_POLL),
	STATE(was_reset_and_read, IN | OUT | HUP | RDHUP, AS_POLL),
	STATE(was_reset_and_told, IN | OUT | HUP | RDHUP, AS_POLL),
	STATE(buffer_full, 0, AS_POLL),
	STATE(urgent, IN | OUT | POLLPRI, AS_POLL),
};

static int ask_epoll(int fd)
{
	struct epoll_event e = { .events = ALL };
	int set = epoll_create1(0), n;

	CHECK(set >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, fd, &e) == 0);
	n = epoll_wait(set, &e, 1, 0);
	CHECK(n >= 0 && close(set) == 0);
	return n ? (int)e.events : 0;
}

static volatile sig_atomic_t is_late;

static void on_alarm(int sig)
{
	(void)sig;
	is_late = 1;
}

/* Twice in a row, so that it is no state on the way. */
static bool becomes(int (*ask)(int fd), int want, int *last)
{
	int same = 0;

	while (!is_late && same < 2) {
		*last = ask(here);
		same = *last == want ? same + 1 : 0;
		poll(NULL, 0, 5);
	}
	return same == 2;
}

static int ask_poll(int fd)
{
	return look(fd, ALL);
}

static int try_state(const struct state *s)
{
	int last, by_epoll = s->epoll;

#ifdef ON_KERNEL
	by_epoll = AS_POLL;
#endif
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGALRM, &(struct sigaction){ .sa_handler = on_alarm }, NULL);
	alarm(SECONDS_MAX);
	s->make();
	if (!becomes(ask_poll, s->bits, &last)) {
		printf("  poll says 0x%x, not 0x%x\n", last, s->bits);
		return 1;
	}
	if (becomes(ask_epoll, by_epoll == AS_POLL ? s->bits : by_epoll, &last))
		return 0;
	printf("  epoll says 0x%x, not 0x%x\n", last, by_epoll == AS_POLL ? s->bits : by_epoll);
	return 1;
}

int main(int argc, char **argv)
{
	int passed = 0, failed = 0;

	if (argc != 2) {
		fputs("Usage: poll_conformance ADDRESS\n", stderr);
		return 64;
	}
	family = strchr(argv[1], ':') ? AF_INET6 : AF_INET;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		int status = 1;
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			status = try_state(&states[i]);
			fflush(stdout);
			_exit(status);
		}
		waitpid(pid, &status, 0);
		printf("%s %s\n", status == 0 ? "ok  " : "FAIL", states[i].name);
		passed += status == 0;
		failed += status != 0;
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}
