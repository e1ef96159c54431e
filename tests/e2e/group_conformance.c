/* SPDX-License-Identifier: BSD-2-Clause */
/* group_conformance.c - what programs are told about multicast groups, and what their sockets hear: one line an attempt. The same binary
 * runs on the kernel and under `tapir run`; both must print the same.
 *
 *	group_conformance LINK OWN4 OWN6 [TEST]    the link and its addresses; /24 and /64, with a default route over it
 *
 * Each test is a process of its own, with its own groups and port, so that they run all at once. Those that need silence to know that nothing
 * came wait for it. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif

enum { TEST_SECONDS_MAX = 60, SILENCE_MS = 300, PORT_FIRST = 7600, NO_INDEX = 77 };

/* The test's: two groups of each family, and one of the link. */
static char G4[32], H4[32], G6[32], H6[32], LINK_LOCAL6[32];
static int PORT;

static const char *link_name, *own4, *own6;
static int link_index;

/* ---- Building blocks ---- */

static const char *error_name(long result)
{
	return result >= 0 ? "ok" : strerrorname_np(errno);
}

/* What the call says: ok, or the name of its error. */
#define SAY(what, call) printf("%s: %s\n", what, error_name((long)(call)))

static bool is4(const char *text)
{
	return !strchr(text, ':');
}

static socklen_t put_address(struct sockaddr_storage *to, const char *text, int port, uint32_t scope)
{
	struct sockaddr_in *in4 = (void *)to;
	struct sockaddr_in6 *in6 = (void *)to;

	memset(to, 0, sizeof(*to));
	if (is4(text)) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons((uint16_t)port);
		inet_pton(AF_INET, text, &in4->sin_addr);
		return sizeof(*in4);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons((uint16_t)port);
	in6->sin6_scope_id = scope;
	inet_pton(AF_INET6, text, &in6->sin6_addr);
	return sizeof(*in6);
}

/* Indices differ between the two: the link's is called "link". */
static const char *index_name(int index)
{
	static char text[16];

	if (index == link_index)
		return "link";
	snprintf(text, sizeof(text), "%d", index);
	return text;
}

static const char *address_name(const struct sockaddr_storage *a)
{
	static char text[128], host[INET6_ADDRSTRLEN];
	const struct sockaddr_in *in4 = (const void *)a;
	const struct sockaddr_in6 *in6 = (const void *)a;
	int port;

	if (a->ss_family == AF_INET) {
		inet_ntop(AF_INET, &in4->sin_addr, host, sizeof(host));
		port = ntohs(in4->sin_port);
	} else {
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		port = ntohs(in6->sin6_port);
	}
	snprintf(text, sizeof(text), "%s port %s%s%s", strncmp(host, "fe80:", 5) == 0 ? "fe80" : host, port == PORT ? "PORT" : port ? "some" : "0",
		 a->ss_family == AF_INET6 && in6->sin6_scope_id ? " scope " : "",
		 a->ss_family == AF_INET6 && in6->sin6_scope_id ? index_name((int)in6->sin6_scope_id) : "");
	return text;
}

static int level_of(const char *group)
{
	return is4(group) ? IPPROTO_IP : IPPROTO_IPV6;
}

static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

static int get(int fd, int level, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, level, name, &value, &len) < 0 ? -errno : value;
}

static int udp(int family)
{
	int fd = socket(family, SOCK_DGRAM, 0);

	if (fd < 0) {
		perror("socket");
		exit(1);
	}
	set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	return fd;
}

static int bound(const char *address)
{
	struct sockaddr_storage a;
	int fd = udp(is4(address) ? AF_INET : AF_INET6);
	socklen_t len = put_address(&a, address, PORT, 0);

	if (bind(fd, (struct sockaddr *)&a, len) < 0)
		printf("bind to %s: %s\n", address, error_name(-1));
	return fd;
}

static int mreqn(int fd, int name, const char *group, const char *own, int index)
{
	struct ip_mreqn m = { .imr_ifindex = index };

	inet_pton(AF_INET, group, &m.imr_multiaddr);
	inet_pton(AF_INET, own, &m.imr_address);
	return setsockopt(fd, IPPROTO_IP, name, &m, sizeof(m));
}

static int mreq(int fd, int name, const char *group, const char *own)
{
	struct ip_mreq m;

	inet_pton(AF_INET, group, &m.imr_multiaddr);
	inet_pton(AF_INET, own, &m.imr_interface);
	return setsockopt(fd, IPPROTO_IP, name, &m, sizeof(m));
}

static int mreq6(int fd, int name, const char *group, int index)
{
	struct ipv6_mreq m = { .ipv6mr_interface = (unsigned)index };

	inet_pton(AF_INET6, group, &m.ipv6mr_multiaddr);
	return setsockopt(fd, IPPROTO_IPV6, name, &m, sizeof(m));
}

static int group_req(int fd, int name, const char *group, int index)
{
	struct group_req g = { .gr_interface = (uint32_t)index };

	put_address(&g.gr_group, group, 0, 0);
	return setsockopt(fd, level_of(group), name, &g, sizeof(g));
}

static int source_req(int fd, int name, const char *group, const char *source, int index)
{
	struct group_source_req g = { .gsr_interface = (uint32_t)index };

	put_address(&g.gsr_group, group, 0, 0);
	put_address(&g.gsr_source, source, 0, 0);
	return setsockopt(fd, level_of(group), name, &g, sizeof(g));
}

static int mreq_source(int fd, int name, const char *group, const char *own, const char *source)
{
	struct ip_mreq_source m;

	inet_pton(AF_INET, group, &m.imr_multiaddr);
	inet_pton(AF_INET, own, &m.imr_interface);
	inet_pton(AF_INET, source, &m.imr_sourceaddr);
	return setsockopt(fd, IPPROTO_IP, name, &m, sizeof(m));
}

static int send_to(int fd, const char *address, const char *text, uint32_t scope)
{
	struct sockaddr_storage a;
	socklen_t len = put_address(&a, address, PORT, scope);

	return (int)sendto(fd, text, strlen(text), 0, (struct sockaddr *)&a, len);
}

