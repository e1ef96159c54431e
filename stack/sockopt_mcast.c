/* SPDX-License-Identifier: BSD-2-Clause */
/* sockopt_mcast.c - socket options about groups (ip(7), ipv6(7), RFC 3678): how to send to them, and which to listen to, from which
 * sources. Every errno and every quirk is Linux's (net/ipv4/igmp.c, net/ipv6/mcast.c tell in what order it looks at things): adding a
 * source twice is EADDRNOTAVAIL; taking the last one off an INCLUDE list leaves the group; IP_ADD_MEMBERSHIP is EPROTO on a stream,
 * MCAST_JOIN_GROUP is not. */
#include "sockopt.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "core.h"

#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29 /* <linux/in6.h>, which excludes <netinet/in.h> */
#endif

/* ---- Sending ------------------------------------------------------------------------------------------------------ */

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

static int set_mcast_all(struct sock *s, int value)
{
	if (value != 0 && value != 1)
		return -EINVAL;
	s->opt.mcast_all = value != 0;
	return 0;
}

static int get_mcast_all(struct sock *s, int *value)
{
	*value = s->opt.mcast_all;
	return 0;
}

static int set_mcast_if6(struct sock *s, int value)
{
	if (s->type == SOCK_STREAM)
		return -ENOPROTOOPT;
	if (value != 0 && !sockopt_link_exists(s, (uint32_t)value))
		return -ENODEV;
	if (value != 0 && s->opt.bound_ifindex && (uint32_t)value != s->opt.bound_ifindex)
		return -EINVAL;
	s->opt.mcast_ifindex6 = (uint32_t)value;
	return 0;
}

static int get_mcast_if6(struct sock *s, int *value)
{
	*value = (int)s->opt.mcast_ifindex6;
	return 0;
}

static struct ip_addr addr4_of(const void *in_addr)
{
	uint8_t b[4];

	memcpy(b, in_addr, 4);
	return ip_addr_from4(b);
}

/* The link that has the address; NULL: none. */
static struct link *link_of_addr(struct sock *s, const struct ip_addr *a)
{
	const struct if_addr *e = addr_find(s->st, a, 0);

	if (!e && ip_addr_is_loopback(a))
		return link_by_ifindex(s->st, LINK_LOOPBACK_IFINDEX);
	return e ? link_by_ifindex(s->st, e->ifindex) : NULL;
}

/* A struct in_addr, ip_mreq or ip_mreqn: the link by its index, or by an address of ours. */
static int set_mcast_if(struct sock *s, const void *value, size_t len)
{
	struct ip_mreqn m = { .imr_ifindex = 0 };
	struct ip_addr own;
	struct link *l;

	if (s->type == SOCK_STREAM || len < sizeof(struct in_addr))
		return -EINVAL;
	if (len >= sizeof(struct ip_mreqn))
		memcpy(&m, value, sizeof(m));
	else if (len >= sizeof(struct ip_mreq))
		memcpy(&m, value, sizeof(struct ip_mreq));
	else
		memcpy(&m.imr_address, value, sizeof(m.imr_address));
	own = addr4_of(&m.imr_address);
	if (m.imr_ifindex == 0 && ip_addr_is_any(&own)) {
		s->opt.mcast_ifindex = 0;
	} else {
		l = m.imr_ifindex ? link_by_ifindex(s->st, (uint32_t)m.imr_ifindex) : link_of_addr(s, &own);
		if (!l)
			return -EADDRNOTAVAIL;
		if (s->opt.bound_ifindex && l->ifindex != s->opt.bound_ifindex)
			return -EINVAL;
		s->opt.mcast_ifindex = l->ifindex;
	}
	memcpy(s->opt.mcast_src, &m.imr_address, sizeof(s->opt.mcast_src));
	return 0;
}

static int get_mcast_if(struct sock *s, void *value, size_t *len)
{
	return sockopt_put(value, len, s->opt.mcast_src, sizeof(s->opt.mcast_src));
}

/* ---- Who listens to what, in one form for both families ----------------------------------------------------------- */

/* A request: the group, and the link, by index or by an address of ours; neither: where packets to the group would go. */
struct request {
	struct ip_addr group, own; /* own: the wildcard: not given */
	uint32_t ifindex;
};

