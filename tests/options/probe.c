/* SPDX-License-Identifier: BSD-2-Clause */
/* probe.c - asks every socket option of option_table.c for every answer, and prints them: on the kernel, or under `tapir run` on the stack.
 *
 *	probe           one line an answer: KIND STATE OPTION CALL, a tab, what came back
 *	probe --table   the table, a row a line, for who compares two of these
 *	probe --markdown  the table as client-lib/OPTIONS.md
 *
 * Needs: the loopback, root. A row's socket is fresh; what was set stays for the next value, so that a failed call that changed something
 * shows. */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client-lib/option_names.h"
#include "client-lib/option_table.h"

enum { VALUE_BYTES_MAX = 512, PROTOCOL_FOR_TESTS = 253 };

struct kind {
	const char *name;
	int family, type, protocol;
	uint8_t on;
};

static const struct kind kinds[] = {
	{ "tcp4", AF_INET, SOCK_STREAM, 0, OPTION_ON_TCP },
	{ "tcp6", AF_INET6, SOCK_STREAM, 0, OPTION_ON_TCP },
	{ "udp4", AF_INET, SOCK_DGRAM, 0, OPTION_ON_UDP },
	{ "udp6", AF_INET6, SOCK_DGRAM, 0, OPTION_ON_UDP },
	{ "ping4", AF_INET, SOCK_DGRAM, IPPROTO_ICMP, OPTION_ON_PING },
	{ "ping6", AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6, OPTION_ON_PING },
	{ "icmp4", AF_INET, SOCK_RAW, IPPROTO_ICMP, OPTION_ON_RAW },
	{ "icmp6", AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, OPTION_ON_RAW },
	{ "raw4", AF_INET, SOCK_RAW, PROTOCOL_FOR_TESTS, OPTION_ON_RAW },
	{ "raw6", AF_INET6, SOCK_RAW, PROTOCOL_FOR_TESTS, OPTION_ON_RAW },
};

