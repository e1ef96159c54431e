/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that make and end descriptors: natural, but the hints must know. */
#include "client-lib/include/tapir/socket.h"

#include <stdarg.h>

#include "client-lib/hint.h"
#include "client-lib/linger.h"
#include "client-lib/real.h"

int tapir_close(int fd)
{
	struct linger_close linger;
	bool waits = !hint_is_sandboxed() && linger_begin(fd, &linger);
	int r;

	hint_on_close(fd);
	r = tapir_real.close(fd);
	if (waits)
		linger_end(&linger);
	return r;
}

int tapir_dup(int fd)
{
	int r = tapir_real.dup(fd);

	if (r >= 0)
		hint_on_dup(fd, r);
	return r;
}

int tapir_dup2(int fd, int new_fd)
{
	int r = tapir_real.dup2(fd, new_fd);

	if (r >= 0)
		hint_on_dup(fd, r);
	return r;
}

int tapir_dup3(int fd, int new_fd, int flags)
{
	int r = tapir_real.dup3(fd, new_fd, flags);

	if (r >= 0)
		hint_on_dup(fd, r);
	return r;
}

int tapir_fcntl(int fd, int cmd, ...)
{
	va_list args;
	void *arg;
	int r;

	va_start(args, cmd);
	arg = va_arg(args, void *); /* a number or a pointer: the same register either way */
	va_end(args);
	r = tapir_real.fcntl(fd, cmd, arg);
	if (r >= 0 && (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC))
		hint_on_dup(fd, r);
	return r;
}
