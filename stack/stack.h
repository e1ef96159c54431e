/* SPDX-License-Identifier: BSD-2-Clause */
/* stack.h - the engine's only door: frames in, frames out, deadlines, sockets and their events.
 *
 * The stack makes no system call. Time (microseconds, monotonic, never going back), memory and the secret seed come in;
 * frames, events and the next deadline go out. Two or a hundred stacks run in one process without knowing of each other.
 * A stack is used by one thread at a time.
 *
 * A program drives it like this, with one clock reading a turn:
 *
 *	for each frame that arrived:   stack_input(st, f, now);
 *	stack_tick(st, now);                                          run the timers that are due
 *	do {
 *		while ((s = stack_next_event(st, &events)))           move bytes between sockets and applications
 *			...
 *		while (stack_output(st, &out, now))                   put each packet on its link
 *			...
 *	} while (stack_has_events(st));
 *	sleep until stack_next_deadline_us(st), or until a frame or an application has something
 *
 * Functions return 0 or a count when they succeed and -errno when they do not, with Linux's errno for the case. */
#ifndef TAPIR_STACK_STACK_H
#define TAPIR_STACK_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "addr.h"
#include "dhcp_domains.h"
#include "frame.h"
#include "stats.h"

struct stack;
struct sock;

/* ---- The stack ---------------------------------------------------------------------------------------------------- */

enum stack_log_level { STACK_LOG_WARNING, STACK_LOG_NOTICE, STACK_LOG_DEBUG };

struct stack_config {
	uint8_t seed[32]; /* secret; everything random follows from it */
	/* Secret too, and the same at every start of this host: stable addresses follow from it (RFC 7217). All zero: from the seed. */
	uint8_t stable_secret[16];
	void *ctx;	  /* handed to every callback */

	/* Memory, malloc(3)-like; NULL: malloc and free. */
	void *(*alloc)(void *ctx, size_t bytes);
	void (*free)(void *ctx, void *p);

	/* One event a call, "tcp.state conn=12 from=ESTABLISHED to=CLOSE_WAIT why=fin"; NULL: silence. */
	void (*log)(void *ctx, enum stack_log_level level, const char *line);
	uint32_t log_levels; /* levels from this one on are not even composed; 0: all are wanted */

	/* How many connections that were taken by sock_accept() from @listener still wait for the application. They count
	 * against the backlog. Asked only when the queue looks full. NULL: none. */
	uint32_t (*accept_handed)(void *ctx, struct sock *listener);

	/* Limits; 0: the default. */
	uint32_t sockets_max;	 /* default 1,048,576 */
	size_t frame_bytes_max;	 /* packet buffers and socket queues together; default 1 GiB */
};

/** stack_open - a stack with no link but its loopback (interface 1, "lo", 127.0.0.1/8 and ::1/128).
 * Returns NULL when memory is refused. stack_close() frees everything, without a packet sent. */
struct stack *stack_open(const struct stack_config *config, uint64_t now_us);
void stack_close(struct stack *st);

/* ---- Links -------------------------------------------------------------------------------------------------------- */

enum link_kind {
	LINK_LOOPBACK,
	LINK_ETHERNET, /* frames carry Ethernet headers; neighbours are resolved (TAP) */
	LINK_IP,       /* frames are bare IP packets; no neighbours (TUN, packetdrill) */
};

/* What the other side of a link takes on. */
enum link_offload {
	LINK_OFFLOAD_CSUM = 1, /* checksums may be left FRAME_CSUM_PARTIAL */
	LINK_OFFLOAD_TSO4 = 2, /* TCP super-segments over IPv4, over IPv6 */
	LINK_OFFLOAD_TSO6 = 4,
	LINK_OFFLOAD_USO = 8,  /* UDP super-datagrams, both families */
};

enum { LINK_NAME_MAX = 16, LINK_MTU_MIN = 68, LINK_MTU_MAX = 65535 };

