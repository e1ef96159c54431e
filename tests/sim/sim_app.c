/* SPDX-License-Identifier: BSD-2-Clause */
#include "sim_app.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "stack/core.h"

/* Nothing may move for at most this long: retransmission time-outs back off to two minutes. */
static const uint64_t SIM_STALL_US = 600 * 1000000ull;
/* TIME-WAIT, FIN-WAIT-2 and the last retransmissions are over by then. */
static const uint64_t LINGER_US = 1200 * 1000000ull;

enum { IOV_MAX_ = 8, READ_MAX = 65536 };

struct end {
	struct end *next;
	struct sim_host *host;
	struct sock *s; /* NULL: closed by us */
	bool is_client, is_connected, is_shut, saw_eof, has_aborted;
	uint64_t sent, received;
	uint64_t read_at_us, write_at_us;
	uint16_t client_port;
};

struct app {
	const struct sim_script *script;
	struct sim *sim;
	int family;
	struct end *ends;
	struct sock *listener;
	unsigned opened, closed;   /* clients' ends */
	unsigned accepted, server_closed;
	uint64_t progress;
	bool done;
};

/* ---- The bytes ------------------------------------------------------------------------------------------------------ */

static uint8_t byte_at(const struct end *e, bool from_client, uint64_t at)
{
	uint32_t word = (uint32_t)(at / 4) * 2654435761u + e->client_port * 40503u + from_client;

	return (uint8_t)((word ^ word >> 15) >> 8 * (at % 4));
}

static void write_bytes(const struct end *e, uint8_t *to, size_t n, uint64_t at)
{
	for (size_t i = 0; i < n; i++)
		to[i] = byte_at(e, e->is_client, at + i);
}

static void check_bytes(struct app *a, const struct end *e, const uint8_t *data, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (data[i] != byte_at(e, !e->is_client, e->received + i)) {
			sim_wrong(a->sim, "host %u: byte %llu of the stream is wrong", e->host->index,
				  (unsigned long long)(e->received + i));
			return;
		}
	}
}

/* ---- What the script says ------------------------------------------------------------------------------------------- */

static uint64_t total_to_send(const struct app *a, const struct end *e)
{
	return e->is_client ? a->script->client_bytes : a->script->server_bytes;
}

static uint64_t total_to_receive(const struct app *a, const struct end *e)
{
	return e->is_client ? a->script->server_bytes : a->script->client_bytes;
}

/* How many bytes of its stream the end may have sent by now. */
static uint64_t may_send(const struct app *a, const struct end *e)
{
	const struct sim_script *s = a->script;
	uint64_t total = total_to_send(a, e), turns;

	if (s->request > 0) {
		turns = e->is_client ? e->received / s->response + 1 : e->received / s->request;
		turns *= e->is_client ? s->request : s->response;
		return turns < total ? turns : total;
	}
	return !e->is_client && s->half_close && !e->saw_eof ? 0 : total;
}

static bool wants_to_abort(const struct app *a, const struct end *e)
{
	uint32_t at = e->is_client ? a->script->client_abort_at : a->script->server_abort_at;

	return at > 0 && e->sent + e->received >= at;
}

static bool has_aborts(const struct app *a)
{
	return a->script->client_abort_at > 0 || a->script->server_abort_at > 0;
}

/* ---- One end -------------------------------------------------------------------------------------------------------- */

static struct end *end_new(struct app *a, struct sim_host *host, struct sock *s, bool is_client)
{
	struct end *e = calloc(1, sizeof(*e));
	int on = 1, seconds = 5;

	if (!e)
		bed_fatal("out of memory");
	e->next = a->ends;
	a->ends = e;
	e->host = host;
	e->s = s;
	e->is_client = is_client;
	sock_set_user(s, e);
	if (a->script->nodelay)
		sock_setopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on), a->sim->now_us);
	if (has_aborts(a)) { /* a lost reset is noticed in the end */
		sock_setopt(s, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on), a->sim->now_us);
		sock_setopt(s, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof(seconds), a->sim->now_us);
		sock_setopt(s, IPPROTO_TCP, TCP_KEEPINTVL, &seconds, sizeof(seconds), a->sim->now_us);
	}
	return e;
}

