/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP's small state machines each by itself: the round-trip estimate, SACK block generation, the retransmission queue, congestion
 * control, initial sequence numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "stack/tcp_cc.h"
#include "stack/tcp_isn.h"
#include "stack/tcp_rtt.h"
#include "stack/tcp_rtxq.h"
#include "stack/tcp_sack.h"
#include "tests/lib/bed.h"

static tcp_seq at(uint32_t v)
{
	return (tcp_seq){ v };
}

/* ---- RFC 6298 ---- */

static void test_rtt_begins_with_one_second(void **state)
{
	struct tcp_rtt r;

	(void)state;
	tcp_rtt_init(&r, TCP_RTO_MIN_US);
	assert_int_equal(r.rto_us, 1000000);
}

/* Section 2.2. */
static void test_rtt_first_sample_sets_rttvar_to_half(void **state)
{
	struct tcp_rtt r;

	(void)state;
	tcp_rtt_init(&r, TCP_RTO_MIN_US);
	tcp_rtt_on_sample(&r, 400000, at(1), at(1000));
	assert_int_equal(tcp_rtt_srtt_us(&r), 400000);
	assert_int_equal(r.mdev4_us / 4, 200000);
	assert_int_equal(r.rto_us, 400000 + 4 * 200000);
}

/* Section 2.3: RTTVAR = 3/4 RTTVAR + 1/4 |SRTT - R'|; SRTT = 7/8 SRTT + 1/8 R'. */
static void test_rtt_next_sample_is_weighted(void **state)
{
	struct tcp_rtt r;

	(void)state;
	tcp_rtt_init(&r, TCP_RTO_MIN_US);
	tcp_rtt_on_sample(&r, 400000, at(1), at(1000));
	tcp_rtt_on_sample(&r, 800000, at(2), at(1000));
	assert_int_equal(tcp_rtt_srtt_us(&r), 400000 * 7 / 8 + 800000 / 8);
	assert_int_equal(r.mdev4_us / 4, 200000 * 3 / 4 + 400000 / 4);
	assert_int_equal(r.rto_us, 450000 + 4 * 250000);
	assert_int_equal(r.min_us, 400000);
}

static void test_rtt_steady_path_converges_to_srtt_plus_minimum(void **state)
{
	struct tcp_rtt r;

	(void)state;
	tcp_rtt_init(&r, TCP_RTO_MIN_US);
	for (uint32_t i = 1; i < 200; i++)
		tcp_rtt_on_sample(&r, 100000, at(i * 100), at(i * 100 + 50));
	assert_int_equal(tcp_rtt_srtt_us(&r), 100000);
	assert_in_range(r.rto_us, 300000, 301000);
}

/* Section 5.5; only a sample ends the back-off. */
static void test_rtt_backs_off_by_doubling_up_to_the_maximum(void **state)
{
	struct tcp_rtt r;

	(void)state;
	tcp_rtt_init(&r, TCP_RTO_MIN_US);
	tcp_rtt_on_sample(&r, 100000, at(1), at(2));
	assert_int_equal(r.rto_us, 300000);
	tcp_rtt_back_off(&r);
	tcp_rtt_back_off(&r);
	assert_int_equal(r.rto_us, 1200000);
	for (int i = 0; i < 300; i++)
		tcp_rtt_back_off(&r);
	assert_int_equal(r.rto_us, TCP_RTO_MAX_US);
	tcp_rtt_on_sample(&r, 100000, at(1), at(2));
	assert_in_range(r.rto_us, 290000, 300000);
	assert_int_equal(r.backoff, 0);
}

static void test_rtt_stays_in_its_bounds_for_any_samples(void **state)
{
	struct rng rng = { .key = { { 3, 4 } } };
	struct tcp_rtt r;

	(void)state;
	tcp_rtt_init(&r, TCP_RTO_MIN_US);
	for (uint32_t i = 0; i < 100000; i++) {
		uint32_t sample = (uint32_t)rng_u64(&rng) >> rng_below(&rng, 32);

		tcp_rtt_on_sample(&r, sample, at(i), at(i + rng_below(&rng, 3)));
		assert_in_range(r.rto_us, TCP_RTO_MIN_US, TCP_RTO_MAX_US);
		assert_true(r.srtt8_us > 0);
	}
}

/* ---- RFC 2018, RFC 2883 ---- */

static void expect_blocks(struct tcp_sack_gen *g, unsigned count, const uint32_t *edges)
{
	struct tcp_options o = { 0 };

	tcp_sack_report(g, &o, TCP_SACK_BLOCKS_MAX);
	assert_int_equal(o.sack_count, count);
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(o.sacks[i].left.v, edges[2 * i]);
		assert_int_equal(o.sacks[i].right.v, edges[2 * i + 1]);
	}
}

