/* SPDX-License-Identifier: BSD-2-Clause */
/* sock.h - what every socket has, and what each protocol supplies.
 * stack.h's sock_*() functions live in sock.c (life, names, events) and sockopt.c (options); they do what is common and
 * call the protocol through struct sock_ops. A protocol's socket begins with a struct sock.
 * Lifetime: sock_open() or the protocol (accepted connections) makes one; after sock_close() the protocol frees it with
 * sock_free() when it is done with it. is_orphan says that no application holds it any more. */
#ifndef TAPIR_STACK_SOCK_H
#define TAPIR_STACK_SOCK_H

#include "ip.h"
#include "ip4_txopt.h"
#include "ip6_txopt.h"
#include "list.h"
#include "pool.h"
#include "port.h"
#include "stack.h"

enum { SOCK_PREFER_TMP = 0x1, SOCK_PREFER_PUBLIC = 0x2 }; /* of sock_opts.addr_prefs: IPV6_PREFER_SRC_* (RFC 5014 section 4) */

/* Options that hold for any protocol, at Linux's defaults. */
struct sock_opts {
	uint32_t rcvbuf, sndbuf;	/* bytes as getsockopt() shows them */
	bool rcvbuf_locked, sndbuf_locked; /* set by the application: no auto-tuning (SOCK_RCVBUF_LOCK) */
	uint8_t tos, tclass;
	uint8_t ttl;			/* 0: the stack's default */
	int16_t hop_limit;		/* -1: the stack's default */
	uint8_t mcast_ttl, mcast_hops;
	uint32_t mcast_ifindex, mcast_ifindex6;	/* IP_MULTICAST_IF, IPV6_MULTICAST_IF */
	uint8_t mcast_src[4];		/* IP_MULTICAST_IF by address: also the source; zero: none */
	uint8_t pmtudisc, pmtudisc6;	/* IP_PMTUDISC_*, IPV6_PMTUDISC_* */
	bool reuse_addr, reuse_port, v6only, broadcast, keepalive, no_check, mcast_loop, mcast_loop6, freebind;
	bool mcast_all, mcast_all6;	/* IP_MULTICAST_ALL, IPV6_MULTICAST_ALL */
	bool recv_err, recv_err6;	/* IP_RECVERR, IPV6_RECVERR */
	bool linger_on;
	int32_t linger_s;
	uint32_t bound_ifindex;		/* SO_BINDTODEVICE */
	uint32_t mark, priority;
	int32_t rcvlowat;
	bool recv_pktinfo, recv_ttl, recv_tos, recv_pktinfo6, recv_hoplimit, recv_tclass;
	/* Ancillary data that dgram_ctl.c makes: RFC 3542's, the old forms of RFC 2292, and ip(7)'s. */
	bool recv_hopopts, recv_rthdr, recv_dstopts, recv_flowinfo, recv_fragsize6, recv_pathmtu;
	bool recv_pktinfo2292, recv_hoplimit2292, recv_hopopts2292, recv_rthdr2292, recv_dstopts2292;
	bool recv_opts, recv_retopts, recv_fragsize, rxq_ovfl;
	bool flowinfo_send;		/* IPV6_FLOWINFO_SEND: sin6_flowinfo counts */
	bool has_auto_label, auto_label; /* IPV6_AUTOFLOWLABEL */
	uint32_t sticky_ifindex6;	/* IPV6_PKTINFO */
	struct ip_addr sticky_src6;
	bool rtalert, rtalert6, rtalert_isolate; /* raw sockets: IP_ROUTER_ALERT, IPV6_ROUTER_ALERT, _ISOLATE */
	bool timestamp, timestampns;	/* what the library shows from struct dgram_info */
	bool recv_origdst, recv_origdst6; /* IP_RECVORIGDSTADDR, IPV6_RECVORIGDSTADDR */
	bool hdrincl;
	bool dont_frag6;		/* IPV6_DONTFRAG */
	bool oob_inline;		/* SO_OOBINLINE */
	bool dont_route;		/* SO_DONTROUTE: only what needs no gateway */
	bool bind_no_port;		/* IP_BIND_ADDRESS_NO_PORT: connect(2) chooses the port */
	bool transparent;		/* IP_TRANSPARENT, IPV6_TRANSPARENT: may use foreign addresses */
	bool no_check6_tx, no_check6_rx; /* UDP_NO_CHECK6_TX, _RX */
	bool nodefrag;			/* IP_NODEFRAG, and three more that mean nothing here: kept to be shown */
	bool debug, wifi_status, no_fcs, filter_locked;
	uint8_t min_ttl, min_hops;	/* IP_MINTTL, IPV6_MINHOPCOUNT; 0: any */
	uint16_t addr_prefs;		/* IPV6_ADDR_PREFERENCES: IPV6_PREFER_SRC_TMP, _PUBLIC, _COA; 0: the defaults */
	uint16_t port_min, port_max;	/* IP_LOCAL_PORT_RANGE; 0: the stack's */
	uint32_t unicast_ifindex, unicast_ifindex6; /* IP_UNICAST_IF, IPV6_UNICAST_IF */
	uint32_t frag_bytes6;		/* IPV6_MTU: the largest fragment; 0: what the path takes */
	uint16_t gso_size;		/* UDP_SEGMENT */
	bool gro;			/* UDP_GRO */
};

