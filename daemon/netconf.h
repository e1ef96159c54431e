/* SPDX-License-Identifier: BSD-2-Clause */
/* netconf.h - what the configuration says of the stack's links, told to the engine: the links themselves, addresses, routers, DHCP; what
 * becomes of the devices behind them; and the moment from which on we can serve. */
#ifndef TAPIR_DAEMON_NETCONF_H
#define TAPIR_DAEMON_NETCONF_H

#include "hostif.h"

struct daemon;

/* A link for each TAP, with its addresses and routers. 0, or a status of <sysexits.h> after a line in the log. */
int netconf_add_links(struct daemon *d);

/* The route that --gateway @gateway after --tap @tap asks for. */
struct route_config netconf_default_route(const struct tap *tap, const struct ip_addr *gateway);

/* Start the DHCP clients that are asked for, or those of one link. 0 or -errno. */
int netconf_start_dhcp(struct daemon *d);
int netconf_start_dhcp_on(struct daemon *d, const struct tap *tap);

/* News of a device: gone, there again, another MTU, up or down, the port of another bridge. */
void netconf_on_device(struct daemon *d, const struct hostif_news *news);

/* Devices that were made again and could not be opened yet are tried once more. */
void netconf_retry_devices(struct daemon *d);

/* Whether every link that configures itself has an address that reaches beyond it, and probes none: one of IPv4, or, with @any_family,
 * any. */
bool netconf_is_complete(struct daemon *d, bool any_family);

/* Say in the log what may be wrong with the links that found no address in time. */
void netconf_explain_silence(struct daemon *d);

/* Once a turn: keep what DHCP gave. */
void netconf_save_leases(struct daemon *d);

#endif
