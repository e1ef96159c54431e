/* SPDX-License-Identifier: BSD-2-Clause */
/* Datagrams over an impaired wire: whatever happens there, a datagram arrives whole and as it was sent, or not at all; and on
 * a good wire each arrives once. Sizes up to many fragments, both families, both kinds of link, segmentation offload on either side. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sim_wire.h"

enum { ECHO_PORT = 7, DATAGRAMS = 60, SIZE_MAX_ = 9000, INTERVAL_US = 5000, SEGMENTS = 4, SEGMENT_MAX = 1200 };

struct condition {
	const char *name;
	struct sim_path path;
	enum link_kind kind;
	uint32_t offloads[2];
	uint32_t mtu;
	bool all_must_arrive;
};

#define ALL_OFFLOADS (LINK_OFFLOAD_CSUM | LINK_OFFLOAD_TSO4 | LINK_OFFLOAD_TSO6 | LINK_OFFLOAD_USO)

static const struct condition conditions[] = {
	{ "good wire", { .delay_us = 100 }, LINK_IP, { 0, 0 }, 1500, true },
	{ "good ethernet", { .delay_us = 100 }, LINK_ETHERNET, { 0, 0 }, 1500, true },
	{ "good ethernet, offloads", { .delay_us = 100 }, LINK_ETHERNET, { ALL_OFFLOADS, ALL_OFFLOADS }, 1500, true },
	{ "offloads on one side", { .delay_us = 100 }, LINK_ETHERNET, { ALL_OFFLOADS, 0 }, 1500, true },
	{ "smallest mtu of ipv6", { .delay_us = 100 }, LINK_ETHERNET, { 0, ALL_OFFLOADS }, 1280, true },
	{ "jumbo", { .delay_us = 100 }, LINK_ETHERNET, { 0, 0 }, 9000, true },
	{ "reordering", { .delay_us = 100, .reorder_ppm = 300000, .reorder_us = 20000 }, LINK_IP, { 0, 0 }, 1500, true },
	{ "loss", { .loss_ppm = 50000, .delay_us = 1000 }, LINK_ETHERNET, { 0, 0 }, 1500, false },
	{ "duplication", { .duplicate_ppm = 300000, .delay_us = 100 }, LINK_IP, { 0, 0 }, 1500, true },
	{ "corruption", { .corrupt_ppm = 200000, .delay_us = 100 }, LINK_ETHERNET, { 0, 0 }, 1500, false },
	{ "everything", { .loss_ppm = 30000, .corrupt_ppm = 30000, .duplicate_ppm = 30000, .reorder_ppm = 100000, .reorder_us = 30000,
			  .delay_us = 1000, .jitter_us = 5000 }, LINK_ETHERNET, { ALL_OFFLOADS, 0 }, 1500, false },
};

struct run {
	const struct condition *c;
	int family;
	struct sim *sim;
	struct sock *client, *server;
	unsigned sent, heard[DATAGRAMS];
	uint32_t size[DATAGRAMS];
	bool done;
};

/* A datagram's number is in its first byte; the rest follows from the number and the seed. */
static uint8_t byte_of(uint64_t seed, unsigned number, uint32_t at)
{
	return at == 0 ? (uint8_t)number : (uint8_t)(at * 31 + number * 7 + (at >> 8) + seed);
}

static void check(struct run *r, const struct frame *f, const char *who)
{
	unsigned number;

	if (f->len == 0) { /* some are sent empty */
		return;
	}
	number = f->data[0];
	if (number >= r->sent || f->len != r->size[number]) {
		sim_wrong(r->sim, "%s got a datagram of %u bytes that nobody sent", who, f->len);
		return;
	}
	for (uint32_t i = 0; i < f->len; i++)
		if (f->data[i] != byte_of(r->sim->config.seed, number, i)) {
			sim_wrong(r->sim, "%s got datagram %u with byte %u wrong", who, number, i);
			return;
		}
}

/* The next datagram, or the next four of one size in one call with UDP_SEGMENT. */
static void send_next(struct run *r)
{
	struct sim_host *h = &r->sim->host[0];
	struct dgram_info info = { .ttl = -1, .tos = -1 };
	bool is_super = rng_below(&r->sim->rng, 4) == 0 && r->sent + SEGMENTS <= DATAGRAMS;
	uint32_t size = is_super ? 1 + rng_below(&r->sim->rng, SEGMENT_MAX) : rng_below(&r->sim->rng, SIZE_MAX_);
	unsigned count = is_super ? SEGMENTS : 1;
	struct frame *f = stack_frame_alloc(h->st, (size_t)count * size);

	if (!f)
		bed_fatal("no frame");
	info.segment_size = is_super ? (uint16_t)size : 0;
	for (; count > 0; count--, r->sent++) {
		r->size[r->sent] = size;
		for (uint32_t i = 0; i < size; i++)
			*frame_put(f, 1) = byte_of(r->sim->config.seed, r->sent, i);
	}
	if (sock_send_frame(r->client, f, &info, r->sim->now_us) < 0)
		sim_wrong(r->sim, "the datagram was refused");
}

