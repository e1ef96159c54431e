/* SPDX-License-Identifier: BSD-2-Clause */
#include "dhcp4.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "core.h"
#include "dhcp.h"
#include "ipv4ll.h"
#include "wire.h"

enum {
	FIRST_DELAY_MAX_US = 500000,
	AFTER_NAK_US = 1000000,      /* both doubled with each that follows */
	AFTER_DECLINE_US = 10000000, /* section 3.1 (5) */
	SETBACK_DOUBLINGS_MAX = 6,
	RESEND_FIRST_US = 4000000, /* section 4.1: doubled up to 64 s, each -1..+1 s */
	RESEND_DOUBLINGS_MAX = 4,
	RESEND_FUZZ_US = 1000000,
	RENEW_WAIT_MIN_US = 60000000, /* section 4.4.5 */
	REQUESTS_MAX = 4,
	REBOOT_REQUESTS_MAX = 2,
	DISCOVERS_BEFORE_LINKLOCAL = 2,
	IPV6_ONLY_WAIT_MIN_S = 300, /* MIN_V6ONLY_WAIT, RFC 8925 section 3.4 */
};

static const char *const state_names[] = {
	"init", "selecting", "requesting", "rebooting", "probing", "bound", "renewing", "rebinding",
};

static struct dhcp4 *client_of(struct stack *st, uint32_t ifindex)
{
	for (struct list *n = st->dhcp4s.next; n != &st->dhcp4s; n = n->next) {
		struct dhcp4 *c = container_of(n, struct dhcp4, link);

		if (c->ifindex == ifindex)
			return c;
	}
	return NULL;
}

/* ---- Timing ---- */

static uint64_t resend_delay_us(struct dhcp4 *c)
{
	unsigned doublings = c->tries > RESEND_DOUBLINGS_MAX ? RESEND_DOUBLINGS_MAX : c->tries > 0 ? c->tries - 1u : 0;

	return ((uint64_t)RESEND_FIRST_US << doublings) - RESEND_FUZZ_US + rng_below(&c->st->rng, 2 * RESEND_FUZZ_US + 1);
}

/* A lease ends in time, whatever is being waited for. */
static void set_timer(struct dhcp4 *c, uint64_t at_us)
{
	if (dhcp4_has_lease(c) && c->lease.expires_us < at_us)
		at_us = c->lease.expires_us;
	if (at_us == UINT64_MAX)
		timer_cancel(&c->timer);
	else
		timer_set(&c->st->wheel, &c->timer, at_us);
}

/* ---- States ---- */

static void set_state(struct dhcp4 *c, enum dhcp4_state state, const char *why)
{
	stack_log(c->st, STACK_LOG_DEBUG, "dhcp4.state ifindex=%u from=%s to=%s why=%s", c->ifindex, state_names[c->state],
		  state_names[state], why);
	c->state = (uint8_t)state;
	c->tries = 0;
	c->asked_us = c->st->now_us;
}

static void begin_after(struct dhcp4 *c, uint64_t delay_us, const char *why)
{
	set_state(c, DHCP4_INIT, why);
	set_timer(c, c->st->now_us + delay_us);
}

/* Servers that refuse, or offer what is another host's, are asked ever more slowly. */
static void begin_after_setback(struct dhcp4 *c, uint64_t delay_us, const char *why)
{
	begin_after(c, delay_us << c->setbacks, why);
	if (c->setbacks < SETBACK_DOUBLINGS_MAX)
		c->setbacks++;
}

/* Send the message of this state and wait for the answer. */
static void ask(struct dhcp4 *c, enum dhcp4_type type)
{
	if (c->tries < UINT8_MAX)
		c->tries++;
	dhcp4_send(c, type);
	set_timer(c, c->st->now_us + resend_delay_us(c));
}

static void begin_attempt(struct dhcp4 *c)
{
	c->xid = (uint32_t)rng_u64(&c->st->rng);
	c->began_us = c->st->now_us;
}

