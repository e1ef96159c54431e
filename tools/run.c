/* SPDX-License-Identifier: BSD-2-Clause */
/* run.c - tapir run: start a program with its sockets on the stack, by preloading libtapir-preload.so.
 * What cannot be preloaded into is refused: a program must not run on the kernel's stack while its user believes otherwise. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "client-lib/control.h"
#include "client-lib/policy.h"
#include "tools/program.h"
#include "tools/tool.h"

#ifndef TAPIR_LIBDIR
#define TAPIR_LIBDIR "/usr/local/lib"
#endif
#ifndef MULTIARCH
#define MULTIARCH "."
#endif

static const char shim_name[] = "libtapir-preload.so";

enum { OPT_KEEP = TOOL_OPT_OWN, OPT_ONLY };
enum { EXIT_CANNOT_RUN = 126, EXIT_NOT_FOUND = 127 }; /* as env(1) */

static const char run_help[] =
	"Usage: tapir run [--socket PATH] [--keep RULE] [--only RULE] [-v] [--] PROGRAM [ARGUMENT...]\n"
	"\n"
	"Run an unmodified program with its IPv4 and IPv6 sockets on the tapir stack instead of\n"
	"the kernel's. Everything else, and every program that it starts, is as always; those\n"
	"programs' sockets are on the stack too, as long as they keep the environment.\n"
	"\n"
	"It works by preloading a library (LD_PRELOAD). Programs that this cannot reach are refused:\n"
	"statically linked ones, Go programs, set-user-id ones, ones built for another C library.\n"
	"When such a program is started by the one that you run, it is on the kernel's stack.\n"
	"Names are looked up in /etc/hosts only: there is no resolver yet.\n"
	"\n"
	"Options:\n"
	"  --socket PATH  the daemon's control socket; without it $TAPIR_SOCKET, else /run/tapir/default.sock\n"
	"  --keep RULE    addresses that stay on the host's kernel; may be repeated. RULE is PREFIX[:PORT[-PORT]]:\n"
	"                 127.0.0.0/8, 192.0.2.1:80, [fd00::/8]:8000-8999, :53 (any address)\n"
	"  --only RULE    only these addresses go to the stack; may be repeated\n"
	"  -v, --verbose  say on standard error what is preloaded and which daemon answers\n"
	"  --help         this text\n"
	"\n"
	"The exit status is the program's; 69 when no daemon answers, 126 when the program cannot be run\n"
	"this way, 127 when it is not found.\n"
	"\n"
	"Examples:\n"
	"  tapir run curl http://10.77.0.1:8000/\n"
	"  tapir run --socket ./t.sock -- python3 -m http.server --bind 10.77.0.2\n"
	"  tapir run --keep 127.0.0.0/8 --keep ::1 -- ./server\n"
	"  tapir run sh -c 'curl -s http://10.77.0.1/ | sha256sum'\n";

/* ---- The shim ---- */

static int is_readable(const char *path)
{
	return access(path, R_OK) == 0;
}

/* Beside this program (build tree), in the libdir that belongs to its bindir, or where it was to be installed. */
static void find_shim(const struct tool *t, char *path, size_t room)
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
static void set_preload(const struct tool *t, const char *shim)
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

/* ---- The daemon ---- */

static void check_daemon(const struct tool *t, const char *path, struct tapir_hello *hello)
{
	char text[512];
	int fd = control_connect(path), error = fd;

	if (fd >= 0) {
		error = control_hello(fd, hello);
		close(fd);
	}
	if (error < 0)
		tool_fail(t, EX_UNAVAILABLE, "%s", control_explain(error, path, text, sizeof(text)));
}

/* The program may change its directory. */
static void set_socket(const struct tool *t, const char *path)
{
	char *absolute = *path == '/' ? strdup(path) : realpath(path, NULL);

	if (!absolute)
		tool_fail(t, EX_OSERR, "%s: %s", path, strerror(errno));
	setenv("TAPIR_SOCKET", absolute, 1);
	free(absolute);
}

/* ---- The policy ---- */

