/* SPDX-License-Identifier: BSD-2-Clause */
/* sockopt.c - socket options of every level above the protocols': how they are set and got, and those of SOL_SOCKET. Names, layouts and
 * semantics are Linux's. Tables say everything. An option that is in none is refused with ENOPROTOOPT. SO_MARK and SO_PRIORITY are kept
 * for whoever asks: there is no policy routing, and one queue. Options that only say what ancillary data to show (IP_RECVTTL,
 * SO_TIMESTAMP, ...) are kept here and obeyed by the library, which gets that data with every datagram. The protocols' own levels are
 * their setopt() and getopt(). */
#include "sockopt.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "core.h"

enum { RCVBUF_MIN = 2304, SNDBUF_MIN = 4608 }; /* as Linux's SOCK_MIN_RCVBUF and SOCK_MIN_SNDBUF */
enum { PRIORITY_MAX = 6 };		       /* more takes privilege, which is not asked for here */

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
	o->mcast_all = o->mcast_all6 = true;
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

bool sockopt_link_exists(struct sock *s, uint32_t ifindex)
{
	struct link_search search = { .ifindex = ifindex };

	stack_each_link(s->st, match_link, &search);
	return search.found;
}

static int set_bindtoifindex(struct sock *s, int value)
{
	if (value < 0)
		return -EINVAL;
	return value == 0 || sockopt_link_exists(s, (uint32_t)value) ? bind_to_link(s, (uint32_t)value) : -ENODEV;
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

/* ---- The table ---------------------------------------------------------------------------------------------------- */

static const struct sockopt options[] = {
	{ SOL_SOCKET, SO_DEBUG, SOCKOPT_FUNCTIONS(debug) },
	{ SOL_SOCKET, SO_REUSEADDR, SOCKOPT_BOOL, SOCKOPT_FIELD(reuse_addr) },
	{ SOL_SOCKET, SO_REUSEPORT, SOCKOPT_BOOL, SOCKOPT_FIELD(reuse_port) },
	{ SOL_SOCKET, SO_BROADCAST, SOCKOPT_BOOL, SOCKOPT_FIELD(broadcast) },
	{ SOL_SOCKET, SO_KEEPALIVE, SOCKOPT_BOOL, SOCKOPT_FIELD(keepalive) },
	{ SOL_SOCKET, SO_NO_CHECK, SOCKOPT_BOOL, SOCKOPT_FIELD(no_check) },
	{ SOL_SOCKET, SO_TIMESTAMP, SOCKOPT_BOOL, SOCKOPT_FIELD(timestamp) },
	{ SOL_SOCKET, SO_TIMESTAMPNS, SOCKOPT_BOOL, SOCKOPT_FIELD(timestampns) },
	{ SOL_SOCKET, SO_PRIORITY, SOCKOPT_FUNCTIONS(priority) },
	{ SOL_SOCKET, SO_MARK, SOCKOPT_INT, SOCKOPT_FIELD(mark), .min = INT_MIN, .max = INT_MAX },
	{ SOL_SOCKET, SO_RCVBUF, SOCKOPT_FUNCTIONS(rcvbuf) },
	{ SOL_SOCKET, SO_SNDBUF, SOCKOPT_FUNCTIONS(sndbuf) },
	{ SOL_SOCKET, SO_RCVLOWAT, SOCKOPT_FUNCTIONS(rcvlowat) },
	{ SOL_SOCKET, SO_SNDLOWAT, SOCKOPT_SHOWN(sndlowat) },
	{ SOL_SOCKET, SO_TYPE, SOCKOPT_SHOWN(type) },
	{ SOL_SOCKET, SO_DOMAIN, SOCKOPT_SHOWN(domain) },
	{ SOL_SOCKET, SO_PROTOCOL, SOCKOPT_SHOWN(protocol) },
	{ SOL_SOCKET, SO_ERROR, SOCKOPT_SHOWN(error) },
	{ SOL_SOCKET, SO_ACCEPTCONN, SOCKOPT_SHOWN(acceptconn) },
	{ SOL_SOCKET, SO_LINGER, SOCKOPT_STRUCT, .set_struct = set_linger, .get_struct = get_linger },
	{ SOL_SOCKET, SO_BINDTODEVICE, SOCKOPT_STRUCT, .set_struct = set_bindtodevice, .get_struct = get_bindtodevice },
	{ SOL_SOCKET, SO_BINDTOIFINDEX, SOCKOPT_FUNCTIONS(bindtoifindex) },
};

/* NULL: not one of ours, or not for this socket. A raw IPv6 socket has no IPPROTO_IP level, an IPv4 one no IPPROTO_IPV6. */
static const struct sockopt *find_option(const struct sock *s, int level, int name)
{
	if (level == IPPROTO_IPV6 && s->family != AF_INET6)
		return NULL;
	if (level == IPPROTO_IP && s->family == AF_INET6 && s->type == SOCK_RAW)
		return NULL;
	if (level != SOL_SOCKET) {
		const struct sockopt *o = sockopt_ip_find(level, name);

		return o && o->raw_only && s->type != SOCK_RAW ? NULL : o;
	}
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (options[i].name == name)
			return &options[i];
	return NULL;
}

static void *field_of(struct sock *s, const struct sockopt *o)
{
	return (char *)&s->opt + o->field;
}

/* Linux takes an IPPROTO_IP option also from a single byte, and from none as 0. */
static int read_int(const struct sockopt *o, const void *value, size_t len, int *v)
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

static int set_int(struct sock *s, const struct sockopt *o, int v)
{
	int32_t as_int = v;
	bool as_bool = v != 0;

	switch (o->kind) {
	case SOCKOPT_BOOL:
		memcpy(field_of(s, o), &as_bool, sizeof(as_bool));
		return 0;
	case SOCKOPT_INT:
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
	const struct sockopt *o = find_option(s, level, name);
	int err, v = 0;

	s->st->now_us = now_us;
	if (!o)
		return s->ops->setopt ? s->ops->setopt(s, level, name, value, len, now_us) : -ENOPROTOOPT;
	if (o->kind == SOCKOPT_STRUCT) {
		err = o->set_struct ? o->set_struct(s, value, len) : -ENOPROTOOPT;
	} else {
		err = read_int(o, value, len, &v);
		if (err == 0)
			err = set_int(s, o, v);
	}
	if (err == 0 && s->ops->opt_changed)
		s->ops->opt_changed(s, level, name, now_us);
	return err;
}

static int get_int(struct sock *s, const struct sockopt *o, int *v)
{
	bool as_bool;

	switch (o->kind) {
	case SOCKOPT_BOOL:
		memcpy(&as_bool, field_of(s, o), sizeof(as_bool));
		*v = as_bool;
		return 0;
	case SOCKOPT_INT:
		memcpy(v, field_of(s, o), sizeof(*v));
		return 0;
	default:
		return o->get(s, v);
	}
}

int sock_getopt(struct sock *s, int level, int name, void *value, size_t *len, uint64_t now_us)
{
	const struct sockopt *o = find_option(s, level, name);
	int err, v;

	s->st->now_us = now_us;
	if (!o)
		return s->ops->getopt ? s->ops->getopt(s, level, name, value, len, now_us) : -ENOPROTOOPT;
	if (o->kind == SOCKOPT_STRUCT)
		return o->get_struct ? o->get_struct(s, value, len) : -ENOPROTOOPT;
	err = get_int(s, o, &v);
	if (err < 0)
		return err;
	if (level == IPPROTO_IP && *len > 0 && *len < sizeof(v) && v >= 0 && v <= 255) {
		uint8_t byte = (uint8_t)v;

		return sockopt_put(value, len, &byte, sizeof(byte));
	}
	return sockopt_put(value, len, &v, sizeof(v));
}
