/* SPDX-License-Identifier: BSD-2-Clause */
/* tcp_info.h - struct tcp_info of <linux/tcp.h> for people, as `ss -i` prints it, and as JSON.
 * Text:  Linux's names in Linux's order, each only when it says something (ss leaves out zeros too).
 * JSON:  every field of the struct, named as there without "tcpi_", in the struct's own units (times in microseconds,
 *        last_* in milliseconds, pacing and delivery rates in bytes a second). */
#ifndef TAPIR_TOOLS_TCP_INFO_H
#define TAPIR_TOOLS_TCP_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <jansson.h>
#include <linux/tcp.h>

/* The struct in @bytes of @data, which an older or newer daemon may have made shorter or longer; what is missing is 0. */
struct tcp_info tcp_info_read(const void *data, size_t bytes);

/* One line's worth, each item with a space in front. @cong: the congestion control, may be empty. @exact_rates: in full. */
void tcp_info_print(FILE *f, const struct tcp_info *ti, const char *cong, bool exact_rates);

json_t *tcp_info_json(const struct tcp_info *ti);

#endif