/* What the socket holds, once there has been silence. */
static void hears(const char *what, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char data[256];

	printf("%s hears:", what);
	while (poll(&p, 1, SILENCE_MS) > 0) {
		struct sockaddr_storage from = { 0 };
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, data, sizeof(data) - 1, MSG_DONTWAIT, (struct sockaddr *)&from, &len);

		if (n < 0) {
			printf(" (%s)", error_name(-1));
			break;
		}
		data[n] = 0;
		printf(" %s from %s;", data, len ? address_name(&from) : "nobody");
	}
	printf("\n");
}

/* With what comes beside the data. */
static void hears_all(const char *what, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char data[256], control[512];

	printf("%s hears:", what);
	while (poll(&p, 1, SILENCE_MS) > 0) {
		struct sockaddr_storage from = { 0 };
		struct iovec v = { data, sizeof(data) - 1 };
		struct msghdr m = { &from, sizeof(from), &v, 1, control, sizeof(control), 0 };
		ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);

		if (n < 0)
			break;
		data[n] = 0;
		printf(" %s from %s", data, address_name(&from));
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
			char a[INET6_ADDRSTRLEN], l[INET6_ADDRSTRLEN];

			if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
				struct in_pktinfo i;

				memcpy(&i, CMSG_DATA(c), sizeof(i));
				printf(" pktinfo %s %s %s", index_name(i.ipi_ifindex), inet_ntop(AF_INET, &i.ipi_addr, a, sizeof(a)),
				       inet_ntop(AF_INET, &i.ipi_spec_dst, l, sizeof(l)));
			} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
				struct in6_pktinfo i;

				memcpy(&i, CMSG_DATA(c), sizeof(i));
				printf(" pktinfo %s %s", index_name((int)i.ipi6_ifindex), inet_ntop(AF_INET6, &i.ipi6_addr, a, sizeof(a)));
			} else {
				int value = 0;

				memcpy(&value, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0) < 4 ? c->cmsg_len - CMSG_LEN(0) : 4);
				printf(" %d/%d %d", c->cmsg_level, c->cmsg_type, value);
			}
		}
		printf(";");
	}
	printf("\n");
}

static void name_of(const char *what, int fd)
{
	struct sockaddr_storage a = { 0 };
	socklen_t len = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		printf("%s: %s\n", what, error_name(-1));
	else
		printf("%s: %s\n", what, address_name(&a));
}

/* ---- Tests ---- */

/* glibc's (RFC 3678 sections 4.2, 5.2) */
static void source_filters_of_the_c_library(void)
{
	static const char *const groups[2] = { G4, G6 }, *const sources[2][2] = { { "192.0.2.1", "192.0.2.2" }, { "2001:db8::1", "2001:db8::2" } };

	for (int f = 0; f < 2; f++) {
		struct sockaddr_storage group, list[4];
		int fd = udp(f ? AF_INET6 : AF_INET);
		uint32_t mode = 9, count = 4;
		socklen_t len = put_address(&group, groups[f], 0, 0);

		SAY("get before joining", getsourcefilter(fd, (uint32_t)link_index, (void *)&group, len, &mode, &count, list));
		SAY("set before joining", setsourcefilter(fd, (uint32_t)link_index, (void *)&group, len, MCAST_EXCLUDE, 0, list));
		SAY("join", group_req(fd, MCAST_JOIN_GROUP, groups[f], link_index));
		put_address(&list[0], sources[f][0], 0, 0);
		put_address(&list[1], sources[f][1], 0, 0);
		SAY("set", setsourcefilter(fd, (uint32_t)link_index, (void *)&group, len, MCAST_INCLUDE, 2, list));
		memset(list, 0, sizeof(list));
		count = 4;
		SAY("get", getsourcefilter(fd, (uint32_t)link_index, (void *)&group, len, &mode, &count, list));
		printf("mode %u, %u sources: %s\n", mode, count, address_name(&list[0]));
		printf("and %s\n", address_name(&list[1]));
		count = 1;
		SAY("get one", getsourcefilter(fd, (uint32_t)link_index, (void *)&group, len, &mode, &count, list));
		printf("mode %u, %u sources\n", mode, count);
		count = 0;
		SAY("get none", getsourcefilter(fd, (uint32_t)link_index, (void *)&group, len, &mode, &count, NULL));
		printf("mode %u, %u sources\n", mode, count);
		SAY("get on another link", getsourcefilter(fd, NO_INDEX, (void *)&group, len, &mode, &count, list));
		SAY("set on no link", setsourcefilter(fd, 0, (void *)&group, len, MCAST_EXCLUDE, 0, list));
		SAY("set mode 5", setsourcefilter(fd, (uint32_t)link_index, (void *)&group, len, 5, 0, list));
		SAY("set to leave", setsourcefilter(fd, (uint32_t)link_index, (void *)&group, len, MCAST_INCLUDE, 0, list));
		SAY("leave", group_req(fd, MCAST_LEAVE_GROUP, groups[f], link_index));
		close(fd);
	}
}

static void source_filters_of_ipv4_in_the_c_library(void)
{
	int fd = udp(AF_INET);
	struct in_addr group, own, list[4];
	uint32_t mode = 9, count = 4;

	inet_pton(AF_INET, G4, &group);
	inet_pton(AF_INET, own4, &own);
	SAY("get before joining", getipv4sourcefilter(fd, own, group, &mode, &count, list));
	SAY("join", mreq(fd, IP_ADD_MEMBERSHIP, G4, own4));
	count = 4;
	SAY("get", getipv4sourcefilter(fd, own, group, &mode, &count, list));
	printf("mode %u, %u sources\n", mode, count);
	inet_pton(AF_INET, "192.0.2.1", &list[0]);
	inet_pton(AF_INET, "192.0.2.9", &list[1]);
	SAY("set", setipv4sourcefilter(fd, own, group, MCAST_EXCLUDE, 2, list));
	memset(list, 0, sizeof(list));
	count = 4;
	SAY("get", getipv4sourcefilter(fd, own, group, &mode, &count, list));
	printf("mode %u, %u sources %s\n", mode, count, inet_ntoa(list[0]));
	own.s_addr = htonl(INADDR_ANY);
	SAY("get by no address", getipv4sourcefilter(fd, own, group, &mode, &count, list));
	inet_pton(AF_INET, "203.0.113.9", &own);
	SAY("get by an address of nobody", getipv4sourcefilter(fd, own, group, &mode, &count, list));
	close(fd);
}

