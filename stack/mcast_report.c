/* SPDX-License-Identifier: BSD-2-Clause */
#include "mcast_report.h"

#include <errno.h>

#include "core.h"
#include "mcast_records.h"

/* Query Interval and Query Response Interval while no querier has named them (RFC 3376 sections 8.2, 8.3; RFC 3810 section 9). */
enum { QUERY_INTERVAL_S = 125 };

/* No query is answered at once (RFC 3376 section 5.2: "MUST NOT send a Report immediately"): a flood of queries does not get a report
 * each. */
enum { RESPONSE_US_MIN = 10000 };

static struct mcast_group *group_of(struct list *node)
{
	return container_of(node, struct mcast_group, link);
}

static struct mcast_group *group_of_timer(struct timer *t)
{
	return container_of(t, struct mcast_group, report.timer);
}

static uint64_t random_below_us(struct mcast_if *ifc, uint64_t bound_us)
{
	return bound_us > 1 ? rng_below(&ifc->st->mcast.rng, bound_us > UINT32_MAX ? UINT32_MAX : (uint32_t)bound_us) : 0;
}

static uint64_t unsolicited_delay_us(struct mcast_if *ifc)
{
	return random_below_us(ifc, ifc->protocol->unsolicited_ms(ifc->st, ifc->version) * 1000ULL);
}

static uint8_t robustness(const struct mcast_if *ifc)
{
	return ifc->robustness ? ifc->robustness : (uint8_t)ifc->protocol->robustness(ifc->st);
}

static bool is_silent(const struct mcast_if *ifc, const struct ip_addr *group)
{
	bool is_too_old = ifc->version != ifc->protocol->latest && mcast_is_source_specific(ifc, group);
	bool has_family = ip_addr_is4(group) || link_has_ip6(ifc->l);

	return ifc->l->config.kind == LINK_LOOPBACK || !has_family || is_too_old || ifc->protocol->is_silent(ifc->st, group);
}

bool mcast_is_source_specific(const struct mcast_if *ifc, const struct ip_addr *group)
{
	return ifc->protocol->is_source_specific(ifc->st, group);
}

static bool has_records(const struct mcast_if *ifc)
{
	return ifc->version == ifc->protocol->latest;
}

static uint64_t response_delay_us(struct mcast_if *ifc, const struct mcast_query *q)
{
	uint64_t spare_us = q->max_response_us > RESPONSE_US_MIN ? q->max_response_us - RESPONSE_US_MIN : 0;

	return RESPONSE_US_MIN + random_below_us(ifc, spare_us);
}

/* What is told sooner answers this too. */
static void timer_set_sooner(struct mcast_if *ifc, struct timer *t, uint64_t at_us)
{
	if (!timer_is_pending(t) || t->deadline_us > at_us)
		timer_set(&ifc->st->wheel, t, at_us);
}

/* ---- What is still to be told ------------------------------------------------------------------------------------- */

static bool is_idle(const struct mcast_group *g)
{
	return g->report.mode_left == 0 && g->report.pending_count == 0;
}

/* Keep a group without users only as long as there is something to be told of it. Returns whether it is gone. */
static bool free_if_done(struct mcast_group *g)
{
	if (g->users > 0 || !is_idle(g))
		return false;
	mcast_group_free(g);
	return true;
}

static void forget_asked(struct mcast_group *g)
{
	struct stack *st = g->ifc->st;

	st->mcast.asked -= g->report.asked.count;
	mcast_sources_clear(&st->mem, &g->report.asked);
}

static void forget_reports(struct mcast_group *g)
{
	timer_cancel(&g->report.timer);
	forget_asked(g);
	g->report.pending_count = 0;
	g->report.mode_left = 0;
	g->report.joins_left = 0;
	list_remove(&g->report.changed_link);
}

void mcast_reporting_fini(struct mcast_group *g)
{
	forget_reports(g);
	if (g->ifc->answer_next == &g->link)
		g->ifc->answer_next = g->link.next;
	mem_free(&g->ifc->st->mem, g->report.pending);
}

