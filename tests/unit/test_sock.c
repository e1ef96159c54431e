/* SPDX-License-Identifier: BSD-2-Clause */
/* What is common to all sockets: making them, ids, events, errors, and the options of SOL_SOCKET, IPPROTO_IP and IPPROTO_IPV6. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "stack/core.h"
#include "tests/lib/bed.h"
#include "tests/lib/packet.h"

static struct bed b;

static int setup(void **state)
{
	(void)state;
	bed_open(&b, 5, LINK_IP);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_close(&b);
	return 0;
}

static int open_error(int family, int type, int protocol)
{
	int err;
	struct sock *s = sock_open(b.st, family, type, protocol, &err);

	if (s) {
		sock_close(s, b.now_us);
		return 0;
	}
	return err;
}

static void test_socket_errors_are_linuxs(void **state)
{
	(void)state;
	assert_int_equal(open_error(AF_INET, SOCK_STREAM, 0), 0);
	assert_int_equal(open_error(AF_INET6, SOCK_STREAM, IPPROTO_TCP), 0);
	assert_int_equal(open_error(AF_INET, SOCK_DGRAM, IPPROTO_UDP), 0);
	assert_int_equal(open_error(AF_INET, SOCK_DGRAM, IPPROTO_ICMP), 0);
	assert_int_equal(open_error(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6), 0);
	assert_int_equal(open_error(AF_INET, SOCK_RAW, IPPROTO_ICMP), 0);
	assert_int_equal(open_error(AF_UNIX, SOCK_STREAM, 0), -EAFNOSUPPORT);
	assert_int_equal(open_error(AF_INET, SOCK_STREAM, IPPROTO_UDP), -EPROTONOSUPPORT);
	assert_int_equal(open_error(AF_INET, SOCK_DGRAM, IPPROTO_TCP), -EPROTONOSUPPORT);
	assert_int_equal(open_error(AF_INET, SOCK_DGRAM, IPPROTO_ICMPV6), -EPROTONOSUPPORT);
	assert_int_equal(open_error(AF_INET6, SOCK_DGRAM, IPPROTO_ICMP), -EPROTONOSUPPORT);
	assert_int_equal(open_error(AF_INET, SOCK_RAW, 0), -EPROTONOSUPPORT);
	assert_int_equal(open_error(AF_INET, SOCK_SEQPACKET, 0), -ESOCKTNOSUPPORT);
}

static void test_ids_are_unique_and_find_their_socket(void **state)
{
	enum { COUNT = 3000 };
	static struct sock *s[COUNT];
	static uint64_t id[COUNT];

	(void)state;
	for (int i = 0; i < COUNT; i++) {
		s[i] = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);
		id[i] = sock_id(s[i]);
		assert_true(id[i] != 0);
		assert_ptr_equal(sock_by_id(b.st, id[i]), s[i]);
	}
	for (int i = 0; i < COUNT; i += 2)
		sock_close(s[i], b.now_us);
	for (int i = 0; i < COUNT; i++)
		assert_ptr_equal(sock_by_id(b.st, id[i]), i % 2 ? s[i] : NULL);
	assert_null(sock_by_id(b.st, 0));
}

static void test_limit_on_sockets_is_kept_and_counted(void **state)
{
	struct bed few;
	struct sock *s[3];
	int err;

	(void)state;
	bed_prepare(&few, 1, LINK_IP);
	few.config.sockets_max = 3;
	assert_true(bed_start(&few));
	for (int i = 0; i < 3; i++)
		s[i] = bed_sock(&few, AF_INET, SOCK_DGRAM, 0);
	assert_null(sock_open(few.st, AF_INET, SOCK_DGRAM, 0, &err));
	assert_int_equal(err, -ENOBUFS);
	assert_int_equal(bed_stat(&few, "mem.objects_exhausted"), 1);
	sock_close(s[1], few.now_us);
	bed_sock(&few, AF_INET, SOCK_STREAM, 0);
	bed_close(&few);
}

static void test_each_event_is_told_once_and_a_socket_is_listed_once(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0), *other = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);
	uint32_t events;

	(void)state;
	sock_raise(s, SOCK_READABLE);
	sock_raise(other, SOCK_READABLE);
	sock_raise(s, SOCK_WRITABLE);
	sock_raise(s, SOCK_READABLE);
	assert_ptr_equal(stack_next_event(b.st, &events), s);
	assert_int_equal(events, SOCK_READABLE | SOCK_WRITABLE);
	assert_ptr_equal(stack_next_event(b.st, &events), other);
	assert_null(stack_next_event(b.st, &events));
	sock_raise(s, SOCK_READABLE);
	sock_close(s, b.now_us);
	assert_false(stack_has_events(b.st)); /* a closed one has nothing to tell */
}

