/* SPDX-License-Identifier: BSD-2-Clause */
/* Extension headers, flow labels and IPv4 options of programs by exact packets (RFC 3542, 8200, 6275, 8754, 6437, 791). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/lib/bed.h"
#include "tests/lib/expect.h"
#include "tests/lib/packet.h"

#define HOME "fd00::99"

enum { FLOWINFO = 11, FLOWLABEL_MGR = 32, FLOWINFO_SEND = 33, NEXT_FLOW_INFO = 0x7401, LEASED_FLOW_LABEL = 0x7402 };
enum { HDR = 40, UDP_HDR = 8, FRAG_HDR = 8, HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, DST_OPTIONS = 60, UDP = 17 };

static struct bed b;
static struct bed_packet out;
static struct packet p;
static uint8_t buf[70000];

static const uint8_t hop[8] = { 0, 0, 1, 4 }, dst[16] = { 0, 1, 0x1e, 10, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 0 };

static int setup(void **state)
{
	(void)state;
	bed_open(&b, 7, LINK_IP);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_close(&b);
	return 0;
}

static int set(struct sock *s, int level, int name, const void *value, size_t len)
{
	return sock_setopt(s, level, name, value, len, b.now_us);
}

static int set_int(struct sock *s, int level, int name, int value)
{
	return set(s, level, name, &value, sizeof(value));
}

static struct sock *udp6(void)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	struct ip_endpoint local = bed_endpoint("::", 5000);

	assert_int_equal(sock_bind(s, &local), 0);
	return s;
}

static int send_with(struct sock *s, const char *to, const struct dgram_control *controls, uint16_t count, const void *data, size_t len)
{
	struct dgram_info info = { .ttl = -1, .tos = -1, .dst = bed_endpoint(to, 9), .controls = controls, .control_count = count };
	int err = sock_send_frame(s, bed_frame(&b, data, len), &info, b.now_us);

	bed_turn(&b);
	return err;
}

/* Write an extension header of @bytes before the @len bytes at @at of the packet in buf, whose type is in *next. */
static size_t insert(size_t at, size_t len, uint8_t *next, uint8_t type, const uint8_t *header, size_t bytes)
{
	memmove(buf + at + bytes, buf + at, len);
	memcpy(buf + at, header, bytes);
	buf[at] = *next;
	*next = type;
	return bytes;
}

/* ---- Received ----------------------------------------------------------------------------------------------------- */

struct told {
	int types[8];
	uint8_t data[8][64];
	size_t bytes[8];
	int count;
};

static void note(void *ctx, const struct dgram_control *c)
{
	struct told *t = ctx;

	assert_true(t->count < 8 && c->bytes <= 64);
	t->types[t->count] = c->type;
	t->bytes[t->count] = c->bytes;
	memcpy(t->data[t->count++], c->data, c->bytes);
}

static struct told receive(struct sock *s)
{
	struct frame *f = sock_recv_frame(s);
	struct told t = { .count = 0 };

	assert_non_null(f);
	sock_each_control(s, f, note, &t);
	frame_unref(f);
	return t;
}

static size_t udp_with_headers(void)
{
	size_t len = packet_udp(buf, BED_PEER6, 9, BED_ADDR6, 5000, "data", 4) - HDR, ext = 0;

	ext += insert(HDR, len, buf + 6, DST_OPTIONS, dst, sizeof(dst));
	ext += insert(HDR, len + ext, buf + 6, HOP_BY_HOP, hop, sizeof(hop));
	buf[5] = (uint8_t)(len + ext);
	return HDR + len + ext;
}

static void test_rfc3542_8_headers_come_as_they_were_in_the_packets_order(void **state)
{
	struct sock *s = udp6();
	struct told t;

	(void)state;
	assert_int_equal(set_int(s, IPPROTO_IPV6, IPV6_RECVHOPOPTS, 1), 0);
	assert_int_equal(set_int(s, IPPROTO_IPV6, IPV6_RECVDSTOPTS, 1), 0);
	bed_inject(&b, buf, udp_with_headers());
	t = receive(s);
	assert_int_equal(t.count, 2);
	assert_int_equal(t.types[0], IPV6_HOPOPTS);
	assert_int_equal(t.data[0][0], DST_OPTIONS);
	assert_memory_equal(t.data[0] + 1, hop + 1, sizeof(hop) - 1);
	assert_int_equal(t.types[1], IPV6_DSTOPTS);
	assert_int_equal(t.bytes[1], sizeof(dst));
	assert_memory_equal(t.data[1] + 1, dst + 1, sizeof(dst) - 1);
}

