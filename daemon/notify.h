/* SPDX-License-Identifier: BSD-2-Clause */
/* notify.h - tell the service manager (sd_notify(3)'s protocol): one datagram to $NOTIFY_SOCKET, silence where there is none. */
#ifndef TAPIR_DAEMON_NOTIFY_H
#define TAPIR_DAEMON_NOTIFY_H

void notify_manager(const char *state); /* "READY=1", "STOPPING=1" */

#endif
