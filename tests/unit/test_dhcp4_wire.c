/* SPDX-License-Identifier: BSD-2-Clause */
/* DHCPv4 messages (RFC 2131, 2132, 3396, 3442, 2563, 6842) as bytes: written out here by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "stack/dhcp4_wire.h"
#include "tests/lib/bed.h"

enum { FIXED = 236, COOKIE = 4, SNAME_AT = 44, FILE_AT = 108 };

static uint8_t buf[1500];
static struct dhcp4_reply reply;

/* A BOOTREPLY for 02:00:00:00:00:01 and 10.0.0.9 with these options; returns its length. */
static size_t reply_with(const void *options, size_t len)
{
	static const uint8_t cookie[4] = { 0x63, 0x82, 0x53, 0x63 };

	memset(buf, 0, sizeof(buf));
	buf[0] = 2;
	buf[1] = 1;
	buf[2] = 6;
	buf[4] = 0xca;
	buf[7] = 0xfe;
	memcpy(buf + 16, (const uint8_t[]){ 10, 0, 0, 9 }, 4);
	memcpy(buf + 28, (const uint8_t[]){ 2, 0, 0, 0, 0, 1 }, 6);
	memcpy(buf + FIXED, cookie, 4);
	memcpy(buf + FIXED + COOKIE, options, len);
	return FIXED + COOKIE + len;
}

#define PARSE(...)                                                                                                     \
	do {                                                                                                           \
		const uint8_t options[] = { __VA_ARGS__ };                                                             \
		assert_int_equal(dhcp4_parse(buf, reply_with(options, sizeof(options)), &reply), 0);                   \
	} while (0)

static void assert_addr(const struct ip_addr *a, const char *text)
{
	struct ip_addr want = addr_of(text);

	assert_memory_equal(a, &want, sizeof(want));
}

/* Where option @code stands in a built message; NULL: nowhere. */
static const uint8_t *option_in(const uint8_t *m, size_t len, uint8_t code)
{
	for (size_t at = FIXED + COOKIE; at + 1 < len && m[at] != 255; at += m[at] == 0 ? 1 : 2u + m[at + 1])
		if (m[at] == code)
			return m + at;
	return NULL;
}

static struct dhcp4_request request(enum dhcp4_type type)
{
	static const uint8_t id[] = { 1, 2, 0, 0, 0, 0, 1 };
	struct dhcp4_request m = { .type = (uint8_t)type, .xid = 0xca0000fe, .secs = 7, .client_id = id,
				   .client_id_len = sizeof(id), .hostname = "desk", .max_size = 1500 };

	memcpy(m.mac, (const uint8_t[]){ 2, 0, 0, 0, 0, 1 }, 6);
	m.ciaddr = m.requested = m.server = addr_of("0.0.0.0");
	return m;
}

static void test_discover_is_a_bootrequest_of_at_least_300_bytes(void **state)
{
	struct dhcp4_request m = request(DHCP4_DISCOVER);
	size_t len = dhcp4_build(&m, buf, sizeof(buf));

	(void)state;
	assert_int_equal(len, 300);
	assert_memory_equal(buf, ((const uint8_t[]){ 1, 1, 6, 0, 0xca, 0, 0, 0xfe, 0, 7, 0, 0 }), 12);
	assert_memory_equal(buf + 28, m.mac, 6);
	assert_memory_equal(buf + FIXED, ((const uint8_t[]){ 0x63, 0x82, 0x53, 0x63, 53, 1, 1, 61, 7 }), 9);
	assert_memory_equal(option_in(buf, len, 12), ((const uint8_t[]){ 12, 4, 'd', 'e', 's', 'k' }), 6);
	assert_memory_equal(option_in(buf, len, 57), ((const uint8_t[]){ 57, 2, 1500 >> 8, 1500 & 0xff }), 4);
	assert_memory_equal(option_in(buf, len, 116), ((const uint8_t[]){ 116, 1, 1 }), 3); /* RFC 2563 section 2.2 */
	assert_null(option_in(buf, len, 50));
	assert_null(option_in(buf, len, 54));
}

/* RFC 3442: the classless routes are to be asked for before the router. */
static void test_parameters_ask_for_classless_routes_before_routers(void **state)
{
	struct dhcp4_request m = request(DHCP4_DISCOVER);
	const uint8_t *p = option_in(buf, dhcp4_build(&m, buf, sizeof(buf)), 55);
	const uint8_t *classless = memchr(p + 2, 121, p[1]), *router = memchr(p + 2, 3, p[1]);

	(void)state;
	assert_non_null(classless);
	assert_non_null(router);
	assert_true(classless < router);
}

