/* SPDX-License-Identifier: BSD-2-Clause */
/* addrinfo.h - the parts of name lookup that tapir_getaddrinfo() shares with the preload shim's older calls. */
#ifndef TAPIR_CLIENT_ADDRINFO_H
#define TAPIR_CLIENT_ADDRINFO_H

#include "client-lib/hosts.h"

/** addrinfo_resolve - what @name stands for: a literal, or a name in HOSTS_PATH, usable addresses first.
 * @family: AF_UNSPEC, AF_INET, AF_INET6; @flags: AI_NUMERICHOST, AI_ADDRCONFIG. Returns 0 or an EAI_ code; EAI_FAIL: only a
 * resolver would know. */
int addrinfo_resolve(const char *name, int family, int flags, struct hosts_entry *e);

/* Called with a name that only a resolver would know: the preload shim tells the person who runs the program, once. */
void addrinfo_on_unknown(const char *name);

#endif
