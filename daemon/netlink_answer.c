/* SPDX-License-Identifier: BSD-2-Clause */
#include "netlink_answer.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

enum { TXQLEN = 1000, OPERSTATE_UNKNOWN = 0, OPERSTATE_DOWN = 2, OPERSTATE_UP = 6, CLOCK_HZ = 100 };

/* ---- Composing ---------------------------------------------------------------------------------------------------- */

static void *append(struct netlink_datagram *d, size_t bytes)
{
	size_t padded = NLMSG_ALIGN(bytes);
	void *at = d->data + d->bytes;

	if (d->is_full || padded > sizeof(d->data) - d->bytes) {
		d->is_full = true;
		return NULL;
	}
	d->bytes += (uint32_t)padded;
	return memset(at, 0, padded);
}

static void append_copy(struct netlink_datagram *d, const void *data, size_t bytes)
{
	void *at = append(d, bytes);

	if (at && bytes)
		memcpy(at, data, bytes);
}

static void attribute(struct netlink_datagram *d, uint16_t type, const void *data, size_t bytes)
{
	struct rtattr a = { .rta_len = (unsigned short)RTA_LENGTH(bytes), .rta_type = type };
	uint8_t *at = append(d, RTA_LENGTH(bytes));

	if (!at)
		return;
	memcpy(at, &a, sizeof(a));
	memcpy(at + sizeof(a), data, bytes);
}

static void attribute_u32(struct netlink_datagram *d, uint16_t type, uint32_t value)
{
	attribute(d, type, &value, sizeof(value));
}

static void attribute_u8(struct netlink_datagram *d, uint16_t type, uint8_t value)
{
	attribute(d, type, &value, sizeof(value));
}

static void attribute_addr(struct netlink_datagram *d, uint16_t type, const struct ip_addr *a)
{
	if (ip_addr_is4(a))
		attribute(d, type, ip_addr_v4(a), 4);
	else
		attribute(d, type, a->b, 16);
}

/* Who asked, and how to mark the answer. */
struct asker {
	uint32_t seq, port_id;
	uint16_t flags;
};

/* A message begins; message_end() is given what this returns, and takes the message back if it did not fit. */
static uint32_t message_begin(struct netlink_datagram *d, uint16_t type, const struct asker *who, const void *head, size_t head_bytes)
{
	struct nlmsghdr h = { .nlmsg_type = type, .nlmsg_flags = who->flags, .nlmsg_seq = who->seq, .nlmsg_pid = who->port_id };
	uint32_t begin = d->bytes;

	append_copy(d, &h, sizeof(h));
	append_copy(d, head, head_bytes);
	return begin;
}

static bool message_end(struct netlink_datagram *d, uint32_t begin)
{
	uint32_t len = d->bytes - begin;

	if (d->is_full) {
		d->bytes = begin;
		return false;
	}
	memcpy(d->data + begin, &len, sizeof(len)); /* nlmsg_len is the first field */
	return true;
}

/* The message that is answered goes back, as far as there is room (NLM_F_CAPPED tells when it does not). */
static void compose_error(struct netlink_datagram *d, const uint8_t *message, size_t len, uint32_t port_id, int error)
{
	struct nlmsghdr h;
	struct asker who = { .port_id = port_id };
	struct nlmsgerr head = { .error = error };
	bool is_capped = error == 0 || len > NETLINK_DATAGRAM_MAX / 2;
	uint32_t begin;

	memcpy(&h, message, sizeof(h));
	who.seq = h.nlmsg_seq;
	who.flags = is_capped ? NLM_F_CAPPED : 0;
	head.msg = h;
	begin = message_begin(d, NLMSG_ERROR, &who, &head, sizeof(head));
	if (!is_capped && len > sizeof(h))
		append_copy(d, message + sizeof(h), len - sizeof(h));
	message_end(d, begin);
}

/* ---- Links -------------------------------------------------------------------------------------------------------- */

static uint32_t link_flags(const struct link_info *l)
{
	uint32_t up = l->is_up ? IFF_UP | IFF_RUNNING | IFF_LOWER_UP : 0;

	switch (l->config.kind) {
	case LINK_LOOPBACK:
		return IFF_LOOPBACK | up;
	case LINK_IP:
		return IFF_POINTOPOINT | IFF_NOARP | IFF_MULTICAST | up;
	case LINK_ETHERNET:
		break;
	}
	return IFF_BROADCAST | IFF_MULTICAST | up;
}

