/* SPDX-License-Identifier: BSD-2-Clause */
#include "link.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "core.h"
#include "eth.h"
#include "ip4.h"
#include "ip6.h"
#include "nd.h"
#include "nd_router.h"
#include "offload.h"

/* A device's queue needs to hold what one turn of the daemon's loop produces; the loopback's also whole windows of the
 * connections inside the stack, since a loss there would be felt as one on a wire. LOOP_BATCH bounds how long looped
 * packets keep stack_output() from returning. */
enum { OUT_FRAMES_MAX = 4096, LOOP_FRAMES_MAX = 65536, LOOP_BATCH = 64 };
static const size_t OUT_BYTES_MAX = (size_t)32 << 20, LOOP_BYTES_MAX = (size_t)128 << 20;

enum { LOOPBACK_MTU = 65535 };

int link_table_init(struct stack *st)
{
	frame_queue_init(&st->links.loop);
	return 0;
}

void link_table_fini(struct stack *st)
{
	struct link_table *t = &st->links;

	frame_queue_clear(&t->loop);
	for (uint32_t i = 0; i < t->count; i++) {
		frame_queue_clear(&t->links[i]->out);
		timer_cancel(&t->links[i]->nd.solicit);
		timer_cancel(&t->links[i]->nd.temporary);
		mem_free(&st->mem, t->links[i]);
	}
	t->count = 0;
}

static int link_add(struct stack *st, const struct link_config *config)
{
	struct link_table *t = &st->links;
	struct link *l;

	if (t->count == LINK_COUNT_MAX)
		return -ENOBUFS;
	l = mem_alloc(&st->mem, sizeof(*l));
	if (!l)
		return -ENOBUFS;
	l->ifindex = t->count + 1;
	l->config = *config;
	l->device_mtu = config->mtu;
	l->config.name[LINK_NAME_MAX - 1] = 0;
	frame_queue_init(&l->out);
	nd_router_init(st, l);
	t->links[t->count++] = l;
	mcast_if_init(st, l, &l->igmp, &igmp_protocol);
	mcast_if_init(st, l, &l->mld, &mld_protocol);
	return (int)l->ifindex;
}

int link_add_loopback(struct stack *st)
{
	const struct link_config config = {
		.name = "lo",
		.kind = LINK_LOOPBACK,
		.mtu = LOOPBACK_MTU,
		.offloads = LINK_OFFLOAD_CSUM | LINK_OFFLOAD_TSO4 | LINK_OFFLOAD_TSO6 | LINK_OFFLOAD_USO,
	};
	struct ip_prefix loopback4 = { ip_addr_from4((const uint8_t[4]){ 127, 0, 0, 1 }), 96 + 8 };
	struct ip_prefix loopback6 = { { { [15] = 1 } }, 128 };
	int ifindex = link_add(st, &config);

	if (ifindex < 0 || stack_add_addr(st, (uint32_t)ifindex, &loopback4, st->now_us) < 0 ||
	    stack_add_addr(st, (uint32_t)ifindex, &loopback6, st->now_us) < 0)
		return -ENOBUFS;
	return 0;
}

int stack_add_link(struct stack *st, const struct link_config *config)
{
	int ifindex;

	if (config->mtu < LINK_MTU_MIN || config->mtu > LINK_MTU_MAX || !config->name[0])
		return -EINVAL;
	if (config->kind != LINK_ETHERNET && config->kind != LINK_IP)
		return -EINVAL;
	if (config->kind == LINK_ETHERNET && !eth_is_host_mac(config->mac))
		return -EINVAL;
	ifindex = link_add(st, config);
	if (ifindex > 0 && config->kind == LINK_ETHERNET)
		nd_add_linklocal(st, st->links.links[ifindex - 1]);
	return ifindex;
}

static void set_mtu(struct stack *st, struct link *l)
{
	uint32_t mtu = l->mtu_limit && l->mtu_limit < l->device_mtu ? l->mtu_limit : l->device_mtu;

	if (mtu == l->config.mtu)
		return;
	l->config.mtu = mtu;
	st->route_generation++;
}

