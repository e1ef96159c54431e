/* SPDX-License-Identifier: BSD-2-Clause */
/* How large segments are: the MSS option (RFC 9293 section 3.7.1, RFC 6691), the path MTU (RFC 1191, 8201) and what options take. */
#include "tcp_conn.h"

static uint32_t ip_hdr_len(const struct ip_addr *remote)
{
	return ip_addr_is4(remote) ? 20 : 40;
}

uint16_t tcp_default_mss(const struct ip_addr *remote)
{
	return ip_addr_is4(remote) ? TCP_MSS_DEFAULT_4 : TCP_MSS_DEFAULT_6;
}

/* Segment bytes without options that a packet of @mtu carries. */
static uint32_t mss_of_mtu(uint32_t mtu, const struct ip_addr *remote)
{
	uint32_t headers = ip_hdr_len(remote) + TCP_HDR_MIN;
	uint32_t mss = mtu > headers + TCP_MIN_MSS ? mtu - headers : TCP_MIN_MSS;

	return tcp_min(mss, UINT16_MAX);
}

/* The option counts neither IP nor TCP options (RFC 6691 section 2). It tells what we can receive, so the link's MTU should rule;
 * the path MTU is as good, since what comes back mostly takes the same path. */
uint16_t tcp_advmss(const struct stack *st, const struct ip_dst *d, const struct ip_addr *remote, uint16_t user_mss)
{
	uint32_t mss = mss_of_mtu(d->mtu, remote);

	(void)st;
	if (user_mss > 0)
		mss = tcp_min(mss, user_mss);
	return (uint16_t)mss;
}

void tcp_sync_mss(struct tcp_conn *c)
{
	/* What this socket's options add to each packet's header takes room from each segment (RFC 6691 section 2, RFC 9293 MUST-67). */
	uint32_t mtu = c->sk.dst.mtu, options = sock_tx_options_bytes(&c->sk, &c->sk.remote.addr);
	uint32_t mss = tcp_min(mss_of_mtu(mtu > options ? mtu - options : 0, &c->sk.remote.addr), c->mss_clamp);
	uint16_t old = c->mss;

	if (c->user_mss > 0)
		mss = tcp_min(mss, c->user_mss);
	if (mss < TCP_MIN_MSS)
		mss = TCP_MIN_MSS;
	if (c->ts_ok)
		mss -= TCP_OPT_TS_BYTES;
	/* The peer's largest window may be smaller than a segment: then half of it (sender-side silly window avoidance, RFC 9293
	 * section 3.8.6.2.1), so that two fit. */
	if (c->max_snd_wnd > 0 && !tcp_state_in(c, TCP_STATE_BIT(TCP_SYN_SENT) | TCP_STATE_BIT(TCP_CLOSED))) {
		uint32_t cutoff = c->max_snd_wnd > 536 ? c->max_snd_wnd >> 1 : c->max_snd_wnd;

		if (mss > cutoff)
			mss = tcp_max(cutoff, 68 - TCP_HDR_MIN - TCP_OPT_TS_BYTES);
	}
	c->mss = (uint16_t)mss;
	if (old > 0 && c->mss < old && c->tx->rtxq.head)
		tcp_recovery_on_smaller_mss(c, old);
}

bool tcp_route_renew(struct tcp_conn *c)
{
	uint32_t mtu = c->sk.dst.ifindex ? c->sk.dst.mtu : 0;

	if (c->sk.dst.ifindex && !ip_dst_is_stale(c->sk.st, &c->sk.dst))
		return true;
	if (sock_route(&c->sk, &c->sk.remote) < 0)
		return false;
	if (c->sk.dst.mtu != mtu)
		tcp_sync_mss(c);
	return true;
}
