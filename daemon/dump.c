/* SPDX-License-Identifier: BSD-2-Clause */
/* dump.c - tables for tools: a copy of the whole table, taken at once, then sent in messages as fast as the client reads. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

static const size_t DUMP_BYTES_MAX = (size_t)512 << 20;

struct dump {
	struct daemon *d;
	struct user *user;
	uint32_t what, record_bytes;
	uint8_t *records;
	size_t bytes, room, at, at_before;
	bool is_full; /* no memory for more */
	bool is_done;
};

/* Room for one more record, cleared. NULL: none; the walk ends. */
static void *add_record(struct dump *p)
{
	if (p->bytes + p->record_bytes > p->room) {
		size_t room = p->room ? p->room * 2 : 64 * (size_t)p->record_bytes;
		uint8_t *records = room > DUMP_BYTES_MAX ? NULL : realloc(p->records, room);

		if (!records) {
			p->is_full = true;
			return NULL;
		}
		p->records = records;
		p->room = room;
	}
	p->bytes += p->record_bytes;
	return memset(p->records + p->bytes - p->record_bytes, 0, p->record_bytes);
}

struct name_search {
	uint32_t ifindex;
	char *name;
	bool is_up;
};

static bool match_link(void *ctx, const struct link_info *l)
{
	struct name_search *s = ctx;

	if (l->ifindex != s->ifindex)
		return true;
	snprintf(s->name, LINK_NAME_MAX, "%s", l->config.name);
	s->is_up = l->is_up;
	return false;
}

/* Returns whether the link is up. */
static bool link_name(struct daemon *d, uint32_t ifindex, char name[LINK_NAME_MAX])
{
	struct name_search s = { ifindex, name, false };

	stack_each_link(d->st, match_link, &s);
	return s.is_up;
}

static void addr_to_record(struct tapir_addr *to, const struct ip_addr *a)
{
	struct ip_endpoint e = { .addr = *a };

	channel_addr_to_wire(to, &e, ip_addr_family(a));
}

static uint32_t family_len(const struct ip_prefix *p)
{
	return p->len - (ip_addr_is4(&p->addr) && p->len >= 96 ? 96 : 0);
}

/* ---- The tables --------------------------------------------------------------------------------------------------- */

static void add_tcp_info(struct dump *p, struct sock *s, struct tapir_sock_rec *rec)
{
	size_t len = sizeof(rec->tcp_info);

	if (rec->type == SOCK_STREAM && sock_getopt(s, IPPROTO_TCP, TCP_INFO, rec->tcp_info, &len, p->d->now_us) == 0)
		rec->tcp_info_bytes = (uint32_t)len;
}

static bool dump_sock(void *ctx, const struct sock_info *i)
{
	struct dump *p = ctx;
	struct sock *s = sock_by_id(p->d->st, i->id);
	const struct channel *ch = s ? sock_user(s) : NULL;
	struct tapir_sock_rec *rec;

	if (s && !ch && strcmp(i->state, "UNCONN") == 0)
		return true; /* kept with a tombstone, should its program try to connect again */
	rec = add_record(p);
	if (!rec)
		return false;
	rec->id = i->id;
	channel_addr_to_wire(&rec->local, &i->local, i->family);
	channel_addr_to_wire(&rec->remote, &i->remote, i->family);
	rec->type = i->type;
	rec->protocol = i->protocol;
	snprintf(rec->state, sizeof(rec->state), "%s", i->state);
	rec->recv_q = i->recv_q;
	rec->send_q = i->send_q;
	rec->timer_kind = i->timer_kind;
	rec->timer_ms = i->timer_ms;
	rec->retransmits = i->retransmits;
	memcpy(rec->cong, i->cong, sizeof(rec->cong));
	if (ch) {
		rec->pid = ch->pid;
		rec->uid = ch->user->uid;
	}
	if (s)
		add_tcp_info(p, s, rec);
	return true;
}

