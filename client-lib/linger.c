/* SPDX-License-Identifier: BSD-2-Clause */
#include "client-lib/linger.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "client-lib/control_pool.h"
#include "client-lib/hint.h"

/* Process-wide, as descriptors are. */
static _Atomic uint8_t resets_on_close[HINT_FDS_MAX];

void linger_note(int fd, int level, int name, const void *value, socklen_t len)
{
	struct linger linger;

	if (level != SOL_SOCKET || name != SO_LINGER || len < sizeof(linger) || (unsigned)fd >= HINT_FDS_MAX)
		return;
	memcpy(&linger, value, sizeof(linger));
	atomic_store_explicit(&resets_on_close[fd], linger.l_onoff && !linger.l_linger, memory_order_relaxed);
}

bool linger_take_note(int fd)
{
	if ((unsigned)fd >= HINT_FDS_MAX || !atomic_load_explicit(&resets_on_close[fd], memory_order_relaxed))
		return false;
	atomic_store_explicit(&resets_on_close[fd], 0, memory_order_relaxed);
	return true;
}

/* The hang-up was there before this request, so the daemon takes note of it in the same turn at the latest, and serves whatever anybody
 * asks after the answer in a later one. */
void linger_wait(void)
{
	struct tapir_hello hello;
	int saved_errno = errno;

	control_request(TAPIR_OP_HELLO, NULL, 0, -1, &hello, sizeof(hello), NULL);
	errno = saved_errno;
}
