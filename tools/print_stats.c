/* SPDX-License-Identifier: BSD-2-Clause */
/* print_stats.c - counters and tunables: a name, a number, what it means. */
#include "tools/print.h"

#include <fnmatch.h>
#include <string.h>

#include "tools/json.h"
#include "tools/text.h"

enum { NAME_ROOM = 65, TEXT_ROOM = 129 };

bool stats_name_matches(const char *name, char *const *patterns)
{
	if (!patterns || !*patterns)
		return true;
	for (; *patterns; patterns++)
		if (fnmatch(*patterns, name, 0) == 0)
			return true;
	return false;
}

static const char *stat_name_text(const struct tapir_stat_rec *s, char buf[NAME_ROOM])
{
	return text_field(s->name, sizeof(s->name), buf, NAME_ROOM);
}

/* What to show of counter @i: its value, or how much it grew. False: nothing. */
static bool stat_value(const struct tapir_stat_rec *stats, const struct tapir_stat_rec *before, size_t i,
		       const struct stats_view *view, bool zeros, uint64_t *value)
{
	char name[NAME_ROOM];

	*value = stats[i].value;
	if (before && stats[i].value >= before[i].value) /* else: another daemon began to count */
		*value -= before[i].value;
	return stats_name_matches(stat_name_text(&stats[i], name), view->patterns) && (zeros || *value);
}

size_t stats_print(FILE *f, const struct tapir_stat_rec *stats, const struct tapir_stat_rec *before, size_t n,
		   const struct stats_view *view)
{
	char name[NAME_ROOM], text[TEXT_ROOM], number[TEXT_SHORT_MAX];
	size_t lines = 0;
	int width = 0;
	uint64_t v;

	for (size_t i = 0; i < n; i++) /* what was added is shown again and again: all names count, so that columns stay */
		if (stat_value(stats, before, i, view, view->all || before, &v)) {
			int len = (int)strlen(stat_name_text(&stats[i], name));

			width = len > width ? len : width;
		}
	for (size_t i = 0; i < n; i++) {
		if (!stat_value(stats, before, i, view, view->all, &v))
			continue;
		snprintf(number, sizeof(number), "%s%llu", before ? "+" : "", (unsigned long long)v);
		fprintf(f, "%-*s %12s  %s\n", width, stat_name_text(&stats[i], name), number,
			text_field(stats[i].text, sizeof(stats[i].text), text, sizeof(text)));
		lines++;
	}
	return lines;
}

json_t *stats_json(const struct tapir_stat_rec *stats, const struct tapir_stat_rec *before, size_t n,
		   const struct stats_view *view)
{
	json_t *o = json_object();
	char name[NAME_ROOM];
	uint64_t v;

	for (size_t i = 0; i < n; i++)
		if (stat_value(stats, before, i, view, !before || view->all, &v))
			json_object_set_new(o, stat_name_text(&stats[i], name), json_u64(v));
	return o;
}

/* ---- Tunables ---- */

void tunables_print(FILE *f, const struct tapir_tunable *tunables, size_t n)
{
	char name[NAME_ROOM], value[NAME_ROOM], text[TEXT_ROOM];
	int name_width = 0, value_width = 0;

	for (size_t i = 0; i < n; i++) {
		int nl = (int)strlen(text_field(tunables[i].name, sizeof(tunables[i].name), name, sizeof(name)));
		int vl = (int)strlen(text_field(tunables[i].value, sizeof(tunables[i].value), value, sizeof(value)));

		name_width = nl > name_width ? nl : name_width;
		value_width = vl > value_width ? vl : value_width;
	}
	for (size_t i = 0; i < n; i++) {
		const struct tapir_tunable *t = &tunables[i];

		text_field(t->name, sizeof(t->name), name, sizeof(name));
		text_field(t->value, sizeof(t->value), value, sizeof(value));
		text_field(t->text, sizeof(t->text), text, sizeof(text));
		if (text[0])
			fprintf(f, "%-*s = %-*s  %s\n", name_width, name, value_width, value, text);
		else
			fprintf(f, "%-*s = %s\n", name_width, name, value);
	}
}

/* A value that is a number is one in JSON too. */
static json_t *value_json(const char *value)
{
	json_t *v = json_loads(value, JSON_DECODE_ANY, NULL);

	if (json_is_number(v))
		return v;
	json_decref(v);
	return json_string(value);
}

json_t *tunables_json(const struct tapir_tunable *tunables, size_t n)
{
	json_t *list = json_array();
	char value[NAME_ROOM];

	for (size_t i = 0; i < n; i++) {
		const struct tapir_tunable *t = &tunables[i];

		json_t *o = json_object();

		json_set_field(o, "name", t->name, sizeof(t->name));
		json_object_set_new(o, "value", value_json(text_field(t->value, sizeof(t->value), value, sizeof(value))));
		json_set_field(o, "text", t->text, sizeof(t->text));
		json_array_append_new(list, o);
	}
	return list;
}
