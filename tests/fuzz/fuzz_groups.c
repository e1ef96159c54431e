/* SPDX-License-Identifier: BSD-2-Clause */
/* IGMP and MLD messages, socket options about groups, and time, in any order: the input is a list of steps, each a byte that says what, a
 * byte for its length, and its bytes. Checksums and what else a message needs to be looked at are put in. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/lib/bed.h"
#include "tests/lib/groups.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 200, SOCKETS = 4 };

static uint8_t buf[70000];

static const int names4[] = { IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP, IP_ADD_SOURCE_MEMBERSHIP, IP_DROP_SOURCE_MEMBERSHIP, IP_BLOCK_SOURCE,
			      IP_UNBLOCK_SOURCE, IP_MSFILTER, MCAST_JOIN_GROUP, MCAST_LEAVE_GROUP, MCAST_JOIN_SOURCE_GROUP,
			      MCAST_LEAVE_SOURCE_GROUP, MCAST_BLOCK_SOURCE, MCAST_UNBLOCK_SOURCE, MCAST_MSFILTER, IP_MULTICAST_IF };
static const int names6[] = { IPV6_JOIN_GROUP, IPV6_LEAVE_GROUP, MCAST_JOIN_GROUP, MCAST_LEAVE_GROUP, MCAST_JOIN_SOURCE_GROUP,
			      MCAST_LEAVE_SOURCE_GROUP, MCAST_BLOCK_SOURCE, MCAST_UNBLOCK_SOURCE, MCAST_MSFILTER, IPV6_MULTICAST_IF };

/* An option with the bytes as they are. */
static void option(struct bed *b, struct sock *s, uint8_t which, const uint8_t *data, size_t len)
{
	size_t n4 = sizeof(names4) / sizeof(names4[0]), n6 = sizeof(names6) / sizeof(names6[0]);
	bool is6 = which & 0x80;
	int name = is6 ? names6[which % n6] : names4[which % n4];
	uint8_t value[512];
	size_t room = len;

	sock_setopt(s, is6 ? IPPROTO_IPV6 : IPPROTO_IP, name, data, len, b->now_us);
	memcpy(value, data, len);
	sock_getopt(s, is6 ? IPPROTO_IPV6 : IPPROTO_IP, name, value, &room, b->now_us);
	if (room > len)
		bed_fatal("getsockopt() wrote %zu bytes into %zu", room, len);
}

/* The usual: a source filter of one of a few groups, so that steps meet. */
static void membership(struct bed *b, struct sock *s, const uint8_t *data)
{
	struct group_source_req m = { .gsr_interface = b->ifindex };
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	bool is6 = data[0] & 1;
	int name = MCAST_JOIN_GROUP + data[1] % 6;

	in4.sin_addr.s_addr = htonl(0xefffff00u | (data[2] & 3));
	in6.sin6_addr.s6_addr[0] = 0xff;
	in6.sin6_addr.s6_addr[1] = 0x15;
	in6.sin6_addr.s6_addr[15] = data[2] & 3;
	if (data[2] & 4) { /* one for single sources */
		in4.sin_addr.s_addr = htonl(0xe8010100u | (data[2] & 3));
		in6.sin6_addr.s6_addr[1] = 0x35;
	}
	memcpy(&m.gsr_group, is6 ? (void *)&in6 : (void *)&in4, is6 ? sizeof(in6) : sizeof(in4));
	in4.sin_addr.s_addr = htonl(0x0a000000u | data[3] % 16);
	in6.sin6_addr.s6_addr[0] = 0x20;
	in6.sin6_addr.s6_addr[15] = data[3] % 16;
	memcpy(&m.gsr_source, is6 ? (void *)&in6 : (void *)&in4, is6 ? sizeof(in6) : sizeof(in4));
	sock_setopt(s, is6 ? IPPROTO_IPV6 : IPPROTO_IP, name, &m,
		    name == MCAST_JOIN_GROUP || name == MCAST_LEAVE_GROUP ? sizeof(struct group_req) : sizeof(m), b->now_us);
}

static void step(struct bed *b, struct sock **socks, uint8_t what, const uint8_t *data, size_t len)
{
	struct sock **s = &socks[what >> 4 & (SOCKETS - 1)];
	uint8_t four[4] = { 0 };

	memcpy(four, data, len < 4 ? len : 4);
	switch (what & 0xf) {
	case 0:
		bed_inject(b, buf, groups_wrap_bytes(buf, "224.0.0.1", data, len));
		break;
	case 1:
		bed_inject(b, buf, groups_wrap_bytes(buf, "ff02::1", data, len));
		break;
	case 2: /* to a group that may be listened to */
		bed_inject(b, buf, groups_wrap_bytes(buf, what & 0x80 ? "ff15::1" : "239.255.255.1", data, len));
		break;
	case 3:
		membership(b, *s, four);
		break;
	case 4:
		if (len > 0)
			option(b, *s, data[0], data + 1, len - 1);
		break;
	case 5:
		bed_run(b, (uint64_t)(four[0] << 8 | four[1]) * 4000);
		break;
	case 6:
		sock_close(*s, b->now_us);
		*s = bed_sock(b, what & 0x80 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
		break;
	case 7:
		stack_set_link_up(b->st, b->ifindex, four[0] & 1, b->now_us);
		break;
	}
	bed_turn(b);
}

/* What went out must be in due form; see groups_next(). */
static void check_reports(struct bed *b)
{
	static struct groups_report r;

	while (groups_next(b, &r))
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bed b;
	struct sock *socks[SOCKETS];
	size_t at = 0;

	bed_open(&b, 3, LINK_IP);
	b.hears_reports = true;
	for (int i = 0; i < SOCKETS; i++)
		socks[i] = bed_sock(&b, i % 2 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
	for (int i = 0; i < STEPS_MAX && at + 2 <= size; i++) {
		uint8_t what = data[at];
		size_t len = data[at + 1], left = size - at - 2;

		len = len < left ? len : left;
		step(&b, socks, what, data + at + 2, len);
		at += 2 + len;
		check_reports(&b);
	}
	bed_run(&b, 100000000);
	check_reports(&b);
	bed_close(&b);
	return 0;
}
