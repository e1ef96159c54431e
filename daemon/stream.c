/* SPDX-License-Identifier: BSD-2-Clause */
/* stream.c - the bytes of a connection, between the engine's queues and the client's end of a stream pair.
 *
 *	peer --> engine's receive queue --(peek, sendmsg, done)--> socketpair --> read()      "deliver"
 *	peer <-- engine's send queue <--(reserve, recvmsg, commit)-- socketpair <-- write()   "collect"
 *
 * Nothing is copied here: the kernel copies between the client and the engine's own buffers. What does not fit stays where it is: in
 * the engine, whose window closes, or in the pair, where the client's write() blocks.
 *
 * How ends are told:  peer's FIN           shutdown(2) of our end for writing, after the last byte
 *                     reset, timeout       our end is closed, after what was received before; a tombstone tells why. While the
 *                                          client does not read that, its writes fail
 *                     client's shutdown()  recvmsg() = 0 after its last byte: FIN
 *                     client's close()     the same with EPOLLHUP: FIN, or RST when it had bytes unread
 * A connect that fails closes our end with the junk unread, so that the client gets ECONNRESET from any call, not EOF. */
#include "channel.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "daemon.h"
#include "latch.h"

enum {
	TURN_BYTES = 1 << 20, /* a channel's share of a turn, each way */
	FIRST_READ_BYTES = 64 << 10,
	NEXT_READ_BYTES = 256 << 10,
	READ_IOV = 16,
	WRITE_IOV = 64,
};

static void drain_all(struct daemon *d, struct channel *ch)
{
	while (recv(ch->source.fd, d->channels.junk, d->channels.junk_bytes, MSG_DONTWAIT) > 0)
		;
	ch->latched_bytes = 0;
}

/* A stream that is connecting must not poll writable, nor take what is written to it: its send buffer is full of junk. So that this is little
 * to copy, the client's end gets the smallest buffer until it is connected and the library, or a request that shows it, enlarges it. What
 * a client wrote before, which only one without the library can, has no connection to go to. When it does not work the client sees its
 * socket as writable too early: its own doing. */
