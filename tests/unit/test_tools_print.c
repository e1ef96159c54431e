/* SPDX-License-Identifier: BSD-2-Clause */
/* test_tools_print.c - what tapir(1) prints for given records. Expected lines are written by hand after ss(8) and ip(8). */
#include "tools/print.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tools/tcp_info.h"
#include "tools/text.h"

/* ---- Making records ---- */

static struct tapir_addr addr(int family, const char *text, uint16_t port)
{
	struct tapir_addr a = { .family = (uint16_t)family, .port = port };

	if (strchr(text, ':')) {
		assert_int_equal(inet_pton(AF_INET6, text, a.addr), 1);
	} else {
		a.addr[10] = a.addr[11] = 0xff;
		assert_int_equal(inet_pton(AF_INET, text, a.addr + 12), 1);
	}
	return a;
}

static struct tapir_sock_rec tcp4(const char *state, const char *local, uint16_t lport, const char *remote, uint16_t rport)
{
	struct tapir_sock_rec r = { .id = 0x1122334455667788, .type = SOCK_STREAM, .protocol = IPPROTO_TCP, .pid = 77, .uid = 1000 };

	r.local = addr(AF_INET, local, lport);
	if (remote)
		r.remote = addr(AF_INET, remote, rport);
	strcpy(r.state, state);
	return r;
}

static struct tapir_link_rec tap0(void)
{
	struct tapir_link_rec l = { .name = "tap0", .ifindex = 2, .mtu = 1500, .mac = { 2, 0, 0, 0, 0, 1 }, .kind = 1, .offloads = 7,
				    .in_frames = 10, .out_frames = 20, .in_bytes = 1000, .out_bytes = 2000, .drops = 3 };
	return l;
}

static bool fixed_name(int32_t pid, char *buf, size_t room)
{
	snprintf(buf, room, "curl");
	return pid == 77;
}

/* ---- Comparing ---- */

struct text {
	FILE *f;
	char *s;
	size_t n;
};

static FILE *text_open(struct text *t)
{
	t->f = open_memstream(&t->s, &t->n);
	assert_non_null(t->f);
	return t->f;
}

static void text_is(struct text *t, const char *expected)
{
	fclose(t->f);
	assert_string_equal(t->s, expected);
	free(t->s);
}

static void json_is(json_t *o, const char *expected)
{
	json_t *want = json_loads(expected, JSON_DECODE_ANY, NULL);
	char *got = json_dumps(o, JSON_SORT_KEYS), *exp;

	assert_non_null(want);
	exp = json_dumps(want, JSON_SORT_KEYS);
	assert_string_equal(got, exp);
	free(got);
	free(exp);
	json_decref(o);
	json_decref(want);
}

/* ---- ss ---- */

static void test_ss_prints_aligned_columns(void **state)
{
	struct tapir_sock_rec r[] = { tcp4("ESTAB", "10.77.0.2", 43210, "10.77.0.1", 80), tcp4("CLOSE-WAIT", "10.77.0.2", 9, "10.9.0.100", 8080) };
	struct ss_view v = { .tcp = true, .numeric = true };
	struct text t;

	(void)state;
	r[1].recv_q = 5;
	ss_print(text_open(&t), r, 2, &v);
	text_is(&t, "State      Recv-Q Send-Q Local Address:Port  Peer Address:Port\n"
		    "ESTAB      0      0          10.77.0.2:43210    10.77.0.1:80  \n"
		    "CLOSE-WAIT 5      0          10.77.0.2:9       10.9.0.100:8080\n");
}

static void test_ss_shows_netid_unless_one_kind_was_asked_for(void **state)
{
	struct tapir_sock_rec r[] = { tcp4("LISTEN", "0.0.0.0", 80, NULL, 0) };
	struct ss_view v = { .numeric = true };
	struct text t;

	(void)state;
	r[0].send_q = 128;
	ss_print(text_open(&t), r, 1, &v);
	text_is(&t, "Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port\n"
		    "tcp   LISTEN 0      128          0.0.0.0:80        0.0.0.0:*   \n");
}

static void test_ss_shows_scope_by_name_and_brackets_around_ipv6(void **state)
{
	struct tapir_link_rec l = tap0();
	struct tapir_sock_rec r = { .type = SOCK_DGRAM, .protocol = IPPROTO_UDP, .state = "UNCONN" };
	struct ss_view v = { .udp = true, .numeric = true, .no_header = true, .links = &l, .link_count = 1 };
	struct text t;

	(void)state;
	r.local = addr(AF_INET6, "fe80::1", 53);
	r.local.scope_id = 2;
	ss_print(text_open(&t), &r, 1, &v);
	text_is(&t, "UNCONN 0      0      [fe80::1%tap0]:53           [::]:*   \n");
}

