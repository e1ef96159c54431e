/* SPDX-License-Identifier: BSD-2-Clause */
/* The receiver: when it acknowledges, what it keeps, reports and offers (RFC 9293 section 3.8.6; RFC 5681 section 4.2; RFC 2018, 2883). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/lib/tcp_script.h"

/* Use up the quick ACKs of a connection's start: 20 segments, each acknowledged at once. Leaves rcv_nxt at 20001. */
static void leave_quickack(struct tcp_script *t)
{
	for (unsigned i = 0; i < 20; i++) {
		char line[80];

		snprintf(line, sizeof(line), ". %u:%u(1000) ack 1 win 65535", 1 + i * 1000, 1 + (i + 1) * 1000);
		in(t, line);
		script_read(t, 1000);
		bed_drop_all(&t->b);
		script_run(t, 5);
	}
	script_run(t, 60);
	bed_drop_all(&t->b);
	script_clock(t);
}

/* Linux: the peer is in slow start, each segment is acknowledged at once. */
static void test_first_segments_are_acknowledged_at_once(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	script_clock(&t);
	in(&t, ". 1:1001(1000) ack 1 win 65535");
	out_at(&t, 0, ". 1:1(0) ack 1001");
	in(&t, "P. 1001:1011(10) ack 1 win 65535");
	out_at(&t, 0, ". 1:1(0) ack 1011");
	none(&t);
	script_close(&t);
}

/* Section 3.8.6.3: a single segment waits, 40 ms here. */
static void test_single_segment_is_acknowledged_after_40_ms(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	leave_quickack(&t);
	in(&t, ". 20001:20501(500) ack 1 win 65535");
	none(&t);
	script_run(&t, 39);
	none(&t);
	script_run(&t, 10);
	out_at(&t, 40, ". 1:1(0) ack 20501");
	none(&t);
	assert_int_equal(bed_stat(&t.b, "tcp.delayed_acks"), 1);
	script_close(&t);
}

/* MUST-59: at least every second full segment, once it is read: before, the ACK could not move the window's edge (Linux). */
static void test_second_full_segment_is_acknowledged_when_read(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	leave_quickack(&t);
	in(&t, ". 20001:21001(1000) ack 1 win 65535");
	none(&t);
	script_read(&t, 1000);
	none(&t);
	in(&t, ". 21001:22001(1000) ack 1 win 65535");
	script_read(&t, 1000);
	out_at(&t, 0, ". 1:1(0) ack 22001");
	script_close(&t);
}

/* A super-segment is many: no delay, whatever its count of frames. */
static void test_super_segment_is_acknowledged_when_read(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	leave_quickack(&t);
	in_gso(&t, 1000, ". 20001:40001(20000) ack 1 win 65535");
	script_read(&t, 20000);
	out_at(&t, 0, ". 1:1(0) ack 40001");
	none(&t);
	script_close(&t);
}

static void test_answer_carries_the_ack(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	leave_quickack(&t);
	in(&t, "P. 20001:20101(100) ack 1 win 65535");
	script_write(&t, 50); /* before the ACK is due: now it is a conversation */
	out(&t, "P. 1:51(50) ack 20101");
	in(&t, "P. 20101:20201(100) ack 51 win 65535");
	script_read(&t, 200);
	none(&t);
	script_write(&t, 50);
	out(&t, "P. 51:101(50) ack 20201");
	script_run(&t, 100);
	none(&t);
	script_close(&t);
}

/* RFC 5681 section 4.2; RFC 2018 section 4: at once, the latest block first. */
static void test_out_of_order_segments_are_reported_at_once(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000,sackOK", 65535);
	in(&t, ". 1001:2001(1000) ack 1 win 65535");
	out(&t, ". 1:1(0) ack 1 <nop,nop,sack 1001:2001>");
	in(&t, ". 3001:4001(1000) ack 1 win 65535");
	out(&t, ". 1:1(0) ack 1 <nop,nop,sack 3001:4001 1001:2001>");
	in(&t, ". 5001:6001(1000) ack 1 win 65535");
	out(&t, ". 1:1(0) ack 1 <nop,nop,sack 5001:6001 3001:4001 1001:2001>");
	in(&t, ". 2001:3001(1000) ack 1 win 65535");
	out(&t, ". 1:1(0) ack 1 <nop,nop,sack 1001:4001 5001:6001>");
	in(&t, ". 1:1001(1000) ack 1 win 65535");
	out(&t, ". 1:1(0) ack 4001 <nop,nop,sack 5001:6001>");
	in(&t, ". 4001:5001(1000) ack 1 win 65535");
	out(&t, ". 1:1(0) ack 6001 <>");
	script_read(&t, 6000);
	none(&t);
	script_close(&t);
}

