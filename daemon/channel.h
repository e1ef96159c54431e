/* SPDX-License-Identifier: BSD-2-Clause */
/* channel.h - one socket of a client: the engine's socket on one side, our end of a socketpair on the other.
 *
 * channel.c holds what all kinds share: making the pair, finding a channel by the fd that a client shows, the work list, the end.
 * stream.c moves the bytes of a connection, listen.c hands out accepted connections, dgram.c moves datagrams.
 *
 * A channel lives from SOCKET (or an accept) until the client has closed the last copy of its end, or the socket failed. Work is
 * noted in flags and done once a turn from the work list, each channel with a budget. */
#ifndef TAPIR_DAEMON_CHANNEL_H
#define TAPIR_DAEMON_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "client-lib/protocol.h"
#include "loop.h"
#include "stack/list.h"
#include "stack/stack.h"
#include "user.h"

enum { CHANNEL_SNDBUF_CONNECTING = 1 }; /* of the client's end, while junk holds it back: the kernel makes it its smallest */

enum channel_kind { CHANNEL_STREAM, CHANNEL_LISTENER, CHANNEL_DGRAM };

enum channel_flag {
	CH_FD_READABLE = 1 << 0,  /* the client may have written, or half-closed */
	CH_FD_FULL = 1 << 1,	  /* the client's buffer took no more: wait for EPOLLOUT */
	CH_SOCK_READABLE = 1 << 2, /* the engine may have something for the client */
	CH_SOCK_FULL = 1 << 3,	  /* the engine's send queue took no more: wait for SOCK_WRITABLE */
	CH_HALF_CLOSED = 1 << 4,  /* the client will write no more (EPOLLRDHUP) */
	CH_HUNG_UP = 1 << 5,	  /* the client is gone, or both directions are shut (EPOLLHUP) */
	CH_CONNECTED = 1 << 6,	  /* stream: bytes may flow */
	CH_PEER_CLOSED = 1 << 7,  /* stream: FIN received */
	CH_FIN_TOLD = 1 << 8,	  /* stream: the client has been told so, by shutdown(2) */
	CH_FIN_SENT = 1 << 9,	  /* stream: the client's half close was passed on */
	CH_DISCARD = 1 << 10,	  /* stream: the client does not read any more (SHUT_RD) */
	CH_FAILED = 1 << 11,	  /* stream: the connection is dead; what was received is still to be delivered */
	CH_UNCLAIMED = 1 << 12,	  /* accepted, its listener closed meanwhile, and no sign that a program took it */
	CH_WANTS_INFO = 1 << 13,  /* datagrams: ancillary data is wanted, so frame them even when connected */
	CH_RESET = 1 << 14,	  /* the client closed with bytes unread: a TCP that does so answers with RST (RFC 2525 section 2.17) */
	CH_TOUCHED = 1 << 15,	  /* stream: bytes went from or to the client */
	CH_OURS_IS_LARGE = 1 << 16, /* our end's send buffer has been made large */
	CH_THEIRS_IS_LARGE = 1 << 17, /* the client's end's */
	CH_HAS_JUNK = 1 << 18,	  /* stream, connecting: our end holds what keeps the client's from polling writable */
	CH_IS_DEAD = 1 << 19,	  /* freed at the end of the turn */
	CH_HAS_LOWAT = 1 << 21,	  /* stream: SO_RCVLOWAT is more than 1 */
	CH_URGENT_OUT = 1 << 22,  /* stream: the client may send urgent bytes */
	CH_OFFERED = 1 << 23,	  /* accepted, and neither named in a request nor written to: perhaps no program has received it */
	CH_PARKED = 1 << 24,	  /* its offered end was closed; it waits for a program that could not receive it to say so */
	CH_HAS_WAITER = 1 << 20,  /* stream, connecting: @waiter gets the answer */
	CH_BULK_OUT = 1 << 25,	  /* stream: the client writes much at once (latch.c) */
	CH_THEIRS_IS_SMALL = 1 << 26, /* the program asked for a small send buffer, which its end has, or will have */
};

struct client;
struct request;
struct listener;
struct dgram;

struct channel {
	struct source source; /* our end */
	struct list work_link;
	struct channel *hash_next;
	struct sock *sock;
	struct user *user;
	uint64_t cookie; /* SO_COOKIE of the client's end */
	uint32_t flags; /* enum channel_flag */
	int32_t pid;
	uint8_t kind;	/* enum channel_kind */
	uint8_t family; /* of the socket: the form of addresses towards the client */
	uint8_t latched_reads; /* stream: how many went into @latched_bytes */
	int32_t error;	     /* CH_FAILED: errno; datagrams: news for the client that did not fit yet */
	struct list handed_link; /* accepted: on its listener's list until a program surely took it, or CH_PARKED */
	uint32_t kept_bytes; /* CH_OFFERED: given to the client, and still in the engine's queue */
	uint32_t latched_bytes; /* stream: unread in the pair, and none of the client's, or the engine has them (latch.h) */
	union {
		struct listener *listener;
		struct dgram *dgram;
		struct listener *handed_by; /* while on its list */
		uint64_t parked_until_us; /* CH_PARKED */
		struct client *waiter; /* CH_HAS_WAITER */
	};
};