static bool dump_link(void *ctx, const struct link_info *l)
{
	struct tapir_link_rec *rec = add_record(ctx);

	if (!rec)
		return false;
	snprintf(rec->name, sizeof(rec->name), "%s", l->config.name);
	rec->ifindex = l->ifindex;
	rec->mtu = l->config.mtu;
	memcpy(rec->mac, l->config.mac, sizeof(rec->mac));
	rec->kind = (uint16_t)l->config.kind;
	rec->offloads = l->config.offloads;
	rec->in_frames = l->in_frames;
	rec->out_frames = l->out_frames;
	rec->in_bytes = l->in_bytes;
	rec->out_bytes = l->out_bytes;
	rec->drops = l->drops;
	rec->is_down = !l->is_up;
	return true;
}

static bool dump_addr(void *ctx, const struct addr_info *a)
{
	struct dump *p = ctx;
	struct tapir_addr_rec *rec = add_record(p);

	if (!rec)
		return false;
	addr_to_record(&rec->addr, &a->prefix.addr);
	rec->prefix_len = family_len(&a->prefix);
	rec->ifindex = a->ifindex;
	link_name(p->d, a->ifindex, rec->ifname);
	snprintf(rec->state, sizeof(rec->state), "%s", a->state);
	snprintf(rec->origin, sizeof(rec->origin), "%s", a->origin);
	rec->valid_s = a->valid_s;
	rec->preferred_s = a->preferred_s;
	return true;
}

static bool dump_route(void *ctx, const struct route_info *r)
{
	struct dump *p = ctx;
	struct tapir_route_rec *rec = add_record(p);

	if (!rec)
		return false;
	addr_to_record(&rec->dst, &r->config.prefix.addr);
	rec->prefix_len = family_len(&r->config.prefix);
	if (!ip_addr_is_any(&r->config.gateway))
		addr_to_record(&rec->gateway, &r->config.gateway);
	rec->metric = r->config.metric;
	rec->ifindex = r->config.ifindex;
	rec->is_down = !link_name(p->d, r->config.ifindex, rec->ifname);
	snprintf(rec->origin, sizeof(rec->origin), "%s", r->origin);
	rec->lifetime_s = r->config.lifetime_s;
	rec->preference = r->config.preference;
	rec->kind = r->config.kind;
	rec->mtu = r->config.mtu;
	if (!ip_addr_is_any(&r->config.src))
		addr_to_record(&rec->src, &r->config.src);
	return true;
}

static bool dump_neigh(void *ctx, const struct neigh_info *n)
{
	struct dump *p = ctx;
	struct tapir_neigh_rec *rec = add_record(p);

	if (!rec)
		return false;
	addr_to_record(&rec->addr, &n->addr);
	memcpy(rec->mac, n->mac, sizeof(rec->mac));
	rec->ifindex = n->ifindex;
	rec->queued = n->queued;
	rec->age_ms = !n->confirmed_us ? UINT64_MAX : p->d->now_us > n->confirmed_us ? (p->d->now_us - n->confirmed_us) / 1000 : 0;
	link_name(p->d, n->ifindex, rec->ifname);
	snprintf(rec->state, sizeof(rec->state), "%s", n->state);
	return true;
}

static bool add_group(struct dump *p, const struct group_info *g, const struct ip_addr *source)
{
	uint64_t now_us = p->d->now_us;
	struct tapir_group_rec *rec = add_record(p);

	if (!rec)
		return false;
	addr_to_record(&rec->addr, &g->addr);
	if (source)
		addr_to_record(&rec->source, source);
	rec->ifindex = g->ifindex;
	rec->users = g->users;
	rec->source_count = g->source_count;
	rec->report_ms = UINT32_MAX;
	if (g->report_due_us != UINT64_MAX)
		rec->report_ms = g->report_due_us > now_us ? (uint32_t)((g->report_due_us - now_us) / 1000) : 0;
	rec->version = (uint16_t)g->version;
	rec->is_exclude = g->is_exclude;
	link_name(p->d, g->ifindex, rec->ifname);
	return true;
}