/* RFC 2018 section 6, case 2: the first segment is lost, seven arrive: one block that grows. */
static void test_sack_adjacent_segments_make_one_block(void **state)
{
	struct tcp_sack_gen g = { 0 };

	(void)state;
	for (uint32_t right = 6000; right <= 9000; right += 500)
		tcp_sack_add(&g, at(5500), at(right));
	expect_blocks(&g, 1, (uint32_t[]){ 5500, 9000 });
}

/* Case 3: the 2nd, 4th, 6th and 8th are lost. */
static void test_sack_reports_the_latest_block_first(void **state)
{
	struct tcp_sack_gen g = { 0 };

	(void)state;
	tcp_sack_add(&g, at(6000), at(6500));
	expect_blocks(&g, 1, (uint32_t[]){ 6000, 6500 });
	tcp_sack_add(&g, at(7000), at(7500));
	expect_blocks(&g, 2, (uint32_t[]){ 7000, 7500, 6000, 6500 });
	tcp_sack_add(&g, at(8000), at(8500));
	expect_blocks(&g, 3, (uint32_t[]){ 8000, 8500, 7000, 7500, 6000, 6500 });
	tcp_sack_add(&g, at(7000), at(8500)); /* the 4th packet comes: two islands are one */
	expect_blocks(&g, 2, (uint32_t[]){ 7000, 8500, 6000, 6500 });
	tcp_sack_advance(&g, at(8500)); /* and the 2nd */
	expect_blocks(&g, 0, NULL);
}

static void test_sack_keeps_the_four_latest_blocks(void **state)
{
	struct tcp_sack_gen g = { 0 };

	(void)state;
	for (uint32_t i = 1; i <= 6; i++)
		tcp_sack_add(&g, at(i * 100), at(i * 100 + 10));
	expect_blocks(&g, 4, (uint32_t[]){ 600, 610, 500, 510, 400, 410, 300, 310 });
}

/* RFC 2883 section 4: once, and first. */
static void test_sack_duplicate_is_reported_once_and_first(void **state)
{
	struct tcp_sack_gen g = { 0 };

	(void)state;
	tcp_sack_add(&g, at(4000), at(4500));
	tcp_sack_duplicate(&g, at(3000), at(3500));
	expect_blocks(&g, 2, (uint32_t[]){ 3000, 3500, 4000, 4500 });
	expect_blocks(&g, 1, (uint32_t[]){ 4000, 4500 });
}

/* ---- The retransmission queue ---- */

struct queue {
	struct bed_mem bed_mem;
	struct mem mem;
	struct pool pool;
	struct tcp_rtxq q;
};

static void queue_open(struct queue *t)
{
	memset(t, 0, sizeof(*t));
	t->mem = (struct mem){ .ctx = &t->bed_mem, .alloc = bed_mem_alloc, .free = bed_mem_free };
	pool_init(&t->pool, &t->mem, sizeof(struct tcp_sent), UINT32_MAX);
}

static void queue_close(struct queue *t)
{
	tcp_rtxq_clear(&t->q, &t->pool);
	assert_int_equal(t->pool.used, 0);
	pool_fini(&t->pool);
	assert_int_equal(t->bed_mem.used_bytes, 0);
}

static void test_rtxq_counts_packets_of_super_segments(void **state)
{
	struct queue t;
	struct tcp_rtxq_acked a;

	(void)state;
	queue_open(&t);
	tcp_rtxq_append(&t.q, &t.pool, at(0), 10500, 1000, 0, 5);
	tcp_rtxq_append(&t.q, &t.pool, at(10500), 1, 1000, TCP_SENT_FIN, 7);
	assert_int_equal(t.q.packets_out, 12);
	a = tcp_rtxq_ack(&t.q, &t.pool, at(2500), 1000); /* 8000 bytes are left: eight packets */
	assert_int_equal(a.packets, 3);
	assert_int_equal(a.first_sent_us, 0); /* not acknowledged whole: no sample */
	assert_int_equal(t.q.packets_out, 9);
	a = tcp_rtxq_ack(&t.q, &t.pool, at(10501), 1000);
	assert_int_equal(a.packets, 9);
	assert_int_equal(a.first_sent_us, 5);
	assert_int_equal(a.last_sent_us, 7);
	assert_true(a.has_fin);
	assert_null(t.q.head);
	queue_close(&t);
}