static void open_client(struct app *a)
{
	struct sim_host *host = &a->sim->host[0];
	struct ip_endpoint to = sim_endpoint(&a->sim->host[1], a->family, SIM_PORT), local;
	struct end *e;
	struct sock *s;
	int err;

	s = sock_open(host->st, a->family, SOCK_STREAM, 0, &err);
	if (!s) {
		sim_wrong(a->sim, "socket: %s", strerror(-err));
		return;
	}
	e = end_new(a, host, s, true);
	err = sock_connect(s, &to, a->sim->now_us);
	if (err != -EINPROGRESS && err != 0)
		sim_wrong(a->sim, "connect: %s", strerror(-err));
	sock_getname(s, &local);
	e->client_port = local.port;
	a->opened++;
}

static void end_close(struct app *a, struct end *e, bool abort)
{
	if (abort) {
		e->has_aborted = true;
		sock_abort(e->s, a->sim->now_us);
	} else {
		sock_close(e->s, a->sim->now_us);
	}
	e->s = NULL;
	a->progress++;
	if (e->is_client)
		a->closed++;
	else
		a->server_closed++;
	if (e->is_client && a->opened < (a->script->connections ? a->script->connections : 1))
		open_client(a);
}

/* @error: positive errno, as a call told it; 0: SO_ERROR has it. */
static void end_error(struct app *a, struct end *e, int error)
{
	size_t len = sizeof(error);

	if (error == 0)
		sock_getopt(e->s, SOL_SOCKET, SO_ERROR, &error, &len, a->sim->now_us);
	if (!has_aborts(a))
		sim_wrong(a->sim, "host %u: connection from port %u failed: %s after %llu bytes sent, %llu received", e->host->index,
			  e->client_port, strerror(error), (unsigned long long)e->sent, (unsigned long long)e->received);
	else if (error != ECONNRESET && error != EPIPE && error != ETIMEDOUT && error != 0)
		sim_wrong(a->sim, "host %u: %s instead of a reset", e->host->index, strerror(error));
	end_close(a, e, false);
}

static void took(struct app *a, struct end *e, size_t n)
{
	e->received += n;
	a->progress += n;
	if (e->received > total_to_receive(a, e))
		sim_wrong(a->sim, "host %u received %llu bytes too many", e->host->index,
			  (unsigned long long)(e->received - total_to_receive(a, e)));
}

static void end_eof(struct app *a, struct end *e)
{
	if (e->saw_eof)
		return;
	e->saw_eof = true;
	a->progress++;
	if (e->received != total_to_receive(a, e) && !has_aborts(a))
		sim_wrong(a->sim, "host %u: the stream ended after %llu of %llu bytes", e->host->index,
			  (unsigned long long)e->received, (unsigned long long)total_to_receive(a, e));
}

/* Half of the ends read like the daemon, in place, the others with sock_recv(). */
static ssize_t read_some(struct app *a, struct end *e, size_t max)
{
	static uint8_t data[READ_MAX];
	struct iovec iov[IOV_MAX_];
	size_t n, left;
	ssize_t got;
	int iovcnt;

	if (e->client_port % 2) {
		got = sock_recv(e->s, data, max, 0, a->sim->now_us);
		if (got > 0) {
			check_bytes(a, e, data, (size_t)got);
			took(a, e, (size_t)got);
		}
		return got;
	}
	n = sock_recv_peek(e->s, iov, IOV_MAX_, &iovcnt);
	if (n == 0)
		return sock_recv(e->s, data, max, 0, a->sim->now_us); /* end, error, or nothing */
	if (n > max)
		n = max;
	left = n;
	for (int i = 0; i < iovcnt && left > 0; i++) {
		size_t take = iov[i].iov_len < left ? iov[i].iov_len : left;

		check_bytes(a, e, iov[i].iov_base, take);
		took(a, e, take);
		left -= take;
	}
	sock_recv_done(e->s, n, a->sim->now_us);
	return (ssize_t)n;
}

static void end_read(struct app *a, struct end *e)
{
	const struct sim_script *script = a->script;
	bool is_slow = !e->is_client && script->read_interval_us > 0;
	uint64_t taken = 0;
	ssize_t got;

	if (is_slow && a->sim->now_us < e->read_at_us)
		return;
	while (e->s && !e->saw_eof && !a->sim->wrong) {
		got = read_some(a, e, is_slow && script->read_chunk < READ_MAX ? script->read_chunk : READ_MAX);
		if (got == -EAGAIN)
			break;
		if (got < 0) {
			end_error(a, e, (int)-got);
			return;
		}
		if (got == 0)
			end_eof(a, e);
		else
			taken += (uint64_t)got;
		if (wants_to_abort(a, e)) {
			end_close(a, e, true);
			return;
		}
		if (is_slow && taken >= script->read_chunk)
			break;
	}
	if (is_slow && taken > 0) {
		e->read_at_us = a->sim->now_us + script->read_interval_us;
		sim_wake(e->host, e->read_at_us);
	}
}

