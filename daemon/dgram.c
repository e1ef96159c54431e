/* SPDX-License-Identifier: BSD-2-Clause */
/* dgram.c - datagrams between the engine and the client's end of a SEQPACKET pair, in batches both ways.
 *
 * Unconnected, each stands behind a struct tapir_dgram with the address; connected, it is bare, so that plain read() and write()
 * work. It is framed all the same when ancillary data is wanted, when it is empty (bare, that would look like the end), and for the
 * news that an earlier one failed. A bare one from the client of an unconnected socket has lost its address (the kernel drops
 * sendto()'s silently): it is refused and counted, never sent anywhere.
 *
 * A client whose reads nobody sees has them all bare (TAPIR_OP_BARE); a ledger keeps the headers for whoever asks.
 *
 * What a client wrote in a row goes out together where it can (bundle.h).
 *
 * Back-pressure: towards the client, what its buffer does not take waits in the engine's receive queue, whose limit drops, as for any
 * UDP socket; from the client, nothing is read while the engine's send buffer is full, so its send() blocks. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/errqueue.h>

#include "bundle.h"
#include "channel.h"
#include "client-lib/controls.h"
#include "daemon.h"
#include "ledger.h"

enum {
	BATCH = 32,
	CONTROLS_COUNT_MAX = 16,
	TURN_BATCHES = 2, /* a channel's share of a turn, each way: what it sends to itself must find room in its receive queue */
	SMALL_BYTES = FRAME_SMALL_BYTES - FRAME_HEADROOM,
	LARGE_BYTES = FRAME_LARGE_BYTES - FRAME_HEADROOM,
};

struct dgram {
	struct frame *held; /* for the client, taken from the engine, but its buffer was full; linked by next */
	uint32_t info_flags; /* TAPIR_DGRAM_*: what the options ask for */
	uint32_t mapped_flags; /* the same of IPv4's datagrams on an IPv6 socket; what IPv4's options ask for comes as control messages */
	struct ledger *ledger; /* of a bare socket; else NULL */
	bool wants_controls; /* the options ask for control messages too */
	bool has_news;	     /* an error came that no bell was rung for yet */
	bool may_bundle;     /* UDP over a TAP that segments, and the program does not itself */
};

/* What recvmmsg() reads into and sendmmsg() sends from: the same memory for every channel. Each datagram is read into a small frame
 * whose overflow is a large one (see tap_read()). */
struct dgram_batch {
	struct frame *small[BATCH], *large[BATCH];
	struct frame *out[BATCH];
	struct {
		struct tapir_dgram head;
		uint8_t controls[TAPIR_CONTROLS_MAX];
	} headers[BATCH];
	struct mmsghdr messages[BATCH];
	struct iovec iov[BATCH][2];
};

int dgram_batch_init(struct channels *c)
{
	c->batch = calloc(1, sizeof(*c->batch));
	return c->batch ? 0 : -ENOMEM;
}

void dgram_batch_fini(struct channels *c)
{
	for (int i = 0; c->batch && i < BATCH; i++) {
		frame_unref(c->batch->small[i]);
		frame_unref(c->batch->large[i]);
	}
	free(c->batch);
	c->batch = NULL;
}

static int get_option(const struct daemon *d, const struct channel *ch, int level, int name)
{
	int value = 0;
	size_t len = sizeof(value);

	return sock_getopt(ch->sock, level, name, &value, &len, d->now_us) < 0 ? 0 : value;
}

/* Whether long datagrams may be left to the link to cut, whichever it is. */
static bool all_segment(const struct daemon *d)
{
	for (int i = 0; i < d->tap_count; i++)
		if (!(d->taps[i].offloads & LINK_OFFLOAD_USO))
			return false;
	return true;
}

