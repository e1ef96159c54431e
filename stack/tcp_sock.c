/* SPDX-License-Identifier: BSD-2-Clause */
/* The socket's side of TCP: struct sock_ops, reading and writing. */
#include "tcp_conn.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

static int tcp_init(struct sock *s)
{
	struct tcp_conn *c = tcp_conn_of(s);

	tcp_conn_init(c);
	tcp_buffer_init(c);
	return 0;
}

static void tcp_destroy(struct sock *s)
{
	struct tcp_conn *c = tcp_conn_of(s);

	/* Children that wait to be accepted are in the table of sockets like all others, and go by themselves. */
	if (c->state == TCP_LISTEN) {
		c->listener->first = NULL;
		c->listener->last = &c->listener->first;
		c->listener->count = 0;
	}
	tcp_conn_destroy(c);
}

static int tcp_listen(struct sock *s, int backlog, uint64_t now_us)
{
	struct tcp_conn *c = tcp_conn_of(s);

	(void)now_us;
	if (!tcp_state_in(c, TCP_STATE_BIT(TCP_CLOSED) | TCP_STATE_BIT(TCP_LISTEN)) || s->is_connected)
		return -EINVAL;
	return tcp_listener_open(c, backlog);
}

static int tcp_connect(struct sock *s, const struct ip_endpoint *remote, uint64_t now_us)
{
	(void)now_us;
	return tcp_conn_connect(tcp_conn_of(s), remote);
}

static struct sock *tcp_sock_accept(struct sock *s, int *err)
{
	return tcp_accept(tcp_conn_of(s), err);
}

static int tcp_shutdown(struct sock *s, int how, uint64_t now_us)
{
	(void)now_us;
	return tcp_conn_shutdown(tcp_conn_of(s), how);
}

static void tcp_close(struct sock *s, bool abort, uint64_t now_us)
{
	(void)now_us;
	s->st->tcp.orphan_count++;
	tcp_conn_close(tcp_conn_of(s), abort);
}

bool tcp_sock_awaits_ack(const struct sock *s)
{
	return tcp_state_in(tcp_conn_of_const(s), TCP_STATE_BIT(TCP_ESTABLISHED) | TCP_STATE_BIT(TCP_CLOSE_WAIT) |
							  TCP_STATE_BIT(TCP_FIN_WAIT_1) | TCP_STATE_BIT(TCP_CLOSING) |
							  TCP_STATE_BIT(TCP_LAST_ACK));
}

static bool is_readable(const struct tcp_conn *c)
{
	return c->rcvq.bytes >= (uint32_t)(c->sk.opt.rcvlowat > 0 ? c->sk.opt.rcvlowat : 1) || c->rcv_fin || c->sk.rd_shut;
}

static bool is_writable(const struct tcp_conn *c)
{
	return tcp_send_room(c) > 0 && c->tx->sndq.bytes <= c->sk.opt.sndbuf - c->sk.opt.sndbuf / 3;
}

/* As tcp_poll() in Linux documents it. */
static int tcp_poll(const struct sock *s)
{
	const struct tcp_conn *c = tcp_conn_of_const(s);
	int events = 0;
	bool rd_done = s->rd_shut || c->rcv_fin, wr_done = s->wr_shut;

	if (c->state == TCP_LISTEN)
		return c->listener->first ? POLLIN : 0;
	if (c->state == TCP_CLOSED || (rd_done && wr_done))
		events |= POLLHUP;
	if (c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED)
		return events;
	if (rd_done || c->state == TCP_CLOSED)
		events |= POLLIN | POLLRDHUP;
	if (is_readable(c))
		events |= POLLIN;
	if (wr_done || c->state == TCP_CLOSED || is_writable(c))
		events |= POLLOUT;
	return events;
}

/* ---- Receiving ---------------------------------------------------------------------------------------------------- */

static size_t tcp_recv_peek(struct sock *s, struct iovec *iov, int iov_max, int *iovcnt)
{
	return byteq_iov(&tcp_conn_of(s)->rcvq, 0, SIZE_MAX, iov, iov_max, iovcnt);
}

static void tcp_recv_done(struct sock *s, size_t n, uint64_t now_us)
{
	struct tcp_conn *c = tcp_conn_of(s);

	(void)now_us;
	byteq_consume(&c->rcvq, &s->st->byteq_mem, n);
	byteq_compact(&c->rcvq, &s->st->byteq_mem);
	tcp_urgent_on_read(c);
	if (n == 0 || c->state == TCP_CLOSED)
		return;
	tcp_buffer_on_read(c);
	tcp_delack_on_read(c, n);
}

/* What a read finds when there are no bytes. */
static ssize_t recv_nothing(struct tcp_conn *c)
{
	int err;

	if (c->rcv_fin)
		return 0;
	err = sock_take_error(&c->sk);
	if (err)
		return -err;
	if (c->sk.rd_shut)
		return 0;
	if (c->state == TCP_LISTEN || (c->state == TCP_CLOSED && !c->sk.is_connected))
		return -ENOTCONN;
	return c->state == TCP_CLOSED ? 0 : -EAGAIN;
}

