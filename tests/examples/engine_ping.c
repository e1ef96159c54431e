/* SPDX-License-Identifier: BSD-2-Clause */
/* engine_ping.c - two stacks in one process, joined by a simulated Ethernet wire: one pings the other.
 * Nothing here sleeps, opens a device or reads a clock: time is a number that we count up, and every run is the same. */
#include "stack/stack.h"

#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <stdlib.h>

enum { WIRE_DELAY_US = 500, GIVE_UP_US = 5000000 };

struct host {
	struct stack *st;
	int ifindex;
	struct frame_out out; /* the packet being sent */
};

static struct host open_host(uint8_t number, const char *addr)
{
	struct stack_config config = { .seed = { number } };
	struct link_config link = { .name = "wire", .kind = LINK_ETHERNET, .mac = { 2, 0, 0, 0, 0, number }, .mtu = 1500 };
	struct host h = { .st = stack_open(&config, 0) };
	struct ip_prefix prefix;

	ip_prefix_parse(addr, &prefix);
	h.ifindex = stack_add_link(h.st, &link);
	stack_add_addr(h.st, (uint32_t)h.ifindex, &prefix, 0);
	return h;
}

/* Everything that @from has to send arrives at @to. */
static void carry(struct host *from, struct host *to, uint64_t now_us)
{
	while (stack_output(from->st, &from->out, now_us)) {
		struct frame *f = stack_frame_alloc(to->st, from->out.len);

		for (int i = 0; i < from->out.iovcnt; i++)
			memcpy(frame_put(f, from->out.iov[i].iov_len), from->out.iov[i].iov_base, from->out.iov[i].iov_len);
		f->ifindex = (uint32_t)to->ifindex;
		stack_input(to->st, f, now_us);
	}
}

int main(void)
{
	struct host a = open_host(1, "10.0.0.1/24"), b = open_host(2, "10.0.0.2/24");
	struct sock *ping = sock_open(a.st, AF_INET, SOCK_DGRAM, IPPROTO_ICMP, &(int){ 0 });
	struct dgram_info to = { .ttl = -1, .tos = -1 };
	struct icmphdr echo = { .type = ICMP_ECHO, .un.echo.sequence = htons(1) };
	struct frame *f = stack_frame_alloc(a.st, sizeof(echo));
	uint64_t now_us = 0;
	bool answered;

	memcpy(frame_put(f, sizeof(echo)), &echo, sizeof(echo));
	ip_addr_parse("10.0.0.2", &to.dst.addr);
	if (sock_send_frame(ping, f, &to, now_us) < 0)
		return EXIT_FAILURE;
	do {
		carry(&a, &b, now_us += WIRE_DELAY_US); /* who has 10.0.0.2? then the echo */
		carry(&b, &a, now_us += WIRE_DELAY_US);
		stack_tick(a.st, now_us);
		stack_tick(b.st, now_us);
		f = sock_recv_frame(ping);
	} while (!f && now_us < GIVE_UP_US);
	answered = f != NULL;
	if (answered)
		printf("10.0.0.2 answered with %u bytes, %llu us after time began\n", f->len, (unsigned long long)now_us);
	frame_unref(f);
	sock_close(ping, now_us);
	stack_close(a.st);
	stack_close(b.st);
	return answered ? EXIT_SUCCESS : EXIT_FAILURE;
}
