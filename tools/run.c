/* SPDX-License-Identifier: BSD-2-Clause */
/* run.c - tapir run: start a program with its sockets on the stack, by preloading libtapir-preload.so into it, or, where that cannot
 * reach, through a seccomp filter and a supervisor (notify.h). A program for which neither does is refused: it must not run on the
 * kernel's stack while its user believes otherwise. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "client-lib/backend.h"
#include "client-lib/control.h"
#include "client-lib/host.h"
#include "client-lib/policy.h"
#include "client-lib/preload/program.h"
#include "tools/notify.h"
#include "tools/run_preload.h"
#include "tools/run_report.h"
#include "tools/tool.h"

enum { OPT_KEEP = TOOL_OPT_OWN, OPT_ONLY, OPT_MODE, OPT_ARGV0, OPT_STRICT, OPT_REPORT };
enum { EXIT_CANNOT_RUN = 126, EXIT_NOT_FOUND = 127 }; /* as env(1) */

static const char run_help[] =
	"Usage: tapir run [OPTION...] [--] PROGRAM [ARGUMENT...]\n"
	"\n"
	"Run an unmodified program with its IPv4 and IPv6 sockets on the tapir stack instead of\n"
	"the kernel's. Everything else, and every program that it starts, is as always; those\n"
	"programs' sockets are on the stack too.\n"
	"\n"
	"There are two ways, and the program file says which will do:\n"
	"  preload  a library is preloaded (LD_PRELOAD). For dynamically linked programs; the fastest.\n"
	"  notify   a seccomp filter hands the system calls that make, name and connect sockets to a\n"
	"           supervisor. For static programs, Go programs, ones built for another C library, and\n"
	"           set-user-id ones, which lose their privileges by it. It covers all that they start.\n"
	"A program that is started by a preloaded one and needs the other way gets it.\n"
	"Names are looked up in /etc/hosts only: there is no resolver yet.\n"
	"\n"
	"Options:\n"
	"  --socket PATH  the daemon's control socket; without it $TAPIR_SOCKET, else /run/tapir/default.sock\n"
	"  --mode MODE    auto (what the program needs), preload, or notify\n"
	"  --keep RULE    addresses that stay on the host's kernel; may be repeated. RULE is PREFIX[:PORT[-PORT]]:\n"
	"                 127.0.0.0/8, 192.0.2.1:80, [fd00::/8]:8000-8999, :53 (any address)\n"
	"  --only RULE    only these addresses go to the stack; may be repeated\n"
	"  --report       tell on standard error, when all is over, which socket options and flags were\n"
	"                 refused that Linux would have taken: how often, to whom, with which answer\n"
	"  --strict       tell each at once; the exit status is 70 if the program ended with 0 all the same\n"
	"  --argv0 NAME   what the program sees as its own name\n"
	"  -v, --verbose  say on standard error which way it is, why, and which daemon answers\n"
	"  --help         this text\n"
	"\n"
	"The exit status is the program's; 69 when no daemon answers, 126 when the program cannot be run\n"
	"this way, 127 when it is not found.\n"
	"\n"
	"Examples:\n"
	"  tapir run curl http://10.77.0.1:8000/\n"
	"  tapir run --socket ./t.sock -- python3 -m http.server --bind 10.77.0.2\n"
	"  tapir run --keep 127.0.0.0/8 --keep ::1 -- ./server\n"
	"  tapir run --mode=notify sh -c './static-client 10.77.0.1 && ./go-client 10.77.0.1'\n"
	"  tapir run sh -c 'curl -s http://10.77.0.1/ | sha256sum'\n";

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
	unsetenv(BACKEND_VARIABLE); /* it has no say here */
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

static int exit_status_of(int error)
{
	return error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}

static void inspect(const struct tool *t, const char *path, struct program *p)
{
	program_inspect(path, p);
	if (p->kind == PROGRAM_MISSING && p->error != EACCES) /* what one may run but not read cannot be looked at */
		tool_fail(t, exit_status_of(p->error), "%s%s%s: %s", path, strcmp(path, p->path) ? ": " : "",
			  strcmp(path, p->path) ? p->path : "", strerror(p->error));
}

/* ---- The mode ---- */

