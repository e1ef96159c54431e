/* SPDX-License-Identifier: BSD-2-Clause */
/* icmp6.h - ICMPv6 (RFC 4443). Neighbour discovery is nd.h's. */
#ifndef TAPIR_STACK_ICMP6_H
#define TAPIR_STACK_ICMP6_H

#include "icmp.h"

enum {
	ICMP6_UNREACHABLE = 1,
	ICMP6_PACKET_TOO_BIG = 2,
	ICMP6_TIME_EXCEEDED = 3,
	ICMP6_PARAMETER_PROBLEM = 4,
	ICMP6_INFORMATIONAL = 128, /* from here on no message is an error */
	ICMP6_ECHO = 128,
	ICMP6_ECHO_REPLY = 129,
	ICMP6_MLD_QUERY = 130,
	ICMP6_MLD_REPORT = 131,
	ICMP6_MLD_DONE = 132,
	ICMP6_ROUTER_SOLICITATION = 133,
	ICMP6_ROUTER_ADVERTISEMENT = 134,
	ICMP6_NEIGHBOR_SOLICITATION = 135,
	ICMP6_NEIGHBOR_ADVERTISEMENT = 136,
	ICMP6_REDIRECT = 137,
	ICMP6_MLD2_REPORT = 143,
};

enum { ICMP6_ADDRESS_UNREACHABLE = 3, ICMP6_PORT_UNREACHABLE = 4 };

/* Codes of ICMP6_PARAMETER_PROBLEM. */
enum { ICMP6_BAD_FIELD = 0, ICMP6_BAD_NEXT_HEADER = 1, ICMP6_BAD_OPTION = 2, ICMP6_BAD_FIRST_FRAGMENT = 3 };

enum { ICMP6_REASSEMBLY_TIME_EXCEEDED = 1 };

/* A message for us; the window begins with the ICMPv6 header. Borrows the frame. */
void icmp6_input(struct stack *st, struct frame *f, const struct ip_rx *rx);

/* Answer the packet of @rx with an error, unless a rule forbids it or there were too many. @param: the pointer or MTU field.
 * What the packet's window has lost to the headers already read is quoted too. */
void icmp6_send_error(struct stack *st, const struct frame *f, const struct ip_rx *rx, uint8_t type, uint8_t code,
		      uint32_t param);

/* The packet whose beginning is @quote did not get all its fragments in time. */
void icmp6_send_reassembly_timeout(struct stack *st, const struct icmp_quote *quote, uint32_t ifindex);

#endif
