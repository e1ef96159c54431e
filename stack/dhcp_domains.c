/* SPDX-License-Identifier: BSD-2-Clause */
#include "dhcp_domains.h"

#include <string.h>

enum { LABEL_MAX = 63, POINTER = 0xc0 };

bool dhcp_is_name_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

struct reader {
	const uint8_t *option;
	size_t len;
	bool has_pointers;
};

static bool append_label(char *to, size_t *used, const uint8_t *label, uint8_t n)
{
	if (*used + n + 2 > DHCP_DOMAIN_MAX)
		return false;
	for (uint8_t i = 0; i < n; i++)
		if (!dhcp_is_name_byte(label[i]))
			return false;
	if (*used > 0)
		to[(*used)++] = '.';
	memcpy(to + *used, label, n);
	*used += n;
	return true;
}

/* The name at *@at, which is moved behind it. @seen: where the latest jump came from; the next one must lead before that. */
static bool read_name(const struct reader *r, size_t *at, char to[DHCP_DOMAIN_MAX])
{
	size_t here = *at, seen = *at, used = 0;
	bool has_jumped = false;

	while (here < r->len && r->option[here] != 0) {
		uint8_t n = r->option[here];

		if (n <= LABEL_MAX) {
			if (n > r->len - here - 1 || !append_label(to, &used, r->option + here + 1, n))
				return false;
			here += 1u + n;
			continue;
		}
		if (n < POINTER || !r->has_pointers || here + 1 == r->len)
			return false;
		if (!has_jumped)
			*at = here + 2;
		has_jumped = true;
		here = (size_t)(n & ~POINTER) << 8 | r->option[here + 1];
		if (here >= seen)
			return false;
		seen = here;
	}
	if (here >= r->len)
		return false;
	if (!has_jumped)
		*at = here + 1;
	to[used] = '\0';
	return true;
}

void dhcp_read_domains(const uint8_t *option, size_t len, bool has_pointers, struct dhcp_domains *to)
{
	struct reader r = { option, len, has_pointers };
	size_t at = 0;

	to->count = 0;
	while (at < len && to->count < DHCP_DOMAINS_MAX) {
		char *name = to->name[to->count];

		if (!read_name(&r, &at, name))
			return;
		if (name[0])
			to->count++;
	}
}
