/* SPDX-License-Identifier: BSD-2-Clause */
#include "tcp_script.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "packet.h"
#include "stack/tcp.h"

enum { IP6_HEADER_MORE = 20 }; /* bytes than IPv4's */

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32 };

static struct bed_packet last_out; /* what out() saw: the test programs have one thread, and one script at a time needs it */

int script_family = AF_INET;

int script_over_ip4(void **state)
{
	(void)state;
	script_family = AF_INET;
	return 0;
}

int script_over_ip6(void **state)
{
	(void)state;
	script_family = AF_INET6;
	return 0;
}

/* ---- Life --------------------------------------------------------------------------------------------------------- */

void script_prepare(struct tcp_script *t, int family)
{
	int asked = family;

	memset(t, 0, sizeof(*t));
	if (asked == AF_UNSPEC)
		family = script_family;
	t->family = family;
	t->local = family == AF_INET ? BED_ADDR4 : BED_ADDR6;
	t->remote = family == AF_INET ? BED_PEER4 : BED_PEER6;
	t->local_port = SCRIPT_PORT;
	t->remote_port = SCRIPT_PEER_PORT;
	bed_prepare(&t->b, 7, LINK_IP);
	if (asked == AF_UNSPEC && family == AF_INET6)
		t->b.link.mtu += IP6_HEADER_MORE;
}

void script_start(struct tcp_script *t)
{
	if (!bed_start(&t->b))
		bed_fatal("the stack does not start");
	script_clock(t);
}

void script_open(struct tcp_script *t, int family)
{
	script_prepare(t, family);
	script_start(t);
}

void script_close(struct tcp_script *t)
{
	if (t->s)
		sock_abort(t->s, t->b.now_us);
	if (t->listener)
		sock_close(t->listener, t->b.now_us);
	bed_close(&t->b);
}

void script_clock(struct tcp_script *t)
{
	t->start_us = t->b.now_us;
}

static void check(struct tcp_script *t, const char *file, int at)
{
	const char *bad = t->s ? tcp_check_invariants(t->s) : NULL;

	if (bad)
		bed_fatal("%s:%d: broken invariant: %s", file, at, bad);
}

void script_turn(struct tcp_script *t)
{
	bed_turn(&t->b);
	check(t, __FILE__, __LINE__);
}

void script_run(struct tcp_script *t, unsigned ms)
{
	bed_run(&t->b, ms * 1000ull);
	check(t, __FILE__, __LINE__);
}

void script_set(struct tcp_script *t, const char *tunable, const char *value)
{
	const char *why = "";

	if (stack_set(t->b.st, tunable, value, &why) < 0)
		bed_fatal("%s = %s: %s", tunable, value, why);
}

static struct sock *current(struct tcp_script *t)
{
	return t->s ? t->s : t->listener;
}

void script_setopt(struct tcp_script *t, int level, int name, int value)
{
	int err = sock_setopt(current(t), level, name, &value, sizeof(value), t->b.now_us);

	if (err < 0)
		bed_fatal("setsockopt(%d, %d, %d): %s", level, name, value, strerror(-err));
	script_turn(t);
}

int script_getopt(struct tcp_script *t, int level, int name)
{
	int value = 0, err;
	size_t len = sizeof(value);

	err = sock_getopt(current(t), level, name, &value, &len, t->b.now_us);
	if (err < 0)
		bed_fatal("getsockopt(%d, %d): %s", level, name, strerror(-err));
	return value;
}

void script_listen(struct tcp_script *t, int backlog)
{
	struct ip_endpoint any = { .addr = ip_addr_any(t->family), .port = t->local_port };

	if (!t->listener) {
		t->listener = bed_sock(&t->b, t->family, SOCK_STREAM, 0);
		if (sock_bind(t->listener, &any) < 0)
			bed_fatal("bind fails");
	}
	if (sock_listen(t->listener, backlog, t->b.now_us) < 0)
		bed_fatal("listen fails");
}

void script_connect(struct tcp_script *t)
{
	struct ip_endpoint to = bed_endpoint(t->remote, t->remote_port), name;

	if (!t->s)
		t->s = bed_sock(&t->b, t->family, SOCK_STREAM, 0);
	if (sock_connect(t->s, &to, t->b.now_us) != -EINPROGRESS)
		bed_fatal("connect does not begin");
	sock_getname(t->s, &name);
	t->local_port = name.port;
	script_turn(t);
}

