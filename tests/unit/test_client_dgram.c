/* SPDX-License-Identifier: BSD-2-Clause */
/* test_client_dgram.c - the framing of datagrams, with the test as the daemon: its end of the pair has the name that the library knows. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "client-lib/dgram.h"
#include "client-lib/hint.h"
#include "client-lib/protocol.h"
#include "tapir/socket.h"

static const uint64_t id = 0x0123456789abcdef;
static int ours, daemons;
static struct dgram_sock s;

static int setup(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fds[2], n;

	(void)state;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) < 0)
		return -1;
	ours = fds[0];
	daemons = fds[1];
	n = snprintf(sun.sun_path + 1, sizeof(sun.sun_path) - 1, "tapir/unit-%d-%d/%016llx", (int)getpid(), fds[1],
		     (unsigned long long)id);
	if (bind(daemons, (struct sockaddr *)&sun, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) < 0)
		return -1;
	hint_set(ours, HINT_DGRAM, id);
	return dgram_is(ours, &s) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	hint_on_close(ours);
	close(ours);
	close(daemons);
	return 0;
}

static struct tapir_dgram header(void)
{
	return (struct tapir_dgram){ .magic_id = id,
				     .header_bytes = sizeof(struct tapir_dgram),
				     .addr = { .family = AF_INET, .port = 53, .addr = { [10] = 0xff, 0xff, 10, 0, 0, 7 } },
				     .ttl = -1,
				     .tos = -1 };
}

static void deliver_with(const struct tapir_dgram *h, const char *text)
{
	struct { struct tapir_dgram h; char text[200]; } m = { .h = *h };

	memcpy(m.text, text, strlen(text));
	assert_int_equal(send(daemons, &m, sizeof(m.h) + strlen(text), 0), sizeof(m.h) + strlen(text));
}

static void deliver(const char *text)
{
	struct tapir_dgram h = header();

	deliver_with(&h, text);
}

static void deliver_bare(const char *text)
{
	assert_int_equal(send(daemons, text, strlen(text), 0), strlen(text));
}

/* Receive into pieces of these sizes; what came is then in text, '\0' behind it. */
static ssize_t receive(size_t first, size_t second, int flags, char text[256], struct msghdr *m)
{
	static char buf[256];
	struct iovec iov[2] = { { buf, first }, { buf + 128, second } };
	ssize_t n;
	size_t have;

	memset(buf, '-', sizeof(buf));
	*m = (struct msghdr){ .msg_iov = iov, .msg_iovlen = 2 };
	n = dgram_recvmsg(&s, m, flags | MSG_DONTWAIT);
	have = n < 0 ? 0 : (size_t)n < first + second ? (size_t)n : first + second;
	memcpy(text, buf, have < first ? have : first);
	if (have > first)
		memcpy(text + first, buf + 128, have - first);
	text[have] = 0;
	assert_int_equal(buf[first], '-'); /* nothing was written where nothing was asked for */
	assert_int_equal(buf[128 + second], '-');
	return n;
}

static void test_socket_is_known_by_the_name_of_the_daemons_end(void **state)
{
	struct hint_sock sock;
	int plain[2];

	(void)state;
	assert_true(hint_look(ours, &sock));
	assert_true(sock.id == id);
	assert_int_equal(sock.type, SOCK_SEQPACKET);
	assert_false(hint_look(daemons, &sock)); /* our end has no name */
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, plain), 0);
	assert_false(hint_look(plain[0], &sock));
	assert_false(hint_look(-1, &sock));
	close(plain[0]);
	close(plain[1]);
}

static void test_expected_or_not_a_header_is_taken_off(void **state)
{
	struct msghdr m;
	char text[256];

	(void)state;
	for (int connected = 0; connected < 2; connected++) {
		s.is_connected = connected;
		deliver("0123456789");
		assert_int_equal(receive(3, 100, 0, text, &m), 10);
		assert_string_equal(text, "0123456789");
		assert_int_equal(m.msg_flags, 0);
	}
}

