/* SPDX-License-Identifier: BSD-2-Clause */
/* notify_target.h - what the supervisor of notify mode sees and changes of the threads it serves: memory, descriptors, signals.
 * Promises: nothing here blocks on the thread. Errors are negative errnos; -EFAULT: the address is none of the thread's. */
#ifndef TAPIR_TOOLS_NOTIFY_TARGET_H
#define TAPIR_TOOLS_NOTIFY_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

int target_read(pid_t tid, void *to, uint64_t from, size_t bytes);
int target_write(pid_t tid, uint64_t to, const void *from, size_t bytes);

/* The same with several pieces on the thread's side: as many bytes as both sides hold. */
int target_gather(pid_t tid, void *to, const struct iovec *from, size_t count, size_t bytes);
int target_scatter(pid_t tid, const struct iovec *to, size_t count, const void *from, size_t bytes);

/** target_pidfd - a descriptor of the thread @tid, close-on-exec: of the thread itself where the kernel has that (6.9), else of its
 * process. It polls readable when that has ended. Returns it or -errno. */
int target_pidfd(pid_t tid);

/** target_fd - a duplicate of the thread's descriptor @fd, close-on-exec. -EBADF: it has none such. */
int target_fd(int pidfd, int fd);

/** target_fd_is_cloexec - whether the thread's descriptor @fd is close-on-exec. */
bool target_fd_is_cloexec(pid_t tid, int fd);

/** target_has_room - whether the thread's process can have one more descriptor, as far as one can tell. */
bool target_has_room(pid_t tid);

/* What a signal does to a thread in a system call. */
enum target_signal {
	TARGET_QUIET,	/* none waits for it */
	TARGET_SIGNAL,	/* one does, certainly: the call ends with -ERESTARTSYS */
	TARGET_PERHAPS,	/* its process has one, which this thread or another will take */
};
enum target_signal target_signal(pid_t tid);

/* Raise SIGPIPE in the thread, as a write to a broken stream does. */
void target_raise_sigpipe(pid_t tid);

#endif
