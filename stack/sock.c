/* SPDX-License-Identifier: BSD-2-Clause */
/* The common part of every socket: its life and id, names, events, and the door to its protocol's operations. */
#include "core.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "addr_select.h"
#include "nd_router.h"

enum { BUCKETS_FIRST = 64 };

static const struct sock_ops *const all_ops[SOCK_POOLS] = { &tcp_sock_ops, &udp_sock_ops, &raw_sock_ops, &ping_sock_ops };

static struct pool *pool_of(struct stack *st, const struct sock_ops *ops)
{
	unsigned i = 0;

	while (all_ops[i] != ops)
		i++;
	return &st->socks.pools[i];
}

/* ---- The table by id ---------------------------------------------------------------------------------------------- */

static struct sock **new_buckets(struct stack *st, uint32_t count)
{
	return mem_alloc(&st->mem, count * sizeof(struct sock *));
}

int sock_table_init(struct stack *st)
{
	struct sock_table *t = &st->socks;

	for (unsigned i = 0; i < SOCK_POOLS; i++)
		pool_init(&t->pools[i], &st->mem, all_ops[i]->sock_bytes, UINT32_MAX);
	t->id_rng.key = hash_key_derive(st->config.seed, "socket ids");
	t->buckets = new_buckets(st, BUCKETS_FIRST);
	if (!t->buckets)
		return -ENOBUFS;
	t->bucket_count = BUCKETS_FIRST;
	return 0;
}

void sock_table_fini(struct stack *st)
{
	struct sock_table *t = &st->socks;

	mem_free(&st->mem, t->buckets);
	for (unsigned i = 0; i < SOCK_POOLS; i++)
		pool_fini(&t->pools[i]);
}

void sock_destroy_all(struct stack *st, const struct sock_ops *ops)
{
	struct sock_table *t = &st->socks;

	for (uint32_t i = 0; i < t->bucket_count; i++) {
		struct sock *next;

		for (struct sock *s = t->buckets[i]; s; s = next) {
			next = s->id_next;
			if (s->ops == ops)
				ops->destroy(s);
		}
	}
}

/* Ids are random and need no further hash. */
static struct sock **bucket_of(struct sock_table *t, uint64_t id)
{
	return &t->buckets[id & (t->bucket_count - 1)];
}

static struct sock *find(struct sock_table *t, uint64_t id)
{
	struct sock *s = *bucket_of(t, id);

	while (s && s->id != id)
		s = s->id_next;
	return s;
}

static void chain(struct sock_table *t, struct sock *s)
{
	struct sock **bucket = bucket_of(t, s->id);

	s->id_next = *bucket;
	*bucket = s;
}

/* One socket a bucket on average. Without memory the chains just become longer. */
static void grow(struct stack *st)
{
	struct sock_table *t = &st->socks;
	struct sock **old = t->buckets, *s;
	uint32_t old_count = t->bucket_count;
	struct sock **buckets = new_buckets(st, old_count * 2);

	if (!buckets)
		return;
	t->buckets = buckets;
	t->bucket_count = old_count * 2;
	for (uint32_t i = 0; i < old_count; i++) {
		while ((s = old[i])) {
			old[i] = s->id_next;
			chain(t, s);
		}
	}
	mem_free(&st->mem, old);
}

static void enter_table(struct stack *st, struct sock *s)
{
	struct sock_table *t = &st->socks;

	if (t->count >= t->bucket_count)
		grow(st);
	do
		s->id = rng_u64(&t->id_rng);
	while (s->id == 0 || find(t, s->id));
	chain(t, s);
	t->count++;
}

static void leave_table(struct stack *st, struct sock *s)
{
	struct sock **at = bucket_of(&st->socks, s->id);

	while (*at != s)
		at = &(*at)->id_next;
	*at = s->id_next;
	st->socks.count--;
}

/* ---- Life --------------------------------------------------------------------------------------------------------- */

