/* SPDX-License-Identifier: BSD-2-Clause */
#include "addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

const struct ip_addr ip6_addr_any;

int ip_addr_family(const struct ip_addr *a)
{
	return ip_addr_is4(a) ? AF_INET : AF_INET6;
}

struct ip_addr ip_addr_any(int family)
{
	static const uint8_t zero[4];

	return family == AF_INET ? ip_addr_from4(zero) : ip6_addr_any;
}

bool ip_addr_is_any(const struct ip_addr *a)
{
	static const uint8_t zero[4];

	return ip_addr_is4(a) ? memcmp(ip_addr_v4(a), zero, 4) == 0 : ip_addr_eq(a, &ip6_addr_any);
}

bool ip_addr_is_loopback(const struct ip_addr *a)
{
	static const struct ip_addr loopback6 = { { [15] = 1 } };

	return ip_addr_is4(a) ? ip_addr_v4(a)[0] == 127 : ip_addr_eq(a, &loopback6);
}

bool ip_addr_is_multicast(const struct ip_addr *a)
{
	return ip_addr_is4(a) ? (ip_addr_v4(a)[0] & 0xf0) == 0xe0 : a->b[0] == 0xff;
}

bool ip_addr_is_linklocal(const struct ip_addr *a)
{
	if (ip_addr_is4(a))
		return ip_addr_v4(a)[0] == 169 && ip_addr_v4(a)[1] == 254;
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

bool ip_addr_is_broadcast(const struct ip_addr *a)
{
	static const uint8_t ones[4] = { 255, 255, 255, 255 };

	return ip_addr_is4(a) && memcmp(ip_addr_v4(a), ones, 4) == 0;
}

/* @a with every bit past @len set to @bit. */
static struct ip_addr fill_from(const struct ip_addr *a, unsigned len, bool bit)
{
	struct ip_addr out = *a;

	for (unsigned i = 0; i < 16; i++) {
		unsigned kept = len > i * 8 ? len - i * 8 : 0;
		uint8_t past = kept >= 8 ? 0 : (uint8_t)(0xff >> kept);

		out.b[i] = bit ? out.b[i] | past : out.b[i] & (uint8_t)~past;
	}
	return out;
}

struct ip_addr ip_prefix_first(const struct ip_prefix *p)
{
	return fill_from(&p->addr, p->len, false);
}

struct ip_addr ip_prefix_last(const struct ip_prefix *p)
{
	return fill_from(&p->addr, p->len, true);
}

bool ip_prefix_has(const struct ip_prefix *p, const struct ip_addr *a)
{
	unsigned whole = p->len / 8, rest = p->len % 8;

	if (memcmp(p->addr.b, a->b, whole) != 0)
		return false;
	return rest == 0 || ((p->addr.b[whole] ^ a->b[whole]) & (uint8_t)(0xff00 >> rest)) == 0;
}

int ip_addr_parse(const char *text, struct ip_addr *out)
{
	uint8_t b[16];

	if (inet_pton(AF_INET, text, b) == 1)
		*out = ip_addr_from4(b);
	else if (inet_pton(AF_INET6, text, b) == 1)
		*out = ip_addr_from6(b);
	else
		return -EINVAL;
	return 0;
}

int ip_prefix_parse(const char *text, struct ip_prefix *out)
{
	const char *slash = strchr(text, '/');
	size_t addr_len = slash ? (size_t)(slash - text) : strlen(text);
	char addr_text[IP_ADDR_TEXT_MAX];
	struct ip_prefix p;
	unsigned bits_max, bits;

	if (addr_len >= sizeof(addr_text))
		return -EINVAL;
	memcpy(addr_text, text, addr_len);
	addr_text[addr_len] = 0;
	if (ip_addr_parse(addr_text, &p.addr) < 0)
		return -EINVAL;
	bits_max = ip_addr_is4(&p.addr) ? 32 : 128;
	bits = bits_max;
	if (slash) {
		char *end;
		unsigned long v;

		if (slash[1] < '0' || slash[1] > '9')
			return -EINVAL;
		v = strtoul(slash + 1, &end, 10);
		if (*end || v > bits_max)
			return -EINVAL;
		bits = (unsigned)v;
	}
	p.len = (uint8_t)(bits + (128 - bits_max));
	*out = p;
	return 0;
}

const char *ip_addr_print(const struct ip_addr *a, char buf[IP_ADDR_TEXT_MAX])
{
	if (ip_addr_is4(a))
		return inet_ntop(AF_INET, ip_addr_v4(a), buf, IP_ADDR_TEXT_MAX);
	return inet_ntop(AF_INET6, a->b, buf, IP_ADDR_TEXT_MAX);
}

const char *ip_prefix_print(const struct ip_prefix *p, char buf[IP_PREFIX_TEXT_MAX])
{
	char addr[IP_ADDR_TEXT_MAX];
	int len = ip_addr_is4(&p->addr) && p->len >= 96 ? p->len - 96 : p->len;

	snprintf(buf, IP_PREFIX_TEXT_MAX, "%s/%d", ip_addr_print(&p->addr, addr), len);
	return buf;
}

const char *ip_endpoint_print(const struct ip_endpoint *e, char buf[IP_ENDPOINT_TEXT_MAX])
{
	char addr[IP_ADDR_TEXT_MAX];

	ip_addr_print(&e->addr, addr);
	if (ip_addr_is4(&e->addr))
		snprintf(buf, IP_ENDPOINT_TEXT_MAX, "%s:%u", addr, e->port);
	else
		snprintf(buf, IP_ENDPOINT_TEXT_MAX, "[%s]:%u", addr, e->port);
	return buf;
}
