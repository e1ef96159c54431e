/* SPDX-License-Identifier: BSD-2-Clause */
/* main.c - tapird: start-up in stages, each of which may end it with one clear line and a status of <sysexits.h>; the loop; the end.
 *
 *	configuration -> descriptors' limit -> control socket's path (lock, keeper) -> engine and its settings -> TAP -> addresses
 *	-> loop and control server -> privileges -> "ready"
 *
 * Nothing but an error is logged before the end of it, so that a failure is one line. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "change.h"
#include "daemon.h"
#include "fresh.h"
#include "hostid.h"
#include "hostif.h"
#include "keeper.h"
#include "netconf.h"
#include "notify.h"
#include "privileges.h"

enum {
	LISTEN_BACKLOG = 1024,
	TIMER_SLACK_NS = 5000, /* the kernel's default adds 50 us to every time-out */
	READY_WAIT_US = 15000000, /* for an address, before saying so without one */
	BOTH_FAMILIES_WAIT_US = 3000000, /* for IPv4's, where IPv6 has one already */
	FAREWELL_US = 1000000, /* how long the peers have to acknowledge our FINs */
};

static int fail(struct daemon *d, int status, const char *error)
{
	log_line(&d->log, LOG_LEVEL_ERROR, "%s", error);
	return status;
}

static int fail_errno(struct daemon *d, const char *what, int err)
{
	log_line(&d->log, LOG_LEVEL_ERROR, "%s: %s", what, strerror(-err));
	return EX_OSERR;
}

/* ---- Stages ------------------------------------------------------------------------------------------------------- */

static int start_taps(struct daemon *d)
{
	char error[TAP_ERROR_MAX];

	for (int i = 0; i < d->config.link_count; i++) {
		struct tap *tap = &d->taps[d->tap_count++];
		int status = tap_open(tap, &d->config.links[i], d->config.socket, error);

		if (!status)
			status = hostif_setup(tap, &d->config.links[i], error);
		if (status)
			return fail(d, status, error);
		tap->is_readable = true;
	}
	return 0;
}

static void on_stack_log(void *ctx, enum stack_log_level level, const char *line)
{
	struct daemon *d = ctx;

	if (level == STACK_LOG_DEBUG)
		log_line(&d->log, LOG_LEVEL_DEBUG, "%s", line);
	else
		log_limited(&d->log, level == STACK_LOG_WARNING ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "%s", line);
}

static uint32_t on_accept_handed(void *ctx, struct sock *listener)
{
	struct daemon *d = ctx;
	const struct channel *ch = sock_user(listener);

	return ch && ch->kind == CHANNEL_LISTENER ? listener_handed(d, ch) : 0;
}

static int apply_setting(struct daemon *d, const struct config_setting *s)
{
	const char *why = "another value";
	int r = stack_set(d->st, s->name, s->value, &why);

	if (r == 0)
		return 0;
	if (r == -ENOENT)
		why = "no such tunable; `tapir get` lists them";
	log_line(&d->log, LOG_LEVEL_ERROR, "%s%s %s=%s: %s", s->where, s->where[0] ? "set =" : "--set", s->name, s->value, why);
	return s->where[0] ? EX_CONFIG : EX_USAGE;
}

static int start_stack(struct daemon *d)
{
	struct stack_config config = { .ctx = d, .log = on_stack_log, .accept_handed = on_accept_handed };
	int status = 0;

	config.log_levels = d->config.log_level >= LOG_LEVEL_DEBUG ? 0 : STACK_LOG_DEBUG;
	if (getrandom(config.seed, sizeof(config.seed), 0) != sizeof(config.seed))
		return fail_errno(d, "getrandom", -errno);
	hostid_secret(d->config.name, config.stable_secret);
	d->now_us = loop_clock_us();
	d->st = stack_open(&config, d->now_us);
	explicit_bzero(&config, sizeof(config));
	if (!d->st)
		return fail_errno(d, "the stack", -ENOMEM);
	for (int i = 0; i < d->config.setting_count && !status; i++)
		status = apply_setting(d, &d->config.settings[i]);
	return status;
}

