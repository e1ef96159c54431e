/* SPDX-License-Identifier: BSD-2-Clause */
/* nd_opt.h - the options of neighbour discovery messages (RFC 4861 section 4.6, 4191 section 2.3, 7527 section 4, 8106 section 5),
 * read from bytes that anybody on the link may have sent.
 * Promises: a parsed option holds to its RFC's rules: lengths, reserved values, lifetimes that fit each other.
 * Never:    keeps or allocates anything, or reads past the message. */
#ifndef TAPIR_STACK_ND_OPT_H
#define TAPIR_STACK_ND_OPT_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "wire.h"

enum nd_opt_type {
	ND_OPTION_SOURCE_LINK_ADDR = 1,
	ND_OPTION_TARGET_LINK_ADDR = 2,
	ND_OPTION_PREFIX = 3,
	ND_OPTION_REDIRECTED = 4,
	ND_OPTION_MTU = 5,
	ND_OPTION_NONCE = 14,
	ND_OPTION_ROUTE = 24,
	ND_OPTION_RDNSS = 25,
	ND_OPTION_DNSSL = 31,
};

struct nd_opt {
	uint8_t type;
	uint8_t units;	     /* its length, in 8 bytes */
	struct wire_rd body; /* what follows type and length */
};

/* Whether every option in @r has a length, and ends within it: else the whole message is void (RFC 4861 section 6.1.2 and others). */
bool nd_opts_are_whole(struct wire_rd r);

/* The next option. False: there is none left. */
bool nd_opt_next(struct wire_rd *r, struct nd_opt *o);

/* The link address in the only option of @type in @r; the last of several. Unset (NULL): there is none. False: one is malformed. */
bool nd_find_link_addr(struct wire_rd r, uint8_t type, const uint8_t **mac);

/* The six bytes of a nonce; NULL: none. */
const uint8_t *nd_find_nonce(struct wire_rd r);

struct nd_prefix {
	struct ip_prefix prefix; /* host bits cleared */
	bool is_on_link, is_autonomous;
	uint32_t valid_s, preferred_s;
};
bool nd_parse_prefix(struct nd_opt *o, struct nd_prefix *p); /* false: to be ignored */

struct nd_route {
	struct ip_prefix prefix; /* host bits cleared */
	int8_t preference;
	uint32_t lifetime_s;
};
bool nd_parse_route(struct nd_opt *o, struct nd_route *r);

bool nd_parse_mtu(struct nd_opt *o, uint32_t *mtu);

/* The lifetime of RDNSS and DNSSL, which comes before their contents. False: malformed. */
bool nd_parse_dns_lifetime(struct nd_opt *o, uint32_t *lifetime_s);

/* The next server's address of an RDNSS, the next domain of a DNSSL as text ("example.org"), after the lifetime was read.
 * False: none left, or what follows is malformed. */
bool nd_next_server(struct nd_opt *o, struct ip_addr *server);
enum { ND_DOMAIN_MAX = 254 };
bool nd_next_domain(struct nd_opt *o, char domain[ND_DOMAIN_MAX]);

/* The two bits of a router's preference (RFC 4191 section 2.1): 1, 0 or -1. False: the reserved value. */
bool nd_preference(uint8_t flags, int8_t *preference);

#endif
