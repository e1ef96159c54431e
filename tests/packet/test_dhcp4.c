/* SPDX-License-Identifier: BSD-2-Clause */
/* The DHCPv4 client by exact packets, in virtual time (RFC 2131, 2563, 3442, 4361, 6842), and link-local addresses (RFC 3927). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/lib/bed.h"
#include "tests/lib/lan.h"
#include "tests/lib/packet.h"

enum { DISCOVER = 1, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE };
enum { SECOND = 1000000, ETH = 14, FIXED = 236 };

static const char server_addr[] = "10.0.0.2", lease_addr[] = "10.0.0.9";
static const uint8_t other_mac[6] = { 0x02, 0, 0, 0, 0, 0x77 };

static struct bed b;
static struct bed_packet out;
static struct packet ip;
static uint8_t buf[4096];

/* ---- A client on a link without an IPv4 address ---- */

static void start_with(const char *last_addr, bool linklocal)
{
	struct dhcp4_config config = { .hostname = "desk", .last_addr = addr_of(last_addr), .linklocal = linklocal };

	assert_int_equal(stack_dhcp4_start(b.st, b.ifindex, &config, b.now_us), 0);
}

static int setup(void **state)
{
	struct ip_addr a = addr_of(BED_ADDR4);

	(void)state;
	bed_open_quiet(&b, 5);
	assert_int_equal(stack_del_addr(b.st, b.ifindex, &a, b.now_us), 0);
	bed_drop_all(&b);
	bed_set(&b, "net.ipv4.conf.default.optimistic_acd", "1"); /* what probing before use does has tests of its own */
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_close(&b);
	return 0;
}

static const char *state_of_client(void)
{
	static struct dhcp4_info info;

	assert_int_equal(stack_dhcp4_info(b.st, b.ifindex, &info), 0);
	return info.state;
}

/* ---- What it sends ---- */

/* The client's next DHCP message, its IP packet taken apart into ip; other packets before it (probes) are thrown away. */
static bool next_message(void)
{
	while (bed_next(&b, &out)) {
		if (out.len < ETH + 20 || out.data[12] != 8 || out.data[13] != 0)
			continue;
		assert_null(packet_parse(out.data + ETH, out.len - ETH, NULL, &ip));
		if (ip.proto == 17 && ip.dport == 67)
			return true;
	}
	return false;
}

static const uint8_t *option(uint8_t code)
{
	const uint8_t *m = ip.payload;

	for (size_t at = FIXED + 4; at + 1 < ip.payload_len && m[at] != 255; at += m[at] == 0 ? 1 : 2u + m[at + 1])
		if (m[at] == code)
			return m + at;
	return NULL;
}