struct sock *sock_alloc(struct stack *st, const struct sock_ops *ops, int family, int type, int protocol,
			const struct sock *like)
{
	struct sock *s = NULL;

	if (st->socks.count < st->config.sockets_max)
		s = pool_get(pool_of(st, ops));
	if (!s) {
		stat_count(st, STAT_MEM_OBJECTS_EXHAUSTED);
		return NULL;
	}
	s->ops = ops;
	s->st = st;
	s->family = (uint8_t)family;
	s->type = (uint8_t)type;
	s->protocol = (uint8_t)protocol;
	s->local.addr = s->remote.addr = ip_addr_any(family);
	list_init(&s->event_link);
	port_hold_init(&s->port);
	if (like) {
		s->opt = like->opt;
		s->owner = like->owner;
		s->owner_pid = like->owner_pid;
	} else {
		sockopt_init(&s->opt, st);
		s->opt.mcast_all = family == AF_INET; /* of an IPv6 socket Linux leaves it unset */
		s->opt.reuse_addr = type == SOCK_RAW || ops == &ping_sock_ops; /* as Linux: they share */
	}
	enter_table(st, s);
	return s;
}

void sock_free(struct sock *s)
{
	struct stack *st = s->st;

	mcast_leave_all(s);
	ip6_txopts_free(s);
	flow_labels_release(s);
	mem_free(&st->mem, s->ip4_txopt);
	port_release(st, &s->port);
	list_remove(&s->event_link);
	leave_table(st, s);
	pool_put(pool_of(st, s->ops), s);
}

/* The protocol of socket(@family, @type, @protocol), and *number for protocol 0. */
static const struct sock_ops *find_protocol(int family, int type, int protocol, int *number, int *err)
{
	int icmp = family == AF_INET ? IPPROTO_NR_ICMP : IPPROTO_NR_ICMP6;

	*err = -EPROTONOSUPPORT;
	*number = protocol;
	switch (type) {
	case SOCK_STREAM:
		*number = IPPROTO_NR_TCP;
		return protocol == 0 || protocol == IPPROTO_NR_TCP ? &tcp_sock_ops : NULL;
	case SOCK_DGRAM:
		if (protocol == icmp)
			return &ping_sock_ops;
		*number = IPPROTO_NR_UDP;
		return protocol == 0 || protocol == IPPROTO_NR_UDP ? &udp_sock_ops : NULL;
	case SOCK_RAW:
		return protocol > 0 && protocol < 256 ? &raw_sock_ops : NULL;
	default:
		*err = -ESOCKTNOSUPPORT;
		return NULL;
	}
}

struct sock *sock_open(struct stack *st, int family, int type, int protocol, int *err)
{
	const struct sock_ops *ops;
	struct sock *s;
	int number;

	*err = -EAFNOSUPPORT;
	if (family != AF_INET && family != AF_INET6)
		return NULL;
	ops = find_protocol(family, type, protocol, &number, err);
	if (!ops)
		return NULL;
	*err = -ENOBUFS;
	s = sock_alloc(st, ops, family, type, number, NULL);
	if (!s)
		return NULL;
	*err = ops->init ? ops->init(s) : 0;
	if (*err < 0) {
		sock_free(s);
		return NULL;
	}
	return s;
}

static void give_up(struct sock *s, bool abort, uint64_t now_us)
{
	s->st->now_us = now_us;
	s->is_orphan = true;
	s->user = NULL;
	s->events = 0;
	list_remove(&s->event_link);
	mcast_leave_all(s); /* at once, whatever the protocol has still to do */
	s->ops->close(s, abort, now_us);
}

void sock_close(struct sock *s, uint64_t now_us)
{
	give_up(s, false, now_us);
}

void sock_abort(struct sock *s, uint64_t now_us)
{
	give_up(s, true, now_us);
}

/* ---- What a socket is --------------------------------------------------------------------------------------------- */

uint64_t sock_id(const struct sock *s)
{
	return s->id;
}

bool sock_lingers(struct stack *st, uint64_t id)
{
	const struct sock *s = find(&st->socks, id);

	return s && s->is_orphan && s->type == SOCK_STREAM && tcp_sock_awaits_ack(s);
}

struct sock *sock_by_id(struct stack *st, uint64_t id)
{
	struct sock *s = find(&st->socks, id);

