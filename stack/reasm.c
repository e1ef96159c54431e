/* SPDX-License-Identifier: BSD-2-Clause */
#include "reasm.h"

#include <errno.h>

#include "core.h"
#include "icmp4.h"
#include "icmp6.h"
#include "ip6.h"
#include "wire.h"

enum {
	PIECES_MAX = 512,	 /* of one packet: 64 KiB at the smallest sensible MTU; bounds what a walk can cost */
	PACKET_LEN_MAX = 65535,
	PIECE_FRAME_BYTES = FRAME_SMALL_BYTES - FRAME_HEADROOM,
	SOURCE_SHARE = 8,	 /* one source may hold this part of the memory */
	QUOTE_LEN_MAX = 1280,
};

/* A fragment's payload, copied into small frames. */
struct piece {
	struct piece *next;
	uint32_t offset, len;
	struct frame_queue data;
};

struct packet {
	struct list bucket_link, age_link, source_link;
	struct stack *st;
	struct timer timer;
	struct ip_addr src, dst;
	uint32_t id, ifindex;
	uint8_t proto;
	bool is4, is_multicast;
	bool is_refused;	    /* overlapped: nothing is kept, and later fragments are dropped until the timer runs */
	uint8_t ecn_seen;	    /* bit n: codepoint n */
	uint8_t ecn, next_hdr;	    /* of the first fragment */
	uint16_t next_at;
	uint16_t packet_bytes;	    /* of the largest that brought a piece */
	uint32_t source;	    /* index of its quota */
	uint32_t count;
	uint32_t have;		    /* payload bytes in the pieces */
	uint32_t end;		    /* payload bytes of the whole packet, once the last fragment was here; else 0 */
	size_t bytes;		    /* memory charged */
	struct piece *first, *last; /* in order, never overlapping */
	struct frame *hdr;	    /* the first fragment's header; NULL: not here yet */
};

int reasm_table_init(struct stack *st)
{
	struct reasm_table *t = &st->reasm;

	t->key = hash_key_derive(st->config.seed, "reasm");
	pool_init(&t->packets, &st->mem, sizeof(struct packet), UINT32_MAX);
	pool_init(&t->pieces, &st->mem, sizeof(struct piece), UINT32_MAX);
	t->buckets = mem_alloc(&st->mem, REASM_BUCKETS * sizeof(*t->buckets));
	t->families = mem_alloc(&st->mem, 2 * sizeof(*t->families));
	if (!t->buckets || !t->families)
		return -ENOBUFS;
	for (unsigned i = 0; i < REASM_BUCKETS; i++)
		list_init(&t->buckets[i]);
	for (unsigned family = 0; family < 2; family++) {
		list_init(&t->families[family].by_age);
		for (unsigned i = 0; i < REASM_SOURCES; i++)
			list_init(&t->families[family].sources[i].by_age);
	}
	return 0;
}

static struct reasm_family *family_of(const struct packet *p)
{
	return &p->st->reasm.families[p->is4 ? 0 : 1];
}

static void charge(struct packet *p, size_t bytes)
{
	p->bytes += bytes;
	family_of(p)->bytes += bytes;
	family_of(p)->sources[p->source].bytes += bytes;
}

/* Let go of the bytes, but not of the packet. */
static void drop_data(struct packet *p)
{
	struct piece *piece;
	size_t bytes = p->bytes - sizeof(*p);

	while ((piece = p->first)) {
		p->first = piece->next;
		frame_queue_clear(&piece->data);
		pool_put(&p->st->reasm.pieces, piece);
	}
	p->last = NULL;
	frame_unref(p->hdr);
	p->hdr = NULL;
	p->bytes -= bytes;
	family_of(p)->bytes -= bytes;
	family_of(p)->sources[p->source].bytes -= bytes;
}

static void destroy(struct packet *p)
{
	drop_data(p);
	family_of(p)->bytes -= p->bytes;
	family_of(p)->sources[p->source].bytes -= p->bytes;
	timer_cancel(&p->timer);
	list_remove(&p->bucket_link);
	list_remove(&p->age_link);
	list_remove(&p->source_link);
	pool_put(&p->st->reasm.packets, p);
}

static struct packet *oldest(struct list *by_age)
{
	struct list *n = list_first(by_age);

	return n ? container_of(n, struct packet, age_link) : NULL;
}

static struct packet *oldest_of_source(struct list *by_age)
{
	struct list *n = list_first(by_age);

	return n ? container_of(n, struct packet, source_link) : NULL;
}

