/* SPDX-License-Identifier: BSD-2-Clause */
/* tunable.h - everything that can be set, in one list, under Linux's name where Linux has one.
 * Code reads st->tunables.NAME. To add one, add a line here. Values are unsigned integers within [min, max]; the ones
 * that Linux writes as three numbers (net.ipv4.tcp_rmem) are three lines here and are set and shown together, with
 * spaces between. The names under net.ipv4.tcp_ hold for TCP over IPv6 too, as in Linux. */
#ifndef TAPIR_STACK_TUNABLE_H
#define TAPIR_STACK_TUNABLE_H

#include <stdbool.h>
#include <stdint.h>

/* X(field, name, default, min, max, what it does and its unit) */
#define TUNABLES_LIST(X)                                                                                               \
	X(somaxconn, "net.core.somaxconn", 4096, 1, 65535, "cap on listen()'s backlog, connections")                   \
	X(rmem_default, "net.core.rmem_default", 212992, 2048, 1073741824, "receive buffer of a datagram socket, bytes") \
	X(rmem_max, "net.core.rmem_max", 4194304, 2048, 1073741824, "cap on SO_RCVBUF, bytes")                           \
	X(wmem_default, "net.core.wmem_default", 212992, 4608, 1073741824, "send buffer of a datagram socket, bytes")    \
	X(wmem_max, "net.core.wmem_max", 4194304, 4608, 1073741824, "cap on SO_SNDBUF, bytes")                           \
	X(ip_default_ttl, "net.ipv4.ip_default_ttl", 64, 1, 255, "time to live of packets sent")                       \
	X(ip6_hop_limit, "net.ipv6.conf.all.hop_limit", 64, 1, 255, "hop limit of packets sent over IPv6")             \
	X(ip6_max_dst_options, "net.ipv6.max_dst_opts_number", 8, 0, 2147483647, "options but padding that a destination options header may hold; packets with more are dropped (RFC 8504 section 5.3)") \
	X(ip6_max_hbh_options, "net.ipv6.max_hbh_opts_number", 8, 0, 2147483647, "the same of a hop-by-hop options header") \
	X(ip6_max_dst_bytes, "net.ipv6.max_dst_opts_length", 2147483647, 0, 2147483647, "length of a destination options header, bytes; longer ones are dropped") \
	X(ip6_max_hbh_bytes, "net.ipv6.max_hbh_length", 2147483647, 0, 2147483647, "the same of a hop-by-hop options header") \
	X(ip6_auto_flowlabels, "net.ipv6.auto_flowlabels", 1, 0, 3, "label the flows of sockets over IPv6, each as a keyed hash of its ends (RFC 6437); 0: label 0, 1: unless IPV6_AUTOFLOWLABEL says no, 2: if it says so, 3: always") \
	X(icmp_ratelimit, "net.ipv4.icmp_ratelimit", 1000, 0, 1000000, "time between ICMP errors to one IPv4 destination, ms; 0: no limit") \
	X(icmp6_ratelimit, "net.ipv6.icmp.ratelimit", 1000, 0, 1000000, "time between ICMPv6 errors to one destination, ms; halved for each 32 bits that its route leaves open; 0: no limit") \
	X(icmp_msgs_per_sec, "net.ipv4.icmp_msgs_per_sec", 1000, 0, 1000000, "ICMP errors sent in a second to all; both families") \
	X(icmp_msgs_burst, "net.ipv4.icmp_msgs_burst", 50, 1, 1000000, "ICMP errors sent at once to all; both families") \
	X(icmp_echo_ignore_all, "net.ipv4.icmp_echo_ignore_all", 0, 0, 1, "answer no IPv4 echo requests")                \
	X(icmp6_echo_ignore_all, "net.ipv6.icmp.echo_ignore_all", 0, 0, 1, "answer no IPv6 echo requests")             \
	X(icmp_echo_ignore_broadcasts, "net.ipv4.icmp_echo_ignore_broadcasts", 1, 0, 1, "answer no IPv4 echo requests to broadcast and group addresses") \
	X(icmp6_echo_ignore_multicast, "net.ipv6.icmp.echo_ignore_multicast", 0, 0, 1, "answer no IPv6 echo requests to group addresses") \
	X(ipfrag_high_thresh, "net.ipv4.ipfrag_high_thresh", 4194304, 0, 1073741824, "memory for incomplete IPv4 packets, bytes") \
	X(ip6frag_high_thresh, "net.ipv6.ip6frag_high_thresh", 4194304, 0, 1073741824, "memory for incomplete IPv6 packets, bytes") \
	X(ipfrag_time, "net.ipv4.ipfrag_time", 30, 1, 255, "time to wait for the fragments of an IPv4 packet, s")      \
	X(ip6frag_time, "net.ipv6.ip6frag_time", 60, 1, 255, "time to wait for the fragments of an IPv6 packet, s")    \
	X(route_mtu_expires, "net.ipv4.route.mtu_expires", 600, 1, 86400, "life of a learnt IPv4 path MTU, s") \
	X(route6_mtu_expires, "net.ipv6.route.mtu_expires", 600, 300, 86400, "life of a learnt IPv6 path MTU, s (RFC 8201 section 4: not less than five minutes)") \
	X(route_min_pmtu, "net.ipv4.route.min_pmtu", 552, 68, 65535, "lower IPv4 path MTUs are not believed: such paths get fragments of this size") \
	X(neigh_gc_thresh3, "net.ipv4.neigh.default.gc_thresh3", 1024, 16, 1048576, "neighbours at most; both families, as all of neigh") \
	X(neigh_base_reachable_ms, "net.ipv4.neigh.default.base_reachable_time_ms", 30000, 1000, 3600000, "how long a confirmed neighbour is believed, ms (half to one and a half of it)") \
	X(neigh_retrans_ms, "net.ipv4.neigh.default.retrans_time_ms", 1000, 10, 60000, "time between solicitations, ms") \
	X(neigh_delay_first_probe_s, "net.ipv4.neigh.default.delay_first_probe_time", 5, 1, 3600, "time to wait for a confirmation from above before probing, s") \
	X(neigh_mcast_solicit, "net.ipv4.neigh.default.mcast_solicit", 3, 1, 100, "broadcast or multicast solicitations before giving up") \
	X(neigh_ucast_solicit, "net.ipv4.neigh.default.ucast_solicit", 3, 1, 100, "unicast probes before giving up")   \
	X(neigh_unres_qlen_bytes, "net.ipv4.neigh.default.unres_qlen_bytes", 212992, 0, 16777216, "packets that wait for a neighbour, bytes of memory") \
	X(neigh_gc_stale_s, "net.ipv4.neigh.default.gc_stale_time", 60, 1, 86400, "how long a neighbour that did not answer is remembered, s") \
	X(neigh_locktime_ms, "net.ipv4.neigh.default.locktime", 1000, 0, 60000, "a link address just learnt is not replaced by an unasked one before this, ms") \
	X(acd_probes, "net.ipv4.conf.default.acd_probes", 3, 0, 10, "ARP probes for a new IPv4 address (RFC 5227); 0: neither probes nor announcements") \
	X(optimistic_acd, "net.ipv4.conf.default.optimistic_acd", 0, 0, 1, "use an IPv4 address of DHCP or of 169.254.0.0/16 while it is probed") \
	X(dhcp_ipv6_only, "net.ipv4.conf.default.dhcp_ipv6_only", 0, 0, 1, "do without IPv4 where the DHCP server prefers that (RFC 8925)") \
	X(dad_transmits, "net.ipv6.conf.all.dad_transmits", 1, 0, 10, "neighbour solicitations for a new IPv6 address (RFC 4862)") \
	X(ndisc_notify, "net.ipv6.conf.all.ndisc_notify", 1, 0, 1, "tell routers of a new IPv6 address (RFC 9131)") \
	X(enhanced_dad, "net.ipv6.conf.all.enhanced_dad", 1, 0, 1, "mark those solicitations, so that our own are known when they come back (RFC 7527)") \
	X(accept_ra, "net.ipv6.conf.all.accept_ra", 1, 0, 2, "listen to router advertisements; 2: the same, since nothing is ever forwarded here") \
	X(accept_ra_defrtr, "net.ipv6.conf.all.accept_ra_defrtr", 1, 0, 1, "learn default routers from them")           \
	X(accept_ra_pinfo, "net.ipv6.conf.all.accept_ra_pinfo", 1, 0, 1, "learn prefixes from them")                   \
	X(accept_ra_rt_info, "net.ipv6.conf.all.accept_ra_rt_info", 1, 0, 1, "learn more specific routes from them (RFC 4191)") \
	X(accept_ra_rt_info_max_plen, "net.ipv6.conf.all.accept_ra_rt_info_max_plen", 128, 0, 128, "longest prefix of such a route, bits") \
	X(accept_ra_mtu, "net.ipv6.conf.all.accept_ra_mtu", 1, 0, 1, "learn the link's MTU from them")                  \
	X(accept_ra_min_hop_limit, "net.ipv6.conf.all.accept_ra_min_hop_limit", 1, 0, 255, "least hop limit taken from them") \
	X(accept_redirects4, "net.ipv4.conf.all.accept_redirects", 1, 0, 1, "follow the redirects of our router over IPv4")  \
	X(accept_redirects, "net.ipv6.conf.all.accept_redirects", 1, 0, 1, "follow the redirects of our router over IPv6")  \
	X(rs_count, "net.ipv6.conf.all.router_solicitations", 4294967295, 0, 4294967295, "router solicitations sent when nobody answers; 4294967295: no end, ever more slowly (RFC 7559)") \
	X(rs_interval_s, "net.ipv6.conf.all.router_solicitation_interval", 4, 1, 3600, "time after the first of them, s; doubled each time") \
	X(rs_max_interval_s, "net.ipv6.conf.all.router_solicitation_max_interval", 3600, 1, 3600, "most that it grows to, s") \
	X(rs_delay_s, "net.ipv6.conf.all.router_solicitation_delay", 1, 0, 60, "the first comes within this time, s")    \
	X(autoconf, "net.ipv6.conf.all.autoconf", 1, 0, 1, "make addresses from advertised prefixes (RFC 4862)")         \
	X(max_addresses, "net.ipv6.conf.all.max_addresses", 16, 1, 1024, "most such addresses of a link")               \
	X(addr_gen_mode, "net.ipv6.conf.all.addr_gen_mode", 2, 0, 2, "their identifiers: 2: stable and private (RFC 7217); 0: from the MAC") \
	X(use_tempaddr, "net.ipv6.conf.all.use_tempaddr", 0, 0, 2, "temporary addresses (RFC 8981); 1: made; 2: made and preferred") \
	X(temp_valid_lft, "net.ipv6.conf.all.temp_valid_lft", 172800, 60, 31536000, "their valid lifetime, s")          \
	X(temp_prefered_lft, "net.ipv6.conf.all.temp_prefered_lft", 86400, 30, 31536000, "their preferred lifetime, s; up to 0.4 of it is taken off at random") \
	X(optimistic_dad, "net.ipv6.conf.all.optimistic_dad", 0, 0, 1, "use an IPv6 address while it is checked for duplicates (RFC 4429)") \
	X(optimistic_static, "net.ipv6.conf.all.optimistic_static", 1, 0, 1, "the same for those that were set by hand only") \
	/* groups */                                                                                                   \
	X(optmem_max, "net.core.optmem_max", 131072, 0, 16777216, "memory of a socket for options: limits IPv6 group memberships, bytes") \
	X(igmp_max_memberships, "net.ipv4.igmp_max_memberships", 20, 0, 65536, "IPv4 groups a socket may join")        \
	X(igmp_max_msf, "net.ipv4.igmp_max_msf", 10, 0, 1024, "sources in a socket's filter of an IPv4 group")         \
	X(igmp_qrv, "net.ipv4.igmp_qrv", 2, 1, 7, "times a change is told, until an IGMPv3 querier names its robustness") \
	X(igmp_link_local_mcast_reports, "net.ipv4.igmp_link_local_mcast_reports", 1, 0, 1, "report groups of 224.0.0.0/24 too") \
	X(force_igmp_version, "net.ipv4.conf.all.force_igmp_version", 0, 0, 3, "IGMP version to speak; 0: as the querier") \
	X(igmpv2_unsolicited_ms, "net.ipv4.conf.all.igmpv2_unsolicited_report_interval", 10000, 1, 3600000, "most time between unsolicited IGMPv1 and v2 reports, ms") \
	X(igmpv3_unsolicited_ms, "net.ipv4.conf.all.igmpv3_unsolicited_report_interval", 1000, 1, 3600000, "the same for IGMPv3, ms") \
	X(igmp_ssm, "net.ipv4.igmp_ssm", 1, 0, 1, "groups of 232/8 are for single sources only (RFC 4604)")           \
	X(mld_ssm, "net.ipv6.mld_ssm", 1, 0, 1, "groups of ff3x::/32 are for single sources only (RFC 4604)")          \
	X(mld_max_msf, "net.ipv6.mld_max_msf", 64, 0, 1024, "sources in a socket's filter of an IPv6 group")           \
	X(mld_qrv, "net.ipv6.mld_qrv", 2, 1, 7, "times a change is told, until an MLDv2 querier names its robustness") \
	X(force_mld_version, "net.ipv6.conf.all.force_mld_version", 0, 0, 2, "MLD version to speak; 0: as the querier") \
	X(mldv1_unsolicited_ms, "net.ipv6.conf.all.mldv1_unsolicited_report_interval", 10000, 1, 3600000, "most time between unsolicited MLDv1 reports, ms") \
	X(mldv2_unsolicited_ms, "net.ipv6.conf.all.mldv2_unsolicited_report_interval", 1000, 1, 3600000, "the same for MLDv2, ms") \
	/* TCP */                                                                                                      \
	X(tcp_rmem_min, "net.ipv4.tcp_rmem[0]", 4096, 2304, 1073741824, "receive buffer of a connection, bytes: least, at first, most; half of it is offered as window") \
	X(tcp_rmem_default, "net.ipv4.tcp_rmem[1]", 131072, 2304, 1073741824, "")                                      \
	X(tcp_rmem_max, "net.ipv4.tcp_rmem[2]", 6291456, 2304, 1073741824, "")                                         \
	X(tcp_wmem_min, "net.ipv4.tcp_wmem[0]", 4096, 4096, 1073741824, "send buffer of a connection, bytes: least, at first, most") \
	X(tcp_wmem_default, "net.ipv4.tcp_wmem[1]", 16384, 4096, 1073741824, "")                                       \
	X(tcp_wmem_max, "net.ipv4.tcp_wmem[2]", 4194304, 4096, 1073741824, "")                                         \
	X(tcp_moderate_rcvbuf, "net.ipv4.tcp_moderate_rcvbuf", 1, 0, 1, "let receive buffers follow the connection")   \
	X(tcp_notsent_lowat, "net.ipv4.tcp_notsent_lowat", 4294967295, 0, 4294967295, "most bytes queued and not yet sent, before a socket is not writable") \
	X(tcp_sack, "net.ipv4.tcp_sack", 1, 0, 1, "offer selective acknowledgments (RFC 2018)")                        \
	X(tcp_dsack, "net.ipv4.tcp_dsack", 1, 0, 1, "report duplicates by SACK (RFC 2883)")                            \
	X(tcp_timestamps, "net.ipv4.tcp_timestamps", 1, 0, 2, "offer timestamps (RFC 7323)")                           \
	X(tcp_window_scaling, "net.ipv4.tcp_window_scaling", 1, 0, 1, "offer window scaling (RFC 7323)")               \
	X(tcp_reordering, "net.ipv4.tcp_reordering", 3, 1, 300, "duplicate acknowledgments that prove a loss")         \
	X(tcp_rto_min_us, "net.ipv4.tcp_rto_min_us", 200000, 1000, 120000000, "least variance term of the retransmission timeout, us") \
	X(tcp_slow_start_after_idle, "net.ipv4.tcp_slow_start_after_idle", 1, 0, 1, "shrink the congestion window of an idle connection (RFC 2861)") \
	X(tcp_syn_retries, "net.ipv4.tcp_syn_retries", 6, 1, 127, "retransmissions of a SYN")                          \
	X(tcp_synack_retries, "net.ipv4.tcp_synack_retries", 5, 0, 127, "retransmissions of a SYN-ACK")                \
	X(tcp_retries1, "net.ipv4.tcp_retries1", 3, 0, 255, "timeouts after which another route is looked for")        \
	X(tcp_retries2, "net.ipv4.tcp_retries2", 15, 0, 255, "timeouts after which a connection is given up, as a time") \
	X(tcp_orphan_retries, "net.ipv4.tcp_orphan_retries", 0, 0, 255, "the same for one that its application has closed; 0: 8") \
	X(tcp_max_orphans, "net.ipv4.tcp_max_orphans", 65536, 0, 4294967295, "most connections that their applications have closed; more are reset") \
	X(tcp_fin_timeout, "net.ipv4.tcp_fin_timeout", 60, 1, 86400, "how long such a one stays in FIN-WAIT-2, s")       \
	X(tcp_keepalive_time, "net.ipv4.tcp_keepalive_time", 7200, 1, 32767, "silence before the first keepalive probe, s") \
	X(tcp_keepalive_intvl, "net.ipv4.tcp_keepalive_intvl", 75, 1, 32767, "time between keepalive probes, s")       \
	X(tcp_keepalive_probes, "net.ipv4.tcp_keepalive_probes", 9, 1, 127, "keepalive probes without answer that end a connection") \
	X(tcp_max_syn_backlog, "net.ipv4.tcp_max_syn_backlog", 4096, 1, 1048576, "most incoming handshakes under way, of one listener") \
	X(tcp_abort_on_overflow, "net.ipv4.tcp_abort_on_overflow", 0, 0, 1, "reset, not drop, what does not fit the accept queue") \
	X(tcp_max_tw_buckets, "net.ipv4.tcp_max_tw_buckets", 262144, 0, 16777216, "most connections in TIME-WAIT; more are closed at once") \
	X(tcp_tw_reuse, "net.ipv4.tcp_tw_reuse", 1, 0, 1, "let connect() take a TIME-WAIT's place when timestamps make it safe") \
	X(tcp_rfc1337, "net.ipv4.tcp_rfc1337", 1, 0, 1, "a reset does not end TIME-WAIT (RFC 1337)")                   \
	X(tcp_challenge_ack_limit, "net.ipv4.tcp_challenge_ack_limit", 1000, 1, 2147483647, "challenge ACKs in a second (RFC 5961), about; 2147483647: no limit") \
	X(tcp_invalid_ratelimit, "net.ipv4.tcp_invalid_ratelimit", 500, 0, 2147483647, "least time between ACKs of a connection for segments out of place, ms") \
	X(ip_local_port_min, "net.ipv4.ip_local_port_range[0]", 32768, 1, 65535, "lowest ephemeral port")              \
	X(ip_local_port_max, "net.ipv4.ip_local_port_range[1]", 60999, 1, 65535, "highest ephemeral port")

struct tunables {
#define TUNABLE_FIELD(field, name, init, min, max, text) uint32_t field;
	TUNABLES_LIST(TUNABLE_FIELD)
#undef TUNABLE_FIELD
};

void tunables_init(struct tunables *t);

/* As stack_set() and stack_get() (stack.h); *why is never NULL here, and is set on failure. A name whose lines end in [0], [1], ... takes that many numbers at once. */
int tunable_set(struct tunables *t, const char *name, const char *value, const char **why);
int tunable_get(const struct tunables *t, const char *name, char *value, unsigned room);

enum { TUNABLE_NAME_MAX = 64 };

/* The index'th tunable by the name people use (without [0]), and what it does. False past the end. */
bool tunable_at(unsigned index, char name[TUNABLE_NAME_MAX], const char **text);

#endif