static void on_turn(struct sim *s, struct sim_host *h)
{
	struct run *r = s->app;
	uint32_t events;
	struct frame *f;

	while (stack_next_event(h->st, &events))
		;
	if (h->index == 1) {
		while ((f = sock_recv_frame(r->server))) {
			struct dgram_info info = { .ttl = -1, .tos = -1, .dst = f->info.src };
			struct frame *answer = stack_frame_alloc(h->st, f->len);

			check(r, f, "the server");
			if (f->len > 0)
				memcpy(frame_put(answer, f->len), f->data, f->len);
			frame_unref(f);
			sock_send_frame(r->server, answer, &info, s->now_us);
		}
		return;
	}
	while ((f = sock_recv_frame(r->client))) {
		check(r, f, "the client");
		if (f->len > 0 && !s->wrong)
			r->heard[f->data[0]]++;
		frame_unref(f);
	}
	if (r->sent < DATAGRAMS && s->now_us >= SIM_START_US + 3000000 + (uint64_t)r->sent * INTERVAL_US) {
		send_next(r);
		sim_wake(h, s->now_us + INTERVAL_US);
	}
}

static void check_heard(struct run *r)
{
	bool may_repeat = r->c->path.duplicate_ppm > 0;

	for (unsigned i = 0; i < r->sent; i++) {
		if (r->c->all_must_arrive && r->size[i] > 0 && r->heard[i] == 0)
			sim_wrong(r->sim, "datagram %u of %u bytes did not come back", i, r->size[i]);
		if (!may_repeat && r->heard[i] > 1)
			sim_wrong(r->sim, "datagram %u came back %u times", i, r->heard[i]);
	}
}

static const char *run_once(void *ctx, uint64_t seed, FILE *capture)
{
	static struct sim sim;
	static char wrong[256];
	struct run r = *(struct run *)ctx;
	struct sim_config config = {
		.seed = seed, .hosts = 2, .kind = r.c->kind, .mtu = r.c->mtu, .capture = capture,
		.offloads = { r.c->offloads[0], r.c->offloads[1] }, .path = { r.c->path, r.c->path },
	};
	struct ip_endpoint local = { .addr = ip_addr_any(r.family), .port = ECHO_PORT }, remote;
	int err, big = 1 << 20;

	sim_open(&sim, &config);
	r.sim = &sim;
	sim_run_until(&sim, sim.now_us + 3000000, NULL);
	remote = sim_endpoint(&sim.host[1], r.family, ECHO_PORT);
	r.server = sock_open(sim.host[1].st, r.family, SOCK_DGRAM, 0, &err);
	r.client = sock_open(sim.host[0].st, r.family, SOCK_DGRAM, 0, &err);
	if (!r.server || !r.client || sock_bind(r.server, &local) < 0 || sock_connect(r.client, &remote, sim.now_us) < 0)
		bed_fatal("sockets");
	sock_setopt(r.server, SOL_SOCKET, SO_RCVBUF, &big, sizeof(big), sim.now_us);
	sim.on_turn = on_turn;
	sim.app = &r;
	sim_wake(&sim.host[0], sim.now_us);
	sim_run_until(&sim, sim.now_us + 100 * 1000000ull, NULL); /* reassembly gives up after a minute at most */
	if (!sim.wrong)
		check_heard(&r);
	sim_close(&sim);
	if (!sim.wrong)
		return NULL;
	snprintf(wrong, sizeof(wrong), "%s", sim.wrong);
	return wrong;
}

static void test_datagrams_arrive_whole_or_not_at_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
		struct run v4 = { .c = &conditions[i], .family = AF_INET }, v6 = { .c = &conditions[i], .family = AF_INET6 };
		char name[100];

		snprintf(name, sizeof(name), "datagrams v4 %s", conditions[i].name);
		assert_int_equal(sim_repeat(name, 20, run_once, &v4), 0);
		snprintf(name, sizeof(name), "datagrams v6 %s", conditions[i].name);
		assert_int_equal(sim_repeat(name, 20, run_once, &v6), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_datagrams_arrive_whole_or_not_at_all),
	};

	cmocka_set_test_filter(getenv("CMOCKA_TEST_FILTER"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
