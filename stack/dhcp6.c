/* SPDX-License-Identifier: BSD-2-Clause */
#include "dhcp6.h"

#include <errno.h>
#include <stdio.h>

#include "core.h"
#include "dhcp.h"

enum {
	START_DELAY_MAX_US = 1000000, /* SOL_MAX_DELAY, CNF_MAX_DELAY, INF_MAX_DELAY */
	SOL_TIMEOUT_US = 1000000,
	REFRESH_DEFAULT_S = 86400, /* IRT_DEFAULT, IRT_MINIMUM (section 21.23) */
	REFRESH_MIN_S = 600,
	MAX_RT_DEFAULT_S = 3600, /* SOL_MAX_RT, INF_MAX_RT */
	AFTER_DECLINE_US = 10000000, /* from the second on, doubled with each: some servers offer the address again */
	DECLINE_DOUBLINGS_MAX = 5,
};

/* Section 7.6: how the message of a state is repeated. 0: no limit. Where a limit is not constant, exchange_of() fills it in. */
struct exchange {
	uint8_t type; /* enum dhcp6_type; 0: nothing is asked in this state */
	uint32_t irt_s, mrt_s, mrc, mrd_s;
};

static const struct exchange exchanges[DHCP6_STATES] = {
	[DHCP6_SOLICITING] = { DHCP6_SOLICIT, 1, MAX_RT_DEFAULT_S, 0, 0 },
	[DHCP6_REQUESTING] = { DHCP6_REQUEST, 1, 30, 10, 0 },
	[DHCP6_RENEWING] = { DHCP6_RENEW, 10, 600, 0, 0 },   /* until T2 */
	[DHCP6_REBINDING] = { DHCP6_REBIND, 10, 600, 0, 0 }, /* until the addresses are over */
	[DHCP6_CONFIRMING] = { DHCP6_CONFIRM, 1, 4, 0, 10 },
	[DHCP6_DECLINING] = { DHCP6_DECLINE, 1, 0, 4, 0 },
	[DHCP6_RELEASING] = { DHCP6_RELEASE, 1, 0, 4, 0 },
	[DHCP6_INFORMING] = { DHCP6_INFORMATION_REQUEST, 1, MAX_RT_DEFAULT_S, 0, 0 },
};

static const char *const state_names[DHCP6_STATES] = {
	"idle", "starting", "soliciting", "requesting", "bound", "renewing", "rebinding", "confirming", "declining", "releasing", "informing", "informed",
};

static struct dhcp6 *find(struct stack *st, uint32_t ifindex, bool is_stopped)
{
	for (struct list *n = st->dhcp6s.next; n != &st->dhcp6s; n = n->next) {
		struct dhcp6 *c = container_of(n, struct dhcp6, link);

		if (c->ifindex == ifindex && is_stopped == (c->state == DHCP6_RELEASING))
			return c;
	}
	return NULL;
}

static struct dhcp6 *client_of(struct stack *st, uint32_t ifindex)
{
	return find(st, ifindex, false);
}

static void free_client(struct dhcp6 *c)
{
	timer_cancel(&c->timer);
	list_remove(&c->link);
	mem_free(&c->st->mem, c);
}

/* ---- States and exchanges ---- */

static void set_timer(struct dhcp6 *c, uint64_t at_us)
{
	if (at_us == UINT64_MAX)
		timer_cancel(&c->timer);
	else
		timer_set(&c->st->wheel, &c->timer, at_us);
}

static void set_state(struct dhcp6 *c, enum dhcp6_state state, const char *why)
{
	stack_log(c->st, STACK_LOG_DEBUG, "dhcp6.state ifindex=%u from=%s to=%s why=%s", c->ifindex, state_names[c->state],
		  state_names[state], why);
	c->state = (uint8_t)state;
}

static struct exchange exchange_of(const struct dhcp6 *c)
{
	struct exchange e = exchanges[c->state];

