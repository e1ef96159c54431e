/* SPDX-License-Identifier: BSD-2-Clause */
/* notify_filter.h - the seccomp filter of notify mode: which system calls wait for the supervisor.
 * Trapped are the calls that make, name, connect or configure sockets, and those that carry socket addresses with data. Never trapped:
 * read, write, poll, epoll, close, dup, and send and recv (sendto and recvfrom without an address), so that bytes flow at full speed.
 * What could reach the kernel's sockets past these is refused: io_uring (ENOSYS), and socket calls of other ABIs than the native one. */
#ifndef TAPIR_TOOLS_NOTIFY_FILTER_H
#define TAPIR_TOOLS_NOTIFY_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

enum { NOTIFY_FILTER_MAX = 256 };

/** notify_filter_build - the program, into @code with room for NOTIFY_FILTER_MAX instructions. Returns their number. */
size_t notify_filter_build(struct sock_filter *code);

/** notify_filter_install - put the calling thread, and whatever it will start, under the filter.
 * @is_interruptible: signals interrupt a call also while the supervisor works on it (seccomp(2) without
 * SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV); set to true when the kernel knows no other way (before 5.19).
 * Returns the listener, close-on-exec, or -errno: -EBUSY: the thread is under such a filter already. */
int notify_filter_install(bool *is_interruptible);

#endif
