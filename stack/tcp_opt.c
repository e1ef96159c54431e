/* SPDX-License-Identifier: BSD-2-Clause */
/* Options of level IPPROTO_TCP (tcp(7)), with Linux's ranges and errors. An option that is not here is refused, never ignored. */
#include "tcp_conn.h"

#include <errno.h>
#include <linux/tcp.h>
#include <sys/socket.h>

#include "sockopt.h"

/* Younger than some C libraries' headers. */
#ifndef TCP_AO_REPAIR
#define TCP_AO_REPAIR 42
#endif
#ifndef TCP_IS_MPTCP
#define TCP_IS_MPTCP 43
#endif
#ifndef TCP_RTO_MAX_MS
#define TCP_RTO_MAX_MS 44
#endif

enum { TCP_RTO_MIN_US_OPTION = 45, TCP_DELACK_MAX_US_OPTION = 46 }; /* TCP_RTO_MIN_US, TCP_DELACK_MAX_US: the names are taken here */
enum { KEEPIDLE_MAX_S = 32767, KEEPCNT_MAX = 127, SYNCNT_MAX = 127, LINGER2_MAX_S = 120, WINDOW_CLAMP_MIN = 2304 / 2 };

static int read_int(const void *value, size_t len, int *out)
{
	if (len < sizeof(*out))
		return -EINVAL;
	memcpy(out, value, sizeof(*out));
	return 0;
}

/* What we do not do, as Linux shows it when it is not used. */
static const struct sockopt refused[] = {
	{ IPPROTO_NR_TCP, TCP_THIN_LINEAR_TIMEOUTS, SOCKOPT_STAYS(ENOPROTOOPT, 0) },
	{ IPPROTO_NR_TCP, TCP_REPAIR, SOCKOPT_STAYS(EPERM, 0) },
	{ IPPROTO_NR_TCP, TCP_REPAIR_QUEUE, .kind = SOCKOPT_REFUSED, .refused_set = -EPERM, .refused_get = -EINVAL },
	{ IPPROTO_NR_TCP, TCP_QUEUE_SEQ, .kind = SOCKOPT_REFUSED, .refused_set = -EPERM, .refused_get = -EINVAL },
	{ IPPROTO_NR_TCP, TCP_REPAIR_WINDOW, .kind = SOCKOPT_REFUSED, .refused_set = -EPERM, .refused_get = -EPERM },
	{ IPPROTO_NR_TCP, TCP_REPAIR_OPTIONS, .kind = SOCKOPT_REFUSED, .refused_set = -EPERM, .refused_get = -ENOPROTOOPT },
	{ IPPROTO_NR_TCP, TCP_TIMESTAMP, .kind = SOCKOPT_REFUSED, .refused_set = -EPERM },
	{ IPPROTO_NR_TCP, TCP_FASTOPEN, SOCKOPT_STAYS(ENOPROTOOPT, 0) },
	{ IPPROTO_NR_TCP, TCP_FASTOPEN_CONNECT, SOCKOPT_STAYS(EOPNOTSUPP, 0) }, /* as Linux with net.ipv4.tcp_fastopen=0 */
	{ IPPROTO_NR_TCP, TCP_FASTOPEN_NO_COOKIE, SOCKOPT_STAYS(ENOPROTOOPT, 0) },
	{ IPPROTO_NR_TCP, TCP_SAVE_SYN, SOCKOPT_STAYS(ENOPROTOOPT, 0) },
	{ IPPROTO_NR_TCP, TCP_INQ, SOCKOPT_STAYS(ENOPROTOOPT, 0) },
	{ IPPROTO_NR_TCP, TCP_TX_DELAY, SOCKOPT_STAYS(ENOPROTOOPT, 0) },
	{ IPPROTO_NR_TCP, TCP_AO_REPAIR, SOCKOPT_NEVER(EPERM) },
	{ IPPROTO_NR_TCP, TCP_RTO_MAX_MS, SOCKOPT_STAYS(ENOPROTOOPT, TCP_RTO_MAX_US / 1000) },
	{ IPPROTO_NR_TCP, TCP_RTO_MIN_US_OPTION, SOCKOPT_STAYS(ENOPROTOOPT, TCP_RTO_MIN_US) },
	{ IPPROTO_NR_TCP, TCP_DELACK_MAX_US_OPTION, SOCKOPT_STAYS(ENOPROTOOPT, TCP_DELACK_MAX_US) },
};

static const struct sockopt *find_refused(int name)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (refused[i].name == name)
			return &refused[i];
	return NULL;
}

