/* SPDX-License-Identifier: BSD-2-Clause */
/* Source filters: merging (RFC 3376 section 3.2) and differences (section 5.1), every case of their tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "stack/mcast_filter.h"
#include "tests/lib/bed.h"

static struct bed_mem counted;
static struct mem mem;
static struct mcast_merge merge;

static int setup(void **state)
{
	(void)state;
	counted = (struct bed_mem){ 0 };
	mem = (struct mem){ .ctx = &counted, .alloc = bed_mem_alloc, .free = bed_mem_free };
	merge = (struct mcast_merge){ 0 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	mcast_merge_clear(&mem, &merge);
	return counted.used_bytes == 0 ? 0 : -1;
}

/* Source 'a' is 10.0.0.97. */
static struct ip_addr source(char name)
{
	return ip_addr_from4((const uint8_t[4]){ 10, 0, 0, (uint8_t)name });
}

static struct mcast_filter filter(enum filter_mode mode, const char *names)
{
	struct mcast_filter f = { .mode = (uint8_t)mode };

	for (; *names; names++) {
		struct ip_addr a = source(*names);

		assert_int_equal(mcast_sources_add(&mem, &f.sources, &a), 0);
	}
	return f;
}

/* "+abc": INCLUDE a, b, c; "-": EXCLUDE nothing. */
static struct mcast_filter parse(const char *text)
{
	return filter(text[0] == '+' ? FILTER_INCLUDE : FILTER_EXCLUDE, text + 1);
}

static void add(const char *text)
{
	struct mcast_filter f = parse(text);

	assert_int_equal(mcast_merge_add(&mem, &merge, &f), 0);
	mcast_sources_clear(&mem, &f.sources);
}

static void take_off(const char *text)
{
	struct mcast_filter f = parse(text);

	mcast_merge_remove(&merge, &f);
	mcast_sources_clear(&mem, &f.sources);
}

static void expect(const char *text)
{
	struct mcast_filter f = { 0 };
	char got[64];
	size_t n = 1;

	assert_int_equal(mcast_merge_result(&mem, &merge, &f), 0);
	got[0] = f.mode == FILTER_INCLUDE ? '+' : '-';
	for (uint32_t i = 0; i < f.sources.count; i++)
		got[n++] = (char)f.sources.list[i].b[15];
	got[n] = 0;
	assert_string_equal(got, text);
	mcast_sources_clear(&mem, &f.sources);
}

static void test_sets_are_sorted_and_hold_each_source_once(void **state)
{
	struct mcast_filter f = filter(FILTER_INCLUDE, "dbacb");
	struct ip_addr x = source('x'), b = source('b');

	(void)state;
	assert_int_equal(f.sources.count, 4);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(f.sources.list[i].b[15], 'a' + i);
	assert_false(mcast_sources_has(&f.sources, &x));
	mcast_sources_remove(&f.sources, &x);
	mcast_sources_remove(&f.sources, &b);
	assert_false(mcast_sources_has(&f.sources, &b));
	assert_int_equal(f.sources.count, 3);
	mcast_sources_clear(&mem, &f.sources);
}

static void test_filters_pass_what_they_say(void **state)
{
	struct mcast_filter in = parse("+ab"), ex = parse("-ab"), none = { 0 };
	struct ip_addr a = source('a'), c = source('c');

	(void)state;
	assert_true(mcast_filter_passes(&in, &a) && !mcast_filter_passes(&in, &c));
	assert_true(!mcast_filter_passes(&ex, &a) && mcast_filter_passes(&ex, &c));
	assert_true(mcast_filter_is_none(&none) && !mcast_filter_is_none(&in) && !mcast_filter_is_none(&ex));
	assert_false(mcast_filter_passes(&none, &a));
	mcast_sources_clear(&mem, &in.sources);
	mcast_sources_clear(&mem, &ex.sources);
}

/* RFC 3376 section 3.2, its first example: INCLUDEs alone make their union. */
static void test_rfc3376_3_2_includes_make_their_union(void **state)
{
	(void)state;
	expect("+");
	add("+ab");
	expect("+ab");
	add("+bc");
	expect("+abc");
	take_off("+ab");
	expect("+bc");
	take_off("+bc");
	expect("+");
}

