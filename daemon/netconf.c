/* SPDX-License-Identifier: BSD-2-Clause */
#include "netconf.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon.h"

enum { REATTACH_WAIT_US = 5000000, IP6_MTU_MIN = 1280 };

/* ---- At the start ---- */

static int add_addresses(struct daemon *d, const struct tap *tap, const struct config_link *c)
{
	char text[IP_PREFIX_TEXT_MAX];

	for (int i = 0; i < c->addr_count; i++) {
		int r = stack_add_addr(d->st, tap->ifindex, &c->addrs[i], d->now_us);

		if (r < 0) {
			log_line(&d->log, LOG_LEVEL_ERROR, "--addr %s: %s", ip_prefix_print(&c->addrs[i], text),
				 r == -EEXIST ? "given twice" : strerror(-r));
			return EX_CONFIG;
		}
	}
	return 0;
}

struct route_config netconf_default_route(const struct tap *tap, const struct ip_addr *gateway)
{
	bool is4 = ip_addr_is4(gateway);

	return (struct route_config){
		.prefix = { ip_addr_any(is4 ? AF_INET : AF_INET6), is4 ? 96 : 0 },
		.gateway = *gateway,
		.ifindex = ip_addr_is_linklocal(gateway) ? tap->ifindex : 0,
	};
}

static int add_gateway(struct daemon *d, const struct tap *tap, const struct ip_addr *gateway)
{
	struct route_config route = netconf_default_route(tap, gateway);
	char text[IP_ADDR_TEXT_MAX];
	int r = stack_add_route(d->st, &route);

	if (r == 0)
		return 0;
	log_line(&d->log, LOG_LEVEL_ERROR, "--gateway %s: %s", ip_addr_print(gateway, text),
		 r == -ENETUNREACH ? "it is on the network of no --addr" :
		 r == -EEXIST ? "there is a default router of this family already" : strerror(-r));
	return EX_CONFIG;
}

static int add_link(struct daemon *d, struct tap *tap)
{
	struct link_config link = { .kind = LINK_ETHERNET, .mtu = tap->mtu, .offloads = tap->offloads };
	int r;

	memcpy(link.name, tap->name, sizeof(link.name));
	memcpy(link.mac, tap->mac, sizeof(link.mac));
	r = stack_add_link(d->st, &link);
	if (r < 0) {
		log_line(&d->log, LOG_LEVEL_ERROR, "the link of %s: %s", tap->name, strerror(-r));
		return EX_OSERR;
	}
	tap->ifindex = (uint32_t)r;
	return 0;
}

/* Addresses of all links come before routers: a router may be on the network of any of them. */
int netconf_add_links(struct daemon *d)
{
	int status = 0;

	for (int i = 0; i < d->tap_count && !status; i++) {
		status = add_link(d, &d->taps[i]);
		if (!status)
			status = add_addresses(d, &d->taps[i], &d->config.links[i]);
	}
	for (int i = 0; i < d->tap_count && !status; i++)
		for (int k = 0; k < d->config.links[i].gateway_count && !status; k++)
			status = add_gateway(d, &d->taps[i], &d->config.links[i].gateways[k]);
	return status;
}

/* ---- DHCP ---- */

int netconf_start_dhcp_on(struct daemon *d, const struct tap *tap)
{
	struct dhcp4_config config = { .linklocal = true };
	int r;

	if (gethostname(config.hostname, sizeof(config.hostname) - 1) < 0)
		config.hostname[0] = '\0';
	if (!lease_find(&d->leases, tap->name, &config.last_addr))
		config.last_addr = ip_addr_any(AF_INET);
	r = stack_dhcp4_start(d->st, tap->ifindex, &config, d->now_us);
	return r < 0 ? r : stack_dhcp6_start(d->st, tap->ifindex, config.hostname, d->now_us);
}

int netconf_start_dhcp(struct daemon *d)
{
	int r = 0;

	for (int i = 0; i < d->tap_count && r == 0; i++)
		if (d->config.links[i].dhcp)
			r = netconf_start_dhcp_on(d, &d->taps[i]);
	return r;
}

void netconf_save_leases(struct daemon *d)
{
	struct lease_entry entries[CONFIG_LINKS_MAX];
	struct dhcp4_info info;
	int count = 0;

	if (stack_stats(d->st)[STAT_DHCP4_IN] == d->dhcp_in_seen)
		return;
	d->dhcp_in_seen = stack_stats(d->st)[STAT_DHCP4_IN];
	for (int i = 0; i < d->tap_count; i++) {
		struct lease_entry *e = &entries[count];

		e->tap = d->taps[i].name;
		if (stack_dhcp4_info(d->st, d->taps[i].ifindex, &info) == 0 && info.addr.len != 0)
			e->addr = info.addr.addr;
		else if (!lease_find(&d->leases, e->tap, &e->addr)) /* it may still come, and is a wish until then */
			continue;
		count++;
	}
	if (count > 0)
		lease_save(&d->leases, entries, count);
}

struct search {
	uint32_t ifindex;
	bool any_family, found, comes; /* comes: one of IPv4 is being probed */
};

/* fe80::/10 is there at once and leads nowhere; 169.254/16 is what remains when nobody answers. */
static bool is_wide_addr(void *ctx, const struct addr_info *a)
{
	struct search *s = ctx;
	bool is_wide = ip_addr_is4(&a->prefix.addr) || (s->any_family && !ip_addr_is_linklocal(&a->prefix.addr));

	if (a->ifindex != s->ifindex || !is_wide || !strcmp(a->state, "duplicate"))
		return true;
	if (strcmp(a->state, "tentative"))
		s->found = true;
	else if (ip_addr_is4(&a->prefix.addr))
		s->comes = true;
	return true;
}

