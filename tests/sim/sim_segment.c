/* SPDX-License-Identifier: BSD-2-Clause */
#include "sim_segment.h"

#include <string.h>

#include "tests/lib/bed.h"
#include "tests/lib/packet.h"

enum { TCP_FIN = 1, TCP_PSH = 8, TCP_CWR = 128, TCP_FLAGS_AT = 13, TCP_SEQ_AT = 4, UDP_LEN_AT = 4, PACKET_MAX = 66000 };

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] * 256 + p[1]);
}

static void put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* The lengths of the IP header, and the identification of the n'th packet. */
static void mend_ip(uint8_t *ip, size_t len, unsigned n)
{
	if (ip[0] >> 4 == 4) {
		put16(ip + 2, len);
		put16(ip + 4, (size_t)get16(ip + 4) + n);
	} else {
		put16(ip + 4, len - 40);
	}
}

static void mend_tcp(uint8_t *tcp, size_t at, bool is_first, bool is_last)
{
	uint32_t seq = (uint32_t)get16(tcp + TCP_SEQ_AT) << 16 | get16(tcp + TCP_SEQ_AT + 2);

	seq += (uint32_t)at;
	put16(tcp + TCP_SEQ_AT, seq >> 16);
	put16(tcp + TCP_SEQ_AT + 2, seq & 0xffff);
	if (!is_last)
		tcp[TCP_FLAGS_AT] &= (uint8_t)~(TCP_FIN | TCP_PSH);
	if (!is_first)
		tcp[TCP_FLAGS_AT] &= (uint8_t)~TCP_CWR;
}

static void complete(uint8_t *data, size_t len, const struct frame_offload *off)
{
	size_t at = (size_t)off->csum_start + off->csum_offset;
	uint16_t sum;

	if (at + 2 > len)
		bed_fatal("the checksum of a frame of %zu bytes is to go to %zu", len, at);
	sum = packet_checksum(0, data + off->csum_start, len - off->csum_start);
	put16(data + at, off->csum_offset == 6 && sum == 0 ? 0xffff : sum);
}

void sim_segment(const uint8_t *data, size_t len, const struct frame_offload *off, size_t l3,
		 void (*emit)(void *ctx, const uint8_t *data, size_t len), void *ctx)
{
	static uint8_t one[PACKET_MAX];
	size_t hdr = off->hdr_len, payload = len - hdr;
	const uint8_t *ip = data + l3;
	size_t l4 = l3 + (ip[0] >> 4 == 4 ? (ip[0] & 15u) * 4u : 40u);
	unsigned n = 0;

	if (off->gso == FRAME_GSO_NONE) {
		memcpy(one, data, len);
		if (off->csum == FRAME_CSUM_PARTIAL)
			complete(one, len, off);
		emit(ctx, one, len);
		return;
	}
	if (hdr <= l4 || hdr > len || off->gso_size == 0)
		bed_fatal("a super-segment of %zu bytes has %zu bytes of headers and segments of %u", len, hdr, off->gso_size);
	for (size_t at = 0; at < payload; at += off->gso_size, n++) {
		size_t take = payload - at < off->gso_size ? payload - at : off->gso_size;

		memcpy(one, data, hdr);
		memcpy(one + hdr, data + hdr + at, take);
		mend_ip(one + l3, hdr + take - l3, n);
		if (off->gso == FRAME_GSO_UDP)
			put16(one + l4 + UDP_LEN_AT, hdr + take - l4);
		else
			mend_tcp(one + l4, at, at == 0, at + take == payload);
		packet_fix_checksums(one + l3, hdr + take - l3);
		emit(ctx, one, hdr + take);
	}
}
