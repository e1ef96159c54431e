/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/query.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "client-lib/control.h"

/* An answer that is no answer: the connection broke, or the daemon refused. */
static void __attribute__((noreturn)) fail(const struct query *q, int error)
{
	char text[512];

	switch (error) {
	case -EPERM:
		tool_fail(q->tool, EX_NOPERM,
			  "the daemon at %s refuses: only the superuser and the user who started tapird may do this",
			  q->path);
	case -ENETDOWN:
		tool_fail(q->tool, EX_UNAVAILABLE, "the daemon at %s went away", q->path);
	case -EPROTO:
	case -EPROTONOSUPPORT:
		tool_fail(q->tool, EX_PROTOCOL, "%s", control_explain(error, q->path, text, sizeof(text)));
	default:
		tool_fail(q->tool, EX_UNAVAILABLE, "the daemon at %s refuses: %s", q->path, strerror(-error));
	}
}

struct query query_open(const struct tool *t)
{
	struct query q = { .tool = t, .path = control_path(t->socket) };
	struct tapir_hello hello;
	char text[512];
	int err;

	q.fd = control_connect(q.path);
	if (q.fd == -ENETDOWN)
		tool_fail(t, EX_UNAVAILABLE,
			  "no daemon answers at %s; start one (tapird --addr 10.77.0.2/24 --host-addr 10.77.0.1/24), "
			  "or say where it is with --socket PATH or TAPIR_SOCKET", q.path);
	if (q.fd < 0)
		tool_fail(t, q.fd == -EACCES ? EX_NOPERM : EX_UNAVAILABLE, "%s",
			  control_explain(q.fd, q.path, text, sizeof(text)));
	err = control_hello(q.fd, &hello);
	if (err)
		tool_fail(t, err == -ENETDOWN ? EX_UNAVAILABLE : EX_PROTOCOL, "%s",
			  control_explain(err, q.path, text, sizeof(text)));
	return q;
}

void query_close(struct query *q)
{
	close(q->fd);
	q->fd = -1;
}

struct records {
	uint8_t *at;
	size_t count, room;
	size_t record_bytes; /* of this program's struct */
};

static void records_reserve(const struct query *q, struct records *r, size_t more)
{
	if (r->count + more <= r->room)
		return;
	r->room = r->room * 2 > r->count + more ? r->room * 2 : r->count + more;
	r->at = realloc(r->at, r->room * r->record_bytes);
	if (!r->at)
		tool_fail(q->tool, EX_OSERR, "out of memory for %zu records", r->room);
}

/* Take the records behind a tapir_dump_rep. Returns whether further messages follow. */
static bool records_take(const struct query *q, struct records *r, enum tapir_dump what, const uint8_t *body, size_t n)
{
	struct tapir_dump_rep rep;
	size_t common;

	if (n < sizeof(rep))
		fail(q, -EPROTO);
	memcpy(&rep, body, sizeof(rep));
	if (rep.what != what || (uint64_t)rep.record_bytes * rep.record_count != n - sizeof(rep))
		fail(q, -EPROTO);
	common = rep.record_bytes < r->record_bytes ? rep.record_bytes : r->record_bytes;
	records_reserve(q, r, rep.record_count);
	for (uint32_t i = 0; i < rep.record_count; i++) {
		uint8_t *to = r->at + r->count++ * r->record_bytes;

		memset(to, 0, r->record_bytes);
		memcpy(to, body + sizeof(rep) + (size_t)i * rep.record_bytes, common);
	}
	return !rep.is_last;
}

void *query_dump(struct query *q, enum tapir_dump what, size_t record_bytes, size_t *count)
{
	struct tapir_dump_req req = { .what = what };
	struct records r = { .record_bytes = record_bytes };
	static const uint32_t seq = 1;
	uint8_t *body = malloc(TAPIR_MESSAGE_MAX);
	struct control_failure failure;
	ssize_t n;
	int err;

	if (!body)
		tool_fail(q->tool, EX_OSERR, "out of memory");
	records_reserve(q, &r, 16);
	err = control_send(q->fd, TAPIR_OP_DUMP, seq, &req, sizeof(req), -1);
	if (err)
		fail(q, err);
	do {
		n = control_recv(q->fd, TAPIR_OP_DUMP, seq, body, TAPIR_MESSAGE_MAX, NULL, &failure);
		if (n < 0)
			fail(q, (int)n);
	} while (records_take(q, &r, what, body, (size_t)n));
	free(body);
	*count = r.count;
	return r.at;
}

int query_tunable(struct query *q, enum tapir_op op, struct tapir_tunable *tunable)
{
	struct control_failure failure = { 0 };
	struct tapir_tunable answer = { 0 };
	static const uint32_t seq = 1;
	ssize_t n;
	int err;

	err = control_send(q->fd, op, seq, tunable, sizeof(*tunable), -1);
	if (err)
		fail(q, err);
	n = control_recv(q->fd, op, seq, &answer, sizeof(answer), NULL, &failure);
	if (n < 0 && !(failure.is_answer && (n == -ENOENT || n == -EINVAL)))
		fail(q, (int)n);
	if ((n < 0 ? failure.body_bytes : (size_t)n) == sizeof(answer))
		*tunable = answer;
	else
		tunable->text[0] = 0;
	return n < 0 ? (int)-n : 0;
}

int query_change(struct query *q, enum tapir_op op, struct tapir_change *change)
{
	struct control_failure failure = { 0 };
	struct tapir_change answer = { 0 };
	static const uint32_t seq = 1;
	ssize_t n;
	int err = control_send(q->fd, op, seq, change, op == TAPIR_OP_CHANGE ? sizeof(*change) : 0, -1);

	if (err)
		fail(q, err);
	n = control_recv(q->fd, op, seq, &answer, sizeof(answer), NULL, &failure);
	if (n < 0 && (!failure.is_answer || n == -EPERM || n == -ENOSYS))
		fail(q, (int)n);
	change->text[0] = 0;
	if ((n < 0 ? failure.body_bytes : (size_t)n) == sizeof(answer)) {
		memcpy(change->text, answer.text, sizeof(change->text));
		change->text[sizeof(change->text) - 1] = 0;
	}
	return n < 0 ? (int)-n : 0;
}

int query_route(struct query *q, const struct tapir_route_req *req, struct tapir_route_rec *rec)
{
	struct control_failure failure = { 0 };
	static const uint32_t seq = 1;
	ssize_t n;
	int err = control_send(q->fd, TAPIR_OP_ROUTE, seq, req, sizeof(*req), -1);

	if (err)
		fail(q, err);
	n = control_recv(q->fd, TAPIR_OP_ROUTE, seq, rec, sizeof(*rec), NULL, &failure);
	if (n < 0 && (!failure.is_answer || n == -ENOSYS))
		fail(q, (int)n);
	return n < 0 ? (int)-n : 0;
}

int query_capture(struct query *q, uint32_t snap_bytes)
{
	struct tapir_capture_req req = { .snap_bytes = snap_bytes };
	int fd = -1;
	ssize_t n = control_call(q->fd, TAPIR_OP_CAPTURE, &req, sizeof(req), -1, NULL, 0, &fd);

	if (n < 0)
		fail(q, (int)n);
	if (fd < 0)
		fail(q, -EPROTO);
	return fd;
}
