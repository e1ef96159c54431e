/* SPDX-License-Identifier: BSD-2-Clause */
/* Address autoconfiguration by exact frames, in virtual time: RFC 4862, 4429, 7217, 7527, 8981. Each test's name begins with its RFC and
 * section. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
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

#define ROUTER "fe80::fe"
#define PREFIX "2001:db8:1::/64"
#define OWN_LINKLOCAL "fe80::ff:fe00:1"
static const uint8_t other_mac[6] = { 0x02, 0, 0, 0, 0, 0x77 };
#define S 1000000ULL

static void open_bed(uint64_t seed, const char *name, uint8_t secret)
{
	bed_prepare(&b, seed, LINK_ETHERNET);
	snprintf(b.link.name, sizeof(b.link.name), "%s", name);
	memset(b.config.stable_secret, secret, sizeof(b.config.stable_secret));
	assert_true(bed_start(&b));
	bed_settle(&b);
}

static int setup(void **state)
{
	(void)state;
	open_bed(4, "test0", 7);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_close(&b);
	return 0;
}

/* The addresses of an origin, in order. */
struct found {
	unsigned count;
	struct addr_info info[64];
};

struct search {
	const char *origin;
	struct found *found;
};

static bool collect(void *ctx, const struct addr_info *i)
{
	struct search *s = ctx;

	if (strcmp(i->origin, s->origin) == 0 && s->found->count < 64)
		s->found->info[s->found->count++] = *i;
	return true;
}

static const struct found *addrs(const char *origin)
{
	static struct found f;
	struct search s = { origin, &f };

	memset(&f, 0, sizeof(f));
	stack_each_addr(b.st, collect, &s);
	return &f;
}

static const struct addr_info *only(const char *origin)
{
	const struct found *f = addrs(origin);

	assert_int_equal(f->count, 1);
	return &f->info[0];
}

static const char *text(const struct ip_addr *a)
{
	static char buf6[IP_ADDR_TEXT_MAX];

	return ip_addr_print(a, buf6);
}

static void prefix(const char *p, uint32_t valid_s, uint32_t preferred_s)
{
	ra_simple(&b, ROUTER, 1800, p, valid_s, preferred_s);
}

/* ---- RFC 4862 section 5.5.3: from prefix to address ---- */

static void test_4862_5_5_3_prefix_with_the_autonomous_flag_gives_an_address_that_is_checked(void **state)
{
	const struct addr_info *a;
	unsigned seen = 0;

	(void)state;
	prefix(PREFIX, 86400, 14400);
	a = only("slaac");
	assert_string_equal(a->state, "optimistic");
	assert_int_equal(a->prefix.len, 64);
	assert_int_equal(a->valid_s, 86400);
	assert_int_equal(a->preferred_s, 14400);
	assert_memory_equal(a->prefix.addr.b, addr_of("2001:db8:1::").b, 8);
	bed_run(&b, 3 * S);
	while (bed_next(&b, &out))
		seen += out.len > 78 && out.data[54] == LAN_NS && memcmp(out.data + 62, a->prefix.addr.b, 16) == 0;
	assert_int_equal(seen, 1);
	assert_string_equal(only("slaac")->state, "preferred");
	prefix(PREFIX, 86400, 14400); /* again: the same */
	only("slaac");
}

static void test_4862_5_5_3_prefixes_that_make_no_address(void **state)
{
	(void)state;
	prefix("2001:db8:1::/63", 100, 100); /* (d): length and identifier don't make 128 bits */
	prefix("2001:db8:2::/65", 100, 100);
	assert_int_equal(bed_stat(&b, "nd.drop.prefix_length"), 2);
	prefix("fe80::/64", 100, 100);	     /* (b) */
	prefix("2001:db8:3::/64", 100, 101); /* (c) */
	prefix("2001:db8:4::/64", 0, 0);     /* (d) */
	ra_begin(&ra, ROUTER, 1800);
	ra_add_prefix(&ra, "2001:db8:5::/64", RA_ON_LINK, 100, 100); /* (a) */
	ra_send(&b, &ra);
	assert_int_equal(addrs("slaac")->count, 0);
	bed_set(&b, "net.ipv6.conf.all.autoconf", "0");
	prefix(PREFIX, 100, 100);
	assert_int_equal(addrs("slaac")->count, 0);
}

