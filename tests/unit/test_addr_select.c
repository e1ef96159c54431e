/* SPDX-License-Identifier: BSD-2-Clause */
/* Source and destination address selection: the worked examples of RFC 6724 section 10, and each rule by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "stack/addr_select.h"
#include "stack/core.h"
#include "tests/lib/bed.h"

static const struct addr_policy_table *default_policy(void)
{
	static struct addr_policy_table t;

	addr_policy_init(&t);
	return &t;
}

/* A source: "ADDR/LEN" and, after it, flags: d deprecated, t temporary, o of another link, n of a prefix that the
 * next hop told, a of one that only another router did. */
static struct addr_source source(const char *text)
{
	struct addr_source s = { .is_on_link = true };
	struct ip_prefix p;
	char buf[80];
	char *flags;

	strcpy(buf, text);
	flags = strchr(buf, ' ');
	if (flags)
		*flags++ = 0;
	assert_int_equal(ip_prefix_parse(buf, &p), 0);
	s.addr = p.addr;
	s.prefix_len = p.len;
	s.is_deprecated = flags && strchr(flags, 'd');
	s.is_temporary = flags && strchr(flags, 't');
	s.is_of_next_hop = flags && strchr(flags, 'n');
	s.is_of_another = flags && strchr(flags, 'a');
	s.is_on_link = !(flags && strchr(flags, 'o'));
	return s;
}

static void prefers_of(const char *dst, bool prefers_temporary, const char *better, const char *worse)
{
	struct addr_source_query q = { .policy = default_policy(), .dst = addr_of(dst), .next_hop = addr_of(dst), .prefers_temporary = prefers_temporary };
	struct addr_source a = source(better), b = source(worse);

	if (!addr_source_is_better(&a, &b, &q) || addr_source_is_better(&b, &a, &q))
		fail_msg("to %s: %s should come before %s", dst, better, worse);
}

static void prefers(const char *dst, const char *better, const char *worse)
{
	prefers_of(dst, false, better, worse);
}

/* RFC 6724 section 10.1 */
static void test_6724_10_1_default_source_address_selection(void **state)
{
	(void)state;
	prefers("2001:db8:1::1", "2001:db8:3::1/64", "fe80::1/64");
	prefers("ff05::1", "2001:db8:3::1/64", "fe80::1/64");
	prefers("2001:db8:1::1", "2001:db8:1::1/64 d", "2001:db8:2::1/64");
	prefers("fe80::1", "fe80::2/64 d", "2001:db8:1::1/64");
	prefers("2001:db8:1::1", "2001:db8:1::2/64", "2001:db8:3::2/64");
	prefers_of("2001:db8:1::1", true, "2001:db8:1::5678/64 t", "2001:db8:1::d5e3:0/64");
	prefers_of("2001:db8:1::1", false, "2001:db8:1::d5e3:0/64", "2001:db8:1::5678/64 t");
	prefers("2002:c633:6401::1", "2002:c633:6401::d5e3:7953:13eb:22e8/64", "2001:db8:1::2/64");
	prefers_of("2002:c633:6401::d5e3:0:0:1", true, "2002:c633:6401:d5e3::2/64 t", "2002:c633:6401:d5e3::1/64");
}

static void test_6724_5_rules_in_their_order(void **state)
{
	(void)state;
	prefers("2001:db8:1::1", "2001:db8:9::1/64", "2001:db8:1::2/64 d");  /* 3 before 8 */
	prefers("2001:db8:1::1", "2001:db8:9::1/64", "2001:db8:1::2/64 o");  /* 5 before 8 */
	prefers("2001:db8:1::1", "2001:db8:9::1/64 n", "2001:db8:1::2/64 a"); /* 5.5 before 8 */
	prefers("2001:db8:1::1", "fd00::1/64 n", "2001:db8:1::2/64 a");	     /* and 6 */
	prefers("2001:db8:1::1", "2001:db8:1::2/64", "2001:db8:9::1/64 n");  /* not against one that no router told of */
	prefers("2001:db8:1::1", "2001:db8:9::1/64", "fd00::1/64");	     /* 6 */
	prefers("fd01::1", "fd00::1/64", "2001:db8:9::1/64");
	prefers_of("fd01::1", true, "fd00::1/64", "2001:db8:9::1/64 t");     /* 6 before 7 */
	prefers("10.9.3.4", "10.9.0.1/16", "10.0.0.1/24");		     /* IPv4: the next hop's network */
	prefers("169.254.7.7", "169.254.1.1/16", "10.0.0.1/24");	     /* 2 */
}

/* A destination and the source that goes with it; NULL: it cannot be reached. */
static struct addr_destination destination(const char *dst, const char *src)
{
	struct addr_destination d = { .dst = addr_of(dst), .is_usable = src != NULL };
	struct addr_source s;

