/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening: both ways, both families, at once, refused, lost, and too many (RFC 9293 sections 3.5, 3.10.7.1 to 3.10.7.3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <linux/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/lib/packet.h"
#include "tests/lib/tcp_script.h"

#define LINUX_OPTIONS "mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7"

/* The option order and padding of Linux. */
static void test_passive_open_answers_with_all_options(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_listen(&t, 8);
	in(&t, "S 0:0(0) win 65535 <" LINUX_OPTIONS ">");
	out(&t, "S. 0:0(0) ack 1 win 65160 <mss 1460,sackOK,TS val 0 ecr 100,nop,wscale 7>");
	assert_string_equal(script_state(&t), "SYN-RECV");
	in(&t, ". 1:1(0) ack 1 win 512 <nop,nop,TS val 101 ecr 0>");
	none(&t);
	assert_int_equal(bed_events(&t.b, t.listener), SOCK_READABLE);
	script_accept(&t);
	assert_string_equal(script_state(&t), "ESTAB");
	assert_int_equal(sock_poll(t.s), POLLOUT);
	script_close(&t);
}

static void test_active_open_over_ipv6_offers_all_options(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_INET6);
	script_connect(&t);
	out(&t, "S 0:0(0) win 64260 <mss 1440,sackOK,TS val 0 ecr 0,nop,wscale 7>");
	assert_int_equal(sock_poll(t.s), 0);
	in(&t, "S. 0:0(0) ack 1 win 65535 <mss 1440,sackOK,TS val 5 ecr 0,nop,wscale 9>");
	out(&t, ". 1:1(0) ack 1 <nop,nop,TS val 0 ecr 5>");
	assert_int_equal(script_events(&t), SOCK_CONNECTED | SOCK_WRITABLE);
	assert_int_equal(sock_connect(t.s, &(struct ip_endpoint){ .addr = addr_of(t.remote), .port = t.remote_port }, t.b.now_us), 0);
	assert_int_equal(sock_connect(t.s, &(struct ip_endpoint){ .addr = addr_of(t.remote), .port = t.remote_port }, t.b.now_us),
			 -EISCONN);
	script_close(&t);
}

/* What the peer did not offer is not used (RFC 7323 sections 2.2, 3.2; RFC 2018 section 2). */
static void test_options_not_offered_are_not_answered(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_listen(&t, 8);
	in(&t, "S 0:0(0) win 65535 <mss 1000>");
	out(&t, "S. 0:0(0) ack 1 win 64240 <mss 1460>");
	in(&t, ". 1:1(0) ack 1 win 65535");
	script_accept(&t);
	script_write(&t, 1500);
	out(&t, ". 1:1001(1000) ack 1 win 64240 <>");
	out(&t, "P. 1001:1501(500) ack 1 <>");
	script_close(&t);
}

/* RFC 9293 MUST-15: 536 for IPv4, 1220 for IPv6 when the peer sends no MSS option. */
static void test_missing_mss_option_means_the_default(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_INET);
	script_established(&t, "", 65535);
	assert_int_equal(script_getopt(&t, IPPROTO_TCP, TCP_MAXSEG), 536);
	script_close(&t);
	script_open(&t, AF_INET6);
	script_established(&t, "", 65535);
	assert_int_equal(script_getopt(&t, IPPROTO_TCP, TCP_MAXSEG), 1220);
	script_close(&t);
}

static void test_tunables_switch_options_off(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_set(&t, "net.ipv4.tcp_timestamps", "0");
	script_connect(&t);
	out(&t, "S 0:0(0) <mss 1460,nop,nop,sackOK,nop,wscale 7>");
	script_abort(&t);
	script_set(&t, "net.ipv4.tcp_sack", "0");
	script_set(&t, "net.ipv4.tcp_window_scaling", "0");
	t.has_iss = false;
	script_connect(&t);
	out(&t, "S 0:0(0) <mss 1460>");
	script_close(&t);
}