static void link_stats(struct netlink_datagram *d, const struct link_info *l)
{
	struct rtnl_link_stats64 wide = { .rx_packets = l->in_frames, .tx_packets = l->out_frames, .rx_bytes = l->in_bytes,
					  .tx_bytes = l->out_bytes, .rx_dropped = l->drops };
	struct rtnl_link_stats narrow = { .rx_packets = (uint32_t)l->in_frames, .tx_packets = (uint32_t)l->out_frames,
					  .rx_bytes = (uint32_t)l->in_bytes, .tx_bytes = (uint32_t)l->out_bytes,
					  .rx_dropped = (uint32_t)l->drops };

	attribute(d, IFLA_STATS, &narrow, sizeof(narrow));
	attribute(d, IFLA_STATS64, &wide, sizeof(wide));
}

static bool compose_link(struct netlink_datagram *d, const struct asker *who, const struct link_info *l, bool with_stats)
{
	static const uint8_t zeros[6], ones[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	bool is_loopback = l->config.kind == LINK_LOOPBACK;
	struct ifinfomsg head = { .ifi_index = (int)l->ifindex, .ifi_flags = link_flags(l) };
	uint32_t begin;

	head.ifi_type = is_loopback ? ARPHRD_LOOPBACK : l->config.kind == LINK_ETHERNET ? ARPHRD_ETHER : ARPHRD_NONE;
	begin = message_begin(d, RTM_NEWLINK, who, &head, sizeof(head));
	attribute(d, IFLA_IFNAME, l->config.name, strlen(l->config.name) + 1);
	attribute_u32(d, IFLA_TXQLEN, TXQLEN);
	attribute_u8(d, IFLA_OPERSTATE, !l->is_up ? OPERSTATE_DOWN : is_loopback ? OPERSTATE_UNKNOWN : OPERSTATE_UP);
	attribute_u8(d, IFLA_LINKMODE, 0);
	attribute_u32(d, IFLA_MTU, l->config.mtu);
	attribute_u32(d, IFLA_GROUP, 0);
	attribute_u8(d, IFLA_CARRIER, l->is_up);
	attribute(d, IFLA_QDISC, "noqueue", sizeof("noqueue"));
	if (l->config.kind != LINK_IP) {
		attribute(d, IFLA_ADDRESS, is_loopback ? zeros : l->config.mac, 6);
		attribute(d, IFLA_BROADCAST, is_loopback ? zeros : ones, 6);
	}
	if (with_stats)
		link_stats(d, l);
	return message_end(d, begin);
}

/* ---- Addresses ---------------------------------------------------------------------------------------------------- */

static uint8_t family_len(const struct ip_prefix *p)
{
	return (uint8_t)(ip_addr_is4(&p->addr) ? p->len - 96 : p->len);
}

static uint8_t addr_scope(const struct ip_addr *a)
{
	if (ip_addr_is_loopback(a))
		return RT_SCOPE_HOST;
	return ip_addr_is_linklocal(a) ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}

static uint32_t addr_flags(const struct addr_info *a)
{
	uint32_t flags = a->valid_s == LIFETIME_FOREVER ? IFA_F_PERMANENT : 0;

	if (strcmp(a->origin, "temporary") == 0)
		flags |= IFA_F_TEMPORARY;
	if (strcmp(a->state, "deprecated") == 0)
		return flags | IFA_F_DEPRECATED;
	if (ip_addr_is4(&a->prefix.addr)) /* IPv4 knows no such states */
		return flags;
	if (strcmp(a->state, "optimistic") == 0)
		return flags | IFA_F_TENTATIVE | IFA_F_OPTIMISTIC;
	if (strcmp(a->state, "tentative") == 0)
		return flags | IFA_F_TENTATIVE;
	return strcmp(a->state, "duplicate") == 0 ? flags | IFA_F_TENTATIVE | IFA_F_DADFAILED : flags;
}

static const char *link_name(struct stack *st, uint32_t ifindex, char name[LINK_NAME_MAX]);

static bool compose_addr(struct netlink_datagram *d, const struct asker *who, struct stack *st, const struct addr_info *a,
			 bool with_lifetimes)
{
	bool is4 = ip_addr_is4(&a->prefix.addr);
	uint32_t flags = addr_flags(a), begin;
	struct ifaddrmsg head = { .ifa_family = is4 ? AF_INET : AF_INET6, .ifa_prefixlen = family_len(&a->prefix),
				  .ifa_flags = (uint8_t)flags, .ifa_scope = addr_scope(&a->prefix.addr), .ifa_index = a->ifindex };
	struct ifa_cacheinfo lifetimes = { .ifa_prefered = a->preferred_s, .ifa_valid = a->valid_s };
	char name[LINK_NAME_MAX];

	begin = message_begin(d, RTM_NEWADDR, who, &head, sizeof(head));
	attribute_addr(d, IFA_ADDRESS, &a->prefix.addr);
	if (is4) {
		attribute_addr(d, IFA_LOCAL, &a->prefix.addr);
		if (!ip_addr_is_any(&a->broadcast) && !ip_addr_is_loopback(&a->prefix.addr))
			attribute_addr(d, IFA_BROADCAST, &a->broadcast);
		link_name(st, a->ifindex, name);
		attribute(d, IFA_LABEL, name, strlen(name) + 1);
	}
	if (with_lifetimes)
		attribute(d, IFA_CACHEINFO, &lifetimes, sizeof(lifetimes));
	attribute_u32(d, IFA_FLAGS, flags);
	return message_end(d, begin);
}

/* An IPv4 address that is another host's is not there, as far as Linux knows. */
static bool is_shown(const struct addr_info *a)
{
	return !ip_addr_is4(&a->prefix.addr) || strcmp(a->state, "duplicate") != 0;
}

/* ---- Routes ------------------------------------------------------------------------------------------------------- */

static void route_head(struct rtmsg *head, const struct ip_prefix *dst, bool is_local, bool has_gateway)
{
	bool is4 = ip_addr_is4(&dst->addr);

	*head = (struct rtmsg){ .rtm_family = is4 ? AF_INET : AF_INET6, .rtm_dst_len = family_len(dst),
				.rtm_table = is_local ? RT_TABLE_LOCAL : RT_TABLE_MAIN, .rtm_type = is_local ? RTN_LOCAL : RTN_UNICAST };
	if (is4)
		head->rtm_scope = is_local ? RT_SCOPE_HOST : has_gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
}

static uint8_t route_protocol(enum net_origin origin)
{
	switch (origin) {
	case NET_ONLINK:
	case NET_LOOPBACK:
	case NET_LINKLOCAL:
		return RTPROT_KERNEL;
	case NET_SLAAC:
	case NET_TEMPORARY:
		return RTPROT_RA;
	case NET_REDIRECT:
		return RTPROT_REDIRECT;
	case NET_DHCP:
		return RTPROT_DHCP;
	default:
		return RTPROT_BOOT;
	}
}

static unsigned char route_type(unsigned char type, uint8_t kind)
{
	static const unsigned char types[] = { [ROUTE_BLACKHOLE] = RTN_BLACKHOLE, [ROUTE_UNREACHABLE] = RTN_UNREACHABLE,
					       [ROUTE_PROHIBIT] = RTN_PROHIBIT };

	return kind == ROUTE_UNICAST ? type : types[kind];
}

static void attribute_metrics(struct netlink_datagram *d, uint32_t mtu)
{
	struct {
		struct rtattr head;
		uint32_t value;
	} metric = { { sizeof(metric), RTAX_MTU }, mtu };

	attribute(d, RTA_METRICS, &metric, sizeof(metric));
}

/* The loopback's network is all local, and in the kernel's table of local addresses. */
static bool compose_route(struct netlink_datagram *d, const struct asker *who, const struct route_info *r)
{
	bool has_gateway = !ip_addr_is_any(&r->config.gateway), is_local = ip_addr_is_loopback(&r->config.prefix.addr);
	struct rtmsg head;
	uint32_t begin;

	route_head(&head, &r->config.prefix, is_local, has_gateway);
	head.rtm_type = route_type(head.rtm_type, r->config.kind);
	if (r->config.kind != ROUTE_UNICAST)
		head.rtm_scope = RT_SCOPE_UNIVERSE;
	head.rtm_protocol = strcmp(r->origin, "onlink") == 0 ? RTPROT_KERNEL : route_protocol(r->config.origin);
	begin = message_begin(d, RTM_NEWROUTE, who, &head, sizeof(head));
	attribute_u32(d, RTA_TABLE, head.rtm_table);
	if (head.rtm_dst_len)
		attribute_addr(d, RTA_DST, &r->config.prefix.addr);
	if (r->config.metric)
		attribute_u32(d, RTA_PRIORITY, r->config.metric);
	if (!ip_addr_is_any(&r->config.src))
		attribute_addr(d, RTA_PREFSRC, &r->config.src);
	if (r->config.mtu)
		attribute_metrics(d, r->config.mtu);
	if (has_gateway)
		attribute_addr(d, RTA_GATEWAY, &r->config.gateway);
	if (r->config.kind == ROUTE_UNICAST || !ip_addr_is4(&r->config.prefix.addr)) /* of IPv4, one that refuses has no link there */
		attribute_u32(d, RTA_OIF, r->config.ifindex);
	return message_end(d, begin);
}

/* What the kernel has in its table of local addresses. */
static bool compose_local_route(struct netlink_datagram *d, const struct asker *who, const struct addr_info *a)
{
	struct ip_prefix whole = { a->prefix.addr, 128 };
	struct rtmsg head;
	uint32_t begin;

	route_head(&head, &whole, true, false);
	head.rtm_protocol = RTPROT_KERNEL;
	begin = message_begin(d, RTM_NEWROUTE, who, &head, sizeof(head));
	attribute_u32(d, RTA_TABLE, RT_TABLE_LOCAL);
	attribute_addr(d, RTA_DST, &a->prefix.addr);
	if (ip_addr_is4(&a->prefix.addr))
		attribute_addr(d, RTA_PREFSRC, &a->prefix.addr);
	attribute_u32(d, RTA_OIF, a->ifindex);
	return message_end(d, begin);
}

static void compose_found_route(struct netlink_datagram *d, const struct asker *who, const struct ip_addr *dst,
				const struct route_found *found)
{
	bool has_gateway = !ip_addr_eq(&found->next_hop, dst);
	struct ip_prefix whole = { *dst, 128 };
	struct rta_cacheinfo cache = { 0 };
	struct rtmsg head;
	uint32_t begin;

	route_head(&head, &whole, found->is_local, has_gateway);
	head.rtm_table = RT_TABLE_MAIN; /* whichever it was (rtnetlink(7): unless RTM_F_LOOKUP_TABLE is asked for) */
	head.rtm_scope = RT_SCOPE_UNIVERSE;
	head.rtm_flags = RTM_F_CLONED;
	if (found->is_broadcast)
		head.rtm_type = RTN_BROADCAST;
	else if (ip_addr_is_multicast(dst))
		head.rtm_type = RTN_MULTICAST;
	begin = message_begin(d, RTM_NEWROUTE, who, &head, sizeof(head));
	attribute_u32(d, RTA_TABLE, head.rtm_table);
	attribute_addr(d, RTA_DST, dst);
	attribute_u32(d, RTA_OIF, found->ifindex);
	attribute_addr(d, RTA_PREFSRC, &found->src);
	if (has_gateway)
		attribute_addr(d, RTA_GATEWAY, &found->next_hop);
	attribute(d, RTA_CACHEINFO, &cache, sizeof(cache));
	message_end(d, begin);
}

/* ---- Neighbours --------------------------------------------------------------------------------------------------- */

static uint16_t neigh_state(const char *state)
{
	static const struct {
		const char *name;
		uint16_t state;
	} states[] = {
		{ "incomplete", NUD_INCOMPLETE }, { "reachable", NUD_REACHABLE }, { "stale", NUD_STALE },
		{ "delay", NUD_DELAY },		  { "probe", NUD_PROBE },	  { "failed", NUD_FAILED },
	};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i].name, state) == 0)
			return states[i].state;
	return NUD_NONE;
}