int stack_set_link_mtu(struct stack *st, uint32_t ifindex, uint32_t mtu)
{
	struct link *l = link_by_ifindex(st, ifindex);

	if (!l)
		return -ENODEV;
	if (mtu < LINK_MTU_MIN || mtu > LINK_MTU_MAX)
		return -EINVAL;
	l->device_mtu = mtu;
	set_mtu(st, l);
	return 0;
}

void link_limit_mtu(struct stack *st, struct link *l, uint32_t limit)
{
	l->mtu_limit = limit;
	set_mtu(st, l);
}

int stack_set_link_up(struct stack *st, uint32_t ifindex, bool is_up, uint64_t now_us)
{
	struct link *l = link_by_ifindex(st, ifindex);

	st->now_us = now_us;
	if (!l || l->config.kind == LINK_LOOPBACK)
		return -ENODEV;
	if (l->is_down == !is_up)
		return 0;
	l->is_down = !is_up;
	st->route_generation++;
	stack_log(st, STACK_LOG_NOTICE, "link.%s name=%s ifindex=%u", is_up ? "up" : "down", l->config.name, ifindex);
	if (is_up) {
		l->is_ip6_off = false;
		nd_router_restart(l);
		mcast_report_all(&l->igmp);
		mcast_report_all(&l->mld);
		addr_recheck_link(st, l);
		dhcp4_on_link_up(st, ifindex);
		dhcp6_on_link_up(st, ifindex);
		return 0;
	}
	nd_router_stop(l);
	addr_pause_link(st, l);
	frame_queue_clear(&l->out);
	neigh_flush_link(st, ifindex);
	return 0;
}

void stack_each_link(struct stack *st, bool (*fn)(void *ctx, const struct link_info *), void *ctx)
{
	for (uint32_t i = 0; i < st->links.count; i++) {
		const struct link *l = st->links.links[i];
		struct link_info info = {
			.config = l->config,
			.ifindex = l->ifindex,
			.is_up = !l->is_down,
			.has_router_advertisement = l->nd.has_advertisement,
			.is_managed = l->nd.is_managed,
			.is_other = l->nd.is_other,
			.ip6_hop_limit = l->nd.hop_limit,
			.ip6_mtu = l->nd.mtu,
			.in_frames = l->in_frames,
			.out_frames = l->out_frames,
			.in_bytes = l->in_bytes,
			.out_bytes = l->out_bytes,
			.drops = l->drops,
		};

		if (!fn(ctx, &info))
			return;
	}
}

struct link *link_by_ifindex(struct stack *st, uint32_t ifindex)
{
	return ifindex - 1 < st->links.count ? st->links.links[ifindex - 1] : NULL;
}

bool link_has_ip6(const struct link *l)
{
	return l->device_mtu >= IP6_MTU_MIN && !l->is_ip6_off;
}

/* A bare IP packet: its first four bits say which (RFC 791 section 3.1, RFC 8200 section 3). */
static void ip_packet_input(struct stack *st, struct frame *f, struct link *l, enum eth_to to)
{
	if (f->len > 0 && f->data[0] >> 4 == 6)
		ip6_input(st, f, l, to);
	else
		ip4_input(st, f, l, to);
}

void link_input(struct stack *st, struct frame *f)
{
	struct link *l = link_by_ifindex(st, f->ifindex);

	if (!l || l->config.kind == LINK_LOOPBACK) {
		stat_drop(st, STAT_LINK_DROP_NO_LINK);
		frame_unref(f);
		return;
	}
	l->in_frames++;
	l->in_bytes += f->len;
	stat_count(st, STAT_LINK_IN);
	stat_add(st, STAT_LINK_IN_BYTES, f->len);
	if (f->off.gso != FRAME_GSO_NONE)
		stat_count(st, STAT_LINK_IN_GSO);
	if (l->is_down)
		stat_drop(st, STAT_LINK_DROP_DOWN);
	else if (!offload_is_sane(f))
		stat_drop(st, STAT_LINK_DROP_OFFLOAD);
	else if (l->config.kind == LINK_ETHERNET)
		eth_input(st, f, l);
	else
		ip_packet_input(st, f, l, ETH_TO_US);
	if (st->verdict.drop != STAT_NONE)
		l->drops++;
	frame_unref(f);
}

