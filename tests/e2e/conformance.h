/* SPDX-License-Identifier: BSD-2-Clause */
/* conformance.h - what the conformance programs share: addresses, checks that end the test's process with the line that failed, and running
 * each test in a process of its own, with a limit after which it counts as hung. It names no call of sockets, which the program may
 * have mapped to the stack's. */
#ifndef TAPIR_TESTS_CONFORMANCE_H
#define TAPIR_TESTS_CONFORMANCE_H

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEST_SECONDS_MAX = 30 };

union address {
	struct sockaddr any;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			fail(#condition, __LINE__);                                                                    \
	} while (0)

/* The call fails with this errno. */
#define FAILS(call, error)                                                                                             \
	do {                                                                                                           \
		long result_ = (long)(call);                                                                           \
		if (result_ != -1 || errno != (error))                                                                 \
			fail(#call " fails with " #error, __LINE__);                                                   \
	} while (0)

static inline void __attribute__((noreturn)) fail(const char *what, int line)
{
	printf("  line %d: %s (errno %s)\n", line, what, strerrorname_np(errno) ? strerrorname_np(errno) : "0");
	fflush(stdout);
	_exit(1);
}

static inline bool is_same(const union address *a, const union address *b)
{
	if (a->any.sa_family != b->any.sa_family || a->in4.sin_port != b->in4.sin_port)
		return false;
	return a->any.sa_family == AF_INET ? a->in4.sin_addr.s_addr == b->in4.sin_addr.s_addr :
					     memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, 16) == 0;
}

static inline union address conformance_loopback(int family)
{
	union address a = { .in6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT } };

	if (family == AF_INET)
		a = (union address){ .in4 = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } } };
	return a;
}

struct test {
	const char *name;
	void (*run)(void);
};

#define NAMED(test) { #test, test }

static inline bool conformance_passes(void (*test)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		alarm(TEST_SECONDS_MAX);
		test();
		_exit(0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* All but those whose names are in @skip. Returns what main() does. */
static inline int conformance_run(const struct test *tests, size_t count, const char *skip)
{
	int passed = 0, failed = 0;

	for (size_t i = 0; i < count; i++) {
		bool ok;

		if (strstr(skip, tests[i].name))
			continue;
		ok = conformance_passes(tests[i].run);
		printf("%s %s\n", ok ? "ok  " : "FAIL", tests[i].name);
		fflush(stdout);
		passed += ok;
		failed += !ok;
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}

#endif