static void test_rfc3542_8_nobody_is_told_what_he_did_not_ask_for(void **state)
{
	struct sock *s = udp6();

	(void)state;
	bed_inject(&b, buf, udp_with_headers());
	assert_int_equal(receive(s).count, 0);
	assert_false(sock_wants_controls(s));
}

static void test_rfc3542_11_3_a_router_says_that_the_path_takes_less(void **state)
{
	struct sock *s = udp6();
	static const uint8_t big[1400];
	struct ip6_mtuinfo info;
	static struct bed_packet sent;
	struct told t;

	(void)state;
	assert_int_equal(set_int(s, IPPROTO_IPV6, IPV6_RECVPATHMTU, 1), 0);
	assert_int_equal(send_with(s, BED_PEER6, NULL, 0, big, sizeof(big)), 0);
	assert_true(bed_next(&b, &sent));
	bed_inject(&b, buf, packet_icmp_error(buf, "fd00::fe", BED_ADDR6, 2, 0, 1300, sent.data, sent.len));
	t = receive(s);
	assert_int_equal(t.types[0], IPV6_PATHMTU);
	memcpy(&info, t.data[0], sizeof(info));
	assert_int_equal(info.ip6m_mtu, 1300);
	assert_memory_equal(&info.ip6m_addr.sin6_addr, addr_of(BED_PEER6).b, 16);
}

/* ---- Sent --------------------------------------------------------------------------------------------------------- */

static void test_rfc8200_4_1_headers_stand_in_their_order(void **state)
{
	const struct dgram_control controls[] = { { IPPROTO_IPV6, IPV6_DSTOPTS, dst, sizeof(dst) },
						  { IPPROTO_IPV6, IPV6_HOPOPTS, hop, sizeof(hop) } };
	struct sock *s = udp6();

	(void)state;
	assert_int_equal(send_with(s, BED_PEER6, controls, 2, "data", 4), 0);
	assert_true(bed_next(&b, &out));
	assert_int_equal(out.len, HDR + 8 + 16 + UDP_HDR + 4);
	assert_int_equal(out.data[5], 8 + 16 + UDP_HDR + 4);
	assert_int_equal(out.data[6], HOP_BY_HOP);
	assert_int_equal(out.data[HDR], DST_OPTIONS);
	assert_int_equal(out.data[HDR + 8], UDP);
	assert_memory_equal(out.data + HDR + 9, dst + 1, sizeof(dst) - 1);
}

static void test_rfc8200_4_5_destination_options_are_fragmented_hop_by_hop_options_are_in_each(void **state)
{
	static const uint8_t big[2000];
	struct sock *s = udp6();

	(void)state;
	assert_int_equal(set(s, IPPROTO_IPV6, IPV6_HOPOPTS, hop, sizeof(hop)), 0);
	assert_int_equal(set(s, IPPROTO_IPV6, IPV6_DSTOPTS, dst, sizeof(dst)), 0);
	assert_int_equal(send_with(s, BED_PEER6, NULL, 0, big, sizeof(big)), 0);
	for (int i = 0; i < 2; i++) {
		assert_true(bed_next(&b, &out));
		assert_true(out.len <= 1500);
		assert_int_equal(out.data[6], HOP_BY_HOP);
		assert_int_equal(out.data[HDR], FRAGMENT);
		assert_int_equal(out.data[HDR + 8], DST_OPTIONS); /* the first header of the fragmentable part */
		if (i == 0)
			assert_int_equal(out.data[HDR + 8 + FRAG_HDR], UDP);
	}
	assert_false(bed_next(&b, &out));
}