/* RFC 6298 section 3: Karn. */
static void test_rtxq_retransmitted_records_give_no_sample(void **state)
{
	struct queue t;
	struct tcp_rtxq_acked a;

	(void)state;
	queue_open(&t);
	tcp_rtxq_append(&t.q, &t.pool, at(0), 1000, 1000, 0, 5);
	tcp_rtxq_mark_lost(&t.q, t.q.head);
	tcp_rtxq_on_retransmit(&t.q, t.q.head, 50);
	a = tcp_rtxq_ack(&t.q, &t.pool, at(1000), 1000);
	assert_int_equal(a.first_sent_us, 0);
	assert_int_equal(a.retrans_packets, 1);
	assert_int_equal(a.last_retrans_us, 50);
	queue_close(&t);
}

static void test_rtxq_split_keeps_sums_and_order(void **state)
{
	struct queue t;

	(void)state;
	queue_open(&t);
	tcp_rtxq_append(&t.q, &t.pool, at(0), 5001, 1000, TCP_SENT_FIN, 5);
	tcp_rtxq_mark_all_lost(&t.q);
	assert_int_equal(t.q.lost_out, 6);
	assert_int_equal(tcp_rtxq_split(&t.q, &t.pool, t.q.head, 1000, 1000), 0);
	assert_int_equal(t.q.head->len, 1000);
	assert_int_equal(t.q.head->flags & TCP_SENT_FIN, 0);
	assert_int_equal(t.q.last->seq.v, 1000);
	assert_true(t.q.last->flags & TCP_SENT_FIN);
	assert_int_equal(t.q.packets_out, 6);
	assert_int_equal(t.q.lost_out, 6);
	queue_close(&t);
}

static void test_rtxq_next_lost_walks_each_record_once(void **state)
{
	struct queue t;
	struct tcp_sent *r;
	uint32_t seen = 0;

	(void)state;
	queue_open(&t);
	for (uint32_t i = 0; i < 10; i++)
		tcp_rtxq_append(&t.q, &t.pool, at(i * 100), 100, 100, 0, 5);
	assert_null(tcp_rtxq_next_lost(&t.q));
	tcp_rtxq_mark_all_lost(&t.q);
	while ((r = tcp_rtxq_next_lost(&t.q))) {
		assert_int_equal(r->seq.v, seen++ * 100);
		tcp_rtxq_on_retransmit(&t.q, r, 9);
	}
	assert_int_equal(seen, 10);
	assert_int_equal(t.q.retrans_out, 10);
	tcp_rtxq_mark_lost(&t.q, t.q.head->next); /* lost again */
	assert_int_equal(t.q.retrans_out, 9);
	assert_ptr_equal(tcp_rtxq_next_lost(&t.q), t.q.head->next);
	tcp_rtxq_unmark_all(&t.q);
	assert_int_equal(t.q.lost_out + t.q.retrans_out, 0);
	queue_close(&t);
}

static void test_rtxq_without_memory_says_so(void **state)
{
	struct queue t;

	(void)state;
	queue_open(&t);
	t.bed_mem.fail_at = 1;
	assert_int_equal(tcp_rtxq_append(&t.q, &t.pool, at(0), 1, 1, 0, 5), -ENOBUFS);
	assert_int_equal(t.q.packets_out, 0);
	queue_close(&t);
}

/* ---- RFC 5681 ---- */

static void acknowledge(struct tcp_cc *cc, uint32_t packets, bool limited)
{
	struct tcp_cc_ack ack = { .acked = packets, .is_cwnd_limited = limited };

	cc->ops->on_ack(cc, &ack);
}

static void test_newreno_slow_start_adds_what_is_acknowledged(void **state)
{
	struct tcp_cc cc;

	(void)state;
	tcp_cc_init(&cc, &tcp_cc_newreno);
	assert_int_equal(cc.cwnd, 10);
	acknowledge(&cc, 10, true);
	assert_int_equal(cc.cwnd, 20);
	acknowledge(&cc, 5, false); /* not in use: does not grow */
	assert_int_equal(cc.cwnd, 20);
}

/* Equation (3): one packet a window. */
static void test_newreno_congestion_avoidance_adds_one_a_window(void **state)
{
	struct tcp_cc cc;

	(void)state;
	tcp_cc_init(&cc, &tcp_cc_newreno);
	cc.ssthresh = 12;
	acknowledge(&cc, 2, true);
	assert_int_equal(cc.cwnd, 12);
	for (int i = 0; i < 11; i++)
		acknowledge(&cc, 1, true);
	assert_int_equal(cc.cwnd, 12);
	acknowledge(&cc, 1, true);
	assert_int_equal(cc.cwnd, 13);
	acknowledge(&cc, 26, true); /* an ACK for two windows */
	assert_int_equal(cc.cwnd, 15);
}

