/* SPDX-License-Identifier: BSD-2-Clause */
/* expect.h - what packet tests say of the next packet. Apart from bed.h, which serves the fuzz targets too, and they have no cmocka. */
#ifndef TAPIR_TESTS_EXPECT_H
#define TAPIR_TESTS_EXPECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/bed.h"
#include "tests/lib/packet.h"

/* The oldest packet sent, into *out and taken apart into *p. The test fails when there is none, or with what is wrong with it. */
static inline void expect_next(struct bed *b, struct bed_packet *out, struct packet *p)
{
	const char *wrong;

	assert_true(bed_next(b, out));
	wrong = packet_parse(out->data, out->len, &out->off, p);
	if (wrong)
		fail_msg("%s", wrong);
}

#endif
