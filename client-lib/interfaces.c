/* SPDX-License-Identifier: BSD-2-Clause */
/* getifaddrs(3), if_nameindex(3), if_nametoindex(3): the stack's links and addresses. */
#include "client-lib/include/tapir/socket.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "client-lib/backend.h"
#include "client-lib/real.h"
#include "client-lib/sock.h"
#include "client-lib/sockaddr.h"
#include "client-lib/view.h"

/* ---- getifaddrs ---- */

union name {
	struct sockaddr sa;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
	struct sockaddr_ll link;
};

/* An entry with all that it points to. The list is one array of these, so that free(3) of its first frees it, which is what glibc's
 * freeifaddrs(3) does. */
struct entry {
	struct ifaddrs ifa;
	union name addr, netmask, broadcast;
	struct rtnl_link_stats stats;
	char name[IF_NAMESIZE];
};

struct list {
	struct view_links links;
	struct entry *entries;
	size_t count, room;
};

static struct entry *add(struct list *l, const struct tapir_link_rec *link)
{
	struct entry *e;

	if (l->count == l->room) {
		size_t room = l->room ? l->room * 2 : 16;
		struct entry *more = realloc(l->entries, room * sizeof(*more));

		if (!more)
			return NULL;
		l->entries = more;
		l->room = room;
	}
	e = memset(&l->entries[l->count++], 0, sizeof(*e));
	memcpy(e->name, link->name, sizeof(e->name));
	e->ifa.ifa_flags = view_link_flags(link);
	return e;
}

static void fill_link(union name *to, const struct tapir_link_rec *link, const uint8_t *mac)
{
	to->link = (struct sockaddr_ll){ .sll_family = AF_PACKET, .sll_ifindex = (int)link->ifindex,
					 .sll_hatype = view_link_hardware(link), .sll_halen = ETH_ALEN };
	if (mac)
		memcpy(to->link.sll_addr, mac, ETH_ALEN);
}

static bool add_link(struct list *l, const struct tapir_link_rec *link)
{
	static const uint8_t ones[ETH_ALEN] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	bool is_loopback = link->kind == 0;
	struct entry *e = add(l, link);

	if (!e)
		return false;
	fill_link(&e->addr, link, is_loopback ? NULL : link->mac);
	fill_link(&e->broadcast, link, is_loopback ? NULL : ones);
	e->stats = (struct rtnl_link_stats){ .rx_packets = (uint32_t)link->in_frames, .tx_packets = (uint32_t)link->out_frames,
					     .rx_bytes = (uint32_t)link->in_bytes, .tx_bytes = (uint32_t)link->out_bytes,
					     .rx_dropped = (uint32_t)link->drops };
	return true;
}

/* The first @bits bits set, from @from on in 16 bytes. */
static struct tapir_addr mask_of(const struct tapir_addr *a, uint32_t bits)
{
	unsigned from = a->family == AF_INET ? 12 : 0;
	struct tapir_addr m = { .family = a->family };

	for (uint32_t i = 0; i < bits && from + i / 8 < 16; i++)
		m.addr[from + i / 8] |= (uint8_t)(0x80 >> i % 8);
	return m;
}

static void fill_addr(union name *to, const struct tapir_addr *a)
{
	socklen_t len = sizeof(*to);

	sockaddr_format(a, &to->sa, &len);
}

static bool add_addr(void *ctx, const struct tapir_addr_rec *r)
{
	struct list *l = ctx;
	const struct tapir_link_rec *link = view_link_by_index(&l->links, r->ifindex);
	struct tapir_addr addr = r->addr, mask = mask_of(&r->addr, r->prefix_len), broadcast = r->addr;
	struct entry *e = link ? add(l, link) : NULL;

	if (!e)
		return !link; /* one that came in between is passed over; without memory there is no point */
	if (addr.family == AF_INET6 && addr.addr[0] == 0xfe && (addr.addr[1] & 0xc0) == 0x80)
		addr.scope_id = r->ifindex;
	for (int i = 12; i < 16; i++)
		broadcast.addr[i] |= (uint8_t)~mask.addr[i];
	fill_addr(&e->addr, &addr);
	fill_addr(&e->netmask, &mask);
	if (addr.family == AF_INET && e->ifa.ifa_flags & IFF_BROADCAST)
		fill_addr(&e->broadcast, &broadcast);
	else if (addr.family == AF_INET && e->ifa.ifa_flags & IFF_LOOPBACK)
		fill_addr(&e->broadcast, &addr);
	return true;
}

