/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/change.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tools/query.h"

/* ---- Words ---- */

static void read_addr(const struct tool *t, const char *word, struct tapir_addr *to)
{
	*to = (struct tapir_addr){ .addr = { [10] = 0xff, [11] = 0xff } };
	if (inet_pton(AF_INET, word, to->addr + 12) == 1)
		to->family = AF_INET;
	else if (inet_pton(AF_INET6, word, to->addr) == 1)
		to->family = AF_INET6;
	else
		tool_fail(t, EX_USAGE, "'%s' is no address; expected one like 10.77.0.2 or fd77::2", word);
}

/* ADDRESS[/LENGTH]; without one @is_len_needed decides. */
static void read_prefix(const struct tool *t, const char *word, bool is_len_needed, struct tapir_change *c)
{
	const char *slash = strchr(word, '/');
	char addr[64];
	long bits;

	snprintf(addr, sizeof(addr), "%.*s", slash ? (int)(slash - word) : (int)strlen(word), word);
	read_addr(t, addr, &c->addr);
	bits = c->addr.family == AF_INET ? 32 : 128;
	if (!slash && is_len_needed)
		tool_fail(t, EX_USAGE, "'%s' lacks the length of its network; expected one like 10.77.0.2/24", word);
	c->prefix_len = (uint32_t)(slash ? tool_number(t, slash + 1, "a prefix length", 0, bits) : bits);
}

static void read_mac(const struct tool *t, const char *word, uint8_t mac[6])
{
	unsigned b[6];
	int end = 0;

	if (sscanf(word, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5], &end) != 6 || word[end])
		tool_fail(t, EX_USAGE, "'%s' is no link address; expected one like 02:00:5e:10:00:01", word);
	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t)b[i];
}

static void read_ifname(const struct tool *t, const char *word, char to[16])
{
	if (!*word || strlen(word) >= 16)
		tool_fail(t, EX_USAGE, "'%s' is no name of a link; 'tapir link' lists them", word);
	strcpy(to, word);
}

static uint32_t read_seconds(const struct tool *t, const char *word)
{
	if (!strcmp(word, "forever"))
		return UINT32_MAX;
	return (uint32_t)tool_number(t, word, "seconds, or 'forever'", 0, UINT32_MAX - 1L);
}

/* ---- Keywords, and for which kind they are ---- */

enum { FOR_ADDR = 1 << TAPIR_CHANGE_ADDR, FOR_ROUTE = 1 << TAPIR_CHANGE_ROUTE, FOR_NEIGH = 1 << TAPIR_CHANGE_NEIGH,
       FOR_GROUP = 1 << TAPIR_CHANGE_GROUP };

static const struct {
	const char *name;
	int kinds;
} keywords[] = {
	{ "dev", FOR_ADDR | FOR_ROUTE | FOR_NEIGH | FOR_GROUP }, { "valid", FOR_ADDR }, { "preferred", FOR_ADDR },
	{ "via", FOR_ROUTE }, { "metric", FOR_ROUTE }, { "lladdr", FOR_NEIGH },
};
enum { KEYWORDS = sizeof(keywords) / sizeof(keywords[0]) };

static bool is_keyword(enum tapir_change_kind kind, const char *word)
{
	for (size_t i = 0; i < KEYWORDS; i++)
		if (keywords[i].kinds & 1 << kind && !strcmp(word, keywords[i].name))
			return true;
	return false;
}

static void fail_keyword(const struct tool *t, enum tapir_change_kind kind, const char *word)
{
	char list[128] = "";

	for (size_t i = 0; i < KEYWORDS; i++) {
		if (!(keywords[i].kinds & 1 << kind))
			continue;
		strcat(list, *list ? ", " : "");
		strcat(list, keywords[i].name);
	}
	tool_fail(t, EX_USAGE, "unexpected word '%s'; expected one of: %s", word, list);
}

