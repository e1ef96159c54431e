/* SPDX-License-Identifier: BSD-2-Clause */
/* Urgent data: RFC 9293 section 3.8.5, the pointer as in RFC 6093 section 3: it names the byte behind the urgent one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <sys/socket.h>

#include "tests/lib/tcp_script.h"

static void test_urgent_byte_goes_out_with_its_pointer(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	script_write_urgent(&t, 4);
	out(&t, "P.U 1:5(4) ack 1 urg 4");
	in(&t, ". 1:1(0) ack 5 win 65535");
	script_write(&t, 10);
	out(&t, "P. 5:15(10) ack 1 urg 0");
	script_close(&t);
}

/* MSG_OOB's byte leaves at once, whatever waits for an ACK, and what is before it. */
static void test_urgent_data_does_not_wait_for_nagle(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	script_write(&t, 10);
	out(&t, "P. 1:11(10) ack 1");
	script_write(&t, 10);
	none(&t);
	script_write_urgent(&t, 1);
	out(&t, "P.U 11:22(11) ack 1 urg 11");
	script_close(&t);
}

/* Each segment before the urgent byte tells how far it is from its own start, so a super-segment will not do. */
static void test_urgent_mode_sends_single_segments(void **state)
{
	struct tcp_script t;

	(void)state;
	script_prepare(&t, AF_UNSPEC);
	t.b.link.offloads = LINK_OFFLOAD_CSUM | LINK_OFFLOAD_TSO4 | LINK_OFFLOAD_TSO6;
	script_start(&t);
	script_established(&t, "mss 1000", 65535);
	script_write_urgent(&t, 2500);
	out(&t, ".U 1:1001(1000) ack 1 urg 2500");
	out(&t, ".U 1001:2001(1000) ack 1 urg 1500");
	out(&t, "P.U 2001:2501(500) ack 1 urg 500");
	in(&t, ". 1:1(0) ack 2501 win 65535");
	script_write(&t, 3000);
	out(&t, "P. 2501:5501(3000) ack 1 urg 0");
	script_close(&t);
}

static void test_lost_urgent_segment_is_urgent_again(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	script_write_urgent(&t, 4);
	out(&t, "P.U 1:5(4) ack 1 urg 4");
	script_write(&t, 4);
	out(&t, "P. 5:9(4) ack 1 urg 0");
	script_run(&t, 1100);
	out(&t, ".U 1:5(4) ack 1 urg 4");
	script_close(&t);
}

/* Section 3.8.5: the peer learns of urgent data although its window is closed. */
static void test_closed_window_is_told_of_urgent_data(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	in(&t, ". 1:1(0) ack 1 win 0");
	script_write_urgent(&t, 4);
	none(&t);
	script_run(&t, 400);
	out(&t, ".U 1:1(0) ack 1 urg 4");
	out(&t, ".U 0:0(0) ack 1");
	in(&t, ". 1:1(0) ack 1 win 1000");
	out(&t, "P.U 1:5(4) ack 1 urg 4");
	script_close(&t);
}

static void test_received_urgent_byte_is_told_by_its_place(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	assert_true(sock_urgent_offset(t.s) == SIZE_MAX);
	in(&t, "P.U 1:11(10) ack 1 win 65535 urg 4");
	in(&t, "P. 11:21(10) ack 1 win 65535");
	assert_int_equal(sock_urgent_offset(t.s), 3);
	script_read(&t, 3);
	assert_int_equal(sock_urgent_offset(t.s), 0);
	script_read(&t, 1);
	assert_true(sock_urgent_offset(t.s) == SIZE_MAX);
	script_read(&t, 16);
	assert_int_equal(bed_stat(&t.b, "tcp.urgent"), 1);
	script_close(&t);
}

/* It may be announced long before it comes, and again in each segment until then. */
static void test_pointer_comes_before_its_byte(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	in(&t, ".U 1:1(0) ack 1 win 65535 urg 12");
	in(&t, ".U 1:11(10) ack 1 win 65535 urg 12");
	assert_true(sock_urgent_offset(t.s) == SIZE_MAX);
	script_read(&t, 10);
	in(&t, "P.U 11:13(2) ack 1 win 65535 urg 2");
	assert_int_equal(sock_urgent_offset(t.s), 1);
	script_read(&t, 2);
	script_close(&t);
}

/* Of two, the later counts; what repeats an older one, or points into what was read, is nothing new. */
static void test_later_pointer_counts(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	in(&t, "P.U 1:5(4) ack 1 win 65535 urg 2");
	in(&t, "P.U 5:9(4) ack 1 win 65535 urg 3");
	assert_int_equal(sock_urgent_offset(t.s), 6);
	in(&t, "P.U 1:5(4) ack 1 win 65535 urg 2");
	assert_int_equal(sock_urgent_offset(t.s), 6);
	script_read(&t, 8);
	in(&t, ".U 9:9(0) ack 1 win 65535 urg 0");
	assert_true(sock_urgent_offset(t.s) == SIZE_MAX);
	in(&t, "P. 9:10(1) ack 1 win 65535");
	assert_int_equal(sock_urgent_offset(t.s), 0); /* a pointer of 0 names the segment's first byte, as on Linux */
	script_close(&t);
}

static void test_urgent_byte_behind_a_hole_waits_for_it(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000,sackOK", 65535);
	in(&t, "P.U 11:21(10) ack 1 win 65535 urg 10");
	assert_true(sock_urgent_offset(t.s) == SIZE_MAX);
	in(&t, ". 1:11(10) ack 1 win 65535");
	assert_int_equal(sock_urgent_offset(t.s), 19);
	script_close(&t);
}

static void test_urgent_byte_may_be_the_last_before_the_fin(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_INET6);
	script_established(&t, "mss 1000", 65535);
	in(&t, "FP.U 1:4(3) ack 1 win 65535 urg 3");
	assert_int_equal(sock_urgent_offset(t.s), 2);
	script_read(&t, 3);
	assert_int_equal(script_recv(&t), 0);
	script_close(&t);
}

/* The FIN takes a sequence number but is no byte: a pointer to it means nothing. */
static void test_pointer_to_the_fin_means_nothing(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	in(&t, "FP.U 1:4(3) ack 1 win 65535 urg 4");
	assert_true(sock_urgent_offset(t.s) == SIZE_MAX);
	script_read(&t, 3);
	assert_int_equal(script_recv(&t), 0);
	script_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_urgent_byte_goes_out_with_its_pointer),
		cmocka_unit_test(test_urgent_data_does_not_wait_for_nagle),
		cmocka_unit_test(test_urgent_mode_sends_single_segments),
		cmocka_unit_test(test_lost_urgent_segment_is_urgent_again),
		cmocka_unit_test(test_closed_window_is_told_of_urgent_data),
		cmocka_unit_test(test_received_urgent_byte_is_told_by_its_place),
		cmocka_unit_test(test_pointer_comes_before_its_byte),
		cmocka_unit_test(test_later_pointer_counts),
		cmocka_unit_test(test_urgent_byte_behind_a_hole_waits_for_it),
		cmocka_unit_test(test_urgent_byte_may_be_the_last_before_the_fin),
		cmocka_unit_test(test_pointer_to_the_fin_means_nothing),
	};

	return cmocka_run_group_tests_name("tcp urgent data, IPv4", tests, script_over_ip4, NULL) +
	       cmocka_run_group_tests_name("tcp urgent data, IPv6", tests, script_over_ip6, NULL);
}