static void test_expected_or_not_a_bare_datagram_is_left_whole(void **state)
{
	static const char longer[] = "a bare datagram that is longer than a header is, so that both its parts must move to their places, "
				     "the second and the first";
	struct msghdr m;
	char text[256];

	(void)state;
	for (int connected = 0; connected < 2; connected++) {
		s.is_connected = connected;
		deliver_bare("short");
		assert_int_equal(receive(3, 100, 0, text, &m), 5);
		assert_string_equal(text, "short");
		deliver_bare(longer);
		assert_int_equal(receive(50, 120, 0, text, &m), sizeof(longer) - 1);
		assert_string_equal(text, longer);
		deliver_bare(longer);
		assert_int_equal(receive(7, 20, 0, text, &m), 27);
		assert_memory_equal(text, longer, 27);
		assert_int_equal(m.msg_flags, MSG_TRUNC);
	}
}

static void test_truncation_does_not_count_the_header(void **state)
{
	struct msghdr m;
	char text[256];

	(void)state;
	for (int connected = 0; connected < 2; connected++) {
		s.is_connected = connected;
		for (int i = 0; i < 3; i++)
			deliver("0123456789");
		assert_int_equal(receive(2, 3, 0, text, &m), 5);
		assert_string_equal(text, "01234");
		assert_int_equal(m.msg_flags, MSG_TRUNC);
		assert_int_equal(receive(2, 3, MSG_TRUNC, text, &m), 10);
		assert_int_equal(receive(5, 5, MSG_TRUNC, text, &m), 10);
		assert_int_equal(m.msg_flags, 0);
	}
}

static void test_a_newer_daemons_longer_header_is_skipped(void **state)
{
	struct tapir_dgram h = header();
	struct msghdr m;
	char text[256];

	(void)state;
	h.header_bytes += 4;
	for (int connected = 0; connected < 2; connected++) {
		s.is_connected = connected;
		deliver_with(&h, "new!0123456789");
		assert_int_equal(receive(3, 100, 0, text, &m), 10);
		assert_string_equal(text, "0123456789");
	}
}

static void test_another_sockets_magic_is_data(void **state)
{
	struct tapir_dgram h = header();
	struct msghdr m;
	char text[256];

	(void)state;
	h.magic_id++;
	deliver_with(&h, "x");
	assert_int_equal(receive(100, 0, 0, text, &m), sizeof(h) + 1);
}

static void test_an_error_is_told_once_also_when_peeked_at(void **state)
{
	struct tapir_dgram h = header();
	struct msghdr m;
	char text[256];

	(void)state;
	h.flags = TAPIR_DGRAM_ERROR;
	h.error = ECONNREFUSED;
	deliver_with(&h, "");
	assert_int_equal(receive(5, 5, 0, text, &m), -ECONNREFUSED);
	deliver_with(&h, "");
	assert_int_equal(receive(5, 5, MSG_PEEK, text, &m), -ECONNREFUSED);
	assert_int_equal(receive(5, 5, 0, text, &m), -EAGAIN);
}

static void test_empty_datagram_is_not_the_end(void **state)
{
	struct msghdr m;
	char text[256];

	(void)state;
	deliver("");
	assert_int_equal(receive(5, 5, 0, text, &m), 0);
	assert_int_equal(send(daemons, "", 0, 0), 0);
	s.is_connected = true;
	assert_int_equal(receive(5, 5, 0, text, &m), 0);
	/* Nobody answers for the socket any more: that is the end. */
	setenv("TAPIR_SOCKET", "/nonexistent/tapir.sock", 1);
	close(daemons);
	assert_int_equal(receive(5, 5, 0, text, &m), -ENETDOWN);
	daemons = dup(ours);
}

