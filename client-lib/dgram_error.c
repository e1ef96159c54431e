/* SPDX-License-Identifier: BSD-2-Clause */
/* Errors of datagram sockets: the bells that come among the datagrams (protocol.h, TAPIR_DGRAM_BELL), MSG_ERRQUEUE, and poll(2).
 *
 * On Linux a socket with an error polls POLLERR; an end of a pair that is open has no way to. The bell makes it poll POLLIN, so that
 * whoever waits wakes up; recvmsg(2) then fails with the error, and select(2) says what Linux says. Where poll(2) is seen, its
 * POLLIN becomes POLLERR when a bell is what is next. */
#include "client-lib/dgram.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include <linux/errqueue.h>

#include "client-lib/cmsg.h"
#include "client-lib/real.h"
#include "client-lib/sock.h"
#include "client-lib/sockaddr.h"

bool dgram_is_bell(const struct dgram_sock *s, const struct tapir_dgram *h)
{
	return h->magic_id == s->id && h->flags & TAPIR_DGRAM_BELL;
}

bool dgram_bell_is_next(const struct dgram_sock *s)
{
	struct tapir_dgram h;
	int saved_errno = errno;
	bool is = tapir_real.recv(s->fd, &h, sizeof(h), MSG_PEEK | MSG_DONTWAIT) == (ssize_t)sizeof(h) && dgram_is_bell(s, &h);

	errno = saved_errno;
	return is;
}

void dgram_drop_next(const struct dgram_sock *s)
{
	char byte;

	tapir_real.recv(s->fd, &byte, sizeof(byte), MSG_DONTWAIT);
}

/* Into the application's buffers; how much there was room for. */
static size_t scatter(const struct msghdr *m, const uint8_t *from, size_t bytes)
{
	size_t done = 0;

	for (size_t i = 0; i < m->msg_iovlen && done < bytes; i++) {
		size_t n = bytes - done < m->msg_iov[i].iov_len ? bytes - done : m->msg_iov[i].iov_len;

		if (n)
			memcpy(m->msg_iov[i].iov_base, from + done, n);
		done += n;
	}
	return done;
}

ssize_t dgram_recv_errqueue(const struct dgram_sock *s, struct msghdr *m)
{
	struct {
		struct tapir_dgram_error e;
		uint8_t payload[TAPIR_OPTION_MAX];
	} reply;
	ssize_t n = sock_request(TAPIR_OP_RECV_ERROR, s->fd, NULL, 0, &reply, sizeof(reply));
	size_t copied, bytes;

	while ((n == -EAGAIN || (n > 0 && !reply.e.left)) && dgram_bell_is_next(s))
		dgram_drop_next(s);
	if (n < 0)
		return n;
	if (n < (ssize_t)sizeof(reply.e))
		return -EPROTO;
	dgram_forget_ways(); /* the path may take less now */
	bytes = (size_t)n - sizeof(reply.e);
	copied = scatter(m, reply.payload, bytes);
	m->msg_flags = MSG_ERRQUEUE | (copied < bytes ? MSG_TRUNC : 0);
	if (m->msg_name)
		sockaddr_format(&reply.e.dst, m->msg_name, &m->msg_namelen);
	else
		m->msg_namelen = 0;
	cmsg_format_error(&reply.e, m);
	return (ssize_t)copied;
}

void dgram_correct_poll(struct pollfd *fds, nfds_t count)
{
	for (nfds_t i = 0; i < count; i++) {
		struct dgram_sock s;

		if (!(fds[i].revents & (POLLIN | POLLRDNORM)) || hint_of(fds[i].fd) != HINT_DGRAM || !dgram_is(fds[i].fd, &s) ||
		    !dgram_bell_is_next(&s))
			continue;
		fds[i].revents &= (short)~(POLLIN | POLLRDNORM);
		fds[i].revents |= POLLERR;
	}
}

/* ---- What sendto(2) says at once ---- */

/* Ways that were asked about: of each 48 bits of a hash of socket and destination, and 16 of how long a datagram may be. One that another
 * overwrites is asked about again. Plain numbers, so that neither a thread nor a signal handler can see half of one. */
enum { WAYS = 1024, WAY_BYTES_SHIFT = 16 };
static _Atomic uint64_t ways[WAYS];
static _Atomic uint32_t ways_age; /* part of the hash: another number forgets them all */

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

static uint64_t mix_addr(uint64_t h, const struct tapir_addr *a)
{
	uint64_t words[2];

	memcpy(words, a->addr, sizeof(words));
	h = mix(h, words[0]);
	h = mix(h, words[1]);
	return mix(h, (uint64_t)!a->port << 63 | (uint64_t)a->family << 32 | a->scope_id);
}

/* The port makes no difference to the way, but that UDP refuses none. */
static uint64_t hash_way(const struct dgram_sock *s, const struct tapir_addr *to)
{
	return mix_addr(mix(s->id, atomic_load_explicit(&ways_age, memory_order_relaxed)), to);
}