/* RFC 6298 section 2.1, 5.5: 1 s, then doubling; RFC 9293 section 3.8.3. */
static void test_syn_is_retransmitted_with_backoff_until_timeout(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_set(&t, "net.ipv4.tcp_syn_retries", "3");
	script_connect(&t);
	out_at(&t, 0, "S 0:0(0)");
	script_run(&t, 20000);
	out_at(&t, 1000, "S 0:0(0)");
	out_at(&t, 3000, "S 0:0(0)");
	out_at(&t, 7000, "S 0:0(0)");
	none(&t);
	assert_int_equal(script_events(&t), SOCK_ERROR);
	assert_int_equal(script_getopt(&t, SOL_SOCKET, SO_ERROR), ETIMEDOUT);
	script_close(&t);
}

static void test_syncnt_limits_syn_retransmissions(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	t.s = bed_sock(&t.b, script_family, SOCK_STREAM, 0);
	script_setopt(&t, IPPROTO_TCP, TCP_SYNCNT, 1);
	script_connect(&t);
	out_at(&t, 0, "S 0:0(0)");
	script_run(&t, 10000);
	out_at(&t, 1000, "S 0:0(0)");
	none(&t);
	assert_int_equal(script_recv(&t), -ETIMEDOUT);
	script_close(&t);
}

static void test_syn_ack_is_retransmitted_and_given_up(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_set(&t, "net.ipv4.tcp_synack_retries", "2");
	script_listen(&t, 8);
	in(&t, "S 0:0(0) win 65535 <" LINUX_OPTIONS ">");
	out_at(&t, 0, "S. 0:0(0) ack 1");
	script_run(&t, 10000);
	out_at(&t, 1000, "S. 0:0(0) ack 1");
	out_at(&t, 3000, "S. 0:0(0) ack 1");
	none(&t);
	assert_string_equal(script_state(&t), "none");
	assert_int_equal(bed_stat(&t.b, "tcp.syn_received_timeouts"), 1);
	script_close(&t);
}

static void test_repeated_syn_gets_the_same_syn_ack(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_listen(&t, 8);
	in(&t, "S 0:0(0) win 65535 <" LINUX_OPTIONS ">");
	out(&t, "S. 0:0(0) ack 1");
	script_run(&t, 600);
	in(&t, "S 0:0(0) win 65535 <" LINUX_OPTIONS ">");
	out(&t, "S. 0:0(0) ack 1");
	none(&t);
	script_close(&t);
}

/* Section 3.10.7.3, first and second step. */
static void test_rst_that_acknowledges_our_syn_refuses(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_connect(&t);
	out(&t, "S 0:0(0)");
	in(&t, "R. 0:0(0) ack 5");
	in(&t, "R 0:0(0)");
	assert_string_equal(script_state(&t), "SYN-SENT");
	in(&t, "R. 0:0(0) ack 1");
	none(&t);
	assert_int_equal(script_events(&t), SOCK_ERROR);
	assert_int_equal(sock_connect(t.s, &(struct ip_endpoint){ .addr = addr_of(t.remote), .port = t.remote_port }, t.b.now_us),
			 -ECONNREFUSED);
	script_close(&t);
}

static void test_syn_sent_resets_a_wrong_ack(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_connect(&t);
	out(&t, "S 0:0(0)");
	in(&t, "S. 0:0(0) ack 2 win 65535");
	out(&t, "R 2:2(0)");
	in(&t, ". 0:0(0) ack 0 win 65535");
	out(&t, "R 0:0(0)");
	none(&t);
	assert_string_equal(script_state(&t), "SYN-SENT");
	script_close(&t);
}

