/* SPDX-License-Identifier: BSD-2-Clause */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BURST_LINES = 10, REFILL_US = 1000000, LINE_MAX_BYTES = 1024 };

int log_level_parse(const char *text, enum log_level *level)
{
	static const struct {
		const char *name;
		enum log_level level;
	} names[] = {
		{ "error", LOG_LEVEL_ERROR },
		{ "warning", LOG_LEVEL_WARNING },
		{ "info", LOG_LEVEL_INFO },
		{ "debug", LOG_LEVEL_DEBUG },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i].name) == 0) {
			*level = names[i].level;
			return 0;
		}
	}
	return -EINVAL;
}

/* Whether standard error goes to systemd's journal: JOURNAL_STREAM is its device and inode (systemd.exec(5)). */
static bool stderr_is_journal(void)
{
	const char *text = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return text && sscanf(text, "%llu:%llu", &dev, &ino) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
	       st.st_dev == (dev_t)dev && st.st_ino == (ino_t)ino;
}

void log_init(struct log *log)
{
	*log = (struct log){ .level = LOG_LEVEL_INFO, .is_journal = stderr_is_journal(), .tokens = BURST_LINES };
	snprintf(log->name, sizeof(log->name), "tapird");
}

void log_set_name(struct log *log, const char *daemon_name)
{
	snprintf(log->name, sizeof(log->name), "tapird[%s]", daemon_name);
}

static void log_write(const struct log *log, enum log_level level, const char *format, va_list args)
{
	char line[LINE_MAX_BYTES];
	int n, m;

	if (log->is_journal)
		n = snprintf(line, sizeof(line), "<%d>", level);
	else
		n = snprintf(line, sizeof(line), "%s: %s", log->name, level == LOG_LEVEL_ERROR ? "error: " :
			     level == LOG_LEVEL_WARNING ? "warning: " : "");
	m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, args);
	if (m < 0)
		return;
	n += m;
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return; /* nobody reads the log: there is no better place to say so */
}

void log_line(struct log *log, enum log_level level, const char *format, ...)
{
	va_list args;

	if (level > log->level)
		return;
	va_start(args, format);
	log_write(log, level, format, args);
	va_end(args);
}

static void log_refill(struct log *log)
{
	uint64_t lines = (log->now_us - log->refilled_us) / REFILL_US;

	if (lines == 0)
		return;
	log->refilled_us += lines * REFILL_US;
	log->tokens = lines + log->tokens > BURST_LINES ? BURST_LINES : log->tokens + (uint32_t)lines;
}

void log_limited(struct log *log, enum log_level level, const char *format, ...)
{
	va_list args;

	if (level > log->level)
		return;
	log_refill(log);
	if (log->tokens == 0) {
		log->kept_back++;
		return;
	}
	log->tokens--;
	if (log->kept_back) {
		log_line(log, level, "%llu lines of this kind were kept back", (unsigned long long)log->kept_back);
		log->kept_back = 0;
	}
	va_start(args, format);
	log_write(log, level, format, args);
	va_end(args);
}
