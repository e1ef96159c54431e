/* SPDX-License-Identifier: BSD-2-Clause */
/* getaddrinfo(3), with glibc's answers where POSIX leaves room: literals, services, hosts(5), and the order of RFC 6724. The resolver's
 * place is ask_resolver(), where a name that the file does not know ends. */
#include "client-lib/addrinfo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client-lib/addr_sort.h"
#include "client-lib/backend.h"
#include "client-lib/include/tapir/socket.h"
#include "client-lib/real.h"
#include "client-lib/view.h"

__attribute__((weak)) void addrinfo_on_unknown(const char *name)
{
	(void)name;
}

/* There is none yet. "Failed for good" makes a program give up at once, and does not claim that the name does not exist. */
static int ask_resolver(const char *name, int family, struct hosts_entry *e)
{
	(void)family;
	(void)e;
	addrinfo_on_unknown(name);
	return EAI_FAIL;
}

/* ---- Hosts ---- */

/* RFC 4007 section 11: a number, or, where the scope is a link, an interface's name. */
static uint32_t parse_scope(const char *text, const uint8_t addr[16])
{
	struct in6_addr in6;
	unsigned long v;
	char *end;

	memcpy(&in6, addr, sizeof(in6));
	if (IN6_IS_ADDR_LINKLOCAL(&in6) || IN6_IS_ADDR_MC_LINKLOCAL(&in6)) {
		uint32_t ifindex = tapir_if_nametoindex(text);

		if (ifindex)
			return ifindex;
	}
	v = *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : 0;
	return v && !*end && v <= UINT32_MAX ? (uint32_t)v : 0;
}

/* 0, EAI_ADDRFAMILY: a literal of the other family; or EAI_NONAME: none, or one with a scope that there is not. */
static int resolve_literal(const char *name, int family, struct hosts_entry *e)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct hosts_addr *a = &e->addrs[0];
	const char *scope;

	if (!hosts_parse_addr(name, a, &scope))
		return EAI_NONAME;
	if (family == AF_INET && a->family == AF_INET6 && !scope && memcmp(a->addr, mapped, sizeof(mapped)) == 0) {
		memmove(a->addr, a->addr + 12, 4);
		memset(a->addr + 4, 0, 12);
		a->family = AF_INET;
	}
	if (family != AF_UNSPEC && family != a->family)
		return EAI_ADDRFAMILY;
	if (scope) {
		a->scope_id = parse_scope(scope, a->addr);
		if (!a->scope_id)
			return EAI_NONAME;
	}
	snprintf(e->canonical, sizeof(e->canonical), "%s", name);
	e->addr_count = 1;
	return 0;
}

/* Known, though not in the family that is asked for. */
static bool is_in_hosts(const char *name)
{
	FILE *file = fopen(HOSTS_PATH, "re");
	struct hosts_entry e = { .addr_count = 0 };
	bool is_found = hosts_find_name(file, name, AF_UNSPEC, &e);

	if (file)
		fclose(file);
	return is_found;
}

int addrinfo_resolve(const char *name, int family, int flags, struct hosts_entry *e)
{
	FILE *file;
	int error;

	memset(e, 0, sizeof(*e));
	error = resolve_literal(name, family, e);
	if (error != EAI_NONAME || flags & AI_NUMERICHOST || !*name || strchr(name, '%'))
		return error;
	file = fopen(HOSTS_PATH, "re");
	hosts_find_name(file, name, family, e);
	if (file)
		fclose(file);
	if (e->addr_count)
		return 0;
	return family != AF_UNSPEC && is_in_hosts(name) ? EAI_NONAME : ask_resolver(name, family, e);
}

/* ---- The order ---- */

/* The stack's own addresses, as far as the order of others depends on them. */
struct own_addr {
	uint8_t addr[16];
	uint8_t bits;
	bool is_deprecated;
};
struct own_addrs {
	struct own_addr addrs[64];
	size_t count;
};

static bool note_own(void *ctx, const struct tapir_addr_rec *r)
{
	struct own_addrs *own = ctx;
	struct own_addr *a = &own->addrs[own->count];

	if (own->count == sizeof(own->addrs) / sizeof(own->addrs[0]))
		return false;
	memcpy(a->addr, r->addr.addr, 16);
	a->bits = (uint8_t)(r->prefix_len + (r->addr.family == AF_INET ? 96 : 0));
	a->is_deprecated = strncmp(r->state, "deprecated", sizeof(r->state)) == 0;
	own->count++;
	return true;
}

