/* SPDX-License-Identifier: BSD-2-Clause */
/* config.c - see config.h. One table: each key with how its value is read, what is expected of it, and what --help says. A key that
 * may be repeated adds to its list; the first one on the command line replaces what the file gave. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESS_TEXT_MAX = 80 };

struct source {
	const char *file; /* NULL: the command line */
	int line;
};

struct key {
	const char *name;
	const char *arg;      /* what --help calls the value */
	const char *expected; /* what an error asks for */
	const char *help;
	int (*read)(struct config *c, const char *value, const struct source *from); /* 0, -EINVAL, -E2BIG: list full */
	int *(*count)(struct config *c); /* the list's length, for keys that may be repeated */
};

static struct config_link *this_link(struct config *c)
{
	return &c->links[c->link];
}

static int read_word(char *to, size_t room, const char *value)
{
	if (value[0] == '\0' || strlen(value) >= room)
		return -EINVAL;
	strcpy(to, value);
	return 0;
}

static int read_u32(const char *value, uint32_t min, uint32_t max, uint32_t *to)
{
	unsigned long n;
	char *end;

	if (value[0] < '0' || value[0] > '9')
		return -EINVAL;
	errno = 0;
	n = strtoul(value, &end, 10);
	if (errno || *end || n < min || n > max)
		return -EINVAL;
	*to = (uint32_t)n;
	return 0;
}

