/* SPDX-License-Identifier: BSD-2-Clause */
/* The sender: what goes out and when (RFC 9293 sections 3.7, 3.8; RFC 5681, 6298, 6582, 6928, 3042, 5482). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/lib/tcp_script.h"

static struct tcp_info info_of(struct tcp_script *t)
{
	struct tcp_info info;
	size_t len = sizeof(info);

	assert_int_equal(sock_getopt(t->s, IPPROTO_TCP, TCP_INFO, &info, &len, t->b.now_us), 0);
	assert_int_equal(len, sizeof(info));
	return info;
}

/* Expect @count segments of @mss bytes from @seq on. */
static void out_segments(struct tcp_script *t, unsigned seq, unsigned mss, unsigned count)
{
	for (unsigned i = 0; i < count; i++, seq += mss) {
		char line[64];

		snprintf(line, sizeof(line), "* %u:%u(%u) ack 1", seq, seq + mss, mss);
		line[0] = '.';
		out(t, line);
	}
}

/* RFC 6928: ten segments; RFC 5681 section 3.1: slow start adds one for each acknowledged. */
static void test_initial_window_is_ten_and_slow_start_doubles(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	script_write(&t, 40000);
	out_segments(&t, 1, 1000, 10);
	none(&t);
	assert_int_equal(info_of(&t).tcpi_snd_cwnd, 10);
	assert_int_equal(info_of(&t).tcpi_unacked, 10);
	assert_int_equal(info_of(&t).tcpi_notsent_bytes, 30000);
	script_run(&t, 50);
	in(&t, ". 1:1(0) ack 2001 win 65535");
	out_segments(&t, 10001, 1000, 4);
	none(&t);
	in(&t, ". 1:1(0) ack 10001 win 65535");
	assert_int_equal(info_of(&t).tcpi_snd_cwnd, 20);
	out_segments(&t, 14001, 1000, 16);
	none(&t);
	script_close(&t);
}

static void test_last_segment_of_the_queue_is_pushed(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	script_write(&t, 2500);
	out(&t, ". 1:1001(1000) ack 1");
	out(&t, ". 1001:2001(1000) ack 1");
	out(&t, "P. 2001:2501(500) ack 1");
	none(&t);
	script_close(&t);
}

/* A link that cuts segments up gets one large one. */
static void test_tso_link_gets_super_segments(void **state)
{
	struct tcp_script t;

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		script_prepare(&t, v6 ? AF_INET6 : AF_INET);
		t.b.link.offloads = LINK_OFFLOAD_CSUM | LINK_OFFLOAD_TSO4 | LINK_OFFLOAD_TSO6;
		script_start(&t);
		script_established(&t, "mss 1000", 65535);
		script_write(&t, 9500);
		out(&t, "P. 1:9501(9500) ack 1");
		none(&t);
		assert_int_equal(info_of(&t).tcpi_unacked, 10);
		script_run(&t, 250);
		out(&t, ". 1:1001(1000) ack 1"); /* the timeout sends one segment, not all again */
		none(&t);
		script_close(&t);
	}
}

/* Section 3.7.4, Minshall's variant: one small segment may be in flight. */
static void test_nagle_holds_the_second_small_segment(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	script_write(&t, 100);
	out(&t, "P. 1:101(100) ack 1");
	script_write(&t, 100);
	script_write(&t, 100);
	none(&t);
	in(&t, ". 1:1(0) ack 101 win 65535");
	out(&t, "P. 101:301(200) ack 1");
	script_write(&t, 1000); /* a full one goes */
	out(&t, "P. 301:1301(1000) ack 1");
	script_setopt(&t, IPPROTO_TCP, TCP_NODELAY, 1);
	script_write(&t, 1);
	out(&t, "P. 1301:1302(1) ack 1");
	script_write(&t, 1);
	out(&t, "P. 1302:1303(1) ack 1");
	script_close(&t);
}

static void test_cork_holds_until_uncorked_or_200_ms(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	script_setopt(&t, IPPROTO_TCP, TCP_CORK, 1);
	script_write(&t, 100);
	none(&t);
	script_write(&t, 950);
	out(&t, ". 1:1001(1000) ack 1");
	none(&t);
	script_setopt(&t, IPPROTO_TCP, TCP_CORK, 0);
	out(&t, "P. 1001:1051(50) ack 1");
	in(&t, ". 1:1(0) ack 1051 win 65535");
	script_setopt(&t, IPPROTO_TCP, TCP_CORK, 1);
	script_clock(&t);
	script_write(&t, 10);
	script_run(&t, 1000);
	out(&t, "P. 1051:1061(10) ack 1"); /* Linux's ceiling */
	script_close(&t);
}

