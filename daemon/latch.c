/* SPDX-License-Identifier: BSD-2-Clause */
#include "latch.h"

#include <errno.h>
#include <sys/ioctl.h>

#include "daemon.h"

enum {
	LARGE_SNDBUF = 256 << 10, /* the longest message that the kernel makes takes less than a quarter of it */
	SHORT_BYTES = 64,	  /* a message of so many takes less than a quarter of the smallest */
	PEEK_BYTES = 2048,	  /* more is read, not looked at */
	LATCH_BYTES = 1024,	  /* more is read off, */
	LATCH_READS = 4,	  /* and so are more messages, each of which every look costs time */
};

void latch_put(struct channel *ch, int theirs)
{
	char byte = 0;

	if (!ch->latched_bytes && send(theirs, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1)
		ch->latched_bytes = 1;
}

/* Read the latch, but for @but bytes. */
static void shorten(struct channel *ch, uint32_t but)
{
	char bytes[LATCH_BYTES + PEEK_BYTES];

	while (ch->latched_bytes > but) {
		ssize_t n = recv(ch->source.fd, bytes, ch->latched_bytes - but, MSG_DONTWAIT);

		if (n <= 0)
			ch->latched_bytes = 0; /* cannot be: it is there */
		else
			ch->latched_bytes -= (uint32_t)n;
	}
}

void latch_drop(struct channel *ch)
{
	shorten(ch, 0);
}

size_t latch_waiting(const struct channel *ch)
{
	int bytes = 0;

	if (ioctl(ch->source.fd, FIONREAD, &bytes) < 0 || (uint32_t)bytes < ch->latched_bytes)
		return 0;
	return (size_t)bytes - ch->latched_bytes;
}

static bool has_large_buffer(const struct daemon *d, const struct channel *ch)
{
	return (ch->flags & (CH_THEIRS_IS_LARGE | CH_THEIRS_IS_SMALL)) == CH_THEIRS_IS_LARGE && d->channels.sndbuf >= LARGE_SNDBUF;
}

/* Cut the vectors behind the first to @bytes, which are fewer than they have. Returns where the next one would go. */
static void *cut(struct msghdr *m, size_t bytes)
{
	size_t i = 1;
	void *next;

	while (bytes >= m->msg_iov[i].iov_len)
		bytes -= m->msg_iov[i++].iov_len;
	next = (char *)m->msg_iov[i].iov_base + bytes;
	m->msg_iov[i].iov_len = bytes;
	m->msg_iovlen = i + 1;
	return next;
}

static size_t room_in(const struct msghdr *m)
{
	size_t room = 0;

	for (size_t i = 1; i < m->msg_iovlen; i++)
		room += m->msg_iov[i].iov_len;
	return room;
}

/* recvmsg(), the latch into a place of ours. */
static ssize_t receive(const struct channel *ch, struct msghdr *m, int flags)
{
	char latch[LATCH_BYTES + PEEK_BYTES];
	struct msghdr all = *m;
	ssize_t n;

	if (ch->latched_bytes) {
		m->msg_iov[0] = (struct iovec){ latch, ch->latched_bytes };
	} else {
		all.msg_iov++;
		all.msg_iovlen--;
	}
	n = recvmsg(ch->source.fd, &all, MSG_DONTWAIT | flags);
	m->msg_flags = all.msg_flags;
	return n;
}

/* There is nothing but the latch. */
static ssize_t tell_end(const struct channel *ch)
{
	int error = EAGAIN;
	socklen_t len = sizeof(error);

	if (!(ch->flags & (CH_HALF_CLOSED | CH_HUNG_UP)))
		goto out;
	if (getsockopt(ch->source.fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0)
		return 0;
out:
	errno = error;
	return -1;
}

/* All that @m has room for. It may end early, right behind the latch even, where the client sent descriptors along. */
static ssize_t read_off(struct channel *ch, struct msghdr *m)
{
	ssize_t n = receive(ch, m, 0);

	if (n <= 0 || !ch->latched_bytes)
		return n;
	if ((size_t)n < ch->latched_bytes) {
		ch->latched_bytes -= (uint32_t)n;
		latch_drop(ch);
		n = 0;
	} else {
		n -= ch->latched_bytes;
		ch->latched_bytes = 0;
	}
	return n ? n : receive(ch, m, 0);
}

static ssize_t read_much(struct channel *ch, struct msghdr *m, bool is_large, bool *has_more)
{
	size_t waiting = latch_waiting(ch), room = room_in(m);
	void *last;
	ssize_t n = 0;

	if (!waiting && ch->latched_bytes)
		return tell_end(ch);
	if (waiting && waiting <= PEEK_BYTES / 2)
		ch->flags &= ~(uint32_t)CH_BULK_OUT;
	if (!waiting || room < waiting || (ch->flags & CH_HUNG_UP) || (!is_large && (ch->latched_bytes != 1 || waiting > SHORT_BYTES))) {
		n = read_off(ch, m);
		*has_more = n == (ssize_t)room;
		return n;
	}
	last = cut(m, waiting - 1);
	if (waiting > 1) {
		n = read_off(ch, m);
		*has_more = n < (ssize_t)waiting - 1;
		if (*has_more)
			return n;
	}
	latch_drop(ch);
	if (recv(ch->source.fd, last, 1, MSG_PEEK | MSG_DONTWAIT) == 1) {
		ch->latched_bytes = 1;
		n++;
	}
	return n;
}

static ssize_t peek_little(struct channel *ch, struct msghdr *m, bool *has_more)
{
	size_t room = room_in(m);
	ssize_t n;

	if (room > PEEK_BYTES) {
		cut(m, PEEK_BYTES);
		room = PEEK_BYTES;
	}
	n = receive(ch, m, MSG_PEEK);
	if (n <= 0)
		return n;
	n -= ch->latched_bytes;
	if (n <= 0) { /* or it ends early, behind descriptors */
		if (!latch_waiting(ch))
			return tell_end(ch);
		return read_off(ch, m);
	}
	*has_more = n == (ssize_t)room;
	if (n == PEEK_BYTES)
		ch->flags |= CH_BULK_OUT;
	ch->latched_bytes += (uint32_t)n;
	if (++ch->latched_reads >= LATCH_READS || ch->latched_bytes > LATCH_BYTES) {
		shorten(ch, 1);
		ch->latched_reads = 0;
	}
	return n;
}

ssize_t latch_read(const struct daemon *d, struct channel *ch, struct msghdr *m, bool *has_more)
{
	bool is_large = has_large_buffer(d, ch);

	*has_more = false;
	m->msg_flags = 0;
	if (ch->flags & CH_URGENT_OUT) { /* urgent bytes must be found where they are: there is no latch */
		size_t room = room_in(m);
		ssize_t n = receive(ch, m, 0);

		*has_more = n == (ssize_t)room;
		return n;
	}
	return is_large && !(ch->flags & (CH_BULK_OUT | CH_HUNG_UP)) ? peek_little(ch, m, has_more) : read_much(ch, m, is_large, has_more);
}