static bool is_group_of(const struct ip_addr *a, bool is4)
{
	return ip_addr_is4(a) == is4 && ip_addr_is_multicast(a);
}

/* NULL: none. */
static struct link *find_link(struct sock *s, const struct request *r)
{
	struct ip_addr any = ip_addr_any(ip_addr_family(&r->group));

	if (r->ifindex != 0)
		return link_by_ifindex(s->st, r->ifindex);
	if (!ip_addr_is_any(&r->own))
		return link_of_addr(s, &r->own);
	return link_by_ifindex(s->st, ip_link_for_group(s->st, &r->group, &any, 0));
}

static uint32_t sources_max(const struct sock *s, const struct ip_addr *group)
{
	return ip_addr_is4(group) ? s->st->tunables.igmp_max_msf : s->st->tunables.mld_max_msf;
}

static int join(struct sock *s, const struct request *r, enum filter_mode mode)
{
	struct link *l;

	if (!ip_addr_is_multicast(&r->group))
		return -EINVAL;
	/* IPv6 looks for the membership first, and takes one on any link for it when none is named. */
	if (!ip_addr_is4(&r->group) && mcast_member_find(s, &r->group, r->ifindex))
		return -EADDRINUSE;
	l = find_link(s, r);
	if (!l)
		return -ENODEV;
	if (mcast_member_find(s, &r->group, l->ifindex))
		return -EADDRINUSE;
	return mcast_member_add(s, l, &r->group, mode);
}

/* For what is no group at all Linux asks the routes; here only the wildcard leads anywhere. */
static bool leads_to_link(const struct ip_addr *group, const struct link *l)
{
	return l && (ip_addr_is_multicast(group) || ip_addr_is_any(group));
}

static int leave(struct sock *s, const struct request *r)
{
	bool is4 = ip_addr_is4(&r->group);
	const struct link *l = find_link(s, r);
	struct mcast_member *m;

	if (!is4 && !ip_addr_is_multicast(&r->group))
		return -EINVAL;
	if (is4 && r->ifindex == 0 && ip_addr_is_any(&r->own) && !leads_to_link(&r->group, l))
		return -ENODEV;
	m = mcast_member_find(s, &r->group, is4 && l ? l->ifindex : r->ifindex);
	if (!m || (is4 && !l))
		return -EADDRNOTAVAIL;
	mcast_member_drop(s, m);
	return 0;
}

/* The membership that a request about sources means. 0, -EINVAL, -ENODEV. */
static int find_member(struct sock *s, const struct request *r, struct mcast_member **out)
{
	const struct link *l;

	if (!ip_addr_is_multicast(&r->group))
		return -EINVAL;
	l = find_link(s, r);
	if (!l)
		return -ENODEV;
	*out = mcast_member_find(s, &r->group, ip_addr_is4(&r->group) || r->ifindex ? l->ifindex : 0);
	return *out ? 0 : -EINVAL;
}

/* The membership's filter with one source more, or less. */
static int change_source(struct sock *s, struct mcast_member *m, const struct ip_addr *source, bool add)
{
	struct mcast_filter changed = { .mode = m->filter.mode };
	struct mem *mem = &s->st->mem;
	int err = mcast_sources_copy(mem, &changed.sources, &m->filter.sources);

	if (err == 0 && add)
		err = mcast_sources_add(mem, &changed.sources, source);
	else if (err == 0)
		mcast_sources_remove(&changed.sources, source);
	if (err == 0)
		err = mcast_member_set(s, m, &changed);
	if (err == 0)
		m->has_list = true;
	mcast_sources_clear(mem, &changed.sources);
	return err;
}

static int set_empty_mode(struct sock *s, struct mcast_member *m, enum filter_mode mode)
{
	struct mcast_filter empty = { .mode = (uint8_t)mode };

	if (m->has_list)
		return -EINVAL;
	return mcast_member_set(s, m, &empty);
}

/* Add a source to the list of mode @mode, or take it off. */
static int edit_sources(struct sock *s, const struct request *r, const struct ip_addr *source, enum filter_mode mode, bool add)
{
	struct mcast_member *m;
	int err = find_member(s, r, &m);
	bool has;

	if (err == 0 && m->filter.mode != mode)
		err = set_empty_mode(s, m, mode);
	if (err < 0)
		return err;
	has = mcast_sources_has(&m->filter.sources, source);
	if (!add) {
		if (!has)
			return -EADDRNOTAVAIL;
		if (mode == FILTER_INCLUDE && m->filter.sources.count == 1) {
			mcast_member_drop(s, m);
			return 0;
		}
		return change_source(s, m, source, false);
	}
	if (m->filter.sources.count >= sources_max(s, &r->group))
		return -ENOBUFS;
	return has ? -EADDRNOTAVAIL : change_source(s, m, source, true);
}

