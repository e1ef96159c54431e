/* SPDX-License-Identifier: BSD-2-Clause */
#include "client-lib/ifreq.h"

#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>

#include "client-lib/hint.h"
#include "client-lib/include/tapir/socket.h"
#include "client-lib/sockaddr.h"
#include "client-lib/view.h"

enum { TXQLEN = 1000, WIRELESS_FIRST = 0x8b00, WIRELESS_LAST = 0x8bff };

enum answer { NOT_OURS, ADDRESS, DEVICE, CHANGE, DRIVER };

static enum answer classify(unsigned long request)
{
	switch (request) {
	case SIOCGIFADDR:
	case SIOCGIFDSTADDR:
	case SIOCGIFBRDADDR:
	case SIOCGIFNETMASK:
		return ADDRESS;
	case SIOCGIFCONF:
	case SIOCGIFNAME:
	case SIOCGIFINDEX:
	case SIOCGIFFLAGS:
	case SIOCGIFMETRIC:
	case SIOCGIFMTU:
	case SIOCGIFHWADDR:
	case SIOCGIFTXQLEN:
	case SIOCGIFMAP:
		return DEVICE;
	case SIOCSIFLINK:
	case SIOCSIFFLAGS:
	case SIOCSIFADDR:
	case SIOCSIFDSTADDR:
	case SIOCSIFBRDADDR:
	case SIOCSIFNETMASK:
	case SIOCSIFMETRIC:
	case SIOCSIFMTU:
	case SIOCSIFNAME:
	case SIOCSIFHWADDR:
	case SIOCSIFHWBROADCAST:
	case SIOCADDMULTI:
	case SIOCDELMULTI:
	case SIOCDIFADDR:
	case SIOCSIFTXQLEN:
	case SIOCSIFMAP:
	case SIOCADDRT:
	case SIOCDELRT:
		return CHANGE;
	case SIOCETHTOOL:
	case SIOCGMIIPHY:
	case SIOCGMIIREG:
	case SIOCBONDINFOQUERY:
		return DRIVER;
	}
	return request >= WIRELESS_FIRST && request <= WIRELESS_LAST ? DRIVER : NOT_OURS;
}

bool ifreq_is(unsigned long request)
{
	return classify(request) != NOT_OURS;
}

static int get_domain(int fd)
{
	int domain = AF_UNSPEC;
	socklen_t len = sizeof(domain);

	return tapir_getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 ? -1 : domain;
}

/* ---- IPv4 addresses ---- */

struct wanted {
	uint32_t ifindex;
	bool is_found;
	struct tapir_addr_rec rec;
};

static bool match_first(void *ctx, const struct tapir_addr_rec *r)
{
	struct wanted *w = ctx;

	if (r->addr.family != AF_INET || r->ifindex != w->ifindex)
		return true;
	w->rec = *r;
	w->is_found = true;
	return false;
}

static uint32_t mask_of(uint32_t bits)
{
	return bits ? htonl(UINT32_MAX << (32 - (bits < 32 ? bits : 32))) : 0;
}

static struct sockaddr_in address_of(unsigned long request, const struct tapir_addr_rec *r)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	uint32_t mask = mask_of(r->prefix_len);

	memcpy(&in4.sin_addr, r->addr.addr + 12, sizeof(in4.sin_addr));
	if (request == SIOCGIFNETMASK)
		in4.sin_addr.s_addr = mask;
	else if (request == SIOCGIFBRDADDR && r->addr.addr[12] != 127 && r->prefix_len <= 30)
		in4.sin_addr.s_addr |= ~mask;
	else if (request == SIOCGIFBRDADDR)
		in4.sin_addr.s_addr = 0;
	return in4;
}

static int answer_address(unsigned long request, uint32_t ifindex, struct ifreq *r)
{
	struct wanted w = { .ifindex = ifindex };
	struct sockaddr_in in4;
	int error = view_addrs(match_first, &w);

	if (error)
		return error;
	if (!w.is_found)
		return -EADDRNOTAVAIL;
	in4 = address_of(request, &w.rec);
	memcpy(&r->ifr_addr, &in4, sizeof(in4));
	return 0;
}

