/* SPDX-License-Identifier: BSD-2-Clause */
/* ss.c - tapir ss: sockets and connections. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "tools/json.h"
#include "tools/print.h"
#include "tools/query.h"
#include "tools/tool.h"

static const char help[] =
	"Usage: tapir ss [OPTION...]\n"
	"\n"
	"Show the stack's sockets, in the columns of Linux's ss: connected ones, unless told otherwise.\n"
	"\n"
	"Which sockets:\n"
	"  -a, --all         every one, also listening, in a handshake, in TIME-WAIT\n"
	"  -l, --listening   only those that wait for connections or datagrams\n"
	"  -t, --tcp         TCP sockets\n"
	"  -u, --udp         UDP sockets\n"
	"  -w, --raw         raw and ping sockets\n"
	"  -4, --ipv4        AF_INET sockets\n"
	"  -6, --ipv6        AF_INET6 sockets (one that talks to IPv4 shows ::ffff:a.b.c.d)\n"
	"What of them:\n"
	"  -i, --info        a second line with what TCP knows of the connection (see below)\n"
	"  -o, --options     the running timer: timer:(NAME,TIME LEFT,RETRANSMISSIONS)\n"
	"  -p, --processes   the process that opened it\n"
	"  -e, --extended    its user, and its id as the daemon knows it\n"
	"  -n, --numeric     ports and rates as numbers\n"
	"  -H, --no-header   no line of titles\n"
	"  -O, --oneline     one line a socket, also with -i\n"
	"  --json            everything, as JSON; tcp_info has the fields of struct tcp_info in <linux/tcp.h>\n"
	"  --socket PATH     the daemon's control socket\n"
	"  --help            this text\n"
	"\n"
	"Columns:\n"
	"  Netid          tcp, udp, raw, icmp (a ping socket)\n"
	"  State          as in RFC 9293; UNCONN: a datagram socket without a fixed peer\n"
	"  Recv-Q         bytes that the program has not taken yet; LISTEN: connections that wait for accept()\n"
	"  Send-Q         bytes that the peer has not acknowledged; LISTEN: how many connections may wait\n"
	"  Local Address  the stack's end; * as port: none yet\n"
	"  Peer Address   the other end\n"
	"\n"
	"The second line (-i) shows only what is not zero:\n"
	"  ts sack ecn        options in use               wscale:S,R      window scale, sent and received\n"
	"  rto                retransmission timeout, ms   rtt:A/V         round trip, average and variation, ms\n"
	"  ato                delayed-ACK timeout, ms      minrtt          shortest round trip seen, ms\n"
	"  mss rcvmss advmss  segment sizes, bytes         pmtu            path MTU, bytes\n"
	"  cwnd ssthresh      segments                     snd_wnd         the peer's window, bytes\n"
	"  send               what cwnd allows             delivery_rate   what arrived lately\n"
	"  lastsnd lastrcv    ms since                     busy            ms with data under way\n"
	"  unacked lost       segments                     retrans:N/T     being repeated now / ever\n"
	"  rwnd_limited, sndbuf_limited: part of busy in which the peer's window, or our buffer, held it up\n"
	"\n"
	"Examples:\n"
	"  tapir ss -tln          who listens on TCP\n"
	"  tapir ss -ti           why is this transfer slow?\n"
	"  tapir ss -tano         every TCP socket and its timer\n"
	"  tapir ss --json | jq '.[] | select(.tcp_info.total_retrans > 0) | .peer'\n";

static const struct option longs[] = {
	TOOL_COMMON_OPTIONS,
	{ "all", no_argument, NULL, 'a' },	 { "listening", no_argument, NULL, 'l' },
	{ "tcp", no_argument, NULL, 't' },	 { "udp", no_argument, NULL, 'u' },
	{ "raw", no_argument, NULL, 'w' },	 { "ipv4", no_argument, NULL, '4' },
	{ "ipv6", no_argument, NULL, '6' },	 { "info", no_argument, NULL, 'i' },
	{ "options", no_argument, NULL, 'o' },	 { "processes", no_argument, NULL, 'p' },
	{ "extended", no_argument, NULL, 'e' },	 { "numeric", no_argument, NULL, 'n' },
	{ "no-header", no_argument, NULL, 'H' }, { "oneline", no_argument, NULL, 'O' },
	{ 0 },
};

/* What the kernel calls the process now; it may be another one that got the same number since. */
static bool process_name(int32_t pid, char *buf, size_t room)
{
	char path[32];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, buf, room - 1);
	close(fd);
	if (n <= 0)
		return false;
	buf[n] = 0;
	buf[strcspn(buf, "\n")] = 0;
	return true;
}

static struct ss_view parse(struct tool *t, int argc, char **argv)
{
	struct ss_view v = { .process_name = process_name };
	int c;

	while ((c = tool_option(t, argc, argv)) != -1) {
		switch (c) {
		case 'a': v.all = true; break;
		case 'l': v.listening = true; break;
		case 't': v.tcp = true; break;
		case 'u': v.udp = true; break;
		case 'w': v.raw = true; break;
		case '4': v.ip4 = true; break;
		case '6': v.ip6 = true; break;
		case 'i': v.info = true; break;
		case 'o': v.timers = true; break;
		case 'p': v.processes = true; break;
		case 'e': v.extended = true; break;
		case 'n': v.numeric = true; break;
		case 'H': v.no_header = true; break;
		case 'O': v.oneline = true; break;
		}
	}
	if (optind < argc)
		tool_fail(t, EX_USAGE, "unexpected argument '%s'; expected options only, such as -t -a -i", argv[optind]);
	return v;
}

int cmd_ss(int argc, char **argv)
{
	struct tool t = { .name = "ss", .help = help, .shorts = "altuw46iopenHO", .longs = longs };
	struct ss_view view = parse(&t, argc, argv);
	struct tapir_sock_rec *socks;
	struct tapir_link_rec *links;
	size_t n;
	struct query q = query_open(&t);

	links = query_dump(&q, TAPIR_DUMP_LINKS, sizeof(*links), &view.link_count);
	view.links = links;
	socks = query_dump(&q, TAPIR_DUMP_SOCKETS, sizeof(*socks), &n);
	query_close(&q);
	n = ss_select(socks, n, &view);
	if (t.json)
		json_print(stdout, ss_json(socks, n, &view));
	else
		ss_print(stdout, socks, n, &view);
	free(socks);
	free(links);
	return tool_finish(&t);
}