static ssize_t tcp_recv(struct sock *s, void *data, size_t n, int flags, uint64_t now_us)
{
	struct tcp_conn *c = tcp_conn_of(s);
	struct iovec iov[16];
	size_t done = 0;
	int pieces;

	if (flags & MSG_OOB)
		return -EINVAL;
	if (c->rcvq.bytes == 0)
		return recv_nothing(c);
	while (done < n) {
		size_t got = byteq_iov(&c->rcvq, flags & MSG_PEEK ? done : 0, n - done, iov, 16, &pieces);

		if (got == 0)
			break;
		for (int i = 0; i < pieces; i++) {
			if (!(flags & MSG_TRUNC)) /* tcp(7): with MSG_TRUNC the bytes are thrown away */
				memcpy((char *)data + done, iov[i].iov_base, iov[i].iov_len);
			done += iov[i].iov_len;
		}
		if (!(flags & MSG_PEEK))
			byteq_consume(&c->rcvq, &s->st->byteq_mem, got);
	}
	if (!(flags & MSG_PEEK) && done > 0) {
		byteq_compact(&c->rcvq, &s->st->byteq_mem);
		tcp_urgent_on_read(c);
		if (c->state != TCP_CLOSED) {
			tcp_buffer_on_read(c);
			tcp_delack_on_read(c, done);
		}
	}
	(void)now_us;
	return (ssize_t)done;
}

/* ---- Sending ------------------------------------------------------------------------------------------------------ */

/* 0, or why nothing can be sent. */
static int send_check(struct tcp_conn *c)
{
	int err;

	if (c->sk.error) {
		err = sock_take_error(&c->sk);
		return -err;
	}
	if (c->sk.wr_shut)
		return -EPIPE;
	if (tcp_state_in(c, TCP_STATE_BIT(TCP_SYN_SENT) | TCP_STATE_BIT(TCP_SYN_RECEIVED)))
		return -EAGAIN;
	if (!tcp_state_in(c, TCP_STATE_BIT(TCP_ESTABLISHED) | TCP_STATE_BIT(TCP_CLOSE_WAIT)))
		return c->sk.is_connected ? -EPIPE : -ENOTCONN;
	return 0;
}

/* The application must wait for SOCK_WRITABLE. An ACK brings it; but when the want of memory was the reason and nothing is in flight, a
 * timer does. */
static void found_full(struct tcp_conn *c, uint32_t room)
{
	c->full = true;
	tcp_tx_put_if_idle(c);
	if (room > 0 && !c->tx->rtxq.head && !c->deadline_us[TCP_TIMER_RETRANS])
		tcp_timer_arm_probe(c);
}

static int tcp_send_reserve(struct sock *s, size_t want, struct iovec *iov, int iov_max)
{
	struct tcp_conn *c = tcp_conn_of(s);
	int err = send_check(c), pieces;
	uint32_t room;

	if (err < 0)
		return err == -EAGAIN ? -ENOTCONN : err;
	room = tcp_send_room(c);
	pieces = room > 0 && tcp_tx_get(c)
			 ? byteq_reserve(&c->tx->sndq, &s->st->byteq_mem, want < room ? want : room, iov, iov_max)
			 : 0;
	if (pieces == 0)
		found_full(c, room);
	return pieces;
}

static void tcp_send_commit(struct sock *s, size_t n, bool more, uint64_t now_us)
{
	struct tcp_conn *c = tcp_conn_of(s);

	(void)now_us;
	if (tcp_tx_get(c))
		byteq_commit(&c->tx->sndq, &s->st->byteq_mem, n);
	c->more = more;
	tcp_tx_put_if_idle(c);
	if (n == 0)
		return;
	tcp_chrono_set(c);
	tcp_want_output(c);
}

static ssize_t tcp_send(struct sock *s, const void *data, size_t n, int flags, uint64_t now_us)
{
	struct tcp_conn *c = tcp_conn_of(s);
	int err;
	uint32_t room;
	size_t done;

	err = send_check(c);
	if (err < 0)
		return err;
	if (n == 0)
		return 0;
	room = tcp_send_room(c);
	done = room > 0 && tcp_tx_get(c) ? byteq_append_copy(&c->tx->sndq, &s->st->byteq_mem, data, n < room ? n : room) : 0;
	if (done < n)
		found_full(c, room);
	c->more = (flags & MSG_MORE) != 0 && done == n;
	(void)now_us;
	if (done == 0)
		return -EAGAIN;
	if ((flags & MSG_OOB) && done == n)
		tcp_urgent_mark_sent(c);
	tcp_chrono_set(c);
	tcp_want_output(c);
	return (ssize_t)done;
}

static void tcp_send_urgent(struct sock *s)
{
	tcp_urgent_mark_sent(tcp_conn_of(s));
}

static size_t tcp_recv_urgent_offset(const struct sock *s)
{
	return tcp_urgent_offset(tcp_conn_of_const(s));
}

/* The FIN is not a byte. */
static size_t tcp_outq_bytes(const struct sock *s)
{
	return tcp_conn_of_const(s)->tx->sndq.bytes;
}

static size_t tcp_inq_bytes(const struct sock *s)
{
	return tcp_conn_of_const(s)->rcvq.bytes;
}

const struct sock_ops tcp_sock_ops = {
	.name = "tcp",
	.sock_bytes = sizeof(struct tcp_conn),
	.init = tcp_init,
	.destroy = tcp_destroy,
	.listen = tcp_listen,
	.connect = tcp_connect,
	.accept = tcp_sock_accept,
	.shutdown = tcp_shutdown,
	.close = tcp_close,
	.poll = tcp_poll,
	.setopt = tcp_setopt,
	.getopt = tcp_getopt,
	.opt_changed = tcp_opt_changed,
	.describe = tcp_describe,
	.each_other = tcp_each_other,
	.recv_peek = tcp_recv_peek,
	.recv_done = tcp_recv_done,
	.send_reserve = tcp_send_reserve,
	.send_commit = tcp_send_commit,
	.send = tcp_send,
	.recv = tcp_recv,
	.send_urgent = tcp_send_urgent,
	.urgent_offset = tcp_recv_urgent_offset,
	.outq_bytes = tcp_outq_bytes,
	.inq_bytes = tcp_inq_bytes,
};
