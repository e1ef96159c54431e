/* SPDX-License-Identifier: BSD-2-Clause */
/* neigh.h - the neighbour table of ARP and NDP */
#ifndef TAPIR_STACK_NEIGH_H
#define TAPIR_STACK_NEIGH_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

struct stack;
struct frame_out;

struct neigh_table {
	int unused;
};

int neigh_table_init(struct stack *st); /* 0 or -ENOBUFS */
void neigh_table_fini(struct stack *st);

#endif
