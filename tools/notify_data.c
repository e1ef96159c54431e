/* SPDX-License-Identifier: BSD-2-Clause */
/* The trapped calls that carry data. On streams most are the kernel's business: bytes need no help, only addresses and odd flags do.
 * On datagram sockets the thread's bytes are copied to or from one buffer, where libtapir puts its header before them or takes it off. */
#include "tools/notify_call.h"

#include <errno.h>
#include <limits.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client-lib/include/tapir/socket.h"
#include "client-lib/netlink.h"
#include "tools/notify_bare.h"
#include "tools/notify_target.h"

enum {
	DATA_MAX = 256 << 10, /* bytes moved at once: more than any datagram has */
	CONTROL_MAX = 16 << 10,
	ODD_FLAGS = MSG_OOB | MSG_ERRQUEUE | MSG_FASTOPEN,
};

/* A message of the thread's: where its parts are there, and what of it is here. */
struct message {
	struct msghdr there;
	struct iovec pieces[IOV_MAX];
	size_t bytes;	  /* of all pieces */
	struct msghdr here; /* one piece: data */
	struct iovec whole;
	struct sockaddr_storage name;
	union {
		struct cmsghdr align;
		uint8_t bytes[CONTROL_MAX];
	} control;
	uint8_t data[DATA_MAX];
};

/* The supervisor is one thread, and a call that waits begins anew: one will do. */
static struct message *the_message(void)
{
	static struct message *m;

	if (!m)
		m = malloc(sizeof(*m));
	return m;
}

static uint64_t address_of(const void *p)
{
	return (uintptr_t)p;
}

/* Point @m->here at our buffers, as large as the thread's. */
static void lay_out(struct message *m)
{
	m->whole = (struct iovec){ m->data, m->bytes < DATA_MAX ? m->bytes : DATA_MAX };
	m->here = (struct msghdr){ .msg_iov = &m->whole, .msg_iovlen = 1 };
	if (m->there.msg_name) {
		m->here.msg_name = &m->name;
		m->here.msg_namelen = sizeof(m->name);
	}
	if (m->there.msg_control && m->there.msg_controllen) {
		m->here.msg_control = m->control.bytes;
		m->here.msg_controllen = m->there.msg_controllen < CONTROL_MAX ? m->there.msg_controllen : CONTROL_MAX;
	}
}

static int check_pieces(struct message *m)
{
	m->bytes = 0;
	for (size_t i = 0; i < m->there.msg_iovlen; i++) {
		if (m->pieces[i].iov_len > SSIZE_MAX)
			return -EINVAL;
		if (m->pieces[i].iov_len > SSIZE_MAX - m->bytes)
			return -EINVAL;
		m->bytes += m->pieces[i].iov_len;
	}
	return 0;
}

/* The msghdr at @at in the thread. */
static int read_message(const struct notify_call *c, uint64_t at, struct message *m)
{
	int error = notify_read(c, &m->there, at, sizeof(m->there));

	if (error)
		return error;
	if (m->there.msg_iovlen > IOV_MAX)
		return -EMSGSIZE;
	error = notify_read(c, m->pieces, address_of(m->there.msg_iov), m->there.msg_iovlen * sizeof(struct iovec));
	if (!error)
		error = check_pieces(m);
	if (!error)
		lay_out(m);
	return error;
}

/* A call with one buffer and perhaps an address, as a message. */
static int make_message(const struct notify_call *c, struct message *m)
{
	uintptr_t data = (uintptr_t)c->args[1], name = (uintptr_t)c->args[4];

	m->there = (struct msghdr){ .msg_iovlen = 1 };
	memcpy(&m->there.msg_name, &name, sizeof(name));
	memcpy(&m->pieces[0].iov_base, &data, sizeof(data));
	m->pieces[0].iov_len = c->args[2] > INT_MAX ? INT_MAX : c->args[2]; /* MAX_RW_COUNT, nearly */
	m->bytes = m->pieces[0].iov_len;
	lay_out(m);
	return 0;
}

