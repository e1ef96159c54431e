/* SPDX-License-Identifier: BSD-2-Clause */
/* print_net.c - links, addresses, routes and neighbours as ip(8) prints them. */
#include "tools/print.h"

#include <ctype.h>
#include <string.h>
#include <sys/socket.h>

#include "tools/json.h"
#include "tools/text.h"

enum { NAME_TEXT_MAX = TEXT_SHORT_MAX };

enum link_record_kind { RECORD_LOOPBACK, RECORD_ETHERNET, RECORD_IP };

static const struct {
	uint32_t bit;
	const char *name;
} offloads[] = { { 1, "checksum" }, { 2, "tso4" }, { 4, "tso6" }, { 8, "uso" } };

enum { OFFLOAD_COUNT = sizeof(offloads) / sizeof(offloads[0]) };

static const char *name_text(const char field[16], char buf[NAME_TEXT_MAX])
{
	return text_field(field, 16, buf, NAME_TEXT_MAX);
}

static bool wants_family(const struct net_view *v, uint16_t family)
{
	if (!v->ip4 && !v->ip6)
		return true;
	return family == AF_INET6 ? v->ip6 : v->ip4;
}

static const char *family_text(uint16_t family)
{
	return family == AF_INET6 ? "inet6" : "inet";
}

static const char *link_kind(const struct tapir_link_rec *l)
{
	static const char *const names[] = { "loopback", "ether", "ip" };

	return l->kind < sizeof(names) / sizeof(names[0]) ? names[l->kind] : "unknown";
}

/* ---- Links ---- */

static void print_link_head(FILE *f, const struct tapir_link_rec *l)
{
	char name[NAME_TEXT_MAX], mac[TEXT_SHORT_MAX];

	fprintf(f, "%u: %s: mtu %u%s\n    link/%s", l->ifindex, name_text(l->name, name), l->mtu, l->is_down ? " down" : "", link_kind(l));
	if (l->kind == RECORD_ETHERNET)
		fprintf(f, " %s", text_mac(l->mac, mac));
	fputc('\n', f);
}

static void print_offloads(FILE *f, uint32_t bits)
{
	fputs("    offloads", f);
	for (size_t i = 0; i < OFFLOAD_COUNT; i++)
		if (bits & offloads[i].bit)
			fprintf(f, " %s", offloads[i].name);
	fputs(bits ? "\n" : " none\n", f);
}

void link_print(FILE *f, const struct tapir_link_rec *links, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct tapir_link_rec *l = &links[i];

		print_link_head(f, l);
		print_offloads(f, l->offloads);
		fprintf(f, "    RX: %12s %14s %8s\n", "frames", "bytes", "dropped");
		fprintf(f, "        %12llu %14llu %8llu\n", (unsigned long long)l->in_frames, (unsigned long long)l->in_bytes,
			(unsigned long long)l->drops);
		fprintf(f, "    TX: %12s %14s\n", "frames", "bytes");
		fprintf(f, "        %12llu %14llu\n", (unsigned long long)l->out_frames, (unsigned long long)l->out_bytes);
	}
}

static json_t *offloads_json(uint32_t bits)
{
	json_t *list = json_array();

	for (size_t i = 0; i < OFFLOAD_COUNT; i++)
		if (bits & offloads[i].bit)
			json_array_append_new(list, json_string(offloads[i].name));
	return list;
}

json_t *link_json(const struct tapir_link_rec *links, size_t n)
{
	json_t *list = json_array();
	char mac[TEXT_SHORT_MAX];

	for (size_t i = 0; i < n; i++) {
		const struct tapir_link_rec *l = &links[i];
		json_t *o = json_object();

		json_set_int(o, "ifindex", l->ifindex);
		json_set_field(o, "name", l->name, sizeof(l->name));
		json_set_int(o, "mtu", l->mtu);
		json_set_text(o, "state", l->is_down ? "down" : "up");
		json_set_text(o, "kind", link_kind(l));
		json_set_text(o, "mac", l->kind == RECORD_ETHERNET ? text_mac(l->mac, mac) : NULL);
		json_object_set_new(o, "offloads", offloads_json(l->offloads));
		json_set_u64(o, "in_frames", l->in_frames);
		json_set_u64(o, "out_frames", l->out_frames);
		json_set_u64(o, "in_bytes", l->in_bytes);
		json_set_u64(o, "out_bytes", l->out_bytes);
		json_set_u64(o, "drops", l->drops);
		json_array_append_new(list, o);
	}
	return list;
}

/* ---- Addresses ---- */

