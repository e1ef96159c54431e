/* SPDX-License-Identifier: BSD-2-Clause */
/* protocol.h - what libtapir, the tools and tapird say to each other (PROTOCOL.md tells it in prose).
 *
 * Three kinds of bytes cross between a client and the daemon:
 *  1. requests and replies on the control socket (AF_UNIX, SOCK_SEQPACKET; one message, one request or reply);
 *  2. accept messages: one struct tapir_accept on a listening socket's fd for each connection, its fd attached;
 *  3. datagrams on the fd of a datagram socket, behind a struct tapir_dgram unless the socket is connected.
 * All structs have a fixed layout, without padding, in the machine's byte order: both ends are on one machine. Addresses are
 * 16 bytes, IPv4 as ::ffff:a.b.c.d. Ports and scope ids are in host order. Reserved fields are 0.
 *
 * The fd of a socket is one end of a pair. The daemon's end is bound to the abstract name "tapir/DAEMON/ID" (ID: 16
 * lower-case hex digits, random, the socket's id here): getpeername(2) on any fd tells whether it is one of ours. A request about
 * a socket carries that socket's fd (SCM_RIGHTS): holding it is the permission, and no message names a socket otherwise.
 *
 * A fresh stream is made by the client alone: an unconnected AF_UNIX stream bound to a name of TAPIR_FRESH_FORMAT. The first request that
 * carries it makes it a socket of the daemon's, which connects it in place; its peer's name is TAPIR_STREAM_NAME from then on. */
#ifndef TAPIR_PROTOCOL_H
#define TAPIR_PROTOCOL_H

#include <stdint.h>

#define TAPIR_PROTOCOL_MAGIC 0x72706174u /* "tapr" */
#define TAPIR_PROTOCOL_VERSION 2
#define TAPIR_NAME_PREFIX "tapir/"
#define TAPIR_NETLINK_PREFIX "tapir-netlink/"
#define TAPIR_STREAM_NAME "tapir-stream"	     /* a path: the daemon's end of a stream that a client made */
#define TAPIR_FRESH_PREFIX "tapir-fresh/"
#define TAPIR_FRESH_FORMAT TAPIR_FRESH_PREFIX "%d/%d/" /* abstract: a fresh stream; family, protocol, and what makes it unique */
#define TAPIR_DEFAULT_SOCKET "/run/tapir/default.sock"

enum {
	TAPIR_MESSAGE_MAX = 32768, /* bytes of a control message */
	TAPIR_OPTION_MAX = 8448,   /* bytes of a socket option's value: the largest, MCAST_MSFILTER with 64 sources, is 8336 */
	TAPIR_SNDBUF_WANTED = 512 << 10, /* SO_SNDBUF of both ends of a connected pair; the kernel doubles it, and caps it at wmem_max */
};

/* ---- 1. Control messages ---- */

