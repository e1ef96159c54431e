/* SPDX-License-Identifier: BSD-2-Clause */
/* The neighbour cache entry of one neighbour, by exact frames: every state of RFC 4861 section 7.3.2 against every message that may
 * change it (appendix C, row by row), and invalid messages against every state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/lib/bed.h"
#include "tests/lib/lan.h"
#include "tests/lib/packet.h"
#include "tests/lib/ra.h"

static struct bed b;
static struct bed_packet out;
static struct ra ra;
static uint8_t buf[4096];

#define OWN "fe80::ff:fe00:1"
#define OWN_GROUP "ff02::1:ff00:1"
#define PEER "fe80::77"
#define PEER_GROUP "ff02::1:ff00:77"
#define ROUTER "fe80::fe"
#define FAR "2001:db8:f::1"
#define S 1000000ULL
static const uint8_t mac_a[6] = { 0x02, 0, 0, 0, 0, 0x77 }, mac_b[6] = { 0x02, 0, 0, 0, 0, 0x78 };
static const uint8_t peer_group_mac[6] = { 0x33, 0x33, 0xff, 0, 0, 0x77 };

static const char *const states[] = { "", "incomplete", "reachable", "stale", "delay", "probe" };
enum { NONE, INCOMPLETE, REACHABLE, STALE, DELAY, PROBE, STATES };

static void start(void)
{
	bed_open(&b, 4, LINK_ETHERNET);
	bed_run(&b, 20 * S);
	bed_drop_all(&b);
}

static int setup(void **state)
{
	(void)state;
	start();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_close(&b);
	return 0;
}

static void nd(const uint8_t mac[6], const char *src, const char *dst, uint8_t type, uint8_t flags, const char *target,
	       const uint8_t *link_addr)
{
	bed_inject(&b, buf, lan_nd(buf, mac, src, dst, type, flags, target, link_addr));
}

/* The peer wants an answer to an echo: the stack has a packet for it. */
static void echo(uint16_t seq)
{
	bed_inject(&b, buf, packet_ethernet(buf, packet_echo(buf, PEER, OWN, false, 1, seq, NULL, 0), bed_mac, mac_a));
}

/* From nothing to that state, with link address A. */
static void enter(unsigned state)
{
	if (state >= INCOMPLETE)
		echo(1);
	if (state >= REACHABLE)
		nd(mac_a, PEER, OWN, LAN_NA, LAN_SOLICITED | LAN_OVERRIDE, PEER, mac_a);
	if (state >= STALE)
		bed_run(&b, 46 * S);
	if (state >= DELAY)
		echo(2);
	if (state >= PROBE)
		bed_run(&b, 5010000);
	assert_string_equal(lan_neigh_state(&b, PEER), states[state]);
	bed_drop_all(&b);
}

struct query {
	struct ip_addr addr;
	uint8_t mac[6];
};

static bool find(void *ctx, const struct neigh_info *n)
{
	struct query *q = ctx;

	if (ip_addr_eq(&n->addr, &q->addr))
		memcpy(q->mac, n->mac, 6);
	return true;
}

static const uint8_t *known_mac(void)
{
	static struct query q;

	q = (struct query){ .addr = addr_of(PEER) };
	stack_each_neigh(b.st, find, &q);
	return q.mac;
}

/* What becomes of each state; "=": nothing. A packet that waited, or our own answer, turns STALE into DELAY at once. */
struct row {
	const char *name;
	const uint8_t *link_addr;
	uint8_t flags;
	const char *next[STATES];
	bool is_mac_b; /* the link address is B then, where there was one */
};

static void check(const struct row *row, unsigned state)
{
	const char *expected = strcmp(row->next[state], "=") == 0 ? states[state] : row->next[state];
	const char *got = lan_neigh_state(&b, PEER);

	if (strcmp(got, expected) != 0)
		fail_msg("%s in %s: %s, not %s", row->name, states[state], got, expected);
	if (state >= REACHABLE && memcmp(known_mac(), row->is_mac_b ? mac_b : mac_a, 6) != 0)
		fail_msg("%s in %s: the wrong link address", row->name, states[state]);
}