static void on_tap_ready(struct daemon *d, struct source *s, uint32_t events)
{
	(void)d;
	(void)events;
	container_of(s, struct tap, source)->is_readable = true;
}

static void on_link_ready(struct daemon *d, struct source *s, uint32_t events)
{
	struct hostif_news news;

	(void)events;
	while (hostif_next(s->fd, &news) == 1)
		netconf_on_device(d, &news);
}

static void on_signal(struct daemon *d, struct source *s, uint32_t events)
{
	struct signalfd_siginfo info;
	char text[CONFIG_ERROR_MAX];

	(void)events;
	while (read(s->fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			reload(d, text, sizeof(text));
			continue;
		}
		log_line(&d->log, LOG_LEVEL_INFO, "%s: stopping", info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
		d->stop = true;
	}
}

static int watch(struct daemon *d, struct source *s, int fd, void (*on_ready)(struct daemon *, struct source *, uint32_t),
		 const char *what)
{
	int r;

	if (fd < 0)
		return fail_errno(d, what, fd);
	*s = (struct source){ .fd = fd, .on_ready = on_ready };
	r = loop_add(d, s, EPOLLIN | EPOLLET);
	return r < 0 ? fail_errno(d, what, r) : 0;
}

static int watch_taps(struct daemon *d)
{
	int status = watch(d, &d->link_source, hostif_watch(), on_link_ready, "watching the device");

	for (int i = 0; i < d->tap_count && !status; i++) {
		status = watch(d, &d->taps[i].source, d->taps[i].fd, on_tap_ready, "watching the TAP");
		if (!status)
			hostif_ask(d->link_source.fd, d->taps[i].host_ifindex);
		if (!status && !hostif_is_up(&d->taps[i])) /* asked after the watch began: no change is missed */
			stack_set_link_up(d->st, d->taps[i].ifindex, false, d->now_us);
	}
	return status;
}

static int open_signals(void)
{
	sigset_t set;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static int start_loop(struct daemon *d, int control_fd)
{
	int status, r = loop_open(d);

	if (r < 0)
		return fail_errno(d, "epoll", r);
	status = watch_taps(d);
	if (!status)
		status = watch(d, &d->signal_source, open_signals(), on_signal, "watching signals");
	if (status)
		return status;
	r = tombstones_init(&d->tombstones);
	if (r == 0)
		r = channels_init(d);
	if (r < 0)
		return fail_errno(d, "preparing sockets", r);
	r = control_open(d, control_fd);
	return r < 0 ? fail_errno(d, "the control socket", r) : 0;
}

/* Where clients' fresh streams are connected to (fresh.h). */
static int open_door(struct daemon *d)
{
	char error[KEEPER_ERROR_MAX];
	int status = keeper_enter_room(d->config.socket, error);

	if (status)
		return fail(d, status, error);
	d->channels.door = fresh_open();
	return d->channels.door < 0 ? fail_errno(d, "the listening socket for streams", d->channels.door) : 0;
}

/* Whether the door is one that we may go through as who we are now. */
static int try_door(struct daemon *d)
{
	int theirs = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), ours = theirs < 0 ? -errno : fresh_connect(d->channels.door, theirs);

	if (theirs >= 0)
		close(theirs);
	if (ours < 0)
		return fail_errno(d, "connecting to the listening socket for streams", ours);
	close(ours);
	return 0;
}

/* Kept for the next start; without it that one asks for any address. */
static void open_leases(struct daemon *d)
{
	bool wanted = false;
	int r;

	for (int i = 0; i < d->tap_count; i++)
		wanted |= d->config.links[i].dhcp;
	r = wanted ? lease_open(&d->leases, d->config.socket) : 0;
	if (r < 0)
		log_line(&d->log, LOG_LEVEL_WARNING, "leases cannot be kept beside %s: %s", d->config.socket, strerror(-r));
}

static void log_links(struct daemon *d)
{
	char text[64];

	for (int i = 0; i < d->tap_count; i++)
		log_line(&d->log, LOG_LEVEL_INFO, "TAP %s: MTU %u, offloads: %s", d->taps[i].name, d->taps[i].mtu,
			 d->config.links[i].offload ? tap_offload_text(d->taps[i].offloads, text) : "off");
}

static int drop_privileges(struct daemon *d)
{
	char error[PRIVILEGES_ERROR_MAX], no_room[KEEPER_ERROR_MAX];
	uint32_t uid = privileges_uid(d->config.user);
	int status = uid != geteuid() ? keeper_give_room(uid, no_room) : 0;

	/* Where nobody's uid is none of ours to give to, it will not be ours to become either. */
	if (status && d->config.user[0])
		return fail(d, status, no_room);
	status = privileges_drop(d->config.user, &uid, error);
	if (status)
		return fail(d, status, error);
	d->uid = uid;
	return try_door(d);
}

static int open_for_clients(struct daemon *d)
{
	bool waits = false;
	int r;

	if (listen(d->control.source.fd, LISTEN_BACKLOG) < 0)
		return fail_errno(d, "listening for clients", -errno);
	log_links(d);
	log_line(&d->log, LOG_LEVEL_INFO, "runs as uid %u without capabilities, with up to %u descriptors", d->uid, d->fds_max);
	r = netconf_start_dhcp(d);
	if (r < 0)
		return fail_errno(d, "DHCP", r);
	for (int i = 0; i < d->tap_count; i++)
		waits |= d->config.links[i].dhcp;
	if (waits)
		log_line(&d->log, LOG_LEVEL_INFO, "waiting for an address by DHCP or from a router");
	d->ready_by_us = d->now_us + (waits ? READY_WAIT_US : 0);
	return 0;
}

/* ---- Ready -------------------------------------------------------------------------------------------------------- */

struct addr_list {
	char text[768];
	size_t len;
};

static bool list_addr(void *ctx, const struct addr_info *a)
{
	struct addr_list *l = ctx;
	char text[IP_PREFIX_TEXT_MAX];
	bool is_usable = strcmp(a->state, "tentative") && strcmp(a->state, "duplicate");

	if (is_usable && !ip_addr_is_loopback(&a->prefix.addr) && (ip_addr_is4(&a->prefix.addr) || !ip_addr_is_linklocal(&a->prefix.addr)))
		l->len += (size_t)snprintf(l->text + l->len, sizeof(l->text) - l->len, " %s", ip_prefix_print(&a->prefix, text));
	return l->len < sizeof(l->text) - sizeof(text);
}

static void say_ready(struct daemon *d)
{
	struct addr_list list = { .len = 0 };
	char taps[CONFIG_LINKS_MAX * (IFNAMSIZ + 1)] = "";

	for (int i = 0; i < d->tap_count; i++) {
		strcat(taps, i ? "," : "");
		strcat(taps, d->taps[i].name);
	}
	stack_each_addr(d->st, list_addr, &list);
	log_line(&d->log, LOG_LEVEL_INFO, "ready: addresses%s on %s, clients at %s", list.len ? list.text : " none", taps, d->config.socket);
	notify_manager("READY=1");
	d->is_ready = true;
}

/* Clients are served from the start; this is when they can do something with the network, or have waited long enough. */
static void serve_until_ready(struct daemon *d)
{
	uint64_t both_by_us = d->now_us + BOTH_FAMILIES_WAIT_US;

	while (!d->stop && d->now_us < d->ready_by_us && !netconf_is_complete(d, d->now_us >= both_by_us))
		loop_turn(d, d->now_us < both_by_us ? both_by_us : d->ready_by_us);
	if (d->stop)
		return;
	if (!netconf_is_complete(d, true))
		netconf_explain_silence(d);
	say_ready(d);
}

static int start(struct daemon *d, int control_fd)
{
	int status = start_stack(d);

	if (!status)
		status = start_taps(d);
	if (!status)
		status = netconf_add_links(d);
	if (!status)
		open_leases(d);
	if (!status)
		status = open_door(d); /* relative paths end here */
	if (!status)
		status = start_loop(d, control_fd);
	if (!status)
		status = drop_privileges(d);
	return status ? status : open_for_clients(d);
}

/* ---- The end ------------------------------------------------------------------------------------------------------ */

/* Connections whose FIN is not acknowledged yet. */
static bool count_unfinished(void *ctx, const struct sock_info *i)
{
	static const char *const waits[] = { "FIN-WAIT-1", "CLOSING", "LAST-ACK", "ESTAB", "CLOSE-WAIT" };
	int *count = ctx;

	for (size_t k = 0; i->type == SOCK_STREAM && k < sizeof(waits) / sizeof(waits[0]); k++)
		*count += strcmp(i->state, waits[k]) == 0;
	return true;
}

/* Close every connection properly: what clients have written goes out, then FIN, and the peers get a moment to acknowledge. Whoever
 * does not is reset, so that none is left with half a connection. */
static void say_farewell(struct daemon *d)
{
	uint64_t until_us = d->now_us + FAREWELL_US;
	int unfinished;

	notify_manager("STOPPING=1");
	control_pause(d);
	channels_farewell(d);
	do {
		unfinished = 0;
		loop_turn(d, d->now_us + FAREWELL_US / 100);
		stack_each_sock(d->st, count_unfinished, &unfinished, d->now_us);
	} while (unfinished && d->now_us < until_us);
	if (unfinished)
		log_line(&d->log, LOG_LEVEL_INFO, "%d connections did not end in time and were reset", unfinished);
}

/* Nobody is left to talk to: resets for what is still open. */
static void close_sockets(struct daemon *d)
{
	control_close(d);
	netlink_close_all(d);
	channels_abort(d);
	loop_turn(d, d->now_us); /* the resets go out, the channels' memory comes back */
	captures_fini(d);
}

/* Also after a start that failed half-way. */
static void free_all(struct daemon *d)
{
	channels_fini(&d->channels);
	if (d->channels.door >= 0)
		close(d->channels.door);
	tombstones_fini(&d->tombstones);
	frame_unref(d->out.held);
	for (int i = 0; i < d->tap_count; i++)
		tap_close(&d->taps[i]);
	if (d->st)
		stack_close(d->st);
	lease_close(&d->leases);
	if (d->start_dir >= 0)
		close(d->start_dir);
}

static int run(struct daemon *d)
{
	char error[KEEPER_ERROR_MAX];
	struct keeper keeper;
	int status, control_fd;

	d->channels.door = -1;
	d->start_dir = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	d->owner_uid = getuid();
	d->fds_max = privileges_raise_fds();
	prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
	status = keeper_start(&keeper, d->config.socket, error);
	if (status)
		return fail(d, status, error);
	status = keeper_bind(d->config.socket, &control_fd, error);
	if (status)
		fail(d, status, error);
	else
		status = start(d, control_fd);
	if (!status) {
		serve_until_ready(d);
		loop_run(d);
		say_farewell(d);
		close_sockets(d);
		status = d->stop_status;
		log_line(&d->log, LOG_LEVEL_INFO, "stopped");
	}
	free_all(d);
	keeper_stop(&keeper);
	return status;
}

int main(int argc, char **argv)
{
	char error[CONFIG_ERROR_MAX];
	struct daemon *d = calloc(1, sizeof(*d));
	int status;

	if (!d)
		return EX_OSERR;
	d->argc = argc;
	d->argv = argv;
	log_init(&d->log);
	switch (config_load(&d->config, argc, argv, error)) {
	case CONFIG_DONE:
		free(d);
		return EX_OK;
	case CONFIG_BAD_USAGE:
		status = fail(d, EX_USAGE, error);
		break;
	case CONFIG_BAD_FILE:
		status = fail(d, EX_CONFIG, error);
		break;
	default:
		d->log.level = d->config.log_level;
		log_set_name(&d->log, d->config.name);
		status = run(d);
		break;
	}
	free(d);
	return status;
}
