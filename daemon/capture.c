/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon.h"

enum {
	BUFFER_BYTES = 4 << 20,
	COMMENT_MAX = 192,
	EVENTS_ALWAYS = EPOLLET, /* and EPOLLHUP: the reader is gone, or will not read */
};

struct capture {
	struct source source;
	struct capture *next;
	uint32_t snap_bytes;
	uint64_t missed;
	size_t start, end; /* of what is gathered and not sent, in buffer */
	size_t open_at;	   /* the record that still lacks its comment */
	bool is_open, is_full, is_gone;
	char buffer[BUFFER_BYTES];
};

static void capture_close(struct daemon *d, struct capture *c)
{
	struct capture **at = &d->captures.head;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	d->captures.count--;
	close(c->source.fd);
	free(c);
}

static void on_ready(struct daemon *d, struct source *s, uint32_t events)
{
	struct capture *c = container_of(s, struct capture, source);

	(void)d;
	if (events & (EPOLLHUP | EPOLLERR))
		c->is_gone = true;
	if (events & EPOLLOUT)
		c->is_full = false;
}

int capture_open(struct daemon *d, uint32_t snap_bytes, int *reader)
{
	struct capture *c;
	int fds[2];

	if (d->captures.count == CAPTURES_MAX)
		return -EMFILE;
	c = malloc(sizeof(*c)); /* not cleared: its pages come as they are used */
	if (!c)
		return -ENOBUFS;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
		free(c);
		return -ENFILE;
	}
	/* Nothing is read from it. A reader that could send its own end through it, and then closed that, would stay for ever. */
	shutdown(fds[0], SHUT_RD);
	memset(c, 0, offsetof(struct capture, buffer));
	c->source = (struct source){ .fd = fds[0], .on_ready = on_ready };
	c->snap_bytes = snap_bytes ? snap_bytes : UINT32_MAX;
	if (loop_add(d, &c->source, EVENTS_ALWAYS) < 0) {
		close(fds[0]);
		close(fds[1]);
		free(c);
		return -ENOBUFS;
	}
	c->next = d->captures.head;
	d->captures.head = c;
	d->captures.count++;
	*reader = fds[1];
	return 0;
}

void captures_fini(struct daemon *d)
{
	while (d->captures.head)
		capture_close(d, d->captures.head);
}

/* ---- Records ------------------------------------------------------------------------------------------------------ */

/* What is gathered moves only when the reader has taken a good part: a reader that stands still must cost nothing. */
static bool make_room(struct capture *c, size_t n)
{
	if (c->end + n <= BUFFER_BYTES)
		return true;
	if (c->start < BUFFER_BYTES / 4)
		return false;
	memmove(c->buffer, c->buffer + c->start, c->end - c->start);
	c->end -= c->start;
	c->start = 0;
	return c->end + n <= BUFFER_BYTES;
}

/* Begin a record with as much of the packet as is wanted. */
static void begin(struct daemon *d, struct capture *c, const struct iovec *iov, int iovcnt, uint32_t bytes, uint32_t ifindex, bool is_out)
{
	uint32_t left = bytes < c->snap_bytes ? bytes : c->snap_bytes;
	struct tapir_capture_rec rec = {
		.time_ns = daemon_epoch_ns(d, d->now_us), .packet_bytes = bytes, .captured_bytes = left,
		.ifindex = ifindex, .is_out = is_out,
	};

	if (!make_room(c, sizeof(rec) + left + COMMENT_MAX)) {
		c->missed++;
		d->counters[COUNTER_CAPTURE_MISSED]++;
		return;
	}
	rec.missed = c->missed;
	c->is_open = true;
	c->open_at = c->end;
	memcpy(c->buffer + c->end, &rec, sizeof(rec));
	c->end += sizeof(rec);
	for (int i = 0; i < iovcnt && left; i++) {
		uint32_t n = iov[i].iov_len < left ? (uint32_t)iov[i].iov_len : left;

		memcpy(c->buffer + c->end, iov[i].iov_base, n);
		c->end += n;
		left -= n;
	}
}

static void finish_all(struct daemon *d, const char *comment)
{
	uint16_t n = (uint16_t)strlen(comment);

	for (struct capture *c = d->captures.head; c; c = c->next) {
		if (!c->is_open)
			continue;
		memcpy(c->buffer + c->open_at + offsetof(struct tapir_capture_rec, comment_bytes), &n, sizeof(n));
		memcpy(c->buffer + c->end, comment, n);
		c->end += n;
		c->is_open = false;
	}
}

static const char *protocol_name(const struct sock_info *i)
{
	if (i->type == SOCK_STREAM)
		return "tcp";
	if (i->type == SOCK_RAW)
		return "raw";
	return i->protocol == IPPROTO_UDP ? "udp" : "ping";
}

/* "tcp 10.0.0.2:80 <-> 10.0.0.1:40000", or nothing when the stack itself was meant. */
static const char *describe_sock(struct daemon *d, uint64_t id, char text[COMMENT_MAX])
{
	char local[IP_ENDPOINT_TEXT_MAX], remote[IP_ENDPOINT_TEXT_MAX];
	struct sock *s = id ? sock_by_id(d->st, id) : NULL;
	struct sock_info info;

	text[0] = '\0';
	if (!s)
		return text;
	sock_describe(s, &info, d->now_us);
	snprintf(text, COMMENT_MAX, "%s %s <-> %s", protocol_name(&info), ip_endpoint_print(&info.local, local),
		 ip_endpoint_print(&info.remote, remote));
	return text;
}

void capture_in_begin(struct daemon *d, const struct frame *f)
{
	struct iovec iov = { f->data, f->len };

	for (struct capture *c = d->captures.head; c; c = c->next)
		begin(d, c, &iov, 1, f->len, f->ifindex, false);
}

void capture_in_end(struct daemon *d)
{
	struct stack_verdict v = stack_verdict(d->st);
	char text[COMMENT_MAX];

	if (v.drop != STAT_NONE)
		snprintf(text, sizeof(text), "dropped: %s", stat_name(v.drop));
	else
		describe_sock(d, v.sock_id, text);
	finish_all(d, text);
}

void capture_out(struct daemon *d, const struct frame_out *out)
{
	char text[COMMENT_MAX];

	for (struct capture *c = d->captures.head; c; c = c->next)
		begin(d, c, out->iov, out->iovcnt, out->len, out->ifindex, true);
	finish_all(d, describe_sock(d, out->sock_id, text));
}

/* ---- Sending ------------------------------------------------------------------------------------------------------ */

static void flush(struct daemon *d, struct capture *c)
{
	ssize_t n;

	while (c->start < c->end && !c->is_full && !c->is_gone) {
		n = send(c->source.fd, c->buffer + c->start, c->end - c->start, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0) {
			c->start += (size_t)n;
		} else if (errno == EPIPE || errno == ECONNRESET) {
			c->is_gone = true;
		} else if (errno != EINTR) {
			c->is_full = true;
			loop_watch(d, &c->source, EVENTS_ALWAYS | EPOLLOUT);
			return;
		}
	}
	if (c->start == c->end) {
		c->start = c->end = 0;
		loop_watch(d, &c->source, EVENTS_ALWAYS);
	}
}

void captures_flush(struct daemon *d)
{
	struct capture *next;

	for (struct capture *c = d->captures.head; c; c = next) {
		next = c->next;
		flush(d, c);
		if (c->is_gone)
			capture_close(d, c);
	}
}