static void test_ss_shows_mapped_address_of_ipv6_socket(void **state)
{
	struct tapir_sock_rec r = tcp4("ESTAB", "10.77.0.2", 80, "10.77.0.1", 5000);
	struct ss_view v = { .tcp = true, .numeric = true, .no_header = true };
	struct text t;

	(void)state;
	r.local.family = r.remote.family = AF_INET6;
	ss_print(text_open(&t), &r, 1, &v);
	text_is(&t, "ESTAB  0      0      [::ffff:10.77.0.2]:80   [::ffff:10.77.0.1]:5000\n");
}

static void test_ss_shows_process_timer_and_owner(void **state)
{
	struct tapir_sock_rec r = tcp4("ESTAB", "10.77.0.2", 80, "10.77.0.1", 5000);
	struct ss_view v = { .tcp = true, .numeric = true, .no_header = true, .processes = true, .timers = true, .extended = true,
			     .process_name = fixed_name };
	struct text t;

	(void)state;
	r.timer_kind = 1;
	r.timer_ms = 200;
	r.retransmits = 2;
	ss_print(text_open(&t), &r, 1, &v);
	text_is(&t, "ESTAB  0      0          10.77.0.2:80      10.77.0.1:5000 users:((\"curl\",pid=77)) timer:(on,200ms,2) uid:1000 "
		    "id:1122334455667788\n");
}

static void test_ss_raw_socket_shows_protocol_as_port(void **state)
{
	struct tapir_sock_rec r = { .type = SOCK_RAW, .protocol = IPPROTO_ICMP, .state = "UNCONN" };
	struct ss_view v = { .numeric = true, .no_header = true, .raw = true };
	struct text t;

	(void)state;
	r.local = addr(AF_INET, "0.0.0.0", 0);
	ss_print(text_open(&t), &r, 1, &v);
	text_is(&t, "UNCONN 0      0            0.0.0.0:1         0.0.0.0:*   \n");
}

static void test_ss_default_leaves_out_listeners_handshakes_and_time_wait(void **state)
{
	static const char *const states[] = { "LISTEN", "SYN-RECV", "TIME-WAIT", "ESTAB", "SYN-SENT", "FIN-WAIT-2", "UNCONN" };
	struct tapir_sock_rec r[7];
	struct ss_view connected = { 0 }, listening = { .listening = true }, all = { .all = true };

	(void)state;
	for (int i = 0; i < 7; i++)
		r[i] = tcp4(states[i], "10.0.0.1", (uint16_t)i, "10.0.0.2", 1);
	assert_int_equal(ss_select(r, 7, &all), 7);
	assert_int_equal(ss_select(r, 7, &connected), 3);
	assert_string_equal(r[0].state, "ESTAB");
	assert_string_equal(r[1].state, "SYN-SENT");
	assert_string_equal(r[2].state, "FIN-WAIT-2");
	for (int i = 0; i < 7; i++)
		r[i] = tcp4(states[i], "10.0.0.1", (uint16_t)i, "10.0.0.2", 1);
	assert_int_equal(ss_select(r, 7, &listening), 2);
}

static void test_ss_selects_kinds_and_families_and_sorts_by_address(void **state)
{
	struct tapir_sock_rec r[4] = { tcp4("ESTAB", "10.0.0.9", 1, "10.0.0.2", 1), tcp4("ESTAB", "10.0.0.1", 2, "10.0.0.2", 1),
				       tcp4("ESTAB", "10.0.0.1", 1, "10.0.0.2", 1), tcp4("ESTAB", "10.0.0.1", 3, "10.0.0.2", 1) };
	struct ss_view tcp = { .tcp = true, .ip4 = true };

	(void)state;
	r[3].type = SOCK_DGRAM;
	r[3].protocol = IPPROTO_UDP;
	assert_int_equal(ss_select(r, 4, &tcp), 3);
	assert_int_equal(r[0].local.port, 1);
	assert_int_equal(r[0].local.addr[15], 1);
	assert_int_equal(r[1].local.port, 2);
	assert_int_equal(r[2].local.addr[15], 9);
	r[0].local.family = AF_INET6;
	tcp.ip4 = false;
	tcp.ip6 = true;
	assert_int_equal(ss_select(r, 3, &tcp), 1);
}

