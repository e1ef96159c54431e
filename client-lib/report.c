/* SPDX-License-Identifier: BSD-2-Clause */
#include "client-lib/report.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client-lib/option_table.h"
#include "client-lib/real.h"

/* Process-wide by nature: so is the environment that names it. */
static struct report_file *file;
static _Atomic pid_t subject;

static struct report_file *map(int fd)
{
	void *at = mmap(NULL, sizeof(struct report_file), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

struct report_file *report_create(char *path, size_t room)
{
	const char *directory = getenv("TMPDIR");
	int fd, saved_errno;
	struct report_file *f = NULL;

	snprintf(path, room, "%s/tapir-report-XXXXXX", directory && *directory == '/' ? directory : "/tmp");
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return NULL;
	/* The programs may give up their user id before they are loaded anew. */
	if (fchmod(fd, 0666) == 0 && ftruncate(fd, sizeof(*f)) == 0)
		f = map(fd);
	saved_errno = errno;
	tapir_real.close(fd);
	if (f && setenv(REPORT_VARIABLE, path, 1) == 0) {
		f->magic = REPORT_MAGIC;
		file = f; /* what this process forks without exec (notify mode) is part of the run */
		return f;
	}
	unlink(path);
	errno = saved_errno;
	return NULL;
}

__attribute__((constructor)) static void report_init(void)
{
	const char *path = getenv(REPORT_VARIABLE);
	int saved_errno = errno, fd;
	struct stat st;

	if (!path || !*path)
		return;
	tapir_real_init();
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0) {
		if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == (off_t)sizeof(struct report_file))
			file = map(fd);
		tapir_real.close(fd);
	}
	errno = saved_errno;
}

void report_on_behalf_of(pid_t pid)
{
	atomic_store(&subject, pid);
}

/* The name of a process as ps(1) shows it. */
static void name_program(pid_t pid, char *program)
{
	char path[32];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = tapir_real.read(fd, program, REPORT_PROGRAM_MAX - 1);
	tapir_real.close(fd);
	program[n > 0 ? n : 0] = 0;
	program[strcspn(program, "\n")] = 0;
}

static bool find_and_count(const struct report_request *r)
{
	for (size_t i = 0; i < REPORT_ENTRIES_MAX; i++) {
		struct report_entry *e = &file->entries[i];
		uint32_t state = atomic_load(&e->state);

		if (state == REPORT_FREE)
			return false;
		if (state == REPORT_READY && memcmp(&e->request, r, sizeof(*r)) == 0) {
			atomic_fetch_add(&e->count, 1);
			return true;
		}
	}
	return false;
}

static void wake_reader(void)
{
	atomic_fetch_add(&file->events, 1);
	syscall(SYS_futex, &file->events, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* Two that race for the same request may make two entries of it; the reader adds them up. */
static void add(const struct report_request *r, pid_t pid)
{
	for (size_t i = 0; i < REPORT_ENTRIES_MAX; i++) {
		struct report_entry *e = &file->entries[i];
		uint32_t expected = REPORT_FREE;

		if (!atomic_compare_exchange_strong(&e->state, &expected, REPORT_BEING_WRITTEN))
			continue;
		e->request = *r;
		e->pid = pid;
		atomic_store(&e->count, 1);
		atomic_store(&e->state, REPORT_READY);
		wake_reader();
		return;
	}
	atomic_fetch_add(&file->overflow, 1);
}

static void note(struct report_request *r)
{
	int saved_errno = errno;
	pid_t pid = atomic_load(&subject);

	if (!pid)
		pid = getpid();
	name_program(pid, r->program);
	if (!find_and_count(r))
		add(r, pid);
	errno = saved_errno;
}

void report_option(enum report_call call, int level, int name, const void *value, size_t value_bytes, int error)
{
	struct report_request r = { .call = call, .level = level, .name = name, .error = error };
	const struct option_row *row;

	if (!file)
		return;
	row = option_find(level, name);
	if (!row || row->answer != OPTION_REFUSED || error != (call == REPORT_SETSOCKOPT ? row->refused_set : row->refused_get))
		return;
	if (call == REPORT_SETSOCKOPT) {
		r.value_bytes = (uint32_t)value_bytes;
		if (value)
			memcpy(r.value, value, value_bytes < sizeof(r.value) ? value_bytes : sizeof(r.value));
	}
	note(&r);
}

void report_flags(enum report_call call, int flags, int error)
{
	struct report_request r = { .call = call, .name = flags, .error = error };

	if (file)
		note(&r);
}
