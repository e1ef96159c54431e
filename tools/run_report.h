/* SPDX-License-Identifier: BSD-2-Clause */
/* run_report.h - tapir run --report and --strict: the program runs as a child, and what it and its descendants were refused is told.
 *
 * --strict tells each refusal, once, when it happens; --report tells all of them, with their numbers, when the last process of the run
 * has ended (as strace -f waits for it; an interrupt after the program's own end stops the waiting). */
#ifndef TAPIR_TOOLS_RUN_REPORT_H
#define TAPIR_TOOLS_RUN_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "client-lib/report.h"
#include "tools/tool.h"

enum { EXIT_REFUSED = 70 }; /* --strict: the program ended well, but something was refused (EX_SOFTWARE) */

/** run_watched - fork. Returns in the child, which goes on to run the program; the parent waits, tells, and exits with the program's status
 * or, if that is 0 and @is_strict, with EXIT_REFUSED when there were refusals. */
void run_watched(const struct tool *t, bool is_strict, bool is_report);

/* One request as text: "setsockopt(SOL_SOCKET, SO_ATTACH_FILTER)", and its value: "1", "16 bytes". */
void run_report_request(const struct report_request *r, char *text, size_t room);
void run_report_value(const struct report_request *r, char *text, size_t room);

#endif