static void test_ss_json_has_every_key_and_numbers(void **state)
{
	struct tapir_sock_rec r = tcp4("LISTEN", "10.77.0.2", 80, NULL, 0);
	struct ss_view v = { 0 };

	(void)state;
	r.send_q = 128;
	json_is(ss_json(&r, 1, &v),
		"[{\"netid\":\"tcp\",\"family\":\"inet\",\"state\":\"LISTEN\",\"recv_q\":0,\"send_q\":128,"
		"\"local\":{\"address\":\"10.77.0.2\",\"port\":80,\"scope\":null},\"peer\":{\"address\":\"0.0.0.0\",\"port\":0,\"scope\":null},\"timer\":null,\"pid\":77,\"uid\":1000,"
		"\"id\":\"1122334455667788\",\"protocol\":6,\"cong\":null,\"tcp_info\":null}]");
}

/* ---- tcp_info ---- */

static void test_tcp_info_prints_linux_names_in_linux_order(void **state)
{
	struct tcp_info ti = {
		.tcpi_options = TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_WSCALE, .tcpi_snd_wscale = 7, .tcpi_rcv_wscale = 8,
		.tcpi_rto = 204000, .tcpi_rtt = 2500, .tcpi_rttvar = 1250, .tcpi_ato = 40000, .tcpi_snd_mss = 1448, .tcpi_pmtu = 1500,
		.tcpi_rcv_mss = 536, .tcpi_advmss = 1448, .tcpi_snd_cwnd = 10, .tcpi_snd_ssthresh = 7, .tcpi_bytes_sent = 100,
		.tcpi_bytes_retrans = 20, .tcpi_bytes_acked = 80, .tcpi_bytes_received = 9, .tcpi_segs_out = 4, .tcpi_segs_in = 3,
		.tcpi_data_segs_out = 2, .tcpi_data_segs_in = 1, .tcpi_last_data_sent = 11, .tcpi_last_data_recv = 12,
		.tcpi_last_ack_recv = 13, .tcpi_pacing_rate = 1250000, .tcpi_delivery_rate = 125, .tcpi_delivered = 5,
		.tcpi_busy_time = 10000, .tcpi_rwnd_limited = 5000, .tcpi_unacked = 6, .tcpi_retrans = 1, .tcpi_total_retrans = 2,
		.tcpi_lost = 1, .tcpi_sacked = 2, .tcpi_reordering = 3, .tcpi_rcv_rtt = 1000, .tcpi_rcv_space = 14600,
		.tcpi_rcv_ssthresh = 64000, .tcpi_notsent_bytes = 77, .tcpi_min_rtt = 500, .tcpi_snd_wnd = 65535,
	};
	struct text t;

	(void)state;
	/* send: 10 segments of 1448 bytes in 2.5 ms are 46.336 Mbit/s */
	tcp_info_print(text_open(&t), &ti, "reno", false);
	text_is(&t, " ts sack reno wscale:7,8 rto:204 rtt:2.5/1.25 ato:40 mss:1448 pmtu:1500 rcvmss:536 advmss:1448 cwnd:10 ssthresh:7"
		    " bytes_sent:100 bytes_retrans:20 bytes_acked:80 bytes_received:9 segs_out:4 segs_in:3 data_segs_out:2 data_segs_in:1"
		    " send 46.3Mbps lastsnd:11 lastrcv:12 lastack:13 pacing_rate 10Mbps delivery_rate 1Kbps delivered:5 busy:10ms"
		    " rwnd_limited:5ms(50.0%) unacked:6 retrans:1/2 lost:1 sacked:2 rcv_rtt:1 rcv_space:14600 rcv_ssthresh:64000"
		    " notsent:77 minrtt:0.5 snd_wnd:65535");
}

static void test_tcp_info_leaves_out_what_means_none(void **state)
{
	struct tcp_info ti = { .tcpi_snd_ssthresh = 0x7fffffff, .tcpi_pacing_rate = UINT64_MAX, .tcpi_min_rtt = UINT32_MAX,
			       .tcpi_reordering = 3, .tcpi_max_pacing_rate = UINT64_MAX };
	struct text t;

	(void)state;
	tcp_info_print(text_open(&t), &ti, "", false);
	text_is(&t, "");
}

static void test_tcp_info_of_a_listener_shows_no_queue_as_segments(void **state)
{
	struct tcp_info ti = { .tcpi_state = 10, .tcpi_unacked = 1, .tcpi_sacked = 5, .tcpi_snd_cwnd = 10 };
	struct text t;

	(void)state;
	tcp_info_print(text_open(&t), &ti, "reno", false);
	text_is(&t, " reno cwnd:10");
}

