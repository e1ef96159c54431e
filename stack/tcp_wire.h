/* SPDX-License-Identifier: BSD-2-Clause */
/* tcp_wire.h - the TCP header and its options as bytes and as a struct (RFC 9293 section 3.1, 3.2; RFC 7323, 2018).
 * Promises: parse accepts any bytes. A header that is shorter than it says is an error; a malformed option ends the list of
 *           options (RFC 9293 MUST-7), and those before it count. Unknown options are skipped by their length (MUST-6).
 * Never:    knows connections, allocates, or verifies the checksum. */
#ifndef TAPIR_STACK_TCP_WIRE_H
#define TAPIR_STACK_TCP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcp_seq.h"

enum {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_URG = 0x20,
	TCP_ECE = 0x40,
	TCP_CWR = 0x80,
};

enum {
	TCP_HDR_MIN = 20,
	TCP_HDR_MAX = 60,
	TCP_CSUM_OFFSET = 16,	/* of the checksum field */
	TCP_OPT_TS_BYTES = 12,	/* timestamps with their two NOPs */
	TCP_WSCALE_MAX = 14,	/* RFC 7323 section 2.3 */
	TCP_SACK_BLOCKS_MAX = 4, /* RFC 2018 section 3: three beside timestamps */
	TCP_MSS_DEFAULT_4 = 536,  /* RFC 9293 MUST-15 */
	TCP_MSS_DEFAULT_6 = 1220,
};

struct tcp_sack_block {
	tcp_seq left, right; /* bytes left <= x < right were received */
};

struct tcp_options {
	bool has_mss, has_wscale, has_ts, sack_permitted;
	uint8_t wscale; /* as received; above 14 counts as 14 */
	uint8_t sack_count;
	uint16_t mss;
	uint32_t tsval, tsecr;
	struct tcp_sack_block sacks[TCP_SACK_BLOCKS_MAX];
};

struct tcp_hdr {
	uint16_t src_port, dst_port;
	tcp_seq seq, ack;
	uint16_t wnd; /* as on the wire, unscaled */
	uint16_t urg;
	uint8_t flags;
	uint8_t hdr_len; /* bytes, options included */
	struct tcp_options opt;
};

/** tcp_hdr_parse - read a header from @n bytes at @p.
 * Returns 0, or -EBADMSG when it does not fit in @n bytes or says that it is shorter than 20. */
int tcp_hdr_parse(struct tcp_hdr *h, const uint8_t *p, size_t n);

/** tcp_hdr_build - write @h at @p, which has TCP_HDR_MAX bytes; checksum 0, hdr_len ignored.
 * Options go in the order and padding that Linux uses: on a SYN mss, sackOK and TS, nop and wscale; else nop nop TS, nop nop SACK.
 * Returns bytes written. Needs options that fit in 40 bytes: SACK blocks that do not are left out. */
size_t tcp_hdr_build(uint8_t *p, const struct tcp_hdr *h);

/* Bytes of the options that tcp_hdr_build() will write. */
size_t tcp_options_len(const struct tcp_options *o);

#endif
