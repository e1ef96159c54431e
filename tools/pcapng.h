/* SPDX-License-Identifier: BSD-2-Clause */
/* pcapng.h - write packets to a file that tcpdump and Wireshark read (draft-ietf-opsawg-pcapng).
 * One section: a Section Header Block, an Interface Description Block for each interface (nanosecond resolution), an
 * Enhanced Packet Block for each packet with its direction and an optional comment.
 * Promises: every block is whole in the stdio buffer when a call returns 0; integers are in the machine's byte order, which
 *           the section header declares.
 * Needs:    pcapng_begin() first; an interface before its packets. libpcap's readers (tcpdump) want at least one interface,
 *           and the same link type and snap length for all.
 * Never:    opens, flushes or closes the file; knows of stacks or daemons (the simulator writes its failures with it). */
#ifndef TAPIR_TOOLS_PCAPNG_H
#define TAPIR_TOOLS_PCAPNG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum pcapng_linktype { PCAPNG_ETHERNET = 1, PCAPNG_RAW_IP = 101 }; /* LINKTYPE_ETHERNET, LINKTYPE_RAW */

enum pcapng_direction { PCAPNG_UNKNOWN = 0, PCAPNG_IN = 1, PCAPNG_OUT = 2 }; /* as in epb_flags */

struct pcapng {
	FILE *file;
	uint32_t interface_count;
};

struct pcapng_packet {
	uint32_t interface;	/* as pcapng_add_interface() returned it */
	uint64_t time_ns;	/* since the epoch (or the start of a simulation) */
	uint32_t packet_bytes;	/* on the link */
	uint32_t captured_bytes; /* at @data, not more than packet_bytes */
	const void *data;
	enum pcapng_direction direction;
	const char *comment;	/* UTF-8, @comment_bytes long; cut at 65535 bytes */
	size_t comment_bytes;	/* 0: none */
};

/* All return 0 (pcapng_add_interface(): the interface's number) or -errno of the write that failed. */

/** pcapng_begin - write the section header. @application: who writes, "tapir 0.1.0". */
int pcapng_begin(struct pcapng *w, FILE *file, const char *application);

/** pcapng_add_interface - @name: "tap0"; @snap_bytes: what packets are cut to, 0: not cut; @mac: 6 bytes or NULL. */
int pcapng_add_interface(struct pcapng *w, const char *name, enum pcapng_linktype linktype, uint32_t snap_bytes,
			 const uint8_t *mac);

int pcapng_write_packet(struct pcapng *w, const struct pcapng_packet *p);

#endif
