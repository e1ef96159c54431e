/* SPDX-License-Identifier: BSD-2-Clause */
#include "ipv4ll.h"

#include "core.h"

enum {
	MAX_CONFLICTS = 10,	  /* section 9 */
	RATE_LIMIT_US = 60000000, /* RATE_LIMIT_INTERVAL */
	NEXT_DELAY_US = 100000,	  /* between a conflict and the next candidate */
	PREFIX_LEN = 96 + 16,
	FIRST = 169 << 8 | 254,
	HOSTS = 254 * 256, /* the first and the last 256 are reserved (section 2.1) */
};

/* No secret: the same link draws the same addresses wherever and whenever it starts. */
static const struct hash_key candidate_key = { { 0x6c696e6b6c6f6361, 0x6c2d6970762d3421 } };

static struct ip_prefix candidate(const struct link *l, uint32_t attempt)
{
	uint8_t text[10], b[4];
	uint32_t host;

	memcpy(text, l->config.mac, 6);
	memcpy(text + 6, &attempt, 4);
	host = 256 + (uint32_t)(hash_bytes(&candidate_key, text, sizeof(text)) % HOSTS);
	b[0] = FIRST >> 8;
	b[1] = FIRST & 0xff;
	b[2] = (uint8_t)(host >> 8);
	b[3] = (uint8_t)host;
	return (struct ip_prefix){ ip_addr_from4(b), PREFIX_LEN };
}

static struct ipv4ll *of_link(struct stack *st, uint32_t ifindex)
{
	struct link *l = link_by_ifindex(st, ifindex);

	return l && l->config.kind == LINK_ETHERNET ? &l->ipv4ll : NULL;
}

static void take_candidate(struct ipv4ll *a)
{
	struct ip_prefix p = candidate(link_by_ifindex(a->st, a->ifindex), a->conflicts);

	struct addr_config config = {
		.ifindex = a->ifindex, .prefix = p, .origin = NET_LINKLOCAL, .valid_s = LIFETIME_FOREVER, .preferred_s = LIFETIME_FOREVER,
	};

	if (stack_set_addr(a->st, &config, a->st->now_us) == 0)
		a->addr = p;
}

static void on_timer(struct timer *t, uint64_t now_us)
{
	(void)now_us;
	take_candidate(container_of(t, struct ipv4ll, timer));
}

void ipv4ll_start(struct stack *st, uint32_t ifindex)
{
	struct ipv4ll *a = of_link(st, ifindex);

	if (!a || a->is_on)
		return;
	*a = (struct ipv4ll){ .st = st, .ifindex = ifindex, .is_on = true };
	timer_init(&a->timer, on_timer);
	take_candidate(a);
}

static void drop_addr(struct ipv4ll *a)
{
	if (a->addr.len != 0)
		stack_del_addr(a->st, a->ifindex, &a->addr.addr, a->st->now_us);
	a->addr.len = 0;
}

void ipv4ll_stop(struct stack *st, uint32_t ifindex)
{
	struct ipv4ll *a = of_link(st, ifindex);

	if (!a || !a->is_on)
		return;
	timer_cancel(&a->timer);
	drop_addr(a);
	a->is_on = false;
}

void ipv4ll_on_conflict(struct stack *st, uint32_t ifindex, const struct ip_addr *addr)
{
	struct ipv4ll *a = of_link(st, ifindex);

	if (!a || !a->is_on || a->addr.len == 0 || !ip_addr_eq(&a->addr.addr, addr))
		return;
	drop_addr(a);
	a->conflicts++;
	timer_set(&st->wheel, &a->timer, st->now_us + (a->conflicts < MAX_CONFLICTS ? NEXT_DELAY_US : RATE_LIMIT_US));
}
