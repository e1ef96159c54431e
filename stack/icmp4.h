/* SPDX-License-Identifier: BSD-2-Clause */
/* icmp4.h - ICMP (RFC 792, RFC 1122 section 3.2.2, RFC 1191). */
#ifndef TAPIR_STACK_ICMP4_H
#define TAPIR_STACK_ICMP4_H

#include "icmp.h"

enum {
	ICMP4_ECHO_REPLY = 0,
	ICMP4_UNREACHABLE = 3,
	ICMP4_SOURCE_QUENCH = 4,
	ICMP4_REDIRECT = 5,
	ICMP4_ECHO = 8,
	ICMP4_TIME_EXCEEDED = 11,
	ICMP4_PARAMETER_PROBLEM = 12,
};

/* Codes of ICMP4_UNREACHABLE that we send or treat by name. */
enum {
	ICMP4_NET_UNREACHABLE = 0,
	ICMP4_HOST_UNREACHABLE = 1,
	ICMP4_PROTOCOL_UNREACHABLE = 2,
	ICMP4_PORT_UNREACHABLE = 3,
	ICMP4_FRAGMENTATION_NEEDED = 4,
};

enum { ICMP4_REASSEMBLY_TIME_EXCEEDED = 1 };

/* A message for us; the window begins with the ICMP header. Borrows the frame. */
void icmp4_input(struct stack *st, struct frame *f, const struct ip_rx *rx);

/* Answer the packet of @rx with an error, unless a rule forbids it or there were too many. */
void icmp4_send_unreachable(struct stack *st, const struct frame *f, const struct ip_rx *rx, uint8_t code);
void icmp4_send_parameter_problem(struct stack *st, const struct frame *f, const struct ip_rx *rx, uint8_t pointer);

/* The packet whose beginning is @quote did not get all its fragments in time. */
void icmp4_send_reassembly_timeout(struct stack *st, const struct icmp_quote *quote);

#endif