struct sock {
	const struct sock_ops *ops;
	struct stack *st;
	uint64_t id;
	void *user;
	uint8_t family;		     /* AF_INET or AF_INET6 as opened; a v6 socket may talk to IPv4 unless v6only */
	uint8_t type;
	uint8_t protocol;
	bool is_bound, is_connected; /* local port held; datagrams: has a peer */
	bool is_orphan;
	bool rd_shut, wr_shut;	     /* shutdown(2) was called */
	bool addr_is_bound, port_is_bound; /* bind(2) named local.addr, and no wildcard; local.port, and not 0 */
	uint32_t owner;		     /* sock_set_owner() */
	int32_t owner_pid;
	int error;		     /* SO_ERROR, positive errno */
	uint32_t events;	     /* enum sock_event, not yet told */
	struct list event_link;	     /* on st->event_socks while events != 0 and not orphan */
	struct sock *id_next;	     /* in the table by id */
	struct port_hold port;	     /* the claim on local.port (port.h) */
	struct ip_endpoint local, remote;
	struct ip_dst dst;
	struct mcast_member *memberships;
	uint8_t *ip6_txopts[4];	     /* extension headers to be sent (ip6_txopt.h) */
	struct ip4_txopt *ip4_txopt; /* IP_OPTIONS (ip4_txopt.h) */
	struct flow_lease *flow_leases; /* IPV6_FLOWLABEL_MGR (flowlabel.h) */
	uint32_t flow_label;	     /* of packets to the peer, by connect(2)'s sin6_flowinfo; 0: none */
	uint32_t next_flow_info;     /* that of the next connect(2) */
	uint32_t flow_label_leased;  /* the last one */
	uint32_t rcv_flow_label;     /* TCP: of the peer's last packet */
	struct sock_opts opt;
};

/* NULL: the operation does not exist for the protocol (-EOPNOTSUPP). */
struct sock_ops {
	const char *name; /* "tcp", "udp", "raw", "icmp" */
	size_t sock_bytes;
	int (*init)(struct sock *s); /* the protocol's part of a fresh socket; 0 or -errno, with nothing to undo */
	void (*destroy)(struct sock *s); /* at stack_close(): free everything now, without a packet; ends in sock_free() */
	/* NULL: port_bind(). The address is of a right family and may be bound to, and the socket is not bound yet. */
	int (*bind)(struct sock *s, const struct ip_endpoint *local);
	int (*listen)(struct sock *s, int backlog, uint64_t now_us);
	int (*connect)(struct sock *s, const struct ip_endpoint *remote, uint64_t now_us);
	struct sock *(*accept)(struct sock *s, int *err);
	int (*shutdown)(struct sock *s, int how, uint64_t now_us);
	void (*close)(struct sock *s, bool abort, uint64_t now_us); /* the application is gone; frees it when it can */
	int (*poll)(const struct sock *s);
	int (*setopt)(struct sock *s, int level, int name, const void *value, size_t len, uint64_t now_us); /* own levels */
	int (*getopt)(struct sock *s, int level, int name, void *value, size_t *len, uint64_t now_us);
	void (*opt_changed)(struct sock *s, int level, int name, uint64_t now_us); /* s->opt was changed by a common option */
	void (*describe)(struct sock *s, struct sock_info *info, uint64_t now_us); /* state, queues, timer, cong */
	/* What has no struct sock: connections in a handshake or in TIME-WAIT. Returns false when @fn did. */
	bool (*each_other)(struct stack *st, bool (*fn)(void *ctx, const struct sock_info *), void *ctx, uint64_t now_us);
	int (*send_frame)(struct sock *s, struct frame *f, const struct dgram_info *info, uint64_t now_us);
	struct frame *(*recv_frame)(struct sock *s);
	struct frame *(*recv_error)(struct sock *s, struct sock_error *e, uint32_t *left);
	int (*check_send)(struct sock *s, const struct dgram_info *info, size_t bytes, size_t *bytes_max);
	size_t (*recv_peek)(struct sock *s, struct iovec *iov, int iov_max, int *iovcnt);
	void (*recv_done)(struct sock *s, size_t n, uint64_t now_us);
	int (*send_reserve)(struct sock *s, size_t want, struct iovec *iov, int iov_max);
	void (*send_commit)(struct sock *s, size_t n, bool more, uint64_t now_us);
	ssize_t (*send)(struct sock *s, const void *data, size_t n, int flags, uint64_t now_us);
	ssize_t (*recv)(struct sock *s, void *data, size_t n, int flags, uint64_t now_us);
	void (*send_urgent)(struct sock *s);
	size_t (*urgent_offset)(const struct sock *s);
	size_t (*outq_bytes)(const struct sock *s);
	size_t (*inq_bytes)(const struct sock *s);
	uint32_t (*drops)(const struct sock *s); /* datagrams that found the queue full */
};