static void discover(struct dhcp4 *c, const char *why)
{
	begin_attempt(c);
	set_state(c, DHCP4_SELECTING, why);
	ask(c, DHCP4_DISCOVER);
}

static void reboot(struct dhcp4 *c, const char *why)
{
	begin_attempt(c);
	set_state(c, DHCP4_REBOOTING, why);
	ask(c, DHCP4_REQUEST);
}

/* Half of what is left until @end, but not less than a minute, and not past it (section 4.4.5). */
static void ask_until(struct dhcp4 *c, uint64_t end_us)
{
	uint64_t now = c->st->now_us, wait = (end_us - now) / 2;

	if (c->tries < UINT8_MAX)
		c->tries++;
	dhcp4_send(c, DHCP4_REQUEST);
	if (wait < RENEW_WAIT_MIN_US)
		wait = RENEW_WAIT_MIN_US;
	set_timer(c, now + wait < end_us ? now + wait : end_us);
}

static void renew(struct dhcp4 *c)
{
	if (c->state != DHCP4_RENEWING) {
		begin_attempt(c);
		set_state(c, DHCP4_RENEWING, "t1");
	}
	ask_until(c, c->lease.t2_us);
}

static void rebind(struct dhcp4 *c)
{
	if (c->state != DHCP4_REBINDING)
		set_state(c, DHCP4_REBINDING, "t2");
	ask_until(c, c->lease.expires_us);
}

static void lose_lease(struct dhcp4 *c, const char *why)
{
	char text[IP_PREFIX_TEXT_MAX];

	stack_log(c->st, STACK_LOG_WARNING, "dhcp4.lost ifindex=%u addr=%s why=%s", c->ifindex,
		  ip_prefix_print(&c->lease.addr, text), why);
	dhcp4_lease_withdraw(c);
}

/* RFC 3927 section 1.9: not while there is a better address, and no address can be probed on a link that is down. */
static bool may_take_linklocal(const struct dhcp4 *c)
{
	return c->may_autoconfigure && !dhcp4_has_lease(c) && !link_by_ifindex(c->st, c->ifindex)->is_down &&
	       !addr_has_static4(c->st, c->ifindex);
}

static void on_select_timer(struct dhcp4 *c)
{
	if (c->tries >= DISCOVERS_BEFORE_LINKLOCAL && may_take_linklocal(c))
		ipv4ll_start(c->st, c->ifindex);
	ask(c, DHCP4_DISCOVER);
}

static void on_renew_timer(struct dhcp4 *c, uint64_t now_us)
{
	if (now_us >= c->lease.t2_us)
		rebind(c);
	else
		renew(c);
}

static void on_timer(struct timer *t, uint64_t now_us)
{
	struct dhcp4 *c = container_of(t, struct dhcp4, timer);

	if (dhcp4_has_lease(c) && now_us >= c->lease.expires_us) {
		lose_lease(c, "expired");
		discover(c, "expired");
		return;
	}
	switch ((enum dhcp4_state)c->state) {
	case DHCP4_INIT:
		if (ip_addr_is_any(&c->wanted))
			discover(c, "begin");
		else
			reboot(c, "begin");
		break;
	case DHCP4_SELECTING:
		on_select_timer(c);
		break;
	case DHCP4_REQUESTING:
		if (c->tries < REQUESTS_MAX)
			ask(c, DHCP4_REQUEST);
		else
			discover(c, "no_answer");
		break;
	case DHCP4_REBOOTING:
		if (c->tries < REBOOT_REQUESTS_MAX)
			ask(c, DHCP4_REQUEST);
		else
			discover(c, "no_answer");
		break;
	case DHCP4_PROBING:
		break;
	case DHCP4_BOUND:
	case DHCP4_RENEWING:
	case DHCP4_REBINDING:
		on_renew_timer(c, now_us);
		break;
	}
}

/* ---- Answers ---- */