static void test_tcp_info_exact_rates_are_whole_numbers(void **state)
{
	struct tcp_info ti = { .tcpi_delivery_rate = 12345678 };
	struct text t;

	(void)state;
	tcp_info_print(text_open(&t), &ti, "", true);
	text_is(&t, " delivery_rate 98765424bps");
}

static void test_tcp_info_of_an_older_daemon_is_filled_with_zeros(void **state)
{
	uint8_t bytes[16];
	struct tcp_info ti;

	(void)state;
	memset(bytes, 1, sizeof(bytes));
	ti = tcp_info_read(bytes, sizeof(bytes));
	assert_int_equal(ti.tcpi_rto, 0x01010101);
	assert_int_equal(ti.tcpi_snd_mss, 0);
	assert_int_equal(ti.tcpi_snd_wnd, 0);
}

static void test_tcp_info_json_has_the_fields_of_the_struct(void **state)
{
	struct tcp_info ti = { .tcpi_rtt = 2500, .tcpi_bytes_acked = 1ULL << 40, .tcpi_pacing_rate = UINT64_MAX, .tcpi_snd_wscale = 9 };
	json_t *o = tcp_info_json(&ti);

	(void)state;
	assert_int_equal(json_integer_value(json_object_get(o, "rtt")), 2500);
	assert_int_equal(json_integer_value(json_object_get(o, "bytes_acked")), 1LL << 40);
	assert_int_equal(json_integer_value(json_object_get(o, "pacing_rate")), INT64_MAX);
	assert_int_equal(json_integer_value(json_object_get(o, "snd_wscale")), 9);
	assert_true(json_is_integer(json_object_get(o, "total_retrans")));
	json_decref(o);
}

/* ---- ip ---- */

static const struct net_view both;

static struct tapir_addr_rec addr_rec(const char *text, uint32_t prefix_len, uint32_t ifindex)
{
	struct tapir_addr_rec r = { .prefix_len = prefix_len, .ifindex = ifindex, .ifname = "tap0", .state = "preferred", .origin = "static" };

	r.addr = addr(strchr(text, ':') ? AF_INET6 : AF_INET, text, 0);
	return r;
}

static void test_addr_prints_links_and_their_addresses(void **state)
{
	struct tapir_link_rec l[2] = { { .name = "lo", .ifindex = 1, .mtu = 65535 }, tap0() };
	struct tapir_addr_rec a[] = { addr_rec("127.0.0.1", 8, 1), addr_rec("10.77.0.2", 24, 2), addr_rec("fe80::1", 64, 2),
				      addr_rec("::1", 128, 1) };
	struct net_view v6 = { .ip6 = true };
	struct text t;

	(void)state;
	strcpy(a[0].origin, "loopback");
	addr_print(text_open(&t), a, 4, l, 2, &both);
	text_is(&t, "1: lo: mtu 65535\n    link/loopback\n"
		    "    inet 127.0.0.1/8 scope host proto loopback preferred\n"
		    "    inet6 ::1/128 scope host proto static preferred\n"
		    "2: tap0: mtu 1500\n    link/ether 02:00:00:00:00:01\n"
		    "    inet 10.77.0.2/24 scope global proto static preferred\n"
		    "    inet6 fe80::1/64 scope link proto static preferred\n");
	addr_print(text_open(&t), a + 1, 2, l, 2, &v6);
	text_is(&t, "2: tap0: mtu 1500\n    link/ether 02:00:00:00:00:01\n    inet6 fe80::1/64 scope link proto static preferred\n");
	json_is(addr_json(a + 1, 1, &both),
		"[{\"family\":\"inet\",\"address\":\"10.77.0.2\",\"prefix_len\":24,\"dev\":\"tap0\",\"ifindex\":2,\"scope\":\"global\","
		"\"origin\":\"static\",\"state\":\"preferred\"}]");
}