static void test_msg_more_holds_until_the_next_write(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	script_write_more(&t, 100);
	none(&t);
	script_write(&t, 50);
	out(&t, "P. 1:151(150) ack 1");
	script_close(&t);
}

/* RFC 6298 sections 5.4 to 5.6. */
static void test_retransmission_timeout_doubles(void **state)
{
	struct tcp_script t;
	struct tcp_info info;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_listen(&t, 8);
	in(&t, "S 0:0(0) win 65535 <mss 1000>");
	out(&t, "S. 0:0(0) ack 1");
	script_run(&t, 100);
	in(&t, ". 1:1(0) ack 1 win 65535");
	script_accept(&t);
	info = info_of(&t);
	assert_int_equal(info.tcpi_rtt, 100000);
	assert_int_equal(info.tcpi_rttvar, 50000);
	assert_int_equal(info.tcpi_rto, 300000); /* R + 4 * R/2 */
	script_clock(&t);
	script_write(&t, 2000);
	out_at(&t, 0, ". 1:1001(1000) ack 1");
	out_at(&t, 0, "P. 1001:2001(1000) ack 1");
	script_run(&t, 2200);
	out_at(&t, 300, ". 1:1001(1000) ack 1");
	out_at(&t, 900, ". 1:1001(1000) ack 1");
	out_at(&t, 2100, ". 1:1001(1000) ack 1");
	none(&t);
	info = info_of(&t);
	assert_int_equal(info.tcpi_snd_cwnd, 1);
	assert_int_equal(info.tcpi_snd_ssthresh, 5);
	assert_int_equal(info.tcpi_retransmits, 3);
	assert_int_equal(info.tcpi_backoff, 3);
	assert_int_equal(info.tcpi_ca_state, 4);
	in(&t, ". 1:1(0) ack 1001 win 65535");
	out(&t, "P. 1001:2001(1000) ack 1");
	in(&t, ". 1:1(0) ack 2001 win 65535");
	info = info_of(&t);
	assert_int_equal(info.tcpi_ca_state, 0);
	assert_int_equal(info.tcpi_total_retrans, 4);
	assert_int_equal(info.tcpi_unacked, 0);
	assert_int_equal(info.tcpi_rto, 2400000); /* Karn: no sample from what was sent twice, so the back-off stays */
	script_write(&t, 100);
	script_run(&t, 100);
	in(&t, ". 1:1(0) ack 2101 win 65535");
	assert_int_equal(info_of(&t).tcpi_rto, 100000 + 200000);
	assert_int_equal(info_of(&t).tcpi_backoff, 0);
	script_close(&t);
}

static void three_dupacks(struct tcp_script *t, unsigned ack)
{
	char line[64];

	snprintf(line, sizeof(line), ". 1:1(0) ack %u win 65535", ack);
	for (int i = 0; i < 3; i++)
		in(t, line);
}

/* RFC 5681 section 3.2; RFC 3042: the first two duplicate ACKs each send new data; RFC 6582: partial ACKs. */
static void test_fast_retransmit_and_newreno_partial_acks(void **state)
{
	struct tcp_script t;
	struct tcp_info info;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	script_write(&t, 30000);
	out_segments(&t, 1, 1000, 10);
	in(&t, ". 1:1(0) ack 1 win 65535");
	out(&t, ". 10001:11001(1000) ack 1"); /* limited transmit */
	in(&t, ". 1:1(0) ack 1 win 65535");
	out(&t, ". 11001:12001(1000) ack 1");
	none(&t);
	in(&t, ". 1:1(0) ack 1 win 65535");
	out(&t, ". 1:1001(1000) ack 1"); /* fast retransmit */
	none(&t);
	info = info_of(&t);
	assert_int_equal(info.tcpi_ca_state, 3);
	assert_int_equal(info.tcpi_snd_ssthresh, 5);
	assert_int_equal(info.tcpi_snd_cwnd, 5);
	/* Twelve are out, one again; each further duplicate ACK is one less: at eight, one new one may go. */
	for (int i = 0; i < 4; i++)
		in(&t, ". 1:1(0) ack 1 win 65535");
	none(&t);
	in(&t, ". 1:1(0) ack 1 win 65535");
	out(&t, ". 12001:13001(1000) ack 1");
	in(&t, ". 1:1(0) ack 4001 win 65535"); /* partial: segment 5 is lost too */
	out(&t, ". 4001:5001(1000) ack 1");
	assert_int_equal(info_of(&t).tcpi_ca_state, 3);
	/* RFC 6582: the inflated 5 + 8, less 4 acknowledged, plus 1, make 10; nine are out. */
	out_segments(&t, 13001, 1000, 1);
	none(&t);
	in(&t, ". 1:1(0) ack 13001 win 65535"); /* all of it */
	info = info_of(&t);
	assert_int_equal(info.tcpi_ca_state, 0);
	assert_int_equal(info.tcpi_snd_cwnd, 5);
	out_segments(&t, 14001, 1000, 4);
	none(&t);
	script_close(&t);
}