/* RFC 2131 table 5 */
static void test_release_and_decline_ask_for_nothing(void **state)
{
	struct dhcp4_request m = request(DHCP4_RELEASE);
	size_t len;

	(void)state;
	m.server = addr_of("10.0.0.2");
	len = dhcp4_build(&m, buf, sizeof(buf));
	assert_memory_equal(option_in(buf, len, 54), ((const uint8_t[]){ 54, 4, 10, 0, 0, 2 }), 6);
	assert_null(option_in(buf, len, 55));
	assert_null(option_in(buf, len, 57));
	assert_null(option_in(buf, len, 12));
}

static void test_build_refuses_a_buffer_that_is_too_small(void **state)
{
	struct dhcp4_request m = request(DHCP4_DISCOVER);

	(void)state;
	for (size_t room = 0; room < 300; room++)
		assert_int_equal(dhcp4_build(&m, buf, room), 0);
}

static void test_reply_fields_and_options_are_read(void **state)
{
	(void)state;
	PARSE(53, 1, 5, 54, 4, 10, 0, 0, 2, 51, 4, 0, 0, 14, 16, 58, 4, 0, 0, 7, 8, 59, 4, 0, 0, 12, 78, 1, 4, 255, 255, 255, 0,
	      28, 4, 10, 0, 0, 255, 26, 2, 5, 120, 3, 8, 10, 0, 0, 1, 10, 0, 0, 3, 6, 4, 9, 9, 9, 9, 42, 4, 10, 0, 0, 5,
	      15, 11, 'e', 'x', 'a', 'm', 'p', 'l', 'e', '.', 'o', 'r', 'g', 61, 3, 1, 2, 3, 255);
	assert_int_equal(reply.xid, 0xca0000fe);
	assert_int_equal(reply.type, DHCP4_ACK);
	assert_addr(&reply.yiaddr, "10.0.0.9");
	assert_addr(&reply.server, "10.0.0.2");
	assert_addr(&reply.mask, "255.255.255.0");
	assert_addr(&reply.broadcast, "10.0.0.255");
	assert_true(reply.has_lease);
	assert_int_equal(reply.lease_s, 3600);
	assert_int_equal(reply.t1_s, 1800);
	assert_int_equal(reply.t2_s, 3150);
	assert_int_equal(reply.mtu, 1400);
	assert_int_equal(reply.routers.count, 2);
	assert_addr(&reply.routers.addr[1], "10.0.0.3");
	assert_int_equal(reply.dns.count, 1);
	assert_addr(&reply.dns.addr[0], "9.9.9.9");
	assert_int_equal(reply.ntp.count, 1);
	assert_string_equal(reply.domains.name[0], "example.org");
	assert_true(reply.has_client_id);
	assert_int_equal(reply.client_id_len, 3);
	assert_int_equal(reply.auto_configure, -1);
}

/* RFC 3442's own examples: 0/0, 10/8, 10.0/16, 10.27.129/24 and a host. */
static void test_classless_routes_are_read_as_rfc_3442_writes_them(void **state)
{
	(void)state;
	PARSE(121, 35, 0, 10, 0, 0, 1, 8, 10, 10, 0, 0, 2, 16, 10, 0, 10, 0, 0, 3, 24, 10, 27, 129, 0, 0, 0, 0, 32, 10, 229, 0, 128,
	      10, 0, 0, 5, 255);
	assert_true(reply.has_classless);
	assert_int_equal(reply.route_count, 5);
	assert_int_equal(reply.routes[0].dst.len, 96);
	assert_addr(&reply.routes[0].gateway, "10.0.0.1");
	assert_int_equal(reply.routes[1].dst.len, 96 + 8);
	assert_addr(&reply.routes[1].dst.addr, "10.0.0.0");
	assert_addr(&reply.routes[3].dst.addr, "10.27.129.0");
	assert_addr(&reply.routes[3].gateway, "0.0.0.0");
	assert_int_equal(reply.routes[4].dst.len, 128);
	assert_addr(&reply.routes[4].dst.addr, "10.229.0.128");
}

