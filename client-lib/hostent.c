/* SPDX-License-Identifier: BSD-2-Clause */
/* gethostbyname(3) and its family. What the forms without _r point to belongs to the thread, where the C library's is shared by all. */
#include "client-lib/include/tapir/socket.h"

#include <errno.h>
#include <string.h>

#include "client-lib/addrinfo.h"
#include "client-lib/backend.h"
#include "client-lib/real.h"

/* The most that a struct hostent points to. */
struct hostent_memory {
	char *pointers[HOSTS_ADDRS_MAX + HOSTS_ALIASES_MAX + 2];
	uint8_t addrs[HOSTS_ADDRS_MAX][16];
	char name[HOSTS_NAME_MAX], aliases[HOSTS_ALIASES_BYTES];
};

static int h_errno_of(int error)
{
	return error == EAI_FAIL ? NO_RECOVERY : error == EAI_AGAIN ? TRY_AGAIN : HOST_NOT_FOUND;
}

static size_t aliases_bytes(const struct hosts_entry *e)
{
	const char *at = e->aliases;

	for (size_t i = 0; i < e->alias_count; i++)
		at += strlen(at) + 1;
	return (size_t)(at - e->aliases);
}

/* Fill @h from @e within @buf: pointers first, then addresses, then names. Returns 0, or ERANGE when that is too small. */
static int make_hostent(const struct hosts_entry *e, int family, struct hostent *h, char *buf, size_t room)
{
	size_t skew = (size_t)(-(uintptr_t)buf) % _Alignof(struct hostent_memory), bytes = family == AF_INET ? 4 : 16;
	size_t pointer_count = e->addr_count + e->alias_count + 2, name_bytes = strlen(e->canonical) + 1, alias_bytes = aliases_bytes(e);
	char **pointers, *at;

	if (room < skew + pointer_count * sizeof(char *) + e->addr_count * bytes + name_bytes + alias_bytes)
		return ERANGE;
	pointers = (char **)(void *)(buf + skew);
	at = (char *)(pointers + pointer_count);
	memset(pointers, 0, pointer_count * sizeof(*pointers));
	*h = (struct hostent){ .h_addrtype = family, .h_length = (int)bytes, .h_addr_list = pointers,
			       .h_aliases = pointers + e->addr_count + 1 };
	for (size_t i = 0; i < e->addr_count; i++) {
		memcpy(at, e->addrs[i].addr, bytes);
		pointers[i] = at;
		at += bytes;
	}
	h->h_name = memcpy(at, e->canonical, name_bytes);
	at += name_bytes;
	memcpy(at, e->aliases, alias_bytes);
	for (size_t i = 0; i < e->alias_count; i++) {
		h->h_aliases[i] = at;
		at += strlen(at) + 1;
	}
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

static int refuse_family(struct hostent **result, int *h_error)
{
	*result = NULL;
	*h_error = NETDB_INTERNAL;
	errno = EAFNOSUPPORT;
	return EAFNOSUPPORT;
}

static bool is_family(int family)
{
	return family == AF_INET || family == AF_INET6;
}

int tapir_gethostbyname2_r(const char *name, int family, struct hostent *h, char *buf, size_t room, struct hostent **result,
			   int *h_error)
{
	struct hosts_entry e;

	if (backend_is_kernel())
		return tapir_real.gethostbyname2_r(name, family, h, buf, room, result, h_error);
	if (!is_family(family))
		return refuse_family(result, h_error);
	return finish(addrinfo_resolve(name, family, 0, &e), &e, family, h, buf, room, result, h_error);
}

int tapir_gethostbyname_r(const char *name, struct hostent *h, char *buf, size_t room, struct hostent **result, int *h_error)
{
	return tapir_gethostbyname2_r(name, AF_INET, h, buf, room, result, h_error);
}

int tapir_gethostbyaddr_r(const void *addr, socklen_t len, int family, struct hostent *h, char *buf, size_t room,
			  struct hostent **result, int *h_error)
{
	struct hosts_addr a = { .family = family };
	struct hosts_entry e;

	if (backend_is_kernel())
		return tapir_real.gethostbyaddr_r(addr, len, family, h, buf, room, result, h_error);
	if (!is_family(family))
		return refuse_family(result, h_error);
	if (len < (family == AF_INET ? 4 : 16)) {
		*result = NULL;
		*h_error = NETDB_INTERNAL;
		errno = EINVAL;
		return EINVAL;
	}
	memcpy(a.addr, addr, family == AF_INET ? 4 : 16);
	return finish(addrinfo_entry_of(&a, &e), &e, family, h, buf, room, result, h_error);
}

static _Thread_local struct hostent own_hostent;
static _Thread_local char own_buf[sizeof(struct hostent_memory)];

struct hostent *tapir_gethostbyname2(const char *name, int family)
{
	struct hostent *result = NULL;

	tapir_gethostbyname2_r(name, family, &own_hostent, own_buf, sizeof(own_buf), &result, &h_errno);
	return result;
}

struct hostent *tapir_gethostbyname(const char *name)
{
	return tapir_gethostbyname2(name, AF_INET);
}

struct hostent *tapir_gethostbyaddr(const void *addr, socklen_t len, int family)
{
	struct hostent *result = NULL;

	tapir_gethostbyaddr_r(addr, len, family, &own_hostent, own_buf, sizeof(own_buf), &result, &h_errno);
	return result;
}
