/* SPDX-License-Identifier: BSD-2-Clause */
/* route.h - the routing table */
#ifndef TAPIR_STACK_ROUTE_H
#define TAPIR_STACK_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

struct stack;
struct frame_out;

struct route_table {
	int unused;
};

int route_table_init(struct stack *st); /* 0 or -ENOBUFS */
void route_table_fini(struct stack *st);

#endif