	return s && !s->is_orphan ? s : NULL;
}

void *sock_user(const struct sock *s)
{
	return s->user;
}

void sock_set_user(struct sock *s, void *user)
{
	s->user = user;
}

void sock_set_owner(struct sock *s, uint32_t owner, int32_t pid)
{
	s->owner = owner;
	s->owner_pid = pid;
}

int sock_getname(const struct sock *s, struct ip_endpoint *local)
{
	*local = s->local;
	return 0;
}

int sock_getpeer(const struct sock *s, struct ip_endpoint *remote)
{
	if (!s->is_connected)
		return -ENOTCONN;
	*remote = s->remote;
	return 0;
}

void sock_describe(struct sock *s, struct sock_info *info, uint64_t now_us)
{
	*info = (struct sock_info){
		.id = s->id,
		.family = s->family,
		.type = s->type,
		.protocol = s->protocol,
		.state = s->is_connected ? "ESTAB" : "UNCONN",
		.local = s->local,
		.remote = s->remote,
	};
	if (s->ops->describe)
		s->ops->describe(s, info, now_us);
}

void stack_each_sock(struct stack *st, bool (*fn)(void *ctx, const struct sock_info *), void *ctx, uint64_t now_us)
{
	struct sock_table *t = &st->socks;
	struct sock_info info;

	for (uint32_t i = 0; i < t->bucket_count; i++) {
		for (struct sock *s = t->buckets[i]; s; s = s->id_next) {
			sock_describe(s, &info, now_us);
			if (!fn(ctx, &info))
				return;
		}
	}
	for (unsigned i = 0; i < SOCK_POOLS; i++)
		if (all_ops[i]->each_other && !all_ops[i]->each_other(st, fn, ctx, now_us))
			return;
}

/* ---- Events ------------------------------------------------------------------------------------------------------- */

void sock_raise(struct sock *s, uint32_t events)
{
	if (s->is_orphan)
		return;
	s->events |= events;
	if (!list_is_linked(&s->event_link))
		list_append(&s->st->event_socks, &s->event_link);
}

void sock_set_error(struct sock *s, int error)
{
	s->error = error;
	sock_raise(s, SOCK_ERROR);
}

int sock_take_error(struct sock *s)
{
	int error = s->error;

	s->error = 0;
	return error;
}

struct sock *stack_next_event(struct stack *st, uint32_t *events)
{
	struct list *n = list_pop(&st->event_socks);
	struct sock *s;

	if (!n)
		return NULL;
	s = container_of(n, struct sock, event_link);
	*events = s->events;
	s->events = 0;
	return s;
}

bool stack_has_events(const struct stack *st)
{
	return !list_is_empty(&st->event_socks);
}

int sock_poll(const struct sock *s)
{
	return s->ops->poll(s) | (s->error ? POLLERR : 0);
}

/* ---- Addresses and routes ----------------------------------------------------------------------------------------- */

bool sock_may_use(const struct sock *s, const struct ip_addr *a)
{
	if (ip_addr_is4(a))
		return s->family == AF_INET || !s->opt.v6only;
	return s->family == AF_INET6;
}

void sock_wildcard_to_loopback(struct ip_addr *a)
{
	static const uint8_t loopback4[4] = { 127, 0, 0, 1 };
	static const uint8_t loopback6[16] = { [15] = 1 };

	if (ip_addr_is_any(a))
		*a = ip_addr_is4(a) ? ip_addr_from4(loopback4) : ip_addr_from6(loopback6);
}

/* Whether the address means nothing without its link (RFC 4007 section 6). */
static bool is_scoped(const struct ip_addr *a)
{
	if (ip_addr_is4(a))
		return false;
	return ip_addr_is_linklocal(a) ||
	       (ip_addr_is_multicast(a) && ((a->b[1] & 0xf) == ADDR_SCOPE_INTERFACE || (a->b[1] & 0xf) == ADDR_SCOPE_LINK));
}

uint32_t sock_scope_of(const struct ip_addr *a, uint32_t ifindex)
{
	return is_scoped(a) ? ifindex : 0;
}