enum tapir_op {
	TAPIR_OP_HELLO = 1,   /* -> tapir_hello */
	TAPIR_OP_SOCKET,      /* tapir_socket_req -> tapir_socket_rep, the new fd attached */
	TAPIR_OP_BIND,	      /* fd + tapir_addr */
	TAPIR_OP_CONNECT,     /* fd + tapir_addr (family 0: dissolve); stream: error EINPROGRESS, the fd polls writable when done */
	TAPIR_OP_LISTEN,      /* fd + tapir_int (backlog) */
	TAPIR_OP_SHUTDOWN,    /* fd + tapir_int (SHUT_*): for what shutdown(2) on the fd cannot tell, see below */
	TAPIR_OP_GETSOCKNAME, /* fd -> tapir_addr */
	TAPIR_OP_GETPEERNAME, /* fd -> tapir_addr */
	TAPIR_OP_SETSOCKOPT,  /* fd + tapir_option with the value behind it */
	TAPIR_OP_GETSOCKOPT,  /* fd + tapir_option (len: room), behind it optionally so many bytes of the buffer, for the options that
			       * read a question from it -> tapir_option with the value behind it */
	TAPIR_OP_TAKE_ERROR,  /* fd -> tapir_int: the pending error (SO_ERROR), cleared; also after the daemon closed its end */
	TAPIR_OP_OUTQ,	      /* fd -> tapir_int: bytes sent and not acknowledged (SIOCOUTQ) */
	TAPIR_OP_ADOPT,	      /* fd: an end of a SEQPACKET pair becomes one more control connection; there is no reply here */
	TAPIR_OP_CONNECT_WAIT, /* CONNECT for a caller that waits: the reply tells the end, see below */
	TAPIR_OP_URGENT,      /* fd: a byte with MSG_OOB may come on this stream, now or later */
	TAPIR_OP_ACCEPT_AGAIN, /* fd + tapir_int (tapir_accept's id): it came without its descriptor, hand it out once more */
	TAPIR_OP_PEEK_ERROR,  /* fd -> tapir_int: as TAKE_ERROR, and the error stays */
	TAPIR_OP_BELOW_MARK,  /* fd: of a stream: what is there is wanted now, less than SO_RCVLOWAT as it is; it is in the pair with the reply */
	TAPIR_OP_LINGER,      /* fd -> tapir_int: an id, for LINGERS after close(2) */
	TAPIR_OP_LINGERS,     /* tapir_int -> tapir_int: 1 while what was closed has sent something that the peer has not acknowledged; else 0 */
	TAPIR_OP_NETLINK = 32, /* tapir_int (SOCK_RAW or SOCK_DGRAM) -> an end of a NETLINK_ROUTE socket attached, see below */
	TAPIR_OP_NETLINK_BIND, /* fd + tapir_netlink -> tapir_netlink: bind(2), and what groups it is in from now on */
	TAPIR_OP_NETLINK_NAME, /* fd -> tapir_netlink */
	TAPIR_OP_SOURCE,       /* tapir_addr -> tapir_addr: the source address towards it; ENETUNREACH, EADDRNOTAVAIL */
	TAPIR_OP_BARE = 48,    /* fd: datagrams of this socket go to the client bare from now on, see below */
	TAPIR_OP_NEXT_HEADER,  /* fd -> tapir_dgram, its control messages behind it: of the next datagram in the pair of such a socket; EAGAIN */
	TAPIR_OP_RECV_ERROR,   /* fd -> tapir_dgram_error, what is known of the datagram behind it (MSG_ERRQUEUE); EAGAIN: none */
	TAPIR_OP_CHECK_SEND,   /* fd + tapir_send_check -> tapir_int: the most bytes that such a datagram may have; or why it would fail */
	TAPIR_OP_RING_AGAIN,   /* fd: a bell was read, and the error was left for the next call: that there be a bell for it, too */
	TAPIR_OP_DUMP = 64,   /* tapir_dump_req -> tapir_dump_rep messages, records behind each; the last has is_last set */
	TAPIR_OP_SET,	      /* tapir_tunable, privileged: the name and value */
	TAPIR_OP_GET,	      /* tapir_tunable (value ignored) -> tapir_tunable */
	TAPIR_OP_CAPTURE,     /* tapir_capture_req, privileged -> the reading end of a stream of tapir_capture_rec attached */
	TAPIR_OP_CHANGE,      /* tapir_change, privileged -> the same: an address, route, neighbour or group comes or goes */
	TAPIR_OP_RELOAD,      /* privileged -> tapir_change, for its text: read the configuration again */
	TAPIR_OP_ROUTE,	      /* tapir_route_req -> tapir_route_rec: the way to one address, with source and MTU; gateway.family 0: to
			       * it directly; or the error that a packet would get */
};

