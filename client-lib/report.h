/* SPDX-License-Identifier: BSD-2-Clause */
/* report.h - what programs ask for and are refused although Linux would do it, for tapir run --report and --strict.
 *
 * tapir run makes a file (report_create()), maps it, and names it in $TAPIR_REPORT. The library maps the same file when it is loaded, in
 * every program of the run; from then on a refusal is an entry in shared memory, or one more on an entry's count: it survives fork, exec,
 * _exit, chroot, other user ids and SIGKILL, costs no system call but those that find the program's name, and is bounded. Whoever holds the
 * file may write to it, so the reader trusts nothing in it.
 *
 * Promises: async-signal-safe, no locks, errno kept. Without $TAPIR_REPORT everything here does nothing. */
#ifndef TAPIR_CLIENT_REPORT_H
#define TAPIR_CLIENT_REPORT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define REPORT_VARIABLE "TAPIR_REPORT"

enum { REPORT_ENTRIES_MAX = 512, REPORT_MAGIC = 0x74707272, REPORT_PROGRAM_MAX = 16, REPORT_VALUE_MAX = 8 };

enum report_call { REPORT_SETSOCKOPT = 1, REPORT_GETSOCKOPT, REPORT_SEND, REPORT_RECV };

/* What tells requests apart. No padding: compared byte by byte. */
struct report_request {
	char program[REPORT_PROGRAM_MAX]; /* as /proc/PID/comm */
	int32_t call;			  /* enum report_call */
	int32_t level, name;		  /* of an option; name: the flags of a send or receive */
	int32_t error;			  /* the errno it got */
	uint32_t value_bytes;		  /* its length as given; the first REPORT_VALUE_MAX bytes are in value */
	uint8_t value[REPORT_VALUE_MAX];
};

enum report_state { REPORT_FREE, REPORT_BEING_WRITTEN, REPORT_READY };

struct report_entry {
	_Atomic uint32_t state; /* enum report_state; a writer that is killed leaves REPORT_BEING_WRITTEN */
	_Atomic uint32_t count;
	int32_t pid; /* who asked first */
	struct report_request request;
};

struct report_file {
	uint32_t magic;
	_Atomic uint32_t events;   /* a futex: changes with every new entry */
	_Atomic uint32_t overflow; /* refusals for which there was no entry left */
	struct report_entry entries[REPORT_ENTRIES_MAX];
};

/** report_create - a new file, mapped; its name is put into $TAPIR_REPORT, and at @path, which has room for @room bytes. Who created it
 * unlinks it. NULL with errno set. */
struct report_file *report_create(char *path, size_t room);

/* A call failed with @error (positive). Noted when option_table.c says that Linux would have done it. */
void report_option(enum report_call call, int level, int name, const void *value, size_t value_bytes, int error);

/* A send or receive failed with @error because of flags that Linux knows. */
void report_flags(enum report_call call, int flags, int error);

/** report_on_behalf_of - the calls that this process makes from now on are @pid's (tapir run's supervisor in notify mode); 0: its own. */
void report_on_behalf_of(pid_t pid);

#endif
