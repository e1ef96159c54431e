/* SPDX-License-Identifier: BSD-2-Clause */
/* The small base modules: checksum, hash, wire, addr, tunable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "stack/checksum.h"
#include "stack/hash.h"
#include "stack/tunable.h"
#include "stack/wire.h"
#include "tests/lib/packet.h"

static uint8_t data[70000];

static int fill_data(void **state)
{
	struct rng r = { { { 7, 7 } }, 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = rng_below(&r, 4) ? (uint8_t)rng_u64(&r) : 0xff;
	return 0;
}

/* ---- Checksum (RFC 1071) -------------------------------------------------------------------------------------------- */

static void test_checksum_of_rfc_1071_section_3(void **state)
{
	static const uint8_t example[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

	(void)state;
	assert_int_equal(checksum_add(0, example, sizeof(example)), 0xddf2);
	assert_int_equal(checksum_add_portable(0, example, sizeof(example)), 0xddf2);
	assert_int_equal(checksum_finish(0xddf2), 0x220d);
}

/* 0 and 0xffff are the two forms of zero. */
static uint16_t one_zero(uint16_t sum)
{
	return sum == 0xffff ? 0 : sum;
}

static void test_fast_checksum_is_the_portable_one_at_all_lengths_and_alignments(void **state)
{
	(void)state;
	for (size_t align = 0; align < 33; align++)
		for (size_t len = 0; len < 1100; len++)
			assert_int_equal(checksum_add(0x1234, data + align, len), checksum_add_portable(0x1234, data + align, len));
	for (size_t len = 1100; len < 66000; len += 101)
		assert_int_equal(checksum_add(0, data + len % 5, len), checksum_add_portable(0, data + len % 5, len));
	memset(data, 0xff, 65536);
	assert_int_equal(checksum_add(0, data, 65536), checksum_add_portable(0, data, 65536));
	assert_int_equal(checksum_add(0xffff, data, 65535), checksum_add_portable(0xffff, data, 65535));
	fill_data(NULL);
}

static void test_checksum_agrees_with_one_written_apart(void **state)
{
	(void)state;
	for (size_t len = 0; len < 3000; len += 7)
		assert_int_equal(one_zero(checksum_add(0, data, len)), one_zero((uint16_t)~packet_checksum(0, data, len)));
}

static void test_checksum_of_odd_pieces_is_that_of_the_whole(void **state)
{
	struct rng r = { { { 1, 1 } }, 0 };

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct iovec iov[8];
		size_t at = 0;
		int n = 1 + (int)rng_below(&r, 8);

		for (int i = 0; i < n; i++) {
			iov[i].iov_base = data + at;
			iov[i].iov_len = rng_below(&r, rng_below(&r, 2) ? 4 : 500);
			at += iov[i].iov_len;
		}
		assert_int_equal(one_zero(checksum_add_iov(77, iov, n)), one_zero(checksum_add_portable(77, data, at)));
	}
}

static void test_pseudo_header_sum_of_both_families(void **state)
{
	static const char *const pairs[][2] = { { "10.0.0.1", "192.168.255.254" }, { "fd00::1", "2001:db8::ffff" } };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct ip_addr src, dst;

		assert_int_equal(ip_addr_parse(pairs[i][0], &src), 0);
		assert_int_equal(ip_addr_parse(pairs[i][1], &dst), 0);
		for (uint32_t len = 0; len < 200000; len += 7919)
			assert_int_equal(checksum_finish(checksum_pseudo(&src, &dst, 17, len)),
					 packet_checksum(packet_pseudo_sum(&src, &dst, 17, len), NULL, 0));
	}
}

/* ---- Hash ----------------------------------------------------------------------------------------------------------- */

