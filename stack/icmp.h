/* SPDX-License-Identifier: BSD-2-Clause */
/* icmp.h - ICMP for both families: what they share */
#ifndef TAPIR_STACK_ICMP_H
#define TAPIR_STACK_ICMP_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

struct stack;
struct frame_out;

struct icmp_state {
	int unused;
};

int icmp_init(struct stack *st); /* 0 or -ENOBUFS */
void icmp_fini(struct stack *st);

#endif