void script_accept(struct tcp_script *t)
{
	int err;

	t->s = sock_accept(t->listener, &err);
	if (!t->s)
		bed_fatal("accept: %s", strerror(-err));
	check(t, __FILE__, __LINE__);
}

/* The third segment of a handshake has timestamps if the SYN had them. */
static void finish_handshake(struct tcp_script *t, const char *options, unsigned win)
{
	char line[128];

	snprintf(line, sizeof(line), ". 1:1(0) ack 1 win %u%s", win, strstr(options, "TS") ? " <nop,nop,TS val 101 ecr 0>" : "");
	in(t, line);
}

void script_established(struct tcp_script *t, const char *options, unsigned win)
{
	char line[160];

	script_listen(t, 8);
	snprintf(line, sizeof(line), "S 0:0(0) win 65535 <%s>", options);
	in(t, line);
	out(t, "S. 0:0(0) ack 1");
	finish_handshake(t, options, win);
	script_accept(t);
	none(t);
}

void script_connected(struct tcp_script *t, const char *options, unsigned win)
{
	char line[160];

	script_connect(t);
	out(t, "S 0:0(0)");
	snprintf(line, sizeof(line), "S. 0:0(0) ack 1 win %u <%s>", win, options);
	in(t, line);
	out(t, ". 1:1(0) ack 1");
	none(t);
}

/* ---- Segments as text --------------------------------------------------------------------------------------------- */

struct segment {
	unsigned flags;
	uint32_t seq, ack, len;
	unsigned win, urg;
	uint8_t options[40];
	size_t options_len;
};

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 3; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint8_t pattern(uint32_t stream_offset)
{
	return (uint8_t)(stream_offset * 7 + (stream_offset >> 8) * 3 + 1);
}

static bool skip(const char **p, const char *word)
{
	size_t n = strlen(word);

	while (**p == ' ' || **p == ',')
		++*p;
	if (strncmp(*p, word, n) != 0)
		return false;
	*p += n;
	return true;
}

static uint32_t number(const char **p, const char *line)
{
	char *end;
	unsigned long v;

	while (**p == ' ')
		++*p;
	v = strtoul(*p, &end, 10);
	if (end == *p)
		bed_fatal("a number is missing at \"%s\" in \"%s\"", *p, line);
	*p = end;
	return (uint32_t)v;
}

static void parse_options(struct tcp_script *t, struct segment *s, const char **p, const char *line)
{
	uint8_t *o = s->options;

	while (!skip(p, ">")) {
		if (skip(p, "nop")) {
			*o++ = 1;
		} else if (skip(p, "eol")) {
			*o++ = 0;
		} else if (skip(p, "mss")) {
			uint32_t mss = number(p, line);

			*o++ = 2, *o++ = 4, *o++ = (uint8_t)(mss >> 8), *o++ = (uint8_t)mss;
		} else if (skip(p, "wscale")) {
			*o++ = 3, *o++ = 3, *o++ = (uint8_t)number(p, line);
		} else if (skip(p, "sackOK")) {
			*o++ = 4, *o++ = 2;
		} else if (skip(p, "TS val")) {
			*o++ = 8, *o++ = 10;
			put32(o, number(p, line));
			if (!skip(p, "ecr"))
				bed_fatal("ecr is missing in \"%s\"", line);
			put32(o + 4, number(p, line) + (s->flags & ACK ? t->ts_base : 0));
			o += 8;
		} else if (skip(p, "sack")) {
			uint8_t *len = o + 1;

			*o = 5, o += 2;
			while (skip(p, ""), isdigit((unsigned char)**p)) {
				put32(o, number(p, line) + t->iss);
				if (!skip(p, ":"))
					bed_fatal("sack LEFT:RIGHT is wrong in \"%s\"", line);
				put32(o + 4, number(p, line) + t->iss);
				o += 8;
			}
			*len = (uint8_t)(o - len + 1);
		} else {
			bed_fatal("unknown option at \"%s\" in \"%s\"", *p, line);
		}
	}
	s->options_len = (size_t)(o - s->options);
	while (s->options_len % 4)
		s->options[s->options_len++] = 0;
}

static struct segment parse(struct tcp_script *t, const char *line)
{
	static const char letters[] = "FSRP.U";
	struct segment s = { .win = 65535 };
	const char *p = line, *at;
	uint32_t end;

