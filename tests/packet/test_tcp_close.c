/* SPDX-License-Identifier: BSD-2-Clause */
/* Closing: FINs both ways and at once, half close, TIME-WAIT and its reuse, what happens to connections that nobody holds
 * (RFC 9293 sections 3.6, 3.10.4, 3.10.7.4; RFC 1337, 2525, 6191). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "tests/lib/tcp_script.h"

#define TS_OPTIONS "mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7"

/* Figure 12 of RFC 9293, this end first. */
static void test_active_close_ends_in_time_wait(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1460", 65535);
	script_end(&t);
	out(&t, "F. 1:1(0) ack 1");
	assert_string_equal(script_state(&t), "FIN-WAIT-1");
	in(&t, ". 1:1(0) ack 2 win 65535");
	assert_string_equal(script_state(&t), "FIN-WAIT-2");
	in(&t, "F. 1:1(0) ack 2 win 65535");
	out(&t, ". 2:2(0) ack 2");
	assert_string_equal(script_state(&t), "TIME-WAIT");
	script_run(&t, 59999);
	assert_string_equal(script_state(&t), "TIME-WAIT");
	script_run(&t, 2);
	assert_string_equal(script_state(&t), "none");
	none(&t);
	script_close(&t);
}

static void test_passive_close_ends_in_last_ack(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_INET6);
	script_established(&t, "mss 1440", 65535);
	in(&t, "F. 1:1(0) ack 1 win 65535");
	out(&t, ". 1:1(0) ack 2");
	assert_string_equal(script_state(&t), "CLOSE-WAIT");
	assert_int_equal(script_events(&t) & SOCK_PEER_CLOSED, SOCK_PEER_CLOSED);
	assert_int_equal(script_recv(&t), 0);
	assert_int_equal(sock_poll(t.s), POLLIN | POLLOUT | POLLRDHUP);
	script_end(&t);
	out(&t, "F. 1:1(0) ack 2");
	assert_string_equal(script_state(&t), "LAST-ACK");
	in(&t, ". 2:2(0) ack 2 win 65535");
	assert_string_equal(script_state(&t), "none");
	none(&t);
	script_close(&t);
}

/* Figure 13. */
static void test_simultaneous_close_goes_through_closing(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1460", 65535);
	script_end(&t);
	out(&t, "F. 1:1(0) ack 1");
	in(&t, "F. 1:1(0) ack 1 win 65535");
	out(&t, ". 2:2(0) ack 2");
	assert_string_equal(script_state(&t), "CLOSING");
	in(&t, ". 2:2(0) ack 2 win 65535");
	assert_string_equal(script_state(&t), "TIME-WAIT");
	none(&t);
	script_close(&t);
}

static void test_fin_that_acknowledges_ours_goes_straight_to_time_wait(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1460", 65535);
	script_end(&t);
	out(&t, "F. 1:1(0) ack 1");
	in(&t, "F. 1:1(0) ack 2 win 65535");
	out(&t, ". 2:2(0) ack 2");
	assert_string_equal(script_state(&t), "TIME-WAIT");
	script_close(&t);
}

/* Section 3.6: the other direction stays open. */
static void test_half_close_still_receives(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1460", 65535);
	assert_int_equal(sock_shutdown(t.s, SHUT_WR, t.b.now_us), 0);
	script_turn(&t);
	out(&t, "F. 1:1(0) ack 1");
	in(&t, ". 1:1(0) ack 2 win 65535");
	assert_int_equal(sock_send(t.s, "x", 1, 0, t.b.now_us), -EPIPE);
	in(&t, "P. 1:101(100) ack 2 win 65535");
	script_read(&t, 100);
	out(&t, ". 2:2(0) ack 101");
	in(&t, "F. 101:101(0) ack 2 win 65535");
	out(&t, ". 2:2(0) ack 102");
	assert_int_equal(script_recv(&t), 0);
	assert_int_equal(script_events(&t) & SOCK_CLOSED, SOCK_CLOSED);
	assert_string_equal(script_state(&t), "TIME-WAIT");
	script_close(&t);
}

