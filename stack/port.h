/* SPDX-License-Identifier: BSD-2-Clause */
/* port.h - who holds which local port */
#ifndef TAPIR_STACK_PORT_H
#define TAPIR_STACK_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

struct stack;
struct frame_out;

struct port_table {
	int unused;
};

int port_table_init(struct stack *st); /* 0 or -ENOBUFS */
void port_table_fini(struct stack *st);

#endif
