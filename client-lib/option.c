/* SPDX-License-Identifier: BSD-2-Clause */
/* setsockopt(2), getsockopt(2), ioctl(2). The daemon knows a socket's options; only what the kernel does for the fd itself, its blocking
 * and its time-outs, is set on the fd. */
#include "client-lib/include/tapir/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <linux/sockios.h>
#include <stdarg.h>
#include <string.h>

#include "client-lib/backend.h"
#include "client-lib/dgram.h"
#include "client-lib/ifreq.h"
#include "client-lib/linger.h"
#include "client-lib/netlink.h"
#include "client-lib/real.h"
#include "client-lib/report.h"
#include "client-lib/sock.h"

#ifndef IPV6_FLOWLABEL_MGR
#define IPV6_FLOWLABEL_MGR 32
#endif

struct option_message {
	struct tapir_option option;
	uint8_t value[TAPIR_OPTION_MAX];
};

/* Options of the fd, not of the connection. */
static bool is_natural(int level, int name)
{
	return level == SOL_SOCKET && (name == SO_NETNS_COOKIE || name == SO_RCVTIMEO_OLD || name == SO_RCVTIMEO_NEW || name == SO_SNDTIMEO_OLD ||
				       name == SO_SNDTIMEO_NEW || name == SO_COOKIE);
}

/* Options that bring ancillary data of any length (RFC 3542 sections 5 to 7, ip(7)). */
static bool brings_long_controls(int level, int name)
{
	if (level == IPPROTO_IP)
		return name == IP_RECVOPTS || name == IP_RETOPTS;
	return level == IPPROTO_IPV6 && (name == IPV6_RECVHOPOPTS || name == IPV6_RECVRTHDR || name == IPV6_RECVDSTOPTS ||
					 name == IPV6_2292HOPOPTS || name == IPV6_2292RTHDR || name == IPV6_2292DSTOPTS);
}

static int set_ours(int fd, int level, int name, const void *value, socklen_t len)
{
	struct option_message m; /* only as much of it as counts is written */
	ssize_t n;

	if (len > TAPIR_OPTION_MAX) /* no option reads more; what would is too large for it, and its beginning says so */
		len = TAPIR_OPTION_MAX;
	if (!value && len)
		return -EFAULT;
	m.option = (struct tapir_option){ .level = level, .name = name, .len = len };
	if (len)
		memcpy(m.value, value, len);
	if (hint_of(fd) != HINT_STREAM)
		dgram_forget_ways();
	if (brings_long_controls(level, name))
		dgram_expect_long_controls();
	n = sock_request(TAPIR_OP_SETSOCKOPT, fd, &m, sizeof(m.option) + len, NULL, 0);
	if (n < 0)
		return (int)n;
	linger_note(fd, level, name, value, len);
	if (level == SOL_SOCKET && name == SO_RCVLOWAT) { /* a blocking read waits in the kernel */
		tapir_real.setsockopt(fd, level, name, value, len);
		sock_note_mark();
	}
	return 0;
}

/* The one option that also answers: the flow label that the stack has chosen (<linux/in6.h>), where the request had 0. */
static void give_flow_label(int fd, void *value, socklen_t len)
{
	enum { ACTION_AT = 20, LABEL_AT = 16, ACTION_GET = 0 };
	struct option_message reply;
	struct tapir_option question = { .level = IPPROTO_IPV6, .name = TAPIR_IPV6_LEASED_FLOW_LABEL, .len = sizeof(uint32_t) };
	uint8_t *request = value;
	uint32_t label;

	memcpy(&label, request + LABEL_AT, sizeof(label));
	if (len < ACTION_AT + 1 || request[ACTION_AT] != ACTION_GET || label)
		return;
	if (sock_request(TAPIR_OP_GETSOCKOPT, fd, &question, sizeof(question), &reply, sizeof(reply)) !=
	    (ssize_t)(sizeof(reply.option) + sizeof(label)))
		return;
	memcpy(&label, reply.value, sizeof(label));
	label = htonl(label);
	memcpy(request + LABEL_AT, &label, sizeof(label));
}