static bool dump_group(void *ctx, const struct group_info *g)
{
	if (g->source_count == 0)
		return add_group(ctx, g, NULL);
	for (uint32_t i = 0; i < g->source_count; i++)
		if (!add_group(ctx, g, &g->sources[i]))
			return false;
	return true;
}

static struct tapir_dns_rec *add_dns(struct dump *p, uint32_t ifindex, const char *origin, uint32_t lifetime_s)
{
	struct tapir_dns_rec *rec = add_record(p);

	if (!rec)
		return NULL;
	rec->ifindex = ifindex;
	rec->lifetime_s = lifetime_s;
	link_name(p->d, ifindex, rec->ifname);
	snprintf(rec->origin, sizeof(rec->origin), "%s", origin);
	return rec;
}

static bool dump_router_dns(void *ctx, const struct dns_info *i)
{
	struct tapir_dns_rec *rec = add_dns(ctx, i->ifindex, "slaac", i->lifetime_s);

	if (rec && i->domain)
		snprintf(rec->domain, sizeof(rec->domain), "%s", i->domain);
	else if (rec)
		addr_to_record(&rec->server, &i->server);
	return rec;
}

static void dump_dhcp_dns(struct dump *p, uint32_t ifindex, const struct ip_addr *servers, uint8_t count,
			  const struct dhcp_domains *domains)
{
	struct tapir_dns_rec *rec;

	for (uint8_t i = 0; i < count; i++) {
		rec = add_dns(p, ifindex, "dhcp", UINT32_MAX);
		if (rec)
			addr_to_record(&rec->server, &servers[i]);
	}
	for (uint8_t i = 0; i < domains->count; i++) {
		rec = add_dns(p, ifindex, "dhcp", UINT32_MAX);
		if (rec)
			snprintf(rec->domain, sizeof(rec->domain), "%s", domains->name[i]);
	}
}

static bool dump_link_dns(void *ctx, const struct link_info *l)
{
	struct dump *p = ctx;
	struct dhcp4_info i4;
	struct dhcp6_info i6;

	if (stack_dhcp4_info(p->d->st, l->ifindex, &i4) == 0 && i4.addr.len)
		dump_dhcp_dns(p, l->ifindex, i4.dns, i4.dns_count, &i4.domains);
	if (stack_dhcp6_info(p->d->st, l->ifindex, &i6) == 0)
		dump_dhcp_dns(p, l->ifindex, i6.dns, i6.dns_count, &i6.domains);
	return !p->is_full;
}

/* Seconds until @at_us. */
static uint32_t seconds_until(const struct dump *p, uint64_t at_us)
{
	if (at_us == UINT64_MAX)
		return UINT32_MAX;
	return at_us > p->d->now_us ? (uint32_t)((at_us - p->d->now_us) / 1000000) : 0;
}

static struct tapir_dhcp_rec *add_dhcp(struct dump *p, uint32_t ifindex, int family, const char *state)
{
	struct tapir_dhcp_rec *rec = add_record(p);

	if (!rec)
		return NULL;
	rec->family = (uint16_t)family;
	rec->ifindex = ifindex;
	link_name(p->d, ifindex, rec->ifname);
	snprintf(rec->state, sizeof(rec->state), "%s", state);
	return rec;
}

static uint8_t copy_servers(struct tapir_addr to[TAPIR_DHCP_SERVERS_MAX], const struct ip_addr *from, uint8_t count)
{
	uint8_t n = count < TAPIR_DHCP_SERVERS_MAX ? count : TAPIR_DHCP_SERVERS_MAX;

	for (uint8_t i = 0; i < n; i++)
		addr_to_record(&to[i], &from[i]);
	return n;
}