/* Now that the array stays where it is. */
static void link_up(struct list *l)
{
	for (size_t i = 0; i < l->count; i++) {
		struct entry *e = &l->entries[i];

		e->ifa.ifa_next = i + 1 < l->count ? &e[1].ifa : NULL;
		e->ifa.ifa_name = e->name;
		e->ifa.ifa_addr = &e->addr.sa;
		e->ifa.ifa_netmask = e->netmask.sa.sa_family ? &e->netmask.sa : NULL;
		e->ifa.ifa_broadaddr = e->broadcast.sa.sa_family ? &e->broadcast.sa : NULL;
		e->ifa.ifa_data = e->addr.sa.sa_family == AF_PACKET ? &e->stats : NULL;
	}
}

int tapir_getifaddrs(struct ifaddrs **list)
{
	struct list l = { .entries = NULL };
	int error;

	if (backend_is_kernel())
		return tapir_real.getifaddrs(list);
	error = view_links(&l.links);
	for (unsigned i = 0; !error && i < l.links.count; i++)
		error = add_link(&l, &l.links.links[i]) ? 0 : -ENOMEM;
	if (!error)
		error = view_addrs(add_addr, &l);
	if (error) {
		free(l.entries);
		return (int)sock_result(error);
	}
	link_up(&l);
	*list = l.count ? &l.entries[0].ifa : NULL;
	return 0;
}

void tapir_freeifaddrs(struct ifaddrs *list)
{
	if (backend_is_kernel())
		tapir_real.freeifaddrs(list);
	else
		free(list);
}

/* ---- Names and numbers ---- */

/* One block: the array, and the names behind it. */
struct if_nameindex *tapir_if_nameindex(void)
{
	struct view_links v;
	struct if_nameindex *list;
	char *names;
	int error;

	if (backend_is_kernel())
		return tapir_real.if_nameindex();
	error = view_links(&v);
	if (error) {
		errno = -error;
		return NULL;
	}
	/* Each name apart, as from glibc, whose if_freenameindex(3) frees them one by one. */
	list = calloc(v.count + 1, sizeof(*list));
	for (unsigned i = 0; list && i < v.count; i++) {
		names = strdup(v.links[i].name);
		if (!names) {
			tapir_if_freenameindex(list);
			errno = ENOBUFS;
			return NULL;
		}
		list[i] = (struct if_nameindex){ v.links[i].ifindex, names };
	}
	return list;
}

void tapir_if_freenameindex(struct if_nameindex *list)
{
	if (backend_is_kernel()) {
		tapir_real.if_freenameindex(list);
		return;
	}
	for (struct if_nameindex *i = list; i && i->if_name; i++)
		free(i->if_name);
	free(list);
}

unsigned tapir_if_nametoindex(const char *name)
{
	const struct tapir_link_rec *l = NULL;
	struct view_links v;
	int error;

	if (backend_is_kernel())
		return tapir_real.if_nametoindex(name);
	error = view_links(&v);
	if (!error)
		l = view_link_by_name(&v, name);
	if (!l)
		errno = error ? -error : ENODEV;
	return l ? l->ifindex : 0;
}

char *tapir_if_indextoname(unsigned ifindex, char *name)
{
	const struct tapir_link_rec *l = NULL;
	struct view_links v;
	int error;

	if (backend_is_kernel())
		return tapir_real.if_indextoname(ifindex, name);
	error = view_links(&v);
	if (!error)
		l = view_link_by_index(&v, ifindex);
	if (!l) {
		errno = error ? -error : ENXIO;
		return NULL;
	}
	return memcpy(name, l->name, IF_NAMESIZE);
}