static void test_classless_routes_end_at_the_first_that_is_wrong(void **state)
{
	(void)state;
	PARSE(121, 12, 8, 10, 10, 0, 0, 2, 33, 1, 2, 3, 4, 5, 255);
	assert_int_equal(reply.route_count, 1);
	PARSE(121, 9, 8, 10, 10, 0, 0, 2, 24, 10, 27, 255); /* cut off */
	assert_int_equal(reply.route_count, 1);
}

/* RFC 3396 section 5 */
static void test_an_option_in_pieces_is_joined(void **state)
{
	(void)state;
	PARSE(121, 3, 8, 10, 10, 53, 1, 2, 121, 3, 0, 0, 2, 255);
	assert_int_equal(reply.type, DHCP4_OFFER);
	assert_int_equal(reply.route_count, 1);
	assert_addr(&reply.routes[0].gateway, "10.0.0.2");
}

/* RFC 2132 section 9.3 */
static void test_file_and_sname_carry_options_when_overloaded(void **state)
{
	const uint8_t options[] = { 53, 1, 2, 52, 1, 3, 255 };
	size_t len = reply_with(options, sizeof(options));

	(void)state;
	memcpy(buf + FILE_AT, (const uint8_t[]){ 54, 4, 10, 0, 0, 2, 255 }, 7);
	memcpy(buf + SNAME_AT, (const uint8_t[]){ 51, 4, 0, 0, 0, 60, 255 }, 7);
	assert_int_equal(dhcp4_parse(buf, len, &reply), 0);
	assert_addr(&reply.server, "10.0.0.2");
	assert_int_equal(reply.lease_s, 60);
}

static void test_file_and_sname_are_no_options_otherwise(void **state)
{
	const uint8_t options[] = { 53, 1, 2, 255 };
	size_t len = reply_with(options, sizeof(options));

	(void)state;
	memcpy(buf + FILE_AT, (const uint8_t[]){ 54, 4, 10, 0, 0, 2, 255 }, 7);
	assert_int_equal(dhcp4_parse(buf, len, &reply), 0);
	assert_addr(&reply.server, "0.0.0.0");
}

static void test_malformed_options_count_as_absent(void **state)
{
	(void)state;
	PARSE(53, 2, 5, 5, 51, 3, 0, 0, 1, 26, 1, 5, 54, 5, 1, 2, 3, 4, 5, 6, 3, 1, 2, 3, 255);
	assert_int_equal(reply.type, 0);
	assert_false(reply.has_lease);
	assert_int_equal(reply.mtu, 0);
	assert_addr(&reply.server, "0.0.0.0");
	assert_int_equal(reply.dns.count, 0);
}

static void test_options_end_where_one_is_cut_off(void **state)
{
	(void)state;
	PARSE(53, 1, 5, 51, 4, 0);
	assert_int_equal(reply.type, DHCP4_ACK);
	assert_false(reply.has_lease);
}

static void test_a_domain_with_other_characters_is_left_out(void **state)
{
	(void)state;
	PARSE(15, 4, 'a', ';', 'r', 'm', 255);
	assert_int_equal(reply.domains.count, 0);
	PARSE(15, 4, 'a', '.', 'b', 0, 255);
	assert_string_equal(reply.domains.name[0], "a.b");
}

/* RFC 3397 section 2: its own example, with a pointer, in two pieces */
static void test_3397_2_search_domains_are_joined_and_uncompressed(void **state)
{
	(void)state;
	PARSE(119, 9, 3, 'e', 'n', 'g', 5, 'a', 'p', 'p', 'l', 119, 9, 'e', 3, 'c', 'o', 'm', 0, 9, 'm', 'a', 119, 9, 'r', 'k', 'e', 't', 'i',
	      'n', 'g', 0xc0, 4, 255);
	assert_int_equal(reply.domains.count, 2);
	assert_string_equal(reply.domains.name[0], "eng.apple.com");
	assert_string_equal(reply.domains.name[1], "marketing.apple.com");
}

static void test_3397_search_domains_come_before_the_own_one(void **state)
{
	(void)state;
	PARSE(15, 3, 'a', '.', 'b', 119, 5, 1, 'x', 1, 'y', 0, 255);
	assert_int_equal(reply.domains.count, 1);
	assert_string_equal(reply.domains.name[0], "x.y");
}

