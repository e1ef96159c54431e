/* SPDX-License-Identifier: BSD-2-Clause */
/* getnameinfo(3), with glibc's answers. */
#include "client-lib/addrinfo.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>

#include "client-lib/backend.h"
#include "client-lib/include/tapir/socket.h"
#include "client-lib/real.h"

int addrinfo_entry_of(const struct hosts_addr *a, struct hosts_entry *e)
{
	FILE *file = fopen(HOSTS_PATH, "re");
	bool is_found = hosts_find_entry(file, a, e);

	if (file)
		fclose(file);
	return is_found ? 0 : EAI_NONAME;
}

static int copy_out(const char *text, char *to, socklen_t room)
{
	if (strlen(text) >= room)
		return EAI_OVERFLOW;
	memcpy(to, text, strlen(text) + 1);
	return 0;
}

/* NI_NOFQDN: a name in this host's own domain goes without it. */
static void cut_own_domain(char *name)
{
	char own[HOSTS_NAME_MAX] = "";
	struct hosts_entry e;
	const char *domain;
	char *dot = strchr(name, '.');

	gethostname(own, sizeof(own) - 1);
	domain = strchr(own, '.');
	if (!domain) {
		FILE *file = fopen(HOSTS_PATH, "re");

		memset(&e, 0, sizeof(e));
		if (hosts_find_name(file, own, AF_UNSPEC, &e))
			domain = strchr(e.canonical, '.');
		if (file)
			fclose(file);
	}
	if (domain && dot && strcasecmp(domain, dot) == 0)
		*dot = 0;
}

/* "fe80::1%tap0": of addresses of a link the interface's name, of others the number (RFC 4007 section 11). */
static void print_scope(const struct hosts_addr *a, char *text, size_t room)
{
	struct in6_addr in6;
	char name[IF_NAMESIZE];

	memcpy(&in6, a->addr, sizeof(in6));
	if ((IN6_IS_ADDR_LINKLOCAL(&in6) || IN6_IS_ADDR_MC_LINKLOCAL(&in6)) && tapir_if_indextoname(a->scope_id, name))
		snprintf(text, room, "%%%s", name);
	else
		snprintf(text, room, "%%%u", a->scope_id);
}

static int host_name(const struct hosts_addr *a, char *host, socklen_t room, int flags)
{
	char text[HOSTS_NAME_MAX] = "";
	struct hosts_entry e;

	if (!(flags & NI_NUMERICHOST) && addrinfo_entry_of(a, &e) == 0) {
		if (flags & NI_NOFQDN)
			cut_own_domain(e.canonical);
		return copy_out(e.canonical, host, room);
	}
	if (flags & NI_NAMEREQD)
		return EAI_NONAME;
	inet_ntop(a->family, a->addr, text, sizeof(text));
	if (a->scope_id)
		print_scope(a, text + strlen(text), sizeof(text) - strlen(text));
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

/* False: of another family, or too short for its own. */
static bool read_addr(const struct sockaddr *addr, socklen_t len, struct hosts_addr *a, uint16_t *port)
{
	if (addr->sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
		struct sockaddr_in in4;

		memcpy(&in4, addr, sizeof(in4));
		*a = (struct hosts_addr){ .family = AF_INET };
		memcpy(a->addr, &in4.sin_addr, sizeof(in4.sin_addr));
		*port = ntohs(in4.sin_port);
		return true;
	}
	if (addr->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
		struct sockaddr_in6 in6;

		memcpy(&in6, addr, sizeof(in6));
		*a = (struct hosts_addr){ .family = AF_INET6, .scope_id = in6.sin6_scope_id };
		memcpy(a->addr, &in6.sin6_addr, sizeof(in6.sin6_addr));
		*port = ntohs(in6.sin6_port);
		return true;
	}
	return false;
}

int tapir_getnameinfo(const struct sockaddr *addr, socklen_t len, char *host, socklen_t host_room, char *service,
		      socklen_t service_room, int flags)
{
	static const int known = NI_NUMERICHOST | NI_NUMERICSERV | NI_NOFQDN | NI_NAMEREQD | NI_DGRAM | 0xe0; /* NI_IDN and its kin */
	struct hosts_addr a;
	uint16_t port;
	int error = 0;

	if (backend_is_kernel())
		return tapir_real.getnameinfo(addr, len, host, host_room, service, service_room, flags);
	if (flags & ~known)
		return EAI_BADFLAGS;
	if (!addr || len < sizeof(sa_family_t))
		return EAI_FAMILY;
	if (flags & NI_NAMEREQD && !host && !service)
		return EAI_NONAME;
	if (!read_addr(addr, len, &a, &port))
		return EAI_FAMILY;
	if (host && host_room)
		error = host_name(&a, host, host_room, flags);
	if (!error && service && service_room)
		error = service_name(port, service, service_room, flags);
	return error;
}
