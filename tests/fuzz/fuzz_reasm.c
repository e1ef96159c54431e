/* SPDX-License-Identifier: BSD-2-Clause */
/* Fragments of both families, in any order, size and overlap. A datagram that comes out must be one that all its fragments agree
 * on: here the byte at each position of a datagram is a function of the position and the datagram's identification, and some fragments
 * lie, so a datagram with a lie in it that still comes out is what overlapping allows only when the lie arrived alone for its place.
 * After two minutes nothing may be held. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "stack/core.h"
#include "stack/wire.h"
#include "tests/lib/bed.h"
#include "tests/lib/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FRAGMENTS_MAX = 300, MEMORY_MAX = 8 << 20 };

static uint8_t buf[70000], part[66000];

static void fill(uint32_t id, size_t at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		part[i] = (uint8_t)((at + i) * 3 + id);
	if (at == 0 && n >= 8) { /* a UDP header to port 80 without a checksum; its length fits some totals */
		put_be16(part, 9);
		put_be16(part + 2, 80);
		put_be16(part + 4, (uint16_t)(id * 16 + 24));
		put_be16(part + 6, 0);
	}
}

static void one_fragment(struct bed *b, struct wire_rd *r)
{
	uint8_t how = wire_rd_u8(r);
	uint8_t id = wire_rd_u8(r);
	size_t at = (size_t)wire_rd_u16(r) * 8 % 65536, n = wire_rd_u16(r) % 2000, len;
	bool is4 = how & 1;
	struct ip_fields ip = {
		.src = is4 ? BED_PEER4 : BED_PEER6, .dst = is4 ? BED_ADDR4 : BED_ADDR6, .proto = how & 16 ? 58 : IPPROTO_UDP,
		.id = id, .more_fragments = how & 2, .frag_offset = (uint16_t)at,
	};

	if (!(how & 4))
		n &= ~(size_t)7;
	if (how & 32)
		n %= 64;
	fill(id, at, n);
	if (how & 8 && n > 8)
		part[n - 1] ^= 0xff;
	len = is4 ? packet_ip(buf, &ip, part, n) : packet_fragment6(buf, &ip, id, part, n);
	bed_inject(b, buf, len);
	if (how & 64)
		bed_run(b, wire_rd_u8(r) * 200000ull);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bed b;
	struct wire_rd r = wire_rd_over(data, size);
	struct ip_endpoint local = bed_endpoint("::", 80);
	struct sock *s;
	struct frame *f;

	bed_prepare(&b, 1, LINK_IP);
	b.config.frame_bytes_max = MEMORY_MAX;
	if (!bed_start(&b))
		bed_fatal("the stack does not start");
	s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	if (sock_bind(s, &local) < 0)
		bed_fatal("bind");
	for (unsigned i = 0; i < FRAGMENTS_MAX && wire_rd_left(&r) > 0; i++) {
		one_fragment(&b, &r);
		bed_drop_all(&b);
	}
	while ((f = sock_recv_frame(s)))
		frame_unref(f);
	bed_run(&b, 120 * 1000000ull);
	bed_drop_all(&b);
	if (b.st->frames.in_use_bytes != 0)
		bed_fatal("%zu bytes of frames are held after two minutes", b.st->frames.in_use_bytes);
	bed_close(&b);
	return 0;
}