/* Joined in one way and left in another. */
static void styles_mix(void)
{
	int fd = udp(AF_INET), fd6 = udp(AF_INET6);

	SAY("mreq by address", mreq(fd, IP_ADD_MEMBERSHIP, G4, own4));
	SAY("again by index", mreqn(fd, IP_ADD_MEMBERSHIP, G4, "0.0.0.0", link_index));
	SAY("again as MCAST", group_req(fd, MCAST_JOIN_GROUP, G4, link_index));
	SAY("source of it", mreq_source(fd, IP_ADD_SOURCE_MEMBERSHIP, G4, own4, "192.0.2.1"));
	SAY("leave as MCAST", group_req(fd, MCAST_LEAVE_GROUP, G4, link_index));
	SAY("drop again", mreq(fd, IP_DROP_MEMBERSHIP, G4, own4));
	SAY("join as MCAST", group_req(fd, MCAST_JOIN_GROUP, G4, link_index));
	SAY("drop by address", mreqn(fd, IP_DROP_MEMBERSHIP, G4, own4, 0));
	SAY("source as MCAST", source_req(fd, MCAST_JOIN_SOURCE_GROUP, G4, "192.0.2.1", link_index));
	SAY("another as IP_", mreq_source(fd, IP_ADD_SOURCE_MEMBERSHIP, G4, own4, "192.0.2.2"));
	SAY("block one", mreq_source(fd, IP_BLOCK_SOURCE, G4, own4, "192.0.2.1"));
	SAY("leave one as IP_", mreq_source(fd, IP_DROP_SOURCE_MEMBERSHIP, G4, own4, "192.0.2.1"));
	SAY("leave the other as MCAST", source_req(fd, MCAST_LEAVE_SOURCE_GROUP, G4, "192.0.2.2", link_index));
	SAY("it is no member", group_req(fd, MCAST_LEAVE_GROUP, G4, link_index));
	SAY("source group left whole", source_req(fd, MCAST_JOIN_SOURCE_GROUP, G4, "192.0.2.1", link_index));
	SAY("by drop", mreq(fd, IP_DROP_MEMBERSHIP, G4, own4));

	SAY("v6 join", mreq6(fd6, IPV6_JOIN_GROUP, G6, link_index));
	SAY("v6 as MCAST", group_req(fd6, MCAST_JOIN_GROUP, G6, link_index));
	SAY("v6 leave as MCAST", group_req(fd6, MCAST_LEAVE_GROUP, G6, link_index));
	SAY("v6 leave", mreq6(fd6, IPV6_LEAVE_GROUP, G6, link_index));
	SAY("v6 IP_ on AF_INET6", mreqn(fd6, IP_ADD_MEMBERSHIP, G4, "0.0.0.0", link_index));
	SAY("v6 option on AF_INET", mreq6(fd, IPV6_JOIN_GROUP, G6, link_index));
	SAY("v6 MCAST on AF_INET", group_req(fd, MCAST_JOIN_GROUP, G6, link_index));
	SAY("v6 mapped group", mreq6(fd6, IPV6_JOIN_GROUP, "::ffff:239.7.7.7", link_index));
	SAY("v6 unicast", mreq6(fd6, IPV6_JOIN_GROUP, own6, link_index));
	close(fd);
	close(fd6);
}

static void two_links(void)
{
	int fd = udp(AF_INET), fd6 = udp(AF_INET6);

	SAY("on lo", mreqn(fd, IP_ADD_MEMBERSHIP, G4, "0.0.0.0", 1));
	SAY("on the link", mreqn(fd, IP_ADD_MEMBERSHIP, G4, "0.0.0.0", link_index));
	SAY("on lo by address", mreq(fd, IP_ADD_MEMBERSHIP, G4, "127.0.0.1"));
	SAY("drop of the default", mreqn(fd, IP_DROP_MEMBERSHIP, G4, "0.0.0.0", 0));
	SAY("drop of the link", mreqn(fd, IP_DROP_MEMBERSHIP, G4, "0.0.0.0", link_index));
	SAY("drop of lo", mreqn(fd, IP_DROP_MEMBERSHIP, G4, "0.0.0.0", 1));
	SAY("drop of lo again", mreqn(fd, IP_DROP_MEMBERSHIP, G4, "0.0.0.0", 1));
	SAY("v6 on lo", mreq6(fd6, IPV6_JOIN_GROUP, G6, 1));
	SAY("v6 on the link", mreq6(fd6, IPV6_JOIN_GROUP, G6, link_index));
	SAY("v6 on none", mreq6(fd6, IPV6_JOIN_GROUP, G6, 0));
	SAY("v6 leave none", mreq6(fd6, IPV6_LEAVE_GROUP, G6, 0));
	SAY("v6 leave none", mreq6(fd6, IPV6_LEAVE_GROUP, G6, 0));
	SAY("v6 leave none", mreq6(fd6, IPV6_LEAVE_GROUP, G6, 0));
	SAY("v6 on no link", mreq6(fd6, IPV6_JOIN_GROUP, H6, NO_INDEX));
	SAY("v6 on link -1", mreq6(fd6, IPV6_JOIN_GROUP, H6, -1));
	SAY("link-local group on none", mreq6(fd6, IPV6_JOIN_GROUP, LINK_LOCAL6, 0));
	SAY("interface-local group", mreq6(fd6, IPV6_JOIN_GROUP, "ff01::7", link_index));
	SAY("all nodes", mreq6(fd6, IPV6_JOIN_GROUP, "ff02::1", link_index));
	SAY("all nodes again", mreq6(fd6, IPV6_JOIN_GROUP, "ff02::1", link_index));
	SAY("leave all nodes", mreq6(fd6, IPV6_LEAVE_GROUP, "ff02::1", link_index));
	SAY("scope 0", mreq6(fd6, IPV6_JOIN_GROUP, "ff00::7", link_index));
	SAY("all systems", mreqn(fd, IP_ADD_MEMBERSHIP, "224.0.0.1", "0.0.0.0", link_index));
	SAY("leave all systems", mreqn(fd, IP_DROP_MEMBERSHIP, "224.0.0.1", "0.0.0.0", link_index));
	SAY("the base address", mreqn(fd, IP_ADD_MEMBERSHIP, "224.0.0.0", "0.0.0.0", link_index));
	SAY("class E", mreqn(fd, IP_ADD_MEMBERSHIP, "240.0.0.1", "0.0.0.0", link_index));
	SAY("broadcast", mreqn(fd, IP_ADD_MEMBERSHIP, "255.255.255.255", "0.0.0.0", link_index));
	SAY("single-source range", mreqn(fd, IP_ADD_MEMBERSHIP, "232.1.1.1", "0.0.0.0", link_index));
	SAY("v6 single-source range", mreq6(fd6, IPV6_JOIN_GROUP, "ff35::1", link_index));
	close(fd);
	close(fd6);
}