void stream_hold(struct daemon *d, struct channel *ch, int theirs)
{
	int bytes = CHANNEL_SNDBUF_CONNECTING;

	if (ch->flags & (CH_HAS_JUNK | CH_CONNECTED))
		return;
	if ((ch->flags & CH_FD_READABLE) || ch->latched_bytes)
		drain_all(d, ch);
	setsockopt(theirs, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	ch->flags &= ~(uint32_t)CH_THEIRS_IS_LARGE;
	if (send(theirs, d->channels.junk, d->channels.junk_bytes, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)d->channels.junk_bytes)
		ch->flags |= CH_HAS_JUNK;
	else
		drain_all(d, ch);
}

/* All but the last byte. */
static void drain_junk(struct daemon *d, struct channel *ch)
{
	uint32_t left = d->channels.junk_bytes - 1;

	if (!(ch->flags & CH_HAS_JUNK))
		return;
	ch->flags &= ~(uint32_t)CH_HAS_JUNK;
	ch->latched_bytes = 1;
	while (left) {
		ssize_t n = recv(ch->source.fd, d->channels.junk, left, MSG_DONTWAIT);

		if (n <= 0)
			return; /* the client is gone, which its hang-up tells */
		left -= (uint32_t)n;
	}
}

/* connect(2) is decided: who waits for it is told, and the engine as well that it was. 0 or -errno. */
static int tell_waiter(struct daemon *d, struct channel *ch)
{
	struct ip_endpoint remote = { .addr = ip_addr_any(ch->family) };
	int err;

	sock_getpeer(ch->sock, &remote);
	err = sock_connect(ch->sock, &remote, d->now_us);
	control_answer_waiter(d, ch->waiter, -err);
	return err;
}

void stream_begin(struct daemon *d, struct channel *ch)
{
	int ready = sock_poll(ch->sock);

	drain_junk(d, ch);
	if ((ch->flags & CH_HAS_WAITER) && tell_waiter(d, ch) < 0)
		return;
	stream_on_options(d, ch);
	ch->flags |= CH_CONNECTED | CH_FD_READABLE | CH_SOCK_READABLE;
	if (ready & POLLRDHUP)
		ch->flags |= CH_PEER_CLOSED;
	if (ready & POLLERR)
		stream_on_sock_event(d, ch, SOCK_ERROR);
	channel_queue(d, ch);
}

static int take_sock_error(struct daemon *d, struct sock *s)
{
	int error = 0;
	size_t len = sizeof(error);

	if (sock_getopt(s, SOL_SOCKET, SO_ERROR, &error, &len, d->now_us) < 0 || error == 0)
		return ECONNRESET;
	return error;
}

void stream_on_sock_event(struct daemon *d, struct channel *ch, uint32_t events)
{
	if ((events & SOCK_CONNECTED) && !(ch->flags & CH_CONNECTED))
		stream_begin(d, ch);
	if (events & SOCK_PEER_CLOSED)
		ch->flags |= CH_PEER_CLOSED | CH_SOCK_READABLE;
	/* A failed connect that nobody watches the fd for. The next connect() tells, if nobody waits now. */
	if ((events & SOCK_ERROR) && !(ch->flags & (CH_CONNECTED | CH_HAS_JUNK))) {
		if (ch->flags & CH_HAS_WAITER)
			tell_waiter(d, ch);
		return;
	}
	if ((events & SOCK_ERROR) && !(ch->flags & CH_FAILED)) {
		ch->flags |= CH_FAILED | CH_SOCK_READABLE;
		ch->error = take_sock_error(d, ch->sock);
	}
}

/* ---- Engine to client --------------------------------------------------------------------------------------------- */

bool stream_is_hung_up(const struct channel *ch)
{
	struct pollfd p = { .fd = ch->source.fd };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLHUP);
}

/* sendmsg() found the client's reading side shut: by close(), or by shutdown(SHUT_RD)? */
static void on_client_reads_no_more(struct channel *ch)
{
	if (stream_is_hung_up(ch)) {
		/* Closed. The bytes stay unread, so that closing the connection resets it, once the client's own have gone out. */
		ch->flags |= CH_HUNG_UP | CH_FD_READABLE;
		ch->flags &= ~(uint32_t)CH_SOCK_READABLE;
	} else {
		ch->flags |= CH_DISCARD;
	}
}

static uint32_t lowat(const struct daemon *d, const struct channel *ch)
{
	int value = 1;
	size_t len = sizeof(value);

	return sock_getopt(ch->sock, SOL_SOCKET, SO_RCVLOWAT, &value, &len, d->now_us) < 0 ? 1 : (uint32_t)value;
}

void stream_on_options(struct daemon *d, struct channel *ch)
{
	ch->flags &= ~(uint32_t)CH_HAS_LOWAT;
	if (lowat(d, ch) > 1)
		ch->flags |= CH_HAS_LOWAT;
	if (ch->flags & CH_CONNECTED) { /* less than before may do now */
		ch->flags |= CH_SOCK_READABLE;
		channel_queue(d, ch);
	}
}

/* SO_RCVLOWAT: the client's end polls readable with the first byte, so that fewer than the mark are not given to it. When it still has
 * some that it has not read, the rest must follow, or what it waits for might never be whole. */
static bool is_below_mark(const struct daemon *d, const struct channel *ch, size_t n)
{
	int unread = 0;

	if (!(ch->flags & CH_HAS_LOWAT) || (ch->flags & (CH_PEER_CLOSED | CH_FAILED | CH_DISCARD)) || n >= lowat(d, ch))
		return false;
	return ioctl(ch->source.fd, SIOCOUTQ, &unread) == 0 && unread == 0;
}

