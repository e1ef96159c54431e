/* SPDX-License-Identifier: BSD-2-Clause */
/* getaddrinfo(3), getnameinfo(3): literals, services and hosts(5). The resolver's place is in addrinfo_resolve(), where a name that the
 * file does not know ends. */
#include "client-lib/addrinfo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client-lib/include/tapir/socket.h"
#include "client-lib/view.h"

__attribute__((weak)) void addrinfo_on_unknown(const char *name)
{
	(void)name;
}

/* ---- Hosts ---- */

static uint32_t parse_scope(const char *text)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	return *end == 0 && v <= UINT32_MAX ? (uint32_t)v : tapir_if_nametoindex(text);
}

static bool is_loopback(const struct hosts_addr *a)
{
	static const uint8_t loopback6[16] = { [15] = 1 };

	return a->family == AF_INET ? a->addr[0] == 127 : memcmp(a->addr, loopback6, sizeof(loopback6)) == 0;
}

/* The first of RFC 6724's rules (section 6): avoid unusable destinations; then IPv6 before IPv4, as its default policy has it. */
static int rank(const struct hosts_addr *a, const struct view_families *f)
{
	bool is_usable = is_loopback(a) || (a->family == AF_INET ? f->ipv4 : f->ipv6);

	return (is_usable ? 0 : 2) + (a->family == AF_INET6 ? 0 : 1);
}

static void sort_addrs(struct hosts_entry *e, bool drop_unusable)
{
	struct view_families f = view_families();
	struct hosts_entry sorted = *e;

	sorted.addr_count = 0;
	for (int r = 0; r < (drop_unusable ? 2 : 4); r++)
		for (size_t i = 0; i < e->addr_count; i++)
			if (rank(&e->addrs[i], &f) == r)
				sorted.addrs[sorted.addr_count++] = e->addrs[i];
	*e = sorted;
}

static int resolve_literal(const char *name, int family, struct hosts_entry *e)
{
	const char *scope;

	if (!hosts_parse_addr(name, &e->addrs[0], &scope))
		return EAI_NONAME;
	if (family != AF_UNSPEC && family != e->addrs[0].family)
		return EAI_ADDRFAMILY;
	if (scope) {
		e->addrs[0].scope_id = parse_scope(scope);
		if (!e->addrs[0].scope_id)
			return EAI_NONAME;
	}
	snprintf(e->canonical, sizeof(e->canonical), "%s", name);
	e->addr_count = 1;
	return 0;
}

int addrinfo_resolve(const char *name, int family, int flags, struct hosts_entry *e)
{
	int error;
	FILE *file;

	memset(e, 0, sizeof(*e));
	error = resolve_literal(name, family, e);
	if (error != EAI_NONAME || flags & AI_NUMERICHOST)
		return error;
	file = fopen(HOSTS_PATH, "re");
	hosts_find_name(file, name, family, e);
	if (file)
		fclose(file);
	if (!e->addr_count) {
		addrinfo_on_unknown(name);
		return EAI_FAIL;
	}
	if (e->addr_count > 1 || flags & AI_ADDRCONFIG)
		sort_addrs(e, flags & AI_ADDRCONFIG);
	return e->addr_count ? 0 : EAI_NONAME;
}

/* ---- Services ---- */

struct transport {
	int type, protocol;
	const char *name; /* in services(5); NULL: has no services */
};

static const struct transport transports[] = {
	{ SOCK_STREAM, IPPROTO_TCP, "tcp" },
	{ SOCK_DGRAM, IPPROTO_UDP, "udp" },
	{ SOCK_RAW, 0, NULL },
};
enum { TRANSPORT_COUNT = sizeof(transports) / sizeof(transports[0]) };

static bool is_wanted(const struct transport *t, const struct addrinfo *hints)
{
	if (hints->ai_socktype && hints->ai_socktype != t->type)
		return false;
	return !hints->ai_protocol || !t->protocol || hints->ai_protocol == t->protocol;
}

