/* SPDX-License-Identifier: BSD-2-Clause */
/* test_client_pool.c - kept control connections under fork, closed descriptors, restarts and lies, with the test as the daemon:
 * a thread that answers on a socket of the test's own, counts connections, and misbehaves on request. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "client-lib/control_pool.h"

enum { CLIENTS_MAX = 64 };

enum lie { LIE_NONE, LIE_SEQ, LIE_MAGIC, LIE_VERSION, LIE_LONG, LIE_SHORT, LIE_HANG_UP };

static char path[108];
static _Atomic int accepted, adopted, lie;
static int stop_pipe[2];
static pthread_t thread;

/* ---- The daemon ---- */

static int take_passed(struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	int fd = -1;

	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* Answer one request: a HELLO, with the lie of the day. Returns a connection that was passed with ADOPT, -1: none, -2: hang up. */
static int answer(int fd)
{
	struct { struct tapir_header h; struct tapir_hello body; char more[64]; } m = { .h = { 0 } };
	struct iovec iov = { &m, sizeof(m) };
	char control[CMSG_SPACE(sizeof(int))];
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	size_t bytes = sizeof(m.h) + sizeof(m.body);

	if (recvmsg(fd, &msg, 0) <= 0 || lie == LIE_HANG_UP)
		return -2;
	if (m.h.op == TAPIR_OP_ADOPT)
		return take_passed(&msg);
	m.body = (struct tapir_hello){ .pid = 77, .offers = 1 };
	m.h.seq += lie == LIE_SEQ;
	m.h.magic += lie == LIE_MAGIC;
	m.h.version += lie == LIE_VERSION;
	if (lie == LIE_LONG)
		bytes = sizeof(m);
	if (lie == LIE_SHORT)
		bytes = 7;
	return send(fd, &m, bytes, MSG_NOSIGNAL) < 0 ? -2 : -1;
}

static void *serve(void *ctx)
{
	struct pollfd p[CLIENTS_MAX + 2] = { { .fd = stop_pipe[0], .events = POLLIN }, { .fd = *(int *)ctx, .events = POLLIN } };
	int n = 2;

	while (poll(p, (nfds_t)n, -1) > 0 && !p[0].revents) {
		if (p[1].revents && n < CLIENTS_MAX + 2) {
			p[n++] = (struct pollfd){ .fd = accept(p[1].fd, NULL, NULL), .events = POLLIN };
			accepted++;
			continue;
		}
		for (int i = 2; i < n; i++) {
			int r = p[i].revents ? answer(p[i].fd) : -1;

			if (r == -2) {
				close(p[i].fd);
				p[i--] = p[--n];
			} else if (r >= 0) {
				adopted++;
				p[n++] = (struct pollfd){ .fd = r, .events = POLLIN };
			}
		}
	}
	for (int i = 1; i < n; i++)
		close(p[i].fd);
	return NULL;
}

static void start_daemon(void)
{
	static int listener;
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	strcpy(sun.sun_path, path);
	unlink(path);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(listener, 16), 0);
	assert_int_equal(pipe(stop_pipe), 0);
	accepted = adopted = lie = 0;
	assert_int_equal(pthread_create(&thread, NULL, serve, &listener), 0);
}

static void stop_daemon(void)
{
	close(stop_pipe[1]);
	pthread_join(thread, NULL);
	close(stop_pipe[0]);
	unlink(path);
}

static int setup(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/tapir-unit-%d.sock", (int)getpid());
	setenv("TAPIR_SOCKET", path, 1);
	start_daemon();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	stop_daemon();
	return 0;
}

/* ---- The client ---- */

static ssize_t hello(void)
{
	struct tapir_hello h = { .pid = 0 };
	ssize_t n = control_request(TAPIR_OP_HELLO, NULL, 0, -1, &h, sizeof(h), NULL);

	if (n == (ssize_t)sizeof(h))
		assert_int_equal(h.pid, 77);
	return n;
}

static void expect_hello(void)
{
	assert_int_equal(hello(), sizeof(struct tapir_hello));
}

/* The first request of a test finds what the last one's daemon left. */
static void warm_up(void)
{
	expect_hello();
	accepted = 0;
}

static void test_one_connection_serves_request_after_request(void **state)
{
	(void)state;
	warm_up();
	for (int i = 0; i < 100; i++)
		expect_hello();
	assert_int_equal(accepted, 0);
}

static void test_errno_is_left_alone(void **state)
{
	(void)state;
	errno = EXDEV;
	expect_hello();
	assert_int_equal(errno, EXDEV);
	stop_daemon();
	assert_int_equal(hello(), -ENETDOWN);
	assert_int_equal(errno, EXDEV);
	start_daemon();
}

