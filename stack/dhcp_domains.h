/* SPDX-License-Identifier: BSD-2-Clause */
/* dhcp_domains.h - lists of search domains as DHCP servers of both families give them: RFC 3397 with compression, RFC 3646 without.
 * Promises: reading never passes the option, and ends: a pointer leads backwards only. What comes before a malformed name is kept.
 * Never:    lets through what is no host name; the text goes into files and on to terminals. */
#ifndef TAPIR_STACK_DHCP_DOMAINS_H
#define TAPIR_STACK_DHCP_DOMAINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DHCP_DOMAINS_MAX = 6, DHCP_DOMAIN_MAX = 256 }; /* as many as resolv.conf(5) had room for, for decades */

struct dhcp_domains {
	uint8_t count;
	char name[DHCP_DOMAINS_MAX][DHCP_DOMAIN_MAX];
};

/* Letters, digits, hyphens, and the underscore of service names. */
bool dhcp_is_name_byte(uint8_t c);

/* The names in an option of @len bytes. @has_pointers: RFC 1035 section 4.1.4, counted from the option's first byte. */
void dhcp_read_domains(const uint8_t *option, size_t len, bool has_pointers, struct dhcp_domains *to);

#endif
