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
#include "tests/lib/ra.h"

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
	assert_int_equal(stack_dhcp6_start(b.st, b.ifindex, "desk", b.now_us), 0);
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
	assert_int_equal(bed_stat(&b, "dhcp6.drop.client_id"), 1);
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

/* ---- Section 15: how often each message is sent, and when ---- */

/* After the first message: so many more of this type, the first of them after @irt_s, each of the others after twice as long as the one
 * before, all a tenth more or less; and each says how long the exchange lasts. */
static void expect_doubled(uint8_t type, unsigned irt_s, unsigned n)
{
	uint64_t at = out.at_us, first = at, previous = irt_s * SECOND / 2;

	for (unsigned i = 0; i < n; i++) {
		uint64_t tenth = previous / (i == 0 ? 5 : 10);

		expect_message(type);
		assert_in_range(out.at_us - at, 2 * previous - tenth - 4096, 2 * previous + tenth + 4096);
		assert_in_range(be16(option(OPT_ELAPSED) + 4), (out.at_us - first) / 10000 - 1, (out.at_us - first) / 10000 + 1);
		previous = out.at_us - at;
		at = out.at_us;
	}
}

static void test_8415_18_2_1_the_first_solicit_waits_longer_than_a_second(void **state)
{
	uint64_t at;

	(void)state;
	solicit();
	at = out.at_us;
	bed_run(&b, 2ull * SECOND);
	expect_message(SOLICIT);
	assert_in_range(out.at_us - at, SECOND + 1, SECOND * 11 / 10 + 2048);
}

static void test_8415_15_requests_come_after_1_2_4_8_16_and_then_30_seconds(void **state)
{
	uint64_t at;

	(void)state;
	solicit();
	answer_with_ia(ADVERTISE, an_hour);
	bed_run(&b, 250ull * SECOND);
	expect_message(REQUEST);
	assert_int_equal(be16(option(OPT_ELAPSED) + 4), 0);
	expect_doubled(REQUEST, 1, 5);
	at = out.at_us;
	for (int i = 0; i < 4; i++) {
		expect_message(REQUEST);
		assert_in_range(out.at_us - at, 27ull * SECOND - 2048, 33ull * SECOND + 2048);
		at = out.at_us;
	}
}

static void test_8415_15_renewals_come_after_10_20_40_seconds_until_t2(void **state)
{
	struct ia ia = { .addr = leased, .t1 = 1000, .t2 = 1400, .preferred = 2000, .valid = 3000 };
	uint64_t bound_at;

	(void)state;
	get_addr(ia);
	bound_at = b.now_us;
	bed_run(&b, 1400ull * SECOND - 10000);
	expect_message(RENEW);
	assert_in_range(out.at_us - bound_at, 1000ull * SECOND, 1000ull * SECOND + 2048);
	expect_doubled(RENEW, 10, 5);
	expect_no_message();
	bed_run(&b, 20000);
	expect_message(REBIND);
	assert_in_range(out.at_us - bound_at, 1400ull * SECOND, 1400ull * SECOND + 2048);
	bed_run(&b, 350ull * SECOND);
	expect_doubled(REBIND, 10, 5);
}

static void test_8415_15_confirms_come_for_ten_seconds(void **state)
{
	uint64_t first;
	int n = 1;

	(void)state;
	get_addr(an_hour);
	link_goes_and_comes();
	expect_message(CONFIRM);
	assert_int_equal(be16(option(OPT_ELAPSED) + 4), 0);
	first = out.at_us;
	bed_run(&b, 20ull * SECOND);
	while (next_message()) {
		assert_int_equal(ip.payload[0], CONFIRM);
		assert_in_range(out.at_us - first, 0, 10ull * SECOND);
		n++;
	}
	assert_in_range(n, 3, 4); /* 0, 1, 3, 7 s, each a tenth more or less */
}

static void take_away(const char *addr)
{
	bed_inject(&b, buf, lan_nd(buf, other_mac, addr, "ff02::1", LAN_NA, LAN_OVERRIDE, addr, other_mac));
}