static uint32_t xid(void)
{
	const uint8_t *p = ip.payload + 4;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void expect_message(uint8_t type)
{
	assert_true(next_message());
	assert_int_equal(ip.sport, 68);
	assert_int_equal(ip.payload[0], 1);
	assert_memory_equal(ip.payload + 28, bed_mac, 6);
	assert_non_null(option(53));
	assert_int_equal(option(53)[2], type);
}

static void assert_addr_is(const struct ip_addr *a, const char *text)
{
	struct ip_addr want = addr_of(text);

	assert_memory_equal(a, &want, sizeof(want));
}

static void assert_broadcast_from(const char *src)
{
	assert_memory_equal(out.data, lan_broadcast, 6);
	assert_addr_is(&ip.src, src);
	assert_addr_is(&ip.dst, "255.255.255.255");
}

static void assert_option_addr(uint8_t code, const char *text)
{
	struct ip_addr want = addr_of(text);

	assert_non_null(option(code));
	assert_int_equal(option(code)[1], 4);
	assert_memory_equal(option(code) + 2, want.b + 12, 4);
}

static void assert_ciaddr(const char *text)
{
	struct ip_addr want = addr_of(text);

	assert_memory_equal(ip.payload + 12, want.b + 12, 4);
}

static void expect_no_message(void)
{
	assert_false(next_message());
}

/* ---- What the server answers ---- */

struct answer {
	uint8_t type;
	uint32_t xid;
	const char *yiaddr, *from, *to;
	const uint8_t *mac, *eth_dst;
	uint16_t sport;
	uint8_t options[200];
	size_t options_len;
};

static void add_option(struct answer *a, uint8_t code, const void *value, uint8_t len)
{
	a->options[a->options_len++] = code;
	a->options[a->options_len++] = len;
	memcpy(a->options + a->options_len, value, len);
	a->options_len += len;
}

static void add_u32(struct answer *a, uint8_t code, uint32_t v)
{
	add_option(a, code, (const uint8_t[]){ (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v }, 4);
}

static void add_addr(struct answer *a, uint8_t code, const char *text)
{
	struct ip_addr addr = addr_of(text);

	add_option(a, code, addr.b + 12, 4);
}

/* An answer to the last message, with the server's name and nothing else in it yet. */
static struct answer answer(uint8_t type)
{
	struct answer a = { .type = type, .xid = xid(), .yiaddr = lease_addr, .from = server_addr, .to = lease_addr,
			    .mac = bed_mac, .eth_dst = bed_mac, .sport = 67 };

	add_option(&a, 53, &a.type, 1);
	add_addr(&a, 54, server_addr);
	return a;
}

static struct answer lease(uint8_t type, uint32_t seconds)
{
	struct answer a = answer(type);

	add_u32(&a, 51, seconds);
	add_addr(&a, 1, "255.255.255.0");
	add_addr(&a, 3, "10.0.0.254");
	return a;
}

static void send_answer(const struct answer *a)
{
	uint8_t m[FIXED + 4 + 200 + 1] = { 2, 1, 6, 0, (uint8_t)(a->xid >> 24), (uint8_t)(a->xid >> 16), (uint8_t)(a->xid >> 8),
					   (uint8_t)a->xid };
	struct ip_addr yiaddr = addr_of(a->yiaddr);
	size_t len;

	memcpy(m + 16, yiaddr.b + 12, 4);
	memcpy(m + 28, a->mac, 6);
	memcpy(m + FIXED, (const uint8_t[]){ 0x63, 0x82, 0x53, 0x63 }, 4);
	memcpy(m + FIXED + 4, a->options, a->options_len);
	m[FIXED + 4 + a->options_len] = 255;
	len = packet_udp(buf, a->from, a->sport, a->to, 68, m, FIXED + 4 + a->options_len + 1);
	bed_inject(&b, buf, packet_ethernet(buf, len, a->eth_dst, bed_peer_mac));
}

/* ---- Ways to states ---- */

static void discover(void)
{
	start_with("0.0.0.0", false);
	bed_run(&b, SECOND);
	expect_message(DISCOVER);
}

/* Up to the REQUEST for an offer of so many seconds. */
static void request_lease(uint32_t seconds)
{
	struct answer offer;

	discover();
	offer = lease(OFFER, seconds);
	send_answer(&offer);
	expect_message(REQUEST);
}

static void get_lease(uint32_t seconds)
{
	struct answer a;

	request_lease(seconds);
	a = lease(ACK, seconds);
	send_answer(&a);
	assert_string_equal(state_of_client(), "bound");
}

/* The server asks where we are, so that we know where it is; what comes back is thrown away. */
static void introduce_server(void)
{
	bed_inject(&b, buf, lan_arp(buf, bed_mac, bed_peer_mac, LAN_ARP_REQUEST, server_addr, lease_addr));
	bed_drop_all(&b);
}

struct found {
	const char *addr;
	bool is_there;
	struct addr_info info;
};

static bool look_for_addr(void *ctx, const struct addr_info *info)
{
	struct found *f = ctx;
	struct ip_addr want = addr_of(f->addr);

	if (memcmp(&info->prefix.addr, &want, sizeof(want)) == 0) {
		f->is_there = true;
		f->info = *info;
	}
	return !f->is_there;
}

static bool has_addr(const char *text)
{
	struct found f = { .addr = text };

	stack_each_addr(b.st, look_for_addr, &f);
	return f.is_there;
}

static bool take_linklocal(void *ctx, const struct addr_info *info)
{
	if (memcmp(info->prefix.addr.b + 12, (const uint8_t[]){ 169, 254 }, 2) != 0)
		return true;
	*(struct ip_addr *)ctx = info->prefix.addr;
	return false;
}

/* The address of 169.254/16, or 0.0.0.0. */
static struct ip_addr linklocal_addr(void)
{
	struct ip_addr a = addr_of("0.0.0.0");

	stack_each_addr(b.st, take_linklocal, &a);
	return a;
}

static bool has_linklocal(void)
{
	struct ip_addr a = linklocal_addr(), none = addr_of("0.0.0.0");

	return memcmp(&a, &none, sizeof(a)) != 0;
}

struct route_look {
	const char *dst, *gateway;
	uint8_t len;
	bool found;
};

static bool look_for_route(void *ctx, const struct route_info *info)
{
	struct route_look *l = ctx;
	struct ip_addr dst = addr_of(l->dst), gateway = addr_of(l->gateway);

	l->found = info->config.prefix.len == 96 + l->len && memcmp(&info->config.prefix.addr, &dst, sizeof(dst)) == 0 &&
		   memcmp(&info->config.gateway, &gateway, sizeof(gateway)) == 0;
	return !l->found;
}

static bool has_route(const char *dst, uint8_t len, const char *gateway)
{
	struct route_look l = { .dst = dst, .len = len, .gateway = gateway };

	stack_each_route(b.st, look_for_route, &l);
	return l.found;
}

static bool take_mtu(void *ctx, const struct link_info *info)
{
	*(uint32_t *)ctx = info->config.mtu;
	return info->ifindex != b.ifindex;
}

static uint32_t mtu(void)
{
	uint32_t m = 0;

	stack_each_link(b.st, take_mtu, &m);
	return m;
}

/* ---- RFC 2131 section 4.4.1: from nothing to a lease ---- */

static void test_2131_4_1_discover_is_broadcast_from_no_address(void **state)
{
	(void)state;
	discover();
	assert_broadcast_from("0.0.0.0");
	assert_ciaddr("0.0.0.0");
	assert_null(option(50));
	assert_null(option(54));
}

/* RFC 4361 section 6.1: type 255, four bytes of IAID, a DUID */
static void test_4361_6_1_client_identifier_is_iaid_and_duid(void **state)
{
	(void)state;
	discover();
	assert_non_null(option(61));
	assert_int_equal(option(61)[2], 255);
	assert_memory_equal(option(61) + 7, ((const uint8_t[]){ 0, 3, 0, 1 }), 4);
	assert_memory_equal(option(61) + 11, bed_mac, 6);
}

static void test_2131_3_1_request_names_server_and_address_of_the_offer(void **state)
{
	struct answer a;
	uint32_t first;

	(void)state;
	discover();
	first = xid();
	a = lease(OFFER, 3600);
	send_answer(&a);
	expect_message(REQUEST);
	assert_broadcast_from("0.0.0.0");
	assert_int_equal(xid(), first);
	assert_option_addr(50, lease_addr);
	assert_option_addr(54, server_addr);
	assert_ciaddr("0.0.0.0");
}

static void test_2131_4_4_1_ack_configures_address_route_and_lifetimes(void **state)
{
	struct found f = { .addr = lease_addr };
	struct dhcp4_info info;

	(void)state;
	get_lease(3600);
	stack_each_addr(b.st, look_for_addr, &f);
	assert_true(f.is_there);
	assert_int_equal(f.info.prefix.len, 96 + 24);
	assert_string_equal(f.info.origin, "dhcp");
	assert_in_range(f.info.valid_s, 3595, 3600);
	assert_true(has_route("0.0.0.0", 0, "10.0.0.254"));
	assert_int_equal(stack_dhcp4_info(b.st, b.ifindex, &info), 0);
	assert_addr_is(&info.server, server_addr);
}

/* The server sends to the address that it offers, before it is ours */
static void test_2131_4_1_unicast_to_the_offered_address_is_heard(void **state)
{
	struct answer a;

	(void)state;
	discover();
	a = lease(OFFER, 60);
	a.to = "10.0.0.9";
	send_answer(&a);
	expect_message(REQUEST);
}

static void test_2131_4_1_broadcast_answers_are_heard(void **state)
{
	struct answer a;

	(void)state;
	discover();
	a = lease(OFFER, 60);
	a.to = "255.255.255.255";
	a.eth_dst = lan_broadcast;
	send_answer(&a);
	expect_message(REQUEST);
}

/* "the delay ... SHOULD be 4 seconds randomized by ... -1 to +1 ... doubled ... up to a maximum of 64 seconds" */
static void test_2131_4_1_discover_is_repeated_with_doubled_delays(void **state)
{
	static const uint64_t delays[] = { 4, 8, 16, 32, 64, 64 };
	uint64_t at;

	(void)state;
	discover();
	at = out.at_us;
	bed_run(&b, 200ull * SECOND);
	for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
		expect_message(DISCOVER);
		assert_in_range(out.at_us - at, (delays[i] - 1) * SECOND, (delays[i] + 1) * SECOND + 2048);
		at = out.at_us;
	}
}

static void test_2131_4_4_1_requests_without_answer_lead_back_to_discover(void **state)
{
	struct answer a;

	(void)state;
	discover();
	a = lease(OFFER, 60);
	send_answer(&a);
	for (int i = 0; i < 4; i++) {
		bed_run(&b, i == 0 ? 0 : 40ull * SECOND);
		expect_message(REQUEST);
	}
	bed_run(&b, 40ull * SECOND);
	expect_message(DISCOVER);
}

static void test_2131_3_1_nak_begins_anew_without_the_address(void **state)
{
	struct answer a;

	(void)state;
	request_lease(60);
	a = answer(NAK);
	a.yiaddr = "0.0.0.0";
	send_answer(&a);
	bed_run(&b, 2 * SECOND);
	expect_message(DISCOVER);
	assert_null(option(50));
	assert_int_equal(bed_stat(&b, "dhcp4.naks"), 1);
}

/* ---- Section 4.4.5: renewing ---- */

static void test_2131_4_4_5_renewal_goes_to_the_server_alone_at_half_the_lease(void **state)
{
	uint64_t bound_at;

	(void)state;
	get_lease(86400);
	introduce_server();
	bound_at = b.now_us;
	bed_run(&b, 43200ull * SECOND);
	expect_message(REQUEST);
	assert_in_range(out.at_us - bound_at, 42300ull * SECOND, 43200ull * SECOND);
	assert_addr_is(&ip.src, lease_addr);
	assert_addr_is(&ip.dst, server_addr);
	assert_ciaddr(lease_addr);
	assert_null(option(50));
	assert_null(option(54));
	assert_string_equal(state_of_client(), "renewing");
}

static void test_2131_4_4_5_renewal_extends_the_lease_and_keeps_the_address(void **state)
{
	struct answer a;

	(void)state;
	get_lease(7200);
	introduce_server();
	bed_run(&b, 3600ull * SECOND);
	expect_message(REQUEST);
	a = lease(ACK, 7200);
	send_answer(&a);
	assert_string_equal(state_of_client(), "bound");
	bed_run(&b, 3500ull * SECOND);
	expect_no_message();
	assert_true(has_addr(lease_addr));
	assert_true(has_route("0.0.0.0", 0, "10.0.0.254"));
}

static void test_2131_4_4_5_rebinding_is_broadcast_and_the_end_takes_the_address_away(void **state)
{
	(void)state;
	get_lease(3600);
	introduce_server();
	bed_run(&b, 3160ull * SECOND);
	assert_string_equal(state_of_client(), "rebinding");
	do
		assert_true(next_message());
	while (memcmp(out.data, lan_broadcast, 6) != 0);
	assert_broadcast_from(lease_addr);
	assert_ciaddr(lease_addr);
	assert_null(option(54));
	bed_run(&b, 430ull * SECOND);
	assert_true(has_addr(lease_addr));
	bed_run(&b, 20ull * SECOND);
	assert_false(has_addr(lease_addr));
	assert_false(has_route("0.0.0.0", 0, "10.0.0.254"));
	assert_string_equal(state_of_client(), "selecting");
}

static void test_2131_4_4_5_renewals_are_a_minute_apart_at_least(void **state)
{
	uint64_t last = 0, t2 = b.now_us + 3150ull * SECOND;

	(void)state;
	get_lease(3600);
	introduce_server();
	bed_run(&b, 3100ull * SECOND); /* T2 itself would cut a wait short */
	while (next_message() && out.at_us < t2) {
		assert_true(last == 0 || out.at_us - last >= 60ull * SECOND);
		last = out.at_us;
	}
	assert_true(last != 0);
}

static void test_2131_4_4_5_times_of_the_server_are_used_when_they_make_sense(void **state)
{
	struct dhcp4_info info;
	struct answer a;

	(void)state;
	request_lease(1000);
	a = lease(ACK, 1000);
	add_u32(&a, 58, 100);
	add_u32(&a, 59, 300);
	send_answer(&a);
	assert_int_equal(stack_dhcp4_info(b.st, b.ifindex, &info), 0);
	assert_in_range(info.t1_us - b.now_us, 98ull * SECOND - SECOND, 100ull * SECOND);
	assert_in_range(info.t2_us - b.now_us, 299ull * SECOND, 300ull * SECOND);
}

static void test_2131_3_3_an_infinite_lease_is_never_renewed(void **state)
{
	struct found f = { .addr = lease_addr };

	(void)state;
	get_lease(0xffffffff);
	introduce_server();
	bed_run(&b, 400ull * 86400 * SECOND);
	expect_no_message();
	stack_each_addr(b.st, look_for_addr, &f);
	assert_true(f.is_there);
	assert_int_equal(f.info.valid_s, LIFETIME_FOREVER);
}

/* ---- Section 4.4.2: an address held before ---- */

static void test_2131_4_4_2_init_reboot_asks_for_the_address_without_a_server(void **state)
{
	struct answer a;

	(void)state;
	start_with("10.0.0.7", false);
	bed_run(&b, SECOND);
	expect_message(REQUEST);
	assert_broadcast_from("0.0.0.0");
	assert_option_addr(50, "10.0.0.7");
	assert_null(option(54));
	assert_ciaddr("0.0.0.0");
	a = lease(ACK, 60);
	a.yiaddr = "10.0.0.7";
	send_answer(&a);
	assert_true(has_addr("10.0.0.7"));
}

static void test_2131_3_2_a_refused_address_is_not_asked_for_again(void **state)
{
	struct answer a;

	(void)state;
	start_with("10.0.0.7", false);
	bed_run(&b, SECOND);
	expect_message(REQUEST);
	a = answer(NAK);
	a.yiaddr = "0.0.0.0";
	a.to = "255.255.255.255";
	a.eth_dst = lan_broadcast;
	send_answer(&a);
	bed_run(&b, 2 * SECOND);
	expect_message(DISCOVER);
	assert_null(option(50));
}

static void test_2131_3_2_without_an_answer_the_address_is_a_wish(void **state)
{
	(void)state;
	start_with("10.0.0.7", false);
	bed_run(&b, 20ull * SECOND);
	expect_message(REQUEST);
	expect_message(REQUEST);
	expect_message(DISCOVER);
	assert_option_addr(50, "10.0.0.7");
}

static void test_2131_3_7_a_link_that_comes_back_asks_for_its_address(void **state)
{
	(void)state;
	get_lease(3600);
	assert_int_equal(stack_set_link_up(b.st, b.ifindex, false, b.now_us), 0);
	bed_run(&b, 10ull * SECOND);
	bed_drop_all(&b);
	assert_int_equal(stack_set_link_up(b.st, b.ifindex, true, b.now_us), 0);
	bed_run(&b, SECOND);
	expect_message(REQUEST);
	assert_option_addr(50, lease_addr);
	assert_null(option(54));
}

/* ---- What is refused ---- */

static void test_answers_for_others_are_refused_and_counted(void **state)
{
	struct answer a;

	(void)state;
	discover();
	a = lease(OFFER, 60);
	a.xid ^= 1;
	send_answer(&a);
	a = lease(OFFER, 60);
	a.mac = other_mac;
	send_answer(&a);
	expect_no_message();
	assert_int_equal(bed_stat(&b, "dhcp4.drop.not_ours"), 2);
	a = lease(OFFER, 60);
	a.sport = 68;
	a.to = "255.255.255.255";
	a.eth_dst = lan_broadcast;
	send_answer(&a);
	expect_no_message();
	assert_int_equal(bed_stat(&b, "dhcp4.drop.malformed"), 1);
}

static void test_6842_3_another_client_identifier_is_refused(void **state)
{
	struct answer a;

	(void)state;
	discover();
	a = lease(OFFER, 60);
	add_option(&a, 61, "\1\2\3", 3);
	send_answer(&a);
	expect_no_message();
	a = lease(OFFER, 60);
	add_option(&a, 61, option(61) + 2, option(61)[1]);
	send_answer(&a);
	expect_message(REQUEST);
}

static void test_2131_3_1_an_ack_of_another_server_than_the_chosen_is_refused(void **state)
{
	struct answer a;

	(void)state;
	request_lease(60);
	a = (struct answer){ .xid = xid(), .yiaddr = "10.0.0.66", .from = "10.0.0.3", .to = "10.0.0.66", .mac = bed_mac,
			     .eth_dst = bed_mac, .sport = 67 };
	add_option(&a, 53, (const uint8_t[]){ ACK }, 1);
	add_addr(&a, 54, "10.0.0.3");
	add_u32(&a, 51, 60);
	send_answer(&a);
	assert_string_equal(state_of_client(), "requesting");
	assert_int_equal(bed_stat(&b, "dhcp4.drop.unasked"), 1);
}

static void test_2131_table_3_an_ack_without_a_lease_time_is_refused(void **state)
{
	struct answer a;

	(void)state;
	request_lease(60);
	a = answer(ACK);
	send_answer(&a);
	assert_string_equal(state_of_client(), "requesting");
	assert_int_equal(bed_stat(&b, "dhcp4.drop.incomplete"), 1);
}

static void test_offers_of_useless_addresses_are_refused(void **state)
{
	static const char *const useless[] = { "0.0.0.0", "255.255.255.255", "224.0.0.5", "127.0.0.1", "240.0.0.1" };
	struct answer a;

	(void)state;
	discover();
	for (size_t i = 0; i < sizeof(useless) / sizeof(useless[0]); i++) {
		a = lease(OFFER, 60);
		a.yiaddr = useless[i];
		send_answer(&a);
		expect_no_message();
	}
	assert_int_equal(bed_stat(&b, "dhcp4.drop.incomplete"), sizeof(useless) / sizeof(useless[0]));
}

static void test_an_ack_that_nothing_was_asked_for_changes_nothing(void **state)
{
	struct answer a;

	(void)state;
	get_lease(3600);
	a = lease(ACK, 60);
	a.yiaddr = "10.0.0.66";
	send_answer(&a);
	assert_true(has_addr(lease_addr));
	assert_false(has_addr("10.0.0.66"));
}

/* ---- What a lease means ---- */

static void test_3442_classless_routes_replace_the_router(void **state)
{
	struct answer a;

	(void)state;
	request_lease(60);
	a = lease(ACK, 60);
	add_option(&a, 121, (const uint8_t[]){ 16, 172, 16, 10, 0, 0, 1, 0, 10, 0, 0, 3 }, 12);
	send_answer(&a);
	assert_true(has_route("172.16.0.0", 16, "10.0.0.1"));
	assert_true(has_route("0.0.0.0", 0, "10.0.0.3"));
	assert_false(has_route("0.0.0.0", 0, "10.0.0.254"));
}

/* A host route to the router first, then by it: how a /32 lease works (RFC 3442, "Local Subnet Routes") */
static void test_3442_a_router_off_the_network_is_reached_by_its_own_route(void **state)
{
	struct answer a;

	(void)state;
	request_lease(60);
	a = answer(ACK);
	add_u32(&a, 51, 60);
	add_addr(&a, 1, "255.255.255.255");
	add_option(&a, 121, (const uint8_t[]){ 32, 192, 0, 2, 1, 0, 0, 0, 0, 0, 192, 0, 2, 1 }, 14);
	send_answer(&a);
	assert_true(has_route("192.0.2.1", 32, "0.0.0.0"));
	assert_true(has_route("0.0.0.0", 0, "192.0.2.1"));
}

static void test_2132_5_1_mtu_holds_as_long_as_the_lease(void **state)
{
	struct answer a;

	(void)state;
	request_lease(60);
	a = lease(ACK, 60);
	add_option(&a, 26, "\5\x14", 2);
	send_answer(&a);
	assert_int_equal(mtu(), 1300);
	bed_run(&b, 61ull * SECOND);
	assert_false(has_addr(lease_addr));
	assert_int_equal(mtu(), 1500);
}

static void test_mtu_of_a_lease_holds_whatever_the_device_does(void **state)
{
	struct answer a;

	(void)state;
	request_lease(60);
	a = lease(ACK, 60);
	add_option(&a, 26, "\5\x14", 2);
	send_answer(&a);
	assert_int_equal(stack_set_link_mtu(b.st, b.ifindex, 9000), 0);
	assert_int_equal(mtu(), 1300);
	assert_int_equal(stack_set_link_mtu(b.st, b.ifindex, 1200), 0);
	assert_int_equal(mtu(), 1200);
	assert_int_equal(stack_set_link_mtu(b.st, b.ifindex, 9000), 0);
	bed_run(&b, 61ull * SECOND);
	assert_int_equal(mtu(), 9000);
}

static void test_mtu_that_is_a_mistake_is_not_taken(void **state)
{
	struct answer a;

	(void)state;
	request_lease(60);
	a = lease(ACK, 60);
	add_option(&a, 26, "\0\x44", 2);
	send_answer(&a);
	assert_int_equal(mtu(), 1500);
}

static void test_2131_4_4_6_stopping_releases_the_lease_to_its_server(void **state)
{
	(void)state;
	get_lease(3600);
	introduce_server();
	assert_int_equal(stack_dhcp4_stop(b.st, b.ifindex, b.now_us), 0);
	bed_turn(&b);
	expect_message(RELEASE);
	assert_addr_is(&ip.dst, server_addr);
	assert_ciaddr(lease_addr);
	assert_option_addr(54, server_addr);
	assert_false(has_addr(lease_addr));
	assert_int_equal(stack_dhcp4_stop(b.st, b.ifindex, b.now_us), -ESRCH);
}

/* RFC 2131 section 3.1 (5), RFC 5227 section 2.1.1 */
static void test_2131_3_1_an_address_in_use_is_declined(void **state)
{
	uint64_t declined_at;

	(void)state;
	get_lease(3600);
	bed_inject(&b, buf, lan_arp(buf, lan_broadcast, other_mac, LAN_ARP_REPLY, lease_addr, lease_addr));
	expect_message(DECLINE);
	assert_broadcast_from("0.0.0.0");
	assert_option_addr(50, lease_addr);
	assert_option_addr(54, server_addr);
	assert_ciaddr("0.0.0.0");
	assert_false(has_addr(lease_addr));
	declined_at = out.at_us;
	bed_run(&b, 15ull * SECOND);
	expect_message(DISCOVER);
	assert_true(out.at_us - declined_at >= 10ull * SECOND);
	assert_null(option(50));
}

/* RFC 5227 section 2.4 (b): a second conflict soon after we defended it gives the address up */
static void test_5227_2_4_a_lease_is_given_up_when_the_conflict_goes_on(void **state)
{
	(void)state;
	get_lease(3600);
	bed_run(&b, 20ull * SECOND);
	bed_drop_all(&b);
	bed_inject(&b, buf, lan_arp(buf, lan_broadcast, other_mac, LAN_ARP_REPLY, lease_addr, lease_addr));
	assert_true(has_addr(lease_addr));
	bed_run(&b, 5ull * SECOND);
	bed_inject(&b, buf, lan_arp(buf, lan_broadcast, other_mac, LAN_ARP_REPLY, lease_addr, lease_addr));
	expect_message(DECLINE);
	assert_false(has_addr(lease_addr));
}

/* ---- RFC 3927: link-local ---- */

static void test_3927_1_9_no_answer_leads_to_a_link_local_address(void **state)
{
	struct ip_addr a;

	(void)state;
	start_with("0.0.0.0", true);
	bed_run(&b, 5ull * SECOND);
	assert_false(has_linklocal());
	bed_run(&b, 40ull * SECOND);
	assert_true(has_linklocal());
	a = linklocal_addr();
	assert_in_range(a.b[14], 1, 254); /* section 2.1 */
	bed_run(&b, 100ull * SECOND);
	assert_true(next_message()); /* and the search for a server goes on */
}

static void test_3927_1_9_a_lease_ends_the_link_local_address(void **state)
{
	struct answer a;

	(void)state;
	start_with("0.0.0.0", true);
	bed_run(&b, 60ull * SECOND);
	assert_true(has_linklocal());
	while (next_message())
		;
	a = lease(OFFER, 3600);
	send_answer(&a);
	expect_message(REQUEST);
	a = lease(ACK, 3600);
	send_answer(&a);
	assert_false(has_linklocal());
	assert_true(has_addr(lease_addr));
}

static void test_2563_2_3_a_server_may_forbid_it(void **state)
{
	struct answer a;

	(void)state;
	start_with("0.0.0.0", true);
	bed_run(&b, SECOND);
	expect_message(DISCOVER);
	a = answer(OFFER);
	a.yiaddr = "0.0.0.0";
	a.to = "255.255.255.255";
	a.eth_dst = lan_broadcast;
	add_option(&a, 116, "\0", 1);
	send_answer(&a);
	bed_run(&b, 300ull * SECOND);
	assert_false(has_linklocal());
}

static void test_3927_2_2_1_a_conflict_takes_another_address(void **state)
{
	struct ip_addr first, second;
	char text[IP_ADDR_TEXT_MAX];

	(void)state;
	start_with("0.0.0.0", true);
	bed_run(&b, 16ull * SECOND);
	while (!has_linklocal())
		bed_run(&b, SECOND);
	first = linklocal_addr();
	ip_addr_print(&first, text);
	bed_inject(&b, buf, lan_arp(buf, lan_broadcast, other_mac, LAN_ARP_REPLY, text, text));
	assert_false(has_linklocal());
	bed_run(&b, SECOND);
	second = linklocal_addr();
	assert_true(has_linklocal());
	assert_memory_not_equal(&first, &second, sizeof(first));
}

/* "MAX_CONFLICTS (10) ... MUST limit the rate ... to no more than one new address per RATE_LIMIT_INTERVAL" (60 s) */
static void test_3927_2_2_1_after_ten_conflicts_one_address_a_minute(void **state)
{
	char text[IP_ADDR_TEXT_MAX];

	(void)state;
	start_with("0.0.0.0", true);
	while (!has_linklocal())
		bed_run(&b, SECOND);
	for (int i = 0; i < 10; i++) {
		struct ip_addr a = linklocal_addr();

		assert_true(has_linklocal());
		ip_addr_print(&a, text);
		bed_inject(&b, buf, lan_arp(buf, lan_broadcast, other_mac, LAN_ARP_REPLY, text, text));
		bed_run(&b, SECOND);
	}
	assert_false(has_linklocal());
	bed_run(&b, 55ull * SECOND);
	assert_false(has_linklocal());
	bed_run(&b, 10ull * SECOND);
	assert_true(has_linklocal());
}

static void test_3927_2_1_the_same_link_takes_the_same_address_again(void **state)
{
	struct ip_addr first, again;

	start_with("0.0.0.0", true);
	while (!has_linklocal())
		bed_run(&b, SECOND);
	first = linklocal_addr();
	teardown(state);
	setup(state);
	start_with("0.0.0.0", true);
	while (!has_linklocal())
		bed_run(&b, SECOND);
	again = linklocal_addr();
	assert_memory_equal(&first, &again, sizeof(first));
}

/* ---- RFC 2131 section 3.1 (5), RFC 5227 section 2.1: the address is probed before it is used ---- */

static const char *addr_state(const char *text)
{
	static struct found f;

	f = (struct found){ .addr = text };
	stack_each_addr(b.st, look_for_addr, &f);
	assert_true(f.is_there);
	return f.info.state;
}

static void get_lease_to_probe(uint32_t seconds)
{
	struct answer a;

	bed_set(&b, "net.ipv4.conf.default.optimistic_acd", "0");
	request_lease(seconds);
	a = lease(ACK, seconds);
	send_answer(&a);
	assert_string_equal(state_of_client(), "probing");
}

static void test_5227_2_1_a_leased_address_is_probed_before_it_is_used(void **state)
{
	int probes = 0;

	(void)state;
	get_lease_to_probe(3600);
	assert_string_equal(addr_state(lease_addr), "tentative");
	bed_inject(&b, buf, lan_arp(buf, lan_broadcast, bed_peer_mac, LAN_ARP_REQUEST, server_addr, lease_addr));
	assert_false(bed_next(&b, &out)); /* nor is it answered for */
	bed_run(&b, 8ull * SECOND);
	while (bed_next(&b, &out) && lan_is_arp(&out, lan_broadcast, LAN_ARP_REQUEST, "0.0.0.0", lease_addr))
		probes++;
	assert_int_equal(probes, 3);
	assert_true(lan_is_arp(&out, lan_broadcast, LAN_ARP_REQUEST, lease_addr, lease_addr));
	assert_string_equal(state_of_client(), "bound");
	assert_string_equal(addr_state(lease_addr), "preferred");
}

static void test_2131_3_1_an_address_found_in_use_was_never_ours(void **state)
{
	(void)state;
	get_lease_to_probe(3600);
	bed_run(&b, 2ull * SECOND);
	bed_inject(&b, buf, lan_arp(buf, bed_mac, other_mac, LAN_ARP_REPLY, lease_addr, "0.0.0.0"));
	expect_message(DECLINE);
	assert_int_equal(ip.payload[8] << 8 | ip.payload[9], 0); /* secs, table 5 */
	assert_false(has_addr(lease_addr));
	assert_string_equal(state_of_client(), "init");
}

/* RFC 5227 section 2.1.1: another host that probes for it at the same time wants it too */
static void test_5227_2_1_1_a_probe_by_another_host_is_a_conflict(void **state)
{
	(void)state;
	get_lease_to_probe(3600);
	bed_run(&b, 2ull * SECOND);
	bed_inject(&b, buf, lan_arp(buf, lan_broadcast, other_mac, LAN_ARP_REQUEST, "0.0.0.0", lease_addr));
	expect_message(DECLINE);
	assert_false(has_addr(lease_addr));
}

static void test_a_lease_that_ends_while_it_is_probed_is_lost(void **state)
{
	(void)state;
	get_lease_to_probe(2);
	bed_run(&b, 3ull * SECOND);
	assert_false(has_addr(lease_addr));
	assert_string_equal(state_of_client(), "selecting");
}

static void test_without_probes_a_leased_address_is_used_at_once(void **state)
{
	(void)state;
	bed_set(&b, "net.ipv4.conf.default.optimistic_acd", "0");
	bed_set(&b, "net.ipv4.conf.default.acd_probes", "0");
	get_lease(3600);
	assert_true(has_addr(lease_addr));
}

/* What was in use before the link was away goes on being used while it is looked for: connections do not wait */
static void test_an_address_that_was_in_use_stays_so_when_its_link_comes_back(void **state)
{
	(void)state;
	get_lease_to_probe(3600);
	bed_run(&b, 10ull * SECOND);
	assert_int_equal(stack_set_link_up(b.st, b.ifindex, false, b.now_us), 0);
	assert_int_equal(stack_set_link_up(b.st, b.ifindex, true, b.now_us), 0);
	assert_string_equal(addr_state(lease_addr), "optimistic");
}

/* RFC 3927 section 2.2.1 */
static void test_3927_2_2_1_a_link_local_address_is_probed_before_it_is_used(void **state)
{
	char text[IP_ADDR_TEXT_MAX];
	struct ip_addr a;

	(void)state;
	bed_set(&b, "net.ipv4.conf.default.optimistic_acd", "0");
	start_with("0.0.0.0", true);
	while (!has_linklocal())
		bed_run(&b, SECOND);
	a = linklocal_addr();
	ip_addr_print(&a, text);
	assert_string_equal(addr_state(text), "tentative");
	bed_run(&b, 8ull * SECOND);
	assert_string_equal(addr_state(text), "preferred");
}

/* The address of 169.254/16 works until the lease's does */
static void test_3927_1_9_the_link_local_address_stays_until_the_lease_can_be_used(void **state)
{
	struct answer a;

	(void)state;
	bed_set(&b, "net.ipv4.conf.default.optimistic_acd", "0");
	start_with("0.0.0.0", true);
	bed_run(&b, 60ull * SECOND);
	while (next_message())
		;
	a = lease(OFFER, 3600);
	send_answer(&a);
	expect_message(REQUEST);
	a = lease(ACK, 3600);
	send_answer(&a);
	assert_true(has_linklocal());
	bed_run(&b, 8ull * SECOND);
	assert_false(has_linklocal());
	assert_string_equal(state_of_client(), "bound");
}

/* ---- Further clauses of RFC 2131 ---- */

static unsigned secs(void)
{
	return (unsigned)ip.payload[8] << 8 | ip.payload[9];
}

/* "the DHCPREQUEST message MUST use the same value in the DHCP message header's 'secs' field" */
static void test_2131_4_4_1_request_has_the_seconds_of_its_discover(void **state)
{
	struct answer a;
	unsigned of_discover;

	(void)state;
	discover();
	bed_run(&b, 30ull * SECOND);
	while (next_message())
		of_discover = secs();
	assert_true(of_discover > 0);
	bed_run(&b, 3ull * SECOND);
	a = lease(OFFER, 60);
	send_answer(&a);
	expect_message(REQUEST);
	assert_int_equal(secs(), of_discover);
}

static void test_2131_table_3_a_refusal_without_a_server_is_no_refusal(void **state)
{
	struct answer a;

	(void)state;
	start_with("10.0.0.7", false);
	bed_run(&b, SECOND);
	expect_message(REQUEST);
	a = (struct answer){ .xid = xid(), .yiaddr = "0.0.0.0", .from = server_addr, .to = "255.255.255.255", .mac = bed_mac,
			     .eth_dst = lan_broadcast, .sport = 67 };
	add_option(&a, 53, (const uint8_t[]){ NAK }, 1);
	send_answer(&a);
	assert_string_equal(state_of_client(), "rebooting");
	assert_int_equal(bed_stat(&b, "dhcp4.drop.incomplete"), 1);
}

static void test_what_has_no_message_type_is_no_dhcp(void **state)
{
	struct answer a;

	(void)state;
	discover();
	a = lease(OFFER, 60);
	a.options[0] = 0;
	a.options[1] = a.options[2] = 0;
	send_answer(&a);
	expect_no_message();
	assert_int_equal(bed_stat(&b, "dhcp4.drop.malformed"), 1);
}

static void test_offers_after_the_first_are_counted_and_change_nothing(void **state)
{
	struct answer a;

	(void)state;
	request_lease(60);
	for (int i = 0; i < 50; i++) {
		a = lease(OFFER, 60);
		a.yiaddr = "10.0.0.66";
		a.to = "255.255.255.255";
		a.eth_dst = lan_broadcast;
		send_answer(&a);
	}
	expect_no_message();
	assert_int_equal(bed_stat(&b, "dhcp4.drop.unasked"), 50);
	assert_string_equal(state_of_client(), "requesting");
}

static void refuse(void)
{
	struct answer a = answer(NAK);

	a.yiaddr = "0.0.0.0";
	a.to = "255.255.255.255";
	a.eth_dst = lan_broadcast;
	send_answer(&a);
}

/* A server that refuses what it has just offered is not asked in a loop */
static void test_refusals_make_the_client_ever_slower(void **state)
{
	int discovers = 0;

	(void)state;
	request_lease(60);
	refuse();
	for (int i = 0; i < 300; i++) {
		bed_run(&b, SECOND);
		while (next_message()) {
			struct answer a;

			if (option(53)[2] == DISCOVER) {
				discovers++;
				a = lease(OFFER, 60);
				send_answer(&a);
			} else {
				refuse();
			}
		}
	}
	assert_in_range(discovers, 6, 10);
}

/* Section 3.2 (5): "MAY continue to use its previously allocated network address ... for the remainder of the unexpired lease" */
static void test_2131_3_2_on_a_silent_network_the_lease_lasts_until_its_end(void **state)
{
	(void)state;
	start_with("0.0.0.0", true);
	bed_run(&b, SECOND);
	expect_message(DISCOVER);
	for (int i = 0; i < 2; i++) {
		struct answer a = lease(i == 0 ? OFFER : ACK, 600);

		send_answer(&a);
		if (i == 0)
			expect_message(REQUEST);
	}
	assert_int_equal(stack_set_link_up(b.st, b.ifindex, false, b.now_us), 0);
	bed_run(&b, 5ull * SECOND);
	assert_int_equal(stack_set_link_up(b.st, b.ifindex, true, b.now_us), 0);
	bed_run(&b, 500ull * SECOND);
	assert_string_equal(state_of_client(), "selecting");
	assert_true(has_addr(lease_addr));
	assert_false(has_linklocal()); /* RFC 3927 section 1.9: there is a better one */
	bed_run(&b, 90ull * SECOND);
	assert_true(has_addr(lease_addr));
	assert_true(has_route("0.0.0.0", 0, "10.0.0.254"));
	bed_run(&b, 10ull * SECOND);
	assert_false(has_addr(lease_addr));
	assert_false(has_route("0.0.0.0", 0, "10.0.0.254"));
	bed_run(&b, 100ull * SECOND);
	assert_true(has_linklocal());
}

static void test_a_client_that_is_to_have_no_link_local_address_never_takes_one(void **state)
{
	(void)state;
	get_lease(10);
	bed_run(&b, 600ull * SECOND);
	assert_false(has_addr(lease_addr));
	assert_false(has_linklocal());
}

/* The new network may have another opinion of it */
static void test_2563_a_server_forbids_it_on_its_own_network_only(void **state)
{
	struct answer a;

	(void)state;
	start_with("0.0.0.0", true);
	bed_run(&b, SECOND);
	expect_message(DISCOVER);
	a = answer(OFFER);
	a.yiaddr = "0.0.0.0";
	add_option(&a, 116, "\0", 1);
	send_answer(&a);
	bed_run(&b, 100ull * SECOND);
	assert_false(has_linklocal());
	assert_int_equal(stack_set_link_up(b.st, b.ifindex, false, b.now_us), 0);
	assert_int_equal(stack_set_link_up(b.st, b.ifindex, true, b.now_us), 0);
	bed_run(&b, 100ull * SECOND);
	assert_true(has_linklocal());
}

/* ---- RFC 8925: IPv6-only preferred ---- */

static bool asks_for(uint8_t code)
{
	const uint8_t *list = option(55);

	return list && memchr(list + 2, code, list[1]);
}

static void test_8925_3_2_is_not_asked_for_unless_wanted(void **state)
{
	struct answer a;

	(void)state;
	discover();
	assert_false(asks_for(108));
	a = lease(OFFER, 60);
	add_u32(&a, 108, 1800);
	send_answer(&a);
	expect_message(REQUEST);
}

static void test_8925_3_2_an_offer_with_it_ends_the_search_for_the_time_given(void **state)
{
	struct answer a;
	uint64_t at;

	(void)state;
	bed_set(&b, "net.ipv4.conf.default.dhcp_ipv6_only", "1");
	start_with("0.0.0.0", true);
	bed_run(&b, SECOND);
	expect_message(DISCOVER);
	assert_true(asks_for(108));
	a = lease(OFFER, 60);
	add_u32(&a, 108, 1800);
	send_answer(&a);
	at = b.now_us;
	bed_run(&b, 1799ull * SECOND);
	expect_no_message();
	assert_false(has_linklocal());
	bed_run(&b, 2ull * SECOND);
	expect_message(DISCOVER);
	assert_in_range(out.at_us - at, 1800ull * SECOND, 1801ull * SECOND);
}

/* MIN_V6ONLY_WAIT: 300 s */
static void test_8925_3_4_five_minutes_at_least(void **state)
{
	struct answer a;

	(void)state;
	bed_set(&b, "net.ipv4.conf.default.dhcp_ipv6_only", "1");
	discover();
	a = lease(OFFER, 60);
	add_u32(&a, 108, 0);
	send_answer(&a);
	bed_run(&b, 299ull * SECOND);
	expect_no_message();
	bed_run(&b, 2ull * SECOND);
	expect_message(DISCOVER);
}

static void test_8925_3_2_an_ack_with_it_gives_the_address_back(void **state)
{
	struct answer a;

	(void)state;
	bed_set(&b, "net.ipv4.conf.default.dhcp_ipv6_only", "1");
	get_lease(600);
	introduce_server();
	bed_run(&b, 301ull * SECOND);
	expect_message(REQUEST);
	a = lease(ACK, 600);
	add_u32(&a, 108, 900);
	send_answer(&a);
	expect_message(RELEASE);
	assert_false(has_addr(lease_addr));
	assert_string_equal(state_of_client(), "init");
}

/* ---- Broadcasts, and hosts of 169.254/16 ---- */

static uint32_t received_on_port_7(const char *dst)
{
	size_t len = packet_udp(buf, server_addr, 9, dst, 7, "x", 1);
	uint64_t before = bed_stat(&b, "udp.drop.no_socket");

	bed_inject(&b, buf, packet_ethernet(buf, len, lan_broadcast, bed_peer_mac));
	bed_drop_all(&b);
	return (uint32_t)(bed_stat(&b, "udp.drop.no_socket") - before);
}

static void test_2132_5_3_the_servers_broadcast_address_is_one_too(void **state)
{
	struct answer a;

	(void)state;
	request_lease(60);
	a = lease(ACK, 60);
	add_addr(&a, 28, "10.0.0.64");
	send_answer(&a);
	assert_int_equal(received_on_port_7("10.0.0.64"), 1);
	assert_int_equal(received_on_port_7("10.0.0.255"), 1);
	assert_int_equal(received_on_port_7("10.0.0.63"), 0);
	bed_run(&b, 61ull * SECOND);
	assert_int_equal(received_on_port_7("10.0.0.64"), 0);
}

static void test_a_broadcast_address_of_another_network_is_a_mistake(void **state)
{
	struct answer a;

	(void)state;
	request_lease(60);
	a = lease(ACK, 60);
	add_addr(&a, 28, "10.9.9.9");
	send_answer(&a);
	assert_int_equal(received_on_port_7("10.9.9.9"), 0);
}

/* "MUST ARP for the destination address and then send its packet directly ... whether the interface is configured with a Link-Local or a
 * routable IPv4 address" */
static void test_3927_2_6_2_link_local_hosts_are_on_the_link_and_not_behind_the_router(void **state)
{
	struct answer a;

	(void)state;
	start_with("0.0.0.0", true);
	bed_run(&b, SECOND);
	expect_message(DISCOVER);
	a = lease(OFFER, 60);
	send_answer(&a);
	expect_message(REQUEST);
	a = lease(ACK, 60);
	send_answer(&a);
	assert_true(has_route("0.0.0.0", 0, "10.0.0.254"));
	assert_true(has_route("169.254.0.0", 16, "0.0.0.0"));
	bed_run(&b, 61ull * SECOND);
	assert_false(has_route("169.254.0.0", 16, "0.0.0.0"));
}

/* ---- Bad input ---- */

/* RFC 2132 section 9.3: what "file" says of being overloaded itself means nothing */
static void test_overloading_does_not_go_in_circles(void **state)
{
	struct answer a;

	(void)state;
	discover();
	a = lease(OFFER, 60);
	add_option(&a, 52, "\3", 1);
	add_option(&a, 52, "\3", 1);
	send_answer(&a);
	bed_drop_all(&b);
	assert_string_equal(state_of_client(), "requesting");
}

static void test_an_option_list_without_an_end_is_read_to_the_end_of_the_packet(void **state)
{
	struct answer a;

	(void)state;
	discover();
	a = lease(OFFER, 60);
	while (a.options_len < sizeof(a.options) - 3)
		a.options[a.options_len++] = 224; /* its length is the next one's code: past the end */
	send_answer(&a);
	expect_message(REQUEST);
}

static void test_a_lease_in_force_is_not_touched_by_what_nobody_asked_for(void **state)
{
	static const uint8_t types[] = { OFFER, ACK, NAK, 9, 10, 13, 255 };
	struct dhcp4_info info;

	(void)state;
	get_lease(3600);
	for (int i = 0; i < 100; i++) {
		struct answer a = lease(types[i % sizeof(types)], 5);

		a.yiaddr = "10.0.0.66";
		a.to = "255.255.255.255";
		a.eth_dst = lan_broadcast;
		send_answer(&a);
	}
	expect_no_message();
	assert_int_equal(bed_stat(&b, "dhcp4.drop.unasked"), 100);
	assert_int_equal(stack_dhcp4_info(b.st, b.ifindex, &info), 0);
	assert_addr_is(&info.addr.addr, lease_addr);
	assert_in_range(info.expires_us - b.now_us, 3590ull * SECOND, 3600ull * SECOND);
	assert_true(has_addr(lease_addr));
}

/* While we renew, only the server that was asked is heard, and its refusal is one */
static void test_2131_4_4_5_another_server_cannot_end_a_lease_that_is_renewed(void **state)
{
	struct answer a;

	(void)state;
	get_lease(7200);
	introduce_server();
	bed_run(&b, 3600ull * SECOND);
	expect_message(REQUEST);
	a = (struct answer){ .xid = xid(), .yiaddr = "0.0.0.0", .from = "10.0.0.3", .to = lease_addr, .mac = bed_mac, .eth_dst = bed_mac,
			     .sport = 67 };
	add_option(&a, 53, (const uint8_t[]){ NAK }, 1);
	add_addr(&a, 54, "10.0.0.3");
	send_answer(&a);
	assert_string_equal(state_of_client(), "renewing");
	assert_true(has_addr(lease_addr));
	a = answer(NAK);
	a.yiaddr = "0.0.0.0";
	send_answer(&a);
	assert_false(has_addr(lease_addr));
}

/* ---- RFC 2131 table 5: which message has which option ---- */

static void expect_options(const char *must, const char *must_not)
{
	for (; *must; must++)
		assert_non_null(option((uint8_t)*must));
	for (; *must_not; must_not++)
		assert_null(option((uint8_t)*must_not));
}

static void test_2131_table_5_each_message_has_the_options_that_it_must_and_no_other(void **state)
{
	uint8_t asked[64];
	struct answer a;

	(void)state;
	discover();
	expect_options("\x35\x3d\x37\x39\x0c", "\x32\x36\x33\x38");
	assert_true(option(55)[1] + 2u < sizeof(asked));
	memcpy(asked, option(55), 2u + option(55)[1]);
	a = lease(OFFER, 600);
	send_answer(&a);
	expect_message(REQUEST);
	expect_options("\x35\x3d\x37\x39\x0c\x32\x36", "\x38\x74");
	assert_memory_equal(option(55), asked, 2u + asked[1]); /* section 4.3.6: the same list in all of them */
	a = lease(ACK, 600);
	send_answer(&a);
	introduce_server();
	bed_run(&b, 301ull * SECOND);
	expect_message(REQUEST); /* RENEWING */
	expect_options("\x35\x3d\x37\x39", "\x32\x36\x38");
	assert_memory_equal(option(55), asked, 2u + asked[1]);
	a = lease(ACK, 600);
	send_answer(&a);
	assert_int_equal(stack_dhcp4_stop(b.st, b.ifindex, b.now_us), 0);
	bed_turn(&b);
	expect_message(RELEASE);
	expect_options("\x35\x3d\x36", "\x32\x33\x37\x39\x0c");
	assert_int_equal(secs(), 0);
}

static void test_2131_table_5_decline_names_address_server_and_client_alone(void **state)
{
	(void)state;
	get_lease(600);
	bed_inject(&b, buf, lan_arp(buf, lan_broadcast, other_mac, LAN_ARP_REPLY, lease_addr, lease_addr));
	expect_message(DECLINE);
	expect_options("\x35\x3d\x36\x32\x38", "\x33\x37\x39\x0c");
}

/* Shorter ones were refused by relays of BOOTP */
static void test_1542_2_1_messages_have_300_bytes_at_least(void **state)
{
	(void)state;
	discover();
	assert_true(ip.payload_len >= 300);
}

static void test_3927_1_9_a_link_with_an_address_by_hand_takes_none(void **state)
{
	struct ip_prefix by_hand = { addr_of(BED_ADDR4), 96 + 24 };

	(void)state;
	assert_int_equal(stack_add_addr(b.st, b.ifindex, &by_hand, b.now_us), 0);
	start_with("0.0.0.0", true);
	bed_run(&b, 100ull * SECOND);
	assert_false(has_linklocal());
}

static void test_3927_2_2_1_no_address_is_taken_on_a_link_that_is_down(void **state)
{
	(void)state;
	assert_int_equal(stack_set_link_up(b.st, b.ifindex, false, b.now_us), 0);
	start_with("0.0.0.0", true);
	bed_run(&b, 100ull * SECOND);
	assert_false(has_linklocal());
	assert_int_equal(stack_set_link_up(b.st, b.ifindex, true, b.now_us), 0);
	bed_run(&b, 30ull * SECOND);
	assert_true(has_linklocal());
}

/* Probes that nobody can hear find nobody */
static void test_5227_2_1_an_address_is_not_found_free_on_a_link_that_is_down(void **state)
{
	(void)state;
	get_lease_to_probe(3600);
	bed_run(&b, SECOND);
	assert_int_equal(stack_set_link_up(b.st, b.ifindex, false, b.now_us), 0);
	bed_run(&b, 60ull * SECOND);
	assert_string_equal(addr_state(lease_addr), "tentative");
	assert_int_equal(stack_set_link_up(b.st, b.ifindex, true, b.now_us), 0);
	assert_string_equal(addr_state(lease_addr), "tentative");
	bed_run(&b, 8ull * SECOND);
	assert_string_equal(addr_state(lease_addr), "preferred");
}

/* It was ours, and its server says that it still is: it is looked for while it is used, so that a restart is quick */
static void test_2131_3_2_a_confirmed_address_is_used_while_it_is_probed(void **state)
{
	struct answer a;

	(void)state;
	bed_set(&b, "net.ipv4.conf.default.optimistic_acd", "0");
	start_with("10.0.0.7", false);
	bed_run(&b, SECOND);
	expect_message(REQUEST);
	a = lease(ACK, 600);
	a.yiaddr = "10.0.0.7";
	send_answer(&a);
	assert_string_equal(state_of_client(), "bound");
	assert_string_equal(addr_state("10.0.0.7"), "optimistic");
	bed_run(&b, 2ull * SECOND);
	bed_inject(&b, buf, lan_arp(buf, lan_broadcast, other_mac, LAN_ARP_REPLY, "10.0.0.7", "10.0.0.7"));
	expect_message(DECLINE);
	assert_false(has_addr("10.0.0.7"));
}

static void test_2131_3_2_another_address_than_the_one_asked_for_is_probed_first(void **state)
{
	struct answer a;

	(void)state;
	bed_set(&b, "net.ipv4.conf.default.optimistic_acd", "0");
	start_with("10.0.0.7", false);
	bed_run(&b, SECOND);
	expect_message(REQUEST);
	a = lease(ACK, 600);
	send_answer(&a);
	assert_string_equal(state_of_client(), "probing");
	assert_string_equal(addr_state(lease_addr), "tentative");
}

/* ---- RFC 2132 section 3.5, RFC 1122 section 3.3.1.2: several routers ---- */

static bool sends_through(const uint8_t mac[6])
{
	struct ip_endpoint to = { .addr = addr_of("198.51.100.1"), .port = 9 };
	struct sock *s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);
	bool found = false;

	assert_int_equal(sock_connect(s, &to, b.now_us), 0);
	for (int i = 0; i < 10 && !found; i++) { /* the first is asked for until it is known to be silent */
		sock_send(s, "x", 1, 0, b.now_us);
		bed_run(&b, SECOND);
		while (bed_next(&b, &out))
			found |= lan_is_ip(&out, mac);
		bed_inject(&b, buf, lan_arp(buf, bed_mac, mac, LAN_ARP_REPLY, "10.0.0.253", lease_addr));
	}
	sock_close(s, b.now_us);
	return found;
}

