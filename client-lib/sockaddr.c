/* SPDX-License-Identifier: BSD-2-Clause */
#include "client-lib/sockaddr.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

int sockaddr_parse(const struct sockaddr *sa, socklen_t len, struct tapir_addr *a)
{
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
	sa_family_t family;

	memset(a, 0, sizeof(*a));
	if (!sa)
		return -EFAULT;
	if (len < sizeof(family) || len > sizeof(struct sockaddr_storage))
		return -EINVAL;
	memcpy(&family, sa, sizeof(family));
	switch (family) {
	case AF_UNSPEC:
		return 0;
	case AF_INET:
		if (len < sizeof(in4))
			return -EINVAL;
		memcpy(&in4, sa, sizeof(in4));
		a->family = AF_INET;
		a->port = ntohs(in4.sin_port);
		memcpy(a->addr, mapped_prefix, sizeof(mapped_prefix));
		memcpy(a->addr + sizeof(mapped_prefix), &in4.sin_addr, sizeof(in4.sin_addr));
		return 0;
	case AF_INET6:
		/* RFC 2133's form, without a scope id, is still taken (Linux: SIN6_LEN_RFC2133). */
		if (len < offsetof(struct sockaddr_in6, sin6_scope_id))
			return -EINVAL;
		memset(&in6, 0, sizeof(in6));
		memcpy(&in6, sa, len < sizeof(in6) ? offsetof(struct sockaddr_in6, sin6_scope_id) : sizeof(in6));
		a->family = AF_INET6;
		a->port = ntohs(in6.sin6_port);
		a->scope_id = in6.sin6_scope_id;
		memcpy(a->addr, &in6.sin6_addr, sizeof(in6.sin6_addr));
		return 0;
	}
	return -EAFNOSUPPORT;
}

static void copy_out(const void *from, socklen_t bytes, struct sockaddr *sa, socklen_t *len)
{
	memcpy(sa, from, bytes < *len ? bytes : *len);
	*len = bytes;
}

void sockaddr_format(const struct tapir_addr *a, struct sockaddr *sa, socklen_t *len)
{
	if (!sa || !len)
		return;
	if (a->family == AF_INET) {
		struct sockaddr_in in4 = { .sin_family = AF_INET, .sin_port = htons(a->port) };

		memcpy(&in4.sin_addr, a->addr + sizeof(mapped_prefix), sizeof(in4.sin_addr));
		copy_out(&in4, sizeof(in4), sa, len);
	} else if (a->family == AF_INET6) {
		struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
					    .sin6_port = htons(a->port),
					    .sin6_scope_id = a->scope_id };

		memcpy(&in6.sin6_addr, a->addr, sizeof(in6.sin6_addr));
		copy_out(&in6, sizeof(in6), sa, len);
	} else {
		*len = 0;
	}
}
