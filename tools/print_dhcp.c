/* SPDX-License-Identifier: BSD-2-Clause */
/* print_dhcp.c - DHCP clients: a line with the state and the lease, and one with what the server told. */
#include <string.h>
#include <sys/socket.h>

#include "tools/json.h"
#include "tools/print.h"
#include "tools/text.h"

static bool is_wanted(const struct net_view *v, const struct tapir_dhcp_rec *r)
{
	if (!v->ip4 && !v->ip6)
		return true;
	return r->family == AF_INET6 ? v->ip6 : v->ip4;
}

static uint8_t server_count(uint8_t n)
{
	return n < TAPIR_DHCP_SERVERS_MAX ? n : TAPIR_DHCP_SERVERS_MAX;
}

static void print_seconds(FILE *f, const char *what, uint32_t s)
{
	if (s == UINT32_MAX)
		fprintf(f, " %s never", what);
	else
		fprintf(f, " %s %us", what, s);
}

static void print_lease(FILE *f, const struct tapir_dhcp_rec *r)
{
	char addr[TEXT_ADDR_MAX];

	if (!r->addr_count)
		return;
	if (r->addr.family)
		fprintf(f, " %s/%u", text_addr(&r->addr, addr), r->prefix_len);
	else
		fprintf(f, " %u address%s", r->addr_count, r->addr_count > 1 ? "es" : "");
	if (r->server.family)
		fprintf(f, " server %s", text_addr(&r->server, addr));
	print_seconds(f, "renew", r->renew_s);
	print_seconds(f, "rebind", r->rebind_s);
	print_seconds(f, "expire", r->expire_s);
}

static void print_servers(FILE *f, const char *what, const struct tapir_addr *servers, uint8_t count)
{
	char addr[TEXT_ADDR_MAX];

	for (uint8_t i = 0; i < server_count(count); i++)
		fprintf(f, "%s %s", what, text_addr(&servers[i], addr));
}

void dhcp_print(FILE *f, const struct tapir_dhcp_rec *records, size_t n, const struct net_view *view)
{
	char word[TEXT_SHORT_MAX], domain[sizeof(records->domain)];

	for (size_t i = 0; i < n; i++) {
		const struct tapir_dhcp_rec *r = &records[i];

		if (!is_wanted(view, r))
			continue;
		fprintf(f, "%s %s", text_field(r->ifname, sizeof(r->ifname), word, sizeof(word)), r->family == AF_INET6 ? "inet6" : "inet");
		fprintf(f, " %s", text_field(r->state, sizeof(r->state), word, sizeof(word)));
		print_lease(f, r);
		fputc('\n', f);
		if (!r->dns_count && !r->ntp_count && !r->domain[0] && !r->mtu)
			continue;
		fputs("   ", f);
		print_servers(f, " dns", r->dns, r->dns_count);
		if (r->domain[0])
			fprintf(f, " domain %s", text_field(r->domain, sizeof(r->domain), domain, sizeof(domain)));
		print_servers(f, " ntp", r->ntp, r->ntp_count);
		if (r->mtu)
			fprintf(f, " mtu %u", r->mtu);
		fputc('\n', f);
	}
}

static json_t *servers_json(const struct tapir_addr *servers, uint8_t count)
{
	json_t *list = json_array();
	char addr[TEXT_ADDR_MAX];

	for (uint8_t i = 0; i < server_count(count); i++)
		json_array_append_new(list, json_string(text_addr(&servers[i], addr)));
	return list;
}

static void set_seconds(json_t *o, const char *key, const struct tapir_dhcp_rec *r, uint32_t s)
{
	if (r->addr_count && s != UINT32_MAX)
		json_set_int(o, key, s);
	else
		json_object_set_new(o, key, json_null());
}

json_t *dhcp_json(const struct tapir_dhcp_rec *records, size_t n, const struct net_view *view)
{
	json_t *list = json_array();
	char addr[TEXT_ADDR_MAX];

	for (size_t i = 0; i < n; i++) {
		const struct tapir_dhcp_rec *r = &records[i];
		json_t *o;

		if (!is_wanted(view, r))
			continue;
		o = json_object();
		json_set_field(o, "dev", r->ifname, sizeof(r->ifname));
		json_set_int(o, "ifindex", r->ifindex);
		json_set_text(o, "family", r->family == AF_INET6 ? "inet6" : "inet");
		json_set_field(o, "state", r->state, sizeof(r->state));
		json_set_text(o, "address", r->addr.family ? text_addr(&r->addr, addr) : NULL);
		json_set_int(o, "prefix_len", r->prefix_len);
		json_set_int(o, "addresses", r->addr_count);
		json_set_text(o, "server", r->server.family ? text_addr(&r->server, addr) : NULL);
		set_seconds(o, "renew_s", r, r->renew_s);
		set_seconds(o, "rebind_s", r, r->rebind_s);
		set_seconds(o, "expire_s", r, r->expire_s);
		json_object_set_new(o, "dns", servers_json(r->dns, r->dns_count));
		json_set_field(o, "domain", r->domain, sizeof(r->domain));
		json_object_set_new(o, "ntp", servers_json(r->ntp, r->ntp_count));
		json_set_int(o, "mtu", r->mtu);
		json_array_append_new(list, o);
	}
	return list;
}