static ssize_t write_some(struct app *a, struct end *e, size_t want)
{
	static uint8_t data[READ_MAX];
	struct iovec iov[IOV_MAX_];
	size_t done = 0;
	int n;

	if (e->client_port % 4 < 2) {
		if (want > sizeof(data))
			want = sizeof(data);
		write_bytes(e, data, want, e->sent);
		return sock_send(e->s, data, want, 0, a->sim->now_us);
	}
	n = sock_send_reserve(e->s, want, iov, IOV_MAX_);
	if (n <= 0)
		return n == 0 ? -EAGAIN : n;
	for (int i = 0; i < n; i++) {
		write_bytes(e, iov[i].iov_base, iov[i].iov_len, e->sent + done);
		done += iov[i].iov_len;
	}
	if (done > want)
		sim_wrong(a->sim, "host %u: %zu bytes reserved, %zu asked for", e->host->index, done, want);
	sock_send_commit(e->s, done, false, a->sim->now_us);
	return (ssize_t)done;
}

static void end_write(struct app *a, struct end *e)
{
	const struct sim_script *script = a->script;

	while (e->s && !a->sim->wrong && e->sent < may_send(a, e)) {
		uint64_t want = may_send(a, e) - e->sent;
		ssize_t n;

		if (e->is_client && a->sim->now_us < e->write_at_us)
			return;
		if (script->write_chunk && want > script->write_chunk)
			want = script->write_chunk;
		n = write_some(a, e, want);
		if (n == -EAGAIN)
			return;
		if (n < 0) {
			end_error(a, e, (int)-n);
			return;
		}
		e->sent += (uint64_t)n;
		a->progress += (uint64_t)n;
		if (e->is_client && script->write_interval_us) {
			e->write_at_us = a->sim->now_us + script->write_interval_us;
			sim_wake(e->host, e->write_at_us);
		}
		if (wants_to_abort(a, e)) {
			end_close(a, e, true);
			return;
		}
	}
}

static void end_work(struct app *a, struct end *e)
{
	if (!e->s || !e->is_connected)
		return;
	end_read(a, e);
	if (e->s)
		end_write(a, e);
	if (!e->s)
		return;
	if (!e->is_shut && e->sent == total_to_send(a, e)) {
		e->is_shut = true;
		if (sock_shutdown(e->s, SHUT_WR, a->sim->now_us) < 0 && !has_aborts(a))
			sim_wrong(a->sim, "host %u: shutdown is refused", e->host->index);
	}
	if (e->is_shut && e->saw_eof)
		end_close(a, e, false);
}

static void accept_all(struct app *a, struct sim_host *h)
{
	struct ip_endpoint remote;
	struct sock *s;
	struct end *e;
	int err;

	while ((s = sock_accept(a->listener, &err))) {
		e = end_new(a, h, s, false);
		e->is_connected = true;
		if (sock_getpeer(s, &remote) == 0)
			e->client_port = remote.port;
		a->accepted++;
		end_work(a, e);
	}
}

static void on_event(struct app *a, struct sim_host *h, struct sock *s, uint32_t events)
{
	struct end *e = sock_user(s);

	if (s == a->listener) {
		accept_all(a, h);
		return;
	}
	if (!e)
		return;
	if (events & SOCK_CONNECTED)
		e->is_connected = true;
	if (events & SOCK_ERROR) {
		e->is_connected = true;
		end_read(a, e); /* what came before the reset, then the error */
		if (e->s)
			end_error(a, e, 0);
		return;
	}
	end_work(a, e);
}

static void check_invariants(struct app *a, struct sim_host *h)
{
	for (struct end *e = a->ends; e && !a->sim->wrong; e = e->next) {
		const char *broken = e->host == h && e->s ? tcp_check_invariants(e->s) : NULL;

		if (broken)
			sim_wrong(a->sim, "host %u: not (%s)", h->index, broken);
	}
}

static void on_turn(struct sim *sim, struct sim_host *h)
{
	struct app *a = sim->app;
	uint32_t events;
	struct sock *s;

	while ((s = stack_next_event(h->st, &events)) && !sim->wrong)
		on_event(a, h, s, events);
	if (a->script->read_interval_us || a->script->write_interval_us)
		for (struct end *e = a->ends; e; e = e->next)
			if (e->host == h)
				end_work(a, e);
	check_invariants(a, h);
	a->done = a->closed == (a->script->connections ? a->script->connections : 1) && a->accepted == a->server_closed &&
		  (has_aborts(a) || a->accepted >= a->closed);
}