/* RFC 9293 section 3.5, figure 7. */
static void test_simultaneous_open_reaches_established_with_syn_acks(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_connect(&t);
	out(&t, "S 0:0(0)");
	in(&t, "S 0:0(0) win 65535 <" LINUX_OPTIONS ">");
	out(&t, "S. 0:0(0) ack 1 <mss 1460,sackOK,TS val 0 ecr 100,nop,wscale 7>");
	assert_string_equal(script_state(&t), "SYN-RECV");
	in(&t, "S. 0:0(0) ack 1 win 65535 <mss 1460,sackOK,TS val 101 ecr 0,nop,wscale 7>");
	assert_string_equal(script_state(&t), "ESTAB");
	assert_int_equal(script_events(&t), SOCK_CONNECTED | SOCK_WRITABLE);
	script_write(&t, 10);
	out(&t, "P. 1:11(10) ack 1");
	script_close(&t);
}

static void test_simultaneous_open_completes_by_plain_ack(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_connect(&t);
	out(&t, "S 0:0(0)");
	in(&t, "S 0:0(0) win 65535 <mss 1460>");
	out(&t, "S. 0:0(0) ack 1 <mss 1460>");
	script_run(&t, 1000);
	out(&t, "S. 0:0(0) ack 1 <mss 1460>");
	in(&t, ". 1:1(0) ack 1 win 65535");
	none(&t);
	assert_string_equal(script_state(&t), "ESTAB");
	script_close(&t);
}

/* Section 3.10.7.4, fifth step, SYN-RECEIVED. */
static void test_third_segment_with_a_wrong_ack_is_reset(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_listen(&t, 8);
	in(&t, "S 0:0(0) win 65535 <mss 1460>");
	out(&t, "S. 0:0(0) ack 1");
	in(&t, ". 1:1(0) ack 2 win 65535");
	out(&t, "R 2:2(0)");
	in(&t, ". 1:1(0) ack 1 win 65535");
	script_accept(&t);
	script_close(&t);
}

static void test_rst_in_syn_received_ends_the_handshake_only_when_exact(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_listen(&t, 8);
	in(&t, "S 0:0(0) win 65535 <mss 1460>");
	out(&t, "S. 0:0(0) ack 1");
	in(&t, "R 100:100(0)"); /* RFC 5961 section 3.2: challenge */
	out(&t, ". 1:1(0) ack 1");
	assert_string_equal(script_state(&t), "SYN-RECV");
	in(&t, "R 1:1(0)");
	none(&t);
	assert_string_equal(script_state(&t), "none");
	script_close(&t);
}

static void test_data_with_the_third_segment_is_delivered(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_listen(&t, 8);
	in(&t, "S 0:0(0) win 65535 <mss 1460>");
	out(&t, "S. 0:0(0) ack 1");
	in(&t, "P. 1:101(100) ack 1 win 65535");
	script_accept(&t);
	assert_int_equal(script_events(&t), SOCK_READABLE | SOCK_WRITABLE);
	script_read(&t, 100);
	out(&t, ". 1:1(0) ack 101");
	script_close(&t);
}

/* Section 3.10.7.1: a reset that the sender believes; never for a reset. */
static void test_segments_for_no_connection_are_reset(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	t.has_iss = true;
	in(&t, "S 0:0(0) win 65535 <mss 1460>");
	out(&t, "R. 0:0(0) ack 1");
	in(&t, ". 5:10(5) ack 77 win 65535");
	out(&t, "R 77:77(0)");
	in(&t, "F 5:10(5) win 65535");
	out(&t, "R. 0:0(0) ack 11");
	in(&t, "R. 5:5(0) ack 77");
	none(&t);
	assert_int_equal(bed_stat(&t.b, "tcp.drop.no_socket"), 4);
	script_close(&t);
}

static void test_listener_ignores_rst_and_resets_ack(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_listen(&t, 8);
	t.has_iss = true;
	in(&t, "R 0:0(0)");
	none(&t);
	in(&t, ". 0:0(0) ack 9");
	out(&t, "R 9:9(0)");
	in(&t, "SF 0:0(0)");
	in(&t, "- 0:10(10)");
	none(&t);
	script_close(&t);
}

