/* SPDX-License-Identifier: BSD-2-Clause */
/* option_table.h - every socket option that Linux has for sockets of the internet, and how this stack answers it. OPTIONS.md is printed
 * from this table, and the test that compares the stack with the kernel (tests/options) allows no difference that it does not name.
 * Options that are not here are unknown to both, and refused with ENOPROTOOPT. */
#ifndef TAPIR_CLIENT_OPTION_TABLE_H
#define TAPIR_CLIENT_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_answer {
	OPTION_REAL,	 /* does what it does on Linux */
	OPTION_EMULATED, /* set, checked and shown as on Linux; what it would change there cannot happen here, as the remark says */
	OPTION_REFUSED,	 /* what Linux does the stack does not: the call fails, whatever the value */
};

/* On which sockets Linux knows it. */
enum option_on {
	OPTION_ON_TCP = 1,
	OPTION_ON_UDP = 2,
	OPTION_ON_PING = 4,
	OPTION_ON_RAW = 8,
	OPTION_ON_ALL = 15,
};

struct option_row {
	int level, name;
	const char *text;	   /* the name */
	const char *value;	   /* its C type */
	uint8_t on;		   /* enum option_on */
	uint8_t answer;		   /* enum option_answer */
	uint8_t refused_set, refused_get; /* OPTION_REFUSED: the errno; 0: that direction is answered as on Linux */
	uint16_t since;		   /* Linux's version, 6.10 as 0x060a, when it is newer than 5.15; 0: old */
	bool is_fickle;		   /* what it shows depends on the moment or the machine: not compared */
	const char *remark;	   /* range, units, what it means here */
};

extern const struct option_row option_table[];
extern const size_t option_table_count;

/** option_find - NULL: Linux has no such option. */
const struct option_row *option_find(int level, int name);

const char *option_level_text(int level); /* "SOL_SOCKET", ...; NULL: none of the table's */

#endif
