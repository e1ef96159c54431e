/* SPDX-License-Identifier: BSD-2-Clause */
/* capture.c - tapir capture: the packets of the stack, as the daemon sees them, with what became of each.
 * The daemon sends a stream of struct tapir_capture_rec, each with its packet and comment behind it. Here it is cut into
 * packets, and each is printed or written. The end comes by a signal, a count, a time, or the daemon's. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "tools/json.h"
#include "tools/summary.h"
#include "tools/pcapng.h"
#include "tools/query.h"
#include "tools/text.h"
#include "tools/tool.h"

enum {
	PACKET_BYTES_MAX = 1 << 17,	 /* more than any link carries: the stream is broken */
	BUFFER_BYTES = 1 << 20,		 /* holds the largest record several times */
	FILE_BUFFER_BYTES = 1 << 20,	 /* one write(2) for many packets: the daemon does not wait for us */
	DRAIN_BYTES_MAX = 64 << 20,	 /* after a signal: what is on the way still counts, but only so much */
	LINK_KIND_ETHERNET = 1,
};

static const char help[] =
	"Usage: tapir capture [OPTION...]\n"
	"\n"
	"Watch the packets that the stack receives and sends: one line each, or a pcapng file for tcpdump and Wireshark.\n"
	"Every packet comes with a comment: the counter under which it was dropped, or the connection that it belongs to.\n"
	"Only the superuser and the user who started tapird may capture.\n"
	"\n"
	"Options:\n"
	"  -w, --write FILE     write a pcapng file instead; - is standard output\n"
	"  -c, --count N        stop after N packets\n"
	"  -s, --snaplen BYTES  keep only so much of each packet\n"
	"      --seconds N      stop after N seconds\n"
	"  --json               one JSON object a line for each packet\n"
	"  --socket PATH        the daemon's control socket\n"
	"  --help               this text\n"
	"Ctrl-C stops; packets that have arrived are still shown or written, and a summary goes to standard error.\n"
	"\n"
	"A line:\n"
	"  12:01:02.345678 tap0 in    74 IPv4 10.77.0.1:4242 > 10.77.0.2:80 TCP SYN seq 7 win 64240 len 0  # COMMENT\n"
	"  time, link, direction as the stack sees it, bytes on the link, headers, bytes of payload, what became of it.\n"
	"With offloads on a packet may be a super-segment of up to 64 KiB, its checksum not filled in yet.\n"
	"\n"
	"Examples:\n"
	"  tapir capture -c 20\n"
	"  tapir capture -w trace.pcapng --seconds 10\n"
	"  tapir capture -w - | tcpdump -nr -          with everything that tcpdump can tell\n"
	"  tapir capture --json | jq 'select(.comment)'\n";

static const struct option longs[] = {
	TOOL_COMMON_OPTIONS,
	{ "write", required_argument, NULL, 'w' },
	{ "count", required_argument, NULL, 'c' },
	{ "snaplen", required_argument, NULL, 's' },
	{ "seconds", required_argument, NULL, TOOL_OPT_OWN },
	{ 0 },
};

struct capture {
	struct tool tool;
	const char *file_name; /* NULL: text */
	long count_max, snap_bytes, seconds; /* 0: unlimited */

	struct tapir_link_rec *links;
	size_t link_count;
	FILE *file;
	struct pcapng writer;
	int *interfaces; /* by place in links: the writer's number, or -1 */

	uint64_t packets, missed;
};

static volatile sig_atomic_t was_interrupted;

static void on_signal(int sig)
{
	(void)sig;
	was_interrupted = 1;
}

/* ---- Sinks ---- */

static void fail_write(struct capture *cap, int error)
{
	tool_fail(&cap->tool, EX_IOERR, "cannot write %s: %s", cap->file_name ? cap->file_name : "the output",
		  strerror(error));
}

