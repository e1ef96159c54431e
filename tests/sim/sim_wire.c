/* SPDX-License-Identifier: BSD-2-Clause */
#include "sim_wire.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sim_segment.h"
#include "sim_watch.h"
#include "tests/lib/packet.h"
#include "tools/pcapng.h"

enum { ETH_HDR = 14, QUEUE_BYTES_DEFAULT = 65536, TURNS_AT_ONCE_MAX = 100000 };

struct sim_flight {
	uint64_t at_us, seq; /* the order of arrival */
	struct sim_host *to;
	struct frame_offload off;
	size_t len;
	uint8_t data[];
};

void sim_wrong(struct sim *s, const char *format, ...)
{
	va_list args;

	if (s->wrong)
		return;
	va_start(args, format);
	vsnprintf(s->wrong_text, sizeof(s->wrong_text), format, args);
	va_end(args);
	s->wrong = s->wrong_text;
}

static bool happens(struct sim *s, uint32_t ppm)
{
	return ppm > 0 && rng_below(&s->rng, PPM) < ppm;
}

/* ---- Packets under way: a binary heap by time ----------------------------------------------------------------------- */

static bool is_before(const struct sim_flight *a, const struct sim_flight *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->seq < b->seq;
}

static void heap_swap(struct sim *s, size_t i, size_t j)
{
	struct sim_flight *f = s->heap[i];

	s->heap[i] = s->heap[j];
	s->heap[j] = f;
}

static void heap_push(struct sim *s, struct sim_flight *f)
{
	size_t i = s->flights++;

	if (s->flights > s->heap_room) {
		s->heap_room = s->heap_room ? 2 * s->heap_room : 64;
		s->heap = realloc(s->heap, s->heap_room * sizeof(struct sim_flight *));
		if (!s->heap)
			bed_fatal("out of memory");
	}
	s->heap[i] = f;
	for (; i > 0 && is_before(s->heap[i], s->heap[(i - 1) / 2]); i = (i - 1) / 2)
		heap_swap(s, i, (i - 1) / 2);
}

static struct sim_flight *heap_pop(struct sim *s)
{
	struct sim_flight *first = s->heap[0];
	size_t i = 0;

	s->heap[0] = s->heap[--s->flights];
	for (;;) {
		size_t least = i, left = 2 * i + 1;

		for (size_t c = left; c <= left + 1 && c < s->flights; c++)
			if (is_before(s->heap[c], s->heap[least]))
				least = c;
		if (least == i)
			return first;
		heap_swap(s, i, least);
		i = least;
	}
}

/* ---- Into the wire -------------------------------------------------------------------------------------------------- */

/* When a frame of @len bytes has left @from, or UINT64_MAX: its queue is full. */
static uint64_t departure_us(struct sim *s, struct sim_host *from, size_t len)
{
	const struct sim_path *path = &s->config.path[from->index];
	uint32_t queue_bytes = path->queue_bytes ? path->queue_bytes : QUEUE_BYTES_DEFAULT;
	uint64_t waiting_us;

	if (path->rate_bps == 0)
		return s->now_us;
	if (from->link_free_us < s->now_us)
		from->link_free_us = s->now_us;
	waiting_us = from->link_free_us - s->now_us;
	if (waiting_us * path->rate_bps / 8000000 + len > queue_bytes) {
		s->queue_drops++;
		return UINT64_MAX;
	}
	from->link_free_us += (uint64_t)len * 8000000 / path->rate_bps + 1;
	return from->link_free_us;
}

static bool is_lost(struct sim *s, struct sim_host *from)
{
	const struct sim_path *path = &s->config.path[from->index];

	if (happens(s, path->burst_ppm))
		from->burst_end_us = s->now_us + rng_below(&s->rng, path->burst_us);
	return s->now_us < from->burst_end_us || happens(s, path->loss_ppm);
}

static uint64_t arrival_us(struct sim *s, struct sim_host *from, uint64_t departed_us)
{
	const struct sim_path *path = &s->config.path[from->index];
	uint64_t at_us = departed_us + path->delay_us;

	if (path->jitter_us > 0)
		at_us += rng_below(&s->rng, path->jitter_us);
	if (happens(s, path->reorder_ppm))
		return at_us + path->reorder_us;
	if (at_us < from->last_arrival_us)
		at_us = from->last_arrival_us;
	from->last_arrival_us = at_us;
	return at_us;
}

