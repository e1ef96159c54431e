/* SPDX-License-Identifier: BSD-2-Clause */
/* host.h - sockets that belong on the host's kernel because the policy says so (policy.h).
 *
 * socket() cannot know which addresses will come, so every socket begins on the stack and is decided when an address first names it:
 * by connect(), by bind() to a specific address, or by the first datagram that is sent somewhere. Is that the host's, a kernel socket of
 * the same kind takes its place: the same descriptor, file flags, options, and the port when it was bound to a wildcard.
 * A socket that is decided stays where it is. Addresses of the other side are out of its reach from then on: ENETUNREACH.
 * Bound to a wildcard it is not decided yet, unless it has listened, or sent a datagram here.
 *
 * The policy comes from the environment (TAPIR_KEEP, TAPIR_ONLY) and is read once. Text there that is no policy is told on standard error,
 * and every tapir_socket() fails with EINVAL: nobody knows where its bytes would have gone. */
#ifndef TAPIR_CLIENT_HOST_H
#define TAPIR_CLIENT_HOST_H

#include <stdbool.h>
#include <sys/socket.h>

#include "client-lib/backend.h"

enum host_call { HOST_CONNECT, HOST_BIND, HOST_SEND };

enum host_policy { HOST_POLICY_UNREAD, HOST_POLICY_NONE, HOST_POLICY_RULES, HOST_POLICY_BAD };
enum host_policy host_read_policy(void);
void host_read_policy_again(void); /* the environment was changed, and there is one thread yet */

/* The environment has changed since: read it again. For a process with one thread. */
void host_forget_policy(void);

/** host_replacement - what the policy means for @call on @fd with the address @addr.
 * Returns 0: nothing, make the call as always (also when @fd is no socket, or @addr no address). 1: *replacement is a new kernel
 * socket, close-on-exec, otherwise ready to take @fd's place; make the call on it. A negative errno: the call fails so, -ENETUNREACH
 * when the socket is already decided the other way. @fd itself is not touched, so a copy of somebody else's descriptor will do. */
int host_replacement(int fd, enum host_call call, const struct sockaddr *addr, socklen_t len, int *replacement);

/** host_take_over - the same, and the replacement takes @fd's place, in the epoll sets of this process too. 0, or a negative errno. */
int host_take_over(int fd, enum host_call call, const struct sockaddr *addr, socklen_t len);

/* To be asked before each such call: nothing happens without a policy. */
static inline int host_check(int fd, enum host_call call, const struct sockaddr *addr, socklen_t len)
{
	return addr && !backend_is_kernel_already() && __builtin_expect(host_read_policy() == HOST_POLICY_RULES, 0) ? host_take_over(fd, call, addr, len) : 0;
}

#endif