/* RFC 4862 section 5.5.3 (e), each branch */
static void test_4862_5_5_3_e_two_hour_rule(void **state)
{
	(void)state;
	prefix(PREFIX, 30000, 3000);
	/* 1: more than two hours, or more than is left: taken as it is */
	prefix(PREFIX, 7300, 3000);
	assert_int_equal(only("slaac")->valid_s, 7300);
	prefix(PREFIX, 20000, 3000);
	assert_int_equal(only("slaac")->valid_s, 20000);
	/* 3: less than two hours, while more is left: two hours; the preferred lifetime is always taken */
	prefix(PREFIX, 10, 5);
	assert_int_equal(only("slaac")->valid_s, 7200);
	assert_int_equal(only("slaac")->preferred_s, 5);
	/* 2: two hours or less are left: only more than that */
	bed_run(&b, 100 * S);
	prefix(PREFIX, 10, 10);
	assert_int_equal(only("slaac")->valid_s, 7100);
	prefix(PREFIX, 0, 0);
	assert_int_equal(only("slaac")->valid_s, 7100);
	assert_string_equal(only("slaac")->state, "deprecated");
	prefix(PREFIX, 7150, 7150);
	assert_int_equal(only("slaac")->valid_s, 7150);
	assert_string_equal(only("slaac")->state, "preferred");
	/* and short lives stay short */
	bed_run(&b, 7151 * S);
	assert_int_equal(addrs("slaac")->count, 0);
	prefix(PREFIX, 60, 30);
	assert_int_equal(only("slaac")->valid_s, 60);
}

static void test_4862_5_5_4_deprecated_address_serves_old_sockets_and_new_ones_only_if_alone(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	struct ip_addr first;

	(void)state;
	prefix(PREFIX, 86400, 100);
	bed_run(&b, 3 * S);
	first = only("slaac")->prefix.addr;
	bed_drop_all(&b);
	bed_send(&b, s, "2001:db8:f::1", 1000, "x", 1);
	assert_true(bed_next(&b, &out));
	assert_memory_equal(out.data + 22, first.b, 16);
	bed_run(&b, 100 * S); /* deprecated now; another prefix comes */
	prefix("2001:db8:2::/64", 86400, 86400);
	bed_run(&b, 3 * S);
	bed_drop_all(&b);
	bed_send(&b, s, "2001:db8:f::1", 1000, "x", 1);
	assert_true(bed_next(&b, &out));
	assert_memory_equal(out.data + 22, addr_of("2001:db8:2::").b, 8);
	bed_inject(&b, buf, packet_ethernet(buf, packet_echo(buf, "2001:db8:f::1", text(&first), false, 1, 1, NULL, 0), bed_mac, ra_router_mac));
	assert_true(bed_next(&b, &out)); /* still ours, and answers from itself */
	assert_memory_equal(out.data + 22, first.b, 16);
	sock_close(s, b.now_us);
}

static void test_infinite_lifetimes_never_end(void **state)
{
	(void)state;
	prefix(PREFIX, UINT32_MAX, UINT32_MAX);
	bed_run(&b, 100000000 * S);
	assert_int_equal(only("slaac")->valid_s, LIFETIME_FOREVER);
	assert_string_equal(only("slaac")->state, "preferred");
}

/* ---- RFC 7217 ---- */

static struct ip_addr stable_address(uint64_t seed, const char *name, uint8_t secret, const char *p)
{
	struct ip_addr a;

	open_bed(seed, name, secret);
	prefix(p, 86400, 86400);
	a = only("slaac")->prefix.addr;
	bed_close(&b);
	return a;
}

static void test_7217_5_identifier_is_stable_and_depends_on_prefix_link_and_secret(void **state)
{
	struct ip_addr a = stable_address(1, "test0", 7, PREFIX), again = stable_address(2, "test0", 7, PREFIX);
	struct ip_addr other_prefix = stable_address(1, "test0", 7, "2001:db8:2::/64");
	struct ip_addr other_link = stable_address(1, "test1", 7, PREFIX), other_secret = stable_address(1, "test0", 8, PREFIX);

	(void)state;
	assert_memory_equal(a.b, again.b, 16);
	assert_memory_not_equal(a.b + 8, other_prefix.b + 8, 8);
	assert_memory_not_equal(a.b + 8, other_link.b + 8, 8);
	assert_memory_not_equal(a.b + 8, other_secret.b + 8, 8);
	assert_false(a.b[11] == 0xff && a.b[12] == 0xfe); /* and nothing of the MAC is in it */
}

static void test_4291_appendix_a_identifier_from_the_mac_if_asked_for(void **state)
{
	(void)state;
	bed_set(&b, "net.ipv6.conf.all.addr_gen_mode", "0");
	prefix(PREFIX, 86400, 86400);
	assert_string_equal(text(&only("slaac")->prefix.addr), "2001:db8:1::ff:fe00:1");
}

/* An advertisement by the other host that has it. */
static void conflict(const struct ip_addr *a)
{
	char addr[IP_ADDR_TEXT_MAX];

	ip_addr_print(a, addr);
	bed_inject(&b, buf, lan_nd(buf, other_mac, addr, "ff02::1", LAN_NA, LAN_OVERRIDE, addr, other_mac));
}

static void test_7217_6_duplicate_gets_another_identifier_three_times(void **state)
{
	(void)state;
	prefix(PREFIX, 86400, 86400);
	for (unsigned i = 0; i < 4; i++) {
		const struct found *f = addrs("slaac");

		assert_int_equal(f->count, i + 1);
		assert_string_equal(f->info[i].state, "optimistic");
		conflict(&f->info[i].prefix.addr);
	}
	assert_int_equal(addrs("slaac")->count, 4);
	assert_string_equal(addrs("slaac")->info[3].state, "duplicate");
	prefix(PREFIX, 86400, 86400);
	assert_int_equal(addrs("slaac")->count, 4);
}

