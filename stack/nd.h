/* SPDX-License-Identifier: BSD-2-Clause */
/* nd.h - IPv6 neighbour discovery. */
#ifndef TAPIR_STACK_ND_H
#define TAPIR_STACK_ND_H

struct if_addr;
struct link;
struct stack;

void nd_dad_start(struct if_addr *a);
void nd_add_linklocal(struct stack *st, struct link *l);

#endif
