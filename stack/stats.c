/* SPDX-License-Identifier: BSD-2-Clause */
#include "stats.h"

static const struct {
	const char *name, *text;
} stats[STAT_COUNT] = {
#define STAT_ROW(id, name, text) [STAT_##id] = { name, text },
	STATS_LIST(STAT_ROW)
#undef STAT_ROW
};

const char *stat_name(enum stack_stat id)
{
	return stats[id].name;
}

const char *stat_text(enum stack_stat id)
{
	return stats[id].text;
}
