/* SPDX-License-Identifier: BSD-2-Clause */
/* test_netlink.c - rtnetlink questions about a stack, and its answers. */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "daemon/netlink_answer.h"

enum { PORT_ID = 4711, SEQ = 17 };

static struct stack *st;
static struct netlink_datagram out;
static struct netlink_dump dump;

static void add_addr(const char *text)
{
	struct ip_prefix p;

	assert_int_equal(ip_prefix_parse(text, &p), 0);
	assert_int_equal(stack_add_addr(st, 2, &p, 1000), 0);
}

static int setup(void **state)
{
	struct stack_config config = { .seed = { 1 } };
	struct link_config link = { .name = "tap0", .kind = LINK_ETHERNET, .mac = { 2, 0, 0, 0, 0, 1 }, .mtu = 1500 };
	struct route_config route = { .ifindex = 2 };

	(void)state;
	st = stack_open(&config, 1000);
	assert_non_null(st);
	assert_int_equal(stack_add_link(st, &link), 2);
	add_addr("10.77.0.2/24");
	add_addr("fd77::2/64");
	assert_int_equal(ip_prefix_parse("0.0.0.0/0", &route.prefix), 0);
	assert_int_equal(ip_addr_parse("10.77.0.1", &route.gateway), 0);
	assert_int_equal(stack_add_route(st, &route), 0);
	memset(&dump, 0, sizeof(dump));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	stack_close(st);
	return 0;
}

/* A request in a buffer of just its size, so that the sanitizer sees a look beyond it. */
static void ask(uint16_t type, uint16_t flags, const void *body, size_t bytes)
{
	struct nlmsghdr h = { (uint32_t)(sizeof(h) + bytes), type, flags, SEQ, 0 };
	uint8_t *message = malloc(sizeof(h) + bytes);

	assert_non_null(message);
	memcpy(message, &h, sizeof(h));
	memcpy(message + sizeof(h), body, bytes);
	netlink_answer(st, message, sizeof(h) + bytes, PORT_ID, 2000, &out, &dump);
	free(message);
}

static struct nlmsghdr header_at(size_t at)
{
	struct nlmsghdr h;

	assert_true(at + sizeof(h) <= out.bytes);
	memcpy(&h, out.data + at, sizeof(h));
	assert_int_equal(h.nlmsg_seq, SEQ);
	assert_int_equal(h.nlmsg_pid, PORT_ID);
	return h;
}

/* Whether the only answer is this error. */
static void expect_error(int error)
{
	struct nlmsghdr h = header_at(0);
	struct nlmsgerr e;

	assert_int_equal(h.nlmsg_type, NLMSG_ERROR);
	memcpy(&e, out.data + sizeof(h), sizeof(e));
	assert_int_equal(e.error, error);
	assert_int_equal(e.msg.nlmsg_seq, SEQ);
	assert_false(dump.is_active);
}

/* The attribute @type of the message at @at whose head has @head bytes. */
static const void *attribute_of(size_t at, size_t head, int type, size_t *bytes)
{
	struct nlmsghdr h = header_at(at);
	size_t p = at + sizeof(h) + NLMSG_ALIGN(head);

	while (p + sizeof(struct rtattr) <= at + h.nlmsg_len) {
		struct rtattr a;

		memcpy(&a, out.data + p, sizeof(a));
		assert_true(a.rta_len >= sizeof(a) && p + a.rta_len <= at + h.nlmsg_len);
		*bytes = a.rta_len - sizeof(a);
		if (a.rta_type == type)
			return out.data + p + sizeof(a);
		p += RTA_ALIGN(a.rta_len);
	}
	return NULL;
}