static void test_sender_and_interface_come_from_the_header(void **state)
{
	struct tapir_dgram h = header();
	struct sockaddr_in from;
	union {
		struct cmsghdr align;
		char bytes[256];
	} control;
	char buf[16];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_name = &from, .msg_namelen = sizeof(from), .msg_control = &control,
			    .msg_controllen = sizeof(control) };

	(void)state;
	h.flags = TAPIR_DGRAM_TTL;
	h.ttl = 33;
	deliver_with(&h, "abc");
	assert_int_equal(dgram_recvmsg(&s, &m, 0), 3);
	assert_int_equal(ntohs(from.sin_port), 53);
	assert_int_equal(from.sin_addr.s_addr, htonl(0x0a000007));
	assert_int_equal(m.msg_namelen, sizeof(from));
	assert_int_equal(CMSG_FIRSTHDR(&m)->cmsg_type, IP_TTL);
}

static void test_a_batch_keeps_datagrams_behind_an_error(void **state)
{
	struct tapir_dgram h = header();
	char buf[3][8];
	struct iovec iov[3];
	struct mmsghdr m[3];

	(void)state;
	h.flags = TAPIR_DGRAM_ERROR;
	h.error = EHOSTUNREACH;
	deliver("first");
	deliver_with(&h, "");
	deliver("second");
	memset(buf, '-', sizeof(buf));
	for (int i = 0; i < 3; i++) {
		iov[i] = (struct iovec){ buf[i], sizeof(buf[i]) };
		m[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &iov[i], .msg_iovlen = 1 } };
	}
	assert_int_equal(dgram_recvmmsg(&s, m, 3, MSG_DONTWAIT, NULL), 2);
	assert_int_equal(m[0].msg_len, 5);
	assert_int_equal(m[1].msg_len, 6);
	assert_memory_equal(buf[0], "first-", 6);
	assert_memory_equal(buf[1], "second-", 7);
	deliver_with(&h, "");
	assert_int_equal(dgram_recvmmsg(&s, m, 3, MSG_DONTWAIT, NULL), -EHOSTUNREACH);
}

static void test_sent_with_an_address_it_is_framed(void **state)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr = { htonl(0x0a000001) } };
	struct { struct tapir_dgram h; char text[16]; } got;

	(void)state;
	dgram_learn_way(&s, &(struct tapir_addr){ .family = AF_INET, .port = 9, .addr = { [10] = 0xff, 0xff, 10, 0, 0, 1 } });
	assert_int_equal(tapir_sendto(ours, "abc", 3, 0, (struct sockaddr *)&to, sizeof(to)), 3);
	assert_int_equal(recv(daemons, &got, sizeof(got), 0), sizeof(got.h) + 3);
	assert_true(got.h.magic_id == id);
	assert_int_equal(got.h.header_bytes, sizeof(got.h));
	assert_int_equal(got.h.flags, 0);
	assert_int_equal(got.h.addr.family, AF_INET);
	assert_int_equal(got.h.addr.port, 9);
	assert_int_equal(got.h.ttl, -1);
	assert_int_equal(got.h.tos, -1);
	assert_memory_equal(got.text, "abc", 3);
}

static void test_sent_on_a_connected_socket_it_is_bare_unless_empty(void **state)
{
	struct msghdr m = { .msg_iovlen = 0 };
	struct iovec iov = { (char[]){ "abc" }, 3 };
	char buf[256];

	(void)state;
	s.is_connected = true;
	dgram_learn_way(&s, &(struct tapir_addr){ 0 });
	assert_int_equal(dgram_sendmsg(&s, &m, 0), 0);
	assert_int_equal(recv(daemons, buf, sizeof(buf), 0), sizeof(struct tapir_dgram));
	m = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
	assert_int_equal(dgram_sendmsg(&s, &m, 0), 3);
	assert_int_equal(recv(daemons, buf, sizeof(buf), 0), 3);
}

static void test_way_that_is_not_known_is_asked_about_before_anything_is_sent(void **state)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr = { htonl(0x0a000002) } };
	char byte;

	(void)state;
	setenv("TAPIR_SOCKET", "/nowhere/tapir.sock", 1);
	assert_int_equal(tapir_sendto(ours, "abc", 3, 0, (struct sockaddr *)&to, sizeof(to)), -1);
	assert_int_equal(errno, ENETDOWN);
	assert_int_equal(recv(daemons, &byte, 1, MSG_DONTWAIT), -1);
}

