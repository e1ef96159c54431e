/* SPDX-License-Identifier: BSD-2-Clause */
/* gai_conf.h - gai.conf(5), the policy of RFC 6724 section 2.1 as glibc has it: labels, precedences, and scopes of IPv4 addresses. As with
 * glibc, the first line of a kind in the file replaces the built-in table of that kind.
 * Promises: a line that makes no sense is passed over; of each kind the first GAI_ROWS_MAX lines count.
 * Never:    opens anything. */
#ifndef TAPIR_CLIENT_GAI_CONF_H
#define TAPIR_CLIENT_GAI_CONF_H

#include <stdint.h>
#include <stdio.h>

#define GAI_CONF_PATH "/etc/gai.conf"

enum { GAI_ROWS_MAX = 64 };

struct gai_table {
	unsigned count;
	struct gai_row {
		uint8_t prefix[16]; /* IPv4 as ::ffff:a.b.c.d */
		uint8_t bits;
		uint32_t value;
	} rows[GAI_ROWS_MAX + 1]; /* the longest prefixes first; the last one matches all */
};

struct gai_conf {
	struct gai_table labels, precedences, scopes; /* scopes: of IPv4 only */
};

/* @file: NULL: the built-in tables. */
void gai_conf_read(FILE *file, struct gai_conf *conf);

/* The value of the row for @a. */
uint32_t gai_look_up(const struct gai_table *t, const uint8_t a[16]);

#endif
