/* SPDX-License-Identifier: BSD-2-Clause */
/* addr_table.h - the addresses of the links */
#ifndef TAPIR_STACK_ADDR_TABLE_H
#define TAPIR_STACK_ADDR_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

struct stack;
struct frame_out;

struct addr_table {
	int unused;
};

int addr_table_init(struct stack *st); /* 0 or -ENOBUFS */
void addr_table_fini(struct stack *st);

#endif
