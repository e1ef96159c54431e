/* SPDX-License-Identifier: BSD-2-Clause */
/* requests.c - what each request does. A request about a socket comes with the socket's fd, found by its cookie (channel_by_fd()):
 * holding the fd is the permission. What the engine answers is passed on; only privilege and limits are decided here. */
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "change.h"
#include "daemon.h"
#include "fresh.h"
#include "latch.h"

#ifndef IPV6_FLOWLABEL_MGR
#define IPV6_FLOWLABEL_MGR 32
#endif

enum { OFFERS_SOCKETS = 1, PRIVILEGED_PORTS_END = 1024, PRIORITY_MAX = 6 };

/* A request about one socket, past the look-up of its channel. */
struct call {
	struct daemon *d;
	struct client *client;
	struct channel *ch;
	int fd; /* the client's end of it */
	const struct request *request;
	struct reply *reply;
};

static void answer_number(struct reply *reply, int64_t value)
{
	reply->number = (struct tapir_int){ value };
	reply->body_bytes = sizeof(reply->number);
}

static void answer_endpoint(struct reply *reply, const struct ip_endpoint *e, int family)
{
	channel_addr_to_wire(&reply->addr, e, family);
	reply->body_bytes = sizeof(reply->addr);
}

/* ---- Without a socket --------------------------------------------------------------------------------------------- */

static int do_hello(struct daemon *d, struct reply *reply)
{
	reply->hello = (struct tapir_hello){ .version = TAPIR_VERSION, .pid = getpid(), .offers = OFFERS_SOCKETS };
	snprintf(reply->hello.daemon, sizeof(reply->hello.daemon), "%s", d->config.name);
	reply->body_bytes = sizeof(reply->hello);
	return 0;
}

/* A client's own stream; @theirs stays the caller's. */
static int open_stream(struct daemon *d, const struct client *c, int family, int protocol, int theirs, struct channel **ch)
{
	struct sock *s;
	int err;

	s = sock_open(d->st, family, SOCK_STREAM, protocol, &err);
	if (!s)
		return err;
	err = channel_adopt(d, s, family, c->user, c->pid, theirs, ch);
	if (err < 0)
		sock_close(s, d->now_us);
	return err;
}

/* For a client that does not make its streams itself, or to tell why it may not have one. */
static int do_stream(struct daemon *d, const struct client *c, const struct tapir_socket_req *q, struct reply *reply)
{
	struct channel *ch;
	int err, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno == EMFILE || errno == ENFILE ? -ENFILE : -ENOBUFS;
	err = open_stream(d, c, q->family, q->protocol, fd, &ch);
	if (err < 0) {
		close(fd);
		return err;
	}
	reply->fd = fd;
	reply->socket = (struct tapir_socket_rep){ sock_id(ch->sock) };
	reply->body_bytes = sizeof(reply->socket);
	return 0;
}

static int do_socket(struct daemon *d, const struct client *c, const struct tapir_socket_req *q, struct reply *reply)
{
	struct channel *ch;
	struct sock *s;
	int err;

	if (q->type == SOCK_STREAM)
		return do_stream(d, c, q, reply);
	if (q->type == SOCK_RAW && !user_is_privileged(d, c->user))
		return -EPERM;
	s = sock_open(d->st, q->family, q->type, q->protocol, &err);
	if (!s)
		return err;
	err = channel_open(d, s, q->family, q->type, c->user, c->pid, &ch, &reply->fd);
	if (err < 0) {
		sock_close(s, d->now_us);
		return err;
	}
	reply->socket = (struct tapir_socket_rep){ sock_id(s) };
	reply->body_bytes = sizeof(reply->socket);
	return 0;
}

static int do_set(struct daemon *d, const struct client *c, const struct tapir_tunable *q, struct reply *reply)
{
	const char *why = NULL;
	int err;

	reply->tunable = *q;
	memset(reply->tunable.text, 0, sizeof(reply->tunable.text));
	reply->body_bytes = sizeof(reply->tunable);
	if (!user_is_privileged(d, c->user))
		return -EPERM;
	err = stack_set(d->st, q->name, q->value, &why);
	if (err < 0 && why)
		snprintf(reply->tunable.text, sizeof(reply->tunable.text), "%s", why);
	if (err == 0)
		log_line(&d->log, LOG_LEVEL_INFO, "%s set to %s by uid %u", q->name, q->value, c->user->uid);
	return err;
}

