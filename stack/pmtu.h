/* SPDX-License-Identifier: BSD-2-Clause */
/* pmtu.h - the path MTU cache */
#ifndef TAPIR_STACK_PMTU_H
#define TAPIR_STACK_PMTU_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

struct stack;
struct frame_out;

struct pmtu_cache {
	int unused;
};

int pmtu_cache_init(struct stack *st); /* 0 or -ENOBUFS */
void pmtu_cache_fini(struct stack *st);

#endif
