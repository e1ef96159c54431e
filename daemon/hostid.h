/* SPDX-License-Identifier: BSD-2-Clause */
/* hostid.h - the secret from which the stack's stable addresses are made (RFC 7217): the same at every start of this daemon on this
 * host, and not for others to guess. */
#ifndef TAPIR_DAEMON_HOSTID_H
#define TAPIR_DAEMON_HOSTID_H

#include <stdint.h>

/** hostid_secret - from /etc/machine-id, which machine-id(5) wants treated as confidential, and the daemon's name. All zero when the
 * host has none: then stable addresses hold until the daemon ends. */
void hostid_secret(const char *daemon_name, uint8_t secret[16]);

#endif
