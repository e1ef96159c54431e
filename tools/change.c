/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/change.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tools/query.h"

/* ---- Words ---- */

/* ADDRESS, and for a link-local one ADDRESS%LINK, which says the link as 'dev' does. */
static void read_addr(const struct tool *t, const char *word, struct tapir_addr *to, char ifname[16])
{
	char text[64];
	const char *scope = strchr(word, '%');

	*to = (struct tapir_addr){ .addr = { [10] = 0xff, [11] = 0xff } };
	snprintf(text, sizeof(text), "%.*s", scope ? (int)(scope - word) : 63, word);
	if (inet_pton(AF_INET, text, to->addr + 12) == 1)
		to->family = AF_INET;
	else if (inet_pton(AF_INET6, text, to->addr) == 1)
		to->family = AF_INET6;
	else
		tool_fail(t, EX_USAGE, "'%s' is no address; expected one like 10.77.0.2, fd77::2 or fe80::2%%tap0", word);
	if (scope)
		change_read_ifname(t, scope + 1, ifname);
}

static const char *length_of(const char *word)
{
	return strchr(word, '/');
}

/* ADDRESS[%LINK][/LENGTH]; without a length it is the whole address, as with ip(8). */
static void read_prefix(const struct tool *t, const char *word, struct tapir_change *c)
{
	const char *slash = length_of(word);
	char addr[96];
	long bits;

	snprintf(addr, sizeof(addr), "%.*s", slash ? (int)(slash - word) : 95, word);
	read_addr(t, addr, &c->addr, c->ifname);
	bits = c->addr.family == AF_INET ? 32 : 128;
	if (slash)
		c->flags |= TAPIR_CHANGE_HAS_LEN;
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

void change_read_ifname(const struct tool *t, const char *word, char to[16])
{
	if (!*word || strlen(word) >= 16)
		tool_fail(t, EX_USAGE, "'%s' is no name of a link; 'tapir link' lists them", word);
	if (*to && strcmp(to, word))
		tool_fail(t, EX_USAGE, "both %s and %s are said to be the link; expected one", to, word);
	strcpy(to, word);
}

/* Also as ip(8) prints them, "600sec". */
static uint32_t read_seconds(const struct tool *t, const char *word)
{
	char number[24];
	size_t n = strlen(word);

	if (!strcmp(word, "forever"))
		return UINT32_MAX;
	if (n > 3 && n - 3 < sizeof(number) && !strcmp(word + n - 3, "sec")) {
		memcpy(number, word, n - 3);
		number[n - 3] = 0;
		word = number;
	}
	return (uint32_t)tool_number(t, word, "seconds, or 'forever'", 0, UINT32_MAX - 1L);
}

static void read_nud(const struct tool *t, const char *word)
{
	if (strcmp(word, "permanent"))
		tool_fail(t, EX_USAGE, "'nud %s' is nothing that can be set; expected 'permanent'", word);
}

static void read_route_proto(const struct tool *t, const char *word)
{
	if (strcmp(word, "static") && strcmp(word, "boot"))
		tool_fail(t, EX_USAGE, "'proto %s' is nothing that can be set; expected 'static'", word);
}

/* ---- Keywords, and for which kind they are ---- */

enum { FOR_ADDR = 1 << TAPIR_CHANGE_ADDR, FOR_ROUTE = 1 << TAPIR_CHANGE_ROUTE, FOR_NEIGH = 1 << TAPIR_CHANGE_NEIGH,
       FOR_GROUP = 1 << TAPIR_CHANGE_GROUP };

enum keyword { KEY_DEV, KEY_VALID, KEY_PREFERRED, KEY_NODAD, KEY_VIA, KEY_METRIC, KEY_SRC, KEY_MTU, KEY_PROTO, KEY_LLADDR, KEY_NUD };

static const struct {
	const char *name, *alias; /* alias: another word for it, or NULL */
	enum keyword key;
	int kinds;
	bool is_alone; /* no value follows */
} keywords[] = {
	{ "dev", NULL, KEY_DEV, FOR_ADDR | FOR_ROUTE | FOR_NEIGH | FOR_GROUP, false },
	{ "valid_lft", "valid", KEY_VALID, FOR_ADDR, false },
	{ "preferred_lft", "preferred", KEY_PREFERRED, FOR_ADDR, false },
	{ "nodad", NULL, KEY_NODAD, FOR_ADDR, true },
	{ "via", NULL, KEY_VIA, FOR_ROUTE, false },
	{ "metric", "preference", KEY_METRIC, FOR_ROUTE, false },
	{ "src", NULL, KEY_SRC, FOR_ROUTE, false },
	{ "mtu", NULL, KEY_MTU, FOR_ROUTE, false },
	{ "proto", "protocol", KEY_PROTO, FOR_ROUTE, false },
	{ "lladdr", NULL, KEY_LLADDR, FOR_NEIGH, false },
	{ "nud", NULL, KEY_NUD, FOR_NEIGH, false },
};
enum { KEYWORDS = sizeof(keywords) / sizeof(keywords[0]) };

static int find_keyword(uint32_t kind, const char *word)
{
	for (int i = 0; i < KEYWORDS; i++)
		if (keywords[i].kinds & 1 << kind && (!strcmp(word, keywords[i].name) || (keywords[i].alias && !strcmp(word, keywords[i].alias))))
			return i;
	return -1;
}

static void __attribute__((noreturn)) fail_keyword(const struct tool *t, uint32_t kind, const char *word)
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

static void read_value(const struct tool *t, struct tapir_change *c, enum keyword key, const char *value)
{
	switch (key) {
	case KEY_DEV:
		change_read_ifname(t, value, c->ifname);
		break;
	case KEY_VALID:
		c->valid_s = read_seconds(t, value);
		break;
	case KEY_PREFERRED:
		c->preferred_s = read_seconds(t, value);
		break;
	case KEY_NODAD:
		c->flags |= TAPIR_CHANGE_NO_DAD;
		break;
	case KEY_VIA:
		read_addr(t, value, &c->gateway, c->ifname);
		break;
	case KEY_METRIC:
		c->metric = (uint32_t)tool_number(t, value, "a metric", 0, UINT32_MAX);
		c->flags |= TAPIR_CHANGE_HAS_METRIC;
		break;
	case KEY_SRC:
		read_addr(t, value, &c->src, c->ifname);
		break;
	case KEY_MTU:
		c->mtu = (uint32_t)tool_number(t, value, "an mtu", 68, 65535);
		break;
	case KEY_PROTO:
		read_route_proto(t, value);
		break;
	case KEY_LLADDR:
		read_mac(t, value, c->mac);
		break;
	case KEY_NUD:
		read_nud(t, value);
		break;
	}
}

/* ---- The whole ---- */

static const char *const route_kinds[] = { "unicast", "blackhole", "unreachable", "prohibit" };

/* The kind of route in front of its destination. Returns how many words it took. */
static int read_route_kind(struct tapir_change *c, const char *word)
{
	for (uint32_t i = 0; c->kind == TAPIR_CHANGE_ROUTE && i < sizeof(route_kinds) / sizeof(route_kinds[0]); i++) {
		if (!strcmp(word, route_kinds[i])) {
			c->route_kind = i;
			return 1;
		}
	}
	return 0;
}

/* Where "default" leads, the router's family tells, or -6. */
void change_read_object(const struct tool *t, struct tapir_change *c, const char *word, bool is_ip6)
{
	uint16_t family = c->gateway.family ? c->gateway.family : c->src.family;

	if (c->kind == TAPIR_CHANGE_ROUTE && (!strcmp(word, "default") || !strcmp(word, "any") || !strcmp(word, "all"))) {
		c->addr = (struct tapir_addr){ .family = family ? family : is_ip6 ? AF_INET6 : AF_INET };
		if (c->addr.family == AF_INET)
			c->addr.addr[10] = c->addr.addr[11] = 0xff;
		c->flags |= TAPIR_CHANGE_HAS_LEN;
	} else if (c->kind == TAPIR_CHANGE_NEIGH || c->kind == TAPIR_CHANGE_GROUP) {
		read_addr(t, word, &c->addr, c->ifname);
	} else {
		read_prefix(t, word, c);
	}
}

static const struct {
	const char *name;
	enum change_verb verb;
	uint32_t how;
	int kinds;
} verbs[] = {
	{ "add", CHANGE_MAKE, TAPIR_CHANGE_NEW, FOR_ADDR | FOR_ROUTE | FOR_NEIGH | FOR_GROUP },
	{ "del", CHANGE_MAKE, 0, FOR_ADDR | FOR_ROUTE | FOR_NEIGH | FOR_GROUP },
	{ "delete", CHANGE_MAKE, 0, FOR_ADDR | FOR_ROUTE | FOR_NEIGH | FOR_GROUP },
	{ "change", CHANGE_MAKE, TAPIR_CHANGE_OLD, FOR_ADDR | FOR_ROUTE | FOR_NEIGH },
	{ "replace", CHANGE_MAKE, TAPIR_CHANGE_REPLACE, FOR_ADDR | FOR_ROUTE | FOR_NEIGH },
	{ "append", CHANGE_MAKE, TAPIR_CHANGE_APPEND, FOR_ROUTE },
	{ "flush", CHANGE_FLUSH, 0, FOR_ADDR | FOR_ROUTE | FOR_NEIGH },
	{ "get", CHANGE_GET, 0, FOR_ROUTE },
	{ "show", CHANGE_SHOW, 0, FOR_ADDR | FOR_ROUTE | FOR_NEIGH | FOR_GROUP },
	{ "list", CHANGE_SHOW, 0, FOR_ADDR | FOR_ROUTE | FOR_NEIGH | FOR_GROUP },
};
enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

enum change_verb change_verb(const struct tool *t, enum tapir_change_kind kind, const char *word)
{
	char list[128] = "";

	if (!word)
		return CHANGE_SHOW;
	for (int i = 0; i < VERBS; i++) {
		if (!(verbs[i].kinds & 1 << kind))
			continue;
		if (!strcmp(word, verbs[i].name))
			return verbs[i].verb;
		strcat(strcat(list, *list ? ", " : ""), verbs[i].name);
	}
	tool_fail(t, EX_USAGE, "unexpected argument '%s'; expected one of: %s, or nothing", word, list);
}

static uint32_t how_of(const char *word)
{
	for (int i = 0; i < VERBS; i++)
		if (!strcmp(word, verbs[i].name))
			return verbs[i].how;
	return TAPIR_CHANGE_NEW;
}

struct tapir_change change_parse(const struct tool *t, enum tapir_change_kind kind, char *const *words, bool is_ip6)
{
	struct tapir_change c = { .kind = kind, .is_del = !strncmp(words[0], "del", 3), .how = how_of(words[0]), .valid_s = UINT32_MAX,
				  .preferred_s = UINT32_MAX };
	char *const *object = words + 1;
	bool has_mac = false;

	if (*object)
		object += read_route_kind(&c, *object);
	if (!*object)
		tool_fail(t, EX_USAGE, "nothing to %s; see 'tapir %s --help'", words[0], t->name);
	for (char *const *w = object + 1; *w; w++) {
		int k = find_keyword(kind, *w);

		if (k < 0)
			fail_keyword(t, kind, *w);
		if (!keywords[k].is_alone && !w[1])
			tool_fail(t, EX_USAGE, "a value is missing after '%s'", *w);
		has_mac |= keywords[k].key == KEY_LLADDR;
		read_value(t, &c, keywords[k].key, w[1]);
		w += !keywords[k].is_alone;
	}
	if (kind == TAPIR_CHANGE_NEIGH && !c.is_del && !has_mac)
		tool_fail(t, EX_USAGE, "'lladdr XX:XX:XX:XX:XX:XX' is missing");
	if (c.preferred_s == UINT32_MAX)
		c.preferred_s = c.valid_s;
	change_read_object(t, &c, *object, is_ip6);
	return c;
}

int change_make(const struct tool *t, const struct tapir_change *c)
{
	struct query q = query_open(t);
	struct tapir_change answer = *c;
	int err = query_change(&q, TAPIR_OP_CHANGE, &answer);

	query_close(&q);
	if (err)
		tool_fail(t, EX_DATAERR, "%s%s%s", strerror(err), answer.text[0] ? ": " : "", answer.text);
	return tool_finish(t);
}

/* ---- tapir route get ---- */

struct tapir_route_req change_parse_get(const struct tool *t, char *const *words)
{
	struct tapir_route_req q = { 0 };

	if (!words[1])
		tool_fail(t, EX_USAGE, "nothing to get; expected an address, like 192.0.2.1");
	read_addr(t, words[1], &q.dst, q.ifname);
	for (char *const *w = words + 2; *w; w += 2) {
		bool is_link = !strcmp(w[0], "dev") || !strcmp(w[0], "oif");

		if (!is_link && strcmp(w[0], "from"))
			tool_fail(t, EX_USAGE, "unexpected word '%s'; expected one of: from, dev", w[0]);
		if (!w[1])
			tool_fail(t, EX_USAGE, "a value is missing after '%s'", w[0]);
		if (is_link)
			change_read_ifname(t, w[1], q.ifname);
		else
			read_addr(t, w[1], &q.src, q.ifname);
	}
	if (q.src.family && q.src.family != q.dst.family)
		tool_fail(t, EX_USAGE, "an address of the same family is expected after 'from'");
	return q;
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
