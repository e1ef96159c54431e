/* SPDX-License-Identifier: BSD-2-Clause */
/* notify_start.c - the supervisor is forked first, free of the filter, and its parent then puts itself under the filter.
 * The listener is not sent, for sending would be trapped: the parent writes its number into a pipe, and the supervisor fetches it. */
#include "tools/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/notify_filter.h"
#include "tools/notify_target.h"

/* What goes through the pipes. */
struct to_supervisor {
	int32_t listener; /* its number here */
	int32_t is_interruptible;
};

struct from_supervisor {
	int32_t pid;   /* first message: of the supervisor */
	int32_t error; /* second: whether it has the listener */
};

/* Between the two: each side's ends. */
struct wires {
	int to[2], from[2];
};

static int read_all(int fd, void *data, size_t bytes)
{
	ssize_t n;

	do
		n = read(fd, data, bytes);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == bytes ? 0 : -EPIPE;
}

static int write_all(int fd, const void *data, size_t bytes)
{
	ssize_t n;

	do
		n = write(fd, data, bytes);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == bytes ? 0 : -EPIPE;
}

static void close_pair(int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

static int open_wires(struct wires *w)
{
	if (pipe2(w->to, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(w->from, O_CLOEXEC) < 0) {
		close_pair(w->to);
		return -errno;
	}
	return 0;
}

/* ---- The supervisor's side ---- */

/* Nothing of the program's may stay open in the supervisor: somebody may wait for its end. */
static void let_go(const int keep[2], bool keeps_stderr)
{
	int null = open("/dev/null", O_RDWR), low = keep[0] < keep[1] ? keep[0] : keep[1], high = keep[0] ^ keep[1] ^ low;

	for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++)
		if (fd != STDERR_FILENO || !keeps_stderr)
			dup2(null, fd);
	if (low > STDERR_FILENO + 1)
		close_range(STDERR_FILENO + 1, (unsigned)low - 1, 0);
	if (high > low + 1)
		close_range((unsigned)low + 1, (unsigned)high - 1, 0);
	close_range((unsigned)high + 1, UINT32_MAX, 0);
	if (chdir("/") < 0)
		return; /* only a directory that cannot be unmounted meanwhile */
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int fetch_listener(pid_t program, const struct to_supervisor *t)
{
	int pidfd = pidfd_open(program, 0), fd;

	if (pidfd < 0)
		return -errno;
	fd = target_fd(pidfd, t->listener);
	close(pidfd);
	return fd;
}

/* Whether the kernel can give a descriptor and the answer in one step (5.14): it finds no call 0, rather than the flag wrong. */
static int check_kernel(int listener)
{
	struct seccomp_notif_addfd add = { .flags = SECCOMP_ADDFD_FLAG_SEND, .srcfd = (uint32_t)listener };

	return ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0 && errno == EINVAL ? -ENOSYS : 0;
}

static void be_supervisor(const struct wires *w, pid_t program, bool is_verbose) __attribute__((noreturn));

static void be_supervisor(const struct wires *w, pid_t program, bool is_verbose)
{
	int keep[2] = { w->to[0], w->from[1] }, listener;
	struct from_supervisor from = { .pid = getpid() };
	struct to_supervisor to;

	setsid();
	prctl(PR_SET_NAME, "tapir-notify");
	let_go(keep, is_verbose);
	raise_descriptor_limit();
	if (write_all(w->from[1], &from, sizeof(from)) < 0 || read_all(w->to[0], &to, sizeof(to)) < 0)
		_exit(1);
	listener = fetch_listener(program, &to);
	from.error = listener < 0 ? listener : check_kernel(listener);
	write_all(w->from[1], &from, sizeof(from));
	close(w->to[0]);
	close(w->from[1]);
	if (from.error)
		_exit(1);
	notify_serve(listener, to.is_interruptible, is_verbose);
}

/* Not followed by a debugger of the program's (strace -f): it would wait for the program while the program waits for us. */
static pid_t fork_untraced(void)
{
	struct clone_args args = { .flags = CLONE_UNTRACED, .exit_signal = SIGCHLD };

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/* Fork twice: the program must not find a child that it never started. */
static int fork_supervisor(const struct wires *w, bool is_verbose)
{
	pid_t program = getpid(), child = fork();

	if (child < 0)
		return -errno;
	if (child == 0) {
		pid_t supervisor = fork_untraced();

		if (supervisor == 0)
			be_supervisor(w, program, is_verbose);
		_exit(supervisor < 0);
	}
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	close(w->to[0]);
	close(w->from[1]);
	return 0;
}

/* ---- The program's side ---- */

static int hand_over(const struct wires *w, const char **what)
{
	bool is_interruptible = getenv("TAPIR_NOTIFY_INTERRUPTIBLE");
	struct from_supervisor from;
	struct to_supervisor to;
	int listener, error = read_all(w->from[0], &from, sizeof(from));

	*what = "start the supervisor";
	if (error)
		return error;
	prctl(PR_SET_PTRACER, from.pid, 0, 0, 0); /* for Yama; fails without, where it is not needed */
	*what = "install the seccomp filter";
	listener = notify_filter_install(&is_interruptible);
	if (listener < 0)
		return listener;
	*what = "let the supervisor answer system calls (seccomp notification as of Linux 5.14)";
	to = (struct to_supervisor){ .listener = listener, .is_interruptible = is_interruptible };
	error = write_all(w->to[1], &to, sizeof(to));
	if (!error)
		error = read_all(w->from[0], &from, sizeof(from));
	close(listener);
	return error ? error : from.error;
}

int notify_enter(bool is_verbose, const char **what)
{
	struct wires w;
	int error = open_wires(&w);

	*what = "make a pipe";
	if (error)
		return error;
	*what = "start the supervisor";
	error = fork_supervisor(&w, is_verbose);
	if (!error)
		error = hand_over(&w, what);
	close(w.to[1]); /* a supervisor that got nothing ends */
	close(w.from[0]);
	return error;
}
