/* SPDX-License-Identifier: BSD-2-Clause */
#include "redirect.h"

#include "core.h"

enum { LIFETIME_S = 600 };

static bool is_from_first_hop(struct stack *st, uint32_t ifindex, const struct ip_addr *from, const struct ip_addr *src,
			      const struct ip_addr *dst)
{
	const struct route *r = route_lookup(st, dst, src, 0);

	return r && r->config.ifindex == ifindex && ip_addr_eq(&r->config.gateway, from);
}

bool redirect_follow(struct stack *st, uint32_t ifindex, const struct ip_addr *from, const struct ip_addr *src, const struct ip_addr *dst,
		     const struct ip_addr *gateway)
{
	struct route_config c = {
		.prefix = { *dst, 128 },
		.gateway = ip_addr_eq(gateway, dst) ? ip_addr_any(ip_addr_family(dst)) : *gateway,
		.ifindex = ifindex,
		.origin = NET_REDIRECT,
		.lifetime_s = LIFETIME_S,
	};

	if (!is_from_first_hop(st, ifindex, from, src, dst) || ip_is_local(st, gateway) || ip_is_local(st, dst) || ip_addr_eq(gateway, from))
		return false;
	route_remove_redirect(st, ifindex, dst);
	if (st->routes.redirects >= REDIRECTS_MAX) {
		stat_count(st, STAT_IP_REDIRECTS_EVICTED);
		route_remove_oldest_redirect(st);
	}
	if (stack_add_route(st, &c) < 0)
		return false;
	stat_count(st, STAT_IP_REDIRECTS);
	return true;
}
