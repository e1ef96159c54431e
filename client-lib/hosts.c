/* SPDX-License-Identifier: BSD-2-Clause */
#include "client-lib/hosts.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

enum { LINE_MAX_BYTES = 4096 };

static const char blanks[] = " \t\r\n\f\v";

bool hosts_parse_addr(const char *text, struct hosts_addr *a, const char **scope)
{
	const char *percent = strchr(text, '%');
	char plain[INET6_ADDRSTRLEN];
	size_t len = percent ? (size_t)(percent - text) : strlen(text);
	struct in_addr in4;

	memset(a, 0, sizeof(*a));
	*scope = percent ? percent + 1 : NULL;
	if (!percent && inet_aton(text, &in4) && !strpbrk(text, blanks)) {
		a->family = AF_INET;
		memcpy(a->addr, &in4, sizeof(in4));
		return true;
	}
	if (len >= sizeof(plain))
		return false;
	memcpy(plain, text, len);
	plain[len] = 0;
	a->family = AF_INET6;
	return inet_pton(AF_INET6, plain, a->addr) == 1;
}

/* The next word of *p, which moves behind it; NULL at the end. */
static char *next_word(char **p)
{
	char *word = *p + strspn(*p, blanks);

	if (!*word)
		return NULL;
	*p = word + strcspn(word, blanks);
	if (**p)
		*(*p)++ = 0;
	return word;
}

/* The next line with an address: *names is what follows it. False: the end. */
static bool next_line(FILE *file, char line[LINE_MAX_BYTES], struct hosts_addr *a, char **names)
{
	while (fgets(line, LINE_MAX_BYTES, file)) {
		const char *scope;
		char *word;

		if (!strchr(line, '\n')) /* longer than any real one: its rest is no line of its own */
			for (int c = getc(file); c != EOF && c != '\n';)
				c = getc(file);
		line[strcspn(line, "#")] = 0;
		*names = line;
		word = next_word(names);
		if (word && hosts_parse_addr(word, a, &scope) && !scope)
			return true;
	}
	return false;
}

/* Behind those that are there, if it is none of them and there is room. */
static void add_alias(struct hosts_entry *e, const char *name)
{
	char *at = e->aliases;

	if (strcmp(name, e->canonical) == 0)
		return;
	for (size_t i = 0; i < e->alias_count; i++) {
		if (strcmp(at, name) == 0)
			return;
		at += strlen(at) + 1;
	}
	if (e->alias_count == HOSTS_ALIASES_MAX || strlen(name) >= sizeof(e->aliases) - (size_t)(at - e->aliases))
		return;
	memcpy(at, name, strlen(name) + 1);
	e->alias_count++;
}

static void add(struct hosts_entry *e, const struct hosts_addr *a, const char *canonical)
{
	if (e->addr_count == HOSTS_ADDRS_MAX)
		return;
	for (size_t i = 0; i < e->addr_count; i++)
		if (memcmp(&e->addrs[i], a, sizeof(*a)) == 0)
			return;
	if (!e->addr_count)
		snprintf(e->canonical, sizeof(e->canonical), "%s", canonical);
	e->addrs[e->addr_count++] = *a;
}

enum { LINE_NAMES_MAX = HOSTS_ALIASES_MAX + 1 };

/* The names of a line. Whether one of them is @name. */
static bool has_name(char *names, const char *name, const char *all[LINE_NAMES_MAX], size_t *count)
{
	char *word;
	bool found = false;

	*count = 0;
	while ((word = next_word(&names))) {
		if (*count < LINE_NAMES_MAX)
			all[(*count)++] = word;
		found |= strcasecmp(word, name) == 0;
	}
	return found;
}

static bool is_localhost(const char *name)
{
	static const char localhost[] = "localhost";
	size_t len = strlen(name), want = sizeof(localhost) - 1;

	if (len < want || strcasecmp(name + len - want, localhost) != 0)
		return false;
	return len == want || name[len - want - 1] == '.';
}

bool hosts_find_name(FILE *file, const char *name, int family, struct hosts_entry *e)
{
	static const struct hosts_addr loopback6 = { .family = AF_INET6, .addr = { [15] = 1 } };
	static const struct hosts_addr loopback4 = { .family = AF_INET, .addr = { 127, 0, 0, 1 } };
	char line[LINE_MAX_BYTES], plain[HOSTS_NAME_MAX];
	size_t len = strlen(name);
	struct hosts_addr a;
	char *names;

	if (!len || len >= sizeof(plain))
		return false;
	memcpy(plain, name, len + 1);
	if (plain[len - 1] == '.') /* the root's dot (RFC 1034 section 3.1) */
		plain[len - 1] = 0;
	while (file && next_line(file, line, &a, &names)) {
		const char *all[LINE_NAMES_MAX];
		size_t count;

		if ((family != AF_UNSPEC && family != a.family) || !has_name(names, plain, all, &count))
			continue;
		add(e, &a, all[0]);
		for (size_t i = 0; i < count; i++)
			add_alias(e, all[i]);
	}
	if (!e->addr_count && is_localhost(plain)) {
		if (family != AF_INET)
			add(e, &loopback6, plain);
		if (family != AF_INET6)
			add(e, &loopback4, plain);
	}
	return e->addr_count > 0;
}

bool hosts_find_entry(FILE *file, const struct hosts_addr *a, struct hosts_entry *e)
{
	char line[LINE_MAX_BYTES], *names, *word;
	struct hosts_addr found;

	memset(e, 0, sizeof(*e));

	while (file && next_line(file, line, &found, &names)) {
		size_t bytes = a->family == AF_INET ? 4 : 16;

		if (found.family != a->family || memcmp(found.addr, a->addr, bytes) != 0)
			continue;
		word = next_word(&names);
		if (!word || strlen(word) >= HOSTS_NAME_MAX)
			continue;
		add(e, a, word);
		while ((word = next_word(&names)))
			add_alias(e, word);
		return true;
	}
	return false;
}

bool hosts_find_addr(FILE *file, const struct hosts_addr *a, char name[HOSTS_NAME_MAX])
{
	struct hosts_entry e;

	if (!hosts_find_entry(file, a, &e))
		return false;
	memcpy(name, e.canonical, sizeof(e.canonical));
	return true;
}
