/* SPDX-License-Identifier: BSD-2-Clause */
#include "tcp_isn.h"

#include "wire.h"

tcp_seq tcp_isn(const struct hash_key *key, const struct ip_endpoint *local, const struct ip_endpoint *remote, uint64_t now_us)
{
	uint8_t id[16 + 16 + 2 + 2];

	memcpy(id, local->addr.b, 16);
	memcpy(id + 16, remote->addr.b, 16);
	put_be16(id + 32, local->port);
	put_be16(id + 34, remote->port);
	return (tcp_seq){ (uint32_t)hash_bytes(key, id, sizeof(id)) + (uint32_t)(now_us / 4) };
}

uint32_t tcp_ts_offset(const struct hash_key *key, const struct ip_addr *local, const struct ip_addr *remote)
{
	uint8_t id[16 + 16];

	memcpy(id, local->b, 16);
	memcpy(id + 16, remote->b, 16);
	return (uint32_t)hash_bytes(key, id, sizeof(id));
}