int tapir_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	int error;

	if (hint_is_sandboxed() || is_natural(level, name) || !hint_is_ours(fd))
		return level == SOL_NETLINK && !hint_is_sandboxed() && netlink_is(fd) ? (int)sock_result(netlink_setsockopt(fd, name, value, len)) :
								tapir_real.setsockopt(fd, level, name, value, len);
	error = set_ours(fd, level, name, value, len);
	if (!error && level == IPPROTO_IPV6 && name == IPV6_FLOWLABEL_MGR)
		give_flow_label(fd, (void *)(uintptr_t)value, len);
	if (error)
		report_option(REPORT_SETSOCKOPT, level, name, value, len, -error);
	return (int)sock_result(error);
}

static void give_int(int number, void *value, socklen_t *len)
{
	if (*len > sizeof(number))
		*len = sizeof(number);
	memcpy(value, &number, *len);
}

/* SO_ERROR is asked for in a way of its own, because it is still told after the daemon closed its end. */
static int get_error(int fd, void *value, socklen_t *len)
{
	int error = -sock_ask_error(fd, ENETDOWN), own;
	socklen_t own_len = sizeof(own);

	/* The descriptor has an error of its own when the daemon closed its end: told now, so that poll(2) tells it no more. */
	tapir_real.getsockopt(fd, SOL_SOCKET, SO_ERROR, &own, &own_len);
	give_int(error, value, len);
	return 0;
}

/* Options whose question is in the caller's buffer (RFC 3678 sections 4.1.2, 5.1.2; <linux/in6.h>). */
static bool has_question(int level, int name)
{
	return (level == IPPROTO_IP && (name == IP_MSFILTER || name == MCAST_MSFILTER)) ||
	       (level == IPPROTO_IPV6 && (name == MCAST_MSFILTER || name == IPV6_FLOWLABEL_MGR));
}

/* SO_PEERNAME: getpeername(2) by another name, with a room that must not be larger than the address. */
static int get_peername(int fd, void *value, socklen_t *len)
{
	struct sockaddr_storage peer;
	socklen_t peer_len = sizeof(peer);

	if (tapir_getpeername(fd, (struct sockaddr *)&peer, &peer_len) < 0)
		return -errno;
	if (peer_len < *len)
		return -EINVAL;
	memcpy(value, &peer, *len);
	return 0;
}

/* What is known of a fresh stream without asking. */
static bool get_fresh(const struct hint_sock *sock, int level, int name, int *value)
{
	if (level != SOL_SOCKET)
		return false;
	switch (name) {
	case SO_TYPE:
		*value = SOCK_STREAM;
		return true;
	case SO_DOMAIN:
		*value = sock->family;
		return true;
	case SO_PROTOCOL:
		*value = sock->protocol;
		return true;
	case SO_ERROR:
	case SO_ACCEPTCONN:
		*value = 0;
		return true;
	}
	return false;
}

static int get_ours(int fd, int level, int name, void *value, socklen_t *len)
{
	struct option_message request, reply;
	size_t question = 0;
	struct hint_sock sock;
	int number;
	ssize_t n;

	if (!value || !len)
		return -EFAULT;
	if (*len > INT32_MAX && (level != IPPROTO_IPV6 || has_question(level, name))) /* Linux takes a negative length for a large one there */
		return -EINVAL;
	if (hint_is_fresh(fd, &sock) && get_fresh(&sock, level, name, &number)) {
		give_int(number, value, len);
		return 0;
	}
	if (level == SOL_SOCKET && name == SO_ERROR)
		return get_error(fd, value, len);
	if (level == SOL_SOCKET && name == SO_PEERNAME)
		return get_peername(fd, value, len);
	request.option = (struct tapir_option){ .level = level, .name = name };
	request.option.len = *len < TAPIR_OPTION_MAX ? *len : TAPIR_OPTION_MAX;
	if (has_question(level, name)) {
		question = request.option.len;
		memcpy(request.value, value, question);
	}
	n = sock_request(TAPIR_OP_GETSOCKOPT, fd, &request, sizeof(request.option) + question, &reply, sizeof(reply));
	if (n < 0)
		return (int)n;
	if (n < (ssize_t)sizeof(reply.option) || reply.option.len > request.option.len ||
	    n != (ssize_t)(sizeof(reply.option) + reply.option.len))
		return -EPROTO;
	memcpy(value, reply.value, reply.option.len);
	*len = reply.option.len;
	return 0;
}

