/* SPDX-License-Identifier: BSD-2-Clause */
/* The DHCPv6 client by exact packets, in virtual time (RFC 8415; 3646, 5908). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "stack/dhcp6.h"
#include "tests/lib/bed.h"
#include "tests/lib/lan.h"
#include "tests/lib/packet.h"

enum { SOLICIT = 1, ADVERTISE, REQUEST, CONFIRM, RENEW, REBIND, REPLY, RELEASE, DECLINE, INFORMATION_REQUEST = 11 };
enum { OPT_CLIENTID = 1, OPT_SERVERID, OPT_IA_NA, OPT_IAADDR = 5, OPT_ORO, OPT_PREFERENCE, OPT_ELAPSED, OPT_STATUS = 13,
       OPT_RAPID_COMMIT, OPT_DNS = 23, OPT_DOMAINS, OPT_REFRESH = 32, OPT_NTP = 56, OPT_SOL_MAX_RT = 82 };
enum { SECOND = 1000000, ETH = 14 };

static const char leased[] = "2001:db8::99", server_ll[] = "fe80::2";
static const uint8_t other_mac[6] = { 0x02, 0, 0, 0, 0, 0x77 };

static struct bed b;
static struct bed_packet out;
static struct packet ip;
static uint8_t buf[4096];

static int setup(void **state)
{
	(void)state;
	bed_open_quiet(&b, 6);
	assert_int_equal(stack_dhcp6_start(b.st, b.ifindex, b.now_us), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_close(&b);
	return 0;
}

static struct dhcp6_info info_now(void)
{
	struct dhcp6_info info;

	assert_int_equal(stack_dhcp6_info(b.st, b.ifindex, &info), 0);
	return info;
}

/* ---- What it sends ---- */

static bool next_message(void)
{
	while (bed_next(&b, &out)) {
		if (out.len < ETH + 40 || out.data[12] != 0x86 || out.data[13] != 0xdd)
			continue;
		assert_null(packet_parse(out.data + ETH, out.len - ETH, NULL, &ip));
		if (ip.proto == 17 && ip.dport == 547)
			return true;
	}
	return false;
}

static size_t be16(const uint8_t *p)
{
	return (size_t)p[0] << 8 | p[1];
}

static const uint8_t *option_in(const uint8_t *p, size_t len, uint16_t code)
{
	for (size_t at = 0; at + 4 <= len; at += 4 + be16(p + at + 2))
		if (be16(p + at) == code)
			return p + at;
	return NULL;
}

static const uint8_t *option(uint16_t code)
{
	return option_in(ip.payload + 4, ip.payload_len - 4, code);
}

static uint32_t xid(void)
{
	return (uint32_t)ip.payload[1] << 16 | (uint32_t)ip.payload[2] << 8 | ip.payload[3];
}

static void expect_message(uint8_t type)
{
	struct ip_addr all = addr_of("ff02::1:2");

	assert_true(next_message());
	assert_int_equal(ip.payload[0], type);
	assert_int_equal(ip.sport, 546);
	assert_memory_equal(&ip.dst, &all, sizeof(all));
	assert_int_equal(ip.src.b[0], 0xfe); /* link-local (section 7.1) */
	assert_int_equal(ip.src.b[1], 0x80);
	assert_non_null(option(OPT_CLIENTID));
	assert_non_null(option(OPT_ELAPSED));
}

static void expect_no_message(void)
{
	assert_false(next_message());
}

/* The first address in the message's IA_NA. */
static void assert_names_addr(const char *text)
{
	struct ip_addr want = addr_of(text);
	const uint8_t *ia = option(OPT_IA_NA), *a;

	assert_non_null(ia);
	a = option_in(ia + 4 + 12, be16(ia + 2) - 12, OPT_IAADDR);
	assert_non_null(a);
	assert_memory_equal(a + 4, &want, 16);
}

/* ---- What the server answers ---- */

struct answer {
	uint8_t m[400];
	size_t len;
};

static void add_bytes(struct answer *a, const void *p, size_t n)
{
	memcpy(a->m + a->len, p, n);
	a->len += n;
}

