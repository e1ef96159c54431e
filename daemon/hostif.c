/* SPDX-License-Identifier: BSD-2-Clause */
#include "hostif.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

struct addr_attribute {
	struct rtattr head;
	uint8_t addr[16];
};

struct addr_request {
	struct nlmsghdr nl;
	struct ifaddrmsg ifa;
	uint8_t attributes[3 * sizeof(struct addr_attribute)];
};

/* Addresses are of 4 or 16 bytes, so attributes need no padding between them. */
static void add_attribute(struct addr_request *r, uint16_t type, const void *addr, size_t n)
{
	struct addr_attribute a = { .head = { .rta_type = type, .rta_len = (uint16_t)RTA_LENGTH(n) } };

	memcpy(a.addr, addr, n);
	memcpy(r->attributes + r->nl.nlmsg_len - NLMSG_LENGTH(sizeof(r->ifa)), &a, a.head.rta_len);
	r->nl.nlmsg_len += a.head.rta_len;
}

/* Send @nl and wait for its acknowledgement. */
static int netlink_call(int fd, struct nlmsghdr *nl)
{
	char answer[4096] __attribute__((aligned(NLMSG_ALIGNTO)));
	const struct nlmsghdr *a = (const struct nlmsghdr *)(const void *)answer;
	const struct nlmsgerr *e;
	ssize_t n;

	if (send(fd, nl, nl->nlmsg_len, 0) < 0)
		return -errno;
	n = recv(fd, answer, sizeof(answer), 0);
	if (n < 0)
		return -errno;
	if (!NLMSG_OK(a, (size_t)n) || a->nlmsg_type != NLMSG_ERROR || a->nlmsg_len < NLMSG_LENGTH(sizeof(*e)))
		return -EPROTO;
	e = NLMSG_DATA(a);
	return e->error;
}

static int add_addr(int fd, int ifindex, const struct ip_prefix *p)
{
	struct addr_request req = { 0 };
	bool is4 = ip_addr_is4(&p->addr);
	const void *bytes = is4 ? ip_addr_v4(&p->addr) : p->addr.b;
	size_t n = is4 ? 4 : 16;

	req.nl.nlmsg_len = NLMSG_LENGTH(sizeof(req.ifa));
	req.nl.nlmsg_type = RTM_NEWADDR;
	req.nl.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
	req.ifa.ifa_family = is4 ? AF_INET : AF_INET6;
	req.ifa.ifa_prefixlen = (uint8_t)(p->len - (is4 ? 96 : 0));
	/* The wire has two ends and we are the other one: no duplicate to detect, so no second of waiting. */
	req.ifa.ifa_flags = is4 ? 0 : IFA_F_NODAD;
	req.ifa.ifa_index = (unsigned)ifindex;
	add_attribute(&req, IFA_LOCAL, bytes, n);
	add_attribute(&req, IFA_ADDRESS, bytes, n);
	if (is4 && req.ifa.ifa_prefixlen < 31) {
		struct ip_addr last = ip_prefix_last(p);

		add_attribute(&req, IFA_BROADCAST, ip_addr_v4(&last), 4);
	}
	return netlink_call(fd, &req.nl);
}

static int add_addrs(const struct tap *tap, const struct config_link *c, char *error)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), r = 0;
	char text[IP_PREFIX_TEXT_MAX];

	if (fd < 0) {
		snprintf(error, TAP_ERROR_MAX, "netlink: %s", strerror(errno));
		return EX_OSERR;
	}
	for (int i = 0; i < c->host_addr_count && r == 0; i++) {
		r = add_addr(fd, tap->host_ifindex, &c->host_addrs[i]);
		if (r == -EEXIST)
			r = 0;
		if (r < 0)
			snprintf(error, TAP_ERROR_MAX, "--host-addr %s: %s: %s", ip_prefix_print(&c->host_addrs[i], text), tap->name,
				 strerror(-r));
	}
	close(fd);
	return r == 0 ? 0 : r == -EPERM ? EX_NOPERM : EX_OSERR;
}

static int set_mtu(int s, const struct tap *tap, uint32_t mtu, char *error)
{
	struct ifreq ifr = { 0 };

	memcpy(ifr.ifr_name, tap->name, IFNAMSIZ);
	ifr.ifr_mtu = (int)mtu;
	if (ioctl(s, SIOCSIFMTU, &ifr) == 0)
		return 0;
	snprintf(error, TAP_ERROR_MAX, "--mtu %u: %s: %s", mtu, tap->name, strerror(errno));
	return errno == EPERM ? EX_NOPERM : EX_OSERR;
}