static void check_rows(const struct row *rows, size_t n, void (*message)(const struct row *))
{
	for (size_t i = 0; i < n; i++)
		for (unsigned state = NONE; state < STATES; state++) {
			start();
			enter(state);
			message(&rows[i]);
			check(&rows[i], state);
			bed_close(&b);
		}
}
#define CHECK_ROWS(rows, message) check_rows(rows, sizeof(rows) / sizeof((rows)[0]), message)

static void advertisement(const struct row *row)
{
	nd(mac_a, PEER, row->flags & LAN_SOLICITED ? OWN : "ff02::1", LAN_NA, row->flags, PEER, row->link_addr);
}

static void test_4861_appendix_c_advertisements_in_every_state(void **state)
{
	enum { SO = LAN_SOLICITED | LAN_OVERRIDE };
	static const struct row rows[] = {
		/*				      none incomplete reachable   stale	       delay	    probe */
		{ "NA S=0 O=0 no address", NULL, 0, { "=", "=", "=", "=", "=", "=" }, false },
		{ "NA S=0 O=0 same", mac_a, 0, { "=", "delay", "=", "=", "=", "=" }, false },
		{ "NA S=0 O=0 other", mac_b, 0, { "=", "delay", "stale", "=", "=", "=" }, false },
		{ "NA S=0 O=1 no address", NULL, LAN_OVERRIDE, { "=", "=", "=", "=", "=", "=" }, false },
		{ "NA S=0 O=1 same", mac_a, LAN_OVERRIDE, { "=", "delay", "=", "=", "=", "=" }, false },
		{ "NA S=0 O=1 other", mac_b, LAN_OVERRIDE, { "=", "delay", "stale", "stale", "stale", "stale" }, true },
		{ "NA S=1 O=0 no address", NULL, LAN_SOLICITED, { "=", "=", "=", "reachable", "reachable", "reachable" }, false },
		{ "NA S=1 O=0 same", mac_a, LAN_SOLICITED, { "=", "reachable", "=", "reachable", "reachable", "reachable" }, false },
		{ "NA S=1 O=0 other", mac_b, LAN_SOLICITED, { "=", "reachable", "stale", "=", "=", "=" }, false },
		{ "NA S=1 O=1 no address", NULL, SO, { "=", "=", "=", "reachable", "reachable", "reachable" }, false },
		{ "NA S=1 O=1 same", mac_a, SO, { "=", "reachable", "=", "reachable", "reachable", "reachable" }, false },
		{ "NA S=1 O=1 other", mac_b, SO, { "=", "reachable", "=", "reachable", "reachable", "reachable" }, true },
	};

	(void)state;
	CHECK_ROWS(rows, advertisement);
}

static void solicitation(const struct row *row)
{
	nd(mac_a, PEER, row->flags ? OWN : OWN_GROUP, LAN_NS, 0, OWN, row->link_addr);
}

/* Our answer is a packet to the neighbour, so what becomes stale is in delay at once (section 7.3.3); without an address it has to be asked. */
static void test_4861_7_2_3_solicitations_in_every_state(void **state)
{
	static const struct row rows[] = {
		{ "NS same", mac_a, 0, { "delay", "delay", "=", "delay", "=", "=" }, false },
		{ "NS other", mac_b, 0, { "delay", "delay", "delay", "delay", "delay", "delay" }, true },
		{ "unicast NS same", mac_a, 1, { "delay", "delay", "=", "delay", "=", "=" }, false },
		{ "unicast NS other", mac_b, 1, { "delay", "delay", "delay", "delay", "delay", "delay" }, true },
		{ "unicast NS no address", NULL, 1, { "incomplete", "=", "=", "delay", "=", "=" }, false },
	};

	(void)state;
	CHECK_ROWS(rows, solicitation);
}