static void to_wire(const struct hosts_addr *a, struct tapir_addr *to)
{
	*to = (struct tapir_addr){ .family = (uint16_t)a->family, .scope_id = a->scope_id };
	if (a->family == AF_INET) {
		to->addr[10] = to->addr[11] = 0xff;
		memcpy(to->addr + 12, a->addr, 4);
	} else {
		memcpy(to->addr, a->addr, 16);
	}
}

static bool is_loopback(const struct tapir_addr *a)
{
	static const uint8_t loopback4[16] = { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 }, loopback6[16] = { [15] = 1 };

	return memcmp(a->addr, loopback4, 16) == 0 || memcmp(a->addr, loopback6, 16) == 0;
}

static bool is_linklocal(const struct hosts_addr *a)
{
	return a->addr[0] == 0xfe && (a->addr[1] & 0xc0) == 0x80;
}

static void find_source(const struct hosts_addr *a, const struct own_addrs *own, struct sort_addr *s)
{
	struct tapir_addr dst, source;

	to_wire(a, &dst);
	memcpy(s->dst, dst.addr, 16);
	/* To connect to the wildcard is to connect to loopback (ip(7)), as which of them glibc sees it too. */
	if (memcmp(dst.addr + 12, "\0\0\0\0", 4) == 0 && (a->family == AF_INET || memcmp(dst.addr, "\0\0\0\0\0\0\0\0\0\0\0\0", 12) == 0)) {
		dst.addr[12] = a->family == AF_INET ? 127 : 0;
		dst.addr[15] = 1;
	}
	/* Loopback talks to itself; a link-local address leads nowhere without its link. */
	source = dst;
	s->has_source = is_loopback(&dst) || ((a->family == AF_INET || a->scope_id || !is_linklocal(a)) && view_source(&dst, &source));
	s->source_bits = 128;
	if (!s->has_source)
		return;
	memcpy(s->source, source.addr, 16);
	for (size_t i = 0; i < own->count; i++) {
		if (memcmp(own->addrs[i].addr, source.addr, 16) == 0) {
			s->source_bits = own->addrs[i].bits;
			s->is_deprecated = own->addrs[i].is_deprecated;
		}
	}
}

static void sort_addrs(struct hosts_entry *e)
{
	struct sort_addr order[HOSTS_ADDRS_MAX] = { 0 };
	struct hosts_addr sorted[HOSTS_ADDRS_MAX];
	struct own_addrs own = { .count = 0 };
	struct gai_conf conf;
	FILE *file;

	if (e->addr_count < 2)
		return;
	view_addrs(note_own, &own); /* without it the order is only less fine */
	for (size_t i = 0; i < e->addr_count; i++) {
		order[i].index = i;
		find_source(&e->addrs[i], &own, &order[i]);
	}
	file = fopen(GAI_CONF_PATH, "re");
	gai_conf_read(file, &conf);
	if (file)
		fclose(file);
	addr_sort(order, e->addr_count, &conf);
	for (size_t i = 0; i < e->addr_count; i++)
		sorted[i] = e->addrs[order[i].index];
	memcpy(e->addrs, sorted, e->addr_count * sizeof(sorted[0]));
}

/* ---- Services ---- */

enum transport_flag { ANY_PROTOCOL = 1, NO_SERVICES = 2, BY_DEFAULT = 4 };

struct transport {
	int type, protocol;
	unsigned flags;	  /* enum transport_flag */
	const char *name; /* in services(5) */
};

/* As glibc has it; of a type or protocol that is asked for, the first counts. */
static const struct transport transports[] = {
	{ SOCK_STREAM, IPPROTO_TCP, BY_DEFAULT, "tcp" },
	{ SOCK_DGRAM, IPPROTO_UDP, BY_DEFAULT, "udp" },
	{ SOCK_DCCP, IPPROTO_DCCP, 0, "dccp" },
	{ SOCK_DGRAM, IPPROTO_UDPLITE, 0, "udplite" },
	{ SOCK_STREAM, IPPROTO_SCTP, 0, "sctp" },
	{ SOCK_SEQPACKET, IPPROTO_SCTP, 0, "sctp" },
	{ SOCK_RAW, 0, ANY_PROTOCOL | NO_SERVICES | BY_DEFAULT, "raw" },
};
enum { TRANSPORT_COUNT = sizeof(transports) / sizeof(transports[0]) };

/* A way to use an address: with which type, protocol and port. */
struct way {
	int type, protocol;
	uint16_t port;
};

