/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_control.c - any bytes as a control message: what request_parse() accepts lies within them. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request r;
	uint8_t *message;
	int err;

	if (size > TAPIR_MESSAGE_MAX)
		return 0;
	/* An allocation of just this size, so that the sanitizer sees a look beyond the end. */
	message = malloc(size ? size : 1);
	if (!message)
		return 0;
	memcpy(message, data, size);
	err = request_parse(message, size, &r);
	assert(err >= REQUEST_IS_GARBAGE);
	if (err == 0) {
		request_wants_fd(&r);
		if (r.op == TAPIR_OP_SETSOCKOPT) {
			assert(r.option.head.len <= TAPIR_OPTION_MAX);
			assert(r.option.value + r.option.head.len == message + size);
		}
		if (r.op == TAPIR_OP_SET || r.op == TAPIR_OP_GET)
			assert(strlen(r.tunable.name) < sizeof(r.tunable.name) && strlen(r.tunable.value) < sizeof(r.tunable.value));
	}
	free(message);
	return 0;
}