/* Joining a source joins the group when need be. */
static int join_source(struct sock *s, const struct request *r, const struct ip_addr *source)
{
	int err = join(s, r, FILTER_INCLUDE);

	return err == 0 || err == -EADDRINUSE ? edit_sources(s, r, source, FILTER_INCLUDE, true) : err;
}

/* Whole filters cross as struct ip_msfilter or group_filter. */
static int read_mode(uint32_t fmode, enum filter_mode *mode)
{
	if (fmode != MCAST_INCLUDE && fmode != MCAST_EXCLUDE)
		return -EINVAL;
	*mode = fmode == MCAST_INCLUDE ? FILTER_INCLUDE : FILTER_EXCLUDE;
	return 0;
}

static uint32_t fmode_of(const struct mcast_filter *f)
{
	return f->mode == FILTER_INCLUDE ? MCAST_INCLUDE : MCAST_EXCLUDE;
}

/** set_filter - replace the whole filter. @source_at: the i'th source, of @count. */
static int set_filter(struct sock *s, const struct request *r, uint32_t fmode, const void *sources, uint32_t count,
		      struct ip_addr (*source_at)(const void *sources, uint32_t i))
{
	struct mcast_filter f = { 0 };
	struct mcast_member *m;
	enum filter_mode mode;
	int err;

	if (!ip_addr_is_multicast(&r->group) || read_mode(fmode, &mode) < 0)
		return -EINVAL;
	if (!find_link(s, r))
		return -ENODEV;
	if (mode == FILTER_INCLUDE && count == 0)
		return leave(s, r);
	if (!ip_addr_is4(&r->group) && r->ifindex == 0) /* no guessing here, as Linux */
		return -EINVAL;
	err = find_member(s, r, &m);
	if (err < 0)
		return err;
	f.mode = (uint8_t)mode;
	for (uint32_t i = 0; i < count && err == 0; i++) {
		struct ip_addr source = source_at(sources, i);

		err = mcast_sources_add(&s->st->mem, &f.sources, &source);
	}
	if (err == 0)
		err = mcast_member_set(s, m, &f);
	if (err == 0)
		m->has_list = count > 0;
	mcast_sources_clear(&s->st->mem, &f.sources);
	return err;
}

/* ---- IPv4's own options ------------------------------------------------------------------------------------------- */

static int read_mreq(struct sock *s, const void *value, size_t len, struct request *r)
{
	struct ip_mreqn m = { .imr_ifindex = 0 };

	if (s->type == SOCK_STREAM)
		return -EPROTO;
	if (len < sizeof(struct ip_mreq))
		return -EINVAL;
	memcpy(&m, value, len >= sizeof(m) ? sizeof(m) : sizeof(struct ip_mreq));
	*r = (struct request){ addr4_of(&m.imr_multiaddr), addr4_of(&m.imr_address), (uint32_t)m.imr_ifindex };
	return 0;
}

static int add_membership(struct sock *s, const void *value, size_t len)
{
	struct request r;
	int err = read_mreq(s, value, len, &r);

	return err < 0 ? err : join(s, &r, FILTER_EXCLUDE);
}

static int drop_membership(struct sock *s, const void *value, size_t len)
{
	struct request r;
	int err = read_mreq(s, value, len, &r);

	return err < 0 ? err : leave(s, &r);
}

static int read_mreq_source(const void *value, size_t len, struct request *r, struct ip_addr *source)
{
	struct ip_mreq_source m;

	if (len != sizeof(m))
		return -EINVAL;
	memcpy(&m, value, sizeof(m));
	*r = (struct request){ addr4_of(&m.imr_multiaddr), addr4_of(&m.imr_interface), 0 };
	*source = addr4_of(&m.imr_sourceaddr);
	return 0;
}

static int add_source_membership(struct sock *s, const void *value, size_t len)
{
	struct ip_addr source;
	struct request r;
	int err = read_mreq_source(value, len, &r, &source);

	return err < 0 ? err : join_source(s, &r, &source);
}

