/* SPDX-License-Identifier: BSD-2-Clause */
/* quic.c - datagrams the way a QUIC library moves a file.
 * The client cuts a buffer into datagrams of 1200 bytes with a UDP_SEGMENT control message and keeps a window of bytes in flight. The
 * server receives with UDP_GRO, many messages a call, and tells after each call how many bytes it has; it answers from the
 * address that the datagrams came to (IP_PKTINFO), as a server on any address must. Both sockets are unconnected. */
#include "bench.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	SEGMENT_BYTES = 1200,
	SEND_BYTES = 16 * SEGMENT_BYTES, /* of one sendmsg() */
	WINDOW_BYTES = 12 * SEND_BYTES,
	BUFFER_BYTES = 1 << 20,
	MESSAGES = 16,		/* of one recvmmsg() */
	MESSAGE_ROOM = 1 << 16,
	LOSS_TIMEOUT_MS = 20,
};

union control {
	struct cmsghdr first;
	char bytes[256];
};

static int open_quic(const struct endpoint *e)
{
	int fd = socket(e->addr.ss_family, SOCK_DGRAM, 0), bytes = BUFFER_BYTES;

	if (fd < 0)
		die("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)) < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)) < 0)
		die("SO_RCVBUF");
	return fd;
}

static void ask_for_everything(int fd, int family)
{
	int one = 1;

	if (setsockopt(fd, IPPROTO_UDP, UDP_GRO, &one, sizeof(one)) < 0)
		die("UDP_GRO");
	if (family == AF_INET ? setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one)) :
				setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one)))
		die("IP_PKTINFO");
}

/* Answer @m, from where it was sent to: the packet information that came with it goes back as it is. */
static void answer(int fd, struct msghdr *m, uint64_t bytes)
{
	struct iovec iov = { &bytes, sizeof(bytes) };
	union control control;
	struct msghdr out = { .msg_name = m->msg_name, .msg_namelen = m->msg_namelen, .msg_iov = &iov, .msg_iovlen = 1 };

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_UDP || c->cmsg_len > sizeof(control))
			continue;
		memcpy(&control, c, c->cmsg_len);
		out.msg_control = &control;
		out.msg_controllen = CMSG_SPACE(c->cmsg_len - CMSG_LEN(0));
	}
	if (sendmsg(fd, &out, 0) < 0)
		die("sendmsg");
}

/* ADDR PORT: until it is killed */
int quic_server(char **argv)
{
	static char rooms[MESSAGES][MESSAGE_ROOM];
	struct endpoint at = endpoint_parse(argv[0], argv[1]);
	struct sockaddr_storage from[MESSAGES];
	union control controls[MESSAGES];
	struct mmsghdr m[MESSAGES];
	struct iovec iov[MESSAGES];
	int fd = open_quic(&at);
	uint64_t bytes = 0;

	ask_for_everything(fd, at.addr.ss_family);
	if (bind(fd, (const struct sockaddr *)&at.addr, at.len) < 0)
		die("bind");
	bound_run_time(3600);
	say_ready();
	for (;;) {
		int n;

		for (int i = 0; i < MESSAGES; i++) {
			iov[i] = (struct iovec){ rooms[i], MESSAGE_ROOM };
			m[i].msg_hdr = (struct msghdr){ .msg_name = &from[i], .msg_namelen = sizeof(from[i]), .msg_iov = &iov[i], .msg_iovlen = 1,
							.msg_control = &controls[i], .msg_controllen = sizeof(controls[i]) };
		}
		n = recvmmsg(fd, m, MESSAGES, MSG_WAITFORONE, NULL);
		if (n < 1)
			die("recvmmsg");
		for (int i = 0; i < n; i++)
			bytes += m[i].msg_len;
		answer(fd, &m[n - 1].msg_hdr, bytes);
	}
}

static void send_segments(int fd, const struct endpoint *to)
{
	static char data[SEND_BYTES];
	struct iovec iov = { data, sizeof(data) };
	union control control = { .first = { .cmsg_level = IPPROTO_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(sizeof(uint16_t)) } };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(sizeof(uint16_t)) };
	uint16_t segment = SEGMENT_BYTES;
	struct sockaddr_storage addr = to->addr;

	m.msg_name = &addr;
	m.msg_namelen = to->len;
	memcpy(CMSG_DATA(&control.first), &segment, sizeof(segment));
	if (sendmsg(fd, &m, 0) != SEND_BYTES)
		die("sendmsg UDP_SEGMENT");
}

/* ADDR PORT MILLISECONDS */
int quic_client(char **argv)
{
	struct endpoint to = endpoint_parse(argv[0], argv[1]);
	long ms = number_parse(argv[2], 1, 3600000);
	double seconds = (double)ms * 1e-3, end = now_seconds() + seconds;
	uint64_t sent = 0, received = 0, written_off = 0, told;
	int fd = open_quic(&to);

	bound_run_time(ms / 1000);
	set_receive_timeout_ms(fd, LOSS_TIMEOUT_MS);
	while (now_seconds() < end) {
		int wait = 0; /* for the first; then take what is there */

		for (; sent + SEND_BYTES <= received + written_off + WINDOW_BYTES; sent += SEND_BYTES)
			send_segments(fd, &to);
		while (recv(fd, &told, sizeof(told), wait) == (ssize_t)sizeof(told)) {
			received = told;
			wait = MSG_DONTWAIT;
		}
		if (wait == 0)
			written_off = sent - received;
	}
	printf("{\"sent\": %llu, \"bytes\": %llu, \"seconds\": %.6f, \"cpu_seconds\": %.6f}\n", (unsigned long long)sent,
	       (unsigned long long)received, seconds, cpu_seconds());
	close(fd);
	return 0;
}
