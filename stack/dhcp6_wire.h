/* SPDX-License-Identifier: BSD-2-Clause */
/* dhcp6_wire.h - DHCPv6 messages: what a client sends, built; what a server sends, parsed (RFC 8415 sections 7-9, 21).
 * Promises: dhcp6_build() and dhcp6_parse() never pass their buffers. An option that is malformed is as if it were absent; one that is
 *           cut off ends the options.
 * Never:    decides anything: that is dhcp6.c. */
#ifndef TAPIR_STACK_DHCP6_WIRE_H
#define TAPIR_STACK_DHCP6_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "dhcp_domains.h"

enum { DHCP6_CLIENT_PORT = 546, DHCP6_SERVER_PORT = 547 };

enum dhcp6_type { /* section 7.3 */
	DHCP6_SOLICIT = 1,
	DHCP6_ADVERTISE = 2,
	DHCP6_REQUEST = 3,
	DHCP6_CONFIRM = 4,
	DHCP6_RENEW = 5,
	DHCP6_REBIND = 6,
	DHCP6_REPLY = 7,
	DHCP6_RELEASE = 8,
	DHCP6_DECLINE = 9,
	DHCP6_RECONFIGURE = 10,
	DHCP6_INFORMATION_REQUEST = 11,
};

enum dhcp6_option {
	DHCP6_OPT_CLIENTID = 1,
	DHCP6_OPT_SERVERID = 2,
	DHCP6_OPT_IA_NA = 3,
	DHCP6_OPT_IAADDR = 5,
	DHCP6_OPT_ORO = 6,
	DHCP6_OPT_PREFERENCE = 7,
	DHCP6_OPT_ELAPSED_TIME = 8,
	DHCP6_OPT_STATUS_CODE = 13,
	DHCP6_OPT_RAPID_COMMIT = 14,
	DHCP6_OPT_DNS_SERVERS = 23, /* RFC 3646 */
	DHCP6_OPT_DOMAIN_LIST = 24,
	DHCP6_OPT_INFORMATION_REFRESH_TIME = 32,
	DHCP6_OPT_CLIENT_FQDN = 39, /* RFC 4704 */
	DHCP6_OPT_NTP_SERVER = 56, /* RFC 5908 */
	DHCP6_OPT_SOL_MAX_RT = 82,
	DHCP6_OPT_INF_MAX_RT = 83,
};

enum dhcp6_status { /* section 21.13 */
	DHCP6_SUCCESS = 0,
	DHCP6_UNSPEC_FAIL = 1,
	DHCP6_NO_ADDRS_AVAIL = 2,
	DHCP6_NO_BINDING = 3,
	DHCP6_NOT_ON_LINK = 4,
	DHCP6_USE_MULTICAST = 5,
};

enum {
	DHCP6_MESSAGE_MAX = 600,
	DHCP6_DUID_MAX = 130, /* section 11.1: a type of two bytes and up to 128 more */
	DHCP6_NAME_MAX = 64,
	DHCP6_ADDRS_MAX = 8,
	DHCP6_SERVERS_MAX = 4,
};

struct dhcp6_duid {
	uint8_t len; /* 0: none */
	uint8_t b[DHCP6_DUID_MAX];
};

struct dhcp6_addr {
	struct ip_addr addr;
	uint32_t preferred_s, valid_s; /* UINT32_MAX: for ever */
};

/* The identity association of the link, with its addresses. */
struct dhcp6_ia {
	bool is_there;
	uint32_t t1_s, t2_s; /* 0: at the client's discretion */
	uint16_t status;     /* enum dhcp6_status */
	uint8_t count;
	struct dhcp6_addr addrs[DHCP6_ADDRS_MAX];
};

struct dhcp6_servers {
	uint8_t count;
	struct ip_addr addr[DHCP6_SERVERS_MAX];
};

/* What a client sends. */
struct dhcp6_request {
	uint8_t type; /* enum dhcp6_type */
	uint32_t xid; /* 24 bits */
	uint16_t elapsed_cs; /* hundredths of a second since the exchange began */
	const uint8_t *mac; /* of the link: IAID */
	const struct dhcp6_duid *client;
	const struct dhcp6_duid *server; /* NULL or empty: to all */
	const struct dhcp6_ia *ia;	 /* NULL: none */
	const char *hostname; /* told to servers that are asked for addresses; "": none */
};

/* What a server answers. */
struct dhcp6_reply {
	uint8_t type;
	uint32_t xid;
	struct dhcp6_duid client, server;
	uint8_t preference;
	bool is_rapid_commit;
	uint16_t status;
	struct dhcp6_ia ia; /* the one with our IAID */
	struct dhcp6_servers dns, ntp;
	struct dhcp_domains domains;
	uint32_t refresh_s, sol_max_rt_s, inf_max_rt_s; /* 0: absent */
};

/* Write @m into @buf. Returns the length of the message, 0 when @room is too small. */
size_t dhcp6_build(const struct dhcp6_request *m, uint8_t *buf, size_t room);

/** dhcp6_parse - read a message to the link with the address @mac. Of an option that may be there once, the first counts.
 * Returns 0, or -EBADMSG: not even a type and a transaction. */
int dhcp6_parse(const uint8_t *data, size_t len, const uint8_t mac[6], struct dhcp6_reply *m);

#endif