static void test_error_is_read_once(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);
	int v;
	size_t len = sizeof(v);

	(void)state;
	sock_set_error(s, ECONNREFUSED);
	assert_int_equal(bed_events(&b, s), SOCK_ERROR);
	assert_int_equal(sock_poll(s) & POLLERR, POLLERR);
	assert_int_equal(sock_getopt(s, SOL_SOCKET, SO_ERROR, &v, &len, b.now_us), 0);
	assert_int_equal(v, ECONNREFUSED);
	assert_int_equal(sock_getopt(s, SOL_SOCKET, SO_ERROR, &v, &len, b.now_us), 0);
	assert_int_equal(v, 0);
	assert_int_equal(sock_poll(s) & POLLERR, 0);
}

static int bind_error(struct sock *s, const char *addr, uint16_t port)
{
	struct ip_endpoint e = bed_endpoint(addr, port);

	return sock_bind(s, &e);
}

static void test_bind_errors_are_linuxs(void **state)
{
	struct sock *s4 = bed_sock(&b, AF_INET, SOCK_DGRAM, 0), *s6 = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	struct sock *tcp = bed_sock(&b, AF_INET, SOCK_STREAM, 0), *tcp6 = bed_sock(&b, AF_INET6, SOCK_STREAM, 0);
	struct ip_endpoint peer = bed_endpoint(BED_PEER4, 80);
	int on = 1;

	(void)state;
	assert_int_equal(bind_error(s4, "::", 80), -EAFNOSUPPORT);
	assert_int_equal(bind_error(s4, "10.0.0.99", 80), -EADDRNOTAVAIL);
	assert_int_equal(bind_error(s6, "fe80::1", 80), -EINVAL); /* without a link */
	assert_int_equal(bind_error(s6, "ff02::1", 80), -EINVAL);
	assert_int_equal(bind_error(s6, "ff01::1", 80), -EINVAL);
	assert_int_equal(bind_error(tcp6, "ff15::1", 80), -EINVAL);
	assert_int_equal(bind_error(tcp, "224.0.0.1", 80), 0);
	assert_int_equal(sock_connect(tcp, &peer, b.now_us), -EINPROGRESS);
	tcp = bed_sock(&b, AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind_error(s4, BED_ADDR4, 80), 0);
	assert_int_equal(bind_error(s4, BED_ADDR4, 81), -EINVAL); /* bound already */
	assert_int_equal(sock_setopt(s6, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on), b.now_us), 0);
	assert_int_equal(bind_error(s6, "::ffff:" BED_ADDR4, 81), -EINVAL);
	assert_int_equal(sock_setopt(tcp, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on), b.now_us), 0);
	assert_int_equal(bind_error(tcp, "10.0.0.99", 80), 0);
}

static void test_operations_of_the_other_kind_are_not_supported(void **state)
{
	struct sock *udp = bed_sock(&b, AF_INET, SOCK_DGRAM, 0), *tcp = bed_sock(&b, AF_INET, SOCK_STREAM, 0);
	struct dgram_info info = { .ttl = -1, .tos = -1 };
	struct iovec iov;
	int err;

	(void)state;
	assert_int_equal(sock_listen(udp, 1, b.now_us), -EOPNOTSUPP);
	assert_null(sock_accept(udp, &err));
	assert_int_equal(err, -EOPNOTSUPP);
	assert_int_equal(sock_send_reserve(udp, 1, &iov, 1), -EOPNOTSUPP);
	assert_int_equal(sock_send_frame(tcp, bed_frame(&b, "x", 1), &info, b.now_us), -EOPNOTSUPP);
	assert_null(sock_recv_frame(tcp));
	assert_int_equal(sock_shutdown(udp, 77, b.now_us), -EINVAL);
}

/* ---- Options -------------------------------------------------------------------------------------------------------- */

static int set(struct sock *s, int level, int name, int v)
{
	return sock_setopt(s, level, name, &v, sizeof(v), b.now_us);
}

