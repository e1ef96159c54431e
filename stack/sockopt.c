/* SPDX-License-Identifier: BSD-2-Clause */
/* sockopt.c - socket options of the levels SOL_SOCKET, IPPROTO_IP and IPPROTO_IPV6: names, layouts and semantics of Linux.
 * One table says everything. An option that is not in it is refused with ENOPROTOOPT; none is accepted and ignored. Options that
 * only say what ancillary data to show (IP_RECVTTL, SO_TIMESTAMP, ...) are kept here and obeyed by the library, which gets that
 * data with every datagram. The protocols' own levels are their setopt() and getopt().
 * To add an option, add a row, and a field to struct sock_opts or a function. */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "core.h"

enum { RCVBUF_MIN = 2304, SNDBUF_MIN = 4608 }; /* as Linux's SOCK_MIN_RCVBUF and SOCK_MIN_SNDBUF */
enum { PRIORITY_MAX = 6 };		       /* more takes privilege, which is not asked for here */

enum kind {
	KIND_BOOL,    /* bool field; any int but 0 is true */
	KIND_INT,     /* int32_t or uint32_t field */
	KIND_SPECIAL, /* an int through the row's functions */
	KIND_STRUCT,  /* the functions see the bytes */
};

struct option {
	int level, name;
	enum kind kind;
	size_t field;	  /* offset in struct sock_opts */
	int min, max;	  /* KIND_INT: else EINVAL */
	bool raw_only;
	int (*set)(struct sock *s, int value); /* NULL for KIND_SPECIAL: cannot be set */
	int (*get)(struct sock *s, int *value);
	int (*set_struct)(struct sock *s, const void *value, size_t len);
	int (*get_struct)(struct sock *s, void *value, size_t *len);
};

int sockopt_put(void *value, size_t *len, const void *from, size_t n)
{
	if (*len > n)
		*len = n;
	if (*len > 0)
		memcpy(value, from, *len);
	return 0;
}

void sockopt_init(struct sock_opts *o, const struct stack *st)
{
	o->rcvbuf = st->tunables.rmem_default;
	o->sndbuf = st->tunables.wmem_default;
	o->mcast_ttl = 1;
	o->mcast_hops = 1;
	o->mcast_loop = o->mcast_loop6 = true;
	o->pmtudisc = IP_PMTUDISC_WANT;
	o->pmtudisc6 = IPV6_PMTUDISC_WANT;
	o->rcvlowat = 1;
}

/* ---- SOL_SOCKET --------------------------------------------------------------------------------------------------- */

/* The kernel doubles what is asked for, to have room for its own needs, and shows the double. */
static uint32_t buffer_bytes(int asked, uint32_t max, uint32_t min)
{
	uint32_t bytes = (uint32_t)asked > max ? max : (uint32_t)asked; /* a negative one counts as large */

	if (bytes > INT_MAX / 2)
		bytes = INT_MAX / 2;
	return bytes * 2 < min ? min : bytes * 2;
}

static int set_rcvbuf(struct sock *s, int value)
{
	s->opt.rcvbuf = buffer_bytes(value, s->st->tunables.rmem_max, RCVBUF_MIN);
	s->opt.rcvbuf_locked = true;
	return 0;
}

static int set_sndbuf(struct sock *s, int value)
{
	s->opt.sndbuf = buffer_bytes(value, s->st->tunables.wmem_max, SNDBUF_MIN);
	s->opt.sndbuf_locked = true;
	return 0;
}

static int get_rcvbuf(struct sock *s, int *value)
{
	*value = (int)s->opt.rcvbuf;
	return 0;
}

static int get_sndbuf(struct sock *s, int *value)
{
	*value = (int)s->opt.sndbuf;
	return 0;
}

static int set_rcvlowat(struct sock *s, int value)
{
	s->opt.rcvlowat = value < 0 ? INT_MAX : value == 0 ? 1 : value;
	return 0;
}

static int get_rcvlowat(struct sock *s, int *value)
{
	*value = s->opt.rcvlowat;
	return 0;
}

static int get_type(struct sock *s, int *value)
{
	*value = s->type;
	return 0;
}

static int get_domain(struct sock *s, int *value)
{
	*value = s->family;
	return 0;
}

static int get_protocol(struct sock *s, int *value)
{
	*value = s->protocol;
	return 0;
}

static int get_error(struct sock *s, int *value)
{
	*value = sock_take_error(s);
	return 0;
}

