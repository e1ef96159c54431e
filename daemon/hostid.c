/* SPDX-License-Identifier: BSD-2-Clause */
#include "hostid.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SECRET_BYTES = 16, TEXT_BYTES = 2 * SECRET_BYTES };

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = c ? strchr(digits, c) : NULL;

	return p ? (int)(p - digits) : -1;
}

static int parse(const char text[TEXT_BYTES], uint8_t secret[SECRET_BYTES])
{
	for (int i = 0; i < SECRET_BYTES; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -1;
		secret[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

void hostid_secret(const char *daemon_name, uint8_t secret[16])
{
	char text[TEXT_BYTES];
	int fd = open("/etc/machine-id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (fd >= 0)
		close(fd);
	if (n != TEXT_BYTES || parse(text, secret) < 0) {
		memset(secret, 0, SECRET_BYTES);
		return;
	}
	/* Two daemons of a host on one network need addresses of their own. The key is hashed with prefix and link in any case. */
	for (size_t i = 0; daemon_name[i]; i++)
		secret[i % SECRET_BYTES] ^= (uint8_t)((uint8_t)daemon_name[i] << i / SECRET_BYTES | (uint8_t)daemon_name[i] >> (8 - i / SECRET_BYTES));
}