/* RFC 6582 section 3.2 step 1, section 4: what a timeout made the peer repeat starts no fast retransmit. */
static void test_duplicate_acks_after_a_timeout_do_not_start_recovery(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	script_write(&t, 5000);
	bed_drop_all(&t.b);
	script_run(&t, 210);
	out(&t, ". 1:1001(1000) ack 1");
	in(&t, ". 1:1(0) ack 5001 win 65535");
	none(&t);
	script_write(&t, 5000);
	bed_drop_all(&t.b);
	three_dupacks(&t, 5001);
	assert_int_equal(bed_stat(&t.b, "tcp.fast_retransmits"), 0);
	script_close(&t);
}

/* A super-segment lost to a peer that acknowledges super-segments once: its SACK blocks count, not its ACKs. */
static void test_sacked_bytes_count_as_duplicate_acks(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000,sackOK", 65535);
	script_write(&t, 10000);
	out_segments(&t, 1, 1000, 9);
	out(&t, "P. 9001:10001(1000) ack 1");
	in(&t, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:10001>");
	out(&t, ". 1:1001(1000) ack 1");
	in(&t, ". 1:1(0) ack 10001 win 65535");
	none(&t);
	assert_int_equal(info_of(&t).tcpi_ca_state, 0);
	script_close(&t);
}

/* Section 3.8.6.1: first after a timeout, then ever later, for as long as it is answered. */
static void test_zero_window_is_probed_with_backoff(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 1000);
	script_write(&t, 1500);
	out(&t, ". 1:1001(1000) ack 1");
	script_clock(&t);
	in(&t, ". 1:1(0) ack 1001 win 0");
	none(&t);
	assert_true(info_of(&t).tcpi_rto >= 200000);
	script_run(&t, 3000);
	out_at(&t, 200, ". 1000:1000(0) ack 1");
	out_at(&t, 600, ". 1000:1000(0) ack 1");
	out_at(&t, 1400, ". 1000:1000(0) ack 1");
	none(&t);
	in(&t, ". 1:1(0) ack 1001 win 1000");
	out(&t, "P. 1001:1501(500) ack 1");
	none(&t);
	assert_int_equal(bed_stat(&t.b, "tcp.window_probes"), 3);
	script_close(&t);
}

/* MUST-37: not given up while probes are answered. */
static void test_answered_probes_go_on_for_ever(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_set(&t, "net.ipv4.tcp_retries2", "3");
	script_established(&t, "mss 1000", 1000);
	script_write(&t, 1500);
	in(&t, ". 1:1(0) ack 1001 win 0");
	for (int i = 0; i < 50; i++) {
		script_run(&t, 400);
		bed_drop_all(&t.b);
		in(&t, ". 1:1(0) ack 1001 win 0");
	}
	assert_string_equal(script_state(&t), "ESTAB");
	script_run(&t, 600000); /* now they are not */
	assert_int_equal(script_recv(&t), -ETIMEDOUT);
	script_close(&t);
}

