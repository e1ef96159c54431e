/* SPDX-License-Identifier: BSD-2-Clause */
/* netlink.h - NETLINK_ROUTE sockets whose other end is the daemon: the stack's links and addresses instead of the kernel's.
 * Messages go over the descriptor as they are; here is what netlink(7) says of names and options. As with our other sockets nothing is
 * remembered: getsockname(2) tells what the descriptor is (protocol.h).
 * Functions return 0 or a negative errno, unless they say otherwise. */
#ifndef TAPIR_CLIENT_NETLINK_H
#define TAPIR_CLIENT_NETLINK_H

#include <stdbool.h>
#include <sys/socket.h>

/* socket(2): the descriptor, close-on-exec and blocking, or a negative errno. @type: without flags. */
int netlink_socket(int type);

bool netlink_is(int fd);

/* The rest is about a descriptor of which netlink_is() is true. */
int netlink_bind(int fd, const struct sockaddr *addr, socklen_t len);
int netlink_connect(const struct sockaddr *addr, socklen_t len); /* to the only one there is, the stack */
int netlink_getsockname(int fd, struct sockaddr *addr, socklen_t *len);
void netlink_kernel_name(struct sockaddr *addr, socklen_t *len); /* of whoever answers: port id 0 */

/* Level SOL_NETLINK: memberships are real, other options are refused with ENOPROTOOPT as by a kernel that is older than they. */
int netlink_setsockopt(int fd, int name, const void *value, socklen_t len);
int netlink_getsockopt(int fd, int name, void *value, socklen_t *len);

/* SO_DOMAIN, SO_TYPE, SO_PROTOCOL. 1: another option of level SOL_SOCKET, which the descriptor has itself. */
int netlink_get_socket_option(int fd, int name, void *value, socklen_t *len);

/** netlink_on_received - a plain receive on @fd, any descriptor, succeeded: if it is one of these, set right what only an AF_UNIX pair would
 * say. @m: as recvmsg(2) left it; @name_room: what msg_namelen was before. */
void netlink_on_received(int fd, struct msghdr *m, socklen_t name_room);

#endif
