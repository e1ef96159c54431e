/* SPDX-License-Identifier: BSD-2-Clause */
#include "dhcp6_wire.h"

#include <errno.h>
#include <string.h>

#include "dhcp.h"
#include "wire.h"

enum { NTP_SUBOPTION_SERVER_ADDRESS = 1, FQDN_SERVER_UPDATES = 1, LABEL_MAX = 63 };

/* ---- Building ---- */

/* The header of an option whose length is not known yet; end_option() fills it in. */
static uint8_t *begin_option(struct wire_wr *w, uint16_t code)
{
	wire_wr_u16(w, code);
	return wire_wr_space(w, 2);
}

static void end_option(struct wire_wr *w, uint8_t *len)
{
	if (wire_wr_ok(w))
		put_be16(len, (uint16_t)(w->p - len - 2));
}

static void put_duid(struct wire_wr *w, uint16_t code, const struct dhcp6_duid *duid)
{
	uint8_t *len;

	if (!duid || duid->len == 0)
		return;
	len = begin_option(w, code);
	wire_wr_bytes(w, duid->b, duid->len);
	end_option(w, len);
}

/* Times are 0: the client has no wish (section 18.2.1, 18.2.4). */
static void put_ia(struct wire_wr *w, const uint8_t mac[6], const struct dhcp6_ia *ia)
{
	uint8_t *len = begin_option(w, DHCP6_OPT_IA_NA), *addr_len;

	dhcp_write_iaid(w, mac);
	wire_wr_u32(w, 0);
	wire_wr_u32(w, 0);
	for (uint8_t i = 0; i < ia->count; i++) {
		addr_len = begin_option(w, DHCP6_OPT_IAADDR);
		wire_wr_bytes(w, ia->addrs[i].addr.b, 16);
		wire_wr_u32(w, 0);
		wire_wr_u32(w, 0);
		end_option(w, addr_len);
	}
	end_option(w, len);
}

/* Labels of RFC 1035 section 3.1; one that is alone is only the beginning of a name, and so not ended (RFC 4704 section 4.2). */
static bool put_name(struct wire_wr *w, const char *name)
{
	bool is_whole = strchr(name, '.');

	while (*name) {
		size_t n = strcspn(name, ".");

		if (n == 0 || n > LABEL_MAX)
			return false;
		for (size_t i = 0; i < n; i++)
			if (!dhcp_is_name_byte((uint8_t)name[i]))
				return false;
		wire_wr_u8(w, (uint8_t)n);
		wire_wr_bytes(w, name, n);
		name += n + (name[n] == '.');
	}
	if (is_whole)
		wire_wr_u8(w, 0);
	return true;
}

static bool may_name_host(const struct dhcp6_request *m)
{
	bool is_for_addresses = m->type == DHCP6_SOLICIT || m->type == DHCP6_REQUEST || m->type == DHCP6_RENEW || m->type == DHCP6_REBIND;

	return is_for_addresses && m->hostname && m->hostname[0];
}

/* RFC 4704 sections 4, 5: the server may put the name into the DNS. What is no host name is left out. */
static void put_fqdn(struct wire_wr *w, const struct dhcp6_request *m)
{
	struct wire_wr before = *w;
	uint8_t *len;

	if (!may_name_host(m))
		return;
	len = begin_option(w, DHCP6_OPT_CLIENT_FQDN);
	wire_wr_u8(w, FQDN_SERVER_UPDATES);
	if (put_name(w, m->hostname))
		end_option(w, len);
	else
		*w = before;
}

