/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may claim which port: Linux's rules of conflict, and RFC 6056's ephemeral ports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "stack/core.h"
#include "tests/lib/bed.h"

static struct bed b;

static int setup(void **state)
{
	(void)state;
	bed_open(&b, 11, LINK_IP);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_close(&b);
	return 0;
}

enum { REUSE_ADDR = 1, REUSE_PORT = 2, V6ONLY = 4 };

/* A socket that was never bound; the port table is all that is looked at here. */
static struct sock *unbound(int family, int type, unsigned flags)
{
	struct sock *s = bed_sock(&b, family, type, 0);

	s->opt.reuse_addr = flags & REUSE_ADDR;
	s->opt.reuse_port = flags & REUSE_PORT;
	s->opt.v6only = flags & V6ONLY;
	return s;
}

static int claim(struct sock *s, const char *addr, uint16_t port)
{
	struct ip_endpoint local = bed_endpoint(addr, port);

	return port_bind(s, &local);
}

static struct sock *holder(int family, int type, unsigned flags, const char *addr, uint16_t port)
{
	struct sock *s = unbound(family, type, flags);

	assert_int_equal(claim(s, addr, port), 0);
	return s;
}

static int try(int family, int type, unsigned flags, const char *addr, uint16_t port)
{
	return claim(unbound(family, type, flags), addr, port);
}

static void test_same_address_and_port_conflict(void **state)
{
	(void)state;
	holder(AF_INET, SOCK_DGRAM, 0, BED_ADDR4, 80);
	assert_int_equal(try(AF_INET, SOCK_DGRAM, 0, BED_ADDR4, 80), -EADDRINUSE);
	assert_int_equal(try(AF_INET, SOCK_DGRAM, 0, BED_ADDR4, 81), 0);
	assert_int_equal(try(AF_INET, SOCK_DGRAM, 0, "127.0.0.1", 80), 0);
}

static void test_tcp_and_udp_ports_are_apart(void **state)
{
	(void)state;
	holder(AF_INET, SOCK_DGRAM, 0, BED_ADDR4, 80);
	assert_int_equal(try(AF_INET, SOCK_STREAM, 0, BED_ADDR4, 80), 0);
}

static void test_wildcard_conflicts_with_any_address_of_its_family(void **state)
{
	(void)state;
	holder(AF_INET, SOCK_STREAM, 0, "0.0.0.0", 80);
	assert_int_equal(try(AF_INET, SOCK_STREAM, 0, BED_ADDR4, 80), -EADDRINUSE);
	holder(AF_INET, SOCK_STREAM, 0, BED_ADDR4, 81);
	assert_int_equal(try(AF_INET, SOCK_STREAM, 0, "0.0.0.0", 81), -EADDRINUSE);
}

static void test_ipv6_wildcard_covers_ipv4_unless_v6only(void **state)
{
	(void)state;
	holder(AF_INET6, SOCK_STREAM, 0, "::", 80);
	assert_int_equal(try(AF_INET, SOCK_STREAM, 0, "0.0.0.0", 80), -EADDRINUSE);
	assert_int_equal(try(AF_INET, SOCK_STREAM, 0, BED_ADDR4, 80), -EADDRINUSE);
	holder(AF_INET6, SOCK_STREAM, V6ONLY, "::", 81);
	assert_int_equal(try(AF_INET, SOCK_STREAM, 0, "0.0.0.0", 81), 0);
	holder(AF_INET, SOCK_STREAM, 0, BED_ADDR4, 82);
	assert_int_equal(try(AF_INET6, SOCK_STREAM, 0, "::", 82), -EADDRINUSE);
	assert_int_equal(try(AF_INET6, SOCK_STREAM, V6ONLY, "::", 82), 0);
	holder(AF_INET, SOCK_STREAM, 0, BED_ADDR4, 83);
	assert_int_equal(try(AF_INET6, SOCK_STREAM, 0, BED_ADDR6, 83), 0);
	assert_int_equal(try(AF_INET6, SOCK_STREAM, 0, "::ffff:" BED_ADDR4, 83), -EADDRINUSE);
}