void reasm_table_fini(struct stack *st)
{
	struct reasm_table *t = &st->reasm;

	for (unsigned family = 0; t->families && family < 2; family++) {
		struct list *by_age = &t->families[family].by_age;

		while (by_age->next && oldest(by_age))
			destroy(oldest(by_age));
	}
	mem_free(&st->mem, t->buckets);
	mem_free(&st->mem, t->families);
	t->buckets = NULL;
	t->families = NULL;
	pool_fini(&t->packets);
	pool_fini(&t->pieces);
}

static void quote_more(struct icmp_quote *quote, uint8_t *buf, const uint8_t *data, uint32_t len)
{
	if (len > QUOTE_LEN_MAX - quote->len)
		len = QUOTE_LEN_MAX - quote->len;
	memcpy(buf + quote->len, data, len);
	quote->len += len;
}

/* RFC 792, RFC 8200 section 4.5: the sender is told when the first fragment came, and only then: the error quotes it, as it came. */
static void send_timeout(struct packet *p)
{
	uint8_t buf[QUOTE_LEN_MAX], fragment_hdr[IP6_FRAG_HDR_LEN] = { p->next_hdr, 0, 0, 1 };
	const struct frame *data = p->first->data.head;
	struct icmp_quote quote = { buf, 0 };

	put_be32(fragment_hdr + 4, p->id);
	quote_more(&quote, buf, p->hdr->data, p->hdr->len);
	if (!p->is4)
		quote_more(&quote, buf, fragment_hdr, sizeof(fragment_hdr));
	quote_more(&quote, buf, data->data, data->len);
	if (p->is4)
		icmp4_send_reassembly_timeout(p->st, &quote);
	else
		icmp6_send_reassembly_timeout(p->st, &quote, p->ifindex);
}

static void on_timer(struct timer *t, uint64_t now_us)
{
	struct packet *p = container_of(t, struct packet, timer);

	(void)now_us;
	if (!p->is_refused)
		stat_count(p->st, STAT_REASM_DROP_TIMEOUT);
	if (p->hdr && !p->is_multicast)
		send_timeout(p);
	destroy(p);
}

/* ---- Finding and making room ---- */

static uint64_t hash_of(struct stack *st, const struct reasm_fragment *frag)
{
	uint8_t key[37];

	memcpy(key, frag->src.b, 16);
	memcpy(key + 16, frag->dst.b, 16);
	memcpy(key + 32, &frag->id, 4);
	key[36] = frag->proto;
	return hash_bytes(&st->reasm.key, key, sizeof(key));
}

/* Two links may have a sender of this address each (RFC 4007 section 9). */
static bool is_of_its_link(const struct reasm_fragment *frag)
{
	return ip_addr_is_linklocal(&frag->src) || ip_addr_is_multicast(&frag->dst);
}

static struct packet *find(struct list *bucket, const struct reasm_fragment *frag)
{
	for (struct list *n = bucket->next; n != bucket; n = n->next) {
		struct packet *p = container_of(n, struct packet, bucket_link);

		if (p->id == frag->id && p->proto == frag->proto && ip_addr_eq(&p->src, &frag->src) &&
		    ip_addr_eq(&p->dst, &frag->dst) && (p->ifindex == frag->ifindex || !is_of_its_link(frag)))
			return p;
	}
	return NULL;
}

/* Make room for @bytes more of @keep's packet, out of its source's quota and the family's memory. False: it can't be. */
static bool make_room(struct packet *keep, size_t bytes)
{
	struct reasm_family *family = family_of(keep);
	struct stack *st = keep->st;
	size_t limit = keep->is4 ? st->tunables.ipfrag_high_thresh : st->tunables.ip6frag_high_thresh;
	struct packet *p;

	while (family->sources[keep->source].bytes + bytes > limit / SOURCE_SHARE) {
		p = oldest_of_source(&family->sources[keep->source].by_age);
		if (p == keep)
			return false;
		stat_count(st, STAT_REASM_DROP_QUOTA);
		destroy(p);
	}
	while (family->bytes + bytes > limit) {
		p = oldest(&family->by_age);
		if (p == keep)
			return false;
		stat_count(st, STAT_REASM_DROP_MEMORY);
		destroy(p);
	}
	return true;
}

static struct packet *make(struct stack *st, struct list *bucket, const struct reasm_fragment *frag)
{
	struct packet *p = pool_get(&st->reasm.packets);
	const struct tunables *t = &st->tunables;

