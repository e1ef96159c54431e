/* SPDX-License-Identifier: BSD-2-Clause */
#include "client-lib/addr_sort.h"

#include <string.h>

static bool is_ipv4(const uint8_t a[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(a, mapped, sizeof(mapped)) == 0;
}

/* RFC 6724 section 3.1 and 3.2; link-local 2, site-local 5, global 14. */
static unsigned scope_of(const uint8_t a[16])
{
	static const uint8_t loopback[16] = { [15] = 1 };

	if (is_ipv4(a))
		return a[12] == 127 || (a[12] == 169 && a[13] == 254) ? 2 : 14;
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

struct policy_row {
	uint8_t prefix[16];
	uint8_t bits, value;
};

static unsigned look_up(const struct policy_row *rows, const uint8_t a[16])
{
	while (common_bits(rows->prefix, a) < rows->bits)
		rows++;
	return rows->value;
}

/* RFC 3484 section 2.1 with the labels that RFC 5220 and 6724 added: glibc's. Longest prefixes first; the last matches all. */
static unsigned label_of(const uint8_t a[16])
{
	static const struct policy_row rows[] = {
		{ { [15] = 1 }, 128, 0 },	  { { [10] = 0xff, [11] = 0xff }, 96, 4 }, { { 0 }, 96, 3 },
		{ { 0x20, 0x01, 0, 0 }, 32, 7 }, { { 0x20, 0x02 }, 16, 2 },		   { { 0xfe, 0xc0 }, 10, 5 },
		{ { 0xfc }, 7, 6 },		  { { 0 }, 0, 1 },
	};

	return look_up(rows, a);
}

static unsigned precedence_of(const uint8_t a[16])
{
	static const struct policy_row rows[] = {
		{ { [15] = 1 }, 128, 50 }, { { [10] = 0xff, [11] = 0xff }, 96, 10 }, { { 0 }, 96, 20 },
		{ { 0x20, 0x02 }, 16, 30 }, { { 0 }, 0, 40 },
	};

	return look_up(rows, a);
}

/* How far source and destination agree, for rule 9. */
static unsigned match_of(const struct sort_addr *a)
{
	unsigned bits = common_bits(a->dst, a->source);

	return is_ipv4(a->dst) && bits < a->source_bits ? 0 : bits;
}

/* Whether @a goes before @b. */
static bool goes_before(const struct sort_addr *a, const struct sort_addr *b)
{
	unsigned scope_a = scope_of(a->dst), scope_b = scope_of(b->dst), x, y;
	bool both = a->has_source && b->has_source;

	if (a->has_source != b->has_source) /* rule 1 */
		return a->has_source;
	if (both) {
		x = scope_a == scope_of(a->source); /* rule 2 */
		y = scope_b == scope_of(b->source);
		if (x != y)
			return x;
		if (a->is_deprecated != b->is_deprecated) /* rule 3 */
			return b->is_deprecated;
		x = label_of(a->dst) == label_of(a->source); /* rule 5 */
		y = label_of(b->dst) == label_of(b->source);
		if (x != y)
			return x;
	}
	x = precedence_of(a->dst); /* rule 6 */
	y = precedence_of(b->dst);
	if (x != y)
		return x > y;
	if (scope_a != scope_b) /* rule 8 */
		return scope_a < scope_b;
	return both && is_ipv4(a->dst) == is_ipv4(b->dst) && match_of(a) > match_of(b); /* rules 9 and 10 */
}

/* By insertion, which is stable: there are a few addresses only. */
void addr_sort(struct sort_addr *addrs, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct sort_addr a = addrs[i];
		size_t at = i;

		while (at > 0 && goes_before(&a, &addrs[at - 1])) {
			addrs[at] = addrs[at - 1];
			at--;
		}
		addrs[at] = a;
	}
}