static int read_name(struct config *c, const char *value, const struct source *from)
{
	(void)from;
	if (strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.") != strlen(value) || value[0] == '.')
		return -EINVAL;
	return read_word(c->name, sizeof(c->name), value);
}

static int find_link(const struct config *c, const char *tap)
{
	for (int i = 0; i < c->link_count; i++)
		if (c->links[i].is_named && strcmp(c->links[i].tap, tap) == 0)
			return i;
	return -1;
}

static void init_link(struct config_link *l)
{
	*l = (struct config_link){ .tap = "tap0", .offload = true };
}

/* Names the first link, or adds another. On the command line, a link of the file is meant by its name, and the first such flag gives the
 * file's only link another name. */
static int read_tap(struct config *c, const char *value, const struct source *from)
{
	bool is_first_flag = !from->file && !c->has_flag_tap;
	int known = find_link(c, value);

	if (strchr(value, '/') || strchr(value, '%') || strchr(value, ' ') || strcmp(value, ".") == 0 || strcmp(value, "..") == 0)
		return -EINVAL;
	c->has_flag_tap = !from->file;
	if (known >= 0) {
		c->link = known;
		return from->file ? -EEXIST : 0;
	}
	if (c->link_count > 1 || (this_link(c)->is_named && !is_first_flag)) {
		if (c->link_count == CONFIG_LINKS_MAX)
			return -E2BIG;
		c->link = c->link_count++;
		init_link(this_link(c));
	}
	this_link(c)->is_named = true;
	return read_word(this_link(c)->tap, sizeof(this_link(c)->tap), value);
}

/* ADDRESS%LINK[/LEN] without the link, which must be the one that the key is about. 0, -ENODEV, -EINVAL. */
static int drop_scope(const struct config *c, const char *value, char to[ADDRESS_TEXT_MAX])
{
	const char *tap = c->links[c->link].tap, *scope = strchr(value, '%'), *rest;

	if (strlen(value) >= ADDRESS_TEXT_MAX)
		return -EINVAL;
	strcpy(to, value);
	if (!scope)
		return 0;
	rest = scope + strcspn(scope, "/");
	if ((size_t)(rest - scope - 1) != strlen(tap) || memcmp(scope + 1, tap, strlen(tap)))
		return -ENODEV;
	strcpy(to + (scope - value), rest);
	return 0;
}

static int read_prefix(const struct config *c, struct ip_prefix *list, int *count, const char *value)
{
	char text[ADDRESS_TEXT_MAX];
	struct ip_prefix p;
	int err = drop_scope(c, value, text);

	if (err < 0)
		return err;
	if (!strchr(text, '/') || ip_prefix_parse(text, &p) < 0 || ip_addr_is_any(&p.addr) || ip_addr_is_multicast(&p.addr))
		return -EINVAL;
	if (*count == CONFIG_LIST_MAX)
		return -E2BIG;
	list[(*count)++] = p;
	return 0;
}

static int read_addr(struct config *c, const char *value, const struct source *from)
{
	(void)from;
	return read_prefix(c, this_link(c)->addrs, &this_link(c)->addr_count, value);
}

static int read_host_addr(struct config *c, const char *value, const struct source *from)
{
	(void)from;
	return read_prefix(c, this_link(c)->host_addrs, &this_link(c)->host_addr_count, value);
}

static int read_gateway(struct config *c, const char *value, const struct source *from)
{
	struct config_link *l = this_link(c);
	char text[ADDRESS_TEXT_MAX];
	struct ip_addr a;
	int err = drop_scope(c, value, text);

	(void)from;
	if (err < 0)
		return err;
	if (ip_addr_parse(text, &a) < 0 || ip_addr_is_any(&a) || ip_addr_is_multicast(&a))
		return -EINVAL;
	if (l->gateway_count == CONFIG_LIST_MAX)
		return -E2BIG;
	l->gateways[l->gateway_count++] = a;
	return 0;
}

static int read_set(struct config *c, const char *value, const struct source *from)
{
	struct config_setting *s = &c->settings[c->setting_count];
	const char *eq = strchr(value, '=');
	size_t name_len;

	if (!eq)
		return -EINVAL;
	if (c->setting_count == CONFIG_LIST_MAX)
		return -E2BIG;
	name_len = (size_t)(eq - value);
	while (name_len && value[name_len - 1] == ' ')
		name_len--;
	eq += 1 + strspn(eq + 1, " ");
	if (name_len == 0 || name_len >= sizeof(s->name) || *eq == '\0' || strlen(eq) >= sizeof(s->value))
		return -EINVAL;
	memcpy(s->name, value, name_len);
	s->name[name_len] = '\0';
	strcpy(s->value, eq);
	if (from->file)
		snprintf(s->where, sizeof(s->where), "%s:%d: ", from->file, from->line);
	else
		s->where[0] = '\0';
	c->setting_count++;
	return 0;
}

static int read_mtu(struct config *c, const char *value, const struct source *from)
{
	(void)from;
	return read_u32(value, 68, 65521, &this_link(c)->mtu);
}

static int read_switch(const char *value, bool *to)
{
	if (strcmp(value, "on") && strcmp(value, "off"))
		return -EINVAL;
	*to = strcmp(value, "on") == 0;
	return 0;
}

static int read_offload(struct config *c, const char *value, const struct source *from)
{
	(void)from;
	return read_switch(value, &this_link(c)->offload);
}

static int read_dhcp(struct config *c, const char *value, const struct source *from)
{
	(void)from;
	return read_switch(value, &this_link(c)->dhcp);
}

static int read_mac(struct config *c, const char *value, const struct source *from)
{
	unsigned b[6];
	int end = 0;

	(void)from;
	if (sscanf(value, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5], &end) != 6 || value[end] ||
	    (b[0] & 1) || !(b[0] | b[1] | b[2] | b[3] | b[4] | b[5]))
		return -EINVAL;
	for (int i = 0; i < 6; i++)
		this_link(c)->mac[i] = (uint8_t)b[i];
	this_link(c)->has_mac = true;
	return 0;
}

static int read_socket(struct config *c, const char *value, const struct source *from)
{
	(void)from;
	return read_word(c->socket, sizeof(c->socket), value);
}

static int read_user(struct config *c, const char *value, const struct source *from)
{
	(void)from;
	return read_word(c->user, sizeof(c->user), value);
}

static int read_user_sockets_max(struct config *c, const char *value, const struct source *from)
{
	(void)from;
	return read_u32(value, 1, 1 << 20, &c->user_sockets_max);
}

static int read_log_level(struct config *c, const char *value, const struct source *from)
{
	(void)from;
	return log_level_parse(value, &c->log_level);
}

static int *count_addrs(struct config *c)
{
	return &this_link(c)->addr_count;
}

static int *count_host_addrs(struct config *c)
{
	return &this_link(c)->host_addr_count;
}

static int *count_gateways(struct config *c)
{
	return &this_link(c)->gateway_count;
}

