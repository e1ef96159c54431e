/* SPDX-License-Identifier: BSD-2-Clause */
/* sockopt_ip.c - socket options of the levels IPPROTO_IP and IPPROTO_IPV6 but those about groups, which are sockopt_mcast.c's. */
#include "sockopt.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "core.h"
#include "nd_router.h"

enum { ECN_MASK = 3 };

/* TCP's ECN bits are its own (RFC 3168 section 6.1.5). */
static int set_tos(struct sock *s, int value)
{
	if (s->type == SOCK_STREAM)
		value = (value & ~ECN_MASK) | (s->opt.tos & ECN_MASK);
	s->opt.tos = (uint8_t)value;
	return 0;
}

static int get_tos(struct sock *s, int *value)
{
	*value = s->opt.tos;
	return 0;
}

static int set_tclass(struct sock *s, int value)
{
	if (value < -1 || value > 255)
		return -EINVAL;
	if (value == -1)
		value = 0;
	if (s->type == SOCK_STREAM)
		value = (value & ~ECN_MASK) | (s->opt.tclass & ECN_MASK);
	s->opt.tclass = (uint8_t)value;
	return 0;
}

static int get_tclass(struct sock *s, int *value)
{
	*value = s->opt.tclass;
	return 0;
}

static int set_ttl(struct sock *s, int value)
{
	if (value != -1 && (value < 1 || value > 255))
		return -EINVAL;
	s->opt.ttl = value == -1 ? 0 : (uint8_t)value;
	return 0;
}

static int get_ttl(struct sock *s, int *value)
{
	*value = s->opt.ttl ? s->opt.ttl : (int)s->st->tunables.ip_default_ttl;
	return 0;
}

static int set_unicast_hops(struct sock *s, int value)
{
	if (value < -1 || value > 255)
		return -EINVAL;
	s->opt.hop_limit = value == -1 ? 0 : (uint8_t)value;
	return 0;
}

static int get_unicast_hops(struct sock *s, int *value)
{
	*value = s->opt.hop_limit ? s->opt.hop_limit : nd_hop_limit(s->st, s->dst.ifindex);
	return 0;
}

/* The ways of path MTU discovery that there are: fragment at will, when it must be, never. */
static int set_pmtudisc(struct sock *s, int value)
{
	if (value < IP_PMTUDISC_DONT || value > IP_PMTUDISC_DO)
		return -EINVAL;
	s->opt.pmtudisc = (uint8_t)value;
	return 0;
}

static int get_pmtudisc(struct sock *s, int *value)
{
	*value = s->opt.pmtudisc;
	return 0;
}

static int set_pmtudisc6(struct sock *s, int value)
{
	if (value < IPV6_PMTUDISC_DONT || value > IPV6_PMTUDISC_DO)
		return -EINVAL;
	s->opt.pmtudisc6 = (uint8_t)value;
	return 0;
}

static int get_pmtudisc6(struct sock *s, int *value)
{
	*value = s->opt.pmtudisc6;
	return 0;
}

static int get_mtu(struct sock *s, int *value)
{
	struct ip_dst dst;
	int err;

	if (!s->is_connected)
		return -ENOTCONN;
	err = sock_find_route(s, &s->remote, &s->local.addr, 0, &dst);
	if (err == 0)
		*value = (int)dst.mtu;
	return err;
}

static int set_v6only(struct sock *s, int value)
{
	if (s->is_bound)
		return -EINVAL;
	s->opt.v6only = value != 0;
	return 0;
}

static int get_v6only(struct sock *s, int *value)
{
	*value = s->opt.v6only;
	return 0;
}

static int set_hdrincl(struct sock *s, int value)
{
	s->opt.hdrincl = value != 0;
	return 0;
}

static int get_hdrincl(struct sock *s, int *value)
{
	*value = s->opt.hdrincl;
	return 0;
}

/* ---- The table ---------------------------------------------------------------------------------------------------- */

static const struct sockopt options[] = {
	{ IPPROTO_IP, IP_TOS, SOCKOPT_FUNCTIONS(tos) },
	{ IPPROTO_IP, IP_TTL, SOCKOPT_FUNCTIONS(ttl) },
	{ IPPROTO_IP, IP_HDRINCL, SOCKOPT_FUNCTIONS(hdrincl), .raw_only = true },
	{ IPPROTO_IP, IP_PKTINFO, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_pktinfo) },
	{ IPPROTO_IP, IP_RECVTTL, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_ttl) },
	{ IPPROTO_IP, IP_RECVTOS, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_tos) },
	{ IPPROTO_IP, IP_RECVERR, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_err) },
	{ IPPROTO_IP, IP_MTU_DISCOVER, SOCKOPT_FUNCTIONS(pmtudisc) },
	{ IPPROTO_IP, IP_MTU, SOCKOPT_SHOWN(mtu) },
	{ IPPROTO_IP, IP_FREEBIND, SOCKOPT_BOOL, SOCKOPT_FIELD(freebind) },

	{ IPPROTO_IPV6, IPV6_V6ONLY, SOCKOPT_FUNCTIONS(v6only) },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, SOCKOPT_FUNCTIONS(unicast_hops) },
	{ IPPROTO_IPV6, IPV6_TCLASS, SOCKOPT_FUNCTIONS(tclass) },
	{ IPPROTO_IPV6, IPV6_RECVPKTINFO, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_pktinfo6) },
	{ IPPROTO_IPV6, IPV6_RECVHOPLIMIT, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_hoplimit) },
	{ IPPROTO_IPV6, IPV6_RECVTCLASS, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_tclass) },
	{ IPPROTO_IPV6, IPV6_RECVERR, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_err6) },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, SOCKOPT_FUNCTIONS(pmtudisc6) },
	{ IPPROTO_IPV6, IPV6_DONTFRAG, SOCKOPT_BOOL, SOCKOPT_FIELD(dont_frag6) },
	{ IPPROTO_IPV6, IPV6_MTU, SOCKOPT_SHOWN(mtu) },
	{ IPPROTO_IPV6, IPV6_FREEBIND, SOCKOPT_BOOL, SOCKOPT_FIELD(freebind) },
};

const struct sockopt *sockopt_ip_find(int level, int name)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (options[i].level == level && options[i].name == name)
			return &options[i];
	return sockopt_mcast_find(level, name);
}
