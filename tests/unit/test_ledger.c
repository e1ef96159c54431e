/* SPDX-License-Identifier: BSD-2-Clause */
/* Which header belongs to which bare datagram, known from how much of what was written is still unread (daemon/ledger.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/ledger.h"

static void note(struct ledger *l, uint16_t port, uint32_t bytes)
{
	struct tapir_dgram h = { .addr = { .port = port } };

	ledger_note(l, &h, bytes);
}

/* The port of the next datagram's sender; -1: not known. */
static int find(struct ledger *l, uint64_t queued, uint32_t next)
{
	uint8_t controls[TAPIR_CONTROLS_MAX];
	struct tapir_dgram h;

	return ledger_find(l, queued, next, &h, controls) ? h.addr.port : -1;
}

static void test_first_unread_datagram_is_found(void **state)
{
	struct ledger l;

	(void)state;
	ledger_init(&l);
	note(&l, 1, 10);
	note(&l, 2, 20);
	note(&l, 3, 20);
	assert_int_equal(find(&l, 50, 10), 1);
	assert_int_equal(find(&l, 50, 10), 1);
	assert_int_equal(find(&l, 20, 20), 3);
	note(&l, 4, 5);
	assert_int_equal(find(&l, 5, 5), 4);
	ledger_fini(&l);
}

static void test_empty_datagrams_that_were_read_are_passed_over(void **state)
{
	struct ledger l;

	(void)state;
	ledger_init(&l);
	note(&l, 1, 0);
	note(&l, 2, 7);
	assert_int_equal(find(&l, 7, 0), 1);
	assert_int_equal(find(&l, 7, 7), 2);
	ledger_fini(&l);
}

static void test_what_was_pushed_out_is_not_known_and_nothing_else_is_told(void **state)
{
	struct ledger l;

	(void)state;
	ledger_init(&l);
	for (int i = 0; i < LEDGER_MAX + 1; i++)
		note(&l, (uint16_t)i, 1);
	assert_int_equal(find(&l, LEDGER_MAX + 1, 1), -1);
	assert_int_equal(find(&l, LEDGER_MAX, 1), 1);
	assert_int_equal(find(&l, 1, 1), LEDGER_MAX);
	assert_int_equal(find(&l, 0, 0), -1);
	ledger_fini(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_unread_datagram_is_found),
		cmocka_unit_test(test_empty_datagrams_that_were_read_are_passed_over),
		cmocka_unit_test(test_what_was_pushed_out_is_not_known_and_nothing_else_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