/* How far an address reaches, in ip(8)'s words. */
static const char *scope_text(const struct tapir_addr *a)
{
	static const uint8_t loopback6[16] = { [15] = 1 };

	if (a->family == AF_INET)
		return a->addr[12] == 127 ? "host" : a->addr[12] == 169 && a->addr[13] == 254 ? "link" : "global";
	if (!memcmp(a->addr, loopback6, 16))
		return "host";
	return a->addr[0] == 0xfe && (a->addr[1] & 0xc0) == 0x80 ? "link" : "global";
}

/* Static addresses stay; one that a router or a server gave ends. */
static bool has_end(const struct tapir_addr_rec *a)
{
	return a->valid_s != 0 && a->valid_s != UINT32_MAX;
}

static void print_address(FILE *f, const struct tapir_addr_rec *a)
{
	char addr[TEXT_ADDR_MAX], word[NAME_TEXT_MAX];

	fprintf(f, "    %s %s/%u scope %s", family_text(a->addr.family), text_addr(&a->addr, addr), a->prefix_len,
		scope_text(&a->addr));
	fprintf(f, " proto %s", name_text(a->origin, word));
	fprintf(f, " %s", name_text(a->state, word));
	if (has_end(a))
		fprintf(f, " valid %us preferred %us", a->valid_s, a->preferred_s);
	fputc('\n', f);
}

void addr_print(FILE *f, const struct tapir_addr_rec *addrs, size_t n, const struct tapir_link_rec *links,
		size_t link_count, const struct net_view *view)
{
	for (size_t i = 0; i < link_count; i++) {
		bool has_head = false;

		if (!view->ip4 && !view->ip6) {
			print_link_head(f, &links[i]);
			has_head = true;
		}
		for (size_t k = 0; k < n; k++) {
			if (addrs[k].ifindex != links[i].ifindex || !wants_family(view, addrs[k].addr.family))
				continue;
			if (!has_head)
				print_link_head(f, &links[i]);
			has_head = true;
			print_address(f, &addrs[k]);
		}
	}
}

json_t *addr_json(const struct tapir_addr_rec *addrs, size_t n, const struct net_view *view)
{
	json_t *list = json_array();
	char addr[TEXT_ADDR_MAX];

	for (size_t i = 0; i < n; i++) {
		const struct tapir_addr_rec *a = &addrs[i];
		json_t *o;

		if (!wants_family(view, a->addr.family))
			continue;
		o = json_object();
		json_set_text(o, "family", family_text(a->addr.family));
		json_set_text(o, "address", text_addr(&a->addr, addr));
		json_set_int(o, "prefix_len", a->prefix_len);
		json_set_field(o, "dev", a->ifname, sizeof(a->ifname));
		json_set_int(o, "ifindex", a->ifindex);
		json_set_text(o, "scope", scope_text(&a->addr));
		json_set_field(o, "origin", a->origin, sizeof(a->origin));
		json_set_field(o, "state", a->state, sizeof(a->state));
		if (has_end(a)) {
			json_set_int(o, "valid_s", a->valid_s);
			json_set_int(o, "preferred_s", a->preferred_s == UINT32_MAX ? a->valid_s : a->preferred_s);
		}
		json_array_append_new(list, o);
	}
	return list;
}

/* ---- Routes ---- */

static const char *route_dst(const struct tapir_route_rec *r, char buf[TEXT_ADDR_MAX + 8])
{
	char addr[TEXT_ADDR_MAX];

	if (!r->prefix_len && text_addr_is_any(&r->dst))
		snprintf(buf, TEXT_ADDR_MAX + 8, "default");
	else if (!r->origin[0] || !strcmp(r->origin, "local") || !strcmp(r->origin, "broadcast")) /* the way to one address */
		snprintf(buf, TEXT_ADDR_MAX + 8, "%s", text_addr(&r->dst, addr));
	else
		snprintf(buf, TEXT_ADDR_MAX + 8, "%s/%u", text_addr(&r->dst, addr), r->prefix_len);
	return buf;
}

static const char *route_kind(const struct tapir_route_rec *r)
{
	static const char *const names[] = { "unicast", "blackhole", "unreachable", "prohibit" };

	return r->kind < sizeof(names) / sizeof(names[0]) ? names[r->kind] : "unknown";
}