/* Its second: "from all sources but": the intersection of the excluded, without the included. */
static void test_rfc3376_3_2_excludes_make_their_intersection_without_the_included(void **state)
{
	(void)state;
	add("-abcd"); /* the RFC: (i, m, EXCLUDE, {a, b, c, d}) */
	expect("-abcd");
	add("-bcde"); /* {b, c, d, e} */
	expect("-bcd");
	add("+def"); /* INCLUDE {d, e, f} */
	expect("-bc");
	add("+b");
	expect("-c");
	take_off("-abcd");
	expect("-c");
	take_off("-bcde");
	expect("+bdef");
}

static void test_rfc3376_3_2_an_exclude_of_nothing_wants_everything(void **state)
{
	(void)state;
	add("-ab");
	add("-");
	expect("-");
	add("+a");
	expect("-");
	take_off("-");
	expect("-b");
}

static void test_rfc3376_3_2_includes_that_name_no_excluded_source_change_nothing(void **state)
{
	(void)state;
	add("-ab");
	add("+xy");
	expect("-ab");
}

struct seen {
	char names[32];
	size_t n, most;
};

static bool see(void *ctx, const struct ip_addr *a)
{
	struct seen *s = ctx;

	s->names[s->n++] = (char)a->b[15];
	s->names[s->n] = 0;
	return s->n < s->most;
}

static const char *difference(struct seen *s, const char *from, const char *to)
{
	struct mcast_filter a = parse(from), b = parse(to);

	*s = (struct seen){ .most = 30 };
	assert_true(mcast_filter_each_difference(&a, &b, see, s));
	mcast_sources_clear(&mem, &a.sources);
	mcast_sources_clear(&mem, &b.sources);
	return s->names;
}

/* RFC 3376 section 5.1: A-B and B-A, whichever is allowed and which blocked. */
static void test_rfc3376_5_1_difference_is_what_only_one_names(void **state)
{
	struct seen s;

	(void)state;
	assert_string_equal(difference(&s, "+ab", "+bc"), "ac");
	assert_string_equal(difference(&s, "-ab", "-abc"), "c");
	assert_string_equal(difference(&s, "+ab", "+ab"), "");
	assert_string_equal(difference(&s, "+", "+"), "");
	assert_string_equal(difference(&s, "+abc", "+"), "abc");
}

static void test_without_memory_nothing_changes(void **state)
{
	struct mcast_filter big = parse("+abcdefghij");

	(void)state;
	add("-xa");
	counted.fail_at = counted.allocs + 1;
	assert_int_equal(mcast_merge_add(&mem, &merge, &big), -ENOBUFS);
	counted.fail_at = 0;
	expect("-ax");
	mcast_sources_clear(&mem, &big.sources);
}

static void test_what_was_taken_off_goes_back_without_memory(void **state)
{
	struct mcast_filter f = parse("+abcdefghij");

	(void)state;
	assert_int_equal(mcast_merge_add(&mem, &merge, &f), 0);
	mcast_merge_remove(&merge, &f);
	counted.fail_at = counted.allocs + 1;
	assert_int_equal(mcast_merge_add(&mem, &merge, &f), 0);
	counted.fail_at = 0;
	expect("+abcdefghij");
	mcast_sources_clear(&mem, &f.sources);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_sets_are_sorted_and_hold_each_source_once),
		TEST(test_filters_pass_what_they_say),
		TEST(test_rfc3376_3_2_includes_make_their_union),
		TEST(test_rfc3376_3_2_excludes_make_their_intersection_without_the_included),
		TEST(test_rfc3376_3_2_an_exclude_of_nothing_wants_everything),
		TEST(test_rfc3376_3_2_includes_that_name_no_excluded_source_change_nothing),
		TEST(test_rfc3376_5_1_difference_is_what_only_one_names),
		TEST(test_without_memory_nothing_changes),
		TEST(test_what_was_taken_off_goes_back_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
