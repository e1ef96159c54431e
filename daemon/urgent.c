/* SPDX-License-Identifier: BSD-2-Clause */
/* urgent.c - MSG_OOB through the pair. An AF_UNIX stream has it since Linux 5.15, with TCP's meaning: one byte of the stream is urgent, and
 * who reads stops before it. So what the program does (MSG_OOB, SIOCATMARK, POLLPRI, SIGURG, SO_OOBINLINE) is the kernel's business, and
 * ours is to find the urgent byte that it wrote, and to write the one that came from the network.
 *
 * A plain read that begins at an urgent byte would not tell what it is. So once a client may send some (TAPIR_OP_URGENT, or EPOLLPRI), every
 * read is preceded by two questions: is there anything, and is the urgent byte next? In this order: what comes between them comes behind. */
#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "channel.h"
#include "daemon.h"
#include "latch.h"

void urgent_expect(struct channel *ch)
{
	int yes = 1;

	if (ch->kind != CHANNEL_STREAM || (ch->flags & CH_URGENT_OUT))
		return;
	latch_drop(ch);
	ch->flags |= CH_URGENT_OUT;
	/* Nothing that is read is lost then, whatever happens. */
	setsockopt(ch->source.fd, SOL_SOCKET, SO_OOBINLINE, &yes, sizeof(yes));
}

bool urgent_look(struct channel *ch, size_t *want, bool *is_urgent)
{
	int bytes = 0, at_mark = 0;

	*is_urgent = false;
	if (!(ch->flags & CH_URGENT_OUT))
		return true;
	/* Nothing is there, and more may come, with a wake-up: reading now might meet it unknown. */
	if (!(ch->flags & (CH_HALF_CLOSED | CH_HUNG_UP)) && ioctl(ch->source.fd, FIONREAD, &bytes) == 0 && bytes == 0)
		return false;
	if (ioctl(ch->source.fd, SIOCATMARK, &at_mark) == 0 && at_mark) {
		*want = 1;
		*is_urgent = true;
	}
	return true;
}

size_t urgent_cut(struct iovec *iov, int *count, size_t offset, int *flags)
{
	size_t bytes = offset ? offset : 1, left = bytes;
	int n = 0;

	while (left > iov[n].iov_len)
		left -= iov[n++].iov_len;
	iov[n].iov_len = left;
	*count = n + 1;
	if (offset == 0)
		*flags |= MSG_OOB;
	return bytes;
}

void urgent_set_inline(struct daemon *d, struct channel *ch, int theirs)
{
	int is_inline = 0;
	size_t len = sizeof(is_inline);

	if (sock_getopt(ch->sock, SOL_SOCKET, SO_OOBINLINE, &is_inline, &len, d->now_us) == 0)
		setsockopt(theirs, SOL_SOCKET, SO_OOBINLINE, &is_inline, sizeof(is_inline));
}

void urgent_inherit_inline(struct daemon *d, struct channel *ch, int theirs)
{
	int is_inline = 0;
	size_t len = sizeof(is_inline);

	if (sock_getopt(ch->sock, SOL_SOCKET, SO_OOBINLINE, &is_inline, &len, d->now_us) == 0 && is_inline)
		urgent_set_inline(d, ch, theirs);
}
