/* SPDX-License-Identifier: BSD-2-Clause */
/* sockaddr.h - socket addresses of applications to and from the protocol's.
 * Promises: checks lengths and families as Linux does; never writes more than the room given. */
#ifndef TAPIR_CLIENT_SOCKADDR_H
#define TAPIR_CLIENT_SOCKADDR_H

#include <sys/socket.h>

#include "client-lib/protocol.h"

/** sockaddr_parse - AF_INET, AF_INET6 (scope id included), or AF_UNSPEC, which becomes family 0.
 * Returns 0, -EINVAL (too short for its family), -EAFNOSUPPORT, -EFAULT (NULL). */
int sockaddr_parse(const struct sockaddr *sa, socklen_t len, struct tapir_addr *a);

/** sockaddr_format - write @a the way accept(2) and friends do: up to *len bytes at @sa, and *len becomes the full length. Nothing is
 * written when @sa is NULL. A family of 0 has length 0. */
void sockaddr_format(const struct tapir_addr *a, struct sockaddr *sa, socklen_t *len);

#endif
