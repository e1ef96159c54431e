/* SPDX-License-Identifier: BSD-2-Clause */
/* Without malloc(3): connect(2) may be called from signal handlers, and this with it. */
#include "client-lib/host_epoll.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client-lib/real.h"

/* getdents64(2) */
struct entry {
	uint64_t inode;
	int64_t offset;
	uint16_t bytes;
	uint8_t type;
	char name[];
};

static bool is_epoll(int links, const char *number)
{
	char target[32];
	ssize_t n = readlinkat(links, number, target, sizeof(target) - 1);

	target[n > 0 ? n : 0] = 0;
	return strcmp(target, "anon_inode:[eventpoll]") == 0;
}

/* "tfd:        7 events:       19 data: 7  pos:0 ino:..." (proc_pid_fdinfo(5)) */
static void read_line(const char *line, int epoll_fd, int fd, struct host_epoll *e)
{
	unsigned long long data;
	unsigned events;
	int target;

	if (e->count == HOST_EPOLL_MAX || sscanf(line, "tfd: %d events: %x data: %llx", &target, &events, &data) != 3 ||
	    target != fd)
		return;
	e->sets[e->count].epoll_fd = epoll_fd;
	e->sets[e->count].event = (struct epoll_event){ .events = events, .data.u64 = data };
	e->count++;
}

/* Line by line: what is behind the last whole one is kept for the next read. */
static void read_set(int infos, const char *number, int fd, struct host_epoll *e)
{
	int info = openat(infos, number, O_RDONLY | O_CLOEXEC);
	char text[4096], *newline;
	size_t have = 0;
	ssize_t n;

	if (info < 0)
		return;
	while ((n = tapir_real.read(info, text + have, sizeof(text) - 1 - have)) > 0) {
		char *line = text;

		have += (size_t)n;
		text[have] = 0;
		while ((newline = strchr(line, '\n'))) {
			*newline = 0;
			read_line(line, atoi(number), fd, e);
			line = newline + 1;
		}
		have -= (size_t)(line - text);
		memmove(text, line, have);
	}
	tapir_real.close(info);
}

void host_epoll_find(int fd, struct host_epoll *e)
{
	int infos = open("/proc/self/fdinfo", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int links = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char entries[4096] __attribute__((aligned(__alignof__(struct entry))));
	long n;

	e->count = 0;
	while (infos >= 0 && links >= 0 && (n = syscall(SYS_getdents64, links, entries, sizeof(entries))) > 0) {
		for (long at = 0; at < n;) {
			const struct entry *entry = (const void *)(entries + at);

			if (is_epoll(links, entry->name))
				read_set(infos, entry->name, fd, e);
			at += entry->bytes;
		}
	}
	if (links >= 0)
		tapir_real.close(links);
	if (infos >= 0)
		tapir_real.close(infos);
}

void host_epoll_restore(int fd, const struct host_epoll *e)
{
	for (size_t i = 0; i < e->count; i++) {
		struct epoll_event event = e->sets[i].event;

		epoll_ctl(e->sets[i].epoll_fd, EPOLL_CTL_ADD, fd, &event);
	}
}
