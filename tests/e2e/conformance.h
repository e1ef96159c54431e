/* SPDX-License-Identifier: BSD-2-Clause */
/* conformance.h - what the conformance programs share: addresses, and checks that end the test's process with the line that failed.
 * Needs: one process a test. It names no call of sockets, which the program may have mapped to the stack's. */
#ifndef TAPIR_TESTS_CONFORMANCE_H
#define TAPIR_TESTS_CONFORMANCE_H

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

#endif