/* The pieces from @offset on. Returns how many are left of them. */
static size_t skip_pieces(struct message *m, uint64_t offset)
{
	size_t i = 0, left;

	while (i < m->there.msg_iovlen && offset >= m->pieces[i].iov_len)
		offset -= m->pieces[i++].iov_len;
	left = m->there.msg_iovlen - i;
	memmove(m->pieces, m->pieces + i, left * sizeof(m->pieces[0]));
	if (left) {
		m->pieces[0].iov_base = (char *)m->pieces[0].iov_base + offset;
		m->pieces[0].iov_len -= offset;
	}
	m->there.msg_iovlen = left;
	return left;
}

static bool is_stream(const struct notify_call *c)
{
	return c->sock.type == SOCK_STREAM;
}

/* ---- Sending ---- */

/* What a sent message has besides data: its address and control messages. */
static int read_extras(const struct notify_call *c, struct message *m, uint64_t name_len)
{
	int error = 0;

	if (m->here.msg_name) {
		error = notify_read_name(c, address_of(m->there.msg_name), name_len, &m->name);
		m->here.msg_namelen = (socklen_t)name_len;
	}
	if (!error && m->here.msg_control && m->there.msg_controllen > CONTROL_MAX)
		error = -ENOBUFS;
	if (!error && m->here.msg_control)
		error = notify_read(c, m->control.bytes, address_of(m->there.msg_control), m->here.msg_controllen);
	return error;
}

static enum notify_verdict wait_to_send(struct notify_call *c, int flags)
{
	return notify_wait(c, POLLOUT, flags, c->done ? (int64_t)c->done : -EAGAIN);
}

/* A stream's bytes from c->done on, as many as go; a blocking socket's call ends when all have gone. */
static enum notify_verdict send_stream(struct notify_call *c, struct message *m, int flags)
{
	ssize_t n;
	int error;

	skip_pieces(m, c->done);
	check_pieces(m);
	m->whole.iov_len = m->bytes < DATA_MAX ? m->bytes : DATA_MAX;
	error = target_gather(c->tid, m->data, m->pieces, m->there.msg_iovlen, m->whole.iov_len);
	if (error)
		return notify_answer(c, c->done ? (int64_t)c->done : error);
	n = tapir_send(c->fd, m->data, m->whole.iov_len, flags | MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno == EAGAIN)
		return wait_to_send(c, flags);
	if (n < 0 && c->done)
		return notify_answer(c, (int64_t)c->done);
	if (n < 0) {
		c->raises_sigpipe = errno == EPIPE && !(flags & MSG_NOSIGNAL);
		return notify_answer(c, -errno);
	}
	c->done += (uint64_t)n;
	return (size_t)n == m->bytes ? notify_answer(c, (int64_t)c->done) : wait_to_send(c, flags);
}

/* One datagram. Returns what tapir_sendmsg() does, errno included, or -1 with the errno of a bad address. *is_hosts: nothing was sent, for
 * the policy moved the socket to the kernel, which is to send it; or errno, with -1, says why it did not. */
static ssize_t send_datagram(struct notify_call *c, struct message *m, int flags, uint64_t name_len, bool *is_hosts)
{
	int error = read_extras(c, m, name_len);
	enum notify_verdict verdict;

	*is_hosts = false;
	if (!error && m->here.msg_name && notify_to_host(c, HOST_SEND, &m->name, m->here.msg_namelen, &verdict)) {
		*is_hosts = verdict == NOTIFY_CONTINUE;
		error = verdict == NOTIFY_CONTINUE ? 0 : (int)c->result;
		if (*is_hosts)
			return -1;
	}
	if (!error)
		error = target_gather(c->tid, m->data, m->pieces, m->there.msg_iovlen, m->whole.iov_len);
	if (error) {
		errno = -error;
		return -1;
	}
	m->whole.iov_len = m->bytes < DATA_MAX ? m->bytes : DATA_MAX;
	return tapir_sendmsg(c->fd, &m->here, flags | MSG_DONTWAIT | MSG_NOSIGNAL);
}