	if (!src)
		return d;
	s = source(src);
	d.src = s.addr;
	d.src_prefix_len = s.prefix_len;
	d.src_is_deprecated = s.is_deprecated;
	return d;
}

static void orders(const char *first, const char *first_src, const char *second, const char *second_src)
{
	struct addr_destination forward[2] = { destination(first, first_src), destination(second, second_src) };
	struct addr_destination backward[2] = { forward[1], forward[0] };
	struct ip_addr last = addr_of(second);

	addr_order_destinations(default_policy(), forward, 2);
	addr_order_destinations(default_policy(), backward, 2);
	if (!ip_addr_eq(&forward[0].dst, &backward[0].dst))
		fail_msg("%s and %s: the order depends on how they came", first, second);
	if (!ip_addr_eq(&forward[1].dst, &last))
		fail_msg("%s should come before %s", first, second);
}

/* RFC 6724 section 10.2 */
static void test_6724_10_2_default_destination_address_selection(void **state)
{
	(void)state;
	orders("2001:db8:1::1", "2001:db8:1::2/64", "198.51.100.121", "169.254.13.78/16");
	orders("198.51.100.121", "198.51.100.117/24", "2001:db8:1::1", "fe80::1/64");
	orders("2001:db8:1::1", "2001:db8:1::2/64", "10.1.2.3", "10.1.2.4/24");
	orders("fe80::1", "fe80::2/64", "2001:db8:1::1", "2001:db8:1::2/64");
	orders("fe80::1", "fe80::2/64", "2001:db8:1::1", "2001:db8:3f44::2/64 d");
	orders("2001:db8:1::1", "2001:db8:1::2/64", "2001:db8:3ffe::1", "2001:db8:3f44::2/64");
	orders("2002:c633:6401::1", "2002:c633:6401::2/64", "2001:db8:1::1", "fe80::2/64");
	orders("2001:db8:1::1", "2001:db8:1::2/64", "2002:c633:6401::1", "2002:c633:6401::2/64");
}

static void test_6724_6_rules_in_their_order(void **state)
{
	(void)state;
	orders("198.51.100.121", "10.0.0.1/24", "2001:db8:1::1", NULL);			 /* 1 */
	orders("2001:db8:1::1", "2001:db8:1::2/64", "fd00::1", "2001:db8:1::2/64");	 /* 5 */
	orders("2001:db8:1::1", "2001:db8:1::2/64", "fd00::1", "fd00::2/64");		 /* 6 */
	orders("198.51.100.1", "10.0.0.1/24", "fd00::1", "2001:db8:1::2/64");		 /* 5: a label that matches */
}

/* Rule 10: as they came. */
static void test_6724_6_equals_keep_their_order(void **state)
{
	struct addr_destination d[4] = {
		destination("198.51.100.3", "10.0.0.1/8"), destination("198.51.100.1", NULL),
		destination("198.51.100.2", "10.0.0.1/8"), destination("198.51.100.4", NULL),
	};

	(void)state;
	addr_order_destinations(default_policy(), d, 4);
	assert_int_equal(d[0].dst.b[15], 3);
	assert_int_equal(d[1].dst.b[15], 2);
	assert_int_equal(d[2].dst.b[15], 1);
	assert_int_equal(d[3].dst.b[15], 4);
}

