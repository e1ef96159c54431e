/* SPDX-License-Identifier: BSD-2-Clause */
/* What receive window to offer (RFC 9293 sections 3.8.6, RFC 7323 section 2), by Linux's rules:
 *   - never shrink it: its right edge only moves up (MUST... SHLD-14);
 *   - receiver-side silly window avoidance (section 3.8.6.2.2): the edge moves by at least a segment, and below a sixteenth of the
 *     buffer the window is closed;
 *   - rcv_ssthresh lets it grow only as fast as data arrives, so that a peer with tiny segments gets no huge window.
 * Half of a buffer is offered as window; the rest is for the overhead of holding the bytes. */
#include "tcp_conn.h"

uint32_t tcp_win_from_space(uint32_t space)
{
	return space / 2;
}

static unsigned log2_of(uint32_t v)
{
	return v ? 31u - (unsigned)__builtin_clz(v) : 0;
}

struct tcp_initial_window tcp_initial_window(struct stack *st, uint32_t rcvbuf, uint32_t window_clamp, uint16_t mss)
{
	struct tcp_initial_window w = { .window_clamp = (uint32_t)TCP_WINDOW_MAX_UNSCALED << TCP_WSCALE_MAX };
	uint32_t space = tcp_win_from_space(rcvbuf), largest;

	if (window_clamp)
		w.window_clamp = window_clamp;
	space = tcp_min(space, w.window_clamp);
	if (mss > 0 && space > mss)
		space -= space % mss;
	w.rcv_wnd = tcp_min(space, TCP_WINDOW_MAX_UNSCALED);
	if (st->tunables.tcp_window_scaling) {
		/* What the buffer may grow to later: the shift cannot be changed then. */
		largest = tcp_max(space, tcp_max(st->tunables.tcp_rmem_max, st->tunables.rmem_max));
		largest = tcp_min(largest, w.window_clamp);
		w.wscale = log2_of(largest) > 15 ? (uint8_t)tcp_min(log2_of(largest) - 15, TCP_WSCALE_MAX) : 0;
	}
	w.window_clamp = tcp_min(w.window_clamp, (uint32_t)TCP_WINDOW_MAX_UNSCALED << w.wscale);
	return w;
}

uint32_t tcp_receive_window(const struct tcp_conn *c)
{
	int32_t left = (int32_t)(seq_add(c->rcv_wup, c->rcv_wnd).v - c->rcv_nxt.v);

	return left > 0 ? (uint32_t)left : 0;
}

static uint32_t queued_bytes(const struct tcp_conn *c)
{
	return c->rcvq.bytes + (c->oo ? c->oo->reasm.bytes : 0);
}

static uint32_t round_up(uint32_t v, unsigned shift)
{
	uint32_t unit = 1u << shift;

	return (v + unit - 1) & ~(unit - 1);
}

/* The window that the buffer allows. */
static uint32_t wanted_window(const struct tcp_conn *c)
{
	uint32_t space = tcp_win_from_space(c->sk.opt.rcvbuf);
	uint32_t full = tcp_min(c->window_clamp, space);
	uint32_t free_space = space > queued_bytes(c) ? space - queued_bytes(c) : 0;
	uint32_t mss = tcp_min(c->rcv_mss, full), window;

	if (free_space < full / 2) {
		free_space &= ~((1u << c->rcv_wscale) - 1);
		if (free_space < space >> 4 || free_space < mss)
			return 0;
	}
	free_space = tcp_min(free_space, c->rcv_ssthresh);
	if (c->rcv_wscale)
		return round_up(free_space, c->rcv_wscale);
	window = c->rcv_wnd;
	if (mss > 0 && (window + mss <= free_space || window > free_space))
		return free_space - free_space % mss;
	if (mss == full && free_space > window + full / 2)
		return free_space;
	return window;
}

uint32_t tcp_select_window(struct tcp_conn *c)
{
	uint32_t window = wanted_window(c);
	uint32_t current = tcp_receive_window(c);

	if (window < current) /* RFC 9293 section 3.8.6.2.1: do not shrink the window */
		window = round_up(current, c->rcv_wscale);
	return tcp_min(window, (uint32_t)TCP_WINDOW_MAX_UNSCALED << c->rcv_wscale);
}

uint16_t tcp_offer_window(struct tcp_conn *c, bool is_syn)
{
	if (is_syn) /* RFC 7323 section 2.2: never scaled on a SYN */
		return (uint16_t)tcp_min(c->rcv_wnd, TCP_WINDOW_MAX_UNSCALED);
	c->rcv_wnd = tcp_select_window(c);
	c->rcv_wup = c->rcv_nxt;
	return (uint16_t)(c->rcv_wnd >> c->rcv_wscale);
}

/* Data arrived: let the offered window rise by what came, up to the buffer. Small segments, which take more memory than they bring
 * bytes, raise it by no more than themselves. */
void tcp_grow_window(struct tcp_conn *c, const struct tcp_in *in)
{
	uint32_t space = tcp_win_from_space(c->sk.opt.rcvbuf);
	uint32_t top = tcp_min(c->window_clamp, space > queued_bytes(c) ? space - queued_bytes(c) : 0);
	uint32_t step = in->len >= c->rcv_mss || in->len >= c->advmss / 2u ? tcp_max(2u * c->advmss, 2 * in->len) : in->len;

	if (c->rcv_ssthresh < top)
		c->rcv_ssthresh = tcp_min(top, c->rcv_ssthresh + step);
}
