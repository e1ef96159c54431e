/* SPDX-License-Identifier: BSD-2-Clause */
/* host_epoll.h - the epoll sets of this process in which a descriptor is registered. epoll(7) watches what the descriptor stands for, so
 * when another file takes its place it has to be registered again. /proc/self/fdinfo tells where and how it was. */
#ifndef TAPIR_CLIENT_HOST_EPOLL_H
#define TAPIR_CLIENT_HOST_EPOLL_H

#include <stddef.h>
#include <sys/epoll.h>

enum { HOST_EPOLL_MAX = 16 };

struct host_epoll {
	struct {
		int epoll_fd;
		struct epoll_event event;
	} sets[HOST_EPOLL_MAX];
	size_t count;
};

/* Where /proc is not mounted: nowhere. */
void host_epoll_find(int fd, struct host_epoll *e);
void host_epoll_restore(int fd, const struct host_epoll *e);

#endif
