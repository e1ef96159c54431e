/* SPDX-License-Identifier: BSD-2-Clause */
#include "client-lib/addr_sort.h"

#include <string.h>

static bool is_ipv4(const uint8_t a[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(a, mapped, sizeof(mapped)) == 0;
}

/* RFC 6724 section 3.1 and 3.2; link-local 2, site-local 5, global 14. */
static unsigned scope_of(const struct gai_conf *conf, const uint8_t a[16])
{
	static const uint8_t loopback[16] = { [15] = 1 };

	if (is_ipv4(a))
		return gai_look_up(&conf->scopes, a);
	if (a[0] == 0xff)
		return a[1] & 0xf;
	if ((a[0] == 0xfe && (a[1] & 0xc0) == 0x80) || memcmp(a, loopback, 16) == 0)
		return 2;
	return a[0] == 0xfe && (a[1] & 0xc0) == 0xc0 ? 5 : 14;
}

static unsigned common_bits(const uint8_t a[16], const uint8_t b[16])
{
	unsigned i = 0;

	while (i < 16 && a[i] == b[i])
		i++;
	return i == 16 ? 128 : i * 8 + (unsigned)__builtin_clz((unsigned)(a[i] ^ b[i])) - 24;
}

/* How far source and destination agree, for rule 9. */
static unsigned match_of(const struct sort_addr *a)
{
	unsigned bits = common_bits(a->dst, a->source);

	return is_ipv4(a->dst) && bits < a->source_bits ? 0 : bits;
}

/* Whether @a goes before @b. */
static bool goes_before(const struct gai_conf *conf, const struct sort_addr *a, const struct sort_addr *b)
{
	unsigned scope_a = scope_of(conf, a->dst), scope_b = scope_of(conf, b->dst), x, y;
	bool both = a->has_source && b->has_source;

	if (a->has_source != b->has_source) /* rule 1 */
		return a->has_source;
	if (both) {
		x = scope_a == scope_of(conf, a->source); /* rule 2 */
		y = scope_b == scope_of(conf, b->source);
		if (x != y)
			return x;
		if (a->is_deprecated != b->is_deprecated) /* rule 3 */
			return b->is_deprecated;
		x = gai_look_up(&conf->labels, a->dst) == gai_look_up(&conf->labels, a->source); /* rule 5 */
		y = gai_look_up(&conf->labels, b->dst) == gai_look_up(&conf->labels, b->source);
		if (x != y)
			return x;
	}
	x = gai_look_up(&conf->precedences, a->dst); /* rule 6 */
	y = gai_look_up(&conf->precedences, b->dst);
	if (x != y)
		return x > y;
	if (scope_a != scope_b) /* rule 8 */
		return scope_a < scope_b;
	return both && is_ipv4(a->dst) == is_ipv4(b->dst) && match_of(a) > match_of(b); /* rules 9 and 10 */
}

/* By insertion, which is stable: there are a few addresses only. */
void addr_sort(struct sort_addr *addrs, size_t count, const struct gai_conf *conf)
{
	for (size_t i = 1; i < count; i++) {
		struct sort_addr a = addrs[i];
		size_t at = i;

		while (at > 0 && goes_before(conf, &a, &addrs[at - 1])) {
			addrs[at] = addrs[at - 1];
			at--;
		}
		addrs[at] = a;
	}
}
