/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/run_report.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "client-lib/option_table.h"

enum { LOOK_AGAIN_NS = 200000000 }; /* for a child that ended just before we slept */

struct watch {
	struct report_file *file;
	char path[4096];
	bool is_strict, is_report;
	pid_t program;
	int status; /* of the program, once it has ended */
	bool has_ended;
	uint8_t told[REPORT_ENTRIES_MAX];
};

/* What signals tell; a process has one set of them. */
static volatile sig_atomic_t forwarded_to, is_interrupted;

/* ---- Text ---- */

static const struct {
	int flag;
	const char *text;
} flag_names[] = {
	{ MSG_OOB, "MSG_OOB" },		  { MSG_MORE, "MSG_MORE" },	    { MSG_ERRQUEUE, "MSG_ERRQUEUE" },
	{ MSG_FASTOPEN, "MSG_FASTOPEN" }, { MSG_ZEROCOPY, "MSG_ZEROCOPY" },
};

static void format_flags(const struct report_request *r, char *text, size_t room)
{
	size_t used = (size_t)snprintf(text, room, "%s(", r->call == REPORT_SEND ? "send" : "recv");
	const char *between = "";

	for (size_t i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]) && used < room; i++) {
		if (!(r->name & flag_names[i].flag))
			continue;
		used += (size_t)snprintf(text + used, room - used, "%s%s", between, flag_names[i].text);
		between = " | ";
	}
	if (used < room)
		snprintf(text + used, room - used, ")");
}

void run_report_request(const struct report_request *r, char *text, size_t room)
{
	const struct option_row *row = option_find(r->level, r->name);

	if (r->call == REPORT_SEND || r->call == REPORT_RECV)
		format_flags(r, text, room);
	else if (row)
		snprintf(text, room, "%s(%s, %s)", r->call == REPORT_SETSOCKOPT ? "setsockopt" : "getsockopt",
			 option_level_text(row->level), row->text);
	else
		snprintf(text, room, "%s(%d, %d)", r->call == REPORT_SETSOCKOPT ? "setsockopt" : "getsockopt", (int)r->level,
			 (int)r->name);
}

void run_report_value(const struct report_request *r, char *text, size_t room)
{
	int value;

	if (r->call != REPORT_SETSOCKOPT) {
		snprintf(text, room, "-");
	} else if (r->value_bytes == sizeof(value)) {
		memcpy(&value, r->value, sizeof(value));
		snprintf(text, room, "%d", value);
	} else {
		snprintf(text, room, "%u bytes", (unsigned)r->value_bytes);
	}
}

static const char *error_name(int error)
{
	const char *name = strerrorname_np(error);

	return name ? name : "?";
}

