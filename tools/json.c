/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/json.h"

#include "tools/text.h"

json_t *json_u64(uint64_t v)
{
	return json_integer(v > INT64_MAX ? INT64_MAX : (json_int_t)v);
}

json_t *json_field(const char *field, size_t field_bytes)
{
	char buf[256];
	json_t *s;

	text_field(field, field_bytes, buf, sizeof(buf));
	if (!buf[0])
		return json_null();
	s = json_string(buf);
	return s ? s : json_null(); /* not UTF-8 */
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