static void test_8415_15_declines_are_four_at_most(void **state)
{
	(void)state;
	get_addr(an_hour);
	take_away(leased);
	expect_message(DECLINE);
	assert_int_equal(be16(option(OPT_ELAPSED) + 4), 0);
	bed_run(&b, 30ull * SECOND);
	expect_doubled(DECLINE, 1, 3);
	expect_message(SOLICIT);
}

/* A server that has nothing but an address that another host has, and offers it again and again */
static void test_8415_18_2_8_declining_in_a_circle_becomes_ever_slower(void **state)
{
	int n = 0;

	(void)state;
	dhcp6_on_advertisement(b.st, b.ifindex, true, false);
	for (int i = 0; i < 3000; i++) {
		bed_run(&b, SECOND / 5);
		while (next_message()) {
			struct answer a = answer(REPLY);

			if (ip.payload[0] == SOLICIT) {
				add_option(&a, OPT_RAPID_COMMIT, NULL, 0);
				add_ia(&a, &an_hour);
				n++;
			}
			send_answer(&a);
			if (has_addr(leased))
				take_away(leased);
		}
	}
	assert_in_range(n, 7, 9); /* 0, 0, 10, 30, 70, 150, 310, 630 s */
}

static void test_8415_15_releases_are_four_at_most(void **state)
{
	(void)state;
	get_addr(an_hour);
	assert_int_equal(stack_dhcp6_stop(b.st, b.ifindex, b.now_us), 0);
	bed_turn(&b);
	expect_message(RELEASE);
	bed_run(&b, 100ull * SECOND);
	expect_doubled(RELEASE, 1, 3);
	expect_no_message();
}

static void test_8415_18_2_7_a_release_ends_with_its_reply(void **state)
{
	struct answer a;

	(void)state;
	get_addr(an_hour);
	assert_int_equal(stack_dhcp6_stop(b.st, b.ifindex, b.now_us), 0);
	bed_turn(&b);
	expect_message(RELEASE);
	a = answer(REPLY);
	add_option(&a, OPT_STATUS, "\0\3", 2); /* NoBinding is an answer too */
	send_answer(&a);
	bed_run(&b, 100ull * SECOND);
	expect_no_message();
}

static void test_a_client_starts_again_while_its_release_is_under_way(void **state)
{
	struct answer a;

	(void)state;
	get_addr(an_hour);
	assert_int_equal(stack_dhcp6_stop(b.st, b.ifindex, b.now_us), 0);
	bed_turn(&b);
	expect_message(RELEASE);
	a = answer(REPLY);
	assert_int_equal(stack_dhcp6_start(b.st, b.ifindex, "desk", b.now_us), 0);
	dhcp6_on_advertisement(b.st, b.ifindex, true, false);
	send_answer(&a);
	bed_run(&b, 900000);
	expect_message(SOLICIT);
	expect_no_message();
	answer_with_ia(ADVERTISE, an_hour);
	bed_run(&b, 1200000);
	expect_message(REQUEST);
}

static void test_8415_15_information_requests_are_doubled(void **state)
{
	(void)state;
	dhcp6_on_advertisement(b.st, b.ifindex, false, true);
	bed_run(&b, 100ull * SECOND);
	expect_message(INFORMATION_REQUEST);
	expect_doubled(INFORMATION_REQUEST, 1, 6);
}

/* ---- Section 21.7, table 4: what is asked for ---- */

static bool asks_for(uint16_t code)
{
	const uint8_t *oro = option(OPT_ORO);

	for (size_t i = 0; oro && i < be16(oro + 2); i += 2)
		if (be16(oro + 4 + i) == code)
			return true;
	return false;
}

static void test_8415_21_7_solicit_request_renew_and_rebind_ask_for_parameters_and_sol_max_rt(void **state)
{
	(void)state;
	solicit();
	assert_true(asks_for(OPT_DNS) && asks_for(OPT_DOMAINS) && asks_for(OPT_NTP) && asks_for(OPT_SOL_MAX_RT));
	answer_with_ia(ADVERTISE, an_hour);
	bed_run(&b, 1200000);
	expect_message(REQUEST);
	assert_true(asks_for(OPT_DNS) && asks_for(OPT_SOL_MAX_RT));
	assert_null(option(OPT_RAPID_COMMIT));
	answer_with_ia(REPLY, an_hour);
	bed_run(&b, 901ull * SECOND);
	expect_message(RENEW);
	assert_true(asks_for(OPT_DNS) && asks_for(OPT_SOL_MAX_RT));
	bed_run(&b, 600ull * SECOND);
	do
		assert_true(next_message());
	while (ip.payload[0] != REBIND);
	assert_true(asks_for(OPT_DNS) && asks_for(OPT_SOL_MAX_RT));
}

