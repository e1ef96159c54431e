/* SPDX-License-Identifier: BSD-2-Clause */
/* text.h - addresses, times and rates as people read them. Each writes into @buf, cut to its room, and returns it.
 * Needs: nothing from the caller but memory; a record's address that is no address prints as something, never crashes. */
#ifndef TAPIR_TOOLS_TEXT_H
#define TAPIR_TOOLS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client-lib/protocol.h"

enum { TEXT_ADDR_MAX = 80, TEXT_SHORT_MAX = 32 };

/* "10.77.0.2", "fd77::2", "::ffff:10.77.0.2" (an IPv4 address seen by an IPv6 socket). Without scope and port. */
const char *text_addr(const struct tapir_addr *a, char buf[TEXT_ADDR_MAX]);

bool text_addr_is_any(const struct tapir_addr *a);

const char *text_mac(const uint8_t mac[6], char buf[TEXT_SHORT_MAX]);

/* As ss(8) prints a timer: "200ms", "1.500sec", "12sec", "1min58sec", "12min". */
const char *text_timer(uint32_t ms, char buf[TEXT_SHORT_MAX]);

/* An age: "3ms", "1.5s", "4m12s", "2h5m", "3d4h". */
const char *text_age(uint64_t ms, char buf[TEXT_SHORT_MAX]);

/* Bits a second: "927M", "1.23G"; @exact: "927123456". */
const char *text_rate(double bps, bool exact, char buf[TEXT_SHORT_MAX]);

/* The text in a record's fixed-size field, which need not end with a zero byte, without control characters. @room holds the
 * field and a zero. */
const char *text_field(const char *field, size_t field_bytes, char *buf, size_t room);

#endif