static void test_3397_pointers_that_lead_nowhere_end_the_list(void **state)
{
	(void)state;
	PARSE(119, 5, 1, 'x', 0, 0xc0, 3, 255); /* to itself */
	assert_int_equal(reply.domains.count, 1);
	PARSE(119, 2, 0xc0, 0, 255);
	assert_int_equal(reply.domains.count, 0);
	PARSE(119, 4, 0xc0, 2, 0xc0, 0, 255); /* in a ring */
	assert_int_equal(reply.domains.count, 0);
	PARSE(119, 6, 1, 'x', 0xc0, 0, 0xc0, 0, 255); /* a name that contains itself */
	assert_int_equal(reply.domains.count, 0);
	PARSE(119, 3, 1, 'x', 0xc0, 255); /* cut off */
	assert_int_equal(reply.domains.count, 0);
	PARSE(119, 3, 0x41, 'x', 0, 255); /* no length and no pointer (RFC 1035 section 4.1.4) */
	assert_int_equal(reply.domains.count, 0);
	PARSE(119, 4, 2, 'x', ' ', 0, 255);
	assert_int_equal(reply.domains.count, 0);
}

static void test_3397_of_many_search_domains_the_first_are_kept(void **state)
{
	uint8_t options[2 + 3 * 20 + 1] = { 119, 3 * 20 };
	size_t len;

	(void)state;
	for (size_t i = 0; i < 20; i++)
		memcpy(options + 2 + 3 * i, "\1a", 3);
	options[sizeof(options) - 1] = 255;
	len = reply_with(options, sizeof(options));
	assert_int_equal(dhcp4_parse(buf, len, &reply), 0);
	assert_int_equal(reply.domains.count, DHCP_DOMAINS_MAX);
}

static void test_8925_3_1_ipv6_only_is_read(void **state)
{
	(void)state;
	PARSE(108, 4, 0, 0, 7, 8, 255);
	assert_true(reply.has_ipv6_only);
	assert_int_equal(reply.ipv6_only_s, 1800);
	PARSE(108, 3, 0, 0, 7, 255);
	assert_false(reply.has_ipv6_only);
}

static void test_auto_configure_is_read(void **state)
{
	(void)state;
	PARSE(116, 1, 0, 255);
	assert_int_equal(reply.auto_configure, 0);
	PARSE(116, 1, 1, 255);
	assert_int_equal(reply.auto_configure, 1);
}

static void test_what_is_no_bootreply_over_ethernet_is_refused(void **state)
{
	const uint8_t options[] = { 53, 1, 5, 255 };
	size_t len = reply_with(options, sizeof(options));

	(void)state;
	for (size_t n = 0; n < FIXED + COOKIE; n++)
		assert_int_equal(dhcp4_parse(buf, n, &reply), -EBADMSG);
	for (int at = 0; at < 3; at++) {
		buf[at] ^= 1;
		assert_int_equal(dhcp4_parse(buf, len, &reply), -EBADMSG);
		buf[at] ^= 1;
	}
	buf[FIXED] ^= 1;
	assert_int_equal(dhcp4_parse(buf, len, &reply), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_discover_is_a_bootrequest_of_at_least_300_bytes),
		cmocka_unit_test(test_parameters_ask_for_classless_routes_before_routers),
		cmocka_unit_test(test_release_and_decline_ask_for_nothing),
		cmocka_unit_test(test_build_refuses_a_buffer_that_is_too_small),
		cmocka_unit_test(test_reply_fields_and_options_are_read),
		cmocka_unit_test(test_classless_routes_are_read_as_rfc_3442_writes_them),
		cmocka_unit_test(test_classless_routes_end_at_the_first_that_is_wrong),
		cmocka_unit_test(test_an_option_in_pieces_is_joined),
		cmocka_unit_test(test_file_and_sname_carry_options_when_overloaded),
		cmocka_unit_test(test_file_and_sname_are_no_options_otherwise),
		cmocka_unit_test(test_malformed_options_count_as_absent),
		cmocka_unit_test(test_options_end_where_one_is_cut_off),
		cmocka_unit_test(test_a_domain_with_other_characters_is_left_out),
		cmocka_unit_test(test_3397_2_search_domains_are_joined_and_uncompressed),
		cmocka_unit_test(test_3397_search_domains_come_before_the_own_one),
		cmocka_unit_test(test_3397_pointers_that_lead_nowhere_end_the_list),
		cmocka_unit_test(test_3397_of_many_search_domains_the_first_are_kept),
		cmocka_unit_test(test_8925_3_1_ipv6_only_is_read),
		cmocka_unit_test(test_auto_configure_is_read),
		cmocka_unit_test(test_what_is_no_bootreply_over_ethernet_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