struct link_config {
	char name[LINK_NAME_MAX];
	enum link_kind kind;
	uint8_t mac[6];
	uint32_t mtu;	   /* bytes of an IP packet, LINK_MTU_MIN..LINK_MTU_MAX; IPv6 works from 1280 up (RFC 8200 section 5) */
	uint32_t offloads; /* enum link_offload, or'ed */
};

/** stack_add_link - Returns its interface index (2, 3, ...), -EINVAL for a bad configuration, -ENOBUFS. */
int stack_add_link(struct stack *st, const struct link_config *config);
int stack_set_link_mtu(struct stack *st, uint32_t ifindex, uint32_t mtu); /* -ENODEV, -EINVAL */

/** stack_set_link_up - the link was switched on or off, or its carrier came or went. Links begin up.
 * Down: nothing goes in or out, its neighbours are forgotten, its routes lead nowhere (-ENETUNREACH). Addresses, routes and what
 * routers said stay, and so do connections. Up again: all addresses are checked for duplicates anew, those found duplicate too, and
 * routers are asked (RFC 4861 section 6.3.7): the network may be another one.
 * Returns 0, -ENODEV (no such link, or the loopback). */
int stack_set_link_up(struct stack *st, uint32_t ifindex, bool is_up, uint64_t now_us);

struct link_info {
	struct link_config config;
	uint32_t ifindex;
	bool is_up;
	/* What routers said of it: 0, or false, until one does. DHCPv6 has addresses (M); it has other things to tell (O). */
	bool has_router_advertisement, is_managed, is_other;
	uint8_t ip6_hop_limit;
	uint32_t ip6_mtu;
	uint64_t in_frames, out_frames, in_bytes, out_bytes, drops;
};

/* ---- Addresses, routes, neighbours -------------------------------------------------------------------------------- */

/** stack_add_addr - give the link an address; its prefix becomes an on-link route. An IPv4 address on an Ethernet link is
 * probed and announced (RFC 5227) while it is already in use.
 * @prefix: the address with its host bits, and the length of its network.
 * Returns 0, -ENODEV, -EEXIST, -EINVAL (multicast, unspecified), -ENOBUFS. */
int stack_add_addr(struct stack *st, uint32_t ifindex, const struct ip_prefix *prefix, uint64_t now_us);

/** stack_del_addr - take the address away, and the on-link route of its network unless another address needs it. Sockets stay, as
 * with Linux: what is bound to it cannot send (connections try again until they time out, and go on should the address come back)
 * and hears nothing. -ENODEV, -EADDRNOTAVAIL. */
int stack_del_addr(struct stack *st, uint32_t ifindex, const struct ip_addr *addr, uint64_t now_us);

/* Where an address or a route comes from. */
enum net_origin {
	NET_STATIC,    /* somebody said so */
	NET_LOOPBACK,
	NET_LINKLOCAL, /* of the link itself */
	NET_ONLINK,    /* routes: the network of an address */
	NET_SLAAC,     /* a router's advertisement (RFC 4861, 4862) */
	NET_TEMPORARY, /* addresses: the same, for privacy (RFC 8981) */
	NET_REDIRECT,  /* routes: a router's redirect */
	NET_DHCP,
	NET_ORIGINS,
};

#define LIFETIME_FOREVER UINT32_MAX

struct addr_config {
	uint32_t ifindex;
	struct ip_prefix prefix; /* as stack_add_addr() wants it */
	enum net_origin origin;
	/* Seconds from now. When the preferred one is over, the address is a source for new connections only if there is no other
	 * (RFC 4862 section 5.5.4); when the valid one is, the address goes as by stack_del_addr(). */
	uint32_t valid_s, preferred_s;
	struct ip_addr broadcast; /* of its IPv4 network, beside the last address of that (RFC 2132 section 5.3); zero or the wildcard: none */
	bool no_prefix_route; /* its network does not become an on-link route */
	bool was_ours; /* IPv4: it is in use again, and used while it is checked */
	bool no_dad; /* nobody is asked whether he has it already */
};

