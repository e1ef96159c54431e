/* SPDX-License-Identifier: BSD-2-Clause */
#include "tcp_wire.h"

#include <errno.h>

#include "wire.h"

enum { OPT_END = 0, OPT_NOP = 1, OPT_MSS = 2, OPT_WSCALE = 3, OPT_SACK_PERMITTED = 4, OPT_SACK = 5, OPT_TS = 8 };

static void parse_sack(struct tcp_options *o, struct wire_rd *r, size_t n)
{
	o->sack_count = 0;
	if (n % 8 != 0)
		return;
	while (wire_rd_left(r) >= 8 && o->sack_count < TCP_SACK_BLOCKS_MAX) {
		struct tcp_sack_block *b = &o->sacks[o->sack_count++];

		b->left.v = wire_rd_u32(r);
		b->right.v = wire_rd_u32(r);
	}
}

/* An option of a kind that we know but with a wrong length is ignored, as Linux does: the list stays in step by its length. */
static void parse_option(struct tcp_hdr *h, uint8_t kind, struct wire_rd *r)
{
	struct tcp_options *o = &h->opt;
	size_t n = wire_rd_left(r);
	bool is_syn = h->flags & TCP_SYN;

	if (kind == OPT_MSS && n == 2 && is_syn) {
		o->mss = wire_rd_u16(r);
		o->has_mss = o->mss != 0;
	} else if (kind == OPT_WSCALE && n == 1 && is_syn) {
		uint8_t shift = wire_rd_u8(r);

		o->has_wscale = true;
		o->wscale = shift > TCP_WSCALE_MAX ? TCP_WSCALE_MAX : shift; /* RFC 7323 section 2.3 */
	} else if (kind == OPT_SACK_PERMITTED && n == 0 && is_syn) {
		o->sack_permitted = true;
	} else if (kind == OPT_TS && n == 8) {
		o->has_ts = true;
		o->tsval = wire_rd_u32(r);
		o->tsecr = wire_rd_u32(r);
	} else if (kind == OPT_SACK && !is_syn) {
		parse_sack(o, r, n);
	}
}

static void parse_options(struct tcp_hdr *h, struct wire_rd r)
{
	while (wire_rd_left(&r) > 0) {
		uint8_t kind = wire_rd_u8(&r), len;
		struct wire_rd body;

		if (kind == OPT_END)
			return;
		if (kind == OPT_NOP)
			continue;
		len = wire_rd_u8(&r);
		if (len < 2)
			return;
		body = wire_rd_sub(&r, len - 2u);
		if (!wire_rd_ok(&body))
			return;
		parse_option(h, kind, &body);
	}
}

int tcp_hdr_parse(struct tcp_hdr *h, const uint8_t *p, size_t n)
{
	struct wire_rd r = wire_rd_over(p, n), options;

	*h = (struct tcp_hdr){ 0 };
	h->src_port = wire_rd_u16(&r);
	h->dst_port = wire_rd_u16(&r);
	h->seq.v = wire_rd_u32(&r);
	h->ack.v = wire_rd_u32(&r);
	h->hdr_len = (uint8_t)((wire_rd_u8(&r) >> 4) * 4);
	h->flags = wire_rd_u8(&r);
	h->wnd = wire_rd_u16(&r);
	wire_rd_bytes(&r, 2);
	h->urg = wire_rd_u16(&r);
	if (!wire_rd_ok(&r) || h->hdr_len < TCP_HDR_MIN)
		return -EBADMSG;
	options = wire_rd_sub(&r, h->hdr_len - (size_t)TCP_HDR_MIN);
	if (!wire_rd_ok(&options))
		return -EBADMSG;
	parse_options(h, options);
	return 0;
}

/* How many SACK blocks fit behind @used bytes of other options. */
static unsigned sacks_that_fit(const struct tcp_options *o, size_t used)
{
	size_t room = TCP_HDR_MAX - TCP_HDR_MIN - used;
	size_t fit = room < 12 ? 0 : (room - 4) / 8;

	return o->sack_count < fit ? o->sack_count : (unsigned)fit;
}

size_t tcp_options_len(const struct tcp_options *o)
{
	size_t n = 0;
	unsigned sacks;

	if (o->has_mss)
		n += 4;
	if (o->has_ts)
		n += TCP_OPT_TS_BYTES;
	else if (o->sack_permitted)
		n += 4;
	if (o->has_wscale)
		n += 4;
	sacks = sacks_that_fit(o, n);
	if (sacks > 0)
		n += 4 + 8 * sacks;
	return n;
}

static void build_options(struct wire_wr *w, const struct tcp_options *o)
{
	unsigned sacks = sacks_that_fit(o, (o->has_mss ? 4 : 0) + (o->has_ts ? TCP_OPT_TS_BYTES : 0) + (o->has_wscale ? 4 : 0));

	if (o->has_mss) {
		wire_wr_u16(w, OPT_MSS << 8 | 4);
		wire_wr_u16(w, o->mss);
	}
	if (o->sack_permitted) {
		if (!o->has_ts)
			wire_wr_u16(w, OPT_NOP << 8 | OPT_NOP);
		wire_wr_u16(w, OPT_SACK_PERMITTED << 8 | 2);
	}
	if (o->has_ts) {
		if (!o->sack_permitted)
			wire_wr_u16(w, OPT_NOP << 8 | OPT_NOP);
		wire_wr_u16(w, OPT_TS << 8 | 10);
		wire_wr_u32(w, o->tsval);
		wire_wr_u32(w, o->tsecr);
	}
	if (o->has_wscale) {
		wire_wr_u16(w, OPT_NOP << 8 | OPT_WSCALE);
		wire_wr_u16(w, (uint16_t)(3 << 8 | o->wscale));
	}
	if (sacks > 0) {
		wire_wr_u16(w, OPT_NOP << 8 | OPT_NOP);
		wire_wr_u16(w, (uint16_t)(OPT_SACK << 8 | (2 + 8 * sacks)));
		for (unsigned i = 0; i < sacks; i++) {
			wire_wr_u32(w, o->sacks[i].left.v);
			wire_wr_u32(w, o->sacks[i].right.v);
		}
	}
}

size_t tcp_hdr_build(uint8_t *p, const struct tcp_hdr *h)
{
	size_t len = TCP_HDR_MIN + tcp_options_len(&h->opt);
	struct wire_wr w = wire_wr_over(p, len);

	wire_wr_u16(&w, h->src_port);
	wire_wr_u16(&w, h->dst_port);
	wire_wr_u32(&w, h->seq.v);
	wire_wr_u32(&w, h->ack.v);
	wire_wr_u8(&w, (uint8_t)(len / 4 << 4));
	wire_wr_u8(&w, h->flags);
	wire_wr_u16(&w, h->wnd);
	wire_wr_u16(&w, 0);
	wire_wr_u16(&w, h->urg);
	build_options(&w, &h->opt);
	return len;
}
