/* SPDX-License-Identifier: BSD-2-Clause */
#include "lease.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 4096, LINE_MAX_BYTES = 80 };

int lease_open(struct lease_file *f, const char *socket)
{
	size_t n = strlen(socket);
	char path[128];

	if (n > 5 && strcmp(socket + n - 5, ".sock") == 0)
		n -= 5;
	snprintf(path, sizeof(path), "%.*s.lease", (int)n, socket);
	f->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	f->is_open = f->fd >= 0;
	return f->is_open ? 0 : -errno;
}

void lease_close(struct lease_file *f)
{
	if (f->is_open)
		close(f->fd);
	f->is_open = false;
}

bool lease_find(const struct lease_file *f, const char *tap, struct ip_addr *addr)
{
	char text[FILE_BYTES_MAX + 1], *line, *rest = text;
	size_t name_len = strlen(tap);
	ssize_t n;

	n = f->is_open ? pread(f->fd, text, FILE_BYTES_MAX, 0) : 0;
	if (n <= 0)
		return false;
	text[n] = '\0';
	while ((line = strsep(&rest, "\n")))
		if (strncmp(line, tap, name_len) == 0 && line[name_len] == ' ')
			return ip_addr_parse(line + name_len + 1, addr) == 0 && ip_addr_is4(addr);
	return false;
}

void lease_save(const struct lease_file *f, const struct lease_entry *entries, int count)
{
	char text[FILE_BYTES_MAX], addr[IP_ADDR_TEXT_MAX];
	size_t n = 0;

	for (int i = 0; i < count && n < sizeof(text) - LINE_MAX_BYTES; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s %s\n", entries[i].tap, ip_addr_print(&entries[i].addr, addr));
	if (f->is_open && pwrite(f->fd, text, n, 0) == (ssize_t)n)
		(void)!ftruncate(f->fd, (off_t)n);
}
