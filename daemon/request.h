/* SPDX-License-Identifier: BSD-2-Clause */
/* request.h - a control message from a client, read.
 * Promises: request_parse() looks at nothing but the bytes given, and every length in its result has been checked against them.
 * Never: keeps state or makes a system call. */
#ifndef TAPIR_DAEMON_REQUEST_H
#define TAPIR_DAEMON_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client-lib/protocol.h"

struct request {
	uint16_t op;
	uint32_t seq;
	union {
		struct tapir_socket_req socket;
		struct tapir_addr addr;
		struct tapir_netlink netlink;
		struct tapir_int number;
		struct {
			struct tapir_option head;
			const uint8_t *value; /* head.len bytes, in the message; GETSOCKOPT: NULL when there are none */
		} option;
		struct tapir_tunable tunable; /* name and value end within their arrays */
		struct tapir_dump_req dump;
		struct tapir_capture_req capture;
		struct tapir_change change; /* ifname ends within its array */
		struct tapir_route_req route; /* so does this one's */
		struct {
			struct tapir_send_check head;
			const uint8_t *controls; /* in the message */
			uint32_t controls_bytes;
		} check;
	};
};

enum { REQUEST_IS_GARBAGE = -1 };

/** request_parse - read the message of @len bytes at @message.
 * Returns 0; REQUEST_IS_GARBAGE: not of this protocol, the connection is to be closed; or the positive errno to answer with,
 * op and seq being valid then. */
int request_parse(const void *message, size_t len, struct request *r);

/* Whether the request is about the socket whose fd is attached. */
bool request_wants_fd(const struct request *r);

#endif