	if (c->state == DHCP6_SOLICITING)
		e.mrt_s = c->sol_max_rt_s;
	else if (c->state == DHCP6_INFORMING)
		e.mrt_s = c->inf_max_rt_s;
	return e;
}

/* A tenth of @us more or less, at random: RAND in section 15. */
static uint64_t randomized(struct dhcp6 *c, uint64_t us)
{
	uint32_t tenth = (uint32_t)(us / 10);

	return us - tenth + rng_below(&c->st->rng, 2 * tenth + 1);
}

static void set_next_timeout(struct dhcp6 *c, const struct exchange *e)
{
	uint64_t mrt_us = (uint64_t)e->mrt_s * 1000000;

	if (c->tries == 1 && c->state == DHCP6_SOLICITING) /* section 18.2.1: the first is longer than IRT, so that all may answer */
		c->rt_us = SOL_TIMEOUT_US + 1 + rng_below(&c->st->rng, SOL_TIMEOUT_US / 10);
	else if (c->tries == 1)
		c->rt_us = randomized(c, (uint64_t)e->irt_s * 1000000);
	else
		c->rt_us = c->rt_us + randomized(c, c->rt_us);
	if (mrt_us != 0 && c->rt_us > mrt_us)
		c->rt_us = randomized(c, mrt_us);
	set_timer(c, c->st->now_us + c->rt_us < c->end_us ? c->st->now_us + c->rt_us : c->end_us);
}

static void ask(struct dhcp6 *c)
{
	struct exchange e = exchange_of(c);

	dhcp6_send(c, e.type);
	if (c->tries < UINT8_MAX)
		c->tries++;
	set_next_timeout(c, &e);
}

static void begin_until(struct dhcp6 *c, enum dhcp6_state state, uint64_t end_us, const char *why)
{
	set_state(c, state, why);
	c->xid = (uint32_t)rng_u64(&c->st->rng) & 0xffffff;
	c->began_us = c->st->now_us;
	c->end_us = end_us;
	c->tries = 0;
	ask(c);
}

static void begin(struct dhcp6 *c, enum dhcp6_state state, const char *why)
{
	uint32_t mrd_s = exchanges[state].mrd_s;

	begin_until(c, state, mrd_s ? c->st->now_us + (uint64_t)mrd_s * 1000000 : UINT64_MAX, why);
}

static void begin_after(struct dhcp6 *c, enum dhcp6_state state, uint64_t delay_us, const char *why)
{
	set_state(c, DHCP6_STARTING, why);
	c->next = (uint8_t)state;
	set_timer(c, c->st->now_us + delay_us);
}

static void begin_later(struct dhcp6 *c, enum dhcp6_state state, const char *why)
{
	begin_after(c, state, rng_below(&c->st->rng, START_DELAY_MAX_US), why);
}

static void solicit(struct dhcp6 *c, const char *why)
{
	dhcp6_lease_withdraw(c);
	c->server.len = 0;
	begin(c, DHCP6_SOLICITING, why);
}

/* Bound, or back in it: wait for T1. Where that is past, renewing begins at once. */
static void rest(struct dhcp6 *c, const char *why)
{
	set_state(c, DHCP6_BOUND, why);
	set_timer(c, c->t1_us < c->expires_us ? c->t1_us : c->expires_us);
}

static void lose(struct dhcp6 *c, const char *why)
{
	stack_log(c->st, STACK_LOG_WARNING, "dhcp6.lost ifindex=%u why=%s", c->ifindex, why);
	solicit(c, why);
}

/* T1, or what comes after it. */
static void renew_or_lose(struct dhcp6 *c)
{
	uint64_t now = c->st->now_us;

	if (now >= c->expires_us)
		lose(c, "expired");
	else if (now >= c->t2_us)
		begin_until(c, DHCP6_REBINDING, c->expires_us, "t2");
	else
		begin_until(c, DHCP6_RENEWING, c->t2_us < c->expires_us ? c->t2_us : c->expires_us, "t1");
}

