/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/filter.h"

#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sysexits.h>

#include "tools/change.h"

/* ---- Words ---- */

static bool looks_like_addr(const char *word)
{
	return strchr(word, ':') || strchr(word, '/') || strspn(word, "0123456789.") == strlen(word);
}

static void read_object(const struct tool *t, enum tapir_change_kind kind, const char *word, struct filter *f)
{
	bool may_be_link = kind == TAPIR_CHANGE_ADDR || kind == TAPIR_CHANGE_GROUP;
	struct tapir_change c = { .kind = kind == TAPIR_CHANGE_ROUTE ? kind : TAPIR_CHANGE_ADDR };

	if (may_be_link && !looks_like_addr(word)) {
		change_read_ifname(t, word, f->dev);
		return;
	}
	if (f->has_addr)
		tool_fail(t, EX_USAGE, "unexpected word '%s'; expected one of: dev, proto, nud", word);
	change_read_object(t, &c, word, false);
	f->addr = c.addr;
	f->prefix_len = c.prefix_len;
	f->has_addr = true;
	f->is_default = kind == TAPIR_CHANGE_ROUTE && c.prefix_len == 0 && !looks_like_addr(word);
	if (c.ifname[0])
		change_read_ifname(t, c.ifname, f->dev);
}

static void read_field(const struct tool *t, const char *key, const char *value, char to[16])
{
	if (strlen(value) >= 16)
		tool_fail(t, EX_USAGE, "'%s' is no value of '%s'", value, key);
	strcpy(to, value);
}

struct filter filter_parse(const struct tool *t, enum tapir_change_kind kind, char *const *words)
{
	struct filter f = { 0 };

	for (char *const *w = words; *w; w++) {
		bool is_dev = !strcmp(*w, "dev"), is_proto = !strcmp(*w, "proto"), is_nud = !strcmp(*w, "nud"), is_to = !strcmp(*w, "to");

		if (!is_dev && !is_proto && !is_nud && !is_to) {
			read_object(t, kind, *w, &f);
			continue;
		}
		if (!w[1])
			tool_fail(t, EX_USAGE, "a value is missing after '%s'", *w);
		if (is_dev)
			change_read_ifname(t, w[1], f.dev);
		else if (is_to)
			read_object(t, kind, w[1], &f);
		else
			read_field(t, *w, w[1], is_proto ? f.origin : f.state);
		w++;
	}
	return f;
}

/* ---- Records ---- */

static bool is_field(const char field[16], const char *wanted)
{
	return !*wanted || !strncasecmp(field, wanted, 16);
}

static bool is_within(const struct filter *f, const struct tapir_addr *a)
{
	uint32_t bits = f->prefix_len + (f->addr.family == AF_INET ? 96 : 0);

	if (!f->has_addr)
		return true;
	if (a->family != f->addr.family || memcmp(a->addr, f->addr.addr, bits / 8))
		return false;
	return bits % 8 == 0 || (a->addr[bits / 8] ^ f->addr.addr[bits / 8]) >> (8 - bits % 8) == 0;
}

size_t filter_links(const struct filter *f, struct tapir_link_rec *recs, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (is_field(recs[i].name, f->dev))
			recs[kept++] = recs[i];
	return kept;
}

size_t filter_addrs(const struct filter *f, struct tapir_addr_rec *recs, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (is_field(recs[i].ifname, f->dev) && is_field(recs[i].origin, f->origin) && is_field(recs[i].state, f->state) &&
		    is_within(f, &recs[i].addr))
			recs[kept++] = recs[i];
	return kept;
}

/* A destination means the routes that have exactly this one, as with ip(8). */
size_t filter_routes(const struct filter *f, struct tapir_route_rec *recs, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (is_field(recs[i].ifname, f->dev) && is_field(recs[i].origin, f->origin) &&
		    (!f->has_addr || (recs[i].prefix_len == f->prefix_len && (f->is_default || is_within(f, &recs[i].dst)))))
			recs[kept++] = recs[i];
	return kept;
}

size_t filter_neighs(const struct filter *f, struct tapir_neigh_rec *recs, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (is_field(recs[i].ifname, f->dev) && is_field(recs[i].state, f->state) && is_within(f, &recs[i].addr))
			recs[kept++] = recs[i];
	return kept;
}

size_t filter_groups(const struct filter *f, struct tapir_group_rec *recs, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (is_field(recs[i].ifname, f->dev) && is_within(f, &recs[i].addr))
			recs[kept++] = recs[i];
	return kept;
}
