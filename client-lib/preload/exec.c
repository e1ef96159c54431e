/* SPDX-License-Identifier: BSD-2-Clause */
/* exec(3) and posix_spawn(3): a program that the shim does not get into (static, Go, another C library, set-user-id) would be on the
 * kernel's stack without anybody noticing. It is started through `tapir run --mode=notify` instead, in the same process, with
 * the same descriptors, directory, name (argv[0]) and environment. Everything else is started as it is.
 * Nothing here allocates or changes anything shared: a child of vfork may come here. */
#include <alloca.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client-lib/control.h"
#include "client-lib/hint.h"
#include "client-lib/preload/preload.h"
#include "client-lib/preload/program.h"

enum { OWN_WORDS = 8, PRELOAD_MAX = 4096 };

static const char shim_name[] = "libtapir-preload.so";

/* What tapir(1) is called, as `tapir run` told it; and what the names meant before us. Written once, before main(). */
static char runner[PATH_MAX];
static int (*next_execve)(const char *, char *const[], char *const[]);
static int (*next_spawn)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[],
			 char *const[]);
static int (*next_spawnp)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[],
			  char *const[]);

static void find(void *function, const char *name)
{
	void *p = dlsym(RTLD_NEXT, name);

	memcpy(function, &p, sizeof(p));
}

__attribute__((constructor)) static void exec_init(void)
{
	const char *path = getenv("TAPIR_RUN");

	if (next_execve)
		return;
	if (path && strlen(path) < sizeof(runner))
		strcpy(runner, path);
	find(&next_spawn, "posix_spawn");
	find(&next_spawnp, "posix_spawnp");
	find(&next_execve, "execve");
}

/* ---- The other command line ---- */

struct command {
	char **argv, **envp;
	char *preload; /* room for PRELOAD_MAX bytes */
	const char *name; /* of the program, as argv[0] */
};

static size_t count_words(char *const *words)
{
	size_t n = 0;

	while (words && words[n])
		n++;
	return n;
}

/* A pointer to a text that exec only reads, as its parameters want it. */
static char *word(const char *text)
{
	char *p;

	memcpy(&p, &text, sizeof(p));
	return p;
}

/* "LD_PRELOAD=..." without the shim, into @to. */
static void without_shim(const char *entry, char *to)
{
	const char *at = entry + sizeof("LD_PRELOAD=") - 1;
	size_t name = sizeof(shim_name) - 1, used = (size_t)(at - entry);

	memcpy(to, entry, used);
	while (*at) {
		size_t n = strcspn(at, " :");
		bool is_shim = n >= name && memcmp(at + n - name, shim_name, name) == 0 && (n == name || at[n - name - 1] == '/');

		if (n && !is_shim && used + n + 2 < PRELOAD_MAX) {
			if (to[used - 1] != '=')
				to[used++] = ':';
			memcpy(to + used, at, n);
			used += n;
		}
		at += n;
		at += strspn(at, " :");
	}
	to[used] = 0;
}

static void fill_command(const struct command *c, const char *path, char *const *argv, char *const *envp)
{
	const char *own[OWN_WORDS] = { runner, "run", "--mode=notify", "--socket", control_path(NULL), "--argv0", argv[0] ? argv[0] : path,
				       "--" };
	size_t n = 0;

	for (; n < OWN_WORDS; n++)
		c->argv[n] = word(own[n]);
	c->argv[n++] = word(path);
	for (size_t i = 1; argv[0] && argv[i]; i++)
		c->argv[n++] = argv[i];
	c->argv[n] = NULL;
	n = 0;
	for (; envp && envp[n]; n++) {
		bool is_preload = strncmp(envp[n], "LD_PRELOAD=", sizeof("LD_PRELOAD=") - 1) == 0;

		if (is_preload)
			without_shim(envp[n], c->preload);
		c->envp[n] = is_preload ? c->preload : envp[n];
	}
	c->envp[n] = NULL;
}

/* Whether the program at @path must take the other way. */
static bool needs_notify(const char *path)
{
	struct program p;
	int saved_errno = errno;
	bool needs = false;

	if (*runner && path && !hint_is_sandboxed() && access(runner, X_OK) == 0) { /* out of reach after chroot(2) */
		program_inspect(path, &p);
		needs = program_needs_notify(&p);
	}
	errno = saved_errno;
	return needs;
}