static void router_advertisement(const struct row *row)
{
	ra_begin(&ra, PEER, 1800);
	ra.mac = mac_a;
	if (row->link_addr)
		ra_add_mac(&ra, 1, row->link_addr);
	ra_send(&b, &ra);
}

static void redirect(const struct row *row)
{
	ra_simple(&b, ROUTER, 1800, NULL, 0, 0);
	ra_begin_redirect(&ra, ROUTER, PEER, FAR);
	if (row->link_addr)
		ra_add_mac(&ra, 2, row->link_addr);
	ra_send(&b, &ra);
	assert_int_equal(bed_stat(&b, "ip.redirects"), 1);
}

static const struct row told_of[] = {
	{ "same", mac_a, 0, { "stale", "delay", "=", "=", "=", "=" }, false },
	{ "other", mac_b, 0, { "stale", "delay", "stale", "stale", "stale", "stale" }, true },
	{ "no address", NULL, 0, { "=", "=", "=", "=", "=", "=" }, false },
};

static void test_4861_6_3_4_router_advertisements_in_every_state(void **state)
{
	(void)state;
	CHECK_ROWS(told_of, router_advertisement);
}

static void test_4861_8_3_redirects_in_every_state(void **state)
{
	(void)state;
	CHECK_ROWS(told_of, redirect);
}

/* ---- What is invalid changes nothing, in no state ---- */

static const struct row untouched = { "an invalid message", NULL, 0, { "=", "=", "=", "=", "=", "=" }, false };

/* The ways in which a neighbour message (of link address B, which would show) can be wrong; false: that was the last. */
static bool spoil(uint8_t type, unsigned way)
{
	bool is_ns = type == LAN_NS;
	size_t len = lan_nd(buf, mac_b, PEER, OWN, type, is_ns ? 0 : LAN_SOLICITED | LAN_OVERRIDE, is_ns ? OWN : PEER, mac_b);
	uint8_t *ip = buf + 14, *icmp = ip + 40;

	switch (way) {
	case 0: /* hop limit */
		ip[7] = 254;
		break;
	case 1:
		icmp[2] ^= 1;
		bed_inject(&b, buf, len);
		return true;
	case 2: /* code */
		icmp[1] = 1;
		break;
	case 3: /* length: 16 bytes of the target are not all there */
		ip[5] = 23;
		len = 14 + 40 + 23;
		break;
	case 4: /* a group for a target */
		memset(icmp + 8, 0, 16);
		icmp[8] = 0xff, icmp[9] = 2, icmp[23] = 1;
		break;
	case 5: /* an option of length zero */
		icmp[25] = 0;
		break;
	case 6: /* one that ends outside */
		icmp[25] = 2;
		break;
	case 7: /* an answer to all (NA), a solicitation of nobody's that tells a link address (NS) */
		len = is_ns ? lan_nd(buf, mac_b, "::", OWN_GROUP, LAN_NS, 0, OWN, mac_b)
			    : lan_nd(buf, mac_b, PEER, "ff02::1", LAN_NA, LAN_SOLICITED | LAN_OVERRIDE, PEER, mac_b);
		break;
	case 8: /* an option of length zero that is of no interest */
		memset(icmp + 24, 0, 8);
		icmp[24] = 200;
		break;
	default:
		return false;
	}
	packet_fix_checksums(ip, len - 14);
	bed_inject(&b, buf, len);
	return true;
}

static void check_invalid(uint8_t type)
{
	for (unsigned state = NONE; state < STATES; state++)
		for (unsigned way = 0;; way++) {
			bool was_one;

			start();
			enter(state);
			was_one = spoil(type, way);
			check(&untouched, state);
			assert_false(bed_next(&b, &out)); /* and is not answered */
			bed_close(&b);
			if (!was_one)
				break;
		}
}

static void test_4861_7_1_1_invalid_solicitation_changes_no_state(void **state)
{
	(void)state;
	check_invalid(LAN_NS);
}

static void test_4861_7_1_2_invalid_advertisement_changes_no_state(void **state)
{
	(void)state;
	check_invalid(LAN_NA);
}