static void test_fin_follows_queued_data_and_is_retransmitted_like_it(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 1000);
	script_clock(&t);
	script_write(&t, 1500);
	out_at(&t, 0, ". 1:1001(1000) ack 1");
	script_end(&t);
	none(&t);
	in(&t, ". 1:1(0) ack 1001 win 1000");
	out_at(&t, 0, "FP. 1001:1501(500) ack 1");
	script_run(&t, 250);
	out_at(&t, 200, "FP. 1001:1501(500) ack 1");
	in(&t, ". 1:1(0) ack 1502 win 1000");
	assert_string_equal(script_state(&t), "FIN-WAIT-2");
	none(&t);
	script_close(&t);
}

static void test_fin_out_of_order_waits_for_the_hole(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1460", 65535);
	in(&t, "FP. 101:201(100) ack 1 win 65535");
	out(&t, ". 1:1(0) ack 1");
	assert_string_equal(script_state(&t), "ESTAB");
	in(&t, ". 1:101(100) ack 1 win 65535");
	out(&t, ". 1:1(0) ack 202");
	assert_string_equal(script_state(&t), "CLOSE-WAIT");
	script_read(&t, 200);
	assert_int_equal(script_recv(&t), 0);
	script_close(&t);
}

/* RFC 2525 section 2.17. */
static void test_close_with_unread_bytes_resets(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1460", 65535);
	in(&t, "P. 1:101(100) ack 1 win 65535");
	bed_drop_all(&t.b);
	script_end(&t);
	out(&t, "R. 1:1(0) ack 101");
	assert_string_equal(script_state(&t), "none");
	none(&t);
	script_close(&t);
}

static void test_zero_linger_resets(void **state)
{
	struct tcp_script t;
	struct linger l = { .l_onoff = 1 };

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1460", 65535);
	assert_int_equal(sock_setopt(t.s, SOL_SOCKET, SO_LINGER, &l, sizeof(l), t.b.now_us), 0);
	script_end(&t);
	out(&t, "R. 1:1(0) ack 1");
	none(&t);
	script_close(&t);
}

/* RFC 9293 section 3.6.1: what comes after close() is reset, so that the peer knows that nobody takes it. */
static void test_data_after_close_is_reset(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1460", 65535);
	script_end(&t);
	out(&t, "F. 1:1(0) ack 1");
	in(&t, ". 1:1(0) ack 2 win 65535");
	in(&t, "P. 1:101(100) ack 2 win 65535");
	out(&t, "R. 2:2(0) ack 1");
	assert_string_equal(script_state(&t), "none");
	script_close(&t);
}

/* tcp_fin_timeout; Linux. */
static void test_orphan_leaves_fin_wait_2_in_time(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_set(&t, "net.ipv4.tcp_fin_timeout", "10");
	script_established(&t, "mss 1460", 65535);
	script_end(&t);
	out(&t, "F. 1:1(0) ack 1");
	in(&t, ". 1:1(0) ack 2 win 65535");
	script_run(&t, 9999);
	assert_string_equal(script_state(&t), "FIN-WAIT-2");
	script_run(&t, 2);
	assert_string_equal(script_state(&t), "none");
	none(&t);
	script_close(&t);
}

static void test_orphan_without_answer_is_given_up(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_set(&t, "net.ipv4.tcp_orphan_retries", "3");
	script_established(&t, "mss 1460", 65535);
	script_end(&t);
	script_run(&t, 60000);
	assert_string_equal(script_state(&t), "none");
	assert_int_equal(bed_stat(&t.b, "tcp.abort_on_timeout"), 1);
	script_close(&t);
}

static void enter_time_wait(struct tcp_script *t, const char *options)
{
	script_established(t, options, 65535);
	script_end(t);
	out(t, "F. 1:1(0) ack 1");
	if (options[8])
		in(t, "F. 1:1(0) ack 2 win 65535 <nop,nop,TS val 110 ecr 0>");
	else
		in(t, "F. 1:1(0) ack 2 win 65535");
	out(t, ". 2:2(0) ack 2");
	assert_string_equal(script_state(t), "TIME-WAIT");
}