	if (!p)
		return NULL;
	p->st = st;
	p->src = frag->src;
	p->dst = frag->dst;
	p->id = frag->id;
	p->proto = frag->proto;
	p->ifindex = frag->ifindex;
	p->is_multicast = frag->is_multicast;
	p->is4 = ip_addr_is4(&frag->src);
	p->source = (uint32_t)(hash_bytes(&st->reasm.key, frag->src.b, 16) % REASM_SOURCES);
	timer_init(&p->timer, on_timer);
	timer_set(&st->wheel, &p->timer, st->now_us + (p->is4 ? t->ipfrag_time : t->ip6frag_time) * 1000000ULL);
	list_append(bucket, &p->bucket_link);
	list_append(&family_of(p)->by_age, &p->age_link);
	list_append(&family_of(p)->sources[p->source].by_age, &p->source_link);
	charge(p, sizeof(*p));
	return p;
}

/* ---- Adding a fragment ---- */

static void refuse(struct packet *p, enum stack_stat why)
{
	stat_drop(p->st, why);
	drop_data(p);
	p->is_refused = true;
}

/* Where a fragment goes: after *prev (NULL: first). */
enum fit { FIT_OK, FIT_SAME_PLACE, FIT_OVERLAP };

static enum fit find_place(const struct packet *p, uint32_t offset, uint32_t len, struct piece **prev)
{
	struct piece *next = p->first;

	*prev = NULL;
	if (p->last && p->last->offset + p->last->len <= offset) { /* in order, as nearly always */
		*prev = p->last;
		return FIT_OK;
	}
	while (next && next->offset + next->len <= offset) {
		*prev = next;
		next = next->next;
	}
	if (!next || offset + len <= next->offset)
		return FIT_OK;
	return next->offset == offset && next->len == len ? FIT_SAME_PLACE : FIT_OVERLAP;
}

/* The ends that fragments imply must agree. */
static bool ends_agree(const struct packet *p, uint32_t end, bool more)
{
	if (more)
		return p->end == 0 || end < p->end;
	return (p->end == 0 || p->end == end) && (!p->last || p->last->offset + p->last->len <= end);
}

/* Whether the fragment that lies where @piece does is the same one again: its bytes and its flag too (RFC 8200 section 4.5). */
static bool is_duplicate(const struct packet *p, const struct piece *piece, const uint8_t *data, bool more)
{
	bool is_last = p->end != 0 && piece->offset + piece->len == p->end;

	for (const struct frame *f = piece->data.head; f; f = f->next) {
		if (memcmp(f->data, data, f->len) != 0)
			return false;
		data += f->len;
	}
	return more == !is_last;
}

static struct piece *copy_piece(struct packet *p, const uint8_t *data, uint32_t offset, uint32_t len)
{
	struct piece *piece = pool_get(&p->st->reasm.pieces);

	if (!piece)
		return NULL;
	piece->offset = offset;
	piece->len = len;
	frame_queue_init(&piece->data);
	while (len > 0) {
		uint32_t n = len < PIECE_FRAME_BYTES ? len : PIECE_FRAME_BYTES;
		struct frame *f = frame_alloc(&p->st->frames, n);

		if (!f) {
			frame_queue_clear(&piece->data);
			pool_put(&p->st->reasm.pieces, piece);
			return NULL;
		}
		memcpy(frame_put(f, n), data, n);
		frame_queue_push(&piece->data, f);
		data += n;
		len -= n;
	}
	return piece;
}

static void insert(struct packet *p, struct piece *piece, struct piece *prev)
{
	piece->next = prev ? prev->next : p->first;
	if (prev)
		prev->next = piece;
	else
		p->first = piece;
	if (!piece->next)
		p->last = piece;
	p->count++;
	p->have += piece->len;
	charge(p, sizeof(*piece) + piece->data.bytes);
}

static bool keep_hdr(struct packet *p, const struct reasm_fragment *frag)
{
	p->hdr = frame_alloc(&p->st->frames, frag->hdr_len);
	if (!p->hdr)
		return false;
	memcpy(frame_put(p->hdr, frag->hdr_len), frag->hdr, frag->hdr_len);
	p->next_hdr = frag->next_hdr;
	p->next_at = frag->next_at;
	p->ecn = frag->ecn;
	charge(p, p->hdr->buf_bytes);
	return true;
}

/* RFC 3168 section 5.3. False: marked and not-ECN-capable fragments of one packet. */
static bool combine_ecn(const struct packet *p, uint8_t *ecn)
{
	enum { NOT_ECT = 0, CE = 3 };

	*ecn = p->ecn;
	if (!(p->ecn_seen & 1 << CE))
		return true;
	*ecn = CE;
	return !(p->ecn_seen & 1 << NOT_ECT);
}