	for (; *p && *p != ' '; p++)
		if (*p != '-' && (at = strchr(letters, *p)))
			s.flags |= 1u << (at - letters);
	s.seq = number(&p, line);
	if (!skip(&p, ":"))
		bed_fatal("SEQ:END(LEN) is wrong in \"%s\"", line);
	end = number(&p, line);
	if (!skip(&p, "("))
		bed_fatal("SEQ:END(LEN) is wrong in \"%s\"", line);
	s.len = number(&p, line);
	if (s.seq + s.len != end || !skip(&p, ")"))
		bed_fatal("SEQ:END(LEN) does not add up in \"%s\"", line);
	if (skip(&p, "ack"))
		s.ack = number(&p, line);
	if (skip(&p, "win"))
		s.win = number(&p, line);
	if (skip(&p, "urg"))
		s.urg = number(&p, line);
	if (skip(&p, "<"))
		parse_options(t, &s, &p, line);
	if (*p)
		bed_fatal("cannot read \"%s\" in \"%s\"", p, line);
	return s;
}

static void inject(struct tcp_script *t, const char *line, unsigned mss, const char *file, int at)
{
	static uint8_t packet[66000], tcp[66000];
	struct segment s = parse(t, line);
	struct ip_fields ip = { .src = t->remote, .dst = t->local, .proto = IPPROTO_TCP };
	struct frame_offload off = { 0 };
	size_t hdr = 20 + s.options_len, len;

	memset(tcp, 0, hdr);
	tcp[0] = (uint8_t)(t->remote_port >> 8), tcp[1] = (uint8_t)t->remote_port;
	tcp[2] = (uint8_t)(t->local_port >> 8), tcp[3] = (uint8_t)t->local_port;
	put32(tcp + 4, SCRIPT_ISN + s.seq);
	put32(tcp + 8, s.flags & ACK ? t->iss + s.ack : 0);
	tcp[12] = (uint8_t)(hdr / 4 << 4), tcp[13] = (uint8_t)s.flags;
	tcp[14] = (uint8_t)(s.win >> 8), tcp[15] = (uint8_t)s.win;
	tcp[18] = (uint8_t)(s.urg >> 8), tcp[19] = (uint8_t)s.urg;
	memcpy(tcp + 20, s.options, s.options_len);
	for (uint32_t i = 0; i < s.len; i++)
		tcp[hdr + i] = pattern(s.seq + i);
	len = packet_ip(packet, &ip, tcp, hdr + s.len);
	packet_fix_checksums(packet, len);
	if (mss) {
		off.csum = FRAME_CSUM_VALID;
		off.gso = t->family == AF_INET ? FRAME_GSO_TCP4 : FRAME_GSO_TCP6;
		off.gso_size = (uint16_t)mss;
		off.hdr_len = (uint16_t)(len - s.len);
	}
	bed_inject_off(&t->b, packet, len, &off);
	check(t, file, at);
}

void script_in(struct tcp_script *t, const char *line, const char *file, int at)
{
	inject(t, line, 0, file, at);
}

void script_in_gso(struct tcp_script *t, unsigned mss, const char *line, const char *file, int at)
{
	inject(t, line, mss, file, at);
}

/* ---- What came out ------------------------------------------------------------------------------------------------ */

static void print_options(struct tcp_script *t, const uint8_t *o, size_t len, char *to, size_t room)
{
	size_t n = 0, i = 0;
	const char *sep = "";

	n += (size_t)snprintf(to + n, room - n, " <");
	while (i < len && o[i] != 0) {
		size_t size = o[i] == 1 ? 1 : o[i + 1];

		n += (size_t)snprintf(to + n, room - n, "%s", sep);
		sep = ",";
		if (o[i] == 1) {
			n += (size_t)snprintf(to + n, room - n, "nop");
		} else if (o[i] == 2) {
			n += (size_t)snprintf(to + n, room - n, "mss %u", o[i + 2] << 8 | o[i + 3]);
		} else if (o[i] == 3) {
			n += (size_t)snprintf(to + n, room - n, "wscale %u", o[i + 2]);
		} else if (o[i] == 4) {
			n += (size_t)snprintf(to + n, room - n, "sackOK");
		} else if (o[i] == 8) {
			if (!t->has_ts_base) {
				t->has_ts_base = true;
				t->ts_base = get32(o + i + 2);
			}
			n += (size_t)snprintf(to + n, room - n, "TS val %u ecr %u", get32(o + i + 2) - t->ts_base, get32(o + i + 6));
		} else if (o[i] == 5) {
			n += (size_t)snprintf(to + n, room - n, "sack");
			for (size_t k = i + 2; k < i + size; k += 8)
				n += (size_t)snprintf(to + n, room - n, " %u:%u", get32(o + k) - SCRIPT_ISN,
						      get32(o + k + 4) - SCRIPT_ISN);
		} else {
			n += (size_t)snprintf(to + n, room - n, "option %u", o[i]);
		}
		if (size == 0)
			break;
		i += size;
	}
	snprintf(to + n, room - n, ">");
}

