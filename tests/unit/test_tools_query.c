/* SPDX-License-Identifier: BSD-2-Clause */
/* test_tools_query.c - what tapir(1)'s commands make of a daemon's answers, good and bad. The test plays the daemon; the command runs
 * in a child process, as a program would, and its output and exit status are what counts. */
#include "tools/query.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

#include "client-lib/control.h"

enum { OUTPUT_MAX = 8192, ARGS_MAX = 12 };

struct run {
	int status;
	char out[OUTPUT_MAX], err[OUTPUT_MAX];
};

/* ---- The daemon's side ---- */

struct request {
	struct tapir_header head;
	uint8_t body[TAPIR_MESSAGE_MAX];
};

/* The next request of the client; false: it hung up. */
static bool get_request(int fd, struct request *r)
{
	return recv(fd, r, sizeof(*r), 0) >= (ssize_t)sizeof(r->head);
}

static void answer(int fd, const struct request *r, int error, const void *body, size_t n, int pass_fd)
{
	struct tapir_header h = r->head;
	struct iovec iov[2] = { { &h, sizeof(h) }, { NULL, n } };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };

	memcpy(&iov[1].iov_base, &body, sizeof(body));
	h.error = error;
	if (pass_fd >= 0) {
		m.msg_control = control.bytes;
		m.msg_controllen = sizeof(control.bytes);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.align), &pass_fd, sizeof(int));
	}
	assert_int_equal(sendmsg(fd, &m, MSG_NOSIGNAL), (ssize_t)(sizeof(h) + n));
}

static void answer_dump(int fd, const struct request *r, uint32_t what, const void *recs, uint32_t record_bytes, uint32_t count,
			bool is_last)
{
	static uint8_t body[TAPIR_MESSAGE_MAX];
	struct tapir_dump_rep rep = { what, record_bytes, count, is_last };

	memcpy(body, &rep, sizeof(rep));
	if (count)
		memcpy(body + sizeof(rep), recs, (size_t)record_bytes * count);
	answer(fd, r, 0, body, sizeof(rep) + (size_t)record_bytes * count, -1);
}

static void serve_hello(int fd)
{
	struct tapir_hello hello = { .daemon = "test", .version = "9", .pid = 1, .offers = 1 };
	struct request r;

	assert_true(get_request(fd, &r));
	assert_int_equal(r.head.op, TAPIR_OP_HELLO);
	answer(fd, &r, 0, &hello, sizeof(hello), -1);
}

/* ---- Running a command against it ---- */

static int open_output(void)
{
	int fd = memfd_create("output", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void read_output(int fd, char text[OUTPUT_MAX])
{
	ssize_t n = pread(fd, text, OUTPUT_MAX - 1, 0);

	assert_true(n >= 0);
	text[n] = 0;
	close(fd);
}

static struct run run(int (*command)(int, char **), void (*serve)(int fd), const char *line)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/tapir-test-XXXXXX", words[256], *argv[ARGS_MAX + 1];
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), out = open_output(), err = open_output(), argc = 0, status;
	struct run result;
	pid_t pid;

	assert_non_null(mkdtemp(dir));
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/s", dir);
	if (serve) {
		assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
		assert_int_equal(listen(listener, 1), 0);
	}
	snprintf(words, sizeof(words), "%s", line);
	for (char *w = strtok(words, " "); w && argc < ARGS_MAX; w = strtok(NULL, " "))
		argv[argc++] = w;
	argv[argc] = NULL;
	fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(out, STDOUT_FILENO);
		dup2(err, STDERR_FILENO);
		setenv("TAPIR_SOCKET", at.sun_path, 1);
		exit(command(argc, argv));
	}
	if (serve) {
		int fd = accept(listener, NULL, NULL);

		assert_true(fd >= 0);
		serve(fd);
		close(fd);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	result.status = WEXITSTATUS(status);
	read_output(out, result.out);
	read_output(err, result.err);
	close(listener);
	unlink(at.sun_path);
	rmdir(dir);
	return result;
}