/* @source is to be told @times; 0 or -ENOBUFS. */
static int pending_set(struct mcast_group *g, const struct ip_addr *source, uint8_t times)
{
	struct mcast_reporting *r = &g->report;

	for (uint32_t i = 0; i < r->pending_count; i++) {
		if (ip_addr_eq(&r->pending[i].addr, source)) {
			r->pending[i].left = times;
			return 0;
		}
	}
	if (r->pending_count == MCAST_PENDING_MAX)
		return -ENOBUFS;
	if (r->pending_count == r->pending_room) {
		uint32_t room = r->pending_room ? r->pending_room * 2 : 4;
		struct mcast_pending *larger = mem_alloc(&g->ifc->st->mem, room * sizeof(*larger));

		if (!larger)
			return -ENOBUFS;
		if (r->pending_count > 0)
			memcpy(larger, r->pending, r->pending_count * sizeof(*larger));
		mem_free(&g->ifc->st->mem, r->pending);
		r->pending = larger;
		r->pending_room = room;
	}
	r->pending[r->pending_count++] = (struct mcast_pending){ *source, times };
	return 0;
}

/* They have been told once more. */
static void pending_count_down(struct mcast_reporting *r)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < r->pending_count; i++)
		if (--r->pending[i].left > 0)
			r->pending[kept++] = r->pending[i];
	r->pending_count = kept;
}

/* ---- The version (RFC 3376 section 7.2.1, RFC 3810 section 8.2.1) -------------------------------------------------- */

unsigned mcast_version(const struct mcast_if *ifc)
{
	unsigned forced = ifc->protocol->forced_version(ifc->st);

	if (forced)
		return forced;
	for (unsigned v = 1; v < ifc->protocol->latest; v++)
		if (ifc->older_until_us[v - 1] > ifc->st->now_us)
			return v;
	return ifc->protocol->latest;
}

/* "Whenever a host changes its compatibility mode, it cancels all its pending response and retransmission timers." Groups without users go
 * with what was to be told of them, but @keep, which the caller is about to change. */
static void settle_version(struct mcast_if *ifc, const struct mcast_group *keep)
{
	unsigned version = mcast_version(ifc);
	struct list *n, *next;

	if (version == ifc->version)
		return;
	ifc->version = (uint8_t)version;
	timer_cancel(&ifc->answer_timer);
	timer_cancel(&ifc->change_timer);
	for (n = ifc->groups.next; n != &ifc->groups; n = next) {
		next = n->next;
		forget_reports(group_of(n));
		if (group_of(n) != keep)
			free_if_done(group_of(n));
	}
}

/* ---- Records ------------------------------------------------------------------------------------------------------ */

static uint32_t report_room(const struct mcast_if *ifc)
{
	uint32_t mtu = ifc->l->config.mtu;

	return mtu > ifc->protocol->header_bytes ? mtu - ifc->protocol->header_bytes : 0;
}

static void records_send(void *ctx, struct frame *f)
{
	struct mcast_if *ifc = ctx;

	ifc->protocol->send_records(ifc->st, ifc->l, f);
}

static struct mcast_records records_begin(struct mcast_if *ifc)
{
	return (struct mcast_records){
		.frames = &ifc->st->frames,
		.type = ifc->protocol->report_type,
		.addr_bytes = ifc->protocol->addr_bytes,
		.room = report_room(ifc),
		.send = records_send,
		.ctx = ifc,
	};
}

static void put_sources(struct mcast_records *r, unsigned type, const struct ip_addr *group, const struct mcast_sources *s)
{
	mcast_records_open(r, (uint8_t)type, group, s->count);
	for (uint32_t i = 0; i < s->count; i++)
		mcast_records_source(r, &s->list[i]);
	mcast_records_close(r);
}

