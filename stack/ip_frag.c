/* SPDX-License-Identifier: BSD-2-Clause */
#include "ip_frag.h"

#include <errno.h>

#include "core.h"
#include "ip4.h"
#include "ip4_options.h"
#include "ip6.h"
#include "wire.h"

/* What is the same for all fragments of one packet. */
struct fragmenter {
	struct stack *st;
	struct frame *whole;
	struct ip_tx first, rest; /* they differ in IPv4 options */
	const struct ip_dst *d;
	bool is4;
	uint32_t id;
	uint16_t addr_sum;
	uint8_t rest_options[IP4_OPTIONS_LEN_MAX];
};

static uint32_t fragment_hdr_len(const struct fragmenter *g, const struct ip_tx *tx)
{
	return g->is4 ? ip4_hdr_len(tx) : ip6_hdr_len(tx) + IP6_FRAG_HDR_LEN;
}

static void write_fragment_hdr(const struct fragmenter *g, uint8_t *h, const struct ip_tx *tx, uint32_t total_len,
			       uint32_t offset, bool more)
{
	uint8_t *fh;

	if (g->is4) {
		ip4_write_hdr(h, tx, total_len, (uint16_t)g->id, (uint16_t)(offset / 8 | (more ? IP4_MF : 0)), g->addr_sum);
		return;
	}
	ip6_write_hdr(h, tx, total_len, true);
	fh = h + ip6_hdr_len(tx);
	fh[0] = tx->proto;
	fh[1] = 0;
	put_be16(fh + 2, (uint16_t)(offset | more));
	put_be32(fh + 4, g->id);
}

/* A header in a small frame, and a slice of the packet behind it. */
static int send_fragment(const struct fragmenter *g, uint32_t offset, uint32_t len, bool more)
{
	const struct ip_tx *tx = offset == 0 ? &g->first : &g->rest;
	uint32_t hdr_len = fragment_hdr_len(g, tx);
	struct frame *f = frame_alloc(&g->st->frames, hdr_len + (g->d->is_local ? len : 0));

	if (!f) {
		stat_count(g->st, STAT_IP_DROP_NO_MEMORY);
		return -ENOBUFS;
	}
	f->sock_id = g->whole->sock_id;
	write_fragment_hdr(g, frame_put(f, hdr_len), tx, hdr_len + len, offset, more);
	if (g->d->is_local) { /* the way up wants one piece */
		memcpy(frame_put(f, len), g->whole->data + offset, len);
	} else {
		f->tail = frame_ref(g->whole);
		f->tail_off = (uint32_t)(g->whole->data - g->whole->buf) + offset;
		f->tail_len = len;
	}
	stat_count(g->st, g->is4 ? STAT_IP4_OUT_FRAGMENTS : STAT_IP6_OUT_FRAGMENTS);
	return ip_send_packet(g->st, f, g->d);
}

static void fragmenter_init(struct fragmenter *g, struct stack *st, struct frame *f, const struct ip_tx *tx,
			    const struct ip_dst *d)
{
	*g = (struct fragmenter){ .st = st, .whole = f, .first = *tx, .rest = *tx, .d = d, .is4 = ip_addr_is4(&tx->dst) };
	if (g->is4) {
		g->id = ip4_next_id(st, tx);
		g->addr_sum = ip4_addr_sum(tx);
		g->rest.options_len = (uint8_t)ip4_options_copied(tx->options, tx->options_len, g->rest_options);
		g->rest.options = g->rest_options;
	} else {
		g->id = (uint32_t)rng_u64(&st->rng); /* unpredictable (RFC 7739 section 5.3) */
	}
}

int ip_output_fragments(struct stack *st, struct frame *f, const struct ip_tx *tx, const struct ip_dst *d)
{
	struct fragmenter g;
	uint32_t offset = 0;
	int err = 0;

	fragmenter_init(&g, st, f, tx, d);
	stat_count(st, g.is4 ? STAT_IP4_FRAGMENTED : STAT_IP6_FRAGMENTED);
	while (offset < f->len && err == 0) {
		uint32_t hdr_len = fragment_hdr_len(&g, offset == 0 ? &g.first : &g.rest);
		uint32_t room = (d->mtu - hdr_len) & ~7u, left = f->len - offset;
		uint32_t len = left <= d->mtu - hdr_len ? left : room;

		err = send_fragment(&g, offset, len, len < left);
		offset += len;
	}
	frame_unref(f);
	return err;
}