static bool is_wanted(const struct transport *t, const struct addrinfo *hints)
{
	if (!hints->ai_socktype && !hints->ai_protocol)
		return t->flags & BY_DEFAULT;
	if (hints->ai_socktype && hints->ai_socktype != t->type)
		return false;
	return !hints->ai_protocol || t->flags & ANY_PROTOCOL || hints->ai_protocol == t->protocol;
}

static bool find_service(const char *service, const struct transport *t, uint16_t *port)
{
	struct servent entry, *found = NULL;
	char buf[2048];

	if (t->flags & NO_SERVICES || getservbyname_r(service, t->name, &entry, buf, sizeof(buf), &found) != 0 || !found)
		return false;
	*port = ntohs((uint16_t)entry.s_port);
	return true;
}

/* *number: what @service says, of which neither sign nor size is looked at; negative, it is looked up as a name. All as in glibc.
 * 0 or EAI_NONAME. */
static int read_service(const char *service, int flags, int *number)
{
	char *end;

	*number = 0;
	if (!service)
		return 0;
	*number = (int)strtoul(service, &end, 10);
	if (!*end)
		return 0;
	*number = -1;
	return flags & AI_NUMERICSERV ? EAI_NONAME : 0;
}

/* Returns 0 or an EAI_ code. */
static int find_ways(const char *service, const struct addrinfo *hints, struct way ways[TRANSPORT_COUNT], size_t *count)
{
	bool is_free = !hints->ai_socktype && !hints->ai_protocol, is_any_wanted = false;
	int number, error = read_service(service, hints->ai_flags, &number);

	*count = 0;
	if (error)
		return error;
	for (size_t i = 0; i < TRANSPORT_COUNT && (is_free || !is_any_wanted); i++) {
		const struct transport *t = &transports[i];
		uint16_t port = (uint16_t)number;

		if (!is_wanted(t, hints))
			continue;
		is_any_wanted = true;
		if (service && !is_free && t->flags & NO_SERVICES)
			return EAI_SERVICE;
		if (number < 0 && !find_service(service, t, &port))
			continue;
		ways[(*count)++] = (struct way){ t->type, t->flags & ANY_PROTOCOL ? hints->ai_protocol : t->protocol, port };
	}
	if (!is_any_wanted)
		return hints->ai_socktype ? EAI_SOCKTYPE : EAI_SERVICE;
	return *count ? 0 : EAI_SERVICE;
}

/* ---- Results ---- */

/* One allocation a result, its address behind it, its name apart: as glibc has it, so that either freeaddrinfo(3) frees it. */
static struct addrinfo *make_result(const struct hosts_addr *a, const struct way *way)
{
	struct addrinfo *ai = calloc(1, sizeof(*ai) + sizeof(struct sockaddr_in6));

	if (!ai)
		return NULL;
	ai->ai_family = a->family;
	ai->ai_socktype = way->type;
	ai->ai_protocol = way->protocol;
	ai->ai_addr = (struct sockaddr *)(ai + 1);
	if (a->family == AF_INET) {
		struct sockaddr_in in4 = { .sin_family = AF_INET, .sin_port = htons(way->port) };

		memcpy(&in4.sin_addr, a->addr, sizeof(in4.sin_addr));
		memcpy(ai->ai_addr, &in4, sizeof(in4));
		ai->ai_addrlen = sizeof(in4);
	} else {
		struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(way->port), .sin6_scope_id = a->scope_id };

		memcpy(&in6.sin6_addr, a->addr, sizeof(in6.sin6_addr));
		memcpy(ai->ai_addr, &in6, sizeof(in6));
		ai->ai_addrlen = sizeof(in6);
	}
	return ai;
}

void tapir_freeaddrinfo(struct addrinfo *list)
{
	if (backend_is_kernel_already()) {
		tapir_real.freeaddrinfo(list);
		return;
	}
	while (list) {
		struct addrinfo *next = list->ai_next;

		free(list->ai_canonname);
		free(list);
		list = next;
	}
}

/* Every address in every way. */
static int make_results(const struct hosts_entry *e, const struct way *ways, size_t way_count, const struct addrinfo *hints,
			struct addrinfo **result)
{
	struct addrinfo *list = NULL, **tail = &list;
	bool is_short = false;