/* TAPIR_OP_SHUTDOWN: a connected stream's SHUT_WR is shutdown(2) on its fd and is not sent. Everything else is sent: SHUT_RD
 * (the daemon also shuts its end down for writing, so that the client reads what is there and then EOF; SHUT_RDWR is sent as
 * SHUT_RD, and shutdown(SHUT_WR) on the fd follows), any on a stream that is not connected (ENOTCONN), on a listener, on datagrams.
 *
 * TAPIR_OP_CONNECT_WAIT: a blocking connect() would sleep for a reply that says EINPROGRESS only to sleep again for the end. So the reply
 * comes when it is connected, or has failed: then the socket is as it was before, and may be connected again. Meanwhile the fd polls
 * writable. Who does not want to wait any longer asks again with CONNECT (EALREADY; the fd tells the end from then on), on another
 * control connection, and closes this one, on which a reply may still come. A request on this one ends the wait (EINPROGRESS).
 *
 * TAPIR_OP_URGENT: the daemon finds urgent bytes by itself (the pair's POLLPRI), but may read one a moment before it is told of it. So a
 * library asks this before it sends with MSG_OOB, each time.
 *
 * TAPIR_OP_ACCEPT_AGAIN: who receives an accept message when he has no descriptor left gets it without (MSG_CTRUNC), and the kernel closes the
 * connection's end. The daemon keeps a connection that ends so early for a short while. ENOENT: it did not, or that is over.
 *
 * TAPIR_OP_ADOPT: how a process that can no longer reach the path (chroot) gets a control connection of its own from one that it
 * shares with others: it makes a socketpair and gives one end away. Nothing is read back, so any number of processes may do it
 * on the same connection. The credentials are those of the pair, that is of who made it. Only an end of an unnamed pair is taken, and
 * of each pair one; it gets a name. Anything else is closed.
 *
 * TAPIR_OP_BARE: for a program whose read(2) and recv(2) nobody sees (tapir run's notify mode). Nothing that is delivered has a header then,
 * and who does want the address, or ancillary data, asks for it before he reads: TAPIR_OP_NEXT_HEADER. Its addr.family is 0 when it is not
 * known any more. News that a datagram failed is told by NEXT_HEADER (TAPIR_DGRAM_ERROR) and TAKE_ERROR only. What the client
 * writes may have headers or not, as ever.
 *
 * TAPIR_OP_CHECK_SEND: what is written to the pair is sent later, when its sender has gone on. So before the first datagram to a destination
 * a library asks what sendto(2) would say, the pending error included; and again when one is longer than the answer, or an option was set.
 * With IP_RECVERR a local error is queued then as it would be.
 *
 * TAPIR_OP_NETLINK: the fd is an end of a SEQPACKET pair that carries rtnetlink(7) messages as they are, about the stack's links, addresses,
 * routes and neighbours. It is this end, the client's, that is bound to a name, "tapir-netlink/DAEMON/ID": getsockname(2) on any fd tells
 * whether it is one. The other end has none, so that recvmsg(2) in a program that knows nothing of us gives no unix address. It is no
 * socket for any of the other requests.
 *
 * A socket whose end the daemon closed after an error is still known for a while: TAKE_ERROR (and SO_ERROR) tells the error once
 * and then 0, GETSOCKNAME answers, everything else gets ENOTCONN. After that, and after a restart, it is ENOTSOCK. */

/* Socket options of the library's own, at the level IPPROTO_IPV6, with which it does what no request has a field for. */
enum {
	TAPIR_IPV6_NEXT_FLOW_INFO = 0x7401, /* set: sin6_flowinfo of the connect(2) that follows, in host order */
	TAPIR_IPV6_LEASED_FLOW_LABEL = 0x7402, /* get: the flow label that the last IPV6_FL_A_GET got, in host order */
};

/* Before every request and every reply. A reply repeats op and seq. A message without the magic number, or shorter than this
 * struct, closes the connection. Otherwise a request that cannot be read is answered: EPROTONOSUPPORT (version: the daemon's is in
 * the reply), ENOSYS (no such op), EBADMSG (wrong length), EBADF (no fd attached, or more than one), ENOTSOCK (not one of ours). */
struct tapir_header {
	uint32_t magic;
	uint16_t version;
	uint16_t op;
	uint32_t seq;
	int32_t error; /* reply: 0 or a positive errno; request: 0 */
};

struct tapir_addr {
	uint16_t family; /* AF_INET, AF_INET6: the form the socket's user sees; 0: none */
	uint16_t port;
	uint32_t scope_id;
	uint8_t addr[16];
};

struct tapir_hello {
	char daemon[64];  /* --name */
	char version[32]; /* of the daemon */
	int32_t pid;
	uint32_t offers; /* what tapir_available() tells: 1 sockets, 2 TLS, 4 DNS */
};

struct tapir_socket_req {
	int32_t family, type, protocol; /* type without SOCK_NONBLOCK and SOCK_CLOEXEC: these are the library's */
	int32_t reserved;
};

struct tapir_netlink {
	uint32_t port_id; /* as in sockaddr_nl: 0 none, or (bind) any */
	uint32_t type;	  /* reply: SOCK_RAW or SOCK_DGRAM */
	uint64_t groups;  /* bit g - 1: group g (RTNLGRP_*); all of them, that is those of bind(2) and of NETLINK_ADD_MEMBERSHIP */
};

struct tapir_socket_rep {
	uint64_t id;
};

struct tapir_int {
	int64_t value;
};

struct tapir_option {
	int32_t level, name;
	uint32_t len;
	uint32_t reserved;
	/* value */
};

struct tapir_tunable {
	char name[64];
	char value[64];
	char text[128]; /* reply: what it does, or, with an error, what was expected */
};

enum { TAPIR_CHANGE_TEXT_MAX = 768 }; /* a wrong line of a configuration is told with the file's path */