/* Section 3.8.6.2.1: no small segment because of a small window; the override timer sends what fits. */
static void test_sender_avoids_silly_windows(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 8000);
	script_write(&t, 10000);
	out_segments(&t, 1, 1000, 8);
	script_clock(&t);
	in(&t, ". 1:1(0) ack 8001 win 300");
	none(&t);
	script_run(&t, 250);
	out_at(&t, 200, ". 8001:8301(300) ack 1");
	none(&t);
	in(&t, ". 1:1(0) ack 8301 win 8000");
	out(&t, ". 8301:9301(1000) ack 1");
	out(&t, "P. 9301:10001(700) ack 1");
	script_close(&t);
}

/* A peer whose largest window is smaller than a segment gets halves of it. */
static void test_tiny_window_halves_segments(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_listen(&t, 8);
	in(&t, "S 0:0(0) win 800 <mss 1000>");
	out(&t, "S. 0:0(0) ack 1");
	in(&t, ". 1:1(0) ack 1 win 800");
	script_accept(&t);
	script_write(&t, 1000);
	out(&t, ". 1:401(400) ack 1");
	out(&t, ". 401:801(400) ack 1");
	none(&t);
	script_close(&t);
}

/* TCP_USER_TIMEOUT (RFC 5482). */
static void test_user_timeout_ends_a_silent_connection(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	script_setopt(&t, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000);
	script_events(&t);
	script_write(&t, 100);
	script_run(&t, 4900);
	assert_string_equal(script_state(&t), "ESTAB");
	script_run(&t, 10000);
	assert_int_equal(script_events(&t), SOCK_ERROR);
	assert_int_equal(script_recv(&t), -ETIMEDOUT);
	script_close(&t);
}

/* RFC 1122 section 4.2.3.5: R2 is at least 100 s; Linux's 15 retries are 924.6 s with a first timeout of 200 ms. */
static void test_retries2_is_a_time(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	script_write(&t, 100);
	script_run(&t, 924000);
	assert_string_equal(script_state(&t), "ESTAB");
	script_run(&t, 130000);
	assert_int_equal(script_recv(&t), -ETIMEDOUT);
	script_close(&t);
}

/* Section 3.8.4. */
static void test_keepalive_probes_an_idle_connection(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	script_setopt(&t, IPPROTO_TCP, TCP_KEEPIDLE, 10);
	script_setopt(&t, IPPROTO_TCP, TCP_KEEPINTVL, 2);
	script_setopt(&t, IPPROTO_TCP, TCP_KEEPCNT, 2);
	script_setopt(&t, SOL_SOCKET, SO_KEEPALIVE, 1);
	script_clock(&t);
	script_run(&t, 10500);
	out_at(&t, 10000, ". 0:0(0) ack 1");
	in(&t, ". 1:1(0) ack 1 win 65535");
	none(&t);
	script_run(&t, 30000);
	out_at(&t, 20500, ". 0:0(0) ack 1");
	out_at(&t, 22500, ". 0:0(0) ack 1");
	out_at(&t, 24500, "R. 1:1(0) ack 1");
	none(&t);
	assert_int_equal(script_recv(&t), -ETIMEDOUT);
	script_close(&t);
}

/* MUST-25: off unless asked for. */
static void test_keepalive_is_off_by_default(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	script_run(&t, 100000000);
	none(&t);
	script_close(&t);
}

/* RFC 1191 section 6.4, RFC 5927: in flight, so believed; what was too large goes again at once, cut smaller, and cwnd stays. */
static void test_smaller_path_mtu_resegments_and_retransmits(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1460", 65535);
	script_write(&t, 2920);
	out(&t, ". 1:1461(1460) ack 1");
	out(&t, "P. 1461:2921(1460) ack 1");
	script_icmp(&t, 3, 4, 1340);
	out(&t, ". 1:1301(1300) ack 1");
	out(&t, ". 1301:1461(160) ack 1");
	out(&t, ". 1461:2761(1300) ack 1");
	out(&t, "P. 2761:2921(160) ack 1");
	none(&t);
	assert_int_equal(script_getopt(&t, IPPROTO_TCP, TCP_MAXSEG), 1300);
	assert_int_equal(info_of(&t).tcpi_pmtu, script_family == AF_INET6 ? 1360 : 1340);
	assert_int_equal(info_of(&t).tcpi_snd_cwnd, 10);
	script_close(&t);
}