static void read_keyword(const struct tool *t, struct tapir_change *c, const char *word, const char *value)
{
	if (!is_keyword(c->kind, word))
		fail_keyword(t, c->kind, word);
	if (!value)
		tool_fail(t, EX_USAGE, "a value is missing after '%s'", word);
	if (!strcmp(word, "dev"))
		read_ifname(t, value, c->ifname);
	else if (!strcmp(word, "valid"))
		c->valid_s = read_seconds(t, value);
	else if (!strcmp(word, "preferred"))
		c->preferred_s = read_seconds(t, value);
	else if (!strcmp(word, "via"))
		read_addr(t, value, &c->gateway);
	else if (!strcmp(word, "metric"))
		c->metric = (uint32_t)tool_number(t, value, "a metric", 0, UINT32_MAX);
	else
		read_mac(t, value, c->mac);
}

/* Where "default" leads, the router's family tells. */
static void read_object(const struct tool *t, struct tapir_change *c, const char *word)
{
	if (c->kind == TAPIR_CHANGE_ROUTE && !strcmp(word, "default")) {
		c->addr = (struct tapir_addr){ .family = c->gateway.family == AF_INET6 ? AF_INET6 : AF_INET };
		if (c->addr.family == AF_INET)
			c->addr.addr[10] = c->addr.addr[11] = 0xff;
	} else if (c->kind == TAPIR_CHANGE_NEIGH || c->kind == TAPIR_CHANGE_GROUP) {
		read_addr(t, word, &c->addr);
	} else {
		read_prefix(t, word, c->kind == TAPIR_CHANGE_ADDR && !c->is_del, c);
	}
}

bool change_is_asked(const char *word)
{
	return word && (!strcmp(word, "add") || !strcmp(word, "del"));
}

struct tapir_change change_parse(const struct tool *t, enum tapir_change_kind kind, char *const *words)
{
	struct tapir_change c = { .kind = kind, .is_del = !strcmp(words[0], "del"), .valid_s = UINT32_MAX, .preferred_s = UINT32_MAX };
	bool has_mac = false;

	if (!words[1])
		tool_fail(t, EX_USAGE, "nothing to %s; see 'tapir %s --help'", words[0], t->name);
	for (char *const *w = words + 2; *w; w += 2) {
		read_keyword(t, &c, w[0], w[1]);
		has_mac |= !strcmp(w[0], "lladdr");
	}
	if (kind == TAPIR_CHANGE_NEIGH && !c.is_del && !has_mac)
		tool_fail(t, EX_USAGE, "'lladdr XX:XX:XX:XX:XX:XX' is missing");
	if (c.preferred_s > c.valid_s)
		c.preferred_s = c.valid_s;
	read_object(t, &c, words[1]);
	return c;
}

int change_make(const struct tool *t, const struct tapir_change *c)
{
	struct query q = query_open(t);
	struct tapir_change answer = *c;
	int err = query_change(&q, TAPIR_OP_CHANGE, &answer);

	query_close(&q);
	if (err)
		tool_fail(t, EX_DATAERR, "%s", answer.text[0] ? answer.text : strerror(err));
	return tool_finish(t);
}

/* ---- tapir reload ---- */

static const char reload_help[] =
	"Usage: tapir reload [OPTION...]\n"
	"\n"
	"Have the running daemon read its configuration again, as SIGHUP does: its flags, over its configuration file. Addresses,\n"
	"routers, DHCP, tunables, the log's level and the users' limit follow at once; connections that they do not concern go on.\n"
	"Everything else needs a restart, and the daemon's log says so. With a mistake in the file nothing is changed.\n"
	"Only the superuser and the user who started tapird may.\n"
	"\n"
	"Options:\n"
	"  --socket PATH  the daemon's control socket\n"
	"  --help         this text\n";

int cmd_reload(int argc, char **argv)
{
	static const struct option longs[] = { TOOL_COMMON_OPTIONS, { 0 } };
	struct tool t = { .name = "reload", .help = reload_help, .shorts = "", .longs = longs };
	struct tapir_change answer = { 0 };
	struct query q;
	int err;

	while (tool_option(&t, argc, argv) != -1)
		;
	if (optind < argc)
		tool_fail(&t, EX_USAGE, "unexpected argument '%s'; expected nothing", argv[optind]);
	q = query_open(&t);
	err = query_change(&q, TAPIR_OP_RELOAD, &answer);
	query_close(&q);
	if (err)
		tool_fail(&t, EX_CONFIG, "%s; nothing was changed", answer.text[0] ? answer.text : strerror(err));
	return tool_finish(&t);
}
