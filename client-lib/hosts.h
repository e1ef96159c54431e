/* SPDX-License-Identifier: BSD-2-Clause */
/* hosts.h - names and addresses without asking anyone: literals and hosts(5) files.
 * Promises: names compare without case; the file's order is kept; lines that do not parse are passed over.
 * Never:    keeps anything between calls. */
#ifndef TAPIR_CLIENT_HOSTS_H
#define TAPIR_CLIENT_HOSTS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define HOSTS_PATH "/etc/hosts"

enum { HOSTS_ADDRS_MAX = 64, HOSTS_NAME_MAX = 256, HOSTS_ALIASES_MAX = 32, HOSTS_ALIASES_BYTES = 1024 };

struct hosts_addr {
	int family; /* AF_INET: addr begins with 4 bytes of address; AF_INET6: all 16 */
	uint32_t scope_id;
	uint8_t addr[16];
};

/* What a name stands for. */
struct hosts_entry {
	struct hosts_addr addrs[HOSTS_ADDRS_MAX];
	size_t addr_count;
	char canonical[HOSTS_NAME_MAX]; /* the first name of the first line that matched */
	char aliases[HOSTS_ALIASES_BYTES]; /* the other names of those lines, as many as there is room for, one behind the other */
	size_t alias_count;
};

/** hosts_parse_addr - a literal IPv4 address in dotted-decimal form or any of inet_aton(3)'s, or an IPv6 address, with "%SCOPE" or
 * without. @scope: receives what follows the '%' (within @text), or NULL; scope_id is 0. */
bool hosts_parse_addr(const char *text, struct hosts_addr *a, const char **scope);

/** hosts_find_name - all addresses of @name of @family (AF_UNSPEC: both) in @file, added to @e. "localhost" and names under it are the
 * loopback addresses if the file has none (RFC 6761 section 6.3). @file may be NULL. Returns whether there is any. */
bool hosts_find_name(FILE *file, const char *name, int family, struct hosts_entry *e);

/** hosts_find_addr - the first name of @a's first line in @file, which may be NULL. */
bool hosts_find_addr(FILE *file, const struct hosts_addr *a, char name[HOSTS_NAME_MAX]);

/** hosts_find_entry - the same, and all names of that line: @e then has the one address. */
bool hosts_find_entry(FILE *file, const struct hosts_addr *a, struct hosts_entry *e);

#endif
