/* SPDX-License-Identifier: BSD-2-Clause */
/* ledger.h - the headers of datagrams that were delivered bare (TAPIR_OP_BARE), so that who wants to know where the next one in the pair
 * came from can be told. The pair itself says how much of what went in is still there; the ledger is as long as that may be.
 * Promises: bounded (LEDGER_MAX); what was pushed out, or could not be noted, is "not known", never another's header. */
#ifndef TAPIR_DAEMON_LEDGER_H
#define TAPIR_DAEMON_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client-lib/protocol.h"

enum { LEDGER_MAX = 2048 };

struct ledger_entry {
	struct tapir_dgram header;
	uint8_t *controls; /* as many bytes as header.header_bytes says are behind it; NULL: none */
	uint32_t bytes;	   /* of the datagram */
};

struct ledger {
	struct ledger_entry *ring;
	uint32_t first, count, room; /* room: a power of two, or 0 */
	uint64_t bytes;		     /* of all noted */
};

void ledger_init(struct ledger *l);
void ledger_fini(struct ledger *l);

/** ledger_note - a datagram of @bytes with this header, and the control messages that it tells of behind it, was written to the client. */
void ledger_note(struct ledger *l, const struct tapir_dgram *header, uint32_t bytes);

/** ledger_find - the header of the datagram that the client will read next, when @queued bytes are still there and the next datagram is
 * @next bytes long. Forgets what is before it. False: not known. Of several empty datagrams in a row the last one's may be told.
 * @controls: room for the control messages, TAPIR_CONTROLS_MAX bytes. */
bool ledger_find(struct ledger *l, uint64_t queued, uint32_t next, struct tapir_dgram *header, uint8_t *controls);

#endif
