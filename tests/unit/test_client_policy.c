/* SPDX-License-Identifier: BSD-2-Clause */
/* test_client_policy.c - which addresses go to the stack: rules read, and asked. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "client-lib/policy.h"

static struct tapir_addr at(const char *text, uint16_t port)
{
	struct tapir_addr a = { .family = AF_INET6, .port = port };

	if (inet_pton(AF_INET, text, a.addr + 12) == 1) {
		a.family = AF_INET;
		a.addr[10] = a.addr[11] = 0xff;
	} else {
		assert_int_equal(inet_pton(AF_INET6, text, a.addr), 1);
	}
	return a;
}

static struct policy policy(const char *keep, const char *only)
{
	char bad[POLICY_RULE_TEXT_MAX];
	struct policy p = { 0 };

	assert_null(policy_parse_list(keep, &p.keep, bad));
	assert_null(policy_parse_list(only, &p.only, bad));
	return p;
}

static bool is_host(const struct policy *p, const char *addr, uint16_t port)
{
	struct tapir_addr a = at(addr, port);

	return policy_is_host(p, &a);
}

static void test_without_rules_everything_goes_to_the_stack(void **state)
{
	struct policy p = policy("", "");

	(void)state;
	assert_true(policy_is_empty(&p));
	assert_false(is_host(&p, "127.0.0.1", 80));
	assert_false(is_host(&p, "::", 0));
}

static void test_kept_prefixes_stay_on_the_host(void **state)
{
	struct policy p = policy("127.0.0.0/8,192.0.2.128/25,fc00::/7,::1", "");

	(void)state;
	assert_false(policy_is_empty(&p));
	assert_true(is_host(&p, "127.255.0.1", 1));
	assert_false(is_host(&p, "128.0.0.1", 1));
	assert_true(is_host(&p, "192.0.2.129", 1));
	assert_false(is_host(&p, "192.0.2.127", 1));
	assert_true(is_host(&p, "fd77::2", 65535));
	assert_false(is_host(&p, "fe80::2", 65535));
	assert_true(is_host(&p, "::1", 0));
	assert_false(is_host(&p, "::2", 0));
}

static void test_ports_narrow_a_rule(void **state)
{
	struct policy p = policy("10.0.0.0/8:8000-8999,192.0.2.1:53,[fd00::/8]:443,:22", "");

	(void)state;
	assert_true(is_host(&p, "10.1.2.3", 8000));
	assert_true(is_host(&p, "10.1.2.3", 8999));
	assert_false(is_host(&p, "10.1.2.3", 7999));
	assert_false(is_host(&p, "10.1.2.3", 9000));
	assert_true(is_host(&p, "192.0.2.1", 53));
	assert_false(is_host(&p, "192.0.2.1", 54));
	assert_true(is_host(&p, "fd00::1", 443));
	assert_false(is_host(&p, "fd00::1", 444));
	assert_true(is_host(&p, "2001:db8::1", 22));
	assert_true(is_host(&p, "198.51.100.1", 22));
}

static void test_mapped_addresses_are_ipv4(void **state)
{
	struct policy p = policy("10.0.0.0/8", ""), all6 = policy("::/0", ""), all4 = policy("0.0.0.0/0", "");

	(void)state;
	assert_true(is_host(&p, "::ffff:10.0.0.1", 1));
	assert_false(is_host(&all6, "::ffff:10.0.0.1", 1));
	assert_false(is_host(&all6, "10.0.0.1", 1));
	assert_true(is_host(&all6, "2001:db8::1", 1));
	assert_true(is_host(&all4, "10.0.0.1", 1));
	assert_false(is_host(&all4, "2001:db8::1", 1));
}

static void test_only_leaves_the_rest_to_the_host(void **state)
{
	struct policy p = policy("10.9.0.0/16", "10.0.0.0/8");

	(void)state;
	assert_false(is_host(&p, "10.1.0.1", 1));
	assert_true(is_host(&p, "10.9.0.1", 1)); /* keep goes first */
	assert_true(is_host(&p, "192.0.2.1", 1));
	assert_true(is_host(&p, "2001:db8::1", 1));
}