enum mode { MODE_AUTO, MODE_PRELOAD, MODE_NOTIFY };

/* Why nothing can be preloaded into such a program; NULL: it can. */
static const char *why_not_preload(enum program_kind kind)
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

static enum mode parse_mode(const struct tool *t, const char *text)
{
	static const char *const names[] = { [MODE_AUTO] = "auto", [MODE_PRELOAD] = "preload", [MODE_NOTIFY] = "notify" };

	for (int i = 0; i < (int)(sizeof(names) / sizeof(names[0])); i++)
		if (strcmp(text, names[i]) == 0)
			return (enum mode)i;
	tool_fail(t, EX_USAGE, "unknown mode '%s'; expected: auto, preload or notify", text);
}

static enum mode choose_mode(const struct tool *t, enum mode wanted, const struct program *p)
{
	const char *why = why_not_preload(p->kind);

	if (p->kind == PROGRAM_FOREIGN)
		tool_fail(t, EXIT_CANNOT_RUN, "%s %s; 'tapir run' cannot put it on the stack", p->path, why);
	if (wanted == MODE_PRELOAD && why)
		tool_fail(t, EXIT_CANNOT_RUN, "%s %s; leave --mode=preload out, or say --mode=notify", p->path, why);
	if (getenv("TAPIR_NOTIFY")) /* below a supervisor, where the shim must not be */
		return MODE_NOTIFY;
	if (wanted != MODE_AUTO)
		return wanted;
	return why ? MODE_NOTIFY : MODE_PRELOAD;
}

/* ---- Getting there ---- */

struct run {
	struct tool tool;
	enum mode mode;
	bool is_verbose;
	char *argv0;     /* what the program sees as its name, or NULL: as given */
	struct program program; /* as inspected */
	char path[4096];       /* as found */
	struct tapir_hello hello;
};

static void say_what(const struct run *r, const char *with)
{
	const char *why = why_not_preload(r->program.kind);

	if (!r->is_verbose)
		return;
	fprintf(stderr, "tapir run: %s with %s; tapird '%s' %s, process %d, at %s\n", r->path, with, r->hello.daemon,
		r->hello.version, (int)r->hello.pid, getenv("TAPIR_SOCKET"));
	if (r->mode == MODE_NOTIFY && why)
		fprintf(stderr, "tapir run: %s %s\n", r->program.path, why);
	if (r->mode == MODE_NOTIFY && r->program.kind == PROGRAM_PRIVILEGED && geteuid())
		fprintf(stderr, "tapir run: it runs without those privileges (no_new_privs)\n");
}

/* gcc's address sanitizer refuses to start behind another library, although it works there. Other programs don't look at it. */
static void add_asan_option(const struct tool *t)
{
	static const char option[] = "verify_asan_link_order=0";
	const char *old = getenv("ASAN_OPTIONS");
	char *all;

	if (old && strstr(old, option))
		return;
	if (asprintf(&all, "%s%s%s", old ? old : "", old && *old ? ":" : "", option) < 0)
		tool_fail(t, EX_OSERR, "out of memory");
	setenv("ASAN_OPTIONS", all, 1);
	free(all);
}

static void enter_preload(const struct run *r)
{
	char shim[4096], with[4200], self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	run_find_shim(&r->tool, shim, sizeof(shim));
	run_add_shim(&r->tool, shim);
	add_asan_option(&r->tool);
	/* Where the shim finds us, for a program that it cannot be preloaded into. */
	if (n > 0) {
		self[n] = 0;
		setenv("TAPIR_RUN", self, 1);
	}
	snprintf(with, sizeof(with), "%s preloaded", shim);
	say_what(r, with);
}

/* The shim, were it loaded into us, would stand between the supervisor and its sockets; and in the programs, before the filter. */
static void start_without_shim(const struct run *r, int argc, char **argv)
{
	char **again;
	int n = 0;

	if (!run_drop_shim())
		return;
	again = calloc((size_t)argc + 2, sizeof(*again));
	if (again) {
		again[n++] = strdup("tapir");
		for (int i = 0; i < argc; i++)
			again[n++] = argv[i];
		execv("/proc/self/exe", again);
	}
	tool_fail(&r->tool, EX_OSERR, "cannot start again without LD_PRELOAD: %s", strerror(errno));
}

