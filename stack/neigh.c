/* SPDX-License-Identifier: BSD-2-Clause */
#include "neigh.h"

#include <errno.h>

#include "arp.h"
#include "core.h"
#include "eth.h"
#include "icmp.h"
#include "nd.h"
#include "nd_router.h"
#include "offload.h"

enum { ASK_INTERVAL_US = 60000000, SOURCE_WAITS_MAX = 15 };

static struct neigh *of_class(struct list *node)
{
	return container_of(node, struct neigh, class_link);
}

/* ---- The table ---- */

int neigh_table_init(struct stack *st)
{
	struct neigh_table *t = &st->neighs;

	t->key = hash_key_derive(st->config.seed, "neigh");
	for (unsigned i = 0; i < NEIGH_CLASSES; i++)
		list_init(&t->by_class[i]);
	list_init(&t->unused);
	pool_init(&t->pool, &st->mem, sizeof(struct neigh), UINT32_MAX);
	t->buckets = mem_alloc(&st->mem, NEIGH_BUCKETS * sizeof(*t->buckets));
	if (!t->buckets)
		return -ENOBUFS;
	for (unsigned i = 0; i < NEIGH_BUCKETS; i++)
		list_init(&t->buckets[i]);
	return 0;
}

void neigh_table_fini(struct stack *st)
{
	struct neigh_table *t = &st->neighs;
	struct list *n;

	if (!t->unused.next)
		return;
	for (unsigned i = 0; i < NEIGH_CLASSES; i++)
		while ((n = list_pop(&t->by_class[i]))) {
			timer_cancel(&of_class(n)->timer);
			frame_queue_clear(&of_class(n)->queue);
		}
	pool_fini(&t->pool);
	mem_free(&st->mem, t->buckets);
	t->buckets = NULL;
}

static struct list *bucket_of(struct stack *st, const struct ip_addr *addr, uint32_t ifindex)
{
	uint8_t key[20];

	memcpy(key, addr->b, 16);
	memcpy(key + 16, &ifindex, 4);
	return &st->neighs.buckets[hash_bytes(&st->neighs.key, key, sizeof(key)) % NEIGH_BUCKETS];
}

struct neigh *neigh_find(struct stack *st, const struct ip_addr *addr, uint32_t ifindex)
{
	struct list *bucket = bucket_of(st, addr, ifindex);

	for (struct list *n = bucket->next; n != bucket; n = n->next) {
		struct neigh *e = container_of(n, struct neigh, bucket_link);

		if (e->ifindex == ifindex && ip_addr_eq(&e->addr, addr))
			return e;
	}
	return NULL;
}

static void release(struct neigh *n)
{
	struct neigh_table *t = &n->st->neighs;

	stat_add(n->st, STAT_NEIGH_DROP_TABLE_FULL, n->queue.count);
	frame_queue_clear(&n->queue);
	timer_cancel(&n->timer);
	list_remove(&n->bucket_link);
	list_remove(&n->class_link);
	n->serial++;
	list_append(&t->unused, &n->class_link);
	t->count--;
}

/* Push out the oldest entry of the classes from @worst to @best. */
static bool evict(struct neigh_table *t, enum neigh_class worst, enum neigh_class best)
{
	for (unsigned class = worst; class <= best; class++) {
		struct list *n = list_first(&t->by_class[class]);

		if (!n)
			continue;
		stat_count(of_class(n)->st, STAT_NEIGH_EVICTED);
		release(of_class(n));
		return true;
	}
	return false;
}

void neigh_flush_link(struct stack *st, uint32_t ifindex)
{
	for (unsigned class = 0; class < NEIGH_CLASSES; class++) {
		struct list *all = &st->neighs.by_class[class], *node = all->next;

		while (node != all) {
			struct neigh *n = of_class(node);

			node = node->next;
			if (n->ifindex == ifindex)
				release(n);
		}
	}
}

static struct neigh *take_entry(struct stack *st)
{
	struct list *node = list_pop(&st->neighs.unused);
	struct neigh *n;

	if (node)
		return of_class(node);
	n = pool_get(&st->neighs.pool);
	if (n) {
		list_init(&n->bucket_link);
		list_init(&n->class_link);
		frame_queue_init(&n->queue);
	}
	return n;
}

static void on_timer(struct timer *timer, uint64_t now_us);