static void test_2132_3_5_when_the_first_router_is_silent_the_next_is_used(void **state)
{
	struct answer a;

	(void)state;
	request_lease(3600);
	a = answer(ACK);
	add_u32(&a, 51, 3600);
	add_addr(&a, 1, "255.255.255.0");
	add_option(&a, 3, (const uint8_t[]){ 10, 0, 0, 254, 10, 0, 0, 253 }, 8);
	send_answer(&a);
	assert_true(has_route("0.0.0.0", 0, "10.0.0.254"));
	assert_true(has_route("0.0.0.0", 0, "10.0.0.253"));
	assert_true(sends_through(other_mac));
	bed_run(&b, 3600ull * SECOND);
	assert_false(has_route("0.0.0.0", 0, "10.0.0.253"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_2131_4_1_discover_is_broadcast_from_no_address),
		TEST(test_4361_6_1_client_identifier_is_iaid_and_duid),
		TEST(test_2131_3_1_request_names_server_and_address_of_the_offer),
		TEST(test_2131_4_4_1_ack_configures_address_route_and_lifetimes),
		TEST(test_2131_4_1_unicast_to_the_offered_address_is_heard),
		TEST(test_2131_4_1_broadcast_answers_are_heard),
		TEST(test_2131_4_1_discover_is_repeated_with_doubled_delays),
		TEST(test_2131_4_4_1_requests_without_answer_lead_back_to_discover),
		TEST(test_2131_3_1_nak_begins_anew_without_the_address),
		TEST(test_2131_4_4_5_renewal_goes_to_the_server_alone_at_half_the_lease),
		TEST(test_2131_4_4_5_renewal_extends_the_lease_and_keeps_the_address),
		TEST(test_2131_4_4_5_rebinding_is_broadcast_and_the_end_takes_the_address_away),
		TEST(test_2131_4_4_5_renewals_are_a_minute_apart_at_least),
		TEST(test_2131_4_4_5_times_of_the_server_are_used_when_they_make_sense),
		TEST(test_2131_3_3_an_infinite_lease_is_never_renewed),
		TEST(test_2131_4_4_2_init_reboot_asks_for_the_address_without_a_server),
		TEST(test_2131_3_2_a_refused_address_is_not_asked_for_again),
		TEST(test_2131_3_2_without_an_answer_the_address_is_a_wish),
		TEST(test_2131_3_7_a_link_that_comes_back_asks_for_its_address),
		TEST(test_answers_for_others_are_refused_and_counted),
		TEST(test_6842_3_another_client_identifier_is_refused),
		TEST(test_2131_3_1_an_ack_of_another_server_than_the_chosen_is_refused),
		TEST(test_2131_table_3_an_ack_without_a_lease_time_is_refused),
		TEST(test_offers_of_useless_addresses_are_refused),
		TEST(test_an_ack_that_nothing_was_asked_for_changes_nothing),
		TEST(test_3442_classless_routes_replace_the_router),
		TEST(test_3442_a_router_off_the_network_is_reached_by_its_own_route),
		TEST(test_2132_5_1_mtu_holds_as_long_as_the_lease),
		TEST(test_mtu_of_a_lease_holds_whatever_the_device_does),
		TEST(test_mtu_that_is_a_mistake_is_not_taken),
		TEST(test_2131_4_4_6_stopping_releases_the_lease_to_its_server),
		TEST(test_2131_3_1_an_address_in_use_is_declined),
		TEST(test_5227_2_4_a_lease_is_given_up_when_the_conflict_goes_on),
		TEST(test_3927_1_9_no_answer_leads_to_a_link_local_address),
		TEST(test_3927_1_9_a_lease_ends_the_link_local_address),
		TEST(test_2563_2_3_a_server_may_forbid_it),
		TEST(test_3927_2_2_1_a_conflict_takes_another_address),
		TEST(test_3927_2_2_1_after_ten_conflicts_one_address_a_minute),
		TEST(test_3927_2_1_the_same_link_takes_the_same_address_again),
		TEST(test_5227_2_1_a_leased_address_is_probed_before_it_is_used),
		TEST(test_2131_3_1_an_address_found_in_use_was_never_ours),
		TEST(test_5227_2_1_1_a_probe_by_another_host_is_a_conflict),
		TEST(test_a_lease_that_ends_while_it_is_probed_is_lost),
		TEST(test_without_probes_a_leased_address_is_used_at_once),
		TEST(test_an_address_that_was_in_use_stays_so_when_its_link_comes_back),
		TEST(test_3927_2_2_1_a_link_local_address_is_probed_before_it_is_used),
		TEST(test_3927_1_9_the_link_local_address_stays_until_the_lease_can_be_used),
		TEST(test_2131_4_4_1_request_has_the_seconds_of_its_discover),
		TEST(test_2131_table_3_a_refusal_without_a_server_is_no_refusal),
		TEST(test_what_has_no_message_type_is_no_dhcp),
		TEST(test_offers_after_the_first_are_counted_and_change_nothing),
		TEST(test_refusals_make_the_client_ever_slower),
		TEST(test_2131_3_2_on_a_silent_network_the_lease_lasts_until_its_end),
		TEST(test_a_client_that_is_to_have_no_link_local_address_never_takes_one),
		TEST(test_2563_a_server_forbids_it_on_its_own_network_only),
		TEST(test_8925_3_2_is_not_asked_for_unless_wanted),
		TEST(test_8925_3_2_an_offer_with_it_ends_the_search_for_the_time_given),
		TEST(test_8925_3_4_five_minutes_at_least),
		TEST(test_8925_3_2_an_ack_with_it_gives_the_address_back),
		TEST(test_2132_5_3_the_servers_broadcast_address_is_one_too),
		TEST(test_a_broadcast_address_of_another_network_is_a_mistake),
		TEST(test_3927_2_6_2_link_local_hosts_are_on_the_link_and_not_behind_the_router),
		TEST(test_overloading_does_not_go_in_circles),
		TEST(test_an_option_list_without_an_end_is_read_to_the_end_of_the_packet),
		TEST(test_a_lease_in_force_is_not_touched_by_what_nobody_asked_for),
		TEST(test_2131_4_4_5_another_server_cannot_end_a_lease_that_is_renewed),
		TEST(test_2131_table_5_each_message_has_the_options_that_it_must_and_no_other),
		TEST(test_2131_table_5_decline_names_address_server_and_client_alone),
		TEST(test_1542_2_1_messages_have_300_bytes_at_least),
		TEST(test_3927_1_9_a_link_with_an_address_by_hand_takes_none),
		TEST(test_3927_2_2_1_no_address_is_taken_on_a_link_that_is_down),
		TEST(test_5227_2_1_an_address_is_not_found_free_on_a_link_that_is_down),
		TEST(test_2131_3_2_a_confirmed_address_is_used_while_it_is_probed),
		TEST(test_2131_3_2_another_address_than_the_one_asked_for_is_probed_first),
		TEST(test_2132_3_5_when_the_first_router_is_silent_the_next_is_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
