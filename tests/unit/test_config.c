/* SPDX-License-Identifier: BSD-2-Clause */
/* test_config.c - tapird's flags and configuration file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/config.h"

static struct config config;
static char error[CONFIG_ERROR_MAX];
static char path[64];

#define LOAD(...) load((const char *[]){ "tapird", "--config", path, __VA_ARGS__, NULL })

static enum config_result load(const char *const *words)
{
	char *argv[32];
	int argc = 0;
	enum config_result r;

	while (words[argc]) {
		argv[argc] = strdup(words[argc]);
		argc++;
	}
	argv[argc] = NULL;
	error[0] = '\0';
	r = config_load(&config, argc, argv, error);
	while (argc)
		free(argv[--argc]);
	return r;
}

static void write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* Every test has an empty file of its own, so that the machine's is never read. */
static int make_file(void **state)
{
	int fd;

	(void)state;
	strcpy(path, "/tmp/tapir-test-config-XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static void assert_error_has(const char *words)
{
	if (!strstr(error, words))
		fail_msg("\"%s\" does not say \"%s\"", error, words);
}

static void test_defaults_are_what_help_says(void **state)
{
	(void)state;
	assert_int_equal(LOAD(NULL), CONFIG_RUN);
	assert_string_equal(config.name, "default");
	assert_string_equal(config.links[0].tap, "tap0");
	assert_string_equal(config.socket, "/run/tapir/default.sock");
	assert_true(config.links[0].offload);
	assert_int_equal(config.links[0].mtu, 0);
	assert_int_equal(config.links[0].addr_count, 0);
	assert_int_equal(config.log_level, LOG_LEVEL_INFO);
	assert_int_equal(config.user_sockets_max, 0);
}

static void test_flags_take_their_value_in_both_forms(void **state)
{
	(void)state;
	assert_int_equal(LOAD("--name=web", "--tap", "tap7", "--addr=10.77.0.2/24", "--addr", "fd77::2/64", "--gateway", "10.77.0.1",
			      "--mtu=9000", "--offload", "off", "--mac=02:00:5e:10:00:fe"),
			 CONFIG_RUN);
	assert_string_equal(config.name, "web");
	assert_string_equal(config.links[0].tap, "tap7");
	assert_string_equal(config.socket, "/run/tapir/web.sock");
	assert_int_equal(config.links[0].addr_count, 2);
	assert_int_equal(config.links[0].addrs[0].len, 96 + 24);
	assert_int_equal(config.links[0].addrs[1].len, 64);
	assert_int_equal(config.links[0].gateway_count, 1);
	assert_int_equal(config.links[0].mtu, 9000);
	assert_false(config.links[0].offload);
	assert_true(config.links[0].has_mac);
	assert_memory_equal(config.links[0].mac, "\x02\x00\x5e\x10\x00\xfe", 6);
}

static void test_the_file_has_the_keys_of_the_flags(void **state)
{
	(void)state;
	write_file("# a comment\n[tapird]\nname = web\naddr = 10.77.0.2/24\naddr = fd77::2/64\nset = net.ipv4.tcp_sack=0\n"
		   "host-addr = 10.77.0.1/24 ; and another\nlog-level = debug\n");
	assert_int_equal(LOAD(NULL), CONFIG_RUN);
	assert_string_equal(config.name, "web");
	assert_int_equal(config.links[0].addr_count, 2);
	assert_int_equal(config.links[0].host_addr_count, 1);
	assert_int_equal(config.setting_count, 1);
	assert_string_equal(config.settings[0].name, "net.ipv4.tcp_sack");
	assert_string_equal(config.settings[0].value, "0");
	assert_int_equal(config.log_level, LOG_LEVEL_DEBUG);
}

static void test_a_flag_wins_over_the_file(void **state)
{
	(void)state;
	write_file("name = file\nmtu = 1400\n");
	assert_int_equal(LOAD("--name", "flag"), CONFIG_RUN);
	assert_string_equal(config.name, "flag");
	assert_int_equal(config.links[0].mtu, 1400);
}

static void test_a_repeated_flag_replaces_the_list_of_the_file(void **state)
{
	char text[IP_PREFIX_TEXT_MAX];

	(void)state;
	write_file("addr = 10.1.0.2/24\naddr = 10.2.0.2/24\n");
	assert_int_equal(LOAD("--addr", "10.3.0.2/24", "--addr", "10.4.0.2/24"), CONFIG_RUN);
	assert_int_equal(config.links[0].addr_count, 2);
	assert_string_equal(ip_prefix_print(&config.links[0].addrs[0], text), "10.3.0.2/24");
	assert_string_equal(ip_prefix_print(&config.links[0].addrs[1], text), "10.4.0.2/24");
}

static void test_a_setting_remembers_where_it_was_said(void **state)
{
	char where[128];

	(void)state;
	write_file("\n\nset = a=1\n");
	assert_int_equal(LOAD(NULL), CONFIG_RUN);
	snprintf(where, sizeof(where), "%s:3: ", path);
	assert_string_equal(config.settings[0].where, where);
	assert_int_equal(LOAD("--set", "a=1"), CONFIG_RUN);
	assert_string_equal(config.settings[0].where, "");
}

static void test_a_wrong_flag_is_named_with_its_value_and_what_was_expected(void **state)
{
	(void)state;
	assert_int_equal(LOAD("--mtu", "20"), CONFIG_BAD_USAGE);
	assert_string_equal(error, "--mtu 20: expected a number from 68 to 65521");
	assert_int_equal(LOAD("--addr", "10.77.0.300/24"), CONFIG_BAD_USAGE);
	assert_error_has("--addr 10.77.0.300/24: expected an IPv4 or IPv6 address with its prefix length");
	assert_int_equal(LOAD("--colour", "red"), CONFIG_BAD_USAGE);
	assert_error_has("--colour: no such flag");
	assert_int_equal(LOAD("--addr"), CONFIG_BAD_USAGE);
	assert_error_has("--addr: a value is missing");
	assert_int_equal(LOAD("stray"), CONFIG_BAD_USAGE);
	assert_error_has("stray: tapird takes flags only");
}

static void test_a_wrong_line_is_named_with_file_and_number(void **state)
{
	static const struct {
		const char *text, *says;
	} wrong[] = {
		{ "name = web\n\nmtu = huge\n", ":3: mtu = huge: expected a number from 68 to 65521" },
		{ "colour = red\n", ":1: colour = red: no such key" },
		{ "# fine\nno value here\n", ":2: expected KEY = VALUE" },
		{ "[other]\nname = web\n", ":2: section [other]" },
		{ "offload = perhaps\n", ":1: offload = perhaps: expected on or off" },
		{ "mtu =\n", ":1: mtu = : expected" },
	};
	char says[256];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		write_file(wrong[i].text);
		assert_int_equal(LOAD(NULL), CONFIG_BAD_FILE);
		snprintf(says, sizeof(says), "%s%s", path, wrong[i].says);
		assert_error_has(says);
	}
}

static void test_a_line_that_is_too_long_is_refused_not_cut(void **state)
{
	char text[400];

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "name = ", 7);
	strcpy(text + sizeof(text) - 2, "\n");
	write_file(text);
	assert_int_equal(LOAD(NULL), CONFIG_BAD_FILE);
	assert_error_has(":1: the line is longer than");
}