/* The pending sources that now are allowed, or blocked; no record when there is none. */
static void put_pending(struct mcast_records *r, const struct mcast_group *g, bool allowed)
{
	const struct mcast_reporting *rep = &g->report;
	uint32_t count = 0;

	for (uint32_t i = 0; i < rep->pending_count; i++)
		count += mcast_filter_passes(&g->filter, &rep->pending[i].addr) == allowed;
	if (count == 0)
		return;
	mcast_records_open(r, allowed ? MCAST_ALLOW : MCAST_BLOCK, &g->addr, count);
	for (uint32_t i = 0; i < rep->pending_count; i++)
		if (mcast_filter_passes(&g->filter, &rep->pending[i].addr) == allowed)
			mcast_records_source(r, &rep->pending[i].addr);
	mcast_records_close(r);
}

/* RFC 3376 section 5.1: a change of mode is told with the whole list, and so tells of its sources too. */
static void put_change(struct mcast_records *r, struct mcast_group *g)
{
	if (g->report.mode_left > 0) {
		put_sources(r, g->filter.mode == FILTER_EXCLUDE ? MCAST_TO_EXCLUDE : MCAST_TO_INCLUDE, &g->addr, &g->filter.sources);
		g->report.mode_left--;
	} else {
		put_pending(r, g, true);
		put_pending(r, g, false);
	}
	pending_count_down(&g->report);
}

static void on_change_timer(struct timer *t, uint64_t now_us)
{
	struct mcast_if *ifc = container_of(t, struct mcast_if, change_timer);
	struct mcast_records r;
	struct list *n, *next;

	settle_version(ifc, NULL);
	if (!has_records(ifc))
		return;
	r = records_begin(ifc);
	for (n = ifc->changed.next; n != &ifc->changed; n = next) {
		struct mcast_group *g = container_of(n, struct mcast_group, report.changed_link);

		next = n->next;
		put_change(&r, g);
		if (is_idle(g))
			list_remove(n);
		free_if_done(g);
	}
	mcast_records_finish(&r);
	if (!list_is_empty(&ifc->changed))
		timer_set(&ifc->st->wheel, &ifc->change_timer, now_us + unsolicited_delay_us(ifc));
}

/* ---- Changes ------------------------------------------------------------------------------------------------------ */

static bool add_pending(void *ctx, const struct ip_addr *source)
{
	struct mcast_group *g = ctx;

	return pending_set(g, source, robustness(g->ifc)) == 0;
}

static void change_with_records(struct mcast_group *g, const struct mcast_filter *old, uint64_t at_us)
{
	struct mcast_if *ifc = g->ifc;

	/* Without memory for single sources the whole list says the same. */
	if (old->mode != g->filter.mode || !mcast_filter_each_difference(old, &g->filter, add_pending, g)) {
		g->report.pending_count = 0;
		g->report.mode_left = robustness(ifc);
	}
	if (is_idle(g))
		return;
	if (!list_is_linked(&g->report.changed_link))
		list_append(&ifc->changed, &g->report.changed_link);
	timer_set_sooner(ifc, &ifc->change_timer, at_us);
}

/* The older versions know only whether there is a listener (RFC 2236 section 3, RFC 2710 section 4). */
static void change_without_records(struct mcast_group *g, const struct mcast_filter *old, uint64_t at_us)
{
	struct mcast_if *ifc = g->ifc;
	bool was = !mcast_filter_is_none(old), is = !mcast_filter_is_none(&g->filter);

	if (is && !was) {
		g->report.joins_left = robustness(ifc);
		g->report.is_last_reporter = false;
		timer_set(&ifc->st->wheel, &g->report.timer, at_us);
	} else if (was && !is) {
		timer_cancel(&g->report.timer);
		g->report.joins_left = 0;
		if (g->report.is_last_reporter && ifc->version >= ifc->protocol->first_leave)
			ifc->protocol->send_leave(ifc->st, ifc->l, &g->addr);
		g->report.is_last_reporter = false;
	}
}

