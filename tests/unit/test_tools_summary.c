/* SPDX-License-Identifier: BSD-2-Clause */
/* test_tools_summary.c - the one-line summary of a captured packet, from packets written by hand after their RFCs. */
#include "tools/summary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ETH(type) 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, (type) >> 8, (type) & 0xff

static void line_is(const uint8_t *data, size_t len, bool is_ethernet, const char *expected)
{
	struct summary p = summary_parse(data, len, is_ethernet);
	char *s;
	size_t n;
	FILE *f = open_memstream(&s, &n);

	assert_non_null(f);
	summary_print(f, &p);
	fclose(f);
	assert_string_equal(s, expected);
	free(s);
}

static const uint8_t tcp4[] = {
	ETH(0x0800),
	0x45, 0, 0, 43, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 77, 0, 1, 10, 77, 0, 2, /* RFC 791 */
	0x10, 0x92, 0, 80, 0, 0, 0, 7, 0, 0, 0, 9, 0x50, 0x18, 0xfa, 0xf0, 0, 0, 0, 0, 'a', 'b', 'c', /* RFC 9293 */
};

static void test_summary_tcp_shows_ports_flags_numbers_and_payload(void **state)
{
	(void)state;
	line_is(tcp4, sizeof(tcp4), true, "IPv4 10.77.0.1:4242 > 10.77.0.2:80 TCP PSH,ACK seq 7 ack 9 win 64240 len 3");
}

static void test_summary_without_ethernet_begins_with_ip(void **state)
{
	(void)state;
	line_is(tcp4 + 14, sizeof(tcp4) - 14, false, "IPv4 10.77.0.1:4242 > 10.77.0.2:80 TCP PSH,ACK seq 7 ack 9 win 64240 len 3");
}

static void test_summary_behind_vlan_tag_is_read(void **state)
{
	uint8_t tagged[sizeof(tcp4) + 4] = { ETH(0x8100), 0x60, 5, 8, 0 };

	(void)state;
	memcpy(tagged + 18, tcp4 + 14, sizeof(tcp4) - 14);
	line_is(tagged, sizeof(tagged), true, "vlan 5 IPv4 10.77.0.1:4242 > 10.77.0.2:80 TCP PSH,ACK seq 7 ack 9 win 64240 len 3");
}

static void test_summary_arp_request_and_reply(void **state)
{
	uint8_t arp[] = { ETH(0x0806), 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 77, 0, 1, 0, 0, 0, 0, 0, 0, 10, 77, 0, 2 };

	(void)state;
	line_is(arp, sizeof(arp), true, "ARP request who has 10.77.0.2, tell 10.77.0.1");
	arp[31] = 1; /* target and sender are the same, then: no sender yet (RFC 5227) */
	arp[41] = 1;
	line_is(arp, sizeof(arp), true, "ARP announcement 10.77.0.1 is at 02:00:00:00:00:01");
	memset(arp + 28, 0, 4);
	line_is(arp, sizeof(arp), true, "ARP probe: does anybody have 10.77.0.1");
	memcpy(arp + 28, (uint8_t[]){ 10, 77, 0, 1 }, 4);
	arp[21] = 2;
	line_is(arp, sizeof(arp), true, "ARP reply 10.77.0.1 is at 02:00:00:00:00:01");
}

static void test_summary_ip4_fragments_show_place_and_size(void **state)
{
	uint8_t first[] = { ETH(0x0800), 0x45, 0, 0, 28, 0, 1, 0x20, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 1, 0, 2, 0, 16, 0, 0 };

	(void)state;
	line_is(first, sizeof(first), true, "IPv4 10.0.0.1:1 > 10.0.0.2:2 UDP fragment 0+8, more follow");
	first[20] = 0;
	first[21] = 1; /* offset 8: what lies there is payload, no ports */
	line_is(first, sizeof(first), true, "IPv4 10.0.0.1 > 10.0.0.2 UDP fragment 8+8, last");
}

static void test_summary_ip6_extension_headers_are_walked(void **state)
{
	uint8_t p[] = {
		0x60, 0, 0, 0, 0, 24, 0, 64, /* RFC 8200: hop-by-hop options come next */
		0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
		60, 0, 1, 4, 0, 0, 0, 0, /* then destination options */
		58, 0, 1, 4, 0, 0, 0, 0, /* then ICMPv6 */
		128, 0, 0, 0, 0, 1, 0, 1,
	};

	(void)state;
	line_is(p, sizeof(p), false, "IPv6 fd77::1 > fd77::2 ICMPv6 echo request (type 128 code 0) len 0");
}

