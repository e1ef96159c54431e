/* SPDX-License-Identifier: BSD-2-Clause */
/* reasm.h - reassembly of IPv4 and IPv6 fragments */
#ifndef TAPIR_STACK_REASM_H
#define TAPIR_STACK_REASM_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

struct stack;
struct frame_out;

struct reasm_table {
	int unused;
};

int reasm_table_init(struct stack *st); /* 0 or -ENOBUFS */
void reasm_table_fini(struct stack *st);

#endif
