/* SPDX-License-Identifier: BSD-2-Clause */
/* DHCPv4: the input is options of a server's answers, each with a type and a gap of time before it, to a client that is started and
 * learns the transaction id. Whatever they say, the client goes on and nothing leaks (bed_close() checks). */
#include <string.h>
#include <sys/socket.h>

#include "stack/dhcp4_wire.h"
#include "stack/wire.h"
#include "tests/lib/bed.h"
#include "tests/lib/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIXED = 236, OPTIONS_MAX = 400, ETH_AND_IP_AND_UDP = 14 + 20 + 8, ANSWERS_MAX = 16 };

static uint8_t buf[4096];
static struct bed_packet out;

/* The transaction id of the last message sent, so that answers reach the state machine. */
static void follow_xid(struct bed *b, uint32_t *xid)
{
	while (bed_next(b, &out))
		if (out.len > ETH_AND_IP_AND_UDP + FIXED && out.data[14 + 9] == 17)
			*xid = get_be32(out.data + ETH_AND_IP_AND_UDP + 4);
}

static void answer(struct bed *b, uint32_t xid, const uint8_t *options, size_t n)
{
	uint8_t m[FIXED + 4 + OPTIONS_MAX] = { 2, 1, 6, 0 };
	size_t len;

	put_be32(m + 4, xid);
	memcpy(m + 16, (const uint8_t[]){ 10, 0, 0, 9 }, 4);
	memcpy(m + 28, bed_mac, 6);
	put_be32(m + FIXED, 0x63825363);
	memcpy(m + FIXED + 4, options, n);
	len = packet_udp(buf, "10.0.0.2", 67, "255.255.255.255", 68, m, FIXED + 4 + n);
	bed_inject(b, buf, packet_ethernet(buf, len, bed_mac, bed_peer_mac));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dhcp4_config config = { .hostname = "fuzz", .linklocal = true };
	struct wire_rd r = wire_rd_over(data, size);
	uint32_t xid = 0;
	struct bed b;

	bed_open(&b, 1, LINK_ETHERNET);
	config.last_addr = ip_addr_any(AF_INET);
	if (stack_dhcp4_start(b.st, b.ifindex, &config, b.now_us) < 0)
		bed_fatal("the client does not start");
	bed_run(&b, 1000000);
	for (int i = 0; i < ANSWERS_MAX && wire_rd_left(&r) > 3; i++) {
		uint64_t gap_us = (uint64_t)wire_rd_u8(&r) * wire_rd_u8(&r) * 100000;
		size_t n = wire_rd_u8(&r) * 2u;

		n = n < wire_rd_left(&r) ? n : wire_rd_left(&r);
		n = n < OPTIONS_MAX ? n : OPTIONS_MAX;
		follow_xid(&b, &xid);
		answer(&b, xid, wire_rd_bytes(&r, n), n);
		bed_run(&b, gap_us);
	}
	bed_close(&b);
	return 0;
}
