/* SPDX-License-Identifier: BSD-2-Clause */
/* udp.h - UDP */
#ifndef TAPIR_STACK_UDP_H
#define TAPIR_STACK_UDP_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

struct stack;
struct frame_out;

struct udp_table {
	int unused;
};

int udp_table_init(struct stack *st); /* 0 or -ENOBUFS */
void udp_table_fini(struct stack *st);

#endif