static void test_reuseaddr_shares_unless_one_listens(void **state)
{
	struct sock *first = holder(AF_INET, SOCK_STREAM, REUSE_ADDR, "0.0.0.0", 80);
	struct sock *second = holder(AF_INET, SOCK_STREAM, REUSE_ADDR, "0.0.0.0", 80);

	(void)state;
	assert_int_equal(try(AF_INET, SOCK_STREAM, 0, "0.0.0.0", 80), -EADDRINUSE); /* both must have it */
	assert_int_equal(port_listen(first), 0);
	assert_int_equal(port_listen(second), -EADDRINUSE);
	assert_int_equal(try(AF_INET, SOCK_STREAM, REUSE_ADDR, "0.0.0.0", 80), -EADDRINUSE);
	port_unlisten(first);
	assert_int_equal(port_listen(second), 0);
}

static void test_reuseport_shares_within_one_owner(void **state)
{
	struct sock *first = holder(AF_INET, SOCK_STREAM, REUSE_PORT, "0.0.0.0", 80), *other;

	(void)state;
	assert_int_equal(port_listen(first), 0);
	other = holder(AF_INET, SOCK_STREAM, REUSE_PORT, "0.0.0.0", 80);
	assert_int_equal(port_listen(other), 0);
	assert_int_equal(try(AF_INET, SOCK_STREAM, 0, "0.0.0.0", 80), -EADDRINUSE);
	other = unbound(AF_INET, SOCK_STREAM, REUSE_PORT);
	sock_set_owner(other, 1000, 1);
	assert_int_equal(claim(other, "0.0.0.0", 80), -EADDRINUSE);
}

static void test_udp_reuseaddr_shares(void **state)
{
	(void)state;
	holder(AF_INET, SOCK_DGRAM, REUSE_ADDR, "0.0.0.0", 80);
	assert_int_equal(try(AF_INET, SOCK_DGRAM, REUSE_ADDR, "0.0.0.0", 80), 0);
	assert_int_equal(try(AF_INET, SOCK_DGRAM, REUSE_PORT, "0.0.0.0", 80), -EADDRINUSE);
}

static void test_sockets_of_different_devices_do_not_meet(void **state)
{
	struct sock *s = unbound(AF_INET, SOCK_DGRAM, 0);

	(void)state;
	s->opt.bound_ifindex = 1;
	assert_int_equal(claim(s, "0.0.0.0", 80), 0);
	s = unbound(AF_INET, SOCK_DGRAM, 0);
	s->opt.bound_ifindex = 2;
	assert_int_equal(claim(s, "0.0.0.0", 80), 0);
	assert_int_equal(try(AF_INET, SOCK_DGRAM, 0, "0.0.0.0", 80), -EADDRINUSE);
}

/* A server that was restarted: connections of the old one linger, without a listener. */
static void test_connections_of_a_gone_listener_block_only_without_reuseaddr(void **state)
{
	struct ip_addr ours = addr_of(BED_ADDR4);

	(void)state;
	for (unsigned reuse = 0; reuse <= REUSE_ADDR; reuse++) {
		struct sock *listener = holder(AF_INET, SOCK_STREAM, reuse, "0.0.0.0", 80);
		struct port_hold conns[100], later;

		assert_int_equal(port_listen(listener), 0);
		for (int i = 0; i < 100; i++)
			port_share(&conns[i], &listener->port, &ours);
		port_release(b.st, &listener->port);
		memset(&later, 0, sizeof(later));
		port_move(&later, &conns[50]);
		assert_null(conns[50].bucket);
		assert_int_equal(try(AF_INET, SOCK_STREAM, 0, "0.0.0.0", 80), -EADDRINUSE);
		listener = unbound(AF_INET, SOCK_STREAM, REUSE_ADDR);
		assert_int_equal(claim(listener, "0.0.0.0", 80), reuse ? 0 : -EADDRINUSE);
		if (reuse)
			assert_int_equal(port_listen(listener), 0);
		for (int i = 0; i < 100; i++)
			port_release(b.st, &conns[i]);
		port_release(b.st, &later);
		port_release(b.st, &listener->port);
		assert_null(port_lookup(b.st, PORT_TCP, 80));
	}
}