/* A new entry in NEIGH_NONE. @worst, @best: the classes it may push out of a full table. */
static struct neigh *make(struct stack *st, const struct ip_addr *addr, uint32_t ifindex, enum neigh_class worst,
			  enum neigh_class best)
{
	struct neigh_table *t = &st->neighs;
	struct neigh *n;

	if (t->count >= st->tunables.neigh_gc_thresh3 && !evict(t, worst, best)) {
		stat_count(st, STAT_NEIGH_DROP_TABLE_FULL);
		return NULL;
	}
	n = take_entry(st);
	if (!n) {
		stat_count(st, STAT_MEM_OBJECTS_EXHAUSTED);
		return NULL;
	}
	n->st = st;
	n->addr = *addr;
	n->ifindex = ifindex;
	n->state = NEIGH_NONE;
	n->probes = n->waits = 0;
	n->was_used = n->is_router = n->is_gateway = false;
	n->asked_us = 0;
	n->confirmed_us = n->updated_us = 0;
	timer_init(&n->timer, on_timer);
	timer_set(&st->wheel, &n->timer, st->now_us + st->tunables.neigh_gc_stale_s * 1000000ULL);
	list_append(bucket_of(st, addr, ifindex), &n->bucket_link);
	list_append(&t->by_class[NEIGH_UNRESOLVED], &n->class_link);
	t->count++;
	return n;
}

static struct neigh *find_or_make(struct stack *st, const struct ip_addr *addr, uint32_t ifindex)
{
	struct neigh *n = neigh_find(st, addr, ifindex);

	return n ? n : make(st, addr, ifindex, NEIGH_UNRESOLVED, NEIGH_UNUSED);
}

void neigh_attach(struct stack *st, struct ip_dst *d)
{
	d->neigh = find_or_make(st, &d->next_hop, d->ifindex);
	if (!d->neigh)
		return;
	d->neigh_serial = d->neigh->serial;
	d->neigh->is_gateway |= d->is_gatewayed;
}

/* ---- States ---- */

static enum neigh_class class_of(const struct neigh *n)
{
	switch (n->state) {
	case NEIGH_REACHABLE:
	case NEIGH_PERMANENT:
		return NEIGH_LIVE;
	case NEIGH_DELAY:
	case NEIGH_PROBE: /* who has only asked us has got an answer, and need not exist for that */
		return n->confirmed_us ? NEIGH_LIVE : NEIGH_LEARNT;
	case NEIGH_STALE:
		return n->was_used ? NEIGH_UNUSED : NEIGH_LEARNT;
	}
	return NEIGH_UNRESOLVED;
}

/* RFC 4861 section 6.3.2: uniform between half and one and a half of the base. */
static uint64_t reachable_time_us(const struct neigh *n)
{
	struct stack *st = n->st;
	const struct link *l = link_by_ifindex(st, n->ifindex);
	uint32_t base_ms = !ip_addr_is4(&n->addr) && l->nd.reachable_ms ? l->nd.reachable_ms : st->tunables.neigh_base_reachable_ms;

	return (base_ms / 2 + rng_below(&st->rng, base_ms)) * 1000ULL;
}

static uint64_t retrans_time_us(const struct neigh *n)
{
	uint32_t ms = ip_addr_is4(&n->addr) ? n->st->tunables.neigh_retrans_ms : nd_retrans_ms(n->st, link_by_ifindex(n->st, n->ifindex));

	return ms * 1000ULL;
}

/* How long the state lasts without news; 0: for ever. */
static uint64_t state_time_us(struct neigh *n)
{
	const struct tunables *t = &n->st->tunables;

	switch (n->state) {
	case NEIGH_NONE:
	case NEIGH_FAILED:
		return t->neigh_gc_stale_s * 1000000ULL;
	case NEIGH_INCOMPLETE:
	case NEIGH_PROBE:
		return retrans_time_us(n);
	case NEIGH_REACHABLE:
		n->reachable_us = reachable_time_us(n);
		return n->reachable_us;
	case NEIGH_DELAY:
		return t->neigh_delay_first_probe_s * 1000000ULL;
	}
	return 0;
}

static void set_state(struct neigh *n, enum neigh_state state)
{
	uint64_t time_us;

	n->state = (uint8_t)state;
	time_us = state_time_us(n);
	if (time_us != 0)
		timer_set(&n->st->wheel, &n->timer, n->st->now_us + time_us);
	else
		timer_cancel(&n->timer);
	list_remove(&n->class_link);
	list_append(&n->st->neighs.by_class[class_of(n)], &n->class_link);
}

