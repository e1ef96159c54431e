/* SPDX-License-Identifier: BSD-2-Clause */
/* DHCPv6: the input is options of a server's answers, each with a type and a gap of time before it, to a client that a router has told to
 * ask. The transaction and both identifiers are right, so that the rest reaches the state machine. */
#include <string.h>

#include "stack/dhcp6.h"
#include "stack/wire.h"
#include "tests/lib/bed.h"
#include "tests/lib/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OPTIONS_MAX = 600, MESSAGE_AT = 14 + 40 + 8, ANSWERS_MAX = 16 };

static uint8_t buf[4096];
static struct bed_packet out;

static void follow_xid(struct bed *b, uint32_t *xid)
{
	while (bed_next(b, &out))
		if (out.len > MESSAGE_AT + 4 && out.data[14 + 6] == 17)
			*xid = get_be32(out.data + MESSAGE_AT) & 0xffffff;
}

static void answer(struct bed *b, uint8_t type, uint32_t xid, const uint8_t *options, size_t n)
{
	uint8_t m[4 + 14 + 7 + OPTIONS_MAX] = { 0 };
	struct wire_wr w = wire_wr_over(m, sizeof(m));
	struct ip_addr linklocal = { { 0xfe, 0x80, [8] = bed_mac[0] ^ 2, bed_mac[1], bed_mac[2], 0xff, 0xfe, bed_mac[3], bed_mac[4],
				       bed_mac[5] } };
	char to[IP_ADDR_TEXT_MAX];
	size_t len;

	wire_wr_u32(&w, (uint32_t)type << 24 | xid);
	wire_wr_bytes(&w, (const uint8_t[]){ 0, 1, 0, 10, 0, 3, 0, 1 }, 8);
	wire_wr_bytes(&w, bed_mac, 6);
	wire_wr_bytes(&w, (const uint8_t[]){ 0, 2, 0, 3, 'S', 'R', 'V' }, 7);
	wire_wr_bytes(&w, options, n);
	len = packet_udp(buf, "fe80::2", 547, ip_addr_print(&linklocal, to), 546, m, wire_wr_len(&w));
	bed_inject(b, buf, packet_ethernet(buf, len, bed_mac, bed_peer_mac));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_rd r = wire_rd_over(data, size);
	uint32_t xid = 0;
	struct bed b;

	bed_open(&b, 1, LINK_ETHERNET);
	if (stack_dhcp6_start(b.st, b.ifindex, "fuzz", b.now_us) < 0)
		bed_fatal("the client does not start");
	dhcp6_on_advertisement(b.st, b.ifindex, wire_rd_u8(&r) & 1, true);
	bed_run(&b, 1000000);
	for (int i = 0; i < ANSWERS_MAX && wire_rd_left(&r) > 4; i++) {
		uint8_t type = wire_rd_u8(&r);
		uint64_t gap_us = (uint64_t)wire_rd_u8(&r) * wire_rd_u8(&r) * 100000;
		size_t n = wire_rd_u8(&r) * 2u;

		n = n < wire_rd_left(&r) ? n : wire_rd_left(&r);
		n = n < OPTIONS_MAX ? n : OPTIONS_MAX;
		follow_xid(&b, &xid);
		answer(&b, type, xid, wire_rd_bytes(&r, n), n);
		bed_run(&b, gap_us);
	}
	bed_close(&b);
	return 0;
}