static void test_packet_too_big_works_over_ipv6(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_INET6);
	script_established(&t, "mss 1440", 65535);
	script_write(&t, 1440);
	out(&t, "P. 1:1441(1440) ack 1");
	script_icmp(&t, 2, 0, 1280);
	out(&t, ". 1:1221(1220) ack 1");
	out(&t, "P. 1221:1441(220) ack 1");
	script_close(&t);
}

/* The send buffer is finite, and says when there is room: at a third. */
static void test_full_send_buffer_tells_when_there_is_room(void **state)
{
	struct tcp_script t;
	static uint8_t data[1 << 20];
	int small = 20000, queued;
	ssize_t done;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	sock_setopt(t.s, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small), t.b.now_us);
	done = sock_send(t.s, data, sizeof(data), 0, t.b.now_us);
	assert_int_equal(done, 40000);
	assert_int_equal(sock_send(t.s, data, 1, 0, t.b.now_us), -EAGAIN);
	assert_false(sock_poll(t.s) & POLLOUT);
	script_turn(&t);
	bed_drop_all(&t.b);
	script_events(&t);
	queued = (int)sock_outq_bytes(t.s);
	for (unsigned ack = 5001; ack <= 10001; ack += 5000) {
		char line[64];

		snprintf(line, sizeof(line), ". 1:1(0) ack %u win 65535", ack);
		in(&t, line);
		bed_drop_all(&t.b);
	}
	assert_int_equal(sock_outq_bytes(t.s), queued - 10000);
	assert_int_equal(script_events(&t), 0);
	in(&t, ". 1:1(0) ack 15001 win 65535");
	assert_int_equal(script_events(&t), SOCK_WRITABLE);
	script_close(&t);
}

/* The send buffer follows the congestion window, up to net.ipv4.tcp_wmem. */
static void test_send_buffer_grows_with_cwnd(void **state)
{
	struct tcp_script t;
	int before;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000,nop,wscale 9", 4000);
	before = script_getopt(&t, SOL_SOCKET, SO_SNDBUF);
	script_write(&t, 20000);
	for (unsigned ack = 1001; ack <= 20001; ack += 1000) {
		char line[64];

		bed_drop_all(&t.b);
		snprintf(line, sizeof(line), ". 1:1(0) ack %u win 4000", ack);
		in(&t, line);
	}
	assert_true(script_getopt(&t, SOL_SOCKET, SO_SNDBUF) > before);
	script_close(&t);
}

static void test_notsent_lowat_limits_what_waits(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	script_setopt(&t, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 5000);
	script_write(&t, 15000);
	assert_int_equal(sock_send(t.s, "x", 1, 0, t.b.now_us), -EAGAIN);
	bed_drop_all(&t.b);
	script_events(&t);
	in(&t, ". 1:1(0) ack 1001 win 65535");
	assert_int_equal(script_events(&t), SOCK_WRITABLE);
	script_close(&t);
}

static void test_reserved_pieces_go_out_as_written(void **state)
{
	struct tcp_script t;
	struct iovec iov[4];
	int n;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	n = sock_send_reserve(t.s, 100, iov, 4);
	assert_true(n >= 1);
	assert_true(iov[0].iov_len >= 100);
	for (unsigned i = 0; i < 100; i++) /* the script's pattern */
		((uint8_t *)iov[0].iov_base)[i] = (uint8_t)((1 + i) * 7 + 1);
	sock_send_commit(t.s, 100, false, t.b.now_us);
	script_turn(&t);
	out(&t, "P. 1:101(100) ack 1");
	assert_int_equal(sock_outq_bytes(t.s), 100);
	script_close(&t);
}

/* RFC 2861, RFC 5681 section 4.1. */
static void test_idle_connection_restarts_from_a_small_window(void **state)
{
	struct tcp_script t;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000,nop,wscale 7", 4000);
	script_write(&t, 20000);
	in(&t, ". 1:1(0) ack 10001 win 4000");
	in(&t, ". 1:1(0) ack 20001 win 4000");
	bed_drop_all(&t.b);
	assert_true(info_of(&t).tcpi_snd_cwnd > 15);
	script_run(&t, 10000);
	script_write(&t, 20000);
	out_segments(&t, 20001, 1000, 10);
	none(&t);
	script_close(&t);
}

