/* SPDX-License-Identifier: BSD-2-Clause */
/* tcp.h - TCP */
#ifndef TAPIR_STACK_TCP_H
#define TAPIR_STACK_TCP_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

struct stack;
struct frame_out;

struct tcp_table {
	int unused;
};

int tcp_table_init(struct stack *st); /* 0 or -ENOBUFS */
void tcp_table_fini(struct stack *st);

/* Build the next segment that is due. False: none. */
bool tcp_output(struct stack *st, struct frame_out *out);

#endif