static void one_line_with(const struct run *r, const char *word)
{
	const char *end = strchr(r->err, '\n');

	assert_non_null(end);
	assert_int_equal(end[1], 0);
	assert_non_null(strstr(r->err, word));
}

/* ---- No daemon, or none that can be talked to ---- */

static void test_query_without_daemon_says_where_it_looked(void **state)
{
	struct run r = run(cmd_stats, NULL, "stats");

	(void)state;
	assert_int_equal(r.status, EX_UNAVAILABLE);
	one_line_with(&r, "/tmp/tapir-test-");
	one_line_with(&r, "tapird");
	assert_string_equal(r.out, "");
}

static void serve_other_version(int fd)
{
	struct request r;

	assert_true(get_request(fd, &r));
	r.head.version = 99;
	answer(fd, &r, EPROTONOSUPPORT, NULL, 0, -1);
}

static void test_query_of_another_version_is_a_protocol_error(void **state)
{
	struct run r = run(cmd_stats, serve_other_version, "stats");

	(void)state;
	assert_int_equal(r.status, EX_PROTOCOL);
	one_line_with(&r, "version");
}

static void serve_noise(int fd)
{
	struct request r;

	assert_true(get_request(fd, &r));
	assert_int_equal(send(fd, "hello?", 6, MSG_NOSIGNAL), 6);
	get_request(fd, &r);
}

static void test_query_of_something_else_is_a_protocol_error(void **state)
{
	struct run r = run(cmd_stats, serve_noise, "stats");

	(void)state;
	assert_int_equal(r.status, EX_PROTOCOL);
	one_line_with(&r, "/tmp/tapir-test-");
}

static void serve_and_leave(int fd)
{
	struct request r;

	serve_hello(fd);
	get_request(fd, &r);
}

static void test_query_of_a_daemon_that_leaves_ends(void **state)
{
	struct run r = run(cmd_stats, serve_and_leave, "stats");

	(void)state;
	assert_int_equal(r.status, EX_UNAVAILABLE);
	one_line_with(&r, "went away");
}

/* ---- Dumps ---- */

static void serve_stats_in_two_messages_with_longer_records(int fd)
{
	struct {
		struct tapir_stat_rec rec;
		uint64_t newer;
	} recs[2] = { { { .name = "a.b", .text = "first", .value = 1 }, ~0ULL }, { { .name = "c.d", .text = "second", .value = 2 }, ~0ULL } };
	struct request r;

	serve_hello(fd);
	assert_true(get_request(fd, &r));
	assert_int_equal(r.head.op, TAPIR_OP_DUMP);
	answer_dump(fd, &r, TAPIR_DUMP_STATS, &recs[0], sizeof(recs[0]), 1, false);
	answer_dump(fd, &r, TAPIR_DUMP_STATS, &recs[1], sizeof(recs[1]), 1, true);
	get_request(fd, &r);
}

static void test_dump_of_a_newer_daemon_is_read_across_messages(void **state)
{
	struct run r = run(cmd_stats, serve_stats_in_two_messages_with_longer_records, "stats --json");

	(void)state;
	assert_string_equal(r.err, "");
	assert_string_equal(r.out, "{\n  \"a.b\": 1,\n  \"c.d\": 2\n}\n");
	assert_int_equal(r.status, EX_OK);
}

static void serve_short_routes(int fd)
{
	struct tapir_route_rec rec = { .dst = { .family = AF_INET, .addr = { [10] = 0xff, [11] = 0xff } }, .metric = 77 };
	struct request r;

	serve_hello(fd);
	assert_true(get_request(fd, &r));
	answer_dump(fd, &r, TAPIR_DUMP_ROUTES, &rec, offsetof(struct tapir_route_rec, metric), 1, true);
	get_request(fd, &r);
}

static void test_dump_of_an_older_daemon_is_filled_with_zeros(void **state)
{
	struct run r = run(cmd_route, serve_short_routes, "route");

	(void)state;
	assert_string_equal(r.out, "default dev \n");
	assert_int_equal(r.status, EX_OK);
}

