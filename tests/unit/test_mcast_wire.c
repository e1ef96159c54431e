/* SPDX-License-Identifier: BSD-2-Clause */
/* IGMP and MLD messages: what is written is read again, lengths and codes mean what the RFCs say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "stack/igmp_wire.h"
#include "stack/mld_wire.h"
#include "tests/lib/bed.h"
#include "tests/lib/packet.h"

/* RFC 3376 sections 4.1.1, 4.1.7: (mant | 0x10) << (exp + 3) */
static void test_igmp_codes_from_128_on_are_floating_point(void **state)
{
	(void)state;
	assert_int_equal(igmp_code_value(0), 0);
	assert_int_equal(igmp_code_value(127), 127);
	assert_int_equal(igmp_code_value(0x80), 128);
	assert_int_equal(igmp_code_value(0x8f), 248);
	assert_int_equal(igmp_code_value(0xff), 31744);
}

/* RFC 3810 sections 5.1.3, 5.1.9 */
static void test_mld_codes_are_floating_point(void **state)
{
	(void)state;
	assert_int_equal(mld_response_value(32767), 32767);
	assert_int_equal(mld_response_value(0x8000), 32768);
	assert_int_equal(mld_response_value(0xffff), 8387584);
	assert_int_equal(mld_interval_value(127), 127);
	assert_int_equal(mld_interval_value(0xff), 31744);
}

static void test_igmp_messages_are_read_as_they_were_written(void **state)
{
	struct ip_addr group = addr_of("239.1.2.3"), read;
	uint8_t p[IGMP_MESSAGE_BYTES];

	(void)state;
	igmp_write(p, IGMP_REPORT_V2, &group);
	assert_int_equal(p[0], IGMP_REPORT_V2);
	assert_int_equal(packet_checksum(0, p, sizeof(p)), 0);
	assert_true(igmp_parse_group(p, sizeof(p), &read));
	assert_true(ip_addr_eq(&read, &group));
	assert_false(igmp_parse_group(p, sizeof(p) - 1, &read));
	p[4] = 10;
	assert_false(igmp_parse_group(p, sizeof(p), &read));
}

/* RFC 3376 section 7.1: eight bytes and code 0 are version 1, another code version 2, twelve bytes and more version 3. */
static void test_the_length_of_a_query_tells_its_version(void **state)
{
	uint8_t p[20] = { IGMP_QUERY };
	struct mcast_query q;

	(void)state;
	for (size_t len = 0; len < 8; len++)
		assert_false(igmp_parse_query(p, len, &q));
	assert_true(igmp_parse_query(p, 8, &q) && q.version == 1 && q.max_response_us == 10000000);
	p[1] = 20;
	assert_true(igmp_parse_query(p, 8, &q) && q.version == 2 && q.max_response_us == 2000000);
	for (size_t len = 9; len < 12; len++)
		assert_false(igmp_parse_query(p, len, &q));
	p[8] = 0xf8 | 5; /* reserved bits and S are not the robustness */
	p[9] = 60;
	assert_true(igmp_parse_query(p, 12, &q) && q.version == 3 && q.robustness == 5 && q.interval_s == 60);
	assert_true(igmp_parse_query(p, 20, &q)); /* section 4.1.10: further bytes are ignored */
	p[11] = 1;
	assert_false(igmp_parse_query(p, 20, &q)); /* sources of no group */
	memcpy(p + 4, (const uint8_t[]){ 239, 1, 1, 1 }, 4);
	assert_true(igmp_parse_query(p, 20, &q) && q.source_count == 1);
	p[11] = 3;
	assert_false(igmp_parse_query(p, 20, &q));
}

static void test_mld_messages_are_read_as_they_were_written(void **state)
{
	struct ip_addr group = addr_of("ff15::7"), read;
	uint8_t p[MLD_MESSAGE_BYTES];

	(void)state;
	mld_write(p, 131, &group);
	assert_true(mld_parse_group(p, sizeof(p), &read));
	assert_true(ip_addr_eq(&read, &group));
	assert_false(mld_parse_group(p, sizeof(p) - 1, &read));
}

/* RFC 3810 section 8.1 */
static void test_the_length_of_an_mld_query_tells_its_version(void **state)
{
	uint8_t p[44] = { 130, [4] = 0x10 };
	struct mcast_query q;

	(void)state;
	for (size_t len = 0; len < 24; len++)
		assert_false(mld_parse_query(p, len, &q));
	assert_true(mld_parse_query(p, 24, &q) && q.version == 1 && q.max_response_us == 4096000);
	for (size_t len = 25; len < 28; len++)
		assert_false(mld_parse_query(p, len, &q));
	assert_true(mld_parse_query(p, 28, &q) && q.version == 2);
	p[8] = 0xfd;
	assert_false(mld_parse_query(p, 28, &q)); /* about no group */
	p[8] = 0xff;
	p[27] = 1;
	assert_false(mld_parse_query(p, 43, &q));
	assert_true(mld_parse_query(p, 44, &q) && q.source_count == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_igmp_codes_from_128_on_are_floating_point),
		cmocka_unit_test(test_mld_codes_are_floating_point),
		cmocka_unit_test(test_igmp_messages_are_read_as_they_were_written),
		cmocka_unit_test(test_the_length_of_a_query_tells_its_version),
		cmocka_unit_test(test_mld_messages_are_read_as_they_were_written),
		cmocka_unit_test(test_the_length_of_an_mld_query_tells_its_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