/* The place of a link in cap->links; one that came after the list was fetched is added. */
static size_t find_link(struct capture *cap, uint32_t ifindex)
{
	struct tapir_link_rec *l;
	size_t i = 0;

	while (i < cap->link_count && cap->links[i].ifindex != ifindex)
		i++;
	if (i < cap->link_count)
		return i;
	cap->links = realloc(cap->links, (i + 1) * sizeof(*cap->links));
	cap->interfaces = realloc(cap->interfaces, (i + 1) * sizeof(*cap->interfaces));
	if (!cap->links || !cap->interfaces)
		tool_fail(&cap->tool, EX_OSERR, "out of memory");
	l = &cap->links[i];
	*l = (struct tapir_link_rec){ .ifindex = ifindex, .kind = LINK_KIND_ETHERNET };
	snprintf(l->name, sizeof(l->name), "if%u", ifindex);
	cap->interfaces[i] = -1;
	cap->link_count++;
	return i;
}

static uint32_t writer_interface(struct capture *cap, size_t i)
{
	const struct tapir_link_rec *l = &cap->links[i];
	bool is_ethernet = l->kind == LINK_KIND_ETHERNET;
	enum pcapng_linktype type = is_ethernet ? PCAPNG_ETHERNET : PCAPNG_RAW_IP;
	char name[TEXT_SHORT_MAX];

	text_field(l->name, sizeof(l->name), name, sizeof(name));
	if (cap->interfaces[i] < 0)
		cap->interfaces[i] = pcapng_add_interface(&cap->writer, name, type, (uint32_t)cap->snap_bytes,
							  is_ethernet ? l->mac : NULL);
	if (cap->interfaces[i] < 0)
		fail_write(cap, -cap->interfaces[i]);
	return (uint32_t)cap->interfaces[i];
}

/* tcpdump wants all link types of a file to be the same: the loopback gets into it only with its first packet. */
static void open_writer(struct capture *cap)
{
	int err;

	cap->file = strcmp(cap->file_name, "-") ? fopen(cap->file_name, "wbe") : stdout;
	if (!cap->file)
		tool_fail(&cap->tool, EX_CANTCREAT, "cannot create %s: %s", cap->file_name, strerror(errno));
	setvbuf(cap->file, NULL, _IOFBF, FILE_BUFFER_BYTES);
	err = pcapng_begin(&cap->writer, cap->file, "tapir " TAPIR_VERSION);
	if (err)
		fail_write(cap, -err);
	for (size_t i = 0; i < cap->link_count; i++)
		if (cap->links[i].kind == LINK_KIND_ETHERNET)
			writer_interface(cap, i);
}

static void write_packet(struct capture *cap, const struct tapir_capture_rec *rec, const uint8_t *data)
{
	struct pcapng_packet p = {
		.interface = writer_interface(cap, find_link(cap, rec->ifindex)),
		.time_ns = rec->time_ns,
		.packet_bytes = rec->packet_bytes,
		.captured_bytes = rec->captured_bytes,
		.data = data,
		.direction = rec->is_out ? PCAPNG_OUT : PCAPNG_IN,
		.comment = (const char *)data + rec->captured_bytes,
		.comment_bytes = rec->comment_bytes,
	};
	int err = pcapng_write_packet(&cap->writer, &p);

	if (err)
		fail_write(cap, -err);
}