static void serve_dump_that_lies_about_its_length(int fd)
{
	struct tapir_dump_rep rep = { TAPIR_DUMP_STATS, sizeof(struct tapir_stat_rec), UINT32_MAX, 1 };
	struct request r;

	serve_hello(fd);
	assert_true(get_request(fd, &r));
	answer(fd, &r, 0, &rep, sizeof(rep), -1);
	get_request(fd, &r);
}

static void test_dump_that_lies_about_its_length_is_a_protocol_error(void **state)
{
	struct run r = run(cmd_stats, serve_dump_that_lies_about_its_length, "stats");

	(void)state;
	assert_int_equal(r.status, EX_PROTOCOL);
	assert_string_equal(r.out, "");
}

static void serve_no_stats(int fd)
{
	struct request r;

	serve_hello(fd);
	assert_true(get_request(fd, &r));
	answer_dump(fd, &r, TAPIR_DUMP_STATS, NULL, sizeof(struct tapir_stat_rec), 0, true);
	get_request(fd, &r);
}

static void test_stats_pattern_that_names_nothing_is_a_mistake(void **state)
{
	struct run r = run(cmd_stats, serve_no_stats, "stats tpc.*");

	(void)state;
	assert_int_equal(r.status, EX_USAGE);
	one_line_with(&r, "tpc.*");
}

/* ---- set ---- */

static void serve_set(int fd, int error, const char *value, const char *text)
{
	struct tapir_tunable t;
	struct request r;

	serve_hello(fd);
	assert_true(get_request(fd, &r));
	assert_int_equal(r.head.op, TAPIR_OP_SET);
	memcpy(&t, r.body, sizeof(t));
	assert_string_equal(t.name, "net.x");
	assert_string_equal(t.value, "5");
	snprintf(t.value, sizeof(t.value), "%s", value);
	snprintf(t.text, sizeof(t.text), "%s", text);
	answer(fd, &r, error, &t, sizeof(t), -1);
	get_request(fd, &r);
}

static void serve_set_works(int fd)
{
	serve_set(fd, 0, "5", "");
}

static void serve_set_out_of_range(int fd)
{
	serve_set(fd, EINVAL, "5", "expected a number from 0 to 1");
}

static void serve_set_unknown(int fd)
{
	serve_set(fd, ENOENT, "5", "");
}

static void serve_set_forbidden(int fd)
{
	serve_set(fd, EPERM, "5", "");
}

static void test_set_prints_what_holds_then(void **state)
{
	struct run r = run(cmd_set, serve_set_works, "set net.x=5");

	(void)state;
	assert_int_equal(r.status, EX_OK);
	assert_string_equal(r.out, "net.x = 5\n");
	r = run(cmd_set, serve_set_works, "set net.x 5");
	assert_string_equal(r.out, "net.x = 5\n");
}

static void test_set_of_a_bad_value_says_what_was_expected(void **state)
{
	struct run r = run(cmd_set, serve_set_out_of_range, "set net.x=5");

	(void)state;
	assert_int_equal(r.status, EX_DATAERR);
	one_line_with(&r, "net.x: '5' is not accepted: expected a number from 0 to 1");
}

static void test_set_of_an_unknown_name_says_so(void **state)
{
	struct run r = run(cmd_set, serve_set_unknown, "set net.x=5");

	(void)state;
	assert_int_equal(r.status, EX_USAGE);
	one_line_with(&r, "no tunable is named 'net.x'");
}

static void test_set_without_permission_says_whose_it_is(void **state)
{
	struct run r = run(cmd_set, serve_set_forbidden, "set net.x=5");

	(void)state;
	assert_int_equal(r.status, EX_NOPERM);
	one_line_with(&r, "superuser");
}

/* ---- What the words of ip(8) become ---- */

static struct tapir_change asked; /* by the last command */