/* What an offered connection is given stays in the engine, so that it can be given again should the program not have received the
 * descriptor. That is the first piece alone: with the second we believe that it has. */
static bool has_more_than_kept(struct daemon *d, struct channel *ch)
{
	if (!ch->kept_bytes)
		return true;
	if (sock_inq_bytes(ch->sock) <= ch->kept_bytes)
		return false;
	listener_on_claim(d, ch);
	return true;
}

static ssize_t deliver_some(struct daemon *d, struct channel *ch)
{
	struct iovec iov[WRITE_IOV];
	struct msghdr m = { .msg_iov = iov };
	int count = 0, flags = MSG_DONTWAIT | MSG_NOSIGNAL;
	size_t n = 0, urgent_at;
	ssize_t sent;

	if (has_more_than_kept(d, ch))
		n = sock_recv_peek(ch->sock, iov, WRITE_IOV, &count);
	urgent_at = sock_urgent_offset(ch->sock);
	if (n == 0 || (urgent_at >= n && is_below_mark(d, ch, n))) {
		ch->flags &= ~(uint32_t)CH_SOCK_READABLE;
		return 0;
	}
	if (ch->flags & CH_DISCARD) {
		sock_recv_done(ch->sock, n, d->now_us);
		return (ssize_t)n;
	}
	if (urgent_at < n)
		n = urgent_cut(iov, &count, urgent_at, &flags);
	m.msg_iovlen = (size_t)count;
	sent = sendmsg(ch->source.fd, &m, flags);
	if (sent < 0 && errno == EOPNOTSUPP) /* a kernel without MSG_OOB here: in line */
		sent = sendmsg(ch->source.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent < 0) {
		if (errno == EPIPE || errno == ECONNRESET)
			on_client_reads_no_more(ch);
		else if (errno != EINTR)
			channel_wait_for_room(d, ch);
		return 0;
	}
	if (ch->flags & CH_OFFERED)
		ch->kept_bytes = (uint32_t)sent;
	else
		sock_recv_done(ch->sock, (size_t)sent, d->now_us);
	ch->flags |= CH_TOUCHED;
	if ((size_t)sent < n)
		channel_wait_for_room(d, ch);
	return sent;
}

void stream_ignore_mark(struct daemon *d, struct channel *ch)
{
	if (!(ch->flags & CH_CONNECTED) || (ch->flags & CH_PARKED))
		return;
	ch->flags = (ch->flags & ~(uint32_t)CH_HAS_LOWAT) | CH_SOCK_READABLE;
	deliver_some(d, ch);
	stream_on_options(d, ch);
}

static void deliver(struct daemon *d, struct channel *ch)
{
	ssize_t budget = TURN_BYTES;

	while ((ch->flags & (CH_SOCK_READABLE | CH_FD_FULL)) == CH_SOCK_READABLE && budget > 0)
		budget -= deliver_some(d, ch);
	if ((ch->flags & (CH_PEER_CLOSED | CH_SOCK_READABLE | CH_FIN_TOLD)) == CH_PEER_CLOSED &&
	    sock_inq_bytes(ch->sock) == ch->kept_bytes) {
		shutdown(ch->source.fd, SHUT_WR);
		ch->flags |= CH_FIN_TOLD;
	}
}

/* ---- Client to engine --------------------------------------------------------------------------------------------- */

/* SO_LINGER with no time: closing resets the connection. */
static bool resets_on_close(struct daemon *d, struct channel *ch)
{
	struct linger linger;
	size_t len = sizeof(linger);

	return sock_getopt(ch->sock, SOL_SOCKET, SO_LINGER, &linger, &len, d->now_us) == 0 && linger.l_onoff && !linger.l_linger;
}