static bool compose_neigh(struct netlink_datagram *d, const struct asker *who, const struct neigh_info *n, uint64_t now_us)
{
	struct ndmsg head = { .ndm_family = ip_addr_is4(&n->addr) ? AF_INET : AF_INET6, .ndm_ifindex = (int)n->ifindex,
			      .ndm_state = neigh_state(n->state), .ndm_type = RTN_UNICAST };
	uint64_t age_us = n->confirmed_us && now_us > n->confirmed_us ? now_us - n->confirmed_us : 0;
	struct nda_cacheinfo cache = { .ndm_confirmed = (uint32_t)(age_us / (1000000 / CLOCK_HZ)), .ndm_refcnt = 1 };
	uint32_t begin = message_begin(d, RTM_NEWNEIGH, who, &head, sizeof(head));

	cache.ndm_used = cache.ndm_updated = cache.ndm_confirmed;
	attribute_addr(d, NDA_DST, &n->addr);
	if (!(head.ndm_state & (NUD_INCOMPLETE | NUD_FAILED)))
		attribute(d, NDA_LLADDR, n->mac, sizeof(n->mac));
	attribute(d, NDA_CACHEINFO, &cache, sizeof(cache));
	return message_end(d, begin);
}

/* ---- Walking the tables ------------------------------------------------------------------------------------------- */