/* The packet as a line, with the parts that @expected has. */
static void print(struct tcp_script *t, const struct packet *p, const char *expected, char *to, size_t room)
{
	static const char letters[] = "FSRP.U";
	const uint8_t *h = p->l4;
	size_t n = 0, hdr = (size_t)(h[12] >> 4) * 4;
	uint32_t seq = get32(h + 4);

	if (h[13] & SYN && !t->has_iss) {
		t->has_iss = true;
		t->iss = seq;
	}
	if (!(h[13] & RST) || h[13] & ACK || t->has_iss)
		seq -= t->iss;
	for (int i = 1; letters[i]; i++) /* packetdrill's order: SFRP. */
		if (h[13] & 1u << i && letters[i] == 'S')
			n += (size_t)snprintf(to + n, room - n, "S");
	for (int i = 0; letters[i]; i++)
		if (h[13] & 1u << i && letters[i] != 'S')
			n += (size_t)snprintf(to + n, room - n, "%c", letters[i]);
	if (n == 0)
		n += (size_t)snprintf(to + n, room - n, "-");
	n += (size_t)snprintf(to + n, room - n, " %u:%u(%zu)", seq, (unsigned)(seq + p->payload_len), p->payload_len);
	if (strstr(expected, " ack ") || !strchr(expected, '('))
		n += (size_t)snprintf(to + n, room - n, " ack %u", h[13] & ACK ? get32(h + 8) - SCRIPT_ISN : 0);
	if (strstr(expected, " win "))
		n += (size_t)snprintf(to + n, room - n, " win %u", h[14] << 8 | h[15]);
	if (strstr(expected, " urg "))
		n += (size_t)snprintf(to + n, room - n, " urg %u", h[18] << 8 | h[19]);
	if (strchr(expected, '<'))
		print_options(t, h + 20, hdr - 20, to + n, room - n);
	else
		print_options(t, h + 20, hdr - 20, (char[512]){ 0 }, 512); /* to learn the timestamp base */
}

/* "*" in @expected stands for a number. */
static bool matches(const char *expected, const char *actual)
{
	while (*expected) {
		if (*expected == '*') {
			if (!isdigit((unsigned char)*actual))
				return false;
			while (isdigit((unsigned char)*actual))
				actual++;
			expected++;
			continue;
		}
		if (*expected++ != *actual++)
			return false;
	}
	return *actual == '\0';
}

static void check_payload(struct tcp_script *t, const struct packet *p, const char *file, int at)
{
	uint32_t seq = get32(p->l4 + 4) - t->iss;

	for (size_t i = 0; i < p->payload_len; i++)
		if (p->payload[i] != pattern(seq + (uint32_t)i))
			bed_fatal("%s:%d: the payload is wrong at its byte %zu", file, at, i);
}

void script_out(struct tcp_script *t, long ms, const char *line, const char *file, int at)
{
	struct packet p;
	char actual[512];
	const char *bad;
	long sent_ms;

	if (!bed_next(&t->b, &last_out))
		bed_fatal("%s:%d: nothing was sent, expected \"%s\"", file, at, line);
	bad = packet_parse(last_out.data, last_out.len, &last_out.off, &p);
	if (bad)
		bed_fatal("%s:%d: a packet is malformed: %s", file, at, bad);
	if (p.proto != IPPROTO_TCP)
		bed_fatal("%s:%d: a packet of protocol %u was sent, expected \"%s\"", file, at, p.proto, line);
	print(t, &p, line, actual, sizeof(actual));
	if (!matches(line, actual))
		bed_fatal("%s:%d: expected \"%s\"\n  but sent \"%s\"", file, at, line, actual);
	sent_ms = (long)((last_out.at_us - t->start_us) / 1000);
	if (ms >= 0 && sent_ms != ms)
		bed_fatal("%s:%d: \"%s\" was sent at %ld ms, not %ld", file, at, line, sent_ms, ms);
	check_payload(t, &p, file, at);
}

