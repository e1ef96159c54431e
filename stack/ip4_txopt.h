/* SPDX-License-Identifier: BSD-2-Clause */
/* ip4_txopt.h - IPv4 options that programs have us send: IP_OPTIONS of a socket, IP_RETOPTS with one datagram (ip(7)).
 * They are checked as Linux's ip_options_compile() checks them. With a source route the packet goes to its first address, and its last
 * place holds the destination, which the transport's checksum covers (RFC 1122 section 4.2.3.8). */
#ifndef TAPIR_STACK_IP4_TXOPT_H
#define TAPIR_STACK_IP4_TXOPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "ip4_options.h"

struct sock;

struct ip4_txopt {
	uint8_t len; /* a multiple of 4 */
	uint8_t bytes[IP4_OPTIONS_LEN_MAX];
};

/* As they go into a packet. */
struct ip4_txopt_built {
	struct ip4_txopt options;
	bool has_route, is_strict;
	struct ip_addr first_hop; /* with has_route */
};

/* Take options as a program gives them. 0 or -EINVAL. */
int ip4_txopt_take(struct ip4_txopt *o, const void *value, size_t len);

/* Where a packet with them goes first: @dst, or the source route's first address. */
struct ip_addr ip4_txopt_first_hop(const struct ip4_txopt *o, const struct ip_addr *dst);
bool ip4_txopt_is_strict(const struct ip4_txopt *o); /* a strict source route: the first hop must be on a link of ours */

/* @src, @dst: the packet's source, and its final destination. */
void ip4_txopt_build(const struct ip4_txopt *o, const struct ip_addr *src, const struct ip_addr *dst, uint64_t now_us,
		     struct ip4_txopt_built *built);

/* IP_OPTIONS. */
int ip4_txopt_set_sticky(struct sock *s, const void *value, size_t len); /* 0, -EINVAL, -ENOBUFS */
int ip4_txopt_get_sticky(struct sock *s, void *value, size_t *len);

#endif