struct channels {
	struct channel **buckets;
	uint32_t bucket_count, count;
	struct list work, dead;
	struct list parked; /* by handed_link, oldest first */
	uint32_t parked_count;
	uint64_t lack_until_us; /* a program said lately that it could not receive a connection */
	struct list stalled; /* what lacked descriptors, buffers, or a place under the user's limit; by work_link */
	char *junk;	     /* zeros to send, room to drain them into */
	uint32_t junk_bytes;
	uint32_t sndbuf;       /* a large send buffer, as the kernel counts it */
	uint32_t accept_cost;  /* what one accept message takes of it */
	struct dgram_batch *batch;
	int door; /* of fresh_open() */
};

/* 0 or -errno. */
int channels_init(struct daemon *d);
void channels_fini(struct channels *c); /* frees what channels_init() took, or a part of it */

/* The clean stop begins: listeners are closed, connections get their FIN after what their clients have written. */
void channels_farewell(struct daemon *d);
void channels_abort(struct daemon *d); /* what is left is reset */

/** channel_open - a channel for @sock, of datagrams or an accepted connection, with its pair; the caller sends *theirs away and closes it.
 * Returns 0, -EMFILE (the user's limit), -ENFILE (our descriptors), -ENOBUFS; @sock is then still the caller's. */
int channel_open(struct daemon *d, struct sock *sock, int family, int type, struct user *user, int32_t pid, struct channel **ch,
		 int *theirs);

/** channel_adopt - the same for a stream whose end @theirs a client made (fresh.h); it is connected here, and stays the caller's.
 * Returns also -ENOTSOCK. */
int channel_adopt(struct daemon *d, struct sock *sock, int family, struct user *user, int32_t pid, int theirs, struct channel **ch);

/* The channel whose client's end is @fd (any file descriptor). NULL with *cookie set, or 0 when it is no socket. */
struct channel *channel_by_fd(struct daemon *d, int fd, uint64_t *cookie);

/* The end: our end is closed, the engine's socket closed, reset, or given back to the caller; the memory goes with the turn.
 * With @error, or when the client may still hold its end, a tombstone tells what it was. */
enum channel_end {
	CHANNEL_CLOSE,
	CHANNEL_ABORT,
	CHANNEL_KEEP_SOCK,
	CHANNEL_BURY_SOCK, /* CH_FAILED: the tombstone keeps it, for what the client asks of it, and for its next connect */
};
void channel_close(struct daemon *d, struct channel *ch, enum channel_end how, int error);

void channel_queue(struct daemon *d, struct channel *ch); /* there is work for it */
bool channels_have_work(const struct daemon *d);
void channels_work(struct daemon *d);
void channels_reap(struct daemon *d);
void channel_stall(struct daemon *d, struct channel *ch); /* instead: something lacks, try again when some may be back */
bool channels_are_stalled(const struct daemon *d);
void channels_retry_stalled(struct daemon *d);

void channel_on_sock_event(struct daemon *d, struct sock *s, uint32_t events);

/* The client's buffer is full: wake up when it has room (CH_FD_FULL is set), or make it larger, once, and try again at once. */
void channel_wait_for_room(struct daemon *d, struct channel *ch);
void channel_enlarge_ours(struct daemon *d, struct channel *ch);
void channel_refuse_descriptors(int fd); /* our end of a pair takes none along */

/* A request shows the client's end of @ch, which is connected, or about to be without junk: time to make its send buffer large. */
void channel_enlarge_theirs(struct daemon *d, struct channel *ch, int theirs);

/* The program has set SO_SNDBUF: a small one bounds what it can write ahead of the network, as it does on a kernel's socket. */
void channel_bound_theirs(struct daemon *d, struct channel *ch, int theirs);
void channel_bound_dgram(struct daemon *d, struct channel *ch, int theirs); /* of datagrams, SO_RCVBUF too */

/* The end as the network knows it: addresses between wire form and engine form. */
void channel_addr_to_wire(struct tapir_addr *to, const struct ip_endpoint *from, int family);
int channel_addr_from_wire(struct ip_endpoint *to, const struct tapir_addr *from, int family); /* 0, -EINVAL, -EAFNOSUPPORT */