/* Add a rule to the variable that carries them to the program and all that it starts. */
static void add_rule(const struct tool *t, const char *option, const char *variable, const char *rule)
{
	const char *old = getenv(variable), *wrong;
	struct policy_list list = { .count = 0 };
	char bad[POLICY_RULE_TEXT_MAX], *all;

	if (asprintf(&all, "%s%s%s", old ? old : "", old && *old ? "," : "", rule) < 0)
		tool_fail(t, EX_OSERR, "out of memory");
	wrong = *rule ? policy_parse_list(all, &list, bad) : "it is empty";
	if (wrong)
		tool_fail(t, EX_USAGE, "%s '%s': %s; expected: PREFIX[:PORT[-PORT]], for example 127.0.0.0/8 or [fd00::/8]:80", option,
			  *rule ? bad : rule, wrong);
	setenv(variable, all, 1);
	free(all);
}

/* ---- The program ---- */

static const char *why_not(enum program_kind kind)
{
	switch (kind) {
	case PROGRAM_STATIC:
		return "is statically linked, so nothing can be preloaded into it";
	case PROGRAM_GO:
		return "is a Go program, which makes its system calls itself, past anything preloaded";
	case PROGRAM_PRIVILEGED:
		return "is set-user-id, set-group-id or has file capabilities, for which the dynamic linker ignores LD_PRELOAD";
	case PROGRAM_OTHER_LIBC:
		return "is built for another C library than tapir is (musl?)";
	case PROGRAM_FOREIGN:
		return "is built for another kind of machine than tapir is";
	default:
		return NULL;
	}
}

static int exit_status_of(int error)
{
	return error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}

static void check_program(const struct tool *t, const char *path)
{
	static struct program p;
	const char *why;

	program_inspect(path, &p);
	if (p.kind == PROGRAM_MISSING && p.error != EACCES) /* what one may run but not read cannot be looked at */
		tool_fail(t, exit_status_of(p.error), "%s%s%s: %s", path, strcmp(path, p.path) ? ": " : "",
			  strcmp(path, p.path) ? p.path : "", strerror(p.error));
	why = why_not(p.kind);
	if (why)
		tool_fail(t, EXIT_CANNOT_RUN, "%s %s; 'tapir run' cannot put it on the stack yet", p.path, why);
}

int cmd_run(int argc, char **argv)
{
	static const struct option longs[] = { { "help", no_argument, NULL, TOOL_OPT_HELP },
					       { "socket", required_argument, NULL, TOOL_OPT_SOCKET },
					       { "keep", required_argument, NULL, OPT_KEEP },
					       { "only", required_argument, NULL, OPT_ONLY },
					       { "verbose", no_argument, NULL, 'v' },
					       { 0 } };
	struct tool t = { .name = "run", .help = run_help, .shorts = "+v", .longs = longs };
	char program[4096], shim[4096];
	struct tapir_hello hello;
	const char *path;
	int is_verbose = 0, error, option;

	while ((option = tool_option(&t, argc, argv)) != -1) {
		if (option == 'v')
			is_verbose = 1;
		else if (option == OPT_KEEP)
			add_rule(&t, "--keep", POLICY_KEEP_VARIABLE, optarg);
		else if (option == OPT_ONLY)
			add_rule(&t, "--only", POLICY_ONLY_VARIABLE, optarg);
	}
	if (optind >= argc)
		tool_fail(&t, EX_USAGE, "no program given; expected: tapir run [--socket PATH] [-v] [--] PROGRAM [ARGUMENT...]");
	path = control_path(t.socket);
	check_daemon(&t, path, &hello);
	error = program_find(argv[optind], program, sizeof(program));
	if (error)
		tool_fail(&t, exit_status_of(error), "%s: %s", argv[optind], strerror(error));
	check_program(&t, program);
	find_shim(&t, shim, sizeof(shim));
	set_preload(&t, shim);
	set_socket(&t, path);
	if (is_verbose)
		fprintf(stderr, "tapir run: %s with %s; tapird '%s' %s, process %d, at %s\n", program, shim, hello.daemon,
			hello.version, (int)hello.pid, getenv("TAPIR_SOCKET"));
	execvp(argv[optind], argv + optind);
	error = errno;
	tool_fail(&t, exit_status_of(error), "%s: %s", argv[optind], strerror(error));
}
