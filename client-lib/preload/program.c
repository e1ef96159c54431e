/* SPDX-License-Identifier: BSD-2-Clause */
#include "client-lib/preload/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
	SCRIPT_DEPTH_MAX = 5,	  /* as the kernel's (BINPRM_MAX_RECURSION) */
	SCRIPT_LINE_MAX = 256,	  /* as the kernel's (BINPRM_BUF_SIZE) */
	SEGMENTS_MAX = 256,
	NOTES_MAX_BYTES = 4096,
};

#if defined(__x86_64__)
static const uint16_t own_machine = EM_X86_64;
#elif defined(__aarch64__)
static const uint16_t own_machine = EM_AARCH64;
#elif defined(__riscv)
static const uint16_t own_machine = EM_RISCV;
#elif defined(__powerpc64__)
static const uint16_t own_machine = EM_PPC64;
#elif defined(__s390x__)
static const uint16_t own_machine = EM_S390;
#elif defined(__arm__)
static const uint16_t own_machine = EM_ARM;
#elif defined(__i386__)
static const uint16_t own_machine = EM_386;
#endif

/* ---- Where it is ---- */

static int check_executable(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno;
	if (!S_ISREG(st.st_mode) || access(path, X_OK) < 0)
		return EACCES;
	return 0;
}

int program_find(const char *name, char *path, size_t room)
{
	const char *dirs = getenv("PATH");
	int error = ENOENT;

	if (!*name)
		return ENOENT;
	if (strchr(name, '/')) {
		if ((size_t)snprintf(path, room, "%s", name) >= room)
			return ENAMETOOLONG;
		return check_executable(path);
	}
	if (!dirs)
		dirs = "/usr/local/bin:/usr/bin:/bin";
	for (const char *end; dirs; dirs = *end ? end + 1 : NULL) {
		int n, e;

		end = strchrnul(dirs, ':');
		n = end == dirs ? snprintf(path, room, "./%s", name) :
				  snprintf(path, room, "%.*s/%s", (int)(end - dirs), dirs, name);
		if (n < 0 || (size_t)n >= room)
			continue;
		e = check_executable(path);
		if (!e)
			return 0;
		if (e == EACCES)
			error = EACCES;
	}
	return error;
}

/* ---- What it is ---- */

static bool is_privileged(int fd, const struct stat *st)
{
	if (st->st_mode & S_ISUID && st->st_uid != geteuid())
		return true;
	if (st->st_mode & S_ISGID && st->st_mode & S_IXGRP && st->st_gid != getegid())
		return true;
	return geteuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0;
}

/* Go's linker leaves a note of this name with the build id (elfstart of ELF_NOTE_GOBUILDID). */
static bool has_go_note(int fd, const ElfW(Phdr) *segment)
{
	uint8_t notes[NOTES_MAX_BYTES];
	ssize_t n = pread(fd, notes, segment->p_filesz < sizeof(notes) ? segment->p_filesz : sizeof(notes),
			  (off_t)segment->p_offset);
	size_t at = 0;

	while (n >= 0 && at + sizeof(ElfW(Nhdr)) <= (size_t)n) {
		ElfW(Nhdr) note;
		size_t name = at + sizeof(note);

		memcpy(&note, notes + at, sizeof(note));
		if (note.n_namesz > (size_t)n - name)
			return false;
		if (note.n_namesz == 4 && memcmp(notes + name, "Go\0\0", 4) == 0)
			return true;
		if (note.n_descsz > (size_t)n)
			return false;
		at = name + (((size_t)note.n_namesz + 3) & ~(size_t)3) + (((size_t)note.n_descsz + 3) & ~(size_t)3);
	}
	return false;
}

static enum program_kind inspect_linker(int fd, const ElfW(Phdr) *segment)
{
	char name[256];
	size_t want = segment->p_filesz < sizeof(name) - 1 ? segment->p_filesz : sizeof(name) - 1;
	ssize_t n = pread(fd, name, want, (off_t)segment->p_offset);

	name[n > 0 ? n : 0] = 0;
	return strstr(name, "/ld-linux") || strstr(name, "/ld64.so") || strstr(name, "/ld.so") ? PROGRAM_DYNAMIC :
												 PROGRAM_OTHER_LIBC;
}

