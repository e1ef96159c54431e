/* SPDX-License-Identifier: BSD-2-Clause */
/* lease.h - which address each link last had from DHCP, kept in a file so that a daemon that starts again asks for the same one.
 * A line a link: "tap0 10.0.0.9". The file is opened while we may, and written through that descriptor.
 * Never: fails anything. Without the file, or with nonsense in it, there is just no last address. */
#ifndef TAPIR_DAEMON_LEASE_H
#define TAPIR_DAEMON_LEASE_H

#include <stdbool.h>

#include "stack/addr.h"

struct lease_file {
	bool is_open;
	int fd;
};

struct lease_entry {
	const char *tap;
	struct ip_addr addr;
};

/* @socket: the control socket's path; the file lies beside it, with .lease for .sock. 0 or -errno. */
int lease_open(struct lease_file *f, const char *socket);
void lease_close(struct lease_file *f);

/* The last address of @tap. False: none. */
bool lease_find(const struct lease_file *f, const char *tap, struct ip_addr *addr);

/* Write these and no others. */
void lease_save(const struct lease_file *f, const struct lease_entry *entries, int count);

#endif
