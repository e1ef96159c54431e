/* SPDX-License-Identifier: BSD-2-Clause */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "client-lib/protocol.h"
#include "privileges.h"

enum { LOCK_PATH_MAX = 128, LOCK_TRIES = 100, LOCK_WAIT_MS = 10 };

static void lock_path_of(const char *path, char lock_path[LOCK_PATH_MAX])
{
	snprintf(lock_path, LOCK_PATH_MAX, "%s.lock", path);
}

static void room_path_of(const char *path, char room_path[LOCK_PATH_MAX])
{
	snprintf(room_path, LOCK_PATH_MAX, "%s.room", path);
}

static void remove_room(const char *path)
{
	char room_path[LOCK_PATH_MAX], door_path[LOCK_PATH_MAX + sizeof(TAPIR_STREAM_NAME)];

	room_path_of(path, room_path);
	snprintf(door_path, sizeof(door_path), "%s/" TAPIR_STREAM_NAME, room_path);
	unlink(door_path);
	rmdir(room_path);
}

/* ---- The lock ----------------------------------------------------------------------------------------------------- */

static bool is_served(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	bool served;

	strcpy(to.sun_path, path);
	served = fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
	if (fd >= 0)
		close(fd);
	return served;
}

static bool is_same_file(int fd, const char *path)
{
	struct stat open_one, named;

	return fstat(fd, &open_one) == 0 && stat(path, &named) == 0 && open_one.st_dev == named.st_dev &&
	       open_one.st_ino == named.st_ino;
}

/* Open and lock the lock file. Its last owner may remove it at any moment; then the next try makes a new one. Returns the fd, -errno,
 * or -EWOULDBLOCK: locked by another. */
static int try_lock(const char *lock_path)
{
	int fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), e;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && is_same_file(fd, lock_path))
		return fd;
	e = errno == EWOULDBLOCK ? -EWOULDBLOCK : -EAGAIN;
	close(fd);
	return e;
}

static int take_lock(const char *path, char *error)
{
	static const struct timespec wait = { 0, LOCK_WAIT_MS * 1000000 };
	char lock_path[LOCK_PATH_MAX];
	int fd = -EAGAIN;

	lock_path_of(path, lock_path);
	/* After a kill -9 the keeper needs a moment to clean up; a daemon that serves answers at once. */
	for (int i = 0; i < LOCK_TRIES; i++) {
		fd = try_lock(lock_path);
		if (fd >= 0)
			return fd;
		if (fd != -EAGAIN && (fd != -EWOULDBLOCK || is_served(path)))
			break;
		nanosleep(&wait, NULL);
	}
	if (fd == -EAGAIN || fd == -EWOULDBLOCK) {
		snprintf(error, KEEPER_ERROR_MAX, "%s: another tapird is running there; choose another --name or --socket, or stop it", path);
		return -EX_UNAVAILABLE;
	}
	snprintf(error, KEEPER_ERROR_MAX, "%s: %s; choose a place you may write to with --socket", lock_path, strerror(-fd));
	return -EX_CANTCREAT;
}

/* ---- The process -------------------------------------------------------------------------------------------------- */

static void __attribute__((noreturn)) keeper_main(const char *path, int pipe_fd)
{
	char lock_path[LOCK_PATH_MAX], unused;
	sigset_t none;

	lock_path_of(path, lock_path);
	prctl(PR_SET_NAME, "tapird-keeper");
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	privileges_keep_file_access();
	while (read(pipe_fd, &unused, 1) < 0 && errno == EINTR)
		;
	unlink(path);
	remove_room(path);
	unlink(lock_path); /* while the lock is held, so nobody can have it in between */
	_exit(0);
}

static int make_directory(const char *path, char *error)
{
	char copy[LOCK_PATH_MAX];
	const char *dir;

	snprintf(copy, sizeof(copy), "%s", path);
	dir = dirname(copy);
	if (mkdir(dir, 0755) == 0)
		return chmod(dir, 0755) < 0 ? EX_CANTCREAT : 0;
	if (errno == EEXIST)
		return 0;
	snprintf(error, KEEPER_ERROR_MAX, "%s: %s; choose a place you may write to with --socket", dir, strerror(errno));
	return EX_CANTCREAT;
}

int keeper_start(struct keeper *k, const char *path, char error[KEEPER_ERROR_MAX])
{
	int fds[2], lock, status = make_directory(path, error);

	if (status)
		return status;
	lock = take_lock(path, error);
	if (lock < 0)
		return -lock;
	if (pipe2(fds, O_CLOEXEC) < 0 || (k->pid = fork()) < 0) {
		snprintf(error, KEEPER_ERROR_MAX, "starting the keeper: %s", strerror(errno));
		return EX_OSERR;
	}
	if (k->pid == 0) {
		close(fds[1]);
		keeper_main(path, fds[0]);
	}
	close(fds[0]);
	close(lock); /* the keeper has it */
	k->pipe = fds[1];
	return 0;
}

int keeper_bind(const char *path, int *fd, char error[KEEPER_ERROR_MAX])
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	strcpy(name.sun_path, path);
	unlink(path); /* what a killed daemon left: the lock says that it is nobody's */
	*fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd >= 0 && bind(*fd, (struct sockaddr *)&name, sizeof(name)) == 0 && chmod(path, 0666) == 0)
		return 0;
	snprintf(error, KEEPER_ERROR_MAX, "%s: %s; choose a place you may write to with --socket", path, strerror(errno));
	return EX_CANTCREAT;
}

int keeper_enter_room(const char *path, char error[KEEPER_ERROR_MAX])
{
	char room_path[LOCK_PATH_MAX];

	room_path_of(path, room_path);
	remove_room(path); /* what a killed daemon left */
	if (mkdir(room_path, 0700) == 0 && chdir(room_path) == 0)
		return 0;
	snprintf(error, KEEPER_ERROR_MAX, "%s: %s; choose a place you may write to with --socket", room_path, strerror(errno));
	return EX_CANTCREAT;
}

int keeper_give_room(uid_t uid, char error[KEEPER_ERROR_MAX])
{
	if (chown(".", uid, (gid_t)-1) == 0 && chown(TAPIR_STREAM_NAME, uid, (gid_t)-1) == 0)
		return 0;
	snprintf(error, KEEPER_ERROR_MAX, "giving a directory to uid %u: %s", (unsigned)uid, strerror(errno));
	return EX_OSERR;
}

void keeper_stop(struct keeper *k)
{
	close(k->pipe);
	while (waitpid(k->pid, NULL, 0) < 0 && errno == EINTR)
		;
}