/* One change to the network layer of a running daemon. */
enum tapir_change_kind { TAPIR_CHANGE_ADDR = 1, TAPIR_CHANGE_ROUTE, TAPIR_CHANGE_NEIGH, TAPIR_CHANGE_GROUP };

enum tapir_change_how {
	TAPIR_CHANGE_NEW,     /* EEXIST: it is there; routes: one with equal destination and metric is */
	TAPIR_CHANGE_REPLACE, /* or in the place of what is there */
	TAPIR_CHANGE_OLD,     /* only in the place of what is there; ENOENT */
	TAPIR_CHANGE_APPEND,  /* routes: beside equal ones, for when their routers are silent */
};

enum tapir_route_kind { TAPIR_ROUTE_UNICAST, TAPIR_ROUTE_BLACKHOLE, TAPIR_ROUTE_UNREACHABLE, TAPIR_ROUTE_PROHIBIT };

enum { TAPIR_CHANGE_NO_DAD = 1, TAPIR_CHANGE_HAS_METRIC = 2, TAPIR_CHANGE_HAS_LEN = 4 }; /* flags of tapir_change */

struct tapir_change {
	uint32_t kind; /* enum tapir_change_kind */
	uint32_t is_del;
	char ifname[16]; /* empty: the link that fits, where there is only one */
	struct tapir_addr addr; /* of the address, destination, neighbour or multicast group */
	struct tapir_addr gateway; /* routes; family 0: on-link */
	uint32_t prefix_len; /* in the family's own count; addresses and routes */
	uint32_t metric;
	uint32_t valid_s, preferred_s; /* addresses; UINT32_MAX: for ever */
	uint8_t mac[6]; /* neighbours */
	uint16_t reserved;
	char text[TAPIR_CHANGE_TEXT_MAX]; /* reply: with an error, what was expected */
	uint32_t how;	     /* enum tapir_change_how, unless is_del */
	uint32_t flags;	     /* removing: what was not given fits everything */
	uint32_t route_kind; /* enum tapir_route_kind */
	uint32_t mtu;	     /* routes; 0: the link's */
	struct tapir_addr src; /* routes: the preferred source; family 0: none */
};

/* The way that a packet would go: TAPIR_OP_ROUTE. */
struct tapir_route_req {
	struct tapir_addr dst, src; /* src.family 0: as it comes */
	char ifname[16];	    /* empty: any */
};

/* What tools ask for. Each record has the size that the reply says, so that a newer daemon may append fields. */
enum tapir_dump {
	TAPIR_DUMP_SOCKETS = 1, /* tapir_sock_rec */
	TAPIR_DUMP_LINKS,	/* tapir_link_rec */
	TAPIR_DUMP_ADDRS,	/* tapir_addr_rec */
	TAPIR_DUMP_ROUTES,	/* tapir_route_rec */
	TAPIR_DUMP_NEIGHS,	/* tapir_neigh_rec */
	TAPIR_DUMP_STATS,	/* tapir_stat_rec */
	TAPIR_DUMP_TUNABLES,	/* tapir_tunable */
	TAPIR_DUMP_GROUPS,	/* tapir_group_rec */
	TAPIR_DUMP_DNS,		/* tapir_dns_rec */
	TAPIR_DUMP_DHCP,	/* tapir_dhcp_rec */
};

struct tapir_dump_req {
	uint32_t what;
	uint32_t reserved;
};

struct tapir_dump_rep {
	uint32_t what;
	uint32_t record_bytes;
	uint32_t record_count;
	uint32_t is_last;
	/* records */
};

enum { TAPIR_TCP_INFO_MAX = 256 };

struct tapir_sock_rec {
	uint64_t id;
	struct tapir_addr local, remote;
	int32_t type, protocol;
	char state[16];
	uint32_t recv_q, send_q;
	uint32_t timer_kind, timer_ms, retransmits;
	int32_t pid; /* of the client that opened it; 0: none holds it any more */
	uint32_t uid;
	uint32_t tcp_info_bytes; /* 0: no stream, or in TIME-WAIT */
	char cong[16];
	uint32_t ifindex;
	uint32_t reserved;
	uint8_t tcp_info[TAPIR_TCP_INFO_MAX]; /* struct tcp_info of <linux/tcp.h> */
};

