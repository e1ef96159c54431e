/* SPDX-License-Identifier: BSD-2-Clause */
/* dgram.h - what UDP, raw and ping sockets have in common: the receive queue, the association with a peer, the way to a
 * destination, and the errors that come back.
 * Promises: a queue holds at most SO_RCVBUF bytes of buffers (and always one datagram, however large); what does not fit is dropped
 *           and counted. A small datagram never pins a large buffer. Nothing here calls malloc.
 * The datagram's bytes are the frame's window, the rest of what is known of it is in frame->info. */
#ifndef TAPIR_STACK_DGRAM_H
#define TAPIR_STACK_DGRAM_H

#include "sock.h"

/* A protocol's datagram socket begins with this. */
struct dgram_sock {
	struct sock s;
	struct ip_addr asked_dst, asked_src; /* the question that s.dst answers; s.dst.ifindex 0: none */
	uint32_t asked_link;
	struct frame_queue rx;
	struct frame_queue errors;  /* IP_RECVERR: quoted datagrams, each with a struct sock_error at the start of its buffer */
	uint32_t drops;		    /* datagrams that found the queue full */
	bool addr_locked, port_locked; /* bind(2) gave the address, the port: dissolving the association keeps it */
};

static inline struct dgram_sock *dgram_sock(struct sock *s)
{
	return container_of(s, struct dgram_sock, s);
}

int dgram_init(struct sock *s);

/** dgram_deliver - put @len bytes at @data, which lie in @f's buffer, at the end of the receive queue.
 * @f: borrowed. @may_keep: nobody else needs the frame's window any more, so a reference may be kept instead of a copy.
 * @drop: the counter when the queue is full. Returns whether it was taken. */
bool dgram_deliver(struct dgram_sock *d, struct frame *f, const uint8_t *data, size_t len, const struct dgram_info *info,
		   bool may_keep, enum stack_stat drop);

/* Like dgram_deliver(), of bytes in up to two pieces that are copied. */
bool dgram_deliver_copy(struct dgram_sock *d, const struct iovec *iov, int iovcnt, const struct dgram_info *info,
			enum stack_stat drop);

/* dgram_ctl.c: whether an option of the socket asks for what stands in the network header (info->ip_hdr). */
bool dgram_wants_ip_hdr(const struct sock *s);

/* Where a datagram goes and what its IP header needs. */
struct dgram_way {
	struct ip_endpoint dst;
	const struct ip_dst *via;
	struct ip_tx tx; /* src, dst, ttl, tos, dont_fragment, sock_id are filled in */
};

/** dgram_prepare - everything that sendto(2) decides before a datagram of @l4_len bytes (header included) can be built: a pending
 * error, the destination, the source, the route, broadcast permission.
 * Returns 0, -errno of sock_send_frame(). */
int dgram_prepare(struct sock *s, const struct dgram_info *info, size_t l4_len, struct dgram_way *way);

/** dgram_check - dgram_prepare() of @bytes of payload behind @hdr_bytes of the protocol's header, for sock_try_send(). */
int dgram_check(struct sock *s, const struct dgram_info *info, struct dgram_way *way, size_t hdr_bytes, size_t bytes,
		size_t *bytes_max);

/* Whether a packet of @l4_len bytes must not be fragmented on its way, by the socket's options and what the path takes. */
bool dgram_dont_fragment(const struct sock *s, const struct ip_dst *via, const struct ip_addr *dst, size_t l4_len);

/* connect(2): NULL dissolves. The port, where the protocol has one, was claimed before. */
int dgram_connect(struct sock *s, const struct ip_endpoint *remote);

/** dgram_on_icmp - the network failed to deliver a datagram of this socket: SO_ERROR when the socket is connected and the error is hard,
 * or in any case with IP_RECVERR (ip(7)). @payload: the quoted datagram's own bytes. */
void dgram_on_icmp(struct dgram_sock *d, const struct icmp_error *e, uint16_t remote_port, const uint8_t *payload,
		   size_t payload_len);

/* struct sock_ops entries. */
int dgram_shutdown(struct sock *s, int how, uint64_t now_us);
void dgram_close(struct sock *s, bool abort, uint64_t now_us);
void dgram_destroy(struct sock *s);
int dgram_poll(const struct sock *s);
void dgram_describe(struct sock *s, struct sock_info *info, uint64_t now_us);
struct frame *dgram_recv_frame(struct sock *s);
struct frame *dgram_recv_error(struct sock *s, struct sock_error *e, uint32_t *left);
ssize_t dgram_send(struct sock *s, const void *data, size_t n, int flags, uint64_t now_us);
ssize_t dgram_recv(struct sock *s, void *data, size_t n, int flags, uint64_t now_us);
size_t dgram_inq_bytes(const struct sock *s);
uint32_t dgram_drops(const struct sock *s);

#endif