static int get(struct sock *s, int level, int name)
{
	int v = -12345;
	size_t len = sizeof(v);
	int err = sock_getopt(s, level, name, &v, &len, b.now_us);

	return err < 0 ? err : v;
}

static void test_buffers_are_doubled_and_capped(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);

	(void)state;
	assert_int_equal(get(s, SOL_SOCKET, SO_RCVBUF), 212992);
	assert_int_equal(set(s, SOL_SOCKET, SO_RCVBUF, 10000), 0);
	assert_int_equal(get(s, SOL_SOCKET, SO_RCVBUF), 20000);
	assert_int_equal(set(s, SOL_SOCKET, SO_RCVBUF, 1), 0);
	assert_int_equal(get(s, SOL_SOCKET, SO_RCVBUF), 2304);
	assert_int_equal(set(s, SOL_SOCKET, SO_RCVBUF, -1), 0); /* unsigned for Linux: very large */
	assert_int_equal(get(s, SOL_SOCKET, SO_RCVBUF), 2 * 4194304);
	assert_int_equal(set(s, SOL_SOCKET, SO_SNDBUF, 1), 0);
	assert_int_equal(get(s, SOL_SOCKET, SO_SNDBUF), 4608);
	assert_int_equal(set(s, SOL_SOCKET, SO_SNDBUF, INT_MAX), 0);
	assert_int_equal(get(s, SOL_SOCKET, SO_SNDBUF), 2 * 4194304);
}

static void test_what_a_socket_is_can_be_asked_and_not_set(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0), *tcp = bed_sock(&b, AF_INET, SOCK_STREAM, 0);

	(void)state;
	assert_int_equal(get(s, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
	assert_int_equal(get(s, SOL_SOCKET, SO_DOMAIN), AF_INET6);
	assert_int_equal(get(s, SOL_SOCKET, SO_PROTOCOL), IPPROTO_UDP);
	assert_int_equal(set(s, SOL_SOCKET, SO_TYPE, SOCK_STREAM), -ENOPROTOOPT);
	assert_int_equal(set(s, SOL_SOCKET, SO_ERROR, 1), -ENOPROTOOPT);
	assert_int_equal(get(tcp, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
	assert_int_equal(get(tcp, SOL_SOCKET, SO_ACCEPTCONN), 0);
	assert_int_equal(bind_error(tcp, "0.0.0.0", 80), 0);
	assert_int_equal(sock_listen(tcp, 1, b.now_us), 0);
	assert_int_equal(get(tcp, SOL_SOCKET, SO_ACCEPTCONN), 1);
}

static void test_booleans_are_true_for_any_value_but_zero(void **state)
{
	static const struct {
		int level, name;
	} bools[] = {
		{ SOL_SOCKET, SO_REUSEADDR }, { SOL_SOCKET, SO_REUSEPORT }, { SOL_SOCKET, SO_BROADCAST },
		{ SOL_SOCKET, SO_KEEPALIVE }, { SOL_SOCKET, SO_TIMESTAMP }, { IPPROTO_IP, IP_PKTINFO },
		{ IPPROTO_IP, IP_RECVTTL },   { IPPROTO_IP, IP_RECVTOS },   { IPPROTO_IP, IP_RECVERR },
		{ IPPROTO_IP, IP_FREEBIND },  { IPPROTO_IPV6, IPV6_RECVERR }, { IPPROTO_IPV6, IPV6_RECVPKTINFO },
		{ IPPROTO_IPV6, IPV6_RECVHOPLIMIT }, { IPPROTO_IPV6, IPV6_RECVTCLASS }, { IPPROTO_IPV6, IPV6_V6ONLY },
	};
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);

	(void)state;
	for (size_t i = 0; i < sizeof(bools) / sizeof(bools[0]); i++) {
		assert_int_equal(get(s, bools[i].level, bools[i].name), 0);
		assert_int_equal(set(s, bools[i].level, bools[i].name, 77), 0);
		assert_int_equal(get(s, bools[i].level, bools[i].name), 1);
		assert_int_equal(set(s, bools[i].level, bools[i].name, 0), 0);
		assert_int_equal(get(s, bools[i].level, bools[i].name), 0);
	}
}

static void test_values_out_of_range_are_refused(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);

	(void)state;
	assert_int_equal(set(s, IPPROTO_IP, IP_TTL, 0), -EINVAL);
	assert_int_equal(set(s, IPPROTO_IP, IP_TTL, 256), -EINVAL);
	assert_int_equal(set(s, IPPROTO_IP, IP_TTL, 255), 0);
	assert_int_equal(get(s, IPPROTO_IP, IP_TTL), 255);
	assert_int_equal(set(s, IPPROTO_IP, IP_TTL, -1), 0);
	assert_int_equal(get(s, IPPROTO_IP, IP_TTL), 64);
	assert_int_equal(set(s, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 256), -EINVAL);
	assert_int_equal(set(s, IPPROTO_IPV6, IPV6_TCLASS, 256), -EINVAL);
	assert_int_equal(set(s, IPPROTO_IP, IP_MTU_DISCOVER, 9), -EINVAL);
	assert_int_equal(set(s, IPPROTO_IP, IP_MULTICAST_TTL, 256), -EINVAL);
	assert_int_equal(get(s, IPPROTO_IP, IP_MULTICAST_TTL), 1);
	assert_int_equal(set(s, SOL_SOCKET, SO_BUF_LOCK, 4), -EINVAL);
	assert_int_equal(set(s, IPPROTO_IP, IP_MINTTL, 256), -EINVAL);
	assert_int_equal(set(s, IPPROTO_IPV6, IPV6_MTU, 1279), -EINVAL);
}

static void test_unknown_options_are_refused(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);

	(void)state;
	assert_int_equal(set(s, SOL_SOCKET, 9999, 1), -ENOPROTOOPT);
	assert_int_equal(get(s, SOL_SOCKET, 9999), -ENOPROTOOPT);
	assert_int_equal(set(s, IPPROTO_IPV6, IPV6_V6ONLY, 1), -ENOPROTOOPT); /* not on an IPv4 socket */
	assert_int_equal(set(s, IPPROTO_IP, IP_HDRINCL, 1), -ENOPROTOOPT);    /* raw sockets only */
	assert_int_equal(set(s, IPPROTO_TCP, 1, 1), -ENOPROTOOPT);
	assert_int_equal(set(s, 12345, 1, 1), -ENOPROTOOPT);
}