static void test_a_wildcard_bind_goes_to_the_stack_unless_a_rule_has_its_port(void **state)
{
	struct policy keep = policy("127.0.0.0/8,:22", ""), only = policy("", "10.0.0.0/8"), ports = policy("", "10.0.0.0/8:80");

	(void)state;
	assert_false(is_host(&keep, "0.0.0.0", 80));
	assert_false(is_host(&keep, "::", 80));
	assert_true(is_host(&keep, "0.0.0.0", 22));
	assert_true(is_host(&keep, "::", 22));
	assert_false(is_host(&only, "0.0.0.0", 80));
	assert_false(is_host(&only, "::", 0));
	assert_false(is_host(&ports, "0.0.0.0", 80));
	assert_true(is_host(&ports, "0.0.0.0", 443));
}

static void test_bad_rules_say_what_is_wrong(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "", "empty" },		   { "10.0.0", "address" },	     { "10.0.0.0/33", "0 to 32" },
		{ "10.0.0.0/", "0 to 32" },	   { "fd00::/129", "0 to 128" },     { "10.0.0.0/8x", "0 to 32" },
		{ "10.0.0.1/8", "past the length" }, { "10.0.0.0/8:", "port" },	     { "10.0.0.0/8:65536", "port" },
		{ "10.0.0.0/8:80-", "port" },	   { "10.0.0.0/8:90-80", "lower" },  { "10.0.0.0/8:-80", "port" },
		{ "[fd00::/8", "bracket" },	   { "[fd00::/8]80", "bracket" },    { "[fd00::/8]:x", "port" },
		{ "fd00::/8:80", "0 to 128" },	   { "localhost", "address" },	     { "[]:80", "address" },
		{ " 10.0.0.0/8", "address" },	   { ":", "port" },		     { "10.0.0.0/+8", "0 to 32" },
		{ "10.0.0.0/4294967304", "0 to 32" }, { "10.0.0.0/8:80 ", "port" },
	};
	struct policy_rule r;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *why = policy_parse_rule(bad[i].text, &r);

		if (!why || !strstr(why, bad[i].why))
			fail_msg("\"%s\": %s, not %s", bad[i].text, why ? why : "taken", bad[i].why);
	}
}

static void test_a_bad_rule_of_a_list_is_named(void **state)
{
	char bad[POLICY_RULE_TEXT_MAX], text[POLICY_RULES_MAX * 3 + 8] = "";
	struct policy_list list = { .count = 0 };

	(void)state;
	assert_non_null(policy_parse_list("10.0.0.0/8,nonsense,::1", &list, bad));
	assert_string_equal(bad, "nonsense");
	assert_non_null(policy_parse_list("10.0.0.0/8,,::1", &list, bad));
	assert_string_equal(bad, "");
	for (int i = 0; i <= POLICY_RULES_MAX; i++)
		strcat(text, ":1,");
	list.count = 0;
	assert_non_null(strstr(policy_parse_list(text, &list, bad), "64"));
	assert_int_equal(list.count, POLICY_RULES_MAX);
	memset(text, '1', sizeof(text) - 1);
	list.count = 0;
	assert_non_null(strstr(policy_parse_list(text, &list, bad), "long"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_rules_everything_goes_to_the_stack),
		cmocka_unit_test(test_kept_prefixes_stay_on_the_host),
		cmocka_unit_test(test_ports_narrow_a_rule),
		cmocka_unit_test(test_mapped_addresses_are_ipv4),
		cmocka_unit_test(test_only_leaves_the_rest_to_the_host),
		cmocka_unit_test(test_a_wildcard_bind_goes_to_the_stack_unless_a_rule_has_its_port),
		cmocka_unit_test(test_bad_rules_say_what_is_wrong),
		cmocka_unit_test(test_a_bad_rule_of_a_list_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