static int get_acceptconn(struct sock *s, int *value)
{
	*value = s->port.bucket && s->port.kind == PORT_LISTEN;
	return 0;
}

static int get_sndlowat(struct sock *s, int *value)
{
	(void)s;
	*value = 1;
	return 0;
}

static int set_linger(struct sock *s, const void *value, size_t len)
{
	struct linger l;

	if (len < sizeof(l))
		return -EINVAL;
	memcpy(&l, value, sizeof(l));
	s->opt.linger_on = l.l_onoff != 0;
	if (l.l_onoff)
		s->opt.linger_s = l.l_linger < 0 ? INT_MAX : l.l_linger;
	return 0;
}

static int get_linger(struct sock *s, void *value, size_t *len)
{
	struct linger l = { s->opt.linger_on, s->opt.linger_s };

	return sockopt_put(value, len, &l, sizeof(l));
}

/* A link by its name or its index. */
struct link_search {
	char name[LINK_NAME_MAX];
	uint32_t ifindex;
	bool found;
};

static bool match_link(void *ctx, const struct link_info *info)
{
	struct link_search *search = ctx;

	if (search->ifindex ? info->ifindex != search->ifindex : strcmp(info->config.name, search->name) != 0)
		return true;
	search->ifindex = info->ifindex;
	memcpy(search->name, info->config.name, sizeof(search->name));
	search->found = true;
	return false;
}

static int bind_to_link(struct sock *s, uint32_t ifindex)
{
	s->opt.bound_ifindex = ifindex;
	s->port.ifindex = ifindex;
	s->dst.ifindex = 0;
	return 0;
}

static int set_bindtodevice(struct sock *s, const void *value, size_t len)
{
	struct link_search search = { .ifindex = 0 };

	memcpy(search.name, value, len < sizeof(search.name) - 1 ? len : sizeof(search.name) - 1);
	if (search.name[0] == 0)
		return bind_to_link(s, 0);
	stack_each_link(s->st, match_link, &search);
	return search.found ? bind_to_link(s, search.ifindex) : -ENODEV;
}

static int get_bindtodevice(struct sock *s, void *value, size_t *len)
{
	struct link_search search = { .ifindex = s->opt.bound_ifindex };

	if (s->opt.bound_ifindex == 0) {
		*len = 0;
		return 0;
	}
	if (*len < LINK_NAME_MAX)
		return -EINVAL;
	stack_each_link(s->st, match_link, &search);
	return search.found ? sockopt_put(value, len, search.name, strlen(search.name) + 1) : -ENODEV;
}

static int set_bindtoifindex(struct sock *s, int value)
{
	struct link_search search = { .ifindex = (uint32_t)value };

	if (value < 0)
		return -EINVAL;
	if (value > 0)
		stack_each_link(s->st, match_link, &search);
	return value == 0 || search.found ? bind_to_link(s, (uint32_t)value) : -ENODEV;
}

static int get_bindtoifindex(struct sock *s, int *value)
{
	*value = (int)s->opt.bound_ifindex;
	return 0;
}

static int set_priority(struct sock *s, int value)
{
	if (value < 0 || value > PRIORITY_MAX)
		return -EPERM;
	s->opt.priority = (uint32_t)value;
	return 0;
}

static int get_priority(struct sock *s, int *value)
{
	*value = (int)s->opt.priority;
	return 0;
}

/* Debugging is not to be had: 0 is what it is. */
static int set_debug(struct sock *s, int value)
{
	(void)s;
	return value == 0 ? 0 : -EACCES;
}

static int get_debug(struct sock *s, int *value)
{
	(void)s;
	*value = 0;
	return 0;
}

/* ---- IPPROTO_IP, IPPROTO_IPV6 ------------------------------------------------------------------------------------- */

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
	struct link_search search = { .ifindex = ifindex };

	if (s->type == SOCK_STREAM)
		return -ENOPROTOOPT;
	if (s->opt.bound_ifindex && ifindex && ifindex != s->opt.bound_ifindex)
		return -EINVAL;
	if (ifindex)
		stack_each_link(s->st, match_link, &search);
	return ifindex == 0 || search.found ? 0 : -ENODEV;
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

#define FIELD(name) .field = offsetof(struct sock_opts, name)
#define SPECIAL(what) .kind = KIND_SPECIAL, .set = set_##what, .get = get_##what
#define SHOWN(what) .kind = KIND_SPECIAL, .get = get_##what

