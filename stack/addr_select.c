/* SPDX-License-Identifier: BSD-2-Clause */
#include "addr_select.h"

unsigned addr_scope(const struct ip_addr *a)
{
	if (ip_addr_is_multicast(a) && !ip_addr_is4(a))
		return a->b[1] & 0xf;
	if (ip_addr_is_loopback(a) || ip_addr_is_linklocal(a))
		return ADDR_SCOPE_LINK;
	if (a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0xc0)
		return ADDR_SCOPE_SITE;
	return ADDR_SCOPE_GLOBAL;
}

unsigned addr_common_bits(const struct ip_addr *a, const struct ip_addr *b)
{
	unsigned i = 0;

	while (i < 16 && a->b[i] == b->b[i])
		i++;
	if (i == 16)
		return 128;
	return i * 8 + (unsigned)__builtin_clz((unsigned)(a->b[i] ^ b->b[i])) - 24;
}

static unsigned common_prefix_len(const struct ip_addr *src, uint8_t src_prefix_len, const struct ip_addr *dst)
{
	unsigned bits = addr_common_bits(src, dst);

	return bits < src_prefix_len ? bits : src_prefix_len;
}

static uint8_t label_of(const struct addr_policy_table *t, const struct ip_addr *a)
{
	return addr_policy_of(t, a).label;
}

bool addr_source_is_better(const struct addr_source *a, const struct addr_source *b, const struct addr_source_query *q)
{
	unsigned scope_a = addr_scope(&a->addr), scope_b = addr_scope(&b->addr), len_a, len_b;
	uint8_t label = label_of(q->policy, &q->dst);
	bool is4 = ip_addr_is4(&q->dst);

	if (ip_addr_eq(&b->addr, &q->dst)) /* rule 1: the destination itself */
		return false;
	if (ip_addr_eq(&a->addr, &q->dst))
		return true;
	if (scope_a != scope_b) /* rule 2: the smallest scope that reaches the destination */
		return scope_a < scope_b ? scope_a >= addr_scope(&q->dst) : scope_b < addr_scope(&q->dst);
	if (a->is_deprecated != b->is_deprecated) /* rule 3 */
		return b->is_deprecated;
	if (a->is_on_link != b->is_on_link) /* rule 5 */
		return a->is_on_link;
	if ((a->is_of_next_hop && b->is_of_another) || (b->is_of_next_hop && a->is_of_another)) /* rule 5.5 */
		return a->is_of_next_hop;
	if ((label_of(q->policy, &a->addr) == label) != (label_of(q->policy, &b->addr) == label)) /* rule 6 */
		return label_of(q->policy, &a->addr) == label;
	if (a->is_temporary != b->is_temporary) /* rule 7 */
		return a->is_temporary == q->prefers_temporary;
	len_a = common_prefix_len(&a->addr, a->prefix_len, is4 ? &q->next_hop : &q->dst); /* rule 8 */
	len_b = common_prefix_len(&b->addr, b->prefix_len, is4 ? &q->next_hop : &q->dst);
	if (len_a != len_b)
		return len_a > len_b;
	return is4 && addr_common_bits(&a->addr, &q->dst) > addr_common_bits(&b->addr, &q->dst);
}

static bool matches_label(const struct addr_policy_table *t, const struct addr_destination *d)
{
	return label_of(t, &d->src) == label_of(t, &d->dst);
}

static bool is_better_destination(const struct addr_policy_table *t, const struct addr_destination *a, const struct addr_destination *b)
{
	unsigned scope_a = addr_scope(&a->dst), scope_b = addr_scope(&b->dst), len_a, len_b;
	bool same_a = scope_a == addr_scope(&a->src), same_b = scope_b == addr_scope(&b->src);
	uint8_t precedence_a = addr_policy_of(t, &a->dst).precedence, precedence_b = addr_policy_of(t, &b->dst).precedence;

	if (a->is_usable != b->is_usable) /* rule 1 */
		return a->is_usable;
	if (!a->is_usable)
		return false;
	if (same_a != same_b) /* rule 2 */
		return same_a;
	if (a->src_is_deprecated != b->src_is_deprecated) /* rule 3 */
		return b->src_is_deprecated;
	if (matches_label(t, a) != matches_label(t, b)) /* rule 5 */
		return matches_label(t, a);
	if (precedence_a != precedence_b) /* rule 6 */
		return precedence_a > precedence_b;
	if (scope_a != scope_b) /* rule 8 */
		return scope_a < scope_b;
	if (ip_addr_is4(&a->dst) != ip_addr_is4(&b->dst))
		return false;
	len_a = common_prefix_len(&a->src, a->src_prefix_len, &a->dst); /* rule 9 */
	len_b = common_prefix_len(&b->src, b->src_prefix_len, &b->dst);
	return len_a > len_b;
}

/* By insertion: a name has few addresses, and equals must keep their order. */
void addr_order_destinations(const struct addr_policy_table *t, struct addr_destination *d, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct addr_destination moving = d[i];
		size_t k = i;

		for (; k > 0 && is_better_destination(t, &moving, &d[k - 1]); k--)
			d[k] = d[k - 1];
		d[k] = moving;
	}
}
