/* SPDX-License-Identifier: BSD-2-Clause */
/* addr.h - one address type for both families.
 * An IPv4 address is held as its IPv4-mapped IPv6 form ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2), so every table,
 * hash and comparison works on 16 bytes and no code asks for the family before it must. Prefix lengths are counted
 * in the same space: 10.0.0.0/8 has length 104, and the IPv4 default route is ::ffff:0:0/96.
 * Never: allocates or keeps state. */
#ifndef TAPIR_STACK_ADDR_H
#define TAPIR_STACK_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct ip_addr {
	uint8_t b[16];
};

/* A transport end point. @port is in host order; @scope_id is the interface index of a link-local address, else 0. */
struct ip_endpoint {
	struct ip_addr addr;
	uint32_t scope_id;
	uint16_t port;
};

struct ip_prefix {
	struct ip_addr addr;
	uint8_t len; /* bits of @addr that count, 0..128; IPv4 prefixes have 96 added */
};

enum { IP_ADDR_TEXT_MAX = 48, IP_PREFIX_TEXT_MAX = 52, IP_ENDPOINT_TEXT_MAX = 64 };

/* IPv6 :: (all zero). The IPv4 wildcard is ::ffff:0.0.0.0, from ip_addr_any(AF_INET). */
extern const struct ip_addr ip6_addr_any;

static inline bool ip_addr_is4(const struct ip_addr *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(a->b, mapped, sizeof(mapped)) == 0;
}

static inline struct ip_addr ip_addr_from4(const uint8_t b[4])
{
	struct ip_addr a = { { [10] = 0xff, [11] = 0xff } };

	memcpy(a.b + 12, b, 4);
	return a;
}

static inline struct ip_addr ip_addr_from6(const uint8_t b[16])
{
	struct ip_addr a;

	memcpy(a.b, b, 16);
	return a;
}

static inline bool ip_addr_eq(const struct ip_addr *a, const struct ip_addr *b)
{
	return memcmp(a->b, b->b, 16) == 0;
}

/* The last four bytes: an IPv4 address in network order. */
static inline const uint8_t *ip_addr_v4(const struct ip_addr *a)
{
	return a->b + 12;
}

/* AF_INET or AF_INET6, by the form of the address. */
int ip_addr_family(const struct ip_addr *a);

/* The wildcard of @family: ::ffff:0.0.0.0 for AF_INET, :: for AF_INET6. */
struct ip_addr ip_addr_any(int family);

bool ip_addr_is_any(const struct ip_addr *a);	     /* 0.0.0.0 or :: */
bool ip_addr_is_loopback(const struct ip_addr *a);   /* 127.0.0.0/8 or ::1 */
bool ip_addr_is_multicast(const struct ip_addr *a);  /* 224.0.0.0/4 or ff00::/8 */
bool ip_addr_is_linklocal(const struct ip_addr *a);  /* 169.254.0.0/16 or fe80::/10 */
bool ip_addr_is_broadcast(const struct ip_addr *a);  /* 255.255.255.255 */

/* The prefix's address with the bits past its length cleared, and the same with them set (IPv4: directed broadcast). */
struct ip_addr ip_prefix_first(const struct ip_prefix *p);
struct ip_addr ip_prefix_last(const struct ip_prefix *p);
bool ip_prefix_has(const struct ip_prefix *p, const struct ip_addr *a);

/** ip_addr_parse - read an IPv4 or IPv6 literal (inet_pton(3) forms, no scope).
 * Returns 0, or -EINVAL with @out unchanged. */
int ip_addr_parse(const char *text, struct ip_addr *out);

/** ip_prefix_parse - read "ADDRESS/LENGTH"; without "/LENGTH" the whole address counts.
 * The address keeps its host bits. Returns 0 or -EINVAL. */
int ip_prefix_parse(const char *text, struct ip_prefix *out);

/* Print into @buf and return it. Sizes above always suffice. Prefix lengths are printed in the family's own count. */
const char *ip_addr_print(const struct ip_addr *a, char buf[IP_ADDR_TEXT_MAX]);
const char *ip_prefix_print(const struct ip_prefix *p, char buf[IP_PREFIX_TEXT_MAX]);
const char *ip_endpoint_print(const struct ip_endpoint *e, char buf[IP_ENDPOINT_TEXT_MAX]); /* 10.0.0.1:80, [::1]:80 */

#endif
