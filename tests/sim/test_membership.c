/* SPDX-License-Identifier: BSD-2-Clause */
/* A router that believes reports, over a link that loses them: hosts join and leave at random, and every so often the router asks.
 * Whatever was lost, after a query and its answer that got through the router knows exactly what the host listens to; and of a good
 * link it knows so a second after each change. IGMP in version 3 and 2, MLD in version 2 and 1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/lib/groups.h"
#include "tests/lib/lan.h"

enum { GROUPS = 12, CHANGES = 60, SEEDS = 40, SECOND = 1000000 };
enum { TO_IN = 3, TO_EX = 4, IS_EX = 2 };

struct world {
	struct bed b;
	struct sock *s;
	bool is6, is_older;
	bool joined[GROUPS], known[GROUPS];
	uint64_t seed, loss_percent;
	uint64_t random;
};

static struct world w;
static uint8_t buf[4096];
static struct groups_report r;

static uint32_t random_below(uint32_t bound)
{
	w.random = w.random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(w.random >> 33) % bound;
}

static const char *group_text(int i)
{
	static char text[32];

	snprintf(text, sizeof(text), w.is6 ? "ff15::%x" : "239.5.5.%u", (unsigned)i + 1);
	return text;
}

static int group_index(const struct ip_addr *a)
{
	return a->b[15] - 1;
}

/* What the router makes of a report that arrives. */
static void router_hears(void)
{
	switch (r.type) {
	case 0x22:
	case 143:
		for (unsigned i = 0; i < r.record_count; i++)
			w.known[group_index(&r.records[i].group)] = r.records[i].type == TO_EX || r.records[i].type == IS_EX;
		break;
	case 0x17:
	case 132:
		w.known[group_index(&r.group)] = false;
		break;
	default:
		w.known[group_index(&r.group)] = true;
	}
}

static void pass(uint64_t us, bool loses)
{
	bed_run(&w.b, us);
	while (groups_next(&w.b, &r))
		if (!loses || random_below(100) >= w.loss_percent)
			router_hears();
}

static void change(void)
{
	int i = (int)random_below(GROUPS);
	struct ip_addr g = addr_of(group_text(i));
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct group_req m = { .gr_interface = w.b.ifindex };

	memcpy(&in4.sin_addr, ip_addr_v4(&g), 4);
	memcpy(&in6.sin6_addr, g.b, 16);
	memcpy(&m.gr_group, w.is6 ? (void *)&in6 : (void *)&in4, w.is6 ? sizeof(in6) : sizeof(in4));
	assert_int_equal(sock_setopt(w.s, w.is6 ? IPPROTO_IPV6 : IPPROTO_IP, w.joined[i] ? MCAST_LEAVE_GROUP : MCAST_JOIN_GROUP, &m,
				     sizeof(m), w.b.now_us), 0);
	w.joined[i] = !w.joined[i];
}

/* The router forgets who does not answer. */
static void query(bool loses)
{
	static const struct groups_wrap plain;
	size_t len = w.is6 ? groups_mld_query(buf, &plain, w.is_older ? 1 : 2, NULL, 10000, 2, 125, NULL) :
			     groups_igmp_query(buf, &plain, w.is_older ? 2 : 3, NULL, 100, 2, 125, NULL);

	if (loses && random_below(100) < w.loss_percent)
		return;
	memset(w.known, 0, sizeof(w.known));
	bed_inject(&w.b, buf, len);
	pass(11ULL * SECOND, loses);
}

static void expect_agreement(const char *when)
{
	for (int i = 0; i < GROUPS; i++)
		if (w.joined[i] != w.known[i])
			fail_msg("seed %llu, %s, %s: %s is %sjoined, the router thinks otherwise", (unsigned long long)w.seed,
				 w.is6 ? "MLD" : "IGMP", when, group_text(i), w.joined[i] ? "" : "not ");
}

static void run(uint64_t seed, bool is6, bool is_older, unsigned loss_percent)
{
	memset(&w, 0, sizeof(w));
	w.seed = w.random = seed;
	w.is6 = is6;
	w.is_older = is_older;
	w.loss_percent = loss_percent;
	bed_open(&w.b, seed, LINK_IP);
	w.b.hears_reports = true;
	w.s = bed_sock(&w.b, is6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
	query(false);
	for (int i = 0; i < CHANGES; i++) {
		change();
		pass(random_below(3000000), true);
		if (loss_percent == 0) {
			pass(11ULL * SECOND, false);
			expect_agreement("after a change");
		} else if (random_below(8) == 0) {
			query(true);
		}
	}
	pass(20ULL * SECOND, true);
	query(false);
	expect_agreement("after the last query");
	sock_close(w.s, w.b.now_us);
	memset(w.joined, 0, sizeof(w.joined));
	pass(11ULL * SECOND, false);
	expect_agreement("after the end");
	bed_close(&w.b);
}

static void test_router_and_host_agree_after_each_change_over_a_good_link(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		for (int kind = 0; kind < 4; kind++)
			run(seed, kind & 1, kind & 2, 0);
}

static void test_router_and_host_agree_after_a_query_whatever_was_lost(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		for (int kind = 0; kind < 4; kind++)
			run(seed, kind & 1, kind & 2, 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_router_and_host_agree_after_each_change_over_a_good_link),
		cmocka_unit_test(test_router_and_host_agree_after_a_query_whatever_was_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