static int bring_up(int s, const struct tap *tap, char *error)
{
	struct ifreq ifr = { 0 };

	memcpy(ifr.ifr_name, tap->name, IFNAMSIZ);
	if (ioctl(s, SIOCGIFFLAGS, &ifr) == 0) {
		ifr.ifr_flags |= IFF_UP;
		if (ioctl(s, SIOCSIFFLAGS, &ifr) == 0)
			return 0;
	}
	snprintf(error, TAP_ERROR_MAX, "%s cannot be brought up: %s", tap->name, strerror(errno));
	return errno == EPERM ? EX_NOPERM : EX_OSERR;
}

static int learn_mtu(int s, struct tap *tap, char *error)
{
	struct ifreq ifr = { 0 };

	memcpy(ifr.ifr_name, tap->name, IFNAMSIZ);
	if (ioctl(s, SIOCGIFMTU, &ifr) < 0) {
		snprintf(error, TAP_ERROR_MAX, "%s: %s", tap->name, strerror(errno));
		return EX_OSERR;
	}
	tap->mtu = (uint32_t)ifr.ifr_mtu;
	return 0;
}

int hostif_setup(struct tap *tap, const struct config_link *config, char error[TAP_ERROR_MAX])
{
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), status = 0;

	if (s < 0) {
		snprintf(error, TAP_ERROR_MAX, "socket: %s", strerror(errno));
		return EX_OSERR;
	}
	if (config->mtu)
		status = set_mtu(s, tap, config->mtu, error);
	if (!status && config->host_addr_count)
		status = add_addrs(tap, config, error);
	if (!status && (config->host_addr_count || config->dhcp || !tap->is_lasting))
		status = bring_up(s, tap, error);
	if (!status)
		status = learn_mtu(s, tap, error);
	close(s);
	return status;
}

bool hostif_is_up(const struct tap *tap)
{
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { 0 };
	bool is_up;

	if (s < 0)
		return false;
	memcpy(ifr.ifr_name, tap->name, IFNAMSIZ);
	is_up = ioctl(s, SIOCGIFFLAGS, &ifr) == 0 && (ifr.ifr_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING);
	close(s);
	return is_up;
}

int hostif_watch(void)
{
	struct sockaddr_nl me = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&me, sizeof(me)) < 0) {
		int e = -errno;

		close(fd);
		return e;
	}
	return fd;
}

void hostif_ask(int fd, int host_ifindex)
{
	struct {
		struct nlmsghdr nl;
		struct ifinfomsg ifi;
	} q = {
		.nl = { .nlmsg_len = sizeof(q), .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST },
		.ifi = { .ifi_family = AF_UNSPEC, .ifi_index = host_ifindex },
	};

	send(fd, &q, sizeof(q), 0); /* where it cannot be asked, the next change tells */
}

static bool read_link_message(const struct nlmsghdr *nl, struct hostif_news *news)
{
	const struct ifinfomsg *ifi = NLMSG_DATA(nl);
	const struct rtattr *a;
	int left;

	if ((nl->nlmsg_type != RTM_NEWLINK && nl->nlmsg_type != RTM_DELLINK) || nl->nlmsg_len < NLMSG_LENGTH(sizeof(*ifi)) ||
	    ifi->ifi_family != AF_UNSPEC)
		return false;
	*news = (struct hostif_news){
		.host_ifindex = ifi->ifi_index,
		.is_gone = nl->nlmsg_type == RTM_DELLINK,
		.is_up = (ifi->ifi_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING),
	};
	left = (int)(nl->nlmsg_len - NLMSG_LENGTH(sizeof(*ifi)));
	for (a = IFLA_RTA(ifi); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == IFLA_MTU && RTA_PAYLOAD(a) == 4)
			memcpy(&news->mtu, RTA_DATA(a), 4);
		else if (a->rta_type == IFLA_MASTER && RTA_PAYLOAD(a) == 4)
			memcpy(&news->bridge, RTA_DATA(a), 4);
		else if (a->rta_type == IFLA_IFNAME && RTA_PAYLOAD(a) <= IFNAMSIZ)
			memcpy(news->name, RTA_DATA(a), RTA_PAYLOAD(a));
	}
	news->name[IFNAMSIZ - 1] = '\0';
	return true;
}

int hostif_next(int fd, struct hostif_news *news)
{
	char buf[16384] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct sockaddr_nl from;
	socklen_t from_len = sizeof(from);
	const struct nlmsghdr *nl;
	ssize_t n;

	for (;;) {
		size_t left;
		bool found = false;

		n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &from_len);
		if (n < 0 && errno == ENOBUFS)
			continue; /* some news were lost; the next tell the state, not the change */
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (from.nl_pid != 0)
			continue; /* not from the kernel */
		left = (size_t)n;
		for (nl = (const struct nlmsghdr *)(const void *)buf; NLMSG_OK(nl, left); nl = NLMSG_NEXT(nl, left))
			found |= read_link_message(nl, news);
		if (found)
			return 1;
	}
}