static void on_declined(struct dhcp6 *c)
{
	if (c->ia.count > 0) {
		rest(c, "declined");
		return;
	}
	if (c->declines == 0)
		solicit(c, "declined");
	else
		begin_after(c, DHCP6_SOLICITING, (uint64_t)AFTER_DECLINE_US << (c->declines - 1), "declined");
	if (c->declines <= DECLINE_DOUBLINGS_MAX)
		c->declines++;
}

/* The exchange was given up. */
static void on_no_answer(struct dhcp6 *c)
{
	switch ((enum dhcp6_state)c->state) {
	case DHCP6_RENEWING:
	case DHCP6_REBINDING:
		renew_or_lose(c);
		break;
	case DHCP6_CONFIRMING: /* section 18.2.3: the addresses and their lifetimes go on */
		rest(c, "no_answer");
		break;
	case DHCP6_DECLINING:
		on_declined(c);
		break;
	case DHCP6_RELEASING:
		free_client(c);
		break;
	case DHCP6_REQUESTING: /* of what we have already (section 18.2.10.1, NoBinding): others may know of it */
		if (c->is_bound)
			begin_until(c, DHCP6_REBINDING, c->expires_us, "no_answer");
		else
			solicit(c, "no_answer");
		break;
	default:
		solicit(c, "no_answer");
		break;
	}
}

static bool is_over(const struct dhcp6 *c, const struct exchange *e)
{
	return (e->mrc != 0 && c->tries >= e->mrc) || c->st->now_us >= c->end_us;
}

static void on_exchange_timer(struct dhcp6 *c)
{
	struct exchange e = exchange_of(c);

	if (c->state == DHCP6_SOLICITING && c->ia.is_there)
		begin(c, DHCP6_REQUESTING, "advertise");
	else if (is_over(c, &e))
		on_no_answer(c);
	else
		ask(c);
}

static void on_timer(struct timer *t, uint64_t now_us)
{
	struct dhcp6 *c = container_of(t, struct dhcp6, timer);

	(void)now_us;
	switch ((enum dhcp6_state)c->state) {
	case DHCP6_STARTING:
		if (c->next == DHCP6_SOLICITING)
			solicit(c, "begin");
		else
			begin(c, c->next, "begin");
		break;
	case DHCP6_BOUND:
		renew_or_lose(c);
		break;
	case DHCP6_INFORMED:
		begin(c, DHCP6_INFORMING, "refresh");
		break;
	case DHCP6_IDLE:
		break;
	default:
		on_exchange_timer(c);
		break;
	}
}

/* ---- Answers ---- */

static void take_parameters(struct dhcp6 *c, const struct dhcp6_reply *m)
{
	c->dns = m->dns;
	c->ntp = m->ntp;
	c->domains = m->domains;
}

static void take_limits(struct dhcp6 *c, const struct dhcp6_reply *m)
{
	if (m->sol_max_rt_s)
		c->sol_max_rt_s = m->sol_max_rt_s;
	if (m->inf_max_rt_s)
		c->inf_max_rt_s = m->inf_max_rt_s;
}

/* Section 18.2.9. After the first second the first usable one is taken. */
static void on_advertise(struct dhcp6 *c, const struct dhcp6_reply *m)
{
	enum { PREFERENCE_AT_ONCE = 255 };

	take_limits(c, m); /* also from one that is not usable otherwise */
	if (m->status != DHCP6_SUCCESS || m->ia.status != DHCP6_SUCCESS || m->ia.count == 0) {
		stat_drop(c->st, STAT_DHCP6_DROP_INCOMPLETE);
		return;
	}
	if (c->ia.is_there && m->preference <= c->best_preference)
		return;
	c->ia = m->ia;
	c->server = m->server;
	c->best_preference = m->preference;
	if (m->preference == PREFERENCE_AT_ONCE || c->tries > 1)
		begin(c, DHCP6_REQUESTING, "advertise");
}