static void test_ephemeral_bind_takes_every_port_of_the_range_once(void **state)
{
	static bool seen[65536];
	const char *why;

	(void)state;
	assert_int_equal(stack_set(b.st, "net.ipv4.ip_local_port_range", "40000 40199", &why), 0);
	memset(seen, 0, sizeof(seen));
	for (int i = 0; i < 200; i++) {
		struct sock *s = holder(AF_INET, SOCK_DGRAM, 0, "0.0.0.0", 0);

		assert_in_range(s->local.port, 40000, 40199);
		assert_false(seen[s->local.port]);
		seen[s->local.port] = true;
	}
	assert_int_equal(try(AF_INET, SOCK_DGRAM, 0, "0.0.0.0", 0), -EADDRINUSE);
	assert_int_equal(try(AF_INET, SOCK_DGRAM, REUSE_ADDR, "0.0.0.0", 0), -EADDRINUSE);
	assert_int_equal(try(AF_INET, SOCK_STREAM, 0, "0.0.0.0", 0), 0);
}

/* ---- connect(2) --------------------------------------------------------------------------------------------------- */

/* What the protocol would know: ports in use towards one remote port. */
static uint8_t in_use[4][65536];
static unsigned asked;

static bool is_free(struct sock *s, const struct ip_endpoint *remote, uint16_t port)
{
	(void)s;
	asked++;
	return !in_use[remote->port][port];
}

static struct sock *connection(uint16_t remote_port, int *err)
{
	struct ip_endpoint remote = bed_endpoint(BED_PEER4, remote_port);
	struct sock *s = unbound(AF_INET, SOCK_STREAM, 0);

	s->local.addr = addr_of(BED_ADDR4);
	*err = port_connect(s, &remote, is_free);
	if (*err == 0)
		in_use[remote_port][s->local.port] = 1;
	return s;
}

static void test_connections_to_different_remotes_share_ports(void **state)
{
	const char *why;
	int err;

	(void)state;
	memset(in_use, 0, sizeof(in_use));
	assert_int_equal(stack_set(b.st, "net.ipv4.ip_local_port_range", "40000 40099", &why), 0);
	for (int i = 0; i < 300; i++) {
		connection((uint16_t)(1 + i % 3), &err);
		assert_int_equal(err, 0);
	}
	connection(1, &err);
	assert_int_equal(err, -EADDRNOTAVAIL);
}

static void test_connect_leaves_bound_ports_alone(void **state)
{
	const char *why;
	struct sock *s;
	int err;

	(void)state;
	memset(in_use, 0, sizeof(in_use));
	assert_int_equal(stack_set(b.st, "net.ipv4.ip_local_port_range", "40000 40001", &why), 0);
	holder(AF_INET, SOCK_STREAM, 0, BED_ADDR4, 40000);
	s = connection(1, &err);
	assert_int_equal(err, 0);
	assert_int_equal(s->local.port, 40001);
}

/* RFC 6056 section 3.3.4: consecutive connections to one place take consecutive ports, so that a port used last is used again
 * last, and the search is short. */
static void test_search_for_a_port_is_short_until_they_run_out(void **state)
{
	int err;

	(void)state;
	memset(in_use, 0, sizeof(in_use));
	asked = 0;
	for (int i = 0; i < 28000; i++) {
		connection(2, &err);
		assert_int_equal(err, 0);
	}
	assert_in_range(asked, 0, 28000); /* is_free() is asked only of ports that somebody holds */
}