struct tapir_link_rec {
	char name[16];
	uint32_t ifindex, mtu;
	uint8_t mac[6];
	uint16_t kind; /* 0 loopback, 1 Ethernet, 2 IP */
	uint32_t offloads; /* 1 checksum, 2 TSO4, 4 TSO6, 8 USO */
	uint32_t is_down;  /* switched off, or without carrier */
	uint64_t in_frames, out_frames, in_bytes, out_bytes, drops;
};

struct tapir_addr_rec {
	struct tapir_addr addr;
	uint32_t prefix_len; /* in the family's own count */
	uint32_t ifindex;
	char ifname[16];
	char state[16], origin[16];
	uint32_t valid_s, preferred_s; /* lifetimes left; UINT32_MAX: for ever; both 0: the daemon does not tell */
};

struct tapir_route_rec {
	struct tapir_addr dst, gateway; /* gateway.family 0: on-link */
	uint32_t prefix_len, metric;
	uint32_t ifindex;
	uint32_t is_down; /* its link is: it leads nowhere */
	char ifname[16];
	char origin[16];
	uint32_t lifetime_s; /* what is left; 0: for ever */
	int32_t preference;  /* of a router among equals: 1 high, 0 medium, -1 low (RFC 4191) */
	uint32_t kind;	     /* enum tapir_route_kind */
	uint32_t mtu;	     /* 0: the link's */
	struct tapir_addr src; /* family 0: none in particular */
};

struct tapir_neigh_rec {
	struct tapir_addr addr;
	uint8_t mac[6];
	uint16_t reserved;
	uint32_t ifindex, queued;
	uint64_t age_ms; /* since last confirmed; all ones: it never was */
	char ifname[16];
	char state[16];
};

/* A group that a link listens to: one record for each source of its filter, and one without a source when there is none. */
struct tapir_group_rec {
	struct tapir_addr addr, source; /* source.family 0: none */
	uint32_t ifindex;
	uint32_t users;	       /* memberships of sockets, and the stack's own; 0: left, and being told */
	uint32_t source_count; /* of the whole filter */
	uint32_t report_ms;    /* until the next report; all ones: none is due */
	uint16_t version;      /* of IGMP or MLD, spoken on the link */
	uint16_t is_exclude;   /* all sources but those of the filter; else only those */
	uint32_t reserved;
	char ifname[16];
};

/* A DNS server or a search domain that a link was told of. */
struct tapir_dns_rec {
	struct tapir_addr server; /* family 0: a search domain */
	uint32_t ifindex;
	uint32_t lifetime_s; /* of a router's word; all ones: for ever, or as long as the lease */
	char ifname[16], origin[16]; /* "slaac", "dhcp" */
	char domain[256];
};

enum { TAPIR_DHCP_SERVERS_MAX = 4 };

/* A DHCP client of a link. */
struct tapir_dhcp_rec {
	uint16_t family; /* AF_INET: DHCPv4 */
	uint8_t dns_count, ntp_count;
	uint32_t ifindex;
	char ifname[16], state[16];
	struct tapir_addr addr;	  /* IPv4: what was leased; family 0: nothing. IPv6: TAPIR_DUMP_ADDRS tells */
	uint32_t prefix_len;
	uint32_t addr_count;	  /* 0: there is no lease, and none of the times counts */
	struct tapir_addr server; /* IPv4 */
	uint32_t renew_s, rebind_s, expire_s; /* from now; UINT32_MAX: never */
	uint32_t mtu; /* 0: not said */
	struct tapir_addr dns[TAPIR_DHCP_SERVERS_MAX], ntp[TAPIR_DHCP_SERVERS_MAX];
	char domain[256]; /* the first; TAPIR_DUMP_DNS has them all */
};

struct tapir_stat_rec {
	char name[48];
	char text[104];
	uint64_t value;
};

struct tapir_capture_req {
	uint32_t snap_bytes; /* of each packet; 0: all */
	uint32_t reserved;
};

/* One packet on a capture stream, its bytes behind it. */
struct tapir_capture_rec {
	uint64_t time_ns;   /* since the epoch */
	uint32_t packet_bytes, captured_bytes; /* on the link; behind this struct */
	uint32_t ifindex;
	uint16_t is_out;
	uint16_t comment_bytes; /* a text behind the packet's bytes: the drop reason, or the connection */
	uint64_t missed;    /* packets not captured so far, because the reader was slow */
};

/* ---- 2. Accepted connections ---- */

struct tapir_accept {
	uint32_t magic;
	uint32_t reserved;
	uint64_t id;
	struct tapir_addr local, remote;
};

/* ---- 3. Datagrams ---- */