static void die(const char *what)
{
	fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* ---- One call ---- */

struct subject {
	const struct kind *kind;
	const char *state;
	const struct option_row *row;
	int fd;
};

static void print_key(const struct subject *s)
{
	printf("%s %s %s %s ", s->kind->name, s->state, option_level_text(s->row->level), s->row->text);
}

static void print_error(void)
{
	printf("\t%s\n", strerrorname_np(errno));
}

static void get(const struct subject *s, int room)
{
	unsigned char value[VALUE_BYTES_MAX];
	socklen_t len = (socklen_t)room;

	memset(value, 0xee, sizeof(value));
	print_key(s);
	printf("get %d", room);
	if (getsockopt(s->fd, s->row->level, s->row->name, value, &len) < 0) {
		print_error();
		return;
	}
	printf("\tok");
	if (!s->row->is_fickle)
		printf(" %u", len);
	for (unsigned i = 0; !s->row->is_fickle && i < len && i < sizeof(value); i++)
		printf("%s%02x", i % 4 ? "" : " ", value[i]);
	printf("\n");
}

static void set(const struct subject *s, const char *what, const void *value, socklen_t len)
{
	print_key(s);
	printf("set %s", what);
	if (setsockopt(s->fd, s->row->level, s->row->name, value, len) < 0)
		print_error();
	else
		printf("\tok\n");
}

static int is_int(const struct option_row *row)
{
	return strstr(row->value, "int") == row->value || strcmp(row->value, "uint32_t") == 0 || strcmp(row->value, "unsigned int") == 0;
}

static void set_and_get(const struct subject *s, int value)
{
	char what[32];

	snprintf(what, sizeof(what), "%d", value);
	set(s, what, &value, sizeof(value));
	get(s, is_int(s->row) ? (int)sizeof(value) : 256);
}

/* ---- Values ---- */

static const int ints[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 63, 87, 88, 127, 128, 129, 200, 255, 256, 257, 999, 1279, 1280, 4096, 32767, 32768,
			    65535, 65536, 120000, 1 << 20, 0x01000000, 0x02000000, INT_MAX, INT_MIN, -2, -1, 0x00020001, (int)0xc3509c40, 0 };

struct text_value {
	int level, name;
	const char *text;
};

static const struct text_value text_values[] = {
	{ SOL_SOCKET, SO_BINDTODEVICE, "lo" },	    { SOL_SOCKET, SO_BINDTODEVICE, "nosuch0" },
	{ SOL_SOCKET, SO_BINDTODEVICE, "a-name-that-is-longer-than-any" },
	{ IPPROTO_TCP, TCP_CONGESTION, "reno" },    { IPPROTO_TCP, TCP_CONGESTION, "nosuch" },
	{ IPPROTO_TCP, TCP_ULP, "nosuch" },
};

static const struct linger lingers[] = { { 1, 5 }, { 0, 7 }, { 1, 0 }, { -1, 3 }, { 0, 0 } };
static const struct timeval times[] = { { 1, 500000 }, { 0, 999999 }, { 0, 1000000 }, { 0, -1 }, { -1, 0 }, { 0, 1 }, { 0, 0 } };

static void set_structs(const struct subject *s)
{
	static const unsigned char zeros[VALUE_BYTES_MAX];
	char what[64];

	for (socklen_t len = 1; len <= 64; len = len < 8 ? len + 1 : len * 2) {
		snprintf(what, sizeof(what), "zeros/%u", len);
		set(s, what, zeros, len);
	}
	for (size_t i = 0; i < sizeof(text_values) / sizeof(text_values[0]); i++) {
		const struct text_value *v = &text_values[i];

		if (v->level != s->row->level || v->name != s->row->name)
			continue;
		set(s, v->text, v->text, (socklen_t)strlen(v->text));
		get(s, 64);
		get(s, 2);
	}
	for (size_t i = 0; s->row->name == SO_LINGER && s->row->level == SOL_SOCKET && i < sizeof(lingers) / sizeof(lingers[0]); i++) {
		snprintf(what, sizeof(what), "linger %d %d", lingers[i].l_onoff, lingers[i].l_linger);
		set(s, what, &lingers[i], sizeof(lingers[i]));
		get(s, 64);
	}
	for (size_t i = 0; strstr(s->row->value, "timeval") && i < sizeof(times) / sizeof(times[0]); i++) {
		snprintf(what, sizeof(what), "time %ld.%ld", (long)times[i].tv_sec, (long)times[i].tv_usec);
		set(s, what, &times[i], sizeof(times[i]));
		get(s, 64);
	}
}

/* ---- A fresh socket of each kind ---- */

/* The option's level is one that the socket has: elsewhere Linux says so before it looks at the length. */
static int is_at_home(const struct kind *kind, const struct option_row *row)
{
	return row->on & kind->on && kind->on != OPTION_ON_RAW && (row->level != IPPROTO_IPV6 || kind->family == AF_INET6);
}

static void try_fresh(const struct kind *kind, const struct option_row *row)
{
	static const int rooms[] = { 256, 4, 0, 1, 2, 3, 5, 8, 16, -1 };
	static const int lens[] = { 0, 1, 2, 3, 5, 8 };
	struct subject s = { kind, "fresh", row, socket(kind->family, kind->type, kind->protocol) };
	int one = 1, eight[2] = { 1, 0 };

	if (s.fd < 0)
		die(kind->name);
	for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++)
		if (rooms[i] >= 0 || is_at_home(kind, row))
			get(&s, rooms[i]);
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		char what[32];

		snprintf(what, sizeof(what), "1/%d", lens[i]);
		set(&s, what, lens[i] > 4 ? eight : &one, (socklen_t)lens[i]);
		get(&s, is_int(row) ? 4 : 64);
	}
	if (is_int(row))
		for (size_t i = 0; i < sizeof(ints) / sizeof(ints[0]); i++)
			set_and_get(&s, ints[i]);
	else
		set_structs(&s);
	get(&s, 1);
	get(&s, 3);
	close(s.fd);
}