static void deliver_to(struct sim *s, struct sim_host *to, const uint8_t *data, size_t len, const struct frame_offload *off,
		       uint64_t at_us)
{
	struct sim_flight *f = malloc(sizeof(*f) + len);

	if (!f)
		bed_fatal("out of memory");
	f->at_us = at_us;
	f->seq = s->flight_seq++;
	f->to = to;
	f->off = *off;
	f->len = len;
	memcpy(f->data, data, len);
	heap_push(s, f);
}

static size_t l3_at(const struct sim *s)
{
	return s->config.kind == LINK_ETHERNET ? ETH_HDR : 0;
}

static bool is_ip(const struct sim *s, const uint8_t *data, size_t len)
{
	return l3_at(s) == 0 || (len > ETH_HDR && ((data[12] == 0x08 && data[13] == 0x00) || (data[12] == 0x86 && data[13] == 0xdd)));
}

/* The host that a frame is for; NULL: everybody. */
static struct sim_host *receiver_of(struct sim *s, const uint8_t *data, size_t len)
{
	for (unsigned i = 0; i < s->config.hosts; i++) {
		struct sim_host *h = &s->host[i];
		struct ip_addr dst, addr4 = addr_of(h->addr4), addr6 = addr_of(h->addr6);

		if (s->config.kind == LINK_ETHERNET) {
			if (len >= 6 && memcmp(data, h->mac, 6) == 0)
				return h;
			continue;
		}
		if (len < 20)
			return NULL;
		dst = data[0] >> 4 == 4 ? ip_addr_from4(data + 16) : len >= 40 ? ip_addr_from6(data + 24) : addr6;
		if (ip_addr_eq(&dst, &addr4) || ip_addr_eq(&dst, &addr6))
			return h;
	}
	return NULL;
}

/* Set a bit that was clear. Only ever that way: the Internet checksum notices up to 15 such bits in one datagram, while two that
 * were flipped in opposite ways can cancel out, in a datagram of many fragments. */
static void corrupt(struct sim *s, uint8_t *data, size_t len)
{
	uint32_t bits = (uint32_t)(8 * len), bit = rng_below(&s->rng, bits);

	for (uint32_t i = 0; i < bits; i++, bit = (bit + 1) % bits) {
		if (data[bit / 8] & 1u << bit % 8)
			continue;
		data[bit / 8] |= (uint8_t)(1u << bit % 8);
		return;
	}
}

struct sending {
	struct sim *s;
	struct sim_host *from;
	const struct frame_offload *off; /* as the receiver will see it */
};

/* One frame as it crosses the wire: a packet, or a super-segment between two hosts that both want those. */
static void cross(struct sim *s, struct sim_host *from, const uint8_t *data, size_t len, const struct frame_offload *off)
{
	static uint8_t copy[66000];
	struct sim_host *to = receiver_of(s, data, len);
	uint64_t departed_us = departure_us(s, from, len);
	unsigned copies;

	if (departed_us == UINT64_MAX)
		return;
	if (is_lost(s, from)) {
		s->lost++;
		return;
	}
	memcpy(copy, data, len);
	if (off->csum == FRAME_CSUM_NONE && is_ip(s, data, len) && happens(s, s->config.path[from->index].corrupt_ppm)) {
		corrupt(s, copy + l3_at(s), len - l3_at(s));
	}
	copies = 1 + happens(s, s->config.path[from->index].duplicate_ppm);
	while (copies-- > 0) {
		uint64_t at_us = arrival_us(s, from, departed_us);

		for (unsigned i = 0; i < s->config.hosts; i++)
			if (to ? to == &s->host[i] : from != &s->host[i])
				deliver_to(s, &s->host[i], copy, len, off, at_us);
	}
}