static int *count_settings(struct config *c)
{
	return &c->setting_count;
}

static const struct key keys[] = {
	{ "name", "NAME", "letters, digits, '_', '-' and '.', at most 31",
	  "what this daemon is called (default \"default\")", read_name, NULL },
	{ "tap", "DEVICE", "an interface name of at most 15 characters, each once",
	  "the TAP device; made if it is not there, and gone again afterwards (default \"tap0\"); may be repeated: addr,\n"
	  "        gateway, dhcp, host-addr, mtu, mac and offload are about the one before them", read_tap, NULL },
	{ "addr", "ADDRESS/LEN", "an IPv4 or IPv6 address with its prefix length, like 10.77.0.2/24 or fd77::2/64",
	  "an address of the stack; may be repeated", read_addr, count_addrs },
	{ "gateway", "ADDRESS", "an IPv4 or IPv6 address, like 10.77.0.1, fd77::1 or fe80::1%tap0",
	  "the default router of its family; may be repeated", read_gateway, count_gateways },
	{ "dhcp", NULL, "on or off",
	  "have the link configured by DHCP for IPv4, and for IPv6 when its routers say so; without an answer, IPv4 takes an\n"
	  "        address of 169.254.0.0/16", read_dhcp, NULL },
	{ "host-addr", "ADDRESS/LEN", "an IPv4 or IPv6 address with its prefix length, like 10.77.0.1/24 or fd77::1/64",
	  "an address for the kernel's side of the TAP, which is brought up; may be repeated", read_host_addr, count_host_addrs },
	{ "mtu", "BYTES", "a number from 68 to 65521",
	  "set the TAP's MTU (default: as it is; later changes of the device are followed)", read_mtu, NULL },
	{ "mac", "XX:XX:XX:XX:XX:XX", "six bytes in hexadecimal with colons between, not a group address",
	  "the stack's Ethernet address (default: made from the names of host, socket and TAP)", read_mac, NULL },
	{ "offload", "on|off", "on or off",
	  "leave checksums and segmentation to the TAP where it takes them on (default on)", read_offload, NULL },
	{ "set", "NAME=VALUE", "NAME=VALUE, like net.ipv4.tcp_sack=1",
	  "set a tunable (`tapir get` lists them); may be repeated", read_set, count_settings },
	{ "socket", "PATH", "a path of at most 107 characters",
	  "where clients connect (default /run/tapir/NAME.sock)", read_socket, NULL },
	{ "user", "NAME", "a user's name",
	  "run as this user once everything is open (default nobody, when started as root)", read_user, NULL },
	{ "user-sockets-max", "N", "a number from 1 to 1048576",
	  "sockets that one user may hold (default: 7 of 8 descriptors)", read_user_sockets_max, NULL },
	{ "log-level", "LEVEL", "error, warning, info or debug",
	  "the least important lines to log (default info)", read_log_level, NULL },
};

enum { KEY_COUNT = sizeof(keys) / sizeof(keys[0]) };
enum { OPTION_CONFIG = KEY_COUNT, OPTION_HELP, OPTION_VERSION, OPTION_COUNT };

static void print_help(void)
{
	printf("Usage: tapird [FLAG...]\n"
	       "\n"
	       "A TCP/IP stack in a process. tapird speaks Ethernet on a TAP device; programs reach it with `tapir run PROGRAM`.\n"
	       "It stays in the foreground and logs to standard error; a line with \"ready\" says that it can serve.\n"
	       "\n"
	       "Example, as root:\n"
	       "  tapird --addr 10.77.0.2/24 --host-addr 10.77.0.1/24 &\n"
	       "  ping 10.77.0.2                                  the kernel talks to the stack\n"
	       "  tapir run curl http://10.77.0.1/                a program on the stack talks to the kernel\n"
	       "Without root, in namespaces of one's own:\n"
	       "  unshare -Urn tapird --socket /tmp/t.sock --addr 10.77.0.2/24 --host-addr 10.77.0.1/24\n"
	       "\n"
	       "Flags:\n");
	for (int i = 0; i < KEY_COUNT; i++)
		printf("  --%s%s%s\n        %s\n", keys[i].name, keys[i].arg ? " " : "", keys[i].arg ? keys[i].arg : "", keys[i].help);
	printf("  --config FILE\n"
	       "        read this file (default %s, if it is there); its lines are KEY = VALUE with the\n"
	       "        names above without the dashes; # and ; start comments; flags win over it\n"
	       "  --help, --version\n"
	       "\n"
	       "Signals: SIGTERM and SIGINT close every connection, remove the TAP and end it with status 0. SIGHUP reads the\n"
	       "configuration again (as `tapir reload`).\n"
	       "Failures end it with a status of <sysexits.h>: 64 a wrong flag, 78 a wrong file, 77 no permission, 69 a device or\n"
	       "name that is taken, 73 a socket that cannot be made.\n",
	       CONFIG_DEFAULT_FILE);
}

