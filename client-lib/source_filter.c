/* SPDX-License-Identifier: BSD-2-Clause */
/* source_filter.c - whole source filters of groups by the functions of RFC 3678 sections 4.2 and 5.2, which the C library makes of socket
 * options by calls that nobody can take over. Limits, errors and meanings are those of the options MCAST_MSFILTER and IP_MSFILTER. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "client-lib/include/tapir/socket.h"

/* More sources than any option takes; Linux answers ENOBUFS to less. */
enum { SOURCES_MAX = 65535 };

static int level_of(const struct sockaddr *group, socklen_t len)
{
	if (group->sa_family == AF_INET && len >= sizeof(struct sockaddr_in))
		return IPPROTO_IP;
	if (group->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6))
		return IPPROTO_IPV6;
	return -1;
}

/* A struct group_filter with room for @count sources; NULL with errno. */
static struct group_filter *filter_new(uint32_t ifindex, const struct sockaddr *group, socklen_t len, uint32_t count)
{
	struct group_filter *f;

	if (level_of(group, len) < 0 || len > sizeof(f->gf_group)) {
		errno = EINVAL;
		return NULL;
	}
	if (count > SOURCES_MAX) {
		errno = ENOBUFS;
		return NULL;
	}
	f = calloc(1, GROUP_FILTER_SIZE(count > 0 ? count : 1));
	if (!f)
		return NULL;
	f->gf_interface = ifindex;
	memcpy(&f->gf_group, group, len);
	f->gf_numsrc = count;
	return f;
}

static int free_and_return(void *p, int result)
{
	int error = errno;

	free(p);
	errno = error;
	return result;
}

int tapir_setsourcefilter(int fd, uint32_t ifindex, const struct sockaddr *group, socklen_t len, uint32_t mode, uint32_t count,
			  const struct sockaddr_storage *sources)
{
	struct group_filter *f = filter_new(ifindex, group, len, count);

	if (!f)
		return -1;
	f->gf_fmode = mode;
	if (count > 0)
		memcpy(f->gf_slist, sources, count * sizeof(*sources));
	return free_and_return(f, tapir_setsockopt(fd, level_of(group, len), MCAST_MSFILTER, f, GROUP_FILTER_SIZE(count)));
}

int tapir_getsourcefilter(int fd, uint32_t ifindex, const struct sockaddr *group, socklen_t len, uint32_t *mode, uint32_t *count,
			  struct sockaddr_storage *sources)
{
	uint32_t room = *count < SOURCES_MAX ? *count : SOURCES_MAX;
	struct group_filter *f = filter_new(ifindex, group, len, room);
	socklen_t bytes = GROUP_FILTER_SIZE(room);

	if (!f)
		return -1;
	if (tapir_getsockopt(fd, level_of(group, len), MCAST_MSFILTER, f, &bytes) < 0)
		return free_and_return(f, -1);
	*mode = f->gf_fmode;
	if (room > 0)
		memcpy(sources, f->gf_slist, (f->gf_numsrc < room ? f->gf_numsrc : room) * sizeof(*sources));
	*count = f->gf_numsrc;
	return free_and_return(f, 0);
}

static struct ip_msfilter *filter4_new(struct in_addr own, struct in_addr group, uint32_t count)
{
	struct ip_msfilter *f;

	if (count > SOURCES_MAX) {
		errno = ENOBUFS;
		return NULL;
	}
	f = calloc(1, IP_MSFILTER_SIZE(count > 0 ? count : 1));
	if (!f)
		return NULL;
	f->imsf_multiaddr = group;
	f->imsf_interface = own;
	f->imsf_numsrc = count;
	return f;
}

int tapir_setipv4sourcefilter(int fd, struct in_addr own, struct in_addr group, uint32_t mode, uint32_t count,
			      const struct in_addr *sources)
{
	struct ip_msfilter *f = filter4_new(own, group, count);

	if (!f)
		return -1;
	f->imsf_fmode = mode;
	if (count > 0)
		memcpy(f->imsf_slist, sources, count * sizeof(*sources));
	return free_and_return(f, tapir_setsockopt(fd, IPPROTO_IP, IP_MSFILTER, f, IP_MSFILTER_SIZE(count)));
}

int tapir_getipv4sourcefilter(int fd, struct in_addr own, struct in_addr group, uint32_t *mode, uint32_t *count, struct in_addr *sources)
{
	uint32_t room = *count < SOURCES_MAX ? *count : SOURCES_MAX;
	struct ip_msfilter *f = filter4_new(own, group, room);
	socklen_t bytes = IP_MSFILTER_SIZE(room);

	if (!f)
		return -1;
	if (tapir_getsockopt(fd, IPPROTO_IP, IP_MSFILTER, f, &bytes) < 0)
		return free_and_return(f, -1);
	*mode = f->imsf_fmode;
	if (room > 0)
		memcpy(sources, f->imsf_slist, (f->imsf_numsrc < room ? f->imsf_numsrc : room) * sizeof(*sources));
	*count = f->imsf_numsrc;
	return free_and_return(f, 0);
}