static int drop_source_membership(struct sock *s, const void *value, size_t len)
{
	struct ip_addr source;
	struct request r;
	int err = read_mreq_source(value, len, &r, &source);

	return err < 0 ? err : edit_sources(s, &r, &source, FILTER_INCLUDE, false);
}

static int block_source(struct sock *s, const void *value, size_t len)
{
	struct ip_addr source;
	struct request r;
	int err = read_mreq_source(value, len, &r, &source);

	return err < 0 ? err : edit_sources(s, &r, &source, FILTER_EXCLUDE, true);
}

static int unblock_source(struct sock *s, const void *value, size_t len)
{
	struct ip_addr source;
	struct request r;
	int err = read_mreq_source(value, len, &r, &source);

	return err < 0 ? err : edit_sources(s, &r, &source, FILTER_EXCLUDE, false);
}

static struct ip_addr in_addr_at(const void *sources, uint32_t i)
{
	return addr4_of((const uint8_t *)sources + i * sizeof(struct in_addr));
}

/* struct ip_msfilter without its sources. */
struct msfilter_head {
	struct in_addr group, own;
	uint32_t fmode, numsrc;
};

static int set_msfilter(struct sock *s, const void *value, size_t len)
{
	struct msfilter_head h;
	struct request r;

	if (len < sizeof(h))
		return -EINVAL;
	memcpy(&h, value, sizeof(h));
	if (h.numsrc > s->st->tunables.igmp_max_msf)
		return -ENOBUFS;
	if (sizeof(h) + h.numsrc * sizeof(struct in_addr) > len)
		return -EINVAL;
	r = (struct request){ addr4_of(&h.group), addr4_of(&h.own), 0 };
	return set_filter(s, &r, h.fmode, (const uint8_t *)value + sizeof(h), h.numsrc, in_addr_at);
}

/* @value holds the question; *len covers what was given of it. */
static int get_msfilter(struct sock *s, void *value, size_t *len)
{
	struct mcast_member *m;
	struct msfilter_head h;
	uint32_t shown;
	struct request r;
	int err;

	if (*len < sizeof(h))
		return -EINVAL;
	memcpy(&h, value, sizeof(h));
	r = (struct request){ addr4_of(&h.group), addr4_of(&h.own), 0 };
	err = find_member(s, &r, &m);
	if (err < 0)
		return err == -EINVAL && ip_addr_is_multicast(&r.group) ? -EADDRNOTAVAIL : err;
	shown = m->filter.sources.count < h.numsrc ? m->filter.sources.count : h.numsrc;
	if (sizeof(h) + shown * sizeof(struct in_addr) > *len)
		shown = (uint32_t)((*len - sizeof(h)) / sizeof(struct in_addr));
	h.fmode = fmode_of(&m->filter);
	h.numsrc = m->filter.sources.count;
	memcpy(value, &h, sizeof(h));
	for (uint32_t i = 0; i < shown; i++)
		memcpy((uint8_t *)value + sizeof(h) + i * 4, ip_addr_v4(&m->filter.sources.list[i]), 4);
	*len = sizeof(h) + shown * sizeof(struct in_addr);
	return 0;
}

/* ---- IPv6's own options ------------------------------------------------------------------------------------------- */

static int read_mreq6(struct sock *s, const void *value, size_t len, struct request *r)
{
	struct ipv6_mreq m;

	if (len < sizeof(m))
		return -EINVAL;
	if (s->type == SOCK_STREAM)
		return -EPROTO;
	memcpy(&m, value, sizeof(m));
	*r = (struct request){ ip_addr_from6(m.ipv6mr_multiaddr.s6_addr), ip6_addr_any, m.ipv6mr_interface };
	return is_group_of(&r->group, false) ? 0 : -EINVAL;
}

static int join_group6(struct sock *s, const void *value, size_t len)
{
	struct request r;
	int err = read_mreq6(s, value, len, &r);

	return err < 0 ? err : join(s, &r, FILTER_EXCLUDE);
}

static int leave_group6(struct sock *s, const void *value, size_t len)
{
	struct request r;
	int err = read_mreq6(s, value, len, &r);

	return err < 0 ? err : leave(s, &r);
}

/* ---- MCAST_*, of both levels -------------------------------------------------------------------------------------- */

