/* SPDX-License-Identifier: BSD-2-Clause */
#include "client-lib/host_options.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "client-lib/include/tapir/socket.h"
#include "client-lib/real.h"

enum { OPTION_ROOM = 64, ANY_TYPE = 0, SOL_RAW_LEVEL = 255, ICMP_FILTER_NAME = 1 };

struct option {
	int level, name;
	int family, type; /* that have it: AF_INET6 or AF_UNSPEC (both); SOCK_STREAM, SOCK_DGRAM, SOCK_RAW or ANY_TYPE */
};

static const struct option options[] = {
	{ IPPROTO_IPV6, IPV6_V6ONLY, AF_INET6, ANY_TYPE },
	{ SOL_SOCKET, SO_REUSEADDR, AF_UNSPEC, ANY_TYPE },
	{ SOL_SOCKET, SO_REUSEPORT, AF_UNSPEC, ANY_TYPE },
	{ SOL_SOCKET, SO_BINDTODEVICE, AF_UNSPEC, ANY_TYPE },
	{ SOL_SOCKET, SO_MARK, AF_UNSPEC, ANY_TYPE },
	{ SOL_SOCKET, SO_PRIORITY, AF_UNSPEC, ANY_TYPE },
	{ SOL_SOCKET, SO_KEEPALIVE, AF_UNSPEC, SOCK_STREAM },
	{ SOL_SOCKET, SO_BROADCAST, AF_UNSPEC, ANY_TYPE },
	{ SOL_SOCKET, SO_OOBINLINE, AF_UNSPEC, SOCK_STREAM },
	{ SOL_SOCKET, SO_LINGER, AF_UNSPEC, SOCK_STREAM },
	{ SOL_SOCKET, SO_RCVLOWAT, AF_UNSPEC, SOCK_STREAM },
	{ SOL_SOCKET, SO_RCVBUF, AF_UNSPEC, ANY_TYPE },
	{ SOL_SOCKET, SO_SNDBUF, AF_UNSPEC, ANY_TYPE },
	{ SOL_SOCKET, SO_TIMESTAMP, AF_UNSPEC, ANY_TYPE },
	{ SOL_SOCKET, SO_TIMESTAMPNS, AF_UNSPEC, ANY_TYPE },
	{ SOL_SOCKET, SO_TIMESTAMPING, AF_UNSPEC, ANY_TYPE },
	{ IPPROTO_IP, IP_TTL, AF_UNSPEC, ANY_TYPE },
	{ IPPROTO_IP, IP_TOS, AF_UNSPEC, ANY_TYPE },
	{ IPPROTO_IP, IP_MTU_DISCOVER, AF_UNSPEC, ANY_TYPE },
	{ IPPROTO_IP, IP_RECVERR, AF_UNSPEC, ANY_TYPE },
	{ IPPROTO_IP, IP_PKTINFO, AF_UNSPEC, ANY_TYPE },
	{ IPPROTO_IP, IP_RECVTTL, AF_UNSPEC, ANY_TYPE },
	{ IPPROTO_IP, IP_RECVTOS, AF_UNSPEC, ANY_TYPE },
	{ IPPROTO_IP, IP_FREEBIND, AF_UNSPEC, ANY_TYPE },
	{ IPPROTO_IP, IP_TRANSPARENT, AF_UNSPEC, ANY_TYPE },
	{ IPPROTO_IP, IP_MULTICAST_TTL, AF_UNSPEC, ANY_TYPE },
	{ IPPROTO_IP, IP_MULTICAST_LOOP, AF_UNSPEC, ANY_TYPE },
	{ IPPROTO_IP, IP_HDRINCL, AF_UNSPEC, SOCK_RAW },
	{ SOL_RAW_LEVEL, ICMP_FILTER_NAME, AF_UNSPEC, SOCK_RAW },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, AF_INET6, ANY_TYPE },
	{ IPPROTO_IPV6, IPV6_TCLASS, AF_INET6, ANY_TYPE },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, AF_INET6, ANY_TYPE },
	{ IPPROTO_IPV6, IPV6_RECVERR, AF_INET6, ANY_TYPE },
	{ IPPROTO_IPV6, IPV6_RECVPKTINFO, AF_INET6, ANY_TYPE },
	{ IPPROTO_IPV6, IPV6_RECVHOPLIMIT, AF_INET6, ANY_TYPE },
	{ IPPROTO_IPV6, IPV6_RECVTCLASS, AF_INET6, ANY_TYPE },
	{ IPPROTO_IPV6, IPV6_MULTICAST_HOPS, AF_INET6, ANY_TYPE },
	{ IPPROTO_IPV6, IPV6_MULTICAST_LOOP, AF_INET6, ANY_TYPE },
	{ IPPROTO_IPV6, IPV6_DONTFRAG, AF_INET6, ANY_TYPE },
	{ IPPROTO_ICMPV6, ICMP6_FILTER, AF_INET6, SOCK_RAW },
	{ IPPROTO_TCP, TCP_NODELAY, AF_UNSPEC, SOCK_STREAM },
	{ IPPROTO_TCP, TCP_CORK, AF_UNSPEC, SOCK_STREAM },
	{ IPPROTO_TCP, TCP_MAXSEG, AF_UNSPEC, SOCK_STREAM },
	{ IPPROTO_TCP, TCP_KEEPIDLE, AF_UNSPEC, SOCK_STREAM },
	{ IPPROTO_TCP, TCP_KEEPINTVL, AF_UNSPEC, SOCK_STREAM },
	{ IPPROTO_TCP, TCP_KEEPCNT, AF_UNSPEC, SOCK_STREAM },
	{ IPPROTO_TCP, TCP_SYNCNT, AF_UNSPEC, SOCK_STREAM },
	{ IPPROTO_TCP, TCP_LINGER2, AF_UNSPEC, SOCK_STREAM },
	{ IPPROTO_TCP, TCP_DEFER_ACCEPT, AF_UNSPEC, SOCK_STREAM },
	{ IPPROTO_TCP, TCP_WINDOW_CLAMP, AF_UNSPEC, SOCK_STREAM },
	{ IPPROTO_TCP, TCP_USER_TIMEOUT, AF_UNSPEC, SOCK_STREAM },
	{ IPPROTO_TCP, TCP_NOTSENT_LOWAT, AF_UNSPEC, SOCK_STREAM },
	{ IPPROTO_TCP, TCP_CONGESTION, AF_UNSPEC, SOCK_STREAM },
	{ IPPROTO_UDP, UDP_CORK, AF_UNSPEC, SOCK_DGRAM },
	{ IPPROTO_UDP, UDP_SEGMENT, AF_UNSPEC, SOCK_DGRAM },
	{ IPPROTO_UDP, UDP_GRO, AF_UNSPEC, SOCK_DGRAM },
};

