/* SPDX-License-Identifier: BSD-2-Clause */
/* The plain names of name lookup, old and new. All of them know literals and hosts(5), and say so when that was not enough. */
#include "client-lib/include/tapir/socket.h"

#include <dlfcn.h>
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

PRELOAD_EXPORT int gethostbyname2_r(const char *name, int family, struct hostent *h, char *buf, size_t room,
				    struct hostent **result, int *h_error)
{
	preload_enter();
	return tapir_gethostbyname2_r(name, family, h, buf, room, result, h_error);
}

PRELOAD_EXPORT int gethostbyname_r(const char *name, struct hostent *h, char *buf, size_t room, struct hostent **result,
				   int *h_error)
{
	preload_enter();
	return tapir_gethostbyname_r(name, h, buf, room, result, h_error);
}

PRELOAD_EXPORT int gethostbyaddr_r(const void *addr, socklen_t len, int family, struct hostent *h, char *buf, size_t room,
				   struct hostent **result, int *h_error)
{
	preload_enter();
	return tapir_gethostbyaddr_r(addr, len, family, h, buf, room, result, h_error);
}

PRELOAD_EXPORT struct hostent *gethostbyname2(const char *name, int family)
{
	preload_enter();
	return tapir_gethostbyname2(name, family);
}

PRELOAD_EXPORT struct hostent *gethostbyname(const char *name)
{
	preload_enter();
	return tapir_gethostbyname(name);
}

PRELOAD_EXPORT struct hostent *gethostbyaddr(const void *addr, socklen_t len, int family)
{
	preload_enter();
	return tapir_gethostbyaddr(addr, len, family);
}
