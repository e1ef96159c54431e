/* SPDX-License-Identifier: BSD-2-Clause */
/* program.h - whether a program file can be run with the preload shim, found out before it runs on the kernel unnoticed.
 * Promises: reads the file, and the interpreters that "#!" names, and nothing else; a file that changes meanwhile is not defended
 *           against (this is a convenience, not a security boundary). Async-signal-safe: a child of vfork may ask.
 * The shim asks about every program that is to be executed, `tapir run` about its own. */
#ifndef TAPIR_PRELOAD_PROGRAM_H
#define TAPIR_PRELOAD_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

enum program_kind {
	PROGRAM_DYNAMIC,    /* the dynamic linker of this C library loads it, and the shim with it */
	PROGRAM_STATIC,	    /* no dynamic linker */
	PROGRAM_GO,	    /* makes its system calls itself, dynamic or not */
	PROGRAM_PRIVILEGED, /* set-user-id, set-group-id or file capabilities: the dynamic linker ignores LD_PRELOAD */
	PROGRAM_OTHER_LIBC, /* another dynamic linker (musl) */
	PROGRAM_FOREIGN,    /* an ELF file for another machine or word size */
	PROGRAM_TEXT,	    /* neither ELF nor "#!": execvp(3) gives it to sh */
	PROGRAM_MISSING,    /* error says why it cannot be read or run */
};

struct program {
	enum program_kind kind;
	int error;	 /* errno of PROGRAM_MISSING */
	char path[4096]; /* the file that decided: the program, or the last interpreter */
};

/** program_find - the file that execvp(3) would run for @name: itself if it has a slash, else from $PATH.
 * Returns 0, or an errno: ENOENT, EACCES (found, but not executable), ENAMETOOLONG. */
int program_find(const char *name, char *path, size_t room);

/** program_inspect - find out about the file @path; scripts are followed to their interpreters. */
void program_inspect(const char *path, struct program *p);

/* Whether it can be run in notify mode only: the shim does not get into it, but its system calls are this machine's. */
bool program_needs_notify(const struct program *p);

#endif