/* A program that cuts its datagrams itself (UDP_SEGMENT on the socket) writes long ones, each of which is a bundle already. */
static bool may_bundle(const struct daemon *d, const struct channel *ch)
{
	return all_segment(d) && get_option(d, ch, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_UDP &&
	       get_option(d, ch, IPPROTO_UDP, UDP_SEGMENT) == 0;
}

int dgram_begin(struct daemon *d, struct channel *ch)
{
	ch->dgram = calloc(1, sizeof(*ch->dgram));
	if (!ch->dgram)
		return -ENOBUFS;
	ch->dgram->may_bundle = may_bundle(d, ch);
	return 0;
}

void dgram_free(struct channel *ch)
{
	struct frame *f;

	if (!ch->dgram)
		return;
	while ((f = ch->dgram->held)) {
		ch->dgram->held = f->next;
		frame_unref(f);
	}
	if (ch->dgram->ledger)
		ledger_fini(ch->dgram->ledger);
	free(ch->dgram->ledger);
	free(ch->dgram);
	ch->dgram = NULL;
}

int dgram_go_bare(struct channel *ch)
{
	if (ch->dgram->ledger)
		return 0;
	ch->dgram->ledger = calloc(1, sizeof(*ch->dgram->ledger));
	if (!ch->dgram->ledger)
		return -ENOBUFS;
	ledger_init(ch->dgram->ledger);
	return 0;
}

int dgram_next_header(struct channel *ch, int theirs, struct tapir_dgram *header, uint8_t *controls)
{
	int queued = 0;
	ssize_t next;

	if (!ch->dgram->ledger)
		return -EOPNOTSUPP;
	*header = (struct tapir_dgram){ .magic_id = sock_id(ch->sock), .header_bytes = sizeof(*header), .ttl = -1, .tos = -1 };
	if (ch->error) {
		header->flags = TAPIR_DGRAM_ERROR;
		header->error = (uint32_t)ch->error;
		ch->error = 0;
		return 0;
	}
	next = recv(theirs, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
	if (next < 0 || ioctl(theirs, FIONREAD, &queued) < 0)
		return -EAGAIN;
	ledger_find(ch->dgram->ledger, (uint64_t)queued, (uint32_t)next, header, controls);
	return 0;
}

static bool is_connected(const struct channel *ch)
{
	struct ip_endpoint unused;

	return sock_getpeer(ch->sock, &unused) == 0;
}

void dgram_on_options(struct daemon *d, struct channel *ch)
{
	static const struct {
		int level, name;
		uint32_t flag;
	} options[] = {
		{ IPPROTO_IP, IP_PKTINFO, TAPIR_DGRAM_PKTINFO },
		{ IPPROTO_IPV6, IPV6_RECVPKTINFO, TAPIR_DGRAM_PKTINFO },
		{ IPPROTO_IP, IP_RECVTTL, TAPIR_DGRAM_TTL },
		{ IPPROTO_IPV6, IPV6_RECVHOPLIMIT, TAPIR_DGRAM_TTL },
		{ IPPROTO_IP, IP_RECVTOS, TAPIR_DGRAM_TOS },
		{ IPPROTO_IPV6, IPV6_RECVTCLASS, TAPIR_DGRAM_TOS },
		{ SOL_SOCKET, SO_TIMESTAMP, TAPIR_DGRAM_TIMESTAMP },
		{ SOL_SOCKET, SO_TIMESTAMPNS, TAPIR_DGRAM_TIMESTAMPNS },
		{ IPPROTO_UDP, UDP_GRO, TAPIR_DGRAM_GRO },
		{ IPPROTO_IP, IP_RECVORIGDSTADDR, TAPIR_DGRAM_ORIGDSTADDR },
		{ IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, TAPIR_DGRAM_ORIGDSTADDR },
	};

	ch->dgram->info_flags = ch->dgram->mapped_flags = 0;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (!get_option(d, ch, options[i].level, options[i].name))
			continue;
		if (options[i].level != IPPROTO_IP || ch->family == AF_INET)
			ch->dgram->info_flags |= options[i].flag;
		if (options[i].level != IPPROTO_IP && (options[i].level != IPPROTO_IPV6 || options[i].name == IPV6_RECVPKTINFO))
			ch->dgram->mapped_flags |= options[i].flag;
	}
	ch->dgram->may_bundle = may_bundle(d, ch);
	ch->dgram->wants_controls = sock_wants_controls(ch->sock);
	if (ch->dgram->info_flags || ch->dgram->wants_controls)
		ch->flags |= CH_WANTS_INFO;
	else
		ch->flags &= ~(uint32_t)CH_WANTS_INFO;
}

void dgram_on_sock_event(struct daemon *d, struct channel *ch, uint32_t events)
{
	if (!(events & SOCK_ERROR))
		return;
	if (!ch->error)
		ch->error = get_option(d, ch, SOL_SOCKET, SO_ERROR);
	ch->dgram->has_news = true;
}

void dgram_tell_error(struct daemon *d, struct channel *ch, int error)
{
	ch->error = error;
	ch->dgram->has_news = true;
	channel_queue(d, ch);
}

/* Whether what the client would read next is a bell already. */
static bool is_bell_next(const struct channel *ch, int theirs)
{
	struct tapir_dgram h;

	return recv(theirs, &h, sizeof(h), MSG_PEEK | MSG_DONTWAIT) == (ssize_t)sizeof(h) && h.magic_id == sock_id(ch->sock) &&
	       h.flags & TAPIR_DGRAM_BELL;
}

void dgram_ring_again(struct daemon *d, struct channel *ch, int theirs)
{
	if (!ch->error || is_bell_next(ch, theirs))
		return;
	ch->dgram->has_news = true;
	channel_queue(d, ch);
}

int dgram_next_error(struct daemon *d, struct channel *ch, int theirs, struct tapir_dgram_error *e, uint8_t *payload, size_t *bytes)
{
	struct ip_endpoint offender = { 0 };
	struct sock_error from;
	uint32_t left;
	struct frame *f = sock_recv_error(ch->sock, &from, &left);

	if (!f) {
		*bytes = 0;
		return -EAGAIN;
	}
	*e = (struct tapir_dgram_error){ .error = (uint32_t)from.error, .origin = from.origin, .type = from.type, .code = from.code,
					 .info = from.info, .left = left };
	offender.addr = from.offender;
	channel_addr_to_wire(&e->dst, &from.dst, ch->family);
	channel_addr_to_wire(&e->offender, &offender, from.origin == SO_EE_ORIGIN_LOCAL ? 0 : ch->family);
	*bytes = f->len < *bytes ? f->len : *bytes;
	memcpy(payload, f->data, *bytes);
	frame_unref(f);
	if (from.origin != SO_EE_ORIGIN_LOCAL)
		ch->error = 0;
	if (!ch->error)
		ch->error = get_option(d, ch, SOL_SOCKET, SO_ERROR);
	ch->dgram->has_news = left && !is_bell_next(ch, theirs);
	if (ch->dgram->has_news)
		channel_queue(d, ch);
	return 0;
}

/* ---- Engine to client --------------------------------------------------------------------------------------------- */

static uint32_t flags_of(const struct channel *ch, const struct frame *f)
{
	if (f->info.path_mtu)
		return 0;
	return ch->family == AF_INET6 && ip_addr_is4(&f->info.dst.addr) ? ch->dgram->mapped_flags : ch->dgram->info_flags;
}

static void fill_header(const struct daemon *d, const struct channel *ch, const struct frame *f, struct tapir_dgram *h)
{
	*h = (struct tapir_dgram){
		.magic_id = sock_id(ch->sock),
		.header_bytes = sizeof(*h),
		.flags = flags_of(ch, f),
		.ifindex = f->info.ifindex,
		.ttl = f->info.ttl,
		.tos = f->info.tos,
		.segment_size = f->info.segment_size,
		.time_ns = daemon_epoch_ns(d, f->info.time_us),
	};
	channel_addr_to_wire(&h->addr, &f->info.src, ch->family);
	channel_addr_to_wire(&h->local, &f->info.dst, ch->family);
}

/* Where control messages are put: behind a header. */
struct controls_out {
	struct tapir_dgram *head;
	uint8_t *to;
};

/* What does not fit is left out, and the client tells so. */
static void put_control(void *ctx, const struct dgram_control *c)
{
	struct controls_out *out = ctx;
	size_t at = out->head->header_bytes - sizeof(*out->head);

	at = controls_put(out->to, TAPIR_CONTROLS_MAX, at, c->level, c->type, c->data, c->bytes);
	if (at)
		out->head->header_bytes = (uint32_t)(sizeof(*out->head) + at);
	else
		out->head->flags |= TAPIR_DGRAM_CTRUNC;
}

static struct frame *next_for_client(struct channel *ch)
{
	struct frame *f = ch->dgram->held;

	if (!f)
		return sock_recv_frame(ch->sock);
	ch->dgram->held = f->next;
	f->next = NULL;
	return f;
}

static int gather(struct daemon *d, struct channel *ch, struct dgram_batch *b)
{
	bool is_framed = (ch->flags & CH_WANTS_INFO) || !is_connected(ch), is_bare = ch->dgram->ledger;
	int n = 0;

	while (n < BATCH && (b->out[n] = next_for_client(ch))) {
		struct frame *f = b->out[n];
		bool framed = !is_bare && (is_framed || f->len == 0 || f->info.segment_size);

		if (framed || is_bare)
			fill_header(d, ch, f, &b->headers[n].head);
		if (ch->dgram->wants_controls)
			sock_each_control(ch->sock, f, put_control,
					  &(struct controls_out){ &b->headers[n].head, b->headers[n].controls });
		b->iov[n][0] = (struct iovec){ &b->headers[n], framed ? b->headers[n].head.header_bytes : 0 };
		b->iov[n][1] = (struct iovec){ f->data, f->len };
		b->messages[n].msg_hdr = (struct msghdr){ .msg_iov = b->iov[n], .msg_iovlen = 2 };
		n++;
	}
	return n;
}

/* Frames @first.. @end of the batch go back to the front of the queue, in order. */
static void put_back(struct channel *ch, struct dgram_batch *b, int first, int end)
{
	while (end > first) {
		struct frame *f = b->out[--end];

		f->next = ch->dgram->held;
		ch->dgram->held = f;
	}
}

static void note_delivered(struct ledger *l, const struct dgram_batch *b, int first, int count)
{
	for (int i = first; i < first + count; i++)
		ledger_note(l, &b->headers[i].head, (uint32_t)b->out[i]->len);
}

/* Returns whether there may be more to deliver now. */
static bool deliver_batch(struct daemon *d, struct channel *ch)
{
	struct dgram_batch *b = d->channels.batch;
	int n = gather(d, ch, b), done = 0;

	if (n == 0) {
		ch->flags &= ~(uint32_t)CH_SOCK_READABLE;
		return false;
	}
	while (done < n) {
		int r = sendmmsg(ch->source.fd, b->messages + done, (unsigned)(n - done), MSG_DONTWAIT | MSG_NOSIGNAL);

		if (r > 0 && ch->dgram->ledger)
			note_delivered(ch->dgram->ledger, b, done, r);
		if (r < 0 && errno == EMSGSIZE) { /* larger than the pair's buffer */
			d->counters[COUNTER_DGRAM_DROP_SIZE]++;
			r = 1;
		}
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0) {
			int e = errno;

			put_back(ch, b, done, n);
			if (e == EPIPE || e == ECONNRESET) /* the hang-up ends it */
				ch->flags &= ~(uint32_t)CH_SOCK_READABLE;
			else
				channel_wait_for_room(d, ch);
			return false;
		}
		for (int i = done; i < done + r; i++)
			frame_unref(b->out[i]);
		done += r;
	}
	return n == BATCH;
}