void route_print(FILE *f, const struct tapir_route_rec *routes, size_t n, const struct net_view *view)
{
	char dst[TEXT_ADDR_MAX + 8], addr[TEXT_ADDR_MAX], word[NAME_TEXT_MAX];

	for (size_t i = 0; i < n; i++) {
		const struct tapir_route_rec *r = &routes[i];

		if (!wants_family(view, r->dst.family))
			continue;
		if (r->kind)
			fprintf(f, "%s ", route_kind(r));
		fputs(route_dst(r, dst), f);
		if (r->gateway.family)
			fprintf(f, " via %s", text_addr(&r->gateway, addr));
		fprintf(f, " dev %s", name_text(r->ifname, word));
		if (r->origin[0])
			fprintf(f, " proto %s", name_text(r->origin, word));
		if (r->src.family)
			fprintf(f, " src %s", text_addr(&r->src, addr));
		if (r->metric)
			fprintf(f, " metric %u", r->metric);
		if (r->mtu)
			fprintf(f, " mtu %u", r->mtu);
		if (r->preference)
			fprintf(f, " pref %s", r->preference > 0 ? "high" : "low");
		if (r->lifetime_s)
			fprintf(f, " expires %us", r->lifetime_s);
		if (r->is_down)
			fputs(" linkdown", f);
		fputc('\n', f);
	}
}

json_t *route_json(const struct tapir_route_rec *routes, size_t n, const struct net_view *view)
{
	json_t *list = json_array();
	char dst[TEXT_ADDR_MAX + 8], addr[TEXT_ADDR_MAX];

	for (size_t i = 0; i < n; i++) {
		const struct tapir_route_rec *r = &routes[i];
		json_t *o;

		if (!wants_family(view, r->dst.family))
			continue;
		o = json_object();
		json_set_text(o, "family", family_text(r->dst.family));
		json_set_text(o, "type", route_kind(r));
		json_set_text(o, "dst", route_dst(r, dst));
		json_set_text(o, "gateway", r->gateway.family ? text_addr(&r->gateway, addr) : NULL);
		json_set_field(o, "dev", r->ifname, sizeof(r->ifname));
		json_set_int(o, "ifindex", r->ifindex);
		json_set_field(o, "origin", r->origin, sizeof(r->origin));
		json_set_int(o, "metric", r->metric);
		json_set_int(o, "preference", r->preference);
		if (r->is_down)
			json_object_set_new(o, "linkdown", json_true());
		if (r->src.family)
			json_set_text(o, "src", text_addr(&r->src, addr));
		if (r->mtu)
			json_set_int(o, "mtu", r->mtu);
		if (r->lifetime_s)
			json_set_int(o, "lifetime_s", r->lifetime_s);
		json_array_append_new(list, o);
	}
	return list;
}

/* ---- Neighbours ---- */

static bool has_mac(const struct tapir_neigh_rec *r)
{
	static const uint8_t zero[6];

	return memcmp(r->mac, zero, sizeof(zero)) != 0;
}

static bool was_confirmed(const struct tapir_neigh_rec *r)
{
	return has_mac(r) && r->age_ms != UINT64_MAX;
}

void neigh_print(FILE *f, const struct tapir_neigh_rec *neighs, size_t n, const struct net_view *view)
{
	char addr[TEXT_ADDR_MAX], word[NAME_TEXT_MAX], buf[TEXT_SHORT_MAX];

	for (size_t i = 0; i < n; i++) {
		const struct tapir_neigh_rec *r = &neighs[i];

		if (!wants_family(view, r->addr.family))
			continue;
		fprintf(f, "%s dev %s", text_addr(&r->addr, addr), name_text(r->ifname, word));
		if (has_mac(r))
			fprintf(f, " lladdr %s", text_mac(r->mac, word));
		if (was_confirmed(r))
			fprintf(f, " age %s", text_age(r->age_ms, buf));
		if (r->queued)
			fprintf(f, " queued %u", r->queued);
		name_text(r->state, word);
		for (char *c = word; *c; c++)
			*c = (char)toupper((unsigned char)*c);
		fprintf(f, " %s\n", word);
	}
}

json_t *neigh_json(const struct tapir_neigh_rec *neighs, size_t n, const struct net_view *view)
{
	json_t *list = json_array();
	char addr[TEXT_ADDR_MAX], mac[TEXT_SHORT_MAX];

	for (size_t i = 0; i < n; i++) {
		const struct tapir_neigh_rec *r = &neighs[i];
		json_t *o;

		if (!wants_family(view, r->addr.family))
			continue;
		o = json_object();
		json_set_text(o, "family", family_text(r->addr.family));
		json_set_text(o, "address", text_addr(&r->addr, addr));
		json_set_field(o, "dev", r->ifname, sizeof(r->ifname));
		json_set_int(o, "ifindex", r->ifindex);
		json_set_text(o, "lladdr", has_mac(r) ? text_mac(r->mac, mac) : NULL);
		json_set_field(o, "state", r->state, sizeof(r->state));
		json_object_set_new(o, "age_ms", was_confirmed(r) ? json_u64(r->age_ms) : json_null());
		json_set_int(o, "queued", r->queued);
		json_array_append_new(list, o);
	}
	return list;
}