/* The checksum is over the final destination (RFC 8200 section 8.1), the packet goes to the care-of address. */
static void test_rfc6275_6_4_type_2_goes_to_its_address_and_ends_at_the_destination(void **state)
{
	uint8_t rt[24] = { 0, 2, 2, 1 };
	struct dgram_control c = { IPPROTO_IPV6, IPV6_RTHDR, rt, sizeof(rt) };
	struct sock *s = udp6();
	struct ip_addr src = addr_of(BED_ADDR6), home = addr_of(HOME);

	(void)state;
	memcpy(rt + 8, addr_of(BED_PEER6).b, 16);
	assert_int_equal(send_with(s, HOME, &c, 1, "data", 4), 0);
	assert_true(bed_next(&b, &out));
	assert_int_equal(out.data[6], ROUTING);
	assert_memory_equal(out.data + 24, addr_of(BED_PEER6).b, 16);
	assert_memory_equal(out.data + HDR + 8, home.b, 16);
	if (out.off.csum == FRAME_CSUM_NONE)
		assert_int_equal(packet_checksum(packet_pseudo_sum(&src, &home, UDP, 12), out.data + HDR + 24, 12), 0);
}

static void test_rfc8754_2_segments_are_listed_from_the_last(void **state)
{
	uint8_t rt[40] = { 0, 4, 4, 1, 1 };
	struct sock *s = udp6();

	(void)state;
	memcpy(rt + 24, addr_of(BED_PEER6).b, 16);
	assert_int_equal(set(s, IPPROTO_IPV6, IPV6_RTHDR, rt, sizeof(rt)), 0);
	assert_int_equal(send_with(s, HOME, NULL, 0, "data", 4), 0);
	assert_true(bed_next(&b, &out));
	assert_memory_equal(out.data + 24, addr_of(BED_PEER6).b, 16);
	assert_memory_equal(out.data + HDR + 8, addr_of(HOME).b, 16);
	assert_memory_equal(out.data + HDR + 24, addr_of(BED_PEER6).b, 16);
	rt[3] = 2; /* more left than there are */
	assert_int_equal(set(s, IPPROTO_IPV6, IPV6_RTHDR, rt, sizeof(rt)), -EINVAL);
}

static void test_rfc5095_3_type_0_is_not_sent(void **state)
{
	static const uint8_t rt[24] = { 0, 2, 0, 1 };
	struct sock *s = udp6();

	(void)state;
	assert_int_equal(set(s, IPPROTO_IPV6, IPV6_RTHDR, rt, sizeof(rt)), -EINVAL);
}

static void test_rfc3542_7_options_before_a_routing_header_are_not_sent_without_one(void **state)
{
	struct sock *s = udp6();

	(void)state;
	assert_int_equal(set(s, IPPROTO_IPV6, IPV6_RTHDRDSTOPTS, dst, sizeof(dst)), 0);
	assert_int_equal(send_with(s, BED_PEER6, NULL, 0, "data", 4), 0);
	expect_next(&b, &out, &p);
	assert_int_equal(out.data[6], UDP);
}

static void test_long_headers_leave_room_for_all_others(void **state)
{
	static uint8_t options[1200] = { 0, 149 };
	struct ip_endpoint peer = bed_endpoint(BED_PEER6, 80);
	struct sock *s = udp6(), *t = bed_sock(&b, AF_INET6, SOCK_STREAM, 0);

	(void)state;
	assert_int_equal(set(s, IPPROTO_IPV6, IPV6_DSTOPTS, options, sizeof(options)), 0);
	assert_int_equal(send_with(s, BED_PEER6, NULL, 0, "data", 4), 0);
	assert_true(bed_next(&b, &out));
	assert_int_equal(out.len, HDR + 1200 + UDP_HDR + 4);
	assert_memory_equal(out.data + HDR + 1200 + UDP_HDR, "data", 4);
	assert_int_equal(set(t, IPPROTO_IPV6, IPV6_DSTOPTS, options, sizeof(options)), 0);
	assert_int_equal(sock_connect(t, &peer, b.now_us), -EINPROGRESS);
	bed_turn(&b);
	assert_true(bed_next(&b, &out));
	assert_int_equal(out.data[6], DST_OPTIONS);
	assert_int_equal(out.data[HDR + 1200 + 13], 2); /* SYN */
}

static void test_headers_larger_than_the_path_are_emsgsize(void **state)
{
	static uint8_t options[1600] = { 0, 199 };
	struct sock *s = udp6();

	(void)state;
	assert_int_equal(set(s, IPPROTO_IPV6, IPV6_HOPOPTS, options, sizeof(options)), 0);
	assert_int_equal(send_with(s, BED_PEER6, NULL, 0, "data", 4), -EMSGSIZE);
	assert_false(bed_next(&b, &out));
}

