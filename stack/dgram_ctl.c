/* SPDX-License-Identifier: BSD-2-Clause */
/* dgram_ctl.c - ancillary data of datagrams beyond the fields of struct dgram_info: what recvmsg(2) tells in control messages, and what
 * those of sendmsg(2) put into a network header.
 * Layouts, names and order are Linux's (RFC 3542 sections 4 to 6 and, for the old forms, RFC 2292; ip(7)). Extension headers come as they
 * were in the packet: the hop-by-hop options first, the others in their order (RFC 3542 section 4.2, 4.3; "IPV6_RECVRTHDRDSTOPTS" does
 * not exist on Linux, IPV6_RECVDSTOPTS gives those before a routing header too). */
#include <errno.h>
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

/* ---- Received ----------------------------------------------------------------------------------------------------- */

bool dgram_wants_ip_hdr(const struct sock *s)
{
	const struct sock_opts *o = &s->opt;

	return o->recv_hopopts || o->recv_rthdr || o->recv_dstopts || o->recv_hopopts2292 || o->recv_rthdr2292 ||
	       o->recv_dstopts2292 || o->recv_flowinfo || o->recv_opts || o->recv_retopts;
}

/* What has a field in struct dgram_info has none in the form of the other family: IPv4's datagrams on an IPv6 socket. */
static bool wants_ip4_fields(const struct sock *s)
{
	return s->family == AF_INET6 && (s->opt.recv_pktinfo || s->opt.recv_ttl || s->opt.recv_tos || s->opt.recv_origdst);
}