static void test_route_prints_default_gateway_and_onlink(void **state)
{
	struct tapir_route_rec r[3] = { { .ifindex = 2, .ifname = "tap0", .origin = "static" },
					{ .prefix_len = 24, .ifindex = 2, .ifname = "tap0", .origin = "onlink" },
					{ .prefix_len = 0, .metric = 1024, .ifindex = 2, .ifname = "tap0", .origin = "static" } };
	struct net_view v6 = { .ip6 = true };
	struct text t;

	(void)state;
	r[0].dst = addr(AF_INET, "0.0.0.0", 0);
	r[0].gateway = addr(AF_INET, "10.77.0.1", 0);
	r[1].dst = addr(AF_INET, "10.77.0.0", 0);
	r[2].dst = addr(AF_INET6, "::", 0);
	r[2].gateway = addr(AF_INET6, "fd77::1", 0);
	route_print(text_open(&t), r, 3, &both);
	text_is(&t, "default via 10.77.0.1 dev tap0 proto static\n"
		    "10.77.0.0/24 dev tap0 proto onlink\n"
		    "default via fd77::1 dev tap0 proto static metric 1024\n");
	json_is(route_json(r, 3, &v6), "[{\"family\":\"inet6\",\"type\":\"unicast\",\"dst\":\"default\",\"gateway\":\"fd77::1\",\"dev\":\"tap0\",\"ifindex\":2,"
				       "\"origin\":\"static\",\"metric\":1024,\"preference\":0}]");
}

static void test_addr_and_route_print_lifetimes_and_preference(void **state)
{
	struct tapir_link_rec l = tap0();
	struct tapir_addr_rec a = addr_rec("2001:db8::5", 64, 2);
	struct tapir_route_rec r = { .metric = 1024, .ifindex = 2, .ifname = "tap0", .origin = "slaac", .lifetime_s = 600, .preference = 1 };
	struct net_view v6 = { .ip6 = true };
	struct text t;

	(void)state;
	strcpy(a.origin, "slaac");
	a.valid_s = 86400;
	a.preferred_s = 14400;
	addr_print(text_open(&t), &a, 1, &l, 1, &v6);
	text_is(&t, "2: tap0: mtu 1500\n    link/ether 02:00:00:00:00:01\n"
		    "    inet6 2001:db8::5/64 scope global proto slaac preferred valid 86400s preferred 14400s\n");
	r.dst = addr(AF_INET6, "::", 0);
	r.gateway = addr(AF_INET6, "fe80::1", 0);
	route_print(text_open(&t), &r, 1, &both);
	text_is(&t, "default via fe80::1 dev tap0 proto slaac metric 1024 pref high expires 600s\n");
}

static void test_route_prints_kind_source_and_mtu(void **state)
{
	struct tapir_route_rec r[2] = { { .prefix_len = 8, .ifindex = 1, .ifname = "lo", .origin = "static", .kind = TAPIR_ROUTE_UNREACHABLE },
					{ .prefix_len = 32, .ifindex = 2, .ifname = "tap0", .mtu = 1400 } };
	struct text t;

	(void)state;
	r[0].dst = addr(AF_INET, "10.0.0.0", 0);
	r[1].dst = addr(AF_INET, "192.0.2.7", 0);
	r[1].gateway = addr(AF_INET, "10.77.0.1", 0);
	r[1].src = addr(AF_INET, "10.77.0.2", 0);
	route_print(text_open(&t), r, 2, &both);
	text_is(&t, "unreachable 10.0.0.0/8 dev lo proto static\n192.0.2.7 via 10.77.0.1 dev tap0 src 10.77.0.2 mtu 1400\n");
}

static void test_dns_prints_servers_and_domains(void **state)
{
	struct tapir_dns_rec r[2] = { { .ifindex = 2, .lifetime_s = 600, .ifname = "tap0", .origin = "slaac" },
				      { .ifindex = 2, .lifetime_s = UINT32_MAX, .ifname = "tap0", .origin = "dhcp", .domain = "example.org" } };
	struct text t;

	(void)state;
	r[0].server = addr(AF_INET6, "2001:db8::53", 0);
	dns_print(text_open(&t), r, 2);
	text_is(&t, "nameserver 2001:db8::53 dev tap0 proto slaac expires 600s\nsearch example.org dev tap0 proto dhcp\n");
	json_is(dns_json(r, 2), "[{\"server\":\"2001:db8::53\",\"dev\":\"tap0\",\"ifindex\":2,\"origin\":\"slaac\",\"lifetime_s\":600},"
				"{\"domain\":\"example.org\",\"dev\":\"tap0\",\"ifindex\":2,\"origin\":\"dhcp\"}]");
}