static void limits(void)
{
	int fd = udp(AF_INET), fd6 = udp(AF_INET6), joined = 0, sources = 0;
	char text[64];

	do
		snprintf(text, sizeof(text), "239.9.0.%d", ++joined);
	while (joined < 100 && mreqn(fd, IP_ADD_MEMBERSHIP, text, "0.0.0.0", link_index) == 0);
	printf("groups: %d, then %s\n", joined - 1, error_name(-1));
	SAY("leave one", mreqn(fd, IP_DROP_MEMBERSHIP, "239.9.0.3", "0.0.0.0", link_index));
	SAY("join another", mreqn(fd, IP_ADD_MEMBERSHIP, "239.9.9.9", "0.0.0.0", link_index));
	do
		snprintf(text, sizeof(text), "192.0.2.%d", ++sources);
	while (sources < 100 && mreq_source(fd, IP_BLOCK_SOURCE, "239.9.0.1", own4, text) == 0);
	printf("sources: %d, then %s\n", sources - 1, error_name(-1));
	SAY("one that is there", mreq_source(fd, IP_BLOCK_SOURCE, "239.9.0.1", own4, "192.0.2.1"));
	SAY("unblock one", mreq_source(fd, IP_UNBLOCK_SOURCE, "239.9.0.1", own4, "192.0.2.3"));
	SAY("block another", mreq_source(fd, IP_BLOCK_SOURCE, "239.9.0.1", own4, "192.0.2.99"));
	SAY("v6 join", mreq6(fd6, IPV6_JOIN_GROUP, G6, link_index));
	sources = 0;
	do
		snprintf(text, sizeof(text), "2001:db8::%x", ++sources);
	while (sources < 200 && source_req(fd6, MCAST_BLOCK_SOURCE, G6, text, link_index) == 0);
	printf("v6 sources: %d, then %s\n", sources - 1, error_name(-1));
	close(fd);
	close(fd6);
}

static void interface_to_send_by(void)
{
	struct in_addr a;
	socklen_t len = sizeof(a);
	struct ip_mreqn got;
	int fd = udp(AF_INET), fd6 = udp(AF_INET6);

	SAY("by index", mreqn(fd, IP_MULTICAST_IF, "0.0.0.0", "0.0.0.0", link_index));
	SAY("get", getsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &a, &len));
	printf("%s, %u bytes\n", inet_ntoa(a), len);
	SAY("by both", mreqn(fd, IP_MULTICAST_IF, "0.0.0.0", own4, link_index));
	len = sizeof(got);
	memset(&got, 0, sizeof(got));
	SAY("get a struct", getsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &got, &len));
	printf("%u bytes\n", len);
	SAY("by a strange address and index", mreqn(fd, IP_MULTICAST_IF, "0.0.0.0", "203.0.113.9", link_index));
	inet_pton(AF_INET, "203.0.113.9", &a);
	SAY("by a strange address", setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &a, sizeof(a)));
	inet_pton(AF_INET, "127.0.0.1", &a);
	SAY("by the loopback's", setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &a, sizeof(a)));
	inet_pton(AF_INET, "127.0.0.5", &a);
	SAY("by another of the loopback's", setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &a, sizeof(a)));
	SAY("by no index", mreqn(fd, IP_MULTICAST_IF, "0.0.0.0", "0.0.0.0", NO_INDEX));
	SAY("short", setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &a, 3));
	SAY("none", mreqn(fd, IP_MULTICAST_IF, "0.0.0.0", "0.0.0.0", 0));
	SAY("bound to the link", setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, link_name, (socklen_t)strlen(link_name)));
	SAY("by another", mreqn(fd, IP_MULTICAST_IF, "0.0.0.0", "0.0.0.0", 1));
	SAY("by the same", mreqn(fd, IP_MULTICAST_IF, "0.0.0.0", "0.0.0.0", link_index));
	SAY("join on another", mreqn(fd, IP_ADD_MEMBERSHIP, G4, "0.0.0.0", 1));
	SAY("v6 by index", set(fd6, IPPROTO_IPV6, IPV6_MULTICAST_IF, link_index));
	printf("v6 get: %s\n", index_name(get(fd6, IPPROTO_IPV6, IPV6_MULTICAST_IF)));
	SAY("v6 by no index", set(fd6, IPPROTO_IPV6, IPV6_MULTICAST_IF, NO_INDEX));
	SAY("v6 bound to the link", setsockopt(fd6, SOL_SOCKET, SO_BINDTODEVICE, link_name, (socklen_t)strlen(link_name)));
	SAY("v6 by another", set(fd6, IPPROTO_IPV6, IPV6_MULTICAST_IF, 1));
	SAY("v6 to a link-local group", send_to(fd6, LINK_LOCAL6, "x", 0));
	close(fd);
	close(fd6);
}