/* A backlog of 1 holds two; the third is dropped, not reset, and gets in by its own retransmission. */
static void test_full_accept_queue_drops_and_recovers(void **state)
{
	struct tcp_script t;
	struct sock *first, *second;
	int err;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_listen(&t, 1);
	for (int i = 0; i < 2; i++) {
		t.remote_port = (uint16_t)(41000 + i);
		t.has_iss = false;
		in(&t, "S 0:0(0) win 65535 <mss 1460>");
		out(&t, "S. 0:0(0) ack 1");
		in(&t, ". 1:1(0) ack 1 win 65535");
	}
	t.remote_port = 42000;
	t.has_iss = false;
	in(&t, "S 0:0(0) win 65535 <mss 1460>");
	none(&t);
	assert_int_equal(bed_stat(&t.b, "tcp.drop.accept_queue"), 1);
	first = sock_accept(t.listener, &err);
	assert_non_null(first);
	in(&t, "S 0:0(0) win 65535 <mss 1460>");
	out(&t, "S. 0:0(0) ack 1");
	second = sock_accept(t.listener, &err);
	assert_non_null(second);
	sock_abort(first, t.b.now_us);
	sock_abort(second, t.b.now_us);
	bed_turn(&t.b);
	bed_drop_all(&t.b);
	in(&t, ". 1:1(0) ack 1 win 65535");
	script_accept(&t);
	assert_null(sock_accept(t.listener, &err));
	assert_int_equal(err, -EAGAIN);
	script_close(&t);
}

/* The third segment is dropped while the queue is full; the SYN-ACK's retransmission brings another. */
static void test_third_segment_waits_for_room_in_the_accept_queue(void **state)
{
	struct tcp_script t;
	struct sock *first;
	int err;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_listen(&t, 1);
	for (int i = 0; i < 2; i++) {
		t.remote_port = (uint16_t)(41000 + i);
		t.has_iss = false;
		in(&t, "S 0:0(0) win 65535 <mss 1460>");
		out(&t, "S. 0:0(0) ack 1");
	}
	in(&t, ". 1:1(0) ack 1 win 65535");
	script_listen(&t, 0);
	t.remote_port = 41000;
	t.has_iss = false;
	script_run(&t, 1000);
	out(&t, "S. 0:0(0) ack 1");
	in(&t, ". 1:1(0) ack 1 win 65535");
	none(&t);
	assert_string_equal(script_state(&t), "SYN-RECV");
	first = sock_accept(t.listener, &err);
	sock_abort(first, t.b.now_us);
	bed_turn(&t.b);
	bed_drop_all(&t.b);
	script_run(&t, 2000);
	out(&t, "S. 0:0(0) ack 1");
	in(&t, ". 1:1(0) ack 1 win 65535");
	script_accept(&t);
	script_close(&t);
}

static uint32_t two_handed(void *ctx, struct sock *listener)
{
	(void)ctx, (void)listener;
	return 2;
}

/* What the program took and its application did not still fills the backlog. */
static void test_handed_connections_count_against_the_backlog(void **state)
{
	struct tcp_script t;
	struct sock *taken[2];
	int err;

	(void)state;
	script_prepare(&t, AF_UNSPEC);
	t.b.config.accept_handed = two_handed;
	script_start(&t);
	script_listen(&t, 1);
	for (int i = 0; i < 2; i++) {
		t.remote_port = (uint16_t)(41000 + i);
		t.has_iss = false;
		in(&t, "S 0:0(0) win 65535 <mss 1460>");
		out(&t, "S. 0:0(0) ack 1");
		in(&t, ". 1:1(0) ack 1 win 65535");
		taken[i] = sock_accept(t.listener, &err);
		assert_non_null(taken[i]);
	}
	t.remote_port = 42000;
	in(&t, "S 0:0(0) win 65535 <mss 1460>");
	none(&t);
	assert_int_equal(bed_stat(&t.b, "tcp.drop.accept_queue"), 1);
	sock_abort(taken[0], t.b.now_us);
	sock_abort(taken[1], t.b.now_us);
	script_close(&t);
}

