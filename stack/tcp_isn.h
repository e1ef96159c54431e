/* SPDX-License-Identifier: BSD-2-Clause */
/* tcp_isn.h - initial sequence numbers (RFC 6528) and timestamp offsets (RFC 7323 section 5.4).
 * Promises: ISN = M + F(connection, secret), M a clock of 4 microseconds: a new incarnation of a connection begins above the old one,
 *           and knowing the numbers of one connection tells nothing of another's. Timestamps likewise.
 * Needs:    keys derived from the stack's seed (hash_key_derive(seed, "tcp isn"), "tcp timestamps"). */
#ifndef TAPIR_STACK_TCP_ISN_H
#define TAPIR_STACK_TCP_ISN_H

#include "addr.h"
#include "hash.h"
#include "tcp_seq.h"

tcp_seq tcp_isn(const struct hash_key *key, const struct ip_endpoint *local, const struct ip_endpoint *remote, uint64_t now_us);

/* What to add to the millisecond clock for this pair of hosts. Not by ports, so that timestamps rise from one connection between two
 * hosts to the next, which is what RFC 6191 goes by. */
uint32_t tcp_ts_offset(const struct hash_key *key, const struct ip_addr *local, const struct ip_addr *remote);

#endif
