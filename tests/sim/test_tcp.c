/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP over an impaired wire: every condition with every scenario and many seeds. sim_app.h and sim_watch.h say what must hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sim_app.h"

#define ALL_OFFLOADS (LINK_OFFLOAD_CSUM | LINK_OFFLOAD_TSO4 | LINK_OFFLOAD_TSO6 | LINK_OFFLOAD_USO)

struct condition {
	const char *name;
	struct sim_path path, back; /* from the client, to it; a zero one for "back" means the same */
	uint32_t offloads[2];
	uint32_t mtu;
	const char *tunables;
	size_t frame_bytes_max;
};

static const struct condition conditions[] = {
	{ "lan", .path = { .delay_us = 50 }, .mtu = 1500 },
	{ "lan, offloads", .path = { .delay_us = 50 }, .offloads = { ALL_OFFLOADS, ALL_OFFLOADS }, .mtu = 1500 },
	{ "lan, sender offloads", .path = { .delay_us = 50 }, .offloads = { ALL_OFFLOADS, 0 }, .mtu = 1500 },
	{ "lan, receiver offloads", .path = { .delay_us = 50 }, .offloads = { 0, ALL_OFFLOADS }, .mtu = 1500 },
	{ "mtu 1280", .path = { .delay_us = 500 }, .mtu = 1280 },
	{ "mtu 9000, offloads", .path = { .delay_us = 500 }, .offloads = { ALL_OFFLOADS, ALL_OFFLOADS }, .mtu = 9000 },
	{ "satellite", .path = { .delay_us = 300000, .rate_bps = 10000000, .queue_bytes = 200000 }, .mtu = 1500 },
	{ "10 Mbit/s, shallow queue", .path = { .delay_us = 10000, .rate_bps = 10000000, .queue_bytes = 16000 }, .mtu = 1500 },
	{ "64 kbit/s", .path = { .delay_us = 50000, .rate_bps = 64000, .queue_bytes = 8000 }, .mtu = 1500 },
	{ "loss 1%", .path = { .loss_ppm = 10000, .delay_us = 5000 }, .mtu = 1500 },
	{ "loss 1%, offloads", .path = { .loss_ppm = 10000, .delay_us = 5000 }, .offloads = { ALL_OFFLOADS, ALL_OFFLOADS }, .mtu = 1500 },
	{ "loss 10%", .path = { .loss_ppm = 100000, .delay_us = 5000 }, .mtu = 1500 },
	{ "loss of acks 20%", .path = { .delay_us = 5000 }, .back = { .loss_ppm = 200000, .delay_us = 5000 }, .mtu = 1500 },
	{ "bursts", .path = { .burst_ppm = 10000, .burst_us = 30000, .delay_us = 5000 }, .mtu = 1500 },
	/* An outage lasts as long as a host asks for its neighbour before it says that there is none: have it ask longer. */
	{ "long outages", .path = { .burst_ppm = 5000, .burst_us = 3000000, .delay_us = 5000 }, .mtu = 1500,
	  .tunables = "net.ipv4.neigh.default.mcast_solicit=10" },
	{ "reordering", .path = { .reorder_ppm = 200000, .reorder_us = 3000, .delay_us = 1000 }, .mtu = 1500 },
	{ "duplication", .path = { .duplicate_ppm = 200000, .delay_us = 1000 }, .mtu = 1500 },
	{ "corruption", .path = { .corrupt_ppm = 30000, .delay_us = 1000 }, .mtu = 1500 },
	{ "jitter", .path = { .delay_us = 1000, .jitter_us = 50000 }, .mtu = 1500 },
	{ "everything", .path = { .loss_ppm = 20000, .burst_ppm = 2000, .burst_us = 50000, .corrupt_ppm = 10000,
				  .duplicate_ppm = 20000, .reorder_ppm = 50000, .reorder_us = 20000, .delay_us = 10000,
				  .jitter_us = 10000, .rate_bps = 20000000, .queue_bytes = 60000 },
	  .offloads = { ALL_OFFLOADS, 0 }, .mtu = 1500 },
	{ "short of buffers", .path = { .delay_us = 5000, .loss_ppm = 5000 }, .mtu = 1500, .frame_bytes_max = 300000 },
	{ "short of buffers, offloads", .path = { .delay_us = 5000, .loss_ppm = 5000 }, .offloads = { ALL_OFFLOADS, ALL_OFFLOADS },
	  .mtu = 1500, .frame_bytes_max = 600000 },
	{ "no timestamps, no sack, no scaling", .path = { .loss_ppm = 20000, .delay_us = 5000 }, .mtu = 1500,
	  .tunables = "net.ipv4.tcp_timestamps=0;net.ipv4.tcp_sack=0;net.ipv4.tcp_window_scaling=0" },
};