static void test_dhcp_prints_lease_and_what_the_server_told(void **state)
{
	struct tapir_dhcp_rec r[2] = {
		{ .family = AF_INET, .ifindex = 2, .ifname = "tap0", .state = "bound", .prefix_len = 24, .addr_count = 1, .renew_s = 300,
		  .rebind_s = 525, .expire_s = UINT32_MAX, .dns_count = 1, .ntp_count = 1, .mtu = 1400, .domain = "example.org" },
		{ .family = AF_INET6, .ifindex = 2, .ifname = "tap0", .state = "idle" },
	};
	struct net_view v6 = { .ip6 = true };
	struct text t;

	(void)state;
	r[0].addr = addr(AF_INET, "10.77.0.50", 0);
	r[0].server = r[0].dns[0] = addr(AF_INET, "10.77.0.1", 0);
	r[0].ntp[0] = addr(AF_INET, "10.77.0.4", 0);
	dhcp_print(text_open(&t), r, 2, &both);
	text_is(&t, "tap0 inet bound 10.77.0.50/24 server 10.77.0.1 renew 300s rebind 525s expire never\n"
		    "    dns 10.77.0.1 domain example.org ntp 10.77.0.4 mtu 1400\n"
		    "tap0 inet6 idle\n");
	json_is(dhcp_json(r, 2, &v6), "[{\"dev\":\"tap0\",\"ifindex\":2,\"family\":\"inet6\",\"state\":\"idle\",\"address\":null,"
				      "\"prefix_len\":0,\"addresses\":0,\"server\":null,\"renew_s\":null,\"rebind_s\":null,"
				      "\"expire_s\":null,\"dns\":[],\"domain\":null,\"ntp\":[],\"mtu\":0}]");
}

static void test_neigh_prints_address_and_state(void **state)
{
	struct tapir_neigh_rec r[2] = { { .mac = { 2, 0, 0, 0, 0, 9 }, .ifindex = 2, .age_ms = 1234, .ifname = "tap0", .state = "reachable" },
					{ .ifindex = 2, .queued = 3, .ifname = "tap0", .state = "incomplete" } };
	struct text t;

	(void)state;
	r[0].addr = addr(AF_INET, "10.77.0.1", 0);
	r[1].addr = addr(AF_INET6, "fd77::9", 0);
	neigh_print(text_open(&t), r, 2, &both);
	text_is(&t, "10.77.0.1 dev tap0 lladdr 02:00:00:00:00:09 age 1.2s REACHABLE\n"
		    "fd77::9 dev tap0 queued 3 INCOMPLETE\n");
	json_is(neigh_json(r + 1, 1, &both), "[{\"family\":\"inet6\",\"address\":\"fd77::9\",\"dev\":\"tap0\",\"ifindex\":2,\"lladdr\":null,"
					     "\"state\":\"incomplete\",\"age_ms\":null,\"queued\":3}]");
}

static void test_maddr_prints_filter_and_what_is_due(void **state)
{
	struct tapir_group_rec r[3] = {
		{ .ifindex = 2, .users = 2, .version = 3, .is_exclude = 1, .report_ms = UINT32_MAX, .ifname = "tap0" },
		{ .ifindex = 2, .users = 1, .version = 2, .source_count = 2, .report_ms = 1500, .ifname = "tap0" },
	};
	struct text t;

	(void)state;
	r[0].addr = addr(AF_INET, "239.1.1.1", 0);
	r[1].addr = addr(AF_INET6, "ff15::1", 0);
	r[2] = r[1];
	r[1].source = addr(AF_INET6, "fd77::8", 0);
	r[2].source = addr(AF_INET6, "fd77::9", 0);
	maddr_print(text_open(&t), r, 3, &both);
	text_is(&t, "2: tap0\n    inet 239.1.1.1 users 2 igmpv3 exclude nothing\n"
		    "    inet6 ff15::1 users 1 mldv2 include fd77::8,fd77::9 report in 1.500sec\n");
	json_is(maddr_json(r + 1, 2, &both), "[{\"family\":\"inet6\",\"address\":\"ff15::1\",\"dev\":\"tap0\",\"ifindex\":2,\"users\":1,"
					     "\"protocol\":\"mld\",\"version\":2,\"mode\":\"include\","
					     "\"sources\":[\"fd77::8\",\"fd77::9\"],\"report_ms\":1500}]");
	maddr_print(text_open(&t), r + 1, 1, &both); /* a dump that ends early: no reading past it */
	text_is(&t, "");
}

static void test_link_prints_offloads_and_traffic(void **state)
{
	struct tapir_link_rec l = tap0();
	struct text t;

	(void)state;
	link_print(text_open(&t), &l, 1);
	text_is(&t, "2: tap0: mtu 1500\n    link/ether 02:00:00:00:00:01\n    offloads checksum tso4 tso6\n"
		    "    RX:       frames          bytes  dropped\n"
		    "                  10           1000        3\n"
		    "    TX:       frames          bytes\n"
		    "                  20           2000\n");
	json_is(link_json(&l, 1), "[{\"ifindex\":2,\"name\":\"tap0\",\"mtu\":1500,\"state\":\"up\",\"kind\":\"ether\",\"mac\":\"02:00:00:00:00:01\","
				  "\"offloads\":[\"checksum\",\"tso4\",\"tso6\"],\"in_frames\":10,\"out_frames\":20,\"in_bytes\":1000,"
				  "\"out_bytes\":2000,\"drops\":3}]");
}