static void test_8415_21_7_information_request_asks_for_the_refresh_time_and_inf_max_rt(void **state)
{
	(void)state;
	dhcp6_on_advertisement(b.st, b.ifindex, false, true);
	bed_run(&b, SECOND);
	expect_message(INFORMATION_REQUEST);
	assert_true(asks_for(OPT_DNS) && asks_for(OPT_REFRESH) && asks_for(83));
	assert_false(asks_for(OPT_SOL_MAX_RT));
}

/* "Decline, Release, Confirm": section 21.7 forbids it */
static void test_8415_21_7_confirm_decline_and_release_ask_for_nothing(void **state)
{
	struct answer a;

	(void)state;
	get_addr(an_hour);
	link_goes_and_comes();
	expect_message(CONFIRM);
	assert_null(option(OPT_ORO));
	a = answer(REPLY);
	add_option(&a, OPT_STATUS, "\0\0", 2);
	send_answer(&a);
	bed_drop_all(&b); /* the confirmations that came before the answer */
	assert_int_equal(stack_dhcp6_stop(b.st, b.ifindex, b.now_us), 0);
	bed_turn(&b);
	expect_message(RELEASE);
	assert_null(option(OPT_ORO));
}

static bool next_from(uint32_t ifindex)
{
	while (next_message())
		if (out.ifindex == ifindex)
			return true;
	return false;
}

/* Section 11: one identifier for the host; section 12: an association identifier for each link */
static void test_8415_11_the_host_has_one_duid_on_all_its_links(void **state)
{
	struct link_config config = { .name = "second", .kind = LINK_ETHERNET, .mac = { 0x02, 0, 0, 0, 9, 9 }, .mtu = 1500 };
	int second = stack_add_link(b.st, &config);

	(void)state;
	assert_true(second > 0);
	bed_run(&b, 10ull * SECOND);
	assert_int_equal(stack_dhcp6_start(b.st, (uint32_t)second, "desk", b.now_us), 0);
	dhcp6_on_advertisement(b.st, (uint32_t)second, true, false);
	bed_run(&b, SECOND);
	assert_true(next_from((uint32_t)second));
	assert_memory_equal(option(OPT_CLIENTID) + 8, bed_mac, 6);
	assert_memory_equal(option(OPT_IA_NA) + 4, config.mac + 2, 4);
}

/* ---- Section 18.2.10.1: statuses ---- */

static void request(void)
{
	solicit();
	answer_with_ia(ADVERTISE, an_hour);
	bed_run(&b, 1200000);
	expect_message(REQUEST);
}

static void reply_with_status(uint8_t status)
{
	struct answer a = answer(REPLY);

	add_option(&a, OPT_STATUS, (const uint8_t[]){ 0, status }, 2);
	send_answer(&a);
}

static void test_8415_18_2_10_1_unspec_fail_is_asked_again_in_time(void **state)
{
	uint64_t at;

	(void)state;
	request();
	at = out.at_us;
	reply_with_status(1);
	expect_no_message(); /* not at once */
	bed_run(&b, 1200000);
	expect_message(REQUEST);
	assert_in_range(out.at_us - at, 900000 - 2048, 1100000 + 2048);
}

static void test_8415_18_2_10_use_multicast_is_what_we_do(void **state)
{
	(void)state;
	request();
	reply_with_status(5);
	bed_run(&b, 1200000);
	expect_message(REQUEST); /* expect_message() looks at the group */
}

static void test_8415_18_2_10_1_not_on_link_begins_anew(void **state)
{
	(void)state;
	request();
	reply_with_status(4);
	expect_message(SOLICIT);
	assert_false(has_addr(leased));
}

static void test_8415_18_2_10_1_no_addresses_for_a_request_looks_for_another_server(void **state)
{
	struct ia none = { .status = 2 };

	(void)state;
	request();
	answer_with_ia(REPLY, none);
	bed_run(&b, SECOND);
	expect_message(SOLICIT);
}