static void show_packet(struct capture *cap, const struct tapir_capture_rec *rec, const uint8_t *data)
{
	const struct tapir_link_rec *l = &cap->links[find_link(cap, rec->ifindex)];
	struct summary p = summary_parse(data, rec->captured_bytes, l->kind == LINK_KIND_ETHERNET);
	char clock[16], name[TEXT_SHORT_MAX], comment[256];
	time_t at = (time_t)(rec->time_ns / 1000000000);
	struct tm tm;

	text_field(l->name, sizeof(l->name), name, sizeof(name));
	text_field((const char *)data + rec->captured_bytes, rec->comment_bytes, comment, sizeof(comment));
	if (cap->tool.json) {
		json_t *o = json_object();

		json_set_u64(o, "time_ns", rec->time_ns);
		json_set_text(o, "dev", name);
		json_set_text(o, "direction", rec->is_out ? "out" : "in");
		json_set_int(o, "packet_bytes", rec->packet_bytes);
		json_set_int(o, "captured_bytes", rec->captured_bytes);
		json_set_text(o, "comment", comment[0] ? comment : NULL);
		summary_to_json(o, &p);
		json_print_line(cap->file, o);
		return;
	}
	strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&at, &tm));
	fprintf(cap->file, "%s.%06u %s %-3s %5u ", clock, (unsigned)(rec->time_ns / 1000 % 1000000), name,
		rec->is_out ? "out" : "in", rec->packet_bytes);
	summary_print(cap->file, &p);
	if (comment[0])
		fprintf(cap->file, "  # %s", comment);
	fputc('\n', cap->file);
}

static void flush(struct capture *cap)
{
	if (fflush(cap->file) || ferror(cap->file))
		fail_write(cap, errno);
}

/* ---- The stream ---- */

struct buffer {
	uint8_t bytes[BUFFER_BYTES];
	size_t used;
};

static bool is_full(const struct capture *cap)
{
	return cap->count_max && cap->packets >= (uint64_t)cap->count_max;
}

/* Hand on every whole record in @b; the rest stays. */
static void take_records(struct capture *cap, struct buffer *b)
{
	size_t at = 0;

	while (!is_full(cap)) {
		struct tapir_capture_rec rec;
		size_t behind;

		if (b->used - at < sizeof(rec))
			break;
		memcpy(&rec, b->bytes + at, sizeof(rec));
		if (rec.captured_bytes > PACKET_BYTES_MAX || rec.captured_bytes > rec.packet_bytes)
			tool_fail(&cap->tool, EX_PROTOCOL,
				  "the daemon's capture stream is not what was expected; is it of another version?");
		behind = rec.captured_bytes + (size_t)rec.comment_bytes;
		if (b->used - at - sizeof(rec) < behind)
			break;
		cap->missed = rec.missed;
		cap->packets++;
		if (cap->file_name)
			write_packet(cap, &rec, b->bytes + at + sizeof(rec));
		else
			show_packet(cap, &rec, b->bytes + at + sizeof(rec));
		at += sizeof(rec) + behind;
	}
	memmove(b->bytes, b->bytes + at, b->used - at);
	b->used -= at;
}

/* Returns the bytes that came, 0 when the daemon is gone. */
static size_t read_some(struct capture *cap, int fd, struct buffer *b)
{
	ssize_t n;

	do
		n = read(fd, b->bytes + b->used, sizeof(b->bytes) - b->used);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return 0;
	b->used += (size_t)n;
	take_records(cap, b);
	return (size_t)n;
}

static bool is_readable(int fd, const struct timespec *timeout, const sigset_t *mask)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return ppoll(&p, 1, timeout, mask) == 1;
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Wait for packets, until @deadline_ns at the latest (0: for ever) or a signal. */
static void wait_readable(int fd, uint64_t deadline_ns, const sigset_t *unblocked)
{
	uint64_t now = monotonic_ns(), left = deadline_ns > now ? deadline_ns - now : 0;
	struct timespec timeout = { (time_t)(left / 1000000000), (long)(left % 1000000000) };

	is_readable(fd, deadline_ns ? &timeout : NULL, unblocked);
}

/* Until the time, the count or a signal ends it; returns whether the daemon is still there. */
static bool follow(struct capture *cap, int fd, struct buffer *b, uint64_t deadline_ns, const sigset_t *unblocked)
{
	static const struct timespec at_once;

	while (!was_interrupted && !is_full(cap) && (!deadline_ns || monotonic_ns() < deadline_ns)) {
		if (is_readable(fd, &at_once, unblocked)) {
			if (!read_some(cap, fd, b))
				return false;
		} else if (!was_interrupted) {
			flush(cap); /* nothing more for now: show what there is */
			wait_readable(fd, deadline_ns, unblocked);
		}
	}
	for (size_t drained = 0; drained < DRAIN_BYTES_MAX && !is_full(cap) && is_readable(fd, &at_once, NULL);) {
		size_t n = read_some(cap, fd, b);

		if (!n)
			return false;
		drained += n;
	}
	return true;
}

