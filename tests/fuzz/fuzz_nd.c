/* SPDX-License-Identifier: BSD-2-Clause */
/* Neighbour discovery messages of all kinds: the input is a series of them, each as its type, a source, and a body to which a right
 * checksum is given. In between time passes, so that what was learnt also ends. */
#include <netinet/in.h>
#include <string.h>

#include "stack/wire.h"
#include "tests/lib/bed.h"
#include "tests/lib/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BODY_MAX = 1400, MESSAGES_MAX = 32 };

static uint8_t buf[4096];

/* From a router, another router, a host, ourselves or nobody. */
static const char *const sources[] = { "fe80::fe", "fe80::fd", BED_PEER6, "fe80::ff:fe00:1", "::", BED_ADDR6, "2001:db8::1", "ff02::1" };
static const char *const destinations[] = { "ff02::1", BED_ADDR6, "ff02::1:ff00:1", "fe80::ff:fe00:1" };
static const uint8_t router_mac[6] = { 2, 0, 0, 0, 0, 0xfe };

static void message(struct bed *b, uint8_t how, uint8_t type, const uint8_t *body, size_t len)
{
	struct ip_fields ip = { .src = sources[how & 7], .dst = destinations[how >> 3 & 3], .proto = IPPROTO_ICMPV6, .ttl = 255 };
	uint8_t icmp[4 + BODY_MAX] = { (uint8_t)(133 + type % 5) }, eth_dst[6];
	struct ip_addr dst = addr_of(ip.dst);

	memcpy(icmp + 4, body, len);
	len = packet_ip(buf, &ip, icmp, 4 + len);
	packet_fix_checksums(buf, len);
	memcpy(eth_dst, bed_mac, 6);
	if (ip_addr_is_multicast(&dst)) {
		eth_dst[0] = eth_dst[1] = 0x33;
		memcpy(eth_dst + 2, dst.b + 12, 4);
	}
	bed_inject(b, buf, packet_ethernet(buf, len, eth_dst, router_mac));
	bed_drop_all(b);
}

static bool count_addr(void *ctx, const struct addr_info *i)
{
	(void)i;
	++*(unsigned *)ctx;
	return true;
}

/* What anybody on the link may say fills no more than it should. */
static void check_bounds(struct bed *b)
{
	unsigned addrs = 0;

	stack_each_addr(b->st, count_addr, &addrs);
	if (addrs > 64)
		bed_fatal("%u addresses", addrs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_rd r = wire_rd_over(data, size);
	struct bed b;
	uint8_t tunables = wire_rd_u8(&r);

	bed_open(&b, 1, LINK_ETHERNET);
	stack_set(b.st, "net.ipv6.conf.all.use_tempaddr", tunables & 1 ? "2" : "0", NULL);
	stack_set(b.st, "net.ipv6.conf.all.optimistic_dad", tunables & 2 ? "0" : "1", NULL);
	stack_set(b.st, "net.ipv6.conf.all.addr_gen_mode", tunables & 4 ? "0" : "2", NULL);
	if (tunables & 8)
		bed_run(&b, 5000000);
	for (unsigned i = 0; i < MESSAGES_MAX && wire_rd_left(&r) > 0; i++) {
		uint8_t how = wire_rd_u8(&r), type = wire_rd_u8(&r);
		size_t len = wire_rd_u16(&r) % (BODY_MAX + 1), left = wire_rd_left(&r);
		const uint8_t *body = wire_rd_bytes(&r, len < left ? len : left);

		if (!body)
			break;
		message(&b, how, type, body, len < left ? len : left);
		bed_run(&b, (uint64_t)(how >> 5) * 700000);
		check_bounds(&b);
	}
	bed_run(&b, 10000000);
	bed_close(&b);
	return 0;
}