struct walk {
	struct stack *st;
	struct netlink_datagram *out;
	struct asker who;
	uint8_t family;
	bool is_plain; /* without counters and lifetimes */
	uint64_t now_us;
	uint32_t skip, told; /* entries passed over; and, of those after them, composed or not wanted */
	uint32_t limit;	     /* of told */
};

/* Whether the walk has reached the entry; *stop when it has done its share. */
static bool is_due(struct walk *w, bool *stop)
{
	*stop = w->told == w->limit;
	if (*stop)
		return false;
	if (w->skip) {
		w->skip--;
		return false;
	}
	return true;
}

static bool is_family(const struct walk *w, const struct ip_addr *a)
{
	return w->family == AF_UNSPEC || w->family == (ip_addr_is4(a) ? AF_INET : AF_INET6);
}

/* An entry of which @composed says whether it found room. Returns whether the walk goes on. */
static bool go_on(struct walk *w, bool composed)
{
	w->told += composed;
	return composed;
}

static bool walk_link(void *ctx, const struct link_info *l)
{
	struct walk *w = ctx;
	bool stop;

	if (!is_due(w, &stop))
		return !stop;
	return go_on(w, compose_link(w->out, &w->who, l, !w->is_plain));
}

static bool walk_addr(void *ctx, const struct addr_info *a)
{
	struct walk *w = ctx;
	bool stop;

	if (!is_due(w, &stop))
		return !stop;
	return go_on(w, !is_family(w, &a->prefix.addr) || !is_shown(a) || compose_addr(w->out, &w->who, w->st, a, !w->is_plain));
}

