/* SPDX-License-Identifier: BSD-2-Clause */
/* Look-up of what a segment is for: connections, handshakes and TIME-WAITs by their two ends under a keyed hash, in a table that
 * grows with them; listeners by port. */
#include "tcp_conn.h"

#include <errno.h>

enum { BUCKETS_FIRST = 256, BUCKETS_MAX = 1 << 22 };

int tcp_table_init(struct stack *st)
{
	struct tcp_table *t = &st->tcp;

	pool_init(&t->reqs, &st->mem, sizeof(struct tcp_req), UINT32_MAX);
	pool_init(&t->timewaits, &st->mem, sizeof(struct tcp_timewait), UINT32_MAX);
	pool_init(&t->txs, &st->mem, sizeof(struct tcp_tx), UINT32_MAX);
	pool_init(&t->sent, &st->mem, sizeof(struct tcp_sent), UINT32_MAX);
	pool_init(&t->oos, &st->mem, sizeof(struct tcp_oo), UINT32_MAX);
	pool_init(&t->islands, &st->mem, sizeof(struct tcp_island), UINT32_MAX);
	pool_init(&t->listener_pool, &st->mem, sizeof(struct tcp_listener), UINT32_MAX);
	list_init(&t->want_send);
	for (unsigned i = 0; i < TCP_LISTEN_BUCKETS; i++)
		list_init(&t->listeners[i]);
	t->lookup_key = hash_key_derive(st->config.seed, "tcp lookup");
	t->isn_key = hash_key_derive(st->config.seed, "tcp isn");
	t->ts_key = hash_key_derive(st->config.seed, "tcp timestamps");
	t->buckets = mem_alloc(&st->mem, BUCKETS_FIRST * sizeof(struct tcp_node *));
	if (!t->buckets)
		return -ENOBUFS;
	t->bucket_count = BUCKETS_FIRST;
	return 0;
}

/* TIME-WAITs and handshakes hold ports and lie in the table: free them one by one. */
static void free_minis(struct stack *st)
{
	struct tcp_table *t = &st->tcp;

	for (uint32_t i = 0; i < t->bucket_count; i++) {
		struct tcp_node *n = t->buckets[i], *next;

		for (; n; n = next) {
			next = n->next;
			if (n->kind == TCP_NODE_TIMEWAIT)
				tcp_timewait_free(container_of(n, struct tcp_timewait, node));
		}
	}
}

void tcp_table_fini(struct stack *st)
{
	struct tcp_table *t = &st->tcp;

	if (t->bucket_count > 0) {
		sock_destroy_all(st, &tcp_sock_ops);
		free_minis(st);
	}
	mem_free(&st->mem, t->buckets);
	if (!t->reqs.mem)
		return;
	pool_fini(&t->reqs);
	pool_fini(&t->timewaits);
	pool_fini(&t->txs);
	pool_fini(&t->sent);
	pool_fini(&t->oos);
	pool_fini(&t->islands);
	pool_fini(&t->listener_pool);
}

struct tcp_key tcp_key_of(const struct tcp_node *n)
{
	if (n->kind == TCP_NODE_CONN) {
		const struct tcp_conn *c = (const struct tcp_conn *)(const void *)((const char *)n - offsetof(struct tcp_conn, node));

		return (struct tcp_key){ c->sk.local, c->sk.remote };
	}
	if (n->kind == TCP_NODE_REQ) {
		const struct tcp_req *r = (const struct tcp_req *)(const void *)n;

		return (struct tcp_key){ r->local, r->remote };
	}
	const struct tcp_timewait *tw = (const struct tcp_timewait *)(const void *)n;

	return (struct tcp_key){ tw->local, tw->remote };
}

_Static_assert(offsetof(struct tcp_req, node) == 0 && offsetof(struct tcp_timewait, node) == 0, "tcp_key_of() relies on it");

/* Not by scope: a link-local peer on two links is rare, and the comparison tells them apart. */
static uint32_t hash_of(const struct stack *st, const struct tcp_key *key)
{
	struct {
		struct ip_addr local, remote;
		uint16_t local_port, remote_port;
	} in = { key->local.addr, key->remote.addr, key->local.port, key->remote.port };

	return (uint32_t)hash_bytes(&st->tcp.lookup_key, &in, sizeof(in));
}

static bool is_same_end(const struct ip_endpoint *a, const struct ip_endpoint *b)
{
	return a->port == b->port && ip_addr_eq(&a->addr, &b->addr);
}

