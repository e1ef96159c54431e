/* SPDX-License-Identifier: BSD-2-Clause */
/* test_client_addr_sort.c - destinations in the order of RFC 6724. The first test is its section 10.2, with glibc's policy table. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client-lib/addr_sort.h"

struct pair {
	const char *dst, *source; /* source NULL: there is none */
};

static void put(const char *text, uint8_t addr[16])
{
	memset(addr, 0, 16);
	if (inet_pton(AF_INET, text, addr + 12) == 1)
		addr[10] = addr[11] = 0xff;
	else
		assert_int_equal(inet_pton(AF_INET6, text, addr), 1);
}

static struct sort_addr make(const struct pair *p, size_t index)
{
	struct sort_addr a = { .has_source = p->source, .source_bits = 96 + 24, .index = index };

	put(p->dst, a.dst);
	if (p->source)
		put(p->source, a.source);
	return a;
}

/* By the built-in policy, or @conf_text's. */
static const char *conf_text;

static void sort(struct sort_addr *a, size_t count)
{
	char text[2000];
	FILE *file = NULL;
	struct gai_conf conf;

	if (conf_text) {
		strcpy(text, conf_text);
		file = fmemopen(text, strlen(text), "r");
	}
	gai_conf_read(file, &conf);
	if (file)
		fclose(file);
	addr_sort(a, count, &conf);
}

/* Of two destinations @first goes first, whichever came first. */
static void expect_order(struct pair first, struct pair second)
{
	for (size_t i = 0; i < 2; i++) {
		struct sort_addr a[2];

		a[i] = make(&first, 0);
		a[1 - i] = make(&second, 1);
		sort(a, 2);
		if (a[0].index != 0)
			fail_msg("%s goes before %s", second.dst, first.dst);
	}
}

static void test_the_examples_of_rfc_6724(void **state)
{
	(void)state;
	expect_order((struct pair){ "2001:db8:1::1", "2001:db8:1::2" }, (struct pair){ "198.51.100.121", "169.254.13.78" });
	expect_order((struct pair){ "198.51.100.121", "198.51.100.117" }, (struct pair){ "2001:db8:1::1", "fe80::1" });
	expect_order((struct pair){ "2001:db8:1::1", "2001:db8:1::2" }, (struct pair){ "10.1.2.3", "10.1.2.4" });
	expect_order((struct pair){ "fe80::1", "fe80::2" }, (struct pair){ "2001:db8:1::1", "2001:db8:1::2" });
	expect_order((struct pair){ "2001:db8:1::1", "2001:db8:1::2" }, (struct pair){ "2002:c633:6401::1", "2002:c633:6401::2" });
	expect_order((struct pair){ "2002:c633:6401::1", "2002:c633:6401::2" }, (struct pair){ "2001:db8:1::1", "fe80::2" });
}

static void test_what_cannot_be_reached_goes_last(void **state)
{
	(void)state;
	expect_order((struct pair){ "10.1.2.3", "10.1.2.4" }, (struct pair){ "2001:db8::1", NULL });
	expect_order((struct pair){ "::1", NULL }, (struct pair){ "10.1.2.3", NULL });
}

static void test_the_wildcards_and_loopbacks_come_as_from_glibc(void **state)
{
	(void)state;
	expect_order((struct pair){ "0.0.0.0", "127.0.0.1" }, (struct pair){ "::", "::1" });
	expect_order((struct pair){ "::1", "::1" }, (struct pair){ "127.0.0.1", "127.0.0.1" });
}

static void test_deprecated_sources_are_avoided(void **state)
{
	struct pair pair = { "2001:db8:1::1", "2001:db8:1::2" };
	struct sort_addr a[2] = { make(&pair, 0), make(&pair, 1) };

	(void)state;
	a[0].is_deprecated = true;
	sort(a, 2);
	assert_int_equal(a[0].index, 1);
}