static bool is_usable(const struct ip_addr *a)
{
	return !ip_addr_is_any(a) && !ip_addr_is_multicast(a) && !ip_addr_is_broadcast(a) && !ip_addr_is_loopback(a) &&
	       ip_addr_v4(a)[0] != 0 && ip_addr_v4(a)[0] < 224;
}

/* RFC 8925 section 3.2: no IPv4 here for a time, not even an address of 169.254/16. False: it is not for us. */
static bool wait_for_ipv6_only(struct dhcp4 *c, const struct dhcp4_reply *m)
{
	uint32_t wait_s = m->ipv6_only_s < IPV6_ONLY_WAIT_MIN_S ? IPV6_ONLY_WAIT_MIN_S : m->ipv6_only_s;

	if (!m->has_ipv6_only || !c->st->tunables.dhcp_ipv6_only)
		return false;
	ipv4ll_stop(c->st, c->ifindex);
	if (dhcp4_has_lease(c)) {
		dhcp4_send(c, DHCP4_RELEASE);
		lose_lease(c, "ipv6_only");
	}
	stack_log(c->st, STACK_LOG_NOTICE, "dhcp4.ipv6_only ifindex=%u wait_s=%u", c->ifindex, wait_s);
	begin_after(c, (uint64_t)wait_s * 1000000, "ipv6_only");
	return true;
}

static void on_offer(struct dhcp4 *c, const struct dhcp4_reply *m)
{
	if (c->state != DHCP4_SELECTING) {
		stat_drop(c->st, STAT_DHCP4_DROP_UNASKED);
		return;
	}
	if (wait_for_ipv6_only(c, m))
		return;
	if (ip_addr_is_any(&m->yiaddr) && m->auto_configure >= 0) { /* RFC 2563 section 2.3: no address here, and this is why */
		c->may_autoconfigure = c->linklocal && m->auto_configure;
		if (!c->may_autoconfigure)
			ipv4ll_stop(c->st, c->ifindex);
		return;
	}
	if (!is_usable(&m->yiaddr) || ip_addr_is_any(&m->server)) {
		stat_drop(c->st, STAT_DHCP4_DROP_INCOMPLETE);
		return;
	}
	c->wanted = m->yiaddr;
	c->server = m->server;
	set_state(c, DHCP4_REQUESTING, "offer");
	ask(c, DHCP4_REQUEST);
}

static bool is_addr_usable(const struct dhcp4 *c)
{
	const struct if_addr *a = addr_find(c->st, &c->lease.addr.addr, c->ifindex);

	return a && if_addr_is_usable(a);
}

static void be_bound(struct dhcp4 *c, bool is_new)
{
	char addr[IP_PREFIX_TEXT_MAX], server[IP_ADDR_TEXT_MAX];

	ipv4ll_stop(c->st, c->ifindex); /* RFC 3927 section 1.9 */
	set_state(c, DHCP4_BOUND, "ack");
	set_timer(c, c->lease.t1_us);
	stack_log(c->st, is_new ? STACK_LOG_NOTICE : STACK_LOG_DEBUG, "dhcp4.bound ifindex=%u addr=%s server=%s lease_s=%u", c->ifindex,
		  ip_prefix_print(&c->lease.addr, addr), ip_addr_print(&c->lease.server, server), c->lease.lease_s);
}

static void on_ack(struct dhcp4 *c, const struct dhcp4_reply *m)
{
	bool is_new = c->state == DHCP4_REQUESTING || c->state == DHCP4_REBOOTING;
	struct dhcp4_lease lease;

	if (wait_for_ipv6_only(c, m))
		return;
	if (!is_usable(&m->yiaddr) || !dhcp4_lease_read(c, m, &lease)) {
		stat_drop(c->st, STAT_DHCP4_DROP_INCOMPLETE);
		return;
	}
	c->may_autoconfigure = c->linklocal;
	if (!is_new)
		c->setbacks = 0;
	dhcp4_lease_apply(c, &lease);
	c->wanted = lease.addr.addr;
	if (is_addr_usable(c)) {
		be_bound(c, is_new);
		return;
	}
	set_state(c, DHCP4_PROBING, "ack");
	set_timer(c, UINT64_MAX);
}

