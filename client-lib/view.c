/* SPDX-License-Identifier: BSD-2-Clause */
#include "client-lib/view.h"

#include <netinet/in.h>
#include <string.h>

#include "client-lib/control.h"
#include "client-lib/real.h"

struct dump_message {
	struct tapir_dump_rep rep;
	uint8_t records[TAPIR_MESSAGE_MAX - sizeof(struct tapir_header) - sizeof(struct tapir_dump_rep)];
};

/* Call @fn with every record, @bytes long at least, on a connection of its own, since the replies are several. False: not told. */
static bool each_record(enum tapir_dump what, size_t bytes, void (*fn)(void *ctx, const uint8_t *record), void *ctx)
{
	struct tapir_dump_req request = { .what = what };
	struct dump_message m = { .rep = { 0 } };
	int fd = control_connect(control_path(NULL));
	bool is_whole = false;

	if (fd < 0)
		return false;
	if (control_send(fd, TAPIR_OP_DUMP, 0, &request, sizeof(request), -1) == 0) {
		while (!is_whole) {
			ssize_t n = control_recv(fd, TAPIR_OP_DUMP, 0, &m, sizeof(m), NULL, NULL);

			if (n < (ssize_t)sizeof(m.rep) || m.rep.record_bytes < bytes ||
			    m.rep.record_count > ((size_t)n - sizeof(m.rep)) / m.rep.record_bytes)
				break;
			for (uint32_t i = 0; i < m.rep.record_count; i++)
				fn(ctx, m.records + (size_t)i * m.rep.record_bytes);
			is_whole = m.rep.is_last;
		}
	}
	tapir_real.close(fd);
	return is_whole;
}

static void note_family(void *ctx, const uint8_t *record)
{
	struct view_families *f = ctx;
	struct tapir_addr_rec r;
	struct in6_addr in6;

	memcpy(&r, record, sizeof(r));
	memcpy(&in6, r.addr.addr, sizeof(in6));
	if (r.addr.family == AF_INET && r.addr.addr[12] != 127)
		f->ipv4 = true;
	if (r.addr.family == AF_INET6 && !IN6_IS_ADDR_LOOPBACK(&in6) && !IN6_IS_ADDR_LINKLOCAL(&in6))
		f->ipv6 = true;
}

struct view_families view_families(void)
{
	struct view_families f = { 0 };

	if (!each_record(TAPIR_DUMP_ADDRS, sizeof(struct tapir_addr_rec), note_family, &f))
		f = (struct view_families){ .ipv4 = true, .ipv6 = true };
	return f;
}

struct wanted_link {
	const char *name;
	uint32_t ifindex;
};

static void note_link(void *ctx, const uint8_t *record)
{
	struct wanted_link *w = ctx;
	struct tapir_link_rec r;

	memcpy(&r, record, sizeof(r));
	if (strncmp(r.name, w->name, sizeof(r.name)) == 0)
		w->ifindex = r.ifindex;
}

uint32_t view_ifindex(const char *name)
{
	struct wanted_link w = { .name = name };

	return each_record(TAPIR_DUMP_LINKS, sizeof(struct tapir_link_rec), note_link, &w) ? w.ifindex : 0;
}