struct link_state {
	uint32_t ifindex;
	bool is_up;
};

static bool match_link_state(void *ctx, const struct link_info *l)
{
	struct link_state *s = ctx;

	if (l->ifindex == s->ifindex)
		s->is_up = l->is_up;
	return l->ifindex != s->ifindex;
}

/* Like the kernel, which takes the routes of a device away when it goes down. */
static bool leads_somewhere(struct stack *st, const struct route_info *r)
{
	struct link_state s = { .ifindex = r->config.ifindex };

	stack_each_link(st, match_link_state, &s);
	return s.is_up;
}

static bool walk_route(void *ctx, const struct route_info *r)
{
	struct walk *w = ctx;
	bool stop;

	if (!is_due(w, &stop))
		return !stop;
	return go_on(w, !is_family(w, &r->config.prefix.addr) || !leads_somewhere(w->st, r) || compose_route(w->out, &w->who, r));
}

static bool walk_local_route(void *ctx, const struct addr_info *a)
{
	struct walk *w = ctx;
	bool stop;

	if (!is_due(w, &stop))
		return !stop;
	return go_on(w, !is_family(w, &a->prefix.addr) || !is_shown(a) || compose_local_route(w->out, &w->who, a));
}

static bool walk_neigh(void *ctx, const struct neigh_info *n)
{
	struct walk *w = ctx;
	bool stop;

	if (!is_due(w, &stop))
		return !stop;
	return go_on(w, !is_family(w, &n->addr) || compose_neigh(w->out, &w->who, n, w->now_us));
}

static void walk_family(struct walk *w, uint16_t type, uint8_t family)
{
	w->family = family;
	switch (type) {
	case RTM_GETLINK:
		stack_each_link(w->st, walk_link, w);
		break;
	case RTM_GETADDR:
		stack_each_addr(w->st, walk_addr, w);
		break;
	case RTM_GETROUTE:
		stack_each_route(w->st, walk_route, w);
		if (!w->out->is_full)
			stack_each_addr(w->st, walk_local_route, w);
		break;
	case RTM_GETNEIGH:
		stack_each_neigh(w->st, walk_neigh, w);
		break;
	}
}