/* ---- stats, tunables ---- */

static const struct tapir_stat_rec stats[] = { { .name = "link.in", .text = "frames received", .value = 12 },
					       { .name = "eth.drop.short", .text = "too short", .value = 0 },
					       { .name = "tcp.in", .text = "segments", .value = 7 } };

static void test_stats_leave_out_zeros_unless_all(void **state)
{
	struct stats_view v = { 0 }, all = { .all = true };
	struct text t;

	(void)state;
	assert_int_equal(stats_print(text_open(&t), stats, NULL, 3, &v), 2);
	text_is(&t, "link.in           12  frames received\n"
		    "tcp.in             7  segments\n");
	assert_int_equal(stats_print(text_open(&t), stats, NULL, 3, &all), 3);
	text_is(&t, "link.in                  12  frames received\n"
		    "eth.drop.short            0  too short\n"
		    "tcp.in                    7  segments\n");
}

static void test_stats_patterns_select_names(void **state)
{
	char *patterns[] = { (char[]){ "tcp.*" }, (char[]){ "eth.*" }, NULL };
	struct stats_view v = { .patterns = patterns };

	(void)state;
	assert_true(stats_name_matches("tcp.in", patterns));
	assert_true(stats_name_matches("eth.drop.short", patterns));
	assert_false(stats_name_matches("link.in", patterns));
	assert_true(stats_name_matches("link.in", NULL));
	json_is(stats_json(stats, NULL, 3, &v), "{\"eth.drop.short\":0,\"tcp.in\":7}");
}

static void test_stats_watch_shows_only_what_changed(void **state)
{
	struct tapir_stat_rec before[3];
	struct stats_view v = { 0 };
	struct text t;

	(void)state;
	memcpy(before, stats, sizeof(stats));
	before[0].value = 10;
	stats_print(text_open(&t), stats, before, 3, &v);
	text_is(&t, "link.in                  +2  frames received\n");
	json_is(stats_json(stats, before, 3, &v), "{\"link.in\":2}");
}

static void test_stats_watch_over_a_restart_shows_the_new_value(void **state)
{
	struct tapir_stat_rec before[3];
	struct stats_view v = { 0 };

	(void)state;
	memcpy(before, stats, sizeof(stats));
	before[0].value = 1000;
	json_is(stats_json(stats, before, 3, &v), "{\"link.in\":12}");
}

static void test_tunables_print_name_value_and_meaning(void **state)
{
	struct tapir_tunable r[] = { { .name = "net.ipv4.tcp_sack", .value = "1", .text = "offer SACK" },
				     { .name = "net.ipv4.tcp_congestion_control", .value = "reno", .text = "which" } };
	struct text t;

	(void)state;
	tunables_print(text_open(&t), r, 2);
	text_is(&t, "net.ipv4.tcp_sack               = 1     offer SACK\n"
		    "net.ipv4.tcp_congestion_control = reno  which\n");
	json_is(tunables_json(r, 2), "[{\"name\":\"net.ipv4.tcp_sack\",\"value\":1,\"text\":\"offer SACK\"},"
				     "{\"name\":\"net.ipv4.tcp_congestion_control\",\"value\":\"reno\",\"text\":\"which\"}]");
}

/* ---- text ---- */

static void test_text_timer_is_as_ss_prints_it(void **state)
{
	char b[TEXT_SHORT_MAX];

	(void)state;
	assert_string_equal(text_timer(0, b), "0ms");
	assert_string_equal(text_timer(200, b), "200ms");
	assert_string_equal(text_timer(1500, b), "1.500sec");
	assert_string_equal(text_timer(2000, b), "2sec");
	assert_string_equal(text_timer(12345, b), "12sec");
	assert_string_equal(text_timer(118000, b), "1min58sec");
	assert_string_equal(text_timer(7200000, b), "120min");
}

static void test_text_age_uses_two_units(void **state)
{
	char b[TEXT_SHORT_MAX];

	(void)state;
	assert_string_equal(text_age(3, b), "3ms");
	assert_string_equal(text_age(1590, b), "1.5s");
	assert_string_equal(text_age(252000, b), "4m12s");
	assert_string_equal(text_age(7500000, b), "2h5m");
	assert_string_equal(text_age(3ULL * 86400000 + 4 * 3600000, b), "3d4h");
	assert_string_equal(text_age(UINT64_MAX, b), "213503982334d14h");
}