/* ---- Connected ones, and what accepted ones inherit ---- */

union address {
	struct sockaddr any;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

static void local_address(const struct kind *kind, union address *a, socklen_t *len)
{
	memset(a, 0, sizeof(*a));
	a->any.sa_family = (sa_family_t)kind->family;
	*len = kind->family == AF_INET ? sizeof(a->in4) : sizeof(a->in6);
	if (kind->family == AF_INET)
		a->in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		a->in6.sin6_addr = in6addr_loopback;
}

static int bound(const struct kind *kind, union address *a, socklen_t *len)
{
	int fd = socket(kind->family, kind->type, kind->protocol);

	local_address(kind, a, len);
	if (fd < 0 || bind(fd, &a->any, *len) < 0 || getsockname(fd, &a->any, len) < 0)
		die("bind");
	return fd;
}

/* Whose number no packet would come over, were it not the loopback's. */
static int names_a_link(const struct option_row *row)
{
	return row->level == SOL_SOCKET && row->name == SO_BINDTOIFINDEX;
}

/* On the loopback packets come with a TTL of 64: a connection must not need more. */
static int is_fit_for_listener(const struct option_row *row, int value)
{
	if (names_a_link(row))
		return value == 1;
	return value < 64 || !((row->level == IPPROTO_IP && row->name == IP_MINTTL) ||
			       (row->level == IPPROTO_IPV6 && row->name == IPV6_MINHOPCOUNT));
}

/* A buffer that nobody has set follows the connection. */
static int is_tuned(const struct subject *s)
{
	return s->kind->on == OPTION_ON_TCP && s->row->level == SOL_SOCKET && (s->row->name == SO_SNDBUF || s->row->name == SO_RCVBUF);
}

static void try_states(const struct subject *s)
{
	static const int few[] = { 0, 1, 2, 7, 100, 1000, 5000, 0, -1 }; /* the last two: so that the connection can end */

	if (!is_tuned(s)) {
		get(s, 256);
		get(s, 4);
	}
	for (size_t i = 0; is_int(s->row) && !names_a_link(s->row) && i < sizeof(few) / sizeof(few[0]); i++)
		set_and_get(s, few[i]);
}

/* A value of each is set before listen(); the connection that is accepted shows it or does not. */
static void try_tcp(const struct kind *kind, const struct option_row *row)
{
	static const int values[] = { 1, 3, 100, 5000 };
	union address a;
	socklen_t len;
	struct subject listener = { kind, "listening", row, bound(kind, &a, &len) };
	struct subject client = { kind, "connected", row, socket(kind->family, SOCK_STREAM, 0) };
	struct subject accepted = { kind, "accepted", row, -1 };
	struct linger linger = { 1, 5 };

	for (size_t i = 0; is_int(row) && i < sizeof(values) / sizeof(values[0]); i++)
		if (is_fit_for_listener(row, values[i]))
			setsockopt(listener.fd, row->level, row->name, &values[i], sizeof(values[i]));
	if (row->level == SOL_SOCKET && row->name == SO_LINGER)
		setsockopt(listener.fd, row->level, row->name, &linger, sizeof(linger));
	if (row->level == SOL_SOCKET && row->name == SO_BINDTODEVICE)
		setsockopt(listener.fd, row->level, row->name, "lo", 2);
	if (listen(listener.fd, 4) < 0)
		die("listen");
	get(&listener, 256);
	if (connect(client.fd, &a.any, len) < 0)
		die("connect");
	if ((row->level == IPPROTO_TCP && row->name == TCP_DEFER_ACCEPT) && write(client.fd, "x", 1) != 1)
		die("write");
	accepted.fd = accept(listener.fd, NULL, NULL);
	if (accepted.fd < 0)
		die("accept");
	get(&accepted, 256);
	try_states(&client);
	try_states(&listener);
	close(client.fd);
	close(accepted.fd);
	close(listener.fd);
}

static void try_udp(const struct kind *kind, const struct option_row *row)
{
	union address a;
	socklen_t len;
	struct subject s = { kind, "bound", row, bound(kind, &a, &len) };

	try_states(&s);
	s.state = "connected";
	if (connect(s.fd, &a.any, len) < 0)
		die("connect");
	try_states(&s);
	close(s.fd);
}

static void try_all(void)
{
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		for (size_t i = 0; i < option_table_count; i++) {
			try_fresh(&kinds[k], &option_table[i]);
			if (kinds[k].on == OPTION_ON_TCP)
				try_tcp(&kinds[k], &option_table[i]);
			else if (kinds[k].on == OPTION_ON_UDP)
				try_udp(&kinds[k], &option_table[i]);
		}
	}
}

