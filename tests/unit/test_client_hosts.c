/* SPDX-License-Identifier: BSD-2-Clause */
/* test_client_hosts.c - names without a resolver: literals, hosts(5), services. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client-lib/hosts.h"
#include "tapir/socket.h"

static const char hosts_text[] = "# a comment\n"
				 "127.0.0.1\tlocalhost\n"
				 "::1 localhost ip6-localhost # another\n"
				 "192.0.2.1  www.example.org www\r\n"
				 "2001:db8::1 www.example.org\n"
				 "not-an-address www\n"
				 "192.0.2.2 WWW";

static size_t find(const char *name, int family, struct hosts_entry *e)
{
	char text[sizeof(hosts_text)];
	FILE *file;

	memcpy(text, hosts_text, sizeof(text));
	file = fmemopen(text, sizeof(text) - 1, "r");
	memset(e, 0, sizeof(*e));
	hosts_find_name(file, name, family, e);
	fclose(file);
	return e->addr_count;
}

static void test_names_are_found_in_the_files_order_without_case(void **state)
{
	struct hosts_entry e;

	(void)state;
	assert_int_equal(find("www", AF_UNSPEC, &e), 2);
	assert_string_equal(e.canonical, "www.example.org");
	assert_int_equal(e.addrs[0].addr[3], 1);
	assert_int_equal(e.addrs[1].addr[3], 2); /* the last line needs no end */
	assert_int_equal(find("WWW.Example.ORG.", AF_UNSPEC, &e), 2);
	assert_int_equal(e.addrs[1].family, AF_INET6);
	assert_int_equal(find("www.example.org", AF_INET6, &e), 1);
	assert_int_equal(find("example.org", AF_UNSPEC, &e), 0);
	assert_int_equal(find("", AF_UNSPEC, &e), 0);
}

static void test_comments_hide_names(void **state)
{
	struct hosts_entry e;

	(void)state;
	assert_int_equal(find("another", AF_UNSPEC, &e), 0);
	assert_int_equal(find("comment", AF_UNSPEC, &e), 0);
	assert_int_equal(find("ip6-localhost", AF_UNSPEC, &e), 1);
}

static void test_localhost_is_loopback_without_a_file(void **state)
{
	struct hosts_entry e = { .addr_count = 0 };

	(void)state;
	assert_true(hosts_find_name(NULL, "localhost", AF_UNSPEC, &e));
	assert_int_equal(e.addr_count, 2);
	memset(&e, 0, sizeof(e));
	assert_true(hosts_find_name(NULL, "db.localhost", AF_INET, &e));
	assert_int_equal(e.addrs[0].addr[0], 127);
	memset(&e, 0, sizeof(e));
	assert_false(hosts_find_name(NULL, "notlocalhost", AF_INET, &e));
}

static void test_addresses_are_found_backwards(void **state)
{
	struct hosts_addr a = { .family = AF_INET, .addr = { 192, 0, 2, 1 } };
	char text[sizeof(hosts_text)], name[HOSTS_NAME_MAX];
	FILE *file;

	(void)state;
	memcpy(text, hosts_text, sizeof(text));
	file = fmemopen(text, sizeof(text) - 1, "r");
	assert_true(hosts_find_addr(file, &a, name));
	assert_string_equal(name, "www.example.org");
	rewind(file);
	a.addr[3] = 99;
	assert_false(hosts_find_addr(file, &a, name));
	fclose(file);
}

static void test_endless_lines_do_no_harm(void **state)
{
	struct hosts_entry e = { .addr_count = 0 };
	size_t bytes = 100000;
	char *text = malloc(bytes);
	FILE *file;

	(void)state;
	memset(text, 'x', bytes);
	memcpy(text, "192.0.2.9 long ", 15);
	memcpy(text + bytes - 25, "\n192.0.2.7 behind the end", 25);
	file = fmemopen(text, bytes, "r");
	assert_true(hosts_find_name(file, "behind", AF_UNSPEC, &e));
	assert_int_equal(e.addrs[0].addr[3], 7);
	fclose(file);
	free(text);
}

static void test_literals_are_parsed_with_their_scope(void **state)
{
	struct hosts_addr a;
	const char *scope;

	(void)state;
	assert_true(hosts_parse_addr("fe80::1%tap0", &a, &scope));
	assert_int_equal(a.family, AF_INET6);
	assert_string_equal(scope, "tap0");
	assert_true(hosts_parse_addr("192.0.2.1", &a, &scope));
	assert_null(scope);
	assert_true(hosts_parse_addr("fe80::1%", &a, &scope));
	assert_string_equal(scope, ""); /* the caller finds no such interface */
	assert_false(hosts_parse_addr("192.0.2.1%eth0", &a, &scope));
	assert_false(hosts_parse_addr("192.0.2.1 x", &a, &scope));
	assert_false(hosts_parse_addr("fe80::1::2", &a, &scope));
}

/* ---- getaddrinfo() ---- */

static int look_up(const char *node, const char *service, struct addrinfo hints, struct addrinfo **r)
{
	*r = NULL;
	return tapir_getaddrinfo(node, service, &hints, r);
}