static void log_bound(const struct dhcp6 *c)
{
	char text[IP_ADDR_TEXT_MAX];

	for (uint8_t i = 0; i < c->ia.count; i++)
		stack_log(c->st, STACK_LOG_NOTICE, "dhcp6.bound ifindex=%u addr=%s valid_s=%u preferred_s=%u", c->ifindex,
			  ip_addr_print(&c->ia.addrs[i].addr, text), c->ia.addrs[i].valid_s, c->ia.addrs[i].preferred_s);
}

static void on_binding(struct dhcp6 *c, const struct dhcp6_reply *m)
{
	bool was_bound = c->is_bound;

	dhcp6_lease_apply(c, m);
	take_parameters(c, m);
	if (c->state == DHCP6_RENEWING || c->state == DHCP6_REBINDING)
		c->declines = 0;
	if (c->ia.count == 0) {
		lose(c, "no_address_left");
		return;
	}
	rest(c, "reply");
	if (!was_bound)
		log_bound(c);
}

/* Section 18.2.10.1: the answer to what asked for, or about, addresses. */
static void on_ia_reply(struct dhcp6 *c, const struct dhcp6_reply *m)
{
	bool is_extension = c->state == DHCP6_RENEWING || c->state == DHCP6_REBINDING;
	bool may_wait = is_extension || c->state == DHCP6_SOLICITING; /* another answer may be better */

	if (m->status == DHCP6_NOT_ON_LINK || m->ia.status == DHCP6_NOT_ON_LINK) {
		solicit(c, "not_on_link");
	} else if (m->status != DHCP6_SUCCESS || !m->ia.is_there) { /* the server may do better at the next try */
		stat_drop(c->st, STAT_DHCP6_DROP_INCOMPLETE);
	} else if (is_extension && m->ia.status == DHCP6_NO_BINDING) {
		c->server = m->server;
		begin(c, DHCP6_REQUESTING, "no_binding");
	} else if (m->ia.status != DHCP6_SUCCESS || m->ia.count == 0) {
		if (may_wait)
			stat_drop(c->st, STAT_DHCP6_DROP_INCOMPLETE);
		else
			begin_later(c, DHCP6_SOLICITING, "refused");
	} else {
		on_binding(c, m);
	}
}

static void on_confirm_reply(struct dhcp6 *c, const struct dhcp6_reply *m)
{
	if (m->status == DHCP6_SUCCESS)
		rest(c, "confirmed");
	else if (m->status == DHCP6_NOT_ON_LINK)
		lose(c, "not_on_link");
}

static void on_information(struct dhcp6 *c, const struct dhcp6_reply *m)
{
	uint64_t refresh_s = m->refresh_s ? m->refresh_s : REFRESH_DEFAULT_S;

	take_parameters(c, m);
	set_state(c, DHCP6_INFORMED, "reply");
	if (refresh_s == UINT32_MAX)
		set_timer(c, UINT64_MAX);
	else
		set_timer(c, c->st->now_us + (refresh_s < REFRESH_MIN_S ? REFRESH_MIN_S : refresh_s) * 1000000);
}

static void on_reply(struct dhcp6 *c, const struct dhcp6_reply *m)
{
	take_limits(c, m);
	switch ((enum dhcp6_state)c->state) {
	case DHCP6_CONFIRMING:
		on_confirm_reply(c, m);
		break;
	case DHCP6_DECLINING: /* whatever it says (sections 18.2.10.2, 18.2.10.3) */
	case DHCP6_RELEASING:
		on_no_answer(c);
		break;
	case DHCP6_INFORMING:
		on_information(c, m);
		break;
	default:
		on_ia_reply(c, m);
		break;
	}
}

static bool is_same_duid(const struct dhcp6_duid *a, const struct dhcp6_duid *b)
{
	return a->len == b->len && memcmp(a->b, b->b, a->len) == 0;
}

