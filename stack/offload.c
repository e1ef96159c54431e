/* SPDX-License-Identifier: BSD-2-Clause */
#include "offload.h"

#include "checksum.h"
#include "ip.h"
#include "wire.h"

bool offload_is_sane(const struct frame *f)
{
	const struct frame_offload *o = &f->off;

	if (o->csum > FRAME_CSUM_VALID || o->gso > FRAME_GSO_UDP)
		return false;
	if (o->csum == FRAME_CSUM_PARTIAL && (uint32_t)o->csum_start + o->csum_offset + 2 > f->len)
		return false;
	/* A super-segment's checksum covers packets that do not exist yet: it cannot be complete and unverified
	 * (virtio 1.2 section 5.1.6.2 demands NEEDS_CSUM with every segmentation type). */
	if (o->gso != FRAME_GSO_NONE && (o->gso_size == 0 || o->csum == FRAME_CSUM_NONE || o->hdr_len > f->len))
		return false;
	return true;
}

static uint16_t less(uint16_t v, uint32_t n)
{
	return v > n ? (uint16_t)(v - n) : 0;
}

void offload_pull(struct frame *f, uint32_t n)
{
	/* A checksum that begins inside a header which comes off would be lost with it. */
	if (f->off.csum == FRAME_CSUM_PARTIAL && f->off.csum_start < n)
		offload_complete_csum(f);
	frame_pull(f, n);
	f->off.csum_start = less(f->off.csum_start, n);
	f->off.hdr_len = less(f->off.hdr_len, n);
}

uint8_t *offload_push(struct frame *f, uint32_t n)
{
	if (f->off.csum == FRAME_CSUM_PARTIAL)
		f->off.csum_start = (uint16_t)(f->off.csum_start + n);
	if (f->off.gso != FRAME_GSO_NONE)
		f->off.hdr_len = (uint16_t)(f->off.hdr_len + n);
	return frame_push(f, n);
}

/* Where TCP and UDP keep their checksum (RFC 9293 section 3.1, RFC 768). */
enum { TCP_CSUM_OFFSET = 16, UDP_CSUM_OFFSET = 6 };

bool offload_settle(struct frame *f, uint8_t proto, bool is4)
{
	struct frame_offload *o = &f->off;
	bool is_own_place = (proto == IPPROTO_NR_TCP && o->csum_offset == TCP_CSUM_OFFSET) ||
			    (proto == IPPROTO_NR_UDP && o->csum_offset == UDP_CSUM_OFFSET);

	switch (o->gso) {
	case FRAME_GSO_TCP4:
	case FRAME_GSO_TCP6:
		if (proto != IPPROTO_NR_TCP || is4 != (o->gso == FRAME_GSO_TCP4))
			return false;
		break;
	case FRAME_GSO_UDP:
		if (proto != IPPROTO_NR_UDP)
			return false;
		break;
	}
	if (o->csum == FRAME_CSUM_PARTIAL && (o->csum_start != 0 || !is_own_place)) {
		if (o->gso != FRAME_GSO_NONE || (uint32_t)o->csum_start + o->csum_offset + 2 > f->len)
			return false;
		offload_complete_csum(f);
	}
	return true;
}

bool offload_csum_value(const struct frame *f, uint16_t *sum, uint32_t *at)
{
	const struct frame_offload *o = &f->off;
	struct iovec iov[2];

	*at = (uint32_t)o->csum_start + o->csum_offset;
	if (o->csum != FRAME_CSUM_PARTIAL || *at + 2 > f->len)
		return false;
	iov[0] = (struct iovec){ f->data + o->csum_start, f->len - o->csum_start };
	if (f->tail)
		iov[1] = (struct iovec){ f->tail->buf + f->tail_off, f->tail_len };
	*sum = checksum_finish(checksum_add_iov(0, iov, f->tail ? 2 : 1));
	/* UDP: zero means "no checksum"; the sum zero is sent as its other form (RFC 768, RFC 8200 section 8.1). */
	if (*sum == 0 && o->csum_offset == UDP_CSUM_OFFSET)
		*sum = 0xffff;
	return true;
}

void offload_complete_csum(struct frame *f)
{
	uint32_t at;
	uint16_t sum;

	if (!offload_csum_value(f, &sum, &at))
		return;
	put_be16(f->data + at, sum);
	f->off.csum = FRAME_CSUM_NONE;
	f->off.csum_start = f->off.csum_offset = 0;
}