static void test_time_wait_acknowledges_a_repeated_fin_and_waits_anew(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	enter_time_wait(&t, "mss 1460");
	script_run(&t, 50000);
	in(&t, "F. 1:1(0) ack 2 win 65535");
	out(&t, ". 2:2(0) ack 2");
	script_run(&t, 59000);
	assert_string_equal(script_state(&t), "TIME-WAIT");
	none(&t);
	script_close(&t);
}

/* RFC 1337. */
static void test_rst_does_not_end_time_wait(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	enter_time_wait(&t, "mss 1460");
	in(&t, "R. 2:2(0) ack 2");
	assert_string_equal(script_state(&t), "TIME-WAIT");
	script_set(&t, "net.ipv4.tcp_rfc1337", "0");
	in(&t, "R. 2:2(0) ack 2");
	assert_string_equal(script_state(&t), "none");
	none(&t);
	script_close(&t);
}

/* RFC 6191 section 2: a larger timestamp, or a larger sequence number. */
static void test_syn_with_newer_timestamp_takes_the_place_of_time_wait(void **state)
{
	struct tcp_script t;
	uint32_t old_iss;

	(void)state;
	script_open(&t, AF_UNSPEC);
	enter_time_wait(&t, TS_OPTIONS);
	in(&t, "S 0:0(0) win 65535 <mss 1460,sackOK,TS val 110 ecr 0,nop,wscale 7>"); /* the same: not newer */
	out(&t, ". 2:2(0) ack 2");
	script_run(&t, 1000);
	old_iss = t.iss;
	t.has_iss = false;
	in(&t, "S 0:0(0) win 65535 <mss 1460,sackOK,TS val 1111 ecr 0,nop,wscale 7>");
	out(&t, "S. 0:0(0) ack 1");
	assert_true((int32_t)(t.iss - (old_iss + 2)) > 0);
	in(&t, ". 1:1(0) ack 1 win 512 <nop,nop,TS val 1112 ecr 0>");
	script_accept(&t);
	script_close(&t);
}

static void test_syn_with_higher_sequence_number_takes_the_place_of_time_wait(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	enter_time_wait(&t, "mss 1460");
	in(&t, "S 1:1(0) win 65535 <mss 1460>");
	out(&t, ". 2:2(0) ack 2");
	t.has_iss = false;
	in(&t, "S 3:3(0) win 65535 <mss 1460>");
	out(&t, "S. 0:0(0) ack 4");
	script_close(&t);
}

/* tcp_tw_reuse: connect() from a bound port to where a TIME-WAIT is, one second later. */
static void test_connect_reuses_time_wait_when_timestamps_allow(void **state)
{
	struct tcp_script t;
	uint32_t old_iss;
	struct ip_endpoint local = { .addr = ip_addr_any(script_family), .port = 5555 }, to;
	int on = 1;

	(void)state;
	script_open(&t, AF_UNSPEC);
	to = bed_endpoint(t.remote, t.remote_port);
	t.s = bed_sock(&t.b, script_family, SOCK_STREAM, 0);
	sock_setopt(t.s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on), t.b.now_us);
	assert_int_equal(sock_bind(t.s, &local), 0);
	script_connected(&t, TS_OPTIONS, 65535);
	script_end(&t);
	out(&t, "F. 1:1(0) ack 1");
	in(&t, "F. 1:1(0) ack 2 win 512 <nop,nop,TS val 110 ecr 0>");
	out(&t, ". 2:2(0) ack 2");
	t.s = bed_sock(&t.b, script_family, SOCK_STREAM, 0);
	sock_setopt(t.s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on), t.b.now_us);
	assert_int_equal(sock_bind(t.s, &local), 0);
	assert_int_equal(sock_connect(t.s, &to, t.b.now_us), -EADDRNOTAVAIL);
	script_run(&t, 2000);
	old_iss = t.iss;
	t.has_iss = false;
	script_connect(&t);
	out(&t, "S 0:0(0) <mss 1460,sackOK,TS val 2000 ecr 0,nop,wscale 7>");
	assert_int_equal(t.iss - old_iss, 2 + 65537);
	script_close(&t);
}