/* Whether a message of this kind, from this server, is awaited. */
static bool is_awaited(const struct dhcp6 *c, const struct dhcp6_reply *m)
{
	if (exchanges[c->state].type == 0)
		return false;
	if (c->state == DHCP6_SOLICITING)
		return m->type == DHCP6_ADVERTISE || m->is_rapid_commit;
	if (m->type != DHCP6_REPLY)
		return false;
	if (!dhcp6_addressee(c, exchanges[c->state].type))
		return true;
	return is_same_duid(&m->server, &c->server);
}

/* Section 16: STAT_NONE, or why a message must not be looked at further. */
static enum stack_stat why_invalid(const struct dhcp6 *c, const struct dhcp6_reply *m)
{
	if (m->type == DHCP6_RECONFIGURE)
		return STAT_DHCP6_DROP_RECONFIGURE;
	if (m->type != DHCP6_ADVERTISE && m->type != DHCP6_REPLY)
		return STAT_DHCP6_DROP_TYPE;
	if (m->server.len == 0)
		return STAT_DHCP6_DROP_SERVER_ID;
	if (!is_same_duid(&m->client, &c->client))
		return STAT_DHCP6_DROP_CLIENT_ID;
	if (m->xid != c->xid)
		return STAT_DHCP6_DROP_NOT_OURS;
	return is_awaited(c, m) ? STAT_NONE : STAT_DHCP6_DROP_UNASKED;
}

static void on_message(struct dhcp6 *c, const struct dhcp6_reply *m)
{
	enum stack_stat why = why_invalid(c, m);

	if (why != STAT_NONE)
		stat_drop(c->st, why);
	else if (m->type == DHCP6_ADVERTISE)
		on_advertise(c, m);
	else
		on_reply(c, m);
}

bool dhcp6_input(struct stack *st, const struct ip_rx *rx, uint16_t dport, const uint8_t *data, size_t len)
{
	bool is_client_port = dport == DHCP6_CLIENT_PORT && !ip_addr_is4(&rx->dst);
	struct dhcp6 *c = is_client_port ? client_of(st, rx->ifindex) : NULL, *stopped = is_client_port ? find(st, rx->ifindex, true) : NULL;
	struct dhcp6_reply m;

	if (!c && !stopped)
		return false;
	stat_count(st, STAT_DHCP6_IN);
	if (dhcp6_parse(data, len, link_by_ifindex(st, rx->ifindex)->config.mac, &m) < 0)
		stat_drop(st, STAT_DHCP6_DROP_MALFORMED);
	else
		on_message(!c || (stopped && m.xid == stopped->xid) ? stopped : c, &m);
	return true;
}

/* ---- What happens around it ---- */

/* Stateful comes before stateless (section 18.2: M makes O redundant), and what runs goes on. */
void dhcp6_on_advertisement(struct stack *st, uint32_t ifindex, bool is_managed, bool has_other)
{
	struct dhcp6 *c = client_of(st, ifindex);

	if (!c)
		return;
	if (is_managed) {
		if (c->state == DHCP6_IDLE || c->state == DHCP6_INFORMING || c->state == DHCP6_INFORMED ||
		    (c->state == DHCP6_STARTING && c->next == DHCP6_INFORMING))
			begin_later(c, DHCP6_SOLICITING, "managed");
	} else if (has_other && c->state == DHCP6_IDLE) {
		begin_later(c, DHCP6_INFORMING, "other");
	}
}

void dhcp6_on_conflict(struct stack *st, uint32_t ifindex, const struct ip_addr *addr)
{
	struct dhcp6 *c = client_of(st, ifindex);
	struct dhcp6_ia *back;

	if (!c || !c->is_bound)
		return;
	back = &c->given_back;
	if (c->state != DHCP6_DECLINING)
		*back = (struct dhcp6_ia){ .is_there = true };
	stack_del_addr(st, ifindex, addr, st->now_us);
	dhcp6_lease_forget_addr(&c->ia, addr);
	if (back->count < DHCP6_ADDRS_MAX)
		back->addrs[back->count++].addr = *addr;
	begin(c, DHCP6_DECLINING, "conflict");
}

