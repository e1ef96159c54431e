/* SPDX-License-Identifier: BSD-2-Clause */
#include "arp_acd.h"

#include "core.h"

/* RFC 5227 section 1.1; PROBE_NUM is net.ipv4.conf.default.acd_probes. */
enum {
	PROBE_WAIT_US = 1000000,
	PROBE_MIN_US = 1000000,
	PROBE_MAX_US = 2000000,
	ANNOUNCE_WAIT_US = 2000000,
	ANNOUNCE_NUM = 2,
	ANNOUNCE_INTERVAL_US = 2000000,
	DEFEND_INTERVAL_US = 10000000,
};

static void send_probe(struct if_addr *a)
{
	struct ip_addr nobody = ip_addr_any(ip_addr_family(&a->prefix.addr));

	arp_send_request(a->st, link_by_ifindex(a->st, a->ifindex), &nobody, &a->prefix.addr, NULL);
}

static void send_announcement(struct if_addr *a)
{
	arp_send_request(a->st, link_by_ifindex(a->st, a->ifindex), &a->prefix.addr, &a->prefix.addr, NULL);
}

/* Nobody objected: it is ours. Who waits for that is told once. */
static void claim(struct if_addr *a)
{
	bool was_tentative = a->state == IF_ADDR_TENTATIVE;

	a->state = IF_ADDR_ASSIGNED;
	send_announcement(a);
	if (!was_tentative)
		return;
	a->st->route_generation++;
	if (a->origin == NET_DHCP)
		dhcp4_on_addr_checked(a->st, a->ifindex, &a->prefix.addr);
}

static uint64_t between(struct stack *st, uint32_t min_us, uint32_t max_us)
{
	return min_us + rng_below(&st->rng, max_us - min_us + 1);
}

static void on_timer(struct timer *t, uint64_t now_us)
{
	struct if_addr *a = container_of(t, struct if_addr, timer);
	struct timer_wheel *wheel = &a->st->wheel;

	if (link_by_ifindex(a->st, a->ifindex)->is_down) /* nobody would hear: begun anew when it comes up (addr_recheck_link()) */
		return;
	if (if_addr_is_checked_now(a) && a->probes_sent < a->st->tunables.acd_probes) {
		send_probe(a);
		a->probes_sent++;
		timer_set(wheel, t, now_us + (a->probes_sent < a->st->tunables.acd_probes
						      ? between(a->st, PROBE_MIN_US, PROBE_MAX_US)
						      : ANNOUNCE_WAIT_US));
		return;
	}
	claim(a);
	if (++a->announcements_sent < ANNOUNCE_NUM)
		timer_set(wheel, t, now_us + ANNOUNCE_INTERVAL_US);
}

/* Configured by itself: there can be another one. */
static bool is_replaceable(const struct if_addr *a)
{
	return a->origin == NET_DHCP || a->origin == NET_LINKLOCAL;
}

void arp_acd_start(struct if_addr *a, bool was_used)
{
	bool waits = is_replaceable(a) && !was_used && !a->st->tunables.optimistic_acd;

	if (a->st->tunables.acd_probes == 0)
		return;
	a->state = waits ? IF_ADDR_TENTATIVE : IF_ADDR_OPTIMISTIC;
	timer_cancel(&a->timer);
	timer_init(&a->timer, on_timer);
	timer_set(&a->st->wheel, &a->timer, a->st->now_us + between(a->st, 0, PROBE_WAIT_US));
}

static void defend(struct if_addr *a, const struct arp_packet *p)
{
	const uint8_t *m = p->sender_mac;
	char text[IP_ADDR_TEXT_MAX];

	if (a->defended_us != 0 && a->st->now_us - a->defended_us < DEFEND_INTERVAL_US) {
		if (is_replaceable(a))
			addr_set_duplicate(a);
		return;
	}
	a->defended_us = a->st->now_us;
	stat_count(a->st, STAT_ARP_DEFENDED);
	send_announcement(a);
	stack_log(a->st, STACK_LOG_WARNING, "arp.conflict addr=%s ifindex=%u mac=%02x:%02x:%02x:%02x:%02x:%02x action=defended",
		  ip_addr_print(&a->prefix.addr, text), a->ifindex, m[0], m[1], m[2], m[3], m[4], m[5]);
}

bool arp_acd_input(struct stack *st, struct link *l, const struct arp_packet *p)
{
	bool is_probe = p->op == ARP_REQUEST && ip_addr_is_any(&p->sender);
	struct if_addr *a = addr_find(st, is_probe ? &p->target : &p->sender, l->ifindex);

	if (!a || a->state == IF_ADDR_DUPLICATE) /* the other host's, and that is settled */
		return false;
	if (is_probe && !if_addr_is_checked_now(a)) /* a probe of what is ours is answered, and that settles it */
		return false;
	stat_drop(st, STAT_ARP_CONFLICTS);
	if (if_addr_is_checked_now(a)) /* section 2.1.1 */
		addr_set_duplicate(a);
	else if (a->state == IF_ADDR_ASSIGNED)
		defend(a, p);
	return true;
}