static void ring_bell(struct daemon *d, struct channel *ch)
{
	struct tapir_dgram h = { .magic_id = sock_id(ch->sock), .header_bytes = sizeof(h), .flags = TAPIR_DGRAM_ERROR | TAPIR_DGRAM_BELL,
				 .ttl = -1, .tos = -1, .error = (uint32_t)ch->error };
	struct ip_endpoint remote;

	if (sock_getpeer(ch->sock, &remote) == 0)
		channel_addr_to_wire(&h.addr, &remote, ch->family);
	if (send(ch->source.fd, &h, sizeof(h), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == EAGAIN)
		channel_wait_for_room(d, ch);
	else
		ch->dgram->has_news = false;
}

/* News for the client that can be told now. */
static bool has_news(const struct channel *ch)
{
	return ch->dgram->has_news && !(ch->flags & CH_FD_FULL) && !ch->dgram->ledger;
}

static void deliver(struct daemon *d, struct channel *ch)
{
	if (has_news(ch))
		ring_bell(d, ch);
	for (int i = 0; i < TURN_BATCHES; i++) {
		if ((ch->flags & (CH_SOCK_READABLE | CH_FD_FULL)) != CH_SOCK_READABLE)
			return;
		deliver_batch(d, ch);
	}
}

/* ---- Client to engine --------------------------------------------------------------------------------------------- */

static bool prepare_batch(struct daemon *d, struct dgram_batch *b)
{
	for (int i = 0; i < BATCH; i++) {
		if (!b->small[i])
			b->small[i] = stack_frame_alloc(d->st, SMALL_BYTES);
		if (!b->large[i])
			b->large[i] = stack_frame_alloc(d->st, LARGE_BYTES);
		if (!b->small[i] || !b->large[i])
			return false;
		b->iov[i][0] = (struct iovec){ b->small[i]->data, SMALL_BYTES };
		b->iov[i][1] = (struct iovec){ b->large[i]->data + SMALL_BYTES, LARGE_BYTES - SMALL_BYTES };
		b->messages[i].msg_hdr = (struct msghdr){ .msg_iov = b->iov[i], .msg_iovlen = 2 };
	}
	return true;
}

/* The i'th datagram that was read, in one frame. */
static struct frame *take_frame(struct dgram_batch *b, int i)
{
	size_t n = b->messages[i].msg_len;
	struct frame *f = b->small[i];

	if (n > SMALL_BYTES) {
		memcpy(b->large[i]->data, f->data, SMALL_BYTES);
		f = b->large[i];
		b->large[i] = NULL;
	} else {
		b->small[i] = NULL;
	}
	frame_put(f, n);
	return f;
}

/* What a header asks for. 0 or -errno. */
static int info_from_header(const struct channel *ch, const struct tapir_dgram *h, struct dgram_info *info)
{
	struct ip_endpoint from;
	int err = 0;

	if (h->segment_size > UINT16_MAX)
		return -EINVAL;
	if (h->addr.family)
		err = channel_addr_from_wire(&info->dst, &h->addr, ch->family);
	if (!err && h->local.family) {
		err = channel_addr_from_wire(&from, &h->local, ch->family);
		if (!err)
			info->src = from;
	}
	info->ifindex = h->ifindex;
	info->ttl = h->ttl < -1 || h->ttl > 255 ? -1 : h->ttl;
	info->tos = h->tos < -1 || h->tos > 255 ? -1 : h->tos;
	info->segment_size = (uint16_t)h->segment_size;
	info->confirms = h->flags & TAPIR_DGRAM_CONFIRM;
	return err;
}

/* The control messages behind a header, for as long as it is sent. */
struct controls_in {
	struct dgram_control controls[CONTROLS_COUNT_MAX];
	union {
		uint8_t bytes[TAPIR_CONTROLS_MAX];
		uint64_t align;
	};
};

/* They are copied: the engine puts its headers where they were. 0 or -EINVAL. */
static int read_controls(struct controls_in *in, const uint8_t *from, size_t bytes, struct dgram_info *info)
{
	struct tapir_control c;
	const void *data;
	size_t at = 0, count = 0;

	if (bytes > sizeof(in->bytes))
		return -EINVAL;
	memcpy(in->bytes, from, bytes);
	while (count < CONTROLS_COUNT_MAX && controls_next(in->bytes, bytes, &at, &c, &data))
		in->controls[count++] = (struct dgram_control){ c.level, c.type, data, c.bytes };
	info->controls = in->controls;
	info->control_count = (uint16_t)count;
	return at == bytes ? 0 : -EINVAL;
}

/* What Linux keeps for CAP_NET_RAW: options that others' routers and hosts must look at. */
static bool needs_privilege(const struct dgram_info *info)
{
	for (int i = 0; i < info->control_count; i++) {
		if (info->controls[i].level != IPPROTO_IPV6)
			continue;
		switch (info->controls[i].type) {
		case IPV6_HOPOPTS:
		case IPV6_2292HOPOPTS:
		case IPV6_DSTOPTS:
		case IPV6_2292DSTOPTS:
		case IPV6_RTHDRDSTOPTS:
			return true;
		}
	}
	return false;
}

int dgram_check_send(struct daemon *d, struct channel *ch, const struct request *r, size_t *bytes_max)
{
	const struct tapir_send_check *check = &r->check.head;
	int type = 0;
	size_t len = sizeof(type);
	struct dgram_info info = { .ttl = -1, .tos = -1 };
	struct controls_in in;
	int err = 0;

	/* Raw sockets send all the same (Linux's raw_sendmsg() does not look at sk_err). */
	if (ch->error && sock_getopt(ch->sock, SOL_SOCKET, SO_TYPE, &type, &len, 0) == 0 && type != SOCK_RAW) {
		err = -ch->error;
		ch->error = 0;
	}
	if (!err)
		err = info_from_header(ch, &check->header, &info);
	if (!err)
		err = read_controls(&in, r->check.controls, r->check.controls_bytes, &info);
	if (!err)
		err = sock_try_send(ch->sock, &info, check->bytes, bytes_max);
	return !err && needs_privilege(&info) && !user_is_privileged(d, ch->user) ? -EPERM : err;
}

/* 1: there is a header, now read into @info and taken off; 0: there is none; -1: there is a wrong one. */
static int read_header(struct daemon *d, const struct channel *ch, struct frame *f, struct dgram_info *info, struct controls_in *in)
{
	uint64_t id = sock_id(ch->sock);
	struct tapir_dgram h;

	if (f->len < sizeof(h.magic_id) || memcmp(f->data, &id, sizeof(id)))
		return 0;
	if (f->len < sizeof(h))
		return -1;
	memcpy(&h, f->data, sizeof(h));
	if (h.header_bytes < sizeof(h) || h.header_bytes > f->len || info_from_header(ch, &h, info) < 0 ||
	    read_controls(in, f->data + sizeof(h), h.header_bytes - sizeof(h), info) < 0 ||
	    (needs_privilege(info) && !user_is_privileged(d, ch->user)))
		return -1;
	frame_pull(f, h.header_bytes);
	return 1;
}

/* Into the bundle, or, when it goes another way, behind it. */
static void send_one(struct daemon *d, struct channel *ch, struct bundle *b, struct frame *f, bool connected)
{
	struct dgram_info info = { .ttl = -1, .tos = -1 };
	struct controls_in in;
	int framed = read_header(d, ch, f, &info, &in);

	if (framed < 0 || (framed == 0 && !connected)) {
		d->counters[framed < 0 ? COUNTER_DGRAM_DROP_MALFORMED : COUNTER_DGRAM_DROP_UNFRAMED]++;
		frame_unref(f);
		return;
	}
	if (ch->dgram->may_bundle && !info.control_count && bundle_join(d, b, f, &info))
		return;
	bundle_send(d, ch, b, connected);
	*b = (struct bundle){ .frame = f, .info = info, .segment = f->len, .count = 1 };
	if (info.control_count) /* @in does not outlive this */
		bundle_send(d, ch, b, connected);
}

/* Whether the empty message that was read is a datagram: from a bare client whose end is open still. */
static bool is_empty_datagram(const struct channel *ch)
{
	struct pollfd p = { .fd = ch->source.fd, .events = POLLRDHUP };

	return ch->dgram->ledger && poll(&p, 1, 0) == 0;
}

/* Returns whether there may be more to collect now. */
static bool collect_batch(struct daemon *d, struct channel *ch)
{
	struct dgram_batch *b = d->channels.batch;
	bool connected = is_connected(ch);
	struct bundle bundle = { 0 };
	int n;

	if (!(sock_poll(ch->sock) & POLLOUT)) {
		ch->flags |= CH_SOCK_FULL;
		return false;
	}
	if (!prepare_batch(d, b)) {
		channel_stall(d, ch);
		return false;
	}
	n = recvmmsg(ch->source.fd, b->messages, BATCH, MSG_DONTWAIT, NULL);
	if (n < BATCH && !(n < 0 && errno == EINTR))
		ch->flags &= ~(uint32_t)CH_FD_READABLE;
	for (int i = 0; i < n; i++) {
		/* An empty one is the end of what a client that is gone, or that shut its end down, has written, and is read for ever
		 * then; or it means nothing: clients frame them, but for those that know nothing of frames. */
		if (b->messages[i].msg_len == 0 && !is_empty_datagram(ch)) {
			if (ch->flags & (CH_HUNG_UP | CH_HALF_CLOSED))
				ch->flags &= ~(uint32_t)CH_FD_READABLE;
			continue;
		}
		if (b->messages[i].msg_hdr.msg_flags & MSG_TRUNC) {
			d->counters[COUNTER_DGRAM_DROP_TRUNCATED]++;
			continue;
		}
		send_one(d, ch, &bundle, take_frame(b, i), connected);
	}
	bundle_send(d, ch, &bundle, connected);
	return ch->flags & CH_FD_READABLE;
}

static void collect(struct daemon *d, struct channel *ch)
{
	for (int i = 0; i < TURN_BATCHES; i++)
		if ((ch->flags & (CH_FD_READABLE | CH_SOCK_FULL)) != CH_FD_READABLE || !collect_batch(d, ch))
			return;
}

void dgram_flush(struct daemon *d, struct channel *ch)
{
	enum { FLUSH_TURNS = 8 };

	ch->flags |= CH_FD_READABLE;
	for (int i = 0; i < FLUSH_TURNS && (ch->flags & (CH_FD_READABLE | CH_SOCK_FULL)) == CH_FD_READABLE; i++)
		collect(d, ch);
	channel_queue(d, ch);
}

/* The client's end sees an end of file for SHUT_RD, so that whoever waits there wakes up. */
int dgram_shut_down(struct daemon *d, struct channel *ch, int how)
{
	if (how != SHUT_RD)
		dgram_flush(d, ch);
	if (how != SHUT_WR)
		shutdown(ch->source.fd, SHUT_WR);
	return sock_shutdown(ch->sock, how, d->now_us);
}

void dgram_work(struct daemon *d, struct channel *ch)
{
	deliver(d, ch);
	collect(d, ch);
	if ((ch->flags & (CH_HUNG_UP | CH_FD_READABLE)) == CH_HUNG_UP) {
		channel_close(d, ch, CHANNEL_CLOSE, 0);
		return;
	}
	if ((ch->flags & (CH_SOCK_READABLE | CH_FD_FULL)) == CH_SOCK_READABLE ||
	    (ch->flags & (CH_FD_READABLE | CH_SOCK_FULL)) == CH_FD_READABLE || has_news(ch))
		channel_queue(d, ch);
}