/** stack_set_addr - add an address, or give the one we have these lifetimes and this origin; a duplicate is tried again.
 * Returns as stack_add_addr(), but never -EEXIST; -EINVAL too when the preferred lifetime is longer than the valid one, or that is 0. */
int stack_set_addr(struct stack *st, const struct addr_config *config, uint64_t now_us);

/* What becomes of packets that a route leads; the others refuse them, with the errors that Linux has for it. */
enum route_kind {
	ROUTE_UNICAST,
	ROUTE_BLACKHOLE,   /* EINVAL */
	ROUTE_UNREACHABLE, /* EHOSTUNREACH */
	ROUTE_PROHIBIT,    /* EACCES */
};

struct route_config {
	struct ip_prefix prefix;
	struct ip_addr gateway; /* the wildcard of the family: on-link */
	uint32_t ifindex;	/* 0: the link on whose network the gateway is */
	uint32_t metric;	/* the lower wins between equal prefixes */
	enum net_origin origin;
	uint32_t lifetime_s;	/* from now; 0: for ever */
	int8_t preference;	/* of routers with equal prefix and metric: 1 high, 0 medium, -1 low (RFC 4191) */
	uint8_t kind;		/* enum route_kind; one that refuses has no gateway and no link (the loopback) */
	struct ip_addr src;	/* the source address to prefer; a wildcard: as RFC 6724 says */
	uint32_t mtu;		/* the largest packet that way, where the link takes larger ones; 0: the link's */
};

/** stack_add_route - Returns 0, -EEXIST, -ENETUNREACH (gateway is on no link's network), -ENODEV, -ENOBUFS, -EINVAL (among others: the
 * source is none of our addresses). Of several routes with
 * equal prefix and metric the first of the highest preference is used whose router is not known to be silent.
 * stack_set_route() does the same or, when there is such a route (prefix, gateway, link, metric), changes it. */
int stack_add_route(struct stack *st, const struct route_config *route);
int stack_set_route(struct stack *st, const struct route_config *route, uint64_t now_us);
int stack_del_route(struct stack *st, const struct route_config *route); /* -ESRCH */

struct addr_info {
	struct ip_prefix prefix;
	uint32_t ifindex;
	const char *state;  /* "preferred", "deprecated", "optimistic" (in use, and being checked), "tentative" (not yet), "duplicate" */
	const char *origin; /* "static", "loopback", "linklocal", "slaac", "temporary", "dhcp" */
	uint32_t valid_s, preferred_s; /* left; LIFETIME_FOREVER */
	struct ip_addr broadcast;      /* the wildcard: its network has none */
};

struct route_info {
	struct route_config config; /* lifetime_s: what is left of it */
	const char *origin; /* "static", "onlink", "slaac", "redirect", "dhcp" */
};

struct neigh_info {
	struct ip_addr addr;
	uint32_t ifindex;
	uint8_t mac[6];
	const char *state;    /* "incomplete", "reachable", "stale", "delay", "probe", "failed", "permanent" */
	uint64_t confirmed_us; /* when it was last known to be reachable */
	uint32_t queued;       /* packets that wait for it */
};

/* The way to an address, as a socket would go it. */
struct route_found {
	struct ip_addr src;	 /* the source address to be used */
	struct ip_addr next_hop; /* the gateway, or the destination itself */
	uint32_t ifindex, mtu;
	bool is_local, is_broadcast;
};

const char *route_kind_text(enum route_kind kind); /* "unicast", "blackhole", ... */

/** stack_find_route - @src: a source address that is given, or NULL or the wildcard: the stack selects one (RFC 6724). @ifindex: the
 * link asked for, or 0. Returns 0, -ENETUNREACH, -EADDRNOTAVAIL (@src is not ours, or none will do), or what a route that refuses says. */
int stack_find_route(struct stack *st, const struct ip_addr *dst, const struct ip_addr *src, uint32_t ifindex,
		     struct route_found *found, uint64_t now_us);