/* Equation (4): half, but two at least. */
static void test_newreno_halves_on_loss(void **state)
{
	struct tcp_cc cc;

	(void)state;
	tcp_cc_init(&cc, &tcp_cc_newreno);
	cc.cwnd = 31;
	assert_int_equal(cc.ops->ssthresh(&cc), 15);
	cc.cwnd = 1;
	assert_int_equal(cc.ops->ssthresh(&cc), 2);
}

/* RFC 2861: half for each timeout of silence, not below the initial window, and three quarters are remembered. */
static void test_idle_decays_cwnd_and_keeps_ssthresh(void **state)
{
	struct tcp_cc cc;

	(void)state;
	tcp_cc_init(&cc, &tcp_cc_newreno);
	cc.cwnd = 100;
	cc.ssthresh = 50;
	tcp_cc_after_idle(&cc, 150000, 200000);
	assert_int_equal(cc.cwnd, 100);
	tcp_cc_after_idle(&cc, 500000, 200000);
	assert_int_equal(cc.cwnd, 25);
	assert_int_equal(cc.ssthresh, 75);
	tcp_cc_after_idle(&cc, 100000000, 200000);
	assert_int_equal(cc.cwnd, 10);
}

static void test_congestion_controls_are_found_by_name(void **state)
{
	(void)state;
	assert_ptr_equal(tcp_cc_find("reno"), &tcp_cc_newreno);
	assert_null(tcp_cc_find("renoo"));
	assert_null(tcp_cc_find(""));
}

/* ---- RFC 6528 ---- */

static void test_isn_rises_with_time_and_differs_by_connection_and_key(void **state)
{
	struct hash_key a = { { 1, 2 } }, b = { { 1, 3 } };
	struct ip_endpoint local = { .addr = addr_of("10.0.0.1"), .port = 80 }, remote = { .addr = addr_of("10.0.0.2"), .port = 5000 };
	struct ip_endpoint other = remote;

	(void)state;
	other.port = 5001;
	assert_int_equal(tcp_isn(&a, &local, &remote, 4000).v - tcp_isn(&a, &local, &remote, 0).v, 1000);
	assert_int_not_equal(tcp_isn(&a, &local, &remote, 0).v, tcp_isn(&a, &local, &other, 0).v);
	assert_int_not_equal(tcp_isn(&a, &local, &remote, 0).v, tcp_isn(&b, &local, &remote, 0).v);
	assert_int_equal(tcp_ts_offset(&a, &local.addr, &remote.addr), tcp_ts_offset(&a, &local.addr, &other.addr));
	assert_int_not_equal(tcp_ts_offset(&a, &local.addr, &remote.addr), tcp_ts_offset(&a, &remote.addr, &local.addr));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rtt_begins_with_one_second),
		cmocka_unit_test(test_rtt_first_sample_sets_rttvar_to_half),
		cmocka_unit_test(test_rtt_next_sample_is_weighted),
		cmocka_unit_test(test_rtt_steady_path_converges_to_srtt_plus_minimum),
		cmocka_unit_test(test_rtt_backs_off_by_doubling_up_to_the_maximum),
		cmocka_unit_test(test_rtt_stays_in_its_bounds_for_any_samples),
		cmocka_unit_test(test_sack_adjacent_segments_make_one_block),
		cmocka_unit_test(test_sack_reports_the_latest_block_first),
		cmocka_unit_test(test_sack_keeps_the_four_latest_blocks),
		cmocka_unit_test(test_sack_duplicate_is_reported_once_and_first),
		cmocka_unit_test(test_rtxq_counts_packets_of_super_segments),
		cmocka_unit_test(test_rtxq_retransmitted_records_give_no_sample),
		cmocka_unit_test(test_rtxq_split_keeps_sums_and_order),
		cmocka_unit_test(test_rtxq_next_lost_walks_each_record_once),
		cmocka_unit_test(test_rtxq_without_memory_says_so),
		cmocka_unit_test(test_newreno_slow_start_adds_what_is_acknowledged),
		cmocka_unit_test(test_newreno_congestion_avoidance_adds_one_a_window),
		cmocka_unit_test(test_newreno_halves_on_loss),
		cmocka_unit_test(test_idle_decays_cwnd_and_keeps_ssthresh),
		cmocka_unit_test(test_congestion_controls_are_found_by_name),
		cmocka_unit_test(test_isn_rises_with_time_and_differs_by_connection_and_key),
	};

	return cmocka_run_group_tests_name("tcp parts", tests, NULL, NULL);
}
