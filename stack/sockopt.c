/* SPDX-License-Identifier: BSD-2-Clause */
/* sockopt.c - socket options of every level above the protocols': how they are set and got, and those of SOL_SOCKET. Names, layouts and
 * semantics are Linux's. Tables say everything. An option that is in none is refused with ENOPROTOOPT. SO_MARK and SO_PRIORITY are kept
 * for whoever asks: there is no policy routing, and one queue. What takes privilege on Linux is allowed here: the caller knows who asks.
 * Options that only say what ancillary data to show (IP_RECVTTL,
 * SO_TIMESTAMP, ...) are kept here and obeyed by the library, which gets that data with every datagram. The protocols' own levels are
 * their setopt() and getopt(). */
#include "sockopt.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "core.h"

enum { RCVBUF_MIN = 2304, SNDBUF_MIN = 4608 }; /* as Linux's SOCK_MIN_RCVBUF and SOCK_MIN_SNDBUF */

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
	o->hop_limit = -1;
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

static int set_rcvbuf_force(struct sock *s, int value)
{
	s->opt.rcvbuf = buffer_bytes(value < 0 ? 0 : value, INT_MAX, RCVBUF_MIN);
	s->opt.rcvbuf_locked = true;
	return 0;
}

static int set_sndbuf_force(struct sock *s, int value)
{
	s->opt.sndbuf = buffer_bytes(value < 0 ? 0 : value, INT_MAX, SNDBUF_MIN);
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

/* SO_BUF_LOCK: which of the two the application has fixed. */
enum { BUF_LOCK_SND = 1, BUF_LOCK_RCV = 2 };

static int set_buf_lock(struct sock *s, int value)
{
	if (value & ~(BUF_LOCK_SND | BUF_LOCK_RCV))
		return -EINVAL;
	s->opt.sndbuf_locked = value & BUF_LOCK_SND;
	s->opt.rcvbuf_locked = value & BUF_LOCK_RCV;
	return 0;
}

static int get_buf_lock(struct sock *s, int *value)
{
	*value = (s->opt.sndbuf_locked ? BUF_LOCK_SND : 0) | (s->opt.rcvbuf_locked ? BUF_LOCK_RCV : 0);
	return 0;
}

/* A stream's is at most half of what its buffer can grow to, and the buffer grows with it (tcp_set_rcvlowat() in Linux). */
static int set_rcvlowat(struct sock *s, int value)
{
	if (value < 0)
		value = INT_MAX;
	if (s->type == SOCK_STREAM) {
		uint32_t half = (s->opt.rcvbuf_locked ? s->opt.rcvbuf : s->st->tunables.tcp_rmem_max) / 2;

		if ((uint32_t)value > half)
			value = (int)half;
		if (!s->opt.rcvbuf_locked && (uint32_t)value * 2 > s->opt.rcvbuf)
			s->opt.rcvbuf = (uint32_t)value * 2;
	}
	s->opt.rcvlowat = value == 0 ? 1 : value;
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
	return value < 0 ? -EINVAL : bind_to_link(s, (uint32_t)value); /* Linux does not look whether there is such a link */
}

static int get_bindtoifindex(struct sock *s, int *value)
{
	*value = (int)s->opt.bound_ifindex;
	return 0;
}

static int set_dontroute(struct sock *s, int value)
{
	s->opt.dont_route = value != 0;
	s->dst.ifindex = 0;
	return 0;
}

static int get_dontroute(struct sock *s, int *value)
{
	*value = s->opt.dont_route;
	return 0;
}

static int set_priority(struct sock *s, int value)
{
	s->opt.priority = (uint32_t)value;
	return 0;
}

static int get_priority(struct sock *s, int *value)
{
	*value = (int)s->opt.priority;
	return 0;
}

/* With the time in nanoseconds or in microseconds: the last one asked for, and either switches both off. */
static int set_timestamp(struct sock *s, int value)
{
	s->opt.timestamp = value != 0;
	s->opt.timestampns = false;
	return 0;
}

static int get_timestamp(struct sock *s, int *value)
{
	*value = s->opt.timestamp;
	return 0;
}

static int set_timestampns(struct sock *s, int value)
{
	s->opt.timestampns = value != 0;
	s->opt.timestamp = false;
	return 0;
}

static int get_timestampns(struct sock *s, int *value)
{
	*value = s->opt.timestampns;
	return 0;
}

/* Does nothing on Linux either. */
static int set_bsdcompat(struct sock *s, int value)
{
	(void)s, (void)value;
	return 0;
}

static int get_bsdcompat(struct sock *s, int *value)
{
	(void)s;
	*value = 0;
	return 0;
}

/* There is never a filter to take off. */
static int set_detach_filter(struct sock *s, int value)
{
	(void)value;
	return s->opt.filter_locked ? -EPERM : -ENOENT;
}

static int set_detach_reuseport_bpf(struct sock *s, int value)
{
	(void)value;
	return s->opt.reuse_port ? -ENOENT : -EINVAL;
}

static int set_lock_filter(struct sock *s, int value)
{
	if (s->opt.filter_locked && value == 0)
		return -EPERM;
	s->opt.filter_locked = value != 0;
	return 0;
}

static int get_lock_filter(struct sock *s, int *value)
{
	*value = s->opt.filter_locked;
	return 0;
}

/* SO_CNX_ADVICE: 1 doubts the route. */
static int set_cnx_advice(struct sock *s, int value)
{
	if (value == 1)
		s->dst.ifindex = 0;
	return 0;
}

/* There is no limit: an unsigned long, or, where there is no room for it, an unsigned int. */
static int get_max_pacing_rate(struct sock *s, void *value, size_t *len)
{
	static const uint8_t unlimited[8] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	(void)s;
	return sockopt_put(value, len, unlimited, *len < sizeof(unlimited) ? sizeof(uint32_t) : sizeof(unlimited));
}

/* Nobody on this host is at the other end. */
static int get_peercred(struct sock *s, void *value, size_t *len)
{
	struct ucred nobody = { .pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1 };

	(void)s;
	return sockopt_put(value, len, &nobody, sizeof(nobody));
}

/* SO_MEMINFO: the numbers of <linux/sock_diag.h>'s SK_MEMINFO_*. */
static int get_meminfo(struct sock *s, void *value, size_t *len)
{
	enum { RMEM_ALLOC, RCVBUF, WMEM_ALLOC, SNDBUF, FWD_ALLOC, WMEM_QUEUED, OPTMEM, BACKLOG, DROPS, VARS };
	uint32_t info[VARS] = { 0 };

	info[RMEM_ALLOC] = (uint32_t)sock_inq_bytes(s);
	info[RCVBUF] = s->opt.rcvbuf;
	info[SNDBUF] = s->opt.sndbuf;
	info[WMEM_QUEUED] = (uint32_t)sock_outq_bytes(s);
	info[DROPS] = s->ops->drops ? s->ops->drops(s) : 0;
	return sockopt_put(value, len, info, sizeof(info));
}

/* ---- The table ---------------------------------------------------------------------------------------------------- */

static const struct sockopt options[] = {
	{ SOL_SOCKET, SO_DEBUG, SOCKOPT_BOOL, SOCKOPT_FIELD(debug) },
	{ SOL_SOCKET, SO_REUSEADDR, SOCKOPT_BOOL, SOCKOPT_FIELD(reuse_addr) },
	{ SOL_SOCKET, SO_REUSEPORT, SOCKOPT_BOOL, SOCKOPT_FIELD(reuse_port) },
	{ SOL_SOCKET, SO_DONTROUTE, SOCKOPT_FUNCTIONS(dontroute) },
	{ SOL_SOCKET, SO_BROADCAST, SOCKOPT_BOOL, SOCKOPT_FIELD(broadcast) },
	{ SOL_SOCKET, SO_KEEPALIVE, SOCKOPT_BOOL, SOCKOPT_FIELD(keepalive) },
	{ SOL_SOCKET, SO_NO_CHECK, SOCKOPT_BOOL, SOCKOPT_FIELD(no_check) },
	{ SOL_SOCKET, SO_OOBINLINE, SOCKOPT_BOOL, SOCKOPT_FIELD(oob_inline) },
	{ SOL_SOCKET, SO_BSDCOMPAT, SOCKOPT_FUNCTIONS(bsdcompat) },
	{ SOL_SOCKET, SO_TIMESTAMP_OLD, SOCKOPT_FUNCTIONS(timestamp) },
	{ SOL_SOCKET, SO_TIMESTAMPNS_OLD, SOCKOPT_FUNCTIONS(timestampns) },
	{ SOL_SOCKET, SO_PRIORITY, SOCKOPT_FUNCTIONS(priority) },
	{ SOL_SOCKET, SO_MARK, SOCKOPT_INT, SOCKOPT_FIELD(mark), .min = INT_MIN, .max = INT_MAX },
	{ SOL_SOCKET, SO_RCVBUF, SOCKOPT_FUNCTIONS(rcvbuf) },
	{ SOL_SOCKET, SO_SNDBUF, SOCKOPT_FUNCTIONS(sndbuf) },
	{ SOL_SOCKET, SO_RCVBUFFORCE, .kind = SOCKOPT_SPECIAL, .set = set_rcvbuf_force },
	{ SOL_SOCKET, SO_SNDBUFFORCE, .kind = SOCKOPT_SPECIAL, .set = set_sndbuf_force },
	{ SOL_SOCKET, SO_BUF_LOCK, SOCKOPT_FUNCTIONS(buf_lock) },
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
	{ SOL_SOCKET, SO_CNX_ADVICE, .kind = SOCKOPT_SPECIAL, .set = set_cnx_advice },
	{ SOL_SOCKET, SO_PEERCRED, SOCKOPT_STRUCT, .get_struct = get_peercred },
	{ SOL_SOCKET, SO_MEMINFO, SOCKOPT_STRUCT, .get_struct = get_meminfo },
	{ SOL_SOCKET, SO_WIFI_STATUS, SOCKOPT_BOOL, SOCKOPT_FIELD(wifi_status) },
	{ SOL_SOCKET, SO_NOFCS, SOCKOPT_BOOL, SOCKOPT_FIELD(no_fcs) },
	{ SOL_SOCKET, SO_LOCK_FILTER, SOCKOPT_FUNCTIONS(lock_filter) },
	{ SOL_SOCKET, SO_DETACH_FILTER, .kind = SOCKOPT_SPECIAL, .set = set_detach_filter },
	{ SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, .kind = SOCKOPT_SPECIAL, .set = set_detach_reuseport_bpf },

	/* What we do not do. */
	{ SOL_SOCKET, SO_ATTACH_FILTER, SOCKOPT_STAYS_BYTES(ENOPROTOOPT, 0, 0) },
	{ SOL_SOCKET, SO_PASSCRED, SOCKOPT_NEVER(EOPNOTSUPP) },
	{ SOL_SOCKET, SO_PASSSEC, SOCKOPT_NEVER(EOPNOTSUPP) },
	{ SOL_SOCKET, SO_PASSPIDFD, SOCKOPT_NEVER(EOPNOTSUPP) },
	{ SOL_SOCKET, SO_PASSRIGHTS, SOCKOPT_NEVER(EOPNOTSUPP) },
	{ SOL_SOCKET, SO_PEERGROUPS, .kind = SOCKOPT_REFUSED, .refused_set = -ENOPROTOOPT, .refused_get = -ENODATA },
	{ SOL_SOCKET, SO_PEERPIDFD, .kind = SOCKOPT_REFUSED, .refused_set = -ENOPROTOOPT, .refused_get = -ENODATA },
	{ SOL_SOCKET, SO_PEEK_OFF, SOCKOPT_NEVER(EOPNOTSUPP) },
	{ SOL_SOCKET, SO_RXQ_OVFL, SOCKOPT_BOOL, SOCKOPT_FIELD(rxq_ovfl) },
	{ SOL_SOCKET, SO_SELECT_ERR_QUEUE, SOCKOPT_STAYS(ENOPROTOOPT, 0) },
	{ SOL_SOCKET, SO_MAX_PACING_RATE, SOCKOPT_STRUCT, .get_struct = get_max_pacing_rate },
	{ SOL_SOCKET, SO_INCOMING_CPU, SOCKOPT_STAYS(ENOPROTOOPT, -1) },
	{ SOL_SOCKET, SO_ZEROCOPY, SOCKOPT_STAYS(EOPNOTSUPP, 0) },
	{ SOL_SOCKET, SO_TXTIME, SOCKOPT_STAYS_BYTES(ENOPROTOOPT, 0, 8) },
	{ SOL_SOCKET, SO_TIMESTAMP_NEW, SOCKOPT_STAYS(ENOPROTOOPT, 0) },
	{ SOL_SOCKET, SO_TIMESTAMPNS_NEW, SOCKOPT_STAYS(ENOPROTOOPT, 0) },
	{ SOL_SOCKET, SO_TIMESTAMPING_OLD, SOCKOPT_STAYS_BYTES(ENOPROTOOPT, 0, 8) },
	{ SOL_SOCKET, SO_TIMESTAMPING_NEW, SOCKOPT_STAYS_BYTES(ENOPROTOOPT, 0, 8) },
	{ SOL_SOCKET, SO_RESERVE_MEM, SOCKOPT_STAYS(EOPNOTSUPP, 0) },
	{ SOL_SOCKET, SO_RCVMARK, SOCKOPT_STAYS(ENOPROTOOPT, 0) },
	{ SOL_SOCKET, SO_RCVPRIORITY, SOCKOPT_STAYS(ENOPROTOOPT, 0) },
};

/* NULL: not one of ours, or not for this socket. A raw IPv6 socket has no IPPROTO_IP level, an IPv4 one no IPPROTO_IPV6. */
static const struct sockopt *find_option(const struct sock *s, int level, int name)
{
	if (level == IPPROTO_IPV6 && s->family != AF_INET6)
		return NULL;
	if (level == IPPROTO_IP && s->family == AF_INET6 && s->type == SOCK_RAW)
		return NULL;
	if (level != SOL_SOCKET)
		return sockopt_ip_find(level, name);
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
	if (o->is_exact && len != sizeof(*v))
		return -EINVAL;
	if (len >= sizeof(*v)) {
		memcpy(v, value, sizeof(*v));
		return 0;
	}
	*v = 0;
	if (o->may_be_empty)
		return 0;
	if (o->level != IPPROTO_IP || (o->needs_byte && len == 0))
		return -EINVAL;
	if (len > 0)
		*v = *(const uint8_t *)value;
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

static int set_option(struct sock *s, const struct sockopt *o, const void *value, size_t len)
{
	int v, err;

	if ((o->raw_only && s->type != SOCK_RAW) || (o->no_stream && s->type == SOCK_STREAM))
		return -ENOPROTOOPT;
	if (o->kind == SOCKOPT_REFUSED)
		return o->refused_set;
	if (o->kind == SOCKOPT_STRUCT)
		return o->set_struct ? o->set_struct(s, value, len) : -ENOPROTOOPT;
	err = read_int(o, value, len, &v);
	return err < 0 ? err : set_int(s, o, v);
}

int sock_setopt(struct sock *s, int level, int name, const void *value, size_t len, uint64_t now_us)
{
	const struct sockopt *o = find_option(s, level, name);
	int err;

	s->st->now_us = now_us;
	/* Linux looks at the length before the name, but for the one that is a name itself. */
	if (level == SOL_SOCKET && len < sizeof(int) && name != SO_BINDTODEVICE)
		return -EINVAL;
	if (!o)
		return s->ops->setopt ? s->ops->setopt(s, level, name, value, len, now_us) : -ENOPROTOOPT;
	err = set_option(s, o, value, len);
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
	case SOCKOPT_REFUSED:
		*v = o->shown;
		return o->refused_get;
	default:
		return o->get ? o->get(s, v) : -ENOPROTOOPT;
	}
}

int sockopt_put_shown(const struct sockopt *o, void *value, size_t *len)
{
	uint8_t bytes[16];

	if (o->refused_get)
		return o->refused_get;
	if (o->shown_bytes == sizeof(o->shown))
		return sockopt_put(value, len, &o->shown, sizeof(o->shown));
	memset(bytes, o->shown, sizeof(bytes));
	return sockopt_put(value, len, bytes, o->shown_bytes);
}

/* An option of a level that the protocol does not have: IPv4 has an errno of its own for that. */
static int get_unknown(struct sock *s, int level, int name, void *value, size_t *len, uint64_t now_us)
{
	int err = s->ops->getopt ? s->ops->getopt(s, level, name, value, len, now_us) : -ENOPROTOOPT;
	bool is_own = level == SOL_SOCKET || level == IPPROTO_IP || (level == s->protocol && s->type != SOCK_RAW);

	return err == -ENOPROTOOPT && s->family == AF_INET && !is_own ? -EOPNOTSUPP : err;
}

int sock_getopt(struct sock *s, int level, int name, void *value, size_t *len, uint64_t now_us)
{
	const struct sockopt *o = find_option(s, level, name);
	int err, v;

	s->st->now_us = now_us;
	if (!o)
		return get_unknown(s, level, name, value, len, now_us);
	if (o->kind == SOCKOPT_STRUCT)
		return o->get_struct ? o->get_struct(s, value, len) : -ENOPROTOOPT;
	if (o->kind == SOCKOPT_REFUSED && o->shown_bytes != sizeof(int))
		return sockopt_put_shown(o, value, len);
	err = get_int(s, o, &v);
	if (err < 0)
		return err;
	if (level == IPPROTO_IP && *len > 0 && *len < sizeof(v) && v >= 0 && v <= 255) {
		uint8_t byte = (uint8_t)v;

		return sockopt_put(value, len, &byte, sizeof(byte));
	}
	return sockopt_put(value, len, &v, sizeof(v));
}