/* The entry of the source of the packet that waits, when it is the link's own; NULL: none. */
static const struct if_addr *waiting_source(struct neigh *n)
{
	const struct frame *f = n->queue.head;
	bool is4 = ip_addr_is4(&n->addr);
	struct ip_addr src;

	if (!f || f->len < (is4 ? 20u : 40u))
		return NULL;
	src = is4 ? ip_addr_from4(f->data + 12) : ip_addr_from6(f->data + 8);
	return addr_find(n->st, &src, n->ifindex);
}

/* The source of a solicitation is that of the packet that waits, or any other of the link (RFC 4861 section 7.2.2). For IPv6 never one
 * that may yet turn out to be another's, whose neighbours would answer us in its place (RFC 4429 section 3.2). False: there is none. */
static bool solicitation_source(struct neigh *n, struct ip_addr *src)
{
	const struct if_addr *e = waiting_source(n);

	if (!e || !if_addr_is_usable(e))
		e = addr_select_source(n->st, &n->addr, &n->addr, n->ifindex);
	if (ip_addr_is4(&n->addr)) {
		*src = e ? e->prefix.addr : ip_addr_any(ip_addr_family(&n->addr));
		return true;
	}
	if (!e || e->state != IF_ADDR_ASSIGNED || e->ifindex != n->ifindex)
		e = addr_checked6(n->st, n->ifindex);
	if (e)
		*src = e->prefix.addr;
	return e != NULL;
}

static void solicit(struct neigh *n)
{
	struct link *l = link_by_ifindex(n->st, n->ifindex);
	struct ip_addr src;

	if (!solicitation_source(n, &src)) { /* neigh_on_source() follows, with luck */
		if (n->waits++ >= SOURCE_WAITS_MAX)
			n->probes++;
		return;
	}
	n->probes++;
	stat_count(n->st, STAT_NEIGH_PROBES);
	if (ip_addr_is4(&n->addr))
		arp_send_request(n->st, l, &src, &n->addr, n->state == NEIGH_PROBE ? n->eth_hdr : NULL);
	else
		nd_send_solicitation(n->st, l, &src, &n->addr, n->state == NEIGH_PROBE ? n->eth_hdr : NULL);
}

static void start_asking(struct neigh *n, enum neigh_state state)
{
	n->probes = n->waits = 0;
	set_state(n, state);
	solicit(n);
}

void neigh_on_source(struct stack *st, uint32_t ifindex)
{
	struct list *all = &st->neighs.by_class[NEIGH_UNRESOLVED];

	for (struct list *node = all->next, *next; node != all; node = next) {
		struct neigh *n = of_class(node);

		next = node->next;
		if (n->ifindex == ifindex && n->state == NEIGH_INCOMPLETE && n->probes == 0 && n->waits > 0) {
			timer_set(&st->wheel, &n->timer, st->now_us + retrans_time_us(n));
			solicit(n);
		}
	}
}

/* It does not answer. Whoever waits is told; new packets ask again. */
static void fail(struct neigh *n)
{
	struct stack *st = n->st;
	struct frame_queue waiting;
	struct frame *f;

	stat_count(st, STAT_NEIGH_FAILED);
	n->asked_us = 0;
	set_state(n, NEIGH_FAILED);
	route_on_silence(st, n);
	frame_queue_init(&waiting);
	while ((f = frame_queue_pop(&n->queue)))
		frame_queue_push(&waiting, f);
	while ((f = frame_queue_pop(&waiting))) { /* what is told may send again, and @n may be gone */
		stat_count(st, STAT_NEIGH_DROP_FAILED);
		icmp_report_unreachable_next_hop(st, f);
		frame_unref(f);
	}
}

static void on_timer(struct timer *timer, uint64_t now_us)
{
	struct neigh *n = container_of(timer, struct neigh, timer);
	const struct tunables *t = &n->st->tunables;

	switch (n->state) {
	case NEIGH_FAILED:
		if (n->is_gateway && route_leads_through(n->st, n->ifindex, &n->addr)) {
			/* Remembered, or every minute packets would wait for it in vain. Who takes another way instead is made to
			 * choose again, and to ask for it (neigh_ask()). */
			n->st->route_generation++;
			set_state(n, NEIGH_FAILED);
			return;
		}
		release(n);
		return;
	case NEIGH_NONE:
		release(n);
		return;
	case NEIGH_REACHABLE: {
		uint64_t until_us = n->confirmed_us + n->reachable_us;

		if (until_us > now_us)
			timer_set(&n->st->wheel, &n->timer, until_us);
		else
			set_state(n, NEIGH_STALE);
		return;
	}
	case NEIGH_DELAY:
		start_asking(n, NEIGH_PROBE);
		return;
	}
	if (n->probes >= (n->state == NEIGH_PROBE ? t->neigh_ucast_solicit : t->neigh_mcast_solicit)) {
		fail(n);
		return;
	}
	set_state(n, (enum neigh_state)n->state);
	solicit(n);
}