static void serve_change(int fd)
{
	struct tapir_change answered;
	struct request r;

	serve_hello(fd);
	assert_true(get_request(fd, &r));
	assert_int_equal(r.head.op, TAPIR_OP_CHANGE);
	memcpy(&asked, r.body, sizeof(asked));
	answered = asked;
	answer(fd, &r, 0, &answered, sizeof(answered), -1);
	get_request(fd, &r);
}

static void test_words_of_ip_become_a_change(void **state)
{
	(void)state;
	assert_int_equal(run(cmd_addr, serve_change, "addr add fe80::7%tap1/64 valid_lft 600sec nodad").status, EX_OK);
	assert_string_equal(asked.ifname, "tap1");
	assert_int_equal(asked.prefix_len, 64);
	assert_int_equal(asked.valid_s, 600);
	assert_int_equal(asked.preferred_s, 600);
	assert_int_equal(asked.flags, TAPIR_CHANGE_NO_DAD | TAPIR_CHANGE_HAS_LEN);
	assert_int_equal(run(cmd_addr, serve_change, "addr del 10.77.0.3").status, EX_OK);
	assert_int_equal(asked.is_del, 1);
	assert_int_equal(asked.prefix_len, 32);
	assert_int_equal(asked.flags, 0);
	assert_int_equal(run(cmd_route, serve_change, "route replace default via fe80::1%tap0 metric 7 mtu 1400").status, EX_OK);
	assert_int_equal(asked.addr.family, AF_INET6);
	assert_int_equal(asked.how, TAPIR_CHANGE_REPLACE);
	assert_string_equal(asked.ifname, "tap0");
	assert_int_equal(asked.metric, 7);
	assert_int_equal(asked.mtu, 1400);
	assert_int_equal(run(cmd_route, serve_change, "route append prohibit 10.0.0.0/8").status, EX_OK);
	assert_int_equal(asked.how, TAPIR_CHANGE_APPEND);
	assert_int_equal(asked.route_kind, TAPIR_ROUTE_PROHIBIT);
	assert_int_equal(run(cmd_route, serve_change, "route -6 del default").status, EX_OK);
	assert_int_equal(asked.addr.family, AF_INET6);
	assert_int_equal(asked.prefix_len, 0);
}

/* ---- Mistakes on the command line need no daemon ---- */

static void test_options_that_do_not_exist_are_named(void **state)
{
	struct run r = run(cmd_ss, NULL, "ss --tpc");

	(void)state;
	assert_int_equal(r.status, EX_USAGE);
	one_line_with(&r, "--tpc");
	one_line_with(&r, "--tcp");
	r = run(cmd_ss, NULL, "ss -tz");
	assert_int_equal(r.status, EX_USAGE);
	one_line_with(&r, "-z");
	r = run(cmd_addr, NULL, "addr append");
	assert_int_equal(r.status, EX_USAGE);
	one_line_with(&r, "'append'");
	one_line_with(&r, "replace, flush");
	r = run(cmd_addr, NULL, "addr flush");
	assert_int_equal(r.status, EX_USAGE);
	one_line_with(&r, "'dev LINK'");
	r = run(cmd_addr, NULL, "addr add fe80::1%tap1/64 dev tap0");
	assert_int_equal(r.status, EX_USAGE);
	one_line_with(&r, "both tap0 and tap1");
	r = run(cmd_addr, NULL, "addr add 10.77.0.3/24 valid_lft soon");
	assert_int_equal(r.status, EX_USAGE);
	one_line_with(&r, "'soon'");
	r = run(cmd_addr, NULL, "addr add");
	assert_int_equal(r.status, EX_USAGE);
	one_line_with(&r, "nothing to add");
	r = run(cmd_addr, NULL, "addr add 10.77.0.300/24");
	assert_int_equal(r.status, EX_USAGE);
	one_line_with(&r, "'10.77.0.300'");
	r = run(cmd_route, NULL, "route add default via 10.77.0.1 mss 1400");
	assert_int_equal(r.status, EX_USAGE);
	one_line_with(&r, "dev, via, metric, src, mtu");
	r = run(cmd_route, NULL, "route add blackhole");
	assert_int_equal(r.status, EX_USAGE);
	one_line_with(&r, "nothing to add");
	r = run(cmd_route, NULL, "route get fd77::1 from 10.77.0.1");
	assert_int_equal(r.status, EX_USAGE);
	one_line_with(&r, "same family");
	r = run(cmd_neigh, NULL, "neigh add 10.77.0.9 lladdr 02:00:00:00:00:09 nud stale");
	assert_int_equal(r.status, EX_USAGE);
	one_line_with(&r, "'permanent'");
	r = run(cmd_neigh, NULL, "neigh add 10.77.0.9 lladdr 02:00");
	assert_int_equal(r.status, EX_USAGE);
	one_line_with(&r, "'02:00'");
	r = run(cmd_set, NULL, "set net.x");
	assert_int_equal(r.status, EX_USAGE);
	one_line_with(&r, "NAME=VALUE");
	r = run(cmd_capture, NULL, "capture -c many");
	assert_int_equal(r.status, EX_USAGE);
	one_line_with(&r, "many");
}

