/* SPDX-License-Identifier: BSD-2-Clause */
/* Options of IPv4 and TCP, and extension headers of IPv6: the input is what stands between headers that are right. The TCP header
 * parser is also called by itself: what it accepts is built again and must parse to the same. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "stack/tcp_wire.h"
#include "stack/wire.h"
#include "tests/lib/bed.h"
#include "tests/lib/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { IP4_OPTIONS_MAX = 40, TCP_OPTIONS_MAX = 40, EXT_MAX = 2000 };

static uint8_t buf[70000];

static const uint8_t udp[16] = { 0, 9, 0, 80, 0, 16, 0, 0 };

static void ip4_options(struct bed *b, const uint8_t *data, size_t size)
{
	struct ip_fields ip = { .src = BED_PEER4, .dst = BED_ADDR4, .proto = IPPROTO_UDP };
	size_t options = (size < IP4_OPTIONS_MAX ? size : IP4_OPTIONS_MAX) & ~(size_t)3;
	size_t len = packet_ip(buf, &ip, udp, sizeof(udp));

	memmove(buf + 20 + options, buf + 20, sizeof(udp));
	if (options > 0)
		memcpy(buf + 20, data, options);
	buf[0] = (uint8_t)(0x45 + options / 4);
	put_be16(buf + 2, (uint16_t)(len + options));
	packet_fix_checksums(buf, len + options);
	bed_inject(b, buf, len + options);
}

static void ip6_extensions(struct bed *b, uint8_t first, const uint8_t *data, size_t size)
{
	struct ip_fields ip = { .src = BED_PEER6, .dst = BED_ADDR6, .proto = first };

	bed_inject(b, buf, packet_ip(buf, &ip, data, size < EXT_MAX ? size : EXT_MAX));
}

/* What was understood, written and read again, must be the same; a field at a time, since structs have padding. */
static void parse_build_parse(const uint8_t *tcp, size_t len)
{
	struct tcp_hdr once, twice;
	uint8_t built[TCP_HDR_MAX];

	if (tcp_hdr_parse(&once, tcp, len) < 0 || tcp_options_len(&once.opt) > TCP_OPTIONS_MAX)
		return;
	if (tcp_hdr_parse(&twice, built, tcp_hdr_build(built, &once)) < 0)
		bed_fatal("a header that was built does not parse");
	if (once.flags != twice.flags || once.wnd != twice.wnd || once.opt.has_mss != twice.opt.has_mss ||
	    once.opt.mss != twice.opt.mss || once.opt.has_wscale != twice.opt.has_wscale || once.opt.wscale != twice.opt.wscale ||
	    once.opt.has_ts != twice.opt.has_ts || once.opt.tsval != twice.opt.tsval || once.opt.tsecr != twice.opt.tsecr ||
	    once.opt.sack_permitted != twice.opt.sack_permitted || once.opt.sack_count != twice.opt.sack_count)
		bed_fatal("a header parses differently after it was built");
}

static void tcp_options(struct bed *b, uint8_t flags, const uint8_t *data, size_t size)
{
	struct ip_fields ip = { .src = BED_PEER4, .dst = BED_ADDR4, .proto = IPPROTO_TCP };
	uint8_t tcp[60] = { 0x10, 0, 0, 80, 0, 0, 0, 1 };
	size_t options = (size < TCP_OPTIONS_MAX ? size : TCP_OPTIONS_MAX) & ~(size_t)3, len;

	tcp[12] = (uint8_t)((20 + options) / 4 << 4);
	tcp[13] = flags;
	put_be16(tcp + 14, 1000);
	if (options > 0)
		memcpy(tcp + 20, data, options);
	parse_build_parse(tcp, 20 + options);
	len = packet_ip(buf, &ip, tcp, 20 + options);
	packet_fix_checksums(buf, len);
	bed_inject(b, buf, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bed b;
	struct ip_endpoint any = bed_endpoint("::", 80);
	struct sock *listener;

	if (size < 2)
		return 0;
	bed_open(&b, 1, LINK_IP);
	sock_bind(bed_sock(&b, AF_INET6, SOCK_DGRAM, 0), &any);
	listener = bed_sock(&b, AF_INET6, SOCK_STREAM, 0);
	if (sock_bind(listener, &any) < 0 || sock_listen(listener, 5, b.now_us) < 0)
		bed_fatal("listen");
	switch (data[0] % 3) {
	case 0:
		ip4_options(&b, data + 2, size - 2);
		break;
	case 1:
		ip6_extensions(&b, data[1], data + 2, size - 2);
		break;
	case 2:
		tcp_options(&b, data[1], data + 2, size - 2);
		tcp_options(&b, 0x10, data + 2, size - 2);
		break;
	}
	bed_run(&b, 2000000);
	bed_close(&b);
	return 0;
}