/* RFC 2883 section 4.1.1, 4.2. */
static void test_duplicates_are_reported_by_dsack(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000,sackOK", 65535);
	in(&t, ". 1:1001(1000) ack 1 win 65535");
	out(&t, ". 1:1(0) ack 1001 <>");
	in(&t, ". 1:1001(1000) ack 1 win 65535");
	out(&t, ". 1:1(0) ack 1001 <nop,nop,sack 1:1001>");
	in(&t, ". 501:1501(1000) ack 1 win 65535"); /* half old, half new */
	out(&t, ". 1:1(0) ack 1501 <nop,nop,sack 501:1001>");
	in(&t, ". 2501:3501(1000) ack 1 win 65535");
	out(&t, ". 1:1(0) ack 1501 <nop,nop,sack 2501:3501>");
	in(&t, ". 2501:3501(1000) ack 1 win 65535");
	out(&t, ". 1:1(0) ack 1501 <nop,nop,sack 2501:3501 2501:3501>");
	script_read(&t, 1500);
	script_close(&t);
}

static void test_without_sack_only_the_ack_tells(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	in(&t, ". 1001:2001(1000) ack 1 win 65535");
	out(&t, ". 1:1(0) ack 1 <>");
	in(&t, ". 2001:3001(1000) ack 1 win 65535");
	out(&t, ". 1:1(0) ack 1 <>");
	in(&t, ". 1:1001(1000) ack 1 win 65535");
	out(&t, ". 1:1(0) ack 3001 <>");
	script_read(&t, 3000);
	script_close(&t);
}

/* Overlapping pieces: each byte is kept once, the first that came. */
static void test_overlapping_pieces_are_put_together(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_INET6);
	script_established(&t, "mss 1000", 65535);
	in(&t, ". 11:21(10) ack 1 win 65535");
	in(&t, ". 31:41(10) ack 1 win 65535");
	in(&t, ". 6:36(30) ack 1 win 65535");
	in(&t, ". 51:61(10) ack 1 win 65535");
	in(&t, ". 3:71(68) ack 1 win 65535");
	in(&t, ". 1:4(3) ack 1 win 65535");
	bed_drop_all(&t.b);
	assert_int_equal(sock_inq_bytes(t.s), 70);
	script_read(&t, 70);
	script_close(&t);
}

static void test_data_beyond_the_window_is_cut_off(void **state)
{
	struct tcp_script t;
	int small = 4000;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_listen(&t, 8);
	sock_setopt(t.listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small), t.b.now_us); /* 8000, of which 4000 is window */
	in(&t, "S 0:0(0) win 65535 <mss 1000>");
	out(&t, "S. 0:0(0) ack 1 win 2920");
	in(&t, ". 1:1(0) ack 1 win 65535");
	script_accept(&t);
	in(&t, ". 1:5001(5000) ack 1 win 65535");
	assert_int_equal(sock_inq_bytes(t.s), 2920);
	script_close(&t);
}

/* Section 3.8.6.2.2: the window closes, and opens by a step, not by a byte; SHLD-14: its right edge never moves back. */
static void test_window_closes_and_opens_in_steps(void **state)
{
	struct tcp_script t;
	int small = 10000;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_listen(&t, 8);
	sock_setopt(t.listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small), t.b.now_us); /* a window of 10,000 at most */
	in(&t, "S 0:0(0) win 65535 <mss 1000>");
	out(&t, "S. 0:0(0) ack 1 win 8760");
	in(&t, ". 1:1(0) ack 1 win 65535");
	script_accept(&t);
	in(&t, ". 1:4001(4000) ack 1 win 65535");
	out(&t, ". 1:1(0) ack 4001 win *");
	in(&t, ". 4001:8761(4760) ack 1 win 65535");
	out(&t, ". 1:1(0) ack 8761 win *");
	in(&t, ". 8761:10001(1240) ack 1 win 65535");
	bed_drop_all(&t.b);
	script_read(&t, 100);
	none(&t); /* not worth telling */
	script_read(&t, 100);
	none(&t);
	script_read(&t, 7000);
	out(&t, ". 1:1(0) ack * win *");
	script_close(&t);
}

/* MUST-35, section 3.8.6.1: a probe of our closed window is answered. */
static void test_probe_of_a_closed_window_is_answered(void **state)
{
	struct tcp_script t;
	int small = 4000;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_listen(&t, 8);
	sock_setopt(t.listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small), t.b.now_us);
	in(&t, "S 0:0(0) win 65535 <mss 1460>");
	out(&t, "S. 0:0(0) ack 1 win 2920");
	in(&t, ". 1:1(0) ack 1 win 65535");
	script_accept(&t);
	in(&t, ". 1:2921(2920) ack 1 win 65535");
	out(&t, ". 1:1(0) ack 2921 win 0");
	script_run(&t, 1000);
	none(&t);
	in(&t, ". 2921:2922(1) ack 1 win 65535");
	out(&t, ". 1:1(0) ack 2921 win 0");
	in(&t, ". 2920:2920(0) ack 1 win 65535"); /* Linux's kind */
	out(&t, ". 1:1(0) ack 2921 win 0");
	none(&t);
	script_close(&t);
}