/* Count the messages of a dump, of which @wanted is the type. */
static int count_dump(uint16_t wanted)
{
	int count = 0;

	assert_true(dump.is_active);
	assert_int_equal(out.bytes, 0);
	for (;;) {
		netlink_continue_dump(st, &dump, 3000, &out);
		assert_true(out.bytes > 0);
		for (size_t at = 0; at < out.bytes;) {
			struct nlmsghdr h = header_at(at);

			assert_int_equal(h.nlmsg_flags, NLM_F_MULTI);
			assert_true(netlink_next_message(out.data + at, out.bytes - at) > 0);
			at += NLMSG_ALIGN(h.nlmsg_len);
			if (h.nlmsg_type == NLMSG_DONE) {
				assert_int_equal(at, out.bytes);
				assert_false(dump.is_active);
				return count;
			}
			assert_int_equal(h.nlmsg_type, wanted);
			count++;
		}
	}
}

static int dump_of(uint16_t type, uint8_t family)
{
	struct rtgenmsg g = { family };

	ask(type, NLM_F_REQUEST | NLM_F_DUMP, &g, sizeof(g));
	return count_dump((uint16_t)(type - 2));
}

static void test_dumps_tell_every_entry_of_a_table(void **state)
{
	(void)state;
	assert_int_equal(dump_of(RTM_GETLINK, AF_UNSPEC), 2);
	assert_int_equal(dump_of(RTM_GETLINK, AF_PACKET), 2);
	assert_int_equal(dump_of(RTM_GETADDR, AF_INET), 2);
	assert_true(dump_of(RTM_GETADDR, AF_INET6) >= 2); /* ::1, fd77::2, and what is link-local */
	assert_int_equal(dump_of(RTM_GETADDR, AF_UNSPEC), dump_of(RTM_GETADDR, AF_INET) + dump_of(RTM_GETADDR, AF_INET6));
	/* On-link, default, 127.0.0.0/8, and the two addresses themselves. */
	assert_int_equal(dump_of(RTM_GETROUTE, AF_INET), 5);
	assert_int_equal(dump_of(RTM_GETNEIGH, AF_UNSPEC), 0);
	assert_int_equal(dump_of(RTM_GETADDR, 99), 0);
}

static void test_a_dump_of_a_long_table_comes_in_pieces(void **state)
{
	char text[32];
	int before = dump_of(RTM_GETADDR, AF_UNSPEC);

	(void)state;
	for (int i = 1; i <= 200; i++) {
		snprintf(text, sizeof(text), "10.78.%d.1/24", i);
		add_addr(text);
	}
	assert_int_equal(dump_of(RTM_GETADDR, AF_UNSPEC), before + 200);
}

static void test_an_address_is_told_whole(void **state)
{
	struct rtgenmsg g = { AF_INET };
	static const uint8_t last[4] = { 10, 77, 0, 255 };
	struct ifaddrmsg head;
	const void *value;
	size_t bytes, second;

	(void)state;
	ask(RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, &g, sizeof(g));
	netlink_continue_dump(st, &dump, 3000, &out);
	second = header_at(0).nlmsg_len;
	memcpy(&head, out.data + second + sizeof(struct nlmsghdr), sizeof(head));
	assert_int_equal(head.ifa_family, AF_INET);
	assert_int_equal(head.ifa_prefixlen, 24);
	assert_int_equal(head.ifa_index, 2);
	assert_int_equal(head.ifa_scope, RT_SCOPE_UNIVERSE);
	assert_int_equal(head.ifa_flags, IFA_F_PERMANENT);
	value = attribute_of(second, sizeof(head), IFA_BROADCAST, &bytes);
	assert_non_null(value);
	assert_int_equal(bytes, 4);
	assert_memory_equal(value, last, 4);
	assert_string_equal(attribute_of(second, sizeof(head), IFA_LABEL, &bytes), "tap0");
}

struct link_request {
	struct ifinfomsg head;
	struct rtattr name;
	char text[16];
};