static void test_every_transport_is_told_unless_one_is_asked_for(void **state)
{
	struct addrinfo *r;

	(void)state;
	assert_int_equal(look_up("192.0.2.1", "80", (struct addrinfo){ 0 }, &r), 0);
	assert_int_equal(r->ai_socktype, SOCK_STREAM);
	assert_int_equal(r->ai_next->ai_socktype, SOCK_DGRAM);
	assert_int_equal(r->ai_next->ai_next->ai_socktype, SOCK_RAW);
	assert_null(r->ai_next->ai_next->ai_next);
	tapir_freeaddrinfo(r);
	assert_int_equal(look_up("192.0.2.1", "80", (struct addrinfo){ .ai_protocol = IPPROTO_UDP, .ai_socktype = SOCK_DGRAM }, &r), 0);
	assert_int_equal(r->ai_protocol, IPPROTO_UDP);
	assert_null(r->ai_next);
	tapir_freeaddrinfo(r);
}

static void test_no_node_is_the_wildcard_or_loopback(void **state)
{
	struct addrinfo *r;

	(void)state;
	assert_int_equal(look_up(NULL, "80", (struct addrinfo){ .ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM }, &r), 0);
	assert_int_equal(((struct sockaddr_in *)(void *)r->ai_addr)->sin_addr.s_addr, INADDR_ANY);
	assert_int_equal(r->ai_next->ai_family, AF_INET6);
	tapir_freeaddrinfo(r);
	assert_int_equal(look_up(NULL, "80", (struct addrinfo){ .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, &r), 0);
	assert_int_equal(((struct sockaddr_in *)(void *)r->ai_addr)->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	tapir_freeaddrinfo(r);
}

static void test_ipv4_is_mapped_when_only_ipv6_will_do(void **state)
{
	struct addrinfo *r, hints = { .ai_family = AF_INET6, .ai_flags = AI_V4MAPPED, .ai_socktype = SOCK_STREAM };

	(void)state;
	assert_int_equal(look_up("192.0.2.1", NULL, hints, &r), 0);
	assert_int_equal(r->ai_family, AF_INET6);
	assert_true(IN6_IS_ADDR_V4MAPPED(&((struct sockaddr_in6 *)(void *)r->ai_addr)->sin6_addr));
	tapir_freeaddrinfo(r);
}

static void test_getaddrinfo_names_each_mistake(void **state)
{
	struct addrinfo *r;

	(void)state;
	assert_int_equal(look_up(NULL, NULL, (struct addrinfo){ 0 }, &r), EAI_NONAME);
	assert_int_equal(look_up("192.0.2.1", "80", (struct addrinfo){ .ai_family = AF_INET6 }, &r), EAI_ADDRFAMILY);
	assert_int_equal(look_up("192.0.2.1", "80", (struct addrinfo){ .ai_family = AF_UNIX }, &r), EAI_FAMILY);
	assert_int_equal(look_up("192.0.2.1", "no-such-service", (struct addrinfo){ 0 }, &r), EAI_SERVICE);
	assert_int_equal(look_up("192.0.2.1", "ssh", (struct addrinfo){ .ai_flags = AI_NUMERICSERV }, &r), EAI_NONAME);
	assert_int_equal(look_up("192.0.2.1", "80", (struct addrinfo){ .ai_socktype = 77 }, &r), EAI_SOCKTYPE);
	assert_int_equal(look_up("192.0.2.1", "80", (struct addrinfo){ .ai_flags = 1 << 20 }, &r), EAI_BADFLAGS);
	assert_int_equal(look_up("a.name", "80", (struct addrinfo){ .ai_flags = AI_NUMERICHOST }, &r), EAI_NONAME);
	assert_int_equal(look_up("no-such-host.invalid", "80", (struct addrinfo){ 0 }, &r), EAI_FAIL);
	assert_int_equal(look_up(NULL, "80", (struct addrinfo){ .ai_flags = AI_CANONNAME }, &r), EAI_BADFLAGS);
	assert_null(r);
}

static void test_getnameinfo_tells_numbers_and_overflow(void **state)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(65000), .sin6_scope_id = 4 };
	char host[64], service[16];
	int flags = NI_NUMERICHOST | NI_NUMERICSERV;

	(void)state;
	inet_pton(AF_INET6, "fe80::9", &in6.sin6_addr);
	assert_int_equal(tapir_getnameinfo((struct sockaddr *)&in6, sizeof(in6), host, sizeof(host), service, sizeof(service), flags), 0);
	assert_string_equal(host, "fe80::9%4");
	assert_string_equal(service, "65000");
	assert_int_equal(tapir_getnameinfo((struct sockaddr *)&in6, sizeof(in6), host, 5, NULL, 0, flags), EAI_OVERFLOW);
	assert_int_equal(tapir_getnameinfo((struct sockaddr *)&in6, 8, host, 5, NULL, 0, flags), EAI_FAMILY);
	inet_pton(AF_INET6, "2001:db8:ffff::77", &in6.sin6_addr);
	assert_int_equal(tapir_getnameinfo((struct sockaddr *)&in6, sizeof(in6), host, sizeof(host), NULL, 0, NI_NAMEREQD), EAI_NONAME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_are_found_in_the_files_order_without_case),
		cmocka_unit_test(test_comments_hide_names),
		cmocka_unit_test(test_localhost_is_loopback_without_a_file),
		cmocka_unit_test(test_addresses_are_found_backwards),
		cmocka_unit_test(test_endless_lines_do_no_harm),
		cmocka_unit_test(test_literals_are_parsed_with_their_scope),
		cmocka_unit_test(test_every_transport_is_told_unless_one_is_asked_for),
		cmocka_unit_test(test_no_node_is_the_wildcard_or_loopback),
		cmocka_unit_test(test_ipv4_is_mapped_when_only_ipv6_will_do),
		cmocka_unit_test(test_getaddrinfo_names_each_mistake),
		cmocka_unit_test(test_getnameinfo_tells_numbers_and_overflow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
