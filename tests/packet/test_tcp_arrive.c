/* SPDX-License-Identifier: BSD-2-Clause */
/* What each kind of segment does to a connection, inside and outside of its window (RFC 9293 section 3.10.7.4, RFC 5961, 7323, 5927). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "tests/lib/tcp_script.h"

#define TS_OPTIONS "mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7"

/* Bring a connection into each synchronized state; in all of them rcv_nxt is *rcv_nxt and snd_nxt is *snd_nxt. */
enum target { ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, CLOSE_WAIT, CLOSING, LAST_ACK, TARGETS };
static const char *const target_names[] = { "ESTAB", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK" };

static void bring_to(struct tcp_script *t, enum target target, unsigned *snd_nxt, unsigned *rcv_nxt)
{
	script_open(t, AF_UNSPEC);
	script_established(t, "mss 1460", 65535);
	if (target == CLOSE_WAIT || target == LAST_ACK)
		in(t, "F. 1:1(0) ack 1 win 65535");
	if (target == FIN_WAIT_1 || target == FIN_WAIT_2 || target == CLOSING || target == LAST_ACK) {
		assert_int_equal(sock_shutdown(t->s, SHUT_WR, t->b.now_us), 0);
		script_turn(t);
	}
	if (target == FIN_WAIT_2)
		in(t, ". 1:1(0) ack 2 win 65535");
	if (target == CLOSING)
		in(t, "F. 1:1(0) ack 1 win 65535");
	assert_string_equal(script_state(t), target_names[target]);
	bed_drop_all(&t->b);
	*snd_nxt = target == ESTABLISHED || target == CLOSE_WAIT ? 1 : 2;
	*rcv_nxt = target == CLOSE_WAIT || target == LAST_ACK || target == CLOSING ? 2 : 1;
}

static void in_at(struct tcp_script *t, const char *flags, unsigned seq, const char *rest)
{
	char line[128];

	snprintf(line, sizeof(line), "%s %u:%u(0)%s", flags, seq, seq, rest);
	in(t, line);
}

static void out_ack(struct tcp_script *t, unsigned snd_nxt, unsigned rcv_nxt)
{
	char line[64];

	snprintf(line, sizeof(line), ". %u:%u(0) ack %u", snd_nxt, snd_nxt, rcv_nxt);
	out(t, line);
}

/* RFC 5961 section 3.2. */
static void test_exact_rst_ends_every_state(void **state)
{
	(void)state;
	for (enum target i = 0; i < TARGETS; i++) {
		struct tcp_script t;
		unsigned snd_nxt, rcv_nxt;

		bring_to(&t, i, &snd_nxt, &rcv_nxt);
		in_at(&t, "R", rcv_nxt, "");
		none(&t);
		assert_string_equal(script_state(&t), "none");
		assert_int_equal(bed_stat(&t.b, "tcp.resets_received"), 1);
		script_close(&t);
	}
}

static void test_rst_inside_the_window_is_challenged_in_every_state(void **state)
{
	(void)state;
	for (enum target i = 0; i < TARGETS; i++) {
		struct tcp_script t;
		unsigned snd_nxt, rcv_nxt;

		bring_to(&t, i, &snd_nxt, &rcv_nxt);
		in_at(&t, "R", rcv_nxt + 1, "");
		out_ack(&t, snd_nxt, rcv_nxt);
		none(&t);
		assert_string_equal(script_state(&t), target_names[i]);
		script_close(&t);
	}
}

static void test_rst_outside_the_window_is_ignored_in_every_state(void **state)
{
	(void)state;
	for (enum target i = 0; i < TARGETS; i++) {
		struct tcp_script t;
		unsigned snd_nxt, rcv_nxt;

		bring_to(&t, i, &snd_nxt, &rcv_nxt);
		in_at(&t, "R", rcv_nxt + 200000, "");
		in_at(&t, "R", rcv_nxt - 100, "");
		none(&t);
		assert_string_equal(script_state(&t), target_names[i]);
		script_close(&t);
	}
}

/* RFC 5961 section 4.2. */
static void test_syn_is_challenged_in_every_state(void **state)
{
	(void)state;
	for (enum target i = 0; i < TARGETS; i++) {
		struct tcp_script t;
		unsigned snd_nxt, rcv_nxt;

		bring_to(&t, i, &snd_nxt, &rcv_nxt);
		in_at(&t, "S", rcv_nxt + 10, " win 65535");
		out_ack(&t, snd_nxt, rcv_nxt);
		none(&t);
		assert_string_equal(script_state(&t), target_names[i]);
		script_run(&t, 100);
		in_at(&t, "S", rcv_nxt + 300000, " win 65535"); /* outside: an ACK too, but not so soon */
		none(&t);
		script_close(&t);
	}
}

/* Section 3.10.7.4, first step. */
static void test_data_outside_the_window_is_acknowledged_in_every_state(void **state)
{
	(void)state;
	for (enum target i = 0; i < TARGETS; i++) {
		struct tcp_script t;
		unsigned snd_nxt, rcv_nxt;
		char line[64];

		bring_to(&t, i, &snd_nxt, &rcv_nxt);
		snprintf(line, sizeof(line), ". %u:%u(10) ack 1 win 65535", rcv_nxt + 300000, rcv_nxt + 300010);
		in(&t, line);
		out_ack(&t, snd_nxt, rcv_nxt);
		none(&t);
		assert_string_equal(script_state(&t), target_names[i]);
		assert_int_equal(bed_stat(&t.b, "tcp.drop.sequence"), 1);
		script_close(&t);
	}
}

/* Fourth step's end: no ACK, no effect. */
static void test_segment_without_ack_is_dropped_in_every_state(void **state)
{
	(void)state;
	for (enum target i = 0; i < TARGETS; i++) {
		struct tcp_script t;
		unsigned snd_nxt, rcv_nxt;

		bring_to(&t, i, &snd_nxt, &rcv_nxt);
		in_at(&t, "F", rcv_nxt, " win 65535");
		none(&t);
		assert_string_equal(script_state(&t), target_names[i]);
		assert_int_equal(bed_stat(&t.b, "tcp.drop.no_ack"), 1);
		script_close(&t);
	}
}

/* Fifth step, and RFC 5961 section 5.2. */
static void test_ack_of_the_unsent_is_answered_and_dropped_in_every_state(void **state)
{
	(void)state;
	for (enum target i = 0; i < TARGETS; i++) {
		struct tcp_script t;
		unsigned snd_nxt, rcv_nxt;

		bring_to(&t, i, &snd_nxt, &rcv_nxt);
		in_at(&t, ".", rcv_nxt, " ack 5 win 65535");
		out_ack(&t, snd_nxt, rcv_nxt);
		assert_string_equal(script_state(&t), target_names[i]);
		assert_int_equal(bed_stat(&t.b, "tcp.drop.ack_unsent"), 1);
		script_close(&t);
	}
}

static void test_very_old_ack_is_challenged(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1460", 1000);
	in(&t, ". 1:11(10) ack 4294866297 win 1000"); /* 101,000 below snd_una: more than any window the peer ever offered */
	out(&t, ". 1:1(0) ack 1");
	none(&t);
	assert_int_equal(bed_stat(&t.b, "tcp.drop.old_ack"), 1);
	in(&t, ". 1:11(10) ack 0 win 1000"); /* a little old: its data counts */
	script_read(&t, 10);
	script_close(&t);
}

/* tcp_invalid_ratelimit: at most one in 500 ms for a connection. */
static void test_challenge_acks_are_rate_limited(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1460", 65535);
	in(&t, "R 10:10(0)");
	out(&t, ". 1:1(0) ack 1");
	for (int i = 0; i < 10; i++)
		in(&t, "R 10:10(0)");
	none(&t);
	script_run(&t, 500);
	in(&t, "S 10:10(0)");
	out(&t, ". 1:1(0) ack 1");
	none(&t);
	assert_int_equal(bed_stat(&t.b, "tcp.challenge_acks"), 2);
	assert_int_equal(bed_stat(&t.b, "tcp.ack_rate_limited"), 10);
	script_close(&t);
}

/* RFC 5961 section 7: the whole stack too. */
static void test_challenge_acks_of_all_connections_are_limited(void **state)
{
	struct tcp_script t;
	unsigned sent = 0;
	struct bed_packet p;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_set(&t, "net.ipv4.tcp_challenge_ack_limit", "10");
	script_set(&t, "net.ipv4.tcp_invalid_ratelimit", "0");
	script_established(&t, "mss 1460", 65535);
	for (int i = 0; i < 100; i++)
		in(&t, "R 10:10(0)");
	while (bed_next(&t.b, &p))
		sent++;
	assert_in_range(sent, 5, 15);
	script_close(&t);
}

/* RFC 7323 section 5.3. */
static void test_old_timestamp_is_rejected_with_an_ack(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, TS_OPTIONS, 512);
	in(&t, "P. 1:11(10) ack 1 win 512 <nop,nop,TS val 50 ecr 0>");
	out(&t, ". 1:1(0) ack 1 <nop,nop,TS val * ecr 101>");
	assert_int_equal(bed_stat(&t.b, "tcp.drop.paws"), 1);
	in(&t, "P. 1:11(10) ack 1 win 512 <nop,nop,TS val 101 ecr 0>");
	script_read(&t, 10);
	script_close(&t);
}