static void test_8415_18_2_10_1_a_renewal_without_our_ia_is_asked_again_in_time(void **state)
{
	struct answer a;

	(void)state;
	get_addr(an_hour);
	bed_run(&b, 901ull * SECOND);
	expect_message(RENEW);
	a = answer(REPLY);
	send_answer(&a);
	assert_true(has_addr(leased));
	bed_run(&b, 11ull * SECOND);
	expect_message(RENEW);
}

static void test_8415_18_2_10_1_a_binding_that_no_server_knows_is_rebound(void **state)
{
	struct ia no_binding = { .status = 3 };

	(void)state;
	get_addr(an_hour);
	bed_run(&b, 901ull * SECOND);
	expect_message(RENEW);
	answer_with_ia(REPLY, no_binding);
	bed_run(&b, 200ull * SECOND);
	for (int i = 0; i < 10; i++)
		expect_message(REQUEST);
	expect_message(REBIND);
	assert_true(has_addr(leased));
}

static void test_8415_18_2_10_1_a_rebound_lease_is_the_other_servers(void **state)
{
	struct answer a;

	(void)state;
	get_addr(an_hour);
	bed_run(&b, 1441ull * SECOND);
	do
		assert_true(next_message());
	while (ip.payload[0] != REBIND);
	a = answer_of(REPLY, "OTHR");
	add_ia(&a, &an_hour);
	send_answer(&a);
	bed_run(&b, 901ull * SECOND);
	expect_message(RENEW);
	assert_memory_equal(option(OPT_SERVERID) + 4, "OTHR", 4);
}

/* ---- Sections 7.7, 14.2, 21.4, 21.6: times and several addresses ---- */

static void add_addr(struct answer *a, size_t ia_at, const char *text, uint32_t preferred, uint32_t valid)
{
	struct ip_addr addr = addr_of(text);

	add_u32(a, OPT_IAADDR << 16 | 24);
	add_bytes(a, addr.b, 16);
	add_u32(a, preferred);
	add_u32(a, valid);
	a->m[ia_at + 3] = (uint8_t)(a->len - ia_at - 4);
}

static void get_two_addresses(void)
{
	struct answer a;
	size_t ia_at;

	solicit();
	a = answer(REPLY);
	add_option(&a, OPT_RAPID_COMMIT, NULL, 0);
	ia_at = a.len;
	add_ia(&a, &an_hour);
	add_addr(&a, ia_at, "2001:db8::98", 1000, 2000);
	add_addr(&a, ia_at, "2001:db8::97", 2001, 2000); /* is left out, and nothing else is (section 21.6) */
	send_answer(&a);
}

static void test_8415_21_4_several_addresses_each_live_their_own_time(void **state)
{
	uint64_t at;

	(void)state;
	get_two_addresses();
	at = b.now_us;
	assert_int_equal(info_now().addr_count, 2);
	assert_true(has_addr(leased) && has_addr("2001:db8::98"));
	assert_false(has_addr("2001:db8::97"));
	assert_in_range(info_now().t1_us - at, 500ull * SECOND, 500ull * SECOND); /* half of the shortest preferred lifetime */
	bed_run(&b, 501ull * SECOND);
	expect_message(RENEW);
	answer_with_ia(REPLY, an_hour); /* names one: the other goes on as it was */
	bed_run(&b, 1400ull * SECOND);
	assert_true(has_addr("2001:db8::98"));
	bed_run(&b, 110ull * SECOND);
	assert_false(has_addr("2001:db8::98"));
	assert_true(has_addr(leased));
}

static void test_8415_18_2_8_two_addresses_in_use_are_both_declined(void **state)
{
	const uint8_t *ia;

	(void)state;
	get_two_addresses();
	take_away(leased);
	expect_message(DECLINE);
	take_away("2001:db8::98");
	expect_message(DECLINE);
	ia = option(OPT_IA_NA);
	assert_int_equal(be16(ia + 2), 12 + 2 * 28);
	assert_false(has_addr(leased) || has_addr("2001:db8::98"));
}

