/* SPDX-License-Identifier: BSD-2-Clause */
/* The table is a two-level array, not a hash: ports are 16 bits, and pages of 256 appear as they are needed. */
#include "core.h"

#include <errno.h>
#include <sys/socket.h>

int port_table_init(struct stack *st)
{
	struct port_table *t = &st->ports;

	pool_init(&t->buckets, &st->mem, sizeof(struct port_bucket), UINT32_MAX);
	t->offset_key = hash_key_derive(st->config.seed, "port offset");
	t->index_key = hash_key_derive(st->config.seed, "port index");
	for (unsigned i = 0; i < PORT_COUNTERS; i++) /* RFC 6056 section 3.3.4: random at first */
		t->counters[i] = (uint16_t)rng_u64(&st->rng);
	return 0;
}

void port_table_fini(struct stack *st)
{
	struct port_table *t = &st->ports;

	for (unsigned space = 0; space < PORT_SPACES; space++)
		for (unsigned page = 0; page < PORT_PAGES; page++)
			mem_free(&st->mem, t->pages[space][page]);
	pool_fini(&t->buckets);
}

static struct port_bucket **slot_of(const struct stack *st, enum port_space space, uint16_t port)
{
	struct port_bucket **page = st->ports.pages[space][port / PORT_PAGE_PORTS];

	return page ? &page[port % PORT_PAGE_PORTS] : NULL;
}

struct port_bucket *port_lookup(const struct stack *st, enum port_space space, uint16_t port)
{
	struct port_bucket **slot = slot_of(st, space, port);

	return slot ? *slot : NULL;
}

/* The bucket of @port, made when there is none. NULL: no memory. */
static struct port_bucket *get_bucket(struct stack *st, enum port_space space, uint16_t port)
{
	struct port_bucket ***page = &st->ports.pages[space][port / PORT_PAGE_PORTS];
	struct port_bucket **slot, *b;

	if (!*page)
		*page = mem_alloc(&st->mem, PORT_PAGE_PORTS * sizeof(**page));
	if (!*page)
		return NULL;
	slot = &(*page)[port % PORT_PAGE_PORTS];
	if (*slot)
		return *slot;
	b = pool_get(&st->ports.buckets);
	if (!b)
		return NULL;
	list_init(&b->bound);
	list_init(&b->conns);
	b->port = port;
	b->space = (uint8_t)space;
	*slot = b;
	return b;
}

void port_hold_init(struct port_hold *hold)
{
	list_init(&hold->link);
}

static void hold_link(struct port_hold *hold, struct port_bucket *b)
{
	hold->bucket = b;
	if (hold->kind == PORT_CONN) {
		list_append(&b->conns, &hold->link);
		b->conns_strict += !hold->reuse_addr;
	} else {
		list_append(&b->bound, &hold->link);
	}
}

static void hold_unlink(struct port_hold *hold)
{
	list_remove(&hold->link);
	if (hold->kind == PORT_CONN)
		hold->bucket->conns_strict -= !hold->reuse_addr;
	hold->bucket = NULL;
}

static void drop_if_empty(struct stack *st, struct port_bucket *b)
{
	if (!list_is_empty(&b->bound) || !list_is_empty(&b->conns))
		return;
	*slot_of(st, b->space, b->port) = NULL;
	pool_put(&st->ports.buckets, b);
}

void port_release(struct stack *st, struct port_hold *hold)
{
	struct port_bucket *b = hold->bucket;

	if (!b)
		return;
	hold_unlink(hold);
	drop_if_empty(st, b);
}

void port_move(struct port_hold *to, struct port_hold *from)
{
	struct port_bucket *b = from->bucket;

	*to = *from;
	port_hold_init(to);
	to->bucket = NULL;
	if (!b)
		return;
	hold_link(to, b);
	hold_unlink(from);
}

void port_set_addr(struct port_hold *hold, const struct ip_addr *addr)
{
	hold->addr = *addr;
}

void port_share(struct port_hold *child, const struct port_hold *listener, const struct ip_addr *local_addr)
{
	*child = *listener;
	port_hold_init(child);
	child->addr = *local_addr;
	child->kind = PORT_CONN;
	hold_link(child, listener->bucket);
}