static void hops_and_loop(void)
{
	static const int values[] = { -2, -1, 0, 1, 2, 255, 256 };
	int fd = udp(AF_INET), fd6 = udp(AF_INET6);
	uint8_t byte = 7;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		printf("%d:", values[i]);
		printf(" ttl %s", error_name(set(fd, IPPROTO_IP, IP_MULTICAST_TTL, values[i])));
		printf(" %d", get(fd, IPPROTO_IP, IP_MULTICAST_TTL));
		printf(" hops %s", error_name(set(fd6, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, values[i])));
		printf(" %d", get(fd6, IPPROTO_IPV6, IPV6_MULTICAST_HOPS));
		printf(" loop %s", error_name(set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, values[i])));
		printf(" %d", get(fd, IPPROTO_IP, IP_MULTICAST_LOOP));
		printf(" loop6 %s", error_name(set(fd6, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, values[i])));
		printf(" %d", get(fd6, IPPROTO_IPV6, IPV6_MULTICAST_LOOP));
		printf(" all %s", error_name(set(fd, IPPROTO_IP, IP_MULTICAST_ALL, values[i])));
		printf(" %d", get(fd, IPPROTO_IP, IP_MULTICAST_ALL));
		printf(" all6 %s", error_name(set(fd6, IPPROTO_IPV6, IPV6_MULTICAST_ALL, values[i])));
		printf(" %d\n", get(fd6, IPPROTO_IPV6, IPV6_MULTICAST_ALL));
	}
	SAY("a byte of ttl", setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &byte, 1));
	printf("%d\n", get(fd, IPPROTO_IP, IP_MULTICAST_TTL));
	SAY("a byte of loop", setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &byte, 1));
	SAY("a byte of hops", setsockopt(fd6, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &byte, 1));
	SAY("a byte of loop6", setsockopt(fd6, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &byte, 1));
	SAY("v4 ttl on AF_INET6", set(fd6, IPPROTO_IP, IP_MULTICAST_TTL, 5));
	close(fd);
	close(fd6);
}

static const struct family {
	const char *name, *group, *other, *any;
	int family;
} families[2] = { { "v4", G4, H4, "0.0.0.0", AF_INET }, { "v6", G6, H6, "::", AF_INET6 } };

static int sender(const struct family *f)
{
	struct sockaddr_storage a;
	int fd = udp(f->family);
	socklen_t len = put_address(&a, f->family == AF_INET ? own4 : own6, 0, 0);

	if (bind(fd, (struct sockaddr *)&a, len) < 0)
		perror("bind");
	if (f->family == AF_INET)
		mreqn(fd, IP_MULTICAST_IF, "0.0.0.0", "0.0.0.0", link_index);
	else
		set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, link_index);
	return fd;
}

static void who_hears(void)
{
	for (const struct family *f = families; f < families + 2; f++) {
		int any = bound(f->any), to_group = bound(f->group), to_other = bound(f->other), to_own = bound(f->family == AF_INET ? own4 : own6),
		    out = sender(f), raw = socket(f->family, SOCK_RAW, IPPROTO_UDP), both = -1;

		printf("== %s\n", f->name);
		set(raw, IPPROTO_IP, IP_MULTICAST_ALL, 0);
		SAY("to nobody", send_to(out, f->group, "a", 0));
		hears("any", any);
		SAY("join", group_req(any, MCAST_JOIN_GROUP, f->group, link_index));
		SAY("say", send_to(out, f->group, "b", 0));
		hears("any", any);
		hears("bound to the group", to_group);
		hears("bound to another group", to_other);
		hears("bound to our address", to_own);
		if (f->family == AF_INET) {
			both = bound("::");
			SAY("say", send_to(out, f->group, "c", 0));
			hears("AF_INET6", both);
			SAY("join on AF_INET6", mreqn(both, IP_ADD_MEMBERSHIP, f->group, "0.0.0.0", link_index));
			SAY("say", send_to(out, f->group, "d", 0));
			hears("AF_INET6", both);
			close(both);
		}
		SAY("leave", group_req(any, MCAST_LEAVE_GROUP, f->group, link_index));
		SAY("say", send_to(out, f->group, "e", 0));
		hears("any", any);
		hears("bound to the group", to_group);
		close(any), close(to_group), close(to_other), close(to_own), close(out), close(raw);
	}
}

/* Every socket of the port gets a copy, however they share it. */
static void all_that_share_a_port(void)
{
	for (const struct family *f = families; f < families + 2; f++) {
		struct sockaddr_storage a;
		socklen_t len = put_address(&a, f->any, PORT, 0);
		int fd[3], out = sender(f);

		printf("== %s\n", f->name);
		for (int i = 0; i < 3; i++) {
			fd[i] = socket(f->family, SOCK_DGRAM, 0);
			set(fd[i], SOL_SOCKET, SO_REUSEPORT, 1);
			if (bind(fd[i], (struct sockaddr *)&a, len) < 0)
				perror("bind");
			group_req(fd[i], MCAST_JOIN_GROUP, f->group, link_index);
		}
		SAY("say", send_to(out, f->group, "x", 0));
		for (int i = 0; i < 3; i++)
			hears("one", fd[i]);
		close(fd[0]), close(fd[1]), close(fd[2]), close(out);
	}
}

static void who_speaks_hears_itself(void)
{
	for (const struct family *f = families; f < families + 2; f++) {
		int fd = bound(f->any), loop = f->family == AF_INET ? IP_MULTICAST_LOOP : IPV6_MULTICAST_LOOP;

		printf("== %s\n", f->name);
		group_req(fd, MCAST_JOIN_GROUP, f->group, link_index);
		if (f->family == AF_INET)
			mreqn(fd, IP_MULTICAST_IF, "0.0.0.0", "0.0.0.0", link_index);
		else
			set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, link_index);
		SAY("say", send_to(fd, f->group, "self", 0));
		hears("itself", fd);
		set(fd, level_of(f->group), loop, 0);
		SAY("say", send_to(fd, f->group, "self", 0));
		hears("without loop", fd);
		close(fd);
	}
}