/* The address in a struct sockaddr_storage. False: it is of the other family. */
static bool read_sockaddr(const struct sockaddr_storage *ss, int family, struct ip_addr *out)
{
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;

	if (ss->ss_family != family)
		return false;
	if (family == AF_INET) {
		memcpy(&in4, ss, sizeof(in4));
		*out = addr4_of(&in4.sin_addr);
	} else {
		memcpy(&in6, ss, sizeof(in6));
		*out = ip_addr_from6(in6.sin6_addr.s6_addr);
	}
	return true;
}

/* What the other family's address is answered with differs: @wrong_family. */
static int read_group(uint32_t ifindex, const struct sockaddr_storage *group, int family, int wrong_family, struct request *r)
{
	if (!read_sockaddr(group, family, &r->group))
		return wrong_family;
	r->own = ip_addr_any(family);
	r->ifindex = ifindex;
	return is_group_of(&r->group, family == AF_INET) ? 0 : -EINVAL;
}

static int read_group_req(const void *value, size_t len, int family, struct request *r)
{
	struct group_req g;

	if (len < sizeof(g))
		return -EINVAL;
	memcpy(&g, value, sizeof(g));
	return read_group(g.gr_interface, &g.gr_group, family, family == AF_INET ? -EINVAL : -EADDRNOTAVAIL, r);
}

static int read_group_source(const void *value, size_t len, int family, struct request *r, struct ip_addr *source)
{
	struct group_source_req g;

	if (len < sizeof(g))
		return -EINVAL;
	memcpy(&g, value, sizeof(g));
	if (!read_sockaddr(&g.gsr_source, family, source))
		return -EADDRNOTAVAIL;
	return read_group(g.gsr_interface, &g.gsr_group, family, -EADDRNOTAVAIL, r);
}

static int mcast_group(struct sock *s, const void *value, size_t len, int family, bool is_join)
{
	struct request r;
	int err = read_group_req(value, len, family, &r);

	if (err < 0)
		return err;
	return is_join ? join(s, &r, FILTER_EXCLUDE) : leave(s, &r);
}

static int mcast_source(struct sock *s, const void *value, size_t len, int family, enum filter_mode mode, bool add)
{
	struct ip_addr source;
	struct request r;
	int err = read_group_source(value, len, family, &r, &source);

	if (err < 0)
		return err;
	if (mode == FILTER_INCLUDE && add)
		return join_source(s, &r, &source);
	return edit_sources(s, &r, &source, mode, add);
}

/* struct group_filter without its sources. */
struct group_filter_head {
	uint32_t ifindex;
	struct sockaddr_storage group;
	uint32_t fmode, numsrc;
};

enum { GROUP_FILTER_HEAD = GROUP_FILTER_SIZE(0) };
_Static_assert(sizeof(struct group_filter_head) >= GROUP_FILTER_HEAD, "the head holds what comes before the sources");

static struct ip_addr storage4_at(const void *sources, uint32_t i)
{
	return addr4_of((const uint8_t *)sources + i * sizeof(struct sockaddr_storage) + offsetof(struct sockaddr_in, sin_addr));
}

static struct ip_addr storage6_at(const void *sources, uint32_t i)
{
	return ip_addr_from6((const uint8_t *)sources + i * sizeof(struct sockaddr_storage) +
			     offsetof(struct sockaddr_in6, sin6_addr));
}

/* Linux looks at the families of an IPv4 filter's sources only. */
static bool are_ip4(const uint8_t *sources, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		sa_family_t family;

		memcpy(&family, sources + i * sizeof(struct sockaddr_storage), sizeof(family));
		if (family != AF_INET)
			return false;
	}
	return true;
}

static int set_group_filter(struct sock *s, const void *value, size_t len, int family)
{
	const uint8_t *sources = (const uint8_t *)value + GROUP_FILTER_HEAD;
	struct group_filter_head h = { 0 };
	struct request r;
	uint32_t max = family == AF_INET ? s->st->tunables.igmp_max_msf : s->st->tunables.mld_max_msf;
	int err;

	if (len < GROUP_FILTER_HEAD)
		return -EINVAL;
	memcpy(&h, value, GROUP_FILTER_HEAD);
	if (h.numsrc > max)
		return -ENOBUFS;
	if (GROUP_FILTER_SIZE((size_t)h.numsrc) > len)
		return -EINVAL;
	err = read_group(h.ifindex, &h.group, family, family == AF_INET ? -EADDRNOTAVAIL : -EINVAL, &r);
	if (err < 0)
		return err;
	if (family == AF_INET && !are_ip4(sources, h.numsrc))
		return -EADDRNOTAVAIL;
	return set_filter(s, &r, h.fmode, sources, h.numsrc, family == AF_INET ? storage4_at : storage6_at);
}

