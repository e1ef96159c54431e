/* SPDX-License-Identifier: BSD-2-Clause */
/* list.h - an intrusive, circular, doubly linked list.
 * A node that is on no list points at itself, so list_remove() and list_is_linked() are always safe to call. */
#ifndef TAPIR_STACK_LIST_H
#define TAPIR_STACK_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct list {
	struct list *prev, *next;
};

/* The struct of type @type whose member @member is the node @ptr. Says nothing about const. */
#define container_of(ptr, type, member) ((type *)((uintptr_t)(ptr) - offsetof(type, member)))

static inline void list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool list_is_empty(const struct list *l)
{
	return l->next == l;
}

static inline bool list_is_linked(const struct list *node)
{
	return node->next != node;
}

static inline void list_append(struct list *l, struct list *node)
{
	node->prev = l->prev;
	node->next = l;
	l->prev->next = node;
	l->prev = node;
}

static inline void list_prepend(struct list *l, struct list *node)
{
	list_append(l->next, node);
}

static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

static inline struct list *list_first(const struct list *l)
{
	return l->next == l ? NULL : l->next;
}

static inline struct list *list_pop(struct list *l)
{
	struct list *node = list_first(l);

	if (node)
		list_remove(node);
	return node;
}

#endif
