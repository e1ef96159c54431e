/* SPDX-License-Identifier: BSD-2-Clause */
/* cmsg.h - ancillary data of datagrams: control messages (RFC 3542, ip(7), ipv6(7), udp(7)) to and from struct tapir_dgram.
 * Promises: the fields of a header become exactly the control messages that its flags ask for, in Linux's layouts; what does not fit
 *           sets MSG_CTRUNC. Control messages to send that the stack has no use for are refused as Linux refuses them. */
#ifndef TAPIR_CLIENT_CMSG_H
#define TAPIR_CLIENT_CMSG_H

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>

#include "client-lib/protocol.h"

/** cmsg_format - write the control messages for a received datagram to m->msg_control; msg_controllen becomes what was written,
 * msg_flags may get MSG_CTRUNC. @controls: those that came behind the header. */
void cmsg_format(const struct tapir_dgram *d, const void *controls, size_t controls_bytes, struct msghdr *m);

/* The same for an error of the queue: IP_RECVERR or IPV6_RECVERR, by the socket's family. */
void cmsg_format_error(const struct tapir_dgram_error *e, struct msghdr *m);

/** cmsg_parse - take the control messages of a datagram to send into @d, whose other fields are left alone; those that have no field
 * there go to @controls, of TAPIR_CONTROLS_MAX bytes, and are counted in header_bytes. Returns 0, -EINVAL (malformed, out of range, or
 * unknown), -ENOBUFS, or CMSG_NEEDS_ROOM: @controls is NULL and should not be. */
enum { CMSG_NEEDS_ROOM = -ERESTART };
int cmsg_parse(const struct msghdr *m, struct tapir_dgram *d, uint8_t *controls);

/** cmsg_check_stream - 0, or what Linux says of control messages that are sent on a stream, which takes nothing from them: -EINVAL, -EPERM. */
int cmsg_check_stream(const struct msghdr *m);

/* Put one more control message behind the header @d. 0 or as cmsg_parse(). */
int cmsg_add(struct tapir_dgram *d, uint8_t *controls, int level, int type, const void *data, size_t bytes);

/* Call @fn for each descriptor that came with a received message (SCM_RIGHTS). */
void cmsg_each_fd(struct msghdr *m, void (*fn)(void *ctx, int fd), void *ctx);

#endif
