/* SPDX-License-Identifier: BSD-2-Clause */
/* notify.h - notify mode of tapir run: any program on the stack, static and Go ones too, through seccomp user notification.
 *
 *	tapir run --mode=notify PROGRAM
 *	   |  forks the supervisor, which leaves its session and process group
 *	   |  puts itself under a filter (notify_filter.c); the supervisor fetches the listener with pidfd_getfd(2)
 *	   +- exec PROGRAM: the same process, so parent, exit status, signals, terminal and job control are as without tapir
 *
 * Each trapped call of the program, and of all that it starts, waits in the kernel until the supervisor answers. It has no memory of
 * sockets either: it takes a duplicate of the descriptor in question (pidfd_getfd), runs libtapir's own function on it with arguments copied
 * from the program's memory, and answers; new descriptors go into the program with SECCOMP_IOCTL_NOTIF_ADDFD. It is one thread that
 * never sleeps for one call: what has to wait is parked (notify_serve.c). It ends when the last process under the filter has.
 *
 * This redirects; it confines nothing. Arguments in memory may change after they were read. */
#ifndef TAPIR_TOOLS_NOTIFY_H
#define TAPIR_TOOLS_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>

/** notify_enter - start a supervisor and put the calling process, which has one thread, under its filter. The daemon's socket is
 * control_path(NULL). @is_verbose: the supervisor says on standard error what it cannot do. Returns 0, -EBUSY: the process is under such a filter already, and nothing was changed, or another negative errno
 * with *what, what could not be done. */
int notify_enter(bool is_verbose, const char **what);

/** notify_serve - the supervisor's whole life. @is_interruptible: as notify_filter_install() said. */
void notify_serve(int listener, bool is_interruptible, bool is_verbose) __attribute__((noreturn));

#endif
