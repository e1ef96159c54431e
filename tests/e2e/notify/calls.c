/* SPDX-License-Identifier: BSD-2-Clause */
/* calls.c - a static program's blocking calls, signals, limits and children, on the stack at ADDRESS (or on the kernel, with the same result).
 *
 *	calls ADDRESS
 *
 * Each test is a process of its own, with a limit after which it counts as hung. Prints one line a test and `N passed, N failed`. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEST_SECONDS_MAX = 60 };

union address {
	struct sockaddr any;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

static union address own;
static socklen_t own_len;
static volatile sig_atomic_t signals_seen;

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			printf("  line %d: %s (errno %d)\n", __LINE__, #condition, errno);                             \
			fflush(stdout);                                                                                \
			_exit(1);                                                                                      \
		}                                                                                                      \
	} while (0)

static void on_signal(int number)
{
	(void)number;
	signals_seen++;
}

static void handle(int number, int flags)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = flags };

	sigaction(number, &sa, NULL);
}

/* A signal to the process after a while. */
static void signal_later(int number, int ms)
{
	struct itimerval timer = { .it_value = { ms / 1000, ms % 1000 * 1000 } };

	if (number == SIGALRM) {
		setitimer(ITIMER_REAL, &timer, NULL);
	} else if (fork() == 0) {
		usleep((unsigned)ms * 1000);
		kill(getppid(), number);
		_exit(0);
	}
}

static int bound(int type, union address *a)
{
	int fd = socket(own.any.sa_family, type, 0);
	socklen_t len = sizeof(*a);

	CHECK(fd >= 0 && bind(fd, &own.any, own_len) == 0 && getsockname(fd, &a->any, &len) == 0);
	return fd;
}

static int listening(union address *a)
{
	int fd = bound(SOCK_STREAM, a);

	CHECK(listen(fd, 64) == 0);
	return fd;
}

static int connected(const union address *a)
{
	int fd = socket(own.any.sa_family, SOCK_STREAM, 0);

	CHECK(fd >= 0 && connect(fd, &a->any, own_len) == 0);
	return fd;
}