bool sock_wants_controls(const struct sock *s)
{
	const struct sock_opts *o = &s->opt;

	if (wants_ip4_fields(s))
		return true;
	return dgram_wants_ip_hdr(s) || o->rxq_ovfl || o->recv_pktinfo2292 || o->recv_hoplimit2292 || o->recv_fragsize ||
	       o->recv_fragsize6 || o->recv_pathmtu || o->recv_pktinfo;
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

/* As Linux's ip_cmsg_recv_offset() tells them, but for IP_PKTINFO, which put_ip4() tells. */
static void put_ip4_fields(const struct out *o)
{
	const struct dgram_info *info = o->info;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(info->dst.port) };
	uint8_t tos = (uint8_t)info->tos;

	memcpy(&to.sin_addr, ip_addr_v4(&info->dst.addr), sizeof(to.sin_addr));
	if (o->s->opt.recv_ttl)
		put_int(o, IPPROTO_IP, IP_TTL, info->ttl);
	if (o->s->opt.recv_tos)
		put(o, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	if (o->s->opt.recv_origdst)
		put(o, IPPROTO_IP, IP_ORIGDSTADDR, &to, sizeof(to));
}

/* Of what came to a group or a broadcast address, which is no address to answer from: ipi_spec_dst is ours (ip(7)). Else the client of an
 * IPv4 socket knows all of it by itself. */
static void put_pktinfo(const struct out *o)
{
	bool is_local = ip_is_local(o->s->st, &o->info->dst.addr);
	struct in_pktinfo pktinfo = { .ipi_ifindex = (int)o->info->ifindex };
	const struct ip_addr any = ip_addr_any(AF_INET);
	struct ip_dst back;

	if (!o->s->opt.recv_pktinfo || (is_local && o->s->family == AF_INET))
		return;
	memcpy(&pktinfo.ipi_addr, ip_addr_v4(&o->info->dst.addr), sizeof(pktinfo.ipi_addr));
	if (is_local)
		pktinfo.ipi_spec_dst = pktinfo.ipi_addr;
	else if (ip_route(o->s->st, &o->info->src.addr, &any, 0, &back) == 0)
		memcpy(&pktinfo.ipi_spec_dst, ip_addr_v4(&back.src), sizeof(pktinfo.ipi_spec_dst));
	put(o, IPPROTO_IP, IP_PKTINFO, &pktinfo, sizeof(pktinfo));
}

/* IP_RECVOPTS: the options as they are when the packet has reached us, our entry in a recorded route included; IP_RETOPTS: those to be
 * used for an answer (ip(7)). */
static void put_ip4(const struct out *o)
{
	const struct dgram_info *info = o->info;
	uint32_t len = info->ip_hdr_len > IP4_HDR_BYTES ? info->ip_hdr_len - (uint32_t)IP4_HDR_BYTES : 0;
	uint8_t options[IP4_OPTIONS_LEN_MAX];

	put_pktinfo(o);
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

/* RFC 3542 section 11.3: struct ip6_mtuinfo. */
static void put_path_mtu(const struct out *o)
{
	struct ip6_mtuinfo m = { .ip6m_addr = { .sin6_family = AF_INET6, .sin6_scope_id = o->info->ifindex }, .ip6m_mtu = o->info->path_mtu };

	memcpy(&m.ip6m_addr.sin6_addr, o->info->dst.addr.b, sizeof(m.ip6m_addr.sin6_addr));
	put(o, IPPROTO_IPV6, IPV6_PATHMTU, &m, sizeof(m));
}

void sock_each_control(struct sock *s, const struct frame *f, sock_control_fn *fn, void *ctx)
{
	const struct out o = { s, &f->info, fn, ctx };

	if (f->info.path_mtu) {
		put_path_mtu(&o);
		return;
	}
	if (s->opt.rxq_ovfl && f->info.drops)
		put(&o, SOL_SOCKET, SO_RXQ_OVFL, &f->info.drops, sizeof(f->info.drops));
	if (!ip_addr_is4(&f->info.dst.addr)) {
		put_ip6(&o);
		return;
	}
	if (wants_ip4_fields(s))
		put_ip4_fields(&o);
	put_ip4(&o);
}

/* ---- To send ------------------------------------------------------------------------------------------------------ */

/* What the control messages of one datagram ask for. */
struct asked {
	struct ip6_txopts ext;
	struct ip4_txopt ip4;
	bool has_ext, has_ip4, has_flow_info;
	uint32_t flow_info; /* sin6_flowinfo's, or IPV6_FLOWINFO's */
	int dont_frag;	    /* -1: not given */
};

static int take_ip6_control(const struct sock *s, const struct dgram_control *c, struct asked *a)
{
	int err = ip6_txopts_add(&a->ext, c);
	uint32_t info = 0;

	if (err != -ENOENT) {
		a->has_ext = true;
		return err;
	}
	if (c->bytes >= sizeof(info))
		memcpy(&info, c->data, sizeof(info));
	switch (c->type) {
	case IPV6_FLOWINFO_SEND: /* no control message of Linux's: the address's sin6_flowinfo */
		if (s->opt.flowinfo_send) {
			a->has_flow_info = true;
			a->flow_info = ntohl(info);
		}
		return 0;
	case IPV6_FLOWINFO:
		a->has_flow_info = true;
		a->flow_info = ntohl(info);
		return c->bytes < sizeof(info) ? -EINVAL : 0;
	case IPV6_DONTFRAG:
		memcpy(&a->dont_frag, &info, sizeof(a->dont_frag));
		return c->bytes != sizeof(int) || a->dont_frag < 0 || a->dont_frag > 1 ? -EINVAL : 0;
	}
	return -EINVAL;
}

/* Those of the other family are passed over, as on Linux. */
static int take_control(const struct sock *s, const struct dgram_control *c, bool is4, struct asked *a)
{
	if (c->level == IPPROTO_IPV6)
		return is4 ? 0 : take_ip6_control(s, c, a);
	if (c->level != IPPROTO_IP || !is4 || c->type != IP_RETOPTS)
		return 0;
	a->has_ip4 = true;
	return ip4_txopt_take(&a->ip4, c->data, c->bytes < IP4_OPTIONS_LEN_MAX ? c->bytes : (size_t)IP4_OPTIONS_LEN_MAX);
}

/* Options of the datagram's take the place of all of the socket's. */
static void choose_options(const struct sock *s, const struct asked *a, struct dgram_way *way, bool is4)
{
	way->room.ip4 = (struct ip4_txopt_built){ .has_route = false };
	way->room.ext = (struct ip6_txopts){ .hdr = { NULL } };
	if (is4) {
		if (a->has_ip4 || s->ip4_txopt) { /* built anew when the source is known */
			const struct ip4_txopt *o = a->has_ip4 ? &a->ip4 : s->ip4_txopt;

			way->room.ip4.options = *o;
			way->room.ip4.first_hop = ip4_txopt_first_hop(o, &way->dst.addr);
			way->room.ip4.is_strict = ip4_txopt_is_strict(o);
		}
		return;
	}
	way->room.ext = a->has_ext ? a->ext : ip6_txopts_sticky(s);
	if (!way->room.ext.hdr[IP6_TXOPT_ROUTING])
		way->room.ext.hdr[IP6_TXOPT_DST_BEFORE_ROUTING] = NULL;
}

int dgram_take_controls(const struct sock *s, const struct dgram_info *info, struct dgram_way *way)
{
	struct asked a = { .dont_frag = -1 };
	bool is4 = ip_addr_is4(&way->dst.addr), is_to_peer = ip_addr_is_any(&info->dst.addr) && info->dst.port == 0;
	int err;

	for (int i = 0; i < info->control_count; i++) {
		err = take_control(s, &info->controls[i], is4, &a);
		if (err < 0)
			return err;
	}
	way->tx = (struct ip_tx){ .dst = way->dst.addr };
	choose_options(s, &a, way, is4);
	way->dont_frag6 = !is4 && (a.dont_frag >= 0 ? a.dont_frag : s->opt.dont_frag6);
	if (is4)
		return 0;
	way->tx.flow_label = (a.has_flow_info ? a.flow_info : is_to_peer ? s->flow_label : 0) & FLOW_LABEL_BITS;
	way->tx.auto_label = sock_auto_label(s);
	return way->tx.flow_label && !flow_label_is_allowed(s, way->tx.flow_label) ? -EINVAL : 0;
}

struct ip_addr dgram_first_hop(const struct dgram_way *way)
{
	if (!ip_addr_is4(&way->dst.addr))
		return ip6_txopts_first_hop(&way->room.ext, &way->dst.addr);
	return way->room.ip4.options.len > 0 ? way->room.ip4.first_hop : way->dst.addr;
}

void dgram_finish_options(const struct sock *s, struct dgram_way *way)
{
	struct ip4_txopt given = way->room.ip4.options;

	if (!ip_addr_is4(&way->dst.addr)) {
		if (ip6_txopts_bytes(&way->room.ext) > 0)
			way->tx.ext = &way->room.ext;
		way->ip_hdr_bytes = ip6_hdr_len(&way->tx);
		return;
	}
	if (given.len > 0) {
		ip4_txopt_build(&given, &way->tx.src, &way->dst.addr, s->st->now_us, &way->room.ip4);
		way->tx.options = way->room.ip4.options.bytes;
		way->tx.options_len = way->room.ip4.options.len;
		way->tx.route4 = way->room.ip4.has_route ? &way->room.ip4.first_hop : NULL;
	}
	way->ip_hdr_bytes = ip4_hdr_len(&way->tx);
}