/* ---- capture ---- */

/* @count packets "ab", each with a comment, in pieces of @piece bytes so that records are cut anywhere. */
static void send_packets(int to, int count, size_t piece)
{
	struct tapir_capture_rec rec = { .time_ns = 1500000000, .packet_bytes = 60, .captured_bytes = 2, .ifindex = 2, .comment_bytes = 5,
					 .missed = 4 };
	uint8_t bytes[sizeof(rec) + 7];

	memcpy(bytes, &rec, sizeof(rec));
	memcpy(bytes + sizeof(rec), "abwhy!!", 7);
	for (int i = 0; i < count; i++)
		for (size_t at = 0; at < sizeof(bytes); at += piece) {
			size_t n = sizeof(bytes) - at < piece ? sizeof(bytes) - at : piece;

			assert_int_equal(send(to, bytes + at, n, MSG_NOSIGNAL), (ssize_t)n);
		}
}

/* Hello, the list of links, and the capture: returns our end of its stream. */
static int serve_capture(int fd)
{
	struct tapir_link_rec link = { .name = "tap0", .ifindex = 2, .mtu = 1500, .kind = 1 };
	struct request r;
	int pair[2];

	serve_hello(fd);
	assert_true(get_request(fd, &r));
	answer_dump(fd, &r, TAPIR_DUMP_LINKS, &link, sizeof(link), 1, true);
	assert_true(get_request(fd, &r));
	assert_int_equal(r.head.op, TAPIR_OP_CAPTURE);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	answer(fd, &r, 0, NULL, 0, pair[0]);
	close(pair[0]);
	return pair[1];
}

static void serve_three_packets(int fd)
{
	struct request r;
	int to = serve_capture(fd);

	send_packets(to, 3, 11);
	get_request(fd, &r);
	close(to);
}

static void serve_two_packets_and_leave(int fd)
{
	int to = serve_capture(fd);

	send_packets(to, 2, 1000);
	close(to);
}

static void serve_broken_stream(int fd)
{
	struct tapir_capture_rec rec = { .packet_bytes = 10, .captured_bytes = 11 };
	struct request r;
	int to = serve_capture(fd);

	assert_int_equal(send(to, &rec, sizeof(rec), MSG_NOSIGNAL), (ssize_t)sizeof(rec));
	get_request(fd, &r);
	close(to);
}

static int count_of(const char *text, const char *word)
{
	int n = 0;

	for (; (text = strstr(text, word)); text++)
		n++;
	return n;
}

static void test_capture_stops_at_its_count_and_says_what_was_missed(void **state)
{
	struct run r = run(cmd_capture, serve_three_packets, "capture -c 2");

	(void)state;
	assert_int_equal(r.status, EX_OK);
	assert_int_equal(count_of(r.out, "tap0 in     60 "), 2);
	assert_int_equal(count_of(r.out, "(cut)  # why!!\n"), 2);
	one_line_with(&r, "2 packets captured, 4 missed");
}

