/* SPDX-License-Identifier: BSD-2-Clause */
/* log.h - one line on standard error for each event worth an operator's time.
 * Promises: a line is written with one write(2); under systemd's journal it carries its level ("<4>") instead of a name.
 * What a peer or a client can provoke goes through log_limited(), which lets bursts through, then one line a second, and says how
 * many it kept back. Never: logs payload, secrets, or anything per packet. */
#ifndef TAPIR_DAEMON_LOG_H
#define TAPIR_DAEMON_LOG_H

#include <stdbool.h>
#include <stdint.h>

/* The numbers are syslog's. */
enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

struct log {
	enum log_level level; /* what is less important is not written */
	bool is_journal;
	char name[64]; /* "tapird[default]" */
	uint64_t now_us;
	/* The bucket of log_limited(). */
	uint32_t tokens;
	uint64_t refilled_us;
	uint64_t kept_back;
};

/* Levels by name: "error", "warning", "info", "debug". Returns 0 or -EINVAL. */
int log_level_parse(const char *text, enum log_level *level);

void log_init(struct log *log);
void log_set_name(struct log *log, const char *daemon_name);
void log_line(struct log *log, enum log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));
void log_limited(struct log *log, enum log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