static void on_nak(struct dhcp4 *c, const struct dhcp4_reply *m)
{
	if (ip_addr_is_any(&m->server)) { /* table 3 */
		stat_drop(c->st, STAT_DHCP4_DROP_INCOMPLETE);
		return;
	}
	stat_count(c->st, STAT_DHCP4_NAKS);
	if (dhcp4_has_lease(c))
		lose_lease(c, "nak");
	c->wanted = ip_addr_any(AF_INET);
	begin_after_setback(c, AFTER_NAK_US, "nak");
}

static bool awaits_request_answer(const struct dhcp4 *c)
{
	return c->state == DHCP4_REQUESTING || c->state == DHCP4_REBOOTING || c->state == DHCP4_RENEWING ||
	       c->state == DHCP4_REBINDING;
}

/* Only the server that was asked may answer: the chosen one, or, when all were asked, any. */
static bool is_from_whom_we_asked(const struct dhcp4 *c, const struct dhcp4_reply *m)
{
	if (c->state == DHCP4_REQUESTING)
		return ip_addr_eq(&m->server, &c->server);
	if (c->state == DHCP4_RENEWING)
		return ip_addr_is_any(&m->server) || ip_addr_eq(&m->server, &c->lease.server);
	return true;
}

static bool is_for_us(struct dhcp4 *c, const struct dhcp4_reply *m)
{
	const struct link *l = link_by_ifindex(c->st, c->ifindex);

	if (m->xid != c->xid || memcmp(m->mac, l->config.mac, sizeof(m->mac)) != 0)
		return false;
	return !m->has_client_id || (m->client_id_len == c->client_id_len &&
				     memcmp(m->client_id, c->client_id, c->client_id_len) == 0); /* RFC 6842 section 3 */
}

static void on_reply(struct dhcp4 *c, const struct dhcp4_reply *m)
{
	if (!is_for_us(c, m)) {
		stat_drop(c->st, STAT_DHCP4_DROP_NOT_OURS);
		return;
	}
	if (m->type == DHCP4_OFFER) {
		on_offer(c, m);
		return;
	}
	if (!awaits_request_answer(c) || (m->type != DHCP4_ACK && m->type != DHCP4_NAK) || !is_from_whom_we_asked(c, m)) {
		stat_drop(c->st, STAT_DHCP4_DROP_UNASKED);
		return;
	}
	if (m->type == DHCP4_ACK)
		on_ack(c, m);
	else
		on_nak(c, m);
}

bool dhcp4_input(struct stack *st, const struct ip_rx *rx, uint16_t sport, uint16_t dport, const uint8_t *data, size_t len)
{
	struct dhcp4 *c = dport == DHCP4_CLIENT_PORT && ip_addr_is4(&rx->dst) ? client_of(st, rx->ifindex) : NULL;
	struct dhcp4_reply m;

	if (!c)
		return false;
	stat_count(st, STAT_DHCP4_IN);
	if (sport != DHCP4_SERVER_PORT || dhcp4_parse(data, len, &m) < 0 || m.type == 0)
		stat_drop(st, STAT_DHCP4_DROP_MALFORMED);
	else
		on_reply(c, &m);
	return true;
}

bool dhcp4_may_want(struct stack *st, uint32_t ifindex, const uint8_t *l4, size_t len)
{
	return len >= 8 && get_be16(l4) == DHCP4_SERVER_PORT && get_be16(l4 + 2) == DHCP4_CLIENT_PORT && client_of(st, ifindex);
}

/* ---- What happens around it ---- */

void dhcp4_on_conflict(struct stack *st, uint32_t ifindex, const struct ip_addr *addr)
{
	struct dhcp4 *c = client_of(st, ifindex);

	if (!c || !dhcp4_has_lease(c) || !ip_addr_eq(&c->lease.addr.addr, addr))
		return;
	dhcp4_send(c, DHCP4_DECLINE);
	lose_lease(c, "conflict");
	c->wanted = ip_addr_any(AF_INET);
	begin_after_setback(c, AFTER_DECLINE_US, "conflict");
}