/* Of a netlink socket of ours some options are not what the pair says. */
static int get_plain(int fd, int level, int name, void *value, socklen_t *len)
{
	int r = 1;

	if (hint_is_sandboxed())
		return tapir_real.getsockopt(fd, level, name, value, len);
	if (level == SOL_NETLINK && netlink_is(fd))
		return (int)sock_result(netlink_getsockopt(fd, name, value, len));
	if (level == SOL_SOCKET && (name == SO_DOMAIN || name == SO_TYPE || name == SO_PROTOCOL) && netlink_is(fd))
		r = netlink_get_socket_option(fd, name, value, len);
	return r == 1 ? tapir_real.getsockopt(fd, level, name, value, len) : (int)sock_result(r);
}

int tapir_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	int error;

	if (hint_is_sandboxed() || is_natural(level, name) || !hint_is_ours(fd))
		return get_plain(fd, level, name, value, len);
	error = get_ours(fd, level, name, value, len);
	if (error)
		report_option(REPORT_GETSOCKOPT, level, name, NULL, 0, -error);
	return (int)sock_result(error);
}

/* SIOCOUTQNSD: what has not been sent yet. A listener has no such queue (tcp(7)). */
static int unsent_bytes(int fd, int *value)
{
	struct hint_sock sock;
	struct {
		struct tcp_info known;		   /* as far as the C library knows it */
		uint64_t rates[2], bytes[2];
		uint32_t segments[2], notsent_bytes; /* ... and Linux: struct tcp_info of <linux/tcp.h> */
	} info = { .notsent_bytes = 0 };
	socklen_t len = sizeof(info);

	if (!hint_look(fd, &sock) || sock.type != SOCK_STREAM)
		return -ENOTTY;
	*value = 0;
	if (sock.is_fresh)
		return 0;
	if (tapir_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return errno == ENOTCONN ? 0 : -errno;
	if (info.known.tcpi_state == TCP_LISTEN)
		return -EINVAL;
	*value = (int)info.notsent_bytes;
	return 0;
}

static int ioctl_ours(int fd, unsigned long request, int *value)
{
	int64_t bytes;
	int error;

	switch (request) {
	case SIOCINQ: /* FIONREAD of a listener: what is in the pair are no bytes */
		return -EINVAL;
	case SIOCOUTQNSD:
		return unsent_bytes(fd, value);
	case SIOCOUTQ: /* TIOCOUTQ; the pair's own count is of memory, not of bytes */
		error = sock_ask_int(TAPIR_OP_OUTQ, fd, &bytes);
		if (!error)
			*value = bytes > INT32_MAX ? INT32_MAX : (int)bytes;
		return error;
	}
	return -ENOTTY;
}

/* Our sockets are, netlink ones too; and an ordinary unix socket will do to ask about interfaces (netdevice(7)). */
static bool is_unix(int fd)
{
	int domain = AF_UNSPEC;
	socklen_t len = sizeof(domain);

	return tapir_real.getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX;
}

int tapir_ioctl(int fd, unsigned long request, ...)
{
	struct dgram_sock s;
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (request == SIOCINQ && dgram_is(fd, &s))
		return (int)sock_result(arg ? dgram_inq(&s, arg) : -EFAULT);
	if ((request == SIOCOUTQ || request == SIOCOUTQNSD || (request == SIOCINQ && hint_of(fd) == HINT_LISTENER)) &&
	    arg && hint_is_ours(fd))
		return (int)sock_result(ioctl_ours(fd, request, arg));
	if (ifreq_is(request) && !backend_is_kernel_already() && is_unix(fd)) {
		int r = ifreq_ioctl(fd, request, arg);

		if (r <= 0)
			return (int)sock_result(r);
	}
	return tapir_real.ioctl(fd, request, arg);
}