/* Before each datagram of an unconnected socket, both ways; on a connected one only when ancillary data was asked for, the
 * sender names an address, or the library sends an empty one (bare, that would look like the end). Either reader tells by the first
 * bytes whether a message is framed. @magic_id is the socket's id, known only to the daemon and to holders of the fd, so that no datagram
 * from the network can pass for a header. */
enum tapir_dgram_flag {
	/* Received, without payload: no datagram but the news that one failed (ECONNREFUSED, EHOSTUNREACH, EMSGSIZE, ...); error
	 * says which, addr whither if known. recv(2) fails with it once. */
	TAPIR_DGRAM_ERROR = 1,
	/* Received: which ancillary data the socket's options ask for; the values are in the fields below. */
	TAPIR_DGRAM_PKTINFO = 2,      /* IP_PKTINFO, IPV6_PKTINFO: local, ifindex */
	TAPIR_DGRAM_TTL = 4,	      /* IP_TTL, IPV6_HOPLIMIT */
	TAPIR_DGRAM_TOS = 8,	      /* IP_TOS, IPV6_TCLASS */
	TAPIR_DGRAM_TIMESTAMP = 16,   /* SCM_TIMESTAMP */
	TAPIR_DGRAM_TIMESTAMPNS = 32, /* SCM_TIMESTAMPNS */
	TAPIR_DGRAM_GRO = 64,	      /* UDP_GRO: segment_size */
	TAPIR_DGRAM_ORIGDSTADDR = 256, /* IP_ORIGDSTADDR, IPV6_ORIGDSTADDR: local, with its port */
	TAPIR_DGRAM_CTRUNC = 512, /* there would have been more ancillary data */
	/* With TAPIR_DGRAM_ERROR: a bell and nothing more. The error is still the socket's: what recv(2) fails with TAKE_ERROR tells, and
	 * RECV_ERROR has what is queued. A bell may come late: then there is no error left, and it means nothing. */
	TAPIR_DGRAM_BELL = 128,
	/* To send: MSG_CONFIRM (send(2)): what came before shows that the neighbour on the way is there. */
	TAPIR_DGRAM_CONFIRM = 1024,
};

struct tapir_dgram {
	uint64_t magic_id;
	uint32_t header_bytes;	 /* of this struct: room to grow */
	uint32_t flags;		 /* enum tapir_dgram_flag */
	struct tapir_addr addr;	 /* received: from whom; to send: to whom (family 0: the connected peer) */
	struct tapir_addr local; /* received: to which address; to send: from which (family 0: as bound) */
	uint32_t ifindex;
	int16_t ttl, tos; /* -1: not given */
	uint32_t segment_size; /* UDP_SEGMENT, UDP_GRO; 0 none */
	uint32_t error;	       /* with TAPIR_DGRAM_ERROR: a positive errno; else 0 */
	uint64_t time_ns;      /* received: since the epoch */
};

/* What ancillary data there is beyond these fields stands behind them, counted in header_bytes: control messages (cmsg(3)), each a struct
 * tapir_control, its data, and zeros to the next multiple of 8 bytes. Received: for the application as they are; an IP_PKTINFO among them,
 * which tells of a group or a broadcast address, stands in the place of what the header's fields say. To send: what
 * sendmsg(2) was given, as far as the library has checked no more than its form. */
struct tapir_control {
	uint16_t level, type;
	uint32_t bytes; /* of the data */
};

enum { TAPIR_CONTROLS_MAX = 2304 }; /* bytes of them all */

/* An error of the socket's queue (ip(7), IP_RECVERR), and behind it as much of the datagram as came back. */
struct tapir_dgram_error {
	uint32_t error; /* positive errno */
	uint8_t origin, type, code, reserved; /* SO_EE_ORIGIN_* */
	uint32_t info;
	uint32_t left; /* errors still in the queue */
	struct tapir_addr dst, offender; /* where the datagram was to go; who says that it failed */
};

struct tapir_send_check {
	struct tapir_dgram header; /* as it would stand before the datagram */
	uint32_t bytes;		   /* of the datagram */
	uint32_t reserved;
	/* the control messages that header.header_bytes tells of */
};

_Static_assert(sizeof(struct tapir_header) == 16, "layout");
_Static_assert(sizeof(struct tapir_addr) == 24, "layout");
_Static_assert(sizeof(struct tapir_accept) == 64, "layout");
_Static_assert(sizeof(struct tapir_dgram) == 88, "layout");
_Static_assert(sizeof(struct tapir_control) == 8, "layout");

#endif
