/* SPDX-License-Identifier: BSD-2-Clause */
/* dgram_ctl.c - ancillary data of received datagrams: what recvmsg(2) tells in control messages beyond the fields of struct dgram_info.
 * Layouts, names and order are Linux's (RFC 3542 sections 4 to 6 and, for the old forms, RFC 2292; ip(7)). Extension headers come as they
 * were in the packet: the hop-by-hop options first, the others in their order (RFC 3542 section 4.2, 4.3; "IPV6_RECVRTHDRDSTOPTS" does
 * not exist on Linux, IPV6_RECVDSTOPTS gives those before a routing header too). */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "core.h"
#include "dgram.h"
#include "ip4_options.h"
#include "ip6.h"
#include "ip6_ext.h"
#include "sockopt.h"
#include "wire.h"

bool dgram_wants_ip_hdr(const struct sock *s)
{
	const struct sock_opts *o = &s->opt;

	return o->recv_hopopts || o->recv_rthdr || o->recv_dstopts || o->recv_hopopts2292 || o->recv_rthdr2292 ||
	       o->recv_dstopts2292 || o->recv_flowinfo || o->recv_opts || o->recv_retopts;
}

bool sock_wants_controls(const struct sock *s)
{
	const struct sock_opts *o = &s->opt;

	return dgram_wants_ip_hdr(s) || o->rxq_ovfl || o->recv_pktinfo2292 || o->recv_hoplimit2292 || o->recv_fragsize ||
	       o->recv_fragsize6;
}

/* To whom the messages go. */
struct out {
	struct sock *s;
	const struct dgram_info *info;
	sock_control_fn *fn;
	void *ctx;
};

static void put(const struct out *o, int level, int type, const void *data, size_t bytes)
{
	const struct dgram_control c = { level, type, data, (uint32_t)bytes };

	o->fn(o->ctx, &c);
}

static void put_int(const struct out *o, int level, int type, int value)
{
	put(o, level, type, &value, sizeof(value));
}

/* ---- IPv6 --------------------------------------------------------------------------------------------------------- */

static void put_flowinfo(const struct out *o)
{
	uint32_t info = htonl(get_be32(o->info->ip_hdr) & 0x0fffffff);

	if (o->s->opt.recv_flowinfo && info)
		put(o, IPPROTO_IPV6, IPV6_FLOWINFO, &info, sizeof(info));
}

/* One extension header, in the form of RFC 3542. */
static void put_header(const struct out *o, uint8_t type, const uint8_t *h, size_t len)
{
	const struct sock_opts *opt = &o->s->opt;

	if (type == IP6_HOP_BY_HOP && opt->recv_hopopts)
		put(o, IPPROTO_IPV6, IPV6_HOPOPTS, h, len);
	else if (type == IP6_ROUTING && opt->recv_rthdr)
		put(o, IPPROTO_IPV6, IPV6_RTHDR, h, len);
	else if (type == IP6_DEST_OPTIONS && opt->recv_dstopts)
		put(o, IPPROTO_IPV6, IPV6_DSTOPTS, h, len);
}

/* In that of RFC 2292. */
static void put_header_2292(const struct out *o, uint8_t type, const uint8_t *h, size_t len)
{
	const struct sock_opts *opt = &o->s->opt;

	if (type == IP6_HOP_BY_HOP && opt->recv_hopopts2292)
		put(o, IPPROTO_IPV6, IPV6_2292HOPOPTS, h, len);
	else if (type == IP6_ROUTING && opt->recv_rthdr2292)
		put(o, IPPROTO_IPV6, IPV6_2292RTHDR, h, len);
	else if (type == IP6_DEST_OPTIONS && opt->recv_dstopts2292)
		put(o, IPPROTO_IPV6, IPV6_2292DSTOPTS, h, len);
}

/* The headers of the chain, which was walked when the packet came in. */
static void each_header(const struct out *o, void (*fn)(const struct out *o, uint8_t type, const uint8_t *h, size_t len))
{
	struct wire_rd r = wire_rd_over(o->info->ip_hdr, o->info->ip_hdr_len);
	uint8_t type = o->info->ip_hdr[6];

	wire_rd_skip(&r, IP6_HDR_LEN);
	while (wire_rd_left(&r) >= 8) {
		size_t len = type == IP6_FRAGMENT ? IP6_FRAG_HDR_LEN : (r.p[1] + 1u) * 8;
		const uint8_t *h = wire_rd_bytes(&r, len);

		if (!h)
			return;
		fn(o, type, h, len);
		type = h[0];
	}
}

/* RFC 2292 sections 5.1 to 5.4. */
static void put_fields_2292(const struct out *o)
{
	struct in6_pktinfo pktinfo = { .ipi6_ifindex = o->info->ifindex };

	memcpy(&pktinfo.ipi6_addr, o->info->dst.addr.b, sizeof(pktinfo.ipi6_addr));
	if (o->s->opt.recv_pktinfo2292)
		put(o, IPPROTO_IPV6, IPV6_2292PKTINFO, &pktinfo, sizeof(pktinfo));
	if (o->s->opt.recv_hoplimit2292)
		put_int(o, IPPROTO_IPV6, IPV6_2292HOPLIMIT, o->info->ttl);
}

static void put_ip6(const struct out *o)
{
	bool has_hdr = o->info->ip_hdr_len >= IP6_HDR_LEN;

	if (has_hdr) {
		put_flowinfo(o);
		each_header(o, put_header);
	}
	put_fields_2292(o);
	if (has_hdr)
		each_header(o, put_header_2292);
	if (o->s->opt.recv_fragsize6 && o->info->frag_bytes)
		put_int(o, IPPROTO_IPV6, IPV6_RECVFRAGSIZE, o->info->frag_bytes);
}

/* ---- IPv4 --------------------------------------------------------------------------------------------------------- */

enum { IP4_HDR_BYTES = 20 };

/* IP_RECVOPTS: the options as they are when the packet has reached us, our entry in a recorded route included; IP_RETOPTS: those to be
 * used for an answer (ip(7)). */
static void put_ip4(const struct out *o)
{
	const struct dgram_info *info = o->info;
	uint32_t len = info->ip_hdr_len > IP4_HDR_BYTES ? info->ip_hdr_len - (uint32_t)IP4_HDR_BYTES : 0;
	uint8_t options[IP4_OPTIONS_LEN_MAX];

	if (o->s->opt.recv_opts && len > 0) {
		ip4_options_arrived(info->ip_hdr + IP4_HDR_BYTES, len, &info->dst.addr, ip4_options_clock(info->time_us), options);
		put(o, IPPROTO_IP, IP_RECVOPTS, options, len);
	}
	if (o->s->opt.recv_retopts && len > 0) {
		len = ip4_options_reply(info->ip_hdr + IP4_HDR_BYTES, len, &info->dst.addr, ip4_options_clock(info->time_us), options);
		put(o, IPPROTO_IP, IP_RETOPTS, options, len);
	}
	if (o->s->opt.recv_fragsize && info->frag_bytes)
		put_int(o, IPPROTO_IP, IP_RECVFRAGSIZE, info->frag_bytes);
}

void sock_each_control(struct sock *s, const struct frame *f, sock_control_fn *fn, void *ctx)
{
	const struct out o = { s, &f->info, fn, ctx };

	if (s->opt.rxq_ovfl && f->info.drops)
		put(&o, SOL_SOCKET, SO_RXQ_OVFL, &f->info.drops, sizeof(f->info.drops));
	if (ip_addr_is4(&f->info.dst.addr))
		put_ip4(&o);
	else
		put_ip6(&o);
}
