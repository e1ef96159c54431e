/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/notify_target.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

enum { PROC_FILE_MAX = 4096 };

/* An address of the thread's; never one of ours. */
static void *foreign(uint64_t address)
{
	void *p;
	uintptr_t a = (uintptr_t)address;

	memcpy(&p, &a, sizeof(p));
	return p;
}

/* ---- Memory ---- */

static int moved(ssize_t n, size_t bytes)
{
	if (n < 0)
		return -errno;
	return (size_t)n == bytes ? 0 : -EFAULT;
}

int target_gather(pid_t tid, void *to, const struct iovec *from, size_t count, size_t bytes)
{
	struct iovec here = { to, bytes };

	return bytes ? moved(process_vm_readv(tid, &here, 1, from, count, 0), bytes) : 0;
}

int target_scatter(pid_t tid, const struct iovec *to, size_t count, const void *from, size_t bytes)
{
	struct iovec here = { .iov_len = bytes };

	memcpy(&here.iov_base, &from, sizeof(from)); /* only read from */
	return bytes ? moved(process_vm_writev(tid, &here, 1, to, count, 0), bytes) : 0;
}

int target_read(pid_t tid, void *to, uint64_t from, size_t bytes)
{
	struct iovec there = { foreign(from), bytes };

	return target_gather(tid, to, &there, 1, bytes);
}

int target_write(pid_t tid, uint64_t to, const void *from, size_t bytes)
{
	struct iovec there = { foreign(to), bytes };

	return target_scatter(tid, &there, 1, from, bytes);
}

/* ---- /proc ---- */

/* Read a small file of /proc/@tid whole, as text. Returns its length, -1: it cannot be read. */
static ssize_t read_proc(pid_t tid, const char *name, char text[PROC_FILE_MAX])
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, text, PROC_FILE_MAX - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	return n;
}

/* The number behind "\nNAME:\t" in such a text. */
static uint64_t proc_number(const char *text, const char *name, int base)
{
	const char *at = strstr(text, name);

	return at ? strtoull(at + strlen(name), NULL, base) : 0;
}

static pid_t process_of(pid_t tid)
{
	char text[PROC_FILE_MAX];

	return read_proc(tid, "status", text) > 0 ? (pid_t)proc_number(text, "\nTgid:\t", 10) : tid;
}

/* ---- Descriptors ---- */

int target_pidfd(pid_t tid)
{
	int fd = pidfd_open(tid, PIDFD_THREAD);

	if (fd < 0 && errno == EINVAL)
		fd = pidfd_open(process_of(tid), 0);
	return fd < 0 ? -errno : fd;
}

int target_fd(int pidfd, int fd)
{
	int dup = pidfd_getfd(pidfd, fd, 0);

	return dup < 0 ? -errno : dup;
}

bool target_fd_is_cloexec(pid_t tid, int fd)
{
	char name[32], text[PROC_FILE_MAX];

	snprintf(name, sizeof(name), "fdinfo/%d", fd);
	return read_proc(tid, name, text) > 0 && proc_number(text, "\nflags:\t", 8) & O_CLOEXEC;
}

/* Descriptors below @limit that are open. Those above it stay open when the limit is lowered. */
static rlim_t count_below(const char *path, rlim_t limit)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	rlim_t count = 0;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && strtoul(entry->d_name, NULL, 10) < limit)
			count++;
	if (dir)
		closedir(dir);
	return count;
}

bool target_has_room(pid_t tid)
{
	struct rlimit limit;
	struct stat st;
	char path[64];

	/* The size of this directory is the number of open descriptors since Linux 6.2, and 0 before. */
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)tid);
	if (stat(path, &st) < 0 || prlimit(tid, RLIMIT_NOFILE, NULL, &limit) < 0)
		return true;
	return (rlim_t)st.st_size < limit.rlim_cur || count_below(path, limit.rlim_cur) < limit.rlim_cur;
}

/* ---- Signals ---- */

/* kill(2) gives a signal to the first thread of a process unless that blocks it (complete_signal() in kernel/signal.c). */
static bool is_for_first_thread(pid_t process, uint64_t shared)
{
	char text[PROC_FILE_MAX];

	return read_proc(process, "status", text) > 0 && shared & ~proc_number(text, "\nSigBlk:\t", 16);
}

enum target_signal target_signal(pid_t tid)
{
	char text[PROC_FILE_MAX];
	uint64_t blocked, shared;
	pid_t process;

	if (read_proc(tid, "status", text) <= 0)
		return TARGET_QUIET;
	blocked = proc_number(text, "\nSigBlk:\t", 16);
	if (proc_number(text, "\nSigPnd:\t", 16) & ~blocked)
		return TARGET_SIGNAL;
	shared = proc_number(text, "\nShdPnd:\t", 16) & ~blocked;
	if (!shared)
		return TARGET_QUIET;
	process = (pid_t)proc_number(text, "\nTgid:\t", 10);
	if (process == tid || proc_number(text, "\nThreads:\t", 10) == 1)
		return TARGET_SIGNAL;
	return is_for_first_thread(process, shared) ? TARGET_QUIET : TARGET_PERHAPS;
}

void target_raise_sigpipe(pid_t tid)
{
	syscall(SYS_tgkill, process_of(tid), tid, SIGPIPE);
}