/* ---- The whole run -------------------------------------------------------------------------------------------------- */

static bool start(struct app *a)
{
	struct sim_host *server = &a->sim->host[1];
	struct ip_endpoint local = { .addr = ip_addr_any(a->family), .port = SIM_PORT };
	unsigned connections = a->script->connections ? a->script->connections : 1;
	unsigned at_once = a->script->at_once ? a->script->at_once : 1;
	int err;

	a->listener = sock_open(server->st, a->family, SOCK_STREAM, 0, &err);
	if (!a->listener || sock_bind(a->listener, &local) < 0 || sock_listen(a->listener, 1000, a->sim->now_us) < 0) {
		sim_wrong(a->sim, "the server cannot listen");
		return false;
	}
	for (unsigned i = 0; i < at_once && i < connections; i++)
		open_client(a);
	sim_wake(&a->sim->host[0], a->sim->now_us);
	return true;
}

static bool count_sock(void *ctx, const struct sock_info *info)
{
	unsigned *count = ctx;

	*count += strcmp(info->state, "LISTEN") != 0;
	return true;
}

/* Objects live in slabs that go with the stack: stack_close() alone would not tell of one that was forgotten. */
static void check_pools(struct sim *s, const struct sim_host *h)
{
	const struct tcp_table *t = &h->st->tcp;
	const struct {
		const char *what;
		size_t used;
	} pools[] = {
		{ "bytes of frames", h->st->frames.in_use_bytes }, { "slices", h->st->slices.used },
		{ "handshakes", t->reqs.used },			   { "records of sent segments", t->sent.used },
		{ "out-of-order records", t->oos.used },	   { "islands", t->islands.used },
		{ "time-waits", t->timewaits.used },
	};

	for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++)
		if (pools[i].used > 0)
			sim_wrong(s, "host %u still holds %zu %s", h->index, pools[i].used, pools[i].what);
}

static void check_gone(struct sim *s)
{
	for (unsigned i = 0; i < s->config.hosts; i++) {
		unsigned count = 0;

		check_pools(s, &s->host[i]);
		stack_each_sock(s->host[i].st, count_sock, &count, s->now_us);
		if (count > 0)
			sim_wrong(s, "host %u still has %u connections", i, count);
	}
}

const char *sim_run_script(const struct sim_config *config, const struct sim_script *script, int family,
			   struct sim_result *result)
{
	static char wrong[256];
	static struct sim sim; /* large */
	struct app app = { .script = script, .sim = &sim, .family = family };
	struct sim_result none;
	uint64_t before;

	if (!result)
		result = &none;
	sim_open(&sim, config);
	sim_run_until(&sim, sim.now_us + 3000000, NULL); /* addresses are probed meanwhile */
	sim.on_turn = on_turn;
	sim.app = &app;
	*result = (struct sim_result){ .duration_us = sim.now_us, .packets = sim.packets, .wire_bytes = sim.bytes };
	if (start(&app)) {
		do {
			before = app.progress;
			sim_run_until(&sim, sim.now_us + SIM_STALL_US, &app.done);
		} while (!sim.wrong && !app.done && app.progress != before);
		if (!sim.wrong && !app.done)
			sim_wrong(&sim, "nothing moved for %llu s: %u of %u connections opened, %u accepted, %u closed, %llu bytes moved",
				  (unsigned long long)(SIM_STALL_US / 1000000), app.opened, script->connections, app.accepted,
				  app.closed, (unsigned long long)app.progress);
	}
	result->duration_us = sim.now_us - result->duration_us;
	result->packets = sim.packets - result->packets;
	result->wire_bytes = sim.bytes - result->wire_bytes;
	result->lost = sim.lost;
	result->queue_drops = sim.queue_drops;
	for (unsigned i = 0; i < sim.config.hosts; i++) {
		result->retransmits += sim_stat(&sim.host[i], "tcp.retransmits");
		result->timeouts += sim_stat(&sim.host[i], "tcp.timeouts");
		result->fast_retransmits += sim_stat(&sim.host[i], "tcp.fast_retransmits");
	}
	if (!sim.wrong) {
		sim_run_until(&sim, sim.now_us + LINGER_US, NULL);
		if (!sim.wrong)
			check_gone(&sim);
	}
	sim_close(&sim);
	while (app.ends) {
		struct end *e = app.ends;

		app.ends = e->next;
		free(e);
	}
	if (!sim.wrong)
		return NULL;
	snprintf(wrong, sizeof(wrong), "%s", sim.wrong);
	return wrong;
}
