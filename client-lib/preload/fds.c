/* SPDX-License-Identifier: BSD-2-Clause */
/* The plain names of calls that make and end descriptors, or change what the process may reach. */
#include "client-lib/include/tapir/socket.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/prctl.h>

#include "client-lib/control_pool.h"
#include "client-lib/hint.h"
#include "client-lib/preload/preload.h"

/* Our control connections are not the program's to close. */
PRELOAD_EXPORT int close(int fd)
{
	preload_enter();
	if (__builtin_expect(control_pool_owns(fd), 0)) {
		errno = EBADF;
		return -1;
	}
	return tapir_close(fd);
}

/* All of a range but our control connections. */
PRELOAD_EXPORT int close_range(unsigned first, unsigned last, int flags)
{
	unsigned from = first;
	int own;

	preload_enter();
	if (flags & CLOSE_RANGE_CLOEXEC || first > last)
		return tapir_real.close_range(first, last, flags);
	while (from <= INT_MAX && (own = control_pool_next((int)from)) >= 0 && (unsigned)own <= last) {
		if ((unsigned)own > from && tapir_real.close_range(from, (unsigned)own - 1, flags) < 0)
			return -1;
		from = (unsigned)own + 1;
	}
	hint_on_close_range(first, last);
	return from > last ? 0 : tapir_real.close_range(from, last, flags);
}

PRELOAD_EXPORT void closefrom(int first)
{
	close_range(first < 0 ? 0 : (unsigned)first, UINT_MAX, 0);
}

PRELOAD_EXPORT int dup(int fd)
{
	preload_enter();
	return tapir_dup(fd);
}

PRELOAD_EXPORT int dup2(int fd, int new_fd)
{
	preload_enter();
	return tapir_dup2(fd, new_fd);
}

PRELOAD_EXPORT int dup3(int fd, int new_fd, int flags)
{
	preload_enter();
	return tapir_dup3(fd, new_fd, flags);
}

/* The third argument of fcntl(2) and ioctl(2) is a number or a pointer: the same register either way. */
PRELOAD_EXPORT int fcntl(int fd, int cmd, ...)
{
	va_list args;
	void *arg;

	va_start(args, cmd);
	arg = va_arg(args, void *);
	va_end(args);
	preload_enter();
	return tapir_fcntl(fd, cmd, arg);
}

PRELOAD_EXPORT int fcntl64(int fd, int cmd, ...) __attribute__((alias("fcntl")));
PRELOAD_EXPORT int __fcntl(int fd, int cmd, ...) __attribute__((alias("fcntl")));
PRELOAD_EXPORT int __close(int fd) __attribute__((alias("close")));
PRELOAD_EXPORT int __dup2(int fd, int new_fd) __THROW __attribute__((alias("dup2")));

PRELOAD_EXPORT int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	preload_enter();
	return tapir_ioctl(fd, request, arg);
}

/* After chroot(2) the control socket's path is out of reach: make the door first. */
PRELOAD_EXPORT int chroot(const char *path)
{
	int (*next)(const char *) = NULL;
	void *p;

	preload_enter();
	p = dlsym(RTLD_NEXT, "chroot");
	__builtin_memcpy(&next, &p, sizeof(p));
	control_pool_open_door();
	return next(path);
}

/* A filter that is about to be installed knows nothing of calls that the library makes on its own. */
PRELOAD_EXPORT int prctl(int option, ...)
{
	int (*next)(int, unsigned long, unsigned long, unsigned long, unsigned long) = NULL;
	unsigned long a[4];
	va_list args;
	void *p;
	int r;

	va_start(args, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(args, unsigned long);
	va_end(args);
	preload_enter();
	p = dlsym(RTLD_NEXT, "prctl");
	__builtin_memcpy(&next, &p, sizeof(p));
	r = next(option, a[0], a[1], a[2], a[3]);
	if (option == PR_SET_SECCOMP && r == 0)
		hint_enter_sandbox();
	return r;
}
