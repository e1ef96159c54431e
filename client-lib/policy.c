/* SPDX-License-Identifier: BSD-2-Clause */
#include "client-lib/policy.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

/* ---- Reading rules ---- */

/* A number of digits only, 0..@max; *end is what follows it. */
static bool parse_number(const char *text, unsigned max, unsigned *value, const char **end)
{
	unsigned v = 0;

	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++) {
		v = v * 10 + (unsigned)(*text - '0');
		if (v > max)
			return false;
	}
	*value = v;
	*end = text;
	return true;
}

static const char *parse_ports(const char *text, struct policy_rule *r)
{
	static const char wrong[] = "a port is a number from 0 to 65535, or two of them with a hyphen between";
	unsigned first, last;
	const char *end;

	if (!parse_number(text, UINT16_MAX, &first, &end))
		return wrong;
	last = first;
	if (*end == '-' && !parse_number(end + 1, UINT16_MAX, &last, &end))
		return wrong;
	if (*end)
		return wrong;
	if (last < first)
		return "the second port is lower than the first";
	r->port_first = (uint16_t)first;
	r->port_last = (uint16_t)last;
	return NULL;
}

/* Every bit past the prefix is 0: "10.0.0.1/8" is more likely a mistake than a wish. */
static bool has_host_bits(const struct policy_rule *r)
{
	for (unsigned bit = r->bits; bit < 128; bit++)
		if (r->addr[bit / 8] & 0x80 >> bit % 8)
			return true;
	return false;
}

static const char *parse_prefix(char *text, struct policy_rule *r)
{
	char *slash = strchr(text, '/');
	unsigned bits, most;
	const char *end;

	if (slash)
		*slash = 0;
	if (inet_pton(AF_INET, text, r->addr + sizeof(mapped_prefix)) == 1) {
		memcpy(r->addr, mapped_prefix, sizeof(mapped_prefix));
		most = 32;
	} else if (inet_pton(AF_INET6, text, r->addr) == 1) {
		most = 128;
	} else {
		return "that is no IPv4 or IPv6 address";
	}
	bits = most;
	if (slash && (!parse_number(slash + 1, most, &bits, &end) || *end))
		return most == 32 ? "the length of an IPv4 prefix is a number from 0 to 32" :
				    "the length of an IPv6 prefix is a number from 0 to 128";
	r->bits = (uint8_t)(bits + 128 - most);
	return has_host_bits(r) ? "the address has bits set past the length of the prefix" : NULL;
}

/* Where the ports begin: behind the bracket's end, or behind the only colon. NULL: there are none. */
static char *split_ports(char *text, char **prefix, const char **wrong)
{
	char *colon = strchr(text, ':');

	*prefix = text;
	*wrong = NULL;
	if (*text == '[') {
		char *close = strchr(text, ']');

		*prefix = text + 1;
		if (!close || (close[1] && close[1] != ':')) {
			*wrong = "a bracketed prefix is [PREFIX] or [PREFIX]:PORT";
			return NULL;
		}
		*close = 0;
		return close[1] ? close + 2 : NULL;
	}
	if (!colon || strchr(colon + 1, ':'))
		return NULL;
	*colon = 0;
	return colon + 1;
}

const char *policy_parse_rule(const char *text, struct policy_rule *r)
{
	char copy[POLICY_RULE_TEXT_MAX], *prefix, *ports;
	const char *wrong;

	*r = (struct policy_rule){ .port_last = UINT16_MAX };
	if (!*text)
		return "it is empty";
	if (strlen(text) >= sizeof(copy))
		return "it is too long";
	memcpy(copy, text, strlen(text) + 1);
	ports = split_ports(copy, &prefix, &wrong);
	if (wrong)
		return wrong;
	if (ports)
		wrong = parse_ports(ports, r);
	if (wrong)
		return wrong;
	r->is_any_addr = !*prefix && ports && prefix == copy;
	return r->is_any_addr ? NULL : parse_prefix(prefix, r);
}

const char *policy_parse_list(const char *text, struct policy_list *list, char bad[POLICY_RULE_TEXT_MAX])
{
	while (*text) {
		size_t bytes = strcspn(text, ",");
		const char *wrong = "it is too long";

		snprintf(bad, POLICY_RULE_TEXT_MAX, "%.*s", (int)bytes, text);
		if (list->count == POLICY_RULES_MAX)
			return "there are more rules than 64";
		if (bytes < POLICY_RULE_TEXT_MAX)
			wrong = policy_parse_rule(bad, &list->rules[list->count]);
		if (wrong)
			return wrong;
		list->count++;
		text += bytes + (text[bytes] == ',');
	}
	return NULL;
}

/* ---- Asking ---- */

static bool has_port(const struct policy_rule *r, uint16_t port)
{
	return port >= r->port_first && port <= r->port_last;
}

static bool is_ipv4(const uint8_t addr[16])
{
	return memcmp(addr, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

static bool has_addr(const struct policy_rule *r, const uint8_t addr[16])
{
	unsigned bytes = r->bits / 8, rest = r->bits % 8;

	if (r->is_any_addr)
		return true;
	/* ::/0 would hold the mapped addresses, which are IPv4's. */
	if (is_ipv4(addr) != is_ipv4(r->addr) || memcmp(addr, r->addr, bytes) != 0)
		return false;
	return !rest || ((addr[bytes] ^ r->addr[bytes]) >> (8 - rest)) == 0;
}

static bool is_wildcard(const uint8_t addr[16])
{
	static const uint8_t zeros[16];

	return memcmp(addr, zeros, 16) == 0 || (is_ipv4(addr) && memcmp(addr + 12, zeros, 4) == 0);
}

static bool list_has(const struct policy_list *list, const struct tapir_addr *a, bool ports_only)
{
	for (size_t i = 0; i < list->count; i++)
		if (has_port(&list->rules[i], a->port) && (ports_only || has_addr(&list->rules[i], a->addr)))
			return true;
	return false;
}

bool policy_is_empty(const struct policy *p)
{
	return !p->keep.count && !p->only.count;
}

bool policy_is_host(const struct policy *p, const struct tapir_addr *a)
{
	if (list_has(&p->keep, a, false))
		return true;
	return p->only.count && !list_has(&p->only, a, is_wildcard(a->addr));
}
