/* SPDX-License-Identifier: BSD-2-Clause */
/* change.h - the add and del of tapir addr, route, neigh and maddr, and tapir reload. */
#ifndef TAPIR_TOOLS_CHANGE_H
#define TAPIR_TOOLS_CHANGE_H

#include "client-lib/protocol.h"
#include "tools/tool.h"

/* Whether the words after the options ask for a change. */
bool change_is_asked(const char *word);

/** change_parse - read "add|del WHAT [KEYWORD VALUE]..." of @kind, ending in NULL. A mistake is named, with what was expected, and ends the
 * program (EX_USAGE). */
struct tapir_change change_parse(const struct tool *t, enum tapir_change_kind kind, char *const *words);

/* Ask the daemon for it; what it refuses is said, and ends the program. Returns the exit status. */
int change_make(const struct tool *t, const struct tapir_change *c);

#endif