static void wait_for(pid_t child)
{
	int status;

	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- Blocking calls ---- */

static void test_handler_without_restart_ends_accept(void)
{
	union address a;
	int l = listening(&a);

	handle(SIGALRM, 0);
	signal_later(SIGALRM, 300);
	CHECK(accept(l, NULL, NULL) == -1 && errno == EINTR && signals_seen == 1);
	signal_later(SIGALRM, 300);
	CHECK(accept(l, NULL, NULL) == -1 && errno == EINTR && signals_seen == 2);
}

static void test_handler_with_restart_lets_accept_go_on(void)
{
	union address a;
	int l = listening(&a);

	handle(SIGALRM, SA_RESTART);
	signal_later(SIGALRM, 200);
	if (fork() == 0) {
		usleep(600000);
		connected(&a);
		_exit(0);
	}
	CHECK(accept(l, NULL, NULL) >= 0 && signals_seen == 1);
}

static void test_handler_ends_a_wait_for_datagrams(void)
{
	union address a, from;
	socklen_t len = sizeof(from);
	char byte;
	int u = bound(SOCK_DGRAM, &a);

	handle(SIGALRM, 0);
	signal_later(SIGALRM, 300);
	CHECK(recvfrom(u, &byte, 1, 0, &from.any, &len) == -1 && errno == EINTR && signals_seen == 1);
	CHECK(sendto(u, "x", 1, 0, &a.any, own_len) == 1);
	CHECK(recvfrom(u, &byte, 1, 0, &from.any, &len) == 1 && byte == 'x');
}

static void test_stopped_while_it_waits_and_continued(void)
{
	union address a;
	int l = listening(&a), status;
	pid_t child = fork();

	if (child == 0) {
		CHECK(accept(l, NULL, NULL) >= 0);
		_exit(0);
	}
	usleep(200000);
	kill(child, SIGSTOP);
	CHECK(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
	kill(child, SIGCONT);
	usleep(200000);
	connected(&a);
	wait_for(child);
}

static void *wait_in_accept(void *arg)
{
	CHECK(accept(*(int *)arg, NULL, NULL) == -1 && errno == EINTR);
	return NULL;
}

static void test_signal_of_one_thread_ends_its_call_only(void)
{
	union address a;
	int l = listening(&a);
	pthread_t threads[3];

	handle(SIGUSR1, 0);
	for (int i = 0; i < 3; i++)
		CHECK(pthread_create(&threads[i], NULL, wait_in_accept, &l) == 0);
	usleep(200000);
	for (int i = 0; i < 3; i++) {
		pthread_kill(threads[i], SIGUSR1);
		pthread_join(threads[i], NULL);
		CHECK(signals_seen == i + 1);
	}
}

static void test_signal_of_the_process_reaches_its_first_thread(void)
{
	union address a;
	int l = listening(&a);
	pthread_t other;

	handle(SIGUSR1, 0);
	CHECK(pthread_create(&other, NULL, wait_in_accept, &l) == 0);
	usleep(100000);
	signal_later(SIGUSR1, 300);
	CHECK(accept(l, NULL, NULL) == -1 && errno == EINTR && signals_seen == 1);
	pthread_kill(other, SIGUSR1);
	pthread_join(other, NULL);
	CHECK(signals_seen == 2);
}

static void test_time_outs_of_the_socket(void)
{
	struct timeval tv = { .tv_usec = 200000 };
	union address a, from;
	socklen_t len = sizeof(from);
	char byte;
	int l = listening(&a), u = bound(SOCK_DGRAM, &a);

	CHECK(setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0);
	CHECK(accept(l, NULL, NULL) == -1 && errno == EAGAIN);
	CHECK(setsockopt(u, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0);
	CHECK(recvfrom(u, &byte, 1, 0, &from.any, &len) == -1 && errno == EAGAIN);
	CHECK(recvfrom(u, &byte, 1, MSG_DONTWAIT, &from.any, &len) == -1 && errno == EAGAIN);
}

/* ---- Limits and ends ---- */

static void test_accept_without_room_loses_no_connection(void)
{
	union address a;
	int l = listening(&a), c = connected(&a), lowest = dup(0), n;
	struct rlimit limit;
	char byte = 0;

	CHECK(lowest >= 0 && close(lowest) == 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = (rlim_t)lowest;
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	CHECK(accept(l, NULL, NULL) == -1 && errno == EMFILE);
	CHECK(socket(own.any.sa_family, SOCK_STREAM, 0) == -1 && errno == EMFILE);
	limit.rlim_cur++;
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	n = accept(l, NULL, NULL);
	CHECK(n == lowest && write(c, "x", 1) == 1 && read(n, &byte, 1) == 1 && byte == 'x');
}

static void test_killed_while_it_waits_gives_its_port_back(void)
{
	union address a;
	int l = listening(&a), again, status;
	pid_t child = fork();

	if (child == 0) {
		accept(l, NULL, NULL);
		_exit(1);
	}
	close(l);
	usleep(200000);
	kill(child, SIGKILL);
	CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
	usleep(200000);
	again = socket(own.any.sa_family, SOCK_STREAM, 0);
	CHECK(again >= 0 && bind(again, &a.any, own_len) == 0 && listen(again, 1) == 0);
}

static void test_broken_stream_raises_sigpipe_in_sendmsg(void)
{
	union address a;
	struct iovec iov = { (char[]){ "x" }, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_name = &a, .msg_namelen = own_len };
	int l = listening(&a), c = connected(&a);

	close(accept(l, NULL, NULL));
	CHECK(shutdown(c, SHUT_WR) == 0);
	handle(SIGPIPE, 0);
	CHECK(sendmsg(c, &m, MSG_NOSIGNAL) == -1 && errno == EPIPE && signals_seen == 0);
	CHECK(sendmsg(c, &m, 0) == -1 && errno == EPIPE && signals_seen == 1);
}

/* ---- Trees ---- */

static void serve(int l, int count)
{
	for (int i = 0; i < count; i++) {
		char byte;
		int fd = accept(l, NULL, NULL);

		CHECK(fd >= 0 && read(fd, &byte, 1) == 1 && write(fd, &byte, 1) == 1);
		close(fd);
	}
}

static void ask(const union address *a, int count)
{
	for (int i = 0; i < count; i++) {
		int fd = connected(a);
		char want = (char)i, byte;

		CHECK(write(fd, &want, 1) == 1 && read(fd, &byte, 1) == 1 && byte == want);
		close(fd);
	}
}

static void test_forked_workers_share_a_listener(void)
{
	enum { WORKERS = 4, EACH = 25 };
	union address a;
	pid_t workers[WORKERS], clients[WORKERS];
	int l = listening(&a);

	for (int i = 0; i < WORKERS; i++) {
		workers[i] = fork();
		if (workers[i] == 0) {
			serve(l, EACH);
			_exit(0);
		}
		clients[i] = fork();
		if (clients[i] == 0) {
			ask(&a, EACH);
			_exit(0);
		}
	}
	for (int i = 0; i < WORKERS; i++) {
		wait_for(workers[i]);
		wait_for(clients[i]);
	}
}

struct asker {
	const union address *a;
	pthread_t thread;
};

static void *ask_in_thread(void *arg)
{
	ask(((struct asker *)arg)->a, 25);
	return NULL;
}

static void test_threads_connect_at_once(void)
{
	union address a;
	struct asker askers[8];
	int l = listening(&a);

	for (int i = 0; i < 8; i++) {
		askers[i].a = &a;
		CHECK(pthread_create(&askers[i].thread, NULL, ask_in_thread, &askers[i]) == 0);
	}
	serve(l, 8 * 25);
	for (int i = 0; i < 8; i++)
		pthread_join(askers[i].thread, NULL);
}

/* Signals all the while: with SA_RESTART no call says EINTR, and nothing is lost or double. */
static void test_interval_timer_disturbs_nothing(void)
{
	struct itimerval often = { { 0, 500 }, { 0, 500 } };
	union address a;
	int l = listening(&a), fds[2];

	handle(SIGALRM, SA_RESTART);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 200; i++) {
		char want = (char)i, byte = 0;

		fds[0] = connected(&a);
		fds[1] = accept(l, NULL, NULL);
		CHECK(fds[1] >= 0 && setsockopt(fds[1], SOL_SOCKET, SO_KEEPALIVE, &(int){ 1 }, sizeof(int)) == 0);
		CHECK(write(fds[0], &want, 1) == 1 && read(fds[1], &byte, 1) == 1 && byte == want);
		close(fds[0]);
		close(fds[1]);
	}
	CHECK(signals_seen > 0);
}

/* ---- Others' ways in ---- */

static void test_io_uring_is_refused(void)
{
	char params[120] = { 0 };

	CHECK(getenv("TAPIR_NOTIFY") == NULL || (syscall(425, 1, params) == -1 && errno == ENOSYS));
}

#ifdef __x86_64__
/* A system call of i386: numbers and layouts are its own. */
static long call_i386(long nr, long a, long b, long c)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}
#endif

static void test_sockets_of_other_abis_are_refused(void)
{
#ifdef __x86_64__
	enum { I386_SOCKET = 359, I386_GETPID = 20, X32_BIT = 0x40000000 };
	long i386 = call_i386(I386_SOCKET, AF_INET, SOCK_STREAM, 0);

	if (!getenv("TAPIR_NOTIFY") || i386 == -ENOSYS) /* a kernel without i386 */
		return;
	CHECK(i386 == -EAFNOSUPPORT && call_i386(I386_SOCKET, AF_INET6, SOCK_DGRAM, 0) == -EAFNOSUPPORT);
	CHECK(call_i386(I386_SOCKET, AF_UNIX, SOCK_STREAM, 0) >= 0 && call_i386(I386_GETPID, 0, 0, 0) == getpid());
	CHECK(syscall(X32_BIT | SYS_socket, AF_INET, SOCK_STREAM, 0) == -1 && errno == ENOSYS);
#endif
}

struct test {
	const char *name;
	void (*run)(void);
};

#define TEST(name) { #name, test_##name }
static const struct test tests[] = {
	TEST(handler_without_restart_ends_accept),
	TEST(handler_with_restart_lets_accept_go_on),
	TEST(handler_ends_a_wait_for_datagrams),
	TEST(stopped_while_it_waits_and_continued),
	TEST(signal_of_one_thread_ends_its_call_only),
	TEST(signal_of_the_process_reaches_its_first_thread),
	TEST(time_outs_of_the_socket),
	TEST(accept_without_room_loses_no_connection),
	TEST(killed_while_it_waits_gives_its_port_back),
	TEST(broken_stream_raises_sigpipe_in_sendmsg),
	TEST(forked_workers_share_a_listener),
	TEST(threads_connect_at_once),
	TEST(interval_timer_disturbs_nothing),
	TEST(io_uring_is_refused),
	TEST(sockets_of_other_abis_are_refused),
};

static bool run(const struct test *t)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		if (t->run != test_interval_timer_disturbs_nothing && !strstr(t->name, "handler") && !strstr(t->name, "wait"))
			alarm(TEST_SECONDS_MAX);
		t->run();
		_exit(0);
	}
	for (int i = 0; i < TEST_SECONDS_MAX * 20; i++) {
		if (waitpid(child, &status, WNOHANG) == child) {
			bool is_ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;

			printf("%s %s\n", is_ok ? "ok" : "FAIL", t->name);
			return is_ok;
		}
		usleep(50000);
	}
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	printf("FAIL %s: hangs\n", t->name);
	return false;
}

int main(int argc, char **argv)
{
	int passed = 0, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2)
		return 64;
	if (inet_pton(AF_INET, argv[1], &own.in4.sin_addr) == 1) {
		own.in4.sin_family = AF_INET;
		own_len = sizeof(own.in4);
	} else {
		if (inet_pton(AF_INET6, argv[1], &own.in6.sin6_addr) != 1)
			return 64;
		own.in6.sin6_family = AF_INET6;
		own_len = sizeof(own.in6);
	}
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (argc > 2 && strcmp(argv[2], tests[i].name) != 0)
			continue;
		if (run(&tests[i]))
			passed++;
		else
			failed++;
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}