/* Of both families IPv4 comes first, as from the kernel. */
static void walk_table(struct walk *w, uint16_t type, uint8_t family)
{
	if (family != AF_UNSPEC || type == RTM_GETLINK) {
		walk_family(w, type, family);
		return;
	}
	walk_family(w, type, AF_INET);
	if (!w->out->is_full)
		walk_family(w, type, AF_INET6);
}

void netlink_continue_dump(struct stack *st, struct netlink_dump *dump, uint64_t now_us, struct netlink_datagram *out)
{
	struct walk w = { .st = st, .out = out, .who = { dump->seq, dump->port_id, NLM_F_MULTI },
			  .now_us = now_us, .skip = dump->at, .limit = UINT32_MAX };
	int32_t zero = 0;
	uint32_t begin;

	out->bytes = 0;
	out->is_full = false;
	walk_table(&w, dump->type, dump->family);
	dump->at += w.told;
	if (out->bytes) /* the end comes in a datagram of its own, as from the kernel */
		return;
	out->is_full = false;
	begin = message_begin(out, NLMSG_DONE, &w.who, &zero, sizeof(zero));
	message_end(out, begin);
	dump->is_active = false;
}

bool netlink_describe(struct stack *st, enum netlink_table table, uint32_t at, struct netlink_datagram *out)
{
	struct walk w = { .st = st, .out = out, .is_plain = true, .skip = at, .limit = 1 };

	out->bytes = 0;
	out->is_full = false;
	if (table == NETLINK_LINKS)
		stack_each_link(st, walk_link, &w);
	else if (table == NETLINK_ADDRS)
		stack_each_addr(st, walk_addr, &w);
	else
		stack_each_route(st, walk_route, &w);
	return w.told;
}

unsigned netlink_group_of(const uint8_t *message)
{
	struct nlmsghdr h;
	uint8_t family = message[sizeof(h)]; /* the first byte of all of their heads */

	memcpy(&h, message, sizeof(h));
	switch (h.nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return RTNLGRP_LINK;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return family == AF_INET ? RTNLGRP_IPV4_IFADDR : RTNLGRP_IPV6_IFADDR;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return family == AF_INET ? RTNLGRP_IPV4_ROUTE : RTNLGRP_IPV6_ROUTE;
	}
	return RTNLGRP_NONE;
}

/* ---- Requests for one thing --------------------------------------------------------------------------------------- */

/* The attribute @type among @len bytes: its value and *bytes, or NULL. */
static const uint8_t *find_attribute(const uint8_t *data, size_t len, uint16_t type, size_t *bytes)
{
	while (len >= sizeof(struct rtattr)) {
		struct rtattr a;
		size_t padded;

		memcpy(&a, data, sizeof(a));
		if (a.rta_len < sizeof(a) || a.rta_len > len)
			return NULL;
		if ((a.rta_type & NLA_TYPE_MASK) == type) {
			*bytes = a.rta_len - sizeof(a);
			return data + sizeof(a);
		}
		padded = RTA_ALIGN(a.rta_len);
		if (padded >= len)
			return NULL;
		data += padded;
		len -= padded;
	}
	return NULL;
}

struct wanted_link {
	uint32_t ifindex;
	char name[LINK_NAME_MAX];
	struct link_info found;
};

static bool match_link(void *ctx, const struct link_info *l)
{
	struct wanted_link *w = ctx;

	if (w->ifindex ? l->ifindex != w->ifindex : strcmp(l->config.name, w->name) != 0)
		return true;
	w->found = *l;
	return false;
}

static bool find_link(struct stack *st, struct wanted_link *w)
{
	w->found.ifindex = 0;
	stack_each_link(st, match_link, w);
	return w->found.ifindex != 0;
}

static const char *link_name(struct stack *st, uint32_t ifindex, char name[LINK_NAME_MAX])
{
	struct wanted_link w = { .ifindex = ifindex };

	if (find_link(st, &w))
		memcpy(name, w.found.config.name, LINK_NAME_MAX);
	else
		name[0] = 0;
	return name;
}

