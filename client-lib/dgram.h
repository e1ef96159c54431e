/* SPDX-License-Identifier: BSD-2-Clause */
/* dgram.h - sending and receiving on the fd of a datagram socket: putting struct tapir_dgram before a datagram, and taking it off.
 *
 * The header goes into an iovec of its own before the application's, so nothing is copied. A received message may or may not have a header
 * (protocol.h); what is expected is laid out for, and when it comes otherwise its bytes are moved into place:
 *
 *	header expected:     [ header 88 ][ the application's buffers ][ spill ]
 *	bare expected:       [ the application's buffers ][ spill ]          room for what stands before the datagram after all
 *
 * Promises: one system call a message, or a batch; a datagram longer than the buffers is truncated as recvmsg(2) says, header or not.
 * Functions return what the call of that name returns, or -errno. */
#ifndef TAPIR_CLIENT_DGRAM_H
#define TAPIR_CLIENT_DGRAM_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "client-lib/protocol.h"

struct timespec;

struct dgram_sock {
	int fd;
	uint64_t id;
	bool is_connected; /* bare datagrams are expected, and may be sent */
};

/* Whether @fd is one of our datagram sockets. Costs nothing for most that are not. */
bool dgram_is(int fd, struct dgram_sock *s);

/* Whether it is a UDP socket, not a raw or ping one. Asks the daemon. */
bool dgram_is_udp(const struct dgram_sock *s);

ssize_t dgram_sendmsg(const struct dgram_sock *s, const struct msghdr *m, int flags);
ssize_t dgram_recvmsg(const struct dgram_sock *s, struct msghdr *m, int flags);
int dgram_sendmmsg(const struct dgram_sock *s, struct mmsghdr *msgs, unsigned count, int flags);
int dgram_recvmmsg(const struct dgram_sock *s, struct mmsghdr *msgs, unsigned count, int flags, struct timespec *timeout);

/** dgram_expect_long_controls - this process has set an option that makes long control messages come (headers of packets). */
void dgram_expect_long_controls(void);

/* recvmsg(2) with MSG_ERRQUEUE: the oldest queued error; -EAGAIN: there is none. */
ssize_t dgram_recv_errqueue(const struct dgram_sock *s, struct msghdr *m);

/* Bells (TAPIR_DGRAM_BELL): whether @h, or the next message, is one; drop the next message. */
bool dgram_is_bell(const struct dgram_sock *s, const struct tapir_dgram *h);
bool dgram_bell_is_next(const struct dgram_sock *s);
void dgram_drop_next(const struct dgram_sock *s);

/* What poll(2) said of our sockets becomes what Linux says: POLLERR instead of POLLIN where an error is what is next. */
void dgram_correct_poll(struct pollfd *fds, nfds_t count);

/** dgram_check_way - what sendto(2) says at once to @bytes behind @h and its @controls: 0 or -errno. Asks the daemon when the way is not known yet.
 * dgram_learn_way(): who sent us something can be answered. dgram_forget_ways(): an option or the association changed. */
int dgram_check_way(const struct dgram_sock *s, const struct tapir_dgram *h, const uint8_t *controls, size_t bytes);
void dgram_learn_way(const struct dgram_sock *s, const struct tapir_addr *from);
void dgram_forget_ways(void);

/* Who a connected socket's peer is, without asking the daemon each time. Forgotten with the ways. */
bool dgram_recall_peer(const struct dgram_sock *s, struct tapir_addr *peer);
void dgram_remember_peer(const struct dgram_sock *s, const struct tapir_addr *peer);

/* FIONREAD: the length of the next datagram, 0 when there is none. */
int dgram_inq(const struct dgram_sock *s, int *bytes);

/* Move @bytes within the memory that @iov describes, as memmove(3): from offset @from to offset @to. */
void iov_move(const struct iovec *iov, int iovcnt, size_t to, size_t from, size_t bytes);

#endif