/* RFC 6724 section 2.1 */
static void test_6724_2_1_default_policy_table(void **state)
{
	static const struct {
		const char *addr;
		uint8_t precedence, label;
	} rows[] = {
		{ "::1", 50, 0 },	{ "2400::1", 40, 1 },	   { "192.0.2.1", 35, 4 }, { "2002::1", 30, 2 }, { "2001::1", 5, 5 },
		{ "2001:db8::1", 40, 1 }, { "fd12::1", 3, 13 }, { "::192.0.2.1", 1, 3 }, { "fec0::1", 1, 11 }, { "3ffe::1", 1, 12 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip_addr a = addr_of(rows[i].addr);
		struct addr_policy p = addr_policy_of(default_policy(), &a);

		if (p.precedence != rows[i].precedence || p.label != rows[i].label)
			fail_msg("%s: precedence %u, label %u", rows[i].addr, p.precedence, p.label);
	}
}

static const char *policy(struct bed *b, const char *prefix)
{
	static char value[64];
	char name[64];

	snprintf(name, sizeof(name), "net.ipv6.policy.%s", prefix);
	assert_int_equal(stack_get(b->st, name, value, sizeof(value)), 0);
	return value;
}

static int set_policy(struct bed *b, const char *prefix, const char *value)
{
	char name[64];

	snprintf(name, sizeof(name), "net.ipv6.policy.%s", prefix);
	return stack_set(b->st, name, value, NULL);
}

static bool count_rows(void *ctx, const char *name, const char *value, const char *text)
{
	unsigned *n = ctx;

	(void)text;
	*n += strncmp(name, "net.ipv6.policy.", 16) == 0;
	if (strcmp(name, "net.ipv6.policy.::ffff:0:0/96") == 0)
		assert_string_equal(value, "35 4");
	return true;
}

/* RFC 6724 sections 2.1, 10.3: a policy is the operator's to set. */
static void test_6724_10_3_policy_table_is_configurable(void **state)
{
	struct ip_endpoint to[2] = { bed_endpoint("10.0.0.77", 80), bed_endpoint("fd00::77", 80) };
	struct ip_addr special = addr_of("10.0.0.77"), other = addr_of("10.1.0.77");
	unsigned rows = 0;
	struct bed b;

	(void)state;
	bed_open(&b, 1, LINK_IP);
	stack_each_tunable(b.st, count_rows, &rows);
	assert_int_equal(rows, 9);
	assert_string_equal(policy(&b, "::/0"), "40 1");
	assert_string_equal(policy(&b, "2001:db8::/32"), "none");
	stack_order_destinations(b.st, to, 2, b.now_us);
	assert_int_equal(ip_addr_family(&to[0].addr), AF_INET);
	assert_int_equal(set_policy(&b, "fd00::/8", "100 77"), 0); /* IPv6 of our own network first */
	assert_string_equal(policy(&b, "fd00::/8"), "100 77");
	stack_order_destinations(b.st, to, 2, b.now_us);
	assert_int_equal(ip_addr_family(&to[0].addr), AF_INET6);
	assert_int_equal(set_policy(&b, "10.0.0.0/16", "101 4"), 0); /* a longer prefix, of IPv4 */
	assert_int_equal(addr_policy_of(&b.st->addr_policy, &special).precedence, 101);
	assert_int_equal(addr_policy_of(&b.st->addr_policy, &other).precedence, 35);
	assert_int_equal(set_policy(&b, "10.0.0.0/16", "none"), 0);
	assert_int_equal(set_policy(&b, "10.0.0.0/16", "none"), 0);
	assert_int_equal(set_policy(&b, "::ffff:0:0/96", "120 4"), 0); /* IPv4 first */
	assert_string_equal(policy(&b, "0.0.0.0/0"), "120 4");
	stack_order_destinations(b.st, to, 2, b.now_us);
	assert_int_equal(ip_addr_family(&to[0].addr), AF_INET);
	/* what makes no sense */
	assert_int_equal(set_policy(&b, "::/0", "none"), -EINVAL);
	assert_int_equal(set_policy(&b, "fd00::/8", "256 1"), -EINVAL);
	assert_int_equal(set_policy(&b, "fd00::/8", "40"), -EINVAL);
	assert_int_equal(set_policy(&b, "fd00::/8", "40 1 1"), -EINVAL);
	assert_int_equal(set_policy(&b, "fd00::/129", "40 1"), -ENOENT);
	assert_int_equal(set_policy(&b, "10.0.0.0/33", "40 1"), -ENOENT);
	assert_int_equal(set_policy(&b, "fd00::", "40 1"), -ENOENT);
	assert_int_equal(set_policy(&b, "x/8", "40 1"), -ENOENT);
	for (unsigned i = 0; i < 64 - 10; i++) {
		char prefix[32];

		snprintf(prefix, sizeof(prefix), "2001:db8:%x::/48", i);
		assert_int_equal(set_policy(&b, prefix, "1 1"), 0);
	}
	assert_int_equal(set_policy(&b, "2001:db8:ffff::/48", "1 1"), -EINVAL); /* full */
	bed_close(&b);
}

/* The stack's own view: routes and sources decide. */
static void test_stack_orders_destinations_by_what_it_can_reach(void **state)
{
	struct ip_endpoint to[3] = { bed_endpoint("2001:db8::1", 80), bed_endpoint("10.0.0.77", 80), bed_endpoint("fd00::77", 80) };
	struct bed b;

	(void)state;
	bed_open(&b, 1, LINK_IP);
	stack_order_destinations(b.st, to, 3, b.now_us);
	assert_int_equal(ip_addr_family(&to[0].addr), AF_INET); /* precedence 35 against 3 of fc00::/7 */
	assert_int_equal(to[1].addr.b[0], 0xfd);
	assert_int_equal(to[2].addr.b[0], 0x20);
	assert_int_equal(to[2].port, 80);
	bed_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_6724_10_1_default_source_address_selection),
		cmocka_unit_test(test_6724_5_rules_in_their_order),
		cmocka_unit_test(test_6724_10_2_default_destination_address_selection),
		cmocka_unit_test(test_6724_6_rules_in_their_order),
		cmocka_unit_test(test_6724_6_equals_keep_their_order),
		cmocka_unit_test(test_6724_2_1_default_policy_table),
		cmocka_unit_test(test_6724_10_3_policy_table_is_configurable),
		cmocka_unit_test(test_stack_orders_destinations_by_what_it_can_reach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