/** stack_order_destinations - sort the first STACK_DESTINATIONS_MAX of @to, the best one to connect to first (RFC 6724 section 6); what
 * cannot be reached comes last, equals keep their order. For getaddrinfo(3). */
enum { STACK_DESTINATIONS_MAX = 64 };
void stack_order_destinations(struct stack *st, struct ip_endpoint *to, size_t n, uint64_t now_us);

/* Another number than before: links, addresses, routes or path MTUs may have changed. */
uint32_t stack_generation(const struct stack *st);

/** stack_join_group - have the link listen to a multicast group for as long as nobody says otherwise, as if a program did; sockets
 * that did not join it hear it by IP_MULTICAST_ALL. Returns 0, -ENODEV, -EINVAL (no group), -EEXIST (joined this way already),
 * -ENOBUFS. stack_leave_group() undoes it; -EADDRNOTAVAIL: the group was not joined this way. */
int stack_join_group(struct stack *st, uint32_t ifindex, const struct ip_addr *group, uint64_t now_us);
int stack_leave_group(struct stack *st, uint32_t ifindex, const struct ip_addr *group, uint64_t now_us);

struct group_info {
	struct ip_addr addr;
	uint32_t ifindex;
	uint32_t users;		       /* memberships of sockets, and the stack's own; 0: left, and being told */
	bool is_exclude;	       /* all sources but those listed; else only those */
	const struct ip_addr *sources; /* valid during the call */
	uint32_t source_count;
	unsigned version;	       /* of IGMP or MLD, spoken on the link */
	uint64_t report_due_us;	       /* UINT64_MAX: nothing to report */
};

/* A DNS server or a search domain that routers told (RFC 8106): @domain is NULL, or @server is "::". */
struct dns_info {
	uint32_t ifindex;
	struct ip_addr server;
	const char *domain;
	uint32_t lifetime_s; /* left; LIFETIME_FOREVER */
};
void stack_each_dns(struct stack *st, bool (*fn)(void *ctx, const struct dns_info *), void *ctx);

/** stack_set_neigh - the link address of a neighbour, from now on, whatever the network says; what waits for it goes out. Forgotten with
 * the link going down. Returns 0, -ENODEV (no Ethernet link), -EINVAL (no host's address of either kind), -ENOBUFS.
 * stack_del_neigh() forgets any neighbour, asked for or learnt; -ESRCH: it is not known. */
int stack_set_neigh(struct stack *st, uint32_t ifindex, const struct ip_addr *addr, const uint8_t mac[6], uint64_t now_us);
int stack_del_neigh(struct stack *st, uint32_t ifindex, const struct ip_addr *addr, uint64_t now_us);

/* Walk a table in its own order; the callback returns false to stop. The table must not change under the walk. */
void stack_each_link(struct stack *st, bool (*fn)(void *ctx, const struct link_info *), void *ctx);
void stack_each_addr(struct stack *st, bool (*fn)(void *ctx, const struct addr_info *), void *ctx);
void stack_each_route(struct stack *st, bool (*fn)(void *ctx, const struct route_info *), void *ctx);
void stack_each_group(struct stack *st, bool (*fn)(void *ctx, const struct group_info *), void *ctx);
void stack_each_neigh(struct stack *st, bool (*fn)(void *ctx, const struct neigh_info *), void *ctx);

/* ---- Configuration by DHCP ---------------------------------------------------------------------------------------- */

struct dhcp4_config {
	char hostname[64];	  /* sent to the server; "": none */
	struct ip_addr last_addr; /* asked for first (INIT-REBOOT); the wildcard: none */
	bool linklocal;		  /* take an address of 169.254/16 while no server answers (RFC 3927) */
};

/** stack_dhcp4_start - have the Ethernet link configured by DHCP (RFC 2131): its address, routes and MTU, for as long as the server lets
 * it. Other addresses of the link stay as they are. Returns 0, -ENODEV, -EINVAL (no Ethernet), -EEXIST (it runs), -ENOBUFS.
 * stack_dhcp4_stop() gives the lease back to the server and takes its configuration away; -ESRCH: it does not run. */