static const struct key *find_key(const char *name)
{
	for (int i = 0; i < KEY_COUNT; i++)
		if (strcmp(name, keys[i].name) == 0)
			return &keys[i];
	return NULL;
}

static void explain(char error[CONFIG_ERROR_MAX], const struct config *c, const struct key *key, const struct source *from, const char *value, int why)
{
	char where[CONFIG_WHERE_MAX + 32];

	if (from->file)
		snprintf(where, sizeof(where), "%s:%d: %s = ", from->file, from->line, key->name);
	else
		snprintf(where, sizeof(where), "--%s ", key->name);
	if (why == -E2BIG)
		snprintf(error, CONFIG_ERROR_MAX, "%s%.200s: more than %d values for %s", where, value,
			 key->read == read_tap ? CONFIG_LINKS_MAX : CONFIG_LIST_MAX, key->name);
	else if (why == -ENODEV)
		snprintf(error, CONFIG_ERROR_MAX, "%s%.200s: expected %%%s, the tap that it is about", where, value, c->links[c->link].tap);
	else
		snprintf(error, CONFIG_ERROR_MAX, "%s%.200s: expected %s", where, value, key->expected);
}

void config_init(struct config *c)
{
	*c = (struct config){ .name = "default", .link_count = 1, .log_level = LOG_LEVEL_INFO };
	init_link(&c->links[0]);
}

/* ---- The file ---- */

struct ini_file {
	struct config *config;
	FILE *stream;
	struct source at;
	char *error;
	bool failed;
};

/* fgets(3) for libinih that counts lines (the library doesn't say where it is) and refuses what it would cut in two. */
static char *read_line(char *to, int room, void *ctx)
{
	struct ini_file *f = ctx;
	char *line;

	if (f->failed)
		return NULL;
	line = fgets(to, room, f->stream);
	if (!line)
		return NULL;
	f->at.line++;
	if (strlen(line) == (size_t)room - 1 && line[room - 2] != '\n') {
		snprintf(f->error, CONFIG_ERROR_MAX, "%s:%d: the line is longer than %d characters", f->at.file, f->at.line, room - 2);
		f->failed = true;
		return NULL;
	}
	return line;
}

static int on_ini_value(void *ctx, const char *section, const char *name, const char *value)
{
	struct ini_file *f = ctx;
	const struct key *key = find_key(name);
	int r;

	if (f->failed)
		return 0;
	f->failed = true;
	if (section[0] && strcmp(section, "tapird")) {
		snprintf(f->error, CONFIG_ERROR_MAX, "%s:%d: section [%.60s]: expected none, or [tapird]", f->at.file, f->at.line, section);
		return 0;
	}
	if (!key) {
		snprintf(f->error, CONFIG_ERROR_MAX, "%s:%d: %.60s = %.200s: no such key; `tapird --help` lists them", f->at.file,
			 f->at.line, name, value);
		return 0;
	}
	r = key->read(f->config, value, &f->at);
	if (r < 0) {
		explain(f->error, f->config, key, &f->at, value, r);
		return 0;
	}
	f->failed = false;
	return 1;
}

