/* SPDX-License-Identifier: BSD-2-Clause */
#include "bed.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const uint8_t bed_mac[6] = { 0x02, 0, 0, 0, 0, 0x01 }, bed_peer_mac[6] = { 0x02, 0, 0, 0, 0, 0x02 };

void bed_fatal(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

/* The size stands before the memory, so that freeing can count. */
enum { MEM_HEAD_BYTES = 16 };

void *bed_mem_alloc(void *ctx, size_t bytes)
{
	struct bed_mem *m = ctx;
	char *p;

	m->allocs++;
	if (m->fail_at && (m->fail_once ? m->allocs == m->fail_at : m->allocs >= m->fail_at))
		return NULL;
	p = malloc(MEM_HEAD_BYTES + bytes);
	if (!p)
		bed_fatal("out of memory");
	memcpy(p, &bytes, sizeof(bytes));
	m->used_bytes += bytes;
	return memset(p + MEM_HEAD_BYTES, 0xa5, bytes);
}

void bed_mem_free(void *ctx, void *p)
{
	struct bed_mem *m = ctx;
	size_t bytes;

	if (!p)
		return;
	p = (char *)p - MEM_HEAD_BYTES;
	memcpy(&bytes, p, sizeof(bytes));
	m->used_bytes -= bytes;
	free(p);
}

struct ip_addr addr_of(const char *text)
{
	struct ip_addr a;

	if (ip_addr_parse(text, &a) < 0)
		bed_fatal("not an address: %s", text);
	return a;
}

struct ip_endpoint bed_endpoint(const char *addr, uint16_t port)
{
	return (struct ip_endpoint){ .addr = addr_of(addr), .port = port };
}

void bed_prepare(struct bed *b, uint64_t seed, enum link_kind kind)
{
	memset(b, 0, sizeof(*b));
	b->now_us = BED_START_US;
	b->last = &b->first;
	memcpy(b->config.seed, &seed, sizeof(seed));
	b->config.ctx = &b->mem;
	b->config.alloc = bed_mem_alloc;
	b->config.free = bed_mem_free;
	strcpy(b->link.name, "test0");
	b->link.kind = kind;
	memcpy(b->link.mac, bed_mac, 6);
	b->link.mtu = 1500;
}

static int add_addr(struct bed *b, const char *text)
{
	struct ip_prefix prefix;

	if (ip_prefix_parse(text, &prefix) < 0)
		bed_fatal("not a prefix: %s", text);
	return stack_add_addr(b->st, b->ifindex, &prefix, b->now_us);
}

bool bed_start(struct bed *b)
{
	int ifindex;

	b->st = stack_open(&b->config, b->now_us);
	if (!b->st)
		return false;
	if (!b->checks_first)
		stack_set(b->st, "net.ipv6.conf.all.optimistic_dad", "1", NULL);
	if (!b->asks_routers)
		stack_set(b->st, "net.ipv6.conf.all.router_solicitations", "0", NULL);
	ifindex = stack_add_link(b->st, &b->link);
	if (ifindex < 0)
		return false;
	b->ifindex = (uint32_t)ifindex;
	if (add_addr(b, BED_ADDR4 "/24") < 0 || (b->link.mtu >= 1280 && add_addr(b, BED_ADDR6 "/64") < 0))
		return false;
	bed_turn(b);
	bed_drop_all(b);
	return true;
}

void bed_open(struct bed *b, uint64_t seed, enum link_kind kind)
{
	bed_prepare(b, seed, kind);
	if (!bed_start(b))
		bed_fatal("the stack does not start");
}

void bed_settle(struct bed *b)
{
	bed_run(b, BED_SETTLE_US);
	bed_drop_all(b);
}

void bed_open_quiet(struct bed *b, uint64_t seed)
{
	bed_open(b, seed, LINK_ETHERNET);
	bed_settle(b);
}

void bed_close(struct bed *b)
{
	bed_drop_all(b);
	if (b->st)
		stack_close(b->st);
	b->st = NULL;
	if (b->mem.used_bytes != 0)
		bed_fatal("%zu bytes are still allocated after stack_close()", b->mem.used_bytes);
}

/* IGMP; ICMPv6 of types 131, 132 and 143, behind the eight bytes of a hop-by-hop header. */
static bool is_membership_report(const struct bed *b)
{
	const uint8_t *p = (const uint8_t *)b->out.iov[0].iov_base + (b->link.kind == LINK_ETHERNET ? 14 : 0);
	size_t len = b->out.iov[0].iov_len - (b->link.kind == LINK_ETHERNET ? 14 : 0);

	if (len >= 20 && p[0] >> 4 == 4)
		return p[9] == 2;
	return len > 48 && p[0] >> 4 == 6 && p[6] == 0 && p[40] == 58 && (p[48] == 131 || p[48] == 132 || p[48] == 143);
}

/* Copy the packet that stack_output() described into one piece, at the end of the bed's list. */
static void collect(struct bed *b)
{
	struct bed_packet *p = malloc(sizeof(*p));

	if (!p)
		bed_fatal("out of memory");
	p->next = NULL;
	p->at_us = b->now_us;
	p->ifindex = b->out.ifindex;
	p->sock_id = b->out.sock_id;
	p->off = b->out.off;
	p->len = 0;
	for (int i = 0; i < b->out.iovcnt; i++) {
		if (p->len + b->out.iov[i].iov_len > sizeof(p->data))
			bed_fatal("the stack sent a packet of more than %zu bytes", sizeof(p->data));
		memcpy(p->data + p->len, b->out.iov[i].iov_base, b->out.iov[i].iov_len);
		p->len += b->out.iov[i].iov_len;
	}
	if (p->len != b->out.len)
		bed_fatal("the pieces of a packet have %zu bytes, not the %u it claims", p->len, b->out.len);
	*b->last = p;
	b->last = &p->next;
	b->packets++;
}

void bed_turn(struct bed *b)
{
	stack_tick(b->st, b->now_us);
	while (stack_output(b->st, &b->out, b->now_us))
		if (b->hears_reports || !is_membership_report(b))
			collect(b);
}

void bed_inject_off(struct bed *b, const void *data, size_t len, const struct frame_offload *off)
{
	struct frame *f = stack_frame_alloc(b->st, len);

	if (!f)
		return; /* as a device does when it has no buffer */
	if (len > 0)
		memcpy(frame_put(f, len), data, len);
	f->ifindex = b->ifindex;
	f->off = *off;
	stack_input(b->st, f, b->now_us);
	bed_turn(b);
}

void bed_inject(struct bed *b, const void *data, size_t len)
{
	static const struct frame_offload none;

	bed_inject_off(b, data, len, &none);
}

void bed_run_until(struct bed *b, uint64_t at_us)
{
	unsigned turns_at_once = 0;

	for (;;) {
		uint64_t deadline_us = stack_next_deadline_us(b->st);

		if (deadline_us > at_us)
			break;
		turns_at_once = deadline_us > b->now_us ? 0 : turns_at_once + 1;
		if (turns_at_once > 1000)
			bed_fatal("time stands still at %llu us: a timer is always due", (unsigned long long)b->now_us);
		if (deadline_us > b->now_us)
			b->now_us = deadline_us;
		bed_turn(b);
	}
	b->now_us = at_us;
	bed_turn(b);
}

void bed_run(struct bed *b, uint64_t us)
{
	bed_run_until(b, b->now_us + us);
}

bool bed_next(struct bed *b, struct bed_packet *p)
{
	struct bed_packet *first = b->first;

	if (!first)
		return false;
	b->first = first->next;
	if (!b->first)
		b->last = &b->first;
	b->packets--;
	memcpy(p, first, offsetof(struct bed_packet, data) + first->len);
	p->next = NULL;
	free(first);
	return true;
}

void bed_drop_all(struct bed *b)
{
	while (b->first) {
		struct bed_packet *p = b->first;

		b->first = p->next;
		free(p);
	}
	b->last = &b->first;
	b->packets = 0;
}

uint32_t bed_events(struct bed *b, const struct sock *s)
{
	uint32_t all = 0, events;
	struct sock *with_news;

	while ((with_news = stack_next_event(b->st, &events)))
		if (with_news == s)
			all |= events;
	return all;
}

uint64_t bed_stat(struct bed *b, const char *name)
{
	for (unsigned i = 0; i < STAT_COUNT; i++)
		if (strcmp(stat_name(i), name) == 0)
			return stack_stats(b->st)[i];
	bed_fatal("no counter is named %s", name);
}

struct sock *bed_sock(struct bed *b, int family, int type, int protocol)
{
	int err;
	struct sock *s = sock_open(b->st, family, type, protocol, &err);

	if (!s)
		bed_fatal("sock_open(%d, %d, %d): %s", family, type, protocol, strerror(-err));
	return s;
}

struct frame *bed_frame(struct bed *b, const void *data, size_t len)
{
	struct frame *f = stack_frame_alloc(b->st, len);

	if (!f)
		bed_fatal("no frame of %zu bytes", len);
	if (len > 0)
		memcpy(frame_put(f, len), data, len);
	return f;
}

int bed_send(struct bed *b, struct sock *s, const char *addr, uint16_t port, const void *data, size_t len)
{
	struct dgram_info info = { .ttl = -1, .tos = -1 };
	int err;

	if (addr)
		info.dst = bed_endpoint(addr, port);
	err = sock_send_frame(s, bed_frame(b, data, len), &info, b->now_us);
	bed_turn(b);
	return err;
}
