/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames into a stack with sockets of every kind, on both kinds of link.
 * The input is a program: its first byte chooses link, offloads and whether checksums are made right; then operations follow, one
 * byte each with their arguments behind. Besides raw frames there are operations that build a TCP segment or a datagram for one of the
 * stack's sockets, with numbers close to the right ones, so that mutations reach deep states. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "stack/core.h"
#include "stack/wire.h"
#include "tests/lib/bed.h"
#include "tests/lib/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	OP_FRAME,    /* length (2), bytes */
	OP_SEGMENT,  /* flow, flags, sequence delta (2), acknowledgment delta (2), window (2), options length, options, payload length (2) */
	OP_DATAGRAM, /* flow, payload length (2) */
	OP_ICMP,     /* type, code, word (4): about the last packet sent */
	OP_TIME,     /* milliseconds (2) */
	OP_LONG_TIME,/* seconds (1) */
	OP_READ,     /* socket */
	OP_WRITE,    /* socket, bytes (2) */
	OP_CLOSE,    /* socket, how: close, abort, shut for reading, for writing */
	OP_REOPEN,   /* socket */
	OPS
};

enum { SOCKS_MAX = 10, FLOWS = 4, SEGMENT_PAYLOAD_MAX = 3000, OPS_MAX = 200 };

/* What the stack last said on a TCP flow: where its numbers are. */
struct flow {
	struct ip_addr local, remote;
	uint16_t lport, rport;
	uint32_t snd_nxt, rcv_nxt; /* the stack's */
};

struct fuzz {
	struct bed b;
	struct wire_rd in;
	bool fix_checksums;
	struct sock *s[SOCKS_MAX];
	struct flow flow[FLOWS];
	struct bed_packet last; /* the last packet sent */
	unsigned turn;
};

static uint8_t buf[70000];

static void inject(struct fuzz *z, size_t len)
{
	if (z->fix_checksums)
		packet_fix_checksums(buf, len);
	if (z->b.link.kind == LINK_ETHERNET)
		len = packet_ethernet(buf, len, bed_mac, bed_peer_mac);
	bed_inject(&z->b, buf, len);
}

/* Learn from what was sent: where the flows are, and answer address resolution so that more is sent. */
static void look_at(struct fuzz *z, const struct bed_packet *out)
{
	size_t l3 = z->b.link.kind == LINK_ETHERNET ? 14 : 0;
	struct packet p;
	struct flow *f;

	z->last = *out;
	if (packet_parse(out->data + l3, out->len - l3, &out->off, &p) || p.proto != IPPROTO_TCP || p.frag_offset)
		return;
	f = &z->flow[(p.sport ^ p.dport) % FLOWS];
	f->local = p.src;
	f->remote = p.dst;
	f->lport = p.sport;
	f->rport = p.dport;
	f->snd_nxt = get_be32(p.l4 + 4) + (uint32_t)p.payload_len + (p.l4[13] & 2 ? 1 : 0) + (p.l4[13] & 1);
	f->rcv_nxt = get_be32(p.l4 + 8);
}

static void take_output(struct fuzz *z)
{
	static struct bed_packet out;
	uint32_t events;
	struct sock *s, *conn;
	int err;

	do {
		while ((s = stack_next_event(z->b.st, &events)))
			if ((conn = sock_accept(s, &err))) {
				unsigned i = SOCKS_MAX / 2 + z->turn++ % (SOCKS_MAX / 2);

				if (z->s[i])
					sock_close(z->s[i], z->b.now_us);
				z->s[i] = conn;
			}
		bed_turn(&z->b);
	} while (stack_has_events(z->b.st));
	while (bed_next(&z->b, &out))
		look_at(z, &out);
}

static struct sock *open_sock(struct fuzz *z, unsigned i)
{
	static const struct {
		int family, type, protocol;
		const char *local, *remote;
	} kinds[] = {
		{ AF_INET6, SOCK_STREAM, 0, "::", NULL },
		{ AF_INET, SOCK_STREAM, 0, NULL, BED_PEER4 },
		{ AF_INET6, SOCK_DGRAM, 0, "::", NULL },
		{ AF_INET, SOCK_DGRAM, 0, NULL, BED_PEER4 },
		{ AF_INET, SOCK_DGRAM, IPPROTO_ICMP, "0.0.0.0", NULL },
		{ AF_INET6, SOCK_STREAM, 0, NULL, BED_PEER6 },
		{ AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6, "::", NULL },
		{ AF_INET, SOCK_RAW, IPPROTO_ICMP, NULL, NULL },
		{ AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, NULL, NULL },
		{ AF_INET6, SOCK_DGRAM, 0, NULL, BED_PEER6 },
	};
	int err, on = 1;
	struct sock *s = sock_open(z->b.st, kinds[i].family, kinds[i].type, kinds[i].protocol, &err);
	struct ip_endpoint e;

