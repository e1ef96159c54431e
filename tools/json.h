/* SPDX-License-Identifier: BSD-2-Clause */
/* json.h - what the tools add to jansson. Keys are an interface: they stay. */
#ifndef TAPIR_TOOLS_JSON_H
#define TAPIR_TOOLS_JSON_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

/* JSON's integers are signed here: "unlimited" (all ones) becomes the largest of them. */
json_t *json_u64(uint64_t v);

/* A string from a record's fixed-size field; null when it is empty. */
json_t *json_field(const char *field, size_t field_bytes);

/* Print @o, indented, with a line's end; takes over the reference. */
void json_print(FILE *f, json_t *o);

/* The same on one line. */
void json_print_line(FILE *f, json_t *o);

#endif
