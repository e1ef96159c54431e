/* SPDX-License-Identifier: BSD-2-Clause */
/* What TCP does under a few fixed conditions, as a table that is kept in tests/sim/tcp.expected: a change of behaviour shows as a
 * change of that file. All figures are of virtual time and exact: they follow from the seed. SIM_UPDATE=1 writes the file anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sim_app.h"

#define EXPECTED "tests/sim/tcp.expected"
#define ALL_OFFLOADS (LINK_OFFLOAD_CSUM | LINK_OFFLOAD_TSO4 | LINK_OFFLOAD_TSO6 | LINK_OFFLOAD_USO)

enum { TABLE_MAX = 16384, SEEDS = 10 };

static const struct {
	const char *name;
	struct sim_path path;
	uint32_t offloads, mtu;
} conditions[] = {
	{ "1 Gbit/s, 0.2 ms", { .delay_us = 100, .rate_bps = 1000000000, .queue_bytes = 1000000 }, 0, 1500 },
	{ "1 Gbit/s, 0.2 ms, offloads", { .delay_us = 100, .rate_bps = 1000000000, .queue_bytes = 1000000 }, ALL_OFFLOADS, 1500 },
	{ "100 Mbit/s, 40 ms", { .delay_us = 20000, .rate_bps = 100000000, .queue_bytes = 500000 }, 0, 1500 },
	{ "10 Mbit/s, 20 ms, short queue", { .delay_us = 10000, .rate_bps = 10000000, .queue_bytes = 15000 }, 0, 1500 },
	{ "10 Mbit/s, 600 ms", { .delay_us = 300000, .rate_bps = 10000000, .queue_bytes = 750000 }, 0, 1500 },
	{ "20 ms, loss 0.1%", { .delay_us = 10000, .loss_ppm = 1000 }, 0, 1500 },
	{ "20 ms, loss 1%", { .delay_us = 10000, .loss_ppm = 10000 }, 0, 1500 },
	{ "20 ms, loss 5%", { .delay_us = 10000, .loss_ppm = 50000 }, 0, 1500 },
	{ "20 ms, reordering 5%", { .delay_us = 10000, .reorder_ppm = 50000, .reorder_us = 2000 }, 0, 1500 },
};

static const struct sim_script scripts[] = {
	{ "1 MB", .client_bytes = 1000000 },
	{ "100 x 1 KB", .client_bytes = 100 * 1000, .server_bytes = 100 * 1000, .request = 1000, .response = 1000 },
};

/* Sums over SEEDS runs, so that the table tells of the condition rather than of one roll of the dice. */
static void add_row(char *table, size_t room, const char *condition, const struct sim_config *base, const struct sim_script *script)
{
	struct sim_result sum = { 0 }, r;
	size_t len = strlen(table);

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct sim_config config = *base;
		const char *wrong;

		config.seed = seed;
		wrong = sim_run_script(&config, script, AF_INET, &r);
		if (wrong)
			fail_msg("%s, %s, seed %llu: %s", condition, script->name, (unsigned long long)seed, wrong);
		sum.duration_us += r.duration_us;
		sum.packets += r.packets;
		sum.lost += r.lost;
		sum.queue_drops += r.queue_drops;
		sum.retransmits += r.retransmits;
		sum.timeouts += r.timeouts;
		sum.fast_retransmits += r.fast_retransmits;
	}
	snprintf(table + len, room - len, "%-32s %-11s %8llu %8llu %6llu %6llu %8llu %8llu %8llu\n", condition, script->name,
		 (unsigned long long)sum.duration_us / 1000, (unsigned long long)sum.packets, (unsigned long long)sum.lost,
		 (unsigned long long)sum.queue_drops, (unsigned long long)sum.retransmits, (unsigned long long)sum.timeouts,
		 (unsigned long long)sum.fast_retransmits);
}

static void make_table(char *table, size_t room)
{
	snprintf(table, room, "# Sums of %d runs, seeds 1 to %d, IPv4.\n%-32s %-11s %8s %8s %6s %6s %8s %8s %8s\n", SEEDS, SEEDS,
		 "condition", "transfer", "ms", "packets", "lost", "queue", "retrans", "timeouts", "fast");
	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
		for (size_t j = 0; j < sizeof(scripts) / sizeof(scripts[0]); j++) {
			struct sim_config config = {
				.hosts = 2, .kind = LINK_IP, .mtu = conditions[i].mtu,
				.offloads = { conditions[i].offloads, conditions[i].offloads },
				.path = { conditions[i].path, conditions[i].path },
			};

			add_row(table, room, conditions[i].name, &config, &scripts[j]);
		}
	}
}

static void read_file(char *text, size_t room)
{
	FILE *f = fopen(EXPECTED, "r");
	size_t n = f ? fread(text, 1, room - 1, f) : 0;

	text[n] = 0;
	if (f)
		fclose(f);
}

static void write_file(const char *text)
{
	FILE *f = fopen(EXPECTED, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void test_tcp_behaves_as_the_table_says(void **state)
{
	static char table[TABLE_MAX], expected[TABLE_MAX];

	(void)state;
	make_table(table, sizeof(table));
	if (getenv("SIM_UPDATE"))
		write_file(table);
	read_file(expected, sizeof(expected));
	if (strcmp(table, expected) != 0) {
		printf("%s", table);
		fail_msg("not as in " EXPECTED "; if the change is meant, SIM_UPDATE=1 writes the file anew");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp_behaves_as_the_table_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