	if (!s)
		return NULL;
	sock_setopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on), z->b.now_us);
	sock_setopt(s, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on), z->b.now_us);
	sock_setopt(s, IPPROTO_IP, IP_RECVERR, &on, sizeof(on), z->b.now_us);
	if (kinds[i].local) {
		e = bed_endpoint(kinds[i].local, 80);
		sock_bind(s, &e);
	}
	if (kinds[i].remote) {
		e = bed_endpoint(kinds[i].remote, 8080);
		sock_connect(s, &e, z->b.now_us);
	} else if (kinds[i].type == SOCK_STREAM) {
		sock_listen(s, 3, z->b.now_us);
	}
	return s;
}

/* ---- The operations ------------------------------------------------------------------------------------------------- */

static void op_frame(struct fuzz *z)
{
	size_t len = wire_rd_u16(&z->in);

	if (len > wire_rd_left(&z->in))
		len = wire_rd_left(&z->in);
	wire_rd_copy(&z->in, buf, len);
	if (z->fix_checksums) {
		inject(z, len);
	} else {
		struct frame_offload off = { .csum = z->turn % 3, .gso = z->turn / 3 % 4, .csum_start = 34, .csum_offset = 16,
					     .gso_size = 100, .hdr_len = 54 };

		z->turn++;
		bed_inject_off(&z->b, buf, len, &off);
	}
}

static size_t payload_room(struct fuzz *z)
{
	return wire_rd_u16(&z->in) % SEGMENT_PAYLOAD_MAX;
}

static void op_segment(struct fuzz *z)
{
	const struct flow *f = &z->flow[wire_rd_u8(&z->in) % FLOWS];
	uint8_t flags = wire_rd_u8(&z->in), tcp[60 + SEGMENT_PAYLOAD_MAX] = { 0 };
	int16_t dseq = (int16_t)wire_rd_u16(&z->in), dack = (int16_t)wire_rd_u16(&z->in);
	uint16_t window = wire_rd_u16(&z->in);
	size_t options = wire_rd_u8(&z->in) % 11 * 4, len;
	char src[IP_ADDR_TEXT_MAX], dst[IP_ADDR_TEXT_MAX];
	struct ip_fields ip = { .proto = IPPROTO_TCP };

	put_be16(tcp, f->lport ? f->rport : 4242);
	put_be16(tcp + 2, f->lport ? f->lport : 80);
	put_be32(tcp + 4, f->rcv_nxt + (uint32_t)dseq);
	put_be32(tcp + 8, f->snd_nxt + (uint32_t)dack);
	tcp[12] = (uint8_t)((20 + options) / 4 << 4);
	tcp[13] = flags;
	put_be16(tcp + 14, window);
	wire_rd_copy(&z->in, tcp + 20, options);
	len = payload_room(z);
	ip.src = f->lport ? ip_addr_print(&f->remote, src) : BED_PEER4;
	ip.dst = f->lport ? ip_addr_print(&f->local, dst) : BED_ADDR4;
	len = packet_ip(buf, &ip, tcp, 20 + options + len);
	packet_fix_checksums(buf, len);
	inject(z, len);
}

static void op_datagram(struct fuzz *z)
{
	uint8_t which = wire_rd_u8(&z->in);
	static const uint8_t zero[SEGMENT_PAYLOAD_MAX];
	size_t len = payload_room(z);
	uint16_t port = which & 2 ? 80 : 8080;

	if (which & 1)
		len = packet_udp(buf, BED_PEER4, 8080, BED_ADDR4, port, zero, len);
	else
		len = packet_udp(buf, BED_PEER6, 8080, BED_ADDR6, port, zero, len);
	inject(z, len);
}

