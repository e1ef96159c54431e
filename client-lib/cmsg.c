/* SPDX-License-Identifier: BSD-2-Clause */
#include "client-lib/cmsg.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <linux/errqueue.h>

#include "client-lib/option_names.h"

#include "client-lib/controls.h"
#include "client-lib/sockaddr.h"

/* ---- Received ---- */

struct cmsg_out {
	struct msghdr *m;
	size_t used;
};

/* As Linux's put_cmsg(): the last one may be cut, then MSG_CTRUNC says so. */
static void put(struct cmsg_out *o, int level, int type, const void *data, size_t bytes)
{
	size_t room = o->m->msg_controllen - o->used, len = CMSG_LEN(bytes), space = CMSG_SPACE(bytes);
	uint8_t *at = (uint8_t *)o->m->msg_control + o->used;
	struct cmsghdr c = { .cmsg_level = level, .cmsg_type = type };

	if (!o->m->msg_control || room < sizeof(c)) {
		o->m->msg_flags |= MSG_CTRUNC;
		return;
	}
	if (room < len) {
		o->m->msg_flags |= MSG_CTRUNC;
		len = room;
	}
	c.cmsg_len = len;
	memcpy(at, &c, sizeof(c));
	memcpy(at + CMSG_LEN(0), data, len - CMSG_LEN(0));
	o->used += space < room ? space : room;
}

/* What the daemon says of it, when that is more than the header does: of a group or a broadcast address. */
static bool put_pktinfo_told(struct cmsg_out *o, const void *controls, size_t bytes)
{
	struct tapir_control c;
	const void *data;
	size_t at = 0;

	while (controls_next(controls, bytes, &at, &c, &data)) {
		if (c.level == IPPROTO_IP && c.type == IP_PKTINFO) {
			put(o, c.level, c.type, data, c.bytes);
			return true;
		}
	}
	return false;
}

