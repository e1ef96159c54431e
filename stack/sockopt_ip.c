/* SPDX-License-Identifier: BSD-2-Clause */
/* sockopt_ip.c - socket options of the levels IPPROTO_IP and IPPROTO_IPV6 but those about groups, which are sockopt_mcast.c's. */
#include "sockopt.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "core.h"
#include "ip6.h"
#include "nd_router.h"

enum { ECN_MASK = 3 };

/* RFC 1349's bits as one of Linux's TC_PRIO_*: best effort, bulk, interactive, interactive bulk. */
static uint32_t priority_of_tos(uint8_t tos)
{
	static const uint8_t priorities[16] = { 0, 0, 0, 0, 2, 2, 2, 2, 6, 6, 6, 6, 4, 4, 4, 4 };

	return priorities[tos >> 1 & 15];
}

/* TCP's ECN bits are its own (RFC 3168 section 6.1.5). */
static int set_tos(struct sock *s, int value)
{
	if (s->type == SOCK_STREAM)
		value = (value & ~ECN_MASK) | (s->opt.tos & ECN_MASK);
	if (s->opt.tos != (uint8_t)value)
		s->opt.priority = priority_of_tos((uint8_t)value);
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
	s->opt.hop_limit = (int16_t)value;
	return 0;
}

static int get_unicast_hops(struct sock *s, int *value)
{
	*value = s->opt.hop_limit >= 0 ? s->opt.hop_limit : nd_hop_limit(s->st, s->dst.ifindex);
	return 0;
}

/* sock_pmtudisc() tells what they mean. */
static int set_pmtudisc(struct sock *s, int value)
{
	if (value < IP_PMTUDISC_DONT || value > IP_PMTUDISC_OMIT)
		return -EINVAL;
	s->opt.pmtudisc = (uint8_t)value;
	s->dst.ifindex = 0;
	return 0;
}

static int get_pmtudisc(struct sock *s, int *value)
{
	*value = s->opt.pmtudisc;
	return 0;
}