static void dump_dhcp4(struct dump *p, uint32_t ifindex, const struct dhcp4_info *i)
{
	struct tapir_dhcp_rec *rec = add_dhcp(p, ifindex, AF_INET, i->state);

	if (!rec || i->addr.len == 0)
		return;
	rec->addr_count = 1;
	addr_to_record(&rec->addr, &i->addr.addr);
	rec->prefix_len = family_len(&i->addr);
	addr_to_record(&rec->server, &i->server);
	rec->renew_s = seconds_until(p, i->t1_us);
	rec->rebind_s = seconds_until(p, i->t2_us);
	rec->expire_s = seconds_until(p, i->expires_us);
	rec->mtu = i->mtu;
	rec->dns_count = copy_servers(rec->dns, i->dns, i->dns_count);
	rec->ntp_count = copy_servers(rec->ntp, i->ntp, i->ntp_count);
	if (i->domains.count)
		snprintf(rec->domain, sizeof(rec->domain), "%s", i->domains.name[0]);
}

static void dump_dhcp6(struct dump *p, uint32_t ifindex, const struct dhcp6_info *i)
{
	struct tapir_dhcp_rec *rec = add_dhcp(p, ifindex, AF_INET6, i->state);

	if (!rec)
		return;
	rec->addr_count = i->addr_count;
	rec->renew_s = seconds_until(p, i->t1_us);
	rec->rebind_s = seconds_until(p, i->t2_us);
	rec->expire_s = seconds_until(p, i->expires_us);
	rec->dns_count = copy_servers(rec->dns, i->dns, i->dns_count);
	rec->ntp_count = copy_servers(rec->ntp, i->ntp, i->ntp_count);
	if (i->domains.count)
		snprintf(rec->domain, sizeof(rec->domain), "%s", i->domains.name[0]);
}

static bool dump_link_dhcp(void *ctx, const struct link_info *l)
{
	struct dump *p = ctx;
	struct dhcp4_info i4;
	struct dhcp6_info i6;

	if (stack_dhcp4_info(p->d->st, l->ifindex, &i4) == 0)
		dump_dhcp4(p, l->ifindex, &i4);
	if (stack_dhcp6_info(p->d->st, l->ifindex, &i6) == 0)
		dump_dhcp6(p, l->ifindex, &i6);
	return !p->is_full;
}

static bool add_stat(struct dump *p, const char *name, const char *text, uint64_t value)
{
	struct tapir_stat_rec *rec = add_record(p);

	if (!rec)
		return false;
	snprintf(rec->name, sizeof(rec->name), "%s", name);
	snprintf(rec->text, sizeof(rec->text), "%s", text);
	rec->value = value;
	return true;
}

static void dump_stats(struct dump *p)
{
	static const struct {
		const char *name, *text;
	} counters[] = {
#define COUNTER_ROW(id, name, text) { name, text },
		COUNTERS_LIST(COUNTER_ROW)
#undef COUNTER_ROW
	};
	const uint64_t *stats = stack_stats(p->d->st);

	for (int i = STAT_NONE + 1; i < STAT_COUNT; i++)
		add_stat(p, stat_name((enum stack_stat)i), stat_text((enum stack_stat)i), stats[i]);
	for (int i = 0; i < COUNTER_COUNT; i++)
		add_stat(p, counters[i].name, counters[i].text, p->d->counters[i]);
}

static bool dump_tunable(void *ctx, const char *name, const char *value, const char *text)
{
	struct tapir_tunable *rec = add_record(ctx);

	if (!rec)
		return false;
	snprintf(rec->name, sizeof(rec->name), "%s", name);
	snprintf(rec->value, sizeof(rec->value), "%s", value);
	snprintf(rec->text, sizeof(rec->text), "%s", text);
	return true;
}