void dhcp4_on_addr_checked(struct stack *st, uint32_t ifindex, const struct ip_addr *addr)
{
	struct dhcp4 *c = client_of(st, ifindex);

	if (c && c->state == DHCP4_PROBING && ip_addr_eq(&c->lease.addr.addr, addr))
		be_bound(c, true);
}

void dhcp4_on_link_up(struct stack *st, uint32_t ifindex)
{
	struct dhcp4 *c = client_of(st, ifindex);

	if (!c)
		return;
	c->may_autoconfigure = c->linklocal;
	c->setbacks = 0;
	begin_after(c, rng_below(&st->rng, FIRST_DELAY_MAX_US), "link_up");
}

/* RFC 4361 section 6.1: type 255, then what DHCPv6 uses too. */
static void make_client_id(struct dhcp4 *c, const struct link *l)
{
	struct wire_wr w = wire_wr_over(c->client_id, sizeof(c->client_id));

	wire_wr_u8(&w, 255);
	dhcp_write_iaid(&w, l->config.mac);
	dhcp_write_duid(&w, dhcp_host_mac(c->st));
	c->client_id_len = (uint8_t)wire_wr_len(&w);
}

int stack_dhcp4_start(struct stack *st, uint32_t ifindex, const struct dhcp4_config *config, uint64_t now_us)
{
	struct link *l = link_by_ifindex(st, ifindex);
	struct dhcp4 *c;

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
	*c = (struct dhcp4){ .st = st, .ifindex = ifindex, .linklocal = config->linklocal, .may_autoconfigure = config->linklocal };
	c->wanted = is_usable(&config->last_addr) ? config->last_addr : ip_addr_any(AF_INET);
	snprintf(c->hostname, sizeof(c->hostname), "%s", config->hostname);
	make_client_id(c, l);
	timer_init(&c->timer, on_timer);
	list_append(&st->dhcp4s, &c->link);
	begin_after(c, rng_below(&st->rng, FIRST_DELAY_MAX_US), "start");
	return 0;
}

static void release(struct dhcp4 *c)
{
	timer_cancel(&c->timer);
	list_remove(&c->link);
	mem_free(&c->st->mem, c);
}

int stack_dhcp4_stop(struct stack *st, uint32_t ifindex, uint64_t now_us)
{
	struct dhcp4 *c = client_of(st, ifindex);

	st->now_us = now_us;
	if (!c)
		return -ESRCH;
	if (dhcp4_has_lease(c)) {
		begin_attempt(c);
		dhcp4_send(c, DHCP4_RELEASE);
		dhcp4_lease_withdraw(c);
	}
	ipv4ll_stop(st, ifindex);
	release(c);
	return 0;
}

int stack_dhcp4_info(struct stack *st, uint32_t ifindex, struct dhcp4_info *info)
{
	const struct dhcp4 *c = client_of(st, ifindex);

	if (!c)
		return -ESRCH;
	*info = (struct dhcp4_info){ .state = state_names[c->state] };
	if (!dhcp4_has_lease(c))
		return 0;
	info->addr = c->lease.addr;
	info->server = c->lease.server;
	info->t1_us = c->lease.t1_us;
	info->t2_us = c->lease.t2_us;
	info->expires_us = c->lease.expires_us;
	info->mtu = c->lease.mtu;
	info->dns_count = c->lease.dns.count;
	memcpy(info->dns, c->lease.dns.addr, sizeof(info->dns));
	info->ntp_count = c->lease.ntp.count;
	memcpy(info->ntp, c->lease.ntp.addr, sizeof(info->ntp));
	info->domains = c->lease.domains;
	return 0;
}

void dhcp4_fini(struct stack *st)
{
	if (!st->dhcp4s.next)
		return;
	while (!list_is_empty(&st->dhcp4s))
		release(container_of(st->dhcp4s.next, struct dhcp4, link));
}