static const struct option options[] = {
	{ SOL_SOCKET, SO_DEBUG, SPECIAL(debug) },
	{ SOL_SOCKET, SO_REUSEADDR, KIND_BOOL, FIELD(reuse_addr) },
	{ SOL_SOCKET, SO_REUSEPORT, KIND_BOOL, FIELD(reuse_port) },
	{ SOL_SOCKET, SO_BROADCAST, KIND_BOOL, FIELD(broadcast) },
	{ SOL_SOCKET, SO_KEEPALIVE, KIND_BOOL, FIELD(keepalive) },
	{ SOL_SOCKET, SO_NO_CHECK, KIND_BOOL, FIELD(no_check) },
	{ SOL_SOCKET, SO_TIMESTAMP, KIND_BOOL, FIELD(timestamp) },
	{ SOL_SOCKET, SO_TIMESTAMPNS, KIND_BOOL, FIELD(timestampns) },
	{ SOL_SOCKET, SO_PRIORITY, SPECIAL(priority) },
	{ SOL_SOCKET, SO_MARK, KIND_INT, FIELD(mark), .min = INT_MIN, .max = INT_MAX },
	{ SOL_SOCKET, SO_RCVBUF, SPECIAL(rcvbuf) },
	{ SOL_SOCKET, SO_SNDBUF, SPECIAL(sndbuf) },
	{ SOL_SOCKET, SO_RCVLOWAT, SPECIAL(rcvlowat) },
	{ SOL_SOCKET, SO_SNDLOWAT, SHOWN(sndlowat) },
	{ SOL_SOCKET, SO_TYPE, SHOWN(type) },
	{ SOL_SOCKET, SO_DOMAIN, SHOWN(domain) },
	{ SOL_SOCKET, SO_PROTOCOL, SHOWN(protocol) },
	{ SOL_SOCKET, SO_ERROR, SHOWN(error) },
	{ SOL_SOCKET, SO_ACCEPTCONN, SHOWN(acceptconn) },
	{ SOL_SOCKET, SO_LINGER, KIND_STRUCT, .set_struct = set_linger, .get_struct = get_linger },
	{ SOL_SOCKET, SO_BINDTODEVICE, KIND_STRUCT, .set_struct = set_bindtodevice, .get_struct = get_bindtodevice },
	{ SOL_SOCKET, SO_BINDTOIFINDEX, SPECIAL(bindtoifindex) },

	{ IPPROTO_IP, IP_TOS, SPECIAL(tos) },
	{ IPPROTO_IP, IP_TTL, SPECIAL(ttl) },
	{ IPPROTO_IP, IP_HDRINCL, SPECIAL(hdrincl), .raw_only = true },
	{ IPPROTO_IP, IP_PKTINFO, KIND_BOOL, FIELD(recv_pktinfo) },
	{ IPPROTO_IP, IP_RECVTTL, KIND_BOOL, FIELD(recv_ttl) },
	{ IPPROTO_IP, IP_RECVTOS, KIND_BOOL, FIELD(recv_tos) },
	{ IPPROTO_IP, IP_RECVERR, KIND_BOOL, FIELD(recv_err) },
	{ IPPROTO_IP, IP_MTU_DISCOVER, SPECIAL(pmtudisc) },
	{ IPPROTO_IP, IP_MTU, SHOWN(mtu) },
	{ IPPROTO_IP, IP_FREEBIND, KIND_BOOL, FIELD(freebind) },
	{ IPPROTO_IP, IP_MULTICAST_TTL, SPECIAL(mcast_ttl) },
	{ IPPROTO_IP, IP_MULTICAST_LOOP, KIND_BOOL, FIELD(mcast_loop) },
	{ IPPROTO_IP, IP_MULTICAST_IF, KIND_STRUCT, .set_struct = set_mcast_if, .get_struct = get_mcast_if },

	{ IPPROTO_IPV6, IPV6_V6ONLY, SPECIAL(v6only) },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, SPECIAL(unicast_hops) },
	{ IPPROTO_IPV6, IPV6_TCLASS, SPECIAL(tclass) },
	{ IPPROTO_IPV6, IPV6_RECVPKTINFO, KIND_BOOL, FIELD(recv_pktinfo6) },
	{ IPPROTO_IPV6, IPV6_RECVHOPLIMIT, KIND_BOOL, FIELD(recv_hoplimit) },
	{ IPPROTO_IPV6, IPV6_RECVTCLASS, KIND_BOOL, FIELD(recv_tclass) },
	{ IPPROTO_IPV6, IPV6_RECVERR, KIND_BOOL, FIELD(recv_err6) },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, SPECIAL(pmtudisc6) },
	{ IPPROTO_IPV6, IPV6_DONTFRAG, KIND_BOOL, FIELD(dont_frag6) },
	{ IPPROTO_IPV6, IPV6_MTU, SHOWN(mtu) },
	{ IPPROTO_IPV6, IPV6_FREEBIND, KIND_BOOL, FIELD(freebind) },
	{ IPPROTO_IPV6, IPV6_MULTICAST_HOPS, SPECIAL(mcast_hops) },
	{ IPPROTO_IPV6, IPV6_MULTICAST_LOOP, SPECIAL(mcast_loop6) },
	{ IPPROTO_IPV6, IPV6_MULTICAST_IF, SPECIAL(mcast_if6) },
};

