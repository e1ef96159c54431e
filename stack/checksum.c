/* SPDX-License-Identifier: BSD-2-Clause */
#include "checksum.h"

#include <string.h>

#include "wire.h"

static uint16_t fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint16_t checksum_add_portable(uint16_t sum, const void *data, size_t n)
{
	const uint8_t *p = data;
	uint64_t acc = sum;

	for (; n >= 2; n -= 2, p += 2)
		acc += get_be16(p);
	if (n > 0)
		acc += (uint64_t)p[0] << 8;
	return fold(acc);
}

/* The sum is independent of byte order (RFC 1071 section 2 (B)): add in the machine's own order, swap once at the end. */
static uint16_t swap_if_little(uint16_t v)
{
	uint8_t b[2];

	memcpy(b, &v, 2);
	return get_be16(b);
}

static uint64_t add_words(const uint8_t *p, size_t n)
{
	uint64_t acc = 0;

	for (; n >= 4; n -= 4, p += 4) {
		uint32_t w;

		memcpy(&w, p, 4);
		acc += w;
	}
	if (n >= 2) {
		uint16_t w;

		memcpy(&w, p, 2);
		acc += w;
		p += 2;
		n -= 2;
	}
	if (n > 0) {
		uint16_t w = 0;

		memcpy(&w, p, 1);
		acc += w;
	}
	return acc;
}

#if defined(__x86_64__)
#include <immintrin.h>

/* 64 bytes a turn: each 32-bit word is widened to 64 bits before it is added, so no carry is lost in 2^32 turns. */
__attribute__((target("avx2"))) static uint64_t add_avx2(const uint8_t *p, size_t n)
{
	const __m256i low32 = _mm256_set1_epi64x(0xffffffff);
	__m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
	uint64_t lanes[4];

	for (; n >= 64; n -= 64, p += 64) {
		__m256i x = _mm256_loadu_si256((const __m256i *)(const void *)p);
		__m256i y = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32));

		a = _mm256_add_epi64(a, _mm256_and_si256(x, low32));
		b = _mm256_add_epi64(b, _mm256_srli_epi64(x, 32));
		c = _mm256_add_epi64(c, _mm256_and_si256(y, low32));
		d = _mm256_add_epi64(d, _mm256_srli_epi64(y, 32));
	}
	a = _mm256_add_epi64(_mm256_add_epi64(a, b), _mm256_add_epi64(c, d));
	_mm256_storeu_si256((__m256i *)(void *)lanes, a);
	return lanes[0] + lanes[1] + lanes[2] + lanes[3] + add_words(p, n);
}

static uint64_t add_fast(const uint8_t *p, size_t n)
{
	if (n >= 128 && __builtin_cpu_supports("avx2"))
		return add_avx2(p, n);
	return add_words(p, n);
}
#else
static uint64_t add_fast(const uint8_t *p, size_t n)
{
	return add_words(p, n);
}
#endif

uint16_t checksum_add(uint16_t sum, const void *data, size_t n)
{
	return checksum_combine(sum, swap_if_little(fold(add_fast(data, n))));
}

uint16_t checksum_add_iov(uint16_t sum, const struct iovec *iov, int iovcnt)
{
	bool odd = false;

	for (int i = 0; i < iovcnt; i++) {
		uint16_t part = checksum_add(0, iov[i].iov_base, iov[i].iov_len);

		/* A piece that begins at an odd position counts with its bytes swapped (RFC 1071 section 2 (B)). */
		sum = checksum_combine(sum, odd ? (uint16_t)(part << 8 | part >> 8) : part);
		odd ^= iov[i].iov_len & 1;
	}
	return sum;
}

uint16_t checksum_pseudo(const struct ip_addr *src, const struct ip_addr *dst, uint8_t proto, uint32_t len)
{
	size_t skip = ip_addr_is4(dst) ? 12 : 0;
	uint16_t sum = checksum_add(0, src->b + skip, 16 - skip);

	sum = checksum_add(sum, dst->b + skip, 16 - skip);
	sum = checksum_combine(sum, proto);
	sum = checksum_combine(sum, (uint16_t)(len >> 16));
	return checksum_combine(sum, (uint16_t)len);
}