static int set_congestion(struct tcp_conn *c, const void *value, size_t len)
{
	char name[TCP_CC_NAME_MAX] = { 0 };
	const struct tcp_cc_ops *ops;

	if (len == 0)
		return -EINVAL;
	memcpy(name, value, len < sizeof(name) - 1 ? len : sizeof(name) - 1);
	ops = tcp_cc_find(name);
	if (!ops)
		return -ENOENT;
	tcp_cc_change(&c->cc, ops);
	return 0;
}

/* Seconds of TCP_DEFER_ACCEPT as a number of SYN-ACK time-outs, and back (Linux keeps it so too). */
static uint8_t secs_to_retrans(int secs)
{
	uint8_t n = 0;
	int total = 1, wait = 1;

	if (secs <= 0)
		return 0;
	for (n = 1; total < secs && n < UINT8_MAX; n++) {
		wait = wait * 2 > 120 ? 120 : wait * 2;
		total += wait;
	}
	return n;
}

static int retrans_to_secs(uint8_t retrans)
{
	int total = retrans ? 1 : 0, wait = 1;

	while (retrans-- > 1) {
		wait = wait * 2 > 120 ? 120 : wait * 2;
		total += wait;
	}
	return total;
}

static bool in_range(int v, int min, int max)
{
	return v >= min && v <= max;
}

static int set_quickack(struct tcp_conn *c, int v)
{
	if (!v) {
		c->pingpong = true;
		return 0;
	}
	c->pingpong = false;
	if (c->ack_scheduled && tcp_state_in(c, TCP_STATE_BIT(TCP_ESTABLISHED) | TCP_STATE_BIT(TCP_CLOSE_WAIT)))
		tcp_ack_now(c);
	return 0;
}

static int set_keepidle(struct tcp_conn *c, int v)
{
	c->keepidle_s = (uint16_t)v;
	tcp_timer_reset_keepalive(c);
	return 0;
}

/* Uncorking, and switching Nagle off, send what waited. */
static int release_held(struct tcp_conn *c)
{
	tcp_want_output(c);
	return 0;
}

static int set_window_clamp(struct tcp_conn *c, int v)
{
	if (v == 0) {
		if (c->state != TCP_CLOSED)
			return -EINVAL;
		c->window_clamp = 0;
		return 0;
	}
	c->window_clamp = v < WINDOW_CLAMP_MIN ? WINDOW_CLAMP_MIN : (uint32_t)v;
	c->rcv_ssthresh = tcp_min(c->rcv_ssthresh, c->window_clamp);
	return 0;
}

int tcp_setopt(struct sock *s, int level, int name, const void *value, size_t len, uint64_t now_us)
{
	struct tcp_conn *c = tcp_conn_of(s);
	const struct sockopt *no;
	int v, err;

	(void)now_us;
	if (level != IPPROTO_NR_TCP)
		return -ENOPROTOOPT;
	if (name == TCP_CONGESTION)
		return set_congestion(c, value, len);
	if (name == TCP_ULP) /* there is none */
		return len == 0 ? -EINVAL : -ENOENT;
	err = read_int(value, len, &v);
	if (err < 0)
		return err;
	switch (name) {
	case TCP_NODELAY:
		c->nodelay = v != 0;
		return v ? release_held(c) : 0;
	case TCP_CORK:
		c->cork = v != 0;
		return v ? 0 : release_held(c);
	case TCP_MAXSEG:
		if (v && !in_range(v, TCP_MIN_MSS, 32767))
			return -EINVAL;
		c->user_mss = (uint16_t)v;
		return 0;
	case TCP_KEEPIDLE:
		return in_range(v, 1, KEEPIDLE_MAX_S) ? set_keepidle(c, v) : -EINVAL;
	case TCP_KEEPINTVL:
		if (!in_range(v, 1, KEEPIDLE_MAX_S))
			return -EINVAL;
		c->keepintvl_s = (uint16_t)v;
		return 0;
	case TCP_KEEPCNT:
		if (!in_range(v, 1, KEEPCNT_MAX))
			return -EINVAL;
		c->keepcnt = (uint8_t)v;
		return 0;
	case TCP_SYNCNT:
		if (!in_range(v, 1, SYNCNT_MAX))
			return -EINVAL;
		c->syn_retries = (uint8_t)v;
		return 0;
	case TCP_LINGER2:
		c->linger2_s = (int16_t)(v < 0 ? -1 : v > LINGER2_MAX_S ? LINGER2_MAX_S : v);
		return 0;
	case TCP_DEFER_ACCEPT:
		c->defer_accept_retrans = secs_to_retrans(v);
		return 0;
	case TCP_WINDOW_CLAMP:
		return set_window_clamp(c, v);
	case TCP_QUICKACK:
		return set_quickack(c, v);
	case TCP_USER_TIMEOUT:
		if (v < 0)
			return -EINVAL;
		c->user_timeout_ms = (uint32_t)v;
		return 0;
	case TCP_NOTSENT_LOWAT:
		c->notsent_lowat = (uint32_t)v;
		tcp_send_space_check(c);
		return 0;
	case TCP_THIN_DUPACK: /* does nothing on Linux either */
		return in_range(v, 0, 1) ? 0 : -EINVAL;
	default:
		no = find_refused(name);
		return no ? no->refused_set : -ENOPROTOOPT;
	}
}