static void test_a_forked_child_gets_a_connection_of_its_own(void **state)
{
	int status, own, n = 0;
	pid_t pid;

	(void)state;
	warm_up();
	for (int fd = control_pool_next(0); fd >= 0; fd = control_pool_next(fd + 1))
		n++;
	assert_int_equal(n, 1);
	own = control_pool_next(0);
	pid = fork();
	if (!pid) {
		struct tapir_hello h;

		if (control_request(TAPIR_OP_HELLO, NULL, 0, -1, &h, sizeof(h), NULL) != (ssize_t)sizeof(h))
			_exit(1);
		/* One connection, the parent's not among them: its number is used again or closed. */
		_exit(control_pool_next(0) == own && control_pool_next(own + 1) < 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(accepted, 1);
	expect_hello(); /* and the parent's goes on */
	assert_int_equal(accepted, 1);
}

static void test_a_vfork_child_uses_its_parents(void **state)
{
	volatile ssize_t n = 0;
	pid_t pid;

	(void)state;
	warm_up();
	pid = vfork();
	if (!pid) {
		n = hello();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	assert_int_equal(n, sizeof(struct tapir_hello));
	expect_hello();
	assert_int_equal(accepted, 0);
}

static void test_closed_connections_are_made_anew(void **state)
{
	int fd;

	(void)state;
	warm_up();
	fd = control_pool_next(0);
	assert_true(control_pool_owns(fd));
	close(fd);
	assert_false(control_pool_owns(fd));
	expect_hello();
	assert_int_equal(accepted, 1);
}

static void test_a_number_taken_over_is_left_alone(void **state)
{
	int fd, plain[2];
	char c;

	(void)state;
	warm_up();
	fd = control_pool_next(0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, plain), 0);
	assert_int_equal(dup2(plain[0], fd), fd);
	assert_false(control_pool_owns(fd));
	expect_hello();
	assert_int_equal(recv(plain[1], &c, 1, MSG_DONTWAIT), -1); /* nothing was said on the other's socket, */
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(fcntl(fd, F_GETFD), 0); /* and it is still open */
	close(fd);
	close(plain[0]);
	close(plain[1]);
}

static void test_a_restarted_daemon_is_found(void **state)
{
	(void)state;
	warm_up();
	stop_daemon();
	assert_int_equal(hello(), -ENETDOWN);
	start_daemon();
	expect_hello();
	stop_daemon();
	start_daemon();
	expect_hello(); /* also when nobody asked in between */
}

static void test_lies_are_errors_and_end_the_connection(void **state)
{
	static const struct {
		enum lie lie;
		int error;
	} lies[] = {
		{ LIE_SEQ, -EPROTO }, { LIE_MAGIC, -EPROTO },	{ LIE_VERSION, -EPROTONOSUPPORT },
		{ LIE_LONG, -EPROTO }, { LIE_SHORT, -EPROTO },	{ LIE_HANG_UP, -ENETDOWN },
	};

	(void)state;
	warm_up();
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		lie = (int)lies[i].lie;
		assert_int_equal(hello(), lies[i].error);
		lie = LIE_NONE;
		expect_hello();
	}
	assert_true(accepted >= 6);
}

static void *many_hellos(void *ctx)
{
	for (int i = 0; i < 200; i++)
		if (hello() != (ssize_t)sizeof(struct tapir_hello))
			*(int *)ctx = 1;
	return NULL;
}

static void test_threads_share_connections_without_mixing_replies(void **state)
{
	pthread_t threads[8];
	int failed[8] = { 0 };

	(void)state;
	warm_up();
	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, many_hellos, &failed[i]);
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(failed[i], 0);
	}
	assert_true(accepted <= 8);
}

static void test_the_door_leads_out_of_a_chroot(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	warm_up();
	control_pool_open_door();
	pid = fork();
	if (!pid) {
		setenv("TAPIR_SOCKET", "/nonexistent/behind/a/chroot", 1);
		_exit(hello() == (ssize_t)sizeof(struct tapir_hello) && hello() > 0 ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(adopted, 1);
}

static void test_connecting_names_each_cause(void **state)
{
	char text[512], longest[200];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = 0;
	assert_int_equal(control_connect("/nonexistent/x"), -ENETDOWN);
	assert_int_equal(control_connect(longest), -ENAMETOOLONG);
	assert_non_null(strstr(control_explain(-ENETDOWN, "/x/y", text, sizeof(text)), "no tapird answers at /x/y"));
	assert_non_null(strstr(control_explain(-EPROTONOSUPPORT, "/x/y", text, sizeof(text)), "version"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_connection_serves_request_after_request),
		cmocka_unit_test(test_errno_is_left_alone),
		cmocka_unit_test(test_a_forked_child_gets_a_connection_of_its_own),
		cmocka_unit_test(test_a_vfork_child_uses_its_parents),
		cmocka_unit_test(test_closed_connections_are_made_anew),
		cmocka_unit_test(test_a_number_taken_over_is_left_alone),
		cmocka_unit_test(test_a_restarted_daemon_is_found),
		cmocka_unit_test(test_lies_are_errors_and_end_the_connection),
		cmocka_unit_test(test_threads_share_connections_without_mixing_replies),
		cmocka_unit_test(test_the_door_leads_out_of_a_chroot),
		cmocka_unit_test(test_connecting_names_each_cause),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
