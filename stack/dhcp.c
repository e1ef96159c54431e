/* SPDX-License-Identifier: BSD-2-Clause */
#include "dhcp.h"

#include <assert.h>

#include "checksum.h"
#include "core.h"

enum { DUID_LL = 3, HARDWARE_ETHERNET = 1, UDP_CSUM_OFFSET = 6 };

void dhcp_write_iaid(struct wire_wr *w, const uint8_t mac[6])
{
	wire_wr_bytes(w, mac + 2, DHCP_IAID_BYTES);
}

const uint8_t *dhcp_host_mac(const struct stack *st)
{
	uint32_t i = 0;

	while (i < st->links.count && st->links.links[i]->config.kind != LINK_ETHERNET)
		i++;
	assert(i < st->links.count); /* a client runs on one */
	return st->links.links[i]->config.mac;
}

void dhcp_write_duid(struct wire_wr *w, const uint8_t host_mac[6])
{
	wire_wr_u16(w, DUID_LL);
	wire_wr_u16(w, HARDWARE_ETHERNET);
	wire_wr_bytes(w, host_mac, 6);
}

void dhcp_push_udp(struct frame *f, const struct ip_addr *src, uint16_t sport, const struct ip_addr *dst, uint16_t dport)
{
	uint8_t *udp = frame_push(f, DHCP_UDP_HDR_BYTES);
	uint16_t sum;

	put_be16(udp, sport);
	put_be16(udp + 2, dport);
	put_be16(udp + 4, (uint16_t)f->len);
	put_be16(udp + UDP_CSUM_OFFSET, 0);
	sum = checksum_finish(checksum_add(checksum_pseudo(src, dst, IPPROTO_NR_UDP, f->len), f->data, f->len));
	put_be16(udp + UDP_CSUM_OFFSET, sum ? sum : 0xffff);
}