/* The port of @service over @t: 0 or an EAI_ code. */
static int find_port(const char *service, const struct transport *t, int flags, uint16_t *port)
{
	struct servent entry, *found;
	char buf[2048], *end;
	unsigned long v;

	*port = 0;
	if (!service)
		return 0;
	errno = 0;
	v = strtoul(service, &end, 10);
	if (*service && !*end) {
		*port = (uint16_t)v;
		return errno || v > UINT16_MAX ? EAI_SERVICE : 0;
	}
	if (flags & AI_NUMERICSERV)
		return EAI_NONAME;
	if (!t->name || getservbyname_r(service, t->name, &entry, buf, sizeof(buf), &found) != 0 || !found)
		return EAI_SERVICE;
	*port = ntohs((uint16_t)entry.s_port);
	return 0;
}

/* ---- Results ---- */

/* One allocation a result, its address behind it, its name apart: as glibc has it, so that either freeaddrinfo(3) frees it. */
static struct addrinfo *make_result(const struct hosts_addr *a, uint16_t port, const struct transport *t, int protocol)
{
	struct addrinfo *ai = calloc(1, sizeof(*ai) + sizeof(struct sockaddr_in6));

	if (!ai)
		return NULL;
	ai->ai_family = a->family;
	ai->ai_socktype = t->type;
	ai->ai_protocol = t->protocol ? t->protocol : protocol;
	ai->ai_addr = (struct sockaddr *)(ai + 1);
	if (a->family == AF_INET) {
		struct sockaddr_in in4 = { .sin_family = AF_INET, .sin_port = htons(port) };

		memcpy(&in4.sin_addr, a->addr, sizeof(in4.sin_addr));
		memcpy(ai->ai_addr, &in4, sizeof(in4));
		ai->ai_addrlen = sizeof(in4);
	} else {
		struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_scope_id = a->scope_id };

		memcpy(&in6.sin6_addr, a->addr, sizeof(in6.sin6_addr));
		memcpy(ai->ai_addr, &in6, sizeof(in6));
		ai->ai_addrlen = sizeof(in6);
	}
	return ai;
}

void tapir_freeaddrinfo(struct addrinfo *list)
{
	while (list) {
		struct addrinfo *next = list->ai_next;

		free(list->ai_canonname);
		free(list);
		list = next;
	}
}

/* Every address with every transport. */
static int make_results(const struct hosts_entry *e, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
	struct addrinfo *list = NULL, **tail = &list;
	int error = EAI_SOCKTYPE;

	for (size_t i = 0; i < e->addr_count; i++) {
		for (int k = 0; k < TRANSPORT_COUNT; k++) {
			uint16_t port;
			int port_error;

			if (!is_wanted(&transports[k], hints))
				continue;
			port_error = find_port(service, &transports[k], hints->ai_flags, &port);
			if (port_error) {
				error = port_error;
				continue;
			}
			*tail = make_result(&e->addrs[i], port, &transports[k], hints->ai_protocol);
			if (!*tail) {
				tapir_freeaddrinfo(list);
				return EAI_MEMORY;
			}
			(*tail)->ai_flags = hints->ai_flags;
			tail = &(*tail)->ai_next;
		}
	}
	if (!list)
		return error;
	if (hints->ai_flags & AI_CANONNAME && !(list->ai_canonname = strdup(e->canonical))) {
		tapir_freeaddrinfo(list);
		return EAI_MEMORY;
	}
	*result = list;
	return 0;
}