void mcast_report_change(struct mcast_group *g, const struct mcast_filter *old, uint64_t at_us)
{
	struct mcast_if *ifc = g->ifc;

	settle_version(ifc, g);
	if (!is_silent(ifc, &g->addr)) {
		if (has_records(ifc))
			change_with_records(g, old, at_us);
		else
			change_without_records(g, old, at_us);
	}
	if (g->users == 0 && !is_idle(g) && ifc->leaving > MCAST_LEAVING_MAX) { /* the routers will notice in their own time */
		stat_count(ifc->st, STAT_MCAST_LEAVES_UNTOLD);
		forget_reports(g);
	}
	free_if_done(g);
}

void mcast_report_flush(struct mcast_if *ifc)
{
	if (timer_is_pending(&ifc->change_timer)) {
		timer_cancel(&ifc->change_timer);
		on_change_timer(&ifc->change_timer, ifc->st->now_us);
	}
}

void mcast_report_all(struct mcast_if *ifc)
{
	static const struct mcast_filter none;
	struct list *n, *next;

	settle_version(ifc, NULL);
	for (n = ifc->groups.next; n != &ifc->groups; n = next) {
		next = n->next;
		if (group_of(n)->users > 0)
			mcast_report_change(group_of(n), &none, ifc->st->now_us);
	}
}

/* ---- Answers ------------------------------------------------------------------------------------------------------ */

static bool is_listening(const struct mcast_if *ifc, const struct mcast_group *g)
{
	return !mcast_filter_is_none(&g->filter) && !is_silent(ifc, &g->addr);
}

static void put_state(struct mcast_records *r, const struct mcast_group *g)
{
	put_sources(r, g->filter.mode == FILTER_EXCLUDE ? MCAST_IS_EXCLUDE : MCAST_IS_INCLUDE, &g->addr, &g->filter.sources);
}

/* Groups come and go while the round is made. */
static struct mcast_group *next_of_round(struct mcast_if *ifc)
{
	struct list *n = ifc->answer_next;

	if (n == &ifc->groups)
		n = n->next;
	ifc->answer_next = n->next;
	return group_of(n);
}

/* One report of the round. Returns how many groups of it that was. */
static uint32_t answer_one_report(struct mcast_if *ifc)
{
	struct mcast_records r = records_begin(ifc);
	uint32_t left = ifc->answer_left;

	while (ifc->answer_left > 0 && ifc->count > 0) {
		struct list *before = ifc->answer_next;
		struct mcast_group *g = next_of_round(ifc);

		if (is_listening(ifc, g)) {
			if (!mcast_records_fits(&r, g->filter.sources.count)) {
				ifc->answer_next = before;
				break;
			}
			put_state(&r, g);
		}
		ifc->answer_left--;
	}
	mcast_records_finish(&r);
	return left - ifc->answer_left;
}

/* RFC 3376 section 5.2: the interface timer; "it is recommended to spread transmission of such Report messages over the interval". */
static void on_answer_timer(struct timer *t, uint64_t now_us)
{
	struct mcast_if *ifc = container_of(t, struct mcast_if, answer_timer);
	uint64_t left_us = ifc->answer_until_us > now_us ? ifc->answer_until_us - now_us : 0;
	uint32_t told;

	settle_version(ifc, NULL);
	if (!has_records(ifc))
		return;
	told = answer_one_report(ifc);
	if (told > 0 && ifc->answer_left > 0 && ifc->count > 0)
		timer_set(&ifc->st->wheel, t, now_us + RESPONSE_US_MIN + random_below_us(ifc, left_us / (ifc->answer_left / told + 1)));
}

/* The same section: which of the sources asked about are wanted. */
static void put_wanted(struct mcast_records *r, const struct mcast_group *g)
{
	const struct mcast_sources *asked = &g->report.asked;
	uint32_t count = 0;

	for (uint32_t i = 0; i < asked->count; i++)
		count += mcast_filter_passes(&g->filter, &asked->list[i]);
	if (count == 0)
		return;
	mcast_records_open(r, MCAST_IS_INCLUDE, &g->addr, count);
	for (uint32_t i = 0; i < asked->count; i++)
		if (mcast_filter_passes(&g->filter, &asked->list[i]))
			mcast_records_source(r, &asked->list[i]);
	mcast_records_close(r);
}