/* stream.c */
void stream_work(struct daemon *d, struct channel *ch);
void stream_on_sock_event(struct daemon *d, struct channel *ch, uint32_t events);
void stream_begin(struct daemon *d, struct channel *ch); /* connected: bytes flow from now on */
void stream_hold(struct daemon *d, struct channel *ch, int theirs); /* connecting: the client's end polls nothing until that is decided */
void stream_on_options(struct daemon *d, struct channel *ch); /* an option was set, or inherited */
void stream_ignore_mark(struct daemon *d, struct channel *ch); /* TAPIR_OP_BELOW_MARK */
bool stream_is_hung_up(const struct channel *ch); /* it is, even if its event is yet to come */
void stream_end(struct daemon *d, struct channel *ch); /* the client has closed its end, and all of it is collected */
void stream_flush(struct daemon *d, struct channel *ch); /* take what the client has written so far */
void stream_farewell(struct daemon *d, struct channel *ch);

/* urgent.c: MSG_OOB on streams */
void urgent_expect(struct channel *ch); /* the client may send urgent bytes from now on */
/* Before a read of the pair: false: do not, nothing is there. Else *is_urgent: the next byte is, and *want is 1. */
bool urgent_look(struct channel *ch, size_t *want, bool *is_urgent);
/* Cut what is to be written to the pair to the bytes before the urgent one, which is at @offset of it, or to that one alone, with MSG_OOB. */
size_t urgent_cut(struct iovec *iov, int *count, size_t offset, int *flags);
void urgent_set_inline(struct daemon *d, struct channel *ch, int theirs); /* SO_OOBINLINE was set: on the client's end, too */
void urgent_inherit_inline(struct daemon *d, struct channel *ch, int theirs); /* a new end of a socket that may have it */

/* listen.c */
int listener_begin(struct daemon *d, struct channel *ch); /* after sock_listen(): 0 or -ENOBUFS */
void listener_work(struct daemon *d, struct channel *ch);
void listener_free(struct daemon *d, struct channel *ch);
uint32_t listener_handed(const struct daemon *d, const struct channel *ch);
int listener_measure(struct channels *c); /* sets accept_cost; 0 or -errno */
void listener_on_claim(struct daemon *d, struct channel *ch); /* a program surely holds this accepted connection */
bool listener_park(struct daemon *d, struct channel *ch); /* its end was closed: whether it waits for listener_take_back() */
/* TAPIR_OP_ACCEPT_AGAIN: the connection @id is handed out once more. 0 or -ENOENT. */
int listener_take_back(struct daemon *d, struct channel *ch, uint64_t id);
uint64_t listener_parked_until_us(const struct daemon *d); /* UINT64_MAX: none is parked */
void listener_end_parked(struct daemon *d, uint64_t until_us); /* those whose time is over by then end as their program ended them */

/* dgram.c */
int dgram_begin(struct daemon *d, struct channel *ch); /* 0 or -ENOBUFS */
void dgram_work(struct daemon *d, struct channel *ch);
void dgram_on_sock_event(struct daemon *d, struct channel *ch, uint32_t events);
void dgram_on_options(struct daemon *d, struct channel *ch); /* an option was set: which ancillary data is wanted now? */
void dgram_flush(struct daemon *d, struct channel *ch); /* send what the client has written so far, or most of a lot of it */
int dgram_shut_down(struct daemon *d, struct channel *ch, int how); /* shutdown(2): 0 or -ENOTCONN, and it takes effect either way */
void dgram_free(struct channel *ch);
int dgram_go_bare(struct channel *ch); /* TAPIR_OP_BARE. 0 or -ENOBUFS */
/* TAPIR_OP_NEXT_HEADER; @theirs: the client's end; @controls: room for TAPIR_CONTROLS_MAX bytes, of which header_bytes tells. 0,
 * -EOPNOTSUPP (not bare), -EAGAIN (nothing is in the pair). */
int dgram_next_header(struct channel *ch, int theirs, struct tapir_dgram *header, uint8_t *controls);
/* Something that the client wrote could not be sent, or an error came: it is told as soon as it can be. */
void dgram_tell_error(struct daemon *d, struct channel *ch, int error);
/* TAPIR_OP_RING_AGAIN */
void dgram_ring_again(struct daemon *d, struct channel *ch, int theirs);

/* TAPIR_OP_RECV_ERROR: *bytes goes in as the room at @payload. 0 or -EAGAIN. */
int dgram_next_error(struct daemon *d, struct channel *ch, int theirs, struct tapir_dgram_error *e, uint8_t *payload, size_t *bytes);
/* TAPIR_OP_CHECK_SEND. 0 or -errno. */
int dgram_check_send(struct daemon *d, struct channel *ch, const struct request *r, size_t *bytes_max);
int dgram_batch_init(struct channels *c); /* 0 or -ENOMEM */
void dgram_batch_fini(struct channels *c);

#endif
