/* SPDX-License-Identifier: BSD-2-Clause */
/* sockopt_ip.c - socket options of the levels IPPROTO_IP and IPPROTO_IPV6. */
#include "sockopt.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "core.h"

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
	*value = s->opt.hop_limit ? s->opt.hop_limit : (int)s->st->tunables.ip6_hop_limit;
	return 0;
}

static int set_mcast_ttl(struct sock *s, int value)
{
	if (s->type == SOCK_STREAM || value < -1 || value > 255)
		return -EINVAL;
	s->opt.mcast_ttl = value == -1 ? 1 : (uint8_t)value;
	return 0;
}

static int get_mcast_ttl(struct sock *s, int *value)
{
	*value = s->opt.mcast_ttl;
	return 0;
}

static int set_mcast_hops(struct sock *s, int value)
{
	if (s->type == SOCK_STREAM)
		return -ENOPROTOOPT;
	if (value < -1 || value > 255)
		return -EINVAL;
	s->opt.mcast_hops = value == -1 ? 1 : (uint8_t)value;
	return 0;
}

static int get_mcast_hops(struct sock *s, int *value)
{
	*value = s->opt.mcast_hops;
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

static int set_mcast_loop6(struct sock *s, int value)
{
	if (value != 0 && value != 1)
		return -EINVAL;
	s->opt.mcast_loop6 = value != 0;
	return 0;
}

static int get_mcast_loop6(struct sock *s, int *value)
{
	*value = s->opt.mcast_loop6;
	return 0;
}

static int check_mcast_link(struct sock *s, uint32_t ifindex)
{
	if (s->type == SOCK_STREAM)
		return -ENOPROTOOPT;
	if (s->opt.bound_ifindex && ifindex && ifindex != s->opt.bound_ifindex)
		return -EINVAL;
	return ifindex == 0 || sockopt_link_exists(s, ifindex) ? 0 : -ENODEV;
}

static int set_mcast_if6(struct sock *s, int value)
{
	int err = value < 0 ? -EINVAL : check_mcast_link(s, (uint32_t)value);

	if (err == 0)
		s->opt.mcast_ifindex = (uint32_t)value;
	return err;
}

static int get_mcast_if6(struct sock *s, int *value)
{
	*value = (int)s->opt.mcast_ifindex;
	return 0;
}

struct addr_search {
	struct ip_addr addr;
	uint32_t ifindex;
};

static bool match_addr(void *ctx, const struct addr_info *info)
{
	struct addr_search *search = ctx;

	if (!ip_addr_eq(&info->prefix.addr, &search->addr))
		return true;
	search->ifindex = info->ifindex;
	return false;
}

/* A struct in_addr, ip_mreq or ip_mreqn: the link by its index, or by an address of ours. */
static int set_mcast_if(struct sock *s, const void *value, size_t len)
{
	struct ip_mreqn m = { .imr_ifindex = 0 };
	struct addr_search search;
	int err;

	if (s->type == SOCK_STREAM || len < sizeof(struct in_addr))
		return -EINVAL;
	if (len >= sizeof(struct ip_mreqn))
		memcpy(&m, value, sizeof(m));
	else if (len >= sizeof(struct ip_mreq))
		memcpy(&m, value, sizeof(struct ip_mreq));
	else
		memcpy(&m.imr_address, value, sizeof(m.imr_address));
	if (m.imr_ifindex == 0 && m.imr_address.s_addr != 0) {
		uint8_t b[4];

		memcpy(b, &m.imr_address, 4);
		search = (struct addr_search){ .addr = ip_addr_from4(b) };
		stack_each_addr(s->st, match_addr, &search);
		if (search.ifindex == 0)
			return -EADDRNOTAVAIL;
		m.imr_ifindex = (int)search.ifindex;
	}
	err = m.imr_ifindex < 0 ? -ENODEV : check_mcast_link(s, (uint32_t)m.imr_ifindex);
	if (err == 0)
		s->opt.mcast_ifindex = (uint32_t)m.imr_ifindex;
	return err == -ENODEV ? -EADDRNOTAVAIL : err;
}

/* Linux tells the address given, which for an index is the wildcard. */
static int get_mcast_if(struct sock *s, void *value, size_t *len)
{
	struct in_addr any = { 0 };

	(void)s;
	return sockopt_put(value, len, &any, sizeof(any));
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
	{ IPPROTO_IP, IP_MULTICAST_TTL, SOCKOPT_FUNCTIONS(mcast_ttl) },
	{ IPPROTO_IP, IP_MULTICAST_LOOP, SOCKOPT_BOOL, SOCKOPT_FIELD(mcast_loop) },
	{ IPPROTO_IP, IP_MULTICAST_IF, SOCKOPT_STRUCT, .set_struct = set_mcast_if, .get_struct = get_mcast_if },

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
	{ IPPROTO_IPV6, IPV6_MULTICAST_HOPS, SOCKOPT_FUNCTIONS(mcast_hops) },
	{ IPPROTO_IPV6, IPV6_MULTICAST_LOOP, SOCKOPT_FUNCTIONS(mcast_loop6) },
	{ IPPROTO_IPV6, IPV6_MULTICAST_IF, SOCKOPT_FUNCTIONS(mcast_if6) },
};

const struct sockopt *sockopt_ip_find(int level, int name)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (options[i].level == level && options[i].name == name)
			return &options[i];
	return NULL;
}