int stack_dhcp4_start(struct stack *st, uint32_t ifindex, const struct dhcp4_config *config, uint64_t now_us);
int stack_dhcp4_stop(struct stack *st, uint32_t ifindex, uint64_t now_us);

enum { DHCP_INFO_SERVERS_MAX = 4 };

struct dhcp4_info {
	const char *state;     /* "init", "selecting", "requesting", "rebooting", "probing", "bound", "renewing", "rebinding" */
	struct ip_prefix addr; /* len 0: there is no lease, and nothing below counts */
	struct ip_addr server;
	uint64_t t1_us, t2_us, expires_us; /* UINT64_MAX: never */
	uint16_t mtu; /* 0: not given */
	uint8_t dns_count, ntp_count;
	struct ip_addr dns[DHCP_INFO_SERVERS_MAX], ntp[DHCP_INFO_SERVERS_MAX];
	struct dhcp_domains domains; /* to search names in, the most wanted first */
};
int stack_dhcp4_info(struct stack *st, uint32_t ifindex, struct dhcp4_info *info); /* 0 or -ESRCH */

/** stack_dhcp6_start - have the Ethernet link ask DHCPv6 servers (RFC 8415) for what its routers say there is: addresses, or only
 * parameters. Nothing is sent before an advertisement says so. @hostname: sent to servers that give addresses; "": none. Returns 0, -ENODEV, -EINVAL (no Ethernet), -EEXIST (it runs), -ENOBUFS.
 * stack_dhcp6_stop() gives addresses back to the server; -ESRCH: it does not run. */
int stack_dhcp6_start(struct stack *st, uint32_t ifindex, const char *hostname, uint64_t now_us);
int stack_dhcp6_stop(struct stack *st, uint32_t ifindex, uint64_t now_us);

struct dhcp6_info {
	const char *state; /* "idle", "starting", "soliciting", "requesting", "bound", "renewing", "rebinding", "confirming", "declining",
			    * "informing", "informed" */
	uint8_t addr_count;		   /* 0: no addresses, and the times do not count */
	uint64_t t1_us, t2_us, expires_us; /* UINT64_MAX: never */
	uint8_t dns_count, ntp_count;
	struct ip_addr dns[DHCP_INFO_SERVERS_MAX], ntp[DHCP_INFO_SERVERS_MAX];
	struct dhcp_domains domains; /* to search names in, the most wanted first */
};
int stack_dhcp6_info(struct stack *st, uint32_t ifindex, struct dhcp6_info *info); /* 0 or -ESRCH */

/* ---- Packets and time --------------------------------------------------------------------------------------------- */

/** stack_frame_alloc - an empty frame with room for @bytes, to be filled (frame_put()) and handed to stack_input() or
 * sock_send_frame(). NULL: out of buffers. */
struct frame *stack_frame_alloc(struct stack *st, size_t bytes);

/** stack_input - process one received frame. Takes over the reference.
 * @f: data and len describe the frame as on the link; ifindex names the link; off says what is known of it.
 * What becomes of it is counted; stack_verdict() tells. */
void stack_input(struct stack *st, struct frame *f, uint64_t now_us);

/* What became of the frame given to the last stack_input(): the drop reason (STAT_NONE: not dropped) and the socket it was
 * for (0: none, or the stack itself). */
struct stack_verdict {
	enum stack_stat drop;
	uint64_t sock_id;
};
struct stack_verdict stack_verdict(const struct stack *st);

enum { FRAME_OUT_IOV_MAX = 20, FRAME_OUT_HDR_MAX = 256 };

/* A packet to put on link @ifindex, now: the pieces lie partly in @hdr and partly in the stack's queues, and stay valid
 * until the next call into the stack. */
struct frame_out {
	uint32_t ifindex;
	uint32_t len; /* of all pieces */
	int iovcnt;
	struct iovec iov[FRAME_OUT_IOV_MAX];
	struct frame_offload off;
	uint64_t sock_id;
	/* The stack's own: */
	struct frame *held;
	uint8_t hdr[FRAME_OUT_HDR_MAX];
};