/* ---- RFC 8981 ---- */

static void test_8981_temporary_addresses_stand_beside_the_stable_one(void **state)
{
	const struct addr_info *a;

	(void)state;
	bed_set(&b, "net.ipv6.conf.all.use_tempaddr", "2");
	prefix(PREFIX, 2592000, 604800);
	assert_memory_equal(only("slaac")->prefix.addr.b, only("temporary")->prefix.addr.b, 8);
	a = only("temporary");
	assert_int_equal(a->valid_s, 172800);
	assert_in_range(a->preferred_s, 86400 * 6 / 10, 86400); /* 3.4 (4): less DESYNC_FACTOR */
}

static void test_8981_3_4_router_shortens_but_does_not_lengthen_a_temporary_life(void **state)
{
	uint32_t preferred_s;

	(void)state;
	bed_set(&b, "net.ipv6.conf.all.use_tempaddr", "1");
	prefix(PREFIX, 2592000, 604800);
	preferred_s = only("temporary")->preferred_s;
	bed_run(&b, 1000 * S);
	prefix(PREFIX, 2592000, 604800);
	assert_int_equal(only("temporary")->valid_s, 172800 - 1000);
	assert_int_equal(only("temporary")->preferred_s, preferred_s - 1000);
	prefix(PREFIX, 9000, 300);
	assert_int_equal(only("temporary")->valid_s, 9000);
	assert_int_equal(only("temporary")->preferred_s, 300);
}

static void test_8981_3_8_successor_comes_before_the_preferred_lifetime_ends(void **state)
{
	const struct found *f;
	struct ip_addr first;

	(void)state;
	bed_set(&b, "net.ipv6.conf.all.use_tempaddr", "2");
	prefix(PREFIX, UINT32_MAX, UINT32_MAX);
	first = only("temporary")->prefix.addr;
	bed_run(&b, (only("temporary")->preferred_s - 6) * S);
	assert_int_equal(addrs("temporary")->count, 1);
	bed_run(&b, 3 * S);
	f = addrs("temporary");
	assert_int_equal(f->count, 2);
	assert_memory_not_equal(f->info[1].prefix.addr.b, first.b, 16);
	assert_string_equal(f->info[0].state, "preferred");
	bed_run(&b, 10 * S);
	assert_string_equal(addrs("temporary")->info[0].state, "deprecated");
	/* two days on, the first is gone, and there are never more than a few */
	bed_run(&b, 172800 * S);
	f = addrs("temporary");
	assert_in_range(f->count, 2, 4);
	assert_memory_not_equal(f->info[0].prefix.addr.b, first.b, 16);
}

/* The socket's word counts, not the tunable's, and only as long as no address was bound. */
static void test_5014_4_socket_may_prefer_public_or_temporary_addresses(void **state)
{
	static const struct {
		const char *use_tempaddr;
		int prefs; /* IPV6_PREFER_SRC_TMP, _PUBLIC */
		const char *origin;
	} cases[] = { { "2", 0, "temporary" }, { "2", 2, "slaac" }, { "1", 0, "slaac" }, { "1", 1, "temporary" } };
	struct ip_endpoint remote = bed_endpoint("2001:db8:ffff::1", 80), local;

	(void)state;
	bed_set(&b, "net.ipv6.conf.all.use_tempaddr", "2");
	prefix(PREFIX, 2592000, 604800);
	bed_run(&b, 5 * S);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);

		bed_set(&b, "net.ipv6.conf.all.use_tempaddr", cases[i].use_tempaddr);
		assert_int_equal(sock_setopt(s, IPPROTO_IPV6, 72, &cases[i].prefs, sizeof(int), b.now_us), 0);
		assert_int_equal(sock_connect(s, &remote, b.now_us), 0);
		assert_int_equal(sock_getname(s, &local), 0);
		assert_memory_equal(&local.addr, &only(cases[i].origin)->prefix.addr, sizeof(local.addr));
		sock_close(s, b.now_us);
	}
}

static void test_8981_3_6_prefix_too_short_lived_for_one_gets_none(void **state)
{
	(void)state;
	bed_set(&b, "net.ipv6.conf.all.use_tempaddr", "2");
	prefix(PREFIX, 100, 5);
	assert_int_equal(addrs("slaac")->count, 1);
	assert_int_equal(addrs("temporary")->count, 0);
}

