/* SPDX-License-Identifier: BSD-2-Clause */
#include "client-lib/view.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <netinet/in.h>
#include <string.h>

#include "client-lib/control_pool.h"
#include "client-lib/real.h"

struct dump_message {
	struct tapir_dump_rep rep;
	uint8_t records[TAPIR_MESSAGE_MAX - sizeof(struct tapir_header) - sizeof(struct tapir_dump_rep)];
};

/* Call @fn with every record, cut or filled with zeros to @bytes, of which a daemon tells @least at least; on a connection of its own,
 * since the replies are several. */
static int each_record(enum tapir_dump what, size_t least, size_t bytes, bool (*fn)(void *ctx, const void *record), void *ctx)
{
	struct tapir_dump_req request = { .what = what };
	struct dump_message m = { .rep = { 0 } };
	uint64_t record[64];
	int fd = control_pool_connect(), error;
	bool goes_on = true;

	if (fd < 0)
		return fd;
	error = control_send(fd, TAPIR_OP_DUMP, 0, &request, sizeof(request), -1);
	while (!error && !m.rep.is_last) {
		ssize_t n = control_recv(fd, TAPIR_OP_DUMP, 0, &m, sizeof(m), NULL, NULL);

		if (n < 0)
			error = (int)n;
		else if (n < (ssize_t)sizeof(m.rep) || m.rep.record_bytes < least ||
			 m.rep.record_count > ((size_t)n - sizeof(m.rep)) / m.rep.record_bytes)
			error = -EPROTO;
		for (uint32_t i = 0; !error && goes_on && i < m.rep.record_count; i++) {
			memset(record, 0, sizeof(record));
			memcpy(record, m.records + (size_t)i * m.rep.record_bytes, m.rep.record_bytes < bytes ? m.rep.record_bytes : bytes);
			goes_on = fn(ctx, record);
		}
	}
	tapir_real.close(fd);
	return error;
}

/* ---- Links ---- */

static bool note_link(void *ctx, const void *record)
{
	struct view_links *v = ctx;

	if (v->count == VIEW_LINKS_MAX)
		return false;
	memcpy(&v->links[v->count], record, sizeof(v->links[0]));
	v->links[v->count++].name[IFNAMSIZ - 1] = 0;
	return true;
}

int view_links(struct view_links *v)
{
	v->count = 0;
	return each_record(TAPIR_DUMP_LINKS, sizeof(struct tapir_link_rec), sizeof(struct tapir_link_rec), note_link, v);
}

const struct tapir_link_rec *view_link_by_name(const struct view_links *v, const char *name)
{
	for (unsigned i = 0; i < v->count; i++)
		if (strncmp(v->links[i].name, name, IFNAMSIZ) == 0)
			return &v->links[i];
	return NULL;
}

const struct tapir_link_rec *view_link_by_index(const struct view_links *v, uint32_t ifindex)
{
	for (unsigned i = 0; i < v->count; i++)
		if (v->links[i].ifindex == ifindex)
			return &v->links[i];
	return NULL;
}

enum { KIND_LOOPBACK, KIND_ETHERNET, KIND_IP };

uint32_t view_link_flags(const struct tapir_link_rec *l)
{
	uint32_t up = l->is_down ? 0 : IFF_UP | IFF_RUNNING | IFF_LOWER_UP;

	if (l->kind == KIND_LOOPBACK)
		return IFF_LOOPBACK | up;
	return l->kind == KIND_IP ? IFF_POINTOPOINT | IFF_NOARP | IFF_MULTICAST | up : IFF_BROADCAST | IFF_MULTICAST | up;
}

uint16_t view_link_hardware(const struct tapir_link_rec *l)
{
	return l->kind == KIND_LOOPBACK ? ARPHRD_LOOPBACK : l->kind == KIND_ETHERNET ? ARPHRD_ETHER : ARPHRD_NONE;
}

/* ---- Addresses ---- */

struct addr_walk {
	bool (*fn)(void *ctx, const struct tapir_addr_rec *);
	void *ctx;
	uint16_t family;
	bool goes_on;
};

static bool walk_addr(void *ctx, const void *record)
{
	struct addr_walk *w = ctx;
	struct tapir_addr_rec r;

	memcpy(&r, record, sizeof(r));
	/* IPv4 knows no addresses that are not used (see daemon/netlink_answer.c). */
	if (r.addr.family == w->family && (r.addr.family != AF_INET || strncmp(r.state, "duplicate", sizeof(r.state)) != 0))
		w->goes_on = w->fn(w->ctx, &r);
	return w->goes_on;
}

int view_addrs(bool (*fn)(void *ctx, const struct tapir_addr_rec *), void *ctx)
{
	struct addr_walk w = { .fn = fn, .ctx = ctx, .family = AF_INET, .goes_on = true };
	size_t least = offsetof(struct tapir_addr_rec, valid_s);
	int error = each_record(TAPIR_DUMP_ADDRS, least, sizeof(struct tapir_addr_rec), walk_addr, &w);

	w.family = AF_INET6;
	return error || !w.goes_on ? error : each_record(TAPIR_DUMP_ADDRS, least, sizeof(struct tapir_addr_rec), walk_addr, &w);
}

static bool note_family(void *ctx, const struct tapir_addr_rec *r)
{
	struct view_families *f = ctx;
	struct in6_addr in6;

	memcpy(&in6, r->addr.addr, sizeof(in6));
	if (r->addr.family == AF_INET && memcmp(r->addr.addr + 12, "\x7f\0\0\1", 4) != 0)
		f->ipv4 = true;
	if (r->addr.family == AF_INET6 && !IN6_IS_ADDR_LOOPBACK(&in6))
		f->ipv6 = true;
	return true;
}

struct view_families view_families(void)
{
	struct view_families f = { 0 };

	if (view_addrs(note_family, &f) < 0)
		f = (struct view_families){ .ipv4 = true, .ipv6 = true };
	return f;
}

bool view_source(const struct tapir_addr *dst, struct tapir_addr *source)
{
	return control_request(TAPIR_OP_SOURCE, dst, sizeof(*dst), -1, source, sizeof(*source), NULL) == (ssize_t)sizeof(*source);
}