/* ---- The list of IPv4 addresses ---- */

struct conf {
	const struct view_links *links;
	struct ifreq *to; /* NULL: only counted */
	size_t room, count;
};

static bool add_conf(void *ctx, const struct tapir_addr_rec *r)
{
	struct conf *c = ctx;
	const struct tapir_link_rec *l = view_link_by_index(c->links, r->ifindex);
	struct sockaddr_in in4 = address_of(SIOCGIFADDR, r);
	struct ifreq entry = { 0 };

	if (r->addr.family != AF_INET || !l)
		return true;
	if (c->to && c->count == c->room)
		return false;
	memcpy(entry.ifr_name, l->name, IFNAMSIZ);
	memcpy(&entry.ifr_addr, &in4, sizeof(in4));
	if (c->to)
		memcpy(&c->to[c->count], &entry, sizeof(entry));
	c->count++;
	return true;
}

static int answer_conf(const struct view_links *links, struct ifconf *conf)
{
	struct conf c = { .links = links, .to = conf->ifc_req };
	int error;

	if (conf->ifc_req && conf->ifc_len < 0)
		return -EINVAL;
	c.room = conf->ifc_req ? (size_t)conf->ifc_len / sizeof(struct ifreq) : 0;
	error = view_addrs(add_conf, &c);
	if (!error)
		conf->ifc_len = (int)(c.count * sizeof(struct ifreq));
	return error;
}

/* ---- Devices ---- */

static void answer_device(unsigned long request, const struct tapir_link_rec *l, struct ifreq *r)
{
	switch (request) {
	case SIOCGIFINDEX:
		r->ifr_ifindex = (int)l->ifindex;
		break;
	case SIOCGIFFLAGS:
		r->ifr_flags = (short)(view_link_flags(l) & 0xffff);
		break;
	case SIOCGIFMTU:
		r->ifr_mtu = (int)l->mtu;
		break;
	case SIOCGIFHWADDR:
		memset(&r->ifr_hwaddr, 0, sizeof(r->ifr_hwaddr));
		r->ifr_hwaddr.sa_family = view_link_hardware(l);
		memcpy(r->ifr_hwaddr.sa_data, l->mac, sizeof(l->mac));
		break;
	case SIOCGIFTXQLEN:
		r->ifr_qlen = TXQLEN;
		break;
	case SIOCGIFMAP:
		memset(&r->ifr_map, 0, sizeof(r->ifr_map));
		break;
	default:
		r->ifr_metric = 0;
	}
}

/* A label is a name with a colon and more behind it; they are no longer interfaces of their own. */
static const struct tapir_link_rec *link_named(const struct view_links *v, const char name[IFNAMSIZ])
{
	char plain[IFNAMSIZ];

	memcpy(plain, name, sizeof(plain));
	plain[sizeof(plain) - 1] = 0;
	plain[strcspn(plain, ":")] = 0;
	return view_link_by_name(v, plain);
}

int ifreq_ioctl(int fd, unsigned long request, void *arg)
{
	enum answer kind = classify(request);
	const struct tapir_link_rec *l;
	struct view_links v;
	struct ifreq *r = arg;
	int error;

	/* Only an IPv4 socket has these; of others they are the kernel's to refuse. */
	if (kind == ADDRESS && get_domain(fd) != AF_INET)
		return 1;
	if (kind == CHANGE)
		return -EPERM;
	if (!arg)
		return -EFAULT;
	error = view_links(&v);
	if (error)
		return error;
	if (request == SIOCGIFCONF)
		return answer_conf(&v, arg);
	l = request == SIOCGIFNAME ? view_link_by_index(&v, (uint32_t)r->ifr_ifindex) : link_named(&v, r->ifr_name);
	if (!l)
		return -ENODEV;
	if (kind == DRIVER)
		return -EOPNOTSUPP;
	if (kind == ADDRESS)
		return answer_address(request, l->ifindex, r);
	if (request == SIOCGIFNAME)
		memcpy(r->ifr_name, l->name, IFNAMSIZ);
	else
		answer_device(request, l, r);
	return 0;
}