static void emit_packet(void *ctx, const uint8_t *data, size_t len)
{
	static const struct frame_offload none;
	struct sending *to = ctx;

	if (len - l3_at(to->s) > to->s->config.mtu)
		sim_wrong(to->s, "host %u sent a packet of %zu bytes over an MTU of %u", to->from->index, len - l3_at(to->s),
			  to->s->config.mtu);
	cross(to->s, to->from, data, len, &none);
}

static bool takes(const struct sim_host *h, const struct frame_offload *off)
{
	static const uint32_t needed[] = {
		[FRAME_GSO_NONE] = 0, [FRAME_GSO_TCP4] = LINK_OFFLOAD_TSO4,
		[FRAME_GSO_TCP6] = LINK_OFFLOAD_TSO6, [FRAME_GSO_UDP] = LINK_OFFLOAD_USO,
	};
	uint32_t all = needed[off->gso] | (off->csum == FRAME_CSUM_PARTIAL ? LINK_OFFLOAD_CSUM : 0);

	return (h->offloads & all) == all;
}

static void capture(struct sim *s, struct sim_host *h, const uint8_t *data, size_t len)
{
	struct pcapng_packet p = {
		.interface = h->index,
		.time_ns = s->now_us * 1000,
		.packet_bytes = (uint32_t)len,
		.captured_bytes = (uint32_t)len,
		.data = data,
		.direction = PCAPNG_OUT,
	};

	if (s->pcapng)
		pcapng_write_packet(s->pcapng, &p);
}

/* A frame that host @h's stack gave to its link. */
static void enter_wire(struct sim_host *h)
{
	static uint8_t data[66000];
	struct sim *s = h->sim;
	struct sending to = { .s = s, .from = h };
	struct sim_host *receiver;
	size_t len = 0;

	for (int i = 0; i < h->out.iovcnt; i++) {
		if (len + h->out.iov[i].iov_len > sizeof(data))
			bed_fatal("a frame of more than %zu bytes", sizeof(data));
		memcpy(data + len, h->out.iov[i].iov_base, h->out.iov[i].iov_len);
		len += h->out.iov[i].iov_len;
	}
	if (len != h->out.len)
		sim_wrong(s, "host %u: the pieces of a frame have %zu bytes, not %u", h->index, len, h->out.len);
	if (!takes(h, &h->out.off))
		sim_wrong(s, "host %u sent a frame that its link cannot do: csum %u, gso %u", h->index, h->out.off.csum,
			  h->out.off.gso);
	s->packets++;
	s->bytes += len;
	capture(s, h, data, len);
	if (is_ip(s, data, len)) {
		struct packet p;
		const char *wrong = packet_parse(data + l3_at(s), len - l3_at(s), &h->out.off, &p);

		if (wrong)
			sim_wrong(s, "host %u sent a bad packet: %s", h->index, wrong);
		else
			sim_watch_packet(s->watch, h, &p);
	}
	receiver = receiver_of(s, data, len);
	if (receiver && takes(receiver, &h->out.off) && s->config.path[h->index].corrupt_ppm == 0)
		cross(s, h, data, len, &h->out.off);
	else
		sim_segment(data, len, &h->out.off, l3_at(s), emit_packet, &to);
}

/* ---- Turns ---------------------------------------------------------------------------------------------------------- */

void sim_wake(struct sim_host *h, uint64_t at_us)
{
	if (at_us < h->wake_us)
		h->wake_us = at_us;
}

/* Timers, applications, output: until the host has nothing more to do now. */
static void turn(struct sim_host *h)
{
	struct sim *s = h->sim;

	if (h->wake_us <= s->now_us)
		h->wake_us = UINT64_MAX;
	stack_tick(h->st, s->now_us);
	do {
		if (s->on_turn)
			s->on_turn(s, h);
		while (stack_output(h->st, &h->out, s->now_us))
			enter_wire(h);
	} while (stack_has_events(h->st) && !s->wrong);
}

static void arrive(struct sim *s)
{
	struct sim_flight *f = heap_pop(s);
	struct sim_host *h = f->to;
	struct frame *frame = stack_frame_alloc(h->st, f->len);

	if (frame) { /* else it is lost, as without a buffer in a device */
		memcpy(frame_put(frame, f->len), f->data, f->len);
		frame->ifindex = h->ifindex;
		frame->off = f->off;
		stack_input(h->st, frame, s->now_us);
	}
	free(f);
	turn(h);
}

