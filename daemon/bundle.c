/* SPDX-License-Identifier: BSD-2-Clause */
#include "bundle.h"

#include <errno.h>
#include <string.h>

#include "daemon.h"

enum {
	BUNDLE_MAX = 64,
	BUNDLE_BYTES_MAX = 60 << 10,
	BUNDLE_SEGMENT_MAX = 8 << 10, /* larger ones gain nothing */
};

void bundle_send(struct daemon *d, struct channel *ch, struct bundle *b, bool is_connected)
{
	struct frame *f = b->frame;
	int r;

	if (!f)
		return;
	b->frame = NULL;
	if (b->count > 1) {
		b->info.segment_size = (uint16_t)b->segment;
		b->info.is_bundle = true;
	}
	r = sock_send_frame(ch->sock, f, &b->info, d->now_us);
	if (r >= 0)
		return;
	d->counters[COUNTER_DGRAM_DROP_SEND] += b->count;
	/* Its sender has gone on already. A connected socket is told by its next recv(); on an unconnected one that would
	 * make one peer's failure look like everybody's, so there it is a lost datagram. */
	if (is_connected && !ch->error && r != -ENOBUFS)
		dgram_tell_error(d, ch, -r);
}

static bool is_same_way(const struct dgram_info *a, const struct dgram_info *b)
{
	return a->dst.port == b->dst.port && a->src.port == b->src.port && ip_addr_eq(&a->dst.addr, &b->dst.addr) &&
	       ip_addr_eq(&a->src.addr, &b->src.addr) && a->dst.scope_id == b->dst.scope_id && a->src.scope_id == b->src.scope_id &&
	       a->ifindex == b->ifindex && a->ttl == b->ttl && a->tos == b->tos && a->segment_size == 0 && b->segment_size == 0;
}

/* Room for @more bytes behind the bundle's; its frame may become a larger one. */
static bool bundle_make_room(struct daemon *d, struct bundle *b, uint32_t more)
{
	struct frame *large;

	if (frame_tailroom(b->frame) >= more)
		return true;
	if (b->frame->len + more > BUNDLE_BYTES_MAX)
		return false;
	large = stack_frame_alloc(d->st, FRAME_LARGE_BYTES - FRAME_HEADROOM);
	if (!large)
		return false;
	memcpy(frame_put(large, b->frame->len), b->frame->data, b->frame->len);
	frame_unref(b->frame);
	b->frame = large;
	return true;
}

bool bundle_join(struct daemon *d, struct bundle *b, struct frame *f, const struct dgram_info *info)
{
	if (!b->frame || f->len == 0 || f->len > b->segment || f->len > BUNDLE_SEGMENT_MAX ||
	    b->count == BUNDLE_MAX || b->frame->len != b->count * b->segment || !is_same_way(&b->info, info) ||
	    !bundle_make_room(d, b, f->len))
		return false;
	memcpy(frame_put(b->frame, f->len), f->data, f->len);
	b->count++;
	frame_unref(f);
	return true;
}