/* Under a filter with a listener already: one of ours, which serves all below, or something else, and there can be but one. */
static void check_same_supervisor(const struct run *r)
{
	const char *socket = getenv("TAPIR_NOTIFY");

	if (!socket)
		tool_fail(&r->tool, EXIT_CANNOT_RUN, "this process is under another program's seccomp notification filter");
	if (strcmp(socket, getenv("TAPIR_SOCKET")) != 0)
		tool_fail(&r->tool, EXIT_CANNOT_RUN, "this process is on the stack at %s already, in notify mode, which cannot be left",
			  socket);
	say_what(r, "the supervisor that it is under");
}

static void enter_notify(const struct run *r)
{
	const char *what = "";
	int error = notify_enter(r->is_verbose, &what);

	if (error == -EBUSY) {
		check_same_supervisor(r);
		return;
	}
	if (error)
		tool_fail(&r->tool, EXIT_CANNOT_RUN, "cannot %s: %s", what, strerror(-error));
	setenv("TAPIR_NOTIFY", getenv("TAPIR_SOCKET"), 1);
	say_what(r, "seccomp notification");
}

static void run(struct run *r, int argc, char **argv) __attribute__((noreturn));

/* @argv: of `tapir run`; the program's begin at optind. */
static void run(struct run *r, int argc, char **argv)
{
	char **program = argv + optind;
	int error = program_find(program[0], r->path, sizeof(r->path));

	if (error)
		tool_fail(&r->tool, exit_status_of(error), "%s: %s", program[0], strerror(error));
	inspect(&r->tool, r->path, &r->program);
	r->mode = choose_mode(&r->tool, r->mode, &r->program);
	if (r->mode == MODE_NOTIFY) {
		start_without_shim(r, argc, argv);
		enter_notify(r);
	} else {
		enter_preload(r);
	}
	setenv(BACKEND_VARIABLE, BACKEND_OF_RUN, 1); /* for programs that link libtapir themselves */
	if (r->argv0)
		program[0] = r->argv0;
	execvp(r->path, program);
	error = errno;
	tool_fail(&r->tool, exit_status_of(error), "%s: %s", r->path, strerror(error));
}

int cmd_run(int argc, char **argv)
{
	static const struct option longs[] = { { "help", no_argument, NULL, TOOL_OPT_HELP },
					       { "socket", required_argument, NULL, TOOL_OPT_SOCKET },
					       { "keep", required_argument, NULL, OPT_KEEP },
					       { "only", required_argument, NULL, OPT_ONLY },
					       { "mode", required_argument, NULL, OPT_MODE },
					       { "report", no_argument, NULL, OPT_REPORT },
					       { "strict", no_argument, NULL, OPT_STRICT },
					       { "argv0", required_argument, NULL, OPT_ARGV0 },
					       { "verbose", no_argument, NULL, 'v' },
					       { 0 } };
	static struct run r = { .tool = { .name = "run", .help = run_help, .shorts = "+v", .longs = longs } };
	bool is_report = false, is_strict = false;
	const char *path;
	int option;

	while ((option = tool_option(&r.tool, argc, argv)) != -1) {
		if (option == 'v')
			r.is_verbose = true;
		else if (option == OPT_KEEP)
			add_rule(&r.tool, "--keep", POLICY_KEEP_VARIABLE, optarg);
		else if (option == OPT_ONLY)
			add_rule(&r.tool, "--only", POLICY_ONLY_VARIABLE, optarg);
		else if (option == OPT_MODE)
			r.mode = parse_mode(&r.tool, optarg);
		else if (option == OPT_ARGV0)
			r.argv0 = optarg;
		else if (option == OPT_REPORT)
			is_report = true;
		else if (option == OPT_STRICT)
			is_strict = true;
	}
	if (optind >= argc)
		tool_fail(&r.tool, EX_USAGE, "no program given; expected: tapir run [OPTION...] [--] PROGRAM [ARGUMENT...]");
	path = control_path(r.tool.socket);
	check_daemon(&r.tool, path, &r.hello);
	set_socket(&r.tool, path);
	host_read_policy_again();
	if (is_report || is_strict)
		run_watched(&r.tool, is_strict, is_report);
	run(&r, argc, argv);
}