static void test_8981_3_4_prefix_that_is_preferred_again_gets_a_temporary_address_again(void **state)
{
	(void)state;
	prefix(PREFIX, 86400, 86400); /* nobody wanted one yet */
	bed_run(&b, 3 * S);
	bed_set(&b, "net.ipv6.conf.all.use_tempaddr", "2");
	prefix(PREFIX, 86400, 86400);
	assert_int_equal(addrs("temporary")->count, 1);
	prefix(PREFIX, 86400, 86400);
	assert_int_equal(addrs("temporary")->count, 1);
	prefix("2001:db8:2::/64", 86400, 0); /* deprecated from its beginning */
	bed_run(&b, 3 * S);
	assert_int_equal(addrs("temporary")->count, 1);
	prefix("2001:db8:2::/64", 86400, 7200);
	assert_int_equal(addrs("temporary")->count, 2);
	/* one whose own time is not over is used again */
	prefix("2001:db8:2::/64", 86400, 20);
	bed_run(&b, 100 * S);
	assert_string_equal(addrs("temporary")->info[1].state, "deprecated");
	prefix("2001:db8:2::/64", 86400, 7200);
	assert_string_equal(addrs("temporary")->info[1].state, "preferred");
}

static void test_8981_3_3_duplicate_temporary_address_is_replaced(void **state)
{
	(void)state;
	bed_set(&b, "net.ipv6.conf.all.use_tempaddr", "2");
	prefix(PREFIX, 86400, 86400);
	conflict(&only("temporary")->prefix.addr);
	assert_int_equal(addrs("temporary")->count, 2);
	assert_string_equal(addrs("temporary")->info[0].state, "duplicate");
	assert_string_equal(addrs("temporary")->info[1].state, "optimistic");
}

static void test_number_of_addresses_is_bounded(void **state)
{
	char p[64];

	(void)state;
	bed_set(&b, "net.ipv6.conf.all.use_tempaddr", "2");
	bed_set(&b, "net.ipv6.conf.all.max_addresses", "6");
	for (unsigned i = 0; i < 20; i++) {
		snprintf(p, sizeof(p), "2001:db8:%x::/64", i);
		prefix(p, 86400, 86400);
	}
	assert_int_equal(addrs("slaac")->count + addrs("temporary")->count, 6);
	assert_true(bed_stat(&b, "nd.drop.addresses_full") >= 17);
}

/* ---- RFC 4862 section 5.4: duplicate detection ---- */

static void test_4862_5_4_tentative_address_is_not_used_without_optimism(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	struct ip_addr a;
	struct ip_endpoint e = { .port = 5000 };
	char addr[IP_ADDR_TEXT_MAX];

	(void)state;
	bed_set(&b, "net.ipv6.conf.all.optimistic_dad", "0");
	prefix(PREFIX, 86400, 86400);
	assert_string_equal(only("slaac")->state, "tentative");
	a = only("slaac")->prefix.addr;
	ip_addr_print(&a, addr);
	bed_drop_all(&b);
	/* not a source */
	bed_send(&b, s, "2001:db8:f::1", 1000, "x", 1);
	assert_true(bed_next(&b, &out));
	assert_memory_equal(out.data + 22, addr_of(BED_ADDR6).b, 16);
	/* not to be bound to, not answered, not advertised */
	e.addr = a;
	assert_int_equal(sock_bind(s, &e), -EINVAL);
	sock_close(s, b.now_us);
	s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	assert_int_equal(sock_bind(s, &e), -EADDRNOTAVAIL);
	bed_inject(&b, buf, packet_ethernet(buf, packet_echo(buf, "2001:db8:f::1", addr, false, 1, 1, NULL, 0), bed_mac, ra_router_mac));
	bed_inject(&b, buf, lan_nd(buf, other_mac, "fe80::77", addr, LAN_NS, 0, addr, other_mac));
	assert_false(bed_next(&b, &out));
	bed_run(&b, 3 * S);
	assert_string_equal(only("slaac")->state, "preferred");
	assert_int_equal(sock_bind(s, &e), 0);
	sock_close(s, b.now_us);
}

/* The frame of our own duplicate detection, as the bed got it. */
static bool next_dad(const char *target)
{
	struct ip_addr t = addr_of(target), any = addr_of("::");

	while (bed_next(&b, &out))
		if (out.len > 78 && out.data[54] == LAN_NS && memcmp(out.data + 62, t.b, 16) == 0 && memcmp(out.data + 22, any.b, 16) == 0)
			return true;
	return false;
}

static void test_7527_4_own_solicitation_that_comes_back_is_known_by_its_nonce(void **state)
{
	struct ip_prefix p;

	(void)state;
	assert_int_equal(ip_prefix_parse("fd00::5/64", &p), 0);
	assert_int_equal(stack_add_addr(b.st, b.ifindex, &p, b.now_us), 0);
	while (!next_dad("fd00::5"))
		bed_run(&b, S / 10);
	assert_int_equal(out.data[78], 14); /* the nonce option */
	assert_int_equal(out.data[79], 1);
	memcpy(out.data + 6, other_mac, 6); /* a bridge that loops, and changes the frame's source */
	bed_inject(&b, out.data, out.len);
	assert_int_equal(bed_stat(&b, "nd.dad_looped"), 1);
	assert_int_equal(bed_stat(&b, "nd.conflicts"), 0);
	out.data[83] ^= 1; /* another nonce: another host */
	packet_fix_checksums(out.data + 14, out.len - 14);
	bed_inject(&b, out.data, out.len);
	assert_int_equal(bed_stat(&b, "nd.conflicts"), 1);
}