static bool is_link_complete(struct daemon *d, int i, bool any_family)
{
	struct search s = { .ifindex = d->taps[i].ifindex, .any_family = any_family };

	if (!d->config.links[i].dhcp)
		return true;
	stack_each_addr(d->st, is_wide_addr, &s);
	return s.found;
}

bool netconf_is_complete(struct daemon *d, bool any_family)
{
	for (int i = 0; i < d->tap_count; i++)
		if (!is_link_complete(d, i, any_family))
			return false;
	return true;
}

void netconf_explain_silence(struct daemon *d)
{
	for (int i = 0; i < d->tap_count; i++) {
		const struct tap *tap = &d->taps[i];

		if (is_link_complete(d, i, true))
			continue;
		if (!hostif_is_up(tap))
			log_line(&d->log, LOG_LEVEL_WARNING, "TAP %s: it is down: ip link set %s up", tap->name, tap->name);
		else if (tap->bridge == 0 && d->config.links[i].host_addr_count == 0)
			log_line(&d->log, LOG_LEVEL_WARNING, "TAP %s: no DHCP server and no router, and it is a port of no bridge to a network: "
				 "ip link set %s master BRIDGE", tap->name, tap->name);
		else
			log_line(&d->log, LOG_LEVEL_WARNING, "TAP %s: no DHCP server and no router answers; they are asked on", tap->name);
	}
}

/* ---- Devices ---- */

static struct tap *find_tap(struct daemon *d, int host_ifindex)
{
	for (int i = 0; i < d->tap_count; i++)
		if (d->taps[i].host_ifindex == host_ifindex)
			return &d->taps[i];
	return NULL;
}

static bool is_any_left(const struct daemon *d)
{
	for (int i = 0; i < d->tap_count; i++)
		if (d->taps[i].host_ifindex)
			return true;
	return false;
}

/* Its link goes down like any other; nothing else is lost. Where nothing is left, and nobody else to make it again, it is the end. */
static void on_deleted(struct daemon *d, struct tap *tap)
{
	bool may_come_back = tap->is_lasting;

	tap->host_ifindex = 0;
	tap->is_readable = false;
	stack_set_link_up(d->st, tap->ifindex, false, d->now_us);
	if (may_come_back || is_any_left(d)) {
		log_line(&d->log, LOG_LEVEL_WARNING, "TAP %s was deleted; it is used again once it is made again: ip tuntap add %s mode tap",
			 tap->name, tap->name);
		return;
	}
	log_line(&d->log, LOG_LEVEL_ERROR, "TAP %s was deleted", tap->name);
	d->stop = true;
	d->stop_status = EX_UNAVAILABLE;
}

static void try_reattach(struct daemon *d, struct tap *tap)
{
	char error[TAP_ERROR_MAX] = "";
	int r = tap_reattach(tap, &d->config.links[tap - d->taps], error);

	if (r == -EAGAIN && d->now_us < tap->reattach_by_us)
		return;
	tap->reattach_by_us = 0;
	if (r != 0) {
		log_line(&d->log, LOG_LEVEL_WARNING, "TAP %s was made again and cannot be used: %s", tap->name, error);
		return;
	}
	log_line(&d->log, LOG_LEVEL_INFO, "TAP %s is there again", tap->name);
	hostif_ask(d->link_source.fd, tap->host_ifindex);
}

void netconf_retry_devices(struct daemon *d)
{
	for (int i = 0; i < d->tap_count; i++)
		if (d->taps[i].reattach_by_us)
			try_reattach(d, &d->taps[i]);
}

/* Who makes a device still has it open when we hear of it. */
static void on_stranger(struct daemon *d, const struct hostif_news *news)
{
	for (int i = 0; i < d->tap_count && !news->is_gone; i++)
		if (!d->taps[i].host_ifindex && strcmp(d->taps[i].name, news->name) == 0)
			d->taps[i].reattach_by_us = d->now_us + REATTACH_WAIT_US;
}

static void on_mtu(struct daemon *d, struct tap *tap, uint32_t mtu)
{
	log_line(&d->log, LOG_LEVEL_INFO, "TAP %s: MTU %u%s", tap->name, mtu, mtu < IP6_MTU_MIN ? ", too small for IPv6" : "");
	tap->mtu = mtu;
	stack_set_link_mtu(d->st, tap->ifindex, mtu);
}

/* Another network, for all that we know: as if the cable had been drawn and put in elsewhere. */
static void on_bridge(struct daemon *d, struct tap *tap, int bridge)
{
	char name[IFNAMSIZ] = "?";

	if (bridge)
		if_indextoname((unsigned)bridge, name);
	log_line(&d->log, LOG_LEVEL_INFO, "TAP %s: %s%s", tap->name, bridge ? "now a port of the bridge " : "no longer a port of a bridge",
		 bridge ? name : "");
	stack_set_link_up(d->st, tap->ifindex, false, d->now_us);
}

void netconf_on_device(struct daemon *d, const struct hostif_news *news)
{
	struct tap *tap = find_tap(d, news->host_ifindex);

	if (!tap) {
		on_stranger(d, news);
		return;
	}
	if (news->is_gone) {
		on_deleted(d, tap);
		return;
	}
	if (news->mtu && news->mtu != tap->mtu)
		on_mtu(d, tap, news->mtu);
	if (tap->bridge >= 0 && tap->bridge != news->bridge)
		on_bridge(d, tap, news->bridge);
	tap->bridge = news->bridge;
	stack_set_link_up(d->st, tap->ifindex, news->is_up, d->now_us);
	tap->is_readable = true;
}