static void copy_table(struct dump *p)
{
	struct stack *st = p->d->st;

	switch ((enum tapir_dump)p->what) {
	case TAPIR_DUMP_SOCKETS:
		stack_each_sock(st, dump_sock, p, p->d->now_us);
		break;
	case TAPIR_DUMP_LINKS:
		stack_each_link(st, dump_link, p);
		break;
	case TAPIR_DUMP_ADDRS:
		stack_each_addr(st, dump_addr, p);
		break;
	case TAPIR_DUMP_ROUTES:
		stack_each_route(st, dump_route, p);
		break;
	case TAPIR_DUMP_NEIGHS:
		stack_each_neigh(st, dump_neigh, p);
		break;
	case TAPIR_DUMP_STATS:
		dump_stats(p);
		break;
	case TAPIR_DUMP_TUNABLES:
		stack_each_tunable(st, dump_tunable, p);
		break;
	case TAPIR_DUMP_DNS:
		stack_each_dns(st, dump_router_dns, p);
		stack_each_link(st, dump_link_dns, p);
		break;
	case TAPIR_DUMP_DHCP:
		stack_each_link(st, dump_link_dhcp, p);
		break;
	case TAPIR_DUMP_GROUPS:
		stack_each_group(st, dump_group, p);
		break;
	}
}

/* ---- Sending ------------------------------------------------------------------------------------------------------ */

int dump_start(struct daemon *d, struct user *user, uint32_t what, struct dump **out)
{
	static const uint32_t record_bytes[] = {
		[TAPIR_DUMP_SOCKETS] = sizeof(struct tapir_sock_rec), [TAPIR_DUMP_LINKS] = sizeof(struct tapir_link_rec),
		[TAPIR_DUMP_ADDRS] = sizeof(struct tapir_addr_rec),   [TAPIR_DUMP_ROUTES] = sizeof(struct tapir_route_rec),
		[TAPIR_DUMP_NEIGHS] = sizeof(struct tapir_neigh_rec), [TAPIR_DUMP_STATS] = sizeof(struct tapir_stat_rec),
		[TAPIR_DUMP_TUNABLES] = sizeof(struct tapir_tunable), [TAPIR_DUMP_GROUPS] = sizeof(struct tapir_group_rec),
		[TAPIR_DUMP_DNS] = sizeof(struct tapir_dns_rec),      [TAPIR_DUMP_DHCP] = sizeof(struct tapir_dhcp_rec),
	};
	struct dump *p;

	if (what >= sizeof(record_bytes) / sizeof(record_bytes[0]) || record_bytes[what] == 0)
		return EINVAL;
	if (user->dumps >= USER_DUMPS_MAX)
		return EBUSY;
	p = calloc(1, sizeof(*p));
	if (!p)
		return ENOBUFS;
	p->d = d;
	p->what = what;
	p->record_bytes = record_bytes[what];
	copy_table(p);
	if (p->is_full) {
		free(p->records);
		free(p);
		return ENOBUFS;
	}
	p->user = user_get(&d->users, user->uid);
	user->dumps++;
	*out = p;
	return 0;
}

uint32_t dump_next(struct dump *p, uint8_t *to, uint32_t seq)
{
	size_t most = (TAPIR_MESSAGE_MAX - sizeof(struct tapir_header) - sizeof(struct tapir_dump_rep)) / p->record_bytes;
	size_t left = (p->bytes - p->at) / p->record_bytes;
	size_t n = left < most ? left : most;
	struct tapir_header h = { .magic = TAPIR_PROTOCOL_MAGIC, .version = TAPIR_PROTOCOL_VERSION, .op = TAPIR_OP_DUMP, .seq = seq };
	struct tapir_dump_rep rep = { .what = p->what, .record_bytes = p->record_bytes, .record_count = (uint32_t)n, .is_last = n == left };

	if (p->is_done)
		return 0;
	p->at_before = p->at;
	memcpy(to, &h, sizeof(h));
	memcpy(to + sizeof(h), &rep, sizeof(rep));
	if (n)
		memcpy(to + sizeof(h) + sizeof(rep), p->records + p->at, n * p->record_bytes);
	p->at += n * p->record_bytes;
	p->is_done = n == left;
	return (uint32_t)(sizeof(h) + sizeof(rep) + n * p->record_bytes);
}

void dump_back(struct dump *p)
{
	p->at = p->at_before;
	p->is_done = false;
}

void dump_end(struct dump *p)
{
	if (!p)
		return;
	p->user->dumps--;
	user_put(&p->d->users, p->user);
	free(p->records);
	free(p);
}
