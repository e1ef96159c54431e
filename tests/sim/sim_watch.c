/* SPDX-License-Identifier: BSD-2-Clause */
#include "sim_watch.h"

#include <stdlib.h>
#include <string.h>

#include "sim_wire.h"

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16, FLOWS = 4096, OPT_END = 0, OPT_NOP = 1, OPT_WSCALE = 3 };

/* What one end has said. */
struct end {
	bool has_syn, has_edge;
	uint32_t sent_end; /* the highest sequence number sent, plus 1 */
	uint32_t edge;	   /* the right edge of the window offered: the highest yet */
	int wscale;	   /* -1: its SYN had no such option */
};

struct flow {
	bool used;
	struct ip_addr addr[2];
	uint16_t port[2];
	struct end end[2];
};

struct sim_watch {
	struct sim *s;
	struct flow flow[FLOWS];
};

struct sim_watch *sim_watch_new(struct sim *s)
{
	struct sim_watch *w = calloc(1, sizeof(*w));

	if (!w)
		bed_fatal("out of memory");
	w->s = s;
	return w;
}

void sim_watch_free(struct sim_watch *w)
{
	free(w);
}

static bool is_flow(const struct flow *f, const struct packet *p, int *side)
{
	for (*side = 0; *side < 2; ++*side)
		if (ip_addr_eq(&f->addr[*side], &p->src) && f->port[*side] == p->sport &&
		    ip_addr_eq(&f->addr[!*side], &p->dst) && f->port[!*side] == p->dport)
			return true;
	return false;
}

/* The flow of a packet, and which of its ends sent it. A table that is full forgets by being overwritten. */
static struct flow *find(struct sim_watch *w, const struct packet *p, int *side)
{
	unsigned hash = (unsigned)(p->sport ^ p->dport) * 40503u % FLOWS;
	struct flow *f = NULL;

	for (unsigned i = 0; i < 64; i++) {
		f = &w->flow[(hash + i) % FLOWS];
		if (!f->used || is_flow(f, p, side))
			break;
	}
	if (!f->used || !is_flow(f, p, side)) {
		*f = (struct flow){ .used = true, .addr = { p->src, p->dst }, .port = { p->sport, p->dport } };
		*side = 0;
	}
	return f;
}

static int wscale_option(const uint8_t *tcp, size_t hdr)
{
	for (size_t at = 20; at < hdr && tcp[at] != OPT_END;) {
		if (tcp[at] == OPT_NOP) {
			at++;
			continue;
		}
		if (at + 1 >= hdr || tcp[at + 1] < 2)
			break;
		if (tcp[at] == OPT_WSCALE && at + 2 < hdr)
			return tcp[at + 2] > 14 ? 14 : tcp[at + 2];
		at += tcp[at + 1];
	}
	return -1;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

static void check_sent(struct sim_watch *w, struct sim_host *from, struct end *me, const struct end *peer, uint32_t seq,
		       uint32_t seg_len, uint8_t flags)
{
	uint32_t end = seq + seg_len + !!(flags & SYN) + !!(flags & FIN);

	/* A FIN alone may lie beyond the window: it takes no room. */
	if (!(flags & SYN) && peer->has_edge && seg_len > 1 && after(seq + seg_len, peer->edge))
		sim_wrong(w->s, "host %u sent %u bytes beyond the window offered", from->index, seq + seg_len - peer->edge);
	if ((flags & SYN) && me->has_syn && me->sent_end != end && after(end, me->sent_end))
		me->has_edge = false; /* a new connection with the same ports */
	if (!me->has_syn || after(end, me->sent_end))
		me->sent_end = end;
}

static void check_offered(struct sim_watch *w, struct sim_host *from, struct end *me, const struct end *peer, uint32_t ack,
			  uint32_t window, unsigned scale)
{
	uint32_t edge = ack + (window << scale);

	if (peer->has_syn && after(ack, peer->sent_end))
		sim_wrong(w->s, "host %u acknowledged %u bytes that were never sent", from->index, ack - peer->sent_end);
	if (me->has_edge && after(me->edge, edge + (1u << scale) - 1) && !after(me->edge - edge, UINT32_MAX / 4))
		sim_wrong(w->s, "host %u took back %u bytes of window", from->index, me->edge - edge);
	if (!me->has_edge || after(edge, me->edge))
		me->edge = edge;
	me->has_edge = true;
}

void sim_watch_packet(struct sim_watch *w, struct sim_host *from, const struct packet *p)
{
	struct end *me, *peer;
	struct flow *f;
	uint8_t flags;
	int side;

	if (p->proto != 6 || p->frag_offset > 0 || p->more_fragments)
		return;
	flags = p->l4[13];
	f = find(w, p, &side);
	me = &f->end[side];
	peer = &f->end[!side];
	if (flags & RST) {
		f->used = false; /* its numbers are the peer's; the connection is over */
		return;
	}
	if (flags & SYN) {
		uint32_t iss_end = get32(p->l4 + 4) + 1;

		if (!(flags & ACK) && me->has_syn && me->sent_end != iss_end)
			*f = (struct flow){ .used = true, .addr = { f->addr[0], f->addr[1] }, .port = { f->port[0], f->port[1] } };
		me->wscale = wscale_option(p->l4, (size_t)(p->l4[12] >> 4) * 4);
	} else if (!me->has_syn || !peer->has_syn) {
		return; /* began before we looked */
	}
	check_sent(w, from, me, peer, get32(p->l4 + 4), (uint32_t)p->payload_len, flags);
	if (flags & SYN)
		me->has_syn = true;
	if (flags & ACK) {
		unsigned scale = !(flags & SYN) && me->wscale >= 0 && peer->wscale >= 0 ? (unsigned)me->wscale : 0;

		check_offered(w, from, me, peer, get32(p->l4 + 8), (uint32_t)(p->l4[14] << 8 | p->l4[15]), scale);
	}
}
