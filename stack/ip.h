/* SPDX-License-Identifier: BSD-2-Clause */
/* ip.h - what the transports and the network layer have to do with each other, for both families.
 * Down: a transport asks for a route once (ip_route), keeps it in its struct ip_dst, and sends either a whole frame
 *       (ip_output: datagrams, control packets) or a segment made of a header and slices (ip_output_slices: TCP's fast way).
 * Up:   ip4.c and ip6.c parse, verify, reassemble and hand a struct ip_rx to tcp_input, udp_input, raw_input and icmp.
 * Never: a transport looks into an IP header except through struct ip_rx. */
#ifndef TAPIR_STACK_IP_H
#define TAPIR_STACK_IP_H

#include "stack.h"

struct neigh;
struct ip6_txopts;

enum {
	IPPROTO_NR_ICMP = 1,
	IPPROTO_NR_IGMP = 2,
	IPPROTO_NR_TCP = 6,
	IPPROTO_NR_UDP = 17,
	IPPROTO_NR_ICMP6 = 58,
};

/* ---- Up ---- */

/* A received packet, headers parsed. The frame's window (data, len) is the transport header and payload. */
struct ip_rx {
	struct ip_addr src, dst;
	uint32_t ifindex;
	uint8_t proto;
	uint8_t ttl;		/* or hop limit */
	uint8_t tos;		/* or traffic class */
	bool is_multicast;	/* to a group, or broadcast at either layer: no error may answer it (RFC 1122 section 3.2.2) */
	bool is_broadcast;
	bool is_looped;		/* our own, come back without having been on a link (see ETH_LOOPED) */
	const uint8_t *ip_hdr;	/* the network header as received, in the frame's buffer, for ICMP errors and raw sockets */
	uint16_t ip_hdr_len;	/* options and extension headers included */
	bool was_fragmented;	/* had an IPv6 fragment header */
	uint16_t frag_bytes;	/* put together: the largest packet that brought a piece; 0: it came whole */
};

/* Transports take the frame by borrowing: they frame_ref() what they keep. */
void tcp_input(struct stack *st, struct frame *f, const struct ip_rx *rx);
void udp_input(struct stack *st, struct frame *f, const struct ip_rx *rx);

/* Whether the transport checksum is right: verified by the link, left open by a sender on this machine (FRAME_CSUM_PARTIAL), or
 * summed here over pseudo-header and window. A zero UDP checksum over IPv4 means "none"; its caller looks for that first. */
bool ip_csum_is_ok(const struct frame *f, const struct ip_rx *rx);

/* Write the checksum that a FRAME_CSUM_PARTIAL frame still lacks, for whoever shows the packet to others (raw sockets). */
void ip_csum_complete(struct frame *f);

/* Raw sockets see every packet of their protocol before its own handler does. Returns whether one took a copy. */
bool raw_input(struct stack *st, struct frame *f, const struct ip_rx *rx);

/* ip4.c and ip6.c: a whole packet is for us; the window begins with the transport's header. False: nobody speaks its protocol, not even
 * a raw socket, and the sender is to be told. */
bool ip_deliver(struct stack *st, struct frame *f, const struct ip_rx *rx, bool is4);

/* Echo replies for ping sockets. Returns whether one took it. */
bool ping_input(struct stack *st, struct frame *f, const struct ip_rx *rx);

/* An ICMP error about a packet of ours, for the socket that sent it (RFC 1122 section 3.2.2, 4.2.3.9). */
struct icmp_error {
	struct ip_addr local, remote;	 /* our address and the other end of the packet that failed */
	struct ip_addr reporter;	 /* who says so */
	uint32_t ifindex;
	uint8_t proto;
	uint8_t icmp_type, icmp_code;	 /* as received, of the family's ICMP */
	int error;			 /* errno: ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EMSGSIZE, EPROTO, ... */
	bool is_hard;			 /* hard for a datagram socket; TCP: ends a connection in SYN-SENT only (RFC 5927) */
	uint32_t mtu;			 /* EMSGSIZE: the path MTU reported; believed only after ip_pmtu_learn() */
	const uint8_t *l4;		 /* the first bytes of the failed packet's transport header: ports, sequence number */
	uint32_t l4_len;		 /* at least 8 */
};
void tcp_icmp_error(struct stack *st, const struct icmp_error *e);
void udp_icmp_error(struct stack *st, const struct icmp_error *e);
void ping_icmp_error(struct stack *st, const struct icmp_error *e);
void raw_icmp_error(struct stack *st, const struct icmp_error *e);

/** ip_pmtu_learn - believe a reported path MTU. A transport calls it for EMSGSIZE once it has found the socket that sent the
 * packet (TCP: and the sequence number lies in the window, RFC 5927 section 7), so that a forger must know a connection.
 * Lowers the cached path MTU to the remote address; every cached struct ip_dst becomes stale. Returns the MTU that now holds. */
uint32_t ip_pmtu_learn(struct stack *st, const struct icmp_error *e);

/* Tell the sender of @rx that its datagram met no socket (port unreachable). Checks all the "never answer" rules and the rate. */
void icmp_send_port_unreachable(struct stack *st, const struct frame *f, const struct ip_rx *rx);

/* ---- Down ---- */