static enum notify_verdict answer_sent(struct notify_call *c, ssize_t n, int flags)
{
	if (n < 0 && errno == EAGAIN)
		return wait_to_send(c, flags);
	if (n < 0 && errno == EPIPE)
		c->raises_sigpipe = !(flags & MSG_NOSIGNAL);
	return notify_answer_errno(c, n);
}

/* The kernel has answered when send(2) of a dump's question returns, and musl's getifaddrs(3) does not wait for it (MSG_DONTWAIT): so
 * neither does the send return before. */
static bool is_question(const struct notify_call *c, const struct message *m, ssize_t n)
{
	struct nlmsghdr h;

	if (!c->is_netlink || n != NOTIFY_NETLINK_QUESTION)
		return false;
	memcpy(&h, m->data, sizeof(h));
	return h.nlmsg_len > sizeof(h) && h.nlmsg_flags & NLM_F_REQUEST && (h.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
}

/* The answer has begun to come. The daemon writes all of it in one go, so that when it answers us it has. */
static enum notify_verdict answer_asked(struct notify_call *c)
{
	struct sockaddr_nl name;
	socklen_t len = sizeof(name);

	netlink_getsockname(c->fd, (struct sockaddr *)&name, &len);
	return notify_answer(c, (int64_t)c->done);
}

enum notify_verdict notify_sendto(struct notify_call *c)
{
	struct message *m = the_message();
	int flags = (int)c->args[3];
	bool is_hosts;
	ssize_t n;

	if (!c->is_netlink && !c->args[4] && !(flags & ODD_FLAGS)) /* it is only as long as one */
		return NOTIFY_CONTINUE;
	if (c->is_netlink && c->done)
		return answer_asked(c);
	if (!m)
		return notify_answer(c, -ENOMEM);
	make_message(c, m);
	if (is_stream(c))
		return send_stream(c, m, flags);
	n = send_datagram(c, m, flags, c->args[5], &is_hosts);
	if (is_question(c, m, n)) {
		c->done = (uint64_t)n;
		return notify_wait(c, POLLIN, flags, n);
	}
	return is_hosts ? NOTIFY_CONTINUE : answer_sent(c, n, flags);
}

enum notify_verdict notify_sendmsg(struct notify_call *c)
{
	struct message *m = the_message();
	int flags = (int)c->args[2], error;
	bool is_hosts;
	ssize_t n;

	if (!m)
		return notify_answer(c, -ENOMEM);
	error = read_message(c, c->args[1], m);
	if (error)
		return notify_answer(c, error);
	if (is_stream(c))
		return m->here.msg_name || m->here.msg_control || flags & ODD_FLAGS ? send_stream(c, m, flags) : NOTIFY_CONTINUE;
	n = send_datagram(c, m, flags, m->there.msg_namelen, &is_hosts);
	return is_hosts ? NOTIFY_CONTINUE : answer_sent(c, n, flags);
}

/* ---- Receiving ---- */

static ssize_t receive(const struct notify_call *c, struct message *m, int flags)
{
	return c->is_netlink ? tapir_recvmsg(c->fd, &m->here, flags | MSG_DONTWAIT) : bare_recvmsg(c->fd, &m->here, flags);
}

/* Hand out what was received: @n bytes, the address, control messages. */
static int deliver(const struct notify_call *c, const struct message *m, size_t n)
{
	size_t copied = n < m->whole.iov_len ? n : m->whole.iov_len;

	if (!notify_is_valid(c))
		return -EFAULT;
	return target_scatter(c->tid, m->pieces, m->there.msg_iovlen, m->data, copied);
}

/* The msghdr at @at becomes what recvmsg(2) leaves in it. */
static int deliver_header(const struct notify_call *c, struct message *m, uint64_t at)
{
	size_t name_room = m->there.msg_namelen, control = 0;
	int error = 0;

	if (m->here.msg_name && m->here.msg_namelen)
		error = notify_write(c, address_of(m->there.msg_name), &m->name,
				     m->here.msg_namelen < name_room ? m->here.msg_namelen : name_room);
	if (m->here.msg_control)
		control = m->here.msg_controllen;
	if (!error && control)
		error = notify_write(c, address_of(m->there.msg_control), m->control.bytes, control);
	m->there.msg_namelen = m->here.msg_name ? m->here.msg_namelen : 0;
	m->there.msg_controllen = control;
	m->there.msg_flags = m->here.msg_flags;
	return error ? error : notify_write(c, at, &m->there, sizeof(m->there));
}

static enum notify_verdict answer_unreceived(struct notify_call *c, int flags)
{
	if (errno == EAGAIN && !(flags & MSG_ERRQUEUE))
		return notify_wait(c, POLLIN, flags, c->done ? (int64_t)c->done : -EAGAIN);
	return notify_answer(c, c->done ? (int64_t)c->done : -errno);
}

/* A stream's bytes, for who wants an address with them. MSG_WAITALL adds up in c->done. */
static enum notify_verdict recv_stream(struct notify_call *c, struct message *m, int flags, ssize_t *got)
{
	bool adds_up = flags & MSG_WAITALL && !(flags & (MSG_PEEK | MSG_DONTWAIT));
	ssize_t n;

	*got = -1;
	skip_pieces(m, c->done);
	check_pieces(m);
	m->whole.iov_len = m->bytes < DATA_MAX ? m->bytes : DATA_MAX;
	m->here.msg_namelen = 0;
	n = tapir_recv(c->fd, m->data, m->whole.iov_len, (flags & ~MSG_WAITALL) | MSG_DONTWAIT);
	if (n < 0)
		return answer_unreceived(c, flags);
	if (deliver(c, m, (size_t)n) < 0)
		return notify_answer(c, -EFAULT);
	c->done += (uint64_t)n;
	if (adds_up && n && (size_t)n < m->bytes)
		return notify_wait(c, POLLIN, flags, (int64_t)c->done);
	*got = (ssize_t)c->done;
	return notify_answer(c, *got);
}

enum notify_verdict notify_recvfrom(struct notify_call *c)
{
	struct message *m = the_message();
	enum notify_verdict verdict;
	int flags = (int)c->args[3], error;
	ssize_t n;

	if (!m)
		return notify_answer(c, -ENOMEM);
	make_message(c, m);
	if (is_stream(c)) {
		verdict = recv_stream(c, m, flags, &n);
	} else {
		n = receive(c, m, flags);
		if (n < 0)
			return answer_unreceived(c, flags);
		error = deliver(c, m, (size_t)n);
		verdict = notify_answer(c, error ? error : n);
	}
	if (n >= 0 && verdict == NOTIFY_ANSWER && c->result >= 0 && c->args[4]) {
		error = notify_write_name(c, c->args[4], c->args[5], &m->name, m->here.msg_namelen);
		if (error)
			c->result = error;
	}
	return verdict;
}

enum notify_verdict notify_recvmsg(struct notify_call *c)
{
	struct message *m = the_message();
	enum notify_verdict verdict = NOTIFY_ANSWER;
	int flags = (int)c->args[2], error;
	ssize_t n;

	if (!m)
		return notify_answer(c, -ENOMEM);
	error = read_message(c, c->args[1], m);
	if (error)
		return notify_answer(c, error);
	if (is_stream(c) && !m->there.msg_name && !(flags & ODD_FLAGS) && hint_of(c->fd) != HINT_LISTENER && !c->sock.is_fresh)
		return NOTIFY_CONTINUE;
	if (is_stream(c)) {
		struct msghdr there = m->there; /* of which recv_stream() skips pieces */

		verdict = recv_stream(c, m, flags, &n);
		m->there.msg_iov = there.msg_iov;
		m->there.msg_iovlen = there.msg_iovlen;
		m->here.msg_control = NULL;
		m->here.msg_flags = 0;
	} else {
		n = receive(c, m, flags);
		if (n < 0)
			return answer_unreceived(c, flags);
		error = deliver(c, m, (size_t)n);
		notify_answer(c, error ? error : n);
	}
	if (n >= 0 && verdict == NOTIFY_ANSWER && c->result >= 0) {
		error = deliver_header(c, m, c->args[1]);
		if (error)
			c->result = error;
	}
	return verdict;
}

/* ---- Several messages: one after the other ---- */

static uint64_t mmsg_at(const struct notify_call *c)
{
	return c->args[1] + c->done * sizeof(struct mmsghdr);
}

static int deliver_length(const struct notify_call *c, size_t bytes)
{
	unsigned len = (unsigned)bytes;

	return notify_write(c, mmsg_at(c) + offsetof(struct mmsghdr, msg_len), &len, sizeof(len));
}

static unsigned mmsg_count(const struct notify_call *c)
{
	return (unsigned)c->args[2] < IOV_MAX ? (unsigned)c->args[2] : IOV_MAX;
}

static enum notify_verdict answer_done(struct notify_call *c, int error)
{
	return notify_answer(c, c->done ? (int64_t)c->done : error);
}

enum notify_verdict notify_sendmmsg(struct notify_call *c)
{
	struct message *m = the_message();
	int flags = (int)c->args[3], error;
	bool is_hosts;

	if (is_stream(c))
		return NOTIFY_CONTINUE;
	if (!m)
		return notify_answer(c, -ENOMEM);
	while (c->done < mmsg_count(c)) {
		ssize_t n;

		error = read_message(c, mmsg_at(c), m);
		if (error)
			return answer_done(c, error);
		n = send_datagram(c, m, flags, m->there.msg_namelen, &is_hosts);
		if (is_hosts)
			return c->done ? notify_answer(c, (int64_t)c->done) : NOTIFY_CONTINUE;
		if (n < 0 && (errno == EAGAIN || !c->done))
			return answer_sent(c, n, flags);
		if (n < 0)
			break;
		error = deliver_length(c, (size_t)n);
		if (error)
			return answer_done(c, error);
		c->done++;
	}
	return notify_answer(c, (int64_t)c->done);
}

/* The time-out of recvmmsg(2) is looked at when a datagram has come, and only then (its BUGS section). It is an absolute time here. */
static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int start_timeout(struct notify_call *c)
{
	struct timespec ts;
	int error;

	if (!c->args[4] || c->timeout_ns)
		return 0;
	error = notify_read(c, &ts, c->args[4], sizeof(ts));
	if (error)
		return error;
	if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= 1000000000)
		return -EINVAL;
	c->timeout_ns = now_ns() + (int64_t)(ts.tv_sec < INT32_MAX ? ts.tv_sec : INT32_MAX) * 1000000000 + ts.tv_nsec;
	return 0;
}

