/* SPDX-License-Identifier: BSD-2-Clause */
/* reload.c - reload() of change.h: the configuration, read again and compared with what was read before. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "change.h"
#include "daemon.h"
#include "netconf.h"

/* ---- Lists of addresses and routers ---- */

static bool has_prefix(const struct ip_prefix *list, int count, const struct ip_prefix *p)
{
	for (int i = 0; i < count; i++)
		if (list[i].len == p->len && ip_addr_eq(&list[i].addr, &p->addr))
			return true;
	return false;
}

static bool has_addr(const struct ip_addr *list, int count, const struct ip_addr *a)
{
	for (int i = 0; i < count; i++)
		if (ip_addr_eq(&list[i], a))
			return true;
	return false;
}

static void log_change(struct daemon *d, const char *what, const char *value, int err)
{
	if (err < 0)
		log_line(&d->log, LOG_LEVEL_WARNING, "reload: %s %s: %s", what, value, strerror(-err));
	else
		log_line(&d->log, LOG_LEVEL_INFO, "reload: %s %s", what, value);
}

/* New ones come before old ones go, so that a network that both are on is never left. */
static void change_addrs(struct daemon *d, const struct tap *tap, const struct config_link *was, const struct config_link *is)
{
	char text[IP_PREFIX_TEXT_MAX];

	for (int i = 0; i < is->addr_count; i++)
		if (!has_prefix(was->addrs, was->addr_count, &is->addrs[i]))
			log_change(d, "added addr", ip_prefix_print(&is->addrs[i], text),
				   stack_add_addr(d->st, tap->ifindex, &is->addrs[i], d->now_us));
	for (int i = 0; i < was->addr_count; i++)
		if (!has_prefix(is->addrs, is->addr_count, &was->addrs[i]))
			log_change(d, "removed addr", ip_prefix_print(&was->addrs[i], text),
				   stack_del_addr(d->st, tap->ifindex, &was->addrs[i].addr, d->now_us));
}

static void change_gateways(struct daemon *d, const struct tap *tap, const struct config_link *was, const struct config_link *is)
{
	char text[IP_ADDR_TEXT_MAX];
	struct route_config route;

	for (int i = 0; i < was->gateway_count; i++) {
		if (has_addr(is->gateways, is->gateway_count, &was->gateways[i]))
			continue;
		route = netconf_default_route(tap, &was->gateways[i]);
		log_change(d, "removed gateway", ip_addr_print(&was->gateways[i], text), stack_del_route(d->st, &route));
	}
	for (int i = 0; i < is->gateway_count; i++) {
		if (has_addr(was->gateways, was->gateway_count, &is->gateways[i]))
			continue;
		route = netconf_default_route(tap, &is->gateways[i]);
		log_change(d, "added gateway", ip_addr_print(&is->gateways[i], text), stack_add_route(d->st, &route));
	}
}

static void change_dhcp(struct daemon *d, const struct tap *tap, bool was, bool is)
{
	if (was == is)
		return;
	if (is) {
		log_change(d, "dhcp on for", tap->name, netconf_start_dhcp_on(d, tap));
	} else {
		stack_dhcp4_stop(d->st, tap->ifindex, d->now_us);
		stack_dhcp6_stop(d->st, tap->ifindex, d->now_us);
		log_change(d, "dhcp off for", tap->name, 0);
	}
}

/* ---- The whole ---- */

static bool needs_restart(const struct config *was, const struct config *is)
{
	if (strcmp(was->name, is->name) || strcmp(was->socket, is->socket) || strcmp(was->user, is->user) || was->link_count != is->link_count)
		return true;
	for (int i = 0; i < was->link_count; i++) {
		const struct config_link *a = &was->links[i], *b = &is->links[i];

		if (strcmp(a->tap, b->tap) || a->mtu != b->mtu || a->offload != b->offload || a->has_mac != b->has_mac ||
		    memcmp(a->mac, b->mac, sizeof(a->mac)) || a->host_addr_count != b->host_addr_count)
			return true;
		for (int k = 0; k < b->host_addr_count; k++)
			if (!has_prefix(a->host_addrs, a->host_addr_count, &b->host_addrs[k]))
				return true;
	}
	return false;
}