static void test_options_have_linux_ranges_and_errors(void **state)
{
	struct tcp_script t;
	char name[20];
	size_t len = sizeof(name);
	int v = 0;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	assert_int_equal(sock_setopt(t.s, IPPROTO_TCP, TCP_KEEPIDLE, &v, sizeof(v), t.b.now_us), -EINVAL);
	assert_int_equal(sock_setopt(t.s, IPPROTO_TCP, TCP_KEEPCNT, &v, sizeof(v), t.b.now_us), -EINVAL);
	assert_int_equal(sock_setopt(t.s, IPPROTO_TCP, TCP_NODELAY, &v, 1, t.b.now_us), -EINVAL);
	assert_int_equal(sock_setopt(t.s, IPPROTO_TCP, 9999, &v, sizeof(v), t.b.now_us), -ENOPROTOOPT);
	assert_int_equal(sock_setopt(t.s, IPPROTO_TCP, TCP_CONGESTION, "nosuch", 6, t.b.now_us), -ENOENT);
	assert_int_equal(sock_setopt(t.s, IPPROTO_TCP, TCP_CONGESTION, "reno", 4, t.b.now_us), 0);
	assert_int_equal(sock_getopt(t.s, IPPROTO_TCP, TCP_CONGESTION, name, &len, t.b.now_us), 0);
	assert_string_equal(name, "reno");
	assert_int_equal(len, 16);
	assert_int_equal(script_getopt(&t, IPPROTO_TCP, TCP_KEEPIDLE), 7200);
	assert_int_equal(script_getopt(&t, IPPROTO_TCP, TCP_LINGER2), 60);
	script_close(&t);
}

/* A connection's daily life with every allocation from some point on refused: nothing is lost for good, nothing leaks. */
static void test_want_of_memory_is_survived(void **state)
{
	struct tcp_script t;

	(void)state;
	for (size_t fail = 1; fail < 60; fail += 2) {
		static uint8_t data[30000];

		script_open(&t, AF_UNSPEC);
		script_established(&t, "mss 1000,sackOK", 65535);
		t.b.mem.fail_at = t.b.mem.allocs + fail;
		sock_send(t.s, data, sizeof(data), 0, t.b.now_us);
		script_turn(&t);
		in(&t, ". 1001:2001(1000) ack 1 win 65535");
		in(&t, ". 3001:4001(1000) ack 1 win 65535");
		in(&t, ". 1:1001(1000) ack 1 win 65535");
		script_run(&t, 3000);
		t.b.mem.fail_at = 0;
		bed_drop_all(&t.b);
		script_close(&t);
	}
}

/* Takes all frames that there are, as other connections may. Returns them linked by next. */
static struct frame *take_all_frames(struct stack *st)
{
	struct frame *all = NULL, *f;

	while ((f = stack_frame_alloc(st, FRAME_LARGE_BYTES - FRAME_HEADROOM)) || (f = stack_frame_alloc(st, 1))) {
		f->next = all;
		all = f;
	}
	return all;
}

static void give_back_frames(struct frame *all)
{
	while (all) {
		struct frame *next = all->next;

		all->next = NULL;
		frame_unref(all);
		all = next;
	}
}

/* No ACK is to come that would tell it: a timer does, as often as need be. */
static void test_want_of_memory_with_nothing_in_flight_is_followed_by_a_writable_event(void **state)
{
	struct tcp_script t;
	struct iovec iov[4];
	struct frame *all;

	(void)state;
	for (unsigned reserve = 0; reserve < 2; reserve++) {
		script_open(&t, AF_UNSPEC);
		script_established(&t, "mss 1000", 65535);
		if (reserve) { /* not the very first bytes: what was in flight before is acknowledged */
			script_write(&t, 1000);
			out(&t, "P. 1:1001(1000) ack 1");
			in(&t, ". 1:1(0) ack 1001 win 65535");
		}
		script_events(&t);
		all = take_all_frames(t.b.st);
		for (unsigned i = 0; i < 3; i++) {
			if (reserve)
				assert_int_equal(sock_send_reserve(t.s, 1000, iov, 4), 0);
			else
				assert_int_equal(sock_send(t.s, "x", 1, 0, t.b.now_us), -EAGAIN);
			script_turn(&t);
			assert_int_equal(script_events(&t) & SOCK_WRITABLE, 0);
			script_run(&t, 3000);
			assert_int_equal(script_events(&t) & SOCK_WRITABLE, SOCK_WRITABLE);
		}
		assert_int_equal(sock_send(t.s, "x", 1, 0, t.b.now_us), -EAGAIN);
		give_back_frames(all);
		script_run(&t, 3000);
		assert_int_equal(script_events(&t) & SOCK_WRITABLE, SOCK_WRITABLE);
		script_write(&t, 1000);
		bed_drop_all(&t.b);
		script_close(&t);
	}
}

