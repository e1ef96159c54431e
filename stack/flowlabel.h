/* SPDX-License-Identifier: BSD-2-Clause */
/* flowlabel.h - IPv6 flow labels that programs lease (IPV6_FLOWLABEL_MGR), with Linux's rules, which <linux/in6.h> names: a label belongs to
 * a destination and is exclusive, of one process, of one user, or anybody's; it stays for a while after its last user is gone.
 * While any label is not anybody's, a socket may send only labels that it has leased (RFC 6437 section 3: a label given by the
 * application identifies its flow).
 * Limits: FLOW_LABELS_MAX in all; when they become few, FLOW_LABELS_PER_SOCK of a socket. Past them ENOBUFS. */
#ifndef TAPIR_STACK_FLOWLABEL_H
#define TAPIR_STACK_FLOWLABEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "list.h"

struct sock;
struct stack;
struct flow_lease;

enum { FLOW_LABEL_BUCKETS = 256, FLOW_LABELS_MAX = 4096, FLOW_LABELS_PER_SOCK = 32, FLOW_LABEL_BITS = 0xfffff };

struct flow_label_table {
	struct list buckets[FLOW_LABEL_BUCKETS];
	uint32_t count, exclusive_count;
	uint64_t next_end_us; /* when the next one may end; UINT64_MAX: none ends by itself */
};

void flow_labels_init(struct stack *st);
void flow_labels_fini(struct stack *st);

/** flow_label_request - setsockopt(IPV6_FLOWLABEL_MGR): a struct in6_flowlabel_req. Returns 0, or Linux's -errno. The label leased last is
 * s->flow_label_leased. */
int flow_label_request(struct sock *s, const void *value, size_t len);

/* getsockopt(IPV6_FLOWLABEL_MGR): @value holds the question. */
int flow_label_show(struct sock *s, void *value, size_t *len);

/* Whether the socket may send this label, which is not 0. */
bool flow_label_is_allowed(const struct sock *s, uint32_t label);

void flow_labels_release(struct sock *s); /* all that it has leased */

#endif