/** stack_output - fetch the next packet that is due. @out need not be initialised the first time if zeroed; give the same
 * one every time. Returns false when nothing is due (and *out is then released). */
bool stack_output(struct stack *st, struct frame_out *out, uint64_t now_us);

uint64_t stack_next_deadline_us(struct stack *st); /* when stack_tick() must be called; UINT64_MAX: never */
void stack_tick(struct stack *st, uint64_t now_us);

/* ---- Sockets ------------------------------------------------------------------------------------------------------ */

/** sock_open - socket(2): @family AF_INET or AF_INET6, @type SOCK_STREAM, SOCK_DGRAM or SOCK_RAW, @protocol 0 or an IPPROTO_*
 * (SOCK_DGRAM with IPPROTO_ICMP or IPPROTO_ICMPV6: a ping socket, icmp(7)).
 * Returns the socket, or NULL with *err set: -EAFNOSUPPORT, -EPROTONOSUPPORT, -ESOCKTNOSUPPORT, -ENOBUFS. */
struct sock *sock_open(struct stack *st, int family, int type, int protocol, int *err);

uint64_t sock_id(const struct sock *s); /* never 0, never used again */
struct sock *sock_by_id(struct stack *st, uint64_t id);
void *sock_user(const struct sock *s); /* a pointer that belongs to the caller; NULL at first and for accepted sockets */
void sock_set_user(struct sock *s, void *user);
/* A uid and a process: SO_REUSEPORT shares a port within one owner only, IPV6_FLOWLABEL_MGR a label within one of either. */
void sock_set_owner(struct sock *s, uint32_t owner, int32_t pid);

/* bind(2): -EINVAL (bound already), -EADDRINUSE, -EADDRNOTAVAIL, -EAFNOSUPPORT (address of the wrong family). */
int sock_bind(struct sock *s, const struct ip_endpoint *local);

/* A socket without a connection gives its port back. Returns whether it had one from bind(2), and *was. */
bool sock_unbind(struct sock *s, struct ip_endpoint *was);

/* listen(2): @backlog as Linux counts it (0 holds one; capped by net.core.somaxconn). Again: changes the backlog. */
int sock_listen(struct sock *s, int backlog, uint64_t now_us);

/* connect(2), never blocking. Stream: -EINPROGRESS at first, then -EALREADY, then 0 once and -EISCONN; failures as the
 * network tells them. Datagram: 0; a NULL @remote dissolves the association (AF_UNSPEC). */
int sock_connect(struct sock *s, const struct ip_endpoint *remote, uint64_t now_us);

/* accept(2): the oldest established connection, or NULL with *err = -EAGAIN, -EINVAL (not listening). */
struct sock *sock_accept(struct sock *listener, int *err);

int sock_getname(const struct sock *s, struct ip_endpoint *local);
int sock_getpeer(const struct sock *s, struct ip_endpoint *remote); /* -ENOTCONN */

/* shutdown(2): @how SHUT_RD, SHUT_WR, SHUT_RDWR; -ENOTCONN. */
int sock_shutdown(struct sock *s, int how, uint64_t now_us);

/** sock_close - close(2): the socket is the stack's from now on, and goes when its protocol is done. Unread bytes make it a
 * reset (RFC 9293 section 3.10.4, RFC 2525 section 2.17), and so does SO_LINGER with zero time. sock_abort() always resets. */
void sock_close(struct sock *s, uint64_t now_us);
void sock_abort(struct sock *s, uint64_t now_us);

/* [gs]etsockopt(2) with Linux's levels, names and layouts, TCP_INFO included: -ENOPROTOOPT, -EINVAL, ... SO_ERROR is
 * cleared by reading it. *len goes in as the room at @value and comes out as the bytes written; a few options (IP_MSFILTER,
 * MCAST_MSFILTER) read their question from there. */