/* Section 21.7: which options are wanted; table 4 says in which messages the retransmission limits are to be asked for. */
static void put_option_request(struct wire_wr *w, const struct dhcp6_request *m)
{
	uint8_t type = m->type;
	uint8_t *len;

	if (type == DHCP6_CONFIRM || type == DHCP6_RELEASE || type == DHCP6_DECLINE)
		return;
	len = begin_option(w, DHCP6_OPT_ORO);
	wire_wr_u16(w, DHCP6_OPT_DNS_SERVERS);
	wire_wr_u16(w, DHCP6_OPT_DOMAIN_LIST);
	wire_wr_u16(w, DHCP6_OPT_NTP_SERVER);
	if (may_name_host(m)) /* RFC 4704 section 5 */
		wire_wr_u16(w, DHCP6_OPT_CLIENT_FQDN);
	if (type == DHCP6_INFORMATION_REQUEST) {
		wire_wr_u16(w, DHCP6_OPT_INFORMATION_REFRESH_TIME);
		wire_wr_u16(w, DHCP6_OPT_INF_MAX_RT);
	} else {
		wire_wr_u16(w, DHCP6_OPT_SOL_MAX_RT);
	}
	end_option(w, len);
}

size_t dhcp6_build(const struct dhcp6_request *m, uint8_t *buf, size_t room)
{
	struct wire_wr w = wire_wr_over(buf, room);

	wire_wr_u32(&w, (uint32_t)m->type << 24 | (m->xid & 0xffffff));
	put_duid(&w, DHCP6_OPT_CLIENTID, m->client);
	put_duid(&w, DHCP6_OPT_SERVERID, m->server);
	wire_wr_u16(&w, DHCP6_OPT_ELAPSED_TIME);
	wire_wr_u16(&w, 2);
	wire_wr_u16(&w, m->elapsed_cs);
	if (m->ia)
		put_ia(&w, m->mac, m->ia);
	put_option_request(&w, m);
	put_fqdn(&w, m);
	if (m->type == DHCP6_SOLICIT) {
		wire_wr_u16(&w, DHCP6_OPT_RAPID_COMMIT);
		wire_wr_u16(&w, 0);
	}
	return wire_wr_ok(&w) ? wire_wr_len(&w) : 0;
}

/* ---- Parsing ---- */

/* The next option of @r, its value in *value. False: there is none, or it is cut off. */
static bool next_option(struct wire_rd *r, uint16_t *code, struct wire_rd *value)
{
	if (wire_rd_left(r) < 4)
		return false;
	*code = wire_rd_u16(r);
	*value = wire_rd_sub(r, wire_rd_u16(r));
	return wire_rd_ok(value);
}

static void read_duid(struct wire_rd r, struct dhcp6_duid *to)
{
	size_t n = wire_rd_left(&r);

	if (to->len != 0 || n < 3 || n > DHCP6_DUID_MAX)
		return;
	to->len = (uint8_t)n;
	wire_rd_copy(&r, to->b, n);
}

static void read_servers(struct wire_rd r, struct dhcp6_servers *to)
{
	while (wire_rd_left(&r) >= 16 && to->count < DHCP6_SERVERS_MAX) {
		struct ip_addr a = ip_addr_from6(wire_rd_bytes(&r, 16));

		if (!ip_addr_is_any(&a) && !ip_addr_is_multicast(&a) && !ip_addr_is4(&a))
			to->addr[to->count++] = a;
	}
}

static void read_ntp(struct wire_rd r, struct dhcp6_servers *to)
{
	struct wire_rd value;
	uint16_t code;

	while (next_option(&r, &code, &value))
		if (code == NTP_SUBOPTION_SERVER_ADDRESS)
			read_servers(value, to);
}

static void read_domains(struct wire_rd r, struct dhcp_domains *to)
{
	size_t n = wire_rd_left(&r);

	dhcp_read_domains(wire_rd_bytes(&r, n), n, false, to);
}

/* One without a code is no success. */
static uint16_t read_status(struct wire_rd r)
{
	uint16_t code = wire_rd_u16(&r);

	return wire_rd_ok(&r) ? code : DHCP6_UNSPEC_FAIL;
}

static uint32_t read_time(struct wire_rd r, uint32_t min, uint32_t max)
{
	uint32_t v = wire_rd_left(&r) == 4 ? wire_rd_u32(&r) : 0;

	return v >= min && v <= max ? v : 0;
}