/* NULL: not one of ours, or not for this socket. A raw IPv6 socket has no IPPROTO_IP level, an IPv4 one no IPPROTO_IPV6. */
static const struct option *find_option(const struct sock *s, int level, int name)
{
	if (level == IPPROTO_IPV6 && s->family != AF_INET6)
		return NULL;
	if (level == IPPROTO_IP && s->family == AF_INET6 && s->type == SOCK_RAW)
		return NULL;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (options[i].level == level && options[i].name == name)
			return options[i].raw_only && s->type != SOCK_RAW ? NULL : &options[i];
	return NULL;
}

static void *field_of(struct sock *s, const struct option *o)
{
	return (char *)&s->opt + o->field;
}

/* Linux takes an IPPROTO_IP option also from a single byte, and from none as 0. */
static int read_int(const struct option *o, const void *value, size_t len, int *v)
{
	if (len >= sizeof(*v)) {
		memcpy(v, value, sizeof(*v));
		return 0;
	}
	if (o->level != IPPROTO_IP)
		return -EINVAL;
	*v = len > 0 ? *(const uint8_t *)value : 0;
	return 0;
}

static int set_int(struct sock *s, const struct option *o, int v)
{
	int32_t as_int = v;
	bool as_bool = v != 0;

	switch (o->kind) {
	case KIND_BOOL:
		memcpy(field_of(s, o), &as_bool, sizeof(as_bool));
		return 0;
	case KIND_INT:
		if (v < o->min || v > o->max)
			return -EINVAL;
		memcpy(field_of(s, o), &as_int, sizeof(as_int));
		return 0;
	default:
		return o->set ? o->set(s, v) : -ENOPROTOOPT;
	}
}

int sock_setopt(struct sock *s, int level, int name, const void *value, size_t len, uint64_t now_us)
{
	const struct option *o = find_option(s, level, name);
	int err, v = 0;

	s->st->now_us = now_us;
	if (!o)
		return s->ops->setopt ? s->ops->setopt(s, level, name, value, len, now_us) : -ENOPROTOOPT;
	if (o->kind == KIND_STRUCT) {
		err = o->set_struct(s, value, len);
	} else {
		err = read_int(o, value, len, &v);
		if (err == 0)
			err = set_int(s, o, v);
	}
	if (err == 0 && s->ops->opt_changed)
		s->ops->opt_changed(s, level, name, now_us);
	return err;
}

static int get_int(struct sock *s, const struct option *o, int *v)
{
	bool as_bool;

	switch (o->kind) {
	case KIND_BOOL:
		memcpy(&as_bool, field_of(s, o), sizeof(as_bool));
		*v = as_bool;
		return 0;
	case KIND_INT:
		memcpy(v, field_of(s, o), sizeof(*v));
		return 0;
	default:
		return o->get(s, v);
	}
}

int sock_getopt(struct sock *s, int level, int name, void *value, size_t *len, uint64_t now_us)
{
	const struct option *o = find_option(s, level, name);
	int err, v;

	s->st->now_us = now_us;
	if (!o)
		return s->ops->getopt ? s->ops->getopt(s, level, name, value, len, now_us) : -ENOPROTOOPT;
	if (o->kind == KIND_STRUCT)
		return o->get_struct(s, value, len);
	err = get_int(s, o, &v);
	if (err < 0)
		return err;
	if (level == IPPROTO_IP && *len > 0 && *len < sizeof(v) && v >= 0 && v <= 255) {
		uint8_t byte = (uint8_t)v;

		return sockopt_put(value, len, &byte, sizeof(byte));
	}
	return sockopt_put(value, len, &v, sizeof(v));
}
