/* SPDX-License-Identifier: BSD-2-Clause */
/* SipHash-2-4 after Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), section 2. */
#include "hash.h"

#include <string.h>

struct sip_state {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotl(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static inline void sip_round(struct sip_state *s)
{
	s->v0 += s->v1;
	s->v1 = rotl(s->v1, 13) ^ s->v0;
	s->v0 = rotl(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotl(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotl(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotl(s->v1, 17) ^ s->v2;
	s->v2 = rotl(s->v2, 32);
}

static inline uint64_t load_le64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

/* The last @n bytes, fewer than eight. */
static uint64_t load_le64_tail(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static inline void absorb(struct sip_state *s, uint64_t m)
{
	s->v3 ^= m;
	sip_round(s);
	sip_round(s);
	s->v0 ^= m;
}

uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t len)
{
	struct sip_state s = {
		.v0 = key->k[0] ^ 0x736f6d6570736575ULL,
		.v1 = key->k[1] ^ 0x646f72616e646f6dULL,
		.v2 = key->k[0] ^ 0x6c7967656e657261ULL,
		.v3 = key->k[1] ^ 0x7465646279746573ULL,
	};
	const uint8_t *p = data;
	size_t left = len;

	for (; left >= 8; left -= 8, p += 8)
		absorb(&s, load_le64(p));
	absorb(&s, load_le64_tail(p, left) | (uint64_t)(len & 0xff) << 56);
	s.v2 ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

struct hash_key hash_key_derive(const uint8_t seed[32], const char *purpose)
{
	struct hash_key low, high;
	size_t len = strlen(purpose);

	memcpy(&low, seed, sizeof(low));
	memcpy(&high, seed + 16, sizeof(high));
	return (struct hash_key){ { hash_bytes(&low, purpose, len), hash_bytes(&high, purpose, len) } };
}

uint64_t rng_u64(struct rng *r)
{
	uint64_t n = r->counter++;

	return hash_bytes(&r->key, &n, sizeof(n));
}

uint32_t rng_below(struct rng *r, uint32_t bound)
{
	return (uint32_t)(((rng_u64(r) >> 32) * bound) >> 32);
}