static void test_short_values_as_linux_takes_them(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);
	uint8_t byte = 7;
	int v = 0;
	size_t len = 1;

	(void)state;
	assert_int_equal(sock_setopt(s, SOL_SOCKET, SO_REUSEADDR, &byte, 1, b.now_us), -EINVAL);
	assert_int_equal(sock_setopt(s, IPPROTO_IP, IP_TTL, &byte, 1, b.now_us), 0);
	assert_int_equal(get(s, IPPROTO_IP, IP_TTL), 7);
	assert_int_equal(sock_getopt(s, IPPROTO_IP, IP_TTL, &v, &len, b.now_us), 0);
	assert_int_equal(len, 1);
	assert_int_equal(*(uint8_t *)&v, 7);
	len = 100;
	assert_int_equal(sock_getopt(s, SOL_SOCKET, SO_TYPE, &v, &len, b.now_us), 0);
	assert_int_equal(len, sizeof(int));
}

static void test_linger_keeps_its_struct(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_STREAM, 0);
	struct linger l = { 1, 5 }, got;
	size_t len = sizeof(got);

	(void)state;
	assert_int_equal(sock_setopt(s, SOL_SOCKET, SO_LINGER, &l, 4, b.now_us), -EINVAL);
	assert_int_equal(sock_setopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof(l), b.now_us), 0);
	assert_int_equal(sock_getopt(s, SOL_SOCKET, SO_LINGER, &got, &len, b.now_us), 0);
	assert_memory_equal(&l, &got, sizeof(l));
}

