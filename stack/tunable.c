/* SPDX-License-Identifier: BSD-2-Clause */
#include "tunable.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct tunable {
	const char *name, *text, *expected;
	size_t offset;
	uint32_t init, min, max;
} tunables[] = {
#define TUNABLE_ROW(field, name, init, min, max, text)                                                                 \
	{ name, text, "expected a number from " #min " to " #max, offsetof(struct tunables, field), init, min, max },
	TUNABLES_LIST(TUNABLE_ROW)
#undef TUNABLE_ROW
};

enum { TUNABLE_COUNT = sizeof(tunables) / sizeof(tunables[0]) };

static uint32_t *value_of(struct tunables *t, const struct tunable *row)
{
	return (uint32_t *)(void *)((char *)t + row->offset);
}

void tunables_init(struct tunables *t)
{
	for (unsigned i = 0; i < TUNABLE_COUNT; i++)
		*value_of(t, &tunables[i]) = tunables[i].init;
}

/* Length of the name that people use: without the [0] of a number among several. */
static size_t shown_len(const struct tunable *row)
{
	return strcspn(row->name, "[");
}

static bool is_named(const struct tunable *row, const char *name)
{
	return strlen(name) == shown_len(row) && memcmp(row->name, name, shown_len(row)) == 0;
}

int tunable_set(struct tunables *t, const char *name, const char *value, const char **why)
{
	struct tunables changed = *t;
	const char *p = value;
	bool found = false;

	for (unsigned i = 0; i < TUNABLE_COUNT; i++) {
		unsigned long long v;
		char *end;

		if (!is_named(&tunables[i], name))
			continue;
		found = true;
		p += strspn(p, " \t");
		if (*p < '0' || *p > '9') {
			*why = tunables[i].expected;
			return -EINVAL;
		}
		v = strtoull(p, &end, 0);
		if (v < tunables[i].min || v > tunables[i].max) {
			*why = tunables[i].expected;
			return -EINVAL;
		}
		*value_of(&changed, &tunables[i]) = (uint32_t)v;
		p = end;
	}
	if (!found) {
		*why = "no tunable has this name";
		return -ENOENT;
	}
	if (p[strspn(p, " \t")]) {
		*why = "something follows the number";
		return -EINVAL;
	}
	*t = changed;
	return 0;
}

int tunable_get(const struct tunables *t, const char *name, char *value, unsigned room)
{
	unsigned len = 0;
	bool found = false;

	for (unsigned i = 0; i < TUNABLE_COUNT; i++) {
		uint32_t v;
		int n;

		if (!is_named(&tunables[i], name))
			continue;
		memcpy(&v, (const char *)t + tunables[i].offset, sizeof(v));
		n = snprintf(value + len, room - len, found ? " %u" : "%u", v);
		if (n < 0 || (unsigned)n >= room - len)
			return -EINVAL;
		len += (unsigned)n;
		found = true;
	}
	return found ? 0 : -ENOENT;
}

/* The index'th row that begins a tunable: any but [1], [2]. */
static const struct tunable *row_at(unsigned index)
{
	for (unsigned i = 0; i < TUNABLE_COUNT; i++) {
		const char *bracket = strchr(tunables[i].name, '[');

		if (bracket && bracket[1] != '0')
			continue;
		if (index-- == 0)
			return &tunables[i];
	}
	return NULL;
}

bool tunable_at(unsigned index, char name[TUNABLE_NAME_MAX], const char **text)
{
	const struct tunable *row = row_at(index);

	if (!row)
		return false;
	snprintf(name, TUNABLE_NAME_MAX, "%.*s", (int)shown_len(row), row->name);
	*text = row->text;
	return true;
}
