/* SPDX-License-Identifier: BSD-2-Clause */
/* config.h - what the operator asked for: flags and the configuration file, one table of keys for both.
 * Promises: after config_load() returned CONFIG_RUN every value is within its range; or *error says in one line what is wrong, where
 * (file and line, or the flag) and what was expected.
 * Never: opens anything but the file, or knows what becomes of a value. */
#ifndef TAPIR_DAEMON_CONFIG_H
#define TAPIR_DAEMON_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "log.h"
#include "stack/addr.h"

enum {
	CONFIG_NAME_MAX = 32,
	CONFIG_LIST_MAX = 64, /* values of a key that may be repeated */
	CONFIG_LINKS_MAX = 8,
	CONFIG_PATH_MAX = 108, /* sizeof(sun_path) */
	CONFIG_WHERE_MAX = 160,
	CONFIG_ERROR_MAX = 768,
};

#define CONFIG_DEFAULT_FILE "/etc/tapir/tapird.conf"

/* NAME=VALUE for the stack, checked when it is set; where it was said goes into that error. */
struct config_setting {
	char name[64], value[64];
	char where[CONFIG_WHERE_MAX];
};

/* One TAP: what is said after its "tap", and before the next one. */
struct config_link {
	char tap[16];
	bool is_named; /* "tap" was said */
	struct ip_prefix addrs[CONFIG_LIST_MAX], host_addrs[CONFIG_LIST_MAX];
	struct ip_addr gateways[CONFIG_LIST_MAX];
	int addr_count, host_addr_count, gateway_count;
	uint32_t mtu; /* 0: the TAP's own */
	bool offload;
	bool dhcp;
	bool has_mac;
	uint8_t mac[6];
};

struct config {
	char name[CONFIG_NAME_MAX];
	char socket[CONFIG_PATH_MAX]; /* empty: /run/tapir/NAME.sock */
	char user[64];		      /* empty: nobody, when started as real root */
	struct config_link links[CONFIG_LINKS_MAX];
	int link_count; /* at least 1 */
	int link;	/* while reading: the one that keys are about */
	bool has_flag_tap; /* while reading: the command line named one */
	struct config_setting settings[CONFIG_LIST_MAX];
	int setting_count;
	uint32_t user_sockets_max; /* 0: most of the descriptors that the daemon may have */
	enum log_level log_level;
};

enum config_result {
	CONFIG_RUN,
	CONFIG_DONE,	  /* --help or --version was printed */
	CONFIG_BAD_USAGE, /* a flag is wrong: EX_USAGE */
	CONFIG_BAD_FILE,  /* the file is wrong or cannot be read: EX_CONFIG */
};

/* Flags from @argv over the file that --config names, over CONFIG_DEFAULT_FILE where that exists, over the defaults. */
enum config_result config_load(struct config *c, int argc, char **argv, char error[CONFIG_ERROR_MAX]);

/* The same for a file alone, and for one key: the pieces that the tests try. 0 or -1 with @error set. */
void config_init(struct config *c);
int config_read_file(struct config *c, const char *path, char error[CONFIG_ERROR_MAX]);

#endif
