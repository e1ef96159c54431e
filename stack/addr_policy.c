/* SPDX-License-Identifier: BSD-2-Clause */
#include "addr_policy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const char family_of_names[] = "net.ipv6.policy.";

void addr_policy_init(struct addr_policy_table *t)
{
	static const struct addr_policy_row rows[] = {
		{ { { { [15] = 1 } }, 128 }, { 50, 0 } },
		{ { { { [10] = 0xff, [11] = 0xff } }, 96 }, { 35, 4 } },
		{ { { { 0 } }, 96 }, { 1, 3 } },
		{ { { { 0x20, 0x01 } }, 32 }, { 5, 5 } },
		{ { { { 0x20, 0x02 } }, 16 }, { 30, 2 } },
		{ { { { 0x3f, 0xfe } }, 16 }, { 1, 12 } },
		{ { { { 0xfe, 0xc0 } }, 10 }, { 1, 11 } },
		{ { { { 0xfc } }, 7 }, { 3, 13 } },
		{ { { { 0 } }, 0 }, { 40, 1 } },
	};

	t->count = sizeof(rows) / sizeof(rows[0]);
	memcpy(t->rows, rows, sizeof(rows));
}

struct addr_policy addr_policy_of(const struct addr_policy_table *t, const struct ip_addr *a)
{
	unsigned i = 0;

	while (!ip_prefix_has(&t->rows[i].prefix, a)) /* the last one is for all */
		i++;
	return t->rows[i].policy;
}

/* The prefix that a name ends with. Unlike elsewhere "::ffff:0:0/96" may be said as such, as the RFC does. */
static bool prefix_of(const char *name, struct ip_prefix *p)
{
	size_t skip = sizeof(family_of_names) - 1;
	char text[INET6_ADDRSTRLEN];
	const char *slash;
	char *end;
	long len;

	if (strncmp(name, family_of_names, skip) != 0)
		return false;
	name += skip;
	slash = strchr(name, '/');
	if (!slash || (size_t)(slash - name) >= sizeof(text) || slash[1] < '0' || slash[1] > '9')
		return false;
	memcpy(text, name, (size_t)(slash - name));
	text[slash - name] = 0;
	if (ip_addr_parse(text, &p->addr) < 0)
		return false;
	len = strtol(slash + 1, &end, 10);
	if (!strchr(text, ':'))
		len += 96;
	if (*end || len > 128)
		return false;
	p->len = (uint8_t)len;
	p->addr = ip_prefix_first(p);
	return true;
}

/* The index of the row for exactly @p; -1: there is none. */
static int find(const struct addr_policy_table *t, const struct ip_prefix *p)
{
	for (unsigned i = 0; i < t->count; i++)
		if (t->rows[i].prefix.len == p->len && ip_addr_eq(&t->rows[i].prefix.addr, &p->addr))
			return (int)i;
	return -1;
}

static void remove_row(struct addr_policy_table *t, unsigned at)
{
	t->count--;
	memmove(t->rows + at, t->rows + at + 1, (t->count - at) * sizeof(t->rows[0]));
}

static bool parse_policy(const char *value, struct addr_policy *policy)
{
	unsigned precedence, label;
	int end = 0;

	if (sscanf(value, "%3u %3u%n", &precedence, &label, &end) != 2 || value[end] || precedence > 255 || label > 255)
		return false;
	*policy = (struct addr_policy){ (uint8_t)precedence, (uint8_t)label };
	return true;
}

static int insert(struct addr_policy_table *t, const struct ip_prefix *p, const struct addr_policy *policy)
{
	unsigned at = 0;

	if (t->count == ADDR_POLICY_MAX)
		return -ENOBUFS;
	while (t->rows[at].prefix.len > p->len)
		at++;
	memmove(t->rows + at + 1, t->rows + at, (t->count - at) * sizeof(t->rows[0]));
	t->rows[at] = (struct addr_policy_row){ *p, *policy };
	t->count++;
	return 0;
}

int addr_policy_set(struct addr_policy_table *t, const char *name, const char *value, const char **why)
{
	struct addr_policy policy;
	struct ip_prefix p;
	int at;

	if (!prefix_of(name, &p)) {
		*why = "no tunable has this name";
		return -ENOENT;
	}
	at = find(t, &p);
	if (strcmp(value, "none") == 0 && p.len > 0) {
		if (at >= 0)
			remove_row(t, (unsigned)at);
		return 0;
	}
	if (!parse_policy(value, &policy)) {
		*why = p.len > 0 ? "expected a precedence and a label, like \"40 1\", or none" : "expected a precedence and a label, like \"40 1\"";
		return -EINVAL;
	}
	if (at >= 0) {
		t->rows[at].policy = policy;
		return 0;
	}
	*why = "the policy table has 64 rows at most";
	return insert(t, &p, &policy) < 0 ? -EINVAL : 0;
}

int addr_policy_get(const struct addr_policy_table *t, const char *name, char *value, unsigned room)
{
	struct ip_prefix p;
	int at, n;

	if (!prefix_of(name, &p))
		return -ENOENT;
	at = find(t, &p);
	n = at < 0 ? snprintf(value, room, "none")
		   : snprintf(value, room, "%u %u", t->rows[at].policy.precedence, t->rows[at].policy.label);
	return n < 0 || (unsigned)n >= room ? -EINVAL : 0;
}

bool addr_policy_at(const struct addr_policy_table *t, unsigned index, char name[ADDR_POLICY_NAME_MAX])
{
	char text[IP_ADDR_TEXT_MAX];
	const struct ip_prefix *p;

	if (index >= t->count)
		return false;
	p = &t->rows[index].prefix;
	if (ip_addr_is4(&p->addr) && p->len == 96)
		snprintf(name, ADDR_POLICY_NAME_MAX, "%s::ffff:0:0/96", family_of_names);
	else
		snprintf(name, ADDR_POLICY_NAME_MAX, "%s%s/%d", family_of_names, ip_addr_print(&p->addr, text),
			 ip_addr_is4(&p->addr) && p->len > 96 ? p->len - 96 : p->len);
	return true;
}
