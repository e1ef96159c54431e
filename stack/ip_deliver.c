/* SPDX-License-Identifier: BSD-2-Clause */
/* ip_deliver.c - the last step up, for both families: from a whole packet to whoever speaks its protocol. A new one is a line here. */
#include "ip.h"

#include "core.h"
#include "icmp4.h"
#include "icmp6.h"
#include "igmp.h"
#include "offload.h"

bool ip_deliver(struct stack *st, struct frame *f, const struct ip_rx *rx, bool is4)
{
	bool is_raw;

	if (!offload_settle(f, rx->proto, is4)) {
		stat_drop(st, STAT_LINK_DROP_OFFLOAD);
		return true;
	}
	stat_count(st, is4 ? STAT_IP4_DELIVERED : STAT_IP6_DELIVERED);
	is_raw = raw_input(st, f, rx);
	switch (rx->proto) {
	case IPPROTO_NR_TCP:
		tcp_input(st, f, rx);
		return true;
	case IPPROTO_NR_UDP:
		udp_input(st, f, rx);
		return true;
	case IPPROTO_NR_ICMP:
		if (!is4)
			break;
		icmp4_input(st, f, rx);
		return true;
	case IPPROTO_NR_IGMP:
		if (!is4)
			break;
		igmp_input(st, f, rx);
		return true;
	case IPPROTO_NR_ICMP6:
		if (is4)
			break;
		icmp6_input(st, f, rx);
		return true;
	}
	return is_raw;
}