static void test_a_longer_common_prefix_counts_for_ipv4_only_within_the_network(void **state)
{
	struct pair far = { "192.0.2.1", "10.0.0.1" }, farther = { "10.128.0.1", "10.0.0.1" };
	struct sort_addr a[2] = { make(&far, 0), make(&farther, 1) };

	(void)state;
	expect_order((struct pair){ "10.0.0.3", "10.0.0.1" }, (struct pair){ "10.0.0.200", "10.0.0.1" });
	expect_order((struct pair){ "10.0.0.200", "10.0.0.1" }, far);
	sort(a, 2);
	assert_int_equal(a[0].index, 0); /* both are elsewhere: as they came */
	expect_order((struct pair){ "2001:db8:1::5", "2001:db8:1::2" }, (struct pair){ "2001:db8:3ffe::1", "2001:db8:1::2" });
}

static void test_equals_stay_in_their_order(void **state)
{
	struct pair pair = { "192.0.2.1", "10.0.0.1" };
	struct sort_addr a[20];

	(void)state;
	for (size_t i = 0; i < 20; i++)
		a[i] = make(&pair, i);
	sort(a, 20);
	for (size_t i = 0; i < 20; i++)
		assert_int_equal(a[i].index, i);
}

static const struct pair to6 = { "2001:db8:1::1", "2001:db8:1::2" }, to_ula = { "fd00::1", "fd00::2" }, to4 = { "192.0.2.1", "10.0.0.1" };

/* gai.conf(5): Debian's own example, to prefer IPv4. */
static void test_gai_conf_precedences_replace_the_built_in_ones(void **state)
{
	(void)state;
	expect_order(to6, to4);
	expect_order(to_ula, to4);
	conf_text = "# a comment\n  precedence ::ffff:0:0/96  100 # to prefer IPv4\nreload yes\n";
	expect_order(to4, to6);
	expect_order(to4, to_ula);
	conf_text = "precedence fd00::/8 30\nprecedence ::ffff:0:0/96 35\nprecedence ::/0 40\n"; /* as RFC 6724 would have it */
	expect_order(to6, to4);
	expect_order(to4, to_ula);
	expect_order(to6, to_ula);
	conf_text = NULL;
}

static void test_gai_conf_labels_and_scopes(void **state)
{
	struct pair far = { "2001:db8:1::1", "fd00::2" }; /* only a source of another label */

	(void)state;
	expect_order(to4, far);
	conf_text = "label ::1/128 0\nlabel ::/0 1\nlabel ::ffff:0:0/96 4"; /* fc00::/7 is nothing special then; no end of line */
	expect_order(far, to4);
	conf_text = "scopev4 192.0.2.0/24 2\nscopev4 ::ffff:10.0.0.0/104 14\n"; /* rule 2: the source reaches too far */
	expect_order((struct pair){ "198.51.100.1", "10.0.0.1" }, to4);
	conf_text = NULL;
}

static void test_gai_conf_lines_that_make_no_sense_are_passed_over(void **state)
{
	(void)state;
	conf_text = "precedence ::ffff:0:0/129 100\nprecedence ::ffff:0:0/x 100\nprecedence 0.0.0.0/0 100\nprecedence ::/0\n"
		    "precedence ::ffff:0:0/96 -1\nprecedence ::ffff:0:0/96 99999999999\nlabel x 1\nfoo bar 1\n\n";
	expect_order(to6, to4);
	conf_text = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_examples_of_rfc_6724),
		cmocka_unit_test(test_what_cannot_be_reached_goes_last),
		cmocka_unit_test(test_the_wildcards_and_loopbacks_come_as_from_glibc),
		cmocka_unit_test(test_deprecated_sources_are_avoided),
		cmocka_unit_test(test_a_longer_common_prefix_counts_for_ipv4_only_within_the_network),
		cmocka_unit_test(test_gai_conf_precedences_replace_the_built_in_ones),
		cmocka_unit_test(test_gai_conf_labels_and_scopes),
		cmocka_unit_test(test_gai_conf_lines_that_make_no_sense_are_passed_over),
		cmocka_unit_test(test_equals_stay_in_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