static bool copy_text(void *ctx, const char *name, const char *value, const char *text)
{
	struct tapir_tunable *t = ctx;

	(void)value;
	if (strcmp(name, t->name))
		return true;
	snprintf(t->text, sizeof(t->text), "%s", text);
	return false;
}

static int do_get(struct daemon *d, const struct tapir_tunable *q, struct reply *reply)
{
	int err;

	reply->tunable = *q;
	memset(reply->tunable.value, 0, sizeof(reply->tunable.value));
	memset(reply->tunable.text, 0, sizeof(reply->tunable.text));
	err = stack_get(d->st, q->name, reply->tunable.value, sizeof(reply->tunable.value));
	if (err < 0)
		return err;
	stack_each_tunable(d->st, copy_text, &reply->tunable);
	reply->body_bytes = sizeof(reply->tunable);
	return 0;
}

static int do_dump(struct daemon *d, struct client *c, const struct request *r, struct reply *reply)
{
	int err = dump_start(d, c->user, r->dump.what, &c->dump);

	if (err)
		return -err;
	c->dump_seq = r->seq;
	reply->is_silent = true;
	return 0;
}

static int do_capture(struct daemon *d, const struct client *c, const struct tapir_capture_req *q, struct reply *reply)
{
	return user_is_privileged(d, c->user) ? capture_open(d, q->snap_bytes, &reply->fd) : -EPERM;
}

static int do_change(struct daemon *d, const struct client *c, const struct tapir_change *q, struct reply *reply)
{
	reply->change = *q;
	memset(reply->change.text, 0, sizeof(reply->change.text));
	reply->body_bytes = sizeof(reply->change);
	return user_is_privileged(d, c->user) ? change_apply(d, q, c->user->uid, reply->change.text) : -EPERM;
}

static int do_route(struct daemon *d, const struct tapir_route_req *q, struct reply *reply)
{
	reply->body_bytes = sizeof(reply->route);
	return change_find_route(d, q, &reply->route);
}

static int do_reload(struct daemon *d, const struct client *c, struct reply *reply)
{
	reply->change = (struct tapir_change){ 0 };
	reply->body_bytes = sizeof(reply->change);
	return user_is_privileged(d, c->user) ? reload(d, reply->change.text, sizeof(reply->change.text)) : -EPERM;
}

static int do_netlink(struct daemon *d, const struct client *c, const struct tapir_int *q, struct reply *reply)
{
	return netlink_open(d, c->user, c->pid, q->value < INT32_MIN || q->value > INT32_MAX ? 0 : (int)q->value, &reply->fd);
}

static int do_netlink_name(struct daemon *d, const struct request *r, int fd, struct reply *reply)
{
	reply->netlink = r->op == TAPIR_OP_NETLINK_BIND ? r->netlink : (struct tapir_netlink){ 0 };
	reply->body_bytes = sizeof(reply->netlink);
	return r->op == TAPIR_OP_NETLINK_BIND ? netlink_bind(d, fd, &reply->netlink) : netlink_describe_socket(d, fd, &reply->netlink);
}

/* After the last close(2) our end has hung up, and what it still holds is on its way; before, nothing lingers. */
static int do_lingers(struct daemon *d, const struct tapir_int *q, struct reply *reply)
{
	const struct sock *s = sock_by_id(d->st, (uint64_t)q->value);
	const struct channel *ch = s ? sock_user(s) : NULL;

	answer_number(reply, ch ? stream_is_hung_up(ch) : sock_lingers(d->st, (uint64_t)q->value));
	return 0;
}

static int do_source(struct daemon *d, const struct tapir_addr *q, struct reply *reply)
{
	struct route_found found;
	struct ip_endpoint e;
	int err = channel_addr_from_wire(&e, q, AF_INET6);

	if (err == 0)
		err = stack_find_route(d->st, &e.addr, NULL, e.scope_id, &found, d->now_us);
	if (err < 0)
		return err;
	e = (struct ip_endpoint){ .addr = found.src };
	channel_addr_to_wire(&reply->addr, &e, ip_addr_family(&found.src));
	reply->body_bytes = sizeof(reply->addr);
	return 0;
}