/* Section 5.3 R1: not for a reset. */
static void test_old_timestamp_does_not_stop_a_reset(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, TS_OPTIONS, 512);
	in(&t, "R. 1:1(0) ack 1 win 0 <nop,nop,TS val 50 ecr 0>");
	assert_string_equal(script_state(&t), "none");
	script_close(&t);
}

/* Section 5.5: after 24 days of silence ts_recent says nothing any more. */
static void test_timestamps_may_wrap_while_idle(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, TS_OPTIONS, 512);
	for (int day = 0; day < 25; day++)
		script_run(&t, 86400000);
	in(&t, "P. 1:11(10) ack 1 win 512 <nop,nop,TS val 50 ecr 0>");
	script_read(&t, 10);
	script_close(&t);
}

/* Section 4.3: TSecr echoes the segment that is acknowledged first, when ACKs are delayed. */
static void test_echo_is_of_the_earliest_unacknowledged_segment(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, TS_OPTIONS, 512);
	in(&t, ". 201:301(100) ack 1 win 512 <nop,nop,TS val 103 ecr 0>");
	out(&t, ". 1:1(0) ack 1 <nop,nop,TS val * ecr 101,nop,nop,sack 201:301>");
	in(&t, ". 1:201(200) ack 1 win 512 <nop,nop,TS val 102 ecr 0>");
	out(&t, ". 1:1(0) ack 301 <nop,nop,TS val * ecr 102>");
	script_close(&t);
}