void script_none(struct tcp_script *t, const char *file, int at)
{
	struct packet p;
	char actual[512];

	check(t, file, at);
	if (!bed_next(&t->b, &last_out))
		return;
	if (packet_parse(last_out.data, last_out.len, &last_out.off, &p) || p.proto != IPPROTO_TCP)
		bed_fatal("%s:%d: something was sent", file, at);
	print(t, &p, "", actual, sizeof(actual));
	bed_fatal("%s:%d: nothing should be sent, but \"%s\" was, at %llu ms", file, at, actual,
		  (unsigned long long)((last_out.at_us - t->start_us) / 1000));
}

/* ---- The application ---------------------------------------------------------------------------------------------- */

static void write_flags(struct tcp_script *t, size_t n, int flags)
{
	uint8_t *data = malloc(n);
	ssize_t done;

	for (size_t i = 0; i < n; i++)
		data[i] = pattern(1 + t->written + (uint32_t)i);
	done = sock_send(t->s, data, n, flags, t->b.now_us);
	free(data);
	if (done != (ssize_t)n)
		bed_fatal("send of %zu bytes: %zd", n, done);
	t->written += (uint32_t)n;
	script_turn(t);
}

void script_write(struct tcp_script *t, size_t n)
{
	write_flags(t, n, 0);
}

void script_write_more(struct tcp_script *t, size_t n)
{
	write_flags(t, n, MSG_MORE);
}

void script_write_urgent(struct tcp_script *t, size_t n)
{
	write_flags(t, n, MSG_OOB);
}

void script_read(struct tcp_script *t, size_t n)
{
	uint8_t *data = malloc(n);
	ssize_t done = sock_recv(t->s, data, n, 0, t->b.now_us);

	if (done != (ssize_t)n)
		bed_fatal("recv of %zu bytes: %zd", n, done);
	for (size_t i = 0; i < n; i++)
		if (data[i] != pattern(1 + t->read + (uint32_t)i))
			bed_fatal("byte %zu received is wrong", t->read + i);
	free(data);
	t->read += (uint32_t)n;
	script_turn(t);
}

int script_recv(struct tcp_script *t)
{
	char c;

	return (int)sock_recv(t->s, &c, 1, 0, t->b.now_us);
}

uint32_t script_events(struct tcp_script *t)
{
	return bed_events(&t->b, t->s);
}

void script_end(struct tcp_script *t)
{
	sock_close(t->s, t->b.now_us);
	t->s = NULL;
	bed_turn(&t->b);
}

void script_abort(struct tcp_script *t)
{
	sock_abort(t->s, t->b.now_us);
	t->s = NULL;
	bed_turn(&t->b);
}

struct find_state {
	struct tcp_script *t;
	const char *state;
};

static bool find_state(void *ctx, const struct sock_info *info)
{
	struct find_state *f = ctx;

	if (info->type == SOCK_STREAM && strcmp(info->state, "UNCONN") != 0 && info->local.port == f->t->local_port && info->remote.port == f->t->remote_port)
		f->state = info->state;
	return true;
}

const char *script_state(struct tcp_script *t)
{
	struct find_state f = { t, "none" };
	struct sock_info info;

	if (t->s) {
		sock_describe(t->s, &info, t->b.now_us);
		if (strcmp(info.state, "UNCONN") != 0)
			return info.state;
	}
	stack_each_sock(t->b.st, find_state, &f, t->b.now_us);
	return f.state;
}

void script_icmp(struct tcp_script *t, uint8_t type, uint8_t code, uint32_t info)
{
	static uint8_t packet[2048];
	bool is_too_big = type == 3 && code == 4;
	size_t len;

	if (t->family == AF_INET6 && type == 3) { /* RFC 4443: packet too big; address unreachable */
		type = is_too_big ? 2 : 1;
		code = is_too_big ? 0 : 3;
		info += is_too_big ? IP6_HEADER_MORE : 0;
	}
	len = packet_icmp_error(packet, t->remote, t->local, type, code, info, last_out.data, last_out.len);

	bed_inject(&t->b, packet, len);
	check(t, __FILE__, __LINE__);
}