static void test_capture_json_is_an_object_a_line(void **state)
{
	struct run r = run(cmd_capture, serve_three_packets, "capture -c 3 --json");

	(void)state;
	assert_int_equal(r.status, EX_OK);
	assert_int_equal(count_of(r.out, "\n"), 3);
	assert_int_equal(count_of(r.out, "\"time_ns\":1500000000,\"dev\":\"tap0\",\"direction\":\"in\",\"packet_bytes\":60"), 3);
	assert_int_equal(count_of(r.out, "\"comment\":\"why!!\""), 3);
}

static void test_capture_of_a_daemon_that_leaves_keeps_what_came(void **state)
{
	struct run r = run(cmd_capture, serve_two_packets_and_leave, "capture");

	(void)state;
	assert_int_equal(r.status, EX_UNAVAILABLE);
	assert_int_equal(count_of(r.out, "# why!!"), 2);
	assert_non_null(strstr(r.err, "went away"));
}

static void test_capture_of_a_broken_stream_is_a_protocol_error(void **state)
{
	struct run r = run(cmd_capture, serve_broken_stream, "capture");

	(void)state;
	assert_int_equal(r.status, EX_PROTOCOL);
	assert_int_equal(count_of(r.out, "why"), 0);
}

static void test_capture_writes_pcapng(void **state)
{
	static const uint8_t epb[] = { 6, 0, 0, 0 };
	char path[] = "/tmp/tapir-test-XXXXXX", line[128];
	uint8_t bytes[4096];
	int fd = mkstemp(path), blocks = 0;
	ssize_t n;
	struct run r;

	(void)state;
	assert_true(fd >= 0);
	snprintf(line, sizeof(line), "capture -c 3 -w %s", path);
	r = run(cmd_capture, serve_three_packets, line);
	assert_int_equal(r.status, EX_OK);
	assert_string_equal(r.out, "");
	n = read(fd, bytes, sizeof(bytes));
	for (ssize_t at = 0; at + 8 <= n;) {
		uint32_t len;

		blocks += !memcmp(bytes + at, epb, 4);
		memcpy(&len, bytes + at + 4, 4);
		assert_true(len >= 12 && at + (ssize_t)len <= n);
		at += len;
	}
	assert_int_equal(blocks, 3);
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_query_without_daemon_says_where_it_looked),
		cmocka_unit_test(test_query_of_another_version_is_a_protocol_error),
		cmocka_unit_test(test_query_of_something_else_is_a_protocol_error),
		cmocka_unit_test(test_query_of_a_daemon_that_leaves_ends),
		cmocka_unit_test(test_dump_of_a_newer_daemon_is_read_across_messages),
		cmocka_unit_test(test_dump_of_an_older_daemon_is_filled_with_zeros),
		cmocka_unit_test(test_dump_that_lies_about_its_length_is_a_protocol_error),
		cmocka_unit_test(test_stats_pattern_that_names_nothing_is_a_mistake),
		cmocka_unit_test(test_set_prints_what_holds_then),
		cmocka_unit_test(test_set_of_a_bad_value_says_what_was_expected),
		cmocka_unit_test(test_set_of_an_unknown_name_says_so),
		cmocka_unit_test(test_set_without_permission_says_whose_it_is),
		cmocka_unit_test(test_words_of_ip_become_a_change),
		cmocka_unit_test(test_options_that_do_not_exist_are_named),
		cmocka_unit_test(test_capture_stops_at_its_count_and_says_what_was_missed),
		cmocka_unit_test(test_capture_json_is_an_object_a_line),
		cmocka_unit_test(test_capture_of_a_daemon_that_leaves_keeps_what_came),
		cmocka_unit_test(test_capture_of_a_broken_stream_is_a_protocol_error),
		cmocka_unit_test(test_capture_writes_pcapng),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
