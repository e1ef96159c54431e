/* SPDX-License-Identifier: BSD-2-Clause */
/* dhcp4_wire.h - DHCPv4 messages: what a client sends, built; what a server sends, parsed (RFC 2131 section 2, RFC 2132).
 * Promises: dhcp4_build() and dhcp4_parse() never pass their buffers. An option that is malformed is as if it were absent; what is
 *           cut off ends the options (RFC 2131 says nothing of them, so the rest of the message counts).
 * Options that come in several pieces are joined (RFC 3396), and "file" and "sname" are read when they carry options (option 52).
 * Never:    decides anything: that is dhcp4.c. */
#ifndef TAPIR_STACK_DHCP4_WIRE_H
#define TAPIR_STACK_DHCP4_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "dhcp_domains.h"

enum { DHCP4_SERVER_PORT = 67, DHCP4_CLIENT_PORT = 68 };

enum dhcp4_type { /* RFC 2132 section 9.6 */
	DHCP4_DISCOVER = 1,
	DHCP4_OFFER = 2,
	DHCP4_REQUEST = 3,
	DHCP4_DECLINE = 4,
	DHCP4_ACK = 5,
	DHCP4_NAK = 6,
	DHCP4_RELEASE = 7,
};

enum dhcp4_option {
	DHCP4_OPT_PAD = 0,
	DHCP4_OPT_MASK = 1,
	DHCP4_OPT_ROUTER = 3,
	DHCP4_OPT_DNS = 6,
	DHCP4_OPT_HOSTNAME = 12,
	DHCP4_OPT_DOMAIN = 15,
	DHCP4_OPT_MTU = 26,
	DHCP4_OPT_BROADCAST = 28,
	DHCP4_OPT_NTP = 42,
	DHCP4_OPT_REQUESTED = 50,
	DHCP4_OPT_LEASE_TIME = 51,
	DHCP4_OPT_OVERLOAD = 52,
	DHCP4_OPT_TYPE = 53,
	DHCP4_OPT_SERVER_ID = 54,
	DHCP4_OPT_PARAMETERS = 55,
	DHCP4_OPT_MESSAGE = 56,
	DHCP4_OPT_MAX_SIZE = 57,
	DHCP4_OPT_T1 = 58,
	DHCP4_OPT_T2 = 59,
	DHCP4_OPT_CLIENT_ID = 61,
	DHCP4_OPT_IPV6_ONLY = 108,	/* RFC 8925 */
	DHCP4_OPT_AUTO_CONFIGURE = 116, /* RFC 2563 */
	DHCP4_OPT_SEARCH = 119,		/* RFC 3397 */
	DHCP4_OPT_CLASSLESS_ROUTES = 121, /* RFC 3442 */
	DHCP4_OPT_END = 255,
};

enum {
	DHCP4_MESSAGE_MIN = 300, /* RFC 1542 section 2.1: shorter ones were refused by BOOTP relays */
	DHCP4_MESSAGE_MAX = 576,
	DHCP4_CLIENT_ID_MAX = 64,
	DHCP4_NAME_MAX = 64,
	DHCP4_SERVERS_MAX = 4, /* routers, DNS and NTP servers that are kept, each */
	DHCP4_ROUTES_MAX = 16,
	DHCP4_LEASE_FOREVER = 0xffffffff,
};

/* What a client sends. Addresses that are 0.0.0.0 are not sent as options. */
struct dhcp4_request {
	uint8_t type; /* enum dhcp4_type */
	uint32_t xid;
	uint16_t secs;
	uint8_t mac[6];
	struct ip_addr ciaddr;	  /* RENEWING, REBINDING, RELEASE: our address */
	struct ip_addr requested; /* option 50 */
	struct ip_addr server;	  /* option 54 */
	const uint8_t *client_id;
	uint8_t client_id_len;
	const char *hostname; /* "": none */
	const char *message;  /* option 56, DECLINE and RELEASE; NULL: none */
	uint16_t max_size;    /* option 57; 0: none */
	bool prefers_ipv6_only; /* RFC 8925 section 3.2: ask whether we may do without */
};

struct dhcp4_route {
	struct ip_prefix dst;
	struct ip_addr gateway; /* 0.0.0.0: on the link itself */
};

struct dhcp4_servers {
	uint8_t count;
	struct ip_addr addr[DHCP4_SERVERS_MAX];
};

/* What a server answers. Absent addresses are 0.0.0.0, absent times 0. */
struct dhcp4_reply {
	uint8_t type; /* enum dhcp4_type; 0: BOOTP */
	uint32_t xid;
	uint8_t mac[6];
	struct ip_addr yiaddr, server, mask, broadcast;
	uint32_t lease_s, t1_s, t2_s;
	bool has_lease, has_client_id, has_ipv6_only;
	uint32_t ipv6_only_s; /* option 108 */
	uint16_t mtu;
	int8_t auto_configure; /* option 116: -1 absent */
	uint8_t client_id[DHCP4_CLIENT_ID_MAX];
	uint8_t client_id_len;
	struct dhcp4_servers routers, dns, ntp;
	struct dhcp_domains domains; /* option 119, or the one of 15 */
	bool has_classless; /* option 121: routers do not count then */
	uint8_t route_count;
	struct dhcp4_route routes[DHCP4_ROUTES_MAX];
};

/* Write @m into @buf. Returns the length of the message, 0 when @room is too small. */
size_t dhcp4_build(const struct dhcp4_request *m, uint8_t *buf, size_t room);

/* Read a server's message. 0, or -EBADMSG: no BOOTREPLY over Ethernet with the magic cookie. */
int dhcp4_parse(const uint8_t *data, size_t len, struct dhcp4_reply *m);

#endif