/* Sockets by id. Ids are random: the daemon uses them as capabilities. */
enum { SOCK_POOLS = 4 };
struct sock_table {
	struct sock **buckets; /* chained by id_next */
	uint32_t bucket_count, count; /* bucket_count is a power of two */
	struct rng id_rng;
	struct pool pools[SOCK_POOLS]; /* memory of sockets, one pool a protocol */
};
int sock_table_init(struct stack *st); /* 0 or -ENOBUFS */
void sock_table_fini(struct stack *st);

/* Call ops->destroy() for every socket of @ops; for the protocols' table_fini(). */
void sock_destroy_all(struct stack *st, const struct sock_ops *ops);

extern const struct sock_ops tcp_sock_ops, udp_sock_ops, raw_sock_ops, ping_sock_ops;
bool tcp_sock_awaits_ack(const struct sock *s); /* of what it has sent, or of its FIN */

/** sock_alloc - a socket of @ops, zeroed but for its common part; it gets its id and holds no port. @like: the listener whose options
 * and owner an accepted connection inherits, else NULL. ops->init() is not called. NULL: limit reached or no memory, counted. */
struct sock *sock_alloc(struct stack *st, const struct sock_ops *ops, int family, int type, int protocol,
			const struct sock *like);

/* Take it off every list, give its port back, free its memory. What the protocol's part holds was released before. */
void sock_free(struct sock *s);

/* Tell the application (SOCK_ERROR together with sock_set_error()). Does nothing for an orphan. */
void sock_raise(struct sock *s, uint32_t events);
void sock_set_error(struct sock *s, int error); /* positive errno; raises SOCK_ERROR */
int sock_take_error(struct sock *s);		/* SO_ERROR: read and clear, positive errno or 0 */

/* Whether this socket may talk to @a: an AF_INET socket to IPv4 only, an AF_INET6 one to IPv4 unless v6only. */
bool sock_may_use(const struct sock *s, const struct ip_addr *a);

/* The route to @remote from @src, by the socket's options. @ifindex: the link asked for, or 0. 0 or -errno of ip_route(). */
int sock_find_route(const struct sock *s, const struct ip_endpoint *remote, const struct ip_addr *src, uint32_t ifindex,
		    struct ip_dst *out);

/* Find the route from the local address anew, into s->dst, which is empty on failure. 0 or -errno of ip_route(). */
int sock_route(struct sock *s, const struct ip_endpoint *remote);

/* The link that options and @remote's scope ask for, when the caller asks for none (@ifindex 0). */
uint32_t sock_asked_link(const struct sock *s, const struct ip_endpoint *remote, uint32_t ifindex);

/* The options and extension headers that the socket sends with each packet to @tx->dst go into @tx, which points to @room then. */
struct sock_tx_room {
	struct ip6_txopts ext;
	struct ip4_txopt_built ip4;
};
void sock_put_tx_options(const struct sock *s, struct ip_tx *tx, struct sock_tx_room *room);
uint32_t sock_tx_options_bytes(const struct sock *s, const struct ip_addr *dst); /* how long they are */

/* IP_MTU_DISCOVER or IPV6_MTU_DISCOVER, by the family of the peer; the values are the same:
 *	DONT       fragment here or on the way, as it comes
 *	WANT       do not fragment on the way what fits; fragment here what does not (the default)
 *	DO         never fragment: EMSGSIZE
 *	PROBE      the same, by the link's MTU, whatever is known of the path
 *	INTERFACE  by the link's MTU alone: EMSGSIZE above it; routers may fragment
 *	OMIT       the same, but what is larger is fragmented here */
uint8_t sock_pmtudisc(const struct sock *s, const struct ip_addr *remote);

/* The wildcard as a destination is this host. */
void sock_wildcard_to_loopback(struct ip_addr *a);

/* What stands beside @a in a struct ip_endpoint when it is used on link @ifindex: that, if it means nothing without; else 0. */
uint32_t sock_scope_of(const struct ip_addr *a, uint32_t ifindex);

/* enum ip_auto_label: whether packets without a flow label get one (IPV6_AUTOFLOWLABEL, net.ipv6.auto_flowlabels). */
uint8_t sock_auto_label(const struct sock *s);

/* What goes into the IP header of packets to @dst by this socket's options, the stack's defaults applied. */
uint8_t sock_ttl(const struct sock *s, const struct ip_addr *dst);
uint8_t sock_tos(const struct sock *s, const struct ip_addr *dst);

/* sockopt.c, sockopt_ip.c: the levels SOL_SOCKET, IPPROTO_IP and IPPROTO_IPV6. */
void sockopt_init(struct sock_opts *o, const struct stack *st);

/* Give an option's value of @n bytes to getsockopt(2)'s caller, cut to his room as Linux does. Returns 0. */
int sockopt_put(void *value, size_t *len, const void *from, size_t n);

#endif