static bool is_over(const struct notify_call *c)
{
	return c->timeout_ns && now_ns() >= c->timeout_ns;
}

/* One datagram of many. Returns 1, or 0 with the verdict in *verdict. */
static int recv_one(struct notify_call *c, struct message *m, int flags, enum notify_verdict *verdict)
{
	int error = read_message(c, mmsg_at(c), m);
	ssize_t n;

	*verdict = NOTIFY_ANSWER;
	if (error) {
		answer_done(c, error);
		return 0;
	}
	n = receive(c, m, flags & ~MSG_WAITFORONE);
	if (n < 0) {
		*verdict = answer_unreceived(c, c->done && flags & MSG_WAITFORONE ? flags | MSG_DONTWAIT : flags);
		return 0;
	}
	error = deliver(c, m, (size_t)n);
	if (!error)
		error = deliver_header(c, m, mmsg_at(c));
	if (!error)
		error = deliver_length(c, (size_t)n);
	if (error)
		answer_done(c, error);
	return !error;
}

enum notify_verdict notify_recvmmsg(struct notify_call *c)
{
	struct message *m = the_message();
	enum notify_verdict verdict;
	int flags = (int)c->args[3], error;

	if (is_stream(c))
		return NOTIFY_CONTINUE;
	if (!m)
		return notify_answer(c, -ENOMEM);
	error = start_timeout(c);
	if (error)
		return notify_answer(c, error);
	while (c->done < mmsg_count(c)) {
		if (!recv_one(c, m, flags, &verdict))
			return verdict;
		c->done++;
		if (is_over(c))
			break;
	}
	return notify_answer(c, (int64_t)c->done);
}