static void put_pktinfo(struct cmsg_out *o, const struct tapir_dgram *d, const void *controls, size_t bytes)
{
	if (d->addr.family == AF_INET && put_pktinfo_told(o, controls, bytes))
		return;
	if (d->addr.family == AF_INET) {
		struct in_pktinfo info = { .ipi_ifindex = (int)d->ifindex };

		memcpy(&info.ipi_addr, d->local.addr + 12, sizeof(info.ipi_addr));
		info.ipi_spec_dst = info.ipi_addr;
		put(o, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	} else {
		struct in6_pktinfo info = { .ipi6_ifindex = d->ifindex };

		memcpy(&info.ipi6_addr, d->local.addr, sizeof(info.ipi6_addr));
		put(o, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	}
}

static void put_tos(struct cmsg_out *o, const struct tapir_dgram *d)
{
	if (d->addr.family == AF_INET) {
		uint8_t tos = (uint8_t)d->tos;

		put(o, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	} else {
		int tclass = d->tos;

		put(o, IPPROTO_IPV6, IPV6_TCLASS, &tclass, sizeof(tclass));
	}
}

static void put_ttl(struct cmsg_out *o, const struct tapir_dgram *d)
{
	int ttl = d->ttl;

	if (d->addr.family == AF_INET)
		put(o, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	else
		put(o, IPPROTO_IPV6, IPV6_HOPLIMIT, &ttl, sizeof(ttl));
}

static void put_time(struct cmsg_out *o, const struct tapir_dgram *d)
{
	struct timespec ts = { .tv_sec = (time_t)(d->time_ns / 1000000000), .tv_nsec = (long)(d->time_ns % 1000000000) };
	struct timeval tv = { .tv_sec = ts.tv_sec, .tv_usec = ts.tv_nsec / 1000 };

	if (d->flags & TAPIR_DGRAM_TIMESTAMPNS)
		put(o, SOL_SOCKET, SCM_TIMESTAMPNS, &ts, sizeof(ts));
	else
		put(o, SOL_SOCKET, SCM_TIMESTAMP, &tv, sizeof(tv));
}

/* Where the datagram was sent to, with the port. */
static void put_origdst(struct cmsg_out *o, const struct tapir_dgram *d)
{
	bool is4 = d->local.family == AF_INET;
	struct sockaddr_in6 to = { .sin6_family = AF_INET6 }; /* as large as either */
	socklen_t len = sizeof(to);

	sockaddr_format(&d->local, (struct sockaddr *)&to, &len);
	put(o, is4 ? IPPROTO_IP : IPPROTO_IPV6, is4 ? IP_ORIGDSTADDR : IPV6_ORIGDSTADDR, &to, len);
}

/* Those of the level SOL_SOCKET, or the others. On an IPv4 socket put_pktinfo() sees to IP_PKTINFO. */
static void put_controls(struct cmsg_out *o, const struct tapir_dgram *d, const void *controls, size_t bytes, bool of_socket)
{
	struct tapir_control c;
	const void *data;
	size_t at = 0;

	while (controls_next(controls, bytes, &at, &c, &data))
		if ((c.level == SOL_SOCKET) == of_socket &&
		    !(d->addr.family == AF_INET && c.level == IPPROTO_IP && c.type == IP_PKTINFO))
			put(o, c.level, c.type, data, c.bytes);
}

void cmsg_format(const struct tapir_dgram *d, const void *controls, size_t controls_bytes, struct msghdr *m)
{
	struct cmsg_out o = { .m = m };

	if (d->flags & TAPIR_DGRAM_CTRUNC)
		m->msg_flags |= MSG_CTRUNC;
	if (d->flags & (TAPIR_DGRAM_TIMESTAMP | TAPIR_DGRAM_TIMESTAMPNS))
		put_time(&o, d);
	put_controls(&o, d, controls, controls_bytes, true);
	if (d->flags & TAPIR_DGRAM_PKTINFO)
		put_pktinfo(&o, d, controls, controls_bytes);
	if (d->flags & TAPIR_DGRAM_TTL && d->ttl >= 0)
		put_ttl(&o, d);
	if (d->flags & TAPIR_DGRAM_TOS && d->tos >= 0)
		put_tos(&o, d);
	put_controls(&o, d, controls, controls_bytes, false);
	if (d->flags & TAPIR_DGRAM_ORIGDSTADDR)
		put_origdst(&o, d);
	if (d->flags & TAPIR_DGRAM_GRO && d->segment_size) {
		int size = (int)d->segment_size;

		put(&o, IPPROTO_UDP, UDP_GRO, &size, sizeof(size));
	}
	m->msg_controllen = o.used;
}

/* Who says so: nobody when it is this host itself. */
void cmsg_format_error(const struct tapir_dgram_error *e, struct msghdr *m)
{
	struct cmsg_out o = { .m = m };
	struct sock_extended_err ee = { .ee_errno = e->error, .ee_origin = e->origin, .ee_type = e->type, .ee_code = e->code,
					.ee_info = e->info };
	struct {
		struct sock_extended_err ee;
		union {
			struct sockaddr_in in;
			struct sockaddr_in6 in6;
		};
	} data = { .ee = ee };
	bool is4 = e->dst.family == AF_INET;
	size_t bytes = sizeof(ee) + (is4 ? sizeof(data.in) : sizeof(data.in6));
	socklen_t len = sizeof(data.in6);

	if (e->offender.family)
		sockaddr_format(&e->offender, (struct sockaddr *)&data.in, &len);
	put(&o, is4 ? IPPROTO_IP : IPPROTO_IPV6, is4 ? IP_RECVERR : IPV6_RECVERR, &data, bytes);
	m->msg_controllen = o.used;
}

/* ---- To send ---- */

/* The int in a control message; also from a single byte, which Linux takes for IP_TOS. */
static int take_int(const struct cmsghdr *c, int min, int max, int *v)
{
	size_t bytes = c->cmsg_len - CMSG_LEN(0);

	if (bytes == sizeof(int))
		memcpy(v, CMSG_DATA(c), sizeof(int));
	else if (bytes == 1 && c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS)
		*v = *(const uint8_t *)CMSG_DATA(c);
	else
		return -EINVAL;
	return *v < min || *v > max ? -EINVAL : 0;
}

int cmsg_add(struct tapir_dgram *d, uint8_t *controls, int level, int type, const void *data, size_t bytes)
{
	size_t at;

	if (!controls)
		return CMSG_NEEDS_ROOM;
	at = controls_put(controls, TAPIR_CONTROLS_MAX, d->header_bytes - sizeof(*d), level, type, data, bytes);
	if (!at)
		return -ENOBUFS;
	d->header_bytes = (uint32_t)(sizeof(*d) + at);
	return 0;
}

/* For the daemon to judge. */
static int pass_on(const struct cmsghdr *c, struct tapir_dgram *d, uint8_t *controls)
{
	return cmsg_add(d, controls, c->cmsg_level, c->cmsg_type, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
}

static int parse_ip(const struct cmsghdr *c, struct tapir_dgram *d, uint8_t *controls)
{
	struct in_pktinfo info;
	int v;

	switch (c->cmsg_type) {
	case IP_PKTINFO:
		if (c->cmsg_len != CMSG_LEN(sizeof(info)))
			return -EINVAL;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		if (info.ipi_ifindex)
			d->ifindex = (uint32_t)info.ipi_ifindex;
		if (info.ipi_spec_dst.s_addr) {
			d->local = (struct tapir_addr){ .family = AF_INET, .addr = { [10] = 0xff, [11] = 0xff } };
			memcpy(d->local.addr + 12, &info.ipi_spec_dst, sizeof(info.ipi_spec_dst));
		}
		return 0;
	case IP_TTL:
		if (take_int(c, 1, 255, &v) < 0)
			return -EINVAL;
		d->ttl = (int16_t)v;
		return 0;
	case IP_TOS:
		if (take_int(c, 0, 255, &v) < 0)
			return -EINVAL;
		d->tos = (int16_t)v;
		return 0;
	case IP_RETOPTS:
		return pass_on(c, d, controls);
	}
	return -EINVAL;
}

static int parse_ipv6(const struct cmsghdr *c, struct tapir_dgram *d, uint8_t *controls)
{
	struct in6_pktinfo info;
	int v;

	switch (c->cmsg_type) {
	case IPV6_PKTINFO:
	case IPV6_2292PKTINFO:
		if (c->cmsg_len < CMSG_LEN(sizeof(info)))
			return -EINVAL;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		if (info.ipi6_ifindex)
			d->ifindex = info.ipi6_ifindex;
		if (!IN6_IS_ADDR_UNSPECIFIED(&info.ipi6_addr)) {
			d->local = (struct tapir_addr){ .family = AF_INET6 };
			memcpy(d->local.addr, &info.ipi6_addr, sizeof(info.ipi6_addr));
		}
		return 0;
	case IPV6_FLOWINFO:
	case IPV6_HOPOPTS:
	case IPV6_2292HOPOPTS:
	case IPV6_DSTOPTS:
	case IPV6_2292DSTOPTS:
	case IPV6_RTHDRDSTOPTS:
	case IPV6_RTHDR:
	case IPV6_2292RTHDR:
	case IPV6_DONTFRAG:
		return pass_on(c, d, controls);
	case IPV6_2292HOPLIMIT:
	case IPV6_HOPLIMIT: /* -1: the default (RFC 3542 section 6.3) */
		if (take_int(c, -1, 255, &v) < 0)
			return -EINVAL;
		d->ttl = (int16_t)v;
		return 0;
	case IPV6_TCLASS: /* -1: the default (RFC 3542 section 6.5) */
		if (take_int(c, -1, 255, &v) < 0)
			return -EINVAL;
		d->tos = (int16_t)v;
		return 0;
	}
	return -EINVAL;
}

static int parse_one(const struct cmsghdr *c, struct tapir_dgram *d, uint8_t *controls)
{
	uint16_t size;

	switch (c->cmsg_level) {
	case IPPROTO_IP:
		return parse_ip(c, d, controls);
	case IPPROTO_IPV6:
		return parse_ipv6(c, d, controls);
	case IPPROTO_UDP:
		if (c->cmsg_type != UDP_SEGMENT || c->cmsg_len != CMSG_LEN(sizeof(size)))
			return -EINVAL;
		memcpy(&size, CMSG_DATA(c), sizeof(size));
		d->segment_size = size;
		return 0;
	case SOL_SOCKET:
		/* Descriptors and credentials mean nothing to the network; Linux lets them pass unread. */
		return c->cmsg_type == SCM_RIGHTS || c->cmsg_type == SCM_CREDENTIALS ? 0 : -EINVAL;
	}
	return 0; /* Linux leaves levels it does not know to others */
}

/* Call @fn for each control message to send, until it returns an error. */
static int each(const struct msghdr *m, int (*fn)(const struct cmsghdr *c, struct tapir_dgram *d, uint8_t *controls), struct tapir_dgram *d,
		uint8_t *controls)
{
	struct msghdr copy = { .msg_control = m->msg_control, .msg_controllen = m->msg_controllen };
	const uint8_t *end = (const uint8_t *)m->msg_control + m->msg_controllen;

	if (!m->msg_control)
		return 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&copy); c; c = CMSG_NXTHDR(&copy, c)) {
		int error;

		if (c->cmsg_len < CMSG_LEN(0) || c->cmsg_len > (size_t)(end - (const uint8_t *)c))
			return -EINVAL;
		error = fn(c, d, controls);
		if (error)
			return error;
	}
	return 0;
}

int cmsg_parse(const struct msghdr *m, struct tapir_dgram *d, uint8_t *controls)
{
	return each(m, parse_one, d, controls);
}

/* Other levels than the socket's are left to others, whom TCP has not. */
static int check_one(const struct cmsghdr *c, struct tapir_dgram *d, uint8_t *controls)
{
	(void)d, (void)controls;
	if (c->cmsg_level != SOL_SOCKET || c->cmsg_type == SCM_RIGHTS || c->cmsg_type == SCM_CREDENTIALS)
		return 0;
	if (c->cmsg_type == SO_MARK)
		return geteuid() ? -EPERM : c->cmsg_len == CMSG_LEN(sizeof(uint32_t)) ? 0 : -EINVAL;
	return -EINVAL;
}

int cmsg_check_stream(const struct msghdr *m)
{
	return each(m, check_one, NULL, NULL);
}

void cmsg_each_fd(struct msghdr *m, void (*fn)(void *ctx, int fd), void *ctx)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; at + sizeof(int) <= c->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + at, sizeof(int));
			fn(ctx, fd);
		}
	}
}