static void test_syn_queue_has_a_limit(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_set(&t, "net.ipv4.tcp_max_syn_backlog", "4");
	script_listen(&t, 100);
	for (int i = 0; i < 4; i++) {
		t.remote_port = (uint16_t)(41000 + i);
		t.has_iss = false;
		in(&t, "S 0:0(0) win 65535 <mss 1460>");
		out(&t, "S. 0:0(0) ack 1");
	}
	t.remote_port = 42000;
	in(&t, "S 0:0(0) win 65535 <mss 1460>");
	none(&t);
	assert_int_equal(bed_stat(&t.b, "tcp.drop.syn_queue"), 1);
	script_close(&t);
}

static void test_defer_accept_waits_for_data(void **state)
{
	struct tcp_script t;
	int err;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_listen(&t, 8);
	script_setopt(&t, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5);
	in(&t, "S 0:0(0) win 65535 <mss 1460>");
	out(&t, "S. 0:0(0) ack 1");
	in(&t, ". 1:1(0) ack 1 win 65535");
	assert_null(sock_accept(t.listener, &err));
	in(&t, "P. 1:11(10) ack 1 win 65535");
	script_accept(&t);
	script_read(&t, 10);
	script_close(&t);
}

static void test_closing_a_listener_resets_what_waits(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_listen(&t, 8);
	in(&t, "S 0:0(0) win 65535 <mss 1460>");
	out(&t, "S. 0:0(0) ack 1");
	in(&t, ". 1:1(0) ack 1 win 65535");
	sock_close(t.listener, t.b.now_us);
	t.listener = NULL;
	bed_turn(&t.b);
	out(&t, "R. 1:1(0) ack 1");
	none(&t);
	script_close(&t);
}

/* RFC 9293 MUST-57; section 3.1. */
static void test_malformed_segments_are_counted_and_dropped(void **state)
{
	struct tcp_script t;
	struct ip_fields ip = { .src = BED_PEER4, .dst = BED_ADDR4, .proto = IPPROTO_TCP };
	uint8_t buf[200], tcp[40] = { 0x9c, 0x40, 0x1f, 0x90, [12] = 0x50, [13] = 2 };
	size_t len;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_listen(&t, 8);
	len = packet_ip(buf, &ip, tcp, 19);
	bed_inject(&t.b, buf, len);
	tcp[12] = 0x40;
	len = packet_ip(buf, &ip, tcp, 20);
	bed_inject(&t.b, buf, len);
	tcp[12] = 0xf0;
	len = packet_ip(buf, &ip, tcp, 40);
	bed_inject(&t.b, buf, len);
	assert_int_equal(bed_stat(&t.b, "tcp.drop.header"), 3);
	tcp[12] = 0x50;
	len = packet_ip(buf, &ip, tcp, 20);
	packet_fix_checksums(buf, len);
	buf[len - 1] ^= 1;
	bed_inject(&t.b, buf, len);
	assert_int_equal(bed_stat(&t.b, "tcp.drop.checksum"), 1);
	none(&t);
	script_close(&t);
}

/* RFC 1122 section 4.2.3.9: unreachable ends an attempt; RFC 5927: only when it quotes our SYN. */
static void test_unreachable_fails_a_connect(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_connect(&t);
	out(&t, "S 0:0(0)");
	script_icmp(&t, 3, 1, 0);
	assert_int_equal(script_events(&t), SOCK_ERROR);
	assert_int_equal(script_getopt(&t, SOL_SOCKET, SO_ERROR), EHOSTUNREACH);
	script_close(&t);
}

