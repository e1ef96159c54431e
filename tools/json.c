/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/json.h"

#include "tools/text.h"

json_t *json_u64(uint64_t v)
{
	return json_integer(v > INT64_MAX ? INT64_MAX : (json_int_t)v);
}

/* A string from a record's fixed-size field; null when it is empty. */
static json_t *field_value(const char *field, size_t field_bytes)
{
	char buf[256];
	json_t *s;

	text_field(field, field_bytes, buf, sizeof(buf));
	if (!buf[0])
		return json_null();
	s = json_string(buf);
	return s ? s : json_null(); /* not UTF-8 */
}

void json_set_int(json_t *o, const char *key, int64_t v)
{
	json_object_set_new(o, key, json_integer(v));
}

void json_set_int_or_null(json_t *o, const char *key, bool has, int64_t v)
{
	json_object_set_new(o, key, has ? json_integer(v) : json_null());
}

void json_set_u64(json_t *o, const char *key, uint64_t v)
{
	json_object_set_new(o, key, json_u64(v));
}

void json_set_text(json_t *o, const char *key, const char *text)
{
	json_object_set_new(o, key, text ? json_string(text) : json_null());
}

void json_set_field(json_t *o, const char *key, const char *field, size_t field_bytes)
{
	json_object_set_new(o, key, field_value(field, field_bytes));
}

static void print(FILE *f, json_t *o, size_t flags)
{
	json_dumpf(o, f, flags);
	fputc('\n', f);
	json_decref(o);
}

void json_print(FILE *f, json_t *o)
{
	print(f, o, JSON_INDENT(2));
}

void json_print_line(FILE *f, json_t *o)
{
	print(f, o, JSON_COMPACT);
}
