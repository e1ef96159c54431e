/* SPDX-License-Identifier: BSD-2-Clause */
/* ip6_ext.h - walking the chain of IPv6 extension headers (RFC 8200 section 4). */
#ifndef TAPIR_STACK_IP6_EXT_H
#define TAPIR_STACK_IP6_EXT_H

#include <stdbool.h>
#include <stdint.h>

/* A place in the chain, all offsets from the IPv6 header. */
struct ip6_chain {
	const uint8_t *p; /* the packet */
	uint32_t len;
	uint8_t next;	  /* type of the header at @at */
	uint32_t at;
	uint32_t next_at; /* where @next was read: what a parameter problem points at */
	bool was_fragmented;  /* put together: hop-by-hop options cannot begin it, since they were not cut up */
	bool lacks_length;    /* the payload length is zero: only a jumbo payload option may say how long it is (RFC 2675) */
	bool is_fragment; /* ip6_chain_to_upper() met a fragment header, and not of an atomic fragment */
};

/* How a step ended. */
enum ip6_step {
	IP6_STEP_NEXT,	    /* one header was passed */
	IP6_STEP_END,	    /* @next is no extension header that is passed here: upper layer, fragment, or none */
	IP6_STEP_TRUNCATED, /* the header runs past the packet */
	IP6_STEP_TOO_MANY,  /* more options or bytes of them than the limits allow, or padding that is none */
	IP6_STEP_DISCARD,   /* an option or routing header says: drop it */
	IP6_STEP_ERROR,	    /* the same, and answer with a parameter problem: see struct ip6_problem */
};

/* What a header with options may hold (RFC 8504 section 5.3); of headers there may be as many as the packet holds (RFC 8200 section 4.1). */
struct ip6_limits {
	uint32_t hbh_options, hbh_bytes; /* hop-by-hop options: other options than padding, bytes of the whole header */
	uint32_t dst_options, dst_bytes; /* destination options */
};

struct ip6_problem {
	uint8_t code;	   /* of ICMP6_PARAMETER_PROBLEM */
	uint32_t pointer;
	bool even_to_group; /* may answer a packet to a multicast group (RFC 4443 section 2.4 (e.3)) */
	bool is_routing;   /* about a routing header */
};

struct ip6_chain ip6_chain_over(const uint8_t *packet, uint32_t len); /* @len: at least IP6_HDR_LEN */
enum ip6_step ip6_chain_step(struct ip6_chain *c, const struct ip6_limits *limits, struct ip6_problem *problem);

/* Whether a packet (of @len header bytes, which have been walked) has a Router Alert of this value in a hop-by-hop header (RFC 2711). */
bool ip6_has_router_alert(const uint8_t *packet, uint32_t len, uint16_t value);

/** ip6_chain_to_upper - go on to the upper-layer header, in a packet that only needs to be recognised: options are not looked at,
 * a fragment header is passed over.
 * Returns false when it is not there: cut off, or the packet is a later fragment. @c->next is the last type that is known. */
bool ip6_chain_to_upper(struct ip6_chain *c);

/* Whether the chain that begins with @next at @p reaches an upper-layer header that is there with its least length: what a
 * first fragment must hold (RFC 7112 section 5). */
bool ip6_chain_is_whole(uint8_t next, const uint8_t *p, uint32_t len);

#endif