static void add_u32(struct answer *a, uint32_t v)
{
	add_bytes(a, (const uint8_t[]){ (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v }, 4);
}

static void add_option(struct answer *a, uint16_t code, const void *value, size_t n)
{
	add_u32(a, (uint32_t)code << 16 | (uint32_t)n);
	if (n > 0)
		add_bytes(a, value, n);
}

/* An answer to the last message from the server with this DUID, without more. */
static struct answer answer_of(uint8_t type, const char duid[4])
{
	struct answer a = { .len = 0 };
	const uint8_t *client = option(OPT_CLIENTID);

	add_u32(&a, (uint32_t)type << 24 | xid());
	add_bytes(&a, client, 4 + be16(client + 2));
	add_option(&a, OPT_SERVERID, duid, 4);
	return a;
}

static struct answer answer(uint8_t type)
{
	return answer_of(type, "SRV1");
}

struct ia {
	const char *addr; /* NULL: none */
	uint32_t t1, t2, preferred, valid;
	uint16_t status;
};

static void add_ia(struct answer *a, const struct ia *ia)
{
	size_t start = a->len;

	add_u32(a, OPT_IA_NA << 16);
	add_bytes(a, bed_mac + 2, 4);
	add_u32(a, ia->t1);
	add_u32(a, ia->t2);
	if (ia->addr) {
		struct ip_addr addr = addr_of(ia->addr);

		add_u32(a, OPT_IAADDR << 16 | 24);
		add_bytes(a, addr.b, 16);
		add_u32(a, ia->preferred);
		add_u32(a, ia->valid);
	}
	if (ia->status)
		add_option(a, OPT_STATUS, (const uint8_t[]){ 0, (uint8_t)ia->status }, 2);
	a->m[start + 3] = (uint8_t)(a->len - start - 4);
}

static void send_answer(const struct answer *a)
{
	char to[IP_ADDR_TEXT_MAX];
	size_t len;

	ip_addr_print(&ip.src, to);
	len = packet_udp(buf, server_ll, 547, to, 546, a->m, a->len);
	bed_inject(&b, buf, packet_ethernet(buf, len, bed_mac, bed_peer_mac));
}

static void answer_with_ia(uint8_t type, struct ia ia)
{
	struct answer a = answer(type);

	add_ia(&a, &ia);
	send_answer(&a);
}

/* ---- Ways to states ---- */

static const struct ia an_hour = { .addr = leased, .preferred = 1800, .valid = 3600 };

static void solicit(void)
{
	dhcp6_on_advertisement(b.st, b.ifindex, true, false);
	bed_run(&b, SECOND);
	expect_message(SOLICIT);
}

static void get_addr(struct ia ia)
{
	solicit();
	answer_with_ia(ADVERTISE, ia);
	bed_run(&b, 1200000);
	expect_message(REQUEST);
	answer_with_ia(REPLY, ia);
	assert_string_equal(info_now().state, "bound");
}

struct found {
	const char *addr;
	bool is_there;
	struct addr_info info;
};

static bool look(void *ctx, const struct addr_info *info)
{
	struct found *f = ctx;
	struct ip_addr want = addr_of(f->addr);

	if (memcmp(&info->prefix.addr, &want, sizeof(want)) != 0)
		return true;
	f->is_there = true;
	f->info = *info;
	return false;
}

static bool has_addr(const char *text)
{
	struct found f = { .addr = text };

	stack_each_addr(b.st, look, &f);
	return f.is_there;
}

/* ---- Section 18.2.1: SOLICIT ---- */

static void test_nothing_is_sent_before_a_router_says_so(void **state)
{
	(void)state;
	bed_run(&b, 600ull * SECOND);
	expect_no_message();
	assert_string_equal(info_now().state, "idle");
}

static void test_8415_18_2_1_solicit_has_client_id_ia_and_rapid_commit(void **state)
{
	(void)state;
	solicit();
	assert_null(option(OPT_SERVERID));
	assert_non_null(option(OPT_RAPID_COMMIT));
	assert_non_null(option(OPT_ORO));
	assert_memory_equal(option(OPT_CLIENTID) + 4, ((const uint8_t[]){ 0, 3, 0, 1 }), 4);
	assert_memory_equal(option(OPT_CLIENTID) + 8, bed_mac, 6);
	assert_memory_equal(option(OPT_IA_NA) + 4, bed_mac + 2, 4);
	assert_int_equal(be16(option(OPT_ELAPSED) + 4), 0);
}

/* Section 15: doubled, a tenth more or less, up to an hour */
static void test_8415_15_solicit_is_repeated_with_doubled_delays(void **state)
{
	uint64_t at, delay = SECOND, gap = 0;

	(void)state;
	solicit();
	at = out.at_us;
	bed_run(&b, 20000ull * SECOND);
	for (int i = 0; i < 11; i++, delay = gap * 2) {
		expect_message(SOLICIT);
		gap = out.at_us - at;
		assert_in_range(gap, delay * 94 / 100 - 2048, delay * 106 / 100 + 100000 + 2048);
		assert_true(be16(option(OPT_ELAPSED) + 4) > 0);
		at = out.at_us;
	}
	while (next_message()) {
		assert_in_range(out.at_us - at, 0, 3960ull * SECOND + 2048);
		at = out.at_us;
	}
}

static void test_8415_18_2_9_the_first_second_is_waited_out_for_the_best_preference(void **state)
{
	struct answer a;

	(void)state;
	solicit();
	a = answer_of(ADVERTISE, "LOW_");
	add_ia(&a, &an_hour);
	send_answer(&a);
	a = answer_of(ADVERTISE, "HIGH");
	add_option(&a, OPT_PREFERENCE, "\x0a", 1);
	add_ia(&a, &an_hour);
	send_answer(&a);
	expect_no_message();
	bed_run(&b, 1200000);
	expect_message(REQUEST);
	assert_memory_equal(option(OPT_SERVERID) + 4, "HIGH", 4);
	assert_names_addr(leased);
}

static void test_8415_18_2_1_preference_255_is_taken_at_once(void **state)
{
	struct answer a;

	(void)state;
	solicit();
	a = answer(ADVERTISE);
	add_option(&a, OPT_PREFERENCE, "\xff", 1);
	add_ia(&a, &an_hour);
	send_answer(&a);
	expect_message(REQUEST);
}

static void test_8415_18_2_1_rapid_commit_needs_no_request(void **state)
{
	struct answer a;

	(void)state;
	solicit();
	a = answer(REPLY);
	add_option(&a, OPT_RAPID_COMMIT, NULL, 0);
	add_ia(&a, &an_hour);
	send_answer(&a);
	assert_true(has_addr(leased));
	expect_no_message();
}

static void test_8415_18_2_1_a_reply_without_rapid_commit_is_refused(void **state)
{
	(void)state;
	solicit();
	answer_with_ia(REPLY, an_hour);
	assert_false(has_addr(leased));
	assert_int_equal(bed_stat(&b, "dhcp6.drop.unasked"), 1);
}

static void test_8415_18_2_9_an_advertisement_without_addresses_is_refused(void **state)
{
	struct ia none = { .status = 2 };

	(void)state;
	solicit();
	answer_with_ia(ADVERTISE, none);
	bed_run(&b, 1200000);
	expect_message(SOLICIT);
	assert_int_equal(bed_stat(&b, "dhcp6.drop.incomplete"), 1);
}

/* ---- Section 18.2.10: REPLY ---- */

static void test_8415_18_2_10_1_reply_gives_the_address_with_its_lifetimes(void **state)
{
	struct found f = { .addr = leased };

	(void)state;
	get_addr(an_hour);
	stack_each_addr(b.st, look, &f);
	assert_true(f.is_there);
	assert_string_equal(f.info.origin, "dhcp");
	assert_int_equal(f.info.prefix.len, 128);
	assert_in_range(f.info.valid_s, 3599, 3600);
	assert_in_range(f.info.preferred_s, 1799, 1800);
}

static void test_8415_18_2_2_request_is_given_up_after_ten(void **state)
{
	(void)state;
	solicit();
	answer_with_ia(ADVERTISE, an_hour);
	bed_run(&b, 400ull * SECOND);
	for (int i = 0; i < 10; i++)
		expect_message(REQUEST);
	expect_message(SOLICIT);
}

static void test_3646_and_5908_parameters_are_kept(void **state)
{
	struct ip_addr dns = addr_of("2001:db8::53"), ntp = addr_of("2001:db8::123");
	struct dhcp6_info info;
	uint8_t sub[20] = { 0, 1, 0, 16 };
	struct answer a;

	(void)state;
	solicit();
	a = answer(REPLY);
	add_option(&a, OPT_RAPID_COMMIT, NULL, 0);
	add_ia(&a, &an_hour);
	add_option(&a, OPT_DNS, dns.b, 16);
	add_option(&a, OPT_DOMAINS, "\7example\3org", 13);
	memcpy(sub + 4, ntp.b, 16);
	add_option(&a, OPT_NTP, sub, sizeof(sub));
	send_answer(&a);
	info = info_now();
	assert_int_equal(info.dns_count, 1);
	assert_memory_equal(&info.dns[0], &dns, 16);
	assert_int_equal(info.ntp_count, 1);
	assert_memory_equal(&info.ntp[0], &ntp, 16);
	assert_string_equal(info.domains.name[0], "example.org");
}

/* ---- Sections 18.2.4, 18.2.5: RENEW and REBIND ---- */

/* T1 and T2 of 0: half and eight tenths of the preferred lifetime */
static void test_8415_18_2_4_renew_goes_to_the_server_at_half_the_preferred_lifetime(void **state)
{
	uint64_t bound_at;

	(void)state;
	get_addr(an_hour);
	bound_at = b.now_us;
	bed_run(&b, 899ull * SECOND);
	expect_no_message();
	bed_run(&b, 2ull * SECOND);
	expect_message(RENEW);
	assert_in_range(out.at_us - bound_at, 900ull * SECOND, 900ull * SECOND + 2048);
	assert_memory_equal(option(OPT_SERVERID) + 4, "SRV1", 4);
	assert_names_addr(leased);
}

static void test_8415_18_2_10_1_renewal_extends_the_lifetimes(void **state)
{
	struct found f = { .addr = leased };

	(void)state;
	get_addr(an_hour);
	bed_run(&b, 901ull * SECOND);
	expect_message(RENEW);
	answer_with_ia(REPLY, an_hour);
	assert_string_equal(info_now().state, "bound");
	stack_each_addr(b.st, look, &f);
	assert_in_range(f.info.valid_s, 3599, 3600);
}

static void test_8415_18_2_5_rebind_goes_to_all_and_the_end_takes_the_address_away(void **state)
{
	(void)state;
	get_addr(an_hour);
	bed_run(&b, 1441ull * SECOND);
	assert_string_equal(info_now().state, "rebinding");
	do
		assert_true(next_message());
	while (ip.payload[0] != REBIND);
	assert_null(option(OPT_SERVERID));
	assert_names_addr(leased);
	bed_run(&b, 2150ull * SECOND);
	assert_true(has_addr(leased));
	bed_run(&b, 20ull * SECOND);
	assert_false(has_addr(leased));
	assert_string_equal(info_now().state, "soliciting");
}

static void test_8415_18_2_10_1_no_binding_leads_to_a_request(void **state)
{
	struct ia no_binding = { .status = 3 };

	(void)state;
	get_addr(an_hour);
	bed_run(&b, 901ull * SECOND);
	expect_message(RENEW);
	answer_with_ia(REPLY, no_binding);
	expect_message(REQUEST);
	assert_names_addr(leased);
	assert_true(has_addr(leased));
}

static void test_8415_18_2_10_1_a_valid_lifetime_of_zero_ends_the_address(void **state)
{
	struct ia zero = { .addr = leased };

	(void)state;
	get_addr(an_hour);
	bed_run(&b, 901ull * SECOND);
	expect_message(RENEW);
	answer_with_ia(REPLY, zero);
	assert_false(has_addr(leased));
	expect_message(SOLICIT);
}

static void test_8415_21_6_an_address_preferred_longer_than_valid_is_refused(void **state)
{
	struct ia wrong = { .addr = leased, .preferred = 3601, .valid = 3600 };

	(void)state;
	solicit();
	answer_with_ia(ADVERTISE, wrong);
	assert_int_equal(bed_stat(&b, "dhcp6.drop.incomplete"), 1);
}

static void test_8415_7_7_infinite_lifetimes_are_never_renewed(void **state)
{
	struct ia forever = { .addr = leased, .preferred = UINT32_MAX, .valid = UINT32_MAX };

	(void)state;
	get_addr(forever);
	bed_run(&b, 400ull * 86400 * SECOND);
	expect_no_message();
	assert_true(has_addr(leased));
}

/* ---- Sections 18.2.3, 18.2.7, 18.2.8: CONFIRM, RELEASE, DECLINE ---- */

static void link_goes_and_comes(void)
{
	assert_int_equal(stack_set_link_up(b.st, b.ifindex, false, b.now_us), 0);
	bed_run(&b, 5ull * SECOND);
	assert_int_equal(stack_set_link_up(b.st, b.ifindex, true, b.now_us), 0);
	bed_drop_all(&b);
	bed_run(&b, 2ull * SECOND);
}

static void test_8415_18_2_3_a_link_that_comes_back_confirms_its_addresses(void **state)
{
	struct answer a;

	(void)state;
	get_addr(an_hour);
	link_goes_and_comes();
	expect_message(CONFIRM);
	assert_null(option(OPT_SERVERID));
	assert_names_addr(leased);
	a = answer(REPLY);
	add_option(&a, OPT_STATUS, "\0\0", 2);
	send_answer(&a);
	assert_string_equal(info_now().state, "bound");
	assert_true(has_addr(leased));
}

static void test_8415_18_2_3_addresses_of_another_link_are_given_up(void **state)
{
	struct answer a;

	(void)state;
	get_addr(an_hour);
	link_goes_and_comes();
	expect_message(CONFIRM);
	a = answer(REPLY);
	add_option(&a, OPT_STATUS, "\0\4", 2);
	send_answer(&a);
	assert_false(has_addr(leased));
	do
		assert_true(next_message());
	while (ip.payload[0] != SOLICIT);
}

static void test_8415_18_2_3_without_an_answer_the_addresses_are_kept(void **state)
{
	(void)state;
	get_addr(an_hour);
	link_goes_and_comes();
	expect_message(CONFIRM);
	bed_run(&b, 15ull * SECOND);
	assert_string_equal(info_now().state, "bound");
	assert_true(has_addr(leased));
}

static void test_8415_18_2_7_stopping_releases_the_addresses(void **state)
{
	(void)state;
	get_addr(an_hour);
	assert_int_equal(stack_dhcp6_stop(b.st, b.ifindex, b.now_us), 0);
	bed_turn(&b);
	expect_message(RELEASE);
	assert_memory_equal(option(OPT_SERVERID) + 4, "SRV1", 4);
	assert_names_addr(leased);
	assert_false(has_addr(leased));
	assert_int_equal(stack_dhcp6_stop(b.st, b.ifindex, b.now_us), -ESRCH);
}

static void test_8415_18_2_8_an_address_in_use_is_declined(void **state)
{
	struct answer a;

	(void)state;
	get_addr(an_hour);
	bed_inject(&b, buf, lan_nd(buf, other_mac, leased, "ff02::1", LAN_NA, LAN_OVERRIDE, leased, other_mac));
	expect_message(DECLINE);
	assert_names_addr(leased);
	assert_memory_equal(option(OPT_SERVERID) + 4, "SRV1", 4);
	assert_false(has_addr(leased));
	a = answer(REPLY);
	send_answer(&a);
	expect_message(SOLICIT);
}

/* ---- Section 18.2.6: INFORMATION-REQUEST ---- */

static void test_8415_18_2_6_other_configuration_asks_for_parameters_only(void **state)
{
	struct ip_addr dns = addr_of("2001:db8::53");
	struct answer a;

	(void)state;
	dhcp6_on_advertisement(b.st, b.ifindex, false, true);
	bed_run(&b, SECOND);
	expect_message(INFORMATION_REQUEST);
	assert_null(option(OPT_IA_NA));
	assert_null(option(OPT_SERVERID));
	a = answer(REPLY);
	add_option(&a, OPT_DNS, dns.b, 16);
	send_answer(&a);
	assert_string_equal(info_now().state, "informed");
	assert_int_equal(info_now().dns_count, 1);
}

static void test_8415_21_23_parameters_are_asked_for_again_when_it_is_time(void **state)
{
	struct answer a;

	(void)state;
	dhcp6_on_advertisement(b.st, b.ifindex, false, true);
	bed_run(&b, SECOND);
	expect_message(INFORMATION_REQUEST);
	a = answer(REPLY);
	add_option(&a, OPT_REFRESH, "\0\0\0\x0a", 4); /* less than the minimum of 600 s */
	send_answer(&a);
	bed_run(&b, 599ull * SECOND);
	expect_no_message();
	bed_run(&b, 2ull * SECOND);
	expect_message(INFORMATION_REQUEST);
}

static void test_4861_4_2_managed_replaces_other(void **state)
{
	struct answer a;

	(void)state;
	dhcp6_on_advertisement(b.st, b.ifindex, false, true);
	bed_run(&b, SECOND);
	expect_message(INFORMATION_REQUEST);
	a = answer(REPLY);
	send_answer(&a);
	dhcp6_on_advertisement(b.st, b.ifindex, true, true);
	bed_run(&b, SECOND);
	expect_message(SOLICIT);
}

/* ---- Section 16: what is refused ---- */

static void test_8415_16_answers_for_others_are_refused_and_counted(void **state)
{
	struct answer a;

	(void)state;
	solicit();
	a = answer(ADVERTISE);
	add_ia(&a, &an_hour);
	a.m[3] ^= 1;
	send_answer(&a);
	assert_int_equal(bed_stat(&b, "dhcp6.drop.not_ours"), 1);
	a = answer(ADVERTISE);
	add_ia(&a, &an_hour);
	a.m[4 + 4 + 9] ^= 1; /* our client identifier */
	send_answer(&a);
	assert_int_equal(bed_stat(&b, "dhcp6.drop.malformed"), 1);
	bed_run(&b, 1200000);
	expect_message(SOLICIT);
}

static void test_8415_16_10_a_reply_of_another_server_than_the_one_asked_is_refused(void **state)
{
	struct answer a;

	(void)state;
	solicit();
	answer_with_ia(ADVERTISE, an_hour);
	bed_run(&b, 1200000);
	expect_message(REQUEST);
	a = answer_of(REPLY, "ROGU");
	add_ia(&a, &an_hour);
	send_answer(&a);
	assert_false(has_addr(leased));
	assert_int_equal(bed_stat(&b, "dhcp6.drop.unasked"), 1);
}

static void test_8415_21_24_sol_max_rt_is_obeyed(void **state)
{
	struct ia none = { .status = 2 };
	struct answer a;
	uint64_t at = 0;

	(void)state;
	solicit();
	a = answer(ADVERTISE);
	add_ia(&a, &none);
	add_option(&a, OPT_SOL_MAX_RT, "\0\0\0\x3c", 4);
	send_answer(&a);
	bed_run(&b, 1000ull * SECOND);
	while (next_message()) {
		assert_true(at == 0 || out.at_us - at <= 66ull * SECOND + 2048);
		at = out.at_us;
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_is_sent_before_a_router_says_so),
		TEST(test_8415_18_2_1_solicit_has_client_id_ia_and_rapid_commit),
		TEST(test_8415_15_solicit_is_repeated_with_doubled_delays),
		TEST(test_8415_18_2_9_the_first_second_is_waited_out_for_the_best_preference),
		TEST(test_8415_18_2_1_preference_255_is_taken_at_once),
		TEST(test_8415_18_2_1_rapid_commit_needs_no_request),
		TEST(test_8415_18_2_1_a_reply_without_rapid_commit_is_refused),
		TEST(test_8415_18_2_9_an_advertisement_without_addresses_is_refused),
		TEST(test_8415_18_2_10_1_reply_gives_the_address_with_its_lifetimes),
		TEST(test_8415_18_2_2_request_is_given_up_after_ten),
		TEST(test_3646_and_5908_parameters_are_kept),
		TEST(test_8415_18_2_4_renew_goes_to_the_server_at_half_the_preferred_lifetime),
		TEST(test_8415_18_2_10_1_renewal_extends_the_lifetimes),
		TEST(test_8415_18_2_5_rebind_goes_to_all_and_the_end_takes_the_address_away),
		TEST(test_8415_18_2_10_1_no_binding_leads_to_a_request),
		TEST(test_8415_18_2_10_1_a_valid_lifetime_of_zero_ends_the_address),
		TEST(test_8415_21_6_an_address_preferred_longer_than_valid_is_refused),
		TEST(test_8415_7_7_infinite_lifetimes_are_never_renewed),
		TEST(test_8415_18_2_3_a_link_that_comes_back_confirms_its_addresses),
		TEST(test_8415_18_2_3_addresses_of_another_link_are_given_up),
		TEST(test_8415_18_2_3_without_an_answer_the_addresses_are_kept),
		TEST(test_8415_18_2_7_stopping_releases_the_addresses),
		TEST(test_8415_18_2_8_an_address_in_use_is_declined),
		TEST(test_8415_18_2_6_other_configuration_asks_for_parameters_only),
		TEST(test_8415_21_23_parameters_are_asked_for_again_when_it_is_time),
		TEST(test_4861_4_2_managed_replaces_other),
		TEST(test_8415_16_answers_for_others_are_refused_and_counted),
		TEST(test_8415_16_10_a_reply_of_another_server_than_the_one_asked_is_refused),
		TEST(test_8415_21_24_sol_max_rt_is_obeyed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