/* An RST in a synchronized state ends it with ECONNRESET, in CLOSE-WAIT with EPIPE (Linux). */
static void test_rst_gives_the_right_error(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1460", 65535);
	script_events(&t);
	in(&t, "P. 1:11(10) ack 1 win 65535");
	bed_drop_all(&t.b);
	in(&t, "R. 11:11(0) ack 1");
	assert_int_equal(script_events(&t), SOCK_READABLE | SOCK_ERROR);
	assert_true(sock_poll(t.s) & POLLERR);
	script_read(&t, 10); /* what came before can still be read */
	assert_int_equal(script_recv(&t), -ECONNRESET);
	assert_int_equal(script_recv(&t), 0);
	assert_int_equal(sock_send(t.s, "x", 1, 0, t.b.now_us), -EPIPE);
	script_close(&t);

	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1460", 65535);
	in(&t, "F. 1:1(0) ack 1 win 65535");
	out(&t, ". 1:1(0) ack 2");
	in(&t, "R. 2:2(0) ack 1");
	assert_int_equal(script_getopt(&t, SOL_SOCKET, SO_ERROR), EPIPE);
	script_close(&t);
}

static void test_shutdown_needs_a_connection(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	t.s = bed_sock(&t.b, script_family, SOCK_STREAM, 0);
	assert_int_equal(sock_shutdown(t.s, SHUT_RDWR, t.b.now_us), -ENOTCONN);
	assert_int_equal(sock_send(t.s, "x", 1, 0, t.b.now_us), -ENOTCONN);
	assert_int_equal(script_recv(&t), -ENOTCONN);
	script_close(&t);
}

static void test_aborted_connection_resets_and_is_gone(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, TS_OPTIONS, 512);
	script_write(&t, 5000);
	bed_drop_all(&t.b);
	script_abort(&t);
	out(&t, "R. 5001:5001(0) ack 1 <nop,nop,TS val 0 ecr 101>");
	assert_string_equal(script_state(&t), "none");
	script_close(&t);
}

static void test_too_many_time_waits_are_not_kept(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_set(&t, "net.ipv4.tcp_max_tw_buckets", "0");
	script_established(&t, "mss 1460", 65535);
	script_end(&t);
	out(&t, "F. 1:1(0) ack 1");
	in(&t, "F. 1:1(0) ack 2 win 65535");
	out(&t, ". 2:2(0) ack 2");
	assert_string_equal(script_state(&t), "none");
	assert_int_equal(bed_stat(&t.b, "tcp.timewait_overflows"), 1);
	script_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_active_close_ends_in_time_wait),
		cmocka_unit_test(test_passive_close_ends_in_last_ack),
		cmocka_unit_test(test_simultaneous_close_goes_through_closing),
		cmocka_unit_test(test_fin_that_acknowledges_ours_goes_straight_to_time_wait),
		cmocka_unit_test(test_half_close_still_receives),
		cmocka_unit_test(test_fin_follows_queued_data_and_is_retransmitted_like_it),
		cmocka_unit_test(test_fin_out_of_order_waits_for_the_hole),
		cmocka_unit_test(test_close_with_unread_bytes_resets),
		cmocka_unit_test(test_zero_linger_resets),
		cmocka_unit_test(test_data_after_close_is_reset),
		cmocka_unit_test(test_orphan_leaves_fin_wait_2_in_time),
		cmocka_unit_test(test_orphan_without_answer_is_given_up),
		cmocka_unit_test(test_time_wait_acknowledges_a_repeated_fin_and_waits_anew),
		cmocka_unit_test(test_rst_does_not_end_time_wait),
		cmocka_unit_test(test_syn_with_newer_timestamp_takes_the_place_of_time_wait),
		cmocka_unit_test(test_syn_with_higher_sequence_number_takes_the_place_of_time_wait),
		cmocka_unit_test(test_connect_reuses_time_wait_when_timestamps_allow),
		cmocka_unit_test(test_rst_gives_the_right_error),
		cmocka_unit_test(test_shutdown_needs_a_connection),
		cmocka_unit_test(test_aborted_connection_resets_and_is_gone),
		cmocka_unit_test(test_too_many_time_waits_are_not_kept),
	};

	return cmocka_run_group_tests_name("tcp close, IPv4", tests, script_over_ip4, NULL) +
	       cmocka_run_group_tests_name("tcp close, IPv6", tests, script_over_ip6, NULL);
}