	for (size_t i = 0; !is_short && i < e->addr_count; i++) {
		for (size_t k = 0; !is_short && k < way_count; k++) {
			*tail = make_result(&e->addrs[i], &ways[k]);
			is_short = !*tail;
			if (*tail) {
				(*tail)->ai_flags = hints->ai_flags;
				tail = &(*tail)->ai_next;
			}
		}
	}
	if (list && hints->ai_flags & AI_CANONNAME) {
		list->ai_canonname = strdup(e->canonical);
		is_short |= !list->ai_canonname;
	}
	if (is_short) {
		tapir_freeaddrinfo(list);
		return EAI_MEMORY;
	}
	*result = list;
	return 0;
}

/* No node: the wildcard to bind to, or loopback to connect to. Which comes first is RFC 6724's choice: 0.0.0.0, and ::1. */
static void no_node(int family, int flags, struct hosts_entry *e)
{
	struct hosts_addr v4 = { .family = AF_INET }, v6 = { .family = AF_INET6 };

	memset(e, 0, sizeof(*e));
	if (!(flags & AI_PASSIVE)) {
		v4.addr[0] = 127;
		v4.addr[3] = 1;
		v6.addr[15] = 1;
	}
	if (family != AF_INET)
		e->addrs[e->addr_count++] = v6;
	if (family != AF_INET6)
		e->addrs[e->addr_count++] = v4;
}

/* RFC 3493 section 6.1: IPv4 addresses in IPv6 form, when no others were found, or as well (AI_ALL). */
static void map_to_v6(struct hosts_entry *e)
{
	for (size_t i = 0; i < e->addr_count; i++) {
		struct hosts_addr *a = &e->addrs[i];

		if (a->family != AF_INET)
			continue;
		memcpy(a->addr + 12, a->addr, 4);
		memset(a->addr, 0, 10);
		a->addr[10] = a->addr[11] = 0xff;
		a->family = AF_INET6;
	}
}

static int resolve_node(const char *node, int family, int flags, struct hosts_entry *e)
{
	bool may_map = family == AF_INET6 && flags & AI_V4MAPPED;
	int error = addrinfo_resolve(node, may_map && flags & AI_ALL ? AF_UNSPEC : family, flags, e);

	if (error && may_map && !(flags & AI_ALL) && addrinfo_resolve(node, AF_INET, flags, e) == 0)
		error = 0;
	if (!error && may_map)
		map_to_v6(e);
	return error;
}

/* AI_ADDRCONFIG as glibc has it: literals too. *family: narrowed to the only one that there is. 0 or EAI_NONAME. */
static int narrow_family(int *family)
{
	struct view_families have = view_families();

	if (*family == AF_UNSPEC && have.ipv4 != have.ipv6)
		*family = have.ipv4 ? AF_INET : AF_INET6;
	if ((*family == AF_INET && !have.ipv4) || (*family == AF_INET6 && !have.ipv6))
		return EAI_NONAME;
	return 0;
}

static int check_hints(const char *node, const char *service, const struct addrinfo *hints)
{
	static const int flags = AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_V4MAPPED | AI_ALL | AI_ADDRCONFIG |
				 AI_NUMERICSERV | 0x40 | 0x80 | 0x100 | 0x200; /* AI_IDN and its kin: plain ASCII stays as it is */

	if (!node && !service)
		return EAI_NONAME;
	if (hints->ai_flags & ~flags || (hints->ai_flags & AI_CANONNAME && !node))
		return EAI_BADFLAGS;
	if (hints->ai_family != AF_UNSPEC && hints->ai_family != AF_INET && hints->ai_family != AF_INET6)
		return EAI_FAMILY;
	return 0;
}

int tapir_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
	static const struct addrinfo none = { .ai_flags = AI_V4MAPPED | AI_ADDRCONFIG };
	struct way ways[TRANSPORT_COUNT];
	struct hosts_entry e;
	size_t way_count;
	int error, family;

	if (backend_is_kernel())
		return tapir_real.getaddrinfo(node, service, hints, result);
	if (!hints)
		hints = &none;
	if (node && node[0] == '*' && !node[1])
		node = NULL;
	if (service && service[0] == '*' && !service[1])
		service = NULL;
	family = hints->ai_family;
	error = check_hints(node, service, hints);
	if (service && !*service) /* is there, and says nothing */
		service = NULL;
	if (!error && hints->ai_flags & AI_ADDRCONFIG)
		error = narrow_family(&family);
	if (!error)
		error = find_ways(service, hints, ways, &way_count);
	if (error)
		return error;
	if (node)
		error = resolve_node(node, family, hints->ai_flags, &e);
	else
		no_node(family, hints->ai_flags, &e);
	if (error)
		return error;
	sort_addrs(&e);
	return make_results(&e, ways, way_count, hints, result);
}
