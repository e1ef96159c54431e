/* SPDX-License-Identifier: BSD-2-Clause */
/* The plain names of name lookup, old and new. All of them know literals and hosts(5), and say so when that was not enough. */
#include "client-lib/include/tapir/socket.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "client-lib/addrinfo.h"
#include "client-lib/preload/preload.h"

void addrinfo_on_unknown(const char *name)
{
	static atomic_flag is_told = ATOMIC_FLAG_INIT;
	char line[HOSTS_NAME_MAX + 128];
	int n;

	if (atomic_flag_test_and_set(&is_told))
		return;
	n = snprintf(line, sizeof(line), "tapir: cannot resolve '%.255s': there is no resolver yet, only addresses and %s\n", name,
		     HOSTS_PATH);
	if (n > 0 && tapir_real.write(STDERR_FILENO, line, (size_t)n) < 0)
		return; /* nobody to tell */
}

PRELOAD_EXPORT int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
	preload_enter();
	return tapir_getaddrinfo(node, service, hints, result);
}

PRELOAD_EXPORT void freeaddrinfo(struct addrinfo *list)
{
	tapir_freeaddrinfo(list);
}

PRELOAD_EXPORT int getnameinfo(const struct sockaddr *addr, socklen_t len, char *host, socklen_t host_room, char *service,
			       socklen_t service_room, int flags)
{
	int (*next)(const struct sockaddr *, socklen_t, char *, socklen_t, char *, socklen_t, int) = NULL;
	void *p;

	preload_enter();
	if (!addr || addr->sa_family == AF_INET || addr->sa_family == AF_INET6)
		return tapir_getnameinfo(addr, len, host, host_room, service, service_room, flags);
	p = dlsym(RTLD_NEXT, "getnameinfo");
	memcpy(&next, &p, sizeof(p));
	return next(addr, len, host, host_room, service, service_room, flags);
}

/* ---- gethostbyname(3) and its family ---- */

/* A struct hostent's memory. */
struct hostent_memory {
	char *aliases[1];
	char *pointers[HOSTS_ADDRS_MAX + 1];
	uint8_t addrs[HOSTS_ADDRS_MAX][16];
	char name[HOSTS_NAME_MAX];
};

static int h_errno_of(int error)
{
	return error == EAI_FAIL ? NO_RECOVERY : error == EAI_AGAIN ? TRY_AGAIN : HOST_NOT_FOUND;
}

/* Fill @h from @e within @buf. Returns 0, or ERANGE when that is too small. */
static int make_hostent(const struct hosts_entry *e, int family, struct hostent *h, char *buf, size_t room)
{
	size_t skew = (size_t)(-(uintptr_t)buf) % _Alignof(struct hostent_memory);
	size_t bytes = family == AF_INET ? 4 : 16, name_bytes = strlen(e->canonical) + 1;
	size_t need = skew + (e->addr_count + 2) * sizeof(char *) + e->addr_count * bytes + name_bytes;
	char **pointers, *at;

	if (room < need)
		return ERANGE;
	pointers = (char **)(void *)(buf + skew);
	at = (char *)(pointers + e->addr_count + 2);
	*h = (struct hostent){ .h_addrtype = family, .h_length = (int)bytes, .h_addr_list = pointers };
	for (size_t i = 0; i < e->addr_count; i++) {
		memcpy(at, e->addrs[i].addr, bytes);
		pointers[i] = at;
		at += bytes;
	}
	pointers[e->addr_count] = NULL;
	pointers[e->addr_count + 1] = NULL;
	h->h_aliases = pointers + e->addr_count + 1;
	memcpy(at, e->canonical, name_bytes);
	h->h_name = at;
	return 0;
}

static int finish(int error, const struct hosts_entry *e, int family, struct hostent *h, char *buf, size_t room,
		  struct hostent **result, int *h_error)
{
	*result = NULL;
	if (error) {
		*h_error = h_errno_of(error);
		return 0;
	}
	error = make_hostent(e, family, h, buf, room);
	if (error) {
		*h_error = NETDB_INTERNAL;
		errno = error;
		return error;
	}
	*result = h;
	*h_error = NETDB_SUCCESS;
	return 0;
}

PRELOAD_EXPORT int gethostbyname2_r(const char *name, int family, struct hostent *h, char *buf, size_t room,
				    struct hostent **result, int *h_error)
{
	struct hosts_entry e;

	preload_enter();
	return finish(addrinfo_resolve(name, family, 0, &e), &e, family, h, buf, room, result, h_error);
}

PRELOAD_EXPORT int gethostbyname_r(const char *name, struct hostent *h, char *buf, size_t room, struct hostent **result,
				   int *h_error)
{
	return gethostbyname2_r(name, AF_INET, h, buf, room, result, h_error);
}

PRELOAD_EXPORT int gethostbyaddr_r(const void *addr, socklen_t len, int family, struct hostent *h, char *buf, size_t room,
				   struct hostent **result, int *h_error)
{
	struct hosts_entry e = { .addr_count = 1, .addrs = { { .family = family } } };
	bool is_known;
	FILE *file;

	preload_enter();
	if ((family != AF_INET && family != AF_INET6) || len < (family == AF_INET ? 4 : 16))
		return finish(EAI_NONAME, &e, family, h, buf, room, result, h_error);
	memcpy(e.addrs[0].addr, addr, family == AF_INET ? 4 : 16);
	file = fopen(HOSTS_PATH, "re");
	is_known = hosts_find_addr(file, &e.addrs[0], e.canonical);
	if (file)
		fclose(file);
	return finish(is_known ? 0 : EAI_NONAME, &e, family, h, buf, room, result, h_error);
}

/* The forms without _r share one result, as the C library's do; here each thread has its own. */
static _Thread_local struct hostent own_hostent;
static _Thread_local char own_buf[sizeof(struct hostent_memory)];

PRELOAD_EXPORT struct hostent *gethostbyname2(const char *name, int family)
{
	struct hostent *result = NULL;

	gethostbyname2_r(name, family, &own_hostent, own_buf, sizeof(own_buf), &result, &h_errno);
	return result;
}

PRELOAD_EXPORT struct hostent *gethostbyname(const char *name)
{
	return gethostbyname2(name, AF_INET);
}

PRELOAD_EXPORT struct hostent *gethostbyaddr(const void *addr, socklen_t len, int family)
{
	struct hostent *result = NULL;

	gethostbyaddr_r(addr, len, family, &own_hostent, own_buf, sizeof(own_buf), &result, &h_errno);
	return result;
}