static int get_link(struct stack *st, const uint8_t *body, size_t len, const struct asker *who, struct netlink_datagram *out)
{
	struct wanted_link w = { 0 };
	struct ifinfomsg head;
	const uint8_t *name;
	size_t bytes;

	if (len < sizeof(head))
		return -EINVAL;
	memcpy(&head, body, sizeof(head));
	if (head.ifi_index < 0)
		return -EINVAL;
	w.ifindex = (uint32_t)head.ifi_index;
	if (!w.ifindex) {
		name = find_attribute(body + sizeof(head), len - sizeof(head), IFLA_IFNAME, &bytes);
		if (!name)
			name = find_attribute(body + sizeof(head), len - sizeof(head), IFLA_ALT_IFNAME, &bytes);
		if (!name || !bytes)
			return -EINVAL;
		if (bytes > sizeof(w.name) || (bytes == sizeof(w.name) && name[bytes - 1]))
			return -ENODEV; /* longer than any */
		memcpy(w.name, name, bytes);
	}
	if (!find_link(st, &w))
		return -ENODEV;
	compose_link(out, who, &w.found, true);
	return 0;
}

/* The address of an attribute, of the family's size. 0, or -EINVAL: there is one of another size. *addr: the wildcard when there is none. */
static int read_addr(const uint8_t *attributes, size_t len, uint16_t type, int family, struct ip_addr *addr)
{
	size_t bytes;
	const uint8_t *value = find_attribute(attributes, len, type, &bytes);

	*addr = ip_addr_any(family);
	if (!value)
		return 0;
	if (bytes != (family == AF_INET ? 4u : 16u))
		return -EINVAL;
	*addr = family == AF_INET ? ip_addr_from4(value) : ip_addr_from6(value);
	return 0;
}

static int get_route(struct stack *st, const uint8_t *body, size_t len, const struct asker *who, uint64_t now_us,
		     struct netlink_datagram *out)
{
	struct route_found found;
	struct ip_addr dst, src;
	uint32_t ifindex = 0;
	struct rtmsg head;
	const uint8_t *value;
	size_t bytes;
	int err;

	if (len < sizeof(head))
		return -EINVAL;
	memcpy(&head, body, sizeof(head));
	if (head.rtm_family != AF_INET && head.rtm_family != AF_INET6)
		return -EOPNOTSUPP;
	err = read_addr(body + sizeof(head), len - sizeof(head), RTA_DST, head.rtm_family, &dst);
	if (!err)
		err = read_addr(body + sizeof(head), len - sizeof(head), RTA_SRC, head.rtm_family, &src);
	if (err)
		return err;
	value = find_attribute(body + sizeof(head), len - sizeof(head), RTA_OIF, &bytes);
	if (value && bytes == sizeof(ifindex))
		memcpy(&ifindex, value, sizeof(ifindex));
	err = stack_find_route(st, &dst, &src, ifindex, &found, now_us);
	if (err == -EADDRNOTAVAIL && !ip_addr_is_any(&src))
		return -EINVAL; /* from an address that is not ours (as the kernel says) */
	if (err)
		return err == -EADDRNOTAVAIL ? -ENETUNREACH : err;
	compose_found_route(out, who, &dst, &found);
	return 0;
}

/* Which number a network namespace has here: none. iproute2 asks it of each that has a name. */
static int get_nsid(const struct asker *who, struct netlink_datagram *out)
{
	static const struct rtgenmsg head;
	uint32_t begin = message_begin(out, RTM_NEWNSID, who, &head, sizeof(head));

	attribute_u32(out, NETNSA_NSID, (uint32_t)NETNSA_NSID_NOT_ASSIGNED);
	message_end(out, begin);
	return 0;
}

/* ---- Notifications ------------------------------------------------------------------------------------------------ */

static bool is_same_attribute(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len, uint16_t type)
{
	size_t a_bytes = 0, b_bytes = 0;
	const uint8_t *x = find_attribute(a, a_len, type, &a_bytes), *y = find_attribute(b, b_len, type, &b_bytes);

	return x && y ? a_bytes == b_bytes && memcmp(x, y, a_bytes) == 0 : !x && !y;
}

