/* SPDX-License-Identifier: BSD-2-Clause */
/* test_request.c - control messages as the daemon reads them. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "daemon/request.h"

static struct request request;

/* A message of @op with @body, @cut bytes missing at its end (or added, when negative). */
static int parse(uint16_t op, const void *body, size_t body_bytes, int cut)
{
	uint8_t message[16384] = { 0 };
	struct tapir_header h = { TAPIR_PROTOCOL_MAGIC, TAPIR_PROTOCOL_VERSION, op, 42, 0 };

	memcpy(message, &h, sizeof(h));
	memcpy(message + sizeof(h), body, body_bytes);
	return request_parse(message, (size_t)((int)(sizeof(h) + body_bytes) - cut), &request);
}

static void test_a_request_is_read(void **state)
{
	struct tapir_socket_req q = { AF_INET6, SOCK_DGRAM, 17, 0 };

	(void)state;
	assert_int_equal(parse(TAPIR_OP_SOCKET, &q, sizeof(q), 0), 0);
	assert_int_equal(request.op, TAPIR_OP_SOCKET);
	assert_int_equal(request.seq, 42);
	assert_int_equal(request.socket.family, AF_INET6);
	assert_int_equal(request.socket.type, SOCK_DGRAM);
	assert_int_equal(request.socket.protocol, 17);
	assert_false(request_wants_fd(&request));
}

static void test_a_message_without_magic_or_header_is_garbage(void **state)
{
	struct tapir_header h = { 1, TAPIR_PROTOCOL_VERSION, TAPIR_OP_HELLO, 1, 0 };

	(void)state;
	assert_int_equal(request_parse(&h, sizeof(h), &request), REQUEST_IS_GARBAGE);
	h.magic = TAPIR_PROTOCOL_MAGIC;
	assert_int_equal(request_parse(&h, sizeof(h), &request), 0);
	assert_int_equal(request_parse(&h, sizeof(h) - 1, &request), REQUEST_IS_GARBAGE);
	assert_int_equal(request_parse(&h, 0, &request), REQUEST_IS_GARBAGE);
}

static void test_another_version_is_told_with_the_sequence_number(void **state)
{
	struct tapir_header h = { TAPIR_PROTOCOL_MAGIC, TAPIR_PROTOCOL_VERSION + 1, TAPIR_OP_HELLO, 7, 0 };

	(void)state;
	assert_int_equal(request_parse(&h, sizeof(h), &request), EPROTONOSUPPORT);
	assert_int_equal(request.seq, 7);
}

static void test_an_unknown_request_is_told(void **state)
{
	(void)state;
	assert_int_equal(parse(0, "", 0, 0), ENOSYS);
	assert_int_equal(parse(63, "", 0, 0), ENOSYS);
	assert_int_equal(parse(65535, "", 0, 0), ENOSYS);
}

static void test_a_wrong_length_is_told_not_guessed(void **state)
{
	struct tapir_addr addr = { .family = AF_INET };
	struct tapir_int number = { 1 };

	(void)state;
	assert_int_equal(parse(TAPIR_OP_BIND, &addr, sizeof(addr), 0), 0);
	assert_true(request_wants_fd(&request));
	assert_int_equal(parse(TAPIR_OP_BIND, &addr, sizeof(addr), 1), EBADMSG);
	assert_int_equal(parse(TAPIR_OP_BIND, &addr, sizeof(addr), -1), EBADMSG);
	assert_int_equal(parse(TAPIR_OP_LISTEN, &number, sizeof(number), 8), EBADMSG);
	assert_int_equal(parse(TAPIR_OP_HELLO, &number, sizeof(number), 0), EBADMSG);
}

static void test_an_option_value_has_the_length_that_it_says(void **state)
{
	struct {
		struct tapir_option head;
		uint8_t value[TAPIR_OPTION_MAX + 1];
	} o = { { SOL_SOCKET, SO_REUSEADDR, 4, 0 }, { 9, 8, 7, 6 } };

	(void)state;
	assert_int_equal(parse(TAPIR_OP_SETSOCKOPT, &o, sizeof(o.head) + 4, 0), 0);
	assert_int_equal(request.option.head.len, 4);
	assert_int_equal(parse(TAPIR_OP_SETSOCKOPT, &o, sizeof(o.head) + 4, 1), EBADMSG);
	assert_int_equal(parse(TAPIR_OP_SETSOCKOPT, &o, sizeof(o.head) + 4, -1), EBADMSG);
	assert_int_equal(parse(TAPIR_OP_SETSOCKOPT, &o, sizeof(o.head), 1), EBADMSG);
	o.head.len = 0;
	assert_int_equal(parse(TAPIR_OP_SETSOCKOPT, &o, sizeof(o.head), 0), 0);
	o.head.len = TAPIR_OPTION_MAX + 1;
	assert_int_equal(parse(TAPIR_OP_SETSOCKOPT, &o, sizeof(o.head) + TAPIR_OPTION_MAX + 1, 0), EINVAL);
	assert_int_equal(parse(TAPIR_OP_GETSOCKOPT, &o, sizeof(o.head), 0), EINVAL);
}

static void test_a_question_to_getsockopt_is_all_of_the_room_or_nothing(void **state)
{
	struct {
		struct tapir_option head;
		uint8_t value[16];
	} o = { { IPPROTO_IP, IP_MSFILTER, 16, 0 }, { 9, 8, 7, 6 } };

	(void)state;
	assert_int_equal(parse(TAPIR_OP_GETSOCKOPT, &o, sizeof(o.head), 0), 0);
	assert_null(request.option.value);
	assert_int_equal(parse(TAPIR_OP_GETSOCKOPT, &o, sizeof(o), 0), 0);
	assert_non_null(request.option.value);
	assert_int_equal(parse(TAPIR_OP_GETSOCKOPT, &o, sizeof(o), 1), EBADMSG);
	assert_int_equal(parse(TAPIR_OP_GETSOCKOPT, &o, sizeof(o), -1), EBADMSG);
}

static void test_a_tunable_name_without_end_is_refused(void **state)
{
	struct tapir_tunable t = { .name = "net.ipv4.tcp_sack", .value = "1" };

	(void)state;
	assert_int_equal(parse(TAPIR_OP_SET, &t, sizeof(t), 0), 0);
	assert_string_equal(request.tunable.name, "net.ipv4.tcp_sack");
	memset(t.name, 'x', sizeof(t.name));
	assert_int_equal(parse(TAPIR_OP_SET, &t, sizeof(t), 0), EBADMSG);
	memset(t.name, 0, sizeof(t.name));
	memset(t.value, 'x', sizeof(t.value));
	assert_int_equal(parse(TAPIR_OP_GET, &t, sizeof(t), 0), EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_request_is_read),
		cmocka_unit_test(test_a_message_without_magic_or_header_is_garbage),
		cmocka_unit_test(test_another_version_is_told_with_the_sequence_number),
		cmocka_unit_test(test_an_unknown_request_is_told),
		cmocka_unit_test(test_a_wrong_length_is_told_not_guessed),
		cmocka_unit_test(test_an_option_value_has_the_length_that_it_says),
		cmocka_unit_test(test_a_question_to_getsockopt_is_all_of_the_room_or_nothing),
		cmocka_unit_test(test_a_tunable_name_without_end_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