/* As Linux, which looks at the scope of such addresses only. */
static struct ip_endpoint with_scope_if_any(const struct ip_endpoint *e)
{
	struct ip_endpoint to = *e;

	if (!is_scoped(&e->addr))
		to.scope_id = 0;
	return to;
}

/* The link that the socket is tied to: SO_BINDTODEVICE, or that of the link-local address it is bound to. 0: none. */
static uint32_t tied_link(const struct sock *s)
{
	return s->opt.bound_ifindex ? s->opt.bound_ifindex : is_scoped(&s->local.addr) ? s->local.scope_id : 0;
}

/* The link of an address to connect to that does not name it; for groups IPV6_MULTICAST_IF's will do (as Linux). */
static uint32_t link_to_connect(const struct sock *s, const struct ip_addr *a)
{
	uint32_t tied = tied_link(s);

	return tied == 0 && ip_addr_is_multicast(a) ? s->opt.mcast_ifindex6 : tied;
}

/* 0, or what Linux says of a link-local address or group without a link, or with another than the socket's. */
static int check_scope(const struct sock *s, const struct ip_endpoint *e)
{
	uint32_t tied = e->scope_id ? tied_link(s) : link_to_connect(s, &e->addr);

	if (!is_scoped(&e->addr))
		return 0;
	return (tied == 0 && e->scope_id == 0) || (tied && e->scope_id && tied != e->scope_id) ? -EINVAL : 0;
}

static int bind_checked(struct sock *s, const struct ip_endpoint *local)
{
	if (s->opt.bind_no_port && local->port == 0 && s->type == SOCK_STREAM) { /* connect(2) will choose it */
		s->local.addr = local->addr;
		s->local.scope_id = local->scope_id;
		return 0;
	}
	return s->ops->bind ? s->ops->bind(s, local) : port_bind(s, local);
}

int sock_bind(struct sock *s, const struct ip_endpoint *local)
{
	struct ip_endpoint to;
	int err;

	if (!sock_may_use(s, &local->addr))
		return s->family == AF_INET ? -EAFNOSUPPORT : -EINVAL;
	if (s->is_bound || s->is_connected)
		return -EINVAL;
	to = with_scope_if_any(local);
	if (is_scoped(&to.addr) && to.scope_id == 0)
		to.scope_id = s->opt.bound_ifindex;
	if (is_scoped(&to.addr) && to.scope_id == 0)
		return -EINVAL;
	if (to.scope_id && !link_by_ifindex(s->st, to.scope_id))
		return -ENODEV;
	if (s->type == SOCK_STREAM && !ip_addr_is4(&local->addr) && ip_addr_is_multicast(&local->addr))
		return -EINVAL; /* Linux lets a stream of IPv4 bind to a group: nothing ever comes of it */
	if (!s->opt.freebind && !s->opt.transparent) {
		err = ip_check_bind(s->st, &to.addr, to.scope_id);
		if (err < 0)
			return err;
	}
	s->dst.ifindex = 0;
	err = bind_checked(s, &to);
	if (err == 0 && is_scoped(&to.addr) && to.scope_id != 0)
		s->opt.bound_ifindex = to.scope_id; /* as Linux, whatever SO_BINDTODEVICE said */
	if (err == 0 && s->type != SOCK_RAW && !ip_addr_is4(&local->addr) && !ip_addr_is_any(&local->addr))
		s->opt.v6only = true; /* as Linux: what has an IPv6 address cannot talk to IPv4 */
	return err;
}

bool sock_unbind(struct sock *s, struct ip_endpoint *was)
{
	if (!s->is_bound || s->is_connected)
		return false;
	*was = s->local;
	port_release(s->st, &s->port);
	s->is_bound = s->addr_is_bound = s->port_is_bound = false;
	s->local = (struct ip_endpoint){ .addr = ip_addr_any(s->family) };
	return true;
}

