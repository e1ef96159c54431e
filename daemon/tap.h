/* SPDX-License-Identifier: BSD-2-Clause */
/* tap.h - the TAP device: frames to and from the kernel, with its virtio-net header.
 * Promises: what the kernel takes on is tried step by step at tap_open() and ends in tap->offloads; a frame is one system call.
 * Never: looks into a frame. */
#ifndef TAPIR_DAEMON_TAP_H
#define TAPIR_DAEMON_TAP_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "loop.h"
#include "stack/stack.h"

enum { TAP_ERROR_MAX = 512 };

struct tap {
	int fd;
	struct source source;
	bool is_readable;
	bool is_starved; /* there was no buffer to read into */
	char name[IFNAMSIZ];
	int host_ifindex;	/* the kernel's number of it; 0: it was deleted */
	int bridge;		/* of which it is a port, as the kernel numbers it; 0: none, -1: not known yet */
	bool is_lasting;	/* somebody made it, who may make it again; else it is gone when we close it */
	uint64_t reattach_by_us;	/* until then one that was made again is tried to be had; 0: not now */
	uint32_t ifindex;	/* the stack's */
	bool has_vnet_hdr;
	uint32_t offloads;	/* enum link_offload: what the kernel takes from us, and gives us */
	uint8_t mac[6];		/* ours */
	uint8_t host_mac[6];	/* the kernel's end's */
	uint32_t mtu;
	struct frame *small, *large; /* the next frame is read into these: see tap_read() */
	uint64_t tx_errors;
};

/** tap_open - open or make the device. Our Ethernet address is the configured one, or made from the names of the host, the
 * daemon's @socket and the device. Returns 0, or a status of <sysexits.h> with @error set. */
int tap_open(struct tap *tap, const struct config_link *config, const char *socket, char error[TAP_ERROR_MAX]);
void tap_close(struct tap *tap); /* before the stack, whose buffers it may hold */

/** tap_reattach - use a device that was deleted and made again under its name, as what it was. Returns 0, -EAGAIN (somebody has it open), or
 * a status of <sysexits.h> with @error set. */
int tap_reattach(struct tap *tap, const struct config_link *config, char error[TAP_ERROR_MAX]);

/** tap_read - the next frame, owned by the caller; NULL with *err = -EAGAIN (none), -ENOBUFS (no buffer; one frame is left
 * in the device), -EIO (device down), or another error of read(2). */
struct frame *tap_read(struct tap *tap, struct stack *st, int *err);

/** tap_write - put a packet on the wire. Returns 0 or -errno; a frame that the device refuses is gone, as on any wire. */
int tap_write(struct tap *tap, const struct frame_out *out);

/* "checksum, TSO4, TSO6, USO" or "none". */
const char *tap_offload_text(uint32_t offloads, char text[64]);

#endif