static void test_8415_18_2_8_the_address_that_is_left_is_kept(void **state)
{
	(void)state;
	get_two_addresses();
	take_away(leased);
	expect_message(DECLINE);
	reply_with_status(0);
	assert_string_equal(info_now().state, "bound");
	assert_true(has_addr("2001:db8::98"));
}

static void test_t1_after_the_end_of_the_addresses_does_not_outlive_them(void **state)
{
	struct ia late = { .addr = leased, .t1 = 5000, .t2 = 6000, .preferred = 50, .valid = 100 };

	(void)state;
	get_addr(late);
	bed_run(&b, 102ull * SECOND);
	assert_false(has_addr(leased));
	expect_message(SOLICIT);
}

/* T1 would be 0: the next renewal would be at once, and so on */
static void test_8415_14_2_an_address_that_is_not_preferred_is_renewed_at_its_pace(void **state)
{
	struct ia deprecated = { .addr = leased, .preferred = 0, .valid = 1000 };
	int n = 0;

	(void)state;
	get_addr(deprecated);
	for (int i = 0; i < 600; i++) {
		bed_run(&b, SECOND);
		while (next_message()) {
			assert_int_equal(ip.payload[0], RENEW);
			answer_with_ia(REPLY, deprecated);
			n++;
		}
	}
	assert_int_equal(n, 1);
	assert_true(has_addr(leased));
}

static void test_8415_21_4_t1_after_t2_makes_the_ia_invalid(void **state)
{
	struct ia wrong = { .addr = leased, .t1 = 300, .t2 = 200, .preferred = 1800, .valid = 3600 };

	(void)state;
	solicit();
	answer_with_ia(ADVERTISE, wrong);
	bed_run(&b, 1200000);
	expect_message(SOLICIT);
}

/* ---- Section 14.1: not more than twenty in twenty seconds ---- */

static void test_8415_14_1_a_server_that_makes_us_go_in_circles_is_asked_slowly(void **state)
{
	int n = 0;

	(void)state;
	dhcp6_on_advertisement(b.st, b.ifindex, true, false);
	for (int i = 0; i < 600; i++) {
		bed_run(&b, SECOND / 10);
		while (next_message()) {
			struct answer a;

			n++;
			if (ip.payload[0] == SOLICIT) {
				a = answer(ADVERTISE);
				add_option(&a, OPT_PREFERENCE, "\xff", 1);
				add_ia(&a, &an_hour);
				send_answer(&a);
			} else {
				reply_with_status(4);
			}
		}
	}
	assert_in_range(n, 20, 20 + 61);
	assert_true(bed_stat(&b, "dhcp6.out_limited") > 0);
}

/* ---- Section 16: messages that are not for us ---- */

static void test_8415_16_messages_that_are_not_for_clients_are_refused_by_name(void **state)
{
	static const uint8_t types[] = { 0, SOLICIT, REQUEST, CONFIRM, RENEW, REBIND, RELEASE, DECLINE, INFORMATION_REQUEST, 12, 13, 14, 255 };
	struct answer a;

	(void)state;
	solicit();
	for (size_t i = 0; i < sizeof(types); i++) {
		a = answer(types[i]);
		add_ia(&a, &an_hour);
		send_answer(&a);
	}
	assert_int_equal(bed_stat(&b, "dhcp6.drop.type"), sizeof(types));
	a = answer(10);
	send_answer(&a);
	assert_int_equal(bed_stat(&b, "dhcp6.drop.reconfigure"), 1);
	a.len = 3;
	send_answer(&a);
	assert_int_equal(bed_stat(&b, "dhcp6.drop.malformed"), 1);
	bed_run(&b, 1200000);
	expect_message(SOLICIT);
}

/* An answer without the identifier with this code. */
static struct answer answer_without(uint16_t code, uint8_t type)
{
	const uint8_t *client = option(OPT_CLIENTID);
	struct answer a = { .len = 0 };

	add_u32(&a, (uint32_t)type << 24 | xid());
	if (code != OPT_CLIENTID)
		add_bytes(&a, client, 4 + be16(client + 2));
	if (code != OPT_SERVERID)
		add_option(&a, OPT_SERVERID, "SRV1", 4);
	add_ia(&a, &an_hour);
	return a;
}

