/* SPDX-License-Identifier: BSD-2-Clause */
/* stats.h - every counter of the stack, in one list: what it counts and why a packet was dropped.
 * A name is PROTOCOL.EVENT or PROTOCOL.drop.REASON. Names are an interface: `tapir stats` and tests show them. To add
 * one, add a line here and call stat_count() or stat_drop(). */
#ifndef TAPIR_STACK_STATS_H
#define TAPIR_STACK_STATS_H

#include <stdint.h>

/* X(enumerator, name, what it counts) */
#define STATS_LIST(X)                                                                                                  \
	X(NONE, "none", "never counted: stands for no reason")                                                         \
	/* memory */                                                                                                   \
	X(MEM_FRAMES_EXHAUSTED, "mem.frames_exhausted", "packet buffers refused: limit reached or no memory")          \
	X(MEM_OBJECTS_EXHAUSTED, "mem.objects_exhausted", "table entries or sockets refused: limit or no memory")      \
	/* UDP, raw and ping sockets */                                                                                \
	X(UDP_IN, "udp.in", "datagrams delivered to a socket")                                                         \
	X(UDP_OUT, "udp.out", "datagrams sent; a super-datagram for the link to split counts once")                    \
	X(UDP_DROP_LENGTH, "udp.drop.length", "header cut off, or a length that is not the packet's")                  \
	X(UDP_DROP_CHECKSUM, "udp.drop.checksum", "wrong checksum")                                                    \
	X(UDP_DROP_NO_CHECKSUM, "udp.drop.no_checksum", "no checksum, over IPv6 (RFC 8200 section 8.1)")               \
	X(UDP_DROP_NO_SOCKET, "udp.drop.no_socket", "nobody is bound to the port")                                     \
	X(UDP_DROP_NOT_MEMBER, "udp.drop.not_member", "sockets that a datagram to a group was not for: no member, or source filtered") \
	X(UDP_DROP_QUEUE_FULL, "udp.drop.queue_full", "the socket's receive buffer is full")                           \
	X(RAW_IN, "raw.in", "packets delivered to a raw socket")                                                       \
	X(RAW_DROP_QUEUE_FULL, "raw.drop.queue_full", "a raw socket's receive buffer is full")                         \
	X(RAW_DROP_CHECKSUM, "raw.drop.checksum", "wrong checksum, for a raw socket that wants it verified")           \
	X(PING_IN, "ping.in", "echo replies delivered to a ping socket")                                               \
	X(PING_DROP_QUEUE_FULL, "ping.drop.queue_full", "a ping socket's receive buffer is full")                      \
	/* DHCP */                                                                                                     \
	X(DHCP4_IN, "dhcp4.in", "messages received by a DHCPv4 client")                                                \
	X(DHCP4_OUT, "dhcp4.out", "messages sent by it")                                                               \
	X(DHCP4_NAKS, "dhcp4.naks", "refusals by a server")                                                            \
	X(DHCP4_ROUTES_REFUSED, "dhcp4.routes_refused", "routes of a lease that could not be added")                   \
	X(DHCP4_DROP_MALFORMED, "dhcp4.drop.malformed", "no DHCP answer, or not from a server's port")                 \
	X(DHCP4_DROP_NOT_OURS, "dhcp4.drop.not_ours", "for another client, or another attempt of ours")                \
	X(DHCP4_DROP_UNASKED, "dhcp4.drop.unasked", "an answer that nothing was asked for, or from another server")    \
	X(DHCP4_DROP_INCOMPLETE, "dhcp4.drop.incomplete", "no usable address, server or lease time in it")             \
	X(DHCP6_IN, "dhcp6.in", "messages received by a DHCPv6 client")                                                \
	X(DHCP6_OUT, "dhcp6.out", "messages sent by it")                                                               \
	X(DHCP6_OUT_LIMITED, "dhcp6.out_limited", "messages not sent: twenty go out at once, then one a second (RFC 8415 section 14.1)") \
	X(DHCP6_DROP_MALFORMED, "dhcp6.drop.malformed", "too short for a DHCPv6 message")                              \
	X(DHCP6_DROP_TYPE, "dhcp6.drop.type", "a message that is not for clients")                                     \
	X(DHCP6_DROP_RECONFIGURE, "dhcp6.drop.reconfigure", "a server that wants us to ask again: we said that we do not take it") \
	X(DHCP6_DROP_SERVER_ID, "dhcp6.drop.server_id", "an answer without its server's identifier")                   \
	X(DHCP6_DROP_CLIENT_ID, "dhcp6.drop.client_id", "an answer with another client's identifier, or with none")    \
	X(DHCP6_DROP_NOT_OURS, "dhcp6.drop.not_ours", "another transaction than the present one")                      \
	X(DHCP6_DROP_UNASKED, "dhcp6.drop.unasked", "an answer that nothing was asked for, or from another server")    \
	X(DHCP6_DROP_INCOMPLETE, "dhcp6.drop.incomplete", "no usable address in it, or a failure of the server")       \
	/* TCP */                                                                                                      \
	X(TCP_IN_SEGMENTS, "tcp.in", "segments received, those of a super-segment counted each")                       \
	X(TCP_OUT_SEGMENTS, "tcp.out", "segments sent, those of a super-segment counted each")                         \
	X(TCP_ACTIVE_OPENS, "tcp.active_opens", "connections begun by connect()")                                      \
	X(TCP_PASSIVE_OPENS, "tcp.passive_opens", "connections that listeners got")                                    \
	X(TCP_ESTABLISHED, "tcp.established", "handshakes completed")                                                  \
	X(TCP_RETRANSMITS, "tcp.retransmits", "segments sent again")                                                   \
	X(TCP_RTO, "tcp.timeouts", "retransmission timeouts")                                                          \
	X(TCP_FAST_RETRANSMITS, "tcp.fast_retransmits", "recoveries begun by duplicate acknowledgments")               \
	X(TCP_SYNACK_RETRANSMITS, "tcp.synack_retransmits", "SYN-ACKs sent again")                                     \
	X(TCP_SYN_RECEIVED_TIMEOUTS, "tcp.syn_received_timeouts", "incoming handshakes that were never completed")     \
	X(TCP_OUT_OF_ORDER, "tcp.out_of_order", "segments kept because something before them is missing")              \
	X(TCP_DUPLICATE_DATA, "tcp.duplicate_data", "segments all of which was here already")                          \
	X(TCP_DELAYED_ACKS, "tcp.delayed_acks", "acknowledgments sent by the timer")                                   \
	X(TCP_CHALLENGE_ACKS, "tcp.challenge_acks", "acknowledgments that answer a suspicious segment (RFC 5961)")     \
	X(TCP_ACK_RATE_LIMITED, "tcp.ack_rate_limited", "acknowledgments of such segments not sent, to keep a limit")  \
	X(TCP_WINDOW_PROBES, "tcp.window_probes", "probes of a closed window")                                         \
	X(TCP_KEEPALIVES, "tcp.keepalives", "keepalive probes")                                                        \
	X(TCP_URGENT, "tcp.urgent", "segments with URG")                                                               \
	X(TCP_TIMEWAITS, "tcp.timewaits", "connections that went into TIME-WAIT")                                      \
	X(TCP_TIMEWAIT_REUSED, "tcp.timewait_reused", "TIME-WAITs that a new connection took the place of")            \
	X(TCP_TIMEWAIT_OVERFLOWS, "tcp.timewait_overflows", "connections closed without TIME-WAIT: too many")          \
	X(TCP_RESETS_SENT, "tcp.resets_sent", "resets sent")                                                           \
	X(TCP_RESETS_RECEIVED, "tcp.resets_received", "resets that ended a connection")                                \
	X(TCP_ABORTS, "tcp.aborts", "connections reset by their application, or for want of room")                     \
	X(TCP_ABORT_ON_CLOSE, "tcp.abort_on_close", "connections reset because bytes were unread when they were closed") \
	X(TCP_ABORT_ON_DATA, "tcp.abort_on_data", "connections reset because data came after they were closed")        \
	X(TCP_ABORT_ON_TIMEOUT, "tcp.abort_on_timeout", "connections given up because nothing was heard")              \
	X(TCP_ABORT_ON_MEMORY, "tcp.abort_on_memory", "closed connections reset because there were too many of them")  \
	X(TCP_DEFERRED_ACCEPTS, "tcp.deferred_accepts", "handshakes that wait for data (TCP_DEFER_ACCEPT)")            \
	X(TCP_ICMP_IGNORED, "tcp.icmp_ignored", "ICMP errors about nothing that is in flight (RFC 5927)")              \
	X(TCP_PMTU_REDUCED, "tcp.pmtu_reduced", "segments made smaller because of a path MTU")                         \
	X(TCP_NO_ROUTE, "tcp.no_route", "segments not sent because there is no route")                                 \
	X(TCP_DROP_HEADER, "tcp.drop.header", "header cut off or shorter than 20 bytes")                               \
	X(TCP_DROP_CHECKSUM, "tcp.drop.checksum", "wrong checksum")                                                    \
	X(TCP_DROP_MULTICAST, "tcp.drop.multicast", "to or from a broadcast or group address")                         \
	X(TCP_DROP_MIN_TTL, "tcp.drop.min_ttl", "fewer hops left than IP_MINTTL or IPV6_MINHOPCOUNT asks for")         \
	X(TCP_DROP_NO_SOCKET, "tcp.drop.no_socket", "no connection and no listener; answered by a reset")              \
	X(TCP_DROP_ACCEPT_QUEUE, "tcp.drop.accept_queue", "the listener's accept queue is full")                       \
	X(TCP_DROP_SYN_QUEUE, "tcp.drop.syn_queue", "the listener's SYN queue is full")                                \
	X(TCP_DROP_NO_MEMORY, "tcp.drop.no_memory", "no memory for a connection or its data")                          \
	X(TCP_DROP_PAWS, "tcp.drop.paws", "timestamp older than the last one (RFC 7323 section 5)")                    \
	X(TCP_DROP_SEQUENCE, "tcp.drop.sequence", "outside of the window")                                             \
	X(TCP_DROP_WINDOW, "tcp.drop.window", "data beyond a closed window")                                           \
	X(TCP_DROP_RST, "tcp.drop.rst", "reset that nothing believes")                                                 \
	X(TCP_DROP_SYN, "tcp.drop.syn", "SYN inside a connection")                                                     \
	X(TCP_DROP_NO_SYN, "tcp.drop.no_syn", "a SYN was needed, or came with FIN")                                    \
	X(TCP_DROP_NO_ACK, "tcp.drop.no_ack", "an ACK was needed")                                                     \
	X(TCP_DROP_OLD_ACK, "tcp.drop.old_ack", "acknowledges what was sent long ago (RFC 5961 section 5)")            \
	X(TCP_DROP_ACK_UNSENT, "tcp.drop.ack_unsent", "acknowledges what was never sent")                              \
	X(TCP_DROP_OUT_OF_ORDER_FULL, "tcp.drop.out_of_order_full", "no room for more pieces out of order")            \
	X(TCP_DROP_CLOSED, "tcp.drop.closed", "for a connection that is closed already")                               \
	/* links */                                                                                                    \
	X(LINK_IN, "link.in", "frames received")                                                                       \
	X(LINK_OUT, "link.out", "frames sent")                                                                         \
	X(LINK_IN_BYTES, "link.in_bytes", "bytes received")                                                            \
	X(LINK_OUT_BYTES, "link.out_bytes", "bytes sent")                                                              \
	X(LINK_IN_GSO, "link.in_gso", "super-segments received")                                                       \
	X(LINK_OUT_GSO, "link.out_gso", "super-segments sent")                                                         \
	X(LINK_DROP_OFFLOAD, "link.drop.offload", "offload description does not fit the frame")                        \
	X(LINK_DROP_QUEUE_FULL, "link.drop.queue_full", "output queue full")                                           \
	X(LINK_DROP_DOWN, "link.drop.down", "link that is switched off or has no carrier")                             \
	X(LINK_DROP_NO_LINK, "link.drop.no_link", "frame names a link that does not exist, or the loopback")           \
	X(LINK_DROP_LOOP_FULL, "link.drop.loop_full", "loopback queue full")                                           \
	/* neighbours, ARP, NDP */                                                                                     \
	X(NEIGH_RESOLVED, "neigh.resolved", "neighbours whose link address was learnt")                                \
	X(NEIGH_FAILED, "neigh.failed", "neighbours that did not answer")                                              \
	X(NEIGH_EVICTED, "neigh.evicted", "entries pushed out of the full table")                                      \
	X(NEIGH_PROBES, "neigh.probes", "solicitations sent")                                                          \
	X(NEIGH_DROP_TABLE_FULL, "neigh.drop.table_full", "no room: every entry is live, or of a better kind than the new one") \
	X(NEIGH_DROP_QUEUE_FULL, "neigh.drop.queue_full", "waiting packet pushed out by a later one")                  \
	X(NEIGH_DROP_FAILED, "neigh.drop.failed", "waited for a neighbour that did not answer")                        \
	X(ARP_IN, "arp.in", "ARP packets received")                                                                    \
	X(ARP_OUT, "arp.out", "ARP packets sent")                                                                      \
	X(ARP_CONFLICTS, "arp.conflicts", "packets of another host that uses or probes an address of ours (RFC 5227)") \
	X(ARP_DEFENDED, "arp.defended", "announcements sent in defence of an address")                                 \
	X(ARP_DROP_SHORT, "arp.drop.short", "shorter than an ARP packet")                                              \
	X(ARP_DROP_FORMAT, "arp.drop.format", "hardware or protocol type, their lengths, or the operation is not Ethernet's and IPv4's") \
	X(ARP_DROP_SOURCE, "arp.drop.source", "sender address is impossible")                                          \
	X(ARP_DROP_TARGET, "arp.drop.target", "asks for somebody else")                                                \
	X(ARP_DROP_UNSOLICITED, "arp.drop.unsolicited", "answers a question that was not asked")                       \
	X(ND_IN, "nd.in", "neighbour discovery messages received")                                                     \
	X(ND_OUT, "nd.out", "neighbour discovery messages sent")                                                       \
	X(ND_CONFLICTS, "nd.conflicts", "duplicate address detection found another user of an address")                \
	X(ND_DROP_HOP_LIMIT, "nd.drop.hop_limit", "hop limit is not 255: it came through a router (RFC 4861 section 7.1)") \
	X(ND_DROP_FORMAT, "nd.drop.format", "length, code, target or option is malformed")                             \
	X(ND_DROP_SOURCE, "nd.drop.source", "source or destination does not fit the message")                          \
	X(ND_DROP_TARGET, "nd.drop.target", "asks for somebody else")                                                  \
	X(ND_DROP_UNSOLICITED, "nd.drop.unsolicited", "advertisement about a neighbour we do not care for")            \
	X(ND_DROP_TYPE, "nd.drop.type", "router solicitation, or a message that a tunable says to ignore")             \
	X(ND_DROP_FRAGMENT, "nd.drop.fragment", "in fragments (RFC 6980)")                                             \
	X(ND_DROP_OPTION, "nd.drop.option", "options of router advertisements ignored: malformed, or a value out of range") \
	X(ND_DROP_PREFIX_LENGTH, "nd.drop.prefix_length", "prefixes to make addresses from that are not 64 bits long") \
	X(ND_DROP_ROUTERS_FULL, "nd.drop.routers_full", "default routers not learnt: the link has too many")          \
	X(ND_DROP_TOLD_FULL, "nd.drop.told_full", "pairs of router and prefix not remembered: the link has too many") \
	X(ND_DROP_PREFIXES_FULL, "nd.drop.prefixes_full", "on-link prefixes not learnt: the link has too many")       \
	X(ND_DROP_ROUTES_FULL, "nd.drop.routes_full", "more specific routes not learnt: the link has too many")       \
	X(ND_DROP_ADDRESSES_FULL, "nd.drop.addresses_full", "addresses not made: the link has max_addresses")         \
	X(ND_DROP_DNS_FULL, "nd.drop.dns_full", "DNS servers or search domains not learnt: the link has too many")    \
	X(ND_DAD_LOOPED, "nd.dad_looped", "our own duplicate detection, come back (RFC 7527)")                         \
	X(ND_ADVERTISEMENTS, "nd.router_advertisements", "router advertisements listened to")                         \
	X(ND_ROUTERS_REPLACED, "nd.routers_replaced", "default routers that do not answer, forgotten for another: the link has too many") \
	X(ND_ROUTERS_GONE, "nd.routers_gone", "neighbours that ceased to be routers")                                  \
	X(SLAAC_ADDRESSES, "slaac.addresses", "addresses made from advertised prefixes")                               \
	/* IPv4 */                                                                                                     \
	X(IP4_IN, "ip4.in", "packets received")                                                                        \
	X(IP4_DELIVERED, "ip4.delivered", "packets given to a protocol")                                               \
	X(IP4_OUT, "ip4.out", "packets sent")                                                                          \
	X(IP4_FRAGMENTED, "ip4.fragmented", "packets sent as fragments")                                               \
	X(IP4_OUT_FRAGMENTS, "ip4.out_fragments", "fragments sent")                                                    \
	X(IP4_DROP_SHORT, "ip4.drop.short", "shorter than an IPv4 header")                                             \
	X(IP4_DROP_VERSION, "ip4.drop.version", "version is not 4")                                                    \
	X(IP4_DROP_HEADER_LEN, "ip4.drop.header_len", "header length below 5 words or past the packet")                \
	X(IP4_DROP_LENGTH, "ip4.drop.length", "total length below the header's or past the frame")                     \
	X(IP4_DROP_CHECKSUM, "ip4.drop.checksum", "header checksum wrong")                                             \
	X(IP4_DROP_SOURCE, "ip4.drop.source", "source address no host can have (RFC 1122 section 3.2.1.3)")            \
	X(IP4_DROP_LAND, "ip4.drop.land", "our own source address came in from outside")                               \
	X(IP4_DROP_LOOPBACK, "ip4.drop.loopback", "loopback address came in from outside")                             \
	X(IP4_DROP_NOT_OURS, "ip4.drop.not_ours", "destination is not ours, and we never forward")                     \
	X(IP4_DROP_L2_BROADCAST, "ip4.drop.l2_broadcast", "unicast packet in a broadcast frame (RFC 1122 section 3.3.6)") \
	X(IP4_DROP_OPTION, "ip4.drop.option", "malformed option")                                                      \
	X(IP4_DROP_SOURCE_ROUTE, "ip4.drop.source_route", "source route option, refused")                              \
	X(IP4_DROP_PROTOCOL, "ip4.drop.protocol", "protocol that nobody speaks")                                       \
	X(IP4_DROP_FRAGMENT, "ip4.drop.fragment", "fragment whose length or offset is impossible")                     \
	/* IPv6 */                                                                                                     \
	X(IP6_IN, "ip6.in", "packets received")                                                                        \
	X(IP6_DELIVERED, "ip6.delivered", "packets given to a protocol")                                               \
	X(IP6_OUT, "ip6.out", "packets sent")                                                                          \
	X(IP6_FRAGMENTED, "ip6.fragmented", "packets sent as fragments")                                               \
	X(IP6_OUT_FRAGMENTS, "ip6.out_fragments", "fragments sent")                                                    \
	X(IP6_DROP_SHORT, "ip6.drop.short", "shorter than an IPv6 header")                                             \
	X(IP6_DROP_VERSION, "ip6.drop.version", "version is not 6")                                                    \
	X(IP6_DROP_LENGTH, "ip6.drop.length", "payload length past the frame")                                         \
	X(IP6_DROP_SOURCE, "ip6.drop.source", "source address no host can have")                                       \
	X(IP6_DROP_LAND, "ip6.drop.land", "our own source address came in from outside")                               \
	X(IP6_DROP_LOOPBACK, "ip6.drop.loopback", "loopback address came in from outside")                             \
	X(IP6_DROP_MAPPED, "ip6.drop.mapped", "IPv4-mapped address on the wire")                                       \
	X(IP6_DROP_NOT_OURS, "ip6.drop.not_ours", "destination is not ours, and we never forward")                     \
	X(IP6_DROP_DISABLED, "ip6.drop.disabled", "link whose MTU is below 1280 carries no IPv6")                      \
	X(IP6_DROP_HEADERS, "ip6.drop.headers", "extension header truncated or misplaced, or more options or padding than allowed") \
	X(IP6_DROP_OPTION, "ip6.drop.option", "option that is wrong, or unknown and asks for the packet to be dropped") \
	X(IP6_DROP_ROUTING, "ip6.drop.routing", "routing header with segments left (type 0: RFC 5095)")                \
	X(IP6_DROP_NO_NEXT, "ip6.drop.no_next", "no next header: nothing to deliver")                                  \
	X(IP6_DROP_PROTOCOL, "ip6.drop.protocol", "protocol that nobody speaks")                                       \
	X(IP6_DROP_FRAGMENT, "ip6.drop.fragment", "fragment whose length or offset is impossible")                     \
	X(IP6_DROP_FIRST_FRAGMENT, "ip6.drop.first_fragment", "first fragment without the whole header chain (RFC 7112)") \
	/* fragments, both families */                                                                                 \
	X(REASM_OK, "reasm.ok", "packets put together")                                                                \
	X(REASM_DUPLICATE, "reasm.duplicate", "exact duplicates of a fragment, ignored")                               \
	X(REASM_DROP_OVERLAP, "reasm.drop.overlap", "fragments that overlap: the whole packet is refused (RFC 5722)")  \
	X(REASM_DROP_LENGTH, "reasm.drop.length", "ends disagree, or more than 65535 bytes")                           \
	X(REASM_DROP_TIMEOUT, "reasm.drop.timeout", "packets whose fragments did not all come in time")                \
	X(REASM_DROP_MEMORY, "reasm.drop.memory", "incomplete packets given up for want of memory")                    \
	X(REASM_DROP_QUOTA, "reasm.drop.quota", "incomplete packets given up because their source has too many")       \
	X(REASM_DROP_TOO_MANY, "reasm.drop.too_many", "packets in more pieces than we follow")                         \
	X(REASM_DROP_ECN, "reasm.drop.ecn", "fragments with and without ECN, one of them marked (RFC 3168 section 5.3)") \
	/* ICMP, both families */                                                                                      \
	X(ICMP_IN, "icmp.in", "messages received")                                                                     \
	X(ICMP_OUT_ERRORS, "icmp.out_errors", "error messages sent")                                                   \
	X(ICMP_OUT_REPLIES, "icmp.out_replies", "echo replies sent")                                                   \
	X(ICMP_RATE_LIMITED, "icmp.rate_limited", "error messages not sent: too many")                                 \
	X(ICMP_ERRORS_IN, "icmp.errors_in", "errors about packets of ours")                                            \
	X(ICMP_DROP_SHORT, "icmp.drop.short", "shorter than its message")                                              \
	X(ICMP_DROP_CHECKSUM, "icmp.drop.checksum", "checksum wrong")                                                  \
	X(ICMP_DROP_TYPE, "icmp.drop.type", "type or code not spoken here")                                            \
	X(ICMP_DROP_BROADCAST, "icmp.drop.broadcast", "request to a broadcast or group address, ignored")              \
	X(ICMP_DROP_REDIRECT, "icmp.drop.redirect", "IPv4 redirect that is not its sender's to say, or leads off the link")  \
	X(ICMP_DROP_QUOTE, "icmp.drop.quote", "error about a packet that we cannot have sent")                         \
	X(ICMP_DROP_UNMATCHED, "icmp.drop.unmatched", "echo reply that nobody asked for")                              \
	X(PMTU_LEARNT, "pmtu.learnt", "path MTUs lowered")                                                             \
	X(PMTU_EVICTED, "pmtu.evicted", "path MTUs forgotten for newer ones: the table is full")                       \
	X(PMTU_DROP_SMALL, "pmtu.drop.small", "packet too big that names an MTU below the family's least")             \
	/* group membership: IGMP, MLD */                                                                              \
	X(IGMP_IN, "igmp.in", "messages received")                                                                     \
	X(IGMP_IN_QUERIES, "igmp.in_queries", "queries taken")                                                         \
	X(IGMP_IN_REPORTS, "igmp.in_reports", "reports of other hosts, versions 1 and 2")                              \
	X(IGMP_OUT_REPORTS, "igmp.out_reports", "reports sent")                                                        \
	X(IGMP_OUT_LEAVES, "igmp.out_leaves", "leaves sent, version 2")                                                \
	X(IGMP_DROP_FORMAT, "igmp.drop.format", "too short, or no group where one must be")                            \
	X(IGMP_DROP_CHECKSUM, "igmp.drop.checksum", "wrong checksum")                                                  \
	X(IGMP_DROP_TTL, "igmp.drop.ttl", "time to live is not 1 (RFC 3376 section 4)")                                \
	X(IGMP_DROP_ROUTER_ALERT, "igmp.drop.router_alert", "query without Router Alert (RFC 3376 section 9.1)")       \
	X(IGMP_DROP_DESTINATION, "igmp.drop.destination", "sent to a group that does not fit the message")             \
	X(IGMP_DROP_TYPE, "igmp.drop.type", "type not spoken here")                                                    \
	X(MLD_IN, "mld.in", "messages received")                                                                       \
	X(MLD_IN_QUERIES, "mld.in_queries", "queries taken")                                                           \
	X(MLD_IN_REPORTS, "mld.in_reports", "reports of other listeners, version 1")                                   \
	X(MLD_OUT_REPORTS, "mld.out_reports", "reports sent")                                                          \
	X(MLD_OUT_DONES, "mld.out_dones", "dones sent, version 1")                                                     \
	X(MLD_DROP_FORMAT, "mld.drop.format", "too short, or no group where one must be")                              \
	X(MLD_DROP_SOURCE, "mld.drop.source", "source is not link-local (RFC 3810 section 6.2)")                       \
	X(MLD_DROP_HOP_LIMIT, "mld.drop.hop_limit", "hop limit is not 1")                                              \
	X(MLD_DROP_ROUTER_ALERT, "mld.drop.router_alert", "no Router Alert")                                           \
	X(MLD_DROP_DESTINATION, "mld.drop.destination", "sent to a group that does not fit the message")               \
	X(MCAST_LEAVES_UNTOLD, "mcast.leaves_untold", "groups left without a report, because too many were left at once") \
	/* output */                                                                                                   \
	X(IP_REDIRECTS, "ip.redirects", "redirects of our routers followed, both families")                            \
	X(IP_REDIRECTS_EVICTED, "ip.redirects_evicted", "redirects forgotten for newer ones")                          \
	X(IP_DROP_NO_ROUTE, "ip.drop.no_route", "packet of the stack's own without a way to its destination")          \
	X(IP_DROP_NO_MEMORY, "ip.drop.no_memory", "copy or fragment not made: out of buffers")                         \
	X(IP_DROP_TOO_BIG, "ip.drop.too_big", "larger than the path takes, and may not be fragmented")                 \
	/* Ethernet */                                                                                                 \
	X(ETH_DROP_SHORT, "eth.drop.short", "frame shorter than its Ethernet header")                                  \
	X(ETH_DROP_OTHER_HOST, "eth.drop.other_host", "unicast destination is not ours")                               \
	X(ETH_DROP_SOURCE, "eth.drop.source", "source address is a group address or our own")                          \
	X(ETH_DROP_TYPE, "eth.drop.type", "EtherType not spoken here")

enum stack_stat {
#define STAT_ENUM(id, name, text) STAT_##id,
	STATS_LIST(STAT_ENUM)
#undef STAT_ENUM
	STAT_COUNT
};

const char *stat_name(enum stack_stat id);
const char *stat_text(enum stack_stat id); /* what it counts, for people */

#endif