int config_read_file(struct config *c, const char *path, char error[CONFIG_ERROR_MAX])
{
	struct ini_file f = { .config = c, .at.file = path, .error = error };
	int bad_line;

	f.stream = fopen(path, "re");
	if (!f.stream) {
		snprintf(error, CONFIG_ERROR_MAX, "%s: %s", path, strerror(errno));
		return -1;
	}
	bad_line = ini_parse_stream(read_line, &f, on_ini_value, &f);
	fclose(f.stream);
	if (f.failed)
		return -1;
	if (bad_line) {
		snprintf(error, CONFIG_ERROR_MAX, "%s:%d: expected KEY = VALUE, a [section] or a comment", path, bad_line);
		return -1;
	}
	return 0;
}

/* ---- The command line ---- */

static void make_options(struct option options[OPTION_COUNT + 1])
{
	for (int i = 0; i < KEY_COUNT; i++)
		options[i] = (struct option){ keys[i].name, keys[i].arg ? required_argument : no_argument, NULL, i + 1 };
	options[OPTION_CONFIG] = (struct option){ "config", required_argument, NULL, OPTION_CONFIG + 1 };
	options[OPTION_HELP] = (struct option){ "help", no_argument, NULL, OPTION_HELP + 1 };
	options[OPTION_VERSION] = (struct option){ "version", no_argument, NULL, OPTION_VERSION + 1 };
	options[OPTION_COUNT] = (struct option){ 0 };
}

/* First pass: what comes before reading any file. */
static enum config_result scan_flags(int argc, char **argv, const struct option *options, const char **file,
				     char error[CONFIG_ERROR_MAX])
{
	int o;

	optind = 1;
	opterr = 0;
	while ((o = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (o == ':') {
			snprintf(error, CONFIG_ERROR_MAX, "%.100s: a value is missing; see `tapird --help`", argv[optind - 1]);
			return CONFIG_BAD_USAGE;
		}
		if (o == '?') {
			snprintf(error, CONFIG_ERROR_MAX, "%.100s: no such flag; see `tapird --help`", argv[optind - 1]);
			return CONFIG_BAD_USAGE;
		}
		if (o == OPTION_HELP + 1) {
			print_help();
			return CONFIG_DONE;
		}
		if (o == OPTION_VERSION + 1) {
			printf("tapird %s\n", TAPIR_VERSION);
			return CONFIG_DONE;
		}
		if (o == OPTION_CONFIG + 1)
			*file = optarg;
	}
	if (optind < argc) {
		snprintf(error, CONFIG_ERROR_MAX, "%.100s: tapird takes flags only; see `tapird --help`", argv[optind]);
		return CONFIG_BAD_USAGE;
	}
	return CONFIG_RUN;
}

static enum config_result apply_flags(struct config *c, int argc, char **argv, const struct option *options,
				      char error[CONFIG_ERROR_MAX])
{
	static const struct source command_line;
	bool seen[CONFIG_LINKS_MAX][KEY_COUNT] = { { false } };
	int o, r, link;

	optind = 1;
	c->link = 0;
	while ((o = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		const struct key *key;
		const char *value = optarg ? optarg : "on";

		if (o > KEY_COUNT)
			continue;
		key = &keys[o - 1];
		link = key->count == count_settings ? 0 : c->link;
		if (!seen[link][o - 1] && key->count)
			*key->count(c) = 0;
		seen[link][o - 1] = true;
		r = key->read(c, value, &command_line);
		if (r < 0) {
			explain(error, c, key, &command_line, value, r);
			return CONFIG_BAD_USAGE;
		}
	}
	return CONFIG_RUN;
}

enum config_result config_load(struct config *c, int argc, char **argv, char error[CONFIG_ERROR_MAX])
{
	struct option options[OPTION_COUNT + 1];
	const char *file = NULL;
	enum config_result result;
	FILE *probe;

	config_init(c);
	make_options(options);
	result = scan_flags(argc, argv, options, &file, error);
	if (result != CONFIG_RUN)
		return result;
	if (!file) {
		probe = fopen(CONFIG_DEFAULT_FILE, "re");
		if (probe) {
			fclose(probe);
			file = CONFIG_DEFAULT_FILE;
		}
	}
	if (file && config_read_file(c, file, error) < 0)
		return CONFIG_BAD_FILE;
	result = apply_flags(c, argc, argv, options, error);
	if (result == CONFIG_RUN && c->socket[0] == '\0')
		snprintf(c->socket, sizeof(c->socket), "/run/tapir/%s.sock", c->name);
	return result;
}