static bool is_unnamed(const struct sockaddr_un *name, socklen_t len)
{
	return name->sun_family == AF_UNIX && len <= offsetof(struct sockaddr_un, sun_path);
}

/* An end of a pair that nobody has adopted yet, neither this end nor the other: only the ends of a pair have no name on either side,
 * and the one that we take gets one. Else a client could give us both ends of one connection, its own control connection's for
 * example: we would take our own replies for requests, and with our own rights, as the peer would be us. */
static int claim_pair_end(int fd)
{
	struct sockaddr_un own = { 0 }, peer = { 0 };
	socklen_t own_len = sizeof(own), peer_len = sizeof(peer);
	struct sockaddr_un any = { .sun_family = AF_UNIX };

	if (getsockname(fd, (struct sockaddr *)&own, &own_len) < 0 || getpeername(fd, (struct sockaddr *)&peer, &peer_len) < 0 ||
	    !is_unnamed(&own, own_len) || !is_unnamed(&peer, peer_len))
		return -EINVAL;
	return bind(fd, (struct sockaddr *)&any, sizeof(any.sun_family)) < 0 ? -errno : 0; /* the kernel chooses one */
}

static int do_adopt(struct daemon *d, int *fd)
{
	int domain = 0, type = 0, listens = 0, owned = *fd;
	socklen_t len = sizeof(int);
	uint64_t cookie;
	int err;

	if (getsockopt(owned, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 || getsockopt(owned, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
	    getsockopt(owned, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0)
		return -ENOTSOCK;
	if (domain != AF_UNIX || type != SOCK_SEQPACKET || listens || channel_by_fd(d, owned, &cookie))
		return -EINVAL;
	err = claim_pair_end(owned);
	if (err < 0)
		return err;
	*fd = -1;
	return control_add(d, owned);
}

/* ---- About a socket ----------------------------------------------------------------------------------------------- */

/* Linux finds an IPv4 address too short for an IPv6 socket, which takes the v4-mapped form. Only connect() on datagrams is kinder. */
static int strict_address(const struct call *c, struct ip_endpoint *e)
{
	if (c->ch->family == AF_INET6 && c->request->addr.family == AF_INET)
		return -EINVAL;
	return channel_addr_from_wire(e, &c->request->addr, c->ch->family);
}

static int call_bind(const struct call *c)
{
	struct ip_endpoint local;
	int err = strict_address(c, &local);

	if (err < 0)
		return err;
	if (local.port > 0 && local.port < PRIVILEGED_PORTS_END && !user_is_privileged(c->d, c->client->user))
		return -EACCES;
	err = sock_bind(c->ch->sock, &local);
	if (err != -EADDRINUSE)
		return err;
	/* The port may be that of a socket whose close() came before this request and only waits for its turn, or was put off. */
	channels_work(c->d);
	listener_end_parked(c->d, UINT64_MAX);
	return c->ch->flags & CH_IS_DEAD ? -EBADF : sock_bind(c->ch->sock, &local);
}

/* The engine's socket goes on, with its options, but what the client's end has been through shows: give the client a new one, to put in
 * place of the old. What else refers to the old one is told that it has ended. */
static int renew(const struct call *c)
{
	struct sock *s = c->ch->sock;
	int family = c->ch->family, err, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct channel *ch;

	if (fd < 0)
		return errno == EMFILE || errno == ENFILE ? -ENFILE : -ENOBUFS;
	c->ch->flags |= CH_FIN_TOLD;
	channel_close(c->d, c->ch, CHANNEL_KEEP_SOCK, 0);
	err = channel_adopt(c->d, s, family, c->client->user, c->client->pid, fd, &ch);
	if (err < 0) {
		sock_close(s, c->d->now_us);
		close(fd);
		return err;
	}
	urgent_inherit_inline(c->d, ch, fd);
	c->reply->fd = fd;
	return 0;
}

/* connect(AF_UNSPEC) */
static int dissolve(const struct call *c)
{
	bool is_used = c->ch->kind == CHANNEL_LISTENER || (c->ch->flags & (CH_CONNECTED | CH_HAS_JUNK | CH_HAS_WAITER));
	int err = sock_connect(c->ch->sock, NULL, c->d->now_us);

	return err < 0 || c->ch->kind == CHANNEL_DGRAM || !is_used ? err : renew(c);
}

/* The next connect() after one that failed while nobody waited: it tells the error, and the one after it may try again. A connection that
 * was reset is connected for all that connect() says, until it is dissolved. */
static int revive(struct daemon *d, struct client *client, const struct request *r, struct tombstone *t, struct reply *reply)
{
	int err, fd, error = t->error ? t->error : ECONNABORTED;
	struct channel *ch;

	if (!t->sock || (t->was_connected && r->addr.family))
		return -EISCONN;
	if (r->op == TAPIR_OP_CONNECT_WAIT)
		return -EINPROGRESS; /* CONNECT comes next, whose reply takes a descriptor */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno == EMFILE || errno == ENFILE ? -ENFILE : -ENOBUFS;
	err = channel_adopt(d, t->sock, t->family, client->user, client->pid, fd, &ch);
	if (err < 0) {
		close(fd);
		return err;
	}
	if (t->was_bound)
		err = sock_bind(t->sock, &t->bound);
	urgent_inherit_inline(d, ch, fd);
	t->sock = NULL;
	t->error = 0;
	reply->fd = fd;
	if (err < 0)
		return err;
	return r->addr.family == 0 ? 0 : -error;
}

static int start_connect(const struct call *c)
{
	struct ip_endpoint remote;
	int err;

	if (c->ch->kind == CHANNEL_DGRAM)
		dgram_flush(c->d, c->ch);
	if (c->request->addr.family == 0)
		return dissolve(c);
	err = c->ch->kind == CHANNEL_DGRAM ? channel_addr_from_wire(&remote, &c->request->addr, c->ch->family) : strict_address(c, &remote);
	return err < 0 ? err : sock_connect(c->ch->sock, &remote, c->d->now_us);
}

static int call_connect(const struct call *c)
{
	int err = start_connect(c);

	if (err == -EINPROGRESS || err == -EALREADY)
		stream_hold(c->d, c->ch, c->fd);
	return err;
}

static int call_connect_wait(const struct call *c)
{
	int err = start_connect(c);

	if (err == -EINPROGRESS) {
		channel_enlarge_theirs(c->d, c->ch, c->fd);
		latch_put(c->ch, c->fd);
		c->reply->is_silent = true;
		control_wait(c->client, c->ch, c->request->seq);
	}
	return err;
}

static int call_listen(const struct call *c)
{
	int64_t backlog = c->request->number.value;
	int err;

	if (c->ch->kind == CHANNEL_DGRAM)
		return -EOPNOTSUPP;
	err = sock_listen(c->ch->sock, backlog < INT32_MIN || backlog > INT32_MAX ? INT32_MAX : (int)backlog, c->d->now_us);
	if (err < 0 || c->ch->kind == CHANNEL_LISTENER)
		return err;
	stream_hold(c->d, c->ch, c->fd); /* a listener never polls writable */
	return listener_begin(c->d, c->ch);
}

/* protocol.h tells what comes here and what shutdown(2) on the fd does. */
static int call_shutdown(const struct call *c)
{
	int64_t how = c->request->number.value;
	int err;

	if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
		return -EINVAL;
	if (c->ch->kind == CHANNEL_LISTENER && how != SHUT_WR) {
		err = sock_shutdown(c->ch->sock, (int)how, c->d->now_us);
		return err < 0 ? err : renew(c);
	}
	if (c->ch->kind == CHANNEL_DGRAM)
		return dgram_shut_down(c->d, c->ch, (int)how);
	if (c->ch->kind != CHANNEL_STREAM || !(c->ch->flags & CH_CONNECTED))
		return sock_shutdown(c->ch->sock, (int)how, c->d->now_us);
	if (how == SHUT_WR)
		return 0; /* the fd's own half close tells it, after the last byte */
	err = sock_shutdown(c->ch->sock, SHUT_RD, c->d->now_us);
	if (err == 0 && !(c->ch->flags & CH_FIN_TOLD)) {
		shutdown(c->ch->source.fd, SHUT_WR);
		c->ch->flags |= CH_FIN_TOLD | CH_DISCARD;
	}
	return err;
}

static int call_getsockname(const struct call *c)
{
	struct ip_endpoint e;
	int err = sock_getname(c->ch->sock, &e);

	if (err == 0)
		answer_endpoint(c->reply, &e, c->ch->family);
	return err;
}

static int call_getpeername(const struct call *c)
{
	bool is_connecting = c->ch->kind == CHANNEL_STREAM && !(c->ch->flags & CH_CONNECTED);
	struct ip_endpoint e;
	int err = is_connecting ? -ENOTCONN : sock_getpeer(c->ch->sock, &e);

	if (err == 0)
		answer_endpoint(c->reply, &e, c->ch->family);
	return err;
}

/* A flow label that stays for long. */
static int privilege_of_flow_label(const struct tapir_option *o, const uint8_t *value)
{
	enum { EXPIRES_AT = 24, LINGER_AT = 26, LONG_S = 150 }; /* struct in6_flowlabel_req of <linux/in6.h> */
	uint16_t expires_s, linger_s;

	if (o->len < LINGER_AT + sizeof(linger_s))
		return 0;
	memcpy(&expires_s, value + EXPIRES_AT, sizeof(expires_s));
	memcpy(&linger_s, value + LINGER_AT, sizeof(linger_s));
	return expires_s > LONG_S || linger_s > LONG_S ? -EPERM : 0;
}

/* What Linux keeps for CAP_NET_ADMIN or CAP_NET_RAW: 0, or the errno for everybody else. Some of it depends on the value, some on what
 * is set. */
static int privilege_of_option(struct daemon *d, struct sock *s, const struct request *r)
{
	const struct tapir_option *o = &r->option.head;
	int value = 0, bound = 0;
	size_t len = sizeof(bound);

	memcpy(&value, r->option.value, o->len < sizeof(value) ? o->len : sizeof(value));
	if (o->level == SOL_SOCKET) {
		switch (o->name) {
		case SO_MARK:
		case SO_RCVBUFFORCE:
		case SO_SNDBUFFORCE:
			return -EPERM;
		case SO_PRIORITY:
			return value < 0 || value > PRIORITY_MAX ? -EPERM : 0;
		case SO_DEBUG:
			return value ? -EACCES : 0;
		case SO_BINDTODEVICE:
		case SO_BINDTOIFINDEX: /* who is bound to a link does not leave it */
			return sock_getopt(s, SOL_SOCKET, SO_BINDTOIFINDEX, &bound, &len, d->now_us) == 0 && bound ? -EPERM : 0;
		}
	}
	if (o->level == IPPROTO_IPV6 && (o->name == IPV6_HOPOPTS || o->name == IPV6_RTHDRDSTOPTS || o->name == IPV6_DSTOPTS))
		return -EPERM;
	if (o->level == IPPROTO_IPV6 && o->name == IPV6_FLOWLABEL_MGR)
		return privilege_of_flow_label(o, r->option.value);
	if (o->level == IPPROTO_IP && o->name == IP_OPTIONS)
		return stack_options_need_privilege(r->option.value, o->len) ? -EINVAL : 0;
	if ((o->level == IPPROTO_IP && o->name == IP_TRANSPARENT) || (o->level == IPPROTO_IPV6 && o->name == IPV6_TRANSPARENT))
		return value ? -EPERM : 0;
	return 0;
}

static bool is_buffer_option(uint32_t name)
{
	return name == SO_SNDBUF || name == SO_SNDBUFFORCE || name == SO_RCVBUF || name == SO_RCVBUFFORCE;
}

static int call_setsockopt(const struct call *c)
{
	const struct tapir_option *o = &c->request->option.head;
	int err;

	err = user_is_privileged(c->d, c->client->user) ? 0 : privilege_of_option(c->d, c->ch->sock, c->request);
	if (err < 0)
		return err;
	/* What was written before the option changed is under the old one: TCP_CORK, TCP_NODELAY, IP_TTL. */
	if (c->ch->kind == CHANNEL_STREAM)
		stream_flush(c->d, c->ch);
	else if (c->ch->kind == CHANNEL_DGRAM)
		dgram_flush(c->d, c->ch);
	if (c->ch->flags & CH_IS_DEAD)
		return -ENOTCONN;
	err = sock_setopt(c->ch->sock, o->level, o->name, c->request->option.value, o->len, c->d->now_us);
	if (err == 0 && c->ch->kind == CHANNEL_DGRAM)
		dgram_on_options(c->d, c->ch);
	if (err == 0 && c->ch->kind == CHANNEL_STREAM && o->level == SOL_SOCKET && o->name == SO_RCVLOWAT)
		stream_on_options(c->d, c->ch);
	if (err == 0 && c->ch->kind == CHANNEL_DGRAM && o->level == SOL_SOCKET && is_buffer_option(o->name))
		channel_bound_dgram(c->d, c->ch, c->fd);
	if (err == 0 && c->ch->kind == CHANNEL_STREAM && o->level == SOL_SOCKET && (o->name == SO_SNDBUF || o->name == SO_SNDBUFFORCE))
		channel_bound_theirs(c->d, c->ch, c->fd);
	if (err == 0 && c->ch->kind != CHANNEL_DGRAM && o->level == SOL_SOCKET && o->name == SO_OOBINLINE)
		urgent_set_inline(c->d, c->ch, c->fd);
	return err;
}

static int take_error(struct daemon *d, struct channel *ch)
{
	int error = ch->error;
	size_t len = sizeof(error);

	ch->error = 0;
	if (error == 0 && sock_getopt(ch->sock, SOL_SOCKET, SO_ERROR, &error, &len, d->now_us) < 0)
		error = 0;
	return error;
}

static void answer_option(struct reply *reply, const struct tapir_option *o, size_t len)
{
	reply->option.head = (struct tapir_option){ .level = o->level, .name = o->name, .len = (uint32_t)len };
	reply->body_bytes = (uint32_t)(sizeof(reply->option.head) + len);
}

static void answer_int_option(struct reply *reply, const struct tapir_option *o, int v)
{
	size_t len = o->len < sizeof(v) ? o->len : sizeof(v);

	memcpy(reply->option.value, &v, len);
	answer_option(reply, o, len);
}

static int get_option(struct daemon *d, struct sock *s, const struct request *r, struct reply *reply)
{
	const struct tapir_option *o = &r->option.head;
	size_t len = o->len;
	int err;

	if (r->option.value) /* the question of IP_MSFILTER and MCAST_MSFILTER */
		memcpy(reply->option.value, r->option.value, o->len);
	else
		memset(reply->option.value, 0, o->len);
	err = sock_getopt(s, o->level, o->name, reply->option.value, &len, d->now_us);
	if (err == 0)
		answer_option(reply, o, len);
	return err;
}

static int call_getsockopt(const struct call *c)
{
	const struct tapir_option *o = &c->request->option.head;

	if (o->level == SOL_SOCKET && o->name == SO_ERROR) {
		answer_int_option(c->reply, o, take_error(c->d, c->ch));
		return 0;
	}
	return get_option(c->d, c->ch->sock, c->request, c->reply);
}

static int call_take_error(const struct call *c)
{
	answer_number(c->reply, take_error(c->d, c->ch));
	return 0;
}

static int call_peek_error(const struct call *c)
{
	/* Whatever ends a stream is in @error at once. */
	answer_number(c->reply, c->ch->error);
	return 0;
}

/* What the peer has not acknowledged, and what is still on its way to the engine. */
static int call_outq(const struct call *c)
{
	size_t in_pair;

	if (c->ch->kind == CHANNEL_LISTENER)
		return -EINVAL;
	in_pair = c->ch->flags & CH_CONNECTED ? latch_waiting(c->ch) : 0;
	answer_number(c->reply, (int64_t)(sock_outq_bytes(c->ch->sock) + in_pair));
	return 0;
}

static int call_urgent(const struct call *c)
{
	if (c->ch->kind != CHANNEL_STREAM)
		return c->ch->kind == CHANNEL_DGRAM ? -EOPNOTSUPP : -ENOTCONN;
	urgent_expect(c->ch);
	return 0;
}

static int call_accept_again(const struct call *c)
{
	return c->ch->kind == CHANNEL_LISTENER ? listener_take_back(c->d, c->ch, (uint64_t)c->request->number.value) : -EINVAL;
}

static int call_next_header(const struct call *c)
{
	int err;

	if (c->ch->kind != CHANNEL_DGRAM)
		return -EOPNOTSUPP;
	err = dgram_next_header(c->ch, c->fd, &c->reply->dgram.head, c->reply->dgram.controls);
	c->reply->body_bytes = err ? 0 : c->reply->dgram.head.header_bytes;
	return err;
}

/* What a program asks of a connection that has ended: whose socket was not kept, what kind of socket it is. */
static int get_tombstone_option(struct daemon *d, struct tombstone *t, const struct request *r, struct reply *reply)
{
	const struct tapir_option *o = &r->option.head;

	if (o->level == SOL_SOCKET && o->name == SO_ERROR) {
		answer_int_option(reply, o, t->error);
		t->error = 0;
		return 0;
	}
	if (t->sock)
		return get_option(d, t->sock, r, reply);
	if (o->level != SOL_SOCKET)
		return -ENOTCONN;
	switch (o->name) {
	case SO_TYPE:
		answer_int_option(reply, o, SOCK_STREAM);
		return 0;
	case SO_DOMAIN:
		answer_int_option(reply, o, t->family);
		return 0;
	case SO_PROTOCOL:
		answer_int_option(reply, o, IPPROTO_TCP);
		return 0;
	case SO_ACCEPTCONN:
		answer_int_option(reply, o, 0);
		return 0;
	default:
		return -ENOTCONN;
	}
}

static int set_tombstone_option(struct daemon *d, const struct client *client, struct tombstone *t, const struct request *r)
{
	const struct tapir_option *o = &r->option.head;
	int err;

	if (!t->sock)
		return 0; /* no option shows any more */
	err = user_is_privileged(d, client->user) ? 0 : privilege_of_option(d, t->sock, r);
	return err < 0 ? err : sock_setopt(t->sock, o->level, o->name, r->option.value, o->len, d->now_us);
}

static int call_recv_error(const struct call *c)
{
	size_t bytes = sizeof(c->reply->dgram_error.payload);
	int err;

	if (c->ch->kind != CHANNEL_DGRAM)
		return -EAGAIN;
	err = dgram_next_error(c->d, c->ch, c->fd, &c->reply->dgram_error.head, c->reply->dgram_error.payload, &bytes);
	c->reply->body_bytes = (uint32_t)(sizeof(c->reply->dgram_error.head) + bytes);
	return err;
}

static int call_check_send(const struct call *c)
{
	size_t bytes_max = 0;
	int err;

	if (c->ch->kind != CHANNEL_DGRAM)
		return -EOPNOTSUPP;
	err = dgram_check_send(c->d, c->ch, c->request, &bytes_max);
	answer_number(c->reply, (int64_t)bytes_max);
	return err;
}

/* A socket whose channel the daemon has closed while the client still holds its end. */
static int call_tombstone(struct daemon *d, struct client *client, const struct request *r, struct tombstone *t, struct reply *reply)
{
	switch (r->op) {
	case TAPIR_OP_CONNECT:
	case TAPIR_OP_CONNECT_WAIT:
		return revive(d, client, r, t, reply);
	case TAPIR_OP_TAKE_ERROR:
		answer_number(reply, t->error);
		t->error = 0;
		return 0;
	case TAPIR_OP_PEEK_ERROR:
		answer_number(reply, t->error);
		return 0;
	case TAPIR_OP_GETSOCKNAME:
		answer_endpoint(reply, &t->local, t->family);
		return 0;
	case TAPIR_OP_GETSOCKOPT:
		return get_tombstone_option(d, t, r, reply);
	case TAPIR_OP_SETSOCKOPT:
		return set_tombstone_option(d, client, t, r);
	default:
		return -ENOTCONN;
	}
}

static int call_channel(const struct call *c)
{
	switch ((enum tapir_op)c->request->op) {
	case TAPIR_OP_BIND:
		return call_bind(c);
	case TAPIR_OP_CONNECT:
		return call_connect(c);
	case TAPIR_OP_CONNECT_WAIT:
		return call_connect_wait(c);
	case TAPIR_OP_LISTEN:
		return call_listen(c);
	case TAPIR_OP_SHUTDOWN:
		return call_shutdown(c);
	case TAPIR_OP_GETSOCKNAME:
		return call_getsockname(c);
	case TAPIR_OP_GETPEERNAME:
		return call_getpeername(c);
	case TAPIR_OP_SETSOCKOPT:
		return call_setsockopt(c);
	case TAPIR_OP_GETSOCKOPT:
		return call_getsockopt(c);
	case TAPIR_OP_TAKE_ERROR:
		return call_take_error(c);
	case TAPIR_OP_PEEK_ERROR:
		return call_peek_error(c);
	case TAPIR_OP_OUTQ:
		return call_outq(c);
	case TAPIR_OP_URGENT:
		return call_urgent(c);
	case TAPIR_OP_ACCEPT_AGAIN:
		return call_accept_again(c);
	case TAPIR_OP_BELOW_MARK:
		if (c->ch->kind == CHANNEL_STREAM)
			stream_ignore_mark(c->d, c->ch);
		return 0;
	case TAPIR_OP_LINGER:
		answer_number(c->reply, (int64_t)sock_id(c->ch->sock));
		return 0;
	case TAPIR_OP_BARE:
		return c->ch->kind == CHANNEL_DGRAM ? dgram_go_bare(c->ch) : -EOPNOTSUPP;
	case TAPIR_OP_NEXT_HEADER:
		return call_next_header(c);
	case TAPIR_OP_RECV_ERROR:
		return call_recv_error(c);
	case TAPIR_OP_CHECK_SEND:
		return call_check_send(c);
	case TAPIR_OP_RING_AGAIN:
		if (c->ch->kind == CHANNEL_DGRAM)
			dgram_ring_again(c->d, c->ch, c->fd);
		return 0;
	default:
		return -ENOSYS;
	}
}

static int do_call(struct daemon *d, struct client *client, const struct request *r, int fd, struct reply *reply)
{
	struct call c = { d, client, NULL, fd, r, reply };
	struct tombstone *t;
	int family, protocol, err;
	uint64_t cookie;

	c.ch = channel_by_fd(d, fd, &cookie);
	if (c.ch) {
		/* Who names it holds it. */
		listener_on_claim(d, c.ch);
		c.ch->flags &= ~(uint32_t)CH_UNCLAIMED;
		if (c.ch->flags & CH_CONNECTED)
			channel_enlarge_theirs(d, c.ch, fd);
		return call_channel(&c);
	}
	t = cookie ? tombstone_find(&d->tombstones, cookie) : NULL;
	if (t)
		return call_tombstone(d, client, r, t, reply);
	if (!cookie || !fresh_is(fd, &family, &protocol))
		return -ENOTSOCK;
	err = open_stream(d, client, family, protocol, fd, &c.ch);
	return err < 0 ? err : call_channel(&c);
}

void request_handle(struct daemon *d, struct client *c, const struct request *r, int *fd, struct reply *reply)
{
	int err;

	switch ((enum tapir_op)r->op) {
	case TAPIR_OP_HELLO:
		err = do_hello(d, reply);
		break;
	case TAPIR_OP_SOCKET:
		err = do_socket(d, c, &r->socket, reply);
		break;
	case TAPIR_OP_SET:
		err = do_set(d, c, &r->tunable, reply);
		break;
	case TAPIR_OP_GET:
		err = do_get(d, &r->tunable, reply);
		break;
	case TAPIR_OP_DUMP:
		err = do_dump(d, c, r, reply);
		break;
	case TAPIR_OP_CAPTURE:
		err = do_capture(d, c, &r->capture, reply);
		break;
	case TAPIR_OP_CHANGE:
		err = do_change(d, c, &r->change, reply);
		break;
	case TAPIR_OP_RELOAD:
		err = do_reload(d, c, reply);
		break;
	case TAPIR_OP_ROUTE:
		err = do_route(d, &r->route, reply);
		break;
	case TAPIR_OP_ADOPT:
		err = do_adopt(d, fd);
		break;
	case TAPIR_OP_NETLINK:
		err = do_netlink(d, c, &r->number, reply);
		break;
	case TAPIR_OP_NETLINK_BIND:
	case TAPIR_OP_NETLINK_NAME:
		err = do_netlink_name(d, r, *fd, reply);
		break;
	case TAPIR_OP_LINGERS:
		err = do_lingers(d, &r->number, reply);
		break;
	case TAPIR_OP_SOURCE:
		err = do_source(d, &r->addr, reply);
		break;
	default:
		err = do_call(d, c, r, *fd, reply);
		break;
	}
	reply->error = -err;
}