static void answer_with_records(struct mcast_group *g)
{
	struct mcast_records r = records_begin(g->ifc);

	if (g->report.asked.count > 0)
		put_wanted(&r, g);
	else
		put_state(&r, g);
	mcast_records_finish(&r);
	forget_asked(g);
}

static void answer_without_records(struct mcast_group *g, uint64_t now_us)
{
	struct mcast_if *ifc = g->ifc;

	ifc->protocol->send_report(ifc->st, ifc->l, ifc->version, &g->addr);
	g->report.is_last_reporter = true;
	if (g->report.joins_left > 0 && --g->report.joins_left > 0)
		timer_set(&ifc->st->wheel, &g->report.timer, now_us + unsolicited_delay_us(ifc));
}

static void on_group_timer(struct timer *t, uint64_t now_us)
{
	struct mcast_group *g = group_of_timer(t);
	unsigned version = g->ifc->version;

	settle_version(g->ifc, g);
	if (g->ifc->version != version || !is_listening(g->ifc, g)) {
		free_if_done(g);
		return;
	}
	if (has_records(g->ifc))
		answer_with_records(g);
	else
		answer_without_records(g, now_us);
}

/* ---- Queries ------------------------------------------------------------------------------------------------------ */

static void learn_from_querier(struct mcast_if *ifc, const struct mcast_query *q)
{
	uint64_t interval_us;

	if (q->version == ifc->protocol->latest) {
		ifc->robustness = q->robustness;
		ifc->query_interval_s = q->interval_s;
		return;
	}
	/* RFC 9776 section 7.3.1, RFC 9777 section 8.3.1: a query about one group says nothing. */
	if (!ip_addr_is_any(&q->group))
		return;
	interval_us = (ifc->query_interval_s ? ifc->query_interval_s : QUERY_INTERVAL_S) * 1000000ULL;
	/* Older Version Querier Present Timeout: RFC 3376 section 8.12, RFC 3810 section 9.12. */
	ifc->older_until_us[q->version - 1] = ifc->st->now_us + robustness(ifc) * interval_us + q->max_response_us;
}

/* False: there are too many, or there is no memory. */
static bool remember_asked(struct mcast_group *g, const struct ip_addr *source)
{
	struct mcast_sources *asked = &g->report.asked;
	struct stack *st = g->ifc->st;
	uint32_t before = asked->count;

	if (asked->count == MCAST_ASKED_MAX || st->mcast.asked == MCAST_ASKED_ALL || mcast_sources_add(&st->mem, asked, source) < 0)
		return false;
	st->mcast.asked += asked->count - before;
	return true;
}

/* The group's timer shall also answer for the sources of @q (RFC 3376 section 5.2, rules 3 to 5). */
static void ask_group(struct mcast_group *g, const struct mcast_query *q, uint64_t at_us)
{
	bool whole = q->source_count == 0 || (timer_is_pending(&g->report.timer) && g->report.asked.count == 0);
	struct wire_rd r = q->sources;

	for (uint32_t i = 0; i < q->source_count && !whole; i++) {
		const uint8_t *b = wire_rd_bytes(&r, g->ifc->protocol->addr_bytes);
		struct ip_addr source = g->ifc->protocol->addr_bytes == 4 ? ip_addr_from4(b) : ip_addr_from6(b);

		whole = !remember_asked(g, &source); /* the whole state says more, never less */
	}
	if (whole)
		forget_asked(g);
	timer_set_sooner(g->ifc, &g->report.timer, at_us);
}