static void router_solicitation(const struct row *row)
{
	(void)row;
	ra_begin(&ra, PEER, 0);
	ra.dst = "ff02::1";
	ra.icmp[0] = 133;
	ra.len = 8;
	ra.mac = mac_b;
	ra_add_mac(&ra, 1, mac_b);
	ra_send(&b, &ra);
}

/* RFC 4861 section 6.2.6: they are for routers. */
static void test_4861_6_2_6_router_solicitation_changes_no_state(void **state)
{
	(void)state;
	check_rows(&untouched, 1, router_solicitation);
}

/* Unknown options are passed over (section 4.6), also in front of those that count. */
static void test_4861_4_6_unknown_options_are_passed_over(void **state)
{
	uint8_t icmp[64] = { LAN_NS };
	struct ip_addr own = addr_of(OWN);
	struct ip_fields ip = { .src = PEER, .dst = OWN, .proto = 58, .ttl = 255 };
	size_t len;

	(void)state;
	memcpy(icmp + 8, own.b, 16);
	icmp[24] = 200, icmp[25] = 2;
	icmp[40] = 1, icmp[41] = 1;
	memcpy(icmp + 42, mac_b, 6);
	len = packet_ip(buf, &ip, icmp, 48);
	packet_fix_checksums(buf, len);
	bed_inject(&b, buf, packet_ethernet(buf, len, bed_mac, mac_a));
	assert_true(bed_next(&b, &out) && lan_is_nd(&out, mac_b, OWN, PEER, LAN_NA, LAN_SOLICITED | LAN_OVERRIDE, OWN, true));
}

/* ---- Asking ---- */

static bool next_echo_reply(uint16_t seq)
{
	return bed_next(&b, &out) && lan_is_ip(&out, mac_a) && out.data[54] == 129 && out.data[61] == seq;
}

/* Section 7.2.2: packets wait for each neighbour in a queue of its own, and go out in their order. */
static void test_4861_7_2_2_packets_wait_for_each_neighbour_apart(void **state)
{
	(void)state;
	for (uint16_t seq = 1; seq <= 3; seq++)
		echo(seq);
	bed_inject(&b, buf, packet_ethernet(buf, packet_echo(buf, "fe80::88", OWN, false, 1, 9, NULL, 0), bed_mac, mac_b));
	bed_drop_all(&b);
	nd(mac_a, PEER, OWN, LAN_NA, LAN_SOLICITED | LAN_OVERRIDE, PEER, mac_a);
	for (uint16_t seq = 1; seq <= 3; seq++)
		assert_true(next_echo_reply(seq));
	assert_false(bed_next(&b, &out));
	nd(mac_b, "fe80::88", OWN, LAN_NA, LAN_SOLICITED | LAN_OVERRIDE, "fe80::88", mac_b);
	assert_true(bed_next(&b, &out) && lan_is_ip(&out, mac_b) && out.data[61] == 9);
}

/* One question each RetransTimer, three of them, whatever comes meanwhile; the next packet begins anew. */
static void test_4861_7_2_2_questions_are_a_retransmission_time_apart(void **state)
{
	uint64_t first_us = b.now_us;

	(void)state;
	for (unsigned i = 0; i < 30; i++) {
		echo((uint16_t)i);
		bed_run(&b, S / 10);
	}
	for (unsigned i = 0; i < 3; i++) {
		assert_true(bed_next(&b, &out));
		assert_true(lan_is_nd(&out, peer_group_mac, OWN, PEER_GROUP, LAN_NS, 0, PEER, true));
		assert_in_range(out.at_us - first_us, i * S, i * S + 2000);
	}
	assert_false(bed_next(&b, &out));
	bed_run(&b, S / 10);
	assert_string_equal(lan_neigh_state(&b, PEER), "failed");
	echo(99);
	assert_true(bed_next(&b, &out) && lan_is_nd(&out, peer_group_mac, OWN, PEER_GROUP, LAN_NS, 0, PEER, true));
}