static bool is_node_of(const struct tcp_node *n, const struct tcp_key *key)
{
	struct tcp_key k = tcp_key_of(n);

	return is_same_end(&k.remote, &key->remote) && is_same_end(&k.local, &key->local) &&
	       k.remote.scope_id == key->remote.scope_id;
}

/* Segments come in trains: without offloads a batch is mostly one connection's, and the hash was a tenth of the daemon's time. */
struct tcp_node *tcp_table_find(struct stack *st, const struct tcp_key *key)
{
	struct tcp_table *t = &st->tcp;
	struct tcp_node *n;
	uint32_t hash;

	if (t->last_found && is_node_of(t->last_found, key))
		return t->last_found;
	hash = hash_of(st, key);
	for (n = t->buckets[hash & (t->bucket_count - 1)]; n; n = n->next) {
		if (n->hash == hash && is_node_of(n, key)) {
			t->last_found = n;
			return n;
		}
	}
	return NULL;
}

/* Twice as many buckets. Without memory the chains just become longer. */
static void grow(struct stack *st)
{
	struct tcp_table *t = &st->tcp;
	uint32_t count = t->bucket_count * 2;
	struct tcp_node **buckets = mem_alloc(&st->mem, count * sizeof(*buckets));

	if (!buckets)
		return;
	for (uint32_t i = 0; i < t->bucket_count; i++) {
		struct tcp_node *n = t->buckets[i], *next;

		for (; n; n = next) {
			next = n->next;
			n->next = buckets[n->hash & (count - 1)];
			buckets[n->hash & (count - 1)] = n;
		}
	}
	mem_free(&st->mem, t->buckets);
	t->buckets = buckets;
	t->bucket_count = count;
}

void tcp_table_add(struct stack *st, struct tcp_node *n)
{
	struct tcp_table *t = &st->tcp;
	struct tcp_key key = tcp_key_of(n);
	struct tcp_node **bucket;

	if (t->count >= t->bucket_count && t->bucket_count < BUCKETS_MAX)
		grow(st);
	n->hash = hash_of(st, &key);
	bucket = &t->buckets[n->hash & (t->bucket_count - 1)];
	n->next = *bucket;
	*bucket = n;
	n->is_linked = true;
	t->count++;
}

void tcp_table_remove(struct stack *st, struct tcp_node *n)
{
	struct tcp_node **at = &st->tcp.buckets[n->hash & (st->tcp.bucket_count - 1)];

	if (!n->is_linked)
		return;
	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	n->is_linked = false;
	if (st->tcp.last_found == n)
		st->tcp.last_found = NULL;
	st->tcp.count--;
}

/* How well a listener fits: an exact address before a wildcard, the right family's wildcard before ::, a device before none.
 * 0: not at all. */
static unsigned listener_score(const struct sock *s, const struct tcp_key *key, uint32_t ifindex)
{
	unsigned score = 1;

	if (s->local.port != key->local.port)
		return 0;
	if (s->opt.bound_ifindex) {
		if (s->opt.bound_ifindex != ifindex)
			return 0;
		score += 4;
	}
	if (!ip_addr_is_any(&s->local.addr)) {
		if (!ip_addr_eq(&s->local.addr, &key->local.addr) || (s->local.scope_id && s->local.scope_id != ifindex))
			return 0;
		return score + 2;
	}
	if (ip_addr_is4(&key->local.addr)) {
		if (!ip_addr_is4(&s->local.addr) && s->opt.v6only)
			return 0;
		return score + ip_addr_is4(&s->local.addr);
	}
	return ip_addr_is4(&s->local.addr) ? 0 : score + 1;
}

/* Among equals (SO_REUSEPORT) the hash of the connection chooses, so that a retransmitted SYN meets the same one. */
struct tcp_conn *tcp_table_find_listener(struct stack *st, const struct tcp_key *key, uint32_t ifindex)
{
	struct list *bucket = &st->tcp.listeners[key->local.port % TCP_LISTEN_BUCKETS];
	struct tcp_conn *best = NULL;
	unsigned best_score = 0, equals = 0;
	uint32_t hash = 0;

	for (struct list *n = bucket->next; n != bucket; n = n->next) {
		struct tcp_listener *l = container_of(n, struct tcp_listener, link);
		unsigned score = listener_score(&l->conn->sk, key, ifindex);

		if (score == 0 || score < best_score)
			continue;
		if (score > best_score) {
			best = l->conn;
			best_score = score;
			equals = 1;
			continue;
		}
		if (equals++ == 1)
			hash = hash_of(st, key);
		hash = hash * 1664525u + 1013904223u;
		if (((uint64_t)hash * equals) >> 32 == 0)
			best = l->conn;
	}
	return best;
}