void stream_end(struct daemon *d, struct channel *ch)
{
	bool was_never_accepted = (ch->flags & (CH_UNCLAIMED | CH_TOUCHED)) == CH_UNCLAIMED;

	if (was_never_accepted) {
		d->counters[COUNTER_LISTEN_RESET]++;
	} else if (!(ch->flags & CH_RESET) && resets_on_close(d, ch)) {
		ch->flags |= CH_RESET; /* in the next round: what was just collected goes out first, as with a kernel */
		channel_queue(d, ch);
		return;
	}
	channel_close(d, ch, was_never_accepted || (ch->flags & CH_RESET) ? CHANNEL_ABORT : CHANNEL_CLOSE, 0);
}

/* The client's last byte is in the engine. */
static void on_client_eof(struct daemon *d, struct channel *ch)
{
	ch->flags &= ~(uint32_t)CH_FD_READABLE;
	if ((ch->flags & (CH_OFFERED | CH_HUNG_UP)) == CH_OFFERED && stream_is_hung_up(ch)) /* and we have yet to be told */
		ch->flags |= CH_HUNG_UP;
	if (ch->flags & CH_HUNG_UP) {
		if (!listener_park(d, ch))
			stream_end(d, ch);
		return;
	}
	sock_shutdown(ch->sock, SHUT_WR, d->now_us);
	ch->flags |= CH_FIN_SENT;
}

static bool may_hold_more(const struct channel *ch, const struct msghdr *m)
{
	/* Behind what came with ancillary data (whose descriptors are dropped here) the read ended; and the end of the stream or an
	 * urgent byte may be next. */
	return (m->msg_flags & MSG_CTRUNC) || (ch->flags & (CH_HALF_CLOSED | CH_URGENT_OUT));
}

static size_t collect_some(struct daemon *d, struct channel *ch, size_t want)
{
	struct iovec iov[1 + READ_IOV];
	struct msghdr m = { .msg_iov = iov };
	bool is_urgent, has_more;
	ssize_t n;
	int count;

	if (!urgent_look(ch, &want, &is_urgent)) {
		ch->flags &= ~(uint32_t)CH_FD_READABLE;
		return 0;
	}
	count = sock_send_reserve(ch->sock, want, iov + 1, READ_IOV);
	if (count == 0) {
		ch->flags |= CH_SOCK_FULL;
		return 0;
	}
	if (count < 0) { /* the connection takes no more: its error event ends it; a client that hung up needs no other */
		ch->flags &= ~(uint32_t)CH_FD_READABLE;
		if (ch->flags & CH_HUNG_UP)
			on_client_eof(d, ch);
		return 0;
	}
	m.msg_iovlen = (size_t)count + 1;
	n = latch_read(d, ch, &m, &has_more);
	sock_send_commit(ch->sock, n > 0 ? (size_t)n : 0, false, d->now_us);
	if (is_urgent && n == 1)
		sock_send_urgent(ch->sock);
	if (n == 0)
		on_client_eof(d, ch);
	if (n < 0 && errno == ECONNRESET)
		ch->flags |= CH_RESET;
	if (n < 0 && errno != EINTR)
		ch->flags &= ~(uint32_t)CH_FD_READABLE;
	if (n <= 0)
		return 0;
	if (ch->flags & CH_OFFERED)
		listener_on_claim(d, ch);
	ch->flags |= CH_TOUCHED;
	if (!has_more && !may_hold_more(ch, &m))
		ch->flags &= ~(uint32_t)CH_FD_READABLE;
	return (size_t)n;
}

static void collect(struct daemon *d, struct channel *ch)
{
	size_t budget = TURN_BYTES, want = FIRST_READ_BYTES, n;

	if (ch->flags & CH_FIN_SENT) { /* nothing but the final hang-up can come */
		if (ch->flags & CH_HUNG_UP)
			on_client_eof(d, ch);
		else
			ch->flags &= ~(uint32_t)CH_FD_READABLE;
		return;
	}
	while ((ch->flags & (CH_FD_READABLE | CH_SOCK_FULL | CH_IS_DEAD)) == CH_FD_READABLE && budget > 0) {
		n = collect_some(d, ch, want);
		budget -= n < budget ? n : budget;
		want = NEXT_READ_BYTES;
	}
}