static void test_ports_depend_on_secret_and_destination(void **state)
{
	unsigned same = 0;

	(void)state;
	for (uint64_t seed = 1; seed < 50; seed++) {
		struct ip_endpoint to1 = bed_endpoint(BED_PEER4, 1), to2 = bed_endpoint(BED_PEER4, 2);
		struct bed one;
		struct sock *s;
		static uint16_t last;
		uint16_t first;

		bed_open(&one, seed, LINK_IP);
		memset(in_use, 0, sizeof(in_use));
		s = bed_sock(&one, AF_INET, SOCK_STREAM, 0);
		s->local.addr = addr_of(BED_ADDR4);
		assert_int_equal(port_connect(s, &to1, is_free), 0);
		first = s->local.port;
		s = bed_sock(&one, AF_INET, SOCK_STREAM, 0);
		s->local.addr = addr_of(BED_ADDR4);
		assert_int_equal(port_connect(s, &to2, is_free), 0);
		same += abs(s->local.port - first) < 3;
		same += first == last;
		last = first;
		bed_close(&one);
	}
	assert_in_range(same, 0, 2);
}

/* ---- Against a naive model ---------------------------------------------------------------------------------------- */

enum { MODEL_SOCKS = 24 };

struct model {
	struct sock *s;
	struct ip_addr addr;
	uint16_t port;
	bool v6only, reuse_addr, reuse_port, held;
};

static bool model_overlap(const struct model *x, const struct model *y)
{
	bool x4 = ip_addr_is4(&x->addr), y4 = ip_addr_is4(&y->addr);
	bool x_takes_y = ip_addr_is_any(&x->addr) && (x4 == y4 || (!x4 && !x->v6only));
	bool y_takes_x = ip_addr_is_any(&y->addr) && (x4 == y4 || (!y4 && !y->v6only));

	return x_takes_y || y_takes_x || ip_addr_eq(&x->addr, &y->addr);
}

static bool model_conflict(const struct model *all, const struct model *x)
{
	for (int i = 0; i < MODEL_SOCKS; i++) {
		const struct model *y = &all[i];

		if (y == x || !y->held || y->port != x->port || !model_overlap(x, y))
			continue;
		if (!(x->reuse_addr && y->reuse_addr) && !(x->reuse_port && y->reuse_port))
			return true;
	}
	return false;
}

static void test_random_binds_agree_with_the_model(void **state)
{
	static const char *const addrs[] = { "0.0.0.0", BED_ADDR4, "::", BED_ADDR6, "::ffff:" BED_ADDR4 };
	struct model all[MODEL_SOCKS] = { { 0 } };
	struct rng rng = { { { 1, 2 } }, 0 };

	(void)state;
	for (int step = 0; step < 20000; step++) {
		struct model *m = &all[rng_below(&rng, MODEL_SOCKS)];

		if (m->s) {
			sock_close(m->s, b.now_us);
			memset(m, 0, sizeof(*m));
			continue;
		}
		m->addr = addr_of(addrs[rng_below(&rng, 5)]);
		m->port = (uint16_t)(80 + rng_below(&rng, 3));
		m->v6only = rng_below(&rng, 2);
		m->reuse_addr = rng_below(&rng, 2);
		m->reuse_port = rng_below(&rng, 2);
		m->s = unbound(AF_INET6, SOCK_DGRAM, (m->reuse_addr ? REUSE_ADDR : 0) | (m->reuse_port ? REUSE_PORT : 0) |
						     (m->v6only ? V6ONLY : 0));
		{
			struct ip_endpoint local = { .addr = m->addr, .port = m->port };
			bool conflict = model_conflict(all, m);

			assert_int_equal(port_bind(m->s, &local), conflict ? -EADDRINUSE : 0);
			m->held = !conflict;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_same_address_and_port_conflict),
		T(test_tcp_and_udp_ports_are_apart),
		T(test_wildcard_conflicts_with_any_address_of_its_family),
		T(test_ipv6_wildcard_covers_ipv4_unless_v6only),
		T(test_reuseaddr_shares_unless_one_listens),
		T(test_reuseport_shares_within_one_owner),
		T(test_udp_reuseaddr_shares),
		T(test_sockets_of_different_devices_do_not_meet),
		T(test_connections_of_a_gone_listener_block_only_without_reuseaddr),
		T(test_ephemeral_bind_takes_every_port_of_the_range_once),
		T(test_connections_to_different_remotes_share_ports),
		T(test_connect_leaves_bound_ports_alone),
		T(test_search_for_a_port_is_short_until_they_run_out),
		T(test_ports_depend_on_secret_and_destination),
		T(test_random_binds_agree_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