static void put_storage(uint8_t *to, const struct ip_addr *a)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	memset(to, 0, sizeof(struct sockaddr_storage));
	if (ip_addr_is4(a)) {
		memcpy(&in4.sin_addr, ip_addr_v4(a), 4);
		memcpy(to, &in4, sizeof(in4));
	} else {
		memcpy(&in6.sin6_addr, a->b, 16);
		memcpy(to, &in6, sizeof(in6));
	}
}

static int get_group_filter(struct sock *s, void *value, size_t *len, int family)
{
	struct group_filter_head h = { 0 };
	const struct mcast_member *m;
	uint32_t shown;
	struct request r;
	int err;

	if (*len < GROUP_FILTER_HEAD)
		return -EINVAL;
	memcpy(&h, value, GROUP_FILTER_HEAD);
	err = read_group(h.ifindex, &h.group, family, family == AF_INET ? -EINVAL : -EADDRNOTAVAIL, &r);
	if (err < 0)
		return err;
	m = h.ifindex ? mcast_member_find(s, &r.group, h.ifindex) : NULL; /* no guessing here, as Linux */
	if (!m)
		return -EADDRNOTAVAIL;
	shown = m->filter.sources.count < h.numsrc ? m->filter.sources.count : h.numsrc;
	if (GROUP_FILTER_SIZE((size_t)shown) > *len)
		shown = (uint32_t)((*len - GROUP_FILTER_HEAD) / sizeof(struct sockaddr_storage));
	h.fmode = fmode_of(&m->filter);
	h.numsrc = m->filter.sources.count;
	memcpy(value, &h, GROUP_FILTER_HEAD);
	for (uint32_t i = 0; i < shown; i++)
		put_storage((uint8_t *)value + GROUP_FILTER_SIZE((size_t)i), &m->filter.sources.list[i]);
	*len = GROUP_FILTER_SIZE((size_t)shown);
	return 0;
}

/* The same six and the filter, for each family. */
#define MCAST_OPTIONS_OF(suffix, family)                                                                               \
	static int join_group_##suffix(struct sock *s, const void *value, size_t len)                                  \
	{                                                                                                              \
		return mcast_group(s, value, len, family, true);                                                       \
	}                                                                                                              \
	static int leave_group_##suffix(struct sock *s, const void *value, size_t len)                                 \
	{                                                                                                              \
		return mcast_group(s, value, len, family, false);                                                      \
	}                                                                                                              \
	static int join_source_##suffix(struct sock *s, const void *value, size_t len)                                 \
	{                                                                                                              \
		return mcast_source(s, value, len, family, FILTER_INCLUDE, true);                                      \
	}                                                                                                              \
	static int leave_source_##suffix(struct sock *s, const void *value, size_t len)                                \
	{                                                                                                              \
		return mcast_source(s, value, len, family, FILTER_INCLUDE, false);                                     \
	}                                                                                                              \
	static int block_source_##suffix(struct sock *s, const void *value, size_t len)                                \
	{                                                                                                              \
		return mcast_source(s, value, len, family, FILTER_EXCLUDE, true);                                      \
	}                                                                                                              \
	static int unblock_source_##suffix(struct sock *s, const void *value, size_t len)                              \
	{                                                                                                              \
		return mcast_source(s, value, len, family, FILTER_EXCLUDE, false);                                     \
	}                                                                                                              \
	static int set_filter_##suffix(struct sock *s, const void *value, size_t len)                                  \
	{                                                                                                              \
		return set_group_filter(s, value, len, family);                                                        \
	}                                                                                                              \
	static int get_filter_##suffix(struct sock *s, void *value, size_t *len)                                       \
	{                                                                                                              \
		return get_group_filter(s, value, len, family);                                                        \
	}

MCAST_OPTIONS_OF(4, AF_INET)
MCAST_OPTIONS_OF(6, AF_INET6)

