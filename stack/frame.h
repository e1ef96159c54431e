/* SPDX-License-Identifier: BSD-2-Clause */
/* frame.h - reference-counted packet buffers.
 * A frame is one buffer with a window of valid bytes in it (data, len). Headers are pushed into the headroom before
 * the window and pulled off its front. Large ones hold a 64 KiB offloaded packet, medium ones a jumbo frame, small ones
 * everything else.
 * Also the memory behind stream queues (byteq.h): slices of received frames, and chunks for bytes to be sent.
 * Promises: alloc and unref are O(1) from free lists, last-in first-out.
 * Limits:   the pool hands out at most frames' bytes_max; past it frame_alloc() returns NULL and counts mem.frames_exhausted. */
#ifndef TAPIR_STACK_FRAME_H
#define TAPIR_STACK_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "pool.h"

enum {
	FRAME_HEADROOM = 128,	    /* room kept in front for Ethernet, IPv6 with extension headers, and TCP with options */
	FRAME_SMALL_BYTES = 2048,   /* buffer bytes of a small frame, headroom included */
	FRAME_MEDIUM_BYTES = 10240, /* of a medium frame: an MTU of 9000, so that such datagrams do not pin 64 KiB each */
	FRAME_CLASSES = 3,
	FRAME_LARGE_BYTES = 66048,  /* buffer bytes of a large frame: headroom, link header and a 64 KiB packet */
};

/* What is known of a frame's checksum and segmentation, as a virtio-net header tells it. Offsets count from the frame's
 * first byte (the Ethernet header, or the IP header on a bare IP link). */
enum frame_csum {
	FRAME_CSUM_NONE,    /* the checksum in the packet is complete and unverified */
	FRAME_CSUM_PARTIAL, /* the checksum field holds only the pseudo-header sum; the rest is yet to be added */
	FRAME_CSUM_VALID,   /* verified by the link (or never left this machine) */
};

enum frame_gso { FRAME_GSO_NONE, FRAME_GSO_TCP4, FRAME_GSO_TCP6, FRAME_GSO_UDP };

struct frame_offload {
	uint8_t csum;	       /* enum frame_csum */
	uint8_t gso;	       /* enum frame_gso */
	uint16_t csum_start;   /* PARTIAL: where summing starts */
	uint16_t csum_offset;  /* PARTIAL: where the sum goes, from csum_start */
	uint16_t gso_size;     /* GSO: payload bytes of each segment */
	uint16_t hdr_len;      /* GSO: bytes of all headers */
};

/* A control message (cmsg(3)) of Linux's level and type, for what has no field in struct dgram_info. */
struct dgram_control {
	int level, type;
	const void *data; /* aligned for anything */
	uint32_t bytes;
};

/* What travels with a datagram through a datagram, raw or ping socket. */
struct dgram_info {
	struct ip_endpoint src, dst;
	uint32_t ifindex;
	uint16_t segment_size; /* UDP_SEGMENT / UDP_GRO: bytes of each datagram in a super-datagram; 0: a single one */
	int16_t ttl;	       /* -1: not given (sending: the socket's) */
	int16_t tos;	       /* -1: not given (sending: the socket's) */
	bool is_bundle;	       /* sending: the segments are datagrams that merely came together; what would hinder UDP_SEGMENT (a
				* small MTU, a link without USO) sends each by itself instead of failing */
	bool confirms;	       /* sending: MSG_CONFIRM, the neighbour on the way is there (RFC 4861 section 7.3.1) */
	uint64_t time_us;      /* arrival */
	/* Received: the network header with all that stands before the transport's, in the frame's buffer. NULL: no option asks for it. */
	const uint8_t *ip_hdr;
	uint16_t ip_hdr_len;
	uint16_t frag_bytes;   /* received: the largest fragment's packet; 0: it came whole */
	uint32_t path_mtu;     /* received: no datagram, but the news that the path to dst takes so much (IPV6_PATHMTU); 0: a datagram */
	uint32_t drops;	       /* received: how many had found the queue full before */
	uint16_t control_count; /* sending */
	const struct dgram_control *controls;
};

struct frame_pool;

struct frame {
	struct frame *next; /* free list, or the one queue that holds this frame */
	struct frame_pool *pool;
	struct frame *tail; /* further payload in another frame, at its buf + tail_off: header here, slice there (owned reference) */
	uint32_t tail_off, tail_len;
	uint32_t refs;
	uint32_t buf_bytes;
	uint8_t *data; /* first valid byte */
	uint32_t len;  /* valid bytes from data on, tail not counted */
	uint32_t ifindex;
	struct frame_offload off;
	uint64_t sock_id;	/* output: the socket this was sent for; 0: the stack's own */
	struct dgram_info info; /* in a datagram socket's receive queue */
	uint8_t buf[];
};

struct frame_pool {
	struct mem *mem;
	struct {
		struct frame *first;
		uint32_t count;
	} free[FRAME_CLASSES]; /* by size */
	size_t in_use_bytes, bytes_max;
	uint64_t *exhausted_stat; /* counts refusals */
};

void frame_pool_init(struct frame_pool *p, struct mem *mem, size_t bytes_max, uint64_t *exhausted_stat);
void frame_pool_fini(struct frame_pool *p); /* frees what is on the free lists */

/** frame_alloc - a frame with room for @bytes after FRAME_HEADROOM of headroom; one reference, len 0.
 * @bytes: at most FRAME_LARGE_BYTES - FRAME_HEADROOM.
 * Returns NULL when the pool's limit is reached or memory is refused. */
struct frame *frame_alloc(struct frame_pool *p, size_t bytes);

/* Buffer bytes of the frame that frame_alloc(@bytes) would give. */
static inline uint32_t frame_buf_bytes(size_t bytes)
{
	if (bytes <= FRAME_SMALL_BYTES - FRAME_HEADROOM)
		return FRAME_SMALL_BYTES;
	return bytes <= FRAME_MEDIUM_BYTES - FRAME_HEADROOM ? FRAME_MEDIUM_BYTES : FRAME_LARGE_BYTES;
}

struct frame *frame_ref(struct frame *f);
void frame_unref(struct frame *f); /* NULL is fine */

static inline size_t frame_headroom(const struct frame *f)
{
	return (size_t)(f->data - f->buf);
}

/* Unused bytes after the window. */
static inline size_t frame_tailroom(const struct frame *f)
{
	return f->buf_bytes - frame_headroom(f) - f->len;
}

/* Grow the window at the front by @n (a header to be written), or at the back; both return the new bytes' address. */
uint8_t *frame_push(struct frame *f, size_t n); /* needs the headroom */
uint8_t *frame_put(struct frame *f, size_t n);	/* needs the tailroom */

/* Shrink the window at the front. Needs @n <= len. */
static inline void frame_pull(struct frame *f, size_t n)
{
	f->data += n;
	f->len -= (uint32_t)n;
}

/* Bytes of the whole packet, tail included. */
static inline size_t frame_packet_len(const struct frame *f)
{
	return f->len + (f->tail ? f->tail_len : 0);
}

/* A first-in first-out queue of frames. */
struct frame_queue {
	struct frame *head, **last;
	uint32_t count;
	size_t bytes; /* buffer bytes held, the truth about memory, not payload */
};

void frame_queue_init(struct frame_queue *q);
void frame_queue_push(struct frame_queue *q, struct frame *f); /* takes over the reference */
struct frame *frame_queue_pop(struct frame_queue *q);	       /* NULL when empty; the caller owns the reference */
void frame_queue_clear(struct frame_queue *q);

#endif
