/* SPDX-License-Identifier: BSD-2-Clause */
/* ifreq.h - netdevice(7)'s ioctls, answered for the stack's interfaces. What would change something is refused with EPERM, what asks a
 * driver (SIOCETHTOOL, wireless) with EOPNOTSUPP. */
#ifndef TAPIR_CLIENT_IFREQ_H
#define TAPIR_CLIENT_IFREQ_H

#include <stdbool.h>

/* Whether @request is one of them. */
bool ifreq_is(unsigned long request);

/** ifreq_ioctl - @fd: a socket of ours, a netlink one, or a unix one. Returns 0, a negative errno, or 1: the plain call has the answer. */
int ifreq_ioctl(int fd, unsigned long request, void *arg);

#endif