/* All of them or none. */
static int change_settings(struct daemon *d, const struct config *is, char *text, size_t room)
{
	char was[CONFIG_LIST_MAX][64];
	const char *why;
	int err = 0, i;

	for (i = 0; i < is->setting_count && err == 0; i++) {
		const struct config_setting *s = &is->settings[i];

		why = "no such tunable";
		err = stack_get(d->st, s->name, was[i], sizeof(was[i]));
		if (err == 0)
			err = stack_set(d->st, s->name, s->value, &why);
		if (err < 0)
			snprintf(text, room, "%sset %s=%s: %s", s->where, s->name, s->value, why);
	}
	for (i -= 2; err < 0 && i >= 0; i--)
		stack_set(d->st, is->settings[i].name, was[i], NULL);
	return err;
}

/* Links are compared by their place: their names cannot have changed then. */
static void change_links(struct daemon *d, const struct config *was, const struct config *is)
{
	for (int i = 0; i < d->tap_count && i < is->link_count; i++) {
		if (strcmp(was->links[i].tap, is->links[i].tap))
			continue;
		change_addrs(d, &d->taps[i], &was->links[i], &is->links[i]);
		change_gateways(d, &d->taps[i], &was->links[i], &is->links[i]);
		change_dhcp(d, &d->taps[i], was->links[i].dhcp, is->links[i].dhcp);
	}
}

static int apply(struct daemon *d, struct config *is, char *text, size_t room)
{
	int err = change_settings(d, is, text, room);

	if (err < 0)
		return -EINVAL;
	if (needs_restart(&d->config, is))
		log_line(&d->log, LOG_LEVEL_WARNING,
			 "reload: name, socket, user, tap, mtu, mac, offload and host-addr change with a restart only; they stay as they are");
	change_links(d, &d->config, is);
	for (int i = 0; i < d->tap_count && i < is->link_count; i++) {
		struct config_link *l = &d->config.links[i];

		memcpy(l->addrs, is->links[i].addrs, sizeof(l->addrs));
		l->addr_count = is->links[i].addr_count;
		memcpy(l->gateways, is->links[i].gateways, sizeof(l->gateways));
		l->gateway_count = is->links[i].gateway_count;
		l->dhcp = is->links[i].dhcp;
	}
	d->config.user_sockets_max = is->user_sockets_max;
	d->log.level = d->config.log_level = is->log_level;
	log_line(&d->log, LOG_LEVEL_INFO, "configuration read again");
	return 0;
}

/* With the working directory that we were started in: the daemon's own is another one (fresh.h). */
static enum config_result load(struct daemon *d, struct config *is, char error[CONFIG_ERROR_MAX])
{
	int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	enum config_result r;

	if (here < 0 || fchdir(d->start_dir) < 0) {
		snprintf(error, CONFIG_ERROR_MAX, "the directory of the start: %s", strerror(errno));
		r = CONFIG_BAD_FILE;
	} else {
		r = config_load(is, d->argc, d->argv, error);
		if (fchdir(here) < 0)
			d->stop = true; /* nothing goes on without it */
	}
	if (here >= 0)
		close(here);
	return r;
}

int reload(struct daemon *d, char *text, size_t room)
{
	struct config *is = malloc(sizeof(*is));
	char error[CONFIG_ERROR_MAX] = "";
	int err = -ENOMEM;

	text[0] = '\0';
	if (is)
		err = load(d, is, error) == CONFIG_RUN ? apply(d, is, text, room) : -EINVAL;
	if (error[0])
		snprintf(text, room, "%s", error);
	if (err < 0)
		log_line(&d->log, LOG_LEVEL_WARNING, "reload: %s; nothing was changed", text[0] ? text : strerror(-err));
	free(is);
	return err;
}