int link_enqueue(struct stack *st, struct link *l, struct frame *f)
{
	if (l->is_down) {
		stat_count(st, STAT_LINK_DROP_DOWN);
		l->drops++;
		frame_unref(f);
		return -ENOBUFS;
	}
	if (l->out.count >= OUT_FRAMES_MAX || l->out.bytes + f->buf_bytes > OUT_BYTES_MAX) {
		stat_count(st, STAT_LINK_DROP_QUEUE_FULL);
		l->drops++;
		frame_unref(f);
		return -ENOBUFS;
	}
	frame_queue_push(&l->out, f);
	return 0;
}

void link_count_out(struct stack *st, struct link *l, uint32_t bytes, bool is_gso)
{
	l->out_frames++;
	l->out_bytes += bytes;
	stat_count(st, STAT_LINK_OUT);
	stat_add(st, STAT_LINK_OUT_BYTES, bytes);
	if (is_gso)
		stat_count(st, STAT_LINK_OUT_GSO);
}

static void describe_out(struct link *l, struct frame *f, struct frame_out *out)
{
	out->ifindex = l->ifindex;
	out->len = (uint32_t)frame_packet_len(f);
	out->iov[0] = (struct iovec){ f->data, f->len };
	out->iovcnt = 1;
	if (f->tail) {
		out->iov[1] = (struct iovec){ f->tail->buf + f->tail_off, f->tail_len };
		out->iovcnt = 2;
	}
	out->off = f->off;
	out->sock_id = f->sock_id;
	out->held = f;
}

bool link_next_out(struct stack *st, struct frame_out *out)
{
	struct link_table *t = &st->links;

	for (uint32_t i = 0; i < t->count; i++) {
		struct link *l = t->links[(t->turn + i) % t->count];
		struct frame *f = frame_queue_pop(&l->out);

		if (!f)
			continue;
		t->turn = l->ifindex % t->count;
		describe_out(l, f, out);
		link_count_out(st, l, out->len, f->off.gso != FRAME_GSO_NONE);
		return true;
	}
	return false;
}

int link_loop(struct stack *st, struct frame *f, uint32_t ifindex)
{
	struct link *lo = st->links.links[LINK_LOOPBACK_IFINDEX - 1];

	assert(!f->tail); /* the way up wants one piece */
	if (st->links.loop.count >= LOOP_FRAMES_MAX || st->links.loop.bytes + f->buf_bytes > LOOP_BYTES_MAX) {
		stat_count(st, STAT_LINK_DROP_LOOP_FULL);
		lo->drops++;
		frame_unref(f);
		return -ENOBUFS;
	}
	f->ifindex = ifindex;
	f->off.csum = FRAME_CSUM_VALID; /* it never left this machine */
	if (ifindex == LINK_LOOPBACK_IFINDEX) {
		lo->out_frames++;
		lo->out_bytes += frame_packet_len(f);
	}
	frame_queue_push(&st->links.loop, f);
	return 0;
}

bool link_run_loopback(struct stack *st)
{
	struct link *lo = st->links.links[LINK_LOOPBACK_IFINDEX - 1];
	struct frame *f;
	unsigned n;

	for (n = 0; n < LOOP_BATCH && (f = frame_queue_pop(&st->links.loop)); n++) {
		st->verdict = (struct stack_verdict){ STAT_NONE, 0 };
		if (f->ifindex == LINK_LOOPBACK_IFINDEX) {
			lo->in_frames++;
			lo->in_bytes += f->len;
			ip_packet_input(st, f, lo, ETH_TO_US);
		} else {
			ip_packet_input(st, f, link_by_ifindex(st, f->ifindex), ETH_LOOPED);
		}
		frame_unref(f);
	}
	return n > 0;
}