/* A copy, as others may write to the file: with a name that ends and prints. */
static bool read_entry(const struct report_file *f, size_t i, struct report_request *r)
{
	if (atomic_load(&f->entries[i].state) != REPORT_READY)
		return false;
	memcpy(r, &f->entries[i].request, sizeof(*r));
	r->program[sizeof(r->program) - 1] = 0;
	for (char *c = r->program; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return true;
}

static bool is_told_before(const struct report_file *f, size_t i, const struct report_request *r)
{
	struct report_request earlier;

	for (size_t j = 0; j < i; j++)
		if (read_entry(f, j, &earlier) && memcmp(&earlier, r, sizeof(*r)) == 0)
			return true;
	return false;
}

static void tell_new(struct watch *w)
{
	struct report_request r;
	char text[128];

	for (size_t i = 0; w->is_strict && i < REPORT_ENTRIES_MAX; i++) {
		if (w->told[i] || !read_entry(w->file, i, &r))
			continue;
		w->told[i] = 1;
		if (is_told_before(w->file, i, &r))
			continue;
		run_report_request(&r, text, sizeof(text));
		fprintf(stderr, "tapir: %s[%d]: %s: refused with %s\n", r.program, (int)w->file->entries[i].pid, text,
			error_name(r.error));
	}
}

/* Of this request altogether: two that raced may have made two entries of it. */
static uint64_t sum_of(const struct report_file *f, const struct report_request *r)
{
	struct report_request other;
	uint64_t sum = 0;

	for (size_t i = 0; i < REPORT_ENTRIES_MAX; i++)
		if (read_entry(f, i, &other) && memcmp(&other, r, sizeof(*r)) == 0)
			sum += atomic_load(&f->entries[i].count);
	return sum;
}

/* Returns how many kinds there are. */
static unsigned tell_all(const struct watch *w)
{
	uint32_t overflow = atomic_load(&w->file->overflow);
	struct report_request r;
	char request[128], value[32];
	unsigned kinds = 0;

	for (size_t i = 0; i < REPORT_ENTRIES_MAX; i++) {
		if (!read_entry(w->file, i, &r) || is_told_before(w->file, i, &r))
			continue;
		if (w->is_report && kinds == 0)
			fprintf(stderr, "tapir run: refused, though Linux would have done it:\n%8s  %-15s  %-48s %-12s %s\n", "count",
				"program", "request", "value", "answer");
		kinds++;
		run_report_request(&r, request, sizeof(request));
		run_report_value(&r, value, sizeof(value));
		if (w->is_report)
			fprintf(stderr, "%8llu  %-15s  %-48s %-12s %s\n", (unsigned long long)sum_of(w->file, &r), r.program, request,
				value, error_name(r.error));
	}
	if (w->is_report && overflow)
		fprintf(stderr, "%8u  more, for which there was no room\n", (unsigned)overflow);
	if (w->is_report && kinds == 0)
		fprintf(stderr, "tapir run: nothing was refused that Linux would have done\n");
	return kinds;
}

/* ---- Waiting ---- */

static void on_signal(int number)
{
	if (number == SIGCHLD)
		return; /* only to wake us */
	is_interrupted = 1;
	if (number != SIGINT && number != SIGQUIT && forwarded_to > 0) /* those the terminal sends to everybody */
		kill((pid_t)forwarded_to, number);
}

static void catch_signals(void)
{
	static const int numbers[] = { SIGCHLD, SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 };
	struct sigaction action = { .sa_handler = on_signal };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &action, NULL);
}

/* Whether somebody is left to wait for. */
static bool reap(struct watch *w)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != w->program)
			continue;
		w->status = status;
		w->has_ended = true;
		forwarded_to = 0;
		is_interrupted = 0;
	}
	return pid == 0;
}

static void __attribute__((noreturn)) end(const struct watch *w, unsigned kinds)
{
	struct rlimit no_core = { 0, 0 };

	unlink(w->path);
	if (w->has_ended && WIFSIGNALED(w->status)) { /* as it would look without us */
		setrlimit(RLIMIT_CORE, &no_core);
		signal(WTERMSIG(w->status), SIG_DFL);
		raise(WTERMSIG(w->status));
	}
	if (w->has_ended && WEXITSTATUS(w->status))
		exit(WEXITSTATUS(w->status));
	exit(w->is_strict && kinds ? EXIT_REFUSED : 0);
}

static void __attribute__((noreturn)) watch(struct watch *w)
{
	struct timespec look_again = { .tv_nsec = LOOK_AGAIN_NS };

	for (;;) {
		uint32_t events = atomic_load(&w->file->events);
		bool some_are_left = reap(w);

		tell_new(w);
		if (!some_are_left || (w->has_ended && is_interrupted))
			end(w, tell_all(w));
		syscall(SYS_futex, &w->file->events, FUTEX_WAIT, events, &look_again, NULL, 0);
	}
}

void run_watched(const struct tool *t, bool is_strict, bool is_report)
{
	static struct watch w;

	w.is_strict = is_strict;
	w.is_report = is_report;
	w.file = report_create(w.path, sizeof(w.path));
	if (!w.file)
		tool_fail(t, EX_OSERR, "cannot make %s: %s", w.path, strerror(errno));
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	catch_signals();
	w.program = fork();
	if (w.program < 0) {
		unlink(w.path);
		tool_fail(t, EX_OSERR, "cannot fork: %s", strerror(errno));
	}
	if (w.program > 0) {
		forwarded_to = w.program;
		watch(&w);
	}
	for (int number = 1; number < SIGRTMIN; number++) { /* handlers go with exec; not before */
		struct sigaction action;

		if (sigaction(number, NULL, &action) == 0 && action.sa_handler == on_signal)
			signal(number, SIG_DFL);
	}
}
