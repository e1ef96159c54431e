/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

const char *text_addr(const struct tapir_addr *a, char buf[TEXT_ADDR_MAX])
{
	const char *s = NULL;

	if (a->family == AF_INET)
		s = inet_ntop(AF_INET, a->addr + 12, buf, TEXT_ADDR_MAX);
	else if (a->family == AF_INET6)
		s = inet_ntop(AF_INET6, a->addr, buf, TEXT_ADDR_MAX);
	if (!s)
		snprintf(buf, TEXT_ADDR_MAX, "-");
	return buf;
}

bool text_addr_is_any(const struct tapir_addr *a)
{
	static const uint8_t zero[16];

	if (a->family == AF_INET)
		return memcmp(a->addr + 12, zero, 4) == 0;
	return memcmp(a->addr, zero, 16) == 0;
}

const char *text_mac(const uint8_t mac[6], char buf[TEXT_SHORT_MAX])
{
	snprintf(buf, TEXT_SHORT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return buf;
}

const char *text_timer(uint32_t ms, char buf[TEXT_SHORT_MAX])
{
	uint32_t s = ms / 1000, min = s / 60;

	if (min > 9)
		snprintf(buf, TEXT_SHORT_MAX, "%umin", min);
	else if (min)
		snprintf(buf, TEXT_SHORT_MAX, "%umin%usec", min, s % 60);
	else if (s > 9 || (s && ms % 1000 == 0))
		snprintf(buf, TEXT_SHORT_MAX, "%usec", s);
	else if (s)
		snprintf(buf, TEXT_SHORT_MAX, "%u.%03usec", s, ms % 1000);
	else
		snprintf(buf, TEXT_SHORT_MAX, "%ums", ms);
	return buf;
}

const char *text_age(uint64_t ms, char buf[TEXT_SHORT_MAX])
{
	unsigned long long s = ms / 1000, m = s / 60, h = m / 60;

	if (!s)
		snprintf(buf, TEXT_SHORT_MAX, "%llums", (unsigned long long)ms);
	else if (!m)
		snprintf(buf, TEXT_SHORT_MAX, "%llu.%llus", s, (unsigned long long)ms % 1000 / 100);
	else if (!h)
		snprintf(buf, TEXT_SHORT_MAX, "%llum%llus", m, s % 60);
	else if (h < 24)
		snprintf(buf, TEXT_SHORT_MAX, "%lluh%llum", h, m % 60);
	else
		snprintf(buf, TEXT_SHORT_MAX, "%llud%lluh", h / 24, h % 24);
	return buf;
}

const char *text_rate(double bps, bool exact, char buf[TEXT_SHORT_MAX])
{
	static const struct {
		double unit;
		const char *name;
	} units[] = { { 1e12, "T" }, { 1e9, "G" }, { 1e6, "M" }, { 1e3, "K" } };

	if (exact) {
		snprintf(buf, TEXT_SHORT_MAX, "%.0f", bps);
		return buf;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (bps >= units[i].unit) {
			snprintf(buf, TEXT_SHORT_MAX, "%.3g%s", bps / units[i].unit, units[i].name);
			return buf;
		}
	snprintf(buf, TEXT_SHORT_MAX, "%.0f", bps);
	return buf;
}

const char *text_field(const char *field, size_t field_bytes, char *buf, size_t room)
{
	size_t n = 0;

	while (n < field_bytes && n + 1 < room && field[n]) {
		unsigned char c = (unsigned char)field[n];

		buf[n++] = c < 0x20 || c == 0x7f ? '?' : (char)c;
	}
	buf[n] = 0;
	return buf;
}