/* A reader that keeps up sees its window grow past what the buffer began with (dynamic right-sizing). */
static void test_receive_window_grows_with_a_fast_reader(void **state)
{
	struct tcp_script t;
	struct tcp_info info;
	size_t len = sizeof(info);
	unsigned seq = 1;
	int before;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7", 512);
	before = script_getopt(&t, SOL_SOCKET, SO_RCVBUF);
	for (unsigned round = 0; round < 30; round++) {
		unsigned ms = round * 50;

		for (unsigned i = 0; i < 4u + round; i++) {
			char line[120];

			snprintf(line, sizeof(line), ". %u:%u(14480) ack 1 win 512 <nop,nop,TS val %u ecr %u>", seq, seq + 14480, 200 + ms,
				 ms);
			if (i * 14480 > 60000u + round * 5000)
				break;
			in_gso(&t, 1448, line);
			seq += 14480;
			script_read(&t, 14480);
		}
		script_run(&t, 50);
		bed_drop_all(&t.b);
	}
	assert_true(script_getopt(&t, SOL_SOCKET, SO_RCVBUF) > before);
	sock_getopt(t.s, IPPROTO_TCP, TCP_INFO, &info, &len, t.b.now_us);
	assert_in_range(info.tcpi_rcv_rtt, 1000, 60000);
	script_close(&t);
}

/* Pieces out of order have a limit, and what is refused comes again by retransmission. */
static void test_pieces_out_of_order_have_a_limit(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1460,sackOK", 65535);
	for (unsigned i = 0; i < 600; i++) {
		char line[80];

		snprintf(line, sizeof(line), ". %u:%u(1) ack 1 win 65535", 3 + 2 * i, 4 + 2 * i);
		in(&t, line);
	}
	assert_int_equal(bed_stat(&t.b, "tcp.drop.out_of_order_full"), 600 - 512);
	assert_true(t.b.mem.used_bytes < 4 << 20);
	script_close(&t);
}

static void test_quickack_option_acknowledges_at_once(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	leave_quickack(&t);
	in(&t, ". 20001:20501(500) ack 1 win 65535");
	none(&t);
	script_setopt(&t, IPPROTO_TCP, TCP_QUICKACK, 1);
	out(&t, ". 1:1(0) ack 20501");
	script_close(&t);
}

static void test_peek_and_trunc_read_as_recv_says(void **state)
{
	struct tcp_script t;
	uint8_t a[10], b[10];

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	in(&t, "P. 1:31(30) ack 1 win 65535");
	assert_int_equal(sock_recv(t.s, a, 10, MSG_PEEK, t.b.now_us), 10);
	assert_int_equal(sock_recv(t.s, b, 10, MSG_PEEK, t.b.now_us), 10);
	assert_memory_equal(a, b, 10);
	assert_int_equal(sock_recv(t.s, NULL, 10, MSG_TRUNC, t.b.now_us), 10);
	t.read = 10;
	script_read(&t, 20);
	assert_int_equal(script_recv(&t), -EAGAIN);
	script_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_segments_are_acknowledged_at_once),
		cmocka_unit_test(test_single_segment_is_acknowledged_after_40_ms),
		cmocka_unit_test(test_second_full_segment_is_acknowledged_when_read),
		cmocka_unit_test(test_super_segment_is_acknowledged_when_read),
		cmocka_unit_test(test_answer_carries_the_ack),
		cmocka_unit_test(test_out_of_order_segments_are_reported_at_once),
		cmocka_unit_test(test_duplicates_are_reported_by_dsack),
		cmocka_unit_test(test_without_sack_only_the_ack_tells),
		cmocka_unit_test(test_overlapping_pieces_are_put_together),
		cmocka_unit_test(test_data_beyond_the_window_is_cut_off),
		cmocka_unit_test(test_window_closes_and_opens_in_steps),
		cmocka_unit_test(test_probe_of_a_closed_window_is_answered),
		cmocka_unit_test(test_receive_window_grows_with_a_fast_reader),
		cmocka_unit_test(test_pieces_out_of_order_have_a_limit),
		cmocka_unit_test(test_quickack_option_acknowledges_at_once),
		cmocka_unit_test(test_peek_and_trunc_read_as_recv_says),
	};

	return cmocka_run_group_tests_name("tcp receiving, IPv4", tests, script_over_ip4, NULL) +
	       cmocka_run_group_tests_name("tcp receiving, IPv6", tests, script_over_ip6, NULL);
}