/* RFC 6528: another secret, other numbers; the same connection again later, higher ones. */
static void test_initial_sequence_numbers_follow_secret_and_clock(void **state)
{
	struct tcp_script t;
	uint32_t first;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_listen(&t, 8);
	in(&t, "S 0:0(0) win 65535 <mss 1460>");
	out(&t, "S. 0:0(0) ack 1");
	first = t.iss;
	in(&t, "R 1:1(0)");
	script_run(&t, 1000);
	t.has_iss = false;
	in(&t, "S 0:0(0) win 65535 <mss 1460>");
	out(&t, "S. 0:0(0) ack 1");
	assert_int_equal(t.iss - first, 250000); /* one each 4 us */
	script_close(&t);
	script_prepare(&t, AF_UNSPEC);
	t.b.config.seed[20] ^= 1;
	script_start(&t);
	script_listen(&t, 8);
	in(&t, "S 0:0(0) win 65535 <mss 1460>");
	out(&t, "S. 0:0(0) ack 1");
	assert_int_not_equal(t.iss, first);
	script_close(&t);
}

static void test_every_failing_allocation_of_a_handshake_is_survived(void **state)
{
	struct tcp_script t;

	(void)state;
	for (size_t fail = 1; fail < 40; fail++) {
		struct sock *s;
		int err;

		script_open(&t, AF_UNSPEC);
		script_listen(&t, 8);
		t.b.mem.fail_at = t.b.mem.allocs + fail;
		in(&t, "S 0:0(0) win 65535 <mss 1460>");
		bed_drop_all(&t.b);
		script_run(&t, 1000);
		t.b.mem.fail_at = 0;
		bed_drop_all(&t.b);
		s = sock_accept(t.listener, &err);
		assert_null(s);
		script_close(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passive_open_answers_with_all_options),
		cmocka_unit_test(test_active_open_over_ipv6_offers_all_options),
		cmocka_unit_test(test_options_not_offered_are_not_answered),
		cmocka_unit_test(test_missing_mss_option_means_the_default),
		cmocka_unit_test(test_tunables_switch_options_off),
		cmocka_unit_test(test_syn_is_retransmitted_with_backoff_until_timeout),
		cmocka_unit_test(test_syncnt_limits_syn_retransmissions),
		cmocka_unit_test(test_syn_ack_is_retransmitted_and_given_up),
		cmocka_unit_test(test_repeated_syn_gets_the_same_syn_ack),
		cmocka_unit_test(test_rst_that_acknowledges_our_syn_refuses),
		cmocka_unit_test(test_syn_sent_resets_a_wrong_ack),
		cmocka_unit_test(test_simultaneous_open_reaches_established_with_syn_acks),
		cmocka_unit_test(test_simultaneous_open_completes_by_plain_ack),
		cmocka_unit_test(test_third_segment_with_a_wrong_ack_is_reset),
		cmocka_unit_test(test_rst_in_syn_received_ends_the_handshake_only_when_exact),
		cmocka_unit_test(test_data_with_the_third_segment_is_delivered),
		cmocka_unit_test(test_segments_for_no_connection_are_reset),
		cmocka_unit_test(test_listener_ignores_rst_and_resets_ack),
		cmocka_unit_test(test_full_accept_queue_drops_and_recovers),
		cmocka_unit_test(test_third_segment_waits_for_room_in_the_accept_queue),
		cmocka_unit_test(test_handed_connections_count_against_the_backlog),
		cmocka_unit_test(test_syn_queue_has_a_limit),
		cmocka_unit_test(test_defer_accept_waits_for_data),
		cmocka_unit_test(test_closing_a_listener_resets_what_waits),
		cmocka_unit_test(test_malformed_segments_are_counted_and_dropped),
		cmocka_unit_test(test_unreachable_fails_a_connect),
		cmocka_unit_test(test_initial_sequence_numbers_follow_secret_and_clock),
		cmocka_unit_test(test_every_failing_allocation_of_a_handshake_is_survived),
	};

	return cmocka_run_group_tests_name("tcp handshake, IPv4", tests, script_over_ip4, NULL) +
	       cmocka_run_group_tests_name("tcp handshake, IPv6", tests, script_over_ip6, NULL);
}