static void test_poll_says_error_when_a_bell_is_next(void **state)
{
	struct pollfd p = { .fd = ours, .events = POLLIN };
	struct tapir_dgram h = header();

	(void)state;
	h.flags = TAPIR_DGRAM_ERROR | TAPIR_DGRAM_BELL;
	assert_int_equal(send(daemons, &h, sizeof(h), 0), sizeof(h));
	assert_int_equal(poll(&p, 1, 0), 1);
	hint_trust();
	dgram_correct_poll(&p, 1);
	assert_int_equal(p.revents, POLLERR);
}

static void test_what_cannot_be_sent_is_refused_here(void **state)
{
	static char big[65536];
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };

	(void)state;
	assert_int_equal(tapir_sendto(ours, big, 65508, 0, (struct sockaddr *)&to, sizeof(to)), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(tapir_sendto(ours, big, 65528, 0, (struct sockaddr *)&to6, sizeof(to6)), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(tapir_sendto(ours, big, 1, 0, (struct sockaddr *)&to, 4), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(tapir_sendto(ours, big, 1, MSG_OOB, (struct sockaddr *)&to, sizeof(to)), -1);
	assert_int_equal(errno, EOPNOTSUPP);
}

static void test_fionread_is_the_datagrams_length(void **state)
{
	int n = -1;

	(void)state;
	assert_int_equal(tapir_ioctl(ours, FIONREAD, &n), 0);
	assert_int_equal(n, 0);
	deliver("12345");
	deliver("1");
	assert_int_equal(tapir_ioctl(ours, FIONREAD, &n), 0);
	assert_int_equal(n, 5);
}

static void test_pieces_move_like_memmove(void **state)
{
	char want[64], a[64];
	uint32_t rng = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct iovec iov[6];
		size_t at = 0, to, from, bytes;

		for (int i = 0; i < 64; i++)
			a[i] = want[i] = (char)i;
		for (int i = 0; i < 6; i++) {
			rng = rng * 1664525 + 1013904223;
			iov[i] = (struct iovec){ a + at, i == 5 ? 64 - at : (rng >> 8) % 16 < 64 - at ? (rng >> 8) % 16 : 0 };
			at += iov[i].iov_len;
		}
		rng = rng * 1664525 + 1013904223;
		bytes = (rng >> 10) % 40;
		to = (rng >> 16) % (64 - bytes);
		from = (rng >> 24) % (64 - bytes);
		memmove(want + to, want + from, bytes);
		iov_move(iov, 6, to, from, bytes);
		assert_memory_equal(a, want, sizeof(a));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define WITH_SOCKET(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
		WITH_SOCKET(test_socket_is_known_by_the_name_of_the_daemons_end),
		WITH_SOCKET(test_expected_or_not_a_header_is_taken_off),
		WITH_SOCKET(test_expected_or_not_a_bare_datagram_is_left_whole),
		WITH_SOCKET(test_truncation_does_not_count_the_header),
		WITH_SOCKET(test_a_newer_daemons_longer_header_is_skipped),
		WITH_SOCKET(test_another_sockets_magic_is_data),
		WITH_SOCKET(test_an_error_is_told_once_also_when_peeked_at),
		WITH_SOCKET(test_empty_datagram_is_not_the_end),
		WITH_SOCKET(test_sender_and_interface_come_from_the_header),
		WITH_SOCKET(test_a_batch_keeps_datagrams_behind_an_error),
		WITH_SOCKET(test_sent_with_an_address_it_is_framed),
		WITH_SOCKET(test_sent_on_a_connected_socket_it_is_bare_unless_empty),
		WITH_SOCKET(test_way_that_is_not_known_is_asked_about_before_anything_is_sent),
		WITH_SOCKET(test_poll_says_error_when_a_bell_is_next),
		WITH_SOCKET(test_what_cannot_be_sent_is_refused_here),
		WITH_SOCKET(test_fionread_is_the_datagrams_length),
		cmocka_unit_test(test_pieces_move_like_memmove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