/* What makes an address, or a route, another one: the part of the header that counts, and these attributes. */
bool netlink_is_same(const uint8_t *a, const uint8_t *b)
{
	static const uint16_t addr_key[] = { IFA_ADDRESS, 0 }, route_key[] = { RTA_DST, RTA_PRIORITY, RTA_GATEWAY, RTA_OIF, 0 };
	const size_t flags_at = offsetof(struct ifaddrmsg, ifa_flags);
	const uint16_t *key;
	struct nlmsghdr x, y;
	struct ifaddrmsg p, q;
	size_t head = NLMSG_HDRLEN;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	if (x.nlmsg_type != y.nlmsg_type || (x.nlmsg_type != RTM_NEWADDR && x.nlmsg_type != RTM_NEWROUTE))
		return false;
	if (x.nlmsg_type == RTM_NEWADDR) {
		memcpy(&p, a + head, sizeof(p));
		memcpy(&q, b + head, sizeof(q));
		if (memcmp(&p, &q, flags_at) != 0 || p.ifa_index != q.ifa_index)
			return false;
		head += sizeof(p);
		key = addr_key;
	} else {
		if (memcmp(a + head, b + head, sizeof(struct rtmsg)) != 0)
			return false;
		head += sizeof(struct rtmsg);
		key = route_key;
	}
	for (; *key; key++)
		if (!is_same_attribute(a + head, x.nlmsg_len - head, b + head, y.nlmsg_len - head, *key))
			return false;
	return true;
}

/* ---- A message ---------------------------------------------------------------------------------------------------- */

size_t netlink_next_message(const uint8_t *data, size_t len)
{
	struct nlmsghdr h;
	size_t padded;

	if (len < sizeof(h))
		return 0;
	memcpy(&h, data, sizeof(h));
	if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > len)
		return 0;
	padded = NLMSG_ALIGN((size_t)h.nlmsg_len);
	return padded < len ? padded : len;
}

/* RTM_* come in fours: NEW, DEL, GET, SET. */
static bool is_question(uint16_t type)
{
	return (type - RTM_BASE) % 4 == 2;
}

static bool has_dump(uint16_t type)
{
	return type == RTM_GETLINK || type == RTM_GETADDR || type == RTM_GETROUTE || type == RTM_GETNEIGH;
}

/* 0 or -errno; -errno, and an answer was made neither in @out nor in @dump. */
static int answer(struct stack *st, const struct nlmsghdr *h, const uint8_t *body, size_t len, uint32_t port_id, uint64_t now_us,
		  struct netlink_datagram *out, struct netlink_dump *dump)
{
	struct asker who = { h->nlmsg_seq, port_id, 0 };

	if (h->nlmsg_type < RTM_BASE) /* NLMSG_NOOP and its like ask nothing */
		return 0;
	if (h->nlmsg_type > RTM_MAX)
		return -EOPNOTSUPP;
	if (len < 1) /* struct rtgenmsg, the least that any of them has */
		return 0;
	if (!is_question(h->nlmsg_type))
		return -EPERM;
	if (h->nlmsg_flags & NLM_F_DUMP) {
		if (!has_dump(h->nlmsg_type))
			return -EOPNOTSUPP;
		*dump = (struct netlink_dump){ .is_active = true, .type = h->nlmsg_type, .seq = h->nlmsg_seq, .port_id = port_id,
					       .family = body[0] == AF_PACKET ? AF_UNSPEC : body[0] };
		return 0;
	}
	if (h->nlmsg_type == RTM_GETLINK)
		return get_link(st, body, len, &who, out);
	if (h->nlmsg_type == RTM_GETROUTE)
		return get_route(st, body, len, &who, now_us, out);
	if (h->nlmsg_type == RTM_GETNSID)
		return get_nsid(&who, out);
	return -EOPNOTSUPP;
}

void netlink_answer(struct stack *st, const uint8_t *message, size_t len, uint32_t port_id, uint64_t now_us,
		    struct netlink_datagram *out, struct netlink_dump *dump)
{
	struct nlmsghdr h;
	int error = 0;

	out->bytes = 0;
	out->is_full = false;
	memcpy(&h, message, sizeof(h));
	if (h.nlmsg_len < len)
		len = h.nlmsg_len; /* without the padding */
	if (h.nlmsg_flags & NLM_F_REQUEST)
		error = answer(st, &h, message + sizeof(h), len - sizeof(h), port_id, now_us, out, dump);
	/* A dump's end says that all is well. */
	if (error || (h.nlmsg_flags & NLM_F_ACK && !dump->is_active))
		compose_error(out, message, len, port_id, error);
}