static void test_summary_ip6_fragment_header_is_read(void **state)
{
	uint8_t p[] = {
		0x60, 0, 0, 0, 0, 24, 44, 64,
		0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
		17, 0, 0x05, 0xa8, 0, 0, 0, 1, /* offset 1448, last */
		0, 1, 0, 2, 0, 3, 0, 4, 0, 1, 0, 2, 0, 3, 0, 4,
	};

	(void)state;
	line_is(p, sizeof(p), false, "IPv6 fd77::1 > fd77::2 UDP fragment 1448+16, last");
}

static void test_summary_of_unknown_type_shows_addresses_and_type(void **state)
{
	static const uint8_t p[] = { ETH(0x88cc), 1, 2, 3 };

	(void)state;
	line_is(p, sizeof(p), true, "02:00:00:00:00:01 > 02:00:00:00:00:02 ethertype 0x88cc");
}

static void test_summary_cut_short_says_so_at_every_length(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(tcp4) - 7; n++) { /* up to the window field */
		uint8_t *exact = malloc(n ? n : 1); /* the sanitizer sees a read beyond */
		struct summary p;

		assert_non_null(exact);
		memcpy(exact, tcp4, n);
		p = summary_parse(exact, n, true);
		assert_true(p.is_cut);
		assert_false(p.has_tcp);
		free(exact);
	}
	assert_false(summary_parse(tcp4, sizeof(tcp4) - 7, true).is_cut);
}

static void test_summary_of_random_bytes_is_read_within_bounds(void **state)
{
	uint32_t x = 12345;
	char *s;
	size_t n;
	FILE *f = open_memstream(&s, &n);

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t len = (x >> 8) % 96;
		uint8_t *b = malloc(len ? len : 1);
		struct summary p;
		json_t *o = json_object();

		assert_non_null(b);
		for (size_t k = 0; k < len; k++)
			b[k] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
		if (len > 14) {
			static const uint8_t types[3][2] = { { 8, 0 }, { 0x86, 0xdd }, { 8, 6 } };

			memcpy(b + 12, types[i % 3], 2);
		}
		x = x * 1664525 + 1013904223;
		p = summary_parse(b, len, i & 1);
		summary_print(f, &p);
		summary_to_json(o, &p);
		json_decref(o);
		free(b);
	}
	fclose(f);
	assert_true(n > 20000);
	free(s);
}

static void test_summary_json_has_numbers_and_nulls(void **state)
{
	struct summary p = summary_parse(tcp4, sizeof(tcp4), true);
	json_t *o = json_object();

	(void)state;
	summary_to_json(o, &p);
	assert_int_equal(json_integer_value(json_object_get(o, "dport")), 80);
	assert_int_equal(json_integer_value(json_object_get(o, "payload_bytes")), 3);
	assert_string_equal(json_string_value(json_object_get(o, "tcp_flags")), "PSH,ACK");
	assert_string_equal(json_string_value(json_object_get(o, "src")), "10.77.0.1");
	assert_true(json_is_null(json_object_get(o, "icmp_type")));
	assert_true(json_is_null(json_object_get(o, "vlan")));
	json_decref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_summary_tcp_shows_ports_flags_numbers_and_payload),
		cmocka_unit_test(test_summary_without_ethernet_begins_with_ip),
		cmocka_unit_test(test_summary_behind_vlan_tag_is_read),
		cmocka_unit_test(test_summary_arp_request_and_reply),
		cmocka_unit_test(test_summary_ip4_fragments_show_place_and_size),
		cmocka_unit_test(test_summary_ip6_extension_headers_are_walked),
		cmocka_unit_test(test_summary_ip6_fragment_header_is_read),
		cmocka_unit_test(test_summary_of_unknown_type_shows_addresses_and_type),
		cmocka_unit_test(test_summary_cut_short_says_so_at_every_length),
		cmocka_unit_test(test_summary_of_random_bytes_is_read_within_bounds),
		cmocka_unit_test(test_summary_json_has_numbers_and_nulls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