void stream_flush(struct daemon *d, struct channel *ch)
{
	if (!(ch->flags & CH_CONNECTED) || (ch->flags & (CH_FAILED | CH_FIN_SENT | CH_HALF_CLOSED)))
		return;
	ch->flags |= CH_FD_READABLE;
	collect(d, ch);
	if (!(ch->flags & CH_IS_DEAD))
		channel_queue(d, ch);
}

void stream_farewell(struct daemon *d, struct channel *ch)
{
	stream_flush(d, ch);
	if (ch->flags & (CH_IS_DEAD | CH_FIN_SENT))
		return;
	sock_shutdown(ch->sock, SHUT_WR, d->now_us);
	ch->flags |= CH_FIN_SENT;
}

/* ---- A turn ------------------------------------------------------------------------------------------------------- */

/* The client closed with bytes unread. What it has written goes out first, as far as the peer takes it now. */
static void on_reset_by_client(struct daemon *d, struct channel *ch)
{
	if ((ch->flags & (CH_FD_READABLE | CH_SOCK_FULL | CH_FIN_SENT)) == CH_FD_READABLE) {
		collect(d, ch);
		if (ch->flags & CH_IS_DEAD)
			return;
		ch->flags &= ~(uint32_t)CH_FD_READABLE;
		channel_queue(d, ch);
		return;
	}
	if (!listener_park(d, ch))
		channel_close(d, ch, CHANNEL_ABORT, 0);
}

/* The connection is dead, and the client does not read what it received before. It may be waiting for room to write, which the engine
 * will never make: its writes fail from now on, and what it has written is lost, as it is when a kernel's connection is reset. */
static void let_writes_fail(struct daemon *d, struct channel *ch)
{
	size_t waiting;

	shutdown(ch->source.fd, SHUT_RD);
	latch_drop(ch);
	while ((waiting = latch_waiting(ch)) > 1) {
		size_t most = waiting - 1 < d->channels.junk_bytes ? waiting - 1 : d->channels.junk_bytes;

		if (recv(ch->source.fd, d->channels.junk, most, MSG_DONTWAIT) <= 0)
			break;
	}
	ch->latched_bytes = waiting ? 1 : 0;
}

static bool has_work(const struct channel *ch)
{
	return (ch->flags & (CH_SOCK_READABLE | CH_FD_FULL)) == CH_SOCK_READABLE ||
	       (ch->flags & (CH_FD_READABLE | CH_SOCK_FULL)) == CH_FD_READABLE;
}

void stream_work(struct daemon *d, struct channel *ch)
{
	if (ch->flags & CH_PARKED)
		return;
	if (!(ch->flags & CH_CONNECTED)) {
		if (ch->flags & CH_HUNG_UP)
			channel_close(d, ch, CHANNEL_CLOSE, ch->error);
		else if (ch->flags & CH_FAILED)
			channel_close(d, ch, CHANNEL_BURY_SOCK, ch->error);
		return;
	}
	if (ch->flags & CH_RESET) {
		on_reset_by_client(d, ch);
		return;
	}
	deliver(d, ch);
	if (ch->flags & CH_FAILED) {
		if ((ch->flags & CH_HUNG_UP) || !(ch->flags & CH_SOCK_READABLE))
			channel_close(d, ch, CHANNEL_CLOSE, ch->error);
		else if (!(ch->flags & CH_FD_FULL))
			channel_queue(d, ch);
		else
			let_writes_fail(d, ch);
		return;
	}
	collect(d, ch);
	if (!(ch->flags & CH_IS_DEAD) && has_work(ch))
		channel_queue(d, ch);
}