/* RFC 5927 section 5.2: an established connection outlives unreachables; the error is told if it dies by itself (RFC 1122 4.2.3.9). */
static void test_unreachable_is_only_a_hint_once_established(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1460", 65535);
	script_setopt(&t, IPPROTO_TCP, TCP_USER_TIMEOUT, 3000);
	script_write(&t, 100);
	out(&t, "P. 1:101(100) ack 1");
	script_icmp(&t, 3, 1, 0);
	assert_string_equal(script_state(&t), "ESTAB");
	script_run(&t, 10000);
	bed_drop_all(&t.b);
	assert_int_equal(script_recv(&t), -EHOSTUNREACH);
	script_close(&t);
}

/* RFC 5927 section 4.1. */
static void test_icmp_about_nothing_in_flight_is_ignored(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1460", 65535);
	script_write(&t, 100);
	out(&t, "P. 1:101(100) ack 1");
	in(&t, ". 1:1(0) ack 101 win 65535");
	script_icmp(&t, 3, 4, 1300);
	assert_int_equal(bed_stat(&t.b, "tcp.icmp_ignored"), 1);
	assert_int_equal(script_getopt(&t, IPPROTO_TCP, TCP_MAXSEG), 1460);
	script_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact_rst_ends_every_state),
		cmocka_unit_test(test_rst_inside_the_window_is_challenged_in_every_state),
		cmocka_unit_test(test_rst_outside_the_window_is_ignored_in_every_state),
		cmocka_unit_test(test_syn_is_challenged_in_every_state),
		cmocka_unit_test(test_data_outside_the_window_is_acknowledged_in_every_state),
		cmocka_unit_test(test_segment_without_ack_is_dropped_in_every_state),
		cmocka_unit_test(test_ack_of_the_unsent_is_answered_and_dropped_in_every_state),
		cmocka_unit_test(test_very_old_ack_is_challenged),
		cmocka_unit_test(test_challenge_acks_are_rate_limited),
		cmocka_unit_test(test_challenge_acks_of_all_connections_are_limited),
		cmocka_unit_test(test_old_timestamp_is_rejected_with_an_ack),
		cmocka_unit_test(test_old_timestamp_does_not_stop_a_reset),
		cmocka_unit_test(test_timestamps_may_wrap_while_idle),
		cmocka_unit_test(test_echo_is_of_the_earliest_unacknowledged_segment),
		cmocka_unit_test(test_unreachable_is_only_a_hint_once_established),
		cmocka_unit_test(test_icmp_about_nothing_in_flight_is_ignored),
	};

	return cmocka_run_group_tests_name("tcp segment arrival, IPv4", tests, script_over_ip4, NULL) +
	       cmocka_run_group_tests_name("tcp segment arrival, IPv6", tests, script_over_ip6, NULL);
}