int sock_setopt(struct sock *s, int level, int name, const void *value, size_t len, uint64_t now_us);
int sock_getopt(struct sock *s, int level, int name, void *value, size_t *len, uint64_t now_us);

/* Whether Linux would take this value of IP_OPTIONS from privileged programs only: it has options whose meaning is not public. */
bool stack_options_need_privilege(const void *value, size_t len);

/* Events, told once each time they become true. */
enum sock_event {
	SOCK_CONNECTED = 1,    /* sock_connect() succeeded */
	SOCK_READABLE = 2,     /* bytes, a datagram, or a connection to accept arrived */
	SOCK_WRITABLE = 4,     /* room again in a send buffer that was found full */
	SOCK_PEER_CLOSED = 8,  /* stream: the peer's FIN; what is queued before it can still be read */
	SOCK_ERROR = 16,       /* reset, timed out, refused, or an ICMP error: SO_ERROR tells. A stream is dead then. */
	SOCK_CLOSED = 32,      /* stream: both directions are finished and acknowledged; only sock_close() is left to do */
};

/* The next socket with news, and which. NULL: none. */
struct sock *stack_next_event(struct stack *st, uint32_t *events);
bool stack_has_events(const struct stack *st);

/* What poll(2) would say now: POLLIN, POLLOUT, POLLERR, POLLHUP, POLLRDHUP. */
int sock_poll(const struct sock *s);

/* ---- Streams ---- */

/* Describe the received bytes in order, in up to @iov_max pieces, without taking them. Returns their number of bytes. */
size_t sock_recv_peek(struct sock *s, struct iovec *iov, int iov_max, int *iovcnt);

/* The first @n of them have been taken: the window may open. What is left is kept, copied together when it is small. */
void sock_recv_done(struct sock *s, size_t n, uint64_t now_us);

/** sock_send_reserve - room in the send queue for up to @want bytes, as up to @iov_max pieces to be written to.
 * Returns the number of pieces; 0 when the queue is full (SOCK_WRITABLE follows); -ENOTCONN, -EPIPE, or the socket's error.
 * sock_send_commit() says how many bytes were written; @more: further bytes follow at once (MSG_MORE). */
int sock_send_reserve(struct sock *s, size_t want, struct iovec *iov, int iov_max);
void sock_send_commit(struct sock *s, size_t n, bool more, uint64_t now_us);

/** sock_send_urgent - the last byte that was committed is urgent (MSG_OOB); to be called before the stack sends again. */
void sock_send_urgent(struct sock *s);

/** sock_urgent_offset - where among the received bytes the urgent one is, that is how many are before it. SIZE_MAX: none of them is. The
 * engine gives it in line with the others. A newer one makes an older one an ordinary byte. */
size_t sock_urgent_offset(const struct sock *s);

/* send(2) and recv(2), never blocking, with MSG_PEEK, MSG_MORE, MSG_TRUNC, and MSG_OOB to send: bytes, 0 at the peer's FIN, -EAGAIN,
 * -ENOTCONN, -EPIPE, -ECONNRESET, ... */
ssize_t sock_send(struct sock *s, const void *data, size_t n, int flags, uint64_t now_us);
ssize_t sock_recv(struct sock *s, void *data, size_t n, int flags, uint64_t now_us);

/* Bytes in the send queue that the peer has not acknowledged (SIOCOUTQ), and received ones not yet taken (FIONREAD). */
size_t sock_outq_bytes(const struct sock *s);
/** sock_lingers - whether a stream was closed that had this id, and the peer has yet to acknowledge what was sent, or the FIN. */
bool sock_lingers(struct stack *st, uint64_t id);
size_t sock_inq_bytes(const struct sock *s);

/* ---- Datagrams: UDP, raw, ping ---- */

/** sock_send_frame - send the payload in @f (from stack_frame_alloc()); takes over the reference, also on failure.
 * @info: dst is where to (port 0 and wildcard: the connected peer); src address, ifindex, ttl, tos and segment_size when set.
 * Returns 0 or -EDESTADDRREQ, -EMSGSIZE, -ENETUNREACH, -EACCES (broadcast without SO_BROADCAST), -EINVAL, a pending
 * socket error. -ENOBUFS: the send buffer (SO_SNDBUF) is full. */
