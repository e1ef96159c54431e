/* SPDX-License-Identifier: BSD-2-Clause */
/* neigh.h - the neighbour table of ARP and NDP */
#ifndef TAPIR_STACK_NEIGH_H
#define TAPIR_STACK_NEIGH_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

struct stack;
struct ip_dst;

struct neigh {
	uint32_t serial;
	uint8_t eth_hdr[14];
};

struct neigh_table {
	int unused;
};

int neigh_table_init(struct stack *st); /* 0 or -ENOBUFS */
void neigh_table_fini(struct stack *st);
void neigh_attach(struct stack *st, struct ip_dst *d);
void neigh_confirm(struct stack *st, struct neigh *n);
bool neigh_may_send(struct stack *st, struct neigh *n);

#endif