static enum program_kind inspect_elf(int fd, const uint8_t *start, size_t bytes)
{
	enum program_kind kind = PROGRAM_STATIC;
	ElfW(Ehdr) e;

	if (start[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) || bytes < sizeof(e))
		return PROGRAM_FOREIGN;
	memcpy(&e, start, sizeof(e));
	if (e.e_machine != own_machine)
		return PROGRAM_FOREIGN;
	if (e.e_phentsize != sizeof(ElfW(Phdr)) || e.e_phnum > SEGMENTS_MAX)
		return PROGRAM_FOREIGN;
	for (off_t i = 0; i < e.e_phnum; i++) {
		ElfW(Phdr) segment;

		if (pread(fd, &segment, sizeof(segment), (off_t)e.e_phoff + i * (off_t)sizeof(segment)) != (ssize_t)sizeof(segment))
			break;
		if (segment.p_type == PT_NOTE && has_go_note(fd, &segment))
			return PROGRAM_GO;
		if (segment.p_type == PT_INTERP)
			kind = inspect_linker(fd, &segment);
	}
	return kind;
}

/* The words of a "#!" line as the kernel takes them: the interpreter, and the rest as one argument. */
static char *split_script_line(char *line, char **argument)
{
	char *interpreter = line + 2, *end;

	line[strcspn(line, "\n")] = 0;
	interpreter += strspn(interpreter, " \t");
	end = interpreter + strcspn(interpreter, " \t");
	*argument = end + strspn(end, " \t");
	*end = 0;
	return *interpreter ? interpreter : NULL;
}

/* The program that "env [-S] [-OPTION]... [NAME=VALUE]... PROGRAM" starts; NULL: not to be seen. */
static char *env_program(char *argument)
{
	char *save = NULL, *word = strtok_r(argument, " \t", &save);

	while (word && (*word == '-' || strchr(word, '=')))
		word = strtok_r(NULL, " \t", &save);
	return word;
}

static bool is_env(const char *interpreter)
{
	const char *slash = strrchr(interpreter, '/');

	return strcmp(slash ? slash + 1 : interpreter, "env") == 0;
}

static void missing(struct program *p, int error)
{
	p->kind = PROGRAM_MISSING;
	p->error = error;
}

static void inspect_at(const char *path, struct program *p, int depth);

static void inspect_script(char *line, struct program *p, int depth)
{
	char *argument, *interpreter = split_script_line(line, &argument), *program = NULL;
	char path[sizeof(p->path)];
	int error;

	if (!interpreter || depth == SCRIPT_DEPTH_MAX) {
		missing(p, interpreter ? ELOOP : ENOEXEC);
		return;
	}
	inspect_at(interpreter, p, depth + 1);
	if (p->kind != PROGRAM_DYNAMIC || !is_env(interpreter))
		return;
	program = env_program(argument);
	if (!program)
		return;
	error = program_find(program, path, sizeof(path));
	if (error) {
		snprintf(p->path, sizeof(p->path), "%s", program);
		missing(p, error);
		return;
	}
	inspect_at(path, p, depth + 1);
}

static void inspect_at(const char *path, struct program *p, int depth)
{
	uint8_t start[SCRIPT_LINE_MAX + 1] = { 0 };
	struct stat st;
	ssize_t n;
	int fd;

	if (path != p->path)
		snprintf(p->path, sizeof(p->path), "%s", path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		missing(p, errno);
		if (fd >= 0)
			close(fd);
		return;
	}
	n = read(fd, start, sizeof(start) - 1);
	p->error = 0;
	if (n >= EI_NIDENT && memcmp(start, ELFMAG, SELFMAG) == 0)
		p->kind = is_privileged(fd, &st) ? PROGRAM_PRIVILEGED : inspect_elf(fd, start, (size_t)n);
	else
		p->kind = PROGRAM_TEXT;
	close(fd);
	if (n >= 2 && start[0] == '#' && start[1] == '!')
		inspect_script((char *)start, p, depth);
}

bool program_needs_notify(const struct program *p)
{
	return p->kind == PROGRAM_STATIC || p->kind == PROGRAM_GO || p->kind == PROGRAM_PRIVILEGED || p->kind == PROGRAM_OTHER_LIBC;
}

void program_inspect(const char *path, struct program *p)
{
	inspect_at(path, p, 0);
}