static unsigned conflicts_logged;

static void count_conflicts(void *ctx, enum stack_log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	conflicts_logged += strncmp(line, "nd.conflict addr=fd00::1 ", 25) == 0;
}

/* RFC 4862 section 5.4.4: an advertisement for an address that is ours already is a conflict, and no reason to give it up. */
static void test_4862_5_4_4_conflict_over_an_address_in_use_is_said_once(void **state)
{
	const char *own = BED_ADDR6;

	(void)state;
	bed_prepare(&b, 4, LINK_ETHERNET);
	b.config.log = count_conflicts;
	assert_true(bed_start(&b));
	bed_run(&b, 20 * S);
	conflicts_logged = 0;
	for (unsigned i = 0; i < 50; i++)
		bed_inject(&b, buf, lan_nd(buf, other_mac, own, "ff02::1", LAN_NA, LAN_OVERRIDE, own, other_mac));
	assert_int_equal(conflicts_logged, 1);
	assert_int_equal(bed_stat(&b, "nd.conflicts"), 50);
	bed_drop_all(&b);
	bed_inject(&b, buf, packet_ethernet(buf, packet_echo(buf, BED_PEER6, own, false, 1, 1, NULL, 0), bed_mac, bed_peer_mac));
	assert_true(bed_next(&b, &out));
}

static void test_4862_5_4_5_duplicate_link_local_address_stops_ipv6_on_the_link(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);

	(void)state;
	lan_introduce_peer(&b);
	stack_set_link_up(b.st, b.ifindex, false, b.now_us);
	stack_set_link_up(b.st, b.ifindex, true, b.now_us);
	bed_inject(&b, buf, lan_nd(buf, other_mac, OWN_LINKLOCAL, "ff02::1", LAN_NA, LAN_OVERRIDE, OWN_LINKLOCAL, other_mac));
	assert_int_equal(bed_send(&b, s, BED_PEER6, 1000, "x", 1), -ENETUNREACH);
	bed_inject(&b, buf, packet_ethernet(buf, packet_echo(buf, BED_PEER6, BED_ADDR6, false, 1, 1, NULL, 0), bed_mac, bed_peer_mac));
	assert_int_equal(bed_stat(&b, "ip6.drop.disabled"), 1);
	bed_drop_all(&b);
	bed_run(&b, 30 * S);
	while (bed_next(&b, &out))
		assert_int_not_equal(out.data[12], 0x86);
	/* IPv4 goes on */
	bed_inject(&b, buf, lan_arp(buf, bed_mac, bed_peer_mac, LAN_ARP_REQUEST, BED_PEER4, BED_ADDR4));
	assert_true(bed_next(&b, &out));
	/* until the link comes up anew */
	stack_set_link_up(b.st, b.ifindex, false, b.now_us);
	stack_set_link_up(b.st, b.ifindex, true, b.now_us);
	bed_run(&b, 5 * S);
	assert_int_equal(bed_send(&b, s, BED_PEER6, 1000, "x", 1), 0);
	sock_close(s, b.now_us);
}

/* RFC 4429 section 3.2 */
static void test_4429_3_2_no_solicitation_comes_from_an_optimistic_address(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	struct ip_prefix p;
	struct ip_endpoint e = bed_endpoint("fd00::5", 0);

	(void)state;
	assert_int_equal(ip_prefix_parse("fd00::5/64", &p), 0);
	assert_int_equal(stack_add_addr(b.st, b.ifindex, &p, b.now_us), 0);
	bed_drop_all(&b);
	assert_int_equal(sock_bind(s, &e), 0);
	bed_send(&b, s, BED_PEER6, 1000, "x", 1);
	while (bed_next(&b, &out))
		if (out.data[54] == LAN_NS)
			break;
	assert_memory_equal(out.data + 22, addr_of(OWN_LINKLOCAL).b, 16); /* the link's own is checked already */
	assert_int_equal(out.len, 14 + 40 + 32);
	sock_close(s, b.now_us);
}

/* Nothing is checked yet: the packet waits, is not lost, and is not given up while it waits. */
static void test_4429_3_2_packet_waits_until_there_is_a_checked_address_to_ask_from(void **state)
{
	struct sock *s;

	(void)state;
	stack_set_link_up(b.st, b.ifindex, false, b.now_us);
	stack_set_link_up(b.st, b.ifindex, true, b.now_us);
	s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	bed_drop_all(&b);
	assert_int_equal(bed_send(&b, s, BED_PEER6, 1000, "x", 1), 0);
	bed_run(&b, S * 9 / 10);
	while (bed_next(&b, &out))
		assert_false(out.data[54] == LAN_NS && memcmp(out.data + 22, addr_of("::").b, 16) != 0);
	assert_string_equal(lan_neigh_state(&b, BED_PEER6), "incomplete");
	bed_run(&b, S * 12 / 10);
	while (bed_next(&b, &out))
		if (out.data[54] == LAN_NS && memcmp(out.data + 62, addr_of(BED_PEER6).b, 16) == 0)
			break;
	assert_int_equal(out.data[54], LAN_NS);
	assert_int_equal(out.data[78], 1);
	bed_inject(&b, buf, lan_nd(buf, bed_peer_mac, BED_PEER6, BED_ADDR6, LAN_NA, LAN_SOLICITED | LAN_OVERRIDE, BED_PEER6, bed_peer_mac));
	while (bed_next(&b, &out))
		if (lan_is_ip(&out, bed_peer_mac))
			break;
	assert_true(lan_is_ip(&out, bed_peer_mac));
	sock_close(s, b.now_us);
}