/* Control messages may ask for another source or link, or for the datagram to be cut. */
static uint64_t hash_special_way(const struct dgram_sock *s, const struct tapir_dgram *h)
{
	uint64_t hash = hash_way(s, &h->addr);

	if (!h->local.family && !h->ifindex && !h->segment_size)
		return hash;
	return mix(mix_addr(hash, &h->local), (uint64_t)h->segment_size << 32 | h->ifindex);
}

static void remember_way(uint64_t hash, uint64_t bytes)
{
	if (bytes > UINT16_MAX)
		bytes = UINT16_MAX;
	atomic_store_explicit(&ways[hash % WAYS], (hash & ~(uint64_t)UINT16_MAX) | bytes, memory_order_relaxed);
}

void dgram_forget_ways(void)
{
	atomic_fetch_add(&ways_age, 1);
}

void dgram_learn_way(const struct dgram_sock *s, const struct tapir_addr *from)
{
	enum { CERTAIN_BYTES = 1280 - 48 }; /* every path takes it */
	uint64_t hash = hash_way(s, from);

	if ((atomic_load_explicit(&ways[hash % WAYS], memory_order_relaxed) ^ hash) >> WAY_BYTES_SHIFT)
		remember_way(hash, CERTAIN_BYTES);
}

/* Control messages that the daemon must judge are not remembered, and make it be asked each time. */
int dgram_check_way(const struct dgram_sock *s, const struct tapir_dgram *h, const uint8_t *controls, size_t bytes)
{
	struct {
		struct tapir_send_check check;
		uint8_t controls[TAPIR_CONTROLS_MAX];
	} request;
	uint64_t hash = hash_special_way(s, h), known = atomic_load_explicit(&ways[hash % WAYS], memory_order_relaxed);
	size_t more = h->header_bytes > sizeof(*h) ? h->header_bytes - sizeof(*h) : 0;
	struct tapir_int most;
	ssize_t n;

	if ((!more && !((known ^ hash) >> WAY_BYTES_SHIFT) && bytes <= (known & UINT16_MAX)) || hint_is_sandboxed())
		return 0;
	request.check = (struct tapir_send_check){ .header = *h, .bytes = bytes > UINT16_MAX ? UINT16_MAX : (uint32_t)bytes };
	if (more)
		memcpy(request.controls, controls, more);
	n = sock_request(TAPIR_OP_CHECK_SEND, s->fd, &request, sizeof(request.check) + more, &most, sizeof(most));
	if (n == -ENOSYS)
		return 0;
	if (n < 0 && dgram_bell_is_next(s)) /* for this very error */
		dgram_drop_next(s);
	if (n < 0)
		return (int)n;
	if (n == (ssize_t)sizeof(most) && !more)
		remember_way(hash, (uint64_t)most.value);
	return 0;
}

/* ---- Peers of connected sockets ---- */

/* Bare datagrams come without the address, which is the peer's. Of a slot that is being written (an odd count), or was meanwhile, nothing
 * is believed; who cannot write one at once leaves it. */
enum { PEERS = 64, PEER_WORDS = sizeof(struct tapir_addr) / 8 };
static struct {
	_Atomic uint32_t count;
	_Atomic uint64_t key, words[PEER_WORDS];
} peers[PEERS];

/* Other than 0, and another one after each connect(). */
static uint64_t peer_key(const struct dgram_sock *s)
{
	return mix(s->id, atomic_load_explicit(&ways_age, memory_order_relaxed)) | 1;
}

bool dgram_recall_peer(const struct dgram_sock *s, struct tapir_addr *peer)
{
	uint64_t key = peer_key(s), words[PEER_WORDS];
	unsigned i = (key >> 32) % PEERS;
	uint32_t count = atomic_load(&peers[i].count);
	bool found = !(count & 1) && atomic_load(&peers[i].key) == key;

	for (int w = 0; w < PEER_WORDS; w++)
		words[w] = atomic_load(&peers[i].words[w]);
	memcpy(peer, words, sizeof(words));
	return found && atomic_load(&peers[i].count) == count;
}

void dgram_remember_peer(const struct dgram_sock *s, const struct tapir_addr *peer)
{
	uint64_t key = peer_key(s), words[PEER_WORDS];
	unsigned i = (key >> 32) % PEERS;
	uint32_t count = atomic_load(&peers[i].count);

	if (count & 1 || !atomic_compare_exchange_strong(&peers[i].count, &count, count + 1))
		return;
	memcpy(words, peer, sizeof(words));
	atomic_store(&peers[i].key, key);
	for (int w = 0; w < PEER_WORDS; w++)
		atomic_store(&peers[i].words[w], words[w]);
	atomic_store(&peers[i].count, count + 2);
}