static void test_8415_16_3_advertise_needs_both_identifiers(void **state)
{
	struct answer a;

	(void)state;
	solicit();
	a = answer_without(OPT_SERVERID, ADVERTISE);
	send_answer(&a);
	assert_int_equal(bed_stat(&b, "dhcp6.drop.server_id"), 1);
	a = answer_without(OPT_CLIENTID, ADVERTISE);
	send_answer(&a);
	assert_int_equal(bed_stat(&b, "dhcp6.drop.client_id"), 1);
	bed_run(&b, 1200000);
	expect_message(SOLICIT);
}

static void test_8415_16_10_reply_needs_both_identifiers(void **state)
{
	struct answer a;

	(void)state;
	request();
	a = answer_without(OPT_SERVERID, REPLY);
	send_answer(&a);
	assert_int_equal(bed_stat(&b, "dhcp6.drop.server_id"), 1);
	a = answer_without(OPT_CLIENTID, REPLY);
	send_answer(&a);
	assert_int_equal(bed_stat(&b, "dhcp6.drop.client_id"), 1);
	assert_false(has_addr(leased));
	answer_with_ia(REPLY, an_hour);
	assert_true(has_addr(leased));
}

static void test_8415_21_1_of_an_identifier_that_comes_twice_the_first_counts(void **state)
{
	struct answer a;

	(void)state;
	solicit();
	a = answer(ADVERTISE);
	add_option(&a, OPT_SERVERID, "EVIL", 4);
	add_ia(&a, &an_hour);
	send_answer(&a);
	bed_run(&b, 1200000);
	expect_message(REQUEST);
	assert_memory_equal(option(OPT_SERVERID) + 4, "SRV1", 4);
}

static void test_a_status_without_a_code_is_no_success(void **state)
{
	struct answer a;

	(void)state;
	request();
	a = answer(REPLY);
	add_option(&a, OPT_STATUS, "\0", 1);
	add_ia(&a, &an_hour);
	send_answer(&a);
	assert_false(has_addr(leased));
}

static void test_unknown_options_are_passed_over(void **state)
{
	struct answer a;

	(void)state;
	request();
	a = answer(REPLY);
	add_option(&a, 0xfedc, "whatever", 8);
	add_option(&a, 25, "\0\0\0\1\0\0\0\0\0\0\0\0", 12); /* an IA_PD that we did not ask for */
	add_ia(&a, &an_hour);
	send_answer(&a);
	assert_true(has_addr(leased));
}

static void test_an_option_that_is_cut_off_ends_the_options(void **state)
{
	struct answer a;

	(void)state;
	request();
	a = answer(REPLY);
	add_ia(&a, &an_hour);
	add_u32(&a, OPT_DNS << 16 | 16);
	send_answer(&a);
	assert_true(has_addr(leased));
	assert_int_equal(info_now().dns_count, 0);
}

static void test_a_reply_that_nothing_was_asked_for_changes_nothing(void **state)
{
	struct ia other = { .addr = "2001:db8::66", .preferred = 10, .valid = 20 }, zero = { .addr = leased };

	(void)state;
	get_addr(an_hour);
	answer_with_ia(REPLY, other);
	answer_with_ia(REPLY, zero);
	answer_with_ia(ADVERTISE, other);
	assert_int_equal(bed_stat(&b, "dhcp6.drop.unasked"), 3);
	assert_true(has_addr(leased));
	assert_false(has_addr("2001:db8::66"));
	expect_no_message();
}

static void test_a_flood_of_advertisements_leads_to_one_request(void **state)
{
	struct answer a;

	(void)state;
	solicit();
	for (int i = 0; i < 500; i++) {
		char duid[4] = { 'S', 'V', (char)('A' + i % 26), (char)('A' + i / 26) };

		a = answer_of(ADVERTISE, duid);
		add_ia(&a, &an_hour);
		send_answer(&a);
	}
	expect_no_message();
	bed_run(&b, 1050000 + 60000);
	expect_message(REQUEST);
	assert_memory_equal(option(OPT_SERVERID) + 4, "SVAA", 4);
	expect_no_message();
}

/* ---- RFC 3646 ---- */