/* RFC 4429 section 3.1: as if it were deprecated. */
static void test_4429_3_1_optimistic_address_is_a_source_only_if_there_is_no_other(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	struct ip_prefix p;

	(void)state;
	prefix(PREFIX, 86400, 86400);
	bed_drop_all(&b);
	bed_send(&b, s, "2001:db8:f::1", 1000, "x", 1); /* fd00::1 is of another label, but checked */
	assert_true(bed_next(&b, &out));
	assert_memory_equal(out.data + 22, addr_of(BED_ADDR6).b, 16);
	bed_run(&b, 3 * S);
	bed_drop_all(&b);
	bed_send(&b, s, "2001:db8:f::1", 1000, "x", 1);
	assert_true(bed_next(&b, &out));
	assert_memory_equal(out.data + 22, addr_of("2001:db8:1::").b, 8);
	/* and the longest prefix counts only then, too */
	assert_int_equal(ip_prefix_parse("2001:db8:f:1::5/64", &p), 0);
	assert_int_equal(stack_add_addr(b.st, b.ifindex, &p, b.now_us), 0);
	bed_send(&b, s, "2001:db8:f::1", 1000, "x", 1);
	while (bed_next(&b, &out))
		if (lan_is_ip(&out, ra_router_mac))
			assert_memory_equal(out.data + 22, addr_of("2001:db8:1::").b, 8);
	bed_run(&b, 3 * S);
	bed_drop_all(&b);
	bed_send(&b, s, "2001:db8:f::1", 1000, "x", 1);
	assert_true(bed_next(&b, &out));
	assert_memory_equal(out.data + 22, p.addr.b, 16);
	sock_close(s, b.now_us);
}

/* ---- RFC 7527 ---- */

static bool addr_is(const char *addr, const char *origin, const char *state)
{
	const struct found *f = addrs(origin);

	for (unsigned i = 0; i < f->count; i++)
		if (strcmp(text(&f->info[i].prefix.addr), addr) == 0)
			return strcmp(f->info[i].state, state) == 0;
	return false;
}

static void test_7527_4_1_check_is_prolonged_while_solicitations_come_back(void **state)
{
	struct ip_prefix p;
	uint8_t last[6] = { 0 };
	unsigned sent = 0;

	(void)state;
	assert_int_equal(ip_prefix_parse("fd00::5/64", &p), 0);
	assert_int_equal(stack_add_addr(b.st, b.ifindex, &p, b.now_us), 0);
	for (unsigned i = 0; i < 70; i++) { /* seven seconds: one and twice three of them come back, the next three don't */
		while (next_dad("fd00::5")) {
			assert_memory_not_equal(out.data + 80, last, 6); /* another nonce each time */
			memcpy(last, out.data + 80, 6);
			if (++sent <= 7)
				bed_inject(&b, out.data, out.len); /* with our own source, too */
		}
		bed_run(&b, S / 10);
	}
	assert_int_equal(bed_stat(&b, "nd.conflicts"), 0);
	bed_run(&b, 10 * S);
	while (next_dad("fd00::5"))
		sent++;
	assert_int_equal(sent, 10);
	assert_int_equal(bed_stat(&b, "nd.dad_looped"), 7);
	assert_true(addr_is("fd00::5", "static", "preferred"));
}

static void test_7527_network_that_always_sends_everything_back_is_used_all_the_same(void **state)
{
	struct ip_prefix p;

	(void)state;
	assert_int_equal(ip_prefix_parse("fd00::5/64", &p), 0);
	assert_int_equal(stack_add_addr(b.st, b.ifindex, &p, b.now_us), 0);
	for (unsigned i = 0; i < 150; i++) {
		while (next_dad("fd00::5"))
			bed_inject(&b, out.data, out.len);
		bed_run(&b, S / 10);
	}
	assert_int_equal(bed_stat(&b, "nd.dad_looped"), 10);
	assert_true(addr_is("fd00::5", "static", "preferred"));
}

/* ---- Another host with our link address ---- */