static int or_default(uint32_t own, uint32_t tunable)
{
	return (int)(own ? own : tunable);
}

static int get_linger2(const struct tcp_conn *c)
{
	if (c->linger2_s < 0)
		return -1;
	return or_default((uint32_t)c->linger2_s, c->sk.st->tunables.tcp_fin_timeout);
}

int tcp_getopt(struct sock *s, int level, int name, void *value, size_t *len, uint64_t now_us)
{
	struct tcp_conn *c = tcp_conn_of(s);
	const struct tunables *t = &s->st->tunables;
	char cong[TCP_CC_NAME_MAX] = { 0 };
	const struct sockopt *no;
	int v;

	(void)now_us;
	if (level != IPPROTO_NR_TCP)
		return -ENOPROTOOPT;
	switch (name) {
	case TCP_INFO:
		*len = tcp_info_fill(c, value, *len);
		return 0;
	case TCP_CONGESTION:
		memcpy(cong, c->cc.ops->name, strlen(c->cc.ops->name));
		return sockopt_put(value, len, cong, sizeof(cong));
	case TCP_CC_INFO: /* as Linux of reno, which has none */
	case TCP_ULP:
		*len = 0;
		return 0;
	case TCP_MAXSEG:
		v = c->state == TCP_CLOSED || c->state == TCP_LISTEN ? (c->user_mss ? c->user_mss : TCP_MSS_DEFAULT_4) : c->mss;
		break;
	case TCP_NODELAY:
		v = c->nodelay;
		break;
	case TCP_CORK:
		v = c->cork;
		break;
	case TCP_KEEPIDLE:
		v = or_default(c->keepidle_s, t->tcp_keepalive_time);
		break;
	case TCP_KEEPINTVL:
		v = or_default(c->keepintvl_s, t->tcp_keepalive_intvl);
		break;
	case TCP_KEEPCNT:
		v = or_default(c->keepcnt, t->tcp_keepalive_probes);
		break;
	case TCP_SYNCNT:
		v = or_default(c->syn_retries, t->tcp_syn_retries);
		break;
	case TCP_LINGER2:
		v = get_linger2(c);
		break;
	case TCP_DEFER_ACCEPT:
		v = retrans_to_secs(c->defer_accept_retrans);
		break;
	case TCP_WINDOW_CLAMP:
		v = (int)c->window_clamp;
		break;
	case TCP_QUICKACK:
		v = !c->pingpong;
		break;
	case TCP_USER_TIMEOUT:
		v = (int)c->user_timeout_ms;
		break;
	case TCP_NOTSENT_LOWAT:
		v = (int)c->notsent_lowat;
		break;
	case TCP_TIMESTAMP:
		v = (int)tcp_ts_now(c);
		break;
	case TCP_THIN_DUPACK:
	case TCP_IS_MPTCP:
		v = 0;
		break;
	default:
		no = find_refused(name);
		return no ? sockopt_put_shown(no, value, len) : -ENOPROTOOPT;
	}
	return sockopt_put(value, len, &v, sizeof(v));
}

void tcp_opt_changed(struct sock *s, int level, int name, uint64_t now_us)
{
	struct tcp_conn *c = tcp_conn_of(s);

	(void)now_us;
	if (!s->dst.ifindex && !tcp_state_in(c, TCP_STATE_BIT(TCP_CLOSED) | TCP_STATE_BIT(TCP_LISTEN))) /* the way is another, or what every packet takes along */
		tcp_route_renew(c);
	if (level != SOL_SOCKET)
		return;
	if (name == SO_KEEPALIVE)
		tcp_timer_reset_keepalive(c);
	else if (name == SO_SNDBUF || name == SO_SNDBUFFORCE)
		tcp_send_space_check(c);
}
