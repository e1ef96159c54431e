/* SPDX-License-Identifier: BSD-2-Clause */
#include "client-lib/backend.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client-lib/include/tapir/socket.h"

/* RUN: the plain calls are made, and `tapir run`, which said so, sees them. To do it here too would put two headers before a datagram. */
enum decision { UNDECIDED, STACK, KERNEL, RUN, BAD };

static const char run_word[] = BACKEND_OF_RUN;

/* Process-wide by nature: it is a decision of the process. */
static _Atomic enum decision decision;
static _Atomic int wanted = -1; /* tapir_set_backend(): enum tapir_backend; -1: the environment says */

/* The preload shim has its own answer: whoever says "tapir run" means the stack. */
__attribute__((weak)) bool backend_is_chosen_by_user(void)
{
	return true;
}

static bool read_environment(enum tapir_backend *backend)
{
	static const char *const names[] = { [TAPIR_BACKEND_TAPIR] = "tapir", [TAPIR_BACKEND_KERNEL] = "kernel",
					     [TAPIR_BACKEND_AUTO] = "auto" };
	static const char complaint[] = "tapir: TAPIR_BACKEND is none of tapir, kernel, auto\n";
	const char *text = getenv(BACKEND_VARIABLE);

	*backend = TAPIR_BACKEND_TAPIR;
	if (!text || !*text)
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]) == 0) {
			*backend = (enum tapir_backend)i;
			return true;
		}
	}
	if (write(STDERR_FILENO, complaint, sizeof(complaint) - 1) < 0)
		return false; /* nobody to tell */
	return false;
}

static bool is_under_run(void)
{
	const char *text = getenv(BACKEND_VARIABLE);

	return text && strcmp(text, run_word) == 0;
}

static enum decision decide(void)
{
	enum tapir_backend backend = TAPIR_BACKEND_TAPIR;
	int choice = atomic_load(&wanted);

	if (!backend_is_chosen_by_user())
		return STACK;
	if (is_under_run())
		return RUN;
	if (choice >= 0)
		backend = (enum tapir_backend)choice;
	else if (!read_environment(&backend))
		return BAD;
	if (backend == TAPIR_BACKEND_AUTO)
		return tapir_available(TAPIR_SOCKETS) ? STACK : KERNEL;
	return backend == TAPIR_BACKEND_KERNEL ? KERNEL : STACK;
}

static enum decision decided(void)
{
	enum decision d = atomic_load_explicit(&decision, memory_order_acquire), mine;
	int saved_errno = errno;

	if (__builtin_expect(d != UNDECIDED, 1))
		return d;
	mine = decide();
	/* Of threads that decide at the same time the first one holds. */
	if (!atomic_compare_exchange_strong(&decision, &d, mine))
		mine = d;
	errno = saved_errno;
	return mine;
}

bool backend_is_kernel(void)
{
	enum decision d = decided();

	return d == KERNEL || d == RUN;
}

bool backend_is_kernel_already(void)
{
	enum decision d = atomic_load_explicit(&decision, memory_order_relaxed);

	return d == KERNEL || d == RUN;
}

bool backend_has_daemon(void)
{
	return atomic_load(&decision) != KERNEL;
}

bool backend_is_bad(void)
{
	return decided() == BAD;
}

int tapir_set_backend(enum tapir_backend backend)
{
	if (backend != TAPIR_BACKEND_TAPIR && backend != TAPIR_BACKEND_KERNEL && backend != TAPIR_BACKEND_AUTO) {
		errno = EINVAL;
		return -1;
	}
	if (!backend_is_chosen_by_user() || is_under_run() || atomic_load(&decision) != UNDECIDED) {
		errno = EBUSY;
		return -1;
	}
	atomic_store(&wanted, (int)backend);
	return 0;
}
