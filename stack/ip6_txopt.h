/* SPDX-License-Identifier: BSD-2-Clause */
/* ip6_txopt.h - IPv6 extension headers that programs have us send (RFC 3542 sections 6 to 9): the socket's own ("sticky") and those of
 * one datagram, checked as Linux checks them, and written in the order of RFC 8200 section 4.1.
 * Routing headers: type 2 (RFC 6275) with its one segment, and, sticky only, segment routing (type 4, RFC 8754). Type 0 is refused
 * (RFC 5095). The packet goes to the first address of the route; the last is the destination, which the checksum covers. */
#ifndef TAPIR_STACK_IP6_TXOPT_H
#define TAPIR_STACK_IP6_TXOPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "frame.h"

struct sock;

/* In the packet's order; each a whole header, its length in its second byte. NULL: none. */
enum { IP6_TXOPT_HOP, IP6_TXOPT_DST_BEFORE_ROUTING, IP6_TXOPT_ROUTING, IP6_TXOPT_DST, IP6_TXOPTS };

struct ip6_txopts {
	const uint8_t *hdr[IP6_TXOPTS];
};

static inline uint32_t ip6_txopt_bytes(const uint8_t *hdr)
{
	return hdr ? (hdr[1] + 1u) * 8 : 0;
}

/* Bytes of those that come before a fragment header, and of all. @o: NULL is fine. */
uint32_t ip6_txopts_unfragmentable_bytes(const struct ip6_txopts *o);
uint32_t ip6_txopts_bytes(const struct ip6_txopts *o);

/* Where a packet to @dst goes first: the first address of the routing header, else @dst. */
struct ip_addr ip6_txopts_first_hop(const struct ip6_txopts *o, const struct ip_addr *dst);

/** ip6_txopts_write - write headers @first.. @last at @p, which has room; the last one is followed by a header of type @next.
 * Returns the type of the first, or @next when there is none. */
uint8_t ip6_txopts_write(const struct ip6_txopts *o, int first, int last, uint8_t *p, const struct ip_addr *dst, uint8_t next);

/** ip6_txopts_add - one control message of a datagram (IPV6_HOPOPTS, IPV6_DSTOPTS, IPV6_RTHDRDSTOPTS, IPV6_RTHDR or RFC 2292's form of
 * one) into @o, which points to its bytes then. Returns 0, -EINVAL, or -ENOENT: it is none of these. */
int ip6_txopts_add(struct ip6_txopts *o, const struct dgram_control *c);

/* Sticky ones. The option's name tells which. */
int ip6_txopts_set_sticky(struct sock *s, int name, const void *value, size_t len); /* 0, -EINVAL, -ENOBUFS */
int ip6_txopts_get_sticky(struct sock *s, int name, void *value, size_t *len);
struct ip6_txopts ip6_txopts_sticky(const struct sock *s); /* as they are to be sent */
bool ip6_txopts_has_sticky(const struct sock *s);
int ip6_txopts_inherit(struct sock *s, const struct sock *from); /* 0 or -ENOBUFS */
void ip6_txopts_free(struct sock *s);

#endif