/* The flow label that connect(2) was given, with IPV6_FLOWINFO_SEND. */
static int take_flow_label(struct sock *s, const struct ip_addr *to)
{
	uint32_t label = s->opt.flowinfo_send && !ip_addr_is4(to) ? s->next_flow_info & FLOW_LABEL_BITS : 0;

	s->next_flow_info = 0;
	if (label && !flow_label_is_allowed(s, label))
		return -EINVAL;
	if (s->type != SOCK_STREAM || !s->is_connected)
		s->flow_label = label;
	return 0;
}

int sock_connect(struct sock *s, const struct ip_endpoint *remote, uint64_t now_us)
{
	struct ip_endpoint to;
	int err;

	s->st->now_us = now_us;
	if (!remote)
		return s->ops->connect(s, NULL, now_us);
	if (!sock_may_use(s, &remote->addr))
		return s->family == AF_INET ? -EAFNOSUPPORT : -ENETUNREACH;
	if (check_scope(s, remote) < 0)
		return -EINVAL;
	if (s->type == SOCK_STREAM && !s->is_connected && (ip_addr_is_multicast(&s->local.addr) || ip_addr_is_broadcast(&s->local.addr)))
		s->local.addr = ip_addr_any(AF_INET); /* as Linux: from the device's address */
	to = with_scope_if_any(remote);
	if (is_scoped(&to.addr) && to.scope_id == 0)
		to.scope_id = link_to_connect(s, &to.addr);
	sock_wildcard_to_loopback(&to.addr);
	err = take_flow_label(s, &to.addr);
	return err < 0 ? err : s->ops->connect(s, &to, now_us);
}

uint32_t sock_asked_link(const struct sock *s, const struct ip_endpoint *remote, uint32_t ifindex)
{
	if (ifindex == 0)
		ifindex = is_scoped(&remote->addr) && remote->scope_id ? remote->scope_id : s->opt.bound_ifindex;
	if (ifindex == 0 && s->type != SOCK_STREAM && !ip_addr_is4(&remote->addr))
		ifindex = s->opt.sticky_ifindex6;
	if (ifindex == 0 && ip_addr_is_multicast(&remote->addr))
		ifindex = ip_addr_is4(&remote->addr) ? s->opt.mcast_ifindex : s->opt.mcast_ifindex6;
	else if (ifindex == 0 && s->type != SOCK_STREAM)
		ifindex = ip_addr_is4(&remote->addr) ? s->opt.unicast_ifindex : s->opt.unicast_ifindex6;
	return ifindex;
}

uint8_t sock_pmtudisc(const struct sock *s, const struct ip_addr *remote)
{
	return ip_addr_is4(remote) ? s->opt.pmtudisc : s->opt.pmtudisc6;
}

/* How large packets may be is the path's business, the link's alone, or what IPV6_MTU says. */
static void choose_mtu(const struct sock *s, const struct ip_addr *remote, struct ip_dst *d)
{
	const struct link *l = link_by_ifindex(s->st, d->ifindex);

	if (sock_pmtudisc(s, remote) >= IP_PMTUDISC_PROBE && l && !d->is_local) {
		d->mtu = l->config.mtu;
		d->is_mtu_locked = false;
	}
	if (s->type != SOCK_STREAM && !ip_addr_is4(remote) && s->opt.frag_bytes6 && s->opt.frag_bytes6 < d->mtu)
		d->mtu = s->opt.frag_bytes6;
}

/* IPV6_ADDR_PREFERENCES (RFC 5014 section 4): a temporary source, or a public one. There are no home addresses here. */
static void prefer_source(const struct sock *s, const struct ip_addr *dst, struct ip_dst *d)
{
	uint32_t asked = s->opt.addr_prefs & (SOCK_PREFER_TMP | SOCK_PREFER_PUBLIC);
	const struct if_addr *e;

	if (!asked || d->is_local || ip_addr_is4(dst))
		return;
	e = addr_prefer_source(s->st, dst, &d->next_hop, d->ifindex, asked & SOCK_PREFER_TMP);
	if (e)
		d->src = e->prefix.addr;
}

int sock_find_route(const struct sock *s, const struct ip_endpoint *remote, const struct ip_addr *src, uint32_t ifindex,
		    struct ip_dst *out)
{
	int err = ip_route(s->st, &remote->addr, src, sock_asked_link(s, remote, ifindex), out);

