/* SPDX-License-Identifier: BSD-2-Clause */
/* preload.h - what the files of the preload shim share. The shim is libtapir with the plain names defined beside the tapir_ ones, so that
 * a program that was never built for tapir calls them. Only these files define names of the C library. */
#ifndef TAPIR_PRELOAD_PRELOAD_H
#define TAPIR_PRELOAD_PRELOAD_H

#include "client-lib/real.h"

#define PRELOAD_EXPORT __attribute__((visibility("default")))

/* The table is filled at load; but constructors of other libraries may run, and call us, even before. */
static inline void preload_enter(void)
{
	if (__builtin_expect(!tapir_real.poll, 0))
		tapir_real_init();
}

#endif