/* A route in use, cached in a socket. Valid while @generation equals the stack's; ip_route() renews it. */
struct ip_dst {
	struct ip_addr src;	 /* source address to use, when the caller had none */
	struct ip_addr next_hop;
	uint32_t ifindex;	 /* 0: never filled */
	uint32_t generation;
	uint32_t mtu;		 /* path MTU: the link's, or less (RFC 1191, 8201) */
	uint32_t route_mtu;	 /* the most that the route allows; 0: whatever the link takes */
	uint32_t offloads;	 /* of the link */
	bool is_local;		 /* delivered inside this stack */
	uint32_t loop_ifindex;	 /* then: the link that it seems to come from */
	bool is_broadcast;
	bool is_multicast;
	bool is_gatewayed;	 /* next_hop is a router */
	bool is_mtu_locked;	 /* IPv4: the path takes less than net.ipv4.route.min_pmtu: DF is not set, routers may fragment */
	uint32_t neigh_serial;	 /* of the entry's present tenant; another number: the entry serves somebody else now */
	struct neigh *neigh;	 /* owned by the neighbour table; NULL on loopback and bare IP links */
};

/* The link that link-local addresses at both ends belong to. */
static inline uint32_t ip_dst_zone(const struct ip_dst *d)
{
	return d->is_local ? d->loop_ifindex : d->ifindex;
}

/** ip_route - find the way to @dst.
 * @src: the bound source address, or NULL / the wildcard. @ifindex: the interface asked for (scope id, SO_BINDTODEVICE), or 0.
 * Returns 0, -ENETUNREACH, -EADDRNOTAVAIL (no source address for it), or what a route that refuses says (route_refusal()). */
int ip_route(struct stack *st, const struct ip_addr *dst, const struct ip_addr *src, uint32_t ifindex, struct ip_dst *out);

/* Whether *d must be renewed (also true for one never filled): routes, addresses, links or path MTUs changed. */
bool ip_dst_is_stale(const struct stack *st, const struct ip_dst *d);

/* The peer behind @d answers: forward progress keeps the neighbour reachable (RFC 4861 section 7.3.1). Cheap; call at will. */
void ip_dst_confirm(struct stack *st, const struct ip_dst *d);

/* RFC 6437: packets of TCP and UDP are labelled if the stack is set to (net.ipv6.auto_flowlabels); a socket may say otherwise. */
enum ip_auto_label { IP_AUTO_LABEL_BY_PROTOCOL, IP_AUTO_LABEL_ON, IP_AUTO_LABEL_OFF };

/* What goes into the IP header. */
struct ip_tx {
	struct ip_addr src, dst;
	uint8_t proto;
	uint8_t ttl;
	uint8_t tos;
	bool dont_fragment;	/* IPv4 DF; larger than the path MTU: -EMSGSIZE instead of fragments, in both families */
	bool router_alert;
	bool loop;		/* our own sockets hear it too, when it goes to a group that the link hears, or is a broadcast */
	uint32_t flow_label;	/* IPv6, 20 bits; 0 none */
	uint8_t auto_label;	/* enum ip_auto_label: whether none becomes one of the flow's own */
	uint64_t sock_id;
	int8_t csum_offset;	/* where the transport checksum lies in the transport header; -1: complete already, or none */
	uint16_t gso_size;	/* payload bytes of each segment when the packet is larger than the MTU and the link segments it */
	uint8_t gso;		/* enum frame_gso */
	uint16_t l4_hdr_len;	/* with gso, and always for ip_output_slices() */
	const uint8_t *options;	/* IPv4 options, padded to 4 bytes; NULL: none */
	uint8_t options_len;	/* 0..40 */
	const struct ip_addr *route4; /* IPv4: the first address of their source route, to which the packet goes; NULL: none */
	const struct ip6_txopts *ext; /* IPv6: extension headers that a program gave; NULL: none */
};

/** ip_output - send a frame whose window is the transport header and all of the payload (no tail), FRAME_HEADROOM before it.
 * Takes over the reference. Adds headers, the checksum (complete or partial as the link allows), fragments it when it must.
 * Waits in the neighbour's queue when that is not resolved. Returns 0, -EMSGSIZE, -ENOBUFS. */
int ip_output(struct stack *st, struct frame *f, const struct ip_tx *tx, const struct ip_dst *d);

/** ip_send_packet - send a frame whose window is a complete IP packet, checksums included (raw sockets with IP_HDRINCL).
 * Takes over the reference. Neither fragments nor looks at it. Returns 0, -EMSGSIZE, -ENOBUFS. */
int ip_send_packet(struct stack *st, struct frame *f, const struct ip_dst *d);

/* The space in @out->hdr at which a transport writes its header, for ip_output_slices(): FRAME_HEADROOM bytes stay before it. */
static inline uint8_t *ip_slices_hdr(struct frame_out *out)
{
	return out->hdr + FRAME_HEADROOM;
}

/** ip_output_slices - send a transport header (written at ip_slices_hdr(), tx->l4_hdr_len bytes, checksum field 0) and the
 * payload described in out->iov[1] .. out->iov[out->iovcnt - 1] (out->iov[0] is filled here). Never fragments.
 * Returns true: *out is ready to go out. False: the packet went elsewhere (copied to a neighbour's queue or looped back) or was
 * dropped and counted; for the transport it is sent either way. */
bool ip_output_slices(struct stack *st, struct frame_out *out, const struct ip_tx *tx, const struct ip_dst *d);

/* Give our own sockets a copy of the packet (the window is a complete IP packet), which goes out by @d to a group or broadcast address. */
void ip_loop_packet(struct stack *st, const struct frame *f, const struct ip_dst *d, const struct ip_addr *dst);

/* The link for a group or broadcast address: @ifindex when it is not 0, the one that has @src, the default route's, the first. 0: none. */
uint32_t ip_link_for_group(struct stack *st, const struct ip_addr *dst, const struct ip_addr *src, uint32_t ifindex);

/* Whether @a is an address of this stack (on any link, loopback included), usable as a source. */
bool ip_is_local(struct stack *st, const struct ip_addr *a);

/* The address may be bound to: local, wildcard, group or broadcast. 0 or -EADDRNOTAVAIL. */
int ip_check_bind(struct stack *st, const struct ip_addr *a, uint32_t scope_id);

#endif