	if (err < 0)
		return err;
	if (s->opt.addr_prefs && (!src || ip_addr_is_any(src)))
		prefer_source(s, &remote->addr, out);
	if (s->opt.dont_route && !out->is_local && !out->is_multicast && !out->is_broadcast &&
	    !ip_addr_eq(&out->next_hop, &remote->addr))
		return -ENETUNREACH;
	choose_mtu(s, &remote->addr, out);
	return 0;
}

void sock_put_tx_options(const struct sock *s, struct ip_tx *tx, struct sock_tx_room *room)
{
	if (!ip_addr_is4(&tx->dst)) {
		if (ip6_txopts_has_sticky(s)) {
			room->ext = ip6_txopts_sticky(s);
			tx->ext = &room->ext;
		}
	} else if (s->ip4_txopt) {
		ip4_txopt_build(s->ip4_txopt, &tx->src, &tx->dst, s->st->now_us, &room->ip4);
		tx->options = room->ip4.options.bytes;
		tx->options_len = room->ip4.options.len;
		tx->route4 = room->ip4.has_route ? &room->ip4.first_hop : NULL;
	}
}

uint32_t sock_tx_options_bytes(const struct sock *s, const struct ip_addr *dst)
{
	struct ip6_txopts ext;

	if (ip_addr_is4(dst))
		return s->ip4_txopt ? s->ip4_txopt->len : 0;
	ext = ip6_txopts_sticky(s);
	return ip6_txopts_bytes(&ext);
}

/* Where packets to @remote go first: there, or to the first address of the route that the socket's options name. */
static struct ip_endpoint first_hop(const struct sock *s, const struct ip_endpoint *remote)
{
	struct ip_endpoint to = *remote;
	struct ip6_txopts ext;

	if (ip_addr_is4(&remote->addr)) {
		to.addr = ip4_txopt_first_hop(s->ip4_txopt, &remote->addr);
	} else {
		ext = ip6_txopts_sticky(s);
		to.addr = ip6_txopts_first_hop(&ext, &remote->addr);
	}
	return to;
}

int sock_route(struct sock *s, const struct ip_endpoint *remote)
{
	struct ip_endpoint to = first_hop(s, remote);
	int err = sock_find_route(s, &to, &s->local.addr, 0, &s->dst);

	if (err == 0 && s->dst.is_gatewayed && ip_addr_is4(&to.addr) && ip4_txopt_is_strict(s->ip4_txopt))
		err = -ENETUNREACH;
	if (err < 0)
		s->dst.ifindex = 0;
	return err;
}

uint8_t sock_ttl(const struct sock *s, const struct ip_addr *dst)
{
	const struct tunables *t = &s->st->tunables;

	if (ip_addr_is4(dst)) {
		if (ip_addr_is_multicast(dst))
			return s->opt.mcast_ttl;
		return s->opt.ttl ? s->opt.ttl : (uint8_t)t->ip_default_ttl;
	}
	if (ip_addr_is_multicast(dst))
		return s->opt.mcast_hops;
	return s->opt.hop_limit >= 0 ? (uint8_t)s->opt.hop_limit : nd_hop_limit(s->st, s->dst.ifindex);
}

/* net.ipv6.auto_flowlabels: off, on for sockets that don't say otherwise, for those that ask, or for all. */
uint8_t sock_auto_label(const struct sock *s)
{
	enum { AUTO_OFF, AUTO_OPT_OUT, AUTO_OPT_IN, AUTO_FORCED };

	switch (s->st->tunables.ip6_auto_flowlabels) {
	case AUTO_OFF:
		return IP_AUTO_LABEL_OFF;
	case AUTO_FORCED:
		return IP_AUTO_LABEL_ON;
	case AUTO_OPT_IN:
		return s->opt.has_auto_label && s->opt.auto_label ? IP_AUTO_LABEL_ON : IP_AUTO_LABEL_OFF;
	default:
		return s->opt.has_auto_label && !s->opt.auto_label ? IP_AUTO_LABEL_OFF : IP_AUTO_LABEL_ON;
	}
}