void dhcp6_on_link_up(struct stack *st, uint32_t ifindex)
{
	struct dhcp6 *c = client_of(st, ifindex);

	if (!c)
		return;
	c->sol_max_rt_s = c->inf_max_rt_s = MAX_RT_DEFAULT_S;
	c->declines = 0;
	if (c->is_bound && c->ia.count > 0) {
		begin_later(c, DHCP6_CONFIRMING, "link_up");
	} else { /* the routers will say */
		timer_cancel(&c->timer);
		dhcp6_forget_parameters(c);
		set_state(c, DHCP6_IDLE, "link_up");
	}
}

static void name_client(struct dhcp6 *c)
{
	struct wire_wr w = wire_wr_over(c->client.b, sizeof(c->client.b));

	dhcp_write_duid(&w, dhcp_host_mac(c->st));
	c->client.len = (uint8_t)wire_wr_len(&w);
}

int stack_dhcp6_start(struct stack *st, uint32_t ifindex, const char *hostname, uint64_t now_us)
{
	const struct link *l = link_by_ifindex(st, ifindex);
	struct dhcp6 *c;

	st->now_us = now_us;
	if (!l)
		return -ENODEV;
	if (l->config.kind != LINK_ETHERNET)
		return -EINVAL;
	if (client_of(st, ifindex))
		return -EEXIST;
	c = mem_alloc(&st->mem, sizeof(*c));
	if (!c)
		return -ENOBUFS;
	*c = (struct dhcp6){ .st = st, .ifindex = ifindex, .sol_max_rt_s = MAX_RT_DEFAULT_S, .inf_max_rt_s = MAX_RT_DEFAULT_S };
	name_client(c);
	snprintf(c->hostname, sizeof(c->hostname), "%s", hostname);
	timer_init(&c->timer, on_timer);
	list_append(&st->dhcp6s, &c->link);
	dhcp6_on_advertisement(st, ifindex, l->nd.is_managed, l->nd.is_other); /* what was told already: the next may be long in coming */
	return 0;
}

/* Section 18.2.7: the addresses are not used any more, and the server is told until it has heard. */
static void release_addrs(struct dhcp6 *c)
{
	struct dhcp6 *older = find(c->st, c->ifindex, true);

	if (older)
		free_client(older);
	c->given_back = c->ia;
	dhcp6_lease_withdraw(c);
	begin(c, DHCP6_RELEASING, "stop");
}

int stack_dhcp6_stop(struct stack *st, uint32_t ifindex, uint64_t now_us)
{
	struct dhcp6 *c = client_of(st, ifindex);

	st->now_us = now_us;
	if (!c)
		return -ESRCH;
	if (c->is_bound && c->ia.count > 0)
		release_addrs(c);
	else
		free_client(c);
	return 0;
}

int stack_dhcp6_info(struct stack *st, uint32_t ifindex, struct dhcp6_info *info)
{
	const struct dhcp6 *c = client_of(st, ifindex);

	if (!c)
		return -ESRCH;
	*info = (struct dhcp6_info){ .state = state_names[c->state], .dns_count = c->dns.count, .ntp_count = c->ntp.count };
	memcpy(info->dns, c->dns.addr, sizeof(info->dns));
	memcpy(info->ntp, c->ntp.addr, sizeof(info->ntp));
	info->domains = c->domains;
	if (!c->is_bound)
		return 0;
	info->addr_count = c->ia.count;
	info->t1_us = c->t1_us;
	info->t2_us = c->t2_us;
	info->expires_us = c->expires_us;
	return 0;
}

void dhcp6_fini(struct stack *st)
{
	if (!st->dhcp6s.next)
		return;
	while (!list_is_empty(&st->dhcp6s))
		free_client(container_of(st->dhcp6s.next, struct dhcp6, link));
}