/* ---- The table ---------------------------------------------------------------------------------------------------- */

#define STRUCT_SET(function) .kind = SOCKOPT_STRUCT, .set_struct = function

static const struct sockopt options[] = {
	{ IPPROTO_IP, IP_MULTICAST_TTL, SOCKOPT_FUNCTIONS(mcast_ttl), .needs_byte = true },
	{ IPPROTO_IP, IP_MULTICAST_LOOP, SOCKOPT_BOOL, SOCKOPT_FIELD(mcast_loop), .needs_byte = true },
	{ IPPROTO_IP, IP_MULTICAST_ALL, SOCKOPT_FUNCTIONS(mcast_all), .needs_byte = true },
	{ IPPROTO_IP, IP_MULTICAST_IF, STRUCT_SET(set_mcast_if), .get_struct = get_mcast_if },
	{ IPPROTO_IP, IP_ADD_MEMBERSHIP, STRUCT_SET(add_membership) },
	{ IPPROTO_IP, IP_DROP_MEMBERSHIP, STRUCT_SET(drop_membership) },
	{ IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, STRUCT_SET(add_source_membership) },
	{ IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, STRUCT_SET(drop_source_membership) },
	{ IPPROTO_IP, IP_BLOCK_SOURCE, STRUCT_SET(block_source) },
	{ IPPROTO_IP, IP_UNBLOCK_SOURCE, STRUCT_SET(unblock_source) },
	{ IPPROTO_IP, IP_MSFILTER, STRUCT_SET(set_msfilter), .get_struct = get_msfilter },
	{ IPPROTO_IP, MCAST_JOIN_GROUP, STRUCT_SET(join_group_4) },
	{ IPPROTO_IP, MCAST_LEAVE_GROUP, STRUCT_SET(leave_group_4) },
	{ IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP, STRUCT_SET(join_source_4) },
	{ IPPROTO_IP, MCAST_LEAVE_SOURCE_GROUP, STRUCT_SET(leave_source_4) },
	{ IPPROTO_IP, MCAST_BLOCK_SOURCE, STRUCT_SET(block_source_4) },
	{ IPPROTO_IP, MCAST_UNBLOCK_SOURCE, STRUCT_SET(unblock_source_4) },
	{ IPPROTO_IP, MCAST_MSFILTER, STRUCT_SET(set_filter_4), .get_struct = get_filter_4 },

	{ IPPROTO_IPV6, IPV6_MULTICAST_HOPS, SOCKOPT_FUNCTIONS(mcast_hops), .no_stream = true },
	{ IPPROTO_IPV6, IPV6_MULTICAST_LOOP, SOCKOPT_FUNCTIONS(mcast_loop6) },
	{ IPPROTO_IPV6, IPV6_MULTICAST_ALL, SOCKOPT_BOOL, SOCKOPT_FIELD(mcast_all6) },
	{ IPPROTO_IPV6, IPV6_MULTICAST_IF, SOCKOPT_FUNCTIONS(mcast_if6), .no_stream = true },
	{ IPPROTO_IPV6, IPV6_JOIN_GROUP, STRUCT_SET(join_group6) },
	{ IPPROTO_IPV6, IPV6_LEAVE_GROUP, STRUCT_SET(leave_group6) },
	{ IPPROTO_IPV6, MCAST_JOIN_GROUP, STRUCT_SET(join_group_6) },
	{ IPPROTO_IPV6, MCAST_LEAVE_GROUP, STRUCT_SET(leave_group_6) },
	{ IPPROTO_IPV6, MCAST_JOIN_SOURCE_GROUP, STRUCT_SET(join_source_6) },
	{ IPPROTO_IPV6, MCAST_LEAVE_SOURCE_GROUP, STRUCT_SET(leave_source_6) },
	{ IPPROTO_IPV6, MCAST_BLOCK_SOURCE, STRUCT_SET(block_source_6) },
	{ IPPROTO_IPV6, MCAST_UNBLOCK_SOURCE, STRUCT_SET(unblock_source_6) },
	{ IPPROTO_IPV6, MCAST_MSFILTER, STRUCT_SET(set_filter_6), .get_struct = get_filter_6 },
};

const struct sockopt *sockopt_mcast_find(int level, int name)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (options[i].level == level && options[i].name == name)
			return &options[i];
	return NULL;
}
