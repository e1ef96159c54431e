/* SPDX-License-Identifier: BSD-2-Clause */
/* privileges.h - what the process may do, less and less. */
#ifndef TAPIR_DAEMON_PRIVILEGES_H
#define TAPIR_DAEMON_PRIVILEGES_H

#include <stdbool.h>
#include <stdint.h>

enum { PRIVILEGES_ERROR_MAX = 256 };

/** privileges_raise_fds - as many descriptors as the kernel lets us have. Returns how many. */
uint32_t privileges_raise_fds(void);

/** privileges_drop - become @user (empty: nobody, when we are root and there is such a user id here), without any capability and
 * without a way back. In a user namespace where uid 0 is all there is, the uid stays and only the capabilities go.
 * Returns 0 with *uid set, or a status of <sysexits.h> with @error set. */
int privileges_drop(const char *user, uint32_t *uid, char error[PRIVILEGES_ERROR_MAX]);

/** privileges_uid - the uid that privileges_drop() of @user will give us, as far as that can be known before. */
uint32_t privileges_uid(const char *user);

/* For the keeper: no capability but to remove a file anywhere. */
void privileges_keep_file_access(void);

#endif