/* Section 21.6: one with a preferred lifetime longer than the valid one is not to be used. */
static void read_ia_addr(struct wire_rd r, struct dhcp6_ia *ia)
{
	struct dhcp6_addr *a = &ia->addrs[ia->count];
	struct wire_rd value;
	uint16_t code;

	wire_rd_copy(&r, a->addr.b, 16);
	a->preferred_s = wire_rd_u32(&r);
	a->valid_s = wire_rd_u32(&r);
	if (!wire_rd_ok(&r) || a->preferred_s > a->valid_s || ip_addr_is_any(&a->addr) || ip_addr_is_multicast(&a->addr) ||
	    ip_addr_is_loopback(&a->addr) || ip_addr_is_linklocal(&a->addr) || ip_addr_is4(&a->addr))
		return;
	while (next_option(&r, &code, &value))
		if (code == DHCP6_OPT_STATUS_CODE && read_status(value) != DHCP6_SUCCESS)
			return;
	ia->count++;
}

static void read_ia(struct wire_rd r, const uint8_t mac[6], struct dhcp6_ia *ia)
{
	const uint8_t *iaid = wire_rd_bytes(&r, DHCP_IAID_BYTES);
	uint32_t t1 = wire_rd_u32(&r), t2 = wire_rd_u32(&r);
	struct wire_rd value;
	uint16_t code;

	/* Section 21.4: with T1 after T2 it is as if it were not there. */
	if (!wire_rd_ok(&r) || memcmp(iaid, mac + 2, DHCP_IAID_BYTES) != 0 || (t1 > t2 && t2 > 0) || ia->is_there)
		return;
	ia->is_there = true;
	ia->t1_s = t1;
	ia->t2_s = t2;
	while (next_option(&r, &code, &value)) {
		if (code == DHCP6_OPT_IAADDR && ia->count < DHCP6_ADDRS_MAX)
			read_ia_addr(value, ia);
		else if (code == DHCP6_OPT_STATUS_CODE)
			ia->status = read_status(value);
	}
}

static void read_option(uint16_t code, struct wire_rd value, const uint8_t mac[6], struct dhcp6_reply *m)
{
	switch (code) {
	case DHCP6_OPT_CLIENTID:
		read_duid(value, &m->client);
		break;
	case DHCP6_OPT_SERVERID:
		read_duid(value, &m->server);
		break;
	case DHCP6_OPT_IA_NA:
		read_ia(value, mac, &m->ia);
		break;
	case DHCP6_OPT_PREFERENCE:
		m->preference = wire_rd_u8(&value);
		break;
	case DHCP6_OPT_STATUS_CODE:
		m->status = read_status(value);
		break;
	case DHCP6_OPT_RAPID_COMMIT:
		m->is_rapid_commit = true;
		break;
	case DHCP6_OPT_DNS_SERVERS:
		read_servers(value, &m->dns);
		break;
	case DHCP6_OPT_DOMAIN_LIST:
		read_domains(value, &m->domains);
		break;
	case DHCP6_OPT_NTP_SERVER:
		read_ntp(value, &m->ntp);
		break;
	case DHCP6_OPT_INFORMATION_REFRESH_TIME:
		m->refresh_s = read_time(value, 1, UINT32_MAX);
		break;
	case DHCP6_OPT_SOL_MAX_RT: /* sections 21.24, 21.25: from a minute to a day */
		m->sol_max_rt_s = read_time(value, 60, 86400);
		break;
	case DHCP6_OPT_INF_MAX_RT:
		m->inf_max_rt_s = read_time(value, 60, 86400);
		break;
	}
}

int dhcp6_parse(const uint8_t *data, size_t len, const uint8_t mac[6], struct dhcp6_reply *m)
{
	struct wire_rd r = wire_rd_over(data, len), value;
	uint32_t type_xid = wire_rd_u32(&r);
	uint16_t code;

	*m = (struct dhcp6_reply){ .type = (uint8_t)(type_xid >> 24), .xid = type_xid & 0xffffff };
	if (!wire_rd_ok(&r))
		return -EBADMSG;
	while (next_option(&r, &code, &value))
		read_option(code, value, mac, m);
	return 0;
}