/* Section 7.2.5: an entry that was given up is none. */
static void test_4861_7_2_5_advertisement_of_who_was_given_up_is_not_of_interest(void **state)
{
	(void)state;
	enter(INCOMPLETE);
	bed_run(&b, 3100000);
	nd(mac_a, PEER, OWN, LAN_NA, LAN_SOLICITED | LAN_OVERRIDE, PEER, mac_a);
	assert_string_equal(lan_neigh_state(&b, PEER), "failed");
	assert_int_equal(bed_stat(&b, "nd.drop.unsolicited"), 1);
}

/* ---- Reachable time ---- */

/* Section 6.3.2: half to one and a half of BaseReachableTime, another one each time; and that of an advertisement from then on. */
static void test_4861_6_3_2_reachable_time_is_random_around_its_base(void **state)
{
	uint64_t least_us = UINT64_MAX, most_us = 0;

	(void)state;
	ra_begin(&ra, ROUTER, 1800);
	ra.icmp[10] = 0x27, ra.icmp[11] = 0x10; /* 10,000 ms */
	ra_send(&b, &ra);
	for (unsigned i = 0; i < 30; i++) {
		uint64_t from_us = b.now_us, us;

		echo(1);
		nd(mac_a, PEER, OWN, LAN_NA, LAN_SOLICITED | LAN_OVERRIDE, PEER, mac_a);
		while (strcmp(lan_neigh_state(&b, PEER), "reachable") == 0)
			bed_run(&b, S / 10);
		us = b.now_us - from_us;
		assert_in_range(us, 5 * S - S / 10, 15 * S + 2 * S / 10);
		least_us = us < least_us ? us : least_us;
		most_us = us > most_us ? us : most_us;
	}
	assert_true(least_us < 8 * S && most_us > 12 * S);
}

/* Section 7.3.3: DELAY_FIRST_PROBE_TIME, then three unicast probes, then nothing is left of it. */
static void test_4861_7_3_3_probe_is_answered_by_the_neighbour(void **state)
{
	(void)state;
	enter(PROBE);
	bed_run(&b, 1010000);
	assert_true(bed_next(&b, &out) && lan_is_nd(&out, mac_a, OWN, PEER, LAN_NS, 0, PEER, true));
	nd(mac_a, PEER, OWN, LAN_NA, LAN_SOLICITED, PEER, NULL);
	assert_string_equal(lan_neigh_state(&b, PEER), "reachable");
	bed_run(&b, 10 * S);
	assert_false(bed_next(&b, &out));
}

/* ---- Confirmation from above (section 7.3.1) ---- */

enum { SYN = 2, ACK = 16, PUSH = 8 };

/* A segment of the peer's, port 5000, to ours, port 80, without options. */
static void segment(uint8_t flags, uint32_t seq, uint32_t ack)
{
	struct ip_fields ip = { .src = BED_PEER6, .dst = BED_ADDR6, .proto = 6 };
	uint8_t tcp[20] = { 0x13, 0x88, 0, 80, [12] = 0x50, [13] = flags, 0xff, 0xff };
	size_t len;

	for (unsigned i = 0; i < 4; i++) {
		tcp[4 + i] = (uint8_t)(seq >> (24 - 8 * i));
		tcp[8 + i] = (uint8_t)(ack >> (24 - 8 * i));
	}
	len = packet_ip(buf, &ip, tcp, sizeof(tcp));
	packet_fix_checksums(buf, len);
	bed_inject(&b, buf, packet_ethernet(buf, len, bed_mac, mac_a));
}

/* Ours; its sequence number. */
static uint32_t next_segment(void)
{
	while (bed_next(&b, &out))
		if (out.data[12] == 0x86 && out.data[20] == 6)
			return (uint32_t)out.data[58] << 24 | (uint32_t)out.data[59] << 16 | (uint32_t)out.data[60] << 8 | out.data[61];
	fail_msg("no segment");
	return 0;
}