/* Rules 1 and 2: there is one answer, the soonest; of a round that is being made, what was told before this query counts no more. */
static void ask_all(struct mcast_if *ifc, const struct mcast_query *q, uint64_t at_us)
{
	uint64_t until_us = ifc->st->now_us + q->max_response_us;

	if (!timer_is_pending(&ifc->answer_timer)) {
		ifc->answer_next = &ifc->groups;
		ifc->answer_until_us = until_us;
	} else if (until_us < ifc->answer_until_us) {
		ifc->answer_until_us = until_us;
	}
	ifc->answer_left = ifc->count;
	timer_set_sooner(ifc, &ifc->answer_timer, at_us);
}

static void query_with_records(struct mcast_if *ifc, const struct mcast_query *q)
{
	uint64_t at_us = ifc->st->now_us + response_delay_us(ifc, q);
	struct mcast_group *g;

	if (ip_addr_is_any(&q->group)) {
		ask_all(ifc, q, at_us);
		return;
	}
	if (timer_is_pending(&ifc->answer_timer) && ifc->answer_timer.deadline_us <= at_us && ifc->answer_left == ifc->count)
		return; /* rule 1 */
	g = mcast_find(ifc->st, &q->group, ifc->l->ifindex);
	if (g && is_listening(ifc, g))
		ask_group(g, q, at_us);
}

static void query_without_records(struct mcast_if *ifc, const struct mcast_query *q)
{
	for (struct list *n = ifc->groups.next; n != &ifc->groups; n = n->next) {
		struct mcast_group *g = group_of(n);

		if (!is_listening(ifc, g) || (!ip_addr_is_any(&q->group) && !ip_addr_eq(&q->group, &g->addr)))
			continue;
		/* RFC 2236 section 3: a running timer is set anew only when it has longer to run than the answer may take. */
		if (!timer_is_pending(&g->report.timer) || g->report.timer.deadline_us > ifc->st->now_us + q->max_response_us)
			timer_set(&ifc->st->wheel, &g->report.timer,
				  ifc->st->now_us + response_delay_us(ifc, q));
	}
}

void mcast_report_on_query(struct mcast_if *ifc, const struct mcast_query *q)
{
	learn_from_querier(ifc, q);
	settle_version(ifc, NULL);
	if (has_records(ifc))
		query_with_records(ifc, q);
	else
		query_without_records(ifc, q);
}

void mcast_report_on_report(struct mcast_if *ifc, const struct ip_addr *group)
{
	struct mcast_group *g;

	settle_version(ifc, NULL);
	g = mcast_find(ifc->st, group, ifc->l->ifindex);
	if (has_records(ifc) || !g || !timer_is_pending(&g->report.timer))
		return;
	timer_cancel(&g->report.timer);
	g->report.joins_left = 0;
	g->report.is_last_reporter = false;
}

/* ---- Life --------------------------------------------------------------------------------------------------------- */

void mcast_if_init(struct stack *st, struct link *l, struct mcast_if *ifc, const struct mcast_protocol *protocol)
{
	*ifc = (struct mcast_if){ .protocol = protocol, .st = st, .l = l, .version = protocol->latest };
	list_init(&ifc->groups);
	list_init(&ifc->changed);
	ifc->answer_next = &ifc->groups;
	timer_init(&ifc->answer_timer, on_answer_timer);
	timer_init(&ifc->change_timer, on_change_timer);
}

void mcast_reporting_init(struct mcast_group *g)
{
	list_init(&g->report.changed_link);
	timer_init(&g->report.timer, on_group_timer);
}

uint64_t mcast_report_due_us(const struct mcast_group *g)
{
	const struct mcast_if *ifc = g->ifc;
	uint64_t due_us = timer_is_pending(&g->report.timer) ? g->report.timer.deadline_us : UINT64_MAX;

	if (timer_is_pending(&ifc->answer_timer) && ifc->answer_timer.deadline_us < due_us && is_listening(ifc, g))
		due_us = ifc->answer_timer.deadline_us;
	if (timer_is_pending(&ifc->change_timer) && ifc->change_timer.deadline_us < due_us && !is_idle(g))
		due_us = ifc->change_timer.deadline_us;
	return due_us;
}
