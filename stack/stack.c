/* SPDX-License-Identifier: BSD-2-Clause */
/* stack.c - a stack's life, its turn of work (input, timers, output) and what can be asked of it as a whole. */
#include "core.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SOCKETS_MAX_DEFAULT = 1 << 20 };
static const size_t FRAME_BYTES_MAX_DEFAULT = (size_t)1 << 30;

static void *malloc_alloc(void *ctx, size_t bytes)
{
	(void)ctx;
	return malloc(bytes);
}

static void malloc_free(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

static struct hash_key stable_key(const struct stack_config *config)
{
	struct hash_key key;

	memcpy(key.k, config->stable_secret, sizeof(key.k));
	return key.k[0] | key.k[1] ? key : hash_key_derive(config->seed, "stable");
}

struct stack *stack_open(const struct stack_config *config, uint64_t now_us)
{
	struct mem mem = { .ctx = config->ctx, .alloc = config->alloc, .free = config->free };
	struct stack *st;

	if (!mem.alloc) {
		mem.alloc = malloc_alloc;
		mem.free = malloc_free;
	}
	st = mem_alloc(&mem, sizeof(*st));
	if (!st)
		return NULL;
	st->mem = mem;
	st->config = *config;
	if (st->config.sockets_max == 0)
		st->config.sockets_max = SOCKETS_MAX_DEFAULT;
	if (st->config.frame_bytes_max == 0)
		st->config.frame_bytes_max = FRAME_BYTES_MAX_DEFAULT;
	st->now_us = now_us;
	st->rng.key = hash_key_derive(config->seed, "random");
	st->flow_key = hash_key_derive(config->seed, "flow");
	st->stable_key = stable_key(config);
	tunables_init(&st->tunables);
	addr_policy_init(&st->addr_policy);
	timer_wheel_init(&st->wheel, now_us);
	frame_pool_init(&st->frames, &st->mem, st->config.frame_bytes_max, &st->stats[STAT_MEM_FRAMES_EXHAUSTED]);
	pool_init(&st->slices, &st->mem, byteq_slice_bytes(), UINT32_MAX);
	st->byteq_mem = (struct byteq_mem){ &st->frames, &st->slices };
	list_init(&st->event_socks);
	list_init(&st->dhcp4s);
	list_init(&st->dhcp6s);
	flow_labels_init(st);
	if (link_table_init(st) < 0 || mcast_table_init(st) < 0 || addr_table_init(st) < 0 || route_table_init(st) < 0 ||
	    neigh_table_init(st) < 0 ||
	    pmtu_cache_init(st) < 0 || reasm_table_init(st) < 0 || icmp_init(st) < 0 || sock_table_init(st) < 0 ||
	    port_table_init(st) < 0 || tcp_table_init(st) < 0 || udp_table_init(st) < 0 || raw_table_init(st) < 0 ||
	    link_add_loopback(st) < 0) {
		stack_close(st);
		return NULL;
	}
	return st;
}

/* In the reverse of their order above: sockets first, the frames they hold last. Each fini accepts a table that was never
 * initialised (all zero). */
void stack_close(struct stack *st)
{
	struct mem mem = st->mem;

	raw_table_fini(st);
	udp_table_fini(st);
	tcp_table_fini(st);
	port_table_fini(st);
	sock_table_fini(st);
	flow_labels_fini(st);
	dhcp6_fini(st);
	dhcp4_fini(st);
	mcast_table_fini(st);
	icmp_fini(st);
	reasm_table_fini(st);
	pmtu_cache_fini(st);
	neigh_table_fini(st);
	route_table_fini(st);
	addr_table_fini(st);
	link_table_fini(st);
	pool_fini(&st->slices);
	frame_pool_fini(&st->frames);
	mem_free(&mem, st);
}

struct frame *stack_frame_alloc(struct stack *st, size_t bytes)
{
	if (bytes > FRAME_LARGE_BYTES - FRAME_HEADROOM)
		return NULL;
	return frame_alloc(&st->frames, bytes);
}

void stack_input(struct stack *st, struct frame *f, uint64_t now_us)
{
	st->now_us = now_us;
	st->verdict = (struct stack_verdict){ STAT_NONE, 0 };
	link_input(st, f);
}

struct stack_verdict stack_verdict(const struct stack *st)
{
	return st->verdict;
}

bool stack_output(struct stack *st, struct frame_out *out, uint64_t now_us)
{
	st->now_us = now_us;
	frame_unref(out->held);
	out->held = NULL;
	do {
		/* Some of TCP's packets are not ready as they are, and go to their link as frames. */
		if (link_next_out(st, out) || tcp_output(st, out) || link_next_out(st, out))
			return true;
	} while (link_run_loopback(st));
	return false;
}

uint64_t stack_next_deadline_us(struct stack *st)
{
	return timer_wheel_next_us(&st->wheel);
}

void stack_tick(struct stack *st, uint64_t now_us)
{
	st->now_us = now_us;
	timer_wheel_run(&st->wheel, now_us);
}

const uint64_t *stack_stats(const struct stack *st)
{
	return st->stats;
}

int stack_set(struct stack *st, const char *name, const char *value, const char **why)
{
	const char *unused;

	int err = addr_policy_set(&st->addr_policy, name, value, why ? why : &unused);

	if (err == -ENOENT)
		return tunable_set(&st->tunables, name, value, why ? why : &unused);
	st->route_generation++; /* sources are chosen anew */
	return err;
}

int stack_get(struct stack *st, const char *name, char *value, size_t room)
{
	int err = addr_policy_get(&st->addr_policy, name, value, (unsigned)room);

	return err == -ENOENT ? tunable_get(&st->tunables, name, value, (unsigned)room) : err;
}

void stack_each_tunable(struct stack *st, bool (*fn)(void *ctx, const char *name, const char *value, const char *text),
			void *ctx)
{
	char name[TUNABLE_NAME_MAX], value[64];
	const char *text;

	for (unsigned i = 0; tunable_at(i, name, &text); i++)
		if (tunable_get(&st->tunables, name, value, sizeof(value)) == 0 && !fn(ctx, name, value, text))
			return;
	for (unsigned i = 0; addr_policy_at(&st->addr_policy, i, name); i++)
		if (addr_policy_get(&st->addr_policy, name, value, sizeof(value)) == 0 &&
		    !fn(ctx, name, value, "precedence and label of addresses in it (RFC 6724 section 2.1)"))
			return;
}

void stack_log(struct stack *st, enum stack_log_level level, const char *format, ...)
{
	char line[512];
	va_list args;

	if (!st->config.log || (st->config.log_levels && level >= st->config.log_levels))
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	st->config.log(st->config.ctx, level, line);
}