static int set_pmtudisc6(struct sock *s, int value)
{
	if (value < IPV6_PMTUDISC_DONT || value > IPV6_PMTUDISC_OMIT)
		return -EINVAL;
	s->opt.pmtudisc6 = (uint8_t)value;
	s->dst.ifindex = 0;
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
	if (s->is_bound || s->type == SOCK_RAW)
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

/* The largest packet of a datagram socket; what is longer is cut into fragments of it. */
static int set_mtu6(struct sock *s, int value)
{
	if (value != 0 && value < IP6_MTU_MIN)
		return -EINVAL;
	s->opt.frag_bytes6 = (uint32_t)value;
	s->dst.ifindex = 0;
	return 0;
}

/* IPV6_PATHMTU (RFC 3542 section 11.4): a struct ip6_mtuinfo. */
static int get_pathmtu(struct sock *s, void *value, size_t *len)
{
	struct ip6_mtuinfo info = { .ip6m_addr = { .sin6_family = AF_INET6 } };
	int mtu = 0, err;

	if (*len < sizeof(info))
		return -EINVAL;
	err = get_mtu(s, &mtu);
	if (err < 0)
		return err;
	memcpy(&info.ip6m_addr.sin6_addr, s->remote.addr.b, sizeof(s->remote.addr.b));
	info.ip6m_mtu = (uint32_t)mtu;
	return sockopt_put(value, len, &info, sizeof(info));
}

static int set_min_ttl(struct sock *s, int value)
{
	if (value < 0 || value > 255)
		return -EINVAL;
	s->opt.min_ttl = (uint8_t)value;
	return 0;
}

static int get_min_ttl(struct sock *s, int *value)
{
	*value = s->opt.min_ttl;
	return 0;
}

static int set_min_hops(struct sock *s, int value)
{
	if (value < 0 || value > 255)
		return -EINVAL;
	s->opt.min_hops = (uint8_t)value;
	return 0;
}

static int get_min_hops(struct sock *s, int *value)
{
	*value = s->opt.min_hops;
	return 0;
}

static int set_recv_fragsize(struct sock *s, int value)
{
	if (s->type == SOCK_STREAM)
		return -EINVAL;
	s->opt.recv_fragsize = value != 0;
	return 0;
}

static int get_recv_fragsize(struct sock *s, int *value)
{
	*value = s->opt.recv_fragsize;
	return 0;
}

/* IP_UNICAST_IF and IPV6_UNICAST_IF: the link's index in network byte order. */
static int check_unicast_if(struct sock *s, int value, uint32_t *ifindex)
{
	*ifindex = ntohl((uint32_t)value);
	if (*ifindex == 0) {
		s->dst.ifindex = 0;
		return 0;
	}
	if (!sockopt_link_exists(s, *ifindex))
		return -EADDRNOTAVAIL;
	s->dst.ifindex = 0;
	return s->opt.bound_ifindex && s->opt.bound_ifindex != *ifindex ? -EINVAL : 0;
}

static int set_unicast_if(struct sock *s, int value)
{
	uint32_t ifindex;
	int err = check_unicast_if(s, value, &ifindex);

	if (err == 0)
		s->opt.unicast_ifindex = ifindex;
	return err;
}

static int get_unicast_if(struct sock *s, int *value)
{
	*value = (int)htonl(s->opt.unicast_ifindex);
	return 0;
}

static int set_unicast_if6(struct sock *s, int value)
{
	uint32_t ifindex;
	int err = check_unicast_if(s, value, &ifindex);

	if (err == 0)
		s->opt.unicast_ifindex6 = ifindex;
	return err;
}

static int get_unicast_if6(struct sock *s, int *value)
{
	*value = (int)htonl(s->opt.unicast_ifindex6);
	return 0;
}

/* The lowest port in the lower half, the highest in the upper; 0 in either: the stack's. */
static int set_port_range(struct sock *s, int value)
{
	uint16_t lowest = (uint16_t)value, highest = (uint16_t)((uint32_t)value >> 16);

	if (lowest && highest && lowest > highest)
		return -EINVAL;
	s->opt.port_min = lowest;
	s->opt.port_max = highest;
	return 0;
}

static int get_port_range(struct sock *s, int *value)
{
	*value = (int)((uint32_t)s->opt.port_max << 16 | s->opt.port_min);
	return 0;
}

/* What Linux keeps in inet_num: a raw socket's protocol, or the port. */
static int get_protocol_number(struct sock *s, int *value)
{
	*value = s->type == SOCK_RAW ? s->protocol : s->local.port;
	return 0;
}

/* RFC 5014 section 5: a preference and its opposite together are a mistake. */
enum {
	PREFER_TMP = SOCK_PREFER_TMP, PREFER_PUBLIC = SOCK_PREFER_PUBLIC, PREFER_COA = 0x4, PREFER_CGA = 0x8,
	PREFER_PUBTMP_DEFAULT = 0x100, PREFER_HOME = 0x400, PREFER_NONCGA = 0x800,
};

static bool has_several(int value, int bits)
{
	value &= bits;
	return (value & (value - 1)) != 0;
}

static int set_addr_prefs(struct sock *s, int value)
{
	if (has_several(value, PREFER_TMP | PREFER_PUBLIC | PREFER_PUBTMP_DEFAULT) || has_several(value, PREFER_HOME | PREFER_COA) ||
	    has_several(value, PREFER_CGA | PREFER_NONCGA))
		return -EINVAL;
	s->opt.addr_prefs = (uint16_t)(value & (PREFER_TMP | PREFER_PUBLIC | PREFER_COA));
	return 0;
}

static int get_addr_prefs(struct sock *s, int *value)
{
	int prefs = s->opt.addr_prefs;

	if (!(prefs & (PREFER_TMP | PREFER_PUBLIC)))
		prefs |= PREFER_PUBTMP_DEFAULT;
	*value = prefs & PREFER_COA ? prefs : prefs | PREFER_HOME;
	return 0;
}

/* RFC 3542 sections 6 to 9: extension headers for every packet. One function a name, as a row knows no other way to tell which. */
static int set_hopopts(struct sock *s, const void *value, size_t len)
{
	return ip6_txopts_set_sticky(s, IPV6_HOPOPTS, value, len);
}

static int get_hopopts(struct sock *s, void *value, size_t *len)
{
	return ip6_txopts_get_sticky(s, IPV6_HOPOPTS, value, len);
}

static int set_rthdrdstopts(struct sock *s, const void *value, size_t len)
{
	return ip6_txopts_set_sticky(s, IPV6_RTHDRDSTOPTS, value, len);
}

static int get_rthdrdstopts(struct sock *s, void *value, size_t *len)
{
	return ip6_txopts_get_sticky(s, IPV6_RTHDRDSTOPTS, value, len);
}

static int set_rthdr(struct sock *s, const void *value, size_t len)
{
	return ip6_txopts_set_sticky(s, IPV6_RTHDR, value, len);
}

static int get_rthdr(struct sock *s, void *value, size_t *len)
{
	return ip6_txopts_get_sticky(s, IPV6_RTHDR, value, len);
}

static int set_dstopts(struct sock *s, const void *value, size_t len)
{
	return ip6_txopts_set_sticky(s, IPV6_DSTOPTS, value, len);
}

static int get_dstopts(struct sock *s, void *value, size_t *len)
{
	return ip6_txopts_get_sticky(s, IPV6_DSTOPTS, value, len);
}

/* RFC 3542 section 6.1, 6.2: the link, and the source where bind(2) named none. */
static int set_pktinfo6(struct sock *s, const void *value, size_t len)
{
	struct in6_pktinfo info;

	if (len < sizeof(info))
		return -EINVAL;
	memcpy(&info, value, sizeof(info));
	if (info.ipi6_ifindex && s->opt.bound_ifindex && info.ipi6_ifindex != s->opt.bound_ifindex)
		return -EINVAL;
	s->opt.sticky_ifindex6 = info.ipi6_ifindex;
	s->opt.sticky_src6 = ip_addr_from6(info.ipi6_addr.s6_addr);
	s->dst.ifindex = 0;
	return 0;
}

static int set_auto_label(struct sock *s, int value)
{
	s->opt.has_auto_label = true;
	s->opt.auto_label = value != 0;
	return 0;
}

static int get_auto_label(struct sock *s, int *value)
{
	*value = s->opt.has_auto_label ? s->opt.auto_label : s->st->tunables.ip6_auto_flowlabels & 1;
	return 0;
}

/* Such a socket gets packets that a router is to look at before it forwards them, and a host forwards none. Linux's ip_ra_control() and
 * ip6_ra_control(): on which sockets, and not twice. */
static int set_rtalert(struct sock *s, int value)
{
	if (s->type != SOCK_RAW || s->protocol == IPPROTO_RAW)
		return -EINVAL;
	if (value && s->opt.rtalert)
		return -EADDRINUSE;
	if (!value && !s->opt.rtalert)
		return -ENOBUFS;
	s->opt.rtalert = value != 0;
	return 0;
}

static int get_rtalert(struct sock *s, int *value)
{
	*value = s->opt.rtalert;
	return 0;
}

static int set_rtalert6(struct sock *s, int value)
{
	if (s->type != SOCK_RAW || s->protocol != IPPROTO_RAW)
		return -ENOPROTOOPT;
	if (value >= 0 && s->opt.rtalert6)
		return -EADDRINUSE;
	if (value < 0 && !s->opt.rtalert6)
		return -ENOBUFS;
	s->opt.rtalert6 = value >= 0;
	return 0;
}

static int get_rtalert6(struct sock *s, int *value)
{
	*value = s->opt.rtalert6;
	return 0;
}

/* The library's own: sin6_flowinfo of the connect(2) that follows; the flow label that a request without one got. */
static int set_next_flow_info(struct sock *s, int value)
{
	s->next_flow_info = (uint32_t)value;
	return 0;
}

static int get_leased_flow_label(struct sock *s, int *value)
{
	*value = (int)s->flow_label_leased;
	return 0;
}

static int set_options4(struct sock *s, const void *value, size_t len)
{
	return ip4_txopt_set_sticky(s, value, len);
}

static int get_options4(struct sock *s, void *value, size_t *len)
{
	return ip4_txopt_get_sticky(s, value, len);
}

/* ---- The table ---------------------------------------------------------------------------------------------------- */

static const struct sockopt options[] = {
	{ IPPROTO_IP, IP_TOS, SOCKOPT_FUNCTIONS(tos) },
	{ IPPROTO_IP, IP_TTL, SOCKOPT_FUNCTIONS(ttl), .needs_byte = true },
	{ IPPROTO_IP, IP_HDRINCL, SOCKOPT_FUNCTIONS(hdrincl), .raw_only = true },
	{ IPPROTO_IP, IP_PKTINFO, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_pktinfo) },
	{ IPPROTO_IP, IP_RECVTTL, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_ttl) },
	{ IPPROTO_IP, IP_RECVTOS, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_tos) },
	{ IPPROTO_IP, IP_RECVERR, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_err) },
	{ IPPROTO_IP, IP_MTU_DISCOVER, SOCKOPT_FUNCTIONS(pmtudisc) },
	{ IPPROTO_IP, IP_MTU, SOCKOPT_SHOWN(mtu) },
	{ IPPROTO_IP, IP_FREEBIND, SOCKOPT_BOOL, SOCKOPT_FIELD(freebind), .needs_byte = true },
	{ IPPROTO_IP, IP_TRANSPARENT, SOCKOPT_BOOL, SOCKOPT_FIELD(transparent), .needs_byte = true },
	{ IPPROTO_IP, IP_MINTTL, SOCKOPT_FUNCTIONS(min_ttl), .needs_byte = true },
	{ IPPROTO_IP, IP_NODEFRAG, SOCKOPT_BOOL, SOCKOPT_FIELD(nodefrag), .raw_only = true },
	{ IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, SOCKOPT_BOOL, SOCKOPT_FIELD(bind_no_port) },
	{ IPPROTO_IP, IP_LOCAL_PORT_RANGE, SOCKOPT_FUNCTIONS(port_range), .is_exact = true },
	{ IPPROTO_IP, IP_UNICAST_IF, SOCKOPT_FUNCTIONS(unicast_if), .is_exact = true },
	{ IPPROTO_IP, IP_PROTOCOL, SOCKOPT_SHOWN(protocol_number) },
	{ IPPROTO_IP, IP_OPTIONS, SOCKOPT_STRUCT, .set_struct = set_options4, .get_struct = get_options4 },
	{ IPPROTO_IP, IP_ROUTER_ALERT, SOCKOPT_FUNCTIONS(rtalert) },
	{ IPPROTO_IP, IP_RECVOPTS, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_opts) },
	{ IPPROTO_IP, IP_RETOPTS, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_retopts) },
	{ IPPROTO_IP, IP_PASSSEC, SOCKOPT_STAYS(ENOPROTOOPT, 0) },
	{ IPPROTO_IP, IP_RECVORIGDSTADDR, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_origdst) },
	{ IPPROTO_IP, IP_CHECKSUM, SOCKOPT_STAYS(ENOPROTOOPT, 0) },
	{ IPPROTO_IP, IP_RECVFRAGSIZE, SOCKOPT_FUNCTIONS(recv_fragsize) },
	{ IPPROTO_IP, IP_RECVERR_RFC4884, SOCKOPT_STAYS(ENOPROTOOPT, 0) },

	{ IPPROTO_IPV6, IPV6_V6ONLY, SOCKOPT_FUNCTIONS(v6only) },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, SOCKOPT_FUNCTIONS(unicast_hops) },
	{ IPPROTO_IPV6, IPV6_TCLASS, SOCKOPT_FUNCTIONS(tclass) },
	{ IPPROTO_IPV6, IPV6_RECVPKTINFO, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_pktinfo6) },
	{ IPPROTO_IPV6, IPV6_RECVHOPLIMIT, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_hoplimit) },
	{ IPPROTO_IPV6, IPV6_RECVTCLASS, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_tclass) },
	{ IPPROTO_IPV6, IPV6_RECVERR, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_err6) },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, SOCKOPT_FUNCTIONS(pmtudisc6) },
	{ IPPROTO_IPV6, IPV6_DONTFRAG, SOCKOPT_BOOL, SOCKOPT_FIELD(dont_frag6), .may_be_empty = true },
	{ IPPROTO_IPV6, IPV6_MTU, .kind = SOCKOPT_SPECIAL, .set = set_mtu6, .get = get_mtu },
	{ IPPROTO_IPV6, IPV6_PATHMTU, SOCKOPT_STRUCT, .get_struct = get_pathmtu },
	{ IPPROTO_IPV6, IPV6_FREEBIND, SOCKOPT_BOOL, SOCKOPT_FIELD(freebind) },
	{ IPPROTO_IPV6, IPV6_TRANSPARENT, SOCKOPT_BOOL, SOCKOPT_FIELD(transparent) },
	{ IPPROTO_IPV6, IPV6_MINHOPCOUNT, SOCKOPT_FUNCTIONS(min_hops) },
	{ IPPROTO_IPV6, IPV6_UNICAST_IF, SOCKOPT_FUNCTIONS(unicast_if6), .is_exact = true },
	{ IPPROTO_IPV6, IPV6_ADDR_PREFERENCES, SOCKOPT_FUNCTIONS(addr_prefs) },
	{ IPPROTO_IPV6, IPV6_2292PKTINFO, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_pktinfo2292) },
	{ IPPROTO_IPV6, IPV6_2292HOPOPTS, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_hopopts2292) },
	{ IPPROTO_IPV6, IPV6_2292DSTOPTS, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_dstopts2292) },
	{ IPPROTO_IPV6, IPV6_2292RTHDR, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_rthdr2292) },
	{ IPPROTO_IPV6, IPV6_2292HOPLIMIT, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_hoplimit2292) },
	{ IPPROTO_IPV6, IPV6_FLOWINFO, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_flowinfo) },
	{ IPPROTO_IPV6, IPV6_ROUTER_ALERT, SOCKOPT_FUNCTIONS(rtalert6) },
	{ IPPROTO_IPV6, IPV6_ROUTER_ALERT_ISOLATE, SOCKOPT_BOOL, SOCKOPT_FIELD(rtalert_isolate) },
	{ IPPROTO_IPV6, IPV6_RECVERR_RFC4884, SOCKOPT_STAYS(ENOPROTOOPT, 0) },
	{ IPPROTO_IPV6, IPV6_FLOWINFO_SEND, SOCKOPT_BOOL, SOCKOPT_FIELD(flowinfo_send) },
	{ IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, SOCKOPT_STRUCT, .set_struct = flow_label_request, .get_struct = flow_label_show },
	{ IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, SOCKOPT_FUNCTIONS(auto_label), .may_be_empty = true },
	{ IPPROTO_IPV6, SOCKOPT_NEXT_FLOW_INFO, .kind = SOCKOPT_SPECIAL, .set = set_next_flow_info },
	{ IPPROTO_IPV6, SOCKOPT_LEASED_FLOW_LABEL, SOCKOPT_SHOWN(leased_flow_label) },
	{ IPPROTO_IPV6, IPV6_HOPOPTS, SOCKOPT_STRUCT, .set_struct = set_hopopts, .get_struct = get_hopopts },
	{ IPPROTO_IPV6, IPV6_RTHDRDSTOPTS, SOCKOPT_STRUCT, .set_struct = set_rthdrdstopts, .get_struct = get_rthdrdstopts },
	{ IPPROTO_IPV6, IPV6_RTHDR, SOCKOPT_STRUCT, .set_struct = set_rthdr, .get_struct = get_rthdr },
	{ IPPROTO_IPV6, IPV6_DSTOPTS, SOCKOPT_STRUCT, .set_struct = set_dstopts, .get_struct = get_dstopts },
	{ IPPROTO_IPV6, IPV6_PKTINFO, SOCKOPT_STRUCT, .set_struct = set_pktinfo6 },
	{ IPPROTO_IPV6, IPV6_RECVHOPOPTS, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_hopopts) },
	{ IPPROTO_IPV6, IPV6_RECVRTHDR, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_rthdr) },
	{ IPPROTO_IPV6, IPV6_RECVDSTOPTS, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_dstopts) },
	{ IPPROTO_IPV6, IPV6_RECVPATHMTU, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_pathmtu) },
	{ IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_origdst6) },
	{ IPPROTO_IPV6, IPV6_RECVFRAGSIZE, SOCKOPT_BOOL, SOCKOPT_FIELD(recv_fragsize6), .may_be_empty = true },
};

const struct sockopt *sockopt_ip_find(int level, int name)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (options[i].level == level && options[i].name == name)
			return &options[i];
	return sockopt_mcast_find(level, name);
}