static void test_device_is_bound_by_name_and_by_index(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);
	char name[LINK_NAME_MAX];
	size_t len = sizeof(name);

	(void)state;
	assert_int_equal(sock_setopt(s, SOL_SOCKET, SO_BINDTODEVICE, "nothing", 7, b.now_us), -ENODEV);
	assert_int_equal(sock_setopt(s, SOL_SOCKET, SO_BINDTODEVICE, "test0", 6, b.now_us), 0);
	assert_int_equal(sock_getopt(s, SOL_SOCKET, SO_BINDTODEVICE, name, &len, b.now_us), 0);
	assert_string_equal(name, "test0");
	assert_int_equal(get(s, SOL_SOCKET, SO_BINDTOIFINDEX), b.ifindex);
	assert_int_equal(sock_setopt(s, SOL_SOCKET, SO_BINDTODEVICE, "", 0, b.now_us), 0);
	assert_int_equal(get(s, SOL_SOCKET, SO_BINDTOIFINDEX), 0);
	assert_int_equal(set(s, SOL_SOCKET, SO_BINDTOIFINDEX, 99), 0); /* Linux does not look whether there is one */
	assert_int_equal(set(s, SOL_SOCKET, SO_BINDTOIFINDEX, -1), -EINVAL);
}

static void test_bound_device_decides_where_to_listen_and_send(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);
	uint8_t buf[100];

	(void)state;
	assert_int_equal(sock_setopt(s, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3, b.now_us), 0);
	assert_int_equal(bind_error(s, "0.0.0.0", 80), 0);
	bed_inject(&b, buf, packet_udp(buf, BED_PEER4, 9, BED_ADDR4, 80, "x", 1));
	assert_null(sock_recv_frame(s));
	assert_int_equal(bed_send(&b, s, BED_PEER4, 9, "x", 1), -ENETUNREACH);
}

static void test_multicast_interface_by_address_and_index(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);
	struct in_addr addr = { htonl(0x0a000001) }, stranger = { htonl(0x0a000063) };
	struct ip_mreqn by_index = { .imr_ifindex = (int)b.ifindex };

	(void)state;
	assert_int_equal(sock_setopt(s, IPPROTO_IP, IP_MULTICAST_IF, &addr, sizeof(addr), b.now_us), 0);
	assert_int_equal(s->opt.mcast_ifindex, b.ifindex);
	assert_int_equal(sock_setopt(s, IPPROTO_IP, IP_MULTICAST_IF, &stranger, sizeof(stranger), b.now_us), -EADDRNOTAVAIL);
	assert_int_equal(sock_setopt(s, IPPROTO_IP, IP_MULTICAST_IF, &by_index, sizeof(by_index), b.now_us), 0);
	assert_int_equal(set(s, IPPROTO_IPV6, IPV6_MULTICAST_IF, 99), -ENODEV);
	assert_int_equal(set(s, IPPROTO_IPV6, IPV6_MULTICAST_IF, 0), 0);
	assert_int_equal(get(s, IPPROTO_IPV6, IPV6_MULTICAST_IF), 0);
}

static void test_v6only_is_decided_before_bind(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET6, SOCK_DGRAM, 0);

	(void)state;
	assert_int_equal(bind_error(s, "::", 80), 0);
	assert_int_equal(set(s, IPPROTO_IPV6, IPV6_V6ONLY, 1), -EINVAL);
}

static void test_mtu_of_a_connected_socket(void **state)
{
	struct sock *s = bed_sock(&b, AF_INET, SOCK_DGRAM, 0);
	struct ip_endpoint peer = bed_endpoint(BED_PEER4, 9);

	(void)state;
	assert_int_equal(get(s, IPPROTO_IP, IP_MTU), -ENOTCONN);
	assert_int_equal(sock_connect(s, &peer, b.now_us), 0);
	assert_int_equal(get(s, IPPROTO_IP, IP_MTU), 1500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_socket_errors_are_linuxs),
		T(test_ids_are_unique_and_find_their_socket),
		T(test_limit_on_sockets_is_kept_and_counted),
		T(test_each_event_is_told_once_and_a_socket_is_listed_once),
		T(test_error_is_read_once),
		T(test_bind_errors_are_linuxs),
		T(test_operations_of_the_other_kind_are_not_supported),
		T(test_buffers_are_doubled_and_capped),
		T(test_what_a_socket_is_can_be_asked_and_not_set),
		T(test_booleans_are_true_for_any_value_but_zero),
		T(test_values_out_of_range_are_refused),
		T(test_unknown_options_are_refused),
		T(test_short_values_as_linux_takes_them),
		T(test_linger_keeps_its_struct),
		T(test_device_is_bound_by_name_and_by_index),
		T(test_bound_device_decides_where_to_listen_and_send),
		T(test_multicast_interface_by_address_and_index),
		T(test_v6only_is_decided_before_bind),
		T(test_mtu_of_a_connected_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
