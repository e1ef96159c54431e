/* SPDX-License-Identifier: BSD-2-Clause */
/* wire.h - the one reader and the one writer for bytes from and to outside.
 * Promises: the reader never passes its end. It consumes, fails once and stays failed (@bad is sticky, with p == end,
 *           so loops stop by themselves), and yields 0 or NULL once bad, never an uninitialised value.
 * Needs:    memory that stays valid and unchanged while the reader is in use.
 * Never:    casts untrusted bytes to a struct. Parse into a host-order struct, ask wire_rd_ok() once, then use it.
 * Multi-byte fields are big-endian, as on the network. */
#ifndef TAPIR_STACK_WIRE_H
#define TAPIR_STACK_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void put_be32(uint8_t *p, uint32_t v)
{
	put_be16(p, (uint16_t)(v >> 16));
	put_be16(p + 2, (uint16_t)v);
}

struct wire_rd {
	const uint8_t *p, *end;
	bool bad;
};

/* @p may be NULL when @n is 0. */
static inline struct wire_rd wire_rd_over(const void *p, size_t n)
{
	return (struct wire_rd){ p, n > 0 ? (const uint8_t *)p + n : p, false };
}

static inline bool wire_rd_ok(const struct wire_rd *r)
{
	return !r->bad;
}

static inline size_t wire_rd_left(const struct wire_rd *r)
{
	return (size_t)(r->end - r->p);
}

static inline const uint8_t *wire_rd_bytes(struct wire_rd *r, size_t n)
{
	const uint8_t *b = r->p;

	if (r->bad || n > wire_rd_left(r)) {
		r->bad = true;
		r->p = r->end;
		return NULL;
	}
	r->p += n;
	return b;
}

static inline uint8_t wire_rd_u8(struct wire_rd *r)
{
	const uint8_t *b = wire_rd_bytes(r, 1);

	return b ? b[0] : 0;
}

static inline uint16_t wire_rd_u16(struct wire_rd *r)
{
	const uint8_t *b = wire_rd_bytes(r, 2);

	return b ? get_be16(b) : 0;
}

static inline uint32_t wire_rd_u32(struct wire_rd *r)
{
	const uint8_t *b = wire_rd_bytes(r, 4);

	return b ? get_be32(b) : 0;
}

/* Copy @n bytes out; zeroes them once bad. */
static inline void wire_rd_copy(struct wire_rd *r, void *to, size_t n)
{
	const uint8_t *b = wire_rd_bytes(r, n);

	if (b)
		memcpy(to, b, n);
	else
		memset(to, 0, n);
}

static inline void wire_rd_skip(struct wire_rd *r, size_t n)
{
	(void)wire_rd_bytes(r, n);
}

/* A reader over the next @n bytes, which are consumed here. Bad (and empty) when there are fewer. */
static inline struct wire_rd wire_rd_sub(struct wire_rd *r, size_t n)
{
	const uint8_t *b = wire_rd_bytes(r, n);

	return (struct wire_rd){ b ? b : r->end, b ? b + n : r->end, b == NULL };
}

/* The writer mirrors the reader: full means bad, and bad is sticky. */
struct wire_wr {
	uint8_t *start, *p, *end;
	bool bad;
};

static inline struct wire_wr wire_wr_over(void *p, size_t n)
{
	return (struct wire_wr){ p, p, (uint8_t *)p + n, false };
}

static inline bool wire_wr_ok(const struct wire_wr *w)
{
	return !w->bad;
}

static inline size_t wire_wr_len(const struct wire_wr *w)
{
	return (size_t)(w->p - w->start);
}

static inline uint8_t *wire_wr_space(struct wire_wr *w, size_t n)
{
	uint8_t *b = w->p;

	if (w->bad || n > (size_t)(w->end - w->p)) {
		w->bad = true;
		w->p = w->end;
		return NULL;
	}
	w->p += n;
	return b;
}

static inline void wire_wr_u8(struct wire_wr *w, uint8_t v)
{
	uint8_t *b = wire_wr_space(w, 1);

	if (b)
		b[0] = v;
}

static inline void wire_wr_u16(struct wire_wr *w, uint16_t v)
{
	uint8_t *b = wire_wr_space(w, 2);

	if (b)
		put_be16(b, v);
}

static inline void wire_wr_u32(struct wire_wr *w, uint32_t v)
{
	uint8_t *b = wire_wr_space(w, 4);

	if (b)
		put_be32(b, v);
}

static inline void wire_wr_bytes(struct wire_wr *w, const void *from, size_t n)
{
	uint8_t *b = wire_wr_space(w, n);

	if (b)
		memcpy(b, from, n);
}

#endif