static const struct sim_script scripts[] = {
	{ "bulk up", .client_bytes = 150000 },
	{ "bulk down", .server_bytes = 150000 },
	{ "both ways", .client_bytes = 80000, .server_bytes = 80000 },
	{ "request, response", .client_bytes = 64 * 40, .server_bytes = 200 * 40, .request = 64, .response = 200 },
	{ "large answers", .client_bytes = 100 * 4, .server_bytes = 20000 * 4, .request = 100, .response = 20000, .nodelay = true },
	{ "half close", .client_bytes = 20000, .server_bytes = 50000, .half_close = true },
	{ "slow reader", .client_bytes = 300000, .read_chunk = 10000, .read_interval_us = 50000 },
	{ "stalling reader", .client_bytes = 400000, .read_chunk = 1000000, .read_interval_us = 2000000 },
	{ "tiny writes", .client_bytes = 2000, .write_chunk = 7, .server_bytes = 1000 },
	{ "trickle", .client_bytes = 3000, .write_chunk = 100, .write_interval_us = 20000, .nodelay = true },
	{ "many short ones", .client_bytes = 100, .server_bytes = 1000, .request = 100, .response = 1000, .connections = 40, .at_once = 8 },
	{ "empty connections", .connections = 20, .at_once = 4 },
	{ "client aborts", .client_bytes = 100000, .server_bytes = 100000, .client_abort_at = 60000 },
	{ "server aborts", .client_bytes = 100000, .server_bytes = 100000, .server_abort_at = 60000, .connections = 3 },
};

enum { CONDITIONS = sizeof(conditions) / sizeof(conditions[0]), SCRIPTS = sizeof(scripts) / sizeof(scripts[0]) };

struct cell {
	const struct condition *condition;
	const struct sim_script *script;
};

static bool is_zero(const struct sim_path *p)
{
	static const struct sim_path zero;

	return memcmp(p, &zero, sizeof(zero)) == 0;
}

/* The seed chooses the family and the kind of link, too. */
static const char *run_once(void *ctx, uint64_t seed, FILE *capture)
{
	const struct cell *cell = ctx;
	const struct condition *c = cell->condition;
	struct sim_config config = {
		.seed = seed,
		.hosts = 2,
		.kind = seed % 4 < 2 ? LINK_IP : LINK_ETHERNET,
		.mtu = c->mtu,
		.offloads = { c->offloads[0], c->offloads[1] },
		.path = { c->path, is_zero(&c->back) ? c->path : c->back },
		.tunables = c->tunables,
		.frame_bytes_max = c->frame_bytes_max,
		.capture = capture,
		.log = capture && getenv("SIM_LOG"),
	};

	return sim_run_script(&config, cell->script, seed % 2 ? AF_INET : AF_INET6, NULL);
}

/* SIM_ONLY picks cells by a part of their name. */
static void test_every_byte_once_and_in_order(void **state)
{
	const char *only = getenv("SIM_ONLY");
	unsigned failures = 0;

	(void)state;
	for (unsigned i = 0; i < CONDITIONS; i++) {
		for (unsigned j = 0; j < SCRIPTS; j++) {
			struct cell cell = { &conditions[i], &scripts[j] };
			char name[120];

			snprintf(name, sizeof(name), "tcp %s over %s", scripts[j].name, conditions[i].name);
			if (only && !strstr(name, only))
				continue;
			failures += sim_repeat(name, 60, run_once, &cell);
		}
	}
	assert_int_equal(failures, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte_once_and_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