int sock_send_frame(struct sock *s, struct frame *f, const struct dgram_info *info, uint64_t now_us);

/** sock_try_send - what sock_send_frame() would say to @bytes of payload sent with @info, without sending anything; a local error is
 * queued as it would be. @bytes_max: the most that may be sent that way. Returns 0 or -errno. */
int sock_try_send(struct sock *s, const struct dgram_info *info, size_t bytes, size_t *bytes_max);

/* The oldest received datagram: payload in data/len, the rest in info. NULL: none. The caller owns the reference. */
struct frame *sock_recv_frame(struct sock *s);

/** sock_each_control - the ancillary data that the socket's options ask for of a received datagram @f, but for what struct dgram_info has
 * fields for: each control message as recvmsg(2) gives it, in Linux's order. */
typedef void sock_control_fn(void *ctx, const struct dgram_control *control);
void sock_each_control(struct sock *s, const struct frame *f, sock_control_fn *fn, void *ctx);
bool sock_wants_controls(const struct sock *s); /* whether an option asks for any */

/* What recvmsg(2) with MSG_ERRQUEUE tells (ip(7), IP_RECVERR): struct sock_extended_err's fields. */
struct sock_error {
	int error;	 /* positive errno */
	uint8_t origin;	 /* SO_EE_ORIGIN_LOCAL, _ICMP, _ICMP6 */
	uint8_t type, code;
	uint32_t info;	 /* EMSGSIZE: the path MTU */
	struct ip_endpoint dst;	  /* where the datagram was to go */
	struct ip_addr offender;  /* who says so */
};

/* The oldest error of a socket with IP_RECVERR; the frame's window is what is known of the datagram's payload. NULL: none.
 * The caller owns the reference. *left: how many more there are. SO_ERROR becomes the next one's, if that came from the network. */
struct frame *sock_recv_error(struct sock *s, struct sock_error *e, uint32_t *left);

/* ---- Looking at it ------------------------------------------------------------------------------------------------ */

/* What `ss` shows of any socket; TCP details come from sock_getopt(TCP_INFO). */
struct sock_info {
	uint64_t id;
	int family, type, protocol;
	const char *state; /* as `ss` names it: "ESTAB", "LISTEN", "UNCONN", "TIME-WAIT", ... */
	struct ip_endpoint local, remote;
	uint32_t recv_q, send_q; /* bytes; for a listener: waiting connections and the backlog */
	uint32_t timer_kind;	 /* 0 none, 1 retransmit, 2 keepalive, 3 time-wait, 4 zero-window probe */
	uint32_t timer_ms;	 /* until it fires */
	uint32_t retransmits;
	char cong[16]; /* congestion control, streams only */
};
void sock_describe(struct sock *s, struct sock_info *info, uint64_t now_us);

/* Every socket, connections still in a handshake or in TIME-WAIT included (for those sock_by_id() finds nothing). */
void stack_each_sock(struct stack *st, bool (*fn)(void *ctx, const struct sock_info *), void *ctx, uint64_t now_us);

const uint64_t *stack_stats(const struct stack *st); /* STAT_COUNT counters */

/* ---- Tunables ----------------------------------------------------------------------------------------------------- */

/** stack_set, stack_get - a tunable by its name, Linux's where Linux has one ("net.ipv4.tcp_sack"), as text.
 * The rows of the policy table for addresses are among them (addr_policy.h).
 * Returns 0, -ENOENT (no such name), -EINVAL (not a number, or out of range: *why, if not NULL, says what was expected). */
int stack_set(struct stack *st, const char *name, const char *value, const char **why);
int stack_get(struct stack *st, const char *name, char *value, size_t room);
void stack_each_tunable(struct stack *st, bool (*fn)(void *ctx, const char *name, const char *value, const char *text),
			void *ctx);

#endif