/* Aumasson and Bernstein, "SipHash", appendix A and the authors' test vectors: key 00..0f, input 00, 01, ... */
static void test_siphash_reference_vectors(void **state)
{
	static const struct {
		size_t len;
		uint64_t hash;
	} vectors[] = {
		{ 0, 0x726fdb47dd0e0e31 }, { 1, 0x74f839c593dc67fd }, { 2, 0x0d6c8009d9a94f5a }, { 7, 0xab0200f58b01d137 },
		{ 8, 0x93f5f5799a932462 }, { 15, 0xa129ca6149be45e5 },
	};
	struct hash_key key = { { 0x0706050403020100, 0x0f0e0d0c0b0a0908 } };
	uint8_t input[64];

	(void)state;
	for (unsigned i = 0; i < sizeof(input); i++)
		input[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		assert_true(hash_bytes(&key, input, vectors[i].len) == vectors[i].hash);
}

static void test_keys_differ_by_purpose_and_by_any_bit_of_the_seed(void **state)
{
	uint8_t seed[32] = { 0 };
	struct hash_key a = hash_key_derive(seed, "one"), c;

	(void)state;
	c = hash_key_derive(seed, "two");
	assert_true(a.k[0] != c.k[0] && a.k[1] != c.k[1]);
	for (unsigned bit = 0; bit < 256; bit++) {
		seed[bit / 8] ^= (uint8_t)(1u << bit % 8);
		c = hash_key_derive(seed, "one");
		assert_true(a.k[0] != c.k[0] || a.k[1] != c.k[1]);
		seed[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void test_random_numbers_below_a_bound_are_even(void **state)
{
	struct rng r = { { { 3, 4 } }, 0 };
	unsigned count[10] = { 0 };

	(void)state;
	for (int i = 0; i < 100000; i++)
		count[rng_below(&r, 10)]++;
	for (int i = 0; i < 10; i++)
		assert_in_range(count[i], 9600, 10400);
	for (int i = 0; i < 100; i++)
		assert_int_equal(rng_below(&r, 1), 0);
}

/* ---- Wire ----------------------------------------------------------------------------------------------------------- */

static void test_reader_fails_once_and_stays_failed(void **state)
{
	static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7 };
	struct wire_rd r = wire_rd_over(bytes, sizeof(bytes));
	uint8_t copy[4] = { 9, 9, 9, 9 };

	(void)state;
	assert_int_equal(wire_rd_u8(&r), 1);
	assert_int_equal(wire_rd_u16(&r), 0x0203);
	assert_int_equal(wire_rd_u32(&r), 0x04050607);
	assert_true(wire_rd_ok(&r));
	assert_int_equal(wire_rd_left(&r), 0);
	assert_int_equal(wire_rd_u8(&r), 0);
	assert_false(wire_rd_ok(&r));
	r = wire_rd_over(bytes, 3);
	assert_int_equal(wire_rd_u32(&r), 0);
	assert_int_equal(wire_rd_u8(&r), 0); /* although there were bytes left */
	wire_rd_copy(&r, copy, 4);
	assert_int_equal(copy[0] | copy[3], 0);
	assert_false(wire_rd_ok(&r));
	r = wire_rd_over(NULL, 0);
	assert_int_equal(wire_rd_left(&r), 0);
	assert_int_equal(wire_rd_u8(&r), 0);
}

static void test_sub_reader_is_bounded_by_its_own_length(void **state)
{
	static const uint8_t bytes[] = { 1, 2, 3, 4, 5 };
	struct wire_rd r = wire_rd_over(bytes, sizeof(bytes)), sub = wire_rd_sub(&r, 2);

	(void)state;
	assert_int_equal(wire_rd_u16(&sub), 0x0102);
	assert_int_equal(wire_rd_u8(&sub), 0);
	assert_false(wire_rd_ok(&sub));
	assert_true(wire_rd_ok(&r));
	assert_int_equal(wire_rd_u8(&r), 3);
	sub = wire_rd_sub(&r, 3);
	assert_false(wire_rd_ok(&sub));
	assert_false(wire_rd_ok(&r));
	assert_int_equal(wire_rd_left(&sub), 0);
}

static void test_what_was_written_reads_the_same_and_a_full_writer_stays_full(void **state)
{
	uint8_t buf[11];
	struct wire_wr w = wire_wr_over(buf, sizeof(buf));
	struct wire_rd r;

	(void)state;
	wire_wr_u8(&w, 0xab);
	wire_wr_u16(&w, 0xcdef);
	wire_wr_u32(&w, 0x01234567);
	wire_wr_bytes(&w, "xyz", 3);
	assert_int_equal(wire_wr_len(&w), 10);
	wire_wr_u16(&w, 1);
	assert_false(wire_wr_ok(&w));
	wire_wr_u8(&w, 1);
	assert_false(wire_wr_ok(&w));
	r = wire_rd_over(buf, 10);
	assert_int_equal(wire_rd_u8(&r), 0xab);
	assert_int_equal(wire_rd_u16(&r), 0xcdef);
	assert_int_equal(wire_rd_u32(&r), 0x01234567);
	assert_memory_equal(wire_rd_bytes(&r, 3), "xyz", 3);
}

/* ---- Addresses ------------------------------------------------------------------------------------------------------ */

static void test_addresses_parse_and_print(void **state)
{
	static const char *const good[] = { "0.0.0.0", "10.1.2.3", "255.255.255.255", "::", "::1", "fe80::1", "2001:db8::a:b" };
	static const char *const bad[] = { "", "10.1.2", "10.1.2.256", "1.2.3.4.5", ":::", "fe80::1%2", "x", "10.0.0.1 ", "12345::" };
	char text[IP_ADDR_TEXT_MAX];
	struct ip_addr a;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(ip_addr_parse(good[i], &a), 0);
		assert_string_equal(ip_addr_print(&a, text), good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(ip_addr_parse(bad[i], &a), -EINVAL);
	assert_int_equal(ip_addr_parse("::ffff:10.0.0.1", &a), 0);
	assert_int_equal(ip_addr_family(&a), AF_INET);
}

static void test_prefixes_parse_print_and_contain(void **state)
{
	static const struct {
		const char *prefix, *first, *last, *in, *out;
	} rows[] = {
		{ "10.1.2.3/8", "10.0.0.0", "10.255.255.255", "10.9.9.9", "11.0.0.0" },
		{ "10.0.0.129/25", "10.0.0.128", "10.0.0.255", "10.0.0.200", "10.0.0.127" },
		{ "10.0.0.1/32", "10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.2" },
		{ "0.0.0.0/0", "0.0.0.0", "255.255.255.255", "8.8.8.8", "2001:db8::1" },
		{ "fd00::5/64", "fd00::", "fd00::ffff:ffff:ffff:ffff", "fd00::1:2", "fd00:0:0:1::" },
		{ "fe80::/10", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe90::1", "fec0::1" },
	};
	static const char *const bad[] = { "10.0.0.1/33", "10.0.0.1/", "10.0.0.1/-1", "10.0.0.1/8x", "::1/129", "/8", "10.0.0.1/ 8" };
	char text[IP_PREFIX_TEXT_MAX];
	struct ip_prefix p;
	struct ip_addr a;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(ip_prefix_parse(rows[i].prefix, &p), 0);
		assert_string_equal(ip_prefix_print(&p, text), rows[i].prefix);
		a = ip_prefix_first(&p);
		assert_string_equal(ip_addr_print(&a, text), rows[i].first);
		a = ip_prefix_last(&p);
		assert_string_equal(ip_addr_print(&a, text), rows[i].last);
		assert_int_equal(ip_addr_parse(rows[i].in, &a), 0);
		assert_true(ip_prefix_has(&p, &a));
		assert_int_equal(ip_addr_parse(rows[i].out, &a), 0);
		assert_false(ip_prefix_has(&p, &a));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(ip_prefix_parse(bad[i], &p), -EINVAL);
	assert_int_equal(ip_prefix_parse("10.0.0.1", &p), 0);
	assert_int_equal(p.len, 128);
}

static void test_kinds_of_addresses(void **state)
{
	static const struct {
		const char *text;
		bool any, loopback, multicast, linklocal, broadcast;
	} rows[] = {
		{ "0.0.0.0", .any = true },
		{ "::", .any = true },
		{ "127.0.0.1", .loopback = true },
		{ "127.255.0.9", .loopback = true },
		{ "::1", .loopback = true },
		{ "224.0.0.1", .multicast = true },
		{ "239.255.255.255", .multicast = true },
		{ "ff02::1", .multicast = true },
		{ "169.254.3.4", .linklocal = true },
		{ "fe80::1", .linklocal = true },
		{ "febf::1", .linklocal = true },
		{ "fec0::1", .any = false },
		{ "255.255.255.255", .broadcast = true },
		{ "240.0.0.1", .any = false },
		{ "10.0.0.1", .any = false },
		{ "2001:db8::1", .any = false },
	};
	struct ip_addr a;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(ip_addr_parse(rows[i].text, &a), 0);
		assert_int_equal(ip_addr_is_any(&a), rows[i].any);
		assert_int_equal(ip_addr_is_loopback(&a), rows[i].loopback);
		assert_int_equal(ip_addr_is_multicast(&a), rows[i].multicast);
		assert_int_equal(ip_addr_is_linklocal(&a), rows[i].linklocal);
		assert_int_equal(ip_addr_is_broadcast(&a), rows[i].broadcast);
	}
}

static void test_endpoints_print_with_brackets_for_ipv6(void **state)
{
	struct ip_endpoint e = { .port = 80 };
	char text[IP_ENDPOINT_TEXT_MAX];

	(void)state;
	assert_int_equal(ip_addr_parse("fd00::1", &e.addr), 0);
	assert_string_equal(ip_endpoint_print(&e, text), "[fd00::1]:80");
	assert_int_equal(ip_addr_parse("10.0.0.1", &e.addr), 0);
	assert_string_equal(ip_endpoint_print(&e, text), "10.0.0.1:80");
}

/* ---- Tunables ------------------------------------------------------------------------------------------------------- */

static void test_tunables_take_what_is_in_range_and_say_what_was_expected(void **state)
{
	struct tunables t;
	const char *why = NULL;
	char text[64];

	(void)state;
	tunables_init(&t);
	assert_int_equal(t.ip_default_ttl, 64);
	assert_int_equal(tunable_set(&t, "net.ipv4.ip_default_ttl", "65", &why), 0);
	assert_int_equal(t.ip_default_ttl, 65);
	assert_int_equal(tunable_set(&t, "net.ipv4.ip_default_ttl", "256", &why), -EINVAL);
	assert_non_null(strstr(why, "1"));
	assert_non_null(strstr(why, "255"));
	assert_int_equal(tunable_set(&t, "net.ipv4.ip_default_ttl", "-1", &why), -EINVAL);
	assert_int_equal(tunable_set(&t, "net.ipv4.ip_default_ttl", "", &why), -EINVAL);
	assert_int_equal(tunable_set(&t, "net.ipv4.ip_default_ttl", "64 64", &why), -EINVAL);
	assert_int_equal(tunable_set(&t, "net.ipv4.ip_default_ttl", "99999999999999999999999", &why), -EINVAL);
	assert_int_equal(tunable_set(&t, "net.ipv4.no_such_thing", "1", &why), -ENOENT);
	assert_int_equal(t.ip_default_ttl, 65);
	assert_int_equal(tunable_get(&t, "net.ipv4.ip_default_ttl", text, sizeof(text)), 0);
	assert_string_equal(text, "65");
	assert_int_equal(tunable_get(&t, "net.ipv4.ip_default_ttl", text, 2), -EINVAL);
}

static void test_tunables_of_several_numbers_are_set_together_or_not_at_all(void **state)
{
	struct tunables t;
	const char *why;
	char text[64];

	(void)state;
	tunables_init(&t);
	assert_int_equal(tunable_set(&t, "net.ipv4.ip_local_port_range", "1000\t 2000", &why), 0);
	assert_int_equal(t.ip_local_port_min, 1000);
	assert_int_equal(t.ip_local_port_max, 2000);
	assert_int_equal(tunable_set(&t, "net.ipv4.ip_local_port_range", "3000", &why), -EINVAL);
	assert_int_equal(tunable_set(&t, "net.ipv4.ip_local_port_range", "3000 70000", &why), -EINVAL);
	assert_int_equal(t.ip_local_port_min, 1000);
	assert_int_equal(tunable_get(&t, "net.ipv4.ip_local_port_range", text, sizeof(text)), 0);
	assert_string_equal(text, "1000 2000");
	assert_int_equal(tunable_set(&t, "net.ipv4.ip_local_port_range[0]", "1", &why), -ENOENT);
}

static void test_every_tunable_has_a_name_a_text_and_a_default_it_accepts(void **state)
{
	struct tunables t;
	char name[TUNABLE_NAME_MAX], value[64];
	const char *text, *why;
	unsigned n;

	(void)state;
	tunables_init(&t);
	for (n = 0; tunable_at(n, name, &text); n++) {
		assert_true(strlen(text) > 5);
		assert_null(strchr(name, '['));
		assert_int_equal(tunable_get(&t, name, value, sizeof(value)), 0);
		if (tunable_set(&t, name, value, &why) < 0)
			fail_msg("%s does not accept its default %s: %s", name, value, why);
	}
	assert_true(n >= 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checksum_of_rfc_1071_section_3),
		cmocka_unit_test(test_fast_checksum_is_the_portable_one_at_all_lengths_and_alignments),
		cmocka_unit_test(test_checksum_agrees_with_one_written_apart),
		cmocka_unit_test(test_checksum_of_odd_pieces_is_that_of_the_whole),
		cmocka_unit_test(test_pseudo_header_sum_of_both_families),
		cmocka_unit_test(test_siphash_reference_vectors),
		cmocka_unit_test(test_keys_differ_by_purpose_and_by_any_bit_of_the_seed),
		cmocka_unit_test(test_random_numbers_below_a_bound_are_even),
		cmocka_unit_test(test_reader_fails_once_and_stays_failed),
		cmocka_unit_test(test_sub_reader_is_bounded_by_its_own_length),
		cmocka_unit_test(test_what_was_written_reads_the_same_and_a_full_writer_stays_full),
		cmocka_unit_test(test_addresses_parse_and_print),
		cmocka_unit_test(test_prefixes_parse_print_and_contain),
		cmocka_unit_test(test_kinds_of_addresses),
		cmocka_unit_test(test_endpoints_print_with_brackets_for_ipv6),
		cmocka_unit_test(test_tunables_take_what_is_in_range_and_say_what_was_expected),
		cmocka_unit_test(test_tunables_of_several_numbers_are_set_together_or_not_at_all),
		cmocka_unit_test(test_every_tunable_has_a_name_a_text_and_a_default_it_accepts),
	};

	return cmocka_run_group_tests(tests, fill_data, NULL);
}