/* When host @h must have its next turn. */
static uint64_t deadline_us(struct sim_host *h)
{
	uint64_t at_us = stack_next_deadline_us(h->st);

	return at_us < h->wake_us ? at_us : h->wake_us;
}

void sim_run_until(struct sim *s, uint64_t at_us, const bool *stop)
{
	unsigned at_once = 0;

	while (!s->wrong && !(stop && *stop)) {
		struct sim_host *next = NULL;
		uint64_t next_us = s->flights > 0 ? s->heap[0]->at_us : UINT64_MAX;

		for (unsigned i = 0; i < s->config.hosts; i++) {
			uint64_t host_us = deadline_us(&s->host[i]);

			if (host_us < next_us) {
				next_us = host_us;
				next = &s->host[i];
			}
		}
		if (next_us > at_us)
			break;
		at_once = next_us > s->now_us ? 0 : at_once + 1;
		if (at_once > TURNS_AT_ONCE_MAX) {
			sim_wrong(s, "time stands still at %llu us", (unsigned long long)s->now_us);
			return;
		}
		if (next_us > s->now_us)
			s->now_us = next_us;
		if (next)
			turn(next);
		else
			arrive(s);
	}
	if (!s->wrong && !(stop && *stop) && at_us > s->now_us)
		s->now_us = at_us;
}

/* ---- Life ----------------------------------------------------------------------------------------------------------- */

static void print_log(void *ctx, enum stack_log_level level, const char *line)
{
	struct bed_mem *mem = ctx;
	struct sim_host *h = (struct sim_host *)(void *)((char *)mem - offsetof(struct sim_host, mem));

	(void)level;
	fprintf(stderr, "%llu host=%u %s\n", (unsigned long long)h->sim->now_us, h->index, line);
}

static void set_tunables(struct sim_host *h, const char *text)
{
	char buf[512], *save, *word;

	if (!text)
		return;
	snprintf(buf, sizeof(buf), "%s", text);
	for (word = strtok_r(buf, ";", &save); word; word = strtok_r(NULL, ";", &save)) {
		char *value = strchr(word, '=');

		if (!value)
			bed_fatal("tunable without a value: %s", word);
		*value++ = 0;
		if (stack_set(h->st, word, value, NULL) < 0)
			bed_fatal("no such tunable, or not its value: %s=%s", word, value);
	}
}

static void add_addr(struct sim_host *h, const char *addr, unsigned bits)
{
	struct ip_prefix prefix = { addr_of(addr), (uint8_t)bits };

	if (stack_add_addr(h->st, h->ifindex, &prefix, h->sim->now_us) < 0)
		bed_fatal("address %s is refused", addr);
}

static void host_open(struct sim *s, unsigned i)
{
	struct sim_host *h = &s->host[i];
	struct stack_config config = {
		.ctx = &h->mem, .alloc = bed_mem_alloc, .free = bed_mem_free, .log = s->config.log ? print_log : NULL,
		.frame_bytes_max = s->config.frame_bytes_max,
	};
	struct link_config link = { .name = "wire", .kind = s->config.kind, .mtu = s->config.mtu,
				    .offloads = s->config.offloads[i] };
	int ifindex;

	h->sim = s;
	h->index = i;
	h->wake_us = UINT64_MAX;
	h->offloads = s->config.offloads[i];
	snprintf(h->addr4, sizeof(h->addr4), "10.0.0.%u", i + 1);
	snprintf(h->addr6, sizeof(h->addr6), "fd00::%u", i + 1);
	memcpy(h->mac, (const uint8_t[6]){ 2, 0, 0, 0, 0, (uint8_t)(i + 1) }, 6);
	memcpy(link.mac, h->mac, 6);
	memcpy(config.seed, &s->config.seed, sizeof(s->config.seed));
	config.seed[16] = (uint8_t)i;
	h->st = stack_open(&config, s->now_us);
	if (!h->st)
		bed_fatal("the stack does not start");
	stack_set(h->st, "net.ipv6.conf.all.router_solicitations", "0", NULL); /* there is none on the wire */
	set_tunables(h, s->config.tunables);
	ifindex = stack_add_link(h->st, &link);
	if (ifindex < 0)
		bed_fatal("the link is refused");
	h->ifindex = (uint32_t)ifindex;
	add_addr(h, h->addr4, 96 + 24);
	if (s->config.mtu >= 1280)
		add_addr(h, h->addr6, 64);
}

