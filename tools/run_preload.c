/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/run_preload.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#ifndef TAPIR_LIBDIR
#define TAPIR_LIBDIR "/usr/local/lib"
#endif
#ifndef MULTIARCH
#define MULTIARCH "."
#endif

static const char shim_name[] = "libtapir-preload.so";

static bool is_readable(const char *path)
{
	return access(path, R_OK) == 0;
}

/* Beside this program (build tree), in the libdir that belongs to its bindir, or where it was to be installed. */
void run_find_shim(const struct tool *t, char *path, size_t room)
{
	static const char *const places[] = { "", "../lib/", "../lib/" MULTIARCH "/", "../lib64/" };
	char dir[3072], *slash;
	ssize_t n = readlink("/proc/self/exe", dir, sizeof(dir) - 1);

	dir[n > 0 ? n : 0] = 0;
	slash = strrchr(dir, '/');
	if (slash) {
		slash[1] = 0;
		for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
			snprintf(path, room, "%s%s%s", dir, places[i], shim_name);
			if (is_readable(path))
				return;
		}
	}
	snprintf(path, room, "%s/%s", TAPIR_LIBDIR, shim_name);
	if (!is_readable(path))
		tool_fail(t, EX_UNAVAILABLE, "%s is neither beside %s nor in %s; is tapir installed whole?", shim_name,
			  *dir ? dir : "this program", TAPIR_LIBDIR);
}

/* LD_PRELOAD with the shim behind what is there. The dynamic linker separates at blanks and colons and knows no quoting. */
void run_add_shim(const struct tool *t, const char *shim)
{
	const char *old = getenv("LD_PRELOAD");
	char *all;

	if (strpbrk(shim, " :"))
		tool_fail(t, EX_CONFIG, "LD_PRELOAD cannot hold a path with a blank or a colon; move %s elsewhere", shim);
	if (!old || !*old) {
		setenv("LD_PRELOAD", shim, 1);
		return;
	}
	if (strstr(old, shim))
		return;
	if (asprintf(&all, "%s:%s", old, shim) < 0)
		tool_fail(t, EX_OSERR, "out of memory");
	setenv("LD_PRELOAD", all, 1);
	free(all);
}

/* Whether the @n bytes at @path name the shim, in whatever directory. */
static bool is_shim(const char *path, size_t n)
{
	size_t name = sizeof(shim_name) - 1;

	return n >= name && memcmp(path + n - name, shim_name, name) == 0 && (n == name || path[n - name - 1] == '/');
}

bool run_drop_shim(void)
{
	const char *old = getenv("LD_PRELOAD");
	char *left;
	size_t kept = 0;
	bool was_there = false;

	if (!old)
		return false;
	left = calloc(1, strlen(old) + 1);
	if (!left)
		return false;
	for (const char *at = old; *at;) {
		size_t n = strcspn(at, " :");

		if (is_shim(at, n)) {
			was_there = true;
		} else if (n) {
			if (kept)
				left[kept++] = ':';
			memcpy(left + kept, at, n);
			kept += n;
		}
		at += n;
		at += strspn(at, " :");
	}
	if (kept)
		setenv("LD_PRELOAD", left, 1);
	else
		unsetenv("LD_PRELOAD");
	free(left);
	return was_there;
}