/* ---- Sending ---- */

bool neigh_use(struct stack *st, struct neigh *n)
{
	(void)st;
	n->was_used = true;
	if (n->state == NEIGH_STALE)
		set_state(n, NEIGH_DELAY);
	return n->state >= NEIGH_REACHABLE;
}

static int send_now(struct neigh *n, struct link *l, struct frame *f)
{
	memcpy(offload_push(f, ETH_HDR_LEN), n->eth_hdr, ETH_HDR_LEN);
	return link_enqueue(n->st, l, f);
}

/* RFC 1122 section 2.3.2.2, RFC 4861 section 7.2.2: at least the latest packet is kept. */
static void enqueue_waiting(struct neigh *n, struct frame *f)
{
	while (n->queue.count > 0 && n->queue.bytes + f->buf_bytes > n->st->tunables.neigh_unres_qlen_bytes) {
		stat_count(n->st, STAT_NEIGH_DROP_QUEUE_FULL);
		frame_unref(frame_queue_pop(&n->queue));
	}
	frame_queue_push(&n->queue, f);
}

int neigh_output(struct stack *st, struct link *l, struct frame *f, const struct ip_dst *d)
{
	struct neigh *n = d->neigh;

	if (!n || n->serial != d->neigh_serial)
		n = find_or_make(st, &d->next_hop, d->ifindex);
	if (!n) {
		frame_unref(f);
		return -ENOBUFS;
	}
	if (neigh_may_send(st, n))
		return send_now(n, l, f);
	enqueue_waiting(n, f);
	if (n->state != NEIGH_INCOMPLETE)
		start_asking(n, NEIGH_INCOMPLETE);
	return 0;
}

static void flush(struct neigh *n)
{
	struct link *l = link_by_ifindex(n->st, n->ifindex);
	struct frame *f;

	while ((f = frame_queue_pop(&n->queue)))
		send_now(n, l, f);
}

/* ---- News ---- */

void neigh_confirm(struct stack *st, struct neigh *n)
{
	if (n->state < NEIGH_STALE)
		return;
	n->confirmed_us = st->now_us;
	if (n->state != NEIGH_REACHABLE && n->state != NEIGH_PERMANENT)
		set_state(n, NEIGH_REACHABLE);
}

static void set_mac(struct neigh *n, const uint8_t mac[6])
{
	eth_write_hdr(n->eth_hdr, mac, link_by_ifindex(n->st, n->ifindex),
		      ip_addr_is4(&n->addr) ? ETH_TYPE_IP4 : ETH_TYPE_IP6);
	n->updated_us = n->st->now_us;
}

/* A link address for one that had none. */
static void resolve(struct neigh *n, const uint8_t mac[6], bool solicited)
{
	struct stack *st = n->st;
	bool waits = n->queue.count > 0;

	stat_count(st, STAT_NEIGH_RESOLVED);
	if (n->state == NEIGH_FAILED && n->is_gateway)
		st->route_generation++; /* a router is back */
	set_mac(n, mac);
	if (solicited)
		n->confirmed_us = st->now_us;
	set_state(n, solicited ? NEIGH_REACHABLE : NEIGH_STALE);
	if (waits && neigh_may_send(st, n))
		flush(n);
}

bool neigh_update(struct stack *st, struct neigh *n, const uint8_t mac[6], bool solicited, bool override)
{
	bool differs = mac && memcmp(n->eth_hdr, mac, 6) != 0;

	if (n->state == NEIGH_PERMANENT)
		return !differs;
	if (n->state < NEIGH_STALE) {
		if (mac)
			resolve(n, mac, solicited);
		return mac != NULL;
	}
	if (differs && !override) {
		if (n->state == NEIGH_REACHABLE)
			set_state(n, NEIGH_STALE);
		return false;
	}
	if (differs)
		set_mac(n, mac);
	if (solicited) {
		n->confirmed_us = st->now_us;
		set_state(n, NEIGH_REACHABLE);
	} else if (differs) {
		set_state(n, NEIGH_STALE);
	}
	return true;
}