static void capture_open(struct sim *s)
{
	s->pcapng = calloc(1, sizeof(*s->pcapng));
	if (!s->pcapng)
		bed_fatal("out of memory");
	pcapng_begin(s->pcapng, s->config.capture, "tapir sim");
	for (unsigned i = 0; i < s->config.hosts; i++) {
		char name[16];

		snprintf(name, sizeof(name), "host%u", i);
		pcapng_add_interface(s->pcapng, name, s->config.kind == LINK_ETHERNET ? PCAPNG_ETHERNET : PCAPNG_RAW_IP, 0,
				     s->host[i].mac);
	}
}

void sim_open(struct sim *s, const struct sim_config *config)
{
	memset(s, 0, sizeof(*s));
	s->config = *config;
	s->now_us = SIM_START_US;
	s->rng.key = (struct hash_key){ { config->seed, 0x7461706972 } };
	s->watch = sim_watch_new(s);
	for (unsigned i = 0; i < config->hosts; i++)
		host_open(s, i);
	if (config->capture)
		capture_open(s);
}

void sim_close(struct sim *s)
{
	for (unsigned i = 0; i < s->config.hosts; i++) {
		struct sim_host *h = &s->host[i];

		stack_close(h->st);
		if (h->mem.used_bytes != 0)
			sim_wrong(s, "host %u: %zu bytes are still allocated after stack_close()", i, h->mem.used_bytes);
	}
	while (s->flights > 0)
		free(heap_pop(s));
	free(s->heap);
	sim_watch_free(s->watch);
	free(s->pcapng);
}

uint64_t sim_stat(const struct sim_host *h, const char *name)
{
	for (unsigned i = 0; i < STAT_COUNT; i++)
		if (strcmp(stat_name(i), name) == 0)
			return stack_stats(h->st)[i];
	bed_fatal("no counter is named %s", name);
}

struct ip_endpoint sim_endpoint(const struct sim_host *h, int family, uint16_t port)
{
	return bed_endpoint(family == AF_INET ? h->addr4 : h->addr6, port);
}

/* ---- Seeds ---------------------------------------------------------------------------------------------------------- */

static void replay(const char *name, uint64_t seed, const char *(*run)(void *ctx, uint64_t seed, FILE *capture), void *ctx,
		   const char *wrong)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "sim-%s-%llu.pcapng", name, (unsigned long long)seed);
	for (char *p = path; *p; p++)
		if (*p == ' ' || *p == '/' || *p == ',')
			*p = '_';
	printf("# %s: seed %llu: %s\n#   again: SIM_SEED=%llu SIM_ONLY='%s'; packets: %s\n", name, (unsigned long long)seed,
	       wrong, (unsigned long long)seed, name, path);
	file = fopen(path, "wb");
	if (!file)
		return;
	run(ctx, seed, file);
	fclose(file);
}

unsigned sim_repeat(const char *name, unsigned seeds, const char *(*run)(void *ctx, uint64_t seed, FILE *capture), void *ctx)
{
	const char *one = getenv("SIM_SEED"), *times = getenv("SIM_SEEDS");
	uint64_t first = one ? strtoull(one, NULL, 0) : 1, count = one ? 1 : seeds;
	unsigned failures = 0;

	if (times && !one)
		count *= strtoull(times, NULL, 0);
	for (uint64_t seed = first; seed < first + count; seed++) {
		const char *wrong = run(ctx, seed, NULL);
		char text[256];

		if (!wrong)
			continue;
		snprintf(text, sizeof(text), "%s", wrong);
		if (++failures <= 3)
			replay(name, seed, run, ctx, text);
	}
	fflush(stdout);
	return failures;
}
