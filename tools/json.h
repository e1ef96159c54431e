/* SPDX-License-Identifier: BSD-2-Clause */
/* json.h - what the tools add to jansson. Keys are an interface: they stay. */
#ifndef TAPIR_TOOLS_JSON_H
#define TAPIR_TOOLS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

/* JSON's integers are signed here: "unlimited" (all ones) becomes the largest of them. */
json_t *json_u64(uint64_t v);

/* One member of @o. The _or_null form: null unless @has. */
void json_set_int(json_t *o, const char *key, int64_t v);
void json_set_int_or_null(json_t *o, const char *key, bool has, int64_t v);
void json_set_u64(json_t *o, const char *key, uint64_t v);
void json_set_text(json_t *o, const char *key, const char *text); /* NULL: null */
void json_set_field(json_t *o, const char *key, const char *field, size_t field_bytes);

/* Print @o, indented, with a line's end; takes over the reference. */
void json_print(FILE *f, json_t *o);

/* The same on one line. */
void json_print_line(FILE *f, json_t *o);

#endif