static void test_4862_5_4_host_with_our_own_link_address_is_noticed(void **state)
{
	(void)state;
	stack_set_link_up(b.st, b.ifindex, false, b.now_us);
	stack_set_link_up(b.st, b.ifindex, true, b.now_us);
	/* it checks the address that follows from that, as we do, and knows no nonces */
	bed_inject(&b, buf, lan_nd(buf, bed_mac, "::", "ff02::1:ff00:1", LAN_NS, 0, OWN_LINKLOCAL, NULL));
	assert_int_equal(bed_stat(&b, "nd.conflicts"), 1);
	assert_string_equal(only("linklocal")->state, "duplicate");
}

static void test_4862_5_4_host_with_our_own_link_address_that_was_first_defends_it(void **state)
{
	(void)state;
	stack_set_link_up(b.st, b.ifindex, false, b.now_us);
	stack_set_link_up(b.st, b.ifindex, true, b.now_us);
	bed_inject(&b, buf, lan_nd(buf, bed_mac, OWN_LINKLOCAL, "ff02::1", LAN_NA, LAN_OVERRIDE, OWN_LINKLOCAL, bed_mac));
	assert_int_equal(bed_stat(&b, "nd.conflicts"), 1);
	assert_string_equal(only("linklocal")->state, "duplicate");
}

static void test_own_frames_that_come_back_are_no_conflict_and_teach_nothing(void **state)
{
	static const char *const neighbour = "fe80::77";

	(void)state;
	bed_inject(&b, buf, lan_nd(buf, bed_mac, BED_ADDR6, "ff02::1", LAN_NA, LAN_OVERRIDE, BED_ADDR6, bed_mac));
	bed_inject(&b, buf, lan_nd(buf, bed_mac, BED_ADDR6, "ff02::1:ff00:1", LAN_NS, 0, BED_ADDR6, bed_mac));
	bed_inject(&b, buf, lan_nd(buf, bed_mac, neighbour, "ff02::1:ff00:1", LAN_NS, 0, BED_ADDR6, bed_mac));
	bed_inject(&b, buf, lan_nd(buf, bed_mac, neighbour, "ff02::1", LAN_NA, LAN_OVERRIDE, neighbour, bed_mac));
	assert_int_equal(bed_stat(&b, "nd.drop.source"), 4);
	assert_int_equal(bed_stat(&b, "nd.conflicts"), 0);
	assert_string_equal(lan_neigh_state(&b, neighbour), "");
	/* everything else from it is none of ours to hear; and without nonces nothing is */
	bed_inject(&b, buf, packet_ethernet(buf, packet_echo(buf, BED_PEER6, BED_ADDR6, false, 1, 1, NULL, 0), bed_mac, bed_mac));
	bed_set(&b, "net.ipv6.conf.all.enhanced_dad", "0");
	bed_inject(&b, buf, lan_nd(buf, bed_mac, BED_ADDR6, "ff02::1", LAN_NA, LAN_OVERRIDE, BED_ADDR6, bed_mac));
	assert_int_equal(bed_stat(&b, "eth.drop.source"), 2);
	assert_false(bed_next(&b, &out));
}

/* ---- RFC 9131 ---- */

/* Whether @p advertises @addr to all routers, unasked, without overriding. */
static bool is_announcement(const struct bed_packet *p, const char *addr)
{
	return lan_is_nd(p, (const uint8_t[]){ 0x33, 0x33, 0, 0, 0, 2 }, addr, "ff02::2", LAN_NA, 0, addr, true);
}

static void test_9131_5_1_routers_are_told_of_a_new_address_twice(void **state)
{
	struct ip_prefix p;
	uint64_t first_us = 0, last_us = 0;
	unsigned seen = 0;

	(void)state;
	assert_int_equal(ip_prefix_parse("fd00::5/64", &p), 0);
	assert_int_equal(stack_add_addr(b.st, b.ifindex, &p, b.now_us), 0);
	bed_run(&b, 5 * S);
	while (bed_next(&b, &out)) {
		if (!is_announcement(&out, "fd00::5"))
			continue;
		seen++;
		first_us = first_us ? first_us : out.at_us;
		last_us = out.at_us;
	}
	assert_int_equal(seen, 2);
	assert_true(last_us - first_us >= S); /* RetransTimer */
	/* a link-local address concerns no router */
	assert_int_equal(ip_prefix_parse("fe80::5/64", &p), 0);
	assert_int_equal(stack_add_addr(b.st, b.ifindex, &p, b.now_us), 0);
	bed_run(&b, 5 * S);
	while (bed_next(&b, &out))
		assert_false(is_announcement(&out, "fe80::5"));
	bed_set(&b, "net.ipv6.conf.all.ndisc_notify", "0");
	assert_int_equal(ip_prefix_parse("fd00::6/64", &p), 0);
	assert_int_equal(stack_add_addr(b.st, b.ifindex, &p, b.now_us), 0);
	bed_run(&b, 5 * S);
	while (bed_next(&b, &out))
		assert_false(is_announcement(&out, "fd00::6"));
}