static void what_comes_beside_the_data(void)
{
	for (const struct family *f = families; f < families + 2; f++) {
		int fd = bound(f->any), out = sender(f);

		printf("== %s\n", f->name);
		group_req(fd, MCAST_JOIN_GROUP, f->group, link_index);
		if (f->family == AF_INET) {
			set(fd, IPPROTO_IP, IP_PKTINFO, 1);
			set(fd, IPPROTO_IP, IP_RECVTTL, 1);
		} else {
			set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
			set(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
		}
		SAY("say", send_to(out, f->group, "one", 0));
		hears_all("it", fd);
		set(out, level_of(f->group), f->family == AF_INET ? IP_MULTICAST_TTL : IPV6_MULTICAST_HOPS, 9);
		set(out, level_of(f->group), f->family == AF_INET ? IP_TTL : IPV6_UNICAST_HOPS, 33);
		SAY("say with 9 hops", send_to(out, f->group, "nine", 0));
		hears_all("it", fd);
		close(fd), close(out);
	}
}

static ssize_t say_with(int fd, const char *to, int level, int type, const void *value, size_t bytes)
{
	struct sockaddr_storage a;
	char control[64] = { 0 };
	struct iovec v = { (char[]){ "beside" }, 6 };
	struct msghdr m = { &a, put_address(&a, to, PORT, 0), &v, 1, control, CMSG_SPACE(bytes), 0 };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(bytes);
	memcpy(CMSG_DATA(c), value, bytes);
	return sendmsg(fd, &m, 0);
}

/* Ancillary data chooses the link, the source and the hops of one datagram. */
static void said_with_ancillary_data(void)
{
	struct in_pktinfo i4 = { .ipi_ifindex = link_index };
	struct in6_pktinfo i6 = { .ipi6_ifindex = (unsigned)link_index };
	int fd = bound("0.0.0.0"), fd6 = bound("::"), out = udp(AF_INET), out6 = udp(AF_INET6), hops = 5;

	group_req(fd, MCAST_JOIN_GROUP, G4, link_index);
	group_req(fd6, MCAST_JOIN_GROUP, G6, link_index);
	group_req(fd6, MCAST_JOIN_GROUP, LINK_LOCAL6, link_index);
	set(fd, IPPROTO_IP, IP_PKTINFO, 1), set(fd, IPPROTO_IP, IP_RECVTTL, 1);
	set(fd6, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1), set(fd6, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
	SAY("v4 pktinfo", say_with(out, G4, IPPROTO_IP, IP_PKTINFO, &i4, sizeof(i4)));
	hears_all("it", fd);
	i4.ipi_ifindex = 0;
	inet_pton(AF_INET, own4, &i4.ipi_spec_dst);
	SAY("v4 pktinfo by address", say_with(out, G4, IPPROTO_IP, IP_PKTINFO, &i4, sizeof(i4)));
	hears_all("it", fd);
	i4.ipi_ifindex = NO_INDEX;
	SAY("v4 pktinfo of no link", say_with(out, G4, IPPROTO_IP, IP_PKTINFO, &i4, sizeof(i4)));
	SAY("v4 ttl", say_with(out, G4, IPPROTO_IP, IP_TTL, &hops, sizeof(hops)));
	hears_all("it", fd);
	SAY("v6 pktinfo", say_with(out6, G6, IPPROTO_IPV6, IPV6_PKTINFO, &i6, sizeof(i6)));
	hears_all("it", fd6);
	SAY("v6 pktinfo, of the link", say_with(out6, LINK_LOCAL6, IPPROTO_IPV6, IPV6_PKTINFO, &i6, sizeof(i6)));
	hears_all("it", fd6);
	i6.ipi6_ifindex = NO_INDEX;
	SAY("v6 pktinfo of no link", say_with(out6, G6, IPPROTO_IPV6, IPV6_PKTINFO, &i6, sizeof(i6)));
	SAY("v6 hops", say_with(out6, G6, IPPROTO_IPV6, IPV6_HOPLIMIT, &hops, sizeof(hops)));
	hears_all("it", fd6);
	close(fd), close(fd6), close(out), close(out6);
}

/* ff02:: is of one link, which must be named. */
static void scopes_name_the_link(void)
{
	struct sockaddr_storage a;
	socklen_t len = put_address(&a, LINK_LOCAL6, PORT, 0);
	int fd = udp(AF_INET6), out = udp(AF_INET6), bound_to = udp(AF_INET6);

	SAY("bind without a scope", bind(fd, (struct sockaddr *)&a, len));
	put_address(&a, LINK_LOCAL6, PORT, NO_INDEX);
	SAY("bind with a scope of nobody", bind(fd, (struct sockaddr *)&a, len));
	put_address(&a, LINK_LOCAL6, PORT, (uint32_t)link_index);
	SAY("bind with a scope", bind(fd, (struct sockaddr *)&a, len));
	name_of("name", fd);
	SAY("join", mreq6(fd, IPV6_JOIN_GROUP, LINK_LOCAL6, link_index));
	SAY("say with a scope", send_to(out, LINK_LOCAL6, "scoped", (uint32_t)link_index));
	hears("it", fd);
	SAY("say with a scope of nobody", send_to(out, LINK_LOCAL6, "nowhere", NO_INDEX));
	SAY("say to a wider group with a scope", send_to(out, G6, "x", NO_INDEX));
	put_address(&a, LINK_LOCAL6, PORT, 0);
	SAY("connect without a scope", connect(out, (struct sockaddr *)&a, len));
	set(out, IPPROTO_IPV6, IPV6_MULTICAST_IF, link_index);
	SAY("connect with IPV6_MULTICAST_IF", connect(out, (struct sockaddr *)&a, len));
	SAY("send", send(out, "connected", 9, 0));
	hears("it", fd);
	put_address(&a, LINK_LOCAL6, PORT, (uint32_t)link_index);
	SAY("connect with a scope", connect(bound_to, (struct sockaddr *)&a, len));
	len = sizeof(a);
	SAY("peer's name", getpeername(bound_to, (struct sockaddr *)&a, &len));
	printf("%s\n", address_name(&a));
	SAY("send", send(bound_to, "scoped", 6, 0));
	hears("it", fd);
	close(fd), close(out), close(bound_to);
}

/* A socket that is connected to a group sends there; what others send it does not hear. */
static void connected_to_a_group(void)
{
	for (const struct family *f = families; f < families + 2; f++) {
		struct sockaddr_storage a;
		socklen_t len = put_address(&a, f->group, PORT, 0);
		int fd = sender(f), member = bound(f->any), out = sender(f);

		printf("== %s\n", f->name);
		group_req(member, MCAST_JOIN_GROUP, f->group, link_index);
		SAY("connect", connect(fd, (struct sockaddr *)&a, len));
		name_of("name", fd);
		SAY("send", send(fd, "to all", 6, 0));
		hears("member", member);
		SAY("say", send_to(out, f->group, "other", 0));
		hears("connected", fd);
		hears("member", member);
		/* a member that is connected to one sender hears only it */
		len = sizeof(a);
		getsockname(out, (struct sockaddr *)&a, &len);
		SAY("connect the member", connect(member, (struct sockaddr *)&a, len));
		SAY("say", send_to(out, f->group, "mine", 0));
		SAY("send", send(fd, "not mine", 8, 0));
		hears("member", member);
		close(fd), close(member), close(out);
	}
}

static void bound_to_a_group(void)
{
	for (const struct family *f = families; f < families + 2; f++) {
		int fd = bound(f->group), member = bound(f->any), out = sender(f);

		printf("== %s\n", f->name);
		name_of("name", fd);
		group_req(member, MCAST_JOIN_GROUP, f->group, link_index);
		group_req(fd, MCAST_JOIN_GROUP, f->group, link_index);
		if (f->family == AF_INET)
			mreqn(fd, IP_MULTICAST_IF, "0.0.0.0", "0.0.0.0", link_index);
		else
			set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, link_index);
		SAY("say from it", send_to(fd, f->group, "mine", 0));
		hears("member", member);
		hears("bound to the group", fd);
		SAY("unicast to it", send_to(out, f->family == AF_INET ? own4 : own6, "one", 0));
		hears("bound to the group", fd);
		close(fd), close(member), close(out);
	}
}

/* The membership of a process that dies ends with it. */
static void death_ends_memberships(void)
{
	for (const struct family *f = families; f < families + 2; f++) {
		int fd = bound(f->any), out = sender(f), ready[2];
		pid_t child;
		char byte;

		printf("== %s\n", f->name);
		set(fd, level_of(f->group), f->family == AF_INET ? IP_MULTICAST_ALL : IPV6_MULTICAST_ALL, 1);
		if (pipe(ready) < 0)
			exit(1);
		fflush(stdout);
		child = fork();
		if (child == 0) {
			int member = udp(f->family);

			group_req(member, MCAST_JOIN_GROUP, f->group, link_index);
			if (write(ready[1], "x", 1) == 1)
				pause();
			_exit(0);
		}
		if (read(ready[0], &byte, 1) != 1)
			exit(1);
		SAY("say", send_to(out, f->group, "while it lives", 0));
		hears("another", fd);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		for (int i = 0; i < 100; i++) { /* the stack learns of it a moment later */
			struct pollfd p = { .fd = fd, .events = POLLIN };
			char data[64];

			send_to(out, f->group, "gone?", 0);
			if (poll(&p, 1, 50) == 0)
				break;
			if (recv(fd, data, sizeof(data), 0) < 0)
				break;
		}
		SAY("say", send_to(out, f->group, "after its death", 0));
		hears("another", fd);
		close(fd), close(out), close(ready[0]), close(ready[1]);
	}
}

/* A membership lives as long as any descriptor of its socket. */
static void copies_keep_memberships(void)
{
	int fd = bound(G4), out = sender(&families[0]), copy, status;
	pid_t child;

	group_req(fd, MCAST_JOIN_GROUP, G4, link_index);
	copy = dup(fd);
	close(fd);
	SAY("say", send_to(out, G4, "to the copy", 0));
	hears("copy", copy);
	fflush(stdout);
	child = fork();
	if (child == 0)
		_exit(0);
	waitpid(child, &status, 0);
	SAY("say", send_to(out, G4, "after a child", 0));
	hears("copy", copy);
	close(copy), close(out);
}

static void streams_and_groups(void)
{
	for (const struct family *f = families; f < families + 2; f++) {
		struct sockaddr_storage a;
		socklen_t len = put_address(&a, f->group, PORT, 0);
		int fd = socket(f->family, SOCK_STREAM, 0);

		printf("== %s\n", f->name);
		SAY("connect", connect(fd, (struct sockaddr *)&a, len));
		SAY("bind", bind(fd, (struct sockaddr *)&a, len));
		SAY("join", group_req(fd, MCAST_JOIN_GROUP, f->group, link_index));
		close(fd);
	}
}

static void raw_sockets(void)
{
	for (const struct family *f = families; f < families + 2; f++) {
		int raw = socket(f->family, SOCK_RAW, 253), out = socket(f->family, SOCK_RAW, 253), quiet = socket(f->family, SOCK_RAW, 253);
		struct pollfd p[2] = { { .fd = raw, .events = POLLIN }, { .fd = quiet, .events = POLLIN } };
		struct sockaddr_storage a;
		socklen_t len = put_address(&a, f->group, 0, 0);
		char data[128];

		printf("== %s\n", f->name);
		SAY("join", group_req(raw, MCAST_JOIN_GROUP, f->group, link_index));
		if (f->family == AF_INET)
			mreqn(out, IP_MULTICAST_IF, "0.0.0.0", "0.0.0.0", link_index), set(quiet, IPPROTO_IP, IP_MULTICAST_ALL, 0);
		else
			set(out, IPPROTO_IPV6, IPV6_MULTICAST_IF, link_index), set(quiet, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
		SAY("say", sendto(out, "raw", 3, 0, (struct sockaddr *)&a, len));
		poll(p, 2, 1000);
		usleep(SILENCE_MS * 1000);
		poll(p, 2, 0);
		printf("member %d, other %d\n", p[0].revents, p[1].revents);
		printf("%zd bytes\n", p[0].revents ? recv(raw, data, sizeof(data), MSG_DONTWAIT) : -1);
		if (f->family == AF_INET && p[0].revents)
			printf("ttl %d\n", data[8]);
		close(raw), close(out), close(quiet);
	}
}

/* Each source of a filter is heard by whom wants it. */
static void filters_choose(void)
{
	for (const struct family *f = families; f < families + 2; f++) {
		const char *own = f->family == AF_INET ? own4 : own6, *stranger = f->family == AF_INET ? "192.0.2.1" : "2001:db8::1";
		int only = bound(f->any), other = bound(f->any), but = bound(f->any), out = sender(f);

		printf("== %s\n", f->name);
		SAY("only us", source_req(only, MCAST_JOIN_SOURCE_GROUP, f->group, own, link_index));
		SAY("only another", source_req(other, MCAST_JOIN_SOURCE_GROUP, f->group, stranger, link_index));
		SAY("all", group_req(but, MCAST_JOIN_GROUP, f->group, link_index));
		SAY("but us", source_req(but, MCAST_BLOCK_SOURCE, f->group, own, link_index));
		SAY("say", send_to(out, f->group, "x", 0));
		hears("only us", only);
		hears("only another", other);
		hears("all but us", but);
		SAY("us too", source_req(other, MCAST_JOIN_SOURCE_GROUP, f->group, own, link_index));
		SAY("unblock", source_req(but, MCAST_UNBLOCK_SOURCE, f->group, own, link_index));
		SAY("not us", source_req(only, MCAST_LEAVE_SOURCE_GROUP, f->group, own, link_index));
		SAY("say", send_to(out, f->group, "y", 0));
		hears("no member", only);
		hears("us too", other);
		hears("all", but);
		close(only), close(other), close(but), close(out);
	}
}

/* Bound to a device a socket hears that device's only. */
static void bound_to_a_device(void)
{
	for (const struct family *f = families; f < families + 2; f++) {
		int on_lo = bound(f->any), on_link = bound(f->any), out = udp(f->family);

		printf("== %s\n", f->name);
		SAY("lo", setsockopt(on_lo, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2));
		SAY("link", setsockopt(on_link, SOL_SOCKET, SO_BINDTODEVICE, link_name, (socklen_t)strlen(link_name)));
		SAY("sender", setsockopt(out, SOL_SOCKET, SO_BINDTODEVICE, link_name, (socklen_t)strlen(link_name)));
		SAY("join", group_req(on_link, MCAST_JOIN_GROUP, f->group, link_index));
		SAY("join the other's", group_req(on_lo, MCAST_JOIN_GROUP, f->group, link_index));
		SAY("say", send_to(out, f->group, "x", 0));
		hears("on the link", on_link);
		hears("on lo", on_lo);
		close(on_lo), close(on_link), close(out);
	}
}

static void link_says_multicast(void)
{
	struct ifreq r = { 0 };
	int fd = udp(AF_INET);

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", link_name);
	SAY("flags", ioctl(fd, SIOCGIFFLAGS, &r));
	printf("multicast %d\n", !!(r.ifr_flags & IFF_MULTICAST));
	close(fd);
}

/* ---- Running them ---- */

#define TEST(name) { #name, name }
static const struct test {
	const char *name;
	void (*run)(void);
} tests[] = {
	TEST(source_filters_of_the_c_library), TEST(source_filters_of_ipv4_in_the_c_library), TEST(styles_mix), TEST(two_links), TEST(limits),
	TEST(interface_to_send_by), TEST(hops_and_loop), TEST(who_hears), TEST(all_that_share_a_port), TEST(who_speaks_hears_itself),
	TEST(what_comes_beside_the_data), TEST(said_with_ancillary_data), TEST(scopes_name_the_link), TEST(connected_to_a_group),
	TEST(bound_to_a_group), TEST(death_ends_memberships), TEST(copies_keep_memberships), TEST(streams_and_groups), TEST(raw_sockets),
	TEST(filters_choose), TEST(bound_to_a_device), TEST(link_says_multicast),
};

static void __attribute__((noreturn)) run(int number)
{
	PORT = PORT_FIRST + number;
	snprintf(G4, sizeof(G4), "239.7.%d.7", number);
	snprintf(H4, sizeof(H4), "239.8.%d.8", number);
	snprintf(G6, sizeof(G6), "ff15::%x:7777", number + 1);
	snprintf(H6, sizeof(H6), "ff15::%x:8888", number + 1);
	snprintf(LINK_LOCAL6, sizeof(LINK_LOCAL6), "ff02::%x:7777", number + 1);
	alarm(TEST_SECONDS_MAX);
	tests[number].run();
	exit(0);
}

enum { TESTS = sizeof(tests) / sizeof(tests[0]) };

static pid_t start(int number, FILE *out)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (dup2(fileno(out), STDOUT_FILENO) < 0)
		_exit(1);
	run(number);
}

static void tell(int number, pid_t pid, FILE *out)
{
	int status, c;

	printf("=== %s\n", tests[number].name);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		printf("it ended with status %#x\n", (unsigned)status);
	rewind(out);
	while ((c = fgetc(out)) != EOF)
		putchar(c);
}

int main(int argc, char **argv)
{
	pid_t pids[TESTS];
	FILE *out[TESTS] = { NULL };

	if (argc < 4) {
		fprintf(stderr, "usage: %s LINK OWN4 OWN6 [TEST]\n", argv[0]);
		return 2;
	}
	link_name = argv[1];
	own4 = argv[2];
	own6 = argv[3];
	link_index = (int)if_nametoindex(link_name);
	for (int i = 0; i < TESTS; i++) {
		if (argc > 4 && strcmp(argv[4], tests[i].name) != 0)
			continue;
		out[i] = tmpfile();
		if (!out[i])
			return 1;
		pids[i] = start(i, out[i]);
	}
	for (int i = 0; i < TESTS; i++)
		if (out[i])
			tell(i, pids[i], out[i]);
	return 0;
}