/* ---- Conflicts ---------------------------------------------------------------------------------------------------- */

/* Whether a packet could be for both addresses. The IPv6 wildcard covers IPv4 too unless its socket is v6only. */
static bool addrs_overlap(const struct port_hold *a, const struct port_hold *b)
{
	bool a_any = ip_addr_is_any(&a->addr), b_any = ip_addr_is_any(&b->addr);
	bool a_is4 = ip_addr_is4(&a->addr), b_is4 = ip_addr_is4(&b->addr);

	if (a_is4 == b_is4)
		return a_any || b_any || ip_addr_eq(&a->addr, &b->addr);
	return a_is4 ? b_any && !b->v6only : a_any && !a->v6only;
}

/* The rule of Linux (inet_csk(9)'s bind conflict, udp's alike), for a claim @hold beside @other:
 *   - claims on different devices never meet;
 *   - with SO_REUSEADDR on both, only a listener is in the way (TCP), and nothing is (UDP);
 *   - with SO_REUSEPORT on both, and one owner, nothing is;
 *   - else their addresses must not overlap. */
static bool hold_conflicts(const struct port_hold *hold, const struct port_hold *other)
{
	if (hold->ifindex && other->ifindex && hold->ifindex != other->ifindex)
		return false;
	if (hold->reuse_addr && other->reuse_addr && other->kind != PORT_LISTEN)
		return false;
	if (hold->reuse_port && other->reuse_port && hold->owner == other->owner)
		return false;
	return addrs_overlap(hold, other);
}

/* Whether @hold cannot be added to @b. When all connections allow sharing, they need not be looked at one by one. */
static bool port_conflicts(const struct port_hold *hold, struct port_bucket *b)
{
	for (struct list *n = b->bound.next; n != &b->bound; n = n->next) {
		const struct port_hold *other = container_of(n, struct port_hold, link);

		if (other != hold && hold_conflicts(hold, other))
			return true;
	}
	if (hold->reuse_addr && b->conns_strict == 0)
		return false;
	for (struct list *n = b->conns.next; n != &b->conns; n = n->next)
		if (hold_conflicts(hold, container_of(n, struct port_hold, link)))
			return true;
	return false;
}

int port_listen(struct sock *s)
{
	struct port_hold *hold = &s->port;

	hold->reuse_addr = s->opt.reuse_addr;
	hold->reuse_port = s->opt.reuse_port;
	if (port_conflicts(hold, hold->bucket))
		return -EADDRINUSE;
	hold->kind = PORT_LISTEN;
	return 0;
}

void port_unlisten(struct sock *s)
{
	s->port.kind = PORT_BOUND;
}

/* ---- Claiming ----------------------------------------------------------------------------------------------------- */

static enum port_space space_of(const struct sock *s)
{
	if (s->type == SOCK_STREAM)
		return PORT_TCP;
	return s->protocol == IPPROTO_NR_UDP ? PORT_UDP : PORT_PING;
}

static void hold_fill(struct port_hold *hold, const struct sock *s, const struct ip_addr *addr, enum port_kind kind)
{
	hold->addr = *addr;
	hold->ifindex = s->opt.bound_ifindex;
	hold->owner = s->owner;
	hold->kind = (uint8_t)kind;
	hold->reuse_addr = s->opt.reuse_addr;
	hold->reuse_port = s->opt.reuse_port;
	hold->v6only = s->opt.v6only;
}

/* Link s->port into the port's bucket. */
static int claim(struct sock *s, uint16_t port)
{
	struct port_bucket *b = get_bucket(s->st, space_of(s), port);

	if (!b)
		return -ENOBUFS;
	hold_link(&s->port, b);
	s->local.port = port;
	s->is_bound = true;
	return 0;
}

struct port_range {
	uint32_t first, count;
};

/* Identifiers of echo requests have no range to keep to. */
static struct port_range ephemeral_range(const struct sock *s)
{
	const struct tunables *t = &s->st->tunables;
	uint32_t low = t->ip_local_port_min, high = t->ip_local_port_max;

