/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of leases (daemon/lease.h): what is written is found again, and nonsense in it is no address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/lease.h"

static char directory[] = "/tmp/test_lease.XXXXXX", socket_path[64], lease_path[64];
static struct lease_file file;

static int setup(void **state)
{
	(void)state;
	strcpy(strrchr(directory, '.'), ".XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(socket_path, sizeof(socket_path), "%s/a.sock", directory);
	snprintf(lease_path, sizeof(lease_path), "%s/a.lease", directory);
	return lease_open(&file, socket_path);
}

static int teardown(void **state)
{
	(void)state;
	lease_close(&file);
	unlink(lease_path);
	return rmdir(directory);
}

static void write_file(const char *text, size_t n)
{
	FILE *f = fopen(lease_path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void assert_lease(const char *tap, const char *want)
{
	struct ip_addr addr, expected;
	bool found = lease_find(&file, tap, &addr);

	assert_int_equal(found, want != NULL);
	if (!want)
		return;
	assert_int_equal(ip_addr_parse(want, &expected), 0);
	assert_memory_equal(&addr, &expected, sizeof(addr));
}

static struct lease_entry entry(const char *tap, const char *addr)
{
	struct lease_entry e = { .tap = tap };

	assert_int_equal(ip_addr_parse(addr, &e.addr), 0);
	return e;
}

static void test_leases_are_found_by_the_name_of_their_link(void **state)
{
	struct lease_entry entries[] = { entry("tap0", "10.0.0.9"), entry("tap01", "10.0.0.10") };

	(void)state;
	assert_lease("tap0", NULL);
	lease_save(&file, entries, 2);
	assert_lease("tap0", "10.0.0.9");
	assert_lease("tap01", "10.0.0.10");
	assert_lease("tap", NULL);
	assert_lease("tap1", NULL);
}

static void test_what_is_written_later_replaces_all_of_it(void **state)
{
	struct lease_entry longer[] = { entry("tap0", "192.168.100.100"), entry("tap1", "10.0.0.10") }, shorter = entry("tap0", "1.2.3.4");

	(void)state;
	lease_save(&file, longer, 2);
	lease_save(&file, &shorter, 1);
	assert_lease("tap0", "1.2.3.4");
	assert_lease("tap1", NULL);
}

static void test_leases_outlive_the_descriptor(void **state)
{
	struct lease_entry e = entry("tap0", "10.0.0.9");

	(void)state;
	lease_save(&file, &e, 1);
	lease_close(&file);
	assert_lease("tap0", NULL);
	assert_int_equal(lease_open(&file, socket_path), 0);
	assert_lease("tap0", "10.0.0.9");
}

static void test_nonsense_in_the_file_is_no_address(void **state)
{
	static const char *const texts[] = { "", "tap0", "tap0 ", "tap0 300.1.1.1\n", "tap0 10.0.0.9 x\n", "tap0 2001:db8::1\n", "\n\n\n" };
	char zeros[5000] = { 0 }, letters[5000];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		write_file(texts[i], strlen(texts[i]));
		assert_lease("tap0", NULL);
	}
	write_file(zeros, sizeof(zeros));
	assert_lease("tap0", NULL);
	memset(letters, 'a', sizeof(letters));
	write_file(letters, sizeof(letters));
	assert_lease("tap0", NULL);
}

static void test_a_link_instead_of_the_file_is_not_followed(void **state)
{
	(void)state;
	lease_close(&file);
	unlink(lease_path);
	assert_int_equal(symlink("/dev/null", lease_path), 0);
	assert_true(lease_open(&file, socket_path) < 0);
	assert_lease("tap0", NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_leases_are_found_by_the_name_of_their_link),
		TEST(test_what_is_written_later_replaces_all_of_it),
		TEST(test_leases_outlive_the_descriptor),
		TEST(test_nonsense_in_the_file_is_no_address),
		TEST(test_a_link_instead_of_the_file_is_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
