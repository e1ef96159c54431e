/* SPDX-License-Identifier: BSD-2-Clause */
/* notify_bare.h - datagram sockets of programs whose read(2) and recv(2) nobody sees: their datagrams come without libtapir's header
 * (TAPIR_OP_BARE), and the supervisor asks the daemon for it when a program wants an address or ancillary data. */
#ifndef TAPIR_TOOLS_NOTIFY_BARE_H
#define TAPIR_TOOLS_NOTIFY_BARE_H

#include <sys/socket.h>
#include <sys/types.h>

/** bare_begin - make the new datagram socket @fd one of these. A daemon that does not know how leaves it as it is. */
void bare_begin(int fd);

/** bare_recvmsg - as tapir_recvmsg() with MSG_DONTWAIT, for either kind of datagram socket. @m has one piece. */
ssize_t bare_recvmsg(int fd, struct msghdr *m, int flags);

#endif
