/* SPDX-License-Identifier: BSD-2-Clause */
#include "mld.h"

#include "core.h"
#include "icmp6.h"
#include "ip6.h"
#include "ip6_ext.h"
#include "mld_wire.h"

enum { MLD_HOP_LIMIT = 1, ROUTER_ALERT_BYTES = 8, CHECKSUM_AT = 2, SCOPE_LINK = 2, ROUTER_ALERT_MLD = 0 };

/* ---- Out ---------------------------------------------------------------------------------------------------------- */

static struct ip_addr source_of(struct stack *st, const struct link *l)
{
	for (struct list *n = st->addrs.all.next; n != &st->addrs.all; n = n->next) {
		const struct if_addr *a = container_of(n, struct if_addr, link);

		if (a->ifindex == l->ifindex && a->state == IF_ADDR_ASSIGNED && !ip_addr_is4(&a->prefix.addr) &&
		    ip_addr_is_linklocal(&a->prefix.addr))
			return a->prefix.addr;
	}
	return ip6_addr_any;
}

static void send(struct stack *st, struct link *l, struct frame *f, const struct ip_addr *dst)
{
	struct ip_tx tx = {
		.src = source_of(st, l),
		.dst = *dst,
		.proto = IPPROTO_NR_ICMP6,
		.ttl = MLD_HOP_LIMIT,
		.router_alert = true,
		.csum_offset = CHECKSUM_AT,
	};
	struct ip_dst d = { .src = tx.src, .next_hop = *dst, .ifindex = l->ifindex, .mtu = l->config.mtu, .is_multicast = true };

	ip_output(st, f, &tx, &d);
}

static void send_message(struct stack *st, struct link *l, uint8_t type, const struct ip_addr *group, const struct ip_addr *dst)
{
	struct frame *f = frame_alloc(&st->frames, MLD_MESSAGE_BYTES);

	if (!f)
		return;
	mld_write(frame_put(f, MLD_MESSAGE_BYTES), type, group);
	send(st, l, f, dst);
}

static void send_report(struct stack *st, struct link *l, unsigned version, const struct ip_addr *group)
{
	(void)version;
	stat_count(st, STAT_MLD_OUT_REPORTS);
	send_message(st, l, ICMP6_MLD_REPORT, group, group);
}

static void send_done(struct stack *st, struct link *l, const struct ip_addr *group)
{
	static const struct ip_addr all_routers = { { 0xff, 0x02, [15] = 2 } };

	stat_count(st, STAT_MLD_OUT_DONES);
	send_message(st, l, ICMP6_MLD_DONE, group, &all_routers);
}

static void send_records(struct stack *st, struct link *l, struct frame *f)
{
	static const struct ip_addr all_v2_routers = { { 0xff, 0x02, [15] = 0x16 } };

	stat_count(st, STAT_MLD_OUT_REPORTS);
	send(st, l, f, &all_v2_routers);
}

/* RFC 3810 section 6: neither ff02::1 nor the reserved and the interface-local scope. */
static bool is_silent(const struct stack *st, const struct ip_addr *group)
{
	(void)st;
	return (group->b[1] & 0xf) < SCOPE_LINK || mcast_is_all_nodes(group);
}

/* ff3x::/32: RFC 4607 section 1 */
static bool is_source_specific(const struct stack *st, const struct ip_addr *group)
{
	const uint8_t *b = group->b;

	return st->tunables.mld_ssm && b[0] == 0xff && b[1] >> 4 == 3 && b[2] == 0 && b[3] == 0;
}

static uint32_t forced_version(const struct stack *st)
{
	return st->tunables.force_mld_version;
}

static uint32_t robustness(const struct stack *st)
{
	return st->tunables.mld_qrv;
}

static uint32_t unsolicited_ms(const struct stack *st, unsigned version)
{
	return version == 2 ? st->tunables.mldv2_unsolicited_ms : st->tunables.mldv1_unsolicited_ms;
}

const struct mcast_protocol mld_protocol = {
	.latest = 2,
	.first_leave = 1,
	.addr_bytes = 16,
	.report_type = ICMP6_MLD2_REPORT,
	.header_bytes = IP6_HDR_LEN + ROUTER_ALERT_BYTES,
	.is_silent = is_silent,
	.is_source_specific = is_source_specific,
	.forced_version = forced_version,
	.robustness = robustness,
	.unsolicited_ms = unsolicited_ms,
	.send_report = send_report,
	.send_leave = send_done,
	.send_records = send_records,
};

void mld_on_linklocal(struct link *l)
{
	mcast_report_all(&l->mld);
}

/* ---- In ----------------------------------------------------------------------------------------------------------- */

static void input_query(struct stack *st, const struct frame *f, const struct ip_rx *rx)
{
	struct mcast_query q;

	if (!mld_parse_query(f->data, f->len, &q)) {
		stat_drop(st, STAT_MLD_DROP_FORMAT);
		return;
	}
	/* RFC 3810 section 5.1.15 */
	if (ip_addr_is_any(&q.group) && ip_addr_is_multicast(&rx->dst) && !mcast_is_all_nodes(&rx->dst)) {
		stat_drop(st, STAT_MLD_DROP_DESTINATION);
		return;
	}
	stat_count(st, STAT_MLD_IN_QUERIES);
	mcast_report_on_query(&link_by_ifindex(st, rx->ifindex)->mld, &q);
}

static void input_report(struct stack *st, const struct frame *f, const struct ip_rx *rx)
{
	struct ip_addr group;

	if (!mld_parse_group(f->data, f->len, &group)) {
		stat_drop(st, STAT_MLD_DROP_FORMAT);
		return;
	}
	stat_count(st, STAT_MLD_IN_REPORTS); /* to any address of ours: RFC 3810 section 5.2.14 */
	mcast_report_on_report(&link_by_ifindex(st, rx->ifindex)->mld, &group);
}

void mld_input(struct stack *st, struct frame *f, const struct ip_rx *rx)
{
	stat_count(st, STAT_MLD_IN);
	if (!ip_addr_is_linklocal(&rx->src)) {
		stat_drop(st, STAT_MLD_DROP_SOURCE);
		return;
	}
	if (rx->ttl != MLD_HOP_LIMIT) {
		stat_drop(st, STAT_MLD_DROP_HOP_LIMIT);
		return;
	}
	if (!ip6_has_router_alert(rx->ip_hdr, rx->ip_hdr_len, ROUTER_ALERT_MLD)) {
		stat_drop(st, STAT_MLD_DROP_ROUTER_ALERT);
		return;
	}
	if (rx->is_looped) /* a raw socket's */
		return;
	switch (f->data[0]) {
	case ICMP6_MLD_QUERY:
		input_query(st, f, rx);
		return;
	case ICMP6_MLD_REPORT:
		input_report(st, f, rx);
		return;
	}
	/* done and version 2 reports are for routers */
}