static void test_rfc3542_6_2_sticky_packet_information_names_the_source(void **state)
{
	struct ip_prefix second = { addr_of("fd00::7"), 64 };
	struct sock *s = udp6();
	struct in6_pktinfo info = { .ipi6_ifindex = b.ifindex };

	(void)state;
	assert_int_equal(stack_add_addr(b.st, b.ifindex, &second, b.now_us), 0);
	bed_run(&b, 3000000);
	bed_drop_all(&b);
	memcpy(&info.ipi6_addr, second.addr.b, 16);
	assert_int_equal(set(s, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info)), 0);
	assert_int_equal(send_with(s, BED_PEER6, NULL, 0, "data", 4), 0);
	expect_next(&b, &out, &p);
	assert_memory_equal(p.src.b, second.addr.b, 16);
}

/* ---- Flow labels -------------------------------------------------------------------------------------------------- */

static uint32_t sent_label(void)
{
	assert_true(bed_next(&b, &out));
	return (uint32_t)(out.data[1] & 15) << 16 | (uint32_t)out.data[2] << 8 | out.data[3];
}

static int request(struct sock *s, uint8_t action, uint8_t share, uint32_t label)
{
	uint8_t q[32] = { [20] = action, [21] = share, [22] = 1 /* create */ };
	uint32_t be = htonl(label);

	memcpy(q, addr_of(BED_PEER6).b, 16);
	memcpy(q + 16, &be, 4);
	return set(s, IPPROTO_IPV6, FLOWLABEL_MGR, q, sizeof(q));
}

static void test_rfc6437_3_labels_of_programs_and_of_flows(void **state)
{
	uint32_t info = htonl(0x12345);
	const struct dgram_control c = { IPPROTO_IPV6, FLOWINFO_SEND, &info, sizeof(info) };
	struct sock *s = udp6();
	uint32_t own;

	(void)state;
	assert_int_equal(send_with(s, BED_PEER6, &c, 1, "x", 1), 0);
	own = sent_label();
	assert_int_not_equal(own, 0);
	assert_int_not_equal(own, 0x12345); /* not asked for yet */
	assert_int_equal(set_int(s, IPPROTO_IPV6, FLOWINFO_SEND, 1), 0);
	assert_int_equal(send_with(s, BED_PEER6, &c, 1, "x", 1), 0);
	assert_int_equal(sent_label(), 0x12345);
	assert_int_equal(set_int(s, IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 0), 0);
	assert_int_equal(send_with(s, BED_PEER6, NULL, 0, "x", 1), 0);
	assert_int_equal(sent_label(), 0);
	assert_int_equal(stack_set(b.st, "net.ipv6.auto_flowlabels", "3", NULL), 0);
	assert_int_equal(send_with(s, BED_PEER6, NULL, 0, "x", 1), 0);
	assert_int_equal(sent_label(), own);
}

static void test_exclusive_label_stays_for_a_while_after_its_socket(void **state)
{
	struct sock *s = udp6(), *other = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);

	(void)state;
	assert_int_equal(request(s, 0, 1, 0x777), 0);
	assert_int_equal(request(other, 0, 1, 0x777), -EPERM);
	sock_close(s, b.now_us);
	assert_int_equal(request(other, 0, 1, 0x777), -EPERM);
	bed_run(&b, 5900000);
	assert_int_equal(request(other, 0, 1, 0x777), -EPERM);
	bed_run(&b, 200000);
	assert_int_equal(request(other, 0, 1, 0x777), 0);
}

static void test_labels_are_bounded(void **state)
{
	struct sock *s = udp6();
	int n = 0, err;

	(void)state;
	while ((err = request(s, 0, 255, 0)) == 0 && n < 5000)
		n++;
	assert_int_equal(err, -ENOBUFS);
	assert_in_range(n, 32, 4096);
}

/* ---- IPv4 --------------------------------------------------------------------------------------------------------- */

