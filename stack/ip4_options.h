/* SPDX-License-Identifier: BSD-2-Clause */
/* ip4_options.h - IPv4 options (RFC 791 section 3.1, RFC 1122 section 3.2.1.8, RFC 7126).
 * Received ones are checked for form; source routes are refused (RFC 7126 sections 4.3 and 4.4), unknown ones ignored. Record
 * route and time stamp are answered in echo replies. Senders may add what struct ip_tx carries. */
#ifndef TAPIR_STACK_IP4_OPTIONS_H
#define TAPIR_STACK_IP4_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"

enum {
	IP4_OPT_END = 0,
	IP4_OPT_NOP = 1,
	IP4_OPT_RECORD_ROUTE = 7,
	IP4_OPT_TIMESTAMP = 68,
	IP4_OPT_LSRR = 131,
	IP4_OPT_SSRR = 137,
	IP4_OPT_ROUTER_ALERT = 148,
	IP4_OPT_COPIED = 0x80, /* bit of the type: goes into every fragment */
	IP4_OPTIONS_LEN_MAX = 40,
};

enum ip4_options_verdict { IP4_OPTIONS_OK, IP4_OPTIONS_MALFORMED, IP4_OPTIONS_SOURCE_ROUTE };

/* Check @len bytes of options. MALFORMED: *bad_at gets the offending octet's offset in them. */
enum ip4_options_verdict ip4_options_check(const uint8_t *options, uint32_t len, uint32_t *bad_at);

/** ip4_options_reply - what of a checked request's options goes back in an echo reply (RFC 1122 section 3.2.2.6).
 * Record route and time stamp get our entry for @own (and @ms_since_midnight) appended; the rest is left out.
 * @out: IP4_OPTIONS_LEN_MAX bytes. Returns the bytes written, a multiple of 4. */
uint32_t ip4_options_reply(const uint8_t *options, uint32_t len, const struct ip_addr *own, uint32_t ms_since_midnight,
			   uint8_t *out);

/** ip4_options_arrived - checked options as a program is shown them: with our own entry in a recorded route and time stamp.
 * @out: @len bytes, at most IP4_OPTIONS_LEN_MAX. */
void ip4_options_arrived(const uint8_t *options, uint32_t len, const struct ip_addr *own, uint32_t ms_since_midnight, uint8_t *out);

/* What stands for milliseconds since midnight: not the time of day, which the stack doesn't know; the high bit says so (RFC 791
 * section 3.1). */
static inline uint32_t ip4_options_clock(uint64_t now_us)
{
	return 1u << 31 | (uint32_t)(now_us / 1000 % 86400000);
}

/* Whether checked options hold one of @type. */
bool ip4_options_has(const uint8_t *options, uint32_t len, uint8_t type);

/* The options that go into fragments after the first. @out as above. Returns the bytes written, a multiple of 4. */
uint32_t ip4_options_copied(const uint8_t *options, uint32_t len, uint8_t *out);

#endif