static void test_one_link_is_found_by_name_or_index(void **state)
{
	struct link_request q = { .name = { sizeof(struct rtattr) + 5, IFLA_IFNAME }, .text = "tap0" };
	struct ifinfomsg head;
	size_t bytes;

	(void)state;
	ask(RTM_GETLINK, NLM_F_REQUEST, &q, offsetof(struct link_request, text) + 5);
	memcpy(&head, out.data + sizeof(struct nlmsghdr), sizeof(head));
	assert_int_equal(head.ifi_index, 2);
	assert_string_equal(attribute_of(0, sizeof(head), IFLA_IFNAME, &bytes), "tap0");
	q.head.ifi_index = 1;
	ask(RTM_GETLINK, NLM_F_REQUEST, &q, sizeof(q.head));
	assert_string_equal(attribute_of(0, sizeof(head), IFLA_IFNAME, &bytes), "lo");
	q.head.ifi_index = 9;
	ask(RTM_GETLINK, NLM_F_REQUEST, &q, sizeof(q.head));
	expect_error(-ENODEV);
	q.head.ifi_index = 0;
	ask(RTM_GETLINK, NLM_F_REQUEST, &q, sizeof(q.head));
	expect_error(-EINVAL);
}

struct route_request {
	struct rtmsg head;
	struct rtattr dst;
	uint8_t addr[16];
};

static void test_a_route_is_looked_up_as_a_socket_would(void **state)
{
	struct route_request q = { .head = { .rtm_family = AF_INET }, .dst = { sizeof(struct rtattr) + 4, RTA_DST },
				   .addr = { 192, 0, 2, 1 } };
	static const uint8_t gateway[4] = { 10, 77, 0, 1 }, own[4] = { 10, 77, 0, 2 };
	size_t bytes, len = offsetof(struct route_request, addr) + 4;

	(void)state;
	ask(RTM_GETROUTE, NLM_F_REQUEST, &q, len);
	assert_int_equal(header_at(0).nlmsg_type, RTM_NEWROUTE);
	assert_memory_equal(attribute_of(0, sizeof(struct rtmsg), RTA_GATEWAY, &bytes), gateway, 4);
	assert_memory_equal(attribute_of(0, sizeof(struct rtmsg), RTA_PREFSRC, &bytes), own, 4);
	memcpy(q.addr, gateway, 4);
	ask(RTM_GETROUTE, NLM_F_REQUEST, &q, len);
	assert_null(attribute_of(0, sizeof(struct rtmsg), RTA_GATEWAY, &bytes));
	q.head.rtm_family = AF_INET6; /* an address of another size */
	ask(RTM_GETROUTE, NLM_F_REQUEST, &q, len);
	expect_error(-EINVAL);
	q.dst.rta_len = sizeof(struct rtattr) + 16;
	memset(q.addr, 0x20, 16);
	ask(RTM_GETROUTE, NLM_F_REQUEST, &q, sizeof(q));
	expect_error(-ENETUNREACH);
}

static void test_changes_and_other_questions_are_refused(void **state)
{
	uint8_t body[64] = { 0 };

	(void)state;
	ask(RTM_NEWADDR, NLM_F_REQUEST | NLM_F_CREATE, body, sizeof(body));
	expect_error(-EPERM);
	ask(RTM_DELROUTE, NLM_F_REQUEST, body, sizeof(body));
	expect_error(-EPERM);
	ask(RTM_GETRULE, NLM_F_REQUEST | NLM_F_DUMP, body, sizeof(body));
	expect_error(-EOPNOTSUPP);
	ask(RTM_GETADDR, NLM_F_REQUEST, body, sizeof(body));
	expect_error(-EOPNOTSUPP);
	ask(60000, NLM_F_REQUEST, body, sizeof(body));
	expect_error(-EOPNOTSUPP);
}

static void test_what_asks_nothing_is_passed_over_but_acknowledged(void **state)
{
	uint8_t body[16] = { 0 };

	(void)state;
	ask(RTM_GETLINK, 0, body, sizeof(body)); /* no NLM_F_REQUEST */
	assert_int_equal(out.bytes, 0);
	assert_false(dump.is_active);
	ask(RTM_GETLINK, NLM_F_ACK, body, sizeof(body));
	expect_error(0);
	ask(NLMSG_NOOP, NLM_F_REQUEST, body, sizeof(body));
	assert_int_equal(out.bytes, 0);
	ask(NLMSG_NOOP, NLM_F_REQUEST | NLM_F_ACK, body, 0);
	expect_error(0);
}

