/* SPDX-License-Identifier: BSD-2-Clause */
/* raw.h - raw and ping sockets */
#ifndef TAPIR_STACK_RAW_H
#define TAPIR_STACK_RAW_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

struct stack;
struct frame_out;

struct raw_table {
	int unused;
};

int raw_table_init(struct stack *st); /* 0 or -ENOBUFS */
void raw_table_fini(struct stack *st);

#endif