/* ---- The table ---- */

static void print_table(void)
{
	for (size_t i = 0; i < option_table_count; i++) {
		const struct option_row *r = &option_table[i];

		printf("%s\t%s\t%d\t%d\t%s\t%s\t%d.%d\n", option_level_text(r->level), r->text, r->on, r->answer,
		       r->refused_set ? strerrorname_np(r->refused_set) : "-", r->refused_get ? strerrorname_np(r->refused_get) : "-",
		       r->since >> 8, r->since & 255);
	}
}

static const char *on_text(const struct option_row *r)
{
	static char text[64];
	static const char *const names[] = { "TCP", "UDP", "ping", "raw" };

	text[0] = 0;
	if (r->on == OPTION_ON_ALL)
		return "all";
	for (int i = 0; i < 4; i++)
		if (r->on & 1 << i)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", *text ? ", " : "", names[i]);
	return text;
}

static void print_answer(const struct option_row *r)
{
	if (r->answer != OPTION_REFUSED)
		printf("%s", r->answer == OPTION_REAL ? "real" : "emulated");
	else if (!r->refused_get)
		printf("refused to set: `%s`", strerrorname_np(r->refused_set));
	else
		printf("refused: `%s`", strerrorname_np(r->refused_set));
}

static const char markdown_head[] =
	"# Socket options\n"
	"\n"
	"Every option that Linux has for sockets of the internet, and what this stack makes of it. This page is printed from\n"
	"[option_table.c](option_table.c) (`build/tests/options/probe --markdown >client-lib/OPTIONS.md`); a test compares them, and compares the\n"
	"stack with the kernel: every option, on every kind of socket, with values in and out of range, lengths too short and too long.\n"
	"No difference is allowed but those that are named here.\n"
	"\n"
	"- **real**: does what it does on Linux.\n"
	"- **emulated**: set, checked and shown as on Linux; what it would change there cannot happen here, for the reason given.\n"
	"- **refused**: the call fails with that errno. Refused to set: it can still be read, and shows Linux's default.\n"
	"\n"
	"An option that is not here, or on another kind of socket than here, is refused as Linux refuses it: `ENOPROTOOPT`, mostly.\n"
	"`tapir run --report` tells what a program asked for and did not get, `tapir run --strict` tells at once and fails the run.\n"
	"\"Privilege\" is the right that tapird gives to uid 0 and to the user who started it.\n"
	"Accepted connections inherit from the listener what they inherit on Linux.\n";

static void print_markdown(void)
{
	const char *level = "";

	fputs(markdown_head, stdout);
	for (size_t i = 0; i < option_table_count; i++) {
		const struct option_row *r = &option_table[i];

		if (strcmp(level, option_level_text(r->level))) {
			level = option_level_text(r->level);
			printf("\n## %s\n\n| option | value | sockets | answer | remarks |\n|---|---|---|---|---|\n", level);
		}
		printf("| `%s` | %s | %s | ", r->text, r->value, on_text(r));
		print_answer(r);
		printf(" | %s |\n", r->remark ? r->remark : "");
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--table") == 0)
		print_table();
	else if (argc == 2 && strcmp(argv[1], "--markdown") == 0)
		print_markdown();
	else if (argc == 1)
		try_all();
	else
		return 64;
	return 0;
}
