/* SPDX-License-Identifier: BSD-2-Clause */
/* checksum.h - the Internet checksum (RFC 1071), whole, in pieces, and incrementally (RFC 1624).
 * A partial sum is the plain one's-complement sum of 16-bit big-endian words, folded to 16 bits, not inverted.
 * The fast version is chosen once by what the processor has; checksum_add_portable() is the reference. */
#ifndef TAPIR_STACK_CHECKSUM_H
#define TAPIR_STACK_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "addr.h"

/* Add @n bytes to the partial sum @sum, as if they began at an even offset. */
uint16_t checksum_add(uint16_t sum, const void *data, size_t n);
uint16_t checksum_add_portable(uint16_t sum, const void *data, size_t n);

/* The same over pieces, whose lengths may be odd: byte positions run on from piece to piece. */
uint16_t checksum_add_iov(uint16_t sum, const struct iovec *iov, int iovcnt);

/* The pseudo-header's partial sum: RFC 9293 section 3.1 for IPv4, RFC 8200 section 8.1 for IPv6, by the addresses. */
uint16_t checksum_pseudo(const struct ip_addr *src, const struct ip_addr *dst, uint8_t proto, uint32_t len);

/* What goes into the packet: the inverted sum. */
static inline uint16_t checksum_finish(uint16_t sum)
{
	return (uint16_t)~sum;
}

/* The one's-complement sum of two partial sums. */
static inline uint16_t checksum_combine(uint16_t a, uint16_t b)
{
	uint32_t s = (uint32_t)a + b;

	return (uint16_t)(s + (s >> 16));
}

#endif