static void test_a_datagram_is_cut_into_messages_within_it(void **state)
{
	struct nlmsghdr h = { .nlmsg_len = sizeof(h) + 1 };
	uint8_t data[sizeof(h) * 2 + 4] = { 0 };

	(void)state;
	memcpy(data, &h, sizeof(h));
	assert_int_equal(netlink_next_message(data, sizeof(data)), sizeof(h) + 4);
	assert_int_equal(netlink_next_message(data, sizeof(h) + 1), sizeof(h) + 1); /* the last one's padding may be missing */
	assert_int_equal(netlink_next_message(data, sizeof(h)), 0);
	assert_int_equal(netlink_next_message(data, sizeof(h) - 1), 0);
	assert_int_equal(netlink_next_message(data, 0), 0);
	h.nlmsg_len = sizeof(h) - 1;
	memcpy(data, &h, sizeof(h));
	assert_int_equal(netlink_next_message(data, sizeof(data)), 0);
	h.nlmsg_len = UINT32_MAX;
	memcpy(data, &h, sizeof(h));
	assert_int_equal(netlink_next_message(data, sizeof(data)), 0);
}

static void test_notifications_tell_one_entry_each(void **state)
{
	uint32_t at = 0;

	(void)state;
	while (netlink_describe(st, NETLINK_ADDRS, at, &out)) {
		struct nlmsghdr h;

		memcpy(&h, out.data, sizeof(h));
		assert_int_equal(h.nlmsg_type, RTM_NEWADDR);
		assert_int_equal(h.nlmsg_seq | h.nlmsg_pid | h.nlmsg_flags, 0);
		assert_int_equal(NLMSG_ALIGN(h.nlmsg_len), out.bytes);
		assert_int_equal(netlink_group_of(out.data), out.data[sizeof(h)] == AF_INET ? RTNLGRP_IPV4_IFADDR : RTNLGRP_IPV6_IFADDR);
		at++;
	}
	assert_int_equal(at, dump_of(RTM_GETADDR, AF_UNSPEC));
}

/* Whatever the bytes: the answers are whole messages, and nothing outside the request is read. */
static void test_garbage_gets_an_answer_or_none(void **state)
{
	static const uint16_t types[] = { RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE, RTM_GETNEIGH, RTM_NEWLINK, RTM_GETRULE };

	(void)state;
	srand(1);
	for (int i = 0; i < 20000; i++) {
		size_t bytes = (size_t)(rand() % 80);
		uint8_t body[80];

		for (size_t k = 0; k < bytes; k++)
			body[k] = (uint8_t)(rand() % 4 ? rand() % 12 : rand());
		dump.is_active = false;
		ask(types[rand() % 6], (uint16_t)(NLM_F_REQUEST | (rand() % 3 ? 0 : NLM_F_DUMP) | (rand() % 2 ? NLM_F_ACK : 0)), body, bytes);
		for (size_t at = 0; at < out.bytes; at += NLMSG_ALIGN(header_at(at).nlmsg_len))
			assert_true(netlink_next_message(out.data + at, out.bytes - at) > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_dumps_tell_every_entry_of_a_table, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_dump_of_a_long_table_comes_in_pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_address_is_told_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_link_is_found_by_name_or_index, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_route_is_looked_up_as_a_socket_would, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changes_and_other_questions_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_asks_nothing_is_passed_over_but_acknowledged, setup, teardown),
		cmocka_unit_test(test_a_datagram_is_cut_into_messages_within_it),
		cmocka_unit_test_setup_teardown(test_notifications_tell_one_entry_each, setup, teardown),
		cmocka_unit_test_setup_teardown(test_garbage_gets_an_answer_or_none, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
