/* SPDX-License-Identifier: BSD-2-Clause */
#include "client-lib/option_table.h"

#include <errno.h>

#include "client-lib/option_names.h"

#define ROW(option_level, option_name, option_value, sockets)                                                                  \
	.level = option_level, .name = option_name, .text = #option_name, .value = option_value, .on = OPTION_ON_##sockets
#define REAL .answer = OPTION_REAL
#define EMULATED .answer = OPTION_EMULATED
#define REFUSED(error) .answer = OPTION_REFUSED, .refused_set = error, .refused_get = error
#define REFUSED_EACH(set_error, get_error) .answer = OPTION_REFUSED, .refused_set = set_error, .refused_get = get_error
#define REFUSED_SET(error) .answer = OPTION_REFUSED, .refused_set = error
#define NOTE(text) .remark = text
#define FICKLE .is_fickle = true
#define SINCE(major, minor) .since = (major) << 8 | (minor)

const struct option_row option_table[] = {
	/* ---- SOL_SOCKET, socket(7) ---- */
	{ ROW(SOL_SOCKET, SO_DEBUG, "int", ALL), EMULATED, NOTE("a flag without effect; 1 takes privilege: EACCES") },
	{ ROW(SOL_SOCKET, SO_REUSEADDR, "int", ALL), REAL },
	{ ROW(SOL_SOCKET, SO_TYPE, "int", ALL), REAL, NOTE("shown only") },
	{ ROW(SOL_SOCKET, SO_ERROR, "int", ALL), REAL, NOTE("shown only; cleared by reading it") },
	{ ROW(SOL_SOCKET, SO_DONTROUTE, "int", ALL), REAL, NOTE("destinations behind a gateway are ENETUNREACH") },
	{ ROW(SOL_SOCKET, SO_BROADCAST, "int", ALL), REAL },
	{ ROW(SOL_SOCKET, SO_SNDBUF, "int", ALL), REAL,
	  NOTE("doubled; at most net.core.wmem_max before doubling, at least 4608 after") },
	{ ROW(SOL_SOCKET, SO_RCVBUF, "int", ALL), REAL,
	  NOTE("doubled; at most net.core.rmem_max before doubling, at least 2304 after; fixes the size: no auto-tuning") },
	{ ROW(SOL_SOCKET, SO_KEEPALIVE, "int", ALL), REAL, NOTE("of meaning for TCP alone") },
	{ ROW(SOL_SOCKET, SO_OOBINLINE, "int", ALL), REAL },
	{ ROW(SOL_SOCKET, SO_NO_CHECK, "int", ALL), REAL, NOTE("UDP over IPv4 is sent without a checksum") },
	{ ROW(SOL_SOCKET, SO_PRIORITY, "int", ALL), EMULATED,
	  NOTE("0..6, more takes privilege (EPERM); IP_TOS sets it; there is one queue, in which nothing overtakes") },
	{ ROW(SOL_SOCKET, SO_LINGER, "struct linger", ALL), REAL, NOTE("time 0: close() resets; else it waits, but not in notify mode") },
	{ ROW(SOL_SOCKET, SO_BSDCOMPAT, "int", ALL), EMULATED, NOTE("does nothing on Linux either") },
	{ ROW(SOL_SOCKET, SO_REUSEPORT, "int", ALL), REAL,
	  NOTE("TCP listeners and UDP sockets of one user share a port; a keyed hash of the peer's address chooses") },
	{ ROW(SOL_SOCKET, SO_PASSCRED, "int", ALL), REAL, NOTE("EOPNOTSUPP: for AF_UNIX only") },
	{ ROW(SOL_SOCKET, SO_PEERCRED, "struct ucred", ALL), REAL, NOTE("shown only: pid 0, uid and gid -1") },
	{ ROW(SOL_SOCKET, SO_RCVLOWAT, "int", ALL), REAL,
	  NOTE("a stream polls readable, and blocking reads return, at the mark; in notify mode a read that does not block finds nothing below it") },
	{ ROW(SOL_SOCKET, SO_SNDLOWAT, "int", ALL), REAL, NOTE("shown only: 1") },
	{ ROW(SOL_SOCKET, SO_RCVTIMEO_OLD, "struct timeval", ALL), REAL, NOTE("the kernel's own: blocking calls are its") },
	{ ROW(SOL_SOCKET, SO_SNDTIMEO_OLD, "struct timeval", ALL), REAL, NOTE("the kernel's own; connect(2) goes by it too") },
	{ ROW(SOL_SOCKET, SO_BINDTODEVICE, "char[16]", ALL), REAL, NOTE("ENODEV; another link once bound to one takes privilege") },
	{ ROW(SOL_SOCKET, SO_ATTACH_FILTER, "struct sock_fprog", ALL), REFUSED_SET(ENOPROTOOPT),
	  NOTE("there are no filters; getsockopt (SO_GET_FILTER) shows that none is attached") },
	{ ROW(SOL_SOCKET, SO_DETACH_FILTER, "int", ALL), REAL, NOTE("set only: ENOENT, as none is attached") },
	{ ROW(SOL_SOCKET, SO_PEERNAME, "struct sockaddr", ALL), REAL, FICKLE, NOTE("shown only; as getpeername(2)") },
	{ ROW(SOL_SOCKET, SO_TIMESTAMP_OLD, "int", ALL), REAL },
	{ ROW(SOL_SOCKET, SO_ACCEPTCONN, "int", ALL), REAL, NOTE("shown only") },
	{ ROW(SOL_SOCKET, SO_PEERSEC, "char[]", ALL), REAL, NOTE("ENOPROTOOPT, as without a security module") },
	{ ROW(SOL_SOCKET, SO_SNDBUFFORCE, "int", ALL), REAL, NOTE("set only; takes privilege: EPERM") },
	{ ROW(SOL_SOCKET, SO_RCVBUFFORCE, "int", ALL), REAL, NOTE("set only; takes privilege: EPERM") },
	{ ROW(SOL_SOCKET, SO_PASSSEC, "int", ALL), REAL, NOTE("EOPNOTSUPP: for AF_UNIX only") },
	{ ROW(SOL_SOCKET, SO_TIMESTAMPNS_OLD, "int", ALL), REAL },
	{ ROW(SOL_SOCKET, SO_MARK, "int", ALL), EMULATED,
	  NOTE("takes privilege: EPERM; there is no routing and no filter that could go by it") },
	{ ROW(SOL_SOCKET, SO_TIMESTAMPING_OLD, "int", ALL), REFUSED_SET(ENOPROTOOPT), NOTE("shown as 0") },
	{ ROW(SOL_SOCKET, SO_PROTOCOL, "int", ALL), REAL, NOTE("shown only") },
	{ ROW(SOL_SOCKET, SO_DOMAIN, "int", ALL), REAL, NOTE("shown only") },
	{ ROW(SOL_SOCKET, SO_RXQ_OVFL, "int", ALL), REAL, NOTE("of meaning for datagrams") },
	{ ROW(SOL_SOCKET, SO_WIFI_STATUS, "int", ALL), EMULATED, NOTE("as on a wire: there is never a status to tell") },
	{ ROW(SOL_SOCKET, SO_PEEK_OFF, "int", ALL), REFUSED(EOPNOTSUPP) },
	{ ROW(SOL_SOCKET, SO_NOFCS, "int", ALL), EMULATED, NOTE("means nothing to sockets of the internet on Linux either") },
	{ ROW(SOL_SOCKET, SO_LOCK_FILTER, "int", ALL), EMULATED, NOTE("there is no filter to change; cannot be undone: EPERM") },
	{ ROW(SOL_SOCKET, SO_SELECT_ERR_QUEUE, "int", ALL), REFUSED_SET(ENOPROTOOPT) },
	{ ROW(SOL_SOCKET, SO_BUSY_POLL, "int", ALL), REFUSED(ENOPROTOOPT), NOTE("as a kernel without CONFIG_NET_RX_BUSY_POLL") },
	{ ROW(SOL_SOCKET, SO_MAX_PACING_RATE, "unsigned long", ALL), REFUSED_SET(ENOPROTOOPT),
	  NOTE("nothing is paced: shown as no limit") },
	{ ROW(SOL_SOCKET, SO_BPF_EXTENSIONS, "int", ALL), REFUSED(ENOPROTOOPT), NOTE("there are no filters") },
	{ ROW(SOL_SOCKET, SO_INCOMING_CPU, "int", ALL), REFUSED_SET(ENOPROTOOPT), FICKLE, NOTE("shown as -1: none") },
	{ ROW(SOL_SOCKET, SO_ATTACH_BPF, "int", ALL), REFUSED_SET(ENOPROTOOPT), NOTE("there are no filters") },
	{ ROW(SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, "struct sock_fprog", ALL), REFUSED_SET(ENOPROTOOPT), NOTE("there are no filters") },
	{ ROW(SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, "int", ALL), REFUSED_SET(ENOPROTOOPT), NOTE("there are no filters") },
	{ ROW(SOL_SOCKET, SO_CNX_ADVICE, "int", ALL), REAL, NOTE("set only; 1: look for the route anew") },
	{ ROW(SOL_SOCKET, SO_MEMINFO, "uint32_t[9]", ALL), REAL, FICKLE, NOTE("shown only") },
	{ ROW(SOL_SOCKET, SO_INCOMING_NAPI_ID, "int", ALL), REFUSED(ENOPROTOOPT), NOTE("as a kernel without CONFIG_NET_RX_BUSY_POLL") },
	{ ROW(SOL_SOCKET, SO_COOKIE, "uint64_t", ALL), REAL, FICKLE, NOTE("shown only") },
	{ ROW(SOL_SOCKET, SO_PEERGROUPS, "gid_t[]", ALL), REAL, NOTE("shown only: ENODATA") },
	{ ROW(SOL_SOCKET, SO_ZEROCOPY, "int", ALL), REFUSED_SET(EOPNOTSUPP), NOTE("shown as 0; MSG_ZEROCOPY without it is a plain send") },
	{ ROW(SOL_SOCKET, SO_TXTIME, "struct sock_txtime", ALL), REFUSED_SET(ENOPROTOOPT) },
	{ ROW(SOL_SOCKET, SO_BINDTOIFINDEX, "int", ALL), REAL },
	{ ROW(SOL_SOCKET, SO_TIMESTAMP_NEW, "int", ALL), REFUSED_SET(ENOPROTOOPT), NOTE("on 64-bit machines nobody needs it") },
	{ ROW(SOL_SOCKET, SO_TIMESTAMPNS_NEW, "int", ALL), REFUSED_SET(ENOPROTOOPT), NOTE("on 64-bit machines nobody needs it") },
	{ ROW(SOL_SOCKET, SO_TIMESTAMPING_NEW, "int", ALL), REFUSED_SET(ENOPROTOOPT), NOTE("shown as 0") },
	{ ROW(SOL_SOCKET, SO_RCVTIMEO_NEW, "struct __kernel_sock_timeval", ALL), REAL, NOTE("as SO_RCVTIMEO_OLD") },
	{ ROW(SOL_SOCKET, SO_SNDTIMEO_NEW, "struct __kernel_sock_timeval", ALL), REAL, NOTE("as SO_SNDTIMEO_OLD") },
	{ ROW(SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, "int", ALL), REAL, NOTE("set only: ENOENT, as none is attached") },
	{ ROW(SOL_SOCKET, SO_PREFER_BUSY_POLL, "int", ALL), REFUSED(ENOPROTOOPT), NOTE("as a kernel without CONFIG_NET_RX_BUSY_POLL") },
	{ ROW(SOL_SOCKET, SO_BUSY_POLL_BUDGET, "int", ALL), REFUSED(ENOPROTOOPT), NOTE("as a kernel without CONFIG_NET_RX_BUSY_POLL") },
	{ ROW(SOL_SOCKET, SO_NETNS_COOKIE, "uint64_t", ALL), REAL, FICKLE, NOTE("shown only; of the daemon's namespace") },
	{ ROW(SOL_SOCKET, SO_BUF_LOCK, "int", ALL), REAL, NOTE("0..3; which buffers the application has fixed") },
	{ ROW(SOL_SOCKET, SO_RESERVE_MEM, "int", ALL), REFUSED_SET(EOPNOTSUPP), NOTE("shown as 0") },
	{ ROW(SOL_SOCKET, SO_TXREHASH, "int", ALL), REFUSED(ENOPROTOOPT), SINCE(5, 18) },
	{ ROW(SOL_SOCKET, SO_RCVMARK, "int", ALL), REFUSED_SET(ENOPROTOOPT), SINCE(5, 19) },
	{ ROW(SOL_SOCKET, SO_PASSPIDFD, "int", ALL), REAL, NOTE("EOPNOTSUPP: for AF_UNIX only"), SINCE(6, 5) },
	{ ROW(SOL_SOCKET, SO_PEERPIDFD, "int", ALL), REAL, NOTE("shown only: ENODATA"), SINCE(6, 5) },
	{ ROW(SOL_SOCKET, SO_DEVMEM_DONTNEED, "struct dmabuf_token[]", TCP), REFUSED(ENOPROTOOPT), SINCE(6, 12) },
	{ ROW(SOL_SOCKET, SO_RCVPRIORITY, "int", ALL), REFUSED_SET(ENOPROTOOPT), SINCE(6, 14) },
	{ ROW(SOL_SOCKET, SO_PASSRIGHTS, "int", ALL), REAL, NOTE("EOPNOTSUPP: for AF_UNIX only"), SINCE(6, 16) },

	/* ---- IPPROTO_IP, ip(7): on IPv4 sockets, and on IPv6 ones that are not raw ---- */
	{ ROW(IPPROTO_IP, IP_TOS, "int or char", ALL), REAL, NOTE("TCP keeps the two ECN bits; sets SO_PRIORITY") },
	{ ROW(IPPROTO_IP, IP_TTL, "int or char", ALL), REAL, NOTE("1..255, -1: the default") },
	{ ROW(IPPROTO_IP, IP_HDRINCL, "int or char", RAW), REAL },
	{ ROW(IPPROTO_IP, IP_OPTIONS, "char[0..40]", ALL), REAL, NOTE("of 0 bytes: none; source routes, recorded routes and time stamps as ip(7) has them; times are not the time of day; unknown ones take privilege: EINVAL") },
	{ ROW(IPPROTO_IP, IP_ROUTER_ALERT, "int or char", RAW), EMULATED, NOTE("a host forwards nothing that such a socket could be shown") },
	{ ROW(IPPROTO_IP, IP_RECVOPTS, "int or char", ALL), REAL },
	{ ROW(IPPROTO_IP, IP_RETOPTS, "int or char", ALL), REAL },
	{ ROW(IPPROTO_IP, IP_PKTINFO, "int or char", ALL), REAL },
	{ ROW(IPPROTO_IP, IP_PKTOPTIONS, "char[]", ALL), REFUSED(ENOPROTOOPT) },
	{ ROW(IPPROTO_IP, IP_MTU_DISCOVER, "int or char", ALL), REAL, NOTE("IP_PMTUDISC_DONT .. IP_PMTUDISC_OMIT") },
	{ ROW(IPPROTO_IP, IP_RECVERR, "int or char", ALL), REAL },
	{ ROW(IPPROTO_IP, IP_RECVTTL, "int or char", ALL), REAL },
	{ ROW(IPPROTO_IP, IP_RECVTOS, "int or char", ALL), REAL },
	{ ROW(IPPROTO_IP, IP_MTU, "int or char", ALL), REAL, FICKLE, NOTE("shown only, when connected: ENOTCONN") },
	{ ROW(IPPROTO_IP, IP_FREEBIND, "int or char", ALL), REAL },
	{ ROW(IPPROTO_IP, IP_IPSEC_POLICY, "struct sadb_x_policy", ALL), REFUSED(ENOPROTOOPT) },
	{ ROW(IPPROTO_IP, IP_XFRM_POLICY, "struct xfrm_userpolicy_info", ALL), REFUSED(ENOPROTOOPT) },
	{ ROW(IPPROTO_IP, IP_PASSSEC, "int or char", ALL), REFUSED_SET(ENOPROTOOPT) },
	{ ROW(IPPROTO_IP, IP_TRANSPARENT, "int or char", ALL), EMULATED,
	  NOTE("takes privilege: EPERM; allows foreign addresses as IP_FREEBIND does; nothing redirects packets to such a socket") },
	{ ROW(IPPROTO_IP, IP_RECVORIGDSTADDR, "int or char", ALL), REAL },
	{ ROW(IPPROTO_IP, IP_MINTTL, "int or char", ALL), REAL, NOTE("0..255; of meaning for TCP alone, as on Linux") },
	{ ROW(IPPROTO_IP, IP_NODEFRAG, "int or char", RAW), EMULATED, NOTE("always so: what is sent is never reassembled on its way out") },
	{ ROW(IPPROTO_IP, IP_CHECKSUM, "int or char", ALL), REFUSED_SET(ENOPROTOOPT) },
	{ ROW(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, "int or char", ALL), REAL },
	{ ROW(IPPROTO_IP, IP_RECVFRAGSIZE, "int or char", ALL), REAL, NOTE("EINVAL on TCP") },
	{ ROW(IPPROTO_IP, IP_RECVERR_RFC4884, "int or char", ALL), REFUSED_SET(ENOPROTOOPT) },
	{ ROW(IPPROTO_IP, IP_MULTICAST_IF, "struct in_addr, ip_mreq, ip_mreqn", ALL), REAL },
	{ ROW(IPPROTO_IP, IP_MULTICAST_TTL, "int or char", ALL), REAL, NOTE("0..255, -1: 1; EINVAL on TCP") },
	{ ROW(IPPROTO_IP, IP_MULTICAST_LOOP, "int or char", ALL), REAL },
	{ ROW(IPPROTO_IP, IP_ADD_MEMBERSHIP, "struct ip_mreq, ip_mreqn", ALL), REAL },
	{ ROW(IPPROTO_IP, IP_DROP_MEMBERSHIP, "struct ip_mreq, ip_mreqn", ALL), REAL },
	{ ROW(IPPROTO_IP, IP_UNBLOCK_SOURCE, "struct ip_mreq_source", ALL), REAL },
	{ ROW(IPPROTO_IP, IP_BLOCK_SOURCE, "struct ip_mreq_source", ALL), REAL },
	{ ROW(IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, "struct ip_mreq_source", ALL), REAL },
	{ ROW(IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, "struct ip_mreq_source", ALL), REAL },
	{ ROW(IPPROTO_IP, IP_MSFILTER, "struct ip_msfilter", ALL), REAL },
	{ ROW(IPPROTO_IP, MCAST_JOIN_GROUP, "struct group_req", ALL), REAL },
	{ ROW(IPPROTO_IP, MCAST_BLOCK_SOURCE, "struct group_source_req", ALL), REAL },
	{ ROW(IPPROTO_IP, MCAST_UNBLOCK_SOURCE, "struct group_source_req", ALL), REAL },
	{ ROW(IPPROTO_IP, MCAST_LEAVE_GROUP, "struct group_req", ALL), REAL },
	{ ROW(IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP, "struct group_source_req", ALL), REAL },
	{ ROW(IPPROTO_IP, MCAST_LEAVE_SOURCE_GROUP, "struct group_source_req", ALL), REAL },
	{ ROW(IPPROTO_IP, MCAST_MSFILTER, "struct group_filter", ALL), REAL },
	{ ROW(IPPROTO_IP, IP_MULTICAST_ALL, "int or char", ALL), REAL, NOTE("0 or 1") },
	{ ROW(IPPROTO_IP, IP_UNICAST_IF, "int", ALL), REAL, NOTE("the index in network byte order") },
	{ ROW(IPPROTO_IP, IP_LOCAL_PORT_RANGE, "uint32_t", ALL), REAL, SINCE(6, 3),
	  NOTE("the lowest port in the lower half, the highest in the upper; 0: the default") },
	{ ROW(IPPROTO_IP, IP_PROTOCOL, "int or char", ALL), REAL, SINCE(6, 4), FICKLE, NOTE("shown only: a raw socket's protocol, else the port, as on Linux") },

	/* ---- IPPROTO_IPV6, ipv6(7): on IPv6 sockets ---- */
	{ ROW(IPPROTO_IPV6, IPV6_ADDRFORM, "int", ALL), REFUSED(ENOPROTOOPT) },
	{ ROW(IPPROTO_IPV6, IPV6_2292PKTINFO, "int", ALL), REAL, NOTE("RFC 2292's form of it") },
	{ ROW(IPPROTO_IPV6, IPV6_2292HOPOPTS, "int", ALL), REAL, NOTE("RFC 2292's form of it") },
	{ ROW(IPPROTO_IPV6, IPV6_2292DSTOPTS, "int", ALL), REAL, NOTE("RFC 2292's form of it") },
	{ ROW(IPPROTO_IPV6, IPV6_2292RTHDR, "int", ALL), REAL, NOTE("RFC 2292's form of it") },
	{ ROW(IPPROTO_IPV6, IPV6_2292PKTOPTIONS, "char[]", ALL), REFUSED(ENOPROTOOPT) },
	{ ROW(IPPROTO_IPV6, IPV6_CHECKSUM, "int", RAW), REAL, NOTE("even, or negative: none; not on ICMPv6") },
	{ ROW(IPPROTO_IPV6, IPV6_2292HOPLIMIT, "int", ALL), REAL, NOTE("RFC 2292's form of it") },
	{ ROW(IPPROTO_IPV6, IPV6_NEXTHOP, "struct sockaddr_in6", ALL), REAL, NOTE("ENOPROTOOPT, as on Linux") },
	{ ROW(IPPROTO_IPV6, IPV6_FLOWINFO, "int", ALL), REAL, NOTE("traffic class and flow label in a control message, unless both are 0") },
	{ ROW(IPPROTO_IPV6, IPV6_UNICAST_HOPS, "int", ALL), REAL, NOTE("0..255, -1: the default") },
	{ ROW(IPPROTO_IPV6, IPV6_MULTICAST_IF, "int", ALL), REAL },
	{ ROW(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, "int", ALL), REAL, NOTE("0..255, -1: 1; ENOPROTOOPT on TCP") },
	{ ROW(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, "int", ALL), REAL, NOTE("0 or 1") },
	{ ROW(IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, "struct ipv6_mreq", ALL), REAL },
	{ ROW(IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, "struct ipv6_mreq", ALL), REAL },
	{ ROW(IPPROTO_IPV6, IPV6_ROUTER_ALERT, "int", RAW), EMULATED, NOTE("IPPROTO_RAW only; a host forwards nothing that such a socket could be shown") },
	{ ROW(IPPROTO_IPV6, IPV6_MTU_DISCOVER, "int", ALL), REAL, NOTE("IPV6_PMTUDISC_DONT .. IPV6_PMTUDISC_OMIT") },
	{ ROW(IPPROTO_IPV6, IPV6_MTU, "int", ALL), REAL, FICKLE, NOTE("shown when connected: ENOTCONN; set: 0, or 1280 and more: the largest fragment") },
	{ ROW(IPPROTO_IPV6, IPV6_RECVERR, "int", ALL), REAL },
	{ ROW(IPPROTO_IPV6, IPV6_V6ONLY, "int", ALL), REAL, NOTE("not once bound: EINVAL") },
	{ ROW(IPPROTO_IPV6, IPV6_JOIN_ANYCAST, "struct ipv6_mreq", ALL), REFUSED(ENOPROTOOPT) },
	{ ROW(IPPROTO_IPV6, IPV6_LEAVE_ANYCAST, "struct ipv6_mreq", ALL), REFUSED(ENOPROTOOPT) },
	{ ROW(IPPROTO_IPV6, IPV6_MULTICAST_ALL, "int", ALL), REAL },
	{ ROW(IPPROTO_IPV6, IPV6_ROUTER_ALERT_ISOLATE, "int", ALL), EMULATED, NOTE("as IPV6_ROUTER_ALERT") },
	{ ROW(IPPROTO_IPV6, IPV6_RECVERR_RFC4884, "int", ALL), REFUSED_SET(ENOPROTOOPT) },
	{ ROW(IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, "struct in6_flowlabel_req", ALL), REAL, NOTE("get, put and renew, shared as asked for; without headers that go with the label: EINVAL; lingering over 150 s takes privilege: EPERM") },
	{ ROW(IPPROTO_IPV6, IPV6_FLOWINFO_SEND, "int", ALL), REAL, NOTE("sin6_flowinfo of connect(2) and sendto(2) is the flow label") },
	{ ROW(IPPROTO_IPV6, IPV6_IPSEC_POLICY, "struct sadb_x_policy", ALL), REFUSED(ENOPROTOOPT) },
	{ ROW(IPPROTO_IPV6, IPV6_XFRM_POLICY, "struct xfrm_userpolicy_info", ALL), REFUSED(ENOPROTOOPT) },
	{ ROW(IPPROTO_IPV6, IPV6_HDRINCL, "int", RAW), REAL },
	{ ROW(IPPROTO_IPV6, MCAST_JOIN_GROUP, "struct group_req", ALL), REAL },
	{ ROW(IPPROTO_IPV6, MCAST_BLOCK_SOURCE, "struct group_source_req", ALL), REAL },
	{ ROW(IPPROTO_IPV6, MCAST_UNBLOCK_SOURCE, "struct group_source_req", ALL), REAL },
	{ ROW(IPPROTO_IPV6, MCAST_LEAVE_GROUP, "struct group_req", ALL), REAL },
	{ ROW(IPPROTO_IPV6, MCAST_JOIN_SOURCE_GROUP, "struct group_source_req", ALL), REAL },
	{ ROW(IPPROTO_IPV6, MCAST_LEAVE_SOURCE_GROUP, "struct group_source_req", ALL), REAL },
	{ ROW(IPPROTO_IPV6, MCAST_MSFILTER, "struct group_filter", ALL), REAL },
	{ ROW(IPPROTO_IPV6, IPV6_RECVPKTINFO, "int", ALL), REAL },
	{ ROW(IPPROTO_IPV6, IPV6_PKTINFO, "struct in6_pktinfo", ALL), REAL, NOTE("set only; the link, and the source address where bind(2) gave none") },
	{ ROW(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, "int", ALL), REAL },
	{ ROW(IPPROTO_IPV6, IPV6_RECVHOPOPTS, "int", ALL), REAL },
	{ ROW(IPPROTO_IPV6, IPV6_HOPOPTS, "char[]", ALL), REAL, NOTE("a whole header, its length a multiple of 8, of 0 bytes: none; takes privilege: EPERM") },
	{ ROW(IPPROTO_IPV6, IPV6_RTHDRDSTOPTS, "char[]", ALL), REAL, NOTE("a whole header, its length a multiple of 8, of 0 bytes: none; takes privilege: EPERM; sent with a routing header only") },
	{ ROW(IPPROTO_IPV6, IPV6_RECVRTHDR, "int", ALL), REAL },
	{ ROW(IPPROTO_IPV6, IPV6_RTHDR, "struct ip6_rthdr", ALL), REAL, NOTE("type 2 (RFC 6275), and segment routing (type 4, RFC 8754) but in control messages; type 0 is EINVAL (RFC 5095)") },
	{ ROW(IPPROTO_IPV6, IPV6_RECVDSTOPTS, "int", ALL), REAL },
	{ ROW(IPPROTO_IPV6, IPV6_DSTOPTS, "char[]", ALL), REAL, NOTE("a whole header, its length a multiple of 8, of 0 bytes: none; takes privilege: EPERM") },
	{ ROW(IPPROTO_IPV6, IPV6_RECVPATHMTU, "int", ALL), REAL, NOTE("an empty message with IPV6_PATHMTU when IPV6_DONTFRAG refuses one, or a router says that the path takes less") },
	{ ROW(IPPROTO_IPV6, IPV6_PATHMTU, "struct ip6_mtuinfo", ALL), REAL, FICKLE, NOTE("shown only, when connected: ENOTCONN") },
	{ ROW(IPPROTO_IPV6, IPV6_DONTFRAG, "int", ALL), REAL },
	{ ROW(IPPROTO_IPV6, IPV6_RECVTCLASS, "int", ALL), REAL },
	{ ROW(IPPROTO_IPV6, IPV6_TCLASS, "int", ALL), REAL, NOTE("0..255, -1: 0; TCP keeps the two ECN bits") },
	{ ROW(IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, "int", ALL), REAL, NOTE("net.ipv6.auto_flowlabels is the default") },
	{ ROW(IPPROTO_IPV6, IPV6_ADDR_PREFERENCES, "int", ALL), REAL, NOTE("RFC 5014: temporary or public; there are no home addresses; contradictions are EINVAL") },
	{ ROW(IPPROTO_IPV6, IPV6_MINHOPCOUNT, "int", ALL), REAL, NOTE("0..255; of meaning for TCP alone, as on Linux") },
	{ ROW(IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, "int", ALL), REAL },
	{ ROW(IPPROTO_IPV6, IPV6_TRANSPARENT, "int", ALL), EMULATED, NOTE("as IP_TRANSPARENT") },
	{ ROW(IPPROTO_IPV6, IPV6_UNICAST_IF, "int", ALL), REAL, NOTE("the index in network byte order") },
	{ ROW(IPPROTO_IPV6, IPV6_RECVFRAGSIZE, "int", ALL), REAL },
	{ ROW(IPPROTO_IPV6, IPV6_FREEBIND, "int", ALL), REAL },

	/* ---- IPPROTO_TCP, tcp(7) ---- */
	{ ROW(IPPROTO_TCP, TCP_NODELAY, "int", TCP), REAL },
	{ ROW(IPPROTO_TCP, TCP_MAXSEG, "int", TCP), REAL, NOTE("88..32767, 0: none") },
	{ ROW(IPPROTO_TCP, TCP_CORK, "int", TCP), REAL, NOTE("for 200 ms at most") },
	{ ROW(IPPROTO_TCP, TCP_KEEPIDLE, "int", TCP), REAL, NOTE("1..32767 s") },
	{ ROW(IPPROTO_TCP, TCP_KEEPINTVL, "int", TCP), REAL, NOTE("1..32767 s") },
	{ ROW(IPPROTO_TCP, TCP_KEEPCNT, "int", TCP), REAL, NOTE("1..127") },
	{ ROW(IPPROTO_TCP, TCP_SYNCNT, "int", TCP), REAL, NOTE("1..127") },
	{ ROW(IPPROTO_TCP, TCP_LINGER2, "int", TCP), REAL, NOTE("s; negative: none; at most 120") },
	{ ROW(IPPROTO_TCP, TCP_DEFER_ACCEPT, "int", TCP), REAL, NOTE("s, rounded up to a number of time-outs") },
	{ ROW(IPPROTO_TCP, TCP_WINDOW_CLAMP, "int", TCP), REAL },
	{ ROW(IPPROTO_TCP, TCP_INFO, "struct tcp_info", TCP), REAL, FICKLE, NOTE("shown only") },
	{ ROW(IPPROTO_TCP, TCP_QUICKACK, "int", TCP), REAL },
	{ ROW(IPPROTO_TCP, TCP_CONGESTION, "char[16]", TCP), REAL, FICKLE, NOTE("ENOENT: none of that name") },
	{ ROW(IPPROTO_TCP, TCP_MD5SIG, "struct tcp_md5sig", TCP), REFUSED(ENOPROTOOPT), NOTE("as a kernel without CONFIG_TCP_MD5SIG") },
	{ ROW(IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, "int", TCP), REFUSED_SET(ENOPROTOOPT) },
	{ ROW(IPPROTO_TCP, TCP_THIN_DUPACK, "int", TCP), EMULATED, NOTE("0 or 1; does nothing on Linux either") },
	{ ROW(IPPROTO_TCP, TCP_USER_TIMEOUT, "int", TCP), REAL, NOTE("ms") },
	{ ROW(IPPROTO_TCP, TCP_REPAIR, "int", TCP), REFUSED_SET(EPERM), NOTE("as without privilege") },
	{ ROW(IPPROTO_TCP, TCP_REPAIR_QUEUE, "int", TCP), REAL, NOTE("EPERM, EINVAL to get: without TCP_REPAIR, which is refused") },
	{ ROW(IPPROTO_TCP, TCP_QUEUE_SEQ, "int", TCP), REFUSED_EACH(EPERM, EINVAL), NOTE("as without TCP_REPAIR") },
	{ ROW(IPPROTO_TCP, TCP_REPAIR_OPTIONS, "struct tcp_repair_opt[]", TCP), REFUSED_EACH(EPERM, ENOPROTOOPT), NOTE("as without TCP_REPAIR") },
	{ ROW(IPPROTO_TCP, TCP_FASTOPEN, "int", TCP), REFUSED_SET(ENOPROTOOPT) },
	{ ROW(IPPROTO_TCP, TCP_TIMESTAMP, "int", TCP), REAL, FICKLE, NOTE("set: EPERM, as without TCP_REPAIR") },
	{ ROW(IPPROTO_TCP, TCP_NOTSENT_LOWAT, "unsigned int", TCP), REAL },
	{ ROW(IPPROTO_TCP, TCP_CC_INFO, "union tcp_cc_info", TCP), REAL, FICKLE, NOTE("shown only; nothing for reno, as on Linux") },
	{ ROW(IPPROTO_TCP, TCP_SAVE_SYN, "int", TCP), REFUSED_SET(ENOPROTOOPT) },
	{ ROW(IPPROTO_TCP, TCP_SAVED_SYN, "char[]", TCP), REFUSED(ENOPROTOOPT) },
	{ ROW(IPPROTO_TCP, TCP_REPAIR_WINDOW, "struct tcp_repair_window", TCP), REFUSED(EPERM), NOTE("as without TCP_REPAIR") },
	{ ROW(IPPROTO_TCP, TCP_FASTOPEN_CONNECT, "int", TCP), REFUSED_SET(EOPNOTSUPP), NOTE("as with net.ipv4.tcp_fastopen=0") },
	{ ROW(IPPROTO_TCP, TCP_ULP, "char[]", TCP), REFUSED_SET(ENOENT), NOTE("as without the module; shown as none") },
	{ ROW(IPPROTO_TCP, TCP_MD5SIG_EXT, "struct tcp_md5sig", TCP), REFUSED(ENOPROTOOPT), NOTE("as a kernel without CONFIG_TCP_MD5SIG") },
	{ ROW(IPPROTO_TCP, TCP_FASTOPEN_KEY, "char[16]", TCP), REFUSED(ENOPROTOOPT) },
	{ ROW(IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, "int", TCP), REFUSED_SET(ENOPROTOOPT) },
	{ ROW(IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, "struct tcp_zerocopy_receive", TCP), REFUSED(ENOPROTOOPT) },
	{ ROW(IPPROTO_TCP, TCP_INQ, "int", TCP), REFUSED_SET(ENOPROTOOPT), NOTE("FIONREAD tells the same") },
	{ ROW(IPPROTO_TCP, TCP_TX_DELAY, "int", TCP), REFUSED_SET(ENOPROTOOPT) },
	{ ROW(IPPROTO_TCP, TCP_AO_ADD_KEY, "struct tcp_ao_add", TCP), REFUSED(ENOPROTOOPT), SINCE(6, 7), NOTE("as a kernel without CONFIG_TCP_AO") },
	{ ROW(IPPROTO_TCP, TCP_AO_DEL_KEY, "struct tcp_ao_del", TCP), REFUSED(ENOPROTOOPT), SINCE(6, 7), NOTE("as a kernel without CONFIG_TCP_AO") },
	{ ROW(IPPROTO_TCP, TCP_AO_INFO, "struct tcp_ao_info_opt", TCP), REFUSED(ENOPROTOOPT), SINCE(6, 7), NOTE("as a kernel without CONFIG_TCP_AO") },
	{ ROW(IPPROTO_TCP, TCP_AO_GET_KEYS, "struct tcp_ao_getsockopt", TCP), REFUSED(ENOPROTOOPT), SINCE(6, 7), NOTE("as a kernel without CONFIG_TCP_AO") },
	{ ROW(IPPROTO_TCP, TCP_AO_REPAIR, "struct tcp_ao_repair", TCP), REFUSED(EPERM), SINCE(6, 7), NOTE("as without TCP_REPAIR") },
	{ ROW(IPPROTO_TCP, TCP_IS_MPTCP, "int", TCP), REAL, SINCE(5, 16), NOTE("shown only: 0") },
	{ ROW(IPPROTO_TCP, TCP_RTO_MAX_MS, "int", TCP), REFUSED_SET(ENOPROTOOPT), SINCE(6, 15), NOTE("shown as what it is: 120000") },
	{ ROW(IPPROTO_TCP, TCP_RTO_MIN_US, "int", TCP), REFUSED_SET(ENOPROTOOPT), SINCE(6, 17), NOTE("shown as what it is: 200000") },
	{ ROW(IPPROTO_TCP, TCP_DELACK_MAX_US, "int", TCP), REFUSED_SET(ENOPROTOOPT), SINCE(6, 17), NOTE("shown as what it is: 200000") },

	/* ---- IPPROTO_UDP, udp(7) ---- */
	{ ROW(IPPROTO_UDP, UDP_CORK, "int", UDP), REFUSED_SET(ENOPROTOOPT) },
	{ ROW(IPPROTO_UDP, UDP_ENCAP, "int", UDP), REFUSED_SET(ENOPROTOOPT) },
	{ ROW(IPPROTO_UDP, UDP_NO_CHECK6_TX, "int", UDP), REAL },
	{ ROW(IPPROTO_UDP, UDP_NO_CHECK6_RX, "int", UDP), REAL },
	{ ROW(IPPROTO_UDP, UDP_SEGMENT, "int", UDP), REAL, NOTE("0..65535") },
	{ ROW(IPPROTO_UDP, UDP_GRO, "int", UDP), REAL },

	/* ---- raw(7), RFC 3542 ---- */
	{ ROW(SOL_RAW, ICMP_FILTER, "struct icmp_filter", RAW), REAL, NOTE("on IPv4's ICMP; EOPNOTSUPP on other protocols") },
	{ ROW(IPPROTO_ICMPV6, ICMP6_FILTER, "struct icmp6_filter", RAW), REAL, NOTE("on ICMPv6") },
};
const size_t option_table_count = sizeof(option_table) / sizeof(option_table[0]);

const struct option_row *option_find(int level, int name)
{
	for (size_t i = 0; i < option_table_count; i++)
		if (option_table[i].level == level && option_table[i].name == name)
			return &option_table[i];
	return NULL;
}

const char *option_level_text(int level)
{
	switch (level) {
	case SOL_SOCKET:
		return "SOL_SOCKET";
	case IPPROTO_IP:
		return "IPPROTO_IP";
	case IPPROTO_IPV6:
		return "IPPROTO_IPV6";
	case IPPROTO_TCP:
		return "IPPROTO_TCP";
	case IPPROTO_UDP:
		return "IPPROTO_UDP";
	case SOL_RAW:
		return "SOL_RAW";
	case IPPROTO_ICMPV6:
		return "IPPROTO_ICMPV6";
	default:
		return NULL;
	}
}