static void test_9131_5_1_without_optimism_routers_are_told_once_it_is_checked(void **state)
{
	struct ip_prefix p;
	unsigned seen = 0;

	(void)state;
	bed_set(&b, "net.ipv6.conf.all.optimistic_dad", "0");
	bed_set(&b, "net.ipv6.conf.all.optimistic_static", "0");
	assert_int_equal(ip_prefix_parse("fd00::5/64", &p), 0);
	assert_int_equal(stack_add_addr(b.st, b.ifindex, &p, b.now_us), 0);
	bed_run(&b, S);
	while (bed_next(&b, &out))
		assert_false(is_announcement(&out, "fd00::5"));
	bed_run(&b, 2 * S);
	while (bed_next(&b, &out))
		seen += is_announcement(&out, "fd00::5");
	assert_int_equal(seen, 1);
}

static void test_link_that_comes_up_on_another_network_prefers_its_addresses(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);

	(void)state;
	prefix("2001:db8:1::/64", 86400, 86400);
	bed_run(&b, 3 * S);
	stack_set_link_up(b.st, b.ifindex, false, b.now_us);
	stack_set_link_up(b.st, b.ifindex, true, b.now_us);
	bed_run(&b, 5 * S);
	assert_string_equal(only("slaac")->state, "deprecated");
	ra_begin(&ra, "fe80::aa", 1800); /* another router, another prefix */
	ra.mac = other_mac;
	ra_add_mac(&ra, 1, other_mac);
	ra_add_prefix(&ra, "2001:db8:2::/64", RA_ON_LINK | RA_AUTO, 86400, 86400);
	ra_send(&b, &ra);
	bed_run(&b, 3 * S);
	/* the old router is silent, and left after three questions */
	for (unsigned i = 0; i < 2; i++) {
		bed_drop_all(&b);
		bed_send(&b, s, "2001:db8:f::1", 1000, "x", 1);
		if (i == 0)
			bed_run(&b, 4 * S);
	}
	while (bed_next(&b, &out))
		if (lan_is_ip(&out, other_mac))
			break;
	assert_true(lan_is_ip(&out, other_mac));
	assert_memory_equal(out.data + 22, addr_of("2001:db8:2::").b, 8);
	/* back on the first, it is preferred again */
	prefix("2001:db8:1::/64", 86400, 86400);
	assert_string_equal(addrs("slaac")->info[0].state, "preferred");
	sock_close(s, b.now_us);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_4862_5_5_3_prefix_with_the_autonomous_flag_gives_an_address_that_is_checked),
		TEST(test_4862_5_5_3_prefixes_that_make_no_address),
		TEST(test_4862_5_5_3_e_two_hour_rule),
		TEST(test_4862_5_5_4_deprecated_address_serves_old_sockets_and_new_ones_only_if_alone),
		TEST(test_infinite_lifetimes_never_end),
		TEST(test_link_that_comes_up_on_another_network_prefers_its_addresses),
		cmocka_unit_test(test_7217_5_identifier_is_stable_and_depends_on_prefix_link_and_secret),
		TEST(test_4291_appendix_a_identifier_from_the_mac_if_asked_for),
		TEST(test_7217_6_duplicate_gets_another_identifier_three_times),
		TEST(test_8981_temporary_addresses_stand_beside_the_stable_one),
		TEST(test_8981_3_4_router_shortens_but_does_not_lengthen_a_temporary_life),
		TEST(test_8981_3_8_successor_comes_before_the_preferred_lifetime_ends),
		TEST(test_5014_4_socket_may_prefer_public_or_temporary_addresses),
		TEST(test_8981_3_6_prefix_too_short_lived_for_one_gets_none),
		TEST(test_8981_3_4_prefix_that_is_preferred_again_gets_a_temporary_address_again),
		TEST(test_8981_3_3_duplicate_temporary_address_is_replaced),
		TEST(test_number_of_addresses_is_bounded),
		TEST(test_4862_5_4_tentative_address_is_not_used_without_optimism),
		TEST(test_7527_4_own_solicitation_that_comes_back_is_known_by_its_nonce),
		cmocka_unit_test_teardown(test_4862_5_4_4_conflict_over_an_address_in_use_is_said_once, teardown),
		TEST(test_4862_5_4_5_duplicate_link_local_address_stops_ipv6_on_the_link),
		TEST(test_4429_3_1_optimistic_address_is_a_source_only_if_there_is_no_other),
		TEST(test_4429_3_2_no_solicitation_comes_from_an_optimistic_address),
		TEST(test_4429_3_2_packet_waits_until_there_is_a_checked_address_to_ask_from),
		TEST(test_7527_4_1_check_is_prolonged_while_solicitations_come_back),
		TEST(test_7527_network_that_always_sends_everything_back_is_used_all_the_same),
		TEST(test_4862_5_4_host_with_our_own_link_address_is_noticed),
		TEST(test_4862_5_4_host_with_our_own_link_address_that_was_first_defends_it),
		TEST(test_own_frames_that_come_back_are_no_conflict_and_teach_nothing),
		TEST(test_9131_5_1_routers_are_told_of_a_new_address_twice),
		TEST(test_9131_5_1_without_optimism_routers_are_told_once_it_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