static void test_rfc791_3_1_source_route_goes_to_its_first_address(void **state)
{
	uint8_t route[11] = { 131, 11, 4, 10, 0, 0, 2, 10, 0, 0, 3 };
	struct sock *s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);
	struct ip_addr src = addr_of(BED_ADDR4), end = addr_of("10.0.0.9");

	(void)state;
	assert_int_equal(set(s, IPPROTO_IP, IP_OPTIONS, route, sizeof(route)), 0);
	assert_int_equal(send_with(s, "10.0.0.9", NULL, 0, "data", 4), 0);
	assert_true(bed_next(&b, &out));
	assert_int_equal(out.data[0], 0x48);
	assert_int_equal(packet_checksum(0, out.data, 32), 0);
	assert_memory_equal(out.data + 16, "\x0a\x00\x00\x02", 4);
	assert_memory_equal(out.data + 23, "\x0a\x00\x00\x03\x0a\x00\x00\x09", 8);
	if (out.off.csum == FRAME_CSUM_NONE) /* RFC 1122 section 4.2.3.8: over the destination */
		assert_int_equal(packet_checksum(packet_pseudo_sum(&src, &end, UDP, 12), out.data + 32, 12), 0);
	route[2] = 8;
	assert_int_equal(set(s, IPPROTO_IP, IP_OPTIONS, route, sizeof(route)), -EINVAL);
}

static void test_rfc791_3_1_later_fragments_have_what_is_to_be_copied(void **state)
{
	static const uint8_t options[12] = { 7, 7, 4, 0, 0, 0, 0, 1, 148, 4, 0, 0 }, big[2000];
	struct sock *s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);

	(void)state;
	assert_int_equal(set(s, IPPROTO_IP, IP_OPTIONS, options, sizeof(options)), 0);
	assert_int_equal(send_with(s, BED_PEER4, NULL, 0, big, sizeof(big)), 0);
	assert_true(bed_next(&b, &out));
	assert_int_equal(out.data[0] & 15, 8);
	assert_memory_equal(out.data + 23, addr_of(BED_ADDR4).b + 12, 4); /* our place in the record */
	assert_true(bed_next(&b, &out));
	assert_int_equal(out.data[0] & 15, 6);
	assert_memory_equal(out.data + 20, options + 8, 4);
}

/* ---- Memory ------------------------------------------------------------------------------------------------------- */

static void test_without_memory_an_option_stays_as_it_was(void **state)
{
	struct sock *s = udp6();
	uint8_t got[64];
	size_t len = sizeof(got);

	(void)state;
	assert_int_equal(set(s, IPPROTO_IPV6, IPV6_HOPOPTS, hop, sizeof(hop)), 0);
	b.mem.fail_at = b.mem.allocs + 1;
	assert_int_equal(set(s, IPPROTO_IPV6, IPV6_HOPOPTS, dst, sizeof(dst)), -ENOBUFS);
	assert_int_equal(request(s, 0, 1, 5), -ENOMEM);
	b.mem.fail_at = 0;
	assert_int_equal(sock_getopt(s, IPPROTO_IPV6, IPV6_HOPOPTS, got, &len, b.now_us), 0);
	assert_int_equal(len, sizeof(hop));
	assert_memory_equal(got, hop, sizeof(hop));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rfc3542_8_headers_come_as_they_were_in_the_packets_order),
		TEST(test_rfc3542_8_nobody_is_told_what_he_did_not_ask_for),
		TEST(test_rfc3542_11_3_a_router_says_that_the_path_takes_less),
		TEST(test_rfc8200_4_1_headers_stand_in_their_order),
		TEST(test_rfc8200_4_5_destination_options_are_fragmented_hop_by_hop_options_are_in_each),
		TEST(test_rfc6275_6_4_type_2_goes_to_its_address_and_ends_at_the_destination),
		TEST(test_rfc8754_2_segments_are_listed_from_the_last),
		TEST(test_rfc5095_3_type_0_is_not_sent),
		TEST(test_rfc3542_7_options_before_a_routing_header_are_not_sent_without_one),
		TEST(test_long_headers_leave_room_for_all_others),
		TEST(test_headers_larger_than_the_path_are_emsgsize),
		TEST(test_rfc3542_6_2_sticky_packet_information_names_the_source),
		TEST(test_rfc6437_3_labels_of_programs_and_of_flows),
		TEST(test_exclusive_label_stays_for_a_while_after_its_socket),
		TEST(test_labels_are_bounded),
		TEST(test_rfc791_3_1_source_route_goes_to_its_first_address),
		TEST(test_rfc791_3_1_later_fragments_have_what_is_to_be_copied),
		TEST(test_without_memory_an_option_stays_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
