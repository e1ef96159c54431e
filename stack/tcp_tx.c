/* SPDX-License-Identifier: BSD-2-Clause */
/* The sending half's queues come when there is something to send and go when all of it is acknowledged. In between c->tx points to
 * an empty one that all connections share and none may write to, so that whoever only looks need not ask. */
#include "tcp_conn.h"

static const struct tcp_tx idle;

/* The shared one is never written: tcp_tx_get() comes first. */
static struct tcp_tx *shared(void)
{
	union {
		const struct tcp_tx *in;
		struct tcp_tx *out;
	} u = { &idle };

	return u.out;
}

void tcp_tx_init(struct tcp_conn *c)
{
	c->tx = shared();
}

bool tcp_tx_get(struct tcp_conn *c)
{
	struct tcp_tx *tx;

	if (c->tx != &idle)
		return true;
	tx = pool_get(&c->sk.st->tcp.txs);
	if (!tx)
		return false;
	c->tx = tx;
	return true;
}

void tcp_tx_put_if_idle(struct tcp_conn *c)
{
	if (c->tx == &idle || c->tx->sndq.head || c->tx->sndq.reserved || c->tx->rtxq.head)
		return;
	pool_put(&c->sk.st->tcp.txs, c->tx);
	c->tx = shared();
}

void tcp_tx_clear(struct tcp_conn *c)
{
	if (c->tx == &idle)
		return;
	tcp_rtxq_clear(&c->tx->rtxq, &c->sk.st->tcp.sent);
	byteq_clear(&c->tx->sndq, &c->sk.st->byteq_mem);
	tcp_tx_put_if_idle(c);
}