static void test_3646_4_all_domains_of_the_list_are_kept(void **state)
{
	struct dhcp6_info info;
	struct answer a;

	(void)state;
	request();
	a = answer(REPLY);
	add_ia(&a, &an_hour);
	add_option(&a, OPT_DOMAINS, "\3abc\0\3def\2gh\0\1;\0\1z", 17);
	send_answer(&a);
	info = info_now();
	assert_int_equal(info.domains.count, 2);
	assert_string_equal(info.domains.name[0], "abc");
	assert_string_equal(info.domains.name[1], "def.gh");
}

/* RFC 3646 section 4: "MUST NOT" be compressed */
static void test_3646_domains_have_no_pointers(void **state)
{
	struct answer a;

	(void)state;
	request();
	a = answer(REPLY);
	add_ia(&a, &an_hour);
	add_option(&a, OPT_DOMAINS, "\3abc\0\xc0\0", 7);
	send_answer(&a);
	assert_int_equal(info_now().domains.count, 1);
}

static void test_parameters_go_with_their_network(void **state)
{
	struct ip_addr dns = addr_of("2001:db8::53");
	struct answer a;

	(void)state;
	dhcp6_on_advertisement(b.st, b.ifindex, false, true);
	bed_run(&b, SECOND);
	expect_message(INFORMATION_REQUEST);
	a = answer(REPLY);
	add_option(&a, OPT_DNS, dns.b, 16);
	send_answer(&a);
	assert_int_equal(info_now().dns_count, 1);
	link_goes_and_comes();
	assert_int_equal(info_now().dns_count, 0);
	dhcp6_on_advertisement(b.st, b.ifindex, false, true);
	bed_run(&b, SECOND);
	expect_message(INFORMATION_REQUEST);
}

static void test_parameters_end_with_the_lease_they_came_with(void **state)
{
	struct ip_addr dns = addr_of("2001:db8::53");
	struct answer a;

	(void)state;
	request();
	a = answer(REPLY);
	add_ia(&a, &an_hour);
	add_option(&a, OPT_DNS, dns.b, 16);
	send_answer(&a);
	assert_int_equal(info_now().dns_count, 1);
	bed_run(&b, 3601ull * SECOND);
	assert_int_equal(info_now().dns_count, 0);
}

static void test_a_client_that_starts_late_asks_for_what_was_advertised_before(void **state)
{
	struct ra r;

	(void)state;
	ra_begin(&r, server_ll, 1800);
	r.icmp[5] = RA_MANAGED;
	ra_send(&b, &r);
	assert_int_equal(stack_dhcp6_stop(b.st, b.ifindex, b.now_us), 0);
	assert_int_equal(stack_dhcp6_start(b.st, b.ifindex, "desk", b.now_us), 0);
	bed_run(&b, SECOND);
	expect_message(SOLICIT);
}

/* ---- RFC 4704: the host's name ---- */

enum { OPT_FQDN = 39 };

static void test_4704_5_messages_for_addresses_have_the_hosts_name(void **state)
{
	(void)state;
	solicit();
	assert_non_null(option(OPT_FQDN));
	assert_int_equal(be16(option(OPT_FQDN) + 2), 6);
	assert_memory_equal(option(OPT_FQDN) + 4, "\1\4desk", 6); /* a part of a name is not ended (section 4.2) */
	assert_true(asks_for(OPT_FQDN));
	answer_with_ia(ADVERTISE, an_hour);
	bed_run(&b, 1200000);
	expect_message(REQUEST);
	assert_non_null(option(OPT_FQDN));
	answer_with_ia(REPLY, an_hour);
	bed_run(&b, 901ull * SECOND);
	expect_message(RENEW);
	assert_non_null(option(OPT_FQDN));
}

static void test_4704_5_other_messages_have_not(void **state)
{
	(void)state;
	get_addr(an_hour);
	take_away(leased);
	expect_message(DECLINE);
	assert_null(option(OPT_FQDN));
}

static void start_as(const char *hostname)
{
	assert_int_equal(stack_dhcp6_stop(b.st, b.ifindex, b.now_us), 0);
	assert_int_equal(stack_dhcp6_start(b.st, b.ifindex, hostname, b.now_us), 0);
	solicit();
}

