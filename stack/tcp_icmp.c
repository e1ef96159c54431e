/* SPDX-License-Identifier: BSD-2-Clause */
/* ICMP errors about our segments (RFC 9293 section 3.9.2.2), believed as far as RFC 5927 advises: the quoted sequence number must be in
 * flight; and no error ends a connection that is past its handshake. */
#include "tcp_conn.h"

#include <errno.h>

#include "wire.h"

static bool is_in_flight(const struct tcp_conn *c, tcp_seq seq)
{
	return seq_ge(seq, c->snd_una) && seq_lt(seq, c->snd_nxt);
}

/* The path takes less than we thought: smaller segments from now on, and what was too large goes again (RFC 1191 section 6.4). */
static void on_smaller_mtu(struct tcp_conn *c, const struct icmp_error *e)
{
	uint16_t old = c->mss;

	ip_pmtu_learn(c->sk.st, e);
	if (!tcp_route_renew(c))
		return;
	tcp_sync_mss(c);
	if (c->mss >= old)
		return;
	stat_count(c->sk.st, STAT_TCP_PMTU_REDUCED);
	tcp_want_output(c);
}

static void on_conn_error(struct tcp_conn *c, tcp_seq seq, const struct icmp_error *e)
{
	if (!is_in_flight(c, seq)) {
		stat_count(c->sk.st, STAT_TCP_ICMP_IGNORED);
		return;
	}
	if (e->error == EMSGSIZE) {
		if (c->state != TCP_SYN_SENT && c->state != TCP_SYN_RECEIVED)
			on_smaller_mtu(c, e);
		return;
	}
	/* RFC 5927 section 5.2 lets hard errors end a connection that is being opened; Linux lets soft ones too, for the application
	 * to try the next address soon. */
	if (tcp_state_in(c, TCP_STATE_BIT(TCP_SYN_SENT) | TCP_STATE_BIT(TCP_SYN_RECEIVED))) {
		tcp_conn_fail(c, e->error, "icmp");
		return;
	}
	c->soft_error = (uint16_t)e->error;
}

void tcp_icmp_error(struct stack *st, const struct icmp_error *e)
{
	struct tcp_key key = { .local = { .addr = e->local }, .remote = { .addr = e->remote } };
	struct tcp_node *n;
	tcp_seq seq;

	if (e->l4_len < 8)
		return;
	key.local.port = get_be16(e->l4);
	key.remote.port = get_be16(e->l4 + 2);
	seq.v = get_be32(e->l4 + 4);
	if (!ip_addr_is4(&e->remote) && ip_addr_is_linklocal(&e->remote))
		key.remote.scope_id = e->ifindex;
	n = tcp_table_find(st, &key);
	if (n && n->kind == TCP_NODE_CONN) {
		on_conn_error(tcp_conn_of_node(n), seq, e);
	} else if (n && n->kind == TCP_NODE_REQ && e->error != EMSGSIZE &&
		   seq_eq(seq, container_of(n, struct tcp_req, node)->iss)) {
		tcp_req_drop(st, container_of(n, struct tcp_req, node)); /* the SYN-ACK does not get there */
	} else {
		stat_count(st, STAT_TCP_ICMP_IGNORED);
	}
}