static void op_icmp(struct fuzz *z)
{
	size_t l3 = z->b.link.kind == LINK_ETHERNET ? 14 : 0;
	uint8_t type = wire_rd_u8(&z->in), code = wire_rd_u8(&z->in);
	uint32_t word = wire_rd_u32(&z->in);
	bool is4 = z->last.len > l3 && z->last.data[l3] >> 4 == 4;

	if (z->last.len <= l3)
		return;
	inject(z, packet_icmp_error(buf, is4 ? BED_PEER4 : BED_PEER6, is4 ? BED_ADDR4 : BED_ADDR6, type, code, word,
				    z->last.data + l3, z->last.len - l3));
}

static struct sock *pick(struct fuzz *z, unsigned *i)
{
	*i = wire_rd_u8(&z->in) % SOCKS_MAX;
	return z->s[*i];
}

static void op_read(struct fuzz *z)
{
	struct sock_error e;
	uint32_t left;
	struct iovec iov[4];
	unsigned i;
	struct sock *s = pick(z, &i);
	struct frame *f;
	int n;

	if (!s)
		return;
	frame_unref(sock_recv_frame(s));
	f = sock_recv_error(s, &e, &left);
	frame_unref(f);
	sock_recv_done(s, sock_recv_peek(s, iov, 4, &n), z->b.now_us);
	sock_recv(s, buf, 100, 0, z->b.now_us);
	sock_poll(s);
}

static void op_write(struct fuzz *z)
{
	unsigned i;
	struct sock *s = pick(z, &i);
	size_t len = wire_rd_u16(&z->in);

	if (!s)
		return;
	memset(buf, 8, 8); /* an echo request, for the ping sockets */
	buf[1] = 0;
	sock_send(s, buf, len, 0, z->b.now_us);
}

static void op_close(struct fuzz *z)
{
	unsigned i;
	struct sock *s = pick(z, &i);
	uint8_t how = wire_rd_u8(&z->in) % 4;

	if (!s)
		return;
	if (how < 2) {
		z->s[i] = NULL;
		if (how == 0)
			sock_close(s, z->b.now_us);
		else
			sock_abort(s, z->b.now_us);
	} else {
		sock_shutdown(s, how == 2 ? SHUT_RD : SHUT_WR, z->b.now_us);
	}
}

static void op_reopen(struct fuzz *z)
{
	unsigned i;

	if (!pick(z, &i))
		z->s[i] = open_sock(z, i);
}

static void check(struct fuzz *z)
{
	for (unsigned i = 0; i < SOCKS_MAX; i++) {
		const char *broken = z->s[i] && z->s[i]->type == SOCK_STREAM ? tcp_check_invariants(z->s[i]) : NULL;

		if (broken)
			bed_fatal("not (%s)", broken);
	}
}

static void step(struct fuzz *z)
{
	static void (*const ops[OPS])(struct fuzz *) = {
		[OP_FRAME] = op_frame, [OP_SEGMENT] = op_segment, [OP_DATAGRAM] = op_datagram, [OP_ICMP] = op_icmp,
		[OP_READ] = op_read,   [OP_WRITE] = op_write,	  [OP_CLOSE] = op_close,       [OP_REOPEN] = op_reopen,
	};
	uint8_t op = wire_rd_u8(&z->in) % OPS;

	if (op == OP_TIME)
		bed_run(&z->b, wire_rd_u16(&z->in) * 1000ull);
	else if (op == OP_LONG_TIME)
		bed_run(&z->b, wire_rd_u8(&z->in) * 1000000ull);
	else
		ops[op](z);
	take_output(z);
	check(z);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz z; /* large */
	uint8_t how;

	memset(&z, 0, offsetof(struct fuzz, last));
	z.last.len = 0;
	z.turn = 0;
	z.in = wire_rd_over(data, size);
	how = wire_rd_u8(&z.in);
	z.fix_checksums = how & 1;
	bed_prepare(&z.b, 1, how & 2 ? LINK_ETHERNET : LINK_IP);
	z.b.link.offloads = how & 4 ? 15 : 0;
	z.b.config.frame_bytes_max = how & 8 ? 1 << 20 : 64 << 20;
	if (!bed_start(&z.b))
		bed_fatal("the stack does not start");
	for (unsigned i = 0; i < SOCKS_MAX; i++)
		z.s[i] = open_sock(&z, i);
	take_output(&z);
	for (unsigned n = 0; n < OPS_MAX && wire_rd_left(&z.in) > 0; n++)
		step(&z);
	bed_close(&z.b);
	return 0;
}
