/* SPDX-License-Identifier: BSD-2-Clause */
/* run_preload.h - the preload shim: where it is, and how LD_PRELOAD names it. */
#ifndef TAPIR_TOOLS_RUN_PRELOAD_H
#define TAPIR_TOOLS_RUN_PRELOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/tool.h"

/** run_find_shim - the shim's path into @path. Exits with a message when it is nowhere. */
void run_find_shim(const struct tool *t, char *path, size_t room);

/** run_add_shim - put it behind what LD_PRELOAD has. */
void run_add_shim(const struct tool *t, const char *shim);

/** run_drop_shim - take it out of LD_PRELOAD. Returns whether it was there, so that it was loaded into this process too. */
bool run_drop_shim(void);

#endif