static int get_int(int fd, int name, int *value)
{
	socklen_t len = sizeof(*value);

	return tapir_getsockopt(fd, SOL_SOCKET, name, value, &len) < 0 ? -errno : 0;
}

int host_kind_of(int fd, struct host_kind *kind)
{
	int error = get_int(fd, SO_DOMAIN, &kind->family);

	if (!error)
		error = get_int(fd, SO_TYPE, &kind->type);
	return error ? error : get_int(fd, SO_PROTOCOL, &kind->protocol);
}

struct value {
	uint8_t bytes[OPTION_ROOM];
	socklen_t len;
};

static bool get(int fd, const struct option *o, struct value *v)
{
	v->len = sizeof(v->bytes);
	return tapir_getsockopt(fd, o->level, o->name, v->bytes, &v->len) == 0;
}

static int set(int fd, const struct option *o, struct value *v)
{
	/* The size that is asked for is half of the size that is shown (socket(7)). */
	if (o->level == SOL_SOCKET && (o->name == SO_RCVBUF || o->name == SO_SNDBUF) && v->len == sizeof(int)) {
		int bytes;

		memcpy(&bytes, v->bytes, sizeof(bytes));
		bytes /= 2;
		memcpy(v->bytes, &bytes, sizeof(bytes));
	}
	return tapir_real.setsockopt(fd, o->level, o->name, v->bytes, v->len) < 0 ? -errno : 0;
}

static bool has_option(const struct host_kind *kind, const struct option *o)
{
	return (o->family == AF_UNSPEC || o->family == kind->family) && (o->type == ANY_TYPE || o->type == kind->type);
}

/* SO_RCVTIMEO and SO_SNDTIMEO are the descriptor's own. */
static int copy_timeouts(int from, int to)
{
	static const int names[] = { SO_RCVTIMEO, SO_SNDTIMEO };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct timeval tv;
		socklen_t len = sizeof(tv);

		if (tapir_real.getsockopt(from, SOL_SOCKET, names[i], &tv, &len) == 0 && (tv.tv_sec || tv.tv_usec) &&
		    tapir_real.setsockopt(to, SOL_SOCKET, names[i], &tv, len) < 0)
			return -errno;
	}
	return 0;
}

int host_copy_options(int from, int to, const struct host_kind *kind)
{
	int fresh = tapir_socket(kind->family, kind->type | SOCK_CLOEXEC, kind->protocol), error;

	if (fresh < 0)
		return -errno;
	error = copy_timeouts(from, to);
	for (size_t i = 0; !error && i < sizeof(options) / sizeof(options[0]); i++) {
		struct value is, was;

		if (has_option(kind, &options[i]) && get(from, &options[i], &is) && get(fresh, &options[i], &was) &&
		    (is.len != was.len || memcmp(is.bytes, was.bytes, is.len) != 0))
			error = set(to, &options[i], &is);
	}
	tapir_close(fresh);
	return error;
}
