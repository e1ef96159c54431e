/* SPDX-License-Identifier: BSD-2-Clause */
/* sim_app.h - scripted applications: connections from host 0 to a listener on host 1, over stack.h as the daemon uses it.
 * Both ends send a stream of bytes that tells its own position, and check every byte that arrives. An end that has sent everything
 * shuts its side down; one that has also read the peer's last byte closes. Any error that the script did not ask for, any byte too
 * many, too few or out of order, and any stretch of SIM_STALL_US in which nothing moves, is wrong. */
#ifndef TAPIR_TESTS_SIM_APP_H
#define TAPIR_TESTS_SIM_APP_H

#include "sim_wire.h"

enum { SIM_PORT = 80 };

struct sim_script {
	const char *name;
	uint64_t client_bytes, server_bytes; /* of each connection */
	uint32_t request, response;	     /* not 0: taking turns in pieces of these sizes; the totals are multiples of them */
	bool half_close;		     /* the server sends nothing before it has read the client's end */
	uint32_t client_abort_at, server_abort_at; /* abort once so many bytes were sent and received; 0: never */
	uint32_t read_chunk, read_interval_us; /* the server reads that slowly; 0: at once */
	uint32_t write_chunk;		     /* bytes a write; 0: as many as fit */
	uint32_t write_interval_us;	     /* pause between the client's writes */
	unsigned connections, at_once;	     /* 0: one */
	bool nodelay;
};

struct sim_result {
	uint64_t duration_us; /* from the first SYN to the last close */
	uint64_t packets, wire_bytes, lost, queue_drops;
	uint64_t retransmits, timeouts, fast_retransmits; /* of both hosts */
};

/** sim_run_script - open the hosts, run @script over @family to its end, wait until every connection is gone, close.
 * Returns NULL, or what went wrong. */
const char *sim_run_script(const struct sim_config *config, const struct sim_script *script, int family,
			   struct sim_result *result);

#endif
