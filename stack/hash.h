/* SPDX-License-Identifier: BSD-2-Clause */
/* hash.h - the keyed hash (SipHash) for tables, initial sequence numbers and ports, and the stack's random numbers.
 * A peer that doesn't know the key can neither aim at one bucket nor guess a number drawn here.
 * Never: asks the system for randomness; everything follows from the seed in struct stack_config. */
#ifndef TAPIR_STACK_HASH_H
#define TAPIR_STACK_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t k[2];
};

/* SipHash-2-4 of @len bytes under @key. */
uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t len);

/* A key of its own for each purpose (@purpose names it), derived from the 32-byte seed. */
struct hash_key hash_key_derive(const uint8_t seed[32], const char *purpose);

/* A deterministic random generator: SipHash of a counter. */
struct rng {
	struct hash_key key;
	uint64_t counter;
};

uint64_t rng_u64(struct rng *r);

/* Uniform in [0, @bound), for @bound >= 1; the bias is below 2^-32. */
uint32_t rng_below(struct rng *r, uint32_t bound);

#endif