static void test_4704_4_2_a_whole_name_is_ended(void **state)
{
	(void)state;
	start_as("a.example");
	assert_int_equal(be16(option(OPT_FQDN) + 2), 12);
	assert_memory_equal(option(OPT_FQDN) + 4, "\1\1a\7example", 12);
}

static void test_what_is_no_host_name_is_not_sent(void **state)
{
	static const char *const names[] = { "", "a b", ".a", "a..b" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		start_as(names[i]);
		assert_null(option(OPT_FQDN));
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
		TEST(test_8415_18_2_1_the_first_solicit_waits_longer_than_a_second),
		TEST(test_8415_15_requests_come_after_1_2_4_8_16_and_then_30_seconds),
		TEST(test_8415_15_renewals_come_after_10_20_40_seconds_until_t2),
		TEST(test_8415_15_confirms_come_for_ten_seconds),
		TEST(test_8415_15_declines_are_four_at_most),
		TEST(test_8415_18_2_8_declining_in_a_circle_becomes_ever_slower),
		TEST(test_8415_15_releases_are_four_at_most),
		TEST(test_8415_18_2_7_a_release_ends_with_its_reply),
		TEST(test_a_client_starts_again_while_its_release_is_under_way),
		TEST(test_8415_15_information_requests_are_doubled),
		TEST(test_8415_21_7_solicit_request_renew_and_rebind_ask_for_parameters_and_sol_max_rt),
		TEST(test_8415_21_7_information_request_asks_for_the_refresh_time_and_inf_max_rt),
		TEST(test_8415_21_7_confirm_decline_and_release_ask_for_nothing),
		TEST(test_8415_11_the_host_has_one_duid_on_all_its_links),
		TEST(test_8415_18_2_10_1_unspec_fail_is_asked_again_in_time),
		TEST(test_8415_18_2_10_use_multicast_is_what_we_do),
		TEST(test_8415_18_2_10_1_not_on_link_begins_anew),
		TEST(test_8415_18_2_10_1_no_addresses_for_a_request_looks_for_another_server),
		TEST(test_8415_18_2_10_1_a_renewal_without_our_ia_is_asked_again_in_time),
		TEST(test_8415_18_2_10_1_a_binding_that_no_server_knows_is_rebound),
		TEST(test_8415_18_2_10_1_a_rebound_lease_is_the_other_servers),
		TEST(test_8415_21_4_several_addresses_each_live_their_own_time),
		TEST(test_8415_18_2_8_two_addresses_in_use_are_both_declined),
		TEST(test_8415_18_2_8_the_address_that_is_left_is_kept),
		TEST(test_t1_after_the_end_of_the_addresses_does_not_outlive_them),
		TEST(test_8415_14_2_an_address_that_is_not_preferred_is_renewed_at_its_pace),
		TEST(test_8415_21_4_t1_after_t2_makes_the_ia_invalid),
		TEST(test_8415_14_1_a_server_that_makes_us_go_in_circles_is_asked_slowly),
		TEST(test_8415_16_messages_that_are_not_for_clients_are_refused_by_name),
		TEST(test_8415_16_3_advertise_needs_both_identifiers),
		TEST(test_8415_16_10_reply_needs_both_identifiers),
		TEST(test_8415_21_1_of_an_identifier_that_comes_twice_the_first_counts),
		TEST(test_a_status_without_a_code_is_no_success),
		TEST(test_unknown_options_are_passed_over),
		TEST(test_an_option_that_is_cut_off_ends_the_options),
		TEST(test_a_reply_that_nothing_was_asked_for_changes_nothing),
		TEST(test_a_flood_of_advertisements_leads_to_one_request),
		TEST(test_3646_4_all_domains_of_the_list_are_kept),
		TEST(test_3646_domains_have_no_pointers),
		TEST(test_parameters_go_with_their_network),
		TEST(test_parameters_end_with_the_lease_they_came_with),
		TEST(test_a_client_that_starts_late_asks_for_what_was_advertised_before),
		TEST(test_4704_5_messages_for_addresses_have_the_hosts_name),
		TEST(test_4704_5_other_messages_have_not),
		TEST(test_4704_4_2_a_whole_name_is_ended),
		TEST(test_what_is_no_host_name_is_not_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