	if (space_of(s) == PORT_PING)
		return (struct port_range){ 1, 65535 };
	if (low > high) {
		low = t->ip_local_port_max;
		high = t->ip_local_port_min;
	}
	/* IP_LOCAL_PORT_RANGE narrows it; an end beyond the stack's range is not heeded, as on Linux. */
	if (s->opt.port_min && s->opt.port_min >= low && s->opt.port_min <= high)
		low = s->opt.port_min;
	if (s->opt.port_max && s->opt.port_max >= low && s->opt.port_max <= high)
		high = s->opt.port_max;
	return (struct port_range){ low, high - low + 1 };
}

/* bind(2) with port 0: a random start (RFC 6056 section 3.3.1), ports that nobody holds first, then ones that may be shared. */
static int bind_ephemeral(struct sock *s)
{
	struct port_range range = ephemeral_range(s);
	uint32_t start = rng_below(&s->st->rng, range.count);
	bool may_share = s->opt.reuse_addr || s->opt.reuse_port;

	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < range.count; i++) {
			uint16_t port = (uint16_t)(range.first + (start + i) % range.count);
			struct port_bucket *b = port_lookup(s->st, space_of(s), port);

			if (!b || (pass == 1 && !port_conflicts(&s->port, b)))
				return claim(s, port);
		}
		if (!may_share)
			break;
	}
	return -EADDRINUSE;
}

int port_bind(struct sock *s, const struct ip_endpoint *local)
{
	struct port_bucket *b;
	int err;

	s->addr_is_bound = !ip_addr_is_any(&local->addr);
	s->port_is_bound = local->port != 0;
	hold_fill(&s->port, s, &local->addr, PORT_BOUND);
	if (local->port == 0) {
		err = bind_ephemeral(s);
	} else {
		b = port_lookup(s->st, space_of(s), local->port);
		err = b && port_conflicts(&s->port, b) ? -EADDRINUSE : claim(s, local->port);
	}
	if (err < 0)
		return err;
	s->local.addr = local->addr;
	s->local.scope_id = local->scope_id;
	return 0;
}

/* RFC 6056 section 3.3.4: the start depends on both addresses and the remote port, and a counter, of which there are many,
 * makes the next connection to the same place take the next port. */
static uint16_t *double_hash(struct sock *s, const struct ip_endpoint *remote, uint32_t *offset)
{
	struct port_table *t = &s->st->ports;
	uint8_t key[16 + 16 + 2 + 4];

	memcpy(key, s->local.addr.b, 16);
	memcpy(key + 16, remote->addr.b, 16);
	memcpy(key + 32, &remote->port, 2);
	memcpy(key + 34, &s->opt.bound_ifindex, 4);
	*offset = (uint32_t)hash_bytes(&t->offset_key, key, sizeof(key));
	return &t->counters[hash_bytes(&t->index_key, key, sizeof(key)) % PORT_COUNTERS];
}

/* A port that somebody bound is not shared: bind(2) promised it to him. */
static bool is_connectable(struct sock *s, const struct ip_endpoint *remote, uint16_t port,
			   bool (*is_free)(struct sock *s, const struct ip_endpoint *remote, uint16_t port))
{
	struct port_bucket *b = port_lookup(s->st, space_of(s), port);

	return !b || (list_is_empty(&b->bound) && is_free(s, remote, port));
}

int port_connect(struct sock *s, const struct ip_endpoint *remote,
		 bool (*is_free)(struct sock *s, const struct ip_endpoint *remote, uint16_t port))
{
	struct port_range range = ephemeral_range(s);
	uint32_t offset;
	uint16_t *counter = double_hash(s, remote, &offset);

	hold_fill(&s->port, s, &s->local.addr, PORT_CONN);
	for (uint32_t i = 0; i < range.count; i++) {
		uint16_t port = (uint16_t)(range.first + (offset + *counter) % range.count);

		++*counter;
		if (is_connectable(s, remote, port, is_free))
			return claim(s, port);
	}
	return -EADDRNOTAVAIL;
}
