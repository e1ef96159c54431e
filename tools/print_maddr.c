/* SPDX-License-Identifier: BSD-2-Clause */
/* print_maddr.c - groups as `ip maddr` prints them, with what it does not show: filters, versions, reports to come. */
#include "tools/print.h"

#include <string.h>
#include <sys/socket.h>

#include "tools/json.h"
#include "tools/text.h"

static bool is_wanted(const struct net_view *v, const struct tapir_group_rec *g)
{
	if (!v->ip4 && !v->ip6)
		return true;
	return g->addr.family == AF_INET6 ? v->ip6 : v->ip4;
}

static bool is_same_group(const struct tapir_group_rec *a, const struct tapir_group_rec *b)
{
	return a->ifindex == b->ifindex && !memcmp(&a->addr, &b->addr, sizeof(a->addr));
}

static const char *protocol_text(const struct tapir_group_rec *g)
{
	return g->addr.family == AF_INET6 ? "mld" : "igmp";
}

static void print_group(FILE *f, const struct tapir_group_rec *g)
{
	char addr[TEXT_ADDR_MAX], due[TEXT_SHORT_MAX];

	fprintf(f, "    %s %s users %u %sv%u %s", g->addr.family == AF_INET6 ? "inet6" : "inet", text_addr(&g->addr, addr), g->users,
		protocol_text(g), g->version, g->is_exclude ? "exclude" : "include");
	if (g->source_count == 0)
		fputs(g->is_exclude ? " nothing" : " nothing (left)", f);
	for (uint32_t i = 0; i < g->source_count; i++)
		fprintf(f, "%s%s", i ? "," : " ", text_addr(&g[i].source, addr));
	if (g->report_ms != UINT32_MAX)
		fprintf(f, " report in %s", text_timer(g->report_ms, due));
	fputc('\n', f);
}

/* Records of the group that begins at @i: those that are there, which of a broken dump may be fewer than it says. */
static size_t group_len(const struct tapir_group_rec *groups, size_t n, size_t i)
{
	size_t k = i + 1;

	while (k < n && k - i < groups[i].source_count && is_same_group(&groups[k], &groups[i]))
		k++;
	return k - i;
}

void maddr_print(FILE *f, const struct tapir_group_rec *groups, size_t n, const struct net_view *view)
{
	char name[TEXT_SHORT_MAX];
	uint32_t under = 0;

	for (size_t i = 0, len; i < n; i += len) {
		len = group_len(groups, n, i);
		if (!is_wanted(view, &groups[i]) || len < groups[i].source_count)
			continue;
		if (groups[i].ifindex != under)
			fprintf(f, "%u: %s\n", groups[i].ifindex,
				text_field(groups[i].ifname, sizeof(groups[i].ifname), name, sizeof(name)));
		under = groups[i].ifindex;
		print_group(f, &groups[i]);
	}
}

static json_t *group_json(const struct tapir_group_rec *g)
{
	json_t *o = json_object(), *sources = json_array();
	char addr[TEXT_ADDR_MAX];

	json_set_text(o, "family", g->addr.family == AF_INET6 ? "inet6" : "inet");
	json_set_text(o, "address", text_addr(&g->addr, addr));
	json_set_field(o, "dev", g->ifname, sizeof(g->ifname));
	json_set_int(o, "ifindex", g->ifindex);
	json_set_int(o, "users", g->users);
	json_set_text(o, "protocol", protocol_text(g));
	json_set_int(o, "version", g->version);
	json_set_text(o, "mode", g->is_exclude ? "exclude" : "include");
	for (uint32_t i = 0; i < g->source_count; i++)
		json_array_append_new(sources, json_string(text_addr(&g[i].source, addr)));
	json_object_set_new(o, "sources", sources);
	json_set_int_or_null(o, "report_ms", g->report_ms != UINT32_MAX, g->report_ms);
	return o;
}

json_t *maddr_json(const struct tapir_group_rec *groups, size_t n, const struct net_view *view)
{
	json_t *list = json_array();

	for (size_t i = 0, len; i < n; i += len) {
		len = group_len(groups, n, i);
		if (is_wanted(view, &groups[i]) && len >= groups[i].source_count)
			json_array_append_new(list, group_json(&groups[i]));
	}
	return list;
}
