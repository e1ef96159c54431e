/* SPDX-License-Identifier: BSD-2-Clause */
#include "igmp.h"

#include "checksum.h"
#include "core.h"
#include "igmp_wire.h"
#include "ip4.h"
#include "ip4_options.h"

enum { IGMP_TTL = 1, INTERNETWORK_CONTROL = 0xc0, ROUTER_ALERT_BYTES = 4 };

static struct ip_addr group4(uint8_t last)
{
	return ip_addr_from4((const uint8_t[4]){ 224, 0, 0, last });
}

/* ---- Out ---------------------------------------------------------------------------------------------------------- */

/* RFC 3376 section 4.2.13: 0.0.0.0 while there is no address. */
static struct ip_addr source_of(struct stack *st, const struct link *l)
{
	for (struct list *n = st->addrs.all.next; n != &st->addrs.all; n = n->next) {
		const struct if_addr *a = container_of(n, struct if_addr, link);

		if (a->ifindex == l->ifindex && ip_addr_is4(&a->prefix.addr) && if_addr_is_usable(a))
			return a->prefix.addr;
	}
	return ip_addr_from4((const uint8_t[4]){ 0 });
}

static void send(struct stack *st, struct link *l, struct frame *f, const struct ip_addr *dst)
{
	struct ip_tx tx = {
		.src = source_of(st, l),
		.dst = *dst,
		.proto = IPPROTO_NR_IGMP,
		.ttl = IGMP_TTL,
		.tos = INTERNETWORK_CONTROL,
		.dont_fragment = true,
		.router_alert = true,
		.csum_offset = -1,
	};
	struct ip_dst d = { .src = tx.src, .next_hop = *dst, .ifindex = l->ifindex, .mtu = l->config.mtu, .is_multicast = true };

	ip_output(st, f, &tx, &d);
}

static void send_message(struct stack *st, struct link *l, uint8_t type, const struct ip_addr *group, const struct ip_addr *dst)
{
	struct frame *f = frame_alloc(&st->frames, IGMP_MESSAGE_BYTES);

	if (!f)
		return;
	igmp_write(frame_put(f, IGMP_MESSAGE_BYTES), type, group);
	send(st, l, f, dst);
}

static void send_report(struct stack *st, struct link *l, unsigned version, const struct ip_addr *group)
{
	stat_count(st, STAT_IGMP_OUT_REPORTS);
	send_message(st, l, version == 1 ? IGMP_REPORT_V1 : IGMP_REPORT_V2, group, group);
}

static void send_leave(struct stack *st, struct link *l, const struct ip_addr *group)
{
	struct ip_addr all_routers = group4(2);

	stat_count(st, STAT_IGMP_OUT_LEAVES);
	send_message(st, l, IGMP_LEAVE, group, &all_routers);
}

static void send_records(struct stack *st, struct link *l, struct frame *f)
{
	struct ip_addr all_v3_routers = group4(22);

	stat_count(st, STAT_IGMP_OUT_REPORTS);
	igmp_write_checksum(f->data, f->len);
	send(st, l, f, &all_v3_routers);
}

/* RFC 3376 section 5: 224.0.0.1 is never reported; other groups of the link are, unless told otherwise (as Linux). */
static bool is_silent(const struct stack *st, const struct ip_addr *group)
{
	const uint8_t *b = ip_addr_v4(group);
	bool is_of_link = b[0] == 224 && b[1] == 0 && b[2] == 0;

	return is_of_link && (b[3] == 1 || !st->tunables.igmp_link_local_mcast_reports);
}

/* RFC 4607 section 1 */
static bool is_source_specific(const struct stack *st, const struct ip_addr *group)
{
	return st->tunables.igmp_ssm && ip_addr_v4(group)[0] == 232;
}

static uint32_t forced_version(const struct stack *st)
{
	return st->tunables.force_igmp_version;
}

static uint32_t robustness(const struct stack *st)
{
	return st->tunables.igmp_qrv;
}

static uint32_t unsolicited_ms(const struct stack *st, unsigned version)
{
	return version == 3 ? st->tunables.igmpv3_unsolicited_ms : st->tunables.igmpv2_unsolicited_ms;
}

const struct mcast_protocol igmp_protocol = {
	.latest = 3,
	.first_leave = 2,
	.addr_bytes = 4,
	.report_type = IGMP_REPORT_V3,
	.header_bytes = IP4_HDR_LEN + ROUTER_ALERT_BYTES,
	.is_silent = is_silent,
	.is_source_specific = is_source_specific,
	.forced_version = forced_version,
	.robustness = robustness,
	.unsolicited_ms = unsolicited_ms,
	.send_report = send_report,
	.send_leave = send_leave,
	.send_records = send_records,
};

/* ---- In ----------------------------------------------------------------------------------------------------------- */

static bool has_router_alert(const struct ip_rx *rx)
{
	return ip4_options_has(rx->ip_hdr + IP4_HDR_LEN, rx->ip_hdr_len - (uint32_t)IP4_HDR_LEN, IP4_OPT_ROUTER_ALERT);
}

static void input_query(struct stack *st, const struct frame *f, const struct ip_rx *rx)
{
	struct ip_addr all_systems = group4(1);
	struct mcast_query q;

	if (!igmp_parse_query(f->data, f->len, &q)) {
		stat_drop(st, STAT_IGMP_DROP_FORMAT);
		return;
	}
	if (q.version > 1 && !has_router_alert(rx)) {
		stat_drop(st, STAT_IGMP_DROP_ROUTER_ALERT);
		return;
	}
	if (ip_addr_is_any(&q.group) && ip_addr_is_multicast(&rx->dst) && !ip_addr_eq(&rx->dst, &all_systems)) {
		stat_drop(st, STAT_IGMP_DROP_DESTINATION);
		return;
	}
	stat_count(st, STAT_IGMP_IN_QUERIES);
	mcast_report_on_query(&link_by_ifindex(st, rx->ifindex)->igmp, &q);
}

static void input_report(struct stack *st, const struct frame *f, const struct ip_rx *rx)
{
	struct ip_addr group;

	if (!igmp_parse_group(f->data, f->len, &group)) {
		stat_drop(st, STAT_IGMP_DROP_FORMAT);
		return;
	}
	stat_count(st, STAT_IGMP_IN_REPORTS); /* to any address of ours: RFC 3376 section 4.2.14 */
	mcast_report_on_report(&link_by_ifindex(st, rx->ifindex)->igmp, &group);
}

void igmp_input(struct stack *st, struct frame *f, const struct ip_rx *rx)
{
	stat_count(st, STAT_IGMP_IN);
	if (f->len < IGMP_MESSAGE_BYTES) {
		stat_drop(st, STAT_IGMP_DROP_FORMAT);
		return;
	}
	if (checksum_add(0, f->data, f->len) != 0xffff) {
		stat_drop(st, STAT_IGMP_DROP_CHECKSUM);
		return;
	}
	if (rx->ttl != IGMP_TTL) {
		stat_drop(st, STAT_IGMP_DROP_TTL);
		return;
	}
	if (rx->is_looped) /* a raw socket's */
		return;
	switch (f->data[0]) {
	case IGMP_QUERY:
		input_query(st, f, rx);
		return;
	case IGMP_REPORT_V1:
	case IGMP_REPORT_V2:
		input_report(st, f, rx);
		return;
	case IGMP_REPORT_V3: /* these two are for routers */
	case IGMP_LEAVE:
		return;
	}
	stat_drop(st, STAT_IGMP_DROP_TYPE); /* RFC 3376 section 4: unrecognised ones are ignored */
}
