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
	struct frame *mtu_news;	    /* IPV6_RECVPATHMTU: the last one, not told yet */
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
	struct ip_tx tx; /* src, dst, ttl, tos, dont_fragment, sock_id, options and flow label are filled in */
	struct sock_tx_room room; /* what tx points to */
	uint32_t ip_hdr_bytes; /* of the network header, options and extension headers included */
	bool dont_frag6; /* IPV6_DONTFRAG */
};

/** dgram_prepare - everything that sendto(2) decides before a datagram of @l4_len bytes (header included) can be built: a pending
 * error, the destination, the source, the route, broadcast permission.
 * Returns 0, -errno of sock_send_frame(). */
int dgram_prepare(struct sock *s, const struct dgram_info *info, size_t l4_len, struct dgram_way *way);

/** dgram_check - dgram_prepare() of @bytes of payload behind @hdr_bytes of the protocol's header, for sock_try_send(). */
int dgram_check(struct sock *s, const struct dgram_info *info, struct dgram_way *way, size_t hdr_bytes, size_t bytes,
		size_t *bytes_max);

/* dgram_ctl.c: what a datagram's control messages and the socket's options put into its network header. First the choice, into way->room;
 * dgram_finish_options() fills way->tx when its source is known. 0, -EINVAL. */
int dgram_take_controls(const struct sock *s, const struct dgram_info *info, struct dgram_way *way);
struct ip_addr dgram_first_hop(const struct dgram_way *way); /* where it goes first: a route's first address, or its destination */
void dgram_finish_options(const struct sock *s, struct dgram_way *way);

/* IPV6_RECVPATHMTU (RFC 3542 section 11.3): tell, if the socket asks for it, that a packet to @dst takes @mtu bytes. */
void dgram_tell_path_mtu(struct dgram_sock *d, const struct ip_addr *dst, uint32_t ifindex, uint32_t mtu);

/* Whether a packet of @l4_len bytes must not be fragmented on its way, by the socket's options and what the path takes. */
bool dgram_dont_fragment(const struct sock *s, const struct dgram_way *way, size_t l4_len);

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
