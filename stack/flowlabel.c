/* SPDX-License-Identifier: BSD-2-Clause */
#include "flowlabel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "core.h"
#include "sockopt.h"

/* <linux/in6.h>, which does not go together with <netinet/in.h>. */
struct flow_request {
	uint8_t dst[16];
	uint32_t label; /* network byte order */
	uint8_t action, share;
	uint16_t flags, expires_s, linger_s;
	uint32_t pad;
};
_Static_assert(sizeof(struct flow_request) == 32, "layout");

enum { ACTION_GET, ACTION_PUT, ACTION_RENEW };
enum { FLAG_CREATE = 1, FLAG_EXCL = 2, FLAG_REFLECT = 4, FLAG_REMOTE = 8 };
enum { SHARE_NONE = 0, SHARE_EXCL = 1, SHARE_PROCESS = 2, SHARE_USER = 3, SHARE_ANY = 255 };

enum { LINGER_MIN_S = 6 };

struct flow_label {
	struct list link;
	uint32_t label;
	uint8_t share;
	uint32_t users, uid;
	int32_t pid;
	struct ip_addr dst;
	uint64_t linger_us, expires_us; /* how long it stays after its last user; not before */
};

/* A socket's part in one. */
struct flow_lease {
	struct flow_lease *next;
	struct flow_label *label;
};

/* ---- The table ---------------------------------------------------------------------------------------------------- */

void flow_labels_init(struct stack *st)
{
	for (unsigned i = 0; i < FLOW_LABEL_BUCKETS; i++)
		list_init(&st->flow_labels.buckets[i]);
	st->flow_labels.next_end_us = UINT64_MAX;
}

static struct flow_label *of_link(struct list *n)
{
	return container_of(n, struct flow_label, link);
}

static bool is_exclusive(const struct flow_label *f)
{
	return f->share != SHARE_ANY;
}

static void forget(struct stack *st, struct flow_label *f)
{
	list_remove(&f->link);
	st->flow_labels.count--;
	st->flow_labels.exclusive_count -= is_exclusive(f);
	mem_free(&st->mem, f);
}

void flow_labels_fini(struct stack *st)
{
	for (unsigned i = 0; i < FLOW_LABEL_BUCKETS && st->flow_labels.buckets[i].next; i++)
		while (!list_is_empty(&st->flow_labels.buckets[i]))
			forget(st, of_link(list_first(&st->flow_labels.buckets[i])));
}

/* Those whose time is over go, when somebody looks. */
static void purge(struct stack *st)
{
	struct flow_label_table *t = &st->flow_labels;
	uint64_t next = UINT64_MAX;

	if (st->now_us < t->next_end_us)
		return;
	for (unsigned i = 0; i < FLOW_LABEL_BUCKETS; i++) {
		for (struct list *n = t->buckets[i].next, *after; n != &t->buckets[i]; n = after) {
			struct flow_label *f = of_link(n);

			after = n->next;
			if (f->users > 0)
				continue;
			if (f->expires_us <= st->now_us)
				forget(st, f);
			else if (f->expires_us < next)
				next = f->expires_us;
		}
	}
	t->next_end_us = next;
}

static struct flow_label *find(struct stack *st, uint32_t label)
{
	struct list *bucket = &st->flow_labels.buckets[label % FLOW_LABEL_BUCKETS];

	for (struct list *n = bucket->next; n != bucket; n = n->next)
		if (of_link(n)->label == label)
			return of_link(n);
	return NULL;
}

static void enter(struct stack *st, struct flow_label *f)
{
	list_append(&st->flow_labels.buckets[f->label % FLOW_LABEL_BUCKETS], &f->link);
	st->flow_labels.count++;
	st->flow_labels.exclusive_count += is_exclusive(f);
}

static void release(struct stack *st, struct flow_label *f)
{
	uint64_t end_us = st->now_us + f->linger_us;

	if (--f->users > 0)
		return;
	if (f->expires_us < end_us)
		f->expires_us = end_us;
	if (f->expires_us < st->flow_labels.next_end_us)
		st->flow_labels.next_end_us = f->expires_us;
}

void flow_labels_release(struct sock *s)
{
	struct flow_lease *lease;

	while ((lease = s->flow_leases)) {
		s->flow_leases = lease->next;
		release(s->st, lease->label);
		mem_free(&s->st->mem, lease);
	}
}

static struct flow_lease *find_lease(const struct sock *s, uint32_t label)
{
	struct flow_lease *lease = s->flow_leases;

	while (lease && lease->label->label != label)
		lease = lease->next;
	return lease;
}

bool flow_label_is_allowed(const struct sock *s, uint32_t label)
{
	if (s->st->flow_labels.exclusive_count > 0)
		purge(s->st);
	return s->st->flow_labels.exclusive_count == 0 || find_lease(s, label);
}

/* ---- Requests ----------------------------------------------------------------------------------------------------- */

static uint64_t seconds_us(uint16_t s)
{
	return (s < LINGER_MIN_S ? LINGER_MIN_S : s) * 1000000ull;
}

static void renew(struct stack *st, struct flow_label *f, const struct flow_request *q)
{
	uint64_t linger_us = seconds_us(q->linger_s), expires_us = seconds_us(q->expires_s);

	if (f->linger_us < linger_us)
		f->linger_us = linger_us;
	if (expires_us < f->linger_us)
		expires_us = f->linger_us;
	if (f->expires_us < st->now_us + expires_us)
		f->expires_us = st->now_us + expires_us;
}

/* RFC 3697's example of an application that shares a label: by process, by user, or at large. */
static bool may_share(const struct flow_label *f, const struct flow_label *wanted)
{
	return f->share != SHARE_EXCL && f->share == wanted->share && (f->share != SHARE_PROCESS || f->pid == wanted->pid) &&
	       (f->share != SHARE_USER || f->uid == wanted->uid);
}