/* The same while something is in flight: its ACK tells. */
static void test_want_of_memory_with_data_in_flight_is_followed_by_a_writable_event(void **state)
{
	struct tcp_script t;
	struct frame *all;
	char line[64];
	ssize_t done;

	(void)state;
	script_open(&t, AF_UNSPEC);
	script_established(&t, "mss 1000", 65535);
	script_write(&t, 10000);
	script_turn(&t);
	bed_drop_all(&t.b);
	script_events(&t);
	all = take_all_frames(t.b.st);
	done = sock_send(t.s, (uint8_t[5000]){ 0 }, 5000, 0, t.b.now_us); /* what the last buffer has room for */
	assert_in_range(done, 1, 4999);
	give_back_frames(all);
	in(&t, ". 1:1(0) ack 10001 win 65535");
	assert_int_equal(script_events(&t) & SOCK_WRITABLE, SOCK_WRITABLE);
	script_turn(&t);
	bed_drop_all(&t.b);
	all = take_all_frames(t.b.st);
	while (sock_send(t.s, (uint8_t[5000]){ 0 }, 5000, 0, t.b.now_us) > 0)
		;
	give_back_frames(all);
	snprintf(line, sizeof(line), ". 1:1(0) ack %u win 65535", 10001 + (unsigned)done);
	in(&t, line);
	script_turn(&t);
	assert_int_equal(script_events(&t) & SOCK_WRITABLE, SOCK_WRITABLE);
	bed_drop_all(&t.b);
	script_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_initial_window_is_ten_and_slow_start_doubles),
		cmocka_unit_test(test_last_segment_of_the_queue_is_pushed),
		cmocka_unit_test(test_tso_link_gets_super_segments),
		cmocka_unit_test(test_nagle_holds_the_second_small_segment),
		cmocka_unit_test(test_cork_holds_until_uncorked_or_200_ms),
		cmocka_unit_test(test_msg_more_holds_until_the_next_write),
		cmocka_unit_test(test_retransmission_timeout_doubles),
		cmocka_unit_test(test_fast_retransmit_and_newreno_partial_acks),
		cmocka_unit_test(test_duplicate_acks_after_a_timeout_do_not_start_recovery),
		cmocka_unit_test(test_sacked_bytes_count_as_duplicate_acks),
		cmocka_unit_test(test_zero_window_is_probed_with_backoff),
		cmocka_unit_test(test_answered_probes_go_on_for_ever),
		cmocka_unit_test(test_sender_avoids_silly_windows),
		cmocka_unit_test(test_tiny_window_halves_segments),
		cmocka_unit_test(test_user_timeout_ends_a_silent_connection),
		cmocka_unit_test(test_retries2_is_a_time),
		cmocka_unit_test(test_keepalive_probes_an_idle_connection),
		cmocka_unit_test(test_keepalive_is_off_by_default),
		cmocka_unit_test(test_smaller_path_mtu_resegments_and_retransmits),
		cmocka_unit_test(test_packet_too_big_works_over_ipv6),
		cmocka_unit_test(test_full_send_buffer_tells_when_there_is_room),
		cmocka_unit_test(test_send_buffer_grows_with_cwnd),
		cmocka_unit_test(test_notsent_lowat_limits_what_waits),
		cmocka_unit_test(test_reserved_pieces_go_out_as_written),
		cmocka_unit_test(test_idle_connection_restarts_from_a_small_window),
		cmocka_unit_test(test_options_have_linux_ranges_and_errors),
		cmocka_unit_test(test_want_of_memory_is_survived),
		cmocka_unit_test(test_want_of_memory_with_nothing_in_flight_is_followed_by_a_writable_event),
		cmocka_unit_test(test_want_of_memory_with_data_in_flight_is_followed_by_a_writable_event),
	};

	return cmocka_run_group_tests_name("tcp sending, IPv4", tests, script_over_ip4, NULL) +
	       cmocka_run_group_tests_name("tcp sending, IPv6", tests, script_over_ip6, NULL);
}