static void parse(struct capture *cap, int argc, char **argv)
{
	struct tool *t = &cap->tool;
	int c;

	while ((c = tool_option(t, argc, argv)) != -1) {
		switch (c) {
		case 'w': cap->file_name = optarg; break;
		case 'c': cap->count_max = tool_number(t, optarg, "a count of packets", 1, 1000000000); break;
		case 's': cap->snap_bytes = tool_number(t, optarg, "a length", 14, PACKET_BYTES_MAX); break;
		case TOOL_OPT_OWN: cap->seconds = tool_number(t, optarg, "a time in seconds", 1, 86400 * 365); break;
		}
	}
	if (optind < argc)
		tool_fail(t, EX_USAGE, "unexpected argument '%s'; expected options only", argv[optind]);
	if (cap->file_name && t->json)
		tool_fail(t, EX_USAGE, "--json prints packets and --write saves them; expected one of the two");
	if (cap->file_name && !strcmp(cap->file_name, "-") && isatty(STDOUT_FILENO))
		tool_fail(t, EX_USAGE, "-w - would fill the terminal with bytes; expected a pipe or a file name");
}

/* Signals arrive only in ppoll(): none is lost between a check and a wait. */
static sigset_t catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t ours, before;

	sigemptyset(&ours);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGHUP);
	sigprocmask(SIG_BLOCK, &ours, &before);
	sigdelset(&before, SIGINT);
	sigdelset(&before, SIGTERM);
	sigdelset(&before, SIGHUP);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	return before;
}

static int finish(struct capture *cap, bool has_daemon)
{
	flush(cap);
	if (cap->file != stdout && fclose(cap->file))
		fail_write(cap, errno);
	fprintf(stderr, "%llu packets captured", (unsigned long long)cap->packets);
	if (cap->missed)
		fprintf(stderr, ", %llu missed because they were not taken fast enough", (unsigned long long)cap->missed);
	fputc('\n', stderr);
	if (has_daemon)
		return EX_OK;
	fprintf(stderr, "tapir capture: the daemon went away\n");
	return EX_UNAVAILABLE;
}

int cmd_capture(int argc, char **argv)
{
	struct capture cap = { .tool = { .name = "capture", .help = help, .shorts = "w:c:s:", .longs = longs } };
	struct buffer *b = calloc(1, sizeof(*b));
	sigset_t unblocked;
	struct query q;
	bool has_daemon;
	uint64_t deadline_ns;
	int fd;

	parse(&cap, argc, argv);
	q = query_open(&cap.tool);
	cap.links = query_dump(&q, TAPIR_DUMP_LINKS, sizeof(*cap.links), &cap.link_count);
	cap.interfaces = malloc((cap.link_count + 1) * sizeof(*cap.interfaces));
	if (!b || !cap.interfaces)
		tool_fail(&cap.tool, EX_OSERR, "out of memory");
	for (size_t i = 0; i < cap.link_count; i++)
		cap.interfaces[i] = -1;
	unblocked = catch_signals();
	fd = query_capture(&q, (uint32_t)cap.snap_bytes);
	cap.file = stdout;
	if (cap.file_name)
		open_writer(&cap);
	deadline_ns = cap.seconds ? monotonic_ns() + (uint64_t)cap.seconds * 1000000000 : 0;
	has_daemon = follow(&cap, fd, b, deadline_ns, &unblocked);
	close(fd);
	query_close(&q);
	free(b);
	free(cap.interfaces);
	free(cap.links);
	return finish(&cap, has_daemon);
}
