/* SPDX-License-Identifier: BSD-2-Clause */
/* ra.h - router advertisements and redirects for tests, built option by option, apart from the stack's code. */
#ifndef TAPIR_TESTS_RA_H
#define TAPIR_TESTS_RA_H

#include "bed.h"

enum { RA_ON_LINK = 0x80, RA_AUTO = 0x40 };		    /* flags of a prefix */
enum { RA_MANAGED = 0x80, RA_OTHER = 0x40, RA_HIGH = 0x08, RA_LOW = 0x18 }; /* of the message; the last two also of a route */

struct ra {
	const char *src, *dst;	/* dst: "ff02::1" at first */
	const uint8_t *mac;	/* from whom the frame comes */
	uint8_t hop_limit;	/* of the IP header: 255 at first */
	size_t len;
	uint8_t icmp[2000];
};

extern const uint8_t ra_router_mac[6];

/* Begin an advertisement from @src with only a lifetime; further fields are set in r->icmp. */
void ra_begin(struct ra *r, const char *src, uint16_t lifetime_s);
void ra_begin_redirect(struct ra *r, const char *src, const char *target, const char *dst);

void ra_add(struct ra *r, uint8_t type, const void *body, size_t len); /* padded to 8 bytes */
void ra_add_mac(struct ra *r, uint8_t type, const uint8_t mac[6]);
void ra_add_prefix(struct ra *r, const char *prefix, uint8_t flags, uint32_t valid_s, uint32_t preferred_s);
void ra_add_route(struct ra *r, const char *prefix, uint8_t flags, uint32_t lifetime_s);
void ra_add_mtu(struct ra *r, uint32_t mtu);
void ra_add_server(struct ra *r, const char *addr, uint32_t lifetime_s);
void ra_add_domain(struct ra *r, const char *domain, uint32_t lifetime_s);

/* Into the bed. */
void ra_send(struct bed *b, const struct ra *r);

/* The same in one: a router with this lifetime, and one prefix (NULL: none) with both flags. */
void ra_simple(struct bed *b, const char *src, uint16_t lifetime_s, const char *prefix, uint32_t valid_s, uint32_t preferred_s);

#endif
