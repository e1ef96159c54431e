/* SPDX-License-Identifier: BSD-2-Clause */
/* hostif.h - the kernel's side of the TAP: its addresses, its MTU, up or down.
 * Set once at start, with the permission to do so; afterwards only watched, through a netlink socket that needs none. */
#ifndef TAPIR_DAEMON_HOSTIF_H
#define TAPIR_DAEMON_HOSTIF_H

#include "config.h"
#include "tap.h"

/** hostif_setup - give the device its MTU and addresses, as configured, bring it up (one that somebody made only if it is to be of use: with
 * an address or DHCP), and learn its MTU.
 * Returns 0, or a status of <sysexits.h> with @error set. An address that is there already is fine. */
int hostif_setup(struct tap *tap, const struct config_link *config, char error[TAP_ERROR_MAX]);

/* Whether the device is up now, with a carrier. False also when that cannot be told. */
bool hostif_is_up(const struct tap *tap);

/** hostif_watch - a netlink socket, non-blocking, that tells about devices. Returns it or -errno. */
int hostif_watch(void);

/* Have it tell how the device is now, as if something had changed. */
void hostif_ask(int fd, int host_ifindex);

struct hostif_news {
	int host_ifindex;
	bool is_gone;
	bool is_up; /* and with a carrier */
	uint32_t mtu; /* 0: unknown */
	int bridge;   /* the kernel's number of the bridge that it is a port of; 0: none */
	char name[IFNAMSIZ];
};

/** hostif_next - the next news about any device. Returns 1 with *news set, 0 when there is none left, -errno. */
int hostif_next(int fd, struct hostif_news *news);

#endif
