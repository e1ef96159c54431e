/* SPDX-License-Identifier: BSD-2-Clause */
/* backend.h - whether this process uses the stack or, by TAPIR_BACKEND or tapir_set_backend(), the host's kernel.
 * Decided once, when the first call needs to know, and never again: descriptors of both kinds under one roof would help nobody. */
#ifndef TAPIR_CLIENT_BACKEND_H
#define TAPIR_CLIENT_BACKEND_H

#include <stdbool.h>

#define BACKEND_VARIABLE "TAPIR_BACKEND"
#define BACKEND_OF_RUN "run" /* what `tapir run` says there to programs that use libtapir themselves */

/* Decides if that was not done yet. Threads that ask at the same time get the same answer. */
bool backend_is_kernel(void);

/* Without deciding: false as long as that was not done. */
bool backend_is_kernel_already(void);

/* Weak: the preload shim says no. */
bool backend_is_chosen_by_user(void);

/* A daemon may serve this process: it is not on the kernel, or not decided yet. */
bool backend_has_daemon(void);

/* TAPIR_BACKEND is no word that we know: tapir_socket() fails with EINVAL. */
bool backend_is_bad(void);

#endif
