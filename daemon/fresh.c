/* SPDX-License-Identifier: BSD-2-Clause */
#include "fresh.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client-lib/protocol.h"

enum { BACKLOG = 1024 };

static const struct sockaddr_un door_name = { .sun_family = AF_UNIX, .sun_path = TAPIR_STREAM_NAME };

int fresh_open(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;

	if (fd >= 0 && bind(fd, (const struct sockaddr *)&door_name,
			    offsetof(struct sockaddr_un, sun_path) + sizeof(TAPIR_STREAM_NAME)) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

bool fresh_is(int fd, int *family, int *protocol)
{
	struct sockaddr_un name;
	socklen_t len = sizeof(name);
	char text[sizeof(name.sun_path)];

	if (getsockname(fd, (struct sockaddr *)&name, &len) < 0 || len <= offsetof(struct sockaddr_un, sun_path) + 1 ||
	    len > sizeof(name) || name.sun_family != AF_UNIX || name.sun_path[0])
		return false;
	len -= (socklen_t)offsetof(struct sockaddr_un, sun_path) + 1;
	memcpy(text, name.sun_path + 1, len);
	text[len] = 0;
	return sscanf(text, TAPIR_FRESH_FORMAT, family, protocol) == 2;
}

/* Strangers of our own uid may have connected to the door; they are sent away. */
static bool is_own(int fd)
{
	struct ucred cred = { 0 };
	socklen_t len = sizeof(cred);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 && cred.pid == getpid();
}

int fresh_connect(int door, int theirs)
{
	int ours;

	if (connect(theirs, (const struct sockaddr *)&door_name, sizeof(door_name)) < 0)
		return errno == ENOMEM || errno == EAGAIN ? -ENOBUFS : errno == ENFILE ? -ENFILE : -ENOTSOCK;
	while ((ours = accept4(door, NULL, NULL, SOCK_CLOEXEC)) >= 0 && !is_own(ours))
		close(ours);
	return ours >= 0 ? ours : errno == EMFILE || errno == ENFILE ? -ENFILE : -ENOBUFS;
}