uint8_t sock_tos(const struct sock *s, const struct ip_addr *dst)
{
	return ip_addr_is4(dst) ? s->opt.tos : s->opt.tclass;
}

/* ---- The doors to the protocol ------------------------------------------------------------------------------------ */

int sock_listen(struct sock *s, int backlog, uint64_t now_us)
{
	uint32_t max = s->st->tunables.somaxconn;

	s->st->now_us = now_us;
	if (!s->ops->listen)
		return -EOPNOTSUPP;
	if (backlog < 0 || (uint32_t)backlog > max) /* Linux takes it as unsigned */
		backlog = (int)max;
	return s->ops->listen(s, backlog, now_us);
}

struct sock *sock_accept(struct sock *listener, int *err)
{
	if (!listener->ops->accept) {
		*err = -EOPNOTSUPP;
		return NULL;
	}
	return listener->ops->accept(listener, err);
}

int sock_shutdown(struct sock *s, int how, uint64_t now_us)
{
	s->st->now_us = now_us;
	if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
		return -EINVAL;
	return s->ops->shutdown(s, how, now_us);
}

size_t sock_recv_peek(struct sock *s, struct iovec *iov, int iov_max, int *iovcnt)
{
	*iovcnt = 0;
	return s->ops->recv_peek ? s->ops->recv_peek(s, iov, iov_max, iovcnt) : 0;
}

void sock_recv_done(struct sock *s, size_t n, uint64_t now_us)
{
	s->st->now_us = now_us;
	if (s->ops->recv_done)
		s->ops->recv_done(s, n, now_us);
}

int sock_send_reserve(struct sock *s, size_t want, struct iovec *iov, int iov_max)
{
	return s->ops->send_reserve ? s->ops->send_reserve(s, want, iov, iov_max) : -EOPNOTSUPP;
}

void sock_send_commit(struct sock *s, size_t n, bool more, uint64_t now_us)
{
	s->st->now_us = now_us;
	if (s->ops->send_commit)
		s->ops->send_commit(s, n, more, now_us);
}

ssize_t sock_send(struct sock *s, const void *data, size_t n, int flags, uint64_t now_us)
{
	s->st->now_us = now_us;
	return s->ops->send ? s->ops->send(s, data, n, flags, now_us) : -EOPNOTSUPP;
}

ssize_t sock_recv(struct sock *s, void *data, size_t n, int flags, uint64_t now_us)
{
	s->st->now_us = now_us;
	return s->ops->recv ? s->ops->recv(s, data, n, flags, now_us) : -EOPNOTSUPP;
}

void sock_send_urgent(struct sock *s)
{
	if (s->ops->send_urgent)
		s->ops->send_urgent(s);
}

size_t sock_urgent_offset(const struct sock *s)
{
	return s->ops->urgent_offset ? s->ops->urgent_offset(s) : SIZE_MAX;
}

size_t sock_outq_bytes(const struct sock *s)
{
	return s->ops->outq_bytes ? s->ops->outq_bytes(s) : 0;
}

size_t sock_inq_bytes(const struct sock *s)
{
	return s->ops->inq_bytes ? s->ops->inq_bytes(s) : 0;
}

int sock_send_frame(struct sock *s, struct frame *f, const struct dgram_info *info, uint64_t now_us)
{
	s->st->now_us = now_us;
	if (!s->ops->send_frame) {
		frame_unref(f);
		return -EOPNOTSUPP;
	}
	return s->ops->send_frame(s, f, info, now_us);
}

struct frame *sock_recv_frame(struct sock *s)
{
	return s->ops->recv_frame ? s->ops->recv_frame(s) : NULL;
}

int sock_try_send(struct sock *s, const struct dgram_info *info, size_t bytes, size_t *bytes_max)
{
	return s->ops->check_send ? s->ops->check_send(s, info, bytes, bytes_max) : -EOPNOTSUPP;
}

struct frame *sock_recv_error(struct sock *s, struct sock_error *e, uint32_t *left)
{
	return s->ops->recv_error ? s->ops->recv_error(s, e, left) : NULL;
}