/* Room for the command, on the stack of whoever says this. */
#define COMMAND(argv_, envp_)                                                                                          \
	{                                                                                                              \
		.argv = alloca((count_words(argv_) + OWN_WORDS + 2) * sizeof(char *)),                                 \
		.envp = alloca((count_words(envp_) + 1) * sizeof(char *)), .preload = alloca(PRELOAD_MAX)              \
	}

static int start(const char *path, char *const argv[], char *const envp[])
{
	preload_enter();
	exec_init();
	if (!argv || !needs_notify(path))
		return next_execve(path, argv, envp);
	struct command c = COMMAND(argv, envp);

	fill_command(&c, path, argv, envp);
	return next_execve(runner, c.argv, c.envp);
}

/* ---- exec(3) ---- */

PRELOAD_EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	return start(path, argv, envp);
}

PRELOAD_EXPORT int execv(const char *path, char *const argv[])
{
	return start(path, argv, environ);
}

/* Looked up along PATH. A file without "#!" that the kernel does not know is given to the shell. */
PRELOAD_EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	char path[PATH_MAX];
	int error = program_find(file, path, sizeof(path));
	size_t n = count_words(argv);
	char **script;

	if (error) {
		errno = error;
		return -1;
	}
	start(path, argv, envp);
	if (errno != ENOEXEC)
		return -1;
	script = alloca((n + 3) * sizeof(char *));
	script[0] = word("/bin/sh");
	script[1] = path;
	for (size_t i = 1; i <= n; i++)
		script[i + 1] = argv[i];
	script[n + (n == 0) + 1] = NULL;
	return start("/bin/sh", script, envp);
}

PRELOAD_EXPORT int execvp(const char *file, char *const argv[])
{
	return execvpe(file, argv, environ);
}

/* The words of execl() and its kin, as an array on the stack of whoever says this; the list ends with NULL. */
#define COLLECT(argv_, first_, args_)                                                                                  \
	do {                                                                                                           \
		va_list count_args_;                                                                                   \
		size_t count_ = 1;                                                                                     \
		va_copy(count_args_, args_);                                                                           \
		while (va_arg(count_args_, char *))                                                                    \
			count_++;                                                                                      \
		va_end(count_args_);                                                                                   \
		(argv_) = alloca((count_ + 1) * sizeof(char *));                                                       \
		(argv_)[0] = word(first_);                                                                             \
		for (size_t i_ = 1; i_ <= count_; i_++)                                                                \
			(argv_)[i_] = va_arg(args_, char *);                                                           \
	} while (0)

PRELOAD_EXPORT int execl(const char *path, const char *arg, ...)
{
	va_list args;
	char **argv;

	va_start(args, arg);
	COLLECT(argv, arg, args);
	va_end(args);
	return start(path, argv, environ);
}

PRELOAD_EXPORT int execlp(const char *file, const char *arg, ...)
{
	va_list args;
	char **argv;

	va_start(args, arg);
	COLLECT(argv, arg, args);
	va_end(args);
	return execvpe(file, argv, environ);
}

PRELOAD_EXPORT int execle(const char *path, const char *arg, ...)
{
	va_list args;
	char **argv, **envp;

	va_start(args, arg);
	COLLECT(argv, arg, args);
	envp = va_arg(args, char **);
	va_end(args);
	return start(path, argv, envp);
}

/* ---- posix_spawn(3) ---- */

static int spawn_other(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
		       char *const argv[], char *const envp[])
{
	struct command c = COMMAND(argv, envp);

	fill_command(&c, path, argv, envp);
	return next_spawn(pid, runner, actions, attributes, c.argv, c.envp);
}

PRELOAD_EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
			       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	preload_enter();
	exec_init();
	if (needs_notify(path))
		return spawn_other(pid, path, actions, attributes, argv, envp);
	return next_spawn(pid, path, actions, attributes, argv, envp);
}

PRELOAD_EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
				const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	char path[PATH_MAX];

	preload_enter();
	exec_init();
	if (program_find(file, path, sizeof(path)) == 0 && needs_notify(path))
		return spawn_other(pid, path, actions, attributes, argv, envp);
	return next_spawnp(pid, file, actions, attributes, argv, envp);
}