/* No node: the wildcard to bind to, or loopback to connect to. */
static void no_node(int family, int flags, struct hosts_entry *e)
{
	struct hosts_addr v4 = { .family = AF_INET }, v6 = { .family = AF_INET6 };

	memset(e, 0, sizeof(*e));
	if (!(flags & AI_PASSIVE)) {
		v4.addr[0] = 127;
		v4.addr[3] = 1;
		v6.addr[15] = 1;
	}
	/* The wildcard of IPv4 comes first, as from glibc: a server that binds the first result only then serves the more usual family. */
	if (flags & AI_PASSIVE && family != AF_INET6)
		e->addrs[e->addr_count++] = v4;
	if (family != AF_INET)
		e->addrs[e->addr_count++] = v6;
	if (!(flags & AI_PASSIVE) && family != AF_INET6)
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

static int resolve_node(const char *node, const struct addrinfo *hints, struct hosts_entry *e)
{
	bool may_map = hints->ai_family == AF_INET6 && hints->ai_flags & AI_V4MAPPED;
	int error;

	if (may_map && hints->ai_flags & AI_ALL) {
		error = addrinfo_resolve(node, AF_UNSPEC, hints->ai_flags, e);
	} else {
		error = addrinfo_resolve(node, hints->ai_family, hints->ai_flags, e);
		if (error && may_map)
			error = addrinfo_resolve(node, AF_INET, hints->ai_flags, e);
	}
	if (!error && may_map)
		map_to_v6(e);
	return error;
}

int tapir_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
	static const struct addrinfo none = { .ai_flags = AI_V4MAPPED | AI_ADDRCONFIG };
	struct hosts_entry e;
	int error;

	if (!hints)
		hints = &none;
	if (node && node[0] == '*' && !node[1])
		node = NULL;
	if (service && service[0] == '*' && !service[1])
		service = NULL;
	if (!node && !service)
		return EAI_NONAME;
	if (hints->ai_flags & AI_CANONNAME && !node)
		return EAI_BADFLAGS;
	if (hints->ai_family != AF_UNSPEC && hints->ai_family != AF_INET && hints->ai_family != AF_INET6)
		return EAI_FAMILY;
	if (node) {
		error = resolve_node(node, hints, &e);
		if (error)
			return error;
	} else {
		no_node(hints->ai_family, hints->ai_flags, &e);
	}
	return make_results(&e, service, hints, result);
}

/* ---- The other way ---- */

static int copy_out(const char *text, char *to, socklen_t room)
{
	if (strlen(text) >= room)
		return EAI_OVERFLOW;
	memcpy(to, text, strlen(text) + 1);
	return 0;
}

static int host_name(const struct hosts_addr *a, char *host, socklen_t room, int flags)
{
	char text[HOSTS_NAME_MAX], number[INET6_ADDRSTRLEN];
	bool is_found = false;

	if (!(flags & NI_NUMERICHOST)) {
		FILE *file = fopen(HOSTS_PATH, "re");

		is_found = hosts_find_addr(file, a, text);
		if (file)
			fclose(file);
		if (!is_found && flags & NI_NAMEREQD)
			return EAI_NONAME;
	}
	if (!is_found) {
		inet_ntop(a->family, a->addr, number, sizeof(number));
		if (a->scope_id)
			snprintf(text, sizeof(text), "%s%%%u", number, a->scope_id);
		else
			snprintf(text, sizeof(text), "%s", number);
	}
	return copy_out(text, host, room);
}

static int service_name(uint16_t port, char *service, socklen_t room, int flags)
{
	struct servent entry, *found = NULL;
	char buf[2048], number[8];

	if (!(flags & NI_NUMERICSERV) &&
	    getservbyport_r(htons(port), flags & NI_DGRAM ? "udp" : "tcp", &entry, buf, sizeof(buf), &found) == 0 && found)
		return copy_out(entry.s_name, service, room);
	snprintf(number, sizeof(number), "%u", port);
	return copy_out(number, service, room);
}

int tapir_getnameinfo(const struct sockaddr *addr, socklen_t len, char *host, socklen_t host_room, char *service,
		      socklen_t service_room, int flags)
{
	struct hosts_addr a = { 0 };
	uint16_t port;
	int error = 0;

	if (!addr || len < sizeof(sa_family_t))
		return EAI_FAMILY;
	if (addr->sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
		struct sockaddr_in in4;

		memcpy(&in4, addr, sizeof(in4));
		a.family = AF_INET;
		memcpy(a.addr, &in4.sin_addr, sizeof(in4.sin_addr));
		port = ntohs(in4.sin_port);
	} else if (addr->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
		struct sockaddr_in6 in6;

		memcpy(&in6, addr, sizeof(in6));
		a = (struct hosts_addr){ .family = AF_INET6, .scope_id = in6.sin6_scope_id };
		memcpy(a.addr, &in6.sin6_addr, sizeof(in6.sin6_addr));
		port = ntohs(in6.sin6_port);
	} else {
		return EAI_FAMILY;
	}
	if ((!host || !host_room) && (!service || !service_room))
		return EAI_NONAME;
	if (host && host_room)
		error = host_name(&a, host, host_room, flags);
	if (!error && service && service_room)
		error = service_name(port, service, service_room, flags);
	return error;
}
