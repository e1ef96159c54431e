/* SPDX-License-Identifier: BSD-2-Clause */
#include "client-lib/gai_conf.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 4096, IPV4_BITS = 96 };

/* RFC 3484 section 2.1 with the labels that RFC 5220 and 6724 added: glibc's. */
static const struct gai_conf built_in = {
	.labels = { 8, { { { [15] = 1 }, 128, 0 },	  { { [10] = 0xff, [11] = 0xff }, 96, 4 }, { { 0 }, 96, 3 },
			 { { 0x20, 0x01, 0, 0 }, 32, 7 }, { { 0x20, 0x02 }, 16, 2 },		   { { 0xfe, 0xc0 }, 10, 5 },
			 { { 0xfc }, 7, 6 },		  { { 0 }, 0, 1 } } },
	.precedences = { 5, { { { [15] = 1 }, 128, 50 }, { { [10] = 0xff, [11] = 0xff }, 96, 10 }, { { 0 }, 96, 20 },
			      { { 0x20, 0x02 }, 16, 30 }, { { 0 }, 0, 40 } } },
	/* Link-local ones, those of the host itself, and all others, which reach everywhere (RFC 6724 section 3.2). */
	.scopes = { 3, { { { [10] = 0xff, [11] = 0xff, [12] = 169, [13] = 254 }, 112, 2 },
			 { { [10] = 0xff, [11] = 0xff, [12] = 127 }, 104, 2 }, { { 0 }, 0, 14 } } },
};

static bool has_prefix(const struct gai_row *row, const uint8_t a[16])
{
	unsigned whole = row->bits / 8, rest = row->bits % 8;

	return memcmp(row->prefix, a, whole) == 0 && (rest == 0 || ((row->prefix[whole] ^ a[whole]) & (0xff00 >> rest) & 0xff) == 0);
}

uint32_t gai_look_up(const struct gai_table *t, const uint8_t a[16])
{
	const struct gai_row *row = t->rows;

	while (!has_prefix(row, a))
		row++;
	return row->value;
}

static bool parse_number(const char *text, unsigned long most, unsigned long *n)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	*n = strtoul(text, &end, 10);
	return !*end && *n <= most;
}

/* @takes_ip4: "169.254.0.0/16" is one as well. */
static bool parse_prefix(char *text, bool takes_ip4, struct gai_row *row)
{
	char *slash = strchr(text, '/');
	unsigned long bits = 128;
	bool is4;

	if (slash)
		*slash++ = 0;
	is4 = takes_ip4 && inet_pton(AF_INET, text, row->prefix + 12) == 1;
	if (is4)
		row->prefix[10] = row->prefix[11] = 0xff;
	else if (inet_pton(AF_INET6, text, row->prefix) != 1)
		return false;
	if (slash && !parse_number(slash, is4 ? 32 : 128, &bits))
		return false;
	row->bits = (uint8_t)(is4 && slash ? bits + IPV4_BITS : bits);
	return true;
}

/* In front of the shorter ones, behind its equals. */
static void insert(struct gai_table *t, const struct gai_row *row)
{
	unsigned at = 0;

	while (at < t->count && t->rows[at].bits >= row->bits)
		at++;
	memmove(t->rows + at + 1, t->rows + at, (t->count - at) * sizeof(t->rows[0]));
	t->rows[at] = *row;
	t->count++;
}

static void read_line(char *line, struct gai_conf *conf)
{
	static const char blanks[] = " \t\r\n\f\v";
	char *rest = NULL, *word, *prefix, *value;
	struct gai_table *t;
	struct gai_row row = { .bits = 0 };
	unsigned long n;

	line[strcspn(line, "#")] = 0;
	word = strtok_r(line, blanks, &rest);
	prefix = word ? strtok_r(NULL, blanks, &rest) : NULL;
	value = prefix ? strtok_r(NULL, blanks, &rest) : NULL;
	if (!value)
		return;
	if (strcmp(word, "label") == 0)
		t = &conf->labels;
	else if (strcmp(word, "precedence") == 0)
		t = &conf->precedences;
	else if (strcmp(word, "scopev4") == 0)
		t = &conf->scopes;
	else
		return;
	if (!parse_prefix(prefix, t == &conf->scopes, &row) || !parse_number(value, INT_MAX, &n) || t->count == GAI_ROWS_MAX)
		return;
	row.value = (uint32_t)n;
	insert(t, &row);
}

/* What the file said, and what holds for the others; or the built-in table, when it said nothing. */
static void finish(struct gai_table *t, const struct gai_table *otherwise)
{
	if (t->count == 0)
		*t = *otherwise;
	else
		insert(t, &otherwise->rows[otherwise->count - 1]);
}

void gai_conf_read(FILE *file, struct gai_conf *conf)
{
	char line[LINE_MAX_BYTES];

	conf->labels.count = conf->precedences.count = conf->scopes.count = 0;
	while (file && fgets(line, sizeof(line), file))
		read_line(line, conf);
	finish(&conf->labels, &built_in.labels);
	finish(&conf->precedences, &built_in.precedences);
	finish(&conf->scopes, &built_in.scopes);
}