int stack_set_neigh(struct stack *st, uint32_t ifindex, const struct ip_addr *addr, const uint8_t mac[6], uint64_t now_us)
{
	struct link *l = link_by_ifindex(st, ifindex);
	struct neigh *n;

	st->now_us = now_us;
	if (!l || l->config.kind != LINK_ETHERNET)
		return -ENODEV;
	if (!eth_is_host_mac(mac) || ip_addr_is_any(addr) || ip_addr_is_multicast(addr) || ip_addr_is_broadcast(addr))
		return -EINVAL;
	n = neigh_find(st, addr, ifindex);
	if (!n)
		n = make(st, addr, ifindex, NEIGH_UNRESOLVED, NEIGH_UNUSED);
	if (!n)
		return -ENOBUFS;
	set_mac(n, mac);
	n->confirmed_us = now_us;
	set_state(n, NEIGH_PERMANENT);
	flush(n);
	return 0;
}

int stack_del_neigh(struct stack *st, uint32_t ifindex, const struct ip_addr *addr, uint64_t now_us)
{
	struct neigh *n = neigh_find(st, addr, ifindex);

	st->now_us = now_us;
	if (!n)
		return -ESRCH;
	release(n);
	st->route_generation++;
	return 0;
}

void neigh_learn(struct stack *st, struct link *l, const struct ip_addr *addr, const uint8_t mac[6])
{
	struct neigh *n = neigh_find(st, addr, l->ifindex);
	bool is4 = ip_addr_is4(addr);

	if (!n) {
		if (is4 && !route_is_onlink(st, addr, l->ifindex))
			return;
		n = make(st, addr, l->ifindex, NEIGH_LEARNT, NEIGH_LEARNT);
	}
	if (n)
		neigh_update(st, n, mac, false,
			     !is4 || st->now_us - n->updated_us >= st->tunables.neigh_locktime_ms * 1000ULL);
}

bool neigh_awaits_advertisement(const struct neigh *n)
{
	return n->state == NEIGH_INCOMPLETE || n->state >= NEIGH_STALE || (n->state == NEIGH_FAILED && n->asked_us != 0);
}

void neigh_set_router(struct stack *st, const struct ip_addr *addr, uint32_t ifindex, bool is_router)
{
	struct neigh *n = neigh_find(st, addr, ifindex);

	/* The entry may be younger than what the router told: its routes say that it was one. */
	if (n)
		n->is_router = is_router;
	if (!is_router && route_is_learnt_through(st, ifindex, addr))
		nd_router_gone(st, link_by_ifindex(st, ifindex), addr);
}

bool neigh_is_silent(struct stack *st, const struct ip_addr *addr, uint32_t ifindex)
{
	const struct neigh *n = neigh_find(st, addr, ifindex);

	return n && n->state == NEIGH_FAILED;
}

bool neigh_is_known(struct stack *st, const struct ip_addr *addr, uint32_t ifindex)
{
	const struct neigh *n = neigh_find(st, addr, ifindex);

	return n && n->state >= NEIGH_STALE;
}

void neigh_ask(struct stack *st, const struct ip_addr *addr, uint32_t ifindex)
{
	struct neigh *n = neigh_find(st, addr, ifindex);

	if (!n || n->state != NEIGH_FAILED || (n->asked_us && st->now_us - n->asked_us < ASK_INTERVAL_US))
		return;
	n->asked_us = st->now_us;
	solicit(n);
}

void stack_each_neigh(struct stack *st, bool (*fn)(void *ctx, const struct neigh_info *), void *ctx)
{
	static const char *const names[] = { "none", "incomplete", "failed", "stale", "reachable", "delay", "probe", "permanent" };

	for (unsigned class = NEIGH_CLASSES; class-- > 0;) {
		struct list *all = &st->neighs.by_class[class];

		for (struct list *node = all->next; node != all; node = node->next) {
			const struct neigh *n = of_class(node);
			struct neigh_info info = {
				.addr = n->addr,
				.ifindex = n->ifindex,
				.state = names[n->state],
				.confirmed_us = n->confirmed_us,
				.queued = n->queue.count,
			};

			if (n->state >= NEIGH_STALE)
				memcpy(info.mac, n->eth_hdr, 6);
			if (n->state != NEIGH_NONE && !fn(ctx, &info))
				return;
		}
	}
}