static void test_text_field_stops_at_its_end_and_hides_control_characters(void **state)
{
	char b[8];

	(void)state;
	assert_string_equal(text_field("abcd", 3, b, sizeof(b)), "abc");
	assert_string_equal(text_field("a\033[b", 4, b, sizeof(b)), "a?[b");
	assert_string_equal(text_field("0123456789", 10, b, sizeof(b)), "0123456");
}

static void test_records_of_garbage_print_without_harm(void **state)
{
	struct tapir_sock_rec r;
	struct tapir_link_rec l;
	struct tapir_addr_rec a;
	struct tapir_route_rec ro;
	struct tapir_neigh_rec ne;
	struct ss_view v = { .all = true, .info = true, .timers = true, .processes = true };
	struct text t;
	FILE *f = text_open(&t);

	(void)state;
	for (int byte = 1; byte < 256; byte += 2) {
		memset(&r, byte, sizeof(r));
		memset(&l, byte, sizeof(l));
		memset(&a, byte, sizeof(a));
		memset(&ro, byte, sizeof(ro));
		memset(&ne, byte, sizeof(ne));
		ss_print(f, &r, ss_select(&r, 1, &v), &v);
		json_decref(ss_json(&r, 1, &v));
		link_print(f, &l, 1);
		json_decref(link_json(&l, 1));
		addr_print(f, &a, 1, &l, 1, &both);
		json_decref(addr_json(&a, 1, &both));
		route_print(f, &ro, 1, &both);
		json_decref(route_json(&ro, 1, &both));
		neigh_print(f, &ne, 1, &both);
		json_decref(neigh_json(&ne, 1, &both));
	}
	fclose(t.f);
	assert_true(t.n > 0);
	free(t.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ss_prints_aligned_columns),
		cmocka_unit_test(test_ss_shows_netid_unless_one_kind_was_asked_for),
		cmocka_unit_test(test_ss_shows_scope_by_name_and_brackets_around_ipv6),
		cmocka_unit_test(test_ss_shows_mapped_address_of_ipv6_socket),
		cmocka_unit_test(test_ss_shows_process_timer_and_owner),
		cmocka_unit_test(test_ss_raw_socket_shows_protocol_as_port),
		cmocka_unit_test(test_ss_default_leaves_out_listeners_handshakes_and_time_wait),
		cmocka_unit_test(test_ss_selects_kinds_and_families_and_sorts_by_address),
		cmocka_unit_test(test_ss_json_has_every_key_and_numbers),
		cmocka_unit_test(test_tcp_info_prints_linux_names_in_linux_order),
		cmocka_unit_test(test_tcp_info_leaves_out_what_means_none),
		cmocka_unit_test(test_tcp_info_of_a_listener_shows_no_queue_as_segments),
		cmocka_unit_test(test_tcp_info_exact_rates_are_whole_numbers),
		cmocka_unit_test(test_tcp_info_of_an_older_daemon_is_filled_with_zeros),
		cmocka_unit_test(test_tcp_info_json_has_the_fields_of_the_struct),
		cmocka_unit_test(test_addr_prints_links_and_their_addresses),
		cmocka_unit_test(test_route_prints_default_gateway_and_onlink),
		cmocka_unit_test(test_addr_and_route_print_lifetimes_and_preference),
		cmocka_unit_test(test_dns_prints_servers_and_domains),
		cmocka_unit_test(test_route_prints_kind_source_and_mtu),
		cmocka_unit_test(test_dhcp_prints_lease_and_what_the_server_told),
		cmocka_unit_test(test_neigh_prints_address_and_state),
		cmocka_unit_test(test_maddr_prints_filter_and_what_is_due),
		cmocka_unit_test(test_link_prints_offloads_and_traffic),
		cmocka_unit_test(test_stats_leave_out_zeros_unless_all),
		cmocka_unit_test(test_stats_patterns_select_names),
		cmocka_unit_test(test_stats_watch_shows_only_what_changed),
		cmocka_unit_test(test_stats_watch_over_a_restart_shows_the_new_value),
		cmocka_unit_test(test_tunables_print_name_value_and_meaning),
		cmocka_unit_test(test_text_timer_is_as_ss_prints_it),
		cmocka_unit_test(test_text_age_uses_two_units),
		cmocka_unit_test(test_text_field_stops_at_its_end_and_hides_control_characters),
		cmocka_unit_test(test_records_of_garbage_print_without_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
