/* SPDX-License-Identifier: BSD-2-Clause */
/* sim_watch.h - watches every TCP segment that enters the wire, and knows what no end of a connection may do:
 *   - send beyond the right edge of the window that its peer has offered, but for a probe of one byte (RFC 9293 section 3.8.6.1);
 *   - take back window it has offered (section 3.8.6), but for what the window scale rounds away (RFC 7323 section 2.4);
 *   - acknowledge what was never sent. */
#ifndef TAPIR_TESTS_SIM_WATCH_H
#define TAPIR_TESTS_SIM_WATCH_H

#include "tests/lib/packet.h"

struct sim;
struct sim_host;
struct sim_watch;

struct sim_watch *sim_watch_new(struct sim *s);
void sim_watch_free(struct sim_watch *w);
void sim_watch_packet(struct sim_watch *w, struct sim_host *from, const struct packet *p);

#endif