static void test_4861_7_3_1_acknowledged_data_confirms_the_neighbour(void **state)
{
	struct sock *listener = bed_sock(&b, AF_INET6, SOCK_STREAM, 0), *s;
	struct ip_endpoint e = bed_endpoint(BED_ADDR6, 80);
	uint32_t seq;
	int err;

	(void)state;
	assert_int_equal(sock_bind(listener, &e), 0);
	assert_int_equal(sock_listen(listener, 8, b.now_us), 0);
	nd(mac_a, BED_PEER6, OWN_GROUP, LAN_NS, 0, BED_ADDR6, mac_a);
	segment(SYN, 1000, 0);
	seq = next_segment();
	segment(ACK, 1001, seq + 1);
	s = sock_accept(listener, &err);
	assert_non_null(s);
	bed_run(&b, 60 * S);
	nd(mac_a, BED_PEER6, OWN_GROUP, LAN_NS, 0, BED_ADDR6, mac_b); /* makes what is known doubtful */
	nd(mac_a, BED_PEER6, OWN_GROUP, LAN_NS, 0, BED_ADDR6, mac_a);
	assert_string_equal(lan_neigh_state(&b, BED_PEER6), "delay");
	bed_drop_all(&b);
	assert_int_equal(sock_send(s, "x", 1, 0, b.now_us), 1);
	bed_turn(&b);
	seq = next_segment();
	segment(ACK, 1001, seq); /* nothing new: no forward progress */
	assert_string_equal(lan_neigh_state(&b, BED_PEER6), "delay");
	segment(ACK, 1001, seq + 1);
	assert_string_equal(lan_neigh_state(&b, BED_PEER6), "reachable");
	bed_drop_all(&b);
	bed_run(&b, 10 * S); /* and nobody is asked */
	while (bed_next(&b, &out))
		assert_int_not_equal(out.data[54], LAN_NS);
	sock_close(s, b.now_us);
	sock_close(listener, b.now_us);
}

/* Or by a program that knows, by what it has heard itself: MSG_CONFIRM */
static void test_4861_7_3_1_datagram_may_confirm_the_neighbour(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	struct dgram_info info = { .dst = bed_endpoint(BED_PEER6, 9), .ttl = -1, .tos = -1 };

	(void)state;
	nd(mac_a, BED_PEER6, OWN_GROUP, LAN_NS, 0, BED_ADDR6, mac_a);
	assert_int_equal(sock_send_frame(s, bed_frame(&b, "x", 1), &info, b.now_us), 0);
	assert_string_equal(lan_neigh_state(&b, BED_PEER6), "delay");
	info.confirms = true;
	assert_int_equal(sock_send_frame(s, bed_frame(&b, "x", 1), &info, b.now_us), 0);
	assert_string_equal(lan_neigh_state(&b, BED_PEER6), "reachable");
	sock_close(s, b.now_us);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_4861_appendix_c_advertisements_in_every_state),
		cmocka_unit_test(test_4861_7_2_3_solicitations_in_every_state),
		cmocka_unit_test(test_4861_6_3_4_router_advertisements_in_every_state),
		cmocka_unit_test(test_4861_8_3_redirects_in_every_state),
		cmocka_unit_test(test_4861_7_1_1_invalid_solicitation_changes_no_state),
		cmocka_unit_test(test_4861_7_1_2_invalid_advertisement_changes_no_state),
		cmocka_unit_test(test_4861_6_2_6_router_solicitation_changes_no_state),
		TEST(test_4861_4_6_unknown_options_are_passed_over),
		TEST(test_4861_7_2_2_packets_wait_for_each_neighbour_apart),
		TEST(test_4861_7_2_2_questions_are_a_retransmission_time_apart),
		TEST(test_4861_7_2_5_advertisement_of_who_was_given_up_is_not_of_interest),
		TEST(test_4861_6_3_2_reachable_time_is_random_around_its_base),
		TEST(test_4861_7_3_1_acknowledged_data_confirms_the_neighbour),
		TEST(test_4861_7_3_1_datagram_may_confirm_the_neighbour),
		TEST(test_4861_7_3_3_probe_is_answered_by_the_neighbour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
