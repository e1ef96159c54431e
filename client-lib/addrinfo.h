/* SPDX-License-Identifier: BSD-2-Clause */
/* addrinfo.h - the parts of name lookup that getaddrinfo(3) shares with the older calls (hostent.c). */
#ifndef TAPIR_CLIENT_ADDRINFO_H
#define TAPIR_CLIENT_ADDRINFO_H

#include "client-lib/hosts.h"

/** addrinfo_resolve - what @name stands for: a literal, a name in HOSTS_PATH, or what the resolver says; not sorted.
 * @family: AF_UNSPEC, AF_INET, AF_INET6; @flags: AI_NUMERICHOST. Returns 0 or an EAI_ code. */
int addrinfo_resolve(const char *name, int family, int flags, struct hosts_entry *e);

/** addrinfo_entry_of - the names of an address: from HOSTS_PATH, or what the resolver says. Returns 0 or an EAI_ code. */
int addrinfo_entry_of(const struct hosts_addr *a, struct hosts_entry *e);

/* Called with a name that only a resolver would know: the preload shim tells the person who runs the program, once. */
void addrinfo_on_unknown(const char *name);

#endif