static struct frame *assemble(struct packet *p, struct reasm_result *res)
{
	struct frame *whole;

	if (!combine_ecn(p, &res->ecn)) {
		stat_drop(p->st, STAT_REASM_DROP_ECN);
		return NULL;
	}
	/* IPv4's header counts in the 65535 bytes, IPv6's first 40 do not. */
	if (p->hdr->len + p->end > PACKET_LEN_MAX + (p->is4 ? 0u : 40u)) {
		stat_drop(p->st, STAT_REASM_DROP_LENGTH);
		return NULL;
	}
	whole = frame_alloc(&p->st->frames, p->hdr->len + p->end);
	if (!whole) {
		stat_drop(p->st, STAT_REASM_DROP_MEMORY);
		return NULL;
	}
	whole->ifindex = p->ifindex;
	memcpy(frame_put(whole, p->hdr->len), p->hdr->data, p->hdr->len);
	for (const struct piece *piece = p->first; piece; piece = piece->next)
		for (const struct frame *f = piece->data.head; f; f = f->next)
			memcpy(frame_put(whole, f->len), f->data, f->len);
	res->next_hdr = p->next_hdr;
	res->next_at = p->next_at;
	res->hdr_len = p->hdr->len;
	res->packet_bytes = p->packet_bytes;
	stat_count(p->st, STAT_REASM_OK);
	return whole;
}

/* Add the fragment to its packet. False: out of memory. */
static bool add(struct packet *p, const struct frame *f, const struct reasm_fragment *frag, struct piece *prev)
{
	size_t frames = (f->len + PIECE_FRAME_BYTES - 1) / PIECE_FRAME_BYTES + (frag->offset == 0);
	struct piece *piece;

	if (!make_room(p, frames * FRAME_SMALL_BYTES + sizeof(*piece)))
		return false;
	if (frag->offset == 0 && !keep_hdr(p, frag))
		return false;
	piece = copy_piece(p, f->data, frag->offset, f->len);
	if (!piece)
		return false;
	insert(p, piece, prev);
	if (!frag->more)
		p->end = frag->offset + f->len;
	p->ecn_seen |= (uint8_t)(1 << frag->ecn);
	if (frag->packet_bytes > p->packet_bytes)
		p->packet_bytes = frag->packet_bytes;
	return true;
}

struct frame *reasm_input(struct stack *st, struct frame *f, const struct reasm_fragment *frag, struct reasm_result *res)
{
	struct list *bucket = &st->reasm.buckets[hash_of(st, frag) % REASM_BUCKETS];
	struct packet *p = find(bucket, frag);
	struct frame *whole = NULL;
	struct piece *prev;

	if (!p)
		p = make(st, bucket, frag);
	if (!p) {
		stat_drop(st, STAT_REASM_DROP_MEMORY);
		return NULL;
	}
	if (p->is_refused) {
		stat_drop(st, STAT_REASM_DROP_OVERLAP);
		return NULL;
	}
	if (frag->offset + f->len > PACKET_LEN_MAX) {
		refuse(p, STAT_REASM_DROP_LENGTH);
		return NULL;
	}
	switch (find_place(p, frag->offset, f->len, &prev)) {
	case FIT_SAME_PLACE:
		if (is_duplicate(p, prev ? prev->next : p->first, f->data, frag->more)) {
			stat_count(st, STAT_REASM_DUPLICATE);
			return NULL;
		}
		refuse(p, STAT_REASM_DROP_OVERLAP);
		return NULL;
	case FIT_OVERLAP:
		refuse(p, STAT_REASM_DROP_OVERLAP);
		return NULL;
	case FIT_OK:
		break;
	}
	if (!ends_agree(p, frag->offset + f->len, frag->more)) {
		refuse(p, STAT_REASM_DROP_LENGTH);
		return NULL;
	}
	if (p->count == PIECES_MAX) {
		refuse(p, STAT_REASM_DROP_TOO_MANY);
		return NULL;
	}
	if (!add(p, f, frag, prev)) {
		stat_drop(st, STAT_REASM_DROP_MEMORY);
		destroy(p);
		return NULL;
	}
	if (p->end != 0 && p->have == p->end) { /* no overlaps: as many bytes as it has means no holes */
		whole = assemble(p, res);
		destroy(p);
	}
	return whole;
}