static int put_lease(struct sock *s, struct flow_label *f)
{
	struct flow_lease *lease = mem_alloc(&s->st->mem, sizeof(*lease));

	if (!lease)
		return -ENOMEM;
	*lease = (struct flow_lease){ .next = s->flow_leases, .label = f };
	s->flow_leases = lease;
	f->users++;
	s->flow_label_leased = f->label;
	return 0;
}

/* What is asked for, as it would stand in the table. 0 or -EINVAL. */
static int describe(const struct sock *s, const struct flow_request *q, struct flow_label *f)
{
	*f = (struct flow_label){ .label = ntohl(q->label), .share = q->share, .uid = s->owner, .pid = s->owner_pid,
				  .dst = ip_addr_from6(q->dst) };
	renew(s->st, f, q);
	if (ip_addr_is4(&f->dst) || ip_addr_is_any(&f->dst))
		return -EINVAL;
	return f->share == SHARE_EXCL || f->share == SHARE_PROCESS || f->share == SHARE_USER || f->share == SHARE_ANY ? 0 : -EINVAL;
}

/* Linux's mem_check(). */
static int check_room(const struct sock *s)
{
	uint32_t room = FLOW_LABELS_MAX - s->st->flow_labels.count, count = 0;

	if (room > FLOW_LABELS_MAX - FLOW_LABELS_PER_SOCK)
		return 0;
	for (const struct flow_lease *lease = s->flow_leases; lease; lease = lease->next)
		count++;
	return room == 0 || count >= FLOW_LABELS_PER_SOCK || (count > 0 && room < FLOW_LABELS_MAX / 2) || room < FLOW_LABELS_MAX / 4 ?
		       -ENOBUFS : 0;
}

static int create(struct sock *s, const struct flow_label *wanted)
{
	struct stack *st = s->st;
	int err = check_room(s);
	struct flow_label *f;

	if (err < 0)
		return err;
	f = mem_alloc(&st->mem, sizeof(*f));
	if (!f)
		return -ENOMEM;
	*f = *wanted;
	while (f->label == 0 || (wanted->label == 0 && find(st, f->label)))
		f->label = (uint32_t)rng_u64(&st->rng) & FLOW_LABEL_BITS;
	list_init(&f->link);
	err = put_lease(s, f);
	if (err < 0)
		mem_free(&st->mem, f);
	else
		enter(st, f);
	return err;
}

static int get(struct sock *s, const struct flow_request *q)
{
	struct flow_label wanted, *f;
	int err;

	if (q->flags & FLAG_REFLECT) /* as Linux with net.ipv6.flowlabel_consistency, its default */
		return -EPERM;
	if (ntohl(q->label) & ~(uint32_t)FLOW_LABEL_BITS)
		return -EINVAL;
	err = describe(s, q, &wanted);
	if (err < 0)
		return err;
	f = wanted.label ? find(s->st, wanted.label) : NULL;
	if (!f)
		return q->flags & FLAG_CREATE ? create(s, &wanted) : -ENOENT;
	if (q->flags & FLAG_EXCL)
		return -EEXIST;
	if (!may_share(f, &wanted))
		return -EPERM;
	renew(s->st, f, q);
	return put_lease(s, f);
}

static int put_back(struct sock *s, const struct flow_request *q)
{
	struct flow_lease **at, *lease;

	if (q->flags & FLAG_REFLECT)
		return s->type == SOCK_STREAM ? -ESRCH : -ENOPROTOOPT;
	lease = find_lease(s, ntohl(q->label));
	if (!lease)
		return -ESRCH;
	if (lease->label->label == s->flow_label)
		s->flow_label = 0;
	for (at = &s->flow_leases; *at != lease; at = &(*at)->next)
		;
	*at = lease->next;
	release(s->st, lease->label);
	mem_free(&s->st->mem, lease);
	return 0;
}

static int renew_lease(struct sock *s, const struct flow_request *q)
{
	struct flow_lease *lease = find_lease(s, ntohl(q->label));

	if (!lease)
		return -ESRCH;
	renew(s->st, lease->label, q);
	return 0;
}

int flow_label_request(struct sock *s, const void *value, size_t len)
{
	struct flow_request q;

	if (len != sizeof(q)) /* no headers that would go with the label */
		return -EINVAL;
	memcpy(&q, value, sizeof(q));
	purge(s->st);
	switch (q.action) {
	case ACTION_GET:
		return get(s, &q);
	case ACTION_PUT:
		return put_back(s, &q);
	case ACTION_RENEW:
		return renew_lease(s, &q);
	default:
		return -EINVAL;
	}
}

int flow_label_show(struct sock *s, void *value, size_t *len)
{
	struct flow_request q, a = { .label = 0 };
	const struct flow_lease *lease;
	const struct flow_label *f;

	if (*len < sizeof(q))
		return -EINVAL;
	memcpy(&q, value, sizeof(q));
	if (q.action != ACTION_GET)
		return -EINVAL;
	if (q.flags & FLAG_REMOTE) {
		a.label = htonl(s->rcv_flow_label);
		return sockopt_put(value, len, &a, sizeof(a));
	}
	lease = find_lease(s, s->flow_label);
	if (!lease)
		return -ENOENT;
	f = lease->label;
	memcpy(a.dst, f->dst.b, sizeof(a.dst));
	a.label = htonl(f->label);
	a.share = f->share;
	a.expires_s = f->expires_us > s->st->now_us ? (uint16_t)((f->expires_us - s->st->now_us) / 1000000) : 0;
	a.linger_s = (uint16_t)(f->linger_us / 1000000);
	return sockopt_put(value, len, &a, sizeof(a));
}