static void test_a_file_that_is_missing_is_an_error(void **state)
{
	char *argv[] = { (char[]){ "tapird" }, (char[]){ "--config" }, (char[]){ "/nonexistent/tapird.conf" }, NULL };

	(void)state;
	assert_int_equal(config_load(&config, 3, argv, error), CONFIG_BAD_FILE);
	assert_error_has("/nonexistent/tapird.conf: No such file or directory");
}

static void test_values_are_refused(void **state)
{
	static const char *const wrong[][2] = {
		{ "--name", "" },		      { "--name", "a/b" },
		{ "--name", ".hidden" },	      { "--tap", "sixteen-letters-" },
		{ "--tap", "a/b" },		      { "--addr", "10.0.0.1" },
		{ "--addr", "10.0.0.1/33" },	      { "--addr", "0.0.0.0/0" },
		{ "--addr", "224.0.0.1/24" },	      { "--addr", "fd77::2/129" },
		{ "--gateway", "10.0.0.1/24" },	      { "--gateway", "::" },
		{ "--mtu", "67" },		      { "--mtu", "-1" },
		{ "--mtu", "1500x" },		      { "--mac", "02:00:00:00:00" },
		{ "--mac", "01:00:00:00:00:01" },     { "--mac", "02:00:00:00:00:01:02" },
		{ "--mac", "00:00:00:00:00:00" },     { "--offload", "yes" },
		{ "--set", "net.ipv4.tcp_sack" },     { "--set", "=1" },
		{ "--log-level", "loud" },	      { "--user-sockets-max", "0" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (LOAD(wrong[i][0], wrong[i][1]) != CONFIG_BAD_USAGE)
			fail_msg("%s %s is taken", wrong[i][0], wrong[i][1]);
}

static void test_the_link_may_be_said_behind_an_address_of_it(void **state)
{
	struct ip_addr router;

	(void)state;
	assert_int_equal(ip_addr_parse("fe80::1", &router), 0);
	assert_int_equal(LOAD("--tap", "tap1", "--addr", "fe80::7%tap1/64", "--gateway", "fe80::1%tap1"), CONFIG_RUN);
	assert_int_equal(config.links[0].addrs[0].len, 64);
	assert_memory_equal(&config.links[0].gateways[0], &router, sizeof(router));
	assert_int_equal(LOAD("--gateway", "fe80::1%tap1"), CONFIG_BAD_USAGE);
	assert_error_has("--gateway fe80::1%tap1: expected %tap0");
	assert_int_equal(LOAD("--gateway", "fe80::1%"), CONFIG_BAD_USAGE);
	assert_int_equal(LOAD("--addr", "fe80::1%tap01/64"), CONFIG_BAD_USAGE);
}

static void test_a_list_has_an_end(void **state)
{
	FILE *f = fopen(path, "w");

	(void)state;
	assert_non_null(f);
	for (int i = 0; i <= CONFIG_LIST_MAX; i++)
		fprintf(f, "addr = 10.0.%d.2/24\n", i);
	fclose(f);
	assert_int_equal(LOAD(NULL), CONFIG_BAD_FILE);
	assert_error_has(":65: addr = 10.0.64.2/24: more than 64 values for addr");
}

static void test_each_tap_has_what_follows_it(void **state)
{
	(void)state;
	assert_int_equal(LOAD("--tap", "a", "--addr", "10.1.0.2/24", "--tap", "b", "--dhcp", "--mtu=1400", "--set", "net.ipv4.tcp_sack=0"),
			 CONFIG_RUN);
	assert_int_equal(config.link_count, 2);
	assert_string_equal(config.links[0].tap, "a");
	assert_int_equal(config.links[0].addr_count, 1);
	assert_false(config.links[0].dhcp);
	assert_string_equal(config.links[1].tap, "b");
	assert_int_equal(config.links[1].addr_count, 0);
	assert_true(config.links[1].dhcp);
	assert_true(config.links[1].offload);
	assert_int_equal(config.links[1].mtu, 1400);
	assert_int_equal(config.setting_count, 1);
}

static void test_what_comes_before_the_first_tap_is_about_it(void **state)
{
	(void)state;
	assert_int_equal(LOAD("--addr", "10.1.0.2/24", "--tap", "a"), CONFIG_RUN);
	assert_int_equal(config.link_count, 1);
	assert_string_equal(config.links[0].tap, "a");
	assert_int_equal(config.links[0].addr_count, 1);
}

static void test_the_file_has_several_taps(void **state)
{
	(void)state;
	write_file("tap = a\naddr = 10.1.0.2/24\ntap = b\naddr = 10.2.0.2/24\ndhcp = on\n");
	assert_int_equal(LOAD(NULL), CONFIG_RUN);
	assert_int_equal(config.link_count, 2);
	assert_true(config.links[1].dhcp);
	/* On the command line a link of the file is meant by its name. */
	assert_int_equal(LOAD("--tap", "b", "--dhcp", "--addr", "10.9.0.2/24", "--tap", "c"), CONFIG_RUN);
	assert_int_equal(config.link_count, 3);
	assert_int_equal(config.links[0].addr_count, 1);
	assert_int_equal(config.links[1].addr_count, 1);
	assert_int_equal(config.links[1].addrs[0].addr.b[13], 9);
	assert_string_equal(config.links[2].tap, "c");
}

static void test_the_flag_names_the_files_only_tap_anew(void **state)
{
	(void)state;
	write_file("tap = a\naddr = 10.1.0.2/24\n");
	assert_int_equal(LOAD("--tap", "x", "--tap", "y"), CONFIG_RUN);
	assert_int_equal(config.link_count, 2);
	assert_string_equal(config.links[0].tap, "x");
	assert_int_equal(config.links[0].addr_count, 1);
	assert_string_equal(config.links[1].tap, "y");
}

static void test_wrong_taps_are_refused(void **state)
{
	(void)state;
	write_file("tap = a\ntap = a\n");
	assert_int_equal(LOAD(NULL), CONFIG_BAD_FILE);
	assert_error_has(":2: tap = a: expected");
	write_file("");
	assert_int_equal(LOAD("--tap=a", "--tap=b", "--tap=c", "--tap=d", "--tap=e", "--tap=f", "--tap=g", "--tap=h", "--tap=i"),
			 CONFIG_BAD_USAGE);
	assert_error_has("more than 8 values for tap");
	write_file("dhcp = maybe\n");
	assert_int_equal(LOAD(NULL), CONFIG_BAD_FILE);
	assert_error_has("dhcp = maybe: expected on or off");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_file, remove_file)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_defaults_are_what_help_says),
		TEST(test_flags_take_their_value_in_both_forms),
		TEST(test_the_file_has_the_keys_of_the_flags),
		TEST(test_a_flag_wins_over_the_file),
		TEST(test_a_repeated_flag_replaces_the_list_of_the_file),
		TEST(test_a_setting_remembers_where_it_was_said),
		TEST(test_a_wrong_flag_is_named_with_its_value_and_what_was_expected),
		TEST(test_a_wrong_line_is_named_with_file_and_number),
		TEST(test_a_line_that_is_too_long_is_refused_not_cut),
		TEST(test_a_file_that_is_missing_is_an_error),
		TEST(test_values_are_refused),
		TEST(test_the_link_may_be_said_behind_an_address_of_it),
		TEST(test_a_list_has_an_end),
		TEST(test_each_tap_has_what_follows_it),
		TEST(test_what_comes_before_the_first_tap_is_about_it),
		TEST(test_the_file_has_several_taps),
		TEST(test_the_flag_names_the_files_only_tap_anew),
		TEST(test_wrong_taps_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
