/* SPDX-License-Identifier: BSD-2-Clause */
/* link.h - links, their output queues, and the loopback */
#ifndef TAPIR_STACK_LINK_H
#define TAPIR_STACK_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

struct stack;
struct frame_out;

struct link_table {
	int unused;
};

int link_table_init(struct stack *st); /* 0 or -ENOBUFS */
void link_table_fini(struct stack *st);
int link_add_loopback(struct stack *st);
void link_input(struct stack *st, struct frame *f);	     /* takes over the reference */
bool link_next_out(struct stack *st, struct frame_out *out); /* the oldest queued packet of any link */
bool link_run_loopback(struct stack *st);		     /* input what was looped back; false: there was nothing */

#endif
